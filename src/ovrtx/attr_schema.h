// Attributes that prims have although nobody authored them, by the prim's kind, with their types and
// fallbacks as the interface shows them.
#pragma once

#include "stage.h"

struct schema_attr {
    const char *name;
    enum usd_type type;
    bool is_array, is_relationship;
    double fallback[4]; // numbers; arrays and relationships start empty
    const char *text;   // tokens and strings
};

// Calls fn for each attribute of the prim's schema until it returns false.
void schema_each(const struct stage *s, uint32_t prim, bool (*fn)(void *user, const struct schema_attr *attr), void *user);
const struct schema_attr *schema_find(const struct stage *s, uint32_t prim, const char *name);
