// Value clips, one rule of UsdClipsAPI a test.
#include "usd_test.h"

#include <pthread.h>

static struct folder dir;

static int make(void **state)
{
    dir = make_folder();
    // A clip: samples at its own times 0 and 2.
    write_file(&dir, "a.usda", "#usda 1.0\nover \"Clip\" { double v.timeSamples = { 0: 10, 2: 12 }\n int n.timeSamples = { 0: 1, 2: 3 }\n timecode tc.timeSamples = { 0: 1 }\n"
                               " over \"Kid\" { double w.timeSamples = { 0: 5, 2: 7 }; }\n }\n");
    write_file(&dir, "b.usda", "#usda 1.0\nover \"Clip\" { double v.timeSamples = { 0: 20, 2: 22 }\n double only_b.timeSamples = { 0: 1 }; }\n");
    write_file(&dir, "none.usda", "#usda 1.0\nover \"Clip\" { double other = 1; }\n");
    write_file(&dir, "block.usda", "#usda 1.0\nover \"Clip\" { double v.timeSamples = { 0: 30, 1: None, 2: 32 }; }\n");
    write_file(&dir, "manifest.usda", "#usda 1.0\nover \"Clip\" { double v = 99\n int n; }\n");
    write_file(&dir, "plain.usda", "#usda 1.0\nover \"Clip\" { double v; }\n");
    for (int i = 1; i <= 3; i++) {
        char name[32], text[128];
        snprintf(name, sizeof(name), "t.%03d.usda", i * 10);
        snprintf(text, sizeof(text), "#usda 1.0\nover \"Clip\" { double v.timeSamples = { %d: %d }; }\n", i * 10, i * 100);
        write_file(&dir, name, text);
        snprintf(name, sizeof(name), "s.0%d.50.usda", i);
        snprintf(text, sizeof(text), "#usda 1.0\nover \"Clip\" { double v.timeSamples = { %d.5: %d }; }\n", i, i);
        write_file(&dir, name, text);
    }
    return 0;
}

static int clean(void **state)
{
    remove_folder(&dir);
    return 0;
}

// A stage from text in the folder of the clips.
static usd_stage *stage(const char *text)
{
    usd_stage *s;
    struct usd_error err = { 0 };
    if (usd_stage_open_string(text, strlen(text), NULL, dir.path, NULL, &s, &err) != USD_OK)
        fail_msg("%s", err.message);
    return s;
}

#define HEAD "#usda 1.0\n"
#define PRIM(info, body) HEAD "def \"P\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n" info "\n} } )\n{\n" body "\n}\n"
#define AB "asset[] assetPaths = [@./a.usda@, @./b.usda@]\n double2[] active = [(0, 0), (10, 1)]\n"
#define AB_TIMES AB " double2[] times = [(0, 0), (10, 2), (10, 0), (20, 2)]\n"

static void expect_times(const usd_stage *s, const char *path, size_t count, const double *want)
{
    double got[64];
    size_t n = usd_attr_sample_times(usd_stage_find_property(s, path), got, 64);
    assert_int_equal(n, count);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(got[i] - want[i]) < 1e-8);
}

static void expect_none(const usd_stage *s, const char *path, double time)
{
    struct usd_value v;
    assert_false(usd_attr_get(usd_stage_find_property(s, path), time, &v));
    usd_value_finish(&v);
}

static void active_selects_the_clip_and_times_maps_into_it(void **state)
{
    usd_stage *s = stage(PRIM(AB_TIMES, "double v\n int n"));
    assert_true(number(s, "/P.v", 0) == 10 && number(s, "/P.v", 5) == 11 && number(s, "/P.v", 10) == 20 && number(s, "/P.v", 15) == 21);
    assert_true(number(s, "/P.v", -5) == 10 && number(s, "/P.v", 100) == 22); // held outside
    assert_true(number(s, "/P.n", 4) == 1); // int is held
    assert_true(usd_attr_has_value(usd_stage_find_property(s, "/P.v")) && usd_attr_might_vary(usd_stage_find_property(s, "/P.v")));
    expect_none(s, "/P.v", NAN); // clips have no default
    usd_stage_close(&s);
}

static void a_jump_takes_the_left_value_before_and_the_right_value_at_it(void **state)
{
    usd_stage *s = stage(PRIM("asset[] assetPaths = [@./a.usda@]\n double2[] active = [(0, 0)]\n double2[] times = [(0, 0), (10, 2), (10, 0), (20, 2)]", "double v"));
    assert_true(fabs(number(s, "/P.v", 10 - 1e-6) - 12) < 1e-5 && number(s, "/P.v", 10) == 10 && number(s, "/P.v", 20) == 12);
    expect_times(s, "/P.v", 4, (const double[]) { 0, 10 - 4.44e-9, 10, 20 });
    usd_stage_close(&s);
}

static void sample_times_are_samples_entries_of_times_and_starts_of_clips(void **state)
{
    usd_stage *s = stage(PRIM(AB, "double v"));
    expect_times(s, "/P.v", 3, (const double[]) { 0, 2, 10 }); // b's samples lie before it is active
    assert_true(number(s, "/P.v", 10) == 22 && number(s, "/P.v", 1) == 11);
    assert_true(number(s, "/P.v", 6) == 17); // from the last sample of a to the start of b
    usd_stage_close(&s);
}

static void descendants_read_from_below_the_clip_prim(void **state)
{
    usd_stage *s = stage(PRIM(AB_TIMES, "def \"Kid\" { double w\n }"));
    assert_true(number(s, "/P/Kid.w", 5) == 6);
    expect_none(s, "/P/Kid.w", 12); // b has nothing, no manifest
    usd_stage_close(&s);
}

static void local_opinions_are_stronger_weaker_sublayers_are_not(void **state)
{
    write_file(&dir, "sub.usda", "#usda 1.0\nover \"P\" { double v = 1\n double w = 2\n double v.timeSamples = { 0: 1 }; }\n");
    usd_stage *s = stage("#usda 1.0\n( subLayers = [@./sub.usda@] )\ndef \"P\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n" AB " } } )\n{\n int n = 77\n}\n");
    assert_true(number(s, "/P.v", 0) == 10); // the sublayer's samples are weaker than the clips
    assert_true(number(s, "/P.v", NAN) == 1);
    assert_true(number(s, "/P.n", 0) == 77); // a default beside the clip metadata is stronger
    assert_true(number(s, "/P.w", 0) == 2);  // no clip has it
    usd_stage_close(&s);
}

static void clips_are_stronger_than_what_arcs_bring_in(void **state)
{
    write_file(&dir, "asset.usda", "#usda 1.0\ndef \"A\" { double v = 1\n double v.timeSamples = { 0: 1 }\n def \"Kid\" { double w.timeSamples = { 0: 1 }; }\n }\n");
    usd_stage *s = stage(HEAD "def \"P\" ( references = @./asset.usda@</A>\n clips = { dictionary default = { string primPath = \"/Clip\"\n" AB_TIMES "} } )\n{\n}\n");
    assert_true(number(s, "/P.v", 5) == 11 && number(s, "/P/Kid.w", 5) == 6);
    usd_stage_close(&s);
}

static void clips_of_a_reference_follow_it_with_its_offset(void **state)
{
    write_file(&dir, "clipped.usda", "#usda 1.0\ndef \"A\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n" AB_TIMES "} } )\n{ double v\n timecode tc; }\n");
    usd_stage *s = stage(HEAD "def \"P\" ( references = @./clipped.usda@</A> ( offset = 100; scale = 2 ) )\n{\n}\n");
    assert_true(number(s, "/P.v", 110) == 11 && number(s, "/P.v", 130) == 21);
    expect_times(s, "/P.v", 4, (const double[]) { 100, 120 - 4.44e-9, 120, 140 });
    assert_true(number(s, "/P.tc", 100) == 110 && number(s, "/P.tc", 110) == 110); // the clip's 1 is the stage's 110, whenever asked
    usd_stage_close(&s);
    s = stage(HEAD "def \"P\" ( references = @./clipped.usda@</A> )\n{\n double v.timeSamples = { 0: 3 }\n}\n");
    assert_true(number(s, "/P.v", 5) == 3);
    usd_stage_close(&s);
}

static void time_codes_and_durations_of_clips_go_through_their_segment(void **state)
{
    write_file(&dir, "times.usda", HEAD "over \"Clip\" { timecode tc.timeSamples = { 0: 5, 8: 7 }\n duration d.timeSamples = { 0: 5, 8: 7 }\n}\n");
    usd_stage *s = stage(PRIM("asset[] assetPaths = [@./times.usda@]\n double2[] active = [(0, 0)]\n double2[] times = [(0, 0), (4, 8), (8, 0), (8, 8), (12, 0)]", "timecode tc\n duration d"));
    assert_true(number(s, "/P.tc", 0) == 2.5 && number(s, "/P.tc", 4) == 3.5 && number(s, "/P.tc", 8) == 8.5 && number(s, "/P.tc", 12) == 9.5);
    assert_true(number(s, "/P.d", 0) == 2.5 && number(s, "/P.d", 8) == -3.5 && number(s, "/P.d", 12) == -2.5); // backwards
    usd_stage_close(&s);
}

static void templates_name_files_by_time(void **state)
{
    usd_stage *s = stage(PRIM("string templateAssetPath = \"./t.###.usda\"\n double templateStartTime = 5\n double templateEndTime = 40\n double templateStride = 5", "double v"));
    expect_times(s, "/P.v", 3, (const double[]) { 10, 20, 30 });
    assert_true(number(s, "/P.v", 10) == 100 && number(s, "/P.v", 20) == 200 && number(s, "/P.v", 15) == 150 && number(s, "/P.v", 99) == 300);
    usd_stage_close(&s);
    s = stage(PRIM("string templateAssetPath = \"./t.###.usda:SDF_FORMAT_ARGS:a=b/c.d\"\n double templateStartTime = 10\n double templateEndTime = 30\n double templateStride = 10", "double v"));
    expect_times(s, "/P.v", 3, (const double[]) { 10, 20, 30 });
    usd_stage_close(&s);
    s = stage(PRIM("string templateAssetPath = \"./s.##.##.usda\"\n double templateStartTime = 1.5\n double templateEndTime = 3.5\n double templateStride = 1", "double v"));
    expect_times(s, "/P.v", 3, (const double[]) { 1.5, 2.5, 3.5 });
    assert_true(number(s, "/P.v", 2.5) == 2);
    usd_stage_close(&s);
}

static void template_active_offset_moves_when_clips_are_active(void **state)
{
    usd_stage *s = stage(PRIM("string templateAssetPath = \"./t.###.usda\"\n double templateStartTime = 10\n double templateEndTime = 30\n double templateStride = 10\n double templateActiveOffset = -5", "double v"));
    assert_true(number(s, "/P.v", 15) == 200 && number(s, "/P.v", 20) == 200 && number(s, "/P.v", 25) == 300);
    expect_times(s, "/P.v", 7, (const double[]) { 5, 10, 15, 20, 25, 30, 35 });
    usd_stage_close(&s);
}

static void wrong_templates_are_diagnosed(void **state)
{
    static const char *const wrong[] = {
        PRIM("string templateAssetPath = \"./t.usda\"\n double templateStartTime = 5\n double templateEndTime = 40\n double templateStride = 5", "double v"),
        PRIM("string templateAssetPath = \"./t.###.usda\"\n double templateStartTime = 5\n double templateEndTime = 40\n double templateStride = 0", "double v"),
        PRIM("string templateAssetPath = \"./t.###.usda\"\n double templateStartTime = 50\n double templateEndTime = 40\n double templateStride = 1", "double v"),
        PRIM("string templateAssetPath = \"./t.###.usda\"\n double templateStartTime = 0\n double templateEndTime = 1e9\n double templateStride = 1e-3", "double v"),
        PRIM("string templateAssetPath = \"./t.###.usda\"\n double templateStartTime = 5\n double templateEndTime = 40\n double templateStride = 5\n double templateActiveOffset = 6", "double v"),
        PRIM("asset[] assetPaths = [@./a.usda@]\n double2[] active = [(0, 1)]", "double v"),
        PRIM("asset[] assetPaths = [@./a.usda@]\n double2[] active = [(0, 0), (0, 0)]", "double v"),
        PRIM("asset[] assetPaths = [@./a.usda@]\n double2[] active = [(0, 0)]\n double2[] times = [(0, 0), (0, 1), (0, 2)]", "double v"),
        HEAD "def \"P\" ( clips = { dictionary default = { string primPath = \"Clip\"\n" AB "} } ) { double v; }\n",
        HEAD "def \"P\" ( clips = { dictionary default = { " AB "} } ) { double v; }\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        usd_stage *s = stage(wrong[i]);
        expect_none(s, "/P.v", 0);
        assert_int_equal(usd_stage_diagnostic_count(s), 1);
        assert_non_null(strstr(usd_stage_diagnostic(s, 0)->message, "clip set 'default'"));
        usd_stage_close(&s);
    }
}

static void a_missing_clip_is_diagnosed_once_and_has_no_samples(void **state)
{
    usd_stage *s = stage(PRIM("asset[] assetPaths = [@./gone.usda@, @./b.usda@]\n double2[] active = [(0, 0), (10, 1)]", "double v"));
    expect_none(s, "/P.v", 0);
    assert_true(number(s, "/P.v", 10) == 22);
    expect_none(s, "/P.v", 5);
    assert_int_equal(usd_stage_diagnostic_count(s), 1);
    assert_non_null(strstr(usd_stage_diagnostic(s, 0)->message, "gone.usda"));
    usd_stage_close(&s);
}

static bool only_a(const char *path, void *user) { return strstr(path, "b.usda") == NULL; }

static void clips_are_refused_where_allow_path_says_so(void **state)
{
    struct usd_open_options o = { .allow_path = only_a };
    usd_stage *s;
    const char *text = PRIM(AB_TIMES, "double v");
    assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, dir.path, &o, &s, NULL), USD_OK);
    assert_true(number(s, "/P.v", 0) == 10);
    expect_none(s, "/P.v", 10);
    assert_int_equal(usd_stage_diagnostic(s, 0)->code, USD_ERR_REFUSED);
    usd_stage_close(&s);
}

static void the_manifest_says_what_clips_have(void **state)
{
    usd_stage *s = stage(PRIM(AB_TIMES "asset manifestAssetPath = @./plain.usda@", "double v\n int n = 5"));
    assert_true(number(s, "/P.v", 0) == 10 && number(s, "/P.n", 0) == 5);
    usd_stage_close(&s);
    s = stage(PRIM("asset[] assetPaths = [@./a.usda@, @./none.usda@]\n double2[] active = [(0, 0), (10, 1)]\n asset manifestAssetPath = @./manifest.usda@", "double v"));
    assert_true(number(s, "/P.v", 2) == 12 && number(s, "/P.v", 10) == 99); // its default stands in for missing samples
    usd_stage_close(&s);
    s = stage(PRIM(AB "asset manifestAssetPath = @./none.usda@", "double v"));
    expect_none(s, "/P.v", 0);
    usd_stage_close(&s);
}

static void without_a_manifest_any_clip_declares(void **state)
{
    usd_stage *s = stage(PRIM(AB_TIMES, "double only_b\n double other = 4"));
    expect_none(s, "/P.only_b", 0); // a has no samples, but the clips own the attribute
    assert_true(number(s, "/P.only_b", 10) == 1 && number(s, "/P.other", 10) == 4);
    usd_stage_close(&s);
}

static void expressions_in_clips_see_the_variables_of_the_stage(void **state)
{
    write_file(&dir, "expr.usda", HEAD "( expressionVariables = { string N = \"none\" } )\nover \"Clip\" { asset v.timeSamples = { 0: @`\"./${N}.usda\"`@ }; }\n");
    usd_stage *s = stage(HEAD "( expressionVariables = { string N = \"plain\" } )\ndef \"P\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n"
                              " asset[] assetPaths = [@./expr.usda@]\n double2[] active = [(0, 0)] } } )\n{\n asset v\n}\n");
    struct usd_asset a;
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/P.v"), 0, &a));
    assert_non_null(strstr(a.resolved, "/plain.usda"));
    usd_stage_close(&s);
}

static void missing_values_interpolate_when_asked_for(void **state)
{
#define THREE "asset[] assetPaths = [@./a.usda@, @./none.usda@, @./b.usda@]\n double2[] active = [(0, 0), (10, 1), (20, 2)]\n double2[] times = [(0, 0), (30, 0)]\n"
    usd_stage *s = stage(PRIM(THREE, "double v"));
    expect_none(s, "/P.v", 15);
    usd_stage_close(&s);
    s = stage(PRIM(THREE "bool interpolateMissingClipValues = true", "double v"));
    assert_true(number(s, "/P.v", 0) == 10 && number(s, "/P.v", 10) == 15 && number(s, "/P.v", 20) == 20);
    expect_times(s, "/P.v", 3, (const double[]) { 0, 20, 30 });
    usd_stage_close(&s);
}

static void a_block_in_a_clip_is_no_value(void **state)
{
    usd_stage *s = stage(PRIM("asset[] assetPaths = [@./block.usda@]\n double2[] active = [(0, 0)]", "double v"));
    assert_true(number(s, "/P.v", 0.5) == 30 && number(s, "/P.v", 2) == 32);
    expect_none(s, "/P.v", 1);
    expect_none(s, "/P.v", 1.5);
    usd_stage_close(&s);
}

static void clip_sets_order_and_deletion(void **state)
{
#define TWO(order) HEAD "def \"P\" ( clips = { dictionary one = { string primPath = \"/Clip\"\n asset[] assetPaths = [@./a.usda@]\n double2[] active = [(0, 0)] }\n" \
                        " dictionary two = { string primPath = \"/Clip\"\n asset[] assetPaths = [@./b.usda@]\n double2[] active = [(0, 0)] } }\n" order " )\n{ double v; }\n"
    usd_stage *s = stage(TWO("")); // by name
    assert_true(number(s, "/P.v", 0) == 10);
    usd_stage_close(&s);
    s = stage(TWO("clipSets = [\"two\", \"one\"]"));
    assert_true(number(s, "/P.v", 0) == 20);
    usd_stage_close(&s);
    s = stage(TWO("delete clipSets = [\"one\"]"));
    assert_true(number(s, "/P.v", 0) == 20);
    usd_stage_close(&s);
}

static void dictionaries_merge_and_the_strongest_files_anchor(void **state)
{
    write_file(&dir, "weak.usda", "#usda 1.0\nover \"P\" ( clips = { dictionary default = { string primPath = \"/Wrong\"\n double2[] active = [(0, 0)]\n asset[] assetPaths = [@./b.usda@] } } ) { double v = 4\n double v.timeSamples = { 0: 5 }; }\n");
    usd_stage *s = stage("#usda 1.0\n( subLayers = [@./weak.usda@ ( offset = 50 )] )\nover \"P\" ( clips = { dictionary default = { string primPath = \"/Clip\" } } ) { }\n");
    // Anchored in the sublayer: its own samples are stronger.
    assert_true(number(s, "/P.v", 0) == 5);
    usd_stage_close(&s);
    s = stage("#usda 1.0\n( subLayers = [@./weak.usda@ ( offset = 50 )] )\nover \"P\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n asset[] assetPaths = [@./a.usda@] } } ) { }\n");
    assert_true(number(s, "/P.v", 0) == 10);
    expect_times(s, "/P.v", 2, (const double[]) { 50, 52 }); // `active` came with the sublayer's offset: without `times` it moves all
    usd_stage_close(&s);
}

static void clips_in_a_variant_apply_when_it_is_selected(void **state)
{
    usd_stage *s = stage(HEAD "def \"P\" ( variantSets = \"c\"\n variants = { string c = \"on\" } )\n{ double v\n variantSet \"c\" = { \"on\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n" AB "} } ) { } \"off\" { } }\n}\n");
    assert_true(number(s, "/P.v", 2) == 12);
    usd_stage_close(&s);
}

static void an_empty_list_of_clips_blocks_weaker_ones(void **state)
{
    write_file(&dir, "clipped2.usda", "#usda 1.0\ndef \"A\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n" AB_TIMES "} } )\n{ double v = 8; }\n");
    usd_stage *s = stage(HEAD "def \"P\" ( references = @./clipped2.usda@</A>\n clips = { dictionary default = { asset[] assetPaths = []\n double2[] active = [] } } )\n{\n}\n");
    assert_true(number(s, "/P.v", 5) == 8);
    usd_stage_close(&s);
}

static void clips_of_a_prototype_apply_in_every_instance_local_ones_do_not(void **state)
{
    write_file(&dir, "proto.usda", "#usda 1.0\ndef \"A\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n" AB_TIMES "} } )\n{ def \"Kid\" { double w; }\n }\ndef \"B\" { def \"Kid\" { double w = 3; }\n }\n");
    usd_stage *s = stage(HEAD "def \"P\" ( instanceable = true\n references = @./proto.usda@</A> ) {}\ndef \"Q\" ( instanceable = true\n references = @./proto.usda@</A> ) {}\n"
                              "def \"R\" ( instanceable = true\n references = @./proto.usda@</B>\n clips = { dictionary default = { string primPath = \"/Clip\"\n" AB_TIMES "} } ) {}\n");
    assert_true(usd_prim_is_instance(prim(s, "/P")) && usd_prim_is_instance(prim(s, "/Q")));
    assert_true(number(s, "/P/Kid.w", 5) == 6 && number(s, "/Q/Kid.w", 5) == 6 && number(s, "/R/Kid.w", 5) == 3);
    usd_stage_close(&s);
}

static void paths_of_clips_may_be_expressions(void **state)
{
    usd_stage *s = stage("#usda 1.0\n( expressionVariables = { string WHICH = \"a\" } )\ndef \"P\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n"
                         " asset[] assetPaths = [@`\"./${WHICH}.usda\"`@]\n double2[] active = [(0, 0)] } } )\n{ double v; }\n");
    assert_true(number(s, "/P.v", 1) == 11);
    usd_stage_close(&s);
}

static void a_spline_in_a_clip_is_diagnosed_once(void **state)
{
    write_file(&dir, "spline.usda", "#usda 1.0\nover \"Clip\" { double v.spline = { 0: 1 }; }\n");
    usd_stage *s = stage(PRIM("asset[] assetPaths = [@./spline.usda@]\n double2[] active = [(0, 0)]", "double v"));
    expect_none(s, "/P.v", 0);
    expect_none(s, "/P.v", 1);
    assert_int_equal(usd_stage_diagnostic_count(s), 1);
    assert_non_null(strstr(usd_stage_diagnostic(s, 0)->message, "spline in a clip"));
    usd_stage_close(&s);
}

static void clips_follow_edits(void **state)
{
    usd_stage *s = stage("#usda 1.0\ndef \"P\" ( variantSets = \"c\"\n variants = { string c = \"a\" } )\n{ double v\n def \"Kid\" { double w; }\n variantSet \"c\" = {"
                         " \"a\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n asset[] assetPaths = [@./a.usda@]\n double2[] active = [(0, 0)] } } ) { }"
                         " \"b\" ( clips = { dictionary default = { string primPath = \"/Clip\"\n asset[] assetPaths = [@./b.usda@]\n double2[] active = [(0, 0)] } } ) { } \"off\" { } }\n }\n");
    for (int round = 0; round < 3; round++) {
        assert_int_equal(usd_session_set_variant(s, "/P", "c", "b", NULL), USD_OK);
        assert_int_equal(usd_stage_commit(s, NULL, NULL, NULL), USD_OK);
        assert_true(number(s, "/P.v", 2) == 22);
        expect_none(s, "/P/Kid.w", 0);
        assert_int_equal(usd_session_set_variant(s, "/P", "c", "a", NULL), USD_OK);
        assert_int_equal(usd_stage_commit(s, NULL, NULL, NULL), USD_OK);
        assert_true(number(s, "/P.v", 2) == 12);
        assert_int_equal(usd_session_set_variant(s, "/P", "c", "off", NULL), USD_OK);
        assert_int_equal(usd_stage_commit(s, NULL, NULL, NULL), USD_OK);
        expect_none(s, "/P.v", 2);
    }
    usd_stage_close(&s);
}

static void *read_all(void *user)
{
    const usd_stage *s = user;
    for (int i = 0; i < 400; i++) {
        double t = i % 40 - 10, want = t < 0 ? 10 : t < 10 ? 10 + t / 5 : t < 20 ? 18 + t / 5 : 22;
        if (fabs(number(s, "/P.v", t) - want) > 1e-6 || fabs(number(s, "/P/Kid.w", 5) - 6) > 1e-9
            || usd_attr_sample_count(usd_stage_find_property(s, "/P.v")) != 4)
            return user;
    }
    return NULL;
}

static void many_threads_read_clips_that_nobody_opened_yet(void **state)
{
    for (int round = 0; round < 8; round++) {
        usd_stage *s = stage(PRIM(AB_TIMES, "double v\n double only_b\n def \"Kid\" { double w\n }"));
        pthread_t threads[8];
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, read_all, s), 0);
        for (int i = 0; i < 8; i++) {
            void *failed;
            pthread_join(threads[i], &failed);
            assert_null(failed);
        }
        usd_stage_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_selects_the_clip_and_times_maps_into_it), cmocka_unit_test(a_jump_takes_the_left_value_before_and_the_right_value_at_it),
        cmocka_unit_test(sample_times_are_samples_entries_of_times_and_starts_of_clips), cmocka_unit_test(descendants_read_from_below_the_clip_prim),
        cmocka_unit_test(local_opinions_are_stronger_weaker_sublayers_are_not), cmocka_unit_test(clips_are_stronger_than_what_arcs_bring_in),
        cmocka_unit_test(clips_of_a_reference_follow_it_with_its_offset), cmocka_unit_test(templates_name_files_by_time),
        cmocka_unit_test(template_active_offset_moves_when_clips_are_active), cmocka_unit_test(wrong_templates_are_diagnosed),
        cmocka_unit_test(a_missing_clip_is_diagnosed_once_and_has_no_samples), cmocka_unit_test(clips_are_refused_where_allow_path_says_so),
        cmocka_unit_test(the_manifest_says_what_clips_have), cmocka_unit_test(without_a_manifest_any_clip_declares),
        cmocka_unit_test(missing_values_interpolate_when_asked_for), cmocka_unit_test(a_block_in_a_clip_is_no_value),
        cmocka_unit_test(clip_sets_order_and_deletion), cmocka_unit_test(dictionaries_merge_and_the_strongest_files_anchor),
        cmocka_unit_test(clips_in_a_variant_apply_when_it_is_selected), cmocka_unit_test(an_empty_list_of_clips_blocks_weaker_ones),
        cmocka_unit_test(clips_of_a_prototype_apply_in_every_instance_local_ones_do_not), cmocka_unit_test(paths_of_clips_may_be_expressions),
        cmocka_unit_test(time_codes_and_durations_of_clips_go_through_their_segment),
        cmocka_unit_test(expressions_in_clips_see_the_variables_of_the_stage),
        cmocka_unit_test(many_threads_read_clips_that_nobody_opened_yet), cmocka_unit_test(clips_follow_edits), cmocka_unit_test(a_spline_in_a_clip_is_diagnosed_once),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
