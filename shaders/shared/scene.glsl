// Declares set 0. Include after #version; needs nothing else.
#ifndef SHARED_SCENE_GLSL
#define SHARED_SCENE_GLSL
#extension GL_EXT_scalar_block_layout : require
#include "scene.h"

layout(scalar, set = SCENE_SET, binding = SCENE_BIND_MESHES) readonly buffer Meshes { SceneMesh meshes[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_INSTANCES) readonly buffer Instances { SceneInstance instances[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_MATERIALS) readonly buffer Materials { SceneMaterial materials[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_INPUTS) readonly buffer Inputs { SceneInput inputs[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_SLOTS) readonly buffer Slots { uint slots[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_POSITIONS) readonly buffer Positions { float positions[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_ATTRIBUTES) readonly buffer Attributes { uint attributes[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_INDICES) readonly buffer Indices { uint indices[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_TRIANGLE_SLOTS) readonly buffer TriangleSlots { uint triangle_slots[]; };
layout(scalar, set = SCENE_SET, binding = SCENE_BIND_FRAME) uniform Frame { SceneFrame frame; };

vec3 transform_point(vec4 rows[3], vec3 p)
{
    vec4 h = vec4(p, 1.0);
    return vec3(dot(rows[0], h), dot(rows[1], h), dot(rows[2], h));
}

vec3 transform_vector(vec4 rows[3], vec3 v)
{
    return vec3(dot(rows[0].xyz, v), dot(rows[1].xyz, v), dot(rows[2].xyz, v));
}

// rows must be the inverse (to_object) to take a normal to world space. Not normalised.
vec3 transform_normal(vec4 inverse_rows[3], vec3 n)
{
    return inverse_rows[0].xyz * n.x + inverse_rows[1].xyz * n.y + inverse_rows[2].xyz * n.z;
}

// The ray through a point of the picture, in pixels from the top left. d is not normalised for perspective:
// its component along frame.axis is 1, so the ray parameter is the distance to the image plane's parallel.
void camera_ray(vec2 pixel, out vec3 o, out vec3 d)
{
    vec2 ndc = vec2(pixel.x / frame.extent.x * 2.0 - 1.0, 1.0 - pixel.y / frame.extent.y * 2.0);
    vec3 at  = ndc.x * frame.film_x + ndc.y * frame.film_y;
    bool ortho = (frame.flags & FRAME_ORTHOGRAPHIC) != 0u;
    o = ortho ? frame.eye + at : frame.eye;
    d = ortho ? frame.film_center : frame.film_center + at;
}

vec3 mesh_position(SceneMesh mesh, uint vertex)
{
    uint i = (mesh.first_vertex + vertex) * 3u;
    return vec3(positions[i], positions[i + 1u], positions[i + 2u]);
}

uvec3 mesh_triangle(SceneMesh mesh, uint triangle)
{
    uint i = mesh.first_index + triangle * 3u;
    return uvec3(indices[i], indices[i + 1u], indices[i + 2u]);
}

uint surface_material(SceneInstance inst, SceneMesh mesh, uint triangle)
{
    uint slot = mesh.first_slot == SCENE_NONE ? 0u : triangle_slots[mesh.first_slot + triangle];
    return slots[inst.material_offset + (slot < inst.material_count ? slot : 0u)];
}
#endif
