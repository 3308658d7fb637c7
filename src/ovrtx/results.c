#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

// A render var of a result, and a mapping of one. Both hold the frame.
struct output {
    struct frame *frame;
    struct product_var var;
};

#define PICK_TENSORS 5
#define PICK_PARAMS 3

struct output_map {
    struct frame *frame;
    bool holds_pixels; // the frame must stay in place
    ovx_string_t name, doc;
    ovx_string_t names[PICK_TENSORS], param_names[PICK_PARAMS];
    DLTensor tensors[PICK_TENSORS];
    ovrtx_render_var_tensor_t views[PICK_TENSORS];
    int64_t shapes[PICK_TENSORS][3], strides[PICK_TENSORS][3], one;
    ovrtx_render_var_param_t params[PICK_PARAMS];
    uint32_t param_values[PICK_PARAMS];
    void *owned[PICK_TENSORS];
};

static ovx_string_t literal(const char *text) { return (ovx_string_t) { text, strlen(text) }; }

// ---------------------------------------------------------------------------------------------
// Results

struct step_result *result_create(size_t count)
{
    struct step_result *result = calloc(1, sizeof(*result));
    if (!result)
        return NULL;
    result->refs     = 1;
    result->count    = count;
    result->products = calloc(count ? count : 1, sizeof(*result->products));
    result->outputs  = calloc(count ? count : 1, sizeof(*result->outputs));
    if (!result->products || !result->outputs) {
        result_drop(result);
        return NULL;
    }
    return result;
}

void result_drop(void *arg)
{
    struct step_result *result = arg;
    if (--result->refs > 0)
        return;
    for (size_t i = 0; result->products && i < result->count; i++)
        frame_drop(result->products[i].frame.frame);
    free(result->products);
    free(result->outputs);
    free(result);
}

bool result_publish(ovrtx_renderer_t *r, struct step_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        struct step_product *p = &result->products[i];
        for (size_t k = 0; k < p->frame.var_count; k++) {
            struct output *output = calloc(1, sizeof(*output));
            if (!output)
                return false;
            *output = (struct output) { p->frame.frame, p->frame.vars[k] };
            p->frame.frame->refs++;
            p->vars[k] = (ovrtx_render_product_render_var_output_t) { literal(output->var.name),
                                                                      handles_add(&r->outputs, output) };
            if (!p->vars[k].output_handle) {
                frame_drop(output->frame);
                free(output);
                return false;
            }
        }
        p->frame_output    = (ovrtx_render_product_frame_output_t) { result->start_time, result->end_time, p->vars, p->frame.var_count };
        result->outputs[i] = (ovrtx_render_product_output_t) { literal(paths_text(r->paths, p->path, NULL)), 1.0f, &p->frame_output, 1 };
    }
    return true;
}

ovrtx_result_t ovrtx_fetch_results(ovrtx_renderer_t *instance, ovrtx_step_result_handle_t result_handle, ovrtx_timeout_t timeout,
                                   ovrtx_render_product_set_outputs_t *out)
{
    API_ENTER(instance);
    if (!out)
        return api_fail("fetching needs a place for the results");
    *out                       = (ovrtx_render_product_set_outputs_t) { .status = OVRTX_EVENT_PENDING };
    struct step_result *result = handles_get(&instance->results, result_handle);
    if (!result)
        return api_fail("step result %llu does not exist", (unsigned long long)result_handle);
    if (!ops_wait(instance->ops, result->op_id, timeout.time_out_ns))
        return (ovrtx_result_t) { OVRTX_API_TIMEOUT };
    char text[ERROR_TEXT_SIZE];
    if (ops_failure(instance->ops, result->op_id, text, sizeof(text))) {
        ovrtx_result_t failed = api_fail("%s", text);
        out->status           = OVRTX_EVENT_FAILURE;
        out->error_message    = literal(error_text());
        return failed;
    }
    *out = (ovrtx_render_product_set_outputs_t) {
        .status = OVRTX_EVENT_COMPLETED, .error_message = { "", 0 }, .simulation_start_time = result->start_time,
        .simulation_end_time = result->end_time, .outputs = result->outputs, .output_count = result->count,
        .start_time = result->start_time, .end_time = result->end_time,
    };
    return api_ok();
}

static void free_output(ovrtx_renderer_t *r, uint64_t handle)
{
    struct output *output = handles_take(&r->outputs, handle);
    if (output) {
        frame_drop(output->frame);
        free(output);
    }
}

// Takes the outputs of a finished step out of the table.
static void forget_outputs(ovrtx_renderer_t *r, struct step_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        for (size_t k = 0; k < PRODUCT_MAX_VARS + 1; k++) {
            if (result->products[i].vars[k].output_handle)
                free_output(r, result->products[i].vars[k].output_handle);
        }
    }
}

static void drop_destroyed(void *payload) { result_drop(payload); }

static int run_destroy(void *user, void *payload, struct op *op)
{
    forget_outputs(user, payload);
    return 0;
}

ovrtx_result_t ovrtx_destroy_results(ovrtx_renderer_t *instance, ovrtx_step_result_handle_t result_handle)
{
    API_ENTER(instance);
    struct step_result *result = handles_take(&instance->results, result_handle);
    if (!result)
        return api_fail("step result %llu does not exist", (unsigned long long)result_handle);
    if (ops_wait(instance->ops, result->op_id, 0)) {
        forget_outputs(instance, result);
        result_drop(result);
        return api_ok();
    }
    // The step still runs or waits: its outputs go right after it.
    ovrtx_enqueue_result_t queued = ops_enqueue_async(instance->ops, run_destroy, drop_destroyed, result);
    return (ovrtx_result_t) { queued.status };
}

// ---------------------------------------------------------------------------------------------
// Mapping

static void set_tensor(struct output_map *m, size_t i, const char *name, DLDataType type, const void *data, int ndim, const int64_t *shape)
{
    m->names[i] = literal(name);
    int64_t stride = 1;
    for (int k = ndim - 1; k >= 0; k--) {
        m->shapes[i][k]  = shape[k];
        m->strides[i][k] = stride;
        stride *= shape[k];
    }
    m->tensors[i] = (DLTensor) { .data = (void *)(uintptr_t)data, .device = { kDLCPU, 0 }, .ndim = ndim, .dtype = type,
                                 .shape = m->shapes[i], .strides = m->strides[i] };
    m->views[i] = (ovrtx_render_var_tensor_t) { &m->tensors[i], &m->names[i], &m->doc };
}

static const char *render_failure(int rc)
{
    return rc == RENDER_ERR_NOMEM ? "out of memory" : rc == RENDER_ERR_DEVICE ? "the device was lost" : "this render var was not computed in its step (see ovrtx_ext_select_outputs)";
}

static ovrtx_result_t map_image(struct output_map *m, const struct output *o, uint64_t timeout_ns)
{
    static const DLDataType types[] = { [RENDER_U8] = { kDLUInt, 8, 1 }, [RENDER_U32] = { kDLUInt, 32, 1 },
                                        [RENDER_F16] = { kDLFloat, 16, 1 }, [RENDER_F32] = { kDLFloat, 32, 1 } };
    const struct render_output_info *info = render_output_info(o->var.output);
    const void *pixels;
    if (!(o->frame->outputs >> o->var.output & 1))
        return api_fail("%s: %s", o->var.name, render_failure(RENDER_ERR_INVALID));
    pthread_mutex_lock(&o->frame->lock);
    o->frame->mapped++;
    m->holds_pixels = true;
    pthread_mutex_unlock(&o->frame->lock);
    int rc = frame_pixels(o->frame, o->var.output, timeout_ns, &pixels);
    if (rc == RENDER_ERR_TIMEOUT)
        return (ovrtx_result_t) { OVRTX_API_TIMEOUT };
    if (rc < 0)
        return api_fail("%s: %s", o->var.name, render_failure(rc));
    set_tensor(m, 0, o->var.name, types[info->component], pixels, 3, (int64_t[]) { o->frame->height, o->frame->width, info->channels });
    return api_ok();
}

static ovrtx_result_t map_semantic_map(struct output_map *m, const struct output *o)
{
    if (!o->frame->semantic_map)
        return api_fail("%s: out of memory in its step", o->var.name);
    set_tensor(m, 0, o->var.name, (DLDataType) { kDLUInt, 8, 1 }, o->frame->semantic_map, 1, (int64_t[]) { (int64_t)o->frame->semantic_map_size });
    return api_ok();
}

static ovrtx_result_t map_pick(struct output_map *m, const struct output *o, uint64_t timeout_ns)
{
    static const char *const params[PICK_PARAMS] = { "magic", "version", "hitCount" };
    struct frame *f = o->frame;
    int rc = frame_hits(f, timeout_ns);
    if (rc == RENDER_ERR_TIMEOUT)
        return (ovrtx_result_t) { OVRTX_API_TIMEOUT };
    if (rc < 0)
        return api_fail("%s: %s", o->var.name, render_failure(rc));
    int64_t n       = f->hit_count ? (int64_t)f->hit_count : 1; // one zeroed record when nothing was hit
    uint64_t *paths = m->owned[0] = calloc((size_t)n, sizeof(*paths));
    uint32_t *types = m->owned[1] = calloc((size_t)n, sizeof(*types));
    uint32_t *ids = m->owned[2] = calloc((size_t)n, sizeof(*ids));
    double *positions = m->owned[3] = calloc((size_t)n, 3 * sizeof(*positions));
    float *normals = m->owned[4] = calloc((size_t)n, 3 * sizeof(*normals));
    if (!paths || !types || !ids || !positions || !normals)
        return api_fail("out of memory");
    for (size_t i = 0; i < f->hit_count; i++) {
        paths[i] = f->hits[i].user;
        ids[i]   = f->hits[i].instance_id;
        for (size_t k = 0; k < 3; k++) {
            positions[i * 3 + k] = f->hits[i].position[k] * f->meters_per_unit;
            normals[i * 3 + k]   = f->hits[i].normal[k];
        }
    }
    set_tensor(m, 0, "primPath", (DLDataType) { kDLUInt, 64, 1 }, paths, 1, &n);
    set_tensor(m, 1, "objectType", (DLDataType) { kDLUInt, 32, 1 }, types, 1, &n);
    set_tensor(m, 2, "geometryInstanceId", (DLDataType) { kDLUInt, 32, 1 }, ids, 1, &n);
    set_tensor(m, 3, "worldPositionM", (DLDataType) { kDLFloat, 64, 1 }, positions, 2, (int64_t[]) { n, 3 });
    set_tensor(m, 4, "worldNormal", (DLDataType) { kDLFloat, 32, 1 }, normals, 2, (int64_t[]) { n, 3 });
    m->param_values[0] = OVRTX_PICK_HIT_MAGIC;
    m->param_values[1] = OVRTX_PICK_HIT_VERSION;
    m->param_values[2] = (uint32_t)f->hit_count;
    m->one             = 1;
    for (size_t i = 0; i < PICK_PARAMS; i++) {
        m->param_names[i] = literal(params[i]);
        m->params[i] = (ovrtx_render_var_param_t) { { .data = &m->param_values[i], .device = { kDLCPU, 0 }, .ndim = 1, .dtype = { kDLUInt, 32, 1 },
                                                      .shape = &m->one }, m->param_names[i], { "", 0 } };
    }
    return api_ok();
}

static void free_map(struct output_map *m)
{
    if (m->holds_pixels) {
        pthread_mutex_lock(&m->frame->lock);
        m->frame->mapped--;
        pthread_mutex_unlock(&m->frame->lock);
    }
    frame_drop(m->frame);
    for (size_t i = 0; i < PICK_TENSORS; i++)
        free(m->owned[i]);
    free(m);
}

// An output with a reference to its frame taken, so that a destroy in another thread does no harm.
static bool take_output(ovrtx_renderer_t *r, uint64_t handle, struct output *out)
{
    pthread_mutex_lock(&r->outputs.lock);
    uint64_t *value = handle ? hash_map_get(&r->outputs.map, handle) : NULL;
    if (value) {
        *out = *(const struct output *)(uintptr_t)*value;
        out->frame->refs++;
    }
    pthread_mutex_unlock(&r->outputs.lock);
    return value != NULL;
}

ovrtx_result_t ovrtx_map_render_var_output(ovrtx_renderer_t *instance, ovrtx_render_var_output_handle_t output_handle,
                                           const ovrtx_map_output_description_t *map_output_desc, ovrtx_timeout_t timeout,
                                           ovrtx_render_var_output_t *out)
{
    API_ENTER(instance);
    if (!out)
        return api_fail("mapping needs a place for the output");
    *out = (ovrtx_render_var_output_t) { .status = OVRTX_EVENT_PENDING };
    ovrtx_map_device_type_t device = map_output_desc ? map_output_desc->device_type : OVRTX_MAP_DEVICE_TYPE_CPU;
    if (device == OVRTX_MAP_DEVICE_TYPE_CUDA || device == OVRTX_MAP_DEVICE_TYPE_CUDA_ARRAY)
        return api_fail("mapping a render var to %s is not supported yet; map it to the CPU",
                        device == OVRTX_MAP_DEVICE_TYPE_CUDA ? "CUDA memory" : "a CUDA array");
    if (device != OVRTX_MAP_DEVICE_TYPE_CPU && device != OVRTX_MAP_DEVICE_TYPE_DEFAULT)
        return api_fail("map device type %d is unknown", (int)device);
    struct output o;
    if (!take_output(instance, output_handle, &o))
        return api_fail("render var output %llu does not exist (any more)", (unsigned long long)output_handle);
    struct output_map *m = calloc(1, sizeof(*m));
    if (!m) {
        frame_drop(o.frame);
        return api_fail("out of memory");
    }
    m->frame = o.frame;
    m->doc   = literal("");
    m->name  = literal(o.var.name);
    ovrtx_result_t result = o.var.kind == VAR_PICK ? map_pick(m, &o, timeout.time_out_ns)
        : o.var.kind == VAR_SEMANTIC_MAP           ? map_semantic_map(m, &o)
                                                   : map_image(m, &o, timeout.time_out_ns);
    uint64_t handle = result.status == OVRTX_API_SUCCESS ? handles_add(&instance->output_maps, m) : 0;
    if (!handle) {
        free_map(m);
        return result.status == OVRTX_API_SUCCESS ? api_fail("out of memory") : result;
    }
    *out = (ovrtx_render_var_output_t) {
        .status = OVRTX_EVENT_COMPLETED, .error_message = { "", 0 }, .map_handle = handle, .name = m->name, .type = m->name,
        .doc = m->doc, .version = 1, .num_tensors = o.var.kind == VAR_PICK ? PICK_TENSORS : 1, .tensors = m->views,
        .num_params = o.var.kind == VAR_PICK ? PICK_PARAMS : 0, .params = m->params,
    };
    return api_ok();
}

ovrtx_result_t ovrtx_unmap_render_var_output(ovrtx_renderer_t *instance, ovrtx_render_var_output_map_handle_t map_handle,
                                             ovrtx_cuda_sync_t before_destroy_cuda_sync)
{
    API_ENTER(instance);
    struct output_map *m = handles_take(&instance->output_maps, map_handle);
    if (!m)
        return api_fail("render var mapping %llu does not exist", (unsigned long long)map_handle);
    free_map(m);
    return api_ok();
}

void results_finish(ovrtx_renderer_t *r)
{
    for (struct output_map *m; (m = handles_take_any(&r->output_maps));)
        free_map(m);
    for (struct output *o; (o = handles_take_any(&r->outputs));) {
        frame_drop(o->frame);
        free(o);
    }
    for (struct step_result *result; (result = handles_take_any(&r->results));)
        result_drop(result);
}
