#include "path.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

bool path_has_prefix(const char *path, const char *prefix, size_t n)
{
    if (n == 1 && *prefix == '/')
        return *path == '/';
    if (strncmp(path, prefix, n))
        return false;
    return !path[n] || path[n] == '/' || path[n] == '.' || path[n] == '[';
}

size_t path_name_char(const char *t, const char *end, bool first)
{
    unsigned char c = t < end ? (unsigned char)*t : 0;
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
    ucs4_t code;
    int n = u8_mbtoucr(&code, (const uint8_t *)t, (size_t)(end - t));
    return n > 0 && (first ? uc_is_property_xid_start(code) : uc_is_property_xid_continue(code)) ? (size_t)n : 0;
}

size_t path_name(const char *t, const char *end)
{
    const char *s = t;
    for (size_t n; (n = path_name_char(s, end, s == t));)
        s += n;
    return (size_t)(s - t);
}

// Identifiers with ':' between them.
static size_t namespaced(const char *t, const char *end)
{
    size_t n = path_name(t, end), more;
    while (n && t + n < end && t[n] == ':' && (more = path_name(t + n + 1, end)))
        n += 1 + more;
    return n;
}

bool path_valid_variant(const char *t, size_t size)
{
    const char *end = t + size;
    t += size && *t == '.';
    for (size_t n; t < end && (n = *t == '|' || *t == '-' ? 1 : path_name_char(t, end, false));)
        t += n;
    return t == end;
}

bool path_valid_identifier(const char *t, size_t n) { return n && namespaced(t, t + n) == n; }

// "{set=selection}", as often as it comes. NULL when one is not closed.
static const char *skip_selections(const char *t, const char *end, bool *any)
{
    while (t < end && *t == '{') {
        t = memchr(t, '}', (size_t)(end - t));
        if (!t)
            return NULL;
        t++;
        *any = true;
    }
    return t;
}

struct path_out {
    char *text;
    size_t n, capacity;
    unsigned targets; // brackets around
};
#define TARGETS_NESTED 8

static bool absolute(struct path_out *o, const char *anchor, const char *t, const char *end);

static bool append(struct path_out *o, char before, const char *name, size_t size)
{
    if (o->n + size + 2 > o->capacity)
        return false;
    o->text[o->n++] = before;
    memcpy(o->text + o->n, name, size);
    o->n += size;
    return true;
}

// The bracket that closes the one at t.
static const char *closing(const char *t, const char *end)
{
    int depth = 0;
    for (; t < end; t++)
        if ((depth += (*t == '[') - (*t == ']')) == 0)
            return t;
    return NULL;
}

// ".name", and behind it "[target]" and "[target].name", which are kept as text.
static bool property(struct path_out *o, const char *anchor, const char *t, const char *end)
{
    size_t n = namespaced(t + 1, end);
    if (!n || !o->n || !append(o, '.', t + 1, n))
        return false;
    t += 1 + n;
    if (t == end)
        return true;
    char target[1024];
    const char *close = *t == '[' && o->targets < TARGETS_NESTED ? closing(t, end) : NULL;
    struct path_out inner = { .text = target, .capacity = sizeof(target), .targets = o->targets + 1 };
    if (!close || !absolute(&inner, anchor, t + 1, close))
        return false;
    const char *name = close + 1;
    return (name == end || (*name == '.' && name + 1 < end && namespaced(name + 1, end) == (size_t)(end - name - 1)))
           && append(o, '[', t + 1, (size_t)(end - t - 1));
}

// Nothing in `o` stands for the root.
static bool absolute(struct path_out *o, const char *anchor, const char *t, const char *end)
{
    if (t == end || o->capacity < 2)
        return false;
    if (*t == '/') {
        t++;
    } else {
        o->n = strlen(anchor);
        if (o->n + 2 > o->capacity)
            return false;
        memcpy(o->text, anchor, o->n);
        if (o->n == 1)
            o->n = 0;
        if (end - t == 1 && *t == '.')
            t = end;
        while (end - t >= 2 && t[0] == '.' && t[1] == '.') { // only at the start
            if (!o->n)
                return false;
            while (o->text[--o->n] != '/')
                ;
            t += 2;
            if (t == end)
                break;
            if (*t++ != '/' || t == end)
                return false;
        }
    }
    bool selection = false; // a name may follow it without a slash
    while (t < end && *t != '.') {
        size_t n = path_name(t, end);
        if (!n || !append(o, '/', t, n))
            return false;
        t += n;
        selection = false;
        if (!(t = skip_selections(t, end, &selection)))
            return false;
        if (t < end && *t == '/') {
            if (++t == end || *t == '.')
                return false;
        } else if (t < end && *t != '.' && !selection) {
            return false;
        }
    }
    return t == end || property(o, anchor, t, end);
}

size_t path_absolute(const char *anchor, const char *t, size_t size, char *out, size_t capacity)
{
    struct path_out o = { .text = out, .capacity = capacity };
    if (!absolute(&o, anchor, t, t + size))
        return 0;
    if (!o.n)
        out[o.n++] = '/';
    out[o.n] = 0;
    return o.n;
}
