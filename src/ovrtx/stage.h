// The runtime stage: prims in a flat table, over one or more composed USD stages.
//
// A prim's attributes come from the USD prim behind it, evaluated when somebody asks, so opening a scene
// touches no array. What was written at run time is stored beside and wins. Prims of added references and
// clones stand on the same ground: a path of their own over somebody's USD prim.
//
// Used on the operation thread only. Prim 0 is the pseudo-root; as a reference to another prim it means
// "none". Removed prims keep their index.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ovrtx/ovrtx_types.h>
#include <stageusd/stageusd.h>

#include "array.h"
#include "hash.h"
#include "paths.h"

enum prim_kind {
    PRIM_OTHER,
    PRIM_MESH, // the drawable ones up to PRIM_PLANE
    PRIM_CUBE,
    PRIM_SPHERE,
    PRIM_CYLINDER,
    PRIM_CONE,
    PRIM_CAPSULE,
    PRIM_PLANE,
    PRIM_POINT_INSTANCER,
    PRIM_UNSUPPORTED_GEOMETRY, // curves, points, volumes, ...
    PRIM_CAMERA,
    PRIM_LIGHT, // any kind of light
    PRIM_MATERIAL,
    PRIM_SHADER,
    PRIM_NODE_GRAPH,
    PRIM_GEOM_SUBSET,
    PRIM_RENDER_PRODUCT,
    PRIM_RENDER_VAR,
};

// Why the render scene has to look at a prim again. SUBTREE kinds concern what is below too.
enum stage_change {
    CHANGE_TRANSFORM  = 1 << 0, // subtree
    CHANGE_VISIBILITY = 1 << 1, // subtree; purpose too
    CHANGE_GROUP      = 1 << 2, // subtree
    CHANGE_PICKABLE   = 1 << 3, // subtree
    CHANGE_SEMANTICS  = 1 << 4, // subtree
    CHANGE_BINDING    = 1 << 5, // subtree
    CHANGE_POINTS     = 1 << 6, // the mesh keeps its topology
    CHANGE_GEOMETRY   = 1 << 7, // anything else about the shape
    CHANGE_LIGHT      = 1 << 8,
    CHANGE_SHADER     = 1 << 9,
    CHANGE_ADDED      = 1 << 10, // subtree is new
    CHANGE_REMOVED    = 1 << 11,
};

struct stage_attr {
    uint32_t name; // token
    ovrtx_attribute_type_t type;
    size_t count; // elements; 1 for a scalar
    void *data;   // count elements of stage_type_size() bytes
};

struct stage_prim {
    uint32_t path, type; // id and token of the path dictionary
    uint32_t parent, first_child, last_child, next_sibling;
    uint32_t source; // index into sources; 0 = made at run time
    uint32_t overrides; // index into stage.overrides; 0 = none
    uint32_t changes;   // bits of stage_change not seen by the render scene yet
    uint32_t added_by;  // handle's low bits of the reference that brought it, 0 = none
    const usd_prim *usd; // NULL: made at run time
    uint8_t kind;
    uint8_t outline_group;
    uint8_t pickable; // 0 = as the parent, 1 = no, 2 = yes
    bool alive;
    bool has_transform;
};

// A composed USD stage, and where it is grafted.
struct stage_source {
    usd_stage *usd;
    char *usd_root;     // path there of the prim grafted at `path`: "/" for the root stage
    uint32_t path;      // path here
    double codes_per_second, start_code;
};

struct stage_overrides {
    ARRAY_OF(struct stage_attr);
};

struct stage {
    struct paths *paths;
    struct usd_open_options open; // for documents that materials name
    struct {
        ARRAY_OF(struct stage_prim);
    } prims;
    struct {
        ARRAY_OF(struct stage_source);
    } sources;
    struct {
        ARRAY_OF(struct stage_overrides);
    } overrides;
    struct {
        ARRAY_OF(uint32_t);
    } changed; // prims with changes, in the order of the first change
    struct hash_map by_path; // path id to prim index
    struct hash_map kinds;   // type token to enum prim_kind
    bool time_set;   // update_stage_from_usd_time was called
    double time;     // seconds
    bool populate_all; // customLayerData.populateAllAuthoredAttributes of the root layer
    bool binding_overridden; // some material:binding was written
    double meters_per_unit;
    char up_axis; // 'Y' or 'Z'
    uint64_t generation; // counts changes of the prim table
    // Names that the code asks for often.
    struct {
        uint32_t xform, local_matrix, reset_xform, world_extent, extent, visibility, purpose, points, normals,
            binding, outline_group, pickable, doc;
    } names;
};

int stage_init(struct stage *s, struct paths *paths); // 0 or -1, out of memory
void stage_finish(struct stage *s);
// Drops all prims and sources; leaves the pseudo-root.
void stage_clear(struct stage *s);

// Takes the USD stage. Grafts the children of its root (usd_root "/") or one prim (usd_root = its path)
// as `path`, which must not exist; missing parents are made. Returns 0, or -1 with nothing changed.
int stage_graft(struct stage *s, usd_stage *usd, const char *usd_root, uint32_t path, uint32_t added_by);
// A subtree of new prims over the same USD prims, with what was written to the source. 0 or -1.
int stage_clone(struct stage *s, uint32_t source_prim, uint32_t target_path);
void stage_remove(struct stage *s, uint32_t prim); // and what is below
uint32_t stage_create_prim(struct stage *s, uint32_t path); // untyped, with its parents; 0 = failed

uint32_t stage_find(const struct stage *s, uint32_t path); // 0 = none (also for the pseudo-root)
uint32_t stage_find_text(const struct stage *s, const char *path);
// The next prim in depth-first order inside the subtree of root; 0 at the end.
uint32_t stage_next(const struct stage *s, uint32_t prim, uint32_t root, bool skip_children);
const char *stage_path_text(const struct stage *s, uint32_t prim);
const char *stage_type_text(const struct stage *s, uint32_t prim);
void stage_touch(struct stage *s, uint32_t prim, uint32_t changes);
bool stage_is_drawable(enum prim_kind kind);

// Time code of a prim's source at the stage's time.
double stage_time_code(const struct stage *s, uint32_t prim);
// A path of the USD stage behind `prim`, as a path here; 0 when there is none such.
uint32_t stage_path_from_usd(const struct stage *s, uint32_t source, const char *usd_path);

// ---------------------------------------------------------------------------------------------
// Written values

const struct stage_attr *stage_override(const struct stage *s, uint32_t prim, uint32_t name);
// Stores a copy of count elements. NULL when memory is short.
const struct stage_attr *stage_set_override(struct stage *s, uint32_t prim, uint32_t name,
                                            ovrtx_attribute_type_t type, const void *data, size_t count);
void stage_drop_override(struct stage *s, uint32_t prim, uint32_t name);

// ---------------------------------------------------------------------------------------------
// Values as the rest of the library wants them: written, else authored, else the schema's fallback.
// false, and *out untouched, when there is none.

bool stage_get_bool(const struct stage *s, uint32_t prim, const char *name, bool *out);
bool stage_get_int(const struct stage *s, uint32_t prim, const char *name, int *out);
bool stage_get_float(const struct stage *s, uint32_t prim, const char *name, float *out);
bool stage_get_double(const struct stage *s, uint32_t prim, const char *name, double *out);
bool stage_get_floats(const struct stage *s, uint32_t prim, const char *name, float *out, int components);
bool stage_get_token(const struct stage *s, uint32_t prim, const char *name, const char **out); // or string
// Target i of a relationship as a prim path id; 0 past the end or when it is no prim path here.
uint32_t stage_get_target(const struct stage *s, uint32_t prim, const char *name, size_t i);

// The prim's own transform, and whether it ignores its parent's.
void stage_local_matrix(const struct stage *s, uint32_t prim, double out[16], bool *resets);
void stage_world_matrix(const struct stage *s, uint32_t prim, double out[16]);

// New time, seconds: written values of time-sampled attributes are dropped, and everything that varies is
// marked as changed.
void stage_set_time(struct stage *s, double seconds);
