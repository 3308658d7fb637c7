#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <pthread.h>

#define LOG_MAX_MESSAGE 2048 // longer messages are cut

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink_fn *sink_fn;
static void *sink_user;
static atomic_int min_level = LOG_INFO;

static const char *const names[] = { "trace", "debug", "info", "warn", "error", "none" };

void log_set_sink(log_sink_fn *sink, void *user)
{
    pthread_mutex_lock(&sink_lock);
    sink_fn   = sink;
    sink_user = user;
    pthread_mutex_unlock(&sink_lock);
}

void log_set_level(enum log_level level) { atomic_store(&min_level, (int)level); }
bool log_enabled(enum log_level level) { return (int)level >= atomic_load(&min_level); }
const char *log_level_name(enum log_level level) { return names[level <= LOG_NONE ? level : LOG_NONE]; }

bool log_level_parse(const char *text, enum log_level *out)
{
    for (int i = 0; i <= LOG_NONE; i++)
        if (!strcasecmp(text, names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    if (!strcasecmp(text, "warning"))
        *out = LOG_WARN;
    else if (!strcasecmp(text, "verbose"))
        *out = LOG_TRACE;
    else
        return false;
    return true;
}

static void write_stderr(enum log_level level, const char *channel, const char *message)
{
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    localtime_r(&ts.tv_sec, &tm);
    fprintf(stderr, "%02d:%02d:%02d.%03d %-5s %s: %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
            (int)(ts.tv_nsec / 1000000), names[level], channel, message);
}

void log_write(enum log_level level, const char *channel, const char *format, ...)
{
    char message[LOG_MAX_MESSAGE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);

    pthread_mutex_lock(&sink_lock);
    log_sink_fn *fn = sink_fn;
    void *user      = sink_user;
    pthread_mutex_unlock(&sink_lock);
    // No lock is held here: a sink may call back into the library that logs.
    if (fn)
        fn(level, channel, message, user);
    else
        write_stderr(level, channel, message);
}
