// Composed metadata of prims and properties: the strongest opinion, except for list operations, which combine, and
// dictionaries, which merge key by key.
#include <stdlib.h>
#include <string.h>

#include "crate.h"
#include "stage.h"

struct opinions {
    ARRAY_OF(struct {
        const struct layer *layer;
        const struct field *field;
        struct time_map time;
    });
};

static void add_opinion(struct opinions *o, const struct index *ix, uint16_t node, uint16_t layer, const struct field *f)
{
    if (f && array_reserve(o, o->count + 1)) {
        o->items[o->count].layer = ref_stack_layer(ix, node, layer)->layer;
        o->items[o->count].field = f;
        o->items[o->count].time  = ref_time(ix, node, layer);
        o->count++;
    }
}

static void prim_opinions(const usd_prim *prim, usd_tok key, struct opinions *o)
{
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        add_opinion(o, p->index, r[i].node, r[i].layer, s->field_count ? spec_field(l, s, key) : NULL);
    }
}

static void prop_opinions(const usd_property *q, usd_tok key, struct opinions *o)
{
    const struct index *ix   = prim_real(prop_prim(q))->index;
    const struct prop_ref *r = prop_refs(q);
    for (unsigned i = 0; i < q->ref_count; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(ix, r[i], &l);
        add_opinion(o, ix, r[i].node, r[i].layer, s->field_count ? prop_field(l, s, key) : NULL);
    }
}

static bool merged_dictionary(const struct usd_stage *s, const struct opinions *o, struct usd_value *out)
{
    struct usd_value *parts = malloc(o->count * sizeof(*parts));
    size_t count            = 0;
    for (size_t i = 0; parts && i < o->count; i++) {
        if (!field_value(s, o->items[i].layer, o->items[i].field, &parts[count]) || parts[count].type != USD_TYPE_DICTIONARY) {
            usd_value_finish(&parts[count]);
            continue;
        }
        value_map_times(&parts[count++], o->items[i].time);
    }
    bool ok = count > 0;
    if (count == 1) {
        *out = parts[0];
    } else if (ok) {
        ok = dict_merge(parts, count, out);
        for (size_t i = 0; i < count; i++)
            usd_value_finish(&parts[i]);
    }
    free(parts);
    return ok;
}

static bool compose_field(const struct usd_stage *s, const struct opinions *o, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    if (!o->count)
        return false;
    const struct field *f = o->items[0].field;
    if (f->type == VT_DICT)
        return merged_dictionary(s, o, out);
    if (f->type != VT_TOKEN_LISTOP && f->type != VT_STRING_LISTOP) {
        bool ok = field_value(s, o->items[0].layer, f, out);
        if (ok)
            value_map_times(out, o->items[0].time);
        return ok;
    }
    struct item_set set = { 0 };
    for (size_t i = o->count; i-- > 0;)
        listop_names(&set, o->items[i].field);
    return item_set_value(&set, out);
}

bool usd_prim_metadata(const usd_prim *p, const char *key, struct usd_value *out)
{
    struct opinions o = { .count = 0 };
    usd_tok tok       = p ? tok_find(key, strlen(key)) : UINT32_MAX;
    if (tok != UINT32_MAX)
        prim_opinions(p, tok, &o);
    memset(out, 0, sizeof(*out));
    bool ok = o.count && compose_field(prim_stage(p), &o, out);
    array_free(&o);
    return ok;
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
    bool ok = o.count && compose_field(prim_stage(prop_prim(q)), &o, out);
    array_free(&o);
    return ok;
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
