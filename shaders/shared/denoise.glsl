// Packing of the denoiser's pixels; its pass set.
#ifndef SHARED_DENOISE_GLSL
#define SHARED_DENOISE_GLSL
#extension GL_EXT_scalar_block_layout : require
#include "denoise.h"

layout(set = 1, binding = DENOISE_BIND_RADIANCE) uniform sampler2D in_radiance;
layout(set = 1, binding = DENOISE_BIND_ALBEDO) uniform sampler2D in_albedo;
layout(set = 1, binding = DENOISE_BIND_NORMAL) uniform sampler2D in_normal;
layout(set = 1, binding = DENOISE_BIND_MOMENTS) uniform sampler2D in_moments;
layout(set = 1, binding = DENOISE_BIND_FROM) uniform usampler2D packed_from;
layout(set = 1, binding = DENOISE_BIND_TO, rgba32ui) uniform writeonly uimage2D packed_to;
layout(set = 1, binding = DENOISE_BIND_OUT, rgba16f) uniform writeonly image2D result;
layout(set = 1, binding = DENOISE_BIND_FULL_ALBEDO) uniform sampler2D full_albedo;
layout(set = 1, binding = DENOISE_BIND_FULL_NORMAL) uniform sampler2D full_normal;
layout(scalar, push_constant) uniform Push { DenoiseParams params; };

struct DenoisePixel {
    vec3 light;
    float deviation;
    vec3 normal; // zero for the background
    float distance, slope;
};

float luminance(vec3 c) { return dot(c, vec3(0.2126, 0.7152, 0.0722)); }

uint pack_normal(vec3 n)
{
    n /= max(abs(n.x) + abs(n.y) + abs(n.z), 1e-6);
    vec2 e = n.z >= 0.0 ? n.xy : (1.0 - abs(n.yx)) * mix(vec2(-1.0), vec2(1.0), greaterThanEqual(n.xy, vec2(0.0)));
    return packSnorm2x16(e);
}

vec3 unpack_normal(uint packed)
{
    vec2 e = unpackSnorm2x16(packed);
    vec3 n = vec3(e, 1.0 - abs(e.x) - abs(e.y));
    float t = max(-n.z, 0.0);
    n.xy += mix(vec2(t), vec2(-t), greaterThanEqual(n.xy, vec2(0.0)));
    return normalize(n);
}

uvec4 pack_pixel(DenoisePixel p)
{
    return uvec4(packHalf2x16(min(p.light.rg, vec2(65000.0))),
                 packHalf2x16(min(vec2(p.light.b, p.deviation), vec2(65000.0))), pack_normal(p.normal),
                 packHalf2x16(vec2(min(p.distance, 65000.0), min(p.slope, 65000.0))));
}

DenoisePixel unpack_pixel(uvec4 u)
{
    vec2 rg = unpackHalf2x16(u.x), bd = unpackHalf2x16(u.y), zs = unpackHalf2x16(u.w);
    return DenoisePixel(vec3(rg, bd.x), bd.y, unpack_normal(u.z), zs.x, zs.y);
}

ivec2 clamp_pixel(ivec2 p) { return clamp(p, ivec2(0), ivec2(params.width, params.height) - 1); }
#endif
