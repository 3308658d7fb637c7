// Splines, one rule a test. Expected values are worked out by hand from the curves' formulas.
#include "usd_test.h"

#include "arena.h"
#include "spline.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static usd_stage *spline(const char *body)
{
    char text[2048];
    snprintf(text, sizeof(text), "#usda 1.0\ndef \"P\" {\n double v.spline = { %s }\n}\n", body);
    return open_text(text);
}

static double at(const usd_stage *s, double time) { return number(s, "/P.v", time); }

static bool has(const usd_stage *s, double time)
{
    double d;
    return usd_attr_get_double(usd_stage_find_property(s, "/P.v"), time, &d);
}

static void held_is_what_is_not_said(void **state)
{
    usd_stage *s = spline("0: 1, 10: 5 ,");
    assert_true(at(s, -3) == 1 && at(s, 0) == 1 && at(s, 9.9) == 1 && at(s, 10) == 5 && at(s, 99) == 5);
    assert_false(has(s, NAN));
    usd_stage_close(&s);
}

static void linear_segments(void **state)
{
    usd_stage *s = spline("10: 5, 0: 1; post linear"); // in any order
    assert_true(at(s, 5) == 3 && at(s, 2.5) == 2);
    assert_true(usd_attr_has_spline(usd_stage_find_property(s, "/P.v")) && usd_attr_might_vary(usd_stage_find_property(s, "/P.v")));
    double t[2];
    assert_int_equal(usd_attr_spline_knots(usd_stage_find_property(s, "/P.v"), t, 2), 2);
    assert_true(t[0] == 0 && t[1] == 10);
    assert_int_equal(usd_attr_sample_count(usd_stage_find_property(s, "/P.v")), 0);
    usd_stage_close(&s);
}

static void bezier_curves_follow_their_tangents(void **state)
{
    usd_stage *s = spline("bezier, 0: 0; post curve (1, 0), 3: 3; pre (1, 0)"); // thirds: time passes evenly
    NEAR(at(s, 1), 3 * (3 / 9.0 - 2 / 27.0)), NEAR(at(s, 1.5), 1.5), NEAR(at(s, 2), 3 * (3 * 4 / 9.0 - 2 * 8 / 27.0));
    usd_stage_close(&s);
    s = spline("0: 0; post curve (1, 1), 3: 3; pre (0.5, 1)"); // all points on one line
    NEAR(at(s, 0.7), 0.7), NEAR(at(s, 2.2), 2.2);
    usd_stage_close(&s);
    s = spline("0: 0; post curve (0, 0), 1: 1; pre (0, 0)"); // x = y = 3u^2 - 2u^3
    NEAR(at(s, 0.3), 0.3);
    usd_stage_close(&s);
    s = spline("0: 0; post curve (2, 0), 4: 8; pre (2, 0)"); // x = 6u - 6u^2 + 4u^3 at u = 1/4: 1.1875; y = 8(3u^2 - 2u^3)
    NEAR(at(s, 1.1875), 8 * (3 / 16.0 - 2 / 64.0));
    usd_stage_close(&s);
}

static void tangents_that_would_run_back_in_time_are_shortened(void **state)
{
    usd_stage *s = spline("0: 0; post curve (30, 0), 10: 10; pre (30, 0)");
    double last = -1;
    for (double t = 0; t <= 10; t += 0.125) {
        double v = at(s, t);
        assert_true(v >= last && v >= 0 && v <= 10);
        last = v;
    }
    NEAR(at(s, 5), 5);
    usd_stage_close(&s);
    s = spline("0: 0; post curve (30, 1), 10: 10; pre (0, 0)");
    assert_true(has(s, 1) && has(s, 9));
    usd_stage_close(&s);
}

static void hermite_curves_have_slopes_only(void **state)
{
    usd_stage *s = spline("hermite, 0: 0; post curve (0), 3: 3; pre (0)");
    NEAR(at(s, 1), 3 * (3 / 9.0 - 2 / 27.0));
    usd_stage_close(&s);
    s = spline("hermite, 0: 0; post curve (1), 4: 4; pre (1)");
    NEAR(at(s, 1), 1);
    usd_stage_close(&s);
}

static void dual_values_step(void **state)
{
    usd_stage *s = spline("0: 0; post linear, 10: 5 & 7; post linear, 20: 9");
    NEAR(at(s, 5), 2.5), NEAR(at(s, 10), 7), NEAR(at(s, 15), 8);
    usd_stage_close(&s);
}

static void none_has_no_value(void **state)
{
    usd_stage *s = spline("pre: none, post: none, 0: 1; post none, 5: 2; post linear, 6: 3");
    assert_true(!has(s, -1) && !has(s, 0) && !has(s, 3) && has(s, 5) && has(s, 5.5) && !has(s, 6) && !has(s, 7)); // from the knot on
    usd_stage_close(&s);
    s = spline("pre: none, post: linear, 0: 1; post linear, 5: 2; post none, 6: 3; post none");
    assert_true(!has(s, -1) && has(s, 0) && has(s, 4.9) && !has(s, 5) && has(s, 6) && at(s, 9) == 3); // flat beside a block
    usd_stage_close(&s);
    s = spline("");
    assert_false(has(s, 0));
    assert_true(usd_attr_has_spline(usd_stage_find_property(s, "/P.v")));
    usd_stage_close(&s);
}

static void extrapolation_is_held_linear_or_sloped(void **state)
{
    usd_stage *s = spline("pre: linear, post: sloped(2), 0: 0; post linear, 10: 5");
    NEAR(at(s, -10), -5), NEAR(at(s, 13), 11);
    usd_stage_close(&s);
    s = spline("pre: linear, post: linear, 0: 0; post curve (1, 3), 10: 5; pre (1, -2)");
    NEAR(at(s, -2), -6), NEAR(at(s, 12), 1); // along the tangents
    usd_stage_close(&s);
    s = spline("pre: linear, post: linear, 0: 0; post held, 10: 5");
    assert_true(at(s, -2) == 0 && at(s, 12) == 5); // a held segment is flat
    usd_stage_close(&s);
    s = spline("pre: linear, post: linear, 0: 4");
    assert_true(at(s, -2) == 4 && at(s, 12) == 4);
    usd_stage_close(&s);
}

static void extrapolation_loops(void **state)
{
#define RAMP "0: 0; post linear, 10: 10"
    usd_stage *s = spline("pre: loop repeat, post: loop repeat, " RAMP);
    NEAR(at(s, 12), 12), NEAR(at(s, 25), 25), NEAR(at(s, -3), -3), NEAR(at(s, 10), 10), NEAR(at(s, -10), -10);
    usd_stage_close(&s);
    s = spline("pre: loop reset, post: loop reset, " RAMP);
    NEAR(at(s, 12), 2), NEAR(at(s, 10), 0), NEAR(at(s, -2), 8), NEAR(at(s, -10), 0), NEAR(at(s, 47), 7);
    usd_stage_close(&s);
    s = spline("pre: loop oscillate, post: loop oscillate, " RAMP);
    NEAR(at(s, 12), 8), NEAR(at(s, 25), 5), NEAR(at(s, -3), 3), NEAR(at(s, -13), 7), NEAR(at(s, 20), 0);
    usd_stage_close(&s);
}

// From the first knot to the boundary, or from it to the last knot. The numbers are those of OpenUSD's own tests.
static void extrapolation_loops_between_knots(void **state)
{
#define HILLS "0: 0; post held, 1: 1; post linear, 2: 2.5; post linear, 3: 2; post linear, 4: 4; post held"
    usd_stage *s = spline("pre: loop reset(2), post: loop reset(3), " HILLS);
    NEAR(at(s, -0.5), 1.75), NEAR(at(s, -1), 1), NEAR(at(s, -2), 0), NEAR(at(s, -2.5), 1.75);
    NEAR(at(s, 4), 2), NEAR(at(s, 4.5), 3), NEAR(at(s, 5.25), 2.5);
    usd_stage_close(&s);
    s = spline("pre: loop oscillate(1), post: loop oscillate(2), " HILLS);
    NEAR(at(s, -0.25), 0), NEAR(at(s, -1), 0), NEAR(at(s, 4.5), 3), NEAR(at(s, 5), 2), NEAR(at(s, 6), 2.5);
    usd_stage_close(&s);
    s = spline("pre: loop repeat(2), post: loop repeat(2), 0: -0.5 & 0; post held, 1: 1; post linear, 2: 1.5 & 2.5; post linear, 3: 2; post linear, 4: 4 & 6");
    NEAR(at(s, -0.5), 1.25 - 2), NEAR(at(s, -2.5), 1.25 - 4), NEAR(at(s, 4), 6), NEAR(at(s, 5), 5.5), NEAR(at(s, 7), 9);
    usd_stage_close(&s);
    s = spline("pre: loop repeat(0), post: loop repeat(3.5), " HILLS); // a loop of nothing is held, a boundary without a knot has no value
    assert_true(at(s, -5) == 0 && !has(s, 5) && !has(s, 4) && at(s, 3.5) == 3);
    usd_stage_close(&s);
    s = spline("pre: loop repeat(7), 3: 1");
    assert_true(at(s, 0) == 1);
    usd_stage_close(&s);
}

static void inner_loops_repeat_the_prototype(void **state)
{
    usd_stage *s = spline("loop: (0, 10, 1, 2, 10), 0: 0; post linear, 4: 8; post linear, 12: 99; post linear, 50: 40");
    NEAR(at(s, 2), 4), NEAR(at(s, 7), 9);        // from 8 at 4 to the copy, 10 at 10
    NEAR(at(s, 12), 14), NEAR(at(s, 27), 29);    // the knot at 12 stands in an echo
    NEAR(at(s, -8), -6), NEAR(at(s, -10), -10), NEAR(at(s, -20), -10);
    NEAR(at(s, 30), 30), NEAR(at(s, 40), 35);    // from the last copy to the next knot
    usd_stage_close(&s);
    s = spline("post: linear, loop: (0, 10, 0, 1, 0), 0: 1; post linear, 5: 6; post linear");
    NEAR(at(s, 15), 6), NEAR(at(s, 20), 1), NEAR(at(s, 22), -1);
    usd_stage_close(&s);
    s = spline("loop: (1, 10, 0, 1, 0), 0: 1; post linear, 5: 6"); // no knot at its start: no loop
    NEAR(at(s, 15), 6);
    usd_stage_close(&s);
}

static void auto_ease_is_flat_at_extremes(void **state)
{
    usd_stage *s = spline("0: 0; post curve (1, 0, custom), 5: 10; pre (2, 9, autoEase); post curve (2, 9, autoEase), 10: 0; pre (1, 0)");
    assert_true(at(s, 4.9) < 10 && at(s, 5.1) < 10 && at(s, 5) == 10);
    usd_stage_close(&s);
}

static void a_layer_offset_moves_the_spline(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "sub.usda", "#usda 1.0\ndef \"P\" { double v.spline = { 0: 0; post linear, 10: 10 }\n timecode t.spline = { 0: 0; post linear, 10: 10 }; }\n");
    char text[] = "#usda 1.0\n( subLayers = [@./sub.usda@ ( offset = 100; scale = 2 )] )\n";
    usd_stage *s;
    assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, f.path, NULL, &s, NULL), USD_OK);
    NEAR(at(s, 110), 5), NEAR(number(s, "/P.t", 110), 110);
    double t[2];
    assert_int_equal(usd_attr_spline_knots(usd_stage_find_property(s, "/P.v"), t, 2), 2);
    assert_true(t[0] == 100 && t[1] == 120);
    usd_stage_close(&s);
    remove_folder(&f);
}

static void the_type_rounds(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { float f.spline = { 0: 0.1; post linear, 1: 0.3 }\n half h.spline = { 0: 0.1 }; }\n");
    struct usd_value v;
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.f"), 0.5, &v) && v.type == USD_TYPE_FLOAT);
    assert_true(*(const float *)v.data == (float)(0.1f + (0.3f - (double)0.1f) * 0.5));
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.h"), 0, &v) && v.type == USD_TYPE_HALF && *(const uint16_t *)v.data == 0x2e66);
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void samples_are_stronger_and_defaults_weaker_in_one_layer(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { double a = 1\n double a.spline = { 0: 2 }\n double b = 1\n double b.timeSamples = { 0: 3 }\n double b.spline = { 0: 2 }; }\n");
    assert_true(number(s, "/P.a", 0) == 2 && number(s, "/P.a", NAN) == 1 && number(s, "/P.b", 0) == 3);
    usd_stage_close(&s);
}

static void the_grammar(void **state)
{
    usd_stage *s = spline("bezier, # a comment\n pre: sloped( 0.5 ),\n post : loop oscillate,\n loop : ( 0 , 10 , 0 , 0 , 1e1 ),\n"
                          " 0 : 1 & 2 ; post curve (1, 2); { string note = \"n\" },\n 5: 3\n pre (1, 2)\n post linear\n,\n 10: 4,\n");
    assert_true(at(s, 0) == 2);
    usd_stage_close(&s);
    static const char *const wrong[] = { "0", "0: ", "0: 1 2: 3", "pre: up, 0: 1", "0: 1; middle (1, 2)", "0: 1; pre (1, 2, 3)", "0: 1; post curve (1, 2", "loop: (1, 2, 3)",
                                         "loop: (0, 1, 1e99, 0, 0)", "0: 1; pre (1, 2, fast)", "post: loop, 0: 1", "post: sloped, 0: 1" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "#usda 1.0\ndef \"P\" {\n double v.spline = { %s }\n}\n", wrong[i]);
        struct usd_error err = { 0 };
        assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, NULL, NULL, &s, &err), USD_ERR_SYNTAX);
        assert_int_equal(err.line, 3);
    }
}

static void what_is_written_reads_back_the_same(void **state)
{
    struct folder f  = make_folder();
    const char *path = write_file(&f, "a.usda", "#usda 1.0\ndef \"P\" {\n double v = AnimationBlock\n double v.spline = { pre: loop reset, post: sloped(0.25), loop: (0, 4, 1, 0, 2),\n"
                                                " 0: 1; post curve (1, 2), 5: 3 & 4; pre (1, 2, custom); post linear; { string note = \"n\" }, 9: 0.1; post none }\n}\n");
    usd_stage *a     = open_file(path), *b, *c;
    struct short_text text = { .n = 0 };
    assert_int_equal(usd_layer_write(path, NULL, collect_text, &text, NULL), USD_OK);
    assert_int_equal(usd_stage_open_string(text.b, text.n, NULL, NULL, NULL, &b, NULL), USD_OK);
    assert_non_null(strstr(text.b, "AnimationBlock"));
    assert_non_null(strstr(text.b, "note = \"n\""));
    text.n = 0;
    assert_int_equal(usd_stage_write(a, collect_text, &text, NULL), USD_OK);
    assert_int_equal(usd_stage_open_string(text.b, text.n, NULL, NULL, NULL, &c, NULL), USD_OK);
    for (double t = -12; t < 14; t += 0.5) {
        assert_int_equal(has(a, t), has(b, t));
        assert_int_equal(has(a, t), has(c, t));
        assert_true(!has(a, t) || (at(a, t) == at(b, t) && at(a, t) == at(c, t)));
    }
    usd_stage_close(&a), usd_stage_close(&b), usd_stage_close(&c);
    remove_folder(&f);
}

static void flattening_writes_stage_time_also_when_it_runs_back(void **state)
{
    static const char *const offsets[] = { "( offset = 3; scale = 2 )", "( offset = 3; scale = -2 )" };
    static const char *const bodies[]  = { "pre: sloped(1), post: linear, 0: 1; post curve (1, 2), 5: 3; pre (1, 2); post linear, 9: 0.5; post held, 12: 4",
                                          "loop: (0, 4, 1, 2, 2), post: loop repeat, -9: 7; post linear, 0: 1; post curve (1, 2), 3: 3; pre (1, 2); post linear, 4: 9; post linear, 20: 2",
                                          "pre: loop oscillate, 0: 1; post linear, 5: 3; post none, 7: 1; post linear, 9: 5" };
    struct folder f = make_folder();
    for (int o = 0; o < 2; o++)
        for (int b = 0; b < 3; b++) {
            char text[600];
            usd_stage *s, *flat;
            struct short_text out = { .n = 0 };
            snprintf(text, sizeof(text), "#usda 1.0\ndef \"P\" { double v.spline = { %s }\n }\n", bodies[b]);
            write_file(&f, "sub.usda", text);
            snprintf(text, sizeof(text), "#usda 1.0\n( subLayers = [@./sub.usda@ %s] )\n", offsets[o]);
            assert_int_equal(usd_stage_open_string(text, strlen(text), NULL, f.path, NULL, &s, NULL), USD_OK);
            assert_int_equal(usd_stage_write(s, collect_text, &out, NULL), USD_OK);
            assert_int_equal(usd_stage_open_string(out.b, out.n, NULL, NULL, NULL, &flat, NULL), USD_OK);
            for (double t = -60.3; t < 70; t += 0.7) { // not on knots: those have a left and a right side
                if (has(s, t) != has(flat, t) || (has(s, t) && fabs(at(s, t) - at(flat, t)) > 1e-9))
                    fail_msg("%s %s at %g", offsets[o], bodies[b], t);
            }
            usd_stage_close(&s);
            usd_stage_close(&flat);
        }
    remove_folder(&f);
}

// The binary form: flags, slopes, loops, knots.
static size_t put(uint8_t *b, size_t n, const void *data, size_t size)
{
    memcpy(b + n, data, size);
    return n + size;
}
#define PUT(TYPE, ...) n = put(b, n, &(TYPE) { __VA_ARGS__ }, sizeof(TYPE))

static size_t binary(uint8_t *b, uint8_t version)
{
    size_t n = 0;
    PUT(uint8_t, version | 2 << 4); // floats, Bezier
    PUT(uint8_t, 3 | 6 << 3 | 1 << 6); // sloped, oscillating, with loops
    PUT(double, 0.5);
    PUT(double, 0), PUT(double, 4), PUT(int32_t, 0), PUT(int32_t, 1), PUT(double, 2);
    PUT(uint32_t, 2);
    PUT(uint8_t, 1 | 2 << 1), PUT(double, 0), PUT(float, 1), PUT(float, 0.5f), PUT(double, 1), PUT(double, 1), PUT(float, 0), PUT(float, 2);
    if (version > 1)
        PUT(uint8_t, 0);
    PUT(uint8_t, 3 << 1), PUT(double, 2), PUT(float, 3), PUT(double, 1), PUT(double, 1), PUT(float, 0), PUT(float, 2);
    if (version > 1)
        PUT(uint8_t, 1 | 2 << 4);
    return n;
}

static void the_binary_form_of_crates(void **state)
{
    struct arena a;
    arena_init(&a, 0);
    for (uint8_t version = 1; version <= 2; version++) {
        uint8_t b[256];
        size_t n = binary(b, version);
        const struct spline *s = spline_decode(&a, b, n);
        assert_non_null(s);
        assert_true(s->type == USD_TYPE_FLOAT && s->pre == EXTRAP_SLOPED && s->post == EXTRAP_OSCILLATE && s->pre_slope == 0.5 && s->has_loop);
        assert_true(s->loop_end == 4 && s->post_loops == 1 && s->loop_offset == 2 && s->count == 2);
        assert_true(s->knots[0].dual && s->knots[0].pre_value == 0.5 && s->knots[0].interp == SPLINE_LINEAR && s->knots[1].interp == SPLINE_CURVE);
        assert_true(s->knots[1].time == 2 && s->knots[1].value == 3 && s->knots[1].post_slope == 2);
        for (size_t cut = 1; cut < n; cut++) { // every truncation, in a block of exactly that size
            uint8_t *exact = malloc(cut);
            memcpy(exact, b, cut);
            assert_null(spline_decode(&a, exact, cut));
            free(exact);
        }
        b[0] = (uint8_t)(b[0] + 2);
        if (version == 2)
            assert_null(spline_decode(&a, b, n)); // a newer version
    }
    assert_int_equal(spline_decode(&a, "", 0)->count, 0);
    arena_finish(&a);
}

static char corpus[512];

static void splines_blocks_and_clips_of_a_crate(void **state)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/values.usdc", corpus);
    usd_stage *s = open_file(path);
    NEAR(number(s, "/P.s", 5), 3), NEAR(number(s, "/P.s", 10), 6), NEAR(number(s, "/P.s", -1), 0.6);
    assert_true(usd_attr_has_spline(usd_stage_find_property(s, "/P.e")) && !usd_attr_has_value(usd_stage_find_property(s, "/P.b")));
    struct usd_value v;
    assert_true(usd_prim_metadata(prim(s, "/P"), "clips", &v));
    const struct usd_value *assets = usd_dict_find(&v, "default:assetPaths");
    assert_true(assets && assets->is_array && assets->type == USD_TYPE_ASSET && !strcmp(((const struct usd_asset *)assets->data)->authored, "./a.usda"));
    usd_value_finish(&v);
    assert_false(usd_attr_has_value(usd_stage_find_property(s, "/P.v"))); // the clip is not there: a diagnostic says so
    assert_int_equal(usd_stage_diagnostic_count(s), 1);
    assert_non_null(strstr(usd_stage_diagnostic(s, 0)->message, "a.usda"));
    usd_stage_close(&s);
}

int main(int argc, char **argv)
{
    snprintf(corpus, sizeof(corpus), "%s/../../fuzz/corpus/crate", argc > 1 ? argv[1] : ".");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_is_what_is_not_said), cmocka_unit_test(linear_segments), cmocka_unit_test(bezier_curves_follow_their_tangents),
        cmocka_unit_test(tangents_that_would_run_back_in_time_are_shortened), cmocka_unit_test(hermite_curves_have_slopes_only), cmocka_unit_test(dual_values_step),
        cmocka_unit_test(none_has_no_value), cmocka_unit_test(extrapolation_is_held_linear_or_sloped), cmocka_unit_test(extrapolation_loops), cmocka_unit_test(extrapolation_loops_between_knots),
        cmocka_unit_test(inner_loops_repeat_the_prototype), cmocka_unit_test(auto_ease_is_flat_at_extremes), cmocka_unit_test(a_layer_offset_moves_the_spline),
        cmocka_unit_test(the_type_rounds), cmocka_unit_test(samples_are_stronger_and_defaults_weaker_in_one_layer), cmocka_unit_test(the_grammar),
        cmocka_unit_test(what_is_written_reads_back_the_same), cmocka_unit_test(flattening_writes_stage_time_also_when_it_runs_back), cmocka_unit_test(the_binary_form_of_crates), cmocka_unit_test(splines_blocks_and_clips_of_a_crate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
