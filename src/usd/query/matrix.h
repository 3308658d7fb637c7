// 4x4 matrices, row-major, row vectors.
#pragma once

#include <stdbool.h>

extern const double matrix_identity[16];
void matrix_multiply(const double a[16], const double b[16], double out[16]); // a, then b; out may be either
bool matrix_invert(const double m[16], double out[16]);                       // false: singular
void matrix_from_quat(const double q[4], double out[16]);                     // i, j, k, real
