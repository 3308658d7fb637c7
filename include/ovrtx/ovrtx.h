// The functions of the ovrtx 0.3 interface, as libovrtx-dynamic implements them.
//
// Two kinds. Immediate functions return ovrtx_result_t. Enqueue functions return a status and an
// operation id: OVRTX_API_SUCCESS says only that the operation was accepted; what became of it is
// learnt from ovrtx_wait_op. The operations of one renderer run one after the other, in the order in
// which they were enqueued. A refused operation has id 0. In sync mode an enqueue waits for its
// operation and returns its outcome, with a valid id in either case.
//
// After OVRTX_API_ERROR the calling thread finds the reason in ovrtx_get_last_error. Every function may
// be called from any thread. A NULL renderer, a missing out pointer and an unknown handle are errors.
// Timeouts are nanoseconds: 0 polls, UINT64_MAX waits for ever; running out of time gives
// OVRTX_API_TIMEOUT, and nothing is lost by asking again.
#pragma once

#include "ovrtx_types.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------
// Library and renderer

/** The version of this interface, 0.3.0. Works before anything else. Pointers may be NULL. */
void ovrtx_get_version(uint32_t *out_major, uint32_t *out_minor, uint32_t *out_patch);

/**
 * Publish where USD plugins are. This library needs none, so it only notes the root folder: the
 * environment variable OMNI_USD_PLUGINS_BASE_PATH, else the configuration's
 * BINARY_PACKAGE_ROOT_PATH, else the folder of the library. The first call of a process wins; a
 * later call with another root prints one warning.
 *
 * @param config  NULL, or a configuration.
 * @return        OVRTX_API_SUCCESS, always.
 */
ovrtx_result_t ovrtx_register_schema_paths(const ovrtx_config_t *config);

/**
 * Start the library. Counted: each call needs its ovrtx_shutdown. Renderers may be created without
 * it.
 *
 * @param config  Required; may be empty. Log settings are read here.
 */
ovrtx_result_t ovrtx_initialize(const ovrtx_config_t *config);

/**
 * Undo one ovrtx_initialize; an error when there was none. Living renderers keep what they need.
 */
ovrtx_result_t ovrtx_shutdown(void);

/**
 * Create a renderer with an empty stage, opening a Vulkan device.
 *
 * @param config        Required; may be empty.
 * @param out_renderer  The renderer; untouched on failure.
 * @return              OVRTX_API_ERROR without a usable device; the text says what to install.
 */
ovrtx_result_t ovrtx_create_renderer(const ovrtx_config_t *config, ovrtx_renderer_t **out_renderer);

/**
 * Destroy a renderer after its pending operations, together with all results, mappings and
 * bindings that are still open.
 */
ovrtx_result_t ovrtx_destroy_renderer(ovrtx_renderer_t *renderer);

// ---------------------------------------------------------------------------------------------
// The stage

/**
 * Empty the stage and make a USD file its root layer (.usda, .usdc, .usd, .usdz). A missing or
 * broken file fails the operation.
 */
ovrtx_enqueue_result_t ovrtx_open_usd_from_file(ovrtx_renderer_t *instance, ovx_string_t file_name);

/**
 * Empty the stage and make a layer given as USDA text its root. White space before the "#usda"
 * header is accepted. Relative asset paths in it resolve against the working directory.
 */
ovrtx_enqueue_result_t ovrtx_open_usd_from_string(ovrtx_renderer_t *instance,
                                                  ovx_string_t root_layer_content);

/**
 * Create a prim that references a layer by its defaultPrim.
 *
 * @param layer_file   The layer.
 * @param prefix_path  Absolute path of the new prim; nothing may exist there.
 * @param out_handle   Set at once, not 0; says nothing about success.
 */
ovrtx_enqueue_result_t ovrtx_add_usd_reference_from_file(ovrtx_renderer_t *instance,
                                                         ovx_string_t layer_file,
                                                         ovx_string_t prefix_path,
                                                         ovrtx_usd_handle_t *out_handle);

/** The same with the layer as USDA text. */
ovrtx_enqueue_result_t ovrtx_add_usd_reference_from_string(ovrtx_renderer_t *instance,
                                                           ovx_string_t layer_content,
                                                           ovx_string_t prefix_path,
                                                           ovrtx_usd_handle_t *out_handle);

/** Remove every prim that an added reference brought in. */
ovrtx_enqueue_result_t ovrtx_remove_usd(ovrtx_renderer_t *instance,
                                        ovrtx_usd_handle_t add_usd_handle);

/**
 * Copy a prim and everything below it to new absolute paths. The source must exist, the targets
 * must not. Attribute values are copied as they are at run time.
 *
 * @param target_paths  num_target_paths paths.
 */
ovrtx_enqueue_result_t ovrtx_clone_usd(ovrtx_renderer_t *instance, ovx_string_t source_path_in_usd,
                                       const ovx_string_t *target_paths, size_t num_target_paths);

/** Empty the stage. Renderer time goes back to 0. */
ovrtx_enqueue_result_t ovrtx_reset_stage(ovrtx_renderer_t *instance);

/**
 * Evaluate all time samples at usd_time seconds (times timeCodesPerSecond of the root layer).
 * Replaces earlier run-time writes to time-sampled attributes.
 */
ovrtx_enqueue_result_t ovrtx_update_stage_from_usd_time(ovrtx_renderer_t *instance,
                                                        double usd_time);

// ---------------------------------------------------------------------------------------------
// Attributes

/**
 * Write one attribute of several prims.
 *
 * @param binding_handle_or_desc  Which attribute of which prims. The type's lanes may be expressed
 *     in the tensors as lanes or as trailing dimensions.
 * @param data_array              The data: host tensors; CUDA tensors where the renderer's device
 *     has CUDA.
 * @param data_access             SYNC: the data is copied before the call returns. ASYNC: the data
 *     must stay until the operation is done.
 * @return                        OVRTX_API_ERROR when tensors and prims do not fit together. A
 *     type that the attribute does not have fails the operation.
 *
 * Transforms are written as "omni:xform". "omni:selectionOutlineGroup" (uint8) and "omni:pickable"
 * (bool) are accepted on every prim, cover its descendants, and are not stored in the stage.
 */
ovrtx_enqueue_result_t ovrtx_write_attribute(ovrtx_renderer_t *instance,
                                             const ovrtx_binding_desc_or_handle_t *binding_handle_or_desc,
                                             const ovrtx_input_buffer_t *data_array,
                                             ovrtx_data_access_t data_access);

/**
 * Map a scalar attribute for writing. The view shows the values after all operations enqueued so
 * far; they are applied by ovrtx_unmap_attribute. Several mappings of one attribute may be open.
 *
 * @param mapping_desc           kDLCPU; kDLCUDA where available.
 * @param out_attribute_mapping  The view, valid until unmapped.
 */
ovrtx_result_t ovrtx_map_attribute(ovrtx_renderer_t *instance,
                                   const ovrtx_binding_desc_or_handle_t *binding_handle_or_desc,
                                   ovrtx_mapping_desc_t mapping_desc,
                                   ovrtx_attribute_mapping_t *out_attribute_mapping);

/**
 * End a mapping; the operation applies its data.
 *
 * @param cuda_sync  What must have passed before the data is read; zero for host memory.
 */
ovrtx_enqueue_result_t ovrtx_unmap_attribute(ovrtx_renderer_t *instance,
                                             ovrtx_map_handle_t map_handle,
                                             ovrtx_cuda_sync_t cuda_sync);

/**
 * Keep a binding for repeated use. The handle is usable at once. The description is copied; its
 * prims are looked up on every use, so it outlives changes of the stage.
 */
ovrtx_enqueue_result_t ovrtx_create_attribute_binding(ovrtx_renderer_t *instance,
                                                      const ovrtx_binding_desc_t *description,
                                                      ovrtx_attribute_binding_handle_t *out_attribute_binding_handle);

/** Destroy a binding, after the operations enqueued before. */
ovrtx_enqueue_result_t ovrtx_destroy_attribute_binding(ovrtx_renderer_t *instance,
                                                       ovrtx_attribute_binding_handle_t binding_handle);

/**
 * Read one attribute of several prims.
 *
 * @param read_dest        NULL, or a destination for a scalar attribute.
 * @param out_read_handle  For ovrtx_fetch_read_result; set at once.
 *
 * The attribute type of the binding is a hint: data comes in the type it is stored in. Only
 * OVRTX_SEMANTIC_NONE is supported.
 */
ovrtx_enqueue_result_t ovrtx_read_attribute(ovrtx_renderer_t *instance,
                                            const ovrtx_binding_desc_or_handle_t *binding_handle_or_desc,
                                            const ovrtx_read_dest_t *read_dest,
                                            ovrtx_read_handle_t *out_read_handle);

/** Wait for a read and look at its data, which is valid until released. May be called again. */
ovrtx_result_t ovrtx_fetch_read_result(ovrtx_renderer_t *instance, ovrtx_read_handle_t read_handle,
                                       ovrtx_timeout_t timeout,
                                       ovrtx_read_output_t *out_read_output);

/** Release a read, fetched or not. Takes the map handle of the result or the read handle. */
ovrtx_result_t ovrtx_release_read_result(ovrtx_renderer_t *instance,
                                         ovrtx_read_map_handle_t map_handle,
                                         ovrtx_cuda_sync_t before_destroy_cuda_sync);

// ---------------------------------------------------------------------------------------------
// Queries and paths

/**
 * Find prims.
 *
 * @param query_desc        Filters; copied.
 * @param out_query_handle  Set at once.
 */
ovrtx_enqueue_result_t ovrtx_query_prims(ovrtx_renderer_t *instance,
                                         const ovrtx_query_desc_t *query_desc,
                                         ovrtx_query_handle_t *out_query_handle);

/**
 * Wait for a query and look at its result, which is valid until released. May be called again.
 */
ovrtx_result_t ovrtx_fetch_query_results(ovrtx_renderer_t *instance,
                                         ovrtx_query_handle_t query_handle, ovrtx_timeout_t timeout,
                                         ovrtx_query_result_t *out_result);

/** Release a query, fetched or not, and the path lists of its result. */
ovrtx_result_t ovrtx_release_query_results(ovrtx_renderer_t *instance,
                                           ovrtx_query_handle_t query_handle);

/** The renderer's path dictionary, valid as long as the renderer. Nothing to release. */
ovrtx_result_t ovrtx_get_path_dictionary(ovrtx_renderer_t *instance,
                                         path_dictionary_instance_t *out_path_dictionary);

// ---------------------------------------------------------------------------------------------
// Rendering

/**
 * Render a set of products over the interval from the last step's end to delta_time seconds later,
 * with the stage as it is then.
 *
 * @param render_products         Paths of RenderProduct prims; copied. A path that is none fails
 *     the operation.
 * @param delta_time              Seconds, not negative.
 * @param out_step_result_handle  Set at once. Destroy it with ovrtx_destroy_results.
 *
 * Products that are not in the set forget what they accumulated.
 */
ovrtx_enqueue_result_t ovrtx_step(ovrtx_renderer_t *instance,
                                  ovrtx_render_product_set_t render_products, double delta_time,
                                  ovrtx_step_result_handle_t *out_step_result_handle);

/**
 * Ask what is visible in a rectangle of a product. Answered by the next step of that product, as
 * the render var "ovrtx_pick_hit"; of several queries before that step, the last one counts.
 */
ovrtx_enqueue_result_t ovrtx_enqueue_pick_query(ovrtx_renderer_t *instance,
                                                const ovrtx_pick_query_desc_t *desc);

/**
 * Set how selection groups are drawn, from the next step on. Needs
 * OVRTX_CONFIG_SELECTION_OUTLINE_ENABLED to be seen.
 *
 * @param group_ids  count ids, 1 to 255.
 * @param styles     count styles.
 */
ovrtx_enqueue_result_t ovrtx_set_selection_group_styles(ovrtx_renderer_t *instance,
                                                        const uint8_t *group_ids,
                                                        const ovrtx_selection_group_style_t *styles,
                                                        size_t count);

/**
 * Forget everything that was accumulated and set the renderer's time.
 *
 * @param time  Seconds.
 */
ovrtx_enqueue_result_t ovrtx_reset(ovrtx_renderer_t *instance, double time);

/**
 * Wait for the results of a step. All that it points to is valid until ovrtx_destroy_results. May
 * be called again.
 */
ovrtx_result_t ovrtx_fetch_results(ovrtx_renderer_t *instance,
                                   ovrtx_step_result_handle_t result_handle,
                                   ovrtx_timeout_t timeout,
                                   ovrtx_render_product_set_outputs_t *out_render_product_set_outputs);

/**
 * Make a render var readable, waiting for its data. May be called any number of times for one
 * handle; each mapping is ended by its own ovrtx_unmap_render_var_output, also after
 * ovrtx_destroy_results.
 *
 * @param map_output_desc  Where. NULL = host memory.
 * @return                 OVRTX_API_ERROR for CUDA where the device has none.
 */
ovrtx_result_t ovrtx_map_render_var_output(ovrtx_renderer_t *instance,
                                           ovrtx_render_var_output_handle_t output_handle,
                                           const ovrtx_map_output_description_t *map_output_desc,
                                           ovrtx_timeout_t timeout,
                                           ovrtx_render_var_output_t *out_render_var_output);

/**
 * End a mapping.
 *
 * @param before_destroy_cuda_sync  What must have passed before the memory is used again.
 */
ovrtx_result_t ovrtx_unmap_render_var_output(ovrtx_renderer_t *instance,
                                             ovrtx_render_var_output_map_handle_t map_handle,
                                             ovrtx_cuda_sync_t before_destroy_cuda_sync);

/**
 * Release the results of a step, fetched or not, finished or not. Living mappings stay valid.
 */
ovrtx_result_t ovrtx_destroy_results(ovrtx_renderer_t *instance,
                                     ovrtx_step_result_handle_t result_handle);

// ---------------------------------------------------------------------------------------------
// Operations

/**
 * Wait for an operation and all before it.
 *
 * @param op_id            From an enqueue.
 * @param out_wait_result  Always filled in. Each failed operation is listed once, in the first
 *     wait that sees it; the list is valid until the calling thread waits again.
 * @return                 OVRTX_API_SUCCESS when all are finished, even if some failed.
 */
ovrtx_result_t ovrtx_wait_op(ovrtx_renderer_t *instance, ovrtx_op_id_t op_id,
                             ovrtx_timeout_t time_out, ovrtx_op_wait_result_t *out_wait_result);

/**
 * How far an operation is, without waiting. Cheap enough to poll.
 *
 * @param out_status  Give it back with ovrtx_release_op_status.
 */
ovrtx_result_t ovrtx_query_op_status(ovrtx_renderer_t *instance, ovrtx_op_id_t op_id,
                                     ovrtx_op_status_t *out_status);

/** Release what ovrtx_query_op_status filled in. */
ovrtx_result_t ovrtx_release_op_status(ovrtx_renderer_t *instance, ovrtx_op_status_t *status);

// ---------------------------------------------------------------------------------------------
// Extensions, errors, log

/**
 * A table of functions by name. This library has none: always an error; *vtable is left alone. Its
 * extensions are plain functions, see ovrtx_ext.h.
 */
ovrtx_result_t ovrtx_query_extension(const char *name, const void **vtable);

/**
 * Why the last call of this thread failed; empty after a success. Valid until the thread's next
 * call.
 */
ovx_string_t ovrtx_get_last_error(void);

/**
 * Why an operation failed that the last ovrtx_wait_op of this thread listed; empty for others.
 * Valid until the thread waits again.
 */
ovx_string_t ovrtx_get_last_op_error(ovrtx_op_id_t op_id);

/**
 * Receive log messages. One callback per process; a new one replaces the old.
 *
 * @param severity        Least severity for channels that no rule names.
 * @param channel_filter  NULL, or rules "channel=level" separated by commas; the longest matching
 *     channel prefix wins. Levels: verbose or debug, info, warn or warning, error, fatal.
 * @param callback        NULL turns it off.
 * @return                OVRTX_API_ERROR for a malformed filter, or before initialisation; nothing
 *     changes then.
 */
ovrtx_result_t ovrtx_set_log_callback(ovrtx_log_severity_t severity,
                                      const ovx_string_t *channel_filter,
                                      ovrtx_log_callback_t callback, void *user_data);

/** Wait until the callback has received all messages written so far. */
ovrtx_result_t ovrtx_flush_log(ovrtx_timeout_t timeout);

#ifdef __cplusplus
}
#endif
