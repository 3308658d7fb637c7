// Numbers in text, correctly rounded, without locale.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Both read from p, which must end in a byte that is not part of a number (the parser's buffers end in NUL), and
// return the first byte not read, or NULL when there is no number. inf and nan are accepted by number_double.
const char *number_double(const char *p, double *out);
// is_integer tells whether the text was an integer that fits 64 bits (sign and magnitude).
const char *number_integer(const char *p, bool *negative, uint64_t *magnitude);
