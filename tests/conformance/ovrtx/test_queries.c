// Prim queries and the path dictionary.

#include "fixture.h"

static const char scene[] =
    "#usda 1.0\ndef Xform \"World\"\n{\n    def Camera \"Camera\" {}\n    def Mesh \"Plane\"\n    {\n        point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]\n"
    "        int[] faceVertexCounts = [3]\n        int[] faceVertexIndices = [0, 1, 2]\n        color3f[] primvars:displayColor = [(1, 0, 0)]\n    }\n    def Scope \"Looks\"\n    {\n        def Material \"M\"\n        {\n            def Shader \"S\" {}\n        }\n    }\n}\n"
    "def RenderProduct \"Product\" {}\ndef \"Untyped\" {}\nover \"Ghost\" {}\nclass Xform \"Class\" {}\n";

static void by_type_and_by_attribute(void **state)
{
    char paths[16][256];
    open_text(scene);
    assert_int_equal(query(OVRTX_FILTER_PRIM_TYPE, "Camera", paths, 16), 1);
    assert_string_equal(paths[0], "/World/Camera");
    assert_int_equal(query(OVRTX_FILTER_PRIM_TYPE, "Mesh", paths, 16), 1);
    assert_string_equal(paths[0], "/World/Plane");
    assert_int_equal(query(OVRTX_FILTER_PRIM_TYPE, "NoSuchType", paths, 16), 0);
    assert_int_equal(query(OVRTX_FILTER_HAS_ATTRIBUTE, "faceVertexCounts", paths, 16), 1);
    assert_int_equal(count_prims(), 8); // neither the over nor the class
    wait_ok(ovrtx_clone_usd(renderer, S("/World/Plane"), (ovx_string_t[]) { S("/Clone") }, 1));
    assert_int_equal(query(OVRTX_FILTER_PRIM_TYPE, "Mesh", paths, 16), 2);
}

static void filters_combine(void **state)
{
    ovrtx_filter_t types[] = { { OVRTX_FILTER_PRIM_TYPE, { 0, S("Camera") } }, { OVRTX_FILTER_PRIM_TYPE, { 0, S("Mesh") } } };
    ovrtx_filter_t points  = { OVRTX_FILTER_HAS_ATTRIBUTE, { 0, S("points") } };
    const struct {
        ovrtx_query_desc_t desc;
        size_t count;
    } rows[] = {
        { { .require_any = types, .require_any_count = 2 }, 2 },
        { { .require_all = types, .require_all_count = 2 }, 0 },
        { { .require_any = types, .require_any_count = 2, .exclude = &points, .exclude_count = 1 }, 1 },
        { { .exclude = types, .exclude_count = 2 }, 6 },
    };
    open_text(scene);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ovrtx_query_handle_t handle;
        ovrtx_query_result_t result;
        wait_ok(ovrtx_query_prims(renderer, &rows[i].desc, &handle));
        ok(ovrtx_fetch_query_results(renderer, handle, ovrtx_timeout_infinite, &result));
        assert_int_equal(result.total_prim_count, rows[i].count);
        assert_int_equal(result.group_count == 0, rows[i].count == 0);
        ok(ovrtx_release_query_results(renderer, handle));
        refused(ovrtx_fetch_query_results(renderer, handle, ovrtx_timeout_infinite, &result));
    }
}

static void attributes_of_a_group(void **state)
{
    ovrtx_filter_t mesh = { OVRTX_FILTER_PRIM_TYPE, { 0, S("Mesh") } };
    ovx_string_or_token_t names[] = { { 0, S("purpose") }, { 0, S("notThere") }, { 0, S("material:binding") } };
    ovrtx_query_desc_t desc = { .require_all = &mesh, .require_all_count = 1 };
    path_dictionary_instance_t d;
    ovrtx_query_handle_t handle;
    ovrtx_query_result_t result;
    open_text(scene);
    ok(ovrtx_get_path_dictionary(renderer, &d));

    desc.attribute_filter = (ovrtx_attribute_filter_t) { OVRTX_ATTRIBUTE_FILTER_SPECIFIC, names, 3 };
    wait_ok(ovrtx_query_prims(renderer, &desc, &handle));
    ok(ovrtx_fetch_query_results(renderer, handle, ovrtx_timeout_infinite, &result));
    assert_int_equal(result.group_count, 1);
    assert_int_equal(result.groups[0].attribute_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const ovrtx_attribute_desc_t *a = &result.groups[0].attributes[i];
        ovx_string_t name;
        assert_int_equal(path_dictionary_get_strings_from_tokens(&d, &a->name, 1, &name).status, OVX_API_SUCCESS);
        bool purpose = same(name, "purpose");
        assert_true(purpose || same(name, "material:binding"));
        assert_int_equal(a->type.semantic, purpose ? OVRTX_SEMANTIC_TOKEN_ID : OVRTX_SEMANTIC_PATH_ID);
        assert_int_equal(a->type.is_array, !purpose);
    }
    ok(ovrtx_release_query_results(renderer, handle));

    for (int mode = OVRTX_ATTRIBUTE_FILTER_NONE; mode <= OVRTX_ATTRIBUTE_FILTER_ALL; mode++) {
        desc.attribute_filter = (ovrtx_attribute_filter_t) { (ovrtx_attribute_filter_mode_t)mode, NULL, 0 };
        wait_ok(ovrtx_query_prims(renderer, &desc, &handle));
        ok(ovrtx_fetch_query_results(renderer, handle, ovrtx_timeout_infinite, &result));
        assert_int_equal(result.groups[0].attribute_count > 0, mode == OVRTX_ATTRIBUTE_FILTER_ALL);
        ok(ovrtx_release_query_results(renderer, handle));
    }
    wait_ok(ovrtx_query_prims(renderer, &desc, &handle));
    ok(ovrtx_release_query_results(renderer, handle)); // never fetched
}

static void result_lists_serve_as_bindings(void **state)
{
    ovrtx_filter_t mesh     = { OVRTX_FILTER_PRIM_TYPE, { 0, S("Mesh") } };
    ovrtx_query_desc_t desc = { .require_all = &mesh, .require_all_count = 1 };
    path_dictionary_instance_t d;
    ovrtx_query_handle_t handle;
    ovrtx_query_result_t result;
    ovrtx_read_handle_t read;
    ovrtx_read_output_t out;
    open_text(scene);
    wait_ok(ovrtx_query_prims(renderer, &desc, &handle));
    ok(ovrtx_fetch_query_results(renderer, handle, ovrtx_timeout_infinite, &result));
    ovrtx_binding_desc_or_handle_t b = { .binding_desc = { .prims_list_handle = result.groups[0].prim_list_handle, .attribute_name = { 0, S("points") } } };
    wait_ok(ovrtx_read_attribute(renderer, &b, NULL, &read));
    ok(ovrtx_fetch_read_result(renderer, read, ovrtx_timeout_infinite, &out));
    assert_int_equal(out.prim_count, 1);
    assert_int_equal(out.buffers[0].dl.shape[0], 3);
    release(&out);
    ok(ovrtx_get_path_dictionary(renderer, &d));
    ovx_api_result_t r = path_dictionary_destroy_path_list(&d, result.groups[0].prim_list_handle);
    assert_int_equal(r.status, OVX_API_ERROR); // not the caller's
    path_dictionary_release_error(&d, r.error);
    ok(ovrtx_release_query_results(renderer, handle));
    refused(ovrtx_read_attribute(renderer, &b, NULL, &read));
}

// ---------------------------------------------------------------------------------------------

static void paths_and_tokens(void **state)
{
    path_dictionary_instance_t d, again;
    ok(ovrtx_get_path_dictionary(renderer, &d));
    ok(ovrtx_get_path_dictionary(renderer, &again));
    assert_ptr_equal(d.context, again.context);

    ovx_string_t strings[] = { S("/World/Plane"), S("/"), S("/World/Plane") };
    ovx_primpath_t paths[3];
    assert_int_equal(path_dictionary_create_paths_from_strings(&d, strings, 3, paths).status, OVX_API_SUCCESS);
    assert_true(paths[0] && paths[0] == paths[2] && paths[1] != paths[0]);

    ovx_token_t tokens[64], *at[3];
    size_t counts[3], processed = 0;
    assert_int_equal(path_dictionary_get_tokens_from_paths(&d, paths, 3, tokens, 64, at, counts, &processed).status, OVX_API_SUCCESS);
    assert_int_equal(processed, 3);
    assert_true(counts[0] == 2 && counts[1] == 0 && counts[2] == 2);
    assert_int_equal(path_dictionary_get_tokens_from_paths(&d, paths, 3, tokens, 3, at, counts, &processed).status, OVX_API_SUCCESS);
    assert_int_equal(processed, 2); // the third does not fit

    ovx_primpath_t rebuilt;
    size_t two = 2;
    assert_int_equal(path_dictionary_create_paths_from_tokens(&d, tokens, &two, 1, &rebuilt).status, OVX_API_SUCCESS);
    assert_int_equal(rebuilt, paths[0]);

    ovx_string_t names[2];
    assert_int_equal(path_dictionary_get_strings_from_tokens(&d, tokens, 2, names).status, OVX_API_SUCCESS);
    assert_true(same(names[0], "World") && same(names[1], "Plane"));
    assert_int_equal(names[0].ptr[names[0].length], 0);
}

static void bad_paths_give_an_error_text(void **state)
{
    path_dictionary_instance_t d;
    const char *bad[] = { "World", "", "//a", "/a/", "/a b", "/a.b" };
    ok(ovrtx_get_path_dictionary(renderer, &d));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ovx_string_t s = str(bad[i]);
        ovx_primpath_t path;
        ovx_api_result_t r = path_dictionary_create_paths_from_strings(&d, &s, 1, &path);
        assert_int_equal(r.status, OVX_API_ERROR);
        assert_true(r.error.length > 0);
        path_dictionary_release_error(&d, r.error);
    }
    ovx_token_t unknown = 1u << 30;
    ovx_string_t text;
    ovx_api_result_t r = path_dictionary_get_strings_from_tokens(&d, &unknown, 1, &text);
    assert_int_equal(r.status, OVX_API_ERROR);
    path_dictionary_release_error(&d, r.error);
}

static void lists(void **state)
{
    path_dictionary_instance_t d;
    ovx_string_t strings[] = { S("/A"), S("/B"), S("/C") };
    ovx_primpath_t paths[3], out[2];
    ovx_primpath_list_t list, copy;
    size_t n = 9;
    ok(ovrtx_get_path_dictionary(renderer, &d));
    assert_int_equal(path_dictionary_create_path_list_from_strings(&d, strings, 3, &list).status, OVX_API_SUCCESS);
    assert_int_equal(path_dictionary_create_paths_from_strings(&d, strings, 3, paths).status, OVX_API_SUCCESS);
    assert_int_equal(path_dictionary_create_path_list_from_paths(&d, paths, 3, &copy).status, OVX_API_SUCCESS);
    assert_true(list && copy && list != copy);
    assert_int_equal(path_dictionary_get_num_paths_from_path_list(&d, copy, &n).status, OVX_API_SUCCESS);
    assert_int_equal(n, 3);
    assert_int_equal(path_dictionary_get_paths_from_path_list(&d, list, 1, 2, out, &n).status, OVX_API_SUCCESS);
    assert_true(n == 2 && out[0] == paths[1] && out[1] == paths[2]);
    assert_int_equal(path_dictionary_get_paths_from_path_list(&d, list, 5, 2, out, &n).status, OVX_API_SUCCESS);
    assert_int_equal(n, 0);
    assert_int_equal(path_dictionary_destroy_path_list(&d, list).status, OVX_API_SUCCESS);
    ovx_api_result_t r = path_dictionary_destroy_path_list(&d, list);
    assert_int_equal(r.status, OVX_API_ERROR);
    path_dictionary_release_error(&d, r.error);
    assert_int_equal(path_dictionary_destroy_path_list(&d, copy).status, OVX_API_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_type_and_by_attribute), cmocka_unit_test(filters_combine), cmocka_unit_test(attributes_of_a_group),
        cmocka_unit_test(result_lists_serve_as_bindings), cmocka_unit_test(paths_and_tokens),
        cmocka_unit_test(bad_paths_give_an_error_text), cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, setup_plain, teardown);
}
