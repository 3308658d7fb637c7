// The parts of the streaming servers that need no network: input records, ICE lists, origins, UTF-8, addresses, the
// pacer, the callback thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "dispatch.h"
#include "ice_config.h"
#include "input.h"
#include "origin.h"
#include "ovstream_utils/loop.h"
#include "result.h"
#include "server.h"
#include "utf8.h"

// ------------------------------------------------------------------------------------------------- input

struct bytes {
    uint8_t data[1024];
    size_t size;
};

static void put(struct bytes *b, uint64_t v, size_t size)
{
    for (size_t i = 0; i < size; i++)
        b->data[b->size++] = (uint8_t)(v >> 8 * i);
}

static void put_float(struct bytes *b, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    put(b, bits, 4);
}

static void put_head(struct bytes *b, unsigned type, unsigned size, unsigned modifiers, uint64_t time_us)
{
    put(b, type, 1);
    put(b, size, 1);
    put(b, modifiers, 2);
    put(b, time_us, 8);
}

struct seen {
    ovstream_input_event_t events[16];
    size_t count;
    char text[256];
};

static void see_event(void *user, const ovstream_input_event_t *e)
{
    struct seen *s = user;
    assert_true(s->count < 16);
    s->events[s->count++] = *e;
}

static void see_text(void *user, const char *text, size_t size)
{
    struct seen *s = user;
    memcpy(s->text, text, size);
    s->text[size] = '\0';
}

static struct input_result decode(const struct bytes *b, struct seen *s)
{
    memset(s, 0, sizeof(*s));
    return input_decode(b->data, b->size, 1280, 720, &(struct input_sink) { see_event, see_text, s });
}

static void put_everything(struct bytes *b)
{
    put_head(b, 1, 20, 5, 1000);
    put_float(b, 640.75f), put_float(b, 360);
    put_head(b, 2, 28 - 4, 0, 1001);
    put_float(b, 10), put_float(b, 20), put(b, 3, 1), put(b, 1, 1), put(b, 0, 2);
    put_head(b, 3, 28, 0, 1002);
    put_float(b, 1), put_float(b, 2), put_float(b, -0.5f), put_float(b, 1.5f);
    put_head(b, 4, 24, 2, 1003);
    put(b, 0x0104, 4), put(b, 36, 4), put(b, 1, 1), put(b, 0, 3);
    put_head(b, 5, 16 + 28, 0, 1004);
    put(b, 1, 1), put(b, 0, 3), put(b, 77, 4), put(b, 1, 1), put(b, 0, 3);
    put_float(b, 0.25f), put_float(b, 0.5f), put_float(b, 0.01f), put_float(b, 0.02f), put(b, 0, 4);
    put_head(b, 6, 20, 0, 1005);
    put(b, 2, 2), put(b, OVSTREAM_GAMEPAD_AXIS_LEFT_X, 2), put(b, (uint32_t)-40000, 4);
    put_head(b, 7, 12 + 4, 0, 1006);
    memcpy(b->data + b->size, "\xf0\x9f\x98\x80", 4), b->size += 4;
}

static void test_input_records(void **state)
{
    struct bytes b = { 0 };
    struct seen s;
    put_everything(&b);
    struct input_result r = decode(&b, &s);
    assert_int_equal(r.records, 7);
    assert_int_equal(r.dropped, 0);
    assert_int_equal(s.count, 6);
    const ovstream_mouse_event_t *m = &s.events[0].mouse;
    assert_int_equal(s.events[0].type, OVSTREAM_INPUT_MOUSE);
    assert_int_equal(m->type, OVSTREAM_MOUSE_MOVE);
    assert_int_equal(m->x, 640);
    assert_int_equal(m->y, 360);
    assert_int_equal(m->data, 1280);
    assert_int_equal(m->data2, 720);
    assert_int_equal(m->modifiers, 5);
    assert_int_equal(m->timestamp_us, 1000);
    m = &s.events[1].mouse;
    assert_int_equal(m->type, OVSTREAM_MOUSE_BUTTON);
    assert_int_equal(m->data, OVSTREAM_MOUSE_BUTTON_RIGHT);
    assert_int_equal(m->button_state, OVSTREAM_KEY_STATE_DOWN);
    m = &s.events[2].mouse;
    assert_int_equal(m->type, OVSTREAM_MOUSE_WHEEL);
    assert_true(m->scroll_x == -0.5f && m->scroll_y == 1.5f);
    assert_int_equal(s.events[3].keyboard.key_code, 0x0104);
    assert_int_equal(s.events[3].keyboard.modifiers, 2);
    assert_int_equal(s.events[3].keyboard.key_state, OVSTREAM_KEY_STATE_DOWN);
    const ovstream_touch_event_t *t = &s.events[4].touch;
    assert_int_equal(s.events[4].type, OVSTREAM_INPUT_TOUCH);
    assert_int_equal(t->low_level, 1);
    assert_int_equal(t->point_count, 1);
    assert_int_equal(t->points[0].id, 77);
    assert_int_equal(t->points[0].phase, OVSTREAM_TOUCH_PHASE_DOWN);
    assert_true(t->points[0].x == 0.25f && t->points[0].y_radius == 0.02f);
    assert_int_equal(t->timestamp_us, 0); // the low-level flavour has it per point
    assert_int_equal(t->points[0].timestamp_us, 1004);
    assert_int_equal(s.events[5].gamepad.position, INT16_MIN);
    assert_int_equal(s.events[5].gamepad.gamepad_id, 2);
    assert_string_equal(s.text, "\xf0\x9f\x98\x80");
}

// A message cut anywhere gives the records before the cut and one drop, and is never read past its end.
static void test_input_truncated(void **state)
{
    struct bytes whole = { 0 };
    struct seen s;
    put_everything(&whole);
    size_t ends[7] = { 20, 44, 72, 96, 140, 160, 176 };
    for (size_t n = 0; n <= whole.size; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, whole.data, n);
        memset(&s, 0, sizeof(s));
        struct input_result r = input_decode(exact, n, 1280, 720, &(struct input_sink) { see_event, see_text, &s });
        size_t records = 0;
        bool at_end    = n == 0;
        for (size_t i = 0; i < 7; i++) {
            records += n >= ends[i];
            at_end |= n == ends[i];
        }
        assert_int_equal(r.records, records);
        assert_int_equal(r.dropped, at_end ? 0 : 1);
        free(exact);
    }
}

static void test_input_touch_eleven(void **state)
{
    struct bytes b = { 0 };
    struct seen s;
    put_head(&b, 5, 0, 0, 1); // too long for its size byte
    put(&b, 11, 1), put(&b, 0, 3);
    for (unsigned i = 0; i < 11; i++) {
        put(&b, i, 4), put(&b, 3, 1), put(&b, 0, 3);
        for (int k = 0; k < 4; k++)
            put_float(&b, 0.5f);
        put(&b, 0, 4);
    }
    put_head(&b, 1, 20, 0, 2);
    put_float(&b, 1), put_float(&b, 1);
    struct input_result r = decode(&b, &s);
    assert_int_equal(r.records, 2);
    assert_int_equal(s.events[0].touch.point_count, 11);
    assert_int_equal(s.events[0].touch.points[10].id, 10);
    assert_int_equal(s.events[1].type, OVSTREAM_INPUT_MOUSE);
}

static void test_input_bad_values(void **state)
{
    struct seen s;
    struct bytes b = { 0 };
    put_head(&b, 1, 20, 0, 0); // outside the picture, and not a number
    put_float(&b, 1e30f), put_float(&b, NAN);
    put_head(&b, 2, 24, 0, 0); // no such button
    put_float(&b, 1), put_float(&b, 1), put(&b, 9, 1), put(&b, 1, 1), put(&b, 0, 2);
    put_head(&b, 6, 20, 0, 0); // no such pad
    put(&b, 4, 2), put(&b, 0, 2), put(&b, 0, 4);
    put_head(&b, 7, 13, 0, 0); // not UTF-8
    put(&b, 0xff, 1);
    struct input_result r = decode(&b, &s);
    assert_int_equal(r.records, 1);
    assert_int_equal(r.dropped, 3);
    assert_int_equal(s.events[0].mouse.x, 1279);
    assert_int_equal(s.events[0].mouse.y, 0);

    struct bytes unknown = { 0 };
    put_head(&unknown, 8, 12, 0, 0);
    put_head(&unknown, 1, 20, 0, 0);
    put_float(&unknown, 1), put_float(&unknown, 1);
    r = decode(&unknown, &s);
    assert_int_equal(r.records, 0); // ends the message
    assert_int_equal(r.dropped, 1);

    struct bytes small = { 0 }; // a size below the head
    put_head(&small, 1, 4, 0, 0);
    r = decode(&small, &s);
    assert_int_equal(r.records + s.count, 0);
    assert_int_equal(r.dropped, 1);
}

// ------------------------------------------------------------------------------------------------- text

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        { "", true },           { "abc", true },           { "\xc3\xa4", true },       { "\xe2\x82\xac", true },
        { "\xf0\x9f\x98\x80", true }, { "\xf4\x8f\xbf\xbf", true }, { "\xed\x9f\xbf", true }, { "\x80", false },
        { "\xc0\xaf", false },  { "\xc1\xbf", false },     { "\xe0\x80\xaf", false },  { "\xed\xa0\x80", false },
        { "\xf0\x80\x80\x80", false }, { "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false }, { "\xe2\x82", false },
        { "\xc3(", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(utf8_valid(rows[i].text, strlen(rows[i].text)), rows[i].valid);
}

static void test_origin(void **state)
{
    static const struct {
        const char *origin, *host;
        bool loopback, allowed;
    } rows[] = {
        { NULL, "127.0.0.1:49100", true, true },
        { NULL, NULL, true, true },
        { "http://127.0.0.1:8081", "127.0.0.1:49100", true, true },
        { "http://localhost:8081", "127.0.0.1:49100", true, true },
        { "http://[::1]:8081", "localhost:49100", true, true },
        { "https://app.localhost", "localhost", true, true },
        { "http://evil.example", "127.0.0.1:49100", true, false },
        { "http://evil.example:49100", "evil.example:49100", true, false }, // a name rebound to loopback
        { "http://127.evil.example:49100", "127.evil.example:49100", true, false },
        { NULL, "evil.example:49100", true, false },
        { "null", "127.0.0.1:49100", true, false },
        { "", "127.0.0.1:49100", true, false },
        { "http://10.0.0.5:8081", "10.0.0.5:49100", false, true },
        { "http://studio.example", "STUDIO.example:49100", false, true },
        { "http://evil.example", "10.0.0.5:49100", false, false },
        { "http://10.0.0.5.evil.example", "10.0.0.5:49100", false, false },
        { "http://localhost:1", "10.0.0.5:49100", false, false },
        { "http://10.0.0.5", NULL, false, false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (origin_allowed("", rows[i].origin, rows[i].host, rows[i].loopback) != rows[i].allowed)
            fail_msg("row %zu: %s on %s", i, rows[i].origin ? rows[i].origin : "-", rows[i].host ? rows[i].host : "-");
}

static void test_origin_list(void **state)
{
    static const char list[] = "https://studio.example, http://other.example:8080";
    assert_true(origin_allowed(list, "https://studio.example", "10.0.0.5:49100", false));
    assert_true(origin_allowed(list, "http://other.example:8080", "10.0.0.5:49100", false));
    assert_false(origin_allowed(list, "http://other.example", "10.0.0.5:49100", false));
    assert_false(origin_allowed(list, "https://studio.example.evil", "10.0.0.5:49100", false));
    assert_false(origin_allowed(list, "https://studio", "10.0.0.5:49100", false));
    assert_false(origin_allowed(list, "null", "127.0.0.1:49100", true));
    assert_true(origin_allowed("*", "null", "127.0.0.1:49100", true));
    assert_true(origin_allowed("*", "http://evil.example", "evil.example", true));
    assert_false(origin_allowed(" , ", "", "127.0.0.1:49100", true));
}

// ------------------------------------------------------------------------------------------------- ICE lists

static ovstream_string_t str(const char *text) { return (ovstream_string_t) { text, strlen(text) }; }

static ovstream_api_status_t set_one(struct ice_list *list, const char *urls)
{
    ovstream_webrtc_ice_server_t server = { .urls = str(urls) };
    return ice_list_set(list, &(ovstream_webrtc_ice_config_t) { &server, 1 }).status;
}

static void test_ice_list(void **state)
{
    static struct ice_list list;
    ovstream_webrtc_ice_server_t servers[13];
    char long_url[200];
    memset(long_url, 'a', sizeof(long_url));
    memcpy(long_url, "stun:", 5);

    assert_int_equal(set_one(&list, " stun:a.example:3478 , turn:b.example?transport=udp,TURNS:c.example "), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.entries[0].url_count, 3);
    assert_string_equal(list.entries[0].urls[0], "stun:a.example:3478");
    assert_string_equal(list.entries[0].urls[2], "TURNS:c.example");

    static const char *const bad[] = { "", "http://a", "stun:", "stun:a,,stun:b", "stun:a,stun:b,stun:c,stun:d", ",", "a" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(set_one(&list, bad[i]), OVSTREAM_API_INVALID_ARGUMENT);
        assert_int_equal(list.count, 1); // a rejected call changes nothing
        assert_true(ovstream_get_last_error().length > 0);
    }
    long_url[128] = '\0';
    assert_int_equal(set_one(&list, long_url), 0);
    long_url[128] = 'a', long_url[129] = '\0';
    assert_int_equal(set_one(&list, long_url), OVSTREAM_API_INVALID_ARGUMENT);
    memcpy(long_url, "turn:", 5);
    assert_int_equal(set_one(&list, long_url), 0);

    // Not one byte after the length is read.
    servers[0] = (ovstream_webrtc_ice_server_t) { .urls = { "stun:ab", 6 } };
    assert_int_equal(ice_list_set(&list, &(ovstream_webrtc_ice_config_t) { servers, 1 }).status, 0);
    assert_string_equal(list.entries[0].urls[0], "stun:a");
    servers[0].username = (ovstream_string_t) { NULL, 3 };
    assert_int_equal(ice_list_set(&list, &(ovstream_webrtc_ice_config_t) { servers, 1 }).status,
                     OVSTREAM_API_INVALID_ARGUMENT);

    for (size_t i = 0; i < 13; i++)
        servers[i] = (ovstream_webrtc_ice_server_t) { .urls = str(i < 4 ? "stun:a" : "turn:b") };
    assert_int_equal(ice_list_set(&list, &(ovstream_webrtc_ice_config_t) { servers, 12 }).status, 0);
    assert_int_equal(list.count, 12);
    assert_int_equal(ice_list_set(&list, &(ovstream_webrtc_ice_config_t) { servers, 13 }).status,
                     OVSTREAM_API_INVALID_ARGUMENT);
    servers[4].urls = str("stun:fifth");
    assert_int_equal(ice_list_set(&list, &(ovstream_webrtc_ice_config_t) { servers, 5 }).status,
                     OVSTREAM_API_INVALID_ARGUMENT);
    assert_int_equal(ice_list_set(&list, &(ovstream_webrtc_ice_config_t) { NULL, 1 }).status,
                     OVSTREAM_API_INVALID_ARGUMENT);
    assert_int_equal(list.count, 12);
    assert_int_equal(ice_list_set(&list, NULL).status, 0);
    assert_int_equal(list.count, 0);
}

// ------------------------------------------------------------------------------------------------- addresses

static void test_address_plan(void **state)
{
    struct address_plan plan;
    char error[ADDRESS_ERROR_SIZE], text[RTC_ADDR_TEXT_SIZE];
    assert_true(address_plan_make(&plan, "", "", error));
    assert_string_equal(rtc_addr_format(&plan.bind, text), "127.0.0.1:0");
    assert_int_equal(plan.candidate_count, 1);
    assert_false(plan.candidates[0].mapped);

    assert_true(address_plan_make(&plan, "", "127.0.0.1", error));
    assert_int_equal(plan.candidate_count, 1);

    // A pinned address comes first and does not limit who may connect.
    assert_true(address_plan_make(&plan, "", "203.0.113.7, 198.51.100.1", error));
    assert_true(plan.bind.ip[0] == 0);
    address_plan_set_port(&plan, 47998);
    assert_string_equal(rtc_addr_format(&plan.candidates[0].addr, text), "203.0.113.7:47998");
    assert_true(plan.candidates[0].mapped && plan.candidates[1].mapped);

    static const char *const bad[] = { "203.0.113.7,,x", "not an address", "0.0.0.0", "300.1.1.1.", "a;b" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        error[0] = '\0';
        assert_false(address_plan_make(&plan, "", bad[i], error));
        assert_true(strlen(error) > 0);
    }
    assert_false(address_plan_make(&plan, "localhost", "", error));
    assert_true(address_plan_make(&plan, "0.0.0.0", "", error));
    assert_true(plan.candidate_count >= 1);
}

// ------------------------------------------------------------------------------------------------- pacer

static void test_loop_rate(void **state)
{
    ovstream_utils_loop_t *loop = NULL;
    ovstream_utils_tick_t t;
    ovstream_utils_loop_create(&(ovstream_utils_loop_config_t) { .fpsTarget = 60, .fixedStepHz = 90 }, &loop);
    ovstream_utils_loop_tick(loop, &t);
    uint64_t first = t.startTimeNs;
    assert_int_equal(t.frameIndex, 0);
    assert_true(t.deltaTimeSeconds == 0 && t.fixedStepCount == 0 && t.fixedTimeAlpha == 0);
    assert_float_equal(t.fixedTimeSeconds, 1.0 / 90, 1e-6);
    assert_int_equal(t.stats.fpsAverage, 0);
    assert_int_equal(t.stats.fpsCurrent, 1);
    for (int i = 1; i <= 60; i++) {
        ovstream_utils_loop_tick(loop, &t);
        assert_int_equal(t.frameIndex, i);
        assert_true(t.fixedTimeAlpha >= 0 && t.fixedTimeAlpha < 1);
    }
    // No drift: the sixtieth deadline is one second on, whatever each tick was late; a busy machine may be late itself.
    double elapsed = (double)(t.startTimeNs - first) * 1e-9;
    assert_true(elapsed > 0.998 && elapsed < 1.1);
    assert_int_equal(t.stats.frameTotal, 61);
    assert_in_range(t.stats.fixedTotal, 89, 100);
    assert_in_range(t.stats.fpsAverage, 54, 62);
    ovstream_utils_loop_destroy(loop);
}

static void test_loop_stall(void **state)
{
    ovstream_utils_loop_t *loop = NULL;
    ovstream_utils_tick_t t;
    ovstream_utils_loop_create(&(ovstream_utils_loop_config_t) { 100, 1000, 0 }, &loop);
    ovstream_utils_loop_tick(loop, &t);
    ovstream_utils_loop_tick(loop, &t);
    usleep(100000);
    ovstream_utils_loop_tick(loop, &t);
    assert_true(t.deltaTimeSeconds >= 0.1f);
    assert_int_equal(t.fixedStepCount, 8); // the most, and the rest is thrown away
    assert_true(t.fixedTimeAlpha == 0);
    uint64_t late = t.startTimeNs;
    ovstream_utils_loop_tick(loop, &t);
    assert_true(t.startTimeNs - late >= 9900000); // no burst
    ovstream_utils_loop_reset(loop);
    ovstream_utils_loop_tick(loop, &t);
    assert_int_equal(t.frameIndex, 0);
    assert_true(t.deltaTimeSeconds == 0);
    ovstream_utils_loop_destroy(loop);
}

static void test_loop_null(void **state)
{
    ovstream_utils_loop_t *loop = NULL;
    ovstream_utils_tick_t t     = { .frameIndex = 99 };
    ovstream_utils_loop_config_t config;
    memset(&config, 0xff, sizeof(config));
    ovstream_utils_loop_config_defaults(&config);
    assert_int_equal(config.fpsTarget + config.fixedStepHz + config.fixedStepMax, 0);
    ovstream_utils_loop_config_defaults(NULL);
    ovstream_utils_loop_create(NULL, NULL);
    ovstream_utils_loop_create(NULL, &loop);
    assert_non_null(loop);
    uint64_t before = ovstream_utils_now_ns();
    for (int i = 0; i < 1000; i++)
        ovstream_utils_loop_tick(loop, &t); // all zero: never waits
    assert_true(ovstream_utils_now_ns() - before < 500000000);
    assert_int_equal(t.stats.fpsCurrent, 512); // as many as are remembered
    assert_true(t.fixedTimeSeconds == 0);
    ovstream_utils_loop_tick(NULL, &t);
    ovstream_utils_loop_tick(loop, NULL);
    ovstream_utils_loop_reset(NULL);
    ovstream_utils_loop_reconfigure(NULL, NULL);
    ovstream_utils_loop_reconfigure(loop, NULL);
    ovstream_utils_loop_destroy(loop);
    ovstream_utils_loop_destroy(NULL);
}

// ------------------------------------------------------------------------------------------------- callbacks

struct calls {
    pthread_mutex_t lock;
    char log[256];
    bool block;
};

static void note(struct calls *c, const char *text)
{
    pthread_mutex_lock(&c->lock);
    strncat(c->log, text, sizeof(c->log) - strlen(c->log) - 1);
    pthread_mutex_unlock(&c->lock);
}

static void on_connection(ovstream_server_t *server, bool connected, void *user)
{
    assert_true(dispatch_inside(server));
    assert_int_equal(dispatch_client(server), 7);
    note(user, connected ? "c" : "d");
}

static void on_message(ovstream_server_t *server, ovstream_string_t message, void *user)
{
    struct calls *c = user;
    assert_int_equal(message.ptr[message.length], 0);
    while (c->block)
        usleep(1000);
    note(c, message.ptr);
}

static void test_dispatch(void **state)
{
    struct calls calls       = { .lock = PTHREAD_MUTEX_INITIALIZER };
    ovstream_server_t server = { .callbacks = { .connection = on_connection, .connection_user = &calls,
                                                .message = on_message, .message_user = &calls } };
    pthread_mutex_init(&server.lock, NULL);
    struct dispatcher *d = dispatcher_create(&server);
    assert_false(dispatch_inside(&server));
    dispatcher_push(d, DISPATCH_CONNECTED, 7, NULL, 0);
    dispatcher_push(d, DISPATCH_MESSAGE, 7, "1", 1);
    dispatcher_push(d, DISPATCH_UNICODE, 7, "x", 1); // no callback: ignored
    dispatcher_push(d, DISPATCH_MESSAGE, 7, "", 0);
    dispatcher_push(d, DISPATCH_MESSAGE, 7, "2", 1);
    dispatcher_push(d, DISPATCH_DISCONNECTED, 7, NULL, 0);
    dispatcher_destroy(&d); // waits for all of them
    assert_string_equal(calls.log, "c12d");

    // A callback that does not return bounds the queue, and connections still get in.
    calls.block = true;
    calls.log[0] = '\0';
    d            = dispatcher_create(&server);
    size_t taken = 0;
    while (taken < 100000 && dispatcher_push(d, DISPATCH_MESSAGE, 7, "", 0))
        taken++;
    assert_true(taken >= 1000 && taken < 100000);
    assert_true(dispatcher_push(d, DISPATCH_DISCONNECTED, 7, NULL, 0));
    calls.block = false;
    dispatcher_destroy(&d);
    assert_string_equal(calls.log, "d");
    pthread_mutex_destroy(&server.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_records), cmocka_unit_test(test_input_truncated),
        cmocka_unit_test(test_input_touch_eleven), cmocka_unit_test(test_input_bad_values),
        cmocka_unit_test(test_utf8), cmocka_unit_test(test_origin), cmocka_unit_test(test_origin_list),
        cmocka_unit_test(test_ice_list), cmocka_unit_test(test_address_plan),
        cmocka_unit_test(test_loop_rate), cmocka_unit_test(test_loop_stall),
        cmocka_unit_test(test_loop_null), cmocka_unit_test(test_dispatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
