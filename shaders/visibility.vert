#version 460
#extension GL_GOOGLE_include_directive : require
#include "shared/scene.glsl"

layout(location = 0) in vec3 position;
layout(location = 0) flat out uint instance_out;
layout(scalar, set = PASS_SET, binding = 0) readonly buffer List { uint list[]; };

void main()
{
    uint i = list[gl_InstanceIndex];
    instance_out = i;
    gl_Position = frame.world_to_clip * vec4(transform_point(instances[i].to_world, position), 1.0);
}
