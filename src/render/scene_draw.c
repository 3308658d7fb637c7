#include "scene_draw.h"

#include <math.h>
#include <stdlib.h>

#include "scene_internal.h"

struct scene_order {
    struct { ARRAY_OF(uint32_t); } sorted; // instance indices of drawable instances by (kind, mesh)
    struct { ARRAY_OF(uint32_t); } list;
    struct { ARRAY_OF(struct scene_draw); } draws;
};

int scene_order_create(struct render_scene *s)
{
    s->order       = calloc(1, sizeof(*s->order));
    s->order_dirty = true;
    return s->order ? RENDER_OK : RENDER_ERR_NOMEM;
}

void scene_order_destroy(struct render_scene *s)
{
    if (!s->order)
        return;
    array_free(&s->order->sorted);
    array_free(&s->order->list);
    array_free(&s->order->draws);
    free(s->order);
    s->order = NULL;
}

static enum scene_draw_kind kind_of(const struct render_scene *s, const struct scene_instance *i)
{
    if (i->gpu.flags & INSTANCE_CUTOUT)
        return SCENE_DRAW_CUTOUT;
    const struct SceneMesh *m = &s->meshes.items[i->mesh].gpu;
    return i->gpu.flags & INSTANCE_TEXTURED || m->first_slot != SCENE_NONE || m->flags & MESH_HAS_COLOR
               ? SCENE_DRAW_GENERAL
           : i->gpu.flags & INSTANCE_RICH ? SCENE_DRAW_RICH
                                          : SCENE_DRAW_PLAIN;
}

static int by_mesh(const void *a, const void *b, void *user)
{
    const struct render_scene *s   = user;
    const struct scene_instance *x = &s->instances.items[*(const uint32_t *)a],
                                *y = &s->instances.items[*(const uint32_t *)b];
    const enum scene_draw_kind kx = kind_of(s, x), ky = kind_of(s, y);
    if (kx != ky)
        return kx < ky ? -1 : 1;
    if (x->mesh != y->mesh)
        return x->mesh < y->mesh ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int sort(struct render_scene *s)
{
    struct scene_order *o = s->order;
    array_clear(&o->sorted);
    s->triangle_total = 0;
    for (size_t k = 0; k < s->instances.count; k++) {
        const struct scene_instance *i = &s->instances.items[k];
        const struct scene_mesh *m     = i->live ? render_scene_mesh(s, i->mesh) : NULL;
        if (!m || !m->gpu.triangle_count || !(i->gpu.flags & INSTANCE_VISIBLE))
            continue;
        s->triangle_total += m->gpu.triangle_count;
        if (!array_push(&o->sorted, (uint32_t)k))
            return RENDER_ERR_NOMEM;
    }
    if (o->sorted.count)
        if (o->sorted.count)
        qsort_r(o->sorted.items, o->sorted.count, sizeof(uint32_t), by_mesh, s);
    s->order_dirty = false;
    return RENDER_OK;
}

// Half-spaces of clip space as dot(plane, (p, 1)) >= 0 in world space.
static void make_planes(const mat4 *m, const float rect[4], float planes[5][4])
{
    static const float whole[4] = { -1, -1, 1, 1 };
    const float *r              = rect ? rect : whole;
    for (int c = 0; c < 4; c++) {
        const float x = m->m[4 * c], y = m->m[4 * c + 1], z = m->m[4 * c + 2], w = m->m[4 * c + 3];
        planes[0][c] = x - r[0] * w;
        planes[1][c] = r[2] * w - x;
        planes[2][c] = y - r[1] * w;
        planes[3][c] = r[3] * w - y;
        planes[4][c] = w - z; // near: z <= w
    }
    for (int i = 0; i < 5; i++) {
        const float n = sqrtf(planes[i][0] * planes[i][0] + planes[i][1] * planes[i][1] + planes[i][2] * planes[i][2]);
        for (int c = 0; n > 0 && c < 4; c++)
            planes[i][c] /= n;
    }
}

// `depth`: of its nearest point before the near plane.
static bool outside(const struct scene_instance *i, const struct SceneMesh *m, float planes[5][4], float *depth)
{
    const float c[3] = { (m->bounds_min.x + m->bounds_max.x) / 2, (m->bounds_min.y + m->bounds_max.y) / 2,
                         (m->bounds_min.z + m->bounds_max.z) / 2 };
    const float e[3] = { m->bounds_max.x - c[0], m->bounds_max.y - c[1], m->bounds_max.z - c[2] };
    float w[3], h[3][3]; // centre and half axes in world space
    for (int k = 0; k < 3; k++) {
        const vec4 r = i->gpu.to_world[k];
        w[k]         = r.x * c[0] + r.y * c[1] + r.z * c[2] + r.w;
        h[k][0]      = r.x * e[0];
        h[k][1]      = r.y * e[1];
        h[k][2]      = r.z * e[2];
    }
    for (int p = 0; p < 5; p++) {
        const float *n = planes[p];
        float reach    = 0;
        for (int a = 0; a < 3; a++)
            reach += fabsf(n[0] * h[0][a] + n[1] * h[1][a] + n[2] * h[2][a]);
        const float distance = n[0] * w[0] + n[1] * w[1] + n[2] * w[2] + n[3];
        if (distance < -reach)
            return true;
        *depth = distance - reach; // of the near plane in the end
    }
    return false;
}

static bool passes(const struct scene_instance *i, enum scene_draw_filter filter)
{
    switch (filter) {
    case SCENE_DRAW_PICKABLE: return i->gpu.flags & INSTANCE_PICKABLE;
    case SCENE_DRAW_OUTLINED: return i->gpu.outline_group != 0;
    default: return true;
    }
}

static int by_depth(const void *a, const void *b)
{
    const struct scene_draw *x = a, *y = b;
    return x->nearest < y->nearest ? -1 : x->nearest > y->nearest;
}

int scene_draw_build(struct render_scene *s, const mat4 *world_to_clip, const float rect[4],
                     enum scene_draw_filter filter, struct scene_draws *out)
{
    struct scene_order *o = s->order;
    *out                  = (struct scene_draws) { 0 };
    if (s->order_dirty && sort(s) != RENDER_OK)
        return RENDER_ERR_NOMEM;
    float planes[5][4];
    if (world_to_clip)
        make_planes(world_to_clip, rect, planes);
    array_clear(&o->list);
    array_clear(&o->draws);
    struct scene_draw *run = NULL;
    for (size_t k = 0; k < o->sorted.count; k++) {
        const uint32_t index           = o->sorted.items[k];
        const struct scene_instance *i = &s->instances.items[index];
        const struct SceneMesh *m      = &s->meshes.items[i->mesh].gpu;
        float depth = 0;
        if (!passes(i, filter) || (world_to_clip && outside(i, m, planes, &depth)))
            continue;
        const enum scene_draw_kind kind = kind_of(s, i);
        if (!run || run->mesh != i->mesh || run->kind != kind) {
            if (!array_push(&o->draws, (struct scene_draw) { i->mesh, (uint32_t)o->list.count, 0, kind, depth }))
                return RENDER_ERR_NOMEM;
            run            = &o->draws.items[o->draws.count - 1];
            out->any[kind] = true;
        }
        run->nearest = fminf(run->nearest, depth);
        if (!array_push(&o->list, index))
            return RENDER_ERR_NOMEM;
        run->count++;
        out->triangles += m->triangle_count;
    }
    if (o->draws.count)
        if (o->draws.count)
        qsort(o->draws.items, o->draws.count, sizeof(struct scene_draw), by_depth);
    out->items     = o->draws.items;
    out->count     = o->draws.count;
    out->instances = (uint32_t)o->list.count;
    out->list_size = o->list.count ? o->list.count * sizeof(uint32_t) : 16;
    void *p        = gpu_staging(s->gpu, out->list_size, &out->list.handle, &out->list_offset);
    if (!p)
        return RENDER_ERR_NOMEM;
    if (o->list.count)
        memcpy(p, o->list.items, o->list.count * sizeof(uint32_t));
    return RENDER_OK;
}

void scene_draw_record(struct render_scene *s, VkCommandBuffer cmd, const struct scene_draws *draws,
                       enum scene_draw_kind kind)
{
    const VkDeviceSize zero = 0;
    if (!draws->count)
        return;
    vkCmdBindVertexBuffers(cmd, 0, 1, &scene_positions(s)->handle, &zero);
    vkCmdBindIndexBuffer(cmd, scene_indices(s)->handle, 0, VK_INDEX_TYPE_UINT32);
    for (size_t i = 0; i < draws->count; i++) {
        const struct scene_draw *d = &draws->items[i];
        const struct SceneMesh *m  = &s->meshes.items[d->mesh].gpu;
        if (d->kind == kind)
            vkCmdDrawIndexed(cmd, m->triangle_count * 3, d->count, m->first_index, (int32_t)m->first_vertex, d->first);
    }
}
