// Meshes and shapes. What is fetched from USD is borrowed where its type is right, converted otherwise.
//
// A geometry's key is the address of the USD prim in its prototype, so that instances share; a prim whose
// shape was written at run time has a key of its own.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw_internal.h"
#include "log.h"

#define MAX_PRIMVARS 16
#define FETCH_BATCH 64 // meshes in memory at once

// An array as floats or ints, however it is stored.
struct fetched {
    struct attr_value value;
    void *converted;
    const void *data;
    size_t count;
};

struct mesh_fetch {
    uint32_t prim;
    bool valid;
    struct fetched points, counts, indices, holes, normals, normal_indices;
    struct render_primvar normal_primvar, primvars[MAX_PRIMVARS];
    struct fetched primvar_values[MAX_PRIMVARS], primvar_indices[MAX_PRIMVARS];
    size_t primvar_count;
    struct fetched subset_faces[DRAW_MAX_SLOTS];
    struct render_subset subsets[DRAW_MAX_SLOTS];
    uint32_t subset_prims[DRAW_MAX_SLOTS];
    size_t subset_count;
    struct render_mesh_desc desc;
};

static void fetched_finish(struct fetched *f)
{
    attr_finish(&f->value);
    free(f->converted);
    f->converted = NULL;
}

// `components` floats per element; false when the attribute is missing, empty or of another shape.
static bool fetch_floats(const struct stage *s, uint32_t prim, const char *name, int components, struct fetched *out)
{
    if (!attr_read(s, prim, paths_token(s->paths, name, strlen(name)), &out->value))
        return false;
    DLDataType t = out->value.type.dtype;
    if (t.code != kDLFloat || t.lanes != components || !out->value.count)
        return false;
    out->count = out->value.count;
    out->data  = out->value.data;
    if (t.bits == 32)
        return true;
    size_t n     = out->count * (size_t)components;
    float *floats = out->converted = malloc(n * sizeof(float));
    if (!floats)
        return false;
    for (size_t i = 0; i < n; i++)
        floats[i] = t.bits == 64 ? (float)((const double *)out->data)[i] : usd_half_to_float(((const uint16_t *)out->data)[i]);
    out->data = floats;
    return true;
}

static bool fetch_ints(const struct stage *s, uint32_t prim, const char *name, struct fetched *out)
{
    if (!attr_read(s, prim, paths_token(s->paths, name, strlen(name)), &out->value))
        return false;
    DLDataType t = out->value.type.dtype;
    if ((t.code != kDLInt && t.code != kDLUInt) || t.bits != 32 || t.lanes != 1)
        return false;
    out->count = out->value.count;
    out->data  = out->value.data;
    return out->count > 0;
}

static enum render_interpolation interpolation(const char *name)
{
    switch (name[0]) {
    case 'u': return RENDER_UNIFORM;
    case 'f': return RENDER_FACE_VARYING;
    case 'v': return name[1] == 'a' ? RENDER_VARYING : RENDER_VERTEX;
    default: return RENDER_CONSTANT;
    }
}

// ---------------------------------------------------------------------------------------------
// Primvars

// A primvar of the prim itself, or a constant one of an ancestor.
static void fetch_primvar(const struct stage *s, struct mesh_fetch *m, const char *name)
{
    if (m->primvar_count == MAX_PRIMVARS)
        return;
    for (size_t i = 0; i < m->primvar_count; i++) {
        if (!strcmp(m->primvars[i].name, name))
            return;
    }
    char attribute[256], index_name[272];
    if (snprintf(attribute, sizeof(attribute), "primvars:%s", name) >= (int)sizeof(attribute))
        return;
    snprintf(index_name, sizeof(index_name), "%s:indices", attribute);
    const usd_property *property = usd_prim_find_primvar(s->prims.items[m->prim].usd, name, NULL);
    uint32_t owner               = m->prim;
    while (property && owner && s->prims.items[owner].usd != usd_property_prim(property)
           && usd_prim_in_prototype(s->prims.items[owner].usd) != usd_prim_in_prototype(usd_property_prim(property)))
        owner = s->prims.items[owner].parent;
    if (!owner)
        owner = m->prim;
    uint32_t token = paths_token(s->paths, attribute, strlen(attribute));
    ovrtx_attribute_type_t type;
    if (!attr_type(s, owner, token, &type) || type.dtype.code != kDLFloat || type.dtype.lanes > 4)
        return;

    size_t i                    = m->primvar_count;
    struct fetched *values      = &m->primvar_values[i];
    if (!fetch_floats(s, owner, attribute, type.dtype.lanes, values)) {
        fetched_finish(values);
        *values = (struct fetched) { 0 };
        return;
    }
    struct render_primvar *out = &m->primvars[i];
    *out = (struct render_primvar) { .name = paths_token_text(s->paths, paths_token(s->paths, name, strlen(name))),
                                     .interpolation = property ? interpolation(usd_attr_interpolation(property)) : RENDER_CONSTANT,
                                     .components = type.dtype.lanes, .count = values->count, .values = values->data };
    // A colour written at run time has no metadata; its length says what it is.
    if (!property || !usd_attr_has_value(property)) {
        if (values->count == m->points.count && values->count > 1)
            out->interpolation = RENDER_VERTEX;
        else if (values->count == m->counts.count && values->count > 1)
            out->interpolation = RENDER_UNIFORM;
    }
    if (usd_prim_find_property(s->prims.items[owner].usd, index_name)
        && fetch_ints(s, owner, index_name, &m->primvar_indices[i])) {
        out->index_count = m->primvar_indices[i].count;
        out->indices     = m->primvar_indices[i].data;
    }
    m->primvar_count++;
}

// Texture coordinates (every two-component primvar), colours, and what the bound materials ask for.
static void fetch_primvars(struct draw *d, struct mesh_fetch *m, const struct material *const *materials, size_t count)
{
    const struct stage *s = d->stage;
    const usd_prim *usd   = s->prims.items[m->prim].usd;
    fetch_primvar(s, m, "displayColor");
    fetch_primvar(s, m, "displayOpacity");
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; materials[i] && k < materials[i]->primvars.count; k++)
            fetch_primvar(s, m, paths_token_text(s->paths, materials[i]->primvars.items[k]));
    }
    size_t properties = usd_prim_property_count(usd);
    for (size_t i = 0; i < properties; i++) {
        const usd_property *property = usd_prim_property(usd, i);
        const char *name             = usd_property_name(property);
        if (!strncmp(name, "primvars:", 9) && usd_type_components(usd_property_type(property, NULL)) == 2)
            fetch_primvar(s, m, name + 9);
    }
}

static void fetch_normals(const struct stage *s, struct mesh_fetch *m)
{
    const usd_prim *usd          = s->prims.items[m->prim].usd;
    const usd_property *property = usd_prim_find_property(usd, "primvars:normals");
    const char *name             = "primvars:normals";
    if (!property || stage_override(s, m->prim, s->names.normals)) {
        property = usd_prim_find_property(usd, "normals");
        name     = "normals";
    }
    if (!fetch_floats(s, m->prim, name, 3, &m->normals))
        return;
    m->normal_primvar = (struct render_primvar) {
        .name = "normals", .interpolation = property ? interpolation(usd_attr_interpolation(property)) : RENDER_VERTEX,
        .components = 3, .count = m->normals.count, .values = m->normals.data };
    if (name[0] == 'p' && usd_prim_find_property(usd, "primvars:normals:indices")
        && fetch_ints(s, m->prim, "primvars:normals:indices", &m->normal_indices)) {
        m->normal_primvar.index_count = m->normal_indices.count;
        m->normal_primvar.indices     = m->normal_indices.data;
    }
    m->desc.normals = &m->normal_primvar;
}

// ---------------------------------------------------------------------------------------------
// Meshes

static void fetch_mesh(struct draw *d, struct mesh_fetch *m, const struct material *const *materials, size_t count)
{
    const struct stage *s = d->stage;
    m->valid = fetch_floats(s, m->prim, "points", 3, &m->points) && fetch_ints(s, m->prim, "faceVertexCounts", &m->counts)
        && fetch_ints(s, m->prim, "faceVertexIndices", &m->indices);
    if (!m->valid)
        return;
    const char *orientation = "", *scheme = "";
    stage_get_token(s, m->prim, "orientation", &orientation);
    stage_get_token(s, m->prim, "subdivisionScheme", &scheme);
    m->desc = (struct render_mesh_desc) {
        .name = stage_path_text(s, m->prim),
        .points = m->points.data, .point_count = m->points.count,
        .face_vertex_counts = m->counts.data, .face_count = m->counts.count,
        .face_vertex_indices = m->indices.data, .face_vertex_count = m->indices.count,
        .left_handed = !strcmp(orientation, "leftHanded"), .smooth = strcmp(scheme, "none") != 0,
    };
    stage_get_bool(s, m->prim, "doubleSided", &m->desc.double_sided);
    if (fetch_ints(s, m->prim, "holeIndices", &m->holes)) {
        m->desc.hole_faces = m->holes.data;
        m->desc.hole_count = m->holes.count;
    }
    fetch_normals(s, m);
    fetch_primvars(d, m, materials, count);
    m->desc.primvars      = m->primvars;
    m->desc.primvar_count = m->primvar_count;
    for (size_t i = 0; i < m->subset_count; i++) {
        fetch_ints(s, m->subset_prims[i], "indices", &m->subset_faces[i]);
        m->subsets[i] = (struct render_subset) { m->subset_faces[i].data, m->subset_faces[i].count };
    }
    m->desc.subsets      = m->subsets;
    m->desc.subset_count = m->subset_count;
}

static void finish_mesh(struct mesh_fetch *m)
{
    fetched_finish(&m->points);
    fetched_finish(&m->counts);
    fetched_finish(&m->indices);
    fetched_finish(&m->holes);
    fetched_finish(&m->normals);
    fetched_finish(&m->normal_indices);
    for (size_t i = 0; i < MAX_PRIMVARS; i++) {
        fetched_finish(&m->primvar_values[i]);
        fetched_finish(&m->primvar_indices[i]);
    }
    for (size_t i = 0; i < m->subset_count; i++)
        fetched_finish(&m->subset_faces[i]);
}

static int create_shape(struct draw *d, uint32_t prim, render_id *out)
{
    static const enum render_shape shapes[] = {
        [PRIM_CUBE] = RENDER_CUBE, [PRIM_SPHERE] = RENDER_SPHERE,   [PRIM_CYLINDER] = RENDER_CYLINDER,
        [PRIM_CONE] = RENDER_CONE, [PRIM_CAPSULE] = RENDER_CAPSULE, [PRIM_PLANE] = RENDER_PLANE,
    };
    const struct stage *s = d->stage;
    bool capsule          = s->prims.items[prim].kind == PRIM_CAPSULE;
    const char *axis      = "Z";
    struct render_shape_desc desc = { .name = stage_path_text(s, prim), .shape = shapes[s->prims.items[prim].kind],
                                      .size = 2, .radius = capsule ? 0.5 : 1, .height = capsule ? 1 : 2, .width = 2, .length = 2 };
    stage_get_double(s, prim, "size", &desc.size);
    stage_get_double(s, prim, "radius", &desc.radius);
    if (!stage_get_double(s, prim, "radiusTop", &desc.radius)) // the _1 types; one radius for both ends
        stage_get_double(s, prim, "radius", &desc.radius);
    stage_get_double(s, prim, "height", &desc.height);
    stage_get_double(s, prim, "width", &desc.width);
    stage_get_double(s, prim, "length", &desc.length);
    stage_get_token(s, prim, "axis", &axis);
    stage_get_bool(s, prim, "doubleSided", &desc.double_sided);
    desc.axis = axis[0];
    struct mesh_fetch *m = calloc(1, sizeof(*m));
    if (!m)
        return RENDER_ERR_NOMEM;
    m->prim = prim;
    fetch_primvar(s, m, "displayColor");
    if (m->primvar_count && m->primvars[0].interpolation == RENDER_CONSTANT)
        desc.display_color = &m->primvars[0];
    int rc = render_shape_create(d->scene, &desc, out);
    finish_mesh(m);
    free(m);
    return rc;
}

// ---------------------------------------------------------------------------------------------
// Geometries

// Whether something was written to the prim that its shape depends on.
static bool shape_written(const struct stage *s, uint32_t prim)
{
    uint32_t list = s->prims.items[prim].overrides;
    for (size_t i = 0; list && i < s->overrides.items[list].count; i++) {
        uint32_t name = s->overrides.items[list].items[i].name;
        if (name != s->names.xform && name != s->names.reset_xform && name != s->names.visibility
            && name != s->names.purpose && name != s->names.binding)
            return true;
    }
    return false;
}

static uint64_t key_of(const struct stage *s, uint32_t prim)
{
    const struct stage_prim *p = &s->prims.items[prim];
    bool own = !p->usd || shape_written(s, prim);
    // Subsets may be written too; they belong to the mesh.
    for (uint32_t c = p->first_child; c && !own; c = s->prims.items[c].next_sibling)
        own = shape_written(s, c);
    return own ? (uint64_t)prim << 1 | 1 : (uint64_t)(uintptr_t)usd_prim_in_prototype(p->usd);
}

static uint32_t add_geometry(struct draw *d, struct geometry g)
{
    uint32_t index;
    if (d->free_geometries.count) {
        index                     = d->free_geometries.items[--d->free_geometries.count];
        d->geometries.items[index] = g;
    } else {
        index = (uint32_t)d->geometries.count;
        if (!array_push(&d->geometries, g))
            return 0;
    }
    hash_map_put(&d->geometry_by_key, g.key, index);
    return index + 1;
}

void geometry_release(struct draw *d, uint32_t geometry)
{
    struct geometry *g = &d->geometries.items[geometry - 1];
    if (--g->refs)
        return;
    render_mesh_destroy(d->scene, g->mesh);
    hash_map_remove(&d->geometry_by_key, g->key);
    array_push(&d->free_geometries, geometry - 1);
}

struct batch {
    struct draw *d;
    struct mesh_fetch *meshes;
    const struct material *(*materials)[DRAW_MAX_SLOTS];
};

static void fetch_one(void *user, size_t i)
{
    struct batch *b      = user;
    struct mesh_fetch *m = &b->meshes[i];
    if (b->d->stage->prims.items[m->prim].kind == PRIM_MESH)
        fetch_mesh(b->d, m, b->materials[i], m->subset_count + 1);
}

static uint32_t create_one(struct draw *d, struct mesh_fetch *m)
{
    const struct stage *s = d->stage;
    bool is_mesh          = s->prims.items[m->prim].kind == PRIM_MESH;
    render_id mesh        = 0;
    if (is_mesh && !m->valid) {
        log_info("ovrtx.geometry", "%s: no points or faces, nothing to draw", stage_path_text(s, m->prim));
        return 0;
    }
    int rc = is_mesh ? render_mesh_create(d->scene, &m->desc, &mesh) : create_shape(d, m->prim, &mesh);
    if (rc < 0) {
        log_warn("ovrtx.geometry", "%s: cannot be drawn (code %d)", stage_path_text(s, m->prim), rc);
        return 0;
    }
    struct geometry g = { .mesh = mesh, .key = key_of(s, m->prim), .subset_count = (uint32_t)m->subset_count, .box = box_empty() };
    if (!attr_local_box(s, m->prim, &g.box))
        g.box = box_empty();
    return add_geometry(d, g);
}

// The meshes of requests[first..] that do not exist yet, at most FETCH_BATCH of them, each key once.
static size_t collect(struct draw *d, const struct geometry_request *requests, size_t count, size_t *first, uint32_t out[FETCH_BATCH])
{
    size_t n = 0;
    struct hash_map seen = { 0 };
    for (; *first < count && n < FETCH_BATCH; (*first)++) {
        uint64_t key = key_of(d->stage, requests[*first].prim);
        if (hash_map_get(&d->geometry_by_key, key) || hash_map_get(&seen, key))
            continue;
        hash_map_put(&seen, key, 1);
        out[n++] = requests[*first].prim;
    }
    hash_map_finish(&seen);
    return n;
}

int geometries_acquire(struct draw *d, struct geometry_request *requests, size_t count, ovrtx_renderer_t *r, struct op *op)
{
    size_t first = 0, n;
    uint32_t prims[FETCH_BATCH];
    while (first < count) {
        n = collect(d, requests, count, &first, prims);
        if (!n)
            break;
        struct batch b = { d, calloc(n, sizeof(*b.meshes)), calloc(n, sizeof(*b.materials)) };
        if (!b.meshes || !b.materials) {
            free(b.meshes);
            free(b.materials);
            return op_fail(op, "out of memory");
        }
        for (size_t i = 0; i < n; i++) { // what changes the draw state, before the parallel part
            struct mesh_fetch *m = &b.meshes[i];
            m->prim = prims[i];
            if (d->stage->prims.items[m->prim].kind == PRIM_MESH)
                m->subset_count = mesh_subsets(d, m->prim, m->subset_prims);
            material_of(d, m->prim, r);
            for (size_t k = 0; k < m->subset_count; k++)
                material_of(d, m->subset_prims[k], r);
        }
        for (size_t i = 0; i < n; i++) { // addresses are stable from here on
            struct mesh_fetch *m = &b.meshes[i];
            b.materials[i][0]    = material_of(d, m->prim, r);
            for (size_t k = 0; k < m->subset_count && k + 1 < DRAW_MAX_SLOTS; k++)
                b.materials[i][k + 1] = material_of(d, m->subset_prims[k], r);
        }
        thread_pool_for(d->pool, n, fetch_one, &b);
        for (size_t i = 0; i < n; i++) {
            create_one(d, &b.meshes[i]);
            finish_mesh(&b.meshes[i]);
        }
        free(b.meshes);
        free(b.materials);
        if (r)
            ops_progress(r->ops, OP_COUNTER_MESHES, first, count);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t *known      = hash_map_get(&d->geometry_by_key, key_of(d->stage, requests[i].prim));
        requests[i].geometry = known ? (uint32_t)*known + 1 : 0;
        if (known)
            d->geometries.items[*known].refs++;
    }
    return 0;
}

int geometry_update_points(struct draw *d, uint32_t geometry, uint32_t prim)
{
    struct geometry *g = &d->geometries.items[geometry - 1];
    if (g->refs > 1 || d->stage->prims.items[prim].kind != PRIM_MESH)
        return 1;
    struct mesh_fetch *m = calloc(1, sizeof(*m));
    if (!m)
        return -1;
    m->prim         = prim;
    m->subset_count = mesh_subsets(d, prim, m->subset_prims);
    fetch_mesh(d, m, NULL, 0);
    int rc = 1;
    if (m->valid && m->subset_count == g->subset_count && render_mesh_update(d->scene, g->mesh, &m->desc) == RENDER_OK) {
        hash_map_remove(&d->geometry_by_key, g->key);
        g->key = key_of(d->stage, prim);
        hash_map_put(&d->geometry_by_key, g->key, geometry - 1);
        if (!attr_local_box(d->stage, prim, &g->box))
            g->box = box_empty();
        rc = 0;
    }
    finish_mesh(m);
    free(m);
    return rc;
}
