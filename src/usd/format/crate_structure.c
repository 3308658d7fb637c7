// Structural values of crate files: list operations, dictionaries, arcs, splines and what text alone can say, decoded into the
// layer when it is loaded.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "crate_private.h"
#include "spline.h"
#include "stage.h"
#include "usda.h"
#include "write.h"

#define ENTRY_BYTES 20 // the least an entry of a dictionary takes: key, offset, representation

static bool too_deep(struct layer *l, const struct crate *c, unsigned depth)
{
    if (depth == c->limits.max_nesting)
        layer_warn(l, "a value is nested deeper than max_nesting (%u); it is left out", c->limits.max_nesting);
    return depth >= c->limits.max_nesting;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct vdict_entry *)a)->key, ((const struct vdict_entry *)b)->key);
}

// The dictionary at the cursor, which stands behind it afterwards.
static bool dictionary_at(struct layer *l, struct crate *c, struct cursor *at, struct field *out, unsigned depth)
{
    uint64_t n = cur_u64le(at);
    if (at->bad || n > cur_left(at) / ENTRY_BYTES || too_deep(l, c, depth))
        return false;
    struct vdict_entry *e = arena_alloc(&l->arena, (size_t)n * sizeof(*e) + 1);
    size_t kept           = 0;
    for (uint64_t i = 0; e && i < n; i++) {
        usd_tok key = crate_string(c, cur_u32le(at));
        crate_follow(c, at);
        uint64_t inner = cur_u64le(at);
        if (at->bad)
            return false;
        struct field f = { 0 };
        if (!crate_field(l, c, 0, inner, &f, depth + 1) || (f.flags & VF_CRATE && !crate_own(l, c, &f)))
            continue;
        if (REP_TYPE(inner) == CT_PATH_EXPRESSION)
            f.flags |= VF_EXPRESSION;
        e[kept].key     = tok_text(key);
        e[kept++].value = f;
    }
    if (!e)
        return false;
    if (kept)
        qsort(e, kept, sizeof(*e), compare_entries);
    out->bits  = (uintptr_t)e;
    out->count = (uint32_t)kept;
    out->type  = VT_DICT;
    return true;
}

static bool dictionary(struct layer *l, struct crate *c, uint64_t rep, struct field *out, unsigned depth)
{
    struct cursor at = rep & REP_INLINED ? cur_make("\0\0\0\0\0\0\0", 8) : crate_at(c, REP_PAYLOAD(rep));
    return dictionary_at(l, c, &at, out, depth);
}

static bool read_ref(struct layer *l, struct crate *c, struct cursor *at, struct arc_ref *out, bool is_reference)
{
    usd_tok asset  = crate_string(c, cur_u32le(at));
    uint32_t path  = cur_u32le(at);
    out->asset     = tok_text(asset);
    out->path      = tok_text(crate_path(c, path));
    out->offset    = 0;
    out->scale     = 1;
    out->data      = NULL;
    if (is_reference || c->version >= VERSION(0, 8, 0)) {
        uint64_t offset = cur_u64le(at), scale = cur_u64le(at);
        memcpy(&out->offset, &offset, 8);
        memcpy(&out->scale, &scale, 8);
    }
    if (!is_reference)
        return !at->bad;
    struct field data = { .name = T_customData };
    if (!dictionary_at(l, c, at, &data, 0))
        return false;
    if (data.count && (out->data = arena_alloc(&l->arena, sizeof(data))))
        memcpy((void *)(uintptr_t)out->data, &data, sizeof(data));
    return !at->bad;
}

// In the order they are stored; `bit` of the first byte says that there are any.
static const struct list_word {
    uint8_t bit, kind;
    const char *word;
} list_words[] = {
    { 2, LISTOP_EXPLICIT, "" },       { 4, LISTOP_ADD, "add " },       { 32, LISTOP_PREPEND, "prepend " },
    { 64, LISTOP_APPEND, "append " }, { 8, LISTOP_DELETE, "delete " }, { 16, LISTOP_REORDER, "reorder " },
};

static bool listop(struct layer *l, struct crate *c, uint64_t rep, unsigned ct, struct field *out)
{
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    struct listop *op = arena_alloc(&l->arena, sizeof(*op));
    if (!op)
        return false;
    uint8_t bits    = cur_u8(&at);
    op->is_explicit = bits & 1;
    bool refs   = ct == CT_REFERENCE_LISTOP || ct == CT_PAYLOAD_LISTOP;
    size_t least = ct == CT_REFERENCE_LISTOP ? 32 : ct == CT_PAYLOAD_LISTOP ? 8 : 4; // bytes of one item
    for (size_t i = 0; i < sizeof(list_words) / sizeof(*list_words); i++) {
        if (!(bits & list_words[i].bit))
            continue;
        uint64_t n = cur_u64le(&at);
        if (at.bad || n > cur_left(&at) / least)
            return false;
        size_t size = refs ? sizeof(struct arc_ref) : sizeof(char *);
        void *items = arena_alloc(&l->arena, (size_t)n * size + 1);
        if (!items)
            return false;
        size_t kept = 0;
        for (uint64_t k = 0; k < n; k++) {
            if (refs) {
                if (!read_ref(l, c, &at, (struct arc_ref *)items + k, ct == CT_REFERENCE_LISTOP))
                    return false;
                continue;
            }
            uint32_t v       = cur_u32le(&at);
            const char *item = ct == CT_TOKEN_LISTOP ? tok_text(crate_token(c, v))
                             : ct == CT_STRING_LISTOP ? tok_text(crate_string(c, v))
                             : tok_text(crate_path(c, v));
            if (*item == '/' || ct != CT_PATH_LISTOP) // else an index that is out of range
                ((const char **)items)[kept++] = item;
        }
        op->list[list_words[i].kind].items = items;
        op->list[list_words[i].kind].count = refs ? (size_t)n : kept;
    }
    out->bits = (uintptr_t)op;
    out->type = refs ? VT_REF_LISTOP : ct == CT_TOKEN_LISTOP ? VT_TOKEN_LISTOP : ct == CT_STRING_LISTOP ? VT_STRING_LISTOP : VT_PATH_LISTOP;
    return !at.bad;
}

// A list that is written out whole.
static bool explicit_list(struct layer *l, const void *items, size_t count, int type, struct field *out)
{
    struct listop *op = arena_alloc(&l->arena, sizeof(*op));
    if (!op)
        return false;
    op->is_explicit                 = true;
    op->list[LISTOP_EXPLICIT].items = items;
    op->list[LISTOP_EXPLICIT].count = count;
    out->bits                       = (uintptr_t)op;
    out->type                       = (uint8_t)type;
    return true;
}

static bool names(struct layer *l, struct crate *c, uint64_t rep, unsigned ct, struct field *out)
{
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    uint64_t n       = cur_u64le(&at);
    if (at.bad || n > cur_left(&at) / 4 || n > UINT32_MAX)
        return false;
    const char **items   = arena_alloc(&l->arena, (size_t)n * sizeof(*items) + 1);
    struct arc_ref *subs = out->name == T_subLayers ? arena_alloc(&l->arena, (size_t)n * sizeof(*subs) + 1) : NULL;
    for (uint64_t i = 0; items && i < n; i++) {
        items[i] = tok_text(ct == CT_TOKEN_VECTOR ? crate_token(c, cur_u32le(&at)) : crate_string(c, cur_u32le(&at)));
        if (subs)
            subs[i] = (struct arc_ref) { items[i], "", 0, 1, NULL };
    }
    if (!items)
        return false;
    if (out->name == T_primOrder || out->name == T_propertyOrder)
        return explicit_list(l, items, (size_t)n, VT_TOKEN_LISTOP, out);
    out->bits  = subs ? (uintptr_t)subs : (uintptr_t)items;
    out->count = (uint32_t)n;
    out->type  = subs ? VT_SUBLAYERS : ct == CT_TOKEN_VECTOR ? USD_TYPE_TOKEN : USD_TYPE_STRING;
    out->flags = subs ? 0 : VF_ARRAY;
    return true;
}

static bool string_pairs(struct layer *l, struct crate *c, uint64_t rep, bool paths, struct field *out)
{
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    uint64_t n       = cur_u64le(&at);
    if (at.bad || n > cur_left(&at) / 8 || n > UINT32_MAX)
        return false;
    const char **items = arena_alloc(&l->arena, (size_t)n * 2 * sizeof(*items) + 1);
    for (uint64_t i = 0; items && i < n * 2; i++) {
        uint32_t v = cur_u32le(&at);
        items[i]   = !paths ? tok_text(crate_string(c, v)) : tok_text(crate_path(c, v));
    }
    out->bits  = (uintptr_t)items;
    out->count = (uint32_t)n;
    out->type  = paths ? VT_RELOCATES : VT_SELECTIONS;
    return items != NULL;
}

static bool payload(struct layer *l, struct crate *c, uint64_t rep, struct field *out)
{
    struct cursor at  = crate_at(c, REP_PAYLOAD(rep));
    struct arc_ref *r = arena_alloc(&l->arena, sizeof(*r));
    if (!r || !read_ref(l, c, &at, r, false))
        return false;
    return explicit_list(l, r, *r->asset || *r->path ? 1 : 0, VT_REF_LISTOP, out);
}

// A block of bytes; dictionaries of knots follow it, by their times.
static bool spline(struct layer *l, struct crate *c, uint64_t rep, struct field *out)
{
    struct cursor at          = rep & REP_INLINED ? cur_make("\0\0\0\0\0\0\0", 8) : crate_at(c, REP_PAYLOAD(rep));
    uint64_t size             = cur_u64le(&at);
    const uint8_t *data       = at.bad || size > cur_left(&at) ? NULL : cur_take(&at, (size_t)size);
    const struct spline *made = data ? spline_decode(&l->arena, data, (size_t)size) : NULL;
    if (!made)
        layer_warn(l, "a spline is damaged or of a newer version; skipped");
    uint64_t n = made ? cur_u64le(&at) : 0;
    for (uint64_t i = 0; i < n && !at.bad; i++) {
        struct field custom = { 0 };
        uint64_t bits       = cur_u64le(&at);
        double time;
        memcpy(&time, &bits, sizeof(time));
        if (!dictionary_at(l, c, &at, &custom, 0))
            break;
        spline_set_custom(made, time, &custom);
    }
    out->bits = (uintptr_t)made;
    out->type = VT_SPLINE;
    return made != NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// What the text format keeps as text: values of fields that USD does not define, edits of arrays

struct gathered {
    ARRAY_OF(char);
    size_t max;
};

static bool gather(void *user, const char *data, size_t size)
{
    struct gathered *g = user;
    return size <= g->max - g->count && array_append(g, data, size);
}

// What the parser makes of such metadata. The result is what a text layer that says the same would have.
static bool parse_statements(struct layer *l, struct crate *c, struct out *o, struct gathered *g, struct field *out)
{
    out_text(o, ")");
    bool ok = out_flush(o) && usda_unknown_field(l, &c->limits, g->items, g->count, out);
    out_finish(o);
    array_free(g);
    return ok;
}

// One item of a list of integers, or of values that nobody registered, as text.
static void list_item(struct crate *c, struct cursor *at, unsigned ct, struct out *o)
{
    switch (ct) {
    case CT_INT_LISTOP: out_format(o, "%" PRId32, (int32_t)cur_u32le(at)); return;
    case CT_UINT_LISTOP: out_format(o, "%" PRIu32, cur_u32le(at)); return;
    case CT_INT64_LISTOP: out_format(o, "%" PRId64, (int64_t)cur_u64le(at)); return;
    case CT_UINT64_LISTOP: out_format(o, "%" PRIu64, cur_u64le(at)); return;
    }
    crate_follow(c, at);
    uint64_t rep = cur_u64le(at);
    out_text(o, REP_TYPE(rep) == CT_STRING && rep & REP_INLINED ? tok_text(crate_string(c, REP_PAYLOAD(rep))) : "\"\"");
}

// List operations of types that no field of USD has.
static bool plugin_listop(struct layer *l, struct crate *c, uint64_t rep, unsigned ct, struct field *out)
{
    struct cursor at  = crate_at(c, REP_PAYLOAD(rep));
    uint8_t bits      = cur_u8(&at);
    size_t least      = ct == CT_INT_LISTOP || ct == CT_UINT_LISTOP ? 4 : ct == CT_UNREGISTERED_LISTOP ? 16 : 8;
    struct gathered g = { .max = l->arena.max_bytes };
    struct out o      = { .write = gather, .user = &g };
    out_text(&o, "(\n");
    if (bits & 1 && !(bits & 2))
        out_format(&o, "%s = None\n", tok_text(out->name));
    for (size_t i = 0; i < sizeof(list_words) / sizeof(*list_words); i++) {
        if (!(bits & list_words[i].bit))
            continue;
        uint64_t n = cur_u64le(&at);
        if (at.bad || n > cur_left(&at) / least)
            break;
        out_format(&o, "%s%s = [", list_words[i].word, tok_text(out->name));
        for (uint64_t k = 0; k < n && !at.bad; k++) {
            out_text(&o, k ? ", " : "");
            list_item(c, &at, ct, &o);
        }
        out_text(&o, "]\n");
    }
    o.failed |= at.bad;
    return parse_statements(l, c, &o, &g, out);
}

// A value of a field that nobody registered: its text, a dictionary, or a list operation.
static bool unregistered(struct layer *l, struct crate *c, uint64_t rep, struct field *out, unsigned depth)
{
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    crate_follow(c, &at);
    uint64_t inner = cur_u64le(&at);
    usd_tok name   = out->name;
    if (at.bad)
        return false;
    if (name && REP_TYPE(inner) == CT_STRING && inner & REP_INLINED) {
        struct gathered g = { .max = l->arena.max_bytes };
        struct out o      = { .write = gather, .user = &g };
        out_format(&o, "(\n%s = ", tok_text(name));
        out_text(&o, tok_text(crate_string(c, REP_PAYLOAD(inner))));
        out_text(&o, "\n");
        if (parse_statements(l, c, &o, &g, out))
            return true;
    }
    return crate_field(l, c, name, inner, out, depth + 1);
}

static void place(struct out *o, int64_t i) { out_format(o, "[%" PRId64 "]", i); }

// One instruction; `a` and `b` are places, sizes or literals. False: it refers to a literal that is not there, or to no size.
static bool edit_instruction(struct out *o, unsigned op, int64_t a, int64_t b, const struct usd_value *literals)
{
    enum { WRITE, WRITE_REF, INSERT, INSERT_REF, ERASE, MIN, MIN_FILL, SIZE, SIZE_FILL, MAX };
    bool literal_first = op == WRITE || op == INSERT, fills = op == MIN_FILL || op == SIZE_FILL;
    int64_t literal    = literal_first ? a : b;
    if ((literal_first || fills) && (literal < 0 || (uint64_t)literal >= literals->count))
        return false;
    if (op >= MIN) {
        if (a < 0)
            return false;
        out_format(o, "%s %" PRId64, op <= MIN_FILL ? "minsize" : op <= SIZE_FILL ? "resize" : "maxsize", a);
        if (fills) {
            out_text(o, " fill ");
            out_element(o, literals, (size_t)b);
        }
        return true;
    }
    bool inserts = op == INSERT || op == INSERT_REF, ends = inserts && (b == 0 || b == INT64_MIN);
    out_text(o, op == ERASE ? "erase " : !inserts ? "write " : !ends ? "insert " : b ? "append " : "prepend ");
    if (literal_first)
        out_element(o, literals, (size_t)a);
    else
        place(o, a);
    if (op != ERASE && !ends) {
        out_text(o, inserts ? " at " : " to ");
        place(o, b);
    }
    return true;
}

// Runs of one operation each: how often in the low 56 bits, which in the high 8, then its arguments.
static void edit_text(struct out *o, const int64_t *code, size_t n, const struct usd_value *literals)
{
    static const uint8_t arguments[] = { 2, 2, 2, 2, 1, 1, 2, 1, 2, 1 };
    out_text(o, "edit [");
    bool first = true;
    for (size_t i = 0; i < n;) {
        unsigned op    = (unsigned)((uint64_t)code[i] >> 56);
        uint64_t times = (uint64_t)code[i++] & ((1ull << 56) - 1);
        if (op >= sizeof(arguments))
            break;
        for (; times && n - i >= arguments[op]; times--, i += arguments[op]) {
            o->pending = first ? NULL : "; ";
            if (edit_instruction(o, op, code[i], arguments[op] == 2 ? code[i + 1] : 0, literals))
                first = false;
            o->pending = NULL;
        }
        if (times)
            break;
    }
    out_text(o, "]");
}

static bool plain_array(struct layer *l, uint64_t rep, struct usd_value *v)
{
    struct field f = { .bits = rep, .count = 1, .type = (uint8_t)crate_value_type(REP_TYPE(rep)), .flags = VF_CRATE | VF_ARRAY };
    return rep & REP_ARRAY && !(rep & REP_ARRAY_EDIT) && f.type != USD_TYPE_NONE && crate_value(NULL, l, &f, v);
}

// The edits of a default, as the text format has them.
static bool array_edit(struct layer *l, struct crate *c, uint64_t rep, struct field *out)
{
    if (out->name != T_default || !crate_value_type(REP_TYPE(rep)))
        return false;
    struct usd_value literals = { 0 }, code = { 0 };
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    bool ok          = true;
    if (REP_PAYLOAD(rep)) { // else it edits nothing
        uint64_t values = cur_u64le(&at), indices = cur_u64le(&at);
        bool dense      = cur_u8(&at);
        if (at.bad || REP_TYPE(values) != REP_TYPE(rep))
            return false;
        if (dense)
            return !(values & REP_ARRAY_EDIT) && crate_field(l, c, out->name, values, out, 0);
        ok = plain_array(l, values, &literals) && plain_array(l, indices, &code) && code.type == USD_TYPE_INT64;
    }
    struct gathered g = { .max = l->arena.max_bytes };
    struct out o      = { .write = gather, .user = &g };
    if (ok) {
        edit_text(&o, code.data, code.count, &literals);
        ok = out_flush(&o);
    }
    char *text = ok ? arena_strndup(&l->arena, g.items, g.count) : NULL;
    enum usd_type element = crate_value_type(REP_TYPE(rep));
    *out = (struct field) { .bits = (uintptr_t)text, .count = element, .name = T_array_edit, .type = VT_UNKNOWN };
    out_finish(&o);
    array_free(&g);
    usd_value_finish(&literals);
    usd_value_finish(&code);
    if (text)
        layer_warn(l, "edits of arrays are not applied");
    return text != NULL;
}

// Only the newest files have them; they are not applied.
static void find_sample_edits(struct layer *l, struct crate *c, uint64_t rep)
{
    struct cursor at = crate_at(c, REP_PAYLOAD(rep));
    crate_follow(c, &at);
    cur_skip(&at, 8);
    crate_follow(c, &at);
    uint64_t n = cur_u64le(&at);
    for (uint64_t i = 0; i < n && !at.bad; i++)
        if (cur_u64le(&at) & REP_ARRAY_EDIT && !at.bad) {
            layer_warn(l, "edits of arrays are not applied; samples that are some are left out");
            return;
        }
}

bool crate_field(struct layer *l, struct crate *c, usd_tok name, uint64_t rep, struct field *out, unsigned depth)
{
    unsigned ct     = REP_TYPE(rep);
    enum usd_type t = crate_value_type(ct);
    *out            = (struct field) { .name = name, .count = 1 };
    if (depth && too_deep(l, c, depth - 1)) // a scalar may stand one level below the last dictionary
        return false;
    l->has_clips |= name == T_clips;
    if (rep & REP_ARRAY_EDIT)
        return array_edit(l, c, rep, out);
    if (t != USD_TYPE_NONE) {
        out->bits  = rep;
        out->type  = (uint8_t)t;
        out->flags = (uint8_t)(VF_CRATE | (rep & REP_ARRAY ? VF_ARRAY : 0));
        // Small scalars are the metadata that composition looks at: decoded now.
        return rep & REP_ARRAY || type_table[t].size > 8 ? true : crate_own(l, c, out);
    }
    switch (ct) {
    case CT_DICTIONARY: return dictionary(l, c, rep, out, depth);
    case CT_TOKEN_LISTOP:
    case CT_STRING_LISTOP:
    case CT_PATH_LISTOP:
    case CT_REFERENCE_LISTOP:
    case CT_PAYLOAD_LISTOP: return listop(l, c, rep, ct, out);
    case CT_INT_LISTOP:
    case CT_INT64_LISTOP:
    case CT_UINT_LISTOP:
    case CT_UINT64_LISTOP:
    case CT_UNREGISTERED_LISTOP: return name && plugin_listop(l, c, rep, ct, out);
    case CT_PAYLOAD: return payload(l, c, rep, out);
    case CT_TOKEN_VECTOR:
    case CT_STRING_VECTOR: return names(l, c, rep, ct, out);
    case CT_VARIANT_SELECTIONS: return string_pairs(l, c, rep, false, out);
    case CT_RELOCATES:
        out->name = T_relocates;
        return string_pairs(l, c, rep, true, out);
    case CT_TIME_SAMPLES:
        if (c->version >= VERSION(0, 14, 0))
            find_sample_edits(l, c, rep);
        out->bits  = rep;
        out->type  = VT_SAMPLES;
        out->flags = VF_CRATE;
        return true;
    case CT_VALUE_BLOCK: out->type = USD_TYPE_BLOCK; return true;
    case CT_UNREGISTERED: return unregistered(l, c, rep, out, depth);
    case CT_VALUE: {
        struct cursor at = crate_at(c, REP_PAYLOAD(rep));
        crate_follow(c, &at);
        uint64_t inner = cur_u64le(&at);
        return !at.bad && crate_field(l, c, name, inner, out, depth + 1);
    }
    case CT_PERMISSION: out->type = USD_TYPE_TOKEN; out->bits = (uintptr_t)tok_text(tok_str(REP_PAYLOAD(rep) ? "private" : "public")); return true;
    case CT_SPLINE: return spline(l, c, rep, out);
    case CT_ANIMATION_BLOCK: out->type = VT_ANIMATION_BLOCK; return true;
    default: return false;
    }
}
