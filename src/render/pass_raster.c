#include "pass_raster.h"

#include <stdlib.h>

static const uint32_t visibility_vert[] = {
#include "visibility.vert.spv.h"
};
static const uint32_t visibility_frag[] = {
#include "visibility.frag.spv.h"
};
static const uint32_t visibility_cutout_frag[] = {
#include "visibility_cutout.frag.spv.h"
};

struct pass_raster {
    struct gpu_device *gpu;
    VkDescriptorSetLayout scene_layout;
    struct gpu_pipeline opaque, cutout; // cutout is made when first needed: it holds the texture code
};

static int create_pipeline(struct pass_raster *p, bool cutout, struct gpu_pipeline *out)
{
    static const VkFormat format              = VK_FORMAT_R32G32_UINT;
    static const struct gpu_binding bindings[] = { { 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER } };
    return gpu_graphics_create(p->gpu, out,
                               &(struct gpu_graphics_desc) {
                                   .vertex   = GPU_SHADER(visibility_vert),
                                   .fragment = cutout ? GPU_SHADER(visibility_cutout_frag) : GPU_SHADER(visibility_frag),
                                   .set0          = p->scene_layout,
                                   .bindings      = bindings,
                                   .binding_count = 1,
                                   .colors        = &format,
                                   .color_count   = 1,
                                   .depth         = VK_FORMAT_D32_SFLOAT,
                                   .depth_write   = true,
                                   .depth_compare = VK_COMPARE_OP_GREATER,
                                   .vertex_stride = 12,
                                   .push_size     = cutout ? sizeof(vec2) : 0,
                                   .name          = cutout ? "visibility cutout" : "visibility",
                               });
}

int pass_raster_create(struct renderer *r, struct pass_raster **out)
{
    struct pass_raster *p = *out = calloc(1, sizeof(*p));
    if (!p)
        return RENDER_ERR_NOMEM;
    p->gpu          = r->gpu;
    p->scene_layout = r->scene_layout;
    int rc          = create_pipeline(p, false, &p->opaque);
    if (rc != GPU_OK)
        pass_raster_destroy(out);
    return rc;
}

void pass_raster_destroy(struct pass_raster **out)
{
    struct pass_raster *p = *out;
    if (!p)
        return;
    gpu_pipeline_destroy(p->gpu, &p->opaque);
    gpu_pipeline_destroy(p->gpu, &p->cutout);
    free(p);
    *out = NULL;
}

static void begin(VkCommandBuffer cmd, const struct pass_visibility_images *out, uint32_t width, uint32_t height)
{
    vkCmdBeginRendering(
        cmd, &(VkRenderingInfo) {
                 .sType                = VK_STRUCTURE_TYPE_RENDERING_INFO,
                 .renderArea           = { .extent = { width, height } },
                 .layerCount           = 1,
                 .colorAttachmentCount = 1,
                 .pColorAttachments    = &(VkRenderingAttachmentInfo) {
                     .sType       = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                     .imageView   = out->visibility.view,
                     .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                     .loadOp      = VK_ATTACHMENT_LOAD_OP_CLEAR,
                     .storeOp     = VK_ATTACHMENT_STORE_OP_STORE,
                 },
                 .pDepthAttachment = &(VkRenderingAttachmentInfo) {
                     .sType       = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
                     .imageView   = out->depth.view,
                     .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
                     .loadOp      = VK_ATTACHMENT_LOAD_OP_CLEAR,
                     .storeOp     = VK_ATTACHMENT_STORE_OP_STORE, // reversed Z: cleared to 0, infinity
                 },
             });
}

// The part of ndc that `area` covers: x0, y0, x1, y1 with y down as in clip space.
static void area_to_ndc(const struct pass_raster_area *a, vec2 extent, float rect[4])
{
    rect[0] = (float)a->x / extent.x * 2 - 1;
    rect[1] = (float)a->y / extent.y * 2 - 1;
    rect[2] = (float)(a->x + a->width) / extent.x * 2 - 1;
    rect[3] = (float)(a->y + a->height) / extent.y * 2 - 1;
}

int pass_raster_record(struct pass_raster *p, const struct pass_context *c, const struct pass_visibility_images *out,
                       enum scene_draw_filter filter, const struct pass_raster_area *area)
{
    struct scene_draws draws;
    float rect[4];
    if (area)
        area_to_ndc(area, c->frame->extent, rect);
    int rc = scene_draw_build(c->scene, &c->frame->world_to_clip, area ? rect : NULL, filter, &draws);
    if (rc != RENDER_OK)
        return rc;
    if (draws.any[SCENE_DRAW_CUTOUT] && !p->cutout.handle && (rc = create_pipeline(p, true, &p->cutout)) != RENDER_OK)
        return rc;
    const uint32_t width = area ? area->width : (uint32_t)c->frame->extent.x,
                   height = area ? area->height : (uint32_t)c->frame->extent.y;
    gpu_barrier_raster(c->cmd);
    begin(c->cmd, out, width, height);
    vkCmdSetViewport(c->cmd, 0, 1, &(VkViewport) {
                                       .x        = area ? -(float)area->x : 0,
                                       .y        = area ? -(float)area->y : 0,
                                       .width    = c->frame->extent.x,
                                       .height   = c->frame->extent.y,
                                       .maxDepth = 1,
                                   });
    vkCmdSetScissor(c->cmd, 0, 1, &(VkRect2D) { .extent = { width, height } });
    for (int kind = 0; kind < SCENE_DRAW_KINDS; kind++) {
        const bool cutout = kind == SCENE_DRAW_CUTOUT;
        if (!draws.any[kind])
            continue;
        struct gpu_push push = { 0 };
        gpu_push_buffer_range(&push, 0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, &draws.list, draws.list_offset,
                              draws.list_size);
        const vec2 origin = { area ? (float)area->x : 0, area ? (float)area->y : 0 };
        gpu_bind(p->gpu, c->cmd, cutout ? &p->cutout : &p->opaque, c->scene_set, &push, &origin);
        scene_draw_record(c->scene, c->cmd, &draws, kind);
    }
    vkCmdEndRendering(c->cmd);
    gpu_barrier_compute(c->cmd);
    return RENDER_OK;
}
