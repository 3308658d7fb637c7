// Memory of what edits compose anew, and how composed prims go: with everything that knows them by address.
#include "edit.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_BLOCK 256 // first block of a prim's own parts: most are small
#define BELOW_BLOCK 1024

struct region *region_create(struct region *outer)
{
    struct region *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    arena_init(&r->arena, 0);
    r->arena.first_block = BELOW_BLOCK;
    r->arena.align       = 8;
    r->refs              = 1;
    r->outer             = outer;
    if (outer)
        outer->refs++;
    return r;
}

void region_release(struct region *r)
{
    while (r && --r->refs == 0) {
        struct region *outer = r->outer;
        arena_finish(&r->arena);
        free(r);
        r = outer;
    }
}

struct edit_state *edit_state(const struct usd_stage *s, const struct usd_prim *p)
{
    if (!(p->flags & PRIM_EDITED))
        return NULL;
    uint64_t *at = hash_map_get(&s->edits->states, (uintptr_t)p);
    return at ? (struct edit_state *)(uintptr_t)*at : NULL;
}

struct edit_state *edit_state_make(struct usd_stage *s, struct usd_prim *p)
{
    struct edit_state *st = edit_state(s, p);
    if (st)
        return st;
    st = calloc(1, sizeof(*st));
    if (!st)
        return NULL;
    arena_init(&st->parts, 0);
    st->parts.first_block = PARTS_BLOCK;
    if (!hash_map_put(&s->edits->states, (uintptr_t)p, (uintptr_t)st)) {
        free(st);
        return NULL;
    }
    p->flags |= PRIM_EDITED;
    return st;
}

struct region *edit_region(const struct usd_stage *s, const struct usd_prim *p)
{
    for (; p; p = p->parent) {
        const struct edit_state *st = edit_state(s, p);
        if (st && st->below)
            return st->below;
    }
    return NULL;
}

struct arena *edit_below_arena(const struct usd_prim *p)
{
    struct usd_stage *s = prim_stage(p);
    struct region *r    = edit_region(s, p);
    return r ? &r->arena : &s->arena;
}

struct arena *edit_parts_arena(const struct usd_prim *p)
{
    struct usd_stage *s   = prim_stage(p);
    struct edit_state *st = edit_state(s, p);
    if (st)
        return &st->parts;
    return p->parent ? edit_below_arena(p->parent) : &s->arena;
}

bool edit_set_refs(struct usd_stage *s, struct usd_prim *p, const struct spec_ref *refs, size_t count)
{
    struct edit_state *st = edit_state_make(s, p);
    struct arena parts    = { 0 };
    struct spec_ref *many = NULL;
    if (!st || count > LIMIT_SPECS_PER_PRIM)
        return false;
    arena_init(&parts, 0);
    parts.first_block = PARTS_BLOCK;
    if (count > 1) {
        many = arena_alloc(&parts, count * sizeof(*many)); // before the old list goes, which `refs` may be
        if (!many)
            return false;
        memcpy(many, refs, count * sizeof(*many));
    }
    struct spec_ref one = count == 1 ? refs[0] : (struct spec_ref) { 0 };
    arena_finish(&st->parts);
    st->parts = parts;
    atomic_store(&p->props, NULL);
    p->ref_count = (uint16_t)count;
    if (count > 1)
        p->many = many;
    else
        p->one = one;
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Going

static void drop_state(struct usd_stage *s, struct usd_prim *p)
{
    struct edit_state *st = edit_state(s, p);
    if (!st)
        return;
    hash_map_remove(&s->edits->states, (uintptr_t)p);
    arena_finish(&st->parts);
    region_release(st->below);
    if (st->allocated) {
        free(p);
    } else { // its memory stays for a while: it must not lead anywhere
        atomic_store(&p->props, NULL);
        p->ref_count = 0;
        p->flags &= (uint16_t)~PRIM_EDITED;
    }
    free(st);
}

// What is below an instance that goes, while others share it, is held by a copy of that instance from now on. The copy
// has the path the instance had, through copies of its ancestors: paths inside the prototype stay what they were.
static bool outlive(struct usd_stage *s, struct prototype *pt)
{
    struct usd_prim *p = pt->holder, *copy = calloc(1, sizeof(*copy));
    if (!copy)
        return false;
    memcpy(copy, p, sizeof(*copy));
    copy->flags &= (uint16_t)~PRIM_EDITED;
    copy->next_sibling = NULL;
    copy->ref_count    = 0;
    atomic_store(&copy->props, NULL);
    struct edit_state *st = edit_state_make(s, copy);
    if (!st) {
        free(copy);
        return false;
    }
    st->allocated = true;
    st->below     = edit_region(s, p);
    if (st->below)
        st->below->refs++;
    const struct usd_prim **up = &copy->parent;
    for (const struct usd_prim *q = p->parent; q && q->parent; q = q->parent) {
        struct usd_prim *ancestor = arena_alloc(&st->parts, sizeof(*ancestor));
        if (!ancestor) {
            copy->parent = s->root;
            break;
        }
        ancestor->index = copy->index;
        ancestor->name  = q->name;
        *up             = ancestor;
        up              = &ancestor->parent;
        *up             = s->root;
    }
    prim_list_forget(s, p);
    for (struct usd_prim *k = atomic_load(&copy->first_child); k; k = k->next_sibling)
        k->parent = copy;
    pt->holder = copy;
    return true;
}

static void forget_kids(struct usd_stage *s, struct usd_prim *p)
{
    prim_list_forget(s, p);
    struct usd_prim *k = atomic_load(&p->first_child);
    for (struct usd_prim *next; k && k != &prim_pending; k = next) {
        next = k->next_sibling;
        edit_forget(s, k);
    }
}

// The last instance of a prototype went.
static void drop_prototype(struct usd_stage *s, struct prototype *pt, const struct usd_prim *last)
{
    struct usd_prim *holder = pt->holder;
    if (holder != last) { // it outlived the instance it stood for
        forget_kids(s, holder);
        for (const struct usd_prim *q = holder; q->parent; q = q->parent) {
            prim_list_forget(s, q);
            hash_map_remove(&s->paths, (uintptr_t)q);
        }
        drop_state(s, holder);
    }
    hash_map_remove(&s->prototypes, pt->key);
    atomic_fetch_sub(&s->prototype_count, 1);
    free(pt);
}

void edit_forget_below(struct usd_stage *s, struct usd_prim *p)
{
    bool instance        = p->flags & PRIM_INSTANCE && !(p->flags & PRIM_PROXY);
    struct prototype *pt = instance ? p->index->prototype : NULL;
    if (pt) {
        pt->users--;
        atomic_fetch_sub(&s->instance_count, 1);
    }
    if (!pt || pt->holder != p || !pt->users || !outlive(s, pt))
        forget_kids(s, p);
    if (pt && !pt->users)
        drop_prototype(s, pt, p);
    atomic_store(&p->first_child, NULL);
    p->child_count = 0;
    p->flags &= (uint16_t)~PRIM_INSTANCE;
}

void edit_forget(struct usd_stage *s, struct usd_prim *p)
{
    edit_forget_below(s, p);
    hash_map_remove(&s->paths, (uintptr_t)p);
    if (p->flags & PRIM_PROXY)
        return;
    hash_map_remove(&s->dependents, (uintptr_t)p);
    atomic_fetch_sub(&s->prim_count, 1);
    drop_state(s, p);
}

void edit_forget_all(struct usd_stage *s)
{
    size_t at = 0;
    uint64_t key, value;
    while (hash_map_next(&s->edits->states, &at, &key, &value)) {
        struct edit_state *st = (struct edit_state *)(uintptr_t)value;
        arena_finish(&st->parts);
        region_release(st->below);
        if (st->allocated)
            free((struct usd_prim *)(uintptr_t)key);
        free(st);
    }
    hash_map_clear(&s->edits->states);
    at = 0;
    while (hash_map_next(&s->prototypes, &at, &key, &value))
        free((struct prototype *)(uintptr_t)value);
    hash_map_clear(&s->prototypes);
    hash_map_clear(&s->dependents);
    hash_map_clear(&s->paths);
    hash_map_clear(&s->children);
    hash_map_clear(&s->child_lists);
    for (size_t i = 0; i < s->arenas.count; i++) {
        arena_finish(s->arenas.items[i]);
        free(s->arenas.items[i]);
    }
    array_clear(&s->arenas);
    atomic_store(&s->prim_count, 0);
    atomic_store(&s->instance_count, 0);
    atomic_store(&s->prototype_count, 0);
    if (s->root)
        atomic_store(&s->root->props, NULL);
}

size_t edits_memory(const struct usd_stage *s)
{
    size_t at = 0, bytes = 0;
    uint64_t key, value;
    while (s->edits && hash_map_next(&s->edits->states, &at, &key, &value)) {
        const struct edit_state *st = (const struct edit_state *)(uintptr_t)value;
        bytes += sizeof(*st) + st->parts.used + (st->allocated ? sizeof(struct usd_prim) : 0);
        for (const struct region *r = st->below; r; r = r->outer) // with those that only this one keeps
            bytes += r == st->below || r->refs == 1 ? r->arena.used : 0;
    }
    return bytes;
}
