#include "rx.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "ovrtx/ovrtx_attributes.h"
#include "ovrtx/ovrtx_config.h"
#include "ovx/path_dictionary/path_dictionary_utils.h"
#include "root_layer.h"

#define OUTLINE_WIDTH 4
#define POLL_NS 20000000 // while waiting, look at the clock this often

struct rx {
    ovrtx_renderer_t *renderer;
    path_dictionary_instance_t paths;
    bool warned_camera, warned_groups, warned_pickable, warned_lens;
    double budget; // last one set, -1 = none
    ovrtx_result_t (*get_stats)(ovrtx_renderer_t *, ovx_string_t, ovrtx_ext_product_stats_t *);
    ovrtx_result_t (*set_budget)(ovrtx_renderer_t *, ovx_string_t, double);
    ovrtx_result_t (*select_outputs)(ovrtx_renderer_t *, ovx_string_t, const ovx_string_t *, size_t);
};

static ovx_string_t text_of(const char *s) { return (ovx_string_t) { s, strlen(s) }; }
static ovx_string_t product(void) { return text_of(VIEWER_PRODUCT); }
static bool ok(ovrtx_result_t r) { return r.status == OVRTX_API_SUCCESS; }

static void copy_text(char *out, size_t size, ovx_string_t s, const char *otherwise)
{
    size_t n = s.ptr ? s.length : 0;
    if (!n)
        snprintf(out, size, "%s", otherwise);
    else
        snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), s.ptr);
}

static void on_log(ovrtx_log_severity_t severity, double timestamp, ovx_string_t message, void *user)
{
    (void)timestamp, (void)user;
    enum log_level level = severity >= OVRTX_LOG_ERROR ? LOG_ERROR : severity == OVRTX_LOG_WARNING ? LOG_WARN : LOG_INFO;
    int n = (int)(message.length > 2000 ? 2000 : message.length);
    LOG_AT(level, "ovrtx", "%.*s", n, message.ptr ? message.ptr : "");
}

// A function of the ovrtx library beyond its 0.3 interface.
static void *extension(const char *name) { return dlsym(RTLD_DEFAULT, name); }

bool rx_create(struct rx **out, const char *gpu, char *error, size_t error_size)
{
    struct rx *rx = calloc(1, sizeof(*rx));
    *out          = NULL;
    if (!rx)
        return false;
    ovrtx_config_entry_t entries[6] = {
        ovrtx_config_entry_sync_mode(true),
        ovrtx_config_entry_selection_outline_enabled(true),
        ovrtx_config_entry_selection_outline_width(OUTLINE_WIDTH),
        ovrtx_config_entry_selection_fill_mode(OVRTX_SELECTION_FILL_MODE_GROUP_FILL_COLOR),
        ovrtx_config_entry_log_level(text_of("warn")),
    };
    size_t count = 5;
    if (gpu)
        entries[count++] = ovrtx_config_entry_active_cuda_gpus(text_of(gpu));
    ovrtx_config_t config = { .entries = entries, .entry_count = count };
    if (!ok(ovrtx_create_renderer(&config, &rx->renderer)) || !rx->renderer) {
        copy_text(error, error_size, ovrtx_get_last_error(), "the renderer could not be created");
        free(rx);
        return false;
    }
    ovrtx_set_log_callback(OVRTX_LOG_WARNING, NULL, on_log, NULL);
    if (!ok(ovrtx_get_path_dictionary(rx->renderer, &rx->paths)))
        log_warn("server", "the renderer has no path dictionary: clicks select nothing");
    rx->budget = -1;
    *(void **)&rx->get_stats      = extension("ovrtx_ext_get_product_stats");
    *(void **)&rx->set_budget     = extension("ovrtx_ext_set_frame_budget");
    *(void **)&rx->select_outputs = extension("ovrtx_ext_select_outputs");
    *out = rx;
    return true;
}

void rx_destroy(struct rx **rx)
{
    if (!*rx)
        return;
    ovrtx_set_log_callback(OVRTX_LOG_WARNING, NULL, NULL, NULL);
    ovrtx_destroy_renderer((*rx)->renderer);
    free(*rx);
    *rx = NULL;
}

// ---------------------------------------------------------------------------------------------------
// Operations

static bool lost(const char *error)
{
    return strstr(error, "device lost") || strstr(error, "DEVICE_LOST") || strstr(error, "lost device");
}

// Wait until an operation is done; an accepted enqueue proves nothing.
static enum rx_result wait_op(struct rx *rx, ovrtx_op_id_t op, const struct rx_wait *wait, char *error, size_t error_size)
{
    int64_t deadline = clock_mono_ns() + (int64_t)wait->timeout_s * 1000000000;
    for (;;) {
        ovrtx_op_wait_result_t result = { 0 };
        ovrtx_result_t r = ovrtx_wait_op(rx->renderer, op, (ovrtx_timeout_t) { POLL_NS }, &result);
        for (size_t i = 0; i < result.num_error_ops; i++)
            if (result.error_op_ids[i] == op) {
                copy_text(error, error_size, ovrtx_get_last_op_error(op), "the renderer reported an error");
                return lost(error) ? RX_LOST : RX_FAILED;
            }
        if (r.status == OVRTX_API_SUCCESS)
            return RX_OK;
        if (r.status == OVRTX_API_ERROR) {
            copy_text(error, error_size, ovrtx_get_last_error(), "waiting for the renderer failed");
            return RX_FAILED;
        }
        ovrtx_op_status_t status = { 0 };
        if (wait->progress && ok(ovrtx_query_op_status(rx->renderer, op, &status))) {
            if (status.progress >= 0 && status.progress <= 1)
                wait->progress(wait->user, status.progress);
            ovrtx_release_op_status(rx->renderer, &status);
        }
        if (wait->cancelled && wait->cancelled(wait->user))
            return RX_CANCELLED;
        if (clock_mono_ns() > deadline) {
            snprintf(error, error_size, "the renderer took too long");
            return RX_TIMEOUT;
        }
    }
}

enum rx_result rx_open(struct rx *rx, const char *layer, const struct rx_wait *wait, char *error, size_t error_size)
{
    error[0]                 = '\0';
    ovrtx_enqueue_result_t r = ovrtx_open_usd_from_string(rx->renderer, text_of(layer));
    char first[512];
    bool refused = r.status != OVRTX_API_SUCCESS;
    if (refused) // synchronous mode: the operation has run and failed; its text is the better one
        copy_text(first, sizeof(first), ovrtx_get_last_error(), "the renderer refused the scene");
    enum rx_result result = r.op_index ? wait_op(rx, r.op_index, wait, error, error_size) : RX_FAILED;
    if (!refused)
        return result;
    if (!error[0])
        snprintf(error, error_size, "%s", first);
    return result == RX_OK ? RX_FAILED : result;
}

void rx_reset_stage(struct rx *rx) { ovrtx_reset_stage(rx->renderer); }

static void warn_once(bool *warned, const char *what)
{
    ovx_string_t e = ovrtx_get_last_error();
    if (!*warned)
        log_warn("server", "writing %s failed: %.*s", what, (int)e.length, e.ptr ? e.ptr : "");
    *warned = true;
}

static bool write_camera_attribute(struct rx *rx, const char *name, DLDataType type, ovrtx_attribute_semantic_t semantic,
                                   const void *value)
{
    ovx_string_t prim                      = text_of(VIEWER_CAMERA);
    ovrtx_binding_desc_or_handle_t binding = ovrtx_make_binding_desc(&prim, 1, text_of(name), semantic, type);
    // The default, "existing only", does nothing on a camera that was never moved.
    binding.binding_desc.prim_mode = OVRTX_BINDING_PRIM_MODE_CREATE_NEW;
    size_t one                     = 1;
    DLTensor tensor                = ovrtx_make_write_cpu_tensor(value, &one, type);
    ovrtx_input_buffer_t buffer    = { .tensors = &tensor, .tensor_count = 1 };
    return ovrtx_write_attribute(rx->renderer, &binding, &buffer, OVRTX_DATA_ACCESS_SYNC).status == OVRTX_API_SUCCESS;
}

void rx_write_camera(struct rx *rx, const double matrix[16])
{
    DLDataType type = { .code = kDLFloat, .bits = 64, .lanes = 16 };
    if (!write_camera_attribute(rx, "omni:xform", type, OVRTX_SEMANTIC_XFORM_MAT4x4, matrix))
        warn_once(&rx->warned_camera, "the camera");
}

void rx_write_lens(struct rx *rx, float focal_length, float horizontal_aperture, float vertical_aperture, float near, float far)
{
    DLDataType one = { .code = kDLFloat, .bits = 32, .lanes = 1 }, two = { .code = kDLFloat, .bits = 32, .lanes = 2 };
    float clip[2]  = { near, far };
    if (!write_camera_attribute(rx, "focalLength", one, OVRTX_SEMANTIC_NONE, &focal_length) ||
        !write_camera_attribute(rx, "horizontalAperture", one, OVRTX_SEMANTIC_NONE, &horizontal_aperture) ||
        !write_camera_attribute(rx, "verticalAperture", one, OVRTX_SEMANTIC_NONE, &vertical_aperture) ||
        !write_camera_attribute(rx, "clippingRange", two, OVRTX_SEMANTIC_NONE, clip))
        warn_once(&rx->warned_lens, "the lens");
}

static ovx_string_t *strings_of(const char *const *paths, size_t count)
{
    ovx_string_t *s = calloc(count, sizeof(*s));
    for (size_t i = 0; s && i < count; i++)
        s[i] = text_of(paths[i]);
    return s;
}

void rx_set_groups(struct rx *rx, const char *const *paths, const uint8_t *groups, size_t count)
{
    ovx_string_t *s = count ? strings_of(paths, count) : NULL;
    if (s && ovrtx_set_selection_outline_group(rx->renderer, s, count, groups).status != OVRTX_API_SUCCESS)
        warn_once(&rx->warned_groups, "outline groups");
    free(s);
}

void rx_set_pickable(struct rx *rx, const char *const *paths, size_t count, bool pickable)
{
    ovx_string_t *s = count ? strings_of(paths, count) : NULL;
    bool *flags     = count ? malloc(count) : NULL;
    if (s && flags) {
        memset(flags, pickable, count);
        if (ovrtx_set_pickable(rx->renderer, s, count, flags).status != OVRTX_API_SUCCESS)
            warn_once(&rx->warned_pickable, "pickability");
    }
    free(flags);
    free(s);
}

void rx_set_styles(struct rx *rx, const double primary[4])
{
    const uint8_t ids[3]                          = { 1, 2, 3 };
    const ovrtx_selection_group_style_t styles[3] = {
        { { (float)primary[0], (float)primary[1], (float)primary[2], (float)primary[3] }, { 0, 0, 0, 0 } },
        { { 0.1f, 0.55f, 1.0f, 1.0f }, { 0.1f, 0.55f, 1.0f, 0.18f } },
        { { 1.0f, 1.0f, 1.0f, 0.6f }, { 0, 0, 0, 0 } },
    };
    ovrtx_set_selection_group_styles(rx->renderer, ids, styles, 3);
}

bool rx_enqueue_pick(struct rx *rx, int left, int top, int right, int bottom)
{
    ovrtx_pick_query_desc_t d = { .render_product_path = product(), .left = left, .top = top, .right = right, .bottom = bottom };
    return ovrtx_enqueue_pick_query(rx->renderer, &d).status == OVRTX_API_SUCCESS;
}

// ---------------------------------------------------------------------------------------------------
// Steps and their outputs

static enum rx_result fetch(struct rx *rx, ovrtx_step_result_handle_t step, const struct rx_wait *wait,
                            ovrtx_render_product_set_outputs_t *out, char *error, size_t error_size)
{
    int64_t deadline = clock_mono_ns() + (int64_t)wait->timeout_s * 1000000000;
    for (;;) {
        ovrtx_result_t r = ovrtx_fetch_results(rx->renderer, step, (ovrtx_timeout_t) { POLL_NS }, out);
        if (r.status == OVRTX_API_SUCCESS)
            break;
        if (r.status == OVRTX_API_ERROR) {
            copy_text(error, error_size, ovrtx_get_last_error(), "fetching the frame failed");
            return lost(error) ? RX_LOST : RX_FAILED;
        }
        if (wait->cancelled && wait->cancelled(wait->user))
            return RX_CANCELLED;
        if (clock_mono_ns() > deadline) {
            snprintf(error, error_size, "the frame took too long");
            return RX_TIMEOUT;
        }
    }
    if (out->status == OVRTX_EVENT_FAILURE) {
        copy_text(error, error_size, out->error_message, "the frame failed");
        return lost(error) ? RX_LOST : RX_FAILED;
    }
    return RX_OK;
}

enum rx_result rx_step(struct rx *rx, double delta, const struct rx_wait *wait, struct rx_frame *out, char *error, size_t error_size)
{
    *out                            = (struct rx_frame) { 0 };
    error[0]                        = '\0';
    ovx_string_t name               = product();
    ovrtx_render_product_set_t set  = { .render_products = &name, .num_render_products = 1 };
    ovrtx_enqueue_result_t r        = ovrtx_step(rx->renderer, set, delta, &out->step);
    if (r.status != OVRTX_API_SUCCESS) {
        copy_text(error, error_size, ovrtx_get_last_error(), "the step was refused");
        if (r.op_index) { // take its report out of the stream
            ovrtx_op_wait_result_t result = { 0 };
            ovrtx_wait_op(rx->renderer, r.op_index, (ovrtx_timeout_t) { 0 }, &result);
        }
        rx_frame_finish(rx, out);
        return lost(error) ? RX_LOST : RX_FAILED;
    }
    ovrtx_render_product_set_outputs_t outputs = { 0 };
    enum rx_result result                      = fetch(rx, out->step, wait, &outputs, error, error_size);
    if (result != RX_OK) {
        rx_frame_finish(rx, out);
        return result;
    }
    if (outputs.output_count && outputs.outputs[0].output_frame_count)
        out->vars = &outputs.outputs[0].output_frames[outputs.outputs[0].output_frame_count - 1];
    return RX_OK;
}

void rx_frame_finish(struct rx *rx, struct rx_frame *frame)
{
    if (frame->step)
        ovrtx_destroy_results(rx->renderer, frame->step);
    *frame = (struct rx_frame) { 0 };
}

ovrtx_render_var_output_handle_t rx_frame_find(const struct rx_frame *frame, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; frame->vars && i < frame->vars->render_var_count; i++) {
        const ovrtx_render_product_render_var_output_t *v = &frame->vars->output_render_vars[i];
        if (v->render_var_name.length == n && !memcmp(v->render_var_name.ptr, name, n))
            return v->output_handle;
    }
    return 0;
}

static bool image_shaped(const DLTensor *t) { return t && t->data && t->shape && (t->ndim == 2 || t->ndim == 3); }

static const DLTensor *image_tensor(const ovrtx_render_var_output_t *o)
{
    static const char *const names[] = { "Color", "color", "data" };
    for (size_t k = 0; k < 3 && o->num_tensors > 1; k++)
        for (size_t i = 0; i < o->num_tensors; i++) {
            const ovx_string_t *n = o->tensors[i].name;
            if (n && n->length == strlen(names[k]) && !memcmp(n->ptr, names[k], n->length) && image_shaped(o->tensors[i].dl))
                return o->tensors[i].dl;
        }
    for (size_t i = 0; i < o->num_tensors; i++)
        if (image_shaped(o->tensors[i].dl))
            return o->tensors[i].dl;
    return NULL;
}

bool rx_map(struct rx *rx, ovrtx_render_var_output_handle_t handle, struct rx_image *out)
{
    *out                             = (struct rx_image) { 0 };
    ovrtx_map_output_description_t d = { .device_type = OVRTX_MAP_DEVICE_TYPE_CPU };
    if (!handle || !ok(ovrtx_map_render_var_output(rx->renderer, handle, &d, (ovrtx_timeout_t) { 5000000000u }, &out->output)))
        return false;
    if (out->output.status == OVRTX_EVENT_COMPLETED) {
        out->tensor = image_tensor(&out->output);
        return true;
    }
    rx_unmap(rx, out);
    return false;
}

void rx_unmap(struct rx *rx, struct rx_image *image)
{
    if (image->output.map_handle)
        ovrtx_unmap_render_var_output(rx->renderer, image->output.map_handle, (ovrtx_cuda_sync_t) { 0 });
    *image = (struct rx_image) { 0 };
}

char *rx_path_text(struct rx *rx, uint64_t path)
{
    ovx_token_t tokens[256], *of_path = NULL;
    ovx_string_t names[256];
    size_t count = 0, processed = 0, length = 1;
    if (!rx->paths.vtable || !path)
        return NULL;
    ovx_api_result_t r = path_dictionary_get_tokens_from_paths(&rx->paths, &path, 1, tokens, 256, &of_path, &count, &processed);
    if (r.status == 0 && processed == 1 && count && count <= 256)
        r = path_dictionary_get_strings_from_tokens(&rx->paths, of_path, count, names);
    else
        count = 0;
    if (r.status != 0) {
        path_dictionary_release_error(&rx->paths, r.error);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        length += names[i].length + 1;
    char *out = count ? malloc(length) : NULL, *p = out;
    for (size_t i = 0; out && i < count; i++) {
        *p++ = '/';
        memcpy(p, names[i].ptr, names[i].length);
        p += names[i].length;
    }
    if (out)
        *p = '\0';
    return out;
}

// ---------------------------------------------------------------------------------------------------
// Extensions

bool rx_has_stats(const struct rx *rx) { return rx->get_stats != NULL; }
bool rx_can_select(const struct rx *rx) { return rx->select_outputs != NULL; }

bool rx_stats(struct rx *rx, ovrtx_ext_product_stats_t *out)
{
    *out = (ovrtx_ext_product_stats_t) { .struct_size = sizeof(*out) };
    return rx->get_stats && ok(rx->get_stats(rx->renderer, product(), out));
}

void rx_set_budget(struct rx *rx, double milliseconds)
{
    if (!rx->set_budget || rx->budget == milliseconds)
        return;
    rx->budget = milliseconds;
    rx->set_budget(rx->renderer, product(), milliseconds);
}

void rx_select_outputs(struct rx *rx, const char *const *names, size_t count)
{
    if (!rx->select_outputs)
        return;
    ovx_string_t *s = count ? strings_of(names, count) : NULL;
    if (s || !count)
        rx->select_outputs(rx->renderer, product(), s, count);
    free(s);
}
