// Inherits and specializes, and those that they imply: whoever brings in a prim that has a class also has that class, by
// the name it has on his side, and stronger there.
#include "graph.h"

#include <stdlib.h>
#include <string.h>

bool has_class(struct graph *g, uint16_t at)
{
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (arc_is_class(node_at(g, c)->n.arc))
            return true;
    return false;
}

bool has_specialize_below(struct graph *g, uint16_t at)
{
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (node_at(g, c)->n.arc == ARC_SPECIALIZE || has_specialize_below(g, c))
            return true;
    return false;
}

// Up a chain of class arcs introduced at one level of the namespace: the prim that has the classes, and its first class.
void class_hierarchy(struct graph *g, uint16_t at, uint16_t *instance, uint16_t *class)
{
    int depth = depth_below(g, at);
    *instance = *class = at;
    while (arc_is_class(node_at(g, *instance)->n.arc) && depth_below(g, *instance) == depth) {
        *class    = *instance;
        *instance = node_at(g, *instance)->n.parent;
    }
}

uint16_t class_start(struct graph *g, uint16_t at)
{
    while (arc_is_class(node_at(g, at)->n.arc)) {
        uint16_t instance, class;
        class_hierarchy(g, at, &instance, &class);
        at = instance;
        // Classes of a child of a class: unless they lie inside it too, they are implied together with it.
        if (arc_is_class(node_at(g, at)->n.arc)
            && site_has_prefix(node_at(g, class)->n.site, graph_site_at_introduction(g, instance)))
            break;
    }
    return at;
}

uint16_t specialize_start(struct graph *g, uint16_t at)
{
    uint16_t found = NO_NODE;
    for (; at; at = node_at(g, at)->n.parent)
        if (node_at(g, at)->n.arc == ARC_SPECIALIZE)
            found = at;
    return found;
}

bool is_propagated_specialize(struct graph *g, uint16_t at)
{
    const struct node *n = &node_at(g, at)->n, *o = &node_at(g, n->origin)->n;
    return n->arc == ARC_SPECIALIZE && at && !n->parent && n->origin != at && n->stack == o->stack && n->site == o->site;
}

static bool same_site(const struct node *a, const struct node *b) { return a->stack == b->stack && a->site == b->site; }

static uint16_t find_child(struct graph *g, uint16_t parent, enum arc parent_arc, const struct layer_stack *stack, usd_tok site,
                           enum arc arc, const struct path_map *map, int depth)
{
    for (uint16_t c = node_at(g, parent)->first_child; c != NO_NODE; c = node_at(g, c)->next) {
        const struct node *n = &node_at(g, c)->n;
        // Sites below the source of a relocation mean little: there, mappings tell arcs apart.
        if (parent_arc != ARC_RELOCATE ? n->stack == stack && n->site == site
                                       : n->arc == arc && path_map_equal(n->to_parent, map) && depth_below(g, n->origin) == depth)
            return c;
    }
    return NO_NODE;
}

// The path as a site beside `parent`: its variants are kept where they are.
static usd_tok beside(const struct graph_node *parent, usd_tok path)
{
    if (!path || parent->n.site == parent->n.path)
        return path;
    usd_tok variant = parent->n.site;
    while (variant && !site_is_variant(variant))
        variant = site_parent(variant);
    return variant ? site_replace_prefix(path, site_strip(variant), variant) : path;
}

struct class_arc {
    enum arc arc;
    uint16_t origin, number;
    const struct path_map *map;
    const struct layer *layer;       // authored there,
    const struct node *from;         // or implied by that of another site,
    const struct path_map *transfer; // from which this leads here
};

// The class of `parent`: its own path mapped back through the arc, or where the class that implies it is seen from here.
static usd_tok class_site(const struct graph_node *parent, const struct class_arc *a)
{
    return beside(parent, a->from ? path_map_apply(a->transfer, tok_text(a->from->path)) : path_map_unapply(a->map, tok_text(parent->n.path)));
}

static uint16_t add_class(struct scratch *x, struct graph *g, uint16_t parent, struct class_arc a)
{
    const struct graph_node *up = node_at(g, parent);
    usd_tok site                = class_site(up, &a);
    if (!site) // outside of what the arcs in between bring in: no such class here
        return NO_NODE;
    struct layer_stack *stack = up->n.stack;
    enum arc parent_arc       = place_arc((struct place) { g, parent });
    uint16_t old              = find_child(g, parent, parent_arc, stack, site, a.arc, a.map, depth_below(g, a.origin));
    if (old != NO_NODE)
        return old;
    // A class that is where it came from is kept only for the sake of those further up.
    bool gives           = site != up->n.site && !(a.from && a.from->stack == stack && a.from->site == site);
    struct arc_options o = { .inert = !gives, .skip_duplicates = gives, .ancestral = gives && site_elements(site) > 1, .layer = a.layer };
    return graph_add_arc(x, g, a.arc, parent, a.origin, stack, site, a.map, a.number, site_depth(up->n.site), o);
}

// ---------------------------------------------------------------------------------------------------------------
// Authored

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

void eval_classes(struct scratch *x, struct graph *g, uint16_t at, enum arc arc)
{
    if (!contributes(node_at(g, at)))
        return;
    struct item_set set   = { 0 };
    struct graph_node *n  = node_at(g, at);
    const struct layer *l = NULL;
    for (uint32_t i = n->spec_count; i-- > 0;) {
        const struct prim_spec *spec;
        const struct layer *at_layer = graph_spec(g, n, i, &spec);
        const struct field *f        = spec_field(at_layer, spec, arc == ARC_INHERIT ? T_inheritPaths : T_specializes);
        if (f && f->type == VT_PATH_LISTOP) {
            l = at_layer;
            apply_paths(&set, f);
        }
    }
    for (size_t i = 0; i < set.count && !x->full; i++) {
        usd_tok path = (usd_tok)set.items[i];
        if (!path || tok_size(path) < 2 || strpbrk(tok_text(path), ".{[")) {
            graph_report_path(x, USD_ERR_INVALID, l, arc, node_at(g, at)->n.site, path, "not the path of a prim");
            continue;
        }
        const struct path_map *map = graph_arc_map(x, node_at(g, at), path, (struct time_map) { 0, 1 }, true);
        if (map)
            add_class(x, g, at, (struct class_arc) { arc, at, (uint16_t)i, map, .layer = l });
    }
    array_free(&set);
}

// ---------------------------------------------------------------------------------------------------------------
// Implied

// The class arc as seen from where `transfer` leads.
static const struct path_map *implied_map(struct scratch *x, const struct path_map *transfer, const struct path_map *class)
{
    if (path_map_is_identity(transfer))
        return class;
    const struct path_map *back = path_map_inverse(x->arena, transfer);
    back                        = back ? path_map_compose(x->arena, back, class) : NULL;
    back                        = back ? path_map_compose(x->arena, back, transfer) : NULL;
    return back ? path_map_with_root(x->arena, back) : NULL;
}

static uint16_t implied_already(struct graph *g, uint16_t to, uint16_t origin)
{
    for (uint16_t c = node_at(g, to)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        if (node_at(g, c)->n.origin == origin && !is_propagated_specialize(g, c))
            return c;
    return NO_NODE;
}

// Children change while arcs are added: their numbers are listed first, on a stack that recursion shares.
static size_t list_children(struct scratch *x, struct graph *g, uint16_t at)
{
    size_t base = x->list.count;
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        (void)array_push(&x->list, c);
    return base;
}

static void imply_tree(struct scratch *x, struct graph *g, uint16_t to, uint16_t from, const struct path_map *transfer, bool start,
                       unsigned depth)
{
    if (!transfer || depth > 64 || x->full)
        return;
    if (node_at(g, to)->n.arc == ARC_RELOCATE) { // classes go straight to who has the relocation
        const struct path_map *up = path_map_with_root(x->arena, node_at(g, to)->n.to_parent);
        imply_tree(x, g, node_at(g, to)->n.parent, from, up ? path_map_compose(x->arena, transfer, up) : NULL, start, depth + 1);
        graph_add_task(g, (struct task) { .kind = TASK_IMPLIED_CLASSES, .node = to });
        return;
    }
    size_t base = list_children(x, g, from), end = x->list.count;
    for (size_t i = base; i < end; i++) {
        uint16_t c = x->list.items[i];
        if (!arc_is_class(node_at(g, c)->n.arc))
            continue;
        // A class of the class that `to` has itself: it follows through that one.
        if (start && arc_is_class(node_at(g, from)->n.arc) && depth_below(g, from) == depth_below(g, c))
            continue;
        const struct path_map *map = implied_map(x, transfer, node_at(g, c)->n.to_parent);
        if (!map)
            continue;
        uint16_t made = implied_already(g, to, c);
        if (made == NO_NODE) {
            struct node same = node_at(g, c)->n;
            made             = add_class(x, g, to, (struct class_arc) { (enum arc)same.arc, c, same.sibling, map, .from = &same, .transfer = transfer });
        }
        if (made != NO_NODE && has_class(g, c)) // classes of a class come the same way
            imply_tree(x, g, made, c, transfer, false, depth + 1);
    }
    x->list.count = base;
}

void eval_implied_classes(struct scratch *x, struct graph *g, uint16_t at)
{
    if (!at || is_propagated_specialize(g, at) || !has_class(g, at))
        return;
    // Arcs that bring in one prim only still let global classes through: that is what they are for.
    imply_tree(x, g, node_at(g, at)->n.parent, at, path_map_with_root(x->arena, node_at(g, at)->n.to_parent), true, 0);
}

// ---------------------------------------------------------------------------------------------------------------
// Specializes are weaker than everything else, wherever they are authored: their subtrees are copied to the root, and the
// originals fall silent. Arcs found below a copy later are copied back first, so that classes are implied from there.

static bool is_implied(struct graph *g, uint16_t i) { return arc_is_class(node_at(g, i)->n.arc) && node_at(g, i)->n.parent != node_at(g, i)->n.origin; }

static bool in_subtree(struct graph *g, uint16_t i, uint16_t top)
{
    for (; i != top; i = node_at(g, i)->n.parent)
        if (!i)
            return false;
    return true;
}

static void silence_subtree(struct graph *g, uint16_t i)
{
    graph_set_inert(node_at(g, i), true);
    for (uint16_t c = node_at(g, i)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        silence_subtree(g, c);
}

// The copy speaks instead of its source from now on.
static void hand_over(struct graph *g, uint16_t from, uint16_t to)
{
    struct graph_node *copy = node_at(g, to), *source = node_at(g, from);
    uint16_t restricted     = copy->n.restricted;
    bool was_silent         = !contributes(copy);
    graph_set_inert(copy, source->n.inert || source->n.culled);
    if (!copy->spec_count)
        graph_find_specs(g, copy);
    if (was_silent && contributes(copy)) // nobody asked for its variants so far
        graph_add_task(g, (struct task) { .kind = TASK_VARIANT_SETS, .node = to });
    graph_set_inert(source, true);
    if (restricted)
        source->n.restricted = restricted;
}

// What stands below `parent` for the node already.
static uint16_t find_copy(struct graph *g, uint16_t parent, uint16_t from, const struct path_map *map)
{
    const struct node *n = &node_at(g, from)->n;
    return find_child(g, parent, (enum arc)node_at(g, parent)->n.arc, n->stack, n->site, (enum arc)n->arc, map, depth_below(g, from));
}

static uint16_t add_copy(struct scratch *x, struct graph *g, uint16_t parent, uint16_t from, uint16_t top, const struct path_map *map,
                         bool to_root)
{
    struct node n = node_at(g, from)->n;
    if (is_implied(g, from) && in_subtree(g, n.origin, top)) // implied anew from the copy of its origin
        return NO_NODE;
    uint16_t depth  = from == top ? site_depth(node_at(g, parent)->n.site) : n.depth;
    uint16_t origin = from == top || is_implied(g, from) ? from : parent;
    return graph_add_arc(x, g, (enum arc)n.arc, parent, origin, n.stack, n.site, map, n.sibling, depth,
                         (struct arc_options) { .inert = n.inert || n.culled, .skip_specializes = to_root, .skip_expressed = !to_root });
}

static uint16_t copy_node(struct scratch *x, struct graph *g, uint16_t parent, uint16_t from, uint16_t top, const struct path_map *map,
                          bool to_root)
{
    if (node_at(g, from)->n.parent == parent)
        return from;
    uint16_t made       = find_copy(g, parent, from, map);
    bool nothing_to_say = from != top && !contributes(node_at(g, from)); // not since it was copied
    if (made != NO_NODE && (nothing_to_say || !to_root)) // only what is new goes back
        return made;
    if (made == NO_NODE)
        made = add_copy(x, g, parent, from, top, map, to_root);
    if (made == NO_NODE)
        silence_subtree(g, from);
    else
        hand_over(g, from, made);
    return made;
}

static void copy_to_root(struct scratch *x, struct graph *g, uint16_t parent, uint16_t from, uint16_t top, const struct path_map *map)
{
    uint16_t made = copy_node(x, g, parent, from, top, map, true);
    if (made == NO_NODE || x->full)
        return;
    size_t base = list_children(x, g, from), end = x->list.count;
    for (size_t i = base; i < end; i++) {
        uint16_t c = x->list.items[i];
        if (node_at(g, c)->n.arc != ARC_SPECIALIZE)
            copy_to_root(x, g, made, c, top, node_at(g, c)->n.to_parent);
    }
    x->list.count = base;
}

static void find_to_copy(struct scratch *x, struct graph *g, uint16_t at)
{
    struct node n = node_at(g, at)->n;
    bool placeholder = n.parent != n.origin && node_at(g, n.parent)->n.arc == ARC_RELOCATE && same_site(&node_at(g, n.parent)->n, &n);
    if (placeholder)
        return;
    if (n.arc == ARC_SPECIALIZE) {
        bool was = n.inert || n.culled;
        if (was)
            graph_set_inert(node_at(g, at), false);
        copy_to_root(x, g, 0, at, at, n.to_root);
        if (was)
            node_at(g, at)->n.restricted = n.restricted;
    }
    size_t base = list_children(x, g, at), end = x->list.count;
    for (size_t i = base; i < end && !x->full; i++)
        find_to_copy(x, g, x->list.items[i]);
    x->list.count = base;
}

static void copy_to_origin(struct scratch *x, struct graph *g, uint16_t parent, uint16_t from, uint16_t top)
{
    uint16_t made = copy_node(x, g, parent, from, top, node_at(g, from)->n.to_parent, false);
    if (made == NO_NODE || x->full)
        return;
    size_t base = list_children(x, g, from), end = x->list.count;
    for (size_t i = base; i < end; i++)
        copy_to_origin(x, g, made, x->list.items[i], top);
    x->list.count = base;
}

void eval_implied_specializes(struct scratch *x, struct graph *g, uint16_t at)
{
    if (!at)
        return;
    if (!is_propagated_specialize(g, at)) {
        find_to_copy(x, g, at);
        return;
    }
    uint16_t origin = node_at(g, at)->n.origin;
    size_t base     = list_children(x, g, at), end = x->list.count;
    for (size_t i = base; i < end; i++)
        copy_to_origin(x, g, origin, x->list.items[i], at);
    x->list.count = base;
}
