#include "input.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define MOD_SHIFT 0x0001
#define MOD_CONTROL 0x0002
#define MOD_ALT 0x0004

#define KEY_ESCAPE 0x0100
#define KEY_HOME 0x0200

enum gesture { GESTURE_NONE, GESTURE_ORBIT, GESTURE_PAN, GESTURE_DOLLY, GESTURE_FLY_LOOK, GESTURE_CLICK_ONLY };

struct finger {
    uint16_t id;
    double x, y;
};

struct input {
    pthread_mutex_t lock;
    int width, height;
    enum navigation navigation;
    bool multi_select, active, fly;
    input_emit_fn *emit;
    void *user;

    double x, y;                  // last known pointer position, product pixels
    bool position_known;
    double extent_x, extent_y;    // size of the space that events count in
    unsigned held;                // bit per button 1..3
    int button;                   // that owns the gesture; 0 = none
    bool blocked;                 // wait until all buttons are up
    enum gesture gesture;
    bool dragging, moved;         // past the threshold; a command was emitted
    double press_x, press_y, last_x, last_y;
    unsigned press_modifiers;

    struct finger fingers[2];
    int finger_count;
    bool touch_was_two;           // no tap after two fingers
    unsigned keys;                // FLY_*
};

struct input *input_create(int width, int height, enum navigation navigation, bool multi_select,
                           input_emit_fn *emit, void *user)
{
    struct input *in = calloc(1, sizeof(*in));
    if (!in)
        return NULL;
    pthread_mutex_init(&in->lock, NULL);
    in->width        = width;
    in->height       = height;
    in->extent_x     = width;
    in->extent_y     = height;
    in->navigation   = navigation;
    in->multi_select = multi_select;
    in->emit         = emit;
    in->user         = user;
    in->active       = true;
    return in;
}

void input_destroy(struct input **input)
{
    if (!*input)
        return;
    pthread_mutex_destroy(&(*input)->lock);
    free(*input);
    *input = NULL;
}

static void emit(struct input *in, enum command_kind kind, double x, double y)
{
    struct command c = { .kind = kind, .x = x, .y = y };
    in->emit(in->user, &c);
}

static void end_gesture(struct input *in)
{
    if (in->moved)
        emit(in, COMMAND_GESTURE_END, 0, 0);
    in->gesture  = GESTURE_NONE;
    in->button   = 0;
    in->dragging = in->moved = false;
}

static void cancel(struct input *in)
{
    end_gesture(in);
    in->blocked      = in->held != 0;
    in->finger_count = 0;
    in->keys         = 0;
}

static bool inside(const struct input *in, double x, double y)
{
    return x >= 0 && y >= 0 && x < in->width && y < in->height;
}

static enum gesture gesture_of(const struct input *in, int button, unsigned modifiers)
{
    bool alt = modifiers & MOD_ALT;
    if (in->navigation == NAVIGATION_DCC) {
        if (!alt)
            return button == 1 ? GESTURE_CLICK_ONLY : GESTURE_NONE;
        return button == 1 ? GESTURE_ORBIT : button == 2 ? GESTURE_PAN : GESTURE_DOLLY;
    }
    if (button == 1)
        return modifiers & MOD_SHIFT ? GESTURE_PAN : GESTURE_ORBIT;
    if (button == 2)
        return GESTURE_PAN;
    return in->fly || in->keys & (FLY_FORWARD | FLY_LEFT | FLY_BACK | FLY_RIGHT | FLY_DOWN | FLY_UP) ? GESTURE_FLY_LOOK
                                                                                                       : GESTURE_DOLLY;
}

static enum command_kind gesture_command(enum gesture g)
{
    switch (g) {
    case GESTURE_PAN: return COMMAND_PAN;
    case GESTURE_DOLLY: return COMMAND_DOLLY;
    case GESTURE_FLY_LOOK: return COMMAND_FLY_LOOK;
    default: return COMMAND_ORBIT;
    }
}

static void press(struct input *in, int button, unsigned modifiers)
{
    in->press_x = in->last_x = in->x;
    in->press_y = in->last_y = in->y;
    in->press_modifiers      = modifiers;
    in->button               = button;
    in->gesture              = gesture_of(in, button, modifiers);
    in->dragging = in->moved = false;
}

// The pointer is somewhere else: past the threshold a press becomes a drag, for good.
static void drag_to(struct input *in, double threshold)
{
    if (!in->button)
        return;
    if (!in->dragging) {
        if (fabs(in->x - in->press_x) <= threshold && fabs(in->y - in->press_y) <= threshold)
            return;
        in->dragging = true; // the gesture starts here, without a jump
    } else if (in->gesture != GESTURE_NONE && in->gesture != GESTURE_CLICK_ONLY) {
        enum gesture g = in->gesture;
        if (in->button == 3 && g == GESTURE_DOLLY) // a fly key pressed meanwhile
            g = gesture_of(in, 3, in->press_modifiers);
        emit(in, gesture_command(g), in->x - in->last_x, in->y - in->last_y);
        in->moved = true;
    }
    in->last_x = in->x;
    in->last_y = in->y;
}

static void click(struct input *in)
{
    if (!inside(in, in->x, in->y))
        return;
    struct command c = { .kind = COMMAND_PICK, .x = floor(in->x), .y = floor(in->y) };
    if (in->multi_select && in->press_modifiers & MOD_CONTROL)
        c.mode = SELECT_SUBTRACT;
    else if (in->multi_select && in->press_modifiers & MOD_SHIFT)
        c.mode = SELECT_ADD;
    in->emit(in->user, &c);
}

static void set_position(struct input *in, double x, double y)
{
    in->x              = x * in->width / in->extent_x;
    in->y              = y * in->height / in->extent_y;
    in->position_known = true;
}

static void mouse_button(struct input *in, const ovstream_mouse_event_t *e)
{
    if (e->data < 1 || e->data > 3)
        return;
    if (e->x || e->y || !in->position_known) // (0, 0) means "where it was last"
        set_position(in, e->x, e->y);
    unsigned bit = 1u << e->data;
    bool down    = e->button_state == OVSTREAM_KEY_STATE_DOWN;
    if (down && in->held & bit)
        return;
    if (!down && !(in->held & bit))
        return; // a release without a press
    in->held = down ? in->held | bit : in->held & ~bit;
    if (down) {
        if (in->button || in->blocked)
            return; // a second button during a gesture
        if (!in->active || !inside(in, in->x, in->y))
            in->blocked = true;
        else
            press(in, e->data, e->modifiers);
        return;
    }
    if (in->button == e->data) {
        drag_to(in, INPUT_CLICK_PIXELS); // the release may be the first to say where the pointer went
        bool clicked = !in->dragging && e->data == 1 && in->active &&
                       !(in->navigation == NAVIGATION_DCC && in->press_modifiers & MOD_ALT);
        end_gesture(in);
        in->blocked = in->held != 0;
        if (clicked)
            click(in);
    }
    if (!in->held)
        in->blocked = false;
}

static void mouse_wheel(struct input *in, const ovstream_mouse_event_t *e)
{
    double notches = e->scroll_y;
    if (notches == 0 && e->data) // older libraries
        notches = abs(e->data) >= 30 ? e->data / 120.0 : e->data;
    if (!in->active || !isfinite(notches) || notches == 0)
        return;
    bool speed = in->held & 1u << 3;
    emit(in, speed ? COMMAND_FLY_SPEED : COMMAND_WHEEL, 0, notches);
    if (!in->button && !speed)
        emit(in, COMMAND_GESTURE_END, 0, 0);
}

static void mouse_event(struct input *in, const ovstream_mouse_event_t *e)
{
    switch (e->type) {
    case OVSTREAM_MOUSE_MOVE:
        in->extent_x = e->data > 0 ? e->data : in->width;
        in->extent_y = e->data2 > 0 ? e->data2 : in->height;
        set_position(in, e->x, e->y);
        if (in->active)
            drag_to(in, INPUT_CLICK_PIXELS);
        break;
    case OVSTREAM_MOUSE_BUTTON:
        mouse_button(in, e);
        break;
    case OVSTREAM_MOUSE_WHEEL:
        mouse_wheel(in, e);
        break;
    }
}

static unsigned fly_bit(unsigned key)
{
    switch (key) {
    case 'W': return FLY_FORWARD;
    case 'A': return FLY_LEFT;
    case 'S': return FLY_BACK;
    case 'D': return FLY_RIGHT;
    case 'Q': return FLY_DOWN;
    case 'E': return FLY_UP;
    case 0x0301: case 0x0302: case 0x0303: return FLY_FAST;
    case 0x0304: case 0x0305: case 0x0306: return FLY_SLOW;
    default: return 0;
    }
}

static void key_pressed(struct input *in, const ovstream_keyboard_event_t *e)
{
    if (e->modifiers & (MOD_CONTROL | MOD_ALT | 0x0008))
        return; // a shortcut of somebody else
    unsigned key = e->key_code;
    if (key >= 'a' && key <= 'z')
        key -= 32;
    if (key == 'F')
        emit(in, COMMAND_FIT_SELECTION, 0, 0);
    else if (key == 'R' || key == KEY_HOME)
        emit(in, COMMAND_RESET_VIEW, 0, 0);
    else if (key == KEY_ESCAPE && in->button)
        cancel(in);
    else if (key == KEY_ESCAPE)
        emit(in, COMMAND_CLEAR_SELECTION, 0, 0);
    else if (key >= '0' && key <= '9') {
        struct command c = { .kind = COMMAND_STAGE_CAMERA, .number = (int)(key - '0') };
        in->emit(in->user, &c);
    }
}

static void keyboard_event(struct input *in, const ovstream_keyboard_event_t *e)
{
    unsigned key = e->key_code >= 'a' && e->key_code <= 'z' ? e->key_code - 32u : e->key_code;
    unsigned bit = fly_bit(key);
    if (e->key_state == OVSTREAM_KEY_STATE_UP) {
        in->keys &= ~bit;
        return;
    }
    if (!in->active)
        return;
    if (bit) {
        in->keys |= bit;
        emit(in, COMMAND_WAKE, 0, 0);
        return;
    }
    key_pressed(in, e);
}

static int find_finger(const struct input *in, uint16_t id)
{
    for (int i = 0; i < in->finger_count; i++)
        if (in->fingers[i].id == id)
            return i;
    return -1;
}

static void finger_down(struct input *in, uint16_t id, double x, double y)
{
    if (in->finger_count == 2 || find_finger(in, id) >= 0 || !in->active)
        return;
    in->fingers[in->finger_count++] = (struct finger) { id, x, y };
    if (in->finger_count == 1) {
        in->touch_was_two = false;
        in->x = x;
        in->y = y;
        press(in, 1, 0);
    } else {
        end_gesture(in); // two fingers: no longer a drag of one
        in->touch_was_two = true;
    }
}

static void finger_moved(struct input *in, int at, double x, double y)
{
    struct finger *f = &in->fingers[at];
    if (in->finger_count == 1 && !in->touch_was_two) {
        in->x = x;
        in->y = y;
        drag_to(in, INPUT_TAP_PIXELS);
    } else if (in->finger_count == 2) {
        const struct finger *o = &in->fingers[1 - at];
        double before = hypot(f->x - o->x, f->y - o->y), after = hypot(x - o->x, y - o->y);
        // Each finger moves the middle by half of its own way.
        emit(in, COMMAND_PAN, (x - f->x) / 2, (y - f->y) / 2);
        if (before > 1 && after > 1)
            emit(in, COMMAND_WHEEL, 0, log(after / before) / 0.1); // the distance follows the pinch
        in->moved = true;
    }
    f->x = x;
    f->y = y;
}

static void finger_up(struct input *in, int at, bool cancelled)
{
    bool tap = in->finger_count == 1 && !in->touch_was_two && in->button && !in->dragging && !cancelled && in->active;
    in->fingers[at] = in->fingers[in->finger_count - 1];
    in->finger_count--;
    if (in->finger_count == 0 || in->touch_was_two)
        end_gesture(in);
    if (tap)
        click(in);
}

static void touch_event(struct input *in, const ovstream_touch_event_t *e)
{
    int count = e->point_count > OVSTREAM_MAX_TOUCH_POINTS ? OVSTREAM_MAX_TOUCH_POINTS : e->point_count;
    for (int i = 0; i < count; i++) {
        const ovstream_touch_point_t *p = &e->points[i];
        double x = (double)p->x * in->width, y = (double)p->y * in->height;
        if (!isfinite(x) || !isfinite(y))
            continue;
        int at                        = find_finger(in, p->id);
        ovstream_touch_phase_t phase  = p->phase;
        if (phase == OVSTREAM_TOUCH_PHASE_UNKNOWN) // the simple flavour lists the fingers that are down
            phase = at < 0 ? OVSTREAM_TOUCH_PHASE_DOWN : OVSTREAM_TOUCH_PHASE_MOVE;
        if (phase == OVSTREAM_TOUCH_PHASE_DOWN)
            finger_down(in, p->id, x, y);
        else if (at >= 0 && phase == OVSTREAM_TOUCH_PHASE_MOVE)
            finger_moved(in, at, x, y);
        else if (at >= 0)
            finger_up(in, at, phase == OVSTREAM_TOUCH_PHASE_CANCEL);
    }
    if (e->low_level)
        return;
    for (int i = in->finger_count - 1; i >= 0; i--) { // who is not listed any more is up
        bool listed = false;
        for (int k = 0; k < count; k++)
            listed |= e->points[k].id == in->fingers[i].id;
        if (!listed)
            finger_up(in, i, false);
    }
}

void input_event(struct input *in, const ovstream_input_event_t *event)
{
    pthread_mutex_lock(&in->lock);
    switch (event->type) {
    case OVSTREAM_INPUT_MOUSE: mouse_event(in, &event->mouse); break;
    case OVSTREAM_INPUT_KEYBOARD: keyboard_event(in, &event->keyboard); break;
    case OVSTREAM_INPUT_TOUCH: touch_event(in, &event->touch); break;
    case OVSTREAM_INPUT_GAMEPAD: break; // not used
    }
    pthread_mutex_unlock(&in->lock);
}

void input_set_active(struct input *in, bool active)
{
    pthread_mutex_lock(&in->lock);
    if (!active)
        cancel(in);
    in->active = active;
    pthread_mutex_unlock(&in->lock);
}

void input_cancel(struct input *in)
{
    pthread_mutex_lock(&in->lock);
    cancel(in);
    pthread_mutex_unlock(&in->lock);
}

void input_reset(struct input *in)
{
    pthread_mutex_lock(&in->lock);
    in->held = 0;
    cancel(in);
    in->active = true;
    pthread_mutex_unlock(&in->lock);
}

void input_set_fly(struct input *in, bool fly)
{
    pthread_mutex_lock(&in->lock);
    in->fly = fly;
    pthread_mutex_unlock(&in->lock);
}

unsigned input_fly_keys(struct input *in)
{
    pthread_mutex_lock(&in->lock);
    unsigned keys = in->active && (in->fly || in->held & 1u << 3) ? in->keys : 0;
    pthread_mutex_unlock(&in->lock);
    return keys & (FLY_FORWARD | FLY_LEFT | FLY_BACK | FLY_RIGHT | FLY_DOWN | FLY_UP) ? keys : 0;
}

bool input_busy(struct input *in)
{
    pthread_mutex_lock(&in->lock);
    bool busy = in->button || in->finger_count;
    pthread_mutex_unlock(&in->lock);
    return busy;
}
