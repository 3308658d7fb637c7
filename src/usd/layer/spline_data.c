// Splines as data: sorted and rounded, with automatic tangents, under layer offsets, from crate files, to text.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "spline.h"
#include "write.h"

static double rounded(uint8_t type, double v)
{
    return type == USD_TYPE_FLOAT ? (double)(float)v : type == USD_TYPE_HALF ? usd_half_to_float(half_from_float((float)v)) : v;
}

static int by_time(const void *a, const void *b)
{
    const struct knot *x = a, *y = b;
    return x->time < y->time ? -1 : x->time > y->time ? 1 : x->order < y->order ? -1 : 1;
}

// Flat at ends, steps and extremes; else between the slopes on both sides, never steeper than three times either.
static double ease_slope(const struct knot *p, const struct knot *k, const struct knot *n)
{
    double before = (k->value - p->value) / (k->time - p->time);
    double after  = ((n->dual ? n->pre_value : n->value) - k->value) / (n->time - k->time);
    if (before * after <= 0)
        return 0;
    double u = (k->time - p->time) / (n->time - p->time) - 0.5, slope = before + (0.5 + u * (0.5 + 2 * u * u)) * (after - before);
    return after > 0 ? fmin(slope, fmin(3 * after, 3 * before)) : fmax(slope, fmax(3 * after, 3 * before));
}

static void ease(struct knot *k, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool has_prev = i > 0, has_next = i + 1 < count;
        bool flat     = !has_prev || !has_next || k[i].dual || k[i].interp == SPLINE_BLOCK || k[i - 1].interp == SPLINE_BLOCK;
        double slope  = flat ? 0 : ease_slope(&k[i - 1], &k[i], &k[i + 1]);
        if (k[i].pre_algorithm == TANGENT_AUTO_EASE && has_prev) {
            k[i].pre_slope = slope;
            k[i].pre_width = (k[i].time - k[i - 1].time) / 3;
        }
        if (k[i].post_algorithm == TANGENT_AUTO_EASE && has_next) {
            k[i].post_slope = slope;
            k[i].post_width = (k[i + 1].time - k[i].time) / 3;
        }
    }
}

struct spline *spline_finish(struct arena *a, struct spline *s, struct knot *knots, size_t count)
{
    struct spline *kept = arena_alloc(a, sizeof(*kept));
    if (!kept)
        return NULL;
    size_t n = 0, m = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(knots[i].time)) {
            knots[m]       = knots[i];
            knots[m].order = (uint32_t)i;
            m++;
        }
    if (m)
        qsort(knots, m, sizeof(*knots), by_time);
    for (size_t i = 0; i < m; i++) {
        if (i + 1 < m && knots[i + 1].time == knots[i].time)
            continue;
        struct knot *k = &knots[n++];
        *k             = knots[i];
        k->value       = rounded(s->type, k->value);
        k->pre_value   = rounded(s->type, k->pre_value);
        k->pre_slope   = rounded(s->type, k->pre_slope);
        k->post_slope  = rounded(s->type, k->post_slope);
    }
    ease(knots, n);
    s->knots = knots;
    s->count = n;
    *kept    = *s;
    return kept;
}

// ---------------------------------------------------------------------------------------------------------------

static struct knot stretched(const struct knot *k, struct time_map t)
{
    struct knot m = *k;
    m.time        = k->time * t.scale + t.offset;
    m.pre_width *= fabs(t.scale);
    m.post_width *= fabs(t.scale);
    m.pre_slope /= t.scale;
    m.post_slope /= t.scale;
    return m;
}

// What was to the left of it is to the right now. `prev` was the knot before, NULL for the first.
static struct knot turned(const struct knot *k, const struct knot *prev, struct time_map t)
{
    struct knot m    = stretched(k, t), s = m;
    double left      = prev && prev->interp == SPLINE_HELD ? prev->value : k->dual ? k->pre_value : k->value;
    m.pre_value      = k->value;
    m.value          = left;
    m.dual           = left != k->value;
    m.pre_width      = s.post_width;
    m.post_width     = s.pre_width;
    m.pre_slope      = s.post_slope;
    m.post_slope     = s.pre_slope;
    m.pre_algorithm  = k->post_algorithm;
    m.post_algorithm = k->pre_algorithm;
    m.interp         = prev ? prev->interp : SPLINE_HELD;
    return m;
}

static const struct spline *turn_around(struct arena *a, const struct spline *s, struct time_map t)
{
    size_t n            = spline_unroll(s, NULL, 0);
    struct spline *m    = n == SIZE_MAX ? NULL : arena_alloc(a, sizeof(*m));
    struct knot *from   = m ? arena_alloc(a, n * sizeof(*from) + 1) : NULL;
    struct knot *knots  = from ? arena_alloc(a, n * sizeof(*knots) + 1) : NULL;
    if (!knots)
        return NULL;
    spline_unroll(s, from, n);
    for (size_t i = 0; i < n; i++)
        knots[n - 1 - i] = turned(&from[i], i ? &from[i - 1] : NULL, t);
    *m            = *s;
    m->knots      = knots;
    m->count      = n;
    m->has_loop   = false;
    m->pre        = s->post;
    m->post       = s->pre;
    m->pre_slope  = s->post_slope / t.scale;
    m->post_slope = s->pre_slope / t.scale;
    m->has_pre_boundary  = s->has_post_boundary;
    m->has_post_boundary = s->has_pre_boundary;
    m->pre_boundary      = s->post_boundary * t.scale + t.offset;
    m->post_boundary     = s->pre_boundary * t.scale + t.offset;
    return m;
}

const struct spline *spline_map(struct arena *a, const struct spline *s, struct time_map t)
{
    if (t.offset == 0 && t.scale == 1)
        return s;
    if (t.scale < 0)
        return turn_around(a, s, t);
    struct spline *m   = arena_alloc(a, sizeof(*m));
    struct knot *knots = arena_alloc(a, s->count * sizeof(*knots) + 1);
    if (!m || !knots)
        return NULL;
    for (size_t i = 0; i < s->count; i++)
        knots[i] = stretched(&s->knots[i], t);
    *m            = *s;
    m->knots      = knots;
    m->pre_slope  = s->pre_slope / t.scale;
    m->post_slope = s->post_slope / t.scale;
    m->loop_start = s->loop_start * t.scale + t.offset;
    m->loop_end   = s->loop_end * t.scale + t.offset;
    m->pre_boundary  = s->pre_boundary * t.scale + t.offset;
    m->post_boundary = s->post_boundary * t.scale + t.offset;
    return m;
}

// ---------------------------------------------------------------------------------------------------------------
// Binary form, versions 1 to 3: two or three bytes of flags, boundaries, slopes and loops where there are some, the knots.

static double take_double(struct cursor *c)
{
    double v;
    cur_copy(c, &v, sizeof(v));
    return v;
}

static double take_value(struct cursor *c, uint8_t type)
{
    if (type == USD_TYPE_FLOAT) {
        float v;
        cur_copy(c, &v, sizeof(v));
        return v;
    }
    return type == USD_TYPE_HALF ? usd_half_to_float(cur_u16le(c)) : take_double(c);
}

static void take_knot(struct cursor *c, const struct spline *s, unsigned version, struct knot *k)
{
    uint8_t flags = cur_u8(c);
    k->dual       = flags & 1;
    k->interp     = flags >> 1 & 3;
    k->time       = take_double(c);
    k->value      = take_value(c, s->type);
    if (k->dual)
        k->pre_value = take_value(c, s->type);
    if (!s->hermite) {
        k->pre_width  = take_double(c);
        k->post_width = take_double(c);
    }
    k->pre_slope  = take_value(c, s->type);
    k->post_slope = take_value(c, s->type);
    // Tangents in Maya's form, of early files: three times as wide, heights in place of slopes.
    if (flags & 16 && k->pre_width != 0) {
        k->pre_slope /= k->pre_width;
        k->pre_width /= 3;
    }
    if (flags & 32 && k->post_width != 0) {
        k->post_slope /= k->post_width;
        k->post_width /= 3;
    }
    if (version > 1) {
        uint8_t algorithms = cur_u8(c);
        k->pre_algorithm   = (algorithms & 15) <= TANGENT_AUTO_EASE ? algorithms & 15 : TANGENT_NONE;
        k->post_algorithm  = algorithms >> 4 <= TANGENT_AUTO_EASE ? algorithms >> 4 : TANGENT_NONE;
    }
}

const struct spline *spline_decode(struct arena *a, const void *data, size_t size)
{
    struct cursor c      = cur_make(data, size);
    struct spline s      = { .type = USD_TYPE_DOUBLE, .pre = EXTRAP_HELD, .post = EXTRAP_HELD };
    if (!size)
        return spline_finish(a, &s, NULL, 0);
    static const uint8_t types[8] = { USD_TYPE_DOUBLE, USD_TYPE_DOUBLE, USD_TYPE_FLOAT, USD_TYPE_HALF, USD_TYPE_TIMECODE };
    uint8_t head = cur_u8(&c), more = cur_u8(&c);
    unsigned version = head & 15;
    s.type           = types[head >> 4 & (version < 3 ? 3 : 7)];
    s.hermite        = head >> 7;
    s.pre            = more & 7;
    s.post           = more >> 3 & 7;
    s.has_loop       = more >> 6 & 1;
    if (version < 1 || version > 3 || !s.type || s.pre > EXTRAP_OSCILLATE || s.post > EXTRAP_OSCILLATE)
        return NULL;
    if (version > 2) {
        uint8_t boundaries  = cur_u8(&c);
        s.has_pre_boundary  = boundaries & 1;
        s.has_post_boundary = boundaries >> 1 & 1;
        s.pre_boundary      = s.has_pre_boundary ? take_double(&c) : 0;
        s.post_boundary     = s.has_post_boundary ? take_double(&c) : 0;
        s.has_pre_boundary &= !s.has_loop && s.pre >= EXTRAP_REPEAT;
        s.has_post_boundary &= !s.has_loop && s.post >= EXTRAP_REPEAT;
    }
    if (s.pre == EXTRAP_SLOPED)
        s.pre_slope = take_double(&c);
    if (s.post == EXTRAP_SLOPED)
        s.post_slope = take_double(&c);
    if (s.has_loop) {
        s.loop_start  = take_double(&c);
        s.loop_end    = take_double(&c);
        s.pre_loops   = (int32_t)cur_u32le(&c);
        s.post_loops  = (int32_t)cur_u32le(&c);
        s.loop_offset = take_double(&c);
    }
    uint32_t n = cur_u32le(&c);
    if (c.bad || n > cur_left(&c) / 15) // the least a knot takes
        return NULL;
    struct knot *knots = arena_alloc(a, n * sizeof(*knots) + 1);
    for (uint32_t i = 0; knots && i < n; i++)
        take_knot(&c, &s, version, &knots[i]);
    return knots && !c.bad ? spline_finish(a, &s, knots, n) : NULL;
}

size_t spline_knot_from(const struct spline *s, double time)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->knots[mid].time < time)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct knot *spline_knot_at(const struct spline *s, double time)
{
    size_t i = spline_knot_from(s, time);
    return i < s->count && s->knots[i].time == time ? &s->knots[i] : NULL;
}

void spline_set_custom(const struct spline *s, double time, const struct field *dictionary)
{
    const struct knot *k = spline_knot_at(s, time);
    if (k)
        ((struct knot *)(uintptr_t)k)->custom = *dictionary;
}

// ---------------------------------------------------------------------------------------------------------------
// Text

static void extrapolation(struct out *o, const char *side, uint8_t mode, double slope, const double *boundary)
{
    static const char *const words[] = { "none", "held", "linear", "sloped", "loop repeat", "loop reset", "loop oscillate" };
    if (mode == EXTRAP_HELD)
        return; // what is not said
    out_indent(o);
    out_format(o, "%s: %s", side, words[mode]);
    if (mode == EXTRAP_SLOPED) {
        out_text(o, "(");
        out_number(o, slope, false);
        out_text(o, ")");
    }
    if (boundary) {
        out_text(o, "(");
        out_number(o, *boundary, false);
        out_text(o, ")");
    }
    out_text(o, ",\n");
}

static void tangent(struct out *o, const struct spline *s, double width, double slope, uint8_t algorithm)
{
    static const char *const words[] = { "", ", custom", ", autoEase" };
    out_text(o, " (");
    if (!s->hermite) {
        out_number(o, width, false);
        out_text(o, ", ");
    }
    out_number(o, slope, s->type == USD_TYPE_FLOAT || s->type == USD_TYPE_HALF);
    out_text(o, words[algorithm]);
    out_text(o, ")");
}

static void one_knot(struct out *o, const struct spline *s, size_t i)
{
    static const char *const words[] = { "none", "held", "linear", "curve" };
    const struct knot *k             = &s->knots[i];
    bool single                      = s->type == USD_TYPE_FLOAT || s->type == USD_TYPE_HALF;
    out_indent(o);
    out_number(o, k->time, false);
    out_text(o, ": ");
    if (k->dual) {
        out_number(o, k->pre_value, single);
        out_text(o, " & ");
    }
    out_number(o, k->value, single);
    bool curve = i && s->knots[i - 1].interp == SPLINE_CURVE;
    if (curve || (k->pre_width != 0 && !s->hermite) || k->pre_slope != 0 || k->pre_algorithm != TANGENT_NONE) {
        out_text(o, "; pre");
        tangent(o, s, k->pre_width, k->pre_slope, k->pre_algorithm);
    }
    out_format(o, "; post %s", words[k->interp & 3]);
    if (k->interp == SPLINE_CURVE || (k->post_width != 0 && !s->hermite) || k->post_slope != 0 || k->post_algorithm != TANGENT_NONE)
        tangent(o, s, k->post_width, k->post_slope, k->post_algorithm);
    if (k->custom.type == VT_DICT) {
        struct usd_value v;
        if (field_value(NULL, NULL, &k->custom, &v)) {
            out_text(o, "; ");
            out_value(o, &v);
        }
        usd_value_finish(&v);
    }
    out_text(o, ",\n");
}

void out_spline(struct out *o, const struct spline *s)
{
    out_text(o, "{\n");
    o->indent++;
    out_indent(o);
    out_text(o, s->hermite ? "hermite,\n" : "bezier,\n");
    extrapolation(o, "pre", s->pre, s->pre_slope, s->has_pre_boundary ? &s->pre_boundary : NULL);
    extrapolation(o, "post", s->post, s->post_slope, s->has_post_boundary ? &s->post_boundary : NULL);
    if (s->has_loop) {
        out_indent(o);
        out_text(o, "loop: (");
        out_number(o, s->loop_start, false);
        out_text(o, ", ");
        out_number(o, s->loop_end, false);
        out_format(o, ", %d, %d, ", s->pre_loops, s->post_loops);
        out_number(o, s->loop_offset, false);
        out_text(o, "),\n");
    }
    for (size_t i = 0; i < s->count; i++)
        one_knot(o, s, i);
    o->indent--;
    out_indent(o);
    out_text(o, "}");
}
