// What a renderer asks: purpose, visibility, primvars, bound materials.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "stage.h"

enum usd_purpose purpose_from(const char *name)
{
    return !strcmp(name, "render") ? USD_PURPOSE_RENDER : !strcmp(name, "proxy") ? USD_PURPOSE_PROXY
         : !strcmp(name, "guide") ? USD_PURPOSE_GUIDE : USD_PURPOSE_DEFAULT;
}

static bool is_imageable(const usd_prim *p) { return *usd_prim_type_name(p) && usd_prim_is_a(p, "Imageable"); }

// The nearest authored purpose counts: the prim's own, else an ancestor's. Only Imageable prims have one.
enum usd_purpose usd_prim_purpose(const usd_prim *p)
{
    for (; p && p->parent; p = p->parent) {
        const char *name;
        if (usd_attr_get_token(usd_prim_find_property(p, "purpose"), USD_TIME_DEFAULT, &name) && is_imageable(p))
            return purpose_from(name);
    }
    return USD_PURPOSE_DEFAULT;
}

bool usd_prim_is_visible(const usd_prim *p, double time)
{
    for (; p && p->parent; p = p->parent) {
        const char *name;
        if (usd_attr_get_token(usd_prim_find_property(p, "visibility"), time, &name) && !strcmp(name, "invisible") && is_imageable(p))
            return false;
    }
    return true;
}

const char *usd_prim_visibility(const usd_prim *p, enum usd_purpose purpose, double time)
{
    if (!usd_prim_is_visible(p, time))
        return "invisible";
    if (purpose == USD_PURPOSE_DEFAULT)
        return "visible";
    const char *attr = purpose == USD_PURPOSE_GUIDE ? "guideVisibility" : purpose == USD_PURPOSE_PROXY ? "proxyVisibility" : "renderVisibility";
    for (; p && p->parent; p = p->parent) {
        const char *value; // VisibilityAPI's; the schema's own fallback counts where the API is applied
        if (usd_prim_has_api(p, "VisibilityAPI") && usd_prim_get_token(p, attr, time, &value) && strcmp(value, "inherited"))
            return !strcmp(value, "visible") ? "visible" : "invisible";
    }
    return purpose == USD_PURPOSE_GUIDE ? "invisible" : "inherited";
}

const char *usd_attr_interpolation(const usd_property *q)
{
    struct usd_value v;
    const char *name = NULL;
    if (usd_property_metadata(q, "interpolation", &v) && v.type == USD_TYPE_TOKEN && !v.is_array)
        name = *(const char *const *)v.data; // lives in the layer or the token table
    usd_value_finish(&v);
    if (name)
        return name;
    const char *own = usd_property_name(q); // of the geometry itself rather than primvars
    return !strcmp(own, "normals") || !strcmp(own, "widths") ? "vertex" : "constant";
}

const usd_property *usd_prim_find_primvar(const usd_prim *p, const char *name, const usd_property **indices)
{
    char full[512], index_name[528];
    if (indices)
        *indices = NULL;
    if (!name || snprintf(full, sizeof(full), "primvars:%s", name) >= (int)sizeof(full))
        return NULL;
    snprintf(index_name, sizeof(index_name), "%s:indices", full);
    for (bool own = true; p && p->parent; p = p->parent, own = false) {
        const usd_property *q = usd_prim_find_property(p, full);
        if (!q || !usd_attr_has_value(q))
            continue;
        if (!own && strcmp(usd_attr_interpolation(q), "constant"))
            return NULL; // another's per-point values end the search
        if (indices) {
            const usd_property *ix = usd_prim_find_property(p, index_name);
            *indices               = ix && usd_attr_has_value(ix) ? ix : NULL;
        }
        return q;
    }
    return NULL;
}

// One array of `each` elements per index, or false when an index points outside.
static bool gather(const struct usd_value *v, const struct usd_value *indices, size_t each, uint64_t max_elements, struct usd_value *out)
{
    size_t size = usd_type_size(v->type), groups = v->count / each, item = size * each;
    if (!size || indices->count > max_elements / each)
        return false;
    char *to = malloc(indices->count * item + 1);
    for (size_t i = 0; to && i < indices->count; i++) {
        int32_t k = ((const int32_t *)indices->data)[i];
        if (k < 0 || (size_t)k >= groups) {
            free(to);
            return false;
        }
        memcpy(to + i * item, (const char *)v->data + (size_t)k * item, item);
    }
    *out = (struct usd_value) { .type = v->type, .is_array = true, .count = indices->count * each, .data = to, .owned = to };
    return to != NULL;
}

bool usd_primvar_flatten(const usd_property *primvar, const usd_property *indices, double time, struct usd_value *out)
{
    struct usd_value v, ix, size;
    double each = 1;
    if (!usd_attr_get(primvar, time, out))
        return false;
    if (!indices || !out->is_array)
        return true;
    if (usd_property_metadata(primvar, "elementSize", &size))
        usd_value_doubles(&size, 0, &each, 1);
    usd_value_finish(&size);
    uint64_t limit = prim_stage(usd_property_prim(primvar))->env.limits.max_array_elements;
    bool has = usd_attr_get(indices, time, &ix), ok = true;
    if (has) {
        v  = *out; // an array: its data is not inside the struct
        ok = ix.type == USD_TYPE_INT && ix.is_array && each >= 1 && each <= (double)(v.count + 1) && gather(&v, &ix, (size_t)each, limit, out);
        usd_value_finish(&v);
        if (!ok)
            memset(out, 0, sizeof(*out));
    }
    usd_value_finish(&ix);
    return ok;
}

// ---------------------------------------------------------------------------------------------------------------
// Material binding (UsdShadeMaterialBindingAPI)

static bool is_stronger(const usd_property *binding)
{
    struct usd_value v;
    bool stronger = usd_property_metadata(binding, "bindMaterialAs", &v) && v.type == USD_TYPE_TOKEN && !v.is_array
                    && !strcmp(*(const char *const *)v.data, "strongerThanDescendants");
    usd_value_finish(&v);
    return stronger;
}

// The collection binding of `owner` for this purpose that contains the prim; the first in property order wins.
static const usd_property *collection_binding(const usd_prim *owner, const char *purpose, const usd_prim *prim, const char **material)
{
    static const char prefix[] = "material:binding:collection:";
    for (size_t i = 0; i < usd_prim_property_count(owner); i++) {
        const usd_property *q = usd_prim_property(owner, i);
        const char *name      = usd_property_name(q);
        if (strncmp(name, prefix, sizeof(prefix) - 1) || usd_rel_target_count(q) != 2)
            continue;
        name += sizeof(prefix) - 1;
        size_t n   = strlen(purpose);
        bool named = strchr(name, ':') != NULL; // material:binding:collection:PURPOSE:NAME
        if (*purpose ? !(named && !strncmp(name, purpose, n) && name[n] == ':') : named)
            continue;
        const char *first = usd_rel_target(q, 0), *dot = strstr(first, ".collection:");
        if (!dot)
            continue;
        char path[8192];
        if ((size_t)(dot - first) >= sizeof(path))
            continue;
        memcpy(path, first, (size_t)(dot - first));
        path[dot - first] = 0;
        if (usd_light_links(usd_stage_find(prim_stage(owner), path), dot + strlen(".collection:"), prim)) {
            *material = usd_rel_target(q, 1);
            return q;
        }
    }
    return NULL;
}

static const char *binding_for(const usd_prim *prim, const char *purpose)
{
    char direct_name[128];
    snprintf(direct_name, sizeof(direct_name), *purpose ? "material:binding:%.64s" : "material:binding%s", purpose);
    const char *found = NULL;
    for (const usd_prim *p = prim; p && p->parent; p = p->parent) {
        const usd_property *direct = usd_prim_find_property(p, direct_name);
        if (direct && usd_rel_target_count(direct) && (!found || is_stronger(direct)))
            found = usd_rel_target(direct, 0);
        const char *material       = NULL;
        const usd_property *by_set = collection_binding(p, purpose, prim, &material);
        // On one prim a collection binding is stronger than the direct one.
        if (by_set && (!found || is_stronger(by_set) || (direct && found == usd_rel_target(direct, 0) && !is_stronger(direct))))
            found = material;
    }
    return found;
}

const usd_prim *usd_prim_bound_material(const usd_prim *p, const char *purpose)
{
    if (!p)
        return NULL;
    const char *path = purpose && *purpose ? binding_for(p, purpose) : NULL;
    const usd_prim *m = path ? usd_stage_find(prim_stage(p), path) : NULL;
    if (m && !strcmp(usd_prim_type_name(m), "Material"))
        return m;
    path = binding_for(p, "");
    m    = path ? usd_stage_find(prim_stage(p), path) : NULL;
    return m;
}
