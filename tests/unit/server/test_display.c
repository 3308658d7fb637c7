// Render outputs to BGRA8 against the contract's formulas in double precision.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "display.h"

static struct convert_state state_;
static const struct convert_settings plain = { .camera_distance = 10, .clip_far = 1000 };

static bool run(enum aov aov, int code, int bits, int w, int h, int channels, const void *data, const struct convert_settings *set, uint8_t *out)
{
    int64_t shape[3] = { h, w, channels };
    DLTensor t = { .data = (void *)(uintptr_t)data, .ndim = 3, .shape = shape, .dtype = { (uint8_t)code, (uint8_t)bits, 1 }, .device = { kDLCPU, 0 } };
    return convert_image(&state_, aov, &t, set, out, w, h);
}

static int q(double v) { return isnan(v) || v <= 0 ? 0 : v >= 1 ? 255 : (int)floor(255 * v + 0.5); }
static double s(double v) { return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055; }

static void red_stays_red(void **state)
{
    const uint8_t in[] = { 255, 0, 0, 255, 0, 0, 255, 255, 1, 2, 3, 0 };
    const uint8_t want[] = { 0, 0, 255, 255, 255, 0, 0, 255, 3, 2, 1, 255 };
    uint8_t out[12];
    (void)state;
    assert_true(run(AOV_LDR, kDLUInt, 8, 3, 1, 4, in, &plain, out));
    assert_memory_equal(out, want, 12);
    const uint8_t rgb[] = { 255, 0, 0, 0, 0, 255, 1, 2, 3 };
    assert_true(run(AOV_LDR, kDLUInt, 8, 3, 1, 3, rgb, &plain, out));
    assert_memory_equal(out, want, 12);
    assert_true(run(AOV_ALBEDO, kDLUInt, 8, 3, 1, 4, in, &plain, out));
    assert_memory_equal(out, want, 12);
}

static double half_value(uint16_t b)
{
    int e = b >> 10 & 31, m = b & 1023;
    double v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return b & 0x8000 ? -v : v;
}

static void hdr_follows_the_formula(void **state)
{
    (void)state;
    enum { N = 65536 };
    uint16_t *in = calloc(N, 8);
    uint8_t *out = malloc(N * 4);
    for (int i = 0; i < N; i++)
        in[4 * i] = in[4 * i + 1] = in[4 * i + 2] = (uint16_t)i;
    for (int mode = 0; mode < 4; mode++) {
        struct convert_settings set = plain;
        set.tone     = mode & 1 ? TONE_NONE : TONE_REINHARD;
        set.exposure = mode & 2 ? -1.5 : 0;
        assert_true(run(AOV_HDR, kDLFloat, 16, 256, 256, 4, in, &set, out));
        for (int i = 0; i < N; i++) {
            double v = half_value((uint16_t)i), c = fmax(0, v) * exp2(set.exposure);
            if (set.tone == TONE_REINHARD)
                c = isinf(c) ? 1 : c / (1 + c);
            int want = isnan(v) ? 0 : isinf(v) && v > 0 ? 255 : q(s(fmin(c, 1)));
            assert_true(abs(out[4 * i] - want) <= 1);
            assert_int_equal(out[4 * i + 3], 255);
        }
    }
    free(in);
    free(out);
}

static void hdr_in_full_floats(void **state)
{
    float in[16][4] = { { 0 }, { 1, 1, 1 }, { 0.5f, 2, 8 }, { -1, NAN, INFINITY }, { 1e-6f, 0.0031308f, 0.9999f }, { 3e38f, 1e30f, 1e29f } };
    uint8_t out[64];
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        struct convert_settings set = plain;
        set.tone = mode ? TONE_NONE : TONE_REINHARD;
        assert_true(run(AOV_HDR, kDLFloat, 32, 16, 1, 4, in, &set, out));
        for (int i = 0; i < 16; i++)
            for (int k = 0; k < 3; k++) {
                double v = in[i][k], c = fmax(0, v);
                if (set.tone == TONE_REINHARD)
                    c = isinf(c) ? 1 : c / (1 + c);
                int want = isnan(v) ? 0 : q(s(fmin(c, 1)));
                assert_true(abs(out[4 * i + 2 - k] - want) <= 1);
            }
    }
}

static void normals_as_colours(void **state)
{
    const float in[4][4] = { { 0, 0, 1, 9 }, { -1, 1, 0.5f, 9 }, { NAN, 2, -2, 9 }, { 0.25f, -0.75f, 0, 9 } };
    const uint8_t want[] = { 255, 128, 128, 255, 191, 255, 0, 255, 0, 255, 128, 255, 128, 32, 159, 255 };
    uint8_t out[16];
    uint32_t bits[16];
    (void)state;
    assert_true(run(AOV_NORMAL, kDLFloat, 32, 4, 1, 4, in, &plain, out));
    assert_memory_equal(out, want, 16);
    memcpy(bits, in, sizeof(bits)); // the same as packed bits
    assert_true(run(AOV_NORMAL, kDLUInt, 32, 4, 1, 4, bits, &plain, out));
    assert_memory_equal(out, want, 16);
}

static void depth_in_both_meanings(void **state)
{
    (void)state;
    const float normalised[4] = { 1, 0.5f, 0, NAN };
    uint8_t out[32];
    convert_forget(&state_);
    assert_true(run(AOV_DEPTH, kDLFloat, 32, 4, 1, 1, normalised, &plain, out));
    assert_int_equal(out[0], 255);
    assert_int_equal(out[4], 128);
    assert_int_equal(out[8], 0);
    assert_int_equal(out[12], 0);
    const float distance[8] = { 10, 30, 1000, INFINITY, -1, 0, NAN, 2 };
    assert_true(run(AOV_DEPTH, kDLFloat, 32, 8, 1, 1, distance, &plain, out));
    const int want[8] = { q(0.5), q(0.25), 0, 0, 0, 0, 0, q(1 / 1.2) };
    for (int i = 0; i < 8; i++)
        assert_int_equal(out[4 * i], want[i]);
    // Normalised values of the same distances show the same picture once the clipping range is known.
    const double near = 0.025, far = 600;
    float reversed[8];
    struct convert_settings ranged = plain;
    ranged.clip_near = near, ranged.clip_far = far;
    for (int i = 0; i < 8; i++)
        reversed[i] = distance[i] > 0 && distance[i] < 1000 ? (float)(near * (far - distance[i]) / (distance[i] * (far - near))) : 0;
    convert_forget(&state_);
    assert_true(run(AOV_DEPTH, kDLFloat, 32, 8, 1, 1, reversed, &ranged, out));
    for (int i = 0; i < 8; i++)
        assert_true(abs(out[4 * i] - want[i]) <= 1);
    convert_forget(&state_);
    assert_true(run(AOV_DEPTH, kDLFloat, 32, 8, 1, 1, distance, &plain, out)); // and back
    struct convert_settings minmax = plain;
    minmax.depth = DEPTH_MINMAX;
    assert_true(run(AOV_DEPTH, kDLFloat, 32, 8, 1, 1, distance, &minmax, out));
    assert_int_equal(out[28], 255);
    assert_int_equal(out[4], 0);
    assert_int_equal(out[0], q((30.0 - 10) / 28));
    assert_true(out[0] == out[1] && out[1] == out[2]);
}

static void ids_have_stable_colours(void **state)
{
    const uint32_t in[4] = { 0, 1, 1, 77777 };
    uint8_t out[16];
    (void)state;
    assert_true(run(AOV_INSTANCE, kDLUInt, 32, 4, 1, 1, in, &plain, out));
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == 0 && out[3] == 255);
    assert_memory_equal(out + 4, out + 8, 4);
    assert_memory_not_equal(out + 4, out + 12, 4);
    for (int i = 1; i < 4; i++)
        assert_true(out[4 * i] >= 64 && out[4 * i + 1] >= 64 && out[4 * i + 2] >= 64);
    uint32_t h = 0x9E3779B1u;
    h ^= h >> 16, h *= 0x85EBCA6Bu, h ^= h >> 13;
    assert_int_equal(out[6], 64 + (h & 255) * 191 / 255);
    assert_int_equal(out[5], 64 + (h >> 8 & 255) * 191 / 255);
    assert_int_equal(out[4], 64 + (h >> 16 & 255) * 191 / 255);
    // The same bits under another name are depth, not ids.
    uint8_t as_depth[16];
    assert_true(run(AOV_DEPTH, kDLUInt, 32, 4, 1, 1, in, &plain, as_depth));
    assert_memory_not_equal(out + 4, as_depth + 4, 4);
}

static void strides_count(void **state)
{
    uint8_t in[2 * 20] = { 0 }, out[16];
    in[4] = 10, in[5] = 20, in[6] = 30;
    in[24] = 40, in[25] = 50, in[26] = 60;
    int64_t shape[3] = { 2, 2, 4 }, strides[3] = { 20, 4, 1 };
    DLTensor t = { .data = in, .ndim = 3, .shape = shape, .strides = strides, .dtype = { kDLUInt, 8, 1 }, .device = { kDLCPU, 0 } };
    (void)state;
    assert_true(convert_image(&state_, AOV_LDR, &t, &plain, out, 2, 2));
    assert_int_equal(out[4], 30);
    assert_int_equal(out[12], 60);
}

static void what_does_not_fit_is_refused(void **state)
{
    uint8_t data[64] = { 0 }, out[64], before[64];
    memset(out, 7, sizeof(out));
    memcpy(before, out, sizeof(out));
    (void)state;
    assert_false(run(AOV_LDR, kDLFloat, 32, 2, 2, 4, data, &plain, out));
    assert_false(run(AOV_LDR, kDLUInt, 8, 4, 4, 1, data, &plain, out));
    assert_false(run(AOV_INSTANCE, kDLFloat, 32, 2, 2, 1, data, &plain, out));
    assert_false(run(AOV_INSTANCE, kDLUInt, 32, 2, 2, 3, data, &plain, out));
    assert_false(run(AOV_DEPTH, kDLUInt, 8, 2, 2, 1, data, &plain, out));
    assert_false(run(AOV_NORMAL, kDLFloat, 32, 2, 2, 1, data, &plain, out));
    int64_t shape[3] = { 2, 3, 4 };
    DLTensor t = { .data = data, .ndim = 3, .shape = shape, .dtype = { kDLUInt, 8, 1 } };
    assert_false(convert_image(&state_, AOV_LDR, &t, &plain, out, 2, 2)); // wrong size
    t.data = NULL;
    assert_false(convert_image(&state_, AOV_LDR, &t, &plain, out, 3, 2));
    assert_false(convert_image(&state_, AOV_LDR, NULL, &plain, out, 3, 2));
    assert_memory_equal(out, before, sizeof(out));
    assert_int_equal(aov_from_name("SemanticSegmentation", 20), AOV_SEMANTIC);
    assert_int_equal(aov_from_name("LdrColor0", 9), AOV_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(red_stays_red), cmocka_unit_test(hdr_follows_the_formula), cmocka_unit_test(hdr_in_full_floats),
        cmocka_unit_test(normals_as_colours), cmocka_unit_test(depth_in_both_meanings), cmocka_unit_test(ids_have_stable_colours),
        cmocka_unit_test(strides_count), cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
