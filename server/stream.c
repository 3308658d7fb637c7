#include "stream.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "ovx/dlpack/dlpack.h"
#include "stamp.h"

struct stream {
    const struct options *o;
    const struct stream_events *events;
    void *user;
    pthread_mutex_t frame_lock; // the buffers and ovstream_stream_video
    uint8_t *buffers[2];
    int front, handed_over; // indices; handed_over: the last one the library was given, -1 = none
    bool drawn;
    uint16_t counter;
    atomic_int echo;
    atomic_llong last_submit_ns;
    atomic_ullong submitted;
    pthread_rwlock_t server_lock; // read: using the server; write: starting or stopping it
    ovstream_server_t *server;
    bool initialised, started;
    int rest; // last hint, -1 = none

    ovstream_result_t (*set_listen)(ovstream_server_t *, ovstream_string_t);
    ovstream_result_t (*hint_static)(ovstream_server_t *, bool);
    ovstream_result_t (*get_stats)(ovstream_server_t *, ovstream_ext_stats_t *);
    ovstream_result_t (*set_text_callback)(ovstream_server_t *, ovstream_ext_input_text_callback_t, void *);
    uint64_t (*current_client)(ovstream_server_t *);
    ovstream_result_t (*send_to)(ovstream_server_t *, uint64_t, ovstream_string_t);
    ovstream_result_t (*get_ports)(ovstream_server_t *, uint16_t *, uint16_t *);
    ovstream_result_t (*set_any_port)(ovstream_server_t *, bool);
};

static size_t picture_size(const struct stream *s) { return (size_t)s->o->width * (size_t)s->o->height * 4; }

static void fill_black(uint8_t *p, size_t size)
{
    const uint32_t black = 0xff000000u;
    for (size_t i = 0; i < size; i += 4)
        memcpy(p + i, &black, 4);
}

struct stream *stream_create(const struct options *o, const struct stream_events *events, void *user)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->o      = o;
    s->events = events;
    s->user   = user;
    s->rest   = -1;
    s->handed_over = -1;
    pthread_mutex_init(&s->frame_lock, NULL);
    pthread_rwlock_init(&s->server_lock, NULL);
    for (int i = 0; i < 2; i++) {
        s->buffers[i] = aligned_alloc(64, (picture_size(s) + 63) / 64 * 64);
        if (!s->buffers[i]) {
            stream_destroy(&s);
            return NULL;
        }
        fill_black(s->buffers[i], picture_size(s));
    }
    *(void **)&s->set_listen        = dlsym(RTLD_DEFAULT, "ovstream_ext_set_listen_address");
    *(void **)&s->hint_static       = dlsym(RTLD_DEFAULT, "ovstream_ext_hint_static");
    *(void **)&s->get_stats         = dlsym(RTLD_DEFAULT, "ovstream_ext_get_stats");
    *(void **)&s->set_text_callback = dlsym(RTLD_DEFAULT, "ovstream_ext_set_input_text_callback");
    *(void **)&s->current_client    = dlsym(RTLD_DEFAULT, "ovstream_ext_current_client");
    *(void **)&s->send_to           = dlsym(RTLD_DEFAULT, "ovstream_ext_send_message_to");
    *(void **)&s->get_ports         = dlsym(RTLD_DEFAULT, "ovstream_ext_get_ports");
    *(void **)&s->set_any_port      = dlsym(RTLD_DEFAULT, "ovstream_ext_set_any_port");
    return s;
}

void stream_destroy(struct stream **stream)
{
    struct stream *s = *stream;
    if (!s)
        return;
    for (int i = 0; i < 2; i++)
        free(s->buffers[i]);
    pthread_rwlock_destroy(&s->server_lock);
    pthread_mutex_destroy(&s->frame_lock);
    free(s);
    *stream = NULL;
}

// ---------------------------------------------------------------------------------------------------
// Callbacks

static uint64_t client_of(struct stream *s, ovstream_server_t *server)
{
    return s->current_client && s->send_to ? s->current_client(server) : 0;
}

static void on_connection(ovstream_server_t *server, bool connected, void *user)
{
    struct stream *s = user;
    s->events->connection(s->user, client_of(s, server), connected);
}

static void on_message(ovstream_server_t *server, ovstream_string_t message, void *user)
{
    struct stream *s = user;
    s->events->message(s->user, client_of(s, server), message.ptr, message.ptr ? message.length : 0);
}

static void on_input(ovstream_server_t *server, const ovstream_input_event_t *event, void *user)
{
    struct stream *s = user;
    (void)server;
    s->events->input(s->user, event);
}

static void on_input_text(ovstream_server_t *server, ovstream_string_t text, void *user)
{
    struct stream *s = user;
    uint8_t value    = stamp_parse_echo(text.ptr, text.length);
    (void)server;
    if (value)
        atomic_store(&s->echo, value);
}

static void on_log(ovstream_log_level_t severity, ovstream_string_t message, ovstream_string_t channel, double timestamp, void *user)
{
    static const enum log_level levels[] = { LOG_WARN, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_ERROR };
    (void)timestamp, (void)user;
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)(channel.length < 60 ? channel.length : 60), channel.length ? channel.ptr : "ovstream");
    enum log_level level = (unsigned)severity < 6 ? levels[severity] : LOG_INFO;
    LOG_AT(level, name, "%.*s", (int)(message.length < 2000 ? message.length : 2000), message.ptr);
}

// ---------------------------------------------------------------------------------------------------
// Life

static bool fail(char *error, size_t size, const char *what)
{
    ovstream_string_t e = ovstream_get_last_error();
    snprintf(error, size, "%s: %.*s", what, (int)(e.length < 400 ? e.length : 400), e.ptr ? e.ptr : "");
    return false;
}

static ovstream_string_t text_of(const char *t) { return (ovstream_string_t) { t, strlen(t) }; }

static bool start_locked(struct stream *s, char *error, size_t size)
{
    const struct options *o = s->o;
    if (!s->initialised) {
        ovstream_init_config_t init = {
            .log_callback = on_log,
            .log_min_severity = log_enabled(LOG_DEBUG) ? OVSTREAM_LOG_VERBOSE : OVSTREAM_LOG_INFO,
        };
        if (!OVSTREAM_OK(ovstream_initialize(&init)))
            return fail(error, size, "streaming is not possible");
        s->initialised = true;
    }
    ovstream_server_t *server = NULL;
    if (!OVSTREAM_OK(ovstream_create_server(OVSTREAM_SERVER_WEBRTC, &server)))
        return fail(error, size, "the WebRTC server could not be created");
    pthread_rwlock_wrlock(&s->server_lock); // callbacks may come, and send, while start still runs
    s->server = server;
    pthread_rwlock_unlock(&s->server_lock);
    ovstream_set_connection_callback(s->server, on_connection, s);
    ovstream_set_message_callback(s->server, on_message, s);
    ovstream_set_input_callback(s->server, on_input, s);
    if (s->set_text_callback && o->latency_stamp)
        s->set_text_callback(s->server, on_input_text, s);
    if (s->set_listen && !OVSTREAM_OK(s->set_listen(s->server, text_of(o->listen))))
        return fail(error, size, "--listen");
    if (s->set_any_port && !o->signal_port && !o->media_port)
        s->set_any_port(s->server, true);
    ovstream_server_config_t config;
    ovstream_config_defaults(&config);
    config.width              = (uint32_t)o->width;
    config.height             = (uint32_t)o->height;
    config.target_fps         = (uint16_t)o->fps;
    config.stream_port        = (uint16_t)o->media_port;
    config.video_input        = OVSTREAM_VIDEO_INPUT_TENSOR;
    config.cuda_device        = (int32_t)o->cuda_device;
    config.webrtc.signal_port = (uint16_t)o->signal_port;
    config.webrtc.public_ip   = text_of(options_public_ip(o));
    if (!OVSTREAM_OK(ovstream_start(s->server, &config))) {
        char what[128];
        snprintf(what, sizeof(what), "streaming could not start (signalling TCP %d, media UDP %d)", (int)o->signal_port, (int)o->media_port);
        return fail(error, size, what);
    }
    pthread_rwlock_wrlock(&s->server_lock);
    s->started = true;
    pthread_rwlock_unlock(&s->server_lock);
    return true;
}

bool stream_start(struct stream *s, char *error, size_t size)
{
    bool ok = start_locked(s, error, size);
    if (!ok)
        stream_stop(s);
    return ok;
}

void stream_stop(struct stream *s)
{
    pthread_rwlock_wrlock(&s->server_lock);
    ovstream_server_t *server = s->server;
    bool started              = s->started;
    s->started                = false;
    s->rest                   = -1;
    pthread_rwlock_unlock(&s->server_lock);
    if (server && started)
        ovstream_stop(server);
    pthread_rwlock_wrlock(&s->server_lock);
    s->server = NULL;
    pthread_rwlock_unlock(&s->server_lock);
    if (server)
        ovstream_destroy_server(server);
}

void stream_shutdown_library(struct stream *s)
{
    if (s->initialised)
        ovstream_shutdown();
    s->initialised = false;
}

// ---------------------------------------------------------------------------------------------------
// Frames

// A buffer that was handed over stays as it is until the next submission has returned.
static int free_buffer(const struct stream *s) { return s->handed_over == 1 - s->front ? s->front : 1 - s->front; }

bool stream_draw(struct stream *s, bool (*fill)(void *user, uint8_t *bgra), void *user)
{
    pthread_mutex_lock(&s->frame_lock);
    int back = free_buffer(s);
    bool ok  = fill(user, s->buffers[back]);
    if (ok) {
        s->front = back;
        s->drawn = true;
    }
    pthread_mutex_unlock(&s->frame_lock);
    return ok;
}

void stream_black(struct stream *s)
{
    pthread_mutex_lock(&s->frame_lock);
    s->front = free_buffer(s);
    fill_black(s->buffers[s->front], picture_size(s));
    s->drawn = false;
    pthread_mutex_unlock(&s->frame_lock);
}

static void draw_stamp(struct stream *s)
{
    if (s->handed_over == s->front) { // sent before: stamp a copy
        memcpy(s->buffers[1 - s->front], s->buffers[s->front], picture_size(s));
        s->front = 1 - s->front;
    }
    struct stamp stamp = { .ticks = stamp_ticks_now(), .counter = s->counter++, .echo = (uint8_t)atomic_load(&s->echo) };
    stamp_draw(s->buffers[s->front], (size_t)s->o->width * 4, &stamp);
}

bool stream_submit(struct stream *s)
{
    pthread_mutex_lock(&s->frame_lock);
    pthread_rwlock_rdlock(&s->server_lock);
    bool ok = false;
    if (s->server && s->started) {
        if (s->o->latency_stamp && s->o->width >= (int)STAMP_WIDTH)
            draw_stamp(s);
        int64_t shape[3]  = { s->o->height, s->o->width, 4 };
        DLTensor tensor   = {
            .data = s->buffers[s->front], .device = { kDLCPU, 0 }, .ndim = 3,
            .dtype = { .code = kDLUInt, .bits = 8, .lanes = 1 }, .shape = shape,
        };
        ovstream_video_frame_t frame = {
            .buffer = &tensor, .width = (uint32_t)s->o->width, .height = (uint32_t)s->o->height,
            .pitch_bytes = (uint32_t)s->o->width * 4, .start_timestamp_ns = (uint64_t)clock_mono_ns(),
        };
        ok             = OVSTREAM_OK(ovstream_stream_video(s->server, &frame));
        s->handed_over = s->front;
        if (!ok)
            log_debug("server", "Dropping frame during disconnect");
        atomic_fetch_add(&s->submitted, 1);
        atomic_store(&s->last_submit_ns, clock_mono_ns());
    }
    pthread_rwlock_unlock(&s->server_lock);
    pthread_mutex_unlock(&s->frame_lock);
    return ok;
}

int64_t stream_last_submit_ns(struct stream *s) { return atomic_load(&s->last_submit_ns); }
uint64_t stream_submitted(struct stream *s) { return atomic_load(&s->submitted); }

bool stream_has_picture(struct stream *s)
{
    pthread_mutex_lock(&s->frame_lock);
    bool drawn = s->drawn;
    pthread_mutex_unlock(&s->frame_lock);
    return drawn;
}

void stream_copy_picture(struct stream *s, uint8_t *out)
{
    pthread_mutex_lock(&s->frame_lock);
    memcpy(out, s->buffers[s->front], picture_size(s));
    pthread_mutex_unlock(&s->frame_lock);
}

// ---------------------------------------------------------------------------------------------------
// Messages and figures

bool stream_send(struct stream *s, uint64_t client, const char *text, size_t size)
{
    pthread_rwlock_rdlock(&s->server_lock);
    ovstream_string_t message = { text, size };
    bool ok                   = false;
    if (s->server)
        ok = OVSTREAM_OK(client && s->send_to ? s->send_to(s->server, client, message) : ovstream_send_message(s->server, message));
    pthread_rwlock_unlock(&s->server_lock);
    return ok;
}

void stream_hint_rest(struct stream *s, bool at_rest)
{
    pthread_rwlock_rdlock(&s->server_lock);
    if (s->server && s->started && s->hint_static && s->rest != at_rest) {
        s->rest = at_rest;
        s->hint_static(s->server, at_rest);
    }
    pthread_rwlock_unlock(&s->server_lock);
}

bool stream_stats(struct stream *s, ovstream_ext_stats_t *out)
{
    *out = (ovstream_ext_stats_t) { .struct_size = sizeof(*out) };
    pthread_rwlock_rdlock(&s->server_lock);
    bool ok = s->server && s->started && s->get_stats && OVSTREAM_OK(s->get_stats(s->server, out));
    pthread_rwlock_unlock(&s->server_lock);
    return ok;
}

int stream_signal_port(struct stream *s)
{
    uint16_t port = (uint16_t)s->o->signal_port;
    pthread_rwlock_rdlock(&s->server_lock);
    if (s->server && s->started && s->get_ports)
        s->get_ports(s->server, &port, NULL);
    pthread_rwlock_unlock(&s->server_lock);
    return port ? port : 49100;
}
