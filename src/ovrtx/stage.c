#include "stage.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static uint32_t token(struct paths *p, const char *text) { return paths_token(p, text, strlen(text)); }

int stage_init(struct stage *s, struct paths *paths)
{
    *s = (struct stage) { .paths = paths, .meters_per_unit = 0.01, .up_axis = 'Y' };
    s->names.xform         = token(paths, "omni:xform");
    s->names.local_matrix  = token(paths, "omni:fabric:localMatrix");
    s->names.reset_xform   = token(paths, "omni:resetXformStack");
    s->names.world_extent  = token(paths, "_worldExtent");
    s->names.extent        = token(paths, "extent");
    s->names.visibility    = token(paths, "visibility");
    s->names.purpose       = token(paths, "purpose");
    s->names.points        = token(paths, "points");
    s->names.normals       = token(paths, "normals");
    s->names.binding       = token(paths, "material:binding");
    s->names.outline_group = token(paths, OVRTX_ATTR_NAME_SELECTION_OUTLINE_GROUP);
    s->names.pickable      = token(paths, OVRTX_ATTR_NAME_PICKABLE);
    // Index 0 of each table means "none".
    if (!array_push(&s->prims, (struct stage_prim) { .path = paths_path(paths, "/", 1), .alive = true })
        || !array_push(&s->sources, (struct stage_source) { 0 })
        || !array_push(&s->overrides, (struct stage_overrides) { 0 })) {
        stage_finish(s);
        return -1;
    }
    return 0;
}

static void free_overrides(struct stage_overrides *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->items[i].data);
    array_free(o);
}

void stage_clear(struct stage *s)
{
    for (size_t i = 1; i < s->overrides.count; i++)
        free_overrides(&s->overrides.items[i]);
    for (size_t i = 1; i < s->sources.count; i++) {
        usd_stage_close(&s->sources.items[i].usd);
        free(s->sources.items[i].usd_root);
    }
    hash_map_clear(&s->by_path);
    array_clear(&s->changed);
    s->prims.count     = s->prims.count ? 1 : 0;
    s->overrides.count = s->overrides.count ? 1 : 0;
    s->sources.count   = s->sources.count ? 1 : 0;
    if (s->prims.count) {
        struct stage_prim *root = &s->prims.items[0];
        root->first_child = root->last_child = root->changes = 0;
    }
    s->time_set           = false;
    s->time               = 0;
    s->populate_all       = false;
    s->binding_overridden = false;
    s->meters_per_unit    = 0.01;
    s->up_axis            = 'Y';
    s->generation++;
}

void stage_finish(struct stage *s)
{
    stage_clear(s);
    array_free(&s->prims);
    array_free(&s->sources);
    array_free(&s->overrides);
    array_free(&s->changed);
    hash_map_finish(&s->by_path);
    hash_map_finish(&s->kinds);
}

// ---------------------------------------------------------------------------------------------
// Kinds

static const struct {
    const char *type;
    enum prim_kind kind;
} exact_kinds[] = {
    { "Mesh", PRIM_MESH },
    { "Cube", PRIM_CUBE },
    { "Sphere", PRIM_SPHERE },
    { "Cylinder", PRIM_CYLINDER },
    { "Cylinder_1", PRIM_CYLINDER },
    { "Cone", PRIM_CONE },
    { "Capsule", PRIM_CAPSULE },
    { "Capsule_1", PRIM_CAPSULE },
    { "Plane", PRIM_PLANE },
    { "PointInstancer", PRIM_POINT_INSTANCER },
    { "BasisCurves", PRIM_UNSUPPORTED_GEOMETRY },
    { "NurbsCurves", PRIM_UNSUPPORTED_GEOMETRY },
    { "HermiteCurves", PRIM_UNSUPPORTED_GEOMETRY },
    { "NurbsPatch", PRIM_UNSUPPORTED_GEOMETRY },
    { "Points", PRIM_UNSUPPORTED_GEOMETRY },
    { "Volume", PRIM_UNSUPPORTED_GEOMETRY },
    { "TetMesh", PRIM_UNSUPPORTED_GEOMETRY },
    { "Camera", PRIM_CAMERA },
    { "DistantLight", PRIM_LIGHT },
    { "DomeLight", PRIM_LIGHT },
    { "DomeLight_1", PRIM_LIGHT },
    { "SphereLight", PRIM_LIGHT },
    { "RectLight", PRIM_LIGHT },
    { "DiskLight", PRIM_LIGHT },
    { "CylinderLight", PRIM_LIGHT },
    { "GeometryLight", PRIM_LIGHT },
    { "PortalLight", PRIM_LIGHT },
    { "Material", PRIM_MATERIAL },
    { "Shader", PRIM_SHADER },
    { "NodeGraph", PRIM_NODE_GRAPH },
    { "GeomSubset", PRIM_GEOM_SUBSET },
    { "RenderProduct", PRIM_RENDER_PRODUCT },
    { "RenderVar", PRIM_RENDER_VAR },
};

bool stage_is_drawable(enum prim_kind kind) { return kind >= PRIM_MESH && kind <= PRIM_PLANE; }

static enum prim_kind kind_of(struct stage *s, uint32_t type, const char *text)
{
    uint64_t *known = hash_map_get(&s->kinds, type);
    if (known)
        return (enum prim_kind)*known;
    enum prim_kind kind = PRIM_OTHER;
    for (size_t i = 0; i < sizeof(exact_kinds) / sizeof(exact_kinds[0]); i++) {
        if (!strcmp(exact_kinds[i].type, text))
            kind = exact_kinds[i].kind;
    }
    hash_map_put(&s->kinds, type, (uint64_t)kind);
    return kind;
}

// ---------------------------------------------------------------------------------------------
// The prim table

uint32_t stage_find(const struct stage *s, uint32_t path)
{
    uint64_t *index = path ? hash_map_get(&s->by_path, path) : NULL;
    return index ? (uint32_t)*index : 0;
}

uint32_t stage_find_text(const struct stage *s, const char *path)
{
    return stage_find(s, paths_find(s->paths, path, strlen(path)));
}

const char *stage_path_text(const struct stage *s, uint32_t prim)
{
    return paths_text(s->paths, s->prims.items[prim].path, NULL);
}

const char *stage_type_text(const struct stage *s, uint32_t prim)
{
    return paths_token_text(s->paths, s->prims.items[prim].type);
}

uint32_t stage_next(const struct stage *s, uint32_t prim, uint32_t root, bool skip_children)
{
    const struct stage_prim *prims = s->prims.items;
    if (!skip_children && prims[prim].first_child)
        return prims[prim].first_child;
    while (prim != root) {
        if (prims[prim].next_sibling)
            return prims[prim].next_sibling;
        prim = prims[prim].parent;
    }
    return 0;
}

void stage_touch(struct stage *s, uint32_t prim, uint32_t changes)
{
    struct stage_prim *p = &s->prims.items[prim];
    // Without memory for the list the scene misses one change; nothing else can be done about it.
    if (p->changes || array_push(&s->changed, prim))
        p->changes |= changes;
}

static uint32_t add_prim(struct stage *s, uint32_t parent, uint32_t path, const char *type)
{
    if (s->prims.count >= UINT32_MAX - 1)
        return 0;
    uint32_t type_token = token(s->paths, type);
    uint32_t index      = (uint32_t)s->prims.count;
    if (!array_push(&s->prims, (struct stage_prim) { .path = path, .type = type_token, .parent = parent, .alive = true,
                                                     .kind = (uint8_t)kind_of(s, type_token, type) })
        || !hash_map_put(&s->by_path, path, index))
        return 0;
    struct stage_prim *p = &s->prims.items[parent];
    if (p->last_child)
        s->prims.items[p->last_child].next_sibling = index;
    else
        p->first_child = index;
    p->last_child = index;
    s->generation++;
    return index;
}

uint32_t stage_create_prim(struct stage *s, uint32_t path)
{
    uint32_t found = stage_find(s, path);
    if (found)
        return found;
    size_t size;
    const char *text = paths_text(s->paths, path, &size);
    if (size < 2)
        return 0;
    size_t slash    = (size_t)(strrchr(text, '/') - text);
    uint32_t parent = slash ? stage_create_prim(s, paths_path(s->paths, text, slash)) : 0;
    if (slash && !parent)
        return 0;
    uint32_t prim = add_prim(s, parent, path, "");
    if (prim)
        s->prims.items[prim].has_transform = true; // so that what is below can be moved
    return prim;
}

static void set_usd(struct stage *s, uint32_t index, const usd_prim *usd, uint32_t source, uint32_t added_by)
{
    struct stage_prim *p = &s->prims.items[index];
    p->usd               = usd;
    p->source            = source;
    p->added_by          = added_by;
    // Untyped prims have no transform of their own, except where somebody authored one.
    p->has_transform = (p->kind >= PRIM_MESH && p->kind <= PRIM_LIGHT)
        || (p->kind == PRIM_OTHER && (usd_prim_is_a(usd, "Xformable") || usd_prim_find_property(usd, "xformOpOrder")));
}

// Adds everything below a USD prim as children of `parent`, depth first without recursion.
static int add_below(struct stage *s, const usd_prim *top, uint32_t parent, uint32_t source, uint32_t added_by)
{
    const usd_prim *usd = usd_prim_first_child(top);
    uint32_t depth = 0;
    while (usd) {
        uint32_t index = 0;
        if (usd_prim_is_traversable(usd)) {
            const char *name = usd_prim_name(usd);
            uint32_t path    = paths_child(s->paths, s->prims.items[parent].path, name, strlen(name));
            index            = path ? add_prim(s, parent, path, usd_prim_type_name(usd)) : 0;
            if (!index)
                return -1;
            set_usd(s, index, usd, source, added_by);
        }
        const usd_prim *child = index ? usd_prim_first_child(usd) : NULL;
        if (child) {
            parent = index;
            usd    = child;
            depth++;
            continue;
        }
        const usd_prim *next;
        while (!(next = usd_prim_next_sibling(usd)) && depth) {
            usd    = usd_prim_parent(usd);
            parent = s->prims.items[parent].parent;
            depth--;
        }
        usd = next;
    }
    return 0;
}

int stage_graft(struct stage *s, usd_stage *usd, const char *usd_root, uint32_t path, uint32_t added_by)
{
    bool whole         = !strcmp(usd_root, "/");
    const usd_prim *top = whole ? usd_stage_pseudo_root(usd) : usd_stage_find(usd, usd_root);
    double start = 0, end = 0;
    usd_stage_time_range(usd, &start, &end);
    struct stage_source source = { usd, strdup(usd_root), path, usd_stage_time_codes_per_second(usd), start };
    if (!top || !source.usd_root || !array_push(&s->sources, source)) {
        free(source.usd_root);
        usd_stage_close(&usd);
        return -1;
    }
    uint32_t source_index = (uint32_t)s->sources.count - 1;
    if (whole)
        return add_below(s, top, 0, source_index, added_by);

    size_t size;
    const char *text = paths_text(s->paths, path, &size);
    size_t slash     = (size_t)(strrchr(text, '/') - text);
    uint32_t parent  = slash ? stage_create_prim(s, paths_path(s->paths, text, slash)) : 0;
    uint32_t index   = slash && !parent ? 0 : add_prim(s, parent, path, usd_prim_type_name(top));
    if (!index)
        return -1;
    set_usd(s, index, top, source_index, added_by);
    stage_touch(s, index, CHANGE_ADDED);
    return add_below(s, top, index, source_index, added_by);
}

static int copy_overrides(struct stage *s, uint32_t from, uint32_t to)
{
    uint32_t list = s->prims.items[from].overrides;
    for (size_t i = 0; list && i < s->overrides.items[list].count; i++) {
        const struct stage_attr attr = s->overrides.items[list].items[i];
        if (!stage_set_override(s, to, attr.name, attr.type, attr.data, attr.count))
            return -1;
    }
    return 0;
}

static int clone_prim(struct stage *s, uint32_t from, uint32_t parent, uint32_t path, uint32_t *out)
{
    const char *type = stage_type_text(s, from);
    *out             = add_prim(s, parent, path, type);
    if (!*out)
        return -1;
    struct stage_prim *p = &s->prims.items[*out];
    const struct stage_prim *q = &s->prims.items[from];
    p->usd           = q->usd;
    p->source        = q->source;
    p->has_transform = q->has_transform;
    p->pickable      = q->pickable;
    return copy_overrides(s, from, *out);
}

int stage_clone(struct stage *s, uint32_t source, uint32_t target_path)
{
    const char *text = paths_text(s->paths, target_path, NULL);
    size_t slash     = (size_t)(strrchr(text, '/') - text);
    uint32_t parent  = slash ? stage_create_prim(s, paths_path(s->paths, text, slash)) : 0, top;
    if ((slash && !parent) || clone_prim(s, source, parent, target_path, &top))
        return -1;
    stage_touch(s, top, CHANGE_ADDED);

    // Walk the source and the copy side by side. A target below the source is not copied into itself.
    uint32_t from = source, to = top;
    for (;;) {
        uint32_t next = s->prims.items[from].first_child;
        if (next) {
            parent = to;
        } else {
            while (from != source && !s->prims.items[from].next_sibling) {
                from = s->prims.items[from].parent;
                to   = s->prims.items[to].parent;
            }
            if (from == source)
                return 0;
            next   = s->prims.items[from].next_sibling;
            parent = s->prims.items[to].parent;
        }
        while (next == top)
            next = s->prims.items[next].next_sibling;
        if (!next)
            return 0;
        size_t size;
        const char *name = strrchr(paths_text(s->paths, s->prims.items[next].path, &size), '/') + 1;
        uint32_t path    = paths_child(s->paths, s->prims.items[parent].path, name, strlen(name));
        if (!path || clone_prim(s, next, parent, path, &to))
            return -1;
        from = next;
    }
}

void stage_remove(struct stage *s, uint32_t prim)
{
    struct stage_prim *prims = s->prims.items;
    uint32_t parent          = prims[prim].parent, before = 0;
    for (uint32_t c = prims[parent].first_child; c && c != prim; c = prims[c].next_sibling)
        before = c;
    uint32_t after = prims[prim].next_sibling;
    if (before)
        prims[before].next_sibling = after;
    else
        prims[parent].first_child = after;
    if (prims[parent].last_child == prim)
        prims[parent].last_child = before;

    for (uint32_t p = prim; p; p = stage_next(s, p, prim, false)) {
        hash_map_remove(&s->by_path, prims[p].path);
        prims[p].alive = false;
        stage_touch(s, p, CHANGE_REMOVED);
        if (prims[p].overrides)
            free_overrides(&s->overrides.items[prims[p].overrides]);
    }
    prims[prim].next_sibling = 0;
    s->generation++;
}

// ---------------------------------------------------------------------------------------------
// Written values

const struct stage_attr *stage_override(const struct stage *s, uint32_t prim, uint32_t name)
{
    uint32_t list = s->prims.items[prim].overrides;
    if (!list || !name)
        return NULL;
    const struct stage_overrides *o = &s->overrides.items[list];
    for (size_t i = 0; i < o->count; i++) {
        if (o->items[i].name == name)
            return &o->items[i];
    }
    return NULL;
}

static size_t element_size(DLDataType d) { return (size_t)d.bits / 8 * d.lanes; }

const struct stage_attr *stage_set_override(struct stage *s, uint32_t prim, uint32_t name,
                                            ovrtx_attribute_type_t type, const void *data, size_t count)
{
    struct stage_prim *p = &s->prims.items[prim];
    if (!p->overrides) {
        if (!array_push(&s->overrides, (struct stage_overrides) { 0 }))
            return NULL;
        p->overrides = (uint32_t)s->overrides.count - 1;
    }
    struct stage_overrides *o = &s->overrides.items[p->overrides];
    struct stage_attr *attr   = (struct stage_attr *)(uintptr_t)stage_override(s, prim, name);
    size_t size               = element_size(type.dtype) * count;
    if (!attr) {
        if (!array_push(o, (struct stage_attr) { .name = name }))
            return NULL;
        attr = &o->items[o->count - 1];
    }
    if (!attr->data || size > element_size(attr->type.dtype) * attr->count) {
        void *bigger = realloc(attr->data, size ? size : 1);
        if (!bigger)
            return NULL;
        attr->data = bigger;
    }
    if (size)
        memcpy(attr->data, data, size);
    attr->type  = type;
    attr->count = count;
    if (name == s->names.binding)
        s->binding_overridden = true;
    return attr;
}

void stage_drop_override(struct stage *s, uint32_t prim, uint32_t name)
{
    uint32_t list = s->prims.items[prim].overrides;
    if (!list)
        return;
    struct stage_overrides *o = &s->overrides.items[list];
    for (size_t i = 0; i < o->count; i++) {
        if (o->items[i].name == name) {
            free(o->items[i].data);
            o->items[i] = o->items[--o->count];
            return;
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Places

double stage_time_code(const struct stage *s, uint32_t prim)
{
    const struct stage_source *source = &s->sources.items[s->prims.items[prim].source];
    return s->time_set ? s->time * source->codes_per_second : source->start_code;
}

uint32_t stage_path_from_usd(const struct stage *s, uint32_t source_index, const char *usd_path)
{
    const struct stage_source *source = &s->sources.items[source_index];
    if (!source->usd || !usd_path)
        return 0;
    if (!strcmp(source->usd_root, "/"))
        return paths_path(s->paths, usd_path, strlen(usd_path));
    size_t root = strlen(source->usd_root);
    if (strncmp(usd_path, source->usd_root, root) || (usd_path[root] && usd_path[root] != '/'))
        return 0;
    return usd_path[root] ? paths_child(s->paths, source->path, usd_path + root + 1, strlen(usd_path + root + 1))
                          : source->path;
}
