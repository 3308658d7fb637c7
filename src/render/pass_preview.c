#include "pass_preview.h"

#include <stdlib.h>

#include "light.h"
#include "log.h"
#include "scene_draw.h"
#include "shadow.h"

static const uint32_t preview_vert[] = {
#include "preview.vert.spv.h"
};
static const uint32_t preview_frag[] = {
#include "preview.frag.spv.h"
};
static const uint32_t screen_vert[] = {
#include "screen.vert.spv.h"
};
static const uint32_t sky_frag[] = {
#include "sky.frag.spv.h"
};
static const uint32_t depth_vert[] = {
#include "depth.vert.spv.h"
};

#define MAX_VARIANTS 32
#define KIND_SKY SCENE_DRAW_KINDS

// A pipeline and the constants it was made with: mode, kind, light types, features.
struct variant {
    uint32_t constants[4];
    uint64_t used;
    struct gpu_pipeline pipeline;
};

struct pass_preview {
    struct gpu_device *gpu;
    VkDescriptorSetLayout scene_layout;
    // Made when first used: each costs a compilation.
    struct variant variants[MAX_VARIANTS];
    uint64_t clock;
    struct gpu_pipeline depth;
    VkSampler compare;

    struct gpu_image maps; // D32, a layer per light
    VkImageView layers[PREVIEW_LIGHTS];
    struct gpu_image no_maps;
    // What the maps show.
    const struct render_scene *scene;
    struct scene_versions versions;
    struct PreviewScene lights; // matrices and biases of the maps
};

int pass_preview_create(struct renderer *r, struct pass_preview **out)
{
    struct pass_preview *p = *out = calloc(1, sizeof(*p));
    if (!p)
        return RENDER_ERR_NOMEM;
    p->gpu          = r->gpu;
    p->scene_layout = r->scene_layout;
    int rc          = gpu_check(vkCreateSampler(p->gpu->device,
                                                &(VkSamplerCreateInfo) {
                                                    .sType         = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
                                                    .magFilter     = VK_FILTER_LINEAR,
                                                    .minFilter     = VK_FILTER_LINEAR,
                                                    .addressModeU  = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                                    .addressModeV  = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                                    .addressModeW  = VK_SAMPLER_ADDRESS_MODE_CLAMP_TO_EDGE,
                                                    .compareEnable = VK_TRUE,
                                                    .compareOp     = VK_COMPARE_OP_LESS_OR_EQUAL,
                                                },
                                                NULL, &p->compare),
                                "vkCreateSampler");
    if (rc == GPU_OK)
        rc = gpu_image_create(p->gpu, &p->no_maps,
                              &(struct gpu_image_desc) { .format = VK_FORMAT_D32_SFLOAT,
                                                         .width  = 1,
                                                         .height = 1,
                                                         .array  = true,
                                                         .usage  = VK_IMAGE_USAGE_SAMPLED_BIT,
                                                         .name   = "no shadow maps" });
    if (rc != GPU_OK)
        pass_preview_destroy(out);
    return rc;
}

void pass_preview_destroy(struct pass_preview **out)
{
    struct pass_preview *p = *out;
    if (!p)
        return;
    for (int i = 0; i < MAX_VARIANTS; i++)
        gpu_pipeline_destroy(p->gpu, &p->variants[i].pipeline);
    gpu_pipeline_destroy(p->gpu, &p->depth);
    for (int i = 0; i < PREVIEW_LIGHTS; i++)
        vkDestroyImageView(p->gpu->device, p->layers[i], NULL);
    gpu_image_destroy(p->gpu, &p->maps);
    gpu_image_destroy(p->gpu, &p->no_maps);
    vkDestroySampler(p->gpu->device, p->compare, NULL);
    free(p);
    *out = NULL;
}

// ---- Pipelines

static int create_variant(struct pass_preview *p, struct variant *v)
{
    static const struct gpu_binding bindings[] = { { 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER },
                                                   { 1, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER },
                                                   { 2, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER } };
    static const VkFormat format               = VK_FORMAT_R16G16B16A16_SFLOAT;
    const bool sky                             = v->constants[PREVIEW_CONSTANT_KIND] == KIND_SKY;
    struct gpu_graphics_desc desc              = {
                     .vertex        = sky ? GPU_SHADER(screen_vert) : GPU_SHADER(preview_vert),
                     .fragment      = sky ? GPU_SHADER(sky_frag) : GPU_SHADER(preview_frag),
                     .set0          = p->scene_layout,
                     .bindings      = bindings,
                     .binding_count = 3,
                     .colors        = &format,
                     .color_count   = 1,
                     .depth         = VK_FORMAT_D32_SFLOAT,
                     .depth_write   = !sky,
                     .depth_compare = sky ? VK_COMPARE_OP_EQUAL : VK_COMPARE_OP_GREATER, // sky where nothing was drawn
                     .vertex_stride = sky ? 0 : 12,
                     .name          = sky ? "sky" : "preview",
    };
    desc.vertex.constants = desc.fragment.constants = v->constants;
    desc.vertex.constant_count = desc.fragment.constant_count = 4;
    return gpu_graphics_create(p->gpu, &v->pipeline, &desc);
}

static int find_variant(struct pass_preview *p, const uint32_t constants[4], struct gpu_pipeline **out)
{
    struct variant *oldest = &p->variants[0];
    for (int i = 0; i < MAX_VARIANTS; i++) {
        struct variant *v = &p->variants[i];
        if (v->pipeline.handle && memcmp(v->constants, constants, sizeof(v->constants)) == 0) {
            v->used = ++p->clock;
            *out    = &v->pipeline;
            return GPU_OK;
        }
        if (v->used < oldest->used)
            oldest = v;
    }
    if (oldest->pipeline.handle) { // so many different scenes: rare enough to wait
        gpu_timeline_wait(p->gpu, gpu_timeline_submitted(p->gpu), UINT64_MAX);
        gpu_pipeline_destroy(p->gpu, &oldest->pipeline);
    }
    memcpy(oldest->constants, constants, sizeof(oldest->constants));
    oldest->used = ++p->clock;
    *out         = &oldest->pipeline;
    return create_variant(p, oldest);
}

static int depth_pipeline(struct pass_preview *p)
{
    static const struct gpu_binding bindings[] = { { 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER } };
    if (p->depth.handle)
        return GPU_OK;
    return gpu_graphics_create(p->gpu, &p->depth,
                               &(struct gpu_graphics_desc) {
                                   .vertex        = GPU_SHADER(depth_vert),
                                   .set0          = p->scene_layout,
                                   .bindings      = bindings,
                                   .binding_count = 1,
                                   .push_size     = sizeof(mat4),
                                   .depth         = VK_FORMAT_D32_SFLOAT,
                                   .depth_write   = true,
                                   .depth_compare = VK_COMPARE_OP_LESS,
                                   .vertex_stride = 12,
                                   .name          = "shadow",
                               });
}

// ---- Shadow maps

static int create_maps(struct pass_preview *p)
{
    if (p->maps.handle)
        return GPU_OK;
    int rc = gpu_image_create(p->gpu, &p->maps,
                              &(struct gpu_image_desc) {
                                  .format = VK_FORMAT_D32_SFLOAT,
                                  .width  = SHADOW_SIZE,
                                  .height = SHADOW_SIZE,
                                  .layers = PREVIEW_LIGHTS,
                                  .usage  = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT,
                                  .name   = "shadow maps",
                              });
    for (uint32_t i = 0; rc == GPU_OK && i < PREVIEW_LIGHTS; i++)
        rc = gpu_check(vkCreateImageView(p->gpu->device,
                                         &(VkImageViewCreateInfo) {
                                             .sType            = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                             .image            = p->maps.handle,
                                             .viewType         = VK_IMAGE_VIEW_TYPE_2D,
                                             .format           = VK_FORMAT_D32_SFLOAT,
                                             .subresourceRange = { VK_IMAGE_ASPECT_DEPTH_BIT, 0, 1, i, 1 },
                                         },
                                         NULL, &p->layers[i]),
                       "vkCreateImageView");
    return rc;
}

static int draw_map(struct pass_preview *p, const struct pass_context *c, uint32_t i, const mat4 *clip)
{
    struct scene_draws draws;
    // Culling expects reversed depth: the sides are the same, and what lies before the near plane is wanted too.
    int rc = scene_draw_build(c->scene, NULL, NULL, SCENE_DRAW_VISIBLE, &draws);
    if (rc != RENDER_OK)
        return rc;
    const VkExtent2D size = { SHADOW_SIZE, SHADOW_SIZE };
    vkCmdBeginRendering(c->cmd, &(VkRenderingInfo) {
                                    .sType            = VK_STRUCTURE_TYPE_RENDERING_INFO,
                                    .renderArea       = { .extent = size },
                                    .layerCount       = 1,
                                    .pDepthAttachment = &(VkRenderingAttachmentInfo) {
                                        .sType       = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView   = p->layers[i],
                                        .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                        .loadOp      = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                        .storeOp     = VK_ATTACHMENT_STORE_OP_STORE,
                                        .clearValue  = { .depthStencil = { 1, 0 } },
                                    },
                                });
    vkCmdSetViewport(c->cmd, 0, 1, &(VkViewport) { 0, 0, SHADOW_SIZE, SHADOW_SIZE, 0, 1 });
    vkCmdSetScissor(c->cmd, 0, 1, &(VkRect2D) { .extent = size });
    struct gpu_push push = { 0 };
    gpu_push_buffer_range(&push, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, &draws.list, draws.list_offset, draws.list_size);
    gpu_bind(p->gpu, c->cmd, &p->depth, c->scene_set, &push, clip);
    for (int kind = 0; kind < SCENE_DRAW_KINDS; kind++)
        scene_draw_record(c->scene, c->cmd, &draws, kind);
    vkCmdEndRendering(c->cmd);
    return RENDER_OK;
}

static bool maps_current(const struct pass_preview *p, const struct render_scene *s)
{
    const struct scene_versions *a = &p->versions, *b = &s->versions;
    return p->scene == s && a->geometry == b->geometry && a->transforms == b->transforms && a->lights == b->lights;
}

// Maps are drawn again only when a light or a thing moved; moving the camera leaves them.
static int update_maps(struct pass_preview *p, const struct pass_context *c, uint32_t lights)
{
    if (maps_current(p, c->scene))
        return RENDER_OK;
    struct shadow_bounds bounds;
    shadow_bounds_of(c->scene, &bounds);
    int rc = create_maps(p);
    if (rc == GPU_OK)
        rc = depth_pipeline(p);
    if (rc == GPU_OK)
        gpu_barrier_raster(c->cmd);
    for (uint32_t i = 0; rc == RENDER_OK && i < PREVIEW_LIGHTS; i++) {
        mat4 clip;
        p->lights.shadow_bias[i].w = 0;
        if (i < lights && shadow_setup(&bounds, &p->lights.lights[i], i, &clip, &p->lights))
            rc = draw_map(p, c, i, &clip);
    }
    if (rc == RENDER_OK) {
        gpu_barrier_raster(c->cmd);
        p->scene    = c->scene;
        p->versions = c->scene->versions;
    }
    return rc;
}

// ---- The picture

static void begin(const struct pass_context *c, const struct pass_preview_args *a)
{
    const VkExtent2D size = { (uint32_t)c->frame->extent.x, (uint32_t)c->frame->extent.y };
    vkCmdBeginRendering(c->cmd, &(VkRenderingInfo) {
                                    .sType                = VK_STRUCTURE_TYPE_RENDERING_INFO,
                                    .renderArea           = { .extent = size },
                                    .layerCount           = 1,
                                    .colorAttachmentCount = 1,
                                    .pColorAttachments    = &(VkRenderingAttachmentInfo) {
                                        .sType       = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView   = a->picture->view,
                                        .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                        .loadOp      = VK_ATTACHMENT_LOAD_OP_DONT_CARE, // the sky fills the rest
                                        .storeOp     = VK_ATTACHMENT_STORE_OP_STORE,
                                    },
                                    .pDepthAttachment = &(VkRenderingAttachmentInfo) {
                                        .sType       = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                                        .imageView   = a->depth->view,
                                        .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                                        .loadOp      = VK_ATTACHMENT_LOAD_OP_CLEAR,
                                        .storeOp     = VK_ATTACHMENT_STORE_OP_STORE,
                                    },
                                });
    vkCmdSetViewport(c->cmd, 0, 1, &(VkViewport) { 0, 0, c->frame->extent.x, c->frame->extent.y, 0, 1 });
    vkCmdSetScissor(c->cmd, 0, 1, &(VkRect2D) { .extent = size });
}

static void fill_domes(struct pass_preview *p, const struct render_scene *s)
{
    const struct SceneLight *lights = scene_lights_array(s);
    uint32_t n                      = 0;
    for (uint32_t i = 0; i < PREVIEW_DOMES; i++)
        p->lights.domes[i] = (struct PreviewDome) { .layer = -1 };
    for (uint32_t i = 0; i < scene_lights_count(s) && n < PREVIEW_DOMES; i++)
        if (lights[i].type == LIGHT_DOME)
            p->lights.domes[n++] = (struct PreviewDome) {
                .axis_x   = lights[i].axis_x,
                .axis_y   = lights[i].axis_y,
                .axis_z   = lights[i].axis_z,
                .radiance = lights[i].radiance,
                .layer    = lights[i].flags & LIGHT_TEXTURED ? (float)lights[i].dome_layer : -1,
            };
}

static int stage_lights(struct pass_preview *p, const struct pass_context *c, const struct pass_preview_args *a,
                        struct gpu_buffer *buffer, VkDeviceSize *offset)
{
    const struct SceneEnvironment *env = scene_environment(c->scene);
    for (int i = 0; i < 9; i++)
        p->lights.sh[i] = env ? env->sh[i] : (vec4) { 0 };
    p->lights.constant = (vec3) { a->constant[0], a->constant[1], a->constant[2] };
    *buffer            = (struct gpu_buffer) { .size = sizeof(p->lights) };
    void *to           = gpu_staging(p->gpu, sizeof(p->lights), &buffer->handle, offset);
    if (!to)
        return RENDER_ERR_NOMEM;
    memcpy(to, &p->lights, sizeof(p->lights));
    return RENDER_OK;
}

// What the shaders must know of this scene's lights.
static void specialise(const struct pass_preview *p, const struct pass_context *c, const struct pass_preview_args *a,
                       uint32_t count, uint32_t constants[4])
{
    const struct PreviewScene *l = &p->lights;
    uint32_t types = 0, features = l->more_count ? PREVIEW_HAS_MORE : 0;
    for (uint32_t i = 0; i < count; i++) {
        types |= (l->lights[i].type + 1) << (4 * i);
        features |= l->lights[i].flags & LIGHT_SHAPED ? PREVIEW_HAS_SHAPING : 0;
        if (a->shadows && l->shadow_bias[i].w > 0)
            features |= PREVIEW_HAS_SHADOWS | (l->shadow_bias[i].z > 2.0f / SHADOW_SIZE ? PREVIEW_HAS_SOFT_SHADOWS : 0);
    }
    for (uint32_t i = 0; i < l->more_count; i++)
        features |= scene_lights_array(c->scene)[l->more[i]].flags & LIGHT_SHAPED ? PREVIEW_HAS_SHAPING : 0;
    for (int i = 0; i < PREVIEW_DOMES; i++)
        features |= l->domes[i].layer >= 0 ? PREVIEW_HAS_DOME_MAPS : 0;
    if (c->scene->specular_workflow)
        features |= PREVIEW_HAS_SPECULAR_WORKFLOW;
    constants[PREVIEW_CONSTANT_MODE]     = a->mode;
    constants[PREVIEW_CONSTANT_LIGHTS]   = types;
    constants[PREVIEW_CONSTANT_FEATURES] = features;
}

int pass_preview_record(struct pass_preview *p, const struct pass_context *c, const struct pass_preview_args *a)
{
    struct scene_draws draws;
    struct gpu_buffer lights;
    struct gpu_pipeline *pipelines[SCENE_DRAW_KINDS + 1] = { NULL };
    VkDeviceSize lights_offset;
    uint32_t constants[4];
    const uint32_t count = shadow_choose_lights(c->scene, &p->lights);
    fill_domes(p, c->scene);
    int rc = a->shadows && count ? update_maps(p, c, count) : RENDER_OK;
    if (rc == RENDER_OK)
        rc = stage_lights(p, c, a, &lights, &lights_offset);
    if (rc == RENDER_OK)
        rc = scene_draw_build(c->scene, &c->frame->world_to_clip, NULL, SCENE_DRAW_VISIBLE, &draws);
    specialise(p, c, a, count, constants);
    for (uint32_t kind = 0; rc == RENDER_OK && kind <= KIND_SKY; kind++) {
        constants[PREVIEW_CONSTANT_KIND] = kind;
        if (kind == KIND_SKY)
            constants[PREVIEW_CONSTANT_MODE] = constants[PREVIEW_CONSTANT_LIGHTS] = 0;
        if (kind == KIND_SKY || draws.any[kind])
            rc = find_variant(p, constants, &pipelines[kind]);
    }
    if (rc != RENDER_OK)
        return rc;
    gpu_barrier_raster(c->cmd);
    begin(c, a);
    struct gpu_push push = { 0 };
    gpu_push_buffer_range(&push, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, &draws.list, draws.list_offset, draws.list_size);
    gpu_push_buffer_range(&push, 1, VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, &lights, lights_offset, lights.size);
    gpu_push_texture(&push, 2, p->maps.handle ? &p->maps : &p->no_maps, p->compare);
    for (int kind = 0; kind <= KIND_SKY; kind++) {
        if (!pipelines[kind])
            continue;
        gpu_bind(p->gpu, c->cmd, pipelines[kind], c->scene_set, &push, NULL);
        if (kind == KIND_SKY)
            vkCmdDraw(c->cmd, 3, 1, 0, 0);
        else
            scene_draw_record(c->scene, c->cmd, &draws, kind);
    }
    vkCmdEndRendering(c->cmd);
    gpu_barrier_compute(c->cmd);
    return RENDER_OK;
}
