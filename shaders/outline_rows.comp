#version 460
// First half of the outline's distance search: for each pixel the nearest masked pixel in its row, within the
// outline's width. x = offset + 64 (0 = none), y = group there, z = group of the pixel itself.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/compose.h"

layout(local_size_x = COMPOSE_TILE, local_size_y = COMPOSE_TILE) in;
layout(set = PASS_SET, binding = 0) uniform usampler2D mask;
layout(set = PASS_SET, binding = 1, rgba8ui) uniform writeonly uimage2D nearest;
layout(scalar, push_constant) uniform Params { OutlineParams params; };

uint group_at(ivec2 p)
{
    if (p.x < 0 || p.x >= int(params.size.x))
        return 0u;
    uint v = texelFetch(mask, p, 0).x;
    return v == 0u ? 0u : instances[v - 1u].outline_group;
}

void main()
{
    if (any(greaterThanEqual(gl_GlobalInvocationID.xy, params.extent)))
        return;
    ivec2 p = params.first + ivec2(gl_GlobalInvocationID.xy);
    uint own = group_at(p);
    uvec4 found = uvec4(own != 0u ? 64u : 0u, own, own, 0u);
    for (int i = 1; found.x == 0u && i <= int(params.width); i++) {
        uint a = group_at(p + ivec2(i, 0)), b = group_at(p - ivec2(i, 0));
        if (a != 0u)
            found.xy = uvec2(64 + i, a);
        else if (b != 0u)
            found.xy = uvec2(64 - i, b);
    }
    imageStore(nearest, p, found);
}
