// Binary layers of every version (written by make_crate.py, kept with the fuzz corpus), damage, and packages.
#include "usd_test.h"

#include "lz4.h"

static char corpus[512];
static const char *const versions[] = { "0_0_1", "0_1_0", "0_2_0", "0_4_0", "0_5_0", "0_6_0", "0_7_0", "0_8_0", "0_13_0" };

static unsigned char *read_whole(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("no file %s", path);
    static unsigned char data[1 << 16];
    *size = fread(data, 1, sizeof(data), f);
    fclose(f);
    return data;
}

static void check_stage(const usd_stage *s, const char *version)
{
    assert_string_equal(usd_prim_path(usd_stage_default_prim(s)), "/W");
    assert_string_equal(children(prim(s, "/W")), "inside m k ");
    assert_string_equal(usd_prim_variant_selection(prim(s, "/W"), 0), "a");
    struct usd_value v;
    double d[16];
    assert_true(usd_attr_get(usd_stage_find_property(s, "/W/m.points"), NAN, &v));
    assert_int_equal(v.count, 20);
    assert_true(usd_value_doubles(&v, 19, d, 3) && d[0] == 19 && d[1] == 38 && d[2] == -19);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/W/m.faceVertexIndices"), NAN, &v));
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(((const int32_t *)v.data)[i], i);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/W/m.widths"), NAN, &v));
    for (size_t i = 0; i < 20; i++)
        assert_true(((const float *)v.data)[i] == 1 + (float)(i % 2));
    usd_value_finish(&v);
    assert_true(number(s, "/W/m.x", NAN) == 0.1 && number(s, "/W/m.x", 4) == 2);
    assert_false(usd_attr_get(usd_stage_find_property(s, "/W/m.x"), 21, &v)); // the last sample blocks
    struct usd_asset a;
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/W/m.tex"), NAN, &a));
    assert_string_equal(a.authored, "t.png");
    assert_true(usd_attr_get(usd_stage_find_property(s, "/W/m.names"), NAN, &v));
    assert_string_equal(((const char *const *)v.data)[1], "q");
    usd_value_finish(&v);
    assert_true(usd_attr_get_matrix4d(usd_stage_find_property(s, "/W/m.mat"), NAN, d));
    assert_true(d[0] == 1 && d[5] == 2 && d[10] == 3 && d[15] == 4 && d[1] == 0);
    assert_true(usd_property_is_custom(usd_stage_find_property(s, "/W/m.mat")));
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/W/m.r"), 0), "/W/k");
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/W/m.f"), 0), "/W/m.x");
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/I.f"), 0), "/I.x"); // through the reference
    assert_true(usd_prim_metadata(prim(s, "/I"), "customData", &v));
    assert_true(usd_value_doubles(usd_dict_find(&v, "n"), 0, d, 1) && d[0] == 7);
    assert_string_equal(*(const char *const *)usd_dict_find(&v, "d:s")->data, "deep");
    usd_value_finish(&v);
}

static void every_version(void **state)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/v%s.usdc", corpus, versions[i]);
        usd_stage *s = open_file(path);
        check_stage(s, versions[i]);
        usd_stage_close(&s);
    }
}

static void rare_values_read_as_their_text(void **state)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/rare.usdc", corpus);
    struct short_text text = { .n = 0 };
    assert_int_equal(usd_layer_write(path, NULL, collect_text, &text, NULL), USD_OK);
    static const char *const lines[] = {
        "#usda 1.3\n", "        post: loop reset(1),\n", "autoEase", "    prepend ids = [1, -2]\n", "    delete big = [18446744073709551615]\n", "    all = None\n", "    note = (1, \"two\")\n",
        "    append notes = [3, \"four\"]\n", "    table = {\n        int a = 1\n        string b = \"x\"\n    }\n",
        "    bad = \"\"\"1)\n)\ndef \\\"Q\\\" {}\n(\"\"\"\n", // no value in the text format, so a string
        "    int[] e = edit [write 5 to [0]; write [1] to [-1]; prepend 6; insert [2] at [1]; append 5; erase [3]; minsize 4; resize 9 fill 6; maxsize 8]\n",
        "    int[] dense = [7, 8]\n", "    uniform int old\n", "            string n = \"first\"\n", "    int[] t.timeSamples = {\n        0: [1],\n    }\n",
        "(offset = 2; customData = {\n        int a = 1\n        dictionary d = {\n            string s = \"deep\"\n        }\n    })\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        if (!strstr(text.b, lines[i]))
            fail_msg("missing: %s in %s", lines[i], text.b);
    usd_stage *s = open_file(path);
    assert_int_equal(usd_stage_diagnostic_count(s), 2); // edits are not applied
    assert_false(usd_attr_has_value(usd_stage_find_property(s, "/P.e")));
    assert_true(number(s, "/P.b", 1.5) == 2 && number(s, "/P.b", 2.5) == 2 && number(s, "/P.b", 4) == 1);
    usd_stage_close(&s);
}

static void a_dictionary_that_holds_itself_ends(void **state)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/bomb.usdc", corpus);
    usd_stage *s = open_file(path);
    struct usd_stage_stats stats;
    usd_stage_stats(s, &stats);
    assert_true(stats.value_memory < 65u << 20);
    usd_stage_close(&s);
}

// Reads everything; what matters is that nothing crashes and errors carry an offset or a reason.
static void survive(const unsigned char *data, size_t size)
{
    usd_stage *s;
    struct usd_error err;
    unsigned char *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    int rc = usd_stage_open_string(exact, size, NULL, NULL, NULL, &s, &err);
    free(exact);
    if (rc != USD_OK) {
        assert_true(*err.message);
        return;
    }
    const usd_prim *root = usd_stage_pseudo_root(s);
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false))
        for (size_t k = 0; k < usd_prim_property_count(p); k++) {
            struct usd_value v;
            usd_attr_get(usd_prim_property(p, k), 1, &v);
            usd_value_finish(&v);
        }
    usd_stage_close(&s);
}

static void damage_never_crashes(void **state)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i += 3) {
        char path[600];
        size_t size;
        snprintf(path, sizeof(path), "%s/v%s.usdc", corpus, versions[i]);
        unsigned char *data = read_whole(path, &size);
        for (size_t n = 0; n < size; n += 7)
            survive(data, n);
        for (size_t at = 0; at < size; at++) {
            unsigned char old = data[at];
            data[at]          = (unsigned char)(at & 1 ? 0xff : old ^ 0x41);
            survive(data, size);
            data[at] = old;
        }
    }
}

static void newer_versions_are_named(void **state)
{
    char path[600];
    size_t size;
    snprintf(path, sizeof(path), "%s/v0_8_0.usdc", corpus);
    unsigned char *data = read_whole(path, &size);
    data[9]             = 99;
    usd_stage *s;
    struct usd_error err;
    assert_int_equal(usd_stage_open_string(data, size, "new.usdc", NULL, NULL, &s, &err), USD_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "0.99.0"));
}

static void lz4_blocks(void **state)
{
    // "abcabcabcabcX": 3 literals, match of 9 at distance 3, 1 literal
    static const uint8_t block[] = { 0x35, 'a', 'b', 'c', 3, 0, 0x10, 'X' };
    uint8_t out[32];
    assert_int_equal(lz4_decode(block, sizeof(block), out, sizeof(out)), 13);
    assert_memory_equal(out, "abcabcabcabcX", 13);
    assert_true(lz4_decode(block, sizeof(block), out, 12) == SIZE_MAX); // no room
    assert_true(lz4_decode(block, 5, out, sizeof(out)) == SIZE_MAX);    // cut off inside the distance
    static const uint8_t before[] = { 0x14, 'a', 2, 0, 0 };            // reaches before the start
    assert_true(lz4_decode(before, sizeof(before), out, sizeof(out)) == SIZE_MAX);
    static const uint8_t longer[] = { 0x1f, 'z', 1, 0, 5, 0x00 }; // 1 literal, match of 15 + 5 + 4 at distance 1
    assert_int_equal(lz4_decode(longer, sizeof(longer), out, sizeof(out)), 25);
}

// ---------------------------------------------------------------------------------------------------------------

struct zip {
    unsigned char data[1 << 15];
    size_t size;
};

static void zip_add(struct zip *z, const char *name, const void *data, size_t size, int method)
{
    unsigned char h[30] = { 'P', 'K', 3, 4, 10, 0, 0, 0, (unsigned char)method, 0 };
    size_t names = strlen(name), extra = (64 - (z->size + 30 + names + 4) % 64) % 64 + 4;
    for (int i = 0; i < 4; i++)
        h[18 + i] = h[22 + i] = (unsigned char)(size >> (8 * i));
    h[26] = (unsigned char)names;
    h[28] = (unsigned char)extra;
    memcpy(z->data + z->size, h, 30);
    memcpy(z->data + z->size + 30, name, names);
    memset(z->data + z->size + 30 + names, 0, extra);
    z->size += 30 + names + extra;
    memcpy(z->data + z->size, data, size);
    z->size += size;
}

static void packages(void **state)
{
    static struct zip inner, outer;
    const char *in = "#usda 1.0\n( defaultPrim = \"In\" )\ndef \"In\" { asset t = @tex/b.png@\n asset u = @../nothing.png@\n }\n";
    inner.size     = 0;
    zip_add(&inner, "in.usda", in, strlen(in), 0);
    zip_add(&inner, "tex/b.png", "inner picture", 13, 0);
    const char *root = "#usda 1.0\ndef \"R\" ( references = [@part/p.usda@</P>, @in.usdz@] ) { asset t2 = @a.png@\n }\n";
    const char *part = "#usda 1.0\ndef \"P\" { asset up = @../a.png@\n }\n";
    outer.size       = 0;
    zip_add(&outer, "root.usda", root, strlen(root), 0);
    zip_add(&outer, "part/p.usda", part, strlen(part), 0);
    zip_add(&outer, "a.png", "picture", 7, 0);
    zip_add(&outer, "in.usdz", inner.data, inner.size, 0);
    struct folder f = make_folder();
    char path[128];
    snprintf(path, sizeof(path), "%s/pkg.usdz", f.path);
    FILE *file = fopen(path, "wb");
    fwrite(outer.data, 1, outer.size, file);
    fclose(file);

    usd_stage *s = open_file(path);
    char expected[256];
    struct usd_asset a;
    assert_true(usd_prim_get_asset(prim(s, "/R"), "up", NAN, &a));
    snprintf(expected, sizeof(expected), "%s[a.png]", path);
    assert_string_equal(a.resolved, expected);
    assert_true(usd_prim_get_asset(prim(s, "/R"), "t", NAN, &a)); // a package in a package
    snprintf(expected, sizeof(expected), "%s[in.usdz[tex/b.png]]", path);
    assert_string_equal(a.resolved, expected);
    void *data;
    size_t size;
    assert_int_equal(usd_asset_read(s, a.resolved, &data, &size, NULL), USD_OK);
    assert_true(size == 13 && !memcmp(data, "inner picture", 13));
    free(data);
    assert_true(usd_prim_get_asset(prim(s, "/R"), "u", NAN, &a));
    assert_string_equal(a.resolved, "");
    usd_stage_close(&s);

    snprintf(expected, sizeof(expected), "%s[part/p.usda]", path);
    s = open_file(expected);
    assert_non_null(usd_stage_find(s, "/P"));
    usd_stage_close(&s);
    remove_folder(&f);

    outer.size = 0;
    zip_add(&outer, "root.usda", root, strlen(root), 8);
    struct usd_error err;
    assert_int_equal(usd_stage_open_string(outer.data, outer.size, "z.usdz", NULL, NULL, &s, &err), USD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "compressed"));
    for (size_t n = 0; n < inner.size; n++) {
        usd_stage_open_string(inner.data, n, "z.usdz", NULL, NULL, &s, &err);
        usd_stage_close(&s);
    }
}

int main(int argc, char **argv)
{
    snprintf(corpus, sizeof(corpus), "%s/../../fuzz/corpus/crate", argc > 1 ? argv[1] : ".");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version), cmocka_unit_test(rare_values_read_as_their_text), cmocka_unit_test(a_dictionary_that_holds_itself_ends),
        cmocka_unit_test(damage_never_crashes), cmocka_unit_test(newer_versions_are_named),
        cmocka_unit_test(lz4_blocks),    cmocka_unit_test(packages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
