#include "log_filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ovrtx/ovrtx_types.h>

#include "array.h"

static const struct {
    const char *name;
    int severity;
} levels[] = {
    { "verbose", LOG_FILTER_VERBOSE }, { "debug", LOG_FILTER_VERBOSE }, { "info", OVRTX_LOG_INFO },
    { "warn", OVRTX_LOG_WARNING },     { "warning", OVRTX_LOG_WARNING }, { "error", OVRTX_LOG_ERROR },
    { "fatal", OVRTX_LOG_FATAL },
};

bool log_filter_level(const char *text, size_t size, int *severity)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strlen(levels[i].name) == size && !strncasecmp(levels[i].name, text, size)) {
            *severity = levels[i].severity;
            return true;
        }
    }
    return false;
}

struct text {
    const char *at, *end;
};

static struct text trimmed(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    while (end > at && isspace((unsigned char)end[-1]))
        end--;
    return (struct text) { at, end };
}

static bool parse_rule(struct log_filter *f, struct text entry, char *why, size_t why_size)
{
    int shown = (int)(entry.end - entry.at > 100 ? 100 : entry.end - entry.at);
    const char *equals = memchr(entry.at, '=', (size_t)(entry.end - entry.at));
    if (!equals) {
        snprintf(why, why_size, "log filter: '%.*s' has no '=', expected channel=level", shown, entry.at);
        return false;
    }
    struct text channel = trimmed(entry.at, equals), level = trimmed(equals + 1, entry.end);
    struct log_rule rule = { NULL, (size_t)(channel.end - channel.at), 0 };
    if (!rule.size) {
        snprintf(why, why_size, "log filter: '%.*s' names no channel", shown, entry.at);
        return false;
    }
    if (!log_filter_level(level.at, (size_t)(level.end - level.at), &rule.severity)) {
        snprintf(why, why_size, "log filter: '%.*s' names no level of verbose, info, warn, error, fatal", shown,
                 entry.at);
        return false;
    }
    rule.prefix = strndup(channel.at, rule.size);
    struct { ARRAY_OF(struct log_rule); } rules = { f->rules, f->count, f->capacity };
    bool ok = rule.prefix && array_push(&rules, rule);
    *f = (struct log_filter) { rules.items, rules.count, rules.capacity };
    if (!ok) {
        free(rule.prefix);
        snprintf(why, why_size, "out of memory");
    }
    return ok;
}

bool log_filter_parse(struct log_filter *out, const char *text, size_t size, char *why, size_t why_size)
{
    *out = (struct log_filter) { 0 };
    if (!text)
        return true;
    const char *end = text + size;
    while (text < end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        struct text entry = trimmed(text, comma ? comma : end);
        if (entry.at < entry.end && !parse_rule(out, entry, why, why_size)) {
            log_filter_finish(out);
            return false;
        }
        text = comma ? comma + 1 : end;
    }
    return true;
}

void log_filter_finish(struct log_filter *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->rules[i].prefix);
    free(f->rules);
    *f = (struct log_filter) { 0 };
}

int log_filter_threshold(const struct log_filter *f, const char *channel, int otherwise)
{
    size_t best = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct log_rule *rule = &f->rules[i];
        if (rule->size > best && !strncmp(rule->prefix, channel, rule->size)) {
            best      = rule->size;
            otherwise = rule->severity;
        }
    }
    return otherwise;
}

int log_filter_lowest(const struct log_filter *f, int otherwise)
{
    for (size_t i = 0; i < f->count; i++)
        otherwise = f->rules[i].severity < otherwise ? f->rules[i].severity : otherwise;
    return otherwise;
}
