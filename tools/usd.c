// stagecast usd tree|dump|cat|flatten|stat|validate FILE
#include "usd.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "write_json.h"

#define MAX_CHOICES 256 // of --variant and --search-path each
#define MAX_FALLBACKS 16 // of --variant-fallback, and names in each

static int fail(const struct usd_error *err)
{
    fprintf(stderr, "stagecast usd: %s\n", err->message);
    return EXIT_FAILED;
}

bool usd_tool_open(const struct usd_tool_options *o, usd_stage **s)
{
    struct usd_error err = { 0 };
    if (usd_stage_open(o->path, &o->open, s, &err) == USD_OK)
        return true;
    fail(&err);
    if (o->json) {
        fputs("{\"error\":", stdout);
        write_json_error(stdout, &err);
        puts("}");
    }
    return false;
}

static int run_dump(const struct usd_tool_options *o) { return usd_dump_command(o->path, &o->open); }

static bool write_out(void *user, const char *text, size_t size) { return fwrite(text, 1, size, user) == size; }

static int run_cat(const struct usd_tool_options *o)
{
    struct usd_error err = { 0 };
    int rc               = usd_layer_write(o->path, &o->open, write_out, stdout, &err);
    return rc == USD_OK || ferror(stdout) ? EXIT_OK : fail(&err);
}

static int run_flatten(const struct usd_tool_options *o)
{
    usd_stage *s;
    if (!usd_tool_open(o, &s))
        return EXIT_FAILED;
    struct usd_error err = { 0 };
    int rc               = usd_stage_write(s, write_out, stdout, &err);
    usd_stage_close(&s);
    return rc == USD_OK || ferror(stdout) ? EXIT_OK : fail(&err);
}

// ---------------------------------------------------------------------------------------------------------------

enum { TREE = 1, DUMP = 2, CAT = 4, FLATTEN = 8, STAT = 16, VALIDATE = 32, STAGES = TREE | DUMP | FLATTEN | STAT | VALIDATE };

static const struct verb {
    const char *name, *summary, *examples;
    int bit;
    int (*run)(const struct usd_tool_options *o);
} verbs[] = {
    { "tree", "the composed prims, indented",
      "  stagecast usd tree kitchen.usd --depth 3\n  stagecast usd tree car.usdz --properties --time 24\n  stagecast usd tree shot.usda --json --properties | jq '.children[].name'\n", TREE,
      usd_tree_command },
    { "dump", "the composed stage in the comparison format", "  stagecast usd dump a.usda > a.txt; stagecast usd dump b.usdc | diff a.txt -\n", DUMP, run_dump },
    { "cat", "one layer as text, whatever its format", "  stagecast usd cat asset.usdc > asset.usda\n  stagecast usd cat 'car.usdz[geo.usdc]'\n", CAT, run_cat },
    { "flatten", "the composed stage as one text layer", "  stagecast usd flatten shot.usda --variant /City:detail=low > flat.usda\n", FLATTEN, run_flatten },
    { "stat", "what the stage holds and what loading it cost", "  stagecast usd stat city.usd\n  stagecast usd stat city.usd --no-payloads --json\n", STAT, usd_stat_command },
    { "validate", "what is wrong with it, and what to do",
      "  stagecast usd validate asset.usdz\n  stagecast usd validate asset.usdz --strict --json > report.json\n", VALIDATE, usd_validate_command },
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static const struct option {
    const char *name, *value, *summary;
    int verbs;
} options[] = {
    { "--json", NULL, "for machines; errors become an object, too", TREE | STAT | VALIDATE },
    { "--properties", NULL, "properties with their values, too", TREE },
    { "--full", NULL, "with --json: long arrays with every element", TREE },
    { "--depth", "N", "only so many levels", TREE },
    { "--time", "T", "values at this time code (without: defaults)", TREE },
    { "--strict", NULL, "warnings fail, too", VALIDATE },
    { "--notes", NULL, "print notes, too", VALIDATE },
    { "--variant", "/P:set=sel", "select a variant; may be repeated", STAGES },
    { "--variant-fallback", "set=a,b", "where nothing is selected in a set, the first of these that it has; may be repeated", STAGES },
    { "--search-path", "FOLDER", "look for assets here, too; may be repeated", STAGES | CAT },
    { "--no-payloads", NULL, "leave payloads out", STAGES },
    { "--session", "FILE", "usda text on top of the stage, as its session layer", STAGES },
    { "--help", NULL, "this text; after a verb: what goes with it", STAGES | CAT },
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static void print_option(FILE *out, const struct option *p)
{
    char name[64];
    snprintf(name, sizeof(name), "%s%s%s", p->name, p->value ? " " : "", p->value ? p->value : "");
    fprintf(out, "  %-26s %s", name, p->summary);
    if (p->verbs != STAGES && p->verbs != (STAGES | CAT)) {
        const char *before = " (";
        for (size_t i = 0; i < VERB_COUNT; i++)
            if (p->verbs & verbs[i].bit) {
                fprintf(out, "%s%s", before, verbs[i].name);
                before = ", ";
            }
        fputc(')', out);
    }
    fputc('\n', out);
}

static void usage(FILE *out, const struct verb *verb)
{
    fprintf(out, "usage: stagecast usd %s FILE [OPTIONS]\n\n", verb ? verb->name : "VERB");
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!verb || verb == &verbs[i])
            fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (!verb || options[i].verbs & verb->bit)
            print_option(out, &options[i]);
    fputs("\nFILE is usda, usdc, usdz, usd, mtlx, or a member of a package: 'car.usdz[geo.usdc]'\n\nexamples:\n", out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!verb || verb == &verbs[i])
            fputs(verbs[i].examples, out);
    fputs("\nexit codes: 0 done; 1 failed, or errors were found (validate); 2 the command line is not understood\n", out);
}

static bool add_variant(struct usd_tool_options *o, struct usd_variant_choice *list, char *text)
{
    char *colon = strchr(text, ':'), *equal = colon ? strchr(colon, '=') : NULL;
    if (*text != '/' || !equal || equal == colon + 1 || o->open.variant_count == MAX_CHOICES)
        return false;
    *colon = *equal              = 0;
    list[o->open.variant_count++] = (struct usd_variant_choice) { text, colon + 1, equal + 1 };
    return true;
}

static bool read_time(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out);
}

static bool read_depth(const char *text, int *out)
{
    char *end;
    long n = strtol(text, &end, 10);
    *out   = n > 0 && n < 1000000 ? (int)n : 0;
    return end != text && !*end && *out;
}

struct lists {
    struct usd_variant_choice variants[MAX_CHOICES];
    const char *search[MAX_CHOICES];
    struct usd_variant_fallback fallbacks[MAX_FALLBACKS];
    const char *preferred[MAX_FALLBACKS][MAX_FALLBACKS];
    char session_folder[4096], *session;
};

// "SET=A,B"
static bool add_fallback(struct usd_tool_options *o, struct lists *lists, char *text)
{
    char *name = strchr(text, '=');
    if (!name || name == text || o->open.variant_fallback_count == MAX_FALLBACKS)
        return false;
    *name++           = 0;
    size_t at         = o->open.variant_fallback_count++, n = 0;
    const char **list = lists->preferred[at];
    for (char *next; name && *name && n < MAX_FALLBACKS; name = next) {
        next = strchr(name, ',');
        if (next)
            *next++ = 0;
        list[n++] = name;
    }
    lists->fallbacks[at] = (struct usd_variant_fallback) { text, list, n };
    return n > 0;
}

// The text stays in memory as long as the program runs.
static bool read_session(struct usd_tool_options *o, struct lists *lists, const char *path)
{
    FILE *f      = fopen(path, "rb");
    char *text   = NULL;
    size_t size  = 0, room = 0, n = 1;
    bool ok      = f != NULL;
    while (ok && n) {
        if (size + 65536 > room) {
            char *more = realloc(text, room = room * 2 + 65536);
            ok         = more != NULL;
            text       = ok ? more : text;
        }
        n = ok ? fread(text + size, 1, 65536, f) : 0;
        size += n;
    }
    ok = ok && !ferror(f);
    if (f)
        fclose(f);
    const char *slash = strrchr(path, '/');
    int length        = slash ? (int)(slash - path) : 1;
    if (!ok || snprintf(lists->session_folder, sizeof(lists->session_folder), "%.*s", length, slash ? path : ".") >= (int)sizeof(lists->session_folder)) {
        free(text);
        return false;
    }
    free(lists->session); // the last one counts
    o->open.session        = lists->session = text;
    o->open.session_size   = size;
    o->open.session_anchor = slash == path ? "/" : lists->session_folder;
    return true;
}

static bool apply(struct usd_tool_options *o, struct lists *lists, const char *name, char *value)
{
    if (!strcmp(name, "--json"))
        return o->json = true;
    if (!strcmp(name, "--properties"))
        return o->properties = true;
    if (!strcmp(name, "--full"))
        return o->full = true;
    if (!strcmp(name, "--strict"))
        return o->strict = true;
    if (!strcmp(name, "--notes"))
        return o->notes = true;
    if (!strcmp(name, "--no-payloads"))
        return o->open.skip_payloads = true;
    if (!strcmp(name, "--session"))
        return read_session(o, lists, value);
    if (!strcmp(name, "--depth"))
        return read_depth(value, &o->depth);
    if (!strcmp(name, "--time"))
        return read_time(value, &o->time);
    if (!strcmp(name, "--variant"))
        return add_variant(o, lists->variants, value);
    if (!strcmp(name, "--variant-fallback"))
        return add_fallback(o, lists, value);
    if (o->open.search_path_count == MAX_CHOICES)
        return false;
    lists->search[o->open.search_path_count++] = value;
    return true;
}

static int bad_use(const char *format, const char *a, const char *b)
{
    fputs("stagecast usd: ", stderr);
    fprintf(stderr, format, a, b);
    fputs("; 'stagecast usd --help' tells more\n", stderr);
    return EXIT_BAD_USE;
}

static const struct option *find_option(const char *name)
{
    if (!strcmp(name, "--search")) // as it was called once
        name = "--search-path";
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (!strcmp(options[i].name, name))
            return &options[i];
    return NULL;
}

// 0: go on. Options may stand before and after the file; what follows "--" is a file.
static int read_options(struct usd_tool_options *o, struct lists *lists, const struct verb *verb, int argc, char **argv)
{
    bool names_only = false;
    for (int i = 2; i < argc; i++) {
        const struct option *p = names_only ? NULL : find_option(argv[i]);
        if (!names_only && !strcmp(argv[i], "--")) {
            names_only = true;
        } else if (!names_only && *argv[i] == '-' && argv[i][1] && !p) {
            return bad_use("unknown option '%s'%s", argv[i], "");
        } else if (!p) {
            if (o->path)
                return bad_use("one file at a time: '%s' comes after '%s'", argv[i], o->path);
            o->path = argv[i];
        } else if (!(p->verbs & verb->bit)) {
            return bad_use("'%s' does not go with '%s'", argv[i], verb->name);
        } else if (p->value && i + 1 == argc) {
            return bad_use("'%s' needs a value (%s)", argv[i], p->value);
        } else {
            char *value = p->value ? argv[++i] : NULL;
            if (!apply(o, lists, p->name, value))
                return bad_use("'%s' is no usable value of %s", value, p->name);
        }
    }
    return o->path ? 0 : bad_use("which file should be read?%s%s", "", "");
}

// Descriptors 0 to 2 must not become those of the files that are opened.
static bool output_is_open(void)
{
    bool open_out = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
    if (!open_out)
        fputs("stagecast usd: the standard output is closed\n", stderr);
    return open_out;
}

static int finish(int code)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    if (errno != EPIPE) // whoever read it has seen enough
        fprintf(stderr, "stagecast usd: the output cannot be written: %s\n", errno ? strerror(errno) : "an earlier part was lost");
    return EXIT_FAILED;
}

int usd_run(int argc, char **argv)
{
    static struct lists lists;
    struct usd_tool_options o = { .time = USD_TIME_DEFAULT };
    o.open.variants           = lists.variants;
    o.open.search_paths       = lists.search;
    o.open.variant_fallbacks  = lists.fallbacks;
    if (argc < 2) {
        usage(stderr, NULL);
        return EXIT_BAD_USE;
    }
    if (!output_is_open())
        return EXIT_FAILED;
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout, NULL);
        return finish(EXIT_OK);
    }
    const struct verb *verb = NULL;
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!strcmp(argv[1], verbs[i].name))
            verb = &verbs[i];
    if (!verb)
        return bad_use("unknown verb '%s'%s", argv[1], "");
    for (int i = 2; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            usage(stdout, verb);
            return finish(EXIT_OK);
        }
    int rc = read_options(&o, &lists, verb, argc, argv);
    return rc ? rc : finish(verb->run(&o));
}
