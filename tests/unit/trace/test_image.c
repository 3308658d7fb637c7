// The image decoders, on files made here and on the shared ones.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

#include "image.h"

#define W 13
#define H 7

static char error[200];

struct file {
    uint8_t *data;
    size_t size;
};

static void append(struct file *f, const void *data, size_t size)
{
    f->data = realloc(f->data, f->size + size);
    memcpy(f->data + f->size, data, size);
    f->size += size;
}

static void on_png_write(png_structp png, png_bytep data, size_t size) { append(png_get_io_ptr(png), data, size); }
static void on_png_flush(png_structp png) { }

// A PNG of any type; `value(x, y, channel)` gives 16-bit values, of which the high bits are taken.
static struct file make_png(int type, int depth, bool interlaced)
{
    struct file f    = { 0 };
    png_structp png  = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info   = png_create_info_struct(png);
    int channels     = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_PALETTE ? 1 : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 : type == PNG_COLOR_TYPE_RGB ? 3 : 4;
    uint8_t rows[H][W * 8], *pointers[H];
    assert_true(setjmp(png_jmpbuf(png)) == 0);
    png_set_write_fn(png, &f, on_png_write, on_png_flush);
    png_set_IHDR(png, info, W, H, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[16];
        for (int i = 0; i < 16; i++)
            palette[i] = (png_color) { (uint8_t)(i * 17), (uint8_t)(255 - i * 17), (uint8_t)(i * 5) };
        png_set_PLTE(png, info, palette, 16);
    }
    for (int y = 0; y < H; y++) {
        pointers[y] = rows[y];
        for (int x = 0; x < W; x++) {
            for (int c = 0; c < channels; c++) {
                uint32_t v = type == PNG_COLOR_TYPE_PALETTE ? (uint32_t)((x + y) % 16) : (uint32_t)(x * 18 + y * 3 + c * 5);
                int at     = x * channels + c;
                if (depth == 16) {
                    rows[y][2 * at]     = (uint8_t)v;
                    rows[y][2 * at + 1] = (uint8_t)v;
                } else {
                    rows[y][at] = (uint8_t)v;
                }
            }
        }
    }
    png_write_info(png, info);
    png_write_image(png, pointers);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return f;
}

static void test_png(void **state)
{
    static const struct {
        int type, depth;
        bool interlaced;
        uint32_t channels;
    } rows[] = {
        { PNG_COLOR_TYPE_GRAY, 8, false, 1 },  { PNG_COLOR_TYPE_GRAY_ALPHA, 8, false, 2 }, { PNG_COLOR_TYPE_RGB, 8, false, 3 },
        { PNG_COLOR_TYPE_RGB_ALPHA, 8, true, 4 }, { PNG_COLOR_TYPE_PALETTE, 8, false, 3 }, { PNG_COLOR_TYPE_GRAY, 16, false, 1 },
        { PNG_COLOR_TYPE_RGB, 16, true, 3 },   { PNG_COLOR_TYPE_RGB_ALPHA, 16, false, 4 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct file f = make_png(rows[i].type, rows[i].depth, rows[i].interlaced);
        struct image image;
        assert_true(image_decode(f.data, f.size, &image, error, sizeof(error)));
        assert_int_equal(image.width, W);
        assert_int_equal(image.height, H);
        assert_int_equal(image.channels, rows[i].channels);
        assert_int_equal(image.format, rows[i].depth == 16 ? IMAGE_RGBA16F : IMAGE_RGBA8);
        for (uint32_t y = 0; y < H; y++) {
            for (uint32_t x = 0; x < W; x++) {
                float rgba[4], want[4];
                image_pixel(&image, x, y, rgba);
                bool grey = rows[i].channels < 3;
                for (uint32_t c = 0; c < 4; c++) {
                    uint32_t channel = grey ? (c == 3 ? 1 : 0) : c;
                    want[c]          = (float)(x * 18 + y * 3 + channel * 5) / 255;
                    if (c == 3 && (rows[i].channels == 1 || rows[i].channels == 3))
                        want[c] = 1;
                }
                if (rows[i].type == PNG_COLOR_TYPE_PALETTE) {
                    float k = (float)((x + y) % 16);
                    want[0] = k * 17 / 255;
                    want[1] = 1 - k * 17 / 255;
                    want[2] = k * 5 / 255;
                }
                for (int c = 0; c < 4; c++)
                    assert_true(fabsf(rgba[c] - want[c]) < 1e-3f);
            }
        }
        image_free(&image);
        free(f.data);
    }
}

static struct file make_jpeg(J_COLOR_SPACE space, int channels)
{
    struct file f                    = { 0 };
    struct jpeg_compress_struct info = { 0 };
    struct jpeg_error_mgr mgr;
    unsigned char *out   = NULL;
    unsigned long length = 0;
    info.err             = jpeg_std_error(&mgr);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &out, &length);
    info.image_width      = W;
    info.image_height     = H;
    info.input_components = channels;
    info.in_color_space   = space;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    jpeg_start_compress(&info, TRUE);
    for (int y = 0; y < H; y++) {
        uint8_t row[W * 4], *p = row;
        for (int x = 0; x < W * channels; x++)
            row[x] = x % channels == 0 ? 200 : x % channels == 1 ? 100 : x % channels == 2 ? 50 : 255;
        jpeg_write_scanlines(&info, &p, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    append(&f, out, length);
    free(out);
    return f;
}

static void test_jpeg(void **state)
{
    static const struct {
        J_COLOR_SPACE space;
        int channels;
        float rgb[3];
    } rows[] = { { JCS_RGB, 3, { 200, 100, 50 } }, { JCS_GRAYSCALE, 1, { 200, 200, 200 } }, { JCS_CMYK, 4, { 200, 100, 50 } } };
    for (size_t i = 0; i < 3; i++) {
        struct file f = make_jpeg(rows[i].space, rows[i].channels);
        struct image image;
        assert_true(image_decode(f.data, f.size, &image, error, sizeof(error)));
        assert_int_equal(image.width, W);
        float rgba[4];
        image_pixel(&image, 6, 3, rgba);
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(rgba[c] - rows[i].rgb[c] / 255) < 0.02f);
        image_free(&image);
        free(f.data);
    }
}

static void attribute(struct file *f, const char *name, const char *type, const void *data, uint32_t size)
{
    append(f, name, strlen(name) + 1);
    append(f, type, strlen(type) + 1);
    append(f, &size, 4);
    append(f, data, size);
}

// An uncompressed scan line OpenEXR file of float or half channels (names in alphabetical order).
static struct file make_exr(const char *names, bool half)
{
    struct file f     = { 0 };
    int32_t window[4] = { -2, 5, W - 3, H + 4 }, zero = 0;
    float one = 1, middle[2] = { 0, 0 };
    struct file list = { 0 };
    append(&f, "\x76\x2f\x31\x01\x02\0\0\0", 8);
    for (const char *n = names; *n; n++) {
        int32_t type = half ? 1 : 2, sampling[2] = { 1, 1 };
        append(&list, (char[]) { *n, 0 }, 2);
        append(&list, &type, 4);
        append(&list, &zero, 4);
        append(&list, sampling, 8);
    }
    append(&list, "", 1);
    attribute(&f, "channels", "chlist", list.data, (uint32_t)list.size);
    attribute(&f, "compression", "compression", "", 1);
    attribute(&f, "dataWindow", "box2i", window, 16);
    attribute(&f, "displayWindow", "box2i", window, 16);
    attribute(&f, "lineOrder", "lineOrder", "", 1);
    attribute(&f, "pixelAspectRatio", "float", &one, 4);
    attribute(&f, "screenWindowCenter", "v2f", middle, 8);
    attribute(&f, "screenWindowWidth", "float", &one, 4);
    append(&f, "", 1);
    uint32_t bytes = (uint32_t)(strlen(names) * W * (half ? 2 : 4));
    for (uint64_t y = 0, at = f.size + 8 * H; y < H; y++, at += 8 + bytes)
        append(&f, &at, 8);
    for (int32_t y = 0; y < H; y++) {
        int32_t line = y + 5;
        append(&f, &line, 4);
        append(&f, &bytes, 4);
        for (const char *n = names; *n; n++) {
            for (int x = 0; x < W; x++) {
                float v    = (float)(x + 10 * y) + (*n == 'R' ? 0.25f : *n == 'G' ? 0.5f : *n == 'B' ? 0.75f : 0);
                uint16_t h = image_half(v);
                append(&f, half ? (void *)&h : (void *)&v, half ? 2 : 4);
            }
        }
    }
    free(list.data);
    return f;
}

static void test_exr(void **state)
{
    static const struct {
        const char *names;
        uint32_t channels;
    } rows[] = { { "BGR", 3 }, { "ABGR", 4 }, { "Y", 1 } };
    for (size_t i = 0; i < 6; i++) {
        struct file f = make_exr(rows[i / 2].names, i % 2);
        struct image image;
        if (!image_decode(f.data, f.size, &image, error, sizeof(error)))
            fail_msg("%s", error);
        assert_int_equal(image.width, W);
        assert_int_equal(image.height, H);
        assert_int_equal(image.channels, rows[i / 2].channels);
        assert_true(image.linear);
        for (uint32_t y = 0; y < H; y++) {
            for (uint32_t x = 0; x < W; x++) {
                float rgba[4], v = (float)(x + 10 * y);
                image_pixel(&image, x, y, rgba);
                bool grey = rows[i / 2].channels == 1;
                assert_true(fabsf(rgba[0] - (v + (grey ? 0 : 0.25f))) < 0.05f);
                assert_true(fabsf(rgba[2] - (v + (grey ? 0 : 0.75f))) < 0.05f);
                assert_true(fabsf(rgba[3] - (rows[i / 2].channels == 4 ? v : 1)) < 0.05f);
            }
        }
        image_free(&image);
        free(f.data);
    }
}

static struct file make_hdr(void)
{
    struct file f = { 0 };
    char head[100];
    append(&f, head, (size_t)snprintf(head, sizeof(head), "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n", H, W));
    for (int i = 0; i < W * H; i++)
        append(&f, "\x80\x40\x20\x8b", 4); // 0.5, 0.25, 0.125 times 2^11
    return f;
}

static struct file make_tga(void)
{
    struct file f     = { 0 };
    uint8_t head[18]  = { 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, W, 0, H, 0, 32, 0x28 };
    append(&f, head, 18);
    for (int i = 0; i < W * H; i++)
        append(&f, "\x10\x20\x30\x40", 4); // blue, green, red, alpha
    return f;
}

static void test_others(void **state)
{
    struct file f = make_hdr();
    struct image image;
    float rgba[4];
    assert_true(image_decode(f.data, f.size, &image, error, sizeof(error)));
    assert_int_equal(image.format, IMAGE_RGBA16F);
    image_pixel(&image, 3, 3, rgba);
    assert_true(fabsf(rgba[0] - 1024) < 8 && fabsf(rgba[1] - 512) < 4 && fabsf(rgba[2] - 256) < 2 && rgba[3] == 1);
    image_free(&image);
    free(f.data);
    f = make_tga();
    assert_true(image_decode(f.data, f.size, &image, error, sizeof(error)));
    image_pixel(&image, 3, 3, rgba);
    assert_true(fabsf(rgba[0] - 0x30 / 255.0f) < 1e-4f && fabsf(rgba[2] - 0x10 / 255.0f) < 1e-4f && fabsf(rgba[3] - 0x40 / 255.0f) < 1e-4f);
    image_free(&image);
    free(f.data);
}

// Every truncation, and some thousand changed bytes: an error or a picture, never more.
static void test_broken(void **state)
{
    struct file files[] = { make_png(PNG_COLOR_TYPE_RGB, 8, false), make_png(PNG_COLOR_TYPE_PALETTE, 8, true), make_jpeg(JCS_RGB, 3),
                            make_exr("ABGR", true), make_exr("Y", false), make_hdr(), make_tga() };
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct image image;
        for (size_t size = 0; size < files[i].size; size++) {
            uint8_t *copy = malloc(size ? size : 1); // exact, so that a sanitizer sees a step too far
            memcpy(copy, files[i].data, size);
            error[0] = 0;
            if (image_decode(copy, size, &image, error, sizeof(error)))
                image_free(&image);
            else
                assert_true(error[0] != 0 && image.pixels == NULL);
            free(copy);
        }
        for (int k = 0; k < 1500; k++) {
            uint8_t *copy = malloc(files[i].size);
            memcpy(copy, files[i].data, files[i].size);
            for (int n = 0; n < 3; n++) {
                random = random * 1664525 + 1013904223;
                copy[(random >> 8) % (n ? files[i].size : files[i].size < 400 ? files[i].size : 400)] ^= (uint8_t)(1 << (random >> 5 & 7));
            }
            if (image_decode(copy, files[i].size, &image, error, sizeof(error)))
                image_free(&image);
            free(copy);
        }
        free(files[i].data);
    }
}

static void test_limits(void **state)
{
    struct image image;
    assert_false(image_alloc(&image, 0, 5, IMAGE_RGBA8, error, sizeof(error)));
    assert_false(image_alloc(&image, 40000, 1, IMAGE_RGBA8, error, sizeof(error)));
    assert_non_null(strstr(error, "40000x1"));
    assert_false(image_alloc(&image, 30000, 30000, IMAGE_RGBA8, error, sizeof(error)));
    // A PNG that claims to be huge is refused before memory is taken.
    struct file f = make_png(PNG_COLOR_TYPE_RGB, 8, false);
    memcpy(f.data + 16, "\0\0\x7f\xff\0\0\x7f\xff", 8);
    assert_false(image_decode(f.data, f.size, &image, error, sizeof(error)));
    free(f.data);
}

static void test_half(void **state)
{
    for (uint32_t h = 0; h < 0x7c00; h++) {
        assert_int_equal(image_half(image_unhalf((uint16_t)h)), h);
        assert_int_equal(image_half(-image_unhalf((uint16_t)h)), h | 0x8000);
    }
    assert_int_equal(image_half(1e9f), 0x7bff);
    assert_int_equal(image_half(-INFINITY), 0xfbff);
    assert_int_equal(image_half(NAN), 0);
    assert_true(fabsf(image_srgb_decode(0.5f) - 0.21404f) < 1e-4f);
    for (int i = 0; i <= 255; i++)
        assert_true(fabsf(image_srgb_encode(image_srgb_decode((float)i / 255)) - (float)i / 255) < 1e-4f);
}

static void test_halve(void **state)
{
    struct image image;
    assert_true(image_alloc(&image, 5, 3, IMAGE_RGBA8, error, sizeof(error)));
    for (int i = 0; i < 60; i++)
        ((uint8_t *)image.pixels)[i] = (uint8_t)(i / 4 % 5 * 40);
    image_halve(&image, false);
    assert_int_equal(image.width, 2);
    assert_int_equal(image.height, 1);
    assert_int_equal(((uint8_t *)image.pixels)[0], 20);
    assert_int_equal(((uint8_t *)image.pixels)[4], 100);
    image_halve(&image, true);
    assert_int_equal(image.width, 1);
    image_free(&image);
}

static bool read_file(const char *path, struct file *f)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return false;
    uint8_t block[4096];
    *f = (struct file) { 0 };
    for (size_t n; (n = fread(block, 1, sizeof(block), in)) > 0;)
        append(f, block, n);
    fclose(in);
    return true;
}

// The formats of the USD working group's test: each shows the same picture.
static void test_shared_files(void **state)
{
    static const char *names[] = { "jpeg_rgb_8-bit.jpg", "jpeg_cmyk_8-bit.jpg", "jpeg_grayscale_8-bit.jpg", "png_rgb_8-bit.png",
                                   "png_rgb_16-bit.png", "png_rgb_32-bit.png", "png_grayscale_8-bit.png", "png_grayscale_16-bit.png" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[1024];
        struct file f = { 0 };
        snprintf(path, sizeof(path), "%s/usd-wg/test_assets/TextureFileFormatTests/%s", SHARED_ASSETS, names[i]);
        if (!read_file(path, &f)) {
            print_message("skipped: %s is not there\n", path);
            skip();
        }
        struct image image;
        if (!image_decode(f.data, f.size, &image, error, sizeof(error)))
            fail_msg("%s: %s", names[i], error);
        double sum[3] = { 0 };
        for (uint32_t y = 0; y < image.height; y++)
            for (uint32_t x = 0; x < image.width; x++) {
                float rgba[4];
                image_pixel(&image, x, y, rgba);
                for (int c = 0; c < 3; c++)
                    sum[c] += rgba[c];
            }
        double n = (double)image.width * image.height;
        print_message("%-26s %ux%u, %u channels, mean %.3f %.3f %.3f\n", names[i], image.width, image.height, image.channels, sum[0] / n,
                      sum[1] / n, sum[2] / n);
        bool grey = strstr(names[i], "grayscale");
        assert_int_equal(grey, image.channels < 3);
        assert_true(sum[0] / n > 0.1 && sum[0] / n < 0.95);
        image_free(&image);
        free(f.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png),   cmocka_unit_test(test_jpeg),   cmocka_unit_test(test_exr),   cmocka_unit_test(test_others),
        cmocka_unit_test(test_broken), cmocka_unit_test(test_limits), cmocka_unit_test(test_half), cmocka_unit_test(test_halve),
        cmocka_unit_test(test_shared_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
