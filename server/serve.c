// Start-up in the order the contract fixes, waiting for a signal, and shutdown.
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"
#include "log.h"
#include "server.h"

#define SECOND 1000000000LL
#define PUSH_DELAY_NS 300000000LL // until the data channel of a new client is open
#define STOP_LIMIT_S 10           // a running renderer call may take so long to finish

enum { SERVE_OK = 0, SERVE_FAILED = 1, SERVE_BAD_USE = 2 };

// ---------------------------------------------------------------------------------------------------
// What the streaming library calls

static void on_connection(void *user, uint64_t client, bool connected)
{
    struct server *s = user;
    int count        = connected ? atomic_fetch_add(&s->clients, 1) + 1 : atomic_fetch_sub(&s->clients, 1) - 1;
    if (count < 0) {
        atomic_store(&s->clients, 0);
        count = 0;
    }
    log_info("server", "connected=%s (%d now)", connected ? "True" : "False", count);
    outbox_set_clients(s->outbox, count);
    input_reset(s->input);
    if (connected) {
        // Two in a row within the delay: both get the state.
        uint64_t before = atomic_load(&s->push_due_ns) ? atomic_load(&s->push_client) : client;
        atomic_store(&s->push_client, before == client ? client : 0);
        atomic_store(&s->push_due_ns, clock_mono_ns() + PUSH_DELAY_NS);
    } else if (!count) {
        atomic_store(&s->push_due_ns, 0);
    }
    struct command wake = { .kind = COMMAND_WAKE };
    server_command(s, &wake);
}

static void on_message(void *user, uint64_t client, const char *text, size_t size)
{
    messages_receive(user, client, text, size);
}

static void on_input(void *user, const ovstream_input_event_t *event)
{
    struct server *s = user;
    atomic_fetch_add(&s->inputs, 1);
    if (!atomic_load(&s->stop))
        input_event(s->input, event);
}

static const struct stream_events stream_events = { on_connection, on_message, on_input };

static bool send_text(void *user, uint64_t client, const char *text, size_t size)
{
    return stream_send(((struct server *)user)->stream, client, text, size);
}

// ---------------------------------------------------------------------------------------------------
// Commands

static void drop_accepted(struct server *s)
{
    pthread_mutex_lock(&s->session.lock);
    if (s->session.accepted > 0)
        s->session.accepted--;
    pthread_mutex_unlock(&s->session.lock);
}

static void refuse_open(struct server *s, json_t *requesters, const char *error)
{
    size_t i;
    json_t *r;
    json_array_foreach(requesters, i, r) {
        json_t *p = json_pack("{s:O, s:s, s:s}", "url", json_object_get(r, "url"), "result", "error", "error", error);
        if (json_object_get(r, "request_id"))
            json_object_set(p, "request_id", json_object_get(r, "request_id"));
        outbox_post(s->outbox, (uint64_t)json_integer_value(json_object_get(r, "client")), "openStageResult", p);
    }
    drop_accepted(s);
}

void server_command(struct server *s, struct command *c)
{
    struct command replaced = { .kind = COMMAND_WAKE };
    enum command_kind kind  = c->kind;
    json_t *requesters      = kind == COMMAND_OPEN ? json_incref(c->payload) : NULL;
    switch (command_queue_push(s->commands, c, &replaced)) {
    case COMMAND_PUSHED:
        break;
    case COMMAND_JOINED:
        drop_accepted(s);
        break;
    case COMMAND_REPLACED:
        refuse_open(s, replaced.payload, "superseded");
        command_finish(&replaced);
        break;
    case COMMAND_REFUSED:
        if (kind == COMMAND_OPEN)
            refuse_open(s, requesters, "The server is too busy");
        else if (kind == COMMAND_RELOAD || kind == COMMAND_VARIANT)
            drop_accepted(s);
        outbox_error(s->outbox, 0, "internal", "Too many requests are waiting", NULL, NULL);
        break;
    }
    json_decref(requesters);
}

static void emit_input(void *user, struct command *c) { server_command(user, c); }

// ---------------------------------------------------------------------------------------------------
// Life

static bool prepare(struct server *s, char *error, size_t size)
{
    session_init(s);
    snprintf(error, size, "out of memory");
    s->assets = assets_create(&s->o, error, size);
    if (!s->assets)
        return false;
    s->commands = command_queue_create(SERVER_QUEUE);
    s->outbox   = outbox_create((enum framing)s->o.framing, s->o.legacy_events, send_text, s);
    s->input    = input_create((int)s->o.width, (int)s->o.height, (enum navigation)s->o.navigation, s->o.multi_select, emit_input, s);
    s->stream   = stream_create(&s->o, &stream_events, s);
    s->query    = s->outbox ? stage_query_create(s->assets, s->outbox, s->o.legacy_events) : NULL;
    return s->commands && s->outbox && s->input && s->stream && s->query;
}

static void release(struct server *s)
{
    outbox_destroy(&s->outbox);
    stage_query_destroy(&s->query);
    input_destroy(&s->input);
    command_queue_destroy(&s->commands);
    stream_destroy(&s->stream);
    assets_destroy(&s->assets);
    session_finish(s);
}

// Wait for a signal, or until done() says so. Returns the signal or 0.
static int wait_signal(const sigset_t *signals, struct server *s, bool (*done)(struct server *))
{
    for (;;) {
        struct timespec t = { 0, 20000000 };
        int number        = sigtimedwait(signals, NULL, &t);
        if (number > 0)
            return number;
        if (done(s))
            return 0;
    }
}

static bool warm(struct server *s) { return atomic_load(&s->warmed_up) || atomic_load(&s->renderer_failed); }

// For streaming libraries that serve one client per start: start anew after each has left.
static bool restart_when_left(struct server *s)
{
    static bool had_client;
    static int64_t left_ns;
    if (!s->o.restart_stream_on_disconnect)
        return false;
    if (atomic_load(&s->clients)) {
        had_client = true;
        left_ns    = 0;
        return false;
    }
    if (!had_client)
        return false;
    int64_t now = clock_mono_ns();
    if (!left_ns)
        left_ns = now;
    if (now - left_ns < SECOND * 3 / 2)
        return false;
    char error[512];
    log_info("server", "starting the stream anew");
    stream_stop(s->stream);
    clock_sleep_until_ns(clock_mono_ns() + SECOND);
    if (!stream_start(s->stream, error, sizeof(error)))
        log_error("server", "%s", error);
    had_client = false;
    left_ns    = 0;
    return false;
}

// Join with a limit: a renderer call that does not end must not keep the process.
static bool join(pthread_t thread)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_LIMIT_S;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static void renderer_hint(const char *error)
{
    fprintf(stderr, "stagecast: %s; 'stagecast doctor' tells what this machine has\n", error);
}

static int serve(struct server *s)
{
    char error[600];
    struct http *http = NULL;
    pthread_t render, keeper;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    signal(SIGINT, SIG_DFL); // a shell that starts us in the background has it ignored; ignored signals never come
    pthread_sigmask(SIG_BLOCK, &signals, NULL); // inherited by every thread: this one waits for them
    signal(SIGPIPE, SIG_IGN);

    if (!prepare(s, error, sizeof(error)) || !http_create(&http, s, error, sizeof(error))) {
        fprintf(stderr, "stagecast: %s\n", error);
        release(s);
        return SERVE_FAILED;
    }
    int status = SERVE_OK;
    atomic_store(&s->loop_ns, clock_mono_ns());
    pthread_create(&render, NULL, runtime_thread, s);
    int number = wait_signal(&signals, s, warm);
    bool failed = atomic_load(&s->renderer_failed);
    if (failed) {
        renderer_hint(s->render_error);
        status = SERVE_FAILED;
    } else if (!number && s->o.require_scene && atomic_load(&s->initial_load_failed)) {
        fprintf(stderr, "stagecast: the scene could not be loaded and --require-scene was given\n");
        status = SERVE_FAILED;
        failed = true;
    }
    bool keeping = pthread_create(&keeper, NULL, keeper_thread, s) == 0;
    if (!failed && !number) {
        if (stream_start(s->stream, error, sizeof(error))) {
            const char *host = !strcmp(s->o.listen, "0.0.0.0") || !strcmp(s->o.listen, "::") ? "localhost" : s->o.listen;
            log_info("server", "open http://%s:%d in a browser", host, http_port(http));
            struct command wake = { .kind = COMMAND_WAKE };
            server_command(s, &wake);
            number = wait_signal(&signals, s, restart_when_left);
        } else {
            fprintf(stderr, "stagecast: %s\n", error);
            status = SERVE_FAILED;
        }
    }

    if (number)
        log_info("server", "stopping");
    signal(SIGINT, SIG_DFL); // a second one ends the process at once
    signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    session_set_state(s, STATE_SHUTTING_DOWN);
    atomic_store(&s->ready, false);
    atomic_store(&s->stop, true);
    struct command wake = { .kind = COMMAND_WAKE };
    server_command(s, &wake);
    if (keeping)
        pthread_join(keeper, NULL);
    if (!join(render)) {
        fprintf(stderr, "stagecast: the renderer did not come back within %d s\n", STOP_LIMIT_S);
        _exit(SERVE_FAILED);
    }
    stream_stop(s->stream);
    rx_destroy(&s->rx);
    stream_shutdown_library(s->stream);
    http_destroy(&http);
    release(s);
    return status;
}

int serve_run(int argc, char **argv)
{
    setenv("OVRTX_SKIP_USD_CHECK", "1", 1);
    struct server *s = calloc(1, sizeof(*s));
    char error[512];
    if (!s)
        return SERVE_FAILED;
    enum options_result parsed = options_parse(&s->o, argc, argv, error, sizeof(error));
    int status                 = SERVE_OK;
    enum log_level level;
    if (parsed == OPTIONS_HELP) {
        options_print_help();
    } else if (parsed == OPTIONS_BAD) {
        fprintf(stderr, "stagecast: %s\n", error);
        status = SERVE_BAD_USE;
    } else {
        if (log_level_parse(s->o.log_level, &level))
            log_set_level(level);
        status = serve(s);
    }
    options_finish(&s->o);
    free(s);
    return status;
}
