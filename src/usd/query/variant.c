// Variant sets of a composed prim: their names, variants and what was selected.
#include <stdlib.h>
#include <string.h>

#include "site.h"
#include "stage.h"

static void add_unique(struct item_set *set, uint64_t item)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i] == item)
            return;
    (void)array_push(set, item);
}

// The sets of each site are a list of their own; the prim has those of all sites, strongest first.
static void set_names(const usd_prim *prim, struct item_set *out)
{
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count;) {
        unsigned end = i;
        while (end < p->ref_count && r[end].node == r[i].node)
            end++;
        struct item_set names = { 0 };
        for (unsigned k = end; k-- > i;) {
            const struct layer *l;
            const struct prim_spec *s = ref_spec(p->index, r[k], &l);
            const struct field *f     = s->flags & SPEC_HAS_ARCS ? spec_field(l, s, T_variantSetNames) : NULL;
            if (f)
                listop_names(&names, f);
        }
        for (size_t k = 0; k < names.count; k++)
            add_unique(out, names.items[k]);
        array_free(&names);
        i = end;
    }
}

size_t usd_prim_variant_set_count(const usd_prim *p)
{
    struct item_set names = { 0 };
    if (p)
        set_names(p, &names);
    size_t n = names.count;
    array_free(&names);
    return n;
}

const char *usd_prim_variant_set(const usd_prim *p, size_t set)
{
    struct item_set names = { 0 };
    if (p)
        set_names(p, &names);
    const char *name = set < names.count ? tok_text((usd_tok)names.items[set]) : NULL;
    array_free(&names);
    return name;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(tok_text((usd_tok) * (const uint64_t *)a), tok_text((usd_tok) * (const uint64_t *)b));
}

static void variants_of(const usd_prim *prim, size_t set, struct item_set *out)
{
    const char *name = usd_prim_variant_set(prim, set);
    if (!name)
        return;
    usd_tok tok              = tok_str(name);
    const struct usd_prim *p = prim_real(prim);
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        for (uint32_t v = s->first_variant_set; v; v = l->prims.items[v].next_sibling)
            for (uint32_t c = l->prims.items[v].name == tok ? l->prims.items[v].first_child : 0; c; c = l->prims.items[c].next_sibling)
                add_unique(out, l->prims.items[c].name);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), compare_names);
}

size_t usd_prim_variant_count(const usd_prim *p, size_t set)
{
    struct item_set v = { 0 };
    if (p)
        variants_of(p, set, &v);
    size_t n = v.count;
    array_free(&v);
    return n;
}

const char *usd_prim_variant(const usd_prim *p, size_t set, size_t i)
{
    struct item_set v = { 0 };
    if (p)
        variants_of(p, set, &v);
    const char *name = i < v.count ? tok_text((usd_tok)v.items[i]) : NULL;
    array_free(&v);
    return name;
}

// What composition chose, fallbacks included; it is the selection even when there is no such variant.
const char *usd_prim_variant_selection(const usd_prim *prim, size_t set)
{
    const char *name       = prim ? usd_prim_variant_set(prim, set) : NULL;
    const struct index *ix = name ? prim_real(prim)->index : NULL;
    if (!ix || ix->depth != prim_depth(prim_real(prim)))
        return "";
    usd_tok wanted = tok_str(name), its_set, selection;
    for (uint32_t i = 1; i < ix->count; i++) {
        const struct node *n = &ix->nodes[i];
        if (n->arc == ARC_VARIANT && !n->culled && site_is_variant(n->site) && site_selection(n->site, &its_set, &selection) && its_set == wanted)
            return tok_text(selection);
    }
    return "";
}
