// A layer: the specs and fields of one file, in compact tables that never change once the layer is loaded (those of a
// session layer do: session.h). Layers are shared by every stage of the process that uses the same file. Reading: any thread.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "arena.h"
#include "array.h"
#include "hash.h"
#include "usd_limits.h"
#include "value.h"

enum spec_kind { SPEC_PRIM, SPEC_VARIANT_SET, SPEC_VARIANT };
enum { SPEC_HAS_ARCS = 1, SPEC_SPECIFIER_SET = 2 };

// Index 0 is the pseudo-root, whose fields are the layer metadata. 0 also means "none" in links.
struct prim_spec {
    usd_tok name, type_name;
    uint32_t parent, first_child, next_sibling;
    uint32_t first_variant_set; // list of SPEC_VARIANT_SET, whose children are SPEC_VARIANT
    uint32_t first_prop, prop_count;
    uint32_t first_field;
    uint16_t field_count;
    uint8_t specifier : 2, kind : 2, flags : 4;
    uint8_t reserved;
};

enum { PROP_RELATIONSHIP = 1, PROP_UNIFORM = 2, PROP_CUSTOM = 4, PROP_CUSTOM_SET = 8 };
struct prop_spec {
    usd_tok name, type_name;
    uint32_t first_field;
    uint16_t field_count;
    uint8_t flags;
};

struct crate;

struct layer {
    char *identifier; // absolute path, package path "a.usdz[b.usda]" or the name given for bytes in memory
    char *anchor;     // relative asset paths resolve against this identifier's folder
    char *cache_key; // resolved path it was asked for with
    struct layer *next_cached;
    atomic_int refs;
    uint32_t id; // of no other layer of the process
    bool cached, is_crate;
    bool sealed; // its tables change no more
    bool has_clips; // some prim has `clips`
    uint64_t file_bytes, file_stamp;
    double parse_seconds;
    double time_codes_per_second; // authored, or framesPerSecond, or 24
    struct arena arena;
    struct {
        ARRAY_OF(struct prim_spec);
    } prims;
    struct {
        ARRAY_OF(struct prop_spec);
    } props;
    struct {
        ARRAY_OF(struct field);
    } fields;
    struct {
        ARRAY_OF(void *);
    } blocks;             // big arrays, freed with the layer
    uint64_t block_bytes;
    struct crate *crate;  // decodes fields flagged VF_CRATE
    struct {
        ARRAY_OF(char *);
    } warnings;
    uint64_t max_bytes;
    pthread_mutex_t index_lock;
    struct hash_map child_index; // (parent + 1) << 32 | name -> spec, and parent -> 1 once its children are in; long lists only
};

struct layer *layer_create(const char *identifier, const char *anchor, const struct usd_limits *limits);
void layer_release(struct layer *l);
struct layer *layer_ref(struct layer *l);
uint64_t layer_memory(const struct layer *l);
void layer_warn(struct layer *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
// After parsing: shrinks tables, derives what is looked up often.
void layer_seal(struct layer *l);
// What is derived from the fields of a spec, and from those of the layer.
void layer_derive_spec(struct layer *l, uint32_t spec);
void layer_derive(struct layer *l);

// Takes over a malloc'ed block; false frees it.
bool layer_keep_block(struct layer *l, void *block, size_t bytes);
const char *layer_strdup(struct layer *l, const char *text, size_t size);

const struct field *spec_field(const struct layer *l, const struct prim_spec *s, usd_tok name);
const struct field *prop_field(const struct layer *l, const struct prop_spec *s, usd_tok name);
const struct prop_spec *spec_prop(const struct layer *l, const struct prim_spec *s, usd_tok name);
uint32_t spec_child(const struct layer *l, uint32_t parent, usd_tok name); // 0 = none
// Spec at an absolute path without variants; 0 when there is none (or for "/").
uint32_t spec_find(const struct layer *l, const char *path);
// Path inside the layer, variants as {set=selection}.
size_t spec_path(const struct layer *l, uint32_t spec, char *out, size_t capacity);

// A package that was handed over as bytes. It answers to its path as if it were a file of that name.
struct memory_package {
    char *path; // ends in ".usdz"
    void *data;
    size_t size;
    uint64_t stamp; // no file and no other package has it
};
// Copies `data`. NULL when memory is short.
struct memory_package *memory_package_create(const char *identifier, const void *data, size_t size);
void memory_package_destroy(struct memory_package *m);

// How layers are found and read: the options of the stage that asks.
struct layer_env {
    struct usd_limits limits;
    struct memory_package *memory; // or NULL
    bool (*allow_path)(const char *absolute_path, void *user);
    void *user;
};

/**
 * The layer of a resolved path: from the process cache when the file has not changed, else read and parsed.
 * The caller owns one reference. Any thread.
 */
int layer_open(const struct layer_env *env, const char *resolved, struct layer **out, struct usd_error *err);
// The root layer of env->memory, or else a layer from a copy of `data`.
int layer_from_bytes(const struct layer_env *env, const char *identifier, const char *anchor, const void *data,
                     size_t size, struct layer **out, struct usd_error *err);

void error_set(struct usd_error *err, int code, const char *file, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
