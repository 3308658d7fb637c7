#include "texture_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct picture *picture_create(const struct render_texture_desc *desc, uint32_t max_side)
{
    struct picture *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    atomic_init(&p->refs, 1);
    atomic_init(&p->state, PICTURE_IDLE);
    p->name        = strdup(desc->name ? desc->name : "texture");
    p->color_space = desc->color_space;
    p->max_side    = max_side;
    if (desc->data && desc->size) {
        p->file      = malloc(desc->size);
        p->file_size = desc->size;
        if (p->file)
            memcpy(p->file, desc->data, desc->size);
    }
    if (!p->name || (p->file_size && !p->file)) {
        picture_release(p);
        return NULL;
    }
    return p;
}

struct picture *picture_retain(struct picture *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void picture_release(struct picture *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    picture_drop_levels(p, 0);
    free(p->name);
    free(p->file);
    free(p);
}

void picture_drop_levels(struct picture *p, uint32_t keep)
{
    for (uint32_t i = keep; i < p->level_count; i++)
        image_free(&p->levels[i]);
    if (p->level_count > keep)
        p->level_count = keep;
}

// sRGB-encoded integers of 16 bits become linear once and for all.
static void linearise(struct image *image)
{
    uint16_t *pixels = image->pixels;
    size_t count     = (size_t)image->width * image->height;
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++)
            pixels[4 * i + c] = image_half(image_srgb_decode(image_unhalf(pixels[4 * i + c])));
}

static bool copy_image(const struct image *from, struct image *to, char *error, size_t error_size)
{
    if (!image_alloc(to, from->width, from->height, from->format, error, error_size))
        return false;
    memcpy(to->pixels, from->pixels, (size_t)from->width * from->height * image_pixel_size(from->format));
    return true;
}

static bool make_levels(struct picture *p)
{
    struct image *base = &p->levels[0];
    bool eight         = base->format == IMAGE_RGBA8;
    bool wants_srgb    = p->color_space == RENDER_COLOR_SRGB ||
                      (p->color_space == RENDER_COLOR_AUTO && eight && base->channels >= 3);
    p->srgb = wants_srgb && eight;
    if (wants_srgb && !eight && !base->linear)
        linearise(base);
    while (base->width > p->max_side || base->height > p->max_side)
        image_halve(base, p->srgb);
    while (p->levels[p->level_count - 1].width > 1 || p->levels[p->level_count - 1].height > 1) {
        struct image *next = &p->levels[p->level_count];
        if (!copy_image(next - 1, next, p->error, sizeof(p->error)))
            return false;
        p->level_count++;
        image_halve(next, p->srgb);
    }
    return true;
}

void picture_decode(struct picture *p)
{
    picture_drop_levels(p, 0);
    bool ok;
    if (p->file_size == 0) {
        snprintf(p->error, sizeof(p->error), "the file is missing");
        ok = false;
    } else {
        ok             = image_decode(p->file, p->file_size, &p->levels[0], p->error, sizeof(p->error));
        p->level_count = ok ? 1 : 0;
    }
    ok = ok && make_levels(p);
    if (!ok)
        picture_drop_levels(p, 0);
    atomic_store(&p->state, ok ? PICTURE_DONE : PICTURE_FAILED);
}
