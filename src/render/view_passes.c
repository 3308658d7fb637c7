// The passes of a renderer. Those that trace are compiled in the background, so that the first picture does not
// wait for them.
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "thread.h"
#include "view.h"

struct view_compile {
    pthread_t thread;
    struct renderer *renderer;
    bool running;
    atomic_bool hurry; // someone waits: no warming
    atomic_int state; // 0 working, 1 done, negative: failed
};

int view_passes_create(struct renderer *r)
{
    struct view_passes *p = r->passes = calloc(1, sizeof(*p));
    if (!p || !(p->compile = calloc(1, sizeof(*p->compile))))
        return RENDER_ERR_NOMEM;
    int rc = pass_raster_create(r, &p->raster);
    if (rc == RENDER_OK)
        rc = pass_picture_create(r, &p->picture);
    if (rc == RENDER_OK)
        rc = pass_preview_create(r, &p->preview);
    if (rc == RENDER_OK)
        rc = pass_trace_create(r, &p->trace);
    if (rc == RENDER_OK)
        rc = pass_denoise_create(r, &p->denoise);
    return rc;
}

void view_passes_destroy(struct renderer *r)
{
    struct view_passes *p = r->passes;
    if (!p)
        return;
    if (p->compile && p->compile->running)
        pthread_join(p->compile->thread, NULL);
    free(p->compile);
    pass_denoise_destroy(&p->denoise);
    pass_trace_destroy(&p->trace);
    pass_preview_destroy(&p->preview);
    pass_picture_destroy(&p->picture);
    pass_raster_destroy(&p->raster);
    free(p);
    r->passes = NULL;
}

static void *compile(void *user)
{
    struct view_compile *c = user;
    thread_set_name("compile");
    if (c->running && setpriority(PRIO_PROCESS, (id_t)gettid(), 5) != 0)
        log_debug("render", "the compiling thread keeps its priority");
    int rc = pass_trace_compile(c->renderer->passes->trace);
    if (rc == RENDER_OK)
        rc = pass_denoise_compile(c->renderer->passes->denoise);
    if (rc == RENDER_OK && c->renderer->gpu->cpu && !c->renderer->warming && !atomic_load(&c->hurry))
        view_warm(c->renderer);
    if (rc != RENDER_OK)
        log_error("render", "the path tracer could not be compiled; previews only");
    atomic_store(&c->state, rc == RENDER_OK ? 1 : rc);
    return NULL;
}

bool view_passes_tracing(struct renderer *r, bool wait)
{
    struct view_compile *c = r->passes->compile;
    if (!c->running && atomic_load(&c->state) == 0) {
        c->renderer = r;
        atomic_store(&c->hurry, wait);
        c->running = true;
        if (pthread_create(&c->thread, NULL, compile, c) != 0) {
            c->running = false;
            compile(c);
        }
    }
    if (wait && c->running) {
        pthread_join(c->thread, NULL);
        c->running = false;
    }
    return atomic_load(&c->state) == 1;
}
