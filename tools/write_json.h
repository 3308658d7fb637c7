// JSON text of USD values. Always valid UTF-8: bytes that are not become U+FFFD.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "stageusd/stageusd.h"

void write_json_string(FILE *out, const char *s);
// "key":, with a comma in front unless *first, which becomes false.
void write_json_key(FILE *out, const char *key, bool *first);
// Numbers that JSON has no way to say are the strings "inf", "-inf", "nan"; quaternions are real, i, j, k; matrices
// are arrays of rows; assets are objects with "authored" and "resolved".
void write_json_number(FILE *out, double v, int digits);
void write_json_value(FILE *out, const struct usd_value *v);
// Element i of an array value.
void write_json_element(FILE *out, const struct usd_value *v, size_t i);
// An object with code, message, file, line, column and offset, as far as they are known.
void write_json_error(FILE *out, const struct usd_error *err);
