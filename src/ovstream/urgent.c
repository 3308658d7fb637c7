#include "urgent.h"

#include <errno.h>
#include <unistd.h>

#include <sys/resource.h>

#define URGENT_NICE (-10)

int urgent_begin(void)
{
    errno        = 0;
    int previous = getpriority(PRIO_PROCESS, (id_t)gettid()); // on Linux a nice value belongs to a thread
    if (errno)
        return 0;
    if (previous > URGENT_NICE)
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), URGENT_NICE);
    return previous;
}

void urgent_end(int previous) { (void)setpriority(PRIO_PROCESS, (id_t)gettid(), previous); }
