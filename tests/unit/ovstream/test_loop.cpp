// loop.hpp behaves as loop.h does, without a library.
#include <cstdio>
#include <thread>
#include <type_traits>

#include "ovstream_utils/loop.hpp"

static int failures;

#define CHECK(condition)                                                  \
    do {                                                                  \
        if (!(condition)) {                                               \
            std::printf("line %d: %s\n", __LINE__, #condition);           \
            failures++;                                                   \
        }                                                                 \
    } while (0)

using ovstream_utils::Loop;

static_assert(!std::is_copy_constructible<Loop>::value && !std::is_move_constructible<Loop>::value, "neither copied nor moved");
static_assert(noexcept(ovstream_utils::now_ns()), "now_ns");

static void test_rate()
{
    Loop loop(Loop::Config { 60, 90, 0 });
    Loop::Tick t         = loop.tick();
    const uint64_t first = t.startTimeNs;
    CHECK(t.frameIndex == 0 && t.deltaTimeSeconds == 0 && t.fixedStepCount == 0 && t.stats.fpsAverage == 0);
    for (int i = 1; i <= 60; i++)
        t = loop.tick();
    const double elapsed = static_cast<double>(t.startTimeNs - first) * 1e-9;
    CHECK(elapsed > 0.998 && elapsed < 1.2);
    CHECK(t.stats.frameTotal == 61);
    CHECK(t.stats.fixedTotal >= 89 && t.stats.fixedTotal <= 110);
    CHECK(t.fixedTimeAlpha >= 0 && t.fixedTimeAlpha < 1);
}

static void test_stall_and_reset()
{
    Loop loop(Loop::Config { 0, 1000, 0 });
    loop.tick();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    Loop::Tick t = loop.tick();
    CHECK(t.fixedStepCount == 8 && t.fixedTimeAlpha == 0 && t.deltaTimeSeconds >= 0.05f);
    loop.reset();
    t = loop.tick();
    CHECK(t.frameIndex == 0 && t.fixedStepCount == 0);
    loop.reconfigure(Loop::Config {});
    const uint64_t before = ovstream_utils::now_ns();
    for (int i = 0; i < 1000; i++)
        t = loop.tick();
    CHECK(ovstream_utils::now_ns() - before < 500000000);
    CHECK(t.fixedTimeSeconds == 0 && t.stats.fpsCurrent == 512);
}

int main()
{
    test_rate();
    test_stall_and_reset();
    std::printf("%d failures\n", failures);
    return failures != 0;
}
