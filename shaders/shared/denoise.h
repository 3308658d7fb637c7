// The denoiser's kernels, read by C and by GLSL.
#ifndef SHARED_DENOISE_H
#define SHARED_DENOISE_H

#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

#define DENOISE_TILE 8

// Bindings of the pass set, common to the kernels.
#define DENOISE_BIND_RADIANCE 0 // the traced picture, sampled
#define DENOISE_BIND_ALBEDO 1
#define DENOISE_BIND_NORMAL 2
#define DENOISE_BIND_MOMENTS 3
#define DENOISE_BIND_FROM 4 // packed pixels, usampler2D
#define DENOISE_BIND_TO 5   // packed pixels, RGBA32UI storage image
#define DENOISE_BIND_OUT 6  // RGBA16F storage image
#define DENOISE_BIND_FULL_ALBEDO 7 // full resolution guides
#define DENOISE_BIND_FULL_NORMAL 8
#define DENOISE_BIND_COUNT 9

// A packed pixel: x, y: light (radiance / albedo) and the standard deviation of its luminance's mean, as four
// halves; z: normal, octahedral snorm 2x16; w: distance and its change per pixel, as two halves.
// Distance DENOISE_FAR and beyond is background.
#define DENOISE_FAR 59000.0
#define DENOISE_NEAR 0.1 // of the distance: what may lend light where nothing is alike

struct DenoiseParams {
    uint width, height;         // of the traced picture
    uint out_width, out_height; // of the result
    int step;                   // between the taps, pixels
    float strength;
    float sigma;                // of luminance, in standard deviations
    uint flags;
};
#define DENOISE_ENLARGE 1u

#ifdef __STDC_VERSION__
static_assert(sizeof(struct DenoiseParams) == 32, "push constants");
#endif
#endif
