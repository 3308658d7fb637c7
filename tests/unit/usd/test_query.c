// Questions of a viewer: bounds, purpose, visibility, collections, path expressions, primvars, models.
#include "usd_test.h"

static void box(const usd_stage *s, const char *path, unsigned purposes, double time, const double expected[6])
{
    struct usd_bounds b;
    bool any = usd_prim_world_bounds(prim(s, path), time, purposes, &b);
    if (!expected) {
        if (any)
            fail_msg("%s has bounds", path);
        return;
    }
    for (int i = 0; i < 3; i++)
        if (!any || fabs(b.min[i] - expected[i]) > 1e-5 || fabs(b.max[i] - expected[i + 3]) > 1e-5)
            fail_msg("%s: (%g %g %g) (%g %g %g)", path, b.min[0], b.min[1], b.min[2], b.max[0], b.max[1], b.max[2]);
}
#define BOX(path, ...) box(s, path, USD_PURPOSE_DEFAULT, NAN, (const double[6]) { __VA_ARGS__ })

static void bounds_of_shapes(void **state)
{
    static const struct {
        const char *prim;
        double b[6];
    } rows[] = {
        { "def Cube \"p\" { double size = 4\n }", { -2, -2, -2, 2, 2, 2 } },
        { "def Cube \"p\" { double size = 4\n float3[] extent = [(-9, -9, -9), (9, 9, 9)]\n }", { -9, -9, -9, 9, 9, 9 } },
        { "def Sphere \"p\" { double radius = 3\n }", { -3, -3, -3, 3, 3, 3 } },
        { "def Cylinder \"p\" { double height = 10\n }", { -1, -1, -5, 1, 1, 5 } },
        { "def Cylinder \"p\" { uniform token axis = \"X\"\n double height = 10\n }", { -5, -1, -1, 5, 1, 1 } },
        { "def Cone \"p\" { uniform token axis = \"Y\"\n double height = 10\n }", { -1, -5, -1, 1, 5, 1 } },
        { "def Capsule \"p\" { uniform token axis = \"Y\"\n }", { -.5, -1, -.5, .5, 1, .5 } },
        { "def Cylinder_1 \"p\" { double radiusTop = 2\n }", { -2, -2, -1, 2, 2, 1 } },
        { "def Capsule_1 \"p\" { double radiusTop = 2\n }", { -2, -2, -1, 2, 2, 2.5 } },
        { "def Plane \"p\" { double width = 4\n double length = 6\n }", { -2, -3, 0, 2, 3, 0 } },
        { "def Plane \"p\" { double width = 4\n double length = 6\n uniform token axis = \"X\"\n }", { 0, -3, -2, 0, 3, 2 } },
        { "def Plane \"p\" { double width = 4\n double length = 6\n uniform token axis = \"Y\"\n }", { -2, 0, -3, 2, 0, 3 } },
        { "def Mesh \"p\" { point3f[] points = [(1, 2, 3), (-1, 0, 5)]\n }", { -1, 0, 3, 1, 2, 5 } },
        { "def BasisCurves \"p\" { point3f[] points = [(0, 0, 0), (4, 0, 0)]\n float[] widths = [1, 2]\n }", { -1, -1, -1, 5, 1, 1 } },
        { "def Points \"p\" { point3f[] points = [(0, 0, 0), (4, 0, 0)]\n float[] widths = [2, 4]\n }", { -1, -2, -2, 6, 2, 2 } },
        { "def Points \"p\" { point3f[] points = [(0, 0, 0), (4, 0, 0)]\n float[] primvars:widths = [2]\n }", { -1, -1, -1, 5, 1, 1 } },
        { "def RectLight \"p\" { float inputs:width = 4\n }", { -2, -.5, 0, 2, .5, 0 } },
        { "def DiskLight \"p\" {}", { -.5, -.5, 0, .5, .5, 0 } },
        { "def CylinderLight \"p\" { float inputs:length = 6\n }", { -3, -.5, -.5, 3, .5, .5 } },
        { "def Skeleton \"p\" { uniform token[] joints = [\"a\", \"a/b\"]\n uniform matrix4d[] restTransforms = [((1,0,0,0),(0,1,0,0),(0,0,1,0),(1,0,0,1)),"
          " ((1,0,0,0),(0,1,0,0),(0,0,1,0),(0,2,0,1))]\n }", { 1, 0, 0, 1, 2, 0 } },
        { "def SkelRoot \"p\" { float3[] extent = [(0, 0, 0), (1, 1, 1)]\n def Sphere \"below\" { double radius = 50\n }\n }", { 0, 0, 0, 1, 1, 1 } },
        { "def SkelRoot \"p\" { def Sphere \"below\" {}\n }", { -1, -1, -1, 1, 1, 1 } },
        { "def Volume \"p\" { float3[] extent = [(0, 0, 0), (1, 2, 3)]\n }", { 0, 0, 0, 1, 2, 3 } },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "#usda 1.0\n%s\n", rows[i].prim);
        usd_stage *s = open_text(text);
        box(s, "/p", USD_PURPOSE_DEFAULT, NAN, rows[i].b);
        usd_stage_close(&s);
    }
}

static void bounds_at_a_time_by_purpose_and_hint(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Xform \"A\" ( kind = \"component\" ) { float3[] extentsHint = [(0,0,0), (1,1,1), (0,0,0), (0,0,0), (5,5,5), (6,6,6)]\n def Sphere \"x\" { double radius = 99\n }\n }\n"
        "def Xform \"B\" { float3[] extentsHint = [(0,0,0), (1,1,1)]\n def Sphere \"x\" { double radius = 9\n }\n }\n"
        "def Sphere \"t\" { double radius.timeSamples = { 0: 1, 10: 11 }\n }\n"
        "def Xform \"V\" { token visibility.timeSamples = { 0: \"inherited\", 5: \"invisible\" }\n def Sphere \"x\" {}\n }\n"
        "def Scope \"P\" { uniform token purpose = \"proxy\"\n def Sphere \"x\" {}\n def Sphere \"y\" { double radius = 3\n uniform token purpose = \"default\"\n }\n }\n");
    BOX("/A", 0, 0, 0, 1, 1, 1);
    box(s, "/A", USD_PURPOSE_PROXY, NAN, (const double[6]) { 5, 5, 5, 6, 6, 6 });
    BOX("/B", -9, -9, -9, 9, 9, 9); // not a model: the hint does not count
    box(s, "/t", USD_PURPOSE_DEFAULT, 5, (const double[6]) { -6, -6, -6, 6, 6, 6 });
    box(s, "/V", USD_PURPOSE_DEFAULT, 4, (const double[6]) { -1, -1, -1, 1, 1, 1 });
    box(s, "/V", USD_PURPOSE_DEFAULT, 5, NULL);
    box(s, "/P", USD_PURPOSE_PROXY, NAN, (const double[6]) { -1, -1, -1, 1, 1, 1 });
    BOX("/P", -3, -3, -3, 3, 3, 3);
    usd_stage_close(&s);
}

static void bounds_of_point_instancers(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef PointInstancer \"pi\" { rel prototypes = [</pi/a>, </pi/b>]\n int[] protoIndices = [0, 1, 0, 7]\n point3f[] positions = [(10, 0, 0), (20, 0, 0), (500, 0, 0), (900, 0, 0)]\n"
        " int64[] ids = [4, 5, 6, 7]\n int64[] invisibleIds = [6]\n quath[] orientations = [(1, 0, 0, 0), (0.7071, 0, 0, 0.7071), (1, 0, 0, 0), (1, 0, 0, 0)]\n"
        " def Sphere \"a\" {}\n def Cube \"b\" { double3 xformOp:translate = (3, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }\n }\n");
    struct usd_bounds b;
    assert_true(usd_prim_world_bounds(prim(s, "/pi"), NAN, USD_PURPOSE_DEFAULT, &b));
    assert_true(fabs(b.min[0] - 9) < 1e-6 && fabs(b.max[0] - 21) < 1e-2); // number 6 is hidden, number 7 has no prototype
    assert_true(fabs(b.max[1] - 4) < 1e-2);                               // the prototype's own move, turned to Y
    assert_false(usd_prim_extent(prim(s, "/pi"), NAN, &b));
    usd_stage_close(&s);
}

static void bounds_of_instances_share_their_prototype(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\nclass \"C\" { def Sphere \"s\" { double radius = 2\n }\n def Sphere \"g\" { double radius = 7\n uniform token purpose = \"guide\"\n }\n }\n"
        "def Xform \"i\" ( instanceable = true\n inherits = </C> ) {}\n"
        "def Xform \"j\" ( instanceable = true\n inherits = </C> ) { double3 xformOp:translate = (10, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }\n");
    BOX("/", -2, -2, -2, 12, 2, 2);
    box(s, "/j", USD_PURPOSE_GUIDE, NAN, (const double[6]) { 3, -7, -7, 17, 7, 7 });
    usd_stage_close(&s);
}

static void purpose_is_inherited_through_imageables_only(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Scope \"a\" { uniform token purpose = \"render\"\n def \"untyped\" { uniform token purpose = \"guide\"\n def Mesh \"m\" {}\n }\n def Mesh \"own\" { uniform token purpose = \"default\"\n def Mesh \"below\" {}\n }\n }\n"
        "def \"u\" { token visibility = \"invisible\"\n def Mesh \"m\" {}\n }\n");
    assert_int_equal(usd_prim_purpose(prim(s, "/a/untyped/m")), USD_PURPOSE_RENDER);
    assert_int_equal(usd_prim_purpose(prim(s, "/a/own/below")), USD_PURPOSE_DEFAULT);
    assert_true(usd_prim_is_visible(prim(s, "/u/m"), NAN));
    usd_stage_close(&s);
}

static void visibility_of_purposes(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Scope \"a\" ( apiSchemas = [\"VisibilityAPI\"] ) { uniform token guideVisibility = \"visible\"\n uniform token renderVisibility = \"invisible\"\n"
        " def Mesh \"m\" {}\n def Mesh \"n\" ( apiSchemas = [\"VisibilityAPI\"] ) {}\n def Mesh \"hidden\" { token visibility = \"invisible\"\n }\n }\ndef Mesh \"plain\" {}\n");
    assert_string_equal(usd_prim_visibility(prim(s, "/plain"), USD_PURPOSE_DEFAULT, NAN), "visible");
    assert_string_equal(usd_prim_visibility(prim(s, "/plain"), USD_PURPOSE_GUIDE, NAN), "invisible");
    assert_string_equal(usd_prim_visibility(prim(s, "/plain"), USD_PURPOSE_PROXY, NAN), "inherited");
    assert_string_equal(usd_prim_visibility(prim(s, "/a/m"), USD_PURPOSE_GUIDE, NAN), "visible");
    assert_string_equal(usd_prim_visibility(prim(s, "/a/m"), USD_PURPOSE_RENDER, NAN), "invisible");
    assert_string_equal(usd_prim_visibility(prim(s, "/a/n"), USD_PURPOSE_GUIDE, NAN), "invisible"); // the nearest API's fallback
    assert_string_equal(usd_prim_visibility(prim(s, "/a/hidden"), USD_PURPOSE_GUIDE, NAN), "invisible");
    usd_stage_close(&s);
}

// The first test: nothing has loaded the table of schemas yet.
static void untyped_prims_have_collections(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef \"u\" ( prepend apiSchemas = [\"CollectionAPI:e\"] ) {}\n");
    assert_int_equal(usd_prim_collection_count(prim(s, "/u")), 1);
    usd_stage_close(&s);
}

static bool member(const usd_stage *s, const char *owner, const char *name, const char *path)
{
    usd_collection *c;
    assert_int_equal(usd_collection_open(prim(s, owner), name, &c), USD_OK);
    bool found = usd_collection_has(c, path);
    usd_collection_close(&c);
    return found;
}

static void collections_by_rules(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef \"o\" ( apiSchemas = [\"CollectionAPI:a\", \"CollectionAPI:x\", \"CollectionAPI:p\", \"CollectionAPI:all\", \"CollectionAPI:both\"] ) {\n"
        " rel collection:a:includes = [</W/in>, </W/in/out/again>]\n rel collection:a:excludes = </W/in/out>\n"
        " uniform token collection:x:expansionRule = \"explicitOnly\"\n rel collection:x:includes = [</W>, </W/in.size>]\n"
        " uniform token collection:p:expansionRule = \"expandPrimsAndProperties\"\n rel collection:p:includes = </W>\n"
        " uniform bool collection:all:includeRoot = 1\n rel collection:all:excludes = </W/in>\n"
        " rel collection:both:includes = [</o.collection:a>, </V>]\n rel collection:both:excludes = </W/in/deep>\n"
        " rel collection:loop:includes = </o.collection:loop>\n}\n"
        "def \"W\" { def \"in\" { def \"out\" { def \"again\" {}\n }\n def \"deep\" {}\n }\n }\ndef \"V\" {}\n");
    assert_true(member(s, "/o", "a", "/W/in") && member(s, "/o", "a", "/W/in/deep") && member(s, "/o", "a", "/W/in/out/again"));
    assert_true(!member(s, "/o", "a", "/W") && !member(s, "/o", "a", "/W/in/out") && !member(s, "/o", "a", "/W/inner") && !member(s, "/o", "a", "/W/in.size"));
    assert_true(member(s, "/o", "x", "/W") && !member(s, "/o", "x", "/W/in") && member(s, "/o", "x", "/W/in.size"));
    assert_true(member(s, "/o", "p", "/W/in.size") && member(s, "/o", "p", "/W/in"));
    assert_true(member(s, "/o", "all", "/V") && member(s, "/o", "all", "/") && !member(s, "/o", "all", "/W/in/out"));
    assert_true(member(s, "/o", "both", "/V") && member(s, "/o", "both", "/W/in") && !member(s, "/o", "both", "/W/in/deep") && !member(s, "/o", "both", "/W/in/out"));
    assert_int_equal(usd_prim_collection_count(prim(s, "/o")), 5);
    assert_string_equal(usd_prim_collection(prim(s, "/o"), 1), "x");
    assert_null(usd_prim_collection(prim(s, "/o"), 5));
    usd_collection *c;
    assert_int_equal(usd_collection_open(prim(s, "/o"), "loop", &c), USD_OK);
    assert_true(usd_collection_is_circular(c));
    usd_collection_close(&c);
    assert_false(member(s, "/o", "nothing", "/W"));
    usd_stage_close(&s);
}

static void path_expressions(void **state)
{
    static const struct {
        const char *expression, *path;
        bool member;
    } rows[] = {
        { "/W/a", "/W/a", true }, { "/W/a", "/W/a/mesh", false }, { "/W//", "/W", true }, { "/W//", "/W/a/mesh", true },
        { "/W//", "/V", false }, { "//mesh", "/W/a/mesh", true }, { "//mesh", "/W/a", false }, { "/W/*", "/W/a", true },
        { "/W/*", "/W/a/mesh", false }, { "/W/*/m?sh", "/W/a/mesh", true }, { "/W/[a-c]", "/W/b", true }, { "/W/[!a]", "/W/a", false },
        { "//*es*", "/W/a/mesh", true }, { "/W//mesh", "/W/a/mesh", true }, { "/V /W/a", "/W/a", true }, { "/V + /W/a", "/W/a", true },
        { "/W// - /W/a//", "/W/a/mesh", false }, { "/W// - /W/a//", "/W/b", true }, { "/W// & //b", "/W/b", true },
        { "/W// & //b", "/W/a", false }, { "~/W//", "/V", true }, { "~/W//", "/W/a", false }, { "~(/V + /W//)", "/V", false },
        { "/V + /W// - /V", "/V", false }, // "-" binds least
        { "//{isa:Mesh}", "/W/a/mesh", true }, { "//{isa:Mesh}", "/W/a", false }, { "//{not isa:Mesh}", "/W/a", true },
        { "/W//*{isa:Imageable and not isa:Mesh}", "/W/a", true }, { "//{kind:component or isa:Mesh}", "/W", true },
        { "//{hasAPI:MotionAPI}", "/W/b", true }, { "//{isa(Mesh)}", "/W/a/mesh", true }, { "%/o:rules", "/V", true },
        { "%:rules", "/W", false }, { "%:rules + /W", "/W", true }, { "%../o:rules", "/V", true }, { "*", "/o/child", true }, { "/W/a/mesh.points", "/W/a/mesh.points", true },
        { "/W/a/mesh.points", "/W/a/mesh", false }, { "//*.p*", "/W/a/mesh.points", true }, { "/W//", "/W/a/mesh.points", true },
        { "/", "/", true }, { "", "/W", false }, { "//a//mesh", "/W/a/mesh", true }, { "//a//a", "/W/a/mesh", false },
        { ".", "/o", true }, { ".", "/o/child", false }, { ".//", "/o/child", true }, { "..", "/", true }, { "../V", "/V", true },
        { "..//mesh", "/W/a/mesh", true }, { "../..", "/", false }, { ".x", "/o.x", true }, { "child{not isa:Mesh}", "/o/child", true },
        { "//{isa:Mesh,Camera}", "/W/a/mesh", true }, { "//{isa(Camera, Mesh)}", "/W/a/mesh", true }, { "//{isa(Gprim, strict=true)}", "/W/a/mesh", false },
        { "//{isa(Mesh, strict=true)}", "/W/a/mesh", true }, { "//{specifier:over,class}", "/c", true }, { "//{specifier:over,class}", "/W", false },
        { "//{kind:model}", "/W", true }, { "//{kind(model, strict=true)}", "/W", false }, { "//{kind:group}", "/g", true },
        { "//{kind(group, strict=true)}", "/g", false }, { "//{kind:group,component}", "/W", true }, { "//{kind:model}", "/W/b", false },
        { "//{hasAPI(CollectionAPI, instanceName=rules)}", "/o", true }, { "//{hasAPI(CollectionAPI, instanceName='x')}", "/o", false },
        { "//{abstract:false}", "/c", false }, { "//{abstract(true)}", "/c", true }, { "//{defined:false}", "/g", true },
        { "//{defined(isDefined=false)}", "/W", false }, { "//{variant(v=a*)}", "/V", true }, { "//{variant(v=a*, w=a*)}", "/V", false },
        { "//{variant(v=b)}", "/V", false }, { "//{(isa:Mesh or abstract) and not kind:group}", "/c", true }, { "/W{isa:Mesh or (kind:component)}", "/W", true },
        { "//*{isa:Mesh}.p*", "/W/a/mesh.points", true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text),
                 "#usda 1.0\ndef \"o\" ( apiSchemas = [\"CollectionAPI:e\", \"CollectionAPI:rules\"] ) { uniform pathExpression collection:e:membershipExpression = \"%s\"\n"
                 " rel collection:rules:includes = </V>\n int x = 1\n def \"child\" {}\n }\nclass \"c\" {}\nover \"g\" ( kind = \"assembly\" ) {}\n"
                 "def Xform \"W\" ( kind = \"component\" ) { def Xform \"a\" { def Mesh \"mesh\" { point3f[] points = []\n }\n }\n"
                 " def Xform \"b\" ( apiSchemas = [\"MotionAPI\"]\n kind = \"subcomponent\" ) {}\n }\n"
                 "def Xform \"V\" ( variants = { string v = \"ab\" }\n variantSets = \"v\" ) { variantSet \"v\" = { \"ab\" {}\n }\n }\n",
                 rows[i].expression);
        usd_stage *s = open_text(text);
        if (member(s, "/o", "e", rows[i].path) != rows[i].member)
            fail_msg("'%s' on %s", rows[i].expression, rows[i].path);
        usd_stage_close(&s);
    }
}

// The whole expression, whatever else it has.
static void bad_path_expressions_match_nothing(void **state)
{
    static const char *const rows[] = {
        "((((", "/W )", "/W + ", "~", "/W /W/[", "/W{isa:Mesh", "%", "&", "/W /W/../V", "/W relative//../x", "/W-", "/W, /V", "/W ./x", "/W //.points", "/W //.",
        "/W/", "/W///", "/W{}", "/W{and}", "/W{active or}", "/W{active,defined}", "/W{isa:}", "/W{isa(strict=true, Mesh)}", "/W{(active}", "/W %nocolon", "/W %:e-",
        "/W /W.{active}", "/W ...", "/W /W.x{active}", "/W ../",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "#usda 1.0\ndef \"o\" ( apiSchemas = [\"CollectionAPI:e\"] ) { uniform pathExpression collection:e:membershipExpression = \"%s\"\n }\ndef \"W\" {}\n", rows[i]);
        usd_stage *s = open_text(text);
        usd_collection *c;
        usd_collection_open(prim(s, "/o"), "e", &c);
        if (usd_collection_has(c, "/W") || !usd_collection_unsupported(c))
            fail_msg("'%s'", rows[i]);
        usd_collection_close(&c);
        usd_stage_close(&s);
    }
}

// They match nothing, but the rest of the expression counts.
static void unknown_predicates_are_named(void **state)
{
    static const char *const rows[][2] = { { "//{color:red} + /W", "color:red" }, { "/W //{kind}", "kind" }, { "/W //{isa(Mesh, wide=true)}", "isa(Mesh, wide=true)" },
                                           { "/W //{abstract:perhaps}", "abstract:perhaps" }, { "/W //{specifier:def,sub}", "specifier:def,sub" }, { "/W //{variant:a}", "variant:a" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "#usda 1.0\ndef \"o\" ( apiSchemas = [\"CollectionAPI:e\"] ) { uniform pathExpression collection:e:membershipExpression = \"%s\"\n }\ndef \"W\" {}\n", rows[i][0]);
        usd_stage *s = open_text(text);
        usd_collection *c;
        usd_collection_open(prim(s, "/o"), "e", &c);
        assert_true(usd_collection_has(c, "/W") && !usd_collection_has(c, "/o"));
        assert_string_equal(usd_collection_unsupported(c), rows[i][1]);
        usd_collection_close(&c);
        usd_stage_close(&s);
    }
}

static void weaker_expressions_join_in(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\n( defaultPrim = \"A\" )\ndef \"A\" ( apiSchemas = [\"CollectionAPI:e\"] ) { uniform pathExpression collection:e:membershipExpression = \"/A/k ../A/l + ../out\"\n }\n");
    write_file(&f, "s.usda", "#usda 1.0\nover \"B\" { uniform pathExpression collection:e:membershipExpression = \"%_ + /x\"\n }\n");
    usd_stage *s = open_file(write_file(&f, "b.usda",
        "#usda 1.0\n( subLayers = [@s.usda@] )\ndef \"B\" ( references = @a.usda@ ) { uniform pathExpression collection:e:membershipExpression = \"/y + %_ - /B/k\"\n"
        " def \"k\" {}\n def \"l\" {}\n }\ndef \"x\" {}\ndef \"y\" {}\ndef \"out\" {}\n"
        "def \"C\" ( references = @a.usda@ ) { uniform pathExpression collection:e:membershipExpression = \"/y\"\n def \"k\" {}\n }\n"));
    assert_true(member(s, "/B", "e", "/y") && member(s, "/B", "e", "/x") && member(s, "/B", "e", "/B/l"));
    assert_true(!member(s, "/B", "e", "/B/k") && !member(s, "/B", "e", "/out"));
    assert_true(member(s, "/C", "e", "/y") && !member(s, "/C", "e", "/C/k"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void expressions_of_collections_that_name_each_other(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef \"o\" ( apiSchemas = [\"CollectionAPI:a\", \"CollectionAPI:b\"] ) { uniform pathExpression collection:a:membershipExpression = \"%:b %:b /x\"\n"
        " uniform pathExpression collection:b:membershipExpression = \"%:a %:a /y\"\n }\ndef \"x\" {}\ndef \"y\" {}\n");
    usd_collection *c;
    assert_int_equal(usd_collection_open(prim(s, "/o"), "a", &c), USD_OK);
    assert_true(usd_collection_has(c, "/x") && usd_collection_has(c, "/y") && usd_collection_is_circular(c));
    usd_collection_close(&c);
    usd_stage_close(&s);

    char text[8192]; // each names the next one twice
    int n = snprintf(text, sizeof(text), "#usda 1.0\ndef \"x\" {}\ndef \"o\" {\n");
    for (int i = 0; i < 30; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " uniform pathExpression collection:c%d:membershipExpression = \"/x %%:c%d %%:c%d\"\n", i, i + 1, i + 1);
    snprintf(text + n, sizeof(text) - (size_t)n, "}\n");
    s = open_text(text);
    assert_int_equal(usd_collection_open(prim(s, "/o"), "c0", &c), USD_OK);
    assert_true(usd_collection_has(c, "/x") && !usd_collection_has(c, "/o"));
    assert_non_null(usd_collection_unsupported(c));
    usd_collection_close(&c);
    usd_stage_close(&s);
}

static void expressions_below_instances_are_their_own(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\n( defaultPrim = \"A\" )\ndef \"A\" { def \"i\" ( apiSchemas = [\"CollectionAPI:e\"] ) { uniform pathExpression collection:e:membershipExpression = \"/A/k ../l\"\n }\n def \"k\" {}\n def \"l\" {}\n }\n");
    usd_stage *s = open_file(write_file(&f, "b.usda", "#usda 1.0\ndef \"B\" ( instanceable = 1\n references = @a.usda@ ) {}\ndef \"C\" ( instanceable = 1\n references = @a.usda@ ) {}\n"));
    for (int i = 0; i < 2; i++) {
        const char *own[] = { "/B/i", "/C/i" }, *k[] = { "/B/k", "/C/k" }, *l[] = { "/B/l", "/C/l" };
        assert_true(member(s, own[i], "e", k[i]) && member(s, own[i], "e", l[i]) && !member(s, own[i], "e", k[!i]) && !member(s, own[i], "e", l[!i]));
    }
    usd_stage_close(&s);
    remove_folder(&f);
}

static void expressions_follow_references(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\n( defaultPrim = \"A\" )\ndef \"A\" ( apiSchemas = [\"CollectionAPI:e\"] ) { uniform pathExpression collection:e:membershipExpression = \"/A/k/*\"\n def \"k\" { def \"x\" {}\n }\n }\n");
    usd_stage *s = open_file(write_file(&f, "b.usda", "#usda 1.0\ndef \"B\" ( references = @a.usda@ ) {}\n"));
    assert_true(member(s, "/B", "e", "/B/k/x") && !member(s, "/B", "e", "/B/k"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void lights_link_to_everything_unless_told(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef SphereLight \"l\" {}\ndef SphereLight \"k\" { rel collection:lightLink:excludes = </W/a>\n }\n"
        "def SphereLight \"j\" { uniform bool collection:lightLink:includeRoot = 0\n rel collection:lightLink:includes = </W/a>\n }\ndef \"W\" { def \"a\" {}\n def \"b\" {}\n }\n");
    assert_true(usd_light_links(prim(s, "/l"), "lightLink", prim(s, "/W/a")) && usd_light_links(prim(s, "/l"), "shadowLink", prim(s, "/W/a")));
    assert_true(!usd_light_links(prim(s, "/k"), "lightLink", prim(s, "/W/a")) && usd_light_links(prim(s, "/k"), "lightLink", prim(s, "/W/b")));
    assert_true(usd_light_links(prim(s, "/j"), "lightLink", prim(s, "/W/a")) && !usd_light_links(prim(s, "/j"), "lightLink", prim(s, "/W/b")));
    assert_false(usd_light_links(NULL, "lightLink", prim(s, "/W/a")));
    usd_stage_close(&s);
}

static void materials_bound_by_expression(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Material \"M\" {}\ndef Xform \"W\" ( apiSchemas = [\"CollectionAPI:tyres\", \"MaterialBindingAPI\"] ) {\n"
        " uniform pathExpression collection:tyres:membershipExpression = \"/W//*Tyre\"\n rel material:binding:collection:tyres = [</W.collection:tyres>, </M>]\n"
        " def Mesh \"leftTyre\" {}\n def Mesh \"door\" {}\n }\n");
    assert_string_equal(usd_prim_name(usd_prim_bound_material(prim(s, "/W/leftTyre"), "full")), "M");
    assert_null(usd_prim_bound_material(prim(s, "/W/door"), "full"));
    usd_stage_close(&s);
}

static void primvars_are_found_and_flattened(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef Xform \"A\" { float primvars:c = 1\n def Mesh \"B\" { float[] primvars:c = [1, 2] ( interpolation = \"vertex\" )\n def Mesh \"m\" {\n"
        " float2[] primvars:st = [(1, 2), (3, 4)] ( interpolation = \"faceVarying\" )\n int[] primvars:st:indices = [1, 0, 1]\n"
        " float[] primvars:w = [1, 2, 3, 4] ( elementSize = 2\n interpolation = \"vertex\" )\n int[] primvars:w:indices = [1, 1]\n"
        " float[] primvars:bad = [1] ( interpolation = \"vertex\" )\n int[] primvars:bad:indices = [0, -1]\n float[] widths = [1]\n }\n }\n }\n");
    const usd_prim *m = prim(s, "/A/B/m");
    const usd_property *ix, *q;
    struct usd_value v;
    assert_null(usd_prim_find_primvar(m, "c", NULL)); // B's values per vertex end the search
    q = usd_prim_find_primvar(m, "st", &ix);
    assert_true(usd_primvar_flatten(q, ix, NAN, &v) && v.count == 3);
    assert_true(((const float *)v.data)[0] == 3 && ((const float *)v.data)[3] == 2 && ((const float *)v.data)[5] == 4);
    usd_value_finish(&v);
    assert_true(usd_primvar_flatten(q, NULL, NAN, &v) && v.count == 2);
    usd_value_finish(&v);
    q = usd_prim_find_primvar(m, "w", &ix);
    assert_true(usd_primvar_flatten(q, ix, NAN, &v) && v.count == 4 && ((const float *)v.data)[2] == 3);
    usd_value_finish(&v);
    q = usd_prim_find_primvar(m, "bad", &ix);
    assert_false(usd_primvar_flatten(q, ix, NAN, &v));
    usd_value_finish(&v);
    assert_string_equal(usd_attr_interpolation(usd_prim_find_property(m, "widths")), "vertex");
    usd_stage_close(&s);
}

static void models_stand_below_groups(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef \"g\" ( kind = \"assembly\" ) { def \"c\" ( kind = \"component\" ) { def \"s\" ( kind = \"subcomponent\" ) {}\n def \"n\" ( kind = \"component\" ) {}\n }\n def \"x\" { def \"c\" ( kind = \"component\" ) {}\n }\n }\n");
    assert_true(usd_prim_is_model(prim(s, "/g")) && usd_prim_is_group(prim(s, "/g")));
    assert_true(usd_prim_is_model(prim(s, "/g/c")) && !usd_prim_is_group(prim(s, "/g/c")));
    assert_true(!usd_prim_is_model(prim(s, "/g/c/s")) && !usd_prim_is_model(prim(s, "/g/c/n")) && !usd_prim_is_model(prim(s, "/g/x/c")));
    usd_stage_close(&s);
}

static void variant_sets_and_property_stacks(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda",
               "#usda 1.0\n( defaultPrim = \"A\" )\ndef \"A\" ( variants = { string size = \"small\" }\n prepend variantSets = [\"size\", \"look\"] ) { double d = 1\n"
               " variantSet \"size\" = { \"small\" { double d = 2\n } \"big\" { double d = 3\n } }\n variantSet \"look\" = { \"z\" {} \"m\" {} }\n }\n");
    const char *path = write_file(&f, "b.usda", "#usda 1.0\ndef \"B\" ( references = @a.usda@ ( offset = 5 )\n variants = { string size = \"big\" } ) { double d = 4\n }\n");
    usd_stage *s     = open_file(path);
    const usd_prim *b = prim(s, "/B");
    assert_int_equal(usd_prim_variant_set_count(b), 2);
    assert_string_equal(usd_prim_variant_set(b, 0), "size");
    assert_string_equal(usd_prim_variant_selection(b, 0), "big");
    assert_string_equal(usd_prim_variant_selection(b, 1), "");
    assert_int_equal(usd_prim_variant_count(b, 1), 2);
    assert_string_equal(usd_prim_variant(b, 1, 0), "m");
    struct usd_opinion o;
    const usd_property *q       = usd_prim_find_property(b, "d");
    const char *const stack[] = { "/B.d", "/A.d", "/A{size=big}.d" };
    for (size_t i = 0; i < 3; i++) { // inside the reference the prim's own opinion comes before its variant's
        assert_true(usd_property_opinion(q, i, &o));
        assert_string_equal(o.path, stack[i]);
        assert_true(o.offset == (i ? 5 : 0));
    }
    assert_false(usd_property_opinion(q, 3, &o));
    usd_stage_close(&s);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untyped_prims_have_collections),
        cmocka_unit_test(bounds_of_shapes), cmocka_unit_test(bounds_at_a_time_by_purpose_and_hint), cmocka_unit_test(bounds_of_point_instancers),
        cmocka_unit_test(bounds_of_instances_share_their_prototype), cmocka_unit_test(purpose_is_inherited_through_imageables_only),
        cmocka_unit_test(visibility_of_purposes), cmocka_unit_test(collections_by_rules), cmocka_unit_test(path_expressions),
        cmocka_unit_test(bad_path_expressions_match_nothing), cmocka_unit_test(unknown_predicates_are_named),
        cmocka_unit_test(weaker_expressions_join_in), cmocka_unit_test(expressions_of_collections_that_name_each_other),
        cmocka_unit_test(expressions_below_instances_are_their_own), cmocka_unit_test(expressions_follow_references),
        cmocka_unit_test(lights_link_to_everything_unless_told), cmocka_unit_test(materials_bound_by_expression),
        cmocka_unit_test(primvars_are_found_and_flattened), cmocka_unit_test(models_stand_below_groups), cmocka_unit_test(variant_sets_and_property_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
