// From the streaming library's input events to camera gestures, clicks and shortcuts. Holds no camera:
// it emits commands. Any thread; calls are serialised inside, and emit runs inside that lock.
#pragma once

#include <stdbool.h>

#include "commands.h"
#include "options.h"
#include "ovstream/ovstream_types.h"

#define INPUT_CLICK_PIXELS 4 // per axis; more makes a drag
#define INPUT_TAP_PIXELS 8   // the same for a finger

// Held fly keys, a bit each.
enum { FLY_FORWARD = 1, FLY_LEFT = 2, FLY_BACK = 4, FLY_RIGHT = 8, FLY_DOWN = 16, FLY_UP = 32, FLY_FAST = 64, FLY_SLOW = 128 };

struct input;
typedef void input_emit_fn(void *user, struct command *c); // takes over *c

struct input *input_create(int width, int height, enum navigation navigation, bool multi_select,
                           input_emit_fn *emit, void *user);
void input_destroy(struct input **input);

void input_event(struct input *in, const ovstream_input_event_t *event);
/** Whether the viewport owns the input. False cancels the gesture and releases held keys. */
void input_set_active(struct input *in, bool active);
/** Forget the gesture and held keys; ownership stays. */
void input_cancel(struct input *in);
/** Forget the gesture and held keys, as when a client left or a load starts; ownership becomes true. */
void input_reset(struct input *in);
void input_set_fly(struct input *in, bool fly);
/** Fly keys that count now: 0 unless fly mode is on or the right button is held. */
unsigned input_fly_keys(struct input *in);
/** A button, finger or fly key is down. */
bool input_busy(struct input *in);
