// Local bounds of single prims. See extent.c.
#pragma once

#include "stage.h"

extern const struct usd_bounds bounds_nothing;
bool bounds_empty(const struct usd_bounds *b);
void bounds_add_point(struct usd_bounds *b, double x, double y, double z);
void bounds_add_box(struct usd_bounds *to, const struct usd_bounds *box, const double m[16]);

// The pair number `pair` of an authored float3[2 n] attribute; false when there is none or it is empty.
bool extent_authored(const usd_prim *p, const char *name, double time, size_t pair, struct usd_bounds *out);
// From the shape itself, whatever `extent` says. Not for PointInstancer. false: nothing to see, or not computable.
bool extent_computed(const usd_prim *p, double time, struct usd_bounds *out);
