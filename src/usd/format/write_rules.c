// What the text format can say. Binary layers can hold names, paths and values that it cannot; writers leave those out, so that
// their text always reads back.
#include <string.h>

#include "layer.h"
#include "path.h"
#include "usda.h"
#include "write.h"

bool text_is_utf8(const char *s)
{
    const uint8_t *p = (const uint8_t *)s;
    for (size_t n; *p; p += n)
        if (!(n = utf8_sequence(p)))
            return false;
    return true;
}

bool text_is_name(const char *s) { return path_valid_identifier(s, strlen(s)) && !strchr(s, ':'); }
bool text_is_property_name(const char *s) { return path_valid_identifier(s, strlen(s)); }

// "Name", "Name::Name", with `dots` also "Name.Name"
static bool is_plain_name(const char *s, size_t size, bool dots)
{
    for (const char *end = s + size;;) {
        size_t n = strcspn(s, dots ? ".:" : ":");
        n        = n < (size_t)(end - s) ? n : (size_t)(end - s);
        if (!path_valid_identifier(s, n))
            return false;
        s += n;
        if (s == end)
            return true;
        if (*s == ':' && s[1] != ':')
            return false;
        s += *s == ':' ? 2 : 1;
    }
}

bool text_is_prim_type(const char *s)
{
    for (const char *part = s; *part; part += *part == '.') {
        size_t n = strcspn(part, ".");
        if (usda_is_keyword(part, n))
            return false;
        part += n;
    }
    return is_plain_name(s, strlen(s), true);
}

bool text_is_field_name(const char *s) { return is_plain_name(s, strlen(s), false); }

bool text_is_value_type(const char *s)
{
    size_t n = strlen(s);
    if (n > 2 && !strcmp(s + n - 2, "[]"))
        n -= 2;
    return is_plain_name(s, n, false) && !usda_is_keyword(s, n);
}

bool text_is_variant(const char *s) { return path_valid_variant(s, strlen(s)); }

bool text_is_path(const char *path, enum path_use use)
{
    size_t n = strlen(path);
    if (!n)
        return use == PATH_ARC || use == PATH_RELOCATE_TO;
    char out[4096];
    if (*path != '/' || n + 8 > sizeof(out) || strpbrk(path, "<>\n{}") || !text_is_utf8(path))
        return false;
    return path_absolute("/", path, n, out, sizeof(out)) == n && !memcmp(out, path, n) && !path_unfit(use, path, n, out);
}

bool text_is_asset(const char *s)
{
    for (const uint8_t *p = (const uint8_t *)s; *p; p++)
        if (*p < 32 || *p == 127 || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return false;
    size_t n = strlen(s);
    return text_is_utf8(s) && !(strchr(s, '@') && n && s[n - 1] == '\\');
}

bool text_fits(const char *declared, const struct usd_value *v)
{
    bool is_array;
    enum usd_type t = usd_type_from_name(declared, &is_array);
    return t == v->type && is_array == v->is_array && t != USD_TYPE_NONE;
}

bool text_metadata_fits(const char *key, unsigned where, int type, bool is_array)
{
    bool wants_array;
    int wants = usda_metadata_type(key, where, &wants_array);
    switch (wants) {
    case USDA_FIELD_NEVER: return false;
    case USDA_FIELD_UNKNOWN:
        return text_is_field_name(key)
            && (type < VT_SAMPLES || type == VT_DICT || type == VT_TOKEN_LISTOP || type == VT_STRING_LISTOP || type == VT_UNKNOWN_LISTOP
                || type == VT_UNKNOWN);
    case USDA_FIELD_WORD: return type == USD_TYPE_TOKEN && !is_array;
    case USDA_FIELD_PAIRS: return type == VT_DICT || type == USD_TYPE_DICTIONARY;
    }
    if (wants == USD_TYPE_DICTIONARY)
        return type == VT_DICT || type == USD_TYPE_DICTIONARY;
    return wants == type && wants_array == is_array;
}
