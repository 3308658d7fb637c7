#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_MAX_WORKERS 63

struct thread_pool {
    pthread_mutex_t caller_lock; // one thread_pool_for at a time
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t threads[POOL_MAX_WORKERS];
    int worker_count, busy;
    unsigned generation;
    bool stopping;
    char name[16];

    void (*fn)(void *user, size_t i);
    void *user;
    size_t count;
    atomic_size_t next;
};

int thread_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set))
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

void thread_set_name(const char *name)
{
    char text[16];
    snprintf(text, sizeof(text), "%s", name);
    pthread_setname_np(pthread_self(), text);
}

static void run_pieces(struct thread_pool *p)
{
    for (;;) {
        size_t i = atomic_fetch_add(&p->next, 1);
        if (i >= p->count)
            return;
        p->fn(p->user, i);
    }
}

static void *worker_main(void *arg)
{
    struct thread_pool *p = arg;
    thread_set_name(p->name);
    unsigned seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stopping && p->generation == seen)
            pthread_cond_wait(&p->work, &p->lock);
        if (p->stopping)
            break;
        seen = p->generation;
        pthread_mutex_unlock(&p->lock);
        run_pieces(p);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct thread_pool *thread_pool_create(int workers, const char *name)
{
    struct thread_pool *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    if (workers <= 0)
        workers = thread_cpu_count() - 1;
    if (workers > POOL_MAX_WORKERS)
        workers = POOL_MAX_WORKERS;
    snprintf(p->name, sizeof(p->name), "%s", name);
    pthread_mutex_init(&p->caller_lock, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    for (int i = 0; i < workers; i++) {
        if (pthread_create(&p->threads[i], NULL, worker_main, p))
            break;
        p->worker_count++;
    }
    return p;
}

void thread_pool_destroy(struct thread_pool **pool)
{
    struct thread_pool *p = *pool;
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->worker_count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->caller_lock);
    free(p);
    *pool = NULL;
}

void thread_pool_for(struct thread_pool *p, size_t count, void (*fn)(void *user, size_t i), void *user)
{
    if (!p || !p->worker_count || count < 2) {
        for (size_t i = 0; i < count; i++)
            fn(user, i);
        return;
    }
    pthread_mutex_lock(&p->caller_lock);
    pthread_mutex_lock(&p->lock);
    p->fn    = fn;
    p->user  = user;
    p->count = count;
    atomic_store(&p->next, 0);
    p->busy = p->worker_count;
    p->generation++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);

    run_pieces(p);

    pthread_mutex_lock(&p->lock);
    while (p->busy)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_unlock(&p->caller_lock);
}
