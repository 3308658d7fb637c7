// Walking the composed namespace; paths; instance proxies.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "stage.h"

#define LONG_LIST 64 // children from this number are found through a map

const usd_stage *usd_prim_stage(const usd_prim *p) { return p ? prim_stage(p) : NULL; }
const usd_prim *usd_prim_parent(const usd_prim *p) { return p ? p->parent : NULL; }
const usd_prim *usd_prim_next_sibling(const usd_prim *p) { return p ? p->next_sibling : NULL; }

size_t prim_depth(const struct usd_prim *p)
{
    size_t n = 0;
    for (; p->parent; p = p->parent)
        n++;
    return n;
}

// Children of an instance (or of something below one): light stand-ins for those of the prototype's holder.
static struct usd_prim *make_proxies(struct usd_prim *p)
{
    struct usd_stage *s = prim_stage(p);
    pthread_mutex_lock(&s->lock);
    struct usd_prim *first = atomic_load_explicit(&p->first_child, memory_order_acquire);
    if (first == &prim_pending) {
        const struct usd_prim *from = prim_real(p);
        if (from->flags & PRIM_INSTANCE)
            from = prim_holder(from);
        first                       = NULL;
        const struct usd_prim *kids = atomic_load(&from->first_child);
        if (kids && kids != &prim_pending && from->child_count)
            first = arena_alloc(below_arena(p), from->child_count * sizeof(*first));
        const struct usd_prim *k = kids;
        for (uint32_t i = 0; first && i < from->child_count; i++, k = k->next_sibling) {
            const unsigned inherited = PRIM_INACTIVE | PRIM_UNDEFINED | PRIM_ABSTRACT;
            unsigned own             = k->flags & inherited & ~(unsigned)from->flags;
            unsigned specifier       = (k->flags & PRIM_SPECIFIER) >> 6;
            if (specifier == USD_OVER)
                own |= PRIM_UNDEFINED;
            if (specifier == USD_CLASS)
                own |= PRIM_ABSTRACT;
            struct usd_prim *q = &first[i];
            q->parent       = p;
            q->source       = k;
            q->name         = k->name;
            q->type_name    = k->type_name;
            q->flags        = (uint16_t)((k->flags & ~inherited) | (p->flags & inherited) | own | PRIM_PROXY | PRIM_BELOW_INSTANCE);
            q->child_count  = k->flags & PRIM_INSTANCE ? prim_holder(k)->child_count : k->child_count;
            q->next_sibling = i + 1 < from->child_count ? &first[i + 1] : NULL;
            if (atomic_load(&k->first_child))
                atomic_store(&q->first_child, &prim_pending);
        }
        atomic_store_explicit(&p->first_child, first, memory_order_release);
    }
    pthread_mutex_unlock(&s->lock);
    return first;
}

const usd_prim *usd_prim_first_child(const usd_prim *p)
{
    if (!p)
        return NULL;
    struct usd_prim *c = atomic_load_explicit(&((struct usd_prim *)p)->first_child, memory_order_acquire);
    return c == &prim_pending ? make_proxies((struct usd_prim *)p) : c;
}

static const usd_prim *scan_children(const usd_prim *p, usd_tok name)
{
    for (const usd_prim *c = usd_prim_first_child(p); c; c = c->next_sibling)
        if (c->name == name)
            return c;
    return NULL;
}

static uint64_t child_key(const usd_prim *p, usd_tok name) { return hash_u64((uintptr_t)p ^ (uint64_t)name << 40 ^ name); }

static const usd_prim *find_child(const usd_prim *p, usd_tok name)
{
    const usd_prim *first = usd_prim_first_child(p);
    if (!first || p->child_count < LONG_LIST)
        return scan_children(p, name);
    struct usd_stage *s = prim_stage(p);
    pthread_mutex_lock(&s->lock);
    if (!hash_map_get(&s->child_lists, (uintptr_t)p)) {
        for (const usd_prim *c = first; c; c = c->next_sibling)
            hash_map_put(&s->children, child_key(p, c->name), (uintptr_t)c);
        hash_map_put(&s->child_lists, (uintptr_t)p, 1);
    }
    uint64_t *v       = hash_map_get(&s->children, child_key(p, name));
    const usd_prim *c = v ? (const usd_prim *)(uintptr_t)*v : NULL;
    pthread_mutex_unlock(&s->lock);
    return !c || (c->name == name && c->parent == p) ? c : scan_children(p, name); // two keys with one hash
}

void prim_list_add(struct usd_stage *s, const usd_prim *p, const usd_prim *child)
{
    if (hash_map_get(&s->child_lists, (uintptr_t)p))
        hash_map_put(&s->children, child_key(p, child->name), (uintptr_t)child);
}

void prim_list_remove(struct usd_stage *s, const usd_prim *p, const usd_prim *child)
{
    hash_map_remove(&s->children, child_key(p, child->name));
}

void prim_list_forget(struct usd_stage *s, const usd_prim *p)
{
    if (!hash_map_remove(&s->child_lists, (uintptr_t)p))
        return;
    for (const usd_prim *c = atomic_load(&((struct usd_prim *)p)->first_child); c && c != &prim_pending; c = c->next_sibling)
        prim_list_remove(s, p, c);
}

const usd_prim *usd_prim_child(const usd_prim *p, const char *name)
{
    usd_tok tok = p && name ? tok_find(name, strlen(name)) : UINT32_MAX;
    return tok == UINT32_MAX ? NULL : find_child(p, tok);
}

const usd_prim *usd_prim_next(const usd_prim *p, const usd_prim *root, bool skip_children)
{
    if (!p)
        return NULL;
    const usd_prim *c = skip_children ? NULL : usd_prim_first_child(p);
    if (c)
        return c;
    while (p && p != root) {
        if (p->next_sibling)
            return p->next_sibling;
        p = p->parent;
    }
    return NULL;
}

static const usd_prim *find_path(const usd_stage *s, const char *path, size_t size)
{
    if (!size || *path != '/')
        return NULL;
    const usd_prim *p = s->root;
    for (size_t at = 1; p && at < size;) {
        size_t n = 0;
        while (at + n < size && path[at + n] != '/')
            n++;
        usd_tok tok = tok_find(path + at, n);
        if (!n || tok == UINT32_MAX)
            return NULL;
        p = find_child(p, tok);
        at += n + 1;
    }
    return p;
}

const usd_prim *usd_stage_find(const usd_stage *s, const char *path) { return path ? find_path(s, path, strlen(path)) : NULL; }

const usd_property *usd_stage_find_property(const usd_stage *s, const char *path)
{
    const char *dot = path ? strchr(path, '.') : NULL;
    return dot ? usd_prim_find_property(find_path(s, path, (size_t)(dot - path)), dot + 1) : NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Paths

size_t prim_path_write(const struct usd_prim *p, char *out, size_t capacity)
{
    if (!p->parent) {
        if (capacity)
            snprintf(out, capacity, "/");
        return 1;
    }
    size_t size = 0;
    for (const struct usd_prim *q = p; q->parent; q = q->parent)
        size += tok_size(q->name) + 1;
    if (!capacity)
        return size;
    size_t at = size;
    for (const struct usd_prim *q = p; q->parent; q = q->parent) {
        size_t n         = tok_size(q->name);
        const char *name = tok_text(q->name);
        at -= n + 1;
        for (size_t i = 0; i <= n; i++) // the part that fits
            if (at + i + 1 < capacity)
                out[at + i] = i ? name[i - 1] : '/';
    }
    out[size < capacity ? size : capacity - 1] = 0;
    return size;
}

size_t usd_prim_path_copy(const usd_prim *p, char *out, size_t capacity)
{
    if (!p) {
        if (capacity)
            *out = 0;
        return 0;
    }
    return prim_path_write(p, out, capacity);
}

const char *usd_prim_path(const usd_prim *p)
{
    if (!p)
        return "";
    if (!p->parent)
        return "/";
    struct usd_stage *s = prim_stage(p);
    pthread_mutex_lock(&s->lock);
    uint64_t *known  = hash_map_get(&s->paths, (uintptr_t)p);
    const char *path = known ? (const char *)(uintptr_t)*known : NULL;
    if (!path) {
        size_t n   = prim_path_write(p, NULL, 0);
        char *text = s->edits ? malloc(n + 1) : arena_alloc(&s->arena, n + 1);
        if (text) {
            prim_path_write(p, text, n + 1);
            path = s->edits ? tok_text(tok_make(text, n)) : text; // prims that come and go leave no copies behind
            hash_map_put(&s->paths, (uintptr_t)p, (uintptr_t)path);
            if (s->edits)
                free(text);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return path ? path : "";
}

// ---------------------------------------------------------------------------------------------------------------
// What a prim is

const char *usd_prim_name(const usd_prim *p) { return !p ? "" : p->parent ? tok_text(p->name) : "/"; }
const char *usd_prim_type_name(const usd_prim *p) { return p ? tok_text(p->type_name) : ""; }
enum usd_specifier usd_prim_specifier(const usd_prim *p) { return p ? (enum usd_specifier)((p->flags & PRIM_SPECIFIER) >> 6) : USD_OVER; }
bool usd_prim_is_active(const usd_prim *p) { return p && !(p->flags & PRIM_INACTIVE); }
bool usd_prim_is_defined(const usd_prim *p) { return p && !(p->flags & PRIM_UNDEFINED); }
bool usd_prim_is_abstract(const usd_prim *p) { return p && p->flags & PRIM_ABSTRACT; }
bool usd_prim_is_traversable(const usd_prim *p) { return p && !(p->flags & (PRIM_INACTIVE | PRIM_UNDEFINED | PRIM_ABSTRACT)); }
bool usd_prim_is_instanceable(const usd_prim *p) { return p && p->flags & PRIM_INSTANCEABLE; }
bool usd_prim_is_instance(const usd_prim *p) { return p && p->flags & PRIM_INSTANCE; }
bool usd_prim_is_instance_proxy(const usd_prim *p) { return p && p->flags & PRIM_BELOW_INSTANCE; }

const usd_prim *usd_prim_in_prototype(const usd_prim *p)
{
    if (!p)
        return NULL;
    p = prim_real(p);
    return p->flags & PRIM_INSTANCE ? prim_holder(p) : p;
}

bool usd_prim_opinion(const usd_prim *prim, size_t i, struct usd_opinion *out)
{
    if (!prim)
        return false;
    const struct usd_prim *p = prim_real(prim);
    if (i >= p->ref_count)
        return false;
    struct spec_ref r = prim_refs(p)[i];
    const struct layer *l;
    ref_spec(p->index, r, &l);
    char path[8192];
    size_t n           = spec_path(l, r.spec, path, sizeof(path));
    struct time_map t = ref_time(p->index, r.node, r.layer);
    *out = (struct usd_opinion) { l->identifier, tok_text(tok_make(path, n < sizeof(path) ? n : sizeof(path) - 1)), t.offset, t.scale };
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Names from list operations and selections

void prim_names(const struct usd_prim *prim, usd_tok field, struct item_set *out)
{
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = p->ref_count; i-- > 0;) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        const struct field *f     = s->field_count ? spec_field(l, s, field) : NULL;
        if (f)
            listop_names(out, f);
    }
}

static const char *nth_name(const struct usd_prim *p, usd_tok field, size_t i, size_t *count)
{
    struct item_set names = { 0 };
    if (p)
        prim_names(p, field, &names);
    const char *name = i < names.count ? tok_text((usd_tok)names.items[i]) : NULL;
    if (count)
        *count = names.count;
    array_free(&names);
    return name;
}

size_t usd_prim_api_schema_count(const usd_prim *p)
{
    size_t n;
    nth_name(p, T_apiSchemas, 0, &n);
    return n;
}
const char *usd_prim_api_schema(const usd_prim *p, size_t i) { return nth_name(p, T_apiSchemas, i, NULL); }

// "Name" means any instance of a multiple-apply schema.
static bool names_schema(const char *name, const char *schema, size_t n)
{
    return !strncmp(name, schema, n) && (!name[n] || name[n] == ':');
}

bool usd_prim_has_api(const usd_prim *p, const char *schema)
{
    const usd_definition *d = usd_prim_definition(p);
    size_t n                = strlen(schema);
    for (size_t i = 0; i < usd_definition_api_count(d); i++)
        if (names_schema(usd_definition_api(d, i), schema, n))
            return true;
    struct item_set names = { 0 }; // also schemas that are not in our table
    if (p)
        prim_names(p, T_apiSchemas, &names);
    bool found = false;
    for (size_t i = 0; i < names.count && !found; i++)
        found = names_schema(tok_text((usd_tok)names.items[i]), schema, n);
    array_free(&names);
    return found;
}

const char *usd_prim_kind(const usd_prim *p)
{
    const struct field *f = p ? prim_field(p, T_kind, NULL) : NULL;
    return f && f->type == USD_TYPE_TOKEN && !f->flags ? field_ptr(f) : "";
}

static bool is_group_kind(const char *kind) { return !strcmp(kind, "group") || !strcmp(kind, "assembly"); }
static bool is_model_kind(const char *kind) { return is_group_kind(kind) || !strcmp(kind, "component") || !strcmp(kind, "model"); }

// Models stand below groups only, all the way up.
static bool in_model_hierarchy(const usd_prim *p)
{
    for (p = p->parent; p && p->parent; p = p->parent)
        if (!is_group_kind(usd_prim_kind(p)))
            return false;
    return true;
}

bool usd_prim_is_model(const usd_prim *p) { return p && p->parent && is_model_kind(usd_prim_kind(p)) && in_model_hierarchy(p); }
bool usd_prim_is_group(const usd_prim *p) { return p && p->parent && is_group_kind(usd_prim_kind(p)) && in_model_hierarchy(p); }
