// Builds the graph of one prim: nodes, order of strength, tasks; see graph.h.
#include "graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_PER_SITE 10 // arcs followed for one prim, those that came to nothing included

const char *const arc_names[] = { "root", "inherit", "variant", "relocate", "reference", "payload", "specialize" };

struct scratch *scratch_create(void) { return calloc(1, sizeof(struct scratch)); }

void scratch_forget_arena(struct scratch *x)
{
    if (x->arc_maps.count)
        hash_map_clear(&x->arc_maps);
}

void scratch_destroy(struct scratch *x)
{
    if (!x)
        return;
    while (x->pool) {
        struct graph *g = x->pool;
        x->pool         = g->next_free;
        array_free(&g->nodes);
        array_free(&g->specs);
        array_free(&g->tasks);
        array_free(&g->targets);
        free(g);
    }
    array_free(&x->order);
    array_free(&x->list);
    hash_map_finish(&x->arc_maps);
    hash_map_finish(&x->anchored);
    hash_map_finish(&x->stacks);
    free(x);
}

struct graph *graph_take(struct scratch *x, struct frame *frame)
{
    struct graph *g = x->pool;
    if (g)
        x->pool = g->next_free;
    else
        g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    array_clear(&g->nodes);
    array_clear(&g->specs);
    array_clear(&g->tasks);
    array_clear(&g->targets);
    g->frame = frame;
    return g;
}

void graph_give_back(struct scratch *x, struct graph *g)
{
    if (!g)
        return;
    g->next_free = x->pool;
    x->pool      = g;
}

const struct layer *graph_spec(struct graph *g, const struct graph_node *n, uint32_t i, const struct prim_spec **spec)
{
    struct spec_at at     = g->specs.items[n->first_spec + i];
    const struct layer *l = n->n.stack->layers[at.layer].layer;
    *spec                 = &l->prims.items[at.spec];
    return l;
}

void graph_report(struct scratch *x, int code, const struct layer *l, const char *what, usd_tok site, const char *target, const char *why)
{
    stage_diagnose(x->stage, USD_ERROR, code, l ? l->identifier : "", tok_text(x->prim_path), "%s from <%s> to %s: %s", what,
                   tok_text(site), target, why);
}

void graph_report_path(struct scratch *x, int code, const struct layer *l, enum arc arc, usd_tok site, usd_tok target, const char *why)
{
    char text[300];
    snprintf(text, sizeof(text), "<%.280s>", tok_text(target));
    graph_report(x, code, l, arc_names[arc], site, text, why);
}

// Specs of a site in every layer of its stack.
void graph_find_specs(struct graph *g, struct graph_node *n)
{
    n->first_spec = (uint32_t)g->specs.count;
    n->spec_count = 0;
    for (uint32_t i = 0; i < n->n.stack->count; i++) {
        uint32_t spec = site_spec(n->n.stack->layers[i].layer, n->n.site);
        if (spec && array_push(&g->specs, (struct spec_at) { spec, (uint16_t)i }))
            n->spec_count++;
    }
}

void graph_set_inert(struct graph_node *n, bool inert)
{
    bool was   = n->n.inert || n->n.culled;
    n->n.inert = inert;
    if (inert != was)
        n->n.restricted = contributes(n) ? 0 : site_elements(n->n.site);
}

usd_tok graph_site_at_introduction(struct graph *g, uint16_t i)
{
    usd_tok site = node_at(g, i)->n.site;
    for (int depth = depth_below(g, i); depth > 0 && site; depth--) {
        while (site_is_variant(site))
            site = site_parent(site);
        site = site_parent(site);
    }
    return site;
}

// ---------------------------------------------------------------------------------------------------------------
// Strength

// -1 when a comes before b in the tree below `at`, 1 when b does, 0 when neither is there.
static int first_of(struct graph *g, uint16_t at, uint16_t a, uint16_t b)
{
    if (at == a)
        return -1;
    if (at == b)
        return 1;
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE; c = node_at(g, c)->next) {
        int r = first_of(g, c, a, b);
        if (r)
            return r;
    }
    return 0;
}

static uint16_t origin_root(struct graph *g, uint16_t i, unsigned *steps)
{
    for (*steps = 0; node_at(g, i)->n.origin != node_at(g, i)->n.parent && *steps < LIMIT_PRIM_SITES; ++*steps)
        i = node_at(g, i)->n.origin;
    return i;
}

static bool is_above(struct graph *g, uint16_t above, uint16_t i)
{
    while (i && i != above)
        i = node_at(g, i)->n.parent;
    return i == above;
}

static bool stands_for_its_origin(struct graph *g, uint16_t i)
{
    const struct node *n = &node_at(g, i)->n, *o = &node_at(g, n->origin)->n;
    return n->stack == o->stack && n->site == o->site;
}

// Depth at which the hierarchy of classes around a node was introduced.
static int hierarchy_depth(struct graph *g, uint16_t i)
{
    uint16_t instance, class;
    class_hierarchy(g, i, &instance, &class);
    while (node_at(g, instance)->n.arc == ARC_RELOCATE)
        instance = node_at(g, instance)->n.parent;
    return node_at(g, instance)->n.depth;
}

static int sign(long v) { return v < 0 ? -1 : v > 0; }

// Specializes arcs of the whole tree end up below the root, where they are ordered by where they come from.
static int compare_specializes(struct graph *g, uint16_t a, uint16_t b)
{
    const struct node *x = &node_at(g, a)->n, *y = &node_at(g, b)->n;
    unsigned a_steps, b_steps;
    uint16_t a_root = origin_root(g, a, &a_steps), b_root = origin_root(g, b, &b_steps);
    if (!is_above(g, a_root, b_root) && !is_above(g, b_root, a_root) && x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    bool a_authored = x->origin == x->parent, b_authored = y->origin == y->parent;
    if (x->origin == y->origin) {
        if (a_authored || b_authored)
            return 0;
        return stands_for_its_origin(g, a) - stands_for_its_origin(g, b); // the implied one is stronger than the copy
    }
    if (a_root != b_root)
        return first_of(g, 0, a_root, b_root);
    int a_depth = a_authored ? 0 : hierarchy_depth(g, x->origin), b_depth = b_authored ? 0 : hierarchy_depth(g, y->origin);
    if (a_depth != b_depth)
        return a_depth < b_depth ? -1 : 1;
    if (a_steps != b_steps) // implied further up: more local
        return a_steps > b_steps ? -1 : 1;
    const struct layer_stack *root = node_at(g, 0)->n.stack;
    if (x->stack == root && y->stack == root && !a_authored && !b_authored) {
        int copy = stands_for_its_origin(g, a) - stands_for_its_origin(g, b);
        if (copy)
            return copy;
    }
    return first_of(g, 0, x->origin, y->origin);
}

static int compare_siblings(struct graph *g, uint16_t a, uint16_t b)
{
    const struct node *x = &node_at(g, a)->n, *y = &node_at(g, b)->n;
    if (x->arc != y->arc)
        return x->arc < y->arc ? -1 : 1;
    int r = 0;
    if (x->arc == ARC_SPECIALIZE)
        r = compare_specializes(g, a, b);
    else if (x->depth != y->depth) // arcs authored deeper in the namespace are stronger
        return x->depth > y->depth ? -1 : 1;
    else if (x->origin != y->origin)
        r = first_of(g, 0, x->origin, y->origin);
    if (r)
        return r;
    return x->sibling != y->sibling ? sign((long)x->sibling - y->sibling) : sign((long)a - b);
}

// Into the list of its parent's children.
static void link_child(struct graph *g, uint16_t parent, uint16_t child)
{
    struct graph_node *up = node_at(g, parent), *n = node_at(g, child);
    uint16_t before       = up->last_child; // most arcs come in order: look from the end
    if (before != NO_NODE && compare_siblings(g, child, up->first_child) < 0)
        before = NO_NODE;
    else if (before != NO_NODE && compare_siblings(g, child, before) < 0) {
        before = up->first_child;
        while (compare_siblings(g, child, node_at(g, before)->next) >= 0)
            before = node_at(g, before)->next;
    }
    n->prev = before;
    n->next = before == NO_NODE ? up->first_child : node_at(g, before)->next;
    *(before == NO_NODE ? &up->first_child : &node_at(g, before)->next) = child;
    *(n->next == NO_NODE ? &up->last_child : &node_at(g, n->next)->prev) = child;
}

bool graph_outranks(struct graph *g, uint16_t a, uint16_t b)
{
    uint16_t chain_a[256], chain_b[256];
    unsigned m = 0, n = 0;
    for (uint16_t i = a; m < 256; i = node_at(g, i)->n.parent) {
        chain_a[m++] = i;
        if (!i)
            break;
    }
    for (uint16_t i = b; n < 256; i = node_at(g, i)->n.parent) {
        chain_b[n++] = i;
        if (!i)
            break;
    }
    while (m && n && chain_a[m - 1] == chain_b[n - 1])
        m--, n--;
    if (!m || !n)
        return !m && n; // what is above is stronger
    return compare_siblings(g, chain_a[m - 1], chain_b[n - 1]) < 0;
}

// ---------------------------------------------------------------------------------------------------------------
// Tasks

void graph_add_task(struct graph *g, struct task t)
{
    if (t.kind == TASK_IMPLIED_CLASSES || t.kind == TASK_IMPLIED_SPECIALIZES)
        for (size_t i = 0; i < g->tasks.count; i++)
            if (g->tasks.items[i].kind == t.kind && g->tasks.items[i].node == t.node)
                return;
    (void)array_push(&g->tasks, t);
}

static bool comes_before(struct graph *g, const struct task *a, const struct task *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind;
    bool by_strength = a->kind == TASK_OUTER_VARIANT || a->kind == TASK_OUTER_FALLBACK || a->kind == TASK_VARIANT || a->kind == TASK_FALLBACK;
    if (a->node != b->node) {
        if (by_strength)
            return graph_outranks(g, a->node, b->node);
        bool weakest_first = a->kind == TASK_IMPLIED_CLASSES || a->kind == TASK_SPECIALIZES;
        return weakest_first ? a->node > b->node : a->node < b->node;
    }
    int path = a->path == b->path ? 0 : strcmp(tok_text(a->path), tok_text(b->path));
    return path ? path < 0 : a->number < b->number;
}

static bool next_task(struct graph *g, struct task *out)
{
    if (!g->tasks.count)
        return false;
    size_t best = 0;
    for (size_t i = 1; i < g->tasks.count; i++)
        if (comes_before(g, &g->tasks.items[i], &g->tasks.items[best]))
            best = i;
    *out                 = g->tasks.items[best];
    g->tasks.items[best] = g->tasks.items[--g->tasks.count];
    return true;
}

enum { HAS_REFERENCES = 1, HAS_PAYLOADS = 2, HAS_INHERITS = 4, HAS_SPECIALIZES = 8, HAS_VARIANTS = 16 };

static unsigned scan_arcs(struct graph *g, const struct graph_node *n)
{
    unsigned found = 0;
    for (uint32_t i = 0; contributes(n) && i < n->spec_count; i++) {
        const struct prim_spec *spec;
        const struct layer *l = graph_spec(g, n, i, &spec);
        if (!(spec->flags & SPEC_HAS_ARCS))
            continue;
        const struct field *f = l->fields.items + spec->first_field;
        for (unsigned k = 0; k < spec->field_count; k++)
            found |= f[k].name == T_references        ? HAS_REFERENCES
                     : f[k].name == T_payload         ? HAS_PAYLOADS
                     : f[k].name == T_inheritPaths    ? HAS_INHERITS
                     : f[k].name == T_specializes     ? HAS_SPECIALIZES
                     : f[k].name == T_variantSetNames ? HAS_VARIANTS
                                                      : 0;
    }
    return found;
}

static void add_expressed_tasks(struct graph *g, uint16_t at, unsigned arcs)
{
    static const struct {
        uint8_t arc, kind;
    } kinds[] = { { HAS_SPECIALIZES, TASK_SPECIALIZES }, { HAS_INHERITS, TASK_INHERITS }, { HAS_PAYLOADS, TASK_PAYLOADS },
                  { HAS_REFERENCES, TASK_REFERENCES } };
    for (size_t i = 0; arcs && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (arcs & kinds[i].arc)
            graph_add_task(g, (struct task) { .kind = kinds[i].kind, .node = at });
    if (node_at(g, at)->n.stack->relocate_count)
        graph_add_task(g, (struct task) { .kind = TASK_RELOCATE, .node = at });
}

static void add_tasks_below(struct graph *g, uint16_t at, struct arc_options o, bool fresh, bool outer_variants)
{
    for (uint16_t c = node_at(g, at)->first_child; c != NO_NODE; c = node_at(g, c)->next)
        add_tasks_below(g, c, o, fresh, outer_variants);
    const struct graph_node *n = node_at(g, at);
    bool outermost             = !g->frame;
    unsigned arcs              = scan_arcs(g, n);
    if (fresh && outermost && (n->n.arc == ARC_REFERENCE || n->n.arc == ARC_PAYLOAD))
        (void)array_push(&g->targets, at);
    if (outermost && arcs & HAS_VARIANTS)
        graph_add_task(g, (struct task) { .kind = TASK_VARIANT_SETS, .node = at });
    if (o.skip_specializes)
        return;
    if (outer_variants && has_outer_variants(g, at))
        graph_add_task(g, (struct task) { .kind = TASK_OUTER_VARIANT_SETS, .node = at });
    if (!o.skip_expressed)
        add_expressed_tasks(g, at, arcs);
    if (n->n.arc == ARC_RELOCATE)
        graph_add_task(g, (struct task) { .kind = TASK_IMPLIED_RELOCATE, .node = at });
}

static void add_tasks_for_arc(struct graph *g, uint16_t at, struct arc_options o)
{
    bool outermost = !g->frame;
    if (!o.skip_specializes) {
        if (arc_is_class(node_at(g, at)->n.arc))
            graph_add_task(g, (struct task) { .kind = TASK_IMPLIED_CLASSES, .node = class_start(g, at) });
        else if (has_class(g, at))
            graph_add_task(g, (struct task) { .kind = TASK_IMPLIED_CLASSES, .node = at });
        uint16_t start = outermost ? specialize_start(g, at) : NO_NODE;
        if (start != NO_NODE)
            graph_add_task(g, (struct task) { .kind = TASK_IMPLIED_SPECIALIZES, .node = start });
        else if (outermost && has_specialize_below(g, at))
            graph_add_task(g, (struct task) { .kind = TASK_IMPLIED_SPECIALIZES, .node = at });
    }
    bool outer_variants = outermost && o.ancestral;
    o.skip_expressed |= o.ancestral;
    add_tasks_below(g, at, o, true, outer_variants);
}

// Once for each node, however often it was silenced and woken.
static void eval_own_variant_sets(struct scratch *x, struct graph *g, uint16_t at)
{
    struct graph_node *n = node_at(g, at);
    if (n->asked)
        return;
    n->asked = true;
    eval_variant_sets(x, g, at, n->n.site, false);
}

void graph_evaluate(struct scratch *x, struct graph *g)
{
    add_tasks_below(g, 0, (struct arc_options) { 0 }, false, false);
    for (struct task t; next_task(g, &t);) {
        bool alive = contributes(node_at(g, t.node));
        switch ((enum task_kind)t.kind) {
        case TASK_RELOCATE: eval_relocations(x, g, t.node); break;
        case TASK_IMPLIED_RELOCATE: eval_implied_relocations(x, g, t.node); break;
        case TASK_REFERENCES: eval_references(x, g, t.node, ARC_REFERENCE); break;
        case TASK_PAYLOADS: eval_references(x, g, t.node, ARC_PAYLOAD); break;
        case TASK_INHERITS: eval_classes(x, g, t.node, ARC_INHERIT); break;
        case TASK_IMPLIED_CLASSES: eval_implied_classes(x, g, t.node); break;
        case TASK_SPECIALIZES: eval_classes(x, g, t.node, ARC_SPECIALIZE); break;
        case TASK_IMPLIED_SPECIALIZES: eval_implied_specializes(x, g, t.node); break;
        case TASK_OUTER_VARIANT_SETS: eval_outer_variant_sets(x, g, t.node); break;
        case TASK_VARIANT_SETS:
            if (alive)
                eval_own_variant_sets(x, g, t.node);
            break;
        case TASK_OUTER_VARIANT:
        case TASK_OUTER_FALLBACK:
        case TASK_VARIANT:
        case TASK_FALLBACK: eval_variant(x, g, t); break;
        case TASK_OUTER_NONE:
        case TASK_NONE: break;
        }
    }
    for (size_t i = 0; i < g->targets.count; i++)
        eval_check_target(x, g, g->targets.items[i]);
}

// ---------------------------------------------------------------------------------------------------------------
// Sites below root prims

static bool push_root(struct graph *g, struct layer_stack *stack, usd_tok site)
{
    struct graph_node n = {
        .n = { .stack = stack, .site = site, .path = site_strip(site), .to_parent = &path_map_identity, .to_root = &path_map_identity,
               .arc = ARC_ROOT, .direct = true },
        .first_child = NO_NODE, .last_child = NO_NODE, .next = NO_NODE, .prev = NO_NODE,
    };
    if (!n.n.path || !array_push(&g->nodes, n))
        return false;
    graph_find_specs(g, node_at(g, 0));
    return true;
}

// Moves every node down to the child `name`.
static bool descend(struct graph *g, usd_tok name)
{
    for (uint16_t i = 0; i < g->nodes.count; i++) {
        struct graph_node *n = node_at(g, i);
        uint32_t first = n->first_spec, count = n->spec_count;
        n->n.site     = site_child(n->n.site, name);
        n->n.path     = site_strip(n->n.site);
        n->n.direct   = !i;
        n->first_spec = (uint32_t)g->specs.count;
        n->spec_count = 0;
        if (!n->n.path)
            return false;
        for (uint32_t k = 0; k < count; k++) {
            struct spec_at at = g->specs.items[first + k];
            uint32_t child    = spec_child(n->n.stack->layers[at.layer].layer, at.spec, name);
            if (child && array_push(&g->specs, (struct spec_at) { child, at.layer }))
                n->spec_count++;
        }
    }
    return true;
}

// Below an instance only what all instances share has a say: everything between the root and the arcs that were
// introduced at the instance itself falls silent.
void graph_silence_local(struct graph *g, uint16_t at)
{
    struct graph_node *n = node_at(g, at);
    if (n->n.culled || (at && n->n.direct))
        return;
    graph_set_inert(n, true);
    for (uint16_t c = n->first_child; c != NO_NODE; c = node_at(g, c)->next)
        graph_silence_local(g, c);
}

static bool find_instanceable(struct graph *g, uint16_t at, bool *found, bool *value)
{
    const struct graph_node *n = node_at(g, at);
    for (uint32_t i = 0; contributes(n) && i < n->spec_count && !*found; i++) {
        const struct prim_spec *spec;
        const struct layer *l = graph_spec(g, n, i, &spec);
        const struct field *f = spec_field(l, spec, T_instanceable);
        if (f && f->type == USD_TYPE_BOOL) {
            *found = true;
            *value = f->bits & 0xff;
        }
    }
    for (uint16_t c = n->first_child; c != NO_NODE && !*found; c = node_at(g, c)->next)
        find_instanceable(g, c, found, value);
    return *value;
}

static bool is_instance(struct graph *g)
{
    bool shared = false, found = false, value = false;
    for (uint16_t i = 1; i < g->nodes.count && !shared; i++)
        shared = node_at(g, i)->n.direct && !node_at(g, i)->n.culled;
    return shared && find_instanceable(g, 0, &found, &value);
}

// A name that a relocation took away from any of the sites does not exist any more: nothing can be brought in from there.
// Only the relocation itself finds its source.
static bool is_gone(struct scratch *x, struct graph *g, bool last)
{
    for (uint16_t i = 0; i < g->nodes.count; i++) {
        const struct graph_node *n = node_at(g, i);
        if (!n->n.stack->relocate_count || n->n.culled || !relocate_from(n->n.stack, n->n.site) || (!i && last && g->frame->arc == ARC_RELOCATE))
            continue;
        char why[400];
        snprintf(why, sizeof(why), "there is no such prim, for a relocation moved <%.250s> away", tok_text(n->n.site));
        graph_report_path(x, USD_ERR_INVALID, NULL, (enum arc)g->frame->arc, node_at(g->frame->graph, g->frame->parent)->n.site, g->frame->requested, why);
        return true;
    }
    return false;
}

static bool build_site(struct scratch *x, struct graph *g, struct layer_stack *stack, usd_tok site, bool inert)
{
    const char *text = tok_text(site), *brace = strrchr(text, '}');
    size_t at        = brace ? (size_t)(brace - text) + 1 : strcspn(text + 1, "/") + 1;
    if (!push_root(g, stack, tok_make(text, at)))
        return false;
    for (;;) {
        if (!text[at] && inert)
            graph_set_inert(node_at(g, 0), true);
        graph_evaluate(x, g);
        if (!text[at])
            return true;
        if (is_instance(g))
            graph_silence_local(g, 0);
        at += text[at] == '/';
        size_t n = strcspn(text + at, "/");
        if (!descend(g, tok_make(text + at, n)))
            return false;
        at += n;
        if (is_gone(x, g, !text[at]))
            return false;
    }
}

// True when neither the site nor anything above it authors an arc: then it is a single node.
static bool is_plain(const struct layer_stack *stack, usd_tok site)
{
    if (stack->relocate_count)
        return false;
    for (usd_tok up = site; up && tok_size(up) > 1; up = site_parent(up)) {
        for (uint32_t i = 0; i < stack->count; i++) {
            const struct layer *l = stack->layers[i].layer;
            uint32_t spec         = site_spec(l, up);
            if (spec && l->prims.items[spec].flags & SPEC_HAS_ARCS)
                return false;
        }
        if (site_is_variant(up))
            break; // what is above took part already
    }
    return true;
}

static uint16_t append_graph(struct scratch *x, struct graph *g, struct graph *sub, const struct graph_node *root)
{
    uint16_t base = (uint16_t)g->nodes.count;
    uint32_t spec_base = (uint32_t)g->specs.count;
    if (g->nodes.count + sub->nodes.count > LIMIT_PRIM_SITES || !array_append(&g->specs, sub->specs.items, sub->specs.count)
        || !array_append(&g->nodes, sub->nodes.items, sub->nodes.count))
        return NO_NODE;
    for (uint16_t i = 0; i < sub->nodes.count; i++) {
        struct graph_node *n = node_at(g, base + i);
        n->first_spec += spec_base;
        uint16_t *links[] = { &n->first_child, &n->last_child, &n->next, &n->prev };
        for (int k = 0; k < 4; k++)
            *links[k] = *links[k] == NO_NODE ? NO_NODE : (uint16_t)(*links[k] + base);
        if (!i) {
            n->n.to_parent = root->n.to_parent;
            n->n.to_root   = root->n.to_root;
            n->n.parent    = root->n.parent;
            n->n.origin    = root->n.origin;
            n->n.depth     = root->n.depth;
            n->n.sibling   = root->n.sibling;
            n->n.arc       = root->n.arc;
            n->n.direct    = true;
            continue;
        }
        n->n.parent = (uint16_t)(n->n.parent + base);
        n->n.origin = (uint16_t)(n->n.origin + base);
        n->n.to_root = path_map_compose(x->arena, n->n.to_root, root->n.to_root);
        if (!n->n.to_root)
            n->n.to_root = &path_map_identity;
    }
    return base;
}

// ---------------------------------------------------------------------------------------------------------------
// Arcs

// A site that contains, or lies in, a site it was reached from would never end.
static bool makes_cycle(struct graph *g, enum arc arc, uint16_t parent, uint16_t origin, const struct layer_stack *stack, usd_tok site)
{
    if (arc == ARC_VARIANT)
        return false;
    struct place p = { g, parent };
    if (arc_is_class(arc) && parent != origin) {
        while (p.node != NO_NODE && arc_is_class(place_arc(p)))
            p = place_up(p);
        if (p.node != NO_NODE && place_arc(p) == ARC_RELOCATE)
            return false;
        p = (struct place) { g, parent };
    }
    for (; p.node != NO_NODE; p = place_outside(p)) {
        for (uint16_t i = p.node;; i = node_at(p.g, i)->n.parent) {
            const struct node *n = &node_at(p.g, i)->n;
            if (n->stack == stack && (site_has_prefix(n->site, site) || site_has_prefix(site, n->site)))
                return true;
            if (!i)
                break;
        }
        // The graph may be at an ancestor of the site it is built for: what will be below it then?
        if (p.g->frame)
            site = site_replace_prefix(p.g->frame->requested, node_at(p.g, 0)->n.site, site);
    }
    return false;
}

static bool is_duplicate(struct graph *g, uint16_t parent, const struct layer_stack *stack, usd_tok site)
{
    for (struct place p = { g, parent }; p.node != NO_NODE; p = place_outside(p)) {
        for (uint16_t i = 0; i < p.g->nodes.count; i++) {
            const struct graph_node *n = node_at(p.g, i);
            if (contributes(n) && n->n.stack == stack && n->n.site == site)
                return true;
        }
        if (p.g->frame)
            site = site_replace_prefix(p.g->frame->requested, node_at(p.g, 0)->n.site, site);
    }
    return false;
}

static unsigned arc_depth(struct graph *g, uint16_t at)
{
    unsigned depth = 0;
    for (struct place p = { g, at }; p.node != NO_NODE; p = place_up(p))
        depth += place_arc(p) != ARC_VARIANT;
    return depth;
}

static bool within_limits(struct scratch *x, struct graph *g, enum arc arc, uint16_t parent, usd_tok site)
{
    const char *limit = NULL;
    uint64_t most     = x->stage->env.limits.max_prim_sites;
    if (g->nodes.count >= most || x->adds >= most * TRIES_PER_SITE)
        limit = "max_prim_sites is met";
    else if (arc != ARC_VARIANT && arc_depth(g, parent) > x->stage->env.limits.max_arc_depth)
        limit = "max_arc_depth is met";
    if (!limit)
        return true;
    if (!x->full)
        graph_report_path(x, USD_ERR_LIMIT, NULL, arc, node_at(g, parent)->n.site, site, limit);
    x->full = true;
    return false;
}

static uint16_t add_subtree(struct scratch *x, struct graph *g, struct graph_node n, struct arc_options o)
{
    struct frame frame = { .graph = g, .parent = n.n.parent, .arc = n.n.arc, .skip_duplicates = o.skip_duplicates,
                           .to_parent = n.n.to_parent, .requested = n.n.site };
    struct graph *sub  = graph_take(x, &frame);
    uint16_t at        = NO_NODE;
    if (sub && build_site(x, sub, n.n.stack, n.n.site, o.inert))
        at = append_graph(x, g, sub, &n);
    graph_give_back(x, sub);
    return at;
}

uint16_t graph_add_arc(struct scratch *x, struct graph *g, enum arc arc, uint16_t parent, uint16_t origin, struct layer_stack *stack,
                       usd_tok site, const struct path_map *to_parent, uint16_t sibling, uint16_t depth, struct arc_options o)
{
    if (!to_parent || !site || !within_limits(x, g, arc, parent, site))
        return NO_NODE;
    x->adds++;
    x->work += 64 + g->nodes.count + (uint64_t)to_parent->count * node_at(g, parent)->n.to_root->count;
    if (makes_cycle(g, arc, parent, origin, stack, site)) {
        char target[600];
        snprintf(target, sizeof(target), "@%.300s@<%.250s>", stack->resolved, tok_text(site));
        graph_report(x, USD_ERR_INVALID, o.layer, arc_names[arc], node_at(g, parent)->n.site, target, "this arc makes a cycle");
        return NO_NODE;
    }
    o.skip_duplicates |= g->frame && g->frame->skip_duplicates;
    if (o.skip_duplicates && is_duplicate(g, parent, stack, site))
        return NO_NODE;
    // Where something was moved away, local opinions have no say.
    if (!o.inert && o.ancestral && relocate_empties(stack, site))
        o.inert = true;
    struct graph_node n = {
        .n = { .stack = stack, .site = site, .path = site_strip(site), .to_parent = to_parent,
               .to_root = path_map_compose(x->arena, to_parent, node_at(g, parent)->n.to_root), .parent = parent, .origin = origin,
               .depth = depth, .sibling = sibling, .arc = (uint8_t)arc, .direct = true },
        .first_child = NO_NODE, .last_child = NO_NODE, .next = NO_NODE, .prev = NO_NODE,
    };
    if (!n.n.path || !n.n.to_root)
        return NO_NODE;
    uint16_t at;
    if (o.ancestral && !is_plain(stack, site)) {
        at = add_subtree(x, g, n, o);
        if (at == NO_NODE)
            return at;
    } else {
        n.n.inert      = o.inert;
        n.n.restricted = !o.inert ? 0 : o.ancestral ? site_elements(site) : 1;
        if (!array_push(&g->nodes, n))
            return NO_NODE;
        at = (uint16_t)(g->nodes.count - 1);
        graph_find_specs(g, node_at(g, at));
    }
    link_child(g, parent, at);
    add_tasks_for_arc(g, at, o);
    return at;
}
