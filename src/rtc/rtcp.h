// RTCP (RFC 3550, RFC 4585, RFC 5104, REMB, transport-wide feedback): one iterator over compound packets, one writer.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "rtc.h"

enum rtcp_type {
    RTCP_SR    = 200,
    RTCP_RR    = 201,
    RTCP_SDES  = 202,
    RTCP_BYE   = 203,
    RTCP_APP   = 204,
    RTCP_RTPFB = 205,
    RTCP_PSFB  = 206,
    RTCP_XR    = 207,
};
enum rtcp_rtpfb { RTCP_FB_NACK = 1, RTCP_FB_TRANSPORT_CC = 15 };
enum rtcp_psfb { RTCP_FB_PLI = 1, RTCP_FB_FIR = 4, RTCP_FB_AFB = 15 };

struct rtcp_packet {
    uint8_t type;  // enum rtcp_type, or one we do not know
    uint8_t count; // reports, sources or feedback format
    uint32_t ssrc; // sender; 0 when the packet has none (an empty BYE)
    uint32_t media_ssrc; // feedback only
    struct cursor body;  // what follows those
};

// The next packet of a compound; false at the end or, with c->bad set, at malformed data. Padding is taken off.
bool rtcp_next(struct cursor *c, struct rtcp_packet *out);

struct rtcp_report { // one report block of SR or RR
    uint32_t ssrc;
    uint8_t fraction_lost; // of 256
    int32_t lost;          // signed, 24 bits on the wire
    uint32_t highest_seq, jitter, last_sr, delay_since_last_sr; // the last: 1/65536 s
};
struct rtcp_sender_info {
    uint64_t ntp;
    uint32_t rtp_timestamp, packets, octets;
};
// First of an SR's body.
bool rtcp_sender_info(struct rtcp_packet *p, struct rtcp_sender_info *out);
// Call p->count times at most; false at the end.
bool rtcp_next_report(struct rtcp_packet *p, struct rtcp_report *out);
// Every sequence number of a NACK in turn: keep *state at 0 at first.
bool rtcp_next_nack(struct rtcp_packet *p, uint32_t *state, uint16_t *seq);
struct rtcp_fir {
    uint32_t ssrc;
    uint8_t seq;
};
bool rtcp_next_fir(struct rtcp_packet *p, struct rtcp_fir *out);
// REMB's bit rate; false when the AFB is something else.
bool rtcp_remb(const struct rtcp_packet *p, uint64_t *bps);

// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), packet by packet.
struct rtcp_tcc {
    uint16_t base_seq, status_count;
    uint32_t reference_64ms; // 24 bits
    uint8_t feedback_count;
    // iteration
    struct cursor chunks, deltas;
    uint16_t done;
    uint16_t chunk;      // current
    uint16_t chunk_left; // symbols left in it
    int64_t time_us;     // of the last received packet, from the reference on
};
struct rtcp_tcc_packet {
    uint16_t seq;
    bool received;
    int64_t arrival_us; // on the receiver's clock, wraps with the 24-bit reference (about 12 days)
};
// RTC_OK, or RTC_ERR_MALFORMED: then nothing of it may be used. Validates the whole packet.
int rtcp_tcc_begin(struct rtcp_tcc *t, const struct rtcp_packet *p);
bool rtcp_tcc_next(struct rtcp_tcc *t, struct rtcp_tcc_packet *out);

// ---- writing: into a bounded writer, one packet each
void rtcp_write_sr(struct writer *w, uint32_t ssrc, const struct rtcp_sender_info *info);
void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_report *reports, size_t count);
void rtcp_write_sdes_cname(struct writer *w, uint32_t ssrc, const char *cname); // at most 255 characters
void rtcp_write_bye(struct writer *w, const uint32_t *ssrcs, size_t count);
void rtcp_write_pli(struct writer *w, uint32_t ssrc, uint32_t media_ssrc);
void rtcp_write_nack(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs, size_t count);
// Arrival times of seqs base..base+count-1, <0 = not received; encodes deltas of 250 us.
void rtcp_write_tcc(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t feedback_count, uint16_t base,
                    const int64_t *arrival_us, size_t count);

// NTP short form, the middle 32 bits: for round trips.
static inline uint32_t rtcp_ntp_short(uint64_t ntp) { return (uint32_t)(ntp >> 16); }
uint64_t rtcp_ntp_from_us(int64_t unix_us);
