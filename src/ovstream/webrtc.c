#include "webrtc_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "address.h"
#include "clock.h"
#include "dispatch.h"
#include "result.h"
#include "signalling.h"
#include "thread.h"
#include "urgent.h"

#define DEFAULT_SIGNAL_PORT 49100
#define DEFAULT_MEDIA_PORT 47998
#define MAX_SESSIONS 64
#define MAX_QUEUED_UNITS 64u // one second of pictures: the network thread has been stopped by a debugger

// ------------------------------------------------------------------------------------------------- queues

static void wake(struct webrtc *w)
{
    uint64_t one = 1;
    if (write(w->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
        log_error(CHANNEL, "wake-up: %s", strerror(errno));
}

void webrtc_post(struct webrtc *w, struct command *c)
{
    pthread_mutex_lock(&w->lock);
    c->next           = NULL;
    *w->commands_tail = c;
    w->commands_tail  = &c->next;
    pthread_mutex_unlock(&w->lock);
    wake(w);
}

// Run on the network thread, and wait for it.
void webrtc_call(struct webrtc *w, struct command *c)
{
    c->waited = true;
    c->done   = false;
    webrtc_post(w, c);
    pthread_mutex_lock(&w->lock);
    while (!c->done)
        pthread_cond_wait(&w->done, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void run_commands(struct webrtc *w)
{
    pthread_mutex_lock(&w->lock);
    struct command *c = w->commands;
    w->commands       = NULL;
    w->commands_tail  = &w->commands;
    pthread_mutex_unlock(&w->lock);
    while (c) {
        struct command *next = c->next;
        bool waited          = c->waited;
        c->run(w, c, clock_mono_us());
        if (waited) {
            pthread_mutex_lock(&w->lock);
            c->done = true;
            pthread_cond_broadcast(&w->done);
            pthread_mutex_unlock(&w->lock);
        } else {
            free(c);
        }
        c = next;
    }
}

// From the encoder's thread.
static void take_unit(void *user, struct access_unit *unit)
{
    struct webrtc *w = user;
    pthread_mutex_lock(&w->lock);
    bool fits = w->unit_count < MAX_QUEUED_UNITS;
    if (fits) {
        *w->units_tail = unit;
        w->units_tail  = &unit->next;
        w->unit_count++;
    }
    pthread_mutex_unlock(&w->lock);
    if (!fits) {
        free(unit);
        video_request_keyframe(w->video);
        return;
    }
    wake(w);
}

static void send_units(struct webrtc *w)
{
    pthread_mutex_lock(&w->lock);
    struct access_unit *unit = w->units;
    w->units                 = NULL;
    w->units_tail            = &w->units;
    w->unit_count            = 0;
    pthread_mutex_unlock(&w->lock);
    while (unit) {
        struct access_unit *next     = unit->next;
        struct rtc_video_frame frame = { unit->data, unit->size, unit->capture_us, unit->keyframe };
        // The session list may lose entries while sending.
        for (struct session *s = w->sessions, *after; s; s = after) {
            after = s->next;
            if (s->connected)
                rtc_peer_send_video(s->peer, &frame, clock_mono_us());
        }
        float ms             = (float)(clock_mono_us() - unit->submit_us) / 1000;
        w->submit_to_send_ms = w->submit_to_send_ms > 0 ? w->submit_to_send_ms * 0.9f + ms * 0.1f : ms;
        free(unit);
        unit = next;
    }
}

// ------------------------------------------------------------------------------------------------- network thread

static void on_datagram(void *user, const uint8_t *data, size_t size, const struct rtc_addr *from)
{
    struct webrtc *w = user;
    rtc_endpoint_datagram(w->endpoint, data, size, from, clock_mono_us());
}

static void flush_sessions(struct webrtc *w, int64_t now_us)
{
    w->retry_us = 0;
    for (struct session *s = w->sessions; s; s = s->next)
        if (s->head && session_flush(s, now_us))
            w->retry_us = now_us + WEBRTC_RETRY_US;
}

static void wait_for_work(struct webrtc *w, int64_t deadline_us)
{
    struct pollfd fds[2] = { { w->udp.fd, POLLIN, 0 }, { w->wake_fd, POLLIN, 0 } };
    int64_t left         = deadline_us - clock_mono_us();
    left                 = left < 0 ? 0 : left > 1000000 ? 1000000 : left;
    struct timespec ts   = { left / 1000000, left % 1000000 * 1000 };
    ppoll(fds, 2, &ts, NULL);
    uint64_t count;
    if (fds[1].revents && read(w->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_error(CHANNEL, "wake-up: %s", strerror(errno));
}

static bool must_quit(struct webrtc *w)
{
    pthread_mutex_lock(&w->lock);
    bool quit = w->quit;
    pthread_mutex_unlock(&w->lock);
    return quit;
}

static void *network_main(void *user)
{
    struct webrtc *w = user;
    thread_set_name("ovs-network");
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); // pacing wants better than the default 50 us
    bool drained = true;
    while (!must_quit(w)) {
        int64_t now      = clock_mono_us();
        int64_t deadline = drained ? rtc_endpoint_tick(w->endpoint, now) : now;
        if (w->retry_us && w->retry_us < deadline)
            deadline = w->retry_us;
        if (w->sessions && w->stats_due_us < deadline)
            deadline = w->stats_due_us;
        wait_for_work(w, deadline);
        run_commands(w);
        send_units(w);
        drained = udp_receive(&w->udp, 128, on_datagram, w);
        now     = clock_mono_us();
        if (w->retry_us && now >= w->retry_us)
            flush_sessions(w, now);
        if (now >= w->stats_due_us)
            webrtc_refresh_stats(w, now);
        if (!drained)
            rtc_endpoint_tick(w->endpoint, now);
    }
    rtc_endpoint_destroy(&w->endpoint, clock_mono_us());
    run_commands(w); // nothing may wait for a thread that has gone
    return NULL;
}

// ------------------------------------------------------------------------------------------------- life

static uint32_t start_bitrate(const ovstream_server_config_t *config, const struct server_settings *settings)
{
    uint32_t low  = settings->min_bps ? settings->min_bps : WEBRTC_DEFAULT_MIN_BPS;
    uint32_t high = settings->max_bps ? settings->max_bps : WEBRTC_DEFAULT_MAX_BPS;
    // 0.12 bits per pixel: 6.6 Mbit/s for 1280 x 720 at 60.
    double bps = settings->start_bps;
    if (!settings->start_bps)
        bps = 0.12 * config->width * config->height * (config->target_fps ? config->target_fps : 60);
    return bps < low ? low : bps > high ? high : (uint32_t)bps;
}

static bool open_endpoint(struct webrtc *w, struct address_plan *plan, const struct server_settings *settings,
                          uint32_t start_bps)
{
    address_plan_set_port(plan, w->udp.port);
    struct rtc_endpoint_params params = {
        .events            = &webrtc_rtc_events,
        .user              = w,
        .candidates        = plan->candidates,
        .candidate_count   = plan->candidate_count,
        .max_peers         = MAX_SESSIONS,
        .start_bitrate_bps = start_bps,
        .min_bitrate_bps   = w->min_bps,
        .max_bitrate_bps   = w->max_bps,
        .wall_offset_us    = (clock_wall_ns() - clock_mono_ns()) / 1000,
    };
    int rc = rtc_endpoint_create(&w->endpoint, &params);
    if (rc < 0)
        fail_error("ovstream_start: cannot set up WebRTC (%s)", rtc_result_name(rc));
    return rc >= 0;
}

static bool open_ports(struct webrtc *w, struct address_plan *plan, const ovstream_server_config_t *config,
                       bool any_port)
{
    char error[UDP_ERROR_SIZE];
    plan->bind.port = config->stream_port ? config->stream_port : any_port ? 0 : DEFAULT_MEDIA_PORT;
    w->signal_port  = config->webrtc.signal_port ? config->webrtc.signal_port : any_port ? 0 : DEFAULT_SIGNAL_PORT;
    if (udp_open(&w->udp, &plan->bind, error))
        return true;
    fail_error("ovstream_start: %s", error);
    return false;
}

static bool open_signaller(struct webrtc *w, const struct address_plan *plan, const char *allowed_origins)
{
    char error[SIGNAL_ERROR_SIZE];
    struct signaller *signaller = signaller_start(w, &plan->bind, allowed_origins, &w->signal_port, error);
    atomic_store(&w->signaller, signaller);
    if (signaller)
        return true;
    log_error(CHANNEL, "Failed to start signaling server: %s", error);
    fail_error("ovstream_start: signalling port %u/TCP: %s", w->signal_port, error);
    return false;
}

static bool make_plan(struct address_plan *plan, const ovstream_server_config_t *config,
                      const struct server_settings *settings)
{
    char error[ADDRESS_ERROR_SIZE], public_ip[512];
    const ovstream_string_t *ip = &config->webrtc.public_ip;
    if (ip->length >= sizeof(public_ip)) {
        fail_argument("ovstream_start: webrtc.public_ip too long (%zu bytes, at most %zu)", ip->length,
                      sizeof(public_ip) - 1);
        return false;
    }
    if (ip->length)
        memcpy(public_ip, ip->ptr, ip->length);
    public_ip[ip->length] = '\0';
    if (strlen(public_ip) == ip->length && address_plan_make(plan, settings->listen_address, public_ip, error))
        return true;
    fail_argument("ovstream_start: %s", strlen(public_ip) == ip->length ? error : "webrtc.public_ip holds a zero byte");
    return false;
}

static void log_start(const struct webrtc *w, const struct address_plan *plan)
{
    char text[RTC_ADDR_TEXT_SIZE];
    for (size_t i = 0; i < plan->candidate_count; i++)
        if (plan->candidates[i].mapped)
            log_info(CHANNEL, "WebRtcTransport configured with public endpoint: %s",
                     rtc_addr_format(&plan->candidates[i].addr, text));
    struct rtc_addr bind = plan->bind;
    bind.port            = w->signal_port;
    log_info(CHANNEL, "signalling on %s/TCP, media on port %u/UDP, %zu addresses offered",
             rtc_addr_format(&bind, text), w->udp.port, plan->candidate_count);
}

static bool start_parts(struct webrtc *w, const ovstream_server_config_t *config,
                        const struct server_settings *settings)
{
    struct address_plan plan;
    struct video_params video = {
        .width        = config->width,
        .height       = config->height,
        .fps          = config->target_fps ? config->target_fps : 60,
        .input        = config->video_input,
        .cuda_device  = config->cuda_device,
        .cuda_context = config->cuda_context,
        .bitrate_bps  = start_bitrate(config, settings),
        .output       = take_unit,
        .user         = w,
    };
    if (!make_plan(&plan, config, settings) || !open_ports(w, &plan, config, settings->any_port))
        return false;
    if (!open_endpoint(w, &plan, settings, video.bitrate_bps) || !(w->video = video_create(&video)))
        return false;
    video_set_at_rest(w->video, settings->at_rest);
    w->dispatcher = dispatcher_create(w->server);
    // Signalling last: it needs the network thread to answer.
    int previous  = urgent_begin();
    w->has_thread = w->dispatcher && !pthread_create(&w->thread, NULL, network_main, w);
    urgent_end(previous);
    if (!w->has_thread) {
        fail_error("ovstream_start: cannot create a thread");
        return false;
    }
    if (!open_signaller(w, &plan, settings->allowed_origins))
        return false;
    log_start(w, &plan);
    return true;
}

struct webrtc *webrtc_start(ovstream_server_t *server, const ovstream_server_config_t *config)
{
    struct webrtc *w = calloc(1, sizeof(*w));
    if (!w) {
        fail_error("ovstream_start: out of memory");
        return NULL;
    }
    pthread_mutex_lock(&server->lock);
    struct server_settings settings = server->settings;
    pthread_mutex_unlock(&server->lock);
    w->server        = server;
    w->width         = config->width;
    w->height        = config->height;
    w->min_bps       = settings.min_bps ? settings.min_bps : WEBRTC_DEFAULT_MIN_BPS;
    w->max_bps       = settings.max_bps ? settings.max_bps : WEBRTC_DEFAULT_MAX_BPS;
    w->commands_tail = &w->commands;
    w->units_tail    = &w->units;
    w->udp.fd        = -1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->done, NULL);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->wake_fd < 0 || !start_parts(w, config, &settings)) {
        if (w->wake_fd < 0)
            fail_error("ovstream_start: eventfd: %s", strerror(errno));
        log_error(CHANNEL, "webrtc: createAndStart failed: %s", ovstream_get_last_error().ptr);
        webrtc_stop(&w);
    }
    return w;
}

static void run_detach_signaller(struct webrtc *w, struct command *base, int64_t now_us)
{
    atomic_store(&w->signaller, NULL);
}

static void stop_network(struct webrtc *w)
{
    struct signaller *signaller = atomic_load(&w->signaller);
    struct command detach       = { .run = run_detach_signaller };
    if (signaller)
        webrtc_call(w, &detach);
    if (signaller)
        signaller_stop(&signaller); // its thread may be waiting for ours, which still runs
    if (!w->has_thread)
        return;
    pthread_mutex_lock(&w->lock);
    w->quit = true;
    pthread_mutex_unlock(&w->lock);
    wake(w);
    pthread_join(w->thread, NULL);
}

void webrtc_stop(struct webrtc **webrtc)
{
    struct webrtc *w = *webrtc;
    if (!w)
        return;
    stop_network(w);
    if (w->endpoint)
        rtc_endpoint_destroy(&w->endpoint, clock_mono_us());
    dispatcher_destroy(&w->dispatcher);
    run_commands(w); // of callbacks that ran meanwhile
    video_destroy(&w->video);
    while (w->units) {
        struct access_unit *unit = w->units;
        w->units                 = unit->next;
        free(unit);
    }
    udp_close(&w->udp);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    pthread_cond_destroy(&w->done);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *webrtc = NULL;
}

// ------------------------------------------------------------------------------------------------- small calls

ovstream_result_t webrtc_stream_video(struct webrtc *w, const ovstream_video_frame_t *frame)
{
    return video_submit(w->video, frame);
}

unsigned webrtc_viewers(const struct webrtc *w) { return atomic_load(&w->viewers); }
void webrtc_set_at_rest(struct webrtc *w, bool at_rest) { video_set_at_rest(w->video, at_rest); }

void webrtc_ports(const struct webrtc *w, uint16_t *signal_port, uint16_t *stream_port)
{
    *signal_port = w->signal_port;
    *stream_port = w->udp.port;
}

void webrtc_ice_list(struct webrtc *w, struct ice_list *out)
{
    pthread_mutex_lock(&w->server->lock);
    *out = w->server->ice;
    pthread_mutex_unlock(&w->server->lock);
}
