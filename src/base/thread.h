// Threads beyond pthread: names, core count, and a small pool for "do these n pieces".
#pragma once

#include <stddef.h>

int thread_cpu_count(void); // cores this process may use, at least 1
void thread_set_name(const char *name); // the calling thread; at most 15 bytes are kept

struct thread_pool;

// workers 0 = one per core less the caller's. NULL when memory is short.
struct thread_pool *thread_pool_create(int workers, const char *name);
void thread_pool_destroy(struct thread_pool **pool);

/**
 * Call fn(user, i) once for every i in [0, count), on the pool and on the calling thread; returns
 * when all have returned. One caller at a time per pool; others wait. A NULL pool runs all here.
 */
void thread_pool_for(struct thread_pool *pool, size_t count, void (*fn)(void *user, size_t i), void *user);
