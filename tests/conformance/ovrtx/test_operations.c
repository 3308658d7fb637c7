// The operation stream, and what opening, adding, removing and cloning do to the stage.

#include <unistd.h>

#include "fixture.h"

static void missing_file(void **state)
{
    ovrtx_enqueue_result_t r = ovrtx_open_usd_from_file(renderer, S("/no/such/file.usda"));
    ovrtx_op_wait_result_t wait;
    ok(r);
    memset(&wait, 0xff, sizeof(wait));
    ok(ovrtx_wait_op(renderer, r.op_index, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 1);
    assert_int_equal(wait.error_op_ids[0], r.op_index);
    assert_int_equal(wait.lowest_pending_op_id, 0);
    ovx_string_t text = ovrtx_get_last_op_error(r.op_index);
    assert_true(text.length > 0);
    assert_non_null(strstr(text.ptr, "file.usda"));
    assert_int_equal(ovrtx_get_last_op_error(r.op_index + 1).length, 0);
    // The stream goes on.
    wait_ok(ovrtx_reset_stage(renderer));
    assert_int_equal(ovrtx_get_last_op_error(r.op_index).length, 0);
}

static void failures_are_reported_once_by_the_wait_that_covers_them(void **state)
{
    ovrtx_enqueue_result_t a = ovrtx_open_usd_from_file(renderer, S("/no/such/a.usda"));
    ovrtx_enqueue_result_t b = ovrtx_reset_stage(renderer);
    ovrtx_enqueue_result_t c = ovrtx_open_usd_from_file(renderer, S("/no/such/c.usda"));
    assert_true(a.op_index && a.op_index < b.op_index && b.op_index < c.op_index);
    ovrtx_op_wait_result_t wait;
    ok(ovrtx_wait_op(renderer, b.op_index, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 1);
    assert_int_equal(wait.error_op_ids[0], a.op_index);
    ok(ovrtx_wait_op(renderer, c.op_index, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 1);
    assert_int_equal(wait.error_op_ids[0], c.op_index);
    ok(ovrtx_wait_op(renderer, c.op_index, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 0);
}

static void unknown_operations(void **state)
{
    ovrtx_op_wait_result_t wait;
    ovrtx_op_status_t status;
    refused(ovrtx_wait_op(renderer, 0, ovrtx_timeout_infinite, &wait));
    refused(ovrtx_wait_op(renderer, UINT64_MAX, (ovrtx_timeout_t) { 0 }, &wait));
    refused(ovrtx_query_op_status(renderer, UINT64_MAX, &status));
}

static void status_reaches_the_end_without_a_wait(void **state)
{
    ovrtx_enqueue_result_t r = ovrtx_open_usd_from_string(renderer, S("#usda 1.0\ndef Cube \"A\" {}\n"));
    ovrtx_op_status_t status;
    ok(r);
    do {
        ok(ovrtx_query_op_status(renderer, r.op_index, &status));
        assert_int_equal(status.op_id, r.op_index);
        assert_int_not_equal(status.state, OVRTX_EVENT_FAILURE);
        assert_true(status.progress <= 1);
        for (size_t i = 0; i < status.counter_count; i++) {
            assert_true(status.counters[i].name.length > 0);
            assert_true(!status.counters[i].total || status.counters[i].current <= status.counters[i].total);
        }
        ok(ovrtx_release_op_status(renderer, &status));
    } while (status.state == OVRTX_EVENT_PENDING);
    assert_true(status.progress == 1);
    wait_ok(r);
}

static void broken_text_names_the_place(void **state)
{
    const char *text = wait_failed(ovrtx_open_usd_from_string(renderer, S("#usda 1.0\ndef Cube \"A\" {\n  double size = \n}\n")));
    assert_non_null(strchr(text, ':'));
}

static void leading_white_space(void **state)
{
    open_text("\n        #usda 1.0\n        def Xform \"World\" {}\n");
    assert_int_equal(count_prims(), 1);
}

// ---------------------------------------------------------------------------------------------

static const char root[]  = "#usda 1.0\n(\n    defaultPrim = \"World\"\n)\ndef Xform \"World\"\n{\n    def Cube \"Box\"\n    {\n        double size = 3\n    }\n}\n";
static const char layer[] = "#usda 1.0\n(\n    defaultPrim = \"Referenced\"\n)\ndef Xform \"Referenced\"\n{\n    def Sphere \"KnownChild\"\n    {\n        double radius = 2\n    }\n}\n";

static bool exists(const char *path) { return has_attribute(path, "omni:xform"); }

static void references_come_and_go(void **state)
{
    ovrtx_usd_handle_t handle = 0, second = 0;
    open_text(root);
    wait_ok(ovrtx_add_usd_reference_from_string(renderer, S(layer), S("/World/Injected"), &handle));
    assert_int_not_equal(handle, 0);
    assert_true(exists("/World/Injected") && exists("/World/Injected/KnownChild"));
    wait_failed(ovrtx_add_usd_reference_from_string(renderer, S(layer), S("/World/Box"), &second));
    wait_ok(ovrtx_remove_usd(renderer, handle));
    assert_false(exists("/World/Injected") || exists("/World/Injected/KnownChild"));
    assert_true(exists("/World/Box"));
    wait_failed(ovrtx_remove_usd(renderer, handle));
    wait_ok(ovrtx_add_usd_reference_from_string(renderer, S(layer), S("/World/Injected"), &second));
    assert_int_not_equal(handle, second);
    assert_true(exists("/World/Injected/KnownChild"));
}

static void a_reference_needs_no_root(void **state)
{
    ovrtx_usd_handle_t handle;
    wait_ok(ovrtx_reset_stage(renderer));
    wait_ok(ovrtx_add_usd_reference_from_string(renderer, S(layer), S("/LoadedBase"), &handle));
    assert_true(exists("/LoadedBase/KnownChild"));
    wait_failed(ovrtx_add_usd_reference_from_string(renderer, S("#usda 1.0\ndef Cube \"A\" {}\n"), S("/Other"), &handle));
}

static void a_reference_from_a_file(void **state)
{
    char path[] = "/tmp/ovrtx-ref-XXXXXX.usda";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0 && write(fd, layer, strlen(layer)) == (ssize_t)strlen(layer));
    close(fd);
    ovrtx_usd_handle_t handle;
    open_text(root);
    wait_ok(ovrtx_add_usd_reference_from_file(renderer, str(path), S("/World/Deep/Below"), &handle));
    assert_true(exists("/World/Deep/Below/KnownChild"));
    wait_ok(ovrtx_open_usd_from_file(renderer, str(path)));
    assert_true(exists("/Referenced/KnownChild"));
    assert_false(exists("/World"));

    char text[256];
    snprintf(text, sizeof(text), "#usda 1.0\n(\n    subLayers = [\n        @%s@\n    ]\n)\ndef Cube \"Mine\" {}\n", path);
    open_text(text);
    assert_true(exists("/Referenced/KnownChild") && exists("/Mine"));
    unlink(path);
}

static void clones_are_equal_and_apart(void **state)
{
    ovx_string_t targets[] = { S("/World/CopyA"), S("/CopyB") };
    open_text(root);
    double size = 7;
    wait_ok(write_one("/World/Box", "size", dtype(kDLFloat, 64, 1), false, OVRTX_BINDING_PRIM_MODE_MUST_EXIST, &size, 1));
    wait_ok(ovrtx_clone_usd(renderer, S("/World/Box"), targets, 2));
    ovrtx_read_output_t out;
    for (int i = 0; i < 2; i++) {
        assert_true(read_one(targets[i].ptr, "size", &out));
        assert_true(*(double *)out.buffers[0].dl.data == 7);
        release(&out);
    }
    size = 9;
    wait_ok(write_one("/CopyB", "size", dtype(kDLFloat, 64, 1), false, OVRTX_BINDING_PRIM_MODE_MUST_EXIST, &size, 1));
    assert_true(read_one("/World/Box", "size", &out));
    assert_true(*(double *)out.buffers[0].dl.data == 7);
    release(&out);
    char cubes[8][256];
    assert_int_equal(query(OVRTX_FILTER_PRIM_TYPE, "Cube", cubes, 8), 3);
    wait_failed(ovrtx_clone_usd(renderer, S("/World/Box"), targets, 1)); // is there already
    wait_failed(ovrtx_clone_usd(renderer, S("/Nothing"), (ovx_string_t[]) { S("/C") }, 1));
    // Into itself: the copy is not copied.
    wait_ok(ovrtx_clone_usd(renderer, S("/World"), (ovx_string_t[]) { S("/World/Inner") }, 1));
    assert_true(exists("/World/Inner/Box") && !exists("/World/Inner/Inner"));
}

static void reset_on_an_empty_renderer(void **state)
{
    wait_ok(ovrtx_reset_stage(renderer));
    wait_ok(ovrtx_reset_stage(renderer));
    assert_int_equal(count_prims(), 0);
    wait_ok(ovrtx_reset(renderer, 2.5));
}

static void time_moves_what_is_sampled(void **state)
{
    open_text("#usda 1.0\n(\n    timeCodesPerSecond = 60\n)\ndef Xform \"Mover\"\n{\n    double3 xformOp:translate.timeSamples = {\n        0: (0, 0, 0),\n        60: (10, 0, 0),\n    }\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n");
    double x[3];
    for (int i = 0; i < 3; i++) {
        ovrtx_read_output_t out;
        wait_ok(ovrtx_update_stage_from_usd_time(renderer, i * 0.5));
        assert_true(read_one("/Mover", "omni:xform", &out));
        x[i] = ((double *)out.buffers[0].dl.data)[12];
        release(&out);
    }
    assert_true(x[0] == 0 && x[1] == 5 && x[2] == 10);
    // A new time replaces what was written to a sampled attribute.
    double m[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 42, 0, 0, 1 };
    ovrtx_read_output_t out;
    wait_ok(write_one("/Mover", "omni:xform", dtype(kDLFloat, 64, 16), false, OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY, m, 1));
    wait_ok(ovrtx_update_stage_from_usd_time(renderer, 0.25));
    assert_true(read_one("/Mover", "omni:xform", &out));
    assert_true(((double *)out.buffers[0].dl.data)[12] == 2.5);
    release(&out);
}

static void asset_roots_keep_files_out(void **state)
{
    char path[] = "/tmp/ovrtx-root-XXXXXX.usda";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0 && write(fd, layer, strlen(layer)) == (ssize_t)strlen(layer));
    close(fd);
    ok(ovrtx_ext_set_asset_roots(renderer, (ovx_string_t[]) { S("/usr") }, 1));
    wait_failed(ovrtx_open_usd_from_file(renderer, str(path)));
    ok(ovrtx_ext_set_asset_roots(renderer, (ovx_string_t[]) { S("/usr"), S("/tmp") }, 2));
    wait_ok(ovrtx_open_usd_from_file(renderer, str(path)));
    refused(ovrtx_ext_set_asset_roots(renderer, (ovx_string_t[]) { S("/no/such/folder") }, 1));
    ok(ovrtx_ext_set_asset_roots(renderer, NULL, 0));
    wait_ok(ovrtx_open_usd_from_file(renderer, str(path)));
    unlink(path);
}

static void bounds_follow_transforms(void **state)
{
    ovrtx_ext_bounds_t b;
    open_text(root);
    ok(ovrtx_ext_get_bounds(renderer, S(""), &b));
    assert_true(b.min[0] == -1.5 && b.max[2] == 1.5);
    double m[16] = { 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 10, 0, 0, 1 };
    ok(write_one("/World", "omni:xform", dtype(kDLFloat, 64, 16), false, OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY, m, 1));
    ok(ovrtx_ext_get_bounds(renderer, S("/World/Box"), &b));
    assert_true(b.min[0] == 7 && b.max[0] == 13 && b.max[1] == 3);
    refused(ovrtx_ext_get_bounds(renderer, S("/Nothing"), &b));
    wait_ok(ovrtx_reset_stage(renderer));
    ok(ovrtx_ext_get_bounds(renderer, S(""), &b));
    assert_true(b.min[0] > b.max[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_file),
        cmocka_unit_test(failures_are_reported_once_by_the_wait_that_covers_them),
        cmocka_unit_test(unknown_operations),
        cmocka_unit_test(status_reaches_the_end_without_a_wait),
        cmocka_unit_test(broken_text_names_the_place),
        cmocka_unit_test(leading_white_space),
        cmocka_unit_test(references_come_and_go),
        cmocka_unit_test(a_reference_needs_no_root),
        cmocka_unit_test(a_reference_from_a_file),
        cmocka_unit_test(clones_are_equal_and_apart),
        cmocka_unit_test(reset_on_an_empty_renderer),
        cmocka_unit_test(time_moves_what_is_sampled),
        cmocka_unit_test(asset_roots_keep_files_out),
        cmocka_unit_test(bounds_follow_transforms),
    };
    return cmocka_run_group_tests(tests, setup_plain, teardown);
}
