// The process-wide log: base's log goes to a callback, a file, or (warnings only, when neither is set)
// to stderr. Messages are handed over by one thread of their own, so that a callback may call any
// function of the interface and never runs twice at once. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <ovrtx/ovrtx_types.h>

bool logging_start(void); // counted; false: no thread
void logging_stop(void);  // delivers what is queued

// Both return false after error_set().
bool logging_set_callback(ovrtx_log_severity_t severity, const ovx_string_t *filter,
                          ovrtx_log_callback_t callback, void *user);
bool logging_set_file(const char *path);
bool logging_set_level(const char *level); // of the file and of stderr
bool logging_flush(uint64_t timeout_ns); // false: timed out
