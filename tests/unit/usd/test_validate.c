// Validation: each rule finds its scene, and nothing else is said about it.
#include "usd_test.h"

static const struct {
    const char *rule, *path, *words, *text; // rule NULL: nothing is wrong
} rows[] = {
    { NULL, NULL, NULL, "(\n defaultPrim = \"W\"\n)\ndef Xform \"W\" { def Mesh \"m\" { float3[] extent = [(0,0,0), (1,1,0)]\n int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0,1,2]\n point3f[] points = [(0,0,0), (1,0,0), (0,1,0)]\n"
      " normal3f[] normals = [(0,0,1), (0,0,1), (0,0,1)]\n texCoord2f[] primvars:st = [(0,0), (1,0), (0,1)] ( interpolation = \"faceVarying\" )\n uniform token subdivisionScheme = \"none\"\n }\n }" },
    { "default-prim", "/", "'nope'", "(\n defaultPrim = \"nope\"\n)\ndef \"W\" {}" },
    { "default-prim", "/W", "a class", "(\n defaultPrim = \"W\"\n)\nclass \"W\" {}" },
    { "stage-metadata", "/", "upAxis", "(\n upAxis = \"X\"\n)" },
    { "stage-metadata", "/", "metersPerUnit", "(\n metersPerUnit = 0\n)" },
    { "stage-metadata", "/", "comes after", "(\n startTimeCode = 5\n endTimeCode = 1\n)" },
    { "stage-metadata", "/", "without endTimeCode", "(\n startTimeCode = 5\n)" },
    { "unknown-type", "/a", "'Mush'", "def Mush \"a\" {}" },
    { "abstract-type", "/a", "abstract", "def Gprim \"a\" {}" },
    { "abstract-type", "/a", "API schema", "def LightAPI \"a\" {}" },
    { "api-schema", "/a", "instance name", "def \"a\" ( apiSchemas = [\"CollectionAPI\"] ) {}" },
    { "api-schema", "/a", "takes no", "def \"a\" ( apiSchemas = [\"MotionAPI:x\"] ) {}" },
    { "api-schema", "/a", "never applied", "def \"a\" ( apiSchemas = [\"ModelAPI\"] ) {}" },
    { "api-not-applied", "/a.material:binding", "MaterialBindingAPI", "def Mesh \"a\" { rel material:binding = </m>\n }\ndef Material \"m\" {}" },
    { "schema-type", "/a.points", "point3f[]", "def Mesh \"a\" { double3[] points = [(0, 0, 0)]\n }" },
    { "property-kind", "/a.visibility", "an attribute", "def Xform \"a\" { rel visibility\n }" },
    { "property-kind", "/a.x", "as a relationship", "def \"a\" ( references = </b> ) { int x = 1\n }\ndef \"b\" { rel x\n }" },
    { "uniform-samples", "/a.purpose", "uniform", "def Xform \"a\" { uniform token purpose.timeSamples = { 0: \"guide\" }\n }" },
    { "allowed-tokens", "/a.purpose", "'other'", "def Xform \"a\" { uniform token purpose = \"other\"\n }" },
    { "interpolation", "/a.primvars:x", "'vertices'", "def Xform \"a\" { float primvars:x = 1 ( interpolation = \"vertices\" )\n }" },
    { "missing-target", "/a.r", "</nowhere>", "def \"a\" { rel r = </nowhere>\n }" },
    { "missing-target", "/a.r", "not active", "def \"a\" { rel r = </b>\n }\ndef \"b\" ( active = false ) {}" },
    { "missing-connection", "/a.x", "</b.y>", "def \"a\" { float x.connect = </b.y>\n }\ndef \"b\" {}" },
    { "missing-asset", "/a.f", "@none.png@", "def \"a\" { asset f = @none.png@\n }" },
    { "missing-asset", "/a.f", "is a URL", "def \"a\" { asset f = @https://example.com/a.png@\n }" },
    { "kind", "/a", "'banana'", "def \"a\" ( kind = \"banana\" ) {}" },
    { "kind", "/a/b", "below the component", "def \"a\" ( kind = \"component\" ) { def \"b\" ( kind = \"component\" ) {}\n }" },
    { "variant", "/a", "'two'", "def \"a\" ( variants = { string v = \"two\" }\n variantSets = \"v\" ) { variantSet \"v\" = { \"one\" {} }\n }" },
    { "transform", "/a.xformOpOrder", "does not exist", "def Xform \"a\" { uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }" },
    { "transform", "/a.xformOpOrder", "no transform op", "def Xform \"a\" { uniform token[] xformOpOrder = [\"xformOp:wobble\"]\n }" },
    { "transform", "/a.xformOp:scale", "not in xformOpOrder", "def Xform \"a\" { float3 xformOp:scale = (1, 1, 1)\n }" },
    { "transform", "/a.xformOp:translate", "of the type float", "def Xform \"a\" { float xformOp:translate = 1\n uniform token[] xformOpOrder = [\"xformOp:translate\"]\n }" },
    { "transform", "/a.xformOpOrder", "twice", "def Xform \"a\" { float3 xformOp:scale = (1, 1, 1)\n uniform token[] xformOpOrder = [\"xformOp:scale\", \"xformOp:scale\"]\n }" },
    { "transform", "/a.xformOpOrder", "no transform", "def Scope \"a\" { float3 xformOp:scale = (1, 1, 1)\n uniform token[] xformOpOrder = [\"xformOp:scale\"]\n }" },
    { "transform", "/a.xformOp:transform", "not affine", "def Xform \"a\" { matrix4d xformOp:transform = ((1,0,0,1),(0,1,0,0),(0,0,1,0),(0,0,0,1))\n uniform token[] xformOpOrder = [\"xformOp:transform\"]\n }" },
    { "not-normalised", "/a.xformOp:orient", "length 2", "def Xform \"a\" { quatf xformOp:orient = (2, 0, 0, 0)\n uniform token[] xformOpOrder = [\"xformOp:orient\"]\n }" },
    { "index-range", "/a.faceVertexIndices", "2 of 3", "def Mesh \"a\" { int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0, -1, 9]\n point3f[] points = [(0,0,0)]\n }" },
    { "topology", "/a.faceVertexCounts", "4 corners", "def Mesh \"a\" { int[] faceVertexCounts = [4]\n int[] faceVertexIndices = [0, 0, 0]\n point3f[] points = [(0,0,0)]\n }" },
    { "topology", "/a.faceVertexCounts", "fewer than three", "def Mesh \"a\" { int[] faceVertexCounts = [2]\n int[] faceVertexIndices = [0, 0]\n point3f[] points = [(0,0,0)]\n }" },
    { "topology", "/a.faceVertexCounts", "Loop", "def Mesh \"a\" { int[] faceVertexCounts = [4]\n int[] faceVertexIndices = [0, 0, 0, 0]\n point3f[] points = [(0,0,0)]\n uniform token subdivisionScheme = \"loop\"\n }" },
    { "topology", "/a", "no points", "def Mesh \"a\" { int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0, 0, 0]\n }" },
    { "topology", "/a.curveVertexCounts", "bezier", "def BasisCurves \"a\" { int[] curveVertexCounts = [5]\n point3f[] points = [(0,0,0), (0,0,0), (0,0,0), (0,0,0), (0,0,0)]\n }" },
    { "topology", "/a.curveVertexCounts", "there are 1", "def BasisCurves \"a\" { uniform token type = \"linear\"\n int[] curveVertexCounts = [2]\n point3f[] points = [(0,0,0)]\n }" },
    { "primvar-size", "/a.primvars:st", "needs 1", "def Points \"a\" { point3f[] points = [(0,0,0)]\n float2[] primvars:st = [(0,0), (1,1)] ( interpolation = \"vertex\" )\n }" },
    { "index-range", "/a.primvars:st:indices", "1 of 1", "def Points \"a\" { point3f[] points = [(0,0,0)]\n float2[] primvars:st = [(0,0)] ( interpolation = \"vertex\" )\n int[] primvars:st:indices = [1]\n }" },
    { "not-normalised", "/a.normals", "1 of 1", "def Points \"a\" { point3f[] points = [(0,0,0)]\n normal3f[] normals = [(0,0,3)]\n }" },
    { "extent", "/a.extent", "does not hold", "def Sphere \"a\" { double radius = 5\n float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n }" },
    { "extent", "/a.extent", "greater", "def Volume \"a\" { float3[] extent = [(1, 1, 1), (0, 0, 0)]\n }" },
    { "extent", "/a.extent", "two corners", "def Volume \"a\" { float3[] extent = [(1, 1, 1)]\n }" },
    { "instancer", "/a.positions", "1 positions for 2", "def PointInstancer \"a\" { rel prototypes = </p>\n int[] protoIndices = [0, 0]\n point3f[] positions = [(0,0,0)]\n }\ndef Xform \"p\" {}" },
    { "index-range", "/a.protoIndices", "1 of 1", "def PointInstancer \"a\" { rel prototypes = </p>\n int[] protoIndices = [3]\n point3f[] positions = [(0,0,0)]\n }\ndef Xform \"p\" {}" },
    { "subset", "/m/b.indices", "1 faces", "def Mesh \"m\" { int[] faceVertexCounts = [3]\n int[] faceVertexIndices = [0, 0, 0]\n point3f[] points = [(0,0,0)]\n def GeomSubset \"a\" { uniform token familyName = \"materialBind\"\n int[] indices = [0]\n }\n"
                                          " def GeomSubset \"b\" { uniform token familyName = \"materialBind\"\n int[] indices = [0]\n }\n }" },
    { "camera", "/a.clippingRange", "between 5 and 1", "def Camera \"a\" { float2 clippingRange = (5, 1)\n }" },
    { "nested-gprim", "/a/b", "</a>", "def Sphere \"a\" { def Sphere \"b\" {}\n }" },
    { "skeleton", "/a.restTransforms", "1 elements for 2 joints", "def Skeleton \"a\" { uniform token[] joints = [\"a\", \"b\"]\n uniform matrix4d[] restTransforms = [((1,0,0,0),(0,1,0,0),(0,0,1,0),(0,0,0,1))]\n }" },
    { "skeleton", "/r/m.primvars:skel:jointIndices", "1 of 1", "def SkelRoot \"r\" { def Skeleton \"s\" { uniform token[] joints = [\"a\"]\n }\n def Mesh \"m\" ( apiSchemas = [\"SkelBindingAPI\"] ) { rel skel:skeleton = </r/s>\n"
                                                          " int[] primvars:skel:jointIndices = [7] ( interpolation = \"constant\" )\n float[] primvars:skel:jointWeights = [1] ( interpolation = \"constant\" )\n }\n }" },
    { "not-normalised", "/r/m.primvars:skel:jointWeights", "1 of 1", "def SkelRoot \"r\" { def Skeleton \"s\" { uniform token[] joints = [\"a\"]\n }\n def Mesh \"m\" ( apiSchemas = [\"SkelBindingAPI\"] ) { rel skel:skeleton = </r/s>\n"
                                                                " int[] primvars:skel:jointIndices = [0] ( interpolation = \"constant\" )\n float[] primvars:skel:jointWeights = [0.5] ( interpolation = \"constant\" )\n }\n }" },
    { "shader-id", "/m/s", "which one", "def Material \"m\" { def Shader \"s\" {}\n }" },
    { "shader-id", "/m/s", "'UsdPreviewThing'", "def Material \"m\" { def Shader \"s\" { uniform token info:id = \"UsdPreviewThing\"\n }\n }" },
    { "shader-input", "/m/s.inputs:roughness", "as float", "def Material \"m\" { def Shader \"s\" { uniform token info:id = \"UsdPreviewSurface\"\n color3f inputs:roughness = (1, 1, 1)\n }\n }" },
    { "shader-input", "/m/s.inputs:shine", "no such input", "def Material \"m\" { def Shader \"s\" { uniform token info:id = \"UsdPreviewSurface\"\n float inputs:shine = 1\n }\n }" },
    { "shading-cycle", "/m/a", "back to itself", "def Material \"m\" { def Shader \"a\" { uniform token info:id = \"x\"\n float inputs:i.connect = </m/b.outputs:o>\n float outputs:o\n }\n"
                                               " def Shader \"b\" { uniform token info:id = \"x\"\n float inputs:i.connect = </m/a.outputs:o>\n float outputs:o\n }\n }" },
    { "encapsulation", "/m/a.inputs:i", "outside", "def Material \"m\" { def Shader \"a\" { uniform token info:id = \"x\"\n float inputs:i.connect = </b.outputs:o>\n }\n }\ndef Shader \"b\" { uniform token info:id = \"x\"\n float outputs:o\n }" },
    { "connection-type", "/m/a.inputs:i", "color3f", "def Material \"m\" { def Shader \"a\" { uniform token info:id = \"x\"\n float inputs:i.connect = </m/b.outputs:o>\n }\n def Shader \"b\" { uniform token info:id = \"x\"\n color3f outputs:o\n }\n }" },
    { "material-binding", "/a.material:binding", "not a Material", "def Mesh \"a\" ( apiSchemas = [\"MaterialBindingAPI\"] ) { rel material:binding = </b>\n }\ndef Scope \"b\" {}" },
    { "material-binding", "/a.material:binding", "2 targets", "def Mesh \"a\" ( apiSchemas = [\"MaterialBindingAPI\"] ) { rel material:binding = [</b>, </c>]\n }\ndef Material \"b\" {}\ndef Material \"c\" {}" },
    { "collection", "/a", "includes itself", "def \"a\" ( apiSchemas = [\"CollectionAPI:c\"] ) { rel collection:c:includes = </a.collection:c>\n }" },
    { "collection", "/a", "not understood", "def \"a\" ( apiSchemas = [\"CollectionAPI:c\"] ) { uniform pathExpression collection:c:membershipExpression = \"/a{nice:yes}\"\n }" },
};

static void each_rule_finds_its_scene(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        snprintf(text, sizeof(text), "#usda 1.0\n%s\n", rows[i].text);
        usd_stage *s = open_text(text);
        size_t n = usd_stage_validate(s), said = 0;
        for (size_t k = 0; k < n; k++) {
            const struct usd_diagnostic *d = usd_stage_diagnostic(s, k);
            assert_true(*d->rule && d->hint);
            if (d->severity == USD_INFO)
                continue;
            said++;
            if (!rows[i].rule || strcmp(d->rule, rows[i].rule) || strcmp(d->path, rows[i].path) || !strstr(d->message, rows[i].words))
                fail_msg("row %zu (%s): %s: %s [%s]", i, rows[i].text, d->path, d->message, d->rule);
            assert_true(*d->hint);
        }
        if (said != (rows[i].rule ? 1 : 0))
            fail_msg("row %zu: %zu findings: %s", i, said, rows[i].text);
        usd_stage_close(&s);
    }
}

static bool finds(usd_stage *s, const char *rule, const char *words)
{
    size_t n = usd_stage_validate(s);
    for (size_t i = 0; i < n; i++) {
        const struct usd_diagnostic *d = usd_stage_diagnostic(s, i);
        if (!strcmp(d->rule, rule) && strstr(d->message, words))
            return true;
    }
    return false;
}

static void targets_that_lead_out_of_a_reference(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\ndef \"A\" { def Mesh \"m\" ( apiSchemas = [\"MaterialBindingAPI\"] ) { rel material:binding = </A/l>\n }\n def Material \"l\" {}\n }\n");
    usd_stage *s = open_file(write_file(&f, "b.usda", "#usda 1.0\ndef \"B\" ( references = @a.usda@</A/m> ) {}\n"));
    assert_true(finds(s, "target-outside", "</A/l>"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void other_formats_are_named(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.abc", "Ogawa...");
    write_file(&f, "b.obj", "v 0 0 0\n");
    usd_stage *s = open_file(write_file(&f, "c.usda", "#usda 1.0\ndef \"A\" ( references = @a.abc@ ) {}\ndef \"B\" ( payload = @b.obj@ ) {}\n"));
    assert_true(finds(s, "composition", "an Alembic file, which is not supported"));
    assert_true(finds(s, "composition", "an OBJ file"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void layers_in_other_units_get_a_note(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\n( defaultPrim = \"A\"\n metersPerUnit = 1\n upAxis = \"Z\" )\ndef \"A\" {}\n");
    usd_stage *s = open_file(write_file(&f, "b.usda", "#usda 1.0\n( metersPerUnit = 0.01 )\ndef \"B\" ( references = @a.usda@ ) {}\n"));
    assert_true(finds(s, "units", "1 m"));
    assert_true(finds(s, "units", "axis is Z"));
    usd_stage_close(&s);
    remove_folder(&f);
}

// A stored zip member with its local header; `pad` bytes of extra field in front of the data.
static void put_member(FILE *f, const char *name, const char *data, unsigned pad)
{
    unsigned char h[30] = { 'P', 'K', 3, 4, 10 };
    size_t n = strlen(data);
    h[18] = h[22] = (unsigned char)n, h[19] = h[23] = (unsigned char)(n >> 8);
    h[26] = (unsigned char)strlen(name), h[28] = (unsigned char)pad;
    fwrite(h, 1, sizeof(h), f);
    fputs(name, f);
    while (pad--)
        fputc(0, f);
    fwrite(data, 1, n, f);
}

static void packages(void **state)
{
    struct folder f = make_folder();
    char path[128];
    snprintf(path, sizeof(path), "%s/p.usdz", f.path);
    FILE *z = fopen(path, "wb");
    put_member(z, "a.usda", "#usda 1.0\ndef \"A\" {}\n", 64 - 36);
    put_member(z, "b.tga", "x", 0);
    fclose(z);
    usd_stage *s = open_file(path);
    assert_true(finds(s, "usdz", "'b.tga' is of no kind"));
    assert_true(finds(s, "usdz", "no multiple of 64"));
    assert_true(finds(s, "usdz", "default prim"));
    assert_false(finds(s, "usdz", "'a.usda'"));
    usd_stage_close(&s);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_finds_its_scene), cmocka_unit_test(targets_that_lead_out_of_a_reference),
        cmocka_unit_test(layers_in_other_units_get_a_note), cmocka_unit_test(packages), cmocka_unit_test(other_formats_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
