// What the render thread is to do: a bounded queue with merging, many producers, one consumer.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command_kind {
    // Continuous: consecutive ones add up, and the oldest are dropped when the queue is full.
    COMMAND_ORBIT,     // x, y: pixels
    COMMAND_PAN,       // x, y: pixels
    COMMAND_DOLLY,     // x, y: pixels
    COMMAND_WHEEL,     // y: notches
    COMMAND_FLY_LOOK,  // x, y: pixels
    COMMAND_FLY_SPEED, // y: notches
    COMMAND_LAST_CONTINUOUS = COMMAND_FLY_SPEED,
    // Discrete: never dropped; a newer one replaces a waiting one where noted.
    COMMAND_GESTURE_END,
    COMMAND_PICK,         // x, y: pixel; mode; the newest counts
    COMMAND_PICK_QUERY,   // payload; answers, selects nothing
    COMMAND_FIT_SELECTION,
    COMMAND_FIT,          // payload
    COMMAND_RESET_VIEW,
    COMMAND_CLEAR_SELECTION,
    COMMAND_CAMERA,       // payload
    COMMAND_SET_CAMERA,   // payload
    COMMAND_STAGE_CAMERA, // number: 1 = first camera of the stage, 0 = free camera
    COMMAND_OPEN,         // target, payload = list of requesters; the newest target counts
    COMMAND_RELOAD,
    COMMAND_SELECT,       // payload
    COMMAND_PICKABLE,     // payload
    COMMAND_AOV,          // payload; the newest counts
    COMMAND_SETTING,      // payload; the newest of one key counts
    COMMAND_VARIANT,      // payload
    COMMAND_WAKE,         // nothing but a tick
};

enum select_mode { SELECT_REPLACE, SELECT_ADD, SELECT_SUBTRACT };

struct command {
    enum command_kind kind;
    double x, y;
    int number;
    enum select_mode mode;
    char *target;       // owned
    json_t *payload;    // owned reference
    json_t *request_id; // owned reference or NULL
    uint64_t client;    // who asked; 0 = nobody in particular
};

struct command_queue;

struct command_queue *command_queue_create(size_t capacity);
void command_queue_destroy(struct command_queue **queue);
void command_finish(struct command *c); // frees what it owns

enum command_push { COMMAND_PUSHED, COMMAND_JOINED, COMMAND_REPLACED, COMMAND_REFUSED };

/**
 * Take over *c and wake the consumer.
 *
 * @param replaced Set to the open that this one replaces when COMMAND_REPLACED is returned; the caller
 *                 finishes it. An open of the same target joins the waiting one: JOINED.
 * @return         COMMAND_REFUSED: the queue is full of discrete commands; *c was finished.
 * Any thread.
 */
enum command_push command_queue_push(struct command_queue *q, struct command *c, struct command *replaced);
// The oldest command. False: none. Consumer only.
bool command_queue_pop(struct command_queue *q, struct command *out);
// Wait until a command is there, or mono_ns has come (0: do not wait). False: the time has come.
bool command_queue_wait(struct command_queue *q, int64_t mono_ns);
// Drop what a stage load makes pointless: continuous commands, picks and gesture ends.
void command_queue_drop_gestures(struct command_queue *q);
size_t command_queue_size(struct command_queue *q);
uint64_t command_queue_dropped(struct command_queue *q);
