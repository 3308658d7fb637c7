// Variant sets of a site and of its ancestors, and what is selected in them.
#include "expression.h"
#include "graph.h"

#include <stdlib.h>
#include <string.h>

// A node has a say about a site above its own unless it fell silent above that already.
static bool contributes_at(const struct graph_node *n, usd_tok site)
{
    return !n->n.restricted || n->n.restricted > site_elements(site);
}

static void set_names(const struct layer_stack *stack, usd_tok site, struct item_set *out)
{
    for (uint32_t i = stack->count; i-- > 0;) {
        const struct layer *l = stack->layers[i].layer;
        uint32_t spec         = site_spec(l, site);
        const struct field *f = spec ? spec_field(l, &l->prims.items[spec], T_variantSetNames) : NULL;
        if (f)
            listop_names(out, f);
    }
}

bool has_outer_variants(struct graph *g, uint16_t at)
{
    const struct graph_node *n = node_at(g, at);
    bool found                 = false;
    for (usd_tok up = site_parent(n->n.site); up && tok_size(up) > 1 && !found; up = site_parent(up))
        for (uint32_t i = 0; contributes_at(n, up) && i < n->n.stack->count && !found; i++) {
            const struct layer *l = n->n.stack->layers[i].layer;
            uint32_t spec         = site_spec(l, up);
            found                 = spec && spec_field(l, &l->prims.items[spec], T_variantSetNames);
        }
    return found;
}

void eval_variant_sets(struct scratch *x, struct graph *g, uint16_t at, usd_tok path, bool outer)
{
    struct item_set sets = { 0 };
    set_names(node_at(g, at)->n.stack, path, &sets);
    for (size_t i = 0; i < sets.count && i < UINT16_MAX; i++)
        graph_add_task(g, (struct task) { .kind = outer ? TASK_OUTER_VARIANT : TASK_VARIANT, .node = at, .number = (uint16_t)i,
                                          .set = (usd_tok)sets.items[i], .path = path });
    array_free(&sets);
}

void eval_outer_variant_sets(struct scratch *x, struct graph *g, uint16_t at)
{
    for (usd_tok up = site_parent(node_at(g, at)->n.site); up && tok_size(up) > 1; up = site_parent(up)) {
        if (!contributes_at(node_at(g, at), up))
            continue;
        eval_variant_sets(x, g, at, up, true);
        if (site_is_variant(up)) // what is above was looked at when this variant was chosen
            break;
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Selections

// The path in the namespace of the root, or of the node nearest to it that the path can be mapped to.
static usd_tok path_furthest_up(struct graph *g, uint16_t at, usd_tok path, uint16_t *top)
{
    usd_tok mapped = at ? path_map_apply(node_at(g, at)->n.to_root, tok_text(path)) : path;
    *top           = mapped ? 0 : at;
    if (mapped)
        return mapped;
    while (*top) {
        mapped = path_map_apply(node_at(g, *top)->n.to_parent, tok_text(path));
        if (!mapped)
            break;
        path = mapped;
        *top = node_at(g, *top)->n.parent;
    }
    return path;
}

// A set that a variant was chosen for already stays decided.
static bool find_prior(struct graph *g, uint16_t at, usd_tok path, usd_tok set, usd_tok *selection)
{
    const struct graph_node *n = node_at(g, at);
    usd_tok its_set, its_selection, site;
    if (n->n.arc == ARC_VARIANT) {
        site = graph_site_at_introduction(g, at);
        if (site_is_variant(site) && site_selection(site, &its_set, &its_selection) && its_set == set && site_strip(site) == path) {
            *selection = its_selection;
            return true;
        }
    }
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next) {
        usd_tok below = path_map_unapply(node_at(g, c)->n.to_parent, tok_text(path));
        if (below && find_prior(g, c, below, set, selection))
            return true;
    }
    return false;
}

static bool selection_at(struct scratch *x, const struct layer_stack *stack, usd_tok site, usd_tok set, usd_tok *selection)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        const struct layer *l = stack->layers[i].layer;
        uint32_t spec         = site_spec(l, site);
        const struct field *f = spec ? spec_field(l, &l->prims.items[spec], T_variantSelection) : NULL;
        if (!f || f->type != VT_SELECTIONS)
            continue;
        const char *const *pair = field_ptr(f);
        for (uint32_t k = 0; k < f->count; k++) {
            if (strcmp(pair[k * 2], tok_text(set)))
                continue;
            char text[EXPRESSION_MAX];
            const char *name = expression_or_report(x->stage, stack, l, tok_text(site), pair[k * 2 + 1], text);
            if (!name) // a weaker opinion counts
                break;
            *selection = tok_str(name);
            return true;
        }
    }
    return false;
}

// The strongest authored selection; an empty one counts.
static bool find_authored(struct scratch *x, struct graph *g, uint16_t at, usd_tok path, usd_tok set, usd_tok *selection)
{
    const struct graph_node *n = node_at(g, at);
    if (contributes_at(n, path)) {
        usd_tok site = path;
        if (n->n.arc == ARC_VARIANT) {
            usd_tok variant = graph_site_at_introduction(g, at);
            site            = site_replace_prefix(path, site_strip(variant), variant);
        }
        if (selection_at(x, n->n.stack, site, set, selection))
            return true;
    }
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next) {
        usd_tok below = path_map_unapply(node_at(g, c)->n.to_parent, tok_text(path));
        if (below && find_authored(x, g, c, below, set, selection))
            return true;
    }
    return false;
}

static usd_tok choice_of(const struct usd_stage *s, usd_tok prim, usd_tok set)
{
    for (size_t i = 0; i < s->choice_count; i++)
        if (s->choices[i].prim == prim && s->choices[i].set == set)
            return s->choices[i].selection;
    return 0;
}

static usd_tok selection_of(struct scratch *x, struct graph *g, uint16_t at, usd_tok path, usd_tok set)
{
    uint16_t top;
    usd_tok selection = 0;
    path              = path_furthest_up(g, at, path, &top);
    if (find_prior(g, top, path, set, &selection))
        return selection;
    selection = top ? 0 : choice_of(x->stage, path, set);
    if (!selection)
        find_authored(x, g, top, path, set, &selection);
    return selection;
}

static bool has_option(const struct layer_stack *stack, usd_tok site, usd_tok set, usd_tok selection)
{
    usd_tok variant = site_select(site, set, selection);
    for (uint32_t i = 0; variant && i < stack->count; i++)
        if (site_spec(stack->layers[i].layer, variant))
            return true;
    return false;
}

static usd_tok fallback_of(const struct usd_stage *s, const struct layer_stack *stack, usd_tok site, usd_tok set)
{
    for (size_t i = 0; i < s->fallback_count; i++)
        if (s->fallbacks[i].set == set && has_option(stack, site, set, s->fallbacks[i].selection))
            return s->fallbacks[i].selection;
    return 0;
}

// ---------------------------------------------------------------------------------------------------------------

// A variant may bring in selections for sets that had none.
static void retry(struct graph *g)
{
    for (size_t i = 0; i < g->tasks.count; i++) {
        struct task *t = &g->tasks.items[i];
        if (t->kind == TASK_FALLBACK || t->kind == TASK_NONE)
            t->kind = TASK_VARIANT;
        else if (t->kind == TASK_OUTER_FALLBACK || t->kind == TASK_OUTER_NONE)
            t->kind = TASK_OUTER_VARIANT;
    }
}

static bool below_fresh_class(struct graph *g, uint16_t at)
{
    for (; at; at = node_at(g, at)->n.parent)
        if (arc_is_class(node_at(g, at)->n.arc) && !depth_below(g, at) && contributes(node_at(g, at)))
            return true;
    return false;
}

static void add_variant(struct scratch *x, struct graph *g, struct task t, usd_tok selection, bool outer)
{
    struct graph_node *n = node_at(g, t.node);
    usd_tok variant      = site_select(t.path, t.set, selection);
    usd_tok site         = variant ? site_replace_prefix(n->n.site, t.path, variant) : 0;
    if (!site) {
        graph_report_path(x, USD_ERR_INVALID, NULL, ARC_VARIANT, t.path, selection, "not the name of a variant");
        return;
    }
    struct arc_options o = { .ancestral = outer, .skip_duplicates = outer && below_fresh_class(g, t.node) };
    if (graph_add_arc(x, g, ARC_VARIANT, t.node, t.node, n->n.stack, site, &path_map_identity, t.number, site_depth(t.path), o) != NO_NODE)
        retry(g);
}

void eval_variant(struct scratch *x, struct graph *g, struct task t)
{
    const struct graph_node *n = node_at(g, t.node);
    if (!contributes_at(n, t.path))
        return;
    bool outer        = t.kind == TASK_OUTER_VARIANT || t.kind == TASK_OUTER_FALLBACK;
    bool by_fallback  = t.kind == TASK_FALLBACK || t.kind == TASK_OUTER_FALLBACK;
    usd_tok fallback  = fallback_of(x->stage, n->n.stack, t.path, t.set);
    usd_tok selection = by_fallback ? fallback : selection_of(x, g, t.node, site_strip(t.path), t.set);
    if (selection) {
        add_variant(x, g, t, selection, outer);
        return;
    }
    if (!by_fallback && fallback)
        t.kind = outer ? TASK_OUTER_FALLBACK : TASK_FALLBACK;
    else
        t.kind = outer ? TASK_OUTER_NONE : TASK_NONE;
    graph_add_task(g, t);
}
