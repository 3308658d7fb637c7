// Background work: jobs that some threads run in the order they came.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct work_queue;

// cancelled: the queue is being destroyed and the job never ran; release what user holds.
typedef void work_fn(void *user, bool cancelled);

// threads 0 = one per core. NULL when memory or threads are short.
struct work_queue *work_queue_create(int threads, const char *name);
// Jobs running now finish; those waiting are called with cancelled = true, on this thread. *q is left NULL.
void work_queue_destroy(struct work_queue **q);
// Any thread. false: out of memory, and fn will not be called.
bool work_queue_push(struct work_queue *q, work_fn *fn, void *user);
// Any thread. Jobs waiting or running.
size_t work_queue_size(struct work_queue *q);
