// Tables of a layer, and the cache of layers the stages of the process share.
#include "layer.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "hash.h"
#include "crate.h"
#include "file.h"
#include "foreign.h"
#include "mtlx.h"
#include "pages.h"
#include "usda.h"

struct usd_limits limits_effective(const struct usd_limits *limits)
{
    struct usd_limits l = limits ? *limits : (struct usd_limits) { 0 };
#define DEFAULT(field, value) l.field = l.field ? l.field : (value);
    USD_LIMITS(DEFAULT)
#undef DEFAULT
    if (l.max_prim_sites > LIMIT_PRIM_SITES)
        l.max_prim_sites = LIMIT_PRIM_SITES;
    return l;
}

struct layer *layer_create(const char *identifier, const char *anchor, const struct usd_limits *limits)
{
    tok_ready();
    struct layer *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    pthread_mutex_init(&l->index_lock, NULL);
    l->identifier = strdup(identifier);
    l->anchor     = strdup(anchor);
    static atomic_uint ids;
    l->id = atomic_fetch_add(&ids, 1) + 1;
    atomic_init(&l->refs, 1);
    l->max_bytes = limits->max_layer_bytes;
    arena_init(&l->arena, l->max_bytes);
    l->arena.align = 8; // of a double, the largest there is
    struct prim_spec root = { .specifier = USD_DEF };
    // Empty tables exist too, so that an address of nothing is still an address.
    if (!l->identifier || !l->anchor || !array_push(&l->prims, root) || !array_reserve(&l->props, 1) || !array_reserve(&l->fields, 1)) {
        layer_release(l);
        return NULL;
    }
    return l;
}

static void layer_free(struct layer *l)
{
    crate_close(l->crate);
    for (size_t i = 0; i < l->blocks.count; i++)
        free(l->blocks.items[i]);
    for (size_t i = 0; i < l->warnings.count; i++)
        free(l->warnings.items[i]);
    array_free(&l->blocks);
    array_free(&l->warnings);
    array_free(&l->prims);
    array_free(&l->props);
    array_free(&l->fields);
    arena_finish(&l->arena);
    hash_map_finish(&l->child_index);
    pthread_mutex_destroy(&l->index_lock);
    free(l->identifier);
    free(l->anchor);
    free(l);
}

struct layer *layer_ref(struct layer *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

void layer_warn(struct layer *l, const char *format, ...)
{
    if (l->warnings.count >= 200)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    char *copy = strdup(text);
    if (copy && !array_push(&l->warnings, copy))
        free(copy);
}

uint64_t layer_memory(const struct layer *l)
{
    return sizeof(*l) + crate_memory(l->crate) + l->arena.used + l->block_bytes + l->prims.capacity * sizeof(struct prim_spec)
           + l->props.capacity * sizeof(struct prop_spec) + l->fields.capacity * sizeof(struct field);
}

bool layer_keep_block(struct layer *l, void *block, size_t bytes)
{
    if (bytes > l->max_bytes - l->block_bytes || !array_push(&l->blocks, block)) {
        free(block);
        return false;
    }
    l->block_bytes += bytes;
    return true;
}

const char *layer_strdup(struct layer *l, const char *text, size_t size)
{
    return size ? arena_strndup(&l->arena, text, size) : "";
}

const struct field *spec_field(const struct layer *l, const struct prim_spec *s, usd_tok name)
{
    const struct field *f = l->fields.items + s->first_field;
    for (unsigned i = 0; i < s->field_count; i++)
        if (f[i].name == name)
            return &f[i];
    return NULL;
}

const struct field *prop_field(const struct layer *l, const struct prop_spec *s, usd_tok name)
{
    const struct field *f = l->fields.items + s->first_field;
    for (unsigned i = 0; i < s->field_count; i++)
        if (f[i].name == name)
            return &f[i];
    return NULL;
}

const struct prop_spec *spec_prop(const struct layer *l, const struct prim_spec *s, usd_tok name)
{
    const struct prop_spec *p = l->props.items + s->first_prop;
    for (uint32_t i = 0; i < s->prop_count; i++)
        if (p[i].name == name)
            return &p[i];
    return NULL;
}

#define LONG_LIST 64 // children looked at one by one before the index is asked

static uint32_t indexed_child(struct layer *l, uint32_t parent, usd_tok name)
{
    pthread_mutex_lock(&l->index_lock);
    if (!hash_map_get(&l->child_index, parent)) {
        for (uint32_t c = l->prims.items[parent].first_child; c; c = l->prims.items[c].next_sibling)
            hash_map_put(&l->child_index, (uint64_t)(parent + 1ull) << 32 | l->prims.items[c].name, c);
        hash_map_put(&l->child_index, parent, 1);
    }
    uint64_t *at   = hash_map_get(&l->child_index, (uint64_t)(parent + 1ull) << 32 | name);
    uint32_t found = at ? (uint32_t)*at : 0;
    pthread_mutex_unlock(&l->index_lock);
    return found;
}

uint32_t spec_child(const struct layer *l, uint32_t parent, usd_tok name)
{
    unsigned steps = 0;
    for (uint32_t c = l->prims.items[parent].first_child; c; c = l->prims.items[c].next_sibling) {
        if (l->prims.items[c].name == name)
            return c;
        if (++steps == LONG_LIST)
            return indexed_child((struct layer *)l, parent, name);
    }
    return 0;
}

uint32_t spec_find(const struct layer *l, const char *path)
{
    if (l->prims.count == 1) // a session layer before the first edit
        return 0;
    uint32_t at = 0;
    while (*path == '/') {
        path++;
        size_t n    = strcspn(path, "/");
        usd_tok tok = tok_find(path, n);
        if (tok == UINT32_MAX || !n)
            return 0;
        at = spec_child(l, at, tok);
        if (!at)
            return 0;
        path += n;
    }
    return *path ? 0 : at;
}

// Appends like snprintf: counts what does not fit.
static void put(char *out, size_t capacity, size_t *n, const char *text)
{
    for (; *text; text++, (*n)++)
        if (*n + 1 < capacity)
            out[*n] = *text;
}

static void put_spec(const struct layer *l, uint32_t spec, char *out, size_t capacity, size_t *n)
{
    if (!spec)
        return;
    const struct prim_spec *s = &l->prims.items[spec], *parent = &l->prims.items[s->parent];
    if (s->kind == SPEC_VARIANT) {
        put_spec(l, parent->parent, out, capacity, n);
        put(out, capacity, n, "{");
        put(out, capacity, n, tok_text(parent->name));
        put(out, capacity, n, "=");
        put(out, capacity, n, tok_text(s->name));
        put(out, capacity, n, "}");
        return;
    }
    put_spec(l, s->parent, out, capacity, n);
    if (parent->kind != SPEC_VARIANT)
        put(out, capacity, n, "/");
    put(out, capacity, n, tok_text(s->name));
}

size_t spec_path(const struct layer *l, uint32_t spec, char *out, size_t capacity)
{
    size_t n = 0;
    if (!spec)
        put(out, capacity, &n, "/");
    put_spec(l, spec, out, capacity, &n);
    if (capacity)
        out[n < capacity ? n : capacity - 1] = 0;
    return n;
}

static double number_field(const struct layer *l, usd_tok name)
{
    const struct field *f = spec_field(l, &l->prims.items[0], name);
    double v              = 0;
    if (f && f->type == USD_TYPE_DOUBLE && !f->flags)
        memcpy(&v, &f->bits, 8);
    return v;
}

#define SHRINK(a)                                                                      \
    do {                                                                               \
        void *fit = (a)->count ? realloc((a)->items, (a)->count * sizeof(*(a)->items)) : NULL; \
        if (fit) {                                                                     \
            (a)->items    = fit;                                                       \
            (a)->capacity = (a)->count;                                                \
        }                                                                              \
    } while (0)

void layer_derive_spec(struct layer *l, uint32_t spec)
{
    static const usd_tok arcs[] = { T_references, T_payload, T_inheritPaths, T_specializes, T_variantSetNames };
    struct prim_spec *s         = &l->prims.items[spec];
    s->flags &= (uint8_t)~SPEC_HAS_ARCS & 15;
    for (unsigned k = 0; k < s->field_count; k++)
        for (size_t a = 0; a < sizeof(arcs) / sizeof(arcs[0]); a++)
            if (l->fields.items[s->first_field + k].name == arcs[a])
                s->flags |= SPEC_HAS_ARCS;
}

void layer_derive(struct layer *l)
{
    double tcps = number_field(l, T_timeCodesPerSecond);
    if (tcps == 0 || !isfinite(tcps)) // time may run backwards, but not stand still
        tcps = number_field(l, T_framesPerSecond);
    l->time_codes_per_second = tcps != 0 && isfinite(tcps) ? tcps : 24;
}

void layer_seal(struct layer *l)
{
    SHRINK(&l->prims);
    SHRINK(&l->props);
    SHRINK(&l->fields);
    l->sealed = true;
    for (uint32_t i = 0; i < l->prims.count; i++)
        layer_derive_spec(l, i);
    layer_derive(l);
}

// The parser reads up to 16 zero bytes past the end, and the text must not change under it: what is mapped is copied.
static int parse_text(struct layer *l, const struct layer_env *env, const struct file_bytes *bytes, const void *data, size_t size,
                      struct usd_error *err)
{
    if (bytes->heap && (const char *)data + size == (const char *)bytes->heap + bytes->size)
        return usda_parse(l, data, size, &env->limits, err);
    char *text = malloc(size + FILE_PADDING);
    if (!text) {
        error_set(err, USD_ERR_NOMEM, l->identifier, "%s: out of memory", l->identifier);
        return USD_ERR_NOMEM;
    }
    pages_expect(text, size);
    memcpy(text, data, size);
    memset(text + size, 0, FILE_PADDING);
    int rc = file_lost(bytes) ? USD_OK : usda_parse(l, text, size, &env->limits, err);
    free(text);
    return rc;
}

// Parses bytes of any format into a new layer. Takes over `bytes` when the layer goes on needing them.
static int parse(const struct layer_env *env, const char *identifier, const char *anchor, struct file_bytes *bytes,
                 struct layer **out, struct usd_error *err)
{
    *out = NULL;
    char inner_identifier[8192];
    const uint8_t *data = bytes->data;
    size_t size         = bytes->size;
    for (int depth = 0; zip_looks_like(data, size) && depth < LIMIT_PACKAGE_DEPTH; depth++) { // a package: its first layer
        struct zip_member m;
        int rc = zip_first(data, size, identifier, &m, err);
        if (rc != USD_OK) {
            if (rc == USD_ERR_NOT_FOUND)
                error_set(err, USD_ERR_FORMAT, identifier, "%s: package is empty", identifier);
            return USD_ERR_FORMAT;
        }
        size_t package_size, inner_size;
        const char *inner;
        char whole[8192];
        if (strlen(identifier) + m.name_size + 4 > sizeof(whole)) {
            error_set(err, USD_ERR_LIMIT, identifier, "the path of the package's first layer is too long");
            return USD_ERR_LIMIT;
        }
        snprintf(whole, sizeof(whole), "%s", identifier);
        if (package_split(identifier, &package_size, &inner, &inner_size))
            snprintf(inner_identifier, sizeof(inner_identifier), "%.*s[%.*s]]", (int)(strlen(whole) - 1), whole,
                     (int)m.name_size, m.name);
        else
            snprintf(inner_identifier, sizeof(inner_identifier), "%.8000s[%.*s]", whole, (int)m.name_size, m.name);
        identifier = anchor = inner_identifier;
        data       = m.data;
        size       = m.size;
    }
    struct layer *l = layer_create(identifier, anchor, &env->limits);
    if (!l) {
        error_set(err, USD_ERR_NOMEM, identifier, "%s: out of memory", identifier);
        return USD_ERR_NOMEM;
    }
    l->file_bytes = size;
    int64_t start = clock_mono_ns();
    int rc;
    if (usda_looks_like(data, size)) {
        rc = parse_text(l, env, bytes, data, size, err);
    } else if (crate_looks_like(data, size)) {
        l->is_crate = true;
        rc          = crate_load(l, data, size, bytes, &env->limits, err);
    } else if (mtlx_looks_like(identifier, data, size)) {
        rc = mtlx_parse(l, env, data, size, err);
    } else {
        const char *other = foreign_format(identifier, data, size);
        rc                = other ? USD_ERR_UNSUPPORTED : USD_ERR_FORMAT;
        if (other)
            error_set(err, rc, identifier, "%s: this is %s, which is not supported as a layer; convert it to USD", identifier, other);
        else
            error_set(err, rc, identifier, "%s: not a USD layer: it starts neither with '#usda' nor as a crate or a package", identifier);
    }
    if (file_lost(l->crate ? crate_bytes(l->crate) : bytes)) {
        error_set(err, USD_ERR_IO, identifier, "%s: the file was cut short while it was read", identifier);
        rc = USD_ERR_IO;
    }
    if (rc != USD_OK) {
        layer_release(l);
        return rc;
    }
    layer_seal(l);
    l->parse_seconds = (double)(clock_mono_ns() - start) * 1e-9;
    *out             = l;
    return USD_OK;
}

int layer_from_bytes(const struct layer_env *env, const char *identifier, const char *anchor, const void *data,
                     size_t size, struct layer **out, struct usd_error *err)
{
    struct file_bytes bytes = { .data = data, .size = size };
    if (env->memory) { // stays as long as the stage that has it
        bytes.data = env->memory->data;
        identifier = env->memory->path;
    } else if (!usda_looks_like(data, size)) { // crates are read in place, later: keep a copy
        bytes.heap = malloc(size + FILE_PADDING);
        if (!bytes.heap) {
            error_set(err, USD_ERR_NOMEM, identifier, "%s: out of memory", identifier);
            return USD_ERR_NOMEM;
        }
        memcpy(bytes.heap, data, size);
        memset((char *)bytes.heap + size, 0, FILE_PADDING);
        bytes.data = bytes.heap;
    }
    int rc = parse(env, identifier, anchor, &bytes, out, err);
    file_unmap(&bytes);
    return rc;
}

// ---------------------------------------------------------------------------------------------------------------
// The cache

#define CACHE_BUCKETS 4096u

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cache_loaded = PTHREAD_COND_INITIALIZER;
static struct layer *cache[CACHE_BUCKETS];
// Layers that some thread is reading at this moment; others that want the same one wait for it.
static struct loading {
    struct loading *next;
    const char *resolved;
} *loading;

static unsigned bucket_of(const char *resolved) { return (unsigned)hash_bytes(resolved, strlen(resolved)) % CACHE_BUCKETS; }

static struct layer *cache_find(const char *resolved, uint64_t stamp)
{
    for (struct layer *l = cache[bucket_of(resolved)]; l; l = l->next_cached)
        if (l->file_stamp == stamp && !strcmp(l->cache_key, resolved))
            return layer_ref(l);
    return NULL;
}

static bool is_loading(const char *resolved)
{
    for (struct loading *x = loading; x; x = x->next)
        if (!strcmp(x->resolved, resolved))
            return true;
    return false;
}

void layer_release(struct layer *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&cache_lock);
    bool last = atomic_fetch_sub(&l->refs, 1) == 1;
    if (last && l->cached) {
        struct layer **at = &cache[bucket_of(l->cache_key)];
        while (*at != l)
            at = &(*at)->next_cached;
        *at = l->next_cached;
    }
    pthread_mutex_unlock(&cache_lock);
    if (last) {
        free(l->cache_key);
        layer_free(l);
    }
}

static bool named(const char *name, size_t size, const char *extension)
{
    size_t n = strlen(extension);
    return size > n && !strncasecmp(name + size - n, extension, n);
}

// A name that says a format must keep its word, and a text file begins with its header: what OpenUSD opens.
static int check_format(const char *resolved, const struct file_bytes *bytes, struct usd_error *err)
{
    size_t n        = strcspn(resolved, "]"); // of a member of a package: its own name
    bool text       = bytes->size >= 6 && !memcmp(bytes->data, "#usda ", 6), late = !text && usda_looks_like(bytes->data, bytes->size);
    const char *why = NULL;
    if (late)
        why = "a layer begins with '#usda'; nothing may stand before it, not even a byte order mark";
    else if (named(resolved, n, ".usda") && !text)
        why = "its name says that it is text, but it does not begin with '#usda'";
    else if (named(resolved, n, ".usdc") && !crate_looks_like(bytes->data, bytes->size))
        why = "its name says that it is a crate, but it does not begin as one";
    else if (named(resolved, n, ".usdz") && !zip_looks_like(bytes->data, bytes->size))
        why = "its name says that it is a package, but it does not begin as one";
    if (why)
        error_set(err, USD_ERR_FORMAT, resolved, "%s: %s", resolved, why);
    return why ? USD_ERR_FORMAT : USD_OK;
}

int layer_open(const struct layer_env *env, const char *resolved, struct layer **out, struct usd_error *err)
{
    *out = NULL;
    bool in_memory = file_in_memory(env, resolved);
    if (!in_memory && env->allow_path && !env->allow_path(resolved, env->user)) { // also for layers already in the cache
        error_set(err, USD_ERR_REFUSED, resolved, "%s: this path is not allowed", resolved);
        return USD_ERR_REFUSED;
    }
    uint64_t stamp    = in_memory ? env->memory->stamp : file_stamp(resolved);
    struct loading me = { .resolved = resolved };
    pthread_mutex_lock(&cache_lock);
    for (;;) {
        *out = stamp ? cache_find(resolved, stamp) : NULL;
        if (*out || !is_loading(resolved))
            break;
        pthread_cond_wait(&cache_loaded, &cache_lock);
    }
    if (*out) {
        pthread_mutex_unlock(&cache_lock);
        return USD_OK;
    }
    me.next = loading;
    loading = &me;
    pthread_mutex_unlock(&cache_lock);

    struct file_bytes bytes;
    int rc = file_map(env, resolved, &bytes, err);
    if (rc == USD_OK) {
        stamp = bytes.stamp;
        rc    = check_format(resolved, &bytes, err);
    }
    if (rc == USD_OK) {
        rc = parse(env, resolved, resolved, &bytes, out, err);
    }
    file_unmap(&bytes);

    pthread_mutex_lock(&cache_lock);
    struct loading **at = &loading;
    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
    if (*out && ((*out)->cache_key = strdup(resolved))) {
        unsigned b          = bucket_of(resolved);
        (*out)->file_stamp  = stamp;
        (*out)->cached      = true;
        (*out)->next_cached = cache[b];
        cache[b]            = *out;
    }
    pthread_cond_broadcast(&cache_loaded);
    pthread_mutex_unlock(&cache_lock);
    return rc;
}
