// World bounds of subtrees.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "extent.h"
#include "matrix.h"

#define MAX_DEPTH 1000

struct walk {
    double time;
    unsigned purposes;
    bool resets;            // something below ignores the transforms above it
    struct hash_map boxes;  // (prototype's prim, purpose) -> struct usd_bounds, in the space of its instances
};

static void subtree(struct walk *w, const usd_prim *p, enum usd_purpose purpose, const double m[16], struct usd_bounds *out, int depth);

// purposes of pairs in extentsHint: default, render, proxy, guide.
static bool add_hint(const struct walk *w, const usd_prim *p, const double m[16], struct usd_bounds *out)
{
    struct usd_bounds box;
    bool hinted = false;
    if (!usd_prim_find_property(p, "extentsHint") || !usd_prim_is_model(p))
        return false;
    for (size_t i = 0; i < 4; i++)
        if (extent_authored(p, "extentsHint", w->time, i, &box)) {
            hinted = true;
            if (w->purposes & 1u << i)
                bounds_add_box(out, &box, m);
        }
    return hinted;
}

static void add_ids(struct hash_map *ids, const struct usd_value *v)
{
    for (size_t i = 0; i < v->count; i++) {
        double d = 0;
        if (usd_value_doubles(v, i, &d, 1) && fabs(d) < 9e18)
            hash_map_put(ids, (uint64_t)(int64_t)d, 1);
    }
}

// The ids that are not drawn: invisibleIds at this time and the inactiveIds metadata.
static struct hash_map hidden_ids(const struct walk *w, const usd_prim *p)
{
    struct hash_map ids = { 0 };
    struct usd_value v;
    if (usd_attr_get(usd_prim_find_property(p, "invisibleIds"), w->time, &v))
        add_ids(&ids, &v);
    usd_value_finish(&v);
    if (usd_prim_metadata(p, "inactiveIds", &v))
        add_ids(&ids, &v);
    usd_value_finish(&v);
    return ids;
}

static void instance_matrix(const struct usd_value *pos, const struct usd_value *orient, const struct usd_value *scale, size_t i, double t[16])
{
    double r[16], q[4], v[3];
    memcpy(t, matrix_identity, 16 * sizeof(*t));
    if (usd_value_doubles(scale, i, v, 3))
        t[0] = v[0], t[5] = v[1], t[10] = v[2];
    if (usd_value_doubles(orient, i, q, 4)) {
        matrix_from_quat(q, r);
        matrix_multiply(t, r, t);
    }
    if (usd_value_doubles(pos, i, v, 3))
        t[12] += v[0], t[13] += v[1], t[14] += v[2];
}

static struct usd_bounds *prototype_boxes(struct walk *w, const usd_prim *p, enum usd_purpose purpose, size_t *count, int depth)
{
    const usd_property *protos = usd_prim_find_property(p, "prototypes");
    *count                     = usd_rel_target_count(protos);
    struct usd_bounds *boxes   = calloc(*count + 1, sizeof(*boxes));
    for (size_t i = 0; boxes && i < *count; i++) {
        boxes[i]              = bounds_nothing;
        const usd_prim *proto = usd_stage_find(prim_stage(p), usd_rel_target(protos, i));
        double own[16];
        usd_prim_local_matrix(proto, w->time, own, NULL); // a prototype keeps its own transform
        if (proto && proto->parent)
            subtree(w, proto, purpose, own, &boxes[i], depth + 1);
    }
    return boxes;
}

// Each prototype's bounds under each instance's transform.
static void of_instancer(struct walk *w, const usd_prim *p, enum usd_purpose purpose, const double m[16], struct usd_bounds *out, int depth)
{
    struct usd_value index, pos, orient, scale, ids;
    size_t count             = 0;
    struct usd_bounds *boxes = prototype_boxes(w, p, purpose, &count, depth);
    bool ok                  = usd_attr_get(usd_prim_find_property(p, "protoIndices"), w->time, &index) && boxes;
    usd_attr_get(usd_prim_find_property(p, "positions"), w->time, &pos);
    if (!usd_attr_get(usd_prim_find_property(p, "orientationsf"), w->time, &orient) || !orient.count) {
        usd_value_finish(&orient);
        usd_attr_get(usd_prim_find_property(p, "orientations"), w->time, &orient);
    }
    usd_attr_get(usd_prim_find_property(p, "scales"), w->time, &scale);
    usd_attr_get(usd_prim_find_property(p, "ids"), w->time, &ids);
    struct hash_map hidden = hidden_ids(w, p);
    for (size_t i = 0; ok && i < index.count; i++) {
        double d = -1, t[16], id = (double)i;
        usd_value_doubles(&index, i, &d, 1);
        if (ids.count == index.count)
            usd_value_doubles(&ids, i, &id, 1);
        if (!(d >= 0 && d < (double)count) || (hidden.count && hash_map_get(&hidden, (uint64_t)(int64_t)id)))
            continue;
        instance_matrix(&pos, &orient, &scale, i, t);
        matrix_multiply(t, m, t);
        bounds_add_box(out, &boxes[(size_t)d], t);
    }
    struct usd_value *const all[] = { &index, &pos, &orient, &scale, &ids };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        usd_value_finish(all[i]);
    hash_map_finish(&hidden);
    free(boxes);
}

static void children(struct walk *w, const usd_prim *p, enum usd_purpose purpose, const double m[16], struct usd_bounds *out, int depth)
{
    for (const usd_prim *c = usd_prim_first_child(p); c; c = c->next_sibling) {
        double local[16];
        bool resets;
        bool has = usd_prim_local_matrix(c, w->time, local, &resets);
        w->resets |= has && resets;
        if (has && !resets)
            matrix_multiply(local, m, local);
        subtree(w, c, purpose, has ? local : m, out, depth + 1);
    }
}

// What is below an instance is measured once for all instances of its prototype.
static void of_instance(struct walk *w, const usd_prim *p, enum usd_purpose purpose, const double m[16], struct usd_bounds *out, int depth)
{
    uint64_t key          = (uintptr_t)usd_prim_in_prototype(p) ^ ((uint64_t)purpose << 56);
    uint64_t *known       = hash_map_get(&w->boxes, key);
    struct usd_bounds *box = known ? (struct usd_bounds *)(uintptr_t)*known : NULL;
    if (!box) {
        bool resets = w->resets;
        w->resets   = false;
        box         = malloc(sizeof(*box));
        if (box)
            *box = bounds_nothing;
        if (box)
            children(w, p, purpose, matrix_identity, box, depth);
        bool usable = box && !w->resets && hash_map_put(&w->boxes, key, (uintptr_t)box);
        w->resets |= resets;
        if (!usable) {
            free(box);
            children(w, p, purpose, m, out, depth);
            return;
        }
    }
    bounds_add_box(out, box, m);
}

// Bounds of p and below in the space that m leads to; m is p's own matrix to there.
static void subtree(struct walk *w, const usd_prim *p, enum usd_purpose purpose, const double m[16], struct usd_bounds *out, int depth)
{
    if (depth > MAX_DEPTH || !usd_prim_is_traversable(p))
        return;
    struct usd_bounds box;
    const char *name, *type = usd_prim_type_name(p);
    if (*type && usd_prim_is_a(p, "Imageable")) {
        if (usd_attr_get_token(usd_prim_find_property(p, "visibility"), w->time, &name) && !strcmp(name, "invisible"))
            return;
        if (usd_attr_get_token(usd_prim_find_property(p, "purpose"), USD_TIME_DEFAULT, &name))
            purpose = purpose_from(name);
        if (add_hint(w, p, m, out))
            return;
        bool wanted = purpose & w->purposes, boundable = usd_prim_is_a(p, "Boundable");
        if (boundable && extent_authored(p, "extent", w->time, 0, &box)) { // holds for what is below as well
            if (wanted)
                bounds_add_box(out, &box, m);
            return;
        }
        if (!strcmp(type, "PointInstancer")) {
            of_instancer(w, p, purpose, m, out, depth);
            return; // prototypes below it are not drawn by themselves
        }
        if (wanted && boundable && extent_computed(p, w->time, &box))
            bounds_add_box(out, &box, m);
    }
    if (usd_prim_is_instance(p))
        of_instance(w, p, purpose, m, out, depth);
    else
        children(w, p, purpose, m, out, depth);
}

bool usd_prim_world_bounds(const usd_prim *p, double time, unsigned purposes, struct usd_bounds *out)
{
    *out = bounds_nothing;
    if (!p)
        return false;
    double m[16];
    struct walk w = { .time = time, .purposes = purposes };
    usd_prim_world_matrix(p, time, m);
    subtree(&w, p, p->parent ? usd_prim_purpose(p->parent) : USD_PURPOSE_DEFAULT, m, out, 0);
    uint64_t key, value;
    for (size_t at = 0; hash_map_next(&w.boxes, &at, &key, &value);)
        free((void *)(uintptr_t)value);
    hash_map_finish(&w.boxes);
    return !bounds_empty(out);
}
