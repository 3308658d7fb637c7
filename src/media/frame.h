// Pictures on their way to an encoder: planar 4:2:0 in host memory, BT.709, limited range.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MEDIA_MAX_DIMENSION 8192u // width or height in pixels
#define MEDIA_POOL_FRAMES 6u      // pending, last, in the encoder, being written, and two to spare

struct AVFrame;
struct frame_pool;

struct frame {
    struct AVFrame *av; // planes and strides; the pixels belong to the pool
    int64_t capture_us; // monotonic
    int64_t submit_us;  // when the application handed it over
    struct frame_pool *pool;
    int refs; // guarded by the pool
};

// width, height: even, at most MEDIA_MAX_DIMENSION. NULL: out of memory. Any thread.
struct frame_pool *frame_pool_create(uint32_t width, uint32_t height);
// Every frame must have been released.
void frame_pool_destroy(struct frame_pool **pool);

// One reference, contents undefined; NULL when all frames are in use or memory is short.
struct frame *frame_pool_get(struct frame_pool *pool);
struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame **f); // *f may be NULL; left NULL
