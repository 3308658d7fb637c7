// Transforms: xformOpOrder of UsdGeomXformable, inherited matrices. Row vectors: p' = p * M, child * parent.
#include <math.h>
#include <string.h>

#include "matrix.h"
#include "stage.h"

const double matrix_identity[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };

void matrix_multiply(const double a[16], const double b[16], double out[16])
{
    double r[16];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            r[i * 4 + j] = a[i * 4] * b[j] + a[i * 4 + 1] * b[4 + j] + a[i * 4 + 2] * b[8 + j] + a[i * 4 + 3] * b[12 + j];
    memcpy(out, r, sizeof(r));
}

bool matrix_invert(const double m[16], double out[16])
{
    // Cofactors through the six 2x2 minors of the upper and of the lower half.
    double s[6], c[6];
    static const int pairs[6][2] = { { 0, 1 }, { 0, 2 }, { 0, 3 }, { 1, 2 }, { 1, 3 }, { 2, 3 } };
    for (int i = 0; i < 6; i++) {
        int x = pairs[i][0], y = pairs[i][1];
        s[i] = m[x] * m[4 + y] - m[4 + x] * m[y];
        c[i] = m[8 + x] * m[12 + y] - m[12 + x] * m[8 + y];
    }
    double det = s[0] * c[5] - s[1] * c[4] + s[2] * c[3] + s[3] * c[2] - s[4] * c[1] + s[5] * c[0];
    if (fabs(det) < 1e-300)
        return false;
    double d        = 1 / det;
    const double r[16] = {
        (m[5] * c[5] - m[6] * c[4] + m[7] * c[3]) * d,     (-m[1] * c[5] + m[2] * c[4] - m[3] * c[3]) * d,
        (m[13] * s[5] - m[14] * s[4] + m[15] * s[3]) * d,  (-m[9] * s[5] + m[10] * s[4] - m[11] * s[3]) * d,
        (-m[4] * c[5] + m[6] * c[2] - m[7] * c[1]) * d,    (m[0] * c[5] - m[2] * c[2] + m[3] * c[1]) * d,
        (-m[12] * s[5] + m[14] * s[2] - m[15] * s[1]) * d, (m[8] * s[5] - m[10] * s[2] + m[11] * s[1]) * d,
        (m[4] * c[4] - m[5] * c[2] + m[7] * c[0]) * d,     (-m[0] * c[4] + m[1] * c[2] - m[3] * c[0]) * d,
        (m[12] * s[4] - m[13] * s[2] + m[15] * s[0]) * d,  (-m[8] * s[4] + m[9] * s[2] - m[11] * s[0]) * d,
        (-m[4] * c[3] + m[5] * c[1] - m[6] * c[0]) * d,    (m[0] * c[3] - m[1] * c[1] + m[2] * c[0]) * d,
        (-m[12] * s[3] + m[13] * s[1] - m[14] * s[0]) * d, (m[8] * s[3] - m[9] * s[1] + m[10] * s[0]) * d,
    };
    memcpy(out, r, sizeof(r));
    return true;
}

// From a unit quaternion.
static void rotation_from_quat(const double q[4], double out[16]) // i, j, k, real
{
    double x = q[0], y = q[1], z = q[2], w = q[3];
    const double r[9] = {
        1 - 2 * (y * y + z * z), 2 * (x * y + z * w),     2 * (z * x - y * w),
        2 * (x * y - z * w),     1 - 2 * (z * z + x * x), 2 * (y * z + x * w),
        2 * (z * x + y * w),     2 * (y * z - x * w),     1 - 2 * (y * y + x * x),
    };
    memcpy(out, matrix_identity, 16 * sizeof(double));
    for (int i = 0; i < 9; i++)
        out[i / 3 * 4 + i % 3] = r[i];
}

// Right-handed, degrees, about a unit axis; through half the angle as GfRotation does, so that rounding agrees.
static void rotate_about(const double axis[3], double degrees, double out[16])
{
    double half = degrees * (M_PI / 180) / 2, c = cos(half), s = sin(half);
    double q[4] = { axis[0] * s, axis[1] * s, axis[2] * s, c };
    double n    = sqrt(q[3] * q[3] + (q[0] * q[0] + q[1] * q[1] + q[2] * q[2]));
    for (int k = 0; k < 4; k++)
        q[k] /= n;
    rotation_from_quat(q, out);
}

static void rotate_axis(int axis, double degrees, double out[16])
{
    double unit[3] = { axis == 0, axis == 1, axis == 2 };
    rotate_about(unit, degrees, out);
}

void matrix_from_quat(const double q[4], double out[16]) // i, j, k, real
{
    double n = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (n < 1e-12)
        return;
    rotation_from_quat((const double[4]) { q[0] / n, q[1] / n, q[2] / n, q[3] / n }, out);
}

// xformOp:orient, as GfRotation reads a quaternion: the angle from its real part, the axis from the rest. What is not of
// unit length is therefore not what normalising would make of it.
static void orient(const double q[4], bool inverse, double out[16])
{
    double n = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (!(n > 1e-10))
        return;
    double axis[3] = { q[0] / n, q[1] / n, q[2] / n }, real = q[3] < -1 ? -1 : q[3] > 1 ? 1 : q[3];
    double degrees = 2 * (acos(real) * (180 / M_PI));
    rotate_about(axis, inverse ? -degrees : degrees, out);
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t n = strlen(with);
    if (strncmp(text, with, n))
        return false;
    *rest = text + n;
    return true;
}

// "rotateXYZ" and the like: three axes, each once, the first applied first.
static bool rotation_order(const char *axes, int order[3])
{
    unsigned seen = 0;
    for (int i = 0; i < 3; i++) {
        unsigned axis = (unsigned)(axes[i] - 'X');
        if (axis > 2)
            return false;
        order[i] = (int)axis;
        seen |= 1u << axis;
    }
    return seen == 7;
}

static bool one_axis(const char *kind, const char *what, int *axis)
{
    const char *rest;
    if (!starts(kind, what, &rest) || !*rest || rest[1])
        return false;
    *axis = *rest - 'X';
    return *axis >= 0 && *axis <= 2;
}

// An op by kind ("rotateXYZ") and value. false when the two do not go together.
static bool op_value(const char *kind, const double d[16], int parts, bool inverse, double out[16])
{
    double sign = inverse ? -1 : 1;
    int axis, order[3];
    const char *rest;
    if (!strcmp(kind, "translate") && parts == 3) {
        for (int i = 0; i < 3; i++)
            out[12 + i] = sign * d[i];
    } else if (!strcmp(kind, "scale") && parts == 3) {
        for (int i = 0; i < 3; i++)
            out[i * 5] = inverse ? 1 / d[i] : d[i];
    } else if (!strcmp(kind, "transform") && parts == 16) {
        return inverse ? matrix_invert(d, out) : (memcpy(out, d, 16 * sizeof(double)), true);
    } else if (!strcmp(kind, "orient") && parts == 4) {
        orient(d, inverse, out);
    } else if (one_axis(kind, "translate", &axis) && parts == 1) {
        out[12 + axis] = sign * d[0];
    } else if (one_axis(kind, "scale", &axis) && parts == 1) {
        out[axis * 5] = inverse ? 1 / d[0] : d[0];
    } else if (one_axis(kind, "rotate", &axis) && parts == 1) {
        rotate_axis(axis, sign * d[0], out);
    } else if (starts(kind, "rotate", &rest) && strlen(rest) == 3 && parts == 3 && rotation_order(rest, order)) {
        for (int i = 0; i < 3; i++) {
            double r[16];
            int at = order[inverse ? 2 - i : i];
            rotate_axis(at, sign * d[at], r);
            matrix_multiply(out, r, out);
        }
    } else {
        return false;
    }
    return true;
}

// The matrix of one op ("xformOp:rotateXYZ:pivot"). false when it has no value or no known type.
static bool op_matrix(const usd_prim *p, const char *op, bool inverse, double time, double out[16])
{
    const char *rest;
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (!starts(op, "xformOp:", &rest))
        return false;
    char kind[16];
    size_t n = strcspn(rest, ":");
    if (n >= sizeof(kind))
        return false;
    memcpy(kind, rest, n);
    kind[n] = 0;
    struct usd_value v;
    double d[16] = { 0 };
    bool ok      = usd_attr_get(usd_prim_find_property(p, op), time, &v) && !v.is_array && usd_value_doubles(&v, 0, d, 16);
    int parts    = usd_type_components(v.type);
    bool quat    = v.type == USD_TYPE_QUATH || v.type == USD_TYPE_QUATF || v.type == USD_TYPE_QUATD;
    usd_value_finish(&v);
    return ok && (parts != 4 || quat) && op_value(kind, d, parts, inverse, out);
}

// Most prims asked for one after the other are of one type.
static bool is_xformable(const usd_prim *p)
{
    static _Thread_local struct {
        usd_tok type;
        bool is;
    } last;
    usd_tok type = prim_real(p)->type_name;
    if (!type || type != last.type) {
        last.is   = usd_prim_is_a(p, "Xformable");
        last.type = type;
    }
    return last.is;
}

// "xformOp:x" beside "!invert!xformOp:x", in either order: nothing, even where the op has no inverse.
static bool are_inverse(const char *a, const char *b)
{
    const char *op;
    return (starts(a, "!invert!", &op) && !strcmp(op, b)) || (starts(b, "!invert!", &op) && !strcmp(op, a));
}

bool usd_prim_local_matrix(const usd_prim *p, double time, double out[16], bool *resets)
{
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (resets)
        *resets = false;
    const usd_property *order = prim_property(p, T_xformOpOrder);
    struct usd_value v;
    if (!order || !is_xformable(p))
        return false;
    if (!usd_attr_get(order, USD_TIME_DEFAULT, &v) || v.type != USD_TYPE_TOKEN || !v.is_array) {
        usd_value_finish(&v);
        return false;
    }
    const char *const *ops = v.data;
    // The last op is applied first to a point: M = op[n-1] * ... * op[0].
    for (size_t i = 0; i < v.count; i++) {
        const char *name;
        double m[16];
        if (!strcmp(ops[i], "!resetXformStack!")) { // what stands before it does not count
            memcpy(out, matrix_identity, 16 * sizeof(double));
            if (resets)
                *resets = true;
            continue;
        }
        if (i + 1 < v.count && are_inverse(ops[i], ops[i + 1])) {
            i++;
            continue;
        }
        bool inverse = starts(ops[i], "!invert!", &name);
        if (op_matrix(p, inverse ? name : ops[i], inverse, time, m))
            matrix_multiply(m, out, out);
    }
    usd_value_finish(&v);
    return true;
}

void usd_prim_world_matrix(const usd_prim *p, double time, double out[16])
{
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (!p || !p->parent)
        return;
    double local[16];
    bool resets;
    bool own = usd_prim_local_matrix(p, time, local, &resets);
    if (!resets)
        usd_prim_world_matrix(p->parent, time, out);
    if (own)
        matrix_multiply(local, out, out);
}

static bool varies(const usd_prim *p)
{
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        if (!strncmp(usd_property_name(q), "xformOp:", 8) && usd_attr_might_vary(q))
            return true;
    }
    return false;
}

bool usd_prim_transform_varies(const usd_prim *p, bool inherited)
{
    for (; p && p->parent; p = p->parent) {
        if (varies(p))
            return true;
        if (!inherited)
            break;
    }
    return false;
}
