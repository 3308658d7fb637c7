// The frame pacer (contract section 14).
#include "ovstream_utils/loop.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define SECOND_NS 1000000000ull
#define SPIN_NS 500000ull // sleeping is only this exact; the rest is waited out
#define HISTORY 512u
#define DEFAULT_STEP_MAX 8u

struct ovstream_utils_loop {
    ovstream_utils_loop_config_t config;
    uint64_t frame_ns, step_ns;
    uint64_t previous_ns, deadline_ns, remainder_ns, index, steps, reset_ns;
    bool anchored; // deadline_ns is valid
    uint64_t starts[HISTORY];
};

static uint64_t period(uint32_t hz) { return !hz ? 0 : SECOND_NS / hz ? SECOND_NS / hz : 1; }

static void clear(struct ovstream_utils_loop *l)
{
    l->previous_ns = l->deadline_ns = l->remainder_ns = l->index = l->steps = l->reset_ns = 0;
    l->anchored                                                                           = false;
}

static void configure(struct ovstream_utils_loop *l, const ovstream_utils_loop_config_t *config)
{
    l->config = config ? *config : (ovstream_utils_loop_config_t) { 0 };
    if (!l->config.fixedStepMax)
        l->config.fixedStepMax = DEFAULT_STEP_MAX;
    l->frame_ns = period(l->config.fpsTarget);
    l->step_ns  = period(l->config.fixedStepHz);
    clear(l);
}

uint64_t ovstream_utils_now_ns(void) { return (uint64_t)clock_mono_ns(); }

void ovstream_utils_loop_config_defaults(ovstream_utils_loop_config_t *o_config)
{
    if (o_config)
        *o_config = (ovstream_utils_loop_config_t) { 0 };
}

void ovstream_utils_loop_create(const ovstream_utils_loop_config_t *a_config, ovstream_utils_loop_t **o_loop)
{
    if (!o_loop)
        return;
    struct ovstream_utils_loop *l = calloc(1, sizeof(*l));
    if (!l) {
        fputs("ovstream_utils_loop_create: out of memory\n", stderr);
        abort();
    }
    configure(l, a_config);
    *o_loop = l;
}

void ovstream_utils_loop_destroy(ovstream_utils_loop_t *a_loop) { free(a_loop); }

void ovstream_utils_loop_reset(ovstream_utils_loop_t *a_loop)
{
    if (a_loop)
        clear(a_loop);
}

void ovstream_utils_loop_reconfigure(ovstream_utils_loop_t *a_loop, const ovstream_utils_loop_config_t *a_config)
{
    if (a_loop)
        configure(a_loop, a_config);
}

static void wait_for_frame(struct ovstream_utils_loop *l)
{
    if (!l->frame_ns || !l->index)
        return;
    uint64_t due = (l->anchored ? l->deadline_ns : l->previous_ns) + l->frame_ns;
    uint64_t now = ovstream_utils_now_ns();
    l->anchored  = true;
    if (now >= due) {
        l->deadline_ns = now; // late: go on from here instead of catching up
        return;
    }
    l->deadline_ns = due;
    if (due - now > SPIN_NS)
        clock_sleep_until_ns((int64_t)(due - SPIN_NS));
    while (ovstream_utils_now_ns() < due)
        sched_yield();
}

static void count_steps(struct ovstream_utils_loop *l, uint64_t delta_ns, ovstream_utils_tick_t *out)
{
    out->fixedTimeSeconds = 1.0f / (float)l->config.fixedStepHz;
    if (!l->index)
        return;
    l->remainder_ns += delta_ns;
    uint64_t due = l->remainder_ns / l->step_ns;
    l->remainder_ns %= l->step_ns;
    if (due > l->config.fixedStepMax) {
        due             = l->config.fixedStepMax;
        l->remainder_ns = 0;
    }
    out->fixedStepCount = (uint32_t)due;
    out->fixedTimeAlpha = (float)((double)l->remainder_ns / (double)l->step_ns);
    if (out->fixedTimeAlpha >= 1) // rounding of a remainder just below one step
        out->fixedTimeAlpha = 0x1.fffffep-1f;
    l->steps += due;
}

static ovstream_utils_stats_t statistics(const struct ovstream_utils_loop *l, uint64_t now_ns)
{
    ovstream_utils_stats_t s = { .frameTotal = l->index + 1, .fixedTotal = l->steps };
    uint64_t known           = l->index + 1 < HISTORY ? l->index + 1 : HISTORY;
    while (s.fpsCurrent < known && now_ns - l->starts[(l->index - s.fpsCurrent) % HISTORY] <= SECOND_NS)
        s.fpsCurrent++;
    uint64_t elapsed = now_ns - l->reset_ns;
    if (l->index && elapsed)
        s.fpsAverage = (uint32_t)((double)(l->index + 1) * 1e9 / (double)elapsed + 0.5);
    return s;
}

void ovstream_utils_loop_tick(ovstream_utils_loop_t *a_loop, ovstream_utils_tick_t *o_tick)
{
    if (!a_loop || !o_tick)
        return;
    struct ovstream_utils_loop *l = a_loop;
    wait_for_frame(l);
    uint64_t now   = ovstream_utils_now_ns();
    uint64_t delta = l->index ? now - l->previous_ns : 0;
    if (!l->index)
        l->reset_ns = now;
    *o_tick = (ovstream_utils_tick_t) { .startTimeNs = now, .frameIndex = l->index };
    o_tick->deltaTimeSeconds = (float)((double)delta * 1e-9);
    if (l->step_ns)
        count_steps(l, delta, o_tick);
    l->starts[l->index % HISTORY] = now;
    o_tick->stats                 = statistics(l, now);
    l->previous_ns                = now;
    l->index++;
}
