// Each event a client may send, and what becomes of it: an answer from cached state, a question to the
// USD thread, or a command to the render thread. To add one: a handler, and a row in the table.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "protocol.h"
#include "server.h"

#define MAX_PATH 8192

struct request {
    struct server *s;
    uint64_t client;
    const char *event;
    json_t *payload, *id;
};

typedef void handler_fn(struct request *r);

static void bad_payload(struct request *r, const char *what)
{
    char message[256];
    snprintf(message, sizeof(message), "%s: %s", r->event, what);
    outbox_error(r->s->outbox, r->client, "bad_payload", message, NULL, r->id);
}

static bool busy(struct server *s)
{
    pthread_mutex_lock(&s->session.lock);
    bool b = s->session.accepted > 0;
    pthread_mutex_unlock(&s->session.lock);
    return b;
}

// Refuse a request that a running load makes pointless.
static bool refuse_while_loading(struct request *r)
{
    if (!busy(r->s))
        return false;
    outbox_error(r->s->outbox, r->client, "busy_loading", "A scene is being loaded; try again when it is there", NULL, r->id);
    return true;
}

static void queue_payload(struct request *r, enum command_kind kind)
{
    struct command c = { .kind = kind, .payload = json_incref(r->payload), .request_id = json_incref(r->id), .client = r->client };
    server_command(r->s, &c);
}

// ---------------------------------------------------------------------------------------------------
// Stage

static void open_error(struct request *r, const char *url, const char *error)
{
    json_t *p = json_pack("{s:s, s:s, s:s}", "url", url, "result", "error", "error", error);
    if (r->id)
        json_object_set(p, "request_id", r->id);
    outbox_post(r->s->outbox, r->client, "openStageResult", p);
}

static const char *requested_url(json_t *payload)
{
    static const char *const names[] = { "url", "path", "scene", "id" };
    for (size_t i = 0; i < 4; i++) {
        json_t *v = json_object_get(payload, names[i]);
        if (json_is_string(v) && json_string_length(v))
            return json_string_value(v);
    }
    return NULL;
}

static void handle_open(struct request *r)
{
    struct session *n = &r->s->session;
    const char *url   = requested_url(r->payload);
    if (!url) {
        open_error(r, "", "Missing url");
        return;
    }
    char *target             = NULL;
    enum asset_status status = asset_resolve(r->s->assets, url, false, &target);
    if (status != ASSET_OK) {
        open_error(r, url, asset_status_text(status));
        outbox_error(r->s->outbox, r->client, asset_status_code(status), asset_status_text(status),
                     json_pack("{s:s}", "url", url), r->id);
        return;
    }
    json_t *asked = json_pack("{s:s, s:I}", "url", url, "client", (json_int_t)r->client);
    if (r->id)
        json_object_set(asked, "request_id", r->id);
    pthread_mutex_lock(&n->lock);
    if (n->loading_target && !strcmp(n->loading_target, target)) { // that very load runs
        json_array_append_new(n->joiners, asked);
        pthread_mutex_unlock(&n->lock);
        free(target);
        return;
    }
    n->accepted++;
    free(n->loading_url);
    n->loading_url = strdup(url);
    if (n->accepted == 1)
        n->progress = 0;
    pthread_mutex_unlock(&n->lock);
    stage_query_hold(r->s->query, true);
    struct command c = { .kind = COMMAND_OPEN, .target = target, .payload = json_pack("[o]", asked), .client = r->client };
    server_command(r->s, &c);
}

static void handle_reset_stage(struct request *r)
{
    struct session *n = &r->s->session;
    pthread_mutex_lock(&n->lock);
    bool has = n->has_stage;
    if (has) {
        n->accepted++;
        free(n->loading_url);
        n->loading_url = strdup(n->url ? n->url : "");
    }
    pthread_mutex_unlock(&n->lock);
    if (!has) {
        outbox_error(r->s->outbox, r->client, "no_stage", "No stage is loaded", NULL, r->id);
        return;
    }
    stage_query_hold(r->s->query, true);
    queue_payload(r, COMMAND_RELOAD);
}

static void handle_loading_state(struct request *r) { session_post_loading_state(r->s, r->client, r->id); }

static void handle_list_scenes(struct request *r)
{
    json_t *rows = assets_list(r->s->assets), *row;
    bool alias   = !strcmp(r->event, "listAssetsRequest");
    size_t i;
    json_array_foreach(rows, i, row)
        if (alias)
            json_object_set(row, "path", json_object_get(row, "url"));
    json_t *p = json_pack("{s:o}", alias ? "assets" : "scenes", rows);
    if (r->id)
        json_object_set(p, "request_id", r->id);
    outbox_post(r->s->outbox, r->client, alias ? "listAssetsResult" : "listScenesResult", p);
}

// ---------------------------------------------------------------------------------------------------
// Questions about the stage

static void handle_children(struct request *r)
{
    json_t *path = json_object_get(r->payload, "prim_path");
    if (path && !json_is_string(path)) {
        bad_payload(r, "prim_path must be a string");
        return;
    }
    stage_query_ask(r->s->query, ASK_CHILDREN, r->payload, r->client);
}

static void handle_properties(struct request *r)
{
    if (!json_is_string(json_object_get(r->payload, "prim_path")))
        bad_payload(r, "prim_path is missing or no string");
    else
        stage_query_ask(r->s->query, ASK_PROPERTIES, r->payload, r->client);
}

static void handle_variants(struct request *r)
{
    if (!json_is_string(json_object_get(r->payload, "prim_path")))
        bad_payload(r, "prim_path is missing or no string");
    else
        stage_query_ask(r->s->query, ASK_VARIANTS, r->payload, r->client);
}

static void handle_prim_count(struct request *r) { stage_query_ask(r->s->query, ASK_COUNT, r->payload, r->client); }

static void handle_stats(struct request *r)
{
    struct server *s = r->s;
    json_t *p        = json_pack("{s:f, s:n, s:I, s:I, s:f, s:f, s:I, s:I, s:I}", "fps", atomic_load(&s->fps_x10) / 10.0,
                                 "latency_ms", "frame_count", (json_int_t)atomic_load(&s->frames), "dropped",
                                 (json_int_t)command_queue_dropped(s->commands), "render_ms", atomic_load(&s->step_us) / 1000.0,
                                 "convert_ms", atomic_load(&s->convert_us) / 1000.0, "width", (json_int_t)s->o.width, "height",
                                 (json_int_t)s->o.height, "target_fps", (json_int_t)s->o.fps);
    pthread_mutex_lock(&s->session.lock);
    const ovrtx_ext_product_stats_t *st = s->session.has_stats ? &s->session.stats : NULL;
    json_t *more = st ? json_pack("{s:I, s:f, s:b, s:f, s:I, s:s}", "samples", (json_int_t)st->samples, "resolution_scale",
                                  (double)st->resolution_scale, "converged", st->converged, "gpu_ms", (double)st->gpu_ms, "triangles",
                                  (json_int_t)st->triangles, "device", st->device_name)
                      : NULL;
    pthread_mutex_unlock(&s->session.lock);
    if (more)
        json_object_update(p, more);
    json_decref(more);
    if (r->id)
        json_object_set(p, "request_id", r->id);
    outbox_post(s->outbox, r->client, "getStatsResult", p);
}

// ---------------------------------------------------------------------------------------------------
// Selection, variants

static void handle_select(struct request *r)
{
    if (!json_is_array(json_object_get(r->payload, "paths")))
        bad_payload(r, "paths is missing or no list");
    else if (!refuse_while_loading(r))
        queue_payload(r, COMMAND_SELECT);
}

static void handle_pickable(struct request *r)
{
    json_t *paths = json_object_get(r->payload, "paths");
    if (paths ? !json_is_array(paths) : !strcmp(r->event, "makePrimsSelectable"))
        bad_payload(r, "paths is missing or no list");
    else
        queue_payload(r, COMMAND_PICKABLE);
    if (r->s->o.legacy_events)
        outbox_post(r->s->outbox, r->client, "makePrimsPickableResponse", json_pack("{s:s, s:s}", "result", "success", "error", ""));
}

static void handle_set_variant(struct request *r)
{
    static const char *const names[] = { "prim_path", "variant_set", "variant_selection" };
    for (size_t i = 0; i < 3; i++)
        if (!json_is_string(json_object_get(r->payload, names[i]))) {
            bad_payload(r, "prim_path, variant_set and variant_selection are needed, as strings");
            return;
        }
    if (refuse_while_loading(r))
        return;
    struct session *n = &r->s->session;
    pthread_mutex_lock(&n->lock);
    n->accepted++;
    free(n->loading_url);
    n->loading_url = strdup(n->url ? n->url : "");
    pthread_mutex_unlock(&n->lock);
    stage_query_hold(r->s->query, true);
    queue_payload(r, COMMAND_VARIANT);
}

// ---------------------------------------------------------------------------------------------------
// Picture

static void change_aov(struct request *r, json_t *name)
{
    const char *reason = NULL;
    if (!json_is_string(name) || !json_string_length(name))
        reason = "Missing AOV name";
    else if (busy(r->s))
        reason = "Stage is loading";
    if (reason) {
        json_t *extra = json_pack("{s:s, s:s}", "result", "error", "reason", reason);
        if (json_is_string(name) && json_string_length(name))
            json_object_set(extra, "requested", name);
        session_post_aov(r->s, r->client, extra, r->id);
        return;
    }
    struct command c = { .kind = COMMAND_AOV, .payload = json_pack("{s:O}", "aov", name), .request_id = json_incref(r->id), .client = r->client };
    if (!strcmp(r->event, "setRenderSettingRequest"))
        json_object_set_new(c.payload, "as_setting", json_true());
    if (!strcmp(r->event, "toggleSegView"))
        json_object_set_new(c.payload, "as_toggle", json_true());
    server_command(r->s, &c);
}

static void handle_aov(struct request *r)
{
    json_t *name = json_object_get(r->payload, "aov");
    change_aov(r, name ? name : json_object_get(r->payload, "name"));
}

static void handle_available_aovs(struct request *r) { session_post_available(r->s, r->client, r->id); }

static void handle_toggle_segmentation(struct request *r)
{
    json_t *enabled = json_object_get(r->payload, "enabled");
    pthread_mutex_lock(&r->s->session.lock);
    bool now = r->s->session.aov == AOV_INSTANCE;
    pthread_mutex_unlock(&r->s->session.lock);
    bool want    = json_is_boolean(enabled) ? json_is_true(enabled) : !now;
    json_t *name = json_string(aov_name(want ? AOV_INSTANCE : AOV_LDR));
    if (busy(r->s))
        outbox_post(r->s->outbox, r->client, "segViewState", json_pack("{s:b}", "enabled", now));
    change_aov(r, name);
    json_decref(name);
}

static void handle_set_setting(struct request *r)
{
    json_t *key = json_object_get(r->payload, "key"), *value = json_object_get(r->payload, "value");
    if (!json_is_string(key) || !value)
        bad_payload(r, "key and value are needed");
    else if (!strcmp(json_string_value(key), "aov"))
        change_aov(r, value);
    else
        queue_payload(r, COMMAND_SETTING);
}

static void handle_get_settings(struct request *r) { session_post_settings(r->s, r->client, NULL, r->id); }

// ---------------------------------------------------------------------------------------------------
// Camera and input

static void handle_camera_command(struct request *r)
{
    const char *command = json_string_value(json_object_get(r->payload, "command"));
    if (!command)
        bad_payload(r, "command is missing");
    else if (!strcmp(command, "fit") ? !refuse_while_loading(r) : true)
        queue_payload(r, COMMAND_CAMERA);
}

static void handle_fit(struct request *r)
{
    if (!refuse_while_loading(r))
        queue_payload(r, COMMAND_FIT);
}

static void handle_reset_view(struct request *r) { queue_payload(r, COMMAND_RESET_VIEW); }

static void handle_set_camera(struct request *r)
{
    if (!json_is_string(json_object_get(r->payload, "path")))
        bad_payload(r, "path is missing or no string");
    else if (!refuse_while_loading(r))
        queue_payload(r, COMMAND_SET_CAMERA);
}

static void handle_input_active(struct request *r)
{
    json_t *active = json_object_get(r->payload, "active");
    if (active && !json_is_boolean(active)) {
        bad_payload(r, "active must be true or false");
        return;
    }
    input_set_active(r->s->input, !active || json_is_true(active));
    if (json_is_false(active))
        command_queue_drop_gestures(r->s->commands);
}

static void handle_pick(struct request *r)
{
    if (!r->id || !json_is_number(json_object_get(r->payload, "x")) || !json_is_number(json_object_get(r->payload, "y")))
        bad_payload(r, "request_id, x and y are needed");
    else if (!refuse_while_loading(r))
        queue_payload(r, COMMAND_PICK_QUERY);
}

static void handle_ignored(struct request *r) { (void)r; }

// ---------------------------------------------------------------------------------------------------
// Dispatch

static const struct {
    const char *event;
    handler_fn *handler;
} handlers[] = {
    { "openStageRequest", handle_open },
    { "loadAssetRequest", handle_open },
    { "resetStageRequest", handle_reset_stage },
    { "resetStage", handle_reset_stage },
    { "loadingStateQuery", handle_loading_state },
    { "getChildrenRequest", handle_children },
    { "getPropertiesRequest", handle_properties },
    { "getPrimCountRequest", handle_prim_count },
    { "getStatsRequest", handle_stats },
    { "selectPrimsRequest", handle_select },
    { "makePrimsSelectable", handle_pickable },
    { "makePrimsPickable", handle_pickable },
    { "getVariantsRequest", handle_variants },
    { "setVariantRequest", handle_set_variant },
    { "changeAOVRequest", handle_aov },
    { "getAvailableAOVs", handle_available_aovs },
    { "toggleSegView", handle_toggle_segmentation },
    { "setRenderSettingRequest", handle_set_setting },
    { "getRenderSettingsRequest", handle_get_settings },
    { "cameraCommandRequest", handle_camera_command },
    { "fitCameraRequest", handle_fit },
    { "resetViewRequest", handle_reset_view },
    { "set_camera", handle_set_camera },
    { "setCameraGizmo", handle_ignored },
    { "setViewportInputActive", handle_input_active },
    { "listScenesRequest", handle_list_scenes },
    { "listAssetsRequest", handle_list_scenes },
    { "pickRequest", handle_pick },
};

// One warning per unknown name; the names are remembered up to a limit.
static void warn_unknown(const char *event)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint32_t seen[64];
    static size_t count;
    uint32_t h = 2166136261u;
    for (const char *p = event; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    pthread_mutex_lock(&lock);
    bool known = false;
    for (size_t i = 0; i < count; i++)
        known |= seen[i] == h;
    bool say = !known && count < 64;
    if (say)
        seen[count++] = h;
    pthread_mutex_unlock(&lock);
    if (say)
        log_warn("server", "unknown event '%.60s'", event);
}

void messages_receive(struct server *s, uint64_t client, const char *text, size_t size)
{
    bool framed;
    const char *why;
    atomic_fetch_add(&s->messages, 1);
    if (atomic_load(&s->stop))
        return;
    json_t *message = protocol_decode(text, size, &framed, &why);
    if (!message) {
        if (why)
            log_debug("server", "dropping a message of %zu bytes: %s", size, why);
        return;
    }
    outbox_saw_framing(s->outbox, framed);
    struct request r = { .s = s, .client = client, .event = json_string_value(json_object_get(message, "event_type")),
                         .payload = json_object_get(message, "payload") };
    json_t *id = json_object_get(r.payload, "request_id");
    if (json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= 64))
        r.id = id;
    else
        json_object_del(r.payload, "request_id");
    handler_fn *handler = NULL;
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]) && !handler; i++)
        if (!strcmp(handlers[i].event, r.event))
            handler = handlers[i].handler;
    if (handler) {
        handler(&r);
    } else {
        warn_unknown(r.event);
        char name[80];
        snprintf(name, sizeof(name), "Unknown event '%.60s'", r.event);
        outbox_error(s->outbox, client, "unknown_event", name, NULL, r.id);
    }
    json_decref(message);
}
