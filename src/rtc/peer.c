#include "peer.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "log.h"
#include "rtcp.h"

#define CHANNEL "rtc.peer"
#define CONNECT_TIMEOUT_US (15 * 1000000)
#define REPORT_INTERVAL_US 1000000
#define FIRST_REPORTS_US 200000 // the first few come faster: they are how the round trip is learnt
#define KEYFRAME_GAP_US 300000
#define KEYFRAME_MAX_GAP_US 4000000
#define KEYFRAME_RETRY_US 1000000
#define DEFAULT_RTT_US 100000
#define PACING 2.5
#define FREE_PACE_BPS 25e6 // until the first congestion: a first key frame of 100 kB in 32 ms

static int64_t rtt_or_default(const rtc_peer *p) { return p->bwe.rtt_us ? p->bwe.rtt_us : DEFAULT_RTT_US; }

// ---- wiring of the parts

static void on_dtls_send(void *user, const uint8_t *data, size_t size)
{
    rtc_peer *p = user;
    const struct rtc_addr *to = ice_selected(&p->ice);
    if (!to || size > RTC_MAX_DATAGRAM)
        return;
    memcpy(endpoint_claim(p->ep), data, size);
    endpoint_commit(p->ep, to, size);
}

static void on_dtls_data(void *user, const uint8_t *data, size_t size)
{
    rtc_peer *p = user;
    if (p->sctp && !p->dead)
        sctp_input(p->sctp, data, size, p->ep->now_us);
}

static void on_sctp_send(void *user, const uint8_t *data, size_t size)
{
    rtc_peer *p = user;
    dtls_send(p->dtls, data, size); // what does not go out is lost, SCTP repeats it
}

static void on_channel_open(void *user, const struct rtc_channel_info *channel)
{
    rtc_peer *p = user;
    if (!p->dead && p->ep->events->channel_open)
        p->ep->events->channel_open(p->ep->user, p, channel);
}

static void on_channel_close(void *user, const struct rtc_channel_info *channel)
{
    rtc_peer *p = user;
    if (!p->dead && p->ep->events->channel_close)
        p->ep->events->channel_close(p->ep->user, p, channel);
}

static void on_message(void *user, const struct rtc_channel_info *channel, const void *data, size_t size, bool is_text)
{
    rtc_peer *p = user;
    p->messages_in++;
    if (!p->dead && p->ep->events->message)
        p->ep->events->message(p->ep->user, p, channel, data, size, is_text);
}

static const struct dtls_events dtls_events = { .send = on_dtls_send, .data = on_dtls_data };
static const struct sctp_events sctp_events = { .send = on_sctp_send, .channel_open = on_channel_open,
    .channel_close = on_channel_close, .message = on_message };

static void set_state(rtc_peer *p, enum rtc_peer_state state, enum rtc_close_reason reason, const char *text)
{
    p->state = state;
    if (p->ep->events->peer_state)
        p->ep->events->peer_state(p->ep->user, p, state, reason, text);
}

// ---- life

static uint64_t next_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

static bool init_video(rtc_peer *p, const struct sdp_section *s, const struct sdp_choice *choice,
                       const struct rtc_peer_params *params, uint32_t ssrc, uint32_t rtx_ssrc)
{
    uint32_t max = params->max_bitrate_bps ? params->max_bitrate_bps : p->ep->max_bps;
    struct bwe_params rate = { .start_bps = p->ep->start_bps < max ? p->ep->start_bps : max,
        .min_bps = p->ep->min_bps < max ? p->ep->min_bps : max, .max_bps = max };
    struct video_sender_params video = {
        .ssrc = ssrc, .rtx_ssrc = rtx_ssrc, .payload_type = choice->codec->payload_type,
        .rtx = choice->rtx != NULL, .rtx_payload_type = choice->rtx ? choice->rtx->payload_type : 0,
        .layout = {
            .mid_id = s->extensions.mid, .transport_cc_id = s->extensions.transport_cc,
            .abs_send_time_id = s->extensions.abs_send_time,
            .playout_delay_id = params->no_playout_delay ? 0 : s->extensions.playout_delay,
        },
    };
    if (!choice->codec->transport_cc) // the extension without the feedback is of no use
        video.layout.transport_cc_id = 0;
    video.layout.mid = s->mid; // only read during init
    uint8_t random[6] = { 0 };
    RAND_bytes(random, sizeof(random));
    struct cursor c = cur_make(random, sizeof(random));
    p->has_video    = true;
    uint16_t first_seq = cur_u16be(&c) & 0x7fff; // as RFC 3711 section 3.3.1 likes it: far from the first wrap
    bool ok = bwe_init(&p->bwe, &rate) && video_sender_init(&p->video, &video, first_seq, cur_u32be(&c), p->ep->now_us);
    p->video.params.layout.mid = NULL;
    return ok;
}

rtc_peer *peer_create(rtc_endpoint *ep, const struct sdp_offer *offer, const struct sdp_choice *choice,
                      const struct rtc_peer_params *params, uint32_t ssrc, uint32_t rtx_ssrc, int *result)
{
    rtc_peer *p = calloc(1, sizeof(*p));
    if (!p) {
        *result = RTC_ERR_NOMEM;
        return NULL;
    }
    p->ep         = ep;
    p->id         = next_id();
    p->user       = params->user;
    p->created_us = ep->now_us;
    p->fir_seq    = -1;
    p->wants_data = choice->data >= 0;
    if (p->wants_data) {
        p->sctp_port   = offer->section[choice->data].sctp_port;
        p->max_message = offer->section[choice->data].max_message_size;
    }
    snprintf(p->cname, sizeof(p->cname), "stagecast%llx", (unsigned long long)p->id);
    struct dtls_params dtls = {
        .events = &dtls_events, .user = p, .hash = choice->credentials->hash,
        .fingerprint = choice->credentials->fingerprint, .fingerprint_size = choice->credentials->fingerprint_size,
    };
    *result = ice_init(&p->ice, choice->credentials->ufrag, ep->now_us) ? dtls_create(&p->dtls, &dtls) : RTC_ERR_CRYPTO;
    if (*result == RTC_OK && choice->video >= 0
        && !init_video(p, &offer->section[choice->video], choice, params, ssrc, rtx_ssrc))
        *result = RTC_ERR_NOMEM;
    if (*result < 0) {
        peer_free(p);
        return NULL;
    }
    return p;
}

void peer_free(rtc_peer *p)
{
    sctp_destroy(&p->sctp);
    dtls_destroy(&p->dtls);
    srtp_session_destroy(&p->srtp);
    video_sender_finish(&p->video);
    bwe_finish(&p->bwe);
    free(p);
}

static void send_rtcp(rtc_peer *p, size_t size)
{
    const struct rtc_addr *to = ice_selected(&p->ice);
    uint8_t *data = endpoint_claim(p->ep);
    if (to && srtp_session_protect_rtcp(p->srtp, data, &size) == RTC_OK)
        endpoint_commit(p->ep, to, size);
}

void peer_goodbye(rtc_peer *p)
{
    if (p->srtp && p->has_video) {
        struct writer w = wr_make(endpoint_claim(p->ep), RTC_MTU - SRTP_MAX_OVERHEAD);
        uint32_t ssrcs[2] = { p->video.params.ssrc, p->video.params.rtx_ssrc };
        rtcp_write_rr(&w, ssrcs[0], NULL, 0);
        rtcp_write_sdes_cname(&w, ssrcs[0], p->cname);
        rtcp_write_bye(&w, ssrcs, p->video.params.rtx ? 2 : 1);
        send_rtcp(p, w.size);
    }
    sctp_destroy(&p->sctp); // sends ABORT
    dtls_close(p->dtls);
}

void peer_close(rtc_peer *p, enum rtc_close_reason reason, const char *text)
{
    if (p->dead)
        return;
    p->dead = true;
    set_state(p, RTC_PEER_CLOSED, reason, text);
    // The goodbye waits for the outermost call to return: SCTP or DTLS may be in the middle of a callback now.
}

// ---- ICE

void peer_stun(rtc_peer *p, const struct stun_message *m, const struct rtc_addr *from)
{
    struct rtc_addr evicted;
    size_t size;
    rtc_endpoint *ep = p->ep;
    enum ice_outcome outcome = ice_input(&p->ice, m, from, ep->now_us, endpoint_claim(ep), RTC_MAX_DATAGRAM, &size,
                                         &evicted);
    if (outcome == ICE_DROPPED) {
        ep->stats.dropped_stun++;
        return;
    }
    endpoint_commit(ep, from, size);
    if (outcome == ICE_ANSWERED_NEW) {
        if (evicted.family)
            hash_map_remove(&ep->by_addr, endpoint_addr_key(&evicted));
        hash_map_put(&ep->by_addr, endpoint_addr_key(from), (uintptr_t)p);
    }
    if (p->state == RTC_PEER_NEW && p->ice.tuple_count) {
        p->stage = RTC_STAGE_CHECKS;
        set_state(p, RTC_PEER_CONNECTING, RTC_CLOSE_NONE, "");
    }
}

// ---- DTLS

static void connected(rtc_peer *p)
{
    struct srtp_keys keys;
    int rc = dtls_export_keys(p->dtls, &keys);
    if (p->has_video) {
        if (rc == RTC_OK)
            rc = srtp_session_create(&p->srtp, &keys);
        if (rc < 0) {
            peer_close(p, RTC_CLOSE_FAILED, rc == RTC_ERR_UNSUPPORTED
                           ? "DTLS: the browser offered no SRTP profile that we have" : "cannot set SRTP up");
            return;
        }
        p->profile = keys.profile;
    }
    OPENSSL_cleanse(&keys, sizeof(keys));
    p->stage = RTC_STAGE_MEDIA;
    p->next_report_us = p->ep->now_us;
    if (p->wants_data && sctp_create(&p->sctp, &sctp_events, p, p->sctp_port, p->ep->now_us) < 0) {
        peer_close(p, RTC_CLOSE_FAILED, "cannot set the data channels up");
        return;
    }
    set_state(p, RTC_PEER_CONNECTED, RTC_CLOSE_NONE, "");
    if (p->has_video)
        p->keyframe_wanted = true;
}

static void check_dtls(rtc_peer *p)
{
    if (p->dead)
        return;
    enum dtls_state state = dtls_state(p->dtls);
    if (state == DTLS_FAILED)
        peer_close(p, RTC_CLOSE_FAILED, dtls_error(p->dtls));
    else if (state == DTLS_CLOSED)
        peer_close(p, RTC_CLOSE_REMOTE, "the browser closed the connection");
    else if (state == DTLS_OPEN && p->state != RTC_PEER_CONNECTED)
        connected(p);
}

void peer_dtls(rtc_peer *p, const uint8_t *data, size_t size)
{
    if (p->stage < RTC_STAGE_DTLS)
        p->stage = RTC_STAGE_DTLS;
    if (!dtls_input(p->dtls, data, size))
        p->ep->stats.dropped_dtls++;
    check_dtls(p);
    if (!p->dead && p->sctp && sctp_state(p->sctp) == SCTP_STATE_DOWN)
        peer_close(p, RTC_CLOSE_REMOTE, "the browser ended the data channels");
}

// ---- RTCP

static void want_keyframe(rtc_peer *p)
{
    // A request that crossed a key frame on its way asks for what is already coming.
    if (p->keyframe_sent_us && p->ep->now_us - p->keyframe_sent_us < rtt_or_default(p) + 50000)
        return;
    if (video_sender_keyframe_waits(&p->video))
        return;
    p->keyframe_wanted = true;
}

// When the next request may be made. Key frames may take half of the way at most: where they are dear, losses are answered less
// often, and several viewers of one encode do not disturb each other much.
static int64_t keyframe_deadline(const rtc_peer *p)
{
    if (!p->keyframe_wanted)
        return INT64_MAX;
    if (!p->keyframe_asked_us)
        return p->ep->now_us;
    if (p->keyframe_asked_us > p->keyframe_sent_us)
        return p->keyframe_asked_us + KEYFRAME_RETRY_US; // asked, but none came
    double cost = 2 * (double)p->keyframe_size * 8e6 / bwe_target_bps(&p->bwe);
    return p->keyframe_sent_us + (int64_t)fmin(fmax(cost, KEYFRAME_GAP_US), KEYFRAME_MAX_GAP_US);
}

static void ask_keyframe(rtc_peer *p)
{
    rtc_endpoint *ep = p->ep;
    if (!p->keyframe_wanted || ep->now_us < keyframe_deadline(p))
        return;
    p->keyframe_asked_us = ep->now_us;
    if (ep->events->keyframe_request)
        ep->events->keyframe_request(ep->user, p);
}

static void tell_bitrate(rtc_peer *p)
{
    uint32_t target = bwe_target_bps(&p->bwe);
    // Headers, SRTP and retransmissions share the way.
    uint32_t payload = (uint32_t)(target * 0.95 * (1 - fmin(p->bwe.loss, 0.5f)));
    video_sender_set_pace(&p->video, fmax(PACING * target, p->bwe.congested_once ? 1e6 : FREE_PACE_BPS), p->ep->now_us);
    if (fabs((double)payload - p->told_bps) <= 0.03 * p->told_bps)
        return;
    p->told_bps = payload;
    if (p->ep->events->bitrate)
        p->ep->events->bitrate(p->ep->user, p, payload);
}

static void handle_reports(rtc_peer *p, struct rtcp_packet *packet)
{
    struct rtcp_report r;
    while (rtcp_next_report(packet, &r)) {
        if (r.ssrc != p->video.params.ssrc)
            continue;
        p->rr++;
        p->stage  = RTC_STAGE_REPORTS;
        p->jitter = r.jitter;
        uint32_t now = rtcp_ntp_short(rtcp_ntp_from_us(p->ep->now_us + p->ep->wall_offset_us));
        if (r.last_sr)
            bwe_rtt(&p->bwe, (int64_t)(now - r.last_sr - r.delay_since_last_sr) * 1000000 / 65536);
        bwe_report_loss(&p->bwe, r.fraction_lost / 256.0f, p->ep->now_us);
    }
}

static void handle_feedback(rtc_peer *p, struct rtcp_packet *packet)
{
    rtc_endpoint *ep = p->ep;
    if (packet->type == RTCP_RTPFB && packet->count == RTCP_FB_TRANSPORT_CC) {
        p->twcc++;
        if (bwe_feedback(&p->bwe, packet, ep->now_us) < 0)
            ep->stats.dropped_srtp++;
        return;
    }
    if (packet->type == RTCP_RTPFB && packet->count == RTCP_FB_NACK && packet->media_ssrc == p->video.params.ssrc) {
        uint32_t state = 0;
        uint16_t seq;
        while (rtcp_next_nack(packet, &state, &seq))
            video_sender_nack(&p->video, seq, ep->now_us, rtt_or_default(p));
        return;
    }
    if (packet->type != RTCP_PSFB)
        return;
    uint64_t remb;
    struct rtcp_fir fir;
    if (packet->count == RTCP_FB_PLI && packet->media_ssrc == p->video.params.ssrc) {
        p->pli++;
        want_keyframe(p);
    } else if (packet->count == RTCP_FB_FIR) {
        while (rtcp_next_fir(packet, &fir))
            if (fir.ssrc == p->video.params.ssrc && fir.seq != p->fir_seq) {
                p->fir++;
                p->fir_seq = fir.seq;
                want_keyframe(p);
            }
    } else if (packet->count == RTCP_FB_AFB && rtcp_remb(packet, &remb)) {
        bwe_remb(&p->bwe, remb);
    }
}

void peer_srtp(rtc_peer *p, const uint8_t *data, size_t size)
{
    rtc_endpoint *ep = p->ep;
    if (!p->srtp || size < 12 || size > sizeof(ep->scratch) || data[1] < 192 || data[1] > 223) {
        ep->stats.dropped_srtp++; // before DTLS, or RTP: we receive no media
        return;
    }
    memcpy(ep->scratch, data, size);
    if (srtp_session_unprotect_rtcp(p->srtp, ep->scratch, &size) < 0) {
        ep->stats.dropped_srtp++;
        return;
    }
    ice_alive(&p->ice, ep->now_us);
    struct cursor c = cur_make(ep->scratch, size);
    struct rtcp_packet packet;
    while (rtcp_next(&c, &packet)) {
        if (packet.type == RTCP_RR)
            handle_reports(p, &packet);
        else if (packet.type == RTCP_SR) {
            struct rtcp_sender_info info;
            if (rtcp_sender_info(&packet, &info))
                handle_reports(p, &packet);
        } else if (packet.type == RTCP_RTPFB || packet.type == RTCP_PSFB)
            handle_feedback(p, &packet);
    }
    if (c.bad)
        ep->stats.dropped_srtp++;
    tell_bitrate(p);
    ask_keyframe(p);
}

static void send_report(rtc_peer *p)
{
    rtc_endpoint *ep       = p->ep;
    struct video_sender *v = &p->video;
    if (!v->packets_sent || ep->now_us < p->next_report_us)
        return;
    struct writer w = wr_make(endpoint_claim(ep), RTC_MTU - SRTP_MAX_OVERHEAD);
    struct rtcp_sender_info info = {
        .ntp = rtcp_ntp_from_us(ep->now_us + ep->wall_offset_us),
        .rtp_timestamp = v->last_timestamp + (uint32_t)((ep->now_us - v->last_capture_us) * 9 / 100),
        .packets = (uint32_t)v->packets_sent, .octets = (uint32_t)v->payload_bytes_sent,
    };
    rtcp_write_sr(&w, v->params.ssrc, &info);
    rtcp_write_sdes_cname(&w, v->params.ssrc, p->cname);
    send_rtcp(p, w.size);
    p->next_report_us = ep->now_us + (p->reports_sent++ < 5 ? FIRST_REPORTS_US : REPORT_INTERVAL_US);
}

// ---- sending

static void send_due(rtc_peer *p)
{
    rtc_endpoint *ep = p->ep;
    const struct rtc_addr *to = ice_selected(&p->ice);
    size_t size;
    while (to && video_sender_next(&p->video, &p->bwe, ep->now_us, endpoint_claim(ep), &size))
        if (srtp_session_protect(p->srtp, endpoint_claim(ep), &size) == RTC_OK)
            endpoint_commit(ep, to, size);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static const char *timeout_text(const rtc_peer *p)
{
    switch (p->stage) {
    case RTC_STAGE_DESCRIPTION:
        return "no STUN check arrived: the UDP port is blocked, or the announced address is not reachable";
    case RTC_STAGE_CHECKS: return "checks were answered, but no DTLS came: our answers do not reach the browser";
    case RTC_STAGE_DTLS: return "the DTLS handshake did not finish in time";
    default: return "the browser is gone: no consent check for 8 seconds";
    }
}

static void count_sctp_drops(rtc_peer *p)
{
    uint64_t dropped = p->sctp ? sctp_dropped(p->sctp) : p->sctp_dropped;
    p->ep->stats.dropped_sctp += dropped - p->sctp_dropped;
    p->sctp_dropped = dropped;
}

int64_t peer_tick(rtc_peer *p)
{
    rtc_endpoint *ep = p->ep;
    int64_t now      = ep->now_us;
    bool up          = p->state == RTC_PEER_CONNECTED;
    int64_t deadline = up ? ice_deadline(&p->ice) : p->created_us + CONNECT_TIMEOUT_US;
    if (now >= deadline) {
        peer_close(p, RTC_CLOSE_TIMEOUT, timeout_text(p));
        return now;
    }
    int64_t handshake = dtls_timeout_us(p->dtls);
    if (handshake == 0) {
        dtls_tick(p->dtls);
        check_dtls(p);
        handshake = p->dead ? -1 : dtls_timeout_us(p->dtls);
    }
    if (handshake >= 0)
        deadline = earlier(deadline, now + handshake);
    if (!up || p->dead)
        return deadline;
    if (p->sctp && now >= p->sctp_deadline_us)
        p->sctp_deadline_us = sctp_tick(p->sctp, now);
    count_sctp_drops(p);
    if (p->sctp && !p->dead && sctp_state(p->sctp) == SCTP_STATE_DOWN)
        peer_close(p, RTC_CLOSE_REMOTE, "the browser ended the data channels");
    if (p->dead)
        return now;
    if (p->sctp)
        deadline = earlier(deadline, p->sctp_deadline_us);
    if (p->has_video) {
        bwe_tick(&p->bwe, now);
        tell_bitrate(p);
        ask_keyframe(p);
        if (p->dead)
            return now;
        send_due(p);
        send_report(p);
        deadline = earlier(deadline, earlier(video_sender_deadline(&p->video), keyframe_deadline(p)));
        if (p->video.packets_sent)
            deadline = earlier(deadline, p->next_report_us);
    }
    return deadline;
}

int rtc_peer_send_video(rtc_peer *p, const struct rtc_video_frame *frame, int64_t now_us)
{
    if (p->dead || !p->has_video)
        return RTC_ERR_STATE;
    if (p->state != RTC_PEER_CONNECTED) {
        p->video.frames_skipped++;
        return RTC_SKIPPED;
    }
    endpoint_enter(p->ep, now_us);
    int rc = video_sender_frame(&p->video, frame, p->ep->now_us);
    if (rc == RTC_OK && frame->keyframe) {
        p->keyframe_wanted  = false;
        p->keyframe_sent_us = p->ep->now_us;
        p->keyframe_size    = frame->size;
    } else if (rc == RTC_SKIPPED || rc == RTC_ERR_FULL) {
        p->keyframe_wanted = true;
        ask_keyframe(p);
    }
    if (rc == RTC_OK && !p->dead) {
        send_due(p);
        send_report(p);
    }
    endpoint_leave(p->ep);
    return rc;
}

int rtc_peer_send_message(rtc_peer *p, const char *label, const void *data, size_t size, bool is_text, int64_t now_us)
{
    if (p->dead || !p->sctp)
        return RTC_ERR_STATE;
    if (size > p->max_message)
        return RTC_ERR_INVALID;
    endpoint_enter(p->ep, now_us);
    int rc = sctp_send(p->sctp, label, data, size, is_text, p->ep->now_us);
    if (rc == RTC_OK) {
        p->messages_out++;
        p->sctp_deadline_us = p->ep->now_us; // timers run from now on
    }
    endpoint_leave(p->ep);
    return rc;
}

void rtc_peer_close(rtc_peer *p, const char *text, int64_t now_us)
{
    if (p->dead)
        return;
    rtc_endpoint *ep = p->ep;
    endpoint_enter(ep, now_us);
    peer_close(p, RTC_CLOSE_LOCAL, text ? text : "closed by the server");
    endpoint_leave(ep);
}

// ---- looking in

void *rtc_peer_user(const rtc_peer *p) { return p->user; }
void rtc_peer_set_user(rtc_peer *p, void *user) { p->user = user; }
uint64_t rtc_peer_id(const rtc_peer *p) { return p->id; }
enum rtc_peer_state rtc_peer_state(const rtc_peer *p) { return p->state; }

void rtc_peer_stats(const rtc_peer *p, int64_t now_us, struct rtc_peer_stats *out)
{
    const struct video_sender *v = &p->video;
    *out = (struct rtc_peer_stats) {
        .state = p->state, .stage = p->stage, .age_us = now_us - p->created_us, .rtt_us = p->bwe.rtt_us,
        .jitter_us = (uint32_t)((uint64_t)p->jitter * 100 / 9), .loss = p->bwe.loss,
        .pacer_packets = v->history.waiting + (uint32_t)v->rtx_count,
        .frames_sent = v->frames_sent, .frames_skipped = v->frames_skipped, .frames_dropped = v->frames_dropped,
        .keyframes_sent = v->keyframes_sent, .packets_sent = v->packets_sent, .bytes_sent = v->bytes_sent,
        .rtx_packets_sent = v->rtx_packets_sent, .rtx_bytes_sent = v->rtx_bytes_sent,
        .nack_received = v->nack_received, .nack_missed = v->nack_missed, .nack_suppressed = v->nack_suppressed,
        .pli_received = p->pli, .fir_received = p->fir, .twcc_received = p->twcc, .rr_received = p->rr,
        .messages_sent = p->messages_out, .messages_received = p->messages_in, .consent_checks = p->ice.checks,
        .srtp_profile = srtp_profile_name(p->profile),
    };
    const struct rtc_addr *to = ice_selected(&p->ice);
    if (to)
        out->remote = *to;
    if (p->has_video) {
        out->target_bps   = p->told_bps;
        out->estimate_bps = bwe_target_bps(&p->bwe);
        out->acked_bps    = bwe_acked_bps(&p->bwe);
    }
}
