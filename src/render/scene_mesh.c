// Meshes of a scene: from descriptions to the arrays that are uploaded and traced.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geometry.h"
#include "log.h"
#include "scene_internal.h"

struct mesh_data *mesh_data_retain(struct mesh_data *d)
{
    if (d)
        atomic_fetch_add(&d->refs, 1);
    return d;
}

void mesh_data_release(struct mesh_data *d)
{
    if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
        return;
    free(d->positions);
    free(d->indices);
    free(d->triangle_slots);
    free(d);
}

static float clamp_snorm(float v)
{
    return v < -1 ? -1 : v > 1 ? 1 : v;
}

// Octahedral, snorm 2x16 (Cigolle et al. 2014); decoded by octahedral_decode() in surface.glsl.
static uint32_t encode_normal(const float n[3])
{
    const float sum = fabsf(n[0]) + fabsf(n[1]) + fabsf(n[2]);
    if (!(sum > 0))
        return 0;
    float x = n[0] / sum, y = n[1] / sum;
    if (n[2] < 0) {
        const float fx = (1 - fabsf(y)) * (x < 0 ? -1.0f : 1.0f), fy = (1 - fabsf(x)) * (y < 0 ? -1.0f : 1.0f);
        x = fx;
        y = fy;
    }
    const int16_t px = (int16_t)lrintf(clamp_snorm(x) * 32767), py = (int16_t)lrintf(clamp_snorm(y) * 32767);
    return (uint32_t)(uint16_t)px | (uint32_t)(uint16_t)py << 16;
}

static uint32_t encode_color(const float c[4])
{
    uint32_t out = 0;
    for (int i = 0; i < 4; i++) {
        float v = c[i] > 0 ? (c[i] < 1 ? c[i] : 1) : 0;
        out |= (uint32_t)lrintf((i < 3 ? sqrtf(v) : v) * 255) << (8 * i);
    }
    return out;
}

static bool constant_color(const struct geo_mesh *g, const float *colors)
{
    for (size_t v = 1; v < g->vertex_count; v++)
        if (memcmp(colors, colors + 4 * v, 4 * sizeof(float)) != 0)
            return false;
    return g->vertex_count > 0;
}

static int build_attributes(struct render_scene *s, struct scene_mesh *m, const struct geo_mesh *g)
{
    struct SceneMesh *d = &m->gpu;
    d->flags            = (g->double_sided ? MESH_DOUBLE_SIDED : 0) | (g->normals ? MESH_HAS_NORMALS : 0);
    const float *colors = g->colors[0];
    if (colors && constant_color(g, colors)) {
        d->flags |= MESH_CONSTANT_COLOR;
        d->color = encode_color(colors);
        colors   = NULL;
    } else if (colors) {
        d->flags |= MESH_HAS_COLOR;
    }
    d->uv_count = (uint32_t)g->uv_count;
    for (uint32_t i = 0; i < d->uv_count; i++)
        d->uv_names |= scene_uv_name(s, g->uv_names[i]) << (8 * i);
    d->attribute_stride = (g->normals ? 1 : 0) + (colors ? 1 : 0) + 2 * d->uv_count;
    const size_t words  = g->vertex_count * d->attribute_stride;
    if (!words)
        return RENDER_OK;
    uint32_t *p = m->attributes = malloc(words * sizeof(*p));
    if (!p)
        return RENDER_ERR_NOMEM;
    for (size_t v = 0; v < g->vertex_count; v++) {
        if (g->normals)
            *p++ = encode_normal(g->normals + 3 * v);
        if (colors)
            *p++ = encode_color(colors + 4 * v);
        for (size_t i = 0; i < g->uv_count; i++, p += 2)
            memcpy(p, g->uvs[i] + 2 * v, 2 * sizeof(float));
    }
    return RENDER_OK;
}

// Takes the arrays of g that it keeps.
static int fill_mesh(struct render_scene *s, struct scene_mesh *m, struct geo_mesh *g, const char *name)
{
    struct mesh_data *d = calloc(1, sizeof(*d));
    if (!d)
        return RENDER_ERR_NOMEM;
    atomic_init(&d->refs, 1);
    m->data = d;
    if (g->vertex_count > UINT32_MAX / 12 || g->triangle_count > UINT32_MAX / 12) {
        log_error("render", "%s: too many triangles (%zu) for one mesh", name ? name : "mesh", g->triangle_count);
        return RENDER_ERR_LIMIT;
    }
    d->vertex_count   = (uint32_t)g->vertex_count;
    d->triangle_count = (uint32_t)g->triangle_count;
    d->positions      = g->positions;
    d->indices        = g->indices;
    d->triangle_slots = g->slots;
    g->positions      = NULL;
    g->indices        = NULL;
    g->slots          = NULL;
    m->gpu            = (struct SceneMesh) {
                   .triangle_count = d->triangle_count,
                   .vertex_count   = d->vertex_count,
                   .first_slot     = SCENE_NONE,
                   .bvh_root       = SCENE_NONE,
                   .bounds_min     = { g->bounds[0], g->bounds[1], g->bounds[2] },
                   .bounds_max     = { g->bounds[3], g->bounds[4], g->bounds[5] },
    };
    return build_attributes(s, m, g);
}

static void free_arrays(struct scene_mesh *m)
{
    mesh_data_release(m->data);
    free(m->attributes);
    m->data       = NULL;
    m->attributes = NULL;
}

static void mark_geometry(struct render_scene *s, render_id id, struct scene_mesh *m)
{
    m->version       = ++s->mesh_version;
    m->dirty_geometry = true;
    s->versions.geometry++;
    s->order_dirty = true;
    render_scene_touch_mesh(s, id);
}

static int create_from(struct render_scene *s, struct geo_mesh *g, const char *name, render_id *out)
{
    render_id id = scene_id_take(&s->free_meshes.items, &s->free_meshes.count, s->meshes.count);
    if (id == s->meshes.count && !array_push(&s->meshes, (struct scene_mesh) { 0 }))
        return RENDER_ERR_NOMEM;
    struct scene_mesh *m = &s->meshes.items[id];
    *m                   = (struct scene_mesh) { .live = true };
    int rc               = fill_mesh(s, m, g, name);
    if (rc == RENDER_OK)
        rc = scene_mesh_reserve(s, m);
    if (rc != RENDER_OK) {
        render_mesh_destroy(s, id);
        return rc;
    }
    mark_geometry(s, id, m);
    *out = id;
    return RENDER_OK;
}

int render_mesh_create(struct render_scene *s, const struct render_mesh_desc *desc, render_id *out)
{
    struct geo_mesh g = { 0 };
    *out              = 0;
    int rc            = geo_mesh_from_polygons(desc, &g);
    if (rc == RENDER_OK)
        rc = create_from(s, &g, desc->name, out);
    geo_mesh_finish(&g);
    return rc;
}

int render_shape_create(struct render_scene *s, const struct render_shape_desc *desc, render_id *out)
{
    struct geo_mesh g = { 0 };
    *out              = 0;
    int rc            = geo_mesh_from_shape(desc, &g);
    if (rc == RENDER_OK)
        rc = create_from(s, &g, desc->name, out);
    geo_mesh_finish(&g);
    return rc;
}

int render_mesh_update(struct render_scene *s, render_id id, const struct render_mesh_desc *desc)
{
    struct scene_mesh *m = render_scene_mesh(s, id);
    if (!m)
        return RENDER_ERR_INVALID;
    struct geo_mesh g        = { 0 };
    struct scene_mesh before = *m, after = { .live = true, .instance_count = m->instance_count };
    int rc                   = geo_mesh_from_polygons(desc, &g);
    if (rc == RENDER_OK)
        rc = fill_mesh(s, &after, &g, desc->name);
    geo_mesh_finish(&g);
    if (rc == RENDER_OK)
        rc = scene_mesh_reserve(s, &after);
    if (rc != RENDER_OK) {
        scene_mesh_release(s, &after);
        free_arrays(&after);
        return rc;
    }
    after.dirty = before.dirty; // still listed
    *m          = after;
    scene_mesh_release(s, &before);
    free_arrays(&before);
    mark_geometry(s, id, m);
    return RENDER_OK;
}

void render_mesh_destroy(struct render_scene *s, render_id id)
{
    struct scene_mesh *m = render_scene_mesh(s, id);
    if (!m)
        return;
    scene_mesh_release(s, m);
    free_arrays(m);
    *m = (struct scene_mesh) { .dirty = m->dirty };
    if (!array_push(&s->free_meshes, id))
        log_warn("render", "out of memory: a mesh id is lost");
    s->versions.geometry++;
    s->order_dirty = true;
}

struct scene_mesh *render_scene_mesh(struct render_scene *s, render_id id)
{
    return id && id < s->meshes.count && s->meshes.items[id].live ? &s->meshes.items[id] : NULL;
}

void render_scene_touch_mesh(struct render_scene *s, render_id id)
{
    struct scene_mesh *m = &s->meshes.items[id];
    if (!m->dirty && array_push(&s->dirty_meshes, id))
        m->dirty = true;
}
