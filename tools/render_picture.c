// Picture files: PNG through libpng, EXR through the C part of OpenEXR.

#include <errno.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openexr.h>

#include "render.h"

static bool ends_in(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && !strcasecmp(path + n - m, suffix);
}

bool picture_path_ok(const char *path) { return ends_in(path, ".png") || ends_in(path, ".exr"); }

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023, bits;
    if (!exponent) {
        float v = ldexpf((float)mantissa, -24);
        return sign ? -v : v;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static float value_at(const struct picture_data *p, size_t i)
{
    switch (p->kind) {
    case PICTURE_U8: return (float)((const uint8_t *)p->pixels)[i] / 255;
    case PICTURE_U32: return (float)((const uint32_t *)p->pixels)[i];
    case PICTURE_HALF: return half_to_float(((const uint16_t *)p->pixels)[i]);
    default: return ((const float *)p->pixels)[i];
    }
}

// ---------------------------------------------------------------------------------------------
// PNG

static uint8_t quantized(float v) { return v > 0 ? v < 1 ? (uint8_t)(v * 255 + 0.5f) : 255 : 0; }
static float encoded(float v) { return v <= 0.0031308f ? 12.92f * v : 1.055f * powf(v, 1 / 2.4f) - 0.055f; }

// A colour for an id that differs from its neighbours'.
static void id_color(uint32_t id, uint8_t out[3])
{
    uint32_t h = id * 0x9e3779b1u;
    h ^= h >> 16;
    h *= 0x85ebca6bu;
    h ^= h >> 13;
    for (int i = 0; i < 3; i++)
        out[i] = id ? (uint8_t)(64 + (h >> (8 * i) & 255) * 191 / 255) : 0;
}

// Range of the finite values, for one-channel floats.
static void value_range(const struct picture_data *p, float *low, float *high)
{
    *low  = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < (size_t)p->width * p->height; i++) {
        float v = value_at(p, i);
        if (isfinite(v)) {
            *low  = fminf(*low, v);
            *high = fmaxf(*high, v);
        }
    }
    if (!(*high > *low)) {
        *low  = 0;
        *high = 1;
    }
}

static void row_to_rgb(const struct picture_data *p, uint32_t y, float low, float high, uint8_t *out)
{
    for (uint32_t x = 0; x < p->width; x++) {
        size_t at       = ((size_t)y * p->width + x) * p->channels;
        uint8_t *to     = out + (size_t)x * 3;
        if (p->kind == PICTURE_U32) {
            id_color(((const uint32_t *)p->pixels)[at], to);
        } else if (p->channels == 1) {
            to[0] = to[1] = to[2] = quantized((value_at(p, at) - low) / (high - low));
        } else {
            for (uint32_t c = 0; c < 3; c++) {
                float v = value_at(p, at + (c < p->channels ? c : 0));
                // Half is linear colour; float vectors (normals, positions) are shown around middle grey.
                to[c] = p->kind == PICTURE_U8 ? quantized(v) : p->kind == PICTURE_HALF ? quantized(encoded(v)) : quantized(v * 0.5f + 0.5f);
            }
        }
    }
}

static bool write_png(FILE *file, const struct picture_data *p)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info  = png ? png_create_info_struct(png) : NULL;
    uint8_t *row    = malloc((size_t)p->width * 3);
    if (!info || !row || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        free(row);
        return false;
    }
    float low = 0, high = 1;
    if (p->channels == 1 && p->kind == PICTURE_FLOAT)
        value_range(p, &low, &high);
    png_init_io(png, file);
    png_set_IHDR(png, info, p->width, p->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 4);
    png_write_info(png, info);
    for (uint32_t y = 0; y < p->height; y++) {
        row_to_rgb(p, y, low, high, row);
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(row);
    return true;
}

// ---------------------------------------------------------------------------------------------
// EXR: one part of scanlines, ZIP, channels by name (A, B, G, R, or Y)

static bool encode_chunks(exr_context_t exr, const struct picture_data *p, int component, int lines)
{
    exr_encode_pipeline_t encoder = EXR_ENCODE_PIPELINE_INITIALIZER;
    bool first = true, ok = true;
    for (uint32_t y = 0; ok && y < p->height; y += (uint32_t)lines) {
        exr_chunk_info_t chunk;
        ok = exr_write_scanline_chunk_info(exr, 0, (int)y, &chunk) == EXR_ERR_SUCCESS
            && (first ? exr_encoding_initialize(exr, 0, &chunk, &encoder) : exr_encoding_update(exr, 0, &chunk, &encoder)) == EXR_ERR_SUCCESS;
        for (int c = 0; ok && c < encoder.channel_count; c++) {
            exr_coding_channel_info_t *channel = &encoder.channels[c];
            const char *name                   = channel->channel_name;
            size_t which = name[0] == 'R' || name[0] == 'Y' ? 0 : name[0] == 'G' ? 1 : name[0] == 'B' ? 2 : 3;
            channel->encode_from_ptr   = (const uint8_t *)p->pixels + (((size_t)y * p->width) * p->channels + which) * (size_t)component;
            channel->user_pixel_stride = (int32_t)p->channels * component;
            channel->user_line_stride  = (int32_t)((size_t)p->width * p->channels * (size_t)component);
        }
        if (ok && first)
            ok = exr_encoding_choose_default_routines(exr, 0, &encoder) == EXR_ERR_SUCCESS;
        ok    = ok && exr_encoding_run(exr, 0, &encoder) == EXR_ERR_SUCCESS;
        first = false;
    }
    if (!first)
        exr_encoding_destroy(exr, &encoder);
    return ok;
}

static bool write_exr(const char *path, const struct picture_data *p)
{
    static const char *const names[] = { "R", "G", "B", "A" };
    exr_context_t exr;
    exr_context_initializer_t init = EXR_DEFAULT_CONTEXT_INITIALIZER;
    exr_pixel_type_t type = p->kind == PICTURE_U32 ? EXR_PIXEL_UINT : p->kind == PICTURE_HALF ? EXR_PIXEL_HALF : EXR_PIXEL_FLOAT;
    struct picture_data values = *p;
    float *floats              = NULL;
    if (p->kind == PICTURE_U8) { // EXR holds no bytes
        size_t n = (size_t)p->width * p->height * p->channels;
        floats   = malloc(n * sizeof(*floats));
        if (!floats)
            return false;
        for (size_t i = 0; i < n; i++)
            floats[i] = value_at(p, i);
        values.pixels = floats;
    }
    int part = 0, lines = 1;
    bool ok = exr_start_write(&exr, path, EXR_WRITE_FILE_DIRECTLY, &init) == EXR_ERR_SUCCESS;
    if (ok) {
        ok = exr_add_part(exr, "picture", EXR_STORAGE_SCANLINE, &part) == EXR_ERR_SUCCESS
            && exr_initialize_required_attr_simple(exr, part, (int32_t)p->width, (int32_t)p->height, EXR_COMPRESSION_ZIP) == EXR_ERR_SUCCESS;
        for (uint32_t c = 0; ok && c < p->channels; c++)
            ok = exr_add_channel(exr, part, p->channels == 1 ? "Y" : names[c], type, EXR_PERCEPTUALLY_LINEAR, 1, 1) == EXR_ERR_SUCCESS;
        ok = ok && exr_write_header(exr) == EXR_ERR_SUCCESS && exr_get_scanlines_per_chunk(exr, part, &lines) == EXR_ERR_SUCCESS
            && encode_chunks(exr, &values, type == EXR_PIXEL_HALF ? 2 : 4, lines);
        ok = exr_finish(&exr) == EXR_ERR_SUCCESS && ok;
    }
    free(floats);
    return ok;
}

bool picture_write(const char *path, const struct picture_data *p)
{
    bool ok;
    errno = 0;
    if (ends_in(path, ".exr")) {
        ok = write_exr(path, p);
    } else {
        FILE *file = fopen(path, "wb");
        ok         = file && write_png(file, p);
        ok         = file && fclose(file) == 0 && ok;
    }
    if (!ok)
        fprintf(stderr, "stagecast render: cannot write %s%s%s\n", path, errno ? ": " : "", errno ? strerror(errno) : "");
    return ok;
}
