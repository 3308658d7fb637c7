// One video stream to one peer: packetiser, history, pacer and retransmission. Gives unprotected RTP packets when they are due.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bwe.h"
#include "history.h"
#include "rtc.h"
#include "rtp.h"

#define VIDEO_RTX_QUEUE 512

struct video_sender_params {
    uint32_t ssrc, rtx_ssrc;
    uint8_t payload_type, rtx_payload_type;
    bool rtx; // else retransmissions repeat the packet in its own stream, which SRTP cannot: NACKs go unanswered
    struct rtp_layout_params layout;
};

struct video_sender {
    struct video_sender_params params;
    struct rtp_layout layout;
    struct history history;
    uint32_t timestamp_offset;
    uint16_t rtx_seq;
    // retransmissions asked for, oldest first
    uint16_t rtx_queue[VIDEO_RTX_QUEUE];
    size_t rtx_head, rtx_count;
    // pacer: a token bucket in bytes
    double pace_bps, budget;
    int64_t paced_us;
    // retransmissions may take at most half of the pace
    double rtx_budget;
    bool need_keyframe; // frames are skipped until one comes
    uint32_t last_timestamp;
    int64_t last_capture_us;
    uint64_t frames_sent, frames_skipped, frames_dropped, keyframes_sent;
    uint64_t packets_sent, bytes_sent, payload_bytes_sent, rtx_packets_sent, rtx_bytes_sent;
    uint64_t nack_received, nack_missed, nack_suppressed;
};

bool video_sender_init(struct video_sender *v, const struct video_sender_params *params, uint16_t first_seq,
                       uint32_t timestamp_offset, int64_t now_us);
void video_sender_finish(struct video_sender *v);

void video_sender_set_pace(struct video_sender *v, double bps, int64_t now_us);
// As rtc_peer_send_video.
int video_sender_frame(struct video_sender *v, const struct rtc_video_frame *frame, int64_t now_us);
void video_sender_nack(struct video_sender *v, uint16_t seq, int64_t now_us, int64_t rtt_us);
// The next packet that is due, written to out (RTC_MTU bytes): false when none is. It is registered with the estimator.
bool video_sender_next(struct video_sender *v, struct bwe *bwe, int64_t now_us, uint8_t *out, size_t *size);
// A key frame is still on its way out.
bool video_sender_keyframe_waits(struct video_sender *v);
// When video_sender_next will have something; INT64_MAX when nothing waits.
int64_t video_sender_deadline(const struct video_sender *v);
