#include "gpu_pipeline.h"

#include <stdio.h>

#include "log.h"

#define MAX_CONSTANTS 16
#define MAX_COLORS 8

static int create_layout(struct gpu_device *dev, struct gpu_pipeline *p, VkDescriptorSetLayout set0,
                         const struct gpu_binding *bindings, uint32_t count, uint32_t push_size,
                         VkShaderStageFlags stages)
{
    VkDescriptorSetLayoutBinding list[GPU_MAX_PUSH];
    if (count > GPU_MAX_PUSH)
        return GPU_ERR_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        list[i] = (VkDescriptorSetLayoutBinding) {
            .binding         = bindings[i].binding,
            .descriptorType  = bindings[i].type,
            .descriptorCount = 1,
            .stageFlags      = stages,
        };
    int rc = gpu_check(vkCreateDescriptorSetLayout(
                           dev->device,
                           &(VkDescriptorSetLayoutCreateInfo) {
                               .sType        = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                               .flags        = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR,
                               .bindingCount = count,
                               .pBindings    = list,
                           },
                           NULL, &p->push_layout),
                       "vkCreateDescriptorSetLayout");
    if (rc != GPU_OK)
        return rc;
    // Without a scene set, an empty layout keeps the push descriptors at set 1.
    VkDescriptorSetLayout empty = VK_NULL_HANDLE;
    if (!set0)
        rc = gpu_check(vkCreateDescriptorSetLayout(
                           dev->device,
                           &(VkDescriptorSetLayoutCreateInfo) {
                               .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO },
                           NULL, &empty),
                       "vkCreateDescriptorSetLayout");
    if (rc != GPU_OK)
        return rc;
    p->push_size = push_size;
    rc           = gpu_check(vkCreatePipelineLayout(
                       dev->device,
                       &(VkPipelineLayoutCreateInfo) {
                                     .sType          = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                     .setLayoutCount = 2,
                                     .pSetLayouts    = (VkDescriptorSetLayout[]) { set0 ? set0 : empty, p->push_layout },
                                     .pushConstantRangeCount = push_size ? 1 : 0,
                                     .pPushConstantRanges    = &(VkPushConstantRange) { stages, 0, push_size },
                       },
                       NULL, &p->layout),
                   "vkCreatePipelineLayout");
    if (empty)
        vkDestroyDescriptorSetLayout(dev->device, empty, NULL); // layouts may go once the pipeline layout exists
    return rc;
}

static int create_module(struct gpu_device *dev, const struct gpu_shader *s, VkShaderModule *out)
{
    return gpu_check(vkCreateShaderModule(dev->device,
                                          &(VkShaderModuleCreateInfo) {
                                              .sType    = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                              .codeSize = s->size,
                                              .pCode    = s->words,
                                          },
                                          NULL, out),
                     "vkCreateShaderModule");
}

static void specialise(const struct gpu_shader *s, VkSpecializationMapEntry *entries, VkSpecializationInfo *info)
{
    const uint32_t count = s->constant_count > MAX_CONSTANTS ? MAX_CONSTANTS : s->constant_count;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (VkSpecializationMapEntry) { i, i * 4, 4 };
    *info = (VkSpecializationInfo) { count, entries, count * 4, s->constants };
}

int gpu_compute_create(struct gpu_device *dev, struct gpu_pipeline *out, const struct gpu_compute_desc *desc)
{
    *out = (struct gpu_pipeline) { .point = VK_PIPELINE_BIND_POINT_COMPUTE };
    VkShaderModule module = VK_NULL_HANDLE;
    int rc = create_layout(dev, out, desc->set0, desc->bindings, desc->binding_count, desc->push_size,
                           VK_SHADER_STAGE_COMPUTE_BIT);
    if (rc == GPU_OK)
        rc = create_module(dev, &desc->shader, &module);
    if (rc == GPU_OK) {
        VkSpecializationMapEntry entries[MAX_CONSTANTS];
        VkSpecializationInfo info;
        specialise(&desc->shader, entries, &info);
        rc = gpu_check(vkCreateComputePipelines(dev->device, dev->cache, 1,
                                                &(VkComputePipelineCreateInfo) {
                                                    .sType  = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
                                                    .layout = out->layout,
                                                    .stage  = {
                                                        .sType  = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                                                        .stage  = VK_SHADER_STAGE_COMPUTE_BIT,
                                                        .module = module,
                                                        .pName  = "main",
                                                        .pSpecializationInfo = &info,
                                                    },
                                                },
                                                NULL, &out->handle),
                       "vkCreateComputePipelines");
    }
    vkDestroyShaderModule(dev->device, module, NULL);
    if (rc != GPU_OK) {
        log_error("gpu", "no pipeline '%s'", desc->name);
        gpu_pipeline_destroy(dev, out);
        return rc;
    }
    gpu_set_name(dev, VK_OBJECT_TYPE_PIPELINE, (uint64_t)out->handle, desc->name);
    return GPU_OK;
}

static VkResult create_graphics(struct gpu_device *dev, struct gpu_pipeline *out, const struct gpu_graphics_desc *d,
                                const VkPipelineShaderStageCreateInfo *stages, uint32_t stage_count)
{
    VkPipelineColorBlendAttachmentState blends[MAX_COLORS] = { 0 };
    for (uint32_t i = 0; i < d->color_count; i++)
        blends[i].colorWriteMask = 0xf;
    VkDynamicState dynamic[4] = { VK_DYNAMIC_STATE_VIEWPORT, VK_DYNAMIC_STATE_SCISSOR };
    uint32_t dynamic_count    = 2;
    if (d->dynamic_cull) {
        dynamic[dynamic_count++] = VK_DYNAMIC_STATE_CULL_MODE;
        dynamic[dynamic_count++] = VK_DYNAMIC_STATE_FRONT_FACE;
    }
    const VkPipelineRenderingCreateInfo rendering = {
        .sType                   = VK_STRUCTURE_TYPE_PIPELINE_RENDERING_CREATE_INFO,
        .colorAttachmentCount    = d->color_count,
        .pColorAttachmentFormats = d->colors,
        .depthAttachmentFormat   = d->depth,
    };
    const VkGraphicsPipelineCreateInfo info = {
        .sType             = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
        .pNext             = &rendering,
        .stageCount        = stage_count,
        .pStages           = stages,
        .pVertexInputState = &(VkPipelineVertexInputStateCreateInfo) {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
            .vertexBindingDescriptionCount   = d->vertex_stride ? 1 : 0,
            .pVertexBindingDescriptions      = &(VkVertexInputBindingDescription) { 0, d->vertex_stride,
                                                                               VK_VERTEX_INPUT_RATE_VERTEX },
            .vertexAttributeDescriptionCount = d->vertex_stride ? 1 : 0,
            .pVertexAttributeDescriptions =
                &(VkVertexInputAttributeDescription) { 0, 0, VK_FORMAT_R32G32B32_SFLOAT, 0 },
        },
        .pInputAssemblyState = &(VkPipelineInputAssemblyStateCreateInfo) {
            .sType    = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
            .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
        },
        .pViewportState = &(VkPipelineViewportStateCreateInfo) {
            .sType         = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
            .viewportCount = 1,
            .scissorCount  = 1,
        },
        .pRasterizationState = &(VkPipelineRasterizationStateCreateInfo) {
            .sType       = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
            .polygonMode = VK_POLYGON_MODE_FILL,
            .cullMode    = d->cull,
            .frontFace   = VK_FRONT_FACE_COUNTER_CLOCKWISE,
            .lineWidth   = 1,
        },
        .pMultisampleState = &(VkPipelineMultisampleStateCreateInfo) {
            .sType                = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
            .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
        },
        .pDepthStencilState = &(VkPipelineDepthStencilStateCreateInfo) {
            .sType            = VK_STRUCTURE_TYPE_PIPELINE_DEPTH_STENCIL_STATE_CREATE_INFO,
            .depthTestEnable  = d->depth != VK_FORMAT_UNDEFINED,
            .depthWriteEnable = d->depth_write,
            .depthCompareOp   = d->depth_compare,
        },
        .pColorBlendState = &(VkPipelineColorBlendStateCreateInfo) {
            .sType           = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
            .attachmentCount = d->color_count,
            .pAttachments    = blends,
        },
        .pDynamicState = &(VkPipelineDynamicStateCreateInfo) {
            .sType             = VK_STRUCTURE_TYPE_PIPELINE_DYNAMIC_STATE_CREATE_INFO,
            .dynamicStateCount = dynamic_count,
            .pDynamicStates    = dynamic,
        },
        .layout = out->layout,
    };
    return vkCreateGraphicsPipelines(dev->device, dev->cache, 1, &info, NULL, &out->handle);
}

int gpu_graphics_create(struct gpu_device *dev, struct gpu_pipeline *out, const struct gpu_graphics_desc *desc)
{
    *out = (struct gpu_pipeline) { .point = VK_PIPELINE_BIND_POINT_GRAPHICS };
    if (desc->color_count > MAX_COLORS)
        return GPU_ERR_LIMIT;
    const struct gpu_shader *shaders[2]     = { &desc->vertex, &desc->fragment };
    const VkShaderStageFlagBits stage_of[2] = { VK_SHADER_STAGE_VERTEX_BIT, VK_SHADER_STAGE_FRAGMENT_BIT };
    VkShaderModule modules[2]               = { VK_NULL_HANDLE, VK_NULL_HANDLE };
    VkSpecializationMapEntry entries[2][MAX_CONSTANTS];
    VkSpecializationInfo infos[2];
    VkPipelineShaderStageCreateInfo stages[2];
    uint32_t count = 0;
    int rc = create_layout(dev, out, desc->set0, desc->bindings, desc->binding_count, desc->push_size,
                           VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT);
    for (int i = 0; rc == GPU_OK && i < 2; i++) {
        if (!shaders[i]->words)
            continue;
        rc = create_module(dev, shaders[i], &modules[i]);
        specialise(shaders[i], entries[i], &infos[i]);
        stages[count++] = (VkPipelineShaderStageCreateInfo) {
            .sType               = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage               = stage_of[i],
            .module              = modules[i],
            .pName               = "main",
            .pSpecializationInfo = &infos[i],
        };
    }
    if (rc == GPU_OK)
        rc = gpu_check(create_graphics(dev, out, desc, stages, count), "vkCreateGraphicsPipelines");
    for (int i = 0; i < 2; i++)
        vkDestroyShaderModule(dev->device, modules[i], NULL);
    if (rc != GPU_OK) {
        log_error("gpu", "no pipeline '%s'", desc->name);
        gpu_pipeline_destroy(dev, out);
        return rc;
    }
    gpu_set_name(dev, VK_OBJECT_TYPE_PIPELINE, (uint64_t)out->handle, desc->name);
    return GPU_OK;
}

void gpu_pipeline_destroy(struct gpu_device *dev, struct gpu_pipeline *p)
{
    vkDestroyPipeline(dev->device, p->handle, NULL);
    vkDestroyPipelineLayout(dev->device, p->layout, NULL);
    vkDestroyDescriptorSetLayout(dev->device, p->push_layout, NULL);
    *p = (struct gpu_pipeline) { 0 };
}

static VkWriteDescriptorSet *push_write(struct gpu_push *p, uint32_t binding, VkDescriptorType type)
{
    if (p->count == GPU_MAX_PUSH)
        return NULL;
    VkWriteDescriptorSet *w = &p->writes[p->count++];
    *w                      = (VkWriteDescriptorSet) {
                             .sType           = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                             .dstBinding      = binding,
                             .descriptorCount = 1,
                             .descriptorType  = type,
    };
    return w;
}

void gpu_push_buffer_range(struct gpu_push *p, uint32_t binding, VkDescriptorType type, const struct gpu_buffer *b,
                           VkDeviceSize offset, VkDeviceSize size)
{
    VkWriteDescriptorSet *w = push_write(p, binding, type);
    if (!w)
        return;
    p->infos[p->count - 1].buffer = (VkDescriptorBufferInfo) { b->handle, offset, size };
    w->pBufferInfo                = &p->infos[p->count - 1].buffer;
}

void gpu_push_buffer(struct gpu_push *p, uint32_t binding, const struct gpu_buffer *b)
{
    gpu_push_buffer_range(p, binding, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, b, 0, VK_WHOLE_SIZE);
}

static void push_image(struct gpu_push *p, uint32_t binding, VkDescriptorType type, const struct gpu_image *i,
                       VkSampler sampler)
{
    VkWriteDescriptorSet *w = push_write(p, binding, type);
    if (!w)
        return;
    p->infos[p->count - 1].image = (VkDescriptorImageInfo) { sampler, i->view, VK_IMAGE_LAYOUT_GENERAL };
    w->pImageInfo                = &p->infos[p->count - 1].image;
}

void gpu_push_image(struct gpu_push *p, uint32_t binding, const struct gpu_image *i)
{
    push_image(p, binding, VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, i, VK_NULL_HANDLE);
}

void gpu_push_texture(struct gpu_push *p, uint32_t binding, const struct gpu_image *i, VkSampler sampler)
{
    push_image(p, binding, VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, i, sampler);
}

void gpu_push_texels(struct gpu_push *p, uint32_t binding, VkBufferView view)
{
    VkWriteDescriptorSet *w = push_write(p, binding, VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER);
    if (!w)
        return;
    p->infos[p->count - 1].texels = view;
    w->pTexelBufferView           = &p->infos[p->count - 1].texels;
}

void gpu_bind(struct gpu_device *dev, VkCommandBuffer cmd, const struct gpu_pipeline *p, struct gpu_set set0,
              const struct gpu_push *push, const void *constants)
{
    vkCmdBindPipeline(cmd, p->point, p->handle);
    if (set0.handle)
        vkCmdBindDescriptorSets(cmd, p->point, p->layout, 0, 1, &set0.handle, set0.dynamic ? 1 : 0, &set0.offset);
    if (push && push->count)
        dev->push_descriptors(cmd, p->point, p->layout, GPU_PUSH_SET, push->count, push->writes);
    if (constants && p->push_size)
        vkCmdPushConstants(cmd, p->layout,
                           p->point == VK_PIPELINE_BIND_POINT_COMPUTE
                               ? VK_SHADER_STAGE_COMPUTE_BIT
                               : VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT,
                           0, p->push_size, constants);
}

void gpu_dispatch(struct gpu_device *dev, VkCommandBuffer cmd, const struct gpu_pipeline *p, struct gpu_set set0,
                  const struct gpu_push *push, const void *constants, uint32_t width, uint32_t height,
                  uint32_t group_w, uint32_t group_h)
{
    gpu_bind(dev, cmd, p, set0, push, constants);
    vkCmdDispatch(cmd, (width + group_w - 1) / group_w, (height + group_h - 1) / group_h, 1);
}
