// The streaming server and the two rotating display buffers: every call of the ovstream API is in
// stream.c. Extensions are looked up at run time and are optional.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"
#include "ovstream/ovstream.h"
#include "ovstream/ovstream_ext.h"

struct stream;

// Called on threads of the library. client 0 = the library does not tell.
struct stream_events {
    void (*connection)(void *user, uint64_t client, bool connected);
    void (*message)(void *user, uint64_t client, const char *text, size_t size);
    void (*input)(void *user, const ovstream_input_event_t *event);
};

// Allocates the buffers; nothing is started. The picture is opaque black.
struct stream *stream_create(const struct options *o, const struct stream_events *events, void *user);
void stream_destroy(struct stream **s);
/** Initialise the library, create the server, set the callbacks, start. False with one line in error. */
bool stream_start(struct stream *s, char *error, size_t error_size);
/** Stop and destroy the server. Not from a callback. */
void stream_stop(struct stream *s);
/** Once, at the end of the process. */
void stream_shutdown_library(struct stream *s);

/**
 * Fill the back buffer and make it the picture to send.
 *
 * @param fill  Writes width x height BGRA8; when it returns false the last good picture stays.
 * @return      What fill returned. The caller then submits.
 */
bool stream_draw(struct stream *s, bool (*fill)(void *user, uint8_t *bgra), void *user);
/** Send the picture (again). One thread at a time gets in; false when the library refused it. */
bool stream_submit(struct stream *s);
int64_t stream_last_submit_ns(struct stream *s);
bool stream_has_picture(struct stream *s); // drawn at least once
void stream_black(struct stream *s);       // the picture is opaque black again

bool stream_send(struct stream *s, uint64_t client, const char *text, size_t size);
void stream_hint_rest(struct stream *s, bool at_rest);
bool stream_stats(struct stream *s, ovstream_ext_stats_t *out); // false: not available
int stream_signal_port(struct stream *s);                       // in use now, else the configured one
// Copy the picture (width * height * 4 bytes), for snapshots and tests.
void stream_copy_picture(struct stream *s, uint8_t *out);
uint64_t stream_submitted(struct stream *s);
