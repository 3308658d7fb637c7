// GLSL's types for C, so that one header declares what both sides touch. All shared blocks use scalar
// layout (VK_EXT_scalar_block_layout, core in 1.2), which is C's layout for 4-byte members.
#pragma once

#include <assert.h>
#include <stdint.h>
#include <sys/types.h> // uint

typedef struct { float x, y; } vec2;
typedef struct { float x, y, z; } vec3;
typedef struct { float x, y, z, w; } vec4;
typedef struct { uint32_t x, y; } uvec2;
typedef struct { uint32_t x, y, z, w; } uvec4;
typedef struct { int32_t x, y; } ivec2;
// Column-major for column vectors, which in memory is the same as USD's row-major for row vectors.
typedef struct { float m[16]; } mat4;
