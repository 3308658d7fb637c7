// The last steps of a picture: size, exposure, tone, outlines. Read by C and GLSL.
#ifndef SHARED_COMPOSE_H
#define SHARED_COMPOSE_H
#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

#define COMPOSE_TILE 8
#define COMPOSE_LDR 1u
#define COMPOSE_HDR 2u
#define COMPOSE_BLACK 4u // LdrColor is black

struct ComposeParams {
    uvec2 size;        // of the outputs
    vec2 from, to;     // pixels in use of the pictures that are blended, from their top left corner
    vec2 from_offset;  // added to from's sampling position, its pixels (jitter)
    float blend;       // 0 = from, 1 = to
    float exposure;
    uint flags;
};

// Outputs that come straight from the visibility buffer: the bits of enum render_output.
#define AOV_NORMAL 4u
#define AOV_DEPTH 8u
#define AOV_DISTANCE 16u
#define AOV_PLANE 32u
#define AOV_ALBEDO 64u
#define AOV_POSITION 128u
#define AOV_INSTANCE 256u
#define AOV_SEMANTIC 512u
#define AOV_GUIDES 65536u // albedo and normal images for filtering

struct AovParams {
    vec4 to_camera[3]; // rows: world to camera space
};

struct OutlineParams {
    uvec2 size;
    ivec2 first;  // rectangle that may change
    uvec2 extent;
    uint width;   // pixels
    uint fill;    // render_params.fill_mode
};

#ifdef __STDC_VERSION__
static_assert(sizeof(struct ComposeParams) == 44, "push constants, scalar layout");
static_assert(sizeof(struct AovParams) == 48, "push constants, scalar layout");
static_assert(sizeof(struct OutlineParams) == 32, "push constants, scalar layout");
#endif
#endif
