// Pace and replies where the libraries have this project's extensions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "harness.h"

static void wait_ms(int ms) { clock_sleep_until_ns(clock_mono_ns() + (int64_t)ms * 1000000); }

static void start(void)
{
    char scene[400];
    fake_reset();
    snprintf(scene, sizeof(scene), "%s/y.usda", harness_folder());
    serve_start(scene, NULL);
    size_t from = fake_sent_count();
    fake_client(1);
    fake_connect(true);
    json_decref(next_of("loadingStateResponse", &from));
}

static void a_finished_picture_rests(void **state)
{
    (void)state;
    start();
    assert_true(fake_find("listen 127.0.0.1", 0) >= 0);
    assert_true(fake_wait("rest 1", 0, 3000) >= 0);
    wait_ms(600);
    size_t steps = fake_count("step-begin"), frames = fake_count("frame");
    wait_ms(2100);
    assert_int_equal(fake_count("step-begin"), steps); // nothing is rendered
    size_t sent = fake_count("frame") - frames;
    assert_true(sent >= 2 && sent <= 8); // and yet the picture keeps coming
    // The next input wakes it at once: the camera is written before the period of the keep-alive is over.
    size_t at = fake_event_count();
    int64_t before = clock_mono_ns(), when = 0;
    mouse_move(20, 20);
    mouse_button(1, true, 20, 20);
    mouse_move(30, 20);
    mouse_move(40, 20);
    long written = fake_wait("xform", at, 1000);
    assert_true(written >= 0);
    char text[200];
    fake_event((size_t)written, text, sizeof(text), NULL, &when);
    assert_true(when - before < 100000000);
    assert_true(fake_wait("rest 0", at, 1000) >= 0);
    long step = fake_wait("step", (size_t)written, 1000), frame = fake_wait("frame", (size_t)step, 1000);
    int64_t shown = 0;
    fake_event((size_t)frame, text, sizeof(text), NULL, &shown);
    assert_true(shown - when < 100000000); // written, stepped and submitted in one turn
    assert_true(fake_find("budget 13.3", 0) >= 0); // 80 % of a sixtieth while it moves
    mouse_button(1, false, 40, 20);
    assert_true(fake_wait("budget 30.0", at, 3000) >= 0); // refining
    assert_true(fake_wait("rest 1", at, 3000) >= 0);
    assert_int_equal(serve_stop(), 0);
}

static void only_what_is_shown_is_asked_for(void **state)
{
    (void)state;
    start();
    assert_true(fake_find("outputs 0", 0) < 0); // not even at first: the first picture would wait for all
    assert_true(fake_wait("outputs 1 LdrColor", 0, 2000) >= 0);
    json_decref(ask_for("changeAOVRequest", "{'aov':'SemanticSegmentationSD'}", "activeAOVState"));
    assert_true(fake_wait("outputs 1 SemanticSegmentation", 0, 2000) >= 0); // as this renderer spells it
    json_t *r = ask_for("getStatsRequest", "{}", "getStatsResult");
    assert_non_null(json_object_get(r, "samples"));
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void replies_go_to_who_asked(void **state)
{
    (void)state;
    start();
    fake_client(7);
    json_decref(ask_for("getPrimCountRequest", "{}", "getPrimCountResult"));
    assert_true(fake_find("to 7 {\"event_type\":\"getPrimCountResult\"", 0) >= 0);
    size_t at = fake_event_count();
    json_decref(ask_for("selectPrimsRequest", "{'paths':['/World/Table']}", "stageSelectionChanged"));
    assert_true(fake_find("to 7 {\"event_type\":\"stageSelectionChanged\"", at) < 0); // everybody hears of a change
    fake_client(9);
    size_t from = fake_sent_count();
    at          = fake_event_count();
    fake_connect(true); // a second viewer: only it gets the initial state
    json_decref(next_of("loadingStateResponse", &from));
    assert_true(fake_find("to 9 {\"event_type\":\"openStageResult\"", at) >= 0);
    assert_int_equal(serve_stop(), 0);
}

static void nobody_watches(void **state)
{
    (void)state;
    start();
    fake_connect(false);
    size_t steps = 0;
    for (int i = 0; i < 20; i++) { // until it has converged: then no two steps within half a second
        steps = fake_count("step-begin");
        wait_ms(500);
        if (fake_count("step-begin") - steps <= 1)
            break;
    }
    steps = fake_count("step-begin");
    wait_ms(3200);
    size_t more = fake_count("step-begin") - steps;
    assert_true(more >= 2 && more <= 5); // about one a second
    assert_int_equal(serve_stop(), 0);
}

static int make_folder(void **state)
{
    (void)state;
    harness_make_folder();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    harness_remove_folder();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finished_picture_rests), cmocka_unit_test(only_what_is_shown_is_asked_for),
        cmocka_unit_test(replies_go_to_who_asked), cmocka_unit_test(nobody_watches),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
