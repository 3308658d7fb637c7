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

size_t path_absolute(const char *anchor, const char *t, size_t size, char *out, size_t capacity)
{
    size_t n = 0; // bytes in out; "" stands for the root while building
    const char *end = t + size;
    if (t == end)
        return 0;
    if (*t != '/') {
        n = strlen(anchor);
        if (n + 2 > capacity)
            return 0;
        memcpy(out, anchor, n);
        if (n == 1)
            n = 0; // the root
        if (t[0] == '.' && size == 1)
            t = end;
    } else {
        t++;
    }
    bool property = false;
    while (t < end) {
        if (*t == '{') { // a variant selection
            while (t < end && *t != '}')
                t++;
            if (t == end)
                return 0;
            t++;
            if (t < end && *t == '/')
                t++;
            continue;
        }
        if (end - t >= 2 && t[0] == '.' && t[1] == '.' && (end - t == 2 || t[2] == '/' || t[2] == '.')) {
            if (!n || property)
                return 0;
            while (out[n - 1] != '/')
                n--;
            n--;
            t += 2;
            if (t < end && *t == '/')
                t++;
            continue;
        }
        if (end - t >= 2 && t[0] == '.' && t[1] == '/') {
            t += 2;
            continue;
        }
        bool dot = *t == '.';
        if (dot && (property || !n))
            return 0;
        property |= dot;
        t += dot;
        const char *name = t;
        while (t < end && name_byte((unsigned char)*t))
            t++;
        if (t == name)
            return 0;
        if (n + 2 + (size_t)(t - name) > capacity)
            return 0;
        out[n++] = dot ? '.' : '/';
        memcpy(out + n, name, (size_t)(t - name));
        n += (size_t)(t - name);
        if (t < end && *t == '[') { // relational attribute or mapper target: kept as text
            if (n + 1 + (size_t)(end - t) > capacity)
                return 0;
            memcpy(out + n, t, (size_t)(end - t));
            n += (size_t)(end - t);
            break;
        }
        if (t < end && *t == '/') {
            t++;
            if (property || t == end)
                return 0;
        } else if (t < end && *t != '.' && *t != '{') {
            return 0;
        }
    }
    if (!n)
        out[n++] = '/';
    out[n] = 0;
    return n;
}
