#include "ops.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ovrtx/ovrtx.h>

#include "array.h"
#include "clock.h"
#include "thread.h"

#define KEPT_FAILURES 1024 // reported or not

struct item {
    struct item *next;
    uint64_t id;
    op_run_fn *run;
    op_free_fn *release;
    void *payload;
};

struct failure {
    uint64_t id;
    bool reported;
    char *text;
};

struct ops {
    void *user;
    bool sync_mode;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    struct item *first, **last_link;
    uint64_t enqueued; // newest id
    bool stopping;
    struct {
        ARRAY_OF(struct failure);
    } failures;
    atomic_uint_fast64_t done; // all up to here are finished
    atomic_uint_fast64_t current[OP_COUNTER_COUNT], total[OP_COUNTER_COUNT];
};

// ---------------------------------------------------------------------------------------------
// The thread

int op_fail(struct op *op, const char *format, ...)
{
    if (op->error[0])
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(op->error, sizeof(op->error), format, args);
    va_end(args);
    return -1;
}

int op_nothing(void *user, void *payload, struct op *op) { return 0; }

static void keep_failure(struct ops *ops, uint64_t id, const char *text)
{
    if (ops->failures.count == KEPT_FAILURES) {
        free(ops->failures.items[0].text);
        memmove(ops->failures.items, ops->failures.items + 1, (KEPT_FAILURES - 1) * sizeof(struct failure));
        ops->failures.count--;
    }
    char *copy = strdup(text[0] ? text : "the operation failed");
    if (!array_push(&ops->failures, (struct failure) { id, false, copy }))
        free(copy);
}

static void *run_stream(void *arg)
{
    struct ops *ops = arg;
    struct op op;
    thread_set_name("ovrtx");
    pthread_mutex_lock(&ops->lock);
    for (;;) {
        while (!ops->first && !ops->stopping)
            pthread_cond_wait(&ops->work, &ops->lock);
        struct item *item = ops->first;
        if (!item)
            break;
        ops->first = item->next;
        if (!ops->first)
            ops->last_link = &ops->first;
        pthread_mutex_unlock(&ops->lock);

        for (int i = 0; i < OP_COUNTER_COUNT; i++) {
            atomic_store(&ops->total[i], 0);
            atomic_store(&ops->current[i], 0);
        }
        op.id       = item->id;
        op.error[0] = 0;
        int rc      = item->run(ops->user, item->payload, &op);
        if (item->release)
            item->release(item->payload);
        free(item);

        pthread_mutex_lock(&ops->lock);
        if (rc < 0)
            keep_failure(ops, op.id, op.error);
        atomic_store(&ops->done, op.id);
        pthread_cond_broadcast(&ops->finished);
    }
    pthread_mutex_unlock(&ops->lock);
    return NULL;
}

struct ops *ops_create(void *user, bool sync_mode)
{
    struct ops *ops = calloc(1, sizeof(*ops));
    if (!ops)
        return NULL;
    ops->user      = user;
    ops->sync_mode = sync_mode;
    ops->last_link = &ops->first;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&ops->lock, NULL);
    pthread_cond_init(&ops->work, NULL);
    pthread_cond_init(&ops->finished, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&ops->thread, NULL, run_stream, ops)) {
        pthread_mutex_destroy(&ops->lock);
        free(ops);
        return NULL;
    }
    return ops;
}

void ops_destroy(struct ops **pops)
{
    struct ops *ops = *pops;
    if (!ops)
        return;
    pthread_mutex_lock(&ops->lock);
    ops->stopping = true;
    pthread_cond_signal(&ops->work);
    pthread_mutex_unlock(&ops->lock);
    pthread_join(ops->thread, NULL);
    for (size_t i = 0; i < ops->failures.count; i++)
        free(ops->failures.items[i].text);
    array_free(&ops->failures);
    pthread_mutex_destroy(&ops->lock);
    pthread_cond_destroy(&ops->work);
    pthread_cond_destroy(&ops->finished);
    free(ops);
    *pops = NULL;
}

// ---------------------------------------------------------------------------------------------
// Enqueue and wait

ovrtx_enqueue_result_t ops_enqueue_async(struct ops *ops, op_run_fn *run, op_free_fn *release, void *payload)
{
    struct item *item = malloc(sizeof(*item));
    pthread_mutex_lock(&ops->lock);
    uint64_t pending = ops->enqueued - atomic_load(&ops->done);
    if (!item || pending >= OPS_MAX_PENDING) {
        pthread_mutex_unlock(&ops->lock);
        if (release)
            release(payload);
        error_set(item ? "%u operations are pending already; wait for some" : "out of memory", OPS_MAX_PENDING);
        free(item);
        return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 };
    }
    uint64_t id     = ++ops->enqueued;
    *item           = (struct item) { NULL, id, run, release, payload };
    *ops->last_link = item;
    ops->last_link  = &item->next;
    pthread_cond_signal(&ops->work);
    pthread_mutex_unlock(&ops->lock);
    return (ovrtx_enqueue_result_t) { OVRTX_API_SUCCESS, id };
}

ovrtx_enqueue_result_t ops_enqueue(struct ops *ops, op_run_fn *run, op_free_fn *release, void *payload)
{
    ovrtx_enqueue_result_t result = ops_enqueue_async(ops, run, release, payload);
    if (result.status != OVRTX_API_SUCCESS || !ops->sync_mode || ops_on_thread(ops))
        return result;
    ops_wait(ops, result.op_index, UINT64_MAX);
    char text[ERROR_TEXT_SIZE];
    if (ops_failure(ops, result.op_index, text, sizeof(text)))
        result.status = error_set("%s", text);
    return result;
}

bool ops_on_thread(struct ops *ops) { return pthread_equal(pthread_self(), ops->thread); }

uint64_t ops_last(struct ops *ops)
{
    pthread_mutex_lock(&ops->lock);
    uint64_t id = ops->enqueued;
    pthread_mutex_unlock(&ops->lock);
    return id;
}

bool ops_known(struct ops *ops, uint64_t id) { return id && id <= ops_last(ops); }

bool ops_wait(struct ops *ops, uint64_t id, uint64_t timeout_ns)
{
    if (atomic_load(&ops->done) >= id)
        return true;
    if (!timeout_ns || ops_on_thread(ops)) // the stream cannot wait for itself
        return false;
    int64_t now = clock_mono_ns(), end = INT64_MAX;
    if (timeout_ns < (uint64_t)(INT64_MAX - now))
        end = now + (int64_t)timeout_ns;
    struct timespec until = { end / 1000000000, end % 1000000000 };
    pthread_mutex_lock(&ops->lock);
    int rc = 0;
    while (atomic_load(&ops->done) < id && rc != ETIMEDOUT) {
        if (end == INT64_MAX)
            pthread_cond_wait(&ops->finished, &ops->lock);
        else
            rc = pthread_cond_timedwait(&ops->finished, &ops->lock, &until);
    }
    pthread_mutex_unlock(&ops->lock);
    return atomic_load(&ops->done) >= id;
}

uint64_t ops_lowest_pending(struct ops *ops)
{
    uint64_t done = atomic_load(&ops->done);
    return done < ops_last(ops) ? done + 1 : 0;
}

bool ops_failure(struct ops *ops, uint64_t id, char *out, size_t size)
{
    bool found = false;
    pthread_mutex_lock(&ops->lock);
    for (size_t i = 0; i < ops->failures.count && !found; i++) {
        if (ops->failures.items[i].id == id) {
            snprintf(out, size, "%s", ops->failures.items[i].text ? ops->failures.items[i].text : "");
            found = true;
        }
    }
    pthread_mutex_unlock(&ops->lock);
    return found;
}

void ops_forgive(struct ops *ops, uint64_t id)
{
    pthread_mutex_lock(&ops->lock);
    for (size_t i = 0; i < ops->failures.count; i++)
        ops->failures.items[i].reported |= ops->failures.items[i].id == id;
    pthread_mutex_unlock(&ops->lock);
}

// ---------------------------------------------------------------------------------------------
// What the last wait of each thread reported

struct reported {
    struct {
        ARRAY_OF(ovrtx_op_id_t);
    } ids;
    struct {
        ARRAY_OF(char *);
    } texts;
};

static pthread_key_t reported_key;
static pthread_once_t reported_once = PTHREAD_ONCE_INIT;

static void clear_reported(struct reported *r)
{
    for (size_t i = 0; i < r->texts.count; i++)
        free(r->texts.items[i]);
    array_clear(&r->texts);
    array_clear(&r->ids);
}

static void free_reported(void *arg)
{
    struct reported *r = arg;
    clear_reported(r);
    array_free(&r->ids);
    array_free(&r->texts);
    free(r);
}

static void make_key(void) { pthread_key_create(&reported_key, free_reported); }

static struct reported *thread_reported(bool create)
{
    pthread_once(&reported_once, make_key);
    struct reported *r = pthread_getspecific(reported_key);
    if (!r && create && (r = calloc(1, sizeof(*r))))
        pthread_setspecific(reported_key, r);
    return r;
}

void ops_report(struct ops *ops, uint64_t id, ovrtx_op_wait_result_t *out)
{
    struct reported *r = thread_reported(true);
    *out               = (ovrtx_op_wait_result_t) { .lowest_pending_op_id = ops_lowest_pending(ops) };
    if (!r)
        return;
    clear_reported(r);
    pthread_mutex_lock(&ops->lock);
    for (size_t i = 0; i < ops->failures.count; i++) {
        struct failure *f = &ops->failures.items[i];
        if (f->reported || f->id > id)
            continue;
        char *text = f->text ? strdup(f->text) : NULL;
        if (!array_push(&r->ids, f->id) || !array_push(&r->texts, text)) {
            r->ids.count = r->texts.count;
            free(text);
            break;
        }
        f->reported = true;
    }
    pthread_mutex_unlock(&ops->lock);
    out->error_op_ids  = r->ids.count ? r->ids.items : NULL;
    out->num_error_ops = r->ids.count;
}

ovx_string_t ovrtx_get_last_op_error(ovrtx_op_id_t op_id)
{
    struct reported *r = thread_reported(false);
    for (size_t i = 0; r && i < r->ids.count; i++) {
        if (r->ids.items[i] == op_id && r->texts.items[i])
            return (ovx_string_t) { r->texts.items[i], strlen(r->texts.items[i]) };
    }
    return (ovx_string_t) { "", 0 };
}

// ---------------------------------------------------------------------------------------------
// Status

void ops_progress(struct ops *ops, enum op_counter counter, uint64_t current, uint64_t total)
{
    atomic_store(&ops->total[counter], total);
    atomic_store(&ops->current[counter], current);
}

static const char *const counter_names[OP_COUNTER_COUNT] = { "meshes", "materials", "textures" };

ovrtx_result_t ops_status(struct ops *ops, uint64_t id, ovrtx_op_status_t *out)
{
    *out          = (ovrtx_op_status_t) { .op_id = id, .state = OVRTX_EVENT_PENDING };
    uint64_t done = atomic_load(&ops->done);
    char text[8];
    if (id <= done) {
        out->state    = ops_failure(ops, id, text, sizeof(text)) ? OVRTX_EVENT_FAILURE : OVRTX_EVENT_COMPLETED;
        out->progress = 1;
        return (ovrtx_result_t) { OVRTX_API_SUCCESS };
    }
    if (id != done + 1) // still waiting for its turn
        return (ovrtx_result_t) { OVRTX_API_SUCCESS };

    ovrtx_op_counter_t *counters = calloc(OP_COUNTER_COUNT, sizeof(*counters));
    uint64_t sum = 0, of = 0;
    for (int i = 0; counters && i < OP_COUNTER_COUNT; i++) {
        uint64_t total = atomic_load(&ops->total[i]), current = atomic_load(&ops->current[i]);
        if (!total)
            continue;
        if (current > total) // the two are not read together
            current = total;
        counters[out->counter_count++] = (ovrtx_op_counter_t) {
            { counter_names[i], strlen(counter_names[i]) }, current, total };
        sum += current;
        of += total;
    }
    // Short of 1 until the operation itself is over.
    out->progress = of ? 0.99 * (double)sum / (double)of : -1;
    out->counters = counters;
    return (ovrtx_result_t) { OVRTX_API_SUCCESS };
}
