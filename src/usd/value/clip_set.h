// What a clip set is: clip_set.c composes it from metadata, clips.c reads values through it.
#pragma once

#include "clips.h"

struct clip {
    const char *asset; // resolved path
    double authored_start;
    double start, end; // active in [start, end); the first starts at -inf, the last ends at inf
    struct layer *_Atomic layer; // &clip_no_layer when it cannot be opened
    atomic_bool said_spline;     // that it has one, which is not read
};
extern struct layer clip_no_layer;

// Piecewise linear: a time of the stage and the time of the clip it stands for.
struct clip_time {
    double stage, clip;
    bool jump; // the left side of a discontinuity, moved a hair to the left of its right side
};

struct clip_set {
    const struct layer_stack *stack; // where it was introduced, with:
    uint16_t layer;                  // position in the stack
    usd_tok path, set, selection;    // prim; variant, when it was inside of one
    uint16_t order;                  // among the sets of one site
    const char *prim_path;           // in the clips
    bool interpolate_missing;
    bool has_manifest;
    struct clip manifest;
    struct clip *clips; // ascending start, at least one
    size_t clip_count;
    struct clip_time *times; // first and last entry stand twice; may be empty
    size_t time_count;
    struct time_map untimed; // without them: times of the clips to those of the stage
    struct hash_map declared; // without a manifest: prim path << 32 | name -> 1 + has values; under clip_cache.lock
};

struct clip_list {
    size_t count;
    struct clip_set *sets[]; // of the prim itself first, then of those above
};

// The clip sets that the prim's own metadata defines, appended to out. Memory is from the stage's clip arena, whose lock
// the caller holds.
struct clip_sets {
    ARRAY_OF(struct clip_set *);
};
void clip_sets_of_prim(struct usd_stage *s, const struct usd_prim *p, struct clip_sets *out);
