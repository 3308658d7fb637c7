// Transforms, bounds, purposes, bindings, primvars, fallbacks.
#include "usd_test.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void transforms(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Xform \"A\" {\n double3 xformOp:translate = (1, 2, 3)\n float3 xformOp:rotateXYZ = (0, 0, 90)\n float3 xformOp:scale = (2, 2, 2)\n"
        " uniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:rotateXYZ\", \"xformOp:scale\"]\n"
        " def Xform \"k\" { double3 xformOp:translate = (1, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }\n"
        " def Xform \"reset\" { double3 xformOp:translate = (7, 0, 0)\n uniform token[] xformOpOrder = [\"!resetXformStack!\", \"xformOp:translate\"]\n }\n"
        " def Xform \"pivot\" { float3 xformOp:translate:pivot = (5, 0, 0)\n float xformOp:rotateZ = 180\n"
        "  uniform token[] xformOpOrder = [\"xformOp:translate:pivot\", \"xformOp:rotateZ\", \"!invert!xformOp:translate:pivot\"]\n }\n"
        " def Xform \"q\" { quatf xformOp:orient = (0.70710678, 0, 0, 0.70710678)\n uniform token[] xformOpOrder = [\"xformOp:orient\"]\n }\n"
        " def Xform \"m\" { matrix4d xformOp:transform = ((1,0,0,0),(0,1,0,0),(0,0,1,0),(4,5,6,1))\n uniform token[] xformOpOrder = [\"xformOp:transform\"]\n }\n"
        " def Xform \"anim\" { double xformOp:translateY.timeSamples = { 0: 0, 10: 10 }\n uniform token[] xformOpOrder = [\"xformOp:translateY\"]\n }\n"
        " def Xform \"yxz\" { float3 xformOp:rotateYXZ = (90, 90, 0)\n uniform token[] xformOpOrder = [\"xformOp:rotateYXZ\"]\n }\n}\n");
    double m[16];
    bool resets;
    usd_prim_world_matrix(prim(s, "/A/k"), NAN, m); // (1,0,0) scaled to 2, turned to +Y, moved
    NEAR(m[12], 1), NEAR(m[13], 4), NEAR(m[14], 3);
    usd_prim_world_matrix(prim(s, "/A/reset"), NAN, m);
    NEAR(m[12], 7), NEAR(m[0], 1);
    assert_true(usd_prim_local_matrix(prim(s, "/A/reset"), NAN, m, &resets) && resets);
    usd_prim_local_matrix(prim(s, "/A/pivot"), NAN, m, NULL);
    NEAR(m[12], 10), NEAR(m[0], -1);
    usd_prim_local_matrix(prim(s, "/A/q"), NAN, m, NULL);
    assert_true(fabs(m[1] - 1) < 1e-6 && fabs(m[0]) < 1e-6); // +X goes to +Y
    usd_prim_local_matrix(prim(s, "/A/m"), NAN, m, NULL);
    NEAR(m[14], 6);
    usd_prim_local_matrix(prim(s, "/A/anim"), 2.5, m, NULL);
    NEAR(m[13], 2.5);
    usd_prim_local_matrix(prim(s, "/A/yxz"), NAN, m, NULL); // first about Y (+Z to +X), then about X
    NEAR(m[8], 1), NEAR(m[4], 0), NEAR(m[6], 1), NEAR(m[1], 1);
    assert_true(usd_prim_transform_varies(prim(s, "/A/anim"), false) && !usd_prim_transform_varies(prim(s, "/A/k"), true));
    usd_stage_close(&s);
}

static void bounds(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Xform \"W\" {\n def Cube \"c\" { double size = 4\n double3 xformOp:translate = (10, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }\n"
        " def Mesh \"m\" { point3f[] points = [(0,0,0), (0,30,0), (0,0,1)]\n }\n"
        " def Sphere \"guide\" { double radius = 100\n uniform token purpose = \"guide\"\n }\n"
        " def Sphere \"hidden\" { double radius = 200\n token visibility = \"invisible\"\n }\n"
        " def PointInstancer \"pi\" { rel prototypes = </W/pi/p>\n int[] protoIndices = [0, 0]\n point3f[] positions = [(0, 0, 50), (0, 0, -50)]\n float3[] scales = [(1,1,1),(2,2,2)]\n"
        "  def Sphere \"p\" {}\n }\n def Cone \"cone\" { uniform token axis = \"X\"\n double height = 80\n }\n}\n");
    struct usd_bounds b;
    assert_true(usd_prim_world_bounds(prim(s, "/W"), NAN, USD_PURPOSE_DEFAULT, &b));
    NEAR(b.min[0], -40), NEAR(b.max[0], 40), NEAR(b.max[1], 30), NEAR(b.max[2], 51), NEAR(b.min[2], -52);
    assert_true(usd_prim_world_bounds(prim(s, "/W"), NAN, USD_PURPOSE_DEFAULT | USD_PURPOSE_GUIDE, &b));
    NEAR(b.max[1], 100);
    assert_true(usd_prim_world_bounds(prim(s, "/W/c"), NAN, USD_PURPOSE_DEFAULT, &b));
    NEAR(b.min[0], 8), NEAR(b.max[0], 12);
    assert_int_equal(usd_prim_purpose(prim(s, "/W/guide")), USD_PURPOSE_GUIDE);
    assert_false(usd_prim_is_visible(prim(s, "/W/hidden"), NAN));
    usd_stage_close(&s);
}

static void bindings(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef \"L\" { def Material \"red\" {}\n def Material \"blue\" {}\n def Material \"pre\" {}\n }\n"
        "def Xform \"W\" ( prepend apiSchemas = [\"MaterialBindingAPI\", \"CollectionAPI:some\"] )\n{\n rel material:binding = </L/red>\n rel material:binding:preview = </L/pre>\n"
        " uniform token collection:some:expansionRule = \"expandPrims\"\n rel collection:some:includes = </W/c>\n rel collection:some:excludes = </W/c/not>\n"
        " rel material:binding:collection:x = [</W.collection:some>, </L/blue>]\n"
        " def Mesh \"m\" { def GeomSubset \"s\" { rel material:binding = </L/blue>\n }\n }\n def Xform \"c\" { def Mesh \"in\" {}\n def Mesh \"not\" {}\n }\n}\n"
        "def Xform \"S\" { rel material:binding = </L/red> ( bindMaterialAs = \"strongerThanDescendants\" )\n def Mesh \"m\" { rel material:binding = </L/blue>\n }\n }\n");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/m"), "")), "red");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/m"), "full")), "red");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/m"), "preview")), "pre");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/m/s"), "")), "blue");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/c/in"), "")), "blue");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/c/not"), "")), "red");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/S/m"), "")), "red");
    assert_null(usd_prim_bound_material(prim(s, "/L"), ""));
    usd_stage_close(&s);
}

static void primvars(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef Xform \"A\" {\n color3f[] primvars:displayColor = [(1, 0, 0)]\n float[] primvars:v = [1, 2] ( interpolation = \"vertex\" )\n"
                             " def Mesh \"m\" { texCoord2f[] primvars:st = [(0, 0)] ( interpolation = \"faceVarying\" )\n int[] primvars:st:indices = [0]\n normal3f[] normals = [(0,0,1)]\n }\n}\n");
    const usd_property *indices;
    const usd_property *q = usd_prim_find_primvar(prim(s, "/A/m"), "st", &indices);
    assert_non_null(q);
    assert_string_equal(usd_attr_interpolation(q), "faceVarying");
    assert_string_equal(usd_property_name(indices), "primvars:st:indices");
    q = usd_prim_find_primvar(prim(s, "/A/m"), "displayColor", &indices);
    assert_string_equal(usd_prim_name(usd_property_prim(q)), "A");
    assert_null(indices);
    assert_null(usd_prim_find_primvar(prim(s, "/A/m"), "v", NULL)); // only constant ones are inherited
    assert_string_equal(usd_attr_interpolation(usd_stage_find_property(s, "/A/m.normals")), "vertex");
    usd_stage_close(&s);
}

static void fallbacks(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef Sphere \"s\" {}\ndef Camera \"c\" { float focalLength = 35\n }\ndef DistantLight \"d\" {}\ndef SphereLight \"l\" {}\ndef \"u\" {}\n");
    double d;
    const char *t;
    float v[3];
    assert_true(usd_prim_get_double(prim(s, "/s"), "radius", NAN, &d) && d == 1);
    assert_true(usd_prim_get_token(prim(s, "/s"), "visibility", NAN, &t));
    assert_string_equal(t, "inherited");
    assert_true(usd_prim_get_double(prim(s, "/c"), "focalLength", NAN, &d) && d == 35);
    assert_true(usd_prim_get_vec2f(prim(s, "/c"), "clippingRange", NAN, v) && v[1] == 1000000);
    assert_true(usd_prim_get_double(prim(s, "/d"), "inputs:intensity", NAN, &d) && d == 50000);
    assert_true(usd_prim_get_double(prim(s, "/l"), "inputs:intensity", NAN, &d) && d == 1);
    assert_true(usd_prim_get_vec3f(prim(s, "/l"), "inputs:color", NAN, v) && v[2] == 1);
    assert_false(usd_prim_get_double(prim(s, "/u"), "radius", NAN, &d));
    assert_true(usd_prim_is_a(prim(s, "/s"), "Imageable") && usd_prim_is_a(prim(s, "/l"), "Boundable") && !usd_prim_is_a(prim(s, "/c"), "Gprim"));
    usd_stage_close(&s);
}

static void built_in_attributes_are_what_the_schema_says(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef Sphere \"s\" { custom double radius = 3\n token purpose = \"proxy\"\n custom float mine = 1\n float3[] extent = [(0,0,0), (1,1,1)]\n }\n");
    assert_false(usd_property_is_custom(usd_stage_find_property(s, "/s.radius")));
    assert_true(usd_property_is_uniform(usd_stage_find_property(s, "/s.purpose")));
    assert_true(usd_property_is_custom(usd_stage_find_property(s, "/s.mine")));
    assert_true(number(s, "/s.radius", NAN) == 3);
    usd_stage_close(&s);
}

// ---------------------------------------------------------------------------------------------------------------
// Value resolution

static struct folder dir;
static int make(void **state)
{
    dir = make_folder();
    return 0;
}
static int clean(void **state)
{
    remove_folder(&dir);
    return 0;
}

// A stage whose root layer has `strong` over the sublayer `weak`, with what stands behind the sublayer.
static usd_stage *layered(const char *strong, const char *weak, const char *offset)
{
    char text[4096];
    usd_stage *s;
    struct usd_error err = { 0 };
    snprintf(text, sizeof(text), "#usda 1.0\n%s\n", weak);
    write_file(&dir, "weak.usda", text);
    snprintf(text, sizeof(text), "#usda 1.0\n( subLayers = [@./weak.usda@ %s] )\n%s\n", offset, strong);
    if (usd_stage_open_string(text, strlen(text), NULL, dir.path, NULL, &s, &err) != USD_OK)
        fail_msg("%s", err.message);
    return s;
}

static bool has(const usd_stage *s, const char *path, double time)
{
    struct usd_value v;
    bool ok = usd_attr_get(usd_stage_find_property(s, path), time, &v);
    usd_value_finish(&v);
    return ok;
}

static void samples_are_stronger_than_the_default_of_one_layer(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { double v = 1\n double v.timeSamples = { 0: 2 }\n double w = 1\n double w.timeSamples = { }; }\n");
    assert_true(number(s, "/P.v", 0) == 2 && number(s, "/P.v", NAN) == 1);
    assert_true(number(s, "/P.w", 0) == 1); // no samples at all
    usd_stage_close(&s);
}

static void a_default_hides_the_samples_of_weaker_layers(void **state)
{
    usd_stage *s = layered("over \"P\" { double v = 1\n double w.timeSamples = { 5: 7 }; }", "def \"P\" { double v.timeSamples = { 0: 2 }\n double w = 3; }", "");
    assert_true(number(s, "/P.v", 0) == 1 && number(s, "/P.w", 0) == 7);
    assert_true(number(s, "/P.w", NAN) == 3); // defaults resolve on their own
    assert_int_equal(usd_attr_sample_count(usd_stage_find_property(s, "/P.v")), 0);
    usd_stage_close(&s);
}

static void a_blocked_default_hides_everything_weaker(void **state)
{
    usd_stage *s = layered("over \"P\" { double v = None; }", "def \"P\" { double v = 1\n double v.timeSamples = { 0: 2 }; }", "");
    assert_true(!has(s, "/P.v", 0) && !has(s, "/P.v", NAN) && !usd_attr_has_value(usd_stage_find_property(s, "/P.v")));
    usd_stage_close(&s);
    s = open_text("#usda 1.0\ndef \"P\" { double v = None\n double v.timeSamples = { 0: 2 }; }\n"); // samples of the same layer stay
    assert_true(number(s, "/P.v", 0) == 2 && !has(s, "/P.v", NAN));
    usd_stage_close(&s);
}

static void a_blocked_sample_holds_until_the_next(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { double v.timeSamples = { 0: 1, 1: None, 2: 3, 3: None }; }\n");
    assert_true(number(s, "/P.v", 0.5) == 1 && number(s, "/P.v", 2) == 3 && number(s, "/P.v", 2.5) == 3); // held before a block
    assert_true(!has(s, "/P.v", 1) && !has(s, "/P.v", 1.9) && !has(s, "/P.v", 9));
    assert_int_equal(usd_attr_sample_count(usd_stage_find_property(s, "/P.v")), 4);
    usd_stage_close(&s);
}

static void an_animation_block_lets_weaker_defaults_through(void **state)
{
    usd_stage *s = layered("over \"P\" { double a = AnimationBlock\n double a.timeSamples = { 0: 9 }\n double b = AnimationBlock\n double c = AnimationBlock\n double d = AnimationBlock; }",
                           "def \"P\" { double a = 1\n double b = 2\n double b.timeSamples = { 0: 5 }\n double c = 3\n double c.spline = { 0: 5 }; }", "");
    assert_true(number(s, "/P.a", 0) == 9 && number(s, "/P.a", NAN) == 1); // samples beside it are stronger
    assert_true(number(s, "/P.b", 0) == 2 && number(s, "/P.c", 0) == 3 && number(s, "/P.b", NAN) == 2);
    assert_true(!has(s, "/P.d", 0) && !has(s, "/P.d", NAN));
    assert_int_equal(usd_attr_sample_count(usd_stage_find_property(s, "/P.b")), 0);
    usd_stage_close(&s);
}

static void values_are_held_before_the_first_and_after_the_last_sample(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { double v.timeSamples = { 10: 1, 20: 2 }; }\n");
    assert_true(number(s, "/P.v", -1e9) == 1 && number(s, "/P.v", 9) == 1 && number(s, "/P.v", 1e9) == 2);
    usd_stage_close(&s);
}

static void which_types_interpolate(void **state)
{
    static const struct {
        const char *type, *from, *to;
        double half; // first component half way; NAN = held
    } rows[] = {
        { "half", "1", "3", 2 }, { "float", "1", "3", 2 }, { "double", "1", "3", 2 }, { "timecode", "1", "3", 2 },
        { "half2", "(1, 1)", "(3, 3)", 2 }, { "float3", "(1, 1, 1)", "(3, 3, 3)", 2 }, { "double4", "(1, 1, 1, 1)", "(3, 3, 3, 3)", 2 },
        { "point3f", "(1, 1, 1)", "(3, 3, 3)", 2 }, { "color3d", "(1, 1, 1)", "(3, 3, 3)", 2 }, { "matrix2d", "((1, 0), (0, 1))", "((3, 0), (0, 1))", 2 },
        { "matrix3d", "((1, 0, 0), (0, 1, 0), (0, 0, 1))", "((3, 0, 0), (0, 1, 0), (0, 0, 1))", 2 }, { "float[]", "[1, 1]", "[3, 3]", 2 },
        { "timecode[]", "[1, 1]", "[3, 3]", 2 }, { "half3[]", "[(1, 1, 1)]", "[(3, 3, 3)]", 2 }, { "float[]", "[1]", "[3, 3]", NAN },
        { "int", "1", "3", NAN }, { "uint", "1", "3", NAN }, { "int64", "1", "3", NAN }, { "uchar", "1", "3", NAN }, { "bool", "1", "0", NAN },
        { "int3", "(1, 1, 1)", "(3, 3, 3)", NAN }, { "int[]", "[1]", "[3]", NAN },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "#usda 1.0\ndef \"P\" { %s v.timeSamples = { 0: %s, 2: %s }; }\n", rows[i].type, rows[i].from, rows[i].to);
        usd_stage *s = open_text(text);
        struct usd_value v;
        double d[16];
        assert_true(usd_attr_get(usd_stage_find_property(s, "/P.v"), 1, &v) && usd_value_doubles(&v, 0, d, 16));
        if (d[0] != (isnan(rows[i].half) ? 1 : rows[i].half))
            fail_msg("%s: %g", rows[i].type, d[0]);
        usd_value_finish(&v);
        usd_stage_close(&s);
    }
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { token t.timeSamples = { 0: \"a\", 2: \"b\" }\n string[] s.timeSamples = { 0: [\"a\"], 2: [\"b\"] }\n asset a.timeSamples = { 0: @a@, 2: @b@ }; }\n");
    const char *t;
    struct usd_asset a;
    assert_true(usd_attr_get_token(usd_stage_find_property(s, "/P.t"), 1.9, &t) && !strcmp(t, "a"));
    assert_true(usd_attr_get_asset(usd_stage_find_property(s, "/P.a"), 1.9, &a) && !strcmp(a.authored, "a"));
    usd_stage_close(&s);
}

static void quaternions_turn_evenly(void **state)
{
    // 0 and 90 degrees about Z, and the same with the sign of the second turned.
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { quatd q.timeSamples = { 0: (1, 0, 0, 0), 3: (0.7071067811865476, 0, 0, 0.7071067811865476) }\n"
                             " quatd n.timeSamples = { 0: (1, 0, 0, 0), 3: (-0.7071067811865476, 0, 0, -0.7071067811865476) }\n"
                             " quath[] h.timeSamples = { 0: [(1, 0, 0, 0)], 2: [(0, 0, 0, 1)] }; }\n");
    static const char *const names[] = { "/P.q", "/P.n" };
    struct usd_value v;
    double q[4];
    for (int i = 0; i < 2; i++) {
        assert_true(usd_attr_get(usd_stage_find_property(s, names[i]), 1, &v) && usd_value_doubles(&v, 0, q, 4));
        NEAR(q[3], cos(M_PI / 12)), NEAR(q[2], sin(M_PI / 12)); // 30 degrees
        usd_value_finish(&v);
    }
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.h"), 1, &v) && v.is_array && usd_value_doubles(&v, 0, q, 4));
    assert_true(fabs(q[3] - sqrt(0.5)) < 1e-3 && fabs(q[2] - sqrt(0.5)) < 1e-3);
    usd_value_finish(&v);
    usd_stage_close(&s);
}

// 0.1f and 0.7f at a third: what comes out depends on what is rounded when.
static void interpolation_rounds_to_the_type(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"P\" { float f.timeSamples = { 0: 0.1, 3: 0.7 }\n float2 g.timeSamples = { 0: (0.1, 0.1), 3: (0.7, 0.7) }; }\n");
    struct usd_value v;
    double t = (1.0 - 0.0) / (3.0 - 0.0);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.f"), 1, &v));
    assert_true(*(const float *)v.data == (float)((1 - t) * (double)0.1f + t * (double)0.7f)); // a scalar once
    usd_value_finish(&v);
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.g"), 1, &v));
    assert_true(*(const float *)v.data == (float)((1 - t) * (double)0.1f) + (float)(t * (double)0.7f)); // a vector's products each
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void layer_offsets_move_samples_and_time_codes(void **state)
{
    static const char *const weak = "def \"P\" ( customData = { timecode t = 3\n timecode[] ts = [1, 2]\n dictionary in = { timecode t = 4 }\n double d = 3 } )\n"
                                    "{ double v.timeSamples = { 0: 1, 10: 2 }\n timecode t = 3\n timecode[] ts = [1, 2]\n timecode s.timeSamples = { 0: 0, 10: 10 }; }";
    usd_stage *s = layered("", weak, "( offset = 100; scale = 2 )");
    double times[2];
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/P.v"), times, 2), 2);
    assert_true(times[0] == 100 && times[1] == 120 && number(s, "/P.v", 110) == 1.5);
    assert_true(number(s, "/P.t", NAN) == 106 && number(s, "/P.s", 110) == 110);
    struct usd_value v;
    double d;
    assert_true(usd_attr_get(usd_stage_find_property(s, "/P.ts"), NAN, &v) && usd_value_doubles(&v, 1, &d, 1) && d == 104);
    usd_value_finish(&v);
    assert_true(usd_prim_metadata(prim(s, "/P"), "customData", &v));
    assert_true(usd_value_doubles(usd_dict_find(&v, "t"), 0, &d, 1) && d == 106);
    assert_true(usd_value_doubles(usd_dict_find(&v, "ts"), 1, &d, 1) && d == 104);
    assert_true(usd_value_doubles(usd_dict_find(&v, "in:t"), 0, &d, 1) && d == 108);
    assert_true(usd_value_doubles(usd_dict_find(&v, "d"), 0, &d, 1) && d == 3);
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void merged_dictionaries_keep_each_layers_time_codes_and_assets(void **state)
{
    write_file(&dir, "there.png", "x");
    usd_stage *s = layered("over \"P\" ( customData = { timecode a = 1\n asset[] m = [@./there.png@, @gone@] } ) {}", "def \"P\" ( customData = { timecode a = 2\n timecode[] b = [2, 3, 4]\n asset n = @./there.png@ } ) {}",
                           "( offset = 10 )");
    struct usd_value v;
    double d;
    assert_true(usd_prim_metadata(prim(s, "/P"), "customData", &v));
    assert_true(usd_value_doubles(usd_dict_find(&v, "a"), 0, &d, 1) && d == 1);
    assert_true(usd_value_doubles(usd_dict_find(&v, "b"), 2, &d, 1) && d == 14);
    const struct usd_value *m = usd_dict_find(&v, "m"), *n = usd_dict_find(&v, "n");
    const struct usd_asset *a = m->data;
    assert_true(m->type == USD_TYPE_ASSET && m->is_array && m->count == 2);
    assert_true(!strcmp(a[0].authored, "./there.png") && strstr(a[0].resolved, dir.path) && !strcmp(a[1].authored, "gone") && !*a[1].resolved);
    assert_true(strstr(((const struct usd_asset *)n->data)->resolved, "there.png") != NULL);
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void a_negative_scale_turns_time_around(void **state)
{
    usd_stage *s = layered("", "def \"P\" { double v.timeSamples = { 0: 1, 10: 2 }; }", "( scale = -1 )");
    double times[2];
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/P.v"), times, 2), 2);
    assert_true(times[0] == -10 && times[1] == 0 && number(s, "/P.v", -10) == 2 && number(s, "/P.v", -5) == 1.5);
    usd_stage_close(&s);
}

static void an_offset_without_inverse_counts_as_none(void **state)
{
    usd_stage *s = layered("", "def \"P\" { double v.timeSamples = { 0: 1, 10: 2 }; }", "( offset = 5; scale = 0 )");
    assert_true(number(s, "/P.v", 10) == 2 && number(s, "/P.v", 5) == 1.5);
    assert_int_equal(usd_stage_diagnostic_count(s), 1);
    usd_stage_close(&s);
}

static void offsets_of_references_and_sublayers_multiply(void **state)
{
    write_file(&dir, "inner.usda", "#usda 1.0\ndef \"A\" { double v.timeSamples = { 0: 1, 10: 2 }; }\n");
    usd_stage *s = layered("", "def \"P\" ( references = @./inner.usda@</A> ( offset = 1; scale = 2 ) ) {}", "( offset = 100; scale = 3 )");
    double times[2];
    assert_int_equal(usd_attr_sample_times(usd_stage_find_property(s, "/P.v"), times, 2), 2);
    assert_true(times[0] == 103 && times[1] == 163);
    usd_stage_close(&s);
}

// ---------------------------------------------------------------------------------------------------------------
// Transform ops

static void op(const char *declared, const char *order, double time, double m[16])
{
    char text[1024];
    snprintf(text, sizeof(text), "#usda 1.0\ndef Xform \"P\" {\n %s\n uniform token[] xformOpOrder = [%s]\n}\n", declared, order);
    usd_stage *s = open_text(text);
    usd_prim_local_matrix(prim(s, "/P"), time, m, NULL);
    usd_stage_close(&s);
}

static void multiply(const double a[16], const double b[16], double out[16])
{
    for (int i = 0; i < 16; i++) {
        out[i] = 0;
        for (int k = 0; k < 4; k++)
            out[i] += a[i / 4 * 4 + k] * b[k * 4 + i % 4];
    }
}

static bool is_identity(const double m[16])
{
    for (int i = 0; i < 16; i++)
        if (!(fabs(m[i] - (i % 5 == 0)) < 1e-6))
            return false;
    return true;
}

static void every_op_has_an_inverse_in_every_precision(void **state)
{
    static const struct {
        const char *op, *value;
        const char *types[3];
    } rows[] = {
        { "translate", "(1, 2, 3)", { "double3", "float3", "half3" } }, { "scale", "(2, 4, 0.5)", { "double3", "float3", "half3" } },
        { "rotateX", "30", { "double", "float", "half" } }, { "rotateY", "30", { "double", "float", "half" } }, { "rotateZ", "30", { "double", "float", "half" } },
        { "rotateXYZ", "(10, 20, 30)", { "double3", "float3", "half3" } }, { "rotateXZY", "(10, 20, 30)", { "double3", "float3", "half3" } },
        { "rotateYXZ", "(10, 20, 30)", { "double3", "float3", "half3" } }, { "rotateYZX", "(10, 20, 30)", { "double3", "float3", "half3" } },
        { "rotateZXY", "(10, 20, 30)", { "double3", "float3", "half3" } }, { "rotateZYX", "(10, 20, 30)", { "double3", "float3", "half3" } },
        { "orient", "(0.5, 0.5, 0.5, 0.5)", { "quatd", "quatf", "quath" } }, { "transform", "((1, 2, 0, 0), (0, 1, 0, 0), (0, 0, 2, 0), (4, 5, 6, 1))", { "matrix4d" } },
        { "translateX", "5", { "double", "float", "half" } }, { "translateY", "5", { "double" } }, { "translateZ", "5", { "double" } },
        { "scaleX", "5", { "double", "float", "half" } }, { "scaleY", "5", { "double" } }, { "scaleZ", "5", { "double" } },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int t = 0; t < 3 && rows[i].types[t]; t++) {
            char declared[256], order[256];
            double m[16], n[16], both[16], product[16];
            snprintf(declared, sizeof(declared), "%s xformOp:%s:a_b = %s", rows[i].types[t], rows[i].op, rows[i].value);
            snprintf(order, sizeof(order), "\"xformOp:%s:a_b\"", rows[i].op);
            op(declared, order, NAN, m);
            assert_false(is_identity(m));
            snprintf(order, sizeof(order), "\"!invert!xformOp:%s:a_b\"", rows[i].op);
            op(declared, order, NAN, n);
            multiply(m, n, product);
            snprintf(order, sizeof(order), "\"xformOp:%s:a_b\", \"!invert!xformOp:%s:a_b\"", rows[i].op, rows[i].op);
            op(declared, order, NAN, both);
            if (!is_identity(product) || !is_identity(both))
                fail_msg("%s %s", rows[i].types[t], rows[i].op);
        }
}

static void three_axis_rotations_apply_in_the_order_named(void **state)
{
    static const char axes[] = "XYZ";
    static const char *const orders[] = { "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX" };
    for (int i = 0; i < 6; i++) {
        char declared[256], order[64];
        double want[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 }, got[16], one[16], next[16];
        snprintf(declared, sizeof(declared), "double3 xformOp:rotate%s = (10, 20, 30)", orders[i]);
        snprintf(order, sizeof(order), "\"xformOp:rotate%s\"", orders[i]);
        op(declared, order, NAN, got);
        for (int k = 0; k < 3; k++) {
            snprintf(declared, sizeof(declared), "double xformOp:rotate%c = %d", orders[i][k], 10 * (int)(strchr(axes, orders[i][k]) - axes + 1));
            snprintf(order, sizeof(order), "\"xformOp:rotate%c\"", orders[i][k]);
            op(declared, order, NAN, one);
            multiply(want, one, next);
            memcpy(want, next, sizeof(want));
        }
        for (int k = 0; k < 16; k++)
            NEAR(got[k], want[k]);
    }
}

static void orient_takes_its_angle_from_the_real_part(void **state)
{
    double m[16];
    op("quatf xformOp:orient = (1, 0.1, 0, 0)", "\"xformOp:orient\"", NAN, m); // arc cosine of 1
    assert_true(is_identity(m));
    op("quatf xformOp:orient = (0, 0, 0, 5)", "\"xformOp:orient\"", NAN, m); // half a turn about Z, whatever the length
    NEAR(m[0], -1), NEAR(m[5], -1), NEAR(m[10], 1);
    op("quatf xformOp:orient = (0.5, 0, 0, 0)", "\"xformOp:orient\"", NAN, m);
    assert_true(is_identity(m));
}

static void ops_without_value_or_of_no_known_kind_do_nothing(void **state)
{
    static const char *const rows[][2] = {
        { "double3 xformOp:translate", "\"xformOp:translate\"" }, { "", "\"xformOp:translate\"" }, { "double xformOp:translate = 4", "\"xformOp:translate\"" },
        { "double3 xformOp:shear = (1, 2, 3)", "\"xformOp:shear\"" }, { "double3 translate = (1, 2, 3)", "\"translate\"" },
        { "double3 xformOp:rotateXXZ = (10, 20, 30)", "\"xformOp:rotateXXZ\"" }, { "double3[] xformOp:translate = [(1, 2, 3)]", "\"xformOp:translate\"" },
        { "float4 xformOp:orient = (0, 0, 0, 1)", "\"xformOp:orient\"" }, { "double3 xformOp:translate = (1, 2, 3)", "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double m[16];
        op(rows[i][0], rows[i][1], NAN, m);
        if (!is_identity(m))
            fail_msg("%s", rows[i][0]);
    }
}

static void only_xformable_prims_have_a_transform(void **state)
{
#define MOVED "{ double3 xformOp:translate = (1, 2, 3)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n def Xform \"k\" " 
    usd_stage *s = open_text("#usda 1.0\ndef \"A\" " MOVED "{}\n }\ndef Scope \"B\" " MOVED "{}\n }\ndef Cube \"C\" " MOVED "{}\n }\n");
    double m[16];
    usd_prim_world_matrix(prim(s, "/A/k"), NAN, m);
    assert_true(is_identity(m));
    usd_prim_world_matrix(prim(s, "/B/k"), NAN, m);
    assert_true(is_identity(m));
    usd_prim_world_matrix(prim(s, "/C/k"), NAN, m);
    NEAR(m[13], 2);
    usd_stage_close(&s);
}

static void the_order_of_ops_is_a_default_value(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef Xform \"A\" { double3 xformOp:translate = (1, 2, 3)\n uniform token[] xformOpOrder.timeSamples = { 0: [\"xformOp:translate\"] }\n }\n");
    double m[16];
    usd_prim_world_matrix(prim(s, "/A"), 0, m);
    assert_true(is_identity(m));
    usd_stage_close(&s);
}

static void resetting_drops_ancestors_and_ops_before_it(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef Xform \"A\" { double3 xformOp:translate = (1, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
                             " def Xform \"k\" { double3 xformOp:translate = (0, 1, 0)\n float3 xformOp:scale = (2, 2, 2)\n uniform token[] xformOpOrder = [\"xformOp:translate\", \"!resetXformStack!\", \"xformOp:scale\"]\n }\n }\n");
    double m[16];
    usd_prim_world_matrix(prim(s, "/A/k"), NAN, m);
    assert_true(m[0] == 2 && m[12] == 0 && m[13] == 0);
    usd_stage_close(&s);
}

static void animated_ops_under_a_layer_offset(void **state)
{
    usd_stage *s = layered("", "def Xform \"A\" { double3 xformOp:translate.timeSamples = { 0: (0, 0, 0), 10: (10, 0, 0) }\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }", "( offset = 100 )");
    double m[16];
    usd_prim_world_matrix(prim(s, "/A"), 105, m);
    NEAR(m[12], 5);
    usd_prim_world_matrix(prim(s, "/A"), NAN, m); // no default
    assert_true(is_identity(m) && usd_prim_transform_varies(prim(s, "/A"), false));
    usd_stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transforms), cmocka_unit_test(bounds), cmocka_unit_test(bindings), cmocka_unit_test(primvars), cmocka_unit_test(fallbacks),
        cmocka_unit_test(built_in_attributes_are_what_the_schema_says),
        cmocka_unit_test(samples_are_stronger_than_the_default_of_one_layer),
        cmocka_unit_test(a_default_hides_the_samples_of_weaker_layers),
        cmocka_unit_test(a_blocked_default_hides_everything_weaker),
        cmocka_unit_test(a_blocked_sample_holds_until_the_next),
        cmocka_unit_test(an_animation_block_lets_weaker_defaults_through),
        cmocka_unit_test(values_are_held_before_the_first_and_after_the_last_sample),
        cmocka_unit_test(which_types_interpolate),
        cmocka_unit_test(quaternions_turn_evenly),
        cmocka_unit_test(interpolation_rounds_to_the_type),
        cmocka_unit_test(layer_offsets_move_samples_and_time_codes),
        cmocka_unit_test(merged_dictionaries_keep_each_layers_time_codes_and_assets),
        cmocka_unit_test(a_negative_scale_turns_time_around),
        cmocka_unit_test(an_offset_without_inverse_counts_as_none),
        cmocka_unit_test(offsets_of_references_and_sublayers_multiply),
        cmocka_unit_test(every_op_has_an_inverse_in_every_precision),
        cmocka_unit_test(three_axis_rotations_apply_in_the_order_named),
        cmocka_unit_test(orient_takes_its_angle_from_the_real_part),
        cmocka_unit_test(ops_without_value_or_of_no_known_kind_do_nothing),
        cmocka_unit_test(only_xformable_prims_have_a_transform),
        cmocka_unit_test(the_order_of_ops_is_a_default_value),
        cmocka_unit_test(resetting_drops_ancestors_and_ops_before_it),
        cmocka_unit_test(animated_ops_under_a_layer_offset),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
