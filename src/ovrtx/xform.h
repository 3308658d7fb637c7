// 4x4 matrices of doubles, row-major, for row vectors: p' = p M; a child's world is local * parent.
#pragma once

#include <stdbool.h>
#include <string.h>

static inline void matrix_identity(double m[16])
{
    memset(m, 0, 16 * sizeof(double));
    m[0] = m[5] = m[10] = m[15] = 1;
}

static inline void matrix_mul(double out[16], const double a[16], const double b[16])
{
    double r[16];
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            r[i * 4 + j] = a[i * 4] * b[j] + a[i * 4 + 1] * b[4 + j] + a[i * 4 + 2] * b[8 + j] + a[i * 4 + 3] * b[12 + j];
    memcpy(out, r, sizeof(r));
}

static inline void matrix_point(double out[3], const double p[3], const double m[16])
{
    double r[3];
    for (int j = 0; j < 3; j++)
        r[j] = p[0] * m[j] + p[1] * m[4 + j] + p[2] * m[8 + j] + m[12 + j];
    memcpy(out, r, sizeof(r));
}

// Scale, then rotate by a unit quaternion (x, y, z, w), then move.
void matrix_from_trs(double out[16], const double position[3], const double quat_xyzw[4], const double scale[3]);

struct box {
    double min[3], max[3];
};
static inline struct box box_empty(void)
{
    return (struct box) { { 1e300, 1e300, 1e300 }, { -1e300, -1e300, -1e300 } };
}
static inline bool box_is_empty(const struct box *b)
{
    return !(b->min[0] <= b->max[0] && b->min[1] <= b->max[1] && b->min[2] <= b->max[2]);
}
static inline void box_add(struct box *b, const double p[3])
{
    for (int i = 0; i < 3; i++) {
        b->min[i] = p[i] < b->min[i] ? p[i] : b->min[i];
        b->max[i] = p[i] > b->max[i] ? p[i] : b->max[i];
    }
}
// The axis-aligned box around the transformed corners of a non-empty box.
struct box box_transformed(const struct box *b, const double m[16]);
