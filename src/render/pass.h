// How passes fit in. A pass is
//
//     int  pass_NAME_create(struct renderer *r, struct pass_NAME **out); // cheap: no pipelines yet
//     int  pass_NAME_compile(struct pass_NAME *p);   // any thread, may take long; once
//     bool pass_NAME_ready(const struct pass_NAME *p); // any thread
//     int  pass_NAME_record(struct pass_NAME *p, const struct pass_context *c, ...its inputs and outputs);
//     void pass_NAME_destroy(struct pass_NAME **p);  // nothing submitted may use it
//
// Passes own pipelines and private scratch; pictures that several passes see belong to the view and are
// given at record time. Record ends with the barrier that makes its outputs readable by compute shaders
// (gpu_barrier_compute), so passes may follow one another freely. Images are always in GENERAL layout.
#pragma once

#include "scene.h"

struct pass_context {
    struct renderer *renderer;
    struct gpu_device *gpu;
    struct render_scene *scene;
    VkCommandBuffer cmd;
    struct gpu_set scene_set; // set 0, with this frame's SceneFrame (jitter and extent of the picture below)
    const struct SceneFrame *frame; // the same on the CPU
};

// What the rasteriser leaves for other passes: one sample per pixel at frame->extent.
struct pass_visibility_images {
    struct gpu_image visibility; // RG32UI, see shared/scene.h
    struct gpu_image depth;      // D32, reversed Z, infinite far
};

// One traced picture. All of its images have frame->extent pixels. Filled by pass_trace, one sample per pixel
// per call and tile range; sample 0 overwrites, later samples add. The view owns them and forgets them when the
// picture changes.
struct pass_trace_images {
    struct gpu_image radiance; // RGBA32F: sums of radiance without exposure; a = number of samples in this pixel
    struct gpu_image albedo;   // RGBA16F: mean of what divides light out for filtering (diffuse + specular colour
                               // at the first hit, or the first rough one behind mirrors); a = mean roughness
    struct gpu_image normal;   // RGBA16F: mean shading normal, world; a = mean hit distance
    struct gpu_image moments;  // RG32F: sums of luminance and of its square, of radiance / albedo
};

// A range of 8x8-pixel tiles in row order: tile t covers pixels (t % tiles_x * 8, t / tiles_x * 8) and on.
#define TRACE_TILE 8
struct pass_tile_range {
    uint32_t first, count;
};
static inline uint32_t pass_tile_count(uint32_t width, uint32_t height)
{
    return ((width + TRACE_TILE - 1) / TRACE_TILE) * ((height + TRACE_TILE - 1) / TRACE_TILE);
}

// Expected of pass_trace.h:
//
//     struct pass_trace_args {
//         const struct pass_visibility_images *visibility; // primary hits, jittered as frame->jitter says
//         const struct pass_trace_images *out;
//         struct pass_tile_range tiles;
//         uint32_t sample;       // index of this sample: 0 overwrites out, and the seed of its random numbers
//         uint32_t max_bounces;
//         float firefly_clamp;   // 0 = none
//     };
//     int pass_trace_record(struct pass_trace *p, const struct pass_context *c, const struct pass_trace_args *a);
//
// The background (visibility 0) gets the domes' radiance (visible domes), sampled along the pixel's ray, or black.
//
// Expected of pass_denoise.h:
//
//     struct pass_denoise_args {
//         const struct pass_trace_images *in; // at its own resolution, possibly a fraction of out's
//         const struct pass_visibility_images *visibility; // full resolution, unjittered: guides
//         const struct gpu_image *albedo, *normal;  // full resolution guides: RGBA8, RGBA16F (w = view distance)
//         const struct gpu_image *out;   // RGBA16F, full resolution radiance
//         float strength;                // 1 = as much as the sample count asks for, 0 = only upsample
//     };
