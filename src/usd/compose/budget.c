// What composing may cost, in proportion to what the layers hold: references that double at every step turn a few hundred
// bytes into a stage without end.
#include "stage.h"

static uint64_t specs_of(struct usd_stage *s)
{
    uint64_t n = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->layers.count; i++)
        n += s->layers.items[i]->prims.count;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void report(struct usd_stage *s, atomic_bool *once, const char *limit)
{
    if (!atomic_exchange(once, true))
        stage_diagnose(s, USD_ERROR, USD_ERR_LIMIT, "", "", "%s is met; the rest of the stage is left out", limit);
}

bool budget_prims(struct usd_stage *s, uint64_t total)
{
    if (total <= atomic_load_explicit(&s->prim_bar, memory_order_relaxed))
        return true;
    uint64_t bar = specs_of(s) * LIMIT_PRIMS_PER_SPEC, most = s->env.limits.max_prims;
    bar          = bar < LIMIT_PRIMS_BASE ? LIMIT_PRIMS_BASE : bar;
    bar          = bar < most ? bar : most;
    if (total <= bar)
        atomic_store(&s->prim_bar, bar);
    else
        report(s, &s->prims_full, total > most ? "max_prims" : "the limit of composed prims in proportion to the specs of the layers");
    return total <= bar;
}

bool budget_work(struct usd_stage *s, uint64_t work)
{
    uint64_t total = atomic_fetch_add(&s->work, work) + work;
    if (total <= atomic_load_explicit(&s->work_bar, memory_order_relaxed))
        return true;
    uint64_t bar = s->env.limits.max_compose_steps + specs_of(s) * LIMIT_WORK_PER_SPEC;
    if (total <= bar)
        atomic_store(&s->work_bar, bar);
    else
        report(s, &s->work_full, "max_compose_steps");
    return total <= bar;
}
