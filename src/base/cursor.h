// A bounded reader and a bounded writer over bytes. Both have a sticky `bad` flag: run a whole
// parse or a whole write, then look once. After a short read every further read gives zero.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct cursor cur_make(const void *data, size_t size)
{
    return (struct cursor) { (const uint8_t *)data, (const uint8_t *)data + size, false };
}

static inline size_t cur_left(const struct cursor *c) { return (size_t)(c->end - c->p); }

// Borrow the next n bytes, or NULL (and bad) when fewer are left.
static inline const uint8_t *cur_take(struct cursor *c, size_t n)
{
    if (cur_left(c) < n) {
        c->bad = true;
        c->p   = c->end;
        return NULL;
    }
    c->p += n;
    return c->p - n;
}

// The next n bytes as a cursor of their own: a length-prefixed part cannot read its sibling.
static inline struct cursor cur_sub(struct cursor *c, size_t n)
{
    const uint8_t *p = cur_take(c, n);
    return p ? (struct cursor) { p, p + n, false } : (struct cursor) { c->end, c->end, true };
}

static inline void cur_skip(struct cursor *c, size_t n) { (void)cur_take(c, n); }

static inline bool cur_copy(struct cursor *c, void *out, size_t n)
{
    const uint8_t *p = cur_take(c, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
    return p != NULL;
}

static inline uint8_t cur_u8(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t cur_u16be(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cur_u24be(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 3);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t cur_u32be(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t cur_u64be(struct cursor *c)
{
    uint64_t hi = cur_u32be(c);
    return hi << 32 | cur_u32be(c);
}

static inline uint16_t cur_u16le(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 2);
    return p ? (uint16_t)(p[1] << 8 | p[0]) : 0;
}

static inline uint32_t cur_u32le(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 4);
    return p ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0] : 0;
}

static inline uint64_t cur_u64le(struct cursor *c)
{
    uint64_t lo = cur_u32le(c);
    return (uint64_t)cur_u32le(c) << 32 | lo;
}

// Writer over the caller's buffer. `size` may pass `capacity`: it is then what would have been needed.
struct writer {
    uint8_t *data;
    size_t size, capacity;
    bool bad;
};

static inline struct writer wr_make(void *data, size_t capacity)
{
    return (struct writer) { (uint8_t *)data, 0, capacity, false };
}

static inline uint8_t *wr_room(struct writer *w, size_t n)
{
    if (w->bad || w->capacity - w->size < n) {
        w->bad = true;
        return NULL;
    }
    w->size += n;
    return w->data + w->size - n;
}

static inline void wr_bytes(struct writer *w, const void *data, size_t n)
{
    uint8_t *p = wr_room(w, n);
    if (p && n)
        memcpy(p, data, n);
}

static inline void wr_zero(struct writer *w, size_t n)
{
    uint8_t *p = wr_room(w, n);
    if (p && n)
        memset(p, 0, n);
}

static inline void wr_u8(struct writer *w, uint8_t v) { wr_bytes(w, &v, 1); }

static inline void wr_u16be(struct writer *w, uint16_t v)
{
    uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
    wr_bytes(w, b, 2);
}

static inline void wr_u24be(struct writer *w, uint32_t v)
{
    uint8_t b[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    wr_bytes(w, b, 3);
}

static inline void wr_u32be(struct writer *w, uint32_t v)
{
    uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
    wr_bytes(w, b, 4);
}

static inline void wr_u64be(struct writer *w, uint64_t v)
{
    wr_u32be(w, (uint32_t)(v >> 32));
    wr_u32be(w, (uint32_t)v);
}
