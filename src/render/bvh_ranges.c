#include "bvh_ranges.h"

bool bvh_ranges_take(struct bvh_ranges *r, uint32_t count, uint32_t limit, uint32_t *first)
{
    for (size_t i = 0; i < r->free.count; i++) {
        struct bvh_range *f = &r->free.items[i];
        if (f->count < count)
            continue;
        *first = f->first;
        f->first += count;
        f->count -= count;
        if (f->count == 0) {
            memmove(f, f + 1, (r->free.count - i - 1) * sizeof(*f));
            r->free.count--;
        }
        return true;
    }
    if (count > limit || r->end > limit - count)
        return false;
    *first = r->end;
    r->end += count;
    return true;
}

static void merge(struct bvh_ranges *r, size_t i) // entry i with the one after it
{
    if (i + 1 >= r->free.count)
        return;
    struct bvh_range *f = &r->free.items[i];
    if (f[0].first + f[0].count != f[1].first)
        return;
    f[0].count += f[1].count;
    memmove(f + 1, f + 2, (r->free.count - i - 2) * sizeof(*f));
    r->free.count--;
}

void bvh_ranges_give(struct bvh_ranges *r, uint32_t first, uint32_t count)
{
    if (count == 0 || !array_push(&r->free, (struct bvh_range) { 0 }))
        return; // short of memory: the range is lost
    size_t i = r->free.count - 1;
    for (; i > 0 && r->free.items[i - 1].first > first; i--)
        r->free.items[i] = r->free.items[i - 1];
    r->free.items[i] = (struct bvh_range) { first, count };
    merge(r, i);
    if (i > 0)
        merge(r, i - 1);
    struct bvh_range *last = &r->free.items[r->free.count - 1];
    if (last->first + last->count == r->end) {
        r->end = last->first;
        r->free.count--;
    }
}

void bvh_ranges_finish(struct bvh_ranges *r)
{
    array_free(&r->free);
    r->end = 0;
}
