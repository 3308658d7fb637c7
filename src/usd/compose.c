// Populates the stage: children, their opinions, instancing; on all cores.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "stage.h"

#define MAX_DEPTH 2000 // of the namespace
#define CHILD_HASH 512

struct usd_prim prim_pending;

struct child {
    usd_tok name;
    uint32_t first, count; // list of opinions, linked strongest first
    bool relocated;        // something comes here by relocation, through the nodes in worker.keep
};
struct child_ref {
    struct spec_ref ref;
    uint32_t next;
};

struct keep {
    usd_tok name;
    uint16_t node;
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
        ARRAY_OF(struct keep);
    } keep;
    struct {
        ARRAY_OF(uint16_t);
    } keep_nodes;
};

static void worker_finish(struct worker *w)
{
    array_free(&w->children);
    array_free(&w->refs);
    array_free(&w->order);
    array_free(&w->inherited);
    array_free(&w->filtered);
    array_free(&w->keep);
    array_free(&w->keep_nodes);
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

static bool below_class_arc(const struct index *ix, uint16_t node)
{
    for (uint16_t n = node; ix->nodes[n].arc != ARC_ROOT; n = ix->nodes[n].parent)
        if (arc_is_class(ix->nodes[n].arc))
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
        if (s->specifier == USD_DEF || !below_class_arc(p->index, r[i].node))
            return s->specifier;
        if (found == USD_OVER)
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
        if (!p->type_name)
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
// Instancing: prims whose direct arcs are the same share the children of one of them.

static bool key_append(struct item_set *key, const struct node *n)
{
    uint64_t offset, scale;
    memcpy(&offset, &n->time.offset, 8);
    memcpy(&scale, &n->time.scale, 8);
    return array_push(key, (uintptr_t)n->stack) && array_push(key, (uint64_t)n->path << 32 | n->arc)
           && array_push(key, (uint64_t)n->set << 32 | n->selection) && array_push(key, offset) && array_push(key, scale);
}

static void resolve_instance(struct worker *w, struct usd_prim *p)
{
    if (!(p->flags & PRIM_INSTANCEABLE) || p->flags & PRIM_INACTIVE)
        return;
    struct index *ix     = p->index;
    struct item_set *key = &w->order;
    array_clear(key);
    const struct spec_ref *r = prim_refs(p);
    uint16_t last            = UINT16_MAX;
    for (unsigned i = 0; i < p->ref_count; i++) {
        if (r[i].node != last && ix->nodes[r[i].node].direct && !key_append(key, &ix->nodes[r[i].node]))
            return;
        last = r[i].node;
    }
    if (!key->count || ix->depth != prim_depth(p))
        return;
    struct usd_stage *s = w->stage;
    pthread_mutex_lock(&s->lock);
    uint32_t id   = intern_id(s->instance_keys, (const char *)key->items, key->count * sizeof(uint64_t));
    uint64_t *old = id ? hash_map_get(&s->instance_holders, id) : NULL;
    if (old)
        ix->holder = (struct usd_prim *)(uintptr_t)*old;
    else if (id && hash_map_put(&s->instance_holders, id, (uintptr_t)p))
        ix->holder = p;
    pthread_mutex_unlock(&s->lock);
    if (!ix->holder)
        return;
    p->flags |= PRIM_INSTANCE;
    atomic_fetch_add(&s->instance_count, 1);
    if (p->flags & PRIM_BELOW_INSTANCE)
        atomic_store_explicit(&s->has_nested_instances, true, memory_order_relaxed);
    if (ix->holder == p)
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

// Weakest opinion first: its children come first, stronger ones add theirs behind and may reorder.
static void gather(struct worker *w, const struct usd_prim *p, const struct spec_ref *refs, size_t count)
{
    array_clear(&w->children);
    array_clear(&w->refs);
    if (w->by_name.count)
        hash_map_clear(&w->by_name);
    for (size_t i = count; i-- > 0;) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, refs[i], &l);
        bool only                 = count == 1; // no need to look names up: they are unique within a spec
        for (uint32_t c = s->first_child; c; c = l->prims.items[c].next_sibling) {
            struct child *slot = NULL;
            if (!only)
                slot = child_of(w, l->prims.items[c].name);
            else if (array_push(&w->children, (struct child) { .name = l->prims.items[c].name, .first = UINT32_MAX }))
                slot = &w->children.items[w->children.count - 1];
            if (!slot || !array_push(&w->refs, (struct child_ref) { { c, refs[i].node, refs[i].layer }, slot->first }))
                return;
            slot->first = (uint32_t)w->refs.count - 1;
            slot->count++;
        }
        const struct field *order = s->field_count ? spec_field(l, s, T_primOrder) : NULL;
        if (order)
            reorder_children(w, order);
    }
}

static bool is_below(const struct index *ix, uint16_t node, uint16_t above)
{
    for (; node != above; node = ix->nodes[node].parent)
        if (ix->nodes[node].arc == ARC_ROOT)
            return false;
    return true;
}

// Opinions about child `name` that come through `node` or anything it brings in are gone: they were moved elsewhere.
static void drop_child(struct worker *w, const struct usd_prim *p, uint16_t node, usd_tok name)
{
    for (size_t i = 0; i < w->children.count; i++) {
        struct child *c = &w->children.items[i];
        if (c->name != name)
            continue;
        for (uint32_t *at = &c->first; *at != UINT32_MAX;) {
            if (is_below(p->index, w->refs.items[*at].ref.node, node)) {
                *at = w->refs.items[*at].next;
                c->count--;
            } else {
                at = &w->refs.items[*at].next;
            }
        }
        if (c->first == UINT32_MAX && !c->relocated) {
            memmove(c, c + 1, (w->children.count - i - 1) * sizeof(*c));
            w->children.count--;
        }
        return;
    }
}

static bool splits_at(usd_tok path, usd_tok parent, usd_tok *name)
{
    const char *text = tok_text(path), *slash = strrchr(text, '/');
    size_t n         = slash == text ? 1 : (size_t)(slash - text);
    if (!slash || n != tok_size(parent) || memcmp(text, tok_text(parent), n))
        return false;
    *name = tok_str(slash + 1);
    return true;
}

// Children that layer stacks moved away from here, and to here.
static void relocate_children(struct worker *w, const struct usd_prim *p)
{
    array_clear(&w->keep);
    for (uint32_t n = 0; n < p->index->count; n++) {
        const struct node *node      = &p->index->nodes[n];
        const struct layer_stack *st = node->stack;
        if (!st->relocate_count || node->arc == ARC_VARIANT)
            continue;
        usd_tok site = node_site(node, p->index, p), name;
        for (uint32_t i = 0; i < st->relocate_count && site; i++) {
            if (splits_at(st->relocates[i].from, site, &name))
                drop_child(w, p, (uint16_t)n, name);
            if (!st->relocates[i].to || !splits_at(st->relocates[i].to, site, &name))
                continue;
            struct child *c = NULL;
            for (size_t k = 0; k < w->children.count && !c; k++)
                c = w->children.items[k].name == name ? &w->children.items[k] : NULL;
            if (!c && array_push(&w->children, (struct child) { .name = name, .first = UINT32_MAX }))
                c = &w->children.items[w->children.count - 1];
            if (c && array_push(&w->keep, (struct keep) { name, (uint16_t)n }))
                c->relocated = true;
        }
    }
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

static void compose_prim(struct worker *w, struct usd_prim *p, const struct spec_ref *refs, size_t count, bool relocated)
{
    bool arcs = relocated;
    array_clear(&w->keep_nodes);
    for (size_t i = 0; relocated && i < w->keep.count; i++)
        if (w->keep.items[i].name == p->name)
            (void)array_push(&w->keep_nodes, w->keep.items[i].node);
    for (size_t i = 0; i < count && !arcs; i++) {
        const struct layer *l;
        arcs = ref_spec(p->index, refs[i], &l)->flags & SPEC_HAS_ARCS;
    }
    if (arcs) {
        struct graph_result g;
        if (graph_build(w->stage, w->scratch, w->arena, p, refs, count, w->keep_nodes.items, w->keep_nodes.count, &g)) {
            p->index = g.index;
            set_refs(w, p, g.refs, g.ref_count);
        } else {
            set_refs(w, p, refs, count);
        }
    } else {
        set_refs(w, p, refs, count);
    }
    resolve_prim(p);
    resolve_instance(w, p);
}

// The direct children of a composed prim. They are left without children of their own.
static void compose_children(struct worker *w, struct usd_prim *p)
{
    if (p->flags & PRIM_INACTIVE || (p->flags & PRIM_INSTANCE && p->index->holder != p))
        return;
    const struct spec_ref *refs = prim_refs(p);
    size_t count                = p->ref_count;
    if (p->flags & PRIM_INSTANCE) { // local opinions do not reach below an instance
        array_clear(&w->filtered);
        for (size_t i = 0; i < count; i++)
            if (p->index->nodes[refs[i].node].direct)
                (void)array_push(&w->filtered, refs[i]);
        refs  = w->filtered.items;
        count = w->filtered.count;
    }
    gather(w, p, refs, count);
    if (atomic_load_explicit(&w->stage->has_relocates, memory_order_relaxed))
        relocate_children(w, p);
    size_t n = w->children.count;
    if (!n)
        return;
    uint64_t total = atomic_fetch_add(&w->stage->prim_count, n) + n;
    if (total > w->stage->env.limits.max_prims) {
        stage_diagnose(w->stage, USD_ERROR, USD_ERR_LIMIT, "", "", "max_prims is met; the rest of the stage is left out");
        atomic_fetch_sub(&w->stage->prim_count, n);
        return;
    }
    struct usd_prim *kids = arena_alloc(w->arena, n * sizeof(*kids));
    if (!kids)
        return;
    p->child_count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct usd_prim *k = &kids[i];
        k->parent          = p;
        k->index           = p->index;
        k->name            = w->children.items[i].name;
        k->next_sibling    = i + 1 < n ? &kids[i + 1] : NULL;
        array_clear(&w->inherited);
        for (uint32_t r = w->children.items[i].first; r != UINT32_MAX; r = w->refs.items[r].next)
            (void)array_push(&w->inherited, w->refs.items[r].ref);
        compose_prim(w, k, w->inherited.items, w->inherited.count, w->children.items[i].relocated);
    }
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
// All threads

#define FRONTIER 256 // subtrees handed out to the threads

struct job {
    struct usd_stage *stage;
    struct {
        ARRAY_OF(struct usd_prim *);
    } frontier;
    struct worker *workers;
    atomic_uint next_worker, next_prim;
};

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
    int rc = made ? USD_OK : USD_ERR_NOMEM;
    struct index *ix = NULL;
    if (made) {
        struct worker *w = &j.workers[0];
        s->root          = arena_alloc(w->arena, sizeof(*s->root));
        ix               = arena_alloc(w->arena, sizeof(*ix) + sizeof(ix->nodes[0]));
        rc               = s->root && ix ? USD_OK : USD_ERR_NOMEM;
    }
    if (rc == USD_OK) {
        struct worker *w = &j.workers[0];
        ix->stage    = s;
        ix->count    = 1;
        ix->nodes[0] = (struct node) { .stack = s->root_stack, .to_parent = &path_map_identity, .to_root = &path_map_identity,
                                       .time = { 0, 1 }, .path = tok_make("/", 1), .arc = ARC_ROOT };
        s->root->index = ix;
        for (uint32_t i = 0; i < s->root_stack->count; i++)
            (void)array_push(&w->inherited, (struct spec_ref) { 0, 0, (uint16_t)i });
        set_refs(w, s->root, w->inherited.items, w->inherited.count);
        s->root->flags = 0;
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
        atomic_init(&j.next_prim, (unsigned)at);
        struct thread_pool *pool = made > 1 && j.frontier.count - at > 1 ? thread_pool_create(made - 1, "usd") : NULL;
        thread_pool_for(pool, (size_t)made, run_job, &j);
        thread_pool_destroy(&pool);
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
