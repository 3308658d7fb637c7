#include "site.h"

#include <string.h>

#include "layer.h"

#define MAX_PATH 8192

// Answers given before, one thread's own. Tokens never change, so they stay right.
struct answer {
    uint32_t a, b, out; // out 0: none
};
#define ANSWERS 1024
static struct answer *answer_slot(struct answer *cache, uint32_t a, uint32_t b)
{
    return &cache[(a * 0x9e3779b1u ^ b * 0x85ebca6bu) >> 22];
}
_Static_assert(ANSWERS == 1u << 10, "the slot takes the upper ten bits");

static usd_tok find_parent(usd_tok path)
{
    const char *t = tok_text(path);
    size_t n      = tok_size(path);
    if (t[n - 1] == '}') {
        while (n && t[n - 1] != '{')
            n--;
        return n > 1 ? tok_make(t, n - 1) : 0;
    }
    while (n && t[n - 1] != '/' && t[n - 1] != '}')
        n--;
    if (n && t[n - 1] == '/')
        n--;
    return n ? tok_make(t, n) : tok_make("/", 1);
}

usd_tok site_parent(usd_tok path)
{
    static _Thread_local struct answer cache[ANSWERS];
    if (tok_size(path) < 2)
        return 0;
    struct answer *known = answer_slot(cache, path, 0);
    if (known->a != path || !known->out)
        *known = (struct answer) { path, 0, find_parent(path) };
    return known->out;
}

usd_tok site_name(usd_tok path)
{
    const char *t = tok_text(path);
    size_t end    = tok_size(path);
    while (end && t[end - 1] == '}')
        while (end && t[--end] != '{')
            ;
    size_t start = end;
    while (start && t[start - 1] != '/' && t[start - 1] != '}')
        start--;
    return tok_make(t + start, end - start);
}

static usd_tok make_child(usd_tok path, usd_tok name)
{
    char out[MAX_PATH];
    size_t n = tok_size(path), m = tok_size(name);
    if (n + m + 2 > sizeof(out))
        return 0;
    memcpy(out, tok_text(path), n);
    if (n && out[n - 1] != '/' && out[n - 1] != '}')
        out[n++] = '/';
    memcpy(out + n, tok_text(name), m);
    return tok_make(out, n + m);
}

usd_tok site_child(usd_tok path, usd_tok name)
{
    static _Thread_local struct answer cache[ANSWERS];
    struct answer *known = answer_slot(cache, path, name);
    if (known->a != path || known->b != name || !known->out)
        *known = (struct answer) { path, name, make_child(path, name) };
    return known->out;
}

static bool fits_in_path(usd_tok name) { return name && !strpbrk(tok_text(name), "/{}="); }

usd_tok site_select(usd_tok path, usd_tok set, usd_tok selection)
{
    char out[MAX_PATH];
    size_t n = tok_size(path), s = tok_size(set), v = tok_size(selection);
    if (n + s + v + 4 > sizeof(out) || !fits_in_path(set) || !fits_in_path(selection))
        return 0;
    memcpy(out, tok_text(path), n);
    out[n++] = '{';
    memcpy(out + n, tok_text(set), s);
    n += s;
    out[n++] = '=';
    memcpy(out + n, tok_text(selection), v);
    n += v;
    out[n++] = '}';
    return tok_make(out, n);
}

usd_tok site_strip(usd_tok path)
{
    const char *t = tok_text(path);
    if (!memchr(t, '{', tok_size(path)))
        return path;
    char out[MAX_PATH];
    size_t n = 0;
    for (; *t && n + 2 < sizeof(out); t++) {
        if (*t != '{') {
            out[n++] = *t;
            continue;
        }
        while (*t && *t != '}')
            t++;
        if (!*t)
            break;
        if (t[1] && t[1] != '/' && t[1] != '{')
            out[n++] = '/';
    }
    return tok_make(out, n);
}

bool site_is_variant(usd_tok path)
{
    size_t n = tok_size(path);
    return n && tok_text(path)[n - 1] == '}';
}

bool site_selection(usd_tok path, usd_tok *set, usd_tok *selection)
{
    const char *t = tok_text(path), *start = strrchr(t, '{'), *equal = start ? strchr(start, '=') : NULL;
    const char *end = equal ? strchr(equal, '}') : NULL;
    if (!end)
        return false;
    *set       = tok_make(start + 1, (size_t)(equal - start) - 1);
    *selection = tok_make(equal + 1, (size_t)(end - equal) - 1);
    return true;
}

static uint16_t count(usd_tok path, bool selections)
{
    uint16_t n = 0;
    for (const char *s = tok_text(path); *s; s++) {
        if (*s == '/')
            n += s[1] && s[1] != '{';
        else if (*s == '{')
            n += selections;
        else if (*s == '}')
            n += s[1] && s[1] != '/' && s[1] != '{';
    }
    return n;
}

uint16_t site_elements(usd_tok path) { return count(path, true); }
uint16_t site_depth(usd_tok path) { return count(path, false); }

bool site_has_prefix(usd_tok path, usd_tok prefix)
{
    if (path == prefix)
        return path != 0;
    const char *t = tok_text(path), *p = tok_text(prefix);
    size_t n = tok_size(prefix);
    if (!n || tok_size(path) < n)
        return false;
    if (n == 1 && *p == '/')
        return *t == '/';
    if (memcmp(t, p, n))
        return false;
    return p[n - 1] == '}' || t[n] == '/' || t[n] == '{' || t[n] == '.' || t[n] == '[';
}

usd_tok site_replace_prefix(usd_tok path, usd_tok from, usd_tok to)
{
    if (path == from)
        return to;
    if (!to || from == to || !site_has_prefix(path, from))
        return path;
    char out[MAX_PATH];
    const char *rest = tok_text(path) + (tok_size(from) == 1 ? 0 : tok_size(from));
    if (*rest == '/')
        rest++;
    size_t n = tok_size(to), m = strlen(rest);
    if (n + m + 2 > sizeof(out))
        return 0;
    memcpy(out, tok_text(to), n);
    if (out[n - 1] != '/' && out[n - 1] != '}' && *rest != '{' && *rest != '.' && *rest != '[')
        out[n++] = '/';
    memcpy(out + n, rest, m);
    return tok_make(out, n + m);
}

static uint32_t variant_spec(const struct layer *l, uint32_t prim, const char *text, size_t size)
{
    const char *equal = memchr(text, '=', size);
    if (!equal)
        return 0;
    usd_tok set = tok_find(text, (size_t)(equal - text)), selection = tok_find(equal + 1, size - (size_t)(equal - text) - 1);
    if (set == UINT32_MAX || selection == UINT32_MAX)
        return 0;
    for (uint32_t v = l->prims.items[prim].first_variant_set; v; v = l->prims.items[v].next_sibling)
        if (l->prims.items[v].name == set)
            return spec_child(l, v, selection);
    return 0;
}

static uint32_t find_spec(const struct layer *l, uint32_t at, const char *t)
{
    while (*t) {
        if (*t == '/') {
            t++;
            continue;
        }
        size_t n;
        if (*t == '{') {
            n  = strcspn(++t, "}");
            at = variant_spec(l, at, t, n);
            n += t[n] == '}';
        } else {
            n           = strcspn(t, "/{");
            usd_tok tok = tok_find(t, n);
            at          = tok == UINT32_MAX ? 0 : spec_child(l, at, tok);
        }
        if (!at)
            return 0;
        t += n;
    }
    return at;
}

static _Thread_local struct answer spec_answers[ANSWERS];

void site_spec_known(const struct layer *l, usd_tok path, uint32_t spec)
{
    if (l->sealed)
        *answer_slot(spec_answers, path, l->id) = (struct answer) { path, l->id, spec };
}

uint32_t site_spec(const struct layer *l, usd_tok path)
{
    if (!l->sealed) // a session layer: its specs come and go
        return l->prims.count == 1 ? 0 : find_spec(l, 0, tok_text(path));
    struct answer *known = answer_slot(spec_answers, path, l->id);
    if (known->a == path && known->b == l->id)
        return known->out;
    usd_tok parent           = site_parent(path);
    const struct answer *up = answer_slot(spec_answers, parent, l->id);
    uint32_t spec = up->a == parent && up->b == l->id && up->out ? find_spec(l, up->out, tok_text(path) + tok_size(parent))
                                                                 : find_spec(l, 0, tok_text(path));
    *known = (struct answer) { path, l->id, spec };
    return spec;
}
