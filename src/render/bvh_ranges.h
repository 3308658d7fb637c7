// A range allocator: which parts of a buffer are free. One thread at a time.
#pragma once

#include "array.h"

struct bvh_range {
    uint32_t first, count;
};

struct bvh_ranges {
    struct { ARRAY_OF(struct bvh_range); } free; // by place, never touching each other
    uint32_t end;                                // everything beyond is free too
};

// First fit; grows `end` when nothing fits. false: out of memory, or end would pass `limit`.
bool bvh_ranges_take(struct bvh_ranges *r, uint32_t count, uint32_t limit, uint32_t *first);
void bvh_ranges_give(struct bvh_ranges *r, uint32_t first, uint32_t count); // count 0 is fine
void bvh_ranges_finish(struct bvh_ranges *r);
