// Lights of a scene, from UsdLux values to what the shaders sample. Implements render_light_*().
// The renderer's thread only.
#pragma once

#include "scene.h"
#include "shared/lights.h"

int scene_lights_create(struct render_scene *s, struct scene_lights **out);
void scene_lights_destroy(struct render_scene *s, struct scene_lights **l); // NULL is fine; left NULL
void scene_lights_clear(struct render_scene *s); // every light goes; for render_scene_clear()

/**
 * Records the upload of changed lights, dome maps and importance tables into the open command buffer.
 * Call after scene_textures_update(); follow with gpu_barrier_upload().
 */
int scene_lights_update(struct render_scene *s, VkCommandBuffer cmd);
uint32_t scene_lights_count(const struct render_scene *s); // for SceneFrame.light_count
// What the GPU has, for passes that choose among them on the CPU. Valid until the next update.
const struct SceneLight *scene_lights_array(const struct render_scene *s); // scene_lights_count() of them
const struct SceneEnvironment *scene_environment(const struct render_scene *s); // NULL before the first update

// Linear Rec.709 of a black body, luminance 1 (UsdLux color temperature). 1000 to 10000 kelvin, clamped.
void light_blackbody(float kelvin, float rgb[3]);
// UsdLux to GPU values, without the choice table: select, alias, dome layer and table are left 0. For tests.
void light_describe(const struct render_light_desc *desc, struct SceneLight *out);
// Domes whose picture is not in use yet, though it may come.
uint32_t scene_lights_pending(const struct render_scene *s);
