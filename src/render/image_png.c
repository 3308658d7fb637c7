// PNG through libpng, all colour types, 1 to 16 bits, interlaced or not.
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "image_codec.h"

struct png_state {
    struct cursor in;
    size_t size;
    char *error;
    size_t error_size;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct png_state *s = png_get_error_ptr(png);
    snprintf(s->error, s->error_size, "broken PNG: %s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { }

static void on_read(png_structp png, png_bytep out, size_t count)
{
    struct png_state *s = png_get_io_ptr(png);
    if (!cur_copy(&s->in, out, count))
        png_error(png, "the file ends early");
}

// Ask libpng for 8- or 16-bit RGBA whatever the file holds.
static void set_transforms(png_structp png, png_infop info, int color_type, int depth)
{
    png_set_expand(png); // palette to RGB, 1/2/4-bit grey to 8, tRNS to alpha
    if (color_type == PNG_COLOR_TYPE_GRAY || color_type == PNG_COLOR_TYPE_GRAY_ALPHA)
        png_set_gray_to_rgb(png);
    png_set_filler(png, 0xffff, PNG_FILLER_AFTER);
    if (depth == 16)
        png_set_swap(png); // big endian to the machine's
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

static void widen_to_half(struct image *image)
{
    uint16_t *p  = image->pixels;
    size_t count = (size_t)image->width * image->height * 4;
    for (size_t i = 0; i < count; i++)
        p[i] = image_half((float)p[i] / 65535.0f);
}

// Everything between setjmp and the last libpng call; locals that must survive live in the caller.
static bool decode(png_structp png, png_infop info, struct png_state *s, struct image *out, png_bytep **rows)
{
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_read_fn(png, s, on_read);
    png_set_user_limits(png, IMAGE_MAX_SIDE, IMAGE_MAX_SIDE);
    png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_DISCARD);
    png_read_info(png, info);
    int depth = png_get_bit_depth(png, info), type = png_get_color_type(png, info);
    uint32_t channels = type == PNG_COLOR_TYPE_GRAY         ? 1
                        : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                        : type == PNG_COLOR_TYPE_RGB_ALPHA  ? 4
                                                            : 3;
    if (png_get_valid(png, info, PNG_INFO_tRNS))
        channels = channels == 1 ? 2 : 4;
    enum image_format format = depth == 16 ? IMAGE_RGBA16F : IMAGE_RGBA8;
    if (!image_plausible(png_get_image_width(png, info), png_get_image_height(png, info), s->size, s->error,
                         s->error_size) ||
        !image_alloc(out, png_get_image_width(png, info), png_get_image_height(png, info), format, s->error,
                     s->error_size))
        return false;
    out->channels = channels;
    set_transforms(png, info, type, depth);
    size_t stride = out->width * image_pixel_size(format);
    if (png_get_rowbytes(png, info) != stride)
        png_error(png, "unexpected row size");
    *rows = malloc(out->height * sizeof(**rows));
    if (!*rows)
        png_error(png, "out of memory");
    for (size_t y = 0; y < out->height; y++)
        (*rows)[y] = (png_bytep)out->pixels + y * stride;
    png_read_image(png, *rows);
    return true;
}

bool image_png_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size)
{
    struct png_state s = { cur_make(data, size), size, error, error_size };
    png_structp png    = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info     = png ? png_create_info_struct(png) : NULL;
    png_bytep *rows    = NULL;
    if (!info) {
        snprintf(error, error_size, "out of memory");
        png_destroy_read_struct(&png, NULL, NULL);
        return false;
    }
    bool ok = decode(png, info, &s, out, &rows);
    free(rows);
    png_destroy_read_struct(&png, &info, NULL);
    if (ok && out->format == IMAGE_RGBA16F)
        widen_to_half(out);
    return ok;
}
