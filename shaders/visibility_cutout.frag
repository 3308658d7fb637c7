#version 460
// As visibility.frag, for materials whose opacity may be below 1: coverage is drawn by chance, so that the mean
// over jittered samples is right; one sample alone shows a dither.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/texture.glsl"
#include "shared/surface.glsl"

layout(location = 0) flat in uint instance;
layout(location = 0) out uvec2 visibility;
layout(push_constant) uniform Params { vec2 origin; }; // pixel of the picture at the target's corner

void main()
{
    vec3 o, d;
    vec2 pixel = gl_FragCoord.xy + origin;
    camera_ray(pixel + frame.jitter, o, d);
    uint triangle = uint(gl_PrimitiveID);
    vec3 hit = surface_intersect(instance, triangle, o, d);
    Surface s = surface_fetch(instance, triangle, hit.xy, d);
    float opacity = material_opacity(s, hit.z * frame.pixel_spread);
    // Interleaved gradient noise (Jimenez 2014), turned by the sample's jitter.
    vec2 p = pixel + frame.jitter * 37.0 + float(frame.frame & 15u) * 5.588238;
    float noise = fract(52.9829189 * fract(dot(p, vec2(0.06711056, 0.00583715))));
    if (opacity <= noise)
        discard;
    visibility = uvec2(instance + 1u, triangle);
}
