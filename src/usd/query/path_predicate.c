// predicate   calls joined by (tightest first) "not", blank space or "and", "or"; "(" predicate ")"
// call        "name", "name:a,b" or "name(a, b, key=value)"
// values      true, false, words, numbers, "text", 'text'
#include "path_predicate.h"

#include <stdio.h>
#include <string.h>

#include "path.h"

#define MAX_BRACKETS 64
#define MAX_ARGUMENTS 64

struct argument {
    const char *key; // NULL: by position
    const char *value;
};

enum function { FN_REFUSED, FN_ABSTRACT, FN_ACTIVE, FN_DEFINED, FN_GROUP, FN_MODEL, FN_HAS_API, FN_IS_A, FN_KIND, FN_SPECIFIER, FN_VARIANT };

static const struct {
    const char *name;
    enum function function;
    bool names;      // takes one or more by position; else at most one, true or false
    const char *key; // of the argument that may be named; "": any
} functions[] = {
    { "abstract", FN_ABSTRACT, false, "isAbstract" }, { "active", FN_ACTIVE, false, NULL },    { "defined", FN_DEFINED, false, "isDefined" },
    { "group", FN_GROUP, false, "isGroup" },          { "model", FN_MODEL, false, "isModel" }, { "hasAPI", FN_HAS_API, true, "instanceName" },
    { "isa", FN_IS_A, true, "strict" },               { "kind", FN_KIND, true, "strict" },     { "specifier", FN_SPECIFIER, true, NULL },
    { "variant", FN_VARIANT, false, "" },
};

struct call {
    enum function function;
    bool expected, strict;
    const char *instance;
    size_t count;
    struct argument *arguments;
};

struct reader {
    const char *at;
    struct arena *arena;
    const char **refused;
    struct logic_builder out;
    unsigned brackets;
};

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
static bool is_word(char c) { return is_name(c) || (unsigned char)c >= 0x80 || (c && strchr("~!@#$%^&*-+|\\.?/:[]", c)); }

static void skip_space(struct reader *r)
{
    while (is_space(*r->at))
        r->at++;
}

// ---------------------------------------------------------------------------------------------------------------
// Calls

static const char *quoted(struct reader *r)
{
    char quote        = *r->at;
    const char *start = ++r->at;
    while (*r->at && *r->at != quote)
        r->at += *r->at == '\\' && r->at[1] ? 2 : 1;
    if (!*r->at)
        return NULL;
    char *out = arena_strndup(r->arena, start, (size_t)(r->at++ - start));
    size_t n  = 0;
    for (const char *c = out; c && *c; c++) {
        c += *c == '\\' && c[1];
        out[n++] = *c;
    }
    if (out)
        out[n] = 0;
    return out;
}

static const char *value(struct reader *r)
{
    if (*r->at == '"' || *r->at == '\'')
        return quoted(r);
    const char *start = r->at;
    while (is_word(*r->at))
        r->at++;
    return r->at == start ? NULL : arena_strndup(r->arena, start, (size_t)(r->at - start));
}

// "key=value" or a value alone; keys come last.
static bool argument(struct reader *r, struct argument *out)
{
    const char *start = r->at;
    *out              = (struct argument) { 0 };
    while (is_name(*r->at))
        r->at++;
    size_t n = (size_t)(r->at - start);
    skip_space(r);
    if (n && *r->at == '=') {
        r->at++;
        skip_space(r);
        out->key = arena_strndup(r->arena, start, n);
    } else {
        r->at = start;
    }
    out->value = value(r);
    return out->value != NULL;
}

static bool in_brackets(struct reader *r, struct argument *arguments, size_t *count)
{
    r->at++;
    skip_space(r);
    while (*r->at != ')') {
        if (*count == MAX_ARGUMENTS || !argument(r, &arguments[*count]))
            return false;
        if (!arguments[*count].key && *count && arguments[*count - 1].key)
            return false;
        ++*count;
        skip_space(r);
        if (*r->at == ',') {
            r->at++;
            skip_space(r);
            if (*r->at == ')')
                return false;
        } else if (*r->at != ')') {
            return false;
        }
    }
    r->at++;
    return true;
}

static bool behind_colon(struct reader *r, struct argument *arguments, size_t *count)
{
    do {
        r->at++;
        arguments[*count] = (struct argument) { 0 };
        if (*count == MAX_ARGUMENTS - 1 || !(arguments[*count].value = value(r)))
            return false;
        ++*count;
    } while (*r->at == ',');
    return true;
}

static bool truth(const char *text, bool *out)
{
    *out = !strcmp(text, "true") || !strcmp(text, "1");
    return *out || !strcmp(text, "false") || !strcmp(text, "0");
}

static bool is_specifier(const char *text) { return !strcmp(text, "def") || !strcmp(text, "over") || !strcmp(text, "class"); }

// What the arguments say; false: they are not the function's.
static bool bind(struct call *c, bool names, const char *key)
{
    size_t by_position = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct argument *a = &c->arguments[i];
        if (!a->key && c->function == FN_SPECIFIER && !is_specifier(a->value))
            return false;
        by_position += !a->key;
        if (!a->key ? !names && (i || !truth(a->value, &c->expected)) : !key || (*key && strcmp(a->key, key)))
            return false;
        if (!a->key || !*key)
            continue;
        if (c->function == FN_HAS_API)
            c->instance = a->value;
        else if (!truth(a->value, names ? &c->strict : &c->expected))
            return false;
    }
    if (c->function == FN_VARIANT)
        return c->count && !by_position;
    return names ? by_position > 0 : c->count <= 1;
}

static enum function function_of(struct call *c, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (!strncmp(functions[i].name, name, n) && !functions[i].name[n]) {
            c->function = functions[i].function;
            return bind(c, functions[i].names, functions[i].key) ? c->function : FN_REFUSED;
        }
    return FN_REFUSED;
}

static bool call(struct reader *r)
{
    struct argument arguments[MAX_ARGUMENTS];
    const char *start = r->at;
    while (is_name(*r->at))
        r->at++;
    size_t n       = (size_t)(r->at - start);
    struct call *c = n ? arena_alloc(r->arena, sizeof(*c)) : NULL;
    if (!c || (*start >= '0' && *start <= '9'))
        return false;
    *c = (struct call) { .expected = true };
    if ((*r->at == '(' && !in_brackets(r, arguments, &c->count)) || (*r->at == ':' && !behind_colon(r, arguments, &c->count)))
        return false;
    c->arguments = arena_alloc(r->arena, c->count * sizeof(arguments[0]) + 1);
    if (!c->arguments)
        return false;
    if (c->count)
        memcpy(c->arguments, arguments, c->count * sizeof(arguments[0]));
    c->function = function_of(c, start, n);
    if (c->function == FN_REFUSED && !*r->refused)
        *r->refused = arena_strndup(r->arena, start, (size_t)(r->at - start));
    return logic_push(&r->out, LOGIC_LEAF, c);
}

// ---------------------------------------------------------------------------------------------------------------
// Operators

static bool word_is(const char *at, const char *word)
{
    size_t n = strlen(word);
    return !strncmp(at, word, n) && !is_name(at[n]) && at[n] != ':';
}

static bool alternatives(struct reader *r);

static bool operand(struct reader *r)
{
    bool negate = false;
    for (skip_space(r); word_is(r->at, "not"); skip_space(r)) {
        negate = !negate;
        r->at += 3;
    }
    if (word_is(r->at, "and") || word_is(r->at, "or"))
        return false;
    if (*r->at == '(') {
        if (++r->brackets > MAX_BRACKETS)
            return false;
        r->at++;
        if (!alternatives(r) || *r->at != ')')
            return false;
        r->at++;
        r->brackets--;
    } else if (!call(r)) {
        return false;
    }
    return !negate || logic_push(&r->out, LOGIC_NOT, NULL);
}

static bool conjunction(struct reader *r)
{
    if (!operand(r))
        return false;
    for (;;) {
        bool apart = is_space(*r->at) || *r->at == '(' || r->at[-1] == ')';
        skip_space(r);
        if (!*r->at || *r->at == '}' || *r->at == ')' || word_is(r->at, "or"))
            return true;
        if (!apart)
            return false;
        if (word_is(r->at, "and"))
            r->at += 3;
        if (!operand(r) || !logic_push(&r->out, LOGIC_AND, NULL))
            return false;
    }
}

static bool alternatives(struct reader *r)
{
    if (!conjunction(r))
        return false;
    while (word_is(r->at, "or")) {
        r->at += 2;
        if (!conjunction(r) || !logic_push(&r->out, LOGIC_OR, NULL))
            return false;
    }
    return true;
}

const struct logic *path_predicate_read(const char **at, struct arena *arena, const char **refused)
{
    struct reader r = { .at = *at, .arena = arena, .refused = refused };
    bool ok         = alternatives(&r) && *r.at == '}';
    *at             = r.at;
    if (ok)
        return logic_finish(&r.out, arena);
    array_free(&r.out);
    return NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Answers

// Group, component and assembly are models, an assembly is a group; any other kind is only itself.
static bool kind_is(const char *kind, const char *wanted, bool strict)
{
    if (!strcmp(kind, wanted))
        return true;
    if (strict)
        return false;
    bool group = !strcmp(kind, "assembly");
    return (group && !strcmp(wanted, "group")) || (!strcmp(wanted, "model") && (group || !strcmp(kind, "group") || !strcmp(kind, "component")));
}

static bool has_api(const usd_prim *p, const char *schema, const char *instance)
{
    char name[1024];
    if (!instance)
        return usd_prim_has_api(p, schema);
    return snprintf(name, sizeof(name), "%s:%s", schema, instance) < (int)sizeof(name) && usd_prim_has_api(p, name);
}

static bool selects(const usd_prim *p, const char *set, const char *pattern)
{
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++)
        if (!strcmp(usd_prim_variant_set(p, i), set)) {
            const char *v = usd_prim_variant_selection(p, i);
            return *v && path_glob(pattern, pattern + strlen(pattern), v, v + strlen(v));
        }
    return false;
}

static bool argument_holds(const struct call *c, const usd_prim *p, const char *value)
{
    static const char *const specifiers[] = { "def", "over", "class" };
    switch (c->function) {
    case FN_HAS_API: return has_api(p, value, c->instance);
    case FN_IS_A: return c->strict ? !strcmp(usd_prim_type_name(p), value) : usd_prim_is_a(p, value);
    case FN_KIND: return kind_is(usd_prim_kind(p), value, c->strict);
    default: return !strcmp(specifiers[usd_prim_specifier(p)], value);
    }
}

static bool call_holds(const void *leaf, const void *prim)
{
    const struct call *c = leaf;
    const usd_prim *p    = prim;
    switch (c->function) {
    case FN_REFUSED: return false;
    case FN_ABSTRACT: return usd_prim_is_abstract(p) == c->expected;
    case FN_ACTIVE: return usd_prim_is_active(p) == c->expected;
    case FN_DEFINED: return usd_prim_is_defined(p) == c->expected;
    case FN_GROUP: return usd_prim_is_group(p) == c->expected;
    case FN_MODEL: return usd_prim_is_model(p) == c->expected;
    default: break;
    }
    bool all = c->function == FN_VARIANT; // else one of the names will do
    for (size_t i = 0; i < c->count; i++) {
        const struct argument *a = &c->arguments[i];
        if (all && !selects(p, a->key, a->value))
            return false;
        if (!all && !a->key && argument_holds(c, p, a->value))
            return true;
    }
    return all;
}

bool path_predicate_holds(const struct logic *predicate, const usd_prim *p) { return logic_run(predicate, call_holds, p); }
