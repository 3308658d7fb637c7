#version 460
// One level of the edge-avoiding wavelet: a small kernel with holes of `step` pixels.
#extension GL_GOOGLE_include_directive : require
#include "denoise.glsl"

layout(local_size_x = DENOISE_TILE, local_size_y = DENOISE_TILE) in;
#define LEND_SAMPLES 32.0 // from here on no pixel needs light from what is not like it
#define LEND_STEP 2       // how far that may come from

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
    vec3 lent = vec3(0.0);
    float lent_weight = 0.0, alike = 0.0;
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
            float near = abs(q.distance - c.distance) < DENOISE_NEAR * c.distance ? w : 0.0;
            lent += q.light * near;
            lent_weight += near;
            w *= facing * facing * exp(-apart);
            alike += w;
            w *= exp(-abs(luminance(q.light) - l) * range);
            sum += q.light * w;
            weight += w;
            variance += q.deviation * q.deviation * w * w;
        }
    }
    if (c.distance < DENOISE_FAR) {
        // Bevels, pebbles, silhouettes: no neighbour has this normal, and one sample in the shadow would stay a black
        // dot. While samples are few such a pixel borrows light from all that is near; its colour stays its own.
        if (params.step <= LEND_STEP && alike < 1.5) {
            float n = max(texelFetch(in_radiance, p, 0).a, 1.0);
            float smooth_part = clamp(texelFetch(in_albedo, p, 0).a * 4.0, 0.15, 1.0);
            float few = max(1.0 - n / LEND_SAMPLES, 0.0);
            float share = (1.0 - alike / 1.5) * few * few * smooth_part * params.strength;
            sum += lent * share;
            weight += lent_weight * share;
        }
        c.light = sum / weight;
        c.deviation = sqrt(variance) / weight;
    }
    imageStore(packed_to, p, pack_pixel(c));
}
