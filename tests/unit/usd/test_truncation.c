// Every valid file of the fuzz corpora, cut at every byte (large ones at evenly spaced places): an error that says where, or, where
// the format allows it, a shorter layer; never a crash. What is read must be the same each time.
#include <dirent.h>

#include "usd_test.h"

static char folder[4096];

#define MOST_CUTS 700 // of one file
#define MAX_FILE (1 << 20)

static bool no_path(const char *path, void *user) { return false; }

static int open_bytes(const void *data, size_t size, usd_stage **s, struct usd_error *err)
{
    struct usd_open_options o = { .allow_path = no_path, .threads = 1 };
    return usd_stage_open_string(data, size, "/t/t.usdz", "/t", &o, s, err);
}

// How many of the cuts are read. `shorter_is_fine`: text and packages may be whole without their end.
static void cut(const char *path, const uint8_t *data, size_t size, bool shorter_is_fine)
{
    size_t step = size / MOST_CUTS + 1;
    for (size_t n = 0; n < size; n += step) {
        uint8_t *exact = malloc(n ? n : 1); // so that a sanitizer sees a byte too many
        assert_non_null(exact);
        memcpy(exact, data, n);
        usd_stage *s;
        struct usd_error err;
        int rc = open_bytes(exact, n, &s, &err);
        free(exact);
        if (rc != USD_OK && (s || !*err.message))
            fail_msg("%s cut at %zu: no message", path, n);
        if (rc == USD_OK && !shorter_is_fine)
            fail_msg("%s cut at %zu of %zu is read", path, n, size);
        if (rc == USD_OK) {
            struct usd_stage_stats stats;
            usd_stage_stats(s, &stats);
        }
        usd_stage_close(&s);
    }
}

static void cut_all(const char *name, bool shorter_is_fine)
{
    static uint8_t data[MAX_FILE];
    char path[4600];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    DIR *d = opendir(path);
    assert_non_null(d);
    size_t valid = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/%.200s", folder, name, e->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        usd_stage *s;
        if (open_bytes(data, size, &s, NULL) != USD_OK)
            continue; // one that is damaged on purpose
        usd_stage_close(&s);
        if (!strncmp(e->d_name, "found_", 6))
            continue;
        cut(path, data, size, shorter_is_fine);
        valid++;
    }
    closedir(d);
    assert_true(valid > 0);
}

static void text(void **state) { cut_all("usda", true); }
static void crates(void **state) { cut_all("crate", false); } // the table of contents stands at the end
static void packages(void **state) { cut_all("usdz", true); }
static void materialx(void **state) { cut_all("mtlx", true); }

// Crates of every version with one byte changed, at every place: in each section, in the header and in the values.
static void flipped_bytes(void **state)
{
    static uint8_t data[MAX_FILE];
    char path[4600];
    snprintf(path, sizeof(path), "%s/crate", folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] != 'v')
            continue;
        snprintf(path, sizeof(path), "%s/crate/%.200s", folder, e->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        for (size_t i = 0; i < size; i += 3) {
            uint8_t keep = data[i];
            data[i] ^= (uint8_t)(1u << i % 8);
            usd_stage *s;
            struct usd_error err;
            if (open_bytes(data, size, &s, &err) == USD_OK) {
                size_t left = 100;
                for (const usd_prim *p = usd_prim_first_child(usd_stage_pseudo_root(s)); p && left--; p = usd_prim_next(p, usd_stage_pseudo_root(s), false))
                    for (size_t k = 0; k < usd_prim_property_count(p); k++) {
                        struct usd_value v;
                        usd_attr_get(usd_prim_property(p, k), 5, &v);
                        usd_value_finish(&v);
                    }
            } else {
                assert_true(*err.message);
            }
            usd_stage_close(&s);
            data[i] = keep;
        }
    }
    closedir(d);
}

int main(int argc, char **argv)
{
    snprintf(folder, sizeof(folder), "%.4000s/../../fuzz/corpus", argc > 1 ? argv[1] : ".");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text), cmocka_unit_test(crates), cmocka_unit_test(packages), cmocka_unit_test(materialx), cmocka_unit_test(flipped_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
