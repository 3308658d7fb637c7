#include "gpu_commands.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "gpu_internal.h"
#include "log.h"

#define SLOTS 8                    // command buffers in flight before begin waits
#define STAGING_KEEP (16ull << 20) // larger staging buffers are given back when their work is done
#define STAGING_MIN (1ull << 20)

struct slot {
    VkCommandPool pool;
    VkCommandBuffer cmd;
    uint64_t value; // signalled when done
    struct gpu_buffer staging;
    VkDeviceSize used;
};

struct retired {
    uint64_t value;
    VkBuffer buffer;
    VkImage image;
    VkImageView view;
    struct gpu_allocation memory;
};

struct transition {
    VkImage image;
    VkImageAspectFlags aspect;
};

struct gpu_commands {
    VkSemaphore timeline;
    atomic_uint_fast64_t submitted;
    uint32_t next;
    struct slot slots[SLOTS];
    struct slot *open;
    bool lost;
    struct { ARRAY_OF(struct retired); } retired; // in order of value
    struct { ARRAY_OF(struct transition); } transitions;
};

int gpu_commands_create(struct gpu_device *dev)
{
    struct gpu_commands *c = dev->commands = calloc(1, sizeof(*c));
    if (!c)
        return GPU_ERR_NOMEM;
    const VkSemaphoreTypeCreateInfo type = {
        .sType         = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    int rc = gpu_check(
        vkCreateSemaphore(dev->device,
                          &(VkSemaphoreCreateInfo) { .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type },
                          NULL, &c->timeline),
        "vkCreateSemaphore");
    for (int i = 0; rc == GPU_OK && i < SLOTS; i++) {
        struct slot *s = &c->slots[i];
        rc = gpu_check(vkCreateCommandPool(dev->device,
                                           &(VkCommandPoolCreateInfo) {
                                               .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                               .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
                                               .queueFamilyIndex = dev->family,
                                           },
                                           NULL, &s->pool),
                       "vkCreateCommandPool");
        if (rc == GPU_OK)
            rc = gpu_check(vkAllocateCommandBuffers(dev->device,
                                                    &(VkCommandBufferAllocateInfo) {
                                                        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                        .commandPool        = s->pool,
                                                        .level              = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                        .commandBufferCount = 1,
                                                    },
                                                    &s->cmd),
                           "vkAllocateCommandBuffers");
    }
    return rc;
}

static void free_retired(struct gpu_device *dev, struct retired *r)
{
    if (r->buffer)
        vkDestroyBuffer(dev->device, r->buffer, NULL);
    if (r->view)
        vkDestroyImageView(dev->device, r->view, NULL);
    if (r->image)
        vkDestroyImage(dev->device, r->image, NULL);
    gpu_free(dev, &r->memory);
}

static void collect(struct gpu_device *dev, uint64_t done)
{
    struct gpu_commands *c = dev->commands;
    size_t n               = 0;
    while (n < c->retired.count && c->retired.items[n].value <= done)
        free_retired(dev, &c->retired.items[n++]);
    if (n) {
        memmove(c->retired.items, c->retired.items + n, (c->retired.count - n) * sizeof(*c->retired.items));
        c->retired.count -= n;
    }
}

void gpu_commands_destroy(struct gpu_device *dev)
{
    struct gpu_commands *c = dev->commands;
    if (!c)
        return;
    collect(dev, UINT64_MAX);
    for (int i = 0; i < SLOTS; i++) {
        if (dev->allocator)
            gpu_buffer_destroy(dev, &c->slots[i].staging);
        vkDestroyCommandPool(dev->device, c->slots[i].pool, NULL);
    }
    vkDestroySemaphore(dev->device, c->timeline, NULL);
    array_free(&c->retired);
    array_free(&c->transitions);
    free(c);
    dev->commands = NULL;
}

uint64_t gpu_timeline_submitted(const struct gpu_device *dev)
{
    return atomic_load(&dev->commands->submitted);
}

uint64_t gpu_timeline_done(const struct gpu_device *dev)
{
    uint64_t value = 0;
    vkGetSemaphoreCounterValue(dev->device, dev->commands->timeline, &value);
    return value;
}

int gpu_timeline_wait(const struct gpu_device *dev, uint64_t value, uint64_t timeout_ns)
{
    VkResult r = vkWaitSemaphores(dev->device,
                                  &(VkSemaphoreWaitInfo) {
                                      .sType          = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                      .semaphoreCount = 1,
                                      .pSemaphores    = &dev->commands->timeline,
                                      .pValues        = &value,
                                  },
                                  timeout_ns);
    if (r == VK_TIMEOUT)
        return GPU_ERR_TIMEOUT;
    return gpu_check(r, "vkWaitSemaphores");
}

static void record_transitions(struct gpu_commands *c, VkCommandBuffer cmd)
{
    for (size_t i = 0; i < c->transitions.count; i++) {
        const struct transition *t = &c->transitions.items[i];
        vkCmdPipelineBarrier2(cmd, &(VkDependencyInfo) {
                                       .sType                   = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                                       .imageMemoryBarrierCount = 1,
                                       .pImageMemoryBarriers    = &(VkImageMemoryBarrier2) {
                                           .sType         = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
                                           .dstStageMask  = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                                           .dstAccessMask = VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT,
                                           .newLayout     = VK_IMAGE_LAYOUT_GENERAL,
                                           .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                           .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
                                           .image               = t->image,
                                           .subresourceRange    = {
                                               .aspectMask = t->aspect,
                                               .levelCount = VK_REMAINING_MIP_LEVELS,
                                               .layerCount = VK_REMAINING_ARRAY_LAYERS,
                                           },
                                       },
                                   });
    }
    array_clear(&c->transitions);
}

int gpu_commands_transition(struct gpu_device *dev, VkImage image, VkImageAspectFlags aspect)
{
    struct gpu_commands *c = dev->commands;
    if (!array_push(&c->transitions, (struct transition) { image, aspect }))
        return GPU_ERR_NOMEM;
    if (c->open)
        record_transitions(c, c->open->cmd);
    return GPU_OK;
}

void gpu_commands_forget(struct gpu_device *dev, VkImage image)
{
    struct gpu_commands *c = dev->commands;
    for (size_t i = 0; i < c->transitions.count; i++)
        if (c->transitions.items[i].image == image)
            c->transitions.items[i--] = c->transitions.items[--c->transitions.count];
}

bool gpu_commands_retire(struct gpu_device *dev, VkBuffer buffer, VkImage image, VkImageView view,
                         const struct gpu_allocation *memory)
{
    struct gpu_commands *c = dev->commands;
    if (image)
        gpu_commands_forget(dev, image);
    const uint64_t value = gpu_timeline_submitted(dev) + (c->open ? 1 : 0);
    return array_push(&c->retired, (struct retired) { value, buffer, image, view, *memory });
}

VkCommandBuffer gpu_commands_begin(struct gpu_device *dev)
{
    struct gpu_commands *c = dev->commands;
    if (c->lost || c->open)
        return VK_NULL_HANDLE;
    struct slot *s = &c->slots[c->next];
    if (gpu_timeline_wait(dev, s->value, UINT64_MAX) != GPU_OK) {
        c->lost = true;
        return VK_NULL_HANDLE;
    }
    collect(dev, gpu_timeline_done(dev));
    if (s->staging.size > STAGING_KEEP)
        gpu_buffer_destroy(dev, &s->staging);
    s->used = 0;
    vkResetCommandPool(dev->device, s->pool, 0);
    vkBeginCommandBuffer(s->cmd, &(VkCommandBufferBeginInfo) {
                                     .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                     .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
                                 });
    c->open = s;
    c->next = (c->next + 1) % SLOTS;
    record_transitions(c, s->cmd);
    return s->cmd;
}

VkCommandBuffer gpu_commands_current(const struct gpu_device *dev)
{
    return dev->commands->open ? dev->commands->open->cmd : VK_NULL_HANDLE;
}

uint64_t gpu_commands_submit(struct gpu_device *dev)
{
    struct gpu_commands *c = dev->commands;
    struct slot *s         = c->open;
    if (!s)
        return 0;
    c->open              = NULL;
    const uint64_t value = gpu_timeline_submitted(dev) + 1;
    VkResult r           = vkEndCommandBuffer(s->cmd);
    if (r == VK_SUCCESS)
        r = vkQueueSubmit2(dev->queue, 1,
                           &(VkSubmitInfo2) {
                               .sType                  = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                               .commandBufferInfoCount = 1,
                               .pCommandBufferInfos    = &(VkCommandBufferSubmitInfo) {
                                   .sType         = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO,
                                   .commandBuffer = s->cmd,
                               },
                               .signalSemaphoreInfoCount = 1,
                               .pSignalSemaphoreInfos    = &(VkSemaphoreSubmitInfo) {
                                   .sType     = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
                                   .semaphore = c->timeline,
                                   .value     = value,
                                   .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
                               },
                           },
                           VK_NULL_HANDLE);
    if (gpu_check(r, "vkQueueSubmit2") != GPU_OK) {
        c->lost = true;
        return 0;
    }
    s->value = value;
    atomic_store(&c->submitted, value);
    return value;
}

void gpu_commands_discard(struct gpu_device *dev)
{
    struct gpu_commands *c = dev->commands;
    // Transitions and retirements recorded meanwhile still count, so the (now harmless) work is submitted when
    // it holds any; simplest is always.
    if (c->open)
        gpu_commands_submit(dev);
}

void *gpu_staging(struct gpu_device *dev, VkDeviceSize size, VkBuffer *buffer, VkDeviceSize *offset)
{
    struct slot *s        = dev->commands->open;
    const VkDeviceSize at = (s->used + 255) & ~255ull; // storage buffer offsets align to 256 at most
    if (!s->staging.handle || at > s->staging.size || s->staging.size - at < size) {
        VkDeviceSize want = s->staging.size ? s->staging.size * 2 : STAGING_MIN;
        if (want > STAGING_KEEP)
            want = STAGING_KEEP;
        if (want < size)
            want = size;
        gpu_buffer_retire(dev, &s->staging);
        s->used = 0;
        if (gpu_buffer_create(dev, &s->staging, want,
                              VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT, GPU_MEMORY_UPLOAD,
                              "staging") != GPU_OK)
            return NULL;
        return gpu_staging(dev, size, buffer, offset);
    }
    s->used = at + size;
    *buffer = s->staging.handle;
    *offset = at;
    return (uint8_t *)s->staging.map + at;
}

int gpu_upload(struct gpu_device *dev, const struct gpu_buffer *dst, VkDeviceSize offset, const void *data,
               VkDeviceSize size)
{
    if (!size)
        return GPU_OK;
    VkBuffer from;
    VkDeviceSize at;
    void *p = gpu_staging(dev, size, &from, &at);
    if (!p)
        return GPU_ERR_NOMEM;
    memcpy(p, data, size);
    vkCmdCopyBuffer(dev->commands->open->cmd, from, dst->handle, 1, &(VkBufferCopy) { at, offset, size });
    return GPU_OK;
}

int gpu_upload_image(struct gpu_device *dev, const struct gpu_image *dst, uint32_t layer, uint32_t mip, uint32_t x,
                     uint32_t y, uint32_t width, uint32_t height, const void *data, VkDeviceSize size)
{
    VkBuffer from;
    VkDeviceSize at;
    void *p = gpu_staging(dev, size, &from, &at);
    if (!p)
        return GPU_ERR_NOMEM;
    memcpy(p, data, size);
    vkCmdCopyBufferToImage(dev->commands->open->cmd, from, dst->handle, VK_IMAGE_LAYOUT_GENERAL, 1,
                           &(VkBufferImageCopy) {
                               .bufferOffset     = at,
                               .imageSubresource = { VK_IMAGE_ASPECT_COLOR_BIT, mip, layer, 1 },
                               .imageOffset      = { (int32_t)x, (int32_t)y, 0 },
                               .imageExtent      = { width, height, 1 },
                           });
    return GPU_OK;
}

void gpu_barrier(VkCommandBuffer cmd, VkPipelineStageFlags2 from, VkAccessFlags2 written, VkPipelineStageFlags2 to,
                 VkAccessFlags2 read)
{
    vkCmdPipelineBarrier2(cmd, &(VkDependencyInfo) {
                                   .sType              = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
                                   .memoryBarrierCount = 1,
                                   .pMemoryBarriers    = &(VkMemoryBarrier2) {
                                       .sType         = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2,
                                       .srcStageMask  = from,
                                       .srcAccessMask = written,
                                       .dstStageMask  = to,
                                       .dstAccessMask = read,
                                   },
                               });
}

#define RASTER_STAGES                                                                              \
    (VK_PIPELINE_STAGE_2_COLOR_ATTACHMENT_OUTPUT_BIT | VK_PIPELINE_STAGE_2_EARLY_FRAGMENT_TESTS_BIT | \
     VK_PIPELINE_STAGE_2_LATE_FRAGMENT_TESTS_BIT | VK_PIPELINE_STAGE_2_FRAGMENT_SHADER_BIT)
#define RASTER_WRITES                                                                                \
    (VK_ACCESS_2_COLOR_ATTACHMENT_WRITE_BIT | VK_ACCESS_2_DEPTH_STENCIL_ATTACHMENT_WRITE_BIT | \
     VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT)
#define SHADER_READS (VK_ACCESS_2_SHADER_READ_BIT | VK_ACCESS_2_UNIFORM_READ_BIT)

void gpu_barrier_compute(VkCommandBuffer cmd)
{
    gpu_barrier(cmd, VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_2_CLEAR_BIT | RASTER_STAGES,
                VK_ACCESS_2_SHADER_WRITE_BIT | VK_ACCESS_2_TRANSFER_WRITE_BIT | RASTER_WRITES,
                VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT, SHADER_READS | VK_ACCESS_2_SHADER_WRITE_BIT);
}

void gpu_barrier_upload(VkCommandBuffer cmd)
{
    gpu_barrier(cmd, VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT, VK_ACCESS_2_TRANSFER_WRITE_BIT,
                VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT);
}

void gpu_barrier_transfer(VkCommandBuffer cmd)
{
    gpu_barrier(cmd, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, VK_ACCESS_2_MEMORY_WRITE_BIT,
                VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT, VK_ACCESS_2_TRANSFER_READ_BIT | VK_ACCESS_2_TRANSFER_WRITE_BIT);
}

void gpu_barrier_raster(VkCommandBuffer cmd)
{
    gpu_barrier(cmd, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, VK_ACCESS_2_MEMORY_WRITE_BIT,
                RASTER_STAGES | VK_PIPELINE_STAGE_2_VERTEX_INPUT_BIT | VK_PIPELINE_STAGE_2_VERTEX_SHADER_BIT |
                    VK_PIPELINE_STAGE_2_DRAW_INDIRECT_BIT,
                VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT);
}

void gpu_barrier_host(VkCommandBuffer cmd)
{
    gpu_barrier(cmd, VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT | VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                VK_ACCESS_2_TRANSFER_WRITE_BIT | VK_ACCESS_2_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_2_HOST_BIT,
                VK_ACCESS_2_HOST_READ_BIT);
}
