#include "input.h"

#include <math.h>
#include <string.h>

#include "cursor.h"
#include "utf8.h"

enum record_type {
    RECORD_MOVE = 1,
    RECORD_BUTTON,
    RECORD_WHEEL,
    RECORD_KEY,
    RECORD_TOUCH,
    RECORD_GAMEPAD,
    RECORD_TEXT,
};

#define HEAD_SIZE 12u
#define TOUCH_POINT_SIZE 28u
#define MAX_NOTCHES 1000.0f

struct record_head {
    uint8_t type;
    uint8_t size;
    uint16_t modifiers;
    uint64_t timestamp_us;
};

struct decoder {
    const struct input_sink *sink;
    struct record_head head;
    uint32_t width, height;
};

static float read_float(struct cursor *c)
{
    uint32_t bits = cur_u32le(c);
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static float clamp(float v, float low, float high) { return v < low ? low : v > high ? high : v; }

// A pixel coordinate inside the picture; NaN becomes 0.
static int32_t pixel(float v, uint32_t extent) { return isnan(v) ? 0 : (int32_t)clamp(v, 0, (float)extent - 1); }

static float unit(float v) { return isnan(v) ? 0 : clamp(v, 0, 1); }

static void emit(const struct decoder *d, const ovstream_input_event_t *e) { d->sink->event(d->sink->user, e); }

// The members that every mouse record shares. Reads x and y.
static ovstream_input_event_t mouse_event(const struct decoder *d, struct cursor *c, ovstream_mouse_event_type_t type)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse.type             = type;
    e.mouse.modifiers        = d->head.modifiers;
    e.mouse.timestamp_us     = d->head.timestamp_us;
    e.mouse.x                = pixel(read_float(c), d->width);
    e.mouse.y                = pixel(read_float(c), d->height);
    return e;
}

static bool decode_move(const struct decoder *d, struct cursor *c)
{
    ovstream_input_event_t e = mouse_event(d, c, OVSTREAM_MOUSE_MOVE);
    if (c->bad)
        return false;
    e.mouse.data  = (int32_t)d->width;
    e.mouse.data2 = (int32_t)d->height;
    emit(d, &e);
    return true;
}

static bool decode_button(const struct decoder *d, struct cursor *c)
{
    ovstream_input_event_t e = mouse_event(d, c, OVSTREAM_MOUSE_BUTTON);
    uint8_t button = cur_u8(c), down = cur_u8(c);
    if (c->bad || button < OVSTREAM_MOUSE_BUTTON_LEFT || button > OVSTREAM_MOUSE_BUTTON_EXTRA2)
        return false;
    e.mouse.data         = button;
    e.mouse.button_state = down ? OVSTREAM_KEY_STATE_DOWN : OVSTREAM_KEY_STATE_UP;
    emit(d, &e);
    return true;
}

static bool decode_wheel(const struct decoder *d, struct cursor *c)
{
    ovstream_input_event_t e = mouse_event(d, c, OVSTREAM_MOUSE_WHEEL);
    float sx = read_float(c), sy = read_float(c);
    if (c->bad || isnan(sx) || isnan(sy))
        return false;
    e.mouse.scroll_x = clamp(sx, -MAX_NOTCHES, MAX_NOTCHES);
    e.mouse.scroll_y = clamp(sy, -MAX_NOTCHES, MAX_NOTCHES);
    emit(d, &e);
    return true;
}

static bool decode_key(const struct decoder *d, struct cursor *c)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_KEYBOARD };
    uint32_t key = cur_u32le(c), scan = cur_u32le(c);
    uint8_t down = cur_u8(c);
    if (c->bad || key > UINT16_MAX)
        return false;
    e.keyboard = (ovstream_keyboard_event_t) {
        .key_code     = (uint16_t)key,
        .scan_code    = (uint16_t)scan,
        .modifiers    = d->head.modifiers,
        .key_state    = down ? OVSTREAM_KEY_STATE_DOWN : OVSTREAM_KEY_STATE_UP,
        .timestamp_us = d->head.timestamp_us,
    };
    emit(d, &e);
    return true;
}

static bool decode_touch(const struct decoder *d, struct cursor *c)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_TOUCH };
    uint8_t count            = cur_u8(c);
    cur_skip(c, 3);
    if (c->bad || count < 1 || count > OVSTREAM_MAX_TOUCH_POINTS)
        return false;
    // The low-level flavour: what the event itself carries stays 0.
    e.touch.point_count = count;
    e.touch.low_level   = 1;
    for (uint8_t i = 0; i < count; i++) {
        ovstream_touch_point_t *p = &e.touch.points[i];
        struct cursor point       = cur_sub(c, TOUCH_POINT_SIZE);
        uint32_t id               = cur_u32le(&point);
        uint8_t phase             = cur_u8(&point);
        cur_skip(&point, 3);
        p->id           = (uint16_t)id;
        p->phase        = phase <= OVSTREAM_TOUCH_PHASE_CANCEL ? (ovstream_touch_phase_t)phase
                                                               : OVSTREAM_TOUCH_PHASE_UNKNOWN;
        p->x            = unit(read_float(&point));
        p->y            = unit(read_float(&point));
        p->x_radius     = unit(read_float(&point));
        p->y_radius     = unit(read_float(&point));
        p->timestamp_us = d->head.timestamp_us;
    }
    if (c->bad)
        return false;
    emit(d, &e);
    return true;
}

static bool decode_gamepad(const struct decoder *d, struct cursor *c)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_GAMEPAD };
    uint16_t pad = cur_u16le(c), control = cur_u16le(c);
    int32_t value = (int32_t)cur_u32le(c);
    if (c->bad || pad > 3 || control >= OVSTREAM_GAMEPAD_NUM_CONTROLS)
        return false;
    e.gamepad = (ovstream_gamepad_event_t) {
        .control      = (ovstream_gamepad_control_t)control,
        .position     = (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value),
        .gamepad_id   = (uint8_t)pad,
        .timestamp_us = d->head.timestamp_us,
    };
    emit(d, &e);
    return true;
}

static bool decode_text(const struct decoder *d, struct cursor *c)
{
    size_t size      = cur_left(c);
    const char *text = (const char *)cur_take(c, size);
    if (!utf8_valid(text, size))
        return false;
    d->sink->text(d->sink->user, text, size);
    return true;
}

static bool (*const decoders[])(const struct decoder *, struct cursor *) = {
    [RECORD_MOVE] = decode_move,   [RECORD_BUTTON] = decode_button, [RECORD_WHEEL] = decode_wheel,
    [RECORD_KEY] = decode_key,     [RECORD_TOUCH] = decode_touch,   [RECORD_GAMEPAD] = decode_gamepad,
    [RECORD_TEXT] = decode_text,
};

// Bytes of the record behind its head. A touch record of nine or more points has size 0 and says its length by the count.
static size_t body_size(const struct record_head *head, const struct cursor *c)
{
    if (head->size)
        return head->size < HEAD_SIZE ? SIZE_MAX : head->size - HEAD_SIZE;
    return head->type == RECORD_TOUCH && cur_left(c) ? 4 + TOUCH_POINT_SIZE * c->p[0] : SIZE_MAX;
}

struct input_result input_decode(const void *data, size_t size, uint32_t width, uint32_t height,
                                 const struct input_sink *sink)
{
    struct input_result result = { 0 };
    struct cursor c            = cur_make(data, size);
    struct decoder d           = { .sink = sink, .width = width, .height = height };
    while (cur_left(&c)) {
        d.head.type         = cur_u8(&c);
        d.head.size         = cur_u8(&c);
        d.head.modifiers    = cur_u16le(&c);
        d.head.timestamp_us = cur_u64le(&c);
        bool known          = d.head.type >= RECORD_MOVE && d.head.type <= RECORD_TEXT;
        struct cursor body  = cur_sub(&c, c.bad || !known ? SIZE_MAX : body_size(&d.head, &c));
        if (body.bad) {
            result.dropped++;
            break;
        }
        if (decoders[d.head.type](&d, &body))
            result.records++;
        else
            result.dropped++;
    }
    return result;
}
