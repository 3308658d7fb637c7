// Stage loads: open, reload, change of a variant. The scene that is shown stays until the new one has
// made a picture; a failed load brings it back. Render thread.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "protocol.h"
#include "server.h"
#include "usd_json.h"

#define MAX_PATH 8192
#define WARM_UP_STEPS 5 // for renderers that do not report when a picture is good

enum load_kind { LOAD_OPEN, LOAD_RELOAD, LOAD_VARIANT };

struct load {
    struct server *s;
    enum load_kind kind;
    const char *target, *url; // canonical path; as the client spelled it
    json_t *requesters;       // list of {"url", "client", "request_id"?}
    json_t *variants;
    struct stage_info *info;
    char *layer;
    struct camera camera; // to go back to
    char *active_camera;
    char error[512];
    const char *code;
};

static bool stopping(void *user) { return atomic_load(&((struct load *)user)->s->stop); }

static void renderer_progress(void *user, double amount)
{
    session_progress(((struct load *)user)->s, 0.1 + 0.5 * amount, NULL);
}

static struct rx_wait waiting(struct load *l)
{
    return (struct rx_wait) { .timeout_s = (int)l->s->o.load_timeout_s, .cancelled = stopping, .progress = renderer_progress, .user = l };
}

// ---------------------------------------------------------------------------------------------------
// Replies

static void post_result(struct server *s, const char *url, const char *error, json_t *request_id)
{
    pthread_mutex_lock(&s->session.lock);
    json_t *p;
    if (error) {
        p = json_pack("{s:s, s:s, s:s}", "url", url, "result", "error", "error", error);
        if (!p)
            p = json_pack("{s:s, s:s, s:s}", "url", url, "result", "error", "error", "The scene could not be loaded");
        if (request_id)
            json_object_set(p, "request_id", request_id);
    } else {
        p = session_open_result_locked(s, url, request_id);
    }
    outbox_post(s->outbox, 0, "openStageResult", p);
    pthread_mutex_unlock(&s->session.lock);
}

// One result per distinct spelling and request id; the first requester is answered by the caller.
static void post_other_results(struct server *s, json_t *requesters, const char *error, bool first_too)
{
    json_t *seen = json_object(), *r;
    size_t i;
    json_array_foreach(requesters, i, r) {
        char *id = json_dumps(json_object_get(r, "request_id"), JSON_ENCODE_ANY);
        char key[5000];
        const char *url = json_string_value(json_object_get(r, "url"));
        snprintf(key, sizeof(key), "%s %s", id ? id : "", url);
        free(id);
        if (json_object_get(seen, key))
            continue;
        json_object_set_new(seen, key, json_true());
        if (i || first_too)
            post_result(s, url, error, json_object_get(r, "request_id"));
    }
    json_decref(seen);
}

static json_t *first_request_id(json_t *requesters) { return json_object_get(json_array_get(requesters, 0), "request_id"); }

static void begin(struct load *l)
{
    struct server *s = l->s;
    log_info("server", "loading %s", l->url);
    pthread_mutex_lock(&s->session.lock);
    if (s->session.state != STATE_STARTING && s->session.state != STATE_SHUTTING_DOWN)
        s->session.state = STATE_LOADING;
    free(s->session.loading_url);
    free(s->session.loading_target);
    s->session.loading_url    = strdup(l->url);
    s->session.loading_target = strdup(l->target);
    s->session.progress       = 0;
    s->session.activity       = NULL;
    json_array_clear(s->session.joiners);
    pthread_mutex_unlock(&s->session.lock);
    session_progress(s, 0.05, "resolving_asset");
}

// The load is over: who joined it, and one less to wait for. Call with the session unlocked.
static void end(struct load *l)
{
    struct session *n = &l->s->session;
    pthread_mutex_lock(&n->lock);
    json_array_extend(l->requesters, n->joiners);
    json_array_clear(n->joiners);
    free(n->loading_target);
    n->loading_target = NULL;
    n->activity       = NULL;
    if (n->accepted > 0)
        n->accepted--;
    if (n->accepted == 0)
        stage_query_hold(l->s->query, false);
    pthread_mutex_unlock(&n->lock);
}

// A command that never became a load.
static void end_without_load(struct server *s)
{
    pthread_mutex_lock(&s->session.lock);
    if (s->session.accepted > 0)
        s->session.accepted--;
    if (s->session.accepted == 0)
        stage_query_hold(s->query, false);
    pthread_mutex_unlock(&s->session.lock);
}

// ---------------------------------------------------------------------------------------------------
// The camera of a new stage

static bool same_axis_and_near(const struct server *s, const struct stage_info *info)
{
    double centre = 0, radius = 0;
    if (!s->info || s->camera.up != info->up || info->bounds.empty)
        return false;
    for (int i = 0; i < 3; i++) {
        double side = info->bounds.max[i] - info->bounds.min[i];
        double d    = s->camera.view.target[i] - (info->bounds.min[i] + side / 2);
        centre += d * d;
        radius += side * side / 4;
    }
    return sqrt(centre) <= 10 * sqrt(radius);
}

// The stage's first camera as the view.
static void use_stage_camera(struct load *l)
{
    const char *path = json_string_value(json_object_get(json_array_get(l->info->cameras, 0), "path"));
    double matrix[16];
    struct camera_lens lens;
    struct stage_ref *ref = stage_query_acquire_candidate(l->s->query);
    if (path && ref && stage_camera(stage_ref_stage(ref), path, matrix, &lens)) {
        camera_set_fixed(&l->s->camera, matrix, &lens);
        l->s->active_camera = strdup(path);
    }
    stage_ref_release(&ref);
}

static void choose_camera(struct load *l)
{
    struct server *s = l->s;
    if (l->kind == LOAD_VARIANT)
        return;
    if (s->o.camera_policy == CAMERA_POLICY_PRESERVE && l->kind == LOAD_OPEN && same_axis_and_near(s, l->info))
        return;
    bool fly = s->camera.fly;
    free(s->active_camera);
    s->active_camera = NULL;
    camera_init(&s->camera, (int)s->o.width, (int)s->o.height);
    s->camera.up  = l->info->up;
    s->camera.fly = fly;
    camera_first_direction(&s->camera, &l->info->bounds);
    camera_fit(&s->camera, &l->info->bounds, l->info->meters_per_unit);
    s->home = s->camera.view;
    if (s->o.camera_policy == CAMERA_POLICY_STAGE)
        use_stage_camera(l);
}

// ---------------------------------------------------------------------------------------------------
// The load itself

static bool fail(struct load *l, const char *code)
{
    l->code = code;
    return false;
}

static bool read_stage(struct load *l)
{
    struct server *s = l->s;
    bool timed_out;
    l->info = stage_query_open(s->query, l->target, l->variants, (int)s->o.load_timeout_s, stopping, l, l->error, sizeof(l->error), &timed_out);
    return l->info ? true : fail(l, timed_out ? "stage_load_timeout" : "stage_load_failed");
}

static bool open_in_renderer(struct load *l)
{
    struct server *s         = l->s;
    struct root_layer_desc d = { .scene = l->target, .metadata = &l->info->metadata, .camera = &s->camera, .width = (int)s->o.width,
                                 .height = (int)s->o.height, .all_aovs = s->o.all_aovs, .variants = l->variants };
    l->layer = root_layer_text(&d, l->error, sizeof(l->error));
    if (!l->layer)
        return fail(l, "stage_load_failed");
    session_progress(s, 0.1, "loading_stage");
    struct rx_wait wait   = waiting(l);
    enum rx_result result = rx_open(s->rx, l->layer, &wait, l->error, sizeof(l->error));
    if (result == RX_OK)
        return true;
    log_warn("server", "the renderer could not open the scene: %s", l->error);
    snprintf(l->error, sizeof(l->error), "%s", result == RX_TIMEOUT ? "Loading the scene took too long" : "The renderer could not open the scene");
    return fail(l, result == RX_TIMEOUT ? "stage_load_timeout" : "stage_load_failed");
}

static void write_camera(struct server *s)
{
    double m[16];
    if (camera_matrix(&s->camera, m))
        rx_write_camera(s->rx, m);
    s->camera_dirty = s->lens_dirty = false;
}

// Step until a frame was converted.
static bool first_frame(struct load *l)
{
    struct server *s = l->s;
    int64_t deadline = clock_mono_ns() + s->o.load_timeout_s * 1000000000;
    session_progress(s, 0.6, "compiling_shaders");
    write_camera(s);
    if (!s->styles_installed)
        rx_set_styles(s->rx, s->settings.outline_color);
    s->styles_installed = true;
    s->aov              = AOV_LDR;
    s->available        = 0;
    s->aov_failures     = 0;
    s->outputs_stale    = false;
    convert_forget(&s->convert);
    const char *ldr = aov_name(AOV_LDR);
    rx_select_outputs(s->rx, &ldr, 1); // where outputs cannot be selected, all are made and looked at
    runtime_settle(s);
    int failures = 0, produced = 0, wanted = rx_has_stats(s->rx) ? 1 : WARM_UP_STEPS;
    while (produced < wanted && !atomic_load(&s->stop)) {
        bool good = runtime_step(s, produced == 0, true);
        produced += good;
        failures = good ? 0 : failures + 1;
        if (clock_mono_ns() > deadline || failures >= 200) {
            snprintf(l->error, sizeof(l->error), "The scene gave no picture");
            return fail(l, clock_mono_ns() > deadline ? "stage_load_timeout" : "stage_load_failed");
        }
        if (!good)
            clock_sleep_until_ns(clock_mono_ns() + (failures < 20 ? 2000000 : 20000000));
    }
    if (atomic_load(&s->stop)) {
        snprintf(l->error, sizeof(l->error), "Stopped");
        return fail(l, "stage_load_failed");
    }
    s->outputs_stale = true; // from here on only what is shown
    return true;
}

static void commit(struct load *l)
{
    struct server *s = l->s;
    json_decref(s->selection);
    json_decref(s->outlined);
    s->selection = json_array();
    s->outlined  = json_object();
    free(s->target);
    s->target = strdup(l->target);
    free(s->layer);
    s->layer = l->layer;
    l->layer = NULL;
    json_decref(s->variants);
    s->variants = json_incref(l->variants);
    stage_info_free(&s->info);
    s->info         = l->info;
    l->info         = NULL;
    actions_publish_camera(s, false, NULL); // names the cameras of the new stage
    s->step_failures = s->lost_failures = 0;
    s->picture_changed = true;
    s->activity_ns     = clock_mono_ns();
    atomic_fetch_add(&s->loads, 1);

    struct session *n = &s->session;
    session_progress(s, 1, "ready");
    pthread_mutex_lock(&n->lock);
    uint64_t generation = ++n->generation;
    free(n->url);
    free(n->root_path);
    n->url       = strdup(l->url);
    n->root_path = strdup(s->info->root_path);
    n->up        = s->info->up;
    n->has_stage = true;
    json_decref(n->failed);
    json_decref(n->root_children);
    json_decref(n->selection);
    json_decref(n->settings);
    n->failed        = NULL;
    n->root_children = json_copy(s->info->root_children);
    json_object_set_new(n->root_children, "stage_generation", json_integer((json_int_t)generation));
    n->selection = json_array();
    n->settings  = settings_values(&s->settings);
    n->aov       = s->aov;
    n->available = s->available;
    if (n->state != STATE_SHUTTING_DOWN)
        n->state = STATE_STREAMING;
    pthread_mutex_unlock(&n->lock);
    stage_query_commit(s->query, generation);
}

static void post_loaded(struct load *l)
{
    struct server *s = l->s;
    end(l);
    post_result(s, l->url, NULL, first_request_id(l->requesters));
    pthread_mutex_lock(&s->session.lock);
    json_t *children = json_copy(s->session.root_children), *list = json_copy(s->session.camera_list);
    pthread_mutex_unlock(&s->session.lock);
    outbox_post(s->outbox, 0, "getChildrenResult", children);
    session_post_aov(s, 0, NULL, NULL);
    session_post_settings(s, 0, NULL, NULL);
    session_post_selection(s, "stage", NULL);
    session_post_camera(s, 0, NULL);
    outbox_post(s->outbox, 0, "camera_list", list);
    post_other_results(s, l->requesters, NULL, false);
}

// After a failure the renderer is empty: open what was there.
static bool reopen(struct load *l)
{
    struct server *s = l->s;
    if (!s->layer)
        return false;
    if (!l->layer) // the renderer was not touched
        return true;
    struct rx_wait wait = waiting(l);
    char error[512];
    wait.progress = NULL;
    if (rx_open(s->rx, s->layer, &wait, error, sizeof(error)) != RX_OK)
        return false;
    write_camera(s);
    s->outputs_stale = s->picture_changed = true;
    s->lens_dirty                         = true;
    return true;
}

static bool restore(struct load *l)
{
    struct server *s = l->s;
    s->camera        = l->camera;
    free(s->active_camera);
    s->active_camera = l->active_camera;
    l->active_camera = NULL;
    bool ok          = reopen(l);
    json_decref(s->outlined);
    s->outlined = json_object();
    if (ok)
        actions_update_outlines(s);
    return ok;
}

static void post_failed(struct load *l, bool restored)
{
    struct server *s  = l->s;
    struct session *n = &s->session;
    atomic_fetch_add(&s->load_failures, 1);
    stage_query_abandon(s->query);
    if (!restored) {
        stage_query_close(s->query);
        free(s->target);
        free(s->layer);
        s->target = s->layer = NULL;
        stage_info_free(&s->info);
        json_array_clear(s->selection);
    }
    pthread_mutex_lock(&n->lock);
    if (!restored) {
        free(n->url);
        n->url       = NULL;
        n->has_stage = false;
        json_array_clear(n->selection);
        json_decref(n->failed);
        n->failed = json_pack("{s:s, s:s, s:s}", "url", l->url, "result", "error", "error", l->error);
    }
    if (n->state != STATE_SHUTTING_DOWN)
        n->state = restored ? STATE_STREAMING : STATE_ERROR;
    pthread_mutex_unlock(&n->lock);
    actions_publish_camera(s, false, NULL);
    end(l);
    if (l->kind != LOAD_VARIANT && !atomic_load(&s->stop)) { // who asks to stop needs no error
        post_result(s, l->url, l->error, first_request_id(l->requesters));
        outbox_error(s->outbox, 0, l->code, l->error, json_pack("{s:s}", "url", l->url), NULL);
        post_other_results(s, l->requesters, l->error, false);
    }
    if (!restored)
        session_post_loading_state(s, 0, NULL);
    s->activity_ns = clock_mono_ns();
}

static bool run(struct load *l)
{
    struct server *s = l->s;
    l->camera        = s->camera;
    l->active_camera = s->active_camera ? strdup(s->active_camera) : NULL;
    actions_drop_pick(s);
    command_queue_drop_gestures(s->commands);
    begin(l);
    atomic_store(&s->in_renderer, true); // from here the keeper sends the last picture
    bool ok = read_stage(l);
    if (ok) {
        actions_clear_outlines(s);
        choose_camera(l);
        ok = open_in_renderer(l) && first_frame(l);
    }
    bool restored = false;
    if (ok) {
        commit(l);
    } else {
        restored = restore(l);
    }
    atomic_store(&s->in_renderer, false);
    if (!ok)
        post_failed(l, restored);
    else if (l->kind != LOAD_VARIANT)
        post_loaded(l);
    free(l->active_camera);
    stage_info_free(&l->info);
    free(l->layer);
    return ok;
}

// ---------------------------------------------------------------------------------------------------
// Commands

static void execute_open(struct server *s, struct command *c)
{
    struct load l = { .s = s, .kind = LOAD_OPEN, .target = c->target, .requesters = json_incref(c->payload) };
    l.url         = json_string_value(json_object_get(json_array_get(l.requesters, 0), "url"));
    if (s->target && !strcmp(s->target, c->target)) {
        log_info("server", "Stage already loaded, skipping reload: %s", l.url);
        end_without_load(s);
        post_other_results(s, l.requesters, NULL, true);
        pthread_mutex_lock(&s->session.lock);
        json_t *children = json_copy(s->session.root_children);
        pthread_mutex_unlock(&s->session.lock);
        outbox_post(s->outbox, 0, "getChildrenResult", children);
    } else {
        char *url = strdup(l.url);
        l.url     = url;
        run(&l);
        free(url);
    }
    json_decref(l.requesters);
}

static char *copy_url(struct server *s)
{
    pthread_mutex_lock(&s->session.lock);
    char *url = strdup(s->session.url ? s->session.url : "");
    pthread_mutex_unlock(&s->session.lock);
    return url;
}

static void execute_reload(struct server *s, struct command *c)
{
    if (!s->target) {
        end_without_load(s);
        outbox_error(s->outbox, c->client, "no_stage", "No stage is loaded", NULL, c->request_id);
        return;
    }
    char *url = copy_url(s), *target = strdup(s->target);
    json_t *asked = json_pack("{s:s}", "url", url);
    if (c->request_id)
        json_object_set(asked, "request_id", c->request_id);
    struct load l = { .s = s, .kind = LOAD_RELOAD, .target = target, .url = url, .requesters = json_pack("[o]", asked) };
    bool ok       = run(&l);
    if (s->o.legacy_events)
        outbox_post(s->outbox, 0, "resetStageResponse",
                    json_pack("{s:s, s:s}", "result", ok ? "success" : "error", "error", ok ? "" : l.error));
    json_decref(l.requesters);
    free(url);
    free(target);
}

static json_t *variants_payload(struct server *s, const char *path, const char *error, json_t *request_id)
{
    struct stage_ref *ref = stage_query_acquire(s->query);
    json_t *p             = json_pack("{s:s, s:o}", "prim_path", path, "variants", json_object());
    const usd_prim *prim  = ref ? usd_stage_find(stage_ref_stage(ref), path) : NULL;
    if (prim)
        json_object_set_new(p, "variants", usd_json_variants(prim));
    stage_ref_release(&ref);
    if (error)
        json_object_set_new(p, "error", json_string(error));
    if (request_id)
        json_object_set(p, "request_id", request_id);
    return p;
}

static void variant_error(struct server *s, struct command *c, const char *path, const char *error)
{
    end_without_load(s);
    outbox_post(s->outbox, c->client, "getVariantsResponse", variants_payload(s, path, error, c->request_id));
    outbox_error(s->outbox, c->client, "variant_failed", error, json_pack("{s:s}", "prim_path", path), c->request_id);
}

// NULL when prim, set and option exist; else what is wrong.
static const char *check_variant(struct server *s, const char *path, const char *set, const char *selection)
{
    struct stage_ref *ref = stage_query_acquire(s->query);
    const usd_prim *prim  = ref ? usd_stage_find(stage_ref_stage(ref), path) : NULL;
    const char *error     = !ref ? "No stage loaded" : !prim ? "Prim not found" : "Variant set not found";
    for (size_t i = 0; prim && i < usd_prim_variant_set_count(prim); i++) {
        if (strcmp(usd_prim_variant_set(prim, i), set) != 0)
            continue;
        error = *selection ? "Variant not found" : NULL;
        for (size_t k = 0; error && k < usd_prim_variant_count(prim, i); k++)
            if (!strcmp(usd_prim_variant(prim, i, k), selection))
                error = NULL;
    }
    stage_ref_release(&ref);
    return error;
}

static void after_variant(struct server *s, struct command *c, const char *path, json_t *selection)
{
    outbox_post(s->outbox, c->client, "getVariantsResponse", variants_payload(s, path, NULL, c->request_id));
    struct stage_ref *ref  = stage_query_acquire(s->query);
    const usd_stage *stage = stage_ref_stage(ref);
    outbox_post(s->outbox, 0, "getChildrenResult", stage_children_payload(stage, path, NULL));
    char parent[MAX_PATH];
    snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash) {
        slash[slash == parent] = '\0';
        outbox_post(s->outbox, 0, "getChildrenResult", stage_children_payload(stage, parent, NULL));
    }
    json_t *left = json_array(), *p;
    size_t i;
    json_array_foreach(selection, i, p)
        if (stage && usd_stage_find(stage, json_string_value(p)))
            json_array_append(left, p);
    stage_ref_release(&ref);
    actions_set_selection(s, left, "stage", NULL);
    json_decref(left);
}

static void execute_variant(struct server *s, struct command *c)
{
    char path[MAX_PATH];
    const char *set = json_string_value(json_object_get(c->payload, "variant_set"));
    const char *selection = json_string_value(json_object_get(c->payload, "variant_selection"));
    const char *error = protocol_prim_path(json_object_get(c->payload, "prim_path"), path, sizeof(path)) ? NULL : "Prim not found";
    if (error)
        snprintf(path, sizeof(path), "%s", json_string_value(json_object_get(c->payload, "prim_path")));
    else
        error = check_variant(s, path, set, selection);
    if (error) {
        variant_error(s, c, path, error);
        return;
    }
    json_t *variants = s->variants ? json_deep_copy(s->variants) : json_object();
    json_t *of_prim  = json_object_get(variants, path);
    if (!of_prim) {
        of_prim = json_object();
        json_object_set_new(variants, path, of_prim);
    }
    json_object_set_new(of_prim, set, json_string(selection));
    char *url = copy_url(s), *target = strdup(s->target);
    json_t *selected = json_deep_copy(s->selection);
    struct load l    = { .s = s, .kind = LOAD_VARIANT, .target = target, .url = url, .requesters = json_array(), .variants = variants };
    enum aov aov     = s->aov;
    if (run(&l)) {
        if (aov != s->aov && s->available & 1u << aov) { // a variant does not change what is looked at
            s->aov           = aov;
            s->outputs_stale = true;
            actions_publish_aov(s);
        }
        end(&l);
        after_variant(s, c, path, selected);
    } else {
        outbox_post(s->outbox, c->client, "getVariantsResponse", variants_payload(s, path, "The variant could not be shown", c->request_id));
        outbox_error(s->outbox, c->client, "variant_failed", "The variant could not be shown", json_pack("{s:s}", "prim_path", path), c->request_id);
    }
    json_decref(selected);
    json_decref(l.requesters);
    json_decref(variants);
    free(url);
    free(target);
}

void loader_execute(struct server *s, struct command *c)
{
    input_cancel(s->input);
    if (c->kind == COMMAND_OPEN)
        execute_open(s, c);
    else if (c->kind == COMMAND_RELOAD)
        execute_reload(s, c);
    else if (c->kind == COMMAND_VARIANT)
        execute_variant(s, c);
    command_finish(c);
}

bool loader_open_initial(struct server *s)
{
    char *target             = NULL;
    enum asset_status status = asset_resolve(s->assets, s->o.scene, true, &target);
    char *url                = target ? asset_public_url(s->assets, target) : NULL;
    if (!url) {
        log_error("server", "%s: %s", s->o.scene, asset_status_text(status));
        pthread_mutex_lock(&s->session.lock);
        const char *slash = strrchr(s->o.scene, '/');
        s->session.failed = json_pack("{s:s, s:s, s:s}", "url", slash ? slash + 1 : s->o.scene, "result", "error", "error", asset_status_text(status));
        s->session.state  = STATE_ERROR;
        pthread_mutex_unlock(&s->session.lock);
        free(target);
        return false;
    }
    pthread_mutex_lock(&s->session.lock);
    s->session.accepted++;
    pthread_mutex_unlock(&s->session.lock);
    struct load l = { .s = s, .kind = LOAD_OPEN, .target = target, .url = url, .requesters = json_pack("[{s:s}]", "url", url) };
    bool ok       = run(&l);
    if (!ok && !atomic_load(&s->stop))
        log_error("server", "%s: %s", s->o.scene, l.error);
    json_decref(l.requesters);
    free(url);
    free(target);
    return ok;
}
