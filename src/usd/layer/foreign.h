// What a file is that is no USD layer. See foreign.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// "an Alembic file", or NULL when neither name nor first bytes tell.
const char *foreign_format(const char *identifier, const void *data, size_t size);
