// The limits against hostile files, in one table: name, default. usd_limits overrides each.
#pragma once

#include "stageusd/stageusd.h"

#define LIMIT_FILE_BYTES (16ull << 30)
#define LIMIT_LAYER_BYTES (16ull << 30)
#define LIMIT_ARRAY_ELEMENTS ((1ull << 31) - 1)
#define LIMIT_NESTING 512u
#define LIMIT_LAYERS 100000u
#define LIMIT_ARC_DEPTH 128u
#define LIMIT_PRIMS 100000000ull
#define LIMIT_INFLATE_RATIO 300u
// Not overridable.
#define LIMIT_NAME_BYTES 65535u    // one identifier, path element or type name
#define LIMIT_PATH_BYTES (1u << 20) // one path
#define LIMIT_SPEC_FIELDS 65535u   // fields of one spec
#define LIMIT_SPECS_PER_PRIM 65535u // opinions about one prim
#define LIMIT_CLIPS 100000u         // of one clip set
#define LIMIT_PRIMS_BASE 1000000ull // composed prims of one stage: this many, or so many for each spec in its layers
#define LIMIT_PRIMS_PER_SPEC 1000u
#define LIMIT_WORK_BASE 500000000ull // steps of following arcs, likewise; some 100 million a second
#define LIMIT_WORK_PER_SPEC 20000u
#define LIMIT_DIAGNOSTICS 10000u   // kept per stage

// Every zero of `limits` (or NULL) replaced by its default.
struct usd_limits limits_effective(const struct usd_limits *limits);
