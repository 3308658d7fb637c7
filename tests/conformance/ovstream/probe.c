// A small application for the browser test: streams a moving picture and tells on stdout, one line each, what the
// callbacks said. Ends when stdin does.
//
// Messages from the page: "echo TEXT" sends TEXT to everyone, "only TEXT" to that client, "burst N" sends N numbered ones,
// "target" the bitrate aimed at; "stop" and "start" pause the picture (the last one stays), "restart" stops and starts
// the server.
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ovstream/ovstream.h"
#include "ovstream/ovstream_ext.h"
#include "picture.h"
#include "stamp.h"

enum { WIDTH = 640, HEIGHT = 384, FPS = 30 };

static atomic_bool paused, restart;
static uint16_t signal_port, media_port;

static unsigned long long client(ovstream_server_t *s) { return (unsigned long long)ovstream_ext_current_client(s); }

static void on_connection(ovstream_server_t *s, bool connected, void *user)
{
    printf("%s %llu\n", connected ? "connected" : "disconnected", client(s));
}

static void send_text(ovstream_server_t *s, const char *text)
{
    if (!OVSTREAM_OK(ovstream_send_message(s, (ovstream_string_t) { text, strlen(text) })))
        printf("failed %s\n", ovstream_get_last_error().ptr);
}

static void on_message(ovstream_server_t *s, ovstream_string_t m, void *user)
{
    char text[64];
    printf("message %llu %zu %.60s\n", client(s), m.length, m.ptr);
    if (!strncmp(m.ptr, "echo ", 5))
        send_text(s, m.ptr + 5);
    else if (!strncmp(m.ptr, "only ", 5))
        ovstream_ext_send_message_to(s, ovstream_ext_current_client(s), (ovstream_string_t) { m.ptr + 5, m.length - 5 });
    else if (!strncmp(m.ptr, "burst ", 6))
        for (int i = 0, n = atoi(m.ptr + 6); i < n; i++) {
            snprintf(text, sizeof(text), "burst %d", i);
            send_text(s, text);
        }
    else if (!strcmp(m.ptr, "target")) {
        ovstream_ext_stats_t stats = { .struct_size = sizeof(stats) };
        ovstream_ext_get_stats(s, &stats);
        snprintf(text, sizeof(text), "%u", stats.bitrate_target_bps);
        send_text(s, text);
    } else if (!strcmp(m.ptr, "restart"))
        atomic_store(&restart, true);
    else if (!strcmp(m.ptr, "stop") || !strcmp(m.ptr, "start"))
        atomic_store(&paused, !strcmp(m.ptr, "stop"));
}

static void on_input(ovstream_server_t *s, const ovstream_input_event_t *e, void *user)
{
    if (e->type == OVSTREAM_INPUT_MOUSE)
        printf("mouse %d %d,%d %d %d\n", e->mouse.type, e->mouse.x, e->mouse.y, e->mouse.data, e->mouse.button_state);
    else if (e->type == OVSTREAM_INPUT_KEYBOARD)
        printf("key %u %d\n", e->keyboard.key_code, e->keyboard.key_state);
}

static void on_unicode(ovstream_server_t *s, ovstream_string_t text, void *user) { printf("text %s\n", text.ptr); }

static void on_log(ovstream_log_level_t level, ovstream_string_t message, ovstream_string_t channel, double t, void *user)
{
    printf("log %d %s\n", level, message.ptr);
}

static int fail(const char *what)
{
    printf("failed %s: %s\n", what, ovstream_get_last_error().ptr);
    return 1;
}

// With the ports of the first start again.
static int start(ovstream_server_t *s)
{
    ovstream_server_config_t config;
    ovstream_config_defaults(&config);
    config.width              = WIDTH;
    config.height             = HEIGHT;
    config.target_fps         = FPS;
    config.video_input        = OVSTREAM_VIDEO_INPUT_TENSOR;
    config.stream_port        = media_port;
    config.webrtc.signal_port = signal_port;
    ovstream_ext_set_any_port(s, true);
    if (!OVSTREAM_OK(ovstream_start(s, &config)))
        return fail("start");
    ovstream_ext_get_ports(s, &signal_port, &media_port);
    printf("ports %u %u\n", signal_port, media_port);
    return 0;
}

static int run(ovstream_server_t *s, struct picture *picture)
{
    int64_t shape[3] = { HEIGHT, WIDTH, 4 };
    struct {
        void *data;
        int32_t device_type, device_id, ndim;
        uint8_t code, bits;
        uint16_t lanes;
        int64_t *shape, *strides;
        uint64_t byte_offset;
    } tensor = { picture_pixels(picture), 1, 0, 3, 1, 8, 1, shape, NULL, 0 };
    ovstream_video_frame_t frame = { .buffer = &tensor };
    int64_t due                  = clock_mono_ns();
    for (uint64_t n = 0;; n++) {
        struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
        char rest[64];
        if (poll(&in, 1, 0) > 0 && read(STDIN_FILENO, rest, sizeof(rest)) <= 0)
            return 0;
        if (atomic_exchange(&restart, false) && (!OVSTREAM_OK(ovstream_stop(s)) || start(s)))
            return fail("restart");
        clock_sleep_until_ns(due += 1000000000 / FPS);
        if (atomic_load(&paused))
            continue;
        picture_next(picture, n);
        struct stamp stamp = { stamp_ticks_now(), (uint16_t)n, 0 };
        stamp_draw(picture_pixels(picture), WIDTH * 4, &stamp);
        if (!OVSTREAM_OK(ovstream_stream_video(s, &frame)))
            return fail("stream_video");
    }
}

int main(void)
{
    ovstream_server_t *s        = NULL;
    ovstream_init_config_t init = { on_log, NULL, OVSTREAM_LOG_INFO };
    setvbuf(stdout, NULL, _IOLBF, 0);
    ovstream_initialize(&init);
    if (!OVSTREAM_OK(ovstream_create_server(OVSTREAM_SERVER_WEBRTC, &s)))
        return fail("create");
    ovstream_set_connection_callback(s, on_connection, NULL);
    ovstream_set_message_callback(s, on_message, NULL);
    ovstream_set_input_callback(s, on_input, NULL);
    ovstream_set_unicode_callback(s, on_unicode, NULL);
    struct picture *picture = picture_create(WIDTH, HEIGHT, NULL);
    int code                = start(s) || run(s, picture);
    ovstream_destroy_server(s);
    ovstream_shutdown();
    picture_destroy(&picture);
    printf("end %d\n", code);
    return code;
}
