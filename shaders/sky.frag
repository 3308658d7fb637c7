#version 460
// The preview's background: what the domes send along the pixel's ray.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/sampling.glsl"
#include "shared/texture.glsl"
#include "shared/surface.glsl"
#include "shared/lights.glsl"
#include "shared/preview.h"

layout(constant_id = PREVIEW_CONSTANT_FEATURES) const uint features = 0u;
const uint light_types = 0u;
const bool rich = false;
layout(scalar, set = PASS_SET, binding = 1) uniform Preview { PreviewScene preview; };
layout(location = 0) out vec4 picture;
#define preview_shadow(i, s) 1.0
#include "shared/preview_light.glsl"

void main()
{
    vec3 o, d;
    camera_ray(gl_FragCoord.xy, o, d);
    picture = vec4(min(dome_light(normalize(d)) + frame.ambient, vec3(65000.0)), 1.0);
}
