#include "video.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libavutil/frame.h>
#include <pthread.h>

#include "bitstream.h"
#include "clock.h"
#include "convert.h"
#include "cuda.h"
#include "encoder.h"
#include "result.h"
#include "log.h"
#include "staging.h"
#include "thread.h"
#include "urgent.h"

#define KEYFRAME_GAP_US 300000 // between two key frames that viewers ask for
#define REFINE_FRAMES 10 // of a picture at rest: each sharpens it a little within the bitrate
#define REFINE_INTERVAL_US 40000
#define REST_INTERVAL_US 500000
#define QUIET_US 1200000        // an application that submits nothing for so long shows a picture at rest
#define QUIET_KNOWN_US 100000   // the same, where a poor picture is known to be on the screen: after a key frame, or the hint
#define MIN_BITS_PER_PIXEL 0.02 // below, fewer pictures look better than worse ones
#define MIN_FPS 5
#define MAX_ACCESS_UNIT (4u << 20)
#define SMOOTHING 0.1f // weight of the newest sample in moving averages

struct video {
    struct video_params params;
    struct frame_pool *pool;

    pthread_mutex_t submit_lock; // serialises submitters; guards what only they use
    struct cuda_copier *cuda;
    struct annexb_parameter_sets sets;
    bool convert_reported;

    pthread_mutex_t lock; // everything below
    pthread_cond_t wake;  // CLOCK_MONOTONIC
    struct frame *pending, *last;
    bool watched, keyframe_wanted, at_rest, quit;
    uint32_t bitrate_bps;
    int64_t last_keyframe_us, last_encode_us, last_submit_us;
    unsigned refine_left; // how often the picture at rest is still worth encoding at once
    bool refine_soon;     // QUIET_KNOWN_US instead of QUIET_US
    uint32_t window_bytes, sent_bps;
    int64_t window_start_us;
    float interval_us; // moving average between encoded frames
    struct video_stats stats;

    bool has_thread;
    pthread_t thread;
    struct encoder *encoder; // encoder thread only
};

static void smooth(float *average, float sample)
{
    *average = *average > 0 ? *average + SMOOTHING * (sample - *average) : sample;
}

// ------------------------------------------------------------------------------------------------- encoder thread

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

// Least distance of two frames that the bitrate is enough for; 0 when it is enough for all.
static int64_t bitrate_interval_us(const struct video *v)
{
    double fps = v->bitrate_bps / (MIN_BITS_PER_PIXEL * v->params.width * v->params.height);
    if (fps >= v->params.fps)
        return 0;
    // A tenth less, so that jitter of the application does not cost every second frame.
    return (int64_t)(0.9e6 / (fps < MIN_FPS ? MIN_FPS : fps));
}

// When the pending or last frame may be encoded; INT64_MAX: not before something changes. Locked.
static int64_t due_at(const struct video *v)
{
    int64_t due = INT64_MAX;
    if (!v->watched)
        return due;
    if (v->pending)
        due = v->last_encode_us + (v->at_rest && !v->refine_left ? REST_INTERVAL_US : bitrate_interval_us(v));
    else if (v->last && v->refine_left)
        due = later(v->last_encode_us + REFINE_INTERVAL_US,
                    v->last_submit_us + (v->refine_soon ? QUIET_KNOWN_US : QUIET_US));
    if (v->keyframe_wanted && (v->pending || v->last))
        due = earlier(due, v->last_keyframe_us + KEYFRAME_GAP_US);
    return due;
}

// What the encoder is told about the frame rate: in coarse steps, since each change sets its rate control up again.
static uint32_t rate_fps(const struct video *v)
{
    if (!(v->interval_us > 0))
        return v->params.fps;
    float measured = 1e6f / v->interval_us;
    for (unsigned divisor = 1; divisor < 4; divisor++)
        if (measured > 0.8f * (float)v->params.fps / (float)divisor)
            return v->params.fps / divisor ? v->params.fps / divisor : 1;
    return v->params.fps / 4 ? v->params.fps / 4 : 1;
}

static void wait_until(struct video *v, int64_t due_us)
{
    if (due_us == INT64_MAX) {
        pthread_cond_wait(&v->wake, &v->lock);
        return;
    }
    struct timespec ts = { due_us / 1000000, due_us % 1000000 * 1000 };
    pthread_cond_timedwait(&v->wake, &v->lock, &ts);
}

struct job {
    struct frame *frame;
    bool keyframe;
    uint32_t bitrate_bps, fps;
};

// Wait for something to encode; false: quit.
static bool take_job(struct video *v, struct job *job)
{
    pthread_mutex_lock(&v->lock);
    int64_t now = clock_mono_us(), due;
    while (!v->quit && (due = due_at(v)) > now) {
        wait_until(v, due);
        now = clock_mono_us();
    }
    bool go = !v->quit;
    if (go) {
        if (v->pending) {
            frame_unref(&v->last);
            v->last    = v->pending;
            v->pending = NULL;
        } else {
            v->last->capture_us = v->last->submit_us = now; // the last picture again, for a viewer that came late
        }
        job->frame    = frame_ref(v->last);
        job->keyframe = v->keyframe_wanted && now >= v->last_keyframe_us + KEYFRAME_GAP_US;
        v->refine_left -= v->refine_left > 0;
        v->refine_soon = v->refine_soon && v->refine_left;
        if (job->keyframe) {
            v->keyframe_wanted  = false;
            v->last_keyframe_us = now;
            v->refine_left      = REFINE_FRAMES;
            v->refine_soon      = true;
        }
        if (v->last_encode_us && now - v->last_encode_us < 1000000)
            smooth(&v->interval_us, (float)(now - v->last_encode_us));
        v->last_encode_us = now;
        job->bitrate_bps  = v->bitrate_bps;
        job->fps          = rate_fps(v);
    }
    pthread_mutex_unlock(&v->lock);
    return go;
}

static void count_output(struct video *v, const struct encoded *e, float encode_ms)
{
    int64_t now = clock_mono_us();
    pthread_mutex_lock(&v->lock);
    v->stats.encoded++;
    v->stats.keyframes += e->keyframe;
    smooth(&v->stats.encode_ms, encode_ms);
    v->window_bytes += (uint32_t)e->size;
    if (now - v->window_start_us >= 1000000) {
        v->sent_bps        = (uint32_t)((double)v->window_bytes * 8e6 / (double)(now - v->window_start_us));
        v->window_bytes    = 0;
        v->window_start_us = now;
    }
    pthread_mutex_unlock(&v->lock);
}

// Any thread that produces access units. prefix: parameter sets to put in front, may be NULL.
static bool emit(struct video *v, const uint8_t *data, size_t size, bool keyframe, int64_t capture_us,
                 int64_t submit_us, const struct annexb_parameter_sets *prefix)
{
    static const uint8_t start_code[4] = { 0, 0, 0, 1 };
    size_t extra             = prefix ? prefix->sps_size + prefix->pps_size + 2 * sizeof(start_code) : 0;
    struct access_unit *unit = malloc(sizeof(*unit) + extra + size);
    if (!unit)
        return false;
    *unit      = (struct access_unit) { NULL, extra + size, capture_us, submit_us, keyframe };
    uint8_t *p = unit->data;
    if (prefix) {
        memcpy(p, start_code, sizeof(start_code));
        memcpy(p + 4, prefix->sps, prefix->sps_size);
        p += 4 + prefix->sps_size;
        memcpy(p, start_code, sizeof(start_code));
        memcpy(p + 4, prefix->pps, prefix->pps_size);
        p += 4 + prefix->pps_size;
    }
    memcpy(p, data, size);
    v->params.output(v->params.user, unit);
    return true;
}

static void encode(struct video *v, const struct job *job)
{
    struct encoded out;
    int64_t start = clock_mono_us();
    encoder_set_rate(v->encoder, job->bitrate_bps, job->fps);
    if (encoder_encode(v->encoder, job->frame, job->keyframe, &out) <= 0) {
        if (job->keyframe)
            video_request_keyframe(v);
        return;
    }
    count_output(v, &out, (float)(clock_mono_us() - start) / 1000);
    emit(v, out.data, out.size, out.keyframe, job->frame->capture_us, job->frame->submit_us, NULL);
}

static void *video_main(void *user)
{
    struct video *v = user;
    struct job job;
    thread_set_name("ovs-encoder");
    while (take_job(v, &job)) {
        encode(v, &job);
        frame_unref(&job.frame);
    }
    return NULL;
}

// ------------------------------------------------------------------------------------------------- life

static bool start_raw(struct video *v)
{
    const struct video_params *p = &v->params;
    char error[ENCODER_ERROR_SIZE];
    struct encoder_params ep = { p->width, p->height, p->fps, p->bitrate_bps, getenv("OVSTREAM_ENCODER"),
                                 p->cuda_device };
    v->encoder = encoder_create(&ep, error);
    if (!v->encoder) {
        fail_error("ovstream_start: %s", error);
        return false;
    }
    strncpy(v->stats.encoder, encoder_name(v->encoder), sizeof(v->stats.encoder) - 1);
    v->pool = frame_pool_create(p->width, p->height);
    if (!v->pool) {
        fail_error("ovstream_start: out of memory for %u x %u pictures", p->width, p->height);
        return false;
    }
    v->has_thread = !pthread_create(&v->thread, NULL, video_main, v);
    if (!v->has_thread)
        fail_error("ovstream_start: cannot create a thread");
    return v->has_thread;
}

struct video *video_create(const struct video_params *params)
{
    struct video *v = calloc(1, sizeof(*v));
    if (!v) {
        fail_error("ovstream_start: out of memory");
        return NULL;
    }
    v->params      = *params;
    v->bitrate_bps = params->bitrate_bps;
    pthread_mutex_init(&v->submit_lock, NULL);
    pthread_mutex_init(&v->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&v->wake, &attr);
    pthread_condattr_destroy(&attr);
    bool raw = params->input == OVSTREAM_VIDEO_INPUT_CUDA || params->input == OVSTREAM_VIDEO_INPUT_TENSOR;
    if (!raw) {
        strncpy(v->stats.encoder, "application", sizeof(v->stats.encoder) - 1);
        return v;
    }
    int previous = urgent_begin(); // for the encoder's own threads too
    bool ok      = start_raw(v);
    urgent_end(previous);
    if (!ok)
        video_destroy(&v);
    return v;
}

void video_destroy(struct video **video)
{
    struct video *v = *video;
    if (!v)
        return;
    if (v->has_thread) {
        pthread_mutex_lock(&v->lock);
        v->quit = true;
        pthread_cond_signal(&v->wake);
        pthread_mutex_unlock(&v->lock);
        pthread_join(v->thread, NULL);
    }
    frame_unref(&v->pending);
    frame_unref(&v->last);
    encoder_destroy(&v->encoder);
    frame_pool_destroy(&v->pool);
    cuda_copier_destroy(&v->cuda);
    pthread_cond_destroy(&v->wake);
    pthread_mutex_destroy(&v->lock);
    pthread_mutex_destroy(&v->submit_lock);
    free(v);
    *video = NULL;
}

// ------------------------------------------------------------------------------------------------- submitting

// At rest, a frame that would not be encoded before the next one comes need not be converted either.
static bool wanted(struct video *v)
{
    pthread_mutex_lock(&v->lock);
    bool skip = v->at_rest && v->last && !v->refine_left && !v->keyframe_wanted &&
                clock_mono_us() < v->last_encode_us + REST_INTERVAL_US;
    v->stats.submitted++;
    v->stats.dropped += skip;
    pthread_mutex_unlock(&v->lock);
    return !skip;
}

static ovstream_result_t to_host(struct video *v, const ovstream_video_frame_t *frame, struct pixels *px)
{
    char error[CUDA_ERROR_SIZE];
    if (px->host)
        return result_ok();
    if (!v->cuda && !(v->cuda = cuda_copier_create(v->params.cuda_device, v->params.cuda_context, error)))
        return fail_error("ovstream_stream_video: %s", error);
    struct cuda_sync sync = { frame->sync.stream, frame->sync.wait_event };
    px->host = cuda_copy_to_host(v->cuda, px->device, px->stride, (size_t)v->params.width * 4, v->params.height, &sync,
                                 error);
    px->stride = (size_t)v->params.width * 4;
    return px->host ? result_ok() : fail_error("ovstream_stream_video: %s", error);
}

static ovstream_result_t submit_raw(struct video *v, const ovstream_video_frame_t *in)
{
    struct pixels px;
    int64_t now         = clock_mono_us();
    ovstream_result_t r = staging_pixels(in, v->params.input, v->params.width, v->params.height, &px);
    if (!OVSTREAM_OK(r) || !wanted(v))
        return r;
    r = to_host(v, in, &px);
    if (!OVSTREAM_OK(r)) {
        if (!v->convert_reported)
            log_error("webrtc", "%s", ovstream_get_last_error().ptr);
        v->convert_reported = true;
        return r;
    }
    struct frame *f = frame_pool_get(v->pool);
    if (!f)
        return fail_error("ovstream_stream_video: no free picture buffer");
    const AVFrame *av        = f->av;
    struct yuv_planes planes = { av->data[0], av->data[1], av->data[2], (size_t)av->linesize[0],
                                 (size_t)av->linesize[1], (size_t)av->linesize[2] };
    int64_t convert_start    = clock_mono_us();
    convert_bgra_to_i420(px.host, px.stride, v->params.width, v->params.height, &planes);
    f->submit_us  = now;
    f->capture_us = in->start_timestamp_ns ? (int64_t)(in->start_timestamp_ns / 1000) : now;

    pthread_mutex_lock(&v->lock);
    smooth(&v->stats.convert_ms, (float)(clock_mono_us() - convert_start) / 1000);
    v->stats.dropped += v->pending != NULL;
    frame_unref(&v->pending);
    v->pending        = f;
    v->last_submit_us = now;
    if (!v->at_rest && !v->refine_soon)
        v->refine_left = REFINE_FRAMES;
    pthread_cond_signal(&v->wake);
    pthread_mutex_unlock(&v->lock);
    return result_ok();
}

static ovstream_result_t submit_h264(struct video *v, const ovstream_video_frame_t *in)
{
    ovstream_result_t r = staging_check_encoded(in);
    if (!OVSTREAM_OK(r))
        return r;
    if (in->size_bytes > MAX_ACCESS_UNIT)
        return fail_argument("ovstream_stream_video: access unit too large (%u bytes, at most %u)", in->size_bytes,
                             MAX_ACCESS_UNIT);
    int64_t now = clock_mono_us();
    bool missing;
    struct encoded e = { in->buffer, in->size_bytes, annexb_scan(&v->sets, in->buffer, in->size_bytes, &missing) };
    pthread_mutex_lock(&v->lock);
    bool watched = v->watched;
    v->stats.submitted++;
    v->stats.dropped += !watched;
    pthread_mutex_unlock(&v->lock);
    if (!watched)
        return result_ok();
    count_output(v, &e, 0);
    int64_t capture = in->start_timestamp_ns ? (int64_t)(in->start_timestamp_ns / 1000) : now;
    if (!emit(v, e.data, e.size, e.keyframe, capture, now, e.keyframe && missing ? &v->sets : NULL))
        return fail_error("ovstream_stream_video: out of memory");
    return result_ok();
}

ovstream_result_t video_submit(struct video *v, const ovstream_video_frame_t *frame)
{
    pthread_mutex_lock(&v->submit_lock);
    ovstream_result_t r = v->params.input == OVSTREAM_VIDEO_INPUT_H264 ? submit_h264(v, frame) : submit_raw(v, frame);
    pthread_mutex_unlock(&v->submit_lock);
    return r;
}

// ------------------------------------------------------------------------------------------------- control

void video_request_keyframe(struct video *v)
{
    pthread_mutex_lock(&v->lock);
    v->keyframe_wanted = true;
    pthread_cond_signal(&v->wake);
    pthread_mutex_unlock(&v->lock);
}

void video_set_watched(struct video *v, bool watched)
{
    pthread_mutex_lock(&v->lock);
    v->watched = watched;
    pthread_cond_signal(&v->wake);
    pthread_mutex_unlock(&v->lock);
}

void video_set_bitrate(struct video *v, uint32_t bps)
{
    pthread_mutex_lock(&v->lock);
    v->bitrate_bps = bps;
    pthread_mutex_unlock(&v->lock);
}

void video_set_at_rest(struct video *v, bool at_rest)
{
    pthread_mutex_lock(&v->lock);
    if (v->at_rest != at_rest)
        v->refine_left = REFINE_FRAMES;
    v->refine_soon = at_rest;
    v->at_rest = at_rest;
    pthread_cond_signal(&v->wake);
    pthread_mutex_unlock(&v->lock);
}

void video_stats(struct video *v, struct video_stats *out)
{
    int64_t now = clock_mono_us();
    pthread_mutex_lock(&v->lock);
    *out          = v->stats;
    out->sent_bps = now - v->window_start_us < 3000000 ? v->sent_bps : 0;
    pthread_mutex_unlock(&v->lock);
}
