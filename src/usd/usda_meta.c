// Metadata of the text format: what stands in parentheses after the header, a prim, a property or a variant.
#include <stdlib.h>
#include <string.h>

#include "usda_parser.h"

static struct field *at(struct parser *p, const struct field_list *list, uint32_t i)
{
    return &p->fields.items[list->first + i];
}

struct field *fields_find(struct parser *p, const struct field_list *list, usd_tok name)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (at(p, list, i)->name == name)
            return at(p, list, i);
    return NULL;
}

bool fields_add(struct parser *p, struct field_list *list, const struct field *f)
{
    struct field *old = fields_find(p, list, f->name);
    if (old) {
        *old = *f;
        return true;
    }
    p->l->has_clips |= f->name == T_clips;
    if (list->count >= LIMIT_SPEC_FIELDS)
        return pa_fail(p, p->p, "more than %u fields on one spec", LIMIT_SPEC_FIELDS);
    if (!list->count)
        list->first = (uint32_t)p->fields.count;
    if (list->first + list->count != p->fields.count) { // not on top: move there
        uint32_t top = (uint32_t)p->fields.count;
        if (!array_reserve(&p->fields, p->fields.count + list->count))
            return pa_nomem(p);
        memcpy(p->fields.items + top, p->fields.items + list->first, list->count * sizeof(struct field));
        p->fields.count += list->count;
        list->first = top;
    }
    if (!array_push(&p->fields, *f))
        return pa_nomem(p);
    list->count++;
    return true;
}

struct listop *pa_listop(struct parser *p, struct field_list *list, usd_tok name, int type)
{
    struct field *f = fields_find(p, list, name);
    if (f && f->type == type)
        return (struct listop *)field_ptr(f);
    struct listop *op = arena_alloc(&p->l->arena, sizeof(*op));
    if (!op) {
        pa_nomem(p);
        return NULL;
    }
    struct field fresh = { .bits = (uintptr_t)op, .count = 1, .name = name, .type = (uint8_t)type };
    return fields_add(p, list, &fresh) ? op : NULL;
}

enum listop_kind pa_listop_word(struct parser *p)
{
    static const struct {
        const char *word;
        enum listop_kind kind;
    } words[] = {
        { "prepend", LISTOP_PREPEND }, { "append", LISTOP_APPEND },   { "delete", LISTOP_DELETE },
        { "add", LISTOP_ADD },         { "reorder", LISTOP_REORDER },
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (*p->p == words[i].word[0] && pa_word(p, words[i].word))
            return words[i].kind;
    return LISTOP_EXPLICIT;
}

struct item_list {
    ARRAY_OF(struct arc_ref);
};

// "(offset = 1; scale = 2; customData = {})" of a reference or a sublayer.
static bool layer_offset(struct parser *p, struct arc_ref *ref)
{
    if (!pa_next_is(p, '('))
        return p->status == USD_OK;
    p->p++;
    for (;;) {
        if (!pa_skip(p))
            return false;
        if (*p->p == ')')
            break;
        double *to = pa_word(p, "offset") ? &ref->offset : pa_word(p, "scale") ? &ref->scale : NULL;
        struct field f = { 0 };
        if (!to && !pa_word(p, "customData"))
            return pa_fail(p, p->p, "offset, scale or customData is expected");
        if (!pa_skip(p) || !pa_expect(p, '=', "after the name") || !pa_skip(p))
            return false;
        if (!to ? !pa_dictionary(p, &f) : !pa_value(p, USD_TYPE_DOUBLE, false, &f))
            return false;
        if (to && f.type == USD_TYPE_DOUBLE)
            memcpy(to, &f.bits, 8);
        if (!pa_separator(p, ')'))
            return false;
    }
    p->p++;
    return true;
}

static bool reference_item(struct parser *p, struct arc_ref *ref)
{
    *ref = (struct arc_ref) { "", "", 0, 1 };
    if (*p->p == '@' && !pa_asset(p, &ref->asset))
        return false;
    if (pa_next_is(p, '<') && !pa_path(p, &ref->path))
        return false;
    return layer_offset(p, ref);
}

// Items of a list, or one bare item, or None (an empty list).
static bool items(struct parser *p, struct item_list *out, int type)
{
    if (!pa_skip(p))
        return false;
    if (pa_word(p, "None"))
        return true;
    bool many = *p->p == '[';
    p->p += many;
    for (;;) {
        if (!pa_skip(p))
            return false;
        if (many && *p->p == ']')
            break;
        struct arc_ref item = { "", "", 0, 1 };
        const char *text;
        size_t size;
        if (type == VT_REF_LISTOP) {
            const char *start = p->p;
            if (!reference_item(p, &item))
                return false;
            if (p->p == start)
                return pa_fail(p, start, "@asset@ or <path> is expected");
        } else if (type == VT_PATH_LISTOP) {
            if (!pa_path(p, &item.path))
                return false;
        } else {
            if (!pa_string(p, &text, &size))
                return false;
            item.path = tok_text(tok_make(text, size));
        }
        if (!array_push(out, item))
            return pa_nomem(p);
        if (!many)
            return true;
        if (!pa_skip(p))
            return false;
        if (*p->p == ',')
            p->p++;
        else if (*p->p != ']')
            return pa_fail(p, p->p, "',' or ']' is expected in a list");
    }
    p->p++;
    return true;
}

static bool same_item(const struct arc_ref *a, const struct arc_ref *b)
{
    return a->path == b->path && !strcmp(a->asset, b->asset) && a->offset == b->offset && a->scale == b->scale;
}

// A list must not name one thing twice (as in OpenUSD). Long lists go through a map.
static bool no_duplicates(struct parser *p, const struct item_list *list, const char *where)
{
    struct hash_map seen = { 0 };
    bool ok              = true;
    for (size_t i = 0; i < list->count && ok; i++) {
        uint64_t key = hash_u64((uintptr_t)list->items[i].path ^ hash_bytes(list->items[i].asset, strlen(list->items[i].asset)));
        uint64_t *at = hash_map_get(&seen, key);
        if (at && same_item(&list->items[*at], &list->items[i]))
            ok = pa_fail(p, where, "the list has the same item twice");
        else if (!at)
            ok = hash_map_put(&seen, key, i) || pa_nomem(p);
    }
    hash_map_finish(&seen);
    return ok;
}

static bool store_items(struct parser *p, const struct item_list *list, struct listop *op, enum listop_kind kind, int type)
{
    size_t size = type == VT_REF_LISTOP ? sizeof(struct arc_ref) : sizeof(char *);
    void *kept  = arena_alloc(&p->l->arena, list->count * size + 1);
    if (!kept)
        return pa_nomem(p);
    for (size_t i = 0; i < list->count; i++) {
        if (type == VT_REF_LISTOP)
            ((struct arc_ref *)kept)[i] = list->items[i];
        else
            ((const char **)kept)[i] = list->items[i].path;
    }
    // A list is either written out whole or edits what weaker opinions say: the later statement decides.
    if ((kind == LISTOP_EXPLICIT) != op->is_explicit) {
        memset(op, 0, sizeof(*op));
        op->is_explicit = kind == LISTOP_EXPLICIT;
    }
    op->list[kind].items = kept;
    op->list[kind].count = list->count;
    return true;
}

bool pa_name_list(struct parser *p, struct field_list *fields, usd_tok name, enum listop_kind kind, int type)
{
    struct item_list list = { 0 };
    struct listop *op     = NULL;
    const char *where     = p->p;
    bool ok               = items(p, &list, type) && (list.count < 2 || no_duplicates(p, &list, where)) && (op = pa_listop(p, fields, name, type)) != NULL
              && store_items(p, &list, op, kind, type);
    array_free(&list);
    return ok;
}

bool pa_path_list(struct parser *p, struct field_list *fields, usd_tok name, enum listop_kind kind)
{
    return pa_name_list(p, fields, name, kind, VT_PATH_LISTOP);
}

static bool sublayers(struct parser *p, struct field_list *fields)
{
    struct item_list list = { 0 };
    bool ok               = pa_skip(p) && pa_expect(p, '[', "to open the list of sublayers");
    while (ok) {
        ok = pa_skip(p);
        if (!ok || *p->p == ']')
            break;
        struct arc_ref item = { "", "", 0, 1 };
        ok = pa_asset(p, &item.asset) && layer_offset(p, &item) && (array_push(&list, item) || pa_nomem(p)) && pa_skip(p);
        if (ok && *p->p == ',')
            p->p++;
        else if (ok && *p->p != ']')
            ok = pa_fail(p, p->p, "',' or ']' is expected in the list of sublayers");
    }
    if (ok) {
        p->p++;
        struct arc_ref *kept = arena_alloc(&p->l->arena, (list.count + 1) * sizeof(*kept));
        ok                   = kept || pa_nomem(p);
        if (ok) {
            if (list.count)
                memcpy(kept, list.items, list.count * sizeof(*kept));
            struct field f = { (uintptr_t)kept, (uint32_t)list.count, T_subLayers, VT_SUBLAYERS, 0 };
            ok             = fields_add(p, fields, &f);
        }
    }
    array_free(&list);
    return ok;
}

static bool pairs(struct parser *p, struct field_list *fields, usd_tok name, int type)
{
    struct {
        ARRAY_OF(const char *);
    } list  = { 0 };
    bool ok = pa_skip(p) && pa_expect(p, '{', "to open the list");
    while (ok) {
        ok = pa_skip(p);
        if (!ok || *p->p == '}')
            break;
        const char *a = NULL, *b = NULL, *text;
        size_t size;
        if (type == VT_RELOCATES) {
            ok = pa_path(p, &a) && pa_skip(p) && pa_expect(p, ':', "between the paths of a relocation") && pa_skip(p)
                 && pa_path(p, &b) && pa_skip(p);
            if (ok && *p->p == ',')
                p->p++;
        } else {
            ok = pa_word(p, "string") || pa_fail(p, p->p, "'string' is expected");
            ok = ok && pa_skip(p);
            if (ok && (*p->p == '"' || *p->p == '\''))
                ok = pa_string(p, &text, &size);
            else
                ok = ok && pa_identifier(p, &text, &size, true, "the name of a variant set");
            if (ok)
                a = tok_text(tok_make(text, size));
            ok = ok && pa_skip(p) && pa_expect(p, '=', "after the name of a variant set") && pa_skip(p)
                 && pa_string(p, &text, &size);
            if (ok)
                b = tok_text(tok_make(text, size));
            ok = ok && pa_separator(p, '}');
        }
        ok = ok && ((array_push(&list, a) && array_push(&list, b)) || pa_nomem(p));
    }
    if (ok) {
        p->p++;
        const char **kept = arena_alloc(&p->l->arena, list.count * sizeof(*kept) + 1);
        ok                = kept || pa_nomem(p);
        if (ok) {
            if (list.count)
                memcpy(kept, list.items, list.count * sizeof(*kept));
            struct field f = { (uintptr_t)kept, (uint32_t)(list.count / 2), name, (uint8_t)type, 0 };
            ok             = fields_add(p, fields, &f);
        }
    }
    array_free(&list);
    return ok;
}

// Names of the text format that are other names in the data model, and the types of the known fields.
static const struct known {
    const char *name;
    const char *field; // NULL = the same
    int type;
    bool is_array;
} known_fields[] = {
    { "doc", "documentation", USD_TYPE_STRING, false },
    { "documentation", NULL, USD_TYPE_STRING, false },
    { "comment", NULL, USD_TYPE_STRING, false },
    { "displayName", NULL, USD_TYPE_STRING, false },
    { "displayGroup", NULL, USD_TYPE_STRING, false },
    { "displayGroupOrder", NULL, USD_TYPE_STRING, true },
    { "owner", NULL, USD_TYPE_STRING, false },
    { "sessionOwner", NULL, USD_TYPE_STRING, false },
    { "symmetricPeer", NULL, USD_TYPE_STRING, false },
    { "prefix", NULL, USD_TYPE_STRING, false },
    { "suffix", NULL, USD_TYPE_STRING, false },
    { "kind", NULL, USD_TYPE_TOKEN, false },
    { "defaultPrim", NULL, USD_TYPE_TOKEN, false },
    { "upAxis", NULL, USD_TYPE_TOKEN, false },
    { "interpolation", NULL, USD_TYPE_TOKEN, false },
    { "colorSpace", NULL, USD_TYPE_TOKEN, false },
    { "colorManagementSystem", NULL, USD_TYPE_TOKEN, false },
    { "colorConfiguration", NULL, USD_TYPE_ASSET, false },
    { "renderType", NULL, USD_TYPE_TOKEN, false },
    { "bindMaterialAs", NULL, USD_TYPE_TOKEN, false },
    { "connectability", NULL, USD_TYPE_TOKEN, false },
    { "outputName", NULL, USD_TYPE_TOKEN, false },
    { "typeName", NULL, USD_TYPE_TOKEN, false },
    { "allowedTokens", NULL, USD_TYPE_TOKEN, true },
    { "active", NULL, USD_TYPE_BOOL, false },
    { "hidden", NULL, USD_TYPE_BOOL, false },
    { "instanceable", NULL, USD_TYPE_BOOL, false },
    { "noLoadHint", NULL, USD_TYPE_BOOL, false },
    { "hasOwnedSubLayers", NULL, USD_TYPE_BOOL, false },
    { "elementSize", NULL, USD_TYPE_INT, false },
    { "arraySize", NULL, USD_TYPE_INT, false },
    { "framePrecision", NULL, USD_TYPE_INT, false },
    { "unauthoredValuesIndex", NULL, USD_TYPE_INT, false },
    { "weight", NULL, USD_TYPE_FLOAT, false },
    { "metersPerUnit", NULL, USD_TYPE_DOUBLE, false },
    { "kilogramsPerUnit", NULL, USD_TYPE_DOUBLE, false },
    { "timeCodesPerSecond", NULL, USD_TYPE_DOUBLE, false },
    { "framesPerSecond", NULL, USD_TYPE_DOUBLE, false },
    { "startTimeCode", NULL, USD_TYPE_DOUBLE, false },
    { "endTimeCode", NULL, USD_TYPE_DOUBLE, false },
    { "startFrame", NULL, USD_TYPE_DOUBLE, false },
    { "endFrame", NULL, USD_TYPE_DOUBLE, false },
    { "customData", NULL, USD_TYPE_DICTIONARY, false },
    { "customLayerData", NULL, USD_TYPE_DICTIONARY, false },
    { "assetInfo", NULL, USD_TYPE_DICTIONARY, false },
    { "sdrMetadata", NULL, USD_TYPE_DICTIONARY, false },
    { "clips", NULL, USD_TYPE_DICTIONARY, false },
    { "symmetryArguments", NULL, USD_TYPE_DICTIONARY, false },
    { "expressionVariables", NULL, USD_TYPE_DICTIONARY, false },
    { "references", NULL, VT_REF_LISTOP, false },
    { "payload", NULL, VT_REF_LISTOP, false },
    { "inherits", "inheritPaths", VT_PATH_LISTOP, false },
    { "specializes", NULL, VT_PATH_LISTOP, false },
    { "variantSets", "variantSetNames", VT_STRING_LISTOP, false },
    { "apiSchemas", NULL, VT_TOKEN_LISTOP, false },
    { "clipSets", NULL, VT_STRING_LISTOP, false },
    { "variants", "variantSelection", VT_SELECTIONS, false },
    { "subLayers", NULL, VT_SUBLAYERS, false },
    { "relocates", NULL, VT_RELOCATES, false },
};

static const struct known *find_known(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++)
        if (known_fields[i].name[0] == name[0] && !strncmp(known_fields[i].name, name, size) && !known_fields[i].name[size])
            return &known_fields[i];
    return NULL;
}

// One "key = value" or "prepend key = value".
static bool assignment(struct parser *p, struct field_list *list)
{
    const char *word = p->p, *name;
    size_t size;
    enum listop_kind op = pa_listop_word(p);
    if (op != LISTOP_EXPLICIT && (!pa_skip(p) || *p->p == '=')) { // a field that is named like a list operation
        p->p = word;
        op   = LISTOP_EXPLICIT;
    }
    if (!pa_identifier(p, &name, &size, true, "a metadata name") || !pa_skip(p))
        return false;
    if (!pa_expect(p, '=', "after a metadata name") || !pa_skip(p))
        return false;
    const struct known *k = find_known(name, size);
    struct field f        = { .name = k && k->field ? tok_str(k->field) : tok_make(name, size) };
    switch (k ? k->type : 0) {
    case VT_REF_LISTOP:
    case VT_PATH_LISTOP:
    case VT_STRING_LISTOP:
    case VT_TOKEN_LISTOP: return pa_name_list(p, list, f.name, op, k->type);
    case VT_SUBLAYERS: return sublayers(p, list);
    case VT_SELECTIONS:
    case VT_RELOCATES: return pairs(p, list, f.name, k->type);
    }
    if (op != LISTOP_EXPLICIT) { // list operation on a field of a plug-in: only lists of names are kept
        const char *q = p->p + (*p->p == '[');
        while (pa_is(*q, CC_SPACE))
            q++;
        if (*q == '"' || *q == '\'')
            return pa_name_list(p, list, f.name, op, VT_STRING_LISTOP);
        return pa_generic_value(p, &f);
    }
    if (k ? !pa_value(p, (enum usd_type)k->type, k->is_array, &f) : !pa_generic_value(p, &f))
        return false;
    return f.type == VT_UNKNOWN || fields_add(p, list, &f);
}

bool pa_metadata(struct parser *p, struct field_list *list)
{
    if (!pa_skip(p) || *p->p != '(')
        return p->status == USD_OK;
    p->p++;
    if (!pa_enter(p))
        return false;
    for (;;) {
        if (!pa_skip(p))
            return false;
        char c = *p->p;
        if (c == ')')
            break;
        if (c == '"' || c == '\'') { // a bare string is the comment
            const char *text;
            size_t size;
            if (!pa_string(p, &text, &size))
                return false;
            struct field f = { .count = 1, .name = T_comment, .type = USD_TYPE_STRING };
            f.bits         = (uintptr_t)layer_strdup(p->l, text, size);
            if (!f.bits)
                return pa_nomem(p);
            if (!fields_add(p, list, &f))
                return false;
        } else {
            // "permission = private", "symmetryFunction = f": words without quotes reach the generic reader
            if (!assignment(p, list))
                return false;
        }
        if (!pa_separator(p, ')'))
            return false;
    }
    p->p++;
    pa_leave(p);
    return true;
}
