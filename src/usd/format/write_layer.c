// A layer as usda text, spec by spec.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crate.h"
#include "file.h"
#include "hash.h"
#include "spline.h"
#include "write.h"

static const char *const list_words[LISTOP_KINDS] = { "", "add ", "prepend ", "append ", "delete ", "reorder " };

static void ref_item(struct out *o, const struct arc_ref *r, bool sublayer)
{
    if (*r->asset || sublayer)
        out_asset(o, r->asset);
    if (!sublayer && (*r->path || !*r->asset))
        out_format(o, "<%s>", r->path);
    struct usd_value data;
    bool has_data = !sublayer && r->data && field_value(NULL, NULL, r->data, &data);
    if (r->offset == 0 && r->scale == 1 && !has_data)
        return;
    const char *before = " (";
    if (r->offset != 0) {
        out_format(o, "%soffset = ", before);
        out_number(o, r->offset, false);
        before = "; ";
    }
    if (r->scale != 1) {
        out_format(o, "%sscale = ", before);
        out_number(o, r->scale, false);
        before = "; ";
    }
    if (has_data) {
        out_format(o, "%scustomData = ", before);
        out_value(o, &data);
        usd_value_finish(&data);
    }
    out_text(o, ")");
}

struct list {
    usd_tok field;
    int type;
    enum path_use use; // of paths
    const void *items;
    size_t count;
};

static const char *name_at(const struct list *s, size_t i) { return ((const char *const *)s->items)[i]; }
static const struct arc_ref *ref_at(const struct list *s, size_t i) { return (const struct arc_ref *)s->items + i; }

static bool same_item(const struct list *s, size_t i, size_t k)
{
    if (s->type != VT_REF_LISTOP)
        return !strcmp(name_at(s, i), name_at(s, k));
    const struct arc_ref *a = ref_at(s, i), *b = ref_at(s, k);
    return !strcmp(a->asset, b->asset) && !strcmp(a->path, b->path) && !memcmp(&a->offset, &b->offset, sizeof(a->offset))
           && !memcmp(&a->scale, &b->scale, sizeof(a->scale)) && a->data == b->data;
}

// Can the text say it, and does no item before it say the same?
static bool writable(const struct list *s, size_t i, struct hash_map *seen)
{
    uint64_t key;
    if (s->type == VT_REF_LISTOP) {
        const struct arc_ref *r = ref_at(s, i);
        if (!text_is_asset(r->asset) || !text_is_path(r->path, PATH_ARC))
            return false;
        key = hash_bytes(r->path, strlen(r->path)) ^ hash_bytes(r->asset, strlen(r->asset)) * 31;
    } else {
        if (s->type == VT_PATH_LISTOP && !text_is_path(name_at(s, i), s->use))
            return false;
        if (s->field == T_variantSetNames && !text_is_variant(name_at(s, i)))
            return false;
        key = hash_bytes(name_at(s, i), strlen(name_at(s, i)));
    }
    uint64_t *at = hash_map_get(seen, key | 1);
    if (at && same_item(s, (size_t)*at, i))
        return false;
    return at || hash_map_put(seen, key | 1, i);
}

static size_t writable_count(const struct list *s)
{
    struct hash_map seen = { 0 };
    size_t n             = 0;
    for (size_t i = 0; i < s->count; i++)
        n += writable(s, i, &seen);
    hash_map_finish(&seen);
    return n;
}

static void list_items(struct out *o, const struct list *s)
{
    size_t count = writable_count(s), written = 0;
    bool names   = s->type == VT_TOKEN_LISTOP || s->type == VT_STRING_LISTOP;
    if (!count) {
        out_text(o, names ? "[]" : "None");
        return;
    }
    struct hash_map seen = { 0 };
    out_text(o, count > 1 || names ? "[" : "");
    for (size_t i = 0; i < s->count; i++) {
        if (!writable(s, i, &seen))
            continue;
        out_text(o, written++ ? ", " : "");
        if (s->type == VT_REF_LISTOP)
            ref_item(o, ref_at(s, i), false);
        else if (s->type == VT_PATH_LISTOP)
            out_format(o, "<%s>", name_at(s, i));
        else
            out_string(o, name_at(s, i));
    }
    out_text(o, count > 1 || names ? "]" : "");
    hash_map_finish(&seen);
}

// One list of an operation, if it has one that takes a statement.
static bool listop_list(const struct field *f, int k, enum path_use use, struct list *out)
{
    const struct listop *op = field_ptr(f);
    *out                    = (struct list) { f->name, f->type, use, op->list[k].items, op->list[k].count };
    if (k == LISTOP_EXPLICIT && out->field != T_variantSetNames) // text cannot say that there are no variant sets
        return op->is_explicit;
    return (k == LISTOP_EXPLICIT) == op->is_explicit && out->count && writable_count(out);
}

// Every list of an operation as a statement of its own: "prepend NAME = ...".
static void list_statements(struct out *o, const struct field *f, const char *before, const char *name, enum path_use use)
{
    for (int k = 0; k < LISTOP_KINDS; k++) {
        struct list list;
        if (!listop_list(f, k, use, &list))
            continue;
        out_indent(o);
        out_format(o, "%s%s%s = ", list_words[k], before, name);
        list_items(o, &list);
        out_text(o, "\n");
    }
}

static int compare_selections(const void *a, const void *b) { return strcmp(**(const char *const *const *)a, **(const char *const *const *)b); }

static void selections_statement(struct out *o, const struct field *f)
{
    const char *const *p        = field_ptr(f);
    const char *const **sorted = malloc((f->count + 1) * sizeof(*sorted));
    if (!sorted) {
        o->failed = true;
        return;
    }
    for (uint32_t i = 0; i < f->count; i++)
        sorted[i] = &p[i * 2];
    qsort(sorted, f->count, sizeof(*sorted), compare_selections);
    out_indent(o);
    out_text(o, "variants = {\n");
    o->indent++;
    for (uint32_t i = 0; i < f->count; i++) {
        const char *set = sorted[i][0], *selection = sorted[i][1];
        size_t n        = strlen(selection);
        bool expression = n > 1 && selection[0] == '`' && selection[n - 1] == '`';
        if ((i && !strcmp(set, sorted[i - 1][0])) || (!expression && !text_is_variant(selection)))
            continue;
        out_indent(o);
        out_text(o, "string ");
        if (text_is_name(set))
            out_text(o, set);
        else
            out_string(o, set);
        out_text(o, " = ");
        out_string(o, selection);
        out_text(o, "\n");
    }
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
    free(sorted);
}

static void relocates_statement(struct out *o, const struct field *f)
{
    const char *const *p = field_ptr(f);
    out_indent(o);
    out_text(o, "relocates = {\n");
    o->indent++;
    for (uint32_t i = 0; i < f->count; i++) {
        if (!text_is_path(p[i * 2], PATH_RELOCATE) || !text_is_path(p[i * 2 + 1], PATH_RELOCATE_TO))
            continue;
        out_indent(o);
        out_format(o, "<%s>: <%s>,\n", p[i * 2], p[i * 2 + 1]);
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
        if (!text_is_asset(r[i].asset))
            continue;
        out_indent(o);
        ref_item(o, &r[i], true);
        out_text(o, ",\n");
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

static bool is_value_field(usd_tok name)
{
    return name == T_default || name == T_timeSamples || name == T_spline || name == T_connectionPaths || name == T_targetPaths || name == T_primOrder
           || name == T_propertyOrder || name == T_array_edit || name == T_array_edit_samples;
}

static bool is_metadata(const struct field *f, unsigned where)
{
    return !is_value_field(f->name) && text_metadata_fits(tok_text(f->name), where, f->type, f->flags & VF_ARRAY);
}

static void unknown_edits(struct out *o, const struct field *f)
{
    const struct listop *op = field_ptr(f);
    for (int k = 0; k < LISTOP_KINDS; k++)
        if (op->list[k].count) {
            out_indent(o);
            out_format(o, "%s%s = ", list_words[k], tok_text(f->name));
            out_text(o, *(const char *const *)op->list[k].items);
            out_text(o, "\n");
        }
}

static void metadata_field(struct out *o, const struct layer *l, const struct field *f, unsigned where)
{
    switch (f->type) {
    case VT_SUBLAYERS: sublayer_statement(o, f); return;
    case VT_SELECTIONS: selections_statement(o, f); return;
    case VT_RELOCATES: relocates_statement(o, f); return;
    case VT_TOKEN_LISTOP:
    case VT_STRING_LISTOP:
    case VT_PATH_LISTOP:
    case VT_REF_LISTOP: list_statements(o, f, "", text_name(f->name), PATH_CLASS); return;
    default: break;
    }
    struct usd_value v;
    if (f->type == VT_UNKNOWN_LISTOP) {
        unknown_edits(o, f);
    } else if (f->type == VT_UNKNOWN) { // as it stood in the file
        out_indent(o);
        out_format(o, "%s = ", tok_text(f->name));
        out_text(o, field_ptr(f));
        out_text(o, "\n");
    } else if (f->type == USD_TYPE_BLOCK) {
        out_indent(o);
        out_format(o, "%s = None\n", tok_text(f->name));
    } else if (field_value(NULL, l, f, &v)) {
        out_metadata(o, tok_text(f->name), where, &v);
        usd_value_finish(&v);
    }
}

// A damaged file can say a field twice; the first counts.
static bool is_first(const struct layer *l, uint32_t first, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (l->fields.items[first + k].name == l->fields.items[first + i].name)
            return false;
    return true;
}

// Does metadata_field() write anything?
static bool says_something(const struct layer *l, const struct field *f, unsigned where)
{
    struct list list;
    struct usd_value v;
    bool something = false;
    switch (f->type) {
    case VT_TOKEN_LISTOP:
    case VT_STRING_LISTOP:
    case VT_PATH_LISTOP:
    case VT_REF_LISTOP:
        for (int k = 0; k < LISTOP_KINDS && !something; k++)
            something = listop_list(f, k, PATH_CLASS, &list);
        return something;
    case VT_SUBLAYERS:
    case VT_SELECTIONS:
    case VT_RELOCATES:
    case VT_UNKNOWN_LISTOP:
    case VT_UNKNOWN:
    case USD_TYPE_BLOCK: return true;
    default:
        something = field_value(NULL, l, f, &v) && text_has_metadata(tok_text(f->name), where, &v);
        usd_value_finish(&v);
        return something;
    }
}

static bool has_metadata(const struct layer *l, uint32_t first, unsigned count, unsigned where)
{
    for (unsigned i = 0; i < count; i++) {
        const struct field *f = &l->fields.items[first + i];
        if (is_metadata(f, where) && is_first(l, first, i) && says_something(l, f, where))
            return true;
    }
    return false;
}

// " (\n ... )" when there is any.
static void metadata(struct out *o, const struct layer *l, uint32_t first, unsigned count, unsigned where)
{
    out_open(o, where == ON_LAYER ? "(\n" : " (\n");
    for (unsigned i = 0; i < count; i++)
        if (is_metadata(&l->fields.items[first + i], where) && is_first(l, first, i))
            metadata_field(o, l, &l->fields.items[first + i], where);
    out_close(o, ")");
}

// Is a default or a sample of the declared type?
static bool fits(const struct layer *l, const struct field *f, const char *type)
{
    struct usd_value v;
    if (f->type == USD_TYPE_BLOCK || f->type == VT_ANIMATION_BLOCK)
        return true;
    if (f->name == T_array_edit) { // of elements of the type in `count`
        bool is_array;
        return usd_type_from_name(type, &is_array) == (enum usd_type)f->count && is_array;
    }
    if (f->type == VT_UNKNOWN)
        return usd_type_from_name(type, NULL) == USD_TYPE_NONE;
    bool ok = field_value(NULL, l, f, &v) && text_fits(type, &v);
    usd_value_finish(&v);
    return ok;
}

static void value(struct out *o, const struct layer *l, const struct field *f)
{
    struct usd_value v;
    if (f->type == VT_UNKNOWN) {
        out_text(o, field_ptr(f));
    } else if (f->type == VT_ANIMATION_BLOCK) {
        out_text(o, "AnimationBlock");
    } else {
        field_value(NULL, l, f, &v);
        out_value(o, &v);
        usd_value_finish(&v);
    }
}

static void sample_statement(struct out *o, const struct layer *l, const struct samples *s, const char *before, const char *name, const char *type)
{
    out_indent(o);
    out_format(o, "%s%s.timeSamples = {\n", before, name);
    o->indent++;
    for (size_t i = 0; i < s->count; i++) {
        if (!fits(l, &s->values[i], type) || s->values[i].type == VT_ANIMATION_BLOCK)
            continue;
        out_indent(o);
        out_number(o, s->times[i], false);
        out_text(o, ": ");
        value(o, l, &s->values[i]);
        out_text(o, ",\n");
    }
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
}

static bool has_algorithm(const struct spline *s)
{
    size_t i = 0;
    while (i < s->count && !s->knots[i].pre_algorithm && !s->knots[i].post_algorithm)
        i++;
    return i < s->count;
}

static void needs(struct out *o, int version) { o->version = o->version < version ? version : o->version; }

static void attribute(struct out *o, const struct layer *l, const struct prop_spec *p)
{
    const struct field *first = prop_field(l, p, T_default), *samples = prop_field(l, p, T_timeSamples);
    const struct field *connections = prop_field(l, p, T_connectionPaths), *spline = prop_field(l, p, T_spline);
    const struct field *edits       = prop_field(l, p, T_array_edit_samples);
    const char *name = tok_text(p->name), *type = tok_text(p->type_name), *uniform = p->flags & PROP_UNIFORM ? "uniform " : "";
    bool is_array;
    enum usd_type declared = usd_type_from_name(type, &is_array);
    if (spline && (spline->type != VT_SPLINE || !spline_fits(field_ptr(spline), declared, is_array)))
        spline = NULL;
    first        = first ? first : prop_field(l, p, T_array_edit);
    first        = first && fits(l, first, type) ? first : NULL;
    bool declare = first || p->flags & PROP_CUSTOM || has_metadata(l, p->first_field, p->field_count, ON_ATTRIBUTE);
    if (declare || (!samples && !connections && !spline && !edits)) {
        out_indent(o);
        out_format(o, "%s%s%s %s", p->flags & PROP_CUSTOM ? "custom " : "", uniform, type, name);
        if (first) {
            out_text(o, " = ");
            value(o, l, first);
            needs(o, first->name == T_array_edit ? 2 : 0);
        }
        metadata(o, l, p->first_field, p->field_count, ON_ATTRIBUTE);
        out_text(o, "\n");
    }
    char before[600];
    snprintf(before, sizeof(before), "%s%.500s ", uniform, type);
    const struct samples *s = samples && samples->type == VT_SAMPLES ? samples->flags & VF_CRATE ? crate_samples(l, samples) : field_ptr(samples) : NULL;
    if (s)
        sample_statement(o, l, s, before, name, type);
    if (edits) {
        needs(o, 2);
        out_indent(o);
        out_format(o, "%s%s.timeSamples = ", before, name);
        out_text(o, field_ptr(edits));
        out_text(o, "\n");
    }
    if (spline) {
        const struct spline *k = field_ptr(spline);
        needs(o, k->has_pre_boundary || k->has_post_boundary ? 3 : has_algorithm(k) ? 1 : 0);
        out_indent(o);
        out_format(o, "%s%s.spline = ", before, name);
        out_spline(o, field_ptr(spline));
        out_text(o, "\n");
    }
    if (connections && connections->type == VT_PATH_LISTOP) {
        char statement[600];
        snprintf(statement, sizeof(statement), "%.500s.connect", name);
        list_statements(o, connections, before, statement, PATH_TARGET);
    }
}

static void relationship(struct out *o, const struct layer *l, const struct prop_spec *p)
{
    const struct field *targets = prop_field(l, p, T_targetPaths);
    const char *custom          = p->flags & PROP_CUSTOM ? "custom rel " : "rel ";
    if (targets && targets->type == VT_PATH_LISTOP)
        list_statements(o, targets, custom, tok_text(p->name), PATH_TARGET);
    const struct listop *op = targets && targets->type == VT_PATH_LISTOP ? field_ptr(targets) : NULL;
    if (op && op->is_explicit && !has_metadata(l, p->first_field, p->field_count, ON_RELATIONSHIP))
        return;
    out_indent(o);
    out_format(o, "%s%s", custom, tok_text(p->name));
    metadata(o, l, p->first_field, p->field_count, ON_RELATIONSHIP);
    out_text(o, "\n");
}

static void order_statement(struct out *o, const struct layer *l, const struct prim_spec *s, usd_tok field, const char *what)
{
    const struct field *f = spec_field(l, s, field);
    if (!f || f->type != VT_TOKEN_LISTOP)
        return;
    const struct listop *op = field_ptr(f);
    if (!op->list[LISTOP_EXPLICIT].count)
        return;
    out_indent(o);
    out_format(o, "reorder %s = [", what);
    for (size_t i = 0; i < op->list[LISTOP_EXPLICIT].count; i++) {
        out_text(o, i ? ", " : "");
        out_string(o, ((const char *const *)op->list[LISTOP_EXPLICIT].items)[i]);
    }
    out_text(o, "]\n");
}

static void body(struct out *o, const struct layer *l, uint32_t spec);

static void prim(struct out *o, const struct layer *l, uint32_t spec)
{
    static const char *const words[] = { "def", "over", "class" };
    const struct prim_spec *s        = &l->prims.items[spec];
    const char *type                 = tok_text(s->type_name);
    bool typed                       = *type && text_is_prim_type(type);
    out_indent(o);
    out_format(o, "%s %s%s", words[s->specifier % 3], typed ? type : "", typed ? " " : "");
    out_string(o, tok_text(s->name));
    metadata(o, l, s->first_field, s->field_count, ON_PRIM);
    out_text(o, "\n");
    out_indent(o);
    out_text(o, "{\n");
    o->indent++;
    body(o, l, spec);
    o->indent--;
    out_indent(o);
    out_text(o, "}\n");
}

static void variant_set(struct out *o, const struct layer *l, uint32_t set)
{
    struct hash_map seen = { 0 };
    out_indent(o);
    out_text(o, "variantSet ");
    out_string(o, tok_text(l->prims.items[set].name));
    out_text(o, " = {\n");
    o->indent++;
    for (uint32_t c = l->prims.items[set].first_child; c; c = l->prims.items[c].next_sibling) {
        const struct prim_spec *variant = &l->prims.items[c];
        if (!text_is_variant(tok_text(variant->name)) || hash_map_get(&seen, variant->name + 1ull) || !hash_map_put(&seen, variant->name + 1ull, 1))
            continue;
        out_indent(o);
        out_string(o, tok_text(variant->name));
        metadata(o, l, variant->first_field, variant->field_count, ON_PRIM);
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
    hash_map_finish(&seen);
}

// Names that stand twice in a damaged file are written once.
static void body(struct out *o, const struct layer *l, uint32_t spec)
{
    const struct prim_spec *s = &l->prims.items[spec];
    struct hash_map seen      = { 0 };
    if (spec) {
        order_statement(o, l, s, T_propertyOrder, "properties");
        order_statement(o, l, s, T_primOrder, "nameChildren");
    } else {
        order_statement(o, l, s, T_primOrder, "rootPrims");
    }
    for (uint32_t i = 0; i < s->prop_count && spec; i++) {
        const struct prop_spec *p = &l->props.items[s->first_prop + i];
        bool is_rel               = p->flags & PROP_RELATIONSHIP;
        if (!text_is_property_name(tok_text(p->name)) || (!is_rel && !text_is_value_type(tok_text(p->type_name)))
            || hash_map_get(&seen, p->name) || !hash_map_put(&seen, p->name, 1))
            continue;
        if (is_rel)
            relationship(o, l, p);
        else
            attribute(o, l, p);
    }
    hash_map_clear(&seen);
    for (uint32_t c = s->first_child; c; c = l->prims.items[c].next_sibling) {
        usd_tok name = l->prims.items[c].name;
        if (!text_is_name(tok_text(name)) || hash_map_get(&seen, name) || !hash_map_put(&seen, name, 1))
            continue;
        out_text(o, "\n");
        prim(o, l, c);
    }
    hash_map_finish(&seen);
    for (uint32_t v = s->first_variant_set; v && spec; v = l->prims.items[v].next_sibling)
        if (text_is_variant(tok_text(l->prims.items[v].name)))
            variant_set(o, l, v);
}

static bool discard(void *user, const char *text, size_t size) { return true; }

// Most layers have nothing that is newer than 1.0. Otherwise what is written decides: not everything that is there fits.
int text_version(const struct layer *l)
{
    bool newer = false;
    for (size_t i = 0; i < l->fields.count && !newer; i++) {
        const struct field *f  = &l->fields.items[i];
        const struct spline *s = f->type == VT_SPLINE ? field_ptr(f) : NULL;
        newer                  = (s && (s->has_pre_boundary || s->has_post_boundary || has_algorithm(s))) || f->name == T_array_edit || f->name == T_array_edit_samples;
    }
    struct out o = { .write = discard };
    if (newer)
        body(&o, l, 0);
    out_finish(&o);
    return o.version;
}

bool layer_write(const struct layer *l, usd_write_fn *write, void *user)
{
    struct out o = { .write = write, .user = user };
    out_format(&o, "#usda 1.%d\n", text_version(l));
    metadata(&o, l, l->prims.items[0].first_field, l->prims.items[0].field_count, ON_LAYER);
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
    char absolute[8192]; // what a layer includes lies beside it
    if (!file_absolute(path, absolute, sizeof(absolute))) {
        error_set(err, USD_ERR_IO, path, "%s: not a usable path", path);
        return USD_ERR_IO;
    }
    int rc = layer_open(&env, absolute, &l, err);
    if (rc != USD_OK)
        return rc;
    if (!layer_write(l, write, user)) {
        error_set(err, USD_ERR_IO, path, "the text could not be written");
        rc = USD_ERR_IO;
    }
    layer_release(l);
    return rc;
}
