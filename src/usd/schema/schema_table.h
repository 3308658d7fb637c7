// The core schemas as rows of a table. Facts of the published schema definitions; form and words are ours.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum schema_kind { SCHEMA_ABSTRACT, SCHEMA_CONCRETE, SCHEMA_API, SCHEMA_API_MULTIPLE, SCHEMA_API_PLAIN };

// Properties are written in the text format, statements ended by ';'. In a multiple-apply schema `@` stands for the
// instance name inside property names and built-in schemas.
struct schema_row {
    const char *name, *base; // base NULL: Typed and APISchemaBase
    enum schema_kind kind;   // SCHEMA_API_PLAIN: an interface that is never listed in apiSchemas
    const char *apis;        // built-in API schemas, separated by spaces, strongest first
    const char *properties;
};
extern const struct schema_row schema_rows[];
extern const size_t schema_row_count;
#define SCHEMA_INSTANCE "__INSTANCE_NAME__" // what '@' is replaced by
