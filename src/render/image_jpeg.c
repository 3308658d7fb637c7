// JPEG through libjpeg-turbo: grey, YCbCr, RGB, and CMYK/YCCK (as Adobe writes them, inverted).
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "image_codec.h"

struct jpeg_state {
    struct jpeg_error_mgr mgr; // first: libjpeg hands back a pointer to it
    jmp_buf on_error;
    char *error;
    size_t error_size;
};

static void on_error(j_common_ptr info)
{
    struct jpeg_state *s = (struct jpeg_state *)info->err;
    char text[JMSG_LENGTH_MAX];
    s->mgr.format_message(info, text);
    snprintf(s->error, s->error_size, "broken JPEG: %s", text);
    longjmp(s->on_error, 1);
}

static void on_message(j_common_ptr info) { }

static void expand_row(const uint8_t *in, uint8_t *out, uint32_t width, J_COLOR_SPACE space, bool inverted)
{
    for (uint32_t x = 0; x < width; x++, out += 4) {
        out[3] = 255;
        if (space == JCS_GRAYSCALE) {
            out[0] = out[1] = out[2] = in[x];
        } else if (space == JCS_RGB) {
            memcpy(out, in + (size_t)x * 3, 3);
        } else {
            const uint8_t *cmyk = in + (size_t)x * 4;
            for (int c = 0; c < 3; c++) {
                int ink   = inverted ? cmyk[c] : 255 - cmyk[c];
                int black = inverted ? cmyk[3] : 255 - cmyk[3];
                out[c]    = (uint8_t)((ink * black + 127) / 255);
            }
        }
    }
}

static bool decode(struct jpeg_decompress_struct *info, struct jpeg_state *s, const void *data, size_t size,
                   struct image *out, uint8_t **row)
{
    if (setjmp(s->on_error))
        return false;
    jpeg_mem_src(info, data, size);
    jpeg_read_header(info, TRUE);
    if (!image_plausible(info->image_width, info->image_height, size, s->error, s->error_size) ||
        !image_alloc(out, info->image_width, info->image_height, IMAGE_RGBA8, s->error, s->error_size))
        return false;
    bool four = info->num_components == 4;
    info->out_color_space = info->num_components == 1 ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
    out->channels         = info->num_components == 1 ? 1 : 3;
    jpeg_start_decompress(info);
    *row = malloc((size_t)out->width * 4);
    if (!*row) {
        snprintf(s->error, s->error_size, "out of memory");
        return false;
    }
    while (info->output_scanline < info->output_height) {
        size_t y = info->output_scanline;
        if (jpeg_read_scanlines(info, row, 1) != 1)
            break;
        expand_row(*row, (uint8_t *)out->pixels + y * out->width * 4, out->width, info->out_color_space,
                   info->saw_Adobe_marker);
    }
    jpeg_finish_decompress(info);
    return true;
}

bool image_jpeg_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size)
{
    struct jpeg_state s                = { .error = error, .error_size = error_size };
    struct jpeg_decompress_struct info = { .err = jpeg_std_error(&s.mgr) };
    uint8_t *row                       = NULL;
    s.mgr.error_exit                   = on_error;
    s.mgr.output_message               = on_message;
    jpeg_create_decompress(&info);
    info.mem->max_memory_to_use = 1 << 30;
    bool ok                     = decode(&info, &s, data, size, out, &row);
    free(row);
    jpeg_destroy_decompress(&info);
    return ok;
}
