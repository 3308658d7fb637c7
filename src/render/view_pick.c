// Picking: the pickable instances are drawn again into the queried rectangle alone, on the grid of the full
// picture. The pixels say which instances are seen; place and normal are computed here from the triangles.
#include <math.h>
#include <stdlib.h>

#include "hash.h"
#include "log.h"
#include "matrix.h"
#include "view.h"

void view_pick_reset(struct render_frame *f)
{
    for (size_t i = 0; i < f->candidates.count; i++)
        mesh_data_release(f->candidates.items[i].data);
    array_clear(&f->candidates);
    f->picking = false;
}

static bool clamp_rect(const struct render_view *v, const struct render_pick_rect *in, struct render_pick_rect *out)
{
    *out        = *in;
    out->right  = in->right < v->width ? in->right : v->width;
    out->bottom = in->bottom < v->height ? in->bottom : v->height;
    return out->left < out->right && out->top < out->bottom;
}

// Everything that could be hit, with what is needed to answer later: the scene may change meanwhile.
static int remember(struct render_view *v, struct render_frame *f)
{
    struct render_scene *s = v->scene;
    for (size_t k = 0; k < s->instances.count; k++) {
        const struct scene_instance *i = &s->instances.items[k];
        const uint32_t want            = INSTANCE_LIVE | INSTANCE_VISIBLE | INSTANCE_PICKABLE;
        const struct scene_mesh *m     = (i->gpu.flags & want) == want ? render_scene_mesh(s, i->mesh) : NULL;
        if (!i->live || !m)
            continue;
        struct pick_candidate c = { (uint32_t)k, i->gpu.instance_id, i->user, { 0 }, mesh_data_retain(m->data) };
        memcpy(c.to_world, i->transform, sizeof(c.to_world));
        if (!array_push(&f->candidates, c)) {
            mesh_data_release(c.data);
            return RENDER_ERR_NOMEM;
        }
    }
    return RENDER_OK;
}

int view_pick_record(struct render_view *v, struct render_frame *f, const struct pass_context *c,
                     const struct render_pick_rect *rect)
{
    view_pick_reset(f);
    if (!clamp_rect(v, rect, &f->pick))
        return RENDER_OK; // outside the picture: no hits
    const uint32_t width = f->pick.right - f->pick.left, height = f->pick.bottom - f->pick.top;
    const VkDeviceSize bytes = 8ull * width * height;
    int rc = view_visibility_create(v, &v->mask, v->width, v->height);
    if (rc == RENDER_OK && f->pick_pixels.size < bytes) {
        gpu_buffer_retire(v->gpu, &f->pick_pixels);
        rc = gpu_buffer_create(v->gpu, &f->pick_pixels, bytes, 0, GPU_MEMORY_READBACK, "pick pixels");
    }
    if (rc == RENDER_OK)
        rc = remember(v, f);
    if (rc == RENDER_OK)
        rc = pass_raster_record(v->renderer->passes->raster, c, &v->mask, SCENE_DRAW_PICKABLE,
                                &(struct pass_raster_area) { f->pick.left, f->pick.top, width, height });
    if (rc != RENDER_OK)
        return rc;
    gpu_barrier_transfer(c->cmd);
    vkCmdCopyImageToBuffer(c->cmd, v->mask.visibility.handle, VK_IMAGE_LAYOUT_GENERAL, f->pick_pixels.handle, 1,
                           &(VkBufferImageCopy) {
                               .imageSubresource = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1 },
                               .imageExtent      = { width, height, 1 },
                           });
    f->pick_frame = *c->frame;
    f->picking    = true;
    return RENDER_OK;
}

struct nearest {
    uint32_t instance, triangle;
    uint32_t x, y; // pixel of the picture
    double distance2;
};

static int by_distance(const void *a, const void *b)
{
    const struct nearest *x = a, *y = b;
    return x->distance2 < y->distance2 ? -1 : x->distance2 > y->distance2 ? 1 : x->instance < y->instance ? -1 : 1;
}

// For each instance seen, its pixel nearest to the rectangle's centre. Returns how many, or -1.
static long find_instances(const struct render_frame *f, struct nearest **out)
{
    struct hash_map seen = { 0 };
    struct { ARRAY_OF(struct nearest); } list = { 0 };
    const uint32_t *pixels = f->pick_pixels.map;
    const double cx = (f->pick.left + f->pick.right) / 2.0, cy = (f->pick.top + f->pick.bottom) / 2.0;
    bool ok = true;
    for (uint32_t y = f->pick.top; ok && y < f->pick.bottom; y++)
        for (uint32_t x = f->pick.left; ok && x < f->pick.right; x++, pixels += 2) {
            if (!pixels[0])
                continue;
            const double dx = x + 0.5 - cx, dy = y + 0.5 - cy;
            const struct nearest n = { pixels[0] - 1, pixels[1] & VISIBILITY_PRIMITIVE, x, y, dx * dx + dy * dy };
            uint64_t *at           = hash_map_get(&seen, n.instance);
            if (!at)
                ok = hash_map_put(&seen, n.instance, list.count) && array_push(&list, n);
            else if (n.distance2 < list.items[*at].distance2)
                list.items[*at] = n;
        }
    hash_map_finish(&seen);
    if (!ok) {
        array_free(&list);
        return -1;
    }
    if (list.count)
        qsort(list.items, list.count, sizeof(*list.items), by_distance);
    *out = list.items;
    return (long)list.count;
}

static const struct pick_candidate *candidate(const struct render_frame *f, uint32_t instance)
{
    size_t low = 0, high = f->candidates.count; // sorted by index
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (f->candidates.items[mid].index < instance)
            low = mid + 1;
        else
            high = mid;
    }
    return low < f->candidates.count && f->candidates.items[low].index == instance ? &f->candidates.items[low] : NULL;
}

static void world_corner(const struct pick_candidate *c, uint32_t vertex, double out[3])
{
    const float *p = c->data->positions + 3 * (size_t)vertex;
    for (int k = 0; k < 3; k++)
        out[k] = p[0] * c->to_world[k] + p[1] * c->to_world[4 + k] + p[2] * c->to_world[8 + k] + c->to_world[12 + k];
}

// Where the ray of a pixel's centre meets the triangle's plane.
static void locate(const struct SceneFrame *f, const struct pick_candidate *c, const struct nearest *n,
                   struct render_pick_hit *hit)
{
    const double nx = (n->x + 0.5) / f->extent.x * 2 - 1, ny = 1 - (n->y + 0.5) / f->extent.y * 2;
    const double at[3] = { nx * f->film_x.x + ny * f->film_y.x, nx * f->film_x.y + ny * f->film_y.y,
                           nx * f->film_x.z + ny * f->film_y.z };
    double o[3] = { f->eye.x, f->eye.y, f->eye.z }, d[3] = { f->film_center.x, f->film_center.y, f->film_center.z };
    for (int k = 0; k < 3; k++)
        *(f->flags & FRAME_ORTHOGRAPHIC ? &o[k] : &d[k]) += at[k];
    const uint32_t *v = c->data->indices + 3 * (size_t)n->triangle;
    double a[3], b[3], e[3], m[3];
    world_corner(c, v[0], a);
    world_corner(c, v[1], b);
    world_corner(c, v[2], e);
    for (int k = 0; k < 3; k++) {
        b[k] -= a[k];
        e[k] -= a[k];
    }
    for (int k = 0; k < 3; k++)
        m[k] = b[(k + 1) % 3] * e[(k + 2) % 3] - b[(k + 2) % 3] * e[(k + 1) % 3];
    const double length = sqrt(m[0] * m[0] + m[1] * m[1] + m[2] * m[2]);
    const double facing = m[0] * d[0] + m[1] * d[1] + m[2] * d[2];
    const double t = facing != 0 ? ((a[0] - o[0]) * m[0] + (a[1] - o[1]) * m[1] + (a[2] - o[2]) * m[2]) / facing : 0;
    for (int k = 0; k < 3; k++) {
        hit->position[k] = facing != 0 ? o[k] + t * d[k] : a[k];
        hit->normal[k]   = length > 0 ? (float)(m[k] / length * (facing > 0 ? -1 : 1)) : k == 2;
    }
}

int render_frame_pick(struct render_frame *f, struct render_pick_hit *hits, size_t max)
{
    if (!f->picking)
        return 0;
    int rc = render_frame_wait(f, UINT64_MAX);
    if (rc != RENDER_OK)
        return rc;
    struct nearest *list = NULL;
    const long count     = find_instances(f, &list);
    if (count < 0)
        return RENDER_ERR_NOMEM;
    long found = 0;
    for (long i = 0; i < count; i++) {
        const struct pick_candidate *c = candidate(f, list[i].instance);
        if (!c || list[i].triangle >= c->data->triangle_count)
            continue;
        if ((size_t)found < max) {
            hits[found] = (struct render_pick_hit) { .user = c->user, .instance_id = c->instance_id };
            locate(&f->pick_frame, c, &list[i], &hits[found]);
        }
        found++;
    }
    free(list);
    return (int)found;
}
