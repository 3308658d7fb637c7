// Every scene of the shared assets (USD Working Group's) opens, says all it can say, and survives two ways of writing:
// each layer as text reads back to the same specs, each flattened stage composes to the same prims and values.
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "stageusd/stageusd.h"

#define SKIP 77

static int files, failures;

static void problem(const char *file, const char *what)
{
    fprintf(stderr, "%s: %s\n", file, what);
    failures++;
}

struct text {
    ARRAY_OF(char);
};

static bool collect(void *user, const char *s, size_t n) { return array_append((struct text *)user, s, n); }

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return h;
}
static uint64_t mix_text(uint64_t h, const char *s) { return mix(h, s, strlen(s) + 1); }

static uint64_t mix_value(uint64_t h, const struct usd_value *v)
{
    h = mix(h, &v->type, sizeof(v->type));
    h = mix(h, &v->count, sizeof(v->count));
    for (size_t i = 0; i < v->count; i++) {
        if (v->type == USD_TYPE_STRING || v->type == USD_TYPE_TOKEN)
            h = mix_text(h, ((const char *const *)v->data)[i]);
        else if (v->type != USD_TYPE_ASSET && v->type != USD_TYPE_DICTIONARY)
            h = mix(h, (const char *)v->data + i * usd_type_size(v->type), usd_type_size(v->type));
    }
    return h;
}

// Everything the properties of a prim say, as one number; file names left out.
static uint64_t mix_properties(uint64_t h, const usd_prim *p)
{
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        struct usd_value v;
        h = mix_text(h, usd_property_name(q));
        h = mix_text(h, usd_property_type_name(q));
        if (usd_attr_get(q, USD_TIME_DEFAULT, &v))
            h = mix_value(h, &v);
        usd_value_finish(&v);
        double times[64];
        size_t n = usd_attr_sample_times(q, times, 64);
        for (size_t k = 0; k < n && k < 64; k++) {
            h = mix(h, &times[k], sizeof(times[k]));
            if (usd_attr_get(q, times[k], &v))
                h = mix_value(h, &v);
            usd_value_finish(&v);
        }
        for (size_t k = 0; k < usd_rel_target_count(q); k++)
            h = mix_text(h, usd_rel_target(q, k));
        for (size_t k = 0; k < usd_attr_connection_count(q); k++)
            h = mix_text(h, usd_attr_connection(q, k));
    }
    return h;
}

static uint64_t digest(const usd_stage *s)
{
    const usd_prim *root = usd_stage_pseudo_root(s);
    uint64_t h           = 14695981039346656037u;
    for (const usd_prim *p = usd_prim_first_child(root); p;) {
        bool skip = !usd_prim_is_active(p) || (usd_prim_parent(p) == root && !strncmp(usd_prim_name(p), "Flattened_Prototype_", 20));
        if (!skip) {
            h = mix_text(h, usd_prim_path(p));
            h = mix_text(h, usd_prim_type_name(p));
            h = mix_properties(h, p);
        }
        p = usd_prim_next(p, root, skip);
    }
    return h;
}

static void check_stage(const char *file)
{
    usd_stage *s, *again = NULL;
    struct usd_error err;
    if (usd_stage_open(file, NULL, &s, &err) != USD_OK) {
        problem(file, err.message);
        return;
    }
    struct text flat = { 0 };
    if (usd_stage_write(s, collect, &flat, &err) != USD_OK
        || usd_stage_open_string(flat.items, flat.count, "flat", "/", NULL, &again, &err) != USD_OK)
        problem(file, err.message);
    else if (digest(s) != digest(again))
        problem(file, "the flattened stage differs");
    usd_stage_close(&again);
    struct usd_bounds b;
    usd_prim_world_bounds(usd_stage_pseudo_root(s), 1, USD_PURPOSE_DEFAULT | USD_PURPOSE_RENDER, &b);
    usd_stage_validate(s);
    usd_stage_close(&s);
    array_free(&flat);
}

// What OpenUSD refuses, too.
static bool is_refused(const char *file)
{
    static const char *const names[] = { "/framesPerSecond_-1.usda", "/framesPerSecond_0.usda" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strstr(file, names[i]))
            return true;
    return false;
}

static void check_refused(const char *file)
{
    usd_stage *s;
    struct usd_error err = { 0 };
    if (usd_stage_open(file, NULL, &s, &err) != USD_ERR_SYNTAX || err.line != 3 || !strstr(err.message, "framesPerSecond"))
        problem(file, "it should be refused for its framesPerSecond");
    usd_stage_close(&s);
}

static void check_layer(const char *file)
{
    struct usd_error err = { 0 };
    struct text layer = { 0 }, twice = { 0 };
    char name[] = "/tmp/stageusd-layer-XXXXXX";
    int fd      = mkstemp(name);
    FILE *out   = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!out || usd_layer_write(file, NULL, collect, &layer, &err) != USD_OK || fwrite(layer.items, 1, layer.count, out) != layer.count
        || fflush(out) || usd_layer_write(name, NULL, collect, &twice, &err) != USD_OK)
        problem(file, err.message);
    else if (layer.count != twice.count || memcmp(layer.items, twice.items, layer.count))
        problem(file, "the layer's text reads back to another layer");
    if (out)
        fclose(out);
    remove(name);
    array_free(&layer);
    array_free(&twice);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    const char *dot = strrchr(path, '.');
    if (type == FTW_F && dot && (!strcmp(dot, ".usd") || !strcmp(dot, ".usda") || !strcmp(dot, ".usdc") || !strcmp(dot, ".usdz"))) {
        files++;
        if (is_refused(path)) {
            check_refused(path);
            return 0;
        }
        check_stage(path);
        check_layer(path);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc < 2 || stat(argv[1], &st)) {
        printf("skipped: %s is not there\n", argc < 2 ? "the folder of shared assets" : argv[1]);
        return SKIP;
    }
    nftw(argv[1], visit, 32, FTW_PHYS);
    printf("%d files, %d problems\n", files, failures);
    return failures || !files;
}
