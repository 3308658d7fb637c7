#include "write_json.h"

#include <math.h>
#include <string.h>

// Bytes of the UTF-8 character at s; 0 when it is malformed, overlong, a surrogate or above U+10FFFF.
static size_t character(const unsigned char *s)
{
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t n      = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    unsigned code = n == 1 ? s[0] : n ? s[0] & (0x7fu >> n) : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) // the ending zero too
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    return n && code >= least[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n : 0;
}

void write_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = character(s);
        if (!n)
            fputs("\xef\xbf\xbd", out);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if (*s < 32)
            fprintf(out, "\\u%04x", *s);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    fputc('"', out);
}

void write_json_key(FILE *out, const char *key, bool *first)
{
    if (!*first)
        fputc(',', out);
    *first = false;
    write_json_string(out, key);
    fputc(':', out);
}

void write_json_number(FILE *out, double v, int digits)
{
    if (isfinite(v))
        fprintf(out, "%.*g", digits, v == 0 ? 0.0 : v);
    else
        write_json_string(out, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
}

static void component(FILE *out, enum usd_type type, const void *data, size_t i)
{
    switch (type) {
    case USD_TYPE_BOOL: fputs(((const uint8_t *)data)[i] ? "true" : "false", out); break;
    case USD_TYPE_UCHAR: fprintf(out, "%u", ((const uint8_t *)data)[i]); break;
    case USD_TYPE_INT: fprintf(out, "%d", ((const int32_t *)data)[i]); break;
    case USD_TYPE_UINT: fprintf(out, "%u", ((const uint32_t *)data)[i]); break;
    case USD_TYPE_INT64: fprintf(out, "%lld", (long long)((const int64_t *)data)[i]); break;
    case USD_TYPE_UINT64: fprintf(out, "%llu", (unsigned long long)((const uint64_t *)data)[i]); break;
    case USD_TYPE_HALF: write_json_number(out, usd_half_to_float(((const uint16_t *)data)[i]), 9); break;
    case USD_TYPE_FLOAT: write_json_number(out, ((const float *)data)[i], 9); break;
    default: write_json_number(out, ((const double *)data)[i], 17);
    }
}

static void tuple(FILE *out, enum usd_type type, const void *data, size_t at)
{
    size_t n     = (size_t)usd_type_components(type);
    bool quat    = type == USD_TYPE_QUATH || type == USD_TYPE_QUATF || type == USD_TYPE_QUATD;
    size_t row   = type == USD_TYPE_MATRIX2D ? 2 : type == USD_TYPE_MATRIX3D ? 3 : type == USD_TYPE_MATRIX4D ? 4 : 0;
    if (n > 1)
        fputc('[', out);
    for (size_t i = 0; i < n; i++) {
        if (i)
            fputc(',', out);
        if (row && i % row == 0)
            fputc('[', out);
        component(out, usd_type_component(type), data, at * n + (quat ? (i + 3) % 4 : i));
        if (row && i % row == row - 1)
            fputc(']', out);
    }
    if (n > 1)
        fputc(']', out);
}

void write_json_element(FILE *out, const struct usd_value *v, size_t i)
{
    if (v->type == USD_TYPE_STRING || v->type == USD_TYPE_TOKEN || v->type == USD_TYPE_PATH) {
        write_json_string(out, ((const char *const *)v->data)[i]);
    } else if (v->type == USD_TYPE_ASSET) {
        const struct usd_asset *a = (const struct usd_asset *)v->data + i;
        fputs("{\"authored\":", out);
        write_json_string(out, a->authored);
        fputs(",\"resolved\":", out);
        write_json_string(out, a->resolved);
        fputc('}', out);
    } else if (usd_type_components(v->type)) {
        tuple(out, v->type, v->data, i);
    } else {
        fputs("null", out);
    }
}

void write_json_value(FILE *out, const struct usd_value *v)
{
    if (v->type == USD_TYPE_NONE || v->type == USD_TYPE_BLOCK) {
        fputs("null", out);
    } else if (v->type == USD_TYPE_DICTIONARY) {
        const struct usd_dict_entry *e = v->data;
        bool first                     = true;
        fputc('{', out);
        for (size_t i = 0; i < v->count; i++) {
            write_json_key(out, e[i].key, &first);
            write_json_value(out, &e[i].value);
        }
        fputc('}', out);
    } else if (!v->is_array) {
        write_json_element(out, v, 0);
    } else {
        fputc('[', out);
        for (size_t i = 0; i < v->count; i++) {
            if (i)
                fputc(',', out);
            write_json_element(out, v, i);
        }
        fputc(']', out);
    }
}

void write_json_error(FILE *out, const struct usd_error *err)
{
    fprintf(out, "{\"code\":%d,\"message\":", err->code);
    write_json_string(out, err->message);
    if (*err->file) {
        fputs(",\"file\":", out);
        write_json_string(out, err->file);
    }
    if (err->line)
        fprintf(out, ",\"line\":%u,\"column\":%u", err->line, err->column);
    if (err->offset)
        fprintf(out, ",\"offset\":%llu", (unsigned long long)err->offset);
    fputc('}', out);
}
