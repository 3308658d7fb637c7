// MaterialX documents (.mtlx) as layers of UsdShade networks. See mtlx.c.
#pragma once

#include "layer.h"

bool mtlx_looks_like(const char *identifier, const void *data, size_t size);
int mtlx_parse(struct layer *l, const struct layer_env *env, const void *data, size_t size, struct usd_error *err);
