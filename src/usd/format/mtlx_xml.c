// Reading MaterialX XML, with the documents it includes.
#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "mtlx_document.h"

#define MAX_DEPTH 64
#define MAX_ELEMENTS 1000000u
#define MAX_INCLUDES 256 // of one document, all levels together

struct reader {
    struct document *d;
    struct element *root, *at;
    unsigned depth;
};

// The documents that are being read, innermost first.
struct chain {
    const struct chain *outer;
    const char *path;
};

// identifier: for messages; chain->path: what included documents lie beside.
static int read_into(struct document *d, const char *identifier, const struct chain *chain, const void *data, size_t size, struct element **root,
                     struct usd_error *err);

static uint64_t name_key(const struct element *parent, const char *name) { return hash_u64((uintptr_t)parent) ^ hash_bytes(name, strlen(name)); }

const char *mx_attr(const struct element *e, const char *name)
{
    for (size_t i = 0; e && e->attributes[i] && e->attributes[i + 1]; i += 2)
        if (!strcmp(e->attributes[i], name))
            return *e->attributes[i + 1] ? e->attributes[i + 1] : NULL;
    return NULL;
}

const struct element *mx_find(const struct document *d, const struct element *in, const char *tag, const char *name)
{
    uint64_t *known           = name ? hash_map_get(&d->names, name_key(in, name)) : NULL;
    const struct element *e   = known ? (const struct element *)(uintptr_t)*known : NULL;
    const char *own           = e ? mx_attr(e, "name") : NULL;
    return own && !strcmp(own, name) && (!tag || !strcmp(e->tag, tag)) ? e : NULL;
}

const char *mx_file(const struct element *e)
{
    while (e && !e->file)
        e = e->parent;
    return e ? e->file : "";
}

const char *mx_format(struct document *d, const char *format, ...)
{
    char b[4096];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b, sizeof(b), format, args);
    va_end(args);
    const char *text = n >= 0 && n < (int)sizeof(b) ? arena_strndup(&d->arena, b, (size_t)n) : NULL;
    if (!text)
        d->full = true;
    return text ? text : "";
}

void mx_left_out(struct document *d, unsigned kind, const struct element *e, const char *what)
{
    if (d->warned >> kind & 1)
        return;
    d->warned |= 1u << kind;
    const char *name = e ? mx_attr(e, "name") : NULL;
    layer_warn(d->l, "MaterialX: %.200s (<%.60s%s%.60s%s>)", what, e ? e->tag : "materialx", name ? " name=\"" : "", name ? name : "", name ? "\"" : "");
}

static void append(struct document *d, struct element *parent, struct element *e)
{
    const char *name = mx_attr(e, "name");
    if (parent->last)
        parent->last = parent->last->next = e;
    else
        parent->first = parent->last = e;
    if (name && !hash_map_get(&d->names, name_key(parent, name)))
        hash_map_put(&d->names, name_key(parent, name), (uintptr_t)e);
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct reader *r   = user;
    struct document *d = r->d;
    size_t n           = 0;
    while (attributes[n])
        n++;
    struct element *e = !d->full && r->depth < MAX_DEPTH && d->elements < MAX_ELEMENTS ? arena_alloc(&d->arena, sizeof(*e)) : NULL;
    const char **copy = e ? arena_alloc(&d->arena, (n + 1) * sizeof(*copy)) : NULL;
    if (!copy) {
        d->full = true;
        return;
    }
    r->depth++;
    d->elements++;
    e->tag = arena_strndup(&d->arena, name, strlen(name));
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strndup(&d->arena, attributes[i], strlen(attributes[i]));
    if (!e->tag || (n && !copy[n - 1])) {
        d->full = true;
        return;
    }
    e->attributes = copy;
    e->parent     = r->at;
    if (r->at)
        append(d, r->at, e);
    else if (!r->root)
        r->root = e;
    r->at = e;
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct reader *r = user;
    if (!r->at || r->d->full)
        return;
    r->at = r->at->parent;
    r->depth--;
}

// ---------------------------------------------------------------------------------------------------------------
// XInclude

// `href` beside the document; in packages beside the member. false when it leads nowhere.
static bool locate(const char *identifier, const char *href, char *out, size_t capacity)
{
    char path[4096];
    size_t package, inner_size;
    const char *inner, *from = identifier;
    bool packed = package_split(identifier, &package, &inner, &inner_size);
    if (packed && memchr(inner, '[', inner_size))
        return false;
    from              = packed ? inner : identifier;
    size_t n          = packed ? inner_size : strlen(identifier);
    while (n && from[n - 1] != '/')
        n--;
    if (*href == '/' && !packed)
        n = 0;
    if (snprintf(path, sizeof(path), "%s%.*s%s", packed ? "/" : "", (int)n, from, href) >= (int)sizeof(path) || *path != '/' || !file_collapse(path))
        return false;
    int length = packed ? snprintf(out, capacity, "%.*s[%s]", (int)package, identifier, path + 1) : snprintf(out, capacity, "%s", path);
    return length > 0 && (size_t)length < capacity;
}

// The children of an included document become children here; their parent stays the root they were read below, which
// keeps its fileprefix and colour space.
static void take_over(struct document *d, struct element *into, struct element *root)
{
    root->parent = into;
    for (struct element *c = root->first, *next; c; c = next) {
        next    = c->next;
        c->next = NULL;
        append(d, into, c);
    }
    if (mx_attr(root, "namespace"))
        mx_left_out(d, LEFT_NAMESPACE, root, "the namespace of an included document is not put in front of its names");
}

// The way from the layer to `path`, both files or members of one package.
static const char *seen_from_layer(struct document *d, const char *path)
{
    const char *from = d->l->anchor, *climb = "";
    size_t same = 0;
    for (size_t i = 0; from[i] && from[i] == path[i]; i++)
        if (from[i] == '/' || from[i] == '[')
            same = i + 1;
    for (const char *s = from + same; *s; s++)
        if (*s == '/')
            climb = mx_format(d, "%s../", climb);
    size_t n = strlen(path + same);
    bool member = n && path[same + n - 1] == ']';
    return mx_format(d, "%s%.*s", climb, (int)(n - member), path + same);
}

static bool is_open(const struct chain *c, const char *path)
{
    for (; c; c = c->outer)
        if (!strcmp(c->path, path))
            return true;
    return false;
}

static void follow(struct document *d, const struct chain *chain, struct element *root)
{
    struct element *children = root->first;
    root->first = root->last = NULL;
    for (struct element *c = children, *next; c; c = next) {
        next    = c->next;
        c->next = NULL;
        if (strcmp(c->tag, "xi:include") && strcmp(c->tag, "include")) {
            append(d, root, c);
            continue;
        }
        char path[8192];
        const char *href = mx_attr(c, "href");
        struct file_bytes f;
        struct usd_error err   = { 0 };
        struct element *inner  = NULL;
        const char *reason = !href || !locate(chain->path, href, path, sizeof(path)) ? "it cannot be reached" : is_open(chain, path) ? "it includes itself"
                           : d->includes++ >= MAX_INCLUDES ? "there are too many" : NULL;
        if (!reason && file_map(d->env, path, &f, &err) == USD_OK) {
            struct chain here = { chain, path };
            if (read_into(d, path, &here, f.data, f.size, &inner, &err) == USD_OK)
                take_over(d, root, inner);
            file_unmap(&f);
        }
        if (!inner)
            layer_warn(d->l, "MaterialX: the included document '%.200s' is left out: %.200s", href ? href : "", reason ? reason : err.message);
    }
}

static int read_into(struct document *d, const char *identifier, const struct chain *chain, const void *data, size_t size, struct element **root,
                     struct usd_error *err)
{
    struct reader r = { .d = d };
    XML_Parser xml  = size <= 1u << 30 ? XML_ParserCreate(NULL) : NULL;
    int rc          = xml ? USD_OK : USD_ERR_NOMEM;
    if (!xml) {
        error_set(err, rc, identifier, "%s: out of memory, or too large", identifier);
        return rc;
    }
    XML_SetUserData(xml, &r);
    XML_SetElementHandler(xml, on_start, on_end);
    if (XML_Parse(xml, data, (int)size, 1) != XML_STATUS_OK) {
        rc = USD_ERR_SYNTAX;
        error_set(err, rc, identifier, "%s:%lu:%lu: %s", identifier, (unsigned long)XML_GetCurrentLineNumber(xml), (unsigned long)XML_GetCurrentColumnNumber(xml) + 1,
                  XML_ErrorString(XML_GetErrorCode(xml)));
        if (err) {
            err->line   = (uint32_t)XML_GetCurrentLineNumber(xml);
            err->column = (uint32_t)XML_GetCurrentColumnNumber(xml) + 1;
        }
    } else if (d->full || !r.root || (chain->outer && strcmp(r.root->tag, "materialx"))) {
        rc = USD_ERR_FORMAT;
        error_set(err, rc, identifier, "%s: %s", identifier, d->full ? "the document is too deep or too large" : "the root element is not <materialx>");
    } else if (strcmp(r.root->tag, "materialx")) { // as OpenUSD reads it
        static const char *none[1];
        layer_warn(d->l, "MaterialX: the root element is <%.60s>, not <materialx>; the layer is empty", r.root->tag);
        *r.root = (struct element) { .tag = "materialx", .attributes = none };
    }
    XML_ParserFree(xml);
    if (rc != USD_OK)
        return rc;
    *root        = r.root;
    r.root->file = seen_from_layer(d, chain->path);
    follow(d, chain, r.root);
    return USD_OK;
}

int mtlx_read(struct document *d, const void *data, size_t size, struct usd_error *err)
{
    struct chain chain = { NULL, d->l->anchor };
    return read_into(d, d->l->identifier, &chain, data, size, &d->root, err);
}
