#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

#define ARENA_ALIGN 16
#define ARENA_FIRST_BLOCK (4u << 10)
#define ARENA_LARGEST_BLOCK (1u << 20)

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena) { .max_bytes = max_bytes, .align = ARENA_ALIGN };
}

void arena_finish(struct arena *a)
{
    for (struct arena_block *b = a->head; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    *a = (struct arena) { .max_bytes = a->max_bytes, .align = a->align, .first_block = a->first_block };
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t align = a->align ? a->align : ARENA_ALIGN;
    size         = (size + align - 1) & ~(align - 1);
    if (a->max_bytes && size > a->max_bytes - a->used)
        return NULL;

    struct arena_block *b = a->head;
    if (!b || b->size - b->used < size) {
        size_t want = b ? b->size * 2 : a->first_block ? a->first_block : ARENA_FIRST_BLOCK;
        if (want > ARENA_LARGEST_BLOCK)
            want = ARENA_LARGEST_BLOCK;
        if (want < size)
            want = size;
        struct arena_block *fresh = calloc(1, sizeof(*fresh) + want);
        if (!fresh)
            return NULL;
        pages_expect(fresh, sizeof(*fresh) + want);
        fresh->size = want;
        // A block made for one large piece goes behind the current one, whose room is not lost.
        if (b && want == size && b->size - b->used > want / 8) {
            fresh->next = b->next;
            b->next     = fresh;
        } else {
            fresh->next = b;
            a->head     = fresh;
        }
        b = fresh;
    }
    void *p = b->data + b->used;
    b->used += size;
    a->used += size;
    return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t size)
{
    char *p = arena_alloc(a, size + 1);
    if (p && size)
        memcpy(p, text, size);
    return p;
}
