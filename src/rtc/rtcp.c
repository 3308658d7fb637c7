#include "rtcp.h"

#include <string.h>

bool rtcp_next(struct cursor *c, struct rtcp_packet *out)
{
    if (cur_left(c) == 0)
        return false;
    uint8_t head  = cur_u8(c);
    uint8_t type  = cur_u8(c);
    uint16_t words = cur_u16be(c);
    struct cursor body = cur_sub(c, (size_t)words * 4);
    *out = (struct rtcp_packet) { .type = type, .count = head & 31 };
    if (c->bad || body.bad || head >> 6 != 2 || type < 192 || type > 223) {
        c->bad = true;
        return false;
    }
    if (head & 0x20) { // padding: the last byte says how much, itself included
        size_t left = cur_left(&body), padding = left ? body.end[-1] : 0;
        if (padding == 0 || padding > left) {
            c->bad = true;
            return false;
        }
        body.end -= padding;
    }
    bool feedback = type == RTCP_RTPFB || type == RTCP_PSFB;
    if (feedback || type == RTCP_SR || type == RTCP_RR || (type == RTCP_BYE && out->count))
        out->ssrc = cur_u32be(&body);
    if (feedback)
        out->media_ssrc = cur_u32be(&body);
    if (body.bad) {
        c->bad = true;
        return false;
    }
    out->body = body;
    return true;
}

bool rtcp_sender_info(struct rtcp_packet *p, struct rtcp_sender_info *out)
{
    out->ntp           = cur_u64be(&p->body);
    out->rtp_timestamp = cur_u32be(&p->body);
    out->packets       = cur_u32be(&p->body);
    out->octets        = cur_u32be(&p->body);
    return !p->body.bad;
}

bool rtcp_next_report(struct rtcp_packet *p, struct rtcp_report *out)
{
    if (p->count == 0)
        return false;
    p->count--;
    out->ssrc          = cur_u32be(&p->body);
    out->fraction_lost = cur_u8(&p->body);
    out->lost          = (int32_t)(cur_u24be(&p->body) << 8) / 256;
    out->highest_seq   = cur_u32be(&p->body);
    out->jitter        = cur_u32be(&p->body);
    out->last_sr       = cur_u32be(&p->body);
    out->delay_since_last_sr = cur_u32be(&p->body);
    return !p->body.bad;
}

bool rtcp_next_nack(struct rtcp_packet *p, uint32_t *state, uint16_t *seq)
{
    // The state holds the bitmask left (low 16), the last number given (high 16); 0 = read the next item.
    if ((*state & 0xffff) == 0) {
        if (cur_left(&p->body) < 4)
            return false;
        *seq   = cur_u16be(&p->body);
        *state = (uint32_t)*seq << 16 | cur_u16be(&p->body);
        return true;
    }
    unsigned skip = (unsigned)__builtin_ctz(*state & 0xffff) + 1;
    *seq   = (uint16_t)((*state >> 16) + skip);
    *state = (uint32_t)*seq << 16 | (skip < 16 ? (*state & 0xffff) >> skip : 0);
    return true;
}

bool rtcp_next_fir(struct rtcp_packet *p, struct rtcp_fir *out)
{
    if (cur_left(&p->body) < 8)
        return false;
    out->ssrc = cur_u32be(&p->body);
    out->seq  = cur_u8(&p->body);
    cur_skip(&p->body, 3);
    return true;
}

bool rtcp_remb(const struct rtcp_packet *p, uint64_t *bps)
{
    struct cursor c = p->body;
    if (cur_u32be(&c) != 0x52454d42) // "REMB"
        return false;
    cur_skip(&c, 1);
    uint32_t v = cur_u24be(&c);
    *bps = (uint64_t)(v & 0x3ffff) << (v >> 18 & 0x3f);
    if ((v >> 18) > 40) // no link is that fast
        *bps = UINT32_MAX;
    return !c.bad;
}

// The symbol of the next packet: 0 not received, 1 small delta, 2 large delta, 3 received without delta (reserved).
static unsigned next_symbol(struct rtcp_tcc *t)
{
    if (t->chunk_left == 0) {
        t->chunk      = cur_u16be(&t->chunks);
        t->chunk_left = !(t->chunk & 0x8000) ? (t->chunk & 0x1fff) : (t->chunk & 0x4000) ? 7 : 14;
        if (t->chunk_left == 0) { // a run of zero packets would go on for ever
            t->chunks.bad = true;
            return 0;
        }
    }
    t->chunk_left--;
    if (!(t->chunk & 0x8000))
        return t->chunk >> 13 & 3;
    return t->chunk & 0x4000 ? t->chunk >> (2 * t->chunk_left) & 3 : t->chunk >> t->chunk_left & 1;
}

// Finds where the deltas begin: chunks are walked once.
static bool walk_chunks(struct rtcp_tcc *t)
{
    struct rtcp_tcc walk = *t;
    size_t delta_bytes   = 0;
    for (unsigned i = 0; i < t->status_count && !walk.chunks.bad; i++) {
        unsigned symbol = next_symbol(&walk);
        delta_bytes += symbol == 1 ? 1 : symbol == 2 ? 2 : 0;
    }
    t->deltas = walk.chunks;
    return !walk.chunks.bad && cur_left(&t->deltas) >= delta_bytes;
}

int rtcp_tcc_begin(struct rtcp_tcc *t, const struct rtcp_packet *p)
{
    *t = (struct rtcp_tcc) { .chunks = p->body };
    t->base_seq       = cur_u16be(&t->chunks);
    t->status_count   = cur_u16be(&t->chunks);
    t->reference_64ms = cur_u24be(&t->chunks);
    t->feedback_count = cur_u8(&t->chunks);
    t->time_us        = (int64_t)t->reference_64ms * 64000;
    if (t->chunks.bad || t->status_count == 0 || !walk_chunks(t))
        return RTC_ERR_MALFORMED;
    return RTC_OK;
}

bool rtcp_tcc_next(struct rtcp_tcc *t, struct rtcp_tcc_packet *out)
{
    if (t->done == t->status_count)
        return false;
    unsigned symbol = next_symbol(t);
    *out = (struct rtcp_tcc_packet) { .seq = (uint16_t)(t->base_seq + t->done++) };
    if (symbol == 1)
        t->time_us += cur_u8(&t->deltas) * 250;
    else if (symbol == 2)
        t->time_us += (int16_t)cur_u16be(&t->deltas) * 250;
    out->received   = symbol == 1 || symbol == 2;
    out->arrival_us = t->time_us;
    return true;
}

// ---- writing

static size_t begin(struct writer *w, uint8_t count, enum rtcp_type type)
{
    size_t at = w->size;
    wr_u8(w, 0x80 | count);
    wr_u8(w, (uint8_t)type);
    wr_u16be(w, 0);
    return at;
}

static void end(struct writer *w, size_t at)
{
    wr_zero(w, (at - w->size) & 3);
    if (w->bad)
        return;
    size_t words = (w->size - at) / 4 - 1;
    w->data[at + 2] = (uint8_t)(words >> 8);
    w->data[at + 3] = (uint8_t)words;
}

void rtcp_write_sr(struct writer *w, uint32_t ssrc, const struct rtcp_sender_info *info)
{
    size_t at = begin(w, 0, RTCP_SR);
    wr_u32be(w, ssrc);
    wr_u64be(w, info->ntp);
    wr_u32be(w, info->rtp_timestamp);
    wr_u32be(w, info->packets);
    wr_u32be(w, info->octets);
    end(w, at);
}

void rtcp_write_rr(struct writer *w, uint32_t ssrc, const struct rtcp_report *reports, size_t count)
{
    size_t at = begin(w, (uint8_t)(count & 31), RTCP_RR);
    wr_u32be(w, ssrc);
    for (size_t i = 0; i < count; i++) {
        const struct rtcp_report *r = &reports[i];
        wr_u32be(w, r->ssrc);
        wr_u8(w, r->fraction_lost);
        wr_u24be(w, (uint32_t)r->lost & 0xffffff);
        wr_u32be(w, r->highest_seq);
        wr_u32be(w, r->jitter);
        wr_u32be(w, r->last_sr);
        wr_u32be(w, r->delay_since_last_sr);
    }
    end(w, at);
}

void rtcp_write_sdes_cname(struct writer *w, uint32_t ssrc, const char *cname)
{
    size_t at = begin(w, 1, RTCP_SDES), n = strnlen(cname, 255);
    wr_u32be(w, ssrc);
    wr_u8(w, 1); // CNAME
    wr_u8(w, (uint8_t)n);
    wr_bytes(w, cname, n);
    wr_u8(w, 0); // end of items; end() pads
    end(w, at);
}

void rtcp_write_bye(struct writer *w, const uint32_t *ssrcs, size_t count)
{
    size_t at = begin(w, (uint8_t)(count & 31), RTCP_BYE);
    for (size_t i = 0; i < count; i++)
        wr_u32be(w, ssrcs[i]);
    end(w, at);
}

void rtcp_write_pli(struct writer *w, uint32_t ssrc, uint32_t media_ssrc)
{
    size_t at = begin(w, RTCP_FB_PLI, RTCP_PSFB);
    wr_u32be(w, ssrc);
    wr_u32be(w, media_ssrc);
    end(w, at);
}

void rtcp_write_nack(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs, size_t count)
{
    size_t at = begin(w, RTCP_FB_NACK, RTCP_RTPFB);
    wr_u32be(w, ssrc);
    wr_u32be(w, media_ssrc);
    for (size_t i = 0; i < count;) {
        uint16_t first = seqs[i++], mask = 0;
        while (i < count && (uint16_t)(seqs[i] - first) >= 1 && (uint16_t)(seqs[i] - first) <= 16)
            mask |= (uint16_t)(1u << ((uint16_t)(seqs[i++] - first) - 1));
        wr_u16be(w, first);
        wr_u16be(w, mask);
    }
    end(w, at);
}

void rtcp_write_tcc(struct writer *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t feedback_count, uint16_t base,
                    const int64_t *arrival_us, size_t count)
{
    size_t at = begin(w, RTCP_FB_TRANSPORT_CC, RTCP_RTPFB);
    int64_t first = -1;
    for (size_t i = 0; i < count && first < 0; i++)
        first = arrival_us[i];
    int64_t reference = first < 0 ? 0 : first / 64000;
    wr_u32be(w, ssrc);
    wr_u32be(w, media_ssrc);
    wr_u16be(w, base);
    wr_u16be(w, (uint16_t)count);
    wr_u24be(w, (uint32_t)(reference & 0xffffff));
    wr_u8(w, feedback_count);
    // Two-bit vectors of seven symbols throughout: simple, and only our tests write feedback.
    int64_t ticks = reference * 256; // of 250 us
    for (size_t i = 0; i < count; i += 7) {
        uint16_t chunk = 0xc000;
        for (size_t k = 0; k < 7; k++) {
            unsigned symbol = 0;
            if (i + k < count && arrival_us[i + k] >= 0) {
                int64_t delta = arrival_us[i + k] / 250 - ticks;
                symbol = delta >= 0 && delta <= 255 ? 1 : 2;
                ticks += delta;
            }
            chunk |= (uint16_t)(symbol << (2 * (6 - k)));
        }
        wr_u16be(w, chunk);
    }
    ticks = reference * 256;
    for (size_t i = 0; i < count; i++) {
        if (arrival_us[i] < 0)
            continue;
        int64_t delta = arrival_us[i] / 250 - ticks;
        if (delta >= 0 && delta <= 255)
            wr_u8(w, (uint8_t)delta);
        else
            wr_u16be(w, (uint16_t)delta);
        ticks += delta;
    }
    end(w, at);
}

uint64_t rtcp_ntp_from_us(int64_t unix_us)
{
    uint64_t us = (uint64_t)unix_us + 2208988800ull * 1000000; // 1900 to 1970
    return (us / 1000000) << 32 | ((us % 1000000) << 32) / 1000000;
}
