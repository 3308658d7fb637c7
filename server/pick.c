#include "pick.h"

#include <stdlib.h>
#include <string.h>

#include "root_layer.h"

static bool named(const ovx_string_t *s, const char *name)
{
    return s && s->ptr && s->length == strlen(name) && !memcmp(s->ptr, name, s->length);
}

static bool param(const ovrtx_render_var_output_t *o, const char *name, uint32_t *out)
{
    for (size_t i = 0; i < o->num_params; i++) {
        const DLTensor *t = &o->params[i].dl;
        if (!named(&o->params[i].name, name) || !t->data || t->dtype.bits != 32)
            continue;
        memcpy(out, (const uint8_t *)t->data + t->byte_offset, 4);
        return true;
    }
    return false;
}

// Ids that the tensor really holds.
static const uint64_t *ids(const ovrtx_render_var_output_t *o, size_t *count)
{
    for (size_t i = 0; i < o->num_tensors; i++) {
        const DLTensor *t = o->tensors[i].dl;
        if (!named(o->tensors[i].name, "primPath") || !t || !t->data || !t->shape || t->ndim < 1)
            continue;
        if (t->dtype.bits != 64 || t->dtype.lanes != 1 || t->shape[0] < 0)
            return NULL;
        *count = (size_t)t->shape[0];
        return (const uint64_t *)(const void *)((const uint8_t *)t->data + t->byte_offset);
    }
    return NULL;
}

static void append_unique(json_t *paths, const char *path)
{
    size_t i;
    json_t *p;
    json_array_foreach(paths, i, p)
        if (!strcmp(json_string_value(p), path))
            return;
    json_array_append_new(paths, json_string(path));
}

static bool decode(struct rx *rx, const ovrtx_render_var_output_t *o, json_t *paths)
{
    uint32_t magic = 0, version = 0, hits = 0;
    if (!param(o, "magic", &magic) || !param(o, "version", &version) || !param(o, "hitCount", &hits) ||
        magic != OVRTX_PICK_HIT_MAGIC || version != OVRTX_PICK_HIT_VERSION)
        return false;
    size_t count        = 0;
    const uint64_t *id  = ids(o, &count);
    if (!id)
        return hits == 0;
    for (size_t i = 0; i < count && i < hits; i++) {
        char *path = id[i] ? rx_path_text(rx, id[i]) : NULL;
        if (path && *path && !root_layer_owns(path))
            append_unique(paths, path);
        free(path);
    }
    return true;
}

int pick_decode(struct rx *rx, const struct rx_frame *frame, json_t **paths)
{
    *paths                                  = json_array();
    ovrtx_render_var_output_handle_t handle = rx_frame_find(frame, OVRTX_RENDER_VAR_PICK_HIT);
    if (!handle)
        return 0;
    struct rx_image mapped;
    if (!rx_map(rx, handle, &mapped))
        return -1;
    bool good = decode(rx, &mapped.output, *paths);
    rx_unmap(rx, &mapped);
    return good ? 1 : -1;
}
