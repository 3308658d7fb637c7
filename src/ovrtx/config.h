// The entries of an ovrtx_config_t as plain values.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <ovrtx/ovrtx_types.h>

struct config {
    bool sync_mode, outline_enabled;
    uint32_t outline_width; // pixels, 0 to 15
    uint32_t fill_mode;     // ovrtx_selection_fill_mode_t
    int gpu_index;          // -1 = the best device
    char *log_file, *log_level, *package_root; // NULL = not given
};

// false after error_set(). Unknown entries are ignored with a log line.
bool config_read(struct config *out, const ovrtx_config_t *config);
void config_finish(struct config *c);
