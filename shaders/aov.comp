#version 460
// Outputs that follow from the first hit, one invocation per pixel of frame.extent. Which ones are written is
// fixed when the pipeline is made, so that nothing else is computed.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/texture.glsl"
#include "shared/surface.glsl"
#include "shared/compose.h"

layout(local_size_x = COMPOSE_TILE, local_size_y = COMPOSE_TILE) in;
layout(constant_id = 0) const uint outputs = 0u;

layout(set = PASS_SET, binding = 0) uniform usampler2D visibility;
layout(scalar, set = PASS_SET, binding = 1) writeonly buffer Normal { vec4 out_normal[]; };
layout(scalar, set = PASS_SET, binding = 2) writeonly buffer Depth { float out_depth[]; };
layout(scalar, set = PASS_SET, binding = 3) writeonly buffer Distance { float out_distance[]; };
layout(scalar, set = PASS_SET, binding = 4) writeonly buffer Plane { float out_plane[]; };
layout(scalar, set = PASS_SET, binding = 5) writeonly buffer Albedo { uint out_albedo[]; };
layout(scalar, set = PASS_SET, binding = 6) writeonly buffer Position { vec4 out_position[]; };
layout(scalar, set = PASS_SET, binding = 7) writeonly buffer InstanceId { uint out_instance[]; };
layout(scalar, set = PASS_SET, binding = 8) writeonly buffer SemanticId { uint out_semantic[]; };
layout(set = PASS_SET, binding = 9, rgba8) uniform writeonly image2D guide_albedo;
layout(set = PASS_SET, binding = 10, rgba16f) uniform writeonly image2D guide_normal;
layout(scalar, push_constant) uniform Params { AovParams params; };

bool want(uint bit) { return (outputs & bit) != 0u; }

// 1 at the near plane, 0 at the far plane, as a reversed depth buffer has it.
float depth_of(float along)
{
    float n = frame.near_clip, f = frame.far_clip;
    if ((frame.flags & FRAME_ORTHOGRAPHIC) != 0u)
        return clamp((f - along) / (f - n), 0.0, 1.0);
    return clamp(n * (f - along) / (along * (f - n)), 0.0, 1.0);
}

void main()
{
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (any(greaterThanEqual(p, ivec2(frame.extent))))
        return;
    uvec2 v = texelFetch(visibility, p, 0).xy;
    uint at = uint(p.y) * uint(frame.extent.x) + uint(p.x);
    const float infinity = uintBitsToFloat(0x7f800000u);
    vec4 normal = vec4(0.0, 0.0, 0.0, 1.0), position = vec4(0.0, 0.0, 0.0, 1.0);
    vec3 albedo = vec3(0.0);
    float depth = 0.0, ray = infinity, along = infinity, guide_distance = 60000.0;
    uint instance_id = 0u, semantic_id = 0u;
    if (v.x != 0u) {
        uint instance = v.x - 1u, triangle = v.y & VISIBILITY_PRIMITIVE;
        instance_id = instances[instance].instance_id;
        semantic_id = instances[instance].semantic_id;
        vec3 o, d;
        camera_ray(vec2(p) + 0.5 + frame.jitter, o, d);
        vec3 hit = surface_intersect(instance, triangle, o, d);
        Surface s = surface_fetch(instance, triangle, hit.xy, d);
        vec3 q = transform_point(params.to_camera, s.position);
        normal = vec4(s.normal, 1.0);
        position = vec4(q, 1.0);
        along = -q.z * frame.meters_per_unit;
        ray = length(q) * frame.meters_per_unit;
        depth = depth_of(-q.z);
        guide_distance = min(-q.z, 60000.0);
        if (want(AOV_ALBEDO | AOV_GUIDES)) {
            bool ortho = (frame.flags & FRAME_ORTHOGRAPHIC) != 0u;
            Material m = material_fetch(s, ortho ? frame.pixel_spread : hit.z * frame.pixel_spread);
            albedo = m.diffuse;
            normal.xyz = want(AOV_GUIDES) ? m.normal : normal.xyz;
        }
    }
    if (want(AOV_NORMAL)) out_normal[at] = normal;
    if (want(AOV_DEPTH)) out_depth[at] = depth;
    if (want(AOV_DISTANCE)) out_distance[at] = ray;
    if (want(AOV_PLANE)) out_plane[at] = along;
    if (want(AOV_ALBEDO)) {
        vec3 c = clamp(albedo, 0.0, 1.0);
        c = mix(c * 12.92, 1.055 * pow(c, vec3(1.0 / 2.4)) - 0.055, greaterThan(c, vec3(0.0031308)));
        out_albedo[at] = packUnorm4x8(vec4(c, 1.0));
    }
    if (want(AOV_POSITION)) out_position[at] = position;
    if (want(AOV_INSTANCE)) out_instance[at] = instance_id;
    if (want(AOV_SEMANTIC)) out_semantic[at] = semantic_id;
    if (want(AOV_GUIDES)) {
        imageStore(guide_albedo, p, vec4(clamp(albedo, 0.0, 1.0), 1.0));
        imageStore(guide_normal, p, vec4(normal.xyz, guide_distance));
    }
}
