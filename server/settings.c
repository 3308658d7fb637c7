#include "settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const struct settings defaults = { .outline_color = { 1.0, 0.6, 0.0, 1.0 } };
static const char *const tones[]  = { "reinhard", "none" };
static const char *const depths[] = { "inverse", "minmax" };

static int option_of(const char *const *options, json_t *value)
{
    for (int i = 0; i < 2; i++)
        if (json_is_string(value) && !strcmp(options[i], json_string_value(value)))
            return i;
    return -1;
}

static bool set_color(double out[4], json_t *value)
{
    double c[4];
    if (!json_is_array(value) || json_array_size(value) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        json_t *v = json_array_get(value, i);
        if (!json_is_number(v))
            return false;
        c[i] = fmin(fmax(json_number_value(v), 0), 1);
    }
    memcpy(out, c, sizeof(c));
    return true;
}

static enum settings_result apply(struct settings *s, const char *key, json_t *value)
{
    int option;
    if (!strcmp(key, "exposure")) {
        if (!json_is_number(value) || !isfinite(json_number_value(value)))
            return SETTINGS_BAD_VALUE;
        s->exposure = fmin(fmax(json_number_value(value), -10), 10);
    } else if (!strcmp(key, "tone_mapping")) {
        if ((option = option_of(tones, value)) < 0)
            return SETTINGS_BAD_VALUE;
        s->tone_mapping = (enum tone_mapping)option;
    } else if (!strcmp(key, "depth_mode")) {
        if ((option = option_of(depths, value)) < 0)
            return SETTINGS_BAD_VALUE;
        s->depth_mode = (enum depth_mode)option;
    } else if (!strcmp(key, "outline_color")) {
        if (!set_color(s->outline_color, value))
            return SETTINGS_BAD_VALUE;
    } else {
        return SETTINGS_UNKNOWN_KEY;
    }
    return SETTINGS_APPLIED;
}

// Written beside the old file, then renamed over it.
static void save(const struct settings *s)
{
    char temporary[4200], folder[4200];
    if (!s->file || snprintf(temporary, sizeof(temporary), "%s.%d.tmp", s->file, (int)getpid()) >= (int)sizeof(temporary))
        return;
    snprintf(folder, sizeof(folder), "%s", s->file);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        mkdir(folder, 0777);
    }
    json_t *values = settings_values(s);
    bool ok        = json_dump_file(values, temporary, JSON_INDENT(2)) == 0 && rename(temporary, s->file) == 0;
    json_decref(values);
    if (!ok) {
        log_warn("server.settings", "cannot write %s: %s", s->file, strerror(errno));
        unlink(temporary);
    }
}

void settings_load(struct settings *s, const char *file)
{
    *s      = defaults;
    s->file = file && *file ? strdup(file) : NULL;
    if (!s->file || access(s->file, F_OK) != 0)
        return;
    json_error_t where;
    json_t *root = json_load_file(s->file, 0, &where);
    if (!json_is_object(root))
        log_warn("server.settings", "ignoring %s: %s", s->file, root ? "not a JSON object" : where.text);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
        if (apply(s, key, value) != SETTINGS_APPLIED)
            log_warn("server.settings", "ignoring '%s' in %s", key, s->file);
    json_decref(root);
}

void settings_finish(struct settings *s)
{
    free(s->file);
    s->file = NULL;
}

enum settings_result settings_set(struct settings *s, const char *key, json_t *value)
{
    enum settings_result result = apply(s, key, value);
    if (result == SETTINGS_APPLIED)
        save(s);
    return result;
}

json_t *settings_values(const struct settings *s)
{
    return json_pack("{s:f, s:s, s:s, s:[f,f,f,f]}", "exposure", s->exposure, "tone_mapping", tones[s->tone_mapping],
                     "depth_mode", depths[s->depth_mode], "outline_color", s->outline_color[0], s->outline_color[1],
                     s->outline_color[2], s->outline_color[3]);
}

json_t *settings_capabilities(void)
{
    const char *how = "unit tests compare pixels before and after";
    return json_pack("[{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:i,s:i,s:f,s:i,s:s},"
                     "{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:[s,s],s:s},"
                     "{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:[s,s],s:s}]",
                     "key", "exposure", "label", "Exposure (HdrColor)", "control", "slider", "applies_at", "immediate",
                     "apply_path", "frame conversion", "validated", 1, "validation_evidence", how, "min", -10, "max", 10,
                     "step", 0.1, "default", 0, "unit", "stops",
                     "key", "tone_mapping", "label", "Tone mapping (HdrColor)", "control", "select", "applies_at", "immediate",
                     "apply_path", "frame conversion", "validated", 1, "validation_evidence", how, "options", "reinhard",
                     "none", "default", "reinhard",
                     "key", "depth_mode", "label", "Depth shading (DepthSD)", "control", "select", "applies_at", "immediate",
                     "apply_path", "frame conversion", "validated", 1, "validation_evidence", how, "options", "inverse",
                     "minmax", "default", "inverse");
}
