// Predicates of path expressions: what stands between the braces of "//{isa:Mesh and not kind:group}".
#pragma once

#include "logic.h"
#include "stage.h"

/**
 * Reads a predicate up to its closing brace.
 *
 * @param at       Behind the opening brace; left at the closing one.
 * @param refused  Set to the first function that is unknown or has arguments that are not its own, unless it is set; in the arena.
 * @return         NULL: bad syntax (*at says where) or short memory.
 */
const struct logic *path_predicate_read(const char **at, struct arena *arena, const char **refused);
bool path_predicate_holds(const struct logic *predicate, const usd_prim *p);

// Name of a file pattern: "*", "?", "[a-z]".
bool path_glob(const char *pattern, const char *pattern_end, const char *text, const char *text_end);
