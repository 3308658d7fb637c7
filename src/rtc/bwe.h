// Bandwidth estimation for one peer: delay-based and loss-based control as in draft-ietf-rmcat-gcc-02, fed by transport-wide
// feedback (or, without that extension, by receiver reports and REMB).
//
// Delay: packets are grouped by send time (5 ms), the delay gradient between groups is filtered by a least-squares line over the
// last 20 (the "trendline"), and compared with a threshold that adapts. Overuse cuts to 85 % of what arrived; otherwise the rate
// grows: doubling each second until the first sign of congestion, then 8 % per second, or by about a packet per
// response time near the rate of the last congestion. Loss: above 10 % cuts, below 2 % lets grow.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BWE_TREND_WINDOW 20
#define BWE_RATE_BUCKETS 16 // of 50 ms
#define BWE_SENT_SLOTS 8192 // packets in flight that feedback can talk about

struct bwe_params {
    uint32_t start_bps, min_bps, max_bps;
};

enum bwe_usage { BWE_NORMAL, BWE_OVERUSE, BWE_UNDERUSE };

struct bwe_group { // packets sent within 5 ms
    int64_t first_send_us, last_send_us, last_arrival_us;
    bool used;
};

struct bwe_sent {
    int64_t send_us;
    uint32_t size;
    uint16_t seq;
    bool waiting; // no feedback yet
};

struct bwe_rate { // bytes over time, in buckets of 50 ms
    struct {
        int64_t at; // time / 50 ms
        uint64_t bytes;
    } bucket[BWE_RATE_BUCKETS];
    int64_t oldest_us, newest_us;
};

struct bwe {
    struct bwe_params params;
    // what was sent
    struct bwe_sent *sent; // BWE_SENT_SLOTS
    uint16_t next_seq;
    int64_t unanswered_us; // when the first packet after the last feedback left; 0 = none did
    // arrival times, unwrapped
    bool have_reference;
    uint32_t last_reference;
    int64_t reference_base_us; // added to the 24-bit reference time
    // delay gradient
    struct bwe_group current, previous;
    double accumulated_ms, smoothed_ms;
    double last_accumulated_ms;
    double base_ms, base_before_ms; // lowest accumulated delay of this and of the previous window
    int64_t base_since_us;
    struct {
        double x, y;
    } trend[BWE_TREND_WINDOW];
    size_t trend_count; // in all, the window is the last BWE_TREND_WINDOW
    double previous_slope, threshold_ms, overuse_ms;
    int64_t first_arrival_us, last_threshold_us;
    uint32_t overuse_count;
    enum bwe_usage usage;
    // rates
    struct bwe_rate arrived, left;
    double delay_bps, loss_bps, remb_bps;
    double capacity_bps; // what arrived when the link was last congested; 0 = unknown
    bool congested_once; // ends the start phase
    int64_t last_update_us, last_decrease_us;
    // loss over about half a second
    uint32_t lost, received;
    int64_t loss_since_us, last_loss_cut_us;
    bool heavy_loss; // in the last window
    float loss;
    int64_t rtt_us; // 0 = unknown
    uint64_t feedbacks;
};

bool bwe_init(struct bwe *b, const struct bwe_params *params);
void bwe_finish(struct bwe *b);

// Registers a packet that is about to be sent, all its bytes; returns its transport-wide sequence number.
uint16_t bwe_send(struct bwe *b, size_t size, int64_t now_us);

struct rtcp_packet;
// A transport-wide feedback packet; RTC_OK or RTC_ERR_MALFORMED.
int bwe_feedback(struct bwe *b, const struct rtcp_packet *p, int64_t now_us);
void bwe_report_loss(struct bwe *b, float fraction, int64_t now_us); // from RR, when there is no feedback
void bwe_remb(struct bwe *b, uint64_t bps);
void bwe_rtt(struct bwe *b, int64_t rtt_us);
// Without feedback for a second the rate falls. Cheap; call it as often as you like.
void bwe_tick(struct bwe *b, int64_t now_us);

uint32_t bwe_target_bps(const struct bwe *b);
uint32_t bwe_acked_bps(const struct bwe *b); // what arrived during the last 500 ms of feedback; 0 = unknown
