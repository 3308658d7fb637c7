// Path expressions: patterns joined by set operators. Read once, then asked for one path at a time.
//
//   expression   patterns, "%/Prim:collection", "%_" (what the next weaker opinion says), "(" expression ")", joined by
//                (tightest first) "~" complement, blank space (union), "+" union, "&" intersection, "-" difference
//   pattern      names with "*", "?" and "[a-z]" between "/"; "//" stands for any number of levels; ".name" for properties.
//                Begins at the root with "/", else at the prim that has the expression: with a name, "." or "..", which
//                "//" may follow, ".." also "/" and a name
//   {predicate}  behind a name or in place of one: path_predicate.c
#include "path_expression.h"

#include <string.h>

#include "path.h"
#include "path_predicate.h"

#define MAX_LEVELS 256
#define MAX_BRACKETS 64
#define MAX_PATH 4096

struct level {
    const char *name, *end; // NULL name: "//", any number of levels
    const struct logic *test;
};

struct pattern {
    const struct level *levels;
    size_t count;
    const char *property, *property_end; // NULL: prims
};

// One of these is set.
struct operand {
    const struct pattern *pattern;
    const struct usd_collection *collection;
    const struct logic *weaker;
};

struct reader {
    struct path_expression_reader *to;
    const struct path_expression_text *text;
    const struct logic *weaker;
    const char *at;
    struct logic_builder out;
    int brackets;
};

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_space(struct reader *r)
{
    while (is_space(*r->at))
        r->at++;
}

static bool refuse(struct reader *r, const char *at)
{
    if (!r->to->refused)
        r->to->refused = arena_strndup(r->to->arena, *at ? at : "the end", *at ? strnlen(at, 80) : 7);
    return false;
}

// An operand that matches nothing has no member set.
static bool push(struct reader *r, struct operand o)
{
    struct operand *kept = arena_alloc(r->to->arena, sizeof(*kept));
    if (kept)
        *kept = o;
    return (kept && logic_push(&r->out, LOGIC_LEAF, kept)) || refuse(r, r->at);
}

// ---------------------------------------------------------------------------------------------------------------
// Globs

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

bool path_glob(const char *p, const char *pe, const char *s, const char *se)
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

// ---------------------------------------------------------------------------------------------------------------
// Reading patterns

struct draft {
    struct level levels[MAX_LEVELS];
    size_t count, literal; // so many levels at the beginning are plain names
    unsigned up;           // ".." at the start
    bool absolute;
    const char *property, *property_end;
};

// Characters of a name or "*", "?", "[...]". NULL: a bracket is not closed.
static const char *skip_name(const char *s, bool property, bool *plain)
{
    const char *end = s + strlen(s);
    *plain          = true;
    for (;;) {
        size_t n = path_name_char(s, end, false);
        if (n) {
            s += n;
        } else if (*s == '*' || *s == '?') {
            s++;
            *plain = false;
        } else if (*s == '[') {
            s      = strchr(s, ']');
            *plain = false;
            if (!s++)
                return NULL;
        } else if (property && *s == ':') {
            s++;
        } else {
            return s;
        }
    }
}

static bool add_level(struct reader *r, struct draft *d, struct level l)
{
    if (d->count == MAX_LEVELS)
        return refuse(r, r->at);
    d->levels[d->count++] = l;
    return true;
}

// "name", "name{predicate}", "{predicate}".
static bool element(struct reader *r, struct draft *d)
{
    static const char any[] = "*";
    const char *start       = r->at;
    bool plain;
    const char *end = skip_name(start, false, &plain);
    if (!end)
        return refuse(r, start);
    struct level l = { start, end, NULL };
    r->at          = end;
    if (*r->at == '{') {
        const char *predicate = ++r->at;
        plain                 = false;
        if (end == start)
            l.name = any, l.end = any + 1;
        l.test = path_predicate_read(&r->at, r->to->arena, &r->to->refused);
        if (!l.test)
            return refuse(r, *r->at ? r->at : predicate);
        r->at++;
    } else if (end == start) {
        return refuse(r, start);
    }
    if (plain && d->literal == d->count)
        d->literal++;
    return add_level(r, d, l);
}

static bool property(struct reader *r, struct draft *d)
{
    bool plain;
    d->property     = ++r->at;
    d->property_end = skip_name(r->at, true, &plain);
    if (!d->property_end || d->property_end == d->property || *d->property_end == '{')
        return refuse(r, d->property - 1);
    r->at = d->property_end;
    return true;
}

static bool starts_property(const char *s) { return s[0] == '.' && s[1] != '.' && s[1] != '/'; }

// Up to the first separator; *more says whether an element has to follow.
static bool start(struct reader *r, struct draft *d, bool *more)
{
    const char *from = r->at;
    *more            = false;
    if (*from == '/') {
        d->absolute = true;
        if (from[1] != '/' && (is_space(from[1]) || !from[1] || strchr("+-&)", from[1])))
            r->at++; // the root alone
        return true;
    }
    if (*from != '.')
        return *more = true;
    if (from[1] != '.') { // "." alone, ".//" or ".name"
        bool plain;
        const char *name = skip_name(from + 1, true, &plain);
        r->at            = name == from + 1 ? from + 1 : from;
        return *r->at != '/' || r->at[1] == '/' ? true : refuse(r, from);
    }
    while (r->at[0] == '.' && r->at[1] == '.') {
        d->up++;
        r->at += 2;
        if (strncmp(r->at, "/..", 3))
            break;
        r->at++;
    }
    return true;
}

static bool levels(struct reader *r, struct draft *d)
{
    bool more;
    if (!start(r, d, &more) || (more && !element(r, d)))
        return false;
    bool named = d->count || !d->absolute; // something that may have properties
    while (*r->at == '/') {
        bool open = r->at[1] == '/';
        if (open && !add_level(r, d, (struct level) { 0 }))
            return false;
        r->at += 1 + open;
        bool plain;
        if (open && *r->at != '{' && skip_name(r->at, false, &plain) == r->at)
            return *r->at == '/' || *r->at == '.' ? refuse(r, r->at) : true;
        if (!element(r, d))
            return false;
        named = true;
    }
    if (!starts_property(r->at))
        return *r->at != '.' || refuse(r, r->at);
    return named ? property(r, d) : refuse(r, r->at);
}

// ---------------------------------------------------------------------------------------------------------------
// From the namespace of the layer to that of the stage

// 0: the path is not in what the arc brings in.
static usd_tok to_stage(const struct reader *r, const char *path)
{
    usd_tok tok = path_map_apply(r->text->map, path);
    return tok && r->to->owner->flags & PRIM_PROXY ? path_to_instance(r->to->owner, tok) : tok;
}

// The plain beginning of a pattern, as the stage sees it.
static usd_tok stage_prefix(const struct reader *r, const struct draft *d)
{
    char path[MAX_PATH];
    size_t n = d->absolute ? 0 : strlen(r->text->anchor);
    if (n >= sizeof(path))
        return 0;
    memcpy(path, r->text->anchor, n);
    n -= n == 1; // the root
    for (unsigned i = 0; i < d->up; i++) {
        if (!n)
            return 0;
        while (path[--n] != '/')
            ;
    }
    for (size_t i = 0; i < d->literal; i++) {
        size_t size = (size_t)(d->levels[i].end - d->levels[i].name);
        if (n + size + 2 > sizeof(path))
            return 0;
        path[n++] = '/';
        memcpy(path + n, d->levels[i].name, size);
        n += size;
    }
    if (!n)
        path[n++] = '/';
    path[n] = 0;
    return to_stage(r, path);
}

// Names of the prefix in front of the other levels. NULL: too many, or memory is short.
static const struct pattern *finish_pattern(struct reader *r, const struct draft *d, usd_tok prefix)
{
    const char *path = tok_text(prefix);
    size_t names     = 0;
    for (const char *s = path; *s; s++)
        names += *s == '/' && s[1];
    size_t count         = names + d->count - d->literal;
    struct pattern *p    = arena_alloc(r->to->arena, sizeof(*p));
    struct level *levels = p && count <= MAX_LEVELS ? arena_alloc(r->to->arena, count * sizeof(*levels) + 1) : NULL;
    if (!levels)
        return NULL;
    for (size_t i = 0; i < names; i++) {
        const char *end = path + 1 + strcspn(path + 1, "/");
        levels[i]       = (struct level) { path + 1, end, NULL };
        path            = end;
    }
    if (d->count > d->literal)
        memcpy(levels + names, d->levels + d->literal, (d->count - d->literal) * sizeof(*levels));
    *p = (struct pattern) { levels, count, d->property, d->property_end };
    return p;
}

static bool pattern(struct reader *r)
{
    struct draft d  = { .count = 0 };
    const char *at  = r->at;
    if (!levels(r, &d))
        return false;
    usd_tok prefix          = stage_prefix(r, &d);
    const struct pattern *p = prefix ? finish_pattern(r, &d, prefix) : NULL;
    return prefix && !p ? refuse(r, at) : push(r, (struct operand) { .pattern = p });
}

// ---------------------------------------------------------------------------------------------------------------
// Operators

static bool level(struct reader *r, int precedence);

static bool ends_operand(char c) { return !c || is_space(c) || strchr("+-&()~%", c); }

// The prim before the colon of "%/Prim:name". NULL with *bad: it is not a path.
static const usd_prim *named_prim(const struct reader *r, const char *text, size_t size, bool *bad)
{
    char path[MAX_PATH];
    *bad = false;
    if (!size)
        return r->to->owner;
    *bad = !path_absolute(r->text->anchor, text, size, path, sizeof(path)) || strchr(path, '.');
    if (*bad)
        return NULL;
    usd_tok tok = to_stage(r, path);
    return tok ? usd_stage_find(prim_stage(r->to->owner), tok_text(tok)) : NULL;
}

static bool reference(struct reader *r)
{
    const char *start = r->at++, *s = r->at;
    if (*s == '_' && ends_operand(s[1])) {
        r->at++;
        return push(r, (struct operand) { .weaker = r->weaker });
    }
    while (!ends_operand(*s))
        s++;
    const char *colon = memchr(r->at, ':', (size_t)(s - r->at));
    bool bad;
    if (!colon || !path_valid_identifier(colon + 1, (size_t)(s - colon - 1)))
        return refuse(r, start);
    const usd_prim *owner = named_prim(r, r->at, (size_t)(colon - r->at), &bad);
    if (bad)
        return refuse(r, start);
    r->at            = s;
    const char *name = owner ? arena_strndup(r->to->arena, colon + 1, (size_t)(s - colon - 1)) : NULL;
    return push(r, (struct operand) { .collection = name ? r->to->collection(r->to->user, owner, name) : NULL });
}

static bool operand(struct reader *r)
{
    if (*r->at == '%')
        return reference(r);
    if (*r->at != '(')
        return pattern(r);
    if (++r->brackets > MAX_BRACKETS)
        return refuse(r, r->at);
    r->at++;
    if (!level(r, 0))
        return false;
    skip_space(r);
    if (*r->at != ')')
        return refuse(r, r->at);
    r->at++;
    r->brackets--;
    return true;
}

static bool atom(struct reader *r)
{
    bool negate = false;
    for (skip_space(r); *r->at == '~'; skip_space(r)) {
        negate = !negate;
        r->at++;
    }
    return operand(r) && (!negate || logic_push(&r->out, LOGIC_NOT, NULL) || refuse(r, r->at));
}

// Operators that bind at least so tightly: 0 "-", 1 "&", 2 "+", 3 blank space.
static bool level(struct reader *r, int precedence)
{
    static const char operators[]     = "-&+";
    static const enum logic_op does[] = { LOGIC_MINUS, LOGIC_AND, LOGIC_OR, LOGIC_OR };
    if (precedence == 4)
        return atom(r);
    if (!level(r, precedence + 1))
        return false;
    for (;;) {
        const char *before = r->at;
        skip_space(r);
        if (!*r->at || *r->at == ')')
            return true;
        bool is_operator = precedence < 3 ? *r->at == operators[precedence] : r->at != before && !strchr(operators, *r->at);
        if (!is_operator) {
            r->at = before;
            return true;
        }
        r->at += precedence < 3;
        if (!level(r, precedence + 1))
            return false;
        if (!logic_push(&r->out, does[precedence], NULL))
            return refuse(r, r->at);
    }
}

static const struct logic *read_one(struct path_expression_reader *to, const struct path_expression_text *text, const struct logic *weaker)
{
    struct reader r = { .to = to, .text = text, .weaker = weaker, .at = text->text };
    skip_space(&r);
    bool ok = *r.at && level(&r, 0);
    if (ok) {
        skip_space(&r);
        ok = !*r.at || refuse(&r, r.at);
    }
    if (ok)
        return logic_finish(&r.out, to->arena);
    array_free(&r.out);
    return NULL;
}

const struct logic *path_expression_read(struct path_expression_reader *r, const struct path_expression_text *texts, size_t count)
{
    const struct logic *e = NULL;
    while (count-- > 0)
        e = read_one(r, &texts[count], e);
    return e;
}

bool path_expression_has_weaker(const char *text)
{
    for (const char *s = strstr(text, "%_"); s; s = strstr(s + 1, "%_"))
        if (ends_operand(s[2]))
            return true;
    return false;
}

// ---------------------------------------------------------------------------------------------------------------
// Matching

void path_subject_init(struct path_subject *s, const usd_stage *stage, const char *path)
{
    char prim[MAX_PATH * 2];
    const char *dot = strchr(path, '.');
    size_t size     = dot ? (size_t)(dot - path) : strlen(path);
    s->path         = path;
    s->property     = dot ? dot + 1 : NULL;
    s->count        = 0;
    s->exists       = false;
    if (size >= sizeof(prim))
        return;
    memcpy(prim, path, size);
    prim[size] = 0;
    for (const usd_prim *q = usd_stage_find(stage, prim); q && usd_prim_parent(q); q = usd_prim_parent(q)) {
        if (s->count == SUBJECT_LEVELS)
            return;
        s->prims[s->count++] = q;
    }
    for (size_t i = 0; i < s->count / 2; i++) {
        const usd_prim *swap          = s->prims[i];
        s->prims[i]                   = s->prims[s->count - 1 - i];
        s->prims[s->count - 1 - i] = swap;
    }
    s->exists = s->count || !strcmp(prim, "/");
}

static bool match_level(const struct level *l, const usd_prim *p)
{
    const char *name = usd_prim_name(p);
    return path_glob(l->name, l->end, name, name + strlen(name)) && (!l->test || path_predicate_holds(l->test, p));
}

// As path_glob(), with "//" in the part of "*": only the last one ever has to take more.
static bool match_levels(const struct pattern *p, const struct path_subject *s)
{
    size_t i = 0, k = 0, star = SIZE_MAX, retry = 0;
    for (;;) {
        if (i < p->count && !p->levels[i].name) {
            star  = i++;
            retry = k;
        } else if (i < p->count && k < s->count && match_level(&p->levels[i], s->prims[k])) {
            i++;
            k++;
        } else if (i == p->count && k == s->count) {
            return true;
        } else if (star == SIZE_MAX || retry >= s->count) {
            return false;
        } else {
            i = star + 1;
            k = ++retry;
        }
    }
}

static bool match_pattern(const struct pattern *p, const struct path_subject *s)
{
    bool open_end = p->count && !p->levels[p->count - 1].name; // "/A//" also means the properties
    if (!s->exists)
        return false;
    if (p->property ? !s->property || !path_glob(p->property, p->property_end, s->property, s->property + strlen(s->property))
                    : s->property && !open_end)
        return false;
    return match_levels(p, s);
}

static bool operand_has(const void *leaf, const void *subject)
{
    const struct operand *o = leaf;
    return o->pattern ? match_pattern(o->pattern, subject)
           : o->collection ? collection_has_subject(o->collection, subject)
                           : o->weaker && logic_run(o->weaker, operand_has, subject);
}

bool path_expression_matches(const struct logic *e, const struct path_subject *s) { return e && logic_run(e, operand_has, s); }
