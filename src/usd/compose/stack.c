// Layer stacks: a root layer and its sublayers, strongest first, with their time offsets.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "path.h"
#include "relocate.h"
#include "session.h"

#define MAX_SUBLAYER_DEPTH 64

struct collect {
    struct usd_stage *stage;
    const struct layer_stack *stack; // under construction
    struct {
        ARRAY_OF(struct stack_layer);
    } layers;
    const struct layer *open[MAX_SUBLAYER_DEPTH]; // from the root to the layer at hand: finds cycles
};

// The stage keeps one reference per layer, whatever number of stacks use it.
static void keep_layer(struct usd_stage *s, struct layer *l)
{
    pthread_mutex_lock(&s->lock);
    bool known = false;
    for (size_t i = 0; i < s->layers.count && !known && s->layers.count < 64; i++)
        known = s->layers.items[i] == l;
    if (s->layers.count >= 64) { // long lists through a map
        if (!s->layer_set.count)
            for (size_t i = 0; i < s->layers.count; i++)
                hash_map_put(&s->layer_set, (uintptr_t)s->layers.items[i], 1);
        known = hash_map_get(&s->layer_set, (uintptr_t)l) != NULL;
        if (!known)
            hash_map_put(&s->layer_set, (uintptr_t)l, 1);
    }
    bool kept = !known && array_push(&s->layers, l);
    if (l->has_clips)
        atomic_store_explicit(&s->has_clips, true, memory_order_relaxed);
    pthread_mutex_unlock(&s->lock);
    if (!kept)
        layer_release(l);
    else
        for (size_t i = 0; i < l->warnings.count; i++)
            stage_diagnose(s, USD_WARNING, USD_ERR_UNSUPPORTED, l->identifier, "", "%s", l->warnings.items[i]);
}

static struct layer *open_layer(struct usd_stage *s, const char *resolved, const char *asker, const char *site, const char *arc)
{
    struct layer *l = NULL;
    struct usd_error err;
    if (usd_stage_layer_count(s) >= s->env.limits.max_layers) {
        stage_diagnose(s, USD_ERROR, USD_ERR_LIMIT, asker, site, "%s @%s@ is not opened: max_layers is met", arc, resolved);
        return NULL;
    }
    int rc = layer_open(&s->env, resolved, &l, &err);
    if (rc != USD_OK) {
        stage_diagnose(s, USD_ERROR, rc, asker, site, "%s cannot be opened: %s", arc, err.message);
        return NULL;
    }
    keep_layer(s, l);
    return l;
}

static void collect(struct collect *c, struct stack_layer at, unsigned depth);

static void collect_sublayers(struct collect *c, struct stack_layer at, const struct field *f, unsigned depth)
{
    struct layer *l            = at.layer;
    const struct arc_ref *subs = field_ptr(f);
    for (uint32_t i = 0; i < f->count; i++) {
        char resolved[RESOLVED_MAX], text[EXPRESSION_MAX];
        if (c->layers.count >= UINT16_MAX) {
            stage_diagnose(c->stage, USD_ERROR, USD_ERR_LIMIT, l->identifier, "/", "a layer stack has more than %d layers; the rest is left out", UINT16_MAX);
            return;
        }
        const char *asset = expression_or_report(c->stage, c->stack, l, "/", subs[i].asset, text);
        if (!asset || (!*asset && *subs[i].asset)) // an expression may leave it out
            continue;
        if (!asset_anchor(c->stage, l->anchor, asset, resolved)) {
            stage_diagnose(c->stage, USD_ERROR, USD_ERR_NOT_FOUND, l->identifier, "/", "sublayer @%s@ has no usable path", subs[i].asset);
            continue;
        }
        struct layer *sub = open_layer(c->stage, resolved, l->identifier, "/", "sublayer");
        if (!sub)
            continue;
        bool cycle = depth + 1 >= MAX_SUBLAYER_DEPTH;
        for (unsigned k = 0; k <= depth && !cycle; k++)
            cycle = c->open[k] == sub;
        if (cycle) {
            stage_diagnose(c->stage, USD_ERROR, USD_ERR_INVALID, l->identifier, "/", "sublayer @%s@ makes a cycle; left out", subs[i].asset);
            continue;
        }
        struct time_map t = { subs[i].offset, subs[i].scale };
        if (!(t.scale != 0)) {
            stage_diagnose(c->stage, USD_WARNING, USD_ERR_INVALID, l->identifier, "/", "sublayer @%s@ has a time scale of 0; its offset is ignored", subs[i].asset);
            t = (struct time_map) { 0, 1 };
        }
        t.scale *= at.rate / sub->time_codes_per_second;
        collect(c, (struct stack_layer) { sub, time_compose(at.time, t), sub->time_codes_per_second }, depth + 1);
    }
}

static void collect(struct collect *c, struct stack_layer at, unsigned depth)
{
    struct layer *l        = at.layer;
    c->open[depth]         = l;
    (void)array_push(&c->layers, at);
    const struct field *f = spec_field(l, &l->prims.items[0], T_subLayers);
    if (!f || f->type != VT_SUBLAYERS)
        return;
    struct ahead *ahead = sublayers_open_ahead(c->stage, l, field_ptr(f), f->count);
    collect_sublayers(c, at, f, depth);
    sublayers_release(ahead, f->count);
}

static bool says(const struct layer *l, usd_tok name) { return spec_field(l, &l->prims.items[0], name) != NULL; }

// Of a stack: a session layer overrides the root layer, timeCodesPerSecond comes before framesPerSecond.
static double stack_rate(const struct layer *session, const struct layer *root)
{
    if (session && (says(session, T_timeCodesPerSecond) || (says(session, T_framesPerSecond) && !says(root, T_timeCodesPerSecond))))
        return session->time_codes_per_second;
    return root->time_codes_per_second;
}

static bool has_rate(const struct layer *l) { return says(l, T_timeCodesPerSecond) || says(l, T_framesPerSecond); }

// A session layer that names no rate counts in that of the stage.
static struct stack_layer place_session(struct layer *session, double rate)
{
    double own = has_rate(session) ? session->time_codes_per_second : rate;
    return (struct stack_layer) { session, { 0, rate / own }, own };
}

double stack_session_scale(const struct usd_stage *s)
{
    struct layer *session = session_layer(s->session);
    return place_session(session, stack_rate(session, s->root_layer)).time.scale;
}

static struct layer_stack *build(struct usd_stage *s, const struct layer_stack *from, struct layer *session, struct layer *root,
                                 const char *resolved)
{
    struct collect *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    bool own;
    const struct expr_vars *stronger = session ? expression_vars(s, session, NULL, &own) : from ? from->source->vars : NULL;
    struct layer_stack with          = { .vars = expression_vars(s, root, stronger, &own) };
    c->stage                         = s;
    c->stack                         = &with;
    double rate                      = root ? stack_rate(session, root) : 24;
    if (session)
        collect(c, place_session(session, rate), 0);
    if (root)
        collect(c, (struct stack_layer) { root, { 0, rate / root->time_codes_per_second }, root->time_codes_per_second }, 0);
    pthread_mutex_lock(&s->lock);
    struct layer_stack *st = arena_alloc(&s->arena, sizeof(*st));
    if (st) {
        st->resolved = arena_strndup(&s->arena, resolved, strlen(resolved));
        st->layers   = arena_alloc(&s->arena, c->layers.count * sizeof(*st->layers) + 1);
        if (!st->resolved || !st->layers) {
            st = NULL;
        } else {
            st->count = (uint32_t)(c->layers.count > UINT16_MAX ? UINT16_MAX : c->layers.count);
            if (st->count)
                memcpy(st->layers, c->layers.items, st->count * sizeof(*st->layers));
            st->time_codes_per_second = rate;
            st->root                  = root;
            st->broken                = !root;
            st->vars                  = with.vars;
            st->from                  = from ? from->source : NULL;
            st->source                = own || !from ? st : from->source;
        }
    }
    pthread_mutex_unlock(&s->lock);
    array_free(&c->layers);
    free(c);
    return st;
}

static struct layer_stack *find(struct usd_stage *s, unsigned bucket, const struct layer_stack *from, const char *resolved)
{
    for (struct layer_stack *st = s->stacks[bucket]; st; st = st->next)
        if (st->from == from && !strcmp(st->resolved, resolved))
            return st;
    return NULL;
}

static struct layer_stack *publish(struct usd_stage *s, struct layer_stack *fresh)
{
    unsigned b = (unsigned)hash_bytes(fresh->resolved, strlen(fresh->resolved)) % 4096;
    relocates_collect(s, fresh);
    pthread_mutex_lock(&s->lock);
    struct layer_stack *st = find(s, b, fresh->from, fresh->resolved); // another thread may have been faster
    if (!st) {
        st           = fresh;
        st->next     = s->stacks[b];
        s->stacks[b] = st;
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}

struct layer_stack *stack_get(struct usd_stage *s, const struct layer_stack *from, const char *resolved, const char *site)
{
    unsigned b = (unsigned)hash_bytes(resolved, strlen(resolved)) % 4096;
    pthread_mutex_lock(&s->lock);
    struct layer_stack *st = find(s, b, from->source, resolved);
    pthread_mutex_unlock(&s->lock);
    if (st)
        return st;
    struct layer *root = open_layer(s, resolved, "", site, "layer");
    st                 = build(s, from, NULL, root, resolved);
    return st ? publish(s, st) : NULL;
}

// The stage's own stack is not among those found by name: arcs to the root layer's file do not see the session layer.
int stack_open_root(struct usd_stage *s, struct layer *root, struct usd_error *err)
{
    if (root)
        keep_layer(s, root);
    root             = root ? root : s->root_layer;
    s->root_layer    = root;
    const char *name = root->cache_key ? root->cache_key : root->identifier;
    struct layer_stack *st = build(s, NULL, session_layer(s->session), root, name);
    if (!st) {
        error_set(err, USD_ERR_NOMEM, root->identifier, "%s: out of memory", root->identifier);
        return USD_ERR_NOMEM;
    }
    relocates_collect(s, st);
    s->root_stack = st;
    return USD_OK;
}
