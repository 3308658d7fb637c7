// Extensions of this library, beyond the ovrtx 0.3 interface. Other implementations lack them: look
// each up by name (dlsym) where a program shall run on those too. Same rules as ovrtx.h; all functions
// here are immediate and may be called from any thread.
#pragma once

#include "ovrtx_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a product's newest frame cost and how good it is. */
typedef struct ovrtx_ext_product_stats_t {
    size_t struct_size;     /**< Set by the caller: sizeof(ovrtx_ext_product_stats_t). */
    uint32_t width, height; /**< Of the product, pixels. */
    uint32_t samples;       /**< Accumulated per pixel in the shown picture. */
    float resolution_scale; /**< Of the internal picture, 1 = full. */
    bool converged;         /**< Further steps would not change the picture. */
    float gpu_ms, raster_ms, trace_ms, denoise_ms, resolve_ms; /**< GPU timestamps. */
    float step_ms;          /**< CPU time of the last step, submitting included, waiting not. */
    float populate_ms;      /**< CPU time from the composed stage to the render scene, last time. */
    uint64_t triangles, instances, device_bytes;
    char device_name[128];  /**< NUL terminated. */
} ovrtx_ext_product_stats_t;

/**
 * Statistics of a RenderProduct that was stepped at least once.
 *
 * @param product    Path of the product.
 * @param out_stats  struct_size must be set; at most that many bytes are written.
 */
ovrtx_result_t ovrtx_ext_get_product_stats(ovrtx_renderer_t *instance, ovx_string_t product,
                                           ovrtx_ext_product_stats_t *out_stats);

/**
 * How long one step of a product in a real-time mode may take. To keep to it, the picture is coarser
 * while it changes and refines when it rests. Holds for later steps and for stages opened later.
 *
 * @param milliseconds  0 = no limit (the default): every step is one full sample.
 */
ovrtx_result_t ovrtx_ext_set_frame_budget(ovrtx_renderer_t *instance, ovx_string_t product,
                                          double milliseconds);

/**
 * Which render vars of a product will be mapped. Frames still list all of orderedVars; mapping one that
 * was not selected for its step is an error. Holds for later steps and for stages opened later.
 *
 * @param names  count source names; count 0 = all of orderedVars (the default).
 */
ovrtx_result_t ovrtx_ext_select_outputs(ovrtx_renderer_t *instance, ovx_string_t product,
                                        const ovx_string_t *names, size_t count);

/**
 * Asked before a file that a stage names (layer, texture) is read. path is absolute, NUL terminated, with
 * symbolic links resolved. May be called from several threads at once.
 *
 * @return  Whether it may be read. A refused layer or texture counts as missing.
 */
typedef bool (*ovrtx_ext_asset_access_t)(const char *path, void *user_data);

/** Ask callback about every file read from now on; NULL allows all again. */
ovrtx_result_t ovrtx_ext_set_asset_access(ovrtx_renderer_t *instance, ovrtx_ext_asset_access_t callback,
                                          void *user_data);

/** Allow only files below these folders (symbolic links resolved); count 0 allows all again. */
ovrtx_result_t ovrtx_ext_set_asset_roots(ovrtx_renderer_t *instance, const ovx_string_t *roots,
                                         size_t count);

/** World bounds of a prim and what is below it, or of the stage. */
typedef struct ovrtx_ext_bounds_t {
    double min[3], max[3]; /**< Scene units; min > max when there is nothing to bound. */
} ovrtx_ext_bounds_t;

/**
 * Bounds of the visible geometry at run time, after all operations enqueued so far; cameras and lights
 * do not count.
 *
 * @param prim  Path; empty = the whole stage. A prim that does not exist is an error.
 */
ovrtx_result_t ovrtx_ext_get_bounds(ovrtx_renderer_t *instance, ovx_string_t prim,
                                    ovrtx_ext_bounds_t *out_bounds);

#ifdef __cplusplus
}
#endif
