// The path tracer. See pass.h for the shape of a pass.
//
// One call traces one sample for every pixel of a range of tiles: light is gathered by next-event estimation
// and by the rays that continue the path, weighed together (Veach and Guibas 1995). It runs as a few small
// kernels over queues of rays (Laine, Karras and Aila 2013), so each compiles quickly and no lane idles
// through work of its neighbours.
#pragma once

#include "pass.h"

struct pass_trace;

// How light is found. Both is the one to use; each alone has the same mean, which tests compare.
enum pass_trace_technique { PASS_TRACE_BOTH, PASS_TRACE_LIGHTS_ONLY, PASS_TRACE_RAYS_ONLY };

struct pass_trace_args {
    // Primary hits, jittered as frame->jitter says. NULL: primary rays are traced too, each with its own
    // place in the pixel (uniform over a 2 pixel wide tent filter) and on the lens.
    const struct pass_visibility_images *visibility;
    const struct pass_trace_images *out;
    struct pass_tile_range tiles;
    uint32_t sample;      // index of this sample: 0 overwrites out, and the seed of its random numbers
    uint32_t seed;        // mixed into the random numbers: another picture of the same sample index
    uint32_t max_bounces; // rays that continue a path: 0 = direct light only
    float firefly_clamp;  // largest radiance of one sample, 0 = none
    enum pass_trace_technique technique;
    float lens_radius, focus_distance; // scene units; radius 0 = pinhole. Without visibility only.
};

int pass_trace_create(struct renderer *r, struct pass_trace **out);
int pass_trace_compile(struct pass_trace *p); // any thread, once
bool pass_trace_ready(const struct pass_trace *p); // any thread
/**
 * Needs s->bvh, up to date (scene_bvh_update() in this command buffer). Pixels of instances whose tree is
 * not there yet are traced as if only the rasterised hit were there.
 */
int pass_trace_record(struct pass_trace *p, const struct pass_context *c, const struct pass_trace_args *a);
void pass_trace_destroy(struct pass_trace **p);

// The ray counts of the newest batch, for benchmarks: uint[TRACE_MAX_ITERATIONS + 1][2], rays and shadow rays.
const struct gpu_buffer *pass_trace_counts(const struct pass_trace *p);
