// Small helpers of the USD tests.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stageusd/stageusd.h"

static inline usd_stage *open_text(const char *text)
{
    usd_stage *s;
    struct usd_error err = { 0 };
    if (usd_stage_open_string(text, strlen(text), NULL, NULL, NULL, &s, &err) != USD_OK)
        fail_msg("%s", err.message);
    return s;
}

static inline const usd_prim *prim(const usd_stage *s, const char *path)
{
    const usd_prim *p = usd_stage_find(s, path);
    if (!p)
        fail_msg("no prim at %s", path);
    return p;
}

static inline double number(const usd_stage *s, const char *path, double time)
{
    double d = NAN;
    if (!usd_attr_get_double(usd_stage_find_property(s, path), time, &d))
        fail_msg("no number at %s", path);
    return d;
}

static inline const char *token(const usd_stage *s, const char *path)
{
    const char *t = NULL;
    if (!usd_attr_get_token(usd_stage_find_property(s, path), USD_TIME_DEFAULT, &t))
        fail_msg("no token at %s", path);
    return t;
}

// Names of the children, each followed by a space.
static inline const char *children(const usd_prim *p)
{
    static char out[1024];
    *out = 0;
    for (const usd_prim *c = usd_prim_first_child(p); c; c = usd_prim_next_sibling(c))
        strcat(strcat(out, usd_prim_name(c)), " ");
    return out;
}

// A folder for the files of one test; removed by remove_folder.
struct folder {
    char path[64];
};
static inline struct folder make_folder(void)
{
    struct folder f = { "/tmp/stageusd-test-XXXXXX" };
    assert_non_null(mkdtemp(f.path));
    return f;
}
static inline const char *write_file(const struct folder *f, const char *name, const char *text)
{
    static char path[128];
    snprintf(path, sizeof(path), "%.60s/%.60s", f->path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(text, 1, strlen(text), file);
    fclose(file);
    return path;
}
static inline void remove_folder(const struct folder *f)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    assert_int_equal(system(command), 0);
}
static inline usd_stage *open_file(const char *path)
{
    usd_stage *s;
    struct usd_error err = { 0 };
    if (usd_stage_open(path, NULL, &s, &err) != USD_OK)
        fail_msg("%s", err.message);
    return s;
}

// What a writer wrote: for usd_stage_write() and usd_layer_write().
struct short_text {
    char b[8192];
    size_t n;
};
static inline bool collect_text(void *user, const char *text, size_t size)
{
    struct short_text *t = user;
    assert_true(t->n + size < sizeof(t->b));
    memcpy(t->b + t->n, text, size);
    t->n += size;
    t->b[t->n] = 0;
    return true;
}
