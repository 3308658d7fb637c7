// Inside a composed stage.
//
// Every prim holds the list of specs with opinions about it, strongest first. Each spec belongs to a node: one site
// (layer stack and path) that an arc brought in. Nodes live in an index that is shared by all prims below the one where
// the arcs were authored: descending the namespace changes every site's path by the same name, so only prims that
// author arcs of their own get a new index.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "arena.h"
#include "array.h"
#include "hash.h"
#include "intern.h"
#include "layer.h"
#include "thread.h"

// Order is strength: LIVERPS with the root in place of local opinions.
enum arc { ARC_ROOT, ARC_INHERIT, ARC_VARIANT, ARC_RELOCATE, ARC_REFERENCE, ARC_PAYLOAD, ARC_SPECIALIZE };
static inline bool arc_is_class(enum arc a) { return a == ARC_INHERIT || a == ARC_SPECIALIZE; }

// stage time = layer time * scale + offset
struct time_map {
    double offset, scale;
};
static inline struct time_map time_compose(struct time_map outer, struct time_map inner)
{
    return (struct time_map) { outer.scale * inner.offset + outer.offset, outer.scale * inner.scale };
}

// Namespace and time mapping of an arc, source to target: the longest matching source prefix wins.
struct path_map {
    struct time_map time;
    bool root_identity; // "/" maps to itself
    uint32_t count;
    struct path_pair {
        usd_tok from, to; // to = 0: paths from here on do not map
    } pairs[];
};
extern const struct path_map path_map_identity;
bool path_map_is_identity(const struct path_map *m);
bool path_map_equal(const struct path_map *a, const struct path_map *b);
// New mappings in the arena, or one of the arguments where that says the same; NULL when memory is short.
struct path_map *path_map_pair(struct arena *a, usd_tok from, usd_tok to, bool root_identity);
struct path_map *path_map_compose(struct arena *a, const struct path_map *inner, const struct path_map *outer);
struct path_map *path_map_inverse(struct arena *a, const struct path_map *m);
struct path_map *path_map_copy(struct arena *a, const struct path_map *m);
struct path_map *path_map_with_root(struct arena *a, const struct path_map *m);
// Mapped path as token, 0 when it is outside of what the arc brings in; and the way back.
usd_tok path_map_apply(const struct path_map *m, const char *path);
usd_tok path_map_unapply(const struct path_map *m, const char *path);

struct stack_layer {
    struct layer *layer;
    struct time_map time; // layer to stack
    double rate;          // time codes per second that the layer counts in
};
struct relocate {
    usd_tok from, to; // to = 0: the prim is removed
    usd_tok origin;   // `from` as it was before relocations further up moved it
};
struct layer_stack {
    struct layer_stack *next;
    const char *resolved; // of its root layer
    struct layer *root;   // its defaultPrim counts; below the session layer in the stage's own stack. NULL: broken
    struct stack_layer *layers;
    uint32_t count;
    double time_codes_per_second;
    struct relocate *relocates; // valid ones of all its layers
    uint32_t *relocate_order;   // their numbers, three times: by source, by target, by origin
    uint32_t relocate_count;
    bool broken; // the root layer could not be read; reported already
    const struct expr_vars *vars;     // expression variables; NULL = none
    const struct layer_stack *from;   // whose variables are stronger; NULL for the root stack
    const struct layer_stack *source; // the stack that has the strongest of them: itself or one that leads here
};

struct spec_ref {
    uint32_t spec;
    uint16_t node, layer;
};

struct node {
    struct layer_stack *stack;
    const struct path_map *to_parent, *to_root;
    usd_tok site;        // path of the site at the prim that owns the index, with variant selections
    usd_tok path;        // the same without
    uint16_t parent;     // index of the node; the root is its own parent
    uint16_t origin;     // the node that an implied or copied arc stands for; else the parent
    uint16_t depth;      // namespace depth of the parent's site where the arc was introduced
    uint16_t sibling;    // order among the arcs of one kind authored at one site
    uint16_t restricted; // site elements from which on it gives no opinions; 0 = it does give them
    uint8_t arc;
    bool direct; // introduced at the prim that owns the index, not above it
    bool inert;  // gives no opinions itself
    bool culled; // nothing below it has opinions: kept as origin of others only
};

// What instances with the same arcs share.
struct prototype {
    struct usd_prim *holder; // its children stand for those of every instance: one of them, or what outlived one (edit.c)
    uint32_t users, key;
};

struct index {
    struct usd_stage *stage;
    struct prototype *prototype; // of an instance
    uint32_t depth;          // namespace depth of the prim that owns it
    uint32_t count;
    struct node nodes[]; // strongest first
};

enum prim_flags {
    PRIM_INACTIVE     = 1,    // it or an ancestor
    PRIM_UNDEFINED    = 2,    // it or an ancestor is only an over
    PRIM_ABSTRACT     = 4,    // it or an ancestor is a class
    PRIM_INSTANCE     = 8,
    PRIM_BELOW_INSTANCE = 16,
    PRIM_PROXY        = 32,   // `source` is valid instead of `index`; no opinions of its own
    PRIM_SPECIFIER    = 64 | 128, // enum usd_specifier << 6
    PRIM_INSTANCEABLE = 256,
    PRIM_EDITED       = 1 << 15, // has memory of its own (edit.c)
};

struct usd_prim {
    const struct usd_prim *parent;
    struct usd_prim *_Atomic first_child; // &prim_pending: built on first use (instances)
    struct usd_prim *next_sibling;
    union {
        struct index *index;
        const struct usd_prim *source;
    };
    union {
        struct spec_ref one;   // ref_count <= 1
        struct spec_ref *many;
    };
    struct prop_table *_Atomic props;
    usd_tok name, type_name;
    uint16_t ref_count, flags;
    uint32_t child_count;
};
extern struct usd_prim prim_pending;

struct prop_ref {
    uint32_t prop;
    uint16_t node, layer;
};

// 24 bytes: there are several for each prim. The prim stands once, in the table around the handles.
struct usd_property {
    union {
        struct prop_ref one;
        struct prop_ref *many;
    };
    usd_tok name, type_name;
    uint32_t place; // in its table
    uint16_t ref_count;
    uint8_t flags; // PROP_*, PROP_HAS_TARGETS
    uint8_t type : 7, is_array : 1;
};
enum { PROP_HAS_TARGETS = 128 }; // some opinion has targets or connections: the table has room for the list
struct prop_table {
    const struct usd_prim *prim;
    const struct usd_definition *definition; // what the prim has built in
    uint32_t count;
    bool has_targets; // then `count` addresses follow the handles: struct target_list *, made on first use
    struct usd_property props[];
};
static inline struct prop_table *prop_table_of(const struct usd_property *q)
{
    return (struct prop_table *)((char *)(uintptr_t)(q - q->place) - offsetof(struct prop_table, props));
}
static inline const struct usd_prim *prop_prim(const struct usd_property *q) { return prop_table_of(q)->prim; }
struct target_list {
    uint32_t count;
    const char *paths[];
};

// Value clips, found and opened when a value is asked for. Its lock is taken before `usd_stage.lock`, never after.
struct clip_cache {
    pthread_mutex_t lock;
    struct arena arena;
    struct hash_map lists; // prim address -> struct clip_list
    struct {
        ARRAY_OF(struct clip_set *);
    } sets;
    struct hash_map layers; // resolved path -> struct layer with a reference, or &clip_no_layer
};

struct load_rule {
    usd_tok path;
    enum usd_load what;
};

struct usd_stage {
    struct layer_env env;
    int threads; // as asked for; 0 = one per core
    struct load_rules {
        ARRAY_OF(struct load_rule);
    } load; // sorted by path
    struct variant_choice {
        usd_tok prim, set, selection;
    } *choices;
    size_t choice_count;
    struct variant_fallback {
        usd_tok set, selection;
    } *fallbacks; // in order of preference
    size_t fallback_count;
    char **search_paths;
    size_t search_path_count;

    struct layer_stack *root_stack; // the session layer is its first
    struct layer *root_layer;
    struct session *session;
    struct edits *edits; // from the first edit on
    struct usd_prim *root;
    uint64_t id;

    pthread_mutex_t lock; // everything below, and lazy parts of prims
    struct arena arena;   // lazy parts, stacks, diagnostics
    struct layer_stack *stacks[4096];
    struct {
        ARRAY_OF(struct layer *);
    } layers; // every layer once
    struct hash_map layer_set; // the same, once there are many
    struct {
        ARRAY_OF(struct usd_diagnostic *); // found while values are read, too: addresses stay
    } diagnostics;
    struct intern_table *instance_keys;
    struct hash_map prototypes;       // key id -> struct prototype *
    struct hash_map dependents;       // prims with an index that has other sites of the root stack than its own
    struct hash_map paths;            // prim address -> path text
    struct hash_map children;         // (prim address, name) -> child, for long lists
    struct hash_map child_lists;      // prims whose children are in `children`
    struct hash_map definitions;      // "Type API API:instance" -> struct usd_definition, owned
    struct hash_map fallback_types;   // unknown type -> known one, by the root layer's fallbackPrimTypes
    bool fallback_types_read;
    struct {
        ARRAY_OF(struct arena *);
    } arenas; // of the composing threads
    struct usd_stage_stats stats;
    struct clip_cache clips;
    atomic_bool has_clips; // some layer has clip metadata
    atomic_uint_least64_t prim_bar, work, work_bar; // budget.c
    atomic_bool prims_full, work_full;
    atomic_bool has_relocates; // of any layer stack: composition then looks for them at every prim
    atomic_bool has_nested_instances;
    atomic_uint_least64_t prim_count, instance_count, prototype_count;
};

// The prim that has the opinions: itself unless it is a proxy.
static inline const struct usd_prim *prim_real(const struct usd_prim *p) { return p->flags & PRIM_PROXY ? p->source : p; }
static inline const struct spec_ref *prim_refs(const struct usd_prim *p) { return p->ref_count > 1 ? p->many : &p->one; }
static inline const struct prop_ref *prop_refs(const struct usd_property *p) { return p->ref_count > 1 ? p->many : &p->one; }
static inline struct usd_stage *prim_stage(const struct usd_prim *p) { return prim_real(p)->index->stage; }
static inline const struct stack_layer *ref_stack_layer(const struct index *ix, uint16_t node, uint16_t layer)
{
    return &ix->nodes[node].stack->layers[layer];
}
static inline const struct prim_spec *ref_spec(const struct index *ix, struct spec_ref r, const struct layer **layer)
{
    *layer = ref_stack_layer(ix, r.node, r.layer)->layer;
    return &(*layer)->prims.items[r.spec];
}
static inline const struct prop_spec *ref_prop(const struct index *ix, struct prop_ref r, const struct layer **layer)
{
    *layer = ref_stack_layer(ix, r.node, r.layer)->layer;
    return &(*layer)->props.items[r.prop];
}
static inline struct time_map ref_time(const struct index *ix, uint16_t node, uint16_t layer)
{
    return time_compose(ix->nodes[node].to_root->time, ref_stack_layer(ix, node, layer)->time);
}

static inline struct usd_prim *prim_holder(const struct usd_prim *instance) { return instance->index->prototype->holder; }

// Where what is made on first use lives: with the stage, or with the part that was composed anew. For a prim's own
// parts, and for what hangs below it.
struct arena *edit_parts_arena(const struct usd_prim *p);
struct arena *edit_below_arena(const struct usd_prim *p);
static inline struct arena *parts_arena(const struct usd_prim *p)
{
    struct usd_stage *s = prim_stage(p);
    return s->edits ? edit_parts_arena(p) : &s->arena;
}
static inline struct arena *below_arena(const struct usd_prim *p)
{
    struct usd_stage *s = prim_stage(p);
    return s->edits ? edit_below_arena(p) : &s->arena;
}

// Strongest opinion on a field of the prim itself.
const struct field *prim_field(const struct usd_prim *p, usd_tok name, const struct layer **layer);
size_t prim_depth(const struct usd_prim *p);
const usd_property *prim_property(const usd_prim *p, usd_tok name); // property.c
// Paths of what lies below an instance lead, in the holder's namespace, to the holder; here, to the proxy's own instance.
usd_tok path_to_instance(const struct usd_prim *proxy, usd_tok path); // property.c
// Path of any prim into a growing buffer of the caller; returns its length.
size_t prim_path_write(const struct usd_prim *p, char *out, size_t capacity);

void stage_diagnose(struct usd_stage *s, enum usd_severity severity, int code, const char *layer, const char *path,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));

// Of validation; rule and hint are constants.
void stage_finding(struct usd_stage *s, enum usd_severity severity, const char *rule, const char *hint, const char *layer,
                   const char *path, const char *format, ...) __attribute__((format(printf, 7, 8)));

// The i-th of all layers, which stay as long as the stage, or NULL; any thread, while others compose.
const struct layer *stage_layer(const struct usd_stage *s, size_t i);

// ---------------------------------------------------------------------------------------------------------------
// budget.c: false when a stage grows beyond what its layers justify; reported once.
bool budget_prims(struct usd_stage *s, uint64_t total);
bool budget_work(struct usd_stage *s, uint64_t work); // adds it to what was done before

// stack.c

// The layer stack of a resolved root layer as `from` sees it, whose expression variables are stronger; built once per
// stage. NULL only when memory is short.
struct layer_stack *stack_get(struct usd_stage *s, const struct layer_stack *from, const char *resolved, const char *site);
// The stage's own layer stack: session layer and root layer. NULL builds it again from the same root layer.
int stack_open_root(struct usd_stage *s, struct layer *root, struct usd_error *err);
// Times of the session layer times this are times of the stage, edits that are not committed included.
double stack_session_scale(const struct usd_stage *s);

// open_ahead.c: reads the sublayers of a layer with all threads; NULL when there is nothing to gain. They stay until
// released, so that the stack finds them open.
struct ahead;
struct ahead *sublayers_open_ahead(const struct usd_stage *s, const struct layer *l, const struct arc_ref *subs, uint32_t count);
void sublayers_release(struct ahead *a, uint32_t count);

// resolver.c: resolved path of an authored one, "" when nothing is there. `out` holds at least RESOLVED_MAX bytes.
#define RESOLVED_MAX 8192
size_t asset_resolve(const struct usd_stage *s, const char *anchor, const char *authored, char *out);
// The same without looking whether it exists: what an arc will open.
size_t asset_anchor(const struct usd_stage *s, const char *anchor, const char *authored, char *out);

// listop.c: the items of a list operation from all opinions, applied weakest first. `op` items are mapped by the caller.
struct item_set {
    ARRAY_OF(uint64_t);
};
void listop_apply(struct item_set *set, const uint64_t *const items[LISTOP_KINDS], const size_t counts[LISTOP_KINDS],
                  bool is_explicit);
void order_apply(struct item_set *set, const uint64_t *order, size_t count); // SdfListOp's "ordered"
// Names (token or string lists) as tokens. Explicit token lists of crates and text alike.
void listop_names(struct item_set *set, const struct field *f);
// Names as a token array; the set is freed. false when memory is short.
bool item_set_value(struct item_set *set, struct usd_value *out);

// load.c
bool load_set(struct load_rules *r, usd_tok path, enum usd_load what);
bool load_wants(const struct load_rules *r, const char *path);
bool load_key(const struct load_rules *r, const char *path, struct item_set *key);

// compose.c, graph.c
int stage_compose(struct usd_stage *s, int threads);
uint64_t stage_new_id(void);

// Composing parts of a stage anew. One thread.
struct worker *recomposer_create(struct usd_stage *s);
void recomposer_destroy(struct worker *w);
/**
 * Composes a prim whose parent is composed, and all below it. What it was before must be forgotten already.
 *
 * @return  false when nothing has an opinion about it (any more); then it is left alone.
 */
bool recompose(struct worker *w, struct usd_prim *p, struct arena *arena);
// The names a composed prim's children have, in order.
void recompose_names(struct worker *w, const struct usd_prim *p, struct item_set *names);

// instance_cycle.c: after composing; false when memory is short.
bool instances_cut_cycles(struct usd_stage *s);

struct graph_result {
    struct index *index;
    struct spec_ref *refs;
    size_t ref_count;
};
struct scratch;
struct scratch *scratch_create(void);
void scratch_destroy(struct scratch *x);
void scratch_forget_arena(struct scratch *x); // what it remembers in an arena is not for prims that live in another one
/**
 * Evaluates the arcs that the specs of a new prim author.
 *
 * @param refs  The opinions that come down from the parent's index, strongest first.
 */
bool graph_build(struct usd_stage *s, struct scratch *x, struct arena *arena, const struct usd_prim *prim,
                 const struct spec_ref *refs, size_t ref_count, struct graph_result *out);
// Whether a node may be shared between instances, and so has a say below them.
bool node_is_shared(const struct index *ix, uint16_t node);
// Path of a node's site at `prim`, which uses the node's index or is about to. 0 when it is too long.
usd_tok node_site(const struct node *n, const struct index *ix, const struct usd_prim *prim);

// definition.c: what the type and the API schemas of a prim have built in (schema.h). Under stage->lock; never NULL.
struct usd_definition;
const struct usd_definition *prim_definition_locked(const struct usd_prim *prim);
void stage_definitions_finish(struct usd_stage *s);
// prim.c: composed names of a list operation (apiSchemas, variantSetNames); the caller frees the items.
void prim_names(const struct usd_prim *prim, usd_tok field, struct item_set *out);

// imaging.c
enum usd_purpose purpose_from(const char *name);

// value access, attr.c: borrowed where possible
bool field_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out);
bool attr_default_is_blocked(const usd_property *q); // its strongest default is None
const struct samples *field_samples(const struct layer *l, const struct field *f); // NULL when it has none
void assets_resolve(const struct usd_stage *s, const struct layer *l, const char *const *names, size_t count, struct usd_asset *to);
// dictionary.c: from a field; from several dictionaries, strongest first, whose layers go on holding what is in them.
bool dict_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out);
bool dict_merge(const struct usd_value *parts, size_t count, struct usd_value *out);
// Time codes are times themselves: they move with the layer's offset, in dictionaries too.
void value_map_times(struct usd_value *v, struct time_map t);
// The same for the value of an attribute of that type; durations are scaled, but have no place to move from.
void value_map_attribute(struct usd_value *v, usd_tok type, struct time_map t);
// Replaces v's data, `v->count` authored names, by resolved assets that v owns.
bool asset_values(const struct usd_stage *s, const struct layer *l, struct usd_value *v, const char *const *names);
