// Runs `stagecast serve` inside the test process, on stand-in libraries, and asks it things.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "fakes.h"

#define WIDTH 128
#define HEIGHT 72

// A folder with small scenes: y.usda (Y up, /World), z.usda (Z up), plain.usda (no /World, no default
// prim), broken.usda, variants.usda, big.usda (many children and properties), and one outside of it.
const char *harness_folder(void);
void harness_make_folder(void);
void harness_remove_folder(void);

/** Start with these further arguments (NULL ends the list); returns when the stream runs or serve ended. */
void serve_start(const char *first, ...);
/** Ask it to end; its exit code, -1 when it does not within 20 s. */
int serve_stop(void);
/** Wait for serve to end by itself. */
int serve_wait(void);
int serve_port(void); // of HTTP

// GET: status code; body (malloc) when wanted. method NULL = GET.
int http_get(const char *method, const char *path, char **body, char **headers);

// The log since serve_start: occurrences of a text, and how many lines of a level.
size_t log_count(const char *text);
size_t log_levels(int level);
bool log_wait(const char *text, int timeout_ms);

// Send an event; payload is JSON text with ' for ".
void ask(const char *event_type, const char *payload);
// Send and wait for the reply's payload (caller's reference); fails the test when none comes.
json_t *ask_for(const char *event_type, const char *payload, const char *reply);
json_t *next_of(const char *event_type, size_t *from); // the next one at or after *from, waits
const char *text_of(json_t *payload, const char *key); // "" when absent

void mouse_move(int x, int y);
void mouse_button(int button, bool down, int x, int y);
void click(int x, int y);
