// Materials: UsdPreviewSurface inputs packed for the GPU.
#include <math.h>
#include <string.h>

#include "log.h"
#include "scene_internal.h"

void render_material_defaults(struct render_material_desc *desc)
{
    // UsdPreviewSurface's fallbacks.
    *desc = (struct render_material_desc) {
        .diffuse_color       = { .value = { 0.18f, 0.18f, 0.18f, 1 }, .channel = 4 },
        .emissive_color      = { .channel = 4 },
        .specular_color      = { .channel = 4 },
        .roughness           = { .value = { 0.5f } },
        .clearcoat_roughness = { .value = { 0.01f } },
        .opacity             = { .value = { 1 } },
        .ior                 = { .value = { 1.5f } },
        .normal              = { .value = { 0, 0, 1 }, .channel = 4 },
        .occlusion           = { .value = { 1 } },
    };
}

static bool is_constant(const struct render_input *in)
{
    return !in->texture && !in->primvar;
}

static vec4 vec4_of(const float v[4])
{
    return (vec4) { v[0], v[1], v[2], v[3] };
}

// Row i of uv_matrix gives component i of scale, then rotation, then translation (UsdTransform2d).
static void uv_matrix(const struct render_input *in, float m[6])
{
    float sx = in->uv_scale[0], sy = in->uv_scale[1];
    if (sx == 0 && sy == 0)
        sx = sy = 1;
    const float a = in->uv_rotation_deg * (float)(M_PI / 180), c = cosf(a), s = sinf(a);
    m[0] = sx * c;
    m[1] = -sy * s;
    m[2] = in->uv_translation[0];
    m[3] = sx * s;
    m[4] = sy * c;
    m[5] = in->uv_translation[1];
}

static void pack_input(struct render_scene *s, struct scene_material *m, uint32_t which, const struct render_input *in,
                       const char *material)
{
    if (is_constant(in))
        return;
    if (!in->texture && strcmp(in->primvar, "displayColor") != 0 && strcmp(in->primvar, "displayOpacity") != 0) {
        log_warn("render", "%s: primvar '%s' as a material input is not supported; its fallback is used",
                 material ? material : "material", in->primvar);
        return;
    }
    struct SceneInput *out = &m->inputs[m->input_count++];
    *out                   = (struct SceneInput) {
                          .texture  = in->texture ? in->texture : SCENE_NONE,
                          .wrap     = (uint32_t)in->wrap_s | (uint32_t)in->wrap_t << 4,
                          .channel  = in->channel > 4 ? 4 : in->channel,
                          .uv_name  = scene_uv_name(s, in->uv),
                          .bias     = vec4_of(in->bias),
                          .scale    = vec4_of(in->scale),
                          .fallback = vec4_of(in->value),
    };
    if (!in->texture && strcmp(in->primvar, "displayOpacity") == 0)
        out->channel = 3;
    if (in->scale[0] == 0 && in->scale[1] == 0 && in->scale[2] == 0 && in->scale[3] == 0)
        out->scale = (vec4) { 1, 1, 1, 1 };
    uv_matrix(in, out->uv_matrix);
    m->textures[which] = in->texture;
    m->gpu.input_mask |= 1u << which;
}

static float clamp01(float v)
{
    return v > 0 ? (v < 1 ? v : 1) : 0; // NaN gives 0
}

static vec3 color_of(const struct render_input *in)
{
    return (vec3) { fmaxf(in->value[0], 0), fmaxf(in->value[1], 0), fmaxf(in->value[2], 0) };
}

static void pack(struct render_scene *s, struct scene_material *m, const struct render_material_desc *d)
{
    struct SceneMaterial *g = &m->gpu;
    *g                      = (struct SceneMaterial) {
                             .diffuse             = color_of(&d->diffuse_color),
                             .opacity             = clamp01(d->opacity.value[0]),
                             .emissive            = color_of(&d->emissive_color),
                             .opacity_threshold   = clamp01(d->opacity_threshold.value[0]),
                             .specular            = color_of(&d->specular_color),
                             .ior                 = d->ior.value[0] >= 1 ? d->ior.value[0] : 1.5f,
                             .metallic            = clamp01(d->metallic.value[0]),
                             .roughness           = clamp01(d->roughness.value[0]),
                             .clearcoat           = clamp01(d->clearcoat.value[0]),
                             .clearcoat_roughness = clamp01(d->clearcoat_roughness.value[0]),
                             .occlusion           = clamp01(d->occlusion.value[0]),
                             .transmission        = clamp01(d->transmission),
    };
    m->input_count = 0;
    memset(m->textures, 0, sizeof(m->textures));
    // In the order of INPUT_x: input_mask counts on it.
    const struct render_input *list[INPUT_COUNT] = {
        [INPUT_DIFFUSE] = &d->diffuse_color,
        [INPUT_EMISSIVE] = &d->emissive_color,
        [INPUT_SPECULAR] = &d->specular_color,
        [INPUT_METALLIC] = &d->metallic,
        [INPUT_ROUGHNESS] = &d->roughness,
        [INPUT_CLEARCOAT] = &d->clearcoat,
        [INPUT_CLEARCOAT_ROUGHNESS] = &d->clearcoat_roughness,
        [INPUT_OPACITY] = &d->opacity,
        [INPUT_IOR] = &d->ior,
        [INPUT_NORMAL] = &d->normal,
        [INPUT_OCCLUSION] = &d->occlusion,
    };
    for (uint32_t i = 0; i < INPUT_COUNT; i++)
        pack_input(s, m, i, list[i], d->name);
    const bool glass = g->transmission > 0;
    if (d->use_specular_workflow)
        g->flags |= MATERIAL_SPECULAR_WORKFLOW;
    if (d->thin_walled)
        g->flags |= MATERIAL_THIN_WALLED;
    if (!glass && (g->opacity < 1 || g->input_mask >> INPUT_OPACITY & 1))
        g->flags |= MATERIAL_CUTOUT;
    if (g->emissive.x > 0 || g->emissive.y > 0 || g->emissive.z > 0 || g->input_mask >> INPUT_EMISSIVE & 1)
        g->flags |= MATERIAL_EMISSIVE;
    if (g->input_mask)
        g->flags |= MATERIAL_TEXTURED;
    if (glass || g->clearcoat > 0 || g->input_mask >> INPUT_CLEARCOAT & 1)
        g->flags |= MATERIAL_RICH;
}

static void mark(struct render_scene *s, render_id id)
{
    struct scene_material *m = &s->materials.items[id];
    if (!m->dirty && array_push(&s->dirty_materials, id))
        m->dirty = true;
    s->material_flags_dirty = true;
    s->versions.materials++;
}

static struct scene_material *find(struct render_scene *s, render_id id)
{
    return id && id < s->materials.count && s->materials.items[id].live ? &s->materials.items[id] : NULL;
}

int render_material_create(struct render_scene *s, const struct render_material_desc *desc, render_id *out)
{
    *out         = 0;
    render_id id = scene_id_take(&s->free_materials.items, &s->free_materials.count, s->materials.count);
    if (id == s->materials.count && !array_push(&s->materials, (struct scene_material) { 0 }))
        return RENDER_ERR_NOMEM;
    s->materials.items[id] = (struct scene_material) { .live = true };
    int rc                 = render_material_update(s, id, desc);
    if (rc != RENDER_OK) {
        render_material_destroy(s, id);
        return rc;
    }
    *out = id;
    return RENDER_OK;
}

int render_material_update(struct render_scene *s, render_id id, const struct render_material_desc *desc)
{
    struct scene_material *m = find(s, id);
    if (!m)
        return RENDER_ERR_INVALID;
    pack(s, m, desc);
    int rc = scene_inputs_reserve(s, &m->place, m->input_count);
    if (rc != RENDER_OK)
        return rc;
    m->gpu.first_input = m->place.first;
    mark(s, id);
    return RENDER_OK;
}

void render_material_destroy(struct render_scene *s, render_id id)
{
    struct scene_material *m = find(s, id);
    if (!m)
        return;
    scene_inputs_release(s, &m->place);
    *m     = (struct scene_material) { .dirty = m->dirty };
    m->gpu = s->materials.items[0].gpu; // whoever still uses it looks unbound
    mark(s, id);
    if (!array_push(&s->free_materials, id))
        log_warn("render", "out of memory: a material id is lost");
}
