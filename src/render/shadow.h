// Shadow maps for the preview: which lights get one, and their matrices.
#pragma once

#include "scene.h"
#include "shared/preview.h"

#define SHADOW_SIZE 2048

// A box and a sphere around what is visible. The sphere leaves out things far larger than the rest (grounds, skies),
// so that shadow maps spend their pixels where the eye looks.
struct shadow_bounds {
    bool any;
    vec3 min, max;
    vec3 center;
    float radius;
};
void shadow_bounds_of(const struct render_scene *s, struct shadow_bounds *out);

// Chooses the lights of the preview, brightest first, and fills lights, more and more_count. Returns the
// number in `lights`.
uint32_t shadow_choose_lights(const struct render_scene *s, struct PreviewScene *out);

/**
 * @param clip  World to the map's clip space, depth 0 near to 1 far, for column vectors as in SceneFrame.
 * @param out   shadow and shadow_bias of entry `i` are set.
 * @return false when the light casts no mapped shadow (its bias w stays 0).
 */
bool shadow_setup(const struct shadow_bounds *bounds, const struct SceneLight *light, uint32_t i, mat4 *clip,
                  struct PreviewScene *out);
