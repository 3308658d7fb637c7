// The render thread: commands in, one step, one picture out, at a steady pace while something changes and
// at rest when the picture is finished.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pick.h"
#include "server.h"
#include "thread.h"

#define SECOND 1000000000LL
#define MOVING_NS (300 * 1000000LL)  // so long after the last change the picture counts as moving
#define REST_NS (500 * 1000000LL)    // keep-alive period of a finished picture
#define UNWATCHED_NS SECOND          // with nobody connected
#define REFINE_BUDGET_MS 30.0        // a slice of refinement never holds up input longer
#define REFINE_SHOW_NS (SECOND / 20)  // and is shown so often: encoding costs time that rays could use
#define SLOW_STEP_US 60000            // a step beyond this means that the machine is busy otherwise
#define PICK_MAX_STEPS 3
#define AOV_MAX_FAILURES 30
#define MAX_STEP_FAILURES 10
#define MAX_LOST_FAILURES 3

// ---------------------------------------------------------------------------------------------------
// One picture

struct fill {
    struct server *s;
    enum aov aov;
    const DLTensor *tensor;
};

static bool fill_picture(void *user, uint8_t *bgra)
{
    struct fill *f               = user;
    struct server *s             = f->s;
    struct convert_settings set  = {
        .exposure = s->settings.exposure, .tone = s->settings.tone_mapping, .depth = s->settings.depth_mode,
        .camera_distance = s->camera.view.distance, .clip_far = s->camera.lens.clip_far,
        .clip_near = s->camera.lens.clip_near,
    };
    return convert_image(&s->convert, f->aov, f->tensor, &set, bgra, (int)s->o.width, (int)s->o.height);
}

static ovrtx_render_var_output_handle_t find_output(struct server *s, const struct rx_frame *frame, enum aov aov)
{
    ovrtx_render_var_output_handle_t handle = rx_frame_find(frame, aov_name(aov));
    if (!handle && aov == AOV_SEMANTIC) {
        handle = rx_frame_find(frame, AOV_SEMANTIC_OTHER);
        s->semantic_other |= handle != 0;
    }
    return handle;
}

static bool show(struct server *s, const struct rx_frame *frame, enum aov aov)
{
    struct rx_image image;
    if (!rx_map(s->rx, find_output(s, frame, aov), &image))
        return false;
    int64_t start = clock_mono_ns();
    struct fill f = { s, aov, image.tensor };
    bool good     = image.tensor && stream_draw(s->stream, fill_picture, &f);
    rx_unmap(s->rx, &image);
    atomic_store(&s->convert_us, (int)((clock_mono_ns() - start) / 1000));
    return good;
}

// Which outputs really have pixels. A name in the frame proves nothing, but to a renderer that lets outputs
// be selected: that one lists what it can make, and making all of them would hold up the first picture.
static void discover(struct server *s, const struct rx_frame *frame)
{
    for (int i = 0; i < AOV_COUNT; i++) {
        struct rx_image image;
        if (rx_can_select(s->rx)) {
            s->available |= find_output(s, frame, (enum aov)i) ? 1u << i : 0;
            continue;
        }
        if (!rx_map(s->rx, find_output(s, frame, (enum aov)i), &image))
            continue;
        const DLTensor *t = image.tensor;
        if (t && t->shape[0] == s->o.height && t->shape[1] == s->o.width)
            s->available |= 1u << i;
        rx_unmap(s->rx, &image);
    }
}

static void lose_aov(struct server *s)
{
    if (s->aov == AOV_LDR || ++s->aov_failures < AOV_MAX_FAILURES)
        return;
    s->available &= ~(1u << s->aov);
    s->aov           = AOV_LDR;
    s->aov_failures  = 0;
    s->outputs_stale = true;
    actions_publish_aov(s);
    session_post_aov(s, 0, NULL, NULL);
    outbox_error(s->outbox, 0, "aov_unavailable", "The chosen output cannot be shown; back to the colour picture", NULL, NULL);
}

static void first_picture(struct server *s)
{
    if (atomic_load(&s->ready))
        return;
    atomic_store(&s->ready, true);
    if (!atomic_exchange(&s->said_first, true))
        log_info("server", "First BGRA frame ready: %dx%d", (int)s->o.width, (int)s->o.height);
}

static bool make_picture(struct server *s, const struct rx_frame *frame)
{
    bool good = show(s, frame, s->aov);
    if (good)
        s->aov_failures = 0;
    else if (s->aov != AOV_LDR) {
        lose_aov(s);
        good = show(s, frame, AOV_LDR);
    }
    int64_t now = clock_mono_ns();
    if (good) {
        s->last_convert_ok_ns  = now;
        s->conversion_reported = false;
        atomic_fetch_add(&s->frames, 1);
        first_picture(s);
    } else if (s->last_convert_ok_ns && now - s->last_convert_ok_ns > 3 * SECOND && !s->conversion_reported) {
        s->conversion_reported = true;
        outbox_error(s->outbox, 0, "frame_conversion_failed", "No frame could be shown for three seconds", NULL, NULL);
    }
    return good;
}

static void answer_pick(struct server *s, const struct rx_frame *frame)
{
    json_t *paths = NULL;
    int found     = pick_decode(s->rx, frame, &paths);
    if (found == 0 && ++s->pick.steps < PICK_MAX_STEPS) {
        json_decref(paths); // not in this frame: it may come with the next
        return;
    }
    actions_apply_pick(s, paths, found < 0);
    json_decref(paths);
}

// ---------------------------------------------------------------------------------------------------
// One step

static void write_changes(struct server *s)
{
    double m[16];
    if (s->camera_dirty) {
        camera_sanitise(&s->camera);
        if (camera_matrix(&s->camera, m))
            rx_write_camera(s->rx, m);
        s->camera_dirty = false;
    }
    if (s->lens_dirty) {
        const struct camera_lens *l = &s->camera.lens;
        rx_write_lens(s->rx, (float)l->focal_length, (float)l->horizontal_aperture, (float)l->vertical_aperture, (float)l->clip_near,
                      (float)l->clip_far);
        s->lens_dirty = false;
    }
    if (s->outputs_stale) {
        const char *name = s->aov == AOV_SEMANTIC && s->semantic_other ? AOV_SEMANTIC_OTHER : aov_name(s->aov);
        rx_select_outputs(s->rx, &name, 1);
        s->outputs_stale = false;
    }
    if (s->pick.wanted && !s->pick.enqueued) {
        if (rx_enqueue_pick(s->rx, s->pick.left, s->pick.top, s->pick.right, s->pick.bottom)) {
            s->pick.enqueued = true;
        } else {
            json_t *none = json_array();
            actions_apply_pick(s, none, true);
            json_decref(none);
        }
    }
}

static void step_failed(struct server *s, enum rx_result result, const char *error)
{
    s->step_failures++;
    s->lost_failures = result == RX_LOST ? s->lost_failures + 1 : 0;
    log_warn("server", "a render step failed: %s", error);
    outbox_error(s->outbox, 0, "render_step_failed", "A frame could not be rendered", NULL, NULL);
    if (s->pick.enqueued) {
        json_t *none = json_array();
        actions_apply_pick(s, none, true);
        json_decref(none);
    }
    if (s->step_failures < MAX_STEP_FAILURES && s->lost_failures < MAX_LOST_FAILURES)
        return;
    if (session_state(s) != STATE_STREAMING)
        return; // a load has its own limits
    session_set_state(s, STATE_ERROR);
    atomic_store(&s->ready, false);
    outbox_error(s->outbox, 0, "renderer_lost", "The renderer failed repeatedly and was stopped; open a scene to try again", NULL, NULL);
}

bool runtime_step(struct server *s, bool discover_outputs, bool picture)
{
    char error[512];
    struct rx_frame frame;
    int64_t start       = clock_mono_ns();
    double delta        = s->last_step_ns ? (double)(start - s->last_step_ns) / SECOND : 1.0 / (double)s->o.fps;
    struct rx_wait wait = { .timeout_s = (int)s->o.load_timeout_s };
    s->last_step_ns     = start;
    write_changes(s);
    bool blocked = atomic_exchange(&s->in_renderer, true);
    enum rx_result result = rx_step(s->rx, fmin(delta, 1.0), &wait, &frame, error, sizeof(error));
    if (result != RX_OK) {
        atomic_store(&s->in_renderer, blocked);
        step_failed(s, result, error);
        return false;
    }
    atomic_fetch_add(&s->steps, 1);
    s->step_failures = s->lost_failures = 0;
    if (s->pick.enqueued)
        answer_pick(s, &frame);
    if (discover_outputs && frame.vars)
        discover(s, &frame);
    atomic_store(&s->in_renderer, blocked);
    bool good = frame.vars && (!picture || make_picture(s, &frame));
    rx_frame_finish(s->rx, &frame);
    int us = (int)((clock_mono_ns() - start) / 1000), before = atomic_load(&s->step_us);
    atomic_store(&s->step_us, before ? (7 * before + us) / 8 : us);
    return good;
}

void runtime_submit(struct server *s) { stream_submit(s->stream); }

// ---------------------------------------------------------------------------------------------------
// The loop

struct pace {
    int64_t next_ns, fps_since_ns;
    uint64_t fps_frames;
    int64_t shown_ns;
    bool converged;
};

static bool moving(struct server *s, int64_t now)
{
    return now - s->activity_ns < MOVING_NS || input_busy(s->input) || input_fly_keys(s->input);
}

// How long a step may take while the camera moves. A device that must go very coarse to keep the full
// rate gets more time, down to 20 frames per second; one that is bored gets less.
static double moving_budget(struct server *s)
{
    double full = 0.8 * 1000 / (double)s->o.fps, most = fmax(full, 0.8 * 1000 / 20);
    ovrtx_ext_product_stats_t stats;
    if (s->budget_ms < full)
        s->budget_ms = full;
    if (rx_stats(s->rx, &stats)) {
        bool coarse = stats.resolution_scale > 0 && stats.resolution_scale < 0.45f && atomic_load(&s->step_us) < SLOW_STEP_US;
        bool bored  = stats.resolution_scale > 0.9f && s->budget_ms > full;
        s->slow_frames = coarse ? s->slow_frames + 1 : 0;
        s->fast_frames = bored ? s->fast_frames + 1 : 0;
        if (s->slow_frames >= 3) {
            s->budget_ms   = fmin(s->budget_ms * 1.4, most);
            s->slow_frames = 0;
        } else if (s->fast_frames >= 30) {
            s->budget_ms   = fmax(s->budget_ms / 1.4, full);
            s->fast_frames = 0;
        }
    }
    return s->budget_ms;
}

double runtime_settle(struct server *s)
{
    double budget = moving(s, clock_mono_ns()) ? moving_budget(s) : fmax(REFINE_BUDGET_MS, 0.8 * 1000 / (double)s->o.fps);
    rx_set_budget(s->rx, budget);
    return budget;
}

static void drain(struct server *s)
{
    struct command c;
    while (!atomic_load(&s->stop) && command_queue_pop(s->commands, &c)) {
        if (c.kind == COMMAND_OPEN || c.kind == COMMAND_RELOAD || c.kind == COMMAND_VARIANT) {
            loader_execute(s, &c);
            continue;
        }
        actions_execute(s, &c);
        command_finish(&c);
    }
}

static bool is_converged(struct server *s)
{
    ovrtx_ext_product_stats_t stats;
    if (!rx_stats(s->rx, &stats))
        return false;
    pthread_mutex_lock(&s->session.lock);
    s->session.stats     = stats;
    s->session.has_stats = true;
    pthread_mutex_unlock(&s->session.lock);
    return stats.converged;
}

static void count_fps(struct server *s, struct pace *p, int64_t now)
{
    if (now - p->fps_since_ns < SECOND)
        return;
    uint64_t frames = atomic_load(&s->frames);
    atomic_store(&s->fps_x10, (int)((double)(frames - p->fps_frames) * 10 * SECOND / (double)(now - p->fps_since_ns) + 0.5));
    p->fps_frames   = frames;
    p->fps_since_ns = now;
}

static void tell_camera(struct server *s, int64_t now)
{
    if (!s->camera_unsent || now - s->camera_sent_ns < SECOND / 10 || input_busy(s->input))
        return;
    actions_publish_camera(s, true, NULL);
}

// Whether a step would show anything new or answer anything.
static bool step_wanted(struct server *s, struct pace *p, int64_t now)
{
    bool changed = s->picture_changed || s->camera_dirty || s->lens_dirty || s->outputs_stale || s->pick.wanted;
    if (changed)
        p->converged = false;
    if (!atomic_load(&s->clients))
        return changed || !p->converged || now - s->last_step_ns >= UNWATCHED_NS - SECOND / 100;
    return changed || !p->converged;
}

// One turn. Returns how long until the next one.
static int64_t turn(struct server *s, struct pace *p)
{
    int64_t now      = clock_mono_ns(), frame_ns = SECOND / s->o.fps;
    bool watched     = atomic_load(&s->clients) > 0;
    enum run_state state = session_state(s);
    if (state != STATE_STREAMING) {
        runtime_submit(s);
        return watched ? REST_NS : UNWATCHED_NS;
    }
    actions_fly(s, s->last_step_ns ? (double)(now - s->last_step_ns) / SECOND : 0);
    if (!step_wanted(s, p, now)) {
        stream_hint_rest(s->stream, true);
        runtime_submit(s);
        return watched ? REST_NS : UNWATCHED_NS;
    }
    stream_hint_rest(s->stream, false);
    bool active = moving(s, now), shown = active || s->picture_changed || now - p->shown_ns >= REFINE_SHOW_NS;
    s->picture_changed = false;
    runtime_settle(s);
    bool good = runtime_step(s, false, shown);
    if (good)
        p->converged = !s->picture_changed && !s->pick.wanted && is_converged(s);
    if (p->converged && !shown) // the last word: one more, to show it
        shown = runtime_step(s, false, true);
    if (shown || !good) {
        p->shown_ns = now;
        runtime_submit(s);
    }
    tell_camera(s, clock_mono_ns());
    if (p->converged)
        return watched ? REST_NS : UNWATCHED_NS;
    if (!watched && !active)
        return rx_has_stats(s->rx) ? 4 * frame_ns : UNWATCHED_NS;
    return frame_ns;
}

static void loop(struct server *s)
{
    struct pace p = { .next_ns = clock_mono_ns(), .fps_since_ns = clock_mono_ns() };
    int64_t frame_ns = SECOND / s->o.fps;
    while (!atomic_load(&s->stop)) {
        int64_t start = clock_mono_ns();
        atomic_store(&s->loop_ns, start);
        drain(s);
        if (atomic_load(&s->stop))
            break;
        int64_t wait = turn(s, &p);
        int64_t now  = clock_mono_ns();
        count_fps(s, &p, now);
        if (wait > frame_ns) { // at rest: wake as soon as there is something to do
            p.next_ns = now;
            command_queue_wait(s->commands, now + wait);
            continue;
        }
        p.next_ns += wait; // no drift; and no burst after a stall
        if (p.next_ns < now)
            p.next_ns = now;
        if (p.next_ns > start + wait)
            p.next_ns = start + wait;
        clock_sleep_until_ns(p.next_ns);
    }
}

void *runtime_thread(void *user)
{
    struct server *s = user;
    thread_set_name("render");
    s->outlined  = json_object();
    s->selection = json_array();
    camera_init(&s->camera, (int)s->o.width, (int)s->o.height);
    s->home = s->camera.view;
    settings_load(&s->settings, s->o.settings_file);
    s->session.settings = settings_values(&s->settings);
    actions_publish_camera(s, false, NULL);
    if (!rx_create(&s->rx, s->o.gpu, s->render_error, sizeof(s->render_error))) {
        atomic_store(&s->renderer_failed, true);
    } else {
        if (s->o.scene && !loader_open_initial(s))
            atomic_store(&s->initial_load_failed, true);
        if (!s->o.scene)
            session_set_state(s, STATE_IDLE);
        if (!s->o.scene && s->o.ready_when_idle)
            atomic_store(&s->ready, true);
        atomic_store(&s->warmed_up, true);
        loop(s);
    }
    actions_drop_pick(s);
    json_decref(s->outlined);
    json_decref(s->selection);
    json_decref(s->variants);
    stage_info_free(&s->info);
    settings_finish(&s->settings);
    free(s->active_camera);
    free(s->target);
    free(s->layer);
    return NULL;
}
