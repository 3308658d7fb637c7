// stagecast usd tree: the composed prims, indented or as JSON.
#include <string.h>

#include "command.h"
#include "write_json.h"
#include "usd.h"

#define SHOWN_WHOLE 64 // elements of an array that JSON has whole without --full
#define SHOWN_FIRST 8

static const char *const specifiers[] = { "def", "over", "class" };

static void text_property(const usd_property *q, int indent, double time)
{
    printf("%*s.%s", indent, "", usd_property_name(q));
    if (usd_property_is_relationship(q)) {
        fputs(" ->", stdout);
        for (size_t k = 0; k < usd_rel_target_count(q); k++)
            printf(" <%s>", usd_rel_target(q, k));
    } else {
        struct usd_value v;
        printf(" : %s", usd_property_type_name(q));
        if (usd_attr_get(q, time, &v)) {
            fputs(" = ", stdout);
            usd_dump_value(stdout, &v);
        }
        usd_value_finish(&v);
        for (size_t k = 0; k < usd_attr_connection_count(q); k++)
            printf(" <- <%s>", usd_attr_connection(q, k));
    }
    putchar('\n');
}

static void text_prim(const usd_prim *p, int depth, const struct usd_tool_options *o)
{
    const char *type = usd_prim_type_name(p);
    bool is_def      = usd_prim_specifier(p) == USD_DEF;
    printf("%*s%s", depth * 2, "", usd_prim_name(p));
    if (*type || !is_def)
        printf(" (%s%s%s)", is_def ? "" : specifiers[usd_prim_specifier(p)], is_def || !*type ? "" : " ", type);
    if (usd_prim_is_instance(p))
        fputs(" [instance]", stdout);
    if (!usd_prim_is_active(p))
        fputs(" [inactive]", stdout);
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++)
        printf(" {%s=%s}", usd_prim_variant_set(p, i), usd_prim_variant_selection(p, i));
    putchar('\n');
    for (size_t i = 0; o->properties && i < usd_prim_property_count(p); i++)
        text_property(usd_prim_property(p, i), depth * 2 + 2, o->time);
}

static void text_tree(const usd_prim *root, const struct usd_tool_options *o)
{
    int depth = 0;
    for (const usd_prim *p = usd_prim_first_child(root); p && !ferror(stdout);) {
        text_prim(p, depth, o);
        const usd_prim *down = o->depth && depth + 1 >= o->depth ? NULL : usd_prim_first_child(p);
        if (down) {
            depth++;
            p = down;
            continue;
        }
        while (p && p != root && !usd_prim_next_sibling(p)) {
            p = usd_prim_parent(p);
            depth--;
        }
        p = p && p != root ? usd_prim_next_sibling(p) : NULL;
    }
}

// ---------------------------------------------------------------------------------------------------------------

static void json_paths(const char *key, const usd_property *q, size_t count, const char *(*path)(const usd_property *, size_t), bool *first)
{
    write_json_key(stdout, key, first);
    for (size_t i = 0; i < count; i++) {
        putchar(i ? ',' : '[');
        write_json_string(stdout, path(q, i));
    }
    fputs(count ? "]" : "[]", stdout);
}

static void json_value_of(const usd_property *q, const struct usd_tool_options *o, bool *first)
{
    struct usd_value v;
    if (usd_attr_get(q, o->time, &v)) {
        bool cut = v.is_array && v.count > SHOWN_WHOLE && !o->full;
        if (v.is_array) {
            write_json_key(stdout, "count", first);
            printf("%zu", v.count);
        }
        write_json_key(stdout, cut ? "first" : "value", first);
        if (!cut)
            write_json_value(stdout, &v);
        for (size_t i = 0; cut && i < SHOWN_FIRST; i++) {
            putchar(i ? ',' : '[');
            write_json_element(stdout, &v, i);
        }
        if (cut)
            putchar(']');
    }
    usd_value_finish(&v);
    if (usd_attr_sample_count(q)) {
        write_json_key(stdout, "samples", first);
        printf("%zu", usd_attr_sample_count(q));
    }
}

static void json_property(const usd_property *q, const struct usd_tool_options *o)
{
    bool first = true;
    putchar('{');
    write_json_key(stdout, "name", &first);
    write_json_string(stdout, usd_property_name(q));
    if (usd_property_is_custom(q))
        fputs(",\"custom\":true", stdout);
    if (usd_property_is_relationship(q)) {
        json_paths("targets", q, usd_rel_target_count(q), usd_rel_target, &first);
    } else {
        write_json_key(stdout, "type", &first);
        write_json_string(stdout, usd_property_type_name(q));
        if (usd_property_is_uniform(q))
            fputs(",\"uniform\":true", stdout);
        json_value_of(q, o, &first);
        if (usd_attr_connection_count(q))
            json_paths("connections", q, usd_attr_connection_count(q), usd_attr_connection, &first);
    }
    putchar('}');
}

static void json_variants(const usd_prim *p, bool *first)
{
    size_t sets = usd_prim_variant_set_count(p);
    if (!sets)
        return;
    write_json_key(stdout, "variants", first);
    putchar('{');
    bool none = true;
    for (size_t i = 0; i < sets; i++) {
        write_json_key(stdout, usd_prim_variant_set(p, i), &none);
        fputs("{\"selection\":", stdout);
        write_json_string(stdout, usd_prim_variant_selection(p, i));
        fputs(",\"options\":[", stdout);
        for (size_t k = 0; k < usd_prim_variant_count(p, i); k++) {
            if (k)
                putchar(',');
            write_json_string(stdout, usd_prim_variant(p, i, k));
        }
        fputs("]}", stdout);
    }
    putchar('}');
}

static void json_head(const usd_prim *p, bool *first)
{
    write_json_key(stdout, "name", first);
    write_json_string(stdout, usd_prim_name(p));
    write_json_key(stdout, "path", first);
    write_json_string(stdout, usd_prim_path(p));
    if (usd_prim_parent(p)) {
        write_json_key(stdout, "specifier", first);
        write_json_string(stdout, specifiers[usd_prim_specifier(p)]);
    }
    write_json_key(stdout, "type", first);
    write_json_string(stdout, usd_prim_type_name(p));
    if (*usd_prim_kind(p)) {
        write_json_key(stdout, "kind", first);
        write_json_string(stdout, usd_prim_kind(p));
    }
    if (usd_prim_parent(p) && !usd_prim_is_active(p))
        fputs(",\"active\":false", stdout);
    if (usd_prim_is_instance(p))
        fputs(",\"instance\":true", stdout);
    size_t apis = usd_prim_api_schema_count(p);
    for (size_t i = 0; i < apis; i++) {
        if (!i)
            write_json_key(stdout, "apiSchemas", first);
        putchar(i ? ',' : '[');
        write_json_string(stdout, usd_prim_api_schema(p, i));
    }
    if (apis)
        putchar(']');
    json_variants(p, first);
}

// Recursion is as deep as the namespace, which max_nesting bounds.
static void json_prim(const usd_prim *p, int depth, const struct usd_tool_options *o)
{
    bool first = true;
    putchar('{');
    json_head(p, &first);
    if (o->properties) {
        write_json_key(stdout, "properties", &first);
        putchar('[');
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            if (i)
                putchar(',');
            json_property(usd_prim_property(p, i), o);
        }
        putchar(']');
    }
    write_json_key(stdout, "children", &first);
    putchar('[');
    if (!o->depth || depth < o->depth)
        for (const usd_prim *c = usd_prim_first_child(p); c && !ferror(stdout); c = usd_prim_next_sibling(c)) {
            json_prim(c, depth + 1, o);
            if (usd_prim_next_sibling(c))
                putchar(',');
        }
    fputs("]}", stdout);
}

int usd_tree_command(const struct usd_tool_options *o)
{
    usd_stage *s;
    if (!usd_tool_open(o, &s))
        return EXIT_FAILED;
    if (o->json) {
        json_prim(usd_stage_pseudo_root(s), 0, o);
        putchar('\n');
    } else {
        text_tree(usd_stage_pseudo_root(s), o);
    }
    usd_stage_close(&s);
    return EXIT_OK;
}
