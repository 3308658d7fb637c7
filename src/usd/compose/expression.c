#include "expression.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "stage.h"

#define MAX_STEPS 10000 // nodes evaluated for one expression, variables within variables included
#define MAX_DEPTH 64
#define MAX_ITEMS 1000 // of a list

enum expr_type { EXPR_NONE, EXPR_STRING, EXPR_BOOL, EXPR_INT, EXPR_LIST };
static const char *const type_names[] = { "None", "string", "bool", "int", "list" };

struct expr_value {
    enum expr_type type, element; // element: what a list holds; None for "[]"
    int64_t number;               // bool, int; elements of a list
    const char *text;
    const struct expr_value *items;
};

struct expr_vars {
    size_t count;
    struct expr_var {
        usd_tok name;
        bool supported;
        struct expr_value value;
    } vars[];
};

struct eval {
    const struct expr_vars *vars;
    const char *at;
    struct arena *arena; // of this evaluation
    char *error;
    unsigned steps, depth;
    usd_tok open[MAX_DEPTH]; // variables being evaluated
    unsigned open_count;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct eval *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(e->error, 160, format, args);
    va_end(args);
    return false;
}

bool expression_is(const char *text)
{
    size_t n = strlen(text);
    return n > 2 && text[0] == '`' && text[n - 1] == '`';
}

static bool expression(struct eval *e, bool skip, bool in_list, struct expr_value *out);

// ---------------------------------------------------------------------------------------------------------------
// Variables and strings

static const struct expr_var *find_var(const struct expr_vars *vars, usd_tok name)
{
    for (size_t i = 0; vars && i < vars->count; i++)
        if (vars->vars[i].name == name)
            return &vars->vars[i];
    return NULL;
}

static bool whole(struct eval *e, const char *text, struct expr_value *out)
{
    const char *back = e->at;
    e->at            = text + 1;
    bool ok          = expression(e, false, false, out);
    if (ok && strcmp(e->at, "`"))
        ok = fail(e, "'%.40s' is not expected here", e->at);
    e->at = back;
    return ok;
}

// false: an error. *known says whether the variable exists.
static bool variable_value(struct eval *e, usd_tok name, bool *known, struct expr_value *out)
{
    const struct expr_var *v = find_var(e->vars, name);
    *known                   = v != NULL;
    *out                     = (struct expr_value) { EXPR_NONE };
    if (!v)
        return true;
    if (!v->supported)
        return fail(e, "variable '%.60s' has a type that expressions do not know", tok_text(name));
    *out = v->value;
    if (v->value.type != EXPR_STRING || !expression_is(v->value.text))
        return true;
    for (unsigned i = 0; i < e->open_count; i++)
        if (e->open[i] == name)
            return fail(e, "variable '%.60s' is defined by itself", tok_text(name));
    if (e->open_count == MAX_DEPTH)
        return fail(e, "variables within variables go too deep");
    e->open[e->open_count++] = name;
    bool ok                  = whole(e, v->value.text, out);
    e->open_count--;
    return ok;
}

// "${NAME}", at the dollar sign.
static bool variable_name(struct eval *e, usd_tok *name)
{
    const char *start = e->at + 2, *end = start;
    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    if (end == start || isdigit((unsigned char)*start) || *end != '}')
        return fail(e, "'${' needs a name and '}'");
    *name = tok_make(start, (size_t)(end - start));
    e->at = end + 1;
    return true;
}

struct text {
    char *s;
    size_t n;
};

static bool append(struct eval *e, struct text *t, const char *s, size_t n)
{
    if (t->n + n >= EXPRESSION_MAX)
        return fail(e, "the result is longer than %d bytes", EXPRESSION_MAX);
    memcpy(t->s + t->n, s, n);
    t->n += n;
    return true;
}

static bool append_variable(struct eval *e, struct text *t, bool skip)
{
    usd_tok name;
    bool known;
    struct expr_value v;
    if (!variable_name(e, &name))
        return false;
    if (skip)
        return true;
    if (!variable_value(e, name, &known, &v))
        return false;
    if (!known) // the bare name stays
        return append(e, t, tok_text(name), tok_size(name));
    if (v.type == EXPR_NONE)
        return true;
    if (v.type != EXPR_STRING)
        return fail(e, "variable '%.60s' within a string has to be a string, not %s", tok_text(name), type_names[v.type]);
    return append(e, t, v.text, strlen(v.text));
}

// At the backslash.
static bool append_escape(struct eval *e, struct text *t)
{
    char c;
    e->at = escape_read(e->at + 1, &c);
    return c ? append(e, t, &c, 1) : fail(e, "a string has a zero byte");
}

static bool quoted(struct eval *e, bool skip, struct expr_value *out)
{
    char quote    = *e->at++, buffer[EXPRESSION_MAX];
    struct text t = { buffer, 0 };
    while (*e->at != quote) {
        bool ok = true;
        if (!*e->at || (*e->at == '`' && !e->at[1]))
            return fail(e, "a string is not closed");
        if (e->at[0] == '$' && e->at[1] == '{') {
            ok = append_variable(e, &t, skip);
        } else if (*e->at == '\\' && e->at[1]) {
            ok = append_escape(e, &t);
        } else {
            ok = append(e, &t, e->at++, 1);
        }
        if (!ok)
            return false;
    }
    e->at++;
    out->type = EXPR_STRING;
    out->text = skip ? "" : arena_strndup(e->arena, buffer, t.n);
    return out->text || fail(e, "out of memory");
}

// ---------------------------------------------------------------------------------------------------------------
// Functions

static bool same_type(const struct expr_value *a, const struct expr_value *b) { return a->type == b->type && a->element == b->element; }

static bool same(const struct expr_value *a, const struct expr_value *b)
{
    return a->type == EXPR_STRING ? !strcmp(a->text, b->text) : a->number == b->number;
}

// Only values of one type compare, of lists only "[]" and "[]".
static bool compare(struct eval *e, const char *name, const struct expr_value *a, const struct expr_value *b, struct expr_value *out)
{
    bool equality = !strcmp(name, "eq") || !strcmp(name, "neq");
    if (!same_type(a, b) || a->element)
        return fail(e, "%s cannot compare %s and %s", name, type_names[a->type], type_names[b->type]);
    out->type = EXPR_BOOL;
    if (equality) {
        out->number = same(a, b) == !strcmp(name, "eq");
        return true;
    }
    if (a->type == EXPR_NONE || a->type == EXPR_LIST)
        return fail(e, "%s does not order values of type %s", name, type_names[a->type]);
    int c       = a->type == EXPR_STRING ? strcmp(a->text, b->text) : a->number < b->number ? -1 : a->number > b->number;
    out->number = !strcmp(name, "lt") ? c < 0 : !strcmp(name, "leq") ? c <= 0 : !strcmp(name, "gt") ? c > 0 : c >= 0;
    return true;
}

static bool contains(struct eval *e, const struct expr_value *in, const struct expr_value *v, struct expr_value *out)
{
    out->type = EXPR_BOOL;
    if (in->type == EXPR_STRING && v->type == EXPR_STRING)
        out->number = strstr(in->text, v->text) != NULL;
    else if (in->type != EXPR_LIST || (in->element && in->element != v->type))
        return fail(e, "contains does not look for %s in %s%s%s", type_names[v->type], type_names[in->type], in->element ? " of " : "",
                    in->element ? type_names[in->element] : "");
    for (int64_t i = 0; in->type == EXPR_LIST && i < in->number && !out->number; i++)
        out->number = same(&in->items[i], v);
    return true;
}

static bool at_index(struct eval *e, const struct expr_value *in, const struct expr_value *index, struct expr_value *out)
{
    bool text = in->type == EXPR_STRING;
    if ((!text && in->type != EXPR_LIST) || index->type != EXPR_INT)
        return fail(e, "at needs a list or string, and a number");
    int64_t n = text ? (int64_t)strlen(in->text) : in->number, i = index->number < 0 ? index->number + n : index->number;
    if (i < 0 || i >= n)
        return fail(e, "index %lld is out of range", (long long)index->number);
    *out = text ? (struct expr_value) { .type = EXPR_STRING, .text = arena_strndup(e->arena, in->text + i, 1) } : in->items[i];
    return !text || out->text || fail(e, "out of memory");
}

static bool length(struct eval *e, const struct expr_value *in, struct expr_value *out)
{
    if (in->type != EXPR_LIST && in->type != EXPR_STRING)
        return fail(e, "len needs a list or string, not %s", type_names[in->type]);
    *out = (struct expr_value) { .type = EXPR_INT, .number = in->type == EXPR_LIST ? in->number : (int64_t)strlen(in->text) };
    return true;
}

static void spaces(struct eval *e)
{
    while (*e->at == ' ')
        e->at++;
}

static const struct {
    const char *name;
    unsigned min, max;
} functions[] = { { "if", 2, 3 },  { "and", 2, 0 }, { "or", 2, 0 },  { "not", 1, 1 },      { "eq", 2, 2 }, { "neq", 2, 2 }, { "lt", 2, 2 },
                  { "leq", 2, 2 }, { "gt", 2, 2 },  { "geq", 2, 2 }, { "contains", 2, 2 }, { "at", 2, 2 }, { "len", 1, 1 }, { "defined", 1, 0 },
                  { "matches_regex", 2, 2 } };

// How the arguments so far settle which of the rest are evaluated.
static bool argument_is_skipped(const char *name, unsigned i, const struct expr_value *first, bool decided)
{
    return decided || (!strcmp(name, "if") && i && (i == 1) != (first->number != 0));
}

static bool take_bool(struct eval *e, const char *name, const struct expr_value *v)
{
    return v->type == EXPR_BOOL || fail(e, "%s needs true or false, not %s", name, type_names[v->type]);
}

static bool finish_call(struct eval *e, const char *name, const struct expr_value *args, struct expr_value *out)
{
    if (!strcmp(name, "not")) {
        *out = (struct expr_value) { .type = EXPR_BOOL, .number = !args[0].number };
        return take_bool(e, name, &args[0]);
    }
    if (!strcmp(name, "contains"))
        return contains(e, &args[0], &args[1], out);
    if (!strcmp(name, "at"))
        return at_index(e, &args[0], &args[1], out);
    if (!strcmp(name, "len"))
        return length(e, &args[0], out);
    if (!strcmp(name, "matches_regex"))
        return fail(e, "%s is not supported", name);
    return compare(e, name, &args[0], &args[1], out);
}

static bool check_count(struct eval *e, const char *name, unsigned count)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (!strcmp(functions[i].name, name)) {
            if (count < functions[i].min || (functions[i].max && count > functions[i].max))
                return fail(e, "function '%s' does not take %u arguments", name, count);
            return true;
        }
    return fail(e, "there is no function '%.40s'", name);
}

static bool defined_argument(struct eval *e, const struct expr_value *v, struct expr_value *out)
{
    if (v->type != EXPR_STRING)
        return fail(e, "defined needs names of variables");
    if (!find_var(e->vars, tok_str(v->text)))
        out->number = false;
    return true;
}

// The branch that is not taken: what goes wrong in it does not count, but for its syntax. None when something does.
static bool other_branch(struct eval *e, struct expr_value *out)
{
    const char *start = e->at;
    if (!expression(e, true, false, out))
        return false;
    const char *end = e->at;
    char *error     = e->error, dropped[160];
    e->at           = start;
    e->error        = dropped;
    if (!expression(e, false, false, out))
        *out = (struct expr_value) { EXPR_NONE };
    e->at    = end;
    e->error = error;
    return true;
}

static bool take_branch(struct eval *e, const struct expr_value *args, unsigned count, struct expr_value *out)
{
    const struct expr_value *yes = &args[1], *no = &args[2];
    if (count == 3 && yes->type != EXPR_NONE && no->type != EXPR_NONE && !same_type(yes, no))
        return fail(e, "if has branches of different types, %s and %s", type_names[yes->type], type_names[no->type]);
    *out = args[0].number ? *yes : *no;
    return true;
}

// After "name(".
static bool call(struct eval *e, const char *name, bool skip, struct expr_value *out)
{
    struct expr_value args[3] = { { EXPR_NONE } };
    bool logic = !strcmp(name, "and") || !strcmp(name, "or"), wins = name[0] == 'o', defined = !strcmp(name, "defined"), decided = false;
    bool branches = !strcmp(name, "if");
    struct expr_value result = { EXPR_NONE };
    if (logic)
        result = (struct expr_value) { .type = EXPR_BOOL, .number = !wins };
    if (defined)
        result = (struct expr_value) { .type = EXPR_BOOL, .number = true };
    unsigned count = 0;
    spaces(e);
    while (*e->at != ')') {
        struct expr_value v = { EXPR_NONE };
        bool leave_out      = skip || argument_is_skipped(name, count, &args[0], decided);
        bool other          = leave_out && !skip && branches;
        if (other ? !other_branch(e, &v) : !expression(e, leave_out, false, &v))
            return false;
        if (!leave_out && (logic || (branches && !count)) && !take_bool(e, name, &v))
            return false;
        if (!leave_out && logic && (v.number != 0) == wins)
            decided = true, result.number = wins;
        if (!leave_out && defined && !defined_argument(e, &v, &result))
            return false;
        if (count < 3)
            args[count] = v;
        count++;
        spaces(e);
        if (*e->at == ',') {
            e->at++;
            spaces(e);
            if (*e->at == ')')
                return fail(e, "an argument is missing");
        } else if (*e->at != ')') {
            return fail(e, "',' or ')' is missing in the arguments of '%s'", name);
        }
    }
    e->at++;
    if (!check_count(e, name, count))
        return false;
    *out = result;
    if (skip || logic || defined)
        return true;
    return branches ? take_branch(e, args, count, out) : finish_call(e, name, args, out);
}

// Elements are strings, numbers or bools, all of one type.
static bool fits_list(struct eval *e, const struct expr_value *v, enum expr_type *element)
{
    if (v->type == EXPR_NONE || v->type == EXPR_LIST)
        return fail(e, "a list cannot hold %s", type_names[v->type]);
    if (*element && v->type != *element)
        return fail(e, "a list cannot hold both %s and %s", type_names[*element], type_names[v->type]);
    *element = v->type;
    return true;
}

// Blank space may stand around commas and in an empty list, nowhere else.
static bool list(struct eval *e, bool skip, struct expr_value *out)
{
    struct expr_value *items = NULL;
    enum expr_type element   = EXPR_NONE;
    size_t count = 0, capacity = 0;
    const char *first = ++e->at;
    spaces(e);
    bool ok = true, more = *e->at != ']';
    if (more)
        e->at = first;
    while (ok && more) {
        struct expr_value v = { EXPR_NONE };
        ok                  = expression(e, skip, true, &v) && (skip || fits_list(e, &v, &element));
        if (ok && count == MAX_ITEMS)
            ok = fail(e, "a list has more than %d elements", MAX_ITEMS);
        if (ok && !array_grow_bytes((void **)&items, &capacity, count + 1, sizeof(*items)))
            ok = fail(e, "out of memory");
        if (!ok)
            break;
        items[count++] = v;
        more           = *e->at != ']';
        if (more)
            spaces(e);
        if (more && *e->at == ',')
            e->at++, spaces(e);
        else if (more)
            ok = fail(e, "',' or ']' is missing in a list");
    }
    struct expr_value *kept = ok ? arena_alloc(e->arena, count * sizeof(*kept) + 1) : NULL;
    if (kept && count)
        memcpy(kept, items, count * sizeof(*kept));
    free(items);
    e->at += ok;
    *out = (struct expr_value) { .type = EXPR_LIST, .element = element, .number = (int64_t)count, .items = kept };
    return ok && (kept || fail(e, "out of memory"));
}

static bool word(struct eval *e, bool skip, struct expr_value *out)
{
    char name[64];
    size_t n = 0;
    while ((isalnum((unsigned char)e->at[n]) || e->at[n] == '_') && n + 1 < sizeof(name)) {
        name[n] = e->at[n];
        n++;
    }
    name[n]          = 0;
    const char *rest = e->at + n;
    while (*rest == ' ')
        rest++;
    if (n && *rest == '(') {
        e->at = rest + 1;
        return call(e, name, skip, out);
    }
    e->at += n;
    if (!strcmp(name, "True") || !strcmp(name, "true"))
        *out = (struct expr_value) { .type = EXPR_BOOL, .number = true };
    else if (!strcmp(name, "False") || !strcmp(name, "false"))
        *out = (struct expr_value) { .type = EXPR_BOOL };
    else if (!strcmp(name, "None") || !strcmp(name, "none"))
        *out = (struct expr_value) { EXPR_NONE };
    else
        return fail(e, "'%.40s' is not an expression", n ? name : e->at);
    return true;
}

static bool integer(struct eval *e, struct expr_value *out)
{
    char *end;
    errno = 0;
    *out  = (struct expr_value) { .type = EXPR_INT, .number = strtoll(e->at, &end, 10) };
    if (errno)
        return fail(e, "the number %.40s has more than 64 bits", e->at);
    e->at = end;
    return true;
}

// One value; `skip` only reads it.
static bool expression(struct eval *e, bool skip, bool in_list, struct expr_value *out)
{
    if (++e->steps > MAX_STEPS || e->depth >= MAX_DEPTH)
        return fail(e, "the expression is too long or nested too deeply");
    e->depth++;
    bool ok, known = false;
    usd_tok name;
    *out = (struct expr_value) { EXPR_NONE };
    if (e->at[0] == '$' && e->at[1] == '{') {
        ok = variable_name(e, &name);
        if (ok && !skip) {
            ok = variable_value(e, name, &known, out);
            if (ok && !known)
                ok = fail(e, "there is no variable '%.60s'", tok_text(name));
        }
    } else if (*e->at == '"' || *e->at == '\'') {
        ok = quoted(e, skip, out);
    } else if (isdigit((unsigned char)*e->at) || (*e->at == '-' && isdigit((unsigned char)e->at[1]))) {
        ok = integer(e, out);
    } else if (*e->at == '[' && !in_list) {
        ok = list(e, skip, out);
    } else {
        ok = word(e, skip, out);
    }
    e->depth--;
    return ok;
}

bool expression_string(const struct expr_vars *vars, const char *text, char *out, char *error)
{
    struct arena a = { 0 };
    arena_init(&a, 64 << 20);
    struct eval e = { .vars = vars, .at = text, .arena = &a, .error = error };
    struct expr_value v;
    *out    = 0;
    bool ok = whole(&e, text, &v);
    if (ok && v.type == EXPR_STRING)
        snprintf(out, EXPRESSION_MAX, "%s", v.text);
    else if (ok && v.type != EXPR_NONE)
        ok = fail(&e, "it gives %s where a string is needed", type_names[v.type]);
    arena_finish(&a);
    return ok;
}

const char *expression_or_report(struct usd_stage *s, const struct layer_stack *st, const struct layer *l, const char *where,
                                 const char *text, char *out)
{
    char error[160];
    if (!expression_is(text))
        return text;
    if (expression_string(st ? st->vars : NULL, text, out, error))
        return out;
    stage_diagnose(s, USD_ERROR, USD_ERR_INVALID, l->identifier, where, "expression %.200s at <%s> fails: %s", text, where, error);
    return NULL;
}

// ---------------------------------------------------------------------------------------------------------------

static bool value_of(struct usd_stage *s, const struct usd_value *v, size_t i, struct expr_value *out)
{
    double number;
    switch (v->type) {
    case USD_TYPE_STRING:
    case USD_TYPE_TOKEN:
        out->type = EXPR_STRING;
        out->text = tok_text(tok_str(((const char *const *)v->data)[i]));
        return true;
    case USD_TYPE_BOOL: *out = (struct expr_value) { .type = EXPR_BOOL, .number = ((const uint8_t *)v->data)[i] != 0 }; return true;
    case USD_TYPE_INT64: *out = (struct expr_value) { .type = EXPR_INT, .number = ((const int64_t *)v->data)[i] }; return true;
    case USD_TYPE_INT:
        usd_value_doubles(v, i, &number, 1);
        *out = (struct expr_value) { .type = EXPR_INT, .number = (int64_t)number };
        return true;
    default: return false;
    }
}

static enum expr_type element_type(enum usd_type t)
{
    return t == USD_TYPE_STRING || t == USD_TYPE_TOKEN ? EXPR_STRING : t == USD_TYPE_BOOL ? EXPR_BOOL : EXPR_INT;
}

static bool read_var(struct usd_stage *s, const struct usd_value *v, struct expr_value *out)
{
    *out = (struct expr_value) { EXPR_NONE };
    if (v->type == USD_TYPE_BLOCK || v->type == USD_TYPE_NONE)
        return true;
    if (!v->is_array)
        return v->count == 1 && value_of(s, v, 0, out);
    pthread_mutex_lock(&s->lock);
    struct expr_value *items = v->count <= MAX_ITEMS ? arena_alloc(&s->arena, v->count * sizeof(*items) + 1) : NULL;
    pthread_mutex_unlock(&s->lock);
    bool ok = items != NULL;
    for (size_t i = 0; ok && i < v->count; i++)
        ok = value_of(s, v, i, &items[i]);
    *out = (struct expr_value) { .type = EXPR_LIST, .element = element_type(v->type), .number = (int64_t)v->count, .items = items };
    return ok;
}

const struct expr_vars *expression_vars(struct usd_stage *s, const struct layer *root, const struct expr_vars *over, bool *own)
{
    const struct field *f = root ? spec_field(root, &root->prims.items[0], T_expressionVariables) : NULL;
    struct usd_value dict = { 0 };
    *own                  = f && field_value(s, root, f, &dict) && dict.type == USD_TYPE_DICTIONARY && dict.count;
    struct expr_vars *v   = NULL;
    if (*own) {
        size_t n = dict.count + (over ? over->count : 0);
        pthread_mutex_lock(&s->lock);
        v = arena_alloc(&s->arena, sizeof(*v) + n * sizeof(v->vars[0]));
        pthread_mutex_unlock(&s->lock);
    }
    for (size_t i = 0; v && over && i < over->count; i++)
        v->vars[v->count++] = over->vars[i];
    for (size_t i = 0; v && i < dict.count; i++) {
        const struct usd_dict_entry *d = &((const struct usd_dict_entry *)dict.data)[i];
        struct expr_var var            = { .name = tok_str(d->key) };
        var.supported                  = read_var(s, &d->value, &var.value);
        if (!find_var(over, var.name))
            v->vars[v->count++] = var;
    }
    usd_value_finish(&dict);
    return v ? v : over;
}

void expression_assets(struct usd_stage *s, const struct layer_stack *st, const struct layer *l, struct usd_value *v)
{
    if (v->type != USD_TYPE_ASSET)
        return;
    const struct usd_asset *assets = v->data;
    bool any                       = false;
    for (size_t i = 0; i < v->count && !any; i++)
        any = expression_is(assets[i].authored);
    struct usd_asset *out = any ? malloc((v->count + 1) * sizeof(*out)) : NULL;
    if (!out)
        return;
    for (size_t i = 0; i < v->count; i++) {
        char text[EXPRESSION_MAX], error[160], resolved[RESOLVED_MAX];
        out[i] = assets[i];
        if (!expression_is(assets[i].authored))
            continue;
        bool ok = expression_string(st->vars, assets[i].authored, text, error) && *text && asset_resolve(s, l->anchor, text, resolved);
        out[i].resolved = ok ? tok_text(tok_str(resolved)) : "";
    }
    bool is_array = v->is_array;
    size_t count  = v->count;
    usd_value_finish(v);
    *v = (struct usd_value) { .type = USD_TYPE_ASSET, .is_array = is_array, .count = count, .data = out, .owned = out };
}
