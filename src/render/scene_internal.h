// What the scene*.c files share among themselves.
#pragma once

#include "scene.h"
#include "span.h"

// A free id, or `count` (append one) when none is free.
render_id scene_id_take(render_id **items, size_t *free_count, size_t count);
// Number of a texture coordinate primvar's name, at most 255 of them; NULL is "st". Afterwards all names are "st".
uint32_t scene_uv_name(struct render_scene *s, const char *name);

// Room in the geometry buffers for m->data; sets the offsets in m->gpu. Sizes of 0 are fine.
int scene_mesh_reserve(struct render_scene *s, struct scene_mesh *m);
void scene_mesh_release(struct render_scene *s, struct scene_mesh *m);

int scene_gpu_create(struct render_scene *s);
void scene_gpu_destroy(struct render_scene *s);
void scene_gpu_clear(struct render_scene *s); // every range is free again

// Room for `count` entries; *first is SCENE_NONE-free. Replaces the range of the same owner.
int scene_slots_reserve(struct render_scene *s, struct span *range, uint32_t count);
void scene_slots_write(struct render_scene *s, const struct span *range, const uint32_t *values);
int scene_inputs_reserve(struct render_scene *s, struct span *range, uint32_t count);
void scene_inputs_release(struct render_scene *s, struct span *range);
void scene_slots_release(struct render_scene *s, struct span *range);

int scene_layout_create(struct gpu_device *gpu, VkDescriptorSetLayout *out); // set 0 of every pipeline
const struct gpu_buffer *scene_positions(const struct render_scene *s);
const struct gpu_buffer *scene_indices(const struct render_scene *s);

int scene_order_create(struct render_scene *s);
void scene_order_destroy(struct render_scene *s);
