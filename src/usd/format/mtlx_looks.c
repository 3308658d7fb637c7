// Looks of a MaterialX document: collections, material assignments, variants.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtlx_document.h"

#define MAX_SELECTIONS 64
#define MAX_SETS 10000 // collections made from `geom` attributes

static struct mx_prim *scope(struct document *d, const char *name) { return mx_define(d, mx_define(d, d->stage, "MaterialX", NULL), name, NULL); }

static const char *nearest(const struct element *e, const char *name)
{
    for (; e; e = e->parent)
        if (mx_attr(e, name))
            return mx_attr(e, name);
    return "";
}

// The next of a list "a, b"; false at the end.
static bool next_item(struct document *d, const char **at, const char **item)
{
    while (**at == ' ' || **at == ',')
        (*at)++;
    size_t n = strcspn(*at, ",");
    while (n && (*at)[n - 1] == ' ')
        n--;
    if (!n)
        return false;
    *item = mx_format(d, "%.*s", (int)n, *at);
    *at += strcspn(*at, ",");
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Collections

static bool usable_path(const char *s)
{
    if (*s != '/')
        return false;
    for (; *s; s++)
        if (!strchr("/_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *s) || (*s == '/' && (s[1] == '/' || !s[1] || strchr("0123456789", s[1]))))
            return false;
    return true;
}

static void add_geometry(struct document *d, struct mx_prim *collections, struct mx_property *rel, const struct element *e, const char *list)
{
    const char *item, *prefix = nearest(e, "geomprefix");
    while (next_item(d, &list, &item)) {
        const char *path = mx_format(d, "%s%s", prefix, item);
        if (!strcmp(path, "/"))
            mx_target(d, rel, collections->path);
        else if (usable_path(path))
            mx_target(d, rel, mx_format(d, "%s%s", collections->path, path));
        else
            mx_left_out(d, LEFT_GEOM, e, "a geometry name that is no plain path is left out");
    }
}

static const char *collection_path(struct document *d, const struct mx_prim *on, const char *name) { return mx_format(d, "%s.collection:%s", on->path, name); }

static struct mx_property *includes_of(struct document *d, struct mx_prim *p, const char *name, const char *what)
{
    struct mx_property *q = mx_property(d, p, mx_format(d, "collection:%s:%s", name, what), NULL);
    q->prepended          = true;
    return q;
}

static void add_collection(struct document *d, const struct element *e, int depth)
{
    const char *name = mx_name(d, mx_attr(e, "name")), *list = mx_attr(e, "includecollection"), *item;
    if (!name || depth > MX_MAX_INHERIT)
        return;
    struct mx_prim *p           = scope(d, "Collections");
    struct mx_property *include = includes_of(d, p, name, "includes");
    if (mx_attr(e, "doc"))
        include->metadata = mx_format(d, "doc = %s\n", mx_quoted(d, mx_attr(e, "doc")));
    mx_list_add(d, &p->apis, mx_format(d, "CollectionAPI:%s", name));
    while (list && next_item(d, &list, &item)) {
        const struct element *other = mx_find(d, d->root, "collection", item);
        if (other && other != e && mx_name(d, item)) {
            add_collection(d, other, depth + 1);
            mx_target(d, include, collection_path(d, p, mx_name(d, item)));
        }
    }
    if (mx_attr(e, "includegeom"))
        add_geometry(d, p, include, e, mx_attr(e, "includegeom"));
    if (mx_attr(e, "excludegeom"))
        add_geometry(d, p, includes_of(d, p, name, "excludes"), e, mx_attr(e, "excludegeom"));
}

// A collection for the `geom` of an assignment; equal lists share one.
struct geometries {
    const char *keys[MAX_SETS];
    size_t count;
};

static const char *geometry_collection(struct document *d, struct geometries *known, const struct element *e)
{
    const char *geom = mx_attr(e, "geom"), *key = geom ? mx_format(d, "%s|%s", nearest(e, "geomprefix"), geom) : NULL;
    if (!geom)
        return NULL;
    for (size_t i = 0; i < known->count; i++)
        if (!strcmp(known->keys[i], key))
            return mx_format(d, "geom_%zu", i + 1);
    if (known->count == MAX_SETS) {
        d->full = true;
        return NULL;
    }
    known->keys[known->count++] = key;
    struct mx_prim *p           = scope(d, "Collections");
    const char *name            = mx_format(d, "geom_%zu", known->count);
    mx_list_add(d, &p->apis, mx_format(d, "CollectionAPI:%s", name));
    add_geometry(d, p, includes_of(d, p, name, "includes"), e, geom);
    return name;
}

// ---------------------------------------------------------------------------------------------------------------
// Variants

struct selections {
    struct {
        const char *set, *variant;
    } items[MAX_SELECTIONS];
    size_t count;
};

// What an element assigns, unless something stronger did; of two for one set the last counts.
static void add_selections(struct selections *s, const struct element *e)
{
    size_t before = s->count;
    for (const struct element *c = e->first; c; c = c->next) {
        const char *set = mx_attr(c, "variantset"), *variant = mx_attr(c, "variant");
        if (strcmp(c->tag, "variantassign") || !set || !variant)
            continue;
        size_t i = 0;
        while (i < s->count && strcmp(s->items[i].set, set))
            i++;
        if (i < before || i == MAX_SELECTIONS)
            continue;
        s->items[i].set     = set;
        s->items[i].variant = variant;
        s->count            = i == s->count ? i + 1 : s->count;
    }
}

static const struct element *inherited_look(const struct document *d, const struct element *look)
{
    const char *name = mx_attr(look, "inherit");
    return name ? mx_find(d, d->root, "look", name) : NULL;
}

static void selections_of(const struct document *d, const struct element *look, const struct element *assign, struct selections *s)
{
    s->count = 0;
    add_selections(s, assign);
    for (int i = 0; look && i < MX_MAX_INHERIT; i++, look = inherited_look(d, look))
        add_selections(s, look);
}

// The variants that an assignment selects become variants of its material.
static void add_variants(struct document *d, struct mx_prim *material, const struct selections *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct element *set = mx_find(d, d->root, "variantset", s->items[i].set), *variant = set ? mx_find(d, set, "variant", s->items[i].variant) : NULL;
        const char *set_name = mx_name(d, s->items[i].set);
        if (!variant || !set_name)
            continue;
        struct mx_prim *v = mx_variant(d, material, set_name, s->items[i].variant);
        for (const struct element *c = variant->first; c; c = c->next) {
            const char *name = strcmp(c->tag, "input") ? NULL : mx_name(d, mx_attr(c, "name"));
            if (!name || !mx_attr(c, "type"))
                continue;
            mx_fill(d, mx_port(d, v, "inputs", name, mx_attr(c, "type")), c, false);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Looks

static bool has_child_below(struct document *d, const struct element *look, const char *name)
{
    for (int i = 0; look && i < MX_MAX_INHERIT; i++, look = inherited_look(d, look)) {
        struct mx_prim *p = mx_name(d, mx_attr(look, "name")) ? mx_child(d, scope(d, "Looks"), mx_name(d, mx_attr(look, "name"))) : NULL;
        struct mx_prim *m = p ? mx_child(d, p, "Materials") : NULL;
        if (m && mx_child(d, m, name))
            return true;
    }
    return false;
}

static void assign(struct document *d, const struct element *look, struct mx_prim *on, struct mx_prim *materials, const struct element *e, struct geometries *known)
{
    const char *material = mx_attr(e, "material") ? mx_name(d, mx_attr(e, "material")) : NULL, *name = mx_name(d, mx_attr(e, "name"));
    struct mx_prim *to   = material ? mx_child(d, scope(d, "Materials"), material) : NULL;
    if (!to || !name) {
        mx_left_out(d, LEFT_CONNECTION, e, "a look assigns a material that does not exist");
        return;
    }
    const char *unique = name;
    for (int n = 1; n < 10000 && has_child_below(d, look, unique); n++)
        unique = mx_format(d, "%s_%d", name, n);
    struct mx_prim *p = mx_define(d, materials, unique, NULL);
    p->doc            = mx_attr(e, "doc");
    mx_list_add(d, &p->references, to->path);
    struct selections s;
    selections_of(d, look, e, &s);
    for (size_t i = 0; i < s.count; i++)
        if (mx_name(d, s.items[i].set))
            mx_select(d, p, mx_name(d, s.items[i].set), s.items[i].variant);
    const char *collection = mx_attr(e, "collection") ? mx_name(d, mx_attr(e, "collection")) : geometry_collection(d, known, e);
    const char *binding    = collection ? mx_format(d, "material:binding:collection:%s", unique) : "material:binding";
    struct mx_property *q  = mx_property(d, on, binding, NULL);
    if (collection) {
        mx_target(d, q, collection_path(d, on, collection));
        mx_list_add(d, &on->order, binding); // between collections the order decides
    } else {
        q->target_count = 0; // the last one holds
    }
    mx_target(d, q, p->path);
}

static void add_look(struct document *d, const struct element *look, bool collections, struct geometries *known, int depth)
{
    const char *name = mx_name(d, mx_attr(look, "name"));
    if (!name || depth > MX_MAX_INHERIT || mx_child(d, scope(d, "Looks"), name))
        return;
    const struct element *base = inherited_look(d, look);
    if (base)
        add_look(d, base, collections, known, depth + 1);
    struct mx_prim *p = mx_define(d, scope(d, "Looks"), name, NULL), *from = NULL;
    p->doc            = mx_attr(look, "doc");
    if (base && base != look && mx_name(d, mx_attr(base, "name")) && (from = mx_child(d, scope(d, "Looks"), mx_name(d, mx_attr(base, "name")))) && from != p)
        mx_list_add(d, &p->references, from->path);
    if (collections)
        mx_list_add(d, &p->references, scope(d, "Collections")->path);
    struct mx_prim *materials = mx_define(d, p, "Materials", NULL);
    materials->is_over        = from && from != p; // the inherited look defines it
    mx_list_add(d, &p->apis, "MaterialBindingAPI");
    for (const struct element *c = look->first; c; c = c->next) {
        if (!strcmp(c->tag, "materialassign"))
            assign(d, look, p, materials, c, known);
        else if (!strcmp(c->tag, "visibility"))
            mx_left_out(d, LEFT_VISIBILITY, c, "visibility that a look assigns is left out");
        else if (!strncmp(c->tag, "property", 8))
            mx_left_out(d, LEFT_PROPERTY, c, "properties that a look assigns are left out");
    }
    for (size_t i = 0; from && i < from->order.count; i++)
        mx_list_add(d, &p->order, from->order.items[i]);
    struct mx_prim *root = mx_define(d, d->stage, "ModelRoot", NULL);
    mx_list_add(d, &mx_variant(d, root, "LookVariant", mx_attr(look, "name"))->references, p->path);
}

static const struct element *next_look(const struct element *e)
{
    while (e && strcmp(e->tag, "look"))
        e = e->next;
    return e;
}

void mx_looks(struct document *d)
{
    const struct element *first = next_look(d->root->first);
    if (!first)
        return;
    bool collections = false;
    for (const struct element *e = d->root->first; e; e = e->next)
        if (!strcmp(e->tag, "collection")) {
            add_collection(d, e, 0);
            collections = true;
        }
    struct geometries *known = calloc(1, sizeof(*known));
    if (!known) {
        d->full = true;
        return;
    }
    for (const struct element *l = first; l; l = next_look(l->next))
        for (const struct element *c = l->first; c; c = c->next) {
            const char *name = mx_attr(c, "material") ? mx_name(d, mx_attr(c, "material")) : NULL;
            struct mx_prim *material = name ? mx_child(d, scope(d, "Materials"), name) : NULL;
            struct selections s;
            if (strcmp(c->tag, "materialassign") || !material)
                continue;
            if (!mx_attr(c, "collection"))
                geometry_collection(d, known, c);
            selections_of(d, l, c, &s);
            add_variants(d, material, &s);
        }
    for (const struct element *l = first; l; l = next_look(l->next))
        add_look(d, l, collections, known, 0);
    free(known);
}
