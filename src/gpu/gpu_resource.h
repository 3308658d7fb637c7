// Buffers and images in sub-allocated device memory.
//
// Images are in VK_IMAGE_LAYOUT_GENERAL for their whole life (the transition out of UNDEFINED is queued at
// creation and recorded at the start of the next command buffer), so no pass tracks layouts.
#pragma once

#include "gpu_device.h"

enum gpu_memory {
    GPU_MEMORY_DEVICE,   // device-local
    GPU_MEMORY_UPLOAD,   // host-visible, written by the CPU in order
    GPU_MEMORY_READBACK, // host-visible and cached, read by the CPU
    GPU_MEMORY_EXPORT,   // device-local, own allocation, exportable as a file descriptor
};

struct gpu_allocation {
    VkDeviceMemory memory;
    VkDeviceSize offset, size;
    void *map; // of this allocation, host-visible memory only
    uint32_t block; // gpu_memory.c
    bool dedicated;
};

// Zeroed is "none"; destroy and retire cope with it and leave it zeroed.
struct gpu_buffer {
    VkBuffer handle;
    VkDeviceSize size;
    void *map; // NULL where the memory is not host-visible
    struct gpu_allocation memory;
};

struct gpu_image_desc {
    VkFormat format;
    uint32_t width, height, layers, mips; // layers and mips 0 mean 1
    VkImageUsageFlags usage;
    bool array; // the view is 2D_ARRAY even with one layer
    enum gpu_memory kind;
    const char *name;
};

struct gpu_image {
    VkImage handle;
    VkImageView view; // all layers and mips
    VkFormat format;
    uint32_t width, height, layers, mips;
    struct gpu_allocation memory;
};

/**
 * @param usage  TRANSFER_SRC and TRANSFER_DST are always added.
 * @param name   Debug name; NULL = none.
 * @return GPU_OK, GPU_ERR_NOMEM or GPU_ERR_LIMIT (logged). *out is zeroed on failure.
 */
int gpu_buffer_create(struct gpu_device *dev, struct gpu_buffer *out, VkDeviceSize size, VkBufferUsageFlags usage,
                      enum gpu_memory memory, const char *name);
int gpu_image_create(struct gpu_device *dev, struct gpu_image *out, const struct gpu_image_desc *desc);

// At once: no submitted or recorded work may use them.
void gpu_buffer_destroy(struct gpu_device *dev, struct gpu_buffer *buffer);
void gpu_image_destroy(struct gpu_device *dev, struct gpu_image *image);
// When the work recorded and submitted so far is done.
void gpu_buffer_retire(struct gpu_device *dev, struct gpu_buffer *buffer);
void gpu_image_retire(struct gpu_device *dev, struct gpu_image *image);

// Bytes of device memory in use by resources.
uint64_t gpu_bytes_in_use(const struct gpu_device *dev);
