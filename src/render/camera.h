// From a USD camera to the matrices and rays of a picture.
#pragma once

#include "render.h"
#include "shared/scene.h"

/**
 * Fills the camera part of a SceneFrame for a picture of width x height pixels.
 *
 * The vertical aperture is not used directly: the horizontal aperture is kept and the vertical one follows the
 * picture's aspect ratio (UsdRenderSettings aspectRatioConformPolicy "expandAperture", its fallback): whichever of
 * the two is too small for the aspect grows.
 *
 * @param jitter  Offset of the sample inside its pixel, pixels, (0, 0) = centre.
 * @return false when the camera is not usable (singular transform, no aperture); a default is used then.
 */
bool camera_setup(const struct render_camera *camera, uint32_t width, uint32_t height, vec2 jitter,
                  struct SceneFrame *out);
bool camera_equal(const struct render_camera *a, const struct render_camera *b); // same picture of the same scene
