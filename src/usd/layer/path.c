#include "path.h"

#include <string.h>

bool path_has_prefix(const char *path, const char *prefix, size_t n)
{
    if (n == 1 && *prefix == '/')
        return *path == '/';
    if (strncmp(path, prefix, n))
        return false;
    return !path[n] || path[n] == '/' || path[n] == '.' || path[n] == '[';
}

static bool name_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':' || c >= 0x80;
}

bool path_valid_identifier(const char *t, size_t n)
{
    if (!n || (t[0] >= '0' && t[0] <= '9') || t[0] == ':' || t[n - 1] == ':')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!name_byte((unsigned char)t[i]))
            return false;
    return true;
}

// Length of the identifier at t, 0 when there is none.
static size_t identifier(const char *t, const char *end)
{
    const char *s = t;
    if (s == end || !name_byte((unsigned char)*s) || *s == ':' || (*s >= '0' && *s <= '9'))
        return 0;
    while (s < end && *s != ':' && name_byte((unsigned char)*s))
        s++;
    return (size_t)(s - t);
}

// Identifiers with ':' between them.
static size_t namespaced(const char *t, const char *end)
{
    size_t n = identifier(t, end), more;
    while (n && t + n < end && t[n] == ':' && (more = identifier(t + n + 1, end)))
        n += 1 + more;
    return n;
}

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
};

static bool append(struct path_out *o, char before, const char *name, size_t size)
{
    if (o->n + size + 2 > o->capacity)
        return false;
    o->text[o->n++] = before;
    memcpy(o->text + o->n, name, size);
    o->n += size;
    return true;
}

// ".name", and behind it what targets have in brackets, which is kept as text.
static bool property(struct path_out *o, const char *t, const char *end)
{
    size_t n = namespaced(t + 1, end);
    if (!n || !o->n || !append(o, '.', t + 1, n))
        return false;
    t += 1 + n;
    if (t == end)
        return true;
    const char *close = memchr(t, ']', (size_t)(end - t));
    return *t == '[' && close && (close + 1 == end || (close[1] == '.' && close + 2 < end && namespaced(close + 2, end) == (size_t)(end - close - 2))) && append(o, '[', t + 1, (size_t)(end - t - 1));
}

size_t path_absolute(const char *anchor, const char *t, size_t size, char *out, size_t capacity)
{
    const char *end   = t + size;
    struct path_out o = { .text = out, .capacity = capacity }; // nothing in it stands for the root
    if (t == end || capacity < 2)
        return 0;
    if (*t == '/') {
        t++;
    } else {
        o.n = strlen(anchor);
        if (o.n + 2 > capacity)
            return 0;
        memcpy(out, anchor, o.n);
        if (o.n == 1)
            o.n = 0;
        if (size == 1 && *t == '.')
            t = end;
        while (end - t >= 2 && t[0] == '.' && t[1] == '.') { // only at the start
            if (!o.n)
                return 0;
            while (out[--o.n] != '/')
                ;
            t += 2;
            if (t == end)
                break;
            if (*t++ != '/' || t == end)
                return 0;
        }
    }
    bool selection = false; // a name may follow it without a slash
    while (t < end && *t != '.') {
        size_t n = identifier(t, end);
        if (!n || !append(&o, '/', t, n))
            return 0;
        t += n;
        selection = false;
        if (!(t = skip_selections(t, end, &selection)))
            return 0;
        if (t < end && *t == '/') {
            if (++t == end || *t == '.')
                return 0;
        } else if (t < end && *t != '.' && !selection) {
            return 0;
        }
    }
    if (t < end && !property(&o, t, end))
        return 0;
    if (!o.n)
        out[o.n++] = '/';
    out[o.n] = 0;
    return o.n;
}
