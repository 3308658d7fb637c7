// Path expressions: patterns joined by set operators. Evaluated for one path at a time, straight from the text.
//
//   expression   patterns, "%/Prim:collection", "(" expression ")", joined by (tightest first)
//                "~" complement, blank space (union), "+" union, "&" intersection, "-" difference
//   pattern      names with "*", "?" and "[a-z]" between "/"; "//" stands for any number of levels; ".name" for properties
//   {predicate}  behind a name: isa:Type, hasAPI:Schema, kind:name, specifier:name, defined, abstract, active, model,
//                group, with "not", "and", "or"
#include "path_expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"

#define MAX_LEVELS 256
#define MAX_BRACKETS 64

struct reader {
    const struct path_expression *e;
    const char *at, *path;
    const char **unsupported;
    int brackets;
    bool check; // only look whether everything is understood
};

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_space(struct reader *r)
{
    while (is_space(*r->at))
        r->at++;
}

static bool refuse(struct reader *r, const char *what)
{
    if (r->unsupported && !*r->unsupported)
        *r->unsupported = what;
    return false;
}

// ---------------------------------------------------------------------------------------------------------------
// Predicates

static bool argument_is(const char *word, size_t n, const char *function, const char **argument, size_t *size)
{
    size_t k = strlen(function);
    if (n < k + 1 || strncmp(word, function, k) || (word[k] != ':' && word[k] != '('))
        return false;
    *argument = word + k + 1;
    *size     = n - k - 1 - (word[k] == '(' && word[n - 1] == ')');
    return true;
}

static bool predicate_word(struct reader *r, const usd_prim *p, const char *word, size_t n)
{
    static const char *const specifiers[] = { "def", "over", "class" };
    const char *a;
    size_t size;
    char name[256];
#define IS(text) (n == strlen(text) && !strncmp(word, text, n))
    if (IS("defined"))
        return usd_prim_is_defined(p);
    if (IS("abstract"))
        return usd_prim_is_abstract(p);
    if (IS("active"))
        return usd_prim_is_active(p);
    if (IS("model"))
        return usd_prim_is_model(p);
    if (IS("group"))
        return usd_prim_is_group(p);
#undef IS
    bool isa = argument_is(word, n, "isa", &a, &size), api = !isa && argument_is(word, n, "hasAPI", &a, &size);
    bool kind = !isa && !api && argument_is(word, n, "kind", &a, &size);
    bool spec = !isa && !api && !kind && argument_is(word, n, "specifier", &a, &size);
    if (!(isa || api || kind || spec) || size >= sizeof(name))
        return refuse(r, "an unknown predicate");
    memcpy(name, a, size);
    name[size] = 0;
    return isa ? usd_prim_is_a(p, name) : api ? usd_prim_has_api(p, name) : kind ? !strcmp(usd_prim_kind(p), name)
                                            : !strcmp(specifiers[usd_prim_specifier(p)], name);
}

// "a and not b or c": "or" binds least; blank space means "and".
static bool predicate(struct reader *r, const usd_prim *p, const char *s, const char *end)
{
    bool all = true, any = false, negate = false;
    while (s < end) {
        while (s < end && is_space(*s))
            s++;
        size_t n = 0;
        while (s + n < end && !is_space(s[n]))
            n++;
        if (!n)
            break;
        if (n == 3 && !strncmp(s, "not", 3)) {
            negate = !negate;
        } else if (n == 2 && !strncmp(s, "or", 2)) {
            any |= all;
            all = true;
        } else if (n != 3 || strncmp(s, "and", 3)) {
            all &= predicate_word(r, p, s, n) != negate;
            negate = false;
        }
        s += n;
    }
    return any || all;
}

// ---------------------------------------------------------------------------------------------------------------
// Patterns

// "[a-z]" at *pattern against c; *pattern moves behind it.
static bool in_class(const char **pattern, const char *end, char c)
{
    const char *p = *pattern + 1;
    bool negate = p < end && (*p == '!' || *p == '^'), found = false;
    for (p += negate; p < end && *p != ']'; p++) {
        char low = *p;
        if (p + 2 < end && p[1] == '-' && p[2] != ']')
            p += 2;
        found |= c >= low && c <= *p;
    }
    *pattern = p < end ? p + 1 : p;
    return found != negate;
}

static bool glob(const char *p, const char *pe, const char *s, const char *se)
{
    const char *star = NULL, *retry = NULL;
    for (;;) {
        if (p < pe && *p == '*') {
            star  = p++;
            retry = s;
            continue;
        }
        const char *next = p + 1;
        if (s < se && p < pe && (*p == '[' ? (next = p, in_class(&next, pe, *s)) : *p == '?' || *p == *s)) {
            p = next;
            s++;
            continue;
        }
        if (s == se && p == pe)
            return true;
        if (!star || retry >= se)
            return false;
        p = star + 1; // let the star take one more
        s = ++retry;
    }
}

struct level {
    const char *name, *end; // NULL name: "//", any number of levels
    const char *test, *test_end;
};

struct pattern {
    struct level levels[MAX_LEVELS];
    size_t count;
    const char *property, *property_end; // NULL: prims
};

static const char *skip_name(const char *s, const char *end)
{
    while (s < end && *s != '/' && *s != '.' && *s != '{')
        s += *s == '[' && memchr(s, ']', (size_t)(end - s)) ? (const char *)memchr(s, ']', (size_t)(end - s)) - s + 1 : 1;
    return s;
}

static bool read_pattern(const char *s, const char *end, struct pattern *out)
{
    out->count = 0;
    out->property = out->property_end = NULL;
    while (s < end) {
        if (*s == '.') {
            out->property     = s + 1;
            out->property_end = end;
            return true;
        }
        if (out->count == MAX_LEVELS)
            return false;
        struct level *l = &out->levels[out->count];
        *l              = (struct level) { 0 };
        if (s + 1 < end && s[0] == '/' && s[1] == '/') {
            out->count++;
            s += 2;
            if (s == end || *s == '.')
                continue;
            if (out->count == MAX_LEVELS)
                return false;
            l = &out->levels[out->count];
            *l = (struct level) { 0 };
        } else if (*s == '/') {
            s++;
        } else {
            return false;
        }
        if (s == end) // "/" alone: the root
            return out->count == 0;
        l->name = s;
        l->end = s = skip_name(s, end);
        if (s < end && *s == '{') {
            const char *close = memchr(s, '}', (size_t)(end - s));
            if (!close)
                return false;
            l->test     = s + 1;
            l->test_end = close;
            s           = close + 1;
        }
        if (l->name == l->end && l->test) // "//{isa:Mesh}"
            l->name = "*", l->end = l->name + 1;
        out->count++;
    }
    return true;
}

static bool match_level(struct reader *r, const struct level *l, const usd_prim *p)
{
    const char *name = usd_prim_name(p);
    return glob(l->name, l->end, name, name + strlen(name)) && (!l->test || predicate(r, p, l->test, l->test_end));
}

// As glob(), with "//" in the part of "*": only the last one ever has to take more.
static bool match_levels(struct reader *r, const struct pattern *p, const usd_prim *const *prims, size_t n)
{
    size_t i = 0, k = 0, star = SIZE_MAX, retry = 0;
    for (;;) {
        if (i < p->count && !p->levels[i].name) {
            star  = i++;
            retry = k;
        } else if (i < p->count && k < n && match_level(r, &p->levels[i], prims[k])) {
            i++;
            k++;
        } else if (i == p->count && k == n) {
            return true;
        } else if (star == SIZE_MAX || retry >= n) {
            return false;
        } else {
            i = star + 1;
            k = ++retry;
        }
    }
}

// The literal beginning of a pattern is a path of the layer that wrote it; *mapped gets it as the stage sees it.
static bool map_prefix(const struct path_expression *e, const char *s, const char *end, char *mapped, size_t capacity)
{
    char prefix[4096] = "/";
    if (*s != '/') { // "./x", "x/*": below the prim that has the expression
        if (s[0] == '.' && s[1] == '.')
            return false;
        bool dot = s[0] == '.' && s + 1 < end && s[1] == '/';
        if (prim_path_write(e->owner, prefix, sizeof(prefix)) >= sizeof(prefix))
            return false;
        return snprintf(mapped, capacity, "%s%s%.*s", prefix, dot ? "" : "/", (int)(end - s - dot), s + dot) < (int)capacity;
    }
    size_t n = 0; // of whole names without anything special
    for (const char *p = s; p + 1 < end && *p == '/' && p[1] != '/';) {
        for (p++; p < end && !strchr("/*?[{.", *p);)
            p++;
        if (p < end && *p != '/' && *p != '.')
            break;
        n = (size_t)(p - s);
    }
    if (n >= sizeof(prefix))
        return false;
    if (n) {
        memcpy(prefix, s, n);
        prefix[n] = 0;
    }
    usd_tok tok = e->map ? path_map_apply(e->map, prefix) : tok_str(prefix);
    if (!tok)
        return false; // outside of what the arc brings in
    return snprintf(mapped, capacity, "%s%.*s", n ? tok_text(tok) : "", (int)(end - s - (ptrdiff_t)n), s + n) < (int)capacity;
}

static bool match_pattern(struct reader *r, const char *s, const char *end)
{
    char text[8192], prim_path[8192];
    struct pattern *p = malloc(sizeof(*p));
    const usd_prim *prims[MAX_LEVELS];
    size_t n        = 0;
    const char *dot = strchr(r->path, '.');
    bool found      = false;
    if (!p)
        return false;
    if (!map_prefix(r->e, s, end, text, sizeof(text)))
        goto done;
    if (!read_pattern(text, text + strlen(text), p)) {
        refuse(r, s);
        goto done;
    }
    for (size_t i = 0; r->check && i < p->count; i++)
        if (p->levels[i].test)
            (void)predicate(r, r->e->owner, p->levels[i].test, p->levels[i].test_end);
    if (r->check)
        goto done;
    size_t size = dot ? (size_t)(dot - r->path) : strlen(r->path);
    if (size >= sizeof(prim_path))
        goto done;
    memcpy(prim_path, r->path, size);
    prim_path[size] = 0;
    for (const usd_prim *q = usd_stage_find(prim_stage(r->e->owner), prim_path); q && usd_prim_parent(q); q = usd_prim_parent(q))
        if (n == MAX_LEVELS)
            goto done;
        else
            prims[n++] = q;
    for (size_t i = 0; i < n / 2; i++) {
        const usd_prim *swap = prims[i];
        prims[i]             = prims[n - 1 - i];
        prims[n - 1 - i]     = swap;
    }
    if (!n && strcmp(prim_path, "/"))
        goto done;
    bool open_end = p->count && !p->levels[p->count - 1].name; // "/A//" also means the properties
    if (p->property ? !dot || !glob(p->property, p->property_end, dot + 1, dot + strlen(dot)) : dot && !open_end)
        goto done;
    found = match_levels(r, p, prims, n);
done:
    free(p);
    return found;
}

// ---------------------------------------------------------------------------------------------------------------
// Operators

static bool level(struct reader *r, int precedence);

static bool reference(struct reader *r)
{
    const char *s = ++r->at;
    while (*s && !is_space(*s) && !strchr("+&)", *s))
        s++;
    const char *colon = s;
    while (colon > r->at && colon[-1] != ':')
        colon--;
    const char *from = r->at;
    r->at            = s;
    if (colon == from) // "%_": what weaker layers say
        return refuse(r, from - 1);
    char path[4096];
    size_t n                     = (size_t)(colon - 1 - from);
    const struct usd_prim *owner = r->e->owner;
    if (n) {
        if (n >= sizeof(path) || *from != '/')
            return refuse(r, from - 1);
        memcpy(path, from, n);
        path[n]     = 0;
        usd_tok tok = r->e->map ? path_map_apply(r->e->map, path) : tok_str(path);
        owner       = tok ? usd_stage_find(prim_stage(owner), tok_text(tok)) : NULL;
    }
    return owner && r->e->collection_has && r->e->collection_has(owner, colon, (size_t)(s - colon), r->path, r->e->depth + 1);
}

static bool operand(struct reader *r)
{
    if (*r->at == '(') {
        if (++r->brackets > MAX_BRACKETS)
            return refuse(r, r->at);
        r->at++;
        bool v = level(r, 0);
        skip_space(r);
        if (*r->at != ')')
            return refuse(r, "missing )");
        r->at++;
        r->brackets--;
        return v;
    }
    if (*r->at == '%')
        return reference(r);
    const char *s = r->at;
    for (bool braces = false; *r->at && (braces || (!is_space(*r->at) && !strchr("+-&()~%", *r->at))); r->at++) {
        if (*r->at == '{')
            braces = true;
        else if (*r->at == '}')
            braces = false;
        else if (*r->at == '[') // a class of characters may hold anything
            while (r->at[1] && *r->at != ']')
                r->at++;
    }
    if (r->at == s) {
        refuse(r, *s ? s : "the end");
        r->at += *s != 0;
        return false;
    }
    return match_pattern(r, s, r->at);
}

static bool atom(struct reader *r)
{
    bool negate = false;
    for (skip_space(r); *r->at == '~'; skip_space(r)) {
        negate = !negate;
        r->at++;
    }
    return operand(r) != negate;
}

// Operators that bind at least so tightly: 0 "-", 1 "&", 2 "+", 3 blank space.
static bool level(struct reader *r, int precedence)
{
    static const char operators[] = "-&+";
    if (precedence == 4)
        return atom(r);
    bool v = level(r, precedence + 1);
    for (;;) {
        const char *before = r->at;
        skip_space(r);
        if (!*r->at || *r->at == ')') {
            return v;
        } else if (precedence < 3) {
            if (*r->at != operators[precedence])
                return r->at = before, v;
            r->at++;
        } else if (r->at == before || strchr(operators, *r->at)) {
            return r->at = before, v;
        }
        bool w = level(r, precedence + 1);
        v      = precedence == 0 ? v && !w : precedence == 1 ? v && w : v || w;
    }
}

static bool evaluate(struct reader *r)
{
    skip_space(r);
    if (!*r->at)
        return false;
    bool v = level(r, 0);
    skip_space(r);
    return *r->at ? refuse(r, r->at) : v;
}

bool path_expression_matches(const struct path_expression *e, const char *path)
{
    struct reader r = { .e = e, .at = e->text, .path = path };
    return evaluate(&r);
}

const char *path_expression_unsupported(const struct path_expression *e)
{
    const char *part = NULL;
    struct reader r  = { .e = e, .at = e->text, .path = "/", .unsupported = &part, .check = true };
    evaluate(&r);
    return part;
}
