// The rasterising passes: visibility, and the masks of outlined instances.
#pragma once

#include "pass.h"
#include "scene_draw.h"

struct pass_raster;

int pass_raster_create(struct renderer *r, struct pass_raster **out);
void pass_raster_destroy(struct pass_raster **p);

/**
 * Draws visible instances into the top left frame->extent pixels of `out` (which may be larger). A part of the
 * picture at (x, y) can be drawn by giving `origin`: pixel (0, 0) of `out` is then pixel `origin` of the picture,
 * and `width` x `height` pixels are drawn.
 */
struct pass_raster_area {
    uint32_t x, y, width, height;
};
int pass_raster_record(struct pass_raster *p, const struct pass_context *c, const struct pass_visibility_images *out,
                       enum scene_draw_filter filter, const struct pass_raster_area *area);
