// Every limit is met by an input that is just too large, says its name, and lets the same input pass when it is higher.
#include "usd_limits.h"
#include "usd_test.h"

struct text {
    char *s;
    size_t n, room;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
    char b[512];
    va_list args;
    va_start(args, format);
    size_t n = (size_t)vsnprintf(b, sizeof(b), format, args);
    va_end(args);
    if (t->n + n + 1 > t->room) {
        t->room = (t->n + n) * 2 + 64;
        t->s    = realloc(t->s, t->room);
        assert_non_null(t->s);
    }
    memcpy(t->s + t->n, b, n + 1);
    t->n += n;
}

static bool says(const usd_stage *s, const char *what)
{
    for (size_t i = 0; i < usd_stage_diagnostic_count(s); i++)
        if (strstr(usd_stage_diagnostic(s, i)->message, what))
            return true;
    return false;
}

// The layer is refused with the limit's name, and read without the limit.
static void refuses(const char *name, const struct usd_limits *limits, const void *data, size_t size)
{
    usd_stage *s;
    struct usd_error err;
    struct usd_open_options o = { .limits = limits, .threads = 1 };
    assert_true(usd_stage_open_string(data, size, NULL, "/nonexistent", &o, &s, &err) < 0);
    assert_null(s);
    if (!strstr(err.message, name))
        fail_msg("%s is met: %s", name, err.message);
    if (usd_stage_open_string(data, size, NULL, "/nonexistent", NULL, &s, &err) != USD_OK)
        fail_msg("%s: %s", name, err.message);
    usd_stage_close(&s);
}

// The stage opens with a diagnostic that has the limit's name, and without one when the limit is not set.
static void reports(const char *name, const struct usd_limits *limits, const char *text)
{
    usd_stage *s;
    struct usd_error err;
    struct usd_open_options o = { .limits = limits, .threads = 1 };
    for (int set = 0; set < 2; set++) {
        if (usd_stage_open_string(text, strlen(text), NULL, "/nonexistent", set ? &o : NULL, &s, &err) != USD_OK)
            fail_msg("%s: %s", name, err.message);
        struct usd_value v;
        usd_attr_get(usd_stage_find_property(s, "/a.x"), 1, &v); // clips are looked at when somebody asks
        usd_value_finish(&v);
        if (says(s, name) != set)
            fail_msg("%s is %s", name, set ? "not reported" : "met too early");
        usd_stage_close(&s);
    }
}

static void text_layers(void **state)
{
    struct text t = { 0 };
#define TEXT(...) (t.n = 0, put(&t, __VA_ARGS__))
    TEXT("#usda 1.0\ndef \"a\" {\n def \"b\" {\n def \"c\" {\n }\n}\n}\n");
    refuses("max_nesting", &(struct usd_limits) { .max_nesting = 2 }, t.s, t.n);
    TEXT("#usda 1.0\n(\n customLayerData = { dictionary a = { dictionary b = { dictionary c = {} } } }\n)\n");
    refuses("max_nesting", &(struct usd_limits) { .max_nesting = 3 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"a\" {\n int[] x = [1, 2, 3]\n}\n");
    refuses("max_array_elements", &(struct usd_limits) { .max_array_elements = 2 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"abcdefgh\" {\n}\n");
    refuses("max_name_bytes", &(struct usd_limits) { .max_name_bytes = 7 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"a\" {\n float abcdefgh\n}\n");
    refuses("max_name_bytes", &(struct usd_limits) { .max_name_bytes = 7 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"abcdefgh\" {\n def \"abcdefgh\" {\n }\n}\n");
    refuses("max_path_bytes", &(struct usd_limits) { .max_path_bytes = 15 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"a\" {\n rel r = </abcdefgh/abcdefgh>\n}\n");
    refuses("max_path_bytes", &(struct usd_limits) { .max_path_bytes = 24 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"a\" {\n float[] x = [0");
    for (int i = 0; i < 20000; i++)
        put(&t, ", %d", i);
    put(&t, "]\n}\n");
    refuses("max_layer_bytes", &(struct usd_limits) { .max_layer_bytes = 40000 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"a\" {\n");
    for (int i = 0; i < 2000; i++)
        put(&t, "string s%d = \"a text of some length\"\n", i);
    put(&t, "}\n");
    refuses("max_layer_bytes", &(struct usd_limits) { .max_layer_bytes = 30000 }, t.s, t.n);
    TEXT("#usda 1.0\ndef \"a\" (\n");
    for (unsigned i = 0; i <= LIMIT_SPEC_FIELDS; i++)
        put(&t, "f%u = 1\n", i);
    put(&t, ") {\n}\n");
    usd_stage *s;
    struct usd_error err;
    assert_true(usd_stage_open_string(t.s, t.n, NULL, NULL, NULL, &s, &err) < 0);
    assert_non_null(strstr(err.message, "65535 fields"));
    free(t.s);
}

static void compositions(void **state)
{
    struct text t = { 0 };
    TEXT("#usda 1.0\ndef \"a\" {\n def \"b\" {\n }\n def \"c\" {\n }\n}\n");
    reports("max_prims", &(struct usd_limits) { .max_prims = 2 }, t.s);
    TEXT("#usda 1.0\n");
    for (int i = 0; i < 8; i++)
        put(&t, "def \"p%d\" (references = </p%d>) {\n}\n", i, i + 1);
    put(&t, "def \"p8\" {\n}\n");
    reports("max_arc_depth", &(struct usd_limits) { .max_arc_depth = 4 }, t.s);
    TEXT("#usda 1.0\ndef \"a\" (references = [");
    for (int i = 0; i < 20; i++)
        put(&t, "</p%d>, ", i);
    put(&t, "]) {\n}\n");
    for (int i = 0; i < 20; i++)
        put(&t, "def \"p%d\" {\n}\n", i);
    reports("max_prim_sites", &(struct usd_limits) { .max_prim_sites = 8 }, t.s);
    // Every prim refers twice to the next: the sites of the first double with each.
    TEXT("#usda 1.0\n");
    for (int i = 0; i < 11; i++)
        put(&t, "def \"p%d\" (references = [</p%d>, </p%d> (offset = 1)]) {\n}\n", i, i + 1, i + 1);
    put(&t, "def \"p11\" {\n}\n");
    reports("max_compose_steps", &(struct usd_limits) { .max_compose_steps = 1 }, t.s);
    usd_stage *s;
    struct usd_open_options o = { .threads = 1 };
    TEXT("#usda 1.0\n");
    for (int i = 0; i < 10; i++)
        put(&t, "def \"p%d\" (references = </missing>) {\n}\n", i);
    reports("max_diagnostics", &(struct usd_limits) { .max_diagnostics = 4 }, t.s);
    o.limits = &(struct usd_limits) { .max_diagnostics = 4 };
    assert_int_equal(usd_stage_open_string(t.s, t.n, NULL, "/nonexistent", &o, &s, NULL), USD_OK);
    assert_int_equal(usd_stage_diagnostic_count(s), 4);
    usd_stage_close(&s);
    TEXT("#usda 1.0\ndef \"a\" (\n clips = { dictionary default = { string primPath = \"/x\"\n asset[] assetPaths = [@a@, @b@, @c@, @d@]\n"
         " double2[] active = [(0, 0)]\n double2[] times = [(0, 0)] } }\n) {\n float x\n}\n");
    reports("max_clips", &(struct usd_limits) { .max_clips = 3 }, t.s);
    free(t.s);
}

static void files(void **state)
{
    struct folder f = make_folder();
    usd_stage *s;
    struct usd_error err;
    struct usd_limits limits  = { .max_file_bytes = 12 };
    struct usd_open_options o = { .limits = &limits };
    const char *path          = write_file(&f, "a.usda", "#usda 1.0\ndef \"a\" {\n}\n");
    assert_int_equal(usd_stage_open(path, &o, &s, &err), USD_ERR_LIMIT);
    assert_non_null(strstr(err.message, "max_file_bytes"));
    assert_int_equal(usd_stage_open(path, NULL, &s, &err), USD_OK);
    usd_stage_close(&s);
    write_file(&f, "b.usda", "#usda 1.0\n");
    write_file(&f, "c.usda", "#usda 1.0\n");
    path   = write_file(&f, "d.usda", "#usda 1.0\n(subLayers = [@b.usda@, @c.usda@])\n");
    limits = (struct usd_limits) { .max_layers = 2 };
    assert_int_equal(usd_stage_open(path, &o, &s, &err), USD_OK);
    assert_true(says(s, "max_layers"));
    usd_stage_close(&s);
    assert_int_equal(usd_stage_open(path, NULL, &s, &err), USD_OK);
    assert_false(says(s, "max_layers"));
    usd_stage_close(&s);
    remove_folder(&f);
}

// ---------------------------------------------------------------------------------------------------------------
// Crates of version 0.0.1, whose tables are plain

struct bytes {
    uint8_t data[1 << 17];
    size_t n;
};

static void add(struct bytes *b, uint64_t v, int size)
{
    assert_true(b->n + 8 < sizeof(b->data));
    memcpy(b->data + b->n, &v, (size_t)size); // little-endian, as the format
    b->n += (size_t)size;
}

// A chain of `depth` prims below the root.
static void deep_crate(struct bytes *b, unsigned depth)
{
    uint64_t start[7];
    memset(b, 0, sizeof(*b));
    memcpy(b->data, "PXR-USDC\0\0\1", 11);
    b->n     = 88;
    start[0] = b->n; // TOKENS: "", "p"
    add(b, 2, 8);
    add(b, 3, 8);
    add(b, 'p' << 8, 3);
    start[1] = b->n; // STRINGS
    add(b, 0, 8);
    start[2] = b->n; // FIELDS
    add(b, 0, 8);
    start[3] = b->n; // FIELDSETS: an empty one
    add(b, 1, 8);
    add(b, UINT32_MAX, 4);
    start[4] = b->n; // PATHS
    add(b, depth + 1, 8);
    for (unsigned i = 0; i <= depth; i++) {
        add(b, 0, 4);
        add(b, i, 4);
        add(b, i ? 1 : 0, 4);
        add(b, i < depth ? 1 : 0, 4); // has a child
    }
    start[5] = b->n; // SPECS
    add(b, depth + 1, 8);
    for (unsigned i = 0; i <= depth; i++) {
        add(b, 0, 4);
        add(b, i, 4);
        add(b, 0, 4);
        add(b, i ? 6 : 7, 4);
    }
    start[6] = b->n;
    static const char *const names[] = { "TOKENS", "STRINGS", "FIELDS", "FIELDSETS", "PATHS", "SPECS" };
    add(b, 6, 8);
    for (int i = 0; i < 6; i++) {
        memcpy(b->data + b->n, names[i], strlen(names[i]));
        b->n += 16;
        add(b, start[i], 8);
        add(b, start[i + 1] - start[i], 8);
    }
    memcpy(b->data + 16, &start[6], 8);
}

static void crates(void **state)
{
    static struct bytes b;
    deep_crate(&b, 300);
    refuses("max_nesting", &(struct usd_limits) { .max_nesting = 299 }, b.data, b.n);
    refuses("max_layer_bytes", &(struct usd_limits) { .max_layer_bytes = 500 }, b.data, b.n);
    // Tokens of a version that packs them, which would inflate to a mebibyte out of a few bytes.
    usd_stage *s;
    struct usd_error err;
    deep_crate(&b, 1);
    b.data[9] = 8; // version 0.8.1
    memset(b.data + 88 + 8, 0, 8);
    b.data[88 + 8 + 2] = 16;
    b.data[88 + 16]    = 20;
    memset(b.data + 88 + 17, 0, 7);
    assert_true(usd_stage_open_string(b.data, b.n, NULL, NULL, NULL, &s, &err) < 0);
    assert_non_null(strstr(err.message, "max_inflate_ratio"));
}

static void packages(void **state)
{
    const size_t members = LIMIT_PACKAGE_MEMBERS + 2, each = 30 + 1;
    uint8_t *zip         = calloc(members, each);
    assert_non_null(zip);
    for (size_t i = 0; i < members; i++) {
        memcpy(zip + i * each, "PK\3\4\12", 5);
        zip[i * each + 26] = 1;
        zip[i * each + 30] = 'a';
    }
    usd_stage *s;
    struct usd_error err;
    void *data;
    size_t size;
    struct folder f = make_folder();
    char path[128];
    snprintf(path, sizeof(path), "%s/p.usdz", f.path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(zip, each, members, file), members);
    fclose(file);
    strcat(path, "[b]");
    assert_int_equal(usd_asset_read(NULL, path, &data, &size, &err), USD_ERR_LIMIT);
    assert_non_null(strstr(err.message, "65535 members"));
    assert_true(usd_stage_open_string(zip, members * each, "p.usdz", NULL, NULL, &s, &err) < 0); // its first member is empty
    remove_folder(&f);
    free(zip);
}

static void defaults(void **state)
{
    struct usd_limits l = limits_effective(NULL), low = limits_effective(&(struct usd_limits) { .max_prims = 5, .max_prim_sites = UINT32_MAX });
#define IS_SET(field, value) assert_true(l.field == (value) && l.field > 0);
    USD_LIMITS(IS_SET)
    assert_true(low.max_prims == 5 && low.max_nesting == l.max_nesting && low.max_prim_sites == LIMIT_PRIM_SITES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(text_layers), cmocka_unit_test(compositions),
        cmocka_unit_test(files),    cmocka_unit_test(crates),      cmocka_unit_test(packages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
