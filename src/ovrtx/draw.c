#include "draw.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "draw_internal.h"
#include "log.h"

#define SUBTREE_CHANGES \
    (CHANGE_TRANSFORM | CHANGE_VISIBILITY | CHANGE_GROUP | CHANGE_PICKABLE | CHANGE_SEMANTICS | CHANGE_BINDING)

struct draw *draw_create(struct stage *stage)
{
    struct draw *d = calloc(1, sizeof(*d));
    if (d) {
        d->stage = stage;
        d->pool  = thread_pool_create(0, "ovrtx-load"); // NULL is fine: the work is done here then
    }
    return d;
}

void draw_set_scene(struct draw *d, struct render_scene *scene) { d->scene = scene; }

void draw_clear(struct draw *d)
{
    if (d->scene)
        render_scene_clear(d->scene);
    for (size_t i = 0; i < d->materials.count; i++)
        array_free(&d->materials.items[i].primvars);
    array_clear(&d->geometries);
    array_clear(&d->placed);
    array_clear(&d->matrices);
    array_clear(&d->free_placed);
    array_clear(&d->free_geometries);
    array_clear(&d->materials);
    array_clear(&d->lights);
    array_clear(&d->textures);
    array_clear(&d->labels);
    hash_map_clear(&d->geometry_by_key);
    hash_map_clear(&d->placed_by_owner);
    hash_map_clear(&d->material_by_key);
    hash_map_clear(&d->light_by_prim);
    hash_map_clear(&d->texture_by_name);
    hash_map_clear(&d->label_by_token);
    hash_map_clear(&d->slots_by_prim);
    array_clear(&d->slot_ranges);
    array_clear(&d->slot_ids);
    d->next_instance_id = 0;
    d->placed_count     = 0;
}

void draw_destroy(struct draw **pd)
{
    struct draw *d = *pd;
    if (!d)
        return;
    draw_clear(d);
    array_free(&d->geometries);
    array_free(&d->placed);
    array_free(&d->matrices);
    array_free(&d->free_placed);
    array_free(&d->free_geometries);
    array_free(&d->materials);
    array_free(&d->lights);
    array_free(&d->textures);
    array_free(&d->labels);
    hash_map_finish(&d->geometry_by_key);
    hash_map_finish(&d->placed_by_owner);
    hash_map_finish(&d->material_by_key);
    hash_map_finish(&d->light_by_prim);
    hash_map_finish(&d->texture_by_name);
    hash_map_finish(&d->label_by_token);
    hash_map_finish(&d->slots_by_prim);
    array_free(&d->slot_ranges);
    array_free(&d->slot_ids);
    thread_pool_destroy(&d->pool);
    free(d);
    *pd = NULL;
}

// ---------------------------------------------------------------------------------------------
// What prims get from above

void inherited_root(struct inherited *out)
{
    *out = (struct inherited) { .visible = true, .drawn = true, .pickable = true };
    matrix_identity(out->world);
}

void inherited_step(struct draw *d, uint32_t prim, struct inherited *state)
{
    const struct stage *s      = d->stage;
    const struct stage_prim *p = &s->prims.items[prim];
    const char *token          = "";
    if (p->has_transform) {
        double local[16];
        bool resets;
        stage_local_matrix(s, prim, local, &resets);
        if (resets)
            memcpy(state->world, local, sizeof(local));
        else
            matrix_mul(state->world, local, state->world);
    }
    if (p->overrides || usd_prim_find_property(p->usd, "visibility")) {
        if (stage_get_token(s, prim, "visibility", &token) && !strcmp(token, "invisible"))
            state->visible = false;
    }
    if (stage_override(s, prim, s->names.purpose) || usd_prim_find_property(p->usd, "purpose")) {
        if (stage_get_token(s, prim, "purpose", &token))
            state->drawn = strcmp(token, "proxy") && strcmp(token, "guide");
    }
    if (p->pickable)
        state->pickable = p->pickable == 2;
    if (p->outline_group)
        state->group = p->outline_group;
    state->semantic = semantic_id(d, prim, state->semantic);
}

void inherited_of(struct draw *d, uint32_t prim, struct inherited *out)
{
    uint32_t chain[1024];
    size_t n = 0;
    for (uint32_t p = prim; p && n < 1024; p = d->stage->prims.items[p].parent)
        chain[n++] = p;
    inherited_root(out);
    while (n--)
        inherited_step(d, chain[n], out);
}

// The nearest point instancer above a prim: changes below it rebuild it.
static uint32_t instancer_above(const struct stage *s, uint32_t prim)
{
    for (uint32_t p = s->prims.items[prim].parent; p; p = s->prims.items[p].parent) {
        if (s->prims.items[p].kind == PRIM_POINT_INSTANCER)
            return p;
    }
    return 0;
}

// ---------------------------------------------------------------------------------------------
// Placing

static const double *relative_matrix(const struct draw *d, const struct placed *p)
{
    return p->matrix ? d->matrices.items[p->matrix - 1].m : NULL;
}

static void world_of(const struct draw *d, const struct placed *p, const struct inherited *state, double out[16])
{
    const double *relative = relative_matrix(d, p);
    if (relative)
        matrix_mul(out, relative, state->world);
    else
        memcpy(out, state->world, 16 * sizeof(double));
}

static void forget_slots(struct draw *d)
{
    hash_map_clear(&d->slots_by_prim);
    array_clear(&d->slot_ranges);
    array_clear(&d->slot_ids);
}

// The slots of a gprim from memory, else from its bindings. NULL: out of memory.
static const render_id *slots_of(struct draw *d, uint32_t prim, size_t subset_count, size_t *count, ovrtx_renderer_t *r)
{
    uint64_t *known = hash_map_get(&d->slots_by_prim, prim);
    if (!known) {
        render_id slots[DRAW_MAX_SLOTS];
        size_t n = material_slots(d, prim, subset_count, slots, r);
        struct slot_range range = { (uint32_t)d->slot_ids.count, (uint32_t)n };
        if (!array_append(&d->slot_ids, slots, n) || !array_push(&d->slot_ranges, range)
            || !hash_map_put(&d->slots_by_prim, prim, d->slot_ranges.count - 1))
            return NULL;
        known = hash_map_get(&d->slots_by_prim, prim);
    }
    const struct slot_range *range = &d->slot_ranges.items[*known];
    *count = range->count;
    return d->slot_ids.items + range->first;
}

int place(struct draw *d, uint32_t owner, uint32_t prim, uint32_t geometry, const double *relative, bool visible,
          const struct inherited *state, ovrtx_renderer_t *r, struct op *op)
{
    size_t slot_count;
    const struct geometry *g = &d->geometries.items[geometry - 1];
    const render_id *slots   = slots_of(d, prim, g->subset_count, &slot_count, r);
    struct placed p          = { .owner = owner, .prim = prim, .geometry = geometry };
    if (!slots)
        return op_fail(op, "out of memory");
    if (d->placed_count >= DRAW_MAX_INSTANCES)
        return op_fail(op, "the stage has more than %u instances", DRAW_MAX_INSTANCES);
    if (relative) {
        struct matrix m;
        memcpy(m.m, relative, sizeof(m.m));
        if (!array_push(&d->matrices, m))
            return op_fail(op, "out of memory");
        p.matrix = (uint32_t)d->matrices.count;
    }
    struct render_instance_desc desc = {
        .mesh = g->mesh, .materials = slots, .material_count = slot_count,
        .instance_id = ++d->next_instance_id, .semantic_id = state->semantic,
        .user = d->stage->prims.items[owner].path, .visible = visible && state->visible && state->drawn,
        .pickable = state->pickable, .outline_group = state->group,
    };
    world_of(d, &p, state, desc.transform);
    int rc = render_instance_create(d->scene, &desc, &p.instance);
    if (rc < 0) {
        log_warn("ovrtx.geometry", "%s: cannot be placed (code %d)", stage_path_text(d->stage, prim), rc);
        geometry_release(d, geometry);
        return 0;
    }
    uint64_t *head = hash_map_get(&d->placed_by_owner, owner);
    p.next         = head ? (uint32_t)*head : 0;
    uint32_t index;
    if (d->free_placed.count) {
        index                  = d->free_placed.items[--d->free_placed.count];
        d->placed.items[index] = p;
    } else {
        index = (uint32_t)d->placed.count;
        if (!array_push(&d->placed, p))
            return op_fail(op, "out of memory");
    }
    d->placed_count++;
    return hash_map_put(&d->placed_by_owner, owner, index + 1) ? 0 : op_fail(op, "out of memory");
}

void unplace_owner(struct draw *d, uint32_t owner)
{
    uint64_t *head = hash_map_get(&d->placed_by_owner, owner);
    for (uint32_t i = head ? (uint32_t)*head : 0; i;) {
        struct placed *p = &d->placed.items[i - 1];
        uint32_t next    = p->next;
        render_instance_destroy(d->scene, p->instance);
        geometry_release(d, p->geometry);
        *p = (struct placed) { 0 };
        array_push(&d->free_placed, i - 1);
        d->placed_count--;
        i = next;
    }
    hash_map_remove(&d->placed_by_owner, owner);
}

// ---------------------------------------------------------------------------------------------
// Filling: one walk collects, then geometries are made in parallel, then everything is placed

struct found {
    uint32_t prim;
    struct inherited state;
};

struct collected {
    struct {
        ARRAY_OF(struct found);
    } gprims, instancers;
};

static int collect(struct draw *d, uint32_t prim, struct inherited state, struct collected *out, struct op *op)
{
    const struct stage *s = d->stage;
    if (prim)
        inherited_step(d, prim, &state);
    enum prim_kind kind = s->prims.items[prim].kind;
    bool ok             = true;
    if (stage_is_drawable(kind))
        ok = array_push(&out->gprims, (struct found) { prim, state });
    else if (kind == PRIM_POINT_INSTANCER)
        ok = array_push(&out->instancers, (struct found) { prim, state });
    else if (kind == PRIM_LIGHT)
        ok = !light_set(d, prim, &state);
    else if (kind == PRIM_UNSUPPORTED_GEOMETRY)
        log_warn("ovrtx.geometry", "%s: %s is not supported yet and not drawn", stage_path_text(s, prim), stage_type_text(s, prim));
    if (!ok)
        return op_fail(op, "out of memory");
    if (kind == PRIM_POINT_INSTANCER) // what is below are its prototypes
        return 0;
    for (uint32_t c = s->prims.items[prim].first_child; c; c = s->prims.items[c].next_sibling) {
        if (collect(d, c, state, out, op))
            return -1;
    }
    return 0;
}

static int add_subtree(struct draw *d, uint32_t prim, ovrtx_renderer_t *r, struct op *op)
{
    struct inherited state;
    struct collected found = { 0 };
    inherited_root(&state);
    if (prim)
        inherited_of(d, d->stage->prims.items[prim].parent, &state);
    int rc = collect(d, prim, state, &found, op);
    struct geometry_request *requests = NULL;
    size_t count = found.gprims.count;
    if (!rc && count) {
        requests = calloc(count, sizeof(*requests));
        rc       = requests ? 0 : op_fail(op, "out of memory");
        for (size_t i = 0; i < count && !rc; i++)
            requests[i].prim = found.gprims.items[i].prim;
        if (!rc)
            rc = geometries_acquire(d, requests, count, r, op);
        for (size_t i = 0; i < count && !rc; i++) {
            const struct found *f = &found.gprims.items[i];
            if (requests[i].geometry)
                rc = place(d, f->prim, f->prim, requests[i].geometry, NULL, true, &f->state, r, op);
        }
    }
    for (size_t i = 0; i < found.instancers.count && !rc; i++)
        rc = draw_instancer(d, found.instancers.items[i].prim, &found.instancers.items[i].state, r, op);
    free(requests);
    array_free(&found.gprims);
    array_free(&found.instancers);
    return rc;
}

static void forget_changes(struct stage *s)
{
    for (size_t i = 0; i < s->changed.count; i++)
        s->prims.items[s->changed.items[i]].changes = 0;
    array_clear(&s->changed);
}

int draw_populate(struct draw *d, ovrtx_renderer_t *r, struct op *op)
{
    int64_t start = clock_mono_ns();
    forget_changes(d->stage);
    forget_slots(d);
    render_scene_set_meters_per_unit(d->scene, d->stage->meters_per_unit);
    int rc         = add_subtree(d, 0, r, op);
    d->populate_ms = (float)(clock_mono_ns() - start) * 1e-6f;
    log_info("ovrtx.stage", "%zu instances of %zu meshes, %zu materials, %zu textures, %zu lights in %.0f ms", d->placed_count,
             d->geometries.count - d->free_geometries.count, d->materials.count, d->textures.count, d->lights.count,
             (double)d->populate_ms);
    return rc;
}

// ---------------------------------------------------------------------------------------------
// Changes

// A gprim or a point instancer again from the start; what is below a gprim stays.
static int rebuild_owner(struct draw *d, uint32_t prim, ovrtx_renderer_t *r, struct op *op)
{
    struct inherited state;
    struct geometry_request request = { .prim = prim };
    unplace_owner(d, prim);
    inherited_of(d, prim, &state);
    if (d->stage->prims.items[prim].kind == PRIM_POINT_INSTANCER)
        return draw_instancer(d, prim, &state, r, op);
    if (geometries_acquire(d, &request, 1, r, op))
        return -1;
    return request.geometry ? place(d, prim, prim, request.geometry, NULL, true, &state, r, op) : 0;
}

static void update_owner(struct draw *d, uint32_t owner, const struct inherited *state, uint32_t changes, ovrtx_renderer_t *r)
{
    uint64_t *head = hash_map_get(&d->placed_by_owner, owner);
    for (uint32_t i = head ? (uint32_t)*head : 0; i; i = d->placed.items[i - 1].next) {
        const struct placed *p = &d->placed.items[i - 1];
        if (changes & CHANGE_TRANSFORM) {
            double world[16];
            world_of(d, p, state, world);
            render_instance_set_transform(d->scene, p->instance, world);
        }
        if (changes & CHANGE_VISIBILITY)
            render_instance_set_visible(d->scene, p->instance, state->visible && state->drawn);
        if (changes & CHANGE_GROUP)
            render_instance_set_outline_group(d->scene, p->instance, state->group);
        if (changes & CHANGE_PICKABLE)
            render_instance_set_pickable(d->scene, p->instance, state->pickable);
        if (changes & CHANGE_SEMANTICS)
            render_instance_set_semantic(d->scene, p->instance, state->semantic);
        if (changes & CHANGE_BINDING) {
            render_id slots[DRAW_MAX_SLOTS];
            size_t count = material_slots(d, p->prim, d->geometries.items[p->geometry - 1].subset_count, slots, r);
            render_instance_set_materials(d->scene, p->instance, slots, count);
        }
    }
}

static void update_subtree(struct draw *d, uint32_t prim, struct inherited state, uint32_t changes, ovrtx_renderer_t *r)
{
    const struct stage *s = d->stage;
    inherited_step(d, prim, &state);
    enum prim_kind kind = s->prims.items[prim].kind;
    if (stage_is_drawable(kind) || kind == PRIM_POINT_INSTANCER)
        update_owner(d, prim, &state, changes, r);
    else if (kind == PRIM_LIGHT && changes & (CHANGE_TRANSFORM | CHANGE_VISIBILITY))
        light_set(d, prim, &state);
    for (uint32_t c = s->prims.items[prim].first_child; c; c = s->prims.items[c].next_sibling)
        update_subtree(d, c, state, changes, r);
}

// A new shape for a gprim: in place when only points moved and nobody shares the mesh.
static int update_geometry(struct draw *d, uint32_t prim, uint32_t changes, ovrtx_renderer_t *r, struct op *op)
{
    uint64_t *head = hash_map_get(&d->placed_by_owner, prim);
    if (head && !(changes & CHANGE_GEOMETRY)) {
        int rc = geometry_update_points(d, d->placed.items[*head - 1].geometry, prim);
        if (rc <= 0)
            return rc ? op_fail(op, "out of memory") : 0;
    }
    return rebuild_owner(d, prim, r, op);
}

static int apply(struct draw *d, uint32_t prim, uint32_t changes, ovrtx_renderer_t *r, struct op *op)
{
    forget_slots(d);
    struct stage *s     = d->stage;
    enum prim_kind kind = s->prims.items[prim].kind;
    if (changes & CHANGE_REMOVED || !s->prims.items[prim].alive) {
        unplace_owner(d, prim);
        light_remove(d, prim);
        return 0;
    }
    if (changes & CHANGE_SHADER)
        materials_changed(d, prim, r);
    uint32_t instancer = instancer_above(s, prim);
    if (instancer) {
        // Prototypes are flattened, so the instancer starts over.
        if (changes & ~(uint32_t)(CHANGE_SHADER | CHANGE_GROUP | CHANGE_PICKABLE))
            stage_touch(s, instancer, CHANGE_GEOMETRY);
        return 0;
    }
    if (changes & CHANGE_ADDED)
        return add_subtree(d, prim, r, op);
    if (kind == PRIM_GEOM_SUBSET && changes & CHANGE_GEOMETRY) {
        stage_touch(s, s->prims.items[prim].parent, CHANGE_GEOMETRY);
        return 0;
    }
    if (kind == PRIM_GEOM_SUBSET && changes & CHANGE_BINDING) {
        prim = s->prims.items[prim].parent;
        kind = s->prims.items[prim].kind;
    }
    if (changes & (CHANGE_GEOMETRY | CHANGE_POINTS) && (stage_is_drawable(kind) || kind == PRIM_POINT_INSTANCER)
        && update_geometry(d, prim, changes, r, op))
        return -1;
    struct inherited state;
    inherited_of(d, s->prims.items[prim].parent, &state);
    if (changes & SUBTREE_CHANGES)
        update_subtree(d, prim, state, changes & SUBTREE_CHANGES, r);
    if (changes & CHANGE_LIGHT && kind == PRIM_LIGHT) {
        inherited_step(d, prim, &state);
        light_set(d, prim, &state);
    }
    return 0;
}

int draw_update(struct draw *d, ovrtx_renderer_t *r, struct op *op)
{
    struct stage *s = d->stage;
    if (!s->changed.count)
        return 0;
    int64_t start = clock_mono_ns();
    int rc        = 0;
    bool heavy    = false;
    // The list may grow while it is worked on.
    for (size_t i = 0; i < s->changed.count; i++) {
        uint32_t prim = s->changed.items[i], changes = s->prims.items[prim].changes;
        s->prims.items[prim].changes = 0;
        heavy |= (changes & (CHANGE_ADDED | CHANGE_GEOMETRY)) != 0;
        if (changes && apply(d, prim, changes, r, op))
            rc = -1;
    }
    array_clear(&s->changed);
    if (heavy)
        d->populate_ms = (float)(clock_mono_ns() - start) * 1e-6f;
    return rc;
}

// ---------------------------------------------------------------------------------------------
// Questions

static void add_bounds(const struct draw *d, uint32_t prim, const struct inherited *state, struct box *out)
{
    uint64_t *head = hash_map_get(&d->placed_by_owner, prim);
    for (uint32_t i = head && state->visible && state->drawn ? (uint32_t)*head : 0; i; i = d->placed.items[i - 1].next) {
        const struct placed *p  = &d->placed.items[i - 1];
        const struct box *local = &d->geometries.items[p->geometry - 1].box;
        if (box_is_empty(local))
            continue;
        double world[16];
        world_of(d, p, state, world);
        struct box box = box_transformed(local, world);
        box_add(out, box.min);
        box_add(out, box.max);
    }
}

static void subtree_bounds(struct draw *d, uint32_t prim, struct inherited state, struct box *out)
{
    if (prim)
        inherited_step(d, prim, &state);
    add_bounds(d, prim, &state, out);
    for (uint32_t c = d->stage->prims.items[prim].first_child; c; c = d->stage->prims.items[c].next_sibling)
        subtree_bounds(d, c, state, out);
}

bool draw_bounds(const struct draw *const_d, uint32_t prim, struct box *out)
{
    struct draw *d = (struct draw *)(uintptr_t)const_d; // labels may be interned on the way
    struct inherited state;
    inherited_root(&state);
    if (prim)
        inherited_of(d, d->stage->prims.items[prim].parent, &state);
    *out = box_empty();
    subtree_bounds(d, prim, state, out);
    return !box_is_empty(out);
}

void draw_stats(const struct draw *d, struct draw_stats *out)
{
    *out = (struct draw_stats) { d->populate_ms, d->geometries.count - d->free_geometries.count, d->placed_count,
                                 d->materials.count, d->textures.count, d->lights.count };
}
