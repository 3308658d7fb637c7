// Frames and their buffers: what the GPU writes and the caller maps.
#include <stdlib.h>

#include "log.h"
#include "view.h"

static VkDeviceSize output_bytes(const struct render_view *v, uint32_t output)
{
    static const uint32_t sizes[] = { [RENDER_U8] = 1, [RENDER_U32] = 4, [RENDER_F16] = 2, [RENDER_F32] = 4 };
    const struct render_output_info *info = render_output_info(output);
    return (VkDeviceSize)v->width * v->height * info->channels * sizes[info->component];
}

int view_outputs_prepare(struct render_view *v, struct render_frame *f, uint32_t outputs)
{
    f->outputs = outputs;
    for (uint32_t i = 0; i < RENDER_OUT_COUNT; i++) {
        if (!(outputs >> i & 1) || f->device[i].handle)
            continue;
        const char *name         = render_output_info(i)->name;
        const VkDeviceSize bytes = output_bytes(v, i);
        const enum gpu_memory kind = v->gpu->cpu ? GPU_MEMORY_READBACK
                                     : v->gpu->external_fd ? GPU_MEMORY_EXPORT : GPU_MEMORY_DEVICE;
        int rc = gpu_buffer_create(v->gpu, &f->device[i], bytes, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, kind, name);
        if (rc == GPU_OK && !v->gpu->cpu)
            rc = gpu_buffer_create(v->gpu, &f->host[i], bytes, 0, GPU_MEMORY_READBACK, name);
        if (rc != GPU_OK)
            return rc;
    }
    return RENDER_OK;
}

void view_outputs_finish(struct render_view *v, struct render_frame *f, VkCommandBuffer cmd)
{
    if (!v->gpu->cpu) {
        gpu_barrier_transfer(cmd);
        for (uint32_t i = 0; i < RENDER_OUT_COUNT; i++)
            if (f->outputs >> i & 1)
                vkCmdCopyBuffer(cmd, f->device[i].handle, f->host[i].handle, 1,
                                &(VkBufferCopy) { 0, 0, f->device[i].size });
    }
    gpu_barrier_host(cmd);
}

void view_frames_destroy(struct render_view *v)
{
    for (int k = 0; k < RENDER_MAX_FRAMES; k++) {
        struct render_frame *f = &v->frames[k];
        if (atomic_load(&f->taken))
            log_error("render", "a view is destroyed while a frame of it is still in use");
        for (uint32_t i = 0; i < RENDER_OUT_COUNT; i++) {
            gpu_buffer_destroy(v->gpu, &f->device[i]);
            gpu_buffer_destroy(v->gpu, &f->host[i]);
        }
        view_pick_reset(f);
        array_free(&f->candidates);
        gpu_buffer_destroy(v->gpu, &f->pick_pixels);
        gpu_timer_destroy(v->gpu, &f->timer);
    }
}

int view_image_create(struct render_view *v, struct gpu_image *out, VkFormat format, const char *name)
{
    return view_image_create_sized(v, out, format, v->width, v->height, name);
}

int view_image_create_sized(struct render_view *v, struct gpu_image *out, VkFormat format, uint32_t width,
                            uint32_t height, const char *name)
{
    if (out->handle)
        return RENDER_OK;
    return gpu_image_create(v->gpu, out,
                            &(struct gpu_image_desc) {
                                .format = format,
                                .width  = width,
                                .height = height,
                                .usage  = VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
                                .name   = name,
                            });
}

int view_visibility_create(struct render_view *v, struct pass_visibility_images *out, uint32_t width, uint32_t height)
{
    if (out->visibility.handle)
        return RENDER_OK;
    int rc = gpu_image_create(v->gpu, &out->visibility,
                              &(struct gpu_image_desc) {
                                  .format = VK_FORMAT_R32G32_UINT,
                                  .width  = width,
                                  .height = height,
                                  .usage  = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_SAMPLED_BIT |
                                           VK_IMAGE_USAGE_STORAGE_BIT,
                                  .name   = "visibility",
                              });
    if (rc == GPU_OK)
        rc = gpu_image_create(v->gpu, &out->depth,
                              &(struct gpu_image_desc) {
                                  .format = VK_FORMAT_D32_SFLOAT,
                                  .width  = width,
                                  .height = height,
                                  .usage  = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
                                  .name   = "depth",
                              });
    return rc;
}

void view_visibility_retire(struct render_view *v, struct pass_visibility_images *images)
{
    gpu_image_retire(v->gpu, &images->visibility);
    gpu_image_retire(v->gpu, &images->depth);
}

// ---- The caller's side

void render_frame_destroy(struct render_frame **f)
{
    if (!*f)
        return;
    atomic_store(&(*f)->taken, false);
    *f = NULL;
}

int render_frame_wait(struct render_frame *f, uint64_t timeout_ns)
{
    return gpu_timeline_wait(f->view->gpu, f->value, timeout_ns);
}

int render_frame_map(struct render_frame *f, enum render_output output, const void **data)
{
    *data = NULL;
    if ((unsigned)output >= RENDER_OUT_COUNT || !(f->outputs >> output & 1)) {
        log_error("render", "output %d was not asked for in this frame", (int)output);
        return RENDER_ERR_INVALID;
    }
    int rc = render_frame_wait(f, UINT64_MAX);
    if (rc == RENDER_OK)
        *data = f->view->gpu->cpu ? f->device[output].map : f->host[output].map;
    return rc;
}

int render_frame_map_cuda(struct render_frame *f, enum render_output output, int cuda_ordinal, uint64_t *ptr)
{
    *ptr = 0;
    log_warn("render", "mapping an output to CUDA is not supported yet");
    return RENDER_ERR_DEVICE;
}
