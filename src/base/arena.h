// Bump allocation with one release. An arena is created with a maximum so that a hostile file
// cannot make it grow without bound. One thread at a time.
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head; // newest block first
    size_t used, max_bytes;   // bytes handed out; 0 = no maximum
    size_t align;             // of every piece: 16, or 8 when set after arena_init()
    size_t first_block;       // bytes of the first block, when set after arena_init(); 0 = 4096
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_finish(struct arena *a); // frees everything, leaves an empty arena

// Zeroed, aligned memory, or NULL when memory or the maximum is exhausted.
void *arena_alloc(struct arena *a, size_t size);
// NUL-terminated copy of size bytes.
char *arena_strndup(struct arena *a, const char *text, size_t size);
