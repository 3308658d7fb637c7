// Colour: what the modes draw, against what light physics says.
#include "stage.h"

#include <math.h>

#include "clock.h"

#define W 64
#define H 48

static float half(uint16_t h)
{
    const int e = h >> 10 & 31, m = h & 1023;
    const float v = e == 0 ? ldexpf((float)m, -24) : ldexpf((float)(m | 1024), e - 25);
    return h & 0x8000 ? -v : v;
}

// Mean of a rectangle of HdrColor.
static void mean(struct stage *s, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1, double out[3])
{
    const uint16_t *p = stage_map(s, RENDER_OUT_HDR_COLOR);
    out[0] = out[1] = out[2] = 0;
    for (uint32_t y = y0; y < y1; y++)
        for (uint32_t x = x0; x < x1; x++)
            for (int k = 0; k < 3; k++)
                out[k] += half(p[4 * ((size_t)y * W + x) + (size_t)k]) / ((x1 - x0) * (y1 - y0));
}

static void furnace_scene(struct stage *s, float albedo)
{
    stage_dome(s, 1, 1, 1);
    struct render_material_desc d;
    render_id m;
    render_material_defaults(&d);
    for (int k = 0; k < 3; k++)
        d.diffuse_color.value[k] = albedo;
    d.roughness.value[0] = 1;
    d.ior.value[0]       = 1; // no reflection at the surface: all light is diffuse
    assert_int_equal(render_material_create(s->scene, &d, &m), RENDER_OK);
    stage_instance(s, stage_shape(s, RENDER_SPHERE, 1), m, 0, 0, -3, 1);
    s->desc.settings.outputs = 1u << RENDER_OUT_LDR_COLOR | 1u << RENDER_OUT_HDR_COLOR;
}

// A convex diffuse thing inside a uniform white sphere sends its albedo back, whatever draws it.
static void furnace(void **state)
{
    static const struct {
        enum render_mode mode;
        float budget_ms;
        int frames;
        double tolerance;
    } rows[] = {
        { RENDER_MODE_PATH_TRACING, 0, 1, 0.02 },
        { RENDER_MODE_REALTIME, 0, 8, 0.03 },    // one sample a frame
        { RENDER_MODE_REALTIME, 1000, 1, 0.02 }, // the preview
        { RENDER_MODE_MINIMAL, 0, 1, 0.02 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stage s;
        double c[3];
        stage_open(&s, W, H);
        furnace_scene(&s, 0.5f);
        s.desc.settings.mode              = rows[i].mode;
        s.desc.settings.budget_ms         = rows[i].budget_ms;
        s.desc.settings.samples_per_pixel = 16;
        for (int f = 0; f < rows[i].frames; f++)
            stage_draw(&s);
        mean(&s, W / 2 - 3, H / 2 - 3, W / 2 + 3, H / 2 + 3, c);
        for (int k = 0; k < 3; k++)
            assert_float_equal(c[k], 0.5, rows[i].tolerance);
        mean(&s, 0, 0, 6, 6, c); // the dome itself
        for (int k = 0; k < 3; k++)
            assert_float_equal(c[k], 1, 0.005);
        stage_close(&s);
    }
}

// One distant light of irradiance E straight down on a white floor: radiance E / pi. Shadow below a cube.
static void sun(void **state)
{
    static const float budgets[] = { 1000, 0 };
    for (int i = 0; i < 2; i++) {
        struct stage s;
        double c[3];
        stage_open(&s, W, H);
        struct render_light_desc l;
        render_id id;
        render_light_defaults(&l, RENDER_LIGHT_DISTANT);
        l.intensity = 3.14159265f;
        l.angle     = 0.5f;
        l.normalize = true;
        stage_translation(l.transform, 0, 0, 0); // shines along -Z, as the camera looks
        assert_int_equal(render_light_create(s.scene, &l, &id), RENDER_OK);
        struct render_material_desc d;
        render_id m;
        render_material_defaults(&d);
        d.diffuse_color.value[0] = d.diffuse_color.value[1] = d.diffuse_color.value[2] = 0.8f;
        d.roughness.value[0] = 1;
        d.ior.value[0]       = 1;
        assert_int_equal(render_material_create(s.scene, &d, &m), RENDER_OK);
        stage_instance(&s, stage_shape(&s, RENDER_PLANE, 40), m, 0, 0, -6, 1);
        stage_instance(&s, stage_shape(&s, RENDER_CUBE, 1), m, 0, 0, -3, 2);
        s.desc.settings.mode        = RENDER_MODE_REALTIME;
        s.desc.settings.budget_ms   = budgets[i];
        s.desc.settings.max_bounces = 0;
        s.desc.settings.denoise     = false; // the shadow is five pixels wide
        s.desc.settings.outputs |= 1u << RENDER_OUT_HDR_COLOR;
        stage_draw(&s);
        stage_draw(&s);
        mean(&s, 2, 2, 10, 10, c); // far from the cube
        assert_float_equal(c[0], 0.8, 0.03);
        // The light shines from the camera's side: the shadow is straight behind the cube and larger on the
        // floor only by perspective, so seen from the camera it is hidden. From the side it shows.
        const double a = 0.6;
        double *t = s.desc.camera.transform;
        t[0] = cos(a), t[2] = -sin(a), t[8] = sin(a), t[10] = cos(a);
        t[12] = 6 * sin(a), t[14] = -6 + 6 * cos(a);
        stage_draw(&s);
        stage_draw(&s);
        mean(&s, W / 2 - 1, H / 2 - 1, W / 2 + 1, H / 2 + 1, c); // looks at (0, 0, -6), in the shadow
        if (!(c[0] < 0.1))
            fail_msg("the shadow of the cube is %g with a budget of %g ms", c[0], (double)budgets[i]);
        stage_close(&s);
    }
}

// Exposure scales HdrColor, and white does not overflow LdrColor.
static void exposure(void **state)
{
    struct stage s;
    double c[3];
    stage_open(&s, W, H);
    furnace_scene(&s, 0.5f);
    s.desc.camera.exposure_scale = 0.25f;
    stage_draw(&s);
    mean(&s, 0, 0, 6, 6, c);
    assert_float_equal(c[0], 0.25, 0.002);
    assert_in_range(stage_pixel(&s, 2, 2).r, 135, 139); // sRGB of 0.25 is 137
    s.desc.camera.exposure_scale = 100;
    stage_draw(&s);
    assert_in_range(stage_pixel(&s, 2, 2).r, 250, 255);
    stage_close(&s);
}

static void minimal_modes(void **state)
{
    struct stage s;
    stage_open(&s, W, H);
    furnace_scene(&s, 0.5f);
    s.desc.settings.minimal_mode = 0;
    stage_draw(&s);
    assert_int_equal(stage_pixel(&s, W / 2, H / 2).r, 0);
    assert_int_equal(stage_pixel(&s, W / 2, H / 2).a, 255);
    s.desc.settings.minimal_mode     = 1;
    s.desc.settings.minimal_color[0] = 0;
    s.desc.settings.minimal_color[1] = 0.5f;
    s.desc.settings.minimal_color[2] = 0;
    stage_draw(&s);
    const struct stage_pixel p = stage_pixel(&s, W / 2, H / 2);
    assert_int_equal(p.r, 0);
    assert_in_range(p.g, 187, 189);
    s.desc.settings.minimal_mode = 2;
    stage_draw(&s);
    assert_in_range(stage_pixel(&s, W / 2, H / 2).r, 186, 190);
    stage_close(&s);
}

// At rest the real-time picture ends as the path traced one, and says that it has.
static void converges(void **state)
{
    struct stage s;
    double c[3];
    struct render_stats stats;
    stage_open(&s, 32, 24);
    furnace_scene(&s, 0.5f);
    s.desc.settings.mode      = RENDER_MODE_REALTIME;
    s.desc.settings.budget_ms = 200;
    bool done                 = false;
    // Most of the time goes by while shaders are made in the background.
    for (int64_t end = clock_mono_ns() + 240000000000ll; !done && clock_mono_ns() < end;) {
        stage_draw(&s);
        render_view_stats(s.view, &stats);
        done = stats.converged;
        if (!stats.samples)
            clock_sleep_until_ns(clock_mono_ns() + 5000000);
    }
    assert_true(done);
    const uint16_t *p = stage_map(&s, RENDER_OUT_HDR_COLOR);
    for (int k = 0; k < 3; k++)
        c[k] = half(p[4 * (12 * 32 + 16) + k]);
    assert_float_equal(c[0], 0.5, 0.03);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(furnace),       cmocka_unit_test(sun),       cmocka_unit_test(exposure),
        cmocka_unit_test(minimal_modes), cmocka_unit_test(converges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
