#include "fuzz_walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "layer.h"
#include "write.h"

const struct usd_limits fuzz_limits = {
    .max_file_bytes     = 1 << 20,
    .max_layer_bytes    = 64 << 20,
    .max_array_elements = 1 << 20,
    .max_prims          = 2000,
    .max_nesting        = 64,
    .max_layers         = 64,
    .max_arc_depth      = 32,
    .max_prim_sites     = 256,
    .max_compose_steps  = 1000000,
};

#define MAX_PRIMS 500   // looked at in one stage
#define MAX_SAMPLES 64  // of one attribute

bool fuzz_no_path(const char *path, void *user) { return false; }

// Every byte of a value is touched, so that a sanitizer sees those that are not there.
static void touch(const struct usd_value *v)
{
    if (v->type == USD_TYPE_NONE || v->type == USD_TYPE_BLOCK)
        return;
    FUZZ_REQUIRE(v->is_array || v->type == USD_TYPE_DICTIONARY || v->count == 1);
    static volatile unsigned char sink __attribute__((unused));
    unsigned char sum = 0;
    for (size_t i = 0; i < v->count; i++) {
        double d[16];
        usd_value_doubles(v, i, d, 16);
        if (v->type == USD_TYPE_STRING || v->type == USD_TYPE_TOKEN || v->type == USD_TYPE_PATH)
            sum += (unsigned char)strlen(((const char *const *)v->data)[i]);
        else if (v->type == USD_TYPE_ASSET)
            sum += (unsigned char)(strlen(((const struct usd_asset *)v->data)[i].authored)
                                   + strlen(((const struct usd_asset *)v->data)[i].resolved));
        else if (v->type == USD_TYPE_DICTIONARY)
            touch(&((const struct usd_dict_entry *)v->data)[i].value);
    }
    if (v->type != USD_TYPE_DICTIONARY)
        for (size_t i = 0; i < v->count * usd_type_size(v->type); i++)
            sum += ((const unsigned char *)v->data)[i];
    sink = sum;
}

static void attr_at(const usd_property *q, double time)
{
    struct usd_value v;
    if (usd_attr_get(q, time, &v))
        touch(&v);
    usd_value_finish(&v);
    double d[16];
    float f[4];
    int i;
    bool b;
    const char *t;
    struct usd_asset a;
    usd_attr_get_bool(q, time, &b);
    usd_attr_get_int(q, time, &i);
    usd_attr_get_double(q, time, d);
    usd_attr_get_vec3f(q, time, f);
    usd_attr_get_matrix4d(q, time, d);
    usd_attr_get_token(q, time, &t);
    usd_attr_get_asset(q, time, &a);
}

static void attribute(const usd_property *q)
{
    double times[MAX_SAMPLES];
    size_t n = usd_attr_sample_count(q), got = usd_attr_sample_times(q, times, MAX_SAMPLES);
    FUZZ_REQUIRE(n == got);
    n = n < MAX_SAMPLES ? n : MAX_SAMPLES;
    for (size_t i = 0; i < n; i++) {
        FUZZ_REQUIRE(!i || !(times[i] < times[i - 1])); // large offsets make neighbours equal
        attr_at(q, times[i]);
    }
    static const double at[] = { NAN, -1e30, -1, 0, 0.5, 1, 12.25, 1e30, INFINITY };
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
        attr_at(q, at[i]);
    usd_attr_has_value(q);
    FUZZ_REQUIRE(!usd_attr_spline_knots(q, times, MAX_SAMPLES) || usd_attr_has_spline(q));
    usd_attr_might_vary(q);
    FUZZ_REQUIRE(usd_attr_interpolation(q));
    for (size_t i = 0; i < usd_attr_connection_count(q); i++)
        FUZZ_REQUIRE(usd_attr_connection(q, i) && *usd_attr_connection(q, i) == '/');
    FUZZ_REQUIRE(!usd_attr_connection(q, usd_attr_connection_count(q)));
}

static void opinions(const usd_prim *p, const usd_property *q)
{
    struct usd_opinion o;
    for (size_t i = 0; i < 100 && (q ? usd_property_opinion(q, i, &o) : usd_prim_opinion(p, i, &o)); i++)
        FUZZ_REQUIRE(o.layer && o.path);
}

static void property(const usd_prim *p, const usd_property *q)
{
    const char *name = usd_property_name(q), *key;
    bool is_array;
    FUZZ_REQUIRE(*name && usd_prim_find_property(p, name) == q);
    FUZZ_REQUIRE(usd_property_prim(q) && usd_property_type_name(q));
    usd_property_type(q, &is_array);
    usd_property_is_uniform(q);
    usd_property_is_custom(q);
    if (usd_property_is_relationship(q)) {
        for (size_t i = 0; i < usd_rel_target_count(q); i++)
            FUZZ_REQUIRE(usd_rel_target(q, i) && *usd_rel_target(q, i) == '/');
        FUZZ_REQUIRE(!usd_rel_target(q, usd_rel_target_count(q)));
    } else {
        attribute(q);
    }
    for (size_t at = 0; (key = usd_property_metadata_next(q, &at));) {
        struct usd_value v;
        if (usd_property_metadata(q, key, &v))
            touch(&v);
        usd_value_finish(&v);
    }
    opinions(NULL, q);
    if (!strncmp(name, "primvars:", 9)) {
        const usd_property *indices;
        struct usd_value v = { 0 };
        q = usd_prim_find_primvar(p, name + 9, &indices);
        if (usd_primvar_flatten(q, indices, 1, &v))
            touch(&v);
        usd_value_finish(&v);
    }
}

// What schemas and collections make of a prim.
static void built_in(const usd_stage *s, const usd_prim *p)
{
    const usd_definition *d = usd_prim_definition(p);
    struct usd_built_in b;
    for (size_t i = 0; usd_definition_property(d, i, &b); i++)
        FUZZ_REQUIRE(usd_definition_find(d, b.name, &b));
    for (size_t i = 0; i < usd_definition_api_count(d); i++)
        FUZZ_REQUIRE(usd_prim_has_api(p, usd_definition_api(d, i)));
    for (size_t i = 0; i < usd_prim_collection_count(p); i++) {
        usd_collection *c;
        if (usd_collection_open(p, usd_prim_collection(p, i), &c) != USD_OK)
            continue;
        usd_collection_has(c, usd_prim_path(p));
        usd_collection_has(c, "/");
        usd_collection_has(c, "/a/b.c");
        usd_collection_unsupported(c);
        usd_collection_close(&c);
    }
    usd_light_links(p, "lightLink", p);
    struct usd_bounds box;
    FUZZ_REQUIRE(!usd_prim_extent(p, 1, &box) || box.min[0] <= box.max[0]);
    FUZZ_REQUIRE(*usd_prim_visibility(p, USD_PURPOSE_GUIDE, 1));
    FUZZ_REQUIRE(!usd_prim_is_group(p) || usd_prim_is_model(p));
}

static void prim(const usd_stage *s, const usd_prim *p)
{
    const char *path = usd_prim_path(p), *key;
    char copy[64];
    size_t n = usd_prim_path_copy(p, copy, sizeof(copy));
    FUZZ_REQUIRE(n == strlen(path) && !strncmp(copy, path, sizeof(copy) - 1));
    FUZZ_REQUIRE(usd_stage_find(s, path) == p);
    const usd_prim *parent = usd_prim_parent(p);
    FUZZ_REQUIRE(parent && usd_prim_child(parent, usd_prim_name(p)) == p && usd_prim_stage(p) == s);
    FUZZ_REQUIRE(usd_prim_in_prototype(p));
    FUZZ_REQUIRE(usd_prim_is_instance_proxy(p) == (usd_prim_is_instance(parent) || usd_prim_is_instance_proxy(parent)));
    FUZZ_REQUIRE(usd_prim_specifier(p) <= USD_CLASS);
    FUZZ_REQUIRE(usd_prim_is_traversable(p) == (usd_prim_is_active(p) && usd_prim_is_defined(p) && !usd_prim_is_abstract(p)));
    usd_prim_is_a(p, "Boundable");
    usd_prim_kind(p);
    usd_prim_is_instanceable(p);
    for (size_t i = 0; i < usd_prim_api_schema_count(p); i++)
        FUZZ_REQUIRE(usd_prim_has_api(p, usd_prim_api_schema(p, i)));
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++) {
        FUZZ_REQUIRE(usd_prim_variant_set(p, i) && usd_prim_variant_selection(p, i));
        for (size_t k = 0; k < usd_prim_variant_count(p, i); k++)
            FUZZ_REQUIRE(usd_prim_variant(p, i, k));
    }
    for (size_t at = 0; (key = usd_prim_metadata_next(p, &at));) {
        struct usd_value v;
        if (usd_prim_metadata(p, key, &v))
            touch(&v);
        usd_value_finish(&v);
    }
    opinions(p, NULL);
    for (size_t i = 0; i < usd_prim_property_count(p); i++)
        property(p, usd_prim_property(p, i));
    FUZZ_REQUIRE(!usd_prim_property(p, usd_prim_property_count(p)));
    static const double at[] = { NAN, 0, 1.5 };
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        double m[16];
        bool resets, visible;
        usd_prim_local_matrix(p, at[i], m, &resets);
        usd_prim_world_matrix(p, at[i], m);
        usd_prim_is_visible(p, at[i]);
        usd_prim_get_bool(p, "doubleSided", at[i], &visible);
    }
    usd_prim_transform_varies(p, true);
    double d[16];
    float f[4];
    int k;
    const char *t;
    struct usd_asset a;
    usd_prim_get_double(p, "radius", 1, d);
    usd_prim_get_vec3f(p, "primvars:displayColor", NAN, f);
    usd_prim_get_int(p, "elementCount", 1, &k);
    usd_prim_get_token(p, "orientation", NAN, &t);
    usd_prim_get_asset(p, "tex", NAN, &a);
    usd_prim_get_matrix4d(p, "xformOp:transform", 1, d);
    FUZZ_REQUIRE(usd_prim_type_name(p));
    usd_prim_purpose(p);
    usd_prim_bound_material(p, "full");
    usd_prim_bound_material(p, "");
    built_in(s, p);
}

void fuzz_walk(const usd_stage *s)
{
    const usd_prim *root = usd_stage_pseudo_root(s);
    FUZZ_REQUIRE(!usd_prim_parent(root) && !strcmp(usd_prim_path(root), "/"));
    size_t left = MAX_PRIMS;
    for (const usd_prim *p = usd_prim_first_child(root); p && left--; p = usd_prim_next(p, root, false))
        prim(s, p);
    static const unsigned purposes[] = { USD_PURPOSE_DEFAULT, USD_PURPOSE_DEFAULT | USD_PURPOSE_RENDER | USD_PURPOSE_PROXY | USD_PURPOSE_GUIDE };
    for (size_t i = 0; i < 2; i++) {
        struct usd_bounds b;
        bool any = usd_prim_world_bounds(root, i ? NAN : 1, purposes[i], &b);
        FUZZ_REQUIRE(!any || (b.min[0] <= b.max[0] && b.min[1] <= b.max[1] && b.min[2] <= b.max[2]));
    }
    static const char *const keys[] = { "customLayerData", "comment", "subLayers", "expressionVariables", "relocates" };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct usd_value v;
        if (usd_stage_metadata(s, keys[i], &v))
            touch(&v);
        usd_value_finish(&v);
    }
    double a, b;
    usd_stage_time_range(s, &a, &b);
    usd_stage_up_axis(s);
    usd_stage_meters_per_unit(s);
    usd_stage_frames_per_second(s);
    char resolved[512];
    usd_asset_resolve(s, NULL, "t.<UDIM>.png", resolved, sizeof(resolved));
    usd_stage_default_prim(s);
    FUZZ_REQUIRE(usd_stage_time_codes_per_second(s) != 0 && isfinite(usd_stage_time_codes_per_second(s)));
    struct usd_stage_stats stats;
    usd_stage_stats(s, &stats);
    FUZZ_REQUIRE(stats.layers <= usd_stage_layer_count(s) && stats.prims == usd_stage_prim_count(s));
    usd_stage_validate((usd_stage *)s); // after everything else was only read
    for (size_t i = 0; i < usd_stage_diagnostic_count(s); i++) {
        const struct usd_diagnostic *d = usd_stage_diagnostic(s, i);
        FUZZ_REQUIRE(d->message && *d->message && d->layer && d->path && *d->rule && d->hint);
    }
}

struct text {
    ARRAY_OF(char);
};
#define TEXT_MAX (8u << 20)

static bool append(void *user, const char *text, size_t size)
{
    struct text *t = user;
    return t->count + size < TEXT_MAX && array_append(t, text, size);
}

void fuzz_flatten(const usd_stage *s)
{
    struct text t = { 0 };
    if (usd_stage_write(s, append, &t, NULL) == USD_OK) {
        struct usd_limits limits       = { .max_prims = 100000 };
        struct usd_open_options options = { .limits = &limits, .threads = 1, .allow_path = fuzz_no_path };
        usd_stage *again;
        struct usd_error err = { 0 };
        int rc = usd_stage_open_string(t.items, t.count, "flat", "/nonexistent", &options, &again, &err);
        if (rc != USD_OK)
            fprintf(stderr, "flattened: %s\n", err.message);
        FUZZ_REQUIRE(rc == USD_OK || rc == USD_ERR_LIMIT || rc == USD_ERR_NOMEM);
        usd_stage_close(&again);
    }
    array_free(&t);
}

static char last_error[512];

static bool write_bytes(const void *data, size_t size, struct text *out)
{
    struct layer_env env = { .limits = limits_effective(&fuzz_limits), .allow_path = fuzz_no_path };
    struct layer *l;
    struct usd_error err;
    if (layer_from_bytes(&env, "fuzz", "/nonexistent/fuzz", data, size, &l, &err) != USD_OK) {
        snprintf(last_error, sizeof(last_error), "%s", err.message);
        return false;
    }
    bool ok = layer_write(l, append, out);
    layer_release(l);
    return ok;
}

void fuzz_round_trip(const void *data, size_t size)
{
    struct text once = { 0 }, twice = { 0 };
    if (write_bytes(data, size, &once) && once.count < fuzz_limits.max_file_bytes) {
        bool same = write_bytes(once.items, once.count, &twice) && once.count == twice.count && !memcmp(once.items, twice.items, once.count);
        if (!same)
            fprintf(stderr, "read again: %s\nonce:\n%.*s\ntwice:\n%.*s\n", last_error, (int)once.count, once.items, (int)twice.count, twice.items);
        FUZZ_REQUIRE(same);
    }
    array_free(&once);
    array_free(&twice);
}
