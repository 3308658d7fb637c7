#include "result.h"

#include <stdarg.h>
#include <stdio.h>

#include "ovstream/ovstream.h"

static _Thread_local char last_text[ERROR_TEXT_SIZE];
static _Thread_local size_t last_length;

ovstream_result_t result_ok(void)
{
    last_text[0] = '\0';
    last_length  = 0;
    return (ovstream_result_t) { OVSTREAM_API_SUCCESS };
}

ovstream_result_t result_fail(ovstream_api_status_t status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(last_text, sizeof(last_text), format, args);
    va_end(args);
    last_length = n < 0 ? 0 : (size_t)n < sizeof(last_text) ? (size_t)n : sizeof(last_text) - 1;
    return (ovstream_result_t) { status };
}

ovstream_string_t ovstream_get_last_error(void) { return (ovstream_string_t) { last_text, last_length }; }
