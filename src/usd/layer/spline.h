// Splines: TsSpline of OpenUSD. Knots of doubles; what an attribute of float or half holds is rounded to its type.
#pragma once

#include "layer.h"
#include "stage.h"

enum spline_interp { SPLINE_BLOCK, SPLINE_HELD, SPLINE_LINEAR, SPLINE_CURVE }; // of the segment after a knot
enum spline_extrap { EXTRAP_BLOCK, EXTRAP_HELD, EXTRAP_LINEAR, EXTRAP_SLOPED, EXTRAP_REPEAT, EXTRAP_RESET, EXTRAP_OSCILLATE };
enum spline_tangent { TANGENT_NONE, TANGENT_CUSTOM, TANGENT_AUTO_EASE };

struct knot {
    double time, value, pre_value; // pre_value: at the time, from the left; counts when `dual`
    double pre_width, pre_slope, post_width, post_slope;
    uint8_t interp, dual, pre_algorithm, post_algorithm;
    uint32_t order; // as authored
    struct field custom; // a dictionary, or of no type
};

struct spline {
    uint8_t type; // USD_TYPE_DOUBLE, FLOAT, HALF or TIMECODE
    bool hermite;
    uint8_t pre, post; // enum spline_extrap
    double pre_slope, post_slope;
    // What a looping extrapolation repeats, when it is not all: from the first knot to this one, or from this one to the last.
    bool has_pre_boundary, has_post_boundary; // never with inner loops
    double pre_boundary, post_boundary;       // times
    bool has_loop; // as authored; it counts when it is not empty and a knot is at its start
    double loop_start, loop_end, loop_offset;
    int32_t pre_loops, post_loops;
    size_t count;
    const struct knot *knots; // ascending time
};

static inline bool spline_type(enum usd_type t)
{
    return t == USD_TYPE_DOUBLE || t == USD_TYPE_FLOAT || t == USD_TYPE_HALF || t == USD_TYPE_TIMECODE;
}
// Can an attribute of this type have it? Time codes are doubles; binary layers can say others.
static inline bool spline_fits(const struct spline *s, enum usd_type declared, bool is_array)
{
    return spline_type(declared) && !is_array && (declared == USD_TYPE_TIMECODE ? USD_TYPE_DOUBLE : declared) == (s->type == USD_TYPE_TIMECODE ? USD_TYPE_DOUBLE : s->type);
}
static inline bool spline_is_sloped(const struct spline *s)
{
    return s->count && ((s->pre == EXTRAP_SLOPED && s->pre_slope != 0) || (s->post == EXTRAP_SLOPED && s->post_slope != 0));
}
// Value at a time of the layer; false where there is none.
bool spline_eval(const struct spline *s, double time, double *out);
// The same as a value of the spline's type.
bool spline_value(const struct spline *s, double time, struct usd_value *out);
size_t spline_knot_from(const struct spline *s, double time); // the first knot at a time or behind it; `count` when there is none
const struct knot *spline_knot_at(const struct spline *s, double time); // NULL when there is none
// A spline as it looks from the stage, in `a`. Widths scale, slopes scale inversely. A negative scale turns it around, and
// writes inner loops out. NULL: memory is short, or there are too many loops.
const struct spline *spline_map(struct arena *a, const struct spline *s, struct time_map t);
// Sorts knots, drops all but the last of those with one time, rounds to the type, computes automatic tangents.
// Takes over `knots`, memory of the layer's arena.
struct spline *spline_finish(struct arena *a, struct spline *s, struct knot *knots, size_t count);
// All knots with the copies that inner loops make; copies up to `max`, returns how many. SIZE_MAX: too many to write out.
#define SPLINE_UNROLL_MAX 100000
size_t spline_unroll(const struct spline *s, struct knot *out, size_t max);
// The binary form that crate files hold. NULL: damaged or of a newer version.
const struct spline *spline_decode(struct arena *a, const void *data, size_t size);
// Custom data of the knot at a time; the caller has the only reference to the spline.
void spline_set_custom(const struct spline *s, double time, const struct field *dictionary);

// attr.c: the spline an attribute's value comes from, in stage time; NULL when it comes from elsewhere.
const struct spline *attr_spline(const usd_property *q, struct arena *a);

struct out;
void out_spline(struct out *o, const struct spline *s); // "{ ... }"
