#version 460
// Starts one path per pixel: its first hit from the visibility picture, or its first ray.
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
#include "trace.glsl"
#include "texture.glsl"
#include "surface.glsl"
#include "sampling.glsl"

layout(local_size_x = TRACE_GROUP) in;
layout(set = PASS_SET, binding = TRACE_BIND_VISIBILITY, rg32ui) uniform readonly uimage2D visibility;

// Inverse of the tent filter's distribution, one pixel to each side.
float tent(float u) { return u < 0.5 ? sqrt(2.0 * u) - 1.0 : 1.0 - sqrt(2.0 - 2.0 * u); }

void lens(ivec2 pixel, inout vec3 o, inout vec3 d)
{
    if (params.lens_radius <= 0.0 || (frame.flags & FRAME_ORTHOGRAPHIC) != 0u)
        return;
    vec2 at = sample_disk(sample_2d(trace_seed(pixel), params.sample_index, 1u)) * params.lens_radius;
    vec3 focus = o + d * params.focus_distance; // d has component 1 along the axis
    o += normalize(frame.film_x) * at.x + normalize(frame.film_y) * at.y;
    d = focus - o;
}

void main()
{
    uint path = gl_GlobalInvocationID.x;
    if (path >= params.path_count)
        return;
    ivec2 pixel = trace_pixel(path);
    TraceRay ray;
    ray.path = path;
    if (pixel.x >= int(frame.extent.x) || pixel.y >= int(frame.extent.y)) {
        rays_in[path].path = SCENE_NONE;
        return;
    }
    TracePath p;
    p.throughput = vec3(1.0);
    p.pdf = 0.0;
    p.radiance = vec3(0.0);
    p.state = PATH_CAMERA | PATH_PENDING;
    p.distance = 0.0;
    paths[path] = p;
    vec3 o, d;
    if ((params.flags & TRACE_VISIBILITY) != 0u) {
        camera_ray(vec2(pixel) + 0.5 + frame.jitter, o, d);
        uvec2 seen = imageLoad(visibility, pixel).xy;
        TraceHit hit;
        hit.instance = SCENE_NONE;
        hit.t = 1e30;
        if (seen.x != 0u) {
            hit.instance = seen.x - 1u;
            hit.triangle = seen.y & VISIBILITY_PRIMITIVE;
            vec3 at = surface_intersect(hit.instance, hit.triangle, o, d);
            hit.barycentric = at.xy;
            hit.t = at.z * length(d);
        }
        hits[path] = hit;
    } else {
        vec2 u = sample_2d(trace_seed(pixel), params.sample_index, 0u);
        camera_ray(vec2(pixel) + 0.5 + vec2(tent(u.x), tent(u.y)), o, d);
        lens(pixel, o, d);
        float start = frame.near_clip; // along the axis, as the rasteriser clips
        o += d * start;
        if (any(isnan(o + d)))
            d = vec3(0.0, 0.0, 1.0);
    }
    ray.origin = o;
    ray.direction = normalize(d);
    rays_in[path] = ray;
}
