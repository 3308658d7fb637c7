// USD values and prims as the JSON of the viewer protocol, sections 10, 11 and 14. Any thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "assets.h"
#include "stageusd/stageusd.h"

// Any value; arrays become summaries. assets (may be NULL) makes resolved asset paths root-relative.
json_t *usd_json_value(const struct usd_value *v, const struct assets *assets);

// Whether a prim is a row of the hierarchy at all.
bool usd_json_listed(const usd_prim *prim);
// The row type: xform, scope, geom, light, camera, material.
const char *usd_json_row_type(const usd_prim *prim);

/**
 * getChildrenResult rows below a prim.
 *
 * @param filters JSON list of filter names or NULL.
 * @param total   Set to the number of rows before the window was applied.
 */
json_t *usd_json_children(const usd_prim *parent, json_t *filters, size_t offset, size_t limit, size_t *total);
// Nested rows, at most max_nodes of them, max_depth levels deep. *truncated tells whether it stopped early.
json_t *usd_json_snapshot(const usd_prim *parent, json_t *filters, int max_depth, int max_nodes, bool *truncated);

json_t *usd_json_properties(const usd_stage *stage, const usd_prim *prim, const struct assets *assets);
json_t *usd_json_variants(const usd_prim *prim);
