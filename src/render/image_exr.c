// OpenEXR through OpenEXRCore: the first part, scan lines or tiles, every compression it knows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openexr.h>

#include "cursor.h"
#include "image_codec.h"

struct exr_stream {
    const uint8_t *data;
    uint64_t size;
};

static int64_t on_read(exr_const_context_t context, void *user, void *out, uint64_t count, uint64_t offset,
                       exr_stream_error_func_ptr_t fail)
{
    const struct exr_stream *s = user;
    if (offset > s->size)
        return -1;
    uint64_t left = s->size - offset; // the header is read in blocks that may reach past the end
    if (count > left)
        count = left;
    memcpy(out, s->data + offset, count);
    return (int64_t)count;
}

static int64_t on_size(exr_const_context_t context, void *user)
{
    return (int64_t)((const struct exr_stream *)user)->size;
}

static void on_error(exr_const_context_t context, exr_result_t code, const char *message) { }

// Which of R, G, B, A (0 to 3) a channel is, -1 = none. Y counts as R and is spread later. Layer
// prefixes ("beauty.R") are taken where the file has no plain names.
static int channel_slot(const char *name, bool layered)
{
    const char *dot = strrchr(name, '.');
    if (dot && !layered)
        return -1;
    const char *base = dot ? dot + 1 : name;
    if (base[0] == 0 || base[1] != 0)
        return -1;
    const char *at = strchr("RGBA", base[0]);
    return at ? (int)(at - "RGBA") : base[0] == 'Y' ? 0 : -1;
}

struct exr_layout {
    const char *names[4]; // channel of each slot, NULL = absent
    bool grey;
};

static bool find_channels(const exr_attr_chlist_t *list, struct exr_layout *out, char *error, size_t error_size)
{
    *out = (struct exr_layout) { 0 };
    for (int layered = 0; layered < 2 && !out->names[0] && !out->names[1] && !out->names[2]; layered++) {
        for (int i = 0; i < list->num_channels; i++) {
            int slot = channel_slot(list->entries[i].name.str, layered);
            if (slot < 0 || out->names[slot])
                continue;
            if (list->entries[i].x_sampling != 1 || list->entries[i].y_sampling != 1) {
                snprintf(error, error_size, "EXR with subsampled channels is not supported (channel %s)",
                         list->entries[i].name.str);
                return false;
            }
            out->names[slot] = list->entries[i].name.str;
        }
    }
    if (!out->names[0] && list->num_channels > 0 && !out->names[1] && !out->names[2])
        out->names[0] = list->entries[0].name.str; // "Z" and the like: grey
    out->grey = out->names[0] && !out->names[1] && !out->names[2];
    if (!out->names[0] && !out->names[1] && !out->names[2]) {
        snprintf(error, error_size, "EXR without colour channels");
        return false;
    }
    return true;
}

// Where the chunk's pixels go; one pipeline is used over and over.
static exr_result_t decode_chunk(exr_context_t context, const exr_chunk_info_t *chunk, exr_decode_pipeline_t *pipe,
                                 bool *ready, const struct exr_layout *layout, struct image *out, uint32_t x,
                                 uint32_t y)
{
    exr_result_t rc = *ready ? exr_decoding_update(context, 0, chunk, pipe)
                             : exr_decoding_initialize(context, 0, chunk, pipe);
    if (rc != EXR_ERR_SUCCESS)
        return rc;
    uint8_t *base = (uint8_t *)out->pixels + ((size_t)y * out->width + x) * 8;
    for (int c = 0; c < pipe->channel_count; c++) {
        exr_coding_channel_info_t *channel = &pipe->channels[c];
        channel->decode_to_ptr             = NULL;
        for (int slot = 0; slot < 4; slot++) {
            if (!layout->names[slot] || strcmp(channel->channel_name, layout->names[slot]) != 0)
                continue;
            channel->decode_to_ptr          = base + 2 * slot;
            channel->user_bytes_per_element = 2;
            channel->user_data_type         = EXR_PIXEL_HALF;
            channel->user_pixel_stride      = 8;
            channel->user_line_stride       = (int32_t)(out->width * 8);
        }
    }
    if (!*ready) {
        rc     = exr_decoding_choose_default_routines(context, 0, pipe);
        *ready = true;
    }
    return rc == EXR_ERR_SUCCESS ? exr_decoding_run(context, 0, pipe) : rc;
}

static exr_result_t decode_scanlines(exr_context_t context, exr_decode_pipeline_t *pipe, bool *ready,
                                     const struct exr_layout *layout, struct image *out, int min_y)
{
    int32_t lines   = 0;
    exr_result_t rc = exr_get_scanlines_per_chunk(context, 0, &lines);
    for (uint32_t y = 0; rc == EXR_ERR_SUCCESS && lines > 0 && y < out->height; y += (uint32_t)lines) {
        exr_chunk_info_t chunk;
        rc = exr_read_scanline_chunk_info(context, 0, min_y + (int)y, &chunk);
        if (rc != EXR_ERR_SUCCESS)
            break;
        if (chunk.start_y != min_y + (int)y || (uint32_t)chunk.width != out->width || chunk.height <= 0 ||
            (uint32_t)chunk.height > out->height - y)
            return EXR_ERR_CORRUPT_CHUNK;
        rc = decode_chunk(context, &chunk, pipe, ready, layout, out, 0, y);
    }
    return lines > 0 ? rc : EXR_ERR_CORRUPT_CHUNK;
}

static exr_result_t decode_tiles(exr_context_t context, exr_decode_pipeline_t *pipe, bool *ready,
                                 const struct exr_layout *layout, struct image *out)
{
    int32_t tile_w = 0, tile_h = 0;
    exr_result_t rc = exr_get_tile_sizes(context, 0, 0, 0, &tile_w, &tile_h);
    if (rc != EXR_ERR_SUCCESS || tile_w <= 0 || tile_h <= 0)
        return EXR_ERR_CORRUPT_CHUNK;
    for (uint32_t y = 0; y < out->height; y += (uint32_t)tile_h) {
        for (uint32_t x = 0; x < out->width; x += (uint32_t)tile_w) {
            exr_chunk_info_t chunk;
            rc = exr_read_tile_chunk_info(context, 0, (int)(x / (uint32_t)tile_w), (int)(y / (uint32_t)tile_h), 0, 0,
                                          &chunk);
            if (rc != EXR_ERR_SUCCESS)
                return rc;
            if (chunk.width <= 0 || chunk.height <= 0 || (uint32_t)chunk.width > out->width - x ||
                (uint32_t)chunk.height > out->height - y)
                return EXR_ERR_CORRUPT_CHUNK;
            rc = decode_chunk(context, &chunk, pipe, ready, layout, out, x, y);
            if (rc != EXR_ERR_SUCCESS)
                return rc;
        }
    }
    return EXR_ERR_SUCCESS;
}

// Absent channels get their defaults; infinities are clamped and NaN becomes 0.
static void tidy(struct image *out, const struct exr_layout *layout)
{
    uint16_t *p  = out->pixels;
    size_t count = (size_t)out->width * out->height;
    for (size_t i = 0; i < count; i++, p += 4) {
        for (int c = 0; c < 4; c++) {
            if ((p[c] & 0x7c00) == 0x7c00)
                p[c] = p[c] & 0x3ff ? 0 : (p[c] & 0x8000) | 0x7bff;
        }
        if (layout->grey)
            p[1] = p[2] = p[0];
        if (!layout->names[3])
            p[3] = 0x3c00;
    }
}

static bool decode(exr_context_t context, size_t size, struct image *out, char *error, size_t error_size)
{
    exr_attr_box2i_t window;
    exr_storage_t storage;
    const exr_attr_chlist_t *list = NULL;
    struct exr_layout layout;
    if (exr_get_data_window(context, 0, &window) != EXR_ERR_SUCCESS ||
        exr_get_storage(context, 0, &storage) != EXR_ERR_SUCCESS ||
        exr_get_channels(context, 0, &list) != EXR_ERR_SUCCESS || !list) {
        snprintf(error, error_size, "broken EXR: the header lacks size, storage or channels");
        return false;
    }
    if (storage != EXR_STORAGE_SCANLINE && storage != EXR_STORAGE_TILED) {
        snprintf(error, error_size, "deep EXR images are not supported");
        return false;
    }
    int64_t width = (int64_t)window.max.x - window.min.x + 1, height = (int64_t)window.max.y - window.min.y + 1;
    if (width <= 0 || height <= 0 || !image_plausible((uint64_t)width, (uint64_t)height, size, error, error_size)) {
        if (width <= 0 || height <= 0)
            snprintf(error, error_size, "broken EXR: an empty data window");
        return false;
    }
    if (!find_channels(list, &layout, error, error_size) ||
        !image_alloc(out, (uint64_t)width, (uint64_t)height, IMAGE_RGBA16F, error,
                     error_size))
        return false;
    exr_decode_pipeline_t pipe = EXR_DECODE_PIPELINE_INITIALIZER;
    bool ready                 = false;
    exr_result_t rc = storage == EXR_STORAGE_SCANLINE
                          ? decode_scanlines(context, &pipe, &ready, &layout, out, window.min.y)
                          : decode_tiles(context, &pipe, &ready, &layout, out);
    exr_decoding_destroy(context, &pipe);
    if (rc != EXR_ERR_SUCCESS) {
        snprintf(error, error_size, "broken EXR: %s", exr_get_default_error_message(rc));
        return false;
    }
    tidy(out, &layout);
    out->linear   = true;
    out->channels = layout.grey ? (layout.names[3] ? 2 : 1) : (layout.names[3] ? 4 : 3);
    return true;
}

bool image_exr_decode(const void *data, size_t size, struct image *out, char *error, size_t error_size)
{
    struct exr_stream stream       = { data, size };
    exr_context_initializer_t init = EXR_DEFAULT_CONTEXT_INITIALIZER;
    init.error_handler_fn          = on_error;
    init.user_data                 = &stream;
    init.read_fn                   = on_read;
    init.size_fn                   = on_size;
    init.max_image_width           = IMAGE_MAX_SIDE;
    init.max_image_height          = IMAGE_MAX_SIDE;
    exr_context_t context          = NULL;
    exr_result_t rc                = exr_start_read(&context, "texture", &init);
    if (rc != EXR_ERR_SUCCESS) {
        snprintf(error, error_size, "broken EXR: %s", exr_get_default_error_message(rc));
        if (context)
            exr_finish(&context);
        return false;
    }
    bool ok = decode(context, size, out, error, error_size);
    exr_finish(&context);
    return ok;
}
