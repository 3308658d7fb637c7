// The generated root layer, read back with libstageusd, and USD values as JSON.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "root_layer.h"
#include "stage_query.h"
#include "stageusd/stageusd.h"
#include "usd_json.h"

static char folder[128];

static void write_scene(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static usd_stage *open_text(const char *text)
{
    usd_stage *stage = NULL;
    struct usd_error e;
    if (usd_stage_open_string(text, strlen(text), "root", NULL, NULL, &stage, &e) != USD_OK)
        fail_msg("%s\n%s", e.message, text);
    return stage;
}

static const char *user_scene = "#usda 1.0\n(\n    defaultPrim = \"Car\"\n    metersPerUnit = 0.5\n    upAxis = \"Z\"\n    startTimeCode = 3\n"
                                "    endTimeCode = 7.5\n    timeCodesPerSecond = 30\n)\n\ndef Xform \"Car\" (\n    prepend variantSets = \"paint\"\n)\n{\n"
                                "    variantSet \"paint\" = {\n        \"red\" {\n            def Cube \"Red\"\n            {\n            }\n        }\n"
                                "        \".blue-x|1\" {\n            def Cube \"Blue\"\n            {\n            }\n        }\n    }\n}\n";

static char *layer_of(const char *scene, int w, int h, bool all, json_t *variants, char *error)
{
    static const struct root_layer_metadata m = { .up_axis = "Z", .has_meters_per_unit = true, .meters_per_unit = 0.5, .has_start = true, .start = 3,
                                                  .has_end = true, .end = 7.5, .has_time_codes = true, .time_codes_per_second = 30 };
    struct camera c;
    camera_init(&c, w, h);
    c.view.distance = 10;
    c.view.azimuth  = 0;
    struct root_layer_desc d = { .scene = scene, .metadata = &m, .camera = &c, .width = w, .height = h, .all_aovs = all, .variants = variants };
    return root_layer_text(&d, error, 256);
}

static size_t occurrences(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static void the_layer_reads_back(void **state)
{
    static const int sizes[][2] = { { 1920, 1080 }, { 1280, 720 }, { 1000, 1000 }, { 720, 1280 } };
    char scene[300], error[256];
    (void)state;
    snprintf(scene, sizeof(scene), "%s/car.usda", folder);
    write_scene(scene, user_scene);
    for (int i = 0; i < 4; i++) {
        int w = sizes[i][0], h = sizes[i][1];
        char *text = layer_of(scene, w, h, true, NULL, error);
        assert_non_null(text);
        assert_int_equal(occurrences(text, "#usda 1.0"), 1);
        assert_int_equal(occurrences(text, "\n(\n"), 1);
        assert_null(strstr(text, "Light"));
        assert_null(strstr(text, "ovrtx_pick_hit"));
        for (const char *p = text; (p = strchr(p, '{')); p++)
            assert_int_equal(p[1], '\n'); // no body on one line
        usd_stage *stage = open_text(text);
        assert_string_equal(usd_stage_up_axis(stage), "Z");
        assert_true(usd_stage_meters_per_unit(stage) == 0.5);
        double start = 0, end = 0;
        assert_true(usd_stage_time_range(stage, &start, &end) && start == 3 && end == 7.5);
        assert_true(usd_stage_time_codes_per_second(stage) == 30);
        assert_non_null(usd_stage_find(stage, "/Car"));

        const usd_prim *camera = usd_stage_find(stage, "/OVCamera"), *product = usd_stage_find(stage, VIEWER_PRODUCT);
        assert_string_equal(usd_prim_type_name(camera), "Camera");
        double v = 0, m[16];
        float clip[2];
        assert_true(usd_prim_get_double(camera, "verticalAperture", 0, &v) && fabs(v - 20.955 * h / w) < 1e-4);
        assert_true(usd_prim_get_double(camera, "focalLength", 0, &v) && fabs(v - 18.15) < 1e-6);
        assert_true(usd_prim_get_vec2f(camera, "clippingRange", 0, clip) && clip[1] > 1e6f);
        assert_true(usd_prim_local_matrix(camera, 0, m, NULL) && fabs(m[14] - 10) < 1e-9);
        assert_string_equal(usd_prim_type_name(product), "RenderProduct");
        assert_string_equal(usd_rel_target(usd_prim_find_property(product, "camera"), 0), "/OVCamera");
        struct usd_value resolution;
        assert_true(usd_prim_get(product, "resolution", 0, &resolution) && resolution.type == USD_TYPE_INT2);
        assert_true(((const int32_t *)resolution.data)[0] == w && ((const int32_t *)resolution.data)[1] == h);
        usd_value_finish(&resolution);
        static const char *const sources[] = { "LdrColor", "HdrColor", "NormalSD", "InstanceSegmentationSD", "SemanticSegmentationSD", "DepthSD",
                                               "DiffuseAlbedoSD" };
        const usd_property *vars = usd_prim_find_property(product, "orderedVars");
        assert_true(usd_rel_target_count(vars) >= 7);
        for (size_t k = 0; k < 7; k++) {
            const usd_prim *var = usd_stage_find(stage, usd_rel_target(vars, k));
            const char *source  = NULL;
            assert_string_equal(usd_prim_type_name(var), "RenderVar");
            assert_true(usd_prim_get_token(var, "sourceName", 0, &source));
            assert_string_equal(source, sources[k]);
        }
        const usd_prim *settings = usd_stage_find(stage, "/Render/OVRenderSettings");
        assert_string_equal(usd_rel_target(usd_prim_find_property(settings, "products"), 0), VIEWER_PRODUCT);
        usd_stage_close(&stage);
        free(text);
    }
    char *text = layer_of(scene, 640, 360, false, NULL, error);
    assert_int_equal(occurrences(text, "def RenderVar"), 1);
    free(text);
}

static void odd_scene_paths(void **state)
{
    static const char *const names[] = { "with space.usda", "quote\"s.usda", "at@sign.usda", "\xc3\xa9t\xc3\xa9.usda", "back\\slash.usda", "hash#1 (2).usda" };
    char scene[300], error[256];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(scene, sizeof(scene), "%s/%s", folder, names[i]);
        write_scene(scene, user_scene);
        char *text = layer_of(scene, 640, 360, true, NULL, error);
        assert_non_null(text);
        usd_stage *stage = open_text(text);
        if (!usd_stage_find(stage, "/Car"))
            fail_msg("%s was not found", names[i]);
        usd_stage_close(&stage);
        free(text);
    }
    assert_null(layer_of("/tmp/a@@@b.usda", 640, 360, true, NULL, error));
    assert_true(strlen(error) > 0);
    assert_null(layer_of("/tmp/a\nb.usda", 640, 360, true, NULL, error));
}

static void commas_of_a_locale_stay_out(void **state)
{
    static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR" };
    char scene[300], error[256];
    (void)state;
    snprintf(scene, sizeof(scene), "%s/car.usda", folder);
    char *plain = layer_of(scene, 1280, 720, true, NULL, error);
    bool found  = false;
    for (size_t i = 0; i < 4 && !found; i++)
        found = setlocale(LC_ALL, locales[i]) != NULL;
    char *text = layer_of(scene, 1280, 720, true, NULL, error);
    setlocale(LC_ALL, "C");
    assert_string_equal(plain, text);
    if (!found)
        print_message("no locale with a decimal comma is installed: compared with C only\n");
    free(plain);
    free(text);
}

static void variants_are_chosen(void **state)
{
    char scene[300], error[256];
    (void)state;
    snprintf(scene, sizeof(scene), "%s/car.usda", folder);
    const char *choices[] = { "red", ".blue-x|1" };
    for (int i = 0; i < 2; i++) {
        json_t *variants = json_pack("{s:{s:s}}", "/Car", "paint", choices[i]);
        char *text       = layer_of(scene, 640, 360, true, variants, error);
        usd_stage *stage = open_text(text);
        assert_int_equal(usd_stage_find(stage, "/Car/Red") != NULL, i == 0);
        assert_int_equal(usd_stage_find(stage, "/Car/Blue") != NULL, i == 1);
        usd_stage_close(&stage);
        free(text);
        json_decref(variants);
    }
}

static void viewer_prims_are_known(void **state)
{
    (void)state;
    assert_true(root_layer_owns("/OVCamera"));
    assert_true(root_layer_owns("/Render/Vars/LdrColor"));
    assert_false(root_layer_owns("/OVCamera2"));
    assert_false(root_layer_owns("/Render"));
    assert_false(root_layer_owns("/World/OVCamera"));
}

// Every row of the protocol's table of values.
static void values_as_json(void **state)
{
    static const struct {
        const char *declaration, *json;
    } rows[] = {
        { "bool x = 1", "true" }, { "bool x = false", "false" }, { "int x = -7", "-7" }, { "uint x = 4000000000", "4000000000" },
        { "uchar x = 200", "200" }, { "int64 x = 9007199254740991", "9007199254740991" }, { "int64 x = 9007199254740992", "\"9007199254740992\"" },
        { "int64 x = -9223372036854775808", "\"-9223372036854775808\"" }, { "uint64 x = 18446744073709551615", "\"18446744073709551615\"" },
        { "half x = 0.5", "0.5" }, { "float x = 0.1", "0.1" }, { "double x = 0.25", "0.25" }, { "float x = nan", "\"NaN\"" },
        { "double x = inf", "\"Infinity\"" }, { "double x = -inf", "\"-Infinity\"" }, { "string x = \"a \\\"b\\\"\"", "\"a \\\"b\\\"\"" },
        { "token x = \"t\"", "\"t\"" }, { "float3 x = (1, 2.5, -3)", "[1.0,2.5,-3.0]" }, { "color3f x = (1, 0, 0)", "[1.0,0.0,0.0]" },
        { "double2 x = (1, inf)", "[1.0,\"Infinity\"]" }, { "int2 x = (3, 4)", "[3,4]" }, { "half4 x = (1, 2, 3, 4)", "[1.0,2.0,3.0,4.0]" },
        { "quatf x = (1, 0, 0.5, 0)", "{\"real\":1.0,\"imaginary\":[0.0,0.5,0.0]}" },
        { "matrix2d x = ((1, 2), (3, 4))", "[[1.0,2.0],[3.0,4.0]]" }, { "float x", "null" }, { "float x = None", "null" },
        { "float[] x = []", "{\"length\":0,\"preview\":[],\"truncated\":false}" },
        { "int[] x = [1, 2, 3, 4, 5, 6, 7, 8, 9]", "{\"length\":9,\"preview\":[1,2,3,4,5,6,7,8],\"truncated\":true}" },
        { "float3[] x = [(0, 0, 1)]", "{\"length\":1,\"preview\":[[0.0,0.0,1.0]],\"truncated\":false}" },
        { "asset x = @somewhere/else.png@", "\"somewhere/else.png\"" },
        { "double x.timeSamples = {\n        2: 20,\n        1: 10,\n    }", "10.0" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[600];
        snprintf(text, sizeof(text), "#usda 1.0\n\ndef Scope \"S\"\n{\n    custom %s\n    rel one = </S>\n    rel two = [</S>, </T>]\n    rel none = []\n}\n", rows[i].declaration);
        usd_stage *stage = open_text(text);
        json_t *p        = usd_json_properties(stage, usd_stage_find(stage, "/S"), NULL);
        char *got        = json_dumps(json_object_get(p, "x"), JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        if (!got || strcmp(got, rows[i].json) != 0)
            fail_msg("%s gave %s, not %s", rows[i].declaration, got ? got : "nothing", rows[i].json);
        free(got);
        got = json_dumps(json_object_get(p, "two"), JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(got, "[\"/S\",\"/T\"]");
        free(got);
        assert_string_equal(json_string_value(json_object_get(p, "one")), "/S");
        assert_int_equal(json_array_size(json_object_get(p, "none")), 0);
        json_decref(p);
        usd_stage_close(&stage);
    }
}

static void assets_inside_the_root_are_relative(void **state)
{
    char path[300], error[256], text[300];
    (void)state;
    snprintf(path, sizeof(path), "%s/tex", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/tex/a.png", folder);
    write_scene(path, "x");
    snprintf(path, sizeof(path), "%s/tex/scene.usda", folder);
    snprintf(text, sizeof(text), "#usda 1.0\n\ndef Scope \"S\"\n{\n    custom asset in = @./a.png@\n    custom asset out = @/etc/hostname@\n}\n");
    write_scene(path, text);
    struct options o = { .asset_roots = { folder }, .asset_root_count = 1 };
    struct assets *a = assets_create(&o, error, sizeof(error));
    usd_stage *stage = NULL;
    assert_int_equal(usd_stage_open(path, NULL, &stage, NULL), USD_OK);
    json_t *p = usd_json_properties(stage, usd_stage_find(stage, "/S"), a);
    assert_string_equal(json_string_value(json_object_get(p, "in")), "tex/a.png");
    assert_string_equal(json_string_value(json_object_get(p, "out")), "/etc/hostname"); // as authored
    json_decref(p);
    usd_stage_close(&stage);
    assets_destroy(&a);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/stagecast-stage-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[200];
    (void)state;
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layer_reads_back), cmocka_unit_test(odd_scene_paths), cmocka_unit_test(commas_of_a_locale_stay_out),
        cmocka_unit_test(variants_are_chosen), cmocka_unit_test(viewer_prims_are_known), cmocka_unit_test(values_as_json),
        cmocka_unit_test(assets_inside_the_root_are_relative),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
