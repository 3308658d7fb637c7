// Values of the text format: strings, assets, paths, numbers, tuples, arrays, dictionaries, time samples.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "number.h"
#include "path.h"
#include "usda_parser.h"

#define BLOCK_FROM (32u << 10) // arrays from this size are kept in the block they were read into
#define ASSET_BYTES 65535u

static bool put_bytes(struct parser *p, const char *s, size_t n) { return array_append(&p->text, s, n) || pa_nomem(p); }

// One escape, p->p after the backslash.
static bool escape(struct parser *p)
{
    char c;
    p->p = escape_read(p->p, &c);
    return p->p > p->end ? pa_fail(p, p->end, "string is not closed") : put_bytes(p, &c, 1);
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
    while (*s != quote && *s != '\\' && *s != '\n' && *s != '\r' && *s)
        s++;
    if (!triple && *s == quote) {
        *text = p->p;
        *size = (size_t)(s - p->p);
        p->p  = s + 1;
        return pa_utf8(p, *text, s);
    }
    array_clear(&p->text);
    for (;;) {
        s = p->p;
        while (*s != quote && *s != '\\' && *s != '\n' && *s != '\r' && *s)
            s++;
        if (!*s && s < p->end)
            return pa_fail(p, s, "a zero byte is not text");
        if (s > p->p && !put_bytes(p, p->p, (size_t)(s - p->p)))
            return false;
        p->p = s;
        if (s >= p->end)
            return pa_fail(p, open, "string is not closed");
        if (*s == '\\') {
            p->p++;
            if (!triple && (*p->p == '\n' || *p->p == '\r'))
                return pa_fail(p, p->p, "a string in single quotes must end on its line");
            if (!escape(p))
                return false;
        } else if (*s == '\n' || *s == '\r') {
            if (!triple)
                return pa_fail(p, s, "a string in single quotes must end on its line");
            p->p++;
            if (!put_bytes(p, s, 1))
                return false;
        } else if (!triple) {
            p->p++;
            break;
        } else if (s[1] == quote && s[2] == quote) {
            p->p = s + 3;
            break;
        } else {
            p->p++;
            if (!put_bytes(p, s, 1))
                return false;
        }
    }
    if (!pa_utf8(p, open, p->p))
        return false;
    *size = p->text.count;
    if (!put_bytes(p, "", 1))
        return false;
    *text = p->text.items;
    return true;
}

// Control characters, also those of two bytes, have no place in an asset path.
static bool asset_byte(const char *s)
{
    const uint8_t *b = (const uint8_t *)s;
    return b[0] >= 32 && b[0] != 127 && !(b[0] == 0xc2 && b[1] >= 0x80 && b[1] < 0xa0);
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
        if (s >= p->end || *s == '\n' || *s == '\r' || (size_t)(s - first) > ASSET_BYTES)
            return pa_fail(p, open, "asset path is not closed");
        if (triple && *s == '\\' && !strncmp(s + 1, "@@@", 3)) {
            if (!put_bytes(p, "@@@", 3))
                return false;
            s += 3;
            continue;
        }
        if (*s == '@' && (!triple || (s[1] == '@' && s[2] == '@')))
            break;
        if (!asset_byte(s))
            return pa_fail(p, s, "control character in an asset path");
        if (!put_bytes(p, s, 1))
            return false;
    }
    if (triple) // "@@@a@@@@": the extra @ belongs to the path
        for (int extra = 0; extra < 2 && s[3] == '@'; extra++, s++)
            if (!put_bytes(p, "@", 1))
                return false;
    if (!pa_utf8(p, open, s))
        return false;
    p->p = s + (triple ? 3 : 1);
    *out = layer_strdup(p->l, p->text.items ? p->text.items : "", p->text.count);
    return *out || pa_nomem(p);
}

const char *path_unfit(enum path_use use, const char *text, size_t size, const char *absolute)
{
    bool variant = memchr(text, '{', size), root = absolute[1] == 0, property = strpbrk(absolute, ".[") != NULL;
    switch (use) {
    case PATH_VALUE: return NULL;
    case PATH_TARGET:
        return root || absolute[strlen(absolute) - 1] == ']' ? "a target must be a prim or a property" : variant ? "a target must not have variant selections" : NULL;
    case PATH_CLASS:
    case PATH_ARC:
        return root || property                   ? "the path of a prim is expected"
             : variant                            ? "the path of an arc must not have variant selections"
             : use == PATH_ARC && *text != '/'    ? "the path of an arc must be absolute"
                                                  : NULL;
    case PATH_RELOCATE:
    case PATH_RELOCATE_TO:
        return root || property ? "a relocation is from one prim path to another" : variant ? "a relocation must not have variant selections" : NULL;
    }
    return NULL;
}

bool pa_path(struct parser *p, enum path_use use, const char **out)
{
    const char *open = p->p;
    if (*open != '<')
        return pa_fail(p, open, "a path (<...>) is expected");
    const char *s = open + 1;
    while (*s != '>' && *s != '\n' && s < p->end)
        s++;
    if (*s != '>')
        return pa_fail(p, open, "path is not closed");
    p->p        = s + 1;
    size_t size = (size_t)(s - open - 1);
    if (!size) {
        *out = "";
        return use == PATH_VALUE || use == PATH_ARC || use == PATH_RELOCATE_TO || pa_fail(p, open, "the path is empty");
    }
    size_t room = size + p->path.count + 8;
    if (room > p->limits.max_path_bytes)
        return pa_fail(p, open, "path is longer than max_path_bytes (%u)", p->limits.max_path_bytes);
    array_clear(&p->text);
    if (!array_reserve(&p->text, room))
        return pa_nomem(p);
    size_t n = path_absolute(p->path.items, open + 1, size, p->text.items, room);
    if (!n)
        return pa_fail(p, open, "'%.*s' is not a valid path here", (int)(size > 200 ? 200 : size), open + 1);
    const char *wrong = path_unfit(use, open + 1, size, p->text.items);
    if (wrong)
        return pa_fail(p, open, "%s", wrong);
    *out = tok_text(tok_make(p->text.items, n));
    return pa_utf8(p, open, s);
}

// ---------------------------------------------------------------------------------------------------------------
// Numbers

// Integers may be written as any finite number; the part behind the point is cut off.
static bool integer_from_real(struct parser *p, double low, double beyond, int64_t *out)
{
    double d;
    const char *e = *p->p == '+' ? NULL : number_double(p->p, &d);
    if (!e || !isfinite(d))
        return pa_fail(p, p->p, "an integer is expected");
    bool low_enough = low < -1e18 ? d >= low : d > low - 1; // there is no double between -2^63 and the next lower one
    if (!low_enough || !(d < beyond))
        return pa_fail(p, p->p, "integer is out of range for its type");
    *out = d < 0 ? (int64_t)d : (int64_t)(uint64_t)d;
    p->p = e;
    return true;
}

static bool integer_in(struct parser *p, int64_t low, uint64_t high, int64_t *out)
{
    bool negative;
    uint64_t m;
    const char *e = *p->p == '+' ? NULL : number_integer(p->p, &negative, &m);
    if (!e)
        return integer_from_real(p, (double)low, (double)high + 1, out);
    uint64_t lowest = low < 0 ? (uint64_t) - (low + 1) + 1 : 0;
    if (negative && m > lowest) // as a real, which -2^63 is from a little below
        return integer_from_real(p, (double)low, (double)high + 1, out);
    if (!negative && m > high)
        return pa_fail(p, p->p, "integer is out of range for its type");
    *out = negative ? (int64_t)(0 - m) : (int64_t)m;
    p->p = e;
    return true;
}

// Numbers, and words in any case, with or without quotes.
static bool boolean(struct parser *p, uint8_t *out)
{
    static const struct { const char *word; uint8_t value; } words[] = {
        { "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 }, { "1", 1 }, { "0", 0 },
    };
    const char *at = p->p, *text = at;
    size_t size    = 0;
    if (*at == '"' || *at == '\'') {
        if (!pa_string(p, &text, &size))
            return false;
    } else if (pa_is(*at, CC_NAME_START)) {
        while (pa_is(*p->p, CC_NAME))
            p->p++;
        size = (size_t)(p->p - at);
    } else {
        double v;
        const char *e = *at == '+' ? NULL : number_double(at, &v);
        if (!e)
            return pa_fail(p, at, "true or false is expected");
        p->p = e;
        *out = v != 0;
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i].word) == size && !strncasecmp(words[i].word, text, size))
            return *out = words[i].value, true;
    if (size == 3 && (!memcmp(at, "inf", 3) || !memcmp(at, "nan", 3)))
        return *out = 1, true;
    return pa_fail(p, at, "true or false is expected");
}

static bool quoted_real(struct parser *p, double *out)
{
    const char *at = p->p, *text;
    size_t size;
    if (!pa_string(p, &text, &size))
        return false;
    if (size == 3 && !memcmp(text, "inf", 3))
        *out = INFINITY;
    else if (size == 4 && !memcmp(text, "-inf", 4))
        *out = -INFINITY;
    else if (size == 3 && !memcmp(text, "nan", 3))
        *out = NAN;
    else
        return pa_fail(p, at, "a number is expected");
    return true;
}

bool pa_real(struct parser *p, double *out)
{
    const char *e = number_double(p->p, out);
    if (!e || *p->p == '+' || (*p->p == '-' && isnan(*out)))
        return pa_fail(p, p->p, "a number is expected");
    p->p = e;
    return true;
}

static inline bool real(struct parser *p, double *out)
{
    return *p->p == '"' || *p->p == '\'' ? quoted_real(p, out) : pa_real(p, out);
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
    if (!pa_expect(p, '(', "to open a tuple") || !pa_skip(p))
        return false;
    for (int i = 0; i < count; i++) {
        if (*p->p == ')')
            return pa_fail(p, p->p, "a tuple of %d numbers is expected", count);
        if (!component(p, t, dst + i * size) || !pa_list_next(p, ')'))
            return false;
    }
    if (*p->p != ')')
        return pa_fail(p, p->p, "a tuple of %d numbers is expected", count);
    p->p++;
    return true;
}

static bool matrix(struct parser *p, int rows, double *dst)
{
    if (!pa_expect(p, '(', "to open a matrix") || !pa_skip(p))
        return false;
    for (int r = 0; r < rows; r++)
        if (!tuple(p, USD_TYPE_DOUBLE, rows, (char *)(dst + r * rows)) || !pa_list_next(p, ')'))
            return false;
    return pa_expect(p, ')', "to close a matrix");
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
        if (*p->p == '"' || *p->p == '\'') {
            if (!pa_string(p, &text, &size))
                return false;
            text = layer_strdup(p->l, text, size);
            if (!text)
                return pa_nomem(p);
        } else if (!pa_asset(p, &text)) {
            return false;
        }
        memcpy(dst, &text, sizeof(text));
        return true;
    case USD_TYPE_PATH:
        if (!pa_path(p, PATH_VALUE, &text))
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

// Elements up to the closing bracket. Lists of lists are read as one: OpenUSD takes "[[1, 2], [3, 4]]" for an array of four.
static bool array_items(struct parser *p, enum usd_type t, size_t *bytes, unsigned depth)
{
    size_t size      = stored_size(t), first = *bytes;
    const char *open = p->p;
    p->p++;
    if (depth > 8)
        return pa_fail(p, open, "lists in an array are nested too deep");
    if (!pa_skip(p))
        return false;
    while (*p->p != ']') {
        if (*p->p == '[') {
            if (!array_items(p, t, bytes, depth + 1))
                return false;
        } else {
            if (*bytes + size > p->array_capacity && !grow_array(p, *bytes + size))
                return false;
            if (!element(p, t, (char *)p->array_buf + *bytes))
                return false;
            *bytes += size;
        }
        if (!pa_list_next(p, ']'))
            return false;
    }
    p->p++;
    if (*bytes == first && memchr(open, '\n', (size_t)(p->p - open)))
        return pa_fail(p, open, "the brackets of an empty array must be on one line");
    return true;
}

static bool array_value(struct parser *p, enum usd_type t, struct field *out)
{
    size_t size = stored_size(t), bytes = 0;
    const char *open = p->p;
    if (*open != '[')
        return pa_fail(p, open, "'[' is expected to open an array");
    if (!array_items(p, t, &bytes, 0))
        return false;
    if (bytes / size > p->limits.max_array_elements || bytes / size > UINT32_MAX)
        return pa_fail(p, open, "array has more elements than max_array_elements");
    out->type  = (uint8_t)t;
    out->flags = VF_ARRAY;
    out->count = (uint32_t)(bytes / size);
    return keep_array(p, bytes, out);
}

bool pa_none(struct parser *p, struct field *out)
{
    if (*p->p != 'N' || !pa_word(p, "None"))
        return false;
    out->bits  = 0;
    out->flags = 0;
    out->count = 1;
    out->type  = USD_TYPE_BLOCK;
    return true;
}

bool pa_value(struct parser *p, enum usd_type t, bool is_array, struct field *out)
{
    out->bits  = 0;
    out->flags = 0;
    out->count = 1;
    if (t == USD_TYPE_DICTIONARY)
        return pa_dictionary(p, out);
    if (t == USD_TYPE_NONE)
        return pa_fail(p, p->p, "a value of an unknown type cannot be read");
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
        *t = negative && !m ? USD_TYPE_DOUBLE : USD_TYPE_INT64; // no integer is -0
    else if (number_double(s, &d))
        *t = USD_TYPE_DOUBLE;
    else
        return false;
    return true;
}

static bool any_list(struct parser *p);

// A number, a string, a word, an asset, or a tuple or list of such.
static bool any_value(struct parser *p)
{
    const char *at = p->p, *text;
    size_t size;
    double d;
    switch (*at) {
    case '(':
    case '[': return any_list(p);
    case '"':
    case '\'': return pa_string(p, &text, &size);
    case '@': return pa_asset(p, &text);
    }
    if (!pa_is(*at, CC_NAME_START))
        return pa_real(p, &d);
    return pa_identifier(p, &text, &size, false, "a value")
           && (!usda_is_keyword(text, size) || pa_fail(p, at, "a value is expected; '%.*s' is a keyword", (int)(size > 100 ? 100 : size), text));
}

// Tuples hold no lists, and neither may be empty.
static bool any_list(struct parser *p)
{
    char close = *p->p == '(' ? ')' : ']';
    p->p++;
    if (!pa_enter(p, &p->dictionary_depth) || !pa_skip(p))
        return false;
    do {
        if (close == ')' && *p->p == '[')
            return pa_fail(p, p->p, "a tuple cannot hold a list");
        if (!any_value(p) || !pa_list_next(p, close))
            return false;
    } while (*p->p != close);
    p->p++;
    p->dictionary_depth--;
    return true;
}

// Only a whole value may be a path, or a list of nothing.
static bool skip_value(struct parser *p)
{
    const char *at = p->p, *path;
    if (*at == '<')
        return pa_path(p, PATH_VALUE, &path);
    if (*at == '[') {
        p->p++;
        if (pa_next_is(p, ']'))
            return p->p++, true;
        p->p = at;
    }
    return p->status == USD_OK && any_value(p);
}

bool pa_keep_text(struct parser *p, const char *from, struct field *out)
{
    if (!pa_utf8(p, from, p->p))
        return false;
    const char *nul = memchr(from, 0, (size_t)(p->p - from));
    if (nul)
        return pa_fail(p, nul, "a zero byte is not text");
    const char *text = layer_strdup(p->l, from, (size_t)(p->p - from));
    *out             = (struct field) { .bits = (uintptr_t)text, .count = 1, .name = out->name, .type = VT_UNKNOWN };
    return text || pa_nomem(p);
}

bool pa_raw_value(struct parser *p, struct field *out)
{
    const char *from = p->p;
    return skip_value(p) && pa_keep_text(p, from, out);
}

// The type that the first item of a list, or a single value, would have.
static bool guess(struct parser *p, struct field *out)
{
    const char *s = p->p;
    enum usd_type t;
    if (*s == '[') {
        const char *q = s + 1;
        while (pa_is(*q, CC_SPACE))
            q++;
        if (!generic_type(p, q, &t))
            return false;
        for (; *q && *q != ']' && t == USD_TYPE_INT64; q++) {
            if (*q == '.' || *q == 'e')
                t = USD_TYPE_DOUBLE;
            else if (*q == '-' && !generic_type(p, q, &t))
                return false;
        }
        return pa_value(p, t, true, out);
    }
    if (generic_type(p, s, &t))
        return pa_value(p, t, false, out);
    const char *text;
    size_t size;
    if (!pa_is(*s, CC_NAME_START) || !pa_identifier(p, &text, &size, true, "value"))
        return false;
    *out = (struct field) { .bits = (uintptr_t)tok_text(tok_make(text, size)), .count = 1, .name = out->name, .type = USD_TYPE_TOKEN };
    return true;
}

bool pa_generic_value(struct parser *p, struct field *out)
{
    const char *from = p->p;
    if (*from == '{')
        return pa_dictionary(p, out);
    struct field raw = { .name = out->name };
    if (pa_none(p, out))
        return true;
    if (!pa_raw_value(p, &raw))
        return false;
    // What reads as a value of one type is one; anything else stays text.
    const char *to        = p->p;
    struct usd_error *err = p->err;
    p->p                  = from;
    p->err                = NULL;
    bool ok               = guess(p, out) && p->p == to;
    p->err                = err;
    if (!ok) {
        if (p->status == USD_ERR_NOMEM)
            return error_set(err, USD_ERR_NOMEM, p->l->identifier, "%s: out of memory", p->l->identifier), false;
        p->status = USD_OK;
        p->p      = to;
        *out      = raw;
    }
    return true;
}

struct keyed_entry {
    const char *key;
    size_t order;
    struct vdict_entry e;
};

static int compare_keys(const void *a, const void *b)
{
    const struct keyed_entry *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : x->order < y->order ? -1 : 1;
}

static bool dict_entry(struct parser *p, struct vdict_entry *e)
{
    const char *type_name, *key;
    size_t type_size, key_size;
    if (!pa_identifier(p, &type_name, &type_size, true, "a dictionary entry's type"))
        return false;
    enum usd_type t = type_from_token(type_name, type_size);
    if (t == USD_TYPE_NONE)
        return pa_fail(p, type_name, "'%.*s' is not a value type", (int)(type_size > 100 ? 100 : type_size), type_name);
    bool is_array = false;
    if (pa_next_is(p, '[')) {
        p->p++;
        if (!pa_inline(p) || !pa_expect(p, ']', "after '['"))
            return false;
        is_array = true;
    }
    if (!pa_gap(p))
        return false;
    if (*p->p == '"' || *p->p == '\'') {
        if (!pa_string(p, &key, &key_size))
            return false;
    } else if (!pa_identifier(p, &key, &key_size, false, "a dictionary key")) {
        return false;
    }
    e->key = tok_text(tok_make(key, key_size));
    if (t == USD_TYPE_DICTIONARY && is_array)
        return pa_fail(p, type_name, "a dictionary cannot hold arrays of dictionaries");
    if (!pa_assign(p) || !pa_value(p, t, is_array, &e->value))
        return false;
    if (type_size == strlen("pathExpression") && !memcmp(type_name, "pathExpression", type_size))
        e->value.flags |= VF_EXPRESSION;
    return true;
}

bool pa_dictionary(struct parser *p, struct field *out)
{
    struct {
        ARRAY_OF(struct keyed_entry);
    } entries = { 0 };
    bool ok = pa_expect(p, '{', "to open a dictionary") && pa_enter(p, &p->dictionary_depth);
    while (ok) {
        ok = pa_skip(p);
        if (!ok || *p->p == '}')
            break;
        struct keyed_entry k = { .order = entries.count };
        ok = dict_entry(p, &k.e) && (k.key = k.e.key, array_push(&entries, k) || pa_nomem(p)) && pa_separator(p, '}');
    }
    struct vdict_entry *kept = NULL;
    if (ok) {
        p->p++;
        p->dictionary_depth--;
        if (entries.count)
            qsort(entries.items, entries.count, sizeof(*entries.items), compare_keys);
        kept = arena_alloc(&p->l->arena, (entries.count + 1) * sizeof(*kept));
        ok   = kept || pa_nomem(p);
        size_t n = 0;
        for (size_t i = 0; ok && i < entries.count; i++) { // of one key the last entry counts
            if (i + 1 < entries.count && !strcmp(entries.items[i].key, entries.items[i + 1].key))
                continue;
            kept[n++] = entries.items[i].e;
        }
        entries.count = n;
    }
    out->type  = VT_DICT;
    out->flags = 0;
    out->count = (uint32_t)entries.count;
    out->bits  = (uintptr_t)kept;
    array_free(&entries);
    return ok;
}

bool pa_declared_value(struct parser *p, enum usd_type t, bool is_array, usd_tok type, struct field *out)
{
    if (pa_none(p, out))
        return true;
    if (t != USD_TYPE_NONE)
        return is_array && pa_word(p, "edit") ? pa_array_edit(p, t, out) : pa_value(p, t, is_array, out);
    if (type == T_opaque || type == T_group)
        return pa_fail(p, p->p, "an attribute of type %s cannot have a value", tok_text(type));
    return pa_raw_value(p, out);
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

bool pa_samples(struct parser *p, enum usd_type type, bool is_array, usd_tok type_name, struct field *out)
{
    struct {
        ARRAY_OF(struct sample_build);
    } list  = { 0 };
    bool ok = pa_expect(p, '{', "to open time samples") && pa_skip(p);
    while (ok && *p->p != '}') {
        struct sample_build s = { .order = list.count };
        ok = pa_real(p, &s.time) && pa_inline(p) && pa_expect(p, ':', "after a time") && pa_inline(p)
             && pa_declared_value(p, type, is_array, type_name, &s.value) && (array_push(&list, s) || pa_nomem(p)) && pa_list_next(p, '}');
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
