#include "video_sender.h"

#include <math.h>
#include <string.h>

#include "h264.h"
#include "cursor.h"
#include "srtp_session.h"

#define BURST_US 5000        // credit the pacer may save up
#define MAX_BACKLOG_US 400000
#define FLUSH_BACKLOG_US 100000 // a key frame throws away what waits longer than that
#define MIN_TICK_US 500

bool video_sender_init(struct video_sender *v, const struct video_sender_params *params, uint16_t first_seq,
                       uint32_t timestamp_offset, int64_t now_us)
{
    *v = (struct video_sender) { .params = *params, .timestamp_offset = timestamp_offset,
        .rtx_seq = (uint16_t)(timestamp_offset >> 16 ^ timestamp_offset), .need_keyframe = true, .paced_us = now_us,
        .pace_bps = 10e6 };
    rtp_layout_init(&v->layout, &params->layout);
    return history_init(&v->history, first_seq);
}

void video_sender_finish(struct video_sender *v) { history_finish(&v->history); }

// ---- pacer

static double burst_bytes(const struct video_sender *v)
{
    return fmax(v->pace_bps / 8 * BURST_US / 1e6, 2 * RTC_MTU);
}

static void refill(struct video_sender *v, int64_t now_us)
{
    if (now_us <= v->paced_us)
        return;
    double bytes = v->pace_bps / 8e6 * (double)(now_us - v->paced_us);
    v->paced_us   = now_us;
    v->budget     = fmin(v->budget + bytes, burst_bytes(v));
    v->rtx_budget = fmin(v->rtx_budget + bytes / 2, 8 * burst_bytes(v));
}

void video_sender_set_pace(struct video_sender *v, double bps, int64_t now_us)
{
    refill(v, now_us);
    v->pace_bps = bps;
}

static int64_t backlog_us(const struct video_sender *v)
{
    return (int64_t)((double)v->history.waiting_bytes * 8e6 / v->pace_bps);
}

int64_t video_sender_deadline(const struct video_sender *v)
{
    if (!v->history.waiting && !v->rtx_count)
        return INT64_MAX;
    if (v->budget > 0)
        return v->paced_us;
    int64_t wait = (int64_t)(-v->budget * 8e6 / v->pace_bps) + 1;
    return v->paced_us + (wait > MIN_TICK_US ? wait : MIN_TICK_US);
}

bool video_sender_keyframe_waits(struct video_sender *v)
{
    const struct history_slot *front = history_front(&v->history);
    return front && front->keyframe;
}

// ---- frames

struct packing {
    struct video_sender *v;
    uint32_t timestamp;
    bool keyframe;
};

static bool put_packet(void *user, const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size,
                       bool last)
{
    struct packing *p         = user;
    struct video_sender *v    = p->v;
    struct history_slot *slot = history_claim(&v->history);
    if (!slot)
        return false;
    size_t at = rtp_layout_header(&v->layout);
    rtp_write_header(slot->data, &v->layout, v->params.payload_type, last, slot->seq, p->timestamp, v->params.ssrc);
    if (head_size)
        memcpy(slot->data + at, head, head_size);
    if (body_size)
        memcpy(slot->data + at + head_size, body, body_size);
    slot->keyframe = p->keyframe;
    history_commit(&v->history, slot, at + head_size + body_size);
    return true;
}

int video_sender_frame(struct video_sender *v, const struct rtc_video_frame *frame, int64_t now_us)
{
    if (frame->size > RTC_MAX_ACCESS_UNIT)
        return RTC_ERR_INVALID;
    if (v->need_keyframe && !frame->keyframe) {
        v->frames_skipped++;
        return RTC_SKIPPED;
    }
    refill(v, now_us);
    if (frame->keyframe && backlog_us(v) > FLUSH_BACKLOG_US) {
        history_rewind(&v->history, 0); // the picture starts anew: what waits is of no more use
        v->frames_dropped++;
    }
    if (!frame->keyframe && backlog_us(v) > MAX_BACKLOG_US) {
        v->need_keyframe = true;
        v->frames_dropped++;
        return RTC_ERR_FULL;
    }
    struct packing p = { v, v->timestamp_offset + (uint32_t)(frame->capture_us * 9 / 100), frame->keyframe };
    uint32_t waiting = v->history.waiting;
    // Room for SRTP's tag and the original sequence number of a retransmission (RFC 4588).
    size_t max_payload = RTC_MTU - SRTP_MAX_OVERHEAD - rtp_layout_header(&v->layout) - 2;
    int n = h264_packetize(frame->data, frame->size, max_payload, put_packet, &p);
    if (n < 0) {
        history_rewind(&v->history, waiting);
        if (n == RTC_ERR_FULL) {
            v->need_keyframe = true;
            v->frames_dropped++;
        }
        return n;
    }
    v->last_timestamp  = p.timestamp;
    v->last_capture_us = frame->capture_us;
    v->need_keyframe   = false;
    v->frames_sent++;
    v->keyframes_sent += frame->keyframe;
    return RTC_OK;
}

// ---- retransmission

void video_sender_nack(struct video_sender *v, uint16_t seq, int64_t now_us, int64_t rtt_us)
{
    struct history_slot *slot;
    v->nack_received++;
    refill(v, now_us);
    if (!v->params.rtx || v->rtx_count == VIDEO_RTX_QUEUE || v->rtx_budget <= 0) {
        v->nack_suppressed++;
        return;
    }
    switch (history_nack(&v->history, seq, now_us, rtt_us, &slot)) {
    case HISTORY_MISSING: v->nack_missed++; return;
    case HISTORY_SUPPRESSED: v->nack_suppressed++; return;
    case HISTORY_RESEND: break;
    }
    v->rtx_budget -= slot->size;
    v->rtx_queue[(v->rtx_head + v->rtx_count++) % VIDEO_RTX_QUEUE] = seq;
}

// RFC 4588 section 4: the payload behind the original's sequence number, in a stream of its own.
static bool write_rtx(struct video_sender *v, uint8_t *out, size_t *size)
{
    while (v->rtx_count) {
        uint16_t seq = v->rtx_queue[v->rtx_head];
        v->rtx_head  = (v->rtx_head + 1) % VIDEO_RTX_QUEUE;
        v->rtx_count--;
        const struct history_slot *slot = &v->history.slots[seq % HISTORY_SLOTS];
        if (slot->size == 0 || slot->seq != seq)
            continue; // overwritten meanwhile
        size_t at = rtp_layout_header(&v->layout);
        struct cursor c = cur_make(slot->data, slot->size);
        cur_skip(&c, 1);
        bool marker = cur_u8(&c) >> 7;
        cur_skip(&c, 2);
        uint32_t timestamp = cur_u32be(&c);
        rtp_write_header(out, &v->layout, v->params.rtx_payload_type, marker, v->rtx_seq++, timestamp,
                         v->params.rtx_ssrc);
        out[at]     = (uint8_t)(seq >> 8);
        out[at + 1] = (uint8_t)seq;
        memcpy(out + at + 2, slot->data + at, slot->size - at);
        *size = slot->size + 2u;
        v->rtx_packets_sent++;
        v->rtx_bytes_sent += *size;
        return true;
    }
    return false;
}

bool video_sender_next(struct video_sender *v, struct bwe *bwe, int64_t now_us, uint8_t *out, size_t *size)
{
    refill(v, now_us);
    if (v->budget <= 0)
        return false;
    if (!write_rtx(v, out, size)) {
        struct history_slot *slot = history_front(&v->history);
        if (!slot)
            return false;
        history_mark_sent(&v->history, slot, now_us);
        memcpy(out, slot->data, slot->size);
        *size = slot->size;
        v->packets_sent++;
        v->bytes_sent += slot->size;
        v->payload_bytes_sent += slot->size - rtp_layout_header(&v->layout);
    }
    v->budget -= (double)*size;
    uint16_t transport_seq = v->layout.transport_cc_at ? bwe_send(bwe, *size, now_us) : 0;
    rtp_patch_send(out, &v->layout, transport_seq, now_us);
    return true;
}
