// Values as usda text.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "write.h"

#define FLUSH_AT (64u << 10)

bool out_flush(struct out *o)
{
    if (!o->failed && o->buf.count && !o->write(o->user, o->buf.items, o->buf.count))
        o->failed = true;
    array_clear(&o->buf);
    return !o->failed;
}

void out_finish(struct out *o) { array_free(&o->buf); }

static void out_bytes(struct out *o, const char *s, size_t n)
{
    if (o->failed || !n)
        return;
    if (o->pending) {
        const char *before = o->pending;
        o->pending         = NULL;
        out_bytes(o, before, strlen(before));
    }
    if (!array_append(&o->buf, s, n))
        o->failed = true;
    if (o->buf.count >= FLUSH_AT)
        out_flush(o);
}

void out_text(struct out *o, const char *s) { out_bytes(o, s, strlen(s)); }

void out_format(struct out *o, const char *format, ...)
{
    char b[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b, sizeof(b), format, args);
    va_end(args);
    if (n < (int)sizeof(b)) {
        out_bytes(o, b, n > 0 ? (size_t)n : 0);
        return;
    }
    char *big = malloc((size_t)n + 1);
    if (!big) {
        o->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(big, (size_t)n + 1, format, args);
    va_end(args);
    out_bytes(o, big, (size_t)n);
    free(big);
}

void out_open(struct out *o, const char *text)
{
    o->pending = text;
    o->indent++;
}

bool out_close(struct out *o, const char *text)
{
    bool any   = !o->pending;
    o->pending = NULL;
    o->indent--;
    if (any) {
        out_indent(o);
        out_text(o, text);
    }
    return any;
}

void out_indent(struct out *o)
{
    for (int i = 0; i < o->indent; i++)
        out_text(o, "    ");
}

void out_string(struct out *o, const char *s)
{
    bool many         = strchr(s, '\n') != NULL;
    const char *quote = many ? "\"\"\"" : "\"";
    out_text(o, quote);
    for (size_t n; *s; s += n) {
        unsigned char c = (unsigned char)*s;
        n               = utf8_sequence((const uint8_t *)s);
        if (c == '"' || c == '\\')
            out_format(o, "\\%c", c);
        else if (c == '\t')
            out_text(o, "\\t");
        else if (c == '\r')
            out_text(o, "\\r");
        else if (!n || (c < 32 && c != '\n') || c == 127) // in octal, which ends after three digits
            out_format(o, "\\%03o", c), n = 1;
        else
            out_bytes(o, s, n);
    }
    out_text(o, quote);
}

void out_asset(struct out *o, const char *s)
{
    if (!text_is_asset(s)) {
        out_string(o, s);
        return;
    }
    bool odd = strchr(s, '@') != NULL;
    out_text(o, odd ? "@@@" : "@");
    for (; *s; s++) {
        if (!strncmp(s, "@@@", 3)) {
            out_text(o, "\\@@@");
            s += 2;
        } else {
            out_bytes(o, s, 1);
        }
    }
    out_text(o, odd ? "@@@" : "@");
}

// The shortest text that reads back as the same number.
void out_number(struct out *o, double v, bool single)
{
    char b[40];
    if (isnan(v))
        return out_text(o, "nan");
    if (isinf(v))
        return out_text(o, v < 0 ? "-inf" : "inf");
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        snprintf(b, sizeof(b), "%.*g", digits, v);
        if (single ? strtof(b, NULL) == (float)v : strtod(b, NULL) == v)
            break;
    }
    if (single && strchr(b, 'e')) // written as the double of these digits would be: metadata without a type reads as double
        snprintf(b, sizeof(b), "%.15g", strtod(b, NULL));
    out_text(o, b);
}

static void component(struct out *o, enum usd_type t, const void *data, size_t i)
{
    switch (t) {
    case USD_TYPE_BOOL: out_text(o, ((const uint8_t *)data)[i] ? "true" : "false"); break;
    case USD_TYPE_UCHAR: out_format(o, "%u", ((const uint8_t *)data)[i]); break;
    case USD_TYPE_INT: out_format(o, "%d", ((const int32_t *)data)[i]); break;
    case USD_TYPE_UINT: out_format(o, "%u", ((const uint32_t *)data)[i]); break;
    case USD_TYPE_INT64: out_format(o, "%lld", (long long)((const int64_t *)data)[i]); break;
    case USD_TYPE_UINT64: out_format(o, "%llu", (unsigned long long)((const uint64_t *)data)[i]); break;
    case USD_TYPE_HALF: out_number(o, usd_half_to_float(((const uint16_t *)data)[i]), true); break;
    case USD_TYPE_FLOAT: out_number(o, ((const float *)data)[i], true); break;
    default: out_number(o, ((const double *)data)[i], false);
    }
}

void out_element(struct out *o, const struct usd_value *v, size_t i)
{
    const struct type_info *t = &type_table[v->type];
    switch (v->type) {
    case USD_TYPE_STRING:
    case USD_TYPE_TOKEN: out_string(o, ((const char *const *)v->data)[i]); return;
    case USD_TYPE_PATH: out_format(o, "<%s>", ((const char *const *)v->data)[i]); return;
    case USD_TYPE_ASSET: {
        const struct usd_asset *a = (const struct usd_asset *)v->data + i;
        out_asset(o, o->resolve_assets && *a->resolved ? a->resolved : a->authored);
        return;
    }
    default: break;
    }
    if (t->components == 1) {
        component(o, v->type, v->data, i);
        return;
    }
    bool quat = v->type == USD_TYPE_QUATH || v->type == USD_TYPE_QUATF || v->type == USD_TYPE_QUATD;
    int row   = t->rows ? t->rows : t->components;
    out_text(o, t->rows ? "( (" : "(");
    for (int k = 0; k < t->components; k++) {
        if (k)
            out_text(o, k % row ? ", " : "), (");
        component(o, t->component, v->data, i * t->components + (size_t)(quat ? (k + 3) % 4 : k));
    }
    out_text(o, t->rows ? ") )" : ")");
}

static void dictionary(struct out *o, const struct usd_value *v)
{
    const struct usd_dict_entry *e = v->data;
    out_text(o, "{\n");
    o->indent++;
    for (size_t i = 0; i < v->count; i++) {
        const struct usd_value *x = &e[i].value;
        if (x->type == USD_TYPE_NONE || x->type == USD_TYPE_BLOCK || x->type == USD_TYPE_PATH || (i && !strcmp(e[i].key, e[i - 1].key)))
            continue;
        out_indent(o);
        out_format(o, "%s%s ", x->is_expression ? "pathExpression" : usd_type_name(x->type), x->is_array ? "[]" : "");
        if (text_is_name(e[i].key))
            out_text(o, e[i].key);
        else
            out_string(o, e[i].key);
        out_text(o, " = ");
        out_value(o, &e[i].value);
        out_text(o, "\n");
    }
    o->indent--;
    out_indent(o);
    out_text(o, "}");
}

// { "a": "b" }, one pair a line
static void string_pairs(struct out *o, const struct usd_value *v)
{
    const struct usd_dict_entry *e = v->data;
    out_text(o, "{\n");
    o->indent++;
    for (size_t i = 0; i < v->count; i++) {
        out_indent(o);
        out_string(o, e[i].key);
        out_text(o, ": ");
        out_string(o, *(const char *const *)e[i].value.data);
        out_text(o, i + 1 < v->count ? ",\n" : "\n");
    }
    o->indent--;
    out_indent(o);
    out_text(o, "}");
}

// What prefixSubstitutions and the like take. Nothing cannot be substituted.
static bool all_strings(const struct usd_value *v)
{
    const struct usd_dict_entry *e = v->data;
    for (size_t i = 0; i < v->count; i++)
        if (e[i].value.type != USD_TYPE_STRING || e[i].value.is_array || !*e[i].key)
            return false;
    return v->type == USD_TYPE_DICTIONARY;
}

static bool word_fits(const char *key, const char *word)
{
    return usda_word_fits(key, word) && (!*word || text_is_name(word));
}

bool text_has_metadata(const char *key, unsigned where, const struct usd_value *v)
{
    bool is_array;
    int type = usda_metadata_type(key, where, &is_array);
    return text_metadata_fits(key, where, v->type, v->is_array) && (type != USDA_FIELD_PAIRS || all_strings(v))
           && (type != USDA_FIELD_WORD || word_fits(key, *(const char *const *)v->data))
           && (strcmp(key, "framesPerSecond") || usda_rate_fits(*(const double *)v->data));
}

void out_metadata(struct out *o, const char *key, unsigned where, const struct usd_value *v)
{
    if (!text_has_metadata(key, where, v))
        return;
    bool is_array;
    int type = usda_metadata_type(key, where, &is_array);
    out_indent(o);
    if (strcmp(key, "comment"))
        out_format(o, "%s = ", !strcmp(key, "documentation") ? "doc" : key);
    if (type == USDA_FIELD_WORD)
        out_text(o, *(const char *const *)v->data);
    else if (type == USDA_FIELD_PAIRS)
        string_pairs(o, v);
    else
        out_value(o, v);
    out_text(o, "\n");
}

void out_value(struct out *o, const struct usd_value *v)
{
    if (v->type == USD_TYPE_NONE || v->type == USD_TYPE_BLOCK) {
        out_text(o, "None");
    } else if (v->type == USD_TYPE_DICTIONARY) {
        dictionary(o, v);
    } else if (!v->is_array) {
        out_element(o, v, 0);
    } else {
        out_text(o, "[");
        for (size_t i = 0; i < v->count; i++) {
            if (i)
                out_text(o, ", ");
            out_element(o, v, i);
        }
        out_text(o, "]");
    }
}
