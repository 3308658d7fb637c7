// The records of docs/input-wire.md.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ovstream/ovstream_types.h"

struct input_sink {
    void (*event)(void *user, const ovstream_input_event_t *event);
    void (*text)(void *user, const char *text, size_t size); // valid UTF-8
    void *user;
};

struct input_result {
    size_t records; // delivered
    size_t dropped; // 1 when the message ended in something malformed, plus records with values outside their rules
};

/**
 * Decode one binary message of the "input" channel.
 *
 * @param data           size bytes, of any content.
 * @param width, height  Of the stream, at least 1; coordinates are clamped to it.
 */
struct input_result input_decode(const void *data, size_t size, uint32_t width, uint32_t height,
                                 const struct input_sink *sink);
