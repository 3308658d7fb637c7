#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "log.h"

#define MAX_OUTLINE_WIDTH 15

static int64_t clamped(int64_t v, int64_t low, int64_t high) { return v < low ? low : v > high ? high : v; }

static void read_bool(struct config *c, const ovrtx_config_entry_t *e)
{
    // Callers set the first byte of the value only.
    unsigned char byte;
    memcpy(&byte, &e->value, 1);
    switch (e->key.bool_key) {
    case OVRTX_CONFIG_SYNC_MODE: c->sync_mode = byte != 0; break;
    case OVRTX_CONFIG_SELECTION_OUTLINE_ENABLED: c->outline_enabled = byte != 0; break;
    case OVRTX_CONFIG_USE_VULKAN:
        if (!byte)
            log_info("ovrtx.config", "USE_VULKAN is off, but Vulkan is the only backend here");
        break;
    case OVRTX_CONFIG_ENABLE_SPG:
    case OVRTX_CONFIG_ENABLE_MOTION_BVH:
        if (byte)
            log_info("ovrtx.config", "sensor settings are ignored: only camera products are supported");
        break;
    case OVRTX_CONFIG_ENABLE_PROFILING:
    case OVRTX_CONFIG_READ_GPU_TRANSFORMS:
    case OVRTX_CONFIG_KEEP_SYSTEM_ALIVE:
    case OVRTX_CONFIG_ENABLE_GEOMETRY_STREAMING:
    case OVRTX_CONFIG_ENABLE_GEOMETRY_STREAMING_LOD: break; // no effect that a caller could see
    default: log_info("ovrtx.config", "unknown bool key %d ignored", (int)e->key.bool_key); break;
    }
}

static void read_int(struct config *c, const ovrtx_config_entry_t *e)
{
    int64_t value = e->value.int_value;
    switch (e->key.int64_key) {
    case OVRTX_CONFIG_SELECTION_OUTLINE_WIDTH:
        c->outline_width = (uint32_t)clamped(value, 0, MAX_OUTLINE_WIDTH);
        break;
    case OVRTX_CONFIG_SELECTION_FILL_MODE:
        c->fill_mode = (uint32_t)clamped(value, 0, OVRTX_SELECTION_FILL_MODE_GROUP_FILL_COLOR);
        break;
    default: log_info("ovrtx.config", "unknown int64 key %d ignored", (int)e->key.int64_key); break;
    }
}

static bool keep(char **to, ovx_string_t text)
{
    free(*to);
    *to = text.ptr ? strndup(text.ptr, text.length) : NULL;
    return *to || !text.ptr;
}

static bool read_string(struct config *c, const ovrtx_config_entry_t *e)
{
    ovx_string_t text = e->value.string_value;
    switch (e->key.string_key) {
    case OVRTX_CONFIG_BINARY_PACKAGE_ROOT_PATH: return keep(&c->package_root, text);
    case OVRTX_CONFIG_LOG_FILE_PATH: return keep(&c->log_file, text);
    case OVRTX_CONFIG_LOG_LEVEL: return keep(&c->log_level, text);
    case OVRTX_CONFIG_ACTIVE_CUDA_GPUS:
        // The first of the list; one renderer uses one device.
        c->gpu_index = text.ptr && text.length && text.ptr[0] >= '0' && text.ptr[0] <= '9' ? text.ptr[0] - '0' : -1;
        for (size_t i = 1; c->gpu_index >= 0 && i < text.length && i < 4 && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
            c->gpu_index = c->gpu_index * 10 + text.ptr[i] - '0';
        break;
    default: log_info("ovrtx.config", "unknown string key %d ignored", (int)e->key.string_key); break;
    }
    return true;
}

bool config_read(struct config *out, const ovrtx_config_t *config)
{
    *out = (struct config) { .outline_width = 2, .fill_mode = OVRTX_SELECTION_FILL_MODE_GLOBAL, .gpu_index = -1 };
    if (config && config->entry_count && !config->entries) {
        error_set("the configuration has %zu entries but no pointer to them", config->entry_count);
        return false;
    }
    for (size_t i = 0; config && i < config->entry_count; i++) {
        const ovrtx_config_entry_t *e = &config->entries[i];
        bool ok = true;
        switch (e->key_type) {
        case OVRTX_CONFIG_KEY_TYPE_BOOL: read_bool(out, e); break;
        case OVRTX_CONFIG_KEY_TYPE_INT64: read_int(out, e); break;
        case OVRTX_CONFIG_KEY_TYPE_STRING: ok = read_string(out, e); break;
        default: log_info("ovrtx.config", "unknown key type %d ignored", (int)e->key_type); break;
        }
        if (!ok) {
            config_finish(out);
            error_set("out of memory");
            return false;
        }
    }
    return true;
}

void config_finish(struct config *c)
{
    free(c->log_file);
    free(c->log_level);
    free(c->package_root);
    c->log_file = c->log_level = c->package_root = NULL;
}
