#version 460
// Group counts of the dispatches that follow an iteration's shading: its shadow rays, and the next one's rays.
#extension GL_GOOGLE_include_directive : require
#include "scene.glsl"
#include "trace.glsl"

layout(local_size_x = 1) in;

void main()
{
    uint shadow_rays = counts[2u * params.iteration + 1u], rays = counts[2u * params.iteration + 2u];
    uint groups[2] = uint[](shadow_rays, rays);
    for (uint i = 0u; i < 2u; i++) {
        counts[TRACE_ARGS + 3u * i] = (groups[i] + uint(TRACE_GROUP - 1)) / uint(TRACE_GROUP);
        counts[TRACE_ARGS + 3u * i + 1u] = 1u;
        counts[TRACE_ARGS + 3u * i + 2u] = 1u;
    }
}
