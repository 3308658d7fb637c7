// Render settings that clients may change: what exists, its limits, its current value, and a file that
// keeps it. One thread at a time.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "display.h"

struct settings {
    double exposure;
    enum tone_mapping tone_mapping;
    enum depth_mode depth_mode;
    double outline_color[4]; // of selection group 1
    char *file;              // NULL = not kept
};

// Defaults, then what the file holds; an unreadable file is a warning. file NULL = none.
void settings_load(struct settings *s, const char *file);
void settings_finish(struct settings *s);

enum settings_result { SETTINGS_APPLIED, SETTINGS_UNKNOWN_KEY, SETTINGS_BAD_VALUE };
// Numbers out of range are clamped. Applied settings are written to the file.
enum settings_result settings_set(struct settings *s, const char *key, json_t *value);

json_t *settings_values(const struct settings *s);
json_t *settings_capabilities(void);
