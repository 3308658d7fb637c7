// The pass set of the path tracing kernels. Include after shared/scene.glsl.
#ifndef SHARED_TRACE_GLSL
#define SHARED_TRACE_GLSL
#include "trace.h"

layout(set = PASS_SET, binding = TRACE_BIND_NODES) uniform utextureBuffer bvh_nodes;
layout(set = PASS_SET, binding = TRACE_BIND_TRIANGLES) uniform utextureBuffer bvh_triangles;
layout(scalar, set = PASS_SET, binding = TRACE_BIND_PATHS) buffer Paths { TracePath paths[]; };
layout(scalar, set = PASS_SET, binding = TRACE_BIND_RAYS_IN) buffer RaysIn { TraceRay rays_in[]; };
layout(scalar, set = PASS_SET, binding = TRACE_BIND_RAYS_OUT) buffer RaysOut { TraceRay rays_out[]; };
layout(scalar, set = PASS_SET, binding = TRACE_BIND_HITS) buffer Hits { TraceHit hits[]; };
layout(scalar, set = PASS_SET, binding = TRACE_BIND_SHADOWS) buffer Shadows { TraceShadow shadows[]; };
layout(scalar, set = PASS_SET, binding = TRACE_BIND_COUNTS) buffer Counts { uint counts[]; };
layout(scalar, push_constant) uniform Push { TraceParams params; };

// Pixel of a path: 8x8 tiles, inside them a Z curve, so that neighbours in a SIMD group are near each other.
ivec2 trace_pixel(uint path)
{
    uint tile = params.first_tile + path / 64u, i = path % 64u;
    uvec2 corner = uvec2(tile % params.tiles_x, tile / params.tiles_x) * 8u;
    return ivec2(corner + uvec2((i & 1u) | (i >> 1 & 2u) | (i >> 2 & 4u), (i >> 1 & 1u) | (i >> 2 & 2u) | (i >> 3 & 4u)));
}

// The number that seeds a pixel's samples.
uint trace_seed(ivec2 pixel) { return uint(pixel.x) * 0x1f1f1f1fu ^ uint(pixel.y) * 0x9e3779b1u ^ params.seed; }
#endif
