#include "attrs.h"

#include <stdlib.h>
#include <string.h>

#include "attr_schema.h"
#include "xform.h"

static ovrtx_attribute_type_t plain(uint8_t code, uint8_t bits, uint16_t lanes, bool is_array)
{
    return (ovrtx_attribute_type_t) { { code, bits, lanes }, is_array, OVRTX_SEMANTIC_NONE };
}

static const ovrtx_attribute_type_t extent_type = { { kDLFloat, 64, 6 }, false, OVRTX_SEMANTIC_NONE };
static const ovrtx_attribute_type_t matrix_type = { { kDLFloat, 64, 16 }, false, OVRTX_SEMANTIC_NONE };
static const ovrtx_attribute_type_t bool_type   = { { kDLBool, 8, 1 }, false, OVRTX_SEMANTIC_NONE };
static const ovrtx_attribute_type_t path_type   = { { kDLUInt, 64, 1 }, true, OVRTX_SEMANTIC_PATH_ID };

// false for types that are not shown: asset[], string[], timecode, dictionaries, paths.
static bool type_of_usd(enum usd_type type, bool is_array, ovrtx_attribute_type_t *out)
{
    switch (type) {
    case USD_TYPE_STRING:
        *out = plain(kDLUInt, 8, 1, true);
        return !is_array;
    case USD_TYPE_TOKEN:
        *out          = plain(kDLUInt, 64, 1, is_array);
        out->semantic = OVRTX_SEMANTIC_TOKEN_ID;
        return true;
    case USD_TYPE_ASSET:
        *out = plain(kDLUInt, 64, 2, false);
        return !is_array;
    default: break;
    }
    uint16_t lanes = (uint16_t)usd_type_components(type);
    switch (usd_type_component(type)) {
    case USD_TYPE_BOOL: *out = plain(kDLBool, 8, lanes, is_array); return true;
    case USD_TYPE_UCHAR: *out = plain(kDLUInt, 8, lanes, is_array); return true;
    case USD_TYPE_INT: *out = plain(kDLInt, 32, lanes, is_array); return true;
    case USD_TYPE_UINT: *out = plain(kDLUInt, 32, lanes, is_array); return true;
    case USD_TYPE_INT64: *out = plain(kDLInt, 64, lanes, is_array); return true;
    case USD_TYPE_UINT64: *out = plain(kDLUInt, 64, lanes, is_array); return true;
    case USD_TYPE_HALF: *out = plain(kDLFloat, 16, lanes, is_array); return true;
    case USD_TYPE_FLOAT: *out = plain(kDLFloat, 32, lanes, is_array); return true;
    case USD_TYPE_DOUBLE: *out = plain(kDLFloat, 64, lanes, is_array); return true;
    default: return false;
    }
}

static const char *const known_relationships[] = {
    "material:binding", "camera", "orderedVars", "products", "prototypes", "proxyPrim", "skel:skeleton",
    "skel:animationSource", "light:filters", "geometry", "portals",
};

static bool relationship_shown(const char *name)
{
    for (size_t i = 0; i < sizeof(known_relationships) / sizeof(known_relationships[0]); i++) {
        if (!strcmp(name, known_relationships[i]))
            return true;
    }
    return !strncmp(name, "material:binding:", 17);
}

uint32_t attr_canonical(const struct stage *s, uint32_t name)
{
    return name == s->names.local_matrix ? s->names.xform : name;
}

static bool is_boundable(const struct stage_prim *p)
{
    return p->kind >= PRIM_MESH && p->kind <= PRIM_UNSUPPORTED_GEOMETRY;
}

static bool property_type(const struct stage *s, const usd_property *property, ovrtx_attribute_type_t *out)
{
    if (usd_property_is_relationship(property)) {
        *out = path_type;
        return relationship_shown(usd_property_name(property));
    }
    if (usd_property_is_custom(property) && !s->populate_all)
        return false;
    bool is_array;
    enum usd_type type = usd_property_type(property, &is_array);
    return type_of_usd(type, is_array, out);
}

bool attr_type(const struct stage *s, uint32_t prim, uint32_t name, ovrtx_attribute_type_t *out)
{
    const struct stage_prim *p = &s->prims.items[prim];
    name                       = attr_canonical(s, name);
    const struct stage_attr *a = stage_override(s, prim, name);
    if (a) {
        *out = a->type;
        return true;
    }
    if (p->has_transform && (name == s->names.xform || name == s->names.reset_xform)) {
        *out = name == s->names.xform ? matrix_type : bool_type;
        return true;
    }
    if (is_boundable(p) && (name == s->names.world_extent || name == s->names.extent)) {
        *out = extent_type;
        return true;
    }
    const char *text                 = paths_token_text(s->paths, name);
    const struct schema_attr *schema = schema_find(s, prim, text);
    if (schema) {
        if (schema->is_relationship)
            *out = path_type;
        else
            type_of_usd(schema->type, schema->is_array, out);
        return true;
    }
    const usd_property *property = usd_prim_find_property(p->usd, text);
    return property && property_type(s, property, out);
}

// ---------------------------------------------------------------------------------------------
// Reading

// Keeps `size` bytes in the value: in place when they fit.
static void *keep(struct attr_value *v, size_t size)
{
    if (size <= sizeof(v->small))
        return memset(v->small, 0, sizeof(v->small));
    return v->owned = calloc(1, size);
}

static bool read_targets(const struct stage *s, uint32_t prim, const char *name, struct attr_value *v)
{
    const usd_property *rel = usd_prim_find_property(s->prims.items[prim].usd, name);
    size_t count            = rel && usd_property_is_relationship(rel) ? usd_rel_target_count(rel) : 0;
    uint64_t *ids           = keep(v, count * sizeof(*ids));
    v->type                 = path_type;
    v->data                 = ids;
    for (size_t i = 0; ids && i < count; i++) {
        ids[v->count] = stage_get_target(s, prim, name, i);
        v->count += ids[v->count] != 0;
    }
    return ids != NULL;
}

static bool convert_tokens(const struct stage *s, struct attr_value *v)
{
    const char *const *texts = v->usd.data;
    uint64_t *ids            = keep(v, v->usd.count * sizeof(*ids));
    for (size_t i = 0; ids && i < v->usd.count; i++)
        ids[i] = paths_token(s->paths, texts[i], strlen(texts[i]));
    v->data  = ids;
    v->count = v->usd.count;
    return ids != NULL;
}

static bool convert_string(struct attr_value *v, const char *text)
{
    v->count   = strlen(text);
    char *copy = keep(v, v->count + 1);
    if (copy)
        memcpy(copy, text, v->count);
    v->data = copy;
    return copy != NULL;
}

static bool convert_asset(const struct stage *s, struct attr_value *v)
{
    const struct usd_asset *asset = v->usd.data;
    uint64_t *pair                = keep(v, 2 * sizeof(*pair));
    pair[0] = paths_token(s->paths, asset->authored, strlen(asset->authored));
    v->data  = pair;
    v->count = 1;
    return true;
}

// One number of a wanted type.
static void store(void *out, DLDataType type, size_t lane, double number)
{
    switch (type.code << 8 | type.bits) {
    case kDLFloat << 8 | 32: ((float *)out)[lane] = (float)number; break;
    case kDLFloat << 8 | 64: ((double *)out)[lane] = number; break;
    case kDLInt << 8 | 32: ((int32_t *)out)[lane] = (int32_t)number; break;
    case kDLUInt << 8 | 32: ((uint32_t *)out)[lane] = number > 0 ? (uint32_t)number : 0; break;
    case kDLInt << 8 | 64: ((int64_t *)out)[lane] = (int64_t)number; break;
    case kDLUInt << 8 | 8: ((uint8_t *)out)[lane] = (uint8_t)number; break;
    case kDLBool << 8 | 8: ((uint8_t *)out)[lane] = number != 0; break;
    default: break;
    }
}

// The value has USD's own layout: show it as `wanted`, converting scalars where the types differ.
static bool convert_usd(const struct stage *s, struct attr_value *v, ovrtx_attribute_type_t wanted)
{
    ovrtx_attribute_type_t native;
    v->type = wanted;
    switch (v->usd.type) {
    case USD_TYPE_TOKEN:
        if (wanted.semantic == OVRTX_SEMANTIC_TOKEN_ID)
            return convert_tokens(s, v);
        return wanted.dtype.bits == 8 && convert_string(v, *(const char *const *)v->usd.data);
    case USD_TYPE_STRING:
        if (wanted.semantic == OVRTX_SEMANTIC_TOKEN_ID)
            return convert_tokens(s, v);
        return wanted.dtype.bits == 8 && convert_string(v, *(const char *const *)v->usd.data);
    case USD_TYPE_ASSET: return convert_asset(s, v);
    default: break;
    }
    if (!type_of_usd(v->usd.type, v->usd.is_array, &native))
        return false;
    bool same = native.dtype.code == wanted.dtype.code && native.dtype.bits == wanted.dtype.bits
        && native.dtype.lanes == wanted.dtype.lanes && native.is_array == wanted.is_array;
    if (same || wanted.is_array) {
        // An array whose authored type differs from the schema's (double3 points, ...) shows as it is.
        v->type  = same ? wanted : native;
        v->data  = v->usd.data;
        v->count = v->usd.count;
        return native.is_array == wanted.is_array;
    }
    double numbers[16] = { 0 };
    usd_value_doubles(&v->usd, 0, numbers, wanted.dtype.lanes < 16 ? wanted.dtype.lanes : 16);
    void *out = keep(v, attr_element_size(wanted.dtype));
    for (size_t i = 0; i < wanted.dtype.lanes && i < 16; i++)
        store(out, wanted.dtype, i, numbers[i]);
    v->data  = out;
    v->count = 1;
    return true;
}

static bool read_box(const struct stage *s, uint32_t prim, bool world, struct attr_value *v)
{
    struct box box = { { 0 }, { 0 } };
    if (attr_local_box(s, prim, &box) && world) {
        double m[16];
        stage_world_matrix(s, prim, m);
        box = box_transformed(&box, m);
    }
    v->type  = extent_type;
    v->count = 1;
    v->data  = memcpy(v->small, &box, sizeof(box));
    return true;
}

static bool read_transform(const struct stage *s, uint32_t prim, bool matrix, struct attr_value *v)
{
    bool resets;
    double m[16];
    stage_local_matrix(s, prim, m, &resets);
    v->type  = matrix ? matrix_type : bool_type;
    v->count = 1;
    v->data  = v->small;
    if (matrix)
        memcpy(v->small, m, sizeof(m));
    else
        memset(v->small, resets, 1);
    return true;
}

static bool read_fallback(const struct stage *s, const struct schema_attr *schema, ovrtx_attribute_type_t type,
                          struct attr_value *v)
{
    v->type = type;
    v->data = v->small;
    if (schema->text && type.semantic == OVRTX_SEMANTIC_TOKEN_ID) {
        uint64_t id = paths_token(s->paths, schema->text, strlen(schema->text));
        memcpy(v->small, &id, sizeof(id));
        v->count = 1;
        return true;
    }
    if (schema->text)
        return convert_string(v, schema->text);
    if (type.is_array) // empty
        return true;
    for (size_t i = 0; i < type.dtype.lanes && i < 4; i++)
        store(v->small, type.dtype, i, schema->fallback[i]);
    v->count = 1;
    return true;
}

// Scalar float3 attributes that no schema defines read as zero until they are written: programs written
// against the interface rely on it.
static bool reads_as_zero(const usd_property *property)
{
    const char *name = usd_property_name(property);
    static const char *const known[] = { "xformOp:", "primvars:", "inputs:", "outputs:", "omni:rtx:", "omni:kit:",
                                         "clippingPlanes", "exposure" };
    if (strcmp(usd_property_type_name(property), "float3"))
        return false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!strncmp(name, known[i], strlen(known[i])))
            return false;
    }
    return true;
}

bool attr_read(const struct stage *s, uint32_t prim, uint32_t name, struct attr_value *v)
{
    memset(v, 0, sizeof(*v));
    const struct stage_prim *p = &s->prims.items[prim];
    name                       = attr_canonical(s, name);
    const struct stage_attr *a = stage_override(s, prim, name);
    if (a) {
        v->type  = a->type;
        v->count = a->count;
        v->data  = a->data;
        return true;
    }
    if (!attr_type(s, prim, name, &v->type))
        return false;
    if (name == s->names.xform || name == s->names.reset_xform)
        return read_transform(s, prim, name == s->names.xform, v);
    if (is_boundable(p) && (name == s->names.world_extent || name == s->names.extent))
        return read_box(s, prim, name == s->names.world_extent, v);

    const char *text                 = paths_token_text(s->paths, name);
    const struct schema_attr *schema = schema_find(s, prim, text);
    if (v->type.semantic == OVRTX_SEMANTIC_PATH_ID)
        return read_targets(s, prim, text, v);
    const usd_property *property = usd_prim_find_property(p->usd, text);
    ovrtx_attribute_type_t wanted = v->type;
    if (property && usd_attr_get(property, stage_time_code(s, prim), &v->usd)) {
        if (!schema && reads_as_zero(property)) {
            v->count = 1;
            v->data  = v->small;
            return true;
        }
        return convert_usd(s, v, wanted);
    }
    if (schema) {
        // The type's own fallback (a RectLight's intensity, ...) before the table's.
        if (!schema->is_array && usd_schema_fallback(stage_type_text(s, prim), text, &v->usd))
            return convert_usd(s, v, wanted);
        return read_fallback(s, schema, wanted, v);
    }
    // Declared without a value: zero, or empty.
    v->count = wanted.is_array ? 0 : 1;
    v->data  = keep(v, attr_element_size(wanted.dtype));
    return v->data != NULL;
}

void attr_finish(struct attr_value *v)
{
    usd_value_finish(&v->usd);
    free(v->owned);
    v->owned = NULL;
    v->data  = NULL;
}

// ---------------------------------------------------------------------------------------------
// Boxes

static void add_points(struct box *box, const void *data, DLDataType type, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double p[3];
        for (size_t k = 0; k < 3; k++)
            p[k] = type.bits == 64 ? ((const double *)data)[i * 3 + k] : (double)((const float *)data)[i * 3 + k];
        box_add(box, p);
    }
}

static bool authored_extent(const struct stage *s, uint32_t prim, struct box *out)
{
    const struct stage_attr *a = stage_override(s, prim, s->names.extent);
    if (a && attr_element_size(a->type.dtype) * a->count >= sizeof(*out)) {
        memcpy(out, a->data, sizeof(*out));
        return true;
    }
    const usd_property *property = usd_prim_find_property(s->prims.items[prim].usd, "extent");
    struct usd_value value = { 0 };
    bool ok = property && usd_attr_get(property, stage_time_code(s, prim), &value) && value.count >= 2
        && usd_value_doubles(&value, 0, out->min, 3) && usd_value_doubles(&value, 1, out->max, 3);
    if (property)
        usd_value_finish(&value);
    return ok;
}

static bool shape_box(const struct stage *s, uint32_t prim, struct box *out)
{
    double size = 2, radius = 1, height = 2, width = 2, length = 2;
    const char *axis = "Z";
    stage_get_double(s, prim, "size", &size);
    stage_get_double(s, prim, "radius", &radius);
    stage_get_double(s, prim, "height", &height);
    stage_get_double(s, prim, "width", &width);
    stage_get_double(s, prim, "length", &length);
    stage_get_token(s, prim, "axis", &axis);
    int along      = axis[0] == 'X' ? 0 : axis[0] == 'Y' ? 1 : 2;
    double half[3] = { radius, radius, radius };
    switch (s->prims.items[prim].kind) {
    case PRIM_CUBE: half[0] = half[1] = half[2] = size / 2; break;
    case PRIM_SPHERE: break;
    case PRIM_CYLINDER:
    case PRIM_CONE: half[along] = height / 2; break;
    case PRIM_CAPSULE: half[along] = height / 2 + radius; break;
    case PRIM_PLANE: // width along x (z for axis X), length along y (z for axis Y)
        half[0] = along == 0 ? 0 : width / 2;
        half[1] = along == 1 ? 0 : length / 2;
        half[2] = along == 0 ? width / 2 : along == 1 ? length / 2 : 0;
        break;
    default: return false;
    }
    for (int i = 0; i < 3; i++) {
        out->min[i] = -half[i];
        out->max[i] = half[i];
    }
    return true;
}

bool attr_local_box(const struct stage *s, uint32_t prim, struct box *out)
{
    bool own_points = stage_override(s, prim, s->names.points) != NULL;
    if (!own_points && authored_extent(s, prim, out))
        return !box_is_empty(out);
    if (s->prims.items[prim].kind != PRIM_MESH)
        return shape_box(s, prim, out);
    struct attr_value points;
    *out = box_empty();
    if (attr_read(s, prim, s->names.points, &points) && points.type.dtype.code == kDLFloat && points.type.dtype.bits >= 32
        && points.type.dtype.lanes == 3)
        add_points(out, points.data, points.type.dtype, points.count);
    attr_finish(&points);
    return !box_is_empty(out);
}

// ---------------------------------------------------------------------------------------------
// Listing

struct listing {
    const struct stage *s;
    uint32_t prim;
    struct attr_list *out;
    bool ok;
};

static bool list_name(struct listing *l, uint32_t name)
{
    ovrtx_attribute_type_t type;
    if (attr_type(l->s, l->prim, name, &type))
        l->ok = l->ok && array_push(l->out, (ovrtx_attribute_desc_t) { name, type });
    return l->ok;
}

static bool list_schema(void *user, const struct schema_attr *attr)
{
    struct listing *l = user;
    return list_name(l, paths_token(l->s->paths, attr->name, strlen(attr->name)));
}

static int by_name(const void *a, const void *b)
{
    const ovrtx_attribute_desc_t *x = a, *y = b;
    return x->name < y->name ? -1 : x->name > y->name;
}

bool attr_list_all(const struct stage *s, uint32_t prim, struct attr_list *out)
{
    const struct stage_prim *p = &s->prims.items[prim];
    struct listing l           = { s, prim, out, true };
    array_clear(out);
    list_name(&l, s->names.xform);
    list_name(&l, s->names.reset_xform);
    if (is_boundable(p)) {
        list_name(&l, s->names.world_extent);
        list_name(&l, s->names.extent);
    }
    schema_each(s, prim, list_schema, &l);
    for (size_t i = 0; p->overrides && i < s->overrides.items[p->overrides].count; i++)
        list_name(&l, s->overrides.items[p->overrides].items[i].name);
    size_t count = usd_prim_property_count(p->usd);
    for (size_t i = 0; i < count; i++) {
        const char *name = usd_property_name(usd_prim_property(p->usd, i));
        list_name(&l, paths_token(s->paths, name, strlen(name)));
    }
    if (!l.ok)
        return false;
    qsort(out->items, out->count, sizeof(*out->items), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        if (!kept || out->items[i].name != out->items[kept - 1].name)
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
    return true;
}
