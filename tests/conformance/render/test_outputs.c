// The data outputs against what geometry says they are.
#include "stage.h"

#include <math.h>
#include <string.h>

#define W 64
#define H 48
#define ALL ((1u << RENDER_OUT_COUNT) - 1)

static size_t at(uint32_t x, uint32_t y)
{
    return (size_t)y * W + x;
}

static bool any_byte(const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)data)[i])
            return true;
    return false;
}

// Nothing at all in the scene: each colour and data output but depth still holds a byte that is not zero.
static void empty_scene(void **state)
{
    static const uint32_t bytes[RENDER_OUT_COUNT] = { 4, 8, 16, 4, 4, 4, 4, 16, 4, 4 };
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs = ALL;
    stage_draw(&s);
    for (int i = 0; i < RENDER_OUT_COUNT; i++) {
        const bool zero = i == RENDER_OUT_DEPTH || i == RENDER_OUT_INSTANCE_SEGMENTATION ||
                          i == RENDER_OUT_SEMANTIC_SEGMENTATION;
        assert_int_equal(any_byte(stage_map(&s, i), (size_t)bytes[i] * W * H), !zero);
    }
    assert_int_equal(stage_pixel(&s, 3, 3).a, 255);
    assert_true(isinf(((const float *)stage_map(&s, RENDER_OUT_DISTANCE_TO_CAMERA))[0]));
    stage_close(&s);
}

// A square of side 2 at distance 4, seen by a 90 degree camera: a quarter of the width across.
static void square_ahead(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs = ALL;
    render_scene_set_meters_per_unit(s.scene, 0.5);
    stage_instance(&s, stage_shape(&s, RENDER_PLANE, 2), stage_material(&s, 1, 0, 0), 0, 0, -4, 7);
    stage_draw(&s);
    const float *normal   = stage_map(&s, RENDER_OUT_NORMAL);
    const float *depth    = stage_map(&s, RENDER_OUT_DEPTH);
    const float *ray      = stage_map(&s, RENDER_OUT_DISTANCE_TO_CAMERA);
    const float *plane    = stage_map(&s, RENDER_OUT_DISTANCE_TO_IMAGE_PLANE);
    const float *position = stage_map(&s, RENDER_OUT_CAMERA_POSITION);
    const uint8_t *albedo = stage_map(&s, RENDER_OUT_DIFFUSE_ALBEDO);
    const uint32_t *ids = stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION), *semantic = stage_map(&s, RENDER_OUT_SEMANTIC_SEGMENTATION);
    for (uint32_t y = 0; y < H; y++)
        for (uint32_t x = 0; x < W; x++) {
            // Pixel centre on the film at distance 1; the width spans -1 to 1.
            const double u = (x + 0.5) / W * 2 - 1, v = (H / 2.0 - y - 0.5) / W * 2;
            const bool inside = fabs(u * 4) < 1 && fabs(v * 4) < 1;
            const size_t i    = at(x, y);
            assert_int_equal(ids[i], inside ? 7 : 0);
            assert_int_equal(semantic[i], inside ? 70 : 0);
            if (!inside)
                continue;
            assert_float_equal(normal[4 * i + 2], 1, 1e-3);
            assert_float_equal(normal[4 * i + 3], 1, 0);
            assert_float_equal(plane[i], 4 * 0.5, 1e-4);
            assert_float_equal(ray[i], 4 * 0.5 * sqrt(1 + u * u + v * v), 1e-4);
            assert_float_equal(position[4 * i], u * 4, 1e-4);
            assert_float_equal(position[4 * i + 1], v * 4, 1e-4);
            assert_float_equal(position[4 * i + 2], -4, 1e-4);
            // near (far - z) / (z (far - near)): 1 at the near plane, 0 at the far plane
            assert_float_equal(depth[i], 0.5 * 96 / (4 * 99.5), 1e-5);
            assert_int_equal(albedo[4 * i], 255);
            assert_int_equal(albedo[4 * i + 1], 0);
            assert_int_equal(albedo[4 * i + 3], 255);
        }
    stage_close(&s);
}

// A sphere: its normals point away from its centre.
static void sphere_normals(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs = 1u << RENDER_OUT_NORMAL | 1u << RENDER_OUT_CAMERA_POSITION;
    stage_instance(&s, stage_shape(&s, RENDER_SPHERE, 2), 0, 0.5, 0, -5, 1);
    stage_draw(&s);
    const float *n = stage_map(&s, RENDER_OUT_NORMAL), *p = stage_map(&s, RENDER_OUT_CAMERA_POSITION);
    int seen = 0;
    for (size_t i = 0; i < W * H; i++) {
        if (p[4 * i + 2] == 0)
            continue;
        const double c[3] = { (p[4 * i] - 0.5) / 2, p[4 * i + 1] / 2, (p[4 * i + 2] + 5) / 2 };
        for (int k = 0; k < 3; k++)
            assert_float_equal(n[4 * i + (size_t)k], c[k], 0.03);
        seen++;
    }
    // The disk of a sphere of radius 2 at distance 5: tan of its half angle is 2 / sqrt(21).
    const double radius = 2 / sqrt(21) * W / 2;
    assert_in_range(seen, (int)(M_PI * radius * radius * 0.93), (int)(M_PI * radius * radius * 1.1));
    stage_close(&s);
}

static void orthographic(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs           = 1u << RENDER_OUT_INSTANCE_SEGMENTATION | 1u << RENDER_OUT_DEPTH;
    s.desc.camera.orthographic        = true;
    s.desc.camera.horizontal_aperture = 80; // tenths: 8 units across
    s.desc.camera.vertical_aperture   = 10; // grows to the picture's aspect
    stage_instance(&s, stage_shape(&s, RENDER_PLANE, 2), 0, 1, 0, -40, 3);
    stage_draw(&s);
    const uint32_t *ids = stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION);
    const float *depth  = stage_map(&s, RENDER_OUT_DEPTH);
    for (uint32_t y = 0; y < H; y++)
        for (uint32_t x = 0; x < W; x++) {
            const double u = ((x + 0.5) / W - 0.5) * 8, v = (H / 2.0 - y - 0.5) / W * 8;
            assert_int_equal(ids[at(x, y)], fabs(u - 1) < 1 && fabs(v) < 1 ? 3 : 0);
        }
    assert_float_equal(depth[at(W / 2 + 8, H / 2)], 60 / 99.5, 1e-4);
    stage_close(&s);
}

// An aperture taller than the picture keeps its height and grows in width: nothing that was asked for is cropped.
static void tall_aperture(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs         = 1u << RENDER_OUT_CAMERA_POSITION;
    s.desc.camera.vertical_aperture = 40;
    stage_instance(&s, stage_shape(&s, RENDER_PLANE, 100), 0, 0, 0, -4, 3);
    stage_draw(&s);
    const float *p = stage_map(&s, RENDER_OUT_CAMERA_POSITION);
    // Height: 40 / 10 of the distance, between the outer edges of the first and the last row.
    assert_float_equal(p[4 * at(0, 0) + 1], 8 * (1 - 1.0 / H), 1e-4);
    assert_float_equal(p[4 * at(0, 0)], -8.0 * W / H * (1 - 1.0 / W), 1e-4);
    stage_close(&s);
}

// The film is moved: what lies ahead appears to the left when the offset is to the right.
static void film_offset(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs        = 1u << RENDER_OUT_INSTANCE_SEGMENTATION;
    s.desc.camera.horizontal_offset = 5; // a quarter of the aperture
    stage_instance(&s, stage_shape(&s, RENDER_PLANE, 1), 0, 0, 0, -4, 3);
    stage_draw(&s);
    const uint32_t *ids = stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION);
    assert_int_equal(ids[at(W / 4, H / 2)], 3);
    assert_int_equal(ids[at(W / 2, H / 2)], 0);
    stage_close(&s);
}

static void moving_things(void **state)
{
    struct stage s;
    double m[16];
    stage_open(&s, W, H);
    s.desc.settings.outputs = 1u << RENDER_OUT_INSTANCE_SEGMENTATION | 1u << RENDER_OUT_LDR_COLOR;
    stage_dome(&s, 1, 1, 1);
    const render_id i = stage_instance(&s, stage_shape(&s, RENDER_CUBE, 1), stage_material(&s, 1, 0, 0), 0, 0, -4, 5);
    stage_draw(&s);
    assert_int_equal(((const uint32_t *)stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION))[at(W / 2, H / 2)], 5);
    const struct stage_pixel before = stage_pixel(&s, W / 2, H / 2);
    assert_true(before.r > 150 && before.g < 60 && before.b < 60);
    stage_translation(m, 2, 0, -4);
    render_instance_set_transform(s.scene, i, m);
    stage_draw(&s);
    assert_int_equal(((const uint32_t *)stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION))[at(W / 2, H / 2)], 0);
    assert_int_equal(((const uint32_t *)stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION))[at(W * 3 / 4, H / 2)], 5);
    render_instance_set_visible(s.scene, i, false);
    stage_draw(&s);
    assert_int_equal(((const uint32_t *)stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION))[at(W * 3 / 4, H / 2)], 0);
    render_instance_set_visible(s.scene, i, true);
    render_instance_set_semantic(s.scene, i, 99);
    s.desc.settings.outputs = 1u << RENDER_OUT_SEMANTIC_SEGMENTATION;
    stage_draw(&s);
    assert_int_equal(((const uint32_t *)stage_map(&s, RENDER_OUT_SEMANTIC_SEGMENTATION))[at(W * 3 / 4, H / 2)], 99);
    stage_close(&s);
}

// Many instances of one mesh share it, and each pixel knows its triangle: normals of a cube's faces stay exact.
static void instancing(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    s.desc.settings.outputs = 1u << RENDER_OUT_NORMAL | 1u << RENDER_OUT_INSTANCE_SEGMENTATION;
    const render_id mesh = stage_shape(&s, RENDER_CUBE, 0.5);
    for (uint32_t i = 0; i < 64; i++)
        stage_instance(&s, mesh, 0, (i % 8) - 3.5, i / 8 - 3.5, -5, i + 1);
    stage_draw(&s);
    const float *n = stage_map(&s, RENDER_OUT_NORMAL);
    const uint32_t *ids = stage_map(&s, RENDER_OUT_INSTANCE_SEGMENTATION);
    uint64_t seen = 0;
    for (size_t i = 0; i < W * H; i++) {
        if (!ids[i])
            continue;
        seen |= 1ull << (ids[i] - 1);
        int ones = 0;
        for (int k = 0; k < 3; k++)
            ones += fabs(n[4 * i + (size_t)k]) > 0.99;
        assert_int_equal(ones, 1);
    }
    assert_true(__builtin_popcountll(seen) > 40);
    stage_close(&s);
}

static void frames_at_once(void **state)
{
    struct stage s;
    struct render_frame *frames[RENDER_MAX_FRAMES], *one_more;
    stage_open(&s, W, H);
    for (int i = 0; i < RENDER_MAX_FRAMES; i++)
        assert_int_equal(render_view_render(s.view, &s.desc, &frames[i]), RENDER_OK);
    assert_int_equal(render_view_render(s.view, &s.desc, &one_more), RENDER_ERR_LIMIT);
    const void *data;
    assert_int_equal(render_frame_map(frames[0], RENDER_OUT_NORMAL, &data), RENDER_ERR_INVALID); // not asked for
    for (int i = 0; i < RENDER_MAX_FRAMES; i++)
        render_frame_destroy(&frames[i]);
    stage_draw(&s);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_scene),   cmocka_unit_test(square_ahead), cmocka_unit_test(sphere_normals),
        cmocka_unit_test(orthographic),  cmocka_unit_test(film_offset),   cmocka_unit_test(tall_aperture),  cmocka_unit_test(moving_things),
        cmocka_unit_test(instancing),    cmocka_unit_test(frames_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
