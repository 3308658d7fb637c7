#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libyuv.h>

#define PATTERN_PERIOD 512u // pixels; the pattern is as much wider than the picture
#define SPEED 4u            // pixels per frame
#define SQUARE 64u

struct picture {
    uint32_t width, height;
    uint8_t *pixels, *pattern; // pattern: width + PATTERN_PERIOD pixels a row
    FILE *file;
    uint8_t *i420;
};

static void draw_pattern(struct picture *p)
{
    uint32_t wide = p->width + PATTERN_PERIOD;
    for (uint32_t y = 0; y < p->height; y++)
        for (uint32_t x = 0; x < wide; x++) {
            double a     = 6.283185307 * (x % PATTERN_PERIOD) / PATTERN_PERIOD, b = 6.283185307 * y / 256;
            uint8_t *out = p->pattern + ((size_t)y * wide + x) * 4;
            out[0]       = (uint8_t)(128 + 90 * sin(a + b));
            out[1]       = (uint8_t)(128 + 90 * sin(2 * a - b));
            out[2]       = (uint8_t)(128 + 90 * cos(a + 2 * b));
            out[3]       = 255;
            if ((x / 32 + y / 32) % 7 == 0) // edges, so that there is something to see move
                out[0] = out[1] = out[2] = 230;
        }
}

static void draw_squares(struct picture *p)
{
    static const uint8_t colours[5][3] = { { 0, 0, 255 }, { 0, 255, 0 }, { 255, 0, 0 }, { 255, 255, 255 }, { 0, 0, 0 } };
    if (p->height < 2 * SQUARE)
        return;
    for (uint32_t y = p->height - SQUARE; y < p->height; y++)
        for (uint32_t x = 0; x < 5 * SQUARE && x < p->width; x++) {
            uint8_t *out = p->pixels + ((size_t)y * p->width + x) * 4;
            memcpy(out, colours[x / SQUARE], 3);
            out[3] = 255;
        }
}

static bool read_frame(struct picture *p)
{
    size_t luma = (size_t)p->width * p->height;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (fread(p->i420, 1, luma * 3 / 2, p->file) == luma * 3 / 2) {
            int w = (int)p->width;
            H420ToARGB(p->i420, w, p->i420 + luma, w / 2, p->i420 + luma * 5 / 4, w / 2, p->pixels, w * 4, w,
                       (int)p->height);
            return true;
        }
        rewind(p->file);
    }
    return false;
}

struct picture *picture_create(uint32_t width, uint32_t height, const char *file)
{
    struct picture *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->width  = width;
    p->height = height;
    p->pixels = calloc((size_t)width * height, 4);
    bool ok   = p->pixels != NULL;
    if (file) {
        p->file = fopen(file, "rb");
        p->i420 = malloc((size_t)width * height * 3 / 2);
        ok      = ok && p->file && p->i420 && read_frame(p);
    } else {
        p->pattern = malloc((size_t)(width + PATTERN_PERIOD) * height * 4);
        ok         = ok && p->pattern;
        if (ok)
            draw_pattern(p);
    }
    if (!ok)
        picture_destroy(&p);
    return p;
}

void picture_destroy(struct picture **picture)
{
    struct picture *p = *picture;
    if (!p)
        return;
    if (p->file)
        fclose(p->file);
    free(p->i420);
    free(p->pattern);
    free(p->pixels);
    free(p);
    *picture = NULL;
}

uint8_t *picture_pixels(struct picture *p) { return p->pixels; }

bool picture_next(struct picture *p, uint64_t n)
{
    if (p->file)
        return read_frame(p);
    size_t row = (size_t)p->width * 4, wide = (size_t)(p->width + PATTERN_PERIOD) * 4;
    size_t offset = n * SPEED % PATTERN_PERIOD * 4;
    for (uint32_t y = 0; y < p->height; y++)
        memcpy(p->pixels + y * row, p->pattern + y * wide + offset, row);
    draw_squares(p);
    return true;
}
