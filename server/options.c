#include "options.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind { KIND_INT, KIND_TEXT, KIND_FLAG, KIND_CHOICE, KIND_ROOT, KIND_SIZE };

struct option_row {
    const char *name; // without dashes; the environment name is STAGECAST_ and this in capitals
    enum kind kind;
    size_t offset;
    int64_t min, max;
    const char *choices; // space separated, in the order of the enum
    const char *argument, *help;
};

#define AT(member) offsetof(struct options, member)
static const struct option_row rows[] = {
    { "asset-root", KIND_ROOT, 0, 0, 0, NULL, "DIR", "folder that clients may open scenes from; repeatable\n"
      "                         (default: the folder of SCENE)" },
    { "width", KIND_INT, AT(width), 64, OPTIONS_MAX_SIZE, NULL, "N", "pixels of the picture, even (1280)" },
    { "height", KIND_INT, AT(height), 64, OPTIONS_MAX_SIZE, NULL, "N", "(720)" },
    { "size", KIND_SIZE, 0, 0, 0, NULL, "WxH", "width and height at once" },
    { "fps", KIND_INT, AT(fps), 1, 240, NULL, "N", "frames per second to aim for (60)" },
    { "http-port", KIND_INT, AT(http_port), 0, 65535, NULL, "N", "page, /healthz and /metrics, TCP (8081)" },
    { "signal-port", KIND_INT, AT(signal_port), 0, 65535, NULL, "N", "WebRTC signalling, TCP (49100)" },
    { "media-port", KIND_INT, AT(media_port), 0, 65535, NULL, "N", "WebRTC media, UDP (47998)" },
    { "listen", KIND_TEXT, AT(listen), 0, 0, NULL, "ADDRESS", "where to accept connections (127.0.0.1)" },
    { "public-ip", KIND_TEXT, AT(public_ip), 0, 0, NULL, "ADDRESS", "address that browsers reach this machine by" },
    { "gpu", KIND_TEXT, AT(gpu), 0, 0, NULL, "N", "index of the device to render on" },
    { "cuda-device", KIND_INT, AT(cuda_device), -1, 255, NULL, "N", "device of the encoder (the library's choice)" },
    { "camera-policy", KIND_CHOICE, AT(camera_policy), 0, 0, "fit stage-camera preserve", "P",
      "view after a load: fit, stage-camera or preserve (fit)" },
    { "navigation", KIND_CHOICE, AT(navigation), 0, 0, "simple dcc", "N", "mouse scheme: simple or dcc (simple)" },
    { "aovs", KIND_CHOICE, AT(all_aovs), 0, 0, "ldr all", "WHICH", "outputs to render: all or ldr (all)" },
    { "multi-select", KIND_FLAG, AT(multi_select), 0, 0, NULL, NULL, "Shift and Ctrl clicks add and remove" },
    { "clear-on-miss", KIND_FLAG, AT(clear_on_miss), 0, 0, NULL, NULL, "a click on nothing clears the selection" },
    { "settings", KIND_TEXT, AT(settings_file), 0, 0, NULL, "FILE", "where render settings are kept\n"
      "                         (data/viewer-settings.json)" },
    { "load-timeout", KIND_INT, AT(load_timeout_s), 1, 86400, NULL, "S", "seconds a scene may take to load (300)" },
    { "require-scene", KIND_FLAG, AT(require_scene), 0, 0, NULL, NULL, "exit when SCENE cannot be loaded" },
    { "ready-when-idle", KIND_FLAG, AT(ready_when_idle), 0, 0, NULL, NULL, "/healthz says ok without a scene, too" },
    { "latency-stamp", KIND_FLAG, AT(latency_stamp), 0, 0, NULL, NULL, "draw a machine-readable clock in the picture" },
    { "outbound-framing", KIND_CHOICE, AT(framing), 0, 0, "auto framed plain", "F",
      "envelope of messages: auto, framed or plain (auto)" },
    { "legacy-events", KIND_FLAG, AT(legacy_events), 0, 0, NULL, NULL, "also send the events of Kit servers" },
    { "restart-stream-on-disconnect", KIND_FLAG, AT(restart_stream_on_disconnect), 0, 0, NULL, NULL,
      "for streaming libraries that serve only\n                         one client per start" },
    { "web-root", KIND_TEXT, AT(web_root), 0, 0, NULL, "DIR", "serve the page from DIR, not from the program" },
    { "log-level", KIND_CHOICE, 0, 0, 0, "trace debug info warn error none", "L", "trace, debug, info, warn, error (info)" },
    { "config", KIND_TEXT, AT(config_file), 0, 0, NULL, "FILE", "JSON object with these options, e.g. {\"fps\": 30}" },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool fail(char *error, size_t size, const char *format, const char *a, const char *b)
{
    snprintf(error, size, format, a, b ? b : "");
    return false;
}

static bool replace_text(char **at, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return false;
    free(*at);
    *at = copy;
    return true;
}

// Position of value in a space-separated list, or -1.
static int choice_index(const char *choices, const char *value)
{
    size_t n = strlen(value);
    int at   = 0;
    for (const char *p = choices; *p; at++) {
        size_t len = strcspn(p, " ");
        if (len == n && !strncmp(p, value, n))
            return at;
        p += len;
        p += *p == ' ';
    }
    return -1;
}

static bool apply_int(int64_t *out, const struct option_row *row, const char *value, char *error, size_t size)
{
    char *end     = NULL;
    long long v   = strtoll(value, &end, 10);
    char limits[64];
    if (end == value || *end || v < row->min || v > row->max) {
        snprintf(limits, sizeof(limits), "%lld to %lld", (long long)row->min, (long long)row->max);
        snprintf(error, size, "--%s needs a whole number from %s, not '%s'", row->name, limits, value);
        return false;
    }
    *out = v;
    return true;
}

static bool apply(struct options *o, const struct option_row *row, const char *value, char *error, size_t size)
{
    char *base = (char *)o;
    switch (row->kind) {
    case KIND_INT:
        return apply_int((int64_t *)(void *)(base + row->offset), row, value, error, size);
    case KIND_TEXT:
        return replace_text((char **)(void *)(base + row->offset), value);
    case KIND_FLAG: {
        bool on = !strcmp(value, "1") || !strcasecmp(value, "true") || !strcasecmp(value, "on");
        if (!on && strcmp(value, "0") && strcasecmp(value, "false") && strcasecmp(value, "off") && *value)
            return fail(error, size, "--%s is on or off, not '%s'", row->name, value);
        *(bool *)(base + row->offset) = on;
        return true;
    }
    case KIND_CHOICE: {
        int at = choice_index(row->choices, value);
        if (at < 0) {
            snprintf(error, size, "--%s must be one of: %s; not '%s'", row->name, row->choices, value);
            return false;
        }
        if (!strcmp(row->name, "log-level"))
            return replace_text(&o->log_level, value);
        *(int64_t *)(void *)(base + row->offset) = at;
        return true;
    }
    case KIND_SIZE: {
        int w = 0, h = 0;
        char rest;
        if (sscanf(value, "%dx%d%c", &w, &h, &rest) != 2)
            return fail(error, size, "--size needs WIDTHxHEIGHT, such as 1280x720, not '%s'%s", value, NULL);
        o->width  = w;
        o->height = h;
        return true;
    }
    case KIND_ROOT:
        if (o->asset_root_count == OPTIONS_MAX_ROOTS)
            return fail(error, size, "too many --asset-root options, the last is '%s'%s", value, NULL);
        o->asset_roots[o->asset_root_count] = strdup(value);
        return o->asset_roots[o->asset_root_count++] != NULL;
    }
    return false;
}

static bool apply_environment(struct options *o, char *error, size_t size)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char name[64] = "STAGECAST_";
        size_t n      = strlen(name);
        for (const char *p = rows[i].name; *p && n + 1 < sizeof(name); p++)
            name[n++] = *p == '-' ? '_' : (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        name[n]           = '\0';
        const char *value = getenv(name);
        if (!value)
            continue;
        if (rows[i].kind != KIND_ROOT) {
            if (!apply(o, &rows[i], value, error, size))
                return false;
            continue;
        }
        char *copy = strdup(value), *save = NULL; // several roots: separated by ':'
        bool ok    = copy != NULL;
        for (char *p = ok ? strtok_r(copy, ":", &save) : NULL; p && ok; p = strtok_r(NULL, ":", &save))
            ok = apply(o, &rows[i], p, error, size);
        free(copy);
        if (!ok)
            return false;
    }
    const char *scene = getenv("STAGECAST_SCENE");
    return !scene || replace_text(&o->scene, scene);
}

static bool apply_json(struct options *o, const struct option_row *row, json_t *value, char *error, size_t size)
{
    char number[32];
    if (json_is_array(value) && row->kind == KIND_ROOT) {
        size_t i;
        json_t *item;
        json_array_foreach(value, i, item)
            if (!apply_json(o, row, item, error, size))
                return false;
        return true;
    }
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        return apply(o, row, number, error, size);
    }
    if (json_is_boolean(value))
        return apply(o, row, json_is_true(value) ? "1" : "0", error, size);
    if (json_is_string(value))
        return apply(o, row, json_string_value(value), error, size);
    return fail(error, size, "configuration file: '%s' has a value of the wrong kind%s", row->name, NULL);
}

static bool apply_file(struct options *o, const char *path, char *error, size_t size)
{
    json_error_t where;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(root)) {
        snprintf(error, size, "%s:%d:%d: %s", path, where.line, where.column,
                 root ? "the configuration must be a JSON object" : where.text);
        json_decref(root);
        return false;
    }
    bool ok = true;
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        size_t i = 0;
        if (!strcmp(key, "scene") && json_is_string(value)) {
            ok = replace_text(&o->scene, json_string_value(value));
            continue;
        }
        while (i < ROW_COUNT && strcmp(rows[i].name, key))
            i++;
        ok = i < ROW_COUNT ? apply_json(o, &rows[i], value, error, size)
                           : fail(error, size, "configuration file: unknown option '%s'%s", key, NULL);
        if (!ok)
            break;
    }
    json_decref(root);
    return ok;
}

static const struct option_row *find_row(const char *name, size_t n)
{
    if (n == strlen("health-port") && !strncmp(name, "health-port", n)) // the older name
        name = "http-port", n = strlen(name);
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strlen(rows[i].name) == n && !strncmp(rows[i].name, name, n))
            return &rows[i];
    return NULL;
}

// One pass over argv. With only_config, just --config is looked at.
static bool apply_arguments(struct options *o, int argc, char **argv, bool only_config, bool *help, char *error, size_t size)
{
    bool scene_given = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
            *help = true;
            return true;
        }
        if (strncmp(arg, "--", 2) != 0 || !arg[2]) {
            if (only_config)
                continue;
            if (scene_given)
                return fail(error, size, "one scene at a time, please: '%s' and '%s'", o->scene, arg);
            scene_given = true;
            if (!replace_text(&o->scene, arg))
                return fail(error, size, "out of memory%s%s", "", NULL);
            continue;
        }
        size_t n                     = strcspn(arg + 2, "=");
        const char *value            = arg[2 + n] ? arg + 3 + n : NULL;
        const struct option_row *row = find_row(arg + 2, n);
        if (!row)
            return fail(error, size, "unknown option '%s'; 'stagecast serve --help' lists them%s", arg, NULL);
        if (row->kind == KIND_FLAG)
            value = value ? value : "1";
        else if (!value && ++i < argc)
            value = argv[i];
        if (!value)
            return fail(error, size, "--%s needs a value%s", row->name, NULL);
        if (only_config == !strcmp(row->name, "config") && !apply(o, row, value, error, size))
            return false;
    }
    return true;
}

static bool check(struct options *o, char *error, size_t size)
{
    if (o->width < 64 || o->height < 64 || o->width > OPTIONS_MAX_SIZE || o->height > OPTIONS_MAX_SIZE ||
        o->width % 2 || o->height % 2) {
        snprintf(error, size, "width and height must be even and from 64 to %d, not %lldx%lld", OPTIONS_MAX_SIZE,
                 (long long)o->width, (long long)o->height);
        return false;
    }
    return true;
}

enum options_result options_parse(struct options *o, int argc, char **argv, char *error, size_t error_size)
{
    *o = (struct options) {
        .width = 1280, .height = 720, .fps = 60, .http_port = 8081, .signal_port = 49100, .media_port = 47998,
        .load_timeout_s = 300, .cuda_device = -1, .all_aovs = 1,
    };
    snprintf(error, error_size, "out of memory");
    bool help = false;
    bool ok   = replace_text(&o->listen, "127.0.0.1") && replace_text(&o->log_level, "info") &&
              replace_text(&o->settings_file, "data/viewer-settings.json") &&
              apply_arguments(o, argc, argv, true, &help, error, error_size);
    if (help)
        return OPTIONS_HELP;
    if (ok && !o->config_file && getenv("STAGECAST_CONFIG"))
        ok = replace_text(&o->config_file, getenv("STAGECAST_CONFIG"));
    if (ok && o->config_file)
        ok = apply_file(o, o->config_file, error, error_size);
    size_t from_file = o->asset_root_count; // the roots of a stronger source replace those of a weaker one
    ok = ok && apply_environment(o, error, error_size);
    size_t from_environment = o->asset_root_count;
    ok = ok && apply_arguments(o, argc, argv, false, &help, error, error_size);
    size_t drop = o->asset_root_count > from_environment ? from_environment
                : o->asset_root_count > from_file        ? from_file
                                                         : 0;
    for (size_t i = 0; i < drop; i++)
        free(o->asset_roots[i]);
    memmove(o->asset_roots, o->asset_roots + drop, (o->asset_root_count - drop) * sizeof(o->asset_roots[0]));
    o->asset_root_count -= drop;
    return ok && check(o, error, error_size) ? OPTIONS_OK : OPTIONS_BAD;
}

void options_finish(struct options *o)
{
    for (size_t i = 0; i < o->asset_root_count; i++)
        free(o->asset_roots[i]);
    free(o->scene);
    free(o->listen);
    free(o->public_ip);
    free(o->gpu);
    free(o->log_level);
    free(o->settings_file);
    free(o->web_root);
    free(o->config_file);
    *o = (struct options) { 0 };
}

const char *options_public_ip(const struct options *o)
{
    if (o->public_ip)
        return o->public_ip;
    return !strncmp(o->listen, "127.", 4) || !strcmp(o->listen, "::1") || !strcmp(o->listen, "localhost") ? "127.0.0.1" : "";
}

void options_print_help(void)
{
    printf("usage: stagecast serve [SCENE] [OPTIONS]\n\n"
           "Renders SCENE (.usd, .usda, .usdc, .usdz) and streams it to a browser. Without SCENE the page offers what\n"
           "the asset roots hold.\n\noptions:\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        printf("  %-22s %s\n", left, rows[i].help);
    }
    printf("\nEvery option may also come from the environment (--http-port: STAGECAST_HTTP_PORT) or from --config FILE;\n"
           "the command line wins.\n\nexamples:\n"
           "  stagecast serve samples/gallery.usda\n"
           "      open http://127.0.0.1:8081 on this machine\n"
           "  stagecast serve --asset-root /srv/scenes --listen 0.0.0.0 --public-ip 203.0.113.7\n"
           "      offer a folder to the network; TCP 8081 and 49100 and UDP 47998 must be reachable\n"
           "  stagecast serve kitchen.usd --size 1920x1080 --fps 30 --camera-policy stage-camera\n"
           "      larger picture, first camera of the scene\n");
}
