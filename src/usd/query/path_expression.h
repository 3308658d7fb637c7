// Path expressions ("/World//*Wheel - /World/Spare"), as collections use them. See path_expression.c.
#pragma once

#include "stage.h"

struct path_expression {
    const struct usd_prim *owner; // of the attribute: relative patterns and "%:name" start here
    const char *text;
    const struct path_map *map; // namespace of the layer that wrote it, to the stage's; NULL: the same
    // Membership in a collection that the expression names ("%/Prim:name"); name is not NUL-terminated.
    bool (*collection_has)(const struct usd_prim *owner, const char *name, size_t size, const char *path, int depth);
    int depth;
};

// Whether the expression matches an absolute path of a prim or property.
bool path_expression_matches(const struct path_expression *e, const char *path);
// The first part that is not understood ("%_", an unknown predicate, bad syntax) and matches nothing; NULL: all is.
const char *path_expression_unsupported(const struct path_expression *e);
