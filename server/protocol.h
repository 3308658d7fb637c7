// The envelope of application messages: decoding with limits, encoding with framing and trimming.
// No state, no I/O.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define PROTOCOL_CAP 60000     // bytes handed to ovstream_send_message, framing included
#define PROTOCOL_MIN_CAP 1024  // smallest max_bytes that counts
#define PROTOCOL_MAX_INBOUND (1024 * 1024)
#define PROTOCOL_MAX_DEPTH 64
#define PROTOCOL_MAX_ITEMS 100000

/**
 * Find the application message in what a client sent.
 *
 * @param data   Not NUL terminated; may be anything.
 * @param framed Set to whether it came in an outer frame.
 * @param why    Set to a short reason when NULL is returned, or to NULL for messages that are to be
 *               ignored without a word.
 * @return       An object with a string "event_type" and an object "payload"; the caller's reference.
 */
json_t *protocol_decode(const char *data, size_t size, bool *framed, const char **why);

/**
 * Encode a message so that it fits into a cap; long lists and property sets are trimmed and marked.
 *
 * @param payload   Borrowed and left unchanged; NULL = {}.
 * @param max_bytes A client's wish, 0 = none; it can only lower the cap.
 * @param size      Set to the length of the result.
 * @return          malloc'ed UTF-8, or NULL when out of memory.
 */
char *protocol_encode(const char *event_type, json_t *payload, bool framed, long long max_bytes, size_t *size);

// "/" or "/Name/Name": copies the path without a trailing slash into out. False: not a prim path.
bool protocol_prim_path(json_t *value, char *out, size_t out_size);
// JSON for a number that may be NaN or infinite.
json_t *protocol_number(double v);
