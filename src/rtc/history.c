#include "history.h"

#include <stdlib.h>

bool history_init(struct history *h, uint16_t first_seq)
{
    *h = (struct history) { .slots = calloc(HISTORY_SLOTS, sizeof(struct history_slot)), .next_seq = first_seq };
    return h->slots;
}

void history_finish(struct history *h)
{
    free(h->slots);
    *h = (struct history) { 0 };
}

static struct history_slot *slot_of(struct history *h, uint16_t seq) { return &h->slots[seq % HISTORY_SLOTS]; }

struct history_slot *history_claim(struct history *h)
{
    if (h->waiting == HISTORY_SLOTS)
        return NULL;
    struct history_slot *slot = slot_of(h, h->next_seq);
    slot->seq     = h->next_seq;
    slot->size    = 0;
    slot->resends = 0;
    slot->sent_us = -1;
    return slot;
}

void history_commit(struct history *h, struct history_slot *slot, size_t size)
{
    slot->size = (uint16_t)size;
    h->next_seq++;
    h->waiting++;
    h->waiting_bytes += size;
}

void history_rewind(struct history *h, uint32_t count)
{
    while (h->waiting > count) {
        struct history_slot *slot = slot_of(h, --h->next_seq);
        h->waiting--;
        h->waiting_bytes -= slot->size;
        slot->size = 0;
    }
}

struct history_slot *history_front(struct history *h)
{
    return h->waiting ? slot_of(h, (uint16_t)(h->next_seq - h->waiting)) : NULL;
}

void history_mark_sent(struct history *h, struct history_slot *slot, int64_t now_us)
{
    slot->sent_us   = now_us;
    slot->resent_us = now_us; // counts as the first of the "not twice within a round trip"
    h->waiting--;
    h->waiting_bytes -= slot->size;
}

enum history_answer history_nack(struct history *h, uint16_t seq, int64_t now_us, int64_t rtt_us,
                                 struct history_slot **out)
{
    struct history_slot *slot = slot_of(h, seq);
    if (slot->size == 0 || slot->seq != seq)
        return HISTORY_MISSING;
    // The first copy was sent at least half a round trip ago if the peer misses it; a repeat gets a whole one.
    int64_t pause = slot->resends ? rtt_us : rtt_us / 2;
    if (slot->sent_us < 0 || now_us - slot->resent_us < pause || slot->resends >= HISTORY_MAX_RESENDS)
        return HISTORY_SUPPRESSED;
    slot->resends++;
    slot->resent_us = now_us;
    *out = slot;
    return HISTORY_RESEND;
}
