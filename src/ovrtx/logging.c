#include "logging.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "error.h"
#include "log.h"
#include "log_filter.h"
#include "thread.h"

#define MAX_QUEUED 4096 // messages; beyond it the newest are dropped and counted

struct message {
    struct message *next;
    int severity;
    double timestamp;
    size_t channel_size, size; // of `text`: "channel: message"
    char text[];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work, delivered;
    pthread_t thread;
    int users;
    bool stopping;
    struct message *first, **last_link;
    size_t queued, dropped;
    uint64_t written, handed_over; // messages since the start
    // settings
    int severity, file_severity;
    struct log_filter filter;
    ovrtx_log_callback_t callback;
    void *user;
    FILE *file;
} state = {
    .lock          = PTHREAD_MUTEX_INITIALIZER,
    .work          = PTHREAD_COND_INITIALIZER,
    .last_link     = &state.first,
    .severity      = OVRTX_LOG_WARNING,
    .file_severity = OVRTX_LOG_INFO,
};

static int severity_of(enum log_level level)
{
    return level <= LOG_DEBUG ? LOG_FILTER_VERBOSE : level == LOG_INFO ? OVRTX_LOG_INFO
        : level == LOG_WARN                                            ? OVRTX_LOG_WARNING
                                                                       : OVRTX_LOG_ERROR;
}

// Tells base how little it has to format. Called with the lock held.
static void update_level(void)
{
    int lowest = OVRTX_LOG_WARNING; // stderr
    if (state.callback)
        lowest = log_filter_lowest(&state.filter, state.severity);
    if (state.file && state.file_severity < lowest)
        lowest = state.file_severity;
    log_set_level(lowest <= LOG_FILTER_VERBOSE ? LOG_DEBUG : lowest == OVRTX_LOG_INFO ? LOG_INFO
                      : lowest == OVRTX_LOG_WARNING                                   ? LOG_WARN
                      : lowest == OVRTX_LOG_ERROR                                     ? LOG_ERROR
                                                                                      : LOG_NONE);
}

static void sink(enum log_level level, const char *channel, const char *text, void *user)
{
    size_t channel_size = strlen(channel), text_size = strlen(text);
    struct message *m = malloc(sizeof(*m) + channel_size + 2 + text_size + 1);
    if (!m)
        return;
    *m = (struct message) { NULL, severity_of(level), (double)clock_wall_ns() * 1e-9, channel_size,
                            channel_size + 2 + text_size };
    memcpy(m->text, channel, channel_size);
    memcpy(m->text + channel_size, ": ", 2);
    memcpy(m->text + channel_size + 2, text, text_size + 1);

    pthread_mutex_lock(&state.lock);
    if (state.queued >= MAX_QUEUED || !state.users) {
        state.dropped++;
        free(m);
    } else {
        *state.last_link = m;
        state.last_link  = &m->next;
        state.queued++;
        state.written++;
        pthread_cond_signal(&state.work);
    }
    pthread_mutex_unlock(&state.lock);
}

static void write_line(FILE *out, const struct message *m)
{
    static const char names[] = "VIWEF"; // verbose is -2
    time_t seconds = (time_t)m->timestamp;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    fprintf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %c %s\n", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
            tm.tm_hour, tm.tm_min, tm.tm_sec, (int)((m->timestamp - (double)seconds) * 1000),
            names[m->severity - LOG_FILTER_VERBOSE], m->text);
    fflush(out);
}

// Called with the lock held; gives it up around the callback.
static void deliver(struct message *m)
{
    char channel[128];
    snprintf(channel, sizeof(channel), "%.*s", (int)m->channel_size, m->text);
    if (state.file && m->severity >= state.file_severity)
        write_line(state.file, m);
    else if (!state.file && !state.callback && m->severity >= OVRTX_LOG_WARNING)
        write_line(stderr, m);
    ovrtx_log_callback_t callback = state.callback;
    void *user                    = state.user;
    if (!callback || m->severity < log_filter_threshold(&state.filter, channel, state.severity))
        return;
    pthread_mutex_unlock(&state.lock);
    // The interface's enumeration has no "verbose"; its number is passed all the same.
    callback((ovrtx_log_severity_t)m->severity, m->timestamp, (ovx_string_t) { m->text, m->size }, user);
    pthread_mutex_lock(&state.lock);
}

static void *run_log(void *arg)
{
    thread_set_name("ovrtx-log");
    pthread_mutex_lock(&state.lock);
    for (;;) {
        while (!state.first && !state.stopping)
            pthread_cond_wait(&state.work, &state.lock);
        struct message *m = state.first;
        if (!m)
            break;
        state.first = m->next;
        if (!state.first)
            state.last_link = &state.first;
        state.queued--;
        deliver(m);
        free(m);
        state.handed_over++;
        pthread_cond_broadcast(&state.delivered);
    }
    pthread_mutex_unlock(&state.lock);
    return NULL;
}

bool logging_start(void)
{
    pthread_mutex_lock(&state.lock);
    bool ok = true;
    if (!state.users) {
        pthread_condattr_t attr;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&state.delivered, &attr);
        pthread_condattr_destroy(&attr);
        state.stopping = false;
        ok             = !pthread_create(&state.thread, NULL, run_log, NULL);
    }
    if (ok && !state.users++) {
        update_level();
        log_set_sink(sink, NULL);
    }
    pthread_mutex_unlock(&state.lock);
    return ok;
}

void logging_stop(void)
{
    pthread_mutex_lock(&state.lock);
    bool last = !--state.users;
    if (last) {
        state.stopping = true;
        pthread_cond_signal(&state.work);
    }
    pthread_mutex_unlock(&state.lock);
    if (!last)
        return;
    log_set_sink(NULL, NULL);
    pthread_join(state.thread, NULL);
    pthread_mutex_lock(&state.lock);
    state.callback = NULL;
    log_filter_finish(&state.filter);
    if (state.file)
        fclose(state.file);
    state.file = NULL;
    pthread_mutex_unlock(&state.lock);
}

bool logging_set_callback(ovrtx_log_severity_t severity, const ovx_string_t *filter,
                          ovrtx_log_callback_t callback, void *user)
{
    struct log_filter parsed = { 0 };
    char why[256];
    if (filter && !log_filter_parse(&parsed, filter->ptr, filter->length, why, sizeof(why))) {
        error_set("%s", why);
        return false;
    }
    pthread_mutex_lock(&state.lock);
    if (!state.users) {
        pthread_mutex_unlock(&state.lock);
        log_filter_finish(&parsed);
        error_set("the log is not running: call ovrtx_initialize or create a renderer first");
        return false;
    }
    log_filter_finish(&state.filter);
    state.filter   = parsed;
    state.severity = severity;
    state.callback = callback;
    state.user     = user;
    update_level();
    pthread_mutex_unlock(&state.lock);
    return true;
}

bool logging_set_file(const char *path)
{
    FILE *file = fopen(path, "ae");
    if (!file) {
        error_set("cannot write the log file %s: %s", path, strerror(errno));
        return false;
    }
    pthread_mutex_lock(&state.lock);
    if (state.file)
        fclose(state.file);
    state.file = file;
    update_level();
    pthread_mutex_unlock(&state.lock);
    return true;
}

bool logging_set_level(const char *level)
{
    int severity;
    if (!log_filter_level(level, strlen(level), &severity)) {
        error_set("log level '%s' is none of verbose, info, warn, error", level);
        return false;
    }
    pthread_mutex_lock(&state.lock);
    state.file_severity = severity;
    update_level();
    pthread_mutex_unlock(&state.lock);
    return true;
}

bool logging_flush(uint64_t timeout_ns)
{
    int64_t now = clock_mono_ns(), end = INT64_MAX;
    if (timeout_ns < (uint64_t)(INT64_MAX - now))
        end = now + (int64_t)timeout_ns;
    struct timespec until = { end / 1000000000, end % 1000000000 };
    pthread_mutex_lock(&state.lock);
    // From inside the callback there is nothing to wait for.
    if (!state.users || pthread_equal(pthread_self(), state.thread)) {
        pthread_mutex_unlock(&state.lock);
        return true;
    }
    uint64_t target = state.written;
    int rc          = 0;
    while (state.handed_over < target && rc != ETIMEDOUT)
        rc = end == INT64_MAX ? pthread_cond_wait(&state.delivered, &state.lock)
                              : pthread_cond_timedwait(&state.delivered, &state.lock, &until);
    bool ok = state.handed_over >= target;
    pthread_mutex_unlock(&state.lock);
    return ok;
}
