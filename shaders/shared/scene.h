// The GPU scene: blocks and binding numbers, read by C and by GLSL.
//
// GLSL files include "shared/scene.glsl", which declares the buffers; this file has only the layouts.
// Everything is in scalar layout. World space is the stage's, in scene units, float.
#ifndef SHARED_SCENE_H
#define SHARED_SCENE_H

#ifdef __STDC_VERSION__
#include "glsl_types.h"
#endif

// Descriptor set 0 is the scene, the same in every pipeline. Set 1 belongs to the pass (push descriptors).
#define SCENE_SET 0
#define PASS_SET 1

#define SCENE_BIND_MESHES 0         // SceneMesh[]
#define SCENE_BIND_INSTANCES 1      // SceneInstance[]
#define SCENE_BIND_MATERIALS 2      // SceneMaterial[]
#define SCENE_BIND_INPUTS 3         // SceneInput[]
#define SCENE_BIND_SLOTS 4          // uint[]: material index of (instance.material_offset + slot)
#define SCENE_BIND_POSITIONS 5      // float[]: 3 per vertex, object space
#define SCENE_BIND_ATTRIBUTES 6     // uint[]: see SceneMesh
#define SCENE_BIND_INDICES 7        // uint[]: 3 per triangle, relative to first_vertex
#define SCENE_BIND_TRIANGLE_SLOTS 8 // uint[]: material slot of each triangle, meshes with subsets only
#define SCENE_BIND_FRAME 9          // uniform SceneFrame
// Owned by light.c
#define SCENE_BIND_LIGHTS 10      // SceneLight[], shared/lights.h
#define SCENE_BIND_ENVIRONMENT 11 // SceneEnvironment, then the dome importance tables (uint[])
#define SCENE_BIND_DOME 12        // sampler2DArray: lat-long radiance maps, one dome per layer
// Owned by texture.c
#define SCENE_BIND_TEXTURES 13     // texture table and page table (uint[])
#define SCENE_BIND_PAGES_UNORM 14  // sampler2DArray of RGBA8 pages
#define SCENE_BIND_PAGES_FLOAT 15  // sampler2DArray of RGBA16F pages
// Owned by bvh.c
#define SCENE_BIND_BVH_NODES 16
#define SCENE_BIND_BVH_TRIANGLES 17
#define SCENE_BIND_BVH_TOP 18
#define SCENE_BIND_SPARE 19 // storage buffer, free for the tracing passes
#define SCENE_BIND_COUNT 20

#define SCENE_NONE 0xffffffffu

// Visibility buffer, RG32UI: x = instance index + 1 (0 = background), y = triangle index within the
// mesh in bits 0-30, bit 31 set when the triangle's back (by its winding in object space, after
// left-handedness) faces the camera. Barycentrics are recomputed from the pixel's ray.
#define VISIBILITY_BACK_FACE 0x80000000u
#define VISIBILITY_PRIMITIVE 0x7fffffffu

#define MESH_MAX_UV_SETS 4
#define MESH_HAS_NORMALS 1u // else the geometric normal shades
#define MESH_HAS_COLOR 2u
#define MESH_DOUBLE_SIDED 4u
#define MESH_CONSTANT_COLOR 8u // one colour for all, in SceneMesh.color

struct SceneMesh {
    uint first_vertex;   // into positions, in vertices
    uint first_index;    // into indices; triangle t has first_index + 3 t + {0, 1, 2}
    uint triangle_count;
    uint first_slot;     // into triangle_slots, or SCENE_NONE: all triangles use slot 0
    // Attributes of vertex v start at attributes[first_attribute + v * attribute_stride]:
    // the normal (one uint, octahedral snorm 2x16) when MESH_HAS_NORMALS, the colour (one uint, RGBA8
    // unorm holding sqrt of the linear value) when MESH_HAS_COLOR, then two floats per uv set.
    uint first_attribute;
    uint attribute_stride; // uints
    uint flags;
    uint uv_count;
    uint uv_names;    // name number of uv set i in bits 8i..8i+7; see SceneInput
    uint color;       // MESH_CONSTANT_COLOR, encoded as above
    uint bvh_root;    // bvh.c: where the mesh's own tree starts, SCENE_NONE = not built yet
    uint vertex_count;
    vec3 bounds_min, bounds_max; // object space
};

#define INSTANCE_VISIBLE 1u
#define INSTANCE_PICKABLE 2u
#define INSTANCE_MIRRORED 4u // the transform's determinant is negative: winding flips in world space
#define INSTANCE_DOUBLE_SIDED 8u
#define INSTANCE_CUTOUT 16u  // some material of it may be transparent: opacity must be looked at
#define INSTANCE_LIVE 32u    // not a free slot
#define INSTANCE_EMISSIVE 64u
#define INSTANCE_TEXTURED 128u // some material of it has inputs that are not constant
#define INSTANCE_RICH 256u     // some material of it has a clearcoat or lets light through

struct SceneInstance {
    // Rows of 3x4 matrices: x' = dot(row[0], vec4(p, 1)).
    vec4 to_world[3];
    vec4 to_object[3];
    vec4 prev_to_world[3]; // of the previous frame, for reprojection
    uint mesh;
    uint material_offset; // into slots
    uint material_count;  // at least 1; a slot beyond it uses slot 0
    uint flags;
    uint instance_id; // segmentation value
    uint semantic_id;
    uint outline_group;
    uint reserved;
};

// Material inputs that may read a texture or a primvar.
#define INPUT_DIFFUSE 0
#define INPUT_EMISSIVE 1
#define INPUT_SPECULAR 2
#define INPUT_METALLIC 3
#define INPUT_ROUGHNESS 4
#define INPUT_CLEARCOAT 5
#define INPUT_CLEARCOAT_ROUGHNESS 6
#define INPUT_OPACITY 7
#define INPUT_IOR 8
#define INPUT_NORMAL 9
#define INPUT_OCCLUSION 10
#define INPUT_COUNT 11

#define INPUT_CHANNEL_RGB 4u

// Value = texture(uv) * scale + bias, then the channel; uv = uv_matrix * (u, v, 1), rows of 2x3.
struct SceneInput {
    uint texture;  // entry of the texture table; SCENE_NONE = the vertex colour is the value
    uint wrap;     // enum render_wrap: s in bits 0-3, t in bits 4-7
    uint channel;  // 0 r, 1 g, 2 b, 3 a, INPUT_CHANNEL_RGB
    uint uv_name;  // name number of the uv set; the mesh's set of that name, else its set 0
    float uv_matrix[6];
    vec4 scale, bias;
    vec4 fallback; // where the mesh has no such primvar
};

#define MATERIAL_SPECULAR_WORKFLOW 1u
#define MATERIAL_THIN_WALLED 2u
#define MATERIAL_CUTOUT 4u       // opacity may be below 1
#define MATERIAL_DISPLAY_COLOR 8u // no material bound: diffuse is the mesh's colour
#define MATERIAL_EMISSIVE 16u
#define MATERIAL_TEXTURED 32u // any input is not constant
#define MATERIAL_RICH 64u     // clearcoat or transmission

struct SceneMaterial {
    vec3 diffuse;
    float opacity;
    vec3 emissive;
    float opacity_threshold;
    vec3 specular;
    float ior;
    float metallic, roughness, clearcoat, clearcoat_roughness;
    float occlusion, transmission;
    uint flags;
    uint first_input;      // SceneInput of the first non-constant input
    uint input_mask;       // bit INPUT_x: that input is inputs[first_input + bits set below it]
};

#define FRAME_ORTHOGRAPHIC 1u

// Per view and frame. Pixel (x, y) counts from the top left; its centre is (x + 0.5, y + 0.5).
// ndc = (x / width * 2 - 1, 1 - y / height * 2): +y up. Perspective rays start at eye and go along
// film_center + ndc.x film_x + ndc.y film_y (its component along the view axis is 1 scene unit);
// orthographic rays start at eye + ndc.x film_x + ndc.y film_y and go along film_center.
struct SceneFrame {
    mat4 world_to_clip;      // reversed Z, infinite far, Vulkan clip space, jitter included
    mat4 prev_world_to_clip; // previous frame's, without jitter
    vec3 eye;
    uint flags;
    vec3 film_center;
    float near_clip;
    vec3 film_x;
    float far_clip;
    vec3 film_y;
    float meters_per_unit;
    vec2 jitter;  // pixels, already in world_to_clip: a sample of pixel (x,y) lies at x+0.5+jitter.x
    vec2 extent;  // pixels of the picture being drawn
    vec3 axis;    // view direction, unit
    float exposure;
    uint frame;   // counts frames of the view
    uint light_count;
    uint instance_count; // slots in use, dead ones included
    float pixel_spread;  // angle (or, orthographic, size) of one pixel, for texture levels
    vec3 ambient; // extra constant radiance from everywhere
    float firefly_clamp;
};

// Diffuse irradiance of all domes as spherical harmonics (9 RGB coefficients of radiance, world space,
// Ramamoorthi and Hanrahan 2001; not yet convolved), for the preview. Filled by light.c.
struct SceneEnvironment {
    vec4 sh[9];
    vec4 average;    // mean radiance over the sphere
    uint dome_count;
    uint table_offset; // uints from the start of the buffer to the importance tables
    uint reserved[2];
};

#ifdef __STDC_VERSION__
static_assert(sizeof(struct SceneMesh) == 72, "scalar layout");
static_assert(sizeof(struct SceneInstance) == 176, "scalar layout");
static_assert(sizeof(struct SceneInput) == 88, "scalar layout");
static_assert(sizeof(struct SceneMaterial) == 84, "scalar layout");
static_assert(sizeof(struct SceneFrame) == 256, "scalar layout");
#endif
#endif
