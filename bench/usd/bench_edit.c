// bench-edit [COUNT]: edits of a stage with COUNT (10,000) references to 100 assets with variants, each followed by its
// commit; and opening the whole stage again, as the alternative. Then of one with as many heirs of a class. Prints the median, the quickest and the slowest.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "scenes.h"
#include "stageusd/stageusd.h"

#define ROUNDS 2001
#define OPENINGS 7

static usd_stage *stage;
static int count;

static void must(int rc, const struct usd_error *err)
{
    if (rc == USD_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static const char *one(int round)
{
    static char path[64];
    snprintf(path, sizeof(path), "/World/I%d", (int)((long long)round * 7919 % count));
    return path;
}

static void transform(int round)
{
    double m[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, round, 0, 0, 1 };
    struct usd_error err;
    must(usd_session_set_transform(stage, one(0), m, USD_TIME_DEFAULT, &err), &err);
}

static void transform_others(int round)
{
    double m[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, round, 0, 0, 1 };
    struct usd_error err;
    must(usd_session_set_transform(stage, one(round), m, USD_TIME_DEFAULT, &err), &err);
}

static void visibility(int round)
{
    struct usd_error err;
    must(usd_session_set_visible(stage, one(3), round & 1, &err), &err);
}

static void variant(int round)
{
    struct usd_error err;
    must(usd_session_set_variant(stage, one(round), "look", round & 1 ? "a" : "b", &err), &err);
}

static void define(int round)
{
    char path[64];
    struct usd_error err;
    snprintf(path, sizeof(path), "/World/New%d", round / 2);
    must(round & 1 ? usd_session_clear(stage, path, &err) : usd_session_define(stage, path, "Sphere", &err), &err);
}

static void class_value(int round)
{
    struct usd_error err;
    double size = round;
    must(usd_session_set_numbers(stage, "/_class.size", "double", &size, 1, USD_TIME_DEFAULT, &err), &err);
}

// Prims that all inherit one class: a commit looks whether its edits reach them.
static void open_heirs(void)
{
    size_t room = 128 + (size_t)count * 64, n = 0;
    char *text  = malloc(room);
    if (!text)
        exit(1);
    n += (size_t)snprintf(text, room, "#usda 1.0\nclass \"_class\" { double size = 1\n}\ndef \"World\" {\n");
    for (int i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, room - n, "def \"I%d\" ( inherits = </_class> ) {}\n", i);
    n += (size_t)snprintf(text + n, room - n, "}\n");
    struct usd_error err;
    must(usd_stage_open_string(text, n, NULL, NULL, NULL, &stage, &err), &err);
    free(text);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double print(const char *what, double *us, int n, double reopening)
{
    qsort(us, (size_t)n, sizeof(*us), by_value);
    printf("%-44s %10.1f us (%.1f to %.1f)", what, us[n / 2], us[0], us[n - 1]);
    if (reopening > 0)
        printf("  reopening takes %.0f times as long", reopening / us[n / 2]);
    putchar('\n');
    fflush(stdout);
    return us[n / 2];
}

static void measure(const char *what, void (*edit)(int), double reopening)
{
    static double us[ROUNDS];
    size_t changes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct usd_error err;
        const struct usd_change *c;
        size_t n;
        int64_t start = clock_mono_ns();
        edit(i);
        must(usd_stage_commit(stage, &c, &n, &err), &err);
        us[i] = (double)(clock_mono_ns() - start) * 1e-3;
        changes += n;
    }
    print(what, us, ROUNDS, reopening);
    if (!changes) { // then nothing was measured
        fprintf(stderr, "%s: no changes\n", what);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/bench-edit-XXXXXX", path[64], command[64];
    count         = argc > 1 ? atoi(argv[1]) : 10000;
    if (count < 1 || !mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/references.usda", folder);
    scene_references(path, false, count, 100, 8);
    double us[OPENINGS];
    struct usd_error err;
    for (int i = 0; i < OPENINGS; i++) {
        usd_stage_close(&stage);
        int64_t start = clock_mono_ns();
        must(usd_stage_open(path, NULL, &stage, &err), &err);
        us[i] = (double)(clock_mono_ns() - start) * 1e-3;
    }
    printf("%d references, %llu prims\n", count, (unsigned long long)usd_stage_prim_count(stage));
    double reopening = print("open the stage", us, OPENINGS, 0);
    measure("move one prim again and again", transform, reopening);
    measure("move one after the other, each the first time", transform_others, reopening);
    measure("hide and show one prim", visibility, reopening);
    measure("switch the variant of one reference", variant, reopening);
    measure("add a prim, and take it back", define, reopening);
    usd_stage_close(&stage);
    open_heirs();
    printf("%d heirs of a class\n", count);
    measure("move one prim again and again", transform, 0);
    measure("a value of the class", class_value, 0);
    usd_stage_close(&stage);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) != 0;
}
