// Writing attributes: into the runtime stage, with a note of what the render scene has to redo.

#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "binding.h"

static uint32_t change_for(const struct stage *s, uint32_t prim, uint32_t name)
{
    const struct stage_prim *p = &s->prims.items[prim];
    const char *text           = paths_token_text(s->paths, name);
    if (name == s->names.xform || name == s->names.reset_xform)
        return CHANGE_TRANSFORM;
    if (name == s->names.visibility || name == s->names.purpose)
        return CHANGE_VISIBILITY;
    if (!strncmp(text, "material:binding", 16))
        return CHANGE_BINDING;
    if (!strncmp(text, "semantic", 8))
        return CHANGE_SEMANTICS;
    if (name == s->names.extent || name == s->names.world_extent)
        return 0;
    if (p->kind == PRIM_MESH && (name == s->names.points || name == s->names.normals))
        return CHANGE_POINTS;
    if (stage_is_drawable(p->kind) || p->kind == PRIM_POINT_INSTANCER || p->kind == PRIM_GEOM_SUBSET)
        return CHANGE_GEOMETRY;
    if (p->kind == PRIM_LIGHT)
        return CHANGE_LIGHT;
    if (p->kind == PRIM_SHADER || p->kind == PRIM_MATERIAL || p->kind == PRIM_NODE_GRAPH)
        return CHANGE_SHADER;
    // A constant primvar above a mesh colours it.
    return !strncmp(text, "primvars:", 9) ? CHANGE_BINDING : 0;
}

static bool reserved(const struct stage *s, uint32_t name)
{
    return name == s->names.outline_group || name == s->names.pickable;
}

static int write_reserved(struct stage *s, uint32_t prim, uint32_t name, ovrtx_attribute_type_t type,
                          const uint8_t *data, size_t count, struct op *op)
{
    if (attr_element_size(type.dtype) != 1 || count != 1)
        return op_fail(op, "%s takes one uint8 or bool for each prim", paths_token_text(s->paths, name));
    struct stage_prim *p = &s->prims.items[prim];
    if (name == s->names.outline_group) {
        if (p->outline_group == *data)
            return 0;
        p->outline_group = *data;
        stage_touch(s, prim, CHANGE_GROUP);
    } else {
        uint8_t pickable = *data ? 2 : 1;
        if (p->pickable == pickable)
            return 0;
        p->pickable = pickable;
        stage_touch(s, prim, CHANGE_PICKABLE);
    }
    return 0;
}

// The type that `given` is stored as in an attribute of type `have`; false when they do not agree.
static bool merge_types(ovrtx_attribute_type_t have, ovrtx_attribute_type_t given, ovrtx_attribute_type_t *out)
{
    DLDataType a = have.dtype, b = given.dtype;
    *out = have;
    if (have.semantic == OVRTX_SEMANTIC_PATH_ID && given.dtype.bits == 64 && b.code == kDLUInt)
        return true; // a single target is a list of one
    bool same   = a.code == b.code;
    bool truth  = (a.code == kDLBool && b.code == kDLUInt) || (a.code == kDLUInt && b.code == kDLBool);
    bool signs  = a.bits >= 32 && ((a.code == kDLInt && b.code == kDLUInt) || (a.code == kDLUInt && b.code == kDLInt));
    bool scalar = have.is_array == given.is_array;
    return (same || truth || signs) && a.bits == b.bits && a.lanes == b.lanes && scalar;
}

static int write_one(ovrtx_renderer_t *r, const struct binding *b, uint32_t path, ovrtx_attribute_type_t given,
                     const uint8_t *data, size_t count, struct op *op)
{
    struct stage *s = &r->stage;
    uint32_t prim = stage_find(s, path), name = attr_canonical(s, b->name);
    if (!prim && b->mode == OVRTX_BINDING_PRIM_MODE_CREATE_NEW)
        prim = stage_create_prim(s, path);
    if (!prim)
        return 0;
    if (reserved(s, name))
        return write_reserved(s, prim, name, given, data, count, op);

    ovrtx_attribute_type_t have, type = given;
    bool exists = attr_type(s, prim, name, &have);
    if (!exists && b->mode != OVRTX_BINDING_PRIM_MODE_CREATE_NEW)
        return 0;
    if (exists && !merge_types(have, given, &type))
        return op_fail(op, "%s.%s holds {code %d, %d bits, %d lanes}%s, the write brings {code %d, %d bits, %d lanes}%s",
                       stage_path_text(s, prim), paths_token_text(s->paths, name), have.dtype.code, have.dtype.bits,
                       have.dtype.lanes, have.is_array ? " arrays" : "", given.dtype.code, given.dtype.bits,
                       given.dtype.lanes, given.is_array ? " arrays" : "");
    if (name == s->names.xform) {
        if (given.dtype.code != kDLFloat || attr_element_size(given.dtype) != 128)
            return op_fail(op, "omni:xform takes 16 doubles for each prim");
        s->prims.items[prim].has_transform = true;
    }
    // A relationship without a target: an empty path means "none".
    uint64_t id;
    if (type.semantic == OVRTX_SEMANTIC_PATH_ID && count == 1 && (memcpy(&id, data, 8), !id))
        count = 0;
    if (!stage_set_override(s, prim, name, type, data, count))
        return op_fail(op, "out of memory");
    uint32_t change = change_for(s, prim, name);
    if (change)
        stage_touch(s, prim, change);
    return 0;
}

static int check_all_exist(ovrtx_renderer_t *r, const struct binding *b, struct op *op)
{
    struct stage *s = &r->stage;
    for (size_t i = 0; i < b->count; i++) {
        ovrtx_attribute_type_t type;
        uint32_t prim = stage_find(s, b->paths[i]);
        if (!prim)
            return op_fail(op, "there is no prim %s", paths_text(r->paths, b->paths[i], NULL));
        if (!reserved(s, b->name) && !attr_type(s, prim, b->name, &type))
            return op_fail(op, "%s has no attribute %s", stage_path_text(s, prim), paths_token_text(r->paths, b->name));
    }
    return 0;
}

int binding_write(ovrtx_renderer_t *r, const struct binding *b, const struct binding_data *data, struct op *op)
{
    if (b->mode == OVRTX_BINDING_PRIM_MODE_MUST_EXIST && check_all_exist(r, b, op))
        return -1;
    size_t size       = attr_element_size(data->type.dtype);
    const uint8_t *at = data->bytes;
    int rc            = 0;
    for (size_t i = 0; i < b->count; i++) {
        size_t count = data->type.semantic == OVRTX_SEMANTIC_TAG ? 0 : data->counts ? data->counts[i] : 1;
        bool wanted  = !data->dirty || data->dirty[i / 8] >> (i % 8) & 1;
        // One bad prim does not keep the others from being written; the first reason is reported.
        if (wanted && write_one(r, b, b->paths[i], data->type, at, count, op))
            rc = -1;
        if (at)
            at += count * size;
    }
    return rc;
}

struct write {
    struct binding *binding;
    struct binding_data data;
};

static void free_write(void *payload)
{
    struct write *w = payload;
    binding_drop(w->binding);
    binding_data_finish(&w->data);
    free(w);
}

static int run_write(void *user, void *payload, struct op *op)
{
    struct write *w = payload;
    return binding_write(user, w->binding, &w->data, op);
}

ovrtx_enqueue_result_t ovrtx_write_attribute(ovrtx_renderer_t *instance,
                                             const ovrtx_binding_desc_or_handle_t *binding_handle_or_desc,
                                             const ovrtx_input_buffer_t *data_array, ovrtx_data_access_t data_access)
{
    ENQUEUE_ENTER(instance);
    struct write *w = calloc(1, sizeof(*w));
    if (!w)
        return enqueue_fail("out of memory");
    w->binding = binding_take(instance, binding_handle_or_desc);
    if (!w->binding || binding_data_copy(&w->data, instance, w->binding, data_array, data_access)) {
        free_write(w);
        return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 };
    }
    return ops_enqueue(instance->ops, run_write, free_write, w);
}

// ---------------------------------------------------------------------------------------------
// Mapping: a host copy of the values that becomes a write

struct attr_map {
    struct binding *binding;
    struct binding_data data;
    int64_t shape[1];
    uint64_t op_id;
};

static void free_map(void *payload)
{
    struct attr_map *m = payload;
    binding_drop(m->binding);
    binding_data_finish(&m->data);
    free(m);
}

static int run_map(void *user, void *payload, struct op *op)
{
    ovrtx_renderer_t *r = user;
    struct attr_map *m  = payload;
    struct binding *b   = m->binding;
    if (b->mode == OVRTX_BINDING_PRIM_MODE_MUST_EXIST && check_all_exist(r, b, op))
        return -1;
    // Type: the first prim that has the attribute decides; what the caller stated where none has.
    ovrtx_attribute_type_t type = b->type;
    bool known = false;
    for (size_t i = 0; i < b->count && !known; i++) {
        uint32_t prim = stage_find(&r->stage, b->paths[i]);
        known         = prim && attr_type(&r->stage, prim, b->name, &type);
    }
    if (type.is_array)
        return op_fail(op, "array attributes cannot be mapped; read and write %s instead", paths_token_text(r->paths, b->name));
    size_t size = attr_element_size(type.dtype);
    if (!size)
        return op_fail(op, "no prim has %s, and the binding states no type", paths_token_text(r->paths, b->name));
    m->data.type  = type;
    m->data.bytes = calloc(b->count ? b->count : 1, size);
    m->shape[0]   = (int64_t)b->count;
    if (!m->data.bytes)
        return op_fail(op, "out of memory");
    for (size_t i = 0; i < b->count; i++) {
        struct attr_value value;
        uint32_t prim = stage_find(&r->stage, b->paths[i]);
        if (!prim)
            continue;
        if (attr_read(&r->stage, prim, b->name, &value) && attr_element_size(value.type.dtype) == size && value.count)
            memcpy(m->data.bytes + i * size, value.data, size);
        attr_finish(&value);
    }
    return 0;
}

ovrtx_result_t ovrtx_map_attribute(ovrtx_renderer_t *instance,
                                   const ovrtx_binding_desc_or_handle_t *binding_handle_or_desc,
                                   ovrtx_mapping_desc_t mapping_desc, ovrtx_attribute_mapping_t *out)
{
    API_ENTER(instance);
    if (!out)
        return api_fail("mapping an attribute needs a place for the mapping");
    if (mapping_desc.device_type != kDLCPU)
        return api_fail("attributes can be mapped to the CPU only; CUDA mapping is not supported yet");
    struct attr_map *m = calloc(1, sizeof(*m));
    if (!m)
        return api_fail("out of memory");
    m->binding = binding_take(instance, binding_handle_or_desc);
    if (!m->binding) {
        free_map(m);
        return (ovrtx_result_t) { OVRTX_API_ERROR };
    }
    ovrtx_enqueue_result_t queued = ops_enqueue_async(instance->ops, run_map, NULL, m);
    char text[ERROR_TEXT_SIZE];
    if (queued.status != OVRTX_API_SUCCESS || !ops_wait(instance->ops, queued.op_index, UINT64_MAX)
        || ops_failure(instance->ops, queued.op_index, text, sizeof(text))) {
        ovrtx_result_t result = queued.status == OVRTX_API_SUCCESS ? api_fail("%s", text) : (ovrtx_result_t) { OVRTX_API_ERROR };
        ops_forgive(instance->ops, queued.op_index); // reported here, not by a later wait
        free_map(m);
        return result;
    }
    uint64_t handle = handles_add(&instance->attr_maps, m);
    if (!handle) {
        free_map(m);
        return api_fail("out of memory");
    }
    *out = (ovrtx_attribute_mapping_t) { handle, { .data = m->data.bytes, .device = { kDLCPU, 0 }, .ndim = 1,
                                                   .dtype = m->data.type.dtype, .shape = m->shape } };
    return api_ok();
}

static int run_unmap(void *user, void *payload, struct op *op)
{
    struct attr_map *m = payload;
    return binding_write(user, m->binding, &m->data, op);
}

ovrtx_enqueue_result_t ovrtx_unmap_attribute(ovrtx_renderer_t *instance, ovrtx_map_handle_t map_handle,
                                             ovrtx_cuda_sync_t cuda_sync)
{
    ENQUEUE_ENTER(instance);
    struct attr_map *m = handles_take(&instance->attr_maps, map_handle);
    if (!m)
        return enqueue_fail("attribute mapping %llu does not exist", (unsigned long long)map_handle);
    return ops_enqueue(instance->ops, run_unmap, free_map, m);
}

void attr_maps_finish(ovrtx_renderer_t *r)
{
    for (struct attr_map *m; (m = handles_take_any(&r->attr_maps));)
        free_map(m);
}
