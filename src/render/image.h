// Decoding of image files into RGBA pixels, for textures. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAX_SIDE   32768u              // pixels
#define IMAGE_MAX_PIXELS ((uint64_t)1 << 28) // 268 million

enum image_format {
    IMAGE_RGBA8,   // 4 bytes per pixel, values as in the file (usually sRGB-encoded)
    IMAGE_RGBA16F, // 4 half floats per pixel, values as in the file
};

struct image {
    uint32_t width, height;
    enum image_format format;
    uint32_t channels; // in the file: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. Grey is spread over r, g and b.
    bool linear;       // the file format holds linear light: EXR, HDR
    void *pixels;      // width x height x RGBA, rows tight, top row first; alpha 1 where the file has none
};

/**
 * Decode PNG, JPEG, OpenEXR (scan lines or tiles, any compression), Radiance HDR, TGA, BMP, GIF, PSD or PNM.
 * The format is told by the content, never by a name. Files of 16 bits or floats become half floats
 * (values above 65504 are clamped, NaN becomes 0); 16-bit integers are scaled to 0 to 1.
 *
 * @param data        The file, borrowed for the call.
 * @param error       Receives what is wrong, as a sentence without the file's name; error_size bytes.
 * @param out         Filled on success; free with image_free().
 * @return            true, or false with `error` set and *out empty.
 */
bool image_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size);
void image_free(struct image *image);

// Bytes per pixel of a format.
static inline size_t image_pixel_size(enum image_format format) { return format == IMAGE_RGBA8 ? 4 : 8; }

// Allocates pixels after checking the sides against the limits above. false: `error` says why.
bool image_alloc(struct image *out, uint64_t width, uint64_t height, enum image_format format, char *error,
                 size_t error_size);

// Halves both sides (rounding down, at least 1) by a box filter, in place. `srgb`: average decoded values.
void image_halve(struct image *image, bool srgb);

// RGBA of one pixel as floats, without any decoding of sRGB.
void image_pixel(const struct image *image, uint32_t x, uint32_t y, float rgba[4]);

// IEEE binary16, round to nearest even; overflow gives the largest finite half, NaN gives 0.
uint16_t image_half(float value);
float image_unhalf(uint16_t half);

// IEC 61966-2-1.
float image_srgb_decode(float encoded);
float image_srgb_encode(float linear);
