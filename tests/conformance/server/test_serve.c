// The viewer contract on stand-in libraries. Numbers in brackets are those of the acceptance checklist.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "harness.h"
#include "log.h"

static void wait_ms(int ms) { clock_sleep_until_ns(clock_mono_ns() + (int64_t)ms * 1000000); }

static int fresh(void **state)
{
    (void)state;
    fake_reset();
    char settings[400];
    snprintf(settings, sizeof(settings), "%s/../settings.json", harness_folder());
    remove(settings);
    return 0;
}

static int stopped(void **state)
{
    (void)state;
    if (fake_running())
        serve_stop();
    return 0;
}

static const char *scene(const char *name)
{
    static char path[400];
    snprintf(path, sizeof(path), "%s/%s", harness_folder(), name);
    return path;
}

static void connected(void)
{
    size_t from = fake_sent_count();
    fake_connect(true);
    json_decref(next_of("loadingStateResponse", &from)); // the last of the initial push
}

static void open_scene(const char *url)
{
    char payload[512];
    snprintf(payload, sizeof(payload), "{'url':'%s'}", url);
    json_t *r = ask_for("openStageRequest", payload, "openStageResult");
    assert_string_equal(text_of(r, "result"), "success");
    json_decref(r);
}

// ---------------------------------------------------------------------------------------------------
// Start-up and shutdown

static void start_up_order(void **state) // [1-5]
{
    (void)state;
    fake_stream.connect_in_start = true;
    serve_start(scene("y.usda"), NULL);
    static const char *const order[] = { "create-renderer sync=1 outline=1 width=4 fill=3 skip=1", "open-begin y.usda", "open y.usda", "xform",
                                         "styles 3", "step", "stream-initialize", "create-server 0", "set-connection", "set-message", "set-input",
                                         "start 128x72 fps=60 input=1" };
    size_t at = 0;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        long found = fake_find(order[i], at);
        if (found < 0)
            fail_msg("'%s' is missing or too early", order[i]);
        at = (size_t)found + 1;
    }
    assert_int_equal(fake_count("create-renderer"), 1);
    assert_true(fake_count("step-begin") >= 5); // a warm-up without statistics
    size_t from = 0;
    json_decref(next_of("loadingStateResponse", &from)); // the message sent from inside start was not lost
    assert_true(fake_wait("frame", 0, 2000) >= 0);
    wait_ms(200);
    // One thread does everything with the renderer, and the submissions too.
    pthread_t render = 0, other = 0;
    char text[200];
    for (size_t i = 0; i < fake_event_count(); i++) {
        fake_event(i, text, sizeof(text), &other, NULL);
        bool renderer = !strncmp(text, "step", 4) || !strncmp(text, "xform", 5) || !strncmp(text, "open", 4) || !strncmp(text, "pick", 4);
        if (renderer && !render)
            render = other;
        if (renderer || !strncmp(text, "frame", 5))
            assert_true(pthread_equal(render, other));
    }
    assert_int_equal(serve_stop(), 0);
    static const char *const end[] = { "stop", "destroy-server", "destroy-renderer", "stream-shutdown" };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fake_count(end[i]), 1);
        if (i)
            assert_true(fake_find(end[i], 0) > fake_find(end[i - 1], 0));
    }
    assert_int_equal(fake_mapped_now(), 0);
    assert_int_equal(fake_results_now(), 0);
}

static void idle_without_a_scene(void **state) // [6, 8, 14-16]
{
    (void)state;
    serve_start(NULL, NULL);
    char *body, *headers;
    assert_int_equal(http_get(NULL, "/healthz", &body, NULL), 503);
    assert_string_equal(body, "not ready");
    free(body);
    connected();
    assert_true(fake_wait("frame 128x72 pitch=512 shape=72,128,4 bits=8 device=1", 0, 2000) >= 0);
    assert_int_equal(fake_pixel(5, 5), 0xff000000u);
    json_t *r = ask_for("loadingStateQuery", "{}", "loadingStateResponse");
    assert_string_equal(text_of(r, "loading_state"), "idle");
    assert_string_equal(text_of(r, "state"), "idle");
    assert_string_equal(text_of(r, "url"), "");
    json_decref(r);
    r = ask_for("getChildrenRequest", "{'prim_path':'/World','request_id':'q7'}", "getChildrenResult");
    assert_string_equal(text_of(r, "error"), "No stage loaded");
    assert_string_equal(text_of(r, "request_id"), "q7");
    json_decref(r);
    r = ask_for("resetStageRequest", "{}", "viewerError");
    assert_string_equal(text_of(r, "code"), "no_stage");
    json_decref(r);
    assert_int_equal(http_get(NULL, "/nowhere", NULL, NULL), 404);
    assert_int_equal(http_get(NULL, "/healthz/x", NULL, NULL), 404);
    assert_int_equal(http_get("POST", "/healthz", NULL, NULL), 405);
    assert_int_equal(http_get(NULL, "/livez", NULL, NULL), 200);
    assert_int_equal(http_get(NULL, "/", &body, &headers), 200);
    assert_non_null(strstr(headers, "text/html"));
    assert_non_null(strstr(headers, "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(headers, "default-src 'none'"));
    assert_non_null(strstr(headers, "ws://localhost:49100"));
    free(body);
    free(headers);
    static const char *const climbs[] = { "/../meson.build", "/%2e%2e/meson.build", "/..%2fmeson.build", "//etc/passwd", "/.git/config" };
    for (size_t i = 0; i < sizeof(climbs) / sizeof(climbs[0]); i++) {
        int status = http_get(NULL, climbs[i], NULL, NULL);
        assert_true(status == 404 || status == 400);
    }
    open_scene("y.usda"); // a scene later makes it ready [20]
    assert_int_equal(http_get(NULL, "/healthz", NULL, NULL), 200);
    assert_int_equal(serve_stop(), 0);
    assert_true(fake_all_opaque());
}

static void readiness(void **state) // [15, 17, 19, 21]
{
    (void)state;
    fake_renderer.fail_frames = 30;
    fake_stream.fail_video    = true;
    serve_start(scene("y.usda"), NULL);
    assert_int_equal(http_get(NULL, "/healthz", NULL, NULL), 200); // nobody watches, every submission fails
    wait_ms(100);
    assert_int_equal(log_count("First BGRA frame ready: 128x72"), 1);
    assert_true(fake_count("step-begin") >= 20);
    assert_int_equal(log_levels(LOG_ERROR), 0); // [37]
    char *body;
    assert_int_equal(http_get(NULL, "/metrics", &body, NULL), 200);
    assert_non_null(strstr(body, "\nstagecast_ready 1\n"));
    free(body);
    assert_int_equal(serve_stop(), 0);
}

static void failures_to_start(void **state) // [12]
{
    (void)state;
    fake_renderer.fail_create = true;
    serve_start(scene("y.usda"), NULL);
    assert_int_equal(serve_wait(), 1);
    assert_int_equal(fake_count("stream-initialize"), 0);
    fake_reset();
    fake_stream.fail_start = true;
    serve_start(scene("y.usda"), NULL);
    assert_int_equal(serve_wait(), 1);
    assert_int_equal(fake_count("destroy-server"), 1);
    assert_int_equal(fake_count("destroy-renderer"), 1);
    assert_int_equal(fake_count("stream-shutdown"), 1); // [9]
    fake_reset();
    serve_start(scene("broken.usda"), "--require-scene", NULL);
    assert_int_equal(serve_wait(), 1);
}

static void a_broken_first_scene_keeps_serving(void **state) // [20]
{
    (void)state;
    serve_start(scene("broken.usda"), NULL);
    assert_int_equal(http_get(NULL, "/healthz", NULL, NULL), 503);
    size_t from = fake_sent_count();
    fake_connect(true);
    json_t *r = next_of("openStageResult", &from);
    assert_string_equal(text_of(r, "result"), "error");
    assert_string_equal(text_of(r, "url"), "broken.usda");
    json_decref(r);
    json_decref(next_of("loadingStateResponse", &from));
    open_scene("z.usda");
    assert_int_equal(http_get(NULL, "/healthz", NULL, NULL), 200);
    assert_int_equal(serve_stop(), 0);
}

static void signals_in_each_state(void **state) // [8]
{
    (void)state;
    fake_renderer.open_ms = 700; // starting
    pthread_t unused;
    (void)unused;
    serve_start(NULL, NULL);
    connected();
    ask("openStageRequest", "{'url':'y.usda'}"); // loading
    wait_ms(100);
    assert_int_equal(serve_stop(), 0);
    fake_reset();
    fake_renderer.step_ms = 50;
    serve_start(scene("y.usda"), NULL); // streaming
    assert_int_equal(serve_stop(), 0);
}

// ---------------------------------------------------------------------------------------------------
// Frames

static void frames_never_stop(void **state) // [33-36]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    assert_true(fake_wait("frame", fake_event_count(), 2000) >= 0);
    assert_int_equal(fake_pixel(3, 3), 0xffff0000u); // red stays red [30]
    fake_largest_gap_ns();
    fake_renderer.open_ms       = 1500;
    fake_renderer.first_step_ms = 1500;
    size_t before = fake_event_count();
    fake_renderer.color[0] = 0;
    fake_renderer.color[2] = 255;
    ask("openStageRequest", "{'url':'z.usda'}");
    assert_true(fake_wait("open-begin z", before, 3000) >= 0);
    wait_ms(500);
    assert_int_equal(fake_pixel(3, 3), 0xffff0000u); // the last good picture
    size_t from = fake_sent_count();
    json_t *busy = ask_for("loadingStateQuery", "{}", "loadingStateResponse"); // [70]
    assert_string_equal(text_of(busy, "loading_state"), "busy");
    assert_string_equal(text_of(busy, "url"), "z.usda");
    json_decref(busy);
    json_decref(next_of("openStageResult", &from));
    assert_true(fake_largest_gap_ns() < 1000000000);
    // No step between the beginning and the end of an open. [75]
    char text[200];
    bool opening = false;
    for (size_t i = 0; i < fake_event_count(); i++) {
        fake_event(i, text, sizeof(text), NULL, NULL);
        if (!strncmp(text, "open-begin", 10))
            opening = true;
        else if (!strncmp(text, "open ", 5))
            opening = false;
        assert_false(opening && !strncmp(text, "step", 4));
    }
    assert_true(fake_wait("frame", fake_event_count(), 2000) >= 0);
    wait_ms(100);
    assert_int_equal(fake_pixel(3, 3), 0xff0000ffu); // blue stays blue
    fake_renderer.fail_steps = true; // [36]
    fake_largest_gap_ns();
    wait_ms(300);
    assert_int_equal(fake_pixel(3, 3), 0xff0000ffu);
    fake_renderer.fail_steps = false;
    assert_int_equal(serve_stop(), 0);
    assert_false(fake_torn());
    assert_true(fake_all_opaque());
}

static void a_lost_renderer_is_said(void **state)
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    size_t from = fake_sent_count();
    fake_renderer.lose_device = fake_renderer.fail_steps = true;
    bool lost = false;
    for (int i = 0; i < 3 && !lost; i++) {
        json_t *r = next_of("viewerError", &from);
        lost      = !strcmp(text_of(r, "code"), "renderer_lost");
        json_decref(r);
    }
    assert_true(lost);
    assert_int_equal(http_get(NULL, "/healthz", NULL, NULL), 503);
    fake_renderer.lose_device = fake_renderer.fail_steps = false;
    open_scene("z.usda"); // a way on
    assert_int_equal(http_get(NULL, "/healthz", NULL, NULL), 200);
    assert_int_equal(serve_stop(), 0);
}

// ---------------------------------------------------------------------------------------------------
// Messages

static void wire_forms(void **state) // [41-46]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    static const char *const good[] = {
        "{\"event_type\":\"getPrimCountRequest\",\"payload\":{}}",
        "{\"messageType\":\"json\",\"messageRecipient\":\"app\",\"data\":\"{\\\"event_type\\\":\\\"getPrimCountRequest\\\"}\"}",
        "{\"messageRecipient\":\"kit\",\"data\":{\"event_type\":\"getPrimCountRequest\",\"payload\":{}}}",
    };
    for (size_t i = 0; i < 3; i++) {
        size_t at = fake_sent_count();
        fake_message(good[i]);
        char *text = NULL;
        for (int k = 0; k < 500 && !(text = fake_sent_text(at)); k++)
            wait_ms(5);
        assert_non_null(text);
        assert_int_equal(!strncmp(text, "{\"messageType\":\"json\",\"messageRecipient\":\"app\",\"data\":\"", 54), i > 0); // the form it was asked in
        assert_non_null(strstr(text, "getPrimCountResult"));
        free(text);
        wait_ms(50);
        assert_int_equal(fake_sent_count(), at + 1); // once
    }
    static const char *const bad[] = { "", "x", "[]", "7", "{}", "{\"event_type\":3}", "{\"messageRecipient\":\"stream\",\"data\":\"{\\\"event_type\\\":\\\"getStatsRequest\\\"}\"}",
                                       "{\"event_type\":\"\xc3\x28\"}" };
    size_t before = fake_sent_count();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        fake_message(bad[i]);
    char deep[10000];
    memset(deep, '[', sizeof(deep));
    fake_message_bytes(deep, sizeof(deep));
    wait_ms(100);
    assert_int_equal(fake_sent_count(), before);
    json_t *r = ask_for("noSuchEvent", "{'request_id':3}", "viewerError");
    assert_string_equal(text_of(r, "code"), "unknown_event");
    assert_int_equal(json_integer_value(json_object_get(r, "request_id")), 3);
    json_decref(r);
    ask("noSuchEvent", "{}");
    wait_ms(50);
    assert_int_equal(log_count("unknown event 'noSuchEvent'"), 1);
    r = ask_for("selectPrimsRequest", "{'paths':7}", "viewerError");
    assert_string_equal(text_of(r, "code"), "bad_payload");
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void initial_state(void **state) // [54, 55, 60]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    for (int round = 0; round < 2; round++) {
        size_t at = fake_sent_count();
        fake_connect(true);
        wait_ms(150);
        assert_int_equal(fake_sent_count(), at); // not before the data channel is open
        static const char *const order[] = { "openStageResult", "getChildrenResult", "activeAOVState", "availableAOVsResult", "renderSettingsChanged",
                                             "stageSelectionChanged", "cameraStateChanged", "camera_list", "loadingStateResponse" };
        size_t from = at;
        for (size_t i = 0; i < 9; i++) {
            json_t *p = next_of(order[i], &from);
            assert_int_equal(from, at + i + 1); // nothing in between
            if (i == 0) {
                assert_string_equal(text_of(p, "root_prim_path"), "/World");
                assert_string_equal(text_of(p, "up_axis"), "Y");
                assert_string_equal(text_of(p, "url"), "y.usda");
            }
            if (i == 5)
                assert_int_equal(json_array_size(json_object_get(p, "prims")), round);
            json_decref(p);
        }
        if (!round)
            json_decref(ask_for("selectPrimsRequest", "{'paths':['/World/Table']}", "stageSelectionChanged"));
        fake_connect(false);
    }
    size_t at = fake_sent_count();
    fake_connect(true);
    wait_ms(100);
    fake_connect(false); // within the delay
    wait_ms(500);
    assert_int_equal(fake_sent_count(), at);
    assert_int_equal(serve_stop(), 0);
}

static void replies_fit(void **state) // [47-51]
{
    (void)state;
    serve_start(scene("big.usda"), "--outbound-framing", "framed", NULL);
    connected();
    json_t *r = ask_for("getChildrenRequest", "{'prim_path':'/World','request_id':'a'}", "getChildrenResult");
    (void)r;
    size_t longest = 0;
    json_decref(r);
    ask("getPropertiesRequest", "{'prim_path':'/World','request_id':'b'}");
    wait_ms(500);
    bool saw_children = false, saw_properties = false;
    for (size_t i = 0; i < fake_sent_count(); i++) {
        char *text  = fake_sent_text(i);
        size_t size = strlen(text);
        longest     = size > longest ? size : longest;
        assert_null(strstr(text, harness_folder())); // [51]
        json_t *outer = json_loads(text, 0, NULL), *m = json_loads(json_string_value(json_object_get(outer, "data")), 0, NULL);
        assert_non_null(m);
        json_t *p = json_object_get(m, "payload");
        if (!strcmp(text_of(m, "event_type"), "getChildrenResult")) {
            saw_children = true;
            assert_true(json_is_true(json_object_get(p, "truncated")));
            assert_int_equal(json_integer_value(json_object_get(p, "omitted_count")) + (json_int_t)json_array_size(json_object_get(p, "children")), 20000);
        }
        if (!strcmp(text_of(m, "event_type"), "getPropertiesResponse")) {
            json_t *list   = json_object_get(p, "properties");
            saw_properties = true;
            assert_string_equal(text_of(list, "typeName"), "Xform");
            assert_true(json_integer_value(json_object_get(p, "omitted_count")) > 0);
        }
        json_decref(m);
        json_decref(outer);
        free(text);
    }
    assert_true(saw_children && saw_properties);
    assert_true(longest <= 60000 && longest > 50000);
    assert_int_equal(serve_stop(), 0);
}

static void a_burst_of_messages(void **state)
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    size_t at = fake_sent_count();
    for (int i = 0; i < 200; i++) {
        char payload[100];
        snprintf(payload, sizeof(payload), "{'prim_path':'/World','request_id':%d}", i);
        ask(i % 2 ? "getChildrenRequest" : "getPropertiesRequest", payload);
    }
    bool seen[200] = { 0 };
    int64_t until  = clock_mono_ns() + 5000000000;
    for (size_t count = 0; count < 200 && clock_mono_ns() < until;) {
        char *text = fake_sent_text(at);
        if (!text) {
            wait_ms(2);
            continue;
        }
        at++;
        json_t *m = json_loads(text, 0, NULL), *id = json_object_get(json_object_get(m, "payload"), "request_id");
        if (json_is_integer(id) && !seen[json_integer_value(id)]) {
            seen[json_integer_value(id)] = true;
            count++;
        }
        json_decref(m);
        free(text);
    }
    for (int i = 0; i < 200; i++)
        assert_true(seen[i]);
    assert_int_equal(serve_stop(), 0);
}

// ---------------------------------------------------------------------------------------------------
// Stages

static void opening(void **state) // [62-66, 69, 72]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    size_t at = fake_sent_count(), from = at;
    ask("openStageRequest", "{'url':'z.usda','request_id':'o1'}");
    static const char *const order[] = { "openStageResult", "getChildrenResult", "activeAOVState", "availableAOVsResult", "renderSettingsChanged",
                                         "stageSelectionChanged", "cameraStateChanged", "camera_list" };
    json_t *r = next_of("openStageResult", &from);
    size_t result_at = from - 1;
    assert_string_equal(text_of(r, "url"), "z.usda");
    assert_string_equal(text_of(r, "root_prim_path"), "/Robot");
    assert_string_equal(text_of(r, "up_axis"), "Z");
    assert_string_equal(text_of(r, "request_id"), "o1");
    json_decref(r);
    for (size_t i = 1; i < 8; i++) {
        json_decref(next_of(order[i], &from));
        assert_int_equal(from, result_at + i + 1);
    }
    bool amount = false, ready = false;
    for (size_t i = at; i < fake_sent_count(); i++) {
        char *text    = fake_sent_text(i);
        bool progress = strstr(text, "updateProgress") != NULL;
        amount |= strstr(text, "\"amount\":1.0") != NULL;
        ready |= strstr(text, "\"activity\":\"ready\"") != NULL;
        assert_false(progress && i > result_at); // nothing about progress after the result
        free(text);
    }
    assert_true(amount && ready);
    r = ask_for("loadingStateQuery", "{}", "loadingStateResponse");
    assert_string_equal(text_of(r, "loading_state"), "idle");
    json_decref(r);

    // The same again, in other spellings: no reload.
    size_t opens = fake_count("open ");
    open_scene("z.usda");
    open_scene("./z.usda");
    open_scene("../root/z.usda");
    open_scene("z");
    assert_int_equal(fake_count("open "), opens);
    assert_int_equal(log_count("Stage already loaded, skipping reload"), 4);
    open_scene("y.usda");
    open_scene("alias.usda"); // a link to it
    assert_int_equal(fake_count("open "), opens + 1);

    json_decref(ask_for("resetStageRequest", "{}", "openStageResult"));
    json_decref(ask_for("resetStage", "{}", "openStageResult"));
    assert_int_equal(fake_count("open "), opens + 3);

    static const struct {
        const char *payload, *code;
    } refused[] = {
        { "{}", NULL }, { "{'url':''}", NULL }, { "{'url':7}", NULL }, { "{'url':'../secret.usda'}", "asset_outside_root" },
        { "{'url':'link.usda'}", "asset_outside_root" }, { "{'url':'/etc/passwd'}", "asset_outside_root" },
        { "{'url':'http://h/x.usd'}", "unsupported_scheme" }, { "{'url':'none.usda'}", "stage_not_found" },
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        size_t sent = fake_sent_count();
        r           = ask_for("openStageRequest", refused[i].payload, "openStageResult");
        assert_string_equal(text_of(r, "result"), "error");
        if (!refused[i].code)
            assert_string_equal(text_of(r, "error"), "Missing url");
        json_decref(r);
        wait_ms(1050); // equal errors come once per second
        if (refused[i].code) {
            r = next_of("viewerError", &sent);
            assert_string_equal(text_of(r, "code"), refused[i].code);
            json_decref(r);
        }
    }
    assert_int_equal(fake_count("open "), opens + 3);
    open_scene("plain.usda");
    r = ask_for("getChildrenRequest", "{}", "getChildrenResult");
    assert_string_equal(text_of(r, "prim_path"), "/First"); // "Render" does not count
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void failed_loads_keep_the_scene(void **state) // [67]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    json_decref(ask_for("selectPrimsRequest", "{'paths':['/World/Table']}", "stageSelectionChanged"));
    size_t opens = fake_count("open ");
    json_t *r    = ask_for("openStageRequest", "{'url':'broken.usda'}", "openStageResult");
    assert_string_equal(text_of(r, "result"), "error");
    assert_non_null(strstr(text_of(r, "error"), "broken.usda")); // says where
    assert_null(strstr(text_of(r, "error"), "/tmp"));
    json_decref(r);
    assert_int_equal(fake_count("open "), opens); // the renderer was not touched
    wait_ms(1050);                                // equal errors come once per second
    fake_renderer.open_fails    = true;
    fake_renderer.open_fails_on = "z.usda";
    size_t from = fake_sent_count(), at = fake_event_count();
    r = ask_for("openStageRequest", "{'url':'z.usda'}", "openStageResult");
    assert_string_equal(text_of(r, "result"), "error");
    json_decref(r);
    r = next_of("viewerError", &from);
    assert_string_equal(text_of(r, "code"), "stage_load_failed");
    json_decref(r);
    assert_true(fake_find("open y.usda", at) >= 0); // brought back
    assert_true(fake_find("write omni:selectionOutlineGroup /World/Table/Top = 1", (size_t)fake_find("open y.usda", at)) >= 0);
    assert_true(fake_wait("step", fake_event_count(), 2000) >= 0);
    r = ask_for("loadingStateQuery", "{}", "loadingStateResponse");
    assert_string_equal(text_of(r, "url"), "y.usda");
    assert_string_equal(text_of(r, "state"), "streaming");
    json_decref(r);
    // Nothing to go back to: idle, and said so.
    fake_renderer.open_fails_on = NULL;
    r = ask_for("openStageRequest", "{'url':'plain.usda'}", "openStageResult");
    json_decref(r);
    r = ask_for("loadingStateQuery", "{}", "loadingStateResponse");
    assert_string_equal(text_of(r, "url"), "");
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void loads_take_turns(void **state) // [71]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    fake_renderer.open_ms = 300;
    size_t at = fake_event_count(), from = fake_sent_count();
    ask("openStageRequest", "{'url':'z.usda','request_id':1}");
    assert_true(fake_wait("open-begin z", at, 3000) >= 0);
    ask("openStageRequest", "{'url':'z.usda','request_id':2}"); // joins
    ask("openStageRequest", "{'url':'plain.usda','request_id':3}");
    ask("openStageRequest", "{'url':'variants.usda','request_id':4}"); // supersedes 3
    int results[5] = { 0 };
    for (int i = 0; i < 4; i++) {
        json_t *r = next_of("openStageResult", &from);
        int id    = (int)json_integer_value(json_object_get(r, "request_id"));
        assert_true(id >= 1 && id <= 4 && !results[id]);
        results[id] = i + 1;
        assert_string_equal(text_of(r, "result"), id == 3 ? "error" : "success");
        if (id == 3)
            assert_string_equal(text_of(r, "error"), "superseded");
        json_decref(r);
    }
    assert_true(results[4] == 4);
    assert_int_equal(fake_count("open z.usda"), 1);
    assert_int_equal(fake_count("open plain.usda"), 0);
    json_t *r = ask_for("loadingStateQuery", "{}", "loadingStateResponse");
    assert_string_equal(text_of(r, "loading_state"), "idle");
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static json_t *row_named(json_t *rows, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
        if (!strcmp(text_of(row, "name"), name))
            return row;
    return NULL;
}

static void hierarchy_and_properties(void **state) // [76-80, 88]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    json_t *r = ask_for("getChildrenRequest", "{'prim_path':'/World'}", "getChildrenResult"), *rows = json_object_get(r, "children");
    static const struct {
        const char *name, *type;
        bool more;
    } want[] = { { "Table", "xform", true }, { "Things", "scope", false }, { "Lamp", "light", false }, { "Front", "camera", false },
                 { "Tri", "geom", false }, { "Red", "material", false } };
    assert_int_equal(json_array_size(rows), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *row = row_named(rows, want[i].name);
        assert_non_null(row);
        assert_string_equal(text_of(row, "type"), want[i].type);
        assert_true(json_is_boolean(json_object_get(row, "hasChildren")));
        assert_int_equal(json_is_true(json_object_get(row, "hasChildren")), want[i].more);
        assert_int_equal(json_is_true(json_object_get(row, "children")), want[i].more);
    }
    json_decref(r);
    static const struct {
        const char *filters;
        size_t count;
    } filters[] = { { "['USDGeom']", 1 }, { "['usdgeom','light']", 2 }, { "['nonsense']", 6 }, { "null", 6 }, { "[]", 6 }, { "['nonsense','camera']", 1 } };
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        char payload[200];
        snprintf(payload, sizeof(payload), "{'prim_path':'/World/','filters':%s}", filters[i].filters);
        r = ask_for("getChildrenRequest", payload, "getChildrenResult");
        assert_string_equal(text_of(r, "prim_path"), "/World");
        assert_int_equal(json_array_size(json_object_get(r, "children")), filters[i].count);
        json_decref(r);
    }
    r = ask_for("getChildrenRequest", "{'prim_path':'/World','offset':1,'limit':2}", "getChildrenResult");
    assert_int_equal(json_array_size(json_object_get(r, "children")), 2);
    assert_int_equal(json_integer_value(json_object_get(r, "total_count")), 6);
    json_decref(r);
    r = ask_for("getChildrenRequest", "{'prim_path':'/Nope'}", "getChildrenResult");
    assert_string_equal(text_of(r, "error"), "Prim not found");
    assert_int_equal(json_array_size(json_object_get(r, "children")), 0);
    json_decref(r);
    r = ask_for("getChildrenRequest", "{'prim_path':'/','mode':'reviewSnapshot','max_depth':2,'max_nodes':3}", "getChildrenResult");
    assert_true(json_is_true(json_object_get(r, "truncated")));
    json_decref(r);
    r = ask_for("getPropertiesRequest", "{'prim_path':'/World/Tri'}", "getPropertiesResponse");
    json_t *p = json_object_get(r, "properties"), *points = json_object_get(p, "points");
    assert_string_equal(text_of(p, "typeName"), "Mesh");
    assert_string_equal(text_of(p, "visibility"), "inherited");
    assert_int_equal(json_integer_value(json_object_get(points, "length")), 3);
    assert_int_equal(json_array_size(json_object_get(points, "preview")), 3);
    assert_true(json_is_false(json_object_get(points, "truncated")));
    assert_true(json_is_false(json_object_get(r, "truncated")));
    json_decref(r);
    r = ask_for("getPropertiesRequest", "{'prim_path':'/World/Table/Leg'}", "getPropertiesResponse");
    p = json_object_get(r, "properties");
    assert_true(json_number_value(json_array_get(json_object_get(p, "xformOp:translate"), 2)) == 3);
    assert_true(json_number_value(json_array_get(json_array_get(json_object_get(p, "worldTransform"), 3), 1)) == 2);
    json_decref(r);
    r = ask_for("getPropertiesRequest", "{'prim_path':'/Nope'}", "getPropertiesResponse");
    assert_string_equal(text_of(r, "error"), "Prim not found");
    json_decref(r);
    r = ask_for("getPrimCountRequest", "{}", "getPrimCountResult");
    assert_int_equal(json_integer_value(json_object_get(r, "count")), 11);
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void variants(void **state) // [85, 87]
{
    (void)state;
    serve_start(scene("variants.usda"), NULL);
    connected();
    json_t *r = ask_for("getVariantsRequest", "{'prim_path':'/World'}", "getVariantsResponse");
    json_t *set = json_object_get(json_object_get(r, "variants"), "finish");
    assert_string_equal(text_of(set, "selection"), "oak");
    assert_int_equal(json_array_size(json_object_get(set, "options")), 2);
    json_decref(r);
    size_t opens = fake_count("open ");
    r = ask_for("setVariantRequest", "{'prim_path':'/World','variant_set':'finish','variant_selection':'pine'}", "getVariantsResponse");
    assert_string_equal(text_of(r, "error"), "Variant not found");
    json_decref(r);
    assert_int_equal(fake_count("open "), opens);
    r   = ask_for("setVariantRequest", "{'prim_path':'/World','variant_set':'finish','variant_selection':'walnut'}", "getVariantsResponse");
    set = json_object_get(json_object_get(r, "variants"), "finish");
    assert_string_equal(text_of(set, "selection"), "walnut");
    assert_string_equal(text_of(r, "error"), "");
    json_decref(r);
    r = ask_for("getChildrenRequest", "{'prim_path':'/World'}", "getChildrenResult");
    assert_non_null(row_named(json_object_get(r, "children"), "Walnut"));
    json_decref(r);
    r = ask_for("loadingStateQuery", "{}", "loadingStateResponse");
    assert_string_equal(text_of(r, "loading_state"), "idle");
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

// ---------------------------------------------------------------------------------------------------
// Input, picking, selection

static void the_camera_is_written(void **state) // [96, 99, 100]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    size_t at = fake_event_count();
    mouse_move(20, 20);
    mouse_button(1, true, 20, 20);
    mouse_move(40, 20);
    for (int i = 0; i < 500; i++)
        mouse_move(40 + i % 20, 20);
    long written = fake_wait("xform", at, 2000);
    assert_true(written >= 0);
    char text[200];
    fake_event((size_t)written, text, sizeof(text), NULL, NULL);
    assert_non_null(strstr(text, "mode=2 semantic=1 bits=64 lanes=16 path=/OVCamera"));
    wait_ms(100);
    ask("setViewportInputActive", "{'active':false}"); // stops the drag at once
    wait_ms(100);
    size_t before = fake_count("xform");
    mouse_move(100, 60);
    mouse_move(110, 60);
    mouse_button(1, false, 110, 60);
    click(30, 30);
    wait_ms(200);
    assert_int_equal(fake_count("xform"), before);
    assert_int_equal(fake_count("pick"), 0);
    ask("setViewportInputActive", "{'active':true}");
    click(30, 30);
    assert_true(fake_wait("pick", 0, 2000) >= 0);
    // At most one write for a step.
    int writes = 0;
    for (size_t i = at; i < fake_event_count(); i++) {
        fake_event(i, text, sizeof(text), NULL, NULL);
        writes = !strncmp(text, "step-begin", 10) ? 0 : writes + !strncmp(text, "xform", 5);
        assert_true(writes <= 1);
    }
    assert_int_equal(serve_stop(), 0);
}

static void camera_commands(void **state)
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    json_t *r = ask_for("cameraCommandRequest", "{'command':'set','azimuth':0.5,'elevation':0.25,'distance':12,'target':[1,2,3],'request_id':'c'}",
                        "cameraStateChanged");
    assert_true(json_number_value(json_object_get(r, "azimuth")) == 0.5);
    assert_true(json_number_value(json_array_get(json_object_get(r, "target"), 2)) == 3);
    assert_string_equal(text_of(r, "request_id"), "c");
    json_decref(r);
    r = ask_for("cameraCommandRequest", "{'command':'orbit','d_azimuth':0.25}", "cameraStateChanged");
    assert_true(json_number_value(json_object_get(r, "azimuth")) == 0.75);
    json_decref(r);
    r = ask_for("fitCameraRequest", "{'prim_path':'/World/Table/Leg'}", "cameraStateChanged");
    assert_true(json_number_value(json_array_get(json_object_get(r, "target"), 1)) == 2);
    assert_true(json_number_value(json_object_get(r, "azimuth")) == 0.75); // by command the direction stays
    json_decref(r);
    r = ask_for("set_camera", "{'path':'/World/Front'}", "camera_changed");
    assert_string_equal(text_of(r, "activeCamera"), "/World/Front");
    json_decref(r);
    r = ask_for("resetViewRequest", "{}", "cameraStateChanged");
    assert_string_equal(text_of(r, "activeCamera"), "__orbit__");
    assert_true(json_number_value(json_object_get(r, "azimuth")) > 0.785 && json_number_value(json_object_get(r, "azimuth")) < 0.786);
    json_decref(r);
    static const char *const bad[] = { "{'command':'jump'}", "{'command':'set','azimuth':'x'}", "{'command':'view','preset':'inside'}" };
    for (size_t i = 0; i < 3; i++) {
        wait_ms(1050);
        r = ask_for("cameraCommandRequest", bad[i], "viewerError");
        assert_string_equal(text_of(r, "code"), "bad_payload");
        json_decref(r);
    }
    r = ask_for("fitCameraRequest", "{'prim_path':'/Nope'}", "viewerError");
    assert_string_equal(text_of(r, "code"), "prim_not_found");
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void clicks_select(void **state) // [106-109, 113-115]
{
    (void)state;
    fake_renderer.pick_path = "/World/Table/Top";
    serve_start(scene("y.usda"), NULL);
    connected();
    size_t at = fake_event_count(), from = fake_sent_count();
    click(64, 36);
    json_t *r = next_of("stageSelectionChanged", &from);
    assert_string_equal(json_string_value(json_array_get(json_object_get(r, "prims"), 0)), "/World/Table/Top");
    assert_int_equal(json_array_size(json_object_get(r, "prims")), 1);
    assert_string_equal(text_of(r, "source"), "viewport");
    json_decref(r);
    assert_int_equal(log_count("Queueing viewport pick"), 1);
    assert_int_equal(log_count("Selection changed"), 1);
    long pick = fake_find("pick 64 36 65 37 /Render/OVServer/ViewportTexture0", at);
    assert_true(pick >= 0);
    assert_true(fake_find("step-begin /Render/OVServer/ViewportTexture0", (size_t)pick) >= 0);
    assert_true(fake_find("write omni:selectionOutlineGroup /World/Table/Top = 1", (size_t)pick) >= 0);
    // An Xform: reported as it is, outlined by its geometry; what stays is not written again.
    at = fake_event_count();
    r  = ask_for("selectPrimsRequest", "{'paths':['/World/Table','/World/Table','/Nope']}", "stageSelectionChanged");
    assert_int_equal(json_array_size(json_object_get(r, "prims")), 1);
    json_decref(r);
    assert_true(fake_find("write omni:selectionOutlineGroup /World/Table/Leg = 1", at) >= 0);
    assert_true(fake_find("write omni:selectionOutlineGroup /World/Table/Top", at) < 0);
    r = ask_for("selectPrimsRequest", "{'paths':['/Nope']}", "stageSelectionChanged");
    assert_int_equal(json_array_size(json_object_get(r, "prims")), 1); // unchanged, and echoed
    json_decref(r);
    at = fake_event_count();
    r  = ask_for("selectPrimsRequest", "{'paths':[]}", "stageSelectionChanged");
    assert_int_equal(json_array_size(json_object_get(r, "prims")), 0);
    json_decref(r);
    assert_true(fake_find("write omni:selectionOutlineGroup /World/Table/Leg = 0", at) >= 0);
    json_decref(ask_for("selectPrimsRequest", "{'paths':['/World/Tri']}", "stageSelectionChanged"));
    // A miss and failures leave the selection.
    static const int kinds = 4;
    for (int i = 0; i < kinds; i++) {
        fake_renderer.pick_path    = i == 0 ? NULL : "/World/Table/Top";
        fake_renderer.pick_magic   = i == 1 ? 1 : 0x56505448;
        fake_renderer.pick_version = i == 2 ? 2 : 1;
        fake_renderer.pick_missing = i == 3;
        wait_ms(1050);
        from         = fake_sent_count();
        size_t picks = fake_count("pick");
        click(10, 10);
        for (int k = 0; k < 400 && fake_count("pick") == picks; k++)
            wait_ms(5);
        wait_ms(150);
        json_t *error = fake_wait_sent("viewerError", &from, 50);
        assert_int_equal(error != NULL, i == 1 || i == 2); // a failure is said, a miss is none
        json_decref(error);
        r = ask_for("selectPrimsRequest", "{'paths':['/World/Tri'],'mode':'add'}", "stageSelectionChanged");
        assert_string_equal(json_string_value(json_array_get(json_object_get(r, "prims"), 0)), "/World/Tri");
        json_decref(r);
    }
    fake_renderer.pick_missing = false;
    fake_renderer.pick_version = 1;
    r = ask_for("pickRequest", "{'request_id':'p1','x':5,'y':6}", "pickResult");
    assert_string_equal(text_of(r, "path"), "/World/Table/Top");
    assert_string_equal(text_of(r, "request_id"), "p1");
    json_decref(r);
    ask("makePrimsPickable", "{'paths':['/World/Table'],'pickable':false}"); // [117]
    assert_true(fake_wait("write omni:pickable /World/Table/Top = 0", 0, 2000) >= 0);
    assert_int_equal(serve_stop(), 0);
    assert_int_equal(fake_mapped_now(), 0);
}

static void picks_wait_for_no_load(void **state) // [114]
{
    (void)state;
    fake_renderer.pick_path = "/World/Table/Top";
    serve_start(scene("y.usda"), NULL);
    connected();
    fake_renderer.open_ms = 300;
    size_t at = fake_event_count(), from = fake_sent_count();
    ask("openStageRequest", "{'url':'z.usda'}");
    assert_true(fake_wait("open-begin z", at, 3000) >= 0);
    click(20, 20);
    json_t *r = ask_for("selectPrimsRequest", "{'paths':['/World']}", "viewerError");
    assert_string_equal(text_of(r, "code"), "busy_loading");
    json_decref(r);
    json_decref(next_of("openStageResult", &from));
    wait_ms(200);
    // The click was queued during the load: it may act on the new scene, never on the old one.
    assert_true(fake_find("pick", at) < 0 || fake_find("pick", at) > fake_find("open z", at));
    assert_int_equal(serve_stop(), 0);
}

// ---------------------------------------------------------------------------------------------------
// Outputs and settings

static void outputs(void **state) // [121-124, 126]
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    json_t *r = ask_for("getAvailableAOVs", "{}", "availableAOVsResult");
    assert_int_equal(json_array_size(json_object_get(r, "available")), 7); // SemanticSegmentation under its protocol name
    assert_int_equal(json_array_size(json_object_get(r, "aovs")), 7);
    json_decref(r);
    size_t from = fake_sent_count();
    r           = ask_for("changeAOVRequest", "{'name':'NormalSD'}", "activeAOVState");
    assert_string_equal(text_of(r, "active"), "NormalSD");
    assert_string_equal(text_of(r, "previous"), "LdrColor");
    assert_string_equal(text_of(r, "result"), "success");
    json_decref(r);
    json_decref(next_of("availableAOVsResult", &from));
    wait_ms(100);
    assert_int_equal(fake_pixel(4, 4), 0xff808080u);
    static const struct {
        const char *payload, *reason;
    } bad[] = { { "{}", "Missing AOV name" }, { "{'aov':'MotionVectors'}", "AOV is not available for the current render product" } };
    for (size_t i = 0; i < 2; i++) {
        r = ask_for("changeAOVRequest", bad[i].payload, "activeAOVState");
        assert_string_equal(text_of(r, "reason"), bad[i].reason);
        assert_string_equal(text_of(r, "result"), "error");
        json_decref(r);
    }
    r = ask_for("toggleSegView", "{}", "segViewState");
    assert_true(json_is_true(json_object_get(r, "enabled")));
    json_decref(r);
    r = ask_for("toggleSegView", "{'enabled':false}", "segViewState");
    assert_true(json_is_false(json_object_get(r, "enabled")));
    json_decref(r);
    // An output that cannot be converted shows the colour, and leaves the list in the end.
    json_decref(ask_for("changeAOVRequest", "{'aov':'DepthSD'}", "activeAOVState"));
    fake_renderer.fail_outputs = true;
    from = fake_sent_count();
    wait_ms(100);
    assert_int_equal(fake_pixel(4, 4), 0xffff0000u);
    r = next_of("viewerError", &from);
    assert_string_equal(text_of(r, "code"), "aov_unavailable");
    json_decref(r);
    r = ask_for("getAvailableAOVs", "{}", "availableAOVsResult");
    assert_int_equal(json_array_size(json_object_get(r, "available")), 6);
    json_decref(r);
    fake_renderer.fail_outputs = false;
    json_decref(ask_for("changeAOVRequest", "{'aov':'NormalSD'}", "activeAOVState"));
    from = fake_sent_count();
    ask("openStageRequest", "{'url':'z.usda'}");
    r = next_of("activeAOVState", &from);
    assert_string_equal(text_of(r, "active"), "LdrColor"); // after each load
    json_decref(r);
    assert_int_equal(serve_stop(), 0);
}

static void render_settings(void **state) // [127, 128, 130]
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        serve_start(scene("y.usda"), NULL);
        connected();
        json_t *r = ask_for("getRenderSettingsRequest", "{}", "renderSettingsChanged");
        assert_true(json_number_value(json_object_get(json_object_get(r, "settings"), "exposure")) == (round ? 10 : 0)); // kept over a restart
        assert_true(json_array_size(json_object_get(r, "capabilities")) >= 3);
        json_decref(r);
        r = ask_for("setRenderSettingRequest", "{'key':'exposure','value':50,'request_id':9}", "renderSettingsChanged");
        assert_string_equal(text_of(r, "result"), "success");
        assert_string_equal(text_of(r, "applies_at"), "immediate");
        assert_true(json_is_true(json_object_get(r, "applied")) && json_is_false(json_object_get(r, "requires_reload")));
        assert_true(json_number_value(json_object_get(json_object_get(r, "settings"), "exposure")) == 10);
        assert_int_equal(json_integer_value(json_object_get(r, "request_id")), 9);
        json_decref(r);
        r = ask_for("setRenderSettingRequest", "{'key':'samples_per_pixel','value':50}", "renderSettingsChanged");
        assert_string_equal(text_of(r, "message"), "Unsupported render setting: samples_per_pixel");
        assert_string_equal(text_of(r, "applies_at"), "unsupported");
        assert_true(json_is_false(json_object_get(r, "applied")));
        json_decref(r);
        r = ask_for("setRenderSettingRequest", "{'key':'tone_mapping','value':3}", "renderSettingsChanged");
        assert_string_equal(text_of(r, "message"), "Invalid value for render setting: tone_mapping");
        json_decref(r);
        r = ask_for("listScenesRequest", "{}", "listScenesResult");
        assert_int_equal(json_array_size(json_object_get(r, "scenes")), 7); // link.usda leads out and is not offered
        json_decref(r);
        json_decref(ask_for("getStatsRequest", "{}", "getStatsResult"));
        assert_int_equal(serve_stop(), 0);
        fake_reset();
    }
}

static void many_clients(void **state)
{
    (void)state;
    serve_start(scene("y.usda"), NULL);
    connected();
    size_t from = fake_sent_count();
    fake_connect(true); // a second one
    json_decref(next_of("loadingStateResponse", &from));
    fake_connect(false);
    json_t *r = ask_for("getPrimCountRequest", "{}", "getPrimCountResult"); // the other is still there
    json_decref(r);
    assert_int_equal(log_count("connected=True"), 2);
    assert_int_equal(log_count("connected=False"), 1);
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

#define T(name) cmocka_unit_test_setup_teardown(name, fresh, stopped)
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(start_up_order), T(idle_without_a_scene), T(readiness), T(failures_to_start), T(a_broken_first_scene_keeps_serving),
        T(signals_in_each_state), T(frames_never_stop), T(a_lost_renderer_is_said), T(wire_forms), T(initial_state), T(replies_fit),
        T(a_burst_of_messages), T(opening), T(failed_loads_keep_the_scene), T(loads_take_turns), T(hierarchy_and_properties),
        T(variants), T(the_camera_is_written), T(camera_commands), T(clicks_select), T(picks_wait_for_no_load), T(outputs),
        T(render_settings), T(many_clients),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
