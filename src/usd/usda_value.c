// Values of the text format: strings, assets, paths, numbers, tuples, arrays, dictionaries, time samples.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "path.h"
#include "usda_parser.h"

#define BLOCK_FROM (32u << 10) // arrays from this size are kept in the block they were read into
#define ASSET_BYTES 65535u

static bool put_bytes(struct parser *p, const char *s, size_t n) { return array_append(&p->text, s, n) || pa_nomem(p); }

static bool put_utf8(struct parser *p, uint32_t c)
{
    char b[4];
    size_t n = 0;
    if (c < 0x80) {
        b[n++] = (char)c;
    } else {
        b[n++] = (char)(0xc0 | c >> 6);
        b[n++] = (char)(0x80 | (c & 63));
    }
    return put_bytes(p, b, n);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// One escape, p->p after the backslash.
static bool escape(struct parser *p)
{
    static const char from[] = "ntrabfv", to[] = "\n\t\r\a\b\f\v";
    char c         = *p->p++;
    const char *at = c ? strchr(from, c) : NULL;
    if (at)
        return put_bytes(p, &to[at - from], 1);
    if (c == 'x') {
        int v = 0, n = 0;
        while (n < 2 && hex_digit(*p->p) >= 0)
            v = v * 16 + hex_digit(*p->p++), n++;
        char b = (char)v;
        return put_bytes(p, &b, 1);
    }
    if (c >= '0' && c <= '7') {
        int v = c - '0', n = 1;
        while (n < 3 && *p->p >= '0' && *p->p <= '7')
            v = v * 8 + (*p->p++ - '0'), n++;
        char b = (char)v;
        return put_bytes(p, &b, 1);
    }
    if (c == 'u' && hex_digit(p->p[0]) >= 0) {
        uint32_t v = 0;
        for (int n = 0; n < 4 && hex_digit(*p->p) >= 0; n++)
            v = v * 16 + (uint32_t)hex_digit(*p->p++);
        if (v >= 0x800) {
            char b[3] = { (char)(0xe0 | v >> 12), (char)(0x80 | (v >> 6 & 63)), (char)(0x80 | (v & 63)) };
            return put_bytes(p, b, 3);
        }
        return put_utf8(p, v);
    }
    if (p->p > p->end)
        return pa_fail(p, p->end, "string is not closed");
    return put_bytes(p, &c, 1); // quotes, backslash, escaped newline and anything else stand for themselves
}

bool pa_string(struct parser *p, const char **text, size_t *size)
{
    const char *open = p->p;
    char quote       = *open;
    if (quote != '"' && quote != '\'')
        return pa_fail(p, open, "a quoted string is expected");
    bool triple = open[1] == quote && open[2] == quote;
    p->p += triple ? 3 : 1;
    // Most strings have no escape: find the end, hand out the text in place.
    const char *s = p->p;
    while (*s != quote && *s != '\\' && *s != '\n' && *s)
        s++;
    if (!triple && *s == quote) {
        *text = p->p;
        *size = (size_t)(s - p->p);
        p->p  = s + 1;
        return true;
    }
    array_clear(&p->text);
    for (;;) {
        s = p->p;
        while (*s != quote && *s != '\\' && *s != '\n' && (*s || s < p->end))
            s++;
        if (s > p->p && !put_bytes(p, p->p, (size_t)(s - p->p)))
            return false;
        p->p = s;
        if (s >= p->end)
            return pa_fail(p, open, "string is not closed");
        if (*s == '\\') {
            p->p++;
            if (!escape(p))
                return false;
        } else if (*s == '\n') {
            if (!triple)
                return pa_fail(p, s, "a string in single quotes must end on its line");
            p->p++;
            if (!put_bytes(p, "\n", 1))
                return false;
        } else if (!triple) {
            p->p++;
            break;
        } else if (s[1] == quote && s[2] == quote) {
            // The last three of a run of quotes close; those before belong to the string.
            for (; s[3] == quote; s++)
                if (!put_bytes(p, s, 1))
                    return false;
            p->p = s + 3;
            break;
        } else {
            p->p++;
            if (!put_bytes(p, s, 1))
                return false;
        }
    }
    *size = p->text.count;
    if (!put_bytes(p, "", 1))
        return false;
    *text = p->text.items;
    return true;
}

bool pa_asset(struct parser *p, const char **out)
{
    const char *open = p->p;
    if (*open != '@')
        return pa_fail(p, open, "an asset path (@...@) is expected");
    bool triple   = open[1] == '@' && open[2] == '@';
    const char *s = open + (triple ? 3 : 1), *first = s;
    array_clear(&p->text);
    for (;; s++) {
        if (s >= p->end || (!triple && *s == '\n') || (size_t)(s - first) > ASSET_BYTES)
            return pa_fail(p, open, "asset path is not closed");
        if (triple && *s == '\\' && !strncmp(s + 1, "@@@", 3)) {
            if (!put_bytes(p, "@@@", 3))
                return false;
            s += 3;
            continue;
        }
        if (*s == '@' && (!triple || (s[1] == '@' && s[2] == '@')))
            break;
        if ((uint8_t)*s < 32)
            return pa_fail(p, s, "control character in an asset path");
        if (!put_bytes(p, s, 1))
            return false;
    }
    if (triple) // "@@@a@@@@": the extra @ belongs to the path
        for (int extra = 0; extra < 2 && s[3] == '@'; extra++, s++)
            if (!put_bytes(p, "@", 1))
                return false;
    p->p = s + (triple ? 3 : 1);
    *out = layer_strdup(p->l, p->text.items ? p->text.items : "", p->text.count);
    return *out || pa_nomem(p);
}

bool pa_path(struct parser *p, const char **out)
{
    const char *open = p->p;
    if (*open != '<')
        return pa_fail(p, open, "a path (<...>) is expected");
    const char *s = open + 1;
    while (*s != '>' && *s != '\n' && s < p->end)
        s++;
    if (*s != '>')
        return pa_fail(p, open, "path is not closed");
    p->p = s + 1;
    if (s == open + 1) {
        *out = "";
        return true;
    }
    size_t room = (size_t)(s - open) + p->path.count + 8;
    if (room > LIMIT_PATH_BYTES)
        return pa_fail(p, open, "path is longer than %u bytes", LIMIT_PATH_BYTES);
    array_clear(&p->text);
    if (!array_reserve(&p->text, room))
        return pa_nomem(p);
    size_t n = path_absolute(p->path.items, open + 1, (size_t)(s - open - 1), p->text.items, room);
    if (!n)
        return pa_fail(p, open, "'%.*s' is not a valid path here", (int)(s - open - 1 > 200 ? 200 : s - open - 1), open + 1);
    *out = tok_text(tok_make(p->text.items, n));
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Numbers

static bool integer_in(struct parser *p, int64_t low, uint64_t high, int64_t *out)
{
    bool negative;
    uint64_t m;
    const char *e = number_integer(p->p, &negative, &m);
    if (!e) {
        if (pa_word(p, "true"))
            return *out = 1, true;
        if (pa_word(p, "false"))
            return *out = 0, true;
        return pa_fail(p, p->p, "an integer is expected");
    }
    uint64_t lowest = low < 0 ? (uint64_t) - (low + 1) + 1 : 0;
    if (negative ? m > lowest : m > high)
        return pa_fail(p, p->p, "integer is out of range for its type");
    *out = negative ? (int64_t)(0 - m) : (int64_t)m;
    p->p = e;
    return true;
}

static bool boolean(struct parser *p, uint8_t *out)
{
    static const struct { const char *word; uint8_t value; } words[] = {
        { "true", 1 }, { "false", 0 }, { "True", 1 }, { "False", 0 }, { "yes", 1 }, { "no", 0 }, { "on", 1 }, { "off", 0 },
    };
    if (pa_is(*p->p, CC_NAME_START)) {
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if (pa_word(p, words[i].word))
                return *out = words[i].value, true;
        return pa_fail(p, p->p, "true or false is expected");
    }
    double v;
    const char *e = number_double(p->p, &v);
    if (!e)
        return pa_fail(p, p->p, "true or false is expected");
    p->p = e;
    *out = v != 0;
    return true;
}

static inline bool real(struct parser *p, double *out)
{
    const char *e = number_double(p->p, out);
    if (!e)
        return pa_fail(p, p->p, "a number is expected");
    p->p = e;
    return true;
}

// One component of a numeric type to dst.
static inline bool component(struct parser *p, enum usd_type t, void *dst)
{
    double d;
    int64_t i;
    switch (t) {
    case USD_TYPE_FLOAT:
        if (!real(p, &d))
            return false;
        *(float *)dst = (float)d;
        return true;
    case USD_TYPE_DOUBLE:
    case USD_TYPE_TIMECODE: return real(p, dst);
    case USD_TYPE_INT:
        if (!integer_in(p, INT32_MIN, INT32_MAX, &i))
            return false;
        *(int32_t *)dst = (int32_t)i;
        return true;
    case USD_TYPE_HALF:
        if (!real(p, &d))
            return false;
        *(uint16_t *)dst = half_from_float((float)d);
        return true;
    case USD_TYPE_BOOL: return boolean(p, dst);
    case USD_TYPE_UCHAR:
        if (!integer_in(p, 0, UINT8_MAX, &i))
            return false;
        *(uint8_t *)dst = (uint8_t)i;
        return true;
    case USD_TYPE_UINT:
        if (!integer_in(p, 0, UINT32_MAX, &i))
            return false;
        *(uint32_t *)dst = (uint32_t)i;
        return true;
    case USD_TYPE_INT64: return integer_in(p, INT64_MIN, INT64_MAX, dst);
    case USD_TYPE_UINT64: return integer_in(p, 0, UINT64_MAX, dst);
    default: return pa_fail(p, p->p, "a value of this type cannot be read");
    }
}

static bool tuple(struct parser *p, enum usd_type t, int count, char *dst)
{
    size_t size = type_table[t].size;
    if (!pa_expect(p, '(', "to open a tuple"))
        return false;
    for (int i = 0; i < count; i++) {
        if (!pa_skip(p) || !component(p, t, dst + i * size) || !pa_skip(p))
            return false;
        if (i + 1 < count) {
            if (*p->p != ',')
                return pa_fail(p, p->p, "a tuple of %d numbers is expected", count);
            p->p++;
        }
    }
    if (*p->p == ',') {
        p->p++;
        if (!pa_skip(p))
            return false;
    }
    if (*p->p != ')')
        return pa_fail(p, p->p, "a tuple of %d numbers is expected", count);
    p->p++;
    return true;
}

static bool matrix(struct parser *p, int rows, double *dst)
{
    if (!pa_expect(p, '(', "to open a matrix"))
        return false;
    for (int r = 0; r < rows; r++) {
        if (!pa_skip(p) || !tuple(p, USD_TYPE_DOUBLE, rows, (char *)(dst + r * rows)) || !pa_skip(p))
            return false;
        if (*p->p == ',')
            p->p++;
        else if (r + 1 < rows)
            return pa_fail(p, p->p, "a matrix of %d rows is expected", rows);
    }
    return pa_skip(p) && pa_expect(p, ')', "to close a matrix");
}

// Text is (real, i, j, k); memory is i, j, k, real.
static bool quaternion(struct parser *p, enum usd_type comp, char *dst)
{
    size_t size = type_table[comp].size;
    char q[32];
    if (!tuple(p, comp, 4, q))
        return false;
    memcpy(dst, q + size, 3 * size);
    memcpy(dst + 3 * size, q, size);
    return true;
}

// One element in layer layout (assets are const char *).
static bool element(struct parser *p, enum usd_type t, char *dst)
{
    const struct type_info *info = &type_table[t];
    const char *text;
    size_t size;
    switch (t) {
    case USD_TYPE_STRING:
        if (!pa_string(p, &text, &size))
            return false;
        text = layer_strdup(p->l, text, size);
        if (!text)
            return pa_nomem(p);
        memcpy(dst, &text, sizeof(text));
        return true;
    case USD_TYPE_TOKEN:
        if (!pa_string(p, &text, &size))
            return false;
        text = tok_text(tok_make(text, size));
        memcpy(dst, &text, sizeof(text));
        return true;
    case USD_TYPE_ASSET:
        if (!pa_asset(p, &text))
            return false;
        memcpy(dst, &text, sizeof(text));
        return true;
    case USD_TYPE_PATH:
        if (!pa_path(p, &text))
            return false;
        memcpy(dst, &text, sizeof(text));
        return true;
    case USD_TYPE_QUATH:
    case USD_TYPE_QUATF:
    case USD_TYPE_QUATD: return quaternion(p, info->component, dst);
    case USD_TYPE_MATRIX2D:
    case USD_TYPE_MATRIX3D:
    case USD_TYPE_MATRIX4D: return matrix(p, info->rows, (double *)dst);
    default:
        if (info->components > 1)
            return tuple(p, info->component, info->components, dst);
        return component(p, t, dst);
    }
}

static size_t stored_size(enum usd_type t) { return t == USD_TYPE_ASSET ? sizeof(char *) : type_table[t].size; }

static bool grow_array(struct parser *p, size_t bytes)
{
    size_t want = p->array_capacity ? p->array_capacity * 2 : 4096;
    while (want < bytes)
        want *= 2;
    if (want > p->l->max_bytes)
        return pa_fail(p, p->p, "array needs more than max_layer_bytes");
    void *b = realloc(p->array_buf, want);
    if (!b)
        return pa_nomem(p);
    p->array_buf      = b;
    p->array_capacity = want;
    return true;
}

static bool keep_array(struct parser *p, size_t bytes, struct field *out)
{
    if (bytes < BLOCK_FROM) {
        void *copy = arena_alloc(&p->l->arena, bytes ? bytes : 1);
        if (!copy)
            return pa_nomem(p);
        if (bytes)
            memcpy(copy, p->array_buf, bytes);
        out->bits = (uintptr_t)copy;
        return true;
    }
    void *block       = realloc(p->array_buf, bytes);
    block             = block ? block : p->array_buf;
    p->array_buf      = NULL;
    p->array_capacity = 0;
    if (!layer_keep_block(p->l, block, bytes))
        return pa_nomem(p);
    out->bits = (uintptr_t)block;
    return true;
}

static bool array_value(struct parser *p, enum usd_type t, struct field *out)
{
    size_t size = stored_size(t), bytes = 0;
    const char *open = p->p;
    if (!pa_expect(p, '[', "to open an array"))
        return false;
    for (;;) {
        if (!pa_skip(p))
            return false;
        if (*p->p == ']')
            break;
        if (bytes + size > p->array_capacity && !grow_array(p, bytes + size))
            return false;
        if (!element(p, t, (char *)p->array_buf + bytes))
            return false;
        bytes += size;
        if (!pa_skip(p))
            return false;
        if (*p->p == ',')
            p->p++;
        else if (*p->p != ']')
            return pa_fail(p, p->p, "',' or ']' is expected in an array");
    }
    p->p++;
    if (bytes / size > p->limits.max_array_elements || bytes / size > UINT32_MAX)
        return pa_fail(p, open, "array has more elements than max_array_elements");
    out->type  = (uint8_t)t;
    out->flags = VF_ARRAY;
    out->count = (uint32_t)(bytes / size);
    return keep_array(p, bytes, out);
}

bool pa_value(struct parser *p, enum usd_type t, bool is_array, struct field *out)
{
    out->bits  = 0;
    out->flags = 0;
    out->count = 1;
    if (*p->p == 'N' && pa_word(p, "None")) {
        out->type = USD_TYPE_BLOCK;
        return true;
    }
    if (t == USD_TYPE_DICTIONARY)
        return pa_dictionary(p, out);
    if (t == USD_TYPE_NONE)
        return pa_fail(p, p->p, "an attribute of an unknown type cannot have a value");
    if (is_array)
        return array_value(p, t, out);
    out->type = (uint8_t)t;
    _Alignas(16) char value[128];
    if (!element(p, t, value))
        return false;
    size_t size = stored_size(t);
    if (size <= 8) {
        memcpy(&out->bits, value, size);
        return true;
    }
    void *copy = arena_alloc(&p->l->arena, size);
    if (!copy)
        return pa_nomem(p);
    memcpy(copy, value, size);
    out->bits = (uintptr_t)copy;
    return true;
}

// ---------------------------------------------------------------------------------------------------------------
// Values without a declared type: metadata this library has no entry for.

static bool generic_type(struct parser *p, const char *s, enum usd_type *t)
{
    bool negative;
    uint64_t m;
    double d;
    if (*s == '"' || *s == '\'')
        *t = USD_TYPE_STRING;
    else if (*s == '@')
        *t = USD_TYPE_ASSET;
    else if (*s == '<')
        *t = USD_TYPE_PATH;
    else if (!strncmp(s, "true", 4) || !strncmp(s, "false", 5))
        *t = USD_TYPE_BOOL;
    else if (number_integer(s, &negative, &m))
        *t = USD_TYPE_INT64;
    else if (number_double(s, &d))
        *t = USD_TYPE_DOUBLE;
    else
        return false;
    return true;
}

// Skips a balanced value of any shape; keeps nothing of it.
static bool skip_value(struct parser *p)
{
    uint32_t depth = 0;
    const char *text;
    size_t size;
    do {
        if (!pa_skip(p))
            return false;
        char c = *p->p;
        if (c == '(' || c == '[' || c == '{') {
            depth++;
            p->p++;
        } else if (c == ')' || c == ']' || c == '}') {
            if (!depth)
                return pa_fail(p, p->p, "a value is expected");
            depth--;
            p->p++;
        } else if (c == '"' || c == '\'') {
            if (!pa_string(p, &text, &size))
                return false;
        } else if (c == '@') {
            if (!pa_asset(p, &text))
                return false;
        } else if (c == '<') {
            while (*p->p != '>' && p->p < p->end)
                p->p++;
            p->p++;
        } else if (p->p >= p->end) {
            return pa_fail(p, p->p, "file ends inside a value");
        } else if (pa_is(c, CC_NAME) || c == '-' || c == '+' || c == '.') {
            while (pa_is(*p->p, CC_NAME) || *p->p == '-' || *p->p == '+' || *p->p == '.')
                p->p++;
        } else if (depth && (c == ',' || c == ':' || c == ';' || c == '=')) {
            p->p++;
        } else {
            return pa_fail(p, p->p, "a value is expected");
        }
    } while (depth);
    return true;
}

bool pa_skip_braces(struct parser *p)
{
    return *p->p == '{' ? skip_value(p) : pa_fail(p, p->p, "'{' is expected");
}

bool pa_generic_value(struct parser *p, struct field *out)
{
    const char *s = p->p;
    enum usd_type t;
    if (*s == '{') {
        // Dictionaries name a type per entry; anything else in braces (time samples, splines ...) is not kept.
        const char *q = s + 1;
        while (pa_is(*q, CC_SPACE))
            q++;
        if (*q == '}' || pa_is(*q, CC_NAME_START))
            return pa_dictionary(p, out);
    }
    if (*s == '[') {
        const char *q = s + 1;
        while (pa_is(*q, CC_SPACE))
            q++;
        if (generic_type(p, q, &t)) {
            if (t == USD_TYPE_INT64)
                for (; *q && *q != ']' && t == USD_TYPE_INT64; q++)
                    if (*q == '.' || *q == 'e')
                        t = USD_TYPE_DOUBLE;
            return pa_value(p, t, true, out);
        }
    } else if (generic_type(p, s, &t)) {
        return pa_value(p, t, false, out);
    } else if (pa_word(p, "None")) {
        *out = (struct field) { .type = USD_TYPE_BLOCK, .name = out->name };
        return true;
    } else if (pa_is(*s, CC_NAME_START)) {
        const char *text;
        size_t size;
        if (!pa_identifier(p, &text, &size, true, "value"))
            return false;
        out->type  = USD_TYPE_TOKEN;
        out->flags = 0;
        out->count = 1;
        out->bits  = (uintptr_t)tok_text(tok_make(text, size));
        return true;
    }
    out->type = VT_UNKNOWN;
    return skip_value(p);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct vdict_entry *)a)->key, ((const struct vdict_entry *)b)->key);
}

static bool dict_entry(struct parser *p, struct vdict_entry *e)
{
    const char *type_name, *key;
    size_t type_size, key_size;
    if (!pa_identifier(p, &type_name, &type_size, true, "a dictionary entry's type") || !pa_skip(p))
        return false;
    enum usd_type t = type_from_token(type_name, type_size);
    if (t == USD_TYPE_NONE)
        return pa_fail(p, type_name, "'%.*s' is not a value type", (int)(type_size > 100 ? 100 : type_size), type_name);
    bool is_array = false;
    if (p->p[0] == '[') {
        p->p++;
        if (!pa_skip(p) || !pa_expect(p, ']', "after '['") || !pa_skip(p))
            return false;
        is_array = true;
    }
    if (*p->p == '"' || *p->p == '\'') {
        if (!pa_string(p, &key, &key_size))
            return false;
    } else if (!pa_identifier(p, &key, &key_size, true, "a dictionary key")) {
        return false;
    }
    e->key = tok_text(tok_make(key, key_size));
    return pa_skip(p) && pa_expect(p, '=', "after a dictionary key") && pa_skip(p)
           && pa_value(p, t, is_array, &e->value);
}

bool pa_dictionary(struct parser *p, struct field *out)
{
    struct {
        ARRAY_OF(struct vdict_entry);
    } entries = { 0 };
    bool ok = pa_expect(p, '{', "to open a dictionary") && pa_enter(p);
    while (ok) {
        ok = pa_skip(p);
        if (!ok || *p->p == '}')
            break;
        struct vdict_entry e = { 0 };
        ok = dict_entry(p, &e) && (array_push(&entries, e) || pa_nomem(p)) && pa_separator(p, '}');
    }
    struct vdict_entry *kept = NULL;
    if (ok) {
        p->p++;
        pa_leave(p);
        if (entries.count)
            qsort(entries.items, entries.count, sizeof(*entries.items), compare_keys);
        kept = arena_alloc(&p->l->arena, (entries.count + 1) * sizeof(*kept));
        ok   = kept || pa_nomem(p);
        if (ok && entries.count)
            memcpy(kept, entries.items, entries.count * sizeof(*kept));
    }
    out->type  = VT_DICT;
    out->flags = 0;
    out->count = (uint32_t)entries.count;
    out->bits  = (uintptr_t)kept;
    array_free(&entries);
    return ok;
}

struct sample_build {
    double time;
    struct field value;
    size_t order;
};

static int compare_times(const void *a, const void *b)
{
    const struct sample_build *x = a, *y = b;
    return x->time < y->time ? -1 : x->time > y->time ? 1 : x->order < y->order ? -1 : 1;
}

bool pa_samples(struct parser *p, enum usd_type type, bool is_array, struct field *out)
{
    struct {
        ARRAY_OF(struct sample_build);
    } list  = { 0 };
    bool ok = pa_expect(p, '{', "to open time samples");
    while (ok) {
        ok = pa_skip(p);
        if (!ok || *p->p == '}')
            break;
        struct sample_build s = { .order = list.count };
        ok = real(p, &s.time) && pa_skip(p) && pa_expect(p, ':', "after a time") && pa_skip(p)
             && pa_value(p, type, is_array, &s.value) && (array_push(&list, s) || pa_nomem(p)) && pa_skip(p);
        if (ok && *p->p == ',')
            p->p++;
        else if (ok && *p->p != '}')
            ok = pa_fail(p, p->p, "',' or '}' is expected after a time sample");
    }
    if (ok) {
        p->p++;
        if (list.count)
            qsort(list.items, list.count, sizeof(*list.items), compare_times);
        struct samples *s   = arena_alloc(&p->l->arena, sizeof(*s));
        double *times       = arena_alloc(&p->l->arena, list.count * sizeof(*times) + 1);
        struct field *value = arena_alloc(&p->l->arena, list.count * sizeof(*value) + 1);
        ok                  = (s && times && value) || pa_nomem(p);
        if (ok) {
            size_t n = 0;
            for (size_t i = 0; i < list.count; i++) {
                if (i + 1 < list.count && list.items[i + 1].time == list.items[i].time)
                    continue; // the later one counts
                if (isnan(list.items[i].time))
                    continue;
                times[n]   = list.items[i].time;
                value[n++] = list.items[i].value;
            }
            *s   = (struct samples) { n, times, value };
            *out = (struct field) { .bits = (uintptr_t)s, .count = (uint32_t)n, .name = T_timeSamples, .type = VT_SAMPLES };
        }
    }
    array_free(&list);
    return ok;
}
