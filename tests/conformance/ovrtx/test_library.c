// Versions, lifetimes, errors that need no stage, and the log.

#include <unistd.h>

#include "fixture.h"

static void version_is_0_3_0(void **state)
{
    uint32_t v[3] = { 9, 9, 9 };
    ovrtx_get_version(&v[0], &v[1], &v[2]);
    assert_int_equal(v[0], 0);
    assert_int_equal(v[1], 3);
    assert_int_equal(v[2], 0);
    ovrtx_get_version(NULL, NULL, NULL);
}

static void shutdown_needs_initialize(void **state)
{
    ovrtx_config_t empty = { NULL, 0 };
    refused(ovrtx_shutdown());
    assert_true(ovrtx_get_last_error().length > 0);
    refused(ovrtx_initialize(NULL));
    ok(ovrtx_initialize(&empty));
    ok(ovrtx_initialize(&empty));
    assert_int_equal(ovrtx_get_last_error().length, 0);
    ok(ovrtx_shutdown());
    ok(ovrtx_shutdown());
    refused(ovrtx_shutdown());
}

static void schema_paths_always_succeed(void **state)
{
    ok(ovrtx_register_schema_paths(NULL));
    ok(ovrtx_register_schema_paths(NULL));
}

static void unknown_extension(void **state)
{
    const void *vtable = NULL;
    refused(ovrtx_query_extension("no.such.extension", &vtable));
    assert_null(vtable);
    assert_true(ovrtx_get_last_error().length > 0);
}

static void log_needs_initialisation(void **state)
{
    refused(ovrtx_set_log_callback(OVRTX_LOG_INFO, NULL, NULL, NULL));
    refused(ovrtx_flush_log(ovrtx_timeout_infinite));
}

static void null_and_foreign_renderers(void **state)
{
    ovrtx_op_wait_result_t wait;
    int not_a_renderer;
    memset(&wait, 0xff, sizeof(wait));
    refused(ovrtx_wait_op(NULL, 1, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 0); // filled in on every status
    refused(ovrtx_reset_stage((ovrtx_renderer_t *)&not_a_renderer));
    assert_true(ovrtx_get_last_error().length > 0);
    refused(ovrtx_destroy_renderer(NULL));
    refused(ovrtx_create_renderer(NULL, &renderer));
}

// ---------------------------------------------------------------------------------------------

struct messages {
    int count, inside;
    bool overlapped, reentered;
    char channels[64][64];
};

static void on_message(ovrtx_log_severity_t severity, double timestamp, ovx_string_t message, void *user)
{
    struct messages *m = user;
    m->overlapped |= m->inside++ != 0;
    assert_true(timestamp > 1.5e9);
    assert_int_equal(strlen(message.ptr), message.length);
    if (m->count < 64)
        snprintf(m->channels[m->count], 64, "%s", message.ptr);
    m->count++;
    uint32_t major; // calling back is allowed
    ovrtx_get_version(&major, NULL, NULL);
    m->reentered = true;
    m->inside--;
}

static void callback_hears_an_open(void **state)
{
    struct messages m = { 0 };
    ok(ovrtx_set_log_callback(OVRTX_LOG_INFO, NULL, on_message, &m));
    wait_ok(ovrtx_reset_stage(renderer));
    open_text("#usda 1.0\ndef Xform \"World\" {}\n");
    ok(ovrtx_flush_log(ovrtx_timeout_infinite));
    assert_true(m.count > 0);
    assert_false(m.overlapped);
    assert_true(m.reentered);
    ok(ovrtx_set_log_callback(OVRTX_LOG_INFO, NULL, NULL, NULL));
    int before = m.count;
    open_text("#usda 1.0\n");
    ok(ovrtx_flush_log(ovrtx_timeout_infinite));
    assert_int_equal(m.count, before);
}

static void rules_for_channels(void **state)
{
    struct messages m = { 0 };
    ovx_string_t filter = S("no.such.channel=info");
    ok(ovrtx_set_log_callback(OVRTX_LOG_FATAL, &filter, on_message, &m));
    open_text("#usda 1.0\ndef Xform \"World\" {}\n");
    ok(ovrtx_flush_log(ovrtx_timeout_infinite));
    assert_int_equal(m.count, 0);

    filter = S(" ovrtx.stage = INFO , ovrtx=fatal,, ");
    ok(ovrtx_set_log_callback(OVRTX_LOG_FATAL, &filter, on_message, &m));
    open_text("#usda 1.0\ndef Xform \"World\" {}\n");
    ok(ovrtx_flush_log(ovrtx_timeout_infinite));
    assert_true(m.count > 0);
    for (int i = 0; i < m.count && i < 64; i++)
        assert_memory_equal(m.channels[i], "ovrtx.stage", 11);

    // A bad filter changes nothing.
    const char *bad[] = { "ovrtx", "ovrtx=loud", "=info" };
    for (size_t i = 0; i < 3; i++) {
        filter = str(bad[i]);
        refused(ovrtx_set_log_callback(OVRTX_LOG_INFO, &filter, NULL, NULL));
        assert_true(ovrtx_get_last_error().length > 0);
    }
    int before = m.count;
    open_text("#usda 1.0\n");
    ok(ovrtx_flush_log(ovrtx_timeout_infinite));
    assert_true(m.count > before);
    ok(ovrtx_set_log_callback(OVRTX_LOG_INFO, NULL, NULL, NULL));
}

static void two_renderers_with_other_settings(void **state)
{
    ovrtx_config_entry_t entries[] = { ovrtx_config_entry_sync_mode(true), ovrtx_config_entry_log_level(S("info")),
                                       ovrtx_config_entry_selection_outline_width(99) };
    ovrtx_config_t config = { entries, 3 };
    ovrtx_renderer_t *second = NULL, *first = renderer;
    ok(ovrtx_create_renderer(&config, &second));
    renderer = second;
    open_text("#usda 1.0\ndef Xform \"Second\" {}\n");
    assert_int_equal(count_prims(), 1);
    renderer = first;
    open_text("#usda 1.0\ndef Xform \"A\" {}\ndef Xform \"B\" {}\n");
    assert_int_equal(count_prims(), 2);

    // Sync mode: the failure is there at once, and once more at the wait.
    ovrtx_enqueue_result_t r = ovrtx_open_usd_from_file(second, S("/no/such/file.usda"));
    assert_int_equal(r.status, OVRTX_API_ERROR);
    assert_int_not_equal(r.op_index, 0);
    assert_true(ovrtx_get_last_error().length > 0);
    ovrtx_op_wait_result_t wait;
    ok(ovrtx_wait_op(second, r.op_index, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 1);
    ok(ovrtx_wait_op(second, r.op_index, ovrtx_timeout_infinite, &wait));
    assert_int_equal(wait.num_error_ops, 0);
    ok(ovrtx_destroy_renderer(second));
    refused(ovrtx_destroy_renderer(second));
}

static void log_file_is_written(void **state)
{
    char path[] = "/tmp/ovrtx-log-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    ovrtx_config_entry_t entries[] = { ovrtx_config_entry_log_file_path(str(path)), ovrtx_config_entry_log_level(S("info")) };
    ovrtx_config_t config = { entries, 2 };
    ovrtx_renderer_t *second;
    ok(ovrtx_create_renderer(&config, &second));
    ok(ovrtx_destroy_renderer(second));
    ok(ovrtx_flush_log(ovrtx_timeout_infinite));
    FILE *file = fopen(path, "r");
    char text[4096] = "";
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    assert_non_null(strstr(text, "ovrtx.renderer: "));
    fclose(file);
    unlink(path);

    entries[0] = ovrtx_config_entry_log_file_path(S("/no/such/folder/x.log"));
    refused(ovrtx_create_renderer(&config, &second));
    assert_non_null(strstr(ovrtx_get_last_error().ptr, "/no/such/folder"));
}

int main(void)
{
    const struct CMUnitTest before[] = {
        cmocka_unit_test(version_is_0_3_0),       cmocka_unit_test(shutdown_needs_initialize),
        cmocka_unit_test(schema_paths_always_succeed), cmocka_unit_test(unknown_extension),
        cmocka_unit_test(log_needs_initialisation), cmocka_unit_test(null_and_foreign_renderers),
    };
    const struct CMUnitTest with_renderer[] = {
        cmocka_unit_test(callback_hears_an_open), cmocka_unit_test(rules_for_channels),
        cmocka_unit_test(two_renderers_with_other_settings), cmocka_unit_test(log_file_is_written),
    };
    int failed = cmocka_run_group_tests_name("without a renderer", before, NULL, NULL);
    return failed + cmocka_run_group_tests_name("with one", with_renderer, setup_plain, teardown);
}
