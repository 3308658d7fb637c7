#version 460
// Sums of samples to packed pixels: light without albedo, how uncertain it is, and the guides.
#extension GL_GOOGLE_include_directive : require
#include "denoise.glsl"

layout(local_size_x = DENOISE_TILE, local_size_y = DENOISE_TILE) in;

#define MANY 64.0         // samples; until then, the spread of the neighbours counts too, less and less
#define FIREFLY_FADE 32.0 // samples after which single bright pixels are believed

vec3 light_at(ivec2 p)
{
    vec4 sum = texelFetch(in_radiance, p, 0);
    return sum.rgb / max(sum.a, 1.0) / max(texelFetch(in_albedo, p, 0).rgb, vec3(0.02));
}

void main()
{
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(p, ivec2(params.width, params.height))))
        return;
    vec4 guide = texelFetch(in_normal, p, 0);
    float n = max(texelFetch(in_radiance, p, 0).a, 1.0);
    DenoisePixel o;
    o.light = light_at(p);
    o.normal = dot(guide.xyz, guide.xyz) > 0.0 ? normalize(guide.xyz) : vec3(0.0);
    o.distance = guide.w;
    o.slope = 0.0;
    o.deviation = 0.0;
    if (guide.w < DENOISE_FAR) {
        float left = texelFetch(in_normal, clamp_pixel(p - ivec2(1, 0)), 0).w;
        float right = texelFetch(in_normal, clamp_pixel(p + ivec2(1, 0)), 0).w;
        float up = texelFetch(in_normal, clamp_pixel(p - ivec2(0, 1)), 0).w;
        float down = texelFetch(in_normal, clamp_pixel(p + ivec2(0, 1)), 0).w;
        // The smaller difference of each pair does not cross an edge.
        o.slope = max(min(abs(left - guide.w), abs(right - guide.w)), min(abs(up - guide.w), abs(down - guide.w)));
        float sum = 0.0, squares = 0.0, temporal = 0.0, most = 0.0, weight = 0.0, alike = 0.0;
        float fresh = clamp(1.0 - n / MANY, 0.0, 1.0);
        for (int y = -1; y <= 1; y++) {
            for (int x = -1; x <= 1; x++) {
                ivec2 q = clamp_pixel(p + ivec2(x, y));
                vec4 other = texelFetch(in_normal, q, 0);
                bool like = other.w < DENOISE_FAR && dot(other.xyz, guide.xyz) > 0.5;
                // On what is smaller than a pixel nothing is alike. What is near still tells how much light varies.
                float w = like ? 1.0 : abs(other.w - guide.w) < DENOISE_NEAR * guide.w ? 0.25 * fresh : 0.0;
                float l = luminance(light_at(q));
                vec2 moments = texelFetch(in_moments, q, 0).xy / n;
                temporal += max(moments.y - moments.x * moments.x, 0.0) / n * w;
                sum += l * w;
                squares += l * l * w;
                weight += w;
                alike += like ? 1.0 : 0.0;
                if (like && (x != 0 || y != 0))
                    most = max(most, l);
            }
        }
        // A pixel that missed what is rare believes itself certain: ask the neighbours too.
        weight = max(weight, 1.0);
        temporal /= weight;
        float mean = sum / weight;
        float spatial = max(squares / weight - mean * mean, 0.0);
        o.deviation = sqrt(max(temporal, spatial * fresh));
        // Reflections of smooth surfaces are detail, not noise.
        o.deviation *= clamp(texelFetch(in_albedo, p, 0).a * 4.0, 0.15, 1.0);
        float own = luminance(o.light);
        if (own > most && alike > 3.5) {
            float keep = clamp(n / FIREFLY_FADE, 0.0, 1.0);
            o.light *= mix(most / own, 1.0, keep * keep);
        }
    }
    imageStore(packed_to, p, pack_pixel(o));
}
