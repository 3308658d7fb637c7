// What the parts of `stagecast serve` share. Each member says which thread may touch it.
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "assets.h"
#include "camera.h"
#include "commands.h"
#include "display.h"
#include "input.h"
#include "options.h"
#include "outbox.h"
#include "rx.h"
#include "settings.h"
#include "stage_query.h"
#include "stream.h"

#define SERVER_QUEUE 1024
#define ORBIT_CAMERA "__orbit__" // the viewer's own camera, in messages

enum run_state { STATE_STARTING, STATE_IDLE, STATE_LOADING, STATE_STREAMING, STATE_ERROR, STATE_SHUTTING_DOWN };

// What any client that connects is told. Guarded by `lock`.
struct session {
    pthread_mutex_t lock;
    enum run_state state;
    int accepted;        // opens, resets and variant changes that are not finished
    char *url;           // of the loaded stage, as clients know it; NULL = none
    char *loading_url;   // of the newest accepted open
    char *loading_target; // canonical path of the load that runs now; NULL = none
    json_t *joiners;     // requesters that came while it runs
    double progress;
    const char *activity; // NULL = none
    int64_t progress_sent_ns;
    bool has_stage;
    char *root_path;
    enum camera_up up;
    uint64_t generation;
    json_t *root_children; // payload of getChildrenResult
    json_t *failed;        // openStageResult payload of a load that left no stage
    json_t *selection;     // list of paths
    enum aov aov;
    unsigned available;    // bit per aov
    json_t *settings;      // values
    json_t *camera, *camera_list; // payloads
    bool has_stats;
    ovrtx_ext_product_stats_t stats; // of the newest step, where the renderer tells
};

// The pick that the next step answers. Render thread.
struct pending_pick {
    bool wanted, enqueued;
    int left, top, right, bottom, steps;
    enum select_mode mode;
    json_t *request; // payload of a pickRequest; NULL = a click
    uint64_t client;
};

struct server {
    // Set up before any thread starts, constant after.
    struct options o;
    struct assets *assets;
    struct outbox *outbox;
    struct command_queue *commands;
    struct input *input;
    struct stage_query *query;
    struct stream *stream;

    struct session session;

    // Any thread.
    atomic_bool stop, ready, said_first, warmed_up, renderer_failed, initial_load_failed;
    atomic_bool in_renderer; // the render thread is inside a renderer call: the keeper may submit
    atomic_int clients;
    atomic_llong push_due_ns; // when to push the initial state, 0 = not
    atomic_ullong push_client;
    atomic_llong loop_ns;      // when the loop last turned, for /livez
    atomic_ullong frames, frames_dropped, steps, picks, loads, load_failures, inputs, messages;
    atomic_int fps_x10, step_us, convert_us; // moving figures of the last second

    // Render thread only.
    struct rx *rx;
    char render_error[512]; // why the renderer could not be created; read after renderer_failed is set
    struct camera camera;
    struct camera_view home; // view after the load
    bool home_fixed;
    bool camera_dirty, lens_dirty;
    char *active_camera;     // path of the stage camera shown, NULL = the viewer's own
    int64_t camera_sent_ns;
    bool camera_unsent;
    char *target;            // canonical path of the loaded stage; NULL = none
    char *layer;             // root layer text that the renderer has
    json_t *variants;        // {"/Prim": {"set": "selection"}}
    struct stage_info *info;
    json_t *selection;       // list of paths, as reported
    json_t *outlined;        // object: path -> true, what the renderer shows
    struct settings settings;
    struct convert_state convert;
    enum aov aov;
    unsigned available;
    bool outputs_stale;      // select_outputs must be called before the next step
    bool semantic_other;     // the renderer spells AOV_SEMANTIC the other way
    int aov_failures;
    struct pending_pick pick;
    bool styles_installed;
    bool picture_changed;    // something visible changed since the renderer converged
    int step_failures, lost_failures;
    int64_t last_step_ns, last_convert_ok_ns, activity_ns;
    bool conversion_reported;
    double budget_ms;
    int slow_frames, fast_frames;
};

// session.c: state for clients, and its messages
void session_init(struct server *s);
void session_finish(struct server *s);
const char *run_state_name(enum run_state state);
enum run_state session_state(struct server *s);
void session_set_state(struct server *s, enum run_state state);
void session_post_loading_state(struct server *s, uint64_t client, json_t *request_id);
void session_push_initial(struct server *s, uint64_t client);
// extra: members added to activeAOVState (taken over, may be NULL). with_list: followed by availableAOVsResult.
void session_post_aov(struct server *s, uint64_t client, json_t *extra, json_t *request_id);
void session_post_available(struct server *s, uint64_t client, json_t *request_id);
void session_post_settings(struct server *s, uint64_t client, json_t *extra, json_t *request_id);
void session_post_selection(struct server *s, const char *source, json_t *request_id);
void session_post_camera(struct server *s, uint64_t client, json_t *request_id);
void session_progress(struct server *s, double amount, const char *activity);
void session_repeat_progress(struct server *s); // keeper: at least one message every 2 s of a load
json_t *session_open_result_locked(struct server *s, const char *url, json_t *request_id);

// messages.c: what clients send. Threads of the streaming library.
void messages_receive(struct server *s, uint64_t client, const char *text, size_t size);

// actions.c: commands that do not load. Render thread.
void actions_execute(struct server *s, struct command *c);
void actions_publish_camera(struct server *s, bool push, json_t *request_id); // session copy; push sends it
void actions_set_selection(struct server *s, json_t *paths, const char *source, json_t *request_id); // borrows paths
void actions_clear_outlines(struct server *s);
void actions_update_outlines(struct server *s); // make the renderer show the selection
void actions_drop_pick(struct server *s);
void actions_apply_pick(struct server *s, json_t *paths, bool failed);
void actions_fly(struct server *s, double seconds);
void actions_publish_aov(struct server *s);

// loader.c: stage loads. Render thread.
void loader_execute(struct server *s, struct command *c); // COMMAND_OPEN, _RELOAD, _VARIANT; finishes *c
bool loader_open_initial(struct server *s);

// runtime.c: the render thread
void *runtime_thread(void *server);
// One step. discover: find out which outputs there are. picture: convert what is shown. False: it failed.
bool runtime_step(struct server *s, bool discover, bool picture);
double runtime_settle(struct server *s);            // ms budget now
void runtime_submit(struct server *s);

// keeper.c: keeps clients served while the render thread is inside a renderer call
void *keeper_thread(void *server);

// serve.c
// A command for the render thread; replies where it cannot be queued. Any thread.
void server_command(struct server *s, struct command *c);
