// Polygon meshes and shapes as the triangles a GPU draws and traces.
#pragma once

#include "render.h"

#define GEO_MAX_UV_SETS 4      // 2-component primvars kept per mesh
#define GEO_MAX_COLOR_SETS 2   // set 0 is displayColor with displayOpacity in alpha
#define GEO_MAX_NAME 64        // bytes of a set's name, terminator included

struct geo_mesh {
    size_t vertex_count, triangle_count;
    float *positions;               // vertex_count x 3
    float *normals;                 // vertex_count x 3, unit length
    float *uvs[GEO_MAX_UV_SETS];    // vertex_count x 2; NULL from uv_count on
    float *colors[GEO_MAX_COLOR_SETS]; // vertex_count x 4; set 0 is NULL without displayColor
    size_t uv_count;
    char uv_names[GEO_MAX_UV_SETS][GEO_MAX_NAME];
    char color_names[GEO_MAX_COLOR_SETS][GEO_MAX_NAME];
    uint32_t *indices; // triangle_count x 3, counter-clockwise seen from outside
    uint32_t *faces;   // triangle_count: the source face, for shapes 0
    uint8_t *slots;    // triangle_count: material slot; NULL when all are 0
    float bounds[6];   // min xyz, max xyz; all zero when there is no triangle
    bool double_sided;
};

/**
 * Triangulate a polygon mesh and weld corners that agree in every attribute.
 *
 * Faces that are holes, have fewer than three corners or name points out of range are left out, with
 * one warning for each kind; primvars of the wrong length are left out likewise. A mesh without any
 * good face gives zero triangles and RENDER_OK.
 *
 * @return RENDER_OK, RENDER_ERR_NOMEM, RENDER_ERR_LIMIT (more than 2^31 vertices or triangles).
 *         On failure out is empty. Any thread.
 */
int geo_mesh_from_polygons(const struct render_mesh_desc *desc, struct geo_mesh *out);

/** Tessellate a shape; round ones deviate from the true surface by less than 0.13 % of the radius. */
int geo_mesh_from_shape(const struct render_shape_desc *desc, struct geo_mesh *out);

void geo_mesh_finish(struct geo_mesh *mesh); // frees the arrays; an empty mesh is fine
