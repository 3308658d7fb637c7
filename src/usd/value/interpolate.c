// Values between time samples. Which products and sums are rounded to the type's own precision follows OpenUSD, so that
// the last digit agrees.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interpolate.h"

#define SAME_TIME 1e-6 // samples that are closer than this are one sample

bool value_is_linear(enum usd_type t)
{
    enum usd_type c = type_table[t].component;
    return c == USD_TYPE_FLOAT || c == USD_TYPE_DOUBLE || c == USD_TYPE_HALF || c == USD_TYPE_TIMECODE;
}

static float half_to_float(const void *data, size_t i) { return usd_half_to_float(((const uint16_t *)data)[i]); }

static double round_to(enum usd_type component, double v)
{
    return component == USD_TYPE_DOUBLE ? v : component == USD_TYPE_FLOAT ? (double)(float)v : usd_half_to_float(half_from_float((float)v));
}

// Spherical, the shorter way round; linear when they are nearly the same.
static void mix_quat(enum usd_type c, const double a[4], const double b[4], double t, double out[4])
{
    double dot;
    if (c == USD_TYPE_DOUBLE)
        dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
    else {
        float sum = (float)a[0] * (float)b[0] + (float)a[1] * (float)b[1] + (float)a[2] * (float)b[2];
        dot       = (float)round_to(c, sum) + (float)a[3] * (float)b[3];
    }
    double sign = dot < 0 ? -1 : 1, wa = 1 - t, wb = t;
    dot *= sign;
    if (1 - dot > 0.00001) {
        double angle = round_to(c, acos(dot));
        double s     = c == USD_TYPE_DOUBLE ? sin(angle) : round_to(c, sinf((float)angle));
        wa           = sin((1 - t) * angle) / s;
        wb           = sin(t * angle) / s;
    }
    wa = round_to(c, wa);
    wb = round_to(c, sign * wb);
    for (int k = 0; k < 4; k++)
        out[k] = round_to(c, round_to(c, wa * a[k]) + round_to(c, wb * b[k]));
}

static void mix_quats(const struct usd_value *a, const struct usd_value *b, double t, void *to)
{
    enum usd_type c = type_table[a->type].component;
    for (size_t i = 0; i < a->count; i++) {
        double p[4], q[4], r[4];
        usd_value_doubles(a, i, p, 4);
        usd_value_doubles(b, i, q, 4);
        mix_quat(c, p, q, t, r);
        for (int k = 0; k < 4; k++) {
            if (c == USD_TYPE_DOUBLE)
                ((double *)to)[i * 4 + k] = r[k];
            else if (c == USD_TYPE_FLOAT)
                ((float *)to)[i * 4 + k] = (float)r[k];
            else
                ((uint16_t *)to)[i * 4 + k] = half_from_float((float)r[k]);
        }
    }
}

// Scalars are mixed in double precision and rounded once; components of vectors round each product.
static void mix_floats(const float *a, const float *b, size_t n, bool vector, double t, float *to)
{
    double u = 1 - t;
    if (vector)
        for (size_t i = 0; i < n; i++)
            to[i] = (float)(u * (double)a[i]) + (float)(t * (double)b[i]);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = (float)(u * (double)a[i] + t * (double)b[i]);
}

static void mix_halves(const void *a, const void *b, size_t n, bool vector, double t, uint16_t *to)
{
    float u = (float)(1 - t), w = (float)t;
    for (size_t i = 0; i < n; i++) {
        float x = half_to_float(a, i), y = half_to_float(b, i);
        if (vector)
            to[i] = half_from_float(usd_half_to_float(half_from_float(u * x)) + usd_half_to_float(half_from_float(w * y)));
        else
            to[i] = half_from_float((float)((1 - t) * (double)x + t * (double)y));
    }
}

bool value_mix(const struct usd_value *a, const struct usd_value *b, double t, struct usd_value *out)
{
    if (!value_is_linear(a->type) || a->type != b->type || a->count != b->count || a->is_array != b->is_array)
        return false;
    const struct type_info *info = &type_table[a->type];
    memset(out, 0, sizeof(*out));
    size_t n    = a->count * info->components;
    bool vector = info->components > 1;
    void *to    = a->is_array ? malloc(a->count * info->size + 1) : (void *)out->storage;
    if (!to)
        return false;
    if (a->type == USD_TYPE_QUATD || a->type == USD_TYPE_QUATF || a->type == USD_TYPE_QUATH)
        mix_quats(a, b, t, to);
    else if (info->component == USD_TYPE_FLOAT)
        mix_floats(a->data, b->data, n, vector, t, to);
    else if (info->component == USD_TYPE_HALF)
        mix_halves(a->data, b->data, n, vector, t, to);
    else
        for (size_t i = 0; i < n; i++)
            ((double *)to)[i] = (1 - t) * ((const double *)a->data)[i] + t * ((const double *)b->data)[i];
    out->type     = a->type;
    out->is_array = a->is_array;
    out->count    = a->count;
    out->data     = to;
    out->owned    = a->is_array ? to : NULL;
    return true;
}

void value_mix_into(struct usd_value *low, struct usd_value *high, double t)
{
    struct usd_value mixed;
    if (value_mix(low, high, t, &mixed)) {
        usd_value_finish(low);
        *low = mixed;
        if (!mixed.owned)
            low->data = low->storage;
    }
    usd_value_finish(high);
}

void times_bracket(const double *times, size_t count, double t, size_t *low, size_t *high)
{
    size_t a = 0, b = count; // first time >= t
    while (a < b) {
        size_t mid = (a + b) / 2;
        if (times[mid] < t)
            a = mid + 1;
        else
            b = mid;
    }
    if (a == count)
        a = count - 1, b = a;
    else
        b = a && times[a] != t ? a - 1 : a;
    *low  = b;
    *high = a;
}

bool times_are_one(double a, double b) { return fabs(a - b) < SAME_TIME; }

bool samples_value(const struct usd_stage *s, const struct layer *l, const struct samples *x, double t, struct usd_value *out)
{
    size_t low, high;
    times_bracket(x->times, x->count, t, &low, &high);
    if (!field_value(s, l, &x->values[low], out))
        return false; // a block holds until the next sample
    if (times_are_one(x->times[low], x->times[high]) || !value_is_linear(out->type))
        return true;
    struct usd_value next;
    if (field_value(s, l, &x->values[high], &next))
        value_mix_into(out, &next, (t - x->times[low]) / (x->times[high] - x->times[low]));
    else
        usd_value_finish(&next);
    return true;
}
