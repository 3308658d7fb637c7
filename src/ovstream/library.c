#include "library.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <pthread.h>

#include "array.h"
#include "clock.h"
#include "result.h"
#include "log.h"
#include "server.h"

static atomic_int init_count;

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    ARRAY_OF(ovstream_server_t *);
} registry;

static struct {
    ovstream_log_callback_t fn;
    void *user;
} log_target;

bool library_is_initialized(void) { return atomic_load(&init_count) > 0; }

bool registry_add(ovstream_server_t *server)
{
    pthread_mutex_lock(&registry_lock);
    bool ok = array_push(&registry, server);
    pthread_mutex_unlock(&registry_lock);
    return ok;
}

static size_t registry_find(const ovstream_server_t *server)
{
    size_t i = 0;
    while (i < registry.count && registry.items[i] != server)
        i++;
    return i;
}

bool registry_remove(ovstream_server_t *server)
{
    pthread_mutex_lock(&registry_lock);
    size_t i   = registry_find(server);
    bool found = i < registry.count;
    if (found)
        registry.items[i] = registry.items[--registry.count];
    if (!registry.count)
        array_free(&registry);
    pthread_mutex_unlock(&registry_lock);
    return found;
}

bool registry_has(const ovstream_server_t *server)
{
    pthread_mutex_lock(&registry_lock);
    bool found = registry_find(server) < registry.count;
    pthread_mutex_unlock(&registry_lock);
    return found;
}

// ------------------------------------------------------------------------------------------------- log

static ovstream_log_level_t severity_of(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return OVSTREAM_LOG_ERROR;
    case LOG_WARN:
        return OVSTREAM_LOG_WARNING;
    case LOG_INFO:
        return OVSTREAM_LOG_INFO;
    default:
        return OVSTREAM_LOG_VERBOSE;
    }
}

static enum log_level threshold_of(ovstream_log_level_t level)
{
    switch (level) {
    case OVSTREAM_LOG_VERBOSE:
        return LOG_TRACE;
    case OVSTREAM_LOG_INFO:
        return LOG_INFO;
    case OVSTREAM_LOG_ERROR:
        return LOG_ERROR;
    case OVSTREAM_LOG_NONE:
        return LOG_NONE;
    default:
        return LOG_WARN;
    }
}

static void forward_log(enum log_level level, const char *channel, const char *message, void *user)
{
    char name[64];
    // Channels of the parts below ("rtc.ice") appear under the library's name.
    snprintf(name, sizeof(name), "%s%s", strncmp(channel, "ovstream", 8) ? "ovstream." : "", channel);
    log_target.fn(severity_of(level), (ovstream_string_t) { message, strlen(message) },
                  (ovstream_string_t) { name, strlen(name) }, (double)clock_mono_ns() * 1e-9, log_target.user);
}

static void drop_log(enum log_level level, const char *channel, const char *message, void *user) {}

static void configure_log(const ovstream_init_config_t *config)
{
    if (!config || !config->log_callback) {
        log_set_level(LOG_NONE);
        log_set_sink(drop_log, NULL);
        return;
    }
    log_target.fn   = config->log_callback;
    log_target.user = config->log_user_data;
    log_set_sink(forward_log, NULL);
    log_set_level(threshold_of(config->log_min_severity));
}

// ------------------------------------------------------------------------------------------------- API

void ovstream_get_version(uint32_t *o_major, uint32_t *o_minor, uint32_t *o_patch)
{
    if (o_major)
        *o_major = OVSTREAM_VERSION_MAJOR;
    if (o_minor)
        *o_minor = OVSTREAM_VERSION_MINOR;
    if (o_patch)
        *o_patch = OVSTREAM_VERSION_PATCH;
}

ovstream_result_t ovstream_initialize(const ovstream_init_config_t *config)
{
    if (config && (unsigned)config->log_min_severity > OVSTREAM_LOG_NONE)
        return fail_argument("ovstream_initialize: unknown log_min_severity (%d)", (int)config->log_min_severity);
    if (atomic_fetch_add(&init_count, 1) == 0)
        configure_log(config);
    return result_ok();
}

// Without the lock held: callbacks that stop waits for may look handles up.
static void stop_all(void)
{
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&registry_lock);
        ovstream_server_t *server = i < registry.count ? registry.items[i] : NULL;
        pthread_mutex_unlock(&registry_lock);
        if (!server)
            return;
        (void)server_stop(server);
    }
}

ovstream_result_t ovstream_shutdown(void)
{
    if (!library_is_initialized())
        return fail_state("ovstream_shutdown: called more often than ovstream_initialize");
    if (atomic_load(&init_count) == 1) {
        stop_all();
        configure_log(NULL);
    }
    atomic_fetch_sub(&init_count, 1);
    return result_ok();
}
