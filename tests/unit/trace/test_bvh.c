// The tree builder, by its CPU traversal against brute force.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bvh.h"
#include "bvh_ranges.h"
#include "thread.h"

static double uniform(void) { return drand48() * 2 - 1; }

struct soup {
    size_t triangles;
    float *positions;
    uint32_t *indices;
};

static struct soup make_soup(size_t triangles, double size)
{
    struct soup s = { triangles, malloc(triangles * 36 + 4), malloc(triangles * 12 + 4) };
    for (size_t i = 0; i < triangles; i++) {
        double c[3] = { uniform(), uniform(), uniform() };
        for (size_t k = 0; k < 9; k++)
            s.positions[9 * i + k] = (float)(c[k % 3] + size * uniform());
        for (size_t k = 0; k < 3; k++)
            s.indices[3 * i + k] = (uint32_t)(3 * i + k);
    }
    return s;
}

static void free_soup(struct soup *s)
{
    free(s->positions);
    free(s->indices);
}

// Moeller and Trumbore in double precision, over all triangles.
static double brute_force(const struct soup *s, const float o[3], const float d[3], double t_max)
{
    double best = t_max;
    for (size_t i = 0; i < s->triangles; i++) {
        double e[2][3], q[3], h[3], to[3];
        const float *a = s->positions + 3 * s->indices[3 * i];
        for (int k = 0; k < 3; k++) {
            e[0][k] = (double)s->positions[3 * s->indices[3 * i + 1] + (uint32_t)k] - a[k];
            e[1][k] = (double)s->positions[3 * s->indices[3 * i + 2] + (uint32_t)k] - a[k];
            to[k]   = (double)o[k] - a[k];
        }
        for (int k = 0; k < 3; k++) {
            h[k] = (double)d[(k + 1) % 3] * e[1][(k + 2) % 3] - (double)d[(k + 2) % 3] * e[1][(k + 1) % 3];
            q[k] = to[(k + 1) % 3] * e[0][(k + 2) % 3] - to[(k + 2) % 3] * e[0][(k + 1) % 3];
        }
        double det = e[0][0] * h[0] + e[0][1] * h[1] + e[0][2] * h[2];
        double u   = (to[0] * h[0] + to[1] * h[1] + to[2] * h[2]) / det;
        double v   = (d[0] * q[0] + d[1] * q[1] + d[2] * q[2]) / det;
        double t   = (e[1][0] * q[0] + e[1][1] * q[1] + e[1][2] * q[2]) / det;
        if (u >= 0 && v >= 0 && u + v <= 1 && t > 0 && t < best)
            best = t;
    }
    return best;
}

static size_t count_wrong(const struct soup *s, const struct bvh *bvh, int rays)
{
    size_t wrong = 0;
    for (int i = 0; i < rays; i++) {
        float o[3], d[3];
        for (int k = 0; k < 3; k++) {
            o[k] = (float)(1.5 * uniform());
            d[k] = (float)uniform();
        }
        if (i % 7 == 0)
            d[i % 3] = 0; // along an axis plane
        struct bvh_hit hit = bvh_trace_triangles(bvh, s->positions, s->indices, o, d, 100);
        double want        = brute_force(s, o, d, 100);
        wrong += fabs(hit.t - want) > 1e-4 * (1 + want);
    }
    return wrong;
}

static void test_random(void **state)
{
    struct thread_pool *pool = thread_pool_create(2, "test");
    static const struct {
        size_t triangles;
        double size;
        int rays;
    } rows[] = { { 1, 0.5, 500 }, { 2, 0.5, 500 }, { 5, 0.5, 500 }, { 100, 0.2, 2000 }, { 3000, 0.1, 1000 }, { 20000, 0.02, 300 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct soup s = make_soup(rows[i].triangles, rows[i].size);
        struct bvh bvh;
        assert_true(bvh_build_triangles(s.positions, s.indices, s.triangles, i % 2 ? pool : NULL, &bvh));
        assert_int_equal(bvh.primitive_count, s.triangles);
        // A grazing hit may fall either way by rounding.
        assert_in_range(count_wrong(&s, &bvh, rows[i].rays), 0, (size_t)rows[i].rays / 500);
        for (size_t k = 0; k < 9 * s.triangles; k++)
            s.positions[k] += 0.1f * sinf((float)k);
        bvh_refit_triangles(&bvh, s.positions, s.indices);
        assert_in_range(count_wrong(&s, &bvh, rows[i].rays), 0, (size_t)rows[i].rays / 500);
        bvh_free(&bvh);
        free_soup(&s);
    }
    thread_pool_destroy(&pool);
}

// Every primitive is in exactly one leaf.
static void test_complete(void **state)
{
    struct soup s = make_soup(5000, 0.1);
    struct bvh bvh;
    assert_true(bvh_build_triangles(s.positions, s.indices, s.triangles, NULL, &bvh));
    uint8_t *seen = calloc(s.triangles, 1);
    for (size_t n = 0; n < bvh.node_count; n++) {
        for (int i = 0; i < BVH_WIDTH; i++) {
            uint32_t child = bvh.nodes[n * BVH_NODE_WORDS + 10 + (size_t)i];
            if (child == BVH_EMPTY)
                continue;
            if (!(child & BVH_LEAF)) {
                assert_in_range(child, 1, bvh.node_count - 1);
                continue;
            }
            uint32_t first = child & BVH_LEAF_FIRST, count = (child >> BVH_LEAF_COUNT_SHIFT & 15) + 1;
            assert_in_range(count, 1, BVH_LEAF_MAX);
            for (uint32_t k = first; k < first + count; k++)
                assert_int_equal(seen[bvh.primitives[k]]++, 0);
        }
    }
    for (size_t i = 0; i < s.triangles; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
    bvh_free(&bvh);
    free_soup(&s);
}

static void test_bad_input(void **state)
{
    struct bvh bvh;
    assert_true(bvh_build_triangles(NULL, NULL, 0, NULL, &bvh));
    const float o[3] = { 0, 0, -5 }, d[3] = { 0, 0, 1 };
    assert_int_equal(bvh_trace_triangles(&bvh, NULL, NULL, o, d, 10).primitive, BVH_EMPTY);
    bvh_free(&bvh);

    // Infinite, NaN, huge and degenerate triangles beside good ones; many in one place.
    struct soup s = make_soup(1000, 0.2);
    for (size_t i = 0; i < 9 * 100; i++)
        s.positions[i] = i % 4 == 0 ? NAN : i % 4 == 1 ? INFINITY : i % 4 == 2 ? 1e30f : -INFINITY;
    for (size_t i = 9 * 100; i < 9 * 300; i++)
        s.positions[i] = 0.25f; // points
    for (size_t i = 9 * 300; i < 9 * 400; i++)
        s.positions[i] = (float)(i % 9) * 0.1f; // the same triangle a hundred times
    assert_true(bvh_build_triangles(s.positions, s.indices, s.triangles, NULL, &bvh));
    for (int k = 0; k < 6; k++)
        assert_true(isfinite(bvh.bounds[k]));
    struct soup good = { s.triangles - 100, s.positions, s.indices + 300 };
    size_t wrong     = 0;
    for (int i = 0; i < 1000; i++) {
        float from[3] = { (float)uniform(), (float)uniform(), (float)uniform() };
        float to[3]   = { (float)uniform(), (float)uniform(), (float)uniform() };
        struct bvh_hit hit = bvh_trace_triangles(&bvh, s.positions, s.indices, from, to, 100);
        double want        = brute_force(&good, from, to, 100);
        wrong += fabs(hit.t - want) > 1e-4 * (1 + want);
    }
    assert_in_range(wrong, 0, 2);
    bvh_refit_triangles(&bvh, s.positions, s.indices);
    bvh_free(&bvh);
    free_soup(&s);
}

// Rays at the shared edges and corners of a closed mesh do not slip through.
static void test_watertight(void **state)
{
    enum { N = 40 };
    struct soup s = { 2 * N * N, malloc(sizeof(float) * 3 * (N + 1) * (N + 1)), malloc(sizeof(uint32_t) * 6 * N * N) };
    for (int y = 0; y <= N; y++)
        for (int x = 0; x <= N; x++) {
            double u = 2 * M_PI * (x % N) / N, v = M_PI * y / N;
            float *p = s.positions + 3 * (y * (N + 1) + x);
            p[0]     = (float)(cos(u) * sin(v)) + 1000;
            p[1]     = y == N ? -1 : (float)cos(v);
            p[2]     = (float)(sin(u) * sin(v));
            if (y == 0 || y == N)
                p[0] = 1000, p[2] = 0;
        }
    size_t at = 0;
    for (uint32_t y = 0; y < N; y++)
        for (uint32_t x = 0; x < N; x++) {
            uint32_t a = y * (N + 1) + x, b = a + N + 1, quad[6] = { a, b, a + 1, a + 1, b, b + 1 };
            memcpy(s.indices + at, quad, sizeof(quad));
            at += 6;
        }
    struct bvh bvh;
    assert_true(bvh_build_triangles(s.positions, s.indices, s.triangles, NULL, &bvh));
    for (int i = 0; i < 20000; i++) {
        // From the middle at a corner or at a point of an edge.
        const uint32_t *t = s.indices + 3 * ((size_t)lrand48() % s.triangles);
        const float *a = s.positions + 3 * t[0], *b = s.positions + 3 * t[1];
        float f = i % 2 ? (float)drand48() : 0, o[3] = { 1000.01f, 0.02f, 0.03f }, d[3];
        for (int k = 0; k < 3; k++)
            d[k] = a[k] + (b[k] - a[k]) * f - o[k];
        assert_int_not_equal(bvh_trace_triangles(&bvh, s.positions, s.indices, o, d, 1e30f).primitive, BVH_EMPTY);
    }
    bvh_free(&bvh);
    free_soup(&s);
}

static void test_ranges(void **state)
{
    struct bvh_ranges r = { 0 };
    uint32_t place[64], size[64];
    uint8_t used[8192] = { 0 };
    memset(size, 0, sizeof(size));
    for (int step = 0; step < 20000; step++) {
        int i = (int)(lrand48() % 64);
        if (size[i]) {
            memset(used + place[i], 0, size[i]);
            bvh_ranges_give(&r, place[i], size[i]);
            size[i] = 0;
        } else {
            size[i] = 1 + (uint32_t)(lrand48() % 100);
            assert_true(bvh_ranges_take(&r, size[i], sizeof(used), &place[i]));
            for (uint32_t k = 0; k < size[i]; k++)
                assert_int_equal(used[place[i] + k]++, 0);
        }
    }
    for (int i = 0; i < 64; i++)
        bvh_ranges_give(&r, place[i], size[i]);
    assert_int_equal(r.end, 0); // everything merged again
    assert_int_equal(r.free.count, 0);
    uint32_t at;
    assert_false(bvh_ranges_take(&r, 101, 100, &at));
    bvh_ranges_finish(&r);
}

int main(void)
{
    srand48(7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),     cmocka_unit_test(test_complete), cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_watertight), cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
