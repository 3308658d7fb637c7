// Sublayers are read by all cores at once: opened here into the layer cache, where their stack then finds them in order.
#include <stdlib.h>
#include <string.h>

#include "stage.h"

struct ahead {
    const struct usd_stage *stage;
    const struct layer *asker;
    const struct arc_ref *subs;
    struct layer *layers[];
};

static void open_one(void *user, size_t i)
{
    struct ahead *a = user;
    char resolved[RESOLVED_MAX];
    // Expressions are evaluated, and whatever goes wrong is reported, when the stack asks.
    if (*a->subs[i].asset != '`' && asset_anchor(a->stage, a->asker->anchor, a->subs[i].asset, resolved))
        (void)layer_open(&a->stage->env, resolved, &a->layers[i], NULL);
}

struct ahead *sublayers_open_ahead(const struct usd_stage *s, const struct layer *l, const struct arc_ref *subs, uint32_t count)
{
    int threads = s->threads > 0 ? s->threads : thread_cpu_count();
    if (count < 2 || threads < 2 || usd_stage_layer_count(s) + count > s->env.limits.max_layers)
        return NULL;
    struct ahead *a = calloc(1, sizeof(*a) + (size_t)count * sizeof(a->layers[0]));
    if (!a)
        return NULL;
    a->stage = s;
    a->asker = l;
    a->subs  = subs;
    struct thread_pool *pool = thread_pool_create(threads - 1 < 15 ? threads - 1 : 15, "usd-layers");
    thread_pool_for(pool, count, open_one, a);
    thread_pool_destroy(&pool);
    return a;
}

void sublayers_release(struct ahead *a, uint32_t count)
{
    for (uint32_t i = 0; a && i < count; i++)
        layer_release(a->layers[i]);
    free(a);
}
