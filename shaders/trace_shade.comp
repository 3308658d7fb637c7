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

// What a path leaves behind here, written in one place each: on a software device every lane walks through all of
// the code, so what is written twice costs twice.
struct Outcome {
    bool guides; // the filter's guides are known
    vec3 albedo, normal;
    float roughness, distance;
    bool alive; // the path goes on
    vec3 origin, direction;
};

// Running means for the denoiser (sums would leave the range of half floats). Sample 0 starts them.
void write_guides(uint path, Outcome o)
{
    ivec2 pixel = trace_pixel(path);
    vec4 a = vec4(o.albedo, o.roughness), n = vec4(o.normal, min(o.distance, BACKGROUND_DISTANCE));
    if (params.sample_index > 0u) {
        float share = 1.0 / float(params.sample_index + 1u);
        a = mix(imageLoad(albedo_mean, pixel), a, share);
        n = mix(imageLoad(normal_mean, pixel), n, share);
    }
    imageStore(albedo_mean, pixel, a);
    imageStore(normal_mean, pixel, n);
}

// Share of a light's radiance that a ray gets, chosen with density `mine` against `other` of light sampling.
// mine 0: the ray had no choice, or comes from the camera.
float ray_weight(float mine, float other)
{
    if (mine <= 0.0 || (params.flags & TRACE_RAYS_ONLY) != 0u)
        return 1.0;
    return (params.flags & TRACE_LIGHTS_ONLY) != 0u ? 0.0 : power_weight(mine, other);
}

// Light from beyond everything along a ray chosen with density pdf (0: nothing competes).
vec3 sky(vec3 d, float pdf, bool camera)
{
    vec3 sum = camera ? vec3(0.0) : frame.ambient;
    for (uint i = light_distant_end(); i < light_dome_end(); i++) {
        SceneLight l = lights[i];
        vec2 uv = dome_uv(l, d);
        float w = ray_weight(pdf, l.select * dome_pdf_at(l, uv));
        sum += dome_radiance_at(l, uv) * w;
    }
    for (uint i = light_area_end(); !camera && i < light_distant_end(); i++) {
        SceneLight l = lights[i];
        float w = ray_weight(pdf, l.select / (2.0 * PI * (1.0 - l.cos_angle)));
        if (dot(d, l.axis_z) > l.cos_angle)
            sum += l.radiance * w;
    }
    return sum;
}

// Light of area lights along a ray up to t. Where light sampling competes, lights do not hide each other or what is
// behind them, since shadow rays do not see them either. To the camera and in glass they are solid: t is then the
// nearest one's, and lit tells of it.
vec3 area_lights(TraceRay ray, float pdf, inout float t, out bool lit)
{
    vec3 sum = vec3(0.0);
    lit = false;
    uint end = light_area_end();
    for (uint i = 0u; i < end; i++) {
        float at, other;
        vec3 radiance;
        if (!light_hit(lights[i], ray.origin, ray.direction, t, at, radiance, other))
            continue;
        bool solid = pdf <= 0.0;
        sum = solid ? radiance : sum + radiance * ray_weight(pdf, other);
        t = solid ? at : t;
        lit = lit || solid;
    }
    return sum;
}

// Next-event estimation at a surface.
void sample_light(uint path, TracePath p, Surface s, Bsdf bsdf, vec3 v, uint seed, uint dimension, bool last)
{
    if (frame.light_count == 0u || (params.flags & TRACE_RAYS_ONLY) != 0u)
        return;
    vec3 r = sample_3d(seed, params.sample_index, dimension);
    SceneLight light = lights[light_choose(r.z)];
    LightSample ls = light_sample(light, s.position, r.xy);
    float select = light.select * ls.pdf;
    if (!(select > 0.0) || dot(ls.direction, s.geometric) <= 0.0)
        return;
    float pdf;
    vec3 f = bsdf_eval(bsdf, v, ls.direction, pdf);
    // Past the last bounce no ray of the surface's own competes.
    bool alone = ls.delta || last || (params.flags & TRACE_LIGHTS_ONLY) != 0u;
    float weight = alone ? 1.0 : power_weight(select, pdf);
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

// A path at a surface.
Outcome scatter(uint path, TraceHit hit, vec3 d, inout TracePath p)
{
    Outcome o;
    Surface s  = surface_fetch(hit.instance, hit.triangle, hit.barycentric, d);
    float size = (frame.flags & FRAME_ORTHOGRAPHIC) != 0u ? frame.pixel_spread : p.distance * frame.pixel_spread;
    Material m = material_fetch(s, (p.state & PATH_ROUGH) != 0u ? max(size, hit.t * 0.05) : size);
    uint bounce = p.state & 0xffu, passes = p.state >> PATH_PASSES_SHIFT;
    uint seed = trace_seed(trace_pixel(path));
    uint dimension = 2u + 4u * bounce + 256u * passes;
    vec3 v = -d;
    if (dot(m.normal, v) <= 0.0) // a bent normal that faces away: the nearest one that does not
        m.normal = normalize(m.normal + v * (1e-3 - dot(m.normal, v)));
    Bsdf bsdf = bsdf_make(m, v);
    vec3 choice = sample_3d(seed, params.sample_index, dimension + 2u); // opacity, glass, roulette
    bool clear = choice.x >= m.opacity;
    bool glass = choice.y < m.transmission;
    bool last  = bounce >= params.max_bounces;
    bool pending = (p.state & PATH_PENDING) != 0u;

    o.albedo = max(min(bsdf.diffuse + bsdf.f0, vec3(1.0)) * p.throughput, vec3(0.02));
    o.normal = m.normal;
    // Of what is seen: a glossy coat over a diffuse base is mostly the base.
    o.roughness = mix(1.0, m.roughness, glass ? 1.0 : bsdf.p_specular);
    o.distance = p.distance;
    o.direction = d;
    if (clear) {
        p.state += 1u << PATH_PASSES_SHIFT;
        o.alive = passes < uint(TRACE_PASSES);
        o.guides = pending && !o.alive;
        o.origin = offset_origin(s.position, -s.geometric);
        return o;
    }
    p.radiance += p.throughput * m.emissive;
    bool mirror = m.roughness < SMOOTH_ROUGHNESS && (glass || bsdf.p_specular > 0.8);
    o.guides = pending && !mirror;
    if (!glass)
        sample_light(path, p, s, bsdf, v, seed, dimension, last);

    vec3 u = sample_3d(seed, params.sample_index, dimension + 1u), weight = vec3(0.0);
    if (glass) {
        bool thin = (m.flags & MATERIAL_THIN_WALLED) != 0u;
        float eta = s.back && !thin ? 1.0 / m.ior : m.ior;
        o.direction = glass_sample(m.normal, v, bsdf.alpha, eta, thin, m.diffuse, u.z, u.xy, weight);
        p.pdf = 0.0;
    } else {
        o.direction = bsdf_sample(bsdf, v, u.z, u.xy);
        vec3 f = bsdf_eval(bsdf, v, o.direction, p.pdf);
        if (dot(o.direction, s.geometric) > 0.0 && p.pdf > 0.0)
            weight = f / p.pdf;
        if (u.z < bsdf.p_diffuse || m.roughness > 0.4)
            p.state |= PATH_ROUGH;
    }
    p.throughput *= weight;
    float strongest = max3(p.throughput);
    float survive = bounce >= 1u ? clamp(strongest, 0.05, 1.0) : 1.0; // Russian roulette
    o.alive = !last && strongest > 0.0 && !isinf(strongest) && choice.z < survive;
    p.throughput /= survive;
    p.state = (p.state & ~PATH_CAMERA) + 1u;
    o.guides = o.guides || (pending && !o.alive);
    if (o.guides)
        p.state &= ~PATH_PENDING;
    bool through = dot(o.direction, s.geometric) < 0.0;
    o.origin = offset_origin(s.position, through ? -s.geometric : s.geometric);
    return o;
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
    bool surface = hit.instance != SCENE_NONE;
    float t = surface ? hit.t : 1e30;
    bool lit;
    p.radiance += p.throughput * area_lights(ray, p.pdf, t, lit);
    p.distance += min(t, BACKGROUND_DISTANCE);
    Outcome o;
    if (surface && !lit) {
        o = scatter(ray.path, hit, ray.direction, p);
    } else {
        if (!lit)
            p.radiance += p.throughput * sky(ray.direction, p.pdf, (p.state & PATH_CAMERA) != 0u);
        o.guides = (p.state & PATH_PENDING) != 0u;
        o.alive = false;
        o.albedo = vec3(1.0);
        o.normal = lit ? -ray.direction : vec3(0.0);
        o.roughness = 1.0;
        o.distance = lit ? p.distance : BACKGROUND_DISTANCE;
    }
    if (o.guides)
        write_guides(ray.path, o);
    if (o.alive)
        rays_out[atomicAdd(counts[2u * params.iteration + 2u], 1u)] = TraceRay(o.origin, ray.path, o.direction);
    paths[ray.path] = p;
}
