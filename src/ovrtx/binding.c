#include "binding.h"

#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "xform.h"

static struct binding *make(ovrtx_renderer_t *r, const ovrtx_binding_desc_t *d)
{
    ovx_string_t name = d->attribute_name.string;
    struct binding *b = calloc(1, sizeof(*b));
    if (!b) {
        error_set("out of memory");
        return NULL;
    }
    b->refs = 1;
    b->type = d->attribute_type;
    b->mode = d->prim_mode;
    if (d->attribute_name.token) {
        b->name = (uint32_t)d->attribute_name.token;
        if (d->attribute_name.token > UINT32_MAX || !paths_token_text(r->paths, b->name)[0]) {
            error_set("attribute name token %llu is unknown", (unsigned long long)d->attribute_name.token);
            goto fail;
        }
    } else if (!name.ptr || !name.length || !(b->name = paths_token(r->paths, name.ptr, name.length))) {
        error_set("the attribute name is empty");
        goto fail;
    }
    if ((unsigned)d->prim_mode > OVRTX_BINDING_PRIM_MODE_CREATE_NEW || (unsigned)b->type.semantic > OVRTX_SEMANTIC_TAG) {
        error_set("prim mode %d or semantic %d is unknown", (int)d->prim_mode, (int)b->type.semantic);
        goto fail;
    }
    if (d->prims_list_handle) {
        bool known;
        b->paths = paths_list_copy(r->paths, d->prims_list_handle, &b->count, &known);
        if (!known) {
            error_set("path list %llu is unknown", (unsigned long long)d->prims_list_handle);
            goto fail;
        }
        return b;
    }
    size_t count = d->prim_list.num_paths;
    if (count && (!d->prim_list.prim_paths || count > SIZE_MAX / sizeof(*b->paths))) {
        error_set("%zu prim paths but no pointer to them", count);
        goto fail;
    }
    b->paths = count ? malloc(count * sizeof(*b->paths)) : NULL;
    if (count && !b->paths) {
        error_set("out of memory");
        goto fail;
    }
    for (b->count = 0; b->count < count; b->count++) {
        ovx_string_t path   = d->prim_list.prim_paths[b->count];
        b->paths[b->count] = paths_path(r->paths, path.ptr, path.length);
        if (!b->paths[b->count]) {
            error_set("'%.*s' is not an absolute prim path", text_shown(path), path.ptr ? path.ptr : "");
            goto fail;
        }
    }
    return b;
fail:
    binding_drop(b);
    return NULL;
}

struct binding *binding_take(ovrtx_renderer_t *r, const ovrtx_binding_desc_or_handle_t *from)
{
    if (!from) {
        error_set("the attribute binding is NULL");
        return NULL;
    }
    if (!from->binding_handle)
        return make(r, &from->binding_desc);
    pthread_mutex_lock(&r->lock); // against a destroy between get and the new reference
    struct binding *b = handles_get(&r->bindings, from->binding_handle);
    if (b)
        b->refs++;
    pthread_mutex_unlock(&r->lock);
    if (!b)
        error_set("attribute binding %llu does not exist", (unsigned long long)from->binding_handle);
    return b;
}

void binding_drop(struct binding *b)
{
    if (!b || --b->refs > 0)
        return;
    free(b->paths);
    free(b);
}

ovrtx_enqueue_result_t ovrtx_create_attribute_binding(ovrtx_renderer_t *instance,
                                                      const ovrtx_binding_desc_t *description,
                                                      ovrtx_attribute_binding_handle_t *out)
{
    ENQUEUE_ENTER(instance);
    if (!description || !out)
        return enqueue_fail("creating a binding needs a description and a place for the handle");
    struct binding *b = make(instance, description);
    if (!b)
        return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 };
    *out = handles_add(&instance->bindings, b);
    if (!*out) {
        binding_drop(b);
        return enqueue_fail("out of memory");
    }
    return ops_enqueue(instance->ops, op_nothing, NULL, NULL);
}

static void drop_payload(void *payload) { binding_drop(payload); }

ovrtx_enqueue_result_t ovrtx_destroy_attribute_binding(ovrtx_renderer_t *instance,
                                                       ovrtx_attribute_binding_handle_t binding_handle)
{
    ENQUEUE_ENTER(instance);
    pthread_mutex_lock(&instance->lock);
    struct binding *b = handles_take(&instance->bindings, binding_handle);
    pthread_mutex_unlock(&instance->lock);
    if (!b)
        return enqueue_fail("attribute binding %llu does not exist", (unsigned long long)binding_handle);
    return ops_enqueue(instance->ops, op_nothing, drop_payload, b);
}

void bindings_finish(ovrtx_renderer_t *r)
{
    for (struct binding *b; (b = handles_take_any(&r->bindings));)
        binding_drop(b);
}

// ---------------------------------------------------------------------------------------------
// Data from the caller

// Bytes of a compact host tensor. false after error_set().
static bool tensor_bytes(const DLTensor *t, size_t *bytes)
{
    if (t->device.device_type != kDLCPU && t->device.device_type != kDLCUDAHost) {
        error_set("CUDA tensors are not supported for attributes yet; pass host memory");
        return false;
    }
    if (t->ndim < 0 || t->ndim > 8 || (t->ndim && !t->shape) || t->dtype.bits % 8) {
        error_set("a tensor with %d dimensions of %d-bit elements makes no sense here", t->ndim, t->dtype.bits);
        return false;
    }
    size_t elements = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        if (t->strides && t->shape[i] > 1 && t->strides[i] != (int64_t)elements) {
            error_set("the tensor is not compact (stride %lld of dimension %d)", (long long)t->strides[i], i);
            return false;
        }
        if (t->shape[i] < 0 || (t->shape[i] && elements > (size_t)PTRDIFF_MAX / 4096 / (size_t)t->shape[i])) {
            error_set("the tensor's shape makes no sense");
            return false;
        }
        elements *= (size_t)t->shape[i];
    }
    *bytes = elements * t->dtype.lanes * (t->dtype.bits / 8);
    if (*bytes && !t->data) {
        error_set("the tensor has no data");
        return false;
    }
    return true;
}

// How elements given by the caller are stored. Size 0: the semantic has no data.
static bool storage_form(ovrtx_attribute_type_t given, ovrtx_attribute_type_t *stored, size_t *given_size)
{
    *stored     = given;
    *given_size = attr_element_size(given.dtype);
    switch (given.semantic) {
    case OVRTX_SEMANTIC_XFORM_MAT4x4:
    case OVRTX_SEMANTIC_XFORM_POS3d_ROT4f_SCALE3f:
    case OVRTX_SEMANTIC_XFORM_POS3d_ROT3x3f:
        stored->dtype    = (DLDataType) { kDLFloat, 64, 16 };
        stored->semantic = OVRTX_SEMANTIC_NONE;
        *given_size      = given.semantic == OVRTX_SEMANTIC_XFORM_MAT4x4 ? sizeof(ovrtx_xform_matrix44d_t)
                 : given.semantic == OVRTX_SEMANTIC_XFORM_POS3d_ROT3x3f ? sizeof(ovrtx_xform_pos3d_rot3x3f_t)
                                                                        : sizeof(ovrtx_xform_pos3d_rot4f_scale3f_t);
        return !given.is_array;
    case OVRTX_SEMANTIC_PATH_STRING:
    case OVRTX_SEMANTIC_TOKEN_STRING:
        stored->dtype    = (DLDataType) { kDLUInt, 64, 1 };
        stored->semantic = given.semantic == OVRTX_SEMANTIC_PATH_STRING ? OVRTX_SEMANTIC_PATH_ID : OVRTX_SEMANTIC_TOKEN_ID;
        *given_size      = sizeof(ovx_string_t);
        return true;
    case OVRTX_SEMANTIC_TOKEN_ID:
    case OVRTX_SEMANTIC_PATH_ID: return *given_size == 8;
    case OVRTX_SEMANTIC_TAG: return true;
    default: return *given_size > 0;
    }
}

static bool to_matrix(double out[16], const void *data, ovrtx_attribute_semantic_t semantic)
{
    if (semantic == OVRTX_SEMANTIC_XFORM_POS3d_ROT4f_SCALE3f) {
        ovrtx_xform_pos3d_rot4f_scale3f_t x;
        memcpy(&x, data, sizeof(x));
        double q[4], scale[3];
        for (int i = 0; i < 4; i++)
            q[i] = (double)x.rot_quat_xyzw[i];
        for (int i = 0; i < 3; i++)
            scale[i] = (double)x.scale[i];
        matrix_from_trs(out, x.position, q, scale);
    } else if (semantic == OVRTX_SEMANTIC_XFORM_POS3d_ROT3x3f) {
        ovrtx_xform_pos3d_rot3x3f_t x;
        memcpy(&x, data, sizeof(x));
        matrix_identity(out);
        for (int i = 0; i < 9; i++)
            out[i / 3 * 4 + i % 3] = (double)x.rot_matrix[i];
        memcpy(out + 12, x.position, sizeof(x.position));
    } else {
        memcpy(out, data, 16 * sizeof(double));
    }
    for (int i = 0; i < 16; i++) {
        if (!(out[i] > -1e300 && out[i] < 1e300))
            return error_set("a transform has a component that is not finite"), false;
    }
    return true;
}

// Converts `count` elements; returns whether it could.
static bool lower(uint8_t *out, const uint8_t *in, size_t count, ovrtx_attribute_semantic_t semantic, size_t given_size,
                  ovrtx_renderer_t *r)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = in + i * given_size;
        if (semantic == OVRTX_SEMANTIC_PATH_STRING || semantic == OVRTX_SEMANTIC_TOKEN_STRING) {
            ovx_string_t text;
            memcpy(&text, from, sizeof(text));
            uint64_t id = 0; // an empty path clears a relationship
            if (semantic == OVRTX_SEMANTIC_TOKEN_STRING)
                id = paths_token(r->paths, text.ptr ? text.ptr : "", text.ptr ? text.length : 0);
            else if (text.length && !(id = paths_path(r->paths, text.ptr, text.length)))
                return error_set("'%.*s' is not an absolute prim path", text_shown(text), text.ptr ? text.ptr : ""), false;
            memcpy(out + i * 8, &id, 8);
        } else {
            double m[16];
            if (!to_matrix(m, from, semantic))
                return false;
            memcpy(out + i * sizeof(m), m, sizeof(m));
        }
    }
    return true;
}

void binding_data_finish(struct binding_data *d)
{
    free(d->counts);
    free(d->bytes);
    free(d->dirty);
    *d = (struct binding_data) { 0 };
}

static int copy_dirty(struct binding_data *out, const struct binding *b, const ovrtx_input_buffer_t *input)
{
    if (!input->dirty_bits)
        return 0;
    size_t need = (b->count + 7) / 8;
    if (input->dirty_bits_size < need)
        return error_set("dirty_bits has %zu bytes, %zu prims need %zu", input->dirty_bits_size, b->count, need), -1;
    out->dirty = malloc(need ? need : 1);
    if (!out->dirty)
        return error_set("out of memory"), -1;
    memcpy(out->dirty, input->dirty_bits, need);
    return 0;
}

int binding_data_copy(struct binding_data *out, ovrtx_renderer_t *r, const struct binding *b,
                      const ovrtx_input_buffer_t *input, ovrtx_data_access_t access)
{
    *out = (struct binding_data) { 0 };
    size_t given_size;
    ovrtx_attribute_semantic_t semantic = b->type.semantic;
    if (!storage_form(b->type, &out->type, &given_size))
        return error_set("the attribute type ({%d,%d,%d}, semantic %d) has no element size", b->type.dtype.code,
                         b->type.dtype.bits, b->type.dtype.lanes, (int)semantic), -1;
    bool strings = semantic == OVRTX_SEMANTIC_PATH_STRING || semantic == OVRTX_SEMANTIC_TOKEN_STRING;
    if (strings && access != OVRTX_DATA_ACCESS_SYNC)
        return error_set("strings need OVRTX_DATA_ACCESS_SYNC"), -1;
    if (semantic == OVRTX_SEMANTIC_TAG)
        return 0;
    size_t want = b->type.is_array ? b->count : 1;
    if (b->count && (!input || input->tensor_count != want || !input->tensors))
        return error_set("%llu tensors given, %zu needed", input ? (unsigned long long)input->tensor_count : 0ull, want), -1;
    if (!b->count)
        return 0;

    size_t stored_size = attr_element_size(out->type.dtype), total = 0;
    out->counts = b->type.is_array ? malloc(b->count * sizeof(*out->counts)) : NULL;
    if (b->type.is_array && !out->counts)
        return error_set("out of memory"), -1;
    for (size_t i = 0; i < want; i++) {
        size_t bytes;
        if (!tensor_bytes(&input->tensors[i], &bytes))
            return -1;
        if (bytes % given_size || (!b->type.is_array && bytes / given_size != b->count))
            return error_set("the tensor holds %zu bytes, elements have %zu and there are %zu prims", bytes, given_size,
                             b->count), -1;
        if (out->counts)
            out->counts[i] = bytes / given_size;
        total += bytes / given_size;
    }
    out->bytes = malloc(total * stored_size + 1);
    if (!out->bytes)
        return error_set("out of memory"), -1;

    uint8_t *to  = out->bytes;
    bool convert = strings || (semantic >= OVRTX_SEMANTIC_XFORM_MAT4x4 && semantic <= OVRTX_SEMANTIC_XFORM_POS3d_ROT3x3f);
    for (size_t i = 0; i < want; i++) {
        const DLTensor *t   = &input->tensors[i];
        size_t count        = out->counts ? out->counts[i] : b->count;
        const uint8_t *from = (const uint8_t *)t->data + t->byte_offset;
        if (!convert && count)
            memcpy(to, from, count * stored_size);
        else if (convert && !lower(to, from, count, semantic, given_size, r))
            return -1;
        to += count * stored_size;
    }
    return copy_dirty(out, b, input);
}
