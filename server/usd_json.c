#include "usd_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol.h"
#include "root_layer.h"

#define PREVIEW_COUNT 8
#define PREVIEW_TEXT 256
#define TEXT_MAX 4096
#define DICTIONARY_DEPTH 4

// ---------------------------------------------------------------------------------------------------
// Values

// At most `max` bytes, cut between characters, with an ellipsis.
static json_t *bounded_text(const char *s, size_t max)
{
    size_t n = strlen(s);
    if (n <= max) {
        json_t *v = json_string(s);
        return v ? v : json_string("(not UTF-8)");
    }
    while (max && ((unsigned char)s[max] & 0xc0) == 0x80)
        max--;
    char *copy = malloc(max + 4);
    if (!copy)
        return json_null();
    memcpy(copy, s, max);
    memcpy(copy + max, "\xe2\x80\xa6", 4);
    json_t *v = json_string(copy);
    free(copy);
    return v ? v : json_string("(not UTF-8)");
}

static json_t *big_integer(bool negative, uint64_t magnitude)
{
    if (magnitude <= 9007199254740991u)
        return json_integer(negative ? -(json_int_t)magnitude : (json_int_t)magnitude);
    char text[32];
    snprintf(text, sizeof(text), "%s%llu", negative ? "-" : "", (unsigned long long)magnitude);
    return json_string(text);
}

static json_t *number_list(const double *d, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, protocol_number(d[i]));
    return list;
}

static json_t *asset_json(const struct usd_asset *a, const struct assets *assets, size_t max)
{
    char *relative = assets && a->resolved && *a->resolved ? asset_relative(assets, a->resolved) : NULL;
    json_t *v      = bounded_text(relative ? relative : a->authored ? a->authored : "", max);
    free(relative);
    return v;
}

static json_t *dictionary(const struct usd_value *v, const struct assets *assets, int depth);

static json_t *element(const struct usd_value *v, size_t i, const struct assets *assets, size_t max_text)
{
    double d[16]   = { 0 };
    int components = usd_type_components(v->type);
    switch (v->type) {
    case USD_TYPE_NONE:
    case USD_TYPE_BLOCK:
    case USD_TYPE_COUNT:
    case USD_TYPE_DICTIONARY:
        return json_null();
    case USD_TYPE_BOOL:
        return json_boolean(((const uint8_t *)v->data)[i]);
    case USD_TYPE_UCHAR:
        return json_integer(((const uint8_t *)v->data)[i]);
    case USD_TYPE_INT:
        return json_integer(((const int32_t *)v->data)[i]);
    case USD_TYPE_UINT:
        return json_integer(((const uint32_t *)v->data)[i]);
    case USD_TYPE_INT64: {
        int64_t n = ((const int64_t *)v->data)[i];
        return big_integer(n < 0, n < 0 ? (uint64_t)-(n + 1) + 1 : (uint64_t)n);
    }
    case USD_TYPE_UINT64:
        return big_integer(false, ((const uint64_t *)v->data)[i]);
    case USD_TYPE_STRING:
    case USD_TYPE_TOKEN:
    case USD_TYPE_PATH:
        return bounded_text(((const char *const *)v->data)[i], max_text);
    case USD_TYPE_ASSET:
        return asset_json(&((const struct usd_asset *)v->data)[i], assets, max_text);
    case USD_TYPE_QUATH:
    case USD_TYPE_QUATF:
    case USD_TYPE_QUATD:
        usd_value_doubles(v, i, d, 4);
        return json_pack("{s:o, s:o}", "real", protocol_number(d[3]), "imaginary", number_list(d, 3));
    case USD_TYPE_MATRIX2D:
    case USD_TYPE_MATRIX3D:
    case USD_TYPE_MATRIX4D: {
        int side     = v->type == USD_TYPE_MATRIX2D ? 2 : v->type == USD_TYPE_MATRIX3D ? 3 : 4;
        json_t *rows = json_array();
        usd_value_doubles(v, i, d, side * side);
        for (int r = 0; r < side; r++)
            json_array_append_new(rows, number_list(d + r * side, side));
        return rows;
    }
    default:
        break;
    }
    if (!usd_value_doubles(v, i, d, components > 16 ? 16 : components))
        return bounded_text(usd_type_name(v->type), TEXT_MAX);
    // A float is written with the digits a float has, not with those of its double.
    enum usd_type unit = usd_type_component(v->type);
    for (int k = 0; k < components && k < 16 && (unit == USD_TYPE_FLOAT || unit == USD_TYPE_HALF); k++) {
        char text[40];
        if (isfinite(d[k])) {
            snprintf(text, sizeof(text), "%.*g", unit == USD_TYPE_HALF ? 5 : 9, d[k]);
            for (int digits = unit == USD_TYPE_HALF ? 3 : 6; digits < 9; digits++) {
                char shorter[40];
                snprintf(shorter, sizeof(shorter), "%.*g", digits, d[k]);
                if ((float)atof(shorter) == (float)d[k]) {
                    memcpy(text, shorter, sizeof(text));
                    break;
                }
            }
            d[k] = atof(text);
        }
    }
    bool integral = unit == USD_TYPE_INT;
    if (components == 1)
        return protocol_number(d[0]);
    json_t *list = json_array();
    for (int k = 0; k < components; k++)
        json_array_append_new(list, integral ? json_integer((json_int_t)d[k]) : protocol_number(d[k]));
    return list;
}

static json_t *value_at_depth(const struct usd_value *v, const struct assets *assets, int depth)
{
    if (v->type == USD_TYPE_DICTIONARY)
        return dictionary(v, assets, depth);
    if (!v->is_array)
        return v->count || v->data ? element(v, 0, assets, TEXT_MAX) : json_null();
    if (v->type == USD_TYPE_BLOCK || v->type == USD_TYPE_NONE)
        return json_null();
    json_t *preview = json_array();
    for (size_t i = 0; i < v->count && i < PREVIEW_COUNT; i++)
        json_array_append_new(preview, element(v, i, assets, PREVIEW_TEXT));
    return json_pack("{s:I, s:o, s:b}", "length", (json_int_t)v->count, "preview", preview, "truncated", v->count > PREVIEW_COUNT);
}

static json_t *dictionary(const struct usd_value *v, const struct assets *assets, int depth)
{
    const struct usd_dict_entry *e = v->data;
    if (depth >= DICTIONARY_DEPTH) {
        char text[64];
        snprintf(text, sizeof(text), "{%zu entries}", v->count);
        return json_string(text);
    }
    json_t *out = json_object();
    for (size_t i = 0; i < v->count; i++)
        json_object_set_new(out, e[i].key, value_at_depth(&e[i].value, assets, depth + 1));
    return out;
}

json_t *usd_json_value(const struct usd_value *v, const struct assets *assets) { return value_at_depth(v, assets, 0); }

// ---------------------------------------------------------------------------------------------------
// Hierarchy

bool usd_json_listed(const usd_prim *prim)
{
    if (!usd_prim_is_traversable(prim))
        return false;
    if (!strncmp(usd_prim_name(prim), "OmniverseKit_", 13) && !strcmp(usd_prim_type_name(prim), "Camera"))
        return false;
    return !root_layer_owns(usd_prim_path(prim));
}

static bool is_gprim(const usd_prim *prim)
{
    return usd_prim_is_a(prim, "Gprim") || usd_prim_is_a(prim, "PointBased") || usd_prim_is_a(prim, "PointInstancer");
}

const char *usd_json_row_type(const usd_prim *prim)
{
    const char *type = usd_prim_type_name(prim);
    if (!strcmp(type, "Camera"))
        return "camera";
    if (is_gprim(prim))
        return "geom";
    if (!strcmp(type, "Scope"))
        return "scope";
    if (strstr(type, "Light"))
        return "light";
    if (!strcmp(type, "Material") || !strcmp(type, "Shader") || !strcmp(type, "NodeGraph"))
        return "material";
    return "xform";
}

enum { FILTER_GEOM = 1, FILTER_XFORM = 2, FILTER_SCOPE = 4, FILTER_LIGHT = 8, FILTER_CAMERA = 16, FILTER_MATERIAL = 32 };

static unsigned filter_bits(json_t *filters)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
        { "usdgeom", FILTER_GEOM }, { "geom", FILTER_GEOM }, { "mesh", FILTER_GEOM }, { "xform", FILTER_XFORM },
        { "scope", FILTER_SCOPE }, { "light", FILTER_LIGHT }, { "camera", FILTER_CAMERA }, { "material", FILTER_MATERIAL },
    };
    unsigned bits = 0;
    size_t i;
    json_t *f;
    json_array_foreach(filters, i, f)
        for (size_t k = 0; json_is_string(f) && k < sizeof(names) / sizeof(names[0]); k++)
            if (!strcasecmp(json_string_value(f), names[k].name))
                bits |= names[k].bit;
    return bits; // 0: everything
}

static bool keeps(const usd_prim *prim, unsigned filter)
{
    if (!usd_json_listed(prim))
        return false;
    if (!filter)
        return true;
    const char *type = usd_json_row_type(prim);
    return (filter & FILTER_GEOM && !strcmp(type, "geom")) || (filter & FILTER_SCOPE && !strcmp(type, "scope")) ||
           (filter & FILTER_LIGHT && !strcmp(type, "light")) || (filter & FILTER_CAMERA && !strcmp(type, "camera")) ||
           (filter & FILTER_MATERIAL && !strcmp(type, "material")) ||
           (filter & FILTER_XFORM && !strcmp(usd_prim_type_name(prim), "Xform"));
}

static json_t *row(const usd_prim *prim, bool expandable)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s}", "name", usd_prim_name(prim), "path", usd_prim_path(prim), "type",
                     usd_json_row_type(prim), "children", expandable, "hasChildren", expandable, "typeName",
                     usd_prim_type_name(prim));
}

static bool expandable(const usd_prim *prim, unsigned filter)
{
    for (const usd_prim *c = usd_prim_first_child(prim); c; c = usd_prim_next_sibling(c))
        if (keeps(c, filter))
            return true;
    return false;
}

json_t *usd_json_children(const usd_prim *parent, json_t *filters, size_t offset, size_t limit, size_t *total)
{
    unsigned filter = filter_bits(filters);
    json_t *rows    = json_array();
    *total          = 0;
    for (const usd_prim *c = usd_prim_first_child(parent); c; c = usd_prim_next_sibling(c)) {
        if (!keeps(c, filter))
            continue;
        size_t at = (*total)++;
        if (at >= offset && at - offset < limit)
            json_array_append_new(rows, row(c, expandable(c, filter)));
    }
    return rows;
}

static json_t *snapshot(const usd_prim *parent, unsigned filter, int depth, int *nodes, bool *truncated)
{
    json_t *rows = json_array();
    for (const usd_prim *c = usd_prim_first_child(parent); c; c = usd_prim_next_sibling(c)) {
        if (!keeps(c, filter))
            continue;
        if (*nodes <= 0) {
            *truncated = true;
            break;
        }
        (*nodes)--;
        bool more = expandable(c, filter);
        json_t *r = row(c, more);
        if (more && depth > 1)
            json_object_set_new(r, "children", snapshot(c, filter, depth - 1, nodes, truncated));
        else if (more)
            *truncated = true;
        json_array_append_new(rows, r);
    }
    return rows;
}

json_t *usd_json_snapshot(const usd_prim *parent, json_t *filters, int max_depth, int max_nodes, bool *truncated)
{
    *truncated = false;
    return snapshot(parent, filter_bits(filters), max_depth, &max_nodes, truncated);
}

// ---------------------------------------------------------------------------------------------------
// Properties

static json_t *property(const usd_property *p, const struct assets *assets)
{
    if (usd_property_is_relationship(p)) {
        size_t n = usd_rel_target_count(p);
        if (n == 1)
            return json_string(usd_rel_target(p, 0));
        json_t *list = json_array();
        for (size_t i = 0; i < n && i < PROTOCOL_MAX_ITEMS; i++)
            json_array_append_new(list, json_string(usd_rel_target(p, i)));
        return list;
    }
    struct usd_value v;
    bool got = usd_attr_get(p, USD_TIME_DEFAULT, &v);
    if (!got) {
        usd_value_finish(&v);
        double start = 0; // only time samples: the first one
        if (usd_attr_sample_times(p, &start, 1))
            got = usd_attr_get(p, start, &v);
    }
    json_t *out = got ? usd_json_value(&v, assets) : json_null();
    usd_value_finish(&v);
    return out;
}

static void set_if_absent(json_t *out, const char *name, json_t *value)
{
    if (json_object_get(out, name))
        json_decref(value);
    else
        json_object_set_new(out, name, value);
}

static json_t *token_or_null(const usd_prim *prim, const char *name)
{
    const char *token = NULL;
    return usd_prim_get_token(prim, name, USD_TIME_DEFAULT, &token) && token ? json_string(token) : json_null();
}

static void add_transform(json_t *out, const usd_prim *prim, const struct assets *assets)
{
    struct usd_value order;
    const usd_property *p = usd_prim_find_property(prim, "xformOpOrder");
    if (p && usd_attr_get(p, USD_TIME_DEFAULT, &order) && order.type == USD_TYPE_TOKEN) {
        for (size_t i = 0; i < order.count; i++) {
            const char *op = ((const char *const *)order.data)[i];
            if (!strncmp(op, "!invert!", 8))
                op += 8;
            const usd_property *attr = usd_prim_find_property(prim, op);
            if (attr)
                set_if_absent(out, op, property(attr, assets));
        }
        json_object_set_new(out, "xformOpOrder", usd_json_value(&order, assets));
    }
    if (p)
        usd_value_finish(&order);
    if (usd_prim_is_a(prim, "Xformable")) {
        double m[16];
        usd_prim_world_matrix(prim, 0, m);
        struct usd_value matrix = { .type = USD_TYPE_MATRIX4D, .count = 1, .data = m };
        json_object_set_new(out, "worldTransform", usd_json_value(&matrix, assets));
    }
}

static void add_properties(json_t *out, const usd_prim *prim, bool relationships, const struct assets *assets)
{
    for (size_t i = 0; i < usd_prim_property_count(prim); i++) {
        const usd_property *p = usd_prim_property(prim, i);
        const char *name      = usd_property_name(p);
        if (usd_property_is_relationship(p) == relationships && strcmp(name, "omni:selectionOutlineGroup") &&
            strcmp(name, "omni:pickable") && !json_object_get(out, name))
            json_object_set_new(out, name, property(p, assets));
    }
}

json_t *usd_json_variants(const usd_prim *prim)
{
    json_t *out = json_object();
    for (size_t s = 0; s < usd_prim_variant_set_count(prim); s++) {
        json_t *options = json_array();
        for (size_t i = 0; i < usd_prim_variant_count(prim, s); i++)
            json_array_append_new(options, json_string(usd_prim_variant(prim, s, i)));
        json_object_set_new(out, usd_prim_variant_set(prim, s),
                            json_pack("{s:o, s:s}", "options", options, "selection", usd_prim_variant_selection(prim, s)));
    }
    return out;
}

static json_t *bounds_json(const usd_prim *prim)
{
    struct usd_bounds b;
    if (!usd_prim_world_bounds(prim, 0, USD_PURPOSE_DEFAULT | USD_PURPOSE_RENDER, &b))
        return json_null();
    return json_pack("{s:o, s:o}", "min", number_list(b.min, 3), "max", number_list(b.max, 3));
}

json_t *usd_json_properties(const usd_stage *stage, const usd_prim *prim, const struct assets *assets)
{
    json_t *out = json_object();
    json_object_set_new(out, "typeName", json_string(usd_prim_type_name(prim)));
    if (usd_prim_is_a(prim, "Imageable")) {
        json_object_set_new(out, "visibility", token_or_null(prim, "visibility"));
        json_object_set_new(out, "purpose", token_or_null(prim, "purpose"));
    }
    if (*usd_prim_kind(prim))
        json_object_set_new(out, "kind", json_string(usd_prim_kind(prim)));
    add_transform(out, prim, assets);
    const usd_property *binding = usd_prim_find_property(prim, "material:binding");
    if (binding)
        json_object_set_new(out, "material:binding", property(binding, assets));
    add_properties(out, prim, false, assets);
    add_properties(out, prim, true, assets);
    if (usd_prim_variant_set_count(prim)) {
        json_t *variants = json_object();
        for (size_t s = 0; s < usd_prim_variant_set_count(prim); s++)
            json_object_set_new(variants, usd_prim_variant_set(prim, s), json_string(usd_prim_variant_selection(prim, s)));
        json_object_set_new(out, "variants", variants);
    }
    json_t *metadata = json_object();
    size_t at        = 0;
    for (const char *key; (key = usd_prim_metadata_next(prim, &at));) {
        struct usd_value v;
        static const char *const elsewhere[] = { "specifier", "typeName", "kind", "variantSelection", "variantSetNames" };
        bool shown = false;
        for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
            shown |= !strcmp(key, elsewhere[i]);
        if (!shown && usd_prim_metadata(prim, key, &v)) {
            json_object_set_new(metadata, key, usd_json_value(&v, assets));
            usd_value_finish(&v);
        }
    }
    if (json_object_size(metadata))
        json_object_set_new(out, "metadata", metadata);
    else
        json_decref(metadata);
    if (usd_prim_is_a(prim, "Imageable"))
        json_object_set_new(out, "bounds", bounds_json(prim));
    return out;
}
