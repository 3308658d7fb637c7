// What the generators write as text and as crate says the same: each pair flattens to equal text. The crates are
// compressed as exporters do it, and one is large enough that two threads share its tables.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "scenes.h"
#include "stageusd/stageusd.h"

struct text {
    ARRAY_OF(char);
};

static bool append(void *user, const char *text, size_t size)
{
    struct text *t = user;
    return array_append(t, text, size);
}

static bool flatten(const char *path, struct text *out, uint64_t *prims)
{
    usd_stage *s;
    struct usd_error err;
    struct usd_open_options o = { .threads = 4 };
    if (usd_stage_open(path, &o, &s, &err) != USD_OK) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    bool ok = usd_stage_write(s, append, out, &err) == USD_OK && !usd_stage_diagnostic_count(s);
    *prims  = usd_stage_prim_count(s);
    usd_stage_close(&s);
    return ok;
}

static void prims(const char *path, bool crate) { scene_prims_and_mesh(path, crate, 20000, 0); }
static void mesh(const char *path, bool crate) { scene_prims_and_mesh(path, crate, 0, 3000); }
static void references(const char *path, bool crate) { scene_references(path, crate, 300, 7, 8); }
static void single(const char *path, bool crate) { scene_references(path, crate, 300, 7, 0); }
static void own(const char *path, bool crate) { scene_own_indices(path, crate, 700, 3); }
static void instances(const char *path, bool crate) { scene_point_instances(path, crate, 1000); }

int main(void)
{
    static const struct {
        const char *name;
        void (*generate)(const char *path, bool crate);
        uint64_t prims;
    } scenes[] = { { "prims", prims, 20201 }, { "mesh", mesh, 2 }, { "references", references, 300 * 11 + 1 },
                   { "single", single, 301 }, { "own", own, 708 }, { "instances", instances, 2 } };
    char folder[] = "/tmp/test-scenes-XXXXXX", command[64];
    if (!mkdtemp(folder))
        return 1;
    int failures = 0;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        struct text text[2] = { 0 };
        uint64_t count[2]   = { 0 };
        bool ok             = true;
        for (int crate = 0; crate < 2; crate++) {
            char path[128];
            snprintf(path, sizeof(path), "%s/%s.%s", folder, scenes[i].name, crate ? "usdc" : "usda");
            scenes[i].generate(path, crate);
            ok = flatten(path, &text[crate], &count[crate]) && ok;
        }
        ok = ok && text[0].count == text[1].count && !memcmp(text[0].items, text[1].items, text[0].count);
        ok = ok && count[0] == scenes[i].prims && count[1] == scenes[i].prims;
        printf("%s: %llu and %llu prims, %zu and %zu bytes flattened: %s\n", scenes[i].name, (unsigned long long)count[0],
               (unsigned long long)count[1], text[0].count, text[1].count, ok ? "equal" : "DIFFERENT");
        failures += !ok;
        array_free(&text[0]);
        array_free(&text[1]);
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) != 0 || failures;
}
