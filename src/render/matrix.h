// Small matrix helpers. Matrices are row-major doubles for row vectors, as in render.h.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "shared/glsl_types.h"

// To the rows that transform_point() in shared/scene.glsl takes: row i makes component i.
static inline void matrix_rows(const double m[16], vec4 out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = (vec4) { (float)m[i], (float)m[4 + i], (float)m[8 + i], (float)m[12 + i] };
}

// Determinant of the upper left 3x3.
static inline double matrix_det3(const double m[16])
{
    return m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
           m[2] * (m[4] * m[9] - m[5] * m[8]);
}

// Inverse of an affine matrix. A singular one gives zeros (and false): nothing is then ever hit.
static inline bool matrix_invert(const double m[16], double out[16])
{
    const double det = matrix_det3(m);
    memset(out, 0, 16 * sizeof(*out));
    out[15] = 1;
    if (!(fabs(det) > 1e-300) || !isfinite(det))
        return false;
    const double s = 1 / det;
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++) {
            const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
            out[4 * c + r] = (m[4 * r1 + c1] * m[4 * r2 + c2] - m[4 * r1 + c2] * m[4 * r2 + c1]) * s;
        }
    for (int c = 0; c < 3; c++)
        out[12 + c] = -(m[12] * out[c] + m[13] * out[4 + c] + m[14] * out[8 + c]);
    return true;
}

static inline void matrix_multiply(const double a[16], const double b[16], double out[16])
{
    double t[16];
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++)
            t[4 * r + c] = a[4 * r] * b[c] + a[4 * r + 1] * b[4 + c] + a[4 * r + 2] * b[8 + c] +
                           a[4 * r + 3] * b[12 + c];
    memcpy(out, t, sizeof(t));
}

static inline mat4 matrix_to_float(const double m[16])
{
    mat4 out;
    for (int i = 0; i < 16; i++)
        out.m[i] = (float)m[i];
    return out;
}

static inline bool matrix_finite(const double m[16])
{
    for (int i = 0; i < 16; i++)
        if (!isfinite(m[i]))
            return false;
    return true;
}
