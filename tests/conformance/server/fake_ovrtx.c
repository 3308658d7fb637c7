#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "fakes.h"
#include "ovrtx/ovrtx.h"

struct fake_renderer fake_renderer;

// ---------------------------------------------------------------------------------------------------
// The record, shared by both stand-ins

struct entry {
    char text[160];
    pthread_t thread;
    int64_t time_ns;
};
static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;
static size_t entry_count;

void fake_record(const char *format, ...)
{
    pthread_mutex_lock(&record_lock);
    if (!entries)
        entries = calloc(FAKE_MAX_EVENTS, sizeof(*entries));
    if (entry_count < FAKE_MAX_EVENTS) {
        struct entry *e = &entries[entry_count++];
        va_list args;
        va_start(args, format);
        vsnprintf(e->text, sizeof(e->text), format, args);
        va_end(args);
        e->thread  = pthread_self();
        e->time_ns = clock_mono_ns();
    }
    pthread_mutex_unlock(&record_lock);
}

size_t fake_event_count(void)
{
    pthread_mutex_lock(&record_lock);
    size_t n = entry_count;
    pthread_mutex_unlock(&record_lock);
    return n;
}

void fake_event(size_t i, char *out, size_t size, pthread_t *thread, int64_t *time_ns)
{
    pthread_mutex_lock(&record_lock);
    snprintf(out, size, "%s", i < entry_count ? entries[i].text : "");
    if (thread && i < entry_count)
        *thread = entries[i].thread;
    if (time_ns && i < entry_count)
        *time_ns = entries[i].time_ns;
    pthread_mutex_unlock(&record_lock);
}

long fake_find(const char *prefix, size_t from)
{
    long found = -1;
    pthread_mutex_lock(&record_lock);
    for (size_t i = from; i < entry_count && found < 0; i++)
        if (!strncmp(entries[i].text, prefix, strlen(prefix)))
            found = (long)i;
    pthread_mutex_unlock(&record_lock);
    return found;
}

size_t fake_count(const char *prefix)
{
    size_t n = 0;
    for (long at = fake_find(prefix, 0); at >= 0; at = fake_find(prefix, (size_t)at + 1))
        n++;
    return n;
}

long fake_wait(const char *prefix, size_t from, int timeout_ms)
{
    int64_t until = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        long at = fake_find(prefix, from);
        if (at >= 0 || clock_mono_ns() > until)
            return at;
        clock_sleep_until_ns(clock_mono_ns() + 2000000);
    }
}

static void wait_ms(int ms)
{
    if (ms > 0)
        clock_sleep_until_ns(clock_mono_ns() + (int64_t)ms * 1000000);
}

// ---------------------------------------------------------------------------------------------------
// The renderer

struct ovrtx_renderer_t {
    int unused;
};
static ovrtx_renderer_t the_renderer;
static _Thread_local char last_error[256];
static uint64_t next_id = 1;
static int live_results, live_maps, steps_done, frames_failed;
static bool failed_op_pending;
static ovrtx_op_id_t failed_op;
static bool pick_queued;
static int width = 0, height = 0;
static bool open_done;

static ovx_string_t text_of(const char *s) { return (ovx_string_t) { s, strlen(s) }; }
static ovrtx_result_t result(bool good) { return (ovrtx_result_t) { good ? OVRTX_API_SUCCESS : OVRTX_API_ERROR }; }

static ovrtx_enqueue_result_t enqueued(bool good)
{
    return (ovrtx_enqueue_result_t) { good ? OVRTX_API_SUCCESS : OVRTX_API_ERROR, next_id++ };
}

void ovrtx_get_version(uint32_t *major, uint32_t *minor, uint32_t *patch) { *major = 0, *minor = 3, *patch = 0; }
ovx_string_t ovrtx_get_last_error(void) { return text_of(last_error); }
ovx_string_t ovrtx_get_last_op_error(ovrtx_op_id_t op)
{
    (void)op;
    return text_of("stand-in: the layer cannot be opened");
}

static bool bool_entry(const ovrtx_config_t *c, ovrtx_config_bool_t key)
{
    for (size_t i = 0; i < c->entry_count; i++)
        if (c->entries[i].key_type == OVRTX_CONFIG_KEY_TYPE_BOOL && c->entries[i].key.bool_key == key)
            return c->entries[i].value.bool_value;
    return false;
}

static int int_entry(const ovrtx_config_t *c, ovrtx_config_int64_t key)
{
    for (size_t i = 0; i < c->entry_count; i++)
        if (c->entries[i].key_type == OVRTX_CONFIG_KEY_TYPE_INT64 && c->entries[i].key.int64_key == key)
            return (int)c->entries[i].value.int_value;
    return -1;
}

ovrtx_result_t ovrtx_create_renderer(const ovrtx_config_t *config, ovrtx_renderer_t **out)
{
    const char *skip = getenv("OVRTX_SKIP_USD_CHECK");
    fake_record("create-renderer sync=%d outline=%d width=%d fill=%d skip=%s", bool_entry(config, OVRTX_CONFIG_SYNC_MODE),
                bool_entry(config, OVRTX_CONFIG_SELECTION_OUTLINE_ENABLED), int_entry(config, OVRTX_CONFIG_SELECTION_OUTLINE_WIDTH),
                int_entry(config, OVRTX_CONFIG_SELECTION_FILL_MODE), skip ? skip : "");
    if (fake_renderer.fail_create) {
        snprintf(last_error, sizeof(last_error), "stand-in: no device");
        return result(false);
    }
    *out = &the_renderer;
    return result(true);
}

ovrtx_result_t ovrtx_destroy_renderer(ovrtx_renderer_t *r)
{
    (void)r;
    fake_record("destroy-renderer");
    return result(true);
}

ovrtx_result_t ovrtx_set_log_callback(ovrtx_log_severity_t severity, const ovx_string_t *filter, ovrtx_log_callback_t callback, void *user)
{
    (void)severity, (void)filter, (void)callback, (void)user;
    return result(true);
}

ovrtx_enqueue_result_t ovrtx_open_usd_from_string(ovrtx_renderer_t *r, ovx_string_t layer)
{
    (void)r;
    char *copy = strndup(layer.ptr, layer.length);
    const char *resolution = strstr(copy, "resolution = (");
    if (resolution)
        sscanf(resolution, "resolution = (%d, %d)", &width, &height);
    const char *sub = strchr(strstr(copy, "subLayers"), '@');
    bool fails = fake_renderer.open_fails && (!fake_renderer.open_fails_on || strstr(copy, fake_renderer.open_fails_on));
    const char *slash = sub;
    for (const char *p = sub + 1; *p && *p != '@'; p++)
        slash = *p == '/' ? p : slash;
    fake_record("open-begin %.*s", (int)strcspn(slash + 1, "@"), slash + 1);
    wait_ms(fake_renderer.open_ms);
    fake_record("open %.*s", (int)strcspn(slash + 1, "@"), slash + 1);
    free(copy);
    ovrtx_enqueue_result_t e = enqueued(true);
    steps_done = 0;
    open_done  = !fails;
    if (fails) { // as the real one: accepted, and the wait tells
        failed_op         = e.op_index;
        failed_op_pending = true;
    }
    return e;
}

ovrtx_enqueue_result_t ovrtx_reset_stage(ovrtx_renderer_t *r)
{
    (void)r;
    fake_record("reset-stage");
    return enqueued(true);
}

ovrtx_enqueue_result_t ovrtx_write_attribute(ovrtx_renderer_t *r, const ovrtx_binding_desc_or_handle_t *b,
                                             const ovrtx_input_buffer_t *data, ovrtx_data_access_t access)
{
    (void)r, (void)access;
    const ovrtx_binding_desc_t *d = &b->binding_desc;
    int n                         = (int)d->attribute_name.string.length;
    const char *name              = d->attribute_name.string.ptr;
    if (n == 10 && !memcmp(name, "omni:xform", 10)) {
        const double *m = data->tensors[0].data;
        fake_record("xform mode=%d semantic=%d bits=%d lanes=%d path=%.*s eye=%.6g,%.6g,%.6g", (int)d->prim_mode,
                    (int)d->attribute_type.semantic, d->attribute_type.dtype.bits, d->attribute_type.dtype.lanes,
                    (int)d->prim_list.prim_paths[0].length, d->prim_list.prim_paths[0].ptr, m[12], m[13], m[14]);
    } else if (data->tensors[0].dtype.bits == 8) {
        for (size_t i = 0; i < d->prim_list.num_paths; i++)
            fake_record("write %.*s %.*s = %d", n, name, (int)d->prim_list.prim_paths[i].length, d->prim_list.prim_paths[i].ptr,
                        ((const uint8_t *)data->tensors[0].data)[i]);
    } else {
        fake_record("write %.*s", n, name);
    }
    return enqueued(true);
}

ovrtx_enqueue_result_t ovrtx_set_selection_group_styles(ovrtx_renderer_t *r, const uint8_t *ids, const ovrtx_selection_group_style_t *styles, size_t count)
{
    (void)r, (void)ids, (void)styles;
    fake_record("styles %zu", count);
    return enqueued(true);
}

ovrtx_enqueue_result_t ovrtx_enqueue_pick_query(ovrtx_renderer_t *r, const ovrtx_pick_query_desc_t *d)
{
    (void)r;
    fake_record("pick %d %d %d %d %.*s", d->left, d->top, d->right, d->bottom, (int)d->render_product_path.length, d->render_product_path.ptr);
    pick_queued = true;
    return enqueued(true);
}

struct step {
    bool pick, good;
    ovrtx_render_product_render_var_output_t vars[17];
    size_t var_count;
    ovrtx_render_product_frame_output_t frame;
    ovrtx_render_product_output_t product;
};

ovrtx_enqueue_result_t ovrtx_step(ovrtx_renderer_t *r, ovrtx_render_product_set_t set, double delta, ovrtx_step_result_handle_t *out)
{
    (void)r;
    fake_record("step-begin %.*s dt=%d", (int)set.render_products[0].length, set.render_products[0].ptr, delta >= 0);
    wait_ms(steps_done++ ? fake_renderer.step_ms : fake_renderer.first_step_ms ? fake_renderer.first_step_ms : fake_renderer.step_ms);
    fake_record("step");
    if (fake_renderer.fail_steps || !open_done) {
        snprintf(last_error, sizeof(last_error), "%s", fake_renderer.lose_device ? "stand-in: device lost" : "stand-in: step failed");
        *out = 0;
        return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 };
    }
    struct step *s = calloc(1, sizeof(*s));
    s->pick        = pick_queued;
    pick_queued    = false;
    live_results++;
    *out = (ovrtx_step_result_handle_t)(uintptr_t)s;
    return enqueued(true);
}

ovrtx_result_t ovrtx_fetch_results(ovrtx_renderer_t *r, ovrtx_step_result_handle_t handle, ovrtx_timeout_t timeout, ovrtx_render_product_set_outputs_t *out)
{
    (void)r, (void)timeout;
    struct step *s = (struct step *)(uintptr_t)handle;
    s->var_count   = 0;
    for (size_t i = 0; i < 16 && fake_renderer.vars[i]; i++)
        s->vars[s->var_count++] = (ovrtx_render_product_render_var_output_t) { text_of(fake_renderer.vars[i]), 100 + i };
    if (s->pick && !fake_renderer.pick_missing)
        s->vars[s->var_count++] = (ovrtx_render_product_render_var_output_t) { text_of("ovrtx_pick_hit"), 99 };
    s->frame   = (ovrtx_render_product_frame_output_t) { .output_render_vars = s->vars, .render_var_count = s->var_count };
    s->product = (ovrtx_render_product_output_t) { .output_frames = &s->frame, .output_frame_count = 1, .output_frames_produced = 1 };
    *out       = (ovrtx_render_product_set_outputs_t) { .status = OVRTX_EVENT_COMPLETED, .outputs = &s->product, .output_count = 1 };
    return result(true);
}

ovrtx_result_t ovrtx_destroy_results(ovrtx_renderer_t *r, ovrtx_step_result_handle_t handle)
{
    (void)r;
    free((struct step *)(uintptr_t)handle);
    live_results--;
    return result(true);
}

struct mapping {
    DLTensor tensors[2], params[3];
    ovx_string_t names[2], docs[2];
    ovrtx_render_var_tensor_t vars[2];
    ovrtx_render_var_param_t param[3];
    int64_t shape[3], hit_shape[1], one[1];
    uint32_t values[3];
    uint64_t paths[4];
    uint8_t *pixels;
};

static bool map_pick(struct mapping *m, ovrtx_render_var_output_t *out)
{
    static const char *const names[3] = { "magic", "version", "hitCount" };
    m->values[0] = fake_renderer.pick_magic, m->values[1] = fake_renderer.pick_version;
    m->values[2] = fake_renderer.pick_path ? 2 : 0;
    m->one[0]    = 1;
    for (int i = 0; i < 3; i++) {
        m->param[i].dl   = (DLTensor) { .data = &m->values[i], .ndim = 1, .dtype = { kDLUInt, 32, 1 }, .shape = m->one, .device = { kDLCPU, 0 } };
        m->param[i].name = text_of(names[i]);
    }
    m->paths[0]     = 0; // nothing hit at that pixel
    m->paths[1]     = fake_renderer.pick_path ? 7 : 0;
    m->paths[2]     = 8; // beyond hitCount: must not be read
    m->hit_shape[0] = 3;
    m->names[0]     = text_of("primPath");
    m->tensors[0]   = (DLTensor) { .data = m->paths, .ndim = 1, .dtype = { kDLUInt, 64, 1 }, .shape = m->hit_shape, .device = { kDLCPU, 0 } };
    m->vars[0]      = (ovrtx_render_var_tensor_t) { &m->tensors[0], &m->names[0], &m->docs[0] };
    out->num_tensors = 1;
    out->tensors     = m->vars;
    out->num_params  = 3;
    out->params      = m->param;
    return !fake_renderer.pick_fails;
}

static bool map_image(struct mapping *m, const char *name, ovrtx_render_var_output_t *out)
{
    bool ldr = !strcmp(name, "LdrColor"), ids = strstr(name, "Segmentation") != NULL, depth = !strcmp(name, "DepthSD");
    bool albedo = !strcmp(name, "DiffuseAlbedoSD"), hdr = !strcmp(name, "HdrColor");
    if ((fake_renderer.fail_outputs && !ldr) || (fake_renderer.fail_ldr && ldr))
        return false;
    if (ldr && frames_failed < fake_renderer.fail_frames) {
        frames_failed++;
        return false;
    }
    size_t channels = ids || depth ? 1 : 4, bytes = ldr || albedo ? 1 : hdr ? 2 : 4;
    m->shape[0] = height, m->shape[1] = width, m->shape[2] = (int64_t)channels;
    m->pixels   = calloc((size_t)width * (size_t)height, channels * bytes);
    for (size_t i = 0; ldr && i < (size_t)width * (size_t)height; i++)
        memcpy(m->pixels + 4 * i, fake_renderer.color, 4);
    m->names[0]   = text_of("color");
    m->tensors[0] = (DLTensor) { .data = m->pixels, .ndim = 3, .shape = m->shape, .device = { kDLCPU, 0 },
                                 .dtype = { (uint8_t)(ldr || albedo || ids ? kDLUInt : kDLFloat), (uint8_t)(bytes * 8), 1 } };
    m->vars[0]    = (ovrtx_render_var_tensor_t) { &m->tensors[0], &m->names[0], &m->docs[0] };
    out->num_tensors = 1;
    out->tensors     = m->vars;
    return true;
}

ovrtx_result_t ovrtx_map_render_var_output(ovrtx_renderer_t *r, ovrtx_render_var_output_handle_t handle, const ovrtx_map_output_description_t *d,
                                           ovrtx_timeout_t timeout, ovrtx_render_var_output_t *out)
{
    (void)r, (void)d, (void)timeout;
    struct mapping *m = calloc(1, sizeof(*m));
    *out              = (ovrtx_render_var_output_t) { .status = OVRTX_EVENT_COMPLETED, .map_handle = (uint64_t)(uintptr_t)m };
    m->docs[0]        = text_of("");
    bool good         = handle == 99 ? map_pick(m, out) : map_image(m, fake_renderer.vars[handle - 100], out);
    if (good) {
        live_maps++;
        return result(true);
    }
    free(m->pixels);
    free(m);
    snprintf(last_error, sizeof(last_error), "stand-in: cannot be mapped");
    return result(false);
}

ovrtx_result_t ovrtx_unmap_render_var_output(ovrtx_renderer_t *r, ovrtx_render_var_output_map_handle_t handle, ovrtx_cuda_sync_t sync)
{
    (void)r, (void)sync;
    struct mapping *m = (struct mapping *)(uintptr_t)handle;
    free(m->pixels);
    free(m);
    live_maps--;
    return result(true);
}

ovrtx_result_t ovrtx_wait_op(ovrtx_renderer_t *r, ovrtx_op_id_t op, ovrtx_timeout_t timeout, ovrtx_op_wait_result_t *out)
{
    (void)r, (void)timeout, (void)op;
    static ovrtx_op_id_t ids[1];
    *out = (ovrtx_op_wait_result_t) { 0 };
    if (failed_op_pending) {
        ids[0]            = failed_op;
        out->error_op_ids = ids;
        out->num_error_ops = 1;
        failed_op_pending = false;
    }
    return result(true);
}

ovrtx_result_t ovrtx_query_op_status(ovrtx_renderer_t *r, ovrtx_op_id_t op, ovrtx_op_status_t *out)
{
    (void)r;
    *out = (ovrtx_op_status_t) { .op_id = op, .state = OVRTX_EVENT_COMPLETED, .progress = 1 };
    return result(true);
}

ovrtx_result_t ovrtx_release_op_status(ovrtx_renderer_t *r, ovrtx_op_status_t *status)
{
    (void)r, (void)status;
    return result(true);
}

// ---------------------------------------------------------------------------------------------------
// Path dictionary: id 7 is fake_renderer.pick_path, id 8 is a trap

static char token_text[8][64];

static ovx_api_result_t tokens_from_paths(path_dictionary_context_t *c, const ovx_primpath_t *paths, size_t n, ovx_token_t *buffer, size_t room,
                                          ovx_token_t **per_path, size_t *counts, size_t *processed)
{
    (void)c, (void)n, (void)room;
    const char *path = paths[0] == 7 ? fake_renderer.pick_path : "/Trap";
    size_t count     = 0;
    for (const char *p = path; *p == '/' && count < 8;) {
        size_t len = strcspn(p + 1, "/");
        snprintf(token_text[count], 64, "%.*s", (int)len, p + 1);
        buffer[count] = count + 1;
        count++;
        p += 1 + len;
    }
    per_path[0] = buffer;
    counts[0]   = count;
    *processed  = 1;
    return (ovx_api_result_t) { 0 };
}

static ovx_api_result_t strings_from_tokens(path_dictionary_context_t *c, const ovx_token_t *tokens, size_t n, ovx_string_t *out)
{
    (void)c;
    for (size_t i = 0; i < n; i++)
        out[i] = text_of(token_text[tokens[i] - 1]);
    return (ovx_api_result_t) { 0 };
}

ovrtx_result_t ovrtx_get_path_dictionary(ovrtx_renderer_t *r, path_dictionary_instance_t *out)
{
    static path_dictionary_vtable_t vtable;
    (void)r;
    vtable.get_tokens_from_paths   = tokens_from_paths;
    vtable.get_strings_from_tokens = strings_from_tokens;
    *out                           = (path_dictionary_instance_t) { .vtable = &vtable };
    return result(true);
}

size_t fake_mapped_now(void) { return (size_t)live_maps; }
size_t fake_results_now(void) { return (size_t)live_results; }

void fake_reset_stream(void);
void fake_reset(void)
{
    pthread_mutex_lock(&record_lock);
    entry_count = 0;
    pthread_mutex_unlock(&record_lock);
    fake_renderer = (struct fake_renderer) {
        .pick_magic = 0x56505448, .pick_version = 1, .color = { 255, 0, 0, 255 },
        .vars = { "LdrColor", "HdrColor", "NormalSD", "InstanceSegmentationSD", "SemanticSegmentation", "DepthSD", "DiffuseAlbedoSD" },
    };
    failed_op_pending = pick_queued = open_done = false;
    steps_done = frames_failed = 0;
    fake_reset_stream();
}
