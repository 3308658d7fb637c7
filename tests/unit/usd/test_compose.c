// Composition: one test per rule of LIVERPS and its neighbours.
#include "usd_test.h"

#include <pthread.h>

static const char *diagnostic(const usd_stage *s, const char *says)
{
    for (size_t i = 0; i < usd_stage_diagnostic_count(s); i++)
        if (strstr(usd_stage_diagnostic(s, i)->message, says))
            return usd_stage_diagnostic(s, i)->message;
    return NULL;
}

static void strength_is_liverps(void **state)
{
    // Each arc brings its own value of every attribute it may win, weakest last.
    usd_stage *s = open_text(
        "#usda 1.0\n"
        "class \"I\" { int i = 2\n int v = 2\n int r = 2\n int p = 2\n int s = 2\n }\n"
        "def \"R\" { int r = 4\n int p = 4\n int s = 4\n }\n"
        "def \"P\" { int p = 5\n int s = 5\n }\n"
        "class \"S\" { int s = 6\n int only = 6\n }\n"
        "def \"A\" ( inherits = </I>\n references = </R>\n payload = </P>\n specializes = </S>\n"
        "  variants = { string set = \"on\" }\n variantSets = \"set\" )\n{\n int l = 1\n int i = 1\n"
        " variantSet \"set\" = { \"on\" { int v = 3\n int r = 3\n int l = 3\n } }\n}\n"
        "def \"B\" ( references = </R>\n payload = </P>\n specializes = </S>\n variants = { string set = \"on\" }\n variantSets = \"set\" )\n"
        "{\n variantSet \"set\" = { \"on\" { int r = 3\n } }\n}\n"
        "def \"C\" ( payload = </P>\n specializes = </S> ) {}\n");
    assert_true(number(s, "/A.l", NAN) == 1 && number(s, "/A.i", NAN) == 1); // local
    assert_true(number(s, "/A.v", NAN) == 2 && number(s, "/A.r", NAN) == 2); // inherits over variants
    assert_true(number(s, "/B.r", NAN) == 3);                                // variants over references
    assert_true(number(s, "/B.p", NAN) == 4);                                // references over payloads
    assert_true(number(s, "/C.s", NAN) == 5);                                // payloads over specializes
    assert_true(number(s, "/A.only", NAN) == 6);
    usd_stage_close(&s);
}

static void sublayers_and_offsets(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "weak.usda", "#usda 1.0\n( timeCodesPerSecond = 12 )\ndef \"A\" { double x.timeSamples = { 0: 0, 10: 10 }\n int w = 1\n}\n");
    write_file(&f, "strong.usda", "#usda 1.0\nover \"A\" { int w = 2\n}\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\n( timeCodesPerSecond = 24\n subLayers = [ @strong.usda@, @./weak.usda@ (offset = 5; scale = 2), @gone.usda@ ] )\n");
    usd_stage *s     = open_file(root);
    assert_true(number(s, "/A.w", NAN) == 2);
    double t[2];
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/A.x"), t, 2), 2);
    assert_true(t[0] == 5 && t[1] == 45); // 10 * scale 2 * (24 / 12) + 5
    assert_true(number(s, "/A.x", 25) == 5);
    assert_non_null(diagnostic(s, "gone.usda"));
    struct usd_opinion o;
    assert_true(usd_prim_opinion(prim(s, "/A"), 1, &o));
    assert_string_equal(o.path, "/A");
    assert_true(o.offset == 5 && o.scale == 4);
    assert_false(usd_prim_opinion(prim(s, "/A"), 2, &o));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void references_map_paths(void **state)
{
    struct folder f  = make_folder();
    write_file(&f, "asset.usda", "#usda 1.0\n( defaultPrim = \"Root\" )\ndef \"Root\" {\n rel in = </Root/k>\n rel out = </Other>\n"
                                 " asset tex = @./t.png@\n double x.timeSamples = { 1: 1 }\n def \"k\" { float a.connect = </Root.b>\n }\n}\ndef \"Other\" {}\n");
    write_file(&f, "t.png", "x");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\ndef \"W\" { def \"I\" ( prepend references = @asset.usda@ (offset = 3) ) {\n over \"k\" { int add = 1\n }\n }\n }\n"
                                                   "def \"Sub\" ( references = @asset.usda@</Root/k> ) {}\ndef \"Bad\" ( references = [@asset.usda@</No>, @nofile.usda@] ) {}\n"
                                                   "def \"None\" ( references = None ) {}\n");
    usd_stage *s     = open_file(root);
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/W/I.in"), 0), "/W/I/k");
    assert_int_equal(usd_rel_target_count(usd_stage_find_property(s, "/W/I.out")), 0); // outside of the reference
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/W/I/k.a"), 0), "/W/I.b");
    struct usd_asset a;
    char expected[128];
    snprintf(expected, sizeof(expected), "%s/t.png", f.path);
    assert_true(usd_prim_get_asset(prim(s, "/W/I"), "tex", NAN, &a));
    assert_string_equal(a.resolved, expected);
    double t;
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/W/I.x"), &t, 1), 1);
    assert_true(t == 4);
    assert_non_null(usd_stage_find_property(s, "/Sub.a"));
    assert_non_null(diagnostic(s, "no such prim"));
    assert_non_null(diagnostic(s, "nofile.usda"));
    void *data;
    size_t size;
    assert_int_equal(usd_asset_read(s, expected, &data, &size, NULL), USD_OK);
    assert_int_equal(size, 1);
    free(data);
    usd_stage_close(&s);
    remove_folder(&f);
}

// A prim with an arc of its own, so many levels below a reference and without arcs between.
static void an_arc_far_below_another(void **state)
{
    static const int depths[] = { 1, 2, 63, 64, 65, 66, 127, 128, 129, 130, 300 };
    struct folder f = make_folder();
    for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
        static char text[1 << 14], path[1 << 12];
        int n = snprintf(text, sizeof(text), "#usda 1.0\ndef \"B\" {\n int x = 7\n def \"C\" {}\n}\ndef \"A\" {\n"), m = snprintf(path, sizeof(path), "/R");
        for (int d = 1; d < depths[i]; d++) {
            n += snprintf(text + n, sizeof(text) - (size_t)n, "def \"p%d\" {\n", d);
            m += snprintf(path + m, sizeof(path) - (size_t)m, "/p%d", d);
        }
        n += snprintf(text + n, sizeof(text) - (size_t)n, "def \"last\" (references = </B>) {\n int y = 8\n}\n");
        for (int d = 0; d < depths[i]; d++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "}\n");
        write_file(&f, "a.usda", text);
        usd_stage *s = open_file(write_file(&f, "root.usda", "#usda 1.0\ndef \"R\" (references = @a.usda@</A>) {}\n"));
        snprintf(path + m, sizeof(path) - (size_t)m, "/last.x");
        assert_true(number(s, path, NAN) == 7);
        snprintf(path + m, sizeof(path) - (size_t)m, "/last.y");
        assert_true(number(s, path, NAN) == 8);
        snprintf(path + m, sizeof(path) - (size_t)m, "/last/C");
        assert_non_null(usd_stage_find(s, path));
        usd_stage_close(&s);
    }
    remove_folder(&f);
}

static void ancestors_of_a_referenced_prim_count(void **state)
{
    usd_stage *s = open_text("#usda 1.0\nclass \"Base\" { def \"k\" { int x = 1\n }\n }\ndef \"A\" ( inherits = </Base>\n variants = { string v = \"one\" }\n variantSets = \"v\" )\n{\n"
                             " variantSet \"v\" = { \"one\" { def \"k\" { int y = 2\n }\n } }\n}\ndef \"Use\" ( references = </A/k> ) {}\n");
    assert_true(number(s, "/Use.x", NAN) == 1 && number(s, "/Use.y", NAN) == 2);
    usd_stage_close(&s);
}

static void implied_classes(void **state)
{
    // The class that a referenced prim inherits may be overridden where the reference is made, also after the fact.
    struct folder f  = make_folder();
    write_file(&f, "asset.usda", "#usda 1.0\nclass \"Look\" { int c = 1\n int d = 1\n }\ndef \"Root\" { class \"Local\" { int e = 1\n int g = 1\n }\n"
                                 " def \"a\" ( inherits = [</Root/Local>, </Look>] ) { }\n}\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\nover \"Look\" { int c = 2\n }\ndef \"I\" ( references = @asset.usda@</Root> ) {\n over \"Local\" { int e = 3\n }\n }\n");
    usd_stage *s     = open_file(root);
    assert_true(number(s, "/I/a.c", NAN) == 2 && number(s, "/I/a.d", NAN) == 1);
    assert_true(number(s, "/I/a.e", NAN) == 3 && number(s, "/I/a.g", NAN) == 1);
    usd_stage_close(&s);
    remove_folder(&f);
}

static void specializes_is_weakest_of_all(void **state)
{
    struct folder f  = make_folder();
    write_file(&f, "asset.usda", "#usda 1.0\nclass \"Basic\" { int x = 1\n int y = 1\n }\ndef \"M\" ( specializes = </Basic> ) { int y = 2\n }\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\nover \"Basic\" { int x = 5\n int y = 5\n }\ndef \"I\" ( references = @asset.usda@</M> ) {}\n");
    usd_stage *s     = open_file(root);
    assert_true(number(s, "/I.x", NAN) == 5); // the stronger layer's opinion on the base
    assert_true(number(s, "/I.y", NAN) == 2); // but the base never beats what specializes it
    usd_stage_close(&s);
    remove_folder(&f);
}

static void variants(void **state)
{
    const char *text = "#usda 1.0\ndef \"A\" ( variants = { string shape = \"ball\" }\n prepend variantSets = [\"shape\", \"color\"] )\n{\n"
                       " variantSet \"shape\" = {\n  \"ball\" ( variants = { string color = \"red\" } ) { def \"b\" {}\n   int n = 1\n }\n"
                       "  \"box\" { def \"c\" ( prepend variantSets = \"deep\"\n variants = { string deep = \"d\" } ) {\n"
                       "     variantSet \"deep\" = { \"d\" { int z = 9\n } }\n }\n }\n }\n"
                       " variantSet \"color\" = { \"red\" { int r = 1\n }\n \"blue\" { int r = 2\n } }\n}\n";
    usd_stage *s     = open_text(text);
    const usd_prim *a = prim(s, "/A");
    assert_string_equal(children(a), "b ");
    assert_true(number(s, "/A.n", NAN) == 1 && number(s, "/A.r", NAN) == 1);
    assert_int_equal(usd_prim_variant_set_count(a), 2);
    assert_string_equal(usd_prim_variant_set(a, 1), "color");
    assert_int_equal(usd_prim_variant_count(a, 1), 2);
    assert_string_equal(usd_prim_variant(a, 1, 0), "blue"); // sorted
    assert_string_equal(usd_prim_variant_selection(a, 1), "red");
    usd_stage_close(&s);
    const struct usd_variant_choice pick[] = { { "/A", "shape", "box" }, { "/A", "color", "blue" } };
    struct usd_open_options o              = { .variants = pick, .variant_count = 2 };
    assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, NULL, &o, &s, NULL), USD_OK);
    assert_string_equal(children(prim(s, "/A")), "c ");
    assert_true(number(s, "/A/c.z", NAN) == 9 && number(s, "/A.r", NAN) == 2);
    assert_string_equal(usd_prim_variant_selection(prim(s, "/A"), 0), "box");
    usd_stage_close(&s);
}

static void selection_in_a_stronger_layer(void **state)
{
    struct folder f  = make_folder();
    write_file(&f, "asset.usda", "#usda 1.0\n( defaultPrim = \"A\" )\ndef \"A\" ( variants = { string v = \"one\" }\n variantSets = \"v\" ) {\n variantSet \"v\" = { \"one\" { int x = 1\n } \n \"two\" { int x = 2\n } }\n}\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\ndef \"I\" ( references = @asset.usda@\n variants = { string v = \"two\" } ) {}\ndef \"J\" ( references = @asset.usda@ ) {}\n");
    usd_stage *s     = open_file(root);
    assert_true(number(s, "/I.x", NAN) == 2 && number(s, "/J.x", NAN) == 1);
    usd_stage_close(&s);
    remove_folder(&f);
}

static void payloads_can_stay_out(void **state)
{
    const char *text = "#usda 1.0\ndef \"P\" { def \"k\" {}\n }\ndef \"A\" ( payload = </P> ) {}\n";
    usd_stage *s     = open_text(text);
    assert_non_null(usd_stage_find(s, "/A/k"));
    usd_stage_close(&s);
    struct usd_open_options o = { .skip_payloads = true };
    assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, NULL, &o, &s, NULL), USD_OK);
    assert_null(usd_stage_find(s, "/A/k"));
    usd_stage_close(&s);
}

static void cycles_are_reported(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"A\" ( references = </B> ) { int x = 1\n }\ndef \"B\" ( references = </A> ) { int y = 1\n }\n"
                             "def \"C\" { def \"D\" ( inherits = </C> ) {}\n }\ndef \"E\" ( references = </E/F> ) { def \"F\" {}\n }\n");
    assert_non_null(diagnostic(s, "cycle"));
    assert_true(number(s, "/A.y", NAN) == 1 && number(s, "/B.x", NAN) == 1);
    for (size_t i = 0; i < usd_stage_diagnostic_count(s); i++) // by the layer that has the arc
        assert_string_equal(usd_stage_diagnostic(s, i)->layer, "anonymous");
    usd_stage_close(&s);
    struct folder f  = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\n( subLayers = [@b.usda@] )\n");
    write_file(&f, "b.usda", "#usda 1.0\n( subLayers = [@a.usda@] )\ndef \"X\" {}\n");
    char path[128];
    snprintf(path, sizeof(path), "%s/a.usda", f.path);
    s = open_file(path);
    assert_non_null(usd_stage_find(s, "/X"));
    assert_non_null(diagnostic(s, "cycle"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void specifiers_and_activation(void **state)
{
    usd_stage *s = open_text("#usda 1.0\nover \"O\" { def \"k\" {}\n }\nclass \"C\" { def \"k\" {}\n }\ndef \"I\" ( inherits = </C> ) {}\n"
                             "def \"Off\" ( active = false ) { def \"k\" {}\n }\nover \"OO\" ( references = </Off> ) {}\n");
    assert_false(usd_prim_is_defined(prim(s, "/O/k")));
    assert_true(usd_prim_is_abstract(prim(s, "/C/k")) && !usd_prim_is_traversable(prim(s, "/C/k")));
    assert_true(usd_prim_is_traversable(prim(s, "/I/k")));
    assert_false(usd_prim_is_active(prim(s, "/Off")));
    assert_null(usd_stage_find(s, "/Off/k")); // nothing is composed below an inactive prim
    assert_int_equal(usd_prim_specifier(prim(s, "/O")), USD_OVER);
    usd_stage_close(&s);
}

static void instances_share(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Xform \"Proto\" { def Mesh \"m\" { rel r = </Proto/n>\n int x = 1\n }\n def \"n\" { def \"deep\" {}\n }\n }\n"
        "def \"W\" {\n def \"a\" ( instanceable = true\n references = </Proto> ) { over \"m\" { int x = 5\n }\n }\n"
        " def \"b\" ( instanceable = true\n references = </Proto> ) { int own = 2\n }\n"
        " def \"c\" ( references = </Proto> ) {}\n def \"d\" ( instanceable = true ) {}\n}\n");
    const usd_prim *a = prim(s, "/W/a"), *b = prim(s, "/W/b");
    assert_true(usd_prim_is_instance(a) && usd_prim_is_instance(b) && !usd_prim_is_instance(prim(s, "/W/c")));
    assert_false(usd_prim_is_instance(prim(s, "/W/d"))); // nothing to share
    assert_true(number(s, "/W/a/m.x", NAN) == 1); // local opinions below an instance do not count
    assert_true(number(s, "/W/b.own", NAN) == 2); // on it they do
    assert_ptr_equal(usd_prim_in_prototype(a), usd_prim_in_prototype(b));
    assert_ptr_equal(usd_prim_in_prototype(prim(s, "/W/a/m")), usd_prim_in_prototype(prim(s, "/W/b/m")));
    assert_ptr_not_equal(usd_prim_in_prototype(prim(s, "/W/c/m")), usd_prim_in_prototype(prim(s, "/W/b/m")));
    assert_string_equal(usd_prim_path(prim(s, "/W/b/n/deep")), "/W/b/n/deep");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/W/a/m.r"), 0), "/W/a/n");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/W/b/m.r"), 0), "/W/b/n");
    assert_true(usd_prim_is_instance_proxy(prim(s, "/W/a/m")) && usd_prim_is_instance_proxy(prim(s, "/W/b/m")));
    struct usd_stage_stats st;
    usd_stage_stats(s, &st);
    assert_int_equal(st.instances, 2);
    assert_int_equal(st.prototypes, 1);
    size_t walked = 0;
    for (const usd_prim *p = usd_prim_next(usd_stage_pseudo_root(s), NULL, false); p; p = usd_prim_next(p, NULL, false))
        walked++;
    assert_int_equal(walked, st.prims_expanded);
    usd_stage_close(&s);
}

static void nested_instances(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"Inner\" { def \"x\" { rel r = </Inner/y>\n }\n def \"y\" {}\n }\n"
                             "def \"Outer\" { def \"i\" ( instanceable = true\n references = </Inner> ) {}\n def \"j\" ( instanceable = true\n references = </Inner> ) {}\n }\n"
                             "def \"A\" ( instanceable = true\n references = </Outer> ) {}\ndef \"B\" ( instanceable = true\n references = </Outer> ) {}\n");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/B/j/x.r"), 0), "/B/j/y");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/A/i/x.r"), 0), "/A/i/y");
    assert_ptr_equal(usd_prim_in_prototype(prim(s, "/A/i/x")), usd_prim_in_prototype(prim(s, "/B/j/x")));
    usd_stage_close(&s);
}

static void children_come_weakest_first(void **state)
{
    struct folder f  = make_folder();
    write_file(&f, "asset.usda", "#usda 1.0\ndef \"A\" { def \"x\" {}\n def \"y\" {}\n }\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\ndef \"I\" ( references = @asset.usda@</A> ) { def \"z\" {}\n over \"y\" {}\n}\n");
    usd_stage *s     = open_file(root);
    assert_string_equal(children(prim(s, "/I")), "x y z ");
    usd_stage_close(&s);
    remove_folder(&f);
}

static void dictionaries_merge(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"A\" ( customData = { int a = 1\n dictionary d = { int x = 1\n int y = 1 }\n asset t = @q.png@ } ) {}\n"
                             "def \"B\" ( references = </A>\n customData = { dictionary d = { int y = 2 }\n string b = \"s\" } ) {}\n");
    struct usd_value v;
    assert_true(usd_prim_metadata(prim(s, "/B"), "customData", &v));
    double d;
    assert_int_equal(v.count, 4);
    assert_true(usd_value_doubles(usd_dict_find(&v, "a"), 0, &d, 1) && d == 1);
    assert_true(usd_value_doubles(usd_dict_find(&v, "d:x"), 0, &d, 1) && d == 1);
    assert_true(usd_value_doubles(usd_dict_find(&v, "d:y"), 0, &d, 1) && d == 2);
    assert_string_equal(((const struct usd_asset *)usd_dict_find(&v, "t")->data)->authored, "q.png");
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void relocates_move_what_arcs_bring(void **state)
{
    struct folder f  = make_folder();
    write_file(&f, "asset.usda", "#usda 1.0\ndef \"Rig\" { def \"arm\" { int x = 1\n int y = 1\n def \"hand\" { rel r = </Rig/arm>\n }\n }\n"
                                 " def \"leg\" { rel to = </Rig/arm/hand>\n }\n }\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\n( relocates = { </M/arm>: </M/parts/limb>, </M/leg>: <> } )\n"
                                                   "def \"M\" ( references = @asset.usda@</Rig> ) { def \"parts\" { over \"limb\" { int y = 2\n }\n }\n def \"own\" {}\n }\n");
    usd_stage *s     = open_file(root);
    assert_string_equal(children(prim(s, "/M")), "parts own ");
    assert_string_equal(children(prim(s, "/M/parts")), "limb ");
    assert_true(number(s, "/M/parts/limb.x", NAN) == 1 && number(s, "/M/parts/limb.y", NAN) == 2);
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/M/parts/limb/hand.r"), 0), "/M/parts/limb");
    usd_stage_close(&s);
    remove_folder(&f);
}

static void materialx_documents_are_layers(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "m.mtlx", "<?xml version=\"1.0\"?>\n<materialx version=\"1.38\" fileprefix=\"tex/\">\n <nodegraph name=\"NG\">\n"
                             "  <image name=\"im\" type=\"color3\"><input name=\"file\" type=\"filename\" value=\"a.png\" colorspace=\"srgb_texture\"/></image>\n"
                             "  <multiply name=\"mu\" type=\"color3\"><input name=\"in1\" type=\"color3\" nodename=\"im\"/><input name=\"in2\" type=\"float\" value=\"2\"/></multiply>\n"
                             "  <output name=\"out\" type=\"color3\" nodename=\"mu\"/>\n </nodegraph>\n"
                             " <standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base_color\" type=\"color3\" nodegraph=\"NG\" output=\"out\"/>"
                             "<input name=\"coat\" type=\"float\" value=\"0.5\"/><input name=\"specular_color\" type=\"color3\" value=\"1, 0.5 0\"/></standard_surface>\n"
                             " <surfacematerial name=\"Mat\" type=\"material\"><input name=\"surfaceshader\" type=\"surfaceshader\" nodename=\"SR\"/></surfacematerial>\n</materialx>\n");
    const char *root = write_file(&f, "root.usda", "#usda 1.0\ndef \"L\" ( references = @m.mtlx@</MaterialX> ) {}\n");
    usd_stage *s     = open_file(root);
    assert_int_equal(usd_stage_diagnostic_count(s), 0);
    assert_string_equal(usd_prim_type_name(prim(s, "/L/Materials/Mat")), "Material");
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/L/Materials/Mat.outputs:mtlx:surface"), 0),
                        "/L/Materials/Mat/SR.outputs:surface");
    assert_true(number(s, "/L/Materials/Mat.inputs:coat", NAN) == 0.5);
    const char *shader = "/L/Materials/Mat/SR";
    assert_string_equal(token(s, "/L/Materials/Mat/SR.info:id"), "ND_standard_surface_surfaceshader");
    assert_string_equal(usd_attr_connection(usd_prim_find_property(prim(s, shader), "inputs:base_color"), 0), "/L/Materials/Mat/NG.outputs:out");
    assert_string_equal(usd_attr_connection(usd_stage_find_property(s, "/L/Materials/Mat/NG.outputs:out"), 0), "/L/Materials/Mat/NG/mu.outputs:out");
    assert_string_equal(token(s, "/L/Materials/Mat/NG/mu.info:id"), "ND_multiply_color3FA");
    struct usd_asset a;
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/L/Materials/Mat/NG/im.inputs:file"), NAN, &a));
    assert_string_equal(a.authored, "tex/a.png");
    usd_stage_close(&s);
    const char *broken = write_file(&f, "b.mtlx", "<materialx>\n<nodegraph\n");
    struct usd_error err;
    assert_int_equal(usd_stage_open(broken, NULL, &s, &err), USD_ERR_SYNTAX);
    assert_true(err.line > 0);
    remove_folder(&f);
}

// Everything that is made on first use, by several threads at once.
static void *read_everything(void *arg)
{
    const usd_stage *s   = arg;
    const usd_prim *root = usd_stage_pseudo_root(s);
    uintptr_t sum        = 0;
    for (const usd_prim *p = usd_prim_first_child(root); p; p = usd_prim_next(p, root, false)) {
        sum += strlen(usd_prim_path(p)) + (usd_stage_find(s, usd_prim_path(p)) == p);
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            const usd_property *q = usd_prim_property(p, i);
            struct usd_value v;
            sum += usd_attr_get(q, 1, &v);
            usd_value_finish(&v);
            for (size_t k = 0; k < usd_rel_target_count(q); k++)
                sum += strlen(usd_rel_target(q, k));
        }
    }
    return (void *)sum;
}

static void many_threads_read_at_once(void **state)
{
    char text[8192] = "#usda 1.0\ndef \"Inner\" { def \"x\" { rel r = </Inner/y>\n int v = 1\n }\n def \"y\" {}\n }\n"
                      "def \"Outer\" { def \"i\" ( instanceable = true\n references = </Inner> ) {}\n def \"j\" ( instanceable = true\n references = </Inner> ) {}\n }\n";
    for (int i = 0; i < 80; i++)
        sprintf(text + strlen(text), "def \"I%d\" ( instanceable = true\n references = </Outer> ) {}\n", i);
    usd_stage *s = open_text(text);
    pthread_t threads[4];
    void *sums[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_everything, s), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], &sums[i]);
    for (int i = 1; i < 4; i++)
        assert_ptr_equal(sums[i], sums[0]);
    assert_true((uintptr_t)sums[0] > 80 * 6);
    usd_stage_close(&s);
}

static bool refuse(const char *path, void *user) { return strncmp(path, user, strlen(user)) == 0; }

static void paths_outside_are_refused(void **state)
{
    struct folder f = make_folder();
    mkdir(strcat(strcpy((char[128]) { 0 }, f.path), "/in"), 0700);
    write_file(&f, "secret.usda", "#usda 1.0\ndef \"S\" {}\n");
    char root[160], allowed[160];
    snprintf(root, sizeof(root), "%s", write_file(&f, "in/root.usda", "#usda 1.0\n( subLayers = [@../secret.usda@] )\n"));
    snprintf(allowed, sizeof(allowed), "%s/in/", f.path);
    struct usd_open_options o = { .allow_path = refuse, .user = allowed };
    usd_stage *s;
    assert_int_equal(usd_stage_open(root, &o, &s, NULL), USD_OK);
    assert_null(usd_stage_find(s, "/S"));
    assert_non_null(diagnostic(s, "not allowed"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void asset_values_resolve(void **state)
{
    // Expressions with the variables of the opinion's layer stack; file URLs; a name beside the root layer; other schemes not.
    struct folder f = make_folder();
    write_file(&f, "a b.png", "x");
    write_file(&f, "t.png", "x");
    char sub[80];
    snprintf(sub, sizeof(sub), "%s/sub", f.path);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_file(&f, "sub/r.usda", "#usda 1.0\ndef \"R\" { asset e = @`\"${NAME}.png\"`@\n asset s = @t.png@\n asset d = @./t.png@\n}\n");
    char text[1024], expected[128];
    snprintf(text, sizeof(text), "#usda 1.0\n( expressionVariables = { string NAME = \"t\" } )\ndef \"A\" ( references = @sub/r.usda@</R> )\n"
                                 "{\n asset u = @file://%s/a%%20b.png@\n asset h = @https://example.org/t.png@\n}\n", f.path);
    usd_stage *s = open_file(write_file(&f, "root.usda", text));
    const usd_prim *a = prim(s, "/A");
    struct usd_asset v;
    snprintf(expected, sizeof(expected), "%s/t.png", f.path);
    assert_true(usd_prim_get_asset(a, "e", NAN, &v));
    assert_string_equal(v.resolved, expected);
    assert_true(usd_prim_get_asset(a, "s", NAN, &v));
    assert_string_equal(v.resolved, expected);
    assert_true(usd_prim_get_asset(a, "d", NAN, &v));
    assert_string_equal(v.resolved, "");
    assert_true(usd_prim_get_asset(a, "h", NAN, &v));
    assert_string_equal(v.resolved, "");
    snprintf(expected, sizeof(expected), "%s/a b.png", f.path);
    assert_true(usd_prim_get_asset(a, "u", NAN, &v));
    assert_string_equal(v.resolved, expected);
    usd_stage_close(&s);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strength_is_liverps),
        cmocka_unit_test(sublayers_and_offsets),
        cmocka_unit_test(references_map_paths),
        cmocka_unit_test(asset_values_resolve),
        cmocka_unit_test(an_arc_far_below_another), cmocka_unit_test(ancestors_of_a_referenced_prim_count),
        cmocka_unit_test(implied_classes),
        cmocka_unit_test(specializes_is_weakest_of_all),
        cmocka_unit_test(variants),
        cmocka_unit_test(selection_in_a_stronger_layer),
        cmocka_unit_test(payloads_can_stay_out),
        cmocka_unit_test(cycles_are_reported),
        cmocka_unit_test(specifiers_and_activation),
        cmocka_unit_test(instances_share),
        cmocka_unit_test(nested_instances),
        cmocka_unit_test(children_come_weakest_first),
        cmocka_unit_test(dictionaries_merge),
        cmocka_unit_test(relocates_move_what_arcs_bring),
        cmocka_unit_test(materialx_documents_are_layers),
        cmocka_unit_test(many_threads_read_at_once),
        cmocka_unit_test(paths_outside_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
