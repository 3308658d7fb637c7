// Picking, selection outlines, semantic labels.

#include "fixture.h"

// Three cubes side by side, 36 x 18 aperture, 640 x 320 pixels: 45 pixels a unit.
static const char scene[] =
    "#usda 1.0\ndef Camera \"Camera\"\n{\n    float2 clippingRange = (1, 1000)\n    float focalLength = 50\n    float horizontalAperture = 36\n    float verticalAperture = 18\n"
    "    double3 xformOp:translate = (0, 0, 20)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n"
    "def DomeLight \"Light\" {}\n"
    "def Xform \"World\"\n{\n"
    "    def Cube \"Left\" (\n        prepend apiSchemas = [\"SemanticsAPI:kind\"]\n    )\n    {\n        double3 xformOp:translate = (-5, 0, 0)\n        uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
    "        string semantic:kind:params:semanticType = \"class\"\n        string semantic:kind:params:semanticData = \"logo\"\n    }\n"
    "    def Cube \"Middle\" {}\n"
    "    def Xform \"Group\"\n    {\n        token[] semantics:labels:class = [\"box\"]\n        def Cube \"Right\"\n        {\n            double3 xformOp:translate = (5, 0, 0)\n            uniform token[] xformOpOrder = [\"xformOp:translate\"]\n        }\n    }\n}\n"
    "def RenderProduct \"P\"\n{\n    rel camera = </Camera>\n    rel orderedVars = [<LdrColor>, <Ids>, <Map>]\n    uniform int2 resolution = (640, 320)\n    token omni:rtx:rendermode = \"Minimal\"\n"
    "    def RenderVar \"LdrColor\"\n    {\n        uniform string sourceName = \"LdrColor\"\n    }\n"
    "    def RenderVar \"Ids\"\n    {\n        uniform string sourceName = \"SemanticSegmentation\"\n    }\n"
    "    def RenderVar \"Map\"\n    {\n        uniform string sourceName = \"SemanticIdMap\"\n    }\n}\n";
enum { LEFT = 97, MIDDLE = 320, RIGHT = 542, ROW = 160 };

// Picks and returns the distinct paths, space separated, in order; "none" when the var is missing.
static const char *pick(int left, int top, int right, int bottom)
{
    static char out[1024];
    out[0] = 0;
    ovrtx_pick_query_desc_t desc = { S("/P"), left, top, right, bottom, 0 };
    ok(ovrtx_enqueue_pick_query(renderer, &desc));
    ovrtx_step_result_handle_t result = step_product("/P");
    ovrtx_render_product_set_outputs_t outputs;
    ok(ovrtx_fetch_results(renderer, result, ovrtx_timeout_infinite, &outputs));
    ovrtx_render_var_output_handle_t handle = find_var(&outputs, OVRTX_RENDER_VAR_PICK_HIT);
    assert_int_not_equal(handle, 0);
    ovrtx_render_var_output_t var;
    ovrtx_map_output_description_t any = { OVRTX_MAP_DEVICE_TYPE_DEFAULT, 0 };
    ok(ovrtx_map_render_var_output(renderer, handle, &any, ovrtx_timeout_infinite, &var));
    assert_int_equal(var.num_params, 3);
    assert_int_equal(var.num_tensors, 5);
    uint32_t params[3];
    const char *const names[] = { "magic", "version", "hitCount" }, *const tensors[] = { "primPath", "objectType", "geometryInstanceId", "worldPositionM", "worldNormal" };
    for (int i = 0; i < 3; i++) {
        assert_true(same(var.params[i].name, names[i]));
        assert_int_equal(var.params[i].dl.shape[0], 1);
        params[i] = *(uint32_t *)var.params[i].dl.data;
    }
    assert_int_equal(params[0], 0x56505448);
    assert_int_equal(params[1], 1);
    for (int i = 0; i < 5; i++) {
        assert_true(same(*var.tensors[i].name, tensors[i]));
        assert_non_null(var.tensors[i].dl->data);
        assert_true(var.tensors[i].dl->shape[0] >= params[2]);
        assert_int_equal(var.tensors[i].dl->ndim, i < 3 ? 1 : 2);
    }
    path_dictionary_instance_t d;
    ok(ovrtx_get_path_dictionary(renderer, &d));
    for (uint32_t i = 0; i < params[2]; i++) {
        ovx_primpath_t path = ((uint64_t *)var.tensors[0].dl->data)[i];
        ovx_token_t tokens[64], *at;
        size_t count = 0, processed = 0, n = strlen(out);
        assert_int_equal(path_dictionary_get_tokens_from_paths(&d, &path, 1, tokens, 64, &at, &count, &processed).status, OVX_API_SUCCESS);
        assert_true(count > 0);
        ovx_string_t name;
        assert_int_equal(path_dictionary_get_strings_from_tokens(&d, &at[count - 1], 1, &name).status, OVX_API_SUCCESS);
        if (!strstr(out, name.ptr))
            snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", name.ptr);
        const double *position = (double *)var.tensors[3].dl->data + 3 * i;
        assert_true(position[2] < 0.01001 && position[2] > -0.01001); // metres
        if (right - left == 1) { // a click hits a front
            assert_true(position[2] > 0.00999);
            assert_true(((float *)var.tensors[4].dl->data)[3 * i + 2] > 0.99f);
        }
    }
    ok(ovrtx_unmap_render_var_output(renderer, var.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    ok(ovrtx_destroy_results(renderer, result));
    return out;
}

static const char *click(int x, int y) { return pick(x, y, x + 1, y + 1); }

static void clicks_find_what_is_there(void **state)
{
    open_text(scene);
    assert_string_equal(click(MIDDLE, ROW), "Middle");
    assert_string_equal(click(LEFT, ROW), "Left");
    assert_string_equal(click(RIGHT, ROW), "Right");
    assert_string_equal(click(3, 3), "");
    assert_string_equal(click(-50, 10), ""); // outside
    assert_string_equal(pick(10, 10, 10, 10), "");
    const char *both = pick(0, 100, 400, 220);
    assert_true(strstr(both, "Left") && strstr(both, "Middle") && !strstr(both, "Right"));
}

static void a_query_is_answered_once(void **state)
{
    open_text(scene);
    ovrtx_pick_query_desc_t a = { S("/P"), LEFT, ROW, LEFT + 1, ROW + 1, 0 };
    ok(ovrtx_enqueue_pick_query(renderer, &a));
    assert_string_equal(click(MIDDLE, ROW), "Middle"); // the last one counts
    struct picture p;
    take_picture("/P", "LdrColor", &p);
    assert_int_equal(find_var(&p.outputs, OVRTX_RENDER_VAR_PICK_HIT), 0);
    finish_picture(&p);
    ovrtx_pick_query_desc_t unknown = { S("/Nowhere"), 0, 0, 1, 1, 0 };
    ok(ovrtx_enqueue_pick_query(renderer, &unknown));
    refused(ovrtx_enqueue_pick_query(renderer, NULL));
}

static void pickability_is_inherited(void **state)
{
    bool no = false, yes = true;
    ovx_string_t group = S("/World/Group"), right = S("/World/Group/Right"), middle = S("/World/Middle");
    open_text(scene);
    ok(ovrtx_set_pickable(renderer, &middle, 1, &no));
    ok(ovrtx_set_pickable(renderer, &group, 1, &no));
    assert_string_equal(click(MIDDLE, ROW), "");
    assert_string_equal(click(RIGHT, ROW), "");
    assert_string_equal(click(LEFT, ROW), "Left");
    ok(ovrtx_set_pickable(renderer, &right, 1, &yes));
    ok(ovrtx_set_pickable(renderer, &middle, 1, &yes));
    assert_string_equal(click(RIGHT, ROW), "Right");
    assert_string_equal(click(MIDDLE, ROW), "Middle");
}

// ---------------------------------------------------------------------------------------------

static uint8_t *before;

// How many pixels differ from the last picture by more than 8 levels; keeps the new one.
static size_t changed_pixels(int from_x, int to_x)
{
    struct picture p;
    size_t changed = 0;
    take_picture("/P", "LdrColor", &p);
    const uint8_t *now = p.tensor->data;
    for (size_t i = 0; before && i < 640 * 320; i++) {
        bool differs = false;
        for (int c = 0; c < 3; c++)
            differs |= abs(now[i * 4 + c] - before[i * 4 + c]) > 8;
        int x = (int)(i % 640);
        changed += differs && x >= from_x && x < to_x;
    }
    before = realloc(before, 640 * 320 * 4);
    memcpy(before, now, 640 * 320 * 4);
    finish_picture(&p);
    return changed;
}

static void outlines_come_and_go(void **state)
{
    ovx_string_t cubes[] = { S("/World/Left"), S("/World/Group") };
    uint8_t one[2] = { 1, 0 }, none[2] = { 0, 0 }, both[2] = { 1, 2 }, swapped[2] = { 2, 1 }, ids[2] = { 1, 2 };
    ovrtx_selection_group_style_t styles[2] = { { { 1, 0.6f, 0, 1 }, { 1, 0, 0, 1 } }, { { 0.1f, 0.5f, 1, 1 }, { 0, 0, 1, 1 } } };
    wait_ok(ovrtx_set_selection_group_styles(renderer, ids, styles, 2)); // before any scene
    wait_ok(ovrtx_set_selection_group_styles(renderer, NULL, NULL, 0));
    refused(ovrtx_set_selection_group_styles(renderer, NULL, styles, 1));
    open_text(scene);
    changed_pixels(0, 640);
    assert_int_equal(changed_pixels(0, 640), 0); // the picture is at rest
    ok(ovrtx_set_selection_outline_group(renderer, cubes, 2, one));
    assert_true(changed_pixels(0, 200) > 0);
    ok(ovrtx_set_selection_outline_group(renderer, cubes, 2, none));
    assert_true(changed_pixels(0, 640) > 0);
    ok(ovrtx_set_selection_outline_group(renderer, cubes, 2, both)); // a group on an Xform covers what is below
    changed_pixels(0, 640);
    ok(ovrtx_set_selection_outline_group(renderer, cubes, 2, swapped));
    assert_true(changed_pixels(450, 640) > 0);
    for (int i = 0; i < 2; i++)
        styles[i].fill_color[1] = 1;
    ok(ovrtx_set_selection_group_styles(renderer, ids, styles, 2));
    assert_true(changed_pixels(0, 640) > 500); // the insides: fill mode 3
    free(before);
    before = NULL;
}

// ---------------------------------------------------------------------------------------------

static uint32_t u32_at(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static uint32_t id_of_label(const uint8_t *map, size_t size, const char *label)
{
    uint32_t count = u32_at(map + size - 4), id = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = map + i * 24;
        uint32_t length = u32_at(entry + 16), offset = u32_at(entry + 20);
        assert_true(offset + length <= size);
        if (length == strlen(label) && !memcmp(map + offset, label, length))
            id = u32_at(entry);
    }
    return id;
}

static void labels_and_ids_agree(void **state)
{
    struct picture map, ids;
    open_text(scene);
    take_picture("/P", "SemanticIdMap", &map);
    assert_int_equal(map.tensor->ndim, 1);
    const uint8_t *bytes = map.tensor->data;
    uint32_t logo = id_of_label(bytes, (size_t)map.tensor->shape[0], "class: logo;"), box = id_of_label(bytes, (size_t)map.tensor->shape[0], "class: box;");
    assert_true(logo && box && logo != box);
    take_picture("/P", "SemanticSegmentation", &ids);
    const uint32_t *pixels = ids.tensor->data;
    assert_int_equal(pixels[ROW * 640 + LEFT], logo);
    assert_int_equal(pixels[ROW * 640 + MIDDLE], 0);
    assert_int_equal(pixels[ROW * 640 + RIGHT], box); // from its parent
    finish_picture(&ids);
    finish_picture(&map);

    // Written at run time.
    wait_ok(write_one("/World/Left", "semantic:kind:params:semanticData", dtype(kDLUInt, 8, 1), true, OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY, "sign", 4));
    take_picture("/P", "SemanticIdMap", &map);
    uint32_t sign = id_of_label(map.tensor->data, (size_t)map.tensor->shape[0], "class: sign;");
    assert_true(sign && sign != logo);
    take_picture("/P", "SemanticSegmentation", &ids);
    assert_int_equal(((uint32_t *)ids.tensor->data)[ROW * 640 + LEFT], sign);
    finish_picture(&ids);
    finish_picture(&map);
}

static int setup(void **state)
{
    ovrtx_config_entry_t entries[] = { ovrtx_config_entry_selection_outline_enabled(true), ovrtx_config_entry_selection_outline_width(8),
                                       ovrtx_config_entry_selection_fill_mode(OVRTX_SELECTION_FILL_MODE_GROUP_FILL_COLOR) };
    start_renderer(entries, 3);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clicks_find_what_is_there), cmocka_unit_test(a_query_is_answered_once), cmocka_unit_test(pickability_is_inherited),
        cmocka_unit_test(outlines_come_and_go), cmocka_unit_test(labels_and_ids_agree),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
