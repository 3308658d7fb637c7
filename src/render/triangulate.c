#include "triangulate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

// Ear clipping is quadratic; a larger polygon is drawn as a fan, right for convex outlines.
#define MAX_EAR_CLIP_CORNERS 4096

void triangulator_finish(struct triangulator *t)
{
    free(t->triangles);
    free(t->ring);
    free(t->flat);
    *t = (struct triangulator) { 0 };
}

static bool reserve(struct triangulator *t, size_t count)
{
    if (count <= t->capacity)
        return true;
    size_t capacity = count < 16 ? 16 : count + count / 2;
    triangulator_finish(t);
    t->triangles = malloc(capacity * 3 * sizeof(uint32_t));
    t->ring      = malloc(capacity * sizeof(uint32_t));
    t->flat      = malloc(capacity * 2 * sizeof(float));
    t->capacity  = capacity;
    if (t->triangles && t->ring && t->flat)
        return true;
    triangulator_finish(t);
    return false;
}

// Drops the axis in which the polygon is widest seen from its normal; keeps its winding positive.
static void flatten(struct triangulator *t, const float *points, const int32_t *corners, size_t count)
{
    double n[3] = { 0 };
    for (size_t i = 0; i < count; i++) {
        const float *p = points + 3 * (size_t)corners[i];
        const float *q = points + 3 * (size_t)corners[(i + 1) % count];
        n[0] += ((double)p[1] - q[1]) * ((double)p[2] + q[2]);
        n[1] += ((double)p[2] - q[2]) * ((double)p[0] + q[0]);
        n[2] += ((double)p[0] - q[0]) * ((double)p[1] + q[1]);
    }
    int drop = fabs(n[0]) > fabs(n[1]) ? (fabs(n[0]) > fabs(n[2]) ? 0 : 2) : (fabs(n[1]) > fabs(n[2]) ? 1 : 2);
    int u = (drop + 1) % 3, v = (drop + 2) % 3;
    if (n[drop] < 0) {
        int swap = u;
        u        = v;
        v        = swap;
    }
    const float *origin = points + 3 * (size_t)corners[0];
    for (size_t i = 0; i < count; i++) {
        const float *p     = points + 3 * (size_t)corners[i];
        t->flat[2 * i]     = p[u] - origin[u];
        t->flat[2 * i + 1] = p[v] - origin[v];
    }
}

// Twice the signed area of the flat triangle abc.
static double turn(const float *flat, uint32_t a, uint32_t b, uint32_t c)
{
    const float *pa = flat + 2 * (size_t)a, *pb = flat + 2 * (size_t)b, *pc = flat + 2 * (size_t)c;
    return ((double)pb[0] - pa[0]) * ((double)pc[1] - pa[1]) - ((double)pb[1] - pa[1]) * ((double)pc[0] - pa[0]);
}

static bool is_convex(const struct triangulator *t, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (turn(t->flat, (uint32_t)i, (uint32_t)((i + 1) % count), (uint32_t)((i + 2) % count)) < 0)
            return false;
    return true;
}

static void fan(struct triangulator *t, size_t count, uint32_t apex)
{
    for (uint32_t i = 0; i + 2 < count; i++) {
        t->triangles[3 * i]     = apex;
        t->triangles[3 * i + 1] = (uint32_t)((apex + i + 1) % count);
        t->triangles[3 * i + 2] = (uint32_t)((apex + i + 2) % count);
    }
}

static float distance2(const float *points, int32_t a, int32_t b)
{
    const float *p = points + 3 * (size_t)a, *q = points + 3 * (size_t)b;
    float x = p[0] - q[0], y = p[1] - q[1], z = p[2] - q[2];
    return x * x + y * y + z * z;
}

static bool is_ear(const struct triangulator *t, size_t left, size_t at)
{
    uint32_t a = t->ring[(at + left - 1) % left], b = t->ring[at], c = t->ring[(at + 1) % left];
    if (turn(t->flat, a, b, c) <= 0)
        return false;
    for (size_t i = 0; i < left; i++) {
        uint32_t p = t->ring[i];
        if (p != a && p != b && p != c && turn(t->flat, a, b, p) >= 0 && turn(t->flat, b, c, p) >= 0 &&
            turn(t->flat, c, a, p) >= 0)
            return false;
    }
    return true;
}

static void clip_ears(struct triangulator *t, size_t count)
{
    for (size_t i = 0; i < count; i++)
        t->ring[i] = (uint32_t)i;
    uint32_t *out = t->triangles;
    size_t at     = 0;
    for (size_t left = count; left > 3;) {
        size_t tries = 0;
        while (tries < left && !is_ear(t, left, at)) {
            at = (at + 1) % left;
            tries++;
        }
        // A polygon that crosses itself may have no ear: clip where we stand, to end.
        *out++ = t->ring[(at + left - 1) % left];
        *out++ = t->ring[at];
        *out++ = t->ring[(at + 1) % left];
        for (size_t i = at; i + 1 < left; i++)
            t->ring[i] = t->ring[i + 1];
        left--;
        at = at % left;
    }
    *out++ = t->ring[0];
    *out++ = t->ring[1];
    *out   = t->ring[2];
}

const uint32_t *triangulate(struct triangulator *t, const float *points, const int32_t *corners, size_t count,
                            size_t *triangle_count)
{
    if (!reserve(t, count))
        return NULL;
    *triangle_count = count - 2;
    if (count == 3) {
        fan(t, count, 0);
        return t->triangles;
    }
    flatten(t, points, corners, count);
    if (is_convex(t, count)) {
        bool other = count == 4 && distance2(points, corners[1], corners[3]) < distance2(points, corners[0], corners[2]);
        fan(t, count, other);
    } else if (count <= MAX_EAR_CLIP_CORNERS) {
        clip_ears(t, count);
    } else {
        fan(t, count, 0);
    }
    return t->triangles;
}
