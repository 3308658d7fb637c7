// The server's own view of the loaded stage: a thread that opens USD stages and answers what clients ask
// about them. Never calls the renderer.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "assets.h"
#include "camera.h"
#include "outbox.h"
#include "root_layer.h"
#include "stageusd/stageusd.h"

#define STAGE_MAX_CAMERAS 100

// What the loader needs to know about a stage that opened.
struct stage_info {
    struct root_layer_metadata metadata;
    enum camera_up up;
    double meters_per_unit;
    char *root_path;       // protocol 8.4
    struct camera_bounds bounds;
    json_t *root_children; // payload of getChildrenResult, without generation
    json_t *cameras;       // rows of camera_list
};
void stage_info_free(struct stage_info **info);

struct stage_query;

struct stage_query *stage_query_create(const struct assets *assets, struct outbox *outbox, bool legacy);
void stage_query_destroy(struct stage_query **q);

/**
 * Open a scene as the candidate for the next stage; the current one keeps answering.
 *
 * @param variants   {"/Prim": {"set": "selection"}} or NULL.
 * @param cancelled  Polled while waiting; may be NULL.
 * @return           NULL with *error set (one line, no server path); *timed_out tells why.
 * Render thread.
 */
struct stage_info *stage_query_open(struct stage_query *q, const char *path, json_t *variants, int timeout_s,
                                    bool (*cancelled)(void *), void *user, char *error, size_t error_size, bool *timed_out);
void stage_query_commit(struct stage_query *q, uint64_t generation); // the candidate becomes the stage
void stage_query_abandon(struct stage_query *q);                     // the candidate is forgotten
void stage_query_close(struct stage_query *q);                       // no stage any more
// While held, questions wait: a load runs. Any thread.
void stage_query_hold(struct stage_query *q, bool hold);

enum stage_question { ASK_CHILDREN, ASK_PROPERTIES, ASK_COUNT, ASK_VARIANTS };
// Queue a question; its reply goes to the outbox. Borrows payload. Any thread.
void stage_query_ask(struct stage_query *q, enum stage_question what, json_t *payload, uint64_t client);

// The current stage, kept alive until released; NULL without one. Any thread.
struct stage_ref;
struct stage_ref *stage_query_acquire(struct stage_query *q);
struct stage_ref *stage_query_acquire_candidate(struct stage_query *q);
const usd_stage *stage_ref_stage(const struct stage_ref *ref);
void stage_ref_release(struct stage_ref **ref);

// getChildrenResult's payload for one prim. Any thread.
json_t *stage_children_payload(const usd_stage *stage, const char *path, json_t *request);
// World bounds of a prim ("" = the whole stage).
struct camera_bounds stage_bounds(const usd_stage *stage, const char *path);
// Matrix and lens of a stage camera. False: no such camera.
bool stage_camera(const usd_stage *stage, const char *path, double matrix[16], struct camera_lens *lens);
// Paths of the geometry that an outline on `path` covers, appended to a JSON list; at most max.
void stage_expand(const usd_stage *stage, const char *path, json_t *out, size_t max);
