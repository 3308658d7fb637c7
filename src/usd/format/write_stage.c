// A composed stage as one usda layer.
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "spline.h"
#include "write.h"

struct flatten {
    struct out o;
    const struct usd_stage *s;
    struct {
        ARRAY_OF(const usd_prim *);
    } prototypes; // holders, in the order met
    const usd_prim *inside; // holder whose children are being written as a prototype, or NULL
    size_t inside_index;
};

static size_t prototype_number(struct flatten *f, const usd_prim *holder)
{
    for (size_t i = 0; i < f->prototypes.count; i++)
        if (f->prototypes.items[i] == holder)
            return i + 1;
    return array_push(&f->prototypes, holder) ? f->prototypes.count : 0;
}

// Paths inside the prototype being written move along with it.
static void target(struct flatten *f, const char *path)
{
    if (f->inside) {
        const char *from = usd_prim_path(f->inside);
        size_t n         = strlen(from);
        if (path_has_prefix(path, from, n)) {
            out_format(&f->o, "</Flattened_Prototype_%zu%s>", f->inside_index, path + n);
            return;
        }
    }
    out_text(&f->o, "<");
    out_text(&f->o, path);
    out_text(&f->o, ">");
}

static void property_metadata(struct flatten *f, const usd_property *q)
{
    const char *key;
    out_open(&f->o, " (\n");
    for (size_t at = 0; (key = usd_property_metadata_next(q, &at));) {
        struct usd_value v;
        if (usd_property_metadata(q, key, &v))
            out_metadata(&f->o, key, usd_property_is_relationship(q) ? ON_RELATIONSHIP : ON_ATTRIBUTE, &v);
        usd_value_finish(&v);
    }
    out_close(&f->o, ")");
}

static void targets(struct flatten *f, const usd_property *q, size_t count, const char *(*get)(const usd_property *, size_t))
{
    size_t n = 0;
    out_text(&f->o, " = [");
    for (size_t i = 0; i < count; i++) {
        if (!text_is_path(get(q, i), PATH_TARGET))
            continue;
        out_text(&f->o, n++ ? ", " : "");
        target(f, get(q, i));
    }
    out_text(&f->o, "]");
}

static void samples(struct flatten *f, const usd_property *q, const char *uniform, const char *type)
{
    struct out *o = &f->o;
    size_t n      = usd_attr_sample_count(q);
    double *times = n ? malloc(n * sizeof(*times)) : NULL;
    if (!times)
        return;
    usd_attr_sample_times(q, times, n);
    out_indent(o);
    out_format(o, "%s%s %s.timeSamples = {\n", uniform, type, usd_property_name(q));
    o->indent++;
    for (size_t i = 0; i < n; i++) {
        struct usd_value v;
        bool any = usd_attr_get(q, times[i], &v);
        if (!any || text_fits(type, &v)) {
            out_indent(o);
            out_number(o, times[i], false);
            out_text(o, ": ");
            out_value(o, &v);
            out_text(o, ",\n");
        }
        usd_value_finish(&v);
    }
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
    free(times);
}

static void attribute(struct flatten *f, const usd_property *q)
{
    struct out *o        = &f->o;
    const char *uniform  = usd_property_is_uniform(q) ? "uniform " : "", *type = usd_property_declared_type(q);
    struct usd_value v;
    if (!text_is_value_type(type))
        return;
    out_indent(o);
    out_format(o, "%s%s%s %s", usd_property_is_custom(q) ? "custom " : "", uniform, type, usd_property_name(q));
    if (usd_attr_get(q, USD_TIME_DEFAULT, &v) && text_fits(type, &v)) {
        out_text(o, " = ");
        out_value(o, &v);
    } else if (attr_default_is_blocked(q)) {
        out_text(o, " = None");
    }
    usd_value_finish(&v);
    property_metadata(f, q);
    out_text(o, "\n");
    samples(f, q, uniform, type);
    struct arena a;
    arena_init(&a, 0);
    bool is_array;
    enum usd_type declared      = usd_type_from_name(type, &is_array);
    const struct spline *spline = attr_spline(q, &a);
    if (spline && spline_fits(spline, declared, is_array)) {
        out_indent(o);
        out_format(o, "%s%s %s.spline = ", uniform, type, usd_property_name(q));
        out_spline(o, spline);
        out_text(o, "\n");
    }
    arena_finish(&a);
    if (usd_attr_connection_count(q)) {
        out_indent(o);
        out_format(o, "%s%s %s.connect", uniform, type, usd_property_name(q));
        targets(f, q, usd_attr_connection_count(q), usd_attr_connection);
        out_text(o, "\n");
    }
}

static void relationship(struct flatten *f, const usd_property *q)
{
    out_indent(&f->o);
    out_format(&f->o, "%srel %s", usd_property_is_custom(q) ? "custom " : "", usd_property_name(q));
    if (q->flags & PROP_HAS_TARGETS) // a list without any is an opinion, too
        targets(f, q, usd_rel_target_count(q), usd_rel_target);
    property_metadata(f, q);
    out_text(&f->o, "\n");
}

// Arcs and variants are resolved in what is written; the rest of the metadata goes along.
static bool is_resolved(const char *key)
{
    static const char *const names[] = { "variantSetNames", "variantSelection", "references", "payload", "inheritPaths",
                                         "specializes", "relocates", "clips", "clipSets", "instanceable", "apiSchemas" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(key, names[i]))
            return true;
    return false;
}

static void prim_metadata(struct flatten *f, const usd_prim *p)
{
    struct out *o = &f->o;
    size_t apis   = usd_prim_api_schema_count(p);
    out_open(o, " (\n");
    if (usd_prim_is_instance(p)) {
        out_indent(o);
        out_text(o, "instanceable = true\n");
        out_indent(o);
        out_format(o, "references = </Flattened_Prototype_%zu>\n", prototype_number(f, usd_prim_in_prototype(p)));
    }
    if (apis) {
        out_indent(o);
        out_text(o, "prepend apiSchemas = [");
        for (size_t i = 0; i < apis; i++) {
            out_text(o, i ? ", " : "");
            out_string(o, usd_prim_api_schema(p, i));
        }
        out_text(o, "]\n");
    }
    const char *key;
    for (size_t at = 0; (key = usd_prim_metadata_next(p, &at));) {
        struct usd_value v;
        if (!is_resolved(key) && usd_prim_metadata(p, key, &v)) {
            out_metadata(o, key, ON_PRIM, &v);
            usd_value_finish(&v);
        }
    }
    out_close(o, ")");
}

static void prim(struct flatten *f, const usd_prim *p);

static void children(struct flatten *f, const usd_prim *p)
{
    for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c)) {
        out_text(&f->o, "\n");
        prim(f, c);
    }
}

static void body(struct flatten *f, const usd_prim *p)
{
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        if (usd_property_is_relationship(q))
            relationship(f, q);
        else
            attribute(f, q);
    }
}

static void prim(struct flatten *f, const usd_prim *p)
{
    static const char *const words[] = { "def", "over", "class" };
    struct out *o                    = &f->o;
    out_indent(o);
    const char *type = text_is_prim_type(usd_prim_type_name(p)) ? usd_prim_type_name(p) : "";
    out_format(o, "%s %s%s\"%s\"", words[usd_prim_specifier(p)], type, *type ? " " : "", usd_prim_name(p));
    prim_metadata(f, p);
    out_text(o, "\n");
    out_indent(o);
    out_text(o, "{\n");
    o->indent++;
    body(f, p);
    if (!usd_prim_is_instance(p))
        children(f, p);
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
}

static void header(struct flatten *f)
{
    static const char *const fields[] = { "comment", "documentation", "defaultPrim", "upAxis", "metersPerUnit", "kilogramsPerUnit",
                                          "timeCodesPerSecond", "framesPerSecond", "startTimeCode", "endTimeCode", "customLayerData" };
    struct out *o = &f->o;
    int version = 0; // array edits, of version 2, do not get here
    const struct layer *l;
    for (size_t i = 0; version < 3 && (l = stage_layer(f->s, i)); i++) {
        int its = text_version(l);
        version = its > version ? its : version;
    }
    out_format(o, "#usda 1.%d\n", version == 2 ? 1 : version);
    out_open(o, "(\n");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct usd_value v;
        if (usd_stage_metadata(f->s, fields[i], &v))
            out_metadata(o, fields[i], ON_LAYER, &v);
        usd_value_finish(&v);
    }
    out_close(o, ")\n");
}

int usd_stage_write(const usd_stage *s, usd_write_fn *write, void *user, struct usd_error *err)
{
    struct flatten f = { .o = { .write = write, .user = user, .resolve_assets = true }, .s = s };
    header(&f);
    children(&f, s->root);
    for (size_t i = 0; i < f.prototypes.count; i++) { // nested ones are added while this goes on
        f.inside       = f.prototypes.items[i];
        f.inside_index = i + 1;
        out_format(&f.o, "\nover \"Flattened_Prototype_%zu\"\n{\n", i + 1);
        f.o.indent = 1;
        children(&f, f.inside);
        f.o.indent = 0;
        out_text(&f.o, "}\n");
    }
    int rc = out_flush(&f.o) ? USD_OK : USD_ERR_IO;
    if (rc != USD_OK)
        error_set(err, rc, "", "the text could not be written");
    out_finish(&f.o);
    array_free(&f.prototypes);
    return rc;
}
