// Checks of a composed stage: what opens, but is wrong.
#include "validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *validate_property_layer(const usd_property *q)
{
    struct usd_opinion o;
    return usd_property_opinion(q, 0, &o) ? o.layer : "";
}

const char *validate_prim_layer(const usd_prim *p)
{
    struct usd_opinion o;
    return usd_prim_opinion(p, 0, &o) ? o.layer : "";
}

void validate_property_path(const usd_property *q, char *out, size_t capacity)
{
    size_t n = usd_prim_path_copy(usd_property_prim(q), out, capacity);
    if (n + strlen(usd_property_name(q)) + 2 < capacity)
        strcat(strcat(out, "."), usd_property_name(q));
}

double validate_first_time(const usd_property *q)
{
    double t = USD_TIME_DEFAULT;
    if (q && usd_attr_sample_count(q))
        usd_attr_sample_times(q, &t, 1);
    return t;
}

bool validate_value(const usd_prim *p, const char *name, struct usd_value *out)
{
    const usd_property *q = usd_prim_find_property(p, name);
    return usd_attr_get(q, validate_first_time(q), out);
}

size_t validate_count(const usd_prim *p, const char *name)
{
    struct usd_value v;
    size_t n = validate_value(p, name, &v) && v.is_array ? v.count : 0;
    usd_value_finish(&v);
    return n;
}

// ---------------------------------------------------------------------------------------------------------------
// The stage

static void check_default_prim(usd_stage *s, const char *root)
{
    struct usd_value v;
    const usd_prim *p = usd_stage_default_prim(s);
    if (usd_stage_metadata(s, "defaultPrim", &v) && v.type == USD_TYPE_TOKEN && !v.is_array) {
        const char *name = *(const char *const *)v.data;
        if (!p)
            stage_finding(s, USD_ERROR, "default-prim", "name a prim of this layer, or take the defaultPrim line out", root, "/",
                          "defaultPrim names '%s', which does not exist", name);
        else if (!usd_prim_is_active(p) || usd_prim_is_abstract(p))
            stage_finding(s, USD_WARNING, "default-prim", "name a prim that is active and no class", root, usd_prim_path(p),
                          "the default prim is %s", usd_prim_is_active(p) ? "a class" : "not active");
    } else if (usd_prim_first_child(s->root) && !strstr(root, ".mtlx")) {
        stage_finding(s, USD_INFO, "default-prim", "set defaultPrim if others are to reference the layer as a whole", root, "/", "the layer names no default prim");
    }
    usd_value_finish(&v);
}

static const struct field *layer_field(const struct layer *l, usd_tok name) { return spec_field(l, &l->prims.items[0], name); }

// Nothing converts units or axes between layers.
static void check_layers(usd_stage *s)
{
    double meters = usd_stage_meters_per_unit(s);
    const struct layer *l;
    for (size_t i = 1; (l = stage_layer(s, i)); i++) {
        const struct field *f = layer_field(l, T_metersPerUnit), *axis = layer_field(l, T_upAxis);
        struct usd_value v    = { 0 };
        double own            = meters;
        if (f && field_value(s, l, f, &v) && usd_value_doubles(&v, 0, &own, 1) && own > 0 && fabs(own / meters - 1) > 1e-6)
            stage_finding(s, USD_INFO, "units", "scale where the layer is brought in, if that is not done yet", l->identifier, "/", "the layer's unit is %g m, the stage's %g m; nothing converts it", own, meters);
        usd_value_finish(&v);
        if (axis && axis->type == USD_TYPE_TOKEN && !axis->flags && strcmp(field_ptr(axis), usd_stage_up_axis(s)))
            stage_finding(s, USD_INFO, "units", "turn where the layer is brought in, if that is not done yet", l->identifier, "/", "the layer's up axis is %s, the stage's %s; nothing turns it",
                          (const char *)field_ptr(axis), usd_stage_up_axis(s));
    }
}

static void check_stage(usd_stage *s)
{
    const char *root = usd_stage_layer(s, 0), *axis = usd_stage_up_axis(s);
    struct usd_value v;
    check_default_prim(s, root);
    if (strcmp(axis, "Y") && strcmp(axis, "Z"))
        stage_finding(s, USD_ERROR, "stage-metadata", "write upAxis = \"Y\" or \"Z\"", root, "/", "upAxis is '%s'", axis);
    static const char *const positive[] = { "metersPerUnit", "timeCodesPerSecond", "framesPerSecond", "kilogramsPerUnit" };
    for (int i = 0; i < 4; i++) {
        double d;
        if (usd_stage_metadata(s, positive[i], &v) && (!usd_value_doubles(&v, 0, &d, 1) || !(d > 0)))
            stage_finding(s, USD_ERROR, "stage-metadata", "write a number above 0", root, "/", "%s is not a positive number", positive[i]);
        usd_value_finish(&v);
    }
    struct usd_value first, last;
    bool has_first = usd_stage_metadata(s, "startTimeCode", &first), has_last = usd_stage_metadata(s, "endTimeCode", &last);
    double start = 0, end = 0;
    if (has_first != has_last)
        stage_finding(s, USD_WARNING, "stage-metadata", "author both", root, "/", "%s is authored without %s, which then is 0", has_first ? "startTimeCode" : "endTimeCode",
                      has_first ? "endTimeCode" : "startTimeCode");
    else if (has_first && usd_value_doubles(&first, 0, &start, 1) && usd_value_doubles(&last, 0, &end, 1) && start > end)
        stage_finding(s, USD_WARNING, "stage-metadata", "exchange the two", root, "/", "startTimeCode %g comes after endTimeCode %g", start, end);
    usd_value_finish(&first);
    usd_value_finish(&last);
    check_layers(s);
}

// ---------------------------------------------------------------------------------------------------------------
// Namespace: models, variants

static void check_model(usd_stage *s, const usd_prim *p)
{
    static const char *const kinds[] = { "", "model", "group", "assembly", "component", "subcomponent" };
    const char *kind                 = usd_prim_kind(p);
    bool known                       = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        known |= !strcmp(kind, kinds[i]);
    if (!known)
        PRIM_FINDING(s, p, USD_WARNING, "kind", "use group, assembly, component or subcomponent, or register the kind", "the kind '%s' is not one of USD's", kind);
    else if (!strcmp(kind, "component"))
        for (const usd_prim *up = usd_prim_parent(p); up; up = usd_prim_parent(up))
            if (!strcmp(usd_prim_kind(up), "component")) {
                PRIM_FINDING(s, p, USD_WARNING, "kind", "make the inner one a subcomponent", "a component below the component <%s> is no model", usd_prim_path(up));
                break;
            }
}

static void check_variants(usd_stage *s, const usd_prim *p)
{
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++) {
        const char *selection = usd_prim_variant_selection(p, i);
        bool found            = !*selection;
        for (size_t k = 0; k < usd_prim_variant_count(p, i) && !found; k++)
            found = !strcmp(usd_prim_variant(p, i, k), selection);
        if (!found)
            PRIM_FINDING(s, p, USD_WARNING, "variant", "select one that exists, or add it", "variant set '%s' has no variant '%s', which is selected",
                         usd_prim_variant_set(p, i), selection);
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Transforms

// Number type and components of a transform op; 0 components: not an op at all.
static int op_components(const char *name)
{
    static const struct {
        const char *op;
        int components;
    } ops[] = {
        { "translateX", 1 }, { "translateY", 1 }, { "translateZ", 1 }, { "translate", 3 }, { "scaleX", 1 }, { "scaleY", 1 }, { "scaleZ", 1 },
        { "scale", 3 }, { "rotateX", 1 }, { "rotateY", 1 }, { "rotateZ", 1 }, { "rotateXYZ", 3 }, { "rotateXZY", 3 }, { "rotateYXZ", 3 },
        { "rotateYZX", 3 }, { "rotateZXY", 3 }, { "rotateZYX", 3 }, { "orient", 4 }, { "transform", 16 },
    };
    name += strlen("xformOp:");
    size_t n = strcspn(name, ":");
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (n == strlen(ops[i].op) && !strncmp(name, ops[i].op, n))
            return ops[i].components;
    return 0;
}

static void check_op(usd_stage *s, const usd_prim *p, const usd_property *order, const char *name)
{
    if (!strcmp(name, "!resetXformStack!"))
        return;
    const char *op = strncmp(name, "!invert!", 8) ? name : name + 8;
    if (strncmp(op, "xformOp:", 8) || !op_components(op)) {
        PROPERTY_FINDING(s, order, USD_ERROR, "transform", "use the ops UsdGeomXformable defines", "'%s' is no transform op", op);
        return;
    }
    const usd_property *q = usd_prim_find_property(p, op);
    struct usd_value v;
    if (!q || usd_property_is_relationship(q)) {
        PROPERTY_FINDING(s, order, USD_ERROR, "transform", "add the op, or take its name out", "names '%s', which does not exist", op);
        return;
    }
    double d[16];
    if (!usd_attr_get(q, validate_first_time(q), &v)) {
        if (!usd_attr_has_value(q))
            PROPERTY_FINDING(s, q, USD_WARNING, "transform", "give it a value, or take it out of xformOpOrder", "the op has no value");
    } else if (usd_type_components(v.type) != op_components(op) || v.is_array) {
        PROPERTY_FINDING(s, q, USD_ERROR, "transform", "declare it with the type of the op", "an op with a value of the type %s%s does not count",
                         usd_type_name(v.type), v.is_array ? "[]" : "");
    } else if (op_components(op) == 4 && usd_value_doubles(&v, 0, d, 4)) {
        double length = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + d[3] * d[3]);
        if (!(fabs(length - 1) < 1e-2))
            PROPERTY_FINDING(s, q, USD_WARNING, "not-normalised", "divide it by its length", "the quaternion has the length %.4g", length);
    } else if (op_components(op) == 16 && usd_value_doubles(&v, 0, d, 16) && (d[3] != 0 || d[7] != 0 || d[11] != 0 || d[15] != 1)) {
        PROPERTY_FINDING(s, q, USD_WARNING, "transform", "the last column must be 0, 0, 0, 1", "the matrix is not affine: its last column is (%g, %g, %g, %g)", d[3], d[7], d[11], d[15]);
    }
    usd_value_finish(&v);
}

static void check_transform(usd_stage *s, const usd_prim *p)
{
    const usd_property *order = usd_prim_find_property(p, "xformOpOrder");
    struct usd_value v        = { 0 };
    const char *type          = usd_prim_type_name(p);
    bool has                  = order && usd_attr_get(order, USD_TIME_DEFAULT, &v) && v.type == USD_TYPE_TOKEN && v.is_array;
    const char *const *ops    = has ? v.data : NULL;
    if (has && v.count && *type && usd_schema_find(type) && !usd_prim_is_a(p, "Xformable"))
        PROPERTY_FINDING(s, order, USD_WARNING, "transform", "move the ops to an Xform above", "a %s has no transform; the ops do not count", type);
    for (size_t i = 0; has && i < v.count; i++) {
        check_op(s, p, order, ops[i]);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(ops[i], ops[k])) {
                PROPERTY_FINDING(s, order, USD_ERROR, "transform", "name each op once", "names '%s' twice", ops[i]);
                break;
            }
    }
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        const char *name      = usd_property_name(q);
        bool used             = strncmp(name, "xformOp:", 8) != 0;
        for (size_t k = 0; k < (has ? v.count : 0) && !used; k++)
            used = !strcmp(ops[k], name) || (!strncmp(ops[k], "!invert!", 8) && !strcmp(ops[k] + 8, name));
        if (!used && usd_attr_has_value(q))
            PROPERTY_FINDING(s, q, USD_WARNING, "transform", "add it to xformOpOrder, or delete it", "the op is not in xformOpOrder and does nothing");
    }
    usd_value_finish(&v);
}

// ---------------------------------------------------------------------------------------------------------------

size_t usd_stage_validate(usd_stage *s)
{
    check_stage(s);
    validate_package(s);
    bool skip = false;
    for (const usd_prim *p = usd_prim_first_child(s->root); p; p = usd_prim_next(p, s->root, skip)) {
        skip = !usd_prim_is_active(p);
        if (skip)
            continue;
        skip = usd_prim_is_instance(p) && usd_prim_in_prototype(p) != p; // a prototype is looked at once
        for (size_t i = 0; i < usd_prim_property_count(p); i++)
            validate_property(s, usd_prim_property(p, i));
        if (!usd_prim_is_defined(p))
            continue; // only overs: nothing is here yet
        validate_schema(s, p);
        check_model(s, p);
        check_variants(s, p);
        check_transform(s, p);
        validate_geometry(s, p);
        validate_skeleton(s, p);
        validate_shading(s, p);
    }
    return usd_stage_diagnostic_count(s);
}
