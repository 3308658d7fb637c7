// Evaluates splines. Formulas and the order of operations follow OpenUSD's Ts, so that rounding agrees.
#include "spline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double pre_value(const struct knot *k) { return k->dual ? k->pre_value : k->value; }

// ---------------------------------------------------------------------------------------------------------------
// One segment

// Powers of the parameter of a cubic Bezier curve with four control values.
struct cubic {
    double a, b, c, d;
};
static struct cubic cubic_of(double p0, double p1, double p2, double p3)
{
    return (struct cubic) { -p0 + 3 * p1 - 3 * p2 + p3, 3 * p0 - 6 * p1 + 3 * p2, -3 * p0 + 3 * p1, p0 };
}
static double cubic_at(const struct cubic *f, double t) { return t * (t * (t * f->a + f->b) + f->c) + f->d; }

// The candidate nearest to the middle of [0, 1], where one is.
static double pick(const double *roots, int count)
{
    double best = roots[0];
    for (int i = 1; i < count; i++)
        if (fabs(roots[i] - 0.5) < fabs(best - 0.5))
            best = roots[i];
    return best;
}

// The one zero in [0, 1] of t^3 + b t^2 + c t + d, which ascends there (Cardano).
static double cubic_zero(double b, double c, double d)
{
    double p = (3 * c - b * b) / 3, p3 = p / 3, p33 = p3 * p3 * p3;
    double q = (2 * b * b * b - 9 * b * c + 27 * d) / 27, q2 = q / 2;
    double discriminant = q2 * q2 + p33, b3 = b / 3;
    if (discriminant < 0) {
        double r = sqrt(-p33), t = -q / (2 * r);
        double phi = acos(t < -1 ? -1 : t > 1 ? 1 : t), t1 = 2 * cbrt(r);
        double roots[3] = { t1 * cos(phi / 3) - b3, t1 * cos((phi + 2 * M_PI) / 3) - b3, t1 * cos((phi + 4 * M_PI) / 3) - b3 };
        return pick(roots, 3);
    }
    if (discriminant == 0) {
        double u = -cbrt(q2), roots[2] = { 2 * u - b3, -u - b3 };
        return pick(roots, 2);
    }
    double root = sqrt(discriminant);
    return cbrt(root - q2) - cbrt(root + q2) - b3;
}

static double ascending_zero(const struct cubic *f)
{
    const double tiny = 1e-10;
    bool no_a = fabs(f->a) < tiny, no_b = fabs(f->b) < tiny, no_c = fabs(f->c) < tiny;
    if (no_a && no_b)
        return no_c ? 0 : -f->d / f->c;
    if (no_a) {
        double root = sqrt(f->c * f->c - 4 * f->b * f->d);
        double both[2] = { (-f->c - root) / (2 * f->b), (-f->c + root) / (2 * f->b) };
        return pick(both, 2);
    }
    return cubic_zero(f->b / f->a, f->c / f->a, f->d / f->a);
}

// Tangents so long that the curve would run back in time are shortened, their ratio kept. Widths are fractions of the
// segment; pairs on the ellipse w1^2 + w2^2 + w1 w2 - 2 (w1 + w2) + 1 = 0 just stand still at one time.
static void keep_forward(double *w1, double *w2)
{
    const double read_margin = 1e-6, write_margin = 1e-5;
    if (*w1 <= 1 && *w2 <= 1)
        return;
    double a = *w1 + read_margin, b = *w2 + read_margin;
    if (!(a * a + b * b - 2 * (a + b) + a * b + 1 > 0))
        return;
    if (*w1 < read_margin) {
        *w2 = 1 - write_margin;
    } else if (*w2 < read_margin) {
        *w1 = 1 - write_margin;
    } else {
        double ratio = *w1 / *w2, other = (sqrt(ratio) + ratio + 1) / (ratio * ratio + ratio + 1);
        *w1          = ratio * other - write_margin;
        *w2          = other - write_margin;
    }
}

static double bezier(const struct knot *a, const struct knot *b, double time)
{
    double span = b->time - a->time, w1 = a->post_width / span, w2 = b->pre_width / span, width1 = a->post_width, width2 = b->pre_width;
    double f1 = w1, f2 = w2;
    keep_forward(&f1, &f2);
    if (f1 != w1 || f2 != w2) {
        width1 = f1 * span;
        width2 = f2 * span;
    }
    struct cubic x = cubic_of(a->time - time, a->time + width1 - time, b->time - width2 - time, b->time - time);
    double t       = ascending_zero(&x), end = pre_value(b);
    t              = t < 0 ? 0 : t > 1 ? 1 : t;
    struct cubic y = cubic_of(a->value, a->value + width1 * a->post_slope, end + -width2 * b->pre_slope, end);
    return cubic_at(&y, t);
}

// Time passes evenly from 0 to 1; slopes are of that time.
static double hermite(const struct knot *a, const struct knot *b, double time)
{
    double span = b->time - a->time, rise = pre_value(b) - a->value, m0 = a->post_slope * span, m1 = b->pre_slope * span;
    struct cubic y = { -2 * rise + m0 + m1, 3 * rise - 2 * m0 - m1, m0, a->value };
    return cubic_at(&y, (time - a->time) / span);
}

static double segment_slope(const struct knot *a, const struct knot *b) { return (pre_value(b) - a->value) / (b->time - a->time); }

static bool between(const struct spline *s, const struct knot *a, const struct knot *b, double time, double *out)
{
    switch (a->interp) {
    case SPLINE_HELD: *out = a->value; return true;
    case SPLINE_LINEAR: *out = a->value + segment_slope(a, b) * (time - a->time); return true;
    case SPLINE_CURVE: *out = s->hermite ? hermite(a, b, time) : bezier(a, b, time); return true;
    default: return false;
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Loops inside: the knots of [loop_start, loop_end), the prototype, stand again before and behind, the value offset each
// time. Knots authored where copies stand do not count.

struct loops {
    bool on;
    size_t first, end; // knots of the prototype
    double span, from, to; // the whole looped interval
};

static struct loops loops_of(const struct spline *s)
{
    struct loops l = { .on = s->has_loop && s->loop_end > s->loop_start && s->pre_loops >= 0 && s->post_loops >= 0 && (s->pre_loops || s->post_loops) };
    if (!l.on)
        return l;
    l.first = spline_knot_from(s, s->loop_start);
    l.end   = spline_knot_from(s, s->loop_end);
    l.on    = l.first < s->count && s->knots[l.first].time == s->loop_start;
    l.span  = s->loop_end - s->loop_start;
    l.from  = s->loop_start - s->pre_loops * l.span;
    l.to    = s->loop_end + s->post_loops * l.span;
    return l;
}

static struct knot copy_of(const struct spline *s, const struct loops *l, size_t i, double times)
{
    struct knot k = s->knots[i];
    k.time += times * l->span;
    k.value += times * s->loop_offset;
    k.pre_value += times * s->loop_offset;
    return k;
}

size_t spline_unroll(const struct spline *s, struct knot *out, size_t max)
{
    struct loops l = loops_of(s);
    size_t n       = 0;
    double copies  = l.on ? ((double)s->pre_loops + s->post_loops + 1) * (double)(l.end - l.first) + 1 : 0;
    if (copies > SPLINE_UNROLL_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i < s->count && (!l.on || s->knots[i].time < l.from); i++, n++)
        if (n < max)
            out[n] = s->knots[i];
    if (!l.on)
        return n;
    for (int32_t k = -s->pre_loops; k <= s->post_loops; k++)
        for (size_t i = l.first; i < l.end; i++, n++)
            if (n < max)
                out[n] = copy_of(s, &l, i, k);
    if (n++ < max)
        out[n - 1] = copy_of(s, &l, l.first, s->post_loops + 1.0);
    for (size_t i = l.first; i < s->count; i++)
        if (s->knots[i].time > l.to && n++ < max)
            out[n - 1] = s->knots[i];
    return n;
}

// The knots around a time that is not in an echo of the prototype. `left`: a knot at the time itself counts as behind it.
struct around {
    bool has_prev, has_next;
    struct knot prev, next;
};

static struct around around(const struct spline *s, const struct loops *l, double time, bool left)
{
    struct around r = { 0 };
    size_t next     = spline_knot_from(s, time);
    if (!left && next < s->count && s->knots[next].time == time)
        next++;
    r.has_prev = next > 0;
    r.has_next = next < s->count;
    if (r.has_prev)
        r.prev = s->knots[next - 1];
    if (r.has_next)
        r.next = s->knots[next];
    if (!l->on)
        return r;
    if (time >= s->loop_start && time < s->loop_end) {
        if (next >= l->end) {
            r.next     = copy_of(s, l, l->first, 1);
            r.has_next = true;
        }
    } else if (time < l->from) {
        if (!r.has_next || r.next.time >= l->from) {
            r.next     = copy_of(s, l, l->first, -(double)s->pre_loops);
            r.has_next = true;
        }
    } else if (!r.has_prev || r.prev.time <= l->to) {
        r.prev     = copy_of(s, l, l->first, s->post_loops + 1.0);
        r.has_prev = true;
        for (; next < s->count && s->knots[next].time <= l->to; next++) {}
        r.has_next = next < s->count;
        if (r.has_next)
            r.next = s->knots[next];
    }
    return r;
}

// First and second knot, echoes included; `from_end`: last and second to last.
static bool end_knots(const struct spline *s, const struct loops *l, bool from_end, struct knot *end, struct knot *beside)
{
    size_t n = s->count;
    *end     = s->knots[from_end ? n - 1 : 0];
    *beside  = n > 1 ? s->knots[from_end ? n - 2 : 1] : *end;
    if (l->on && !from_end && l->from < s->knots[0].time) {
        *end    = copy_of(s, l, l->first, -(double)s->pre_loops);
        *beside = l->first + 1 < l->end ? copy_of(s, l, l->first + 1, -(double)s->pre_loops) : copy_of(s, l, l->first, 1 - (double)s->pre_loops);
    }
    if (l->on && from_end && l->to > s->knots[n - 1].time) {
        *end    = copy_of(s, l, l->first, s->post_loops + 1.0);
        *beside = copy_of(s, l, l->end - 1, s->post_loops);
    }
    return n > 1;
}

// ---------------------------------------------------------------------------------------------------------------
// Outside of all knots

// A loop of nothing is held, one that is bounded by no knot has no value.
static int bounded_mode(const struct spline *s, int mode, bool has_boundary, double boundary, size_t end)
{
    if (mode < EXTRAP_REPEAT || !has_boundary || s->count < 2)
        return mode;
    const struct knot *k = spline_knot_at(s, boundary);
    return !k ? EXTRAP_BLOCK : k == &s->knots[end] ? EXTRAP_HELD : mode;
}

static int pre_mode(const struct spline *s) { return bounded_mode(s, s->pre, s->has_pre_boundary, s->pre_boundary, 0); }
static int post_mode(const struct spline *s) { return bounded_mode(s, s->post, s->has_post_boundary, s->post_boundary, s->count - 1); }

static bool extrapolate(const struct spline *s, const struct loops *l, bool before, double time, double *out)
{
    struct knot end, beside;
    bool several = end_knots(s, l, !before, &end, &beside);
    int mode     = before ? pre_mode(s) : post_mode(s);
    double slope = 0;
    if (mode == EXTRAP_BLOCK)
        return false;
    if (mode == EXTRAP_SLOPED) {
        slope = before ? s->pre_slope : s->post_slope;
    } else if (mode == EXTRAP_LINEAR && several && !end.dual) {
        const struct knot *a = before ? &end : &beside, *b = before ? &beside : &end;
        slope = a->interp == SPLINE_LINEAR ? segment_slope(a, b) : a->interp != SPLINE_CURVE ? 0 : before ? end.post_slope : end.pre_slope;
    }
    *out = before ? pre_value(&end) - slope * (end.time - time) : end.value + slope * (time - end.time);
    return true;
}

struct place {
    double time, offset; // where to look, and what to add to the value there
    bool left;           // look from the left
};

// A time outside of all knots, under a looping extrapolation, as a time among them.
static void fold(const struct spline *s, const struct loops *l, struct place *at)
{
    if (s->count < 2 && !l->on)
        return;
    struct knot first, last, beside;
    end_knots(s, l, false, &first, &beside);
    end_knots(s, l, true, &last, &beside);
    bool before = at->time < first.time, behind = at->time >= last.time;
    int mode    = before ? pre_mode(s) : post_mode(s);
    if ((!before && !behind) || mode < EXTRAP_REPEAT)
        return;
    struct knot *bound = before ? &last : &first; // of what is repeated
    if (before ? s->has_pre_boundary : s->has_post_boundary)
        *bound = *spline_knot_at(s, before ? s->pre_boundary : s->post_boundary);
    double span = last.time - first.time, hops = (before ? first.time - at->time : at->time - last.time) / span, whole = floor(hops);
    double n = before && whole == hops ? whole : whole + 1, sign = before ? n : -n;
    at->time += sign * span;
    if (mode == EXTRAP_REPEAT) {
        at->offset -= sign * (before ? pre_value(&last) - pre_value(&first) : last.value - first.value);
    } else if (mode == EXTRAP_OSCILLATE && fmod(n, 2) != 0) {
        at->time = first.time + (span - (at->time - first.time));
        at->left = true;
    }
}

// A time in an echo as a time of the prototype.
static void unroll(const struct spline *s, const struct loops *l, struct place *at)
{
    if (!l->on || at->time < l->from || at->time > l->to || (at->time >= s->loop_start && at->time < s->loop_end))
        return;
    bool before = at->time < s->loop_start;
    double n    = before ? ceil((s->loop_start - at->time) / l->span) : floor((at->time - s->loop_end) / l->span) + 1;
    at->time += before ? n * l->span : -n * l->span;
    at->offset += before ? -n * s->loop_offset : n * s->loop_offset;
}

// At a knot itself: a block beside it leaves it without a value on that side.
static bool at_knot(const struct spline *s, const struct around *r, bool left, double *out)
{
    if (!left) {
        *out = r->prev.value;
        return (r->prev.time == s->knots[s->count - 1].time ? post_mode(s) : r->prev.interp) != SPLINE_BLOCK;
    }
    bool first = r->next.time == s->knots[0].time || !r->has_prev;
    *out       = !first && r->prev.interp == SPLINE_HELD ? r->prev.value : pre_value(&r->next);
    return (first ? pre_mode(s) : r->prev.interp) != SPLINE_BLOCK;
}
_Static_assert(SPLINE_BLOCK == 0 && EXTRAP_BLOCK == 0, "both are asked for at once");

bool spline_eval(const struct spline *s, double time, double *out)
{
    if (!s->count || !isfinite(time))
        return false;
    struct loops l  = loops_of(s);
    struct place at = { time, 0, false };
    fold(s, &l, &at);
    unroll(s, &l, &at);
    struct around r = around(s, &l, at.time, at.left);
    bool ok         = true;
    if (!at.left && r.has_prev && r.prev.time == at.time)
        ok = at_knot(s, &r, false, out);
    else if (at.left && r.has_next && r.next.time == at.time)
        ok = at_knot(s, &r, true, out);
    else if (!r.has_prev || !r.has_next)
        ok = extrapolate(s, &l, !r.has_prev, at.time, out);
    else
        ok = between(s, &r.prev, &r.next, at.time, out);
    *out += at.offset;
    return ok;
}

bool spline_value(const struct spline *s, double time, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    double v = 0;
    if (!spline_eval(s, time, &v))
        return false;
    out->type  = (enum usd_type)s->type;
    out->count = 1;
    out->data  = out->storage;
    float single  = (float)v;
    uint16_t half = half_from_float(single);
    if (s->type == USD_TYPE_FLOAT)
        memcpy(out->storage, &single, sizeof(single));
    else if (s->type == USD_TYPE_HALF)
        memcpy(out->storage, &half, sizeof(half));
    else
        out->storage[0] = v;
    return true;
}
