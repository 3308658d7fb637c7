// Colour conversion for the encoders.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yuv_planes {
    uint8_t *y, *u, *v;
    size_t y_stride, u_stride, v_stride; // bytes
};

/**
 * BGRA8 to planar 4:2:0, BT.709 limited range (ITU-R BT.709-6 section 3): R'G'B' 0..255 to Y 16..235, CbCr 16..240.
 * Chroma is the mean of 2 x 2 pixels. Alpha is ignored.
 *
 * @param bgra    height rows of width pixels, stride bytes apart (stride >= 4 * width).
 * @param width   Even. @param height  Even.
 */
void convert_bgra_to_i420(const uint8_t *bgra, size_t stride, uint32_t width, uint32_t height,
                          const struct yuv_planes *out);

// The same in plain C, the reference for tests.
void convert_bgra_to_i420_c(const uint8_t *bgra, size_t stride, uint32_t width, uint32_t height,
                            const struct yuv_planes *out);
