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
        "  def Sphere \"p\" {} }\n def Cone \"cone\" { uniform token axis = \"X\"\n double height = 80\n }\n}\n");
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
        "#usda 1.0\ndef \"L\" { def Material \"red\" {}\n def Material \"blue\" {}\n def Material \"pre\" {} }\n"
        "def Xform \"W\" ( prepend apiSchemas = [\"MaterialBindingAPI\", \"CollectionAPI:some\"] )\n{\n rel material:binding = </L/red>\n rel material:binding:preview = </L/pre>\n"
        " uniform token collection:some:expansionRule = \"expandPrims\"\n rel collection:some:includes = </W/c>\n rel collection:some:excludes = </W/c/not>\n"
        " rel material:binding:collection:x = [</W.collection:some>, </L/blue>]\n"
        " def Mesh \"m\" { def GeomSubset \"s\" { rel material:binding = </L/blue>\n } }\n def Xform \"c\" { def Mesh \"in\" {}\n def Mesh \"not\" {} }\n}\n"
        "def Xform \"S\" { rel material:binding = </L/red> ( bindMaterialAs = \"strongerThanDescendants\" )\n def Mesh \"m\" { rel material:binding = </L/blue>\n } }\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transforms), cmocka_unit_test(bounds), cmocka_unit_test(bindings), cmocka_unit_test(primvars), cmocka_unit_test(fallbacks),
        cmocka_unit_test(built_in_attributes_are_what_the_schema_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
