// MaterialX documents as layers, laid out as OpenUSD's usdMtlx does:
//
//   /MaterialX/Materials/MATERIAL         Material: every input of its shaders, with the values the document gives
//   /MaterialX/Materials/MATERIAL/SHADER  refers to /MaterialX/Shaders/SHADER; its inputs lead to the material's
//   /MaterialX/Materials/MATERIAL/GRAPH   refers to /MaterialX/NodeGraphs/GRAPH, where an input uses one
//   /MaterialX/Shaders/SHADER             the shader: its id and outputs
//   /MaterialX/NodeGraphs/GRAPH/NODE      a Shader for each node; graphs with a definition are named after that
//   /MaterialX/NodeGraphs/NODE            nodes at the top of the document, where a shader uses one
//   /MaterialX/Collections, /MaterialX/Looks/LOOK, /ModelRoot with the variant set LookVariant (mtlx_looks.c)
//
// The prims are written as usda text, which the text parser reads. The libraries of node definitions are not part of
// a document: ids follow MaterialX's naming rules, and the inputs of the standard shaders are a table (mtlx_nodes.c).
#include "mtlx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtlx_document.h"
#include "usda.h"

bool mtlx_looks_like(const char *identifier, const void *data, size_t size)
{
    const char *dot = strrchr(identifier, '.');
    if (dot && (!strcmp(dot, ".mtlx") || !strcmp(dot, ".mtlx]")))
        return true;
    return size > 5 && !memcmp(data, "<?xml", 5) && memmem(data, size < 4096 ? size : 4096, "<materialx", 10);
}

static struct mx_prim *scope(struct document *d, const char *name) { return mx_define(d, mx_define(d, d->stage, "MaterialX", NULL), name, NULL); }

static bool is_shader_type(const char *type)
{
    return type && (!strcmp(type, "surfaceshader") || !strcmp(type, "displacementshader") || !strcmp(type, "volumeshader") || !strcmp(type, "lightshader"));
}

// ---------------------------------------------------------------------------------------------------------------
// Node graphs

struct graph {
    struct document *d;
    const struct element *container; // <nodegraph>, or the root for what stands at the top
    struct mx_prim *prim;
};

// A node of a definition that the document itself implements by a graph says where that is.
static void put_source(struct document *d, struct mx_prim *p, const struct mx_def *def)
{
    const char *file = def->local && mx_implementation(d, def->local) ? mx_asset(d, mx_file(def->local)) : NULL;
    if (!file)
        return;
    const struct {
        const char *name, *type, *value;
    } rows[] = { { "info:implementationSource", "token", "\"sourceAsset\"" }, { "info:mtlx:sourceAsset", "asset", file },
                 { "info:mtlx:sourceAsset:subIdentifier", "token", mx_quoted(d, def->id) } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mx_property *q = mx_property(d, p, rows[i].name, rows[i].type);
        q->uniform            = true;
        q->value              = rows[i].value;
    }
}

static struct mx_prim *node_prim(struct graph *g, const struct element *node)
{
    const char *name = mx_name(g->d, mx_attr(node, "name"));
    return name ? mx_define(g->d, g->prim, name, "Shader") : NULL;
}

static const char *output_path(struct graph *g, const struct element *node, const char *output)
{
    struct mx_def def;
    mx_definition(g->d, node, &def);
    struct mx_prim *p = node_prim(g, node);
    if (!p || !def.output_count)
        return NULL;
    const char *name = def.outputs[0].name;
    for (size_t i = 0; def.output_count > 1 && i < def.output_count; i++)
        if (output && !strcmp(output, def.outputs[i].name))
            name = def.outputs[i].name;
    if (def.output_count > 1 && (!output || strcmp(output, name)))
        return NULL; // one of several, but which?
    name = mx_name(g->d, name);
    return name ? mx_format(g->d, "%s.outputs:%s", p->path, name) : NULL;
}

static void connect_port(struct graph *g, const struct element *port, struct mx_property *q)
{
    const char *node_name = mx_attr(port, "nodename"), *face = mx_attr(port, "interfacename");
    if (mx_attr(port, "channels") || mx_attr(port, "member"))
        mx_left_out(g->d, LEFT_CHANNELS, port, "the channels of a connection are not picked out");
    if (mx_attr(port, "unit"))
        mx_left_out(g->d, LEFT_UNIT, port, "values are taken as they are; units are not converted");
    if (face && !strcmp(port->tag, "input")) {
        const char *name = mx_name(g->d, face);
        if (name && mx_find_property(g->prim, mx_format(g->d, "inputs:%s", name)))
            q->connection = mx_format(g->d, "%s.inputs:%s", g->prim->path, name);
        else
            mx_left_out(g->d, LEFT_CONNECTION, port, "an interface name leads to no input of the graph");
    }
    if (!node_name)
        return;
    const struct element *node = mx_find(g->d, g->container, NULL, node_name);
    const char *path           = node && mx_is_node(node) ? output_path(g, node, mx_attr(port, "output")) : NULL;
    if (path)
        q->connection = path;
    else
        mx_left_out(g->d, LEFT_CONNECTION, port, "a connection leads to no output");
}

static struct mx_property *add_input(struct document *d, struct mx_prim *p, const struct element *input)
{
    const char *name = mx_name(d, mx_attr(input, "name")), *type = mx_attr(input, "type");
    if (!name || !type)
        return NULL;
    if (mx_attr(input, "defaultgeomprop"))
        mx_left_out(d, LEFT_GEOMPROP, input, "defaults from geometry (defaultgeomprop) are left to the renderer");
    struct mx_property *q = mx_port(d, p, "inputs", name, type);
    mx_fill(d, q, input, true);
    return q;
}

static void add_node(struct graph *g, const struct element *node)
{
    struct mx_def def;
    mx_definition(g->d, node, &def);
    struct mx_prim *p = node_prim(g, node);
    if (!p)
        return;
    p->doc                 = mx_attr(node, "doc");
    struct mx_property *id = mx_property(g->d, p, "info:id", "token");
    id->uniform            = true;
    id->value              = mx_quoted(g->d, def.id);
    put_source(g->d, p, &def);
    for (const struct element *c = node->first; c; c = c->next) {
        struct mx_property *q = strcmp(c->tag, "input") ? NULL : add_input(g->d, p, c);
        if (q)
            connect_port(g, c, q);
    }
    for (size_t i = 0; i < def.output_count; i++) {
        const char *name = mx_name(g->d, def.outputs[i].name);
        if (name)
            mx_port(g->d, p, "outputs", name, def.outputs[i].type);
    }
}

static bool is_in_graph(const struct graph *g, const struct element *e)
{
    if (!mx_is_node(e))
        return false;
    const char *type = mx_attr(e, "type"); // what is at the top has prims of its own
    return g->container != g->d->root || (strcmp(type, "material") && !is_shader_type(type));
}

static void add_nodes(struct graph *g)
{
    for (const struct element *c = g->container->first; c; c = c->next)
        if (is_in_graph(g, c))
            node_prim(g, c); // all prims first: connections lead forward, too, and the order is the document's
    for (const struct element *c = g->container->first; c; c = c->next)
        if (is_in_graph(g, c))
            add_node(g, c);
}

static void interface(struct document *d, struct mx_prim *p, const struct element *of)
{
    for (const struct element *c = of->first; c; c = c->next)
        if (!strcmp(c->tag, "input"))
            add_input(d, p, c);
}

// What a definition does not say itself, those say that it inherits: they come first, so that its own values hold.
static void inherited_interface(struct document *d, struct mx_prim *p, const struct element *nodedef, int depth)
{
    if (!nodedef || depth == MX_MAX_INHERIT)
        return;
    inherited_interface(d, p, mx_base(d, nodedef), depth + 1);
    interface(d, p, nodedef);
}

// A <nodegraph>, made when something needs it. With a definition it has that one's name and interface.
static struct mx_prim *graph_prim(struct document *d, const struct element *e, const struct element *nodedef)
{
    const char *name = mx_name(d, nodedef ? mx_attr(nodedef, "name") : mx_attr(e, "name"));
    if (!name)
        return NULL;
    struct mx_prim *parent = scope(d, "NodeGraphs"), *p = mx_child(d, parent, name);
    if (p)
        return p;
    struct graph g = { d, e, mx_define(d, parent, name, "NodeGraph") };
    g.prim->doc    = mx_attr(e, "doc");
    inherited_interface(d, g.prim, nodedef, 0);
    interface(d, g.prim, e);
    add_nodes(&g);
    for (const struct element *c = e->first; c; c = c->next) {
        const char *output = strcmp(c->tag, "output") ? NULL : mx_name(d, mx_attr(c, "name"));
        if (!output || !mx_attr(c, "type"))
            continue;
        struct mx_property *q = mx_port(d, g.prim, "outputs", output, mx_attr(c, "type"));
        connect_port(&g, c, q);
    }
    return g.prim;
}

// ---------------------------------------------------------------------------------------------------------------
// Materials

struct material {
    struct document *d;
    struct mx_prim *prim;
};

static void reference(struct document *d, struct mx_prim *p, const struct mx_prim *to) { mx_list_add(d, &p->references, to->path); }

// What a shader's input leads to: an output of a graph, of a node at the top, or nothing.
static const char *source_of(struct material *m, const struct element *input)
{
    struct document *d = m->d;
    const char *graph = mx_attr(input, "nodegraph"), *output = mx_attr(input, "output"), *node = mx_attr(input, "nodename");
    const struct element *e = graph ? mx_find(d, d->root, "nodegraph", graph) : NULL;
    if (e && output) {
        const struct element *def = mx_attr(e, "nodedef") ? mx_find(d, d->root, "nodedef", mx_attr(e, "nodedef")) : NULL;
        struct mx_prim *made = graph_prim(d, e, def);
        const char *name     = mx_name(d, output);
        if (!made || !name)
            return NULL;
        struct mx_prim *here = mx_define(d, m->prim, made->name, NULL);
        reference(d, here, made);
        if (mx_find_property(made, mx_format(d, "outputs:%s", name)))
            return mx_format(d, "%s.outputs:%s", here->path, name);
        mx_left_out(d, LEFT_CONNECTION, input, "a node graph has no output of that name");
        return NULL;
    }
    const struct element *top = output && !graph ? mx_find(d, d->root, "output", output) : NULL;
    if (top && !node)
        node = mx_attr(top, "nodename"); // an <output> at the top
    const struct element *n = node ? mx_find(d, d->root, NULL, node) : NULL;
    if (!n || !mx_is_node(n)) {
        if (graph || node)
            mx_left_out(d, LEFT_CONNECTION, input, graph && e ? "an input names a node graph without saying which output" : "a connection leads nowhere");
        return NULL;
    }
    struct graph g       = { d, d->root, scope(d, "NodeGraphs") };
    bool first           = !mx_child(d, g.prim, node);
    struct mx_prim *here = mx_define(d, m->prim, "NodeGraphs", NULL);
    if (first)
        add_nodes(&g);
    reference(d, here, g.prim);
    struct mx_def def;
    mx_definition(d, n, &def);
    const char *name = top ? NULL : output;
    for (size_t i = 0; i < def.output_count; i++)
        if (name && !strcmp(name, def.outputs[i].name))
            return mx_format(d, "%s/%s.outputs:%s", here->path, node, name);
    return mx_format(d, "%s/%s.outputs:%s", here->path, node, def.output_count ? def.outputs[0].name : "out");
}

// Terminals of a shader: what its outputs are to a material.
static const char *terminal(const char *type)
{
    return !type ? NULL : !strcmp(type, "surfaceshader") ? "surface" : !strcmp(type, "displacementshader") ? "displacement" : !strcmp(type, "volumeshader") ? "volume"
         : !strcmp(type, "lightshader") ? "light" : NULL;
}

static struct mx_prim *shader_prim(struct document *d, const struct element *shader, const struct mx_def *def, const char *name)
{
    struct mx_prim *shaders = scope(d, "Shaders"), *p = mx_child(d, shaders, name);
    if (p)
        return p;
    p                      = mx_define(d, shaders, name, "Shader");
    p->doc                 = mx_attr(shader, "doc");
    struct mx_property *id = mx_property(d, p, "info:id", "token");
    id->uniform            = true;
    id->value              = mx_quoted(d, def->id);
    for (size_t i = 0; i < def->output_count; i++)
        if (terminal(def->outputs[i].type))
            mx_property(d, p, mx_format(d, "outputs:%s", terminal(def->outputs[i].type)), "token");
    return p;
}

// An input of the shader that hands on the material's.
static void lift_input(struct material *m, struct mx_prim *shader, const char *name, const char *type)
{
    name = mx_name(m->d, name);
    if (!name || !type)
        return;
    struct mx_property *own = mx_port(m->d, shader, "inputs", name, type);
    mx_port(m->d, m->prim, "inputs", name, type);
    if (!own->connection)
        own->connection = mx_format(m->d, "%s.inputs:%s", m->prim->path, name);
}

static void add_shader(struct material *m, const struct element *shader)
{
    struct document *d = m->d;
    const char *name   = mx_name(d, mx_attr(shader, "name"));
    struct mx_def def;
    mx_definition(d, shader, &def);
    if (!name)
        return;
    if (mx_attr(shader, "type") && !strcmp(mx_attr(shader, "type"), "lightshader"))
        mx_left_out(d, LEFT_LIGHT, shader, "light shaders become outputs that nothing uses");
    if (def.output_count == 1 && !strcmp(def.outputs[0].type ? def.outputs[0].type : "", "multioutput"))
        def.output_count = 0;
    struct mx_prim *made = shader_prim(d, shader, &def, name), *p = mx_define(d, m->prim, name, "Shader");
    reference(d, p, made);
    put_source(d, p, &def);
    const struct element *local = def.local;
    for (int i = 0; local && i < MX_MAX_INHERIT; i++, local = mx_base(d, local))
        for (const struct element *c = local->first; c; c = c->next)
            if (!strcmp(c->tag, "input"))
                lift_input(m, p, mx_attr(c, "name"), mx_attr(c, "type"));
    for (const struct mx_io *io = def.inputs; io && io->name; io++)
        lift_input(m, p, io->name, io->type);
    for (const struct element *c = shader->first; c; c = c->next) {
        if (!strcmp(c->tag, "token") && mx_name(d, mx_attr(c, "name"))) {
            struct mx_property *primvar = mx_property(d, m->prim, mx_format(d, "primvars:%s", mx_name(d, mx_attr(c, "name"))), "string");
            primvar->value              = mx_quoted(d, mx_attr(c, "value") ? mx_attr(c, "value") : "");
        }
        if (strcmp(c->tag, "input") || !mx_name(d, mx_attr(c, "name")) || !mx_attr(c, "type"))
            continue;
        lift_input(m, p, mx_attr(c, "name"), mx_attr(c, "type")); // also what the definition, or our table, does not have
        struct mx_property *q = mx_port(d, m->prim, "inputs", mx_name(d, mx_attr(c, "name")), mx_attr(c, "type"));
        const char *source    = source_of(m, c);
        mx_fill(d, q, c, false);
        if (source)
            mx_port(d, p, "inputs", mx_name(d, mx_attr(c, "name")), mx_attr(c, "type"))->connection = source;
    }
    for (struct mx_property *o = made->first_property; o; o = o->next)
        if (!strncmp(o->name, "outputs:", 8)) {
            bool light            = !strcmp(o->name, "outputs:light");
            struct mx_property *q = mx_property(d, m->prim, mx_format(d, light ? "outputs:%s" : "outputs:mtlx:%s", o->name + 8), "token");
            q->connection         = mx_format(d, "%s.%s", p->path, o->name);
        }
}

// The shaders of one type that a material's inputs lead to.
static void add_shaders(struct material *m, const struct element *material, const char *type)
{
    struct document *d = m->d;
    for (const struct element *c = material->first; c; c = c->next) {
        const char *own = mx_attr(c, "type"), *node = mx_attr(c, "nodename"), *graph = mx_attr(c, "nodegraph"), *output = mx_attr(c, "output");
        const struct element *e = NULL, *in = d->root;
        if (strcmp(c->tag, "input") || !own || strcmp(own, type))
            continue;
        if (graph && output) { // the shader is a node of a graph
            in                    = mx_find(d, d->root, "nodegraph", graph);
            const struct element *o = in ? mx_find(d, in, "output", output) : NULL;
            node                  = o ? mx_attr(o, "nodename") : NULL;
        }
        e = in && node ? mx_find(d, in, NULL, node) : NULL;
        if (e && mx_is_node(e))
            add_shader(m, e);
        else
            mx_left_out(d, LEFT_CONNECTION, c, "a material names a shader that does not exist");
    }
}

static void add_material(struct document *d, const struct element *e)
{
    static const char *const types[] = { "surfaceshader", "volumeshader", "displacementshader", "lightshader" };
    const char *name                 = mx_name(d, mx_attr(e, "name")), *version = mx_attr(d->root, "version");
    if (!name)
        return;
    struct material m = { d, mx_define(d, scope(d, "Materials"), name, "Material") };
    m.prim->doc       = mx_attr(e, "doc");
    mx_list_add(d, &m.prim->apis, "MaterialXConfigAPI");
    mx_property(d, m.prim, "config:mtlx:version", "string")->value = mx_quoted(d, version && !mx_is_older(version, 39) ? version : "1.39");
    for (size_t i = 0; i < 4; i++)
        add_shaders(&m, e, types[i]);
}

// ---------------------------------------------------------------------------------------------------------------
// The document

static void check_version(struct document *d)
{
    int major = 1, minor = 38;
    const char *version = mx_attr(d->root, "version");
    if (version && sscanf(version, "%d.%d", &major, &minor) == 2 && (major != 1 || minor < 38 || minor > 39))
        layer_warn(d->l, "MaterialX: version %d.%d is read as if it were %s", major, minor, major > 1 || minor > 39 ? "1.39" : "1.38; changes before that are not followed");
}

static void index_definitions(struct document *d)
{
    for (const struct element *e = d->root->first; e; e = e->next) {
        if (!strcmp(e->tag, "nodedef") && mx_attr(e, "name") && d->def_count < MX_MAX_DEFS)
            d->defs[d->def_count++] = e;
        else if ((!strcmp(e->tag, "nodegraph") || !strcmp(e->tag, "implementation")) && mx_attr(e, "nodedef") && d->graph_count < MX_MAX_DEFS)
            d->graphs[d->graph_count++] = e;
    }
}

static void mention_rest(struct document *d)
{
    for (const struct element *e = d->root->first; e; e = e->next) {
        if (!strcmp(e->tag, "material"))
            mx_left_out(d, LEFT_MATERIAL, e, "materials of documents before 1.38 are left out; upgrade the document");
        else if (!strcmp(e->tag, "geominfo"))
            mx_left_out(d, LEFT_GEOM, e, "geometry properties (geominfo) are left out");
        else if (!strcmp(e->tag, "propertyset"))
            mx_left_out(d, LEFT_PROPERTY, e, "property sets are left out");
        else if (!strcmp(e->tag, "lookgroup"))
            mx_left_out(d, LEFT_LOOKGROUP, e, "look groups are left out; each look is a variant");
        else if (!strcmp(e->tag, "nodedef") && !mx_implementation(d, e))
            mx_left_out(d, LEFT_IMPLEMENTATION, e, "a node definition without a node graph: its nodes keep its name, a renderer must know it");
    }
}

static void convert(struct document *d)
{
    check_version(d);
    mx_upgrade(d, d->root);
    index_definitions(d);
    for (unsigned i = 0; i < d->graph_count; i++) {
        const struct element *e = d->graphs[i];
        const struct element *def = strcmp(e->tag, "nodegraph") ? NULL : mx_find(d, d->root, "nodedef", mx_attr(e, "nodedef"));
        if (def)
            graph_prim(d, e, def);
    }
    for (const struct element *e = d->root->first; e; e = e->next)
        if (mx_is_node(e) && !strcmp(mx_attr(e, "type"), "material"))
            add_material(d, e);
    for (const struct element *e = d->root->first; e; e = e->next) {
        const char *name = mx_is_node(e) && !strcmp(mx_attr(e, "type"), "material") ? mx_name(d, mx_attr(e, "name")) : NULL;
        const char *from = name && mx_attr(e, "inherit") ? mx_name(d, mx_attr(e, "inherit")) : NULL;
        struct mx_prim *p = name ? mx_child(d, scope(d, "Materials"), name) : NULL, *base = from ? mx_child(d, scope(d, "Materials"), from) : NULL;
        if (p && base && p != base)
            mx_list_add(d, &p->specializes, base->path);
    }
    mx_looks(d);
    mention_rest(d);
}

static const char *header(struct document *d)
{
    const char *space = mx_attr(d->root, "colorspace"), *cms = mx_attr(d->root, "cms");
    const char *color = space ? mx_format(d, "customLayerData = {\nstring colorSpace = %s\n}\n", mx_quoted(d, space)) : "";
    const char *system = cms ? mx_format(d, "colorManagementSystem = %s\n", mx_quoted(d, cms)) : "";
    return mx_format(d, "#usda 1.0\n(\n%s%s)\n", color, system);
}

int mtlx_parse(struct layer *l, const struct layer_env *env, const void *data, size_t size, struct usd_error *err)
{
    struct document *d = calloc(1, sizeof(*d));
    if (!d) {
        error_set(err, USD_ERR_NOMEM, l->identifier, "%s: out of memory", l->identifier);
        return USD_ERR_NOMEM;
    }
    struct mx_prim root = { .name = "", .path = "" };
    d->l                = l;
    d->env              = env;
    d->stage            = &root;
    arena_init(&d->arena, env->limits.max_layer_bytes);
    int rc = mtlx_read(d, data, size, err);
    if (rc == USD_OK) {
        char *text = NULL;
        size_t n   = 0;
        convert(d);
        if (mx_write(d, header(d), &text, &n)) {
            rc = usda_parse(l, text, n, &env->limits, err);
        } else {
            rc = USD_ERR_LIMIT;
            error_set(err, rc, l->identifier, "%s: a name, value or list of the document is too long", l->identifier);
        }
        free(text);
    }
    hash_map_finish(&d->names);
    hash_map_finish(&d->prims);
    arena_finish(&d->arena);
    free(d);
    return rc;
}
