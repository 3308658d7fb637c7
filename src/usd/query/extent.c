// Local bounds of one prim: authored, or computed for every type that has a shape.
#include "extent.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "path.h"

const struct usd_bounds bounds_nothing = { { DBL_MAX, DBL_MAX, DBL_MAX }, { -DBL_MAX, -DBL_MAX, -DBL_MAX } };

bool bounds_empty(const struct usd_bounds *b) { return !(b->min[0] <= b->max[0] && b->min[1] <= b->max[1] && b->min[2] <= b->max[2]); }

void bounds_add_point(struct usd_bounds *b, double x, double y, double z)
{
    const double p[3] = { x, y, z };
    for (int i = 0; i < 3; i++) {
        if (p[i] < b->min[i])
            b->min[i] = p[i];
        if (p[i] > b->max[i])
            b->max[i] = p[i];
    }
}

void bounds_add_box(struct usd_bounds *to, const struct usd_bounds *box, const double m[16])
{
    if (bounds_empty(box))
        return;
    for (int i = 0; i < 8; i++) {
        double p[3] = { i & 1 ? box->max[0] : box->min[0], i & 2 ? box->max[1] : box->min[1], i & 4 ? box->max[2] : box->min[2] };
        bounds_add_point(to, p[0] * m[0] + p[1] * m[4] + p[2] * m[8] + m[12], p[0] * m[1] + p[1] * m[5] + p[2] * m[9] + m[13],
                         p[0] * m[2] + p[1] * m[6] + p[2] * m[10] + m[14]);
    }
}

bool extent_authored(const usd_prim *p, const char *name, double time, size_t pair, struct usd_bounds *out)
{
    struct usd_value v;
    bool ok = usd_attr_get(usd_prim_find_property(p, name), time, &v) && usd_type_components(v.type) == 3 && v.count >= pair * 2 + 2
              && usd_value_doubles(&v, pair * 2, out->min, 3) && usd_value_doubles(&v, pair * 2 + 1, out->max, 3);
    usd_value_finish(&v);
    return ok && !bounds_empty(out);
}

static double number(const usd_prim *p, const char *name, double time)
{
    double v = 0; // every name asked for has a fallback in the schema
    usd_prim_get_double(p, name, time, &v);
    return v;
}

static bool half_sizes(struct usd_bounds *out, double x, double y, double z)
{
    *out = (struct usd_bounds) { { -x, -y, -z }, { x, y, z } };
    return !bounds_empty(out);
}

// 0, 1, 2 for X, Y, Z.
static int axis_of(const usd_prim *p)
{
    const char *axis = "Z";
    usd_prim_get_token(p, "axis", USD_TIME_DEFAULT, &axis);
    return *axis == 'X' ? 0 : *axis == 'Y' ? 1 : 2;
}

// Around the axis with this radius, from -low to high along it.
static bool turned(const usd_prim *p, double radius, double low, double high, struct usd_bounds *out)
{
    int axis = axis_of(p);
    half_sizes(out, radius, radius, radius);
    out->min[axis] = -low;
    out->max[axis] = high;
    return !bounds_empty(out);
}

static bool of_cube(const usd_prim *p, double t, struct usd_bounds *out)
{
    double s = number(p, "size", t) / 2;
    return half_sizes(out, s, s, s);
}

static bool of_sphere(const usd_prim *p, double t, struct usd_bounds *out)
{
    double r = number(p, "radius", t);
    return half_sizes(out, r, r, r);
}

static bool of_cylinder(const usd_prim *p, double t, struct usd_bounds *out)
{
    double h = number(p, "height", t) / 2;
    return turned(p, number(p, "radius", t), h, h, out);
}

static bool of_cylinder_1(const usd_prim *p, double t, struct usd_bounds *out)
{
    double h = number(p, "height", t) / 2;
    return turned(p, fmax(number(p, "radiusTop", t), number(p, "radiusBottom", t)), h, h, out);
}

static bool of_capsule(const usd_prim *p, double t, struct usd_bounds *out)
{
    double r = number(p, "radius", t), h = number(p, "height", t) / 2 + r;
    return turned(p, r, h, h, out);
}

static bool of_capsule_1(const usd_prim *p, double t, struct usd_bounds *out)
{
    double top = number(p, "radiusTop", t), bottom = number(p, "radiusBottom", t), h = number(p, "height", t) / 2;
    return turned(p, fmax(top, bottom), h + bottom, h + top, out);
}

// In XY facing +Z: width along X, length along Y. X: length along Y, width along Z; Y: width along X, length along Z.
static bool of_plane(const usd_prim *p, double t, struct usd_bounds *out)
{
    double w = number(p, "width", t) / 2, l = number(p, "length", t) / 2;
    int axis = axis_of(p);
    return half_sizes(out, axis == 0 ? 0 : w, axis == 1 ? 0 : l, axis == 0 ? w : axis == 1 ? l : 0);
}

static bool of_rect(const usd_prim *p, double t, struct usd_bounds *out)
{
    return half_sizes(out, number(p, "inputs:width", t) / 2, number(p, "inputs:height", t) / 2, 0);
}

static bool of_disk(const usd_prim *p, double t, struct usd_bounds *out)
{
    double r = number(p, "inputs:radius", t);
    return half_sizes(out, r, r, 0);
}

static bool of_sphere_light(const usd_prim *p, double t, struct usd_bounds *out)
{
    double r = number(p, "inputs:radius", t);
    return half_sizes(out, r, r, r);
}

static bool of_cylinder_light(const usd_prim *p, double t, struct usd_bounds *out)
{
    double r = number(p, "inputs:radius", t);
    return half_sizes(out, number(p, "inputs:length", t) / 2, r, r);
}

static bool of_points(const usd_prim *p, double time, struct usd_bounds *out)
{
    struct usd_value v;
    *out = bounds_nothing;
    if (usd_attr_get(usd_prim_find_property(p, "points"), time, &v) && v.type == USD_TYPE_FLOAT3) {
        const float *f = v.data; // the usual type; the loop below is for all others
        for (size_t i = 0; i < v.count; i++, f += 3)
            bounds_add_point(out, f[0], f[1], f[2]);
    } else if (usd_type_components(v.type) == 3) {
        for (size_t i = 0; i < v.count; i++) {
            double d[3];
            usd_value_doubles(&v, i, d, 3);
            bounds_add_point(out, d[0], d[1], d[2]);
        }
    }
    usd_value_finish(&v);
    return !bounds_empty(out);
}

// primvars:widths before widths.
static bool get_widths(const usd_prim *p, double time, struct usd_value *w)
{
    const usd_property *q = usd_prim_find_primvar(p, "widths", NULL);
    if (!q || usd_property_prim(q) != p)
        q = usd_prim_find_property(p, "widths");
    return usd_attr_get(q, time, w) && usd_type_components(w->type) == 1;
}

// Curves: half of the greatest width on every side.
static bool of_curves(const usd_prim *p, double time, struct usd_bounds *out)
{
    struct usd_value w;
    if (!of_points(p, time, out))
        return false;
    double width = 0;
    if (get_widths(p, time, &w))
        for (size_t i = 0; i < w.count; i++) {
            double d = 0;
            usd_value_doubles(&w, i, &d, 1);
            width = fmax(width, d);
        }
    usd_value_finish(&w);
    for (int i = 0; i < 3; i++) {
        out->min[i] -= width / 2;
        out->max[i] += width / 2;
    }
    return true;
}

// Points: each is a ball as wide as its own width, or as the only one.
static bool of_balls(const usd_prim *p, double time, struct usd_bounds *out)
{
    struct usd_value v, w;
    *out     = bounds_nothing;
    bool any = get_widths(p, time, &w);
    if (usd_attr_get(usd_prim_find_property(p, "points"), time, &v) && usd_type_components(v.type) == 3)
        for (size_t i = 0; i < v.count; i++) {
            double d[3], r = 0;
            usd_value_doubles(&v, i, d, 3);
            if (any && (w.count == v.count || w.count == 1))
                usd_value_doubles(&w, w.count == 1 ? 0 : i, &r, 1);
            r = fmax(r, 0) / 2;
            bounds_add_point(out, d[0] - r, d[1] - r, d[2] - r);
            bounds_add_point(out, d[0] + r, d[1] + r, d[2] + r);
        }
    usd_value_finish(&v);
    usd_value_finish(&w);
    return !bounds_empty(out);
}

// Joints are paths; each is moved by the nearest joint above it.
static size_t joint_parent(const char *const *joints, size_t i)
{
    size_t best = i, length = 0;
    for (size_t k = 0; k < i; k++) {
        size_t n = strlen(joints[k]);
        if (n > length && n < strlen(joints[i]) && path_has_prefix(joints[i], joints[k], n)) {
            best   = k;
            length = n;
        }
    }
    return best;
}

// The places of the joints in the rest pose.
static bool of_skeleton(const usd_prim *p, double time, struct usd_bounds *out)
{
    struct usd_value joints, rest;
    *out    = bounds_nothing;
    bool ok = usd_attr_get(usd_prim_find_property(p, "joints"), USD_TIME_DEFAULT, &joints);
    ok      = usd_attr_get(usd_prim_find_property(p, "restTransforms"), USD_TIME_DEFAULT, &rest) && ok && joints.type == USD_TYPE_TOKEN
         && joints.is_array && rest.type == USD_TYPE_MATRIX4D && joints.count == rest.count && joints.count < 100000;
    double(*world)[16] = ok ? malloc((joints.count + 1) * sizeof(*world)) : NULL;
    for (size_t i = 0; world && i < joints.count; i++) {
        size_t parent = joint_parent(joints.data, i);
        usd_value_doubles(&rest, i, world[i], 16);
        if (parent != i)
            matrix_multiply(world[i], world[parent], world[i]);
        bounds_add_point(out, world[i][12], world[i][13], world[i][14]);
    }
    free(world);
    usd_value_finish(&joints);
    usd_value_finish(&rest);
    return !bounds_empty(out);
}

static const struct {
    const char *type;
    bool (*of)(const usd_prim *p, double time, struct usd_bounds *out);
} shapes[] = {
    { "Mesh", of_points }, { "Cube", of_cube }, { "Sphere", of_sphere }, { "Cylinder", of_cylinder }, { "Cone", of_cylinder },
    { "Capsule", of_capsule }, { "Plane", of_plane }, { "Cylinder_1", of_cylinder_1 }, { "Capsule_1", of_capsule_1 },
    { "Points", of_balls }, { "BasisCurves", of_curves }, { "NurbsCurves", of_curves }, { "HermiteCurves", of_curves },
    { "NurbsPatch", of_points }, { "TetMesh", of_points }, { "Skeleton", of_skeleton }, { "RectLight", of_rect },
    { "PortalLight", of_rect }, { "DiskLight", of_disk }, { "SphereLight", of_sphere_light }, { "CylinderLight", of_cylinder_light },
};

bool extent_computed(const usd_prim *p, double time, struct usd_bounds *out)
{
    const char *type = usd_prim_type_name(p);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (!strcmp(type, shapes[i].type))
            return shapes[i].of(p, time, out);
    *out = bounds_nothing;
    return false;
}

bool usd_prim_extent(const usd_prim *p, double time, struct usd_bounds *out)
{
    *out = bounds_nothing;
    return p && usd_prim_is_a(p, "Boundable") && (extent_authored(p, "extent", time, 0, out) || extent_computed(p, time, out));
}
