// The figures of ovstream_ext_get_stats, and what follows from them: who is silent, who has gone.
#include "webrtc_internal.h"

#include <string.h>

#define STATS_INTERVAL_US 100000

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

void webrtc_refresh_stats(struct webrtc *w, int64_t now_us)
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
    webrtc_apply_bitrate(w);
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
