// Documents before 1.39 as 1.39 has them: swizzle nodes became others.
#include <stdio.h>
#include <string.h>

#include "mtlx_document.h"

static struct element *child(struct element *of, const char *name)
{
    for (struct element *c = of->first; c; c = c->next)
        if (!strcmp(c->tag, "input") && mx_attr(c, "name") && !strcmp(mx_attr(c, "name"), name))
            return c;
    return NULL;
}

static struct element *index_input(struct document *d, struct element *node, int index)
{
    struct element *e = arena_alloc(&d->arena, sizeof(*e));
    const char **a    = arena_alloc(&d->arena, 7 * sizeof(*a));
    if (!e || !a) {
        d->full = true;
        return NULL;
    }
    const char *const given[] = { "name", "index", "type", "integer", "value", mx_format(d, "%d", index), NULL };
    memcpy(a, given, sizeof(given));
    *e = (struct element) { .tag = "input", .attributes = a, .parent = node };
    return e;
}

// The place of a channel; -1 when the letter is none.
static int channel_index(char c)
{
    const char *names = "rgbaxyzw", *at = c ? strchr(names, c) : NULL;
    return at ? (int)(at - names) % 4 : -1;
}

// Does picking these channels do what the conversion of one type to the other does?
static bool is_conversion(const char *from, const char *to, const char *channels)
{
    static const char *const rows[][3] = {
        { "color3", "vector3", "rgb" }, { "vector3", "color3", "xyz" }, { "color4", "vector4", "rgba" },
        { "vector4", "color4", "xyzw" }, { "color4", "color3", "rgb" }, { "vector4", "vector3", "xyz" },
    };
    static const char *const sizes[][2] = { { "color3", "3" }, { "color4", "4" }, { "vector2", "2" }, { "vector3", "3" }, { "vector4", "4" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!strcmp(rows[i][0], from) && !strcmp(rows[i][1], to) && !strcmp(rows[i][2], channels))
            return true;
    size_t n = strlen(channels); // a number goes into every channel
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !strcmp(from, "float"); i++)
        if (!strcmp(sizes[i][0], to) && n == (size_t)(*sizes[i][1] - '0'))
            return strspn(channels, "r") == n || strspn(channels, "x") == n;
    return false;
}

// Puts another element, or none, where `old` stands among the children.
static void replace(struct element *parent, struct element *old, struct element *with)
{
    struct element *before = NULL;
    for (struct element *c = parent->first; c && c != old; c = c->next)
        before = c;
    struct element *after = old->next;
    if (with) {
        with->next = after;
        after      = with;
    }
    if (before)
        before->next = after;
    else
        parent->first = after;
    if (parent->last == old)
        parent->last = with ? with : before;
}

static void upgrade_swizzle(struct document *d, struct element *node)
{
    struct element *in = child(node, "in"), *channels = child(node, "channels");
    const char *from = mx_attr(in, "type"), *to = mx_attr(node, "type"), *letters = mx_attr(channels, "value");
    if (!from || !to || !letters || mx_attr(in, "value")) {
        mx_left_out(d, LEFT_SWIZZLE, node, "this swizzle of an older document is not upgraded");
        return;
    }
    int index = channel_index(*letters);
    if (!strcmp(to, "float") && strcmp(from, "float") && !letters[1] && index >= 0) {
        struct element *e = index_input(d, node, index);
        if (!e)
            return;
        node->tag = "extract";
        replace(node, channels, e);
    } else if (is_conversion(from, to, letters)) {
        node->tag = "convert";
        replace(node, channels, NULL);
    } else {
        mx_left_out(d, LEFT_SWIZZLE, node, "this swizzle of an older document is not upgraded");
    }
}

bool mx_is_older(const char *version, int minor_version)
{
    int major, minor;
    return version && sscanf(version, "%d.%d", &major, &minor) == 2 && (major < 1 || (major == 1 && minor < minor_version));
}

// Elements of an included document have their own version.
static bool is_old(const struct document *d, const struct element *e)
{
    while (e->parent && !e->file)
        e = e->parent;
    return mx_is_older(mx_attr(e, "version"), 39) || mx_is_older(mx_attr(d->root, "version"), 39);
}

void mx_upgrade(struct document *d, struct element *e)
{
    for (struct element *c = e->first; c; c = c->next) {
        if (!strcmp(c->tag, "swizzle") && mx_is_node(c) && is_old(d, c))
            upgrade_swizzle(d, c);
        mx_upgrade(d, c); // no deeper than documents may be
    }
}
