// Composed metadata of prims and properties: the strongest opinion, except for list operations, which combine, and
// dictionaries, which merge key by key.
#include <stdlib.h>
#include <string.h>

#include "crate.h"
#include "stage.h"

struct opinions {
    struct {
        const struct layer *layer;
        const struct field *field;
    } at[64];
    size_t count;
};

static void prim_opinions(const usd_prim *prim, usd_tok key, struct opinions *o)
{
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count && o->count < 64; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        const struct field *f     = s->field_count ? spec_field(l, s, key) : NULL;
        if (f)
            o->at[o->count].layer = l, o->at[o->count++].field = f;
    }
}

static void prop_opinions(const usd_property *q, usd_tok key, struct opinions *o)
{
    const struct index *ix   = prim_real(prop_prim(q))->index;
    const struct prop_ref *r = prop_refs(q);
    for (unsigned i = 0; i < q->ref_count && o->count < 64; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(ix, r[i], &l);
        const struct field *f     = s->field_count ? prop_field(l, s, key) : NULL;
        if (f)
            o->at[o->count].layer = l, o->at[o->count++].field = f;
    }
}

// A dictionary merged from several opinions. Nested entries are copied by value; their owners stay alive in `parts`.
struct merge_node {
    const char *key;
    struct usd_value value; // of a leaf, borrowed from a part
    struct merge_node *first, *next; // of a dictionary
    size_t count;
    bool is_dict;
};

// A scalar may live inside the struct: it moves along.
static void move_value(struct usd_value *to, const struct usd_value *from)
{
    *to = *from;
    if (from->data == from->storage)
        to->data = to->storage;
}

static struct merge_node *merge_find(struct merge_node *dict, const char *key)
{
    for (struct merge_node *n = dict->first; n; n = n->next)
        if (!strcmp(n->key, key))
            return n;
    return NULL;
}

static void merge_into(struct arena *a, struct merge_node *dict, const struct usd_value *v, unsigned depth)
{
    const struct usd_dict_entry *e = v->data;
    for (size_t i = 0; i < v->count; i++) {
        struct merge_node *n = merge_find(dict, e[i].key);
        bool is_dict         = e[i].value.type == USD_TYPE_DICTIONARY;
        if (n) {
            if (n->is_dict && is_dict && depth)
                merge_into(a, n, &e[i].value, depth - 1);
            continue; // the stronger one stays
        }
        n = arena_alloc(a, sizeof(*n));
        if (!n)
            return;
        n->key     = e[i].key;
        n->is_dict = is_dict;
        if (!is_dict)
            move_value(&n->value, &e[i].value);
        struct merge_node **at = &dict->first; // sorted by key
        while (*at && strcmp((*at)->key, n->key) < 0)
            at = &(*at)->next;
        n->next = *at;
        *at     = n;
        dict->count++;
        if (is_dict && depth)
            merge_into(a, n, &e[i].value, depth - 1);
    }
}

static size_t merge_size(const struct merge_node *dict)
{
    size_t n = dict->count;
    for (const struct merge_node *c = dict->first; c; c = c->next)
        if (c->is_dict)
            n += merge_size(c);
    return n;
}

static void merge_write(const struct merge_node *dict, struct usd_value *out, struct usd_dict_entry **next)
{
    struct usd_dict_entry *to = *next;
    *next += dict->count;
    out->type  = USD_TYPE_DICTIONARY;
    out->count = dict->count;
    out->data  = to;
    for (const struct merge_node *c = dict->first; c; c = c->next, to++) {
        memset(to, 0, sizeof(*to));
        to->key = c->key;
        if (c->is_dict) {
            merge_write(c, &to->value, next);
        } else {
            move_value(&to->value, &c->value);
        }
    }
}

static bool merged_dictionary(const struct usd_stage *s, const struct opinions *o, struct usd_value *out)
{
    struct usd_value parts[64];
    size_t count = 0;
    for (size_t i = 0; i < o->count; i++) {
        if (!field_value(s, o->at[i].layer, o->at[i].field, &parts[count]) || parts[count].type != USD_TYPE_DICTIONARY) {
            usd_value_finish(&parts[count]);
            continue;
        }
        count++;
    }
    if (count == 1) {
        *out = parts[0];
        return true;
    }
    struct arena a;
    arena_init(&a, 0);
    struct merge_node root = { .is_dict = true };
    for (size_t i = 0; i < count; i++)
        merge_into(&a, &root, &parts[i], 256);
    struct usd_dict_entry *next = malloc((merge_size(&root) + 1) * sizeof(*next));
    bool ok                     = count && next;
    memset(out, 0, sizeof(*out));
    out->owned = next;
    if (ok)
        merge_write(&root, out, &next);
    else
        usd_value_finish(out);
    for (size_t i = 0; i < count; i++)
        usd_value_finish(&parts[i]);
    arena_finish(&a);
    return ok;
}

static bool compose_field(const struct usd_stage *s, const struct opinions *o, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    if (!o->count)
        return false;
    const struct field *f = o->at[0].field;
    if (f->type == VT_DICT)
        return merged_dictionary(s, o, out);
    if (f->type != VT_TOKEN_LISTOP && f->type != VT_STRING_LISTOP)
        return field_value(s, o->at[0].layer, f, out);
    struct item_set set = { 0 };
    for (size_t i = o->count; i-- > 0;)
        listop_names(&set, o->at[i].field);
    const char **names = malloc((set.count + 1) * sizeof(*names));
    for (size_t i = 0; names && i < set.count; i++)
        names[i] = tok_text((usd_tok)set.items[i]);
    out->type     = USD_TYPE_TOKEN;
    out->is_array = true;
    out->count    = set.count;
    out->data = out->owned = names;
    array_free(&set);
    return names != NULL;
}

bool usd_prim_metadata(const usd_prim *p, const char *key, struct usd_value *out)
{
    struct opinions o = { .count = 0 };
    usd_tok tok       = p ? tok_find(key, strlen(key)) : UINT32_MAX;
    if (tok != UINT32_MAX)
        prim_opinions(p, tok, &o);
    memset(out, 0, sizeof(*out));
    return o.count && compose_field(prim_stage(p), &o, out);
}

bool usd_property_metadata(const usd_property *q, const char *key, struct usd_value *out)
{
    struct opinions o = { .count = 0 };
    usd_tok tok       = q ? tok_find(key, strlen(key)) : UINT32_MAX;
    memset(out, 0, sizeof(*out));
    if (tok == T_default || tok == T_timeSamples || tok == T_targetPaths || tok == T_connectionPaths)
        return false; // values, not metadata
    if (tok != UINT32_MAX)
        prop_opinions(q, tok, &o);
    return o.count && compose_field(prim_stage(prop_prim(q)), &o, out);
}

static bool is_public(const struct field *f)
{
    switch (f->name) {
    case T_default:
    case T_timeSamples:
    case T_targetPaths:
    case T_connectionPaths:
    case T_primOrder:
    case T_propertyOrder: return false;
    default: return f->type < USD_TYPE_COUNT || f->type == VT_DICT || f->type == VT_TOKEN_LISTOP || f->type == VT_STRING_LISTOP;
    }
}

// Field number *at in the concatenation of all specs' fields, names met before left out.
const char *usd_prim_metadata_next(const usd_prim *prim, size_t *at)
{
    if (!prim)
        return NULL;
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    size_t n                 = 0;
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        for (unsigned k = 0; k < s->field_count; k++, n++) {
            const struct field *f = &l->fields.items[s->first_field + k];
            if (n < *at || !is_public(f))
                continue;
            bool known = false;
            for (unsigned j = 0; j < i && !known; j++) {
                const struct layer *m;
                const struct prim_spec *t = ref_spec(p->index, r[j], &m);
                known                     = spec_field(m, t, f->name) != NULL;
            }
            if (known)
                continue;
            *at = n + 1;
            return tok_text(f->name);
        }
    }
    *at = n;
    return NULL;
}

const char *usd_property_metadata_next(const usd_property *q, size_t *at)
{
    if (!q)
        return NULL;
    const struct index *ix   = prim_real(prop_prim(q))->index;
    const struct prop_ref *r = prop_refs(q);
    size_t n                 = 0;
    for (unsigned i = 0; i < q->ref_count; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(ix, r[i], &l);
        for (unsigned k = 0; k < s->field_count; k++, n++) {
            const struct field *f = &l->fields.items[s->first_field + k];
            if (n < *at || !is_public(f))
                continue;
            bool known = false;
            for (unsigned j = 0; j < i && !known; j++) {
                const struct layer *m;
                const struct prop_spec *t = ref_prop(ix, r[j], &m);
                known                     = prop_field(m, t, f->name) != NULL;
            }
            if (known)
                continue;
            *at = n + 1;
            return tok_text(f->name);
        }
    }
    *at = n;
    return NULL;
}
