// The text format. Grammar: "USDA file format" of the AOUSD core specification and OpenUSD's text file format.
#pragma once

#include "layer.h"

/**
 * Parse text into an empty layer.
 *
 * @param text  At least 16 zero bytes must follow text[size - 1]; the parser reads up to there.
 */
int usda_parse(struct layer *l, const char *text, size_t size, const struct usd_limits *limits, struct usd_error *err);
bool usda_looks_like(const void *data, size_t size);
// Type of the metadata that the text calls `key`, USD_TYPE_NONE when USD defines none, and the name of its field.
int usda_field_type(const char *key, bool *is_array, const char **field);
