// Reading attributes.

#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "binding.h"

struct read_op {
    atomic_int refs; // the handle's and the operation's
    struct binding *binding;
    bool into_tensor;
    uint8_t *destination;
    size_t destination_element;
    uint64_t handle, op_id;
    // result
    ovrtx_output_buffer_t *buffers;
    int64_t *shapes; // one each
    size_t buffer_count, prim_count;
    bool is_array;
    uint8_t *bytes; // a scalar's
};

static void drop(void *payload)
{
    struct read_op *read = payload;
    if (--read->refs > 0)
        return;
    binding_drop(read->binding);
    for (size_t i = 0; read->is_array && i < read->buffer_count; i++)
        free(read->buffers[i].dl.data);
    free(read->bytes);
    free(read->buffers);
    free(read->shapes);
    free(read);
}

static bool make_buffers(struct read_op *read, size_t count)
{
    read->buffers = calloc(count ? count : 1, sizeof(*read->buffers));
    read->shapes  = calloc(count ? count : 1, sizeof(*read->shapes));
    return read->buffers && read->shapes;
}

static void fill_buffer(struct read_op *read, size_t i, void *data, DLDataType type, size_t count)
{
    read->shapes[i]  = (int64_t)count;
    read->buffers[i] = (ovrtx_output_buffer_t) { .dl = { .data = data, .device = { kDLCPU, 0 }, .ndim = 1, .dtype = type,
                                                         .shape = &read->shapes[i] } };
}

// Adds one prim's value to the result.
static int add_value(struct read_op *read, const struct attr_value *value, DLDataType type, struct op *op)
{
    size_t size = attr_element_size(type);
    if (read->is_array) {
        void *copy = malloc(value->count * size + 1);
        if (!copy)
            return op_fail(op, "out of memory");
        if (value->count)
            memcpy(copy, value->data, value->count * size);
        fill_buffer(read, read->buffer_count++, copy, type, value->count);
    } else {
        uint8_t *to = read->into_tensor ? read->destination : read->bytes;
        memcpy(to + read->prim_count * size, value->data, size);
    }
    read->prim_count++;
    return 0;
}

static int run_read(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r     = user;
    struct read_op *read    = payload;
    const struct binding *b = read->binding;
    struct stage *s         = &r->stage;
    ovrtx_attribute_type_t type = { 0 };
    for (size_t i = 0; i < b->count; i++) {
        struct attr_value value = { 0 };
        uint32_t prim           = stage_find(s, b->paths[i]);
        bool have               = prim && attr_read(s, prim, b->name, &value);
        int rc                  = 0;
        if (!have) {
            if (b->mode == OVRTX_BINDING_PRIM_MODE_MUST_EXIST)
                rc = op_fail(op, "%s has no attribute %s", paths_text(r->paths, b->paths[i], NULL),
                             paths_token_text(r->paths, b->name));
        } else {
            if (!read->prim_count) { // the first prim decides the type
                type           = value.type;
                read->is_array = type.is_array;
                size_t size    = attr_element_size(type.dtype);
                if (read->into_tensor && (type.is_array || size != read->destination_element))
                    rc = op_fail(op, "%s has %s elements of %zu bytes, the destination %zu", paths_token_text(r->paths, b->name),
                                 type.is_array ? "arrays of" : "", size, read->destination_element);
                else if (!make_buffers(read, type.is_array ? b->count : 1)
                         || (!type.is_array && !(read->bytes = malloc(b->count * size + 1))))
                    rc = op_fail(op, "out of memory");
            } else if (value.type.is_array != type.is_array || memcmp(&value.type.dtype, &type.dtype, sizeof(type.dtype))) {
                rc = op_fail(op, "%s has another type on %s than on the prims before", paths_token_text(r->paths, b->name),
                             stage_path_text(s, prim));
            }
            if (!rc)
                rc = add_value(read, &value, type.dtype, op);
        }
        attr_finish(&value);
        if (rc)
            return rc;
    }
    if (read->prim_count && !read->is_array && !read->into_tensor) {
        fill_buffer(read, 0, read->bytes, type.dtype, read->prim_count);
        read->buffer_count = 1;
    }
    return 0;
}

ovrtx_enqueue_result_t ovrtx_read_attribute(ovrtx_renderer_t *instance,
                                            const ovrtx_binding_desc_or_handle_t *binding_handle_or_desc,
                                            const ovrtx_read_dest_t *read_dest, ovrtx_read_handle_t *out_read_handle)
{
    ENQUEUE_ENTER(instance);
    if (!out_read_handle)
        return enqueue_fail("reading needs a place for the handle");
    struct binding *b = binding_take(instance, binding_handle_or_desc);
    if (!b)
        return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 };
    struct read_op *read = calloc(1, sizeof(*read));
    const DLTensor *t    = read_dest ? read_dest->tensor : NULL;
    const char *wrong    = NULL;
    if (!read)
        wrong = "out of memory";
    else if (b->type.semantic)
        wrong = "Semantic conversion is not supported for read_attribute; use OVRTX_SEMANTIC_NONE";
    else if (b->mode == OVRTX_BINDING_PRIM_MODE_CREATE_NEW)
        wrong = "OVRTX_BINDING_PRIM_MODE_CREATE_NEW is not supported for read_attribute";
    else if (t && t->device.device_type != kDLCPU && t->device.device_type != kDLCUDAHost)
        wrong = "reading into CUDA memory is not supported yet; pass a host tensor";
    else if (t && (!t->data || t->ndim < 1 || !t->shape || t->shape[0] < 0 || (size_t)t->shape[0] < b->count))
        wrong = "the destination tensor is smaller than the number of prims";
    if (wrong) {
        binding_drop(b);
        free(read);
        return enqueue_fail("%s", wrong);
    }
    read->refs    = 2;
    read->binding = b;
    if (t) {
        read->into_tensor         = true;
        read->destination         = (uint8_t *)t->data + t->byte_offset;
        read->destination_element = attr_element_size(t->dtype);
        for (int i = 1; i < t->ndim; i++)
            read->destination_element *= (size_t)(t->shape[i] > 0 ? t->shape[i] : 0);
    }
    read->handle = handles_add(&instance->reads, read);
    if (!read->handle) {
        read->refs = 1;
        drop(read);
        return enqueue_fail("out of memory");
    }
    uint64_t handle = read->handle;
    read->refs++; // while the id is noted
    ovrtx_enqueue_result_t result = ops_enqueue(instance->ops, run_read, drop, read);
    read->op_id = result.op_index;
    drop(read);
    if (!result.op_index) {
        handles_take(&instance->reads, handle);
        drop(read);
    } else {
        *out_read_handle = handle;
    }
    return result;
}

ovrtx_result_t ovrtx_fetch_read_result(ovrtx_renderer_t *instance, ovrtx_read_handle_t read_handle, ovrtx_timeout_t timeout,
                                       ovrtx_read_output_t *out)
{
    API_ENTER(instance);
    if (!out)
        return api_fail("fetching needs a place for the result");
    *out                 = (ovrtx_read_output_t) { 0 };
    struct read_op *read = handles_get(&instance->reads, read_handle);
    if (!read)
        return api_fail("read %llu does not exist", (unsigned long long)read_handle);
    if (!ops_wait(instance->ops, read->op_id, timeout.time_out_ns))
        return (ovrtx_result_t) { OVRTX_API_TIMEOUT };
    char text[ERROR_TEXT_SIZE];
    if (ops_failure(instance->ops, read->op_id, text, sizeof(text)))
        return api_fail("%s", text);
    *out = (ovrtx_read_output_t) { read->handle, read->buffer_count ? read->buffers : NULL, read->buffer_count,
                                   read->prim_count, read->is_array };
    return api_ok();
}

ovrtx_result_t ovrtx_release_read_result(ovrtx_renderer_t *instance, ovrtx_read_map_handle_t map_handle,
                                         ovrtx_cuda_sync_t before_destroy_cuda_sync)
{
    API_ENTER(instance);
    struct read_op *read = handles_take(&instance->reads, map_handle);
    if (!read)
        return api_fail("read %llu does not exist", (unsigned long long)map_handle);
    drop(read);
    return api_ok();
}

void reads_finish(ovrtx_renderer_t *r)
{
    for (struct read_op *read; (read = handles_take_any(&r->reads));)
        drop(read);
}
