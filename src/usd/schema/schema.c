// The core schemas, and what a prim has built in: its type's properties and those of its API schemas.
//
// The rows of schema_table.c become one layer, a class per schema, so that types and fallbacks are those of the text
// format. A definition is the flat list of built-in properties of a schema or of a type with API schemas, strongest
// first: of the type and its bases, of the API schemas built into them, of the API schemas a prim lists.
#include "schema.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_table.h"
#include "usda.h"

struct usd_schema {
    const struct schema_row *row;
    const struct usd_schema *base;
    usd_tok name;
    uint32_t spec;                       // class in the schema layer
    struct usd_definition *_Atomic definition; // built on first use, kept
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct layer *schema_layer; // all of this lives as long as the process
static struct usd_schema *schemas;
static size_t schema_count;
static struct hash_map schema_by_name; // token -> index; not changed once loaded
static const struct usd_definition nothing_built_in;

struct text {
    ARRAY_OF(char);
};

static void put(struct text *t, const char *s) { (void)array_append(t, s, strlen(s)); }

static void put_row(struct text *t, const struct schema_row *row)
{
    put(t, "class \"");
    put(t, row->name);
    put(t, "\" {");
    for (const char *s = row->properties; *s; s++) {
        if (*s == '@' && row->kind == SCHEMA_API_MULTIPLE)
            put(t, SCHEMA_INSTANCE);
        else
            (void)array_push(t, *s);
    }
    put(t, "}\n");
}

static void load(void)
{
    struct usd_limits limits = limits_effective(NULL);
    struct layer *l          = layer_create("schema", "/", &limits);
    struct text t            = { 0 };
    static const char zeros[16];
    put(&t, "#usda 1.0\n");
    for (size_t i = 0; i < schema_row_count; i++)
        put_row(&t, &schema_rows[i]);
    (void)array_append(&t, zeros, sizeof(zeros)); // the parser looks a few bytes ahead
    struct usd_error err = { 0 };
    if (!l || usda_parse(l, t.items, t.count - sizeof(zeros), &limits, &err) != USD_OK) {
        fprintf(stderr, "stageusd: the table of schemas is broken: %s\n", l ? err.message : "out of memory");
        layer_release(l);
        array_free(&t);
        return;
    }
    layer_seal(l);
    array_free(&t);
    schemas = calloc(schema_row_count, sizeof(*schemas));
    for (size_t i = 0; schemas && i < schema_row_count; i++) {
        const struct schema_row *row = &schema_rows[i];
        usd_tok name                 = tok_str(row->name);
        uint64_t *base               = row->base ? hash_map_get(&schema_by_name, tok_str(row->base)) : NULL;
        schemas[i].row  = row;
        schemas[i].name = name;
        schemas[i].spec = spec_child(l, 0, name);
        schemas[i].base = base ? &schemas[*base] : NULL;
        hash_map_put(&schema_by_name, name, i);
    }
    schema_layer = l;
    schema_count = schemas ? schema_row_count : 0;
}

// The names of schemas are tokens only once the table is loaded.
static usd_tok find_name(const char *name, size_t size)
{
    pthread_once(&once, load);
    return tok_find(name, size);
}

static const struct usd_schema *schema_of(usd_tok name)
{
    pthread_once(&once, load);
    uint64_t *i = hash_map_get(&schema_by_name, name);
    return i && schemas ? &schemas[*i] : NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Definitions

static bool definition_has_api(const struct usd_definition *d, usd_tok api)
{
    for (size_t i = 0; i < d->apis.count; i++)
        if (d->apis.items[i] == api)
            return true;
    return false;
}

static void add_property(struct usd_definition *d, usd_tok name, uint32_t prop)
{
    if (hash_map_get(&d->by_name, name))
        return; // a stronger schema has it
    if (hash_map_put(&d->by_name, name, d->props.count))
        (void)array_push(&d->props, (struct definition_prop) { name, prop });
}

// "collection:__INSTANCE_NAME__:includes" for one instance.
static usd_tok instance_name(usd_tok pattern, const char *instance)
{
    char b[1024];
    const char *text = tok_text(pattern), *at = strstr(text, SCHEMA_INSTANCE);
    if (!at)
        return pattern;
    int n = snprintf(b, sizeof(b), "%.*s%s%s", (int)(at - text), text, instance, at + strlen(SCHEMA_INSTANCE));
    return n > 0 && n < (int)sizeof(b) ? tok_make(b, (size_t)n) : 0;
}

static const struct usd_definition *definition_of(const struct usd_schema *schema);

// Everything an API schema brings, as "Name" or "Name:instance". A definition that has it already stays as it is.
static void add_api(struct usd_definition *d, const char *name)
{
    const char *colon           = strchr(name, ':');
    size_t n                    = colon ? (size_t)(colon - name) : strlen(name);
    usd_tok tok                 = find_name(name, n);
    const struct usd_schema *s  = tok != UINT32_MAX ? schema_of(tok) : NULL;
    enum schema_kind kind       = s ? s->row->kind : SCHEMA_ABSTRACT;
    if (!s || (colon ? kind != SCHEMA_API_MULTIPLE || !colon[1] : kind != SCHEMA_API))
        return;
    usd_tok whole = tok_str(name);
    if (definition_has_api(d, whole))
        return;
    const struct usd_definition *from = definition_of(s);
    (void)array_push(&d->apis, whole);
    for (size_t i = 0; i < from->apis.count; i++)
        if (from->apis.items[i] != s->name && !definition_has_api(d, from->apis.items[i]))
            (void)array_push(&d->apis, from->apis.items[i]);
    for (size_t i = 0; i < from->props.count; i++) {
        usd_tok prop = colon ? instance_name(from->props.items[i].name, colon + 1) : from->props.items[i].name;
        if (prop)
            add_property(d, prop, from->props.items[i].prop);
    }
}

static struct usd_definition *build(const struct usd_schema *schema)
{
    struct usd_definition *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    if (schema->row->kind == SCHEMA_API || schema->row->kind == SCHEMA_API_MULTIPLE)
        (void)array_push(&d->apis, schema->name);
    for (const struct usd_schema *s = schema; s; s = s->base) {
        const struct prim_spec *spec = &schema_layer->prims.items[s->spec];
        for (uint32_t i = 0; s->spec && i < spec->prop_count; i++)
            add_property(d, schema_layer->props.items[spec->first_prop + i].name, spec->first_prop + i);
    }
    for (const struct usd_schema *s = schema; s; s = s->base)
        for (const char *at = s->row->apis; at && *at;) {
            char name[128];
            size_t n = strcspn(at, " ");
            snprintf(name, sizeof(name), "%.*s", (int)n, at);
            add_api(d, name);
            at += n + (at[n] == ' ');
        }
    return d;
}

// Built by whoever comes first; of two that come at once one wins.
static const struct usd_definition *definition_of(const struct usd_schema *schema)
{
    struct usd_schema *s     = (struct usd_schema *)schema;
    struct usd_definition *d = atomic_load_explicit(&s->definition, memory_order_acquire), *none = NULL;
    if (d)
        return d;
    d = build(s);
    if (d && !atomic_compare_exchange_strong(&s->definition, &none, d)) {
        definition_destroy(d);
        d = none;
    }
    return d ? d : &nothing_built_in;
}

void definition_destroy(struct usd_definition *d)
{
    if (!d)
        return;
    array_free(&d->props);
    array_free(&d->apis);
    hash_map_finish(&d->by_name);
    free(d);
}

const struct usd_definition *definition_of_type(usd_tok type)
{
    const struct usd_schema *s = type ? schema_of(type) : NULL;
    return s && s->row->kind == SCHEMA_CONCRETE ? definition_of(s) : &nothing_built_in;
}

struct usd_definition *definition_compose(usd_tok type, const uint64_t *apis, size_t count)
{
    const struct usd_definition *base = definition_of_type(type);
    struct usd_definition *d          = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    (void)array_append(&d->apis, base->apis.items, base->apis.count);
    for (size_t i = 0; i < base->props.count; i++)
        add_property(d, base->props.items[i].name, base->props.items[i].prop);
    for (size_t i = 0; i < count; i++)
        add_api(d, tok_text((usd_tok)apis[i]));
    return d;
}

const struct prop_spec *definition_spec(const struct usd_definition *d, usd_tok name)
{
    uint64_t *i = hash_map_get(&d->by_name, name);
    return i ? &schema_layer->props.items[d->props.items[*i].prop] : NULL;
}

const struct prop_spec *definition_spec_at(const struct usd_definition *d, size_t i, usd_tok *name)
{
    if (i >= d->props.count)
        return NULL;
    *name = d->props.items[i].name;
    return &schema_layer->props.items[d->props.items[i].prop];
}

bool definition_value(const struct prop_spec *spec, usd_tok field, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    const struct field *f = spec && spec->field_count ? prop_field(schema_layer, spec, field) : NULL;
    return f && field_value(NULL, schema_layer, f, out);
}

// ---------------------------------------------------------------------------------------------------------------
// Schemas by name

const usd_schema *usd_schema_find(const char *name)
{
    usd_tok tok = name && *name ? find_name(name, strlen(name)) : UINT32_MAX;
    return tok == UINT32_MAX ? NULL : schema_of(tok);
}

const usd_schema *usd_schema_at(size_t i)
{
    pthread_once(&once, load);
    return i < schema_count ? &schemas[i] : NULL;
}

const char *usd_schema_name(const usd_schema *s) { return s ? s->row->name : ""; }
const usd_schema *usd_schema_base(const usd_schema *s) { return s ? s->base : NULL; }
const usd_definition *usd_schema_definition(const usd_schema *s) { return s ? definition_of(s) : NULL; }

enum usd_schema_kind usd_schema_kind(const usd_schema *s)
{
    static const enum usd_schema_kind kinds[] = {
        [SCHEMA_ABSTRACT] = USD_SCHEMA_ABSTRACT, [SCHEMA_CONCRETE] = USD_SCHEMA_CONCRETE, [SCHEMA_API] = USD_SCHEMA_API,
        [SCHEMA_API_MULTIPLE] = USD_SCHEMA_API_MULTIPLE, [SCHEMA_API_PLAIN] = USD_SCHEMA_API_PLAIN,
    };
    return s ? kinds[s->row->kind] : USD_SCHEMA_ABSTRACT;
}

bool usd_schema_is_a(const usd_schema *s, const char *name)
{
    for (; s && name; s = s->base)
        if (!strcmp(s->row->name, name))
            return true;
    return false;
}

bool usd_schema_fallback(const char *type_name, const char *attribute, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    return usd_definition_fallback(usd_schema_definition(usd_schema_find(type_name)), attribute, out);
}
