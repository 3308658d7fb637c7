// From sums of samples to a picture: an edge-avoiding wavelet filter (Dammertz et al. 2010, with the variance
// guidance of Schied et al. 2017) over light divided by albedo, then a joint bilateral enlargement where the
// traced picture is smaller. Filtering fades as samples gather, so the limit is the unfiltered mean.
#pragma once

#include "pass.h"

struct pass_denoise;

struct pass_denoise_args {
    const struct pass_trace_images *in;              // at its own resolution, at most that of out
    const struct pass_visibility_images *visibility; // full resolution, unjittered: guides. NULL without enlargement
    const struct gpu_image *albedo, *normal; // full resolution guides: RGBA8, RGBA16F (w = distance). As above
    const struct gpu_image *out;             // RGBA16F, full resolution radiance; a = 1
    uint32_t in_width, in_height;   // the part of in's images in use, from the top left; 0 = all
    uint32_t out_width, out_height; // the same of out and the guides
    float strength;                          // 1 = as much as the sample count asks for, 0 = only enlarge
};

int pass_denoise_create(struct renderer *r, struct pass_denoise **out);
int pass_denoise_compile(struct pass_denoise *p); // any thread, once
bool pass_denoise_ready(const struct pass_denoise *p); // any thread
int pass_denoise_record(struct pass_denoise *p, const struct pass_context *c, const struct pass_denoise_args *a);
void pass_denoise_destroy(struct pass_denoise **p);
