// Progressive path tracing of a view.
//
// Real time: the preview is there at once; behind it the picture is traced in slices that fit the budget, on a slow
// device first at a quarter and half of the size. Each time enough samples have come together they are filtered
// into a full-size picture, and what is shown fades over to it. Path tracing: all samples before the frame is done.
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "bvh_scene.h"
#include "camera.h"
#include "clock.h"
#include "light.h"
#include "log.h"
#include "texture.h"
#include "view.h"

#define MAX_LEVELS 3
#define WAIT_LIMIT_NS 120000000000ll // for trees and textures before a frame that must be complete
#define SUBMIT_MS 120.0f             // of tracing in one command buffer
#define FADE_FRAMES 6

struct level {
    uint32_t divisor; // of the size
    uint32_t target;  // samples before the next level, or before rest
};

struct traced {
    bool valid;
    uint32_t width, height;
    struct pass_trace_images images;
    struct pass_visibility_images visibility;
};

struct view_trace {
    struct traced traced[MAX_LEVELS]; // by level, made when first reached
    uint32_t level, sample, tile;     // what comes next
    bool sampling;                    // the visibility of `sample` has been drawn
    vec2 jitter;
    uint32_t seed;

    // Filtered pictures of full size: shown[front], fading over to shown[!front].
    struct gpu_image shown[2];
    uint32_t front;
    bool front_valid, fading;
    float fade;
    bool first_fade_from_preview;
    uint32_t shown_level, shown_samples; // of the newest filtered picture
    bool guides_valid;

    // The newest filtered picture, kept when the camera moves on: see view_trace_reproject().
    bool history_valid;
    uint32_t history; // shown[history]; the guides belong to it
    struct SceneFrame history_frame;
    struct scene_versions history_versions;

    float tiles_per_ms;
    bool measured;
};

// ---- Life

static void destroy_traced(struct render_view *v, struct traced *t)
{
    gpu_image_retire(v->gpu, &t->images.radiance);
    gpu_image_retire(v->gpu, &t->images.albedo);
    gpu_image_retire(v->gpu, &t->images.normal);
    gpu_image_retire(v->gpu, &t->images.moments);
    view_visibility_retire(v, &t->visibility);
    t->valid = false;
}

void view_trace_destroy(struct render_view *v)
{
    struct view_trace *t = v->trace;
    if (!t)
        return;
    for (int i = 0; i < MAX_LEVELS; i++)
        destroy_traced(v, &t->traced[i]);
    gpu_image_retire(v->gpu, &t->shown[0]);
    gpu_image_retire(v->gpu, &t->shown[1]);
    free(t);
    v->trace = NULL;
}

static int create(struct render_view *v)
{
    if (v->trace)
        return RENDER_OK;
    v->trace = calloc(1, sizeof(*v->trace));
    if (!v->trace)
        return RENDER_ERR_NOMEM;
    v->trace->tiles_per_ms = v->gpu->cpu ? 2 : 1000; // until measured
    return RENDER_OK;
}

static int create_traced(struct render_view *v, struct traced *t, uint32_t divisor)
{
    if (t->valid)
        return RENDER_OK;
    t->width  = (v->width + divisor - 1) / divisor;
    t->height = (v->height + divisor - 1) / divisor;
    const struct {
        struct gpu_image *image;
        VkFormat format;
        const char *name;
    } list[] = {
        { &t->images.radiance, VK_FORMAT_R32G32B32A32_SFLOAT, "traced radiance" },
        { &t->images.albedo, VK_FORMAT_R16G16B16A16_SFLOAT, "traced albedo" },
        { &t->images.normal, VK_FORMAT_R16G16B16A16_SFLOAT, "traced normal" },
        { &t->images.moments, VK_FORMAT_R32G32_SFLOAT, "traced moments" },
    };
    int rc = RENDER_OK;
    for (size_t i = 0; rc == RENDER_OK && i < sizeof(list) / sizeof(list[0]); i++)
        rc = view_image_create_sized(v, list[i].image, list[i].format, t->width, t->height, list[i].name);
    if (rc == RENDER_OK)
        rc = view_visibility_create(v, &t->visibility, t->width, t->height);
    t->valid = rc == RENDER_OK;
    return rc;
}

void view_trace_reset(struct render_view *v)
{
    struct view_trace *t = v->trace;
    if (!t)
        return;
    t->level = t->sample = t->tile = 0;
    t->sampling                    = false;
    t->front_valid = t->fading     = false;
    t->guides_valid                = false;
    t->shown_samples               = 0;
    v->stats.samples               = 0;
    v->stats.converged             = false;
}

// ---- Plan

static bool must_complete(const struct render_settings *s)
{
    return s->mode == RENDER_MODE_PATH_TRACING || s->budget_ms <= 0;
}

static struct level level_of(const struct render_view *v, uint32_t level)
{
    static const struct level slow[MAX_LEVELS] = { { 4, 4 }, { 2, 8 }, { 1, 24 } };
    if (v->settings.mode == RENDER_MODE_PATH_TRACING)
        return (struct level) { 1, v->settings.samples_per_pixel ? v->settings.samples_per_pixel : 512 };
    if (must_complete(&v->settings) || !v->gpu->cpu)
        return (struct level) { 1, 512 };
    const struct level l = slow[level < MAX_LEVELS ? level : MAX_LEVELS - 1];
    return v->renderer->warming ? (struct level) { l.divisor, 1 } : l;
}

static bool last_level(const struct render_view *v, uint32_t level)
{
    return level_of(v, level).divisor == 1;
}

static bool finished(const struct render_view *v)
{
    const struct view_trace *t = v->trace;
    return last_level(v, t->level) && t->sample >= level_of(v, t->level).target;
}

static bool pending(const struct render_scene *s)
{
    return scene_textures_pending(s) || scene_lights_pending(s);
}

// A frame without a budget is complete: it waits for pictures that are still being decoded.
int view_wait_textures(struct render_view *v, VkCommandBuffer cmd)
{
    const int64_t limit = clock_mono_ns() + WAIT_LIMIT_NS;
    int rc              = RENDER_OK;
    while (rc == RENDER_OK && pending(v->scene) && clock_mono_ns() < limit) {
        usleep(500);
        rc = render_scene_upload(v->scene, cmd);
    }
    return rc;
}

int view_trace_prepare(struct render_view *v, const struct render_frame_desc *desc, VkCommandBuffer cmd)
{
    struct render_scene *s = v->scene;
    const bool wait        = must_complete(&desc->settings);
    int rc                 = create(v);
    if (rc != RENDER_OK || (!wait && v->frame_count == 0))
        return rc; // the first picture comes before anything that takes time
    if (!s->bvh)
        rc = scene_bvh_create(s, &s->bvh);
    if (rc == RENDER_OK)
        rc = scene_bvh_update(s, cmd);
    const int64_t limit = clock_mono_ns() + WAIT_LIMIT_NS;
    while (rc == RENDER_OK && wait && (!scene_bvh_ready(s) || pending(s)) && clock_mono_ns() < limit) {
        usleep(500);
        rc = render_scene_upload(s, cmd);
        if (rc == RENDER_OK)
            rc = scene_bvh_update(s, cmd);
    }
    return rc;
}

// ---- Samples

static float halton(uint32_t index, uint32_t base)
{
    float f = 1, r = 0;
    for (; index; index /= base) {
        f /= (float)base;
        r += f * (float)(index % base);
    }
    return r;
}

// Uniform in 0 to 1 to a tent over -1 to 1.
static float tent(float u)
{
    return u < 0.5f ? sqrtf(2 * u) - 1 : 1 - sqrtf(2 - 2 * u);
}

static bool traces_primary(const struct render_view *v)
{
    return !v->gpu->cpu || v->camera.f_stop > 0;
}

static float lens_radius(const struct render_camera *c)
{
    return c->f_stop > 0 && c->focus_distance > 0 && !c->orthographic ? 0.1f * c->focal_length / c->f_stop / 2 : 0;
}

// Traces up to *tiles tiles of the current sample.
static int trace_tiles(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd, uint32_t *tiles)
{
    struct view_trace *t  = v->trace;
    struct traced *target = &t->traced[t->level];
    int rc                = create_traced(v, target, level_of(v, t->level).divisor);
    if (rc != RENDER_OK)
        return rc;
    struct SceneFrame frame;
    struct pass_context c;
    const bool primary = traces_primary(v);
    if (!t->sampling) {
        // The first sample at each size sits in the pixel's middle, to agree with the guides.
        t->jitter = (vec2) { 0, 0 };
        if (t->sample && !primary)
            t->jitter = (vec2) { tent(halton(t->sample, 2)), tent(halton(t->sample, 3)) };
    }
    view_frame_setup(v, target->width, target->height, t->jitter, &frame);
    rc = view_context(v, cmd, &frame, &c);
    if (rc == RENDER_OK && !t->sampling && !primary)
        rc = pass_raster_record(v->renderer->passes->raster, &c, &target->visibility, SCENE_DRAW_VISIBLE, NULL);
    if (rc != RENDER_OK)
        return rc;
    t->sampling          = true;
    const uint32_t all   = pass_tile_count(target->width, target->height);
    const uint32_t count = all - t->tile < *tiles ? all - t->tile : *tiles;
    rc = pass_trace_record(v->renderer->passes->trace, &c,
                           &(struct pass_trace_args) {
                               .visibility     = primary ? NULL : &target->visibility,
                               .out            = &target->images,
                               .tiles          = { t->tile, count },
                               .sample         = t->sample,
                               .seed           = t->seed,
                               .max_bounces    = v->settings.max_bounces,
                               .firefly_clamp  = v->settings.firefly_clamp,
                               .lens_radius    = lens_radius(&v->camera),
                               .focus_distance = v->camera.focus_distance,
                           });
    t->tile += count;
    *tiles -= count;
    f->tiles += count;
    if (t->tile == all) {
        t->tile     = 0;
        t->sampling = false;
        t->sample++;
    }
    return rc;
}

void view_trace_measured(struct render_view *v, const struct render_frame *f)
{
    struct view_trace *t = v->trace;
    const float ms       = f->timer.ms[VIEW_SPAN_TRACE];
    if (!t || !f->tiles || ms <= 0)
        return;
    const float rate = (float)f->tiles / ms;
    // The first time holds the driver's compilation; afterwards follow slowly.
    t->tiles_per_ms = !t->measured ? fmaxf(rate, t->tiles_per_ms * 0.25f) : t->tiles_per_ms * 0.7f + rate * 0.3f;
    t->measured     = true;
}

// A device that traces every pixel within the budget needs no preview and no fading.
static bool fast(const struct render_view *v)
{
    const struct view_trace *t = v->trace;
    const float all            = (float)pass_tile_count(v->width, v->height);
    return !v->gpu->cpu && t->measured && all / t->tiles_per_ms < 0.6f * v->settings.budget_ms;
}

// ---- Filtering

static int record_guides(struct render_view *v, const struct pass_context *c)
{
    struct view_trace *t = v->trace;
    if (t->guides_valid)
        return RENDER_OK;
    int rc = view_image_create(v, &v->guide_albedo, VK_FORMAT_R8G8B8A8_UNORM, "guide albedo");
    if (rc == RENDER_OK)
        rc = view_image_create(v, &v->guide_normal, VK_FORMAT_R16G16B16A16_SFLOAT, "guide normal");
    if (rc == RENDER_OK)
        rc = view_visibility_record(v, c);
    if (rc == RENDER_OK)
        rc = pass_aov_record(v->renderer->passes->picture, c,
                             &(struct pass_aov_args) {
                                 .visibility      = &v->visibility,
                                 .outputs         = AOV_GUIDES,
                                 .albedo          = &v->guide_albedo,
                                 .normal          = &v->guide_normal,
                                 .camera_to_world = v->camera.transform,
                             });
    t->guides_valid = rc == RENDER_OK;
    return rc;
}

// Filters the samples gathered into the picture that is shown next.
static int filter(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd, uint32_t samples)
{
    struct view_trace *t = v->trace;
    struct SceneFrame frame;
    struct pass_context c;
    const uint32_t into = t->front_valid && !fast(v) ? !t->front : t->front;
    view_frame_setup(v, v->width, v->height, (vec2) { 0, 0 }, &frame);
    int rc = view_context(v, cmd, &frame, &c);
    gpu_timer_begin(&f->timer, cmd, VIEW_SPAN_DENOISE);
    if (rc == RENDER_OK)
        rc = record_guides(v, &c);
    if (rc == RENDER_OK)
        rc = view_image_create(v, &t->shown[into], VK_FORMAT_R16G16B16A16_SFLOAT, "filtered");
    if (rc == RENDER_OK)
        rc = pass_denoise_record(v->renderer->passes->denoise, &c,
                                 &(struct pass_denoise_args) {
                                     .in         = &t->traced[t->level].images,
                                     .visibility = &v->visibility,
                                     .albedo     = &v->guide_albedo,
                                     .normal     = &v->guide_normal,
                                     .out        = &t->shown[into],
                                     .strength   = v->settings.denoise ? 1 : 0,
                                 });
    gpu_timer_end(&f->timer, cmd, VIEW_SPAN_DENOISE);
    if (rc != RENDER_OK)
        return rc;
    t->shown_level      = t->level;
    t->shown_samples    = samples;
    t->history_valid    = true;
    t->history          = into;
    t->history_frame    = frame;
    t->history_versions = v->versions;
    if (fast(v)) {
        t->front_valid = true;
        t->fading      = false;
    } else if (t->front_valid) {
        t->fading = true;
        t->fade   = 0;
    } else {
        t->front_valid             = true;
        t->fading                  = v->preview_valid; // over the preview
        t->first_fade_from_preview = t->fading;
        t->fade                    = 0;
    }
    return RENDER_OK;
}

static void advance_fade(struct view_trace *t, float step)
{
    if (!t->fading)
        return;
    t->fade += step;
    if (t->fade < 1)
        return;
    t->fading = false;
    if (t->first_fade_from_preview)
        t->first_fade_from_preview = false;
    else
        t->front = !t->front;
}

// ---- While the camera moves

int view_trace_reproject(struct render_view *v, const struct pass_context *c)
{
    const struct view_trace *t    = v->trace;
    const struct scene_versions *a = &v->versions;
    if (!t || !t->history_valid)
        return RENDER_OK;
    const struct scene_versions *b = &t->history_versions;
    const bool same = a->geometry == b->geometry && a->transforms == b->transforms && a->materials == b->materials &&
                      a->lights == b->lights &&
                      (t->history_frame.flags & FRAME_ORTHOGRAPHIC) == (c->frame->flags & FRAME_ORTHOGRAPHIC);
    if (!same)
        return RENDER_OK;
    int rc = view_image_create(v, &v->blended, VK_FORMAT_R16G16B16A16_SFLOAT, "blended preview");
    if (rc == RENDER_OK)
        rc = pass_reproject_record(v->renderer->passes->picture, c,
                                   &(struct pass_reproject_args) {
                                       .preview       = &v->preview,
                                       .depth         = &v->visibility.depth,
                                       .traced        = &t->shown[t->history],
                                       .traced_normal = &v->guide_normal,
                                       .traced_frame  = &t->history_frame,
                                       .trust         = 0.95f,
                                       .out           = &v->blended,
                                   });
    v->preview_blended = rc == RENDER_OK;
    return rc;
}

// ---- Frames

static int record_preview(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd)
{
    const float want = v->settings.budget_ms > 0 && !v->rest_frames ? v->scale : 1;
    if (v->preview_valid && v->preview_scale >= want)
        return RENDER_OK;
    return view_preview_record(v, f, cmd, want);
}

// A new filtered picture is worth its time when the samples have doubled, or a size is done.
static bool wants_filter(const struct render_view *v, uint32_t samples, bool level_done)
{
    const struct view_trace *t = v->trace;
    if (!samples || t->fading)
        return false;
    if (!t->front_valid || t->shown_level != t->level || level_done)
        return true;
    return v->gpu->cpu ? samples >= 2 * t->shown_samples : samples > t->shown_samples;
}

static int record_slice(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd)
{
    struct view_trace *t = v->trace;
    int rc               = RENDER_OK;
    if (!finished(v)) {
        const float ms = v->settings.budget_ms * 0.75f;
        uint32_t tiles = (uint32_t)fmaxf(t->tiles_per_ms * ms, 1);
        gpu_timer_begin(&f->timer, cmd, VIEW_SPAN_TRACE);
        for (int i = 0; i < 16 && rc == RENDER_OK && tiles && !finished(v); i++) {
            const uint32_t level = t->level;
            rc                   = trace_tiles(v, f, cmd, &tiles);
            if (t->sample >= level_of(v, level).target && !last_level(v, level))
                break; // filter before going on with the next size
        }
        gpu_timer_end(&f->timer, cmd, VIEW_SPAN_TRACE);
    }
    const bool done = t->sample >= level_of(v, t->level).target;
    if (rc == RENDER_OK && wants_filter(v, t->sample, done && t->shown_samples < t->sample))
        rc = filter(v, f, cmd, t->sample);
    if (done && !last_level(v, t->level) && t->shown_level == t->level && t->shown_samples == t->sample) {
        t->level++;
        t->sample = t->tile = 0;
        t->sampling         = false;
    }
    return rc;
}

static int record_realtime(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd)
{
    struct view_trace *t = v->trace;
    const bool possible  = v->frame_count > 0 && v->scene->bvh && view_passes_tracing(v->renderer, false) &&
                          scene_bvh_ready(v->scene);
    const bool at_once = possible && fast(v);
    // A GPU learns its speed from a few tiles before it is trusted to trace whole frames.
    const bool probe = possible && !v->gpu->cpu && !t->measured;
    int rc             = at_once ? RENDER_OK : record_preview(v, f, cmd);
    if (rc != RENDER_OK)
        return rc;
    advance_fade(t, 1.0f / FADE_FRAMES);
    // On a slow device tracing begins when the picture rests and its preview is complete.
    if (at_once || probe || (possible && v->rest_frames >= 2))
        rc = record_slice(v, f, cmd);
    v->stats.samples   = t->sample;
    v->stats.converged = finished(v) && !t->fading && t->shown_samples == t->sample;
    return rc;
}

// Everything at once. Work is cut into command buffers that no watchdog minds.
static int record_complete(struct render_view *v, struct render_frame *f, VkCommandBuffer *cmd)
{
    struct view_trace *t = v->trace;
    if (!view_passes_tracing(v->renderer, true))
        return RENDER_ERR_DEVICE;
    const bool whole      = v->settings.mode == RENDER_MODE_PATH_TRACING;
    const uint32_t target = whole ? level_of(v, 0).target : t->sample + 1;
    float spent           = 0;
    int rc                = RENDER_OK;
    gpu_timer_begin(&f->timer, *cmd, VIEW_SPAN_TRACE);
    while (rc == RENDER_OK && t->sample < target && t->sample < level_of(v, 0).target) {
        uint32_t tiles         = (uint32_t)fmaxf(t->tiles_per_ms * SUBMIT_MS, 1);
        const uint32_t planned = tiles;
        rc                     = trace_tiles(v, f, *cmd, &tiles);
        spent += (float)(planned - tiles) / t->tiles_per_ms;
        if (spent < SUBMIT_MS || t->sample >= target)
            continue;
        gpu_commands_submit(v->gpu);
        *cmd = gpu_commands_begin(v->gpu);
        if (!*cmd)
            return RENDER_ERR_DEVICE;
        gpu_barrier_upload(*cmd);
        gpu_barrier_compute(*cmd);
        spent = 0;
    }
    gpu_timer_end(&f->timer, *cmd, VIEW_SPAN_TRACE);
    if (rc == RENDER_OK && t->sample && t->sample != t->shown_samples) {
        t->front_valid = false; // no fading
        v->preview_valid = false;
        rc               = filter(v, f, *cmd, t->sample);
        t->fading = t->first_fade_from_preview = false;
    }
    v->stats.samples   = t->sample;
    v->stats.converged = finished(v);
    return rc;
}

int view_trace_record(struct render_view *v, struct render_frame *f, VkCommandBuffer *cmd)
{
    return must_complete(&v->settings) ? record_complete(v, f, cmd) : record_realtime(v, f, *cmd);
}

void view_trace_shown(struct render_view *v, struct pass_compose_args *args)
{
    const struct view_trace *t = v->trace;
    if (!t || !t->front_valid)
        return;
    const vec2 full = { (float)v->width, (float)v->height };
    if (t->fading && t->first_fade_from_preview) { // `from` is the preview already
        args->to           = &t->shown[t->front];
        args->params.to    = full;
        args->params.blend = t->fade;
        return;
    }
    args->from        = &t->shown[t->front];
    args->params.from = full;
    if (t->fading) {
        args->to           = &t->shown[!t->front];
        args->params.to    = full;
        args->params.blend = t->fade;
    }
}
