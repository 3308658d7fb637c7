// Channel rules of ovrtx_set_log_callback: "channel=level, other=level"; the longest channel prefix wins.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOG_FILTER_VERBOSE (-2) // below OVRTX_LOG_INFO

struct log_rule {
    char *prefix;
    size_t size;
    int severity;
};

struct log_filter {
    struct log_rule *rules;
    size_t count, capacity;
};

// false, with what is wrong in `why`, and then *out is empty. Empty entries are skipped.
bool log_filter_parse(struct log_filter *out, const char *text, size_t size, char *why, size_t why_size);
void log_filter_finish(struct log_filter *f);
// Least severity that passes for a channel; `otherwise` when no rule matches.
int log_filter_threshold(const struct log_filter *f, const char *channel, int otherwise);
// The lowest threshold of all.
int log_filter_lowest(const struct log_filter *f, int otherwise);
// "verbose", "info", ... in any case.
bool log_filter_level(const char *text, size_t size, int *severity);
