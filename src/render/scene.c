// Life of a scene, its instances, and the small shared tables.
#include "scene.h"

#include <stdlib.h>
#include <string.h>

#include "bvh_scene.h"
#include "light.h"
#include "log.h"
#include "matrix.h"
#include "scene_internal.h"
#include "texture.h"

render_id scene_id_take(render_id **items, size_t *free_count, size_t count)
{
    return *free_count ? (*items)[--*free_count] : (render_id)count;
}

uint32_t scene_uv_name(struct render_scene *s, const char *name)
{
    if (!name || !*name)
        name = "st";
    for (uint32_t i = 0; i < s->uv_names.count; i++)
        if (strcmp(s->uv_names.items[i], name) == 0)
            return i;
    if (s->uv_names.count > 255) {
        log_warn("render", "more than 256 texture coordinate names: '%s' is read as 'st'", name);
        return 0;
    }
    char *copy = strdup(name);
    if (!copy || !array_push(&s->uv_names, copy)) {
        free(copy);
        return 0;
    }
    return (uint32_t)s->uv_names.count - 1;
}

// Entry 0 of each id table: never handed out. Material 0 is what unbound geometry shows.
static bool add_reserved_entries(struct render_scene *s)
{
    const struct scene_material fallback = {
        .live = true,
        .gpu  = {
            .diffuse   = { 0.5f, 0.5f, 0.5f },
            .opacity   = 1,
            .ior       = 1.5f,
            .roughness = 0.6f,
            .occlusion = 1,
            .flags     = MATERIAL_DISPLAY_COLOR,
        },
    };
    if (!array_push(&s->meshes, (struct scene_mesh) { 0 }) || !array_push(&s->materials, fallback) ||
        !array_push(&s->dirty_materials, 0))
        return false;
    s->materials.items[0].dirty = true;
    return scene_uv_name(s, "st") == 0 && s->uv_names.count == 1;
}

int render_scene_create(struct renderer *r, struct render_scene **out)
{
    *out                   = NULL;
    struct render_scene *s = calloc(1, sizeof(*s));
    if (!s)
        return RENDER_ERR_NOMEM;
    s->renderer        = r;
    s->gpu             = r->gpu;
    s->meters_per_unit = 0.01;
    int rc             = add_reserved_entries(s) ? RENDER_OK : RENDER_ERR_NOMEM;
    if (rc == RENDER_OK)
        rc = scene_gpu_create(s);
    if (rc == RENDER_OK)
        rc = scene_order_create(s);
    if (rc == RENDER_OK)
        rc = scene_textures_create(s, &s->textures);
    if (rc == RENDER_OK)
        rc = scene_lights_create(s, &s->lights);
    if (rc != RENDER_OK) {
        render_scene_destroy(&s);
        return rc;
    }
    *out = s;
    return RENDER_OK;
}

static void free_meshes(struct render_scene *s)
{
    for (size_t i = 0; i < s->meshes.count; i++) {
        mesh_data_release(s->meshes.items[i].data);
        free(s->meshes.items[i].attributes);
    }
}

void render_scene_destroy(struct render_scene **out)
{
    struct render_scene *s = *out;
    if (!s)
        return;
    *out = NULL;
    gpu_timeline_wait(s->gpu, gpu_timeline_submitted(s->gpu), UINT64_MAX);
    scene_bvh_destroy(s, &s->bvh);
    scene_lights_destroy(s, &s->lights);
    scene_textures_destroy(s, &s->textures);
    scene_order_destroy(s);
    scene_gpu_destroy(s);
    free_meshes(s);
    for (size_t i = 0; i < s->uv_names.count; i++)
        free(s->uv_names.items[i]);
    array_free(&s->uv_names);
    array_free(&s->meshes);
    array_free(&s->instances);
    array_free(&s->materials);
    array_free(&s->free_meshes);
    array_free(&s->free_instances);
    array_free(&s->free_materials);
    array_free(&s->dirty_meshes);
    array_free(&s->dirty_instances);
    array_free(&s->dirty_materials);
    array_free(&s->moved_instances);
    free(s);
}

void render_scene_clear(struct render_scene *s)
{
    gpu_timeline_wait(s->gpu, gpu_timeline_submitted(s->gpu), UINT64_MAX);
    if (s->bvh)
        scene_bvh_clear(s);
    scene_lights_clear(s);
    scene_textures_clear(s);
    free_meshes(s);
    scene_gpu_clear(s);
    s->meshes.count    = 0;
    s->materials.count = 0;
    array_clear(&s->instances);
    array_clear(&s->free_meshes);
    array_clear(&s->free_instances);
    array_clear(&s->free_materials);
    array_clear(&s->dirty_meshes);
    array_clear(&s->dirty_instances);
    array_clear(&s->dirty_materials);
    array_clear(&s->moved_instances);
    for (size_t i = 0; i < s->uv_names.count; i++)
        free(s->uv_names.items[i]);
    array_clear(&s->uv_names);
    add_reserved_entries(s); // cannot fail: the arrays have had this size before
    s->meters_per_unit = 0.01;
    s->order_dirty     = true;
    s->versions.geometry++;
    s->versions.transforms++;
    s->versions.materials++;
    s->versions.lights++;
}

void render_scene_set_meters_per_unit(struct render_scene *s, double meters)
{
    if (meters > 0 && meters < 1e12) {
        s->meters_per_unit = meters;
        s->versions.other++;
    }
}

struct scene_instance *render_scene_instance(struct render_scene *s, render_id id)
{
    return id && id <= s->instances.count && s->instances.items[id - 1].live ? &s->instances.items[id - 1] : NULL;
}

static void mark(struct render_scene *s, render_id id)
{
    struct scene_instance *i = &s->instances.items[id - 1];
    if (!i->dirty && array_push(&s->dirty_instances, id))
        i->dirty = true;
}

static void apply_transform(struct scene_instance *i, const double transform[16])
{
    double inverse[16];
    memcpy(i->transform, transform, sizeof(i->transform));
    matrix_rows(transform, i->gpu.to_world);
    matrix_invert(transform, inverse);
    matrix_rows(inverse, i->gpu.to_object);
    i->gpu.flags &= ~INSTANCE_MIRRORED;
    if (matrix_det3(transform) < 0)
        i->gpu.flags |= INSTANCE_MIRRORED;
}

static void set_flag(struct scene_instance *i, uint32_t flag, bool on)
{
    i->gpu.flags = on ? i->gpu.flags | flag : i->gpu.flags & ~flag;
}

static int apply_materials(struct render_scene *s, struct scene_instance *i, const render_id *materials, size_t count)
{
    const uint32_t n = count ? (uint32_t)count : 1;
    if (n > RENDER_MAX_MATERIAL_SLOTS)
        return RENDER_ERR_LIMIT;
    int rc = scene_slots_reserve(s, &i->slots, n);
    if (rc != RENDER_OK)
        return rc;
    uint32_t values[RENDER_MAX_MATERIAL_SLOTS] = { 0 };
    for (size_t k = 0; k < count; k++) {
        const render_id m = materials[k];
        values[k]         = m < s->materials.count && s->materials.items[m].live ? m : 0;
    }
    scene_slots_write(s, &i->slots, values);
    i->gpu.material_offset  = i->slots.first;
    i->gpu.material_count   = n;
    s->material_flags_dirty = true;
    return RENDER_OK;
}

int render_instance_create(struct render_scene *s, const struct render_instance_desc *desc, render_id *out)
{
    *out = 0;
    if (!render_scene_mesh(s, desc->mesh) || !matrix_finite(desc->transform)) {
        log_error("render", "an instance needs a mesh and a finite transform");
        return RENDER_ERR_INVALID;
    }
    render_id id = scene_id_take(&s->free_instances.items, &s->free_instances.count, s->instances.count + 1);
    if (id == s->instances.count + 1 && !array_push(&s->instances, (struct scene_instance) { 0 }))
        return RENDER_ERR_NOMEM;
    struct scene_instance *i = &s->instances.items[id - 1];
    const bool listed        = i->dirty;
    *i                       = (struct scene_instance) {
                              .live  = true,
                              .fresh = true,
                              .dirty = listed,
                              .mesh  = desc->mesh,
                              .user  = desc->user,
                              .gpu   = {
                                    .mesh          = desc->mesh,
                                    .flags         = INSTANCE_LIVE,
                                    .instance_id   = desc->instance_id,
                                    .semantic_id   = desc->semantic_id,
                                    .outline_group = desc->outline_group,
                              },
    };
    set_flag(i, INSTANCE_VISIBLE, desc->visible);
    set_flag(i, INSTANCE_PICKABLE, desc->pickable);
    set_flag(i, INSTANCE_DOUBLE_SIDED, s->meshes.items[desc->mesh].gpu.flags & MESH_DOUBLE_SIDED);
    apply_transform(i, desc->transform);
    s->meshes.items[desc->mesh].instance_count++;
    int rc = apply_materials(s, i, desc->materials, desc->material_count);
    if (rc != RENDER_OK) {
        render_instance_destroy(s, id);
        return rc;
    }
    mark(s, id);
    s->versions.geometry++;
    s->order_dirty = true;
    *out           = id;
    return RENDER_OK;
}

void render_instance_destroy(struct render_scene *s, render_id id)
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i)
        return;
    struct scene_mesh *m = render_scene_mesh(s, i->mesh);
    if (m && m->instance_count)
        m->instance_count--;
    scene_slots_release(s, &i->slots);
    *i = (struct scene_instance) { .dirty = i->dirty };
    mark(s, id);
    if (!array_push(&s->free_instances, id))
        log_warn("render", "out of memory: an instance id is lost");
    s->versions.geometry++;
    s->order_dirty = true;
}

void render_instance_set_transform(struct render_scene *s, render_id id, const double transform[16])
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i || !matrix_finite(transform) || memcmp(i->transform, transform, sizeof(i->transform)) == 0)
        return;
    apply_transform(i, transform);
    mark(s, id);
    s->versions.transforms++;
}

void render_instance_set_visible(struct render_scene *s, render_id id, bool visible)
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i || visible == !!(i->gpu.flags & INSTANCE_VISIBLE))
        return;
    set_flag(i, INSTANCE_VISIBLE, visible);
    mark(s, id);
    s->versions.transforms++;
    s->order_dirty = true;
}

void render_instance_set_pickable(struct render_scene *s, render_id id, bool pickable)
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i || pickable == !!(i->gpu.flags & INSTANCE_PICKABLE))
        return;
    set_flag(i, INSTANCE_PICKABLE, pickable);
    mark(s, id);
    s->versions.other++;
}

void render_instance_set_outline_group(struct render_scene *s, render_id id, uint8_t group)
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i || i->gpu.outline_group == group)
        return;
    i->gpu.outline_group = group;
    mark(s, id);
    s->versions.other++;
}

void render_instance_set_semantic(struct render_scene *s, render_id id, uint32_t semantic_id)
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i || i->gpu.semantic_id == semantic_id)
        return;
    i->gpu.semantic_id = semantic_id;
    mark(s, id);
    s->versions.other++;
}

void render_instance_set_materials(struct render_scene *s, render_id id, const render_id *materials, size_t count)
{
    struct scene_instance *i = render_scene_instance(s, id);
    if (!i)
        return;
    if (apply_materials(s, i, materials, count) != RENDER_OK)
        log_warn("render", "material slots of an instance not changed: %zu of them", count);
    mark(s, id);
    s->versions.materials++;
}
