// The path tracer against analytic results.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace_fixture.h"

#define SIDE 32

static struct trace_fixture fixture;
static const double origin[3] = { 0, 0, 0 };

static float mean(const float *rgba, int channel, int x0, int y0, int x1, int y1)
{
    double sum = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            sum += rgba[4 * (y * SIDE + x) + channel];
    return (float)(sum / ((x1 - x0) * (y1 - y0)));
}

static void assert_close(float got, double want, double relative)
{
    if (fabs(got - want) > relative * fabs(want) + 1e-7)
        fail_msg("got %g, want %g within %g %%", (double)got, want, relative * 100);
}

static render_id light(const struct render_light_desc *desc)
{
    render_id id = 0;
    assert_int_equal(render_light_create(fixture.scene, desc, &id), RENDER_OK);
    return id;
}

static struct render_light_desc light_at(enum render_light_type type, double x, double y, double z)
{
    struct render_light_desc desc;
    render_light_defaults(&desc, type);
    desc.transform[12] = x;
    desc.transform[13] = y;
    desc.transform[14] = z;
    return desc;
}

// A floor of albedo 1 at y = 0 seen closely from above, around the origin.
static void floor_scene(float albedo)
{
    fixture_clear(&fixture);
    render_id quad = fixture_quad(&fixture, (float[]) { -50, 0, 50 }, (float[]) { 100, 0, 0 }, (float[]) { 0, 0, -100 });
    fixture_place(&fixture, quad, fixture_diffuse(&fixture, albedo, albedo, albedo), NULL);
    fixture_look(&fixture, (double[]) { 0.3, 0.2, 0.3 }, (double[]) { 0, 0, 0 }, 2);
}

// A light that points down (its -Z is -Y).
static void point_down(struct render_light_desc *desc)
{
    const double m[16] = { 1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, desc->transform[12], desc->transform[13], desc->transform[14], 1 };
    memcpy(desc->transform, m, sizeof(m));
}

static void test_furnace_diffuse(void **state)
{
    fixture_clear(&fixture);
    fixture.max_bounces = 30;
    fixture_place(&fixture, fixture_sphere(&fixture, 1), fixture_diffuse(&fixture, 1, 1, 1), NULL);
    struct render_light_desc dome = light_at(RENDER_LIGHT_DOME, 0, 0, 0);
    light(&dome);
    fixture_look(&fixture, (double[]) { 0, 0, 4 }, origin, 40);
    float *p = fixture_trace(&fixture, 64);
    assert_close(mean(p, 1, 0, 0, SIDE, SIDE), 1, 0.003);
    for (int i = 0; i < SIDE * SIDE; i++) // 64 samples leave some noise
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(p[4 * i + c] - 1) < 0.15f);
    free(p);
    fixture.max_bounces = 3;
}

// A reflecting sphere of colour 1 may lose a little to facets seen twice, and must not gain.
static void test_furnace_specular(void **state)
{
    for (int i = 0; i <= 4; i++) {
        fixture_clear(&fixture);
        struct render_material_desc desc;
        render_material_defaults(&desc);
        desc.metallic.value[0]  = 1;
        desc.roughness.value[0] = (float)i / 4;
        for (int c = 0; c < 3; c++)
            desc.diffuse_color.value[c] = 1;
        render_id material;
        render_material_create(fixture.scene, &desc, &material);
        fixture_place(&fixture, fixture_sphere(&fixture, 1), material, NULL);
        struct render_light_desc dome = light_at(RENDER_LIGHT_DOME, 0, 0, 0);
        light(&dome);
        fixture_look(&fixture, (double[]) { 0, 0, 4 }, origin, 20);
        float *p = fixture_trace(&fixture, 64);
        float m  = mean(p, 1, 0, 0, SIDE, SIDE);
        print_message("roughness %.2f: %.4f\n", i / 4.0, (double)m);
        assert_true(m > 0.9f && m < 1.05f);
        free(p);
    }
}

// A default plastic material under a constant dome stays below 1 and near its colour.
static void test_furnace_plastic(void **state)
{
    fixture_clear(&fixture);
    struct render_material_desc desc;
    render_material_defaults(&desc);
    for (int c = 0; c < 3; c++)
        desc.diffuse_color.value[c] = 1;
    desc.clearcoat.value[0] = 1;
    render_id material;
    render_material_create(fixture.scene, &desc, &material);
    fixture_place(&fixture, fixture_sphere(&fixture, 1), material, NULL);
    struct render_light_desc dome = light_at(RENDER_LIGHT_DOME, 0, 0, 0);
    light(&dome);
    fixture_look(&fixture, (double[]) { 0, 0, 4 }, origin, 20);
    float *p = fixture_trace(&fixture, 64);
    float m  = mean(p, 1, 0, 0, SIDE, SIDE);
    print_message("coated plastic: %.4f\n", (double)m);
    assert_true(m > 0.9f && m < 1.03f);
    free(p);
}

// Radiance of a diffuse floor of albedo a is E a / pi.
static void test_distant(void **state)
{
    floor_scene(0.5f);
    struct render_light_desc sun = light_at(RENDER_LIGHT_DISTANT, 0, 0, 0);
    point_down(&sun);
    sun.angle     = 10;
    sun.intensity = 3;
    light(&sun);
    float *p    = fixture_trace(&fixture, 16);
    double half = 5 * M_PI / 180;
    assert_close(mean(p, 0, 0, 0, SIDE, SIDE), 3 * M_PI * sin(half) * sin(half) * 0.5 / M_PI, 0.01);
    free(p);
    // Normalised: intensity is the irradiance.
    sun.normalize = true;
    render_light_update(fixture.scene, 1, &sun);
    p = fixture_trace(&fixture, 16);
    assert_close(mean(p, 0, 0, 0, SIDE, SIDE), 3 * 0.5 / M_PI, 0.01);
    free(p);
    sun.angle = 0; // parallel
    render_light_update(fixture.scene, 1, &sun);
    p = fixture_trace(&fixture, 4);
    assert_close(mean(p, 0, 0, 0, SIDE, SIDE), 3 * 0.5 / M_PI, 0.001);
    free(p);
}

static void test_sphere(void **state)
{
    floor_scene(1);
    struct render_light_desc bulb = light_at(RENDER_LIGHT_SPHERE, 0, 3, 0);
    bulb.radius    = 0.5f;
    bulb.intensity = 7;
    bulb.exposure  = 1;
    light(&bulb);
    float *p = fixture_trace(&fixture, 64);
    // Above the plane: E = pi L sin^2 of the half angle = pi L r^2 / d^2.
    assert_close(mean(p, 0, 12, 12, 20, 20), 14 * 0.25 / 9, 0.01);
    free(p);
    bulb.normalize = true;
    render_light_update(fixture.scene, 1, &bulb);
    p = fixture_trace(&fixture, 64);
    assert_close(mean(p, 0, 12, 12, 20, 20), 14 / (4 * M_PI * 0.25) * 0.25 / 9, 0.01);
    free(p);
    bulb.treat_as_point = true;
    render_light_update(fixture.scene, 1, &bulb);
    p = fixture_trace(&fixture, 4);
    assert_close(mean(p, 0, 12, 12, 20, 20), 14 / 4.0 / 9 / M_PI, 0.01);
    free(p);
}

// To the camera an area light is a thing that shines: its radiance from the front, nothing from behind.
static void test_lights_seen(void **state)
{
    static const struct {
        enum render_light_type type;
        bool turned; // its emitting side faces the camera
        float want;
    } rows[] = {
        { RENDER_LIGHT_SPHERE, false, 0.7f }, { RENDER_LIGHT_CYLINDER, false, 0.7f },
        { RENDER_LIGHT_RECT, true, 0.7f },    { RENDER_LIGHT_DISK, true, 0.7f },
        { RENDER_LIGHT_RECT, false, 0.25f },  { RENDER_LIGHT_DISK, false, 0.25f }, // the dome behind
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int dome = 0; dome < 2; dome++) {
            fixture_clear(&fixture);
            fixture_place(&fixture, fixture_sphere(&fixture, 1), fixture_diffuse(&fixture, 1, 1, 1), (double[]) { 9, 0, 0 });
            struct render_light_desc seen = light_at(rows[i].type, 0, 0, 0);
            seen.intensity = 0.7f;
            if (rows[i].turned)
                seen.transform[0] = seen.transform[10] = -1;
            light(&seen);
            if (dome) {
                struct render_light_desc sky = light_at(RENDER_LIGHT_DOME, 0, 0, 0);
                sky.intensity = 0.25f;
                light(&sky);
            }
            fixture_look(&fixture, (double[]) { 0, 0, 6 }, origin, 20);
            float *p   = fixture_trace(&fixture, 4);
            float want = !dome && rows[i].want < 0.5f ? 0 : rows[i].want;
            assert_close(mean(p, 0, 14, 14, 18, 18), want, 0.001);
            free(p);
            p = fixture_denoise(&fixture, 1);
            assert_close(mean(p, 0, 14, 14, 18, 18), want, 0.002);
            free(p);
        }
    }
}

static void test_disk(void **state)
{
    floor_scene(1);
    struct render_light_desc disk = light_at(RENDER_LIGHT_DISK, 0, 2, 0);
    point_down(&disk);
    disk.radius = 1;
    light(&disk);
    float *p = fixture_trace(&fixture, 64);
    // E = pi L r^2 / (r^2 + h^2) below the centre of a parallel disk.
    assert_close(mean(p, 0, 12, 12, 20, 20), 1.0 / 5, 0.01);
    free(p);
}

static void test_rect(void **state)
{
    floor_scene(1);
    struct render_light_desc rect = light_at(RENDER_LIGHT_RECT, 0, 2, 0);
    point_down(&rect);
    rect.width  = 2;
    rect.height = 1;
    light(&rect);
    float *p = fixture_trace(&fixture, 64);
    // Configuration factor from a point to a parallel rectangle over its corner (Howell B-3), four quarters.
    double h = 2, a = 1 / h, b = 0.5 / h;
    double quarter = (a / sqrt(1 + a * a) * atan(b / sqrt(1 + a * a)) + b / sqrt(1 + b * b) * atan(a / sqrt(1 + b * b))) / (2 * M_PI);
    assert_close(mean(p, 0, 12, 12, 20, 20), 4 * quarter, 0.01);
    free(p);
    // The other side is dark.
    double up[16] = { 1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 2, 0, 1 };
    memcpy(rect.transform, up, sizeof(up));
    render_light_update(fixture.scene, 1, &rect);
    p = fixture_trace(&fixture, 4);
    assert_close(mean(p, 0, 0, 0, SIDE, SIDE), 0, 0);
    free(p);
}

static void test_cylinder(void **state)
{
    floor_scene(1);
    struct render_light_desc tube = light_at(RENDER_LIGHT_CYLINDER, 0, 3, 0);
    tube.radius = 0.2f;
    tube.length = 1000; // as good as endless
    light(&tube);
    float *p = fixture_trace(&fixture, 256);
    // An endless cylinder over a parallel plane: E = pi L r / d.
    assert_close(mean(p, 0, 12, 12, 20, 20), 0.2 / 3, 0.05);
    free(p);
}

static void test_shaping(void **state)
{
    floor_scene(1);
    struct render_light_desc disk = light_at(RENDER_LIGHT_SPHERE, 0, 3, 0);
    point_down(&disk);
    disk.treat_as_point     = true;
    disk.radius             = 0.1f;
    disk.intensity          = 100;
    disk.shaping_cone_angle = 30;
    light(&disk);
    float *lit = fixture_trace(&fixture, 4);
    double want = 100 * M_PI * 0.01 / 9 / M_PI;
    assert_close(mean(lit, 0, 12, 12, 20, 20), want, 0.02);
    free(lit);
    disk.transform[12] = 2; // the origin is now 34 degrees off the axis
    render_light_update(fixture.scene, 1, &disk);
    float *dark = fixture_trace(&fixture, 4);
    assert_close(mean(dark, 0, 12, 12, 20, 20), 0, 0);
    free(dark);
}

// Half of the light is hidden behind an edge: exactly half of the irradiance, and full shadow behind a wall.
static void test_shadow(void **state)
{
    floor_scene(1);
    struct render_light_desc sun = light_at(RENDER_LIGHT_DISTANT, 0, 0, 0);
    point_down(&sun);
    sun.angle = 0;
    sun.intensity = (float)M_PI;
    light(&sun);
    // A roof over x < 0.
    render_id roof = fixture_quad(&fixture, (float[]) { -40, 1, 40 }, (float[]) { 40, 0, 0 }, (float[]) { 0, 0, -80 });
    fixture_place(&fixture, roof, fixture_diffuse(&fixture, 0, 0, 0), NULL);
    fixture_look(&fixture, (double[]) { 0, 0.5, 0.0001 }, (double[]) { 0, 0, 0 }, 30);
    float *p = fixture_trace(&fixture, 4);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            float v = p[4 * (y * SIDE + x)];
            if (x < SIDE / 2 - 1)
                assert_true(v == 0);
            if (x > SIDE / 2)
                assert_true(fabsf(v - 1) < 1e-3f);
        }
    free(p);
}

// Gravel finer than a pixel: no neighbour has the same normal, and still no pixel that one sample left black stays so.
static void test_denoise_gravel(void **state)
{
    floor_scene(0.5f);
    render_id stone = fixture_sphere(&fixture, 0.06), grey = fixture_diffuse(&fixture, 0.5f, 0.5f, 0.5f);
    for (int i = 0; i < 24 * 24; i++)
        fixture_place(&fixture, stone, grey, (double[]) { 0.1 * (i % 24) - 1.2, 0.03 * (i * 7 % 5), 0.1 * (i / 24) - 1.2 });
    struct render_light_desc dome = light_at(RENDER_LIGHT_DOME, 0, 0, 0);
    light(&dome);
    fixture_look(&fixture, (double[]) { 0, 6, 3 }, origin, 15);
    double means[2];
    int black[2] = { 0 };
    for (int filtered = 0; filtered < 2; filtered++) {
        float *p = fixture_trace(&fixture, 1);
        if (filtered) {
            free(p);
            p = fixture_denoise(&fixture, 1);
        }
        means[filtered] = (double)mean(p, 1, 0, 0, SIDE, SIDE);
        for (int i = 0; i < SIDE * SIDE; i++)
            black[filtered] += p[4 * i + 1] < 0.05f * (float)means[filtered];
        free(p);
    }
    print_message("black of %d: %d, filtered %d; mean %.3f, filtered %.3f\n", SIDE * SIDE, black[0], black[1], means[0], means[1]);
    assert_true(black[0] > 50); // else this proves nothing
    assert_int_equal(black[1], 0);
    assert_close((float)means[1], means[0], 0.1);
}

static void test_validation(void **state) { assert_int_equal(gpu_validation_errors(), 0); }

static int setup(void **state)
{
    fixture_create(&fixture, SIDE, SIDE);
    return 0;
}

static int teardown(void **state)
{
    fixture_destroy(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_furnace_diffuse), cmocka_unit_test(test_furnace_specular),
        cmocka_unit_test(test_furnace_plastic), cmocka_unit_test(test_distant),
        cmocka_unit_test(test_sphere),          cmocka_unit_test(test_lights_seen),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_rect),            cmocka_unit_test(test_cylinder),
        cmocka_unit_test(test_shaping),         cmocka_unit_test(test_shadow),
        cmocka_unit_test(test_denoise_gravel),  cmocka_unit_test(test_validation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
