#version 460
// Depth alone, from a light: the matrix is pushed.
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"

layout(location = 0) in vec3 position;
layout(scalar, set = PASS_SET, binding = 0) readonly buffer List { uint list[]; };
layout(push_constant) uniform Params { mat4 world_to_clip; };

void main()
{
    gl_Position = world_to_clip * vec4(transform_point(instances[list[gl_InstanceIndex]].to_world, position), 1.0);
}
