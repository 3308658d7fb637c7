#include "clock.h"

#include <errno.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_mono_ns(void) { return read_ns(CLOCK_MONOTONIC); }
int64_t clock_wall_ns(void) { return read_ns(CLOCK_REALTIME); }

void clock_sleep_until_ns(int64_t mono_ns)
{
    struct timespec ts = { mono_ns / 1000000000, mono_ns % 1000000000 };
    while (mono_ns > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
        ;
}
