#include "commands.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct command_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct command *items; // in order, items[0] is the oldest
    size_t count, capacity;
    uint64_t dropped;
};

struct command_queue *command_queue_create(size_t capacity)
{
    struct command_queue *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    q->items    = calloc(capacity, sizeof(*q->items));
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!q->items)
        command_queue_destroy(&q);
    return q;
}

void command_finish(struct command *c)
{
    free(c->target);
    json_decref(c->payload);
    json_decref(c->request_id);
    *c = (struct command) { .kind = COMMAND_WAKE };
}

void command_queue_destroy(struct command_queue **queue)
{
    struct command_queue *q = *queue;
    if (!q)
        return;
    for (size_t i = 0; i < q->count; i++)
        command_finish(&q->items[i]);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
    *queue = NULL;
}

static bool continuous(enum command_kind kind) { return kind <= COMMAND_LAST_CONTINUOUS; }

static struct command take(struct command_queue *q, size_t i)
{
    struct command c = q->items[i];
    memmove(&q->items[i], &q->items[i + 1], (q->count - i - 1) * sizeof(c));
    q->count--;
    return c;
}

static bool same_text(json_t *a, json_t *b, const char *key)
{
    const char *ta = json_string_value(json_object_get(a, key)), *tb = json_string_value(json_object_get(b, key));
    return ta && tb && !strcmp(ta, tb);
}

// Whether a waiting command w is made pointless by c.
static bool replaces(const struct command *c, const struct command *w)
{
    if (c->kind != w->kind)
        return false;
    switch (c->kind) {
    case COMMAND_PICK:
    case COMMAND_AOV:
    case COMMAND_WAKE:
        return true;
    case COMMAND_SETTING:
        return same_text(c->payload, w->payload, "key");
    default:
        return false;
    }
}

static bool join_open(struct command *waiting, struct command *c)
{
    if (!waiting->target || !c->target || strcmp(waiting->target, c->target) != 0)
        return false;
    json_array_extend(waiting->payload, c->payload);
    command_finish(c);
    return true;
}

static bool make_room(struct command_queue *q)
{
    if (q->count < q->capacity)
        return true;
    for (size_t i = 0; i < q->count; i++) {
        if (!continuous(q->items[i].kind))
            continue;
        struct command c = take(q, i);
        command_finish(&c);
        q->dropped++;
        return true;
    }
    return false;
}

static enum command_push push_locked(struct command_queue *q, struct command *c, struct command *replaced)
{
    struct command *last = q->count ? &q->items[q->count - 1] : NULL;
    if (continuous(c->kind) && last && last->kind == c->kind) {
        last->x += c->x;
        last->y += c->y;
        command_finish(c);
        return COMMAND_PUSHED;
    }
    enum command_push result = COMMAND_PUSHED;
    for (size_t i = 0; !continuous(c->kind) && i < q->count; i++) {
        if (c->kind == COMMAND_OPEN && q->items[i].kind == COMMAND_OPEN) {
            if (join_open(&q->items[i], c))
                return COMMAND_JOINED;
            *replaced = take(q, i);
            result    = COMMAND_REPLACED;
            break;
        }
        if (replaces(c, &q->items[i])) {
            struct command old = take(q, i);
            command_finish(&old);
            break;
        }
    }
    if (!make_room(q)) {
        command_finish(c);
        return COMMAND_REFUSED;
    }
    q->items[q->count++] = *c;
    *c = (struct command) { .kind = COMMAND_WAKE };
    return result;
}

enum command_push command_queue_push(struct command_queue *q, struct command *c, struct command *replaced)
{
    pthread_mutex_lock(&q->lock);
    enum command_push result = push_locked(q, c, replaced);
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
    return result;
}

bool command_queue_pop(struct command_queue *q, struct command *out)
{
    pthread_mutex_lock(&q->lock);
    bool got = q->count > 0;
    if (got)
        *out = take(q, 0);
    pthread_mutex_unlock(&q->lock);
    return got;
}

bool command_queue_wait(struct command_queue *q, int64_t mono_ns)
{
    struct timespec until = { mono_ns / 1000000000, mono_ns % 1000000000 };
    pthread_mutex_lock(&q->lock);
    while (!q->count && mono_ns)
        if (pthread_cond_timedwait(&q->filled, &q->lock, &until) == ETIMEDOUT)
            break;
    bool got = q->count > 0;
    pthread_mutex_unlock(&q->lock);
    return got;
}

void command_queue_drop_gestures(struct command_queue *q)
{
    pthread_mutex_lock(&q->lock);
    for (size_t i = 0; i < q->count;) {
        enum command_kind kind = q->items[i].kind;
        if (!continuous(kind) && kind != COMMAND_PICK && kind != COMMAND_GESTURE_END) {
            i++;
            continue;
        }
        struct command c = take(q, i);
        command_finish(&c);
    }
    pthread_mutex_unlock(&q->lock);
}

size_t command_queue_size(struct command_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}

uint64_t command_queue_dropped(struct command_queue *q)
{
    pthread_mutex_lock(&q->lock);
    uint64_t n = q->dropped;
    pthread_mutex_unlock(&q->lock);
    return n;
}
