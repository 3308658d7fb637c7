#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    size_t head, count, capacity;
    bool closed;
    void *items[];
};

struct queue *queue_create(size_t capacity)
{
    struct queue *q = calloc(1, sizeof(*q) + capacity * sizeof(void *));
    if (!q)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, &attr);
    pthread_condattr_destroy(&attr);
    q->capacity = capacity;
    return q;
}

void queue_destroy(struct queue **queue)
{
    if (!*queue)
        return;
    pthread_cond_destroy(&(*queue)->filled);
    pthread_mutex_destroy(&(*queue)->lock);
    free(*queue);
    *queue = NULL;
}

bool queue_try_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    bool ok = !q->closed && q->count < q->capacity;
    if (ok) {
        q->items[(q->head + q->count++) % q->capacity] = item;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return ok;
}

void *queue_pop(struct queue *q, int64_t timeout_ns)
{
    int64_t deadline   = timeout_ns > 0 ? clock_mono_ns() + timeout_ns : 0;
    struct timespec ts = { deadline / 1000000000, deadline % 1000000000 };
    void *item         = NULL;
    pthread_mutex_lock(&q->lock);
    while (!q->count && !q->closed && timeout_ns) {
        if (timeout_ns < 0)
            pthread_cond_wait(&q->filled, &q->lock);
        else if (pthread_cond_timedwait(&q->filled, &q->lock, &ts) == ETIMEDOUT)
            break;
    }
    if (q->count) {
        item    = q->items[q->head];
        q->head = (q->head + 1) % q->capacity;
        q->count--;
    }
    pthread_mutex_unlock(&q->lock);
    return item;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

size_t queue_size(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}
