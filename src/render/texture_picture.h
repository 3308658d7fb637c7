// One texture's file and what the decoder makes of it, shared by the renderer's thread and a worker.
#pragma once

#include <stdatomic.h>

#include "image.h"
#include "render.h"

#define PICTURE_MAX_LEVELS 16

enum picture_state { PICTURE_IDLE, PICTURE_BUSY, PICTURE_DONE, PICTURE_FAILED };

struct picture {
    atomic_uint refs;
    atomic_int state; // enum picture_state; everything below the line belongs to the worker while BUSY
    char *name;
    void *file;
    size_t file_size;
    enum render_color_space color_space;
    uint32_t max_side; // larger pictures are halved until they fit
    // ----
    bool srgb; // level values are sRGB-encoded
    uint32_t level_count;
    struct image levels[PICTURE_MAX_LEVELS]; // the picture and its halves down to 1x1
    char error[200];
};

// Copies name and bytes. NULL: out of memory.
struct picture *picture_create(const struct render_texture_desc *desc, uint32_t max_side);
struct picture *picture_retain(struct picture *p);
void picture_release(struct picture *p); // NULL is fine
// Worker: decodes, makes the smaller levels, and stores DONE or FAILED as the last thing.
void picture_decode(struct picture *p);
void picture_drop_levels(struct picture *p, uint32_t keep); // frees levels from `keep` on
