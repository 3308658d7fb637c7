// A bounded queue of pointers, many producers and many consumers. Any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_create(size_t capacity);
// Items still queued are not freed; drain first.
void queue_destroy(struct queue **queue);
bool queue_try_push(struct queue *q, void *item); // false: full or closed
// Waits up to timeout_ns (0 polls, negative waits for ever). NULL: nothing came, or closed and empty.
void *queue_pop(struct queue *q, int64_t timeout_ns);
void queue_close(struct queue *q); // pushes fail from now on; pops drain, then give NULL at once
size_t queue_size(struct queue *q);
