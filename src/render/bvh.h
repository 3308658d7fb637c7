// Bounding volume hierarchies, built on the CPU, traversed by compute shaders. Layout: shared/bvh.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../shaders/shared/bvh.h"

struct thread_pool;

struct bvh {
    uint32_t *nodes; // node_count x BVH_NODE_WORDS; node 0 is the root and always exists
    size_t node_count;
    uint32_t *primitives; // primitive_count: what the leaves' positions mean, indices into the input
    size_t primitive_count;
    float bounds[6]; // min xyz, max xyz; all zero when empty
};

#define BVH_MAX_PRIMITIVES (1u << 27)

/**
 * Build a tree over boxes, for example of instances.
 *
 * @param boxes  count x 6 floats: min xyz, max xyz. A box that is inverted or not finite (or beyond 1e18)
 *               becomes a point in the middle of the others.
 * @param leaf_max  Primitives per leaf, 1 to BVH_LEAF_MAX.
 * @param pool   Threads to use, or NULL.
 * @return       false when memory is short or count is above BVH_MAX_PRIMITIVES; *out is then empty.
 */
bool bvh_build_boxes(const float *boxes, size_t count, unsigned leaf_max, struct thread_pool *pool, struct bvh *out);

/**
 * Build a tree over triangles. Triangles with a corner that is not finite are kept as points that no ray hits.
 *
 * @param positions  3 floats per vertex.
 * @param indices    triangle_count x 3, each of a vertex that exists.
 */
bool bvh_build_triangles(const float *positions, const uint32_t *indices, size_t triangle_count,
                         struct thread_pool *pool, struct bvh *out);

/**
 * Write the triangles in leaf order, ready for the GPU.
 *
 * @param slots  triangle_count material slots, or NULL for all 0.
 * @param out    primitive_count x BVH_TRIANGLE_WORDS.
 */
void bvh_write_triangles(const struct bvh *bvh, const float *positions, const uint32_t *indices,
                         const uint8_t *slots, uint32_t *out);

// New boxes for moved triangles of the same topology; slower rays than a new tree, but quick.
void bvh_refit_triangles(struct bvh *bvh, const float *positions, const uint32_t *indices);

void bvh_free(struct bvh *bvh);

struct bvh_hit {
    float t, u, v;      // u and v weigh the second and third corner
    uint32_t primitive; // index into the input; BVH_EMPTY = nothing hit
};

// The closest hit of a ray with a triangle tree, by the same arithmetic as the shaders: the tests' oracle
// for them, and useful where one ray is wanted on the CPU. t_max bounds the hit.
struct bvh_hit bvh_trace_triangles(const struct bvh *bvh, const float *positions, const uint32_t *indices,
                                   const float origin[3], const float direction[3], float t_max);
