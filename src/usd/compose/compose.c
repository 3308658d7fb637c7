// Populates the stage: children, their opinions, instancing; on all cores.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "expression.h"
#include "relocate.h"
#include "session.h"
#include "site.h"
#include "stage.h"

#define MAX_DEPTH 2000 // of the namespace
#define CHILD_HASH 512
#define FRONTIER 256    // subtrees handed out to the threads
#define SHARED_LIST 256 // children that all threads compose together, while there are no subtrees to hand out
#define KIDS_AT_ONCE 32

struct usd_prim prim_pending;

struct child {
    usd_tok name;
    uint32_t first, count; // list of opinions, linked strongest first
    bool relocated;        // something comes here by relocation
};
struct child_ref {
    struct spec_ref ref;
    uint32_t next;
};

// One thread's working memory.
struct worker {
    struct usd_stage *stage;
    struct arena *arena;
    struct scratch *scratch;
    struct {
        ARRAY_OF(struct child);
    } children;
    struct {
        ARRAY_OF(struct child_ref);
    } refs;
    struct hash_map by_name; // only for long lists
    struct item_set order;
    struct {
        ARRAY_OF(struct spec_ref);
    } inherited, filtered;
    struct {
        ARRAY_OF(usd_tok);
    } prohibited; // names that relocations took away
    struct job *job; // while this worker composes alone: the others can help with a long list of children
    struct {
        ARRAY_OF(struct usd_prim *);
    } dependents; // for the stage's map
};

static void publish_dependents(struct worker *w)
{
    pthread_mutex_lock(&w->stage->lock);
    for (size_t i = 0; i < w->dependents.count; i++)
        (void)hash_map_put(&w->stage->dependents, (uintptr_t)w->dependents.items[i], 1);
    pthread_mutex_unlock(&w->stage->lock);
    array_clear(&w->dependents);
}

static void worker_finish(struct worker *w)
{
    publish_dependents(w);
    array_free(&w->dependents);
    array_free(&w->children);
    array_free(&w->refs);
    array_free(&w->order);
    array_free(&w->inherited);
    array_free(&w->filtered);
    array_free(&w->prohibited);
    hash_map_finish(&w->by_name);
    scratch_destroy(w->scratch);
}

static bool worker_init(struct worker *w, struct usd_stage *s)
{
    *w         = (struct worker) { .stage = s };
    w->scratch = scratch_create();
    w->arena   = calloc(1, sizeof(*w->arena));
    if (!w->scratch || !w->arena) {
        free(w->arena);
        return false;
    }
    arena_init(w->arena, 0);
    w->arena->align = 8;
    pthread_mutex_lock(&s->lock);
    bool kept = array_push(&s->arenas, w->arena);
    pthread_mutex_unlock(&s->lock);
    return kept;
}

// ---------------------------------------------------------------------------------------------------------------
// What one prim is

const struct field *prim_field(const struct usd_prim *prim, usd_tok name, const struct layer **layer)
{
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        if (!s->field_count)
            continue;
        const struct field *f = spec_field(l, s, name);
        if (f) {
            if (layer)
                *layer = l;
            return f;
        }
    }
    return NULL;
}

static bool flag_field(const struct usd_prim *p, usd_tok name, bool fallback)
{
    const struct field *f = prim_field(p, name, NULL);
    return f && f->type == USD_TYPE_BOOL && !(f->flags & VF_ARRAY) ? (f->bits & 0xff) != 0 : fallback;
}

// True when the node came in through an inherits arc of the prim itself.
static bool inherited_here(const struct index *ix, const struct usd_prim *p, uint16_t node)
{
    if (ix->depth != prim_depth(p))
        return false;
    for (uint16_t n = node; n; n = ix->nodes[n].parent)
        if (ix->nodes[n].arc == ARC_INHERIT && ix->nodes[n].direct)
            return true;
    return false;
}

// def and class beat over; a class that is only inherited from does not make its heirs classes.
static unsigned resolve_specifier(const struct usd_prim *p)
{
    const struct spec_ref *r = prim_refs(p);
    unsigned found           = USD_OVER;
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        if (s->kind == SPEC_VARIANT || s->specifier == USD_OVER)
            continue;
        if (s->specifier == USD_DEF || !inherited_here(p->index, p, r[i].node))
            return s->specifier;
        found = USD_CLASS;
    }
    return found;
}

static void resolve_prim(struct usd_prim *p)
{
    const struct spec_ref *r = prim_refs(p);
    bool fields              = false;
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        if (!p->type_name && s->type_name && strcmp(tok_text(s->type_name), "__AnyType__"))
            p->type_name = s->type_name;
        fields |= s->field_count > 0;
    }
    unsigned specifier = resolve_specifier(p);
    p->flags           = (uint16_t)(specifier << 6);
    if (p->parent)
        p->flags |= p->parent->flags & (PRIM_INACTIVE | PRIM_UNDEFINED | PRIM_ABSTRACT | PRIM_BELOW_INSTANCE);
    if (p->parent && p->parent->flags & PRIM_INSTANCE)
        p->flags |= PRIM_BELOW_INSTANCE;
    if (specifier == USD_OVER)
        p->flags |= PRIM_UNDEFINED;
    if (specifier == USD_CLASS)
        p->flags |= PRIM_ABSTRACT;
    if (fields && !flag_field(p, T_active, true))
        p->flags |= PRIM_INACTIVE;
    if (fields && flag_field(p, T_instanceable, false))
        p->flags |= PRIM_INSTANCEABLE;
}

// ---------------------------------------------------------------------------------------------------------------
// Instancing: prims whose own arcs and variant selections are the same share the children of one of them.

static bool key_append(struct item_set *key, const struct node *n)
{
    uint64_t offset, scale;
    memcpy(&offset, &n->to_root->time.offset, 8);
    memcpy(&scale, &n->to_root->time.scale, 8);
    return array_push(key, (uintptr_t)n->stack) && array_push(key, (uint64_t)n->site << 32 | n->arc) && array_push(key, offset)
           && array_push(key, scale);
}

static void key_arcs(struct item_set *key, const struct index *ix)
{
    bool payloads = false;
    for (uint32_t i = 1; i < ix->count && !payloads; i++)
        payloads = ix->nodes[i].arc == ARC_PAYLOAD;
    for (uint32_t i = 1; i < ix->count; i++) {
        const struct node *n = &ix->nodes[i];
        if (n->direct && !n->culled && (payloads || !node_is_shared(ix, n->parent)))
            (void)key_append(key, n);
    }
}

static void key_selections(struct item_set *key, const struct usd_prim *p)
{
    size_t first             = key->count;
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        const struct field *f     = s->field_count ? spec_field(l, s, T_variantSelection) : NULL;
        if (!f || f->type != VT_SELECTIONS)
            continue;
        const char *const *pair = field_ptr(f);
        for (uint32_t k = 0; k < f->count; k++) {
            char text[EXPRESSION_MAX], error[160];
            const char *name = pair[k * 2 + 1];
            if (expression_is(name))
                name = expression_string(p->index->nodes[r[i].node].stack->vars, name, text, error) ? text : NULL;
            if (!name)
                continue;
            uint64_t item = (uint64_t)tok_str(pair[k * 2]) << 32 | tok_str(name);
            size_t at     = first;
            while (at < key->count && key->items[at] >> 32 < item >> 32)
                at++;
            if ((at < key->count && key->items[at] >> 32 == item >> 32) || !array_push(key, item))
                continue; // a stronger one is there
            memmove(key->items + at + 1, key->items + at, (key->count - 1 - at) * sizeof(item));
            key->items[at] = item;
        }
    }
}

static void resolve_instance(struct worker *w, struct usd_prim *p)
{
    struct index *ix = p->index;
    if (!(p->flags & PRIM_INSTANCEABLE) || p->flags & PRIM_INACTIVE || ix->depth != prim_depth(p))
        return;
    struct item_set *key = &w->order;
    array_clear(key);
    key_arcs(key, ix);
    if (!key->count)
        return;
    key_selections(key, p);
    struct usd_stage *s = w->stage;
    char path[8192];
    if (prim_path_write(p, path, s->load.count ? sizeof(path) : 0) >= sizeof(path) || !load_key(&s->load, path, key))
        return;
    pthread_mutex_lock(&s->lock);
    uint32_t id          = intern_id(s->instance_keys, (const char *)key->items, key->count * sizeof(uint64_t));
    uint64_t *old        = id ? hash_map_get(&s->prototypes, id) : NULL;
    struct prototype *pt = old ? (struct prototype *)(uintptr_t)*old : id ? calloc(1, sizeof(*pt)) : NULL;
    if (pt && !old) {
        *pt = (struct prototype) { .holder = p, .key = id };
        if (!hash_map_put(&s->prototypes, id, (uintptr_t)pt)) {
            free(pt);
            pt = NULL;
        }
    }
    ix->prototype = pt;
    if (pt)
        pt->users++;
    pthread_mutex_unlock(&s->lock);
    if (!pt)
        return;
    p->flags |= PRIM_INSTANCE;
    atomic_fetch_add(&s->instance_count, 1);
    if (p->flags & PRIM_BELOW_INSTANCE)
        atomic_store_explicit(&s->has_nested_instances, true, memory_order_relaxed);
    if (pt->holder == p)
        atomic_fetch_add(&s->prototype_count, 1);
    else
        atomic_store_explicit(&p->first_child, &prim_pending, memory_order_release);
}

// ---------------------------------------------------------------------------------------------------------------
// Children

static struct child *child_of(struct worker *w, usd_tok name)
{
    size_t n = w->children.count;
    if (n < CHILD_HASH / 16) {
        for (size_t i = 0; i < n; i++)
            if (w->children.items[i].name == name)
                return &w->children.items[i];
    } else {
        if (!w->by_name.count)
            for (size_t i = 0; i < n; i++)
                hash_map_put(&w->by_name, w->children.items[i].name, i);
        uint64_t *at = hash_map_get(&w->by_name, name);
        if (at)
            return &w->children.items[*at];
        hash_map_put(&w->by_name, name, n);
    }
    if (!array_push(&w->children, (struct child) { .name = name, .first = UINT32_MAX }))
        return NULL;
    return &w->children.items[n];
}

static void reorder_children(struct worker *w, const struct field *f)
{
    struct item_set names = { 0 }, order = { 0 };
    listop_names(&order, f);
    for (size_t i = 0; i < w->children.count; i++)
        (void)array_push(&names, w->children.items[i].name);
    order_apply(&names, order.items, order.count);
    struct child *old = w->children.items;
    size_t count      = w->children.count;
    w->children.items = NULL;
    w->children.count = w->children.capacity = 0;
    struct hash_map at = { 0 };
    for (size_t i = 0; i < count; i++)
        hash_map_put(&at, old[i].name, i);
    for (size_t i = 0; i < names.count; i++)
        (void)array_push(&w->children, old[*hash_map_get(&at, names.items[i])]);
    hash_map_finish(&at);
    hash_map_clear(&w->by_name);
    free(old);
    array_free(&names);
    array_free(&order);
}

static bool add_child_ref(struct worker *w, struct child *slot, uint32_t spec, struct spec_ref from)
{
    if (!slot || !array_push(&w->refs, (struct child_ref) { { spec, from.node, from.layer }, slot->first }))
        return false;
    slot->first = (uint32_t)w->refs.count - 1;
    slot->count++;
    return true;
}

// Names and opinions of one spec's children. Weaker ones are there already: they come first, this one may reorder.
static void gather_spec(struct worker *w, const struct usd_prim *p, struct spec_ref ref, bool only)
{
    const struct layer *l;
    const struct prim_spec *s = ref_spec(p->index, ref, &l);
    for (uint32_t c = s->first_child; c; c = l->prims.items[c].next_sibling) {
        struct child *slot = NULL;
        if (!only)
            slot = child_of(w, l->prims.items[c].name);
        else if (array_push(&w->children, (struct child) { .name = l->prims.items[c].name, .first = UINT32_MAX }))
            slot = &w->children.items[w->children.count - 1];
        if (!add_child_ref(w, slot, c, ref))
            return;
    }
    const struct field *order = s->field_count ? spec_field(l, s, T_primOrder) : NULL;
    if (order)
        reorder_children(w, order);
}

static void gather_clear(struct worker *w)
{
    array_clear(&w->children);
    array_clear(&w->refs);
    array_clear(&w->prohibited);
    if (w->by_name.count)
        hash_map_clear(&w->by_name);
}

static void gather(struct worker *w, const struct usd_prim *p, const struct spec_ref *refs, size_t count)
{
    gather_clear(w);
    for (size_t i = count; i-- > 0;)
        gather_spec(w, p, refs[i], count == 1); // no need to look names up then: they are unique within a spec
}

// Below an instance names come from the arcs made at the instance itself, opinions from all that these bring in.
static void gather_shared(struct worker *w, const struct usd_prim *p, const struct spec_ref *refs, size_t count)
{
    gather_clear(w);
    bool indirect = false;
    for (size_t i = count; i-- > 0;) {
        if (p->index->nodes[refs[i].node].direct)
            gather_spec(w, p, refs[i], false);
        else
            indirect = true;
    }
    if (!indirect)
        return;
    array_clear(&w->refs);
    for (size_t i = 0; i < w->children.count; i++)
        w->children.items[i].first = UINT32_MAX, w->children.items[i].count = 0;
    for (size_t i = count; i-- > 0;) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, refs[i], &l);
        for (uint32_t c = s->first_child; c; c = l->prims.items[c].next_sibling) {
            size_t known       = w->children.count;
            struct child *slot = child_of(w, l->prims.items[c].name);
            if (w->children.count == known)
                add_child_ref(w, slot, c, refs[i]);
            else { // a name of nobody's: not a child
                w->children.count--;
                hash_map_remove(&w->by_name, l->prims.items[c].name);
            }
        }
    }
}

static struct child *find_child(struct worker *w, usd_tok name)
{
    for (size_t i = 0; i < w->children.count; i++)
        if (w->children.items[i].name == name)
            return &w->children.items[i];
    return NULL;
}

static void remove_child(struct worker *w, struct child *c)
{
    size_t i = (size_t)(c - w->children.items);
    memmove(c, c + 1, (w->children.count - i - 1) * sizeof(*c));
    w->children.count--;
}

// Names that a stack moves away from, and to, the site of a node.
static void relocate_names(struct worker *w, const struct layer_stack *st, usd_tok site)
{
    hash_map_clear(&w->by_name);
    uint32_t begin, end;
    relocate_range(st, RELOCATE_SOURCE, site, &begin, &end);
    for (uint32_t i = begin; i < end; i++) {
        const struct relocate *r = relocate_nth(st, RELOCATE_SOURCE, i);
        if (site_parent(r->from) != site)
            continue;
        usd_tok name    = site_name(r->from);
        struct child *c = find_child(w, name);
        bool rename     = r->to && site_parent(r->to) == site;
        (void)array_push(&w->prohibited, name);
        if (c && rename && !find_child(w, site_name(r->to))) // in the old one's place
            *c = (struct child) { .name = site_name(r->to), .first = UINT32_MAX };
        else if (c)
            remove_child(w, c);
    }
    relocate_range(st, RELOCATE_TARGET, site, &begin, &end);
    for (uint32_t i = begin; i < end; i++) { // sorted by path, hence by name
        const struct relocate *r = relocate_nth(st, RELOCATE_TARGET, i);
        if (site_parent(r->to) != site)
            continue;
        usd_tok name    = site_name(r->to);
        struct child *c = find_child(w, name);
        if (!c && site_parent(r->from) != site && array_push(&w->children, (struct child) { .name = name, .first = UINT32_MAX }))
            c = &w->children.items[w->children.count - 1];
        if (c)
            c->relocated = true;
    }
}

// The same with relocations, which act node by node.
static void gather_relocated(struct worker *w, const struct usd_prim *p, const struct spec_ref *refs, size_t count)
{
    const struct index *ix = p->index;
    bool instance          = p->flags & PRIM_INSTANCE;
    gather_clear(w);
    for (uint32_t n = ix->count; n-- > 0;) {
        const struct node *node = &ix->nodes[n];
        bool names              = !instance || node->direct;
        usd_tok site            = 0;
        if (names && !node->culled && node->stack->relocate_count && node->site == node->path)
            site = node_site(node, ix, p);
        if (site)
            relocate_names(w, node->stack, site);
        for (; count && refs[count - 1].node == n; count--)
            if (names)
                gather_spec(w, p, refs[count - 1], false);
    }
    hash_map_clear(&w->by_name);
    for (size_t i = 0; i < w->prohibited.count; i++) {
        struct child *c = find_child(w, w->prohibited.items[i]);
        if (c)
            remove_child(w, c);
    }
}

static bool any_relocates(const struct index *ix)
{
    for (uint32_t i = 0; i < ix->count; i++)
        if (ix->nodes[i].stack->relocate_count && !ix->nodes[i].culled)
            return true;
    return false;
}

static bool set_refs(struct worker *w, struct usd_prim *p, const struct spec_ref *refs, size_t count)
{
    if (count > LIMIT_SPECS_PER_PRIM)
        count = LIMIT_SPECS_PER_PRIM;
    p->ref_count = (uint16_t)count;
    if (count <= 1) {
        if (count)
            p->one = refs[0];
        return true;
    }
    p->many = arena_alloc(w->arena, count * sizeof(*p->many));
    if (!p->many) {
        p->ref_count = 0;
        return false;
    }
    memcpy(p->many, refs, count * sizeof(*p->many));
    return true;
}

// Opinions in the root layer stack reach it from elsewhere than its own path: edits there concern it too.
static bool is_dependent(const struct usd_prim *p)
{
    const struct index *ix = p->index;
    for (uint32_t i = 1; i < ix->count; i++)
        if (ix->nodes[i].stack == ix->stage->root_stack && ix->nodes[i].arc != ARC_VARIANT)
            return true;
    return false;
}

static void compose_prim(struct worker *w, struct usd_prim *p, const struct spec_ref *refs, size_t count, bool relocated)
{
    bool arcs = relocated;
    for (size_t i = 0; i < count && !arcs; i++) {
        const struct layer *l;
        arcs = ref_spec(p->index, refs[i], &l)->flags & SPEC_HAS_ARCS;
    }
    if (arcs) {
        struct graph_result g;
        if (graph_build(w->stage, w->scratch, w->arena, p, refs, count, &g)) {
            p->index = g.index;
            set_refs(w, p, g.refs, g.ref_count);
            if (is_dependent(p))
                (void)array_push(&w->dependents, p);
        } else {
            set_refs(w, p, refs, count);
        }
    } else {
        set_refs(w, p, refs, count);
    }
    resolve_prim(p);
    resolve_instance(w, p);
}

static void child_refs(struct worker *w, const struct worker *from, const struct child *c)
{
    array_clear(&w->inherited);
    for (uint32_t r = c->first; r != UINT32_MAX; r = from->refs.items[r].next)
        (void)array_push(&w->inherited, from->refs.items[r].ref);
}

// Children first to end of p, as `from` gathered them.
static void compose_kids(struct worker *w, const struct worker *from, struct usd_prim *p, struct usd_prim *kids, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const struct child *c = &from->children.items[i];
        struct usd_prim *k    = &kids[i];
        k->parent             = p;
        k->index              = p->index;
        k->name               = c->name;
        k->next_sibling       = i + 1 < from->children.count ? &kids[i + 1] : NULL;
        child_refs(w, from, c);
        compose_prim(w, k, w->inherited.items, w->inherited.count, c->relocated);
    }
}

struct job {
    struct usd_stage *stage;
    struct {
        ARRAY_OF(struct usd_prim *);
    } frontier;
    struct worker *workers;
    int worker_count;
    struct thread_pool *pool; // made when there is something to share
    atomic_uint next_worker, next_prim;
};

struct kids_job {
    struct worker *workers;
    const struct worker *from;
    struct usd_prim *p, *kids;
    size_t count;
    atomic_size_t next;
};

static void run_kids(void *user, size_t i)
{
    struct kids_job *j = user;
    for (;;) {
        size_t first = atomic_fetch_add(&j->next, KIDS_AT_ONCE);
        if (first >= j->count)
            return;
        compose_kids(&j->workers[i], j->from, j->p, j->kids, first, first + KIDS_AT_ONCE < j->count ? first + KIDS_AT_ONCE : j->count);
    }
}

static void share_kids(struct job *job, const struct worker *from, struct usd_prim *p, struct usd_prim *kids, size_t count)
{
    struct kids_job j = { job->workers, from, p, kids, count, 0 };
    if (!job->pool && job->worker_count > 1)
        job->pool = thread_pool_create(job->worker_count - 1, "usd");
    thread_pool_for(job->pool, (size_t)job->worker_count, run_kids, &j);
}

// Fills w->children.
static void gather_children(struct worker *w, const struct usd_prim *p)
{
    const struct spec_ref *refs = prim_refs(p);
    size_t count                = p->ref_count;
    if (p->flags & PRIM_INSTANCE) { // local opinions do not reach below an instance
        array_clear(&w->filtered);
        for (size_t i = 0; i < count; i++)
            if (node_is_shared(p->index, refs[i].node))
                (void)array_push(&w->filtered, refs[i]);
        refs  = w->filtered.items;
        count = w->filtered.count;
    }
    if (atomic_load_explicit(&w->stage->has_relocates, memory_order_relaxed) && any_relocates(p->index))
        gather_relocated(w, p, refs, count);
    else if (p->flags & PRIM_INSTANCE)
        gather_shared(w, p, refs, count);
    else
        gather(w, p, refs, count);
}

// The direct children of a composed prim. They are left without children of their own.
static void compose_children(struct worker *w, struct usd_prim *p)
{
    if (p->flags & PRIM_INACTIVE || (p->flags & PRIM_INSTANCE && prim_holder(p) != p)
        || atomic_load_explicit(&w->stage->prims_full, memory_order_relaxed))
        return;
    gather_children(w, p);
    size_t n = w->children.count;
    if (!n)
        return;
    uint64_t total = atomic_fetch_add(&w->stage->prim_count, n) + n;
    if (!budget_prims(w->stage, total)) {
        atomic_fetch_sub(&w->stage->prim_count, n);
        return;
    }
    struct usd_prim *kids = arena_alloc(w->arena, n * sizeof(*kids));
    if (!kids)
        return;
    p->child_count = (uint32_t)n;
    if (w->job && n >= SHARED_LIST)
        share_kids(w->job, w, p, kids, n);
    else
        compose_kids(w, w, p, kids, 0, n);
    atomic_store_explicit(&p->first_child, kids, memory_order_release);
}

static void compose_below(struct worker *w, struct usd_prim *p, unsigned depth)
{
    if (depth > MAX_DEPTH) {
        stage_diagnose(w->stage, USD_ERROR, USD_ERR_LIMIT, "", "", "the namespace is deeper than %d", MAX_DEPTH);
        return;
    }
    compose_children(w, p);
    struct usd_prim *kid = atomic_load_explicit(&p->first_child, memory_order_relaxed);
    if (kid == &prim_pending)
        return;
    for (; kid; kid = kid->next_sibling)
        compose_below(w, kid, depth + 1);
}

// ---------------------------------------------------------------------------------------------------------------
// Parts of a stage anew

struct worker *recomposer_create(struct usd_stage *s)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->stage   = s;
    w->scratch = scratch_create();
    if (!w->scratch) {
        free(w);
        return NULL;
    }
    return w;
}

void recomposer_destroy(struct worker *w)
{
    if (w)
        worker_finish(w);
    free(w);
}

// Opinions about one child, without looking at its siblings.
static bool find_refs(struct worker *w, const struct usd_prim *parent, usd_tok name)
{
    const struct spec_ref *refs = prim_refs(parent);
    array_clear(&w->inherited);
    for (size_t i = 0; i < parent->ref_count; i++) {
        const struct layer *l = ref_stack_layer(parent->index, refs[i].node, refs[i].layer)->layer;
        uint32_t spec         = spec_child(l, refs[i].spec, name);
        if (spec && !array_push(&w->inherited, (struct spec_ref) { spec, refs[i].node, refs[i].layer }))
            return false;
    }
    return w->inherited.count > 0;
}

bool recompose(struct worker *w, struct usd_prim *p, struct arena *arena)
{
    bool relocated = false, found = false;
    if (atomic_load(&w->stage->has_relocates) && any_relocates(p->parent->index)) {
        gather_children(w, p->parent);
        const struct child *c = find_child(w, p->name);
        found                 = c != NULL;
        relocated             = c && c->relocated;
        if (c)
            child_refs(w, w, c);
    } else {
        found = find_refs(w, p->parent, p->name);
    }
    if (!found)
        return false;
    w->arena       = arena;
    scratch_forget_arena(w->scratch);
    p->index       = p->parent->index;
    p->type_name   = 0;
    p->child_count = 0;
    p->flags       = 0;
    atomic_store(&p->first_child, NULL);
    atomic_store(&p->props, NULL);
    compose_prim(w, p, w->inherited.items, w->inherited.count, relocated);
    compose_below(w, p, (unsigned)prim_depth(p));
    publish_dependents(w);
    return true;
}

void recompose_names(struct worker *w, const struct usd_prim *p, struct item_set *names)
{
    array_clear(names);
    gather_children(w, p);
    for (size_t i = 0; i < w->children.count; i++)
        (void)array_push(names, w->children.items[i].name);
}

// ---------------------------------------------------------------------------------------------------------------
// All threads


static void run_job(void *user, size_t i)
{
    struct job *j    = user;
    struct worker *w = &j->workers[i];
    for (;;) {
        unsigned at = atomic_fetch_add(&j->next_prim, 1);
        if (at >= j->frontier.count)
            return;
        compose_below(w, j->frontier.items[at], (unsigned)prim_depth(j->frontier.items[at]));
    }
}

int stage_compose(struct usd_stage *s, int threads)
{
    int64_t start = clock_mono_ns();
    if (threads <= 0)
        threads = thread_cpu_count();
    if (threads > 16)
        threads = 16;
    struct job j = { .stage = s, .workers = calloc((size_t)threads, sizeof(struct worker)) };
    int made     = 0;
    while (j.workers && made < threads && worker_init(&j.workers[made], s))
        made++;
    j.worker_count = made;
    int rc = made ? USD_OK : USD_ERR_NOMEM;
    struct index *ix = NULL;
    if (made) {
        struct worker *w = &j.workers[0];
        s->root          = s->root ? s->root : calloc(1, sizeof(*s->root)); // keeps its address when all is composed anew
        ix               = arena_alloc(w->arena, sizeof(*ix) + sizeof(ix->nodes[0]));
        rc               = s->root && ix ? USD_OK : USD_ERR_NOMEM;
    }
    if (rc == USD_OK) {
        struct worker *w = &j.workers[0];
        ix->stage    = s;
        ix->count    = 1;
        ix->nodes[0] = (struct node) { .stack = s->root_stack, .to_parent = &path_map_identity, .to_root = &path_map_identity,
                                       .site = tok_make("/", 1), .path = tok_make("/", 1), .arc = ARC_ROOT, .direct = true };
        s->root->index = ix;
        for (uint32_t i = session_is_empty(s->session) ? 1 : 0; i < s->root_stack->count; i++)
            (void)array_push(&w->inherited, (struct spec_ref) { 0, 0, (uint16_t)i });
        set_refs(w, s->root, w->inherited.items, w->inherited.count);
        s->root->flags = 0;
        atomic_store(&s->root->first_child, NULL);
        s->root->child_count = 0;
        w->job = &j;
        // Breadth first until there is enough to share out.
        size_t at = 0;
        (void)array_push(&j.frontier, s->root);
        while (at < j.frontier.count && j.frontier.count - at < FRONTIER) {
            struct usd_prim *p = j.frontier.items[at++];
            if (prim_depth(p) > 16) {
                at--;
                break;
            }
            compose_children(w, p);
            struct usd_prim *kid = atomic_load_explicit(&p->first_child, memory_order_relaxed);
            for (; kid && kid != &prim_pending; kid = kid->next_sibling)
                (void)array_push(&j.frontier, kid);
        }
        w->job = NULL;
        atomic_init(&j.next_prim, (unsigned)at);
        if (!j.pool && made > 1 && j.frontier.count - at > 1)
            j.pool = thread_pool_create(made - 1, "usd");
        thread_pool_for(j.pool, (size_t)made, run_job, &j);
        thread_pool_destroy(&j.pool);
    }
    if (rc == USD_OK && atomic_load(&s->has_nested_instances) && !instances_cut_cycles(s))
        rc = USD_ERR_NOMEM;
    for (int i = 0; i < made; i++)
        worker_finish(&j.workers[i]);
    array_free(&j.frontier);
    free(j.workers);
    s->stats.compose_seconds = (double)(clock_mono_ns() - start) * 1e-9;
    return rc;
}
