// Definitions: the built-in properties of a type with its API schemas. See schema.c.
#pragma once

#include "stage.h"

struct usd_definition {
    struct {
        ARRAY_OF(struct definition_prop {
            usd_tok name;
            uint32_t prop; // in the schema layer
        });
    } props;
    struct {
        ARRAY_OF(usd_tok);
    } apis; // applied API schemas, built-in ones included
    struct hash_map by_name;
};

// The definition of a concrete type; one without properties for any other name. Lives as long as the process.
const struct usd_definition *definition_of_type(usd_tok type);
// A type with API schemas ("Name" or "Name:instance" tokens) applied on top. The caller destroys it.
struct usd_definition *definition_compose(usd_tok type, const uint64_t *apis, size_t count);
void definition_destroy(struct usd_definition *d);

// Declaration of a built-in property, NULL when there is none. Field values of it through definition_value.
const struct prop_spec *definition_spec(const struct usd_definition *d, usd_tok name);
const struct prop_spec *definition_spec_at(const struct usd_definition *d, size_t i, usd_tok *name);
bool definition_value(const struct prop_spec *spec, usd_tok field, struct usd_value *out);
