#include "file_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_MAPS 1024 // looked through by the handler

static struct slot {
    atomic_uintptr_t from; // 0 = free
    atomic_size_t size;
    atomic_bool lost;
} slots[MOST_MAPS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static size_t page_size;

// Only what may be called from a signal handler: atomics and system calls.
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    for (size_t i = 0; i < MOST_MAPS; i++) {
        uintptr_t from = atomic_load(&slots[i].from);
        size_t size    = atomic_load(&slots[i].size);
        if (!from || at < from || at - from >= size)
            continue;
        int keep       = errno;
        uintptr_t page = at & ~(uintptr_t)(page_size - 1), end = (from + size + page_size - 1) & ~(uintptr_t)(page_size - 1);
        void *zeros    = mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        errno          = keep;
        if (zeros == MAP_FAILED)
            break;
        atomic_store(&slots[i].lost, true);
        return;
    }
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(sig, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(sig);
    } else {
        struct sigaction standard = { .sa_handler = SIG_DFL };
        sigaction(SIGBUS, &standard, NULL); // the fault comes again
    }
}

// Set again when the program has put its own handler over it.
static bool set_handler(void)
{
    struct sigaction now;
    if (sigaction(SIGBUS, NULL, &now))
        return false;
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_sigbus)
        return true;
    before                = now;
    page_size             = (size_t)sysconf(_SC_PAGESIZE);
    struct sigaction mine = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };
    return !sigaction(SIGBUS, &mine, NULL);
}

unsigned guard_add(void *map, size_t size)
{
    unsigned guard = 0;
    pthread_mutex_lock(&lock);
    bool ready = set_handler();
    for (unsigned i = 0; ready && i < MOST_MAPS && !guard; i++)
        if (!atomic_load(&slots[i].from)) {
            atomic_store(&slots[i].lost, false);
            atomic_store(&slots[i].size, size);
            atomic_store(&slots[i].from, (uintptr_t)map);
            guard = i + 1;
        }
    pthread_mutex_unlock(&lock);
    return guard;
}

void guard_remove(unsigned guard)
{
    if (guard)
        atomic_store(&slots[guard - 1].from, 0);
}

bool guard_lost(unsigned guard) { return guard && atomic_load(&slots[guard - 1].lost); }
