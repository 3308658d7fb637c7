// From the parent's index to a graph, and from the finished graph to the prim's index.
#include "graph.h"

#include <stdlib.h>
#include <string.h>

usd_tok node_site(const struct node *n, const struct index *ix, const struct usd_prim *prim)
{
    size_t below = prim_depth(prim) - ix->depth;
    if (!below)
        return n->path;
    char path[8192];
    size_t at = sizeof(path), base = tok_size(n->path) == 1 ? 0 : tok_size(n->path);
    for (const struct usd_prim *p = prim; below; below--, p = p->parent) {
        size_t size = tok_size(p->name);
        if (size + 1 + base > at)
            return 0;
        at -= size;
        memcpy(path + at, tok_text(p->name), size);
        path[--at] = '/';
    }
    if (base > at)
        return 0;
    memcpy(path + at - base, tok_text(n->path), base);
    return tok_make(path + at - base, sizeof(path) - (at - base));
}

// Appends the names from the prim that owns the index down to `prim`.
static usd_tok site_below(usd_tok site, const struct index *ix, const struct usd_prim *prim)
{
    const struct usd_prim *chain[64];
    size_t n = prim_depth(prim) - ix->depth, i = 0;
    if (n == 1)
        return site_child(site, prim->name);
    const struct usd_prim *p = prim;
    for (; i < n && i < 64; i++, p = p->parent)
        chain[i] = p;
    if (i < n) // rare
        site = site_below(site, ix, p);
    while (i-- > 0 && site)
        site = site_child(site, chain[i]->name);
    return site;
}

static void append_child(struct graph *g, uint16_t parent, uint16_t child)
{
    struct graph_node *up = node_at(g, parent), *n = node_at(g, child);
    n->prev = up->last_child;
    if (up->last_child == NO_NODE)
        up->first_child = child;
    else
        node_at(g, up->last_child)->next = child;
    up->last_child = child;
}

// ---------------------------------------------------------------------------------------------------------------
// Culling: subtrees without opinions go, so that the indices of children stay small. Nodes of arcs made here stay, and
// inherits within the root layer stack, which tell what a prim derives from.

static bool can_cull(struct graph *g, uint16_t i)
{
    const struct graph_node *n = node_at(g, i);
    if (n->n.culled)
        return true;
    if (!i || !depth_below(g, i))
        return false;
    if (n->n.arc == ARC_INHERIT && n->n.stack == node_at(g, 0)->n.stack) {
        uint16_t origin = i;
        for (unsigned k = 0; node_at(g, origin)->n.origin != node_at(g, origin)->n.parent && k < g->nodes.count; k++)
            origin = node_at(g, origin)->n.origin;
        if (site_elements(graph_site_at_introduction(g, origin)) > 1)
            return false;
    }
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (!node_at(g, c)->n.culled)
            return false;
    return !n->spec_count || !contributes(n);
}

static void set_culled(struct graph *g, uint16_t i)
{
    struct graph_node *n = node_at(g, i);
    if (n->n.culled)
        return;
    n->n.culled     = true;
    n->n.restricted = site_elements(n->n.site);
}

static void cull_below(struct graph *g, uint16_t i)
{
    for (uint16_t c = node_at(g, i)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (node_at(g, c)->n.arc != ARC_SPECIALIZE)
            cull_below(g, c);
    if (can_cull(g, i))
        set_culled(g, i);
}

struct culled_site {
    const struct layer_stack *stack;
    usd_tok site;
};
struct culled_sites {
    ARRAY_OF(struct culled_site);
};

static void list_culled(struct graph *g, uint16_t i, struct culled_sites *out)
{
    const struct graph_node *n = node_at(g, i);
    if (n->n.culled)
        (void)array_push(out, (struct culled_site) { n->n.stack, n->n.site });
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next)
        list_culled(g, c, out);
}

// Nodes below the origin of a copied specializes arc go together with their copies.
static bool cull_like(struct graph *g, uint16_t i, const struct culled_sites *copies)
{
    bool all = true;
    for (uint16_t c = node_at(g, i)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        all &= cull_like(g, c, copies);
    for (size_t k = 0; all && k < copies->count; k++)
        if (copies->items[k].stack == node_at(g, i)->n.stack && copies->items[k].site == node_at(g, i)->n.site)
            set_culled(g, i);
    return node_at(g, i)->n.culled;
}

static void cull(struct graph *g)
{
    for (uint16_t c = node_at(g, 0)->last_child; c != NO_NODE; c = node_at(g, c)->prev)
        if (is_propagated_specialize(g, c)) {
            struct culled_sites copies = { 0 };
            cull_below(g, c);
            list_culled(g, c, &copies);
            if (copies.count)
                cull_like(g, node_at(g, c)->n.origin, &copies);
            array_free(&copies);
        }
    for (uint16_t c = node_at(g, 0)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (!is_propagated_specialize(g, c))
            cull_below(g, c);
}

// Which culled nodes can be left out: not those that others have as their origin.
static void mark_kept(struct graph *g, bool *keep)
{
    for (uint16_t i = 0; i < g->nodes.count; i++)
        keep[i] = !node_at(g, i)->n.culled;
    for (uint16_t i = 0; i < g->nodes.count; i++) {
        bool needed = false;
        for (uint16_t k = i, steps = 0; steps < g->nodes.count; k = node_at(g, k)->n.origin, steps++) {
            if (!node_at(g, k)->n.culled)
                needed = true;
            for (uint16_t up = k; needed && !keep[up]; up = node_at(g, up)->n.parent)
                keep[up] = true;
            if (node_at(g, k)->n.origin == node_at(g, k)->n.parent)
                break;
        }
    }
}

static bool any_culled(const struct graph *g)
{
    for (size_t i = 0; i < g->nodes.count; i++)
        if (g->nodes.items[i].n.culled)
            return true;
    return false;
}

// ---------------------------------------------------------------------------------------------------------------

// The parent's nodes, at the parent itself.
static bool copy_nodes(struct graph *g, const struct index *up, const struct usd_prim *parent)
{
    if (!array_reserve(&g->nodes, up->count + 8))
        return false;
    for (uint32_t i = 0; i < up->count; i++) {
        struct graph_node n = { .n = up->nodes[i], .first_child = NO_NODE, .last_child = NO_NODE, .next = NO_NODE, .prev = NO_NODE };
        (void)array_push(&g->nodes, n);
        if (i)
            append_child(g, n.n.parent, (uint16_t)i);
    }
    if (up->prototype) // its owner is an instance
        graph_silence_local(g, 0);
    for (uint32_t i = 0; i < up->count && up->depth != prim_depth(parent); i++) {
        struct node *n = &node_at(g, i)->n;
        n->site        = site_below(n->site, up, parent);
        n->path        = site_strip(n->site);
        n->direct      = !i;
        if (!n->path)
            return false;
    }
    return true;
}

static bool take_specs(struct graph *g, const struct spec_ref *refs, size_t count)
{
    for (size_t i = 0; i < g->nodes.count; i++)
        g->nodes.items[i].spec_count = 0;
    if (!array_reserve(&g->specs, g->specs.count + count))
        return false;
    for (size_t i = 0; i < count; i++) { // those of one node follow each other
        struct graph_node *n = node_at(g, refs[i].node);
        if (!n->spec_count)
            n->first_spec = (uint32_t)g->specs.count;
        n->spec_count++;
        (void)array_push(&g->specs, (struct spec_at) { refs[i].spec, refs[i].layer });
    }
    return true;
}

static void renumber(struct graph *g)
{
    uint16_t *place = malloc(g->nodes.count * sizeof(*place));
    bool *keep      = malloc(g->nodes.count);
    uint16_t count  = 0;
    if (place && keep) {
        mark_kept(g, keep);
        for (uint16_t i = 0; i < g->nodes.count; i++)
            place[i] = keep[i] ? count++ : NO_NODE;
    }
    for (uint16_t i = 0; place && keep && i < g->nodes.count; i++) {
        if (!keep[i])
            continue;
        struct graph_node n = *node_at(g, i);
        n.n.parent          = place[n.n.parent];
        n.n.origin          = place[n.n.origin] == NO_NODE ? n.n.parent : place[n.n.origin];
        n.first_child = n.last_child = n.next = n.prev = NO_NODE;
        *node_at(g, place[i])                         = n;
        if (place[i])
            append_child(g, n.n.parent, place[i]);
    }
    if (place && keep)
        g->nodes.count = count;
    free(place);
    free(keep);
}

// Nodes of the parent's index at this prim's sites. Between its owner and the parent nothing was culled yet.
static bool start(struct scratch *x, struct graph *g, const struct usd_prim *prim, const struct spec_ref *refs, size_t count)
{
    const struct usd_prim *parent = prim->parent;
    const struct index *up        = prim->index; // still the parent's
    if (!copy_nodes(g, up, parent))
        return false;
    bool owner = up->depth == prim_depth(parent);
    if (!owner && up->count > 1) {
        if (!take_specs(g, prim_refs(parent), parent->ref_count))
            return false;
        cull(g);
    }
    if (!take_specs(g, refs, count))
        return false;
    if (!owner && any_culled(g))
        renumber(g);
    for (uint16_t i = 0; i < g->nodes.count; i++) {
        struct graph_node *n = node_at(g, i);
        n->n.site   = site_child(n->n.site, prim->name);
        n->n.path   = site_strip(n->n.site);
        n->n.direct = !i;
        if (!n->n.path) {
            stage_diagnose(x->stage, USD_ERROR, USD_ERR_LIMIT, "", tok_text(x->prim_path), "path is too long");
            return false;
        }
        for (uint32_t k = 0; k < n->spec_count; k++) {
            struct spec_at at = g->specs.items[n->first_spec + k];
            site_spec_known(n->n.stack->layers[at.layer].layer, n->n.site, at.spec);
        }
    }
    return true;
}

static void list_order(struct scratch *x, struct graph *g, uint16_t at, const bool *keep)
{
    if (keep[at])
        (void)array_push(&x->order, at);
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        list_order(x, g, c, keep);
}

static bool finish(struct scratch *x, struct graph *g, const struct usd_prim *prim, struct graph_result *out)
{
    size_t count    = g->nodes.count, specs = 0;
    uint16_t *place = calloc(count, sizeof(*place));
    bool *keep      = malloc(count);
    bool ok         = place && keep;
    array_clear(&x->order);
    if (ok) {
        if (count > 1)
            cull(g);
        mark_kept(g, keep);
        list_order(x, g, 0, keep);
        count = x->order.count;
    }
    struct index *ix = ok ? arena_alloc(x->arena, sizeof(*ix) + count * sizeof(ix->nodes[0])) : NULL;
    for (size_t i = 0; ix && i < count; i++) {
        const struct graph_node *n = node_at(g, x->order.items[i]);
        place[x->order.items[i]]   = (uint16_t)i;
        specs += contributes(n) ? n->spec_count : 0;
    }
    out->refs = ix ? arena_alloc(x->arena, specs * sizeof(*out->refs) + 1) : NULL;
    ok        = out->refs && specs <= LIMIT_SPECS_PER_PRIM;
    size_t at = 0;
    for (size_t i = 0; i < count && ok; i++) {
        const struct graph_node *n = node_at(g, x->order.items[i]);
        ix->nodes[i]               = n->n;
        ix->nodes[i].parent        = place[n->n.parent];
        ix->nodes[i].origin        = place[n->n.origin];
        for (uint32_t k = 0; k < n->spec_count && contributes(n); k++) {
            struct spec_at s = g->specs.items[n->first_spec + k];
            out->refs[at++]  = (struct spec_ref) { s.spec, (uint16_t)i, s.layer };
        }
    }
    if (ok) {
        ix->stage = x->stage;
        ix->depth = (uint32_t)prim_depth(prim);
        ix->count = (uint32_t)count;
    }
    free(place);
    free(keep);
    out->index     = ix;
    out->ref_count = at;
    return ok;
}

bool graph_build(struct usd_stage *s, struct scratch *x, struct arena *arena, const struct usd_prim *prim,
                 const struct spec_ref *refs, size_t ref_count, struct graph_result *out)
{
    x->stage        = s;
    x->arena        = arena;
    x->prim_path    = 0;
    x->adds         = 0;
    x->work         = 0;
    x->full         = atomic_load_explicit(&s->work_full, memory_order_relaxed);
    array_clear(&x->list);
    struct graph *g = graph_take(x, NULL);
    bool ok         = g && start(x, g, prim, refs, ref_count);
    if (ok) {
        x->prim_path = node_at(g, 0)->n.path;
        graph_evaluate(x, g);
        ok = finish(x, g, prim, out);
    }
    budget_work(s, x->work + 100u * (g ? g->nodes.count : 0));
    graph_give_back(x, g);
    return ok;
}

bool node_is_shared(const struct index *ix, uint16_t node)
{
    for (uint16_t n = node; n; n = ix->nodes[n].parent)
        if (ix->nodes[n].direct)
            return true;
    return false;
}
