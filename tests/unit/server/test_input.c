// Input events to commands: thresholds, buttons, ownership, keys, touch.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "input.h"

static struct command got[256];
static size_t got_count;

static void emit(void *user, struct command *c)
{
    (void)user;
    if (got_count < 256)
        got[got_count++] = *c;
}

static size_t count(enum command_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < got_count; i++)
        n += got[i].kind == kind;
    return n;
}

static double sum_x(enum command_kind kind)
{
    double v = 0;
    for (size_t i = 0; i < got_count; i++)
        v += got[i].kind == kind ? got[i].x : 0;
    return v;
}

static struct input *fresh(enum navigation navigation, bool multi)
{
    got_count = 0;
    return input_create(1280, 720, navigation, multi, emit, NULL);
}

static void move(struct input *in, int x, int y)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse = (ovstream_mouse_event_t) { .type = OVSTREAM_MOUSE_MOVE, .x = x, .y = y, .data = 1280, .data2 = 720 };
    input_event(in, &e);
}

static void button(struct input *in, int which, bool down, int x, int y, uint16_t modifiers)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse = (ovstream_mouse_event_t) { .type = OVSTREAM_MOUSE_BUTTON, .x = x, .y = y, .data = which, .modifiers = modifiers,
                                         .button_state = down ? OVSTREAM_KEY_STATE_DOWN : OVSTREAM_KEY_STATE_UP };
    input_event(in, &e);
}

static void wheel(struct input *in, float y, int data)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse = (ovstream_mouse_event_t) { .type = OVSTREAM_MOUSE_WHEEL, .x = 5, .y = 5, .scroll_y = y, .data = data };
    input_event(in, &e);
}

static void key(struct input *in, uint16_t code, bool down)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_KEYBOARD };
    e.keyboard = (ovstream_keyboard_event_t) { .key_code = code, .key_state = down ? OVSTREAM_KEY_STATE_DOWN : OVSTREAM_KEY_STATE_UP };
    input_event(in, &e);
}

static void touch(struct input *in, uint16_t id, ovstream_touch_phase_t phase, float x, float y)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_TOUCH };
    e.touch = (ovstream_touch_event_t) { .point_count = 1, .low_level = 1 };
    e.touch.points[0] = (ovstream_touch_point_t) { .id = id, .x = x, .y = y, .phase = phase };
    input_event(in, &e);
}

// One press of the left button, some moves, a release: click or drag?
static void clicks_and_drags(void **state)
{
    static const struct {
        int moves[4][2], count;
        bool click;
    } cases[] = {
        { { { 0, 0 } }, 0, true },
        { { { 104, 100 } }, 1, true },
        { { { 104, 104 } }, 1, true }, // the threshold is per axis
        { { { 105, 100 } }, 1, false },
        { { { 100, 95 } }, 1, false },
        { { { 106, 100 }, { 100, 100 } }, 2, false }, // coming back changes nothing
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct input *in = fresh(NAVIGATION_SIMPLE, false);
        int x = 100, y = 100;
        move(in, x, y);
        button(in, 1, true, x, y, 0);
        for (int k = 0; k < cases[i].count; k++) {
            x = cases[i].moves[k][0], y = cases[i].moves[k][1];
            move(in, x, y);
        }
        button(in, 1, false, x, y, 0);
        assert_int_equal(count(COMMAND_PICK), cases[i].click);
        if (cases[i].click)
            assert_true(got[got_count - 1].x == x && got[got_count - 1].y == y);
        input_destroy(&in);
    }
}

static void drags_start_without_a_jump(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, false);
    move(in, 100, 100);
    button(in, 1, true, 100, 100, 0);
    for (int x = 101; x <= 150; x++)
        move(in, x, 100);
    assert_int_equal((int)sum_x(COMMAND_ORBIT), 150 - 105); // the first five pixels only start the drag
    button(in, 1, false, 150, 100, 0);
    assert_int_equal(count(COMMAND_GESTURE_END), 1);
    assert_int_equal(count(COMMAND_PICK), 0);
    input_destroy(&in);
}

static void buttons_map(void **state)
{
    static const struct {
        int button;
        uint16_t modifiers;
        enum navigation navigation;
        enum command_kind kind;
        bool any;
    } cases[] = {
        { 1, 0, NAVIGATION_SIMPLE, COMMAND_ORBIT, true }, { 2, 0, NAVIGATION_SIMPLE, COMMAND_PAN, true },
        { 3, 0, NAVIGATION_SIMPLE, COMMAND_DOLLY, true }, { 1, 1, NAVIGATION_SIMPLE, COMMAND_PAN, true },
        { 0, 0, NAVIGATION_SIMPLE, COMMAND_ORBIT, false }, { 4, 0, NAVIGATION_SIMPLE, COMMAND_ORBIT, false },
        { 5, 0, NAVIGATION_SIMPLE, COMMAND_ORBIT, false }, { 1, 0, NAVIGATION_DCC, COMMAND_ORBIT, false },
        { 1, 4, NAVIGATION_DCC, COMMAND_ORBIT, true }, { 2, 4, NAVIGATION_DCC, COMMAND_PAN, true },
        { 3, 4, NAVIGATION_DCC, COMMAND_DOLLY, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct input *in = fresh(cases[i].navigation, false);
        move(in, 50, 50);
        button(in, cases[i].button, true, 50, 50, cases[i].modifiers);
        move(in, 60, 50);
        move(in, 80, 50); // MOVE events say "up" meanwhile, which must not end the drag
        button(in, cases[i].button, false, 80, 50, cases[i].modifiers);
        assert_int_equal(count(cases[i].kind) > 0, cases[i].any);
        assert_int_equal(count(COMMAND_PICK), 0);
        input_destroy(&in);
    }
}

static void odd_sequences_do_nothing(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, false);
    button(in, 1, false, 10, 10, 0); // a release without a press
    button(in, 3, true, 20, 20, 0);
    button(in, 3, false, 20, 20, 0); // right and middle clicks never pick
    button(in, 2, true, 20, 20, 0);
    button(in, 2, false, 20, 20, 0);
    assert_int_equal(got_count, 0);
    button(in, 1, true, 20, 20, 0); // a second button during a gesture
    button(in, 3, true, 20, 20, 0);
    move(in, 40, 20);
    move(in, 50, 20);
    assert_int_equal(count(COMMAND_DOLLY), 0);
    assert_true(count(COMMAND_ORBIT) > 0);
    button(in, 1, false, 50, 20, 0);
    button(in, 1, true, 50, 20, 0); // still not all up
    button(in, 1, false, 50, 20, 0);
    assert_int_equal(count(COMMAND_PICK), 0);
    button(in, 3, false, 50, 20, 0);
    button(in, 1, true, 50, 20, 0);
    button(in, 1, false, 50, 20, 0);
    assert_int_equal(count(COMMAND_PICK), 1);
    button(in, 1, true, -5, 20, 0); // outside of the picture
    button(in, 1, false, -5, 20, 0);
    assert_int_equal(count(COMMAND_PICK), 1);
    input_destroy(&in);
}

static void wheels(void **state)
{
    static const struct {
        float y;
        int data;
        double notches;
    } cases[] = { { 1, 0, 1 }, { -1, 0, -1 }, { 0.25f, 0, 0.25 }, { 0, 2, 2 }, { 0, 120, 1 }, { 0, -240, -2 }, { 1, 120, 1 } };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct input *in = fresh(NAVIGATION_SIMPLE, false);
        wheel(in, cases[i].y, cases[i].data);
        assert_int_equal(count(COMMAND_WHEEL), 1);
        assert_true(got[0].y == cases[i].notches);
        input_destroy(&in);
    }
}

static void ownership(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, false);
    button(in, 1, true, 100, 100, 0);
    move(in, 120, 100);
    move(in, 130, 100);
    size_t before = count(COMMAND_ORBIT);
    input_set_active(in, false);
    move(in, 200, 100);
    wheel(in, 1, 0);
    key(in, 'F', true);
    assert_int_equal(count(COMMAND_ORBIT), before);
    assert_int_equal(count(COMMAND_WHEEL), 0);
    assert_int_equal(count(COMMAND_FIT_SELECTION), 0);
    button(in, 1, false, 200, 100, 0); // tracked all the same
    input_set_active(in, true);
    move(in, 300, 100);
    assert_int_equal(count(COMMAND_ORBIT), before);
    button(in, 1, true, 300, 100, 0);
    button(in, 1, false, 300, 100, 0);
    assert_int_equal(count(COMMAND_PICK), 1);
    input_destroy(&in);
}

static void keys(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, false);
    key(in, 'F', true);
    key(in, 'R', true);
    key(in, 0x0200, true);
    key(in, 0x0100, true);
    key(in, '3', true);
    assert_int_equal(count(COMMAND_FIT_SELECTION), 1);
    assert_int_equal(count(COMMAND_RESET_VIEW), 2);
    assert_int_equal(count(COMMAND_CLEAR_SELECTION), 1);
    assert_int_equal(count(COMMAND_STAGE_CAMERA), 1);
    key(in, 'W', true);
    assert_int_equal(input_fly_keys(in), 0); // neither fly mode nor the right button
    button(in, 3, true, 10, 10, 0);
    assert_int_equal(input_fly_keys(in), FLY_FORWARD);
    move(in, 30, 10);
    move(in, 40, 10);
    assert_true(count(COMMAND_FLY_LOOK) > 0);
    input_set_active(in, false);
    assert_int_equal(input_fly_keys(in), 0);
    input_set_active(in, true);
    input_set_fly(in, true);
    assert_int_equal(input_fly_keys(in), 0); // released when ownership was lost
    key(in, 'D', true);
    assert_int_equal(input_fly_keys(in), FLY_RIGHT);
    input_reset(in);
    assert_int_equal(input_fly_keys(in), 0);
    input_destroy(&in);
}

static void multi_select_clicks(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, true);
    uint16_t modifiers[] = { 0, 1, 2 };
    for (int i = 0; i < 3; i++) {
        button(in, 1, true, 10, 10, modifiers[i]);
        button(in, 1, false, 10, 10, modifiers[i]);
    }
    assert_int_equal(got[0].mode, SELECT_REPLACE);
    assert_int_equal(got[1].mode, SELECT_ADD);
    assert_int_equal(got[2].mode, SELECT_SUBTRACT);
    input_destroy(&in);
}

static void coordinates_are_scaled(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, false);
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse = (ovstream_mouse_event_t) { .type = OVSTREAM_MOUSE_MOVE, .x = 320, .y = 90, .data = 640, .data2 = 360 };
    input_event(in, &e);
    button(in, 1, true, 0, 0, 0); // no coordinates: where it was last
    button(in, 1, false, 0, 0, 0);
    assert_int_equal(count(COMMAND_PICK), 1);
    assert_true(got[0].x == 640 && got[0].y == 180);
    input_destroy(&in);
}

static void fingers(void **state)
{
    (void)state;
    struct input *in = fresh(NAVIGATION_SIMPLE, false);
    touch(in, 1, OVSTREAM_TOUCH_PHASE_DOWN, 0.5f, 0.5f);
    touch(in, 1, OVSTREAM_TOUCH_PHASE_MOVE, 0.505f, 0.5f); // 6.4 pixels: still a tap
    touch(in, 1, OVSTREAM_TOUCH_PHASE_UP, 0.505f, 0.5f);
    assert_int_equal(count(COMMAND_PICK), 1);
    touch(in, 2, OVSTREAM_TOUCH_PHASE_DOWN, 0.5f, 0.5f);
    touch(in, 2, OVSTREAM_TOUCH_PHASE_MOVE, 0.6f, 0.5f);
    touch(in, 2, OVSTREAM_TOUCH_PHASE_MOVE, 0.7f, 0.5f);
    touch(in, 2, OVSTREAM_TOUCH_PHASE_UP, 0.7f, 0.5f);
    assert_true(count(COMMAND_ORBIT) > 0);
    assert_int_equal(count(COMMAND_PICK), 1);
    got_count = 0;
    touch(in, 3, OVSTREAM_TOUCH_PHASE_DOWN, 0.4f, 0.5f);
    touch(in, 4, OVSTREAM_TOUCH_PHASE_DOWN, 0.6f, 0.5f);
    touch(in, 4, OVSTREAM_TOUCH_PHASE_MOVE, 0.7f, 0.5f);
    touch(in, 3, OVSTREAM_TOUCH_PHASE_MOVE, 0.3f, 0.5f);
    double notches = 0;
    for (size_t i = 0; i < got_count; i++)
        notches += got[i].kind == COMMAND_WHEEL ? got[i].y : 0;
    assert_true(notches > 6.9 && notches < 7.0); // twice as far apart: exp(0.1 * n) = 2
    assert_true(sum_x(COMMAND_PAN) > -1e-3 && sum_x(COMMAND_PAN) < 1e-3);
    touch(in, 3, OVSTREAM_TOUCH_PHASE_UP, 0.3f, 0.5f);
    touch(in, 4, OVSTREAM_TOUCH_PHASE_UP, 0.7f, 0.5f);
    assert_int_equal(count(COMMAND_PICK), 0);
    input_destroy(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clicks_and_drags), cmocka_unit_test(drags_start_without_a_jump), cmocka_unit_test(buttons_map),
        cmocka_unit_test(odd_sequences_do_nothing), cmocka_unit_test(wheels), cmocka_unit_test(ownership),
        cmocka_unit_test(keys), cmocka_unit_test(multi_select_clicks), cmocka_unit_test(coordinates_are_scaled),
        cmocka_unit_test(fingers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
