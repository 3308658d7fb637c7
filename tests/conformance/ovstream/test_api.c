// The ovstream API's tables without a network peer: results, last errors, states, arguments, log thresholds, callbacks'
// guarantees on stop. Section numbers are those of the behavioural contract.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ovstream/ovstream.h"
#include "ovstream/ovstream_client.h"
#include "ovstream/ovstream_cudashm_client.h"
#include "ovstream/ovstream_ext.h"
#include "ovstream/ovstream_shm_client.h"

#define STRING(s) OVSTREAM_STRING_LITERAL(s)

// Section 1: every failure has a text, every success leaves it empty, and the text ends with a zero byte.
static void expect_at(int line, ovstream_result_t r, ovstream_api_status_t want)
{
    ovstream_string_t text = ovstream_get_last_error();
    if (r.status != want)
        fail_msg("line %d: status %d, %d expected (%s)", line, r.status, want, text.ptr);
    assert_non_null(text.ptr);
    assert_int_equal(text.ptr[text.length], 0);
    assert_int_equal(text.length > 0, want != OVSTREAM_API_SUCCESS);
    assert_int_equal(ovstream_get_last_error().length, text.length); // reading does not clear it
}
#define EXPECT(status, call) expect_at(__LINE__, call, OVSTREAM_API_##status)

static ovstream_server_t *create(void)
{
    ovstream_server_t *s = NULL;
    EXPECT(SUCCESS, ovstream_create_server(OVSTREAM_SERVER_WEBRTC, &s));
    EXPECT(SUCCESS, ovstream_ext_set_any_port(s, true));
    return s;
}

static ovstream_server_config_t config_of(ovstream_video_input_t input)
{
    ovstream_server_config_t c;
    EXPECT(SUCCESS, ovstream_config_defaults(&c));
    c.width       = 640;
    c.height      = 360;
    c.video_input = input;
    return c;
}

struct tensor {
    void *data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

static int setup(void **state) { return ovstream_initialize(NULL).status; }
static int teardown(void **state) { return ovstream_shutdown().status; }

// ------------------------------------------------------------------------------------------------- library

static void test_library(void **state)
{
    uint32_t major = 9, minor = 9, patch = 9;
    ovstream_get_version(NULL, NULL, NULL); // before initialise, too
    ovstream_get_version(&major, &minor, &patch);
    assert_int_equal(major, OVSTREAM_VERSION_MAJOR);
    assert_int_equal(minor, OVSTREAM_VERSION_MINOR);
    assert_int_equal(patch, OVSTREAM_VERSION_PATCH);
    ovstream_server_t *s = (ovstream_server_t *)&major;
    EXPECT(INVALID_STATE, ovstream_create_server(OVSTREAM_SERVER_WEBRTC, &s));
    assert_ptr_equal(s, &major); // out-parameters are written on success only
    EXPECT(INVALID_STATE, ovstream_shutdown());
    EXPECT(SUCCESS, ovstream_initialize(NULL));
    EXPECT(SUCCESS, ovstream_initialize(NULL));
    EXPECT(SUCCESS, ovstream_shutdown());
    s = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    EXPECT(SUCCESS, ovstream_start(s, &c));
    EXPECT(SUCCESS, ovstream_shutdown()); // stops the server and keeps the handle
    EXPECT(INVALID_STATE, ovstream_shutdown());
    EXPECT(INVALID_STATE, ovstream_stop(s));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static struct {
    int count[6];
    char last_channel[64];
    double last_time;
    int user;
} logged;

static void on_log(ovstream_log_level_t severity, ovstream_string_t message, ovstream_string_t channel, double timestamp,
                   void *user)
{
    assert_true(severity > OVSTREAM_LOG_DEFAULT && severity < OVSTREAM_LOG_NONE);
    assert_int_equal(message.ptr[message.length], 0);
    assert_int_equal(channel.ptr[channel.length], 0);
    assert_true(timestamp > 0);
    __atomic_add_fetch(&logged.count[severity], 1, __ATOMIC_RELAXED);
    logged.user = *(int *)user;
    snprintf(logged.last_channel, sizeof(logged.last_channel), "%s", channel.ptr);
}

// Start and stop log at INFO; a busy port at ERROR.
static void provoke_logs(void)
{
    ovstream_server_t *a = create(), *b = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    EXPECT(SUCCESS, ovstream_start(a, &c));
    uint16_t port;
    EXPECT(SUCCESS, ovstream_ext_get_ports(a, &port, NULL));
    c.webrtc.signal_port = port;
    EXPECT(ERROR, ovstream_start(b, &c));
    EXPECT(SUCCESS, ovstream_destroy_server(a));
    EXPECT(SUCCESS, ovstream_destroy_server(b));
}

static void test_log_threshold(void **state)
{
    static const struct {
        ovstream_log_level_t threshold;
        bool info, error;
    } rows[] = {
        { OVSTREAM_LOG_DEFAULT, false, true }, { OVSTREAM_LOG_VERBOSE, true, true }, { OVSTREAM_LOG_INFO, true, true },
        { OVSTREAM_LOG_WARNING, false, true }, { OVSTREAM_LOG_ERROR, false, true },  { OVSTREAM_LOG_NONE, false, false },
    };
    int first = 1, second = 2;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memset(&logged, 0, sizeof(logged));
        EXPECT(SUCCESS, ovstream_initialize(&(ovstream_init_config_t) { on_log, &first, rows[i].threshold }));
        // Ignored: only the first call sets the log up.
        EXPECT(SUCCESS, ovstream_initialize(&(ovstream_init_config_t) { on_log, &second, OVSTREAM_LOG_VERBOSE }));
        provoke_logs();
        EXPECT(SUCCESS, ovstream_shutdown());
        EXPECT(SUCCESS, ovstream_shutdown());
        assert_int_equal(logged.count[OVSTREAM_LOG_INFO] > 0, rows[i].info);
        assert_int_equal(logged.count[OVSTREAM_LOG_ERROR] > 0, rows[i].error);
        assert_true(!rows[i].error || (logged.user == 1 && !strncmp(logged.last_channel, "ovstream.", 9)));
    }
    EXPECT(INVALID_ARGUMENT, ovstream_initialize(&(ovstream_init_config_t) { on_log, &first, (ovstream_log_level_t)6 }));
}

// ------------------------------------------------------------------------------------------------- life

static void test_create(void **state)
{
    ovstream_server_t *s = NULL;
    EXPECT(INVALID_ARGUMENT, ovstream_create_server(OVSTREAM_SERVER_WEBRTC, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_create_server((ovstream_server_type_t)5, &s));
    EXPECT(INVALID_ARGUMENT, ovstream_create_server((ovstream_server_type_t)-1, &s));
    for (int type = OVSTREAM_SERVER_NATIVE; type <= OVSTREAM_SERVER_CUDASHM; type++) {
        EXPECT(NOT_SUPPORTED, ovstream_create_server((ovstream_server_type_t)type, &s));
        assert_non_null(strstr(ovstream_get_last_error().ptr, "not built"));
    }
    assert_null(s);
    EXPECT(SUCCESS, ovstream_destroy_server(NULL));
    s = create();
    EXPECT(SUCCESS, ovstream_destroy_server(s));
    EXPECT(INVALID_STATE, ovstream_destroy_server(s)); // recognised without touching its memory
    EXPECT(INVALID_ARGUMENT, ovstream_stop(s));
}

// Section 3's table.
static void test_states(void **state)
{
    static uint8_t pixels[640 * 360 * 4];
    int64_t shape[3]           = { 360, 640, 4 };
    struct tensor t            = { pixels, 1, 0, 3, 1, 8, 1, shape, NULL, 0 };
    ovstream_video_frame_t f   = { .buffer = &t };
    ovstream_audio_frame_t a   = { pixels, 480 * 4, 2, 48000, 16 };
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    ovstream_server_t *s       = create();
    for (int round = 0; round < 2; round++) { // CREATED, then STOPPED
        bool connected = true;
        EXPECT(INVALID_STATE, ovstream_stop(s));
        EXPECT(INVALID_STATE, ovstream_stream_video(s, &f));
        EXPECT(INVALID_STATE, ovstream_stream_audio(s, &a));
        EXPECT(INVALID_STATE, ovstream_send_message(s, STRING("x")));
        EXPECT(INVALID_STATE, ovstream_ext_get_ports(s, NULL, NULL));
        EXPECT(SUCCESS, ovstream_is_client_connected(s, &connected));
        assert_false(connected);
        EXPECT(SUCCESS, ovstream_set_connection_callback(s, NULL, NULL));
        EXPECT(SUCCESS, ovstream_webrtc_set_ice_servers(s, NULL));

        EXPECT(SUCCESS, ovstream_start(s, &c));
        EXPECT(INVALID_STATE, ovstream_start(s, &c));
        EXPECT(SUCCESS, ovstream_stream_video(s, &f)); // nobody watches: accepted
        EXPECT(INVALID_STATE, ovstream_stream_audio(s, &a));
        EXPECT(SUCCESS, ovstream_send_message(s, STRING("x"))); // nobody there: nothing sent
        EXPECT(ERROR, ovstream_ext_send_message_to(s, 1, STRING("x")));
        connected = true;
        EXPECT(SUCCESS, ovstream_is_client_connected(s, &connected));
        assert_false(connected);
        EXPECT(SUCCESS, ovstream_set_message_callback(s, NULL, NULL));
        EXPECT(SUCCESS, ovstream_webrtc_set_ice_servers(s, NULL));
        ovstream_ext_stats_t stats = { .struct_size = sizeof(stats) };
        EXPECT(SUCCESS, ovstream_ext_get_stats(s, &stats));
        assert_int_equal(stats.frames_submitted, 1);
        assert_int_equal(stats.struct_size, sizeof(stats));
        EXPECT(SUCCESS, ovstream_stop(s));
    }
    EXPECT(SUCCESS, ovstream_start(s, &c));
    EXPECT(SUCCESS, ovstream_destroy_server(s)); // stops first
}

static void test_nulls(void **state)
{
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    ovstream_video_frame_t f   = { 0 };
    ovstream_audio_frame_t a   = { 0 };
    bool flag;
    EXPECT(INVALID_ARGUMENT, ovstream_config_defaults(NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_start(NULL, &c));
    EXPECT(INVALID_ARGUMENT, ovstream_start(s, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_stop(NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(NULL, &f));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &f)); // null buffer comes before the state
    EXPECT(INVALID_ARGUMENT, ovstream_stream_audio(NULL, &a));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_audio(s, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_audio(s, &a));
    EXPECT(INVALID_ARGUMENT, ovstream_is_client_connected(NULL, &flag));
    EXPECT(INVALID_ARGUMENT, ovstream_is_client_connected(s, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_send_message(NULL, STRING("x")));
    EXPECT(INVALID_ARGUMENT, ovstream_set_connection_callback(NULL, NULL, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_set_message_callback(NULL, NULL, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_set_input_callback(NULL, NULL, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_set_unicode_callback(NULL, NULL, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_webrtc_set_ice_servers(NULL, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_ext_set_bitrate(s, 5, 4, 6));
    EXPECT(INVALID_ARGUMENT, ovstream_ext_set_bitrate(s, 0, 7, 6));
    EXPECT(SUCCESS, ovstream_ext_set_bitrate(s, 1000000, 2000000, 3000000));
    EXPECT(INVALID_ARGUMENT, ovstream_ext_set_listen_address(s, STRING("localhost")));
    EXPECT(SUCCESS, ovstream_ext_set_listen_address(s, STRING("127.0.0.1")));
    EXPECT(INVALID_ARGUMENT, ovstream_ext_get_stats(s, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_ext_get_stats(s, &(ovstream_ext_stats_t) { 0 }));
    assert_int_equal(ovstream_ext_current_client(s), 0);
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static void test_defaults(void **state)
{
    ovstream_server_config_t c;
    memset(&c, 0xff, sizeof(c));
    EXPECT(SUCCESS, ovstream_config_defaults(&c));
    assert_int_equal(c.width, 1920);
    assert_int_equal(c.height, 1080);
    assert_int_equal(c.target_fps, 60);
    assert_int_equal(c.stream_port, 0);
    assert_int_equal(c.video_input, OVSTREAM_VIDEO_INPUT_CUDA);
    assert_int_equal(c.cuda_device, -1);
    assert_int_equal(c.cuda_context, 0);
    assert_int_equal(c.webrtc.signal_port, 0);
    assert_int_equal(c.webrtc.public_ip.length, 0);
    assert_int_equal(c.cudashm.slot_count, 0);
}

static void test_start_arguments(void **state)
{
    ovstream_server_t *s             = create();
    const ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    struct {
        ovstream_server_config_t config;
        ovstream_api_status_t want;
    } rows[] = {
        { c, OVSTREAM_API_INVALID_ARGUMENT }, { c, OVSTREAM_API_INVALID_ARGUMENT }, { c, OVSTREAM_API_INVALID_ARGUMENT },
        { c, OVSTREAM_API_INVALID_ARGUMENT }, { c, OVSTREAM_API_INVALID_ARGUMENT }, { c, OVSTREAM_API_INVALID_ARGUMENT },
        { c, OVSTREAM_API_NOT_SUPPORTED },    { c, OVSTREAM_API_NOT_SUPPORTED },    { c, OVSTREAM_API_NOT_SUPPORTED },
        { c, OVSTREAM_API_INVALID_ARGUMENT }, { c, OVSTREAM_API_INVALID_ARGUMENT }, { c, OVSTREAM_API_INVALID_ARGUMENT },
    };
    rows[0].config.width            = 0;
    rows[1].config.height           = 0;
    rows[2].config.width            = 641;
    rows[3].config.height           = 361;
    rows[4].config.video_input      = (ovstream_video_input_t)6;
    rows[5].config.video_input      = (ovstream_video_input_t)-1;
    rows[6].config.video_input      = OVSTREAM_VIDEO_INPUT_CUSTOM;
    rows[7].config.video_input      = OVSTREAM_VIDEO_INPUT_H265; // not built yet
    rows[8].config.video_input      = OVSTREAM_VIDEO_INPUT_AV1;
    rows[9].config.webrtc.public_ip = STRING("no address");
    rows[10].config.webrtc.public_ip = (ovstream_string_t) { NULL, 3 };
    rows[11].config.width            = 1u << 20;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        ovstream_result_t r = ovstream_start(s, &rows[i].config);
        if (r.status != rows[i].want)
            fail_msg("row %zu: %d (%s)", i, r.status, ovstream_get_last_error().ptr);
        assert_true(ovstream_get_last_error().length > 0);
    }
    EXPECT(SUCCESS, ovstream_start(s, &c)); // the handle is still good
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static size_t count_entries(const char *folder)
{
    size_t n = 0;
    DIR *d   = opendir(folder);
    while (d && readdir(d))
        n++;
    closedir(d);
    return n;
}

// A failed start leaves nothing behind, the first server is undisturbed, and the ports are free right after stop.
static void test_ports(void **state)
{
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    ovstream_server_t *a = create(), *b = create();
    uint16_t signal_port, media_port;
    EXPECT(SUCCESS, ovstream_start(a, &c));
    EXPECT(SUCCESS, ovstream_ext_get_ports(a, &signal_port, &media_port));
    char number[16];
    size_t handles = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    c.webrtc.signal_port = signal_port;
    EXPECT(ERROR, ovstream_start(b, &c));
    snprintf(number, sizeof(number), "%u", signal_port);
    assert_non_null(strstr(ovstream_get_last_error().ptr, number));
    assert_non_null(strstr(ovstream_get_last_error().ptr, "Address already in use"));
    c.webrtc.signal_port = 0;
    c.stream_port        = media_port;
    EXPECT(ERROR, ovstream_start(b, &c));
    snprintf(number, sizeof(number), "%u", media_port);
    assert_non_null(strstr(ovstream_get_last_error().ptr, number));
    assert_int_equal(count_entries("/proc/self/fd"), handles);
    assert_int_equal(count_entries("/proc/self/task"), threads);
    EXPECT(SUCCESS, ovstream_stop(a));
    c.webrtc.signal_port = signal_port;
    for (int i = 0; i < 50; i++) { // the same ports, fifty times in a row
        ovstream_server_t *s = i & 1 ? a : b;
        EXPECT(SUCCESS, ovstream_start(s, &c));
        EXPECT(SUCCESS, ovstream_stop(s));
    }
    EXPECT(SUCCESS, ovstream_destroy_server(a));
    EXPECT(SUCCESS, ovstream_destroy_server(b));
}

static bool reachable(const char *address, uint16_t port)
{
    bool v6                = strchr(address, ':');
    struct sockaddr_in v4  = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? (void *)&a6.sin6_addr : (void *)&v4.sin_addr);
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    int rc = v6 ? connect(fd, (struct sockaddr *)&a6, sizeof(a6)) : connect(fd, (struct sockaddr *)&v4, sizeof(v4));
    close(fd);
    return rc == 0;
}

// Loopback by default; loopback's other addresses stand for another interface.
static void test_listen_address(void **state)
{
    static const struct {
        const char *listen, *public_ip;
        bool everywhere;
    } rows[] = { { "", "", false },          { "", "127.0.0.1", false }, { "0.0.0.0", "", true },
                 { "", "203.0.113.7", true }, { "::", "", true },         { "127.0.0.1", "203.0.113.7", false } };
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    uint16_t port;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        EXPECT(SUCCESS, ovstream_ext_set_listen_address(s, (ovstream_string_t) { rows[i].listen, strlen(rows[i].listen) }));
        c.webrtc.public_ip  = (ovstream_string_t) { rows[i].public_ip, strlen(rows[i].public_ip) };
        ovstream_result_t r = ovstream_start(s, &c);
        if (r.status == OVSTREAM_API_ERROR && !strcmp(rows[i].listen, "::"))
            continue; // a machine without IPv6
        assert_int_equal(r.status, OVSTREAM_API_SUCCESS);
        EXPECT(SUCCESS, ovstream_ext_get_ports(s, &port, NULL));
        assert_true(reachable("127.0.0.1", port));
        assert_int_equal(reachable("127.0.0.2", port), rows[i].everywhere);
        if (!strcmp(rows[i].listen, "::"))
            assert_true(reachable("::1", port));
        EXPECT(SUCCESS, ovstream_stop(s));
    }
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

// ------------------------------------------------------------------------------------------------- frames

static void test_tensor_rules(void **state)
{
    static uint8_t pixels[2 * 700 * 360 * 4];
    int64_t good_shape[3] = { 360, 640, 4 }, shape3[3] = { 360, 640, 3 }, swapped[3] = { 640, 360, 4 };
    int64_t padded[3] = { 700 * 4, 4, 1 }, tight[3] = { 640 * 4 - 4, 4, 1 }, planar[3] = { 640 * 4, 1, 640 };
    const struct tensor good = { pixels, 1, 0, 3, 1, 8, 1, good_shape, NULL, 0 };
    struct {
        struct tensor t;
        bool ok;
    } rows[12];
    for (size_t i = 0; i < 12; i++)
        rows[i].t = good, rows[i].ok = i < 3;
    rows[1].t.strides     = padded;
    rows[2].t.byte_offset = 4096;
    rows[3].t.ndim        = 2;
    rows[4].t.shape       = shape3;
    rows[5].t.shape       = swapped;
    rows[6].t.code        = 2;
    rows[7].t.bits        = 16;
    rows[8].t.lanes       = 4;
    rows[9].t.strides     = tight;
    rows[10].t.strides    = planar;
    rows[11].t.device_type = 7;
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    EXPECT(SUCCESS, ovstream_start(s, &c));
    for (size_t i = 0; i < 12; i++) {
        // All four size fields are ignored.
        ovstream_video_frame_t f = { .buffer = &rows[i].t, .width = 1, .pitch_bytes = 3, .size_bytes = 7 };
        ovstream_result_t r      = ovstream_stream_video(s, &f);
        if (r.status != (rows[i].ok ? OVSTREAM_API_SUCCESS : OVSTREAM_API_INVALID_ARGUMENT))
            fail_msg("row %zu: %d (%s)", i, r.status, ovstream_get_last_error().ptr);
    }
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static void test_cuda_rules(void **state)
{
    static uint8_t pixels[640 * 360 * 4];
    const ovstream_video_frame_t good = { .buffer = pixels, .width = 640, .height = 360, .pitch_bytes = 2560 };
    ovstream_video_frame_t f;
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_CUDA);
    EXPECT(SUCCESS, ovstream_start(s, &c)); // a machine without CUDA may start
    f             = good;
    f.pitch_bytes = 0;
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &f));
    f            = good;
    f.size_bytes = 1;
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &f));
    f             = good;
    f.pitch_bytes = 2556;
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &f));
    f       = good;
    f.width = 638;
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &f));
    // Right in form, but host memory (or no driver at all): a failure with a text, never a crash.
    EXPECT(ERROR, ovstream_stream_video(s, &good));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static void test_encoded_rules(void **state)
{
    static uint8_t au[] = { 0, 0, 0, 1, 0x65, 1, 2, 3 };
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_H264);
    EXPECT(SUCCESS, ovstream_start(s, &c));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &(ovstream_video_frame_t) { .buffer = au }));
    EXPECT(INVALID_ARGUMENT, ovstream_stream_video(s, &(ovstream_video_frame_t) { .buffer = au, .size_bytes = 8, .pitch_bytes = 4 }));
    // Width and height are not looked at.
    EXPECT(SUCCESS, ovstream_stream_video(s, &(ovstream_video_frame_t) { .buffer = au, .size_bytes = 8, .width = 3 }));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static void test_audio_rules(void **state)
{
    static uint8_t pcm[4096];
    const ovstream_audio_frame_t good = { pcm, 1920, 2, 48000, 16 };
    ovstream_audio_frame_t rows[5]    = { good, good, good, good, good };
    rows[0].bits_per_sample           = 24;
    rows[1].channels                  = 0;
    rows[2].sample_rate               = 0;
    rows[3].size_bytes                = 1918;
    rows[4].buffer                    = NULL;
    ovstream_server_t *s              = create();
    for (size_t i = 0; i < 5; i++)
        EXPECT(INVALID_ARGUMENT, ovstream_stream_audio(s, &rows[i]));
    EXPECT(INVALID_STATE, ovstream_stream_audio(s, &good));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

static void test_messages(void **state)
{
    static char text[65537];
    memset(text, 'x', sizeof(text));
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    EXPECT(INVALID_ARGUMENT, ovstream_send_message(s, (ovstream_string_t) { NULL, 0 })); // before the state
    EXPECT(SUCCESS, ovstream_start(s, &c));
    EXPECT(INVALID_ARGUMENT, ovstream_send_message(s, (ovstream_string_t) { text, 0 }));
    EXPECT(INVALID_ARGUMENT, ovstream_send_message(s, (ovstream_string_t) { NULL, 4 }));
    EXPECT(SUCCESS, ovstream_send_message(s, (ovstream_string_t) { text, 65535 }));
    EXPECT(INVALID_ARGUMENT, ovstream_send_message(s, (ovstream_string_t) { text, 65536 }));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

// ------------------------------------------------------------------------------------------------- threads

static void *fail_often(void *user)
{
    for (int i = 0; i < 20000; i++) {
        ovstream_server_t *out = NULL;
        (void)ovstream_create_server((ovstream_server_type_t)(100 + *(int *)user), &out);
        char number[16];
        snprintf(number, sizeof(number), "(%d)", 100 + *(int *)user);
        if (!strstr(ovstream_get_last_error().ptr, number))
            return (void *)1; // another thread's text
    }
    return NULL;
}

static void test_last_error_per_thread(void **state)
{
    pthread_t threads[2];
    int numbers[2] = { 1, 2 };
    void *wrong;
    (void)ovstream_stop(NULL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fail_often, &numbers[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_non_null(strstr(ovstream_get_last_error().ptr, "ovstream_stop"));
}

struct submitter {
    ovstream_server_t *server;
    ovstream_video_frame_t frame;
    int failures;
};

static void *submit_often(void *user)
{
    struct submitter *u = user;
    for (int i = 0; i < 200; i++)
        u->failures += !OVSTREAM_OK(ovstream_stream_video(u->server, &u->frame));
    return NULL;
}

// Submitting, sending and setting at the same time on one server.
static void test_simultaneous(void **state)
{
    static uint8_t pixels[2][640 * 360 * 4];
    int64_t shape[3]           = { 360, 640, 4 };
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    ovstream_server_t *s       = create();
    EXPECT(SUCCESS, ovstream_start(s, &c));
    struct tensor t[2];
    struct submitter u[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        t[i] = (struct tensor) { pixels[i], 1, 0, 3, 1, 8, 1, shape, NULL, 0 };
        u[i] = (struct submitter) { s, { .buffer = &t[i] }, 0 };
        pthread_create(&threads[i], NULL, submit_often, &u[i]);
    }
    for (int i = 0; i < 200; i++) {
        EXPECT(SUCCESS, ovstream_send_message(s, STRING("hello")));
        EXPECT(SUCCESS, ovstream_set_input_callback(s, NULL, NULL));
        EXPECT(SUCCESS, ovstream_ext_hint_static(s, i & 1));
        EXPECT(SUCCESS, ovstream_ext_set_bitrate(s, 0, 0, 1000000 + (uint32_t)i));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(u[i].failures, 0);
    }
    ovstream_ext_stats_t stats = { .struct_size = 24 }; // an older program's, shorter struct
    EXPECT(SUCCESS, ovstream_ext_get_stats(s, &stats));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

// ------------------------------------------------------------------------------------------------- the ports, from outside

// One HTTP request; the whole answer, NUL-terminated.
static void ask(uint16_t port, const char *request, char *answer, size_t size)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd                = socket(AF_INET, SOCK_STREAM, 0);
    size_t have           = 0;
    ssize_t n;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval) { 5, 0 }, sizeof(struct timeval));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while (have + 1 < size && (n = read(fd, answer + have, size - 1 - have)) > 0)
        have += (size_t)n;
    answer[have] = '\0';
    close(fd);
}

#define HOST "Host: 127.0.0.1\r\nConnection: close\r\n"
#define SDP_TYPE "Content-Type: application/sdp\r\n"

static void test_http(void **state)
{
    static char big_request[70000];
    const struct {
        const char *request;
        int status;
        const char *holds;
    } rows[] = {
        { "GET / HTTP/1.1\r\n" HOST "\r\n", 200, "/whep" },
        { "GET /nonesuch HTTP/1.1\r\n" HOST "\r\n", 404, "" },
        { "GET /whep HTTP/1.1\r\n" HOST "\r\n", 405, "Allow: POST" },
        { "PATCH /whep/0123 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405, "Allow: DELETE" },
        { "DELETE /whep/0123 HTTP/1.1\r\n" HOST "\r\n", 404, "" },
        { "POST /whep HTTP/1.1\r\n" HOST SDP_TYPE "Content-Length: 1\r\n\r\nx", 400, "line 1" },
        { "POST /whep HTTP/1.1\r\n" HOST SDP_TYPE "Content-Length: 0\r\n\r\n", 400, "" },
        { "POST /whep HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", 415, "Accept-Post" },
        { "POST /whep HTTP/1.1\r\n" HOST SDP_TYPE "Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n", 413, "" },
        { big_request, 413, "" },
        { "POST /whep HTTP/1.1\r\n" HOST SDP_TYPE "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 411, "" },
        { "POST /whep HTTP/1.1\r\n" HOST SDP_TYPE "Origin: http://evil.example\r\nContent-Length: 1\r\n\r\nx", 403, "" },
        { "POST /whep HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n" SDP_TYPE "Content-Length: 1\r\n\r\nx", 403, "" },
        { "OPTIONS /whep HTTP/1.1\r\n" HOST "Origin: http://localhost:3\r\n\r\n", 204,
          "Access-Control-Allow-Origin: http://localhost:3" },
        { "OPTIONS /whep HTTP/1.1\r\n" HOST "\r\n", 204,
          "<turn:t.example>; rel=\"ice-server\"; username=\"a\\\"b\"; credential=\"cd\"" }, // the line break is left out
        { "GET /ws HTTP/1.1\r\n" HOST "\r\n", 400, "" },
    };
    static char answer[16384];
    int head = snprintf(big_request, sizeof(big_request), "POST /whep HTTP/1.1\r\n" HOST SDP_TYPE "Content-Length: 65537\r\n\r\n");
    memset(big_request + head, 'v', 65537);
    ovstream_server_t *s               = create();
    ovstream_server_config_t c         = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    ovstream_webrtc_ice_server_t entry = { STRING("stun:s.example,turn:t.example"), STRING("a\"b"), STRING("c\r\nd") };
    uint16_t port;
    EXPECT(SUCCESS, ovstream_webrtc_set_ice_servers(s, &(ovstream_webrtc_ice_config_t) { &entry, 1 }));
    EXPECT(SUCCESS, ovstream_start(s, &c));
    EXPECT(SUCCESS, ovstream_ext_get_ports(s, &port, NULL));
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        ask(port, rows[i].request, answer, sizeof(answer));
        if (atoi(answer + 9) != rows[i].status || !strstr(answer, rows[i].holds))
            fail_msg("row %zu: %d with \"%s\" expected, got:\n%s", i, rows[i].status, rows[i].holds, answer);
    }
    EXPECT(SUCCESS, ovstream_webrtc_set_ice_servers(s, NULL)); // a list replaced while running
    ask(port, rows[14].request, answer, sizeof(answer));
    assert_null(strstr(answer, "ice-server"));
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

// Anything may arrive on the media port; the server goes on.
static void test_garbage_datagrams(void **state)
{
    ovstream_server_t *s       = create();
    ovstream_server_config_t c = config_of(OVSTREAM_VIDEO_INPUT_TENSOR);
    uint16_t signal_port, media_port;
    static char answer[4096], data[2000];
    EXPECT(SUCCESS, ovstream_start(s, &c));
    EXPECT(SUCCESS, ovstream_ext_get_ports(s, &signal_port, &media_port));
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(media_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd                = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned seed         = 1;
    for (int i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizeof(data); k++)
            data[k] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
        data[0] = (char)(i & 1 ? i % 4 : i); // STUN's range every second time
        sendto(fd, data, (size_t)(i % 2000), 0, (struct sockaddr *)&to, sizeof(to));
    }
    close(fd);
    ask(signal_port, "GET / HTTP/1.1\r\n" HOST "\r\n", answer, sizeof(answer));
    assert_int_equal(atoi(answer + 9), 200);
    bool connected = true;
    EXPECT(SUCCESS, ovstream_is_client_connected(s, &connected));
    assert_false(connected);
    EXPECT(SUCCESS, ovstream_destroy_server(s));
}

// ------------------------------------------------------------------------------------------------- consumers

static void test_clients(void **state)
{
    ovstream_client_t *client        = NULL;
    ovstream_shm_client_t *shm       = NULL;
    ovstream_cudashm_client_t *cshm  = NULL;
    ovstream_client_config_t config  = { 0 };
    EXPECT(INVALID_ARGUMENT, ovstream_create_client(OVSTREAM_CLIENT_SHM, NULL, &client));
    EXPECT(INVALID_ARGUMENT, ovstream_create_client(OVSTREAM_CLIENT_SHM, &config, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_create_client((ovstream_client_type_t)3, &config, &client));
    for (int type = 0; type < 3; type++)
        EXPECT(INVALID_ARGUMENT, ovstream_create_client((ovstream_client_type_t)type, &config, &client)); // empty name
    config.shm.stream_name = config.cudashm.stream_name = config.native.server_ip = STRING("name");
    for (int type = 0; type < 3; type++)
        EXPECT(NOT_SUPPORTED, ovstream_create_client((ovstream_client_type_t)type, &config, &client));
    EXPECT(INVALID_ARGUMENT, ovstream_shm_client_create(STRING(""), &shm));
    EXPECT(NOT_SUPPORTED, ovstream_shm_client_create(STRING("name"), &shm));
    EXPECT(INVALID_ARGUMENT, ovstream_cudashm_client_create(STRING("name"), NULL));
    EXPECT(NOT_SUPPORTED, ovstream_cudashm_client_create(STRING("name"), &cshm));
    EXPECT(SUCCESS, ovstream_destroy_client(NULL));
    EXPECT(SUCCESS, ovstream_shm_client_destroy(NULL));
    EXPECT(SUCCESS, ovstream_cudashm_client_destroy(NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_client_wait_frame(NULL, 0, NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_client_release_frame(NULL));
    EXPECT(INVALID_ARGUMENT, ovstream_shm_client_send_message(NULL, STRING("x")));
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest before[] = { cmocka_unit_test(test_library), cmocka_unit_test(test_log_threshold),
                                         cmocka_unit_test(test_clients) };
    const struct CMUnitTest tests[]  = {
        cmocka_unit_test(test_create),        cmocka_unit_test(test_states),
        cmocka_unit_test(test_nulls),         cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_start_arguments), cmocka_unit_test(test_ports),
        cmocka_unit_test(test_listen_address), cmocka_unit_test(test_tensor_rules),
        cmocka_unit_test(test_cuda_rules),    cmocka_unit_test(test_encoded_rules),
        cmocka_unit_test(test_audio_rules),   cmocka_unit_test(test_messages),
        cmocka_unit_test(test_last_error_per_thread), cmocka_unit_test(test_simultaneous),
        cmocka_unit_test(test_http),          cmocka_unit_test(test_garbage_datagrams),
    };
    int failed = cmocka_run_group_tests(before, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, setup, teardown);
}
