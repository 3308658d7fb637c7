// RTP packets (RFC 3550) with one-byte header extensions (RFC 8285). No state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

#define RTP_HEADER_SIZE 12
#define RTP_MAX_EXTENSIONS 8

struct rtp_extension {
    uint8_t id;   // 1 to 14
    uint8_t size; // 1 to 16
    const uint8_t *data;
};

struct rtp_packet {
    uint8_t payload_type;
    bool marker;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    struct rtp_extension extension[RTP_MAX_EXTENSIONS];
    size_t extension_count;
    const uint8_t *payload; // padding taken off
    size_t payload_size, padding_size;
};

// RTC_OK or RTC_ERR_MALFORMED; borrows data. Extensions beyond RTP_MAX_EXTENSIONS and of the two-byte form are skipped.
int rtp_parse(struct rtp_packet *p, const uint8_t *data, size_t size);
const struct rtp_extension *rtp_find_extension(const struct rtp_packet *p, uint8_t id);

// Which extensions every packet carries, and where they lie: the layout is the same for all packets of a stream, so
// that what is known only when sending (transport sequence number, send time) can be patched in.
struct rtp_layout {
    uint8_t bytes[64];  // from the extension header on, a template
    size_t size;        // multiple of 4; 0 = no extension
    size_t transport_cc_at, abs_send_time_at; // offsets from the start of the packet; 0 = absent
};

struct rtp_layout_params {
    uint8_t mid_id, transport_cc_id, abs_send_time_id, playout_delay_id; // 0 = leave out
    const char *mid;
    uint16_t playout_min_10ms, playout_max_10ms; // 12 bits each
};

void rtp_layout_init(struct rtp_layout *l, const struct rtp_layout_params *params);
static inline size_t rtp_layout_header(const struct rtp_layout *l) { return RTP_HEADER_SIZE + l->size; }

// Writes header and extensions to data[0, rtp_layout_header).
void rtp_write_header(uint8_t *data, const struct rtp_layout *l, uint8_t payload_type, bool marker, uint16_t seq,
                      uint32_t timestamp, uint32_t ssrc);
void rtp_patch_send(uint8_t *data, const struct rtp_layout *l, uint16_t transport_seq, int64_t now_us);

// a is newer than b, by half the circle.
static inline bool rtp_seq_newer(uint16_t a, uint16_t b) { return a != b && (uint16_t)(a - b) < 0x8000; }
