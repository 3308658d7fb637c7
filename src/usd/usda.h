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
