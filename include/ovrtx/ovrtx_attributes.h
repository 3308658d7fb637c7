// Short forms of ovrtx_write_attribute for host data and existing prims: each writes one attribute of
// path_count prims, prims that do not exist are skipped, and the data is copied before the call returns.
#pragma once

#include "ovrtx.h"
#include <stdlib.h>
#include <string.h>

/** Tensor descriptors that ovrtx_set_path_attributes keeps on the stack; longer lists use the heap. */
#define OVRTX_PATH_ATTR_STACK_TENSOR_COUNT 16

#ifdef __cplusplus
extern "C" {
#endif

/** A one-dimensional host tensor over ptr. *size is its length and must stay as long as the tensor. */
static inline DLTensor ovrtx_make_write_cpu_tensor(const void *ptr, const size_t *size, DLDataType dtype)
{
    static int64_t compact = 1;
    DLTensor tensor;
    memset(&tensor, 0, sizeof(tensor));
    tensor.data               = (void *)(uintptr_t)ptr;
    tensor.device.device_type = kDLCPU;
    tensor.ndim               = 1;
    tensor.dtype              = dtype;
    tensor.shape              = (int64_t *)(uintptr_t)size;
    tensor.strides            = &compact;
    return tensor;
}

/** A binding of one scalar attribute of existing prims. The texts are borrowed. */
static inline ovrtx_binding_desc_or_handle_t ovrtx_make_binding_desc(
    const ovx_string_t *paths, size_t path_count, ovx_string_t attribute_name,
    ovrtx_attribute_semantic_t semantic, DLDataType dtype)
{
    ovrtx_binding_desc_or_handle_t binding;
    memset(&binding, 0, sizeof(binding));
    binding.binding_desc.prim_list.prim_paths    = paths;
    binding.binding_desc.prim_list.num_paths     = path_count;
    binding.binding_desc.attribute_name.string   = attribute_name;
    binding.binding_desc.attribute_type.dtype    = dtype;
    binding.binding_desc.attribute_type.semantic = semantic;
    binding.binding_desc.prim_mode               = OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY;
    binding.binding_desc.flags                   = OVRTX_BINDING_FLAG_NONE;
    return binding;
}

// One scalar attribute, one host tensor: what most writers below are.
static inline ovrtx_enqueue_result_t ovrtx_detail_write_scalars(
    ovrtx_renderer_t *instance, const ovx_string_t *paths, size_t path_count, ovx_string_t name,
    ovrtx_attribute_semantic_t semantic, uint8_t code, uint8_t bits, uint16_t lanes, const void *values)
{
    DLDataType dtype;
    dtype.code  = code;
    dtype.bits  = bits;
    dtype.lanes = lanes;
    ovrtx_binding_desc_or_handle_t binding =
        ovrtx_make_binding_desc(paths, path_count, name, semantic, dtype);
    DLTensor tensor = ovrtx_make_write_cpu_tensor(values, &path_count, dtype);
    ovrtx_input_buffer_t input;
    memset(&input, 0, sizeof(input));
    input.tensors      = &tensor;
    input.tensor_count = 1;
    return ovrtx_write_attribute(instance, &binding, &input, OVRTX_DATA_ACCESS_SYNC);
}

/** Local transforms as matrices. */
static inline ovrtx_enqueue_result_t ovrtx_set_xform_mat(
    ovrtx_renderer_t *instance, const ovx_string_t *paths, size_t path_count,
    const ovrtx_xform_matrix44d_t *transforms)
{
    return ovrtx_detail_write_scalars(instance, paths, path_count, literal_to_ovx_string("omni:xform"),
                                      OVRTX_SEMANTIC_XFORM_MAT4x4, kDLFloat, 64, 16, transforms);
}

/** Local transforms as a 3x3 matrix and a position. */
static inline ovrtx_enqueue_result_t ovrtx_set_xform_pos_rot3x3(
    ovrtx_renderer_t *instance, const ovx_string_t *paths, size_t path_count,
    const ovrtx_xform_pos3d_rot3x3f_t *transforms)
{
    return ovrtx_detail_write_scalars(instance, paths, path_count, literal_to_ovx_string("omni:xform"),
                                      OVRTX_SEMANTIC_XFORM_POS3d_ROT3x3f, kDLUInt, 8,
                                      sizeof(*transforms), transforms);
}

/** Local transforms as scale, rotation and position. */
static inline ovrtx_enqueue_result_t ovrtx_set_xform_pos_rot_scale(
    ovrtx_renderer_t *instance, const ovx_string_t *paths, size_t path_count,
    const ovrtx_xform_pos3d_rot4f_scale3f_t *transforms)
{
    return ovrtx_detail_write_scalars(instance, paths, path_count, literal_to_ovx_string("omni:xform"),
                                      OVRTX_SEMANTIC_XFORM_POS3d_ROT4f_SCALE3f, kDLUInt, 8,
                                      sizeof(*transforms), transforms);
}

/** Whether prims ignore the transforms of their parents. */
static inline ovrtx_enqueue_result_t ovrtx_set_reset_xform_stack(
    ovrtx_renderer_t *instance, const ovx_string_t *paths, size_t path_count, const bool *values)
{
    return ovrtx_detail_write_scalars(instance, paths, path_count,
                                      literal_to_ovx_string("omni:resetXformStack"), OVRTX_SEMANTIC_NONE,
                                      kDLUInt, 8, 1, values);
}

/** One path each for a relationship, such as "material:binding". path_values: path_count texts. */
static inline ovrtx_enqueue_result_t ovrtx_set_path_attributes(
    ovrtx_renderer_t *instance, const ovx_string_t *prim_paths, size_t path_count,
    ovx_string_t attribute_name, const ovx_string_t *path_values)
{
    DLTensor few[OVRTX_PATH_ATTR_STACK_TENSOR_COUNT];
    DLTensor *tensors = few;
    if (path_count > OVRTX_PATH_ATTR_STACK_TENSOR_COUNT) {
        ovrtx_enqueue_result_t refused;
        refused.status   = OVRTX_API_ERROR;
        refused.op_index = 0;
        if (path_count > SIZE_MAX / sizeof(DLTensor))
            return refused;
        tensors = (DLTensor *)malloc(path_count * sizeof(DLTensor));
        if (!tensors)
            return refused;
    }

    size_t one = 1;
    DLDataType dtype;
    dtype.code  = kDLUInt;
    dtype.bits  = 128;
    dtype.lanes = 1;
    for (size_t i = 0; i < path_count; i++) {
        tensors[i]         = ovrtx_make_write_cpu_tensor(path_values + i, &one, dtype);
        tensors[i].strides = NULL;
    }
    ovrtx_binding_desc_or_handle_t binding = ovrtx_make_binding_desc(
        prim_paths, path_count, attribute_name, OVRTX_SEMANTIC_PATH_STRING, dtype);
    binding.binding_desc.attribute_type.is_array = true;
    ovrtx_input_buffer_t input;
    memset(&input, 0, sizeof(input));
    input.tensors      = tensors;
    input.tensor_count = path_count;
    ovrtx_enqueue_result_t result =
        ovrtx_write_attribute(instance, &binding, &input, OVRTX_DATA_ACCESS_SYNC);
    if (tensors != few)
        free(tensors);
    return result;
}

/** One token each. token_values: path_count texts. */
static inline ovrtx_enqueue_result_t ovrtx_set_token_attributes(
    ovrtx_renderer_t *instance, const ovx_string_t *prim_paths, size_t path_count,
    ovx_string_t attribute_name, const ovx_string_t *token_values)
{
    return ovrtx_detail_write_scalars(instance, prim_paths, path_count, attribute_name,
                                      OVRTX_SEMANTIC_TOKEN_STRING, kDLUInt, 128, 1, token_values);
}

/** Selection groups; 0 takes prims out of their group. */
static inline ovrtx_enqueue_result_t ovrtx_set_selection_outline_group(
    ovrtx_renderer_t *instance, const ovx_string_t *prim_paths, size_t path_count,
    const uint8_t *group_ids)
{
    return ovrtx_detail_write_scalars(
        instance, prim_paths, path_count,
        literal_to_ovx_string(OVRTX_ATTR_NAME_SELECTION_OUTLINE_GROUP), OVRTX_SEMANTIC_NONE, kDLUInt, 8, 1,
        group_ids);
}

/** Whether picks see prims. */
static inline ovrtx_enqueue_result_t ovrtx_set_pickable(
    ovrtx_renderer_t *instance, const ovx_string_t *prim_paths, size_t path_count, const bool *pickable)
{
    return ovrtx_detail_write_scalars(instance, prim_paths, path_count,
                                      literal_to_ovx_string(OVRTX_ATTR_NAME_PICKABLE), OVRTX_SEMANTIC_NONE,
                                      kDLUInt, 8, 1, pickable);
}

#ifdef __cplusplus
}
#endif
