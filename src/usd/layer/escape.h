// Escapes of C in quoted text: of layers and of the strings in variable expressions.
#pragma once

int hex_digit(char c); // -1 when it is none
// One escape, `p` behind its backslash in text that ends in a NUL. \x takes any number of digits, the last two count; a
// character without a meaning of its own stands for itself. Returns the first byte not read.
const char *escape_read(const char *p, char *out);
