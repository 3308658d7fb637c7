// Types and constants of the ovrtx 0.3 interface.
//
// Handles are 64-bit numbers, 0 is "none"; a handle is never given out twice. Strings handed out by the
// library are NUL terminated as well as counted. Strings handed in are counted only, and borrowed for
// the call. Matrices are row-major for row vectors: translation in elements 12 to 14.
#pragma once

#include "../ovx/dlpack/dlpack.h"
#include "../ovx/path_dictionary/path_dictionary.h"
#include "../ovx/types.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OVRTX_VERSION_MAJOR 0
#define OVRTX_VERSION_MINOR 3
#define OVRTX_VERSION_PATCH 0
#define OVRTX_INVALID_HANDLE 0
#define OVRTX_ATTR_NAME_SELECTION_OUTLINE_GROUP "omni:selectionOutlineGroup"
#define OVRTX_ATTR_NAME_PICKABLE "omni:pickable"
#define OVRTX_RENDER_VAR_PICK_HIT "ovrtx_pick_hit"
#define OVRTX_PICK_FLAG_GIZMO 1u
#define OVRTX_PICK_FLAG_INCLUDE_TRACKED_INFO 2u
#define OVRTX_PICK_HIT_MAGIC 0x56505448u
#define OVRTX_PICK_HIT_VERSION 1u

/** One renderer: its stage, its operation stream, its path dictionary. */
typedef struct ovrtx_renderer_t ovrtx_renderer_t;

/** One added USD reference, for ovrtx_remove_usd. */
typedef uint64_t ovrtx_usd_handle_t;
/** Reserved; no function gives or takes one. */
typedef uint64_t ovrtx_event_handle_t;
/** A persistent attribute binding. */
typedef uint64_t ovrtx_attribute_binding_handle_t;
/** One live attribute mapping. */
typedef uint64_t ovrtx_map_handle_t;
/** The results of one ovrtx_step. */
typedef uint64_t ovrtx_step_result_handle_t;
/** One render var inside a fetched step result. */
typedef uint64_t ovrtx_render_var_output_handle_t;
/** One live mapping of a render var. */
typedef uint64_t ovrtx_render_var_output_map_handle_t;
/** An operation of a renderer's stream; ids increase with every enqueue. */
typedef uint64_t ovrtx_op_id_t;
/** One prim query. */
typedef uint64_t ovrtx_query_handle_t;
/** One attribute read, for ovrtx_fetch_read_result. */
typedef uint64_t ovrtx_read_handle_t;
/** A fetched read result, for ovrtx_release_read_result. Here equal to its read handle. */
typedef uint64_t ovrtx_read_map_handle_t;

/** How a call ended. */
typedef enum ovrtx_api_status_t {
    OVRTX_API_SUCCESS = 0,
    OVRTX_API_ERROR   = 1,
    OVRTX_API_TIMEOUT = 2, /**< Only from functions that take a timeout. */
} ovrtx_api_status_t;

/** Outcome of an immediate function. */
typedef struct ovrtx_result_t {
    ovrtx_api_status_t status;
} ovrtx_result_t;

/** Outcome of an enqueue function. */
typedef struct ovrtx_enqueue_result_t {
    ovrtx_api_status_t status;
    ovrtx_op_id_t op_index; /**< 0 when refused. */
} ovrtx_enqueue_result_t;

/** What ovrtx_wait_op found. Valid until the calling thread waits again. */
typedef struct ovrtx_op_wait_result_t {
    /** Operations that failed since the last wait; texts from ovrtx_get_last_op_error. */
    ovrtx_op_id_t *error_op_ids;
    size_t num_error_ops;
    ovrtx_op_id_t lowest_pending_op_id; /**< 0 when nothing is in flight. */
} ovrtx_op_wait_result_t;

/** Nanoseconds; 0 polls, all ones wait for ever. */
typedef struct ovrtx_timeout_t {
    uint64_t time_out_ns;
} ovrtx_timeout_t;

/** Wait for ever. */
static const ovrtx_timeout_t ovrtx_timeout_infinite = { SIZE_MAX };

/**
 * When CUDA work has passed: a stream (0 none, 1 the default stream, else a CUstream) and an event
 * (0 none). All zero for host memory.
 */
typedef struct ovrtx_cuda_sync_t {
    uintptr_t stream;
    uintptr_t wait_event;
} ovrtx_cuda_sync_t;

/** A device: a DLPack device type and its index. */
typedef struct ovrtx_device_t {
    int32_t device_type;
    int32_t device_id;
} ovrtx_device_t;

/** Reserved. */
typedef struct ovrtx_event_description_t {
    ovrtx_device_t device;
} ovrtx_event_description_t;

/** Absolute prim paths as texts. */
typedef struct ovrtx_prim_list_t {
    const ovx_string_t *prim_paths;
    size_t num_paths;
} ovrtx_prim_list_t;

/** Where ovrtx_map_attribute shall put the data: a DLPack device type and its index. */
typedef struct ovrtx_mapping_desc_t {
    int32_t device_type;
    int32_t device_id;
} ovrtx_mapping_desc_t;

/** A 4x4 matrix, row-major, for row vectors. */
typedef struct ovrtx_xform_matrix44d_t {
    double v[16];
} ovrtx_xform_matrix44d_t;

/** Scale, then rotate, then move. */
typedef struct ovrtx_xform_pos3d_rot4f_scale3f_t {
    double position[3];
    float rot_quat_xyzw[4]; /**< Unit quaternion, real part last. */
    float scale[3];
    uint32_t padding;
} ovrtx_xform_pos3d_rot4f_scale3f_t;

/** A row-major 3x3 matrix (rotation and scale), then move. */
typedef struct ovrtx_xform_pos3d_rot3x3f_t {
    double position[3];
    float rot_matrix[9];
    uint32_t padding;
} ovrtx_xform_pos3d_rot3x3f_t;

/** What the elements of an attribute mean, in a binding or as reported by queries. */
typedef enum ovrtx_attribute_semantic_t {
    OVRTX_SEMANTIC_NONE                      = 0, /**< Raw values of the attribute's own type. */
    OVRTX_SEMANTIC_XFORM_MAT4x4              = 1, /**< 16 doubles (ovrtx_xform_matrix44d_t). */
    OVRTX_SEMANTIC_XFORM_POS3d_ROT4f_SCALE3f = 2, /**< ovrtx_xform_pos3d_rot4f_scale3f_t. */
    OVRTX_SEMANTIC_XFORM_POS3d_ROT3x3f       = 3, /**< ovrtx_xform_pos3d_rot3x3f_t. */
    /** ovx_string_t holding prim paths; OVRTX_DATA_ACCESS_SYNC only. */
    OVRTX_SEMANTIC_PATH_STRING               = 4,
    /** ovx_string_t holding tokens; OVRTX_DATA_ACCESS_SYNC only. */
    OVRTX_SEMANTIC_TOKEN_STRING              = 5,
    OVRTX_SEMANTIC_TOKEN_ID                  = 6, /**< ovx_token_t. */
    OVRTX_SEMANTIC_PATH_ID                   = 7, /**< ovx_primpath_t. */
    OVRTX_SEMANTIC_TAG                       = 8, /**< A name without data. */
} ovrtx_attribute_semantic_t;

/** Type of one element of an attribute. A vector of n is {code, bits, n lanes}. */
typedef struct ovrtx_attribute_type_t {
    DLDataType dtype;
    bool is_array; /**< Each prim has its own number of elements. */
    ovrtx_attribute_semantic_t semantic;
} ovrtx_attribute_type_t;

/** What a write or read does about prims and attributes that do not exist. */
typedef enum ovrtx_binding_prim_mode_t {
    OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY = 0, /**< Skip them. */
    OVRTX_BINDING_PRIM_MODE_MUST_EXIST    = 1, /**< Fail the operation and change nothing. */
    OVRTX_BINDING_PRIM_MODE_CREATE_NEW    = 2, /**< Writes create them; reads refuse this mode. */
} ovrtx_binding_prim_mode_t;

/** Hints. */
typedef enum ovrtx_binding_flag_t {
    OVRTX_BINDING_FLAG_NONE     = 0,
    OVRTX_BINDING_FLAG_OPTIMIZE = 1, /**< The binding will be used often. */
} ovrtx_binding_flag_t;

/** One attribute of several prims. */
typedef struct ovrtx_binding_desc_t {
    ovrtx_prim_list_t prim_list;
    ovx_primpath_list_t prims_list_handle; /**< Used instead of prim_list when not 0. */
    ovx_string_or_token_t attribute_name;
    /** Type of the data given; all zero in a read means "as stored". */
    ovrtx_attribute_type_t attribute_type;
    ovrtx_binding_prim_mode_t prim_mode;
    ovrtx_binding_flag_t flags;
} ovrtx_binding_desc_t;

/** A binding: the persistent one when binding_handle is not 0, else the description. */
typedef struct ovrtx_binding_desc_or_handle_t {
    ovrtx_binding_desc_t binding_desc;
    ovrtx_attribute_binding_handle_t binding_handle;
} ovrtx_binding_desc_or_handle_t;

/** Data for ovrtx_write_attribute. */
typedef struct ovrtx_input_buffer_t {
    /**
     * One tensor for all prims, first dimension the prims; for array attributes one tensor per
     * prim.
     */
    DLTensor *tensors;
    uint64_t tensor_count;
    uint8_t *dirty_bits; /**< NULL, or one bit per prim, lowest bit first: set = write this prim. */
    size_t dirty_bits_size; /**< Bytes: (prims + 7) / 8. */
    ovrtx_cuda_sync_t access_cuda_sync; /**< What must have passed before the data is read. */
    ovrtx_cuda_sync_t done_cuda_sync; /**< What shall be ordered after the data was read. */
} ovrtx_input_buffer_t;

/** Where ovrtx_read_attribute shall put a scalar attribute. */
typedef struct ovrtx_read_dest_t {
    /** NULL = the library allocates. Else shape [prims], valid until the read was fetched. */
    DLTensor *tensor;
    ovrtx_cuda_sync_t access_cuda_sync;
    ovrtx_cuda_sync_t done_cuda_sync;
} ovrtx_read_dest_t;

/** Read data. Read-only, valid until released. */
typedef struct ovrtx_output_buffer_t {
    DLTensor dl;
    ovrtx_cuda_sync_t cuda_sync;
} ovrtx_output_buffer_t;

/** A named small value that comes with a render var; always host memory. */
typedef struct ovrtx_render_var_param_t {
    DLTensor dl;
    ovx_string_t name;
    ovx_string_t doc;
} ovrtx_render_var_param_t;

/** A writable view of an attribute: dl has shape [prims], elements in lanes. */
typedef struct ovrtx_attribute_mapping_t {
    ovrtx_map_handle_t map_handle;
    DLTensor dl;
} ovrtx_attribute_mapping_t;

/** What a filter looks at. */
typedef enum ovrtx_filter_kind_t {
    OVRTX_FILTER_PRIM_TYPE     = 0, /**< The prim's USD type name, exactly. */
    OVRTX_FILTER_HAS_ATTRIBUTE = 1, /**< An attribute that the prim has at run time. */
} ovrtx_filter_kind_t;

/** One condition on a prim. */
typedef struct ovrtx_filter_t {
    ovrtx_filter_kind_t kind;
    ovx_string_or_token_t name;
} ovrtx_filter_t;

/** Which attributes a query reports. */
typedef enum ovrtx_attribute_filter_mode_t {
    OVRTX_ATTRIBUTE_FILTER_NONE     = 0,
    OVRTX_ATTRIBUTE_FILTER_ALL      = 1,
    OVRTX_ATTRIBUTE_FILTER_SPECIFIC = 2,
} ovrtx_attribute_filter_mode_t;

/** Which attributes a query reports. Names count only with OVRTX_ATTRIBUTE_FILTER_SPECIFIC. */
typedef struct ovrtx_attribute_filter_t {
    ovrtx_attribute_filter_mode_t mode;
    const ovx_string_or_token_t *attribute_names;
    size_t attribute_name_count;
} ovrtx_attribute_filter_t;

/**
 * Prims that fulfil all of require_all, at least one of require_any (when there are any), and none
 * of exclude. Without filters: every prim.
 */
typedef struct ovrtx_query_desc_t {
    const ovrtx_filter_t *require_all;
    size_t require_all_count;
    const ovrtx_filter_t *require_any;
    size_t require_any_count;
    const ovrtx_filter_t *exclude;
    size_t exclude_count;
    ovrtx_attribute_filter_t attribute_filter;
} ovrtx_query_desc_t;

/** Name and type of an attribute. */
typedef struct ovrtx_attribute_desc_t {
    ovx_token_t name;
    ovrtx_attribute_type_t type;
} ovrtx_attribute_desc_t;

/** Prims with the same set of attributes. */
typedef struct ovrtx_query_prim_group_t {
    size_t prim_count;
    /** Belongs to the result; usable in bindings and in the path dictionary until then. */
    ovx_primpath_list_t prim_list_handle;
    const ovrtx_attribute_desc_t *attributes;
    size_t attribute_count;
} ovrtx_query_prim_group_t;

/** Result of a query. Valid until ovrtx_release_query_results. */
typedef struct ovrtx_query_result_t {
    const ovrtx_query_prim_group_t *groups;
    size_t group_count;
    size_t total_prim_count;
} ovrtx_query_result_t;

/** Result of a read. Valid until ovrtx_release_read_result. */
typedef struct ovrtx_read_output_t {
    ovrtx_read_map_handle_t map_handle;
    /** One for a scalar attribute, one per prim for an array; NULL with a destination tensor. */
    ovrtx_output_buffer_t *buffers;
    size_t buffer_count;
    size_t prim_count; /**< Prims read; 0 when none matched. */
    bool is_array;
} ovrtx_read_output_t;

/** Paths of the RenderProduct prims to render. */
typedef struct ovrtx_render_product_set_t {
    const ovx_string_t *render_products;
    size_t num_render_products;
} ovrtx_render_product_set_t;

/** One render var: its source name and the handle to map. */
typedef struct ovrtx_render_product_render_var_output_t {
    ovx_string_t render_var_name;
    ovrtx_render_var_output_handle_t output_handle;
} ovrtx_render_product_render_var_output_t;

/** One frame of a product. Times are seconds on the renderer's time line. */
typedef struct ovrtx_render_product_frame_output_t {
    double frame_start_time;
    double frame_end_time;
    ovrtx_render_product_render_var_output_t *output_render_vars;
    size_t render_var_count;
} ovrtx_render_product_frame_output_t;

/** What one product produced. */
typedef struct ovrtx_render_product_output_t {
    ovx_string_t render_product_path;
    float output_frames_produced;
    ovrtx_render_product_frame_output_t *output_frames;
    size_t output_frame_count;
} ovrtx_render_product_output_t;

/** State of something that may take time. */
typedef enum ovrtx_event_status_t {
    OVRTX_EVENT_PENDING   = 0,
    OVRTX_EVENT_COMPLETED = 1,
    OVRTX_EVENT_FAILURE   = 2,
} ovrtx_event_status_t;

/** Results of a step, products in the order of the set. Valid until ovrtx_destroy_results. */
typedef struct ovrtx_render_product_set_outputs_t {
    ovrtx_event_status_t status;
    ovx_string_t error_message;
    double simulation_start_time; /**< The step's interval, seconds. */
    double simulation_end_time;
    ovrtx_render_product_output_t *outputs;
    size_t output_count;
    double start_time;
    double end_time;
} ovrtx_render_product_set_outputs_t;

/**
 * A rectangle of a product in which to find prims. Pixels from the top left; left and top belong
 * to it, right and bottom do not.
 */
typedef struct ovrtx_pick_query_desc_t {
    ovx_string_t render_product_path;
    int32_t left;
    int32_t top;
    int32_t right;
    int32_t bottom;
    uint32_t flags; /**< OVRTX_PICK_FLAG_ bits; 0 gives positions and normals. */
} ovrtx_pick_query_desc_t;

/** How a selection group is drawn. RGBA, 0 to 1. */
typedef struct ovrtx_selection_group_style_t {
    float outline_color[4];
    float fill_color[4];
} ovrtx_selection_group_style_t;

/** Where a render var shall be mapped. */
typedef enum ovrtx_map_device_type_t {
    /** CUDA array for images, host memory for the pick result. */
    OVRTX_MAP_DEVICE_TYPE_DEFAULT    = 0,
    OVRTX_MAP_DEVICE_TYPE_CPU        = 1,
    OVRTX_MAP_DEVICE_TYPE_CUDA       = 2, /**< Linear device memory. */
    OVRTX_MAP_DEVICE_TYPE_CUDA_ARRAY = 3,
} ovrtx_map_device_type_t;

/** How to map a render var. */
typedef struct ovrtx_map_output_description_t {
    ovrtx_map_device_type_t device_type;
    /**
     * 0: wait on the mapping's event; 1: the default stream waits; else a CUstream that waits.
     */
    uintptr_t sync_stream;
} ovrtx_map_output_description_t;

/** One tensor of a render var. No pointer is NULL. */
typedef struct ovrtx_render_var_tensor_t {
    const DLTensor *dl;
    const ovx_string_t *name;
    const ovx_string_t *doc;
} ovrtx_render_var_tensor_t;

/**
 * A mapped render var. Valid until unmapped. Images have one tensor of shape {height, width,
 * channels}, rows tight.
 */
typedef struct ovrtx_render_var_output_t {
    ovrtx_event_status_t status;
    ovx_string_t error_message;
    ovrtx_render_var_output_map_handle_t map_handle;
    ovrtx_cuda_sync_t cuda_sync;
    ovx_string_t name;
    ovx_string_t type; /**< What the data is, e.g. "HdrColor". */
    ovx_string_t doc;
    int version; /**< Of the layout of this type. */
    size_t num_tensors;
    const ovrtx_render_var_tensor_t *tensors;
    size_t num_params;
    const ovrtx_render_var_param_t *params;
} ovrtx_render_var_output_t;

/** A count inside a running operation; total 0 = unknown. */
typedef struct ovrtx_op_counter_t {
    ovx_string_t name;
    uint64_t current;
    uint64_t total;
} ovrtx_op_counter_t;

/** How far an operation is. Give it back with ovrtx_release_op_status. */
typedef struct ovrtx_op_status_t {
    ovrtx_op_id_t op_id;
    ovrtx_event_status_t state;
    double progress; /**< 0 to 1, negative when unknown; 1 = done. */
    ovrtx_op_counter_t *counters;
    size_t counter_count;
} ovrtx_op_status_t;

/** Which key and value member of an entry is set. */
typedef enum ovrtx_config_key_type_t {
    OVRTX_CONFIG_KEY_TYPE_BOOL   = 0,
    OVRTX_CONFIG_KEY_TYPE_INT64  = 1,
    OVRTX_CONFIG_KEY_TYPE_UINT64 = 2,
    OVRTX_CONFIG_KEY_TYPE_DOUBLE = 3,
    OVRTX_CONFIG_KEY_TYPE_STRING = 4,
    OVRTX_CONFIG_KEY_TYPE_BLOB   = 5,
    OVRTX_CONFIG_KEY_TYPE_COUNT  = 6,
} ovrtx_config_key_type_t;

/** Switches. */
typedef enum ovrtx_config_bool_t {
    /** Every enqueue waits for its operation. Default false. */
    OVRTX_CONFIG_SYNC_MODE                     = 0,
    OVRTX_CONFIG_ENABLE_PROFILING              = 1,
    OVRTX_CONFIG_READ_GPU_TRANSFORMS           = 2,
    /** Keep shared GPU state after the last renderer. */
    OVRTX_CONFIG_KEEP_SYSTEM_ALIVE             = 3,
    /** Accepted; this library always uses Vulkan. */
    OVRTX_CONFIG_USE_VULKAN                    = 4,
    OVRTX_CONFIG_SELECTION_OUTLINE_ENABLED     = 5, /**< Outlines can be drawn. Default false. */
    OVRTX_CONFIG_ENABLE_GEOMETRY_STREAMING     = 6,
    OVRTX_CONFIG_ENABLE_GEOMETRY_STREAMING_LOD = 7,
    OVRTX_CONFIG_ENABLE_SPG                    = 8,
    OVRTX_CONFIG_ENABLE_MOTION_BVH             = 9,
    OVRTX_CONFIG_BOOL_COUNT                    = 10,
} ovrtx_config_bool_t;

/** Whole numbers. */
typedef enum ovrtx_config_int64_t {
    OVRTX_CONFIG_SELECTION_OUTLINE_WIDTH = 0, /**< Pixels, 0 to 15. Default 2. */
    OVRTX_CONFIG_SELECTION_FILL_MODE     = 1, /**< ovrtx_selection_fill_mode_t. Default GLOBAL. */
    OVRTX_CONFIG_INT64_COUNT             = 2,
} ovrtx_config_int64_t;

/** No keys yet. */
typedef enum ovrtx_config_uint64_t {
    OVRTX_CONFIG_UINT64_COUNT = 0,
} ovrtx_config_uint64_t;

/** No keys yet. */
typedef enum ovrtx_config_double_t {
    OVRTX_CONFIG_DOUBLE_COUNT = 0,
} ovrtx_config_double_t;

/** Texts. */
typedef enum ovrtx_config_string_t {
    OVRTX_CONFIG_BINARY_PACKAGE_ROOT_PATH = 0,
    OVRTX_CONFIG_LOG_FILE_PATH            = 1, /**< The log is also written here. */
    OVRTX_CONFIG_LOG_LEVEL                = 2, /**< verbose, info, warn or error. */
    OVRTX_CONFIG_ACTIVE_CUDA_GPUS         = 3, /**< Comma-separated GPU indices. */
    OVRTX_CONFIG_STRING_COUNT             = 4,
} ovrtx_config_string_t;

/** No keys yet. */
typedef enum ovrtx_config_blob_t {
    OVRTX_CONFIG_BLOB_COUNT = 0,
} ovrtx_config_blob_t;

/** One setting. Unknown keys are ignored with a log line. */
typedef struct ovrtx_config_entry_t {
    ovrtx_config_key_type_t key_type;
    union {
        ovrtx_config_bool_t bool_key;
        ovrtx_config_int64_t int64_key;
        ovrtx_config_uint64_t uint64_key;
        ovrtx_config_double_t double_key;
        ovrtx_config_string_t string_key;
        ovrtx_config_blob_t blob_key;
    } key;
    /** Of a bool entry only the first byte is read. */
    union {
        bool bool_value;
        int64_t int_value;
        uint64_t uint_value;
        double double_value;
        ovx_string_t string_value;
        struct {
            const void *data;
            size_t size;
        } blob_value;
    } value;
} ovrtx_config_entry_t;

/** Settings. Texts are borrowed for the call. */
typedef struct ovrtx_config_t {
    const ovrtx_config_entry_t *entries;
    size_t entry_count;
} ovrtx_config_t;

/** Reserved; no structure carries one. */
typedef enum ovrtx_write_bits_t {
    OVRTX_DIRTY_MASK_REPLACE = 0,
    OVRTX_DIRTY_MASK_OR      = 1,
    OVRTX_DIRTY_MASK_AND     = 2,
} ovrtx_write_bits_t;

/** When the data of a write is read. */
typedef enum ovrtx_data_access_t {
    OVRTX_DATA_ACCESS_ASYNC = 0, /**< While the operation runs; keep it until then. */
    OVRTX_DATA_ACCESS_SYNC  = 1, /**< Before the call returns. */
} ovrtx_data_access_t;

/** The same states as ovrtx_event_status_t. */
typedef enum ovrtx_renderer_event_status_t {
    OVRTX_RENDERER_EVENT_PENDING   = 0,
    OVRTX_RENDERER_EVENT_COMPLETED = 1,
    OVRTX_RENDERER_EVENT_FAILED    = 2,
} ovrtx_renderer_event_status_t;

/** What fills the inside of an outline. */
typedef enum ovrtx_selection_fill_mode_t {
    OVRTX_SELECTION_FILL_MODE_EDGE_ONLY           = 0,
    OVRTX_SELECTION_FILL_MODE_GLOBAL              = 1, /**< One colour for all groups. */
    OVRTX_SELECTION_FILL_MODE_GROUP_OUTLINE_COLOR = 2,
    OVRTX_SELECTION_FILL_MODE_GROUP_FILL_COLOR    = 3,
} ovrtx_selection_fill_mode_t;

/** Severity of a message, and the least severity of interest. */
typedef enum ovrtx_log_severity_t {
    OVRTX_LOG_INFO    = -1,
    OVRTX_LOG_WARNING = 0,
    OVRTX_LOG_ERROR   = 1,
    OVRTX_LOG_FATAL   = 2,
} ovrtx_log_severity_t;

/**
 * Takes a log message. Any thread, never two at once; message is valid during the call; timestamp
 * is seconds since 1970, UTC.
 */
typedef void (*ovrtx_log_callback_t)(ovrtx_log_severity_t severity, double timestamp,
                                     ovx_string_t message, void *user_data);

#ifdef __cplusplus
}
#endif
