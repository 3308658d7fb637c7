// From the runtime stage to the render scene: everything at first, then only what changed.
// Operation thread only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "render.h"
#include "stage.h"
#include "xform.h"

struct draw;
struct op;
struct ovrtx_renderer_t;

struct draw *draw_create(struct stage *stage);
void draw_set_scene(struct draw *d, struct render_scene *scene);
void draw_destroy(struct draw **d);
void draw_clear(struct draw *d); // the render scene is empty then

// Fills the render scene from the whole stage. 0, or -1 after op_fail().
int draw_populate(struct draw *d, struct ovrtx_renderer_t *r, struct op *op);
// Applies stage.changed. 0, or -1 after op_fail().
int draw_update(struct draw *d, struct ovrtx_renderer_t *r, struct op *op);

// World box of the visible geometry below a prim (0 = the stage). false: nothing there.
bool draw_bounds(const struct draw *d, uint32_t prim, struct box *out);

struct draw_stats {
    float populate_ms; // last populate or update that did something
    size_t meshes, instances, materials, textures, lights;
};
void draw_stats(const struct draw *d, struct draw_stats *out);

// The semantic id table as the bytes of the SemanticIdMap render var; malloc'ed. NULL: out of memory.
uint8_t *draw_semantic_map(const struct draw *d, size_t *size);
