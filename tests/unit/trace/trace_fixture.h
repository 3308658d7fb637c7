// A scene and a path-traced picture of it, for tests and benchmarks: no view, no rasteriser.
#pragma once

#include "camera.h"
#include "pass_denoise.h"
#include "pass_trace.h"
#include "render.h"
#include "scene.h"

struct trace_fixture {
    struct renderer *renderer;
    struct render_scene *scene;
    struct pass_trace *trace;
    struct pass_denoise *denoise;
    struct pass_trace_images images;
    struct gpu_image denoised;
    struct gpu_buffer readback;
    uint32_t width, height;
    struct render_camera camera;
    uint32_t max_bounces;
    enum pass_trace_technique technique;
    float firefly_clamp, lens_radius, focus_distance;
};

// Exits with 77 (skipped) where there is no Vulkan device.
void fixture_create(struct trace_fixture *f, uint32_t width, uint32_t height);
void fixture_destroy(struct trace_fixture *f);
void fixture_clear(struct trace_fixture *f); // empties the scene

// A camera at eye that looks at target, `degrees` wide and high, +Y up (or +Z when looking along Y).
void fixture_look(struct trace_fixture *f, const double eye[3], const double target[3], double degrees);

// A rectangle of n x n quads: corner, then the two edges. Returns its mesh.
render_id fixture_quad(struct trace_fixture *f, const float corner[3], const float edge_u[3], const float edge_v[3]);
render_id fixture_sphere(struct trace_fixture *f, double radius);
render_id fixture_place(struct trace_fixture *f, render_id mesh, render_id material, const double offset[3]);
// A material of one diffuse colour without any reflection.
render_id fixture_diffuse(struct trace_fixture *f, float r, float g, float b);

// Waits for textures, domes and trees. Called by fixture_trace().
void fixture_settle(struct trace_fixture *f);
/**
 * Traces `samples` samples of the whole picture. Returns mean radiance, width x height x 4 floats, top row
 * first (a = samples); free it.
 */
float *fixture_trace(struct trace_fixture *f, uint32_t samples);
// GPU time of the newest fixture_trace() call, seconds.
double fixture_seconds(void);
// Denoises what fixture_trace() left; width x height x 4 floats.
float *fixture_denoise(struct trace_fixture *f, float strength);
void fixture_write_png(const char *path, const float *rgba, uint32_t width, uint32_t height, float exposure);
