// What the draw_*.c files share.
#pragma once

#include "attrs.h"
#include "draw.h"
#include "ops.h"
#include "renderer.h"
#include "thread.h"

#define DRAW_MAX_INSTANCES (1u << 24) // placed things of one stage
#define DRAW_MAX_SLOTS RENDER_MAX_MATERIAL_SLOTS

// A mesh of the render scene, shared by all that look the same.
struct geometry {
    render_id mesh;
    uint32_t refs;
    uint64_t key; // see draw_mesh.c
    uint32_t subset_count;
    struct box box; // local; may be empty
};

// One instance of the render scene.
struct placed {
    render_id instance; // 0 = free
    uint32_t owner; // prim that moves, shows and answers for it: the gprim, or its point instancer
    uint32_t prim;  // the gprim
    uint32_t geometry;
    uint32_t matrix; // index + 1 of its place relative to the owner; 0 = there
    uint32_t next;  // index + 1 of the owner's next one
};

struct material {
    render_id id;
    uint64_t key;
    uint32_t prim;       // in the stage; 0 = only the USD prim is known
    const usd_prim *usd; // NULL: made at run time
    uint32_t source;     // stage source of usd
    struct {
        ARRAY_OF(uint32_t); // tokens of the primvars it reads
    } primvars;
};

struct light {
    render_id id;
    uint32_t prim;
};

struct texture {
    render_id id;
    uint32_t name; // token of path and colour space
};

struct matrix {
    double m[16];
};

// What a prim gets from above, itself included.
struct inherited {
    double world[16];
    bool visible, drawn; // drawn: purpose default or render
    bool pickable;
    uint8_t group;
    uint32_t semantic;
};

// Material slots of a gprim, so that a thousand instances of it look them up once.
struct slot_range {
    uint32_t first, count; // in draw.slot_ids
};

struct draw {
    struct stage *stage;
    struct render_scene *scene;
    struct thread_pool *pool;
    struct {
        ARRAY_OF(struct geometry);
    } geometries;
    struct {
        ARRAY_OF(struct placed);
    } placed;
    struct {
        ARRAY_OF(struct matrix);
    } matrices;
    struct {
        ARRAY_OF(uint32_t);
    } free_placed, free_geometries;
    struct {
        ARRAY_OF(struct material);
    } materials;
    struct {
        ARRAY_OF(struct light);
    } lights;
    struct {
        ARRAY_OF(struct texture);
    } textures;
    struct {
        ARRAY_OF(uint32_t);
    } labels; // tokens; label i has semantic id i + 1
    struct hash_map geometry_by_key, placed_by_owner, material_by_key, light_by_prim, texture_by_name, label_by_token;
    struct hash_map slots_by_prim; // to slot_ranges; valid within one populate or one change
    struct {
        ARRAY_OF(struct slot_range);
    } slot_ranges;
    struct {
        ARRAY_OF(render_id);
    } slot_ids;
    uint32_t next_instance_id;
    size_t placed_count;
    float populate_ms;
};

// draw.c
void inherited_root(struct inherited *out);
void inherited_step(struct draw *d, uint32_t prim, struct inherited *state); // from the parent's to the prim's
void inherited_of(struct draw *d, uint32_t prim, struct inherited *out);
// An instance of a geometry, `relative` (NULL = identity) to its owner.
int place(struct draw *d, uint32_t owner, uint32_t prim, uint32_t geometry, const double *relative, bool visible,
          const struct inherited *state, ovrtx_renderer_t *r, struct op *op);
void unplace_owner(struct draw *d, uint32_t owner);

// draw_mesh.c. The geometries of gprims: fetched in parallel, created in order.
struct geometry_request {
    uint32_t prim;
    uint32_t geometry; // result: index + 1, 0 = nothing to draw
};
int geometries_acquire(struct draw *d, struct geometry_request *requests, size_t count, ovrtx_renderer_t *r, struct op *op);
void geometry_release(struct draw *d, uint32_t geometry);
// New points for a prim's mesh. 0 done; 1 the geometry is shared or has none: place the prim anew; -1 failed.
int geometry_update_points(struct draw *d, uint32_t geometry, uint32_t prim);

// draw_instancer.c
int draw_instancer(struct draw *d, uint32_t prim, const struct inherited *state, ovrtx_renderer_t *r, struct op *op);

// draw_material.c. Slots of a gprim: slots[0] its own material, then one for each of its subsets.
size_t material_slots(struct draw *d, uint32_t prim, size_t subset_count, render_id slots[DRAW_MAX_SLOTS],
                      ovrtx_renderer_t *r);
struct material *material_of(struct draw *d, uint32_t prim, ovrtx_renderer_t *r); // NULL = none bound
void materials_changed(struct draw *d, uint32_t prim, ovrtx_renderer_t *r); // a prim of a network was written
// Face subsets of a mesh that have a material, in order: calls fn with each subset's prim.
size_t mesh_subsets(const struct draw *d, uint32_t mesh, uint32_t out[DRAW_MAX_SLOTS]);

// draw_texture.c
render_id texture_get(struct draw *d, const char *resolved, const char *authored, enum render_color_space space,
                      const usd_stage *usd);

// draw_light.c
int light_set(struct draw *d, uint32_t prim, const struct inherited *state); // create or update
void light_remove(struct draw *d, uint32_t prim);

// semantics.c
uint32_t semantic_id(struct draw *d, uint32_t prim, uint32_t inherited_id);
