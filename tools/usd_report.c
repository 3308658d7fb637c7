// stagecast usd stat and validate.
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "array.h"
#include "clock.h"
#include "command.h"
#include "write_json.h"
#include "usd.h"

// ---------------------------------------------------------------------------------------------------------------
// stat

struct type_count {
    const char *name;
    uint64_t count;
};
struct types {
    ARRAY_OF(struct type_count);
};

static void count_type(struct types *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].name == name || !strcmp(t->items[i].name, name)) {
            t->items[i].count++;
            return;
        }
    (void)array_push(t, (struct type_count) { name, 1 });
}

static int by_count(const void *a, const void *b)
{
    const struct type_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->name, y->name);
}

static void print_types(const struct types *t, bool json)
{
    if (json) {
        bool first = true;
        fputs(",\"types\":{", stdout);
        for (size_t i = 0; i < t->count; i++) {
            write_json_key(stdout, t->items[i].name, &first);
            printf("%llu", (unsigned long long)t->items[i].count);
        }
        putchar('}');
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        printf("%-16s %llu %s\n", i ? "" : "types", (unsigned long long)t->items[i].count, *t->items[i].name ? t->items[i].name : "(none)");
}

int usd_stat_command(const struct usd_tool_options *o)
{
    int64_t start = clock_mono_ns();
    usd_stage *s;
    if (!usd_tool_open(o, &s))
        return EXIT_FAILED;
    double opened        = (double)(clock_mono_ns() - start) * 1e-9;
    const usd_prim *root = usd_stage_pseudo_root(s);
    uint64_t properties = 0, samples = 0;
    struct types types = { 0 };
    start              = clock_mono_ns();
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, usd_prim_is_instance(p) && usd_prim_in_prototype(p) != p)) {
        count_type(&types, usd_prim_type_name(p));
        for (size_t i = 0; i < usd_prim_property_count(p); i++, properties++)
            samples += usd_attr_sample_count(usd_prim_property(p, i));
    }
    double traversed     = (double)(clock_mono_ns() - start) * 1e-9;
    uint64_t value_bytes = 0;
    start                = clock_mono_ns();
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, usd_prim_is_instance(p) && usd_prim_in_prototype(p) != p))
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            struct usd_value v;
            if (usd_attr_get(usd_prim_property(p, i), USD_TIME_DEFAULT, &v))
                value_bytes += v.count * usd_type_size(v.type);
            usd_value_finish(&v);
        }
    double read = (double)(clock_mono_ns() - start) * 1e-9;
    struct usd_stage_stats t;
    usd_stage_stats(s, &t);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct {
        const char *name, *unit; // "s": seconds, in the second value
        uint64_t count;
        double seconds;
    } rows[] = {
        { "prims", "", t.prims, 0 }, { "prims_expanded", "", t.prims_expanded, 0 }, { "instances", "", t.instances, 0 },
        { "prototypes", "", t.prototypes, 0 }, { "properties", "", properties, 0 }, { "time_samples", "", samples, 0 },
        { "layers", "", t.layers, 0 }, { "prim_specs", "", t.prim_specs, 0 }, { "property_specs", "", t.property_specs, 0 },
        { "text_bytes", "", t.text_bytes, 0 }, { "crate_bytes", "", t.crate_bytes, 0 }, { "prim_indices", "", t.prim_indices, 0 },
        { "default_values", "bytes", value_bytes, 0 }, { "layer_memory", "bytes", t.layer_memory, 0 }, { "table_memory", "bytes", t.table_memory, 0 },
        { "value_memory", "bytes", t.value_memory, 0 }, { "name_memory", "bytes", t.name_memory, 0 },
        { "stage_memory", "bytes", t.stage_memory, 0 }, { "peak_memory", "bytes", (uint64_t)usage.ru_maxrss * 1024, 0 },
        { "parse", "s", 0, t.parse_seconds }, { "compose", "s", 0, t.compose_seconds }, { "open", "s", 0, opened },
        { "traverse", "s", 0, traversed }, { "read_values", "s", 0, read },
        { "processor", "s", 0, (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6 }, { "diagnostics", "", usd_stage_diagnostic_count(s), 0 },
    };
    bool first = true;
    if (o->json)
        putchar('{');
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool time = !strcmp(rows[i].unit, "s");
        if (o->json)
            write_json_key(stdout, rows[i].name, &first);
        else
            printf("%-16s ", rows[i].name);
        if (time)
            printf(o->json ? "%.9g" : "%.4f s\n", rows[i].seconds);
        else
            printf(o->json ? "%llu" : *rows[i].unit ? "%llu bytes\n" : "%llu\n", (unsigned long long)rows[i].count);
    }
    if (types.count)
        qsort(types.items, types.count, sizeof(*types.items), by_count);
    print_types(&types, o->json);
    if (o->json)
        puts("}");
    array_free(&types);
    usd_stage_close(&s);
    return EXIT_OK;
}

// ---------------------------------------------------------------------------------------------------------------
// validate

static const char *const severities[] = { "note", "warning", "error" };

static void json_finding(const struct usd_diagnostic *d)
{
    const struct {
        const char *key, *value;
    } fields[] = { { "severity", d->severity == USD_INFO ? "info" : severities[d->severity] }, { "rule", d->rule }, { "path", d->path }, { "layer", d->layer },
                   { "message", d->message }, { "hint", d->hint } };
    bool first = true;
    putchar('{');
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        write_json_key(stdout, fields[i].key, &first);
        write_json_string(stdout, fields[i].value);
    }
    putchar('}');
}

static void text_finding(const struct usd_diagnostic *d)
{
    printf("%s: %s%s%s [%s]\n", severities[d->severity], d->path, *d->path ? ": " : "", d->message, d->rule);
    if (*d->layer)
        printf("    in %s\n", d->layer);
    if (*d->hint)
        printf("    to do: %s\n", d->hint);
}

int usd_validate_command(const struct usd_tool_options *o)
{
    usd_stage *s;
    struct usd_error err = { 0 };
    if (usd_stage_open(o->path, &o->open, &s, &err) != USD_OK) {
        fprintf(stderr, "stagecast usd: %s\n", err.message);
        if (o->json) {
            fputs("{\"opened\":false,\"error\":", stdout);
            write_json_error(stdout, &err);
            puts(",\"findings\":[]}");
        }
        return EXIT_FAILED;
    }
    size_t n = usd_stage_validate(s), counts[3] = { 0 };
    bool first = true;
    if (o->json)
        printf("{\"opened\":true,\"findings\":[");
    for (size_t i = 0; i < n && !ferror(stdout); i++) {
        const struct usd_diagnostic *d = usd_stage_diagnostic(s, i);
        counts[d->severity]++;
        if (o->json) {
            if (!first)
                putchar(',');
            first = false;
            json_finding(d);
        } else if (d->severity != USD_INFO || o->notes) {
            text_finding(d);
        }
    }
    if (o->json)
        printf("],\"errors\":%zu,\"warnings\":%zu,\"notes\":%zu}\n", counts[USD_ERROR], counts[USD_WARNING], counts[USD_INFO]);
    else
        printf("%zu errors, %zu warnings, %zu notes%s\n", counts[USD_ERROR], counts[USD_WARNING], counts[USD_INFO],
               counts[USD_INFO] && !o->notes ? " (--notes shows them)" : "");
    usd_stage_close(&s);
    return counts[USD_ERROR] || (o->strict && counts[USD_WARNING]) ? EXIT_FAILED : EXIT_OK;
}
