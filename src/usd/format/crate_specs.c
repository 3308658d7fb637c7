// Specs of a layer from the tables of a crate file. Two threads share the work of a large file: one decodes the field
// sets while the other makes the prim specs out of the tree of paths, then each fills in half of the prims.
#include <stdlib.h>
#include <string.h>

#include "crate_private.h"
#include "pages.h"
#include "path.h"
#include "write.h"

struct set_info {
    uint64_t children, properties; // value representations of the token vectors that order them, 0 = none
    usd_tok type_name;
    uint32_t first_field;
    uint16_t field_count;
    uint8_t specifier : 2, uniform : 1, custom : 1;
};

// What one half of the prims is filled in with.
struct half {
    uint32_t from, to; // prim specs
    uint32_t *slot;    // by token index
    struct {
        ARRAY_OF(uint32_t);
    } kids, sorted;
};

enum { NAME_LOOKED_AT = 1, NAME_OF_PRIM = 2, NAME_OF_PROPERTY = 4 };

struct build {
    uint8_t *names; // by token index: what it can be the name of
    struct path_spec {
        uint32_t set, type; // type 0: no spec
    } *spec_at;          // by path index
    uint32_t *prim_of;   // path index -> prim spec + 1
    uint32_t *next_prop; // path index -> next property of the same prim, + 1
    // By prim spec:
    uint32_t *path_of;
    uint32_t *first_prop, *last_prop, *prop_count; // path index + 1
    uint32_t *last_child;
    size_t prim_room;
    uint32_t *set_known; // where a field set begins -> its set_info + 1: specs that say the same share their fields
    struct {
        ARRAY_OF(struct set_info);
    } infos;
    struct hash_map field_known; // field index -> index in `fields`
    struct {
        ARRAY_OF(struct field);
    } fields; // decoded; without a name: not kept
    struct half half[2];
};

static uint32_t *zeros(size_t n)
{
    uint32_t *p = calloc(n, sizeof(*p));
    if (p)
        pages_expect(p, n * sizeof(*p));
    return p;
}

// ---------------------------------------------------------------------------------------------------------------
// Field sets

// Fields that the specs themselves hold, or that only order what the tree holds.
static bool is_structural(usd_tok name)
{
    switch (name) {
    case T_primChildren:
    case T_properties:
    case T_variantChildren:
    case T_variantSetChildren:
    case T_connectionChildren:
    case T_targetChildren:
    case T_specifier:
    case T_typeName:
    case T_variability:
    case T_custom:
    case T_subLayerOffsets: return true;
    default: return false;
    }
}

static void structural(struct loader *x, usd_tok name, uint64_t rep, struct set_info *info)
{
    unsigned type   = REP_TYPE(rep);
    uint64_t load   = REP_PAYLOAD(rep);
    bool names_list = type == CT_TOKEN_VECTOR && !(rep & REP_INLINED);
    if (name == T_typeName && type == CT_TOKEN)
        info->type_name = crate_token(x->c, load);
    else if (name == T_specifier && type == CT_SPECIFIER)
        info->specifier = load == 0 ? USD_DEF : load == 2 ? USD_CLASS : USD_OVER;
    else if (name == T_variability && type == CT_VARIABILITY)
        info->uniform = load == 1 || load == 2; // 2: config, of old files
    else if (name == T_custom && type == CT_BOOL)
        info->custom = load != 0;
    else if (name == T_primChildren && names_list)
        info->children = rep;
    else if (name == T_properties && names_list)
        info->properties = rep;
}

// Fields that stand in several sets are decoded once; only those whose values take memory are worth knowing.
static bool decode_field(struct loader *x, uint32_t f, usd_tok name, struct field *out)
{
    struct build *b = x->build;
    unsigned type   = REP_TYPE(x->field_reps[f]);
    if (type < CT_DICTIONARY || type == CT_TIME_SAMPLES || type == CT_VALUE_BLOCK || x->field_reps[f] & REP_ARRAY)
        return crate_field(x->l, x->c, name, x->field_reps[f], out, 0);
    uint64_t *known = hash_map_get(&b->field_known, f);
    if (known) {
        *out = b->fields.items[*known];
        return out->name != 0;
    }
    bool kept = crate_field(x->l, x->c, name, x->field_reps[f], out, 0);
    if (!kept)
        *out = (struct field) { 0 };
    if (array_push(&b->fields, *out))
        hash_map_put(&b->field_known, f, b->fields.count - 1);
    return kept;
}

static bool decode_set(struct loader *x, uint32_t start)
{
    struct layer *l      = x->l;
    struct build *b      = x->build;
    struct set_info info = { .specifier = USD_OVER, .first_field = (uint32_t)l->fields.count };
    for (size_t i = start; x->sets[i] != UINT32_MAX; i++) { // the table ends with UINT32_MAX
        uint32_t f = x->sets[i];
        if (f >= x->field_count)
            return crate_damaged(x, x->sections[SEC_FIELDSETS].start, "a field index is out of range");
        usd_tok name = crate_token(x->c, x->field_names[f]);
        if (is_structural(name)) {
            structural(x, name, x->field_reps[f], &info);
            continue;
        }
        struct field field;
        if (info.field_count == LIMIT_SPEC_FIELDS || !decode_field(x, f, name, &field))
            continue;
        if (l->fields.count >= UINT32_MAX || !array_push(&l->fields, field))
            return crate_nomem(x);
        info.field_count++;
    }
    if (!array_push(&b->infos, info))
        return crate_nomem(x);
    b->set_known[start] = (uint32_t)b->infos.count;
    return true;
}

// All of them in the order of the file, where neighbours use neighbouring fields and values.
static bool decode_sets(struct loader *x)
{
    struct build *b = x->build;
    size_t sets     = x->set_count + 1;
    uint32_t start  = 0;
    if (!(b->set_known = zeros(sets)) || !array_reserve(&x->l->fields, sets < 1u << 20 ? sets : 1u << 20))
        return crate_nomem(x);
    for (uint32_t i = 0; i < x->set_count; i++)
        if (x->sets[i] == UINT32_MAX) {
            if (!decode_set(x, start))
                return false;
            start = i + 1;
        }
    for (size_t i = 0; i < x->spec_count; i++) // no exporter lets a spec begin inside a set, but a file can say so
        if (x->spec_sets[i] < x->set_count && !b->set_known[x->spec_sets[i]] && !decode_set(x, x->spec_sets[i]))
            return false;
    return true;
}

static const struct set_info *set_info(const struct loader *x, uint32_t start)
{
    static const struct set_info none = { .specifier = USD_OVER };
    uint32_t known                    = start < x->set_count ? x->build->set_known[start] : 0;
    return known ? &x->build->infos.items[known - 1] : &none;
}

// ---------------------------------------------------------------------------------------------------------------
// Prim specs and the lists of their properties

static uint32_t new_prim(struct loader *x, const struct prim_spec *s, uint32_t path)
{
    struct layer *l = x->l;
    struct build *b = x->build;
    uint32_t at     = (uint32_t)l->prims.count;
    if (at >= b->prim_room || !array_push(&l->prims, *s)) {
        crate_nomem(x);
        return 0;
    }
    b->path_of[at]           = path;
    struct prim_spec *parent = &l->prims.items[s->parent];
    if (s->kind == SPEC_VARIANT_SET) {
        l->prims.items[at].next_sibling = parent->first_variant_set;
        parent->first_variant_set       = at;
    } else if (b->last_child[s->parent]) {
        l->prims.items[b->last_child[s->parent]].next_sibling = at;
        b->last_child[s->parent]                              = at;
    } else {
        parent->first_child      = at;
        b->last_child[s->parent] = at;
    }
    return at;
}

static uint32_t variant_set(struct loader *x, uint32_t owner, usd_tok name, uint32_t path)
{
    const struct prim_spec *s = x->l->prims.items;
    for (uint32_t v = s[owner].first_variant_set; v; v = s[v].next_sibling)
        if (s[v].name == name)
            return v;
    return new_prim(x, &(struct prim_spec) { .name = name, .parent = owner, .kind = SPEC_VARIANT_SET, .specifier = USD_OVER }, path);
}

// "{set=selection}": the spec of the variant, or of the set when there is no selection.
static bool add_variant(struct loader *x, uint32_t owner, uint32_t path)
{
    const char *text  = tok_text(crate_token(x->c, x->c->paths[path].token));
    const char *equal = strchr(text, '='), *close = strrchr(text, '}');
    if (*text != '{' || !equal || !close || close < equal)
        return true; // not a variant after all
    uint32_t set = variant_set(x, owner, tok_make(text + 1, (size_t)(equal - text - 1)), path);
    if (!set)
        return false;
    if (close == equal + 1)
        return true;
    struct prim_spec s = { .name = tok_make(equal + 1, (size_t)(close - equal - 1)), .parent = set, .kind = SPEC_VARIANT, .specifier = USD_OVER };
    uint32_t at              = new_prim(x, &s, path);
    x->build->prim_of[path] = at + 1;
    return at != 0;
}

// Can the token be the name of a prim, or of a property? Asked once per token.
static bool is_name(struct loader *x, uint32_t token, bool is_property)
{
    uint8_t *known = &x->build->names[token];
    if (!*known) {
        const char *t = tok_text(crate_token(x->c, token));
        bool valid    = path_valid_identifier(t, strlen(t));
        *known        = (uint8_t)(NAME_LOOKED_AT | (valid ? NAME_OF_PROPERTY : 0) | (valid && !strchr(t, ':') ? NAME_OF_PRIM : 0));
    }
    return *known & (is_property ? NAME_OF_PROPERTY : NAME_OF_PRIM);
}

static bool add_spec(struct loader *x, uint32_t path)
{
    struct build *b = x->build;
    uint32_t type   = b->spec_at[path].type;
    if (!type)
        return true;
    const struct path_entry *e = &x->c->paths[path];
    if (type == ST_PSEUDO_ROOT || e->parent == NO_PATH) {
        b->prim_of[path] = 1;
        b->path_of[0]    = path;
        return true;
    }
    uint32_t owner = b->prim_of[e->parent];
    if (!owner)
        return true; // below something that has no spec itself
    owner--;
    bool is_property = type == ST_ATTRIBUTE || type == ST_RELATIONSHIP;
    if ((type == ST_PRIM || is_property) && !is_name(x, e->token, is_property))
        return true; // nobody could refer to it
    switch (type) {
    case ST_PRIM: {
        struct prim_spec s = { .name = crate_token(x->c, e->token), .parent = owner, .specifier = USD_OVER, .flags = SPEC_SPECIFIER_SET };
        uint32_t at        = new_prim(x, &s, path);
        b->prim_of[path]   = at + 1;
        return at != 0;
    }
    case ST_VARIANT:
    case ST_VARIANT_SET: return add_variant(x, owner, path);
    case ST_ATTRIBUTE:
    case ST_RELATIONSHIP:
        if (b->last_prop[owner])
            b->next_prop[b->last_prop[owner] - 1] = path + 1;
        else
            b->first_prop[owner] = path + 1;
        b->last_prop[owner] = path + 1;
        b->prop_count[owner]++;
        return true;
    default: return true;
    }
}

static bool make_room(struct loader *x)
{
    struct build *b = x->build;
    size_t paths    = x->c->path_count + 1, prims = 2;
    for (size_t i = 0; i < x->spec_count; i++) {
        unsigned type = x->spec_types[i];
        prims += type == ST_PRIM ? 1 : type == ST_VARIANT || type == ST_VARIANT_SET ? 2 : 0; // a variant may bring its set
    }
    b->prim_room = prims;
    b->spec_at   = calloc(paths, sizeof(*b->spec_at));
    if (b->spec_at)
        pages_expect(b->spec_at, paths * sizeof(*b->spec_at));
    return (b->spec_at && (b->prim_of = zeros(paths)) && (b->next_prop = zeros(paths)) && (b->path_of = zeros(prims))
            && (b->first_prop = zeros(prims)) && (b->last_prop = zeros(prims)) && (b->prop_count = zeros(prims))
            && (b->last_child = zeros(prims)) && (b->names = calloc(x->c->token_count + 1, 1)) && array_reserve(&x->l->prims, prims))
        || crate_nomem(x);
}

static bool add_specs(struct loader *x)
{
    if (!make_room(x))
        return false;
    for (size_t i = 0; i < x->spec_count; i++) {
        if (x->spec_paths[i] >= x->c->path_count)
            return crate_damaged(x, x->sections[SEC_SPECS].start, "a spec has a path index out of range");
        x->build->spec_at[x->spec_paths[i]] = (struct path_spec) { x->spec_sets[i], x->spec_types[i] };
    }
    for (size_t i = 0; i < x->order_count; i++)
        if (!add_spec(x, x->order[i]))
            return false;
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Filling in

/*
 * h->kids as the file's list orders them, into h->sorted; what the list does not name follows. `token_of` gives the
 * element's token index of a kid.
 */
static bool sort_kids(struct loader *x, struct half *h, uint64_t list, uint32_t (*token_of)(const struct loader *, uint32_t))
{
    array_clear(&h->sorted);
    struct cursor c = list ? crate_at(x->c, REP_PAYLOAD(list)) : cur_make("", 0);
    uint64_t n      = cur_u64le(&c);
    if (c.bad || n > cur_left(&c) / 4)
        n = 0;
    for (size_t i = 0; i < h->kids.count; i++)
        h->slot[token_of(x, h->kids.items[i])] = (uint32_t)i + 1;
    bool ok = array_reserve(&h->sorted, h->kids.count);
    for (uint64_t i = 0; i < n && ok; i++) {
        uint32_t t = cur_u32le(&c);
        if (t >= x->c->token_count || !h->slot[t = crate_first_token(x, t)])
            continue;
        ok         = array_push(&h->sorted, h->kids.items[h->slot[t] - 1]);
        h->slot[t] = 0;
    }
    if (ok && h->sorted.count == h->kids.count)
        return true;
    for (size_t i = 0; i < h->kids.count && ok; i++) {
        uint32_t t = token_of(x, h->kids.items[i]);
        if (h->slot[t])
            ok = array_push(&h->sorted, h->kids.items[i]);
        h->slot[t] = 0;
    }
    return ok;
}

static uint32_t prim_token(const struct loader *x, uint32_t prim) { return x->c->paths[x->build->path_of[prim]].token; }
static uint32_t prop_token(const struct loader *x, uint32_t path) { return x->c->paths[path].token; }

static bool order_children(struct loader *x, struct half *h, uint32_t prim, uint64_t list)
{
    struct prim_spec *s = x->l->prims.items;
    if (!s[prim].first_child || !s[s[prim].first_child].next_sibling)
        return true;
    array_clear(&h->kids);
    for (uint32_t k = s[prim].first_child; k; k = s[k].next_sibling)
        if (!array_push(&h->kids, k))
            return crate_nomem(x);
    if (!sort_kids(x, h, list, prim_token))
        return crate_nomem(x);
    s[prim].first_child = h->sorted.items[0];
    for (size_t i = 0; i < h->sorted.count; i++)
        s[h->sorted.items[i]].next_sibling = i + 1 < h->sorted.count ? h->sorted.items[i + 1] : 0;
    return true;
}

static struct prop_spec make_property(const struct loader *x, uint32_t path)
{
    struct path_spec spec       = x->build->spec_at[path];
    const struct set_info *info = set_info(x, spec.set);
    struct prop_spec p          = { .name = crate_token(x->c, x->c->paths[path].token), .type_name = info->type_name,
                                    .first_field = info->first_field, .field_count = info->field_count };
    p.flags = (uint8_t)((info->custom ? PROP_CUSTOM : 0) | (info->uniform ? PROP_UNIFORM : 0));
    if (spec.type == ST_RELATIONSHIP) {
        p.flags     = (uint8_t)((p.flags & ~PROP_UNIFORM) | PROP_RELATIONSHIP);
        p.type_name = 0;
    }
    return p;
}

// Room for the properties was made: prim_spec.first_prop.
static bool add_properties(struct loader *x, struct half *h, uint32_t prim, uint64_t list)
{
    struct build *b     = x->build;
    struct prim_spec *s = &x->l->prims.items[prim];
    if (!b->prop_count[prim])
        return true;
    array_clear(&h->kids);
    for (uint32_t at = b->first_prop[prim]; at; at = b->next_prop[at - 1])
        if (!array_push(&h->kids, at - 1))
            return crate_nomem(x);
    if (!sort_kids(x, h, list, prop_token))
        return crate_nomem(x);
    for (size_t i = 0; i < h->sorted.count; i++)
        x->l->props.items[s->first_prop + i] = make_property(x, h->sorted.items[i]);
    s->prop_count = (uint32_t)h->sorted.count;
    for (uint32_t i = s->prop_count; i < b->prop_count[prim]; i++) // a name was there twice
        x->l->props.items[s->first_prop + i] = (struct prop_spec) { 0 };
    return true;
}

static bool fill(struct loader *x, struct half *h)
{
    if (!(h->slot = calloc(x->c->token_count + 1, sizeof(*h->slot))))
        return crate_nomem(x);
    for (uint32_t p = h->from; p < h->to; p++) {
        struct prim_spec *s   = &x->l->prims.items[p];
        struct path_spec spec = x->build->spec_at[x->build->path_of[p]];
        if (!spec.type || s->kind == SPEC_VARIANT_SET)
            continue;
        const struct set_info *info = set_info(x, spec.set);
        if (s->kind == SPEC_PRIM && p)
            s->specifier = info->specifier;
        s->type_name   = s->kind == SPEC_PRIM ? info->type_name : 0;
        s->first_field = info->first_field;
        s->field_count = info->field_count;
        if (!order_children(x, h, p, info->children) || !add_properties(x, h, p, info->properties))
            return false;
    }
    return true;
}

static bool fill_first(struct loader *x) { return fill(x, &x->build->half[0]); }
static bool fill_second(struct loader *x) { return fill(x, &x->build->half[1]); }

// Where each prim's properties go, and where the second half begins.
static bool place_properties(struct loader *x)
{
    struct layer *l = x->l;
    struct build *b = x->build;
    uint64_t total  = 0, count = 0;
    for (size_t p = 0; p < l->prims.count; p++)
        total += b->prop_count[p];
    if (total >= UINT32_MAX || !array_reserve(&l->props, (size_t)total + 1))
        return crate_nomem(x);
    l->props.count = (size_t)total;
    uint32_t split = 0;
    for (uint32_t p = 0; p < l->prims.count; p++) {
        l->prims.items[p].first_prop = (uint32_t)count;
        count += b->prop_count[p];
        split = count * 2 <= total ? p + 1 : split;
    }
    b->half[0].to = b->half[1].from = split;
    b->half[1].to                   = (uint32_t)l->prims.count;
    return true;
}

// ---------------------------------------------------------------------------------------------------------------

bool crate_make_specs(struct loader *x, struct thread_pool *pool)
{
    struct build b = { 0 };
    x->build       = &b;
    bool ok        = crate_pair(pool, decode_sets, add_specs, x) && place_properties(x) && crate_pair(pool, fill_first, fill_second, x);
    x->build = NULL;
    free(b.names);
    free(b.spec_at);
    free(b.prim_of);
    free(b.next_prop);
    free(b.path_of);
    free(b.first_prop);
    free(b.last_prop);
    free(b.prop_count);
    free(b.last_child);
    free(b.set_known);
    array_free(&b.infos);
    hash_map_finish(&b.field_known);
    array_free(&b.fields);
    for (int i = 0; i < 2; i++) {
        free(b.half[i].slot);
        array_free(&b.half[i].kids);
        array_free(&b.half[i].sorted);
    }
    return ok;
}
