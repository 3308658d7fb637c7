#include "h264.h"

#include <string.h>

#define NAL_SEI 6
#define NAL_AUD 9
#define NAL_FILLER 12
#define NAL_STAP_A 24
#define NAL_FU_A 28

// Offset of the next 00 00 01 from `at` on, or size.
static size_t find_start_code(const uint8_t *data, size_t size, size_t at)
{
    while (at + 3 <= size) {
        const uint8_t *one = memchr(data + at + 2, 1, size - at - 2);
        if (!one)
            return size;
        size_t i = (size_t)(one - data);
        if (data[i - 1] == 0 && data[i - 2] == 0)
            return i - 2;
        at = i - 1;
    }
    return size;
}

bool h264_next_nal(const uint8_t *data, size_t size, size_t *at, struct h264_nal *out)
{
    for (;;) {
        size_t start = find_start_code(data, size, *at);
        if (start >= size) {
            *at = size;
            return false;
        }
        start += 3;
        size_t end = find_start_code(data, size, start);
        *at = end;
        while (end > start && data[end - 1] == 0) // zeros belong to the next start code, or are trailing ones
            end--;
        if (end > start) {
            *out = (struct h264_nal) { data + start, end - start };
            return true;
        }
    }
}

static bool next_sent(const uint8_t *data, size_t size, size_t *at, struct h264_nal *out)
{
    while (h264_next_nal(data, size, at, out)) {
        uint8_t type = out->data[0] & 31;
        if (type && type < NAL_STAP_A && type != NAL_AUD && type != NAL_FILLER)
            return true;
    }
    return false;
}

struct splitter {
    size_t max;
    h264_emit_fn *emit;
    void *user;
    int count;
};

static bool emit(struct splitter *s, const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size,
                 bool last)
{
    s->count++;
    return s->emit(s->user, head, head_size, body, body_size, last);
}

// All fragments but the last have the same size, so that a socket may send them in one go (UDP GSO).
static bool emit_fragments(struct splitter *s, const struct h264_nal *nal, bool last)
{
    size_t left = nal->size - 1, room = s->max - 2, pieces = (left + room - 1) / room;
    size_t each = (left + pieces - 1) / pieces;
    const uint8_t *p = nal->data + 1;
    uint8_t flags    = 0x80; // start
    while (left) {
        size_t n = left < each ? left : each;
        left -= n;
        if (!left)
            flags |= 0x40; // end
        uint8_t head[2] = { (uint8_t)((nal->data[0] & 0xe0) | NAL_FU_A), (uint8_t)((nal->data[0] & 31) | flags) };
        if (!emit(s, head, 2, p, n, last && !left))
            return false;
        p += n;
        flags = 0;
    }
    return true;
}

// As many of the coming small NAL units as fit into one payload; *group_end is the position after them.
static size_t group(const uint8_t *au, size_t size, size_t at, size_t max, const struct h264_nal *first,
                    uint8_t *stap, size_t capacity, size_t *stap_size, size_t *group_end)
{
    size_t count = 0, used = 1;
    uint8_t importance = 0, forbidden = 0;
    struct h264_nal nal = *first;
    do {
        if (nal.size > 0xffff || used + 2 + nal.size > max || used + 2 + nal.size > capacity)
            break;
        stap[used]     = (uint8_t)(nal.size >> 8);
        stap[used + 1] = (uint8_t)nal.size;
        memcpy(stap + used + 2, nal.data, nal.size);
        used += 2 + nal.size;
        forbidden |= nal.data[0] & 0x80;
        if ((nal.data[0] & 0x60) > importance)
            importance = nal.data[0] & 0x60;
        count++;
        *group_end = at;
    } while (next_sent(au, size, &at, &nal));
    stap[0]    = forbidden | importance | NAL_STAP_A;
    *stap_size = used;
    return count;
}

int h264_packetize(const uint8_t *au, size_t size, size_t max_payload, h264_emit_fn *emit_fn, void *user)
{
    struct splitter s = { .max = max_payload, .emit = emit_fn, .user = user };
    struct h264_nal nal, peek;
    size_t at = 0;
    uint8_t stap[RTC_MTU];
    while (next_sent(au, size, &at, &nal)) {
        size_t stap_size, group_end = at;
        size_t grouped = group(au, size, at, s.max, &nal, stap, sizeof(stap), &stap_size, &group_end);
        if (grouped > 1)
            at = group_end;
        size_t look = at;
        bool ok, last = !next_sent(au, size, &look, &peek);
        if (grouped > 1)
            ok = emit(&s, stap, stap_size, NULL, 0, last);
        else if (nal.size <= s.max)
            ok = emit(&s, NULL, 0, nal.data, nal.size, last);
        else
            ok = emit_fragments(&s, &nal, last);
        if (!ok)
            return RTC_ERR_FULL;
    }
    return s.count ? s.count : RTC_ERR_INVALID;
}
