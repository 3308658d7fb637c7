// Messages on their way to the clients: one queue, one sending thread, so that their order on the wire
// is the order of the calls. Any thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct outbox;

// Hands one message to the streaming library. client 0 = all. Returns false when it was not sent.
typedef bool outbox_send_fn(void *user, uint64_t client, const char *text, size_t size);

struct outbox *outbox_create(enum framing framing, bool legacy_events, outbox_send_fn *send, void *user);
void outbox_destroy(struct outbox **outbox); // what is still queued is dropped

// Takes over payload (NULL = {}). Dropped while nobody is connected. max_bytes 0 = the normal cap.
void outbox_post(struct outbox *o, uint64_t client, const char *event_type, json_t *payload);
void outbox_post_capped(struct outbox *o, uint64_t client, const char *event_type, json_t *payload, long long max_bytes);

/**
 * Post a viewerError and log it; equal codes at most once per second.
 *
 * @param code       A string literal.
 * @param detail     Taken over; NULL = none.
 * @param request_id Borrowed; NULL = none.
 */
void outbox_error(struct outbox *o, uint64_t client, const char *code, const char *message, json_t *detail,
                  json_t *request_id);

// The number of clients. At 0 the queue is emptied and the framing learned is forgotten.
void outbox_set_clients(struct outbox *o, int count);
// What an application message of a client looked like, for FRAMING_AUTO.
void outbox_saw_framing(struct outbox *o, bool framed);
// Wait until the queue is empty, or so many milliseconds.
void outbox_flush(struct outbox *o, int timeout_ms);
