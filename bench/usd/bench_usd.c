// bench-usd [--runs N] [--threads N] [--only NAME] [FOLDER]: opens, composes and traverses generated stages, as text and as
// crate. Prints the median of the runs with the quickest and the slowest. Without FOLDER the files go when it ends.
//
// cpu: processor time of all threads, which a busy machine distorts least. MB/s: file bytes by it. values: every property
// and its value is asked for; a renderer would do so. places: every world matrix, and the bounds of the stage. B/prim:
// memory of layers and stage by composed prim after opening, and once every property was asked for; values: bytes of
// them that are part of it (a crate's large arrays stay in its file).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "scenes.h"
#include "stageusd/stageusd.h"

#define MOST_RUNS 51

static int runs = 5, threads;
static const char *only;
static char folder[512];

// ---------------------------------------------------------------------------------------------------------------

struct series {
    double value[MOST_RUNS];
    int count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void add(struct series *s, double v) { s->value[s->count++] = v; }
static double median(struct series *s)
{
    qsort(s->value, (size_t)s->count, sizeof(double), by_value);
    return s->value[s->count / 2];
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}
static double wall_ms(void) { return (double)clock_mono_ns() * 1e-6; }

static size_t read_values(const usd_stage *s)
{
    size_t bytes         = 0;
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false))
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            struct usd_value v;
            if (usd_attr_get(usd_prim_property(p, i), USD_TIME_DEFAULT, &v))
                bytes += v.count * usd_type_size(v.type);
            usd_value_finish(&v);
        }
    return bytes;
}

static void read_places(const usd_stage *s)
{
    double matrix[16];
    struct usd_bounds b;
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false))
        usd_prim_world_matrix(p, USD_TIME_DEFAULT, matrix);
    usd_prim_world_bounds(root, USD_TIME_DEFAULT, USD_PURPOSE_DEFAULT | USD_PURPOSE_RENDER, &b);
}

static bool count_text(void *user, const char *text, size_t size)
{
    (void)text;
    *(size_t *)user += size;
    return true;
}

static double per_prim(const usd_stage *s)
{
    struct usd_stage_stats st;
    usd_stage_stats(s, &st);
    return (double)(st.layer_memory + st.stage_memory) / (double)(st.prims ? st.prims : 1);
}

static void measure(const char *what, const char *path, bool flatten)
{
    struct series open = { 0 }, cpu = { 0 }, compose = { 0 }, values = { 0 }, places = { 0 }, text = { 0 }, done = { 0 };
    struct usd_stage_stats st = { 0 };
    double opened = 0, touched = 0;
    size_t value_bytes = 0, text_bytes = 0;
    for (int i = 0; i < runs; i++) {
        usd_stage *s;
        struct usd_error err;
        struct usd_open_options o = { .threads = threads };
        double t = wall_ms(), c = cpu_ms();
        if (usd_stage_open(path, &o, &s, &err) != USD_OK) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        add(&open, wall_ms() - t);
        add(&cpu, cpu_ms() - c);
        usd_stage_stats(s, &st);
        add(&compose, st.compose_seconds * 1e3);
        opened      = per_prim(s);
        t           = wall_ms();
        value_bytes = read_values(s);
        add(&values, wall_ms() - t);
        touched = per_prim(s);
        t       = wall_ms();
        read_places(s);
        add(&places, wall_ms() - t);
        if (flatten && !i) {
            t = wall_ms();
            usd_stage_write(s, count_text, &text_bytes, &err);
            add(&text, wall_ms() - t);
        }
        t = wall_ms();
        usd_stage_close(&s);
        add(&done, wall_ms() - t);
    }
    double mb = (double)(st.text_bytes + st.crate_bytes) * 1e-6, middle = median(&open), processor = median(&cpu);
    printf("%-30s %8.1f MB %8llu  %8.1f (%.1f to %.1f) %8.1f %6.0f %8.1f %8.1f %8.1f %7.1f", what, mb, (unsigned long long)st.prims, middle,
           open.value[0], open.value[runs - 1], processor, mb / processor * 1e3, median(&compose), median(&values), median(&places), median(&done));
    if (st.prims >= 1000)
        printf("  %4.0f %4.0f (%.0f)", opened, touched, (double)value_bytes / (double)st.prims);
    if (text_bytes)
        printf("  flattened %.0f MB at %.0f MB/s", (double)text_bytes * 1e-6, (double)text_bytes * 1e-3 / text.value[0]);
    putchar('\n');
    fflush(stdout);
}

// ---------------------------------------------------------------------------------------------------------------

static void prims(const char *path, bool crate) { scene_prims_and_mesh(path, crate, 20000, 0); }
static void mesh(const char *path, bool crate) { scene_prims_and_mesh(path, crate, 0, 1000000); }
static void both(const char *path, bool crate) { scene_prims_and_mesh(path, crate, 20000, 1000000); }
static void references(const char *path, bool crate) { scene_references(path, crate, 10000, 100, 8); }
static void instances(const char *path, bool crate) { scene_point_instances(path, crate, 100000); }
static void million(const char *path, bool crate) { scene_prims_and_mesh(path, crate, 1000000, 0); }
static void own_tenth(const char *path, bool crate) { scene_own_indices(path, crate, 1000000, 10); }
static void own_each(const char *path, bool crate) { scene_own_indices(path, crate, 1000000, 1); }
static void million_references(const char *path, bool crate) { scene_references(path, crate, 1000000, 100, 0); }

static const struct {
    const char *name, *what;
    void (*generate)(const char *path, bool crate);
    bool text, flatten;
} scenes[] = {
    { "prims", "20,000 prims", prims, true, true },
    { "mesh", "mesh, a million triangles", mesh, true, true },
    { "both", "both", both, true, false },
    { "references", "10,000 references, 100 assets", references, true, true },
    { "instances", "100,000 point instances", instances, true, false },
    { "million", "1,000,000 prims", million, true, false },
    { "own_tenth", "the same, each 10th a variant", own_tenth, false, false },
    { "own_each", "the same, each a variant", own_each, false, false },
    { "million_references", "1,000,000 references", million_references, false, false },
};

static void run(size_t i)
{
    for (int crate = !scenes[i].text; crate < 2; crate++) {
        char path[700], what[80];
        snprintf(path, sizeof(path), "%s/%s.%s", folder, scenes[i].name, crate ? "usdc" : "usda");
        if (access(path, R_OK))
            scenes[i].generate(path, crate);
        snprintf(what, sizeof(what), "%s%s", scenes[i].what, crate ? ", crate" : "");
        measure(what, path, scenes[i].flatten && !crate);
    }
}

int main(int argc, char **argv)
{
    bool keep = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--runs") && i + 1 < argc)
            runs = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--only") && i + 1 < argc)
            only = argv[++i];
        else
            keep = snprintf(folder, sizeof(folder), "%s", argv[i]) > 0;
    }
    runs = runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : runs;
    if (keep)
        (void)mkdir(folder, 0777);
    else if (!mkdtemp(strcpy(folder, "/tmp/bench-usd-XXXXXX")))
        return 1;
    printf("%-30s %11s %8s  %-27s %8s %6s %8s %8s %8s %7s  %s\n", "stage (times in ms)", "file", "prims", "    open", "cpu", "MB/s", "compose", "values", "places",
           "close", "B/prim opened, touched (values)");
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        if (!only || !strcmp(only, scenes[i].name))
            run(i);
    if (!keep) {
        char command[600];
        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        return system(command) != 0;
    }
    return 0;
}
