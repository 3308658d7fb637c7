// The text behind ovrtx_get_last_error: one per thread. Every exported function but the two that read
// errors starts with error_clear().
#pragma once

#include <ovrtx/ovrtx_types.h>

#define ERROR_TEXT_SIZE 1536 // longer texts are cut

void error_clear(void);
// Sets the thread's text and returns OVRTX_API_ERROR, so that failures read `return error_set(...)`.
ovrtx_api_status_t error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *error_text(void);
