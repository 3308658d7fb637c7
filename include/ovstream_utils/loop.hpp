// The frame pacer of loop.h as a C++ class that needs no library.
#ifndef OVSTREAM_UTILS_LOOP_HPP
#define OVSTREAM_UTILS_LOOP_HPP

#include <chrono>
#include <cstdint>
#include <thread>

#include "loop_types.h"

namespace ovstream_utils {

// Nanoseconds of the monotonic clock.
inline uint64_t now_ns() noexcept
{
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count());
}

// One thread at a time; different loops are independent.
class Loop {
public:
    using Config = ovstream_utils_loop_config_t;
    using Stats  = ovstream_utils_stats_t;
    using Tick   = ovstream_utils_tick_t;

    explicit Loop(const Config &config = Config {}) noexcept { reconfigure(config); }
    Loop(const Loop &)            = delete;
    Loop &operator=(const Loop &) = delete;

    // Wait until the frame is due, then measure.
    Tick tick() noexcept
    {
        wait();
        Tick out {};
        const uint64_t now   = now_ns();
        const bool first     = index_ == 0;
        const uint64_t delta = first ? 0 : now - previous_;
        if (first)
            reset_ns_ = now;
        out.startTimeNs      = now;
        out.frameIndex       = index_;
        out.deltaTimeSeconds = static_cast<float>(static_cast<double>(delta) * 1e-9);
        if (step_ns_)
            step(delta, first, out);
        starts_[index_ % history] = now;
        out.stats                 = stats(now);
        previous_                 = now;
        ++index_;
        return out;
    }

    // Forget everything but the settings.
    void reset() noexcept
    {
        previous_ = deadline_ = remainder_ = index_ = steps_ = reset_ns_ = 0;
        anchored_ = false;
    }

    // Change the settings and reset.
    void reconfigure(const Config &config) noexcept
    {
        config_   = config;
        frame_ns_ = period(config.fpsTarget);
        step_ns_  = period(config.fixedStepHz);
        if (!config_.fixedStepMax)
            config_.fixedStepMax = 8;
        reset();
    }

private:
    static constexpr uint64_t second  = 1000000000;
    static constexpr uint64_t history = 512;
    static constexpr uint64_t spin_ns = 500000; // sleeping is only this exact

    static uint64_t period(uint32_t hz) noexcept { return hz ? (second / hz ? second / hz : 1) : 0; }

    void wait() noexcept
    {
        if (!frame_ns_ || index_ == 0)
            return;
        const uint64_t due = (anchored_ ? deadline_ : previous_) + frame_ns_;
        uint64_t now       = now_ns();
        anchored_          = true;
        if (now >= due) {
            deadline_ = now;
            return;
        }
        deadline_ = due;
        if (due - now > spin_ns)
            std::this_thread::sleep_for(std::chrono::nanoseconds(due - now - spin_ns));
        while (now_ns() < due)
            std::this_thread::yield();
    }

    void step(uint64_t delta, bool first, Tick &out) noexcept
    {
        out.fixedTimeSeconds = 1.0f / static_cast<float>(config_.fixedStepHz);
        if (first)
            return;
        const uint64_t due = (remainder_ + delta) / step_ns_;
        remainder_         = (remainder_ + delta) % step_ns_;
        if (due > config_.fixedStepMax)
            remainder_ = 0;
        out.fixedStepCount = due > config_.fixedStepMax ? config_.fixedStepMax : static_cast<uint32_t>(due);
        out.fixedTimeAlpha = static_cast<float>(static_cast<double>(remainder_) / static_cast<double>(step_ns_));
        if (out.fixedTimeAlpha >= 1.0f) // rounding of a remainder just below one step
            out.fixedTimeAlpha = 0x1.fffffep-1f;
        steps_ += out.fixedStepCount;
    }

    Stats stats(uint64_t now) const noexcept
    {
        Stats s {};
        const uint64_t known = index_ + 1 < history ? index_ + 1 : history;
        while (s.fpsCurrent < known && now - starts_[(index_ - s.fpsCurrent) % history] <= second)
            ++s.fpsCurrent;
        s.frameTotal           = index_ + 1;
        s.fixedTotal           = steps_;
        const uint64_t elapsed = now - reset_ns_;
        if (index_ && elapsed)
            s.fpsAverage = static_cast<uint32_t>(static_cast<double>(index_ + 1) * 1e9 / static_cast<double>(elapsed) + 0.5);
        return s;
    }

    Config config_ {};
    uint64_t frame_ns_ = 0, step_ns_ = 0;
    uint64_t previous_ = 0, deadline_ = 0, remainder_ = 0, index_ = 0, steps_ = 0, reset_ns_ = 0;
    bool anchored_ = false;
    uint64_t starts_[history] = {};
};

} // namespace ovstream_utils

#endif
