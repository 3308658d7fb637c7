// Clocks. Protocol cores never call these: they are given the time.
#pragma once

#include <stdint.h>

int64_t clock_mono_ns(void); // CLOCK_MONOTONIC
static inline int64_t clock_mono_us(void) { return clock_mono_ns() / 1000; }
int64_t clock_wall_ns(void);                // since 1970, UTC
void clock_sleep_until_ns(int64_t mono_ns); // returns at once when it is past
