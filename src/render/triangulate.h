// One polygon to triangles. Convex polygons become fans, quads split along the better diagonal, concave
// ones are ear-clipped in the plane they are closest to (Meisters 1975).
#pragma once

#include <stddef.h>
#include <stdint.h>

struct triangulator {
    uint32_t *triangles, *ring; // scratch, grown as needed
    float *flat;                // corner x 2: the polygon in its plane
    size_t capacity;            // corners the scratch has room for
};

void triangulator_finish(struct triangulator *t);

/**
 * @param corners indices into points (x 3 floats), all in range, count >= 3.
 * @return triangle_count x 3 corner numbers (0 to count - 1) in the polygon's own winding, valid until the
 *         next call, or NULL when memory is short. Always count - 2 triangles.
 */
const uint32_t *triangulate(struct triangulator *t, const float *points, const int32_t *corners, size_t count,
                            size_t *triangle_count);
