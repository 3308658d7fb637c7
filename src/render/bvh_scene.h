// The trees of a scene on the GPU: one per mesh, built in the background, and one over the instances.
// The renderer's thread only.
#pragma once

#include "scene.h"

int scene_bvh_create(struct render_scene *s, struct scene_bvh **out); // puts itself nowhere: set s->bvh
// Waits for builds in progress. NULL is fine; *b is left NULL. No submitted work may use its buffers.
void scene_bvh_destroy(struct render_scene *s, struct scene_bvh **b);
void scene_bvh_clear(struct render_scene *s); // forgets every mesh; for render_scene_clear()

/**
 * Call once per traced frame, after render_scene_upload(): starts builds for new or changed meshes,
 * takes over finished ones, rebuilds the top level when instances changed, and records the uploads
 * (barrier included) into the open command buffer. Raises versions.geometry when a tree arrives.
 */
int scene_bvh_update(struct render_scene *s, VkCommandBuffer cmd);
// True when every visible instance is in the trees. Before that a traced picture would lack some.
bool scene_bvh_ready(const struct render_scene *s);

// What traversal needs: uniform texel buffers (RGBA32UI) with all nodes and instance records, and with all
// triangles; and where the top level starts. Valid for the open command buffer.
struct scene_bvh_views {
    VkBufferView nodes, triangles;
    uint32_t top;
};
const struct scene_bvh_views *scene_bvh_views(const struct render_scene *s);
