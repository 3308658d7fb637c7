// Results and the last error of a thread (contract sections 1 and 15).
#pragma once

#include "ovstream/ovstream_types.h"

#define ERROR_TEXT_SIZE 512

// Clears the calling thread's last error.
ovstream_result_t result_ok(void);
// Sets it. Form: "<call>: <what> (<value>, <limit or system text>)".
ovstream_result_t result_fail(ovstream_api_status_t status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define fail_argument(...) result_fail(OVSTREAM_API_INVALID_ARGUMENT, __VA_ARGS__)
#define fail_state(...) result_fail(OVSTREAM_API_INVALID_STATE, __VA_ARGS__)
#define fail_support(...) result_fail(OVSTREAM_API_NOT_SUPPORTED, __VA_ARGS__)
#define fail_error(...) result_fail(OVSTREAM_API_ERROR, __VA_ARGS__)
