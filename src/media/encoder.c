#include "encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>

#include "log.h"
#include "thread.h"

#define VBV_FRAMES 1.5       // size of the rate control's buffer
#define MAX_SLICE_THREADS 4  // more slices cost more bits than they save time
#define PICTURE_FOR_THREADS (640 * 360)

struct encoder {
    AVCodecContext *ctx;
    AVPacket *packet;
    uint32_t nominal_fps, bitrate_bps, fps;
    int64_t last_pts;
    bool has_packet;
};

static const char *const candidates[] = { "h264_nvenc", "libx264", "libopenh264" };

// Option of one encoder; a wrong name is a mistake of ours that tests on machines without the encoder cannot find.
static void set_option(AVCodecContext *ctx, const char *name, const char *value)
{
    int rc = av_opt_set(ctx->priv_data, name, value, 0);
    if (rc < 0)
        log_warn("media.encoder", "%s: option %s=%s: %s", ctx->codec->name, name, value, av_err2str(rc));
}

static void set_x264(AVCodecContext *ctx, const struct encoder_params *p)
{
    set_option(ctx, "preset", "superfast");
    set_option(ctx, "tune", "zerolatency");
    set_option(ctx, "forced-idr", "1");
    // Slices in parallel, not frames: frame threads delay the picture by one frame each.
    int cores         = thread_cpu_count();
    bool large        = p->width * p->height >= PICTURE_FOR_THREADS;
    ctx->thread_count = !large || cores < 2 ? 1 : cores < MAX_SLICE_THREADS ? cores : MAX_SLICE_THREADS;
    ctx->thread_type  = FF_THREAD_SLICE;
    ctx->profile      = FF_PROFILE_H264_CONSTRAINED_BASELINE;
    set_option(ctx, "profile", "baseline");
    set_option(ctx, "x264-params", "scenecut=0:keyint=infinite:ref=1:rc-lookahead=0:sync-lookahead=0");
}

static void set_nvenc(AVCodecContext *ctx, const struct encoder_params *p)
{
    char gpu[16];
    set_option(ctx, "preset", "p3");
    set_option(ctx, "tune", "ull");
    set_option(ctx, "rc", "cbr");
    set_option(ctx, "zerolatency", "1");
    set_option(ctx, "delay", "0");
    set_option(ctx, "forced-idr", "1");
    set_option(ctx, "profile", "baseline");
    if (p->gpu >= 0) {
        snprintf(gpu, sizeof(gpu), "%d", p->gpu);
        set_option(ctx, "gpu", gpu);
    }
}

static void set_openh264(AVCodecContext *ctx)
{
    set_option(ctx, "allow_skip_frames", "0");
    ctx->profile      = FF_PROFILE_H264_CONSTRAINED_BASELINE;
    ctx->thread_count = 1;
}

static void apply_rate(struct encoder *e)
{
    AVCodecContext *ctx = e->ctx;
    // Encoders share the bits out by the nominal rate; fewer frames may be larger, up to a point: a large frame takes
    // long to send.
    double stretch = (double)e->nominal_fps / e->fps;
    if (stretch > 2)
        stretch = 2;
    int64_t bps         = (int64_t)(e->bitrate_bps * stretch);
    ctx->bit_rate       = bps;
    ctx->rc_max_rate    = bps;
    ctx->rc_buffer_size = (int)((double)bps / e->nominal_fps * VBV_FRAMES);
}

static AVCodecContext *open_codec(struct encoder *e, const char *name, const struct encoder_params *p,
                                  char reason[AV_ERROR_MAX_STRING_SIZE])
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    if (!codec) {
        snprintf(reason, AV_ERROR_MAX_STRING_SIZE, "not built into libavcodec");
        return NULL;
    }
    AVCodecContext *ctx = avcodec_alloc_context3(codec);
    if (!ctx) {
        snprintf(reason, AV_ERROR_MAX_STRING_SIZE, "out of memory");
        return NULL;
    }
    ctx->width           = (int)p->width;
    ctx->height          = (int)p->height;
    ctx->pix_fmt         = AV_PIX_FMT_YUV420P;
    ctx->time_base       = (AVRational) { 1, (int)p->fps };
    ctx->framerate       = (AVRational) { (int)p->fps, 1 };
    ctx->gop_size        = 1 << 20; // key frames come on request
    ctx->max_b_frames    = 0;
    ctx->flags          |= AV_CODEC_FLAG_LOW_DELAY;
    ctx->color_range     = AVCOL_RANGE_MPEG;
    ctx->colorspace      = AVCOL_SPC_BT709;
    ctx->color_primaries = AVCOL_PRI_BT709;
    ctx->color_trc       = AVCOL_TRC_BT709;
    e->ctx               = ctx;
    apply_rate(e);
    if (!strcmp(name, "libx264"))
        set_x264(ctx, p);
    else if (!strcmp(name, "h264_nvenc"))
        set_nvenc(ctx, p);
    else if (!strcmp(name, "libopenh264"))
        set_openh264(ctx);
    int rc = avcodec_open2(ctx, codec, NULL);
    if (rc < 0) {
        av_strerror(rc, reason, AV_ERROR_MAX_STRING_SIZE);
        avcodec_free_context(&ctx);
    }
    e->ctx = ctx;
    return ctx;
}

// libavcodec reports a missing GPU as an error; it is only one candidate of several here.
static void forward_av_log(void *object, int level, const char *format, va_list args)
{
    if (level > AV_LOG_WARNING || !log_enabled(LOG_DEBUG))
        return;
    char line[512];
    int prefix = 1;
    av_log_format_line(object, level, format, args, line, sizeof(line), &prefix);
    line[strcspn(line, "\n")] = '\0';
    log_debug("media.libav", "%s", line);
}

struct encoder *encoder_create(const struct encoder_params *p, char error[ENCODER_ERROR_SIZE])
{
    struct encoder *e = calloc(1, sizeof(*e));
    if (!e || !(e->packet = av_packet_alloc())) {
        snprintf(error, ENCODER_ERROR_SIZE, "out of memory");
        free(e);
        return NULL;
    }
    av_log_set_callback(forward_av_log);
    e->nominal_fps = e->fps = p->fps ? p->fps : 60;
    e->bitrate_bps          = p->bitrate_bps;
    e->last_pts             = -1;
    struct encoder_params q = *p;
    q.fps                   = e->nominal_fps;

    size_t used = (size_t)snprintf(error, ENCODER_ERROR_SIZE, "no H.264 encoder opens:");
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
        char reason[AV_ERROR_MAX_STRING_SIZE] = "";
        if (p->name && strcmp(p->name, candidates[i]))
            continue;
        if (open_codec(e, candidates[i], &q, reason)) {
            log_info("media.encoder", "%s, %ux%u, %u kbit/s, %d slice threads", candidates[i], p->width, p->height,
                     p->bitrate_bps / 1000, e->ctx->thread_count);
            error[0] = '\0';
            return e;
        }
        log_debug("media.encoder", "%s: %s", candidates[i], reason);
        if (used < ENCODER_ERROR_SIZE)
            used += (size_t)snprintf(error + used, ENCODER_ERROR_SIZE - used, " %s (%s)", candidates[i], reason);
    }
    encoder_destroy(&e);
    return NULL;
}

void encoder_destroy(struct encoder **e)
{
    if (!*e)
        return;
    av_packet_free(&(*e)->packet);
    avcodec_free_context(&(*e)->ctx);
    free(*e);
    *e = NULL;
}

int encoder_encode(struct encoder *e, const struct frame *frame, bool keyframe, struct encoded *out)
{
    AVFrame *av   = frame->av;
    av->pts       = ++e->last_pts;
    av->pict_type = keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    av->key_frame = keyframe;
    int rc        = avcodec_send_frame(e->ctx, av);
    if (rc >= 0) {
        av_packet_unref(e->packet);
        rc = avcodec_receive_packet(e->ctx, e->packet);
        if (rc == AVERROR(EAGAIN))
            return 0;
    }
    if (rc < 0) {
        log_error("media.encoder", "%s: %s", e->ctx->codec->name, av_err2str(rc));
        return rc;
    }
    out->data     = e->packet->data;
    out->size     = (size_t)e->packet->size;
    out->keyframe = e->packet->flags & AV_PKT_FLAG_KEY;
    return 1;
}

void encoder_set_rate(struct encoder *e, uint32_t bitrate_bps, uint32_t fps)
{
    fps = fps < 1 ? 1 : fps > e->nominal_fps ? e->nominal_fps : fps;
    if (e->bitrate_bps == bitrate_bps && e->fps == fps)
        return;
    e->bitrate_bps = bitrate_bps;
    e->fps         = fps;
    apply_rate(e);
}

const char *encoder_name(const struct encoder *e) { return e->ctx->codec->name; }
