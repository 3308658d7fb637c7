// The ring of RTP packets of one stream: those that wait for the pacer, then those kept for retransmission (RFC 4585 NACK).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

#define HISTORY_SLOTS 2048 // 2 s at 10 Mbit/s; 2.5 MB per peer, touched only as far as used
#define HISTORY_MAX_RESENDS 8

struct history_slot {
    uint16_t seq;
    uint16_t size;    // whole packet; 0 = never used
    uint8_t resends;
    bool keyframe;
    int64_t sent_us;  // first transmission; negative = still waiting
    int64_t resent_us;
    uint8_t data[RTC_MTU];
};

struct history {
    struct history_slot *slots; // HISTORY_SLOTS
    uint16_t next_seq; // of the next packet to be put in
    uint32_t waiting;  // packets at the end that were not sent yet
    size_t waiting_bytes;
};

bool history_init(struct history *h, uint16_t first_seq);
void history_finish(struct history *h);

// The slot for the next packet, its seq set; NULL when every slot holds a packet that still waits. The caller fills data and
// then calls history_commit.
struct history_slot *history_claim(struct history *h);
void history_commit(struct history *h, struct history_slot *slot, size_t size);
// Takes back the waiting packets from `count` on: the sequence numbers are used again.
void history_rewind(struct history *h, uint32_t count);
// The oldest waiting packet, or NULL.
struct history_slot *history_front(struct history *h);
void history_mark_sent(struct history *h, struct history_slot *slot, int64_t now_us);

enum history_answer { HISTORY_RESEND, HISTORY_MISSING, HISTORY_SUPPRESSED };
// May this packet be sent again? Not twice within a round trip, not if it still waits, not for ever.
enum history_answer history_nack(struct history *h, uint16_t seq, int64_t now_us, int64_t rtt_us,
                                 struct history_slot **out);
