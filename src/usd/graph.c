// Evaluates composition arcs at one prim: references, payloads, inherits, specializes, variants, and the classes they
// imply. The result is a tree of nodes, flattened in order of strength (LIVERPS).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "stage.h"

#define MAX_NODES 4096 // of one prim: a stage that needs more is broken

struct graph_node {
    struct node n;
    uint32_t first_spec, spec_count; // in the scratch list of specs
    uint16_t origin;                 // implied classes: the node they come from
    uint16_t next_set;               // variant sets resolved so far
    bool arcs_done, needed;
};

struct spec_at {
    uint32_t spec;
    uint16_t layer;
};

struct graph {
    struct graph *outer; // the graph that asks for this one's site, and where
    uint16_t outer_node;
    bool outermost;
    struct {
        ARRAY_OF(struct graph_node);
    } nodes;
    struct {
        ARRAY_OF(struct spec_at);
    } specs;
};

struct scratch {
    struct usd_stage *stage;
    struct arena *arena;
    const struct usd_prim *prim;
    usd_tok prim_path;
    uint32_t depth;
    struct {
        ARRAY_OF(uint16_t);
    } order, deferred, sorted;
};

struct scratch *scratch_create(void) { return calloc(1, sizeof(struct scratch)); }
void scratch_destroy(struct scratch *x)
{
    if (!x)
        return;
    array_free(&x->order);
    array_free(&x->deferred);
    array_free(&x->sorted);
    free(x);
}

static struct graph_node *node_at(struct graph *g, uint32_t i) { return &g->nodes.items[i]; }

static uint16_t path_depth(const char *path)
{
    uint16_t n = 0;
    for (const char *s = path; *s; s++)
        n += *s == '/' && s[1];
    return n;
}

static const struct layer *spec_layer(struct graph *g, const struct graph_node *n, uint32_t i, const struct prim_spec **spec)
{
    struct spec_at at    = g->specs.items[n->first_spec + i];
    const struct layer *l = n->n.stack->layers[at.layer].layer;
    *spec                = &l->prims.items[at.spec];
    return l;
}

static void report(struct scratch *x, int code, const struct layer *l, const char *what, const char *site, const char *target,
                   const char *why)
{
    stage_diagnose(x->stage, USD_ERROR, code, l ? l->identifier : "", tok_text(x->prim_path), "%s from <%s> to %s: %s", what, site,
                   target, why);
}

// Specs of a site in every layer of its stack.
static void find_specs(struct graph *g, struct graph_node *n)
{
    n->first_spec = (uint32_t)g->specs.count;
    n->spec_count = 0;
    for (uint32_t i = 0; i < n->n.stack->count; i++) {
        uint32_t spec = spec_find(n->n.stack->layers[i].layer, tok_text(n->n.path));
        if (spec && array_push(&g->specs, (struct spec_at) { spec, (uint16_t)i }))
            n->spec_count++;
    }
}

static const char *arc_names[] = { "root", "inherit", "variant", "relocate", "reference", "payload", "specialize" };

// A site that contains, or is contained in, a site it was reached from would never end.
static bool is_cycle(struct graph *g, uint16_t parent, const struct layer_stack *stack, const char *path)
{
    size_t n = strlen(path);
    for (; g; parent = g->outer_node, g = g->outer) {
        uint16_t at = parent;
        for (;;) {
            const struct node *x = &node_at(g, at)->n;
            const char *site     = tok_text(x->path);
            if (x->stack == stack && (path_has_prefix(path, site, strlen(site)) || path_has_prefix(site, path, n)))
                return true;
            if (x->arc == ARC_ROOT)
                break;
            at = x->parent;
        }
    }
    return false;
}

static uint32_t graph_depth(const struct graph *g, uint16_t at)
{
    uint32_t depth = 0;
    for (; g; at = g->outer_node, g = g->outer)
        for (uint16_t i = at; g->nodes.items[i].n.arc != ARC_ROOT; i = g->nodes.items[i].n.parent)
            depth++;
    return depth;
}

// Appends a node and gives its index, or UINT16_MAX.
static uint16_t add_node(struct scratch *x, struct graph *g, uint16_t parent, enum arc arc, struct layer_stack *stack,
                         usd_tok path, const struct path_map *to_parent, struct time_map time)
{
    if (g->nodes.count >= MAX_NODES || !to_parent)
        return UINT16_MAX;
    struct graph_node *up = node_at(g, parent);
    struct graph_node n   = {
        .n = {
            .stack     = stack,
            .path      = path,
            .to_parent = to_parent,
            .to_root   = path_map_compose(x->arena, to_parent, up->n.to_root),
            .time      = time_compose(up->n.time, time),
            .parent    = parent,
            .depth     = path_depth(tok_text(up->n.path)),
            .arc       = (uint8_t)arc,
            .direct    = true,
        },
        .origin = UINT16_MAX,
    };
    if (!n.n.to_root || !array_push(&g->nodes, n))
        return UINT16_MAX;
    return (uint16_t)(g->nodes.count - 1);
}

static void evaluate(struct scratch *x, struct graph *g, bool with_variants);
static void imply(struct scratch *x, struct graph *g, uint16_t from);

// True when no prim above `path` in the stack has arcs: then the site is a single node.
static bool plain_ancestors(const struct layer_stack *stack, const char *path)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        const struct layer *l = stack->layers[i].layer;
        uint32_t at           = 0;
        for (const char *s = path; *s == '/';) {
            size_t n    = strcspn(s + 1, "/");
            usd_tok tok = tok_find(s + 1, n);
            s += n + 1;
            if (!*s || tok == UINT32_MAX)
                break;
            at = spec_child(l, at, tok);
            if (!at)
                break;
            if (l->prims.items[at].flags & SPEC_HAS_ARCS)
                return false;
        }
    }
    return true;
}

// Moves every node of the graph down to the child `name`, dropping those that have nothing there.
static void descend(struct graph *g, usd_tok name)
{
    struct graph out = { 0 };
    uint16_t *place  = malloc(g->nodes.count * sizeof(*place));
    if (!place)
        return;
    for (size_t i = 0; i < g->nodes.count; i++) {
        struct graph_node *n = node_at(g, (uint32_t)i);
        uint32_t first       = (uint32_t)out.specs.count;
        for (uint32_t k = 0; k < n->spec_count; k++) {
            struct spec_at at = g->specs.items[n->first_spec + k];
            uint32_t child    = spec_child(n->n.stack->layers[at.layer].layer, at.spec, name);
            if (child)
                (void)array_push(&out.specs, (struct spec_at) { child, at.layer });
        }
        n->first_spec = first;
        n->spec_count = (uint32_t)out.specs.count - first;
        n->needed     = n->spec_count > 0 || !i;
        n->next_set   = 0;
        n->arcs_done  = false;
        if (n->needed)
            for (uint16_t up = n->n.parent; !node_at(g, up)->needed; up = node_at(g, up)->n.parent)
                node_at(g, up)->needed = true;
    }
    for (size_t i = 0; i < g->nodes.count; i++) {
        struct graph_node *n = node_at(g, (uint32_t)i);
        place[i]             = UINT16_MAX;
        if (!n->needed)
            continue;
        place[i]      = (uint16_t)out.nodes.count;
        n->n.parent   = place[n->n.parent];
        n->origin     = UINT16_MAX;
        n->n.direct   = false;
        char path[4096];
        size_t size = tok_size(n->n.path) == 1 ? 0 : tok_size(n->n.path);
        if (size + tok_size(name) + 2 < sizeof(path)) {
            memcpy(path, tok_text(n->n.path), size);
            path[size] = '/';
            memcpy(path + size + 1, tok_text(name), tok_size(name));
            n->n.path = tok_make(path, size + 1 + tok_size(name));
        }
        (void)array_push(&out.nodes, *n);
    }
    free(place);
    array_free(&g->nodes);
    array_free(&g->specs);
    g->nodes.items = out.nodes.items, g->nodes.count = out.nodes.count, g->nodes.capacity = out.nodes.capacity;
    g->specs.items = out.specs.items, g->specs.count = out.specs.count, g->specs.capacity = out.specs.capacity;
}

// The site with all that its ancestors' arcs bring to it, as children of node `parent`. Gives the site's own node.
static uint16_t add_site(struct scratch *x, struct graph *g, uint16_t parent, enum arc arc, struct layer_stack *stack,
                         usd_tok path, const struct path_map *map, struct time_map time)
{
    const char *text = tok_text(path);
    uint16_t at      = add_node(x, g, parent, arc, stack, path, map, time);
    if (at == UINT16_MAX)
        return at;
    find_specs(g, node_at(g, at));
    if (path_depth(text) < 2 || plain_ancestors(stack, text) || graph_depth(g, at) > x->stage->env.limits.max_arc_depth)
        return at;

    struct graph sub   = { .outer = g, .outer_node = parent };
    size_t first       = strcspn(text + 1, "/") + 1;
    struct graph_node r = {
        .n = { .stack = stack, .path = tok_make(text, first), .to_parent = &path_map_identity, .to_root = &path_map_identity,
               .time = { 0, 1 }, .arc = ARC_ROOT },
        .origin = UINT16_MAX,
    };
    if (!array_push(&sub.nodes, r))
        return at;
    find_specs(&sub, node_at(&sub, 0));
    for (size_t pos = first; text[pos] == '/';) {
        evaluate(x, &sub, true);
        size_t n = strcspn(text + pos + 1, "/");
        descend(&sub, tok_make(text + pos + 1, n));
        pos += n + 1;
    }
    // The root of `sub` is the node made above; the others hang below it.
    for (size_t i = 1; i < sub.nodes.count && g->nodes.count < MAX_NODES; i++) {
        struct graph_node n = *node_at(&sub, (uint32_t)i);
        uint16_t up         = n.n.parent ? (uint16_t)(at + n.n.parent) : at;
        uint32_t specs      = (uint32_t)g->specs.count;
        if (n.spec_count && !array_append(&g->specs, sub.specs.items + n.first_spec, n.spec_count))
            break;
        struct graph_node *parent_node = node_at(g, up);
        // Maps of `sub` lead to its root's namespace; with what is above they lead to the stage's.
        n.n.to_root    = path_map_compose(x->arena, n.n.to_parent, parent_node->n.to_root);
        n.n.time       = time_compose(node_at(g, at)->n.time, n.n.time);
        n.n.parent     = up;
        n.n.direct     = true;
        n.first_spec   = specs;
        if (!n.n.to_root || !array_push(&g->nodes, n))
            break;
    }
    array_free(&sub.nodes);
    array_free(&sub.specs);
    imply(x, g, at);
    return at;
}

// ---------------------------------------------------------------------------------------------------------------
// References and payloads

struct ref_item {
    usd_tok resolved; // 0 = internal
    usd_tok authored, path;
    struct time_map time;
    uint16_t layer;
};

static bool same_ref(const struct ref_item *a, const struct ref_item *b)
{
    return a->resolved == b->resolved && a->path == b->path && a->time.offset == b->time.offset && a->time.scale == b->time.scale;
}

struct ref_items {
    ARRAY_OF(struct ref_item);
};

// Equal references get equal numbers, so that the general list operations work on them.
static uint64_t number_of(struct ref_items *all, const struct ref_item *r)
{
    for (size_t i = 0; i < all->count; i++)
        if (same_ref(&all->items[i], r))
            return i;
    return array_push(all, *r) ? all->count - 1 : 0;
}

static void apply_refs(struct scratch *x, struct ref_items *all, struct item_set *set, const struct field *f, const struct layer *l,
                       uint16_t layer_index)
{
    const struct listop *op = field_ptr(f);
    uint64_t *lists[LISTOP_KINDS];
    size_t counts[LISTOP_KINDS];
    for (int k = 0; k < LISTOP_KINDS; k++) {
        const struct arc_ref *refs = op->list[k].items;
        counts[k]                  = op->list[k].count;
        lists[k]                   = counts[k] ? malloc(counts[k] * sizeof(uint64_t)) : NULL;
        if (counts[k] && !lists[k])
            counts[k] = 0;
        for (size_t i = 0; i < counts[k]; i++) {
            struct ref_item r = { .path = tok_str(refs[i].path), .time = { refs[i].offset, refs[i].scale }, .layer = layer_index };
            r.authored        = tok_str(refs[i].asset);
            if (r.authored) {
                char resolved[RESOLVED_MAX];
                size_t n   = asset_anchor(x->stage, l->anchor, refs[i].asset, resolved);
                r.resolved = n ? tok_make(resolved, n) : r.authored;
            }
            lists[k][i] = number_of(all, &r);
        }
    }
    listop_apply(set, (const uint64_t *const *)lists, counts, op->is_explicit);
    for (int k = 0; k < LISTOP_KINDS; k++)
        free(lists[k]);
}

static usd_tok default_prim_path(const struct layer_stack *stack)
{
    if (!stack->count)
        return 0;
    const struct layer *l = stack->layers[0].layer;
    const struct field *f = spec_field(l, &l->prims.items[0], T_defaultPrim);
    if (!f || f->type != USD_TYPE_TOKEN || f->flags)
        return 0;
    const char *name = field_ptr(f);
    char path[4096];
    size_t n = *name ? path_absolute("/", name, strlen(name), path, sizeof(path)) : 0;
    return n ? tok_make(path, n) : 0;
}

static void add_reference(struct scratch *x, struct graph *g, uint16_t at, enum arc arc, const struct ref_item *r, uint16_t sibling)
{
    struct graph_node *node  = node_at(g, at);
    struct layer_stack *home = node->n.stack, *stack = home;
    const struct layer *l    = home->layers[r->layer].layer;
    usd_tok site             = node->n.path;
    char target[512];
    snprintf(target, sizeof(target), "@%.300s@<%.180s>", tok_text(r->authored), tok_text(r->path));
    if (r->resolved) {
        stack = stack_get(x->stage, tok_text(r->resolved), tok_text(site));
        if (!stack || stack->broken) {
            report(x, USD_ERR_NOT_FOUND, l, arc_names[arc], tok_text(site), target, "the layer cannot be opened");
            return;
        }
    }
    usd_tok path = r->path ? r->path : default_prim_path(stack);
    if (!path || tok_size(path) < 2) {
        report(x, USD_ERR_NOT_FOUND, l, arc_names[arc], tok_text(site), target, "the layer has no defaultPrim and no prim is named");
        return;
    }
    if (is_cycle(g, at, stack, tok_text(path))) {
        report(x, USD_ERR_INVALID, l, arc_names[arc], tok_text(site), target, "this arc makes a cycle");
        return;
    }
    if (graph_depth(g, at) >= x->stage->env.limits.max_arc_depth) {
        report(x, USD_ERR_LIMIT, l, arc_names[arc], tok_text(site), target, "max_arc_depth is met");
        return;
    }
    struct time_map time = r->time;
    if (!(time.scale != 0))
        time.scale = 1;
    time = time_compose(home->layers[r->layer].time, time);
    if (stack != home)
        time.scale *= l->time_codes_per_second / stack->time_codes_per_second;
    // Internal references see the whole namespace around them, others only what they bring in.
    struct path_map *map = path_map_pair(x->arena, path, site, !r->resolved);
    uint16_t fresh       = add_site(x, g, at, arc, stack, path, map, time);
    if (fresh == UINT16_MAX)
        return;
    node_at(g, fresh)->n.sibling = sibling;
    bool found                   = false;
    for (size_t i = fresh; i < g->nodes.count && !found; i++)
        found = node_at(g, (uint32_t)i)->spec_count > 0;
    if (!found)
        report(x, USD_ERR_NOT_FOUND, l, arc_names[arc], tok_text(site), target, "there is no such prim");
}

static void eval_references(struct scratch *x, struct graph *g, uint16_t at, usd_tok field, enum arc arc)
{
    struct ref_items all = { 0 };
    struct item_set set  = { 0 };
    struct graph_node *n = node_at(g, at);
    for (uint32_t i = n->spec_count; i-- > 0;) {
        const struct prim_spec *spec;
        const struct layer *l = spec_layer(g, n, i, &spec);
        const struct field *f = spec_field(l, spec, field);
        if (f && f->type == VT_REF_LISTOP)
            apply_refs(x, &all, &set, f, l, g->specs.items[n->first_spec + i].layer);
    }
    for (size_t i = 0; i < set.count; i++)
        add_reference(x, g, at, arc, &all.items[set.items[i]], (uint16_t)i);
    array_free(&all);
    array_free(&set);
}

// ---------------------------------------------------------------------------------------------------------------
// Classes: inherits and specializes

static uint16_t find_class(struct graph *g, uint16_t parent, enum arc arc, usd_tok path)
{
    for (size_t i = 0; i < g->nodes.count; i++) {
        const struct node *n = &node_at(g, (uint32_t)i)->n;
        if (n->parent == parent && i != parent && n->arc == arc && n->path == path)
            return (uint16_t)i;
    }
    return UINT16_MAX;
}

static bool site_taken(struct graph *g, const struct layer_stack *stack, usd_tok path)
{
    for (size_t i = 0; i < g->nodes.count; i++) {
        const struct node *n = &node_at(g, (uint32_t)i)->n;
        if (n->stack == stack && n->path == path && n->arc != ARC_VARIANT && !n->inert)
            return true;
    }
    return false;
}

static uint16_t add_class(struct scratch *x, struct graph *g, uint16_t parent, enum arc arc, usd_tok path, uint16_t origin,
                          uint16_t sibling)
{
    uint16_t old = find_class(g, parent, arc, path);
    if (old != UINT16_MAX)
        return old;
    struct graph_node *up = node_at(g, parent);
    bool taken            = origin != UINT16_MAX && site_taken(g, up->n.stack, path);
    struct path_map *map  = path_map_pair(x->arena, path, up->n.path, true);
    struct time_map none  = { 0, 1 };
    struct layer_stack *stack = up->n.stack;
    uint16_t at           = taken ? add_node(x, g, parent, arc, stack, path, map, none)
                                  : add_site(x, g, parent, arc, stack, path, map, none);
    if (at == UINT16_MAX)
        return at;
    node_at(g, at)->n.sibling = sibling;
    node_at(g, at)->n.inert   = taken;
    node_at(g, at)->origin    = origin;
    imply(x, g, parent);
    return at;
}

// The node that node i's opinions belong to as seen by classes: variants share their owner's site.
static uint16_t class_owner(struct graph *g, uint16_t i)
{
    while (node_at(g, i)->n.arc == ARC_VARIANT)
        i = node_at(g, i)->n.parent;
    return i;
}

static void imply_tree(struct scratch *x, struct graph *g, uint16_t to, uint16_t from, const struct path_map *transfer, unsigned depth)
{
    if (depth > 64)
        return;
    for (uint16_t i = 0; i < g->nodes.count; i++) {
        struct graph_node *c = node_at(g, i);
        if (!arc_is_class(c->n.arc) || class_owner(g, c->n.parent) != from || i == to)
            continue;
        usd_tok path = path_map_apply(transfer, tok_text(c->n.path));
        if (!path || tok_size(path) < 2)
            continue;
        enum arc arc  = c->n.arc;
        uint16_t made = add_class(x, g, to, arc, path, i, (uint16_t)(1000 + c->n.sibling));
        if (made != UINT16_MAX && made != i)
            imply_tree(x, g, made, i, transfer, depth + 1);
    }
}

// A class that something brought in by an arc inherits from is also a class, by the same name, for whoever made the
// arc: the stronger layer stack may add opinions to it.
static void imply(struct scratch *x, struct graph *g, uint16_t from)
{
    uint16_t base = class_owner(g, from);
    while (arc_is_class(node_at(g, base)->n.arc))
        base = class_owner(g, node_at(g, base)->n.parent);
    const struct node *n = &node_at(g, base)->n;
    if (n->arc == ARC_ROOT)
        return;
    bool any = false;
    for (size_t i = 0; i < g->nodes.count && !any; i++)
        any = arc_is_class(node_at(g, (uint32_t)i)->n.arc) && class_owner(g, node_at(g, (uint32_t)i)->n.parent) == base;
    if (!any)
        return;
    struct path_map *transfer = arena_alloc(x->arena, sizeof(*transfer) + n->to_parent->count * sizeof(transfer->pairs[0]));
    if (!transfer)
        return;
    memcpy(transfer, n->to_parent, sizeof(*transfer) + n->to_parent->count * sizeof(transfer->pairs[0]));
    transfer->root_identity = true;
    imply_tree(x, g, class_owner(g, n->parent), base, transfer, 0);
}

static void apply_paths(struct item_set *set, const struct field *f)
{
    const struct listop *op = field_ptr(f);
    uint64_t *lists[LISTOP_KINDS];
    size_t counts[LISTOP_KINDS];
    for (int k = 0; k < LISTOP_KINDS; k++) {
        const char *const *paths = op->list[k].items;
        counts[k]                = op->list[k].count;
        lists[k]                 = counts[k] ? malloc(counts[k] * sizeof(uint64_t)) : NULL;
        if (counts[k] && !lists[k])
            counts[k] = 0;
        for (size_t i = 0; i < counts[k]; i++)
            lists[k][i] = tok_str(paths[i]);
    }
    listop_apply(set, (const uint64_t *const *)lists, counts, op->is_explicit);
    for (int k = 0; k < LISTOP_KINDS; k++)
        free(lists[k]);
}

static void eval_classes(struct scratch *x, struct graph *g, uint16_t at, usd_tok field, enum arc arc)
{
    struct item_set set   = { 0 };
    struct graph_node *n  = node_at(g, at);
    const struct layer *l = NULL;
    for (uint32_t i = n->spec_count; i-- > 0;) {
        const struct prim_spec *spec;
        const struct layer *at_layer = spec_layer(g, n, i, &spec);
        const struct field *f        = spec_field(at_layer, spec, field);
        if (f && f->type == VT_PATH_LISTOP) {
            l = at_layer;
            apply_paths(&set, f);
        }
    }
    for (size_t i = 0; i < set.count; i++) {
        usd_tok path    = (usd_tok)set.items[i];
        const char *why = NULL;
        if (!path || tok_size(path) < 2 || strchr(tok_text(path), '.'))
            why = "not the path of a prim";
        else if (is_cycle(g, at, node_at(g, at)->n.stack, tok_text(path)))
            why = "this arc makes a cycle";
        else if (graph_depth(g, at) >= x->stage->env.limits.max_arc_depth)
            why = "max_arc_depth is met";
        if (why)
            report(x, USD_ERR_INVALID, l, arc_names[arc], tok_text(node_at(g, at)->n.path), tok_text(path), why);
        else
            add_class(x, g, at, arc, path, UINT16_MAX, (uint16_t)i);
    }
    array_free(&set);
}

// ---------------------------------------------------------------------------------------------------------------
// Strength order

static int compare_siblings(struct graph *g, uint16_t a, uint16_t b)
{
    const struct node *x = &node_at(g, a)->n, *y = &node_at(g, b)->n;
    if (x->arc != y->arc)
        return x->arc < y->arc ? -1 : 1;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    if (x->sibling != y->sibling)
        return x->sibling < y->sibling ? -1 : 1;
    return a < b ? -1 : 1;
}

static void visit(struct scratch *x, struct graph *g, uint16_t at)
{
    (void)array_push(&x->order, at);
    size_t base = x->sorted.count;
    for (uint16_t i = 1; i < g->nodes.count; i++)
        if (node_at(g, i)->n.parent == at && i != at) {
            if (!array_push(&x->sorted, i))
                return;
            for (size_t k = x->sorted.count - 1; k > base && compare_siblings(g, x->sorted.items[k], x->sorted.items[k - 1]) < 0; k--) {
                uint16_t t               = x->sorted.items[k];
                x->sorted.items[k]       = x->sorted.items[k - 1];
                x->sorted.items[k - 1]   = t;
            }
        }
    size_t end = x->sorted.count;
    for (size_t k = base; k < end; k++) // specializes are weaker than everything else, wherever they come from
        if (node_at(g, x->sorted.items[k])->n.arc == ARC_SPECIALIZE)
            (void)array_push(&x->deferred, x->sorted.items[k]);
    for (size_t k = base; k < end; k++)
        if (node_at(g, x->sorted.items[k])->n.arc != ARC_SPECIALIZE)
            visit(x, g, x->sorted.items[k]);
    x->sorted.count = base;
}

static void strength_order(struct scratch *x, struct graph *g)
{
    array_clear(&x->order);
    array_clear(&x->deferred);
    array_clear(&x->sorted);
    visit(x, g, 0);
    for (size_t i = 0; i < x->deferred.count; i++)
        visit(x, g, x->deferred.items[i]);
}

// ---------------------------------------------------------------------------------------------------------------
// Variants

static usd_tok selection_of(struct scratch *x, struct graph *g, usd_tok set)
{
    if (g->outermost)
        for (size_t i = 0; i < x->stage->choice_count; i++)
            if (x->stage->choices[i].prim == x->prim_path && x->stage->choices[i].set == set)
                return x->stage->choices[i].selection;
    for (size_t o = 0; o < x->order.count; o++) {
        struct graph_node *n = node_at(g, x->order.items[o]);
        for (uint32_t i = 0; !n->n.inert && i < n->spec_count; i++) {
            const struct prim_spec *spec;
            const struct layer *l = spec_layer(g, n, i, &spec);
            const struct field *f = spec_field(l, spec, T_variantSelection);
            if (!f || f->type != VT_SELECTIONS)
                continue;
            const char *const *pair = field_ptr(f);
            for (uint32_t k = 0; k < f->count; k++)
                if (!strcmp(pair[k * 2], tok_text(set)) && *pair[k * 2 + 1])
                    return tok_str(pair[k * 2 + 1]);
        }
    }
    return 0;
}

static void set_names(struct graph *g, struct graph_node *n, struct item_set *set)
{
    for (uint32_t i = n->spec_count; i-- > 0;) {
        const struct prim_spec *spec;
        const struct layer *l = spec_layer(g, n, i, &spec);
        const struct field *f = spec->flags & SPEC_HAS_ARCS ? spec_field(l, spec, T_variantSetNames) : NULL;
        if (f)
            listop_names(set, f);
    }
}

static uint32_t find_variant(const struct layer *l, const struct prim_spec *s, usd_tok set, usd_tok selection)
{
    for (uint32_t v = s->first_variant_set; v; v = l->prims.items[v].next_sibling)
        if (l->prims.items[v].name == set)
            return spec_child(l, v, selection);
    return 0;
}

static void add_variant(struct scratch *x, struct graph *g, uint16_t at, usd_tok set, usd_tok selection, uint16_t sibling)
{
    struct graph_node *n = node_at(g, at);
    uint32_t first       = (uint32_t)g->specs.count, count = 0;
    for (uint32_t i = 0; i < n->spec_count; i++) {
        struct spec_at where  = g->specs.items[n->first_spec + i];
        const struct layer *l = n->n.stack->layers[where.layer].layer;
        uint32_t v            = find_variant(l, &l->prims.items[where.spec], set, selection);
        if (v && array_push(&g->specs, (struct spec_at) { v, where.layer }))
            count++;
    }
    if (!count)
        return;
    uint16_t made = add_node(x, g, at, ARC_VARIANT, n->n.stack, n->n.path, &path_map_identity, (struct time_map) { 0, 1 });
    if (made == UINT16_MAX)
        return;
    struct graph_node *v = node_at(g, made);
    v->first_spec        = first;
    v->spec_count        = count;
    v->n.set             = set;
    v->n.selection       = selection;
    v->n.sibling         = sibling;
}

// Resolves the next unresolved variant set of the strongest node that has one. false when there is none.
static bool eval_variant(struct scratch *x, struct graph *g)
{
    strength_order(x, g);
    for (size_t o = 0; o < x->order.count; o++) {
        uint16_t at          = x->order.items[o];
        struct graph_node *n = node_at(g, at);
        if (n->next_set == UINT16_MAX || n->n.inert)
            continue;
        struct item_set sets = { 0 };
        set_names(g, n, &sets);
        if (n->next_set >= sets.count) {
            n->next_set = UINT16_MAX;
            array_free(&sets);
            continue;
        }
        uint16_t sibling  = n->next_set++;
        usd_tok set       = (usd_tok)sets.items[sibling];
        usd_tok selection = selection_of(x, g, set);
        if (selection)
            add_variant(x, g, at, set, selection, sibling);
        array_free(&sets);
        return true;
    }
    return false;
}

// What the stack moved here from elsewhere: everything weaker than local opinions about the source. Local opinions about
// a source are not allowed, hence inert.
static void eval_relocates(struct scratch *x, struct graph *g, uint16_t at)
{
    struct layer_stack *st = node_at(g, at)->n.stack;
    for (uint32_t i = 0; i < st->relocate_count; i++) {
        struct path_pair r = st->relocates[i];
        if (r.to != node_at(g, at)->n.path || node_at(g, at)->n.arc == ARC_VARIANT || node_at(g, at)->n.arc == ARC_RELOCATE)
            continue;
        struct path_map *map = path_map_pair(x->arena, r.from, r.to, true);
        uint16_t made        = add_site(x, g, at, ARC_RELOCATE, st, r.from, map, (struct time_map) { 0, 1 });
        if (made == UINT16_MAX)
            return;
        node_at(g, made)->n.inert      = true;
        node_at(g, made)->spec_count   = 0;
        node_at(g, made)->arcs_done    = true;
    }
}

static void eval_arcs(struct scratch *x, struct graph *g, uint16_t at)
{
    if (node_at(g, at)->n.stack->relocate_count && !node_at(g, at)->n.inert)
        eval_relocates(x, g, at);
    struct graph_node *n = node_at(g, at);
    unsigned flags       = 0;
    for (uint32_t i = 0; i < n->spec_count; i++) {
        const struct prim_spec *spec;
        spec_layer(g, n, i, &spec);
        flags |= spec->flags;
    }
    if (!(flags & SPEC_HAS_ARCS) || n->n.inert)
        return;
    eval_references(x, g, at, T_references, ARC_REFERENCE);
    if (!x->stage->skip_payloads)
        eval_references(x, g, at, T_payload, ARC_PAYLOAD);
    eval_classes(x, g, at, T_inheritPaths, ARC_INHERIT);
    eval_classes(x, g, at, T_specializes, ARC_SPECIALIZE);
}

static void evaluate(struct scratch *x, struct graph *g, bool with_variants)
{
    if (++x->depth > 200) { // sites within sites: bounded by the arc depth, and by this for certain
        x->depth--;
        return;
    }
    for (;;) {
        bool any = false;
        for (uint16_t i = 0; i < g->nodes.count; i++)
            if (!node_at(g, i)->arcs_done) {
                node_at(g, i)->arcs_done = true;
                eval_arcs(x, g, i);
                any = true;
            }
        if (!any && !(with_variants && eval_variant(x, g)))
            break;
    }
    if (g->nodes.count >= MAX_NODES)
        stage_diagnose(x->stage, USD_ERROR, USD_ERR_LIMIT, "", tok_text(x->prim_path), "more than %d sites contribute to one prim", MAX_NODES);
    x->depth--;
}

// ---------------------------------------------------------------------------------------------------------------

usd_tok node_site(const struct node *n, const struct index *ix, const struct usd_prim *prim)
{
    char path[8192];
    size_t at = sizeof(path), base = tok_size(n->path) == 1 ? 0 : tok_size(n->path);
    const struct usd_prim *p = prim;
    for (size_t d = prim_depth(prim); d > ix->depth; d--, p = p->parent) {
        size_t size = tok_size(p->name);
        if (size + 1 + base > at)
            return 0;
        at -= size;
        memcpy(path + at, tok_text(p->name), size);
        path[--at] = '/';
    }
    if (at == sizeof(path))
        return n->path;
    if (base > at)
        return 0;
    memcpy(path + at - base, tok_text(n->path), base);
    return tok_make(path + at - base, sizeof(path) - (at - base));
}

// The parent's nodes that have something here, at this prim's sites.
static bool start_graph(struct scratch *x, struct graph *g, const struct usd_prim *prim, const struct spec_ref *refs, size_t ref_count,
                        const uint16_t *keep, size_t keep_count)
{
    const struct index *up = prim->index; // still the parent's
    bool *needed           = calloc(up->count, 1);
    uint16_t *place        = malloc(up->count * sizeof(*place));
    bool ok                = needed && place;
    if (ok) {
        needed[0] = true;
        for (size_t i = 0; i < ref_count; i++)
            for (uint16_t n = refs[i].node; !needed[n]; n = up->nodes[n].parent)
                needed[n] = true;
        for (size_t i = 0; i < keep_count; i++)
            for (uint16_t n = keep[i]; !needed[n]; n = up->nodes[n].parent)
                needed[n] = true;
    }
    for (uint32_t i = 0; ok && i < up->count; i++) {
        if (!needed[i])
            continue;
        struct graph_node n = { .n = up->nodes[i], .origin = UINT16_MAX };
        // Names between the prim that owns the index and this one lengthen each site's path.
        n.n.path = node_site(&up->nodes[i], up, prim);
        if (!n.n.path) {
            stage_diagnose(x->stage, USD_ERROR, USD_ERR_LIMIT, "", tok_text(x->prim_path), "path is too long");
            ok = false;
            break;
        }
        n.n.direct   = false;
        n.n.parent   = i ? place[n.n.parent] : 0;
        n.first_spec = (uint32_t)g->specs.count;
        for (size_t k = 0; k < ref_count && ok; k++)
            if (refs[k].node == i) {
                ok = array_push(&g->specs, (struct spec_at) { refs[k].spec, refs[k].layer });
                n.spec_count++;
            }
        place[i] = (uint16_t)g->nodes.count;
        ok       = ok && array_push(&g->nodes, n);
    }
    free(needed);
    free(place);
    return ok;
}

static bool finish_graph(struct scratch *x, struct graph *g, const struct usd_prim *prim, struct graph_result *out)
{
    strength_order(x, g);
    size_t count = x->order.count, specs = 0;
    struct index *ix = arena_alloc(x->arena, sizeof(*ix) + count * sizeof(ix->nodes[0]));
    uint16_t *place  = malloc(g->nodes.count * sizeof(*place));
    if (!ix || !place) {
        free(place);
        return false;
    }
    ix->stage = x->stage;
    ix->depth = (uint32_t)prim_depth(prim);
    ix->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        place[x->order.items[i]] = (uint16_t)i;
        const struct graph_node *n = node_at(g, x->order.items[i]);
        specs += n->n.inert ? 0 : n->spec_count;
    }
    out->refs = arena_alloc(x->arena, specs * sizeof(*out->refs) + 1);
    bool ok   = out->refs && specs <= LIMIT_SPECS_PER_PRIM;
    size_t at = 0;
    for (size_t i = 0; i < count && ok; i++) {
        const struct graph_node *n = node_at(g, x->order.items[i]);
        ix->nodes[i]               = n->n;
        ix->nodes[i].parent        = place[n->n.parent];
        for (uint32_t k = 0; k < n->spec_count && !n->n.inert; k++) {
            struct spec_at s  = g->specs.items[n->first_spec + k];
            out->refs[at++] = (struct spec_ref) { s.spec, (uint16_t)i, s.layer };
        }
    }
    free(place);
    out->index     = ix;
    out->ref_count = at;
    return ok;
}

bool graph_build(struct usd_stage *s, struct scratch *x, struct arena *arena, const struct usd_prim *prim,
                 const struct spec_ref *refs, size_t ref_count, const uint16_t *keep, size_t keep_count,
                 struct graph_result *out)
{
    char path[8192];
    size_t n = prim_path_write(prim, path, sizeof(path));
    if (n >= sizeof(path))
        return false;
    x->stage       = s;
    x->arena       = arena;
    x->prim        = prim;
    x->prim_path   = tok_make(path, n);
    x->depth       = 0;
    struct graph g = { .outermost = true };
    bool ok        = start_graph(x, &g, prim, refs, ref_count, keep, keep_count);
    if (ok) {
        evaluate(x, &g, true);
        ok = finish_graph(x, &g, prim, out);
    }
    array_free(&g.nodes);
    array_free(&g.specs);
    return ok;
}
