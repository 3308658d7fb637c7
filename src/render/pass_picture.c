#include "pass_picture.h"

#include <stdlib.h>

#include "matrix.h"
#include "shared/reproject.h"

static const uint32_t aov_spv[] = {
#include "aov.comp.spv.h"
};
static const uint32_t compose_spv[] = {
#include "compose.comp.spv.h"
};
static const uint32_t reproject_spv[] = {
#include "reproject.comp.spv.h"
};
static const uint32_t outline_rows_spv[] = {
#include "outline_rows.comp.spv.h"
};
static const uint32_t outline_spv[] = {
#include "outline.comp.spv.h"
};

#define AOV_VARIANTS 8

struct pass_picture {
    struct gpu_device *gpu;
    VkDescriptorSetLayout scene_layout;
    struct gpu_buffer dummy;
    struct gpu_image dummy_image;
    // Made when first used: each costs a compilation.
    struct gpu_pipeline compose[2][2]; // [enlarge][two]
    struct gpu_pipeline outline_rows, outline, reproject;
    struct {
        uint32_t outputs;
        uint64_t used;
        struct gpu_pipeline pipeline;
    } aov[AOV_VARIANTS];
    uint64_t clock;
};

#define T_IMAGE VK_DESCRIPTOR_TYPE_STORAGE_IMAGE
#define T_TEXTURE VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER
#define T_BUFFER VK_DESCRIPTOR_TYPE_STORAGE_BUFFER

int pass_picture_create(struct renderer *r, struct pass_picture **out)
{
    struct pass_picture *p = *out = calloc(1, sizeof(*p));
    if (!p)
        return RENDER_ERR_NOMEM;
    p->gpu          = r->gpu;
    p->scene_layout = r->scene_layout;
    int rc          = gpu_buffer_create(p->gpu, &p->dummy, 256, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, GPU_MEMORY_DEVICE,
                                        "dummy outputs");
    if (rc == GPU_OK)
        rc = gpu_image_create(p->gpu, &p->dummy_image,
                              &(struct gpu_image_desc) { .format = VK_FORMAT_R16G16B16A16_SFLOAT,
                                                         .width  = 1,
                                                         .height = 1,
                                                         .usage  = VK_IMAGE_USAGE_STORAGE_BIT });
    if (rc != GPU_OK)
        pass_picture_destroy(out);
    return rc;
}

void pass_picture_destroy(struct pass_picture **out)
{
    struct pass_picture *p = *out;
    if (!p)
        return;
    for (int i = 0; i < 4; i++)
        gpu_pipeline_destroy(p->gpu, &p->compose[i / 2][i % 2]);
    for (int i = 0; i < AOV_VARIANTS; i++)
        gpu_pipeline_destroy(p->gpu, &p->aov[i].pipeline);
    gpu_pipeline_destroy(p->gpu, &p->outline_rows);
    gpu_pipeline_destroy(p->gpu, &p->outline);
    gpu_pipeline_destroy(p->gpu, &p->reproject);
    gpu_buffer_destroy(p->gpu, &p->dummy);
    gpu_image_destroy(p->gpu, &p->dummy_image);
    free(p);
    *out = NULL;
}

// ---- Data outputs

static int aov_pipeline(struct pass_picture *p, uint32_t outputs, struct gpu_pipeline **out)
{
    static const struct gpu_binding bindings[] = {
        { 0, T_TEXTURE }, { 1, T_BUFFER }, { 2, T_BUFFER }, { 3, T_BUFFER }, { 4, T_BUFFER }, { 5, T_BUFFER },
        { 6, T_BUFFER },  { 7, T_BUFFER }, { 8, T_BUFFER }, { 9, T_IMAGE },  { 10, T_IMAGE },
    };
    int slot = 0;
    for (int i = 0; i < AOV_VARIANTS; i++) {
        if (p->aov[i].pipeline.handle && p->aov[i].outputs == outputs) {
            p->aov[i].used = ++p->clock;
            *out           = &p->aov[i].pipeline;
            return GPU_OK;
        }
        if (p->aov[i].used < p->aov[slot].used)
            slot = i;
    }
    if (p->aov[slot].pipeline.handle) { // nine combinations in use at once: rare enough to wait
        gpu_timeline_wait(p->gpu, gpu_timeline_submitted(p->gpu), UINT64_MAX);
        gpu_pipeline_destroy(p->gpu, &p->aov[slot].pipeline);
    }
    p->aov[slot].outputs     = outputs;
    p->aov[slot].used        = ++p->clock;
    *out                     = &p->aov[slot].pipeline;
    struct gpu_shader shader = GPU_SHADER(aov_spv);
    shader.constants         = &outputs;
    shader.constant_count    = 1;
    return gpu_compute_create(p->gpu, *out,
                              &(struct gpu_compute_desc) {
                                  .shader        = shader,
                                  .set0          = p->scene_layout,
                                  .bindings      = bindings,
                                  .binding_count = 11,
                                  .push_size     = sizeof(struct AovParams),
                                  .name          = "data outputs",
                              });
}

int pass_aov_record(struct pass_picture *p, const struct pass_context *c, const struct pass_aov_args *a)
{
    struct gpu_pipeline *pipeline;
    int rc = aov_pipeline(p, a->outputs, &pipeline);
    if (rc != GPU_OK)
        return rc;
    struct gpu_push push = { 0 };
    gpu_push_texture(&push, 0, &a->visibility->visibility, p->gpu->nearest);
    for (uint32_t i = RENDER_OUT_NORMAL; i < RENDER_OUT_COUNT; i++)
        gpu_push_buffer(&push, i - RENDER_OUT_NORMAL + 1,
                        a->outputs >> i & 1 && a->buffers[i] ? a->buffers[i] : &p->dummy);
    const bool guides = a->outputs & AOV_GUIDES;
    gpu_push_image(&push, 9, guides ? a->albedo : &p->dummy_image);
    gpu_push_image(&push, 10, guides ? a->normal : &p->dummy_image);
    struct AovParams params;
    double inverse[16];
    matrix_invert(a->camera_to_world, inverse);
    matrix_rows(inverse, params.to_camera);
    gpu_dispatch(p->gpu, c->cmd, pipeline, c->scene_set, &push, &params, (uint32_t)c->frame->extent.x,
                 (uint32_t)c->frame->extent.y, COMPOSE_TILE, COMPOSE_TILE);
    gpu_barrier_compute(c->cmd);
    return RENDER_OK;
}

// ---- Composition

int pass_compose_record(struct pass_picture *p, const struct pass_context *c, const struct pass_compose_args *a)
{
    static const struct gpu_binding bindings[] = { { 0, T_TEXTURE }, { 1, T_TEXTURE }, { 2, T_BUFFER }, { 3, T_BUFFER } };
    const bool enlarge = a->params.from.x != (float)a->params.size.x || a->params.from.y != (float)a->params.size.y ||
                         a->params.from_offset.x != 0 || a->params.from_offset.y != 0 ||
                         (a->to && (a->params.to.x != (float)a->params.size.x || a->params.to.y != (float)a->params.size.y));
    const uint32_t constants[2]   = { enlarge, a->to != NULL };
    struct gpu_pipeline *pipeline = &p->compose[constants[0]][constants[1]];
    if (!pipeline->handle) {
        struct gpu_shader shader = GPU_SHADER(compose_spv);
        shader.constants         = constants;
        shader.constant_count    = 2;
        int rc                   = gpu_compute_create(p->gpu, pipeline,
                                                      &(struct gpu_compute_desc) {
                                                          .shader        = shader,
                                                          .bindings      = bindings,
                                                          .binding_count = 4,
                                                          .push_size     = sizeof(a->params),
                                                          .name          = "compose",
                                                      });
        if (rc != GPU_OK)
            return rc;
    }
    struct gpu_push push = { 0 };
    gpu_push_texture(&push, 0, a->from, p->gpu->linear);
    gpu_push_texture(&push, 1, a->to ? a->to : a->from, p->gpu->linear);
    gpu_push_buffer(&push, 2, a->ldr ? a->ldr : &p->dummy);
    gpu_push_buffer(&push, 3, a->hdr ? a->hdr : &p->dummy);
    struct ComposeParams params = a->params;
    params.flags                = (params.flags & COMPOSE_BLACK) | (a->ldr ? COMPOSE_LDR : 0) | (a->hdr ? COMPOSE_HDR : 0);
    gpu_dispatch(p->gpu, c->cmd, pipeline, (struct gpu_set) { 0 }, &push, &params, params.size.x, params.size.y,
                 COMPOSE_TILE, COMPOSE_TILE);
    gpu_barrier_compute(c->cmd);
    return RENDER_OK;
}

// ---- The last traced picture, seen from a moved camera

int pass_reproject_record(struct pass_picture *p, const struct pass_context *c, const struct pass_reproject_args *a)
{
    static const struct gpu_binding bindings[] = {
        { 0, T_TEXTURE }, { 1, T_TEXTURE }, { 2, T_TEXTURE }, { 3, T_TEXTURE }, { 4, T_IMAGE } };
    int rc = GPU_OK;
    if (!p->reproject.handle)
        rc = gpu_compute_create(p->gpu, &p->reproject,
                                &(struct gpu_compute_desc) {
                                    .shader        = GPU_SHADER(reproject_spv),
                                    .set0          = p->scene_layout,
                                    .bindings      = bindings,
                                    .binding_count = 5,
                                    .push_size     = sizeof(struct ReprojectParams),
                                    .name          = "reproject",
                                });
    if (rc != GPU_OK)
        return rc;
    const struct ReprojectParams params = {
        .world_to_clip = a->traced_frame->world_to_clip,
        .eye           = a->traced_frame->eye,
        .axis          = a->traced_frame->axis,
        .orthographic  = c->frame->flags & FRAME_ORTHOGRAPHIC ? 1 : 0,
        .near_clip     = c->frame->near_clip,
        .far_clip      = c->frame->far_clip,
        .trust         = a->trust,
    };
    struct gpu_push push = { 0 };
    gpu_push_texture(&push, 0, a->preview, p->gpu->nearest);
    gpu_push_texture(&push, 1, a->depth, p->gpu->nearest);
    gpu_push_texture(&push, 2, a->traced, p->gpu->linear);
    gpu_push_texture(&push, 3, a->traced_normal, p->gpu->nearest);
    gpu_push_image(&push, 4, a->out);
    gpu_dispatch(p->gpu, c->cmd, &p->reproject, c->scene_set, &push, &params, (uint32_t)c->frame->extent.x,
                 (uint32_t)c->frame->extent.y, COMPOSE_TILE, COMPOSE_TILE);
    gpu_barrier_compute(c->cmd);
    return RENDER_OK;
}

// ---- Outlines

static int outline_pipelines(struct pass_picture *p)
{
    static const struct gpu_binding rows[] = { { 0, T_TEXTURE }, { 1, T_IMAGE } };
    static const struct gpu_binding all[]  = { { 0, T_TEXTURE }, { 1, T_TEXTURE }, { 2, T_BUFFER }, { 3, T_BUFFER } };
    if (p->outline.handle)
        return GPU_OK;
    int rc = gpu_compute_create(p->gpu, &p->outline_rows,
                                &(struct gpu_compute_desc) {
                                    .shader        = GPU_SHADER(outline_rows_spv),
                                    .set0          = p->scene_layout,
                                    .bindings      = rows,
                                    .binding_count = 2,
                                    .push_size     = sizeof(struct OutlineParams),
                                    .name          = "outline rows",
                                });
    if (rc == GPU_OK)
        rc = gpu_compute_create(p->gpu, &p->outline,
                                &(struct gpu_compute_desc) {
                                    .shader        = GPU_SHADER(outline_spv),
                                    .set0          = p->scene_layout,
                                    .bindings      = all,
                                    .binding_count = 4,
                                    .push_size     = sizeof(struct OutlineParams),
                                    .name          = "outline",
                                });
    return rc;
}

int pass_outline_record(struct pass_picture *p, const struct pass_context *c, const struct pass_outline_args *a)
{
    int rc = outline_pipelines(p);
    if (rc != GPU_OK)
        return rc;
    struct gpu_push rows = { 0 }, all = { 0 };
    gpu_push_texture(&rows, 0, &a->mask->visibility, p->gpu->nearest);
    gpu_push_image(&rows, 1, a->nearest);
    gpu_dispatch(p->gpu, c->cmd, &p->outline_rows, c->scene_set, &rows, &a->params, a->params.extent.x,
                 a->params.extent.y, COMPOSE_TILE, COMPOSE_TILE);
    gpu_barrier_compute(c->cmd);
    gpu_push_texture(&all, 0, &a->mask->visibility, p->gpu->nearest);
    gpu_push_texture(&all, 1, a->nearest, p->gpu->nearest);
    gpu_push_buffer(&all, 2, a->ldr);
    gpu_push_buffer(&all, 3, a->styles);
    gpu_dispatch(p->gpu, c->cmd, &p->outline, c->scene_set, &all, &a->params, a->params.extent.x, a->params.extent.y,
                 COMPOSE_TILE, COMPOSE_TILE);
    gpu_barrier_compute(c->cmd);
    return RENDER_OK;
}
