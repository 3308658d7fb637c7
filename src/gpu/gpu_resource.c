#include "gpu_resource.h"

#include "gpu_internal.h"
#include "log.h"

int gpu_buffer_create(struct gpu_device *dev, struct gpu_buffer *out, VkDeviceSize size, VkBufferUsageFlags usage,
                      enum gpu_memory memory, const char *name)
{
    *out = (struct gpu_buffer) { .size = size };
    const VkExternalMemoryBufferCreateInfo external = {
        .sType       = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkResult r = vkCreateBuffer(
        dev->device,
        &(VkBufferCreateInfo) {
            .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
            .pNext = memory == GPU_MEMORY_EXPORT ? &external : NULL,
            .size  = size,
            .usage = usage | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        },
        NULL, &out->handle);
    if (r != VK_SUCCESS) {
        *out = (struct gpu_buffer) { 0 };
        return gpu_check(r, "vkCreateBuffer");
    }
    VkMemoryRequirements req;
    vkGetBufferMemoryRequirements(dev->device, out->handle, &req);
    int rc = gpu_allocate(dev, &req, memory, false, VK_NULL_HANDLE, out->handle, &out->memory);
    if (rc == GPU_OK)
        rc = gpu_check(vkBindBufferMemory(dev->device, out->handle, out->memory.memory, out->memory.offset),
                       "vkBindBufferMemory");
    if (rc != GPU_OK) {
        log_error("gpu", "no memory for buffer '%s' of %llu bytes", name ? name : "", (unsigned long long)size);
        gpu_buffer_destroy(dev, out);
        return rc;
    }
    out->map = out->memory.map;
    gpu_set_name(dev, VK_OBJECT_TYPE_BUFFER, (uint64_t)out->handle, name);
    return GPU_OK;
}

static bool is_depth(VkFormat f)
{
    return f == VK_FORMAT_D32_SFLOAT || f == VK_FORMAT_D16_UNORM;
}

static VkResult create_view(struct gpu_device *dev, struct gpu_image *i, bool array)
{
    return vkCreateImageView(dev->device,
                             &(VkImageViewCreateInfo) {
                                 .sType    = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
                                 .image    = i->handle,
                                 .viewType = array || i->layers > 1 ? VK_IMAGE_VIEW_TYPE_2D_ARRAY
                                                                    : VK_IMAGE_VIEW_TYPE_2D,
                                 .format   = i->format,
                                 .subresourceRange = {
                                     .aspectMask = is_depth(i->format) ? VK_IMAGE_ASPECT_DEPTH_BIT
                                                                       : VK_IMAGE_ASPECT_COLOR_BIT,
                                     .levelCount = i->mips,
                                     .layerCount = i->layers,
                                 },
                             },
                             NULL, &i->view);
}

int gpu_image_create(struct gpu_device *dev, struct gpu_image *out, const struct gpu_image_desc *desc)
{
    *out = (struct gpu_image) {
        .format = desc->format,
        .width  = desc->width,
        .height = desc->height,
        .layers = desc->layers ? desc->layers : 1,
        .mips   = desc->mips ? desc->mips : 1,
    };
    const VkPhysicalDeviceLimits *limits = &dev->props.limits;
    if (!desc->width || !desc->height || desc->width > limits->maxImageDimension2D ||
        desc->height > limits->maxImageDimension2D || out->layers > limits->maxImageArrayLayers) {
        log_error("gpu", "image '%s' of %ux%u, %u layers: the device allows %ux%u, %u", desc->name ? desc->name : "",
                  desc->width, desc->height, out->layers, limits->maxImageDimension2D, limits->maxImageDimension2D,
                  limits->maxImageArrayLayers);
        *out = (struct gpu_image) { 0 };
        return GPU_ERR_LIMIT;
    }
    VkResult r = vkCreateImage(dev->device,
                               &(VkImageCreateInfo) {
                                   .sType         = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
                                   .imageType     = VK_IMAGE_TYPE_2D,
                                   .format        = desc->format,
                                   .extent        = { desc->width, desc->height, 1 },
                                   .mipLevels     = out->mips,
                                   .arrayLayers   = out->layers,
                                   .samples       = VK_SAMPLE_COUNT_1_BIT,
                                   .tiling        = VK_IMAGE_TILING_OPTIMAL,
                                   .usage         = desc->usage | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                            VK_IMAGE_USAGE_TRANSFER_DST_BIT,
                                   .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
                               },
                               NULL, &out->handle);
    if (r != VK_SUCCESS) {
        *out = (struct gpu_image) { 0 };
        return gpu_check(r, "vkCreateImage");
    }
    VkMemoryRequirements req;
    vkGetImageMemoryRequirements(dev->device, out->handle, &req);
    int rc = gpu_allocate(dev, &req, desc->kind, true, out->handle, VK_NULL_HANDLE, &out->memory);
    if (rc == GPU_OK)
        rc = gpu_check(vkBindImageMemory(dev->device, out->handle, out->memory.memory, out->memory.offset),
                       "vkBindImageMemory");
    const VkImageUsageFlags viewable = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT |
                                       VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                                       VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
    if (rc == GPU_OK && (desc->usage & viewable))
        rc = gpu_check(create_view(dev, out, desc->array), "vkCreateImageView");
    if (rc == GPU_OK)
        rc = gpu_commands_transition(dev, out->handle,
                                     is_depth(desc->format) ? VK_IMAGE_ASPECT_DEPTH_BIT : VK_IMAGE_ASPECT_COLOR_BIT);
    if (rc != GPU_OK) {
        log_error("gpu", "no image '%s' of %ux%u", desc->name ? desc->name : "", desc->width, desc->height);
        gpu_image_destroy(dev, out);
        return rc;
    }
    gpu_set_name(dev, VK_OBJECT_TYPE_IMAGE, (uint64_t)out->handle, desc->name);
    return GPU_OK;
}

void gpu_buffer_destroy(struct gpu_device *dev, struct gpu_buffer *b)
{
    if (b->handle)
        vkDestroyBuffer(dev->device, b->handle, NULL);
    gpu_free(dev, &b->memory);
    *b = (struct gpu_buffer) { 0 };
}

void gpu_image_destroy(struct gpu_device *dev, struct gpu_image *i)
{
    if (i->handle)
        gpu_commands_forget(dev, i->handle);
    if (i->view)
        vkDestroyImageView(dev->device, i->view, NULL);
    if (i->handle)
        vkDestroyImage(dev->device, i->handle, NULL);
    gpu_free(dev, &i->memory);
    *i = (struct gpu_image) { 0 };
}

void gpu_buffer_retire(struct gpu_device *dev, struct gpu_buffer *b)
{
    if (!b->handle)
        return;
    if (gpu_commands_retire(dev, b->handle, VK_NULL_HANDLE, VK_NULL_HANDLE, &b->memory)) {
        *b = (struct gpu_buffer) { 0 };
        return;
    }
    vkDeviceWaitIdle(dev->device); // out of memory for the list: rather slow than wrong
    gpu_buffer_destroy(dev, b);
}

void gpu_image_retire(struct gpu_device *dev, struct gpu_image *i)
{
    if (!i->handle)
        return;
    if (gpu_commands_retire(dev, VK_NULL_HANDLE, i->handle, i->view, &i->memory)) {
        *i = (struct gpu_image) { 0 };
        return;
    }
    vkDeviceWaitIdle(dev->device);
    gpu_image_destroy(dev, i);
}
