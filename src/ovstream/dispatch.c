#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "log.h"
#include "server.h"
#include "thread.h"

#define MAX_QUEUED 8192u
#define MAX_QUEUED_BYTES (16u << 20)

struct event {
    struct event *next;
    enum dispatch_kind kind;
    uint64_t client;
    size_t size;
    _Alignas(8) unsigned char data[]; // one zero byte behind it
};

struct dispatcher {
    ovstream_server_t *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct event *head, **tail;
    size_t count, bytes;
    bool closing, full;
};

static _Thread_local const ovstream_server_t *inside_server;
static _Thread_local uint64_t inside_client;

bool dispatch_inside(const ovstream_server_t *server) { return server && inside_server == server; }
uint64_t dispatch_client(const ovstream_server_t *server) { return dispatch_inside(server) ? inside_client : 0; }

static void run(ovstream_server_t *server, const struct event *e)
{
    pthread_mutex_lock(&server->lock);
    struct server_callbacks cb = server->callbacks;
    pthread_mutex_unlock(&server->lock);
    ovstream_string_t text = { (const char *)e->data, e->size };
    switch (e->kind) {
    case DISPATCH_CONNECTED:
    case DISPATCH_DISCONNECTED:
        if (cb.connection)
            cb.connection(server, e->kind == DISPATCH_CONNECTED, cb.connection_user);
        break;
    case DISPATCH_MESSAGE:
        if (cb.message)
            cb.message(server, text, cb.message_user);
        break;
    case DISPATCH_INPUT:
        if (cb.input)
            cb.input(server, (const ovstream_input_event_t *)(const void *)e->data, cb.input_user);
        break;
    case DISPATCH_UNICODE:
        if (cb.unicode)
            cb.unicode(server, text, cb.unicode_user);
        break;
    case DISPATCH_INPUT_TEXT:
        if (cb.input_text)
            cb.input_text(server, text, cb.input_text_user);
        break;
    }
}

static struct event *pop(struct dispatcher *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->head && !d->closing)
        pthread_cond_wait(&d->wake, &d->lock);
    struct event *e = d->head;
    if (e) {
        d->head = e->next;
        if (!d->head)
            d->tail = &d->head;
        d->count--;
        d->bytes -= e->size;
    }
    pthread_mutex_unlock(&d->lock);
    return e;
}

static void *dispatch_main(void *user)
{
    struct dispatcher *d = user;
    thread_set_name("ovs-callback");
    inside_server = d->server;
    for (struct event *e; (e = pop(d)); free(e)) {
        inside_client = e->client;
        run(d->server, e);
    }
    return NULL;
}

struct dispatcher *dispatcher_create(ovstream_server_t *server)
{
    struct dispatcher *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->server = server;
    d->tail   = &d->head;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->wake, NULL);
    if (pthread_create(&d->thread, NULL, dispatch_main, d)) {
        pthread_mutex_destroy(&d->lock);
        pthread_cond_destroy(&d->wake);
        free(d);
        return NULL;
    }
    return d;
}

void dispatcher_destroy(struct dispatcher **dispatcher)
{
    struct dispatcher *d = *dispatcher;
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->closing = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->wake);
    free(d);
    *dispatcher = NULL;
}

bool dispatcher_push(struct dispatcher *d, enum dispatch_kind kind, uint64_t client, const void *data, size_t size)
{
    bool connection = kind == DISPATCH_CONNECTED || kind == DISPATCH_DISCONNECTED;
    struct event *e = malloc(sizeof(*e) + size + 1);
    if (!e)
        return false;
    *e = (struct event) { .kind = kind, .client = client, .size = size };
    if (size)
        memcpy(e->data, data, size);
    e->data[size] = 0;

    pthread_mutex_lock(&d->lock);
    bool fits = connection || (d->count < MAX_QUEUED && d->bytes + size <= MAX_QUEUED_BYTES);
    bool tell = !fits && !d->full;
    d->full   = !fits;
    if (fits) {
        *d->tail = e;
        d->tail  = &e->next;
        d->count++;
        d->bytes += size;
        pthread_cond_signal(&d->wake);
    }
    pthread_mutex_unlock(&d->lock);
    if (tell)
        log_warn("webrtc", "callbacks are too slow: %u events are waiting, newer ones are lost", MAX_QUEUED);
    if (!fits)
        free(e);
    return fits;
}
