// Pipelines from embedded SPIR-V, and descriptors pushed per dispatch.
//
// A shader NAME.comp is embedded by
//     static const uint32_t name_spv[] = {
//     #include "NAME.comp.spv.h"
//     };
// Set 0 is whatever layout the caller gives (the scene's); set 1 holds up to GPU_MAX_PUSH push descriptors.
// Without a set 0 layout, the push descriptors are still set 1.
#pragma once

#include "gpu_resource.h"

#define GPU_MAX_PUSH 24
#define GPU_PUSH_SET 1

struct gpu_binding {
    uint32_t binding;
    VkDescriptorType type;
};

struct gpu_shader {
    const uint32_t *words;
    size_t size; // bytes
    const uint32_t *constants; // specialization constants 0, 1, 2, ...: 4 bytes each
    uint32_t constant_count;
};
#define GPU_SHADER(array) (struct gpu_shader) { .words = (array), .size = sizeof(array) }

struct gpu_pipeline {
    VkPipeline handle;
    VkPipelineLayout layout;
    VkDescriptorSetLayout push_layout;
    VkPipelineBindPoint point;
    uint32_t push_size; // bytes of push constants, at most 128
};

struct gpu_compute_desc {
    struct gpu_shader shader;
    VkDescriptorSetLayout set0; // may be VK_NULL_HANDLE
    const struct gpu_binding *bindings;
    uint32_t binding_count;
    uint32_t push_size;
    const char *name;
};

struct gpu_graphics_desc {
    struct gpu_shader vertex, fragment; // fragment may be empty: depth only
    VkDescriptorSetLayout set0;
    const struct gpu_binding *bindings;
    uint32_t binding_count;
    uint32_t push_size;
    const VkFormat *colors;
    uint32_t color_count;
    VkFormat depth; // VK_FORMAT_UNDEFINED = none
    bool depth_write;
    VkCompareOp depth_compare;
    VkCullModeFlags cull;      // front is counter-clockwise; dynamic when dynamic_cull
    bool dynamic_cull;         // vkCmdSetCullMode and vkCmdSetFrontFace before drawing
    uint32_t vertex_stride;    // 0 = no vertex buffer; else location 0 is R32G32B32_SFLOAT at offset 0
    const char *name;
};

// Any thread. GPU_OK or an error (logged); *out zeroed on failure.
int gpu_compute_create(struct gpu_device *dev, struct gpu_pipeline *out, const struct gpu_compute_desc *desc);
int gpu_graphics_create(struct gpu_device *dev, struct gpu_pipeline *out, const struct gpu_graphics_desc *desc);
void gpu_pipeline_destroy(struct gpu_device *dev, struct gpu_pipeline *p); // nothing submitted may use it

// Set 0 for a bind; handle VK_NULL_HANDLE = none. `dynamic`: the set has one dynamic uniform buffer, at `offset`.
struct gpu_set {
    VkDescriptorSet handle;
    uint32_t offset;
    bool dynamic;
};

struct gpu_push {
    VkWriteDescriptorSet writes[GPU_MAX_PUSH];
    union {
        VkDescriptorBufferInfo buffer;
        VkDescriptorImageInfo image;
        VkBufferView texels;
    } infos[GPU_MAX_PUSH];
    uint32_t count;
};
void gpu_push_buffer(struct gpu_push *p, uint32_t binding, const struct gpu_buffer *b); // storage, whole buffer
void gpu_push_buffer_range(struct gpu_push *p, uint32_t binding, VkDescriptorType type, const struct gpu_buffer *b,
                           VkDeviceSize offset, VkDeviceSize size);
void gpu_push_image(struct gpu_push *p, uint32_t binding, const struct gpu_image *i); // storage image
void gpu_push_texture(struct gpu_push *p, uint32_t binding, const struct gpu_image *i, VkSampler sampler);

void gpu_push_texels(struct gpu_push *p, uint32_t binding, VkBufferView view); // uniform texel buffer

// Binds the pipeline, set 0 (unless its handle is VK_NULL_HANDLE), the push descriptors and the push constants (NULL = none).
void gpu_bind(struct gpu_device *dev, VkCommandBuffer cmd, const struct gpu_pipeline *p, struct gpu_set set0,
              const struct gpu_push *push, const void *constants);
// gpu_bind(), then a dispatch that covers width x height with groups of group_w x group_h.
void gpu_dispatch(struct gpu_device *dev, VkCommandBuffer cmd, const struct gpu_pipeline *p, struct gpu_set set0,
                  const struct gpu_push *push, const void *constants, uint32_t width, uint32_t height,
                  uint32_t group_w, uint32_t group_h);
