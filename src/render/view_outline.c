// Selection outlines over LdrColor: only the rectangle around what is selected is touched.
#include <math.h>

#include "log.h"
#include "view.h"

// Pixels that an instance's box may cover, grown into rect (left, top, right, bottom). false: all of them.
static bool cover(const struct SceneFrame *f, const struct scene_instance *i, const struct SceneMesh *m, float rect[4])
{
    const mat4 *c = &f->world_to_clip;
    for (int k = 0; k < 8; k++) {
        const float p[3] = { k & 1 ? m->bounds_max.x : m->bounds_min.x, k & 2 ? m->bounds_max.y : m->bounds_min.y,
                             k & 4 ? m->bounds_max.z : m->bounds_min.z };
        float w[3], q[4];
        for (int r = 0; r < 3; r++) {
            const vec4 row = i->gpu.to_world[r];
            w[r]           = row.x * p[0] + row.y * p[1] + row.z * p[2] + row.w;
        }
        for (int r = 0; r < 4; r++)
            q[r] = w[0] * c->m[r] + w[1] * c->m[4 + r] + w[2] * c->m[8 + r] + c->m[12 + r];
        if (q[3] <= 1e-6f)
            return false; // behind the camera
        const float x = (q[0] / q[3] + 1) / 2 * f->extent.x, y = (q[1] / q[3] + 1) / 2 * f->extent.y;
        rect[0] = fminf(rect[0], x);
        rect[1] = fminf(rect[1], y);
        rect[2] = fmaxf(rect[2], x);
        rect[3] = fmaxf(rect[3], y);
    }
    return true;
}

static bool selected_rect(struct render_view *v, const struct SceneFrame *f, int rect[4])
{
    const struct render_scene *s = v->scene;
    const float margin           = (float)v->renderer->params.outline_width + 2;
    float r[4]                   = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    bool any                     = false;
    for (size_t k = 0; k < s->instances.count; k++) {
        const struct scene_instance *i = &s->instances.items[k];
        if (!i->live || !i->gpu.outline_group || !(i->gpu.flags & INSTANCE_VISIBLE) || !s->meshes.items[i->mesh].live)
            continue;
        any = true;
        if (!cover(f, i, &s->meshes.items[i->mesh].gpu, r)) {
            r[0] = r[1] = -1e6f;
            r[2] = r[3] = 1e6f;
        }
    }
    rect[0] = (int)fmaxf(floorf(r[0] - margin), 0);
    rect[1] = (int)fmaxf(floorf(r[1] - margin), 0);
    rect[2] = (int)fminf(ceilf(r[2] + margin), (float)v->width);
    rect[3] = (int)fminf(ceilf(r[3] + margin), (float)v->height);
    return any && rect[0] < rect[2] && rect[1] < rect[3];
}

static int update_styles(struct render_view *v, VkCommandBuffer cmd)
{
    struct renderer *r = v->renderer;
    int rc             = RENDER_OK;
    if (!v->styles.handle)
        rc = gpu_buffer_create(v->gpu, &v->styles, sizeof(r->styles), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                               GPU_MEMORY_DEVICE, "outline styles");
    if (rc != RENDER_OK || v->styles_version == r->styles_version)
        return rc;
    gpu_barrier_transfer(cmd);
    rc = gpu_upload(v->gpu, &v->styles, 0, r->styles, sizeof(r->styles));
    gpu_barrier_upload(cmd);
    v->styles_version = r->styles_version;
    return rc;
}

int view_outline_record(struct render_view *v, struct render_frame *f, const struct pass_context *c)
{
    int rect[4];
    const struct render_params *p = &v->renderer->params;
    if (!p->outline_enabled || (p->outline_width == 0 && p->fill_mode == 0) || !selected_rect(v, c->frame, rect))
        return RENDER_OK;
    int rc = view_visibility_create(v, &v->mask, v->width, v->height);
    if (rc == RENDER_OK)
        rc = view_image_create(v, &v->outline_nearest, VK_FORMAT_R8G8B8A8_UINT, "outline distances");
    if (rc == RENDER_OK)
        rc = update_styles(v, c->cmd);
    if (rc == RENDER_OK)
        rc = pass_raster_record(v->renderer->passes->raster, c, &v->mask, SCENE_DRAW_OUTLINED, NULL);
    if (rc != RENDER_OK)
        return rc;
    return pass_outline_record(v->renderer->passes->picture, c,
                               &(struct pass_outline_args) {
                                   .mask    = &v->mask,
                                   .nearest = &v->outline_nearest,
                                   .ldr     = &f->device[RENDER_OUT_LDR_COLOR],
                                   .styles  = &v->styles,
                                   .params  = {
                                       .size   = { v->width, v->height },
                                       .first  = { rect[0], rect[1] },
                                       .extent = { (uint32_t)(rect[2] - rect[0]), (uint32_t)(rect[3] - rect[1]) },
                                       .width  = p->outline_width,
                                       .fill   = p->fill_mode,
                                   },
                               });
}
