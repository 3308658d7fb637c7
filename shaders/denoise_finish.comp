#version 460
// Light times albedo. Where the result is larger than the traced picture, each of its pixels mixes the four
// nearest traced ones by how well they agree with the full resolution guides (Kopf et al. 2007), and takes
// its texture from the full resolution albedo.
#extension GL_GOOGLE_include_directive : require
#include "denoise.glsl"

layout(local_size_x = DENOISE_TILE, local_size_y = DENOISE_TILE) in;

vec3 radiance_at(ivec2 p, DenoisePixel d)
{
    return d.light * max(texelFetch(in_albedo, p, 0).rgb, vec3(0.02)); // exactly what was divided out
}

vec3 enlarge(ivec2 p)
{
    vec2 scale = vec2(params.width, params.height) / vec2(params.out_width, params.out_height);
    vec2 at = (vec2(p) + 0.5) * scale - 0.5;
    ivec2 base = ivec2(floor(at));
    vec2 f = at - vec2(base);
    vec4 guide = texelFetch(full_normal, p, 0);
    vec3 albedo = texelFetch(full_albedo, p, 0).rgb + 0.02;
    vec3 sum = vec3(0.0), albedo_sum = vec3(0.0);
    float weight = 0.0;
    for (int i = 0; i < 4; i++) {
        ivec2 o = ivec2(i & 1, i >> 1), q = clamp_pixel(base + o);
        DenoisePixel d = unpack_pixel(texelFetch(packed_from, q, 0));
        ivec2 full = clamp(ivec2((vec2(q) + 0.5) / scale), ivec2(0), ivec2(params.out_width, params.out_height) - 1);
        vec4 other = texelFetch(full_normal, full, 0);
        vec2 b = mix(1.0 - f, f, vec2(o));
        float facing = max(dot(guide.xyz, other.xyz), 0.0);
        bool empty = dot(guide.xyz, guide.xyz) < 0.25, other_empty = dot(other.xyz, other.xyz) < 0.25;
        float same = empty || other_empty ? (empty == other_empty ? 1.0 : 0.0)
                                          : pow(facing, 16.0) * exp(-abs(guide.w - other.w) / (0.02 * guide.w + 1e-6));
        float w = b.x * b.y * (same + 1e-3) + 1e-5;
        sum += radiance_at(q, d) * w;
        albedo_sum += (texelFetch(full_albedo, full, 0).rgb + 0.02) * w;
        weight += w;
    }
    return sum / weight * clamp(albedo * weight / albedo_sum, vec3(0.2), vec3(5.0));
}

void main()
{
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(p, ivec2(params.out_width, params.out_height))))
        return;
    vec3 c;
    if ((params.flags & DENOISE_ENLARGE) != 0u)
        c = enlarge(p);
    else
        c = radiance_at(p, unpack_pixel(texelFetch(packed_from, p, 0)));
    imageStore(result, p, vec4(min(c, vec3(65000.0)), 1.0));
}
