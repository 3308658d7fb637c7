// What the protocol core reports: connections, channels, messages, key frame requests, estimates.
#include "webrtc_internal.h"

#include <string.h>

#include "clock.h"
#include "dispatch.h"
#include "input.h"
#include "signalling.h"
#include "utf8.h"

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

void webrtc_apply_bitrate(struct webrtc *w)
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
    webrtc_apply_bitrate(w);
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
    webrtc_apply_bitrate(w);
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
        w->retry_us = clock_mono_us() + WEBRTC_RETRY_US;
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
    webrtc_apply_bitrate(user);
}

const struct rtc_events webrtc_rtc_events = {
    .send             = on_send,
    .peer_state       = on_peer_state,
    .channel_open     = on_channel_open,
    .channel_close    = on_channel_close,
    .message          = on_message,
    .keyframe_request = on_keyframe_request,
    .bitrate          = on_bitrate,
};
