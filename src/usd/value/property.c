// Properties of composed prims: their table, metadata, targets and connections.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

struct merged {
    usd_tok name;
    uint32_t first; // linked opinions, strongest first
    uint32_t count;
};
struct merged_ref {
    struct prop_ref ref;
    uint32_t next;
};
struct merge {
    struct {
        ARRAY_OF(struct merged);
    } props;
    struct {
        ARRAY_OF(struct merged_ref);
    } refs;
    struct hash_map by_name;
};

static struct merged *merged_of(struct merge *m, usd_tok name)
{
    uint64_t *at = hash_map_get(&m->by_name, name);
    if (at)
        return &m->props.items[*at];
    hash_map_put(&m->by_name, name, m->props.count);
    if (!array_push(&m->props, (struct merged) { name, UINT32_MAX, 0 }))
        return NULL;
    return &m->props.items[m->props.count - 1];
}

static void merge_order(struct merge *m, const struct field *f)
{
    struct item_set names = { 0 }, order = { 0 };
    listop_names(&order, f);
    for (size_t i = 0; i < m->props.count; i++)
        (void)array_push(&names, m->props.items[i].name);
    order_apply(&names, order.items, order.count);
    struct merged *sorted = names.count ? malloc(names.count * sizeof(*sorted)) : NULL;
    if (sorted && names.count == m->props.count) {
        for (size_t i = 0; i < names.count; i++)
            sorted[i] = m->props.items[*hash_map_get(&m->by_name, names.items[i])];
        memcpy(m->props.items, sorted, names.count * sizeof(*sorted));
        for (size_t i = 0; i < names.count; i++)
            hash_map_put(&m->by_name, sorted[i].name, i);
    }
    free(sorted);
    array_free(&names);
    array_free(&order);
}

static bool names_targets(const struct layer *l, const struct prop_spec *s)
{
    for (unsigned i = 0; i < s->field_count; i++) {
        usd_tok name = l->fields.items[s->first_field + i].name;
        if (name == T_connectionPaths || name == T_targetPaths)
            return true;
    }
    return false;
}

static void describe(struct usd_property *q, const struct index *ix, const struct usd_definition *built_ins)
{
    const struct prop_ref *r = prop_refs(q);
    bool typed = false, has_targets = false;
    unsigned custom = 0;
    for (unsigned i = 0; i < q->ref_count; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(ix, r[i], &l);
        has_targets |= names_targets(l, s);
        custom |= s->flags & PROP_CUSTOM;
        if (!typed && (s->type_name || s->flags & PROP_RELATIONSHIP)) {
            typed        = true;
            q->type_name = s->type_name;
            q->flags     = s->flags;
            bool is_array;
            q->type     = usd_type_from_name(tok_text(s->type_name), &is_array);
            q->is_array = is_array;
        }
    }
    const struct layer *weakest;
    unsigned uniform = ref_prop(ix, r[q->ref_count - 1], &weakest)->flags & PROP_UNIFORM; // the first to declare it decides
    q->flags         = (uint8_t)((q->flags & ~(unsigned)PROP_UNIFORM) | custom | uniform);
    // What the prim's type and API schemas have built in is what they say it is, whatever a layer says.
    const struct prop_spec *built_in = definition_spec(built_ins, q->name);
    if (built_in && !((built_in->flags ^ q->flags) & PROP_RELATIONSHIP)) {
        bool is_array;
        q->flags     = built_in->flags;
        q->type_name = built_in->type_name;
        q->type      = usd_type_from_name(tok_text(built_in->type_name), &is_array);
        q->is_array  = is_array;
    }
    q->flags |= has_targets ? PROP_HAS_TARGETS : 0;
}

static struct prop_table *table_alloc(const struct usd_prim *p, const struct usd_definition *definition, size_t count, bool has_targets)
{
    size_t item          = sizeof(struct usd_property) + (has_targets ? sizeof(struct target_list *) : 0);
    struct prop_table *t = arena_alloc(parts_arena(p), sizeof(*t) + count * item);
    if (!t)
        return NULL;
    t->prim        = p;
    t->definition  = definition;
    t->count       = (uint32_t)count;
    t->has_targets = has_targets;
    for (uint32_t i = 0; i < count; i++)
        t->props[i].place = i;
    return t;
}

static struct target_list *_Atomic *target_slot(const struct usd_property *q)
{
    struct prop_table *t = prop_table_of(q);
    return t->has_targets ? (struct target_list *_Atomic *)(void *)&t->props[t->count] + q->place : NULL;
}

static struct prop_table *table_of_one(const struct usd_prim *p)
{
    const struct layer *l;
    struct spec_ref r         = p->one;
    const struct prim_spec *spec = ref_spec(p->index, r, &l);
    bool has_targets             = false;
    for (uint32_t i = 0; i < spec->prop_count; i++)
        has_targets |= names_targets(l, &l->props.items[spec->first_prop + i]);
    const struct usd_definition *built_ins = prim_definition_locked(p);
    struct prop_table *t                   = table_alloc(p, built_ins, spec->prop_count, has_targets);
    for (uint32_t i = 0; t && i < spec->prop_count; i++) {
        struct usd_property *q = &t->props[i];
        q->name      = l->props.items[spec->first_prop + i].name;
        q->ref_count = 1;
        q->one       = (struct prop_ref) { spec->first_prop + i, r.node, r.layer };
        describe(q, p->index, built_ins);
    }
    return t;
}

static bool is_relationship(const struct index *ix, struct prop_ref r)
{
    const struct layer *l;
    return ref_prop(ix, r, &l)->flags & PROP_RELATIONSHIP;
}

// The strongest spec says whether it is an attribute or a relationship; specs of the other kind do not count.
static void drop_other_kind(struct merge *m, const struct index *ix, struct merged *q)
{
    bool kind = is_relationship(ix, m->refs.items[q->first].ref);
    for (uint32_t *at = &m->refs.items[q->first].next; *at != UINT32_MAX;) {
        struct merged_ref *r = &m->refs.items[*at];
        if (is_relationship(ix, r->ref) == kind) {
            at = &r->next;
        } else {
            *at = r->next;
            q->count--;
        }
    }
}

static struct prop_table *table_of_many(const struct usd_prim *p)
{
    struct merge m           = { 0 };
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = p->ref_count; i-- > 0;) {
        const struct layer *l;
        const struct prim_spec *spec = ref_spec(p->index, r[i], &l);
        for (uint32_t k = 0; k < spec->prop_count; k++) {
            struct merged *q = merged_of(&m, l->props.items[spec->first_prop + k].name);
            if (!q || !array_push(&m.refs, (struct merged_ref) { { spec->first_prop + k, r[i].node, r[i].layer }, q->first }))
                break;
            q->first = (uint32_t)m.refs.count - 1;
            q->count++;
        }
        const struct field *order = spec->field_count ? spec_field(l, spec, T_propertyOrder) : NULL;
        if (order)
            merge_order(&m, order);
    }
    bool has_targets = false;
    for (size_t i = 0; i < m.refs.count; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(p->index, m.refs.items[i].ref, &l);
        has_targets |= names_targets(l, s);
    }
    const struct usd_definition *built_ins = prim_definition_locked(p);
    struct prop_table *t                   = table_alloc(p, built_ins, m.props.count, has_targets);
    for (size_t i = 0; t && i < m.props.count; i++) {
        struct usd_property *q = &t->props[i];
        drop_other_kind(&m, p->index, &m.props.items[i]);
        q->name      = m.props.items[i].name;
        q->ref_count = (uint16_t)m.props.items[i].count;
        uint32_t at  = m.props.items[i].first;
        if (q->ref_count == 1) {
            q->one = m.refs.items[at].ref;
        } else {
            q->many = arena_alloc(parts_arena(p), q->ref_count * sizeof(*q->many));
            if (!q->many) {
                t = NULL;
                break;
            }
            for (unsigned k = 0; at != UINT32_MAX; at = m.refs.items[at].next)
                q->many[k++] = m.refs.items[at].ref;
        }
        describe(q, p->index, built_ins);
    }
    array_free(&m.props);
    array_free(&m.refs);
    hash_map_finish(&m.by_name);
    return t;
}

static struct prop_table *table_locked(struct usd_prim *p)
{
    struct prop_table *t = atomic_load_explicit(&p->props, memory_order_acquire);
    if (t)
        return t;
    if (p->flags & PRIM_PROXY) {
        const struct prop_table *from = table_locked((struct usd_prim *)p->source);
        t                             = from ? table_alloc(p, from->definition, from->count, from->has_targets) : NULL;
        if (t)
            memcpy(t->props, from->props, t->count * sizeof(t->props[0])); // targets are this instance's own
    } else {
        t = p->ref_count == 1 ? table_of_one(p) : table_of_many(p);
    }
    atomic_store_explicit(&p->props, t, memory_order_release);
    return t;
}

static const struct prop_table *table(const usd_prim *prim)
{
    struct usd_prim *p   = (struct usd_prim *)prim;
    struct prop_table *t = atomic_load_explicit(&p->props, memory_order_acquire);
    if (t)
        return t;
    struct usd_stage *s = prim_stage(p);
    pthread_mutex_lock(&s->lock);
    t = table_locked(p);
    pthread_mutex_unlock(&s->lock);
    return t;
}

size_t usd_prim_property_count(const usd_prim *p)
{
    const struct prop_table *t = p && p->parent ? table(p) : NULL;
    return t ? t->count : 0;
}

const usd_property *usd_prim_property(const usd_prim *p, size_t i)
{
    const struct prop_table *t = p && p->parent ? table(p) : NULL;
    return t && i < t->count ? &t->props[i] : NULL;
}

const usd_property *prim_property(const usd_prim *p, usd_tok name)
{
    const struct prop_table *t = p && p->parent ? table(p) : NULL;
    for (uint32_t i = 0; t && i < t->count; i++)
        if (t->props[i].name == name)
            return &t->props[i];
    return NULL;
}

const usd_property *usd_prim_find_property(const usd_prim *p, const char *name)
{
    usd_tok tok = name ? tok_find(name, strlen(name)) : UINT32_MAX;
    return tok != UINT32_MAX ? prim_property(p, tok) : NULL;
}

const usd_prim *usd_property_prim(const usd_property *q) { return q ? prop_prim(q) : NULL; }
const char *usd_property_name(const usd_property *q) { return q ? tok_text(q->name) : ""; }
const char *usd_property_type_name(const usd_property *q) { return q ? tok_text(q->type_name) : ""; }
const char *usd_property_declared_type(const usd_property *q)
{
    for (unsigned i = 0; q && i < q->ref_count; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(prim_real(usd_property_prim(q))->index, prop_refs(q)[i], &l);
        if (s->type_name)
            return tok_text(s->type_name);
    }
    return "";
}
enum usd_type usd_property_type(const usd_property *q, bool *is_array)
{
    if (is_array)
        *is_array = q && q->is_array;
    return q ? (enum usd_type)q->type : USD_TYPE_NONE;
}
bool usd_property_is_relationship(const usd_property *q) { return q && q->flags & PROP_RELATIONSHIP; }
bool usd_property_is_uniform(const usd_property *q) { return q && q->flags & PROP_UNIFORM; }
bool usd_property_is_custom(const usd_property *q) { return q && q->flags & PROP_CUSTOM; }

bool usd_property_opinion(const usd_property *q, size_t i, struct usd_opinion *out)
{
    if (!q || i >= q->ref_count)
        return false;
    const struct index *ix = prim_real(prop_prim(q))->index;
    struct prop_ref r      = prop_refs(q)[i];
    const struct layer *l;
    ref_prop(ix, r, &l);
    char path[8192] = "";
    const struct usd_prim *p = prim_real(prop_prim(q));
    const struct spec_ref *s = prim_refs(p);
    size_t n = 0;
    for (unsigned k = 0; k < p->ref_count; k++)
        if (s[k].node == r.node && s[k].layer == r.layer)
            n = spec_path(l, s[k].spec, path, sizeof(path));
    if (n + tok_size(q->name) + 2 < sizeof(path)) {
        path[n] = '.';
        memcpy(path + n + 1, tok_text(q->name), tok_size(q->name) + 1);
    }
    struct time_map t = ref_time(ix, r.node, r.layer);
    *out = (struct usd_opinion) { l->identifier, tok_text(tok_str(path)), t.offset, t.scale };
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Targets and connections

usd_tok path_to_instance(const struct usd_prim *proxy, usd_tok path)
{
    const struct usd_prim *real = prim_real(proxy), *here = proxy, *top_real = NULL, *top_here = NULL;
    // Up to the instance through which the proxy came to be: both chains climb together.
    while (here->flags & PRIM_PROXY) {
        real = here->source;
        for (; here->parent && real->parent && (here->flags & PRIM_PROXY); here = here->parent, real = real->parent)
            if (!(here->parent->flags & PRIM_PROXY) || here->parent->source != real->parent) {
                // here->parent is (a stand-in for) an instance; real->parent is its prototype's holder
                top_here = here->parent;
                top_real = real->parent;
                break;
            }
        char from[8192], to[8192];
        size_t n = prim_path_write(top_real, from, sizeof(from)), m = prim_path_write(top_here, to, sizeof(to));
        const char *text = tok_text(path);
        if (n < sizeof(from) && m < sizeof(to) && !strncmp(text, from, n) && (!text[n] || text[n] == '/' || text[n] == '.')
            && m + strlen(text + n) < sizeof(to)) {
            strcpy(to + m, text + n);
            return tok_str(to);
        }
        here = top_here; // not inside this prototype: perhaps inside the one around it
    }
    return path;
}

static void apply_targets(struct item_set *set, const struct field *f, const struct path_map *map)
{
    const struct listop *op = field_ptr(f);
    uint64_t *lists[LISTOP_KINDS];
    size_t counts[LISTOP_KINDS];
    for (int k = 0; k < LISTOP_KINDS; k++) {
        const char *const *paths = op->list[k].items;
        size_t n                 = op->list[k].count;
        counts[k]                = 0;
        lists[k]                 = n ? malloc(n * sizeof(uint64_t)) : NULL;
        for (size_t i = 0; lists[k] && i < n; i++) {
            usd_tok path = path_map_apply(map, paths[i]);
            if (path) // else it points outside of what the arc brings in
                lists[k][counts[k]++] = path;
        }
    }
    listop_apply(set, (const uint64_t *const *)lists, counts, op->is_explicit);
    for (int k = 0; k < LISTOP_KINDS; k++)
        free(lists[k]);
}

static const struct target_list no_targets;

static const struct target_list *targets(const usd_property *q)
{
    struct target_list *_Atomic *slot = q->flags & PROP_HAS_TARGETS ? target_slot(q) : NULL;
    if (!slot)
        return &no_targets;
    struct target_list *t = atomic_load_explicit(slot, memory_order_acquire);
    if (t)
        return t;
    const struct usd_prim *p = prim_real(prop_prim(q));
    const struct prop_ref *r = prop_refs(q);
    usd_tok field            = q->flags & PROP_RELATIONSHIP ? T_targetPaths : T_connectionPaths;
    struct item_set set      = { 0 };
    for (unsigned i = q->ref_count; i-- > 0;) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(p->index, r[i], &l);
        const struct field *f     = prop_field(l, s, field);
        if (f && f->type == VT_PATH_LISTOP)
            apply_targets(&set, f, p->index->nodes[r[i].node].to_root);
    }
    if (prop_prim(q)->flags & PRIM_PROXY)
        for (size_t i = 0; i < set.count; i++)
            set.items[i] = path_to_instance(prop_prim(q), (usd_tok)set.items[i]);
    struct usd_stage *s = p->index->stage;
    pthread_mutex_lock(&s->lock);
    t = arena_alloc(parts_arena(prop_prim(q)), sizeof(*t) + set.count * sizeof(t->paths[0]));
    pthread_mutex_unlock(&s->lock);
    if (t) {
        t->count = (uint32_t)set.count;
        for (size_t i = 0; i < set.count; i++)
            t->paths[i] = tok_text((usd_tok)set.items[i]);
        atomic_store_explicit(slot, t, memory_order_release);
    }
    array_free(&set);
    return t ? t : &no_targets;
}

size_t usd_attr_connection_count(const usd_property *q) { return q && !(q->flags & PROP_RELATIONSHIP) ? targets(q)->count : 0; }
const char *usd_attr_connection(const usd_property *q, size_t i)
{
    return i < usd_attr_connection_count(q) ? targets(q)->paths[i] : NULL;
}
size_t usd_rel_target_count(const usd_property *q) { return q && q->flags & PROP_RELATIONSHIP ? targets(q)->count : 0; }
const char *usd_rel_target(const usd_property *q, size_t i) { return i < usd_rel_target_count(q) ? targets(q)->paths[i] : NULL; }
