// The rasterised preview, read by C and GLSL.
#ifndef SHARED_PREVIEW_H
#define SHARED_PREVIEW_H
#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif
#include "lights.h"

// What is drawn, PREVIEW_CONSTANT_MODE.
#define PREVIEW_FULL 0u     // diffuse, glossy, emission, environment
#define PREVIEW_CONSTANT 1u // one colour
#define PREVIEW_DIFFUSE 2u  // textures' diffuse colour, lit by all lights, no highlights

// Specialization constants of preview.vert, preview.frag and sky.frag. A software device runs both sides of every
// branch, so what a scene does not have is left out when the pipeline is made.
#define PREVIEW_CONSTANT_MODE 0
#define PREVIEW_CONSTANT_KIND 1     // enum scene_draw_kind
#define PREVIEW_CONSTANT_LIGHTS 2   // type of PreviewScene.lights[i] plus 1 in bits 4i to 4i + 3, 0 = none
#define PREVIEW_CONSTANT_FEATURES 3 // PREVIEW_HAS_*

#define PREVIEW_HAS_SHADOWS 1u
#define PREVIEW_HAS_SOFT_SHADOWS 2u
#define PREVIEW_HAS_SHAPING 4u
#define PREVIEW_HAS_MORE 8u      // lights beyond the first few
#define PREVIEW_HAS_DOME_MAPS 16u // domes with a picture
#define PREVIEW_HAS_SPECULAR_WORKFLOW 32u

#define PREVIEW_LIGHTS 4 // with shadows; they live in a uniform buffer, where a software device reads them cheaply
#define PREVIEW_MORE 12  // further ones, without
#define PREVIEW_DOMES 2  // whose picture is seen directly and in reflections; all count in the harmonics

struct PreviewDome {
    vec3 axis_x, axis_y, axis_z, radiance;
    float layer; // of SCENE_BIND_DOME; negative = no picture
};

struct PreviewScene {
    vec4 sh[9]; // of SceneEnvironment
#ifdef __STDC_VERSION__
    struct PreviewDome domes[PREVIEW_DOMES];
#else
    PreviewDome domes[PREVIEW_DOMES];
#endif
#ifdef __STDC_VERSION__
    struct SceneLight lights[PREVIEW_LIGHTS];
#else
    SceneLight lights[PREVIEW_LIGHTS];
#endif
    // World to the light's shadow map: x, y and depth in 0 to 1.
    mat4 shadow[PREVIEW_LIGHTS];
    // x: offset along the normal, world units; y: subtracted from depth; z: softness, part of the map; w: 1 = on.
    vec4 shadow_bias[PREVIEW_LIGHTS];
    vec3 constant; // PREVIEW_CONSTANT
    uint more_count;
    uint more[PREVIEW_MORE]; // indices into lights
};
#endif
