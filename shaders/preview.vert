#version 460
// The constant material of an instance is fetched here, once per vertex: on a software device loads from buffers are
// the expensive part, and there are far fewer vertices than pixels.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"
#include "shared/texture.glsl"
#include "shared/surface.glsl"
#include "shared/preview.h"

layout(constant_id = PREVIEW_CONSTANT_KIND) const uint kind = 0u;

layout(location = 0) in vec3 position;
layout(scalar, set = PASS_SET, binding = 0) readonly buffer List { uint list[]; };

layout(location = 0) out vec3 world;
layout(location = 1) out vec3 normal;
layout(location = 2) out vec4 uv;
layout(location = 3) out vec4 color;
layout(location = 4) flat out vec4 material_0; // diffuse, metallic
layout(location = 5) flat out vec4 material_1; // specular, roughness
layout(location = 6) flat out vec4 material_2; // emissive, clearcoat
layout(location = 7) flat out vec4 material_3; // clearcoat roughness, ior, transmission, flags
layout(location = 8) flat out uint instance_out;

void main()
{
    uint instance = list[gl_InstanceIndex];
    SceneInstance inst = instances[instance];
    SceneMesh mesh = meshes[inst.mesh];
    uint vertex = uint(gl_VertexIndex) - mesh.first_vertex;
    world = transform_point(inst.to_world, position);
    gl_Position = frame.world_to_clip * vec4(world, 1.0);
    normal = vec3(0.0);
    uint at = mesh.first_attribute + vertex * mesh.attribute_stride;
    if ((mesh.flags & MESH_HAS_NORMALS) != 0u)
        normal = normalize(transform_normal(inst.to_object, octahedral_decode(attributes[at++])));
    instance_out = instance;
    uv = vec4(0.0);
    color = vec4(1.0);
    material_0 = material_1 = material_2 = material_3 = vec4(0.0);
    if (kind > 1u) {
        if ((mesh.flags & MESH_HAS_COLOR) != 0u)
            color = decode_color(attributes[at++]);
        if (mesh.uv_count > 0u)
            uv.xy = vec2(uintBitsToFloat(attributes[at]), uintBitsToFloat(attributes[at + 1u]));
        if (mesh.uv_count > 1u)
            uv.zw = vec2(uintBitsToFloat(attributes[at + 2u]), uintBitsToFloat(attributes[at + 3u]));
        return;
    }
    SceneMaterial m = materials[slots[inst.material_offset]];
    vec3 diffuse = m.diffuse;
    if ((m.flags & MATERIAL_DISPLAY_COLOR) != 0u && (mesh.flags & MESH_CONSTANT_COLOR) != 0u)
        diffuse = decode_color(mesh.color).rgb;
    material_0 = vec4(diffuse, m.metallic);
    material_1 = vec4(m.specular, m.roughness);
    material_2 = vec4(m.emissive, m.clearcoat);
    material_3 = vec4(m.clearcoat_roughness, m.ior, m.transmission, float(m.flags));
}
