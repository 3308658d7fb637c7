#version 460
// One level of the edge-avoiding wavelet: a small kernel with holes of `step` pixels.
#extension GL_GOOGLE_include_directive : require
#include "denoise.glsl"

layout(local_size_x = DENOISE_TILE, local_size_y = DENOISE_TILE) in;
layout(constant_id = 0) const int RADIUS = 1;

void main()
{
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(p, ivec2(params.width, params.height))))
        return;
    DenoisePixel c = unpack_pixel(texelFetch(packed_from, p, 0));
    float l = luminance(c.light);
    float range = 1.0 / (params.sigma * params.strength * c.deviation + 1e-6 + 1e-4 * l);
    float reach = 1.0 / (4.0 * c.slope * float(params.step) + 0.002 * c.distance + 1e-6);
    vec3 sum = c.light;
    float weight = 1.0, variance = c.deviation * c.deviation;
    for (int y = -RADIUS; y <= RADIUS; y++) {
        for (int x = -RADIUS; x <= RADIUS; x++) {
            ivec2 at = p + ivec2(x, y) * params.step;
            if ((x == 0 && y == 0) || any(lessThan(at, ivec2(0))) ||
                any(greaterThanEqual(at, ivec2(params.width, params.height))))
                continue;
            DenoisePixel q = unpack_pixel(texelFetch(packed_from, at, 0));
            // B3 spline over 5 taps, or the tent over 3, relative to the centre.
            float kx = RADIUS == 1 ? 0.5 : (abs(x) == 1 ? 2.0 / 3.0 : 1.0 / 6.0);
            float ky = RADIUS == 1 ? 0.5 : (abs(y) == 1 ? 2.0 / 3.0 : 1.0 / 6.0);
            float w = (x == 0 ? 1.0 : kx) * (y == 0 ? 1.0 : ky);
            float facing = clamp(dot(c.normal, q.normal), 0.0, 1.0);
            facing *= facing;
            facing *= facing;
            facing *= facing;
            facing *= facing; // power 16
            float apart = abs(q.distance - c.distance) * reach * inversesqrt(float(x * x + y * y));
            w *= facing * facing * exp(-apart - abs(luminance(q.light) - l) * range);
            sum += q.light * w;
            weight += w;
            variance += q.deviation * q.deviation * w * w;
        }
    }
    if (c.distance < DENOISE_FAR) {
        c.light = sum / weight;
        c.deviation = sqrt(variance) / weight;
    }
    imageStore(packed_to, p, pack_pixel(c));
}
