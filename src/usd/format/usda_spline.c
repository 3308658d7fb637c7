// Splines of the text format:
//
//     { bezier, pre: linear, post: sloped(0.5), loop: (0, 10, 0, 2, 1),
//       0: 1; post curve (1, 0.5), 10: 2 & 3; pre (1, 0); post held; { string note = "a step" } }
#include <limits.h>
#include <math.h>
#include <string.h>

#include "number.h"
#include "spline.h"
#include "usda_parser.h"

// A word that a colon may follow.
static bool item(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(p->p, word, n) || pa_is(p->p[n], CC_NAME))
        return false;
    p->p += n;
    return true;
}

static bool real(struct parser *p, double *out) { return pa_inline(p) && pa_real(p, out) && pa_inline(p); }

// "repeat", or "repeat(5)" where 5 is the time of the knot that bounds what is repeated.
static bool loop_mode(struct parser *p, uint8_t *mode, bool *has_boundary, double *boundary)
{
    if (!pa_gap(p))
        return false;
    if (pa_word(p, "repeat"))
        *mode = EXTRAP_REPEAT;
    else if (pa_word(p, "reset"))
        *mode = EXTRAP_RESET;
    else if (pa_word(p, "oscillate"))
        *mode = EXTRAP_OSCILLATE;
    else
        return pa_fail(p, p->p, "repeat, reset or oscillate is expected after loop");
    if (!pa_next_is(p, '('))
        return p->status == USD_OK;
    p->p++;
    *has_boundary = true;
    return real(p, boundary) && pa_expect(p, ')', "after the time of a knot");
}

static bool extrapolation(struct parser *p, uint8_t *mode, double *slope, bool *has_boundary, double *boundary)
{
    *has_boundary = false; // what an earlier statement said does not stay
    if (!pa_inline(p) || !pa_expect(p, ':', "after pre or post") || !pa_inline(p))
        return false;
    if (pa_word(p, "none"))
        *mode = EXTRAP_BLOCK;
    else if (pa_word(p, "held"))
        *mode = EXTRAP_HELD;
    else if (pa_word(p, "linear"))
        *mode = EXTRAP_LINEAR;
    else if (pa_word(p, "loop"))
        return loop_mode(p, mode, has_boundary, boundary);
    else if (pa_word(p, "sloped")) {
        *mode = EXTRAP_SLOPED;
        return pa_inline(p) && pa_expect(p, '(', "after sloped") && real(p, slope) && pa_expect(p, ')', "after a slope");
    } else
        return pa_fail(p, p->p, "none, held, linear, sloped or loop is expected");
    return true;
}

static bool whole(struct parser *p, double v, int32_t *out)
{
    if (!(fabs(v) <= INT32_MAX) || v != floor(v))
        return pa_fail(p, p->p, "the number of loops is a whole number");
    *out = (int32_t)v;
    return true;
}

static bool loop(struct parser *p, struct spline *s)
{
    double v[5];
    if (!pa_inline(p) || !pa_expect(p, ':', "after loop") || !pa_inline(p) || !pa_expect(p, '(', "to open the loop"))
        return false;
    for (int i = 0; i < 5; i++)
        if (!real(p, &v[i]) || !pa_expect(p, i < 4 ? ',' : ')', "in a loop of five numbers"))
            return false;
    s->has_loop    = true;
    s->loop_start  = v[0];
    s->loop_end    = v[1];
    s->loop_offset = v[4];
    return whole(p, v[2], &s->pre_loops) && whole(p, v[3], &s->post_loops);
}

// "(width, slope)", "(slope)" of a Hermite curve, either with an algorithm at the end.
static bool tangent(struct parser *p, double *width, double *slope, uint8_t *algorithm)
{
    double v[2] = { 0, 0 };
    int count   = 0;
    *algorithm  = TANGENT_NONE;
    if (!pa_expect(p, '(', "to open a tangent") || !real(p, &v[count++]))
        return false;
    while (*p->p == ',') {
        p->p++;
        if (!pa_inline(p))
            return false;
        bool eases = pa_word(p, "autoEase");
        if (eases || pa_word(p, "custom")) {
            *algorithm = eases ? TANGENT_AUTO_EASE : TANGENT_CUSTOM;
            break;
        }
        if (count == 2)
            return pa_fail(p, p->p, "custom or autoEase is expected after a width and a slope");
        if (!real(p, &v[count++]))
            return false;
    }
    *width = count == 2 ? v[0] : 0;
    *slope = v[count - 1];
    return pa_inline(p) && pa_expect(p, ')', "to close a tangent");
}

// "curve (1, 0.5)" behind post
static bool post(struct parser *p, struct knot *k)
{
    static const char *const words[] = { "none", "held", "linear", "curve" }; // enum spline_interp
    unsigned i = 0;
    if (!pa_gap(p))
        return false;
    while (i < 4 && !pa_word(p, words[i]))
        i++;
    if (i == 4)
        return pa_fail(p, p->p, "none, held, linear or curve is expected after post");
    k->interp = (uint8_t)i;
    if (*p->p == '(')
        return pa_fail(p, p->p, "a space is expected before a tangent");
    return pa_next_is(p, '(') ? tangent(p, &k->post_width, &k->post_slope, &k->post_algorithm) : p->status == USD_OK;
}

static bool knot_part(struct parser *p, struct knot *k)
{
    if (*p->p == '{')
        return pa_dictionary(p, &k->custom);
    if (pa_word(p, "pre"))
        return pa_gap(p) && tangent(p, &k->pre_width, &k->pre_slope, &k->pre_algorithm);
    return pa_word(p, "post") ? post(p, k) : pa_fail(p, p->p, "pre, post or a dictionary is expected after a knot");
}

static bool knot_ends(struct parser *p) { return pa_inline(p) && (*p->p == ',' || *p->p == '}'); }

// Parts stand behind ';' or on a line of their own. Only behind a part is there a separator without another one after it.
static bool knot(struct parser *p, struct knot *k)
{
    *k = (struct knot) { .interp = SPLINE_HELD };
    if (!real(p, &k->time) || !pa_expect(p, ':', "after a knot's time") || !real(p, &k->value))
        return false;
    if (*p->p == '&') {
        p->p++;
        k->dual      = 1;
        k->pre_value = k->value;
        if (!real(p, &k->value))
            return false;
    }
    for (bool first = true; !knot_ends(p); first = false) {
        if (p->status != USD_OK || !pa_separator(p, 0) || !pa_skip(p))
            return false;
        if (!first && (*p->p == ',' || *p->p == '}'))
            break;
        if (!knot_part(p, k))
            return false;
    }
    return true;
}

bool pa_spline(struct parser *p, enum usd_type type, struct field *out)
{
    struct {
        ARRAY_OF(struct knot);
    } knots         = { 0 };
    struct spline s = { .type = (uint8_t)type, .pre = EXTRAP_HELD, .post = EXTRAP_HELD };
    bool ok         = pa_expect(p, '{', "to open a spline") && pa_skip(p);
    while (ok && *p->p != '}') {
        struct knot k;
        if (item(p, "bezier"))
            s.hermite = false;
        else if (item(p, "hermite"))
            s.hermite = true;
        else if (item(p, "pre"))
            ok = extrapolation(p, &s.pre, &s.pre_slope, &s.has_pre_boundary, &s.pre_boundary);
        else if (item(p, "post"))
            ok = extrapolation(p, &s.post, &s.post_slope, &s.has_post_boundary, &s.post_boundary);
        else if (item(p, "loop"))
            ok = loop(p, &s);
        else
            ok = knot(p, &k) && (array_push(&knots, k) || pa_nomem(p));
        ok = ok && pa_list_next(p, '}');
    }
    if (ok && s.has_loop && (s.has_pre_boundary || s.has_post_boundary))
        ok = pa_fail(p, p->p, "an extrapolation that loops from a knot cannot stand beside inner loops");
    if (ok) {
        p->p++;
        struct knot *kept = arena_alloc(&p->l->arena, knots.count * sizeof(*kept) + 1);
        if (kept && knots.count)
            memcpy(kept, knots.items, knots.count * sizeof(*kept));
        struct spline *made = kept ? spline_finish(&p->l->arena, &s, kept, knots.count) : NULL;
        ok                  = made || pa_nomem(p);
        *out                = (struct field) { .bits = (uintptr_t)made, .count = 1, .name = T_spline, .type = VT_SPLINE };
    }
    array_free(&knots);
    return ok;
}
