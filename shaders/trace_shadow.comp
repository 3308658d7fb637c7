#version 460
// Adds the light of every shadow ray that nothing blocks. What is partly transparent lets a part through.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#include "scene.glsl"
#include "trace.glsl"
#include "bvh.glsl"
#include "texture.glsl"
#include "surface.glsl"

layout(local_size_x = TRACE_GROUP) in;
layout(constant_id = 0) const bool CUTOUT = false; // the scene has transparent materials

#define SHADOW_LAYERS 24 // transparent surfaces looked through

float opacity_at(BvhHit hit, vec3 d)
{
    Surface s = surface_fetch(hit.instance, hit.triangle, hit.barycentric, d);
    SceneMaterial m = materials[s.material];
    float opacity = m.opacity;
    uint bit = 1u << INPUT_OPACITY;
    if ((m.input_mask & bit) != 0u) {
        SceneMesh mesh = meshes[instances[hit.instance].mesh];
        opacity = clamp(input_value(m.first_input + uint(bitCount(m.input_mask & (bit - 1u))), mesh, s, 0.0).x, 0.0, 1.0);
    }
    if (opacity < 1.0 && m.opacity_threshold > 0.0)
        opacity = opacity >= m.opacity_threshold ? 1.0 : 0.0;
    return opacity;
}

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i >= counts[2u * params.iteration + 1u])
        return;
    TraceShadow ray = shadows[i];
    float left = 1.0;
    if (CUTOUT) {
        float from = 0.0;
        for (int layer = 0; layer < SHADOW_LAYERS && left > 0.0; layer++) {
            BvhHit hit = bvh_trace(params.top, ray.origin, ray.direction, from, ray.t_max, true);
            if (hit.instance == SCENE_NONE)
                break;
            left = (hit.flags & INSTANCE_CUTOUT) == 0u ? 0.0 : left * (1.0 - opacity_at(hit, ray.direction));
            from = hit.t;
        }
    } else {
        BvhHit hit = bvh_trace(params.top, ray.origin, ray.direction, 0.0, ray.t_max, true);
        left = hit.instance == SCENE_NONE ? 1.0 : 0.0;
    }
    if (left > 0.0)
        paths[ray.path].radiance += ray.radiance * left;
}
