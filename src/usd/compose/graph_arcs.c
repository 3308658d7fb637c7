// References, payloads and relocations of a site.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "graph.h"
#include "path.h"

struct arc_map_key {
    const struct layer_stack *stack;
    struct time_map time;
    usd_tok path, source;
    uint64_t root;
};
struct arc_map {
    struct arc_map_key key;
    const struct path_map *map;
};

static const struct path_map *make_map(struct scratch *x, const struct graph_node *n, usd_tok source, struct time_map time, bool root)
{
    struct path_map *m = path_map_pair(x->arena, source, n->n.path, false);
    if (!m)
        return NULL;
    m->time                       = time;
    const struct path_map *result = m, *moves = relocate_map(n->n.stack, n->n.path, x->arena);
    if (moves)
        result = path_map_compose(x->arena, m, moves);
    x->work += moves ? moves->count : 0;
    return root && result ? path_map_with_root(x->arena, result) : result;
}

const struct path_map *graph_arc_map(struct scratch *x, const struct graph_node *n, usd_tok source, struct time_map time, bool root)
{
    if (!n->n.stack->relocate_count)
        return make_map(x, n, source, time, root);
    struct arc_map_key key  = { n->n.stack, time, n->n.path, source, root };
    uint64_t hash           = hash_bytes(&key, sizeof(key)), *known = hash_map_get(&x->arc_maps, hash);
    struct arc_map *entry   = known ? (struct arc_map *)(uintptr_t)*known : NULL;
    if (entry && !memcmp(&entry->key, &key, sizeof(key)))
        return entry->map;
    entry = arena_alloc(x->arena, sizeof(*entry));
    if (!entry)
        return NULL;
    *entry = (struct arc_map) { key, make_map(x, n, source, time, root) };
    hash_map_put(&x->arc_maps, hash, (uintptr_t)entry);
    return entry->map;
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

// Equal references get equal numbers, so that the general list operations work on them. The strongest layer that names
// one is the one it is anchored to.
static uint64_t number_of(struct ref_items *all, const struct ref_item *r)
{
    for (size_t i = 0; i < all->count; i++)
        if (same_ref(&all->items[i], r)) {
            all->items[i] = *r;
            return i;
        }
    return array_push(all, *r) ? all->count - 1 : 0;
}

// What an arc will open; asked once for each layer and path, for it looks at the disk.
static __attribute__((noinline)) usd_tok anchored(struct scratch *x, const struct layer *l, usd_tok asset)
{
    uint64_t key = (uint64_t)l->id << 32 | asset, *known = hash_map_get(&x->anchored, key);
    if (known)
        return (usd_tok)*known;
    char text[RESOLVED_MAX];
    size_t n         = asset_anchor(x->stage, l->anchor, tok_text(asset), text);
    usd_tok resolved = n ? tok_make(text, n) : asset;
    hash_map_put(&x->anchored, key, resolved);
    return resolved;
}

static struct layer_stack *stack_of(struct scratch *x, const struct layer_stack *home, usd_tok resolved, usd_tok site)
{
    bool common     = home->source == x->stage->root_stack; // no expression variables but the root's
    uint64_t *known = common ? hash_map_get(&x->stacks, resolved) : NULL;
    if (known)
        return (struct layer_stack *)(uintptr_t)*known;
    struct layer_stack *stack = stack_get(x->stage, home, tok_text(resolved), tok_text(site));
    if (stack && common)
        hash_map_put(&x->stacks, resolved, (uintptr_t)stack);
    return stack;
}

// false: an expression that leaves the reference out, or fails.
static __attribute__((noinline)) bool make_item(struct scratch *x, const struct graph_node *n, const struct layer *l,
                                                const struct arc_ref *ref, struct ref_item *r)
{
    char text[EXPRESSION_MAX];
    const char *asset = expression_or_report(x->stage, n->n.stack, l, tok_text(n->n.site), ref->asset, text);
    if (!asset || (!*asset && *ref->asset))
        return false;
    r->path     = tok_str(ref->path);
    r->time     = (struct time_map) { ref->offset, ref->scale };
    r->authored = tok_str(asset);
    r->resolved = r->authored ? anchored(x, l, r->authored) : 0;
    return true;
}

static void apply_refs(struct scratch *x, const struct graph_node *n, struct ref_items *all, struct item_set *set, const struct field *f,
                       const struct layer *l, uint16_t layer_index)
{
    const struct listop *op = field_ptr(f);
    uint64_t *lists[LISTOP_KINDS];
    size_t counts[LISTOP_KINDS];
    for (int k = 0; k < LISTOP_KINDS; k++) {
        const struct arc_ref *refs = op->list[k].items;
        size_t count               = op->list[k].count;
        lists[k]                   = count ? malloc(count * sizeof(uint64_t)) : NULL;
        counts[k]                  = 0;
        for (size_t i = 0; lists[k] && i < count; i++) {
            struct ref_item r = { .layer = layer_index };
            if (make_item(x, n, l, &refs[i], &r))
                lists[k][counts[k]++] = number_of(all, &r);
        }
    }
    listop_apply(set, (const uint64_t *const *)lists, counts, op->is_explicit);
    for (int k = 0; k < LISTOP_KINDS; k++)
        free(lists[k]);
}

static void compose_refs(struct scratch *x, struct graph *g, uint16_t at, usd_tok field, struct ref_items *all, struct item_set *set)
{
    struct graph_node *n = node_at(g, at);
    for (uint32_t i = n->spec_count; i-- > 0;) {
        const struct prim_spec *spec;
        const struct layer *l = graph_spec(g, n, i, &spec);
        const struct field *f = spec_field(l, spec, field);
        if (f && f->type == VT_REF_LISTOP)
            apply_refs(x, n, all, set, f, l, g->specs.items[n->first_spec + i].layer);
    }
}

static usd_tok default_prim_path(const struct layer_stack *stack)
{
    if (!stack->count)
        return 0;
    const struct layer *l = stack->root;
    const struct field *f = spec_field(l, &l->prims.items[0], T_defaultPrim);
    if (!f || f->type != USD_TYPE_TOKEN || f->flags)
        return 0;
    const char *name = field_ptr(f);
    char path[4096];
    size_t n = *name ? path_absolute("/", name, strlen(name), path, sizeof(path)) : 0;
    return n > 1 && !memchr(path, '.', n) ? tok_make(path, n) : 0;
}

static __attribute__((noinline)) void report_ref(struct scratch *x, int code, const struct layer *l, enum arc arc, usd_tok site,
                                                 const struct ref_item *r, const char *why)
{
    char target[512];
    snprintf(target, sizeof(target), "@%.300s@<%.180s>", tok_text(r->authored), tok_text(r->path));
    graph_report(x, code, l, arc_names[arc], site, target, why);
}

static bool is_prim_path(usd_tok path)
{
    const char *t = tok_text(path);
    return *t == '/' && t[1] && !strpbrk(t, ".{[");
}

static void add_reference(struct scratch *x, struct graph *g, uint16_t at, enum arc arc, const struct ref_item *r, uint16_t sibling)
{
    const struct graph_node *node = node_at(g, at);
    struct layer_stack *home = node->n.stack, *stack = home;
    const struct layer *l    = home->layers[r->layer].layer;
    usd_tok site             = node->n.site;
    if (r->path && !is_prim_path(r->path)) {
        report_ref(x, USD_ERR_INVALID, l, arc, site, r, "not the path of a prim");
        return;
    }
    struct time_map time = r->time;
    if (!isfinite(time.offset) || !isfinite(time.scale) || time.scale == 0 || !isfinite(1 / time.scale)) {
        report_ref(x, USD_ERR_INVALID, l, arc, site, r, "the layer offset is not valid; none is used");
        time = (struct time_map) { 0, 1 };
    } else {
        time = time_compose(home->layers[r->layer].time, time);
    }
    if (r->resolved) {
        stack = stack_of(x, home, r->resolved, site);
        if (!stack || stack->broken) {
            report_ref(x, USD_ERR_NOT_FOUND, l, arc, site, r, "the layer cannot be opened");
            return;
        }
        time.scale *= home->layers[r->layer].rate / stack->time_codes_per_second;
    }
    usd_tok path = r->path ? r->path : default_prim_path(stack);
    if (!path) {
        report_ref(x, USD_ERR_NOT_FOUND, l, arc, site, r, "the layer has no defaultPrim and no prim is named");
        return;
    }
    // Internal references see the whole namespace around them, others only what they bring in.
    const struct path_map *map = graph_arc_map(x, node_at(g, at), path, time, !r->resolved);
    graph_add_arc(x, g, arc, at, at, stack, path, map, sibling, site_depth(site),
                  (struct arc_options) { .ancestral = site_depth(path) > 1, .layer = l });
}

// Payloads that stay out can only be those that belong to a prim of the stage. What an arc reaches below someone's
// payload exists only with it.
static bool payload_is_wanted(struct scratch *x, struct graph *g, uint16_t at)
{
    if (load_wants(&x->stage->load, tok_text(x->prim_path)))
        return true;
    usd_tok path = node_at(g, at)->n.path;
    for (struct place p = { g, at }; p.node != NO_NODE && path;) {
        bool top                   = !p.node;
        const struct path_map *map = top ? (p.g->frame ? p.g->frame->to_parent : NULL) : node_at(p.g, p.node)->n.to_parent;
        enum arc arc               = place_arc(p);
        if (map && map->root_identity && (arc == ARC_REFERENCE || arc == ARC_PAYLOAD)) {
            struct path_map *inside = path_map_copy(x->arena, map);
            if (inside)
                inside->root_identity = false;
            map = inside;
        }
        if (map)
            path = path_map_apply(map, tok_text(path));
        p = place_up(p);
    }
    return !path;
}

void eval_references(struct scratch *x, struct graph *g, uint16_t at, enum arc arc)
{
    if (!contributes(node_at(g, at)) || (arc == ARC_PAYLOAD && !payload_is_wanted(x, g, at)))
        return;
    struct ref_items all = { 0 };
    struct item_set set  = { 0 };
    compose_refs(x, g, at, arc == ARC_PAYLOAD ? T_payload : T_references, &all, &set);
    for (size_t i = 0; i < set.count && !x->full; i++)
        add_reference(x, g, at, arc, &all.items[set.items[i]], (uint16_t)i);
    array_free(&all);
    array_free(&set);
}

static bool any_specs(struct graph *g, uint16_t i)
{
    const struct graph_node *n = node_at(g, i);
    bool found                 = n->spec_count > 0;
    for (uint16_t c = n->first_child; c != NO_NODE && !found; c = node_at(g, c)->next)
        found = any_specs(g, c);
    return found;
}

static bool any_specs_at_introduction(struct graph *g, uint16_t i)
{
    const struct node *n = &node_at(g, i)->n;
    usd_tok site         = graph_site_at_introduction(g, i);
    for (uint32_t k = 0; k < n->stack->count; k++)
        if (site_spec(n->stack->layers[k].layer, site))
            return true;
    for (uint16_t c = node_at(g, i)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (any_specs_at_introduction(g, c))
            return true;
    return false;
}

// A reference or payload that brings in nothing has a wrong target.
void eval_check_target(struct scratch *x, struct graph *g, uint16_t at)
{
    if (depth_below(g, at) ? any_specs_at_introduction(g, at) : any_specs(g, at))
        return;
    const struct graph_node *n = node_at(g, at), *up = node_at(g, n->n.parent);
    struct ref_items all = { 0 };
    struct item_set set  = { 0 };
    compose_refs(x, g, n->n.parent, n->n.arc == ARC_PAYLOAD ? T_payload : T_references, &all, &set);
    bool known            = !depth_below(g, at) && n->n.sibling < set.count;
    struct ref_item r     = known ? all.items[set.items[n->n.sibling]] : (struct ref_item) { .authored = tok_str(n->n.stack->resolved) };
    const struct layer *l = known ? up->n.stack->layers[r.layer].layer : NULL;
    r.path                = graph_site_at_introduction(g, at);
    report_ref(x, USD_ERR_NOT_FOUND, l, (enum arc)n->n.arc, up->n.site, &r, "there is no such prim");
    array_free(&all);
    array_free(&set);
}

// ---------------------------------------------------------------------------------------------------------------
// Relocations

#define ELIDED 1 // restricted from the root on

static void elide(struct graph *g, uint16_t i)
{
    struct graph_node *n = node_at(g, i);
    n->n.culled     = true;
    n->n.restricted = ELIDED;
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next)
        elide(g, c);
}

// A site below `at` whose opinions another relocation moves elsewhere: they must not count here too.
static uint16_t find_moved(struct graph *g, uint16_t at)
{
    uint16_t found = NO_NODE;
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE && found == NO_NODE; c = node_at(g, c)->next) {
        const struct graph_node *n = node_at(g, c);
        if (n->n.arc == ARC_RELOCATE)
            continue;
        found = contributes(n) && relocate_from(n->n.stack, n->n.site) ? c : find_moved(g, c);
    }
    return found;
}

// A name that is gone from a prim by one relocation cannot be the source of another.
static void check_moved(struct scratch *x, struct graph *g, uint16_t source)
{
    uint16_t moved = find_moved(g, source);
    if (moved == NO_NODE)
        return;
    char why[400];
    snprintf(why, sizeof(why), "the source is gone, for a relocation moved <%.250s> away; nothing is moved", tok_text(node_at(g, moved)->n.site));
    const struct graph_node *n = node_at(g, source);
    graph_report_path(x, USD_ERR_INVALID, NULL, ARC_RELOCATE, n->n.site, node_at(g, n->n.parent)->n.site, why);
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next)
        elide(g, c);
}

static void report_specs_at_source(struct scratch *x, struct graph *g, uint16_t source)
{
    const struct graph_node *n = node_at(g, source);
    for (uint32_t i = 0; i < n->spec_count; i++) {
        const struct prim_spec *spec;
        const struct layer *l = graph_spec(g, n, i, &spec);
        graph_report_path(x, USD_ERR_INVALID, l, ARC_RELOCATE, n->n.site, node_at(g, n->n.parent)->n.site,
                          "opinions at the source of a relocation are left out");
    }
}

// What the stack moved here from elsewhere: everything that arcs bring to the source. What arcs bring to the target, and
// relocations further up, are superseded.
void eval_relocations(struct scratch *x, struct graph *g, uint16_t at)
{
    const struct graph_node *n = node_at(g, at);
    bool elided = n->n.culled && n->n.restricted == ELIDED;
    if (elided || (!contributes(n) && !depth_below(g, at)))
        return;
    const struct relocate *r = relocate_to(n->n.stack, n->n.site);
    if (!r)
        return;
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (node_at(g, c)->n.arc != ARC_VARIANT)
            elide(g, c);
    uint16_t made = graph_add_arc(x, g, ARC_RELOCATE, at, at, n->n.stack, r->from, &path_map_identity, 0, site_depth(n->n.site),
                                  (struct arc_options) { .inert = true, .ancestral = true });
    if (made == NO_NODE)
        return;
    report_specs_at_source(x, g, made);
    check_moved(x, g, made);
}

// The source of a relocation has a counterpart in whoever brought the relocation in: a place for classes to be implied.
void eval_implied_relocations(struct scratch *x, struct graph *g, uint16_t at)
{
    const struct node *n = &node_at(g, at)->n;
    uint16_t parent      = n->parent, above;
    if (n->arc != ARC_RELOCATE || !n->direct || !parent)
        return;
    above          = node_at(g, parent)->n.parent;
    usd_tok source = path_map_apply(node_at(g, parent)->n.to_parent, tok_text(n->path));
    if (!source)
        return;
    for (uint16_t c = node_at(g, above)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (node_at(g, c)->n.arc == ARC_RELOCATE && node_at(g, c)->n.site == source)
            return;
    graph_add_arc(x, g, ARC_RELOCATE, above, at, node_at(g, above)->n.stack, source, &path_map_identity, 0,
                  site_depth(node_at(g, above)->n.site), (struct arc_options) { .inert = true });
}
