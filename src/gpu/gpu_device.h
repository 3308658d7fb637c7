// A Vulkan 1.3 device without any window system, one queue, and the clock of its work.
//
// Threads: recording, submitting and creating resources happen on one thread at a time per device.
// Creating and destroying pipelines (gpu_pipeline.h) and waiting may happen on any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

enum gpu_status { // same values as enum render_status
    GPU_OK          = 0,
    GPU_ERR_NOMEM   = -1,
    GPU_ERR_INVALID = -2,
    GPU_ERR_DEVICE  = -3,
    GPU_ERR_TIMEOUT = -4,
    GPU_ERR_LIMIT   = -5,
};

struct gpu_params {
    int index;       // -1 = best: discrete, integrated, virtual, CPU
    bool validation; // VK_LAYER_KHRONOS_validation when installed; its messages go to our log, "gpu.validation"
};

struct gpu_allocator;
struct gpu_commands;

struct gpu_device {
    VkInstance instance;
    VkPhysicalDevice physical;
    VkDevice device;
    VkQueue queue;
    uint32_t family;
    VkPhysicalDeviceProperties props;
    VkPhysicalDeviceMemoryProperties memory;
    VkPipelineCache cache;
    bool cpu;               // a software rasteriser: slow, and its memory is the host's
    bool external_fd;       // VK_KHR_external_memory_fd
    bool ray_query, ray_tracing_pipeline; // the device has them; nothing uses them yet
    bool timestamps;
    uint8_t uuid[16], luid[8]; // to find the same device in CUDA
    bool luid_valid;
    VkSampler nearest, linear, linear_repeat; // clamp to edge, clamp to edge, repeat
    struct gpu_allocator *allocator;
    struct gpu_commands *commands;
    PFN_vkCmdPushDescriptorSetKHR push_descriptors;
    PFN_vkGetMemoryFdKHR get_memory_fd;
    VkDebugUtilsMessengerEXT messenger;
    PFN_vkSetDebugUtilsObjectNameEXT set_name;
};

/**
 * Opens a device. On failure logs what is missing ("install mesa-vulkan-drivers" without any driver)
 * and returns GPU_ERR_DEVICE.
 */
int gpu_device_create(struct gpu_device **out, const struct gpu_params *params);
// Waits for all work, saves the pipeline cache, frees everything. Resources made from it must be gone.
void gpu_device_destroy(struct gpu_device **dev);

// Validation errors since the process started, over all devices. Tests assert that it is 0.
unsigned gpu_validation_errors(void);

void gpu_set_name(const struct gpu_device *dev, VkObjectType type, uint64_t handle, const char *name);

// Maps a VkResult to enum gpu_status, logging `what` unless it is VK_SUCCESS.
int gpu_check(VkResult result, const char *what);
