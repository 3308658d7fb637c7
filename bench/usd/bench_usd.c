// Opening, composing and traversing of generated stages: prims, a big mesh, references with variants, point instances,
// a million prims. Prints one line each: what, size, median and spread of the runs, memory per prim.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "stageusd/stageusd.h"

#define RUNS 5

static char folder[512];
static uint32_t seed = 1; // fixed, so that every run measures the same files

static double random_unit(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) / 16777216.0;
}

static FILE *create(const char *name, char path[700])
{
    snprintf(path, 700, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    setvbuf(f, NULL, _IOFBF, 1 << 20);
    return f;
}

static void write_prims(FILE *f, int count)
{
    for (int i = 0; i < count; i++) {
        if (i % 100 == 0)
            fprintf(f, "%s    def Xform \"Group_%d\" (\n        kind = \"group\"\n    )\n    {\n", i ? "    }\n" : "", i / 100);
        fprintf(f, "        def Cube \"Prim_%d\"\n        {\n            double size = %.4g\n            float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n", i % 100, random_unit());
        fprintf(f, "            double3 xformOp:translate = (%.5g, %.5g, %.5g)\n            uniform token[] xformOpOrder = [\"xformOp:translate\"]\n        }\n\n",
                random_unit(), random_unit(), random_unit());
    }
    fputs("    }\n", f);
}

static void write_mesh(FILE *f, int triangles)
{
    int points = triangles / 2;
    fputs("    def Mesh \"Big\"\n    {\n        int[] faceVertexCounts = [", f);
    for (int i = 0; i < triangles; i++)
        fputs(i ? ", 3" : "3", f);
    fputs("]\n        int[] faceVertexIndices = [", f);
    for (int i = 0; i < triangles * 3; i++)
        fprintf(f, i ? ", %d" : "%d", (int)(random_unit() * points));
    fputs("]\n        point3f[] points = [", f);
    for (int i = 0; i < points; i++)
        fprintf(f, "%s(%.6g, %.6g, %.6g)", i ? ", " : "", random_unit() * 100, random_unit(), random_unit() * 10 - 5);
    fputs("]\n    }\n", f);
}

static void scene(const char *name, char path[700], int prims, int triangles)
{
    FILE *f = create(name, path);
    fputs("#usda 1.0\n(\n    defaultPrim = \"World\"\n)\n\ndef Xform \"World\"\n{\n", f);
    if (prims)
        write_prims(f, prims);
    if (triangles)
        write_mesh(f, triangles);
    fputs("}\n", f);
    fclose(f);
}

static void references(char path[700])
{
    for (int i = 0; i < 100; i++) {
        char name[32], asset[700];
        snprintf(name, sizeof(name), "asset%d.usda", i);
        FILE *f = create(name, asset);
        fputs("#usda 1.0\n( defaultPrim = \"A\" )\ndef Xform \"A\" ( variants = { string look = \"a\" }\n prepend variantSets = \"look\" )\n{\n"
              " def Mesh \"body\" { int[] faceVertexCounts = [3]\n }\n def Scope \"parts\" {\n", f);
        for (int k = 0; k < 8; k++)
            fprintf(f, "  def Cube \"p%d\" { double size = %d\n }\n", k, k);
        fputs(" }\n variantSet \"look\" = {\n  \"a\" { over \"body\" { int x = 1\n } }\n  \"b\" { over \"body\" { int x = 2\n } }\n }\n}\n", f);
        fclose(f);
    }
    FILE *f = create("references.usda", path);
    fputs("#usda 1.0\ndef Xform \"World\"\n{\n", f);
    for (int i = 0; i < 10000; i++)
        fprintf(f, "    def \"I%d\" (\n        prepend references = @./asset%d.usda@\n        variants = { string look = \"%c\" }\n    )\n    {\n    }\n", i, i % 100, i & 1 ? 'a' : 'b');
    fputs("}\n", f);
    fclose(f);
}

static void instances(char path[700])
{
    FILE *f = create("instances.usda", path);
    fputs("#usda 1.0\ndef PointInstancer \"P\"\n{\n    rel prototypes = </P/proto>\n    int[] protoIndices = [", f);
    for (int i = 0; i < 100000; i++)
        fputs(i ? ", 0" : "0", f);
    fputs("]\n    point3f[] positions = [", f);
    for (int i = 0; i < 100000; i++)
        fprintf(f, "%s(%.6g, %.6g, %.6g)", i ? ", " : "", random_unit(), random_unit(), random_unit());
    fputs("]\n    def Sphere \"proto\" {}\n}\n", f);
    fclose(f);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

// Values are read too: everything a renderer would look at.
static size_t traverse(const usd_stage *s)
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

// Processor time of all threads: what a busy machine does not distort.
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void measure(const char *what, const char *path)
{
    double open[RUNS], walk[RUNS], compose[RUNS], cpu[RUNS];
    struct usd_stage_stats st = { 0 };
    size_t bytes              = 0;
    for (int i = 0; i < RUNS; i++) {
        usd_stage *s;
        struct usd_error err;
        int64_t t = clock_mono_ns();
        double c  = cpu_ms();
        if (usd_stage_open(path, NULL, &s, &err) != USD_OK) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        open[i] = (double)(clock_mono_ns() - t) * 1e-6;
        cpu[i]  = cpu_ms() - c;
        t       = clock_mono_ns();
        bytes   = traverse(s);
        walk[i] = (double)(clock_mono_ns() - t) * 1e-6;
        usd_stage_stats(s, &st);
        compose[i] = st.compose_seconds * 1e3;
        usd_stage_close(&s);
    }
    qsort(open, RUNS, sizeof(double), by_value);
    qsort(cpu, RUNS, sizeof(double), by_value);
    qsort(walk, RUNS, sizeof(double), by_value);
    qsort(compose, RUNS, sizeof(double), by_value);
    double mb = (double)(st.text_bytes + st.crate_bytes) * 1e-6;
    printf("%-34s %8llu prims %7.1f MB  open %8.1f ms (%.1f to %.1f), processor %8.1f ms = %6.1f MB/s, of it compose %7.1f  traverse %8.1f ms  %4.0f bytes/prim  %zu value bytes\n",
           what, (unsigned long long)st.prims_expanded, mb, open[RUNS / 2], open[0], open[RUNS - 1], cpu[RUNS / 2], mb / cpu[RUNS / 2] * 1e3,
           compose[RUNS / 2], walk[RUNS / 2], (double)(st.layer_memory + st.stage_memory) / (double)(st.prims ? st.prims : 1), bytes);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char path[700];
    bool keep = argc > 1;
    snprintf(folder, sizeof(folder), "%s", keep ? argv[1] : "/tmp/bench-usd-XXXXXX");
    if (!keep && !mkdtemp(folder))
        return 1;
    scene("prims.usda", path, 20000, 0);
    measure("20,000 prims", path);
    scene("mesh.usda", path, 0, 1000000);
    measure("mesh of a million triangles", path);
    scene("both.usda", path, 20000, 1000000);
    measure("20,000 prims and the mesh", path);
    references(path);
    measure("10,000 references to 100 assets", path);
    instances(path);
    measure("100,000 point instances", path);
    scene("million.usda", path, 1000000, 0);
    measure("1,000,000 prims", path);
    if (!keep) {
        char command[600];
        snprintf(command, sizeof(command), "rm -rf '%s'", folder);
        return system(command) != 0;
    }
    return 0;
}
