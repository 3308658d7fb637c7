// Edits of arrays, of version 1.2 of the text format:
//
//     int[] a = edit [ prepend 1; write [0] to [-1]
//         resize 8 fill 0 ]
//
// They are read and kept as text; nothing applies them.
#include <string.h>

#include "usda_parser.h"

// "[i]", an element by its place; a negative one counts from the end.
static bool place(struct parser *p)
{
    struct field i;
    return pa_expect(p, '[', "before the place of an element") && pa_inline(p) && pa_value(p, USD_TYPE_INT64, false, &i) && pa_inline(p)
           && pa_expect(p, ']', "behind the place of an element");
}

// A value, or an element that is there already.
static bool source(struct parser *p, enum usd_type type)
{
    struct field value;
    return pa_gap(p) && (*p->p == '[' ? place(p) : pa_value(p, type, false, &value));
}

static bool size(struct parser *p, bool may_fill, enum usd_type type)
{
    struct field count;
    if (!pa_gap(p) || !pa_value(p, USD_TYPE_UINT64, false, &count))
        return false;
    const char *end = p->p;
    if (!may_fill || !pa_inline(p))
        return p->status == USD_OK;
    if (pa_word(p, "fill"))
        return source(p, type);
    p->p = end;
    return true;
}

// "to [i]" or "at [i]" behind a value
static bool target(struct parser *p, const char *word)
{
    if (!pa_gap(p))
        return false;
    return (pa_word(p, word) || pa_fail(p, p->p, "'%s' and the place of an element are expected", word)) && pa_inline(p) && place(p);
}

static bool instruction(struct parser *p, enum usd_type type)
{
    if (pa_word(p, "prepend") || pa_word(p, "append"))
        return source(p, type);
    if (pa_word(p, "write"))
        return source(p, type) && target(p, "to");
    if (pa_word(p, "insert"))
        return source(p, type) && target(p, "at");
    if (pa_word(p, "erase"))
        return pa_inline(p) && place(p);
    if (pa_word(p, "minsize") || pa_word(p, "resize"))
        return size(p, true, type);
    return pa_word(p, "maxsize") ? size(p, false, type) : pa_fail(p, p->p, "write, insert, erase, prepend, append or a size is expected");
}

bool pa_array_edit(struct parser *p, enum usd_type type, struct field *out)
{
    const char *from = p->p - strlen("edit");
    if (!pa_inline(p) || !pa_expect(p, '[', "to open the edits of an array") || !pa_skip(p))
        return false;
    while (*p->p != ']')
        if (!instruction(p, type) || !pa_separator(p, ']') || !pa_skip(p))
            return false;
    p->p++;
    return pa_keep_text(p, from, out);
}
