// Inside of the MaterialX reader: the document as read, and the prims it becomes.
#pragma once

#include "layer.h"

// ---------------------------------------------------------------------------------------------------------------
// mtlx_xml.c

struct element {
    const char *tag;
    const char **attributes; // name, value, ..., NULL
    struct element *parent, *first, *last, *next;
    const char *file; // of a root: where it was read, seen from the layer; else NULL
};

#define MX_MAX_DEFS    1000 // node definitions of one document
#define MX_MAX_INHERIT 32   // looks or definitions that inherit one another

struct document {
    struct layer *l;
    const struct layer_env *env;
    struct arena arena;
    struct element *root; // <materialx>
    struct hash_map names; // (parent, name) -> the first such child
    struct hash_map prims; // (parent prim, name) -> struct mx_prim
    struct mx_prim *stage; // the pseudo-root
    const struct element *defs[MX_MAX_DEFS], *graphs[MX_MAX_DEFS]; // <nodedef>s; what may implement one
    unsigned def_count, graph_count;
    unsigned elements, warned, includes;
    bool full;             // memory or a limit ran out
};

int mtlx_read(struct document *d, const void *data, size_t size, struct usd_error *err);
const char *mx_attr(const struct element *e, const char *name); // NULL when absent or empty
const char *mx_file(const struct element *e); // the file it stands in, seen from the layer
// The child of that name; tag NULL: any.
const struct element *mx_find(const struct document *d, const struct element *in, const char *tag, const char *name);
// Says once per kind what a document has that does not become anything.
void mx_left_out(struct document *d, unsigned kind, const struct element *e, const char *what);
enum { LEFT_VERSION, LEFT_INCLUDE, LEFT_NAMESPACE, LEFT_MATERIAL, LEFT_LIGHT, LEFT_CURVE, LEFT_CHANNELS, LEFT_UNIT, LEFT_GEOM, LEFT_PROPERTY, LEFT_VISIBILITY,
       LEFT_IMPLEMENTATION, LEFT_NAME, LEFT_LOOKGROUP, LEFT_CONNECTION, LEFT_GEOMPROP, LEFT_SWIZZLE, LEFT_TYPE };
const char *mx_format(struct document *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---------------------------------------------------------------------------------------------------------------
// mtlx_upgrade.c

bool mx_is_older(const char *version, int minor_version); // than 1.minor_version
void mx_upgrade(struct document *d, struct element *e);   // what is below e

// ---------------------------------------------------------------------------------------------------------------
// mtlx_prims.c: prims under construction, written as text at the end

struct mx_property {
    struct mx_property *next;
    const char *name, *type; // type NULL: a relationship
    const char *value, *samples, *metadata, *connection; // as text; NULL: none
    const char **targets; // of relationships
    size_t target_count;
    bool uniform;
    bool prepended; // targets are put in front of weaker ones instead of replacing them
};
struct mx_variant {
    struct mx_variant *next;
    const char *set, *name;
    struct mx_prim *content; // properties, references
};
struct mx_list {
    const char **items;
    size_t count;
};
struct mx_prim {
    struct mx_prim *parent, *first, *last, *next;
    const char *name, *type, *path, *doc;
    bool is_over;
    struct mx_property *first_property, *last_property;
    unsigned property_count;
    struct mx_list references, specializes, apis, order; // prepended, in order
    struct mx_list sets, selections;                     // variant sets; set, selection pairs
    struct mx_variant *first_variant, *last_variant;
};

struct mx_prim *mx_child(struct document *d, struct mx_prim *parent, const char *name);             // found, or NULL
struct mx_prim *mx_define(struct document *d, struct mx_prim *parent, const char *name, const char *type); // found or made
struct mx_property *mx_property(struct document *d, struct mx_prim *p, const char *name, const char *type);
struct mx_property *mx_find_property(const struct mx_prim *p, const char *name);
struct mx_prim *mx_variant(struct document *d, struct mx_prim *p, const char *set, const char *name);
void mx_list_add(struct document *d, struct mx_list *list, const char *item); // once
void mx_select(struct document *d, struct mx_prim *p, const char *set, const char *variant); // a variant of p
void mx_target(struct document *d, struct mx_property *rel, const char *path);
const char *mx_quoted(struct document *d, const char *text);
// The text of the layer into the arena-independent buffer *out (malloc'ed, ended by zeros); false: out of memory.
bool mx_write(struct document *d, const char *header, char **out, size_t *size);

// ---------------------------------------------------------------------------------------------------------------
// mtlx_values.c

const char *mx_usd_type(const char *type, bool *known); // "token" and false for shaders and unknown ones
const char *mx_asset(struct document *d, const char *path); // NULL when text cannot say it
const char *mx_name(struct document *d, const char *name); // usable as a prim or property name; NULL when it is not
// What an input says: its value, also over time, colour space, and what a user interface shows.
void mx_fill(struct document *d, struct mx_property *q, const struct element *e, bool ui);
// An input or output on a prim, with the type of `type`.
struct mx_property *mx_port(struct document *d, struct mx_prim *p, const char *prefix, const char *name, const char *type);

// ---------------------------------------------------------------------------------------------------------------
// mtlx_nodes.c: node definitions

struct mx_io {
    const char *name, *type;
};
struct mx_def {
    const char *id;
    const struct element *local; // <nodedef> of the document, or NULL
    const struct mx_io *inputs;  // of a definition of the standard library: ended by a NULL name; may be NULL
    struct mx_io outputs[8];
    size_t output_count;
};
void mx_definition(struct document *d, const struct element *node, struct mx_def *out);
// The <nodedef> that one inherits, or NULL.
const struct element *mx_base(const struct document *d, const struct element *nodedef);
// The <nodegraph> that implements a definition of the document, or NULL.
const struct element *mx_implementation(const struct document *d, const struct element *nodedef);
bool mx_is_node(const struct element *e);

// ---------------------------------------------------------------------------------------------------------------
// mtlx_looks.c

void mx_looks(struct document *d);
