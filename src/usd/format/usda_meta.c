// Metadata of the text format: what stands in parentheses after the header, a prim, a property or a variant.
#include <stdlib.h>
#include <string.h>

#include "path.h"
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

static const struct field *keep_data(struct parser *p, const struct field *f)
{
    struct field *kept = arena_alloc(&p->l->arena, sizeof(*kept));
    if (kept)
        *kept = *f;
    else
        pa_nomem(p);
    return kept;
}

// "(offset = 1; scale = 2; customData = {})" of a reference, without customData of a sublayer or payload.
static bool layer_offset(struct parser *p, struct arc_ref *ref, bool may_have_data)
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
        if (!to && !(may_have_data && pa_word(p, "customData")))
            return pa_fail(p, p->p, "offset%s is expected", may_have_data ? ", scale or customData" : " or scale");
        if (!pa_assign(p) || !(to ? pa_real(p, to) : pa_dictionary(p, &f) && (ref->data = keep_data(p, &f))))
            return false;
        if (!pa_separator(p, ')'))
            return false;
    }
    p->p++;
    return true;
}

static bool reference_item(struct parser *p, struct arc_ref *ref, bool may_have_data)
{
    const char *at = p->p;
    *ref           = (struct arc_ref) { "", "", 0, 1, NULL };
    if (*at == '@') {
        if (!pa_asset(p, &ref->asset))
            return false;
        if (!*ref->asset)
            return pa_fail(p, at, "the asset path is empty; leave out the @@ to refer to this layer");
    }
    if (pa_next_is(p, '<') && !pa_path(p, PATH_ARC, &ref->path))
        return false;
    if (p->p == at)
        return p->status == USD_OK && pa_fail(p, at, "@asset@ or <path> is expected");
    return layer_offset(p, ref, may_have_data);
}

static bool never_empty(usd_tok name) { return name == T_variantSetNames || name == T_primOrder || name == T_propertyOrder; }

// Items of a list, or one bare item, or None (an empty list).
static bool items(struct parser *p, struct item_list *out, int type, usd_tok name)
{
    if (!pa_inline(p))
        return false;
    if (pa_word(p, "None"))
        return !never_empty(name) || pa_fail(p, p->p - 4, "a name, or a list of names, is expected");
    bool many       = *p->p == '[';
    const char *at = p->p;
    p->p += many;
    if (many && !pa_skip(p))
        return false;
    while (!many || *p->p != ']') {
        struct arc_ref item = { "", "", 0, 1, NULL };
        const char *text;
        size_t size;
        if (type == VT_REF_LISTOP) {
            if (!reference_item(p, &item, name == T_references))
                return false;
        } else if (type == VT_PATH_LISTOP) {
            if (!pa_path(p, name == T_targetPaths || name == T_connectionPaths ? PATH_TARGET : PATH_CLASS, &item.path))
                return false;
        } else {
            const char *where = p->p;
            if (!many && (name == T_apiSchemas || name == T_clipSets))
                return pa_fail(p, at, "a list in brackets is expected");
            if (!pa_string(p, &text, &size) || (name == T_variantSetNames && !pa_variant_name(p, text, size, where)))
                return false;
            item.path = tok_text(tok_make(text, size));
        }
        if (!array_push(out, item))
            return pa_nomem(p);
        if (!many)
            return true;
        if (!pa_list_next(p, ']'))
            return false;
    }
    p->p++;
    return true;
}

static bool same_item(const struct arc_ref *a, const struct arc_ref *b)
{
    return a->path == b->path && !strcmp(a->asset, b->asset) && a->offset == b->offset && a->scale == b->scale
           && a->data == b->data; // what both say is taken for different
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
    bool order            = name == T_primOrder || name == T_propertyOrder; // may say a name twice
    bool names            = type == VT_TOKEN_LISTOP || type == VT_STRING_LISTOP;
    bool ok               = items(p, &list, type, name);
    if (ok && !list.count && kind != LISTOP_EXPLICIT && !(names && *where == 'N'))
        ok = pa_fail(p, where, "an empty list, or None, cannot edit another one");
    if (ok && !list.count && never_empty(name))
        ok = pa_fail(p, where, "a list of names without any is not allowed here");
    ok = ok && (order || list.count < 2 || no_duplicates(p, &list, where)) && (op = pa_listop(p, fields, name, type)) != NULL
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
    bool ok               = pa_expect(p, '[', "to open the list of sublayers") && pa_skip(p);
    while (ok && *p->p != ']') {
        struct arc_ref item = { "", "", 0, 1, NULL };
        ok = pa_asset(p, &item.asset) && layer_offset(p, &item, false) && (array_push(&list, item) || pa_nomem(p))
             && pa_list_next(p, ']');
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

struct pair_list {
    ARRAY_OF(const char *);
};

static bool keep_pairs(struct parser *p, struct field_list *fields, struct pair_list *list, usd_tok name, int type)
{
    const char **kept = arena_alloc(&p->l->arena, list->count * sizeof(*kept) + 1);
    if (!kept)
        return pa_nomem(p);
    if (list->count)
        memcpy(kept, list->items, list->count * sizeof(*kept));
    struct field f = { (uintptr_t)kept, (uint32_t)(list->count / 2), name, (uint8_t)type, 0 };
    return fields_add(p, fields, &f);
}

static bool relocates(struct parser *p, struct field_list *fields)
{
    struct pair_list list = { 0 };
    bool ok               = pa_expect(p, '{', "to open the relocations") && pa_skip(p);
    while (ok && *p->p != '}') {
        const char *a, *b;
        ok = pa_path(p, PATH_RELOCATE, &a) && pa_inline(p) && pa_expect(p, ':', "between the paths of a relocation") && pa_inline(p)
             && pa_path(p, PATH_RELOCATE_TO, &b) && ((array_push(&list, a) && array_push(&list, b)) || pa_nomem(p)) && pa_list_next(p, '}');
    }
    p->p += ok;
    ok = ok && keep_pairs(p, fields, &list, T_relocates, VT_RELOCATES);
    array_free(&list);
    return ok;
}

bool pa_variant_name(struct parser *p, const char *text, size_t size, const char *at)
{
    return path_valid_variant(text, size) || pa_fail(p, at, "'%.*s' is not a valid name of a variant or variant set", (int)(size > 100 ? 100 : size), text);
}

static bool is_expression(const char *s) { return *s == '`' && s[1] && s[strlen(s) - 1] == '`'; }

// "variants = { string set = "selection" }". A second one adds to the first.
static bool selections(struct parser *p, struct field_list *fields)
{
    struct pair_list list   = { 0 };
    struct field dict       = { 0 };
    const struct field *old = fields_find(p, fields, T_variantSelection);
    const char *at          = p->p;
    bool ok                 = pa_dictionary(p, &dict);
    const char *const *kept = old ? field_ptr(old) : NULL;
    for (uint32_t i = 0; ok && old && i < old->count * 2; i++)
        ok = array_push(&list, kept[i]) || pa_nomem(p);
    const struct vdict_entry *e = field_ptr(&dict);
    for (uint32_t i = 0; ok && i < dict.count; i++) {
        if (e[i].value.type != USD_TYPE_STRING || e[i].value.flags & VF_ARRAY) {
            ok = pa_fail(p, at, "the selection of '%.100s' must be a string", e[i].key);
            break;
        }
        const char *selection = field_ptr(&e[i].value);
        ok                    = is_expression(selection) || pa_variant_name(p, selection, strlen(selection), at);
        if (!ok)
            break;
        selection = tok_text(tok_str(selection));
        size_t k  = 0;
        while (k < list.count && list.items[k] != e[i].key)
            k += 2;
        if (k < list.count)
            list.items[k + 1] = selection;
        else
            ok = (array_push(&list, e[i].key) && array_push(&list, selection)) || pa_nomem(p);
    }
    ok = ok && keep_pairs(p, fields, &list, T_variantSelection, VT_SELECTIONS);
    array_free(&list);
    return ok;
}

// "prefixSubstitutions = { "a": "b" }"
static bool substitutions(struct parser *p, struct field_list *fields, usd_tok name)
{
    struct {
        ARRAY_OF(struct vdict_entry);
    } list  = { 0 };
    bool ok = pa_expect(p, '{', "to open the substitutions") && pa_skip(p);
    while (ok && *p->p != '}') {
        const char *text;
        size_t size;
        struct vdict_entry e = { .value = { .count = 1, .type = USD_TYPE_STRING } };
        ok                   = pa_string(p, &text, &size) && (size || pa_fail(p, p->p, "nothing cannot be substituted"));
        e.key                = ok ? tok_text(tok_make(text, size)) : "";
        ok                   = ok && pa_inline(p) && pa_expect(p, ':', "after what is substituted") && pa_inline(p) && pa_string(p, &text, &size);
        e.value.bits         = ok ? (uintptr_t)layer_strdup(p->l, text, size) : 0;
        ok                   = ok && ((e.value.bits && array_push(&list, e)) || pa_nomem(p)) && pa_list_next(p, '}');
    }
    p->p += ok;
    struct vdict_entry *kept = ok ? arena_alloc(&p->l->arena, (list.count + 1) * sizeof(*kept)) : NULL;
    ok                       = ok && (kept || pa_nomem(p));
    if (ok) {
        if (list.count)
            memcpy(kept, list.items, list.count * sizeof(*kept));
        struct field f = { (uintptr_t)kept, (uint32_t)list.count, name, VT_DICT, 0 };
        ok             = fields_add(p, fields, &f);
    }
    array_free(&list);
    return ok;
}

// The fields whose type is known, where they belong (elsewhere they are like fields nobody knows), and the names of the text
// format that are other names in the data model.
#define L ON_LAYER
#define P ON_PRIM
#define A ON_ATTRIBUTE
#define R ON_RELATIONSHIP
static const struct known {
    const char *name;
    const char *field; // NULL = the same
    int type;
    bool is_array;
    uint8_t where;
} known_fields[] = {
    { "doc", "documentation", USD_TYPE_STRING, false, L | P | A | R },
    { "documentation", NULL, USD_TYPE_STRING, false, L | P | A | R },
    { "displayName", NULL, USD_TYPE_STRING, false, P | A | R },
    { "displayGroup", NULL, USD_TYPE_STRING, false, A | R },
    { "displayGroupOrder", NULL, USD_TYPE_STRING, true, P },
    { "owner", NULL, USD_TYPE_STRING, false, L },
    { "sessionOwner", NULL, USD_TYPE_STRING, false, L },
    { "symmetricPeer", NULL, USD_TYPE_STRING, false, P | A | R },
    { "prefix", NULL, USD_TYPE_STRING, false, P | A | R },
    { "suffix", NULL, USD_TYPE_STRING, false, P | A | R },
    { "kind", NULL, USD_TYPE_TOKEN, false, P },
    { "defaultPrim", NULL, USD_TYPE_TOKEN, false, L },
    { "upAxis", NULL, USD_TYPE_TOKEN, false, L },
    { "interpolation", NULL, USD_TYPE_TOKEN, false, A },
    { "colorSpace", NULL, USD_TYPE_TOKEN, false, A },
    { "colorManagementSystem", NULL, USD_TYPE_TOKEN, false, L },
    { "colorConfiguration", NULL, USD_TYPE_ASSET, false, L },
    { "renderType", NULL, USD_TYPE_TOKEN, false, A },
    { "bindMaterialAs", NULL, USD_TYPE_TOKEN, false, R },
    { "connectability", NULL, USD_TYPE_TOKEN, false, A },
    { "outputName", NULL, USD_TYPE_TOKEN, false, R },
    { "typeName", NULL, USD_TYPE_TOKEN, false, P },
    { "allowedTokens", NULL, USD_TYPE_TOKEN, true, A },
    { "active", NULL, USD_TYPE_BOOL, false, P },
    { "hidden", NULL, USD_TYPE_BOOL, false, P | A | R },
    { "instanceable", NULL, USD_TYPE_BOOL, false, P },
    { "noLoadHint", NULL, USD_TYPE_BOOL, false, R },
    { "hasOwnedSubLayers", NULL, USD_TYPE_BOOL, false, L },
    { "elementSize", NULL, USD_TYPE_INT, false, A },
    { "framePrecision", NULL, USD_TYPE_INT, false, L },
    { "unauthoredValuesIndex", NULL, USD_TYPE_INT, false, A },
    { "weight", NULL, USD_TYPE_FLOAT, false, A },
    { "metersPerUnit", NULL, USD_TYPE_DOUBLE, false, L },
    { "kilogramsPerUnit", NULL, USD_TYPE_DOUBLE, false, L },
    { "timeCodesPerSecond", NULL, USD_TYPE_DOUBLE, false, L },
    { "framesPerSecond", NULL, USD_TYPE_DOUBLE, false, L },
    { "startTimeCode", NULL, USD_TYPE_DOUBLE, false, L },
    { "endTimeCode", NULL, USD_TYPE_DOUBLE, false, L },
    { "startFrame", NULL, USD_TYPE_DOUBLE, false, L },
    { "endFrame", NULL, USD_TYPE_DOUBLE, false, L },
    { "customData", NULL, USD_TYPE_DICTIONARY, false, P | A | R },
    { "customLayerData", NULL, USD_TYPE_DICTIONARY, false, L },
    { "assetInfo", NULL, USD_TYPE_DICTIONARY, false, P | A | R },
    { "sdrMetadata", NULL, USD_TYPE_DICTIONARY, false, P | A },
    { "clips", NULL, USD_TYPE_DICTIONARY, false, P },
    { "symmetryArguments", NULL, USD_TYPE_DICTIONARY, false, P | A | R },
    { "expressionVariables", NULL, USD_TYPE_DICTIONARY, false, L },
    { "references", NULL, VT_REF_LISTOP, false, P },
    { "payload", NULL, VT_REF_LISTOP, false, P },
    { "inherits", "inheritPaths", VT_PATH_LISTOP, false, P },
    { "specializes", NULL, VT_PATH_LISTOP, false, P },
    { "variantSets", "variantSetNames", VT_STRING_LISTOP, false, P },
    { "apiSchemas", NULL, VT_TOKEN_LISTOP, false, P },
    { "clipSets", NULL, VT_STRING_LISTOP, false, P },
    { "variants", "variantSelection", VT_SELECTIONS, false, P },
    { "subLayers", NULL, VT_SUBLAYERS, false, L },
    { "relocates", NULL, VT_RELOCATES, false, L | P },
    // Read by functions of their own.
    { "prefixSubstitutions", NULL, 0, false, P },
    { "suffixSubstitutions", NULL, 0, false, P },
    { "permission", NULL, 0, false, P | A | R },
    { "symmetryFunction", NULL, 0, false, P | A | R },
    { "displayUnit", NULL, 0, false, A },
};

// What the data model keeps as fields that metadata cannot set.
static const struct {
    const char *name;
    uint8_t where;
} no_metadata[] = {
    { "comment", L | P | A | R }, { "primOrder", L | P }, { "primChildren", L | P }, { "subLayerOffsets", L }, { "layerRelocates", L },
    { "specifier", P }, { "inheritPaths", P }, { "propertyOrder", P }, { "variantSelection", P }, { "variantSetNames", P },
    { "variantSetChildren", P }, { "typeName", A }, { "variability", A | R }, { "connectionPaths", A }, { "connectionChildren", A },
    { "targetPaths", R }, { "targetChildren", R },
};
#undef L
#undef P
#undef A
#undef R

static const struct known *find_known(const char *name, size_t size, unsigned where)
{
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++)
        if (known_fields[i].name[0] == name[0] && !strncmp(known_fields[i].name, name, size) && !known_fields[i].name[size])
            return known_fields[i].where & where ? &known_fields[i] : NULL;
    return NULL;
}

int usda_field_type(const char *key, bool *is_array, const char **field)
{
    const struct known *k = find_known(key, strlen(key), UINT32_MAX);
    *is_array             = k && k->is_array;
    *field                = k && k->field ? k->field : key;
    return k ? k->type : USD_TYPE_NONE;
}

static bool never_metadata(const char *name, size_t size, unsigned where)
{
    for (size_t i = 0; i < sizeof(no_metadata) / sizeof(no_metadata[0]); i++)
        if (no_metadata[i].where & where && !strncmp(no_metadata[i].name, name, size) && !no_metadata[i].name[size])
            return true;
    return false;
}

int usda_metadata_type(const char *name, unsigned where, bool *is_array)
{
    *is_array = false;
    if (!strcmp(name, "comment"))
        return USD_TYPE_STRING;
    for (size_t i = 0; i < sizeof(known_fields) / sizeof(known_fields[0]); i++) {
        const struct known *k = &known_fields[i];
        if (strcmp(k->field ? k->field : k->name, name))
            continue;
        if (!(k->where & where)) { // text has another word for it, which does not belong here
            if (k->field)
                return USDA_FIELD_NEVER;
            continue;
        }
        *is_array = k->is_array;
        return k->type ? k->type : strstr(name, "Substitutions") ? USDA_FIELD_PAIRS : USDA_FIELD_WORD;
    }
    size_t n = strlen(name);
    return never_metadata(name, n, where) || usda_is_keyword(name, n) ? USDA_FIELD_NEVER : USDA_FIELD_UNKNOWN;
}

bool usda_is_keyword(const char *word, size_t size)
{
    static const char *const words[] = {
        "add", "AnimationBlock", "append", "bezier", "class", "config", "connect", "curve", "custom", "customData", "default", "def",
        "delete", "dictionary", "displayUnit", "doc", "held", "hermite", "inherits", "kind", "linear", "loop", "nameChildren", "None",
        "none", "offset", "oscillate", "over", "payload", "permission", "post", "pre", "prefixSubstitutions", "prepend", "properties",
        "references", "relocates", "rel", "reorder", "rootPrims", "repeat", "reset", "scale", "sloped", "subLayers",
        "suffixSubstitutions", "specializes", "spline", "symmetryArguments", "symmetryFunction", "timeSamples", "uniform",
        "variantSet", "variantSets", "variants", "varying",
    };
    if (word[0] < 'a' && word[0] != 'A' && word[0] != 'N') // most names of types
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i][0] == word[0] && !strncmp(words[i], word, size) && !words[i][size])
            return true;
    return false;
}

static bool is_one_of(const char *text, size_t size, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == size && !memcmp(*words, text, size))
            return true;
    return false;
}

// A word without quotes that must be one of `words`; NULL takes any, or none at all.
static bool word_field(struct parser *p, struct field_list *list, usd_tok name, const char *const *words, const char *what)
{
    const char *at = p->p, *text = "";
    size_t size = 0;
    if ((words || pa_is(*p->p, CC_NAME_START)) && !pa_identifier(p, &text, &size, false, what))
        return false;
    if (words && !is_one_of(text, size, words))
        return pa_fail(p, at, "%s is expected", what);
    struct field f = { (uintptr_t)tok_text(tok_make(text, size)), 1, name, USD_TYPE_TOKEN, 0 };
    return fields_add(p, list, &f);
}

static const char *const permissions[] = { "public", "private", NULL };
static const char *const units[] = { "mm", "cm", "dm", "m", "km", "in", "ft", "yd", "mi", "deg", "rad", "default", NULL };

bool usda_word_fits(const char *key, const char *word)
{
    size_t n = strlen(word);
    if (!strcmp(key, "permission"))
        return is_one_of(word, n, permissions);
    if (!strcmp(key, "displayUnit"))
        return is_one_of(word, n, units);
    return true;
}

bool usda_rate_fits(double rate) { return rate > 0; }

static bool special(struct parser *p, struct field_list *list, usd_tok name)
{
    switch (name) {
    case T_permission: return word_field(p, list, name, permissions, "public or private");
    case T_displayUnit: return word_field(p, list, name, units, "a unit such as cm or deg");
    case T_symmetryFunction: return word_field(p, list, name, NULL, "the name of a function");
    default: return substitutions(p, list, name);
    }
}

static bool keep_edit(struct parser *p, struct field_list *list, usd_tok name, enum listop_kind kind, const struct field *text)
{
    struct listop *op = pa_listop(p, list, name, VT_UNKNOWN_LISTOP);
    const char **kept = op ? arena_alloc(&p->l->arena, sizeof(*kept)) : NULL;
    if (!kept)
        return pa_nomem(p);
    *kept                = field_ptr(text);
    op->list[kind].items = kept;
    op->list[kind].count = 1;
    return true;
}

// A list edit of a field of a plug-in: names are a list that others compose with, anything else is kept as text.
static bool unknown_listop(struct parser *p, struct field_list *list, usd_tok name, enum listop_kind op)
{
    const char *from = p->p;
    struct field f   = { .name = name };
    if (pa_none(p, &f))
        return true;
    if (*from != '[')
        return pa_fail(p, from, "a list in brackets, or None, is expected");
    if (!pa_raw_value(p, &f))
        return false;
    const char *to = p->p, *q = from + 1;
    while (pa_is(*q, CC_SPACE))
        q++;
    if (*q == ']')
        return pa_fail(p, from, "an empty list cannot edit another one");
    if (*q != '"' && *q != '\'')
        return keep_edit(p, list, name, op, &f);
    struct usd_error *err = p->err;
    p->p                  = from;
    p->err                = NULL;
    bool ok               = pa_name_list(p, list, name, op, VT_STRING_LISTOP) && p->p == to;
    p->err                = err;
    p->p                  = to;
    if (!ok && p->status == USD_ERR_NOMEM)
        return false;
    p->status = USD_OK;
    return ok || keep_edit(p, list, name, op, &f);
}

// One "key = value" or "prepend key = value".
static bool assignment(struct parser *p, struct field_list *list, unsigned where)
{
    const char *name;
    size_t size;
    enum listop_kind op = pa_listop_word(p);
    if (op != LISTOP_EXPLICIT && !pa_gap(p))
        return false;
    if (!pa_plain_name(p, &name, &size, "a metadata name"))
        return false;
    const struct known *k = find_known(name, size, where);
    int shown             = (int)(size > 100 ? 100 : size);
    if (!k && usda_is_keyword(name, size))
        return pa_fail(p, name, "'%.*s' is not metadata of %s", shown, name,
                       where == ON_LAYER ? "a layer" : where == ON_PRIM ? "a prim" : where == ON_ATTRIBUTE ? "an attribute" : "a relationship");
    if (never_metadata(name, size, where))
        return pa_fail(p, name, "'%.*s' cannot be set as metadata", shown, name);
    if (!pa_assign(p))
        return false;
    struct field f = { .name = k && k->field ? tok_str(k->field) : tok_make(name, size) };
    switch (k ? k->type : USD_TYPE_COUNT) {
    case VT_REF_LISTOP:
    case VT_PATH_LISTOP:
    case VT_STRING_LISTOP:
    case VT_TOKEN_LISTOP: return pa_name_list(p, list, f.name, op, k->type);
    }
    if (op != LISTOP_EXPLICIT)
        return k ? pa_fail(p, name, "'%.*s' is not a list that can be edited", shown, name) : unknown_listop(p, list, f.name, op);
    switch (k ? k->type : USD_TYPE_COUNT) {
    case 0: return special(p, list, f.name);
    case VT_SUBLAYERS: return sublayers(p, list);
    case VT_SELECTIONS: return selections(p, list);
    case VT_RELOCATES: return relocates(p, list);
    }
    const char *value = p->p;
    if (k ? !pa_value(p, (enum usd_type)k->type, k->is_array, &f) : !pa_generic_value(p, &f))
        return false;
    double rate;
    memcpy(&rate, &f.bits, sizeof(rate));
    if (f.name == T_framesPerSecond && !usda_rate_fits(rate))
        return pa_fail(p, value, "framesPerSecond must be greater than 0");
    return fields_add(p, list, &f);
}

bool pa_metadata(struct parser *p, struct field_list *list, unsigned where)
{
    if (*p->p != '(')
        return p->status == USD_OK;
    p->p++;
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
            if (!assignment(p, list, where))
                return false;
        }
        if (!pa_separator(p, ')'))
            return false;
    }
    p->p++;
    return true;
}
