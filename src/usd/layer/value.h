// Values as layers hold them, and the table of types.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stageusd/stageusd.h"
#include "token.h"

// Field types that never leave the library, after the public ones.
enum {
    VT_SAMPLES = USD_TYPE_COUNT, // const struct samples *
    VT_TOKEN_LISTOP,             // const struct listop *, items const char * (tokens)
    VT_STRING_LISTOP,
    VT_PATH_LISTOP,              // items const char *
    VT_REF_LISTOP,               // items struct arc_ref (references and payloads)
    VT_UNKNOWN_LISTOP,           // edits of a field this library does not know: of each kind one const char *, its list as text
    VT_DICT,                     // const struct vdict_entry *, count entries
    VT_SUBLAYERS,                // const struct arc_ref *, count entries
    VT_RELOCATES,                // const char *[2] pairs
    VT_SELECTIONS,               // const char *[2] pairs: set, selection
    VT_SPLINE,                   // const struct spline *
    VT_ANIMATION_BLOCK,          // a default that blocks what varies in time in weaker layers
    VT_UNKNOWN,                  // of a shape or type this library does not know: its text, const char *
    VT_COUNT
};

// VF_CRATE: bits is the crate's value representation, decoded when asked. VF_EXPRESSION: of type pathExpression, in a dictionary.
enum { VF_ARRAY = 1, VF_CRATE = 2, VF_EXPRESSION = 4 };

// Scalars of up to 8 bytes live in `bits`, everything else behind the pointer it holds. Strings, tokens and assets are
// `const char *`; arrays of them arrays of that.
struct field {
    uint64_t bits;
    uint32_t count; // elements of an array, entries of a dictionary
    usd_tok name;
    uint8_t type, flags;
};

static inline const void *field_ptr(const struct field *f) { return (const void *)(uintptr_t)f->bits; }

struct vdict_entry {
    const char *key;
    struct field value;
};

struct samples {
    size_t count;
    const double *times; // ascending
    const struct field *values;
};

// A reference, payload or sublayer as authored.
struct arc_ref {
    const char *asset; // "" = internal
    const char *path;  // "" = default prim
    double offset, scale;
    const struct field *data; // customData of a reference, or NULL; nothing but printing the layer asks for it
};

enum listop_kind { LISTOP_EXPLICIT, LISTOP_ADD, LISTOP_PREPEND, LISTOP_APPEND, LISTOP_DELETE, LISTOP_REORDER, LISTOP_KINDS };
struct listop {
    bool is_explicit;
    struct {
        const void *items;
        size_t count;
    } list[LISTOP_KINDS];
};

struct type_info {
    const char *name;      // "float3"
    uint8_t size;          // bytes of an element
    uint8_t component;     // enum usd_type
    uint8_t components;    // in memory order
    uint8_t rows;          // matrices: rows, else 0
};
extern const struct type_info type_table[USD_TYPE_COUNT];

// Type of a value type name without [] ("point3f"); USD_TYPE_NONE when unknown.
enum usd_type type_from_token(const char *name, size_t size);

uint16_t half_from_float(float f);
