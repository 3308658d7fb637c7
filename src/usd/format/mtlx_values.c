// MaterialX types, values and metadata as text of the usda format.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtlx_document.h"
#include "path.h"

#define MAX_NUMBERS 65536 // of one array

static const struct mx_type {
    const char *mtlx, *usd;
    int components; // 0: text
    bool is_array;
} types[] = {
    { "float", "float", 1, false }, { "integer", "int", 1, false }, { "boolean", "bool", 1, false }, { "color3", "color3f", 3, false },
    { "color4", "color4f", 4, false }, { "vector2", "float2", 2, false }, { "vector3", "float3", 3, false }, { "vector4", "float4", 4, false },
    { "matrix33", "matrix3d", 9, false }, { "matrix44", "matrix4d", 16, false }, { "string", "string", 0, false }, { "filename", "asset", 0, false },
    { "geomname", "string", 0, false }, { "floatarray", "float[]", 1, true }, { "integerarray", "int[]", 1, true }, { "booleanarray", "bool[]", 1, true },
    { "color3array", "color3f[]", 3, true }, { "color4array", "color4f[]", 4, true }, { "vector2array", "float2[]", 2, true },
    { "vector3array", "float3[]", 3, true }, { "vector4array", "float4[]", 4, true }, { "stringarray", "string[]", 0, true },
    { "geomnamearray", "string[]", 0, true },
};

static const struct mx_type *type_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++)
        if (!strcmp(types[i].mtlx, name))
            return &types[i];
    return NULL;
}

const char *mx_usd_type(const char *type, bool *known)
{
    const struct mx_type *t = type_of(type);
    if (known)
        *known = t != NULL;
    return t ? t->usd : "token";
}

const char *mx_name(struct document *d, const char *name)
{
    if (!name || strlen(name) > 250)
        return NULL;
    const char *colon = strchr(name, ':'); // a namespace
    if (colon)
        name = mx_format(d, "%.*s__%s", (int)(colon - name), name, colon + 1);
    if (!path_valid_identifier(name, strlen(name)) || strchr(name, ':')) {
        mx_left_out(d, LEFT_NAME, d->root, "a name that is no USD identifier; the element is left out");
        return NULL;
    }
    return name;
}

static const char *inherited(const struct element *e, const char *name)
{
    for (; e; e = e->parent)
        if (mx_attr(e, name))
            return mx_attr(e, name);
    return NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Numbers

#define SEPARATORS " ,\t\n\r"

struct text {
    ARRAY_OF(char);
};
static void put(struct text *t, const char *s) { (void)array_append(t, s, strlen(s)); }

static bool number_text(const char *s, const char **end, bool is_int, bool is_bool, char out[40])
{
    if (is_bool) {
        size_t n = strcspn(s, ", \t\r\n");
        bool yes = n == 4 && !strncmp(s, "true", 4);
        if (!yes && !(n == 5 && !strncmp(s, "false", 5)))
            return false;
        snprintf(out, 40, yes ? "true" : "false");
        *end = s + n;
        return true;
    }
    char *after;
    double v = strtod(s, &after);
    if (after == s)
        return false;
    if (is_int)
        snprintf(out, 40, "%d", v >= -2147483648.0 && v <= 2147483647.0 ? (int)v : 0);
    else
        snprintf(out, 40, "%.9g", v);
    *end = after;
    return true;
}

static void put_element(struct text *t, char (*n)[40], int count)
{
    int row = count == 9 ? 3 : count == 16 ? 4 : count;
    put(t, count > 4 ? "((" : count > 1 ? "(" : "");
    for (int i = 0; i < count; i++) {
        put(t, !i ? "" : i % row ? ", " : "), (");
        put(t, n[i]);
    }
    put(t, count > 4 ? "))" : count > 1 ? ")" : "");
}

static const char *numbers(struct document *d, const char *s, const struct mx_type *ty)
{
    char n[16][40];
    struct text t = { 0 };
    int have = 0, elements = 0;
    bool is_int = !strncmp(ty->mtlx, "integer", 7), is_bool = !strncmp(ty->mtlx, "boolean", 7), ok = true;
    put(&t, ty->is_array ? "[" : "");
    while (ok) {
        s += strspn(s, SEPARATORS);
        if (!*s)
            break;
        ok = elements < (ty->is_array ? MAX_NUMBERS : 1) && number_text(s, &s, is_int, is_bool, n[have]);
        if (ok && ++have == ty->components) {
            put(&t, elements++ ? ", " : "");
            put_element(&t, n, have);
            have = 0;
        }
    }
    put(&t, ty->is_array ? "]" : "");
    const char *text = ok && !have && (elements || ty->is_array) ? arena_strndup(&d->arena, t.items, t.count) : NULL;
    array_free(&t);
    return text;
}

// "{1: a, 2: b}" from a list of values for the times from first to last; NULL when their number is another.
static const char *samples(struct document *d, const char *s, const struct mx_type *ty, int first, int last)
{
    char n[16][40];
    struct text t = { 0 };
    int have = 0, time = first;
    bool is_int = !strncmp(ty->mtlx, "integer", 7), is_bool = !strncmp(ty->mtlx, "boolean", 7), ok = true;
    for (s += strspn(s, SEPARATORS); ok && *s; s += strspn(s, SEPARATORS)) {
        ok = time <= last && number_text(s, &s, is_int, is_bool, n[have]);
        if (ok && ++have == ty->components) {
            put(&t, mx_format(d, "%s%d: ", time == first ? "{" : ", ", time));
            put_element(&t, n, have);
            have = 0;
            time++;
        }
    }
    put(&t, "}");
    const char *text = ok && !have && time == last + 1 ? arena_strndup(&d->arena, t.items, t.count) : NULL;
    array_free(&t);
    return text;
}

static const char *samples_of(struct document *d, const struct element *e)
{
    const char *range = mx_attr(e, "valuerange"), *curve = mx_attr(e, "valuecurve"), *text = NULL;
    const struct mx_type *t = type_of(mx_attr(e, "type"));
    int first, last;
    if (range && curve && t && t->components && !t->is_array && sscanf(range, "%d%*[, ]%d", &first, &last) == 2 && first < last && last - (int64_t)first < MAX_NUMBERS)
        text = samples(d, curve, t, first, last);
    if ((range || curve) && !text)
        mx_left_out(d, LEFT_CURVE, e, "a valuecurve without one value for each frame of its valuerange is left out");
    return text;
}

// ---------------------------------------------------------------------------------------------------------------
// Text

static const char *strings(struct document *d, const char *s)
{
    struct text t = { 0 };
    put(&t, "[");
    for (int i = 0; *s && i < MAX_NUMBERS; i++) {
        size_t n = strcspn(s, ","), skip = strspn(s, " \t\r\n");
        skip     = skip < n ? skip : n;
        put(&t, i ? ", " : "");
        const char *item = arena_strndup(&d->arena, s + skip, n - skip);
        put(&t, mx_quoted(d, item ? item : ""));
        s += n + (s[n] == ',');
    }
    put(&t, "]");
    const char *text = t.items ? arena_strndup(&d->arena, t.items, t.count) : NULL;
    array_free(&t);
    return text;
}

// "[name]" becomes the value of the nearest token of that name.
static const char *substitute(struct document *d, const struct element *e, const char *value)
{
    for (int i = 0; i < 16; i++) {
        const char *open = strchr(value, '['), *close = open ? strchr(open, ']') : NULL, *found = NULL;
        if (!close || close - open > 200)
            return value;
        const char *name = mx_format(d, "%.*s", (int)(close - open - 1), open + 1);
        for (; e && !found; e = e->parent) {
            const struct element *token = mx_find(d, e, "token", name);
            found                       = token ? mx_attr(token, "value") : NULL;
            if (found)
                break;
        }
        if (!found)
            return value;
        value = mx_format(d, "%.*s%s%s", (int)(open - value), value, found, close + 1);
    }
    return value;
}

const char *mx_asset(struct document *d, const char *path)
{
    for (const char *s = path; *s; s++)
        if ((unsigned char)*s < 32 || *s == '@')
            return NULL;
    return mx_format(d, "@%s@", path);
}

static const char *file_name(struct document *d, const struct element *e, const char *value)
{
    const char *prefix = inherited(e, "fileprefix");
    // Documents exist that write the prefix out in every value as well.
    if (prefix && *value != '/' && strncmp(value, prefix, strlen(prefix)))
        value = mx_format(d, "%s%s", prefix, value);
    return mx_asset(d, substitute(d, e, value));
}

static const char *value_of(struct document *d, const struct element *e)
{
    const char *value       = mx_attr(e, "value"), *type = mx_attr(e, "type");
    const struct mx_type *t = type_of(type);
    if (!value || !t)
        return NULL;
    if (t->components)
        return numbers(d, value, t);
    if (!strcmp(type, "filename"))
        return file_name(d, e, value);
    return t->is_array ? strings(d, value) : mx_quoted(d, value);
}

// Colour spaces are named where they differ from the document's, on colours and on files that hold colours.
static const char *color_space(const struct document *d, const struct element *e)
{
    const char *own = inherited(e, "colorspace"), *documents = mx_attr(d->root, "colorspace"), *type = mx_attr(e, "type");
    if (!own || !type || (documents && !strcmp(own, documents)))
        return NULL;
    const char *node = e->parent ? mx_attr(e->parent, "type") : NULL;
    bool color = !strcmp(type, "color3") || !strcmp(type, "color4");
    bool image = !strcmp(type, "filename") && node && (!strcmp(node, "color3") || !strcmp(node, "color4") || !strcmp(node, "multioutput"));
    return color || image ? own : NULL;
}

static const char *metadata_of(struct document *d, const struct element *e, bool ui)
{
    const char *space = color_space(d, e), *doc = mx_attr(e, "doc") ? mx_attr(e, "doc") : ui ? mx_attr(e, "helptext") : NULL;
    const char *folder = ui ? mx_attr(e, "uifolder") : NULL, *name = ui ? mx_attr(e, "uiname") : NULL, *choices = ui ? mx_attr(e, "enum") : NULL;
    const char *type = mx_attr(e, "type");
    bool known;
    mx_usd_type(type, &known);
    if (!space && !doc && !folder && !name && !choices && known)
        return NULL;
    struct text t = { 0 };
    const struct {
        const char *key, *value;
    } rows[] = { { "colorSpace", space }, { "doc", doc }, { "displayName", name }, { "renderType", known ? NULL : type } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].value)
            put(&t, mx_format(d, "%s = %s\n", rows[i].key, mx_quoted(d, rows[i].value)));
    if (folder) { // "a/b" is written "a:b"
        char *group = arena_strndup(&d->arena, folder, strlen(folder));
        for (char *s = group; s && *s; s++)
            *s = *s == '/' ? ':' : *s;
        put(&t, mx_format(d, "displayGroup = %s\n", mx_quoted(d, group ? group : "")));
    }
    if (choices) {
        put(&t, "allowedTokens = ");
        put(&t, strings(d, choices));
        put(&t, "\n");
    }
    const char *text = arena_strndup(&d->arena, t.items ? t.items : "", t.count);
    array_free(&t);
    return text;
}

void mx_fill(struct document *d, struct mx_property *q, const struct element *e, bool ui)
{
    if (!q->type || strcmp(q->type, mx_usd_type(mx_attr(e, "type"), NULL))) {
        mx_left_out(d, LEFT_TYPE, e, "an input that has two types keeps the first; values of the other are left out");
        return;
    }
    const char *value = value_of(d, e), *varying = samples_of(d, e), *metadata = metadata_of(d, e, ui);
    q->value    = value ? value : q->value;
    q->samples  = varying ? varying : q->samples;
    q->metadata = metadata ? metadata : q->metadata;
}

struct mx_property *mx_port(struct document *d, struct mx_prim *p, const char *prefix, const char *name, const char *type)
{
    bool known;
    const char *usd       = mx_usd_type(type, &known);
    struct mx_property *q = mx_property(d, p, mx_format(d, "%s:%s", prefix, name), usd);
    bool shader = type && strlen(type) > 6 && !strcmp(type + strlen(type) - 6, "shader");
    if (!known && type && !(shader && !strcmp(prefix, "outputs")) && !q->metadata)
        q->metadata = mx_format(d, "renderType = %s\n", mx_quoted(d, type));
    return q;
}
