// Bandwidth estimation against a simulated link: minutes of traffic in a moment.
#include "test.h"

#include "bwe.h"
#include "rtcp.h"

// A link: a queue of bounded length (drop tail) drained at a rate, a fixed delay, random loss, jitter, and stalls after which all
// that waited comes at once (radio scans, a busy receiver). Feedback every 50 ms.
struct link {
    double bps;
    int64_t delay_us, queue_limit_us, busy_until_us;
    unsigned loss_percent, seed;
    int64_t jitter_us, stall_us, stall_every_us;
    int64_t arrival[65536]; // by transport sequence number; -1 = lost
    uint16_t first, next;   // not yet reported
    uint64_t delivered, dropped;
    int64_t worst_queue_us;
};

static unsigned next_random(struct link *l) { return (l->seed = l->seed * 1103515245u + 12345u) >> 16 & 0x7fff; }

static void link_send(struct link *l, uint16_t seq, size_t size, int64_t now)
{
    int64_t start = l->busy_until_us > now ? l->busy_until_us : now;
    l->next       = (uint16_t)(seq + 1);
    if (start - now > l->queue_limit_us || next_random(l) % 100 < l->loss_percent) {
        l->arrival[seq] = -1;
        l->dropped++;
        return;
    }
    if (start - now > l->worst_queue_us)
        l->worst_queue_us = start - now;
    l->busy_until_us = start + (int64_t)((double)size * 8e6 / l->bps);
    int64_t at       = l->busy_until_us + l->delay_us + (l->jitter_us ? next_random(l) % l->jitter_us : 0);
    if (l->stall_us && at % l->stall_every_us < l->stall_us)
        at += l->stall_us - at % l->stall_every_us;
    l->arrival[seq] = at;
    l->delivered += size;
}

static void link_feedback(struct link *l, struct bwe *b, uint8_t count, int64_t now)
{
    uint8_t data[1500];
    int64_t times[300];
    // what has arrived by now; an unarrived one ends the report
    size_t n = 0;
    while (n < 300 && (uint16_t)(l->first + n) != l->next) {
        int64_t at = l->arrival[(uint16_t)(l->first + n)];
        if (at >= 0 && at > now - l->delay_us) // the way back takes as long
            break;
        times[n++] = at < 0 ? -1 : at + 777000000; // another clock
    }
    while (n && times[n - 1] < 0) // a receiver learns of losses by what comes after
        n--;
    if (!n)
        return;
    struct writer w = wr_make(data, sizeof(data));
    rtcp_write_tcc(&w, 1, 2, count, l->first, times, n);
    assert_false(w.bad);
    struct cursor c = cur_make(data, w.size);
    struct rtcp_packet p;
    assert_true(rtcp_next(&c, &p));
    assert_int_equal(bwe_feedback(b, &p, now), RTC_OK);
    l->first = (uint16_t)(l->first + n);
}

// An encoder at 60 fps that produces `use` of the target, paced at 2.5 times the target.
static void run(struct bwe *b, struct link *l, int64_t *now, double seconds, double use)
{
    static uint8_t count;
    int64_t end = *now + (int64_t)(seconds * 1e6), next_frame = *now, next_feedback = *now + 50000;
    double backlog = 0, budget = 0;
    for (; *now < end; *now += 1000) {
        double target = bwe_target_bps(b);
        if (*now >= next_frame) {
            backlog += target * use / 60 / 8;
            next_frame += 16667;
        }
        budget = budget + 2.5 * target / 8e3 > 5000 ? 5000 : budget + 2.5 * target / 8e3;
        while (backlog > 0 && budget > 0) {
            size_t size = backlog > 1200 ? 1200 : (size_t)backlog + 40;
            link_send(l, bwe_send(b, size, *now), size, *now);
            backlog -= (double)size;
            budget -= (double)size;
        }
        if (*now >= next_feedback) {
            link_feedback(l, b, count++, *now);
            next_feedback += 50000;
            bwe_rtt(b, 2 * l->delay_us);
        }
        bwe_tick(b, *now);
    }
}

static struct link *make_link(double bps)
{
    struct link *l = calloc(1, sizeof(*l));
    *l = (struct link) { .bps = bps, .delay_us = 20000, .queue_limit_us = 200000, .seed = 1 };
    return l;
}

static void start(struct bwe *b, uint32_t start_bps, uint32_t max_bps)
{
    assert_true(bwe_init(b, &(struct bwe_params) { start_bps, 150000, max_bps }));
}

static void grows_to_the_maximum_on_a_good_link(void **state)
{
    struct bwe b;
    struct link *l = make_link(1e9);
    int64_t now = 5000000;
    start(&b, 2000000, 20000000);
    run(&b, l, &now, 6, 1);
    assert_int_equal(bwe_target_bps(&b), 20000000); // within seconds, by doubling
    run(&b, l, &now, 120, 1);
    assert_int_equal(bwe_target_bps(&b), 20000000);
    assert_int_equal(l->dropped, 0);
    bwe_finish(&b);
    free(l);
}

static void fits_a_narrow_link(void **state)
{
    struct bwe b;
    struct link *l = make_link(6e6);
    int64_t now = 5000000;
    start(&b, 8000000, 8000000); // starts above what the link carries
    run(&b, l, &now, 20, 1);
    uint64_t before = l->delivered, dropped = l->dropped;
    l->worst_queue_us = 0;
    run(&b, l, &now, 120, 1);
    double used = (double)(l->delivered - before) * 8 / 120;
    print_message("6 Mbit/s link: %.2f Mbit/s used, worst queue %lld ms, dropped %llu\n", used / 1e6,
                  (long long)l->worst_queue_us / 1000, (unsigned long long)(l->dropped - dropped));
    assert_true(used > 0.75 * 6e6); // the link is used
    assert_true(l->worst_queue_us < 120000); // and its queue stays short
    assert_int_equal(l->dropped, dropped);
    bwe_finish(&b);
    free(l);
}

static void follows_a_link_that_changes(void **state)
{
    struct bwe b;
    struct link *l = make_link(10e6);
    int64_t now = 5000000;
    start(&b, 4000000, 50000000);
    run(&b, l, &now, 30, 1);
    assert_true(bwe_target_bps(&b) > 6000000 && bwe_target_bps(&b) < 13000000);
    l->bps = 2e6; // suddenly a fifth
    run(&b, l, &now, 5, 1);
    assert_true(bwe_target_bps(&b) < 2600000);
    run(&b, l, &now, 20, 1);
    assert_true(bwe_target_bps(&b) > 1200000 && bwe_target_bps(&b) < 2600000);
    l->bps = 10e6; // and back
    run(&b, l, &now, 40, 1);
    print_message("40 s after 2 -> 10 Mbit/s: %.2f Mbit/s\n", bwe_target_bps(&b) / 1e6);
    assert_true(bwe_target_bps(&b) > 6000000);
    bwe_finish(&b);
    free(l);
}

static void random_loss_is_not_congestion(void **state)
{
    struct bwe b;
    struct link *l = make_link(50e6);
    int64_t now = 5000000;
    l->loss_percent = 5;
    start(&b, 4000000, 8000000);
    run(&b, l, &now, 60, 1);
    assert_true(bwe_target_bps(&b) >= 3500000); // held: 2 % to 10 % neither raise nor cut
    assert_true(b.loss > 0.02f && b.loss < 0.1f);
    l->loss_percent = 30;
    run(&b, l, &now, 20, 1);
    assert_true(bwe_target_bps(&b) < 1500000); // that is not random any more
    bwe_finish(&b);
    free(l);
}

static void jitter_and_stalls_are_not_congestion(void **state)
{
    static const struct {
        int64_t jitter_us, stall_us, stall_every_us;
    } noise[] = { { 5000 }, { 15000 }, { 0, 10000, 100000 }, { 0, 30000, 1000000 }, { 0, 80000, 2000000 } };
    for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
        struct bwe b;
        struct link *l = make_link(20e6);
        int64_t now = 5000000;
        l->jitter_us      = noise[i].jitter_us;
        l->stall_us       = noise[i].stall_us;
        l->stall_every_us = noise[i].stall_every_us;
        start(&b, 4000000, 50000000);
        run(&b, l, &now, 20, 1);
        uint64_t before = l->delivered, dropped = l->dropped;
        l->worst_queue_us = 0;
        run(&b, l, &now, 60, 1);
        double used = (double)(l->delivered - before) * 8 / 60;
        print_message("20 Mbit/s, jitter %lld ms, stall %lld ms: %.2f Mbit/s used, worst queue %lld ms\n",
                      (long long)noise[i].jitter_us / 1000, (long long)noise[i].stall_us / 1000, used / 1e6,
                      (long long)l->worst_queue_us / 1000);
        assert_true(used > 0.65 * 20e6);
        assert_true(l->worst_queue_us < 100000);
        assert_int_equal(l->dropped, dropped);
        bwe_finish(&b);
        free(l);
    }
}

// An encoder that stays below its target all the time must not keep the target from growing.
static void a_modest_encoder_still_grows(void **state)
{
    struct bwe b;
    struct link *l = make_link(100e6);
    int64_t now = 5000000;
    start(&b, 4000000, 20000000);
    run(&b, l, &now, 20, 0.6);
    assert_int_equal(bwe_target_bps(&b), 20000000);
    bwe_finish(&b);
    free(l);
}

static void a_still_picture_proves_nothing(void **state)
{
    struct bwe b;
    struct link *l = make_link(5e6);
    int64_t now = 5000000;
    start(&b, 3000000, 50000000);
    run(&b, l, &now, 60, 0.1); // uses a tenth of its target
    assert_true(bwe_target_bps(&b) <= 3100000);
    assert_true(bwe_target_bps(&b) >= 2900000);
    bwe_finish(&b);
    free(l);
}

static void silence_lowers_the_rate(void **state)
{
    struct bwe b;
    struct link *l = make_link(50e6);
    int64_t now = 5000000;
    start(&b, 4000000, 8000000);
    run(&b, l, &now, 10, 1);
    uint32_t before = bwe_target_bps(&b);
    for (int i = 0; i < 300; i++, now += 10000) { // 3 s without feedback
        bwe_send(&b, 1200, now);
        bwe_tick(&b, now);
    }
    assert_true(bwe_target_bps(&b) < before / 3);
    bwe_finish(&b);
    free(l);
}

// A stream at rest sends a frame now and then; the pauses between them are not silence.
static void a_pause_is_not_silence(void **state)
{
    struct bwe b;
    struct link *l = make_link(50e6);
    int64_t now = 5000000;
    start(&b, 4000000, 8000000);
    run(&b, l, &now, 10, 1);
    now += 100000;
    link_feedback(l, &b, 0, now); // about the last packets of the run
    uint32_t before = bwe_target_bps(&b);
    for (uint8_t i = 0; i < 20; i++) { // a small frame every 2 s
        now += 2000000;
        link_send(l, bwe_send(&b, 500, now), 500, now);
        bwe_tick(&b, now);
        now += 150000;
        link_feedback(l, &b, i, now);
        bwe_tick(&b, now);
    }
    assert_int_equal(bwe_target_bps(&b), before);
    bwe_finish(&b);
    free(l);
}

// The 24-bit reference time wraps every 12.4 days; feedback across it must not look like a jump.
static void reference_time_wraps(void **state)
{
    struct bwe b;
    uint8_t data[200];
    start(&b, 4000000, 8000000);
    int64_t now = 1000000;
    for (int i = 0; i < 400; i++, now += 50000) {
        int64_t arrival[5];
        uint16_t base = 0;
        for (int k = 0; k < 5; k++) {
            uint16_t seq = bwe_send(&b, 1200, now + k * 8000);
            base = k ? base : seq;
            arrival[k] = ((int64_t)0xffffff - 100) * 64000 + now - 1000000 + k * 8000;
        }
        struct writer w = wr_make(data, sizeof(data));
        rtcp_write_tcc(&w, 1, 2, (uint8_t)i, base, arrival, 5);
        struct cursor c = cur_make(data, w.size);
        struct rtcp_packet p;
        assert_true(rtcp_next(&c, &p));
        assert_int_equal(bwe_feedback(&b, &p, now + 50000), RTC_OK);
        assert_int_not_equal(b.usage, BWE_OVERUSE);
    }
    assert_true(bwe_acked_bps(&b) > 900000 && bwe_acked_bps(&b) < 1000000); // 5 x 1200 B in 50 ms
    bwe_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_the_maximum_on_a_good_link),
        cmocka_unit_test(fits_a_narrow_link),
        cmocka_unit_test(follows_a_link_that_changes),
        cmocka_unit_test(random_loss_is_not_congestion),
        cmocka_unit_test(jitter_and_stalls_are_not_congestion),
        cmocka_unit_test(a_modest_encoder_still_grows),
        cmocka_unit_test(a_still_picture_proves_nothing),
        cmocka_unit_test(silence_lowers_the_rate),
        cmocka_unit_test(a_pause_is_not_silence),
        cmocka_unit_test(reference_time_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
