// Opening and closing stages; what a stage says about itself.
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clips.h"
#include "edit.h"
#include "file.h"
#include "session.h"
#include "stage.h"

static void diagnose_v(struct usd_stage *s, enum usd_severity severity, int code, const char *layer, const char *path,
                       const char *rule, const char *hint, const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof(text), format, args);
    pthread_mutex_lock(&s->lock);
    if (s->diagnostics.count < s->env.limits.max_diagnostics) {
        if (s->diagnostics.count + 1 == s->env.limits.max_diagnostics)
            snprintf(text, sizeof(text), "max_diagnostics is met; what comes after is left out");
        size_t n = strlen(text) + 1, m = strlen(layer) + 1, size = strlen(path) + 1;
        struct usd_diagnostic *kept = malloc(sizeof(*kept) + n + m + size); // what is composed anew drops its diagnostics
        if (kept) {
            char *copy = (char *)(kept + 1);
            memcpy(copy, text, n);
            memcpy(copy + n, layer, m);
            memcpy(copy + n + m, path, size);
            *kept = (struct usd_diagnostic) { .severity = severity, .code = code, .message = copy, .layer = copy + n, .path = copy + n + m,
                                              .rule = rule, .hint = hint };
            if (!array_push(&s->diagnostics, kept))
                free(kept);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

void stage_diagnose(struct usd_stage *s, enum usd_severity severity, int code, const char *layer, const char *path,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diagnose_v(s, severity, code, layer, path, "composition", "", format, args);
    va_end(args);
}

void stage_finding(struct usd_stage *s, enum usd_severity severity, const char *rule, const char *hint, const char *layer,
                   const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diagnose_v(s, severity, USD_ERR_INVALID, layer, path, rule, hint, format, args);
    va_end(args);
}

uint64_t stage_new_id(void)
{
    static atomic_uint_least64_t ids;
    return atomic_fetch_add(&ids, 1) + 1;
}

static struct usd_stage *stage_create(const struct usd_open_options *o)
{
    struct usd_stage *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    clips_init(&s->clips);
    s->arena.align   = 8;
    s->id            = stage_new_id();
    s->instance_keys = intern_create();
    s->env.limits    = limits_effective(o ? o->limits : NULL);
    if (!o)
        return s;
    s->threads        = o->threads;
    for (size_t i = 0; i < o->load_rule_count; i++)
        load_set(&s->load, tok_str(o->load_rules[i].path), o->load_rules[i].what);
    if (o->skip_payloads)
        load_set(&s->load, tok_make("/", 1), USD_LOAD_NONE);
    s->env.allow_path = o->allow_path;
    s->env.user       = o->user;
    s->choices        = calloc(o->variant_count + 1, sizeof(*s->choices));
    s->search_paths   = calloc(o->search_path_count + 1, sizeof(*s->search_paths));
    for (size_t i = 0; s->choices && i < o->variant_count; i++)
        s->choices[s->choice_count++] = (struct variant_choice) { tok_str(o->variants[i].prim_path),
                                                                 tok_str(o->variants[i].variant_set), tok_str(o->variants[i].selection) };
    size_t fallbacks = 0;
    for (size_t i = 0; i < o->variant_fallback_count; i++)
        fallbacks += o->variant_fallbacks[i].selection_count;
    s->fallbacks = calloc(fallbacks + 1, sizeof(*s->fallbacks));
    for (size_t i = 0; s->fallbacks && i < o->variant_fallback_count; i++)
        for (size_t k = 0; k < o->variant_fallbacks[i].selection_count; k++)
            s->fallbacks[s->fallback_count++] = (struct variant_fallback) { tok_str(o->variant_fallbacks[i].variant_set),
                                                                           tok_str(o->variant_fallbacks[i].selections[k]) };
    for (size_t i = 0; s->search_paths && i < o->search_path_count; i++) {
        s->search_paths[i] = strdup(o->search_paths[i]);
        s->search_path_count += s->search_paths[i] != NULL;
    }
    return s;
}

void usd_stage_close(usd_stage **stage)
{
    struct usd_stage *s = stage ? *stage : NULL;
    if (!s)
        return;
    *stage = NULL;
    edits_destroy(s);
    session_destroy(&s->session);
    for (size_t i = 0; i < s->diagnostics.count; i++)
        free(s->diagnostics.items[i]);
    size_t at = 0;
    for (uint64_t key, prototype; hash_map_next(&s->prototypes, &at, &key, &prototype);)
        free((struct prototype *)(uintptr_t)prototype);
    for (size_t i = 0; i < s->layers.count; i++)
        layer_release(s->layers.items[i]);
    for (size_t i = 0; i < s->arenas.count; i++) {
        arena_finish(s->arenas.items[i]);
        free(s->arenas.items[i]);
    }
    free(s->root);
    array_free(&s->load);
    for (size_t i = 0; i < s->search_path_count; i++)
        free(s->search_paths[i]);
    free(s->search_paths);
    free(s->choices);
    free(s->fallbacks);
    array_free(&s->layers);
    array_free(&s->arenas);
    array_free(&s->diagnostics);
    memory_package_destroy(s->env.memory);
    hash_map_finish(&s->layer_set);
    hash_map_finish(&s->prototypes);
    hash_map_finish(&s->dependents);
    hash_map_finish(&s->paths);
    hash_map_finish(&s->children);
    hash_map_finish(&s->child_lists);
    stage_definitions_finish(s);
    intern_destroy(&s->instance_keys);
    clips_finish(&s->clips);
    arena_finish(&s->arena);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

// Edits bring layers in: counted when asked for.
static void count_layers(const struct usd_stage *s, struct usd_stage_stats *out)
{
    const struct layer *l;
    for (size_t i = 0; (l = stage_layer(s, i)); i++) {
        out->layers++;
        out->prim_specs += l->prims.count - 1;
        out->property_specs += l->props.count;
        out->layer_memory += layer_memory(l);
        out->value_memory += l->arena.used + l->block_bytes;
        out->parse_seconds += l->parse_seconds;
        *(l->is_crate ? &out->crate_bytes : &out->text_bytes) += l->file_bytes;
    }
}

static int open_with(struct usd_stage *s, struct layer *root, const struct usd_open_options *o, usd_stage **out,
                     struct usd_error *err)
{
    int rc = session_open(s, root->anchor, o, err);
    if (rc == USD_OK)
        rc = stack_open_root(s, root, err);
    else
        layer_release(root);
    if (rc == USD_OK) {
        rc = stage_compose(s, o ? o->threads : 0);
        if (rc != USD_OK)
            error_set(err, rc, root->identifier, "%s: out of memory", root->identifier);
    }
    if (rc != USD_OK) {
        usd_stage_close(&s);
        return rc;
    }
    *out = s;
    return USD_OK;
}

int usd_stage_open(const char *path, const struct usd_open_options *options, usd_stage **out, struct usd_error *err)
{
    *out = NULL;
    if (!path || !*path) {
        error_set(err, USD_ERR_INVALID, "", "no file name is given");
        return USD_ERR_INVALID;
    }
    struct usd_stage *s = stage_create(options);
    if (!s) {
        error_set(err, USD_ERR_NOMEM, path, "%s: out of memory", path);
        return USD_ERR_NOMEM;
    }
    char anchor[PATH_MAX + 4] = "", resolved[RESOLVED_MAX];
    if (*path != '/' && getcwd(anchor, PATH_MAX))
        strcat(anchor, "/x");
    struct layer *root = NULL;
    int rc             = USD_ERR_IO;
    if (asset_anchor(s, anchor, path, resolved))
        rc = layer_open(&s->env, resolved, &root, err);
    else
        error_set(err, rc, path, "%s: not a usable path", path);
    if (rc != USD_OK) {
        usd_stage_close(&s);
        return rc;
    }
    return open_with(s, root, options, out, err);
}

int usd_stage_open_string(const void *data, size_t size, const char *identifier, const char *anchor_dir,
                          const struct usd_open_options *options, usd_stage **out, struct usd_error *err)
{
    *out                = NULL;
    struct usd_stage *s = stage_create(options);
    if (!s) {
        error_set(err, USD_ERR_NOMEM, "", "out of memory");
        return USD_ERR_NOMEM;
    }
    identifier = identifier ? identifier : "anonymous";
    char dir[PATH_MAX] = "", anchor[2 * PATH_MAX + 4];
    if ((!anchor_dir || *anchor_dir != '/') && !getcwd(dir, sizeof(dir)))
        *dir = 0;
    snprintf(anchor, sizeof(anchor), "%s%s%.*s/x", dir, anchor_dir && *dir ? "/" : "", PATH_MAX, anchor_dir ? anchor_dir : "");
    if (zip_looks_like(data, size) && !(s->env.memory = memory_package_create(identifier, data, size))) {
        usd_stage_close(&s);
        error_set(err, USD_ERR_NOMEM, identifier, "%s: out of memory", identifier);
        return USD_ERR_NOMEM;
    }
    struct layer *root = NULL;
    int rc             = layer_from_bytes(&s->env, identifier, anchor, data, size, &root, err);
    if (rc != USD_OK) {
        usd_stage_close(&s);
        return rc;
    }
    return open_with(s, root, options, out, err);
}

size_t usd_stage_diagnostic_count(const usd_stage *s)
{
    pthread_mutex_lock((pthread_mutex_t *)&s->lock);
    size_t n = s->diagnostics.count;
    pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
    return n;
}
const struct usd_diagnostic *usd_stage_diagnostic(const usd_stage *s, size_t i)
{
    pthread_mutex_lock((pthread_mutex_t *)&s->lock);
    const struct usd_diagnostic *d = i < s->diagnostics.count ? s->diagnostics.items[i] : NULL;
    pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
    return d;
}
size_t usd_stage_layer_count(const usd_stage *s)
{
    pthread_mutex_lock((pthread_mutex_t *)&s->lock);
    size_t n = s->layers.count;
    pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
    return n;
}
const struct layer *stage_layer(const struct usd_stage *s, size_t i)
{
    pthread_mutex_lock((pthread_mutex_t *)&s->lock);
    const struct layer *l = i < s->layers.count ? s->layers.items[i] : NULL;
    pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
    return l;
}
const char *usd_stage_layer(const usd_stage *s, size_t i)
{
    const struct layer *l = stage_layer(s, i);
    return l ? l->identifier : NULL;
}
const usd_prim *usd_stage_pseudo_root(const usd_stage *s) { return s->root; }
uint64_t usd_stage_prim_count(const usd_stage *s) { return s->prim_count; }
uint64_t usd_stage_id(const usd_stage *s) { return s->id; }

static uint64_t expanded(const struct usd_prim *p, struct hash_map *memo, uint64_t *indices)
{
    const struct usd_prim *from = p->flags & PRIM_INSTANCE ? prim_holder(p) : p;
    bool keep                   = p->flags & PRIM_INSTANCE;
    uint64_t *known             = keep ? hash_map_get(memo, (uintptr_t)from) : NULL;
    if (known)
        return *known;
    uint64_t n              = 0;
    *indices += p->parent && p->index != p->parent->index;
    const struct usd_prim *c = atomic_load(&from->first_child);
    for (; c && c != &prim_pending; c = c->next_sibling)
        n += 1 + expanded(c, memo, indices);
    if (keep)
        hash_map_put(memo, (uintptr_t)from, n);
    return n;
}

void usd_stage_stats(const usd_stage *s, struct usd_stage_stats *out)
{
    *out                 = s->stats;
    out->prims           = s->prim_count;
    out->instances       = s->instance_count;
    out->prototypes      = s->prototype_count;
    struct hash_map memo = { 0 };
    out->prims_expanded  = expanded(s->root, &memo, &out->prim_indices);
    hash_map_finish(&memo);
    count_layers(s, out);
    pthread_mutex_t *lock = (pthread_mutex_t *)&s->lock;
    pthread_mutex_lock(lock);
    out->stage_memory = s->arena.used + edits_memory(s);
    for (size_t i = 0; i < s->arenas.count; i++)
        out->stage_memory += s->arenas.items[i]->used;
    pthread_mutex_unlock(lock);
    out->table_memory = out->layer_memory - out->value_memory;
    out->name_memory  = tok_memory();
}

// ---------------------------------------------------------------------------------------------------------------
// Metadata of the session layer and the root layer

static const struct field *root_field(const struct usd_stage *s, usd_tok name, const struct layer **l)
{
    *l                    = session_layer(s->session);
    const struct field *f = spec_field(*l, &(*l)->prims.items[0], name);
    if (f)
        return f;
    *l = s->root_layer;
    return spec_field(*l, &(*l)->prims.items[0], name);
}

bool usd_stage_metadata(const usd_stage *s, const char *key, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    const struct layer *l;
    const struct field *f = root_field(s, tok_str(key), &l);
    return f && field_value(s, l, f, out);
}

static bool number(const struct usd_stage *s, const char *key, double *out)
{
    struct usd_value v;
    bool ok = usd_stage_metadata(s, key, &v) && usd_value_doubles(&v, 0, out, 1);
    usd_value_finish(&v);
    return ok;
}

const char *usd_stage_up_axis(const usd_stage *s)
{
    const struct layer *l;
    const struct field *f = root_field(s, T_upAxis, &l);
    return f && f->type == USD_TYPE_TOKEN && !f->flags ? field_ptr(f) : "Y";
}

double usd_stage_meters_per_unit(const usd_stage *s)
{
    double v = 0.01;
    number(s, "metersPerUnit", &v);
    return v;
}

double usd_stage_time_codes_per_second(const usd_stage *s) { return s->root_stack->time_codes_per_second; }

double usd_stage_frames_per_second(const usd_stage *s)
{
    double v = 24;
    number(s, "framesPerSecond", &v);
    return v;
}

bool usd_stage_time_range(const usd_stage *s, double *start, double *end)
{
    double a, b;
    if (!number(s, "startTimeCode", &a) || !number(s, "endTimeCode", &b))
        return false;
    *start = a;
    *end   = b;
    return true;
}

const usd_prim *usd_stage_default_prim(const usd_stage *s)
{
    const struct layer *l = s->root_layer; // of the root layer alone, as in OpenUSD
    const struct field *f = spec_field(l, &l->prims.items[0], T_defaultPrim);
    if (!f || f->type != USD_TYPE_TOKEN || f->flags)
        return NULL;
    const char *name = field_ptr(f);
    char path[4096];
    if (*name == '/')
        return usd_stage_find(s, name);
    if (!*name || snprintf(path, sizeof(path), "/%s", name) >= (int)sizeof(path))
        return NULL;
    return usd_stage_find(s, path);
}
