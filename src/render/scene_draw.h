// What the rasterising passes draw: runs of instances that share a mesh, those outside the view left out.
#pragma once

#include "scene.h"

enum scene_draw_filter {
    SCENE_DRAW_VISIBLE,
    SCENE_DRAW_PICKABLE, // visible and pickable
    SCENE_DRAW_OUTLINED, // visible and in an outline group
};

// What a draw needs of its fragment shader. A draw holds instances of one kind.
enum scene_draw_kind {
    SCENE_DRAW_PLAIN,   // one constant material per instance
    SCENE_DRAW_RICH,    // the same with clearcoat or transmission
    SCENE_DRAW_GENERAL, // textures, vertex colours or material subsets
    SCENE_DRAW_CUTOUT,  // coverage must be looked at as well
    SCENE_DRAW_KINDS,
};

struct scene_draw {
    render_id mesh;
    uint32_t first, count; // of the instance list
    enum scene_draw_kind kind;
    float nearest;         // distance of the nearest one, for front-to-back order
};

struct scene_draws {
    const struct scene_draw *items; // valid until the next build for this scene
    size_t count;
    bool any[SCENE_DRAW_KINDS]; // which kinds there are
    uint32_t instances;
    uint64_t triangles;
    struct gpu_buffer list; // instance indices: only handle and size are set; a slice of staging memory
    VkDeviceSize list_offset, list_size;
};

/**
 * Lists what passes `filter` and may be seen through world_to_clip (reversed Z, infinite far: the far plane
 * does not cull; rows for column vectors as in SceneFrame). `rect` (or NULL) narrows it to a part of ndc:
 * x0, y0, x1, y1. Without world_to_clip (NULL) nothing is left out. The list lives in the open command buffer's staging memory.
 */
int scene_draw_build(struct render_scene *s, const mat4 *world_to_clip, const float rect[4],
                     enum scene_draw_filter filter, struct scene_draws *out);
// Records the draws of one kind, near ones first, with the bound pipeline: binds vertex and index buffers.
void scene_draw_record(struct render_scene *s, VkCommandBuffer cmd, const struct scene_draws *draws,
                       enum scene_draw_kind kind);
