#version 460
// Second half: the nearest masked pixel over rows gives the distance to each silhouette; the outline lies outside
// of it, params.width wide, its outer edge smoothed. Inside, the fill. Blended over the finished LdrColor.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/compose.h"

layout(local_size_x = COMPOSE_TILE, local_size_y = COMPOSE_TILE) in;
layout(set = PASS_SET, binding = 0) uniform usampler2D mask;
layout(set = PASS_SET, binding = 1) uniform usampler2D nearest;
layout(scalar, set = PASS_SET, binding = 2) buffer Ldr { uint ldr[]; };
struct Style { vec4 outline, fill; };
layout(scalar, set = PASS_SET, binding = 3) readonly buffer Styles { Style styles[]; };
layout(scalar, push_constant) uniform Params { OutlineParams params; };

#define FILL_GLOBAL 1u
#define FILL_OUTLINE 2u
#define FILL_GROUP 3u

void blend(uint at, vec4 color, float coverage)
{
    float a = clamp(color.a, 0.0, 1.0) * coverage;
    vec4 under = unpackUnorm4x8(ldr[at]);
    ldr[at] = packUnorm4x8(vec4(mix(under.rgb, clamp(color.rgb, 0.0, 1.0), a), under.a));
}

void main()
{
    if (any(greaterThanEqual(gl_GlobalInvocationID.xy, params.extent)))
        return;
    ivec2 p = params.first + ivec2(gl_GlobalInvocationID.xy);
    uint at = uint(p.y) * params.size.x + uint(p.x);
    uint own = texelFetch(nearest, p, 0).z;
    float best = 1e9;
    uint group = 0u;
    int w = int(params.width);
    for (int dy = -w; dy <= w; dy++) {
        ivec2 q = p + ivec2(0, dy);
        if (q.y < params.first.y || q.y >= params.first.y + int(params.extent.y))
            continue;
        uvec4 n = texelFetch(nearest, q, 0);
        if (n.x == 0u)
            continue;
        float dx = float(int(n.x) - 64), d2 = dx * dx + float(dy * dy);
        if (d2 < best) {
            best = d2;
            group = n.y;
        }
    }
    float coverage = w > 0 ? clamp(float(w) + 0.5 - sqrt(best), 0.0, 1.0) : 0.0;
    if (own == 0u) {
        if (group != 0u && coverage > 0.0)
            blend(at, styles[group].outline, coverage);
        return;
    }
    if (params.fill == FILL_GLOBAL)
        blend(at, vec4(1.0, 0.6, 0.0, 0.15), 1.0);
    else if (params.fill == FILL_OUTLINE)
        blend(at, vec4(styles[own].outline.rgb, styles[own].outline.a * 0.3), 1.0);
    else if (params.fill == FILL_GROUP)
        blend(at, styles[own].fill, 1.0);
}
