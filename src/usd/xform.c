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

// Rotation about a coordinate axis, right-handed, degrees.
static void rotate_axis(int axis, double degrees, double out[16])
{
    double a = degrees * (M_PI / 180), c = cos(a), s = sin(a);
    int i = (axis + 1) % 3, j = (axis + 2) % 3;
    memcpy(out, matrix_identity, 16 * sizeof(double));
    out[i * 4 + i] = c;
    out[i * 4 + j] = s;
    out[j * 4 + i] = -s;
    out[j * 4 + j] = c;
}

void matrix_from_quat(const double q[4], double out[16]) // i, j, k, real
{
    double n = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (n < 1e-12)
        return;
    double x = q[0] / n, y = q[1] / n, z = q[2] / n, w = q[3] / n;
    const double r[9] = {
        1 - 2 * (y * y + z * z), 2 * (x * y + z * w),     2 * (z * x - y * w),
        2 * (x * y - z * w),     1 - 2 * (z * z + x * x), 2 * (y * z + x * w),
        2 * (z * x + y * w),     2 * (y * z - x * w),     1 - 2 * (y * y + x * x),
    };
    for (int i = 0; i < 9; i++)
        out[i / 3 * 4 + i % 3] = r[i];
}

static bool starts(const char *text, const char *with, const char **rest)
{
    size_t n = strlen(with);
    if (strncmp(text, with, n))
        return false;
    *rest = text + n;
    return true;
}

// The matrix of one op ("xformOp:rotateXYZ:pivot"). false when it has no value or no known type.
static bool op_matrix(const usd_prim *p, const char *op, double time, double out[16])
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
    bool ok      = usd_attr_get(usd_prim_find_property(p, op), time, &v) && usd_value_doubles(&v, 0, d, 16);
    int parts    = usd_type_components(v.type);
    usd_value_finish(&v);
    if (!ok)
        return false;
    if (!strcmp(kind, "translate") && parts == 3) {
        memcpy(out + 12, d, 3 * sizeof(double));
    } else if (!strcmp(kind, "scale") && parts == 3) {
        out[0] = d[0], out[5] = d[1], out[10] = d[2];
    } else if (!strcmp(kind, "transform") && parts == 16) {
        memcpy(out, d, 16 * sizeof(double));
    } else if (!strcmp(kind, "orient") && parts == 4) {
        matrix_from_quat(d, out);
    } else if (starts(kind, "translate", &rest) && strlen(rest) == 1 && parts == 1) { // translateX ...
        out[12 + (*rest - 'X') % 3] = d[0];
    } else if (starts(kind, "scale", &rest) && strlen(rest) == 1 && parts == 1) {
        out[(*rest - 'X') % 3 * 5] = d[0];
    } else if (starts(kind, "rotate", &rest) && strlen(rest) == 1 && parts == 1) {
        rotate_axis((*rest - 'X') % 3, d[0], out);
    } else if (starts(kind, "rotate", &rest) && strlen(rest) == 3 && parts == 3) { // applied in the order named
        for (int i = 0; i < 3; i++) {
            unsigned axis = (unsigned)(rest[i] - 'X');
            double r[16];
            if (axis > 2)
                return false;
            rotate_axis((int)axis, d[axis], r);
            matrix_multiply(out, r, out);
        }
    } else {
        return false;
    }
    return true;
}

bool usd_prim_local_matrix(const usd_prim *p, double time, double out[16], bool *resets)
{
    memcpy(out, matrix_identity, 16 * sizeof(double));
    if (resets)
        *resets = false;
    const usd_property *order = usd_prim_find_property(p, "xformOpOrder");
    struct usd_value v;
    // The order is uniform: its default counts.
    bool ok = order && (usd_attr_get(order, USD_TIME_DEFAULT, &v) || (usd_value_finish(&v), usd_attr_get(order, time, &v)));
    if (!ok || v.type != USD_TYPE_TOKEN || !v.is_array) {
        if (order)
            usd_value_finish(&v);
        return false;
    }
    const char *const *ops = v.data;
    size_t first           = 0;
    for (size_t i = 0; i < v.count; i++)
        if (!strcmp(ops[i], "!resetXformStack!")) { // what stands before it does not count
            first = i + 1;
            if (resets)
                *resets = true;
        }
    // The last op is applied first to a point: M = op[n-1] * ... * op[0].
    for (size_t i = v.count; i-- > first;) {
        const char *name;
        double m[16];
        bool inverse = starts(ops[i], "!invert!", &name);
        if (!op_matrix(p, inverse ? name : ops[i], time, m))
            continue;
        if (inverse && !matrix_invert(m, m))
            continue;
        matrix_multiply(out, m, out);
    }
    usd_value_finish(&v);
    return true;
}

void usd_prim_world_matrix(const usd_prim *p, double time, double out[16])
{
    memcpy(out, matrix_identity, 16 * sizeof(double));
    for (; p && p->parent; p = p->parent) {
        double local[16];
        bool resets;
        if (usd_prim_local_matrix(p, time, local, &resets))
            matrix_multiply(out, local, out);
        if (resets)
            break;
    }
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
