// From submitted frame to access unit: who is encoded, when, and how often. Times are generous: machines are busy.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "clock.h"
#include "result.h"
#include "video.h"

enum { W = 320, H = 192, MAX_UNITS = 4096 };

struct tensor {
    void *data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

static struct output {
    pthread_mutex_t lock;
    size_t count, keyframes;
    int64_t times_us[MAX_UNITS], capture_us[MAX_UNITS];
    bool key[MAX_UNITS];
    size_t size[MAX_UNITS];
} out = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void take(void *user, struct access_unit *unit)
{
    pthread_mutex_lock(&out.lock);
    assert_true(out.count < MAX_UNITS);
    out.times_us[out.count]   = clock_mono_us();
    out.capture_us[out.count] = unit->capture_us;
    out.size[out.count]       = unit->size;
    out.key[out.count++]      = unit->keyframe;
    out.keyframes += unit->keyframe;
    pthread_mutex_unlock(&out.lock);
    free(unit);
}

static size_t units(void)
{
    pthread_mutex_lock(&out.lock);
    size_t n = out.count;
    pthread_mutex_unlock(&out.lock);
    return n;
}

static bool wait_units(size_t count, int timeout_ms)
{
    for (int i = 0; i < timeout_ms && units() < count; i++)
        usleep(1000);
    return units() >= count;
}

static uint8_t pixels[W * H * 4];

static ovstream_api_status_t submit(struct video *v, unsigned n, uint64_t timestamp_ns)
{
    int64_t shape[3] = { H, W, 4 };
    struct tensor t  = { pixels, 1, 0, 3, 1, 8, 1, shape, NULL, 0 };
    for (size_t i = 0; i < sizeof(pixels); i++)
        pixels[i] = (uint8_t)(i * 3 + i / 1024 * 7 + n * 5);
    ovstream_result_t r = video_submit(v, &(ovstream_video_frame_t) { .buffer = &t, .start_timestamp_ns = timestamp_ns });
    memset(pixels, 0, sizeof(pixels)); // the buffer is the caller's again
    return r.status;
}

static struct video *open_video(ovstream_video_input_t input, uint32_t bps)
{
    struct video *v = video_create(&(struct video_params) { .width = W, .height = H, .fps = 60, .input = input,
                                                            .cuda_device = -1, .bitrate_bps = bps, .output = take });
    assert_non_null(v);
    out.count = out.keyframes = 0;
    return v;
}

static void test_nobody_watches(void **state)
{
    struct video *v = open_video(OVSTREAM_VIDEO_INPUT_TENSOR, 2000000);
    struct video_stats st;
    for (unsigned n = 0; n < 5; n++)
        assert_int_equal(submit(v, n, 0), OVSTREAM_API_SUCCESS);
    usleep(100000);
    assert_int_equal(units(), 0);
    video_stats(v, &st);
    assert_int_equal(st.submitted, 5);
    assert_int_equal(st.dropped, 4);
    // The newest waits for whoever comes, and is a key frame.
    video_set_watched(v, true);
    video_request_keyframe(v);
    assert_true(wait_units(1, 2000));
    assert_true(out.key[0]);
    video_destroy(&v);
}

// A viewer that joins a picture at rest: a key frame without any new frame, then some more that sharpen it, then nothing.
static void test_joining_at_rest(void **state)
{
    struct video *v = open_video(OVSTREAM_VIDEO_INPUT_TENSOR, 2000000);
    video_set_watched(v, true);
    submit(v, 1, 0);
    assert_true(wait_units(10, 3000)); // the first, and nine more
    usleep(300000);
    size_t before = units();
    assert_true(before <= 12);
    video_request_keyframe(v);
    assert_true(wait_units(before + 1, 2000));
    assert_true(out.key[before]);
    assert_true(wait_units(before + 10, 3000));
    usleep(300000);
    assert_true(units() <= before + 12);
    for (size_t i = 1; i < units(); i++)
        assert_true(out.capture_us[i] > out.capture_us[i - 1]); // repeated pictures have times of their own
    video_destroy(&v);
}

static void test_keyframes_are_limited(void **state)
{
    struct video *v = open_video(OVSTREAM_VIDEO_INPUT_TENSOR, 2000000);
    video_set_watched(v, true);
    int64_t start = clock_mono_us();
    for (unsigned n = 0; n < 60; n++) {
        submit(v, n, 0);
        video_request_keyframe(v);
        usleep(10000);
    }
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    assert_true(wait_units(20, 2000));
    assert_true(out.keyframes >= 2);
    assert_true((double)out.keyframes <= seconds / 0.3 + 2);
    video_destroy(&v);
}

static void test_hint_static(void **state)
{
    struct video *v = open_video(OVSTREAM_VIDEO_INPUT_TENSOR, 2000000);
    video_set_watched(v, true);
    submit(v, 0, 0);
    assert_true(wait_units(1, 2000));
    video_set_at_rest(v, true);
    for (unsigned n = 0; n < 30; n++) { // the picture sharpens first
        submit(v, 0, 0);
        usleep(16000);
    }
    size_t before = units();
    assert_true(before >= 8 && before <= 16);
    for (unsigned n = 0; n < 100; n++) {
        submit(v, 0, 0);
        usleep(10000);
    }
    size_t slow = units() - before;
    assert_true(slow >= 1 && slow <= 4); // about two a second
    video_set_at_rest(v, false);
    before        = units();
    int64_t start = clock_mono_us();
    submit(v, 7, 0);
    assert_true(wait_units(before + 1, 2000));
    assert_true(out.times_us[before] - start < 200000); // with the next frame, not with the next half second
    video_destroy(&v);
}

// At a bitrate that cannot carry every frame well, fewer are encoded.
static void test_low_bitrate(void **state)
{
    // 0.02 bits a pixel: 24.6 kbit/s for 20 frames a second of this size.
    struct video *v = open_video(OVSTREAM_VIDEO_INPUT_TENSOR, 24600);
    video_set_watched(v, true);
    int64_t start = clock_mono_us();
    for (unsigned n = 0; n < 60; n++) {
        submit(v, n, 0);
        usleep(16000);
    }
    double fps = (double)units() / ((double)(clock_mono_us() - start) / 1e6);
    assert_true(fps > 5 && fps < 30);
    video_destroy(&v);
}

static void test_timestamps(void **state)
{
    struct video *v = open_video(OVSTREAM_VIDEO_INPUT_TENSOR, 2000000);
    video_set_watched(v, true);
    uint64_t mine = (uint64_t)clock_mono_ns() - 5000000;
    submit(v, 0, mine);
    assert_true(wait_units(1, 2000));
    assert_int_equal(out.capture_us[0], mine / 1000);
    int64_t before = clock_mono_us();
    submit(v, 1, 0); // 0: the library chooses
    assert_true(wait_units(2, 2000));
    assert_true(out.capture_us[1] >= before && out.capture_us[1] <= clock_mono_us());
    video_destroy(&v);
}

// Input that is encoded already goes through untouched, with parameter sets put before a bare key frame.
static void test_h264_pass_through(void **state)
{
    static uint8_t first[] = { 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 4 };
    static uint8_t delta[] = { 0, 0, 0, 1, 0x41, 5 }, bare[] = { 0, 0, 0, 1, 0x65, 6 };
    struct video *v        = open_video(OVSTREAM_VIDEO_INPUT_H264, 2000000);
    struct {
        uint8_t *data;
        uint32_t size;
        bool key;
        size_t out_size;
    } rows[] = { { first, sizeof(first), true, sizeof(first) }, { delta, sizeof(delta), false, sizeof(delta) },
                 { bare, sizeof(bare), true, sizeof(bare) + 4 + 3 + 4 + 2 } };
    video_set_watched(v, true);
    for (size_t i = 0; i < 3; i++) {
        ovstream_video_frame_t f = { .buffer = rows[i].data, .size_bytes = rows[i].size };
        assert_int_equal(video_submit(v, &f).status, OVSTREAM_API_SUCCESS);
        assert_int_equal(units(), i + 1);
        assert_int_equal(out.key[i], rows[i].key);
        assert_int_equal(out.size[i], rows[i].out_size);
    }
    video_set_watched(v, false);
    assert_int_equal(video_submit(v, &(ovstream_video_frame_t) { .buffer = delta, .size_bytes = sizeof(delta) }).status, 0);
    assert_int_equal(units(), 3);
    video_destroy(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_watches), cmocka_unit_test(test_joining_at_rest),
        cmocka_unit_test(test_keyframes_are_limited), cmocka_unit_test(test_hint_static),
        cmocka_unit_test(test_low_bitrate), cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_h264_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
