#version 460
// Shades the visibility buffer without tracing: every light as one direction, the domes as harmonics.
// One invocation per pixel of frame.extent.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/sampling.glsl"
#include "shared/texture.glsl"
#include "shared/surface.glsl"
#include "shared/lights.glsl"
#include "shared/preview.h"

layout(local_size_x = PREVIEW_TILE, local_size_y = PREVIEW_TILE) in;
layout(constant_id = 0) const uint mode = PREVIEW_FULL;

layout(set = PASS_SET, binding = 0) uniform usampler2D visibility;
layout(set = PASS_SET, binding = 1, rgba16f) uniform writeonly image2D picture;
layout(scalar, push_constant) uniform Params { PreviewParams params; };

#define preview_shadow(i, s, p) 1.0
#include "shared/preview_light.glsl"

vec3 shade(uvec2 v, vec2 pixel)
{
    vec3 o, d;
    camera_ray(pixel, o, d);
    if (v.x == 0u)
        return preview_background(o, normalize(d));
    if (mode == PREVIEW_CONSTANT)
        return params.constant;
    uint instance = v.x - 1u, triangle = v.y & VISIBILITY_PRIMITIVE;
    vec3 hit = surface_intersect(instance, triangle, o, d);
    Surface s = surface_fetch(instance, triangle, hit.xy, d);
    bool ortho = (frame.flags & FRAME_ORTHOGRAPHIC) != 0u;
    Material m = material_fetch(s, ortho ? frame.pixel_spread : hit.z * frame.pixel_spread);
    return preview_shade(s, m, -normalize(d), mode == PREVIEW_DIFFUSE, 1.0);
}

void main()
{
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(p, ivec2(frame.extent))))
        return;
    vec3 c = shade(texelFetch(visibility, p, 0).xy, vec2(p) + 0.5 + frame.jitter);
    imageStore(picture, p, vec4(min(c, vec3(65000.0)), 1.0));
}
