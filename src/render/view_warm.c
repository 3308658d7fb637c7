// A software device compiles a shader to machine code when it first runs, for seconds, on the one queue that also
// draws. But it keeps the code on disk. So a second device of the same kind draws a tiny scene with everything that
// tracing uses, in a thread of low priority, and the device that people look at finds the code ready.
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "view.h"

#define LIMIT_NS 60000000000ll

static void identity(double m[16], double z)
{
    memcpy(m, (double[16]) { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, z, 1 }, 16 * sizeof(*m));
}

static int fill(struct render_scene *s)
{
    struct render_material_desc m;
    struct render_light_desc l;
    render_id mesh, materials[2], id;
    const struct render_shape_desc cube = { .name = "warm", .shape = RENDER_CUBE, .axis = 'Z', .size = 1 };
    int rc                              = render_shape_create(s, &cube, &mesh);
    for (int i = 0; rc == RENDER_OK && i < 2; i++) {
        render_material_defaults(&m);
        m.opacity.value[0] = i ? 0.5f : 1; // the second needs the kernels that look at coverage
        rc                 = render_material_create(s, &m, &materials[i]);
        struct render_instance_desc d = { .mesh = mesh, .materials = &materials[i], .material_count = 1, .visible = true };
        identity(d.transform, -3 - i);
        if (rc == RENDER_OK)
            rc = render_instance_create(s, &d, &id);
    }
    render_light_defaults(&l, RENDER_LIGHT_DOME);
    identity(l.transform, 0);
    return rc == RENDER_OK ? render_light_create(s, &l, &id) : rc;
}

static int draw(struct render_view *v, struct render_scene *s)
{
    struct render_frame_desc d = {
        .camera = { .focal_length = 20, .horizontal_aperture = 20, .vertical_aperture = 20, .clip_near = 0.1f,
                    .clip_far = 100, .exposure_scale = 1 },
    };
    identity(d.camera.transform, 0);
    render_settings_defaults(&d.settings);
    d.settings.budget_ms = 40;
    const int64_t end    = clock_mono_ns() + LIMIT_NS;
    struct render_stats stats = { 0 };
    int rc                    = RENDER_OK;
    while (rc == RENDER_OK && !stats.converged && clock_mono_ns() < end) {
        struct render_frame *f;
        rc = render_view_render(v, &d, &f);
        if (rc == RENDER_OK)
            rc = render_frame_wait(f, UINT64_MAX);
        if (rc == RENDER_OK)
            render_frame_destroy(&f);
        render_view_stats(v, &stats);
        if (!stats.samples)
            usleep(2000); // the passes are still being made
    }
    return rc;
}

void view_warm(const struct renderer *like)
{
    const struct render_params params = { .gpu_index = like->params.gpu_index };
    struct renderer *r                = NULL;
    struct render_scene *s            = NULL;
    struct render_view *v             = NULL;
    const int64_t start               = clock_mono_ns();
    int rc                            = view_renderer_open(&r, &params, true);
    if (rc == RENDER_OK)
        rc = render_scene_create(r, &s);
    if (rc == RENDER_OK)
        rc = fill(s);
    if (rc == RENDER_OK) // an odd size, as most are: drivers may tell powers of two apart
        rc = render_view_create(r, s, 44, 36, &v);
    if (rc == RENDER_OK)
        rc = draw(v, s);
    render_view_destroy(&v);
    render_scene_destroy(&s);
    renderer_destroy(&r);
    log_debug("render", "shaders of the path tracer warmed up in %.1f s (%d)", (double)(clock_mono_ns() - start) * 1e-9, rc);
}
