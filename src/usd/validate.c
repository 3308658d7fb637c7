// Checks of a composed stage: what opens, but is wrong.
#include <math.h>
#include <string.h>

#include "stage.h"

static const char *layer_of(const usd_property *q)
{
    struct usd_opinion o;
    return usd_property_opinion(q, 0, &o) ? o.layer : "";
}

static void property_path(const usd_property *q, char *out, size_t capacity)
{
    size_t n = usd_prim_path_copy(usd_property_prim(q), out, capacity);
    if (n + strlen(usd_property_name(q)) + 2 < capacity)
        strcat(strcat(out, "."), usd_property_name(q));
}

#define FIND(s, q, severity, ...)                                                        \
    do {                                                                                 \
        char where[8192];                                                                \
        property_path(q, where, sizeof(where));                                          \
        stage_diagnose(s, severity, USD_ERR_INVALID, layer_of(q), where, __VA_ARGS__);   \
    } while (0)

static void check_stage(usd_stage *s)
{
    const char *root = usd_stage_layer(s, 0), *axis = usd_stage_up_axis(s);
    struct usd_value v;
    if (usd_stage_metadata(s, "defaultPrim", &v) && v.type == USD_TYPE_TOKEN && !usd_stage_default_prim(s))
        stage_diagnose(s, USD_ERROR, USD_ERR_NOT_FOUND, root, "/", "defaultPrim names '%s', which does not exist", *(const char *const *)v.data);
    usd_value_finish(&v);
    if (strcmp(axis, "Y") && strcmp(axis, "Z"))
        stage_diagnose(s, USD_ERROR, USD_ERR_INVALID, root, "/", "upAxis is '%s'; Y or Z is expected", axis);
    static const char *const positive[] = { "metersPerUnit", "timeCodesPerSecond", "framesPerSecond" };
    for (int i = 0; i < 3; i++) {
        double d;
        if (usd_stage_metadata(s, positive[i], &v) && (!usd_value_doubles(&v, 0, &d, 1) || !(d > 0)))
            stage_diagnose(s, USD_ERROR, USD_ERR_INVALID, root, "/", "%s is not a positive number", positive[i]);
        usd_value_finish(&v);
    }
    double start, end;
    if (usd_stage_time_range(s, &start, &end) && start > end)
        stage_diagnose(s, USD_WARNING, USD_ERR_INVALID, root, "/", "startTimeCode %g comes after endTimeCode %g", start, end);
}

static void check_target(usd_stage *s, const usd_property *q, const char *target)
{
    const char *dot = strchr(target, '.');
    if (!dot) {
        if (!usd_stage_find(s, target))
            FIND(s, q, USD_ERROR, "points at <%s>, which does not exist", target);
        return;
    }
    char path[8192];
    if ((size_t)(dot - target) >= sizeof(path))
        return;
    memcpy(path, target, (size_t)(dot - target));
    path[dot - target] = 0;
    const usd_prim *p  = usd_stage_find(s, path);
    if (!p)
        FIND(s, q, USD_ERROR, "points at <%s>, but there is no prim <%s>", target, path);
    else if (!usd_prim_find_property(p, dot + 1) && strncmp(dot + 1, "collection:", 11))
        FIND(s, q, USD_WARNING, "points at <%s>, which no layer declares", target);
}

static void check_assets(usd_stage *s, const usd_property *q, const struct usd_value *v)
{
    const struct usd_asset *a = v->data;
    for (size_t i = 0; i < v->count; i++)
        if (*a[i].authored && !*a[i].resolved)
            FIND(s, q, USD_ERROR, "asset @%s@ was not found", a[i].authored);
}

static void check_property(usd_stage *s, const usd_property *q)
{
    if (usd_property_is_relationship(q)) {
        for (size_t i = 0; i < usd_rel_target_count(q); i++)
            check_target(s, q, usd_rel_target(q, i));
        return;
    }
    for (size_t i = 0; i < usd_attr_connection_count(q); i++)
        check_target(s, q, usd_attr_connection(q, i));
    struct usd_value v;
    bool is_array;
    enum usd_type t = usd_property_type(q, &is_array);
    if (usd_attr_get(q, USD_TIME_DEFAULT, &v)) {
        if (t == USD_TYPE_NONE)
            FIND(s, q, USD_WARNING, "has the unknown type '%s'", usd_property_type_name(q));
        else if (v.type != t || v.is_array != is_array)
            FIND(s, q, USD_ERROR, "is declared as %s, but its value is %s%s", usd_property_type_name(q), usd_type_name(v.type), v.is_array ? "[]" : "");
        if (v.type == USD_TYPE_ASSET)
            check_assets(s, q, &v);
    }
    usd_value_finish(&v);
}

static double first_time(const usd_property *q)
{
    double t = USD_TIME_DEFAULT;
    if (q && usd_attr_sample_count(q))
        usd_attr_sample_times(q, &t, 1);
    return t;
}

static void check_mesh(usd_stage *s, const usd_prim *p)
{
    const usd_property *counts = usd_prim_find_property(p, "faceVertexCounts"), *indices = usd_prim_find_property(p, "faceVertexIndices");
    const usd_property *points = usd_prim_find_property(p, "points");
    struct usd_value c, x, q;
    usd_attr_get(counts, first_time(counts), &c);
    usd_attr_get(indices, first_time(indices), &x);
    usd_attr_get(points, first_time(points), &q);
    if (c.type == USD_TYPE_INT && x.type == USD_TYPE_INT) {
        int64_t sum = 0, bad = 0;
        for (size_t i = 0; i < c.count; i++) {
            sum += ((const int32_t *)c.data)[i];
            bad += ((const int32_t *)c.data)[i] < 3;
        }
        if (bad)
            FIND(s, counts, USD_WARNING, "%lld faces have fewer than three corners", (long long)bad);
        if (sum != (int64_t)x.count)
            FIND(s, counts, USD_ERROR, "the faces have %lld corners, but faceVertexIndices has %zu", (long long)sum, x.count);
        int64_t out_of_range = 0;
        for (size_t i = 0; i < x.count; i++)
            out_of_range += ((const int32_t *)x.data)[i] < 0 || (size_t)((const int32_t *)x.data)[i] >= q.count;
        if (out_of_range && points)
            FIND(s, indices, USD_ERROR, "%lld indices lie outside of the %zu points", (long long)out_of_range, q.count);
    }
    usd_value_finish(&c);
    usd_value_finish(&x);
    usd_value_finish(&q);
}

static void check_transform(usd_stage *s, const usd_prim *p)
{
    const usd_property *order = usd_prim_find_property(p, "xformOpOrder");
    struct usd_value v;
    if (order && usd_attr_get(order, USD_TIME_DEFAULT, &v) && v.type == USD_TYPE_TOKEN && v.is_array) {
        const char *const *ops = v.data;
        for (size_t i = 0; i < v.count; i++) {
            const char *name = strncmp(ops[i], "!invert!", 8) ? ops[i] : ops[i] + 8;
            if (!strcmp(name, "!resetXformStack!"))
                continue;
            if (strncmp(name, "xformOp:", 8))
                FIND(s, order, USD_ERROR, "'%s' is no transform op", name);
            else if (!usd_prim_find_property(p, name))
                FIND(s, order, USD_ERROR, "names '%s', which does not exist", name);
        }
    }
    if (order)
        usd_value_finish(&v);
}

size_t usd_stage_validate(usd_stage *s)
{
    check_stage(s);
    for (const usd_prim *p = usd_prim_first_child(s->root); p; p = usd_prim_next(p, s->root, usd_prim_is_instance(p) && usd_prim_in_prototype(p) != p)) {
        for (size_t i = 0; i < usd_prim_property_count(p); i++)
            check_property(s, usd_prim_property(p, i));
        if (!strcmp(usd_prim_type_name(p), "Mesh"))
            check_mesh(s, p);
        check_transform(s, p);
    }
    return usd_stage_diagnostic_count(s);
}
