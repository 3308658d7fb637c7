// What one ovrtx renderer is made of, and the small things every exported function does.
#pragma once

#include <pthread.h>

#include <ovrtx/ovrtx.h>
#include <ovrtx/ovrtx_ext.h>

#include "config.h"
#include "error.h"
#include "handles.h"
#include "ops.h"
#include "paths.h"
#include "render.h"
#include "stage.h"

struct draw;    // stage to render scene, draw.h
struct products; // per-product views and settings, products.h

struct ovrtx_renderer_t {
    struct config config;
    struct paths *paths;
    struct ops *ops;

    // Any thread.
    struct handle_table bindings;  // struct binding
    struct handle_table reads;     // struct read_op
    struct handle_table queries;   // struct query_op
    struct handle_table attr_maps; // struct attr_map
    struct handle_table results;   // struct step_result
    struct handle_table outputs;   // struct output
    struct handle_table output_maps; // struct output_map
    struct handle_table references; // reserved numbers of added references
    pthread_mutex_t lock;          // of what follows, up to the next comment
    struct products *products;     // its own rules, see products.h
    ovrtx_ext_asset_access_t asset_access;
    void *asset_user;
    char **asset_roots; // resolved folders
    size_t asset_root_count;

    // Operation thread only.
    struct renderer *gpu;
    struct render_scene *scene;
    struct stage stage;
    struct draw *draw;
    double last_step_time; // seconds
    uint32_t reference_count;
};

// True for a living renderer; else sets the error.
bool renderer_check(const ovrtx_renderer_t *r);

#define API_ENTER(r)                                         \
    do {                                                     \
        error_clear();                                       \
        if (!renderer_check(r))                              \
            return (ovrtx_result_t) { OVRTX_API_ERROR };     \
    } while (0)
#define ENQUEUE_ENTER(r)                                          \
    do {                                                          \
        error_clear();                                            \
        if (!renderer_check(r))                                   \
            return (ovrtx_enqueue_result_t) { OVRTX_API_ERROR, 0 }; \
    } while (0)

static inline ovrtx_result_t api_ok(void) { return (ovrtx_result_t) { OVRTX_API_SUCCESS }; }
#define api_fail(...) ((ovrtx_result_t) { error_set(__VA_ARGS__) })
#define enqueue_fail(...) ((ovrtx_enqueue_result_t) { error_set(__VA_ARGS__), 0 })

// NUL-terminated copy of a caller's text; NULL when memory is short.
char *text_copy(ovx_string_t text);
int text_shown(ovx_string_t text); // length to print with %.*s, bounded

// Teardown of what each part keeps in the handle tables.
void reads_finish(ovrtx_renderer_t *r);
void queries_finish(ovrtx_renderer_t *r);
void bindings_finish(ovrtx_renderer_t *r);
void attr_maps_finish(ovrtx_renderer_t *r);
void results_finish(ovrtx_renderer_t *r);

// Options for opening a stage with the renderer's asset rules. `options` borrows from the renderer.
void loading_options(ovrtx_renderer_t *r, struct usd_open_options *options);
