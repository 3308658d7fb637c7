// Point instancers: prototypes flattened to gprims with a matrix each, then placed at every point.
// UsdGeomPointInstancer: an instance's matrix is scale, rotation, translation; the prototype root's own
// transform comes first.

#include <stdlib.h>
#include <string.h>

#include "draw_internal.h"
#include "log.h"

#define MAX_NESTING 8 // instancers inside prototypes of instancers

// A gprim of a flattened prototype.
struct part {
    uint32_t prim, geometry;
    bool visible;
    double matrix[16]; // to the prototype's parent
};

struct parts {
    ARRAY_OF(struct part);
};

struct points {
    struct attr_value indices, positions, orientations, scales, invisible, ids;
};

static void read_named(const struct stage *s, uint32_t prim, const char *name, struct attr_value *out)
{
    if (!attr_read(s, prim, paths_token(s->paths, name, strlen(name)), out))
        out->count = 0;
}

static void finish_points(struct points *p)
{
    attr_finish(&p->indices);
    attr_finish(&p->positions);
    attr_finish(&p->orientations);
    attr_finish(&p->scales);
    attr_finish(&p->invisible);
    attr_finish(&p->ids);
}

static double float_at(const struct attr_value *v, size_t i)
{
    switch (v->type.dtype.bits) {
    case 16: return (double)usd_half_to_float(((const uint16_t *)v->data)[i]);
    case 32: return (double)((const float *)v->data)[i];
    default: return ((const double *)v->data)[i];
    }
}

static bool hidden(const struct points *p, size_t i)
{
    int64_t id = p->ids.count > i && p->ids.type.dtype.bits == 64 ? ((const int64_t *)p->ids.data)[i] : (int64_t)i;
    for (size_t k = 0; k < p->invisible.count && p->invisible.type.dtype.bits == 64; k++) {
        if (((const int64_t *)p->invisible.data)[k] == id)
            return true;
    }
    return false;
}

static void instance_matrix(const struct points *p, size_t i, double out[16])
{
    double t[3], q[4] = { 0, 0, 0, 1 }, scale[3] = { 1, 1, 1 };
    for (size_t k = 0; k < 3; k++)
        t[k] = float_at(&p->positions, i * 3 + k);
    if (p->orientations.count > i && p->orientations.type.dtype.lanes == 4) {
        for (size_t k = 0; k < 4; k++)
            q[k] = float_at(&p->orientations, i * 4 + k);
    }
    if (p->scales.count > i && p->scales.type.dtype.lanes == 3) {
        for (size_t k = 0; k < 3; k++)
            scale[k] = float_at(&p->scales, i * 3 + k);
    }
    matrix_from_trs(out, t, q, scale);
}

static int flatten_instancer(struct draw *d, uint32_t prim, const double parent[16], bool visible, int depth,
                             struct parts *out, struct op *op);

// Appends the gprims of a subtree. `matrix` places the subtree's root's parent.
static int flatten(struct draw *d, uint32_t prim, const double parent[16], bool visible, int depth, struct parts *out,
                   struct op *op)
{
    const struct stage *s      = d->stage;
    const struct stage_prim *p = &s->prims.items[prim];
    double matrix[16], local[16];
    bool resets;
    memcpy(matrix, parent, sizeof(matrix));
    if (p->has_transform) {
        stage_local_matrix(s, prim, local, &resets);
        matrix_mul(matrix, local, parent);
    }
    const char *token = "";
    if (p->has_transform && stage_get_token(s, prim, "visibility", &token) && !strcmp(token, "invisible"))
        visible = false;
    if (p->has_transform && stage_get_token(s, prim, "purpose", &token) && (!strcmp(token, "proxy") || !strcmp(token, "guide")))
        return 0;
    if (p->kind == PRIM_POINT_INSTANCER)
        return flatten_instancer(d, prim, matrix, visible, depth + 1, out, op);
    if (stage_is_drawable(p->kind)) {
        struct part part = { .prim = prim, .visible = visible };
        memcpy(part.matrix, matrix, sizeof(matrix));
        if (out->count >= DRAW_MAX_INSTANCES || !array_push(out, part))
            return op_fail(op, "%s: more than %u instances, or out of memory", stage_path_text(s, prim), DRAW_MAX_INSTANCES);
    }
    for (uint32_t c = p->first_child; c; c = s->prims.items[c].next_sibling) {
        if (flatten(d, c, matrix, visible, depth, out, op))
            return -1;
    }
    return 0;
}

static size_t prototype_list(const struct draw *d, uint32_t prim, uint32_t *out, size_t max)
{
    size_t n = 0;
    for (uint32_t path; n < max && (path = stage_get_target(d->stage, prim, "prototypes", n)); n++)
        out[n] = stage_find(d->stage, path);
    return n;
}

#define MAX_PROTOTYPES 4096

static int flatten_instancer(struct draw *d, uint32_t prim, const double matrix[16], bool visible, int depth,
                             struct parts *out, struct op *op)
{
    const struct stage *s = d->stage;
    if (depth > MAX_NESTING) {
        log_warn("ovrtx.geometry", "%s: point instancers nest more than %d deep; left out", stage_path_text(s, prim), MAX_NESTING);
        return 0;
    }
    static const double identity[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    struct points p = { 0 };
    uint32_t *prototypes   = malloc(MAX_PROTOTYPES * sizeof(*prototypes));
    struct parts *flat     = NULL;
    size_t prototype_count = prototypes ? prototype_list(d, prim, prototypes, MAX_PROTOTYPES) : 0, skipped = 0;
    int rc = 0;
    read_named(s, prim, "protoIndices", &p.indices);
    read_named(s, prim, "positions", &p.positions);
    read_named(s, prim, "orientationsf", &p.orientations);
    if (!p.orientations.count) {
        attr_finish(&p.orientations);
        read_named(s, prim, "orientations", &p.orientations);
    }
    read_named(s, prim, "scales", &p.scales);
    read_named(s, prim, "invisibleIds", &p.invisible);
    read_named(s, prim, "ids", &p.ids);
    if (!prototype_count || !p.indices.count || p.indices.type.dtype.bits != 32 || p.positions.type.dtype.lanes != 3) {
        log_info("ovrtx.geometry", "%s: no prototypes or no points, nothing to draw", stage_path_text(s, prim));
        goto done;
    }
    flat = calloc(prototype_count, sizeof(*flat));
    if (!flat) {
        rc = op_fail(op, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < prototype_count && !rc; i++)
        rc = prototypes[i] ? flatten(d, prototypes[i], identity, true, depth, &flat[i], op) : 0;

    for (size_t i = 0; i < p.indices.count && i < p.positions.count && !rc; i++) {
        int32_t which = ((const int32_t *)p.indices.data)[i];
        if (which < 0 || (size_t)which >= prototype_count) {
            skipped++;
            continue;
        }
        double at[16];
        instance_matrix(&p, i, at);
        matrix_mul(at, at, matrix);
        bool shown = visible && !hidden(&p, i);
        for (size_t k = 0; k < flat[which].count && !rc; k++) {
            struct part part = flat[which].items[k];
            matrix_mul(part.matrix, part.matrix, at);
            part.visible = part.visible && shown;
            if (out->count >= DRAW_MAX_INSTANCES || !array_push(out, part))
                rc = op_fail(op, "%s: more than %u instances, or out of memory", stage_path_text(s, prim), DRAW_MAX_INSTANCES);
        }
    }
    if (skipped)
        log_warn("ovrtx.geometry", "%s: %zu protoIndices name no prototype", stage_path_text(s, prim), skipped);
done:
    for (size_t i = 0; flat && i < prototype_count; i++)
        array_free(&flat[i]);
    free(flat);
    free(prototypes);
    finish_points(&p);
    return rc;
}

int draw_instancer(struct draw *d, uint32_t prim, const struct inherited *state, ovrtx_renderer_t *r, struct op *op)
{
    static const double identity[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };
    struct parts parts = { 0 };
    struct geometry_request *requests = NULL;
    int rc = flatten_instancer(d, prim, identity, true, 0, &parts, op);
    if (!rc && parts.count) {
        requests = calloc(parts.count, sizeof(*requests));
        rc       = requests ? 0 : op_fail(op, "out of memory");
        for (size_t i = 0; i < parts.count && !rc; i++)
            requests[i].prim = parts.items[i].prim;
        if (!rc)
            rc = geometries_acquire(d, requests, parts.count, r, op);
        for (size_t i = 0; i < parts.count && !rc; i++) {
            if (requests[i].geometry)
                rc = place(d, prim, parts.items[i].prim, requests[i].geometry, parts.items[i].matrix, parts.items[i].visible, state, r, op);
        }
    }
    free(requests);
    array_free(&parts);
    return rc;
}
