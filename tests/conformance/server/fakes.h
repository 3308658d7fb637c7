// Stand-ins for libovrtx-dynamic and libovstream that record what the server does to them, and behave
// as told. Linked into the tests in place of the libraries.
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ovstream/ovstream.h"

#define FAKE_MAX_EVENTS 200000

// How the renderer behaves. Changed by tests while it runs; read under the lock.
struct fake_renderer {
    bool fail_create, fail_steps, lose_device, fail_outputs, fail_ldr, asynchronous;
    int fail_frames;           // so many first frames have no usable image
    bool open_fails;           // the next opens fail, as seen by the wait
    const char *open_fails_on; // only for layers that hold this text; NULL = all
    int open_ms, step_ms, first_step_ms; // how long the calls take
    const char *pick_path;     // what a pick hits; NULL = nothing
    uint32_t pick_magic, pick_version;
    bool pick_missing, pick_fails;
    const char *vars[16];      // source names in each frame, NULL ends the list
    uint8_t color[4];          // of LdrColor, RGBA
};

struct fake_stream {
    bool fail_start, fail_video, connect_in_start;
};

extern struct fake_renderer fake_renderer;
extern struct fake_stream fake_stream;

void fake_reset(void);

// The record, in order. Each entry is one line such as "open" or "xform 0 0 10".
size_t fake_event_count(void);
// Copies entry i; "" past the end. *thread and *time_ns may be NULL.
void fake_event(size_t i, char *out, size_t size, pthread_t *thread, int64_t *time_ns);
// Position of the first entry at or after `from` that starts with prefix, or -1.
long fake_find(const char *prefix, size_t from);
size_t fake_count(const char *prefix);
void fake_record(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Wait until an entry with this prefix is there at or after `from`; its position or -1.
long fake_wait(const char *prefix, size_t from, int timeout_ms);

bool fake_running(void);                   // the stream is started
void fake_connect(bool connected);         // as a client that comes or goes
void fake_message(const char *text);       // as from a client
void fake_message_bytes(const char *data, size_t size);
void fake_input(const ovstream_input_event_t *event);

// Messages the server sent, as sent. The caller's reference; NULL past the end.
size_t fake_sent_count(void);
char *fake_sent_text(size_t i); // malloc
// The first message of an event at or after *from; *from becomes the position after it. NULL on timeout.
json_t *fake_wait_sent(const char *event_type, size_t *from, int timeout_ms);

// The last submitted picture's pixel as 0xAARRGGBB; 0 when there is none.
uint32_t fake_pixel(int x, int y);
bool fake_all_opaque(void);        // every alpha of every submitted frame was 255
bool fake_torn(void);              // a buffer changed before the next call had returned
int64_t fake_largest_gap_ns(void); // between two submissions since the last call of this
void fake_client(uint64_t id); // whose callbacks run from now on (test-serve-rest only)
size_t fake_mapped_now(void), fake_results_now(void); // leaks
