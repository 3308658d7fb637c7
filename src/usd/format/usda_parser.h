// State and shared pieces of the text parser: usda.c has statements, usda_value.c values, usda_meta.c metadata.
#pragma once

#include "hash.h"
#include "layer.h"
#include "usda.h"

struct prop_build {
    struct prop_spec spec; // first_field and field_count refer to the field stack
};

struct parser {
    const char *p, *start, *end;
    struct layer *l;
    struct usd_limits limits;
    struct usd_error *err;
    int status;
    uint32_t depth, dictionary_depth; // prims and variants around; dictionaries around: max_nesting each, as for crates
    struct {
        ARRAY_OF(struct field);
    } fields; // stack: prims under construction, innermost on top
    struct {
        ARRAY_OF(struct prop_build);
    } props; // likewise
    struct {
        ARRAY_OF(char);
    } path, text; // path of the prim being read, without variants; decoded string
    void *array_buf; // values of the array being read
    size_t array_capacity;
    struct hash_map names; // (owner << 32 | token) -> index: finds duplicates in long lists
};

// A list of fields that lives on the field stack and moves to its top to grow.
struct field_list {
    uint32_t first, count;
};

bool pa_fail(struct parser *p, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool pa_nomem(struct parser *p);

#define CC_SPACE 1
#define CC_NAME_START 2
#define CC_NAME 4
#define CC_DIGIT 8
extern const uint8_t pa_class[256];
#define pa_is(c, bits) (pa_class[(uint8_t)(c)] & (bits))

bool pa_skip_slow(struct parser *p);
// White space, newlines and comments.
static inline bool pa_skip(struct parser *p)
{
    while (pa_is(*p->p, CC_SPACE))
        p->p++;
    if (*p->p == '#' || *p->p == '/')
        return pa_skip_slow(p);
    return true;
}
// Spaces, tabs and block comments: what may stand between the words of one statement.
bool pa_inline_slow(struct parser *p);
static inline bool pa_inline(struct parser *p)
{
    while (*p->p == ' ' || *p->p == '\t')
        p->p++;
    return *p->p != '/' || pa_inline_slow(p);
}
bool pa_gap(struct parser *p); // the same, with a space or tab first
bool pa_expect(struct parser *p, char c, const char *context);
bool pa_assign(struct parser *p);          // '=' with what may stand around it
bool pa_next_is(struct parser *p, char c); // on this line
bool pa_word(struct parser *p, const char *word); // consumes a whole word when it is next
bool pa_separator(struct parser *p, char close);  // newline or ';' behind a statement; `close` ahead will do unless it is 0
bool pa_list_next_slow(struct parser *p, char close);
// Behind an item: ',' on its line and all white space after it, or `close` ahead.
static inline bool pa_list_next(struct parser *p, char close)
{
    if (*p->p != ',')
        return pa_list_next_slow(p, close);
    p->p++;
    return pa_skip(p);
}
bool pa_utf8_slow(struct parser *p, const char *from, const char *to);
// Fails at the first byte that is not UTF-8.
static inline bool pa_utf8(struct parser *p, const char *from, const char *to)
{
    unsigned char high = 0;
    for (const char *s = from; s < to; s++)
        high |= (unsigned char)*s;
    return high < 0x80 || pa_utf8_slow(p, from, to);
}
bool pa_unicode_names(struct parser *p, const char *from, const char *to); // names with "." and ":" between them; fails elsewhere
bool pa_identifier(struct parser *p, const char **text, size_t *size, bool namespaced, const char *what);
bool pa_plain_name(struct parser *p, const char **text, size_t *size, const char *what); // "name", "name::name"
bool pa_string(struct parser *p, const char **text, size_t *size); // into p->text; valid until the next string
bool pa_enter(struct parser *p, uint32_t *depth); // one level deeper; the caller counts down again

bool fields_add(struct parser *p, struct field_list *list, const struct field *f); // replaces one of the same name
struct field *fields_find(struct parser *p, const struct field_list *list, usd_tok name);

bool pa_none(struct parser *p, struct field *out); // None, when it is next: a block
bool pa_value(struct parser *p, enum usd_type type, bool is_array, struct field *out);
bool pa_generic_value(struct parser *p, struct field *out);
bool pa_raw_value(struct parser *p, struct field *out); // of any shape, kept as text: VT_UNKNOWN
bool pa_keep_text(struct parser *p, const char *from, struct field *out); // what was read since then as VT_UNKNOWN
bool pa_array_edit(struct parser *p, enum usd_type type, struct field *out); // "[ ... ]" behind "edit": VT_UNKNOWN
// A value of the declared type (NONE: not known, then anything), or None, or an edit of an array.
bool pa_declared_value(struct parser *p, enum usd_type type, bool is_array, usd_tok type_name, struct field *out);
bool pa_real(struct parser *p, double *out); // a number, infinity or nan, without quotes
bool pa_dictionary(struct parser *p, struct field *out);
bool pa_samples(struct parser *p, enum usd_type type, bool is_array, usd_tok type_name, struct field *out);
bool pa_spline(struct parser *p, enum usd_type type, struct field *out);
bool pa_path(struct parser *p, enum path_use use, const char **out); // <...>, absolute, kept by the layer
bool pa_asset(struct parser *p, const char **out); // @...@
bool pa_path_list(struct parser *p, struct field_list *list, usd_tok field, enum listop_kind op);

bool pa_metadata(struct parser *p, struct field_list *list, unsigned where); // "(...)", when it is next
bool pa_variant_name(struct parser *p, const char *text, size_t size, const char *at);
bool pa_name_list(struct parser *p, struct field_list *list, usd_tok field, enum listop_kind op, int type);
enum listop_kind pa_listop_word(struct parser *p); // add, delete, ... ; LISTOP_EXPLICIT when none is next
struct listop *pa_listop(struct parser *p, struct field_list *list, usd_tok field, int type);
