// What is built into the prims of a stage, and the questions about it.
#include <stdlib.h>
#include <string.h>

#include "schema.h"

static bool lists_apis(const struct usd_prim *p)
{
    const struct spec_ref *r = prim_refs(p);
    for (unsigned i = 0; i < p->ref_count; i++) {
        const struct layer *l;
        const struct prim_spec *s = ref_spec(p->index, r[i], &l);
        if (s->field_count && spec_field(l, s, T_apiSchemas))
            return true;
    }
    return false;
}

// The root layer's fallbackPrimTypes: for a type we do not know, others to take in its place. Read once.
static void read_fallback_types(struct usd_stage *s)
{
    struct usd_value v;
    if (usd_stage_metadata(s, "fallbackPrimTypes", &v) && v.type == USD_TYPE_DICTIONARY) {
        const struct usd_dict_entry *e = v.data;
        for (size_t i = 0; i < v.count; i++)
            for (size_t k = 0; e[i].value.type == USD_TYPE_TOKEN && k < e[i].value.count; k++) {
                const usd_schema *known = usd_schema_find(((const char *const *)e[i].value.data)[k]);
                if (known && usd_schema_kind(known) == USD_SCHEMA_CONCRETE) {
                    hash_map_put(&s->fallback_types, tok_str(e[i].key), tok_str(usd_schema_name(known)));
                    break;
                }
            }
    }
    usd_value_finish(&v);
}

static usd_tok schema_type_locked(struct usd_stage *s, usd_tok type)
{
    if (!type || usd_schema_find(tok_text(type)))
        return type;
    if (!s->fallback_types_read)
        read_fallback_types(s);
    s->fallback_types_read = true;
    uint64_t *other        = s->fallback_types.count ? hash_map_get(&s->fallback_types, type) : NULL;
    return other ? (usd_tok)*other : type;
}

bool usd_prim_is_a(const usd_prim *p, const char *type)
{
    const char *own = usd_prim_type_name(p);
    if (!type || !*own)
        return false;
    if (!strcmp(own, type))
        return true;
    const usd_schema *schema = usd_schema_find(own);
    if (!schema) {
        struct usd_stage *s = prim_stage(p);
        pthread_mutex_lock(&s->lock);
        schema = usd_schema_find(tok_text(schema_type_locked(s, p->type_name)));
        pthread_mutex_unlock(&s->lock);
    }
    return usd_schema_is_a(schema, type);
}

// "Type API API:instance": one definition serves every prim that says the same.
static usd_tok definition_key(usd_tok type, const struct item_set *apis)
{
    struct {
        ARRAY_OF(char);
    } key = { 0 };
    (void)array_append(&key, tok_text(type), tok_size(type));
    for (size_t i = 0; i < apis->count; i++) {
        (void)array_push(&key, ' ');
        (void)array_append(&key, tok_text((usd_tok)apis->items[i]), tok_size((usd_tok)apis->items[i]));
    }
    usd_tok tok = tok_make(key.items, key.count);
    array_free(&key);
    return tok;
}

const struct usd_definition *prim_definition_locked(const struct usd_prim *prim)
{
    const struct usd_prim *p = prim_real(prim);
    struct usd_stage *s = p->index->stage;
    usd_tok type        = schema_type_locked(s, p->type_name);
    if (!lists_apis(p))
        return definition_of_type(type);
    struct item_set apis = { 0 };
    prim_names(p, T_apiSchemas, &apis);
    usd_tok key                      = definition_key(type, &apis);
    uint64_t *known                  = hash_map_get(&s->definitions, key);
    const struct usd_definition *d   = known ? (const struct usd_definition *)(uintptr_t)*known : NULL;
    if (!d) {
        struct usd_definition *fresh = definition_compose(type, apis.items, apis.count);
        if (fresh && !hash_map_put(&s->definitions, key, (uintptr_t)fresh)) {
            definition_destroy(fresh);
            fresh = NULL;
        }
        d = fresh ? fresh : definition_of_type(type);
    }
    array_free(&apis);
    return d;
}

void stage_definitions_finish(struct usd_stage *s)
{
    uint64_t key, value;
    for (size_t at = 0; hash_map_next(&s->definitions, &at, &key, &value);)
        definition_destroy((struct usd_definition *)(uintptr_t)value);
    hash_map_finish(&s->definitions);
    hash_map_finish(&s->fallback_types);
}

const usd_definition *usd_prim_definition(const usd_prim *p)
{
    if (!p)
        return NULL;
    const struct prop_table *t = atomic_load_explicit(&((struct usd_prim *)(uintptr_t)p)->props, memory_order_acquire);
    if (t) // usual: a property was asked for before
        return t->definition;
    struct usd_stage *s = prim_stage(p);
    pthread_mutex_lock(&s->lock);
    const struct usd_definition *d = prim_definition_locked(p);
    pthread_mutex_unlock(&s->lock);
    return d;
}

size_t usd_definition_api_count(const usd_definition *d) { return d ? d->apis.count : 0; }
const char *usd_definition_api(const usd_definition *d, size_t i) { return d && i < d->apis.count ? tok_text(d->apis.items[i]) : NULL; }
size_t usd_definition_property_count(const usd_definition *d) { return d ? d->props.count : 0; }

static void describe(usd_tok name, const struct prop_spec *spec, struct usd_built_in *out)
{
    *out = (struct usd_built_in) {
        .name = tok_text(name), .type_name = tok_text(spec->type_name),
        .is_relationship = spec->flags & PROP_RELATIONSHIP, .is_uniform = spec->flags & PROP_UNIFORM,
    };
    out->type = usd_type_from_name(out->type_name, &out->is_array);
    struct usd_value v;
    out->has_fallback = definition_value(spec, T_default, &v);
    usd_value_finish(&v);
}

bool usd_definition_property(const usd_definition *d, size_t i, struct usd_built_in *out)
{
    usd_tok name;
    const struct prop_spec *spec = d ? definition_spec_at(d, i, &name) : NULL;
    if (spec)
        describe(name, spec, out);
    return spec != NULL;
}

static const struct prop_spec *find(const usd_definition *d, const char *name, usd_tok *tok)
{
    *tok = d && name ? tok_find(name, strlen(name)) : UINT32_MAX;
    return *tok != UINT32_MAX ? definition_spec(d, *tok) : NULL;
}

bool usd_definition_find(const usd_definition *d, const char *name, struct usd_built_in *out)
{
    usd_tok tok;
    const struct prop_spec *spec = find(d, name, &tok);
    if (spec)
        describe(tok, spec, out);
    return spec != NULL;
}

bool usd_definition_fallback(const usd_definition *d, const char *name, struct usd_value *out)
{
    usd_tok tok;
    return definition_value(find(d, name, &tok), T_default, out);
}

bool usd_definition_metadata(const usd_definition *d, const char *name, const char *key, struct usd_value *out)
{
    usd_tok tok, field = tok_find(key, strlen(key));
    memset(out, 0, sizeof(*out));
    return field != UINT32_MAX && field != T_default && definition_value(find(d, name, &tok), field, out);
}
