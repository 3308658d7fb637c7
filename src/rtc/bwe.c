#include "bwe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rtc.h"
#include "rtcp.h"

#define GROUP_US 5000       // draft section 5.2
#define MAX_BURST_US 10000 // longer and a full link would look like one burst
#define BUCKET_US 50000
#define RATE_WINDOW 10      // buckets: 500 ms
#define MIN_RATE_WINDOW 3
#define TREND_GAIN 4.0      // makes the gradient comparable with the threshold
#define TREND_SMOOTHING 0.9
#define TREND_MAX_DELTAS 60
#define THRESHOLD_START_MS 12.5
#define THRESHOLD_UP 0.0087 // K_u and K_d of draft section 5.4
#define THRESHOLD_DOWN 0.039
#define OVERUSE_TIME_MS 10.0
#define QUEUE_MS 5.0         // less than that above the base delay is no queue, whatever the gradient says
#define BASE_WINDOW_US 5000000
#define DECREASE 0.85
#define PACKET_BITS (1200 * 8)

bool bwe_init(struct bwe *b, const struct bwe_params *params)
{
    *b = (struct bwe) { .params = *params, .delay_bps = params->start_bps, .loss_bps = params->start_bps,
        .threshold_ms = THRESHOLD_START_MS, .sent = calloc(BWE_SENT_SLOTS, sizeof(struct bwe_sent)) };
    return b->sent;
}

void bwe_finish(struct bwe *b)
{
    free(b->sent);
    b->sent = NULL;
}

uint32_t bwe_target_bps(const struct bwe *b)
{
    double bps = fmin(b->delay_bps, b->loss_bps);
    if (b->remb_bps > 0)
        bps = fmin(bps, b->remb_bps);
    return (uint32_t)fmax(b->params.min_bps, fmin(bps, b->params.max_bps));
}

// ---- what left and what arrived

static void rate_add(struct bwe_rate *r, int64_t time_us, uint32_t size)
{
    int64_t at = time_us / BUCKET_US;
    size_t i   = (size_t)(at % BWE_RATE_BUCKETS);
    if (time_us < 0 || at + BWE_RATE_BUCKETS <= r->newest_us / BUCKET_US)
        return;
    if (r->bucket[i].at != at) {
        r->bucket[i].at    = at;
        r->bucket[i].bytes = 0;
    }
    r->bucket[i].bytes += size;
    if (time_us > r->newest_us)
        r->newest_us = time_us;
    if (r->oldest_us == 0)
        r->oldest_us = time_us;
}

static double rate_bps(const struct bwe_rate *r)
{
    // The bucket being filled does not count, nor the first one ever: it was filled in part.
    int64_t now = r->newest_us / BUCKET_US, window = now - r->oldest_us / BUCKET_US - 1;
    if (window > RATE_WINDOW)
        window = RATE_WINDOW;
    if (window < MIN_RATE_WINDOW)
        return 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < BWE_RATE_BUCKETS; i++)
        if (r->bucket[i].at < now && r->bucket[i].at >= now - window)
            bytes += r->bucket[i].bytes;
    return (double)bytes * 8e6 / (double)(window * BUCKET_US);
}

uint32_t bwe_acked_bps(const struct bwe *b) { return (uint32_t)rate_bps(&b->arrived); }

uint16_t bwe_send(struct bwe *b, size_t size, int64_t now_us)
{
    uint16_t seq = b->next_seq++;
    b->sent[seq % BWE_SENT_SLOTS] = (struct bwe_sent) { now_us, (uint32_t)size, seq, true };
    rate_add(&b->left, now_us, (uint32_t)size);
    if (b->unanswered_us == 0)
        b->unanswered_us = now_us;
    return seq;
}

// ---- delay gradient

static double trend_slope(const struct bwe *b)
{
    size_t n = b->trend_count < BWE_TREND_WINDOW ? b->trend_count : BWE_TREND_WINDOW;
    double mx = 0, my = 0, num = 0, den = 0;
    for (size_t i = 0; i < n; i++)
        mx += b->trend[i].x, my += b->trend[i].y;
    mx /= (double)n, my /= (double)n;
    for (size_t i = 0; i < n; i++) {
        num += (b->trend[i].x - mx) * (b->trend[i].y - my);
        den += (b->trend[i].x - mx) * (b->trend[i].x - mx);
    }
    return den > 0 ? num / den : 0;
}

static void adapt_threshold(struct bwe *b, double trend, int64_t now_us)
{
    double size = fabs(trend);
    if (b->last_threshold_us == 0)
        b->last_threshold_us = now_us;
    double dt = fmin((double)(now_us - b->last_threshold_us) / 1000, 100);
    b->last_threshold_us = now_us;
    if (size > b->threshold_ms + 15)
        return; // a spike, a route change: not what the threshold is for
    double k = size < b->threshold_ms ? THRESHOLD_DOWN : THRESHOLD_UP;
    b->threshold_ms = fmax(6, fmin(600, b->threshold_ms + k * (size - b->threshold_ms) * dt));
}

// The delay stands above its lowest value of the last 5 to 10 s (not longer: clocks drift), and rises. After a stall of the
// receiver or of a radio link the gradient looks like congestion for a moment, but the delay is already falling.
static bool queue_grows(struct bwe *b, int64_t arrival_us)
{
    bool rising           = b->accumulated_ms >= b->last_accumulated_ms;
    b->last_accumulated_ms = b->accumulated_ms;
    if (arrival_us - b->base_since_us > BASE_WINDOW_US) {
        b->base_before_ms = b->base_ms;
        b->base_ms        = b->accumulated_ms;
        b->base_since_us  = arrival_us;
    }
    b->base_ms = fmin(b->base_ms, b->accumulated_ms);
    return rising && b->accumulated_ms - fmin(b->base_ms, b->base_before_ms) > QUEUE_MS;
}

static void detect(struct bwe *b, double slope, double send_delta_ms, int64_t arrival_us)
{
    bool queue = queue_grows(b, arrival_us);
    double deltas = b->trend_count < TREND_MAX_DELTAS ? (double)b->trend_count : TREND_MAX_DELTAS;
    double trend  = deltas * slope * TREND_GAIN;
    if (trend > b->threshold_ms) {
        b->overuse_ms += b->overuse_count ? send_delta_ms : send_delta_ms / 2;
        b->overuse_count++;
        if (b->overuse_ms > OVERUSE_TIME_MS && b->overuse_count > 1 && slope >= b->previous_slope && queue) {
            b->overuse_ms    = 0;
            b->overuse_count = 0;
            b->usage         = BWE_OVERUSE;
        }
    } else {
        b->overuse_ms    = 0;
        b->overuse_count = 0;
        b->usage         = trend < -b->threshold_ms ? BWE_UNDERUSE : BWE_NORMAL;
    }
    b->previous_slope = slope;
    adapt_threshold(b, trend, arrival_us);
}

static void close_group(struct bwe *b)
{
    if (b->previous.used) {
        double send_ms    = (double)(b->current.last_send_us - b->previous.last_send_us) / 1000;
        double arrival_ms = (double)(b->current.last_arrival_us - b->previous.last_arrival_us) / 1000;
        if (send_ms > 3000 || arrival_ms > 3000 || arrival_ms < -1000) { // a pause, a clock that jumped: start again
            b->trend_count    = 0;
            b->accumulated_ms = b->smoothed_ms = b->base_ms = b->base_before_ms = 0;
        } else {
            if (b->trend_count == 0)
                b->first_arrival_us = b->current.last_arrival_us;
            b->accumulated_ms += arrival_ms - send_ms;
            b->smoothed_ms = TREND_SMOOTHING * b->smoothed_ms + (1 - TREND_SMOOTHING) * b->accumulated_ms;
            size_t at = b->trend_count++ % BWE_TREND_WINDOW;
            b->trend[at].x = (double)(b->current.last_arrival_us - b->first_arrival_us) / 1000;
            b->trend[at].y = b->smoothed_ms;
            if (b->trend_count >= BWE_TREND_WINDOW)
                detect(b, trend_slope(b), send_ms, b->current.last_arrival_us);
        }
    }
    b->previous = b->current;
}

static void delay_packet(struct bwe *b, int64_t send_us, int64_t arrival_us)
{
    struct bwe_group *g = &b->current;
    if (g->used && send_us < g->first_send_us)
        return; // reordered into an older group
    // What queued up behind a gap of the network and comes out at once belongs together (draft section 5.2).
    int64_t send_step = send_us - g->last_send_us, arrival_step = arrival_us - g->last_arrival_us;
    bool burst = send_step == 0
        || (arrival_step >= 0 && arrival_step <= GROUP_US && arrival_step < send_step
            && send_us - g->first_send_us < MAX_BURST_US);
    if (g->used && send_us - g->first_send_us > GROUP_US && !burst) {
        close_group(b);
        g->used = false;
    }
    if (!g->used)
        *g = (struct bwe_group) { send_us, send_us, arrival_us, true };
    if (send_us > g->last_send_us)
        g->last_send_us = send_us;
    if (arrival_us > g->last_arrival_us)
        g->last_arrival_us = arrival_us;
}

// ---- rate control

static void decrease(struct bwe *b, double acked, int64_t now_us)
{
    // Not again before the last cut can have shown.
    int64_t pause = b->rtt_us + 200000;
    b->congested_once = true;
    if (now_us - b->last_decrease_us < pause)
        return;
    // Only a stream that used its rate has measured the link; one that idled and then sent a key frame, or whose sender was held
    // up, arrives slowly for other reasons.
    bool measured = acked > 0 && rate_bps(&b->left) > 0.7 * b->delay_bps;
    double base   = measured ? acked : b->delay_bps;
    double change = b->capacity_bps > 0 ? fabs(base - b->capacity_bps) / b->capacity_bps : 1;
    if (measured) // a large change is another link
        b->capacity_bps = change > 0.3 ? base : 0.95 * b->capacity_bps + 0.05 * base;
    b->delay_bps = fmin(b->delay_bps, DECREASE * base);
    b->last_decrease_us = now_us;
}

static void increase(struct bwe *b, double acked, double seconds)
{
    // The estimate may only run ahead of what the link has shown to carry: a still picture proves nothing.
    double ceiling = acked > 0 ? 2 * acked + 10000 : b->params.start_bps;
    if (b->delay_bps >= ceiling)
        return;
    if (acked > 1.3 * b->capacity_bps)
        b->capacity_bps = 0; // more than that gets through now: grow freely again
    bool near = b->capacity_bps > 0 && b->delay_bps > 0.8 * b->capacity_bps && b->delay_bps < 1.1 * b->capacity_bps;
    double next;
    if (!b->congested_once)
        next = b->delay_bps * pow(2, seconds);
    else if (near)
        next = b->delay_bps + fmax(8000, PACKET_BITS / ((double)(b->rtt_us + 100000) / 1e6)) * seconds;
    else
        next = b->delay_bps * pow(1.08, seconds);
    b->delay_bps = fmin(next, fmax(ceiling, b->delay_bps));
}

static void update_loss(struct bwe *b, int64_t now_us)
{
    uint32_t total = b->lost + b->received;
    if (b->loss_since_us == 0)
        b->loss_since_us = now_us;
    if (now_us - b->loss_since_us < 500000 || total < 20)
        return;
    b->loss          = (float)b->lost / (float)total;
    b->loss_since_us = now_us;
    b->lost = b->received = 0;
    double reference = fmin(b->loss_bps, fmax(b->delay_bps, b->params.min_bps));
    // Twice in a row: a radio link's steady 8 % goes over the mark now and then.
    bool heavy    = b->loss > 0.10f, again = heavy && b->heavy_loss;
    b->heavy_loss = heavy;
    if (again && now_us - b->last_loss_cut_us > 300000 + b->rtt_us) {
        b->loss_bps         = reference * (1 - 0.5 * b->loss);
        b->last_loss_cut_us = now_us;
        b->congested_once   = true;
    } else if (b->loss < 0.02f) {
        b->loss_bps *= b->congested_once ? 1.06 : 1.5;
    }
    b->loss_bps = fmax(b->params.min_bps, fmin(b->loss_bps, b->params.max_bps));
}

static void update_rate(struct bwe *b, int64_t now_us)
{
    double acked   = bwe_acked_bps(b);
    double seconds = b->last_update_us ? (double)(now_us - b->last_update_us) / 1e6 : 0;
    b->last_update_us = now_us;
    if (b->usage == BWE_OVERUSE)
        decrease(b, acked, now_us);
    else if (b->usage == BWE_NORMAL)
        increase(b, acked, fmin(seconds, 1));
    b->delay_bps = fmax(b->params.min_bps, fmin(b->delay_bps, b->params.max_bps));
}

int bwe_feedback(struct bwe *b, const struct rtcp_packet *p, int64_t now_us)
{
    struct rtcp_tcc t;
    struct rtcp_tcc_packet packet;
    if (rtcp_tcc_begin(&t, p) < 0)
        return RTC_ERR_MALFORMED;
    if (b->have_reference) { // 24 bits of 64 ms: take the value nearest to the last one
        int32_t step = (int32_t)((t.reference_64ms - b->last_reference) << 8) / 256;
        b->reference_base_us += (int64_t)step * 64000;
    } else {
        b->have_reference    = true;
        b->reference_base_us = 64000000; // arrivals stay positive even if feedback steps back
    }
    b->last_reference = t.reference_64ms;
    int64_t shift = b->reference_base_us - (int64_t)t.reference_64ms * 64000;

    while (rtcp_tcc_next(&t, &packet)) {
        struct bwe_sent *s = &b->sent[packet.seq % BWE_SENT_SLOTS];
        if (s->seq != packet.seq || s->send_us == 0 || !s->waiting)
            continue;
        if (!packet.received) {
            b->lost++; // it stays waiting: a late one is told in a later feedback
            continue;
        }
        s->waiting = false;
        b->received++;
        int64_t arrival = packet.arrival_us + shift;
        rate_add(&b->arrived, arrival, s->size);
        delay_packet(b, s->send_us, arrival);
    }
    b->feedbacks++;
    b->unanswered_us = 0;
    update_rate(b, now_us);
    update_loss(b, now_us);
    return RTC_OK;
}

void bwe_report_loss(struct bwe *b, float fraction, int64_t now_us)
{
    if (b->feedbacks)
        return; // feedback knows better
    b->loss = fraction;
    if (fraction > 0.10f && now_us - b->last_loss_cut_us > 300000 + b->rtt_us) {
        b->loss_bps *= 1 - 0.5 * fraction;
        b->last_loss_cut_us = now_us;
    } else if (fraction < 0.02f) {
        b->loss_bps *= 1.06;
    }
    b->loss_bps  = fmax(b->params.min_bps, fmin(b->loss_bps, b->params.max_bps));
    b->delay_bps = fmax(b->delay_bps, b->loss_bps);
}

void bwe_remb(struct bwe *b, uint64_t bps) { b->remb_bps = (double)bps; }

void bwe_rtt(struct bwe *b, int64_t rtt_us)
{
    if (rtt_us > 0 && rtt_us < 10000000)
        b->rtt_us = b->rtt_us ? (7 * b->rtt_us + rtt_us) / 8 : rtt_us;
}

void bwe_tick(struct bwe *b, int64_t now_us)
{
    // Sending without hearing anything: the way is blocked or overfull.
    if (b->unanswered_us && now_us - b->unanswered_us > 1000000) {
        b->delay_bps      = fmax(b->params.min_bps, b->delay_bps * 0.7);
        b->unanswered_us  = now_us - 500000; // again in half a second
        b->congested_once = true;
    }
}
