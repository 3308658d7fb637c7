// One layer being written by a generator, as text or as a crate: the same calls make the same layer in both formats.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stageusd/stageusd.h"

struct prim_params {
    const char *type, *name;
    const char *kind;        // NULL = none
    const char *reference;   // asset path of a prepended reference to its default prim; NULL = none
    const char *variant_set, *selection; // NULL = none; the set is declared where `declares_set` says so
    bool declares_set, over;
};

struct attr_params {
    const char *type_name, *name; // "point3f[]", "points"
    enum usd_type type;           // INT, FLOAT, DOUBLE, FLOAT3, DOUBLE3 or TOKEN (then data is const char *const *)
    bool is_array, uniform;
    const void *data;
    size_t count;
};

struct scene_out;

// Exit the program when the file cannot be written. The root prim comes directly after opening.
struct scene_out *scene_out_text(const char *path, const char *default_prim);
struct scene_out *scene_out_crate(const char *path, const char *default_prim);
void scene_out_close(struct scene_out *o);

void scene_prim(struct scene_out *o, const struct prim_params *p);
void scene_end(struct scene_out *o); // of a prim
void scene_attr(struct scene_out *o, const struct attr_params *a);
void scene_rel(struct scene_out *o, const char *name, const char *target);
// Inside a prim that declares the set: begin it, its variants one after the other, end it.
void scene_variant_set(struct scene_out *o, const char *set);
void scene_variant(struct scene_out *o, const char *variant);
void scene_variant_end(struct scene_out *o);
void scene_variant_set_end(struct scene_out *o);

// For the two writers.
struct scene_out {
    const struct scene_writer {
        void (*close)(struct scene_out *o);
        void (*prim)(struct scene_out *o, const struct prim_params *p);
        void (*end)(struct scene_out *o);
        void (*attr)(struct scene_out *o, const struct attr_params *a);
        void (*rel)(struct scene_out *o, const char *name, const char *target);
        void (*variant_set)(struct scene_out *o, const char *set);
        void (*variant)(struct scene_out *o, const char *variant);
        void (*variant_end)(struct scene_out *o);
        void (*variant_set_end)(struct scene_out *o);
    } *writer;
};
