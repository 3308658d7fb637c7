#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "server.h"

#define PROGRESS_MIN_NS 100000000  // at most ten per second
#define PROGRESS_MAX_NS 1800000000 // at least one every 2 s

void session_init(struct server *s)
{
    struct session *n = &s->session;
    pthread_mutex_init(&n->lock, NULL);
    n->joiners   = json_array();
    n->selection = json_array();
    n->available = 1u << AOV_LDR;
}

void session_finish(struct server *s)
{
    struct session *n = &s->session;
    free(n->url);
    free(n->loading_url);
    free(n->loading_target);
    free(n->root_path);
    json_decref(n->joiners);
    json_decref(n->root_children);
    json_decref(n->failed);
    json_decref(n->selection);
    json_decref(n->settings);
    json_decref(n->camera);
    json_decref(n->camera_list);
    pthread_mutex_destroy(&n->lock);
}

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = { "starting", "idle", "loading", "streaming", "error", "shutting_down" };
    return names[state];
}

enum run_state session_state(struct server *s)
{
    pthread_mutex_lock(&s->session.lock);
    enum run_state state = s->session.state;
    pthread_mutex_unlock(&s->session.lock);
    return state;
}

void session_set_state(struct server *s, enum run_state state)
{
    pthread_mutex_lock(&s->session.lock);
    if (s->session.state != STATE_SHUTTING_DOWN)
        s->session.state = state;
    pthread_mutex_unlock(&s->session.lock);
}

static json_t *with_id(json_t *payload, json_t *request_id)
{
    if (payload && request_id)
        json_object_set(payload, "request_id", request_id);
    return payload;
}

static json_t *loading_state(const struct session *n)
{
    bool busy       = n->accepted > 0;
    const char *url = busy ? n->loading_url : n->url;
    json_t *p = json_pack("{s:s, s:s, s:s}", "url", url ? url : "", "loading_state", busy ? "busy" : "idle", "state",
                          run_state_name(busy && n->state != STATE_STARTING && n->state != STATE_SHUTTING_DOWN ? STATE_LOADING
                                                                                                                : n->state));
    if (busy)
        json_object_set_new(p, "progress", json_real(n->progress));
    return p;
}

void session_post_loading_state(struct server *s, uint64_t client, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    outbox_post(s->outbox, client, "loadingStateResponse", with_id(loading_state(&s->session), request_id));
    pthread_mutex_unlock(&s->session.lock);
}

json_t *session_open_result_locked(struct server *s, const char *url, json_t *request_id)
{
    struct session *n = &s->session;
    return with_id(json_pack("{s:s, s:s, s:s, s:s, s:I}", "url", url, "result", "success", "root_prim_path",
                             n->root_path ? n->root_path : "/", "up_axis", n->up == CAMERA_UP_Z ? "Z" : "Y", "stage_generation",
                             (json_int_t)n->generation),
                   request_id);
}

static json_t *available_list(const struct session *n)
{
    json_t *list = json_array();
    for (int i = 0; i < AOV_COUNT; i++)
        if (n->available & 1u << i)
            json_array_append_new(list, json_string(aov_name((enum aov)i)));
    if (!json_array_size(list))
        json_array_append_new(list, json_string(aov_name(AOV_LDR)));
    return list;
}

static void post_available(struct server *s, uint64_t client, json_t *request_id)
{
    json_t *list = available_list(&s->session);
    outbox_post(s->outbox, client, "availableAOVsResult", with_id(json_pack("{s:O, s:O}", "aovs", list, "available", list), request_id));
    json_decref(list);
}

static void post_aov(struct server *s, uint64_t client, json_t *extra, json_t *request_id)
{
    json_t *p = json_pack("{s:s, s:o}", "active", aov_name(s->session.aov), "available", available_list(&s->session));
    if (extra)
        json_object_update(p, extra);
    json_decref(extra);
    outbox_post(s->outbox, client, "activeAOVState", with_id(p, request_id));
    post_available(s, client, request_id);
}

void session_post_aov(struct server *s, uint64_t client, json_t *extra, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    post_aov(s, client, extra, request_id);
    pthread_mutex_unlock(&s->session.lock);
}

void session_post_available(struct server *s, uint64_t client, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    post_available(s, client, request_id);
    pthread_mutex_unlock(&s->session.lock);
}

static void post_settings(struct server *s, uint64_t client, json_t *extra, json_t *request_id)
{
    json_t *p = json_pack("{s:O?, s:o, s:s, s:b}", "settings", s->session.settings, "capabilities", settings_capabilities(),
                          "result", "success", "applied", 0);
    if (!s->session.settings)
        json_object_set_new(p, "settings", json_object());
    if (extra)
        json_object_update(p, extra);
    json_decref(extra);
    outbox_post(s->outbox, client, "renderSettingsChanged", with_id(p, request_id));
}

void session_post_settings(struct server *s, uint64_t client, json_t *extra, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    post_settings(s, client, extra, request_id);
    pthread_mutex_unlock(&s->session.lock);
}

static void post_selection(struct server *s, uint64_t client, const char *source, json_t *request_id)
{
    json_t *p = json_pack("{s:O, s:I}", "prims", s->session.selection, "stage_generation", (json_int_t)s->session.generation);
    if (source)
        json_object_set_new(p, "source", json_string(source));
    outbox_post(s->outbox, client, "stageSelectionChanged", with_id(p, request_id));
}

void session_post_selection(struct server *s, const char *source, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    post_selection(s, 0, source, request_id);
    pthread_mutex_unlock(&s->session.lock);
}

static void post_camera(struct server *s, uint64_t client, json_t *request_id)
{
    if (s->session.camera)
        outbox_post(s->outbox, client, "cameraStateChanged", with_id(json_copy(s->session.camera), request_id));
}

void session_post_camera(struct server *s, uint64_t client, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    post_camera(s, client, request_id);
    pthread_mutex_unlock(&s->session.lock);
}

void session_push_initial(struct server *s, uint64_t client)
{
    struct session *n = &s->session;
    pthread_mutex_lock(&n->lock);
    bool busy = n->accepted > 0;
    if (n->has_stage && !busy) {
        outbox_post(s->outbox, client, "openStageResult", session_open_result_locked(s, n->url ? n->url : "", NULL));
        if (n->root_children) // a push: client 0 keeps it from being doubled for older clients
            outbox_post(s->outbox, 0, "getChildrenResult", json_copy(n->root_children));
    } else if (n->failed && !busy) {
        outbox_post(s->outbox, client, "openStageResult", json_copy(n->failed));
    }
    post_aov(s, client, NULL, NULL);
    post_settings(s, client, NULL, NULL);
    post_selection(s, client, NULL, NULL);
    post_camera(s, client, NULL);
    if (n->camera_list)
        outbox_post(s->outbox, client, "camera_list", json_copy(n->camera_list));
    outbox_post(s->outbox, client, "loadingStateResponse", loading_state(n));
    pthread_mutex_unlock(&n->lock);
}

static void post_progress(struct server *s, bool amount, bool activity)
{
    struct session *n = &s->session;
    if (activity)
        outbox_post(s->outbox, 0, "updateProgressActivity", json_pack("{s:s, s:s}", "activity", n->activity, "text", n->activity));
    if (amount)
        outbox_post(s->outbox, 0, "updateProgressAmount", json_pack("{s:f, s:f}", "amount", n->progress, "progress", n->progress));
    n->progress_sent_ns = clock_mono_ns();
}

void session_progress(struct server *s, double amount, const char *activity)
{
    struct session *n = &s->session;
    pthread_mutex_lock(&n->lock);
    bool changed = activity && n->activity != activity;
    if (changed)
        n->activity = activity;
    bool more = amount > n->progress;
    if (more)
        n->progress = amount;
    if (changed || (more && clock_mono_ns() - n->progress_sent_ns >= PROGRESS_MIN_NS))
        post_progress(s, true, changed);
    pthread_mutex_unlock(&n->lock);
}

void session_repeat_progress(struct server *s)
{
    struct session *n = &s->session;
    pthread_mutex_lock(&n->lock);
    if (n->loading_target && n->activity && clock_mono_ns() - n->progress_sent_ns >= PROGRESS_MAX_NS)
        post_progress(s, true, false);
    pthread_mutex_unlock(&n->lock);
}
