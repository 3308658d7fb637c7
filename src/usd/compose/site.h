// Paths of composition sites: prim paths that may go through variants, "/A/B{set=selection}C". A selection is an element
// of the path, but no level of the namespace.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "token.h"

struct layer;

usd_tok site_parent(usd_tok path); // "/A{v=x}B" -> "/A{v=x}" -> "/A" -> "/"; 0 above the root
usd_tok site_name(usd_tok path);   // last prim name
usd_tok site_child(usd_tok path, usd_tok name);
usd_tok site_select(usd_tok path, usd_tok set, usd_tok selection); // 0 when a name cannot stand in a path
usd_tok site_strip(usd_tok path); // without selections
bool site_is_variant(usd_tok path); // ends with a selection
bool site_selection(usd_tok path, usd_tok *set, usd_tok *selection); // the last one in it
uint16_t site_elements(usd_tok path); // names and selections
uint16_t site_depth(usd_tok path);    // names
bool site_has_prefix(usd_tok path, usd_tok prefix);
usd_tok site_replace_prefix(usd_tok path, usd_tok from, usd_tok to); // path itself when it does not start with `from`
// Spec at a site of a layer; 0 when there is none, and for "/".
uint32_t site_spec(const struct layer *l, usd_tok path);
// What the caller found out on another way will be asked for soon.
void site_spec_known(const struct layer *l, usd_tok path, uint32_t spec);
