// Steps, results, render vars: shapes, lifetimes, and what a picture must show.

#include <math.h>

#include "fixture.h"

#define PRODUCT(name, width, height, vars, more)                                                                     \
    "def RenderProduct \"" name "\"\n{\n    rel camera = </Camera>\n    rel orderedVars = [" vars "]\n    uniform int2 resolution = (" \
    #width ", " #height ")\n" more "}\n"

static const char vars[] =
    "def Scope \"Vars\"\n{\n"
    "    def RenderVar \"LdrColor\"\n    {\n        uniform string sourceName = \"LdrColor\"\n    }\n"
    "    def RenderVar \"HdrColor\"\n    {\n        uniform string sourceName = \"HdrColor\"\n    }\n"
    "    def RenderVar \"Normal\"\n    {\n        uniform string sourceName = \"NormalSD\"\n    }\n"
    "    def RenderVar \"DepthSD\" {}\n" // without a source name its own counts
    "    def RenderVar \"Distance\"\n    {\n        uniform string sourceName = \"DistanceToCameraSD\"\n    }\n"
    "    def RenderVar \"Plane\"\n    {\n        uniform string sourceName = \"DistanceToImagePlaneSD\"\n    }\n"
    "    def RenderVar \"Albedo\"\n    {\n        uniform string sourceName = \"DiffuseAlbedoSD\"\n    }\n"
    "    def RenderVar \"Position\"\n    {\n        uniform string sourceName = \"Camera3dPositionSD\"\n    }\n"
    "    def RenderVar \"Instance\"\n    {\n        uniform string sourceName = \"InstanceSegmentationSD\"\n    }\n"
    "    def RenderVar \"Semantic\"\n    {\n        uniform string sourceName = \"SemanticSegmentation\"\n    }\n"
    "    def RenderVar \"Unknown\"\n    {\n        uniform string sourceName = \"NoSuchOutput\"\n    }\n}\n";
#define ALL_VARS                                                                                                           \
    "</Vars/LdrColor>, </Vars/HdrColor>, </Vars/Normal>, </Vars/DepthSD>, </Vars/Distance>, </Vars/Plane>, </Vars/Albedo>, " \
    "</Vars/Position>, </Vars/Instance>, </Vars/Semantic>, </Vars/Unknown>"
static const char camera[] = "def Camera \"Camera\"\n{\n    float2 clippingRange = (1, 1000)\n    float focalLength = 50\n    float horizontalAperture = 36\n    float verticalAperture = 18\n"
                             "    double3 xformOp:translate = (0, 0, 20)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n";

static char text[16384];

static const char *scene(const char *metadata, const char *things, const char *products)
{
    snprintf(text, sizeof(text), "#usda 1.0\n%s%s%s%s%s", metadata, camera, things, vars, products);
    return text;
}

static size_t bytes_of(const DLTensor *t)
{
    size_t n = (size_t)t->dtype.bits / 8 * t->dtype.lanes;
    for (int i = 0; i < t->ndim; i++)
        n *= (size_t)t->shape[i];
    return n;
}

static bool any_byte(const DLTensor *t)
{
    for (size_t i = 0; i < bytes_of(t); i++) {
        if (((uint8_t *)t->data)[i])
            return true;
    }
    return false;
}

// ---------------------------------------------------------------------------------------------

static void outputs_of_an_empty_scene(void **state)
{
    static const struct {
        const char *name;
        int code, bits, channels;
        bool something; // some byte is not zero
    } rows[] = {
        { "LdrColor", kDLUInt, 8, 4, true },           { "HdrColor", kDLFloat, 16, 4, true },
        { "NormalSD", kDLFloat, 32, 4, true },         { "DepthSD", kDLFloat, 32, 1, false },
        { "DistanceToCameraSD", kDLFloat, 32, 1, true }, { "DistanceToImagePlaneSD", kDLFloat, 32, 1, true },
        { "DiffuseAlbedoSD", kDLUInt, 8, 4, true },    { "Camera3dPositionSD", kDLFloat, 32, 4, true },
        { "InstanceSegmentationSD", kDLUInt, 32, 1, false }, { "SemanticSegmentation", kDLUInt, 32, 1, false },
    };
    open_text(scene("", "", PRODUCT("P", 320, 180, ALL_VARS, "")));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct picture p;
        print_message("  %s\n", rows[i].name);
        take_picture("/P", rows[i].name, &p);
        assert_int_equal(p.tensor->ndim, 3);
        assert_int_equal(p.tensor->shape[0], 180);
        assert_int_equal(p.tensor->shape[1], 320);
        assert_int_equal(p.tensor->shape[2], rows[i].channels);
        assert_int_equal(p.tensor->dtype.code, rows[i].code);
        assert_int_equal(p.tensor->dtype.bits, rows[i].bits);
        assert_int_equal(p.tensor->dtype.lanes, 1);
        assert_int_equal(p.tensor->byte_offset, 0);
        assert_int_equal(p.var.num_tensors, 1);
        assert_true(same(p.var.name, rows[i].name));
        assert_true(!rows[i].something || any_byte(p.tensor));
        assert_int_equal(find_var(&p.outputs, "NoSuchOutput"), 0);
        finish_picture(&p);
    }
}

static void results_name_what_they_hold(void **state)
{
    open_text(scene("", "", PRODUCT("P", 64, 32, "</Vars/LdrColor>", "") PRODUCT("Q", 32, 64, "</Vars/LdrColor>, </Vars/HdrColor>", "")));
    ovx_string_t products[] = { S("/Q"), S("/P") };
    ovrtx_step_result_handle_t handle;
    ovrtx_render_product_set_outputs_t out;
    wait_ok(ovrtx_reset(renderer, 2));
    ok(ovrtx_step(renderer, (ovrtx_render_product_set_t) { products, 2 }, 0.5, &handle));
    ok(ovrtx_fetch_results(renderer, handle, ovrtx_timeout_infinite, &out)); // without a wait before
    assert_int_equal(out.output_count, 2);
    assert_true(same(out.outputs[0].render_product_path, "/Q") && same(out.outputs[1].render_product_path, "/P"));
    assert_int_equal(out.outputs[0].output_frame_count, 1);
    assert_true(out.outputs[0].output_frames_produced == 1);
    assert_int_equal(out.outputs[0].output_frames[0].render_var_count, 2);
    assert_true(out.simulation_start_time == 2 && out.simulation_end_time == 2.5);
    ok(ovrtx_destroy_results(renderer, handle));
    refused(ovrtx_fetch_results(renderer, handle, ovrtx_timeout_infinite, &out));
    refused(ovrtx_step(renderer, (ovrtx_render_product_set_t) { products, 2 }, -1, &handle));
}

static void products_must_exist(void **state)
{
    open_text(scene("", "", ""));
    ovx_string_t path = S("/Nowhere");
    ovrtx_step_result_handle_t handle;
    ovrtx_render_product_set_outputs_t out;
    const char *why = wait_failed(ovrtx_step(renderer, (ovrtx_render_product_set_t) { &path, 1 }, 0, &handle));
    assert_non_null(strstr(why, "/Nowhere"));
    refused(ovrtx_fetch_results(renderer, handle, ovrtx_timeout_infinite, &out));
    assert_int_equal(out.status, OVRTX_EVENT_FAILURE);
    ok(ovrtx_destroy_results(renderer, handle));
    open_text(scene("", "def OmniLidar \"L\" {}\n", "def RenderProduct \"P\"\n{\n    rel camera = </L>\n}\n"));
    path = S("/P");
    why  = wait_failed(ovrtx_step(renderer, (ovrtx_render_product_set_t) { &path, 1 }, 0, &handle));
    assert_non_null(strstr(why, "OmniLidar"));
    ok(ovrtx_destroy_results(renderer, handle));
}

static void mappings_outlive_results(void **state)
{
    struct picture p;
    ovrtx_render_var_output_t again;
    ovrtx_map_output_description_t cpu = { OVRTX_MAP_DEVICE_TYPE_CPU, 0 }, cuda = { OVRTX_MAP_DEVICE_TYPE_CUDA, 1 };
    open_text(scene("", "", PRODUCT("P", 64, 32, "</Vars/LdrColor>", "")));
    take_picture("/P", "LdrColor", &p);
    ovrtx_render_var_output_handle_t handle = find_var(&p.outputs, "LdrColor");
    ok(ovrtx_map_render_var_output(renderer, handle, &cpu, ovrtx_timeout_infinite, &again)); // twice at once
    assert_memory_equal(again.tensors[0].dl->data, p.tensor->data, bytes_of(p.tensor));
    ok(ovrtx_unmap_render_var_output(renderer, again.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    refused(ovrtx_map_render_var_output(renderer, handle, &cuda, ovrtx_timeout_infinite, &again));
    assert_non_null(strstr(ovrtx_get_last_error().ptr, "not supported"));
    ok(ovrtx_destroy_results(renderer, p.result));
    assert_true(any_byte(p.tensor));
    refused(ovrtx_map_render_var_output(renderer, handle, &cpu, ovrtx_timeout_infinite, &again));
    ok(ovrtx_unmap_render_var_output(renderer, p.var.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    refused(ovrtx_unmap_render_var_output(renderer, p.var.map_handle, (ovrtx_cuda_sync_t) { 0 }));
}

static void results_may_pile_up(void **state)
{
    enum { N = 9 };
    ovrtx_step_result_handle_t results[N];
    ovrtx_render_product_set_outputs_t out;
    ovrtx_render_var_output_t var;
    ovrtx_map_output_description_t cpu = { OVRTX_MAP_DEVICE_TYPE_CPU, 0 };
    open_text(scene("", "", PRODUCT("P", 64, 32, "</Vars/LdrColor>", "")));
    for (int i = 0; i < N; i++)
        results[i] = step_product("/P");
    for (int i = 0; i < N; i++) {
        ok(ovrtx_fetch_results(renderer, results[i], ovrtx_timeout_infinite, &out));
        ok(ovrtx_map_render_var_output(renderer, find_var(&out, "LdrColor"), &cpu, ovrtx_timeout_infinite, &var));
        assert_true(any_byte(var.tensors[0].dl));
        ok(ovrtx_unmap_render_var_output(renderer, var.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    }
    for (int i = 0; i < N; i++)
        ok(ovrtx_destroy_results(renderer, results[i]));
    // Warm-up: never fetched, destroyed while they may still run.
    for (int i = 0; i < 20; i++) {
        ovx_string_t path = S("/P");
        ok(ovrtx_step(renderer, (ovrtx_render_product_set_t) { &path, 1 }, 0, &results[0]));
        ok(ovrtx_destroy_results(renderer, results[0]));
    }
    wait_ok(ovrtx_reset(renderer, 0));
}

static void results_survive_another_stage(void **state)
{
    struct picture p;
    open_text(scene("", "def Cube \"C\" {}\n", PRODUCT("P", 64, 32, "</Vars/NormalSD>, </Vars/Normal>", "")));
    take_picture("/P", "NormalSD", &p);
    open_text(scene("", "", PRODUCT("P", 128, 64, "</Vars/LdrColor>", "")));
    ovrtx_step_result_handle_t other = step_product("/P");
    assert_int_equal(p.tensor->shape[1], 64);
    assert_true(any_byte(p.tensor));
    finish_picture(&p);
    ok(ovrtx_destroy_results(renderer, other));
}

// ---------------------------------------------------------------------------------------------

static float at(const struct picture *p, int x, int y, int c)
{
    int64_t w = p->tensor->shape[1], n = p->tensor->shape[2];
    return ((float *)p->tensor->data)[(y * w + x) * n + c];
}

// A cube of size 4 at the origin seen from z = 20: its front is 18 units away.
static void distances_and_normals_of_a_cube(void **state)
{
    struct picture p;
    open_text(scene("(\n    metersPerUnit = 0.1\n)\n", "def Cube \"C\"\n{\n    double size = 4\n}\n", PRODUCT("P", 160, 80, ALL_VARS, "")));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 80, 40, 0) - 1.8f) < 0.002f); // metres
    finish_picture(&p);
    take_picture("/P", "DistanceToCameraSD", &p);
    assert_true(fabsf(at(&p, 80, 40, 0) - 1.8f) < 0.002f);
    assert_true(!(at(&p, 2, 2, 0) < 50)); // nothing there: far
    finish_picture(&p);
    take_picture("/P", "DepthSD", &p);
    assert_true(at(&p, 80, 40, 0) > 0 && at(&p, 80, 40, 0) < 1 && at(&p, 2, 2, 0) == 0);
    finish_picture(&p);
    take_picture("/P", "NormalSD", &p);
    assert_true(fabsf(at(&p, 80, 40, 2) - 1) < 0.01f && fabsf(at(&p, 80, 40, 0)) < 0.01f);
    finish_picture(&p);
    take_picture("/P", "Camera3dPositionSD", &p);
    assert_true(fabsf(fabsf(at(&p, 80, 40, 2)) - 18) < 0.02f); // scene units
    finish_picture(&p);
    take_picture("/P", "InstanceSegmentationSD", &p);
    const uint32_t *ids = p.tensor->data;
    assert_true(ids[40 * 160 + 80] != 0 && ids[0] == 0);
    finish_picture(&p);
}

// The picture follows what is written, without opening the stage again.
static void writes_show_in_the_next_picture(void **state)
{
    struct picture p;
    open_text(scene("", "def Cube \"C\"\n{\n    double size = 4\n}\ndef Mesh \"M\"\n{\n    uniform token subdivisionScheme = \"none\"\n    point3f[] points = [(6, -1, 0), (8, -1, 0), (8, 1, 0), (6, 1, 0)]\n    int[] faceVertexCounts = [4]\n    int[] faceVertexIndices = [0, 1, 2, 3]\n}\n",
                    PRODUCT("P", 180, 90, ALL_VARS, "")));
    // The aperture is 36 by 18 at 50: 14.4 by 7.2 units at distance 20; x = 7 is right of pixel 170.
    ovx_string_t cube = S("/C");
    ovrtx_xform_matrix44d_t m = { { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -10, 1 } };
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 90, 45, 0) - 0.18f) < 0.001f);
    assert_true(fabsf(at(&p, 176, 45, 0) - 0.2f) < 0.001f);
    finish_picture(&p);
    ok(ovrtx_set_xform_mat(renderer, &cube, 1, &m));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 90, 45, 0) - 0.28f) < 0.001f);
    finish_picture(&p);

    double size = 8;
    ok(write_one("/C", "size", dtype(kDLFloat, 64, 1), false, OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY, &size, 1));
    float points[12] = { 6, -1, 5, 8, -1, 5, 8, 1, 5, 6, 1, 5 };
    ok(write_one("/M", "points", dtype(kDLFloat, 32, 3), true, OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY, points, 4));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 90, 45, 0) - 0.26f) < 0.001f);
    finish_picture(&p);

    ovx_string_t hidden = S("invisible");
    ok(ovrtx_set_token_attributes(renderer, &cube, 1, S("visibility"), &hidden));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(!(at(&p, 90, 45, 0) < 1));
    finish_picture(&p);

    // A reference, its removal, and a clone.
    ovrtx_usd_handle_t handle;
    ok(ovrtx_add_usd_reference_from_string(renderer, S("#usda 1.0\n(\n    defaultPrim = \"R\"\n)\ndef Cube \"R\"\n{\n    double size = 2\n}\n"), S("/Added"), &handle));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 90, 45, 0) - 0.19f) < 0.001f);
    finish_picture(&p);
    ok(ovrtx_clone_usd(renderer, S("/Added"), (ovx_string_t[]) { S("/Copy") }, 1));
    ok(ovrtx_remove_usd(renderer, handle));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 90, 45, 0) - 0.19f) < 0.001f);
    finish_picture(&p);
    m.v[14] = 5;
    ok(ovrtx_set_xform_mat(renderer, (ovx_string_t[]) { S("/Copy") }, 1, &m));
    m.v[14] = 100; // the camera, too
    ok(ovrtx_set_xform_mat(renderer, (ovx_string_t[]) { S("/Camera") }, 1, &m));
    take_picture("/P", "DistanceToImagePlaneSD", &p);
    assert_true(fabsf(at(&p, 90, 45, 0) - 0.94f) < 0.001f);
    finish_picture(&p);
}

static void path_tracing_finishes_in_one_step(void **state)
{
    struct picture p;
    open_text(scene("", "def Cube \"C\"\n{\n    double size = 4\n}\ndef DomeLight \"L\"\n{\n    float inputs:intensity = 1\n}\n",
                    PRODUCT("P", 64, 32, "</Vars/LdrColor>, </Vars/HdrColor>",
                            "    token omni:rtx:rendermode = \"PathTracing\"\n    bool omni:rtx:pt:denoising:enabled = false\n    int omni:rtx:pt:samplesPerPixel = 2\n")));
    take_picture("/P", "LdrColor", &p);
    ovrtx_ext_product_stats_t stats = { .struct_size = sizeof(stats) };
    ok(ovrtx_ext_get_product_stats(renderer, S("/P"), &stats));
    assert_int_equal(stats.samples, 2);
    assert_int_equal(stats.width, 64);
    assert_true(stats.device_name[0] != 0 && stats.instances == 1);
    const uint8_t *middle = (uint8_t *)p.tensor->data + (16 * 64 + 32) * 4;
    assert_true(middle[0] > 20 && middle[3] == 255);
    finish_picture(&p);
}

// Seen directly a light has its radiance, in every direction unless it is shaped; from behind it is not there.
static void lights_are_seen(void **state)
{
    static const struct {
        const char *light;
        uint16_t want; // half
    } rows[] = {
        { "def SphereLight \"L\"\n{\n    float inputs:radius = 4\n    float inputs:intensity = 0.5\n}\n", 0x3800 },
        { "def CylinderLight \"L\"\n{\n    float inputs:radius = 4\n    float inputs:length = 8\n    float inputs:intensity = 0.5\n}\n", 0x3800 },
        { "def RectLight \"L\"\n{\n    float inputs:width = 4\n    float inputs:height = 4\n    float inputs:intensity = 0.5\n"
          "    float xformOp:rotateX = 180\n    uniform token[] xformOpOrder = [\"xformOp:rotateX\"]\n}\n", 0x3800 },
        { "def RectLight \"L\"\n{\n    float inputs:width = 4\n    float inputs:height = 4\n    float inputs:intensity = 0.5\n}\n", 0 },
        // ShapingAPI alone is a cone of 90 degrees around -Z: nothing towards the camera.
        { "def SphereLight \"L\" (prepend apiSchemas = [\"ShapingAPI\"])\n{\n    float inputs:radius = 4\n    float inputs:intensity = 0.5\n}\n", 0 },
        { "def SphereLight \"L\"\n{\n    float inputs:radius = 4\n    float inputs:intensity = 0.5\n    float inputs:shaping:cone:angle = 60\n}\n", 0 },
    };
    static const char *const modes[] = { "PathTracing", "RealTimePathTracing" };
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        char things[1024], more[256];
        struct picture p;
        snprintf(things, sizeof(things), "def Cube \"C\"\n{\n    double3 xformOp:translate = (50, 0, 0)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n%s", rows[i / 2].light);
        snprintf(more, sizeof(more), "    token omni:rtx:rendermode = \"%s\"\n    int omni:rtx:pt:samplesPerPixel = 2\n", modes[i % 2]);
        char product[512];
        snprintf(product, sizeof(product), PRODUCT("P", 64, 32, "</Vars/HdrColor>", "%s"), more);
        open_text(scene("", things, product));
        print_message("  %s: %.12s\n", modes[i % 2], rows[i / 2].light + 4);
        take_picture("/P", "HdrColor", &p);
        assert_int_equal(((uint16_t *)p.tensor->data)[4 * (16 * 64 + 32)], rows[i / 2].want);
        finish_picture(&p);
    }
}

static void selected_outputs_only(void **state)
{
    struct picture p;
    ovx_string_t wanted = S("DepthSD");
    ovrtx_render_var_output_t var;
    ovrtx_map_output_description_t cpu = { OVRTX_MAP_DEVICE_TYPE_CPU, 0 };
    open_text(scene("", "", PRODUCT("P", 64, 32, ALL_VARS, "")));
    ok(ovrtx_ext_select_outputs(renderer, S("/P"), &wanted, 1));
    take_picture("/P", "DepthSD", &p);
    refused(ovrtx_map_render_var_output(renderer, find_var(&p.outputs, "HdrColor"), &cpu, ovrtx_timeout_infinite, &var));
    assert_non_null(strstr(ovrtx_get_last_error().ptr, "select"));
    finish_picture(&p);
    ok(ovrtx_ext_select_outputs(renderer, S("/P"), NULL, 0));
    take_picture("/P", "HdrColor", &p);
    finish_picture(&p);
    ok(ovrtx_ext_set_frame_budget(renderer, S("/P"), 10));
    refused(ovrtx_ext_set_frame_budget(renderer, S("/P"), -1));
    refused(ovrtx_ext_set_frame_budget(renderer, S("P"), 1));
    ok(ovrtx_ext_set_frame_budget(renderer, S("/P"), 0));
}

static void write_text(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

#define MTLX(body) "<materialx version=\"1.39\" xmlns:xi=\"http://www.w3.org/2001/XInclude\">" body "</materialx>"
#define INPUT(name, type, from) "<input name=\"" name "\" type=\"" type "\" " from "/>"
#define OUTPUT(type, from) "<output name=\"out\" type=\"" type "\" " from "/>"

// Nodes that a document defines by graphs: a surface, a surface that uses it, and a texture; their file is not composed.
static void nodes_of_a_documents_own_are_drawn(void **state)
{
    static const char defs[] = MTLX("<nodedef name=\"ND_paint\" node=\"paint\">" INPUT("tint", "color3", "value=\"0,0,1\"") OUTPUT("surfaceshader", "") "</nodedef>"
                                    "<nodegraph name=\"NG_paint\" nodedef=\"ND_paint\"><UsdPreviewSurface name=\"s\" type=\"surfaceshader\">" INPUT("diffuseColor", "color3", "interfacename=\"tint\"")
                                    "</UsdPreviewSurface>" OUTPUT("surfaceshader", "nodename=\"s\"") "</nodegraph>"
                                    "<nodedef name=\"ND_coat\" node=\"coat\">" INPUT("top", "color3", "value=\"0,1,0\"") OUTPUT("surfaceshader", "") "</nodedef>"
                                    "<nodegraph name=\"NG_coat\" nodedef=\"ND_coat\"><paint name=\"p\" type=\"surfaceshader\">" INPUT("tint", "color3", "interfacename=\"top\"") "</paint>"
                                    OUTPUT("surfaceshader", "nodename=\"p\"") "</nodegraph>"
                                    "<nodedef name=\"ND_pick\" node=\"pick\">" INPUT("from", "filename", "") OUTPUT("color3", "") "</nodedef>"
                                    "<nodegraph name=\"NG_pick\" nodedef=\"ND_pick\"><image name=\"i\" type=\"color3\">" INPUT("file", "filename", "interfacename=\"from\"") "</image>"
                                    OUTPUT("color3", "nodename=\"i\"") "</nodegraph>");
#define MATERIAL(name) "<surfacematerial name=\"" name "\" type=\"material\">" INPUT("surfaceshader", "surfaceshader", "nodename=\"" name "s\"") "</surfacematerial>"
    static const char materials[] = MTLX("<xi:include href=\"defs.mtlx\"/><paint name=\"As\" type=\"surfaceshader\">" INPUT("tint", "color3", "value=\"1,0,0\"") "</paint>" MATERIAL("A")
                                         "<paint name=\"Bs\" type=\"surfaceshader\"/>" MATERIAL("B") "<coat name=\"Cs\" type=\"surfaceshader\"/>" MATERIAL("C")
                                         "<nodegraph name=\"N\"><pick name=\"n\" type=\"color3\">" INPUT("from", "filename", "value=\"red.ppm\"") "</pick>" OUTPUT("color3", "nodename=\"n\"") "</nodegraph>"
                                         "<UsdPreviewSurface name=\"Ds\" type=\"surfaceshader\">" INPUT("diffuseColor", "color3", "nodegraph=\"N\" output=\"out\"") "</UsdPreviewSurface>" MATERIAL("D"));
    static const struct {
        const char *material;
        int channel; // the one that is bright; the others are dark
    } rows[] = { { "A", 0 }, { "B", 2 }, { "C", 1 }, { "D", 0 } };
    char folder[] = "/tmp/ovrtx-test-XXXXXX", things[1024], command[64], path[128];
    assert_non_null(mkdtemp(folder));
    write_text(folder, "defs.mtlx", defs, sizeof(defs) - 1);
    write_text(folder, "m.mtlx", materials, sizeof(materials) - 1);
    write_text(folder, "red.ppm", "P6 1 1 255 \xff\0\0", 14);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(things, sizeof(things),
                 "def Scope \"Looks\" (\n    references = @m.mtlx@</MaterialX/Materials>\n)\n{\n}\n"
                 "def Cube \"C\" (\n    apiSchemas = [\"MaterialBindingAPI\"]\n)\n{\n    double size = 4\n    rel material:binding = </Looks/%s>\n}\n", rows[i].material);
        const char *usda = scene("", things, PRODUCT("P", 64, 32, "</Vars/Albedo>", ""));
        write_text(folder, "scene.usda", usda, strlen(usda));
        snprintf(path, sizeof(path), "%s/scene.usda", folder);
        wait_ok(ovrtx_open_usd_from_file(renderer, str(path)));
        struct picture p;
        take_picture("/P", "DiffuseAlbedoSD", &p);
        const uint8_t *middle = (uint8_t *)p.tensor->data + (16 * 64 + 32) * 4;
        for (int k = 0; k < 3; k++)
            if (k == rows[i].channel ? middle[k] < 150 : middle[k] > 60)
                fail_msg("material %s: %d %d %d", rows[i].material, middle[0], middle[1], middle[2]);
        finish_picture(&p);
    }
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_of_an_empty_scene),     cmocka_unit_test(results_name_what_they_hold),
        cmocka_unit_test(products_must_exist),           cmocka_unit_test(mappings_outlive_results),
        cmocka_unit_test(results_may_pile_up),           cmocka_unit_test(results_survive_another_stage),
        cmocka_unit_test(distances_and_normals_of_a_cube), cmocka_unit_test(writes_show_in_the_next_picture),
        cmocka_unit_test(path_tracing_finishes_in_one_step), cmocka_unit_test(selected_outputs_only),
        cmocka_unit_test(lights_are_seen),               cmocka_unit_test(nodes_of_a_documents_own_are_drawn),
    };
    return cmocka_run_group_tests(tests, setup_plain, teardown);
}
