// Tables of a crate file: tokens, strings, paths, fields, field sets, specs; from them the layer's specs.
#include "crate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crate_private.h"
#include "lz4.h"
#include "pages.h"
#include "thread.h"

#define NEWEST VERSION(0, 15, 255)
#define PATH_DEPTH 4096
#define PARALLEL_FROM (256u << 10) // bytes of tables that two threads share
#define VALUES_BASE (64ull << 20)  // bytes that values of any file may take beyond max_inflate_ratio

static const char *const section_names[SEC_COUNT] = { "TOKENS", "STRINGS", "FIELDS", "FIELDSETS", "PATHS", "SPECS" };

bool crate_looks_like(const void *data, size_t size) { return size >= 8 && !memcmp(data, "PXR-USDC", 8); }

bool crate_damaged(struct loader *x, uint64_t offset, const char *what)
{
    pthread_mutex_lock(&x->c->lock); // two threads load
    if (x->err && !x->err->code) {
        error_set(x->err, USD_ERR_FORMAT, x->l->identifier, "%s: offset %llu: %s", x->l->identifier, (unsigned long long)offset, what);
        x->err->offset = offset;
    }
    pthread_mutex_unlock(&x->c->lock);
    return false;
}

bool crate_nomem(struct loader *x)
{
    pthread_mutex_lock(&x->c->lock);
    if (x->err && !x->err->code)
        error_set(x->err, USD_ERR_NOMEM, x->l->identifier, "%s: out of memory", x->l->identifier);
    pthread_mutex_unlock(&x->c->lock);
    return false;
}

// Room for n items, when n is something `bytes` of compressed data could hold (each byte at most `per_byte` items).
static void *table(struct loader *x, uint64_t n, uint64_t bytes, uint64_t per_byte, size_t size, const char *what)
{
    if (n > bytes * per_byte + 16 || n > UINT32_MAX) {
        crate_damaged(x, 0, what);
        return NULL;
    }
    if (n * size > x->l->max_bytes) {
        pthread_mutex_lock(&x->c->lock);
        if (x->err && !x->err->code)
            error_set(x->err, USD_ERR_LIMIT, x->l->identifier, "%s: a table needs more than max_layer_bytes", x->l->identifier);
        pthread_mutex_unlock(&x->c->lock);
        return NULL;
    }
    void *p = calloc((size_t)n + 1, size);
    if (!p)
        crate_nomem(x);
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
        return crate_damaged(x, 0, "the header is cut off");
    x->c->version = VERSION(major, minor, patch);
    if (x->c->version > NEWEST || major) {
        char text[96];
        snprintf(text, sizeof(text), "crate version %u.%u.%u is newer than this library reads (0.15)", major, minor, patch);
        if (x->err)
            error_set(x->err, USD_ERR_UNSUPPORTED, x->l->identifier, "%s: %s", x->l->identifier, text);
        return false;
    }
    c              = crate_at(x->c, toc);
    uint64_t count = cur_u64le(&c);
    if (c.bad || count > 64)
        return crate_damaged(x, toc, "the table of contents is damaged");
    bool found[SEC_COUNT] = { false };
    for (uint64_t i = 0; i < count; i++) {
        const char *name = (const char *)cur_take(&c, 16);
        uint64_t start = cur_u64le(&c), size = cur_u64le(&c);
        if (c.bad)
            return crate_damaged(x, toc, "the table of contents is cut off");
        for (int s = 0; s < SEC_COUNT; s++)
            if (!strncmp(name, section_names[s], 16)) {
                if (start > x->c->size || size > x->c->size - start)
                    return crate_damaged(x, toc, "a section lies outside of the file");
                x->sections[s] = (struct section) { start, size };
                found[s]       = true;
            }
    }
    for (int s = 0; s < SEC_COUNT; s++)
        if (!found[s] && s != SEC_STRINGS)
            return crate_damaged(x, toc, "a section is missing");
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
            return crate_damaged(x, at, "the tokens are cut off or inflate beyond max_inflate_ratio");
        unpacked = malloc((size_t)plain + 1);
        if (!unpacked)
            return crate_nomem(x);
        if (lz4_decode_chunks(src, (size_t)packed, unpacked, (size_t)plain) != plain) {
            free(unpacked);
            return crate_damaged(x, at, "the tokens do not decompress");
        }
        text = (const char *)unpacked;
    } else {
        text = (const char *)cur_take(&c, (size_t)plain);
        if (c.bad)
            return crate_damaged(x, at, "the tokens are cut off");
    }
    bool ok       = (count <= plain && count < 1u << 30) || crate_damaged(x, at, "there are more tokens than bytes of text");
    x->c->tokens  = ok ? table(x, count, plain, 1, sizeof(*x->c->tokens), "there are more tokens than bytes of text") : NULL;
    ok            = x->c->tokens != NULL;
    const char *p = text, *end = text + plain;
    for (uint64_t i = 0; ok && i < count; i++) {
        const char *nul = memchr(p, 0, (size_t)(end - p));
        if (!nul) {
            ok = crate_damaged(x, at, "the last token does not end");
            break;
        }
        x->c->tokens[i] = tok_make(p, (size_t)(nul - p));
        p               = nul + 1;
    }
    x->c->token_count = ok ? (size_t)count : 0;
    free(unpacked);
    return ok;
}

// Siblings are told apart by the index of their name.
static bool find_same_tokens(struct loader *x)
{
    const struct crate *c = x->c;
    usd_tok top           = 0;
    bool twice            = false;
    for (size_t i = 0; i < c->token_count; i++)
        top = c->tokens[i] > top ? c->tokens[i] : top;
    uint8_t *seen = calloc(top / 8 + 1, 1);
    if (!seen)
        return crate_nomem(x);
    for (size_t i = 0; i < c->token_count && !twice; i++) {
        usd_tok t = c->tokens[i];
        twice     = seen[t / 8] >> t % 8 & 1;
        seen[t / 8] |= (uint8_t)(1u << t % 8);
    }
    free(seen);
    if (!twice)
        return true;
    struct hash_map first = { 0 };
    x->first_same         = malloc((c->token_count + 1) * sizeof(*x->first_same));
    bool ok               = x->first_same != NULL;
    for (size_t i = 0; ok && i < c->token_count; i++) {
        uint64_t *at     = hash_map_get(&first, c->tokens[i] + 1ull);
        x->first_same[i] = at ? (uint32_t)*at : (uint32_t)i;
        ok               = at || hash_map_put(&first, c->tokens[i] + 1ull, i);
    }
    hash_map_finish(&first);
    return ok || crate_nomem(x);
}

static bool read_strings(struct loader *x)
{
    if (!x->sections[SEC_STRINGS].size)
        return true;
    struct cursor c = section(x, SEC_STRINGS);
    uint64_t count  = cur_u64le(&c);
    if (c.bad || count > cur_left(&c) / 4)
        return crate_damaged(x, x->sections[SEC_STRINGS].start, "the strings are cut off");
    x->c->strings = malloc((size_t)count * 4 + 4);
    if (!x->c->strings)
        return crate_nomem(x);
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
        return crate_damaged(x, at, "the fields are cut off");
    x->field_names = table(x, count, cur_left(&c), INTS_PER_BYTE, 4, "there are more fields than the section can hold");
    x->field_reps  = x->field_names ? table(x, count, cur_left(&c), INTS_PER_BYTE, 8, "too many fields") : NULL;
    if (!x->field_reps)
        return false;
    x->field_count = (size_t)count;
    if (x->c->version < VERSION(0, 4, 0)) {
        if (count > cur_left(&c) / 16)
            return crate_damaged(x, at, "the fields are cut off");
        for (uint64_t i = 0; i < count; i++) {
            cur_skip(&c, 4);
            x->field_names[i] = cur_u32le(&c);
            x->field_reps[i]  = cur_u64le(&c);
        }
        return true;
    }
    if (!crate_ints32_at(x->c, &c, (size_t)count, x->field_names))
        return crate_damaged(x, at, "the names of the fields do not decompress");
    uint64_t packed    = cur_u64le(&c);
    const uint8_t *src = cur_take(&c, (size_t)packed);
    if (c.bad || lz4_decode_chunks(src, (size_t)packed, (uint8_t *)x->field_reps, (size_t)count * 8) != count * 8)
        return crate_damaged(x, at, "the values of the fields do not decompress");
    return true;
}

static bool read_sets(struct loader *x)
{
    uint64_t at     = x->sections[SEC_FIELDSETS].start;
    struct cursor c = section(x, SEC_FIELDSETS);
    uint64_t count  = cur_u64le(&c);
    x->sets         = c.bad ? NULL : table(x, count, cur_left(&c), INTS_PER_BYTE, 4, "there are more field sets than the section can hold");
    if (!x->sets)
        return crate_damaged(x, at, "the field sets are cut off");
    x->set_count = (size_t)count;
    if (x->c->version >= VERSION(0, 4, 0)) {
        if (!crate_ints32_at(x->c, &c, (size_t)count, x->sets))
            return crate_damaged(x, at, "the field sets do not decompress");
    } else {
        for (uint64_t i = 0; i < count; i++)
            x->sets[i] = cur_u32le(&c);
        if (c.bad)
            return crate_damaged(x, at, "the field sets are cut off");
    }
    x->sets[count] = UINT32_MAX; // ends a set that does not end itself
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Paths: a tree in depth-first order

static bool add_path(struct loader *x, uint32_t index, uint32_t parent, uint32_t token, bool is_property)
{
    if (index >= x->c->path_count || x->c->paths[index].defined || x->order_count >= x->c->path_count)
        return crate_damaged(x, x->sections[SEC_PATHS].start, "a path index is out of range or used twice");
    if (token >= x->c->token_count && parent != NO_PATH)
        return crate_damaged(x, x->sections[SEC_PATHS].start, "a path names a token that does not exist");
    if (parent != NO_PATH)
        token = crate_first_token(x, token);
    x->c->paths[index]         = (struct path_entry) { parent, token, is_property, 1 };
    x->order[x->order_count++] = index;
    return true;
}

static bool too_deep(struct loader *x, unsigned level)
{
    if (level <= x->c->limits.max_nesting)
        return false;
    if (x->err && !x->err->code)
        error_set(x->err, USD_ERR_LIMIT, x->l->identifier, "%s: the paths are nested deeper than max_nesting (%u)", x->l->identifier,
                  x->c->limits.max_nesting);
    return true;
}

static bool walk_compressed(struct loader *x, const uint32_t *index, const int32_t *token, const int32_t *jump, size_t n)
{
    // Pending siblings: where they are in the arrays, and their parent.
    struct pending {
        uint32_t at, parent, level;
    } stack[PATH_DEPTH];
    unsigned level = 0;
    size_t depth   = 0;
    uint32_t at    = 0, parent = NO_PATH;
    bool first     = true;
    for (size_t steps = 0; n; steps++) {
        if (at >= n || steps > n)
            return crate_damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is damaged");
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
                    return crate_damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is too deep or damaged");
                stack[depth++] = (struct pending) { at + (uint32_t)j, parent, level };
            }
            if (too_deep(x, ++level))
                return false;
            parent = index[at];
            at++;
        } else if (has_sibling) {
            at++;
        } else if (depth) {
            depth--;
            at     = stack[depth].at;
            parent = stack[depth].parent;
            level  = stack[depth].level;
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
        uint32_t parent, level;
    } stack[PATH_DEPTH];
    unsigned level  = 0;
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
            return crate_damaged(x, x->sections[SEC_PATHS].start, "the paths are cut off");
        if (!add_path(x, index, first ? NO_PATH : parent, first ? 0 : token, !first && bits & 4))
            return false;
        if (first)
            parent = index;
        bool has_child = bits & 1, has_sibling = bits & 2;
        if (has_child) {
            if (has_sibling) {
                uint64_t offset = cur_u64le(&c);
                if (depth == PATH_DEPTH)
                    return crate_damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is too deep");
                stack[depth++] = (struct pending) { offset, parent, level };
            }
            if (too_deep(x, ++level))
                return false;
            parent = index;
        } else if (!has_sibling) {
            if (!depth)
                return true;
            depth--;
            c      = crate_at(x->c, stack[depth].offset);
            parent = stack[depth].parent;
            level  = stack[depth].level;
        }
        first = false;
    }
    return crate_damaged(x, x->sections[SEC_PATHS].start, "the tree of paths is damaged");
}

static bool read_paths(struct loader *x)
{
    uint64_t at     = x->sections[SEC_PATHS].start;
    struct cursor c = section(x, SEC_PATHS);
    uint64_t count  = cur_u64le(&c);
    if (c.bad)
        return crate_damaged(x, at, "the paths are cut off");
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
        return crate_damaged(x, at, "the number of encoded paths is wrong");
    uint32_t *index = table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many paths");
    uint32_t *token = index ? table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many paths") : NULL;
    uint32_t *jump  = token ? table(x, n, cur_left(&c), INTS_PER_BYTE, 4, "too many paths") : NULL;
    bool ok         = jump != NULL;
    if (ok && !(crate_ints32_at(x->c, &c, (size_t)n, index) && crate_ints32_at(x->c, &c, (size_t)n, token)
                && crate_ints32_at(x->c, &c, (size_t)n, jump)))
        ok = crate_damaged(x, at, "the paths do not decompress");
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
        if (size > c->limits.max_path_bytes || ++depth > PATH_DEPTH)
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
        return crate_damaged(x, at, "the specs are cut off");
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
        return crate_damaged(x, at, "the specs do not decompress");
    }
    for (uint64_t i = 0; i < n; i++) {
        if (x->c->version == VERSION(0, 0, 1))
            cur_skip(&c, 4);
        x->spec_paths[i] = cur_u32le(&c);
        x->spec_sets[i]  = cur_u32le(&c);
        x->spec_types[i] = cur_u32le(&c);
    }
    return !c.bad || crate_damaged(x, at, "the specs are cut off");
}

static bool read_tables(struct loader *x) { return read_fields(x) && read_sets(x) && read_specs(x); }

struct pair {
    bool (*half[2])(struct loader *x);
    struct loader *x;
    bool ok[2];
};

static void run_half(void *user, size_t i)
{
    struct pair *p = user;
    p->ok[i]       = p->half[i](p->x);
}

bool crate_pair(struct thread_pool *pool, bool (*a)(struct loader *), bool (*b)(struct loader *), struct loader *x)
{
    struct pair p = { { a, b }, x, { false, false } };
    thread_pool_for(pool, 2, run_half, &p);
    return p.ok[0] && p.ok[1];
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
    // A few bytes can say that a dictionary holds itself.
    uint64_t most = VALUES_BASE + (size > UINT64_MAX / 2 / limits->max_inflate_ratio ? UINT64_MAX / 2 : size * limits->max_inflate_ratio);
    if (most < l->arena.max_bytes)
        l->arena.max_bytes = (size_t)most;
    struct loader x = { .l = l, .c = c, .err = &local };
    uint64_t tables = 0;
    bool ok         = read_contents(&x);
    for (int i = 0; ok && i < SEC_COUNT; i++)
        tables += x.sections[i].size;
    // Small files are not worth a thread, and come in numbers that keep all cores busy.
    struct thread_pool *pool = tables >= PARALLEL_FROM && thread_cpu_count() > 1 ? thread_pool_create(1, "usd-crate") : NULL;
    ok = ok && read_tokens(&x) && find_same_tokens(&x) && read_strings(&x) && crate_pair(pool, read_tables, read_paths, &x) && crate_make_specs(&x, pool);
    thread_pool_destroy(&pool);
    if (ok)
        attach_offsets(&x);
    free(x.field_names);
    free(x.field_reps);
    free(x.sets);
    free(x.order);
    free(x.spec_paths);
    free(x.spec_sets);
    free(x.spec_types);
    free(x.first_same);
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

const struct file_bytes *crate_bytes(const struct crate *c) { return &c->owner; }

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

uint64_t crate_memory(const struct crate *c)
{
    return c ? sizeof(*c) + c->token_count * sizeof(*c->tokens) + c->string_count * sizeof(*c->strings) + c->arena.used : 0;
}
