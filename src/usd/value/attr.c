// Values: of fields as layers hold them, and of attributes at a time.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clips.h"
#include "crate.h"
#include "expression.h"
#include "interpolate.h"
#include "spline.h"

// ---------------------------------------------------------------------------------------------------------------
// Fields to public values

static struct usd_asset asset_of(const struct usd_stage *s, const struct layer *l, const char *authored)
{
    struct usd_asset a = { authored, "" };
    char resolved[RESOLVED_MAX];
    size_t n = *authored && s ? asset_resolve(s, l->anchor, authored, resolved) : 0;
    if (n)
        a.resolved = tok_text(tok_make(resolved, n));
    return a;
}

void assets_resolve(const struct usd_stage *s, const struct layer *l, const char *const *names, size_t count, struct usd_asset *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = asset_of(s, l, names[i]);
}

static bool names_value(const struct field *f, struct usd_value *out)
{
    struct item_set set = { 0 };
    listop_names(&set, f);
    return item_set_value(&set, out);
}

bool field_value(const struct usd_stage *s, const struct layer *l, const struct field *f, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    if (f->flags & VF_CRATE)
        return crate_value(s, l, f, out);
    if (f->type == VT_DICT)
        return dict_value(s, l, f, out);
    if (f->type == VT_TOKEN_LISTOP || f->type == VT_STRING_LISTOP)
        return names_value(f, out);
    if (f->type >= USD_TYPE_COUNT || f->type == USD_TYPE_NONE || f->type == USD_TYPE_BLOCK)
        return false;
    out->type          = (enum usd_type)f->type;
    out->is_array      = f->flags & VF_ARRAY;
    out->is_expression = f->flags & VF_EXPRESSION;
    out->count         = out->is_array ? f->count : 1;
    if (out->type == USD_TYPE_ASSET) {
        const char *const *names = out->is_array ? field_ptr(f) : (const char *const *)&f->bits;
        struct usd_asset *to     = out->is_array ? malloc((out->count + 1) * sizeof(*to)) : (struct usd_asset *)out->storage;
        if (!to)
            return false;
        assets_resolve(s, l, names, out->count, to);
        out->data  = to;
        out->owned = out->is_array ? to : NULL;
        return true;
    }
    if (!out->is_array && type_table[out->type].size <= 8)
        out->data = &f->bits;
    else
        out->data = field_ptr(f);
    return true;
}

bool asset_values(const struct usd_stage *s, const struct layer *l, struct usd_value *v, const char *const *names)
{
    struct usd_asset *to = malloc((v->count + 1) * sizeof(*to));
    if (to)
        assets_resolve(s, l, names, v->count, to);
    v->data = v->owned = to;
    return to != NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Which opinion wins

const struct samples *field_samples(const struct layer *l, const struct field *f)
{
    if (f->type != VT_SAMPLES)
        return NULL;
    return f->flags & VF_CRATE ? crate_samples(l, f) : field_ptr(f);
}

struct winner {
    const struct layer *layer;
    const struct field *value;     // a default
    const struct samples *samples; // or time samples
    const struct spline *spline;   // or a spline
    struct clip_hit clip;          // or clips, when clip.set is not NULL
    struct time_map time;
    const struct layer_stack *stack; // of the opinion: its variables go into asset paths
};

enum says { SAYS_NOTHING, SAYS_VALUE, SAYS_BLOCK, SAYS_STILL };

// What one opinion says, what varies in time before the default. SAYS_STILL: nothing weaker may vary in time.
static enum says opinion(const struct layer *l, const struct prop_spec *s, bool timed, struct winner *w)
{
    const struct field *f = timed ? prop_field(l, s, T_timeSamples) : NULL;
    *w                    = (struct winner) { .layer = l };
    if (f && (w->samples = field_samples(l, f)) && w->samples->count)
        return SAYS_VALUE;
    w->samples = NULL;
    f          = timed ? prop_field(l, s, T_spline) : NULL;
    if (f && f->type == VT_SPLINE) {
        w->spline = field_ptr(f);
        return SAYS_VALUE;
    }
    w->value = prop_field(l, s, T_default);
    if (!w->value)
        return SAYS_NOTHING;
    return w->value->type == USD_TYPE_BLOCK ? SAYS_BLOCK : w->value->type == VT_ANIMATION_BLOCK ? SAYS_STILL : SAYS_VALUE;
}

// Strongest site with an opinion. Within a layer time samples come before a spline, that before the default, and all of
// them before the clips that were introduced there; at the default time only defaults count.
static bool find_winner(const usd_property *q, bool timed, struct winner *w)
{
    const struct index *ix   = prim_real(prop_prim(q))->index;
    const struct prop_ref *r = prop_refs(q);
    bool clips               = timed && clips_affect(prop_prim(q));
    clip_site from           = 0;
    for (unsigned i = 0; i < q->ref_count; i++) {
        const struct layer *l;
        const struct prop_spec *s = ref_prop(ix, r[i], &l);
        clip_site here            = clip_site_at(r[i].node, r[i].layer);
        if (clips && clips_find(q, from, here, &w->clip))
            return true;
        from     = here;
        enum says says = s->field_count ? opinion(l, s, timed, w) : SAYS_NOTHING;
        if (says == SAYS_STILL) {
            timed = clips = false;
        } else if (says != SAYS_NOTHING) {
            w->time  = ref_time(ix, r[i].node, r[i].layer);
            w->stack = ix->nodes[r[i].node].stack;
            return says == SAYS_VALUE;
        }
    }
    return clips && clips_find(q, from, UINT32_MAX, &w->clip);
}

// ---------------------------------------------------------------------------------------------------------------
// Values at a time

// The inverse is taken as OpenUSD takes it, so that rounding agrees.
static double layer_time(struct time_map t, double stage_time)
{
    if (t.offset == 0 && t.scale == 1)
        return stage_time;
    double scale = 1 / t.scale;
    return stage_time * scale + -t.offset * scale;
}

bool usd_attr_get(const usd_property *q, double time, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    struct winner w;
    w.clip.set = NULL;
    if (!q || q->flags & PROP_RELATIONSHIP || !find_winner(q, !isnan(time), &w))
        return false;
    struct usd_stage *s = prim_stage(prop_prim(q));
    if (w.clip.set)
        return clips_value(s, &w.clip, time, out);
    bool ok;
    if (w.samples)
        ok = samples_value(s, w.layer, w.samples, layer_time(w.time, time), out);
    else if (w.spline)
        ok = spline_value(w.spline, layer_time(w.time, time), out);
    else
        ok = field_value(s, w.layer, w.value, out);
    if (ok) {
        value_map_attribute(out, q->type_name, w.time);
        expression_assets(s, w.stack, w.layer, out);
    }
    return ok;
}

bool attr_default_is_blocked(const usd_property *q)
{
    struct winner w = { .value = NULL };
    return !find_winner(q, false, &w) && w.value && w.value->type == USD_TYPE_BLOCK;
}

bool usd_attr_has_value(const usd_property *q)
{
    struct winner w;
    return q && !(q->flags & PROP_RELATIONSHIP) && find_winner(q, true, &w);
}

size_t usd_attr_sample_times(const usd_property *q, double *times, size_t max)
{
    struct winner w = { .samples = NULL };
    if (!q || q->flags & PROP_RELATIONSHIP || !find_winner(q, true, &w))
        return 0;
    if (w.clip.set)
        return clips_times(prim_stage(prop_prim(q)), &w.clip, times, max);
    size_t n = w.samples ? w.samples->count : 0;
    for (size_t i = 0; i < n && i < max; i++) // a negative scale turns them around
        times[i] = w.samples->times[w.time.scale < 0 ? n - 1 - i : i] * w.time.scale + w.time.offset;
    return n;
}

size_t usd_attr_sample_count(const usd_property *q) { return usd_attr_sample_times(q, NULL, 0); }

bool usd_attr_might_vary(const usd_property *q)
{
    struct winner w = { .samples = NULL };
    if (!q || q->flags & PROP_RELATIONSHIP || !find_winner(q, true, &w))
        return false;
    if (w.clip.set)
        return clips_might_vary(prim_stage(prop_prim(q)), &w.clip);
    return w.spline ? w.spline->count > 1 || spline_is_sloped(w.spline) : w.samples && w.samples->count > 1;
}

static const struct spline *winning_spline(const usd_property *q, struct time_map *time)
{
    struct winner w = { .samples = NULL };
    if (!q || q->flags & PROP_RELATIONSHIP || !find_winner(q, true, &w) || w.clip.set)
        return NULL;
    *time = w.time;
    return w.spline;
}

bool usd_attr_has_spline(const usd_property *q)
{
    struct time_map t;
    return winning_spline(q, &t) != NULL;
}

size_t usd_attr_spline_knots(const usd_property *q, double *times, size_t max)
{
    struct time_map t;
    const struct spline *s = winning_spline(q, &t);
    size_t n               = s ? s->count : 0;
    for (size_t i = 0; i < n && i < max; i++)
        times[i] = s->knots[t.scale < 0 ? n - 1 - i : i].time * t.scale + t.offset;
    return n;
}

const struct spline *attr_spline(const usd_property *q, struct arena *a)
{
    struct time_map t;
    const struct spline *s = winning_spline(q, &t);
    return s ? spline_map(a, s, t) : NULL;
}

// ---------------------------------------------------------------------------------------------------------------
// Typed shortcuts

static bool doubles(const struct usd_value *v, double *out, int n) { return usd_value_doubles(v, 0, out, n); }

static bool value_token(const struct usd_value *v, const char **out)
{
    if ((v->type != USD_TYPE_TOKEN && v->type != USD_TYPE_STRING && v->type != USD_TYPE_PATH) || v->is_array)
        return false;
    *out = *(const char *const *)v->data;
    return true;
}

static bool value_asset(const struct usd_value *v, struct usd_asset *out)
{
    if (v->type != USD_TYPE_ASSET || !v->count)
        return false;
    *out = *(const struct usd_asset *)v->data;
    return true;
}

static bool vec(const struct usd_value *v, float *out, int n)
{
    double d[4];
    if (usd_type_components(v->type) < n || !doubles(v, d, n))
        return false;
    for (int i = 0; i < n; i++)
        out[i] = (float)d[i];
    return true;
}

static bool scalar(const struct usd_value *v, double *out) { return usd_type_components(v->type) == 1 && doubles(v, out, 1); }

#define GETTERS(name, TYPE, PARAM, EXPR)                                                    \
    static bool from_##name(const struct usd_value *v, PARAM)                               \
    {                                                                                       \
        double d = 0;                                                                       \
        (void)d;                                                                            \
        return EXPR;                                                                        \
    }                                                                                       \
    bool usd_attr_get_##name(const usd_property *q, double time, PARAM)                     \
    {                                                                                       \
        struct usd_value v;                                                                 \
        bool ok = usd_attr_get(q, time, &v) && from_##name(&v, out);                        \
        usd_value_finish(&v);                                                               \
        return ok;                                                                          \
    }                                                                                       \
    bool usd_prim_get_##name(const usd_prim *p, const char *attr, double time, PARAM)       \
    {                                                                                       \
        struct usd_value v;                                                                 \
        bool ok = usd_prim_get(p, attr, time, &v) && from_##name(&v, out);                  \
        usd_value_finish(&v);                                                               \
        return ok;                                                                          \
    }
GETTERS(bool, bool, bool *out, scalar(v, &d) ? (*out = d != 0, true) : false)
GETTERS(int, int, int *out, scalar(v, &d) && d >= -2147483648.0 && d <= 2147483647.0 ? (*out = (int)d, true) : false)
GETTERS(float, float, float *out, scalar(v, &d) ? (*out = (float)d, true) : false)
GETTERS(double, double, double *out, scalar(v, &d) ? (*out = d, true) : false)
GETTERS(token, const char *, const char **out, value_token(v, out))
GETTERS(vec2f, float, float out[2], vec(v, out, 2))
GETTERS(vec3f, float, float out[3], vec(v, out, 3))
GETTERS(vec4f, float, float out[4], vec(v, out, 4))
GETTERS(matrix4d, double, double out[16], usd_type_components(v->type) == 16 && doubles(v, out, 16))
GETTERS(asset, struct usd_asset, struct usd_asset *out, value_asset(v, out))

bool usd_prim_get(const usd_prim *p, const char *name, double time, struct usd_value *out)
{
    if (usd_attr_get(usd_prim_find_property(p, name), time, out))
        return true;
    return p && usd_definition_fallback(usd_prim_definition(p), name, out);
}
