// The compute passes over the visibility buffer and the internal pictures: data outputs,
// composition into the outputs, outlines. One object, since each is a few lines of pushing and dispatching.
#pragma once

#include "pass.h"
#include "shared/compose.h"

struct pass_picture;

int pass_picture_create(struct renderer *r, struct pass_picture **out);
void pass_picture_destroy(struct pass_picture **p);

struct pass_aov_args {
    const struct pass_visibility_images *visibility; // unjittered, frame->extent = size of the outputs
    uint32_t outputs;                                // AOV_*
    const struct gpu_buffer *buffers[RENDER_OUT_COUNT]; // those of `outputs`
    const struct gpu_image *albedo, *normal;         // with AOV_GUIDES: RGBA8, RGBA16F
    const double *camera_to_world;
};
int pass_aov_record(struct pass_picture *p, const struct pass_context *c, const struct pass_aov_args *args);

struct pass_compose_args {
    const struct gpu_image *from, *to; // RGBA16F; `to` NULL = from alone
    struct ComposeParams params;
    const struct gpu_buffer *ldr, *hdr; // NULL = not wanted
};
int pass_compose_record(struct pass_picture *p, const struct pass_context *c, const struct pass_compose_args *args);

struct pass_reproject_args {
    const struct gpu_image *preview, *depth;       // frame->extent pixels
    const struct gpu_image *traced, *traced_normal; // full size
    const struct SceneFrame *traced_frame;
    float trust;
    const struct gpu_image *out; // RGBA16F, frame->extent pixels
};
int pass_reproject_record(struct pass_picture *p, const struct pass_context *c, const struct pass_reproject_args *args);

struct pass_outline_args {
    const struct pass_visibility_images *mask; // outlined instances alone, full size
    const struct gpu_image *nearest;           // RGBA8UI scratch, full size
    const struct gpu_buffer *ldr, *styles;     // styles: 256 render_group_style
    struct OutlineParams params;
};
int pass_outline_record(struct pass_picture *p, const struct pass_context *c, const struct pass_outline_args *args);
