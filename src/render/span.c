#include "span.h"

void span_pool_finish(struct span_pool *p)
{
    array_free(p);
    p->end = 0;
}

void span_pool_clear(struct span_pool *p)
{
    array_clear(p);
    p->end = 0;
}

bool span_take(struct span_pool *p, uint32_t count, struct span *out)
{
    *out = (struct span) { 0 };
    if (!count)
        return true;
    for (size_t i = 0; i < p->count; i++) {
        struct span *h = &p->items[i];
        if (h->count < count)
            continue;
        *out = (struct span) { h->first, count };
        h->first += count;
        h->count -= count;
        if (!h->count) {
            memmove(h, h + 1, (p->count - i - 1) * sizeof(*h));
            p->count--;
        }
        return true;
    }
    const uint32_t limit = p->limit ? p->limit : UINT32_MAX;
    // Room for the hole that giving it back may need, so that span_give cannot fail.
    if (limit - p->end < count || !array_reserve(p, p->count + 2))
        return false;
    *out = (struct span) { p->end, count };
    p->end += count;
    return true;
}

void span_give(struct span_pool *p, struct span *s)
{
    if (!s->count)
        return;
    size_t i = 0;
    while (i < p->count && p->items[i].first < s->first)
        i++;
    struct span *h   = p->items;
    const bool left  = i > 0 && h[i - 1].first + h[i - 1].count == s->first;
    const bool right = i < p->count && s->first + s->count == h[i].first;
    if (left && right) {
        h[i - 1].count += s->count + h[i].count;
        memmove(h + i, h + i + 1, (p->count - i - 1) * sizeof(*h));
        p->count--;
    } else if (left) {
        h[i - 1].count += s->count;
    } else if (right) {
        h[i].first = s->first;
        h[i].count += s->count;
    } else if (array_reserve(p, p->count + 1)) {
        h = p->items;
        memmove(h + i + 1, h + i, (p->count - i) * sizeof(*h));
        h[i] = *s;
        p->count++;
    }
    if (p->count && p->items[p->count - 1].first + p->items[p->count - 1].count == p->end)
        p->end = p->items[--p->count].first;
    *s = (struct span) { 0 };
}
