// H.264 access units into RTP payloads (RFC 6184). No state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

// The next NAL unit of Annex B data, start code taken off. *at starts at 0. False at the end.
struct h264_nal {
    const uint8_t *data;
    size_t size; // at least 1
};
bool h264_next_nal(const uint8_t *data, size_t size, size_t *at, struct h264_nal *out);

// Receives one RTP payload in up to two pieces: `head` (FU or STAP bytes, may be empty) followed by `body`; both are
// valid until it returns. `last` marks the end of the access unit. False stops.
typedef bool h264_emit_fn(void *user, const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size,
                          bool last);

/**
 * Split one H.264 access unit into RTP payloads, packetization-mode 1 (RFC 6184 sections 5.6 to 5.8): small NAL units that
 * follow one another (SPS, PPS, SEI) share a STAP-A, large ones become FU-A of equal size, the rest stand alone.
 * Access unit delimiters and filler data are left out.
 *
 * @param au, size     Annex B bytes.
 * @param max_payload  Bytes one payload may have, at least 64.
 * @return             Payloads emitted (>= 1), RTC_ERR_INVALID if there is no NAL unit to send, RTC_ERR_FULL if emit
 *                     stopped.
 */
int h264_packetize(const uint8_t *au, size_t size, size_t max_payload, h264_emit_fn *emit, void *user);
