// What other threads ask the network thread for: offers, ends of sessions, messages, rates.
#include "webrtc_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result.h"

#define MAX_QUEUED_MESSAGE_BYTES (16u << 20)

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
    webrtc_call(w, &c.base);
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
    webrtc_call(w, &c.base);
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
    webrtc_post(w, &c->base);
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
            w->retry_us = now_us + WEBRTC_RETRY_US;
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
    webrtc_post(w, &c->base);
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
    webrtc_apply_bitrate(w);
}

void webrtc_set_bitrate(struct webrtc *w, uint32_t min_bps, uint32_t start_bps, uint32_t max_bps)
{
    struct rate_command c = { { .run = run_rate }, min_bps ? min_bps : WEBRTC_DEFAULT_MIN_BPS,
                              max_bps ? max_bps : WEBRTC_DEFAULT_MAX_BPS };
    webrtc_call(w, &c.base);
}
