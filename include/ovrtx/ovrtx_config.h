// Builders for the entries of an ovrtx_config_t. Texts are borrowed until the call that takes them.
#pragma once

#include "ovrtx_types.h"
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline ovrtx_config_entry_t ovrtx_config_entry_bool(ovrtx_config_bool_t key, bool value)
{
    ovrtx_config_entry_t entry;
    memset(&entry, 0, sizeof(entry));
    entry.key_type = OVRTX_CONFIG_KEY_TYPE_BOOL;
    entry.key.bool_key = key;
    entry.value.bool_value = value;
    return entry;
}

static inline ovrtx_config_entry_t ovrtx_config_entry_string(
    ovrtx_config_string_t key, ovx_string_t value)
{
    ovrtx_config_entry_t entry;
    memset(&entry, 0, sizeof(entry));
    entry.key_type = OVRTX_CONFIG_KEY_TYPE_STRING;
    entry.key.string_key = key;
    entry.value.string_value = value;
    return entry;
}

static inline ovrtx_config_entry_t ovrtx_config_entry_int(ovrtx_config_int64_t key, int64_t value)
{
    ovrtx_config_entry_t entry;
    memset(&entry, 0, sizeof(entry));
    entry.key_type = OVRTX_CONFIG_KEY_TYPE_INT64;
    entry.key.int64_key = key;
    entry.value.int_value = value;
    return entry;
}

static inline ovrtx_config_entry_t ovrtx_config_entry_binary_package_root_path(ovx_string_t path)
{
    return ovrtx_config_entry_string(OVRTX_CONFIG_BINARY_PACKAGE_ROOT_PATH, path);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_sync_mode(bool sync_mode)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_SYNC_MODE, sync_mode);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_enable_profiling(bool enable_profiling)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_ENABLE_PROFILING, enable_profiling);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_read_gpu_transforms(bool read_gpu_transforms)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_READ_GPU_TRANSFORMS, read_gpu_transforms);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_keep_system_alive(bool keep_system_alive)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_KEEP_SYSTEM_ALIVE, keep_system_alive);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_use_vulkan(bool use_vulkan)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_USE_VULKAN, use_vulkan);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_enable_geometry_streaming(
    bool enable_geometry_streaming)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_ENABLE_GEOMETRY_STREAMING,
        enable_geometry_streaming);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_enable_geometry_streaming_lod(
    bool enable_geometry_streaming_lod)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_ENABLE_GEOMETRY_STREAMING_LOD,
        enable_geometry_streaming_lod);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_enable_spg(bool enable_spg)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_ENABLE_SPG, enable_spg);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_enable_motion_bvh(bool enable_motion_bvh)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_ENABLE_MOTION_BVH, enable_motion_bvh);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_log_file_path(ovx_string_t path)
{
    return ovrtx_config_entry_string(OVRTX_CONFIG_LOG_FILE_PATH, path);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_log_level(ovx_string_t level)
{
    return ovrtx_config_entry_string(OVRTX_CONFIG_LOG_LEVEL, level);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_active_cuda_gpus(ovx_string_t cuda_gpus)
{
    return ovrtx_config_entry_string(OVRTX_CONFIG_ACTIVE_CUDA_GPUS, cuda_gpus);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_selection_outline_enabled(bool enabled)
{
    return ovrtx_config_entry_bool(OVRTX_CONFIG_SELECTION_OUTLINE_ENABLED, enabled);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_selection_outline_width(int width)
{
    return ovrtx_config_entry_int(OVRTX_CONFIG_SELECTION_OUTLINE_WIDTH, width);
}

static inline ovrtx_config_entry_t ovrtx_config_entry_selection_fill_mode(
    ovrtx_selection_fill_mode_t mode)
{
    return ovrtx_config_entry_int(OVRTX_CONFIG_SELECTION_FILL_MODE, (int64_t)mode);
}

#ifdef __cplusplus
}
#endif
