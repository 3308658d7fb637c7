// The crate writer of the generators: version 0.8.0, which most exporters write, laid out as theirs are: values first,
// equal ones once; then tokens, strings, fields, field sets, paths and specs, compressed; siblings sorted by name.
// It writes what bench-usd needs and is no general writer. Little-endian machines only.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "hash.h"
#include "scene_out.h"

enum { T_INT = 3, T_FLOAT = 8, T_DOUBLE = 9, T_TOKEN = 11, T_VEC3D = 23, T_VEC3F = 24, T_STRING_LISTOP = 33, T_PATH_LISTOP = 34, T_REFERENCE_LISTOP = 35, T_TOKEN_VECTOR = 41, T_SPECIFIER = 42,
       T_VARIABILITY = 44, T_VARIANT_SELECTIONS = 45 };
enum { S_ATTRIBUTE = 1, S_PRIM = 6, S_PSEUDO_ROOT = 7, S_RELATIONSHIP = 8, S_VARIANT = 10, S_VARIANT_SET = 11 };
#define REP_ARRAY (1ull << 63)
#define REP_INLINED (1ull << 62)
#define REP_COMPRESSED (1ull << 61)
#define REP(type, payload) ((uint64_t)(type) << 48 | (payload))
#define NONE UINT32_MAX
#define DEPTH 64

struct path {
    uint32_t first_child, last_child, next; // path indices
    uint32_t token;
    bool is_property;
};
struct spec {
    uint32_t path, set, type;
};
struct level { // a spec that is open: its lists are known when it closes
    uint32_t path, spec;
    struct {
        ARRAY_OF(uint32_t);
    } fields, children, properties; // field indices; token indices
};

struct crate_out {
    struct scene_out base;
    FILE *f;
    uint64_t at;
    struct hash_map token_map, value_map, field_map, set_map, string_map;
    struct {
        ARRAY_OF(const char *);
    } tokens;
    struct {
        ARRAY_OF(uint32_t);
    } strings, field_tokens, sets;
    struct {
        ARRAY_OF(uint64_t);
    } field_reps;
    struct {
        ARRAY_OF(struct path);
    } paths;
    struct {
        ARRAY_OF(struct spec);
    } specs;
    struct level level[DEPTH];
    int depth;
    char set_name[64];
};

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return p;
}
#define PUSH(a, ...) ((void)(array_push(a, __VA_ARGS__) || need(NULL)))

// ---------------------------------------------------------------------------------------------------------------
// Compression

#define LZ4_HASH_BITS 14

static uint8_t *put_length(uint8_t *out, size_t n)
{
    for (; n >= 255; n -= 255)
        *out++ = 255;
    *out++ = (uint8_t)n;
    return out;
}

static uint8_t *put_sequence(uint8_t *out, const uint8_t *literals, size_t n, size_t distance, size_t match)
{
    size_t m = distance ? match - 4 : 0;
    *out++   = (uint8_t)((n < 15 ? n : 15) << 4 | (m < 15 ? m : 15));
    if (n >= 15)
        out = put_length(out, n - 15);
    memcpy(out, literals, n);
    out += n;
    if (!distance)
        return out;
    *out++ = (uint8_t)distance;
    *out++ = (uint8_t)(distance >> 8);
    return m >= 15 ? put_length(out, m - 15) : out;
}

// Greedy LZ4 block after the byte 0, which says "one chunk".
static uint8_t *lz4(const uint8_t *src, size_t size, size_t *packed)
{
    uint8_t *block = need(malloc(size + size / 255 + 32)), *out = block;
    uint32_t *seen = need(calloc(1u << LZ4_HASH_BITS, sizeof(*seen)));
    size_t anchor = 0, at = 0;
    *out++ = 0;
    while (size > 12 && at < size - 12) {
        uint32_t word, other;
        memcpy(&word, src + at, 4);
        uint32_t h = word * 2654435761u >> (32 - LZ4_HASH_BITS), from = seen[h];
        seen[h]    = (uint32_t)at + 1;
        if (!from || at + 1 - from > 65535 || (memcpy(&other, src + from - 1, 4), other != word)) {
            at++;
            continue;
        }
        size_t n = 4, limit = size - 5 - at; // the last five bytes are literals
        from--;
        while (n < limit && src[from + n] == src[at + n])
            n++;
        out = put_sequence(out, src + anchor, at - anchor, at - from, n);
        at += n;
        anchor = at;
    }
    out = put_sequence(out, src + anchor, size - anchor, 0, 0);
    free(seen);
    *packed = (size_t)(out - block);
    return block;
}

static void put(struct crate_out *c, const void *data, size_t size)
{
    if (size && fwrite(data, 1, size, c->f) != size) {
        perror("generated crate");
        exit(1);
    }
    c->at += size;
}
static void put_u64(struct crate_out *c, uint64_t v) { put(c, &v, 8); }
static void put_packed(struct crate_out *c, const void *data, size_t size)
{
    size_t packed;
    uint8_t *block = lz4(data, size, &packed);
    put_u64(c, packed);
    put(c, block, packed);
    free(block);
}
static uint64_t align(struct crate_out *c)
{
    put(c, "\0\0\0\0\0\0\0", -c->at & 7);
    return c->at;
}

// Integer coding: the most common delta, two bits per value, the other deltas.
static int32_t common_delta(const uint32_t *v, size_t n)
{
    struct hash_map counts = { 0 };
    uint64_t best          = 0;
    int32_t common         = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t d   = v[i] - (i ? v[i - 1] : 0);
        uint64_t *at = hash_map_get(&counts, d), k = at ? *at + 1 : 1;
        hash_map_put(&counts, d, k);
        if (k > best || (k == best && (int32_t)d > common)) {
            best   = k;
            common = (int32_t)d;
        }
    }
    hash_map_finish(&counts);
    return common;
}

static void put_ints(struct crate_out *c, const uint32_t *v, size_t n)
{
    uint8_t *buf = need(calloc(1, 4 + (n * 2 + 7) / 8 + n * 4)), *codes = buf + 4, *out = codes + (n * 2 + 7) / 8;
    int32_t common = common_delta(v, n);
    memcpy(buf, &common, 4);
    for (size_t i = 0; i < n; i++) {
        int32_t d = (int32_t)(v[i] - (i ? v[i - 1] : 0));
        if (d == common)
            continue;
        unsigned code = d == (int8_t)d ? 1 : d == (int16_t)d ? 2 : 3;
        codes[i / 4] |= (uint8_t)(code << (i % 4 * 2));
        size_t bytes = code == 3 ? 4 : code;
        memcpy(out, &d, bytes);
        out += bytes;
    }
    put_packed(c, buf, (size_t)(out - buf));
    free(buf);
}

// ---------------------------------------------------------------------------------------------------------------
// Tokens, values, fields

static uint32_t token(struct crate_out *c, const char *text)
{
    uint64_t h = hash_bytes(text, strlen(text)), *at = hash_map_get(&c->token_map, h);
    if (at)
        return (uint32_t)*at;
    hash_map_put(&c->token_map, h, c->tokens.count);
    PUSH(&c->tokens, need(strdup(text)));
    return (uint32_t)c->tokens.count - 1;
}

static uint32_t string(struct crate_out *c, const char *text)
{
    uint32_t t   = token(c, text);
    uint64_t *at = hash_map_get(&c->string_map, t);
    if (at)
        return (uint32_t)*at;
    hash_map_put(&c->string_map, t, c->strings.count);
    PUSH(&c->strings, t);
    return (uint32_t)c->strings.count - 1;
}

// Where these bytes are in the file; *known: they are there already.
static uint64_t place(struct crate_out *c, unsigned type, const void *data, size_t size, bool *known)
{
    uint64_t key = hash_bytes(data, size) ^ hash_u64(type + 1), *at = hash_map_get(&c->value_map, key);
    *known       = at != NULL;
    if (at)
        return *at;
    uint64_t where = align(c);
    hash_map_put(&c->value_map, key, where);
    return where;
}

static uint64_t small_value(struct crate_out *c, unsigned type, const void *data, size_t size)
{
    bool known;
    uint64_t at = place(c, type, data, size, &known);
    if (!known)
        put(c, data, size);
    return REP(type, at);
}

static uint64_t array_value(struct crate_out *c, unsigned type, const void *data, size_t count, size_t size)
{
    bool known, packed = type == T_INT && count >= 16;
    uint64_t at = place(c, type, data, count * size, &known);
    if (!known) {
        put_u64(c, count);
        if (packed)
            put_ints(c, data, count);
        else
            put(c, data, count * size);
    }
    return REP(type, at) | REP_ARRAY | (packed ? REP_COMPRESSED : 0);
}

// A double that a float holds is written inline, a vector of small integers too.
static uint64_t scalar_value(struct crate_out *c, const struct attr_params *a)
{
    const double *d = a->data;
    float f;
    uint32_t bits;
    switch (a->type) {
    case USD_TYPE_INT: memcpy(&bits, a->data, 4); return REP(T_INT, bits) | REP_INLINED;
    case USD_TYPE_FLOAT: memcpy(&bits, a->data, 4); return REP(T_FLOAT, bits) | REP_INLINED;
    case USD_TYPE_DOUBLE:
        f = (float)*d;
        memcpy(&bits, &f, 4);
        return f == *d ? REP(T_DOUBLE, bits) | REP_INLINED : small_value(c, T_DOUBLE, d, 8);
    case USD_TYPE_DOUBLE3: return small_value(c, T_VEC3D, d, 24);
    case USD_TYPE_FLOAT3: return small_value(c, T_VEC3F, d, 12);
    default: return REP(T_TOKEN, token(c, *(const char *const *)a->data)) | REP_INLINED;
    }
}

static uint64_t attr_value(struct crate_out *c, const struct attr_params *a)
{
    if (!a->is_array)
        return scalar_value(c, a);
    switch (a->type) {
    case USD_TYPE_INT: return array_value(c, T_INT, a->data, a->count, 4);
    case USD_TYPE_FLOAT: return array_value(c, T_FLOAT, a->data, a->count, 4);
    case USD_TYPE_DOUBLE: return array_value(c, T_DOUBLE, a->data, a->count, 8);
    case USD_TYPE_FLOAT3: return array_value(c, T_VEC3F, a->data, a->count, 12);
    case USD_TYPE_DOUBLE3: return array_value(c, T_VEC3D, a->data, a->count, 24);
    default: break;
    }
    uint32_t *tokens = need(malloc(a->count * 4 + 4));
    for (size_t i = 0; i < a->count; i++)
        tokens[i] = token(c, ((const char *const *)a->data)[i]);
    uint64_t rep = array_value(c, T_TOKEN, tokens, a->count, 4);
    free(tokens);
    return rep;
}

static void field(struct crate_out *c, const char *name, uint64_t rep)
{
    uint32_t t   = token(c, name);
    uint64_t key = hash_u64(rep) ^ hash_u64(t + 1ull), *at = hash_map_get(&c->field_map, key);
    uint32_t index = at ? (uint32_t)*at : (uint32_t)c->field_tokens.count;
    if (!at) {
        hash_map_put(&c->field_map, key, index);
        PUSH(&c->field_tokens, t);
        PUSH(&c->field_reps, rep);
    }
    PUSH(&c->level[c->depth].fields, index);
}

static void token_field(struct crate_out *c, const char *name, const char *value)
{
    field(c, name, REP(T_TOKEN, token(c, value)) | REP_INLINED);
}

// ---------------------------------------------------------------------------------------------------------------
// Paths and specs

static uint32_t child_path(struct crate_out *c, uint32_t parent, const char *element, bool is_property)
{
    uint32_t at = (uint32_t)c->paths.count;
    PUSH(&c->paths, (struct path) { NONE, NONE, NONE, token(c, element), is_property });
    if (parent == NONE)
        return at;
    struct path *p = &c->paths.items[parent];
    if (p->last_child == NONE)
        p->first_child = at;
    else
        c->paths.items[p->last_child].next = at;
    p->last_child = at;
    return at;
}

// The path of a target; the generators write the prim first.
static uint32_t find_path(struct crate_out *c, const char *path)
{
    uint32_t at = 0;
    char name[256];
    for (path++; *path; path += *path == '/') {
        size_t n = strcspn(path, "/");
        snprintf(name, sizeof(name), "%.*s", (int)n, path);
        uint32_t t = token(c, name);
        at         = c->paths.items[at].first_child;
        while (at != NONE && (c->paths.items[at].token != t || c->paths.items[at].is_property))
            at = c->paths.items[at].next;
        if (at == NONE) {
            fprintf(stderr, "generated crate: a target names a prim that is not written yet\n");
            exit(1);
        }
        path += n;
    }
    return at;
}

static void open_spec(struct crate_out *c, uint32_t parent, const char *element, bool is_property, unsigned type)
{
    struct level *l = &c->level[++c->depth];
    array_clear(&l->fields);
    array_clear(&l->children);
    array_clear(&l->properties);
    l->path = child_path(c, parent, element, is_property);
    l->spec = (uint32_t)c->specs.count;
    PUSH(&c->specs, (struct spec) { l->path, 0, type });
}

static void names_field(struct crate_out *c, const char *name, const uint32_t *tokens, size_t count)
{
    if (!count)
        return;
    uint64_t n    = count;
    uint8_t *body = need(malloc(8 + count * 4));
    memcpy(body, &n, 8);
    memcpy(body + 8, tokens, count * 4);
    field(c, name, small_value(c, T_TOKEN_VECTOR, body, 8 + count * 4));
    free(body);
}

static void close_spec(struct crate_out *c)
{
    struct level *l = &c->level[c->depth];
    unsigned type   = c->specs.items[l->spec].type;
    names_field(c, "properties", l->properties.items, l->properties.count);
    names_field(c, type == S_VARIANT_SET ? "variantChildren" : "primChildren", l->children.items, l->children.count);
    uint64_t key = hash_bytes(l->fields.items, l->fields.count * 4), *at = hash_map_get(&c->set_map, key);
    if (!at) {
        hash_map_put(&c->set_map, key, c->sets.count);
        at = hash_map_get(&c->set_map, key);
        if (!array_append(&c->sets, l->fields.items, l->fields.count))
            need(NULL);
        PUSH(&c->sets, NONE);
    }
    c->specs.items[l->spec].set = (uint32_t)*at;
    c->depth--;
}

static uint64_t listop_of(struct crate_out *c, unsigned type, uint8_t bits, const void *item, size_t size)
{
    uint8_t body[64] = { bits, 1 };
    memcpy(body + 9, item, size);
    return small_value(c, type, body, 9 + size);
}

static void crate_prim(struct scene_out *o, const struct prim_params *p)
{
    struct crate_out *c = (struct crate_out *)o;
    PUSH(&c->level[c->depth].children, token(c, p->name));
    open_spec(c, c->level[c->depth].path, p->name, false, S_PRIM);
    field(c, "specifier", REP(T_SPECIFIER, p->over ? 1 : 0) | REP_INLINED);
    if (*p->type)
        token_field(c, "typeName", p->type);
    if (p->kind)
        token_field(c, "kind", p->kind);
    if (p->reference) {
        struct {
            uint32_t asset, path;
            double offset, scale;
            uint64_t data;
        } ref = { string(c, p->reference), NONE, 0, 1, 0 }; // no path: the default prim
        field(c, "references", listop_of(c, T_REFERENCE_LISTOP, 32, &ref, 32));
    }
    if (p->variant_set) {
        struct {
            uint64_t count;
            uint32_t set, selection;
        } pair = { 1, string(c, p->variant_set), string(c, p->selection) };
        field(c, "variantSelection", small_value(c, T_VARIANT_SELECTIONS, &pair, 16));
    }
    if (p->declares_set) {
        uint32_t s = string(c, p->variant_set);
        field(c, "variantSetNames", listop_of(c, T_STRING_LISTOP, 32, &s, 4));
    }
}

static void crate_end(struct scene_out *o) { close_spec((struct crate_out *)o); }

static void crate_attr(struct scene_out *o, const struct attr_params *a)
{
    struct crate_out *c = (struct crate_out *)o;
    PUSH(&c->level[c->depth].properties, token(c, a->name));
    open_spec(c, c->level[c->depth].path, a->name, true, S_ATTRIBUTE);
    token_field(c, "typeName", a->type_name);
    if (a->uniform)
        field(c, "variability", REP(T_VARIABILITY, 1) | REP_INLINED);
    field(c, "default", attr_value(c, a));
    close_spec(c);
}

static void crate_rel(struct scene_out *o, const char *name, const char *target)
{
    struct crate_out *c = (struct crate_out *)o;
    PUSH(&c->level[c->depth].properties, token(c, name));
    open_spec(c, c->level[c->depth].path, name, true, S_RELATIONSHIP);
    field(c, "variability", REP(T_VARIABILITY, 1) | REP_INLINED);
    uint32_t path = find_path(c, target);
    field(c, "targetPaths", listop_of(c, T_PATH_LISTOP, 1 | 2, &path, 4));
    close_spec(c);
}

static void crate_variant_set(struct scene_out *o, const char *set)
{
    struct crate_out *c = (struct crate_out *)o;
    char element[96];
    uint32_t name = token(c, set);
    names_field(c, "variantSetChildren", &name, 1);
    snprintf(c->set_name, sizeof(c->set_name), "%s", set);
    snprintf(element, sizeof(element), "{%s=}", set);
    open_spec(c, c->level[c->depth].path, element, false, S_VARIANT_SET);
}

static void crate_variant(struct scene_out *o, const char *variant)
{
    struct crate_out *c = (struct crate_out *)o;
    char element[160];
    PUSH(&c->level[c->depth].children, token(c, variant));
    snprintf(element, sizeof(element), "{%s=%s}", c->set_name, variant);
    open_spec(c, c->level[c->depth - 1].path, element, false, S_VARIANT); // beside the set, not below it
}

// ---------------------------------------------------------------------------------------------------------------
// The end of the file

struct tree {
    struct crate_out *c;
    struct {
        ARRAY_OF(uint32_t);
    } index, token, jump, kids;
};

static struct crate_out *sorting;
static int by_name(const void *a, const void *b)
{
    const struct path *x = &sorting->paths.items[*(const uint32_t *)a], *y = &sorting->paths.items[*(const uint32_t *)b];
    return strcmp(sorting->tokens.items[x->token], sorting->tokens.items[y->token]);
}

static void walk(struct tree *t, uint32_t path, bool last)
{
    const struct path *p = &t->c->paths.items[path];
    size_t me            = t->index.count, first = t->kids.count;
    PUSH(&t->index, path);
    PUSH(&t->token, p->is_property ? 0u - p->token : p->token);
    PUSH(&t->jump, 0);
    for (uint32_t k = p->first_child; k != NONE; k = t->c->paths.items[k].next)
        PUSH(&t->kids, k);
    size_t count = t->kids.count - first;
    if (count)
        qsort(t->kids.items + first, count, 4, by_name);
    for (size_t i = 0; i < count; i++)
        walk(t, t->kids.items[first + i], i + 1 == count);
    t->kids.count = first;
    if (last)
        t->jump.items[me] = count ? (uint32_t)-1 : (uint32_t)-2;
    else
        t->jump.items[me] = count ? (uint32_t)(t->index.count - me) : 0;
}

static void put_paths(struct crate_out *c)
{
    struct tree t = { .c = c };
    sorting       = c;
    walk(&t, 0, true);
    put_u64(c, c->paths.count);
    put_u64(c, t.index.count);
    put_ints(c, t.index.items, t.index.count);
    put_ints(c, t.token.items, t.token.count);
    put_ints(c, t.jump.items, t.jump.count);
    array_free(&t.index);
    array_free(&t.token);
    array_free(&t.jump);
    array_free(&t.kids);
}

static void put_tokens(struct crate_out *c)
{
    struct {
        ARRAY_OF(char);
    } text = { 0 };
    for (size_t i = 0; i < c->tokens.count; i++)
        if (!array_append(&text, c->tokens.items[i], strlen(c->tokens.items[i]) + 1))
            need(NULL);
    put_u64(c, c->tokens.count);
    put_u64(c, text.count);
    put_packed(c, text.items, text.count);
    array_free(&text);
}

static void put_specs(struct crate_out *c)
{
    size_t n    = c->specs.count;
    uint32_t *v = need(malloc(n * 4 + 4));
    put_u64(c, n);
    for (int part = 0; part < 3; part++) {
        for (size_t i = 0; i < n; i++)
            v[i] = part == 0 ? c->specs.items[i].path : part == 1 ? c->specs.items[i].set : c->specs.items[i].type;
        put_ints(c, v, n);
    }
    free(v);
}

static void crate_close(struct scene_out *o)
{
    static const char names[6][16] = { "TOKENS", "STRINGS", "FIELDS", "FIELDSETS", "PATHS", "SPECS" };
    struct crate_out *c            = (struct crate_out *)o;
    uint64_t start[7];
    close_spec(c); // the pseudo-root
    for (int s = 0; s < 6; s++) {
        start[s] = align(c);
        switch (s) {
        case 0: put_tokens(c); break;
        case 1:
            put_u64(c, c->strings.count);
            put(c, c->strings.items, c->strings.count * 4);
            break;
        case 2:
            put_u64(c, c->field_tokens.count);
            put_ints(c, c->field_tokens.items, c->field_tokens.count);
            put_packed(c, c->field_reps.items, c->field_reps.count * 8);
            break;
        case 3:
            put_u64(c, c->sets.count);
            put_ints(c, c->sets.items, c->sets.count);
            break;
        case 4: put_paths(c); break;
        default: put_specs(c);
        }
    }
    uint64_t toc = start[6] = align(c);
    put_u64(c, 6);
    for (int s = 0; s < 6; s++) {
        put(c, names[s], 16);
        put_u64(c, start[s]);
        put_u64(c, start[s + 1] - start[s]);
    }
    fseek(c->f, 16, SEEK_SET);
    put_u64(c, toc);
    if (fclose(c->f)) {
        perror("generated crate");
        exit(1);
    }
    for (size_t i = 0; i < c->tokens.count; i++)
        free((char *)c->tokens.items[i]);
    for (int i = 0; i < DEPTH; i++) {
        array_free(&c->level[i].fields);
        array_free(&c->level[i].children);
        array_free(&c->level[i].properties);
    }
    struct hash_map *maps[] = { &c->token_map, &c->value_map, &c->field_map, &c->set_map, &c->string_map };
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
        hash_map_finish(maps[i]);
    array_free(&c->tokens);
    array_free(&c->strings);
    array_free(&c->field_tokens);
    array_free(&c->field_reps);
    array_free(&c->sets);
    array_free(&c->paths);
    array_free(&c->specs);
    free(c);
}

static const struct scene_writer crate_writer = { crate_close, crate_prim, crate_end, crate_attr, crate_rel,
                                                  crate_variant_set, crate_variant, crate_end, crate_end };

struct scene_out *scene_out_crate(const char *path, const char *default_prim)
{
    struct crate_out *c = calloc(1, sizeof(*c));
    if (!c || !(c->f = fopen(path, "w"))) {
        perror(path);
        exit(1);
    }
    setvbuf(c->f, NULL, _IOFBF, 1 << 20);
    c->base.writer = &crate_writer;
    c->depth       = -1;
    uint8_t head[88] = { 'P', 'X', 'R', '-', 'U', 'S', 'D', 'C', 0, 8, 0 };
    put(c, head, sizeof(head));
    token(c, ""); // index 0: a property's index is negated, so it must not be 0
    open_spec(c, NONE, "", false, S_PSEUDO_ROOT);
    token_field(c, "defaultPrim", default_prim);
    return &c->base;
}
