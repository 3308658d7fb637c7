// The preview: the scene rasterised and shaded in one pass, with shadow maps for the brightest lights.
#pragma once

#include "pass.h"
#include "shared/preview.h"

struct pass_preview;

int pass_preview_create(struct renderer *r, struct pass_preview **out);
void pass_preview_destroy(struct pass_preview **p);

struct pass_preview_args {
    const struct gpu_image *picture; // RGBA16F: radiance, a = 1; frame->extent pixels from its top left corner
    const struct gpu_image *depth;   // D32
    uint32_t mode;                   // PREVIEW_FULL and so on
    float constant[3];
    bool shadows;
};
int pass_preview_record(struct pass_preview *p, const struct pass_context *c, const struct pass_preview_args *args);
