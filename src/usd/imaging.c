// What a renderer asks: purpose, visibility, primvars, bound materials.
#include <stdio.h>
#include <string.h>

#include "path.h"
#include "stage.h"

static enum usd_purpose purpose_from(const char *name)
{
    return !strcmp(name, "render") ? USD_PURPOSE_RENDER : !strcmp(name, "proxy") ? USD_PURPOSE_PROXY
         : !strcmp(name, "guide") ? USD_PURPOSE_GUIDE : USD_PURPOSE_DEFAULT;
}

// The nearest authored purpose counts: the prim's own, else an ancestor's.
enum usd_purpose usd_prim_purpose(const usd_prim *p)
{
    for (; p && p->parent; p = p->parent) {
        const char *name;
        if (usd_attr_get_token(usd_prim_find_property(p, "purpose"), USD_TIME_DEFAULT, &name))
            return purpose_from(name);
    }
    return USD_PURPOSE_DEFAULT;
}

bool usd_prim_is_visible(const usd_prim *p, double time)
{
    for (; p && p->parent; p = p->parent) {
        const char *name;
        if (usd_attr_get_token(usd_prim_find_property(p, "visibility"), time, &name) && !strcmp(name, "invisible"))
            return false;
    }
    return true;
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
    return q && !strcmp(usd_property_name(q), "normals") ? "vertex" : "constant";
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
        if (!q || !usd_attr_has_value(q) || (!own && strcmp(usd_attr_interpolation(q), "constant")))
            continue;
        if (indices) {
            const usd_property *ix = usd_prim_find_property(p, index_name);
            *indices               = ix && usd_attr_has_value(ix) ? ix : NULL;
        }
        return q;
    }
    return NULL;
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

// Membership of a path-based collection: the nearest listed ancestor decides.
static bool collection_has(const usd_prim *owner, const char *collection, const usd_prim *prim)
{
    char name[512];
    const char *rule = "expandPrims";
    snprintf(name, sizeof(name), "collection:%.200s:expansionRule", collection);
    usd_attr_get_token(usd_prim_find_property(owner, name), USD_TIME_DEFAULT, &rule);
    snprintf(name, sizeof(name), "collection:%.200s:includes", collection);
    const usd_property *includes = usd_prim_find_property(owner, name);
    snprintf(name, sizeof(name), "collection:%.200s:excludes", collection);
    const usd_property *excludes = usd_prim_find_property(owner, name);
    snprintf(name, sizeof(name), "collection:%.200s:includeRoot", collection);
    bool include_root = false;
    usd_attr_get_bool(usd_prim_find_property(owner, name), USD_TIME_DEFAULT, &include_root);
    char path[8192];
    if (prim_path_write(prim, path, sizeof(path)) >= sizeof(path))
        return false;
    size_t best = include_root ? 1 : 0;
    bool in     = include_root;
    for (size_t i = 0; i < usd_rel_target_count(includes); i++) {
        const char *t = usd_rel_target(includes, i);
        size_t n      = strlen(t);
        bool match    = !strcmp(rule, "explicitOnly") ? !strcmp(path, t) : path_has_prefix(path, t, n);
        if (match && n >= best)
            best = n, in = true;
    }
    for (size_t i = 0; i < usd_rel_target_count(excludes); i++) {
        const char *t = usd_rel_target(excludes, i);
        size_t n      = strlen(t);
        if (path_has_prefix(path, t, n) && n >= best)
            best = n, in = false;
    }
    return in;
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
        path[dot - first]     = 0;
        const usd_prim *where = usd_stage_find(prim_stage(owner), path);
        if (where && collection_has(where, dot + strlen(".collection:"), prim)) {
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
