#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>

#include "bitstream.h"
#include "convert.h"
#include "encoder.h"
#include "frame.h"

// ------------------------------------------------------------------------------------------------- conversion

// BT.709-6 in real numbers: the oracle. Input 0..255.
static void yuv_of(double r, double g, double b, double out[3])
{
    double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    out[0]   = 16 + y * 219 / 255;
    out[1]   = 128 + (b - y) / 1.8556 * 224 / 255;
    out[2]   = 128 + (r - y) / 1.5748 * 224 / 255;
}

static void test_colours(void **state)
{
    static const uint8_t colours[][3] = { // r g b
        { 0, 0, 0 }, { 255, 255, 255 }, { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 },
        { 128, 128, 128 }, { 255, 255, 0 }, { 0, 255, 255 }, { 255, 0, 255 }, { 13, 200, 77 },
    };
    for (size_t c = 0; c < sizeof(colours) / sizeof(*colours); c++) {
        uint8_t bgra[2 * 64 * 4], y[2 * 64], u[32], v[32];
        double want[3];
        for (size_t i = 0; i < 2 * 64; i++) {
            bgra[4 * i]     = colours[c][2];
            bgra[4 * i + 1] = colours[c][1];
            bgra[4 * i + 2] = colours[c][0];
            bgra[4 * i + 3] = (uint8_t)(i * 7); // alpha must not matter
        }
        struct yuv_planes out = { y, u, v, 64, 32, 32 };
        convert_bgra_to_i420(bgra, 64 * 4, 64, 2, &out);
        yuv_of(colours[c][0], colours[c][1], colours[c][2], want);
        for (size_t i = 0; i < 2 * 64; i++)
            assert_true(abs((int)(y[i] * 256) - (int)(want[0] * 256)) <= 160);
        for (size_t i = 0; i < 32; i++) {
            assert_true(abs((int)(u[i] * 256) - (int)(want[1] * 256)) <= 160);
            assert_true(abs((int)(v[i] * 256) - (int)(want[2] * 256)) <= 160);
        }
    }
    // White and black are exact, and grey has no colour.
    uint8_t white[16], y[4], u[1], v[1];
    memset(white, 255, sizeof(white));
    convert_bgra_to_i420(white, 8, 2, 2, &(struct yuv_planes) { y, u, v, 2, 1, 1 });
    assert_int_equal(y[0], 235);
    assert_int_equal(u[0], 128);
    assert_int_equal(v[0], 128);
}

// The fast path equals plain C for every width that changes how its rows end, and writes nothing beside the picture.
static void test_fast_equals_plain(void **state)
{
    enum { MAX_W = 130, H = 6, GUARD = 0xa5 };
    static uint8_t bgra[H][MAX_W * 4 + 12], fast[3][H][MAX_W + 32], plain[3][H][MAX_W + 32];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(bgra); i++) {
        seed              = seed * 1664525 + 1013904223;
        ((uint8_t *)bgra)[i] = (uint8_t)(seed >> 24);
    }
    for (uint32_t w = 2; w <= MAX_W; w += 2) {
        memset(fast, GUARD, sizeof(fast));
        memset(plain, GUARD, sizeof(plain));
        struct yuv_planes f = { fast[0][0], fast[1][0], fast[2][0], MAX_W + 32, MAX_W + 32, MAX_W + 32 };
        struct yuv_planes p = { plain[0][0], plain[1][0], plain[2][0], MAX_W + 32, MAX_W + 32, MAX_W + 32 };
        convert_bgra_to_i420(bgra[0], sizeof(bgra[0]), w, H, &f);
        convert_bgra_to_i420_c(bgra[0], sizeof(bgra[0]), w, H, &p);
        assert_memory_equal(fast, plain, sizeof(fast));
    }
}

// ------------------------------------------------------------------------------------------------- frames

static void test_pool(void **state)
{
    struct frame_pool *pool = frame_pool_create(64, 32);
    struct frame *frames[MEDIA_POOL_FRAMES];
    for (size_t i = 0; i < MEDIA_POOL_FRAMES; i++)
        assert_non_null(frames[i] = frame_pool_get(pool));
    assert_null(frame_pool_get(pool));
    struct frame *second = frame_ref(frames[0]);
    frame_unref(&frames[0]);
    assert_null(frames[0]);
    assert_null(frame_pool_get(pool)); // still referenced
    frame_unref(&second);
    assert_non_null(frames[0] = frame_pool_get(pool));

    // Pixels that an encoder still holds are not handed out.
    AVFrame *held = av_frame_clone(frames[0]->av);
    frame_unref(&frames[0]);
    assert_null(frame_pool_get(pool));
    av_frame_free(&held);
    assert_non_null(frames[0] = frame_pool_get(pool));
    for (size_t i = 0; i < MEDIA_POOL_FRAMES; i++)
        frame_unref(&frames[i]);
    frame_pool_destroy(&pool);
    assert_null(pool);
}

// ------------------------------------------------------------------------------------------------- encoder

enum { W = 320, H = 192, FPS = 60 };

static void paint(struct frame *f, unsigned n)
{
    static uint8_t bgra[H][W][4];
    for (unsigned y = 0; y < H; y++)
        for (unsigned x = 0; x < W; x++) {
            bgra[y][x][0] = (uint8_t)(x + 3 * n);
            bgra[y][x][1] = (uint8_t)(y * 2 + n);
            bgra[y][x][2] = (uint8_t)((x ^ y) + n);
        }
    AVFrame *a = f->av;
    convert_bgra_to_i420(bgra[0][0], W * 4, W, H,
                         &(struct yuv_planes) { a->data[0], a->data[1], a->data[2], (size_t)a->linesize[0],
                                                (size_t)a->linesize[1], (size_t)a->linesize[2] });
}

static bool has_nal(const struct encoded *e, unsigned type)
{
    struct annexb_nal nal;
    for (size_t at = 0; annexb_next_nal(e->data, e->size, &at, &nal);)
        if (annexb_nal_type(&nal) == type)
            return true;
    return false;
}

static struct encoder *open_encoder(uint32_t bps)
{
    char error[ENCODER_ERROR_SIZE];
    struct encoder *e = encoder_create(&(struct encoder_params) { W, H, FPS, bps, "libx264", -1 }, error);
    assert_non_null(e);
    return e;
}

// One picture in gives one out at once; IDRs come first and on request only, each with its parameter sets, of a profile
// that 42e01f covers, with the colours described.
static void test_encoder_stream(void **state)
{
    struct encoder *e       = open_encoder(1000000);
    struct frame_pool *pool = frame_pool_create(W, H);
    struct encoded out;
    assert_string_equal(encoder_name(e), "libx264");
    for (unsigned n = 0; n < 200; n++) {
        bool want       = n == 0 || n == 50;
        struct frame *f = frame_pool_get(pool);
        paint(f, n);
        assert_int_equal(encoder_encode(e, f, n == 50, &out), 1);
        frame_unref(&f);
        assert_int_equal(out.keyframe, want);
        assert_int_equal(has_nal(&out, ANNEXB_NAL_IDR), want);
        assert_int_equal(has_nal(&out, ANNEXB_NAL_SPS), want);
        assert_int_equal(has_nal(&out, ANNEXB_NAL_PPS), want);
        struct annexb_nal nal;
        for (size_t at = 0; want && annexb_next_nal(out.data, out.size, &at, &nal);)
            if (annexb_nal_type(&nal) == ANNEXB_NAL_SPS) {
                assert_int_equal(nal.data[1], 66);         // baseline
                assert_int_equal(nal.data[2] & 0x40, 0x40); // constraint_set1: constrained
            }
    }
    encoder_destroy(&e);
    frame_pool_destroy(&pool);
}

static void test_encoder_colour_description(void **state)
{
    struct encoder *e       = open_encoder(2000000);
    struct frame_pool *pool = frame_pool_create(W, H);
    struct frame *f         = frame_pool_get(pool);
    struct encoded out;
    paint(f, 0);
    assert_int_equal(encoder_encode(e, f, true, &out), 1);
    AVCodecContext *d  = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    AVPacket *packet   = av_packet_alloc();
    AVFrame *picture   = av_frame_alloc();
    d->flags          |= AV_CODEC_FLAG_LOW_DELAY;
    d->thread_count    = 1;
    assert_int_equal(avcodec_open2(d, d->codec, NULL), 0);
    assert_int_equal(av_new_packet(packet, (int)out.size), 0);
    memcpy(packet->data, out.data, out.size);
    assert_int_equal(avcodec_send_packet(d, packet), 0);
    assert_int_equal(avcodec_send_packet(d, NULL), 0);
    assert_int_equal(avcodec_receive_frame(d, picture), 0);
    assert_int_equal(picture->colorspace, AVCOL_SPC_BT709);
    assert_int_equal(picture->color_range, AVCOL_RANGE_MPEG);
    assert_int_equal(picture->color_primaries, AVCOL_PRI_BT709);
    assert_int_equal(picture->color_trc, AVCOL_TRC_BT709);
    assert_int_equal(picture->width, W);
    assert_int_equal(picture->height, H);
    av_frame_free(&picture);
    av_packet_free(&packet);
    avcodec_free_context(&d);
    frame_unref(&f);
    frame_pool_destroy(&pool);
    encoder_destroy(&e);
}

static size_t bytes_of_frames(struct encoder *e, struct frame_pool *pool, unsigned *n, unsigned count, size_t *largest)
{
    size_t sum = 0;
    for (unsigned end = *n + count; *n < end; ++*n) {
        struct encoded out;
        struct frame *f = frame_pool_get(pool);
        paint(f, *n * 5);
        assert_int_equal(encoder_encode(e, f, false, &out), 1);
        frame_unref(&f);
        sum += out.size;
        if (out.size > *largest)
            *largest = out.size;
        assert_true(*n == 0 || !out.keyframe); // a change of rate makes no key frame
    }
    return sum;
}

// The rate follows at once and without a key frame, and no picture exceeds the buffer of one and a half frames by much.
static void test_encoder_rate(void **state)
{
    struct encoder *e       = open_encoder(3000000);
    struct frame_pool *pool = frame_pool_create(W, H);
    unsigned n              = 0;
    size_t largest          = 0;
    bytes_of_frames(e, pool, &n, 30, &largest);
    largest     = 0;
    size_t high = bytes_of_frames(e, pool, &n, 60, &largest);
    encoder_set_rate(e, 600000, FPS);
    bytes_of_frames(e, pool, &n, 10, &(size_t) { 0 });
    size_t low_largest = 0;
    size_t low         = bytes_of_frames(e, pool, &n, 60, &low_largest);
    assert_true(high * 8 < 3000000 * 1.15);
    assert_true(low * 8 < 600000 * 1.15);
    assert_true(low * 2 < high);
    assert_true(low_largest * 8 < 600000 / FPS * 2.0);
    encoder_destroy(&e);
    frame_pool_destroy(&pool);
}

static void test_encoder_unknown(void **state)
{
    char error[ENCODER_ERROR_SIZE] = "";
    assert_null(encoder_create(&(struct encoder_params) { W, H, FPS, 1000000, "h264_nonesuch", -1 }, error));
    assert_non_null(strstr(error, "no H.264 encoder"));
}

// ------------------------------------------------------------------------------------------------- byte streams

static void test_bitstream(void **state)
{
    static const uint8_t au[] = { 0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 0, 0, 1, 0x65, 5, 6, 0, 0 };
    struct annexb_nal nal;
    size_t at = 0;
    assert_true(annexb_next_nal(au, sizeof(au), &at, &nal));
    assert_int_equal(nal.size, 4);
    assert_int_equal(annexb_nal_type(&nal), ANNEXB_NAL_SPS);
    assert_true(annexb_next_nal(au, sizeof(au), &at, &nal));
    assert_int_equal(nal.size, 2);
    assert_true(annexb_next_nal(au, sizeof(au), &at, &nal));
    assert_int_equal(nal.size, 3); // trailing zeros are not part of it
    assert_int_equal(annexb_nal_type(&nal), ANNEXB_NAL_IDR);
    assert_false(annexb_next_nal(au, sizeof(au), &at, &nal));

    struct annexb_parameter_sets sets = { 0 };
    bool missing;
    static const uint8_t bare_idr[] = { 0, 0, 1, 0x65, 9 }, p[] = { 0, 0, 1, 0x41, 9 };
    assert_false(annexb_scan(&sets, bare_idr, sizeof(bare_idr), &missing)); // no parameter sets known yet
    assert_false(annexb_scan(&sets, p, sizeof(p), &missing));
    assert_true(annexb_scan(&sets, au, sizeof(au), &missing));
    assert_false(missing);
    assert_true(annexb_scan(&sets, bare_idr, sizeof(bare_idr), &missing));
    assert_true(missing);
    assert_int_equal(sets.sps_size, 4);
    // Every truncation is read without running over.
    for (size_t n = 0; n < sizeof(au); n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, au, n);
        annexb_scan(&sets, copy, n, &missing);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colours),         cmocka_unit_test(test_fast_equals_plain),
        cmocka_unit_test(test_pool),            cmocka_unit_test(test_encoder_stream),
        cmocka_unit_test(test_encoder_colour_description), cmocka_unit_test(test_encoder_rate),
        cmocka_unit_test(test_encoder_unknown), cmocka_unit_test(test_bitstream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
