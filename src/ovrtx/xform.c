#include "xform.h"

void matrix_from_trs(double m[16], const double t[3], const double q[4], const double s[3])
{
    double x = q[0], y = q[1], z = q[2], w = q[3];
    double r[9] = {
        1 - 2 * (y * y + z * z), 2 * (x * y + z * w),     2 * (x * z - y * w),
        2 * (x * y - z * w),     1 - 2 * (x * x + z * z), 2 * (y * z + x * w),
        2 * (x * z + y * w),     2 * (y * z - x * w),     1 - 2 * (x * x + y * y),
    };
    matrix_identity(m);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            m[i * 4 + j] = s[i] * r[i * 3 + j];
    memcpy(m + 12, t, 3 * sizeof(double));
}

struct box box_transformed(const struct box *b, const double m[16])
{
    struct box out = box_empty();
    for (int i = 0; i < 8; i++) {
        double p[3] = { i & 1 ? b->max[0] : b->min[0], i & 2 ? b->max[1] : b->min[1], i & 4 ? b->max[2] : b->min[2] };
        matrix_point(p, p, m);
        box_add(&out, p);
    }
    return out;
}
