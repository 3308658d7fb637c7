// Commands that change what is shown without loading anything. Render thread.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "protocol.h"
#include "server.h"

#define MAX_PATH 8192
#define MAX_OUTLINED 20000            // geometry prims of one selection

// ---------------------------------------------------------------------------------------------------
// Camera

static void camera_changed(struct server *s)
{
    s->camera_dirty    = true;
    s->picture_changed = true;
    s->activity_ns     = clock_mono_ns();
    if (s->active_camera && !s->camera.fixed) { // a gesture left the stage camera
        free(s->active_camera);
        s->active_camera = NULL;
        outbox_post(s->outbox, 0, "camera_changed", json_pack("{s:s}", "activeCamera", ORBIT_CAMERA));
    }
}

static const char *policy_name(int64_t policy)
{
    static const char *const names[] = { "fit", "stage-camera", "preserve" };
    return names[policy];
}

static json_t *camera_payload(struct server *s)
{
    const struct camera *c = &s->camera;
    struct camera_basis b;
    camera_basis(c, &b);
    struct camera_view v = c->view;
    return json_pack("{s:f, s:f, s:f, s:[f,f,f], s:[f,f,f], s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:[f,f]}", "azimuth", v.azimuth,
                     "elevation", v.elevation, "distance", v.distance, "target", v.target[0], v.target[1], v.target[2], "eye",
                     b.eye[0], b.eye[1], b.eye[2], "up_axis", c->up == CAMERA_UP_Z ? "Z" : "Y", "mode", c->fly ? "fly" : "orbit",
                     "policy", policy_name(s->o.camera_policy), "activeCamera", s->active_camera ? s->active_camera : ORBIT_CAMERA,
                     "focal_length", c->lens.focal_length, "horizontal_aperture", c->lens.horizontal_aperture,
                     "vertical_aperture", c->lens.vertical_aperture, "clipping_range", c->lens.clip_near, c->lens.clip_far);
}

void actions_publish_camera(struct server *s, bool push, json_t *request_id)
{
    struct session *n = &s->session;
    json_t *payload   = camera_payload(s);
    json_t *list = json_pack("{s:O?, s:s}", "cameras", s->info ? s->info->cameras : NULL, "activeCamera",
                             s->active_camera ? s->active_camera : ORBIT_CAMERA);
    if (!s->info)
        json_object_set_new(list, "cameras", json_array());
    pthread_mutex_lock(&n->lock);
    json_decref(n->camera);
    json_decref(n->camera_list);
    n->camera      = payload;
    n->camera_list = list;
    pthread_mutex_unlock(&n->lock);
    if (!push)
        return;
    s->camera_sent_ns = clock_mono_ns();
    s->camera_unsent  = false;
    session_post_camera(s, 0, request_id);
}

// Bounds of a prim, "" = the stage. False, with the error sent: it has none.
static bool bounds_of(struct server *s, const char *path, struct camera_bounds *out, uint64_t client, json_t *request_id)
{
    struct stage_ref *ref  = stage_query_acquire(s->query);
    const usd_stage *stage = stage_ref_stage(ref);
    *out                   = (struct camera_bounds) { .empty = true };
    if (stage)
        *out = stage_bounds(stage, path);
    stage_ref_release(&ref);
    if (out->empty)
        outbox_error(s->outbox, client, stage ? "prim_not_found" : "no_stage",
                     stage ? "There is nothing to fit there" : "No stage is loaded", NULL, request_id);
    return !out->empty;
}

static double meters_per_unit(const struct server *s) { return s->info ? s->info->meters_per_unit : 0.01; }

static void fit(struct server *s, struct command *c, json_t *prim)
{
    char path[MAX_PATH] = "";
    struct camera_bounds bounds;
    if (prim && !json_is_null(prim) && !protocol_prim_path(prim, path, sizeof(path))) {
        outbox_error(s->outbox, c->client, "prim_not_found", "There is no such prim", NULL, c->request_id);
        return;
    }
    if (!bounds_of(s, strcmp(path, "/") ? path : "", &bounds, c->client, c->request_id))
        return;
    camera_fit(&s->camera, &bounds, meters_per_unit(s));
    s->lens_dirty = true;
    camera_changed(s);
    actions_publish_camera(s, true, c->request_id);
}

static void fit_selection(struct server *s, struct command *c)
{
    struct camera_bounds all = { .empty = true };
    size_t i;
    json_t *path;
    json_array_foreach(s->selection, i, path) {
        struct stage_ref *ref = stage_query_acquire(s->query);
        if (ref) {
            struct camera_bounds b = stage_bounds(stage_ref_stage(ref), json_string_value(path));
            for (int k = 0; k < 3 && !b.empty; k++) {
                all.min[k] = all.empty ? b.min[k] : fmin(all.min[k], b.min[k]);
                all.max[k] = all.empty ? b.max[k] : fmax(all.max[k], b.max[k]);
            }
            all.empty &= b.empty;
        }
        stage_ref_release(&ref);
    }
    if (all.empty) {
        fit(s, c, NULL);
        return;
    }
    camera_fit(&s->camera, &all, meters_per_unit(s));
    s->lens_dirty = true;
    camera_changed(s);
    actions_publish_camera(s, true, NULL);
}

static void show_camera(struct server *s, const char *path, json_t *request_id, uint64_t client)
{
    bool own              = !strcmp(path, ORBIT_CAMERA);
    struct stage_ref *ref = own ? NULL : stage_query_acquire(s->query);
    double matrix[16];
    struct camera_lens lens;
    bool found = own || (ref && stage_camera(stage_ref_stage(ref), path, matrix, &lens));
    stage_ref_release(&ref);
    if (!found) {
        outbox_error(s->outbox, client, "prim_not_found", "There is no such camera", NULL, request_id);
        return;
    }
    free(s->active_camera);
    s->active_camera = own ? NULL : strdup(path);
    if (own) {
        camera_leave_fixed(&s->camera);
        camera_default_lens(&s->camera);
    } else {
        camera_set_fixed(&s->camera, matrix, &lens);
    }
    s->lens_dirty = true;
    camera_changed(s);
    outbox_post(s->outbox, 0, "camera_changed", json_pack("{s:s}", "activeCamera", path));
    actions_publish_camera(s, true, request_id);
}

static void reset_view(struct server *s, json_t *request_id)
{
    s->camera.fixed = false;
    free(s->active_camera);
    s->active_camera = NULL;
    s->camera.view   = s->home;
    camera_default_lens(&s->camera);
    if (s->info)
        camera_sanitise(&s->camera);
    s->lens_dirty = true;
    camera_changed(s);
    actions_publish_camera(s, true, request_id);
}

static bool number(json_t *payload, const char *key, double *out)
{
    json_t *v = json_object_get(payload, key);
    if (!v)
        return true;
    if (!json_is_number(v) || !isfinite(json_number_value(v)))
        return false;
    *out = json_number_value(v);
    return true;
}

static bool set_view(struct server *s, json_t *payload)
{
    struct camera_view v = s->camera.view;
    json_t *target       = json_object_get(payload, "target");
    if (!number(payload, "azimuth", &v.azimuth) || !number(payload, "elevation", &v.elevation) || !number(payload, "distance", &v.distance))
        return false;
    if (target && (!json_is_array(target) || json_array_size(target) != 3))
        return false;
    for (size_t i = 0; target && i < 3; i++) {
        json_t *t = json_array_get(target, i);
        if (!json_is_number(t))
            return false;
        v.target[i] = json_number_value(t);
    }
    camera_leave_fixed(&s->camera);
    s->camera.view = v;
    camera_sanitise(&s->camera);
    return true;
}

static void camera_command(struct server *s, struct command *c)
{
    const char *what = json_string_value(json_object_get(c->payload, "command"));
    double x = 0, y = 0;
    bool good = true;
    if (!strcmp(what, "fit")) {
        json_t *prim = json_object_get(c->payload, "prim_path");
        fit(s, c, prim ? prim : json_object_get(c->payload, "path"));
        return;
    }
    if (!strcmp(what, "reset")) {
        reset_view(s, c->request_id);
        return;
    }
    if (!strcmp(what, "set")) {
        good = set_view(s, c->payload);
    } else if (!strcmp(what, "orbit")) {
        good = number(c->payload, "d_azimuth", &x) && number(c->payload, "d_elevation", &y);
        if (good)
            camera_turn(&s->camera, x, y);
    } else if (!strcmp(what, "pan")) {
        good = number(c->payload, "dx", &x) && number(c->payload, "dy", &y);
        if (good)
            camera_pan(&s->camera, x, y);
    } else if (!strcmp(what, "dolly")) {
        good = number(c->payload, "notches", &y);
        if (good)
            camera_wheel(&s->camera, y);
    } else if (!strcmp(what, "view")) {
        const char *preset = json_string_value(json_object_get(c->payload, "preset"));
        struct camera_bounds bounds;
        good = preset && camera_preset(&s->camera, preset);
        if (good && s->info && bounds_of(s, "", &bounds, c->client, c->request_id)) {
            double target[3];
            memcpy(target, s->camera.view.target, sizeof(target)); // the target stays, the distance fits
            camera_fit(&s->camera, &bounds, meters_per_unit(s));
            memcpy(s->camera.view.target, target, sizeof(target));
            s->lens_dirty = true;
        }
    } else if (!strcmp(what, "mode")) {
        const char *mode = json_string_value(json_object_get(c->payload, "mode"));
        good             = mode && (!strcmp(mode, "orbit") || !strcmp(mode, "fly"));
        if (good) {
            s->camera.fly = !strcmp(mode, "fly");
            input_set_fly(s->input, s->camera.fly);
        }
    } else {
        good = false;
    }
    if (!good) {
        outbox_error(s->outbox, c->client, "bad_payload", "cameraCommandRequest: unknown command or unusable values", NULL, c->request_id);
        return;
    }
    camera_changed(s);
    actions_publish_camera(s, true, c->request_id);
}

void actions_fly(struct server *s, double seconds)
{
    unsigned keys = input_fly_keys(s->input);
    if (!keys)
        return;
    double speed = keys & FLY_FAST ? 4 : keys & FLY_SLOW ? 0.25 : 1;
    camera_fly_move(&s->camera, speed * (!!(keys & FLY_RIGHT) - !!(keys & FLY_LEFT)), speed * (!!(keys & FLY_UP) - !!(keys & FLY_DOWN)),
                    speed * (!!(keys & FLY_FORWARD) - !!(keys & FLY_BACK)), seconds);
    camera_changed(s);
    s->camera_unsent = true;
}

// ---------------------------------------------------------------------------------------------------
// Selection

static json_t *path_set(json_t *list)
{
    json_t *set = json_object();
    size_t i;
    json_t *p;
    json_array_foreach(list, i, p)
        json_object_set_new(set, json_string_value(p), json_true());
    return set;
}

// Group 0 to paths that leave, group 1 to paths that enter, in one batch.
static void write_outlines(struct server *s, json_t *wanted)
{
    size_t room = json_object_size(s->outlined) + json_object_size(wanted), count = 0;
    const char **paths = calloc(room + 1, sizeof(*paths));
    uint8_t *groups    = calloc(room + 1, 1);
    const char *path;
    json_t *ignored;
    json_object_foreach(s->outlined, path, ignored)
        if (paths && groups && !json_object_get(wanted, path))
            paths[count++] = path;
    json_object_foreach(wanted, path, ignored)
        if (paths && groups && !json_object_get(s->outlined, path)) {
            groups[count]  = 1;
            paths[count++] = path;
        }
    if (count && s->rx) {
        rx_set_groups(s->rx, paths, groups, count);
        s->picture_changed = true;
    }
    free(paths);
    free(groups);
    json_decref(s->outlined);
    s->outlined = json_incref(wanted);
}

void actions_update_outlines(struct server *s)
{
    json_t *geometry      = json_array(), *path;
    struct stage_ref *ref = stage_query_acquire(s->query);
    size_t i;
    json_array_foreach(s->selection, i, path) {
        size_t before = json_array_size(geometry);
        if (ref)
            stage_expand(stage_ref_stage(ref), json_string_value(path), geometry, MAX_OUTLINED);
        if (json_array_size(geometry) == before) // nothing below, or a path only the renderer knows
            json_array_append(geometry, path);
    }
    stage_ref_release(&ref);
    json_t *wanted = path_set(geometry);
    write_outlines(s, wanted);
    json_decref(wanted);
    json_decref(geometry);
}

void actions_clear_outlines(struct server *s)
{
    json_t *none = json_object();
    write_outlines(s, none);
    json_decref(none);
}

void actions_set_selection(struct server *s, json_t *paths, const char *source, json_t *request_id)
{
    bool changed = !json_equal(s->selection, paths);
    if (changed) {
        json_decref(s->selection);
        s->selection = json_deep_copy(paths);
        actions_update_outlines(s);
        s->activity_ns = clock_mono_ns();
        pthread_mutex_lock(&s->session.lock);
        json_decref(s->session.selection);
        s->session.selection = json_deep_copy(paths);
        pthread_mutex_unlock(&s->session.lock);
        const char *first = json_string_value(json_array_get(paths, 0));
        log_info("server", "Selection changed: %s%s", first ? first : "(nothing)", json_array_size(paths) > 1 ? " and more" : "");
    }
    session_post_selection(s, source, request_id);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

// The new selection when `paths` act on the current one.
static json_t *combined(struct server *s, json_t *paths, enum select_mode mode)
{
    if (mode == SELECT_REPLACE)
        return json_incref(paths);
    json_t *set = path_set(mode == SELECT_ADD ? s->selection : paths), *out = json_array(), *p;
    size_t i;
    json_array_foreach(s->selection, i, p)
        if (mode == SELECT_ADD || !json_object_get(set, json_string_value(p)))
            json_array_append(out, p);
    json_array_foreach(paths, i, p)
        if (mode == SELECT_ADD && !json_object_get(set, json_string_value(p)))
            json_array_append(out, p);
    json_decref(set);
    size_t count     = json_array_size(out);
    json_t **sorted  = calloc(count + 1, sizeof(*sorted));
    json_t *in_order = json_array();
    for (i = 0; sorted && i < count; i++)
        sorted[i] = json_array_get(out, i);
    if (sorted)
        qsort(sorted, count, sizeof(*sorted), by_text);
    for (i = 0; sorted && i < count; i++)
        json_array_append(in_order, sorted[i]);
    free(sorted);
    json_decref(out);
    return in_order;
}

static void select_prims(struct server *s, struct command *c)
{
    json_t *asked = json_object_get(c->payload, "paths"), *paths = json_array(), *seen = json_object(), *p;
    const char *mode      = json_string_value(json_object_get(c->payload, "mode"));
    struct stage_ref *ref = stage_query_acquire(s->query);
    size_t i;
    char path[MAX_PATH];
    json_array_foreach(asked, i, p)
        if (protocol_prim_path(p, path, sizeof(path)) && !json_object_get(seen, path) && ref &&
            usd_stage_find(stage_ref_stage(ref), path) && strcmp(path, "/") != 0) {
            json_object_set_new(seen, path, json_true());
            json_array_append_new(paths, json_string(path));
        }
    bool none = json_array_size(asked) && !json_array_size(paths);
    enum select_mode m = mode && !strcmp(mode, "add") ? SELECT_ADD : mode && !strcmp(mode, "subtract") ? SELECT_SUBTRACT : SELECT_REPLACE;
    if (!ref && json_array_size(asked)) {
        session_post_selection(s, "client", c->request_id);
        outbox_error(s->outbox, c->client, "no_stage", "No stage is loaded", NULL, c->request_id);
    } else if (none) {
        session_post_selection(s, "client", c->request_id);
        outbox_error(s->outbox, c->client, "prim_not_found", "None of these prims exists", NULL, c->request_id);
    } else {
        json_t *selection = combined(s, paths, m);
        actions_set_selection(s, selection, "client", c->request_id);
        json_decref(selection);
    }
    stage_ref_release(&ref);
    json_decref(seen);
    json_decref(paths);
}

static void set_pickable(struct server *s, struct command *c)
{
    json_t *asked = json_object_get(c->payload, "paths"), *flag = json_object_get(c->payload, "pickable");
    if (!flag)
        flag = json_object_get(c->payload, "selectable");
    json_t *only           = json_object_get(c->payload, "exclusive");
    bool exclusive         = json_is_boolean(only) ? json_is_true(only) : s->o.legacy_events && asked;
    struct stage_ref *ref  = stage_query_acquire(s->query);
    const usd_stage *stage = stage_ref_stage(ref);
    json_t *paths = json_array(), *all = json_array(), *p;
    size_t i;
    char path[MAX_PATH];
    const usd_prim *root = stage ? usd_stage_pseudo_root(stage) : NULL;
    for (const usd_prim *child = usd_prim_first_child(root); child; child = usd_prim_next_sibling(child))
        if (usd_prim_is_traversable(child)) {
            json_array_append_new(all, json_string(usd_prim_path(child)));
            if (exclusive)
                stage_expand(stage, usd_prim_path(child), all, MAX_OUTLINED);
        }
    json_array_foreach(asked, i, p)
        if (protocol_prim_path(p, path, sizeof(path)) && stage && usd_stage_find(stage, path)) {
            json_array_append_new(paths, json_string(path));
            stage_expand(stage, path, paths, MAX_OUTLINED);
        }
    const char **names = calloc(json_array_size(all) + json_array_size(paths) + 1, sizeof(*names));
    json_t *list       = asked ? paths : all;
    for (i = 0; names && s->rx && exclusive && asked && i < json_array_size(all); i++)
        names[i] = json_string_value(json_array_get(all, i));
    if (names && s->rx && exclusive && asked)
        rx_set_pickable(s->rx, names, json_array_size(all), false);
    for (i = 0; names && i < json_array_size(list); i++)
        names[i] = json_string_value(json_array_get(list, i));
    if (names && s->rx && json_array_size(list))
        rx_set_pickable(s->rx, names, json_array_size(list), !json_is_false(flag));
    free(names);
    json_decref(paths);
    json_decref(all);
    stage_ref_release(&ref);
}

// ---------------------------------------------------------------------------------------------------
// Picks

static void want_pick(struct server *s, struct command *c)
{
    struct pending_pick *k = &s->pick;
    if (session_state(s) != STATE_STREAMING)
        return;
    actions_drop_pick(s); // the newest counts
    int w = 1, h = 1, x = (int)c->x, y = (int)c->y;
    if (c->kind == COMMAND_PICK_QUERY) {
        double v[4] = { 0, 0, 1, 1 };
        number(c->payload, "x", &v[0]);
        number(c->payload, "y", &v[1]);
        number(c->payload, "w", &v[2]);
        number(c->payload, "h", &v[3]);
        x = (int)fmin(fmax(floor(v[0]), -1), 100000);
        y = (int)fmin(fmax(floor(v[1]), -1), 100000);
        w = (int)fmin(fmax(v[2], 1), 100000);
        h = (int)fmin(fmax(v[3], 1), 100000);
    } else {
        log_info("server", "Queueing viewport pick at %d, %d", x, y);
        atomic_fetch_add(&s->picks, 1);
    }
    *k = (struct pending_pick) { .wanted = true, .left = x, .top = y, .right = x + w, .bottom = y + h, .mode = c->mode,
                                 .request = c->kind == COMMAND_PICK_QUERY ? json_incref(c->payload) : NULL, .client = c->client };
    s->activity_ns = clock_mono_ns();
}

void actions_drop_pick(struct server *s)
{
    json_decref(s->pick.request);
    s->pick = (struct pending_pick) { 0 };
}

void actions_apply_pick(struct server *s, json_t *paths, bool failed)
{
    struct pending_pick k = s->pick;
    s->pick               = (struct pending_pick) { 0 };
    if (k.request) {
        json_t *p = json_pack("{s:O, s:O}", "request_id", json_object_get(k.request, "request_id"), "paths", paths);
        if (json_array_size(paths))
            json_object_set(p, "path", json_array_get(paths, 0));
        outbox_post(s->outbox, k.client, "pickResult", p);
        json_decref(k.request);
    } else if (failed) {
        outbox_error(s->outbox, 0, "pick_failed", "The pick could not be answered", NULL, NULL);
    } else if (json_array_size(paths)) {
        json_t *one = json_pack("[O]", json_array_get(paths, 0)); // a click selects one
        json_t *all = combined(s, one, k.mode);
        if (!json_equal(s->selection, all))
            actions_set_selection(s, all, "viewport", NULL);
        json_decref(all);
        json_decref(one);
    } else if (s->o.clear_on_miss && json_array_size(s->selection)) {
        actions_set_selection(s, paths, "viewport", NULL);
    }
}

// ---------------------------------------------------------------------------------------------------
// Picture

void actions_publish_aov(struct server *s)
{
    pthread_mutex_lock(&s->session.lock);
    s->session.aov       = s->aov;
    s->session.available = s->available;
    pthread_mutex_unlock(&s->session.lock);
}

static void change_aov(struct server *s, struct command *c)
{
    const char *name = json_string_value(json_object_get(c->payload, "aov"));
    enum aov wanted  = aov_from_name(name, strlen(name)), before = s->aov;
    bool good        = wanted < AOV_COUNT && s->available & 1u << wanted && session_state(s) == STATE_STREAMING;
    if (good && wanted != s->aov) {
        s->aov             = wanted;
        s->outputs_stale   = true;
        s->picture_changed = true;
        s->aov_failures    = 0;
        s->activity_ns     = clock_mono_ns();
    }
    actions_publish_aov(s);
    if (json_object_get(c->payload, "as_toggle"))
        outbox_post(s->outbox, c->client, "segViewState", json_pack("{s:b}", "enabled", s->aov == AOV_INSTANCE));
    session_post_aov(s, c->client,
                     good ? json_pack("{s:s, s:s}", "result", "success", "previous", aov_name(before))
                          : json_pack("{s:s, s:s, s:s}", "result", "error", "requested", name, "reason",
                                      "AOV is not available for the current render product"),
                     c->request_id);
    if (json_object_get(c->payload, "as_setting"))
        session_post_settings(s, c->client,
                              json_pack("{s:s, s:s, s:b, s:s, s:b}", "key", "aov", "result", good ? "success" : "error", "applied",
                                        good, "applies_at", "immediate", "requires_reload", 0),
                              c->request_id);
}

static void change_setting(struct server *s, struct command *c)
{
    const char *key             = json_string_value(json_object_get(c->payload, "key"));
    enum settings_result result = settings_set(&s->settings, key, json_object_get(c->payload, "value"));
    bool good                   = result == SETTINGS_APPLIED;
    json_t *extra = json_pack("{s:s, s:s, s:b, s:s, s:b}", "key", key, "result", good ? "success" : "error", "applied", good,
                              "applies_at", result == SETTINGS_UNKNOWN_KEY ? "unsupported" : "immediate", "requires_reload", 0);
    if (!good) {
        char message[200];
        snprintf(message, sizeof(message), "%s: %.100s",
                 result == SETTINGS_UNKNOWN_KEY ? "Unsupported render setting" : "Invalid value for render setting", key);
        json_t *text = json_string(message);
        json_object_set_new(extra, "message", text ? text : json_string("Unsupported render setting"));
    } else {
        s->picture_changed = true;
        s->activity_ns     = clock_mono_ns();
        if (s->rx && !strcmp(key, "outline_color"))
            rx_set_styles(s->rx, s->settings.outline_color);
        pthread_mutex_lock(&s->session.lock);
        json_decref(s->session.settings);
        s->session.settings = settings_values(&s->settings);
        pthread_mutex_unlock(&s->session.lock);
    }
    session_post_settings(s, good ? 0 : c->client, extra, c->request_id);
}

// ---------------------------------------------------------------------------------------------------

static void gesture(struct server *s, const struct command *c)
{
    struct camera *camera = &s->camera;
    switch (c->kind) {
    case COMMAND_ORBIT: camera_orbit(camera, c->x, c->y); break;
    case COMMAND_PAN: camera_pan(camera, c->x, c->y); break;
    case COMMAND_DOLLY: camera_dolly(camera, c->x, c->y); break;
    case COMMAND_WHEEL: camera_wheel(camera, c->y); break;
    case COMMAND_FLY_LOOK: camera_fly_look(camera, c->x, c->y); break;
    case COMMAND_FLY_SPEED: camera_fly_faster(camera, c->y); break;
    default: return;
    }
    camera_changed(s);
}

void actions_execute(struct server *s, struct command *c)
{
    json_t *none, *prim;
    if (c->kind <= COMMAND_LAST_CONTINUOUS) {
        gesture(s, c);
        return;
    }
    switch (c->kind) {
    case COMMAND_GESTURE_END:
        actions_publish_camera(s, false, NULL);
        s->camera_unsent = true;
        break;
    case COMMAND_PICK:
    case COMMAND_PICK_QUERY:
        want_pick(s, c);
        break;
    case COMMAND_FIT_SELECTION:
        if (s->info)
            fit_selection(s, c);
        break;
    case COMMAND_FIT:
        prim = json_object_get(c->payload, "prim_path");
        fit(s, c, prim ? prim : json_object_get(c->payload, "path"));
        break;
    case COMMAND_RESET_VIEW:
        reset_view(s, c->request_id);
        break;
    case COMMAND_CLEAR_SELECTION:
        none = json_array();
        if (json_array_size(s->selection))
            actions_set_selection(s, none, "viewport", NULL);
        json_decref(none);
        break;
    case COMMAND_CAMERA:
        camera_command(s, c);
        break;
    case COMMAND_SET_CAMERA:
        show_camera(s, json_string_value(json_object_get(c->payload, "path")), c->request_id, c->client);
        break;
    case COMMAND_STAGE_CAMERA:
        prim = s->info ? json_array_get(s->info->cameras, (size_t)(c->number - 1)) : NULL;
        if (c->number == 0)
            show_camera(s, ORBIT_CAMERA, NULL, 0);
        else if (prim)
            show_camera(s, json_string_value(json_object_get(prim, "path")), NULL, 0);
        break;
    case COMMAND_SELECT:
        select_prims(s, c);
        break;
    case COMMAND_PICKABLE:
        set_pickable(s, c);
        break;
    case COMMAND_AOV:
        change_aov(s, c);
        break;
    case COMMAND_SETTING:
        change_setting(s, c);
        break;
    default:
        break;
    }
}
