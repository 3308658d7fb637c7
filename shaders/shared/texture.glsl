// Sampling of paged textures. Include after shared/scene.glsl.
#ifndef SHARED_TEXTURE_GLSL
#define SHARED_TEXTURE_GLSL
#include "texture.h"

layout(scalar, set = SCENE_SET, binding = SCENE_BIND_TEXTURES) readonly buffer Textures { uint texture_words[]; };
layout(set = SCENE_SET, binding = SCENE_BIND_PAGES_UNORM) uniform sampler2DArray texture_pages_unorm;
layout(set = SCENE_SET, binding = SCENE_BIND_PAGES_FLOAT) uniform sampler2DArray texture_pages_float;

// enum render_wrap
#define WRAP_BLACK 0u
#define WRAP_CLAMP 1u
#define WRAP_REPEAT 2u
#define WRAP_MIRROR 3u

// A coordinate wrapped to texels of a level, so that a bilinear fetch there needs no neighbour that wrapping
// would take from elsewhere, except where the border (made for repetition) has it.
float texture_wrap(float u, uint mode, float size, inout float coverage)
{
    if (mode == WRAP_REPEAT)
        return (u - floor(u)) * size;
    if (mode == WRAP_MIRROR)
        u = abs(u - 2.0 * round(u * 0.5));
    else if (mode == WRAP_BLACK)
        coverage *= clamp(u * size + 0.5, 0.0, 1.0) * clamp(size - u * size + 0.5, 0.0, 1.0);
    return clamp(u * size, 0.5, size - 0.5);
}

vec3 texture_linear(vec3 c)
{
    return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), greaterThan(c, vec3(0.04045)));
}

// Linear RGBA. `texture`: entry of the table. v = 0 is the bottom row of the picture, as USD has it.
// wrap: enum render_wrap of s in bits 0-3, of t in bits 4-7. uv_width: width of the footprint in uv units;
// the level is the one with one to two texels in it.
vec4 texture_sample(uint texture, vec2 uv, uint wrap, float uv_width)
{
    uint head = texture * TEXTURE_HEADER_WORDS;
    uint size = texture_words[head + TEXTURE_SIZE];
    uint kind = texture_words[head + TEXTURE_KIND];
    if ((kind & TEXTURE_IS_CONSTANT) != 0u)
        return unpackUnorm4x8(texture_words[head + TEXTURE_CONSTANT]);
    uint w = size & 0xffffu, h = size >> 16;
    int levels = int(kind & 0xffu);
    float texels = uv_width * float(max(w, h));
    int level = clamp(texels > 1.0 ? int(log2(texels)) : 0, 0, levels - 1);
    vec2 extent = vec2(max(w >> level, 1u), max(h >> level, 1u));
    if (any(isnan(uv)) || any(isinf(uv)))
        uv = vec2(0.0);
    float coverage = 1.0;
    vec2 at = vec2(texture_wrap(uv.x, wrap & 15u, extent.x, coverage),
                   texture_wrap(1.0 - uv.y, wrap >> 4, extent.y, coverage));
    uvec2 tiles = (uvec2(extent) + uint(TEXTURE_TILE - 1)) / uint(TEXTURE_TILE);
    uvec2 tile = min(uvec2(at) / uint(TEXTURE_TILE), tiles - 1u);
    uint first = texture_words[texture_words[head + TEXTURE_LEVELS] + uint(level)];
    uint place = texture_words[first + tile.y * tiles.x + tile.x];
    vec2 corner = vec2(place >> 12 & 127u, place >> 19 & 127u) * 8.0 + 1.0;
    vec3 uvw = vec3((corner + at - vec2(tile * uint(TEXTURE_TILE))) / float(TEXTURE_LAYER), place & 0xfffu);
    vec4 c;
    if ((kind & TEXTURE_IS_FLOAT) != 0u)
        c = textureLod(texture_pages_float, uvw, 0.0);
    else
        c = textureLod(texture_pages_unorm, uvw, 0.0);
    if ((kind & TEXTURE_IS_SRGB) != 0u)
        c.rgb = texture_linear(c.rgb);
    return c * coverage;
}
#endif
