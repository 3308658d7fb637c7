#include "stage_query.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "protocol.h"
#include "thread.h"
#include "usd_json.h"

#define MAX_QUESTIONS 2048
#define MAX_PATH 8192

struct stage_ref {
    usd_stage *stage;
    uint64_t generation;
    atomic_int references;
};

struct question {
    struct question *next;
    enum stage_question what;
    json_t *payload;
    uint64_t client;
};

enum open_state { OPEN_NONE, OPEN_WANTED, OPEN_RUNNING, OPEN_DONE };

struct stage_query {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    const struct assets *assets;
    struct outbox *outbox;
    bool stop, hold, legacy;
    struct question *first, **last;
    size_t count;
    struct stage_ref *current, *candidate;

    enum open_state opening;
    uint64_t open_ticket; // a load that gave up does not want the result
    char *open_path;
    json_t *open_variants;
    struct stage_info *open_info;
    char open_error[512];
};

void stage_info_free(struct stage_info **info)
{
    if (!*info)
        return;
    free((*info)->root_path);
    json_decref((*info)->root_children);
    json_decref((*info)->cameras);
    free(*info);
    *info = NULL;
}

void stage_ref_release(struct stage_ref **ref)
{
    struct stage_ref *r = *ref;
    *ref                = NULL;
    if (!r || atomic_fetch_sub(&r->references, 1) != 1)
        return;
    usd_stage_close(&r->stage);
    free(r);
}

const usd_stage *stage_ref_stage(const struct stage_ref *ref) { return ref ? ref->stage : NULL; }

static struct stage_ref *acquire(struct stage_query *q, struct stage_ref *const *which)
{
    pthread_mutex_lock(&q->lock);
    struct stage_ref *r = *which;
    if (r)
        atomic_fetch_add(&r->references, 1);
    pthread_mutex_unlock(&q->lock);
    return r;
}

struct stage_ref *stage_query_acquire(struct stage_query *q) { return acquire(q, &q->current); }
struct stage_ref *stage_query_acquire_candidate(struct stage_query *q) { return acquire(q, &q->candidate); }

// ---------------------------------------------------------------------------------------------------
// Facts about a stage

struct camera_bounds stage_bounds(const usd_stage *stage, const char *path)
{
    struct camera_bounds out = { .empty = true };
    struct usd_bounds b;
    const usd_prim *prim = *path ? usd_stage_find(stage, path) : usd_stage_pseudo_root(stage);
    if (prim && usd_prim_world_bounds(prim, 0, USD_PURPOSE_DEFAULT | USD_PURPOSE_RENDER, &b)) {
        out.empty = false;
        memcpy(out.min, b.min, sizeof(out.min));
        memcpy(out.max, b.max, sizeof(out.max));
    }
    return out;
}

bool stage_camera(const usd_stage *stage, const char *path, double matrix[16], struct camera_lens *lens)
{
    const usd_prim *prim = usd_stage_find(stage, path);
    if (!prim || !usd_prim_is_a(prim, "Camera"))
        return false;
    usd_prim_world_matrix(prim, 0, matrix);
    *lens = (struct camera_lens) { .focal_length = 50, .horizontal_aperture = 20.955, .clip_near = 1, .clip_far = 1000000 };
    usd_prim_get_double(prim, "focalLength", 0, &lens->focal_length);
    usd_prim_get_double(prim, "horizontalAperture", 0, &lens->horizontal_aperture);
    float clip[2];
    if (usd_prim_get_vec2f(prim, "clippingRange", 0, clip)) {
        lens->clip_near = clip[0];
        lens->clip_far  = clip[1];
    }
    return lens->focal_length > 0 && lens->horizontal_aperture > 0;
}

void stage_expand(const usd_stage *stage, const char *path, json_t *out, size_t max)
{
    const usd_prim *root = usd_stage_find(stage, path);
    if (!root)
        return;
    if (!strcmp(usd_json_row_type(root), "geom")) {
        json_array_append_new(out, json_string(path));
        return;
    }
    for (const usd_prim *p = usd_prim_first_child(root); p && json_array_size(out) < max;) {
        bool walk = usd_prim_is_traversable(p);
        bool geom = walk && !strcmp(usd_json_row_type(p), "geom");
        if (geom)
            json_array_append_new(out, json_string(usd_prim_path(p)));
        p = usd_prim_next(p, root, !walk || geom);
    }
}

static bool is_render_prim(const usd_prim *p)
{
    static const char *const names[] = { "Session", "Render", "OVCamera" };
    static const char *const types[] = { "RenderSettings", "RenderProduct", "RenderVar" };
    for (int i = 0; i < 3; i++)
        if (!strcmp(usd_prim_name(p), names[i]) || !strcmp(usd_prim_type_name(p), types[i]))
            return true;
    return !strncmp(usd_prim_name(p), "OmniverseKit_", 13);
}

static const char *root_path(const usd_stage *stage)
{
    const usd_prim *world = usd_stage_find(stage, "/World");
    if (world && usd_prim_is_traversable(world))
        return "/World";
    const usd_prim *p = usd_stage_default_prim(stage);
    if (p && usd_prim_is_active(p))
        return usd_prim_path(p);
    for (p = usd_prim_first_child(usd_stage_pseudo_root(stage)); p; p = usd_prim_next_sibling(p))
        if (usd_prim_is_traversable(p) && !is_render_prim(p))
            return usd_prim_path(p);
    return "/";
}

static json_t *cameras(const usd_stage *stage)
{
    json_t *rows         = json_array();
    const usd_prim *root = usd_stage_pseudo_root(stage);
    for (const usd_prim *p = usd_prim_first_child(root); p && json_array_size(rows) < STAGE_MAX_CAMERAS;) {
        bool walk = usd_prim_is_traversable(p);
        if (walk && !strcmp(usd_prim_type_name(p), "Camera") && usd_json_listed(p)) {
            double focal = 50;
            usd_prim_get_double(p, "focalLength", 0, &focal);
            json_array_append_new(rows, json_pack("{s:s, s:s, s:f}", "path", usd_prim_path(p), "name", usd_prim_name(p),
                                                  "focalLength", focal));
        }
        p = usd_prim_next(p, root, !walk);
    }
    return rows;
}

static bool metadata_number(const usd_stage *stage, const char *key, double *out)
{
    struct usd_value v;
    bool got = usd_stage_metadata(stage, key, &v) && usd_value_doubles(&v, 0, out, 1) && isfinite(*out);
    usd_value_finish(&v);
    return got;
}

static void read_metadata(const usd_stage *stage, struct root_layer_metadata *m)
{
    struct usd_value v;
    if (usd_stage_metadata(stage, "upAxis", &v))
        snprintf(m->up_axis, sizeof(m->up_axis), "%s", usd_stage_up_axis(stage));
    usd_value_finish(&v);
    m->has_meters_per_unit = metadata_number(stage, "metersPerUnit", &m->meters_per_unit);
    m->has_start           = metadata_number(stage, "startTimeCode", &m->start);
    m->has_end             = metadata_number(stage, "endTimeCode", &m->end);
    m->has_time_codes      = metadata_number(stage, "timeCodesPerSecond", &m->time_codes_per_second);
    m->has_frames          = metadata_number(stage, "framesPerSecond", &m->frames_per_second);
}

json_t *stage_children_payload(const usd_stage *stage, const char *path, json_t *request)
{
    json_t *out          = json_pack("{s:s}", "prim_path", path);
    const usd_prim *prim = stage ? usd_stage_find(stage, path) : NULL;
    if (stage && !strcmp(path, "/"))
        prim = usd_stage_pseudo_root(stage);
    if (!prim) {
        json_object_set_new(out, "children", json_array());
        json_object_set_new(out, "error", json_string(stage ? "Prim not found" : "No stage loaded"));
        return out;
    }
    json_t *filters = json_object_get(request, "filters"), *mode = json_object_get(request, "mode");
    json_t *limit = json_object_get(request, "limit"), *offset = json_object_get(request, "offset");
    json_int_t depth = json_integer_value(json_object_get(request, "max_depth"));
    json_int_t nodes = json_integer_value(json_object_get(request, "max_nodes"));
    if (json_is_string(mode) && !strcmp(json_string_value(mode), "reviewSnapshot") && depth > 0 && nodes > 0) {
        bool truncated;
        depth = depth > 64 ? 64 : depth;
        nodes = nodes > 100000 ? 100000 : nodes;
        json_object_set_new(out, "children", usd_json_snapshot(prim, filters, (int)depth, (int)nodes, &truncated));
        json_object_set(out, "mode", mode);
        json_object_set_new(out, "max_depth", json_integer(depth));
        json_object_set_new(out, "max_nodes", json_integer(nodes));
        if (truncated)
            json_object_set_new(out, "truncated", json_true());
        return out;
    }
    bool paged   = json_is_integer(limit) || json_is_integer(offset);
    size_t start = json_is_integer(offset) && json_integer_value(offset) > 0 ? (size_t)json_integer_value(offset) : 0;
    size_t most  = json_is_integer(limit) && json_integer_value(limit) >= 0 ? (size_t)json_integer_value(limit) : SIZE_MAX;
    size_t total = 0;
    json_object_set_new(out, "children", usd_json_children(prim, filters, start, most, &total));
    if (paged) {
        json_object_set_new(out, "total_count", json_integer((json_int_t)total));
        json_object_set_new(out, "offset", json_integer((json_int_t)start));
    }
    return out;
}

static struct stage_info *describe(const usd_stage *stage)
{
    struct stage_info *info = calloc(1, sizeof(*info));
    if (!info)
        return NULL;
    read_metadata(stage, &info->metadata);
    info->up              = !strcmp(usd_stage_up_axis(stage), "Z") ? CAMERA_UP_Z : CAMERA_UP_Y;
    info->meters_per_unit = usd_stage_meters_per_unit(stage);
    info->root_path       = strdup(root_path(stage));
    info->bounds          = stage_bounds(stage, "");
    info->root_children   = stage_children_payload(stage, info->root_path, NULL);
    info->cameras         = cameras(stage);
    return info;
}

// ---------------------------------------------------------------------------------------------------
// The thread

// A reader's message without the folders of this machine: the file names stay.
static void without_folders(char *out, size_t size, const char *message)
{
    size_t n = 0;
    for (const char *p = message; *p && *p != '\n' && n + 1 < size; p++) {
        if (*p == '/' && (p == message || strchr(" '\"(@:", p[-1]))) {
            size_t len        = strcspn(p, " '\")@:\n");
            const char *slash = p + len;
            while (slash > p && slash[-1] != '/')
                slash--;
            p = slash - 1;
            continue;
        }
        out[n++] = *p;
    }
    out[n] = '\0';
}

static void open_stage(struct stage_query *q, const char *path, json_t *variants, uint64_t ticket)
{
    size_t count = 0, used = 0;
    const char *prim, *set;
    json_t *sets, *selection;
    json_object_foreach(variants, prim, sets)
        count += json_object_size(sets);
    struct usd_variant_choice *choices = calloc(count + 1, sizeof(*choices));
    json_object_foreach(variants, prim, sets)
        json_object_foreach(sets, set, selection)
            if (choices)
                choices[used++] = (struct usd_variant_choice) { prim, set, json_string_value(selection) };
    struct usd_open_options options = { .variants = choices, .variant_count = used };
    struct usd_error error          = { 0 };
    usd_stage *stage                = NULL;
    int64_t start                   = clock_mono_ns();
    int rc                          = usd_stage_open(path, &options, &stage, &error);
    free(choices);
    struct stage_info *info = rc == USD_OK ? describe(stage) : NULL;
    struct stage_ref *ref   = info ? calloc(1, sizeof(*ref)) : NULL;
    if (ref) {
        ref->stage      = stage;
        ref->references = 1;
        log_info("server.usd", "%llu prims in %zu layers, read in %.0f ms", (unsigned long long)usd_stage_prim_count(stage),
                 usd_stage_layer_count(stage), (double)(clock_mono_ns() - start) / 1e6);
        for (size_t i = 0; i < usd_stage_diagnostic_count(stage) && i < 20; i++) {
            const struct usd_diagnostic *d = usd_stage_diagnostic(stage, i);
            if (d->severity >= USD_WARNING)
                log_warn("server.usd", "%s", d->message);
        }
    } else if (rc != USD_OK) {
        log_warn("server.usd", "%s", error.message);
    }
    pthread_mutex_lock(&q->lock);
    struct stage_ref *unwanted = q->candidate;
    q->candidate               = ref;
    if (q->open_ticket != ticket) { // the loader gave up waiting
        stage_info_free(&info);
        q->candidate = unwanted;
        unwanted     = ref;
    } else {
        q->open_info = ref ? info : NULL;
        q->opening   = OPEN_DONE;
        if (rc != USD_OK)
            without_folders(q->open_error, sizeof(q->open_error), error.message[0] ? error.message : "The scene could not be read");
        else
            snprintf(q->open_error, sizeof(q->open_error), "out of memory");
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    if (!ref && rc == USD_OK)
        usd_stage_close(&stage);
    stage_ref_release(&unwanted);
}

static void echo_request_id(json_t *reply, json_t *payload)
{
    json_t *id = json_object_get(payload, "request_id");
    if (id)
        json_object_set(reply, "request_id", id);
}

static json_t *answer_properties(struct stage_query *q, const usd_stage *stage, const char *path)
{
    const usd_prim *prim = stage ? usd_stage_find(stage, path) : NULL;
    if (prim && usd_prim_is_active(prim) && !root_layer_owns(path))
        return json_pack("{s:s, s:o, s:b}", "prim_path", path, "properties", usd_json_properties(stage, prim, q->assets),
                         "truncated", 0);
    return json_pack("{s:s, s:{}, s:b, s:s}", "prim_path", path, "properties", "truncated", 0, "error",
                     stage ? "Prim not found" : "No stage loaded");
}

static json_t *answer_variants(const usd_stage *stage, const char *path)
{
    const usd_prim *prim = stage ? usd_stage_find(stage, path) : NULL;
    if (prim)
        return json_pack("{s:s, s:o}", "prim_path", path, "variants", usd_json_variants(prim));
    return json_pack("{s:s, s:{}, s:s}", "prim_path", path, "variants", "error", stage ? "Prim not found" : "No stage loaded");
}

static json_int_t count_prims(const usd_stage *stage)
{
    json_int_t n         = 0;
    const usd_prim *root = stage ? usd_stage_pseudo_root(stage) : NULL;
    for (const usd_prim *p = usd_prim_first_child(root); p;) {
        bool counts = usd_prim_is_traversable(p);
        n += counts;
        p = usd_prim_next(p, root, !counts);
    }
    return n;
}

static void answer(struct stage_query *q, struct question *ask)
{
    char path[MAX_PATH] = "";
    struct stage_ref *ref  = stage_query_acquire(q);
    const usd_stage *stage = stage_ref_stage(ref);
    json_t *wanted         = json_object_get(ask->payload, "prim_path"), *reply = NULL;
    const char *event      = "getChildrenResult", *spelled = json_string_value(wanted);
    bool named             = protocol_prim_path(wanted, path, sizeof(path));
    if (!named) // echo what was asked for; it exists nowhere
        snprintf(path, sizeof(path), "%s", spelled ? spelled : "");
    switch (ask->what) {
    case ASK_CHILDREN:
        if (!wanted && stage)
            snprintf(path, sizeof(path), "%s", root_path(stage));
        if (q->legacy && stage && !strcmp(path, "/World") && !usd_stage_find(stage, path)) {
            reply = stage_children_payload(stage, root_path(stage), ask->payload);
            json_object_set_new(reply, "prim_path", json_string("/World"));
        } else {
            reply = stage_children_payload(stage, path, ask->payload);
        }
        break;
    case ASK_PROPERTIES:
        event = "getPropertiesResponse";
        reply = answer_properties(q, stage, path);
        break;
    case ASK_VARIANTS:
        event = "getVariantsResponse";
        reply = answer_variants(stage, path);
        break;
    case ASK_COUNT:
        event = "getPrimCountResult";
        reply = json_pack("{s:I}", "count", count_prims(stage));
        break;
    }
    if (ref)
        json_object_set_new(reply, "stage_generation", json_integer((json_int_t)ref->generation));
    echo_request_id(reply, ask->payload);
    outbox_post_capped(q->outbox, ask->client, event, reply, json_integer_value(json_object_get(ask->payload, "max_bytes")));
    stage_ref_release(&ref);
}

static void *run(void *user)
{
    struct stage_query *q = user;
    thread_set_name("usd-query");
    pthread_mutex_lock(&q->lock);
    while (!q->stop) {
        if (q->opening == OPEN_WANTED) {
            q->opening       = OPEN_RUNNING;
            char *path       = q->open_path;
            json_t *variants = q->open_variants;
            uint64_t ticket  = q->open_ticket;
            q->open_path     = NULL;
            q->open_variants = NULL;
            pthread_mutex_unlock(&q->lock);
            open_stage(q, path, variants, ticket);
            free(path);
            json_decref(variants);
            pthread_mutex_lock(&q->lock);
            continue;
        }
        struct question *ask = q->hold ? NULL : q->first;
        if (!ask) {
            pthread_cond_wait(&q->changed, &q->lock);
            continue;
        }
        q->first = ask->next;
        if (!q->first)
            q->last = &q->first;
        q->count--;
        pthread_mutex_unlock(&q->lock);
        answer(q, ask);
        json_decref(ask->payload);
        free(ask);
        pthread_mutex_lock(&q->lock);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

struct stage_query *stage_query_create(const struct assets *assets, struct outbox *outbox, bool legacy)
{
    struct stage_query *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    q->assets = assets;
    q->outbox = outbox;
    q->legacy = legacy;
    q->last   = &q->first;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&q->thread, NULL, run, q) == 0)
        return q;
    free(q);
    return NULL;
}

void stage_query_destroy(struct stage_query **query)
{
    struct stage_query *q = *query;
    if (!q)
        return;
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    q->open_ticket++;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    for (struct question *ask = q->first, *next; ask; ask = next) {
        next = ask->next;
        json_decref(ask->payload);
        free(ask);
    }
    stage_ref_release(&q->current);
    stage_ref_release(&q->candidate);
    stage_info_free(&q->open_info);
    free(q->open_path);
    json_decref(q->open_variants);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
    *query = NULL;
}

struct stage_info *stage_query_open(struct stage_query *q, const char *path, json_t *variants, int timeout_s,
                                    bool (*cancelled)(void *), void *user, char *error, size_t error_size, bool *timed_out)
{
    int64_t deadline = clock_mono_ns() + (int64_t)timeout_s * 1000000000;
    *timed_out       = false;
    pthread_mutex_lock(&q->lock);
    free(q->open_path);
    json_decref(q->open_variants);
    stage_info_free(&q->open_info);
    q->open_path     = strdup(path);
    q->open_variants = variants ? json_deep_copy(variants) : NULL;
    q->opening       = OPEN_WANTED;
    q->open_ticket++;
    pthread_cond_broadcast(&q->changed);
    while (q->opening != OPEN_DONE && !*timed_out && !(cancelled && cancelled(user))) {
        int64_t until       = clock_mono_ns() + 50000000;
        struct timespec ts  = { until / 1000000000, until % 1000000000 };
        pthread_cond_timedwait(&q->changed, &q->lock, &ts);
        *timed_out = clock_mono_ns() > deadline;
    }
    struct stage_info *info = q->open_info;
    q->open_info            = NULL;
    if (q->opening != OPEN_DONE) {
        q->open_ticket++; // whatever comes now is thrown away
        q->opening = q->opening == OPEN_WANTED ? OPEN_NONE : q->opening;
        snprintf(error, error_size, *timed_out ? "Reading the scene took too long" : "Stopped");
    } else if (!info) {
        *timed_out = false;
        snprintf(error, error_size, "%s", q->open_error);
    }
    pthread_mutex_unlock(&q->lock);
    return info;
}

void stage_query_commit(struct stage_query *q, uint64_t generation)
{
    pthread_mutex_lock(&q->lock);
    struct stage_ref *old = q->current;
    q->current            = q->candidate;
    q->candidate          = NULL;
    if (q->current)
        q->current->generation = generation;
    pthread_mutex_unlock(&q->lock);
    stage_ref_release(&old);
}

void stage_query_abandon(struct stage_query *q)
{
    pthread_mutex_lock(&q->lock);
    struct stage_ref *old = q->candidate;
    q->candidate          = NULL;
    pthread_mutex_unlock(&q->lock);
    stage_ref_release(&old);
}

void stage_query_close(struct stage_query *q)
{
    pthread_mutex_lock(&q->lock);
    struct stage_ref *old = q->current;
    q->current            = NULL;
    pthread_mutex_unlock(&q->lock);
    stage_ref_release(&old);
}

void stage_query_hold(struct stage_query *q, bool hold)
{
    pthread_mutex_lock(&q->lock);
    q->hold = hold;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void stage_query_ask(struct stage_query *q, enum stage_question what, json_t *payload, uint64_t client)
{
    struct question *ask = calloc(1, sizeof(*ask));
    if (!ask)
        return;
    *ask = (struct question) { .what = what, .payload = json_incref(payload), .client = client };
    pthread_mutex_lock(&q->lock);
    bool room = q->count < MAX_QUESTIONS;
    if (room) {
        *q->last = ask;
        q->last  = &ask->next;
        q->count++;
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    if (room)
        return;
    outbox_error(q->outbox, client, "internal", "Too many questions are waiting for an answer", NULL, json_object_get(payload, "request_id"));
    json_decref(ask->payload);
    free(ask);
}
