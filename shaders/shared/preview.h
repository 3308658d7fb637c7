// The rasterised preview, read by C and GLSL.
#ifndef SHARED_PREVIEW_H
#define SHARED_PREVIEW_H
#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

#define PREVIEW_TILE 8

// What is drawn: the specialization constant 0 of preview.comp.
#define PREVIEW_FULL 0u          // diffuse, glossy, emission, environment
#define PREVIEW_CONSTANT 1u      // one colour
#define PREVIEW_DIFFUSE 2u       // textures' diffuse colour, lit by all lights, no highlights

struct PreviewParams {
    vec3 constant;
    uint light_count; // lights looked at, at most
};

#ifdef __STDC_VERSION__
static_assert(sizeof(struct PreviewParams) == 16, "push constants, scalar layout");
#endif
#endif
