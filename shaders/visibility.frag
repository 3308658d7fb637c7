#version 460
layout(location = 0) flat in uint instance;
layout(location = 0) out uvec2 visibility;

void main()
{
    visibility = uvec2(instance + 1u, uint(gl_PrimitiveID));
}
