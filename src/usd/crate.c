// Tables of a crate file: tokens, strings, paths, fields, field sets, specs; from them the layer's specs.
#include "crate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crate_private.h"
#include "lz4.h"
#include "pages.h"

#define NEWEST VERSION(0, 13, 255)
#define PATH_DEPTH 4096

enum spec_type { ST_ATTRIBUTE = 1, ST_PRIM = 6, ST_PSEUDO_ROOT = 7, ST_RELATIONSHIP = 8, ST_VARIANT = 10, ST_VARIANT_SET = 11 };

struct section {
    uint64_t start, size;
};
enum { SEC_TOKENS, SEC_STRINGS, SEC_FIELDS, SEC_FIELDSETS, SEC_PATHS, SEC_SPECS, SEC_COUNT };
static const char *const section_names[SEC_COUNT] = { "TOKENS", "STRINGS", "FIELDS", "FIELDSETS", "PATHS", "SPECS" };

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
};

bool crate_looks_like(const void *data, size_t size) { return size >= 8 && !memcmp(data, "PXR-USDC", 8); }

static bool damaged(struct loader *x, uint64_t offset, const char *what)
{
    if (x->err && !x->err->code) {
        error_set(x->err, USD_ERR_FORMAT, x->l->identifier, "%s: offset %llu: %s", x->l->identifier, (unsigned long long)offset, what);
        x->err->offset = offset;
    }
    return false;
}

static bool nomem(struct loader *x)
{
    if (x->err && !x->err->code)
        error_set(x->err, USD_ERR_NOMEM, x->l->identifier, "%s: out of memory", x->l->identifier);
    return false;
}

// Room for n items, when n is something `bytes` of compressed data could hold (each byte at most `per_byte` items).
static void *table(struct loader *x, uint64_t n, uint64_t bytes, uint64_t per_byte, size_t size, const char *what)
{
    if (n > bytes * per_byte + 16 || n > UINT32_MAX) {
        damaged(x, 0, what);
        return NULL;
    }
    if (n * size > x->l->max_bytes) {
        if (x->err && !x->err->code)
            error_set(x->err, USD_ERR_LIMIT, x->l->identifier, "%s: a table needs more than max_layer_bytes", x->l->identifier);
        return NULL;
    }
    void *p = calloc((size_t)n + 1, size);
    if (!p)
        nomem(x);
    else
        pages_expect(p, (size_t)n * size);
    return p;
}

static struct cursor section(struct loader *x, int which)
{
    struct cursor c = crate_at(x->c, x->sections[which].start);
    return cur_sub(&c, (size_t)x->sections[which].size);
}

static bool read_contents(struct loader *x)
{
    struct cursor c = cur_make(x->c->data, x->c->size);
    cur_skip(&c, 8);
    uint8_t major = cur_u8(&c), minor = cur_u8(&c), patch = cur_u8(&c);
    cur_skip(&c, 5);
    uint64_t toc = cur_u64le(&c);
    if (c.bad)
        return damaged(x, 0, "the header is cut off");
    x->c->version = VERSION(major, minor, patch);
    if (x->c->version > NEWEST || major) {
        char text[96];
        snprintf(text, sizeof(text), "crate version %u.%u.%u is newer than this library reads (0.13)", major, minor, patch);
        if (x->err)
            error_set(x->err, USD_ERR_UNSUPPORTED, x->l->identifier, "%s: %s", x->l->identifier, text);
        return false;
    }
    c              = crate_at(x->c, toc);
    uint64_t count = cur_u64le(&c);
    if (c.bad || count > 64)
        return damaged(x, toc, "the table of contents is damaged");
    bool found[SEC_COUNT] = { false };
    for (uint64_t i = 0; i < count; i++) {
        const char *name = (const char *)cur_take(&c, 16);
        uint64_t start = cur_u64le(&c), size = cur_u64le(&c);
        if (c.bad)
            return damaged(x, toc, "the table of contents is cut off");
        for (int s = 0; s < SEC_COUNT; s++)
            if (!strncmp(name, section_names[s], 16)) {
                if (start > x->c->size || size > x->c->size - start)
                    return damaged(x, toc, "a section lies outside of the file");
                x->sections[s] = (struct section) { start, size };
                found[s]       = true;
            }
    }
    for (int s = 0; s < SEC_COUNT; s++)
        if (!found[s] && s != SEC_STRINGS)
            return damaged(x, toc, "a section is missing");
    return true;
}

static bool read_tokens(struct loader *x)
{
    uint64_t at    = x->sections[SEC_TOKENS].start;
    struct cursor c = section(x, SEC_TOKENS);
    uint64_t count = cur_u64le(&c), plain = cur_u64le(&c);
    uint8_t *unpacked = NULL;
    const char *text;
    if (x->c->version >= VERSION(0, 4, 0)) {
        uint64_t packed    = cur_u64le(&c);
        const uint8_t *src = cur_take(&c, (size_t)packed);
        if (c.bad || plain > packed * x->c->limits.max_inflate_ratio + 64)
            return damaged(x, at, "the tokens are cut off or inflate beyond max_inflate_ratio");
        unpacked = malloc((size_t)plain + 1);
        if (!unpacked)
            return nomem(x);
        if (lz4_decode_chunks(src, (size_t)packed, unpacked, (size_t)plain) != plain) {
            free(unpacked);
            return damaged(x, at, "the tokens do not decompress");
        }
        text = (const char *)unpacked;
    } else {
        text = (const char *)cur_take(&c, (size_t)plain);
        if (c.bad)
            return damaged(x, at, "the tokens are cut off");
    }
    bool ok       = (count <= plain && count < 1u << 30) || damaged(x, at, "there are more tokens than bytes of text");
    x->c->tokens  = ok ? table(x, count, plain, 1, sizeof(*x->c->tokens), "there are more tokens than bytes of text") : NULL;
    ok            = x->c->tokens != NULL;
    const char *p = text, *end = text + plain;
    for (uint64_t i = 0; ok && i < count; i++) {
        const char *nul = memchr(p, 0, (size_t)(end - p));
        if (!nul) {
            ok = damaged(x, at, "the last token does not end");
            break;
        }
        x->c->tokens[i] = tok_make(p, (size_t)(nul - p));
        p               = nul + 1;
    }
    x->c->token_count = ok ? (size_t)count : 0;
    free(unpacked);
    return ok;
}

static bool read_strings(struct loader *x)
{
    if (!x->sections[SEC_STRINGS].size)
        return true;
    struct cursor c = section(x, SEC_STRINGS);
    uint64_t count  = cur_u64le(&c);
    if (c.bad || count > cur_left(&c) / 4)
        return damaged(x, x->sections[SEC_STRINGS].start, "the strings are cut off");
    x->c->strings = malloc((size_t)count * 4 + 4);
    if (!x->c->strings)
        return nomem(x);
    for (uint64_t i = 0; i < count; i++)
        x->c->strings[i] = cur_u32le(&c);
    x->c->string_count = (size_t)count;
    return true;
}

#define INTS_PER_BYTE 1100 // 4 values per byte of code, 255 bytes of code per compressed byte

static bool read_fields(struct loader *x)
{
    uint64_t at     = x->sections[SEC_FIELDS].start;
    struct cursor c = section(x, SEC_FIELDS);
    uint64_t count  = cur_u64le(&c);
    if (c.bad)
        return damaged(x, at, "the fields are cut off");
    x->field_names = table(x, count, cur_left(&c), INTS_PER_BYTE, 4, "there are more fields than the section can hold");
    x->field_reps  = x->field_names ? table(x, count, cur_left(&c), INTS_PER_BYTE, 8, "too many fields") : NULL;
    if (!x->field_reps)
        return false;
    x->field_count = (size_t)count;
    if (x->c->version < VERSION(0, 4, 0)) {
        if (count > cur_left(&c) / 16)
            return damaged(x, at, "the fields are cut off");
        for (uint64_t i = 0; i < count; i++) {
            cur_skip(&c, 4);
            x->field_names[i] = cur_u32le(&c);
            x->field_reps[i]  = cur_u64le(&c);
        }
        return true;
    }
    if (!crate_ints32_at(x->c, &c, (size_t)count, x->field_names))
        return damaged(x, at, "the names of the fields do not decompress");
    uint64_t packed    = cur_u64le(&c);
    const uint8_t *src = cur_take(&c, (size_t)packed);
    if (c.bad || lz4_decode_chunks(src, (size_t)packed, (uint8_t *)x->field_reps, (size_t)count * 8) != count * 8)
        return damaged(x, at, "the values of the fields do not decompress");
    return true;
}

static bool read_sets(struct loader *x)
{
    uint64_t at     = x->sections[SEC_FIELDSETS].start;
    struct cursor c = section(x, SEC_FIELDSETS);
    uint64_t count  = cur_u64le(&c);
    x->sets         = c.bad ? NULL : table(x, count, cur_left(&c), INTS_PER_BYTE, 4, "there are more field sets than the section can hold");
    if (!x->sets)
        return damaged(x, at, "the field sets are cut off");
    x->set_count = (size_t)count;
    if (x->c->version >= VERSION(0, 4, 0)) {
        if (!crate_ints32_at(x->c, &c, (size_t)count, x->sets))
            return damaged(x, at, "the field sets do not decompress");
    } else {
        for (uint64_t i = 0; i < count; i++)
            x->sets[i] = cur_u32le(&c);
        if (c.bad)
            return damaged(x, at, "the field sets are cut off");
    }
    x->sets[count] = UINT32_MAX; // ends a set that does not end itself
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Paths: a tree in depth-first order

static bool add_path(struct loader *x, uint32_t index, uint32_t parent, uint32_t token, bool is_property)
{
    if (index >= x->c->path_count || x->c->paths[index].defined || x->order_count >= x->c->path_count)
        return damaged(x, x->sections[SEC_PATHS].start, "a path index is out of range or used twice");
    if (token >= x->c->token_count && parent != NO_PATH)
        return damaged(x, x->sections[SEC_PATHS].start, "a path names a token that does not exist");
    x->c->paths[index]               = (struct path_entry) { parent, token, is_property, 1 };
    x->order[x->order_count++] = index;
    return true;
}

static bool walk_compressed(struct loader *x, const uint32_t *index, const int32_t *token, const int32_t *jump, size_t n)
{
    // Pending siblings: where they are in the arrays, and their parent.
    struct pending {
        uint32_t at, parent;
    } stack[PATH_DEPTH];
    size_t depth   = 0;
    uint32_t at    = 0, parent = NO_PATH;
    bool first     = true;
    for (size_t steps = 0; n; steps++) {
        if (at >= n || steps > n)
            return damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is damaged");
        uint32_t tok = token[at] < 0 ? 0u - (uint32_t)token[at] : (uint32_t)token[at];
        if (!add_path(x, index[at], first ? NO_PATH : parent, first ? 0 : tok, !first && token[at] < 0))
            return false;
        int32_t j        = jump[at];
        bool has_child   = j > 0 || j == -1, has_sibling = j >= 0;
        if (first)
            parent = index[at];
        if (has_child) {
            if (has_sibling && !first) {
                if (depth == PATH_DEPTH || (uint32_t)j > n - at)
                    return damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is too deep or damaged");
                stack[depth++] = (struct pending) { at + (uint32_t)j, parent };
            }
            parent = index[at];
            at++;
        } else if (has_sibling) {
            at++;
        } else if (depth) {
            depth--;
            at     = stack[depth].at;
            parent = stack[depth].parent;
        } else {
            break;
        }
        first = false;
    }
    return true;
}

static bool walk_plain(struct loader *x, struct cursor c)
{
    bool oldest = x->c->version == VERSION(0, 0, 1);
    struct pending {
        uint64_t offset;
        uint32_t parent;
    } stack[PATH_DEPTH];
    size_t depth    = 0;
    uint32_t parent = NO_PATH;
    bool first      = true;
    for (size_t steps = 0; steps <= x->c->path_count; steps++) {
        if (oldest)
            cur_skip(&c, 4);
        uint32_t index = cur_u32le(&c), token = cur_u32le(&c);
        uint8_t bits = cur_u8(&c);
        cur_skip(&c, 3);
        if (c.bad)
            return damaged(x, x->sections[SEC_PATHS].start, "the paths are cut off");
        if (!add_path(x, index, first ? NO_PATH : parent, first ? 0 : token, !first && bits & 4))
            return false;
        if (first)
            parent = index;
        bool has_child = bits & 1, has_sibling = bits & 2;
        if (has_child) {
            if (has_sibling) {
                uint64_t offset = cur_u64le(&c);
                if (depth == PATH_DEPTH)
                    return damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is too deep");
                stack[depth++] = (struct pending) { offset, parent };
            }
            parent = index;
        } else if (!has_sibling) {
            if (!depth)
                return true;
            depth--;
            c      = crate_at(x->c, stack[depth].offset);
            parent = stack[depth].parent;
        }
        first = false;
    }
    return damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is damaged");
}

static bool read_paths(struct loader *x)
{
    uint64_t at     = x->sections[SEC_PATHS].start;
    struct cursor c = section(x, SEC_PATHS);
    uint64_t count  = cur_u64le(&c);
    if (c.bad)
        return damaged(x, at, "the paths are cut off");
    size_t left = cur_left(&c);
    x->c->paths = table(x, count, left, INTS_PER_BYTE, sizeof(*x->c->paths), "there are more paths than the section can hold");
    x->order    = x->c->paths ? table(x, count, left, INTS_PER_BYTE, 4, "too many paths") : NULL;
    x->c->path_texts = x->order ? table(x, count, left, INTS_PER_BYTE, sizeof(usd_tok), "too many paths") : NULL;
    if (!x->c->path_texts)
        return false;
    x->c->path_count = (size_t)count;
    if (!count)
        return true;
    if (x->c->version < VERSION(0, 4, 0))
        return walk_plain(x, c);
    uint64_t n      = cur_u64le(&c);
    if (c.bad || n > count)
        return damaged(x, at, "the number of encoded paths is wrong");
    uint32_t *index = table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many paths");
    uint32_t *token = index ? table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many paths") : NULL;
    uint32_t *jump  = token ? table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many paths") : NULL;
    bool ok         = jump != NULL;
    if (ok && !(crate_ints32_at(x->c, &c, (size_t)n, index) && crate_ints32_at(x->c, &c, (size_t)n, token)
                && crate_ints32_at(x->c, &c, (size_t)n, jump)))
        ok = damaged(x, at, "the paths do not decompress");
    ok = ok && walk_compressed(x, index, (int32_t *)token, (int32_t *)jump, (size_t)n);
    free(index);
    free(token);
    free(jump);
    return ok;
}

// Only the paths that something refers to are ever written out: targets, arcs to other prims, relocations.
usd_tok crate_path(struct crate *c, uint32_t index)
{
    if (index >= c->path_count || !c->paths[index].defined)
        return 0;
    if (c->path_texts[index])
        return c->path_texts[index];
    size_t size = 0, depth = 0;
    for (const struct path_entry *e = &c->paths[index]; e->parent != NO_PATH; e = &c->paths[e->parent]) {
        size += tok_size(crate_token(c, e->token)) + 1;
        if (size > LIMIT_PATH_BYTES || ++depth > PATH_DEPTH)
            return 0;
    }
    char small[512], *text = size < sizeof(small) ? small : malloc(size + 1);
    if (!text || (c->path_bytes += size) > c->limits.max_layer_bytes) {
        if (text != small)
            free(text);
        return 0;
    }
    size_t at = size + 1; // written from the end
    for (const struct path_entry *e = &c->paths[index]; e->parent != NO_PATH; e = &c->paths[e->parent]) {
        usd_tok element  = crate_token(c, e->token);
        const char *name = tok_text(element);
        if (*name == '{') // a variant: same path as its owner
            continue;
        memcpy(text + (at -= tok_size(element)), name, tok_size(element));
        if (*name != '[')
            text[--at] = e->is_property ? '.' : '/';
    }
    if (at == size + 1)
        text[--at] = '/';
    usd_tok tok = c->path_texts[index] = tok_make(text + at, size + 1 - at);
    if (text != small)
        free(text);
    return tok;
}

static bool read_specs(struct loader *x)
{
    uint64_t at     = x->sections[SEC_SPECS].start;
    struct cursor c = section(x, SEC_SPECS);
    uint64_t n      = cur_u64le(&c);
    if (c.bad)
        return damaged(x, at, "the specs are cut off");
    x->spec_paths = table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "there are more specs than the section can hold");
    x->spec_sets  = x->spec_paths ? table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many specs") : NULL;
    x->spec_types = x->spec_sets ? table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many specs") : NULL;
    if (!x->spec_types)
        return false;
    x->spec_count = (size_t)n;
    if (x->c->version >= VERSION(0, 4, 0)) {
        if (crate_ints32_at(x->c, &c, (size_t)n, x->spec_paths) && crate_ints32_at(x->c, &c, (size_t)n, x->spec_sets)
            && crate_ints32_at(x->c, &c, (size_t)n, x->spec_types))
            return true;
        return damaged(x, at, "the specs do not decompress");
    }
    for (uint64_t i = 0; i < n; i++) {
        if (x->c->version == VERSION(0, 0, 1))
            cur_skip(&c, 4);
        x->spec_paths[i] = cur_u32le(&c);
        x->spec_sets[i]  = cur_u32le(&c);
        x->spec_types[i] = cur_u32le(&c);
    }
    return !c.bad || damaged(x, at, "the specs are cut off");
}

// ---------------------------------------------------------------------------------------------------------------
// Specs of the layer

struct set_info {
    uint64_t children, properties; // value representations of the token vectors that order them, 0 = none
    usd_tok type_name;
    uint32_t first_field;
    uint16_t field_count;
    uint8_t specifier : 2, variability : 2, custom : 1;
};

struct build {
    struct path_spec {
        uint32_t set, type; // type 0: no spec
    } *spec_at;          // by path index
    uint32_t *prim_of;   // path index -> prim spec + 1
    uint32_t *next_prop; // path index -> next property of the same prim, + 1
    // By prim spec:
    uint32_t *path_of;
    uint32_t *first_prop, *last_prop; // path index + 1
    uint32_t *last_child;
    uint32_t *slot; // scratch by token index
    size_t prim_room;
    uint32_t *set_known; // where a field set begins -> its set_info + 1: specs that say the same share their fields
    struct {
        ARRAY_OF(struct set_info);
    } set_infos;
    struct {
        ARRAY_OF(uint32_t);
    } kids, sorted;
};

// Names of children or properties in their order, read straight from the file.
static struct cursor token_list(struct loader *x, uint64_t rep, uint64_t *count)
{
    *count = 0;
    if (!rep)
        return cur_make("", 0);
    struct cursor c = crate_at(x->c, REP_PAYLOAD(rep));
    uint64_t n      = cur_u64le(&c);
    if (c.bad || n > cur_left(&c) / 4)
        return cur_make("", 0);
    *count = n;
    return c;
}

/*
 * b->kids as the file's list orders them, into b->sorted; what the list does not name follows. `token_of` gives the
 * element's token index of a kid.
 */
static bool sort_kids(struct loader *x, struct build *b, uint64_t list, uint32_t (*token_of)(struct loader *, struct build *, uint32_t))
{
    array_clear(&b->sorted);
    uint64_t n;
    struct cursor c = token_list(x, list, &n);
    if (!n)
        return array_append(&b->sorted, b->kids.items, b->kids.count);
    for (size_t i = 0; i < b->kids.count; i++)
        b->slot[token_of(x, b, b->kids.items[i])] = (uint32_t)i + 1;
    bool ok = true;
    for (uint64_t i = 0; i < n && ok; i++) {
        uint32_t t = cur_u32le(&c);
        if (t >= x->c->token_count || !b->slot[t])
            continue;
        ok         = array_push(&b->sorted, b->kids.items[b->slot[t] - 1]);
        b->slot[t] = 0;
    }
    for (size_t i = 0; i < b->kids.count && ok; i++) {
        uint32_t t = token_of(x, b, b->kids.items[i]);
        if (b->slot[t])
            ok = array_push(&b->sorted, b->kids.items[i]);
        b->slot[t] = 0;
    }
    return ok;
}

static uint32_t prim_token(struct loader *x, struct build *b, uint32_t prim) { return x->c->paths[b->path_of[prim]].token; }
static uint32_t prop_token(struct loader *x, struct build *b, uint32_t path) { return x->c->paths[path].token; }

static bool order_children(struct loader *x, struct build *b, uint32_t prim, uint64_t list)
{
    struct prim_spec *s = x->l->prims.items;
    if (s[prim].kind == SPEC_VARIANT_SET || !s[prim].first_child || !s[s[prim].first_child].next_sibling)
        return true;
    array_clear(&b->kids);
    for (uint32_t k = s[prim].first_child; k; k = s[k].next_sibling)
        if (!array_push(&b->kids, k))
            return nomem(x);
    if (!sort_kids(x, b, list, prim_token))
        return nomem(x);
    s[prim].first_child = b->sorted.items[0];
    for (size_t i = 0; i < b->sorted.count; i++)
        s[b->sorted.items[i]].next_sibling = i + 1 < b->sorted.count ? b->sorted.items[i + 1] : 0;
    return true;
}

static uint32_t new_prim(struct loader *x, struct build *b, const struct prim_spec *s, uint32_t path)
{
    struct layer *l = x->l;
    uint32_t at     = (uint32_t)l->prims.count;
    if (at >= b->prim_room || !array_push(&l->prims, *s)) {
        nomem(x);
        return 0;
    }
    b->path_of[at]           = path;
    struct prim_spec *parent = &l->prims.items[s->parent];
    if (s->kind == SPEC_VARIANT_SET) {
        l->prims.items[at].next_sibling = parent->first_variant_set;
        parent->first_variant_set       = at;
    } else if (b->last_child[s->parent]) {
        l->prims.items[b->last_child[s->parent]].next_sibling = at;
        b->last_child[s->parent]                              = at;
    } else {
        parent->first_child      = at;
        b->last_child[s->parent] = at;
    }
    return at;
}

static uint32_t variant_set(struct loader *x, struct build *b, uint32_t owner, usd_tok name, uint32_t path)
{
    struct layer *l = x->l;
    for (uint32_t v = l->prims.items[owner].first_variant_set; v; v = l->prims.items[v].next_sibling)
        if (l->prims.items[v].name == name)
            return v;
    struct prim_spec s = { .name = name, .parent = owner, .kind = SPEC_VARIANT_SET, .specifier = USD_OVER };
    return new_prim(x, b, &s, path);
}

// "{set=selection}": the spec of the variant, or of the set when there is no selection.
static bool add_variant(struct loader *x, struct build *b, uint32_t owner, uint32_t path)
{
    const char *text  = tok_text(crate_token(x->c, x->c->paths[path].token));
    const char *equal = strchr(text, '='), *close = strrchr(text, '}');
    if (*text != '{' || !equal || !close || close < equal)
        return true; // not a variant after all
    uint32_t set = variant_set(x, b, owner, tok_make(text + 1, (size_t)(equal - text - 1)), path);
    if (!set)
        return false;
    if (close == equal + 1)
        return true;
    struct prim_spec s = { .name = tok_make(equal + 1, (size_t)(close - equal - 1)), .parent = set, .kind = SPEC_VARIANT, .specifier = USD_OVER };
    uint32_t at        = new_prim(x, b, &s, path);
    b->prim_of[path]   = at + 1;
    return at != 0;
}

static bool add_spec(struct loader *x, struct build *b, uint32_t path)
{
    uint32_t type = b->spec_at[path].type;
    if (!type)
        return true;
    const struct path_entry *e = &x->c->paths[path];
    if (type == ST_PSEUDO_ROOT || e->parent == NO_PATH) {
        b->prim_of[path] = 1;
        b->path_of[0]    = path;
        return true;
    }
    uint32_t owner = b->prim_of[e->parent];
    if (!owner)
        return true; // below something that has no spec itself
    owner--;
    if ((type == ST_PRIM || type == ST_ATTRIBUTE || type == ST_RELATIONSHIP) && !tok_size(crate_token(x->c, e->token)))
        return true; // nameless: nobody could refer to it
    if (type == ST_PRIM) {
        struct prim_spec s = { .name = crate_token(x->c, e->token), .parent = owner, .specifier = USD_OVER, .flags = SPEC_SPECIFIER_SET };
        uint32_t at        = new_prim(x, b, &s, path);
        b->prim_of[path]   = at + 1;
        return at != 0;
    }
    if (type == ST_VARIANT || type == ST_VARIANT_SET)
        return add_variant(x, b, owner, path);
    if (type == ST_ATTRIBUTE || type == ST_RELATIONSHIP) {
        if (b->last_prop[owner])
            b->next_prop[b->last_prop[owner] - 1] = path + 1;
        else
            b->first_prop[owner] = path + 1;
        b->last_prop[owner] = path + 1;
    }
    return true;
}

// Fields that the specs themselves hold, or that only order what the tree holds.
static bool is_structural(usd_tok name)
{
    switch (name) {
    case T_primChildren:
    case T_properties:
    case T_variantChildren:
    case T_variantSetChildren:
    case T_connectionChildren:
    case T_targetChildren:
    case T_specifier:
    case T_typeName:
    case T_variability:
    case T_custom:
    case T_subLayerOffsets: return true;
    default: return false;
    }
}

static bool decode_set(struct loader *x, uint32_t start, struct set_info *info)
{
    struct layer *l = x->l;
    *info           = (struct set_info) { .specifier = USD_OVER, .first_field = (uint32_t)l->fields.count };
    for (size_t i = start; i < x->set_count && x->sets[i] != UINT32_MAX; i++) {
        uint32_t f = x->sets[i];
        if (f >= x->field_count)
            return damaged(x, x->sections[SEC_FIELDSETS].start, "a field index is out of range");
        usd_tok name  = crate_token(x->c, x->field_names[f]);
        uint64_t rep  = x->field_reps[f];
        uint64_t load = REP_PAYLOAD(rep);
        if (name == T_typeName && REP_TYPE(rep) == CT_TOKEN)
            info->type_name = crate_token(x->c, load);
        else if (name == T_specifier && REP_TYPE(rep) == CT_SPECIFIER)
            info->specifier = load == 0 ? USD_DEF : load == 2 ? USD_CLASS : USD_OVER;
        else if (name == T_variability && REP_TYPE(rep) == CT_VARIABILITY)
            info->variability = load & 3;
        else if (name == T_custom && REP_TYPE(rep) == CT_BOOL)
            info->custom = load != 0;
        else if (name == T_primChildren && REP_TYPE(rep) == CT_TOKEN_VECTOR && !(rep & REP_INLINED))
            info->children = rep;
        else if (name == T_properties && REP_TYPE(rep) == CT_TOKEN_VECTOR && !(rep & REP_INLINED))
            info->properties = rep;
        if (is_structural(name) || info->field_count == LIMIT_SPEC_FIELDS)
            continue;
        struct field field;
        if (!crate_field(l, x->c, name, rep, &field, 0))
            continue;
        if (l->fields.count >= UINT32_MAX || !array_push(&l->fields, field))
            return nomem(x);
        info->field_count++;
    }
    return true;
}

static bool read_set(struct loader *x, struct build *b, uint32_t start, const struct set_info **out)
{
    static const struct set_info none = { .specifier = USD_OVER };
    *out                              = &none;
    if (start >= x->set_count)
        return true;
    if (!b->set_known[start]) {
        struct set_info info;
        if (!decode_set(x, start, &info) || !array_push(&b->set_infos, info))
            return nomem(x);
        b->set_known[start] = (uint32_t)b->set_infos.count;
    }
    *out = &b->set_infos.items[b->set_known[start] - 1];
    return true;
}

// All of them in the order of the file, where neighbours use neighbouring fields and values.
static bool read_all_sets(struct loader *x, struct build *b)
{
    uint32_t start = 0;
    const struct set_info *info;
    for (uint32_t i = 0; i < x->set_count; i++)
        if (x->sets[i] == UINT32_MAX) {
            if (!read_set(x, b, start, &info))
                return false;
            start = i + 1;
        }
    return true;
}

static bool add_properties(struct loader *x, struct build *b, uint32_t prim, uint64_t list)
{
    struct layer *l     = x->l;
    struct prim_spec *s = &l->prims.items[prim];
    s->first_prop       = (uint32_t)l->props.count;
    array_clear(&b->kids);
    for (uint32_t at = b->first_prop[prim]; at; at = b->next_prop[at - 1])
        if (!array_push(&b->kids, at - 1))
            return nomem(x);
    if (!b->kids.count)
        return true;
    if (!sort_kids(x, b, list, prop_token))
        return nomem(x);
    for (size_t i = 0; i < b->sorted.count; i++) {
        uint32_t path = b->sorted.items[i], type = b->spec_at[path].type;
        const struct set_info *info;
        if (!read_set(x, b, b->spec_at[path].set, &info))
            return false;
        struct prop_spec p = { .name = crate_token(x->c, x->c->paths[path].token), .type_name = info->type_name,
                               .first_field = info->first_field, .field_count = info->field_count };
        p.flags = (uint8_t)((info->custom ? PROP_CUSTOM : 0) | (info->variability == 1 ? PROP_UNIFORM : 0));
        if (type == ST_RELATIONSHIP) {
            p.flags     = (uint8_t)((p.flags & ~PROP_UNIFORM) | PROP_RELATIONSHIP);
            p.type_name = 0;
        }
        if (!array_push(&l->props, p))
            return nomem(x);
    }
    l->prims.items[prim].prop_count = (uint32_t)b->sorted.count;
    return true;
}

static bool build_specs(struct loader *x, struct build *b)
{
    struct layer *l = x->l;
    for (size_t i = 0; i < x->spec_count; i++) {
        if (x->spec_paths[i] >= x->c->path_count)
            return damaged(x, x->sections[SEC_SPECS].start, "a spec has a path index out of range");
        b->spec_at[x->spec_paths[i]] = (struct path_spec) { x->spec_sets[i], x->spec_types[i] };
    }
    if (!read_all_sets(x, b))
        return false;
    for (size_t i = 0; i < x->order_count; i++)
        if (!add_spec(x, b, x->order[i]))
            return false;
    for (uint32_t p = 0; p < l->prims.count; p++) {
        struct prim_spec *s = &l->prims.items[p];
        struct path_spec spec = b->spec_at[b->path_of[p]];
        const struct set_info *info;
        if (!spec.type || s->kind == SPEC_VARIANT_SET)
            continue;
        if (!read_set(x, b, spec.set, &info))
            return false;
        if (s->kind == SPEC_PRIM && p)
            s->specifier = info->specifier;
        s->type_name   = s->kind == SPEC_PRIM ? info->type_name : 0;
        s->first_field = info->first_field;
        s->field_count = info->field_count;
        uint64_t properties = info->properties; // the list of infos may move
        if (!order_children(x, b, p, info->children) || !add_properties(x, b, p, properties))
            return false;
    }
    return true;
}

static uint32_t *zeros(size_t n)
{
    uint32_t *p = calloc(n, sizeof(*p));
    if (p)
        pages_expect(p, n * sizeof(*p));
    return p;
}

static bool make_specs(struct loader *x)
{
    size_t paths = x->c->path_count + 1, prims = 2, props = 0;
    for (size_t i = 0; i < x->spec_count; i++) {
        unsigned type = x->spec_types[i];
        props += type == ST_ATTRIBUTE || type == ST_RELATIONSHIP;
        prims += type == ST_PRIM ? 1 : type == ST_VARIANT || type == ST_VARIANT_SET ? 2 : 0; // a variant may bring its set
    }
    struct build b  = { .prim_room = prims };
    struct layer *l = x->l;
    bool ok = (b.spec_at = (struct path_spec *)(void *)zeros(paths * 2)) && (b.prim_of = zeros(paths)) && (b.next_prop = zeros(paths)) && (b.path_of = zeros(prims))
              && (b.first_prop = zeros(prims)) && (b.last_prop = zeros(prims)) && (b.last_child = zeros(prims))
              && (b.slot = zeros(x->c->token_count + 1)) && (b.set_known = zeros(x->set_count + 1))
              && array_reserve(&l->prims, prims) && array_reserve(&l->props, props + 1)
              && array_reserve(&l->fields, x->set_count < 1u << 20 ? x->set_count + 1 : 1u << 20);
    if (ok) {
        pages_expect(l->prims.items, prims * sizeof(*l->prims.items));
        pages_expect(l->props.items, props * sizeof(*l->props.items));
    }
    ok      = ok ? build_specs(x, &b) : nomem(x);
    free(b.spec_at);
    free(b.prim_of);
    free(b.next_prop);
    free(b.path_of);
    free(b.first_prop);
    free(b.last_prop);
    free(b.last_child);
    free(b.slot);
    free(b.set_known);
    array_free(&b.set_infos);
    array_free(&b.kids);
    array_free(&b.sorted);
    return ok;
}

// Layer offsets stand in a list of their own, beside the sublayers.
static void attach_offsets(struct loader *x)
{
    struct layer *l       = x->l;
    const struct field *f = spec_field(l, &l->prims.items[0], T_subLayers);
    if (!f || f->type != VT_SUBLAYERS || !x->spec_count)
        return;
    struct arc_ref *subs = (struct arc_ref *)field_ptr(f);
    for (size_t k = 0; k < x->spec_count; k++) {
        if (x->spec_types[k] != ST_PSEUDO_ROOT)
            continue;
        for (size_t i = x->spec_sets[k]; i < x->set_count && x->sets[i] != UINT32_MAX; i++) {
            uint32_t n = x->sets[i];
            if (n >= x->field_count || crate_token(x->c, x->field_names[n]) != T_subLayerOffsets
                || REP_TYPE(x->field_reps[n]) != CT_LAYER_OFFSET_VECTOR)
                continue;
            struct cursor c = crate_at(x->c, REP_PAYLOAD(x->field_reps[n]));
            uint64_t count  = cur_u64le(&c);
            for (uint64_t s = 0; s < count && s < f->count; s++) {
                uint64_t offset = cur_u64le(&c), scale = cur_u64le(&c);
                if (c.bad)
                    break;
                memcpy(&subs[s].offset, &offset, 8);
                memcpy(&subs[s].scale, &scale, 8);
            }
        }
        return;
    }
}

int crate_load(struct layer *l, const uint8_t *data, size_t size, struct file_bytes *owner, const struct usd_limits *limits,
               struct usd_error *err)
{
    struct usd_error local;
    struct crate *c = calloc(1, sizeof(*c));
    if (!c) {
        error_set(err, USD_ERR_NOMEM, l->identifier, "%s: out of memory", l->identifier);
        return USD_ERR_NOMEM;
    }
    l->crate  = c;
    c->data   = data;
    c->size   = size;
    c->limits = *limits;
    pthread_mutex_init(&c->lock, NULL);
    arena_init(&c->arena, limits->max_layer_bytes);
    memset(&local, 0, sizeof(local));
    struct loader x = { .l = l, .c = c, .err = &local };
    bool ok = read_contents(&x) && read_tokens(&x) && read_strings(&x) && read_fields(&x) && read_sets(&x) && read_paths(&x)
              && read_specs(&x) && make_specs(&x);
    if (ok)
        attach_offsets(&x);
    free(x.field_names);
    free(x.field_reps);
    free(x.sets);
    free(x.order);
    free(x.spec_paths);
    free(x.spec_sets);
    free(x.spec_types);
    free(c->paths);
    free(c->path_texts);
    c->paths      = NULL;
    c->path_texts = NULL;
    c->path_count = 0;
    if (!ok) {
        if (!local.code)
            error_set(&local, USD_ERR_FORMAT, l->identifier, "%s: the crate is damaged", l->identifier);
        if (err)
            *err = local;
        return local.code;
    }
    c->owner = *owner; // from here on the layer keeps the bytes
    *owner   = (struct file_bytes) { .stamp = owner->stamp };
    return USD_OK;
}

void crate_close(struct crate *c)
{
    if (!c)
        return;
    file_unmap(&c->owner);
    free(c->tokens);
    free(c->strings);
    hash_map_finish(&c->samples);
    arena_finish(&c->arena);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
