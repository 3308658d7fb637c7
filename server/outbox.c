#include "outbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "protocol.h"
#include "thread.h"

#define MAX_QUEUED 8192
#define MAX_CODES 32

struct message {
    struct message *next;
    uint64_t client;
    const char *event_type; // a literal
    json_t *payload;
    long long max_bytes;
};

struct code_limit {
    const char *code;
    int64_t sent_ns;
    json_int_t repeated;
};

struct outbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct message *first, **last;
    size_t count;
    bool stop, sending, auto_framed, legacy_events;
    int clients;
    enum framing framing;
    outbox_send_fn *send;
    void *user;
    struct code_limit limits[MAX_CODES];
};

static void free_message(struct message *m)
{
    json_decref(m->payload);
    free(m);
}

static void clear(struct outbox *o)
{
    for (struct message *m = o->first, *next; m; m = next) {
        next = m->next;
        free_message(m);
    }
    o->first = NULL;
    o->last  = &o->first;
    o->count = 0;
}

static void transmit(struct outbox *o, struct message *m, bool framed)
{
    size_t size = 0;
    char *text  = protocol_encode(m->event_type, m->payload, framed, m->max_bytes, &size);
    if (text && !o->send(o->user, m->client, text, size))
        log_debug("server", "Dropping event during disconnect: %s", m->event_type);
    free(text);
}

static void *run(void *user)
{
    struct outbox *o = user;
    thread_set_name("outbox");
    pthread_mutex_lock(&o->lock);
    while (!o->stop) {
        struct message *m = o->first;
        if (!m) {
            o->sending = false;
            pthread_cond_broadcast(&o->changed);
            pthread_cond_wait(&o->changed, &o->lock);
            continue;
        }
        o->first = m->next;
        if (!o->first)
            o->last = &o->first;
        o->count--;
        o->sending  = true;
        bool framed = o->framing == FRAMING_FRAMED || (o->framing == FRAMING_AUTO && o->auto_framed);
        pthread_mutex_unlock(&o->lock);
        transmit(o, m, framed);
        free_message(m);
        pthread_mutex_lock(&o->lock);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

struct outbox *outbox_create(enum framing framing, bool legacy_events, outbox_send_fn *send, void *user)
{
    struct outbox *o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->framing       = framing;
    o->legacy_events = legacy_events;
    o->send          = send;
    o->user          = user;
    o->last          = &o->first;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->changed, NULL);
    if (pthread_create(&o->thread, NULL, run, o) == 0)
        return o;
    free(o);
    return NULL;
}

void outbox_destroy(struct outbox **outbox)
{
    struct outbox *o = *outbox;
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->stop = true;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    clear(o);
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->lock);
    free(o);
    *outbox = NULL;
}

static void append(struct outbox *o, uint64_t client, const char *event_type, json_t *payload, long long max_bytes)
{
    struct message *m = o->clients && o->count < MAX_QUEUED ? calloc(1, sizeof(*m)) : NULL;
    if (!m) {
        json_decref(payload);
        return;
    }
    *m       = (struct message) { .client = client, .event_type = event_type, .payload = payload, .max_bytes = max_bytes };
    *o->last = m;
    o->last  = &m->next;
    o->count++;
}

// The names that Kit's servers use for the same facts.
static void append_legacy(struct outbox *o, uint64_t client, const char *event_type, json_t *payload)
{
    if (!strcmp(event_type, "openStageResult")) {
        const char *error = json_string_value(json_object_get(payload, "error"));
        append(o, client, "openedStageResult",
               json_pack("{s:O, s:O, s:s}", "url", json_object_get(payload, "url"), "result",
                         json_object_get(payload, "result"), "error", error ? error : ""), 0);
    } else if (!strcmp(event_type, "getChildrenResult") && client) { // as a reply, not as a push
        json_t *rows = json_array(), *row;
        size_t i;
        json_array_foreach(json_object_get(payload, "children"), i, row) {
            json_t *copy = json_copy(row);
            if (!json_is_true(json_object_get(row, "hasChildren")))
                json_object_del(copy, "children");
            json_array_append_new(rows, copy);
        }
        append(o, client, "getChildrenResponse",
               json_pack("{s:O, s:o}", "prim_path", json_object_get(payload, "prim_path"), "children", rows), 0);
    }
}

void outbox_post_capped(struct outbox *o, uint64_t client, const char *event_type, json_t *payload, long long max_bytes)
{
    pthread_mutex_lock(&o->lock);
    json_t *kept = o->legacy_events && payload ? json_incref(payload) : NULL;
    append(o, client, event_type, payload, max_bytes);
    if (kept)
        append_legacy(o, client, event_type, kept);
    json_decref(kept);
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

void outbox_post(struct outbox *o, uint64_t client, const char *event_type, json_t *payload)
{
    outbox_post_capped(o, client, event_type, payload, 0);
}

static struct code_limit *limit_of(struct outbox *o, const char *code)
{
    for (int i = 0; i < MAX_CODES; i++) {
        if (!o->limits[i].code)
            o->limits[i].code = code;
        if (!strcmp(o->limits[i].code, code))
            return &o->limits[i];
    }
    return &o->limits[MAX_CODES - 1];
}

void outbox_error(struct outbox *o, uint64_t client, const char *code, const char *message, json_t *detail,
                  json_t *request_id)
{
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&o->lock);
    struct code_limit *limit = limit_of(o, code);
    bool late                = !limit->sent_ns || now - limit->sent_ns >= 1000000000;
    json_int_t repeated      = limit->repeated;
    limit->repeated          = late ? 0 : repeated + 1;
    if (late)
        limit->sent_ns = now;
    pthread_mutex_unlock(&o->lock);
    if (!late) {
        json_decref(detail);
        return;
    }
    log_warn("server", "%s: %s", code, message);
    if (repeated && !detail)
        detail = json_object();
    if (repeated && json_is_object(detail))
        json_object_set_new(detail, "repeated", json_integer(repeated));
    json_t *payload = json_pack("{s:s, s:s}", "code", code, "message", message);
    if (!payload) // not UTF-8
        payload = json_pack("{s:s, s:s}", "code", code, "message", "(text that cannot be shown)");
    if (detail)
        json_object_set_new(payload, "detail", detail);
    if (request_id)
        json_object_set(payload, "request_id", request_id);
    outbox_post(o, client, "viewerError", payload);
}

void outbox_set_clients(struct outbox *o, int count)
{
    pthread_mutex_lock(&o->lock);
    o->clients = count;
    if (!count) {
        clear(o);
        o->auto_framed = false;
    }
    pthread_mutex_unlock(&o->lock);
}

void outbox_saw_framing(struct outbox *o, bool framed)
{
    pthread_mutex_lock(&o->lock);
    o->auto_framed = framed;
    pthread_mutex_unlock(&o->lock);
}

void outbox_flush(struct outbox *o, int timeout_ms)
{
    int64_t until = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    pthread_mutex_lock(&o->lock);
    while ((o->first || o->sending) && clock_mono_ns() < until) {
        pthread_mutex_unlock(&o->lock);
        clock_sleep_until_ns(clock_mono_ns() + 1000000);
        pthread_mutex_lock(&o->lock);
    }
    pthread_mutex_unlock(&o->lock);
}
