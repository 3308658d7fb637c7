#version 460
// The closest hit of every ray in the queue.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_samplerless_texture_functions : require
#include "scene.glsl"
#include "trace.glsl"
#include "bvh.glsl"

layout(local_size_x = TRACE_GROUP) in;

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i >= counts[2u * params.iteration])
        return;
    TraceRay ray = rays_in[i];
    if (ray.path == SCENE_NONE)
        return;
    BvhHit hit = bvh_trace(params.top, ray.origin, ray.direction, 0.0, 1e30, false);
    hits[i] = TraceHit(hit.t, hit.barycentric, hit.triangle, hit.instance);
}
