// Values between time samples.
#pragma once

#include "stage.h"

bool value_is_linear(enum usd_type t); // interpolates; everything else is held
// a * (1 - t) + b * t, quaternions spherically. false: the two do not mix (type or number of elements differ).
bool value_mix(const struct usd_value *a, const struct usd_value *b, double t, struct usd_value *out);
// The same into `low`, which stays as it is when the two do not mix; `high` is finished.
void value_mix_into(struct usd_value *low, struct usd_value *high, double t);

// Neighbours of t among ascending times, count > 0. Both the same on a sample and outside of the range.
void times_bracket(const double *times, size_t count, double t, size_t *low, size_t *high);
bool times_are_one(double a, double b);
// Value at a time of the layer; samples must not be empty. false: blocked. `out` is finished by the caller.
bool samples_value(const struct usd_stage *s, const struct layer *l, const struct samples *x, double t, struct usd_value *out);
