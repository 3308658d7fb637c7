// The limits against hostile files, in one table: field of struct usd_limits, default, what meets it.
#pragma once

#include "stageusd/stageusd.h"

#define USD_LIMITS(X)                                                                                                 \
    X(max_file_bytes, 16ull << 30)              /* file.c: before a file is read */                                    \
    X(max_layer_bytes, 16ull << 30)             /* layer.c, usda*.c, crate*.c: arenas, tables, arrays of one layer */   \
    X(max_array_elements, (1ull << 31) - 1)     /* usda_value.c, crate_value.c */                                       \
    X(max_nesting, 512u)                        /* usda.c: prims, brackets; crate*.c: paths, dictionaries */            \
    X(max_layers, 100000u)                      /* stack.c, clips.c */                                                  \
    X(max_arc_depth, 128u)                      /* graph.c */                                                           \
    X(max_prims, 100000000ull)                  /* compose.c */                                                         \
    X(max_inflate_ratio, 300u)                  /* crate*.c: every LZ4 block, values of a file over its size */         \
    X(max_prim_sites, LIMIT_PRIM_SITES)         /* graph.c: nodes of one prim's index, ten times as many attempts */    \
    X(max_clips, 100000u)                       /* clip_set.c */                                                        \
    X(max_name_bytes, 65535u)                   /* usda.c */                                                            \
    X(max_path_bytes, 1u << 20)                 /* usda*.c, crate.c */                                                  \
    X(max_diagnostics, 10000u)                  /* stage.c */                                                           \
    X(max_compose_steps, 500000000ull)          /* budget.c: steps of following arcs; some 100 million a second */

// Fixed, each with the reason why.
#define LIMIT_PRIM_SITES 4096u      // nodes are numbered in 16 bits, and composing takes their square
#define LIMIT_SPEC_FIELDS 65535u    // counted in 16 bits
#define LIMIT_SPECS_PER_PRIM 65535u // counted in 16 bits
#define LIMIT_PRIMS_BASE 1000000ull // composed prims of one stage: this many, or so many for each spec in its layers; max_prims is above it
#define LIMIT_PRIMS_PER_SPEC 1000u
#define LIMIT_WORK_PER_SPEC 20000u  // added to max_compose_steps for each spec: large stages take more
#define LIMIT_PACKAGE_MEMBERS 65535u // what a zip archive holds without its 64-bit extension
#define LIMIT_PACKAGE_DEPTH 8       // packages within packages whose first layer is looked for

// Every zero of `limits` (or NULL) replaced by its default.
struct usd_limits limits_effective(const struct usd_limits *limits);
