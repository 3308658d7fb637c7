// Lights: UsdLux prims, current names ("inputs:intensity") and those of older scenes ("intensity").

#include <stdio.h>
#include <string.h>

#include "draw_internal.h"
#include "log.h"

static bool given(const struct stage *s, uint32_t prim, const char *name) // authored or written
{
    return usd_attr_has_value(usd_prim_find_property(s->prims.items[prim].usd, name))
        || stage_override(s, prim, paths_token_find(s->paths, name, strlen(name)));
}

static bool light_float(const struct stage *s, uint32_t prim, const char *name, float *out)
{
    char full[96];
    const struct stage_prim *p = &s->prims.items[prim];
    snprintf(full, sizeof(full), "inputs:%s", name);
    // The old name counts only where the new one was neither authored nor written.
    bool has_new = given(s, prim, full);
    const usd_property *old = has_new ? NULL : usd_prim_find_property(p->usd, name);
    if (old && usd_attr_has_value(old))
        return usd_attr_get_float(old, stage_time_code(s, prim), out);
    return stage_get_float(s, prim, full, out);
}

static void light_bool(const struct stage *s, uint32_t prim, const char *name, bool *out)
{
    char full[96];
    snprintf(full, sizeof(full), "inputs:%s", name);
    if (!usd_attr_has_value(usd_prim_find_property(s->prims.items[prim].usd, full))
        && usd_attr_get_bool(usd_prim_find_property(s->prims.items[prim].usd, name), stage_time_code(s, prim), out))
        return;
    stage_get_bool(s, prim, full, out);
}

// The schema's values (a cone of 90 degrees, that is half of all directions) hold only where ShapingAPI is applied;
// without it a light is not shaped unless a value is given.
static void light_shaping(const struct stage *s, uint32_t prim, const char *name, float *out)
{
    char full[96];
    snprintf(full, sizeof(full), "inputs:%s", name);
    if (usd_prim_has_api(s->prims.items[prim].usd, "ShapingAPI") || given(s, prim, full) || given(s, prim, name))
        light_float(s, prim, name, out);
}

static void light_color(const struct stage *s, uint32_t prim, float out[3])
{
    const usd_prim *usd     = s->prims.items[prim].usd;
    const usd_property *old = usd_prim_find_property(usd, "color");
    if (old && !usd_attr_has_value(usd_prim_find_property(usd, "inputs:color"))
        && usd_attr_get_vec3f(old, stage_time_code(s, prim), out))
        return;
    stage_get_floats(s, prim, "inputs:color", out, 3);
}

static const struct {
    const char *type;
    enum render_light_type light;
} types[] = {
    { "DistantLight", RENDER_LIGHT_DISTANT }, { "DomeLight", RENDER_LIGHT_DOME },
    { "DomeLight_1", RENDER_LIGHT_DOME },     { "SphereLight", RENDER_LIGHT_SPHERE },
    { "RectLight", RENDER_LIGHT_RECT },       { "DiskLight", RENDER_LIGHT_DISK },
    { "CylinderLight", RENDER_LIGHT_CYLINDER },
};

static bool light_type(const char *type, enum render_light_type *out)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(types[i].type, type)) {
            *out = types[i].light;
            return true;
        }
    }
    return false;
}

static render_id light_texture(struct draw *d, uint32_t prim)
{
    const struct stage *s      = d->stage;
    const struct stage_prim *p = &s->prims.items[prim];
    struct usd_asset asset;
    double time = stage_time_code(s, prim);
    if (!usd_prim_get_asset(p->usd, "inputs:texture:file", time, &asset)
        && !usd_prim_get_asset(p->usd, "texture:file", time, &asset))
        return 0;
    if (!asset.authored[0])
        return 0;
    const char *format = "automatic";
    stage_get_token(s, prim, "inputs:texture:format", &format);
    if (strcmp(format, "automatic") && strcmp(format, "latlong"))
        log_warn("ovrtx.lights", "%s: texture format %s is not supported, taken as latlong", stage_path_text(s, prim), format);
    return texture_get(d, asset.resolved, asset.authored, RENDER_COLOR_AUTO, s->sources.items[p->source].usd);
}

int light_set(struct draw *d, uint32_t prim, const struct inherited *state)
{
    const struct stage *s = d->stage;
    struct render_light_desc desc;
    enum render_light_type type;
    if (!light_type(stage_type_text(s, prim), &type)) {
        log_warn("ovrtx.lights", "%s: %s is not supported yet", stage_path_text(s, prim), stage_type_text(s, prim));
        return 0;
    }
    render_light_defaults(&desc, type);
    memcpy(desc.transform, state->world, sizeof(desc.transform));
    desc.visible = state->visible;
    light_color(s, prim, desc.color);
    light_float(s, prim, "intensity", &desc.intensity);
    light_float(s, prim, "exposure", &desc.exposure);
    light_float(s, prim, "diffuse", &desc.diffuse);
    light_float(s, prim, "specular", &desc.specular);
    light_float(s, prim, "colorTemperature", &desc.color_temperature);
    light_float(s, prim, "angle", &desc.angle);
    light_float(s, prim, "radius", &desc.radius);
    light_float(s, prim, "width", &desc.width);
    light_float(s, prim, "height", &desc.height);
    light_float(s, prim, "length", &desc.length);
    light_shaping(s, prim, "shaping:cone:angle", &desc.shaping_cone_angle);
    light_shaping(s, prim, "shaping:cone:softness", &desc.shaping_cone_softness);
    light_shaping(s, prim, "shaping:focus", &desc.shaping_focus);
    light_bool(s, prim, "normalize", &desc.normalize);
    light_bool(s, prim, "enableColorTemperature", &desc.enable_color_temperature);
    stage_get_bool(s, prim, "treatAsPoint", &desc.treat_as_point);
    stage_get_bool(s, prim, "treatAsLine", &desc.treat_as_line);
    if (type == RENDER_LIGHT_DOME || type == RENDER_LIGHT_RECT)
        desc.texture = light_texture(d, prim);

    uint64_t *known = hash_map_get(&d->light_by_prim, prim);
    if (known) {
        render_light_update(d->scene, d->lights.items[*known].id, &desc);
        return 0;
    }
    render_id id;
    int rc = render_light_create(d->scene, &desc, &id);
    if (rc < 0) {
        log_warn("ovrtx.lights", "%s: the light cannot be made (code %d)", stage_path_text(s, prim), rc);
        return 0;
    }
    if (!array_push(&d->lights, (struct light) { id, prim }) || !hash_map_put(&d->light_by_prim, prim, d->lights.count - 1))
        return -1;
    return 0;
}

void light_remove(struct draw *d, uint32_t prim)
{
    uint64_t *known = hash_map_get(&d->light_by_prim, prim);
    if (!known)
        return;
    size_t i = (size_t)*known;
    render_light_destroy(d->scene, d->lights.items[i].id);
    hash_map_remove(&d->light_by_prim, prim);
    d->lights.items[i] = d->lights.items[--d->lights.count];
    if (i < d->lights.count)
        hash_map_put(&d->light_by_prim, d->lights.items[i].prim, i);
}
