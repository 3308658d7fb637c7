// Commits: which composed prims the edits since the last commit concern, and composing those anew.
//
// An edit at a path of the root layer stack concerns the prim at that path, and whatever reaches that path by an arc:
// internal references, classes, relocations (the stage keeps a map of such prims, "dependents").
#include "edit.h"
#include "clips.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "session.h"

bool edits_create(struct usd_stage *s)
{
    if (s->edits)
        return true;
    struct edits *e = calloc(1, sizeof(*e));
    s->edits = e;
    return e != NULL;
}

void edits_destroy(struct usd_stage *s)
{
    struct edits *e = s->edits;
    if (!e)
        return;
    edit_forget_all(s);
    hash_map_finish(&e->states);
    hash_map_finish(&e->pending);
    hash_map_finish(&e->pending_props);
    array_free(&e->listeners);
    array_free(&e->changes);
    free(e);
    s->edits = NULL;
}

void pend_prim(struct usd_stage *s, usd_tok path, unsigned flags)
{
    uint64_t *at = hash_map_get(&s->edits->pending, path);
    if (flags & PEND_STRUCT && tok_size(path) == 1)
        s->edits->restack = true;
    (void)hash_map_put(&s->edits->pending, path, (at ? *at : 0) | flags);
}

void pend_property(struct usd_stage *s, usd_tok path, usd_tok name, bool anew)
{
    uint64_t key = (uint64_t)path << 32 | name, *at = hash_map_get(&s->edits->pending_props, key);
    (void)hash_map_put(&s->edits->pending_props, key, (at && *at) || anew);
    pend_prim(s, path, anew ? PEND_PROPS : 0);
}

// ---------------------------------------------------------------------------------------------------------------
// What is concerned

struct property_change {
    usd_tok path, name;
    bool anew;
};

// A new value that prims inside a prototype have.
struct inside {
    const struct usd_prim *prim, *holder; // of the innermost prototype
    usd_tok path;                         // where it was said
    unsigned flags;
};

struct commit {
    struct usd_stage *s;
    struct worker *worker;
    struct {
        ARRAY_OF(usd_tok);
    } resync; // paths of prims
    struct {
        ARRAY_OF(struct usd_prim *);
    } stale; // whose property tables are out of date
    struct {
        ARRAY_OF(usd_tok);
    } info; // paths of prims whose metadata changed
    struct {
        ARRAY_OF(struct property_change);
    } props;
    struct hash_map added;   // prims
    struct hash_map added_to; // of them
    struct {
        ARRAY_OF(struct inside);
    } inside;
    struct hash_map shared;  // prototypes whose inside is concerned
    struct hash_map showing; // prototypes with new values inside
    struct hash_map parents; // paths of prims whose children came, went or may be in another order
};

static struct usd_prim *child_at(const struct usd_prim *p, usd_tok name)
{
    return (struct usd_prim *)usd_prim_child(p, tok_text(name));
}

static void add_resync(struct commit *c, const struct usd_prim *p, usd_tok missing_child)
{
    char path[8192];
    size_t n = prim_path_write(p, path, sizeof(path));
    if (missing_child) {
        n = n == 1 ? 0 : n;
        if (n + tok_size(missing_child) + 2 >= sizeof(path))
            return;
        path[n++] = '/';
        memcpy(path + n, tok_text(missing_child), tok_size(missing_child) + 1);
        n += tok_size(missing_child);
    }
    if (n < sizeof(path))
        (void)array_push(&c->resync, tok_make(path, n));
}

static void mark_parent(struct commit *c, const struct usd_prim *p)
{
    char path[8192];
    size_t n = prim_path_write(p, path, sizeof(path));
    if (n < sizeof(path))
        hash_map_put(&c->parents, tok_make(path, n), 1);
}

static usd_tok next_name(const char **rest)
{
    if (**rest != '/')
        return 0;
    size_t n    = strcspn(*rest + 1, "/");
    usd_tok tok = n ? tok_make(*rest + 1, n) : 0;
    *rest += n + 1;
    return tok;
}

// The prim's list of opinions has the session layer's spec at a node's site, or none; nothing else about it changed.
static bool refresh(struct commit *c, struct usd_prim *p, uint16_t node, uint32_t spec, bool exists)
{
    const struct spec_ref *refs = prim_refs(p);
    size_t n = p->ref_count, at = 0;
    while (at < n && refs[at].node < node)
        at++;
    bool has = at < n && refs[at].node == node && refs[at].layer == 0;
    if (has == exists && (!has || refs[at].spec == spec))
        return true;
    struct spec_ref *list = malloc((n + 1) * sizeof(*list));
    if (!list)
        return false;
    memcpy(list, refs, at * sizeof(*list));
    size_t count = at;
    if (exists)
        list[count++] = (struct spec_ref) { spec, node, 0 };
    memcpy(list + count, refs + at + has, (n - at - has) * sizeof(*list));
    count += n - at - has;
    bool ok = edit_set_refs(c->s, p, list, count);
    free(list);
    return ok;
}

// The prim at the path itself. Specs of the session layer come and go along the way to it.
static bool local(struct commit *c, const char *path, unsigned flags)
{
    const struct layer *l = session_layer(c->s->session);
    struct usd_prim *p    = c->s->root;
    uint32_t spec         = 0;
    bool in_session       = !session_is_empty(c->s->session);
    if (flags & PEND_SPEC && !refresh(c, p, 0, 0, in_session))
        return false;
    for (const char *rest = strlen(path) > 1 ? path : ""; *rest;) {
        usd_tok name = next_name(&rest);
        if (p->flags & (PRIM_INSTANCE | PRIM_INACTIVE))
            return true; // nothing below that local opinions could reach
        spec                  = in_session ? spec_child(l, spec, name) : 0;
        in_session            = spec != 0;
        struct usd_prim *next = child_at(p, name);
        if (!next) {
            if (in_session || flags & PEND_STRUCT)
                add_resync(c, p, name);
            return true;
        }
        if (flags & PEND_SPEC && !refresh(c, next, 0, spec, in_session))
            return false;
        if (!next->ref_count) {
            add_resync(c, next, 0);
            return true;
        }
        p = next;
    }
    if (flags & PEND_STRUCT)
        add_resync(c, p, 0);
    else if (flags & PEND_PROPS)
        (void)array_push(&c->stale, p);
    return true;
}

// The prototype a prim lies in: the innermost one.
static void mark_shared(struct commit *c, const struct usd_prim *p)
{
    for (; p; p = p->parent)
        if (p->flags & PRIM_INSTANCE) {
            hash_map_put(&c->shared, (uintptr_t)p->index->prototype, 1);
            return;
        }
}

// The prim at `at` has the properties and the metadata that were said about `path`.
static void report_values(struct commit *c, usd_tok at, usd_tok path, unsigned flags)
{
    if (flags & PEND_INFO)
        (void)array_push(&c->info, at);
    size_t i = 0;
    for (uint64_t key, anew; hash_map_next(&c->s->edits->pending_props, &i, &key, &anew);)
        if ((usd_tok)(key >> 32) == path)
            (void)array_push(&c->props, (struct property_change) { at, (usd_tok)key, anew });
}

static void note_inside(struct commit *c, const struct usd_prim *p, usd_tok path, unsigned flags)
{
    const struct usd_prim *holder = p->parent;
    while (!(holder->flags & PRIM_INSTANCE))
        holder = holder->parent;
    (void)array_push(&c->inside, (struct inside) { p, holder, path, flags });
    hash_map_put(&c->showing, (uintptr_t)holder->index->prototype, 1);
}

// What was said about `path` reaches prim `owner` through a site at or above it, that of a node of its index; `rest` leads
// from the site to the path.
static void through_arc(struct commit *c, struct usd_prim *owner, uint16_t node, usd_tok path, const char *rest, unsigned flags)
{
    struct usd_prim *p = owner;
    bool whole         = flags & (PEND_SPEC | PEND_STRUCT) || atomic_load(&c->s->has_relocates);
    while (*rest) {
        usd_tok name = next_name(&rest);
        if (p->flags & PRIM_INSTANCE && (whole || flags & PEND_PROPS)) {
            hash_map_put(&c->shared, (uintptr_t)p->index->prototype, 1);
            return;
        }
        if (p->flags & PRIM_INACTIVE)
            return;
        if (p->flags & PRIM_INSTANCE)
            p = prim_holder(p);
        struct usd_prim *next = whole && atomic_load(&c->s->has_relocates) ? NULL : child_at(p, name);
        if (!next && whole && atomic_load(&c->s->has_relocates)) {
            p = owner; // where it went is not followed
            break;
        }
        if (!next) {
            if (whole && owner->flags & PRIM_BELOW_INSTANCE)
                mark_shared(c, owner->parent);
            else if (whole)
                add_resync(c, p, name);
            return;
        }
        p = next;
    }
    if (p->flags & PRIM_BELOW_INSTANCE) {
        if (whole || flags & PEND_PROPS)
            mark_shared(c, p->parent);
        else
            note_inside(c, p, path, flags);
        return;
    }
    if (flags & PEND_SPEC && p->parent)
        mark_parent(c, p->parent); // its name may come from there first now, or no longer
    const struct node *from = &owner->index->nodes[node];
    bool plain              = whole && !(flags & PEND_STRUCT) && p->index == owner->index && !from->culled && (from->inert || !from->restricted)
                 && !atomic_load(&c->s->has_relocates);
    if (plain && !from->inert) { // a spec that came or went, without arcs
        uint32_t spec = spec_find(session_layer(c->s->session), tok_text(path));
        plain         = refresh(c, p, node, spec, spec != 0) && p->ref_count;
    }
    if (whole && !plain) {
        add_resync(c, p, 0);
        return;
    }
    if (flags & PEND_PROPS)
        (void)array_push(&c->stale, p);
    char text[8192];
    size_t n = prim_path_write(p, text, sizeof(text));
    if (n < sizeof(text))
        report_values(c, tok_make(text, n), path, flags);
}

// All paths that edits concern, with the paths above them: tells quickly that a site is not concerned.
static void mark_prefixes(struct hash_map *set, const char *path)
{
    for (const char *slash = path + strlen(path); slash > path; slash = memrchr(path, '/', (size_t)(slash - path))) {
        usd_tok tok = tok_make(path, (size_t)(slash - path));
        if (hash_map_get(set, tok))
            return;
        hash_map_put(set, tok, 1);
    }
}

static bool struct_above(const struct hash_map *pending, const char *site)
{
    for (const char *slash = site + strlen(site); (slash = memrchr(site, '/', (size_t)(slash - site))) && slash > site;) {
        usd_tok tok    = tok_find(site, (size_t)(slash - site));
        uint64_t *flags = tok == UINT32_MAX ? NULL : hash_map_get(pending, tok);
        if (flags && *flags & PEND_STRUCT)
            return true;
    }
    return false;
}

static void one_dependent(struct commit *c, struct usd_prim *p, const struct hash_map *prefixes)
{
    const struct hash_map *pending = &c->s->edits->pending;
    for (uint32_t i = 1; i < p->index->count; i++) {
        const struct node *n = &p->index->nodes[i];
        if (n->stack != c->s->root_stack || n->arc == ARC_VARIANT)
            continue;
        const char *site = tok_text(n->path);
        if (struct_above(pending, site)) {
            if (p->flags & PRIM_BELOW_INSTANCE)
                mark_shared(c, p->parent);
            else
                add_resync(c, p, 0);
        }
        if (!hash_map_get(prefixes, n->path))
            continue;
        size_t at = 0, size = tok_size(n->path);
        for (uint64_t path, flags; hash_map_next(pending, &at, &path, &flags);)
            if (path_has_prefix(tok_text((usd_tok)path), site, size))
                through_arc(c, p, (uint16_t)i, (usd_tok)path, tok_text((usd_tok)path) + size, (unsigned)flags);
    }
}

static void dependents(struct commit *c)
{
    struct hash_map prefixes = { 0 };
    size_t at                = 0;
    uint64_t key, value;
    while (c->s->dependents.count && hash_map_next(&c->s->edits->pending, &at, &key, &value))
        mark_prefixes(&prefixes, tok_text((usd_tok)key));
    at = 0;
    while (prefixes.count && hash_map_next(&c->s->dependents, &at, &key, &value))
        one_dependent(c, (struct usd_prim *)(uintptr_t)key, &prefixes);
    hash_map_finish(&prefixes);
}

// ---------------------------------------------------------------------------------------------------------------
// Instances whose prototype is concerned inside: all of them are composed anew, and share again

enum { SHARED_NO = 2, SHARED_YES = 1 };

static bool prototype_concerned(struct hash_map *shared, const struct prototype *pt)
{
    uint64_t *known = hash_map_get(shared, (uintptr_t)pt);
    if (known)
        return *known == SHARED_YES;
    hash_map_put(shared, (uintptr_t)pt, SHARED_NO);
    bool yes                 = false;
    const struct usd_prim *h = pt->holder;
    for (const struct usd_prim *p = atomic_load(&((struct usd_prim *)h)->first_child); p && p != &prim_pending && !yes;) {
        yes = p->flags & PRIM_INSTANCE && prototype_concerned(shared, p->index->prototype);
        p   = usd_prim_next(p, h, p->flags & PRIM_INSTANCE);
    }
    if (yes)
        hash_map_put(shared, (uintptr_t)pt, SHARED_YES);
    return yes;
}

// Path of a prim inside a prototype, through an instance of it at `prefix`. 0: too long.
static size_t path_through(const struct usd_prim *p, const struct usd_prim *holder, const char *prefix, char *out, size_t capacity)
{
    size_t n = strlen(prefix), at = n;
    for (const struct usd_prim *q = p; q != holder; q = q->parent)
        at += tok_size(q->name) + 1;
    if (at >= capacity)
        return 0;
    size_t size = at;
    out[at]     = 0;
    for (const struct usd_prim *q = p; q != holder; q = q->parent) {
        at -= tok_size(q->name);
        memcpy(out + at, tok_text(q->name), tok_size(q->name));
        out[--at] = '/';
    }
    memcpy(out, prefix, n);
    return size;
}

// New values inside a prototype are values of every instance.
static void show_inside(struct commit *c, const struct prototype *pt, const char *prefix)
{
    const struct usd_prim *h = pt->holder;
    char path[8192];
    for (size_t i = 0; i < c->inside.count; i++) {
        const struct inside *in = &c->inside.items[i];
        size_t n                = in->holder == h ? path_through(in->prim, h, prefix, path, sizeof(path)) : 0;
        if (n)
            report_values(c, tok_make(path, n), in->path, in->flags);
    }
    if (!atomic_load(&c->s->has_nested_instances))
        return;
    for (const struct usd_prim *p = atomic_load(&((struct usd_prim *)h)->first_child); p && p != &prim_pending;
         p = usd_prim_next(p, h, p->flags & PRIM_INSTANCE))
        if (p->flags & PRIM_INSTANCE && prototype_concerned(&c->showing, p->index->prototype)
            && path_through(p, h, prefix, path, sizeof(path)))
            show_inside(c, p->index->prototype, path);
}

static void shared_values(struct commit *c)
{
    if (!c->inside.count)
        return;
    char path[8192];
    for (const struct usd_prim *p = usd_prim_first_child(c->s->root); p; p = usd_prim_next(p, c->s->root, p->flags & PRIM_INSTANCE))
        if (p->flags & PRIM_INSTANCE && prototype_concerned(&c->showing, p->index->prototype)
            && prim_path_write(p, path, sizeof(path)) < sizeof(path))
            show_inside(c, p->index->prototype, path);
}

static void shared_instances(struct commit *c)
{
    if (!c->shared.count)
        return;
    for (const struct usd_prim *p = usd_prim_first_child(c->s->root); p; p = usd_prim_next(p, c->s->root, p->flags & PRIM_INSTANCE))
        if (p->flags & PRIM_INSTANCE && prototype_concerned(&c->shared, p->index->prototype))
            add_resync(c, p, 0);
}

// ---------------------------------------------------------------------------------------------------------------
// Composing anew

// By namespace: a path comes before all below it, and these before its next sibling.
static int compare_paths(const void *x, const void *y)
{
    const char *a = tok_text(*(const usd_tok *)x), *b = tok_text(*(const usd_tok *)y);
    while (*a && *a == *b)
        a++, b++;
    int p = *a == '/' ? 1 : (unsigned char)*a + (*a != 0), q = *b == '/' ? 1 : (unsigned char)*b + (*b != 0);
    return p - q;
}

// Sorts, and drops what lies at or below another path of the list.
static void reduce(struct commit *c)
{
    if (!c->resync.count)
        return;
    qsort(c->resync.items, c->resync.count, sizeof(usd_tok), compare_paths);
    size_t n = 1;
    for (size_t i = 1; i < c->resync.count; i++) {
        usd_tok last = c->resync.items[n - 1];
        if (!path_has_prefix(tok_text(c->resync.items[i]), tok_text(last), tok_size(last)))
            c->resync.items[n++] = c->resync.items[i];
    }
    c->resync.count = n;
}

static bool is_resynced(const struct commit *c, usd_tok path)
{
    size_t low = 0, high = c->resync.count;
    while (low < high) { // the last one that does not come after the path
        size_t mid = (low + high) / 2;
        if (compare_paths(&c->resync.items[mid], &path) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low && path_has_prefix(tok_text(path), tok_text(c->resync.items[low - 1]), tok_size(c->resync.items[low - 1]));
}

// Diagnostics of what goes are said again when they are still true.
static void drop_diagnostics(struct commit *c)
{
    struct usd_stage *s = c->s;
    size_t n            = 0;
    for (size_t i = 0; i < s->diagnostics.count; i++) {
        struct usd_diagnostic *d = s->diagnostics.items[i];
        if (*d->path == '/' && d->path[1] && c->resync.count && is_resynced(c, tok_str(d->path)))
            free(d);
        else
            s->diagnostics.items[n++] = d;
    }
    s->diagnostics.count = n;
}

static struct usd_prim *existing(struct usd_stage *s, usd_tok path) { return (struct usd_prim *)usd_stage_find(s, tok_text(path)); }

static void unlink_prim(struct commit *c, struct usd_prim *p)
{
    struct usd_prim *up = (struct usd_prim *)p->parent, *before = NULL;
    for (struct usd_prim *k = atomic_load(&up->first_child); k && k != p; k = k->next_sibling)
        before = k;
    prim_list_remove(c->s, up, p);
    if (before)
        before->next_sibling = p->next_sibling;
    else
        atomic_store(&up->first_child, p->next_sibling);
    up->child_count--;
    edit_forget(c->s, p);
}

static bool resync_prim(struct commit *c, struct usd_prim *p)
{
    struct usd_stage *s   = c->s;
    struct edit_state *st = edit_state_make(s, p);
    struct region *fresh  = region_create(edit_region(s, p->parent));
    if (!st || !fresh) {
        region_release(fresh);
        return false;
    }
    region_release(st->below);
    st->below = fresh;
    arena_finish(&st->parts);
    p->ref_count = 0;
    atomic_store(&p->props, NULL);
    bool there = recompose(c->worker, p, &fresh->arena);
    p->flags |= PRIM_EDITED;
    if (!there)
        unlink_prim(c, p);
    return true;
}

// True when the only opinion that names a child is the session layer's last: then it is the last child.
static bool is_last_child(struct commit *c, const struct usd_prim *parent, usd_tok name)
{
    const struct spec_ref *r = prim_refs(parent);
    bool last                = false;
    for (unsigned i = 0; i < parent->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(parent->index, r[i], &l);
        uint32_t spec             = spec_child(l, r[i].spec, name);
        if (s->field_count && spec_field(l, s, T_primOrder))
            return false;
        if (spec && (r[i].node || r[i].layer))
            return false;
        last |= spec && !l->prims.items[spec].next_sibling;
    }
    return last && !atomic_load(&c->s->has_relocates);
}

static bool add_prim(struct commit *c, struct usd_prim *parent, usd_tok name)
{
    struct usd_stage *s = c->s;
    if (parent->flags & (PRIM_INACTIVE | PRIM_INSTANCE | PRIM_PROXY))
        return true;
    struct usd_prim *p = calloc(1, sizeof(*p));
    if (!p)
        return false;
    p->parent             = parent;
    p->name               = name;
    p->index              = parent->index;
    struct edit_state *st = edit_state_make(s, p);
    if (!st) {
        free(p);
        return false;
    }
    st->allocated = true;
    atomic_fetch_add(&s->prim_count, 1);
    struct usd_prim *last = atomic_load(&parent->first_child);
    while (last && last->next_sibling)
        last = last->next_sibling;
    if (last)
        last->next_sibling = p; // in its place later
    else
        atomic_store(&parent->first_child, p);
    parent->child_count++;
    prim_list_add(s, parent, p);
    if (hash_map_get(&c->added_to, (uintptr_t)parent) || !is_last_child(c, parent, name))
        mark_parent(c, parent);
    hash_map_put(&c->added_to, (uintptr_t)parent, 1);
    hash_map_put(&c->added, (uintptr_t)p, 1);
    return resync_prim(c, p);
}

// The children of a prim in the order composition gives them. True when those that stay changed places.
static bool sort_children(struct commit *c, struct usd_prim *p)
{
    if (p->flags & (PRIM_PROXY | PRIM_INACTIVE | PRIM_INSTANCE))
        return false;
    struct item_set names = { 0 };
    recompose_names(c->worker, p, &names);
    struct usd_prim *first = NULL, *last = NULL;
    size_t n = 0;
    struct {
        ARRAY_OF(struct usd_prim *);
    } kids = { 0 };
    for (size_t i = 0; i < names.count; i++) {
        struct usd_prim *k = child_at(p, (usd_tok)names.items[i]);
        n += k && array_push(&kids, k);
    }
    bool moved = false;
    if (n == p->child_count) {
        const struct usd_prim *old = atomic_load(&p->first_child);
        for (size_t i = 0; i < n && !moved; i++) {
            if (hash_map_get(&c->added, (uintptr_t)kids.items[i]))
                continue;
            while (hash_map_get(&c->added, (uintptr_t)old))
                old = old->next_sibling;
            moved = old != kids.items[i];
            old   = old->next_sibling;
        }
        for (size_t i = 0; i < n; i++) {
            if (last)
                last->next_sibling = kids.items[i];
            else
                first = kids.items[i];
            last = kids.items[i];
        }
        if (last)
            last->next_sibling = NULL;
        atomic_store(&p->first_child, first);
    }
    array_free(&kids);
    array_free(&names);
    return moved;
}

static bool compose_anew(struct commit *c)
{
    struct usd_stage *s = c->s;
    bool ok             = true;
    bool compose        = c->resync.count || c->parents.count;
    c->worker           = compose ? recomposer_create(s) : NULL;
    if (compose && !c->worker)
        return false;
    for (size_t i = 0; i < c->stale.count && ok; i++)
        ok = edit_set_refs(s, c->stale.items[i], prim_refs(c->stale.items[i]), c->stale.items[i]->ref_count);
    reduce(c);
    if (c->resync.count)
        drop_diagnostics(c);
    for (size_t i = 0; i < c->resync.count; i++) {
        struct usd_prim *p = existing(s, c->resync.items[i]);
        if (!p)
            continue;
        edit_forget_below(s, p);
        hash_map_remove(&s->dependents, (uintptr_t)p);
    }
    for (size_t i = 0; i < c->resync.count && ok; i++) {
        usd_tok path       = c->resync.items[i];
        struct usd_prim *p = existing(s, path);
        if (p) {
            ok = resync_prim(c, p);
            continue;
        }
        const char *text = tok_text(path), *slash = strrchr(text, '/');
        struct usd_prim *parent = slash == text ? s->root : existing(s, tok_make(text, (size_t)(slash - text)));
        if (parent)
            ok = add_prim(c, parent, tok_str(slash + 1));
    }
    if (c->resync.count && atomic_load(&s->has_clips))
        clips_forget(s);
    if (ok && c->resync.count && atomic_load(&s->has_nested_instances))
        ok = instances_cut_cycles(s);
    size_t at = 0;
    for (uint64_t path, one; ok && hash_map_next(&c->parents, &at, &path, &one);) {
        struct usd_prim *p = existing(s, (usd_tok)path);
        if (p && sort_children(c, p))
            (void)array_push(&c->info, (usd_tok)path);
    }
    return ok;
}

// ---------------------------------------------------------------------------------------------------------------
// The list of changes

static int compare_changes(const void *x, const void *y)
{
    const struct usd_change *a = x, *b = y;
    int order                  = strcmp(a->path, b->path);
    return order ? order : (int)a->kind - (int)b->kind;
}

static void report(struct commit *c)
{
    struct edits *e = c->s->edits;
    array_clear(&e->changes);
    for (size_t i = 0; i < c->resync.count; i++)
        (void)array_push(&e->changes, (struct usd_change) { tok_text(c->resync.items[i]), USD_CHANGE_RESYNCED });
    for (size_t i = 0; i < c->info.count; i++)
        if (!is_resynced(c, c->info.items[i]))
            (void)array_push(&e->changes, (struct usd_change) { tok_text(c->info.items[i]), USD_CHANGE_INFO });
    for (size_t i = 0; i < c->props.count; i++) {
        struct property_change q = c->props.items[i];
        char path[8192];
        if (is_resynced(c, q.path) || snprintf(path, sizeof(path), "%s.%s", tok_text(q.path), tok_text(q.name)) >= (int)sizeof(path))
            continue;
        (void)array_push(&e->changes, (struct usd_change) { tok_text(tok_str(path)), q.anew ? USD_CHANGE_RESYNCED : USD_CHANGE_INFO });
    }
    if (e->changes.count)
        qsort(e->changes.items, e->changes.count, sizeof(*e->changes.items), compare_changes);
    size_t n = 0;
    for (size_t i = 0; i < e->changes.count; i++) // resynced comes first and says more
        if (!n || e->changes.items[n - 1].path != e->changes.items[i].path)
            e->changes.items[n++] = e->changes.items[i];
    e->changes.count = n;
}

static void local_reports(struct commit *c)
{
    size_t at = 0;
    uint64_t key, value;
    while (hash_map_next(&c->s->edits->pending, &at, &key, &value))
        if (value & PEND_INFO && existing(c->s, (usd_tok)key))
            (void)array_push(&c->info, (usd_tok)key);
    at = 0;
    while (hash_map_next(&c->s->edits->pending_props, &at, &key, &value))
        if (existing(c->s, (usd_tok)(key >> 32)))
            (void)array_push(&c->props, (struct property_change) { (usd_tok)(key >> 32), (usd_tok)key, value != 0 });
}

// The root layer stack has other layers, relocations or time codes now.
static int compose_all(struct commit *c, struct usd_error *err)
{
    struct usd_stage *s = c->s;
    edit_forget_all(s);
    clips_forget(s);
    for (size_t i = 0; i < s->diagnostics.count; i++)
        free(s->diagnostics.items[i]);
    array_clear(&s->diagnostics);
    int rc = stack_open_root(s, NULL, err);
    if (rc == USD_OK)
        rc = stage_compose(s, s->threads);
    array_clear(&c->resync);
    (void)array_push(&c->resync, tok_make("/", 1));
    return rc;
}

static int commit(struct commit *c, struct usd_error *err)
{
    struct edits *e = c->s->edits;
    if (e->restack)
        return compose_all(c, err);
    bool ok   = true;
    size_t at = 0;
    for (uint64_t path, flags; ok && hash_map_next(&e->pending, &at, &path, &flags);)
        if (flags & (PEND_SPEC | PEND_STRUCT | PEND_PROPS))
            ok = local(c, tok_text((usd_tok)path), (unsigned)flags);
    dependents(c);
    shared_instances(c);
    shared_values(c);
    return ok && compose_anew(c) ? USD_OK : USD_ERR_NOMEM;
}

int usd_stage_commit(usd_stage *s, const struct usd_change **changes, size_t *count, struct usd_error *err)
{
    if (changes)
        *changes = NULL;
    if (count)
        *count = 0;
    struct edits *e = s ? s->edits : NULL;
    if (!e)
        return s ? USD_OK : USD_ERR_INVALID;
    array_clear(&e->changes);
    if (!e->pending.count && !e->restack)
        return USD_OK;
    struct commit c = { .s = s };
    int rc          = commit(&c, err);
    if (rc == USD_OK) {
        local_reports(&c);
        report(&c);
    } else {
        error_set(err, rc, "session", "the edits could not be committed: out of memory");
    }
    hash_map_clear(&e->pending);
    hash_map_clear(&e->pending_props);
    e->restack = false;
    session_settle(s->session);
    array_free(&c.resync);
    array_free(&c.stale);
    array_free(&c.info);
    array_free(&c.props);
    hash_map_finish(&c.shared);
    hash_map_finish(&c.showing);
    array_free(&c.inside);
    hash_map_finish(&c.added);
    hash_map_finish(&c.added_to);
    hash_map_finish(&c.parents);
    recomposer_destroy(c.worker);
    if (rc != USD_OK)
        return rc;
    if (e->changes.count)
        s->id = stage_new_id();
    if (changes)
        *changes = e->changes.items;
    if (count)
        *count = e->changes.count;
    for (size_t i = 0; e->changes.count && i < e->listeners.count; i++)
        e->listeners.items[i].fn(e->listeners.items[i].user, s, e->changes.items, e->changes.count);
    return USD_OK;
}

int usd_stage_listen(usd_stage *s, usd_change_fn *fn, void *user, struct usd_error *err)
{
    if (!s || !fn) {
        error_set(err, USD_ERR_INVALID, "", "no stage or no function is given");
        return USD_ERR_INVALID;
    }
    if (!edits_create(s) || !array_push(&s->edits->listeners, (struct listener) { fn, user })) {
        error_set(err, USD_ERR_NOMEM, "", "out of memory");
        return USD_ERR_NOMEM;
    }
    return USD_OK;
}

void usd_stage_unlisten(usd_stage *s, usd_change_fn *fn, void *user)
{
    if (!s || !s->edits)
        return;
    struct edits *e = s->edits;
    for (size_t i = 0; i < e->listeners.count; i++)
        if (e->listeners.items[i].fn == fn && e->listeners.items[i].user == user) {
            memmove(&e->listeners.items[i], &e->listeners.items[i + 1], (e->listeners.count - i - 1) * sizeof(e->listeners.items[0]));
            e->listeners.count--;
            return;
        }
}
