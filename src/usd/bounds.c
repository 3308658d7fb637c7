// World bounds of subtrees.
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "stage.h"

static const struct usd_bounds nothing = { { DBL_MAX, DBL_MAX, DBL_MAX }, { -DBL_MAX, -DBL_MAX, -DBL_MAX } };

static bool is_empty(const struct usd_bounds *b) { return !(b->min[0] <= b->max[0] && b->min[1] <= b->max[1] && b->min[2] <= b->max[2]); }

static void add_point(struct usd_bounds *b, double x, double y, double z)
{
    const double p[3] = { x, y, z };
    for (int i = 0; i < 3; i++) {
        if (p[i] < b->min[i])
            b->min[i] = p[i];
        if (p[i] > b->max[i])
            b->max[i] = p[i];
    }
}

static void add_box(struct usd_bounds *to, const struct usd_bounds *box, const double m[16])
{
    if (is_empty(box))
        return;
    for (int i = 0; i < 8; i++) {
        double p[3] = { i & 1 ? box->max[0] : box->min[0], i & 2 ? box->max[1] : box->min[1], i & 4 ? box->max[2] : box->min[2] };
        add_point(to, p[0] * m[0] + p[1] * m[4] + p[2] * m[8] + m[12], p[0] * m[1] + p[1] * m[5] + p[2] * m[9] + m[13],
                  p[0] * m[2] + p[1] * m[6] + p[2] * m[10] + m[14]);
    }
}

// A float3[2] attribute (of 2 n values, the n-th pair).
static bool extent(const usd_prim *p, const char *name, double time, size_t pair, struct usd_bounds *out)
{
    struct usd_value v;
    bool ok = usd_attr_get(usd_prim_find_property(p, name), time, &v) && usd_type_components(v.type) == 3 && v.count >= pair * 2 + 2
              && usd_value_doubles(&v, pair * 2, out->min, 3) && usd_value_doubles(&v, pair * 2 + 1, out->max, 3);
    usd_value_finish(&v);
    return ok && !is_empty(out);
}

static bool of_points(const usd_prim *p, double time, struct usd_bounds *out)
{
    struct usd_value v, w;
    *out = nothing;
    if (usd_attr_get(usd_prim_find_property(p, "points"), time, &v) && usd_type_components(v.type) == 3)
        for (size_t i = 0; i < v.count; i++) {
            double d[3];
            usd_value_doubles(&v, i, d, 3);
            add_point(out, d[0], d[1], d[2]);
        }
    usd_value_finish(&v);
    double width = 0;
    if (usd_attr_get(usd_prim_find_property(p, "widths"), time, &w) && usd_type_components(w.type) == 1)
        for (size_t i = 0; i < w.count; i++) {
            double d = 0;
            usd_value_doubles(&w, i, &d, 1);
            width = fmax(width, d);
        }
    usd_value_finish(&w);
    for (int i = 0; i < 3 && !is_empty(out); i++) {
        out->min[i] -= width / 2;
        out->max[i] += width / 2;
    }
    return !is_empty(out);
}

static double get(const usd_prim *p, const char *name, double time, double fallback)
{
    usd_prim_get_double(p, name, time, &fallback);
    return fallback;
}

static bool of_shape(const usd_prim *p, const char *type, double time, struct usd_bounds *out)
{
    double side[3] = { 0, 0, 0 }; // half sizes; [2] is along the axis until it is turned
    if (!strcmp(type, "Cube")) {
        side[0] = side[1] = side[2] = get(p, "size", time, 2) / 2;
    } else if (!strcmp(type, "Sphere")) {
        side[0] = side[1] = side[2] = get(p, "radius", time, 1);
    } else {
        bool plane      = !strcmp(type, "Plane"), capsule = !strncmp(type, "Capsule", 7);
        double radius   = get(p, "radius", time, capsule ? 0.5 : 1), height = get(p, "height", time, capsule ? 1 : 2);
        const char *axis = "Z";
        usd_prim_get_token(p, "axis", time, &axis);
        if (plane) {
            double w = get(p, "width", time, 2) / 2, l = get(p, "length", time, 2) / 2;
            // In XY facing +Z: width along X, length along Y. X: width along Z; Y: length along Z.
            side[0] = *axis == 'X' ? 0 : w;
            side[1] = *axis == 'Y' ? 0 : l;
            side[2] = *axis == 'X' ? w : *axis == 'Y' ? l : 0;
        } else {
            int a   = *axis == 'X' ? 0 : *axis == 'Y' ? 1 : 2;
            for (int i = 0; i < 3; i++)
                side[i] = i == a ? height / 2 + (capsule ? radius : 0) : radius;
        }
    }
    for (int i = 0; i < 3; i++) {
        out->min[i] = -side[i];
        out->max[i] = side[i];
    }
    return true;
}

static bool one_of(const char *type, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(type, *list))
            return true;
    return false;
}

static bool of_gprim(const usd_prim *p, double time, struct usd_bounds *out)
{
    static const char *const shapes[] = { "Cube", "Sphere", "Cylinder", "Cone", "Capsule", "Plane", "Capsule_1", "Cylinder_1", NULL };
    static const char *const by_points[] = { "Mesh", "Points", "BasisCurves", "NurbsCurves", "HermiteCurves", "NurbsPatch", "TetMesh", NULL };
    const char *type = usd_prim_type_name(p);
    if (one_of(type, shapes)) // an authored extent of these is often the fallback of another size
        return of_shape(p, type, time, out);
    if (!one_of(type, by_points) && strcmp(type, "PointInstancer"))
        return false;
    return extent(p, "extent", time, 0, out) || of_points(p, time, out);
}

static void subtree(const usd_prim *p, double time, unsigned purposes, enum usd_purpose purpose, const double m[16],
                    struct usd_bounds *out, int depth);

// Each prototype's bounds under each instance's transform.
static bool of_instancer(const usd_prim *p, double time, unsigned purposes, enum usd_purpose purpose, const double m[16],
                         struct usd_bounds *out, int depth)
{
    struct usd_value index, pos, orient, scale;
    const usd_property *protos = usd_prim_find_property(p, "prototypes");
    size_t count               = usd_rel_target_count(protos);
    struct usd_bounds *boxes   = calloc(count + 1, sizeof(*boxes));
    for (size_t i = 0; boxes && i < count; i++) {
        boxes[i]              = nothing;
        const usd_prim *proto = usd_stage_find(prim_stage(p), usd_rel_target(protos, i));
        if (proto)
            subtree(proto, time, purposes, purpose, matrix_identity, &boxes[i], depth + 1);
    }
    bool ok = usd_attr_get(usd_prim_find_property(p, "protoIndices"), time, &index) && boxes;
    usd_attr_get(usd_prim_find_property(p, "positions"), time, &pos);
    if (!usd_attr_get(usd_prim_find_property(p, "orientationsf"), time, &orient)) {
        usd_value_finish(&orient);
        usd_attr_get(usd_prim_find_property(p, "orientations"), time, &orient);
    }
    usd_attr_get(usd_prim_find_property(p, "scales"), time, &scale);
    for (size_t i = 0; ok && i < index.count; i++) {
        double d = -1, t[16], r[16], q[4], v[3];
        usd_value_doubles(&index, i, &d, 1);
        if (!(d >= 0 && d < (double)count))
            continue;
        memcpy(t, matrix_identity, sizeof(t));
        if (usd_value_doubles(&scale, i, v, 3))
            t[0] = v[0], t[5] = v[1], t[10] = v[2];
        if (usd_value_doubles(&orient, i, q, 4)) {
            matrix_from_quat(q, r);
            matrix_multiply(t, r, t);
        }
        if (usd_value_doubles(&pos, i, v, 3))
            t[12] += v[0], t[13] += v[1], t[14] += v[2];
        matrix_multiply(t, m, t);
        add_box(out, &boxes[(size_t)d], t);
    }
    usd_value_finish(&index);
    usd_value_finish(&pos);
    usd_value_finish(&orient);
    usd_value_finish(&scale);
    free(boxes);
    return ok;
}

// Bounds of p and below in the space that m leads to; m is p's own matrix to there.
static void subtree(const usd_prim *p, double time, unsigned purposes, enum usd_purpose purpose, const double m[16],
                    struct usd_bounds *out, int depth)
{
    const char *name;
    if (depth > 1000 || !usd_prim_is_traversable(p))
        return;
    if (usd_attr_get_token(usd_prim_find_property(p, "visibility"), time, &name) && !strcmp(name, "invisible"))
        return;
    const usd_property *own = usd_prim_find_property(p, "purpose");
    if (own && usd_attr_get_token(own, USD_TIME_DEFAULT, &name))
        purpose = !strcmp(name, "render") ? USD_PURPOSE_RENDER : !strcmp(name, "proxy") ? USD_PURPOSE_PROXY
                : !strcmp(name, "guide") ? USD_PURPOSE_GUIDE : USD_PURPOSE_DEFAULT;
    struct usd_bounds box;
    const char *type = usd_prim_type_name(p);
    if (!strcmp(type, "PointInstancer")) {
        if (purpose & purposes && extent(p, "extent", time, 0, &box))
            add_box(out, &box, m);
        else
            of_instancer(p, time, purposes, purpose, m, out, depth);
        return; // prototypes below it are not drawn by themselves
    }
    if (usd_prim_find_property(p, "extentsHint")) { // pairs: default, render, proxy, guide
        bool hinted = false;
        for (size_t i = 0; i < 4; i++)
            if (purposes & 1u << i && extent(p, "extentsHint", time, i, &box)) {
                add_box(out, &box, m);
                hinted = true;
            }
        if (hinted)
            return;
    }
    if (purpose & purposes && of_gprim(p, time, &box))
        add_box(out, &box, m);
    for (const usd_prim *c = usd_prim_first_child(p); c; c = c->next_sibling) {
        double local[16];
        bool resets;
        bool has = usd_prim_local_matrix(c, time, local, &resets);
        if (has && !resets)
            matrix_multiply(local, m, local);
        subtree(c, time, purposes, purpose, has ? local : m, out, depth + 1);
    }
}

bool usd_prim_world_bounds(const usd_prim *p, double time, unsigned purposes, struct usd_bounds *out)
{
    *out = nothing;
    if (!p)
        return false;
    double m[16];
    usd_prim_world_matrix(p, time, m);
    subtree(p, time, purposes, p->parent ? usd_prim_purpose(p->parent) : USD_PURPOSE_DEFAULT, m, out, 0);
    return !is_empty(out);
}
