#include "light_dome.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/lights.h"

#define PI 3.14159265358979323846

void dome_direction(float u, float v, float d[3])
{
    double longitude = PI * (1 - 2 * (double)u), latitude = PI * (0.5 - (double)v);
    d[0] = (float)(sin(longitude) * cos(latitude));
    d[1] = (float)sin(latitude);
    d[2] = (float)(cos(longitude) * cos(latitude));
}

void dome_uv(const float d[3], float *u, float *v)
{
    *u = (float)(0.5 - atan2(d[0], d[2]) / (2 * PI));
    *v = (float)(acos(d[1] < -1 ? -1 : d[1] > 1 ? 1 : d[1]) / PI);
}

// Ramamoorthi and Hanrahan 2001, with z as the polar axis.
void dome_sh_basis(const float d[3], float y[9])
{
    float x = d[0], v = d[1], z = d[2];
    y[0] = 0.282095f;
    y[1] = 0.488603f * v;
    y[2] = 0.488603f * z;
    y[3] = 0.488603f * x;
    y[4] = 1.092548f * x * v;
    y[5] = 1.092548f * v * z;
    y[6] = 0.315392f * (3 * z * z - 1);
    y[7] = 1.092548f * x * z;
    y[8] = 0.546274f * (x * x - v * v);
}

bool alias_table_build(const float *weights, uint32_t count, float *keep, uint32_t *alias)
{
    double total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += weights[i];
    uint32_t *small = malloc(sizeof(*small) * ((size_t)count + 1)), *large = small ? small + count : NULL;
    if (!small || !(total > 0)) { // one array serves both stacks: small grows up, large grows down
        free(small);
        return false;
    }
    uint32_t *small_end = small, *large_end = large;
    for (uint32_t i = 0; i < count; i++) {
        keep[i]  = (float)(weights[i] * count / total);
        alias[i] = i;
        if (keep[i] < 1)
            *small_end++ = i;
        else
            *--large_end = i;
    }
    while (small_end > small && large_end < large) {
        uint32_t s = *--small_end, l = *large_end;
        alias[s] = l;
        keep[l] -= 1 - keep[s];
        if (keep[l] < 1) {
            large_end++;
            *small_end++ = l;
        }
    }
    while (small_end > small)
        keep[*--small_end] = 1; // what rounding left over
    while (large_end < large)
        keep[*large_end++] = 1;
    free(small);
    return true;
}

static float luminance(const float c[3]) { return 0.2126f * c[0] + 0.7152f * c[1] + 0.0722f * c[2]; }

static void texel(const struct dome_map *map, uint32_t x, uint32_t y, float c[3])
{
    const uint16_t *p = map->pixels + 4 * ((size_t)y * map->width + x);
    for (int k = 0; k < 3; k++)
        c[k] = image_unhalf(p[k]);
}

// Luminance summed into cells; each texel counts half for its own place and half for those around it, since
// the bilinear fetch spreads it.
static float *cell_weights(const struct dome_map *map, uint32_t w, uint32_t h)
{
    float *cells = calloc((size_t)w * h, sizeof(*cells)), *row = malloc(sizeof(*row) * map->width);
    if (!cells || !row) {
        free(cells);
        free(row);
        return NULL;
    }
    for (uint32_t y = 0; y < map->height; y++) {
        float sine = sinf((float)PI * ((float)y + 0.5f) / (float)map->height);
        for (uint32_t x = 0; x < map->width; x++) {
            float c[3];
            texel(map, x, y, c);
            row[x] = luminance(c) * sine;
        }
        for (uint32_t x = 0; x < map->width; x++) {
            for (int dy = -1; dy <= 1; dy++) {
                for (int dx = -1; dx <= 1; dx++) {
                    int64_t yy = (int64_t)y + dy;
                    if (yy < 0 || yy >= map->height)
                        yy = y;
                    uint32_t xx = (uint32_t)((int64_t)x + dx + map->width) % map->width;
                    size_t cell = (size_t)((uint64_t)yy * h / map->height) * w + (uint64_t)xx * w / map->width;
                    cells[cell] += row[x] * (dx || dy ? 0.0625f : 0.5f);
                }
            }
        }
    }
    free(row);
    return cells;
}

static bool build_table(struct dome_map *map)
{
    uint32_t w = map->width, h = map->height;
    while (w > DOME_TABLE_WIDTH || h > DOME_TABLE_WIDTH / 2) {
        w = w > 1 ? (w + 1) / 2 : 1;
        h = h > 1 ? (h + 1) / 2 : 1;
    }
    size_t count    = (size_t)w * h;
    float *weights  = cell_weights(map, w, h);
    float *keep     = malloc(count * sizeof(*keep));
    uint32_t *alias = malloc(count * sizeof(*alias));
    bool ok         = weights && keep && alias;
    double total    = 0;
    for (size_t i = 0; ok && i < count; i++)
        total += weights[i];
    if (ok && total > 0) {
        // A floor keeps every direction possible: filtering can bring light where the table saw none.
        float floor_weight = (float)(total / (double)count * 1e-4);
        for (size_t i = 0; i < count; i++)
            weights[i] += floor_weight * sinf((float)PI * ((float)(i / w) + 0.5f) / (float)h);
        total = 0;
        for (size_t i = 0; i < count; i++)
            total += weights[i];
        map->table = malloc(count * LIGHT_TABLE_WORDS * sizeof(uint32_t));
        ok         = map->table && alias_table_build(weights, (uint32_t)count, keep, alias);
        for (size_t i = 0; ok && i < count; i++) {
            float density = (float)(weights[i] / total * (double)count / (2 * PI * PI));
            map->table[3 * i] = alias[i];
            memcpy(&map->table[3 * i + 1], &keep[i], 4);
            memcpy(&map->table[3 * i + 2], &density, 4);
        }
        map->table_width  = w;
        map->table_height = h;
    }
    free(weights);
    free(keep);
    free(alias);
    return ok;
}

static void integrate(struct dome_map *map)
{
    double average[3] = { 0 }, sh[9][3] = { { 0 } }, sphere = 0;
    uint32_t step = map->width > 512 ? map->width / 512 : 1; // the low frequencies do not need every texel
    for (uint32_t y = 0; y < map->height; y++) {
        float v       = ((float)y + 0.5f) / (float)map->height;
        double weight = sin(PI * (double)v);
        for (uint32_t x = y % step; x < map->width; x += step) {
            float c[3], d[3], basis[9];
            texel(map, x, y, c);
            dome_direction(((float)x + 0.5f) / (float)map->width, v, d);
            dome_sh_basis(d, basis);
            sphere += weight;
            for (int k = 0; k < 3; k++) {
                average[k] += weight * c[k];
                for (int i = 0; i < 9; i++)
                    sh[i][k] += weight * c[k] * basis[i];
            }
        }
    }
    for (int k = 0; k < 3; k++) {
        map->average[k] = (float)(average[k] / sphere);
        for (int i = 0; i < 9; i++)
            map->sh[i][k] = (float)(sh[i][k] / sphere * 4 * PI);
    }
}

bool dome_map_build(const struct image *image, bool srgb, uint32_t max_width, struct dome_map *out)
{
    *out = (struct dome_map) { 0 };
    char error[64];
    struct image copy;
    if (!image_alloc(&copy, image->width, image->height, IMAGE_RGBA16F, error, sizeof(error)))
        return false;
    uint16_t *to = copy.pixels;
    size_t count = (size_t)image->width * image->height;
    if (image->format == IMAGE_RGBA16F) {
        memcpy(to, image->pixels, count * 8);
    } else {
        uint16_t decoded[256];
        for (int i = 0; i < 256; i++)
            decoded[i] = image_half(srgb ? image_srgb_decode((float)i / 255) : (float)i / 255);
        for (size_t i = 0; i < count * 4; i++)
            to[i] = decoded[((const uint8_t *)image->pixels)[i]];
    }
    for (size_t i = 0; i < count * 4; i++)
        if (to[i] & 0x8000)
            to[i] = 0; // no negative light
    while (copy.width > max_width)
        image_halve(&copy, false);
    out->width  = copy.width;
    out->height = copy.height;
    out->pixels = copy.pixels;
    integrate(out);
    if (!build_table(out)) {
        dome_map_free(out);
        return false;
    }
    return true;
}

void dome_map_free(struct dome_map *map)
{
    free(map->pixels);
    free(map->table);
    *map = (struct dome_map) { 0 };
}
