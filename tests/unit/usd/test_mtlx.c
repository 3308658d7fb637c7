// MaterialX documents as layers, laid out as usdMtlx does.
#include "usd_test.h"

static usd_stage *open_mtlx(const char *body)
{
    char *text = malloc(strlen(body) + 200);
    sprintf(text, "<?xml version=\"1.0\"?>\n<materialx version=\"1.38\" colorspace=\"lin_rec709\">\n%s\n</materialx>\n", body);
    usd_stage *s = open_text(text);
    free(text);
    return s;
}

static const char *connection(const usd_stage *s, const char *path)
{
    const char *c = usd_attr_connection(usd_stage_find_property(s, path), 0);
    return c ? c : "(none)";
}

static bool warns(const usd_stage *s, const char *words)
{
    for (size_t i = 0; i < usd_stage_diagnostic_count(s); i++)
        if (strstr(usd_stage_diagnostic(s, i)->message, words))
            return true;
    return false;
}

#define MATERIAL(name, shader) \
    "<surfacematerial name=\"" name "\" type=\"material\"><input name=\"surfaceshader\" type=\"surfaceshader\" nodename=\"" shader "\"/></surfacematerial>"

static void a_material_has_every_input_of_its_shader(void **state)
{
    usd_stage *s = open_mtlx("<standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" value=\"0.5\"/></standard_surface>" MATERIAL("M", "SR"));
    assert_string_equal(children(prim(s, "/MaterialX")), "Materials Shaders ");
    assert_true(number(s, "/MaterialX/Materials/M.inputs:base", NAN) == 0.5);
    const usd_property *q = usd_stage_find_property(s, "/MaterialX/Materials/M.inputs:coat_normal");
    assert_string_equal(usd_property_type_name(q), "float3");
    assert_false(usd_attr_has_value(q));
    assert_string_equal(connection(s, "/MaterialX/Materials/M/SR.inputs:coat_normal"), "/MaterialX/Materials/M.inputs:coat_normal");
    assert_string_equal(connection(s, "/MaterialX/Materials/M.outputs:mtlx:surface"), "/MaterialX/Materials/M/SR.outputs:surface");
    assert_string_equal(token(s, "/MaterialX/Materials/M/SR.info:id"), "ND_standard_surface_surfaceshader");
    assert_string_equal(token(s, "/MaterialX/Shaders/SR.info:id"), "ND_standard_surface_surfaceshader");
    assert_true(usd_prim_has_api(prim(s, "/MaterialX/Materials/M"), "MaterialXConfigAPI"));
    assert_string_equal(token(s, "/MaterialX/Materials/M.config:mtlx:version"), "1.39"); // what it is after the upgrade
    assert_int_equal(usd_stage_diagnostic_count(s), 0);
    usd_stage_close(&s);
}

static void graphs_are_referenced_where_they_are_used(void **state)
{
    usd_stage *s = open_mtlx(
        "<nodegraph name=\"NG\"><input name=\"tint\" type=\"color3\" value=\"1, 0, 0\" uiname=\"Tint\"/>"
        "<multiply name=\"m\" type=\"color3\"><input name=\"in1\" type=\"color3\" interfacename=\"tint\"/><input name=\"in2\" type=\"float\" value=\"2\"/></multiply>"
        "<separate3 name=\"sep\" type=\"multioutput\"><input name=\"in\" type=\"color3\" nodename=\"m\"/></separate3>"
        "<output name=\"c\" type=\"color3\" nodename=\"m\"/><output name=\"r\" type=\"float\" nodename=\"sep\" output=\"outr\"/></nodegraph>"
        "<nodegraph name=\"unused\"><output name=\"o\" type=\"float\"/></nodegraph>"
        "<standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base_color\" type=\"color3\" nodegraph=\"NG\" output=\"c\"/>"
        "<input name=\"base\" type=\"float\" nodegraph=\"NG\" output=\"r\"/></standard_surface>" MATERIAL("M", "SR"));
    assert_string_equal(children(prim(s, "/MaterialX/NodeGraphs")), "NG ");
    assert_string_equal(children(prim(s, "/MaterialX/Materials/M")), "SR NG ");
    assert_string_equal(usd_prim_type_name(prim(s, "/MaterialX/Materials/M/NG")), "NodeGraph");
    assert_string_equal(connection(s, "/MaterialX/Materials/M/SR.inputs:base_color"), "/MaterialX/Materials/M/NG.outputs:c");
    assert_string_equal(connection(s, "/MaterialX/Materials/M/NG.outputs:r"), "/MaterialX/Materials/M/NG/sep.outputs:outr");
    assert_string_equal(connection(s, "/MaterialX/Materials/M/NG/m.inputs:in1"), "/MaterialX/Materials/M/NG.inputs:tint");
    assert_string_equal(token(s, "/MaterialX/Materials/M/NG/m.info:id"), "ND_multiply_color3FA");
    assert_string_equal(token(s, "/MaterialX/Materials/M/NG/sep.info:id"), "ND_separate3_color3");
    assert_non_null(usd_stage_find_property(s, "/MaterialX/Materials/M/NG/sep.outputs:outb"));
    assert_string_equal(usd_property_type_name(usd_stage_find_property(s, "/MaterialX/Materials/M.inputs:base_color")), "color3f");
    assert_int_equal(usd_stage_diagnostic_count(s), 0);
    usd_stage_close(&s);
}

static void nodes_at_the_top_make_an_implicit_graph(void **state)
{
    usd_stage *s = open_mtlx("<constant name=\"c\" type=\"color3\"><input name=\"value\" type=\"color3\" value=\"0.1,0.2,0.3\"/></constant>"
                             "<standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base_color\" type=\"color3\" nodename=\"c\"/></standard_surface>" MATERIAL("M", "SR"));
    assert_string_equal(connection(s, "/MaterialX/Materials/M/SR.inputs:base_color"), "/MaterialX/Materials/M/NodeGraphs/c.outputs:out");
    assert_string_equal(token(s, "/MaterialX/Materials/M/NodeGraphs/c.info:id"), "ND_constant_color3");
    usd_stage_close(&s);
}

static void all_nodes_of_a_graph_are_there_in_order(void **state)
{
    usd_stage *s = open_mtlx("<nodedef name=\"ND_paint\" node=\"paint\"><input name=\"tint\" type=\"color3\" value=\"1,1,0\"/><output name=\"out\" type=\"surfaceshader\"/></nodedef>"
                             "<nodegraph name=\"NG_paint\" nodedef=\"ND_paint\">"
                             "<UsdPreviewSurface name=\"coat\" type=\"surfaceshader\"><input name=\"diffuseColor\" type=\"color3\" nodename=\"double\"/><input name=\"metallic\" type=\"float\" value=\"1\"/></UsdPreviewSurface>"
                             "<surface_unlit name=\"unused\" type=\"surfaceshader\"/>"
                             "<multiply name=\"double\" type=\"color3\"><input name=\"in1\" type=\"color3\" interfacename=\"tint\"/><input name=\"in2\" type=\"float\" value=\"2\"/></multiply>"
                             "<output name=\"out\" type=\"surfaceshader\" nodename=\"coat\"/></nodegraph>");
    assert_string_equal(children(prim(s, "/MaterialX/NodeGraphs/ND_paint")), "coat unused double ");
    assert_string_equal(token(s, "/MaterialX/NodeGraphs/ND_paint/coat.info:id"), "ND_UsdPreviewSurface_surfaceshader");
    assert_string_equal(token(s, "/MaterialX/NodeGraphs/ND_paint/unused.info:id"), "ND_surface_unlit");
    assert_string_equal(connection(s, "/MaterialX/NodeGraphs/ND_paint.outputs:out"), "/MaterialX/NodeGraphs/ND_paint/coat.outputs:out");
    assert_string_equal(connection(s, "/MaterialX/NodeGraphs/ND_paint/coat.inputs:diffuseColor"), "/MaterialX/NodeGraphs/ND_paint/double.outputs:out");
    assert_true(number(s, "/MaterialX/NodeGraphs/ND_paint/coat.inputs:metallic", NAN) == 1);
    const usd_property *out = usd_stage_find_property(s, "/MaterialX/NodeGraphs/ND_paint/coat.outputs:out");
    assert_string_equal(usd_property_type_name(out), "token");
    usd_stage_close(&s);
}

static void definitions_of_the_document_are_node_graphs(void **state)
{
    usd_stage *s = open_mtlx(
        "<nodedef name=\"ND_twice_float\" node=\"twice\"><input name=\"in\" type=\"float\" value=\"1\"/><output name=\"result\" type=\"float\"/></nodedef>"
        "<nodegraph name=\"NG_twice\" nodedef=\"ND_twice_float\"><add name=\"a\" type=\"float\"><input name=\"in1\" type=\"float\" interfacename=\"in\"/>"
        "<input name=\"in2\" type=\"float\" interfacename=\"in\"/></add><output name=\"result\" type=\"float\" nodename=\"a\"/></nodegraph>"
        "<nodegraph name=\"NG\"><twice name=\"t\" type=\"float\"><input name=\"in\" type=\"float\" value=\"3\"/></twice><output name=\"o\" type=\"float\" nodename=\"t\"/></nodegraph>"
        "<standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" nodegraph=\"NG\" output=\"o\"/></standard_surface>" MATERIAL("M", "SR"));
    assert_string_equal(children(prim(s, "/MaterialX/NodeGraphs")), "ND_twice_float NG ");
    assert_string_equal(connection(s, "/MaterialX/NodeGraphs/ND_twice_float/a.inputs:in1"), "/MaterialX/NodeGraphs/ND_twice_float.inputs:in");
    // A node keeps its own prim, which says where its graph is.
    assert_string_equal(connection(s, "/MaterialX/NodeGraphs/NG.outputs:o"), "/MaterialX/NodeGraphs/NG/t.outputs:result");
    assert_true(number(s, "/MaterialX/NodeGraphs/NG/t.inputs:in", NAN) == 3);
    assert_string_equal(token(s, "/MaterialX/NodeGraphs/NG/t.info:id"), "ND_twice_float");
    assert_string_equal(token(s, "/MaterialX/NodeGraphs/NG/t.info:implementationSource"), "sourceAsset");
    assert_string_equal(token(s, "/MaterialX/NodeGraphs/NG/t.info:mtlx:sourceAsset:subIdentifier"), "ND_twice_float");
    usd_stage_close(&s);
}

static void definitions_are_chosen_by_version_and_inputs(void **state)
{
#define DEF(name, more, input) "<nodedef name=\"" name "\" node=\"paint\" " more "><input name=\"tint\" type=\"" input "\"/><output name=\"out\" type=\"surfaceshader\"/></nodedef>"
#define PAINT(name, more) "<paint name=\"" name "\" type=\"surfaceshader\" " more "/>" MATERIAL("M" name, name)
    usd_stage *s = open_mtlx(DEF("ND_1", "version=\"1.0\"", "color3") DEF("ND_2", "version=\"2\" isdefaultversion=\"true\"", "color3") DEF("ND_21", "version=\"2.1\"", "color3")
                             DEF("ND_21f", "version=\"2.1\"", "float") PAINT("plain", "") PAINT("v1", "version=\"1\"") PAINT("v2", "version=\"2.0\"") PAINT("v21", "version=\"2.1\"")
                             PAINT("named", "nodedef=\"ND_1\"")
                             "<paint name=\"f\" type=\"surfaceshader\" version=\"2.1\"><input name=\"tint\" type=\"float\" value=\"1\"/></paint>" MATERIAL("Mf", "f"));
    static const char *const rows[][2] = { { "plain", "ND_2" }, { "v1", "ND_1" }, { "v2", "ND_2" }, { "v21", "ND_21" }, { "named", "ND_1" }, { "f", "ND_21f" } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[100];
        snprintf(path, sizeof(path), "/MaterialX/Shaders/%s.info:id", rows[i][0]);
        assert_string_equal(token(s, path), rows[i][1]);
    }
    usd_stage_close(&s);
    // Without marks the one that says no version is the default.
    s = open_mtlx(DEF("ND_1", "version=\"1.0\"", "color3") DEF("ND_0", "", "color3") PAINT("plain", ""));
    assert_string_equal(token(s, "/MaterialX/Shaders/plain.info:id"), "ND_0");
    usd_stage_close(&s);
}

// The file is that of the definition, seen from the layer; for shaders the material's child says so.
static void nodes_name_the_file_that_defines_them(void **state)
{
    struct folder f = make_folder();
    char sub[128];
    snprintf(sub, sizeof(sub), "%s/lib", f.path);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_file(&f, "lib/defs.mtlx", "<materialx version=\"1.39\"><nodedef name=\"ND_paint\" node=\"paint\"><input name=\"tint\" type=\"color3\"/><output name=\"out\" type=\"surfaceshader\"/></nodedef>"
                                    "<nodegraph name=\"NG_paint\" nodedef=\"ND_paint\"><surface_unlit name=\"u\" type=\"surfaceshader\"/><output name=\"out\" type=\"surfaceshader\" nodename=\"u\"/></nodegraph></materialx>");
    usd_stage *s = open_file(write_file(&f, "m.mtlx",
                                        "<materialx version=\"1.39\"><xi:include href=\"lib/defs.mtlx\"/>"
                                        "<nodedef name=\"ND_one\" node=\"one\"><output name=\"out\" type=\"float\"/></nodedef>"
                                        "<nodegraph name=\"NG_one\" nodedef=\"ND_one\"><constant name=\"c\" type=\"float\"/><output name=\"out\" type=\"float\" nodename=\"c\"/></nodegraph>"
                                        "<one name=\"o\" type=\"float\"/><paint name=\"p\" type=\"surfaceshader\"/><standard_surface name=\"q\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" nodename=\"o\"/>"
                                        "</standard_surface>" MATERIAL("P", "p") MATERIAL("Q", "q") "</materialx>"));
    struct usd_asset a;
    assert_true(usd_prim_get_asset(prim(s, "/MaterialX/Materials/P/p"), "info:mtlx:sourceAsset", NAN, &a));
    assert_string_equal(a.authored, "lib/defs.mtlx");
    assert_true(a.resolved[0]);
    assert_null(usd_stage_find_property(s, "/MaterialX/Shaders/p.info:mtlx:sourceAsset"));
    assert_string_equal(connection(s, "/MaterialX/Materials/P/p.inputs:tint"), "/MaterialX/Materials/P.inputs:tint");
    assert_string_equal(connection(s, "/MaterialX/Materials/Q/q.inputs:base"), "/MaterialX/Materials/Q/NodeGraphs/o.outputs:out");
    assert_true(usd_prim_get_asset(prim(s, "/MaterialX/Materials/Q/NodeGraphs/o"), "info:mtlx:sourceAsset", NAN, &a));
    assert_string_equal(a.authored, "m.mtlx");
    usd_stage_close(&s);
    remove_folder(&f);
}

static void values_of_every_type(void **state)
{
    usd_stage *s = open_mtlx(
        "<nodegraph name=\"NG\" colorspace=\"srgb_texture\" fileprefix=\"tex/\"><token name=\"Res\" type=\"string\" value=\"2k\"/>"
        "<foo name=\"n\" type=\"color3\"><input name=\"b\" type=\"boolean\" value=\"true\"/><input name=\"i\" type=\"integer\" value=\"-7\"/><input name=\"s\" type=\"string\" value=\"a &quot;b&quot;\"/>"
        "<input name=\"v\" type=\"vector2\" value=\"1 2\"/><input name=\"m\" type=\"matrix33\" value=\"1,2,3,4,5,6,7,8,9\"/><input name=\"a\" type=\"floatarray\" value=\"1, 2, 3\"/>"
        "<input name=\"c\" type=\"color3\" value=\"1,1,1\"/><input name=\"f\" type=\"filename\" value=\"wood_[Res].png\"/><input name=\"sa\" type=\"stringarray\" value=\"x, y\"/>"
        "<input name=\"bad\" type=\"vector3\" value=\"1, 2\"/><input name=\"x\" type=\"BSDF\"/></foo><output name=\"o\" type=\"color3\" nodename=\"n\"/></nodegraph>"
        "<standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base_color\" type=\"color3\" nodegraph=\"NG\" output=\"o\"/></standard_surface>" MATERIAL("M", "SR"));
    const usd_prim *n = prim(s, "/MaterialX/NodeGraphs/NG/n");
    struct usd_value v;
    bool b;
    int i;
    const char *t;
    struct usd_asset a;
    float f[2];
    double m[9];
    assert_true(usd_prim_get_bool(n, "inputs:b", NAN, &b) && b && usd_prim_get_int(n, "inputs:i", NAN, &i) && i == -7);
    assert_true(usd_prim_get_token(n, "inputs:s", NAN, &t));
    assert_string_equal(t, "a \"b\"");
    assert_true(usd_prim_get_vec2f(n, "inputs:v", NAN, f) && f[1] == 2);
    assert_true(usd_prim_get(n, "inputs:m", NAN, &v) && usd_value_doubles(&v, 0, m, 9) && m[5] == 6);
    usd_value_finish(&v);
    assert_true(usd_prim_get(n, "inputs:a", NAN, &v) && v.is_array && v.count == 3);
    usd_value_finish(&v);
    assert_true(usd_prim_get(n, "inputs:sa", NAN, &v) && v.count == 2);
    assert_string_equal(((const char *const *)v.data)[1], "y");
    usd_value_finish(&v);
    assert_true(usd_prim_get_asset(n, "inputs:f", NAN, &a));
    assert_string_equal(a.authored, "tex/wood_2k.png");
    assert_false(usd_attr_has_value(usd_prim_find_property(n, "inputs:bad")));
    assert_true(usd_property_metadata(usd_prim_find_property(n, "inputs:c"), "colorSpace", &v));
    usd_value_finish(&v);
    assert_true(usd_property_metadata(usd_prim_find_property(n, "inputs:f"), "colorSpace", &v));
    usd_value_finish(&v);
    assert_false(usd_property_metadata(usd_prim_find_property(n, "inputs:v"), "colorSpace", &v));
    usd_value_finish(&v);
    assert_true(usd_property_metadata(usd_prim_find_property(n, "inputs:x"), "renderType", &v));
    usd_value_finish(&v);
    usd_stage_close(&s);
}

static void looks_bind_materials_to_collections(void **state)
{
    usd_stage *s = open_mtlx(
        "<standard_surface name=\"SR\" type=\"surfaceshader\"/>" MATERIAL("Red", "SR") MATERIAL("Blue", "SR")
        "<collection name=\"wheels\" includegeom=\"/car/wheels\" excludegeom=\"/car/wheels/spare\"/>"
        "<variantset name=\"wear\"><variant name=\"old\"><input name=\"base\" type=\"float\" value=\"0.25\"/></variant></variantset>"
        "<look name=\"day\"><materialassign name=\"w\" material=\"Red\" collection=\"wheels\"/><materialassign name=\"g\" material=\"Blue\" geom=\"/car/glass\"/></look>"
        "<look name=\"night\" inherit=\"day\"><materialassign name=\"w\" material=\"Blue\"><variantassign name=\"va\" variantset=\"wear\" variant=\"old\"/></materialassign></look>");
    const usd_prim *root = prim(s, "/ModelRoot");
    assert_string_equal(usd_prim_variant_set(root, 0), "LookVariant");
    assert_int_equal(usd_prim_variant_count(root, 0), 2);
    const usd_property *rel = usd_stage_find_property(s, "/MaterialX/Looks/day.material:binding:collection:w");
    assert_string_equal(usd_rel_target(rel, 0), "/MaterialX/Looks/day.collection:wheels");
    assert_string_equal(usd_rel_target(rel, 1), "/MaterialX/Looks/day/Materials/w");
    assert_string_equal(usd_prim_type_name(prim(s, "/MaterialX/Looks/day/Materials/w")), "Material");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/MaterialX/Looks/day.collection:wheels:includes"), 0), "/MaterialX/Looks/day/car/wheels");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/MaterialX/Looks/day.collection:geom_1:includes"), 0), "/MaterialX/Looks/day/car/glass");
    assert_string_equal(usd_rel_target(usd_stage_find_property(s, "/MaterialX/Looks/night.material:binding"), 0), "/MaterialX/Looks/night/Materials/w_1");
    assert_true(number(s, "/MaterialX/Looks/night/Materials/w_1.inputs:base", NAN) == 0.25);
    assert_non_null(usd_stage_find_property(s, "/MaterialX/Looks/night.material:binding:collection:w"));
    usd_stage_close(&s);
}

static void documents_are_included(void **state)
{
    struct folder f = make_folder();
    write_file(&f, "lib.mtlx", "<materialx version=\"1.38\" fileprefix=\"maps/\"><nodegraph name=\"NG\"><image name=\"i\" type=\"color3\"><input name=\"file\" type=\"filename\" value=\"a.png\"/></image>"
                               "<output name=\"o\" type=\"color3\" nodename=\"i\"/></nodegraph></materialx>");
    usd_stage *s = open_file(write_file(&f, "m.mtlx",
                                        "<materialx version=\"1.38\" xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"./lib.mtlx\"/><xi:include href=\"none.mtlx\"/><xi:include href=\"m.mtlx\"/>"
                                        "<standard_surface name=\"SR\" type=\"surfaceshader\"><input name=\"base_color\" type=\"color3\" nodegraph=\"NG\" output=\"o\"/></standard_surface>" MATERIAL("M", "SR") "</materialx>"));
    struct usd_asset a;
    assert_true(usd_prim_get_asset(prim(s, "/MaterialX/Materials/M/NG/i"), "inputs:file", NAN, &a));
    assert_string_equal(a.authored, "maps/a.png");
    assert_true(warns(s, "none.mtlx") && warns(s, "includes itself"));
    usd_stage_close(&s);
    remove_folder(&f);
}

struct written {
    char text[20000];
    size_t size;
};
static bool collect(void *user, const char *text, size_t size)
{
    struct written *w = user;
    assert_true(w->size + size < sizeof(w->text));
    memcpy(w->text + w->size, text, size);
    w->text[w->size += size] = 0;
    return true;
}

static bool within_the_folder(const char *path, void *user) { return !strncmp(path, user, strlen(user)); }

static bool write_document(const char *body, struct written *w)
{
    struct folder f = make_folder();
    char text[4000];
    snprintf(text, sizeof(text), "<materialx version=\"1.39\">%s</materialx>", body);
    w->size = 0;
    bool ok = usd_layer_write(write_file(&f, "m.mtlx", text), NULL, collect, w, NULL) == USD_OK;
    remove_folder(&f);
    return ok;
}

static void collections_and_looks_are_laid_out_as_openusd_does(void **state)
{
    struct written w;
    assert_true(write_document("<surface_unlit name=\"u\" type=\"surfaceshader\"/>" MATERIAL("M", "u")
                                  "<collection name=\"c\" includegeom=\"/a, /b\" excludegeom=\"/a/x\" doc=\"parts\"/>"
                                  "<look name=\"direct\"><materialassign name=\"all\" material=\"M\"/></look>"
                                  "<look name=\"base\"><materialassign name=\"some\" material=\"M\" collection=\"c\"/></look>"
                                  "<look name=\"more\" inherit=\"base\"><materialassign name=\"other\" material=\"M\" geom=\"/c\"/></look>", &w));
    assert_non_null(strstr(w.text, "prepend rel collection:c:includes = ["));
    assert_non_null(strstr(w.text, "prepend rel collection:c:excludes = </MaterialX/Collections/a/x>"));
    assert_non_null(strstr(w.text, "prepend rel collection:geom_1:includes = "));
    const char *doc = strstr(w.text, "rel collection:c:includes (\n            doc = \"parts\"");
    assert_non_null(doc);
    const char *direct = strstr(w.text, "def \"direct\""), *base = strstr(w.text, "def \"base\""), *more = strstr(w.text, "def \"more\""), *order = strstr(w.text, "reorder properties");
    assert_true(direct && base > direct && more > base && order > base);
    assert_true(strstr(direct, "def \"Materials\"") < base && strstr(base, "def \"Materials\"") < more && strstr(more, "over \"Materials\""));
    assert_null(strstr(more, "def \"Materials\""));
}

// One layer on its own, named by a path that starts where the process stands.
static void a_layer_has_what_it_includes(void **state)
{
    struct folder f = make_folder();
    char *before    = getcwd(NULL, 0);
    assert_non_null(before);
    write_file(&f, "defs.mtlx", "<materialx version=\"1.39\"><nodedef name=\"ND_paint\" node=\"paint\"><input name=\"tint\" type=\"color3\"/><output name=\"out\" type=\"surfaceshader\"/></nodedef></materialx>");
    write_file(&f, "m.mtlx", "<materialx version=\"1.39\"><xi:include href=\"defs.mtlx\"/><paint name=\"p\" type=\"surfaceshader\"/>" MATERIAL("M", "p") "</materialx>");
    assert_int_equal(chdir(f.path), 0);
    struct written w = { .size = 0 };
    struct usd_error err;
    struct usd_open_options inside = { .allow_path = within_the_folder, .user = f.path }, elsewhere = { .allow_path = within_the_folder, .user = "/nowhere/" };
    assert_int_equal(usd_layer_write("./m.mtlx", &elsewhere, collect, &w, &err), USD_ERR_REFUSED);
    assert_int_equal(usd_layer_write("./m.mtlx", &inside, collect, &w, &err), USD_OK);
    assert_int_equal(chdir(before), 0);
    assert_non_null(strstr(w.text, "info:id = \"ND_paint\""));
    assert_non_null(strstr(w.text, "color3f inputs:tint"));
    free(before);
    remove_folder(&f);
}

static void what_is_left_out_is_named(void **state)
{
    static const struct {
        const char *body, *words;
    } rows[] = {
        { "<material name=\"old\"><shaderref name=\"s\"/></material>", "before 1.38" },
        { "<geominfo name=\"g\"/>", "geominfo" },
        { "<propertyset name=\"p\"/>", "property sets" },
        { "<nodedef name=\"ND_x\" node=\"x\" type=\"float\"/>", "without a node graph" },
        { "<standard_surface name=\"S\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" valuecurve=\"1,2,3\" valuerange=\"1,2\"/></standard_surface>" MATERIAL("M", "S"), "valuecurve" },
        { MATERIAL("M", "nobody"), "does not exist" },
        { "<standard_surface name=\"S\" type=\"surfaceshader\"><input name=\"base_color\" type=\"float\" value=\"1\"/></standard_surface>" MATERIAL("M", "S"), "two types" },
        { "<nodegraph name=\"N\" nodedef=\"D\"><input name=\"a\" type=\"filename\" value=\"x\"/></nodegraph><nodedef name=\"D\" node=\"d\"><input name=\"a\" type=\"float\" value=\"1\"/></nodedef>", "two types" },
        { "<standard_surface name=\"S\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" nodegraph=\"none\" output=\"o\"/></standard_surface>" MATERIAL("M", "S"), "leads nowhere" },
        { MATERIAL("no good", "S"), "no USD identifier" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s = open_mtlx(rows[i].body);
        if (!warns(s, rows[i].words))
            fail_msg("no word about '%s'", rows[i].words);
        usd_stage_close(&s);
    }
    usd_stage *s = open_text("<?xml version=\"1.0\"?>\n<materialx version=\"1.35\"/>");
    assert_true(warns(s, "1.35"));
    usd_stage_close(&s);
}

static void definitions_inherit(void **state)
{
    usd_stage *s = open_mtlx("<nodedef name=\"ND_base\" node=\"base\"><input name=\"tint\" type=\"color3\" value=\"1,0,0\"/><input name=\"gain\" type=\"float\" value=\"1\"/><output name=\"out\" type=\"surfaceshader\"/></nodedef>"
                             "<nodedef name=\"ND_paint\" node=\"paint\" inherit=\"ND_base\"><input name=\"gain\" type=\"float\" value=\"2\"/></nodedef>"
                             "<nodedef name=\"ND_loop\" node=\"loop\" inherit=\"ND_loop\"/><loop name=\"l\" type=\"surfaceshader\"/>"
                             "<nodegraph name=\"NG_paint\" nodedef=\"ND_paint\"><surface_unlit name=\"u\" type=\"surfaceshader\"><input name=\"emission_color\" type=\"color3\" interfacename=\"tint\"/></surface_unlit>"
                             "<output name=\"out\" type=\"surfaceshader\" nodename=\"u\"/></nodegraph>"
                             "<paint name=\"p\" type=\"surfaceshader\"><input name=\"tint\" type=\"color3\" value=\"0,1,0\"/><input name=\"other\" type=\"float\" value=\"3\"/></paint>" MATERIAL("M", "p"));
    assert_string_equal(connection(s, "/MaterialX/Materials/M/p.inputs:tint"), "/MaterialX/Materials/M.inputs:tint");
    assert_string_equal(connection(s, "/MaterialX/NodeGraphs/ND_paint/u.inputs:emission_color"), "/MaterialX/NodeGraphs/ND_paint.inputs:tint");
    assert_true(number(s, "/MaterialX/NodeGraphs/ND_paint.inputs:gain", NAN) == 2);
    // What no definition has keeps its value and reaches the shader.
    assert_true(number(s, "/MaterialX/Materials/M.inputs:other", NAN) == 3);
    assert_string_equal(connection(s, "/MaterialX/Materials/M/p.inputs:other"), "/MaterialX/Materials/M.inputs:other");
    assert_non_null(usd_stage_find_property(s, "/MaterialX/Shaders/p.outputs:surface"));
    usd_stage_close(&s);
}

static void curves_become_samples(void **state)
{
    usd_stage *s = open_mtlx("<standard_surface name=\"S\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" value=\"9\" valuerange=\"-1,1\" valuecurve=\"1, 2,4\"/>"
                             "<input name=\"base_color\" type=\"color3\" valuerange=\"5, 6\" valuecurve=\"1,2,3, 4,5,6\"/><input name=\"coat\" type=\"float\" value=\"1\" valuerange=\"2,1\" valuecurve=\"1,2\"/>"
                             "</standard_surface>" MATERIAL("M", "S"));
    assert_true(number(s, "/MaterialX/Materials/M.inputs:base", NAN) == 9 && number(s, "/MaterialX/Materials/M.inputs:base", -1) == 1);
    assert_true(number(s, "/MaterialX/Materials/M.inputs:base", 0) == 2 && number(s, "/MaterialX/Materials/M.inputs:base", 1) == 4);
    float c[3];
    assert_true(usd_prim_get_vec3f(prim(s, "/MaterialX/Materials/M"), "inputs:base_color", 6, c) && c[0] == 4 && c[2] == 6);
    assert_false(usd_prim_get_vec3f(prim(s, "/MaterialX/Materials/M"), "inputs:base_color", NAN, c));
    assert_true(number(s, "/MaterialX/Materials/M.inputs:coat", 1) == 1 && warns(s, "valuecurve"));
    usd_stage_close(&s);
}

static void swizzles_are_upgraded(void **state)
{
    static const struct {
        const char *from, *to, *channels, *id;
        int index; // -1: none
    } rows[] = {
        { "color3", "float", "b", "ND_extract_color3", 2 },
        { "vector4", "float", "w", "ND_extract_vector4", 3 },
        { "float", "color3", "rrr", "ND_convert_float_color3", -1 },
        { "float", "vector2", "xx", "ND_convert_float_vector2", -1 },
        { "color3", "vector3", "rgb", "ND_convert_color3_vector3", -1 },
        { "color4", "color3", "rgb", "ND_convert_color4_color3", -1 },
        { "color3", "color3", "bgr", "ND_swizzle_color3_color3", -1 }, // needs several nodes
        { "float", "color3", "rr", "ND_swizzle_float_color3", -1 },
        { "color3", "float", "?", "ND_swizzle_color3_float", -1 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[1000];
        snprintf(body, sizeof(body),
                 "<nodegraph name=\"N\" nodedef=\"D\"><swizzle name=\"s\" type=\"%s\"><input name=\"in\" type=\"%s\" interfacename=\"i\"/><input name=\"channels\" type=\"string\" value=\"%s\"/></swizzle>"
                 "</nodegraph><nodedef name=\"D\" node=\"d\"><input name=\"i\" type=\"%s\"/><output name=\"out\" type=\"float\"/></nodedef>",
                 rows[i].to, rows[i].from, rows[i].channels, rows[i].from);
        usd_stage *s = open_mtlx(body);
        int index    = -1;
        assert_string_equal(token(s, "/MaterialX/NodeGraphs/D/s.info:id"), rows[i].id);
        assert_string_equal(connection(s, "/MaterialX/NodeGraphs/D/s.inputs:in"), "/MaterialX/NodeGraphs/D.inputs:i");
        usd_prim_get_int(prim(s, "/MaterialX/NodeGraphs/D/s"), "inputs:index", NAN, &index);
        assert_int_equal(index, rows[i].index);
        bool left = strstr(rows[i].id, "swizzle");
        assert_true(left == warns(s, "not upgraded") && left == (usd_stage_find_property(s, "/MaterialX/NodeGraphs/D/s.inputs:channels") != NULL));
        usd_stage_close(&s);
    }
    // Newer documents stay as they are.
    usd_stage *s = open_text("<?xml version=\"1.0\"?><materialx version=\"1.40\"><nodegraph name=\"N\" nodedef=\"D\"><swizzle name=\"s\" type=\"float\"><input name=\"in\" type=\"color3\"/><input name=\"channels\" type=\"string\" value=\"r\"/>"
                             "</swizzle></nodegraph><nodedef name=\"D\" node=\"d\"><output name=\"out\" type=\"float\"/></nodedef><standard_surface name=\"S\" type=\"surfaceshader\"/>" MATERIAL("M", "S") "</materialx>");
    assert_string_equal(token(s, "/MaterialX/NodeGraphs/D/s.info:id"), "ND_swizzle_color3_float");
    assert_string_equal(token(s, "/MaterialX/Materials/M.config:mtlx:version"), "1.40");
    usd_stage_close(&s);
}

static void other_xml_is_an_empty_layer(void **state)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = { { "<html><look name=\"l\"/></html>", USD_OK }, { "<html><look></html>", USD_ERR_SYNTAX }, { "", USD_ERR_SYNTAX }, { "plain text", USD_ERR_SYNTAX } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        usd_stage *s = NULL;
        assert_int_equal(usd_stage_open_string(rows[i].text, strlen(rows[i].text), "other.mtlx", NULL, NULL, &s, NULL), rows[i].status);
        if (!s)
            continue;
        assert_true(warns(s, "not <materialx>"));
        assert_null(usd_prim_first_child(usd_stage_find(s, "/")));
        usd_stage_close(&s);
    }
    // What is included must be a document.
    struct folder f = make_folder();
    write_file(&f, "page.mtlx", "<html/>");
    usd_stage *s = open_file(write_file(&f, "m.mtlx", "<materialx version=\"1.39\"><xi:include href=\"page.mtlx\"/></materialx>"));
    assert_true(warns(s, "page.mtlx") && warns(s, "left out"));
    usd_stage_close(&s);
    remove_folder(&f);
}

static void ids_follow_the_standard_library(void **state)
{
    static const struct {
        const char *category, *type, *input, *input_type, *id;
    } rows[] = {
        { "noise2d", "color3", "amplitude", "float", "ND_noise2d_color3FA" },
        { "noise2d", "color3", "amplitude", "vector3", "ND_noise2d_color3" },
        { "dotproduct", "float", "in1", "vector3", "ND_dotproduct_vector3" },
        { "magnitude", "float", "in", "vector2", "ND_magnitude_vector2" },
        { "extract", "float", "in", "color4", "ND_extract_color4" },
        { "normalmap", "vector3", "in", "vector3", "ND_normalmap_float" },
        { "normalmap", "vector3", "scale", "vector2", "ND_normalmap_vector2" },
        { "mix", "color3", "mix", "float", "ND_mix_color3" },
        { "mix", "color3", "mix", "color3", "ND_mix_color3_color3" },
        { "invert", "color3", "amount", "float", "ND_invert_color3FA" },
        { "switch", "float", "which", "integer", "ND_switch_floatI" },
        { "oren_nayar_diffuse_bsdf", "BSDF", "color", "color3", "ND_oren_nayar_diffuse_bsdf" },
        { "uniform_edf", "EDF", "color", "color3", "ND_uniform_edf" },
        { "mix", "BSDF", "mix", "float", "ND_mix_bsdf" },
        { "layer", "BSDF", "base", "VDF", "ND_layer_vdf" },
        { "multiply", "EDF", "in2", "color3", "ND_multiply_edfC" },
        { "multiply", "BSDF", "in2", "float", "ND_multiply_bsdfF" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[500];
        snprintf(body, sizeof(body), "<nodedef name=\"D\" node=\"d\"><output name=\"out\" type=\"float\"/></nodedef><nodegraph name=\"N\" nodedef=\"D\"><%s name=\"n\" type=\"%s\"><input name=\"%s\" type=\"%s\"/></%s></nodegraph>",
                 rows[i].category, rows[i].type, rows[i].input, rows[i].input_type, rows[i].category);
        usd_stage *s = open_mtlx(body);
        assert_string_equal(token(s, "/MaterialX/NodeGraphs/D/n.info:id"), rows[i].id);
        usd_stage_close(&s);
    }
}

static void materials_inherit(void **state)
{
    usd_stage *s = open_mtlx("<standard_surface name=\"S\" type=\"surfaceshader\"><input name=\"base\" type=\"float\" value=\"0.75\"/></standard_surface>" MATERIAL("A", "S")
                             "<surfacematerial name=\"B\" type=\"material\" inherit=\"A\"/>");
    assert_true(number(s, "/MaterialX/Materials/B.inputs:base", NAN) == 0.75);
    usd_stage_close(&s);
}

static void large_documents_end_at_limits(void **state)
{
    // Deep, wide and with lists without end: an error or a layer, soon.
    char *text = malloc(4 << 20), *to = text;
    to += sprintf(to, "<?xml version=\"1.0\"?><materialx>");
    for (int i = 0; i < 100; i++)
        to += sprintf(to, "<a>");
    usd_stage *s;
    struct usd_error err;
    assert_true(usd_stage_open_string(text, (size_t)(to - text), "deep.mtlx", NULL, NULL, &s, &err) < 0);
    to = text + sprintf(text, "<?xml version=\"1.0\"?><materialx><look name=\"l\"><materialassign name=\"m\" material=\"M\" geom=\"");
    for (int i = 0; i < 20000; i++)
        to += sprintf(to, "/a%d,", i);
    to += sprintf(to, "\"/></look>" MATERIAL("M", "S") "</materialx>");
    assert_int_equal(usd_stage_open_string(text, (size_t)(to - text), "wide.mtlx", NULL, NULL, &s, &err), USD_ERR_LIMIT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_material_has_every_input_of_its_shader), cmocka_unit_test(graphs_are_referenced_where_they_are_used),
        cmocka_unit_test(nodes_at_the_top_make_an_implicit_graph), cmocka_unit_test(all_nodes_of_a_graph_are_there_in_order), cmocka_unit_test(definitions_of_the_document_are_node_graphs), cmocka_unit_test(nodes_name_the_file_that_defines_them), cmocka_unit_test(definitions_are_chosen_by_version_and_inputs), cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(looks_bind_materials_to_collections), cmocka_unit_test(documents_are_included), cmocka_unit_test(a_layer_has_what_it_includes), cmocka_unit_test(collections_and_looks_are_laid_out_as_openusd_does), cmocka_unit_test(what_is_left_out_is_named),
        cmocka_unit_test(definitions_inherit), cmocka_unit_test(other_xml_is_an_empty_layer), cmocka_unit_test(ids_follow_the_standard_library), cmocka_unit_test(materials_inherit), cmocka_unit_test(swizzles_are_upgraded), cmocka_unit_test(curves_become_samples), cmocka_unit_test(large_documents_end_at_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
