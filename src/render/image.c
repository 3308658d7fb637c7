#include "image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_codec.h"

bool image_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size)
{
    *out             = (struct image) { 0 };
    const uint8_t *p = data;
    if (!p || size < 4) {
        snprintf(error, error_size, "the file is empty or too short to be an image (%zu bytes)", size);
        return false;
    }
    bool ok;
    if (size >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
        ok = image_png_decode(data, size, out, error, error_size);
    else if (p[0] == 0xff && p[1] == 0xd8)
        ok = image_jpeg_decode(data, size, out, error, error_size);
    else if (memcmp(p, "\x76\x2f\x31\x01", 4) == 0)
        ok = image_exr_decode(data, size, out, error, error_size);
    else
        ok = image_stb_decode(data, size, out, error, error_size);
    if (!ok)
        image_free(out);
    return ok;
}

void image_free(struct image *image)
{
    free(image->pixels);
    *image = (struct image) { 0 };
}

bool image_alloc(struct image *out, uint64_t width, uint64_t height, enum image_format format, char *error,
                 size_t error_size)
{
    *out = (struct image) { 0 };
    if (width == 0 || height == 0) {
        snprintf(error, error_size, "the image has no pixels");
        return false;
    }
    if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE || width * height > IMAGE_MAX_PIXELS) {
        snprintf(error, error_size, "the image is too large: %llux%llu pixels; at most %u per side and %llu in all",
                 (unsigned long long)width, (unsigned long long)height, IMAGE_MAX_SIDE,
                 (unsigned long long)IMAGE_MAX_PIXELS);
        return false;
    }
    void *pixels = calloc((size_t)(width * height), image_pixel_size(format));
    if (!pixels) {
        snprintf(error, error_size, "out of memory for %llux%llu pixels", (unsigned long long)width,
                 (unsigned long long)height);
        return false;
    }
    *out = (struct image) { (uint32_t)width, (uint32_t)height, format, 4, false, pixels };
    return true;
}

bool image_plausible(uint64_t width, uint64_t height, size_t size, char *error, size_t error_size)
{
    if (width <= UINT32_MAX && height <= UINT32_MAX && width * height / 8192 <= size)
        return true;
    snprintf(error, error_size, "the file claims %llux%llu pixels in %zu bytes", (unsigned long long)width,
             (unsigned long long)height, size);
    return false;
}

float image_srgb_decode(float v)
{
    return v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
}

float image_srgb_encode(float v)
{
    return v <= 0.0031308f ? v * 12.92f : 1.055f * powf(v, 1 / 2.4f) - 0.055f;
}

uint16_t image_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return 0; // NaN
    if (magnitude >= 0x477ff000)
        return (uint16_t)(sign | 0x7bff); // would round to infinity
    if (magnitude < 0x38800000) {         // below 2^-14: subnormal, in units of 2^-24
        float scaled = fabsf(value) * 16777216.0f;
        return (uint16_t)(sign | (uint32_t)lrintf(scaled));
    }
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

float image_unhalf(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    if (exponent == 0) {
        float v = (float)mantissa / 16777216.0f;
        return sign ? -v : v;
    }
    uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

void image_pixel(const struct image *image, uint32_t x, uint32_t y, float rgba[4])
{
    size_t at = ((size_t)y * image->width + x) * 4;
    for (int c = 0; c < 4; c++) {
        if (image->format == IMAGE_RGBA8)
            rgba[c] = (float)((const uint8_t *)image->pixels)[at + c] / 255.0f;
        else
            rgba[c] = image_unhalf(((const uint16_t *)image->pixels)[at + c]);
    }
}

// sRGB code values to linear in 16 bits, so that the box filter averages light.
static const uint16_t *srgb_table(void)
{
    static uint16_t table[256];
    if (table[255] == 0) { // racing writers store equal values
        for (int i = 0; i < 256; i++)
            ((volatile uint16_t *)table)[i] = (uint16_t)lrintf(image_srgb_decode((float)i / 255.0f) * 65535.0f);
    }
    return table;
}

static uint8_t average8(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, bool srgb,
                        const uint16_t *table)
{
    if (!srgb)
        return (uint8_t)((*a + *b + *c + *d + 2) / 4);
    float mean = (float)(table[*a] + table[*b] + table[*c] + table[*d]) / (4 * 65535.0f);
    return (uint8_t)lrintf(image_srgb_encode(mean) * 255.0f);
}

static uint16_t average16(uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
    return image_half(0.25f * (image_unhalf(a) + image_unhalf(b) + image_unhalf(c) + image_unhalf(d)));
}

void image_halve(struct image *image, bool srgb)
{
    uint32_t w = image->width > 1 ? image->width / 2 : 1, h = image->height > 1 ? image->height / 2 : 1;
    uint32_t dx = image->width > 1 ? 1 : 0, dy = image->height > 1 ? 1 : 0;
    const uint16_t *table = srgb_table();
    // The write position never passes the read position, so this works in place.
    for (uint32_t y = 0; y < h; y++) {
        for (uint32_t x = 0; x < w; x++) {
            size_t a = ((size_t)(y << dy) * image->width + (x << dx)) * 4, b = a + 4 * dx;
            size_t c = a + (size_t)dy * image->width * 4, d = c + 4 * dx, to = ((size_t)y * w + x) * 4;
            for (int k = 0; k < 4; k++) {
                if (image->format == IMAGE_RGBA8) {
                    uint8_t *p = image->pixels;
                    p[to + k]  = average8(p + a + k, p + b + k, p + c + k, p + d + k, srgb && k < 3, table);
                } else {
                    uint16_t *p = image->pixels;
                    p[to + k]   = average16(p[a + k], p[b + k], p[c + k], p[d + k]);
                }
            }
        }
    }
    image->width  = w;
    image->height = h;
}
