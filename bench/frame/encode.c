#include "encode.h"

#include <libavutil/frame.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "convert.h"
#include "encoder.h"
#include "frame.h"

struct bench_encoder {
    struct frame_pool *pool;
    struct encoder *encoder;
    int width, height, frames;
};

struct bench_encoder *bench_encoder_create(int width, int height)
{
    char error[ENCODER_ERROR_SIZE];
    struct encoder_params params = { .width = (uint32_t)width, .height = (uint32_t)height, .fps = 60,
                                     .bitrate_bps = 12000000, .gpu = -1 };
    struct bench_encoder *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->width   = width;
    e->height  = height;
    e->pool    = frame_pool_create(params.width, params.height);
    e->encoder = encoder_create(&params, error);
    if (e->pool && e->encoder)
        return e;
    fprintf(stderr, "bench-frame: %s\n", error);
    bench_encoder_destroy(&e);
    return NULL;
}

void bench_encoder_destroy(struct bench_encoder **e)
{
    if (!*e)
        return;
    encoder_destroy(&(*e)->encoder);
    frame_pool_destroy(&(*e)->pool);
    free(*e);
    *e = NULL;
}

const char *bench_encoder_name(const struct bench_encoder *e) { return encoder_name(e->encoder); }

size_t bench_encode(struct bench_encoder *e, const uint8_t *bgra, double *yuv_ms, double *encode_ms)
{
    struct frame *f = frame_pool_get(e->pool);
    struct encoded out = { 0 };
    int64_t t0 = clock_mono_ns();
    struct yuv_planes planes = { f->av->data[0], f->av->data[1], f->av->data[2], (size_t)f->av->linesize[0],
                                 (size_t)f->av->linesize[1], (size_t)f->av->linesize[2] };
    convert_bgra_to_i420(bgra, (size_t)e->width * 4, (uint32_t)e->width, (uint32_t)e->height, &planes);
    int64_t t1    = clock_mono_ns();
    int made      = encoder_encode(e->encoder, f, e->frames++ == 0, &out);
    *yuv_ms    = (double)(t1 - t0) / 1e6;
    *encode_ms = (double)(clock_mono_ns() - t1) / 1e6;
    frame_unref(&f);
    return made > 0 ? out.size : 0;
}
