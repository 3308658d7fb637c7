#version 460
// Blends and enlarges the internal pictures, then writes LdrColor (tone-mapped, sRGB) and HdrColor (linear).
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_scalar_block_layout : require
#include "shared/compose.h"

layout(local_size_x = COMPOSE_TILE, local_size_y = COMPOSE_TILE) in;
layout(constant_id = 0) const bool enlarge = false; // some picture is smaller than the outputs
layout(constant_id = 1) const bool two = false;     // both pictures count

layout(set = 1, binding = 0) uniform sampler2D from;
layout(set = 1, binding = 1) uniform sampler2D to;
layout(scalar, set = 1, binding = 2) writeonly buffer Ldr { uint ldr[]; };
layout(scalar, set = 1, binding = 3) writeonly buffer Hdr { uvec2 hdr[]; };
layout(scalar, push_constant) uniform Params { ComposeParams params; };

// Highlights roll off above 0.8 towards white, everything below stays as lit (after Khronos PBR Neutral, 2024,
// without its toe).
vec3 tone(vec3 c)
{
    const float start = 0.8, slope = 0.15;
    float peak = max(c.r, max(c.g, c.b));
    if (peak < start)
        return c;
    float d = 1.0 - start, soft = 1.0 - d * d / (peak + d - start);
    c *= soft / peak;
    return mix(vec3(soft), c, 1.0 / (slope * (peak - soft) + 1.0));
}

// The curve of IEC 61966-2-1 from roots, which are cheap everywhere; a fit good to a quarter of an 8-bit step.
vec3 srgb(vec3 c)
{
    vec3 a = sqrt(c), b = sqrt(a), d = sqrt(b);
    return mix(c * 12.92, 0.662002687 * a + 0.684122060 * b - 0.323583601 * d - 0.0225411470 * c,
               greaterThan(c, vec3(0.0031308)));
}

// Pictures may hold sums; alpha is then the number of samples.
vec3 mean(vec4 c)
{
    return c.rgb / max(c.a, 1e-6);
}

// Bilinear with the ramp steepened: close to the sharpness of a cubic at the cost of one fetch.
vec3 picture(sampler2D s, vec2 used, vec2 offset)
{
    vec2 at = (vec2(gl_GlobalInvocationID.xy) + 0.5) / vec2(params.size) * used + offset - 0.5;
    vec2 f = fract(at);
    at = floor(at) + f * f * (3.0 - 2.0 * f) * 0.5 + f * 0.5 + 0.5;
    // A little inside of the last used texel: what lies behind may be anything, even NaN, and NaN times 0 is NaN.
    return mean(textureLod(s, clamp(at, vec2(0.5), used - 0.51) / vec2(textureSize(s, 0)), 0.0));
}

void main()
{
    uvec2 p = gl_GlobalInvocationID.xy;
    if (any(greaterThanEqual(p, params.size)))
        return;
    vec3 c;
    if (enlarge)
        c = picture(from, params.from, params.from_offset);
    else
        c = mean(texelFetch(from, ivec2(p), 0));
    if (two)
        c = mix(c, enlarge ? picture(to, params.to, vec2(0.0)) : mean(texelFetch(to, ivec2(p), 0)), params.blend);
    c *= params.exposure;
    uint at = p.y * params.size.x + p.x;
    if ((params.flags & COMPOSE_HDR) != 0u)
        hdr[at] = uvec2(packHalf2x16(min(c.rg, vec2(65504.0))), packHalf2x16(vec2(min(c.b, 65504.0), 1.0)));
    if ((params.flags & COMPOSE_BLACK) != 0u)
        c = vec3(0.0);
    if ((params.flags & COMPOSE_LDR) != 0u)
        ldr[at] = packUnorm4x8(vec4(srgb(tone(max(c, vec3(0.0)))), 1.0));
}
