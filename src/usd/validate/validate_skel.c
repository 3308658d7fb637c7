// Skeletons, animations, skinned geometry, blend shapes.
#include <math.h>
#include <string.h>

#include "validate.h"

static const usd_property *find(const usd_prim *p, const char *name) { return usd_prim_find_property(p, name); }

static void check_counts(struct usd_stage *s, const usd_prim *p, const char *of, const char *const *names)
{
    size_t n = validate_count(p, of);
    for (; *names; names++)
        if (validate_count(p, *names) != n && validate_count(p, *names))
            PROPERTY_FINDING(s, find(p, *names), USD_ERROR, "skeleton", "export it again: the arrays go together", "%zu elements for %zu %s", validate_count(p, *names), n, of);
}

static const usd_prim *bound_skeleton(const usd_prim *p)
{
    for (; p; p = usd_prim_parent(p)) {
        const usd_property *q = find(p, "skel:skeleton");
        if (usd_rel_target_count(q))
            return usd_stage_find(usd_prim_stage(p), usd_rel_target(q, 0));
    }
    return NULL;
}

static bool below(const usd_prim *p, const char *type)
{
    for (; p; p = usd_prim_parent(p))
        if (!strcmp(usd_prim_type_name(p), type))
            return true;
    return false;
}

// Weights of one point add up to 1.
static void check_weights(struct usd_stage *s, const usd_prim *p, const usd_property *q, size_t joints)
{
    struct usd_value w, ix;
    double each = 1;
    struct usd_value size;
    if (usd_property_metadata(q, "elementSize", &size))
        usd_value_doubles(&size, 0, &each, 1);
    usd_value_finish(&size);
    bool has = validate_value(p, "primvars:skel:jointWeights", &w);
    if (validate_value(p, "primvars:skel:jointIndices", &ix) && ix.type == USD_TYPE_INT) {
        size_t bad = 0;
        for (size_t i = 0; i < ix.count; i++)
            bad += ((const int32_t *)ix.data)[i] < 0 || (size_t)((const int32_t *)ix.data)[i] >= joints;
        if (joints && bad)
            PROPERTY_FINDING(s, find(p, "primvars:skel:jointIndices"), USD_ERROR, "skeleton", "bind it to the skeleton it was made for", "%zu of %zu indices lie outside of the %zu joints", bad, ix.count, joints);
        if (has && w.count != ix.count)
            PROPERTY_FINDING(s, q, USD_ERROR, "skeleton", "give one weight per index", "%zu weights for %zu joint indices", w.count, ix.count);
    }
    size_t off = 0, points = each >= 1 ? w.count / (size_t)each : 0;
    for (size_t i = 0; has && i < points; i++) {
        double sum = 0, d = 0;
        for (size_t k = 0; k < (size_t)each && usd_value_doubles(&w, i * (size_t)each + k, &d, 1); k++)
            sum += d;
        off += !(fabs(sum - 1) < 1e-2);
    }
    if (off)
        PROPERTY_FINDING(s, q, USD_WARNING, "not-normalised", "divide the weights of each point by their sum", "the weights of %zu of %zu points do not add up to 1", off, points);
    usd_value_finish(&w);
    usd_value_finish(&ix);
}

static void check_skinned(struct usd_stage *s, const usd_prim *p)
{
    const usd_property *weights = find(p, "primvars:skel:jointWeights"), *skeleton = find(p, "skel:skeleton");
    if (usd_rel_target_count(skeleton)) {
        const usd_prim *to = usd_stage_find(usd_prim_stage(p), usd_rel_target(skeleton, 0));
        if (to && strcmp(usd_prim_type_name(to), "Skeleton"))
            PROPERTY_FINDING(s, skeleton, USD_ERROR, "skeleton", "point at a Skeleton", "its target <%s> is a %s, not a Skeleton", usd_rel_target(skeleton, 0),
                             *usd_prim_type_name(to) ? usd_prim_type_name(to) : "prim without a type");
    }
    if (!weights || !usd_prim_is_a(p, "Gprim"))
        return;
    if (!below(p, "SkelRoot"))
        PRIM_FINDING(s, p, USD_WARNING, "skeleton", "put a SkelRoot above the skinned geometry and its skeleton", "skinned geometry without a SkelRoot above it is not deformed");
    const usd_prim *k = bound_skeleton(p);
    size_t own        = validate_count(p, "skel:joints");
    if (!k)
        PRIM_FINDING(s, p, USD_WARNING, "skeleton", "target a Skeleton with skel:skeleton", "it has joint weights, but no skeleton is bound to it");
    else
        check_weights(s, p, weights, own ? own : validate_count(k, "joints"));
}

void validate_skeleton(struct usd_stage *s, const usd_prim *p)
{
    const char *type = usd_prim_type_name(p);
    if (!strcmp(type, "Skeleton"))
        check_counts(s, p, "joints", (const char *const[]) { "bindTransforms", "restTransforms", "jointNames", NULL });
    if (!strcmp(type, "SkelAnimation")) {
        check_counts(s, p, "joints", (const char *const[]) { "translations", "rotations", "scales", NULL });
        check_counts(s, p, "blendShapes", (const char *const[]) { "blendShapeWeights", NULL });
    }
    if (!strcmp(type, "BlendShape")) {
        if (validate_count(p, "pointIndices"))
            check_counts(s, p, "pointIndices", (const char *const[]) { "offsets", "normalOffsets", NULL });
        if (!validate_count(p, "offsets"))
            PRIM_FINDING(s, p, USD_WARNING, "skeleton", "author offsets", "a blend shape without offsets does nothing");
    }
    const usd_property *names = find(p, "skel:blendShapes"), *targets = find(p, "skel:blendShapeTargets");
    if (names && targets && validate_count(p, "skel:blendShapes") != usd_rel_target_count(targets))
        PROPERTY_FINDING(s, targets, USD_ERROR, "skeleton", "give one target per name", "%zu targets for %zu blend shapes", usd_rel_target_count(targets), validate_count(p, "skel:blendShapes"));
    check_skinned(s, p);
}
