// The table of schemas, and what prims have built in.
#include "usd_test.h"

static const usd_definition *of(const char *name)
{
    const usd_schema *s = usd_schema_find(name);
    if (!s)
        fail_msg("no schema %s", name);
    return usd_schema_definition(s);
}

static void every_schema_has_its_base_and_a_readable_row(void **state)
{
    size_t n = 0, concrete = 0;
    for (const usd_schema *s; (s = usd_schema_at(n)); n++) {
        const char *name = usd_schema_name(s);
        bool api         = usd_schema_kind(s) >= USD_SCHEMA_API;
        if (!usd_schema_is_a(s, api ? "APISchemaBase" : "Typed"))
            fail_msg("%s has no base", name);
        assert_ptr_equal(usd_schema_find(name), s);
        concrete += usd_schema_kind(s) == USD_SCHEMA_CONCRETE;
        const usd_definition *d = usd_schema_definition(s);
        for (size_t i = 0; i < usd_definition_property_count(d); i++) {
            struct usd_built_in b;
            assert_true(usd_definition_property(d, i, &b));
            if (!b.is_relationship && b.type == USD_TYPE_NONE && strcmp(b.type_name, "opaque"))
                fail_msg("%s.%s has the unknown type '%s'", name, b.name, b.type_name);
            struct usd_value v;
            if (usd_definition_fallback(d, b.name, &v) && (v.type != b.type || v.is_array != b.is_array))
                fail_msg("%s.%s: the fallback has another type", name, b.name);
            usd_value_finish(&v);
        }
    }
    assert_true(n > 100 && concrete > 50);
    assert_null(usd_schema_find("NoSuchSchema"));
    assert_null(usd_schema_find(""));
}

static void types_derive(void **state)
{
    const usd_schema *mesh = usd_schema_find("Mesh");
    assert_int_equal(usd_schema_kind(mesh), USD_SCHEMA_CONCRETE);
    assert_string_equal(usd_schema_name(usd_schema_base(mesh)), "PointBased");
    assert_true(usd_schema_is_a(mesh, "Imageable") && usd_schema_is_a(mesh, "Mesh") && !usd_schema_is_a(mesh, "Curves"));
    assert_int_equal(usd_schema_kind(usd_schema_find("Gprim")), USD_SCHEMA_ABSTRACT);
    assert_int_equal(usd_schema_kind(usd_schema_find("LightAPI")), USD_SCHEMA_API);
    assert_int_equal(usd_schema_kind(usd_schema_find("CollectionAPI")), USD_SCHEMA_API_MULTIPLE);
    assert_int_equal(usd_schema_kind(usd_schema_find("ModelAPI")), USD_SCHEMA_API_PLAIN);
    assert_true(usd_schema_is_a(usd_schema_find("OpenVDBAsset"), "FieldBase"));
}

static void properties_come_with_type_variability_and_allowed_tokens(void **state)
{
    struct usd_built_in b;
    struct usd_value v;
    assert_true(usd_definition_find(of("Mesh"), "points", &b));
    assert_string_equal(b.type_name, "point3f[]");
    assert_true(b.is_array && b.type == USD_TYPE_FLOAT3 && !b.is_uniform && !b.has_fallback);
    assert_true(usd_definition_find(of("Mesh"), "subdivisionScheme", &b) && b.is_uniform && b.has_fallback);
    assert_true(usd_definition_find(of("Mesh"), "proxyPrim", &b) && b.is_relationship);
    assert_false(usd_definition_find(of("Mesh"), "widths", &b));
    assert_true(usd_definition_metadata(of("Mesh"), "subdivisionScheme", "allowedTokens", &v));
    assert_int_equal(v.count, 4);
    assert_string_equal(((const char *const *)v.data)[1], "loop");
    usd_value_finish(&v);
    assert_false(usd_definition_metadata(of("Mesh"), "points", "allowedTokens", &v));
    usd_value_finish(&v);
    assert_true(usd_schema_fallback("Plane", "doubleSided", &v) && *(const uint8_t *)v.data == 1); // over Gprim's false
    usd_value_finish(&v);
    assert_true(usd_schema_fallback("Cube", "doubleSided", &v) && *(const uint8_t *)v.data == 0);
    usd_value_finish(&v);
    assert_false(usd_schema_fallback("RectLight", "extent", &v)); // it depends on width and height
    usd_value_finish(&v);
}

static double fallback(const usd_definition *d, const char *name)
{
    struct usd_value v;
    double x = NAN;
    if (usd_definition_fallback(d, name, &v))
        usd_value_doubles(&v, 0, &x, 1);
    usd_value_finish(&v);
    return x;
}

static void lights_have_their_apis_built_in(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef SphereLight \"l\" {}\ndef DistantLight \"d\" {}\ndef Mesh \"m\" ( prepend apiSchemas = [\"MeshLightAPI\"] ) {}\ndef Mesh \"plain\" {}\n");
    const usd_prim *l = prim(s, "/l"), *m = prim(s, "/m");
    assert_true(usd_prim_has_api(l, "LightAPI") && usd_prim_has_api(l, "CollectionAPI") && usd_prim_has_api(l, "CollectionAPI:lightLink"));
    assert_true(!usd_prim_has_api(l, "ShapingAPI") && !usd_prim_has_api(l, "CollectionAPI:other") && !usd_prim_has_api(l, "Light"));
    assert_true(fallback(usd_prim_definition(l), "collection:lightLink:includeRoot") == 1); // LightAPI's over CollectionAPI's
    assert_true(fallback(usd_prim_definition(l), "inputs:intensity") == 1);
    assert_true(fallback(usd_prim_definition(prim(s, "/d")), "inputs:intensity") == 50000); // the type's over LightAPI's
    assert_true(usd_prim_has_api(m, "MeshLightAPI") && usd_prim_has_api(m, "LightAPI") && usd_prim_has_api(m, "CollectionAPI:shadowLink"));
    struct usd_value v;
    assert_true(usd_definition_fallback(usd_prim_definition(m), "light:shaderId", &v));
    assert_string_equal(*(const char *const *)v.data, "MeshLight");
    usd_value_finish(&v);
    assert_false(usd_prim_has_api(prim(s, "/plain"), "LightAPI"));
    assert_int_equal(usd_prim_api_schema_count(l), 0); // nothing is authored
    const char *const expected[] = { "LightAPI", "CollectionAPI:lightLink", "CollectionAPI:shadowLink" };
    assert_int_equal(usd_definition_api_count(usd_prim_definition(l)), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(usd_definition_api(usd_prim_definition(l), i), expected[i]);
    usd_stage_close(&s);
}

static void multiple_apply_schemas_name_properties_by_instance(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\ndef \"p\" ( prepend apiSchemas = [\"CollectionAPI:a\", \"CollectionAPI:b:c\", \"PhysicsDriveAPI:linear\", \"CollectionAPI\", \"ShadowAPI:x\", \"Unknown:y\"] ) {\n"
        " custom token collection:a:expansionRule = \"explicitOnly\"\n bool collection:zz:includeRoot = 1\n}\n");
    const usd_definition *d = usd_prim_definition(prim(s, "/p"));
    struct usd_built_in b;
    assert_true(usd_definition_find(d, "collection:a:includes", &b) && b.is_relationship);
    assert_true(usd_definition_find(d, "collection:b:c:membershipExpression", &b));
    assert_string_equal(b.type_name, "pathExpression");
    assert_true(usd_definition_find(d, "drive:linear:physics:type", &b) && b.is_uniform);
    assert_true(isinf(fallback(d, "drive:linear:physics:maxForce")));
    assert_false(usd_definition_find(d, "collection:zz:includeRoot", &b));
    assert_false(usd_definition_find(d, "collection:__INSTANCE_NAME__:includes", &b)); // an instance name is missing
    assert_false(usd_definition_find(d, "inputs:shadow:enable", &b)); // ShadowAPI has no instances
    assert_int_equal(usd_definition_api_count(d), 3);
    assert_true(usd_prim_has_api(prim(s, "/p"), "Unknown")); // listed, if not known
    const usd_property *q = usd_stage_find_property(s, "/p.collection:a:expansionRule");
    assert_true(usd_property_is_uniform(q) && !usd_property_is_custom(q));
    assert_false(usd_property_is_uniform(usd_stage_find_property(s, "/p.collection:zz:includeRoot")));
    usd_stage_close(&s);
}

// UsdAttribute::GetTypeName, GetVariability and IsCustom ask the definition before any layer.
static void built_in_properties_are_what_the_schema_says(void **state)
{
    usd_stage *s = open_text(
        "#usda 1.0\n(\n subLayers = []\n)\n"
        "def Mesh \"m\" ( prepend apiSchemas = [\"MaterialBindingAPI\", \"SkelBindingAPI\"] ) {\n"
        " custom int[] faceVertexCounts = [3]\n float3[] points = [(0, 0, 0)]\n token purpose = \"proxy\"\n custom rel proxyPrim\n"
        " custom float mine = 1\n token primvars:skel:skinningMethod = \"dualQuaternion\"\n normal3f normals = (0, 0, 1)\n}\n"
        "over Mesh \"o\" { token purpose = \"proxy\"\n }\ndef \"untyped\" { token purpose = \"proxy\"\n }\n");
    const usd_prim *m = prim(s, "/m");
    assert_false(usd_property_is_custom(usd_prim_find_property(m, "faceVertexCounts")));
    assert_string_equal(usd_property_type_name(usd_prim_find_property(m, "points")), "point3f[]");
    assert_string_equal(usd_property_declared_type(usd_prim_find_property(m, "points")), "float3[]");
    assert_true(usd_property_is_uniform(usd_prim_find_property(m, "purpose")));
    assert_false(usd_property_is_custom(usd_prim_find_property(m, "proxyPrim")));
    assert_true(usd_property_is_custom(usd_prim_find_property(m, "mine")));
    assert_true(usd_property_is_uniform(usd_prim_find_property(m, "primvars:skel:skinningMethod")));
    assert_string_equal(usd_property_type_name(usd_prim_find_property(m, "normals")), "normal3f[]"); // and the value stays one
    struct usd_value v;
    assert_true(usd_attr_get(usd_prim_find_property(m, "normals"), NAN, &v) && !v.is_array);
    usd_value_finish(&v);
    assert_true(usd_property_is_uniform(usd_stage_find_property(s, "/o.purpose")));
    assert_false(usd_property_is_uniform(usd_stage_find_property(s, "/untyped.purpose")));
    usd_stage_close(&s);
}

static void fallbacks_of_applied_schemas_are_found(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef SphereLight \"a\" ( prepend apiSchemas = [\"ShapingAPI\"] ) {}\ndef SphereLight \"b\" {}\ndef \"c\" ( apiSchemas = [\"GeomModelAPI\"] ) {}\n");
    double d;
    const char *t;
    assert_true(usd_prim_get_double(prim(s, "/a"), "inputs:shaping:cone:angle", NAN, &d) && d == 90);
    assert_false(usd_prim_get_double(prim(s, "/b"), "inputs:shaping:cone:angle", NAN, &d));
    assert_true(usd_prim_get_token(prim(s, "/c"), "model:cardGeometry", NAN, &t));
    assert_string_equal(t, "cross");
    usd_stage_close(&s);
}

static void api_schemas_of_weaker_layers_count(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "a.usda", "#usda 1.0\n( defaultPrim = \"m\" )\ndef Mesh \"m\" ( prepend apiSchemas = [\"MotionAPI\", \"GeomModelAPI\"] ) {}\n");
    usd_stage *s = open_file(write_file(&f, "b.usda", "#usda 1.0\ndef \"r\" ( references = @a.usda@\n delete apiSchemas = [\"GeomModelAPI\"] ) { float motion:blurScale = 0.5\n }\n"));
    assert_true(usd_prim_has_api(prim(s, "/r"), "MotionAPI") && !usd_prim_has_api(prim(s, "/r"), "GeomModelAPI"));
    double d;
    assert_true(usd_prim_get_double(prim(s, "/r"), "motion:blurScale", NAN, &d) && d == 0.5);
    assert_true(usd_prim_get_double(prim(s, "/r"), "motion:velocityScale", NAN, &d) && d == 1);
    usd_stage_close(&s);
    remove_folder(&f);
}

static void unknown_types_have_fallbacks(void **state)
{
    usd_stage *s = open_text("#usda 1.0\n(\n fallbackPrimTypes = {\n  token[] RoundThing = [\"Newer\", \"Sphere\"]\n }\n)\ndef RoundThing \"a\" { token purpose = \"guide\"\n }\ndef SquareThing \"b\" {}\n");
    double d;
    assert_true(usd_prim_is_a(prim(s, "/a"), "Sphere") && usd_prim_is_a(prim(s, "/a"), "Gprim") && usd_prim_is_a(prim(s, "/a"), "RoundThing"));
    assert_string_equal(usd_prim_type_name(prim(s, "/a")), "RoundThing");
    assert_true(usd_property_is_uniform(usd_stage_find_property(s, "/a.purpose")));
    assert_true(usd_prim_get_double(prim(s, "/a"), "radius", NAN, &d) && d == 1);
    assert_false(usd_prim_is_a(prim(s, "/b"), "Gprim"));
    usd_stage_close(&s);
}

static void definitions_follow_edits(void **state)
{
    usd_stage *s = open_text("#usda 1.0\ndef Xform \"a\" { bool x = 1\n token model:drawMode = \"cards\"\n }\n");
    const char *t, *apis[] = { "GeomModelAPI" };
    struct usd_error err;
    assert_false(usd_prim_get_token(prim(s, "/a"), "model:cardGeometry", NAN, &t));
    assert_false(usd_property_is_uniform(usd_stage_find_property(s, "/a.model:drawMode")));
    assert_int_equal(usd_session_set_list(s, "/a", "apiSchemas", USD_LIST_PREPEND, apis, 1, &err), USD_OK);
    assert_int_equal(usd_stage_commit(s, NULL, NULL, &err), USD_OK);
    assert_true(usd_prim_has_api(prim(s, "/a"), "GeomModelAPI"));
    assert_true(usd_prim_get_token(prim(s, "/a"), "model:cardGeometry", NAN, &t));
    assert_string_equal(t, "cross");
    assert_true(usd_property_is_uniform(usd_stage_find_property(s, "/a.model:drawMode")));
    assert_int_equal(usd_session_define(s, "/a", "Sphere", &err), USD_OK);
    assert_int_equal(usd_stage_commit(s, NULL, NULL, &err), USD_OK);
    double r;
    assert_true(usd_prim_get_double(prim(s, "/a"), "radius", NAN, &r) && r == 1);
    usd_stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_schema_has_its_base_and_a_readable_row), cmocka_unit_test(types_derive),
        cmocka_unit_test(properties_come_with_type_variability_and_allowed_tokens), cmocka_unit_test(lights_have_their_apis_built_in),
        cmocka_unit_test(multiple_apply_schemas_name_properties_by_instance), cmocka_unit_test(built_in_properties_are_what_the_schema_says),
        cmocka_unit_test(fallbacks_of_applied_schemas_are_found), cmocka_unit_test(api_schemas_of_weaker_layers_count),
        cmocka_unit_test(unknown_types_have_fallbacks), cmocka_unit_test(definitions_follow_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
