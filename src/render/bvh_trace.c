// A traversal on the CPU with the arithmetic of shaders/shared/bvh.glsl; see there for the comments.
#include <math.h>
#include <string.h>

#include "bvh.h"

struct ray {
    float o[3], d[3], inv[3];
    int kx, ky, kz;     // axes; kz is the largest of the direction
    float sx, sy, sz;   // shear (Woop, Benthin and Wald 2013)
    struct bvh_hit hit; // the closest so far
};

static float word_float(uint32_t word)
{
    float f;
    memcpy(&f, &word, 4);
    return f;
}

static void hit_triangle(struct ray *r, const float *const p[3], uint32_t primitive)
{
    float v[3][3];
    for (int k = 0; k < 3; k++) {
        float x = p[k][r->kx] - r->o[r->kx], y = p[k][r->ky] - r->o[r->ky], z = p[k][r->kz] - r->o[r->kz];
        v[k][0] = x - r->sx * z;
        v[k][1] = y - r->sy * z;
        v[k][2] = z;
    }
    float a = v[2][0] * v[1][1] - v[2][1] * v[1][0];
    float b = v[0][0] * v[2][1] - v[0][1] * v[2][0];
    float c = v[1][0] * v[0][1] - v[1][1] * v[0][0];
    if ((a < 0 || b < 0 || c < 0) && (a > 0 || b > 0 || c > 0))
        return;
    float det = a + b + c;
    float t   = (a * v[0][2] + b * v[1][2] + c * v[2][2]) * r->sz / det;
    if (det != 0 && t > 0 && t < r->hit.t)
        r->hit = (struct bvh_hit) { t, b / det, c / det, primitive };
}

static float child_entry(const struct ray *r, const uint32_t *node, int child)
{
    float near = 0, far = r->hit.t;
    for (int a = 0; a < 3; a++) {
        float step  = word_float((node[3] >> (8 * a) & 255) << 23) * r->inv[a];
        float base  = (word_float(node[a]) - r->o[a]) * r->inv[a];
        uint32_t lo = node[4 + a] >> (8 * child) & 255, hi = node[7 + a] >> (8 * child) & 255;
        float t0 = (float)(r->inv[a] >= 0 ? lo : hi) * step + base;
        float t1 = (float)(r->inv[a] >= 0 ? hi : lo) * step + base;
        near     = fmaxf(near, t0);
        far      = fminf(far, t1);
    }
    return near <= far * 1.0000004f ? near : INFINITY;
}

struct bvh_hit bvh_trace_triangles(const struct bvh *bvh, const float *positions, const uint32_t *indices,
                                   const float origin[3], const float direction[3], float t_max)
{
    struct ray r = { .hit = { t_max, 0, 0, BVH_EMPTY } };
    for (int a = 0; a < 3; a++) {
        r.o[a]   = origin[a];
        r.d[a]   = direction[a];
        r.inv[a] = 1 / (fabsf(direction[a]) < 1e-20f ? 1e-20f : direction[a]);
    }
    r.kz = fabsf(r.d[0]) > fabsf(r.d[1]) ? (fabsf(r.d[0]) > fabsf(r.d[2]) ? 0 : 2) : (fabsf(r.d[1]) > fabsf(r.d[2]) ? 1 : 2);
    r.kx = (r.kz + 1) % 3;
    r.ky = (r.kz + 2) % 3;
    r.sz = 1 / r.d[r.kz];
    r.sx = r.d[r.kx] * r.sz;
    r.sy = r.d[r.ky] * r.sz;
    uint32_t stack[BVH_STACK];
    size_t depth = 0;
    stack[depth++] = 0;
    while (depth) {
        uint32_t at = stack[--depth];
        if (at & BVH_LEAF) {
            uint32_t first = at & BVH_LEAF_FIRST, count = (at >> BVH_LEAF_COUNT_SHIFT & 15) + 1;
            for (uint32_t i = first; i < first + count; i++) {
                const uint32_t *corners = indices + 3 * (size_t)bvh->primitives[i];
                const float *p[3]       = { positions + 3 * (size_t)corners[0], positions + 3 * (size_t)corners[1],
                                            positions + 3 * (size_t)corners[2] };
                hit_triangle(&r, p, bvh->primitives[i]);
            }
            continue;
        }
        const uint32_t *node = bvh->nodes + (size_t)at * BVH_NODE_WORDS;
        for (int i = 0; i < BVH_WIDTH; i++)
            if (node[10 + i] != BVH_EMPTY && child_entry(&r, node, i) < INFINITY && depth < BVH_STACK)
                stack[depth++] = node[10 + i];
    }
    return r.hit;
}
