// Carrying the last traced picture over to a moved camera, read by C and GLSL.
#ifndef SHARED_REPROJECT_H
#define SHARED_REPROJECT_H
#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

struct ReprojectParams {
    mat4 world_to_clip; // of the traced picture, without jitter
    vec3 eye;
    float orthographic; // 1 or 0; both pictures alike
    vec3 axis;          // view direction, unit
    float near_clip;    // of the new picture
    float far_clip;
    float trust;        // 0 to 1, the most that the old picture may count
};

#ifdef __STDC_VERSION__
static_assert(sizeof(struct ReprojectParams) == 104, "push constants, scalar layout");
#endif
#endif
