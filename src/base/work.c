#include "work.h"

#include <pthread.h>
#include <stdlib.h>

#include "thread.h"

struct work_job {
    struct work_job *next;
    work_fn *fn;
    void *user;
};

struct work_queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work_job *first, **last;
    size_t size;
    bool stop;
    char name[16];
    int thread_count;
    pthread_t threads[];
};

static struct work_job *take(struct work_queue *q)
{
    struct work_job *job = q->first;
    if (job) {
        q->first = job->next;
        if (!q->first)
            q->last = &q->first;
    }
    return job;
}

static void *run(void *user)
{
    struct work_queue *q = user;
    thread_set_name(q->name);
    pthread_mutex_lock(&q->lock);
    while (!q->stop) {
        struct work_job *job = take(q);
        if (!job) {
            pthread_cond_wait(&q->wake, &q->lock);
            continue;
        }
        pthread_mutex_unlock(&q->lock);
        job->fn(job->user, false);
        free(job);
        pthread_mutex_lock(&q->lock);
        q->size--;
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

struct work_queue *work_queue_create(int threads, const char *name)
{
    if (threads <= 0)
        threads = thread_cpu_count();
    struct work_queue *q = calloc(1, sizeof(*q) + (size_t)threads * sizeof(q->threads[0]));
    if (!q)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    q->last = &q->first;
    for (size_t i = 0; name && name[i] && i + 1 < sizeof(q->name); i++)
        q->name[i] = name[i];
    while (q->thread_count < threads && pthread_create(&q->threads[q->thread_count], NULL, run, q) == 0)
        q->thread_count++;
    if (q->thread_count == 0)
        work_queue_destroy(&q);
    return q;
}

void work_queue_destroy(struct work_queue **queue)
{
    struct work_queue *q = *queue;
    if (!q)
        return;
    *queue = NULL;
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->wake);
    pthread_mutex_unlock(&q->lock);
    for (int i = 0; i < q->thread_count; i++)
        pthread_join(q->threads[i], NULL);
    for (struct work_job *job = take(q); job; job = take(q)) {
        job->fn(job->user, true);
        free(job);
    }
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

bool work_queue_push(struct work_queue *q, work_fn *fn, void *user)
{
    struct work_job *job = malloc(sizeof(*job));
    if (!job)
        return false;
    *job = (struct work_job) { NULL, fn, user };
    pthread_mutex_lock(&q->lock);
    *q->last = job;
    q->last  = &job->next;
    q->size++;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
    return true;
}

size_t work_queue_size(struct work_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t size = q->size;
    pthread_mutex_unlock(&q->lock);
    return size;
}
