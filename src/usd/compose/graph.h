// The graph of sites that contribute to one prim, while it is built. Nodes are sites, edges are composition arcs; the
// children of a node are kept in order of strength, so that walking the tree gives the opinions strongest first.
//
// Building follows a list of tasks in a fixed order of kinds (relocations, references, payloads, classes, what classes
// imply, variants), because later kinds depend on everything that earlier ones may still bring in. A site below a root
// prim is built in a graph of its own first, from the root prim down, so that arcs of its ancestors take part; it then
// becomes a subtree of the graph that asked for it.
#pragma once

#include "relocate.h"
#include "site.h"
#include "stage.h"

#define NO_NODE UINT16_MAX

struct spec_at {
    uint32_t spec;
    uint16_t layer;
};

struct graph_node {
    struct node n;
    uint32_t first_spec, spec_count;
    uint16_t first_child, last_child, next, prev; // siblings, strongest first
    bool asked;                                   // for its variant sets
};

// In the order in which they are done.
enum task_kind {
    TASK_RELOCATE,
    TASK_IMPLIED_RELOCATE,
    TASK_REFERENCES,
    TASK_PAYLOADS,
    TASK_INHERITS,
    TASK_IMPLIED_CLASSES,
    TASK_SPECIALIZES,
    TASK_OUTER_VARIANT_SETS, // of the site's ancestors
    TASK_OUTER_VARIANT,
    TASK_OUTER_FALLBACK,
    TASK_OUTER_NONE, // no selection so far: tried again when a variant brings in more
    TASK_IMPLIED_SPECIALIZES,
    TASK_VARIANT_SETS,
    TASK_VARIANT,
    TASK_FALLBACK,
    TASK_NONE,
};
struct task {
    uint8_t kind;
    uint16_t node, number; // number of the variant set
    usd_tok set, path;     // variant set, and the site that has it
};

struct graph {
    struct {
        ARRAY_OF(struct graph_node);
    } nodes;
    struct {
        ARRAY_OF(struct spec_at);
    } specs;
    struct {
        ARRAY_OF(struct task);
    } tasks;
    struct {
        ARRAY_OF(uint16_t);
    } targets;               // of references and payloads: is there anything? Asked in the end
    struct frame *frame;     // NULL for the prim's own graph
    struct graph *next_free; // pool
};

// Why a graph is built for another one.
struct frame {
    struct graph *graph; // that gets the result
    uint16_t parent;     // below this node
    uint8_t arc;
    bool skip_duplicates;
    const struct path_map *to_parent;
    usd_tok requested; // site in the end; the graph is at an ancestor of it until then
};

struct scratch {
    struct usd_stage *stage;
    struct arena *arena; // of the stage: what stays
    usd_tok prim_path;
    struct graph *pool;
    struct {
        ARRAY_OF(uint16_t);
    } order, list;
    struct hash_map anchored; // layer id << 32 | authored asset path -> resolved path, both tokens
    struct hash_map stacks;   // resolved path -> layer stack
    struct hash_map arc_maps; // hash of a struct arc_map_key -> mapping in `arena`, where relocations make it costly
    uint64_t adds, work; // arcs followed for this prim, and what that cost
    bool full;     // a limit was met and reported
};

struct arc_options {
    bool inert;           // the site itself gives no opinions
    bool ancestral;       // arcs of the site's ancestors take part
    bool skip_duplicates; // not when the site contributes already
    bool skip_specializes; // its specializes are where they belong
    bool skip_expressed;  // the arcs authored at the new nodes are followed already
    const struct layer *layer; // that authors the arc, for reports; NULL: nobody does
};

static inline struct graph_node *node_at(struct graph *g, uint32_t i) { return &g->nodes.items[i]; }
static inline bool contributes(const struct graph_node *n) { return !n->n.inert && !n->n.culled; }
// Names between the prim where the arc was introduced and the one at hand.
static inline int depth_below(struct graph *g, uint16_t i)
{
    return i ? (int)site_depth(node_at(g, node_at(g, i)->n.parent)->n.site) - node_at(g, i)->n.depth : 0;
}

// graph.c
struct graph *graph_take(struct scratch *x, struct frame *frame); // from the pool
void graph_give_back(struct scratch *x, struct graph *g);
void graph_find_specs(struct graph *g, struct graph_node *n);
void graph_evaluate(struct scratch *x, struct graph *g);
void graph_silence_local(struct graph *g, uint16_t at);
uint16_t graph_add_arc(struct scratch *x, struct graph *g, enum arc arc, uint16_t parent, uint16_t origin, struct layer_stack *stack,
                       usd_tok site, const struct path_map *to_parent, uint16_t sibling, uint16_t depth, struct arc_options o);
void graph_add_task(struct graph *g, struct task t);
bool graph_outranks(struct graph *g, uint16_t a, uint16_t b); // a is stronger than b
usd_tok graph_site_at_introduction(struct graph *g, uint16_t i);
void graph_set_inert(struct graph_node *n, bool inert);
const struct layer *graph_spec(struct graph *g, const struct graph_node *n, uint32_t i, const struct prim_spec **spec);
void graph_report(struct scratch *x, int code, const struct layer *l, const char *what, usd_tok site, const char *target, const char *why);
void graph_report_path(struct scratch *x, int code, const struct layer *l, enum arc arc, usd_tok site, usd_tok target, const char *why);
extern const char *const arc_names[];

// graph_arcs.c
void eval_references(struct scratch *x, struct graph *g, uint16_t at, enum arc arc);
void eval_relocations(struct scratch *x, struct graph *g, uint16_t at);
void eval_implied_relocations(struct scratch *x, struct graph *g, uint16_t at);
void eval_check_target(struct scratch *x, struct graph *g, uint16_t at);
// Mapping of an arc that a node authors, relocations of its stack included.
const struct path_map *graph_arc_map(struct scratch *x, const struct graph_node *n, usd_tok source, struct time_map time, bool root);

// graph_class.c
void eval_classes(struct scratch *x, struct graph *g, uint16_t at, enum arc arc);
void eval_implied_classes(struct scratch *x, struct graph *g, uint16_t at);
void eval_implied_specializes(struct scratch *x, struct graph *g, uint16_t at);
uint16_t class_start(struct graph *g, uint16_t at);      // node from which the classes around `at` are implied
uint16_t specialize_start(struct graph *g, uint16_t at); // specializes arc nearest to the root, or NO_NODE
void class_hierarchy(struct graph *g, uint16_t at, uint16_t *instance, uint16_t *class);
bool is_propagated_specialize(struct graph *g, uint16_t at);
bool has_class(struct graph *g, uint16_t at);            // inherits or specializes at the node itself
bool has_specialize_below(struct graph *g, uint16_t at); // anywhere in its subtree

// graph_variant.c
void eval_variant_sets(struct scratch *x, struct graph *g, uint16_t at, usd_tok path, bool outer);
void eval_outer_variant_sets(struct scratch *x, struct graph *g, uint16_t at);
void eval_variant(struct scratch *x, struct graph *g, struct task t);
bool has_outer_variants(struct graph *g, uint16_t at);

// Where a node is in the graphs that are being built for each other.
struct place {
    struct graph *g;
    uint16_t node; // NO_NODE: past the outermost root
};
static inline enum arc place_arc(struct place p)
{
    return !p.node && p.g->frame ? (enum arc)p.g->frame->arc : (enum arc)node_at(p.g, p.node)->n.arc;
}
static inline struct place place_outside(struct place p)
{
    return p.g->frame ? (struct place) { p.g->frame->graph, p.g->frame->parent } : (struct place) { p.g, NO_NODE };
}
static inline struct place place_up(struct place p)
{
    return p.node ? (struct place) { p.g, node_at(p.g, p.node)->n.parent } : place_outside(p);
}
