// Prims that a MaterialX document becomes: collected first, because nodes share prims, then written as usda text.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtlx_document.h"

// Lists are searched in order; real documents have dozens of entries.
#define MAX_PROPERTIES 1000u // of one prim
#define MAX_ITEMS 10000u     // targets of one relationship, entries of one list

static uint64_t child_key(const struct mx_prim *parent, const char *name) { return hash_u64((uintptr_t)parent) ^ hash_bytes(name, strlen(name)); }

struct mx_prim *mx_child(struct document *d, struct mx_prim *parent, const char *name)
{
    uint64_t *known   = parent ? hash_map_get(&d->prims, child_key(parent, name)) : NULL;
    struct mx_prim *p = known ? (struct mx_prim *)(uintptr_t)*known : NULL;
    return p && !strcmp(p->name, name) ? p : NULL;
}

static struct mx_prim nowhere; // takes what comes when memory is short; the document is refused then

struct mx_prim *mx_define(struct document *d, struct mx_prim *parent, const char *name, const char *type)
{
    struct mx_prim *p = mx_child(d, parent, name);
    if (!p) {
        p = arena_alloc(&d->arena, sizeof(*p));
        if (!p) {
            d->full = true;
            nowhere = (struct mx_prim) { .name = "", .path = "" };
            return &nowhere;
        }
        p->parent = parent;
        p->name   = mx_format(d, "%s", name);
        p->path   = mx_format(d, "%s/%s", parent->path, name);
        if (parent->last)
            parent->last = parent->last->next = p;
        else
            parent->first = parent->last = p;
        hash_map_put(&d->prims, child_key(parent, name), (uintptr_t)p);
    }
    if (type)
        p->type = type;
    return p;
}

struct mx_property *mx_find_property(const struct mx_prim *p, const char *name)
{
    for (struct mx_property *q = p->first_property; q; q = q->next)
        if (!strcmp(q->name, name))
            return q;
    return NULL;
}

struct mx_property *mx_property(struct document *d, struct mx_prim *p, const char *name, const char *type)
{
    static struct mx_property none;
    struct mx_property *q = mx_find_property(p, name);
    if (q)
        return q;
    q = p->property_count < MAX_PROPERTIES ? arena_alloc(&d->arena, sizeof(*q)) : NULL;
    if (!q || p == &nowhere) {
        d->full = true;
        none    = (struct mx_property) { .name = "" };
        return &none;
    }
    q->name = mx_format(d, "%s", name);
    q->type = type;
    p->property_count++;
    if (p->last_property)
        p->last_property = p->last_property->next = q;
    else
        p->first_property = p->last_property = q;
    return q;
}

struct mx_prim *mx_variant(struct document *d, struct mx_prim *p, const char *set, const char *name)
{
    mx_list_add(d, &p->sets, set);
    for (struct mx_variant *v = p->first_variant; v; v = v->next)
        if (!strcmp(v->set, set) && !strcmp(v->name, name))
            return v->content;
    struct mx_variant *v = arena_alloc(&d->arena, sizeof(*v));
    struct mx_prim *c    = v ? arena_alloc(&d->arena, sizeof(*c)) : NULL;
    if (!c) {
        d->full = true;
        return &nowhere;
    }
    v->set     = set;
    v->name    = name;
    v->content = c;
    c->path    = p->path;
    if (p->last_variant)
        p->last_variant = p->last_variant->next = v;
    else
        p->first_variant = p->last_variant = v;
    return c;
}

static void push(struct document *d, const char ***items, size_t *count, const char *item)
{
    if (*count >= MAX_ITEMS) {
        d->full = true;
        return;
    }
    if ((*count & (*count - 1)) == 0) { // room for powers of two
        const char **grown = arena_alloc(&d->arena, (*count ? *count * 2 : 1) * sizeof(*grown));
        if (!grown) {
            d->full = true;
            return;
        }
        if (*count)
            memcpy(grown, *items, *count * sizeof(*grown));
        *items = grown;
    }
    (*items)[(*count)++] = item;
}

void mx_list_add(struct document *d, struct mx_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i], item))
            return;
    push(d, &list->items, &list->count, item);
}

void mx_select(struct document *d, struct mx_prim *p, const char *set, const char *variant)
{
    push(d, &p->selections.items, &p->selections.count, set);
    push(d, &p->selections.items, &p->selections.count, variant);
}

void mx_target(struct document *d, struct mx_property *rel, const char *path)
{
    for (size_t i = 0; i < rel->target_count; i++)
        if (!strcmp(rel->targets[i], path))
            return;
    push(d, &rel->targets, &rel->target_count, path);
}

const char *mx_quoted(struct document *d, const char *text)
{
    size_t n = strlen(text);
    char *b  = arena_alloc(&d->arena, n * 4 + 3), *to = b;
    if (!b) {
        d->full = true;
        return "\"\"";
    }
    *to++ = '"';
    for (const char *s = text; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 32)
            to += sprintf(to, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            *to++ = '\\', *to++ = (char)c;
        else
            *to++ = (char)c;
    }
    *to++ = '"';
    return b;
}

// ---------------------------------------------------------------------------------------------------------------
// Text

struct text {
    ARRAY_OF(char);
    bool bad;
};

static void put(struct text *t, const char *s)
{
    if (!array_append(t, s, strlen(s)))
        t->bad = true;
}

static void put_list(struct text *t, const char *name, const struct mx_list *list, const char *open, const char *close)
{
    if (!list->count)
        return;
    put(t, name);
    put(t, " = [");
    for (size_t i = 0; i < list->count; i++) {
        put(t, i ? ", " : "");
        put(t, open);
        put(t, list->items[i]);
        put(t, close);
    }
    put(t, "]\n");
}

static void put_property(struct text *t, const struct mx_property *q)
{
    if (!q->type) {
        if (q->metadata || !q->target_count) {
            put(t, "rel ");
            put(t, q->name);
            put(t, q->metadata ? " (\n" : "\n");
            put(t, q->metadata ? q->metadata : "");
            put(t, q->metadata ? ")\n" : "");
        }
        if (!q->target_count)
            return;
        put(t, q->prepended ? "prepend rel " : "rel ");
        put(t, q->name);
        for (size_t i = 0; i < q->target_count; i++) {
            put(t, i ? ", <" : " = [<");
            put(t, q->targets[i]);
            put(t, ">");
        }
        put(t, "]\n");
        return;
    }
    put(t, q->uniform ? "uniform " : "");
    put(t, q->type);
    put(t, " ");
    put(t, q->name);
    if (q->value) {
        put(t, " = ");
        put(t, q->value);
    }
    if (q->metadata) {
        put(t, " (\n");
        put(t, q->metadata);
        put(t, ")");
    }
    put(t, "\n");
    if (q->samples) {
        put(t, q->type);
        put(t, " ");
        put(t, q->name);
        put(t, ".timeSamples = ");
        put(t, q->samples);
        put(t, "\n");
    }
    if (q->connection) {
        put(t, q->uniform ? "uniform " : "");
        put(t, q->type);
        put(t, " ");
        put(t, q->name);
        put(t, ".connect = <");
        put(t, q->connection);
        put(t, ">\n");
    }
}

static void put_metadata(struct document *d, struct text *t, const struct mx_prim *p)
{
    put(t, " (\n");
    if (p->doc) {
        put(t, "doc = ");
        put(t, mx_quoted(d, p->doc));
        put(t, "\n");
    }
    put_list(t, "prepend apiSchemas", &p->apis, "\"", "\"");
    put_list(t, "prepend references", &p->references, "<", ">");
    put_list(t, "prepend specializes", &p->specializes, "<", ">");
    put_list(t, "prepend variantSets", &p->sets, "\"", "\"");
    if (p->selections.count) {
        put(t, "variants = {\n");
        for (size_t i = 0; i + 1 < p->selections.count; i += 2) {
            put(t, "string ");
            put(t, p->selections.items[i]);
            put(t, " = ");
            put(t, mx_quoted(d, p->selections.items[i + 1]));
            put(t, "\n");
        }
        put(t, "}\n");
    }
    put(t, ")");
}

static void put_body(struct document *d, struct text *t, const struct mx_prim *p)
{
    put_list(t, "reorder properties", &p->order, "\"", "\"");
    for (const struct mx_property *q = p->first_property; q; q = q->next)
        put_property(t, q);
    for (size_t i = 0; i < p->sets.count; i++) {
        put(t, "variantSet ");
        put(t, mx_quoted(d, p->sets.items[i]));
        put(t, " = {\n");
        for (const struct mx_variant *v = p->first_variant; v; v = v->next)
            if (!strcmp(v->set, p->sets.items[i])) {
                put(t, mx_quoted(d, v->name));
                put_metadata(d, t, v->content);
                put(t, " {\n");
                put_body(d, t, v->content);
                put(t, "}\n");
            }
        put(t, "}\n");
    }
}

static void put_prim(struct document *d, struct text *t, const struct mx_prim *p)
{
    put(t, p->is_over ? "over " : "def ");
    if (p->type) {
        put(t, p->type);
        put(t, " ");
    }
    put(t, mx_quoted(d, p->name));
    put_metadata(d, t, p);
    put(t, "\n{\n");
    put_body(d, t, p);
    for (const struct mx_prim *c = p->first; c; c = c->next)
        put_prim(d, t, c); // a few levels
    put(t, "}\n");
}

bool mx_write(struct document *d, const char *header, char **out, size_t *size)
{
    struct text t = { 0 };
    put(&t, header);
    for (const struct mx_prim *p = d->stage->first; p; p = p->next)
        put_prim(d, &t, p);
    *size = t.count;
    static const char zeros[16]; // the parser looks a few bytes ahead
    if (!array_append(&t, zeros, sizeof(zeros)))
        t.bad = true;
    *out = t.items;
    return !t.bad && !d->full;
}
