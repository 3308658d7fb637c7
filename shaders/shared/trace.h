// Queues and parameters of the path tracing kernels, read by C and by GLSL.
#ifndef SHARED_TRACE_H
#define SHARED_TRACE_H

#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

// Bindings of the pass set.
#define TRACE_BIND_NODES 0     // uniform texel buffer
#define TRACE_BIND_TRIANGLES 1 // uniform texel buffer
#define TRACE_BIND_PATHS 2     // TracePath[]
#define TRACE_BIND_RAYS_IN 3   // TraceRay[]
#define TRACE_BIND_RAYS_OUT 4  // TraceRay[]
#define TRACE_BIND_HITS 5      // TraceHit[], beside rays in
#define TRACE_BIND_SHADOWS 6   // TraceShadow[]
#define TRACE_BIND_COUNTS 7    // uint[]: at iteration i, [2 i] rays in, [2 i + 1] shadow rays
#define TRACE_BIND_VISIBILITY 8 // RG32UI storage image
#define TRACE_BIND_RADIANCE 9   // the images of pass_trace_images
#define TRACE_BIND_ALBEDO 10
#define TRACE_BIND_NORMAL 11
#define TRACE_BIND_MOMENTS 12
#define TRACE_BIND_COUNT 13

#define TRACE_GROUP 64
#define TRACE_MAX_ITERATIONS 48
// Behind the counts: VkDispatchIndirectCommand of the shadow rays, then of the next iteration's rays.
#define TRACE_ARGS (2 * (TRACE_MAX_ITERATIONS + 1))
#define TRACE_COUNT_WORDS (TRACE_ARGS + 6)
#define TRACE_PASSES 12 // iterations beyond the bounces where something is transparent

#define TRACE_VISIBILITY 1u // primary hits come from the visibility image
#define TRACE_LIGHTS_ONLY 2u // rays that reach a light which light sampling could have chosen bring nothing
#define TRACE_RAYS_ONLY 4u   // no light sampling

struct TraceParams {
    uint first_tile; // path p is pixel p % 64 of tile first_tile + p / 64
    uint path_count;
    uint tiles_x;
    uint sample_index;
    uint seed;
    uint iteration;
    uint max_bounces;
    uint top; // of the trees
    float firefly_clamp, lens_radius, focus_distance;
    uint flags;
};

// State of a path in TracePath.state: bounces so far in bits 0-7, then:
#define PATH_CAMERA 0x100u  // nothing has scattered it yet
#define PATH_PENDING 0x200u // its filter guides are not written yet
#define PATH_ROUGH 0x400u   // something rough has scattered it
#define PATH_PASSES_SHIFT 16 // surfaces passed through

struct TracePath {
    vec3 throughput;
    float pdf; // density with which the ray was chosen, 0 = no light sampling competes with it
    vec3 radiance;
    uint state;
    float distance; // travelled, for texture levels
};

struct TraceRay {
    vec3 origin;
    uint path; // SCENE_NONE = outside of the picture
    vec3 direction; // unit
};

struct TraceHit {
    float t;
    vec2 barycentric;
    uint triangle;
    uint instance; // SCENE_NONE = nothing
};

struct TraceShadow {
    vec3 origin;
    float t_max;
    vec3 direction;
    uint path;
    vec3 radiance; // what it brings when nothing is in the way
};

#ifdef __STDC_VERSION__
static_assert(sizeof(struct TraceParams) == 48, "push constants");
static_assert(sizeof(struct TracePath) == 36 && sizeof(struct TraceRay) == 28 && sizeof(struct TraceHit) == 20 &&
                  sizeof(struct TraceShadow) == 44,
              "scalar layout");
#endif
#endif
