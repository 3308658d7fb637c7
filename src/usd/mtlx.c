// The document becomes
//   /MaterialX/Materials/NAME            Material, outputs:mtlx:surface connected to its shader
//   /MaterialX/Materials/NAME/ND_...     the surface shader; its constants are inputs of the material
//   /MaterialX/Materials/NAME/GRAPH      reference to the node graph the shader uses
//   /MaterialX/NodeGraphs/GRAPH/NODE     Shader for each node
// written as usda text, which the text parser reads. Node definitions are named by rule (ND_category_type), because the
// libraries that list them are not part of the document. XInclude is not followed.
#include "mtlx.h"

#include <expat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "usda.h"

#define MAX_DEPTH 64
#define MAX_ELEMENTS 1000000u

struct element {
    const char *tag;
    const char **attributes; // name, value, ..., NULL
    struct element *parent, *first, *last, *next;
};

struct reader {
    struct arena arena;
    struct element *root, *at;
    unsigned depth, count;
    bool full;
};

struct text {
    ARRAY_OF(char);
};

struct document {
    const struct element *root;
    struct text out;
    bool bad;
};

bool mtlx_looks_like(const char *identifier, const void *data, size_t size)
{
    const char *dot = strrchr(identifier, '.');
    if (dot && (!strcmp(dot, ".mtlx") || !strcmp(dot, ".mtlx]")))
        return true;
    return size > 5 && !memcmp(data, "<?xml", 5) && memmem(data, size < 4096 ? size : 4096, "<materialx", 10);
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct reader *r = user;
    size_t n         = 0;
    while (attributes[n])
        n++;
    struct element *e = r->depth < MAX_DEPTH && r->count < MAX_ELEMENTS ? arena_alloc(&r->arena, sizeof(*e)) : NULL;
    const char **copy = e ? arena_alloc(&r->arena, (n + 1) * sizeof(*copy)) : NULL;
    if (!copy) {
        r->full = true;
        return;
    }
    r->depth++;
    r->count++;
    e->tag = arena_strndup(&r->arena, name, strlen(name));
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_strndup(&r->arena, attributes[i], strlen(attributes[i]));
    e->attributes = copy;
    e->parent     = r->at;
    if (r->at && r->at->last)
        r->at->last = r->at->last->next = e;
    else if (r->at)
        r->at->first = r->at->last = e;
    else if (!r->root)
        r->root = e;
    r->at = e;
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct reader *r = user;
    if (!r->at || r->full)
        return;
    r->at = r->at->parent;
    r->depth--;
}

static const char *attr(const struct element *e, const char *name)
{
    for (size_t i = 0; e->attributes[i] && e->attributes[i + 1]; i += 2)
        if (!strcmp(e->attributes[i], name))
            return e->attributes[i + 1];
    return NULL;
}

static const struct element *find(const struct element *in, const char *tag, const char *name)
{
    for (const struct element *c = in->first; c; c = c->next) {
        const char *n = attr(c, "name");
        if ((!tag || !strcmp(c->tag, tag)) && n && !strcmp(n, name))
            return c;
    }
    return NULL;
}

// ---------------------------------------------------------------------------------------------------------------

static void put(struct document *d, const char *format, ...)
{
    char b[2048];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b, sizeof(b), format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof(b) || !array_append(&d->out, b, (size_t)n))
        d->bad = true;
}

static void put_quoted(struct document *d, const char *s, char quote)
{
    put(d, "%c", quote);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (quote == '@' ? c != '@' && c >= 32 : c >= 32 && c != '"' && c != '\\')
            put(d, "%c", c);
        else if (quote == '"')
            put(d, c < 32 ? "\\x%02x" : "\\%c", c);
    }
    put(d, "%c", quote);
}

static const struct mtlx_type {
    const char *mtlx, *usd;
    int components;
} types[] = {
    { "float", "float", 1 }, { "integer", "int", 1 }, { "boolean", "bool", 1 }, { "color3", "color3f", 3 }, { "color4", "color4f", 4 },
    { "vector2", "float2", 2 }, { "vector3", "float3", 3 }, { "vector4", "float4", 4 }, { "matrix33", "matrix3d", 9 },
    { "matrix44", "matrix4d", 16 }, { "string", "string", 0 }, { "filename", "asset", 0 }, { "geomname", "string", 0 },
};

static const struct mtlx_type *type_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
        if (!strcmp(types[i].mtlx, name))
            return &types[i];
    return NULL;
}

static const char *usd_type(const char *name)
{
    const struct mtlx_type *t = type_of(name);
    return t ? t->usd : "token"; // closures and shaders
}

static bool usable_name(const char *name)
{
    return name && path_valid_identifier(name, strlen(name)) && !strchr(name, ':') && strlen(name) < 256;
}

// Numbers separated by commas or spaces as a tuple, or nothing when they are not as many as the type wants.
static bool put_numbers(struct document *d, const char *value, const struct mtlx_type *t)
{
    double v[16];
    int n = 0;
    for (const char *s = value; n < t->components; n++) {
        char *end;
        while (*s == ' ' || *s == ',' || *s == '\t' || *s == '\n')
            s++;
        v[n] = strtod(s, &end);
        if (end == s)
            break;
        s = end;
    }
    if (n != t->components)
        return false;
    int row = n == 9 ? 3 : n == 16 ? 4 : n;
    put(d, " = %s", n > 4 ? "((" : n > 1 ? "(" : "");
    for (int i = 0; i < n; i++)
        put(d, "%s%.9g", !i ? "" : i % row ? ", " : "), (", v[i]);
    put(d, "%s", n > 4 ? "))" : n > 1 ? ")" : "");
    return true;
}

static void put_value(struct document *d, const struct element *input)
{
    const char *value         = attr(input, "value"), *type = attr(input, "type");
    const struct mtlx_type *t = type_of(type);
    if (!value || !t)
        return;
    if (!strcmp(type, "boolean")) {
        put(d, " = %s", !strcmp(value, "true") ? "true" : "false");
    } else if (t->components) {
        put_numbers(d, value, t);
    } else if (!strcmp(type, "filename")) {
        char path[1024] = "";
        const char *prefix = NULL;
        for (const struct element *e = input; e && !prefix; e = e->parent)
            prefix = attr(e, "fileprefix");
        // Documents exist that write the prefix out in every value as well.
        bool apply = prefix && *value != '/' && strncmp(value, prefix, strlen(prefix));
        snprintf(path, sizeof(path), "%.500s%.500s", apply ? prefix : "", value);
        put(d, " = ");
        put_quoted(d, path, '@');
    } else {
        put(d, " = ");
        put_quoted(d, value, '"');
    }
    const char *space = attr(input, "colorspace");
    if (space) {
        put(d, " (\ncolorSpace = ");
        put_quoted(d, space, '"');
        put(d, "\n)");
    }
}

// ND_category_type; nodes that mix a colour or vector with a number have an FA in their definition's name.
static void node_definition(const struct element *node, char out[512])
{
    static const char *const mixed[] = { "add", "subtract", "multiply", "divide", "modulo", "power", "min", "max", "clamp", "remap", "smoothstep", "range" };
    const char *given = attr(node, "nodedef"), *type = attr(node, "type");
    if (given && usable_name(given)) {
        snprintf(out, 512, "%.500s", given);
        return;
    }
    const struct element *in1 = find(node, "input", "in"), *in2 = find(node, "input", "in2");
    if (!strcmp(node->tag, "convert") && in1 && attr(in1, "type"))
        snprintf(out, 512, "ND_convert_%.200s_%.200s", attr(in1, "type"), type ? type : "");
    else
        snprintf(out, 512, "ND_%.200s_%.200s", node->tag, type ? type : "");
    const char *second = in2 && attr(in2, "type") ? attr(in2, "type") : NULL;
    for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++)
        if (!strcmp(node->tag, mixed[i]) && type && strcmp(type, "float") && second && !strcmp(second, "float"))
            strcat(out, "FA");
}

// Where an input gets its value from inside a graph or at the top: ".connect" or a value.
static void put_input(struct document *d, const struct element *input, const char *scope)
{
    const char *name = attr(input, "name"), *node = attr(input, "nodename"), *graph = attr(input, "nodegraph");
    const char *output = attr(input, "output"), *face = attr(input, "interfacename");
    if (!usable_name(name))
        return;
    put(d, "%s inputs:%s", usd_type(attr(input, "type")), name);
    if (usable_name(face))
        put(d, ".connect = <%s.inputs:%s>", scope, face);
    else if (usable_name(node))
        put(d, ".connect = <%s/%s.outputs:%s>", scope, node, usable_name(output) ? output : "out");
    else if (usable_name(graph))
        put(d, ".connect = <%s/%s.outputs:%s>", scope, graph, usable_name(output) ? output : "out");
    else
        put_value(d, input);
    put(d, "\n");
}

static bool is_node(const struct element *e)
{
    static const char *const others[] = { "input", "output", "nodegraph", "surfacematerial", "volumematerial", "look", "collection",
                                          "nodedef", "implementation", "typedef", "geominfo", "unitdef", "unittypedef", "backdrop",
                                          "materialassign", "propertyset", "variantset", "targetdef" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (!strcmp(e->tag, others[i]))
            return false;
    return usable_name(attr(e, "name"));
}

static void put_node(struct document *d, const struct element *node, const char *scope)
{
    char definition[512];
    node_definition(node, definition);
    put(d, "def Shader \"%s\"\n{\nuniform token info:id = ", attr(node, "name"));
    put_quoted(d, definition, '"');
    put(d, "\n");
    for (const struct element *c = node->first; c; c = c->next)
        if (!strcmp(c->tag, "input"))
            put_input(d, c, scope);
    const char *type = attr(node, "type");
    if (type && !strcmp(type, "multioutput")) {
        for (const struct element *c = node->first; c; c = c->next)
            if (!strcmp(c->tag, "output") && usable_name(attr(c, "name")))
                put(d, "%s outputs:%s\n", usd_type(attr(c, "type")), attr(c, "name"));
    } else {
        put(d, "%s outputs:out\n", usd_type(type));
    }
    put(d, "}\n");
}

static void put_graph(struct document *d, const struct element *graph)
{
    char scope[512];
    const char *name = attr(graph, "name");
    if (!usable_name(name) || attr(graph, "nodedef"))
        return;
    snprintf(scope, sizeof(scope), "/MaterialX/NodeGraphs/%s", name);
    put(d, "def NodeGraph \"%s\"\n{\n", name);
    for (const struct element *c = graph->first; c; c = c->next) {
        const char *own = attr(c, "name"), *node = attr(c, "nodename");
        if (!strcmp(c->tag, "input") && usable_name(own)) {
            put_input(d, c, scope);
        } else if (!strcmp(c->tag, "output") && usable_name(own)) {
            put(d, "%s outputs:%s", usd_type(attr(c, "type")), own);
            if (usable_name(node))
                put(d, ".connect = <%s/%s.outputs:%s>", scope, node, usable_name(attr(c, "output")) ? attr(c, "output") : "out");
            put(d, "\n");
        }
    }
    for (const struct element *c = graph->first; c; c = c->next)
        if (is_node(c))
            put_node(d, c, scope);
    put(d, "}\n");
}

// A shader of a material: its constants become inputs of the material, its graphs are referenced below it.
static void put_shader(struct document *d, const struct element *shader, const char *material, const char *kind, bool declare)
{
    char definition[512];
    node_definition(shader, definition);
    if (!usable_name(definition))
        return;
    if (declare) {
        for (const struct element *c = shader->first; c; c = c->next)
            if (!strcmp(c->tag, "input") && usable_name(attr(c, "name")) && attr(c, "value")) {
                put(d, "%s inputs:%s", usd_type(attr(c, "type")), attr(c, "name"));
                put_value(d, c);
                put(d, "\n");
            }
        put(d, "token outputs:mtlx:%s.connect = </MaterialX/Materials/%s/%s.outputs:%s>\n", kind, material, definition, kind);
        return;
    }
    put(d, "def Shader \"%s\"\n{\nuniform token info:id = \"%s\"\n", definition, definition);
    for (const struct element *c = shader->first; c; c = c->next) {
        const char *name = attr(c, "name"), *graph = attr(c, "nodegraph"), *node = attr(c, "nodename"), *output = attr(c, "output");
        if (strcmp(c->tag, "input") || !usable_name(name))
            continue;
        put(d, "%s inputs:%s.connect = ", usd_type(attr(c, "type")), name);
        if (usable_name(graph) || usable_name(node))
            put(d, "</MaterialX/Materials/%s/%s.outputs:%s>\n", material, usable_name(graph) ? graph : node, usable_name(output) ? output : "out");
        else
            put(d, "</MaterialX/Materials/%s.inputs:%s>\n", material, name);
    }
    put(d, "token outputs:%s\n}\n", kind);
    for (const struct element *c = shader->first; c; c = c->next) {
        const char *graph = attr(c, "nodegraph"), *node = attr(c, "nodename");
        bool earlier      = false; // several inputs may use one graph
        for (const struct element *b = shader->first; b != c; b = b->next)
            earlier |= (graph && attr(b, "nodegraph") && !strcmp(attr(b, "nodegraph"), graph)) || (node && attr(b, "nodename") && !strcmp(attr(b, "nodename"), node));
        char scope[600];
        snprintf(scope, sizeof(scope), "/MaterialX/Materials/%s", material);
        if (!earlier && usable_name(graph) && find(d->root, "nodegraph", graph))
            put(d, "def \"%s\" (\nreferences = </MaterialX/NodeGraphs/%s>\n)\n{\n}\n", graph, graph);
        else if (!earlier && usable_name(node) && find(d->root, NULL, node) && is_node(find(d->root, NULL, node)))
            put_node(d, find(d->root, NULL, node), scope);
    }
}

static void put_material(struct document *d, const struct element *material)
{
    const char *name = attr(material, "name");
    if (!usable_name(name))
        return;
    put(d, "def Material \"%s\"\n{\n", name);
    for (int pass = 0; pass < 2; pass++)
        for (const struct element *c = material->first; c; c = c->next) {
            const char *input = attr(c, "name"), *node = attr(c, "nodename");
            const struct element *shader = node ? find(d->root, NULL, node) : NULL;
            if (strcmp(c->tag, "input") || !input || !shader || !is_node(shader))
                continue;
            const char *kind = !strcmp(input, "displacementshader") ? "displacement" : !strcmp(input, "volumeshader") ? "volume" : "surface";
            put_shader(d, shader, name, kind, pass == 0);
        }
    put(d, "}\n");
}

static bool convert(struct document *d)
{
    put(d, "#usda 1.0\n(\ndefaultPrim = \"MaterialX\"\n)\ndef \"MaterialX\"\n{\ndef \"Materials\"\n{\n");
    for (const struct element *e = d->root->first; e; e = e->next)
        if (!strcmp(e->tag, "surfacematerial") || !strcmp(e->tag, "volumematerial"))
            put_material(d, e);
    put(d, "}\ndef \"NodeGraphs\"\n{\n");
    for (const struct element *e = d->root->first; e; e = e->next)
        if (!strcmp(e->tag, "nodegraph"))
            put_graph(d, e);
    put(d, "}\n}\n");
    return !d->bad;
}

int mtlx_parse(struct layer *l, const void *data, size_t size, const struct usd_limits *limits, struct usd_error *err)
{
    struct reader r = { 0 };
    arena_init(&r.arena, limits->max_layer_bytes);
    XML_Parser xml = XML_ParserCreate(NULL);
    int rc         = xml && size <= 1u << 30 ? USD_OK : USD_ERR_NOMEM;
    if (rc == USD_OK) {
        XML_SetUserData(xml, &r);
        XML_SetElementHandler(xml, on_start, on_end);
        if (XML_Parse(xml, data, (int)size, 1) != XML_STATUS_OK) {
            rc = USD_ERR_SYNTAX;
            error_set(err, rc, l->identifier, "%s:%lu:%lu: %s", l->identifier, (unsigned long)XML_GetCurrentLineNumber(xml),
                      (unsigned long)XML_GetCurrentColumnNumber(xml) + 1, XML_ErrorString(XML_GetErrorCode(xml)));
            if (err) {
                err->line   = (uint32_t)XML_GetCurrentLineNumber(xml);
                err->column = (uint32_t)XML_GetCurrentColumnNumber(xml) + 1;
            }
        } else if (r.full || !r.root || strcmp(r.root->tag, "materialx")) {
            rc = USD_ERR_FORMAT;
            error_set(err, rc, l->identifier, "%s: %s", l->identifier, r.full ? "the document is too deep or too large" : "the root element is not <materialx>");
        }
    } else {
        error_set(err, rc, l->identifier, "%s: out of memory", l->identifier);
    }
    struct document d = { .root = r.root };
    if (rc == USD_OK) {
        static const char zeros[16];
        if (convert(&d) && array_append(&d.out, zeros, sizeof(zeros))) {
            rc = usda_parse(l, d.out.items, d.out.count - sizeof(zeros), limits, err);
        } else {
            rc = USD_ERR_LIMIT;
            error_set(err, rc, l->identifier, "%s: a name or value is too long", l->identifier);
        }
    }
    array_free(&d.out);
    if (xml)
        XML_ParserFree(xml);
    arena_finish(&r.arena);
    return rc;
}
