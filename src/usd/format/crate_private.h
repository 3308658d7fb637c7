// Shared between crate.c (tables), crate_specs.c (specs), crate_value.c (values) and crate_structure.c (structural values).
#pragma once

#include <pthread.h>

#include "crate.h"
#include "cursor.h"
#include "file.h"
#include "hash.h"
#include "layer.h"
#include "thread.h"

enum crate_type {
    CT_INVALID, CT_BOOL, CT_UCHAR, CT_INT, CT_UINT, CT_INT64, CT_UINT64, CT_HALF, CT_FLOAT, CT_DOUBLE, CT_STRING, CT_TOKEN,
    CT_ASSET, CT_MATRIX2D, CT_MATRIX3D, CT_MATRIX4D, CT_QUATD, CT_QUATF, CT_QUATH, CT_VEC2D, CT_VEC2F, CT_VEC2H, CT_VEC2I,
    CT_VEC3D, CT_VEC3F, CT_VEC3H, CT_VEC3I, CT_VEC4D, CT_VEC4F, CT_VEC4H, CT_VEC4I, CT_DICTIONARY, CT_TOKEN_LISTOP,
    CT_STRING_LISTOP, CT_PATH_LISTOP, CT_REFERENCE_LISTOP, CT_INT_LISTOP, CT_INT64_LISTOP, CT_UINT_LISTOP, CT_UINT64_LISTOP,
    CT_PATH_VECTOR, CT_TOKEN_VECTOR, CT_SPECIFIER, CT_PERMISSION, CT_VARIABILITY, CT_VARIANT_SELECTIONS, CT_TIME_SAMPLES,
    CT_PAYLOAD, CT_DOUBLE_VECTOR, CT_LAYER_OFFSET_VECTOR, CT_STRING_VECTOR, CT_VALUE_BLOCK, CT_VALUE, CT_UNREGISTERED,
    CT_UNREGISTERED_LISTOP, CT_PAYLOAD_LISTOP, CT_TIMECODE, CT_PATH_EXPRESSION, CT_RELOCATES, CT_SPLINE, CT_ANIMATION_BLOCK,
    CT_COUNT
};

// A value representation: where a value is, or the value itself.
#define REP_ARRAY (1ull << 63)
#define REP_INLINED (1ull << 62)
#define REP_COMPRESSED (1ull << 61)
#define REP_ARRAY_EDIT (1ull << 60)
#define REP_PAYLOAD(rep) ((rep) & ((1ull << 48) - 1))
#define REP_TYPE(rep) ((unsigned)((rep) >> 48 & 0xff))

#define VERSION(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

#define NO_PATH UINT32_MAX
struct path_entry {
    uint32_t parent; // path index; NO_PATH for the root and for indices nobody defined
    uint32_t token : 30, is_property : 1, defined : 1; // token index of the element
};

struct crate {
    const uint8_t *data;
    size_t size;
    uint32_t version;
    struct file_bytes owner;
    struct usd_limits limits;
    usd_tok *tokens;
    size_t token_count;
    uint32_t *strings; // token indices
    size_t string_count;
    struct path_entry *paths; // only while the layer is being loaded, as are their texts
    usd_tok *path_texts;
    size_t path_count;
    uint64_t path_bytes; // of texts written out
    pthread_mutex_t lock;
    struct hash_map samples; // value representation -> struct samples, decoded on first use
    struct arena arena;      // of those
};

// Reading position inside the file; sticky `bad`.
static inline struct cursor crate_at(const struct crate *c, uint64_t offset)
{
    if (offset > c->size)
        return (struct cursor) { c->data + c->size, c->data + c->size, true };
    return cur_make(c->data + offset, c->size - (size_t)offset);
}
// "Go on reading where the next eight bytes, counted from themselves, say": what nested values need lies in between.
void crate_follow(const struct crate *c, struct cursor *at);
static inline usd_tok crate_token(const struct crate *c, uint64_t i) { return i < c->token_count ? c->tokens[i] : 0; }
static inline usd_tok crate_string(const struct crate *c, uint64_t i)
{
    return i < c->string_count ? crate_token(c, c->strings[i]) : 0;
}

// The text of a path, variant selections left out; "" (0) when there is none. While the layer is being loaded.
usd_tok crate_path(struct crate *c, uint32_t index);

/**
 * Integers of 4 bytes as crate files compress them: n values to out. false: damaged.
 * `src` is the compressed block without its size.
 */
bool crate_ints32(const struct crate *c, const uint8_t *src, size_t size, size_t n, uint32_t *out);
// The same with the block's size (uint64) read from the cursor first.
bool crate_ints32_at(const struct crate *c, struct cursor *at, size_t n, uint32_t *out);

enum usd_type crate_value_type(unsigned crate_type); // USD_TYPE_NONE when it is no plain value
bool crate_own(struct layer *l, struct crate *c, struct field *f); // a plain value of the file becomes memory of the layer
/**
 * A field from its value representation. Structural values (list operations, dictionaries, selections ...) are decoded
 * into the layer at once, plain values stay where they are. false: not kept (damaged, or of no use here).
 */
bool crate_field(struct layer *l, struct crate *c, usd_tok name, uint64_t rep, struct field *out, unsigned depth);

// ---------------------------------------------------------------------------------------------------------------
// While a file is being loaded

enum spec_type { ST_ATTRIBUTE = 1, ST_PRIM = 6, ST_PSEUDO_ROOT = 7, ST_RELATIONSHIP = 8, ST_VARIANT = 10, ST_VARIANT_SET = 11 };


struct section {
    uint64_t start, size;
};
enum { SEC_TOKENS, SEC_STRINGS, SEC_FIELDS, SEC_FIELDSETS, SEC_PATHS, SEC_SPECS, SEC_COUNT };

struct loader {
    struct layer *l;
    struct crate *c;
    struct usd_error *err;
    struct section sections[SEC_COUNT];
    uint32_t *field_names; // token indices
    uint64_t *field_reps;
    size_t field_count;
    uint32_t *sets; // field indices, UINT32_MAX ends a set
    size_t set_count;
    uint32_t *order; // path indices as they stand in the file, parents first
    size_t order_count;
    uint32_t *spec_paths, *spec_sets, *spec_types;
    size_t spec_count;
    uint32_t *first_same; // token index -> the first one of equal text; NULL when no text is there twice, as it should be
    struct build *build; // crate_specs.c
};

static inline uint32_t crate_first_token(const struct loader *x, uint32_t i) { return x->first_same ? x->first_same[i] : i; }
// Keep the first error; false. Any of the loading threads.
bool crate_damaged(struct loader *x, uint64_t offset, const char *what);
bool crate_nomem(struct loader *x);
// Two independent parts of the work at once; true when both went well. A NULL pool does one after the other.
bool crate_pair(struct thread_pool *pool, bool (*a)(struct loader *), bool (*b)(struct loader *), struct loader *x);
// crate_specs.c: the layer's specs, from the tables.
bool crate_make_specs(struct loader *x, struct thread_pool *pool);
