// Relocations of a layer stack: which hold, and lookups by source, target and ancestor.
#pragma once

#include "stage.h"

// Collects those of all layers of a new stack, strongest first, and drops those that contradict each other.
void relocates_collect(struct usd_stage *s, struct layer_stack *st);
const struct relocate *relocate_from(const struct layer_stack *st, usd_tok source);
const struct relocate *relocate_to(const struct layer_stack *st, usd_tok target);
// What relocations do to paths at and below `path`; NULL when there are none (or memory is short).
const struct path_map *relocate_map(const struct layer_stack *st, usd_tok path, struct arena *a);
// True when something at or below `path` was moved away.
bool relocate_empties(const struct layer_stack *st, usd_tok path);

// Relocations whose source (or target) lies at or below `path`: first and past-the-last number for relocate_nth.
enum relocate_key { RELOCATE_SOURCE, RELOCATE_TARGET, RELOCATE_ORIGIN };
void relocate_range(const struct layer_stack *st, enum relocate_key key, usd_tok path, uint32_t *begin, uint32_t *end);
const struct relocate *relocate_nth(const struct layer_stack *st, enum relocate_key key, uint32_t i);
