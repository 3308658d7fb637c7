// Which payloads are loaded: rules by path, as UsdStageLoadRules has them.
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "path.h"

static int compare_rules(const void *a, const void *b)
{
    return strcmp(tok_text(((const struct load_rule *)a)->path), tok_text(((const struct load_rule *)b)->path));
}

static void sort_rules(struct load_rules *r)
{
    if (r->count)
        qsort(r->items, r->count, sizeof(*r->items), compare_rules);
}

bool load_set(struct load_rules *r, usd_tok path, enum usd_load what)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].path == path) {
            r->items[i].what = what;
            return true;
        }
    bool ok = array_push(r, (struct load_rule) { path, what });
    sort_rules(r);
    return ok;
}

// The rule of a path: its own or the nearest above it. What leads to something that is loaded is loaded too, alone.
bool load_wants(const struct load_rules *r, const char *path)
{
    const struct load_rule *nearest = NULL;
    bool below                      = false;
    for (size_t i = 0; i < r->count; i++) {
        const char *at = tok_text(r->items[i].path);
        size_t n       = tok_size(r->items[i].path);
        if (path_has_prefix(path, at, n) && (!nearest || n > tok_size(nearest->path)))
            nearest = &r->items[i];
        else if (r->items[i].what != USD_LOAD_NONE && path_has_prefix(at, path, strlen(path)))
            below = true;
    }
    if (!nearest || nearest->what == USD_LOAD_ALL)
        return true;
    return below || (nearest->what == USD_LOAD_ONLY && !strcmp(tok_text(nearest->path), path));
}

// What decides about payloads below `path`, relative to it: instances share only what is loaded alike.
bool load_key(const struct load_rules *r, const char *path, struct item_set *key)
{
    size_t n = r->count ? strlen(path) : 0; // the path is not there without rules
    bool ok  = true;
    const struct load_rule *nearest = NULL;
    for (size_t i = 0; i < r->count && ok; i++) {
        const struct load_rule *rule = &r->items[i];
        const char *at               = tok_text(rule->path);
        if (strcmp(at, path) && path_has_prefix(at, path, n))
            ok = array_push(key, (uint64_t)tok_str(at + (n == 1 ? 0 : n)) << 32 | (uint64_t)rule->what);
        else if (path_has_prefix(path, at, tok_size(rule->path)) && (!nearest || tok_size(rule->path) > tok_size(nearest->path)))
            nearest = rule;
    }
    // an Only of an ancestor says no here
    bool all = !nearest || nearest->what == USD_LOAD_ALL;
    return ok && array_push(key, UINT64_MAX - all);
}

static int refuse_path(struct usd_error *err, const char *path)
{
    error_set(err, USD_ERR_INVALID, "", "<%.200s> is not the path of a prim", path ? path : "");
    return USD_ERR_INVALID;
}

static bool has_payload(const struct usd_prim *p)
{
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        if (s->field_count && spec_field(l, s, T_payload))
            return true;
    }
    return false;
}

// The prims whose payloads come or go: the topmost prim on the way to the path that has any and is decided otherwise now,
// else the one at the path. Below an instance it is the instance, because of what it shares.
static void pend_changed(usd_stage *s, const struct load_rules *before, const char *path)
{
    const usd_prim *p = s->root;
    char at[4096];
    for (size_t n = 1, size = strlen(path); n < size && size < sizeof(at);) {
        size_t end = n + strcspn(path + n, "/");
        memcpy(at, path + n, end - n);
        at[end - n] = 0;
        p           = usd_prim_child(p, at);
        if (!p || p->flags & PRIM_PROXY)
            return;
        memcpy(at, path, end);
        at[end] = 0;
        if (p->flags & PRIM_INSTANCE || end == size || (has_payload(p) && load_wants(before, at) != load_wants(&s->load, at))) {
            pend_prim(s, tok_make(at, end), PEND_STRUCT);
            return;
        }
        n = end + 1;
    }
    if (!strcmp(path, "/"))
        for (p = usd_prim_first_child(s->root); p; p = usd_prim_next_sibling(p))
            pend_prim(s, tok_str(usd_prim_path(p)), PEND_STRUCT);
}

static int set_rule(usd_stage *s, const char *path, enum usd_load what, struct usd_error *err)
{
    size_t n = path ? strlen(path) : 0;
    if (!s || !n || *path != '/' || n >= 4000 || (n > 1 && path[n - 1] == '/') || strchr(path, '.'))
        return refuse_path(err, path);
    struct load_rules before = { 0 };
    usd_tok at               = tok_make(path, n);
    bool ok                  = edits_create(s) && array_append(&before, s->load.items, s->load.count);
    size_t kept              = 0;
    for (size_t i = 0; i < s->load.count && ok; i++) // rules below give way
        if (what == USD_LOAD_ONLY || s->load.items[i].path == at || !path_has_prefix(tok_text(s->load.items[i].path), path, n))
            s->load.items[kept++] = s->load.items[i];
    if (ok) {
        s->load.count = kept;
        ok            = load_set(&s->load, at, what);
    }
    bool same = ok && before.count == s->load.count;
    for (size_t i = 0; i < before.count && same; i++)
        same = before.items[i].path == s->load.items[i].path && before.items[i].what == s->load.items[i].what;
    if (ok && !same)
        pend_changed(s, &before, path);
    array_free(&before);
    if (!ok)
        error_set(err, USD_ERR_NOMEM, "", "out of memory");
    return ok ? USD_OK : USD_ERR_NOMEM;
}

int usd_stage_load(usd_stage *s, const char *path, bool with_descendants, struct usd_error *err)
{
    return set_rule(s, path, with_descendants ? USD_LOAD_ALL : USD_LOAD_ONLY, err);
}

int usd_stage_unload(usd_stage *s, const char *path, struct usd_error *err) { return set_rule(s, path, USD_LOAD_NONE, err); }

bool usd_stage_is_loaded(const usd_stage *s, const char *path) { return s && path && load_wants(&s->load, path); }
