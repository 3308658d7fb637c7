// Radiance HDR, TGA, BMP, GIF, PSD and PNM through stb_image.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_NO_PNG
#define STBI_NO_JPEG
#define STBI_NO_PIC
#define STBI_MAX_DIMENSIONS 32768
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include "image_codec.h"

static bool take_float(const float *from, struct image *out, char *error, size_t error_size, int w, int h)
{
    if (!image_alloc(out, (uint64_t)w, (uint64_t)h, IMAGE_RGBA16F, error, error_size))
        return false;
    size_t count = (size_t)w * (size_t)h * 4;
    for (size_t i = 0; i < count; i++)
        ((uint16_t *)out->pixels)[i] = image_half(from[i]);
    return true;
}

static bool take_16(const uint16_t *from, struct image *out, char *error, size_t error_size, int w, int h)
{
    if (!image_alloc(out, (uint64_t)w, (uint64_t)h, IMAGE_RGBA16F, error, error_size))
        return false;
    size_t count = (size_t)w * (size_t)h * 4;
    for (size_t i = 0; i < count; i++)
        ((uint16_t *)out->pixels)[i] = image_half((float)from[i] / 65535.0f);
    return true;
}

static bool take_8(const uint8_t *from, struct image *out, char *error, size_t error_size, int w, int h)
{
    if (!image_alloc(out, (uint64_t)w, (uint64_t)h, IMAGE_RGBA8, error, error_size))
        return false;
    memcpy(out->pixels, from, (size_t)w * (size_t)h * 4);
    return true;
}

bool image_stb_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size)
{
    int w = 0, h = 0, channels = 0, n = size > INT32_MAX ? 0 : (int)size;
    if (!n || !stbi_info_from_memory(data, n, &w, &h, &channels)) {
        const uint8_t *p = data;
        snprintf(error, error_size, "not an image in a known format (starts with %02x %02x %02x %02x)", p[0], p[1],
                 p[2], p[3]);
        return false;
    }
    // The limits hold before stb_image allocates.
    if (w <= 0 || h <= 0 || (uint64_t)w * (uint64_t)h > IMAGE_MAX_PIXELS) {
        snprintf(error, error_size, "the image is too large: %dx%d pixels", w, h);
        return false;
    }
    if (!image_plausible((uint64_t)w, (uint64_t)h, size, error, error_size))
        return false;
    bool ok = false;
    void *p;
    if (stbi_is_hdr_from_memory(data, n)) {
        p  = stbi_loadf_from_memory(data, n, &w, &h, &channels, 4);
        ok = p && take_float(p, out, error, error_size, w, h);
        out->linear = true;
    } else if (stbi_is_16_bit_from_memory(data, n)) {
        p  = stbi_load_16_from_memory(data, n, &w, &h, &channels, 4);
        ok = p && take_16(p, out, error, error_size, w, h);
    } else {
        p  = stbi_load_from_memory(data, n, &w, &h, &channels, 4);
        ok = p && take_8(p, out, error, error_size, w, h);
    }
    if (!p)
        snprintf(error, error_size, "broken image: %s", stbi_failure_reason());
    else if (ok)
        out->channels = (uint32_t)channels;
    stbi_image_free(p);
    return ok;
}
