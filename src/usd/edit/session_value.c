// Values of the session layer: each owns its memory, so that a value that is set often leaves nothing behind.
#include <stdlib.h>
#include <string.h>

#include "session.h"

#define MAX_DEPTH 64 // dictionaries in dictionaries

static bool is_text(int type) { return type == USD_TYPE_STRING || type == USD_TYPE_TOKEN || type == USD_TYPE_ASSET || type == USD_TYPE_PATH; }

static const char *text_of(const struct usd_value *v, size_t i)
{
    const char *s = v->type == USD_TYPE_ASSET ? ((const struct usd_asset *)v->data)[i].authored : ((const char *const *)v->data)[i];
    return s ? s : "";
}

// Addresses and texts in one block.
static bool text_array(struct field *out, const struct usd_value *v)
{
    size_t bytes = v->count * sizeof(char *);
    for (size_t i = 0; i < v->count; i++)
        bytes += strlen(text_of(v, i)) + 1;
    const char **items = malloc(bytes + 1);
    if (!items)
        return false;
    char *at = (char *)(items + v->count);
    for (size_t i = 0; i < v->count; i++) {
        size_t n = strlen(text_of(v, i)) + 1;
        memcpy(at, text_of(v, i), n);
        items[i] = at;
        at += n;
    }
    out->bits = (uintptr_t)items;
    return true;
}

// Tokens and paths are in use elsewhere for as long as the process runs; strings and assets are the field's own.
static bool text_scalar(struct field *out, const struct usd_value *v)
{
    const char *text = text_of(v, 0);
    if (v->type == USD_TYPE_TOKEN || v->type == USD_TYPE_PATH)
        text = tok_text(tok_str(text));
    else
        text = strdup(text);
    out->bits = (uintptr_t)text;
    return text != NULL;
}

static bool value_at(struct field *out, const struct usd_value *v, unsigned depth);

static bool dictionary(struct field *out, const struct usd_value *v, unsigned depth)
{
    const struct usd_dict_entry *from = v->data;
    struct vdict_entry *to            = calloc(v->count + 1, sizeof(*to));
    bool ok                           = to && depth < MAX_DEPTH;
    out->bits                         = (uintptr_t)to;
    out->type                         = VT_DICT;
    for (out->count = 0; ok && out->count < v->count; out->count++) {
        to[out->count].key        = tok_text(tok_str(from[out->count].key));
        to[out->count].value.name = 0;
        ok                        = value_at(&to[out->count].value, &from[out->count].value, depth + 1);
    }
    if (!ok)
        session_free_value(out);
    return ok;
}

static bool value_at(struct field *out, const struct usd_value *v, unsigned depth)
{
    out->type  = (uint8_t)v->type;
    out->flags = v->is_array ? VF_ARRAY : 0;
    out->count = v->is_array ? (uint32_t)v->count : 1;
    out->bits  = 0;
    if (v->type == USD_TYPE_BLOCK)
        return true;
    if (v->type == USD_TYPE_DICTIONARY)
        return dictionary(out, v, depth);
    if (v->type <= USD_TYPE_BLOCK || v->type >= USD_TYPE_COUNT || v->count > UINT32_MAX || (!v->is_array && v->count != 1)
        || (v->count && !v->data))
        return false;
    if (is_text(v->type))
        return v->is_array ? text_array(out, v) : text_scalar(out, v);
    size_t size = type_table[v->type].size;
    if (!v->is_array && size <= 8) {
        memcpy(&out->bits, v->data, size);
        return true;
    }
    void *copy = malloc(out->count * size + 1);
    if (!copy)
        return false;
    if (out->count)
        memcpy(copy, v->data, out->count * size);
    out->bits = (uintptr_t)copy;
    return true;
}

bool session_value(struct field *out, const struct usd_value *v) { return value_at(out, v, 0); }

void session_free_value(struct field *f)
{
    void *p = (void *)(uintptr_t)f->bits;
    switch (f->type) {
    case VT_DICT: {
        struct vdict_entry *e = p;
        for (uint32_t i = 0; i < f->count; i++)
            session_free_value(&e[i].value);
        break;
    }
    case VT_SAMPLES: {
        struct samples *s = p;
        for (size_t i = 0; i < s->count; i++)
            session_free_value((struct field *)&s->values[i]);
        break;
    }
    case VT_TOKEN_LISTOP:
    case VT_STRING_LISTOP:
    case VT_PATH_LISTOP:
    case VT_REF_LISTOP: {
        struct listop *op = p;
        for (int k = 0; k < LISTOP_KINDS; k++)
            free((void *)op->list[k].items);
        break;
    }
    case VT_SELECTIONS: break;
    default:
        if (f->type >= USD_TYPE_COUNT || f->type <= USD_TYPE_BLOCK)
            return;
        if (!(f->flags & VF_ARRAY) && (f->type == USD_TYPE_TOKEN || f->type == USD_TYPE_PATH))
            return;
        if (!(f->flags & VF_ARRAY) && !is_text(f->type) && type_table[f->type].size <= 8)
            return;
    }
    free(p);
    f->bits = 0;
}

// ---------------------------------------------------------------------------------------------------------------
// Lists

static bool list_field(struct field *out, int type, enum listop_kind kind, void *items, size_t count)
{
    struct listop *op = items ? calloc(1, sizeof(*op)) : NULL;
    if (!op) {
        free(items);
        return false;
    }
    op->is_explicit      = kind == LISTOP_EXPLICIT;
    op->list[kind].items = items;
    op->list[kind].count = count;
    out->bits            = (uintptr_t)op;
    out->count           = 1;
    out->type            = (uint8_t)type;
    out->flags           = 0;
    return true;
}

bool session_names(struct field *out, int type, enum listop_kind kind, const char *const *items, size_t count)
{
    const char **copy = malloc((count + 1) * sizeof(*copy));
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = tok_text(tok_str(items[i]));
    return list_field(out, type, kind, copy, count);
}

bool session_refs(struct field *out, enum listop_kind kind, const struct arc_ref *items, size_t count)
{
    struct arc_ref *copy = malloc((count + 1) * sizeof(*copy));
    for (size_t i = 0; copy && i < count; i++)
        copy[i] = (struct arc_ref) { tok_text(tok_str(items[i].asset)), tok_text(tok_str(items[i].path)), items[i].offset, items[i].scale, NULL };
    return list_field(out, VT_REF_LISTOP, kind, copy, count);
}

bool session_selections(struct field *out, const struct field *old, usd_tok set, const char *selection)
{
    uint32_t before          = old && old->type == VT_SELECTIONS ? old->count : 0, n = 0;
    const char *const *pairs = before ? field_ptr(old) : NULL;
    const char **to          = malloc((before + 1) * 2 * sizeof(*to));
    if (!to)
        return false;
    bool known = false;
    for (uint32_t i = 0; i < before; i++) {
        bool same = !strcmp(pairs[i * 2], tok_text(set));
        known |= same;
        if (same && !selection)
            continue;
        to[n * 2]     = tok_text(tok_str(pairs[i * 2]));
        to[n * 2 + 1] = tok_text(tok_str(same ? selection : pairs[i * 2 + 1]));
        n++;
    }
    if (!known && selection) {
        to[n * 2]     = tok_text(set);
        to[n * 2 + 1] = tok_text(tok_str(selection));
        n++;
    }
    *out = (struct field) { .bits = (uintptr_t)to, .count = n, .name = out->name, .type = VT_SELECTIONS };
    return true;
}

// A copy of a value that may belong to a loaded layer. Single bytes of it are not looked at: types are those of samples.
static bool copy_value(const struct field *from, struct field *to)
{
    struct usd_value v = { .type = from->type, .is_array = from->flags & VF_ARRAY, .count = from->flags & VF_ARRAY ? from->count : 1 };
    struct usd_asset *assets = NULL;
    if (from->type <= USD_TYPE_BLOCK || from->type >= USD_TYPE_COUNT) {
        *to = *from;
        return from->type == USD_TYPE_BLOCK;
    }
    bool is_inline = !v.is_array && (is_text(from->type) || type_table[from->type].size <= 8);
    v.data         = is_inline ? (const void *)&from->bits : field_ptr(from);
    if (v.type == USD_TYPE_ASSET) { // fields hold names alone
        assets = malloc((v.count + 1) * sizeof(*assets));
        for (size_t i = 0; assets && i < v.count; i++)
            assets[i] = (struct usd_asset) { ((const char *const *)v.data)[i], "" };
        v.data = assets;
    }
    bool ok = (v.type != USD_TYPE_ASSET || assets) && session_value(to, &v);
    free(assets);
    return ok;
}

// One block: the head, the times, the values.
static struct samples *samples_alloc(size_t count, double **times, struct field **values)
{
    struct samples *s = calloc(1, sizeof(*s) + count * (sizeof(double) + sizeof(struct field)));
    if (!s)
        return NULL;
    *values   = (struct field *)(s + 1);
    *times    = (double *)(*values + count);
    s->times  = *times;
    s->values = *values;
    return s;
}

bool session_sample(struct field *out, const struct field *old, double time, struct field *value)
{
    const struct samples *before = old && old->type == VT_SAMPLES && !(old->flags & VF_CRATE) ? field_ptr(old) : NULL;
    size_t n                     = before ? before->count : 0;
    double *times;
    struct field *values;
    struct samples *s = samples_alloc(n + 1, &times, &values);
    if (!s)
        return false;
    *out    = (struct field) { .bits = (uintptr_t)s, .count = 1, .name = out->name, .type = VT_SAMPLES };
    bool in = !value, ok = true;
    for (size_t i = 0; i <= n && ok; i++) {
        if (!in && (i == n || before->times[i] >= time)) {
            times[s->count]    = time;
            values[s->count++] = *value;
            value->type        = USD_TYPE_NONE; // the sample owns it now
            in                 = true;
        }
        if (i == n || before->times[i] == time)
            continue;
        times[s->count] = before->times[i];
        ok              = copy_value(&before->values[i], &values[s->count]);
        s->count += ok;
    }
    if (!ok)
        session_free_value(out);
    return ok;
}

// ---------------------------------------------------------------------------------------------------------------
// Equality

static bool same_texts(const char *const *a, const char *const *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(a[i], b[i]))
            return false;
    return true;
}

static bool same_lists(const struct field *a, const struct field *b)
{
    const struct listop *x = field_ptr(a), *y = field_ptr(b);
    if (x->is_explicit != y->is_explicit)
        return false;
    for (int k = 0; k < LISTOP_KINDS; k++) {
        if (x->list[k].count != y->list[k].count)
            return false;
        const struct arc_ref *r = x->list[k].items, *q = y->list[k].items;
        for (size_t i = 0; a->type == VT_REF_LISTOP && i < x->list[k].count; i++)
            if (strcmp(r[i].asset, q[i].asset) || strcmp(r[i].path, q[i].path) || r[i].offset != q[i].offset || r[i].scale != q[i].scale)
                return false;
        if (a->type != VT_REF_LISTOP && !same_texts(x->list[k].items, y->list[k].items, x->list[k].count))
            return false;
    }
    return true;
}

static bool same_samples(const struct samples *x, const struct samples *y)
{
    if (x->count != y->count || memcmp(x->times, y->times, x->count * sizeof(double)))
        return false;
    for (size_t i = 0; i < x->count; i++)
        if (!session_same_value(&x->values[i], &y->values[i]))
            return false;
    return true;
}

bool session_same_value(const struct field *a, const struct field *b)
{
    if (!a || !b || a->type != b->type || a->flags != b->flags || a->flags & VF_CRATE)
        return false;
    bool many = a->flags & VF_ARRAY;
    if (many && a->count != b->count)
        return false;
    switch (a->type) {
    case USD_TYPE_BLOCK: return true;
    case VT_TOKEN_LISTOP:
    case VT_STRING_LISTOP:
    case VT_PATH_LISTOP:
    case VT_REF_LISTOP: return same_lists(a, b);
    case VT_SELECTIONS: return a->count == b->count && same_texts(field_ptr(a), field_ptr(b), a->count * 2u);
    case VT_SAMPLES: return same_samples(field_ptr(a), field_ptr(b));
    case VT_DICT: {
        const struct vdict_entry *x = field_ptr(a), *y = field_ptr(b);
        bool same                   = a->count == b->count;
        for (uint32_t i = 0; same && i < a->count; i++)
            same = !strcmp(x[i].key, y[i].key) && session_same_value(&x[i].value, &y[i].value);
        return same;
    }
    default: break;
    }
    if (a->type >= USD_TYPE_COUNT)
        return false;
    if (is_text(a->type))
        return many ? same_texts(field_ptr(a), field_ptr(b), a->count) : !strcmp(field_ptr(a), field_ptr(b));
    size_t size = type_table[a->type].size;
    if (!many && size <= 8)
        return a->bits == b->bits;
    return !memcmp(field_ptr(a), field_ptr(b), (many ? a->count : 1) * size);
}
