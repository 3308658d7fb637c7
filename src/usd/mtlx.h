// MaterialX documents as layers: XML to UsdShade networks, laid out as OpenUSD's usdMtlx does.
#pragma once

#include "layer.h"

bool mtlx_looks_like(const char *identifier, const void *data, size_t size);
int mtlx_parse(struct layer *l, const void *data, size_t size, const struct usd_limits *limits, struct usd_error *err);
