// Statements of the text format: header, prims, properties, variant sets.
#include "usda.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "spline.h"
#include "usda_parser.h"

#define S CC_SPACE
#define A (CC_NAME_START | CC_NAME)
#define D (CC_NAME | CC_DIGIT)
#define C10(x) x, x, x, x, x, x, x, x, x, x
#define C26(x) C10(x), C10(x), x, x, x, x, x, x
const uint8_t pa_class[256] = {
    ['\t'] = S, ['\n'] = S, ['\r'] = S, [' '] = S, ['_'] = A,
    ['0'] = C10(D), ['A'] = C26(A), ['a'] = C26(A),
    [0x80] = C26(A), C26(A), C26(A), C26(A), C10(A), C10(A), A, A, A, A, // UTF-8
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

// Line, column, and below the message the source line with a caret line.
static void describe(struct parser *p, const char *where, const char *what)
{
    struct usd_error *err = p->err;
    if (!err)
        return;
    where           = where > p->end ? p->end : where;
    uint32_t line   = 1;
    const char *row = p->start;
    for (const char *s = p->start; s < where; s++)
        if (*s == '\n' || (*s == '\r' && s[1] != '\n')) {
            line++;
            row = s + 1;
        }
    size_t width     = strcspn(row, "\r\n");
    size_t column    = (size_t)(where - row);
    const char *from = column > 60 ? row + column - 60 : row; // long lines: the part around the place
    size_t shown     = min_size(width - min_size(width, (size_t)(from - row)), 100);
    char caret[128]  = { 0 };
    size_t n         = min_size((size_t)(where - from), 100);
    for (size_t i = 0; i < n; i++)
        caret[i] = from[i] == '\t' ? '\t' : ' ';
    caret[n]    = '^';
    err->line   = line;
    err->column = (uint32_t)column + 1;
    err->offset = (uint64_t)(where - p->start);
    snprintf(err->message, sizeof(err->message), "%.150s:%u:%u: %.140s\n%.*s\n%s", p->l->identifier, line, err->column, what,
             (int)shown, from, caret);
}

bool pa_fail(struct parser *p, const char *where, const char *format, ...)
{
    if (p->status != USD_OK)
        return false;
    p->status = USD_ERR_SYNTAX;
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (p->err) {
        error_set(p->err, USD_ERR_SYNTAX, p->l->identifier, "%s", what);
        describe(p, where, what);
    }
    return false;
}

bool pa_nomem(struct parser *p)
{
    if (p->status == USD_OK) {
        p->status = USD_ERR_NOMEM;
        error_set(p->err, USD_ERR_NOMEM, p->l->identifier, "%s: memory is exhausted or max_layer_bytes is met",
                  p->l->identifier);
    }
    return false;
}

bool pa_skip_slow(struct parser *p)
{
    for (;;) {
        while (pa_is(*p->p, CC_SPACE))
            p->p++;
        if (*p->p == '#' || (p->p[0] == '/' && p->p[1] == '/')) {
            const char *from = p->p;
            while (*p->p != '\n' && *p->p != '\r' && p->p < p->end)
                p->p++;
            if (!pa_utf8(p, from, p->p))
                return false;
        } else if (p->p[0] == '/' && p->p[1] == '*') {
            if (!pa_inline_slow(p))
                return false;
        } else {
            return true;
        }
    }
}

bool pa_inline_slow(struct parser *p)
{
    for (;;) {
        while (*p->p == ' ' || *p->p == '\t')
            p->p++;
        if (p->p[0] != '/' || p->p[1] != '*')
            return true;
        const char *close = memmem(p->p + 2, (size_t)(p->end > p->p + 2 ? p->end - p->p - 2 : 0), "*/", 2);
        if (!close)
            return pa_fail(p, p->p, "comment is not closed");
        if (!pa_utf8(p, p->p, close))
            return false;
        p->p = close + 2;
    }
}

bool pa_gap(struct parser *p)
{
    if (*p->p != ' ' && *p->p != '\t')
        return pa_fail(p, p->p, p->p >= p->end ? "file ends inside a statement" : "a space is expected");
    return pa_inline(p);
}

bool pa_assign(struct parser *p) { return pa_inline(p) && pa_expect(p, '=', "here") && pa_inline(p); }

size_t utf8_sequence(const uint8_t *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] < 0xe0)
        return (s[1] & 0xc0) == 0x80 ? 2 : 0;
    if (s[0] >= 0xe0 && s[0] < 0xf0) {
        if ((s[1] & 0xc0) != 0x80 || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0))
            return 0;
        return (s[2] & 0xc0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xf0 && s[0] < 0xf5) {
        if ((s[1] & 0xc0) != 0x80 || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90) || (s[2] & 0xc0) != 0x80)
            return 0;
        return (s[3] & 0xc0) == 0x80 ? 4 : 0;
    }
    return 0;
}

bool pa_utf8_slow(struct parser *p, const char *from, const char *to)
{
    while (from < to) {
        size_t n = utf8_sequence((const uint8_t *)from);
        if (!n)
            return pa_fail(p, from, "byte 0x%02x is not UTF-8", (uint8_t)*from);
        from += n;
    }
    return true;
}

bool pa_expect(struct parser *p, char c, const char *context)
{
    if (*p->p == c) {
        p->p++;
        return true;
    }
    if (p->p >= p->end)
        return pa_fail(p, p->p, "file ends where '%c' is expected %s", c, context);
    return pa_fail(p, p->p, "'%c' is expected %s", c, context);
}

bool pa_word(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(p->p, word, n) || pa_is(p->p[n], CC_NAME) || p->p[n] == ':')
        return false;
    p->p += n;
    return true;
}

// Does the line end here, perhaps with a comment? (A block comment of several lines ends none.)
static bool line_ends(const struct parser *p)
{
    return *p->p == '\n' || *p->p == '\r' || *p->p == '#' || (p->p[0] == '/' && p->p[1] == '/');
}

bool pa_separator(struct parser *p, char close)
{
    if (!pa_inline(p))
        return false;
    if (line_ends(p) || (close && *p->p == close))
        return true;
    if (*p->p == ';') {
        p->p++;
        return true;
    }
    return pa_fail(p, p->p, p->p < p->end ? "a new line or ';' is expected between statements" : "file ends where a new line or ';' is expected");
}

// Behind a prim or a variant set: nothing but a new line will do, or the end of the file behind a root prim.
static bool new_line(struct parser *p, bool may_end)
{
    if (!pa_inline(p))
        return false;
    return line_ends(p) || (may_end && p->p >= p->end) || pa_fail(p, p->p, "a new line is expected");
}

bool pa_list_next_slow(struct parser *p, char close)
{
    if (!pa_inline(p))
        return false;
    if (*p->p == ',') {
        p->p++;
        return pa_skip(p);
    }
    if (!pa_skip(p))
        return false;
    if (*p->p == close)
        return true;
    if (*p->p == ',')
        return pa_fail(p, p->p, "the ',' must be on the line of the item before it");
    return pa_fail(p, p->p, "',' or '%c' is expected in a list", close);
}

bool pa_next_is(struct parser *p, char c)
{
    const char *before = p->p;
    if (!pa_inline(p))
        return false;
    if (*p->p == c)
        return true;
    p->p = before;
    return false;
}

bool pa_unicode_names(struct parser *p, const char *from, const char *to)
{
    for (const char *s = from; s < to;) {
        size_t n = *s == ':' || *s == '.' ? 1 : path_name(s, to);
        if (!n)
            return pa_fail(p, s, "this character cannot stand there in a name (a letter, mark or digit of Unicode's XID is expected)");
        s += n;
    }
    return true;
}

bool pa_identifier(struct parser *p, const char **text, size_t *size, bool namespaced, const char *what)
{
    const char *s      = p->p;
    unsigned char bits = 0;
    if (!pa_is(*s, CC_NAME_START))
        return pa_fail(p, s, "%s is expected", what);
    while (pa_is(*s, CC_NAME) || (namespaced && *s == ':' && pa_is(s[1], CC_NAME_START)))
        bits |= (unsigned char)*s++;
    if ((size_t)(s - p->p) > p->limits.max_name_bytes)
        return pa_fail(p, p->p, "name is longer than max_name_bytes (%u)", p->limits.max_name_bytes);
    *text = p->p;
    *size = (size_t)(s - p->p);
    p->p  = s;
    return bits < 0x80 || pa_unicode_names(p, *text, s);
}

bool pa_plain_name(struct parser *p, const char **text, size_t *size, const char *what)
{
    const char *from = p->p, *part;
    for (size_t n;; p->p += 2) {
        if (!pa_identifier(p, &part, &n, false, what))
            return false;
        if (p->p[0] != ':' || p->p[1] != ':')
            break;
    }
    *text = from;
    *size = (size_t)(p->p - from);
    return *size <= p->limits.max_name_bytes || pa_fail(p, from, "name is longer than max_name_bytes (%u)", p->limits.max_name_bytes);
}

bool pa_enter(struct parser *p, uint32_t *depth)
{
    if (++*depth > p->limits.max_nesting)
        return pa_fail(p, p->p, "nesting is deeper than max_nesting (%u)", p->limits.max_nesting);
    return true;
}

// ---------------------------------------------------------------------------------------------------------------

// A prim (or variant) whose body is being read.
struct prim_build {
    uint32_t spec, last_child, last_set, child_count;
    size_t prop_base, field_base;
    struct field_list fields;
};

static bool prim_body(struct parser *p, struct prim_build *b);

static uint32_t new_spec(struct parser *p, const struct prim_spec *s)
{
    if (p->l->prims.count >= UINT32_MAX - 1 || !array_push(&p->l->prims, *s)) {
        pa_nomem(p);
        return 0;
    }
    return (uint32_t)p->l->prims.count - 1;
}

static struct prim_spec *spec_at(struct parser *p, uint32_t i) { return &p->l->prims.items[i]; }

static void link_child(struct parser *p, struct prim_build *parent, uint32_t child)
{
    if (parent->last_child)
        spec_at(p, parent->last_child)->next_sibling = child;
    else
        spec_at(p, parent->spec)->first_child = child;
    parent->last_child = child;
    parent->child_count++;
}

// Lists up to this length are searched one by one, longer ones through the map.
#define PLAIN_SEARCH 12

static uint32_t find_child(struct parser *p, struct prim_build *parent, usd_tok name)
{
    if (parent->child_count > PLAIN_SEARCH) {
        uint64_t *v = hash_map_get(&p->names, (uint64_t)parent->spec << 32 | name);
        return v ? (uint32_t)*v : 0;
    }
    for (uint32_t c = spec_at(p, parent->spec)->first_child; c; c = spec_at(p, c)->next_sibling)
        if (spec_at(p, c)->name == name)
            return c;
    return 0;
}

static bool remember_child(struct parser *p, struct prim_build *parent, uint32_t child)
{
    if (parent->child_count < PLAIN_SEARCH + 1)
        return true;
    uint32_t from = parent->child_count == PLAIN_SEARCH + 1 ? spec_at(p, parent->spec)->first_child : child;
    for (uint32_t c = from; c; c = spec_at(p, c)->next_sibling)
        if (!hash_map_put(&p->names, (uint64_t)parent->spec << 32 | spec_at(p, c)->name, c))
            return pa_nomem(p);
    return true;
}

// Moves the finished properties and fields from the stacks to the layer's tables.
static bool close_prim(struct parser *p, struct prim_build *b)
{
    struct layer *l     = p->l;
    struct prim_spec *s = spec_at(p, b->spec);
    size_t prop_count   = p->props.count - b->prop_base;
    if (l->fields.count + p->fields.count > UINT32_MAX || l->props.count + prop_count > UINT32_MAX)
        return pa_nomem(p);
    s->first_field = (uint32_t)l->fields.count;
    s->field_count = (uint16_t)b->fields.count;
    if (b->fields.count && !array_append(&l->fields, p->fields.items + b->fields.first, b->fields.count))
        return pa_nomem(p);
    s->first_prop = (uint32_t)l->props.count;
    s->prop_count = (uint32_t)prop_count;
    if (!array_reserve(&l->props, l->props.count + prop_count))
        return pa_nomem(p);
    for (size_t i = 0; i < prop_count; i++) {
        struct prop_spec ps = p->props.items[b->prop_base + i].spec;
        uint32_t from       = ps.first_field;
        ps.first_field      = (uint32_t)l->fields.count;
        if (ps.field_count && !array_append(&l->fields, p->fields.items + from, ps.field_count))
            return pa_nomem(p);
        l->props.items[l->props.count++] = ps;
    }
    p->props.count  = b->prop_base;
    p->fields.count = b->field_base;
    return true;
}

static struct prim_build open_build(struct parser *p, uint32_t spec)
{
    return (struct prim_build) { .spec = spec, .prop_base = p->props.count, .field_base = p->fields.count };
}

// "Type", "Type.Type", "Type::Type" of a prim, with spaces around the dots; kept without them.
static bool prim_type(struct parser *p, usd_tok *out)
{
    const char *at = p->p, *part;
    size_t size;
    array_clear(&p->text);
    for (;; p->p++) {
        if (!pa_inline(p) || !pa_plain_name(p, &part, &size, "a type's name"))
            return false;
        if (usda_is_keyword(part, size))
            return pa_fail(p, part, "'%.*s' cannot be the type of a prim", (int)min_size(size, 100), part);
        if (!array_append(&p->text, part, size))
            return pa_nomem(p);
        if (!pa_next_is(p, '.'))
            break;
        if (!array_append(&p->text, ".", 1))
            return pa_nomem(p);
    }
    *out = tok_make(p->text.items, p->text.count);
    return p->status == USD_OK
           && (p->text.count <= p->limits.max_name_bytes || pa_fail(p, at, "name is longer than max_name_bytes (%u)", p->limits.max_name_bytes));
}

// "def Type "name" (metadata) { body }", after the specifier.
static bool prim(struct parser *p, struct prim_build *parent, int specifier)
{
    struct prim_spec s = { .specifier = (unsigned)specifier & 3, .kind = SPEC_PRIM, .parent = parent->spec, .flags = SPEC_SPECIFIER_SET };
    const char *text;
    size_t size;
    if (!pa_gap(p))
        return false;
    if (pa_is(*p->p, CC_NAME_START) && (!prim_type(p, &s.type_name) || !pa_gap(p)))
        return false;
    const char *where = p->p;
    if (!pa_string(p, &text, &size))
        return false;
    if (size > p->limits.max_name_bytes)
        return pa_fail(p, where, "name is longer than max_name_bytes (%u)", p->limits.max_name_bytes);
    if (!size || path_name(text, text + size) != size)
        return pa_fail(p, where, "'%.*s' is not a valid prim name", (int)min_size(size, 100), text);
    s.name = tok_make(text, size);
    if (find_child(p, parent, s.name))
        return pa_fail(p, where, "a prim named '%s' is here already", tok_text(s.name));
    uint32_t index = new_spec(p, &s);
    if (!index)
        return false;
    link_child(p, parent, index);
    if (!remember_child(p, parent, index))
        return false;

    // p->path holds "/" or "/A/B", with its NUL counted.
    size_t path_size = p->path.count;
    if (path_size + size + 2 > p->limits.max_path_bytes)
        return pa_fail(p, where, "path is longer than max_path_bytes (%u)", p->limits.max_path_bytes);
    if (!array_reserve(&p->path, path_size + size + 2))
        return pa_nomem(p);
    size_t from = path_size == 2 ? 0 : path_size - 1;
    p->path.items[from] = '/';
    memcpy(p->path.items + from + 1, tok_text(s.name), size + 1);
    p->path.count = from + size + 2;

    struct prim_build b = open_build(p, index);
    bool ok = pa_skip(p) && pa_metadata(p, &b.fields, ON_PRIM) && pa_skip(p) && pa_expect(p, '{', "to open a prim's body") && pa_enter(p, &p->depth)
              && prim_body(p, &b) && close_prim(p, &b);
    p->path.count                = path_size;
    p->path.items[path_size - 1] = 0;
    p->depth--;
    return ok;
}

// "variantSet "name" = { "variant" (metadata) { body } ... }", after the keyword.
static bool variant_set(struct parser *p, struct prim_build *owner)
{
    const char *text;
    size_t size;
    if (!pa_gap(p))
        return false;
    const char *name_at = p->p;
    if (!pa_string(p, &text, &size) || !pa_variant_name(p, text, size, name_at))
        return false;
    struct prim_spec s = { .name = tok_make(text, size), .kind = SPEC_VARIANT_SET, .parent = owner->spec };
    uint32_t set       = 0;
    for (uint32_t v = spec_at(p, owner->spec)->first_variant_set; v; v = spec_at(p, v)->next_sibling)
        if (spec_at(p, v)->name == s.name)
            set = v;
    struct prim_build b = { 0 };
    if (!set) {
        set = new_spec(p, &s);
        if (!set)
            return false;
        if (owner->last_set)
            spec_at(p, owner->last_set)->next_sibling = set;
        else
            spec_at(p, owner->spec)->first_variant_set = set;
        owner->last_set = set;
    }
    b = open_build(p, set);
    for (uint32_t v = spec_at(p, set)->first_child; v; v = spec_at(p, v)->next_sibling)
        b.last_child = v, b.child_count++;
    if (!pa_inline(p) || !pa_expect(p, '=', "after the name of a variant set") || !pa_skip(p)
        || !pa_expect(p, '{', "to open a variant set"))
        return false;
    for (;;) {
        if (!pa_skip(p))
            return false;
        if (*p->p == '}')
            break;
        const char *where = p->p;
        if (!pa_string(p, &text, &size) || !pa_variant_name(p, text, size, where))
            return false;
        struct prim_spec v = { .name = tok_make(text, size), .kind = SPEC_VARIANT, .parent = set, .specifier = USD_OVER };
        if (find_child(p, &b, v.name))
            return pa_fail(p, where, "a variant named '%s' is here already", tok_text(v.name));
        uint32_t index = new_spec(p, &v);
        if (!index)
            return false;
        link_child(p, &b, index);
        if (!remember_child(p, &b, index))
            return false;
        struct prim_build body = open_build(p, index);
        if (!pa_skip(p) || !pa_metadata(p, &body.fields, ON_PRIM) || !pa_skip(p) || !pa_expect(p, '{', "to open a variant") || !pa_enter(p, &p->depth)
            || !prim_body(p, &body) || !close_prim(p, &body))
            return false;
        p->depth--;
    }
    p->p++;
    return true;
}

static struct prop_build *property(struct parser *p, struct prim_build *b, usd_tok name, usd_tok type, uint8_t flags,
                                   const char *where)
{
    size_t n    = p->props.count - b->prop_base;
    size_t find = SIZE_MAX;
    uint64_t key = (uint64_t)b->spec << 32 | name | 1ull << 63;
    if (n > PLAIN_SEARCH) {
        uint64_t *v = hash_map_get(&p->names, key);
        find        = v ? b->prop_base + (size_t)*v : SIZE_MAX;
    } else {
        for (size_t i = 0; i < n; i++)
            if (p->props.items[b->prop_base + i].spec.name == name)
                find = b->prop_base + i;
    }
    if (find != SIZE_MAX) {
        struct prop_build *old = &p->props.items[find];
        if ((old->spec.flags ^ flags) & PROP_RELATIONSHIP) {
            pa_fail(p, where, "'%s' is both an attribute and a relationship", tok_text(name));
            return NULL;
        }
        if (old->spec.type_name != type) {
            pa_fail(p, where, "'%s' is declared as %s and as %s", tok_text(name), tok_text(old->spec.type_name),
                    tok_text(type));
            return NULL;
        }
        if (!(flags & PROP_RELATIONSHIP) && (old->spec.flags ^ flags) & PROP_UNIFORM) {
            pa_fail(p, where, "'%s' is declared uniform and not uniform", tok_text(name));
            return NULL;
        }
        old->spec.flags |= flags;
        return old;
    }
    struct prop_build fresh = { { .name = name, .type_name = type, .flags = flags } };
    if (!array_push(&p->props, fresh)) {
        pa_nomem(p);
        return NULL;
    }
    n++;
    if (n > PLAIN_SEARCH)
        for (size_t i = n == PLAIN_SEARCH + 1 ? 0 : n - 1; i < n; i++)
            if (!hash_map_put(&p->names, (uint64_t)b->spec << 32 | p->props.items[b->prop_base + i].spec.name | 1ull << 63, i)) {
                pa_nomem(p);
                return NULL;
            }
    return &p->props.items[p->props.count - 1];
}

static struct field_list prop_list(const struct prop_build *pb)
{
    return (struct field_list) { pb->spec.first_field, pb->spec.field_count };
}

static void prop_store(struct parser *p, size_t index, const struct field_list *list)
{
    p->props.items[index].spec.first_field = list->first;
    p->props.items[index].spec.field_count = (uint16_t)list->count;
}

// What only old files have: "rel name.default = <path>" and "rel name[<path>]". It says nothing that is still in use.
static bool old_relationship(struct parser *p)
{
    const char *path;
    bool in_brackets = *p->p++ == '[';
    if (!in_brackets && (!pa_inline(p) || !pa_word(p, "default") || !pa_assign(p)))
        return pa_fail(p, p->p, "default is expected after the dot of a relationship");
    if (!pa_inline(p) || !pa_path(p, PATH_VALUE, &path))
        return false;
    return !in_brackets || (pa_inline(p) && pa_expect(p, ']', "after the path"));
}

// "rel name = targets (metadata)", after "rel".
static bool relationship(struct parser *p, struct prim_build *b, enum listop_kind op, uint8_t flags)
{
    const char *name;
    size_t size;
    if (!pa_gap(p) || !pa_identifier(p, &name, &size, true, "a relationship's name"))
        return false;
    struct prop_build *pb = property(p, b, tok_make(name, size), 0, flags | PROP_RELATIONSHIP, name);
    if (!pb)
        return false;
    size_t index           = (size_t)(pb - p->props.items);
    struct field_list list = prop_list(pb);
    if (op == LISTOP_EXPLICIT && (pa_next_is(p, '[') || pa_next_is(p, '.')))
        return old_relationship(p);
    if (pa_next_is(p, '=')) {
        p->p++;
        if (!pa_path_list(p, &list, T_targetPaths, op))
            return false;
    }
    if (op == LISTOP_EXPLICIT && pa_next_is(p, '(') && !pa_metadata(p, &list, ON_RELATIONSHIP))
        return false;
    if (p->status != USD_OK)
        return false;
    prop_store(p, index, &list);
    return true;
}

// What an attribute statement says before its value.
struct declared {
    enum usd_type type;
    bool is_array;
    usd_tok type_name;
    const char *name;
    size_t name_size;
};

// "type[] name"
static bool declaration(struct parser *p, struct declared *d)
{
    const char *type;
    size_t size;
    if (!pa_plain_name(p, &type, &size, "a property, a prim or '}'"))
        return false;
    d->type = type_from_token(type, size);
    if ((d->type == USD_TYPE_NONE || d->type == USD_TYPE_DICTIONARY) && usda_is_keyword(type, size))
        return pa_fail(p, type, "'%.*s' is not expected here", (int)min_size(size, 100), type);
    d->is_array = pa_next_is(p, '[');
    if (d->is_array) {
        p->p++;
        if (!pa_inline(p) || !pa_expect(p, ']', "after '['"))
            return false;
        if (p->p - type == (ptrdiff_t)size + 2) {
            size += 2;
        } else {
            array_clear(&p->text);
            if (!array_append(&p->text, type, size) || !array_append(&p->text, "[]", 2))
                return pa_nomem(p);
            type = p->text.items;
            size = p->text.count;
        }
    }
    d->type_name = tok_make(type, size);
    return p->status == USD_OK && pa_gap(p) && pa_identifier(p, &d->name, &d->name_size, true, "an attribute's name");
}

// An array edit is no value: what weaker layers say stays. Its text is for those who print the layer.
static bool keep_edit(struct parser *p, const struct declared *d, struct field_list *list, struct field *f, usd_tok name)
{
    layer_warn(p->l, "%s.%.*s: edits of arrays are not applied", p->path.items, (int)min_size(d->name_size, 100), d->name);
    f->name  = name;
    f->count = d->type;
    return fields_add(p, list, f);
}

static bool has_edit(const struct samples *s)
{
    size_t i = 0;
    while (i < s->count && s->values[i].type != VT_UNKNOWN)
        i++;
    return i < s->count;
}

static bool time_samples(struct parser *p, const struct declared *d, struct field_list *list)
{
    struct field f;
    const char *from = p->p;
    if (!pa_samples(p, d->type, d->is_array, d->type_name, &f))
        return false;
    if (d->type == USD_TYPE_NONE || !has_edit(field_ptr(&f)))
        return fields_add(p, list, &f);
    return pa_keep_text(p, from, &f) && keep_edit(p, d, list, &f, T_array_edit_samples);
}

// "connect = ...", "timeSamples = ..." or "spline = ...", behind the dot.
static bool attribute_part(struct parser *p, const struct declared *d, struct field_list *list, enum listop_kind op)
{
    struct field f = { .name = T_default };
    if (pa_word(p, "connect"))
        return pa_assign(p) && pa_path_list(p, list, T_connectionPaths, op);
    if (op != LISTOP_EXPLICIT)
        return pa_fail(p, p->p, "connect is expected: nothing else of an attribute can be edited");
    if (pa_word(p, "timeSamples"))
        return pa_assign(p) && time_samples(p, d, list);
    if (!pa_word(p, "spline"))
        return pa_fail(p, p->p, "connect, timeSamples or spline is expected after the dot");
    if (!spline_type(d->type) || d->is_array)
        return pa_fail(p, p->p, "an attribute of type %s cannot have a spline", tok_text(d->type_name));
    return pa_assign(p) && pa_spline(p, d->type, &f) && fields_add(p, list, &f);
}

// "= value (metadata)", either of which may be missing.
static bool attribute_default(struct parser *p, const struct declared *d, struct field_list *list)
{
    struct field f = { .name = T_default };
    if (pa_next_is(p, '=')) {
        p->p++;
        if (!pa_inline(p))
            return false;
        if (pa_word(p, "AnimationBlock"))
            f.type = VT_ANIMATION_BLOCK;
        else if (!pa_declared_value(p, d->type, d->is_array, d->type_name, &f))
            return false;
        bool edit = f.type == VT_UNKNOWN && d->type != USD_TYPE_NONE;
        if (!(edit ? keep_edit(p, d, list, &f, T_array_edit) : fields_add(p, list, &f)))
            return false;
    }
    return (!pa_next_is(p, '(') || pa_metadata(p, list, ON_ATTRIBUTE)) && p->status == USD_OK;
}

// "type[] name[.timeSamples|.connect|.spline] [= value] (metadata)", at the type.
static bool attribute(struct parser *p, struct prim_build *b, enum listop_kind op, uint8_t flags)
{
    const char *start = p->p;
    struct declared d;
    if (!declaration(p, &d))
        return false;
    struct prop_build *pb = property(p, b, tok_make(d.name, d.name_size), d.type_name, flags, start);
    if (!pb)
        return false;
    size_t index           = (size_t)(pb - p->props.items);
    struct field_list list = prop_list(pb);
    bool ok;
    if (pa_next_is(p, '.')) {
        p->p++;
        ok = pa_inline(p) && attribute_part(p, &d, &list, op);
        if (ok && pa_next_is(p, '('))
            ok = pa_fail(p, p->p, "metadata belongs to the declaration of an attribute, \"%s %.*s (...)\"", tok_text(d.type_name),
                         (int)min_size(d.name_size, 100), d.name);
    } else if (op != LISTOP_EXPLICIT) {
        return pa_fail(p, start, "only connections, relationships and metadata lists can be edited");
    } else {
        ok = attribute_default(p, &d, &list);
    }
    prop_store(p, index, &list);
    return ok && p->status == USD_OK;
}

static bool name_order(struct parser *p, struct prim_build *b, usd_tok field)
{
    return pa_assign(p) && pa_name_list(p, &b->fields, field, LISTOP_EXPLICIT, VT_TOKEN_LISTOP);
}

static int specifier_word(struct parser *p)
{
    if (*p->p == 'd' && pa_word(p, "def"))
        return USD_DEF;
    if (*p->p == 'o' && pa_word(p, "over"))
        return USD_OVER;
    if (*p->p == 'c' && pa_word(p, "class"))
        return USD_CLASS;
    return -1;
}

static bool property_statement(struct parser *p, struct prim_build *b)
{
    enum listop_kind op = pa_listop_word(p);
    if (op != LISTOP_EXPLICIT && !pa_gap(p))
        return false;
    if (op == LISTOP_REORDER) {
        if (pa_word(p, "nameChildren"))
            return name_order(p, b, T_primOrder);
        if (pa_word(p, "properties"))
            return name_order(p, b, T_propertyOrder);
    }
    uint8_t flags = 0;
    if (*p->p == 'c' && pa_word(p, "custom")) {
        flags = PROP_CUSTOM;
        if (!pa_gap(p))
            return false;
    }
    const char *at = p->p;
    bool varying   = *at == 'v' && pa_word(p, "varying");
    if (!varying && ((*at == 'u' && pa_word(p, "uniform")) || (*at == 'c' && pa_word(p, "config"))))
        flags |= PROP_UNIFORM;
    if (p->p != at && !pa_gap(p))
        return false;
    if (*p->p == 'r' && pa_word(p, "rel"))
        return flags & PROP_UNIFORM ? pa_fail(p, at, "a relationship is always uniform; the word is not allowed") : relationship(p, b, op, flags);
    return varying ? pa_fail(p, at, "an attribute that is not uniform is varying; the word is not allowed") : attribute(p, b, op, flags);
}

// Every statement has its end, also the last one before the brace.
static bool prim_body(struct parser *p, struct prim_build *b)
{
    for (;;) {
        if (!pa_skip(p))
            return false;
        if (*p->p == '}')
            break;
        if (p->p >= p->end)
            return pa_fail(p, p->p, "file ends inside the body of <%s>", p->path.items);
        int specifier = specifier_word(p);
        bool ok;
        if (specifier >= 0)
            ok = prim(p, b, specifier) && new_line(p, false);
        else if (*p->p == 'v' && pa_word(p, "variantSet"))
            ok = variant_set(p, b) && new_line(p, false);
        else
            ok = property_statement(p, b) && pa_separator(p, 0);
        if (!ok)
            return false;
    }
    p->p++;
    return true;
}

static bool header(struct parser *p)
{
    while (pa_is(*p->p, CC_SPACE))
        p->p++;
    if (!strncmp(p->p, "\xef\xbb\xbf", 3))
        p->p += 3;
    if (strncmp(p->p, "#usda ", 6))
        return pa_fail(p, p->p, "'#usda 1.0' is expected at the start of a layer");
    const char *version = p->p + 6;
    while (*version == ' ')
        version++;
    size_t n = strspn(version, "0123456789.");
    if (version[0] != '1' || version[1] != '.' || !pa_is(version[2], CC_DIGIT) || !strchr(" \t\r\n", version[n]))
        return pa_fail(p, version, "version 1.x is expected after '#usda'");
    while (*p->p != '\n' && *p->p != '\r' && p->p < p->end)
        p->p++;
    return true;
}

static bool layer_text(struct parser *p)
{
    if (!header(p) || !array_append(&p->path, "/", 2))
        return p->status == USD_OK ? pa_nomem(p) : false;
    struct prim_build b = open_build(p, 0);
    if (!pa_skip(p) || !pa_metadata(p, &b.fields, ON_LAYER))
        return false;
    for (;;) {
        if (!pa_skip(p))
            return false;
        if (p->p >= p->end)
            break;
        int specifier = specifier_word(p);
        if (specifier >= 0) {
            if (!prim(p, &b, specifier) || !new_line(p, true))
                return false;
        } else if (pa_word(p, "reorder")) {
            if (!pa_gap(p) || !pa_word(p, "rootPrims"))
                return pa_fail(p, p->p, "rootPrims is expected after reorder");
            if (!name_order(p, &b, T_primOrder) || !(p->p >= p->end || pa_separator(p, 0)))
                return false;
        } else {
            return pa_fail(p, p->p, "def, over, class or reorder is expected");
        }
    }
    return close_prim(p, &b);
}

bool usda_looks_like(const void *data, size_t size)
{
    const char *s = data, *end = s + size;
    while (s < end && pa_is(*s, CC_SPACE))
        s++;
    if (end - s > 3 && !memcmp(s, "\xef\xbb\xbf", 3))
        s += 3;
    return end - s >= 6 && !memcmp(s, "#usda ", 6);
}

static void finish(struct parser *p)
{
    array_free(&p->fields);
    array_free(&p->props);
    array_free(&p->path);
    array_free(&p->text);
    free(p->array_buf);
    hash_map_finish(&p->names);
}

bool usda_unknown_field(struct layer *l, const struct usd_limits *limits, const char *text, size_t size, struct field *out)
{
    char *copy = calloc(1, size + 16); // the parser looks ahead
    if (!copy)
        return false;
    memcpy(copy, text, size);
    struct parser p        = { .p = copy, .start = copy, .end = copy + size, .l = l, .limits = *limits };
    struct field_list list = { 0 };
    bool ok                = pa_metadata(&p, &list, 0) && p.p == p.end && list.count == 1 && p.fields.items[list.first].name == out->name;
    if (ok)
        *out = p.fields.items[list.first];
    finish(&p);
    free(copy);
    return ok;
}

int usda_parse(struct layer *l, const char *text, size_t size, const struct usd_limits *limits, struct usd_error *err)
{
    struct parser p = { .p = text, .start = text, .end = text + size, .l = l, .limits = *limits, .err = err };
    layer_text(&p);
    finish(&p);
    return p.status;
}
