// stagecast usd tree|dump|cat|flatten|stat|validate FILE
#include "usd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "command.h"

struct options {
    const char *path;
    struct usd_open_options open;
    struct usd_variant_choice variants[64];
    const char *search[64];
    struct usd_variant_fallback fallbacks[16];
    const char *preferred[16][16];
    bool json, properties;
    int depth; // 0 = all
    double time;
};

static int fail(const struct usd_error *err)
{
    fprintf(stderr, "stagecast usd: %s\n", err->message);
    return EXIT_FAILED;
}

static bool open_stage(const struct options *o, usd_stage **s)
{
    struct usd_error err;
    if (usd_stage_open(o->path, &o->open, s, &err) == USD_OK)
        return true;
    fail(&err);
    return false;
}

static void json_string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 32)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

// ---------------------------------------------------------------------------------------------------------------

static void tree_line(const usd_prim *p, int depth, const struct options *o)
{
    static const char *const words[] = { "", "over ", "class " };
    printf("%*s%s", depth * 2, "", usd_prim_name(p));
    if (*usd_prim_type_name(p) || usd_prim_specifier(p) != USD_DEF)
        printf(" (%s%s)", words[usd_prim_specifier(p)], usd_prim_type_name(p));
    if (usd_prim_is_instance(p))
        fputs(" [instance]", stdout);
    if (!usd_prim_is_active(p))
        fputs(" [inactive]", stdout);
    for (size_t i = 0; i < usd_prim_variant_set_count(p); i++)
        printf(" {%s=%s}", usd_prim_variant_set(p, i), usd_prim_variant_selection(p, i));
    putchar('\n');
    for (size_t i = 0; o->properties && i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        printf("%*s.%s", depth * 2 + 2, "", usd_property_name(q));
        if (usd_property_is_relationship(q)) {
            fputs(" ->", stdout);
            for (size_t k = 0; k < usd_rel_target_count(q); k++)
                printf(" <%s>", usd_rel_target(q, k));
        } else {
            struct usd_value v;
            printf(" : %s", usd_property_type_name(q));
            if (usd_attr_get(q, o->time, &v)) {
                fputs(" = ", stdout);
                usd_dump_value(stdout, &v);
            }
            usd_value_finish(&v);
        }
        putchar('\n');
    }
}

static void tree_json(const usd_prim *p, int depth, const struct options *o)
{
    printf("{\"name\":");
    json_string(stdout, usd_prim_name(p));
    printf(",\"path\":");
    json_string(stdout, usd_prim_path(p));
    printf(",\"type\":");
    json_string(stdout, usd_prim_type_name(p));
    printf(",\"children\":[");
    if (!o->depth || depth < o->depth)
        for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c)) {
            tree_json(c, depth + 1, o);
            if (usd_prim_next_sibling(c))
                putchar(',');
        }
    printf("]}");
}

static int run_tree(const struct options *o)
{
    usd_stage *s;
    if (!open_stage(o, &s))
        return EXIT_FAILED;
    const usd_prim *root = usd_stage_pseudo_root(s);
    if (o->json) {
        tree_json(root, 0, o);
        putchar('\n');
    } else {
        int depth = 0;
        for (const usd_prim *p = usd_prim_first_child(root); p;) {
            tree_line(p, depth, o);
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
    usd_stage_close(&s);
    return EXIT_OK;
}

static int run_dump(const struct options *o) { return usd_dump_command(o->path, &o->open); }

static int run_stat(const struct options *o)
{
    int64_t start = clock_mono_ns();
    usd_stage *s;
    if (!open_stage(o, &s))
        return EXIT_FAILED;
    double opened        = (double)(clock_mono_ns() - start) * 1e-9;
    const usd_prim *root = usd_stage_pseudo_root(s);
    uint64_t properties = 0, samples = 0;
    start = clock_mono_ns();
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, usd_prim_is_instance(p)))
        for (size_t i = 0; i < usd_prim_property_count(p); i++, properties++)
            samples += usd_attr_sample_count(usd_prim_property(p, i));
    double traversed = (double)(clock_mono_ns() - start) * 1e-9;
    struct usd_stage_stats t;
    usd_stage_stats(s, &t);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        { "prims", "", (double)t.prims }, { "prims_expanded", "", (double)t.prims_expanded }, { "instances", "", (double)t.instances },
        { "prototypes", "", (double)t.prototypes }, { "properties", "", (double)properties }, { "time_samples", "", (double)samples },
        { "layers", "", (double)t.layers }, { "prim_specs", "", (double)t.prim_specs }, { "property_specs", "", (double)t.property_specs },
        { "text_bytes", "", (double)t.text_bytes }, { "crate_bytes", "", (double)t.crate_bytes },
        { "layer_memory", "bytes", (double)t.layer_memory }, { "stage_memory", "bytes", (double)t.stage_memory },
        { "peak_memory", "bytes", (double)usage.ru_maxrss * 1024 }, { "parse", "s", t.parse_seconds }, { "compose", "s", t.compose_seconds },
        { "open", "s", opened }, { "traverse", "s", traversed }, { "diagnostics", "", (double)usd_stage_diagnostic_count(s) },
    };
    if (o->json)
        putchar('{');
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (o->json)
            printf("%s\"%s\":%.9g", i ? "," : "", rows[i].name, rows[i].value);
        else if (!strcmp(rows[i].unit, "s"))
            printf("%-16s %.4f s\n", rows[i].name, rows[i].value);
        else
            printf("%-16s %.0f%s%s\n", rows[i].name, rows[i].value, *rows[i].unit ? " " : "", rows[i].unit);
    }
    if (o->json)
        puts("}");
    usd_stage_close(&s);
    return EXIT_OK;
}

static int run_validate(const struct options *o)
{
    static const char *const words[] = { "info", "warning", "error" };
    usd_stage *s;
    struct usd_error err;
    if (usd_stage_open(o->path, &o->open, &s, &err) != USD_OK) {
        if (o->json) {
            printf("{\"opened\":false,\"message\":");
            json_string(stdout, err.message);
            puts("}");
            return EXIT_FAILED;
        }
        return fail(&err);
    }
    size_t n = usd_stage_validate(s), errors = 0;
    if (o->json)
        printf("{\"opened\":true,\"findings\":[");
    for (size_t i = 0; i < n; i++) {
        const struct usd_diagnostic *d = usd_stage_diagnostic(s, i);
        errors += d->severity == USD_ERROR;
        if (o->json) {
            printf("%s{\"severity\":\"%s\",\"layer\":", i ? "," : "", words[d->severity]);
            json_string(stdout, d->layer);
            printf(",\"path\":");
            json_string(stdout, d->path);
            printf(",\"message\":");
            json_string(stdout, d->message);
            putchar('}');
        } else {
            printf("%s: %s%s%s%s\n", words[d->severity], d->path, *d->path ? ": " : "", d->message, "");
            if (*d->layer)
                printf("    in %s\n", d->layer);
        }
    }
    if (o->json)
        puts("]}");
    else
        printf("%zu findings, %zu of them errors\n", n, errors);
    usd_stage_close(&s);
    return errors ? EXIT_FAILED : EXIT_OK;
}

static bool write_out(void *user, const char *text, size_t size) { return fwrite(text, 1, size, user) == size; }

static int run_cat(const struct options *o)
{
    struct usd_error err;
    return usd_layer_write(o->path, &o->open, write_out, stdout, &err) == USD_OK && !fflush(stdout) ? EXIT_OK : fail(&err);
}

static int run_flatten(const struct options *o)
{
    usd_stage *s;
    if (!open_stage(o, &s))
        return EXIT_FAILED;
    struct usd_error err = { 0 };
    int rc               = usd_stage_write(s, write_out, stdout, &err);
    usd_stage_close(&s);
    return rc == USD_OK && !fflush(stdout) ? EXIT_OK : fail(&err);
}

// ---------------------------------------------------------------------------------------------------------------

static const struct verb {
    const char *name, *summary;
    int (*run)(const struct options *o);
} verbs[] = {
    { "tree", "the composed prims, indented", run_tree },
    { "dump", "the composed stage in the comparison format", run_dump },
    { "cat", "one layer as text, whatever its format", run_cat },
    { "flatten", "the composed stage as one text layer", run_flatten },
    { "stat", "what the stage holds and what loading it cost", run_stat },
    { "validate", "what is wrong with it", run_validate },
};

static void usage(FILE *out)
{
    fputs("usage: stagecast usd VERB FILE [OPTIONS]\n\n", out);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\n  --json               machine-readable (tree, stat, validate)\n"
          "  --properties         tree: properties with their values too\n"
          "  --depth N            tree: only so deep\n"
          "  --time T             tree: values at this time code\n"
          "  --variant /P:set=sel select a variant; may be repeated\n"
          "  --variant-fallback set=a,b\n"
          "                       where nothing is selected in a set, the first of these it has; may be repeated\n"
          "  --search FOLDER      look for assets here too; may be repeated\n"
          "  --no-payloads        leave payloads out\n"
          "\nFILE is usda, usdc, usdz, usd, or a member of a package: \"car.usdz[geo.usdc]\"\n"
          "\nexamples:\n  stagecast usd tree kitchen.usd --depth 3\n  stagecast usd cat asset.usdc > asset.usda\n"
          "  stagecast usd stat city.usd --variant /City:detail=low --json\n",
          out);
}

static bool add_variant(struct options *o, char *text)
{
    char *colon = strchr(text, ':'), *equal = colon ? strchr(colon, '=') : NULL;
    if (!equal || o->open.variant_count == 64)
        return false;
    *colon = *equal                          = 0;
    o->variants[o->open.variant_count++] = (struct usd_variant_choice) { text, colon + 1, equal + 1 };
    return true;
}

// "SET=A,B"
static bool add_fallback(struct options *o, char *text)
{
    char *name = strchr(text, '=');
    if (!name || name == text || o->open.variant_fallback_count == 16)
        return false;
    *name++           = 0;
    size_t at         = o->open.variant_fallback_count++, n = 0;
    const char **list = o->preferred[at];
    for (char *next; name && *name && n < 16; name = next) {
        next = strchr(name, ',');
        if (next)
            *next++ = 0;
        list[n++] = name;
    }
    o->fallbacks[at] = (struct usd_variant_fallback) { text, list, n };
    return n > 0;
}

int usd_run(int argc, char **argv)
{
    struct options o  = { .time = USD_TIME_DEFAULT };
    o.open.variants     = o.variants;
    o.open.search_paths = o.search;
    o.open.variant_fallbacks = o.fallbacks;
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_BAD_USE : EXIT_OK;
    }
    const struct verb *verb = NULL;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (!strcmp(argv[1], verbs[i].name))
            verb = &verbs[i];
    if (!verb) {
        fprintf(stderr, "stagecast usd: unknown verb '%s'; 'stagecast usd --help' lists them\n", argv[1]);
        return EXIT_BAD_USE;
    }
    for (int i = 2; i < argc; i++) {
        const char *a = argv[i];
        char *value   = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(a, "--json")) {
            o.json = true;
        } else if (!strcmp(a, "--help")) {
            usage(stdout);
            return EXIT_OK;
        } else if (!strcmp(a, "--properties")) {
            o.properties = true;
        } else if (!strcmp(a, "--no-payloads")) {
            o.open.skip_payloads = true;
        } else if (!strcmp(a, "--depth") && value && atoi(value) > 0) {
            o.depth = atoi(value);
            i++;
        } else if (!strcmp(a, "--time") && value) {
            o.time = atof(value);
            i++;
        } else if (!strcmp(a, "--variant") && value && add_variant(&o, value)) {
            i++;
        } else if (!strcmp(a, "--variant-fallback") && value && add_fallback(&o, value)) {
            i++;
        } else if (!strcmp(a, "--search") && value && o.open.search_path_count < 64) {
            o.search[o.open.search_path_count++] = value;
            i++;
        } else if (*a == '-' || o.path) {
            fprintf(stderr, "stagecast usd: '%s' is not understood here; 'stagecast usd --help' tells more\n", a);
            return EXIT_BAD_USE;
        } else {
            o.path = a;
        }
    }
    if (!o.path) {
        fprintf(stderr, "stagecast usd: which file? 'stagecast usd --help' tells more\n");
        return EXIT_BAD_USE;
    }
    return verb->run(&o);
}
