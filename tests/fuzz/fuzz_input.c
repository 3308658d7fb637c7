// The "input" channel's records: whatever the bytes, events stay inside their rules.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"
#include "utf8.h"

static void on_event(void *user, const ovstream_input_event_t *e)
{
    switch (e->type) {
    case OVSTREAM_INPUT_MOUSE:
        assert(e->mouse.x >= 0 && e->mouse.x < 1280 && e->mouse.y >= 0 && e->mouse.y < 720);
        assert(e->mouse.scroll_x == e->mouse.scroll_x && e->mouse.scroll_y == e->mouse.scroll_y);
        break;
    case OVSTREAM_INPUT_TOUCH:
        assert(e->touch.point_count >= 1 && e->touch.point_count <= OVSTREAM_MAX_TOUCH_POINTS);
        for (int i = 0; i < e->touch.point_count; i++)
            assert(e->touch.points[i].x >= 0 && e->touch.points[i].x <= 1);
        break;
    case OVSTREAM_INPUT_GAMEPAD:
        assert(e->gamepad.gamepad_id <= 3 && e->gamepad.control < OVSTREAM_GAMEPAD_NUM_CONTROLS);
        break;
    case OVSTREAM_INPUT_KEYBOARD:
        break;
    }
    ++*(size_t *)user;
}

static void on_text(void *user, const char *text, size_t size)
{
    assert(utf8_valid(text, size));
    ++*(size_t *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t seen              = 0;
    struct input_sink sink   = { on_event, on_text, &seen };
    struct input_result done = input_decode(data, size, 1280, 720, &sink);
    assert(done.records == seen);
    assert(done.records <= size / 12);
    return 0;
}
