// Inside of views: what view*.c share.
#pragma once

#include <stdatomic.h>

#include "pass_denoise.h"
#include "pass_picture.h"
#include "pass_preview.h"
#include "pass_raster.h"
#include "pass_trace.h"
#include "scene.h"

// The passes of a renderer, shared by its views.
struct view_passes {
    struct pass_raster *raster;
    struct pass_picture *picture;
    struct pass_preview *preview;
    struct pass_trace *trace;
    struct pass_denoise *denoise;
    struct view_compile *compile; // background compilation, view_passes.c
};

enum view_span { VIEW_SPAN_ALL, VIEW_SPAN_RASTER, VIEW_SPAN_PREVIEW, VIEW_SPAN_TRACE, VIEW_SPAN_DENOISE,
                 VIEW_SPAN_RESOLVE };

// One instance that a pick may hit, as it was when the frame was drawn.
struct pick_candidate {
    uint32_t index; // SceneInstance
    uint32_t instance_id;
    uint64_t user;
    double to_world[16];
    struct mesh_data *data;
};

// Buffers of one frame; render_frame is one of these while the caller has it.
struct render_frame {
    struct render_view *view;
    atomic_bool taken;
    uint64_t value; // timeline
    uint32_t outputs;
    struct gpu_buffer device[RENDER_OUT_COUNT]; // written by the GPU; on a software device this is host memory
    struct gpu_buffer host[RENDER_OUT_COUNT];   // copies to map, on a real device
    struct gpu_timer timer;
    float scale;        // of the internal picture
    uint32_t tiles;     // traced by the work that the timer spans
    bool slow_start;    // some pipeline was used for the first time: times say nothing

    bool picking;
    struct render_pick_rect pick;
    struct gpu_buffer pick_pixels; // uvec2 per pixel of the rectangle, host memory
    struct { ARRAY_OF(struct pick_candidate); } candidates;
    struct SceneFrame pick_frame;
};

struct view_trace; // view_trace.c

struct render_view {
    struct renderer *renderer;
    struct render_scene *scene;
    struct gpu_device *gpu;
    uint32_t width, height;
    struct render_frame frames[RENDER_MAX_FRAMES];

    // Made when first needed, all of full size; pictures of a smaller internal size use their top left corner.
    struct pass_visibility_images visibility; // of the preview and of the data outputs
    struct pass_visibility_images mask;       // of outlined instances and picks
    struct gpu_image preview;                 // RGBA16F
    struct gpu_image blended;                 // RGBA16F: the preview with what a traced picture still tells
    struct gpu_image outline_nearest;         // RGBA8UI
    struct gpu_image guide_albedo, guide_normal;
    struct gpu_buffer styles;
    uint32_t styles_version;

    // What the last frame drew.
    bool drawn;
    struct render_camera camera;
    struct render_settings settings;
    struct scene_versions versions;
    mat4 last_world_to_clip;
    uint32_t frame_count;
    uint32_t rest_frames; // frames since anything changed

    bool warned_camera;

    // Preview
    float scale;          // linear size of the internal picture while moving, 0 to 1
    float preview_scale;  // of what `preview` holds
    vec2 preview_extent;  // pixels of it in use
    bool preview_blended; // `blended` stands for it
    bool preview_valid;   // it shows the current scene and camera
    bool visibility_full; // `visibility` shows them at full size, without jitter
    uint32_t previews_drawn;

    struct view_trace *trace;
    struct render_stats stats;
};

// view.c
void view_frame_setup(struct render_view *v, uint32_t width, uint32_t height, vec2 jitter, struct SceneFrame *out);
int view_context(struct render_view *v, VkCommandBuffer cmd, const struct SceneFrame *frame, struct pass_context *out);
int view_preview_record(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd, float scale);
int view_visibility_record(struct render_view *v, const struct pass_context *c); // full size, no jitter

// view_output.c
int view_outputs_prepare(struct render_view *v, struct render_frame *f, uint32_t outputs);
void view_outputs_finish(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd); // copies to the host
void view_frames_destroy(struct render_view *v);
int view_visibility_create(struct render_view *v, struct pass_visibility_images *out, uint32_t width, uint32_t height);
void view_visibility_retire(struct render_view *v, struct pass_visibility_images *images);
int view_image_create(struct render_view *v, struct gpu_image *out, VkFormat format, const char *name);
int view_image_create_sized(struct render_view *v, struct gpu_image *out, VkFormat format, uint32_t width,
                            uint32_t height, const char *name);

// view_pick.c
int view_pick_record(struct render_view *v, struct render_frame *f, const struct pass_context *c,
                     const struct render_pick_rect *rect);
void view_pick_reset(struct render_frame *f);

// view_outline.c
int view_outline_record(struct render_view *v, struct render_frame *f, const struct pass_context *c);

// view_passes.c
int view_passes_create(struct renderer *r);
void view_passes_destroy(struct renderer *r);
// Starts compiling the tracing passes in the background (once). true when they are ready. `wait`: until they are.
bool view_passes_tracing(struct renderer *r, bool wait);

// renderer.c: renderer_create(), for view_warm.c.
int view_renderer_open(struct renderer **out, const struct render_params *params, bool warming);

// view_warm.c: has the driver compile what tracing needs, away from the queue that draws. Any thread.
void view_warm(const struct renderer *like);

// view_trace.c: progressive path tracing.
void view_trace_destroy(struct render_view *v);
// The scene's trees follow its geometry; before the frame's changes are looked at.
int view_trace_prepare(struct render_view *v, const struct render_frame_desc *desc, VkCommandBuffer cmd);
int view_wait_textures(struct render_view *v, VkCommandBuffer cmd);
// Everything but the outputs of a real-time or path-traced frame. *cmd is the open command buffer; it may change.
int view_trace_record(struct render_view *v, struct render_frame *f, VkCommandBuffer *cmd);
// Mixes what the last traced picture knows into the preview just drawn.
int view_trace_reproject(struct render_view *v, const struct pass_context *c);
void view_trace_shown(struct render_view *v, struct pass_compose_args *args); // which pictures to compose
void view_trace_measured(struct render_view *v, const struct render_frame *f); // its timer has new values
void view_trace_reset(struct render_view *v); // the picture changed: samples gathered so far are of another one
