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

static bool real(struct parser *p, double *out)
{
    const char *e = pa_skip(p) ? number_double(p->p, out) : NULL;
    if (!e)
        return pa_fail(p, p->p, "a number is expected in a spline");
    p->p = e;
    return pa_skip(p);
}

static bool extrapolation(struct parser *p, uint8_t *mode, double *slope)
{
    if (!pa_skip(p) || !pa_expect(p, ':', "after pre or post") || !pa_skip(p))
        return false;
    if (pa_word(p, "none"))
        *mode = EXTRAP_BLOCK;
    else if (pa_word(p, "held"))
        *mode = EXTRAP_HELD;
    else if (pa_word(p, "linear"))
        *mode = EXTRAP_LINEAR;
    else if (pa_word(p, "sloped"))
        *mode = EXTRAP_SLOPED;
    else if (pa_word(p, "loop")) {
        if (!pa_skip(p))
            return false;
        if (pa_word(p, "repeat"))
            *mode = EXTRAP_REPEAT;
        else if (pa_word(p, "reset"))
            *mode = EXTRAP_RESET;
        else if (pa_word(p, "oscillate"))
            *mode = EXTRAP_OSCILLATE;
        else
            return pa_fail(p, p->p, "repeat, reset or oscillate is expected after loop");
    } else
        return pa_fail(p, p->p, "none, held, linear, sloped or loop is expected");
    if (!pa_skip(p) || *mode != EXTRAP_SLOPED)
        return p->status == USD_OK;
    return pa_expect(p, '(', "after sloped") && real(p, slope) && pa_expect(p, ')', "after a slope");
}

static bool loop(struct parser *p, struct spline *s)
{
    double v[5];
    if (!pa_skip(p) || !pa_expect(p, ':', "after loop") || !pa_skip(p) || !pa_expect(p, '(', "to open the loop"))
        return false;
    for (int i = 0; i < 5; i++)
        if (!real(p, &v[i]) || !pa_expect(p, i < 4 ? ',' : ')', "in a loop of five numbers"))
            return false;
    if (!(fabs(v[2]) <= INT32_MAX) || !(fabs(v[3]) <= INT32_MAX))
        return pa_fail(p, p->p, "the number of loops is out of range");
    s->has_loop    = true;
    s->loop_start  = v[0];
    s->loop_end    = v[1];
    s->pre_loops   = (int32_t)v[2];
    s->post_loops  = (int32_t)v[3];
    s->loop_offset = v[4];
    return true;
}

// "(width, slope)", "(slope)" of a Hermite curve, either with an algorithm at the end. A word before it names the form.
static bool tangent(struct parser *p, double *width, double *slope, uint8_t *algorithm)
{
    const char *word = "", *name;
    size_t size      = 0, count = 0;
    double v[2]      = { 0, 0 };
    if (!pa_skip(p))
        return false;
    if (pa_is(*p->p, CC_NAME_START) && !pa_identifier(p, &word, &size, false, "a form of tangents"))
        return false;
    bool heights = size && word[size - 1] == 'h'; // Maya's form, of early files
    if (!pa_skip(p) || !pa_expect(p, '(', "to open a tangent"))
        return false;
    for (bool more = true; more;) {
        if (!pa_skip(p))
            return false;
        if (pa_is(*p->p, CC_NAME_START) && *p->p != 'i' && strncmp(p->p, "nan", 3)) {
            if (!pa_identifier(p, &name, &size, false, "an algorithm"))
                return false;
            bool eases = size == 8 && !memcmp(name, "autoEase", 8);
            if (!eases && !(size == 6 && !memcmp(name, "custom", 6)) && !(size == 4 && !memcmp(name, "none", 4)))
                return pa_fail(p, name, "none, custom or autoEase is expected");
            *algorithm = eases ? TANGENT_AUTO_EASE : *name == 'c' ? TANGENT_CUSTOM : TANGENT_NONE;
        } else if (count == 2) {
            return pa_fail(p, p->p, "a tangent has a width and a slope");
        } else if (!real(p, &v[count++])) {
            return false;
        }
        if (!pa_skip(p))
            return false;
        more = *p->p == ',';
        p->p += more;
    }
    *width = count == 2 ? v[0] : 0;
    *slope = count == 2 ? v[1] : v[0];
    if (heights) {
        *slope = *width != 0 ? *slope / *width : 0;
        *width /= 3;
    }
    return pa_expect(p, ')', "to close a tangent");
}

static bool knot_part(struct parser *p, struct knot *k)
{
    if (*p->p == '{')
        return pa_dictionary(p, &k->custom);
    if (pa_word(p, "pre"))
        return tangent(p, &k->pre_width, &k->pre_slope, &k->pre_algorithm);
    if (!pa_word(p, "post"))
        return pa_fail(p, p->p, "pre, post or a dictionary is expected after a knot");
    if (!pa_skip(p))
        return false;
    if (pa_word(p, "none"))
        k->interp = SPLINE_BLOCK;
    else if (pa_word(p, "held"))
        k->interp = SPLINE_HELD;
    else if (pa_word(p, "linear"))
        k->interp = SPLINE_LINEAR;
    else if (pa_word(p, "curve"))
        k->interp = SPLINE_CURVE;
    if (!pa_skip(p))
        return false;
    if (*p->p == '(' || pa_is(*p->p, CC_NAME_START))
        return tangent(p, &k->post_width, &k->post_slope, &k->post_algorithm);
    return true;
}

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
    while (*p->p == ';') {
        p->p++;
        if (!pa_skip(p))
            return false;
        if (*p->p == ',' || *p->p == '}')
            break;
        if (!knot_part(p, k) || !pa_skip(p))
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
    bool ok         = pa_expect(p, '{', "to open a spline");
    while (ok) {
        ok = pa_skip(p);
        if (!ok || *p->p == '}')
            break;
        struct knot k;
        if (item(p, "bezier"))
            s.hermite = false;
        else if (item(p, "hermite"))
            s.hermite = true;
        else if (item(p, "pre"))
            ok = extrapolation(p, &s.pre, &s.pre_slope);
        else if (item(p, "post"))
            ok = extrapolation(p, &s.post, &s.post_slope);
        else if (item(p, "loop"))
            ok = loop(p, &s);
        else
            ok = knot(p, &k) && (array_push(&knots, k) || pa_nomem(p));
        ok = ok && pa_skip(p);
        if (ok && *p->p == ',')
            p->p++;
        else if (ok && *p->p != '}')
            ok = pa_fail(p, p->p, "',' or '}' is expected in a spline");
    }
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
