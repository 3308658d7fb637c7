// The parts of src/ovrtx that need neither a stage nor a device.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include <ovrtx/ovrtx.h>

#include "clock.h"
#include "handles.h"
#include "log_filter.h"
#include "ops.h"
#include "paths.h"
#include "xform.h"

static void filters(void **state)
{
    static const struct {
        const char *filter, *channel;
        int otherwise, threshold;
    } rows[] = {
        { "", "usd", 1, 1 },
        { "usd=info", "usd.parse", 2, -1 },
        { "usd=info", "us", 2, 2 },
        { "usd=error,usd.parse=debug", "usd.parse.text", 0, -2 },
        { "usd.parse=debug,usd=error", "usd.compose", 0, 1 },
        { "carb=warn", "carbon", 2, 0 },
        { " a = WARNING ,, b=Fatal, ", "b", 0, 2 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_filter f;
        char why[200];
        assert_true(log_filter_parse(&f, rows[i].filter, strlen(rows[i].filter), why, sizeof(why)));
        assert_int_equal(log_filter_threshold(&f, rows[i].channel, rows[i].otherwise), rows[i].threshold);
        log_filter_finish(&f);
    }
    const char *bad[] = { "usd", "usd=", "=info", "usd=very", "a=info,b" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct log_filter f;
        char why[200] = "";
        assert_false(log_filter_parse(&f, bad[i], strlen(bad[i]), why, sizeof(why)));
        assert_true(why[0] != 0);
        assert_int_equal(f.count, 0);
    }
}

static void valid_paths(void **state)
{
    const char *good[] = { "/", "/A", "/World/a_1", "/\xc3\xa4" }, *bad[] = { "", "A", "/A/", "//", "/A//B", "/A.b", "/A B", "/A<" };
    for (size_t i = 0; i < 4; i++)
        assert_true(paths_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < 8; i++)
        assert_false(paths_valid(bad[i], strlen(bad[i])));
    struct paths *p = paths_create();
    uint32_t a = paths_path(p, "/A", 2), b = paths_child(p, a, "B", 1);
    assert_string_equal(paths_text(p, b, NULL), "/A/B");
    assert_int_equal(paths_child(p, paths_path(p, "/", 1), "A", 1), a);
    assert_int_equal(paths_path(p, "/A/B", 4), b);
    assert_int_equal(paths_find(p, "/Never", 6), 0);
    paths_destroy(&p);
}

static void handles_are_never_reused(void **state)
{
    struct handle_table t;
    int object;
    handles_init(&t);
    uint64_t a = handles_add(&t, &object);
    assert_ptr_equal(handles_take(&t, a), &object);
    assert_null(handles_get(&t, a));
    assert_null(handles_take(&t, a));
    assert_true(handles_add(&t, &object) > a);
    assert_null(handles_get(&t, 0));
    handles_finish(&t);
}

// ---------------------------------------------------------------------------------------------

struct journal {
    int order[4096], count, freed;
};

static int note(void *user, void *payload, struct op *op)
{
    struct journal *j = user;
    int n             = (int)(intptr_t)payload;
    j->order[j->count++] = n;
    return n % 10 == 7 ? op_fail(op, "number %d", n) : 0;
}

static struct journal *freeing;
static void note_free(void *payload) { freeing->freed++; }

static void operations_run_in_order(void **state)
{
    struct journal j = { .count = 0 };
    freeing          = &j;
    struct ops *ops  = ops_create(&j, false);
    uint64_t last    = 0;
    for (int i = 0; i < 1000; i++) {
        ovrtx_enqueue_result_t r = ops_enqueue(ops, note, note_free, (void *)(intptr_t)i);
        assert_int_equal(r.op_index, last + 1);
        last = r.op_index;
    }
    assert_true(ops_wait(ops, last, UINT64_MAX));
    assert_int_equal(j.count, 1000);
    assert_int_equal(j.freed, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(j.order[i], i);
    ovrtx_op_wait_result_t wait;
    ops_report(ops, 500, &wait); // ids start at 1: numbers 0 to 499
    assert_int_equal(wait.num_error_ops, 50);
    assert_int_equal(wait.error_op_ids[0], 8);
    assert_string_equal(ovrtx_get_last_op_error(8).ptr, "number 7");
    ops_report(ops, last, &wait);
    assert_int_equal(wait.num_error_ops, 50);
    ops_report(ops, last, &wait);
    assert_int_equal(wait.num_error_ops, 0);
    ops_destroy(&ops);
}

static int sleepy(void *user, void *payload, struct op *op)
{
    clock_sleep_until_ns(clock_mono_ns() + 50000000);
    return 0;
}

static void waits_time_out_and_destroy_drains(void **state)
{
    struct journal j = { .count = 0 };
    struct ops *ops  = ops_create(&j, false);
    uint64_t slow    = ops_enqueue(ops, sleepy, NULL, NULL).op_index;
    assert_false(ops_wait(ops, slow, 0));
    assert_false(ops_wait(ops, slow, 1000000));
    assert_int_equal(ops_lowest_pending(ops), slow);
    ovrtx_op_status_t status;
    ops_status(ops, slow, &status);
    assert_int_equal(status.state, OVRTX_EVENT_PENDING);
    free(status.counters);
    ops_enqueue(ops, note, NULL, (void *)(intptr_t)3);
    ops_destroy(&ops);
    assert_int_equal(j.count, 1);
}

static void *many(void *arg)
{
    for (int i = 0; i < 500; i++)
        ops_enqueue(arg, note, NULL, (void *)(intptr_t)1);
    return NULL;
}

static void threads_share_a_stream(void **state)
{
    struct journal j = { .count = 0 };
    struct ops *ops  = ops_create(&j, false);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, many, ops);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ops_last(ops), 2000);
    assert_true(ops_wait(ops, 2000, UINT64_MAX));
    assert_int_equal(j.count, 2000);
    ops_destroy(&ops);
}

static void matrices(void **state)
{
    // 180 degrees about X after a scale, before a move.
    double m[16];
    matrix_from_trs(m, (double[]) { 4, 5, 6 }, (double[]) { 1, 0, 0, 0 }, (double[]) { 2, 3, 4 });
    const double want[16] = { 2, 0, 0, 0, 0, -3, 0, 0, 0, 0, -4, 0, 4, 5, 6, 1 };
    for (int i = 0; i < 16; i++)
        assert_true(m[i] == want[i]);
    struct box b = { { 0, 0, 0 }, { 1, 1, 1 } }, t = box_transformed(&b, m);
    assert_true(t.min[1] == 2 && t.max[1] == 5 && t.max[0] == 6 && t.min[2] == 2);
    struct box empty = box_empty();
    assert_true(box_is_empty(&empty) && !box_is_empty(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters), cmocka_unit_test(valid_paths), cmocka_unit_test(handles_are_never_reused),
        cmocka_unit_test(operations_run_in_order), cmocka_unit_test(waits_time_out_and_destroy_drains),
        cmocka_unit_test(threads_share_a_stream), cmocka_unit_test(matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
