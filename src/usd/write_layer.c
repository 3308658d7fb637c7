// A layer as usda text, spec by spec.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crate.h"
#include "file.h"
#include "spline.h"
#include "write.h"

static const char *const list_words[LISTOP_KINDS] = { "", "add ", "prepend ", "append ", "delete ", "reorder " };

static void ref_item(struct out *o, const struct arc_ref *r)
{
    if (*r->asset)
        out_asset(o, r->asset);
    if (*r->path || !*r->asset)
        out_format(o, "<%s>", r->path);
    if (r->offset == 0 && r->scale == 1)
        return;
    out_text(o, " (");
    if (r->offset != 0) {
        out_text(o, "offset = ");
        out_number(o, r->offset, false);
        out_text(o, r->scale != 1 ? "; " : "");
    }
    if (r->scale != 1) {
        out_text(o, "scale = ");
        out_number(o, r->scale, false);
    }
    out_text(o, ")");
}

static void list_items(struct out *o, const void *items, size_t count, int type)
{
    if (!count) {
        out_text(o, type == VT_PATH_LISTOP || type == VT_REF_LISTOP ? "None" : "[]");
        return;
    }
    out_text(o, count > 1 || type == VT_TOKEN_LISTOP || type == VT_STRING_LISTOP ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        if (i)
            out_text(o, ", ");
        if (type == VT_REF_LISTOP)
            ref_item(o, (const struct arc_ref *)items + i);
        else if (type == VT_PATH_LISTOP)
            out_format(o, "<%s>", ((const char *const *)items)[i]);
        else
            out_string(o, ((const char *const *)items)[i]);
    }
    out_text(o, count > 1 || type == VT_TOKEN_LISTOP || type == VT_STRING_LISTOP ? "]" : "");
}

// Every list of an operation as a statement of its own: "prepend NAME = ...".
static void list_statements(struct out *o, const struct field *f, const char *before, const char *name)
{
    const struct listop *op = field_ptr(f);
    for (int k = 0; k < LISTOP_KINDS; k++) {
        if (k == LISTOP_EXPLICIT ? !op->is_explicit : op->is_explicit || !op->list[k].count)
            continue;
        out_indent(o);
        out_format(o, "%s%s%s = ", list_words[k], before, name);
        list_items(o, op->list[k].items, op->list[k].count, f->type);
        out_text(o, "\n");
    }
}

static void pair_statement(struct out *o, const struct field *f, const char *name)
{
    const char *const *p = field_ptr(f);
    out_indent(o);
    out_format(o, "%s = {\n", name);
    o->indent++;
    for (uint32_t i = 0; i < f->count; i++) {
        out_indent(o);
        if (f->type == VT_SELECTIONS) {
            out_format(o, "string %s = ", p[i * 2]);
            out_string(o, p[i * 2 + 1]);
        } else {
            out_format(o, "<%s>: <%s>,", p[i * 2], p[i * 2 + 1]);
        }
        out_text(o, "\n");
    }
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
}

static void sublayer_statement(struct out *o, const struct field *f)
{
    const struct arc_ref *r = field_ptr(f);
    out_indent(o);
    out_text(o, "subLayers = [\n");
    o->indent++;
    for (uint32_t i = 0; i < f->count; i++) {
        out_indent(o);
        ref_item(o, &r[i]);
        out_text(o, i + 1 < f->count ? ",\n" : "\n");
    }
    o->indent--;
    out_indent(o);
    out_text(o, "]\n");
}

// Fields whose name in the text differs.
static const char *text_name(usd_tok name)
{
    switch (name) {
    case T_documentation: return "doc";
    case T_inheritPaths: return "inherits";
    case T_variantSetNames: return "variantSets";
    case T_variantSelection: return "variants";
    default: return tok_text(name);
    }
}

static void metadata_field(struct out *o, const struct layer *l, const struct field *f)
{
    switch (f->type) {
    case VT_SUBLAYERS: sublayer_statement(o, f); return;
    case VT_SELECTIONS:
    case VT_RELOCATES: pair_statement(o, f, text_name(f->name)); return;
    case VT_TOKEN_LISTOP:
    case VT_STRING_LISTOP:
    case VT_PATH_LISTOP:
    case VT_REF_LISTOP: list_statements(o, f, "", text_name(f->name)); return;
    default: break;
    }
    struct usd_value v;
    if (f->type == VT_UNKNOWN) { // as it stood in the file
        out_indent(o);
        out_format(o, "%s = ", tok_text(f->name));
        out_text(o, field_ptr(f));
        out_text(o, "\n");
    } else if (f->type == USD_TYPE_BLOCK) {
        out_indent(o);
        out_format(o, "%s = None\n", tok_text(f->name));
    } else if (field_value(NULL, l, f, &v)) {
        out_metadata(o, tok_text(f->name), &v);
        usd_value_finish(&v);
    }
}

static bool is_value_field(usd_tok name)
{
    return name == T_default || name == T_timeSamples || name == T_spline || name == T_connectionPaths || name == T_targetPaths || name == T_primOrder
           || name == T_propertyOrder;
}

static size_t metadata_count(const struct layer *l, uint32_t first, unsigned count)
{
    size_t n = 0;
    for (unsigned i = 0; i < count; i++)
        n += !is_value_field(l->fields.items[first + i].name);
    return n;
}

// " (\n ... )" when there is any.
static void metadata(struct out *o, const struct layer *l, uint32_t first, unsigned count, bool root)
{
    if (!metadata_count(l, first, count))
        return;
    out_text(o, root ? "(\n" : " (\n");
    o->indent++;
    for (unsigned i = 0; i < count; i++)
        if (!is_value_field(l->fields.items[first + i].name))
            metadata_field(o, l, &l->fields.items[first + i]);
    o->indent--;
    out_indent(o);
    out_text(o, ")");
}

static void attribute(struct out *o, const struct layer *l, const struct prop_spec *p)
{
    const struct field *value = prop_field(l, p, T_default), *samples = prop_field(l, p, T_timeSamples);
    const struct field *connections = prop_field(l, p, T_connectionPaths), *spline = prop_field(l, p, T_spline);
    const char *uniform             = p->flags & PROP_UNIFORM ? "uniform " : "";
    bool has_meta                   = metadata_count(l, p->first_field, p->field_count) > 0;
    if (value || has_meta || (!samples && !connections && !spline)) {
        out_indent(o);
        out_format(o, "%s%s%s %s", p->flags & PROP_CUSTOM ? "custom " : "", uniform, tok_text(p->type_name), tok_text(p->name));
        if (value) {
            struct usd_value v;
            field_value(NULL, l, value, &v);
            out_text(o, " = ");
            if (value->type == VT_ANIMATION_BLOCK)
                out_text(o, "AnimationBlock");
            else
                out_value(o, &v);
            usd_value_finish(&v);
        }
        metadata(o, l, p->first_field, p->field_count, false);
        out_text(o, "\n");
    }
    char before[600];
    snprintf(before, sizeof(before), "%s%.500s ", uniform, tok_text(p->type_name));
    const struct samples *s = samples && samples->type == VT_SAMPLES ? samples->flags & VF_CRATE ? crate_samples(l, samples) : field_ptr(samples) : NULL;
    if (s) {
        out_indent(o);
        out_format(o, "%s%s.timeSamples = {\n", before, tok_text(p->name));
        o->indent++;
        for (size_t i = 0; i < s->count; i++) {
            struct usd_value v;
            out_indent(o);
            out_number(o, s->times[i], false);
            out_text(o, ": ");
            field_value(NULL, l, &s->values[i], &v);
            out_value(o, &v);
            usd_value_finish(&v);
            out_text(o, ",\n");
        }
        o->indent--;
        out_indent(o);
        out_text(o, "}\n");
    }
    if (spline && spline->type == VT_SPLINE) {
        out_indent(o);
        out_format(o, "%s%s.spline = ", before, tok_text(p->name));
        out_spline(o, field_ptr(spline));
        out_text(o, "\n");
    }
    if (connections) {
        char name[600];
        snprintf(name, sizeof(name), "%.500s.connect", tok_text(p->name));
        list_statements(o, connections, before, name);
    }
}

static void relationship(struct out *o, const struct layer *l, const struct prop_spec *p)
{
    const struct field *targets = prop_field(l, p, T_targetPaths);
    const char *custom          = p->flags & PROP_CUSTOM ? "custom rel " : "rel ";
    if (targets)
        list_statements(o, targets, custom, tok_text(p->name));
    if (targets && !metadata_count(l, p->first_field, p->field_count))
        return;
    out_indent(o);
    out_format(o, "%s%s", custom, tok_text(p->name));
    metadata(o, l, p->first_field, p->field_count, false);
    out_text(o, "\n");
}

static void order_statement(struct out *o, const struct layer *l, const struct prim_spec *s, usd_tok field, const char *what)
{
    const struct field *f = spec_field(l, s, field);
    if (!f || f->type != VT_TOKEN_LISTOP)
        return;
    const struct listop *op = field_ptr(f);
    out_indent(o);
    out_format(o, "reorder %s = ", what);
    list_items(o, op->list[LISTOP_EXPLICIT].items, op->list[LISTOP_EXPLICIT].count, VT_TOKEN_LISTOP);
    out_text(o, "\n");
}

static void body(struct out *o, const struct layer *l, uint32_t spec);

static void prim(struct out *o, const struct layer *l, uint32_t spec)
{
    static const char *const words[] = { "def", "over", "class" };
    const struct prim_spec *s        = &l->prims.items[spec];
    out_indent(o);
    out_format(o, "%s %s%s", words[s->specifier % 3], tok_text(s->type_name), s->type_name ? " " : "");
    out_string(o, tok_text(s->name));
    metadata(o, l, s->first_field, s->field_count, false);
    out_text(o, "\n");
    out_indent(o);
    out_text(o, "{\n");
    o->indent++;
    body(o, l, spec);
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
}

static void body(struct out *o, const struct layer *l, uint32_t spec)
{
    const struct prim_spec *s = &l->prims.items[spec];
    if (spec) {
        order_statement(o, l, s, T_propertyOrder, "properties");
        order_statement(o, l, s, T_primOrder, "nameChildren");
    } else {
        order_statement(o, l, s, T_primOrder, "rootPrims");
    }
    for (uint32_t i = 0; i < s->prop_count; i++) {
        const struct prop_spec *p = &l->props.items[s->first_prop + i];
        if (p->flags & PROP_RELATIONSHIP)
            relationship(o, l, p);
        else
            attribute(o, l, p);
    }
    for (uint32_t c = s->first_child; c; c = l->prims.items[c].next_sibling) {
        out_text(o, "\n");
        prim(o, l, c);
    }
    for (uint32_t v = s->first_variant_set; v; v = l->prims.items[v].next_sibling) {
        out_indent(o);
        out_text(o, "variantSet ");
        out_string(o, tok_text(l->prims.items[v].name));
        out_text(o, " = {\n");
        o->indent++;
        for (uint32_t c = l->prims.items[v].first_child; c; c = l->prims.items[c].next_sibling) {
            const struct prim_spec *variant = &l->prims.items[c];
            out_indent(o);
            out_string(o, tok_text(variant->name));
            metadata(o, l, variant->first_field, variant->field_count, false);
            out_text(o, " {\n");
            o->indent++;
            body(o, l, c);
            o->indent--;
            out_indent(o);
            out_text(o, "}\n");
        }
        o->indent--;
        out_indent(o);
        out_text(o, "}\n");
    }
}

bool layer_write(const struct layer *l, usd_write_fn *write, void *user)
{
    struct out o = { .write = write, .user = user };
    out_text(&o, "#usda 1.0\n");
    metadata(&o, l, l->prims.items[0].first_field, l->prims.items[0].field_count, true);
    out_text(&o, "\n");
    body(&o, l, 0);
    bool ok = out_flush(&o);
    out_finish(&o);
    return ok;
}

int usd_layer_write(const char *path, const struct usd_open_options *options, usd_write_fn *write, void *user, struct usd_error *err)
{
    struct layer_env env = { .limits = limits_effective(options ? options->limits : NULL) };
    if (options) {
        env.allow_path = options->allow_path;
        env.user       = options->user;
    }
    struct layer *l;
    int rc = layer_open(&env, path, &l, err);
    if (rc != USD_OK)
        return rc;
    if (!layer_write(l, write, user)) {
        error_set(err, USD_ERR_IO, path, "the text could not be written");
        rc = USD_ERR_IO;
    }
    layer_release(l);
    return rc;
}
