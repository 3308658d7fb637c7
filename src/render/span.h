// Hands out ranges of a growing one-dimensional space (elements of a GPU buffer), first fit.
#pragma once

#include "array.h"

struct span {
    uint32_t first, count;
};
struct span_pool {
    ARRAY_OF(struct span); // holes, sorted, never adjacent
    uint32_t end;          // everything from here on is free
    uint32_t limit;        // end never passes this; 0 = UINT32_MAX
};

void span_pool_finish(struct span_pool *p);
void span_pool_clear(struct span_pool *p); // all free again; the limit stays
// Returns false when the limit or memory is exhausted. A count of 0 gives {0, 0}.
bool span_take(struct span_pool *p, uint32_t count, struct span *out);
void span_give(struct span_pool *p, struct span *s); // leaves *s {0, 0}
