// A view draws its scene: brings the GPU copy up to date, decides what kind of picture fits the time, records it.
#include "view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "camera.h"
#include "light.h"
#include "log.h"
#include "texture.h"

#define MIN_SCALE 0.35f // of the preview while moving

int render_view_create(struct renderer *r, struct render_scene *s, uint32_t width, uint32_t height,
                       struct render_view **out)
{
    *out                 = NULL;
    const uint32_t limit = r->gpu->props.limits.maxImageDimension2D;
    if (!width || !height || width > limit || height > limit) {
        log_error("render", "a view of %ux%u: the device draws 1x1 to %ux%u", width, height, limit, limit);
        return RENDER_ERR_INVALID;
    }
    struct render_view *v = calloc(1, sizeof(*v));
    if (!v)
        return RENDER_ERR_NOMEM;
    v->renderer = r;
    v->scene    = s;
    v->gpu      = r->gpu;
    v->width    = width;
    v->height   = height;
    v->scale    = r->gpu->cpu ? 0.6f : 1; // a guess until something was measured
    int rc      = view_visibility_create(v, &v->visibility, width, height);
    if (rc == RENDER_OK)
        rc = gpu_image_create(r->gpu, &v->preview,
                              &(struct gpu_image_desc) {
                                  .format = VK_FORMAT_R16G16B16A16_SFLOAT,
                                  .width  = width,
                                  .height = height,
                                  .usage  = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
                                  .name   = "preview",
                              });
    for (int i = 0; rc == RENDER_OK && i < RENDER_MAX_FRAMES; i++) {
        v->frames[i].view = v;
        rc                = gpu_timer_create(r->gpu, &v->frames[i].timer);
    }
    if (rc != RENDER_OK) {
        render_view_destroy(&v);
        return rc;
    }
    *out = v;
    return RENDER_OK;
}

void render_view_destroy(struct render_view **out)
{
    struct render_view *v = *out;
    if (!v)
        return;
    *out = NULL;
    gpu_timeline_wait(v->gpu, gpu_timeline_submitted(v->gpu), UINT64_MAX);
    view_trace_destroy(v);
    view_frames_destroy(v);
    gpu_image_destroy(v->gpu, &v->visibility.visibility);
    gpu_image_destroy(v->gpu, &v->visibility.depth);
    gpu_image_destroy(v->gpu, &v->mask.visibility);
    gpu_image_destroy(v->gpu, &v->mask.depth);
    gpu_image_destroy(v->gpu, &v->preview);
    gpu_image_destroy(v->gpu, &v->blended);
    gpu_image_destroy(v->gpu, &v->outline_nearest);
    gpu_image_destroy(v->gpu, &v->guide_albedo);
    gpu_image_destroy(v->gpu, &v->guide_normal);
    gpu_buffer_destroy(v->gpu, &v->styles);
    free(v);
}

void render_view_reset(struct render_view *v)
{
    v->drawn = false;
}

void render_view_stats(const struct render_view *v, struct render_stats *out)
{
    *out = v->stats;
}

// ---- Time

// Takes over what finished frames measured.
static void collect_times(struct render_view *v)
{
    for (int i = 0; i < RENDER_MAX_FRAMES; i++) {
        struct render_frame *f = &v->frames[i];
        if (!gpu_timer_collect(v->gpu, &f->timer))
            continue;
        const float *ms      = f->timer.ms;
        v->stats.gpu_ms      = ms[VIEW_SPAN_ALL];
        v->stats.raster_ms   = ms[VIEW_SPAN_RASTER] + ms[VIEW_SPAN_PREVIEW];
        v->stats.trace_ms    = ms[VIEW_SPAN_TRACE];
        v->stats.denoise_ms  = ms[VIEW_SPAN_DENOISE];
        v->stats.resolve_ms  = ms[VIEW_SPAN_RESOLVE];
        log_trace("render.time", "all %.1f raster %.1f preview %.1f trace %.1f denoise %.1f resolve %.1f ms, scale %.2f", ms[0], ms[1],
                  ms[2], ms[3], ms[4], ms[5], f->scale);
        view_trace_measured(v, f);
        // The preview's time is a fixed part and one that grows with its pixels; the whole frame is to fit.
        if (f->scale > 0 && !f->slow_start && v->settings.budget_ms > 0 && ms[VIEW_SPAN_PREVIEW] > 0) {
            const float scaled = ms[VIEW_SPAN_RASTER] + ms[VIEW_SPAN_PREVIEW];
            const float rest   = ms[VIEW_SPAN_ALL] - scaled;
            const float room   = fmaxf(v->settings.budget_ms - rest, v->settings.budget_ms * 0.25f);
            const float want   = f->scale * sqrtf(room / fmaxf(scaled, 0.1f));
            const float step   = want < v->scale ? 0.6f : 0.15f; // down at once, up slowly
            v->scale           = fminf(fmaxf(v->scale + (want - v->scale) * step, MIN_SCALE), 1);
        }
    }
}

// ---- Frames

static struct render_frame *take_frame(struct render_view *v)
{
    for (int i = 0; i < RENDER_MAX_FRAMES; i++) {
        bool expected = false;
        if (atomic_compare_exchange_strong(&v->frames[i].taken, &expected, true))
            return &v->frames[i];
    }
    log_error("render", "all %d frames of the view are still in use", RENDER_MAX_FRAMES);
    return NULL;
}

void view_frame_setup(struct render_view *v, uint32_t width, uint32_t height, vec2 jitter, struct SceneFrame *out)
{
    *out = (struct SceneFrame) { 0 };
    if (!camera_setup(&v->camera, width, height, jitter, out) && !v->warned_camera) {
        log_warn("render", "the camera has no usable transform or aperture; a default is used");
        v->warned_camera = true;
    }
    out->prev_world_to_clip = v->last_world_to_clip;
    out->meters_per_unit    = (float)v->scene->meters_per_unit;
    out->frame              = v->frame_count;
    out->light_count        = scene_lights_count(v->scene);
    out->instance_count     = (uint32_t)v->scene->instances.count;
    out->ambient = (vec3) { v->settings.ambient[0], v->settings.ambient[1], v->settings.ambient[2] };
    out->firefly_clamp = v->settings.firefly_clamp;
}

int view_context(struct render_view *v, VkCommandBuffer cmd, const struct SceneFrame *frame, struct pass_context *out)
{
    *out = (struct pass_context) { v->renderer, v->gpu, v->scene, cmd, { 0 }, frame };
    return render_scene_set(v->scene, frame, &out->scene_set);
}

static uint32_t scaled(uint32_t size, float scale)
{
    // In steps of 8 pixels, so that the size does not flicker and tiles are full.
    const uint32_t n = ((uint32_t)lrintf((float)size * scale) + 4) / 8 * 8;
    return scale >= 1 || n > size ? size : n < 8 ? (size < 8 ? size : 8) : n;
}

static bool same_settings(const struct render_settings *a, const struct render_settings *b)
{
    return a->mode == b->mode && a->max_bounces == b->max_bounces && a->firefly_clamp == b->firefly_clamp &&
           a->minimal_mode == b->minimal_mode && memcmp(a->minimal_color, b->minimal_color, sizeof(a->minimal_color)) == 0 &&
           memcmp(a->ambient, b->ambient, sizeof(a->ambient)) == 0;
}

static bool same_scene(const struct scene_versions *a, const struct scene_versions *b)
{
    return a->geometry == b->geometry && a->transforms == b->transforms && a->materials == b->materials &&
           a->lights == b->lights;
}

// True when the picture differs from the one drawn last (exposure, outlines and data outputs aside).
static bool note_changes(struct render_view *v, const struct render_frame_desc *desc)
{
    const bool changed = !v->drawn || !camera_equal(&v->camera, &desc->camera) ||
                         !same_settings(&v->settings, &desc->settings) ||
                         !same_scene(&v->versions, &v->scene->versions);
    v->camera   = desc->camera;
    v->settings = desc->settings;
    v->versions = v->scene->versions;
    v->drawn    = true;
    v->rest_frames = changed ? 0 : v->rest_frames + 1;
    if (changed) {
        v->preview_scale = 0;
        v->preview_valid = false;
        view_trace_reset(v);
    }
    return changed;
}

// ---- Preview

static uint32_t preview_mode(const struct render_settings *s)
{
    if (s->mode != RENDER_MODE_MINIMAL || s->minimal_mode >= 3)
        return PREVIEW_FULL;
    return s->minimal_mode == 2 ? PREVIEW_DIFFUSE : PREVIEW_CONSTANT;
}

int view_preview_record(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd, float scale)
{
    struct SceneFrame frame;
    struct pass_context c;
    const uint32_t width = scaled(v->width, scale), height = scaled(v->height, scale);
    view_frame_setup(v, width, height, (vec2) { 0, 0 }, &frame);
    int rc = view_context(v, cmd, &frame, &c);
    if (rc != RENDER_OK)
        return rc;
    const float *k = v->settings.minimal_color;
    gpu_timer_begin(&f->timer, cmd, VIEW_SPAN_PREVIEW);
    rc = pass_preview_record(v->renderer->passes->preview, &c,
                             &(struct pass_preview_args) {
                                 .picture  = &v->preview,
                                 .depth    = &v->visibility.depth,
                                 .mode     = preview_mode(&v->settings),
                                 .constant = { k[0], k[1], k[2] },
                                 .shadows  = v->settings.mode != RENDER_MODE_MINIMAL || v->settings.minimal_mode >= 2,
                             });
    v->preview_blended = false;
    if (rc == RENDER_OK && v->settings.mode == RENDER_MODE_REALTIME)
        rc = view_trace_reproject(v, &c);
    gpu_timer_end(&f->timer, cmd, VIEW_SPAN_PREVIEW);
    v->preview_extent = (vec2) { (float)width, (float)height };
    v->preview_scale  = scale;
    v->preview_valid  = true;
    f->scale          = scale;
    f->slow_start     = v->previews_drawn++ < 2;
    return rc;
}

static int record_minimal(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd)
{
    v->stats.samples   = 1;
    v->stats.converged = !scene_textures_pending(v->scene);
    if (v->preview_valid && v->preview_scale >= 1)
        return RENDER_OK;
    return view_preview_record(v, f, cmd, 1);
}

// ---- Outputs

static int record_color(struct render_view *v, struct render_frame *f, const struct pass_context *c)
{
    struct pass_compose_args args = {
        .params = { .size = { v->width, v->height }, .exposure = v->camera.exposure_scale > 0 ? v->camera.exposure_scale : 1 },
        .ldr    = f->outputs >> RENDER_OUT_LDR_COLOR & 1 ? &f->device[RENDER_OUT_LDR_COLOR] : NULL,
        .hdr    = f->outputs >> RENDER_OUT_HDR_COLOR & 1 ? &f->device[RENDER_OUT_HDR_COLOR] : NULL,
    };
    if (!args.ldr && !args.hdr)
        return RENDER_OK;
    if (v->settings.mode == RENDER_MODE_MINIMAL && v->settings.minimal_mode == 0)
        args.params.flags = COMPOSE_BLACK;
    args.from        = v->preview_blended ? &v->blended : &v->preview;
    args.params.from = v->preview_extent;
    view_trace_shown(v, &args);
    int rc = pass_compose_record(v->renderer->passes->picture, c, &args);
    if (rc == RENDER_OK && args.ldr)
        rc = view_outline_record(v, f, c);
    return rc;
}

// The visibility buffer at full size without jitter.
int view_visibility_record(struct render_view *v, const struct pass_context *c)
{
    if (v->visibility_full)
        return RENDER_OK;
    int rc = pass_raster_record(v->renderer->passes->raster, c, &v->visibility, SCENE_DRAW_VISIBLE, NULL);
    v->visibility_full = rc == RENDER_OK;
    return rc;
}

static int record_data(struct render_view *v, struct render_frame *f, const struct pass_context *c)
{
    const uint32_t color = 1u << RENDER_OUT_LDR_COLOR | 1u << RENDER_OUT_HDR_COLOR;
    struct pass_aov_args args = {
        .visibility = &v->visibility, .outputs = f->outputs & ~color, .camera_to_world = v->camera.transform };
    if (!args.outputs)
        return RENDER_OK;
    int rc = view_visibility_record(v, c);
    for (uint32_t i = 0; i < RENDER_OUT_COUNT; i++)
        args.buffers[i] = &f->device[i];
    return rc == RENDER_OK ? pass_aov_record(v->renderer->passes->picture, c, &args) : rc;
}

static int record(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd,
                  const struct render_frame_desc *desc)
{
    struct SceneFrame frame;
    struct pass_context c;
    int rc = render_scene_upload(v->scene, cmd);
    if (rc != RENDER_OK)
        return rc;
    if (desc->settings.mode != RENDER_MODE_MINIMAL)
        rc = view_trace_prepare(v, desc, cmd);
    else if (desc->settings.budget_ms <= 0)
        rc = view_wait_textures(v, cmd);
    if (rc != RENDER_OK)
        return rc;
    if (note_changes(v, desc))
        v->visibility_full = false;
    rc = v->settings.mode == RENDER_MODE_MINIMAL ? record_minimal(v, f, cmd) : view_trace_record(v, f, &cmd);
    if (rc != RENDER_OK)
        return rc;
    view_frame_setup(v, v->width, v->height, (vec2) { 0, 0 }, &frame);
    rc = view_context(v, cmd, &frame, &c);
    gpu_timer_begin(&f->timer, cmd, VIEW_SPAN_RESOLVE);
    if (rc == RENDER_OK)
        rc = record_color(v, f, &c);
    if (rc == RENDER_OK)
        rc = record_data(v, f, &c);
    gpu_timer_end(&f->timer, cmd, VIEW_SPAN_RESOLVE);
    if (rc == RENDER_OK && desc->pick)
        rc = view_pick_record(v, f, &c, desc->pick);
    v->last_world_to_clip = frame.world_to_clip;
    return rc;
}

int render_view_render(struct render_view *v, const struct render_frame_desc *desc, struct render_frame **out)
{
    *out = NULL;
    collect_times(v);
    struct render_frame *f = take_frame(v);
    if (!f)
        return RENDER_ERR_LIMIT;
    view_pick_reset(f);
    f->scale = 0;
    f->tiles = 0;
    VkCommandBuffer cmd = gpu_commands_begin(v->gpu);
    int rc              = cmd ? RENDER_OK : RENDER_ERR_DEVICE;
    if (rc == RENDER_OK)
        rc = view_outputs_prepare(v, f, desc->settings.outputs & ((1u << RENDER_OUT_COUNT) - 1));
    if (rc == RENDER_OK) {
        gpu_timer_reset(v->gpu, &f->timer, cmd);
        gpu_timer_begin(&f->timer, cmd, VIEW_SPAN_ALL);
        rc = record(v, f, cmd, desc);
        cmd = gpu_commands_current(v->gpu); // path tracing may have submitted some on the way
        gpu_timer_end(&f->timer, cmd, VIEW_SPAN_ALL);
        f->timer.value = gpu_timeline_submitted(v->gpu) + 1;
        view_outputs_finish(v, f, cmd);
    }
    // Submitted even after an error: uploads and retirements have been recorded, and resources count on them.
    f->value = cmd ? gpu_commands_submit(v->gpu) : 0;
    if (rc == RENDER_OK && !f->value)
        rc = RENDER_ERR_DEVICE;
    if (rc != RENDER_OK) {
        v->drawn = false;
        atomic_store(&f->taken, false);
        return rc;
    }
    v->frame_count++;
    v->stats.resolution_scale = v->preview_scale > 0 ? v->preview_scale : 1;
    v->stats.triangles        = v->scene->triangle_total;
    v->stats.instances        = v->scene->instances.count - v->scene->free_instances.count;
    v->stats.device_bytes     = gpu_bytes_in_use(v->gpu);
    *out                      = f;
    return RENDER_OK;
}
