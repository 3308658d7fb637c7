// What the files of src/gpu share among themselves.
#pragma once

#include "gpu_commands.h"

int gpu_allocator_create(struct gpu_device *dev);
void gpu_allocator_destroy(struct gpu_device *dev);
int gpu_allocate(struct gpu_device *dev, const VkMemoryRequirements *req, enum gpu_memory kind, bool image,
                 VkImage dedicated_image, VkBuffer dedicated_buffer, struct gpu_allocation *out);
void gpu_free(struct gpu_device *dev, struct gpu_allocation *a);

int gpu_commands_create(struct gpu_device *dev);
void gpu_commands_destroy(struct gpu_device *dev);
// Queue the transition UNDEFINED -> GENERAL for the next command buffer (or the open one).
int gpu_commands_transition(struct gpu_device *dev, VkImage image, VkImageAspectFlags aspect);
void gpu_commands_forget(struct gpu_device *dev, VkImage image); // destroyed before its transition ran
// Destroy when the work so far is done.
bool gpu_commands_retire(struct gpu_device *dev, VkBuffer buffer, VkImage image, VkImageView view,
                         const struct gpu_allocation *memory);

int gpu_cache_load(struct gpu_device *dev); // creates dev->cache, filled from disk when that matches the device
void gpu_cache_save(struct gpu_device *dev);
