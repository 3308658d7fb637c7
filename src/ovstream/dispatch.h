// The thread that runs a server's callbacks, one at a time and in order, so that no callback blocks the network.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovstream/ovstream.h"

struct dispatcher;

enum dispatch_kind { DISPATCH_CONNECTED, DISPATCH_DISCONNECTED, DISPATCH_MESSAGE, DISPATCH_INPUT, DISPATCH_UNICODE,
                     DISPATCH_INPUT_TEXT };

struct dispatcher *dispatcher_create(ovstream_server_t *server); // NULL: no memory, no thread
// Runs what is queued, waits for it, frees. *d may be NULL; left NULL. Not from inside a callback.
void dispatcher_destroy(struct dispatcher **d);

/**
 * Queue one callback. data is copied: text, or one ovstream_input_event_t; unused for connections.
 *
 * @return  false: the queue is full (callbacks are too slow) or memory is short, and the event is lost. Connections are
 *          never refused for a full queue.
 *
 * Any thread.
 */
bool dispatcher_push(struct dispatcher *d, enum dispatch_kind kind, uint64_t client, const void *data, size_t size);

// Whether the calling thread is inside a callback of this server; and for which client (0 outside).
bool dispatch_inside(const ovstream_server_t *server);
uint64_t dispatch_client(const ovstream_server_t *server);
