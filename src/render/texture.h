// Textures of a scene: decoded in the background, cut into pages, sampled without descriptor indexing.
// Implements render_texture_create() and render_texture_destroy(). The renderer's thread only.
#pragma once

#include "scene.h"

// The texture table has one entry per render_id; entry 0 is the checker that stands for a missing texture.
// So SceneInput.texture is the render_id itself.

int scene_textures_create(struct render_scene *s, struct scene_textures **out);
// Waits for decoding in progress. NULL is fine; *t is left NULL. No submitted work may use its images.
void scene_textures_destroy(struct render_scene *s, struct scene_textures **t);
void scene_textures_clear(struct render_scene *s); // every texture goes; for render_scene_clear()

/**
 * Takes over what the decoders have finished and records its upload into the open command buffer (follow
 * with gpu_barrier_upload()). Raises versions.materials when a picture changes, and marks lights whose
 * texture came.
 */
int scene_textures_update(struct render_scene *s, VkCommandBuffer cmd);
// Textures whose decoding is not finished or not yet uploaded.
uint32_t scene_textures_pending(const struct render_scene *s);
// Lends out the decoded pixels of a texture for light.c (NULL: not decoded yet, or broken).
struct image;
const struct image *scene_texture_image(const struct render_scene *s, render_id id);
bool scene_texture_failed(const struct render_scene *s, render_id id);
// Pixels of this texture are wanted by scene_texture_image() and must be kept after the upload.
void scene_texture_keep(struct render_scene *s, render_id id, bool keep);
