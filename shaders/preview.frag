#version 460
// The preview's picture, shaded as it is drawn: every light as one direction, the domes as harmonics.
#extension GL_GOOGLE_include_directive : require
#define SURFACE_INTERPOLATED
#include "shared/scene.glsl"
#include "shared/sampling.glsl"
#include "shared/texture.glsl"
#include "shared/surface.glsl"
#include "shared/lights.glsl"
#include "shared/preview.h"

layout(constant_id = PREVIEW_CONSTANT_MODE) const uint mode = PREVIEW_FULL;
layout(constant_id = PREVIEW_CONSTANT_KIND) const uint kind = 0u;
layout(constant_id = PREVIEW_CONSTANT_LIGHTS) const uint light_types = 0u;
layout(constant_id = PREVIEW_CONSTANT_FEATURES) const uint features = 0u;
const bool rich = kind != 0u;

layout(scalar, set = PASS_SET, binding = 1) uniform Preview { PreviewScene preview; };
layout(set = PASS_SET, binding = 2) uniform sampler2DArrayShadow shadows;

layout(location = 0) in vec3 world;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec4 uv;
layout(location = 3) in vec4 color;
layout(location = 4) flat in vec4 material_0;
layout(location = 5) flat in vec4 material_1;
layout(location = 6) flat in vec4 material_2;
layout(location = 7) flat in vec4 material_3;
layout(location = 8) flat in uint instance;
layout(location = 0) out vec4 picture;

float preview_shadow(uint i, Surface s)
{
    if ((features & PREVIEW_HAS_SHADOWS) == 0u)
        return 1.0;
    vec4 bias = preview.shadow_bias[i];
    vec4 q = preview.shadow[i] * vec4(s.position + s.geometric * bias.x, 1.0);
    vec3 c = q.xyz / q.w;
    bool outside = q.w <= 0.0 || any(lessThan(c, vec3(0.0))) || any(greaterThan(c.xy, vec2(1.0))) || bias.w == 0.0;
    c.z = outside ? 0.0 : c.z - bias.y;
    if ((features & PREVIEW_HAS_SOFT_SHADOWS) == 0u)
        return texture(shadows, vec4(c.xy, float(i), c.z));
    float sum = texture(shadows, vec4(c.xy, float(i), c.z));
    vec2 a = vec2(0.9, 0.38) * bias.z, b = vec2(-0.38, 0.9) * bias.z;
    sum += texture(shadows, vec4(c.xy + a, float(i), c.z)) + texture(shadows, vec4(c.xy - a, float(i), c.z));
    sum += texture(shadows, vec4(c.xy + b, float(i), c.z)) + texture(shadows, vec4(c.xy - b, float(i), c.z));
    return sum * 0.2;
}

#include "shared/preview_light.glsl"

Material plain_material(Surface s)
{
    Material m;
    m.diffuse = material_0.rgb;
    m.metallic = material_0.a;
    m.specular = material_1.rgb;
    m.roughness = material_1.a;
    m.emissive = material_2.rgb;
    m.clearcoat = material_2.a;
    m.clearcoat_roughness = material_3.x;
    m.ior = material_3.y;
    m.transmission = material_3.z;
    m.flags = uint(material_3.w);
    m.opacity = 1.0;
    m.occlusion = 1.0;
    m.normal = s.normal;
    return m;
}

void main()
{
    if (mode == PREVIEW_CONSTANT) {
        picture = vec4(preview.constant, 1.0);
        return;
    }
    interpolated_dx = dFdx(world);
    interpolated_dy = dFdy(world);
    bool ortho = (frame.flags & FRAME_ORTHOGRAPHIC) != 0u;
    vec3 view = ortho ? -frame.axis : normalize(frame.eye - world);
    vec3 geometric = normalize(cross(interpolated_dx, interpolated_dy));
    if (dot(geometric, view) < 0.0)
        geometric = -geometric;
    Surface s;
    s.triangle = 0u;
    s.material = 0u;
    s.position = world;
    s.geometric = geometric;
    s.normal = dot(normal, normal) > 0.0 ? normalize(normal) : geometric;
    s.instance = instance;
    s.triangle = uint(gl_PrimitiveID);
    if (dot(s.normal, geometric) < 0.0)
        s.normal = -s.normal;
    s.back = !gl_FrontFacing;
    Material m;
    if (kind <= 1u) {
        m = plain_material(s);
    } else {
        interpolated_uv = uv;
        interpolated_color = color;
        interpolated_uv_dx = dFdx(uv.xy);
        interpolated_uv_dy = dFdy(uv.xy);
        SceneInstance inst = instances[instance];
        s.material = surface_material(inst, meshes[inst.mesh], s.triangle);
        m = material_fetch(s, 0.0);
        if (kind == 3u) {
            // Interleaved gradient noise (Jimenez 2014).
            if (m.opacity <= fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))))
                discard;
        }
    }
    picture = vec4(min(preview_shade(s, m, view, mode == PREVIEW_DIFFUSE, 1.0), vec3(65000.0)), 1.0);
}
