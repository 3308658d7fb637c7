// Domes, textures, transparency and the agreement of the two ways to find light.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "image.h"
#include "light_dome.h"
#include "trace_fixture.h"

#define SIDE 32

static struct trace_fixture fixture;
static const double origin[3] = { 0, 0, 0 };

static float mean(const float *rgba, int channel)
{
    double sum = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        sum += rgba[4 * i + channel];
    return (float)(sum / (SIDE * SIDE));
}

static void assert_close(float got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %g, want %g within %g", (double)got, want, tolerance);
}

static render_id texture(const void *data, size_t size, enum render_color_space space)
{
    render_id id = 0;
    assert_int_equal(render_texture_create(fixture.scene, &(struct render_texture_desc) { .name = "test", .data = data, .size = size, .color_space = space }, &id),
                     RENDER_OK);
    return id;
}

static render_id png_texture(const uint8_t *rgb, uint32_t width, uint32_t height, enum render_color_space space)
{
    png_image image  = { .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGB };
    size_t size      = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *data       = malloc(size);
    png_alloc_size_t written = size;
    assert_true(png_image_write_to_memory(&image, data, &written, 0, rgb, 0, NULL));
    render_id id = texture(data, written, space);
    free(data);
    return id;
}

// An uncompressed Radiance picture of floats.
static render_id hdr_texture(const float *rgb, int width, int height)
{
    char head[128];
    int length    = snprintf(head, sizeof(head), "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n", height, width);
    size_t size   = (size_t)length + (size_t)width * (size_t)height * 4;
    uint8_t *data = malloc(size), *p = data + length;
    memcpy(data, head, (size_t)length);
    for (int i = 0; i < width * height; i++, p += 4) {
        float most = fmaxf(rgb[3 * i], fmaxf(rgb[3 * i + 1], rgb[3 * i + 2]));
        int e      = 0;
        if (most < 1e-30f) {
            memset(p, 0, 4);
            continue;
        }
        float scale = frexpf(most, &e) * 256 / most;
        for (int c = 0; c < 3; c++)
            p[c] = (uint8_t)(rgb[3 * i + c] * scale);
        p[3] = (uint8_t)(e + 128);
    }
    render_id id = texture(data, size, RENDER_COLOR_AUTO);
    free(data);
    return id;
}

static render_id add_dome(render_id picture, const double transform[16])
{
    struct render_light_desc desc;
    render_light_defaults(&desc, RENDER_LIGHT_DOME);
    desc.texture = picture;
    if (transform)
        memcpy(desc.transform, transform, sizeof(desc.transform));
    render_id id = 0;
    assert_int_equal(render_light_create(fixture.scene, &desc, &id), RENDER_OK);
    return id;
}

static void look_along(double x, double y, double z)
{
    fixture_look(&fixture, origin, (double[]) { x, y, z }, 10);
}

// Six colours for six directions: OpenEXR's lat-long map has +Z in the middle, +X left of it, +Y above.
static void test_dome_orientation(void **state)
{
    enum { W = 64, H = 32 };
    float *rgb = malloc(sizeof(float) * 3 * W * H);
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            float u = ((float)x + 0.5f) / W, v = ((float)y + 0.5f) / H, *c = rgb + 3 * (y * W + x);
            c[0] = c[1] = c[2] = 0.25f;
            if (v < 0.25f)
                c[0] = 1; // up: red
            else if (v > 0.75f)
                c[1] = 1; // down: green
            else if (fabsf(u - 0.5f) < 0.125f)
                c[2] = 1; // middle: blue
            else if (u > 0.125f && u < 0.375f)
                c[0] = c[1] = 1; // left of the middle: yellow
            else if (u > 0.625f && u < 0.875f)
                c[0] = c[2] = 1; // right: magenta
            else
                c[1] = c[2] = 1; // the edges: cyan
        }
    }
    static const struct {
        double d[3];
        float rgb[3];
    } rows[] = {
        { { 0, 1, 0 }, { 1, 0.25f, 0.25f } }, { { 0, -1, 0 }, { 0.25f, 1, 0.25f } }, { { 0, 0, 1 }, { 0.25f, 0.25f, 1 } },
        { { 1, 0, 0 }, { 1, 1, 0.25f } },     { { -1, 0, 0 }, { 1, 0.25f, 1 } },     { { 0, 0, -1 }, { 0.25f, 1, 1 } },
    };
    fixture_clear(&fixture);
    render_id dome = add_dome(hdr_texture(rgb, W, H), NULL);
    for (size_t i = 0; i < 6; i++) {
        look_along(rows[i].d[0], rows[i].d[1], rows[i].d[2]);
        float *p = fixture_trace(&fixture, 1);
        for (int c = 0; c < 3; c++)
            assert_close(mean(p, c), rows[i].rgb[c], 0.01);
        free(p);
    }
    // Turned by 90 degrees about Y (row vectors: +X goes to -Z): what was at +X is now at -Z.
    struct render_light_desc desc;
    render_light_defaults(&desc, RENDER_LIGHT_DOME);
    desc.texture = 1;
    const double turn[16] = { 0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1 };
    memcpy(desc.transform, turn, sizeof(turn));
    render_light_update(fixture.scene, dome, &desc);
    look_along(0, 0, -1);
    float *p = fixture_trace(&fixture, 1);
    assert_close(mean(p, 0), 1, 0.01);
    assert_close(mean(p, 1), 1, 0.01);
    assert_close(mean(p, 2), 0.25, 0.01);
    free(p);
    free(rgb);
}

// One bright texel: E = L cos(theta) dw. With importance sampling few samples suffice.
static void test_dome_sun(void **state)
{
    enum { W = 512, H = 256, X = 100, Y = 40 };
    float *rgb = calloc(3 * W * H, sizeof(float));
    for (int y = Y; y < Y + 2; y++)
        for (int x = X; x < X + 2; x++)
            for (int c = 0; c < 3; c++)
                rgb[3 * (y * W + x) + c] = 4096;
    fixture_clear(&fixture);
    add_dome(hdr_texture(rgb, W, H), NULL);
    render_id quad = fixture_quad(&fixture, (float[]) { -50, 0, 50 }, (float[]) { 100, 0, 0 }, (float[]) { 0, 0, -100 });
    fixture_place(&fixture, quad, fixture_diffuse(&fixture, 1, 1, 1), NULL);
    fixture_look(&fixture, (double[]) { 0.3, 0.2, 0.3 }, origin, 2);
    double want = 0;
    for (int y = Y; y < Y + 2; y++) {
        double top = M_PI * y / H, bottom = M_PI * (y + 1) / H;
        // Integral of cos theta sin theta over the row, times the longitudes of two texels.
        want += 4096 * 2 * (2 * M_PI / W) * (sin(bottom) * sin(bottom) - sin(top) * sin(top)) / 2;
    }
    float *p = fixture_trace(&fixture, 64);
    assert_close(mean(p, 1), want / M_PI, 0.02 * want / M_PI);
    free(p);
    free(rgb);
}

// ---------------------------------------------------------------------------------------------

// A square from (-1, -1) to (1, 1) that glows with a texture, filling the picture.
static void show_texture(render_id picture, enum render_wrap wrap, float uv_scale, float uv_shift)
{
    struct render_material_desc desc;
    render_material_defaults(&desc);
    memset(desc.diffuse_color.value, 0, sizeof(desc.diffuse_color.value));
    desc.use_specular_workflow = true;
    memset(desc.specular_color.value, 0, sizeof(desc.specular_color.value));
    desc.emissive_color.texture = picture;
    desc.emissive_color.channel = 4;
    desc.emissive_color.wrap_s = desc.emissive_color.wrap_t = wrap;
    desc.emissive_color.uv_scale[0] = desc.emissive_color.uv_scale[1] = uv_scale;
    desc.emissive_color.uv_translation[0] = desc.emissive_color.uv_translation[1] = uv_shift;
    render_id material = 0;
    assert_int_equal(render_material_create(fixture.scene, &desc, &material), RENDER_OK);
    render_id quad = fixture_quad(&fixture, (float[]) { -1, -1, 0 }, (float[]) { 2, 0, 0 }, (float[]) { 0, 2, 0 });
    fixture_place(&fixture, quad, material, NULL);
    fixture_look(&fixture, (double[]) { 0, 0, 10 }, origin, 2 * atan(0.1) * 180 / M_PI);
}

static const float *pixel(const float *p, int x, int y) { return p + 4 * (y * SIDE + x); }

static void test_texture_values(void **state)
{
    // 4 x 4: red grows to the right, green downwards, in sRGB code values.
    uint8_t rgb[48];
    for (int i = 0; i < 16; i++) {
        rgb[3 * i]     = (uint8_t)(80 * (i % 4));
        rgb[3 * i + 1] = (uint8_t)(80 * (i / 4));
        rgb[3 * i + 2] = 128;
    }
    for (int raw = 0; raw < 2; raw++) {
        fixture_clear(&fixture);
        show_texture(png_texture(rgb, 4, 4, raw ? RENDER_COLOR_RAW : RENDER_COLOR_AUTO), RENDER_WRAP_CLAMP, 1, 0);
        float *p = fixture_trace(&fixture, 16);
        for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 4; x++) { // near the texels' centres; the filter's tent averages a little around
                const float *got = pixel(p, 8 * x + 4, 8 * y + 4);
                float want[3]    = { 80.0f * (float)x / 255, 80.0f * (float)y / 255, 128.0f / 255 };
                for (int c = 0; c < 3; c++)
                    assert_close(got[c], raw ? want[c] : image_srgb_decode(want[c]), 0.06);
            }
        }
        free(p);
    }
}

static void test_texture_wrap(void **state)
{
    // 2 x 1: left white, right black; shown from u = -1 to 2.
    static const uint8_t rgb[6] = { 255, 255, 255, 0, 0, 0 };
    static const struct {
        enum render_wrap wrap;
        int at[6]; // white (1) or black at the middles of the six half widths
    } rows[] = {
        { RENDER_WRAP_REPEAT, { 1, 0, 1, 0, 1, 0 } },
        { RENDER_WRAP_CLAMP, { 1, 1, 1, 0, 0, 0 } },
        { RENDER_WRAP_MIRROR, { 0, 1, 1, 0, 0, 1 } },
        { RENDER_WRAP_BLACK, { 0, 0, 1, 0, 0, 0 } },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fixture_clear(&fixture);
        show_texture(png_texture(rgb, 2, 1, RENDER_COLOR_RAW), rows[i].wrap, 3, -1);
        float *p = fixture_trace(&fixture, 4);
        for (int k = 0; k < 6; k++) {
            // In v the picture also spans -1 to 2; look at its middle third.
            const float *got = pixel(p, (int)((k + 0.5) * SIDE / 6), SIDE / 2);
            assert_close(got[0], rows[i].at[k], 0.25);
        }
        free(p);
    }
}

// Far away a fine checker shows its mean, whatever its size and however many pages it takes.
static void test_texture_levels(void **state)
{
    static const uint32_t sizes[] = { 64, 253, 255, 700 };
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint32_t n   = sizes[s];
        uint8_t *rgb = malloc(3 * n * n);
        for (uint32_t i = 0; i < n * n; i++)
            memset(rgb + 3 * i, (i % n + i / n) % 2 ? 255 : 0, 3);
        fixture_clear(&fixture);
        show_texture(png_texture(rgb, n, n, RENDER_COLOR_RAW), RENDER_WRAP_REPEAT, 40, 0);
        float *p = fixture_trace(&fixture, 1);
        for (int y = 1; y < SIDE - 1; y++) // at the rim the pixel filter sees past the square
            for (int x = 1; x < SIDE - 1; x++)
                assert_close(pixel(p, x, y)[0], 0.5, 0.03);
        free(p);
        free(rgb);
    }
}

// A ramp over several pages is continuous across their borders.
static void test_texture_pages(void **state)
{
    enum { N = 600 };
    uint8_t *rgb = malloc(3 * N * N);
    for (int i = 0; i < N * N; i++) {
        rgb[3 * i]     = (uint8_t)((i % N) * 255 / (N - 1));
        rgb[3 * i + 1] = (uint8_t)((i / N) * 255 / (N - 1));
        rgb[3 * i + 2] = 0;
    }
    fixture_clear(&fixture);
    show_texture(png_texture(rgb, N, N, RENDER_COLOR_RAW), RENDER_WRAP_CLAMP, 1, 0);
    float *p = fixture_trace(&fixture, 4);
    for (int y = 1; y < SIDE - 1; y++) {
        for (int x = 1; x < SIDE - 1; x++) {
            assert_close(pixel(p, x, y)[0], (x + 0.5) / SIDE, 0.02);
            assert_close(pixel(p, x, y)[1], (y + 0.5) / SIDE, 0.02);
        }
    }
    free(p);
    free(rgb);
}

static void test_missing_texture(void **state)
{
    fixture_clear(&fixture);
    show_texture(texture("not a picture", 13, RENDER_COLOR_AUTO), RENDER_WRAP_REPEAT, 1, 0);
    float *p = fixture_trace(&fixture, 4);
    float red = mean(p, 0), green = mean(p, 1);
    assert_true(red > 0.3f && red < 0.8f && green > 0.02f && green < 0.3f); // magenta and grey
    free(p);
}

// ---------------------------------------------------------------------------------------------

static render_id veil_material;

static struct render_material_desc veil_desc(float opacity, float threshold)
{
    struct render_material_desc desc;
    render_material_defaults(&desc);
    memset(desc.diffuse_color.value, 0, sizeof(desc.diffuse_color.value));
    desc.use_specular_workflow = true;
    memset(desc.specular_color.value, 0, sizeof(desc.specular_color.value));
    desc.opacity.value[0]           = opacity;
    desc.opacity_threshold.value[0] = threshold;
    return desc;
}

static void opacity_scene(float opacity, float threshold)
{
    fixture_clear(&fixture);
    struct render_material_desc desc = veil_desc(opacity, threshold);
    render_material_create(fixture.scene, &desc, &veil_material);
    render_id veil = fixture_quad(&fixture, (float[]) { -50, 1, 50 }, (float[]) { 100, 0, 0 }, (float[]) { 0, 0, -100 });
    fixture_place(&fixture, veil, veil_material, NULL);
}

// A black veil of opacity a before a constant dome lets 1 - a through, to the camera and to shadow rays.
static void test_opacity(void **state)
{
    static const struct {
        float opacity, threshold, through;
    } rows[] = { { 0.25f, 0, 0.75f }, { 1, 0, 0 }, { 0, 0, 1 }, { 0.6f, 0.5f, 0 }, { 0.4f, 0.5f, 1 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        opacity_scene(rows[i].opacity, rows[i].threshold);
        add_dome(0, NULL);
        fixture_look(&fixture, (double[]) { 0, -3, 0 }, origin, 20);
        float *p = fixture_trace(&fixture, 16);
        assert_close(mean(p, 0), rows[i].through, 0.015);
        free(p);

        opacity_scene(rows[i].opacity, rows[i].threshold);
        render_id quad = fixture_quad(&fixture, (float[]) { -50, 0, 50 }, (float[]) { 100, 0, 0 }, (float[]) { 0, 0, -100 });
        fixture_place(&fixture, quad, fixture_diffuse(&fixture, 1, 1, 1), NULL);
        struct render_light_desc sun;
        render_light_defaults(&sun, RENDER_LIGHT_DISTANT);
        const double down[16] = { 1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
        memcpy(sun.transform, down, sizeof(down));
        sun.angle     = 0;
        sun.intensity = (float)M_PI;
        render_id id;
        render_light_create(fixture.scene, &sun, &id);
        fixture_look(&fixture, (double[]) { 0.3, 0.5, 0.3 }, origin, 20);
        fixture.max_bounces = 0;
        p = fixture_trace(&fixture, 4);
        assert_close(mean(p, 0), rows[i].through, 0.005);
        free(p);
        // A material that changes takes its shadows along.
        for (int k = 0; k < 2; k++) {
            struct render_material_desc desc = veil_desc(k ? 0.25f : 1, 0);
            render_material_update(fixture.scene, veil_material, &desc);
            p = fixture_trace(&fixture, 4);
            assert_close(mean(p, 0), k ? 0.75 : 0, 0.005);
            free(p);
        }
        fixture.max_bounces = 3;
    }
}

// The same mean whether lights are sampled, rays find them, or both are weighed.
static void test_techniques(void **state)
{
    static const float roughness[] = { 0.4f, 0.7f }; // below, light sampling alone needs too many samples
    for (int i = 0; i < 2; i++) {
        fixture_clear(&fixture);
        struct render_material_desc desc;
        render_material_defaults(&desc);
        desc.roughness.value[0] = roughness[i];
        desc.clearcoat.value[0] = 0.5f;
        desc.clearcoat_roughness.value[0] = 0.5f;
        render_id material, id;
        render_material_create(fixture.scene, &desc, &material);
        render_id quad = fixture_quad(&fixture, (float[]) { -50, 0, 50 }, (float[]) { 100, 0, 0 }, (float[]) { 0, 0, -100 });
        fixture_place(&fixture, quad, material, NULL);
        struct render_light_desc light;
        render_light_defaults(&light, RENDER_LIGHT_RECT);
        const double m[16] = { 1, 0, 0, 0, 0, 0.6, 0.8, 0, 0, -0.8, 0.6, 0, 0, 2, -3, 1 }; // leans over the floor
        memcpy(light.transform, m, sizeof(m));
        for (int k = 8; k < 11; k++)
            light.transform[k] = -light.transform[k];
        light.width = light.height = 3;
        render_light_create(fixture.scene, &light, &id);
        render_light_defaults(&light, RENDER_LIGHT_SPHERE);
        light.transform[12] = 2;
        light.transform[13] = 2;
        light.radius        = 1;
        light.intensity     = 2;
        render_light_create(fixture.scene, &light, &id);
        add_dome(0, NULL);
        fixture_look(&fixture, (double[]) { 0, 1.5, 4 }, (double[]) { 0, 0, 0 }, 20);
        float result[3];
        for (int t = 0; t < 3; t++) {
            fixture.technique   = (enum pass_trace_technique)t;
            fixture.max_bounces = 1;
            float *p            = fixture_trace(&fixture, 256);
            result[t]           = mean(p, 1);
            free(p);
        }
        fixture.technique   = PASS_TRACE_BOTH;
        fixture.max_bounces = 3;
        print_message("roughness %.1f: both %.4f, lights %.4f, rays %.4f\n", (double)roughness[i], (double)result[0],
                      (double)result[1], (double)result[2]);
        assert_close(result[1], result[0], 0.01 * result[0]);
        assert_close(result[2], result[0], 0.01 * result[0]);
    }
}

static void test_emissive(void **state)
{
    // A glowing ceiling of radiance 1 over the whole sky is as good as a dome.
    fixture_clear(&fixture);
    struct render_material_desc desc;
    render_material_defaults(&desc);
    for (int c = 0; c < 3; c++)
        desc.emissive_color.value[c] = 1;
    memset(desc.diffuse_color.value, 0, sizeof(desc.diffuse_color.value));
    desc.use_specular_workflow = true;
    memset(desc.specular_color.value, 0, sizeof(desc.specular_color.value));
    render_id material = 0;
    render_material_create(fixture.scene, &desc, &material);
    fixture_place(&fixture, fixture_sphere(&fixture, 100), material, NULL);
    fixture_place(&fixture, fixture_sphere(&fixture, 1), fixture_diffuse(&fixture, 0.5f, 0.5f, 0.5f), NULL);
    fixture_look(&fixture, (double[]) { 0, 0, 4 }, origin, 20);
    float *p = fixture_trace(&fixture, 16);
    assert_close(mean(p, 0), 0.5, 0.005);
    free(p);
}

// Clear glass before a constant dome is invisible.
static void test_glass(void **state)
{
    for (int thin = 0; thin < 2; thin++) {
        fixture_clear(&fixture);
        struct render_material_desc desc;
        render_material_defaults(&desc);
        desc.transmission       = 1;
        desc.thin_walled        = thin;
        desc.roughness.value[0] = 0.05f;
        for (int c = 0; c < 3; c++)
            desc.diffuse_color.value[c] = 1;
        render_id material = 0;
        render_material_create(fixture.scene, &desc, &material);
        fixture_place(&fixture, fixture_sphere(&fixture, 1), material, NULL);
        add_dome(0, NULL);
        fixture_look(&fixture, (double[]) { 0, 0, 4 }, origin, 20);
        fixture.max_bounces = 16;
        float *p            = fixture_trace(&fixture, 32);
        assert_close(mean(p, 0), 1, 0.02);
        free(p);
        fixture.max_bounces = 3;
    }
}

// Filtering keeps the mean and a converged picture.
static void test_denoise(void **state)
{
    fixture_clear(&fixture);
    fixture_place(&fixture, fixture_sphere(&fixture, 1), fixture_diffuse(&fixture, 0.7f, 0.4f, 0.2f), NULL);
    render_id quad = fixture_quad(&fixture, (float[]) { -50, -1, 50 }, (float[]) { 100, 0, 0 }, (float[]) { 0, 0, -100 });
    fixture_place(&fixture, quad, fixture_diffuse(&fixture, 0.5f, 0.5f, 0.5f), NULL);
    add_dome(0, NULL);
    fixture_look(&fixture, (double[]) { 0, 2, 5 }, origin, 40);
    double error[2] = { 0 };
    float *truth    = fixture_trace(&fixture, 512);
    float *still    = fixture_denoise(&fixture, 1);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_close(still[4 * i + 1], truth[4 * i + 1], 0.05);
    float *noisy    = fixture_trace(&fixture, 2);
    float *filtered = fixture_denoise(&fixture, 1);
    for (int i = 0; i < SIDE * SIDE; i++) {
        error[0] += pow(noisy[4 * i + 1] - truth[4 * i + 1], 2);
        error[1] += pow(filtered[4 * i + 1] - truth[4 * i + 1], 2);
    }
    print_message("squared error: 2 samples %.4f, filtered %.4f\n", error[0], error[1]);
    assert_true(error[1] < 0.4 * error[0]);
    assert_close(mean(filtered, 1), mean(truth, 1), 0.02 * mean(truth, 1));
    free(truth);
    free(still);
    free(noisy);
    free(filtered);
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
        cmocka_unit_test(test_dome_orientation), cmocka_unit_test(test_dome_sun),
        cmocka_unit_test(test_texture_values),   cmocka_unit_test(test_texture_wrap),
        cmocka_unit_test(test_texture_levels),   cmocka_unit_test(test_texture_pages),
        cmocka_unit_test(test_missing_texture),  cmocka_unit_test(test_opacity),
        cmocka_unit_test(test_techniques),       cmocka_unit_test(test_emissive),
        cmocka_unit_test(test_glass),            cmocka_unit_test(test_denoise),
        cmocka_unit_test(test_validation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
