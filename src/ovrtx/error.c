#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ovrtx/ovrtx.h>

static _Thread_local char last_error[ERROR_TEXT_SIZE];

void error_clear(void) { last_error[0] = 0; }
const char *error_text(void) { return last_error; }

ovrtx_api_status_t error_set(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error, sizeof(last_error), format, args);
    va_end(args);
    return OVRTX_API_ERROR;
}

ovx_string_t ovrtx_get_last_error(void) { return (ovx_string_t) { last_error, strlen(last_error) }; }
