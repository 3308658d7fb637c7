// Leveled log with named channels ("usd.parse", "rtc.ice"). One sink per library copy of base; the
// default writes to stderr. Formatting happens only when the level passes. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE };

typedef void log_sink_fn(enum log_level level, const char *channel, const char *message, void *user);

// sink NULL restores stderr. Calls already inside the old sink may still finish after this returns.
void log_set_sink(log_sink_fn *sink, void *user);
void log_set_level(enum log_level level); // default LOG_INFO
bool log_enabled(enum log_level level);
bool log_level_parse(const char *text, enum log_level *out);
const char *log_level_name(enum log_level level);

void log_write(enum log_level level, const char *channel, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define LOG_AT(level, channel, ...) \
    do {                            \
        if (log_enabled(level))     \
            log_write(level, channel, __VA_ARGS__); \
    } while (0)
#define log_trace(channel, ...) LOG_AT(LOG_TRACE, channel, __VA_ARGS__)
#define log_debug(channel, ...) LOG_AT(LOG_DEBUG, channel, __VA_ARGS__)
#define log_info(channel, ...) LOG_AT(LOG_INFO, channel, __VA_ARGS__)
#define log_warn(channel, ...) LOG_AT(LOG_WARN, channel, __VA_ARGS__)
#define log_error(channel, ...) LOG_AT(LOG_ERROR, channel, __VA_ARGS__)
