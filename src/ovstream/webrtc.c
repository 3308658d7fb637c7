#include "webrtc.h"

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
#include "input.h"
#include "log.h"
#include "session.h"
#include "signalling.h"
#include "thread.h"
#include "udp.h"
#include "urgent.h"
#include "utf8.h"
#include "video.h"

#define DEFAULT_SIGNAL_PORT 49100
#define DEFAULT_MEDIA_PORT 47998
#define MAX_SESSIONS 64
#define MAX_QUEUED_MESSAGE_BYTES (16u << 20)
#define MAX_QUEUED_UNITS 64u // one second of pictures: the network thread has been stopped by a debugger
#define STATS_INTERVAL_US 100000
#define RETRY_US 5000 // messages that wait for room in a channel
#define DEFAULT_MIN_BPS 300000
#define DEFAULT_MAX_BPS 50000000
#define CHANNEL "webrtc"

// Something another thread wants done on the network thread.
struct command {
    struct command *next;
    void (*run)(struct webrtc *w, struct command *c, int64_t now_us);
    bool waited, done; // waited: lives on the caller's stack; otherwise freed after run
};

struct webrtc {
    ovstream_server_t *server;
    uint32_t width, height;
    uint16_t signal_port;
    struct udp_socket udp;
    rtc_endpoint *endpoint;
    struct dispatcher *dispatcher;
    _Atomic(struct signaller *) signaller; // cleared before it stops
    struct video *video;

    pthread_t thread;
    bool has_thread;
    int wake_fd;
    pthread_mutex_t lock; // the queues and the snapshot
    pthread_cond_t done;
    struct command *commands, **commands_tail;
    struct access_unit *units, **units_tail;
    unsigned unit_count;
    size_t message_bytes;
    bool quit;
    ovstream_ext_stats_t snapshot;

    // Network thread only.
    struct session *sessions;
    uint64_t last_id, total, failed;
    uint32_t min_bps, max_bps, target_bps;
    uint64_t input_records, input_dropped, messages_received, messages_sent;
    float submit_to_send_ms;
    int64_t stats_due_us, retry_us;
    atomic_uint viewers;
};

// ------------------------------------------------------------------------------------------------- queues

static void wake(struct webrtc *w)
{
    uint64_t one = 1;
    if (write(w->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
        log_error(CHANNEL, "wake-up: %s", strerror(errno));
}

static void post(struct webrtc *w, struct command *c)
{
    pthread_mutex_lock(&w->lock);
    c->next           = NULL;
    *w->commands_tail = c;
    w->commands_tail  = &c->next;
    pthread_mutex_unlock(&w->lock);
    wake(w);
}

// Run on the network thread, and wait for it.
static void call(struct webrtc *w, struct command *c)
{
    c->waited = true;
    c->done   = false;
    post(w, c);
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

// ------------------------------------------------------------------------------------------------- events of rtc

// One encode serves everyone, so the slowest viewer decides; of those that report at all: a browser that was closed is only
// known to be gone after some seconds, in which its estimate falls to nothing.
static uint32_t lowest_target(const struct webrtc *w, int64_t now_us, bool silent_too)
{
    uint32_t lowest = 0;
    for (const struct session *s = w->sessions; s; s = s->next)
        if (s->connected && s->target_bps && (silent_too || !session_is_silent(s, now_us)) &&
            (!lowest || s->target_bps < lowest))
            lowest = s->target_bps;
    return lowest;
}

static void apply_bitrate(struct webrtc *w)
{
    int64_t now  = clock_mono_us();
    uint32_t bps = lowest_target(w, now, false);
    if (!bps)
        bps = lowest_target(w, now, true);
    if (!bps)
        return;
    bps = bps < w->min_bps ? w->min_bps : bps > w->max_bps ? w->max_bps : bps;
    video_set_bitrate(w->video, bps);
    w->target_bps = bps;
}

static void on_send(void *user, const struct rtc_datagram *datagrams, size_t count)
{
    struct webrtc *w = user;
    udp_send(&w->udp, datagrams, count);
}

static const char *hint(enum rtc_stage stage)
{
    switch (stage) {
    case RTC_STAGE_DESCRIPTION:
        return "no STUN request arrived: UDP is blocked, or the address offered is not the one that clients reach";
    case RTC_STAGE_CHECKS:
        return "the client found the server but sent no DTLS: our answers may not reach it";
    case RTC_STAGE_DTLS:
        return "the DTLS handshake did not finish";
    case RTC_STAGE_MEDIA:
        return "media was sent, but no receiver report came back";
    default:
        return "the client was receiving";
    }
}

static void connected(struct webrtc *w, struct session *s)
{
    struct rtc_peer_stats st;
    char address[RTC_ADDR_TEXT_SIZE];
    s->connected    = true;
    s->connected_us = s->last_feedback_us = clock_mono_us();
    rtc_peer_stats(s->peer, s->connected_us, &st);
    s->target_bps = st.target_bps;
    atomic_fetch_add(&w->viewers, 1);
    log_info(CHANNEL, "Client connected to WebRTC server");
    log_info(CHANNEL, "client %llu is at %s, %s", (unsigned long long)s->id, rtc_addr_format(&st.remote, address),
             st.srtp_profile);
    apply_bitrate(w);
    dispatcher_push(w->dispatcher, DISPATCH_CONNECTED, s->id, NULL, 0);
    video_set_watched(w->video, true);
    video_request_keyframe(w->video);
}

static void closed(struct webrtc *w, struct session *s, const char *text)
{
    struct rtc_peer_stats st;
    rtc_peer_stats(s->peer, clock_mono_us(), &st);
    if (s->connected) {
        unsigned left = atomic_fetch_sub(&w->viewers, 1) - 1;
        log_info(CHANNEL, "Client disconnected from WebRTC server");
        log_info(CHANNEL, "client %llu: %s", (unsigned long long)s->id, text);
        dispatcher_push(w->dispatcher, DISPATCH_DISCONNECTED, s->id, NULL, 0);
        video_set_watched(w->video, left > 0);
    } else {
        w->failed++;
        log_warn(CHANNEL, "client %llu never connected: %s (last stage reached: %s; %s)", (unsigned long long)s->id,
                 text, rtc_stage_name(st.stage), hint(st.stage));
    }
    struct signaller *signaller = atomic_load(&w->signaller);
    if (signaller)
        signaller_session_closed(signaller, s->token, text);
    struct session **at = &w->sessions;
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at)
        *at = s->next;
    session_destroy(&s);
    apply_bitrate(w);
    w->stats_due_us = 0;
}

static void on_peer_state(void *user, rtc_peer *peer, enum rtc_peer_state state, enum rtc_close_reason reason,
                          const char *text)
{
    struct session *s = rtc_peer_user(peer);
    if (!s)
        return;
    s->peer = peer;
    if (state == RTC_PEER_CONNECTED)
        connected(user, s);
    else if (state == RTC_PEER_CLOSED)
        closed(user, s, text);
}

static void on_channel(struct webrtc *w, rtc_peer *peer, const struct rtc_channel_info *channel, bool open)
{
    struct session *s = rtc_peer_user(peer);
    log_debug(CHANNEL, "client %llu: channel \"%s\" %s", s ? (unsigned long long)s->id : 0, channel->label,
              open ? "open" : "closed");
    if (!s || strcmp(channel->label, "messages"))
        return;
    s->channel_open = open;
    if (open && session_flush(s, clock_mono_us()))
        w->retry_us = clock_mono_us() + RETRY_US;
}

static void on_channel_open(void *user, rtc_peer *peer, const struct rtc_channel_info *channel)
{
    on_channel(user, peer, channel, true);
}

static void on_channel_close(void *user, rtc_peer *peer, const struct rtc_channel_info *channel)
{
    on_channel(user, peer, channel, false);
}

struct input_context {
    struct webrtc *w;
    uint64_t client;
};

static void push_event(void *user, const ovstream_input_event_t *event)
{
    struct input_context *c = user;
    if (!dispatcher_push(c->w->dispatcher, DISPATCH_INPUT, c->client, event, sizeof(*event)))
        c->w->input_dropped++;
}

static void push_text(void *user, const char *text, size_t size)
{
    struct input_context *c = user;
    if (!dispatcher_push(c->w->dispatcher, DISPATCH_UNICODE, c->client, text, size))
        c->w->input_dropped++;
}

static void on_input(struct webrtc *w, struct session *s, const void *data, size_t size, bool is_text)
{
    enum { MAX_INPUT_TEXT = 64 };
    if (is_text) {
        if (size > MAX_INPUT_TEXT || !utf8_valid(data, size) ||
            !dispatcher_push(w->dispatcher, DISPATCH_INPUT_TEXT, s->id, data, size))
            w->input_dropped++;
        return;
    }
    struct input_context context = { w, s->id };
    struct input_sink sink       = { push_event, push_text, &context };
    struct input_result result   = input_decode(data, size, w->width, w->height, &sink);
    w->input_records += result.records;
    w->input_dropped += result.dropped;
}

static void on_message(void *user, rtc_peer *peer, const struct rtc_channel_info *channel, const void *data,
                       size_t size, bool is_text)
{
    struct webrtc *w  = user;
    struct session *s = rtc_peer_user(peer);
    if (!s || !s->connected)
        return;
    if (!strcmp(channel->label, "input")) {
        on_input(w, s, data, size, is_text);
    } else if (!strcmp(channel->label, "messages")) {
        if (utf8_valid(data, size) && dispatcher_push(w->dispatcher, DISPATCH_MESSAGE, s->id, data, size))
            w->messages_received++;
        else
            log_warn(CHANNEL, "client %llu: a message of %zu bytes is lost (not UTF-8, or callbacks are too slow)",
                     (unsigned long long)s->id, size);
    }
}

static void on_keyframe_request(void *user, rtc_peer *peer)
{
    struct webrtc *w  = user;
    struct session *s = rtc_peer_user(peer);
    if (!s)
        return;
    s->keyframe_requests++;
    // One that has gone would cost the others a key frame after the other.
    if (!session_is_silent(s, clock_mono_us()) || webrtc_viewers(w) == 1)
        video_request_keyframe(w->video);
}

static void on_bitrate(void *user, rtc_peer *peer, uint32_t bps)
{
    struct session *s = rtc_peer_user(peer);
    if (!s)
        return;
    s->target_bps = bps;
    apply_bitrate(user);
}

static const struct rtc_events events = {
    .send             = on_send,
    .peer_state       = on_peer_state,
    .channel_open     = on_channel_open,
    .channel_close    = on_channel_close,
    .message          = on_message,
    .keyframe_request = on_keyframe_request,
    .bitrate          = on_bitrate,
};

// ------------------------------------------------------------------------------------------------- commands

struct offer_command {
    struct command base;
    const char *sdp, *user_agent;
    size_t size;
    struct offer_answer *out;
};

// Firefox before 128: H.264 with a playout delay of 0 froze in some releases.
static bool no_playout_delay(const char *user_agent)
{
    const char *firefox = user_agent ? strstr(user_agent, "Firefox/") : NULL;
    return firefox && atoi(firefox + 8) < 128;
}

static enum offer_status offer_status_of(int rc)
{
    switch (rc) {
    case RTC_OK:
        return OFFER_OK;
    case RTC_ERR_MALFORMED:
    case RTC_ERR_INVALID:
        return OFFER_MALFORMED;
    case RTC_ERR_UNSUPPORTED:
        return OFFER_UNSUPPORTED;
    case RTC_ERR_FULL:
        return OFFER_FULL;
    default:
        return OFFER_FAILED;
    }
}

static void run_offer(struct webrtc *w, struct command *base, int64_t now_us)
{
    struct offer_command *c = (struct offer_command *)base;
    struct offer_answer *o  = c->out;
    struct session *s       = session_create(w->last_id + 1);
    if (!s) {
        o->status = OFFER_FAILED;
        snprintf(o->error, sizeof(o->error), "out of memory");
        return;
    }
    struct rtc_peer_params params = { .user = s, .no_playout_delay = no_playout_delay(c->user_agent) };
    int rc    = rtc_endpoint_accept_offer(w->endpoint, c->sdp, c->size, &params, now_us, &s->peer, &o->sdp, o->error);
    o->status = offer_status_of(rc);
    if (rc < 0) {
        log_warn(CHANNEL, "offer refused: %s", o->error);
        session_destroy(&s);
        return;
    }
    w->last_id++;
    w->total++;
    s->next     = w->sessions;
    w->sessions = s;
    memcpy(o->token, s->token, sizeof(o->token));
}

void webrtc_offer(struct webrtc *w, const char *sdp, size_t size, const char *user_agent, struct offer_answer *out)
{
    struct offer_command c = { { .run = run_offer }, sdp, user_agent, size, out };
    *out                   = (struct offer_answer) { 0 };
    call(w, &c.base);
}

struct end_command {
    struct command base;
    const char *token, *reason;
    bool found;
};

static void run_end(struct webrtc *w, struct command *base, int64_t now_us)
{
    struct end_command *c = (struct end_command *)base;
    for (struct session *s = w->sessions; s; s = s->next)
        if (!strcmp(s->token, c->token)) {
            c->found = true;
            rtc_peer_close(s->peer, c->reason, now_us);
            return;
        }
}

bool webrtc_end_session(struct webrtc *w, const char *token, const char *reason)
{
    struct end_command c = { { .run = run_end }, token, reason, false };
    call(w, &c.base);
    return c.found;
}

struct socket_command {
    struct command base;
    char token[SESSION_TOKEN_SIZE];
};

static void run_socket_lost(struct webrtc *w, struct command *base, int64_t now_us)
{
    const struct socket_command *c = (const struct socket_command *)base;
    for (struct session *s = w->sessions; s; s = s->next)
        if (!strcmp(s->token, c->token))
            s->socket_lost = true;
}

void webrtc_socket_lost(struct webrtc *w, const char *token)
{
    struct socket_command *c = malloc(sizeof(*c));
    if (!c)
        return; // consent checks will notice
    *c = (struct socket_command) { .base.run = run_socket_lost };
    memcpy(c->token, token, sizeof(c->token));
    post(w, &c->base);
}

static void run_detach_signaller(struct webrtc *w, struct command *base, int64_t now_us)
{
    atomic_store(&w->signaller, NULL);
}

struct text_command {
    struct command base;
    uint64_t client; // 0 = all
    size_t size;
    char text[];
};

static void run_text(struct webrtc *w, struct command *base, int64_t now_us)
{
    struct text_command *c = (struct text_command *)base;
    pthread_mutex_lock(&w->lock);
    w->message_bytes -= c->size;
    pthread_mutex_unlock(&w->lock);
    for (struct session *s = w->sessions; s; s = s->next) {
        if (!s->connected || (c->client && c->client != s->id))
            continue;
        w->messages_sent += session_send(s, c->text, c->size, now_us);
        if (s->head && s->channel_open)
            w->retry_us = now_us + RETRY_US;
    }
}

ovstream_result_t webrtc_send_message(struct webrtc *w, const char *name, uint64_t client, ovstream_string_t message)
{
    if (!webrtc_viewers(w))
        return client ? fail_error("%s: client %llu is not connected", name, (unsigned long long)client) : result_ok();
    struct text_command *c = malloc(sizeof(*c) + message.length);
    if (!c)
        return fail_error("%s: out of memory", name);
    *c = (struct text_command) { { .run = run_text }, client, message.length };
    memcpy(c->text, message.ptr, message.length);
    pthread_mutex_lock(&w->lock);
    bool fits = w->message_bytes + message.length <= MAX_QUEUED_MESSAGE_BYTES;
    if (fits)
        w->message_bytes += message.length;
    pthread_mutex_unlock(&w->lock);
    if (!fits) {
        free(c);
        return fail_error("%s: %u bytes of messages wait to be sent already", name, MAX_QUEUED_MESSAGE_BYTES);
    }
    post(w, &c->base);
    return result_ok();
}

struct rate_command {
    struct command base;
    uint32_t min_bps, max_bps;
};

static void run_rate(struct webrtc *w, struct command *base, int64_t now_us)
{
    struct rate_command *c = (struct rate_command *)base;
    w->min_bps             = c->min_bps;
    w->max_bps             = c->max_bps;
    apply_bitrate(w);
}

void webrtc_set_bitrate(struct webrtc *w, uint32_t min_bps, uint32_t start_bps, uint32_t max_bps)
{
    struct rate_command c = { { .run = run_rate }, min_bps ? min_bps : DEFAULT_MIN_BPS,
                              max_bps ? max_bps : DEFAULT_MAX_BPS };
    call(w, &c.base);
}

// ------------------------------------------------------------------------------------------------- statistics

static void copy_viewer(ovstream_ext_viewer_stats_t *out, struct session *s, int64_t now_us)
{
    struct rtc_peer_stats st;
    rtc_peer_stats(s->peer, now_us, &st);
    session_note_feedback(s, &st, now_us);
    *out = (ovstream_ext_viewer_stats_t) {
        .id                    = s->id,
        .connected_seconds     = (double)(now_us - s->connected_us) / 1e6,
        .bytes_sent            = st.bytes_sent + st.rtx_bytes_sent,
        .packets_sent          = st.packets_sent,
        .packets_retransmitted = st.rtx_packets_sent,
        .target_bitrate_bps    = s->target_bps,
        .rtt_ms                = (float)st.rtt_us / 1000,
        .loss                  = st.loss,
        .keyframe_requests     = s->keyframe_requests,
    };
    if (st.remote.family)
        rtc_addr_format(&st.remote, out->address);
}

// A closed page takes its WebSocket along at once; consent checks would need seconds more.
static void close_abandoned(struct webrtc *w, int64_t now_us)
{
    for (struct session *s = w->sessions, *next; s; s = next) {
        next = s->next;
        if (s->connected && s->socket_lost && now_us - s->last_feedback_us > SESSION_CLOSED_US)
            rtc_peer_close(s->peer, "the page was closed", now_us);
    }
}

static void refresh_stats(struct webrtc *w, int64_t now_us)
{
    struct rtc_endpoint_stats es;
    ovstream_ext_stats_t out = { .sessions_total    = w->total,
                                 .sessions_failed   = w->failed,
                                 .submit_to_send_ms = w->submit_to_send_ms,
                                 .input_records     = w->input_records,
                                 .input_dropped     = w->input_dropped,
                                 .messages_received = w->messages_received,
                                 .messages_sent     = w->messages_sent };
    close_abandoned(w, now_us);
    rtc_endpoint_stats(w->endpoint, &es);
    out.bytes_sent = es.bytes_out;
    for (struct session *s = w->sessions; s; s = s->next) {
        ovstream_ext_viewer_stats_t v;
        if (!s->connected)
            continue;
        copy_viewer(&v, s, now_us);
        out.viewers++;
        out.rtt_ms = v.rtt_ms > out.rtt_ms ? v.rtt_ms : out.rtt_ms;
        out.loss   = v.loss > out.loss ? v.loss : out.loss;
        if (out.viewer_count < OVSTREAM_EXT_MAX_VIEWERS)
            out.viewer[out.viewer_count++] = v;
    }
    apply_bitrate(w);
    out.bitrate_target_bps = out.viewers ? w->target_bps : 0;
    pthread_mutex_lock(&w->lock);
    w->snapshot = out;
    pthread_mutex_unlock(&w->lock);
    w->stats_due_us = now_us + STATS_INTERVAL_US;
}

void webrtc_stats(struct webrtc *w, ovstream_ext_stats_t *out)
{
    struct video_stats v;
    pthread_mutex_lock(&w->lock);
    *out = w->snapshot;
    pthread_mutex_unlock(&w->lock);
    video_stats(w->video, &v);
    out->frames_submitted = v.submitted;
    out->frames_encoded   = v.encoded;
    out->frames_dropped   = v.dropped;
    out->keyframes        = v.keyframes;
    out->encode_ms        = v.encode_ms;
    out->convert_ms       = v.convert_ms;
    out->bitrate_sent_bps = v.sent_bps;
    memcpy(out->encoder, v.encoder, sizeof(out->encoder));
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
            w->retry_us = now_us + RETRY_US;
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
            refresh_stats(w, now);
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
    uint32_t low  = settings->min_bps ? settings->min_bps : DEFAULT_MIN_BPS;
    uint32_t high = settings->max_bps ? settings->max_bps : DEFAULT_MAX_BPS;
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
        .events            = &events,
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
    w->min_bps       = settings.min_bps ? settings.min_bps : DEFAULT_MIN_BPS;
    w->max_bps       = settings.max_bps ? settings.max_bps : DEFAULT_MAX_BPS;
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

static void stop_network(struct webrtc *w)
{
    struct signaller *signaller = atomic_load(&w->signaller);
    struct command detach       = { .run = run_detach_signaller };
    if (signaller)
        call(w, &detach);
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
