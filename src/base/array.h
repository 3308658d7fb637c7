// A growable array of any element type, as three members of an anonymous struct:
//
//     struct { ARRAY_OF(float); } xs = { 0 };
//     if (!array_push(&xs, 1.0f)) return ERR_NOMEM;
//     array_free(&xs);
//
// Growing doubles; a failed growth leaves the array as it was.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_OF(T) \
    T *items;       \
    size_t count, capacity

static inline bool array_grow_bytes(void **items, size_t *capacity, size_t want, size_t item_size)
{
    if (want <= *capacity)
        return true;
    size_t cap = *capacity ? *capacity : 8;
    while (cap < want) {
        if (cap > SIZE_MAX / 2)
            return false;
        cap *= 2;
    }
    if (item_size && cap > SIZE_MAX / item_size)
        return false;
    void *p = realloc(*items, cap * item_size);
    if (!p)
        return false;
    *items    = p;
    *capacity = cap;
    return true;
}

// Room for n elements in all; the count does not change.
#define array_reserve(a, n) \
    array_grow_bytes((void **)&(a)->items, &(a)->capacity, (n), sizeof(*(a)->items))
#define array_push(a, ...) \
    (array_reserve((a), (a)->count + 1) ? ((a)->items[(a)->count++] = (__VA_ARGS__), true) : false)
// Append n elements from src.
#define array_append(a, src, n)                                                                       \
    (array_reserve((a), (a)->count + (n))                                                             \
         ? ((n) ? (void)memcpy((a)->items + (a)->count, (src), (n) * sizeof(*(a)->items)) : (void)0, \
            (a)->count += (n), true)                                                                  \
         : false)
#define array_clear(a) ((a)->count = 0)
#define array_free(a) (free((a)->items), (a)->items = NULL, (a)->count = (a)->capacity = 0)
