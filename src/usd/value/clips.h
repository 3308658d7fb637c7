// Value clips: time samples of a prim and its descendants that lie in layers of their own, one clip after the other.
#pragma once

#include "stage.h"

// A place in strength order below one prim: node, then layer of its stack.
typedef uint32_t clip_site;
static inline clip_site clip_site_at(uint16_t node, uint16_t layer) { return (clip_site)node << 16 | layer; }

struct clip_set;
// An attribute that a clip set has values for.
struct clip_hit {
    struct clip_set *set;
    usd_tok prim_path, name; // in the clips
    usd_tok type;            // as the stage declares it
};

// True when the prim or one above it has clips. Cheap where no layer of the stage has any.
bool clips_affect(const struct usd_prim *p);
// The strongest clip set for the attribute that was introduced at a site of [from, to).
bool clips_find(const usd_property *q, clip_site from, clip_site to, struct clip_hit *out);

bool clips_value(struct usd_stage *s, const struct clip_hit *h, double time, struct usd_value *out);
// Times of the stage, ascending: samples, entries of `times`, starts of clips. Copies up to `max`; returns how many.
size_t clips_times(struct usd_stage *s, const struct clip_hit *h, double *times, size_t max);
bool clips_might_vary(struct usd_stage *s, const struct clip_hit *h);

void clips_init(struct clip_cache *c);
void clips_finish(struct clip_cache *c);
// Forgets which prims have which clips: after prims were composed anew.
void clips_forget(struct usd_stage *s);
