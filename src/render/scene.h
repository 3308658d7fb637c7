// The scene inside src/render: descriptors given by the caller, their CPU copies, and the GPU buffers
// that passes read. Everything here runs on the renderer's thread unless it says otherwise.
#pragma once

#include <stdatomic.h>

#include "array.h"
#include "gpu_commands.h"
#include "gpu_pipeline.h"
#include "hash.h"
#include "render.h"
#include "shared/scene.h"
#include "span.h"

struct scene_textures; // texture.h
struct scene_lights;   // light.h
struct scene_bvh;      // bvh.h

struct renderer {
    struct gpu_device *gpu;
    struct render_params params;
    bool warming; // exists only to have shaders compiled: see view_warm.c
    VkDescriptorSetLayout scene_layout; // set 0 of every pipeline
    struct render_group_style styles[256];
    uint32_t styles_version;
    struct thread_pool *pool; // decoding, geometry, tree building
    struct view_passes *passes; // view.c
};

// Triangles of one mesh on the CPU. Immutable once made, counted so that a background build may hold it
// while the mesh changes. Any thread may retain and release.
struct mesh_data {
    atomic_uint refs;
    uint32_t vertex_count, triangle_count;
    float *positions;         // vertex_count x 3
    uint32_t *indices;        // triangle_count x 3
    uint8_t *triangle_slots;  // triangle_count, or NULL: all slot 0
};
struct mesh_data *mesh_data_retain(struct mesh_data *d);
void mesh_data_release(struct mesh_data *d); // NULL is fine

struct scene_mesh {
    bool live;
    uint32_t version;        // changes with the triangles: trees built from an older version are stale
    struct mesh_data *data;
    uint32_t *attributes;    // gpu.attribute_stride x vertex_count
    struct SceneMesh gpu;    // as uploaded; bvh.c sets bvh_root and calls render_scene_touch_mesh()
    struct span vertices, indices, words, slots; // places in the GPU buffers
    uint32_t instance_count; // instances that use it
    bool dirty_geometry;     // positions, attributes and indices are to be uploaded
    bool dirty;              // gpu is to be uploaded
};

struct scene_instance {
    bool live;
    render_id mesh;
    double transform[16];
    uint64_t user;
    struct span slots; // place of its material slots
    struct SceneInstance gpu;
    vec4 uploaded_to_world[3]; // as the GPU has it: the next prev_to_world
    bool fresh; // never uploaded
    bool dirty; // listed in dirty_instances
};

struct scene_material {
    bool live;
    struct SceneMaterial gpu;
    struct SceneInput inputs[INPUT_COUNT]; // those of input_mask, packed
    render_id textures[INPUT_COUNT];       // by INPUT_x, 0 = none
    uint32_t input_count;
    struct span place; // of its inputs
    bool dirty;
};

// Why a picture must start over. Counters only grow; a view compares them with those it last drew.
struct scene_versions {
    uint32_t geometry;   // triangles of some mesh, or which instances exist: trees must follow
    uint32_t transforms; // instance transforms or visibility
    uint32_t materials;  // materials, textures, material slots
    uint32_t lights;
    uint32_t other;      // pickable, outline groups, ids: the traced picture stays valid
};

struct render_scene {
    struct renderer *renderer;
    struct gpu_device *gpu;
    struct { ARRAY_OF(struct scene_mesh); } meshes;       // index = render_id; entry 0 unused
    struct { ARRAY_OF(struct scene_instance); } instances; // index = render_id - 1 = index in SceneInstance[]
    struct { ARRAY_OF(struct scene_material); } materials; // index = render_id; entry 0 = displayColor
    struct { ARRAY_OF(render_id); } free_meshes, free_instances, free_materials;
    struct { ARRAY_OF(render_id); } dirty_meshes, dirty_instances, dirty_materials;
    struct { ARRAY_OF(render_id); } moved_instances; // uploaded with prev_to_world != to_world
    bool order_dirty;          // which instances draw which mesh: see scene_draw.c
    bool specular_workflow;    // some material in use has it
    bool material_flags_dirty; // INSTANCE_CUTOUT and the like must be derived again
    struct { ARRAY_OF(char *); } uv_names; // name number -> primvar name; 0 is "st"
    struct scene_versions versions;
    double meters_per_unit;
    uint32_t mesh_version; // newest scene_mesh.version
    uint64_t triangle_total; // over visible instances

    struct scene_textures *textures; // texture.h
    struct scene_lights *lights;     // light.h
    struct scene_bvh *bvh;           // bvh.h; NULL until the first traced frame asks for it

    struct scene_gpu *buffers; // scene_upload.c
    struct scene_order *order; // scene_draw.c
};

// Mesh and instance of an id; NULL when it names none.
struct scene_mesh *render_scene_mesh(struct render_scene *s, render_id id);
struct scene_instance *render_scene_instance(struct render_scene *s, render_id id);
void render_scene_touch_mesh(struct render_scene *s, render_id id); // upload its SceneMesh again

/**
 * Tells the scene which buffer or image stands at a binding of set 0 (SCENE_BIND_*). Call it whenever the
 * resource was created anew; the descriptor set is rebuilt before its next use, and sets in flight keep the
 * old one, so retire (not destroy) what was bound before. Unbound entries are small dummies.
 */
void render_scene_bind_buffer(struct render_scene *s, uint32_t binding, const struct gpu_buffer *buffer);
void render_scene_bind_image(struct render_scene *s, uint32_t binding, const struct gpu_image *image,
                             VkSampler sampler);

/**
 * A buffer that grows: afterwards it holds at least `size` bytes. When it has to be made anew, the first
 * `keep` bytes are copied on the GPU in the open command buffer and the old one is retired; *grown says so.
 */
int render_scene_reserve(struct render_scene *s, struct gpu_buffer *buffer, VkDeviceSize size, VkDeviceSize keep,
                         VkBufferUsageFlags usage, const char *name, bool *grown);

// Records all pending uploads (meshes, instances, materials; textures and lights through their own update
// functions) into the open command buffer, barrier included.
int render_scene_upload(struct render_scene *s, VkCommandBuffer cmd);
// Set 0, current, with `frame` as this frame's SceneFrame (copied). Valid for the open command buffer.
int render_scene_set(struct render_scene *s, const struct SceneFrame *frame, struct gpu_set *out);
