#version 460
// What happens where a ray ends: light is added, a shadow ray asked for, the path continued or ended.
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
#include "trace.glsl"
#include "texture.glsl"
#include "surface.glsl"
#include "sampling.glsl"
#include "lights.glsl"
#include "bsdf.glsl"

layout(local_size_x = TRACE_GROUP) in;
layout(set = PASS_SET, binding = TRACE_BIND_ALBEDO, rgba16f) uniform image2D albedo_mean;
layout(set = PASS_SET, binding = TRACE_BIND_NORMAL, rgba16f) uniform image2D normal_mean;

#define SMOOTH_ROUGHNESS 0.15 // below, the filter's guides come from what is seen in the reflection
#define BACKGROUND_DISTANCE 60000.0

// Running means for the denoiser (sums would leave the range of half floats). Sample 0 starts them.
void write_guides(uint path, vec3 albedo, float roughness, vec3 normal, float dist)
{
    ivec2 pixel = trace_pixel(path);
    vec4 a = vec4(albedo, roughness), n = vec4(normal, min(dist, BACKGROUND_DISTANCE));
    if (params.sample_index > 0u) {
        float share = 1.0 / float(params.sample_index + 1u);
        a = mix(imageLoad(albedo_mean, pixel), a, share);
        n = mix(imageLoad(normal_mean, pixel), n, share);
    }
    imageStore(albedo_mean, pixel, a);
    imageStore(normal_mean, pixel, n);
}

// Light from beyond everything along a ray chosen with density pdf (0: nothing competes).
vec3 sky(vec3 d, float pdf, bool camera)
{
    vec3 sum = camera ? vec3(0.0) : frame.ambient;
    for (uint i = light_distant_end(); i < light_dome_end(); i++) {
        SceneLight l = lights[i];
        vec2 uv = dome_uv(l, d);
        float w = pdf > 0.0 ? power_weight(pdf, l.select * dome_pdf_at(l, uv)) : 1.0;
        sum += dome_radiance_at(l, uv) * w;
    }
    for (uint i = light_area_end(); !camera && i < light_distant_end(); i++) {
        SceneLight l = lights[i];
        float w = pdf > 0.0 ? power_weight(pdf, l.select / (2.0 * PI * (1.0 - l.cos_angle))) : 1.0;
        if (dot(d, l.axis_z) > l.cos_angle)
            sum += l.radiance * w;
    }
    return sum;
}

void continue_path(uint path, vec3 origin, vec3 direction)
{
    uint slot = atomicAdd(counts[2u * params.iteration + 2u], 1u);
    TraceRay ray;
    ray.origin = origin;
    ray.path = path;
    ray.direction = direction;
    rays_out[slot] = ray;
}

// Next-event estimation at a surface.
void sample_light(uint path, TracePath p, Surface s, Bsdf bsdf, vec3 v, uint seed, uint dimension, bool last)
{
    if (frame.light_count == 0u)
        return;
    uint index = light_choose(sample_1d(seed, params.sample_index, dimension));
    SceneLight light = lights[index];
    LightSample ls = light_sample(light, s.position, sample_2d(seed, params.sample_index, dimension));
    float select = light.select * ls.pdf;
    if (!(select > 0.0) || dot(ls.direction, s.geometric) <= 0.0)
        return;
    float pdf;
    vec3 f = bsdf_eval(bsdf, v, ls.direction, pdf);
    // Past the last bounce no ray of the surface's own competes.
    float weight = ls.delta || last ? 1.0 : power_weight(select, pdf);
    vec3 light_in = p.throughput * f * ls.radiance * (weight / select);
    if (!(max3(light_in) > 0.0) || any(isinf(light_in)))
        return;
    TraceShadow shadow;
    shadow.origin = offset_origin(s.position, s.geometric);
    shadow.t_max = ls.distance >= 1e30 ? 1e30 : ls.distance * 0.9999;
    shadow.direction = ls.direction;
    shadow.path = path;
    shadow.radiance = light_in;
    shadows[atomicAdd(counts[2u * params.iteration + 1u], 1u)] = shadow;
}

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i >= counts[2u * params.iteration])
        return;
    TraceRay ray = rays_in[i];
    if (ray.path == SCENE_NONE)
        return;
    TraceHit hit = hits[i];
    TracePath p  = paths[ray.path];
    vec3 d = ray.direction;
    bool camera = (p.state & PATH_CAMERA) != 0u;
    uint bounce = p.state & 0xffu;

    float t = hit.instance == SCENE_NONE ? 1e30 : hit.t;
    vec3 emitted;
    float light_pdf;
    if (light_intersect(ray.origin, d, t, emitted, light_pdf) != SCENE_NONE) {
        p.radiance += p.throughput * emitted * (p.pdf > 0.0 ? power_weight(p.pdf, light_pdf) : 1.0);
        if ((p.state & PATH_PENDING) != 0u)
            write_guides(ray.path, vec3(1.0), 1.0, -d, p.distance + t);
        paths[ray.path].radiance = p.radiance;
        return;
    }
    if (hit.instance == SCENE_NONE) {
        p.radiance += p.throughput * sky(d, p.pdf, camera);
        if ((p.state & PATH_PENDING) != 0u)
            write_guides(ray.path, vec3(1.0), 1.0, vec3(0.0), BACKGROUND_DISTANCE);
        paths[ray.path].radiance = p.radiance;
        return;
    }

    p.distance += hit.t;
    Surface s  = surface_fetch(hit.instance, hit.triangle, hit.barycentric, d);
    float size = (frame.flags & FRAME_ORTHOGRAPHIC) != 0u ? frame.pixel_spread : p.distance * frame.pixel_spread;
    Material m = material_fetch(s, (p.state & PATH_ROUGH) != 0u ? max(size, hit.t * 0.05) : size);
    uint seed  = trace_seed(trace_pixel(ray.path));
    uint passes = p.state >> PATH_PASSES_SHIFT;
    uint dimension = 2u + 4u * bounce + 256u * passes;

    if (m.opacity < 1.0 && sample_1d(seed, params.sample_index, dimension + 3u) >= m.opacity) {
        p.state += 1u << PATH_PASSES_SHIFT;
        paths[ray.path].state    = p.state;
        paths[ray.path].distance = p.distance;
        if (passes < uint(TRACE_PASSES))
            continue_path(ray.path, offset_origin(s.position, -s.geometric), d);
        else if ((p.state & PATH_PENDING) != 0u)
            write_guides(ray.path, vec3(1.0), 1.0, -d, p.distance);
        return;
    }

    vec3 v = -d;
    if (dot(m.normal, v) <= 0.0) // a bent normal that faces away: the nearest one that does not
        m.normal = normalize(m.normal + v * (1e-3 - dot(m.normal, v)));
    p.radiance += p.throughput * m.emissive;
    Bsdf bsdf = bsdf_make(m, v);
    bool glass = m.transmission > 0.0 && sample_1d(seed, params.sample_index, dimension + 2u) < m.transmission;
    bool last  = bounce >= params.max_bounces;

    if ((p.state & PATH_PENDING) != 0u) {
        bool mirror = m.roughness < SMOOTH_ROUGHNESS && (glass || bsdf.p_specular > 0.8);
        if (!mirror || last) {
            vec3 albedo = min(bsdf.diffuse + bsdf.f0, vec3(1.0)) * p.throughput;
            write_guides(ray.path, max(albedo, vec3(0.02)), m.roughness, m.normal, p.distance);
            p.state &= ~PATH_PENDING;
        }
    }
    if (!glass)
        sample_light(ray.path, p, s, bsdf, v, seed, dimension, last);

    bool alive = !last;
    vec3 next = d;
    if (alive) {
        vec2 u  = sample_2d(seed, params.sample_index, dimension + 1u);
        float r = sample_1d(seed, params.sample_index, dimension + 1u);
        vec3 weight = vec3(0.0);
        if (glass) {
            bool thin = (m.flags & MATERIAL_THIN_WALLED) != 0u;
            float eta = s.back && !thin ? 1.0 / m.ior : m.ior;
            next = glass_sample(m.normal, v, bsdf.alpha, eta, thin, m.diffuse, r, u, weight);
            p.pdf = 0.0;
        } else {
            next = bsdf_sample(bsdf, v, r, u);
            vec3 f = bsdf_eval(bsdf, v, next, p.pdf);
            if (dot(next, s.geometric) > 0.0 && p.pdf > 0.0)
                weight = f / p.pdf;
            if (r < bsdf.p_diffuse || m.roughness > 0.4)
                p.state |= PATH_ROUGH;
        }
        p.throughput *= weight;
        float strongest = max3(p.throughput);
        alive = strongest > 0.0 && !isinf(strongest);
        if (alive && bounce >= 1u) { // Russian roulette
            float survive = clamp(strongest, 0.05, 1.0);
            alive = sample_1d(seed, params.sample_index, dimension + 131u) < survive;
            p.throughput /= survive;
        }
    }
    p.state = (p.state & ~PATH_CAMERA) + 1u;
    if (alive) {
        bool through = dot(next, s.geometric) < 0.0;
        continue_path(ray.path, offset_origin(s.position, through ? -s.geometric : s.geometric), next);
    } else if ((p.state & PATH_PENDING) != 0u) {
        write_guides(ray.path, vec3(1.0), m.roughness, m.normal, p.distance);
    }
    paths[ray.path] = p;
}
