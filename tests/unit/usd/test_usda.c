// The text format: everything the grammar allows, and errors that say where.
#include "usd_test.h"

static void every_value_type(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\n"
        "def \"P\" {\n"
        " bool b = true\n bool b0 = 0\n uchar u8 = 255\n int i = -2147483648\n uint u = 4294967295\n"
        " int64 i64 = -9223372036854775808\n uint64 u64 = 18446744073709551615\n half h = 0.5\n float f = -1.5e-3\n"
        " double d = .25\n timecode t = 12\n string st = \"a\\\"b\\n\\x41\"\n token to = 'single'\n asset a = @./x y.png@\n"
        " asset a3 = @@@odd@name.png@@@\n int2 i2 = (1, -2)\n int4[] i4 = [(1,2,3,4), (5,6,7,8),]\n half3 h3 = (1, 2, 3)\n"
        " color3f c = (0.25, 0.5, 1)\n double4 d4 = (1, 2, 3, 4)\n quatf q = (1, 2, 3, 4)\n quath qh = (1, 0, 0, 0)\n"
        " matrix2d m2 = ((1, 2), (3, 4))\n matrix3d m3 = ( (1,0,0), (0,1,0), (0,0,1) )\n"
        " matrix4d m4 = ((1,0,0,0),(0,1,0,0),(0,0,1,0),(5,6,7,1))\n"
        " token[] ta = [\"x\", \"y\"]\n string[] sa = []\n asset[] aa = [@a@, @b@]\n point3f[] p = [(0, 0, 0), (1, 1, 1)]\n"
        " float inf1 = inf\n float inf2 = -inf\n float nan1 = nan\n"
        " string triple = \"\"\"line \"one\"\nline two\"\"\"\n"
        " float declared\n custom uniform token flags\n float blocked = None\n"
        "}\n");
    assert_true(number(s, "/P.b", NAN) == 1 && number(s, "/P.b0", NAN) == 0 && number(s, "/P.u8", NAN) == 255);
    assert_true(number(s, "/P.i", NAN) == -2147483648.0 && number(s, "/P.u", NAN) == 4294967295.0);
    struct usd_value v;
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.i64"), NAN, &v));
    assert_true(*(const int64_t *)v.data == INT64_MIN);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.u64"), NAN, &v));
    assert_true(*(const uint64_t *)v.data == UINT64_MAX);
    usd_value_finish(&v);
    assert_true(number(s, "/P.h", NAN) == 0.5 && number(s, "/P.f", NAN) == (float)-1.5e-3 && number(s, "/P.d", NAN) == 0.25);
    assert_string_equal(token(s, "/P.st"), "a\"b\nA");
    assert_string_equal(token(s, "/P.to"), "single");
    assert_string_equal(token(s, "/P.triple"), "line \"one\"\nline two");
    struct usd_asset a;
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/P.a3"), NAN, &a));
    assert_string_equal(a.authored, "odd@name.png");
    assert_string_equal(a.resolved, "");
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.i4"), NAN, &v));
    assert_int_equal(v.count, 2);
    assert_true(v.is_array && v.type == USD_TYPE_INT4 && ((const int32_t *)v.data)[7] == 8);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.q"), NAN, &v)); // text (r,i,j,k), memory i,j,k,r
    const float q[4] = { 2, 3, 4, 1 };
    assert_memory_equal(v.data, q, sizeof(q));
    usd_value_finish(&v);
    double m[16];
    assert_true(usd_attr_get_matrix4d(usd_stage_find_property(s, "/P.m4"), NAN, m));
    assert_true(m[12] == 5 && m[13] == 6 && m[14] == 7 && m[15] == 1);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.ta"), NAN, &v));
    assert_string_equal(((const char *const *)v.data)[1], "y");
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.sa"), NAN, &v));
    assert_int_equal(v.count, 0);
    usd_value_finish(&v);
    assert_true(isinf(number(s, "/P.inf2", NAN)) && isnan(number(s, "/P.nan1", NAN)));
    assert_false(usd_attr_get(usd_stage_find_property(s, "/P.blocked"), NAN, &v));
    assert_false(usd_attr_has_value(usd_stage_find_property(s, "/P.declared")));
    const usd_property *flags = usd_stage_find_property(s, "/P.flags");
    assert_true(usd_property_is_custom(flags) && usd_property_is_uniform(flags));
    assert_string_equal(usd_property_type_name(usd_stage_find_property(s, "/P.p")), "point3f[]");
    usd_stage_close(&s);
    assert_null(s);
}

static void metadata_everywhere(void **state)
{
    usd_stage *s = open_text(
        "\n   #usda 1.0\n" // white space before the header
        "(\n \"a comment\"\n doc = \"\"\"two\nlines\"\"\" # comment\n defaultPrim = \"P\"; metersPerUnit = 0.5\n"
        " upAxis = \"Z\" // another\n /* and\n another */ startTimeCode = 1\n endTimeCode = 24\n timeCodesPerSecond = 30\n"
        " customLayerData = { string who = \"me\"\n dictionary in = { int[] \"a:b\" = [1, 2] } }\n)\n"
        "def Xform \"P\" (\n  kind = \"group\"\n  prepend apiSchemas = [\"AAPI\", \"CollectionAPI:x\"]\n  customData = { bool b = 1 }\n"
        "  hidden = true\n  displayName = \"nice\"\n  somePlugin = [1, 2.5]\n  other = { string x = \"y\" }\n  permission = private\n)\n"
        "{\n  float a = 1 (\n    interpolation = \"vertex\"\n    doc = 'd'\n    customData = { double x = 2 }\n  )\n"
        "  rel r = </P> (\n   bindMaterialAs = \"weakerThanDescendants\"\n  )\n"
        "  def \"kid\"{}\n}\n");
    assert_string_equal(usd_stage_up_axis(s), "Z");
    assert_true(usd_stage_meters_per_unit(s) == 0.5 && usd_stage_time_codes_per_second(s) == 30);
    double a, b;
    assert_true(usd_stage_time_range(s, &a, &b) && a == 1 && b == 24);
    struct usd_value v;
    assert_true(usd_stage_metadata(s, "customLayerData", &v));
    const struct usd_value *inner = usd_dict_find(&v, "in:a:b");
    assert_non_null(inner);
    assert_int_equal(inner->count, 2);
    usd_value_finish(&v);
    const usd_prim *p = usd_stage_default_prim(s);
    assert_string_equal(usd_prim_path(p), "/P");
    assert_string_equal(usd_prim_kind(p), "group");
    assert_int_equal(usd_prim_api_schema_count(p), 2);
    assert_string_equal(usd_prim_api_schema(p, 1), "CollectionAPI:x");
    assert_true(usd_prim_has_api(p, "CollectionAPI") && !usd_prim_has_api(p, "Collection"));
    assert_true(usd_prim_metadata(p, "somePlugin", &v) && v.count == 2);
    usd_value_finish(&v);
    assert_string_equal(usd_attr_interpolation(usd_stage_find_property(s, "/P.a")), "vertex");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/P.r"), 0), "/P");
    size_t at = 0, count = 0;
    while (usd_prim_metadata_next(p, &at))
        count++;
    assert_int_equal(count, 8);
    usd_stage_close(&s);
}

static void time_samples(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" {\n double x = 5\n double x.timeSamples = { 10: 1, 0: 0, 20: None, 30: 4, }\n"
                             " token k.timeSamples = { 0: \"a\", 10: \"b\" }\n float[] g.timeSamples = { 0: [0, 2], 1: [1, 4], 2: [1] }\n}\n");
    assert_true(number(s, "/P.x", NAN) == 5);
    assert_true(number(s, "/P.x", -1) == 0 && number(s, "/P.x", 2.5) == 0.25 && number(s, "/P.x", 15) == 1 && number(s, "/P.x", 99) == 4);
    double d;
    assert_false(usd_attr_get_double(usd_stage_find_property(s, "/P.x"), 25, &d)); // blocked there
    double times[4];
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/P.x"), times, 4), 4);
    assert_true(times[0] == 0 && times[1] == 10 && times[3] == 30);
    const char *t;
    assert_true(usd_attr_get_token(usd_stage_find_property(s, "/P.k"), 9.9, &t));
    assert_string_equal(t, "a");
    struct usd_value v;
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.g"), 0.5, &v));
    assert_true(((const float *)v.data)[1] == 3);
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.g"), 1.5, &v)); // sizes differ: held
    assert_int_equal(v.count, 2);
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void list_edits(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"A\" {\n rel r = [</A>, </C>, </E>]\n float f.connect = <../B.g>\n"
                             " def \"k\" { rel up = [<..>, <../m>, <.>, <n>]; }\n}\ndef \"B\" (inherits = [</A>]\n) {\n append rel r = </D>\n delete rel r = </C>\n}\n"
                             "def \"C\" {\n reorder nameChildren = [\"z\", \"x\"]\n def \"x\" {}\n def \"y\" {}\n def \"z\" {}\n}\nreorder rootPrims = [\"C\", \"A\"]\n");
    const usd_property *r = usd_stage_find_property(s, "/B.r");
    assert_int_equal(usd_rel_target_count(r), 3); // [A, C, E] from A, less C, plus D
    assert_string_equal(usd_rel_target(r, 0), "/B"); // </A> seen through the inherit is the heir
    assert_string_equal(usd_rel_target(r, 1), "/E");
    assert_string_equal(usd_rel_target(r, 2), "/D");
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/A.f"), 0), "/B.g");
    const usd_property *up = usd_stage_find_property(s, "/A/k.up");
    assert_string_equal(usd_rel_target(up, 0), "/A");
    assert_string_equal(usd_rel_target(up, 1), "/A/m");
    assert_string_equal(usd_rel_target(up, 2), "/A/k");
    assert_string_equal(usd_rel_target(up, 3), "/A/k/n");
    assert_string_equal(children(prim(s, "/C")), "z x y ");
    assert_string_equal(children(usd_stage_pseudo_root(s)), "C A B ");
    usd_stage_close(&s);
}

static void errors_say_where(void **state)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *says;
    } rows[] = {
        { "#usda 2.0\n", 1, 7, "version" },
        { "hello", 1, 1, "crate" },
        { "#usda 1.0\ndef \"A\" {\n  float x = blue\n}\n", 3, 13, "a number" },
        { "#usda 1.0\ndef \"A\" {\n  float3 x = (1, 2)\n}\n", 3, 19, "3 numbers" },
        { "#usda 1.0\ndef \"A\" {\n  int x = true\n}\n", 3, 11, "integer" },
        { "#usda 1.0\ndef \"A\" {\n  uchar x = 256\n}\n", 3, 13, "range" },
        { "#usda 1.0\ndef \"A\" {\n  uint x = -1\n}\n", 3, 12, "range" },
        { "#usda 1.0\ndef \"A\" {\n  string x = \"open\n}\n", 3, 19, "line" },
        { "#usda 1.0\ndef \"A\" {\n  float x = 1 float y = 2\n}\n", 3, 15, "new line" },
        { "#usda 1.0\ndef \"A\" {\n", 3, 1, "file ends" },
        { "#usda 1.0\ndef \"1A\" {}\n", 2, 5, "prim name" },
        { "#usda 1.0\ndef \"A\" {}\ndef \"A\" {}\n", 3, 5, "already" },
        { "#usda 1.0\ndef \"A\" {\n  rel x = </A/../../..>\n}\n", 3, 11, "path" },
        { "#usda 1.0\ndef \"A\" {\n  float x = 1\n  rel x = </A>\n}\n", 4, 7, "both" },
        { "#usda 1.0\n(\n  subLayers = [ @a ]\n)\n", 3, 17, "asset path" },
        { "#usda 1.0\ndef \"A\" {\n  float x = 1 / 2\n}\n", 3, 15, "new line" },
        { "#usda 1.0\ndef \"A\" {\n  rel r = [</B>, </C>, </B>]\n}\n", 3, 10, "twice" },
        { "#usda 1.0\n/* open\n", 2, 1, "comment" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s;
        struct usd_error err;
        int rc = usd_stage_open_string(rows[i].text, strlen(rows[i].text), "t.usda", NULL, NULL, &s, &err);
        assert_true(rc < 0);
        assert_null(s);
        if (!strstr(err.message, rows[i].says))
            fail_msg("row %zu: %s", i, err.message);
        if (rc != USD_ERR_SYNTAX)
            continue;
        char place[64];
        snprintf(place, sizeof(place), "t.usda:%u:%u: ", rows[i].line, rows[i].column);
        if (err.line != rows[i].line || err.column != rows[i].column || strncmp(err.message, place, strlen(place)))
            fail_msg("row %zu: expected %s, got %s", i, place, err.message);
        // the caret line: under the column
        const char *caret = strrchr(err.message, '\n');
        assert_non_null(caret);
        assert_int_equal(strlen(caret + 1), rows[i].column);
        assert_int_equal(caret[rows[i].column], '^');
    }
}

static void truncations_never_crash(void **state)
{
    const char *text = "#usda 1.0\n(\n subLayers = [@./a.usda@ (offset = 1; scale = 2)]\n customLayerData = { int[] a = [1] }\n)\n"
                       "def Mesh \"M\" (\n prepend references = [@x@</y> (offset = 3), </C>]\n variants = { string v = \"a\" }\n"
                       " prepend variantSets = \"v\"\n)\n{\n point3f[] points = [(1, 2, 3)] ( interpolation = 'vertex' )\n"
                       " variantSet \"v\" = { \"a\" ( hidden = true ) { def \"k\" {}\n } \"b\" {} }\n double x.timeSamples = { 1: 2, 3: None }\n"
                       " matrix2d m = ((1, 2), (3, 4))\n rel r = [<M>, </C.x>]\n string s = \"\"\"a\"\"\"\n}\nclass \"C\" {}\n";
    for (size_t n = 0; n <= strlen(text); n++) {
        usd_stage *s;
        struct usd_error err;
        char *exact = malloc(n ? n : 1);
        memcpy(exact, text, n);
        int rc = usd_stage_open_string(exact, n, NULL, NULL, NULL, &s, &err);
        free(exact);
        if (rc != USD_OK)
            assert_true(*err.message);
        usd_stage_close(&s);
    }
}

static void limits_are_met(void **state)
{
    const struct {
        struct usd_limits limits;
        const char *text;
    } rows[] = {
        { { .max_nesting = 3 }, "#usda 1.0\ndef \"a\" { def \"b\" { def \"c\" { def \"d\" {}\n }\n }\n }\n" },
        { { .max_array_elements = 2 }, "#usda 1.0\ndef \"a\" {\n int[] x = [1, 2, 3]\n}\n" },
        { { .max_layer_bytes = 2000 }, "#usda 1.0\ndef \"a\" {\n string x = \"0123456789012345678901234567890123456789\"\n"
                                       "float3[] y = [(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3)]\n"
                                       "double4[] z = [(1,2,3,4)]\n float3[] y2 = [(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3),(1,2,3)]\n}\n" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s;
        struct usd_error err;
        struct usd_open_options o = { .limits = &rows[i].limits };
        assert_true(usd_stage_open_string(rows[i].text, strlen(rows[i].text), NULL, NULL, &o, &s, &err) < 0);
        assert_non_null(strstr(err.message, "max_"));
        assert_int_equal(usd_stage_open_string(rows[i].text, strlen(rows[i].text), NULL, NULL, NULL, &s, &err), USD_OK);
        usd_stage_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_type), cmocka_unit_test(metadata_everywhere),     cmocka_unit_test(time_samples),
        cmocka_unit_test(list_edits),       cmocka_unit_test(errors_say_where),        cmocka_unit_test(truncations_never_crash),
        cmocka_unit_test(limits_are_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
