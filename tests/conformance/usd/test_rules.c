// Rules of composition, one small file each (rules/*.txt): layers, then what composing the first of them must give.
//
//   Words until the first section say the rule.
//   --- NAME.usda        a layer, written into a folder of its own; the first one is the root. Any name with a dot.
//   --- options          lines: payloads no | search FOLDER | variant PRIM SET SELECTION | fallback SET A B
//   --- stack            PRIM = LAYER<PATH> ...     all opinions, strongest first ("none": no such prim)
//   --- property         PROPERTY = LAYER<PATH> ... the same for a property
//   --- children         PRIM = NAME ...            composed order
//   --- properties       PRIM = NAME ...            composed order
//   --- dump             prim blocks of `stagecast usd dump`: each line must be printed in the block of its prim; "!" in
//                        front says that it must not be; lines before the first prim belong to the stage
//   --- diagnostics      one line per warning or error of the stage: words of it, joined by " ... ". All of them, no more.
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "array.h"
#include "stageusd/stageusd.h"

#define MAX_LINES 400
#define MAX_OPTIONS 16

struct section {
    char *name, *text;
};
struct rule {
    char *name, *source; // the file's text, cut into sections in place
    struct section sections[64];
    size_t count;
    char folder[64];
    const usd_stage *stage;
    unsigned problems;
};

__attribute__((format(printf, 2, 3))) static void problem(struct rule *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", r->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    r->problems++;
}

static char *read_text(FILE *f)
{
    size_t n = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    for (size_t got; text && (got = fread(text + n, 1, capacity - n - 1, f)); n += got)
        if (n + got + 1 >= capacity)
            text = realloc(text, capacity *= 2);
    if (text)
        text[n] = 0;
    return text;
}

static void split(struct rule *r)
{
    for (char *line = r->source; line && *line;) {
        char *end = strchr(line, '\n');
        if (!strncmp(line, "--- ", 4) && end && r->count < 64) {
            *line = *end = 0;
            r->sections[r->count++] = (struct section) { line + 4, end + 1 };
        }
        line = end ? end + 1 : NULL;
    }
}

static const char *section(const struct rule *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->sections[i].name, name))
            return r->sections[i].text;
    return NULL;
}

// Next line that is not blank, without white space around it, into `out`.
static bool next_line(const char **at, char *out, size_t capacity)
{
    while (**at) {
        size_t n          = strcspn(*at, "\n");
        const char *start = *at;
        *at += n + ((*at)[n] == '\n');
        while (n && (start[n - 1] == ' ' || start[n - 1] == '\t'))
            n--;
        while (n && (*start == ' ' || *start == '\t'))
            start++, n--;
        if (n) {
            snprintf(out, capacity, "%.*s", (int)n, start);
            return true;
        }
    }
    return false;
}

// ---------------------------------------------------------------------------------------------------------------
// Layers and options

static void make_folders(const char *path)
{
    char part[512];
    for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
        mkdir(part, 0700);
    }
}

static const char *write_layers(struct rule *r)
{
    const char *first = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const char *name = r->sections[i].name;
        if (!strchr(name, '.'))
            continue;
        first = first ? first : name;
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", r->folder, name);
        make_folders(path);
        FILE *f = fopen(path, "wb");
        if (!f || fputs(r->sections[i].text, f) < 0)
            problem(r, "%s: %s", path, strerror(errno));
        if (f)
            fclose(f);
    }
    return first;
}

struct options {
    struct usd_open_options open;
    struct usd_variant_choice variants[MAX_OPTIONS];
    const char *search[MAX_OPTIONS];
    struct usd_variant_fallback fallbacks[MAX_OPTIONS];
    const char *preferred[MAX_OPTIONS][4];
    char text[MAX_OPTIONS][3][256];
    size_t used;
};

static void read_options(struct rule *r, struct options *o)
{
    const char *at = section(r, "options");
    char line[512], word[32], name[101];
    o->open.variants     = o->variants;
    o->open.search_paths = o->search;
    o->open.variant_fallbacks = o->fallbacks;
    while (at && o->used < MAX_OPTIONS && next_line(&at, line, sizeof(line))) {
        char(*t)[256] = o->text[o->used++];
        if (!strcmp(line, "payloads no")) {
            o->open.skip_payloads = true;
        } else if (sscanf(line, "%31s %255s %255s %255s", word, t[0], t[1], t[2]) == 4 && !strcmp(word, "variant")) {
            o->variants[o->open.variant_count++] = (struct usd_variant_choice) { t[0], t[1], t[2] };
        } else if (sscanf(line, "fallback %255s %255s %255s", t[0], t[1], t[2]) == 3) {
            size_t number = o->open.variant_fallback_count++;
            o->preferred[number][0] = t[1], o->preferred[number][1] = t[2];
            o->fallbacks[number]    = (struct usd_variant_fallback) { t[0], o->preferred[number], 2 };
        } else if (sscanf(line, "search %100s", name) == 1) {
            snprintf(t[0], sizeof(t[0]), "%s/%s", r->folder, name);
            o->search[o->open.search_path_count++] = t[0];
        } else {
            problem(r, "options: '%s' is not known", line);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Expectations

// Layer identifiers relative to the rule's folder.
static const char *short_name(const struct rule *r, const char *layer)
{
    size_t n = strlen(r->folder);
    return !strncmp(layer, r->folder, n) && layer[n] == '/' ? layer + n + 1 : layer;
}

static void compare(struct rule *r, const char *what, const char *about, const char *expected, const char *found)
{
    if (strcmp(expected, found))
        problem(r, "%s of %s\n  expected %s\n  found    %s", what, about, expected, found);
}

static void append(char *out, size_t capacity, const char *format, ...)
{
    size_t n = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + n, capacity - n, format, args);
    va_end(args);
}

static void describe(const struct rule *r, const char *kind, const char *path, char *out, size_t capacity)
{
    const usd_prim *p     = usd_stage_find(r->stage, path);
    const usd_property *q = !strcmp(kind, "property") ? usd_stage_find_property(r->stage, path) : NULL;
    struct usd_opinion o;
    *out = 0;
    if (!p && !q) {
        snprintf(out, capacity, "none");
    } else if (q) {
        for (size_t i = 0; usd_property_opinion(q, i, &o); i++)
            append(out, capacity, "%s%s<%s>", i ? " " : "", short_name(r, o.layer), o.path);
    } else if (!strcmp(kind, "stack")) {
        for (size_t i = 0; usd_prim_opinion(p, i, &o); i++)
            append(out, capacity, "%s%s<%s>", i ? " " : "", short_name(r, o.layer), o.path);
    } else if (!strcmp(kind, "children")) {
        for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c))
            append(out, capacity, "%s%s", *out ? " " : "", usd_prim_name(c));
    } else {
        for (size_t i = 0; i < usd_prim_property_count(p); i++)
            append(out, capacity, "%s%s", i ? " " : "", usd_property_name(usd_prim_property(p, i)));
    }
}

static void check_lists(struct rule *r, const char *kind)
{
    const char *at = section(r, kind);
    char line[2048], found[4096];
    while (at && next_line(&at, line, sizeof(line))) {
        char *equals = strstr(line, " =");
        if (!equals) {
            problem(r, "%s: '%s' has no ' ='", kind, line);
            continue;
        }
        *equals = 0;
        describe(r, kind, line, found, sizeof(found));
        compare(r, kind, line, equals[2] == ' ' ? equals + 3 : "", found);
    }
}

// Every line of the dump, with the prim that it belongs to.
struct dump_line {
    const char *prim, *line;
};
struct dump {
    char *text;
    struct {
        ARRAY_OF(struct dump_line);
    } lines;
};

static struct dump read_dump(struct rule *r, const char *program, const char *root, const struct options *o)
{
    struct dump d = { 0 };
    int pipes[2];
    const char *argv[8 + MAX_OPTIONS * 3] = { program, "usd", "dump", root };
    int n                                 = 4;
    char words[MAX_OPTIONS][600];
    if (o->open.skip_payloads)
        argv[n++] = "--no-payloads";
    for (size_t i = 0; i < o->open.search_path_count; i++)
        argv[n++] = "--search", argv[n++] = o->search[i];
    char fallbacks[MAX_OPTIONS][800];
    for (size_t i = 0; i < o->open.variant_fallback_count; i++) {
        const struct usd_variant_fallback *f = &o->fallbacks[i];
        snprintf(fallbacks[i], sizeof(fallbacks[i]), "%s=%s,%s", f->variant_set, f->selections[0], f->selections[1]);
        argv[n++] = "--variant-fallback", argv[n++] = fallbacks[i];
    }
    for (size_t i = 0; i < o->open.variant_count; i++) {
        snprintf(words[i], sizeof(words[i]), "%s:%s=%s", o->variants[i].prim_path, o->variants[i].variant_set, o->variants[i].selection);
        argv[n++] = "--variant", argv[n++] = words[i];
    }
    if (pipe(pipes))
        return d;
    pid_t child = fork();
    if (!child) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        close(pipes[1]);
        execv(program, (char *const *)argv);
        _exit(127);
    }
    close(pipes[1]);
    FILE *f = fdopen(pipes[0], "r");
    d.text  = f ? read_text(f) : NULL;
    int status;
    waitpid(child, &status, 0);
    if (f)
        fclose(f);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        problem(r, "the dump failed (status %d)", status);
    const char *prim = "";
    for (char *line = d.text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        line += strspn(line, " ");
        if (!strncmp(line, "prim ", 5))
            prim = line + 5;
        if (*line != '#')
            (void)array_push(&d.lines, (struct dump_line) { prim, line });
    }
    return d;
}

static void check_dump(struct rule *r, const char *program, const char *root, const struct options *o)
{
    const char *at = section(r, "dump");
    if (!at)
        return;
    struct dump d = read_dump(r, program, root, o);
    char line[2048], prim[512] = "";
    while (next_line(&at, line, sizeof(line))) {
        bool absent      = *line == '!';
        const char *want = line + absent + strspn(line + absent, " ");
        if (!strncmp(want, "prim ", 5))
            snprintf(prim, sizeof(prim), "%s", want + 5);
        bool found = false;
        for (size_t i = 0; i < d.lines.count && !found; i++)
            found = !strcmp(d.lines.items[i].prim, prim) && !strcmp(d.lines.items[i].line, want);
        if (found == absent) {
            problem(r, "dump %s '%s' at <%s>; the block there:", absent ? "has" : "lacks", want, prim);
            for (size_t i = 0; i < d.lines.count; i++)
                if (!strcmp(d.lines.items[i].prim, prim))
                    fprintf(stderr, "    %s\n", d.lines.items[i].line);
        }
    }
    array_free(&d.lines);
    free(d.text);
}

static bool says(const char *message, const char *words)
{
    char part[512];
    while (*words) {
        const char *end = strstr(words, " ... ");
        size_t n        = end ? (size_t)(end - words) : strlen(words);
        snprintf(part, sizeof(part), "%.*s", (int)n, words);
        message = strstr(message, part);
        if (!message)
            return false;
        message += n;
        words += end ? n + 5 : n;
    }
    return true;
}

static void check_diagnostics(struct rule *r)
{
    const char *at = section(r, "diagnostics");
    bool *seen     = calloc(usd_stage_diagnostic_count(r->stage) + 1, sizeof(*seen));
    char line[1024];
    while (at && seen && next_line(&at, line, sizeof(line))) {
        bool found = false;
        for (size_t i = 0; i < usd_stage_diagnostic_count(r->stage) && !found; i++)
            if (!seen[i] && says(usd_stage_diagnostic(r->stage, i)->message, line))
                seen[i] = found = true;
        if (!found)
            problem(r, "no diagnostic says '%s'", line);
    }
    for (size_t i = 0; seen && i < usd_stage_diagnostic_count(r->stage); i++) {
        const struct usd_diagnostic *d = usd_stage_diagnostic(r->stage, i);
        if (!seen[i] && d->severity != USD_INFO)
            problem(r, "unexpected diagnostic: %s", d->message);
    }
    free(seen);
}

// ---------------------------------------------------------------------------------------------------------------

static const char *const kinds[] = { "stack", "property", "children", "properties" };

static bool known_section(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(name, kinds[i]))
            return true;
    return strchr(name, '.') || !strcmp(name, "options") || !strcmp(name, "dump") || !strcmp(name, "diagnostics");
}

static unsigned run_rule(const char *folder, const char *file, const char *program)
{
    struct rule r = { .name = strdup(file), .folder = "/tmp/stageusd-rule-XXXXXX" };
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    FILE *f  = fopen(path, "rb");
    r.source = f ? read_text(f) : NULL;
    if (f)
        fclose(f);
    split(&r);
    size_t checks = 0;
    for (size_t i = 0; i < r.count; i++) {
        checks += !strchr(r.sections[i].name, '.') && strcmp(r.sections[i].name, "options");
        if (!known_section(r.sections[i].name))
            problem(&r, "section '%s' is not known", r.sections[i].name);
    }
    if (!r.source || !checks || !mkdtemp(r.folder)) {
        problem(&r, "not a rule: it expects nothing");
    } else {
        static struct options o;
        struct usd_error err;
        usd_stage *s = NULL;
        memset(&o, 0, sizeof(o));
        const char *root = write_layers(&r);
        read_options(&r, &o);
        snprintf(path, sizeof(path), "%s/%s", r.folder, root ? root : "");
        if (usd_stage_open(path, &o.open, &s, &err) != USD_OK) {
            problem(&r, "does not open: %s", err.message);
        } else {
            r.stage = s;
            for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                check_lists(&r, kinds[i]);
            check_diagnostics(&r);
            usd_stage_close(&s);
            check_dump(&r, program, path, &o);
        }
        snprintf(path, sizeof(path), "rm -rf '%s'", r.folder);
        if (system(path))
            problem(&r, "%s stays behind", r.folder);
    }
    free(r.source);
    free(r.name);
    return r.problems;
}

static int is_rule(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 4 && !strcmp(d->d_name + n - 4, ".txt");
}

// Arguments: folder of rules, the program, and optionally the one rule to run.
int main(int argc, char **argv)
{
    struct dirent **list = NULL;
    int count            = argc > 2 ? scandir(argv[1], &list, is_rule, alphasort) : -1;
    unsigned run = 0, failed = 0;
    for (int i = 0; i < count; i++) {
        if (argc < 4 || !strcmp(list[i]->d_name, argv[3])) {
            run++;
            failed += run_rule(argv[1], list[i]->d_name, argv[2]) > 0;
        }
        free(list[i]);
    }
    free(list);
    printf("%u rules, %u failed\n", run, failed);
    return failed || !run;
}
