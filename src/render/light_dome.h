// Lat-long pictures of domes: their importance tables and their low frequencies. Any thread.
#pragma once

#include <stdbool.h>

#include "image.h"

#define DOME_TABLE_WIDTH 1024u // at most; the height is half of it or less

struct dome_map {
    uint32_t width, height;
    uint16_t *pixels; // width x height x RGBA half floats, top row first
    uint32_t table_width, table_height;
    uint32_t *table; // table_width x table_height x LIGHT_TABLE_WORDS, see shared/lights.h; NULL when all black
    float average[3]; // mean radiance over the sphere
    float sh[9][3];   // of radiance, in the dome's own axes
};

/**
 * @param image  The lat-long picture; borrowed.
 * @param max_width  Larger pictures are halved until they fit.
 * @return false when memory is short.
 */
bool dome_map_build(const struct image *image, bool srgb, uint32_t max_width, struct dome_map *out);
void dome_map_free(struct dome_map *map);

// Direction of a point of the picture (u to the right, v downwards, 0 to 1) in the dome's axes, and back:
// the centre is +Z, left of it is +X, the top row is +Y (OpenEXR's lat-long map, as UsdLux asks).
void dome_direction(float u, float v, float d[3]);
void dome_uv(const float d[3], float *u, float *v);

// The first nine real spherical harmonics at a direction.
void dome_sh_basis(const float d[3], float y[9]);

// Walker's alias table of `count` weights: keep[i] and alias[i]. Their sum must be above 0.
bool alias_table_build(const float *weights, uint32_t count, float *keep, uint32_t *alias);
