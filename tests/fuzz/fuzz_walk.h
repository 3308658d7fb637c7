// Reads everything the public API says about a stage, and checks what must hold for every stage.
#pragma once

#include <stdio.h>

#include "stageusd/stageusd.h"

#define FUZZ_REQUIRE(condition)                                               \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            __builtin_trap();                                                 \
        }                                                                     \
    } while (0)

// Limits under which a fuzz input stays small and quick.
extern const struct usd_limits fuzz_limits;

// Refuses every path: a fuzz input must not reach the disk.
bool fuzz_no_path(const char *path, void *user);

void fuzz_walk(const usd_stage *s);

// Writes the stage as text, which must be readable again. Flattened text is thrown away.
void fuzz_flatten(const usd_stage *s);

// A layer as text reads back as the same text.
void fuzz_round_trip(const void *data, size_t size);
