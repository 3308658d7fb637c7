// Tests of triangulation, welding and shapes: areas, volumes and normals are known in closed form.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "geometry.h"
#include "log.h"

static void corner(const struct geo_mesh *m, size_t triangle, int i, double out[3])
{
    const float *p = m->positions + 3 * (size_t)m->indices[3 * triangle + i];
    for (int c = 0; c < 3; c++)
        out[c] = p[c];
}

static void triangle_cross(const struct geo_mesh *m, size_t t, double n[3])
{
    double a[3], b[3], c[3];
    corner(m, t, 0, a);
    corner(m, t, 1, b);
    corner(m, t, 2, c);
    for (int i = 0; i < 3; i++) {
        int j = (i + 1) % 3, k = (i + 2) % 3;
        n[i] = (b[j] - a[j]) * (c[k] - a[k]) - (b[k] - a[k]) * (c[j] - a[j]);
    }
}

static double area(const struct geo_mesh *m)
{
    double sum = 0;
    for (size_t t = 0; t < m->triangle_count; t++) {
        double n[3];
        triangle_cross(m, t, n);
        sum += sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) / 2;
    }
    return sum;
}

// Signed: positive when triangles wind counter-clockwise seen from outside (divergence theorem).
static double volume(const struct geo_mesh *m)
{
    double sum = 0;
    for (size_t t = 0; t < m->triangle_count; t++) {
        double n[3], a[3];
        triangle_cross(m, t, n);
        corner(m, t, 0, a);
        sum += (a[0] * n[0] + a[1] * n[1] + a[2] * n[2]) / 6;
    }
    return sum;
}

// Every shading normal leans the same way as its triangle.
static void check_normals_agree(const struct geo_mesh *m)
{
    for (size_t t = 0; t < m->triangle_count; t++) {
        double n[3];
        triangle_cross(m, t, n);
        for (int i = 0; i < 3; i++) {
            const float *s = m->normals + 3 * (size_t)m->indices[3 * t + i];
            assert_float_equal(s[0] * s[0] + s[1] * s[1] + s[2] * s[2], 1, 1e-5);
            assert_true(n[0] * s[0] + n[1] * s[1] + n[2] * s[2] > 0);
        }
    }
}

static void shapes_have_their_area_and_volume(void **state)
{
    const struct {
        struct render_shape_desc desc;
        double area, volume;
    } rows[] = {
        { { .shape = RENDER_CUBE, .size = 2 }, 24, 8 },
        { { .shape = RENDER_SPHERE, .radius = 1.5 }, 4 * M_PI * 2.25, 4.0 / 3 * M_PI * 3.375 },
        { { .shape = RENDER_CYLINDER, .radius = 1, .height = 3 }, 8 * M_PI, 3 * M_PI },
        { { .shape = RENDER_CONE, .radius = 3, .height = 4 }, M_PI * 9 + M_PI * 15, M_PI * 12 },
        { { .shape = RENDER_CAPSULE, .radius = 1, .height = 2 }, 8 * M_PI, M_PI * (2 + 4.0 / 3) },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (char axis = 'X'; axis <= 'Z'; axis++) {
            struct render_shape_desc desc = rows[i].desc;
            struct geo_mesh m;
            desc.axis = axis;
            assert_int_equal(geo_mesh_from_shape(&desc, &m), RENDER_OK);
            assert_float_equal(area(&m) / rows[i].area, 1, 0.006);
            assert_float_equal(volume(&m) / rows[i].volume, 1, 0.006);
            check_normals_agree(&m);
            geo_mesh_finish(&m);
        }
}

static void shapes_lie_along_their_axis(void **state)
{
    struct geo_mesh m;
    struct render_shape_desc d = { .shape = RENDER_CYLINDER, .radius = 1, .height = 10 };
    for (char axis = 'X'; axis <= 'Z'; axis++) {
        d.axis = axis;
        assert_int_equal(geo_mesh_from_shape(&d, &m), RENDER_OK);
        for (int c = 0; c < 3; c++)
            assert_float_equal(m.bounds[3 + c], c == axis - 'X' ? 5 : 1, 1e-6);
        geo_mesh_finish(&m);
    }
    const double sizes[3][3] = { { 0, 4, 2 }, { 2, 0, 4 }, { 2, 4, 0 } }; // width 2, length 4 per axis
    d = (struct render_shape_desc) { .shape = RENDER_PLANE, .width = 2, .length = 4 };
    for (char axis = 'X'; axis <= 'Z'; axis++) {
        d.axis = axis;
        assert_int_equal(geo_mesh_from_shape(&d, &m), RENDER_OK);
        for (int c = 0; c < 3; c++) {
            assert_float_equal(m.bounds[3 + c] - m.bounds[c], sizes[axis - 'X'][c], 1e-6);
            assert_float_equal(m.normals[c], c == axis - 'X', 1e-6);
        }
        check_normals_agree(&m);
        geo_mesh_finish(&m);
    }
    d.axis = 'W';
    assert_int_equal(geo_mesh_from_shape(&d, &m), RENDER_ERR_INVALID);
}

static void polygons_keep_their_area(void **state)
{
    // An L and a star-like concave outline in a tilted plane, and a quad that is concave.
    static const float l_points[] = { 0, 0, 0, 2, 0, 2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 0, 2, 0 };
    static const int32_t l_counts[] = { 6 }, l_indices[] = { 0, 1, 2, 3, 4, 5 };
    static const float dart[] = { 0, 0, 0, 4, 0, 0, 1, 1, 0, 0, 4, 0 };
    static const int32_t dart_counts[] = { 4 }, dart_indices[] = { 0, 1, 2, 3 };
    const struct {
        struct render_mesh_desc desc;
        size_t triangles;
        double area;
    } rows[] = {
        { { .points = l_points, .point_count = 6, .face_vertex_counts = l_counts, .face_count = 1,
            .face_vertex_indices = l_indices, .face_vertex_count = 6 },
          4, 3 * sqrt(2) },
        { { .points = dart, .point_count = 4, .face_vertex_counts = dart_counts, .face_count = 1,
            .face_vertex_indices = dart_indices, .face_vertex_count = 4 },
          2, 4 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int left = 0; left < 2; left++) {
            struct render_mesh_desc desc = rows[i].desc;
            struct geo_mesh m;
            desc.name        = "polygon";
            desc.left_handed = left;
            assert_int_equal(geo_mesh_from_polygons(&desc, &m), RENDER_OK);
            assert_int_equal(m.triangle_count, rows[i].triangles);
            assert_float_equal(area(&m), rows[i].area, 1e-5);
            check_normals_agree(&m);
            geo_mesh_finish(&m);
        }
}

static const float quad_points[] = { 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 1, 0, 1, 1, 0, 2, 1, 0 };
static const int32_t quad_counts[] = { 4, 4 }, quad_indices[] = { 0, 1, 4, 3, 1, 2, 5, 4 };

static struct render_mesh_desc two_quads(void)
{
    return (struct render_mesh_desc) { .name = "quads",
                                       .points = quad_points,
                                       .point_count = 6,
                                       .face_vertex_counts = quad_counts,
                                       .face_count = 2,
                                       .face_vertex_indices = quad_indices,
                                       .face_vertex_count = 8,
                                       .smooth = true };
}

static void corners_weld_only_when_equal(void **state)
{
    struct render_mesh_desc d = two_quads();
    struct geo_mesh m;
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.vertex_count, 6);
    geo_mesh_finish(&m);

    // A seam in st: the shared edge has other coordinates in the second face.
    static const float st[] = { 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1 };
    static const float color[] = { 1, 0, 0, 0, 0, 1 }, opacity[] = { 0.5f };
    struct render_primvar primvars[] = {
        { .name = "st", .interpolation = RENDER_FACE_VARYING, .components = 2, .count = 8, .values = st },
        { .name = "displayColor", .interpolation = RENDER_UNIFORM, .components = 3, .count = 2, .values = color },
        { .name = "displayOpacity", .interpolation = RENDER_CONSTANT, .components = 1, .count = 1, .values = opacity },
    };
    d.primvars      = primvars;
    d.primvar_count = 3;
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.vertex_count, 8);
    assert_int_equal(m.uv_count, 1);
    assert_string_equal(m.uv_names[0], "st");
    for (size_t t = 0; t < 4; t++) {
        const float *c = m.colors[0] + 4 * (size_t)m.indices[3 * t];
        assert_float_equal(c[0], t < 2, 0);
        assert_float_equal(c[2], t >= 2, 0);
        assert_float_equal(c[3], 0.5, 0);
        assert_int_equal(m.faces[t], t / 2);
    }
    geo_mesh_finish(&m);
}

static void bad_input_costs_only_itself(void **state)
{
    struct render_mesh_desc d = two_quads();
    struct geo_mesh m;
    static const int32_t wild[] = { 0, 1, 4, 3, 1, 2, 500, 4 }, long_counts[] = { 4, 400 }, hole[] = { 0, 99, -5 };
    static const float few[] = { 0, 0 };
    struct render_primvar st = { .name = "st", .interpolation = RENDER_VERTEX, .components = 2, .count = 1, .values = few };
    log_set_level(LOG_NONE);
    d.face_vertex_indices = wild;
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.triangle_count, 2);
    geo_mesh_finish(&m);

    d                    = two_quads();
    d.face_vertex_counts = long_counts;
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.triangle_count, 2);
    geo_mesh_finish(&m);

    d            = two_quads();
    d.hole_faces = hole;
    d.hole_count = 3;
    d.primvars      = &st;
    d.primvar_count = 1;
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.triangle_count, 2);
    assert_int_equal(m.uv_count, 0);
    assert_int_equal(m.faces[0], 1);
    geo_mesh_finish(&m);

    d             = two_quads();
    d.point_count = 1; // a runtime edit may leave one point behind
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.triangle_count, 0);
    assert_int_equal(m.vertex_count, 0);
    geo_mesh_finish(&m);
    log_set_level(LOG_INFO);
}

static void subsets_choose_slots(void **state)
{
    struct render_mesh_desc d = two_quads();
    struct geo_mesh m;
    static const int32_t second[] = { 1 };
    struct render_subset subset = { .faces = second, .face_count = 1 };
    d.subsets      = &subset;
    d.subset_count = 1;
    assert_int_equal(geo_mesh_from_polygons(&d, &m), RENDER_OK);
    assert_int_equal(m.slots[0], 0);
    assert_int_equal(m.slots[3], 1);
    geo_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_have_their_area_and_volume), cmocka_unit_test(shapes_lie_along_their_axis),
        cmocka_unit_test(polygons_keep_their_area),          cmocka_unit_test(corners_weld_only_when_equal),
        cmocka_unit_test(bad_input_costs_only_itself),       cmocka_unit_test(subsets_choose_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
