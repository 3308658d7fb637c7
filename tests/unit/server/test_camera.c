// The camera against the numbers of the viewer contract, section 11.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "camera.h"

#define PI 3.14159265358979323846

static void near(double a, double b)
{
    if (fabs(a - b) > 1e-9)
        fail_msg("%.12g is not %.12g", a, b);
}

static struct camera camera_at(enum camera_up up, double a, double e, double d)
{
    struct camera c;
    camera_init(&c, 1920, 1080);
    c.up             = up;
    c.view.azimuth   = a;
    c.view.elevation = e;
    c.view.distance  = d;
    camera_sanitise(&c);
    return c;
}

static void check_values(void **state)
{
    static const struct {
        enum camera_up up;
        double azimuth, rows[16];
    } cases[] = {
        { CAMERA_UP_Y, 0, { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 10, 1 } },
        { CAMERA_UP_Y, PI / 2, { 0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 10, 0, 0, 1 } },
        { CAMERA_UP_Z, 0, { 1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, -10, 0, 1 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct camera c = camera_at(cases[i].up, cases[i].azimuth, 0, 10);
        double m[16];
        assert_true(camera_matrix(&c, m));
        for (int k = 0; k < 16; k++)
            near(m[k], cases[i].rows[k]);
    }
}

static double uniform(double a, double b) { return a + (b - a) * ((double)rand() / RAND_MAX); }

static void matrices_are_orthonormal_and_look_at_the_target(void **state)
{
    (void)state;
    srand(7);
    for (int i = 0; i < 10000; i++) {
        struct camera c = camera_at(rand() & 1 ? CAMERA_UP_Z : CAMERA_UP_Y, uniform(-20, 20), uniform(-4, 4), pow(10, uniform(-2, 6)));
        for (int k = 0; k < 3; k++)
            c.view.target[k] = uniform(-1000, 1000);
        double m[16];
        assert_true(camera_matrix(&c, m));
        for (int r = 0; r < 3; r++)
            for (int q = 0; q < 3; q++)
                near(m[4 * r] * m[4 * q] + m[4 * r + 1] * m[4 * q + 1] + m[4 * r + 2] * m[4 * q + 2], r == q);
        for (int k = 0; k < 3; k++) { // eye - distance * row2 is the target
            double t = m[12 + k] - c.view.distance * m[8 + k];
            assert_true(fabs(t - c.view.target[k]) < 1e-6 * (1 + c.view.distance));
        }
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct camera c = camera_at(CAMERA_UP_Y, 0, 0, 10);
    camera_orbit(&c, 0, 1e6);
    near(c.view.elevation, PI / 2 - 0.01);
    camera_orbit(&c, 0, -1e7);
    near(c.view.elevation, -(PI / 2 - 0.01));
    camera_wheel(&c, 1e5);
    near(c.view.distance, 0.01);
    camera_orbit(&c, 12345, 0);
    assert_true(c.view.azimuth > -PI && c.view.azimuth <= PI);
    struct camera_view before = c.view;
    camera_orbit(&c, NAN, INFINITY);
    camera_pan(&c, NAN, 0);
    camera_wheel(&c, -INFINITY);
    double m[16];
    assert_true(camera_matrix(&c, m));
    near(c.view.azimuth, before.azimuth);
    near(c.view.target[0], before.target[0]);
}

static void gestures_follow_their_formulas(void **state)
{
    (void)state;
    struct camera c = camera_at(CAMERA_UP_Y, 0.3, 0.2, 10);
    camera_orbit(&c, 10, 20);
    near(c.view.azimuth, 0.3 - 0.05);
    near(c.view.elevation, 0.2 + 0.1);
    camera_dolly(&c, 7, -5);
    near(c.view.distance, 10 * exp(0.005 * (-5 - 7)));
    c = camera_at(CAMERA_UP_Y, 0, 0, 10);
    camera_wheel(&c, 0.25);
    near(c.view.distance, 10 * exp(-0.025));
    // The point at the target's depth follows the pointer: a pan by the picture's height moves by its height there.
    c = camera_at(CAMERA_UP_Y, 0, 0, 10);
    camera_pan(&c, 0, 1080);
    near(c.view.target[1], 10 * c.lens.vertical_aperture / c.lens.focal_length);
    camera_pan(&c, 1920, 0);
    near(c.view.target[0], -10 * c.lens.horizontal_aperture / c.lens.focal_length);
}

static void flying_keeps_the_eye_while_looking(void **state)
{
    (void)state;
    struct camera c = camera_at(CAMERA_UP_Z, 0.4, 0.1, 5);
    struct camera_basis before, after;
    camera_basis(&c, &before);
    camera_fly_look(&c, 33, -12);
    camera_basis(&c, &after);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(before.eye[i] - after.eye[i]) < 1e-9);
    c.fly_speed = 4;
    camera_fly_move(&c, 0, 0, 1, 10); // the time is capped at 0.1 s
    struct camera_basis moved;
    camera_basis(&c, &moved);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(moved.eye[i] - after.eye[i] - 0.4 * after.forward[i]) < 1e-9);
}

static void lens_matches_the_picture(void **state)
{
    static const int sizes[][2] = { { 1920, 1080 }, { 1280, 720 }, { 1000, 1000 }, { 720, 1280 } };
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct camera c;
        camera_init(&c, sizes[i][0], sizes[i][1]);
        assert_true(fabs(c.lens.vertical_aperture - 20.955 * sizes[i][1] / sizes[i][0]) < 1e-4);
        assert_true(fabs(2 * atan(c.lens.horizontal_aperture / 2 / c.lens.focal_length) * 180 / PI - 60) < 0.01);
    }
}

// Every corner of the bounds inside the picture.
static void fit_shows_everything(void **state)
{
    static const double boxes[][3] = { { 1, 1, 1 }, { 100, 1, 100 }, { 1, 100, 1 }, { 500, 2, 3 }, { 0, 0, 0 } };
    static const int sizes[][2]    = { { 1920, 1080 }, { 1000, 1000 }, { 720, 1280 } };
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for (int s = 0; s < 6; s++) {
            struct camera c;
            camera_init(&c, sizes[s % 3][0], sizes[s % 3][1]);
            c.up                   = s < 3 ? CAMERA_UP_Y : CAMERA_UP_Z;
            struct camera_bounds b = { .min = { 10, 20, 30 }, .max = { 10 + boxes[i][0], 20 + boxes[i][1], 30 + boxes[i][2] } };
            camera_first_direction(&c, &b);
            assert_true(camera_fit(&c, &b, 0.01));
            struct camera_basis f;
            camera_basis(&c, &f);
            for (int corner = 0; corner < 8; corner++) {
                double v[3], x = 0, y = 0, z = 0;
                for (int k = 0; k < 3; k++) {
                    v[k] = (corner >> k & 1 ? b.max[k] : b.min[k]) - f.eye[k];
                    x += v[k] * f.right[k];
                    y += v[k] * f.up[k];
                    z += v[k] * f.forward[k];
                }
                assert_true(z > c.lens.clip_near && z < c.lens.clip_far);
                assert_true(fabs(x / z) <= c.lens.horizontal_aperture / 2 / c.lens.focal_length + 1e-9);
                assert_true(fabs(y / z) <= c.lens.vertical_aperture / 2 / c.lens.focal_length + 1e-9);
            }
        }
    }
    struct camera c;
    camera_init(&c, 1280, 720);
    struct camera_bounds none = { .empty = true };
    assert_false(camera_fit(&c, &none, 1.0));
    near(c.view.distance, 5);
}

static void leaving_a_stage_camera_does_not_jump(void **state)
{
    (void)state;
    struct camera from = camera_at(CAMERA_UP_Y, 1.1, 0.4, 8), c = camera_at(CAMERA_UP_Y, 0, 0, 3);
    double matrix[16], m[16];
    camera_matrix(&from, matrix);
    struct camera_lens lens = { .focal_length = 35, .horizontal_aperture = 36, .clip_near = 1, .clip_far = 1000 };
    camera_set_fixed(&c, matrix, &lens);
    near(c.lens.vertical_aperture, 36.0 * 1080 / 1920);
    camera_turn(&c, 0, 0); // the first gesture
    assert_false(c.fixed);
    assert_true(camera_matrix(&c, m));
    for (int i = 0; i < 16; i++)
        assert_true(fabs(m[i] - matrix[i]) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_values),
        cmocka_unit_test(matrices_are_orthonormal_and_look_at_the_target),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(gestures_follow_their_formulas),
        cmocka_unit_test(flying_keeps_the_eye_while_looking),
        cmocka_unit_test(lens_matches_the_picture),
        cmocka_unit_test(fit_shows_everything),
        cmocka_unit_test(leaving_a_stage_camera_does_not_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
