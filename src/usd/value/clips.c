// Values from clips. Every clip has a sample at its start and at every entry of `times`, so that no value depends on more
// than the clip that is active, and the start of the next one.
#include "clips.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clip_set.h"
#include "expression.h"
#include "interpolate.h"
#include "path.h"
#include "site.h"

struct layer clip_no_layer;

void clips_init(struct clip_cache *c)
{
    pthread_mutex_init(&c->lock, NULL);
    arena_init(&c->arena, 0);
}

static void drop_sets(struct clip_cache *c)
{
    for (size_t i = 0; i < c->sets.count; i++)
        hash_map_finish(&c->sets.items[i]->declared);
    array_free(&c->sets);
    hash_map_finish(&c->lists);
    arena_finish(&c->arena);
}

void clips_finish(struct clip_cache *c)
{
    drop_sets(c);
    size_t at = 0;
    for (uint64_t path, layer; hash_map_next(&c->layers, &at, &path, &layer);)
        if ((struct layer *)(uintptr_t)layer != &clip_no_layer)
            layer_release((struct layer *)(uintptr_t)layer);
    hash_map_finish(&c->layers);
    pthread_mutex_destroy(&c->lock);
}

// The layers stay: values handed out before may lie in them.
void clips_forget(struct usd_stage *s)
{
    pthread_mutex_lock(&s->clips.lock);
    drop_sets(&s->clips);
    arena_init(&s->clips.arena, 0);
    pthread_mutex_unlock(&s->clips.lock);
}

// ---------------------------------------------------------------------------------------------------------------
// Which clips a prim has

static const struct clip_list no_clips;

static const struct clip_list *list_locked(struct usd_stage *s, const struct usd_prim *p)
{
    if (!p->parent)
        return &no_clips;
    uint64_t *known = hash_map_get(&s->clips.lists, (uintptr_t)p);
    if (known)
        return (const struct clip_list *)(uintptr_t)*known;
    const struct clip_list *above = list_locked(s, prim_real(p->parent)), *list = above;
    struct clip_sets own = { 0 };
    clip_sets_of_prim(s, p, &own);
    if (own.count) {
        struct clip_list *fresh = arena_alloc(&s->clips.arena, sizeof(*fresh) + (own.count + above->count) * sizeof(fresh->sets[0]));
        if (fresh) {
            fresh->count = own.count + above->count;
            memcpy(fresh->sets, own.items, own.count * sizeof(fresh->sets[0]));
            if (above->count)
                memcpy(fresh->sets + own.count, above->sets, above->count * sizeof(fresh->sets[0]));
            list = fresh;
        }
        for (size_t i = 0; i < own.count; i++)
            (void)array_push(&s->clips.sets, own.items[i]);
    }
    array_free(&own);
    hash_map_put(&s->clips.lists, (uintptr_t)p, (uintptr_t)list);
    return list;
}

static const struct clip_list *list_of(const struct usd_prim *prim)
{
    const struct usd_prim *p = prim_real(prim);
    struct usd_stage *s      = p->index->stage;
    if (!atomic_load_explicit(&s->has_clips, memory_order_relaxed))
        return &no_clips;
    pthread_mutex_lock(&s->clips.lock);
    const struct clip_list *list = list_locked(s, p);
    pthread_mutex_unlock(&s->clips.lock);
    return list;
}

bool clips_affect(const struct usd_prim *p) { return list_of(p)->count > 0; }

// ---------------------------------------------------------------------------------------------------------------
// Layers of clips

// A layer that was opened before, &clip_no_layer when that failed, or NULL.
static struct layer *known_layer(struct usd_stage *s, usd_tok path)
{
    uint64_t *known = hash_map_get(&s->clips.layers, path);
    return known ? (struct layer *)(uintptr_t)*known : NULL;
}

// Opened outside of the lock: several threads may do so at once, the first one's counts. What goes wrong is said once.
static struct layer *open_clip(struct usd_stage *s, const char *asset)
{
    usd_tok path         = tok_str(asset);
    struct usd_error err = { .message = "the path cannot be used" };
    pthread_mutex_lock(&s->clips.lock);
    struct layer *l = known_layer(s, path);
    bool full       = usd_stage_layer_count(s) + s->clips.layers.count >= s->env.limits.max_layers;
    pthread_mutex_unlock(&s->clips.lock);
    if (l)
        return l;
    int rc = USD_ERR_LIMIT;
    if (full)
        snprintf(err.message, sizeof(err.message), "max_layers is met");
    else
        rc = *asset ? layer_open(&s->env, asset, &l, &err) : USD_ERR_NOT_FOUND;
    struct layer *mine = rc == USD_OK ? l : &clip_no_layer;
    pthread_mutex_lock(&s->clips.lock);
    l         = known_layer(s, path);
    bool kept = !l && hash_map_put(&s->clips.layers, path, (uintptr_t)mine);
    pthread_mutex_unlock(&s->clips.lock);
    if (kept && rc != USD_OK)
        stage_diagnose(s, USD_WARNING, rc, "", "", "clip @%s@ cannot be opened: %s", asset, err.message);
    if (!kept && rc == USD_OK)
        layer_release(mine);
    return kept ? mine : l ? l : &clip_no_layer;
}

// NULL when it cannot be opened.
static const struct layer *clip_layer(struct usd_stage *s, struct clip *c)
{
    struct layer *l = atomic_load_explicit(&c->layer, memory_order_acquire);
    if (!l) {
        l = open_clip(s, c->asset);
        atomic_store_explicit(&c->layer, l, memory_order_release);
    }
    return l == &clip_no_layer ? NULL : l;
}

static const struct prop_spec *clip_attribute(const struct layer *l, usd_tok prim_path, usd_tok name)
{
    uint32_t spec             = l ? spec_find(l, tok_text(prim_path)) : 0;
    const struct prop_spec *q = spec ? spec_prop(l, &l->prims.items[spec], name) : NULL;
    return q && !(q->flags & PROP_RELATIONSHIP) ? q : NULL;
}

static const struct samples *clip_samples(struct usd_stage *s, const struct clip_hit *h, struct clip *c, const struct layer **l)
{
    *l                        = clip_layer(s, c);
    const struct prop_spec *q = clip_attribute(*l, h->prim_path, h->name);
    const struct field *f     = q ? prop_field(*l, q, T_timeSamples) : NULL;
    const struct samples *x   = f ? field_samples(*l, f) : NULL;
    if (!f && q && prop_field(*l, q, T_spline) && !atomic_exchange(&c->said_spline, true))
        stage_diagnose(s, USD_WARNING, USD_ERR_UNSUPPORTED, (*l)->identifier, tok_text(h->prim_path), "a spline in a clip is not read (%s)", tok_text(h->name));
    return x && x->count ? x : NULL;
}

// Without a manifest the clips have values for what has samples in any of them; all of them are opened to know.
static bool declared_by_clips(struct usd_stage *s, const struct clip_hit *h)
{
    uint64_t key = (uint64_t)h->prim_path << 32 | h->name;
    pthread_mutex_lock(&s->clips.lock);
    uint64_t *known = hash_map_get(&h->set->declared, key);
    uint64_t value  = known ? *known : 0;
    pthread_mutex_unlock(&s->clips.lock);
    if (value)
        return value > 1;
    value = 1;
    for (size_t i = 0; i < h->set->clip_count && value == 1; i++) {
        const struct layer *l;
        if (clip_samples(s, h, &h->set->clips[i], &l))
            value = clip_attribute(l, h->prim_path, h->name)->flags & PROP_UNIFORM ? 3 : 2;
    }
    value = value == 3 ? 1 : value;
    pthread_mutex_lock(&s->clips.lock);
    hash_map_put(&h->set->declared, key, value);
    pthread_mutex_unlock(&s->clips.lock);
    return value > 1;
}

static bool has_attribute(struct usd_stage *s, const struct clip_hit *h)
{
    if (!h->set->has_manifest)
        return declared_by_clips(s, h);
    const struct prop_spec *q = clip_attribute(clip_layer(s, &h->set->manifest), h->prim_path, h->name);
    return q && !(q->flags & PROP_UNIFORM);
}

// Default of the manifest, NULL when it has none.
static const struct field *manifest_default(struct usd_stage *s, const struct clip_hit *h, const struct layer **l)
{
    *l                        = h->set->has_manifest ? clip_layer(s, &h->set->manifest) : NULL;
    const struct prop_spec *q = clip_attribute(*l, h->prim_path, h->name);
    return q ? prop_field(*l, q, T_default) : NULL;
}

static bool applies(const struct clip_set *set, const struct node *n, usd_tok site)
{
    if (set->stack != n->stack || !site || !path_has_prefix(tok_text(site), tok_text(set->path), tok_size(set->path)))
        return false;
    usd_tok its_set, selection;
    return !set->set || (n->arc == ARC_VARIANT && site_selection(n->site, &its_set, &selection) && its_set == set->set && selection == set->selection);
}

static usd_tok path_in_clip(const struct clip_set *set, usd_tok site)
{
    char path[RESOLVED_MAX];
    int n = snprintf(path, sizeof(path), "%s%s", set->prim_path, tok_text(site) + tok_size(set->path));
    return n < (int)sizeof(path) ? tok_make(path, (size_t)n) : 0;
}

bool clips_find(const usd_property *q, clip_site from, clip_site to, struct clip_hit *out)
{
    const struct usd_prim *p     = prim_real(prop_prim(q));
    const struct clip_list *list = list_of(p);
    struct usd_stage *s          = p->index->stage;
    // Local opinions do not reach below an instance, nor do local clips.
    bool below_instance = p->index->prototype && prim_depth(p) > p->index->depth;
    for (uint32_t n = from >> 16; n < p->index->count && clip_site_at((uint16_t)n, 0) < to; n++) {
        const struct node *node = &p->index->nodes[n];
        usd_tok site            = node->inert || (below_instance && !node_is_shared(p->index, (uint16_t)n)) ? 0 : node_site(node, p->index, p);
        const struct clip_set *best = NULL;
        for (size_t i = 0; i < list->count; i++) {
            struct clip_set *set = list->sets[i];
            clip_site at         = clip_site_at((uint16_t)n, set->layer);
            if (at < from || at >= to || (best && set->layer >= best->layer) || !applies(set, node, site))
                continue;
            struct clip_hit hit = { set, path_in_clip(set, site), q->name, q->type_name };
            if (has_attribute(s, &hit)) {
                *out = hit;
                best = set;
            }
        }
        if (best)
            return true;
    }
    return false;
}

// ---------------------------------------------------------------------------------------------------------------
// Times of the stage and times of clips

// The segment [*a, *b] of `times` that a time of the stage is in. Outside of all: the doubled entry at that end.
static bool segment(const struct clip_set *set, double t, size_t *a, size_t *b)
{
    size_t n = set->time_count;
    if (n < 2)
        return false;
    size_t low = 0, high = n; // first entry >= t
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (set->times[mid].stage < t)
            low = mid + 1;
        else
            high = mid;
    }
    *b = low == 0 ? 1 : t >= set->times[n - 1].stage ? n - 1 : low;
    *a = *b - 1;
    return true;
}

// Both ends of a segment; the end at a jump counts where it was authored.
static void segment_ends(const struct clip_set *set, size_t a, size_t b, struct clip_time ends[2])
{
    ends[0] = set->times[a];
    ends[1] = set->times[b];
    if (ends[1].jump && b + 1 < set->time_count)
        ends[1].stage = set->times[b + 1].stage;
}

static double clip_time_between(const struct clip_time e[2], double t)
{
    if (e[0].stage == e[1].stage || t == e[0].stage)
        return e[0].clip;
    if (t == e[1].stage)
        return e[1].clip;
    return (e[1].clip - e[0].clip) / (e[1].stage - e[0].stage) * (t - e[0].stage) + e[0].clip;
}

static double stage_time_between(const struct clip_time e[2], double t)
{
    if (e[0].clip == e[1].clip || t == e[0].clip)
        return e[0].stage;
    if (t == e[1].clip)
        return e[1].stage;
    return (e[1].stage - e[0].stage) / (e[1].clip - e[0].clip) * (t - e[0].clip) + e[0].stage;
}

static double to_clip_time(const struct clip_set *set, double t)
{
    size_t a, b;
    struct clip_time ends[2];
    if (!segment(set, t, &a, &b))
        return (t - set->untimed.offset) / set->untimed.scale;
    segment_ends(set, a, b, ends);
    return clip_time_between(ends, t);
}

static double untimed(const struct clip_set *set, double clip_time) { return clip_time * set->untimed.scale + set->untimed.offset; }

// Where the time codes of a clip's values lie on the stage, as seen at t: on the line of its segment. Both ends of `times`
// stand twice, and a jump is none: there the segment beside it counts.
static struct time_map values_at(const struct clip_set *set, double t)
{
    size_t a, b;
    struct clip_time ends[2];
    if (!segment(set, t, &a, &b))
        return set->untimed;
    if (b + 1 < set->time_count && (a == 0 || set->times[a].jump))
        a++, b++;
    if (b == set->time_count - 1 && a > 0)
        a--, b--;
    segment_ends(set, a, b, ends);
    if (ends[0].clip == ends[1].clip)
        return (struct time_map) { t - ends[0].clip, 1 };
    double scale = (ends[1].stage - ends[0].stage) / (ends[1].clip - ends[0].clip);
    return (struct time_map) { ends[0].stage - ends[0].clip * scale, scale };
}

static bool holds(const struct clip *c, double t) { return c->start <= t && t < c->end; }

static struct clip *active_clip(const struct clip_set *set, double t, size_t *at)
{
    size_t low = 0, high = set->clip_count; // first that starts after t
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (set->clips[mid].start <= t)
            low = mid + 1;
        else
            high = mid;
    }
    *at = low ? low - 1 : 0;
    return &set->clips[*at];
}

// ---------------------------------------------------------------------------------------------------------------
// Neighbouring sample times

static void bracket(const double *times, size_t count, double t, double *low, double *high)
{
    size_t a, b;
    times_bracket(times, count, t, &a, &b);
    *low  = times[a];
    *high = times[b];
}

struct found {
    double at;
    bool is;
};

// A time of the clip on one segment, as a time of the stage. Jumps map nothing.
static bool back_through(const struct clip_set *set, size_t a, size_t b, double low, double high, bool lower, double t, struct found *out)
{
    const struct clip_time *x = &set->times[a], *y = &set->times[b];
    double c = lower ? low : high;
    if (x->jump || c < fmin(x->clip, y->clip) || c > fmax(x->clip, y->clip))
        return false;
    struct clip_time ends[2];
    segment_ends(set, a, b, ends);
    out->is = true;
    if (x->clip != y->clip)
        out->at = stage_time_between(ends, c);
    else if (low == high && (t == x->stage || t == y->stage))
        out->at = t;
    else
        out->at = lower ? x->stage : y->stage;
    return true;
}

// The samples of the clip's own layer around t. One time of the clip may stand for several of the stage: the nearest counts.
static bool bracket_in_layer(const struct clip_set *set, const struct samples *x, double t, double *low, double *high)
{
    if (!x)
        return false;
    size_t a, b;
    double cl, ch;
    bracket(x->times, x->count, to_clip_time(set, t), &cl, &ch);
    if (!segment(set, t, &a, &b)) {
        *low  = untimed(set, set->untimed.scale < 0 ? ch : cl);
        *high = untimed(set, set->untimed.scale < 0 ? cl : ch);
        return true;
    }
    struct found l = { 0 }, h = { 0 };
    for (size_t i = b; i >= 1; i--)
        if (back_through(set, i - 1, i, cl, ch, true, t, &l))
            break;
    for (size_t i = b; i < set->time_count; i++)
        if (back_through(set, i - 1, i, cl, ch, false, t, &h))
            break;
    const struct clip_time *first = &set->times[0], *last = &set->times[set->time_count - 1];
    if (!l.is && !h.is) { // outside of what `times` maps
        l.at = cl < first->clip ? first->stage : last->stage;
        h.at = ch < first->clip ? first->stage : last->stage;
    }
    *low  = l.is || !h.is ? l.at : h.at;
    *high = h.is || !l.is ? h.at : l.at;
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static size_t sort_unique(double *t, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(t, n, sizeof(*t), by_value);
    for (size_t i = 0; i < n; i++)
        if (!kept || t[i] != t[kept - 1])
            t[kept++] = t[i];
    return kept;
}

static bool bracket_in_clip(struct usd_stage *s, const struct clip_hit *h, struct clip *c, double t, double *low, double *high)
{
    const struct clip_set *set = h->set;
    const struct layer *l;
    double all[5];
    size_t n = 0, kept = 0;
    if (bracket_in_layer(set, clip_samples(s, h, c, &l), t, &all[n], &all[n + 1]))
        n += 2;
    size_t a, b;
    if (segment(set, t, &a, &b)) {
        bool on  = set->times[b].stage == t || t >= set->times[set->time_count - 1].stage;
        all[n++] = t <= set->times[0].stage ? set->times[0].stage : on ? set->times[b].stage : set->times[a].stage;
        all[n++] = t <= set->times[0].stage ? set->times[0].stage : set->times[b].stage;
    }
    all[n++] = c->authored_start;
    for (size_t i = 0; i < n; i++)
        if (holds(c, all[i]))
            all[kept++] = all[i];
    if (!kept)
        return false;
    kept = sort_unique(all, kept);
    bracket(all, kept, t, low, high);
    return true;
}

// With interpolateMissingClipValues a clip without samples is passed over.
static bool contributes(struct usd_stage *s, const struct clip_hit *h, struct clip *c)
{
    const struct layer *l;
    if (!h->set->interpolate_missing)
        return true;
    const struct field *def = manifest_default(s, h, &l);
    if (def)
        return true;
    const struct prop_spec *q = h->set->has_manifest ? clip_attribute(clip_layer(s, &h->set->manifest), h->prim_path, h->name) : NULL;
    if (q) { // a block there says that the clip has no samples: it need not be opened
        l                       = clip_layer(s, &h->set->manifest);
        const struct field *f   = prop_field(l, q, T_timeSamples);
        const struct samples *x = f ? field_samples(l, f) : NULL;
        for (size_t i = 0; x && i < x->count; i++)
            if (x->times[i] == c->authored_start && x->values[i].type == USD_TYPE_BLOCK)
                return false;
    }
    return clip_samples(s, h, c, &l) != NULL;
}

static void bracket_in_set(struct usd_stage *s, const struct clip_hit *h, double t, double *low, double *high)
{
    const struct clip_set *set = h->set;
    size_t at;
    struct clip *c = active_clip(set, t, &at);
    bool has_low = false, has_high = false;
    if (contributes(s, h, c) && bracket_in_clip(s, h, c, t, low, high)) {
        has_low  = true;
        has_high = !(*low == *high && t > *high);
    }
    for (size_t i = at; !has_low && i-- > 0;) {
        double l, u;
        if (contributes(s, h, &set->clips[i]) && bracket_in_clip(s, h, &set->clips[i], t, &l, &u)) {
            *low    = u;
            has_low = true;
        }
    }
    for (size_t i = at + 1; !has_high && i < set->clip_count; i++)
        if (contributes(s, h, &set->clips[i])) {
            *high    = set->clips[i].start;
            has_high = true;
        }
    if (!has_low && !has_high)
        *low = *high = set->clips[0].authored_start;
    else if (!has_high)
        *high = *low;
    else if (!has_low)
        *low = *high;
}

// ---------------------------------------------------------------------------------------------------------------
// Values

// At a sample of the set: from the clip that is active there, else the manifest's default.
static bool value_at(struct usd_stage *s, const struct clip_hit *h, double t, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    size_t at;
    const struct layer *l;
    const struct samples *x = clip_samples(s, h, active_clip(h->set, t, &at), &l);
    if (x) {
        double inside = to_clip_time(h->set, t);
        if (samples_value(s, l, x, inside, out)) {
            value_map_attribute(out, h->type, values_at(h->set, t));
            expression_assets(s, s->root_stack, l, out);
            return true;
        }
        usd_value_finish(out);
        size_t low, high;
        times_bracket(x->times, x->count, inside, &low, &high);
        if (x->times[low] == inside)
            return false; // blocked
    }
    const struct field *def = manifest_default(s, h, &l);
    if (!def || def->type == USD_TYPE_BLOCK || !field_value(s, l, def, out))
        return false;
    expression_assets(s, s->root_stack, l, out); // variables of clip layers do not count
    return true;
}

bool clips_value(struct usd_stage *s, const struct clip_hit *h, double time, struct usd_value *out)
{
    double low = 0, high = 0;
    bracket_in_set(s, h, time, &low, &high);
    if (!value_at(s, h, low, out))
        return false;
    if (times_are_one(low, high) || !value_is_linear(out->type))
        return true;
    struct usd_value next;
    if (value_at(s, h, high, &next))
        value_mix_into(out, &next, (time - low) / (high - low));
    else
        usd_value_finish(&next);
    return true;
}

struct times {
    ARRAY_OF(double);
};

static void times_of_layer(const struct clip_set *set, const struct clip *c, const struct samples *x, struct times *out)
{
    for (size_t i = 0; i < x->count; i++) {
        double t = x->times[i];
        if (!set->time_count && holds(c, untimed(set, t)))
            (void)array_push(out, untimed(set, t));
        for (size_t k = 0; k + 1 < set->time_count; k++) {
            const struct clip_time *a = &set->times[k], *b = &set->times[k + 1];
            if (b->stage < c->start || a->stage >= c->end || a->jump || t < fmin(a->clip, b->clip) || t > fmax(a->clip, b->clip))
                continue;
            struct clip_time ends[2];
            segment_ends(set, k, k + 1, ends);
            double both[2] = { a->stage, b->stage };
            if (a->clip != b->clip)
                both[0] = both[1] = stage_time_between(ends, t);
            for (int w = 0; w < 2; w++)
                if (holds(c, both[w]))
                    (void)array_push(out, both[w]);
        }
    }
}

static void times_of_clip(struct usd_stage *s, const struct clip_hit *h, struct clip *c, struct times *out)
{
    const struct layer *l;
    const struct samples *x = clip_samples(s, h, c, &l);
    if (x)
        times_of_layer(h->set, c, x, out);
    for (size_t i = 0; i < h->set->time_count; i++)
        if (holds(c, h->set->times[i].stage))
            (void)array_push(out, h->set->times[i].stage);
    (void)array_push(out, c->authored_start);
}

size_t clips_times(struct usd_stage *s, const struct clip_hit *h, double *times, size_t max)
{
    struct times all = { 0 };
    for (size_t i = 0; i < h->set->clip_count; i++)
        if (contributes(s, h, &h->set->clips[i]))
            times_of_clip(s, h, &h->set->clips[i], &all);
    if (!all.count)
        (void)array_push(&all, h->set->clips[0].authored_start);
    size_t n = sort_unique(all.items, all.count);
    if (n && max)
        memcpy(times, all.items, (n < max ? n : max) * sizeof(*times));
    array_free(&all);
    return n;
}

bool clips_might_vary(struct usd_stage *s, const struct clip_hit *h)
{
    // With several clips there is no telling without opening all of them: as in OpenUSD, it might.
    if (h->set->clip_count > 1)
        return true;
    struct times all = { 0 };
    times_of_clip(s, h, &h->set->clips[0], &all);
    size_t n = sort_unique(all.items, all.count);
    array_free(&all);
    return n > 1;
}
