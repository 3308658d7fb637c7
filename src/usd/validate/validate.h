// The parts of usd_stage_validate. Each looks at one prim (or the stage) and reports what it finds.
#pragma once

#include "stage.h"

// Reports about a property or a prim: where, which layer says so, what to do.
#define PROPERTY_FINDING(s, q, severity, rule, hint, ...)                                                  \
    do {                                                                                                   \
        char finding_path[8192];                                                                           \
        validate_property_path(q, finding_path, sizeof(finding_path));                                     \
        stage_finding(s, severity, rule, hint, validate_property_layer(q), finding_path, __VA_ARGS__);     \
    } while (0)
#define PRIM_FINDING(s, p, severity, rule, hint, ...) \
    stage_finding(s, severity, rule, hint, validate_prim_layer(p), usd_prim_path(p), __VA_ARGS__)

void validate_property_path(const usd_property *q, char *out, size_t capacity);
const char *validate_property_layer(const usd_property *q);
const char *validate_prim_layer(const usd_prim *p);
// USD_TIME_DEFAULT, or the first sample where there are samples.
double validate_first_time(const usd_property *q);
// A value at its first time; finish it in every case.
bool validate_value(const usd_prim *p, const char *name, struct usd_value *out);
size_t validate_count(const usd_prim *p, const char *name); // elements of an array then; 0 for everything else

void validate_package(struct usd_stage *s);                          // validate_package.c: usdz rules
void validate_schema(struct usd_stage *s, const usd_prim *p);        // validate_schema.c: type, API schemas
void validate_property(struct usd_stage *s, const usd_property *q);  // the same: types, values, targets, assets
void validate_geometry(struct usd_stage *s, const usd_prim *p);      // validate_geometry.c: topology, primvars, extents
void validate_skeleton(struct usd_stage *s, const usd_prim *p);      // validate_skel.c
void validate_shading(struct usd_stage *s, const usd_prim *p);       // validate_shade.c: networks, bindings, collections
