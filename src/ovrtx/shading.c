#include "shading.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#define MAX_HOPS  32 // connections followed for one input
#define MAX_CALLS 16 // nodes of one network that a graph of a document stands for

// A node whose definition is a node graph of a MaterialX document, opened as a stage of its own.
struct shading_call {
    struct shading_node node; // the one that stands for the graph; may be inside of another
    const usd_stage *usd;
    const usd_prim *graph; // NULL: it has none
};

struct calls {
    struct shading_call items[MAX_CALLS];
    usd_stage *documents[MAX_CALLS];
    size_t count, document_count;
};

struct network {
    struct draw *d;
    struct material *m;
    const char *name;
    struct calls *calls;
};

// ---------------------------------------------------------------------------------------------
// Values and connections

static double node_time(const struct network *n, const struct shading_node *node)
{
    const struct stage *s             = n->d->stage;
    const struct stage_source *source = &s->sources.items[node->source];
    return s->time_set ? s->time * source->codes_per_second : source->start_code;
}

static bool node_floats(const struct network *n, const struct shading_node *node, const char *attr, float *out, int components)
{
    if (node->prim && n->d->stage->prims.items[node->prim].overrides
        && stage_get_floats(n->d->stage, node->prim, attr, out, components))
        return true;
    struct usd_value value = { 0 };
    double v[4];
    const usd_property *property = usd_prim_find_property(node->usd, attr);
    bool ok = property && usd_attr_get(property, node_time(n, node), &value) && usd_type_components(value.type) >= components
        && usd_value_doubles(&value, 0, v, components);
    if (property)
        usd_value_finish(&value);
    for (int i = 0; ok && i < components; i++)
        out[i] = (float)v[i];
    return ok;
}

static bool node_text(const struct network *n, const struct shading_node *node, const char *attr, const char **out)
{
    if (node->prim && n->d->stage->prims.items[node->prim].overrides && stage_get_token(n->d->stage, node->prim, attr, out))
        return true;
    const usd_property *property = usd_prim_find_property(node->usd, attr);
    return property && usd_attr_get_token(property, node_time(n, node), out);
}

static bool is_written(const struct network *n, const struct shading_node *node, const char *attr)
{
    const struct stage *s = n->d->stage;
    return node->prim && stage_override(s, node->prim, paths_token_find(s->paths, attr, strlen(attr)));
}

// Where a value comes from: an attribute of a node, or an output of a shader.
struct origin {
    struct shading_node node;
    char attr[256];
    bool is_output;
};

// ---------------------------------------------------------------------------------------------
// Nodes that the document itself defines

static const usd_stage *stage_of(const struct network *n, const struct shading_node *node)
{
    return node->call ? node->call->usd : n->d->stage->sources.items[node->source].usd;
}

static const usd_stage *open_document(const struct network *n, const char *resolved)
{
    struct calls *calls = n->calls;
    for (size_t i = 0; i < calls->document_count; i++)
        if (!strcmp(usd_stage_layer(calls->documents[i], 0), resolved))
            return calls->documents[i];
    struct usd_open_options options = n->d->stage->open;
    options.threads                 = 1;
    usd_stage *usd                  = NULL;
    if (resolved[0] && usd_stage_open(resolved, &options, &usd, NULL) == USD_OK)
        calls->documents[calls->document_count++] = usd; // one for each call at most
    return usd;
}

static void open_graph(const struct network *n, struct shading_call *call, const struct usd_asset *asset, const char *definition)
{
    char path[512];
    if (snprintf(path, sizeof(path), "/MaterialX/NodeGraphs/%s", definition) >= (int)sizeof(path))
        return;
    call->usd   = open_document(n, asset->resolved);
    call->graph = call->usd ? usd_stage_find(call->usd, path) : NULL;
    if (!call->graph)
        log_warn("ovrtx.materials", "%s: %s has no node graph for %s", n->name, asset->authored, definition);
}

// The graph that a node stands for, opened when it is first met. NULL: it is a node of its own.
static const struct shading_call *graph_of(const struct network *n, const struct shading_node *node)
{
    const char *definition = "";
    struct usd_asset asset;
    if (!node_text(n, node, "info:mtlx:sourceAsset:subIdentifier", &definition) || !definition[0]
        || !usd_attr_get_asset(usd_prim_find_property(node->usd, "info:mtlx:sourceAsset"), node_time(n, node), &asset))
        return NULL;
    struct calls *calls = n->calls;
    for (size_t i = 0; i < calls->count; i++) {
        const struct shading_call *known = &calls->items[i];
        if (known->node.usd == node->usd && known->node.call == node->call)
            return known->graph ? known : NULL;
    }
    if (calls->count == MAX_CALLS) {
        log_warn("ovrtx.materials", "%s: more than %d nodes of the document's own", n->name, MAX_CALLS);
        return NULL;
    }
    struct shading_call *call = &calls->items[calls->count++];
    *call                     = (struct shading_call) { .node = *node };
    open_graph(n, call, &asset, definition);
    return call->graph ? call : NULL;
}

// Goes on inside of the graph that a node stands for, at the output of the same name; terminals are named differently.
static bool enter_graph(const struct network *n, struct origin *at)
{
    const struct shading_call *call = graph_of(n, &at->node);
    if (!call)
        return false;
    const usd_property *output = usd_prim_find_property(call->graph, at->attr);
    for (size_t i = 0; !output && i < usd_prim_property_count(call->graph); i++) {
        const usd_property *q = usd_prim_property(call->graph, i);
        output                = strncmp(usd_property_name(q), "outputs:", 8) ? NULL : q;
    }
    if (!output)
        return false;
    at->node = (struct shading_node) { .usd = call->graph, .source = at->node.source, .call = call };
    snprintf(at->attr, sizeof(at->attr), "%s", usd_property_name(output));
    return true;
}

static bool has_value(const struct network *n, const struct origin *at)
{
    const usd_property *property = usd_prim_find_property(at->node.usd, at->attr);
    return is_written(n, &at->node, at->attr) || (property && usd_attr_has_value(property));
}

// From an input of a graph back to the node that stands for it. `fallback` keeps the graph's own value.
static bool leave_graph(const struct network *n, struct origin *at, struct origin *fallback)
{
    const struct shading_call *call = at->node.call;
    if (!call || at->node.usd != call->graph || strncmp(at->attr, "inputs:", 7))
        return false;
    if (has_value(n, at))
        *fallback = *at;
    at->node = call->node;
    return true;
}

// Follows connections from an attribute through interface inputs and node graphs.
static bool follow(const struct network *n, const struct shading_node *from, const char *attr, struct origin *out)
{
    const struct stage *s  = n->d->stage;
    struct origin fallback = { 0 };
    *out                   = (struct origin) { .node = *from };
    snprintf(out->attr, sizeof(out->attr), "%s", attr);
    for (int hop = 0; hop < MAX_HOPS; hop++) {
        if (is_written(n, &out->node, out->attr))
            return true;
        const usd_property *property = usd_prim_find_property(out->node.usd, out->attr);
        const char *target           = property && usd_attr_connection_count(property) ? usd_attr_connection(property, 0) : NULL;
        if (!target && leave_graph(n, out, &fallback))
            continue;
        if (!target && fallback.node.usd && !has_value(n, out))
            return *out = fallback, true;
        if (!target)
            return property != NULL;
        const char *dot = strrchr(target, '.');
        char path[4096];
        if (!dot || (size_t)(dot - target) >= sizeof(path))
            return false;
        memcpy(path, target, (size_t)(dot - target));
        path[dot - target]  = 0;
        const usd_prim *usd = usd_stage_find(stage_of(n, &out->node), path);
        if (!usd)
            return false;
        out->node.usd  = usd;
        out->node.prim = out->node.call ? 0 : stage_find(s, stage_path_from_usd(s, from->source, path));
        snprintf(out->attr, sizeof(out->attr), "%s", dot + 1);
        bool is_shader = !strncmp(out->attr, "outputs:", 8) && !strcmp(usd_prim_type_name(usd), "Shader");
        if (is_shader && !enter_graph(n, out))
            return out->is_output = true;
    }
    log_warn("ovrtx.materials", "%s: connections of %s go in circles", n->name, attr);
    return false;
}

static bool input_floats(const struct network *n, const struct shading_node *node, const char *name, float *out, int components)
{
    char attr[128];
    struct origin origin;
    snprintf(attr, sizeof(attr), "inputs:%s", name);
    return follow(n, node, attr, &origin) && !origin.is_output && node_floats(n, &origin.node, origin.attr, out, components);
}

static bool input_text(const struct network *n, const struct shading_node *node, const char *name, const char **out)
{
    char attr[128];
    struct origin origin;
    snprintf(attr, sizeof(attr), "inputs:%s", name);
    return follow(n, node, attr, &origin) && !origin.is_output && node_text(n, &origin.node, origin.attr, out);
}

static bool input_bool(const struct network *n, const struct shading_node *node, const char *name, bool otherwise)
{
    float v;
    return input_floats(n, node, name, &v, 1) ? v != 0 : otherwise;
}

static bool input_asset(const struct network *n, const struct shading_node *node, const char *name, struct usd_asset *out)
{
    char attr[128];
    struct origin origin;
    snprintf(attr, sizeof(attr), "inputs:%s", name);
    return follow(n, node, attr, &origin) && !origin.is_output
        && usd_attr_get_asset(usd_prim_find_property(origin.node.usd, origin.attr), node_time(n, &origin.node), out)
        && out->authored[0];
}

static const char *shader_id(const struct network *n, const struct shading_node *node)
{
    const char *id = "";
    node_text(n, node, "info:id", &id);
    return id;
}

static const char *keep_name(const struct network *n, const char *name)
{
    struct paths *paths = n->d->stage->paths;
    uint32_t token      = paths_token(paths, name, strlen(name));
    for (size_t i = 0; i < n->m->primvars.count; i++) {
        if (n->m->primvars.items[i] == token)
            return paths_token_text(paths, token);
    }
    array_push(&n->m->primvars, token);
    return paths_token_text(paths, token);
}

// ---------------------------------------------------------------------------------------------
// Textures and primvars

static enum render_wrap wrap_mode(const struct network *n, const struct shading_node *node, const char *name)
{
    const char *text = "useMetadata"; // which our image formats do not carry; black is the specified stand-in
    input_text(n, node, name, &text);
    return !strcmp(text, "repeat") || !strcmp(text, "periodic") ? RENDER_WRAP_REPEAT
        : !strcmp(text, "clamp")                               ? RENDER_WRAP_CLAMP
        : !strcmp(text, "mirror")                              ? RENDER_WRAP_MIRROR
                                                               : RENDER_WRAP_BLACK;
}

// Texture coordinates: a primvar reader, perhaps behind a UsdTransform2d.
static void read_coordinates(const struct network *n, const struct shading_node *texture, const char *input, struct render_input *out)
{
    struct origin at = { .node = *texture };
    char attr[64];
    snprintf(attr, sizeof(attr), "inputs:%s", input);
    for (int hop = 0; hop < MAX_HOPS; hop++) {
        if (!follow(n, &at.node, attr, &at) || !at.is_output)
            break;
        const char *id = shader_id(n, &at.node), *name = NULL;
        if (!strcmp(id, "UsdTransform2d")) {
            input_floats(n, &at.node, "scale", out->uv_scale, 2);
            input_floats(n, &at.node, "rotation", &out->uv_rotation_deg, 1);
            input_floats(n, &at.node, "translation", out->uv_translation, 2);
            snprintf(attr, sizeof(attr), "inputs:in");
            continue;
        }
        if (!strncmp(id, "UsdPrimvarReader", 16))
            input_text(n, &at.node, "varname", &name);
        else if (!strncmp(id, "ND_geompropvalue", 16))
            input_text(n, &at.node, "geomprop", &name);
        if (name && name[0])
            out->uv = keep_name(n, name);
        return;
    }
}

static enum render_color_space color_space(const struct network *n, const struct shading_node *node, const char *input)
{
    const char *text = "auto";
    input_text(n, node, input, &text);
    return !strcmp(text, "raw") ? RENDER_COLOR_RAW : !strcmp(text, "sRGB") ? RENDER_COLOR_SRGB : RENDER_COLOR_AUTO;
}

static render_id node_texture(const struct network *n, const struct shading_node *node, const char *input, enum render_color_space space)
{
    struct usd_asset asset;
    if (!input_asset(n, node, input, &asset))
        return 0;
    return texture_get(n->d, asset.resolved, asset.authored, space, n->d->stage->sources.items[node->source].usd);
}

static uint8_t channel_of(const char *output)
{
    const char *name = output + strlen("outputs:");
    return !strcmp(name, "r") ? 0 : !strcmp(name, "g") ? 1 : !strcmp(name, "b") ? 2 : !strcmp(name, "a") ? 3 : 4;
}

static void read_uv_texture(const struct network *n, const struct origin *from, struct render_input *out)
{
    const struct shading_node *node = &from->node;
    out->texture = node_texture(n, node, "file", color_space(n, node, "sourceColorSpace"));
    out->channel = channel_of(from->attr);
    out->wrap_s  = wrap_mode(n, node, "wrapS");
    out->wrap_t  = wrap_mode(n, node, "wrapT");
    input_floats(n, node, "fallback", out->value, 4);
    input_floats(n, node, "scale", out->scale, 4);
    input_floats(n, node, "bias", out->bias, 4);
    read_coordinates(n, node, "st", out);
}

// MaterialX image nodes: one channel for the float ones.
static void read_mtlx_image(const struct network *n, const struct shading_node *node, const char *id, struct render_input *out)
{
    bool color   = strstr(id, "color") != NULL, one = strstr(id, "_float") != NULL;
    out->texture = node_texture(n, node, "file", color ? RENDER_COLOR_AUTO : RENDER_COLOR_RAW);
    out->channel = one ? 0 : 4;
    out->wrap_s = out->wrap_t = RENDER_WRAP_REPEAT;
    read_coordinates(n, node, "texcoord", out);
}

// One input of a surface shader, whatever feeds it.
static bool read_input(const struct network *n, const struct shading_node *shader, const char *name, int components, struct render_input *out)
{
    char attr[128];
    struct origin origin;
    snprintf(attr, sizeof(attr), "inputs:%s", name);
    for (int hop = 0; hop < MAX_HOPS; hop++) {
        if (!follow(n, hop ? &origin.node : shader, attr, &origin))
            return false;
        if (!origin.is_output) {
            float v[4];
            if (!node_floats(n, &origin.node, origin.attr, v, components))
                return false;
            memcpy(out->value, v, (size_t)components * sizeof(float));
            return true;
        }
        const char *id = shader_id(n, &origin.node), *varname = NULL;
        if (!strcmp(id, "UsdUVTexture")) {
            read_uv_texture(n, &origin, out);
            return true;
        }
        if (!strncmp(id, "ND_image_", 9) || !strncmp(id, "ND_tiledimage_", 14)) {
            read_mtlx_image(n, &origin.node, id, out);
            return true;
        }
        if (!strncmp(id, "UsdPrimvarReader", 16)) {
            input_floats(n, &origin.node, "fallback", out->value, components);
            if (input_text(n, &origin.node, "varname", &varname) && varname[0])
                out->primvar = keep_name(n, varname);
            return true;
        }
        if (!strncmp(id, "ND_normalmap", 12)) { // its picture is what counts
            snprintf(attr, sizeof(attr), "inputs:in");
            continue;
        }
        log_warn("ovrtx.materials", "%s: input %s is fed by a %s node, which is not supported yet", n->name, name, id[0] ? id : "nameless");
        return false;
    }
    return false;
}

// ---------------------------------------------------------------------------------------------
// Surfaces

static void read_preview_surface(const struct network *n, const struct shading_node *shader, struct render_material_desc *m)
{
    read_input(n, shader, "diffuseColor", 3, &m->diffuse_color);
    read_input(n, shader, "emissiveColor", 3, &m->emissive_color);
    read_input(n, shader, "specularColor", 3, &m->specular_color);
    read_input(n, shader, "metallic", 1, &m->metallic);
    read_input(n, shader, "roughness", 1, &m->roughness);
    read_input(n, shader, "clearcoat", 1, &m->clearcoat);
    read_input(n, shader, "clearcoatRoughness", 1, &m->clearcoat_roughness);
    read_input(n, shader, "opacity", 1, &m->opacity);
    read_input(n, shader, "opacityThreshold", 1, &m->opacity_threshold);
    read_input(n, shader, "ior", 1, &m->ior);
    read_input(n, shader, "normal", 3, &m->normal);
    read_input(n, shader, "occlusion", 1, &m->occlusion);
    read_input(n, shader, "displacement", 1, &m->displacement);
    m->use_specular_workflow = input_bool(n, shader, "useSpecularWorkflow", false);
}

// A texture input of an MDL material: wins over the constant when it names a file.
static void read_mdl_texture(const struct network *n, const struct shading_node *shader, const char *name,
                             enum render_color_space space, uint8_t channel, struct render_input *out)
{
    render_id texture = node_texture(n, shader, name, space);
    if (!texture)
        return;
    out->texture = texture;
    out->channel = channel;
    out->wrap_s = out->wrap_t = RENDER_WRAP_REPEAT;
    out->uv                   = keep_name(n, "st");
    input_floats(n, shader, "texture_scale", out->uv_scale, 2);
    input_floats(n, shader, "texture_rotate", &out->uv_rotation_deg, 1);
    input_floats(n, shader, "texture_translate", out->uv_translation, 2);
}

static void set_value(struct render_input *input, float a, float b, float c)
{
    input->value[0] = a;
    input->value[1] = b;
    input->value[2] = c;
}

static void read_omni_pbr(const struct network *n, const struct shading_node *shader, struct render_material_desc *m)
{
    set_value(&m->diffuse_color, 0.2f, 0.2f, 0.2f); // OmniPBR's own default
    read_input(n, shader, "diffuse_color_constant", 3, &m->diffuse_color);
    read_mdl_texture(n, shader, "diffuse_texture", RENDER_COLOR_AUTO, 4, &m->diffuse_color);
    float tint[3] = { 1, 1, 1 };
    if (m->diffuse_color.texture && input_floats(n, shader, "diffuse_tint", tint, 3)) {
        memcpy(m->diffuse_color.scale, tint, sizeof(tint));
        m->diffuse_color.scale[3] = 1;
    }
    m->roughness.value[0] = 0.5f;
    read_input(n, shader, "reflection_roughness_constant", 1, &m->roughness);
    read_mdl_texture(n, shader, "reflectionroughness_texture", RENDER_COLOR_RAW, 0, &m->roughness);
    read_input(n, shader, "metallic_constant", 1, &m->metallic);
    read_mdl_texture(n, shader, "metallic_texture", RENDER_COLOR_RAW, 0, &m->metallic);
    if (input_bool(n, shader, "enable_ORM_texture", false)) {
        read_mdl_texture(n, shader, "ORM_texture", RENDER_COLOR_RAW, 0, &m->occlusion);
        read_mdl_texture(n, shader, "ORM_texture", RENDER_COLOR_RAW, 1, &m->roughness);
        read_mdl_texture(n, shader, "ORM_texture", RENDER_COLOR_RAW, 2, &m->metallic);
    }
    read_mdl_texture(n, shader, "normalmap_texture", RENDER_COLOR_RAW, 4, &m->normal);
    if (m->normal.texture) {
        for (int i = 0; i < 4; i++) {
            m->normal.scale[i] = 2;
            m->normal.bias[i]  = -1;
        }
    }
    if (input_bool(n, shader, "enable_opacity", false)) {
        read_input(n, shader, "opacity_constant", 1, &m->opacity);
        read_mdl_texture(n, shader, "opacity_texture", RENDER_COLOR_RAW, 0, &m->opacity);
        read_input(n, shader, "opacity_threshold", 1, &m->opacity_threshold);
    }
    if (input_bool(n, shader, "enable_emission", false)) {
        float color[3] = { 1, 0.1f, 0.1f }, intensity = 40;
        input_floats(n, shader, "emissive_color", color, 3);
        input_floats(n, shader, "emissive_intensity", &intensity, 1);
        set_value(&m->emissive_color, color[0] * intensity, color[1] * intensity, color[2] * intensity);
    }
    // specular_level 0.5 is an index of refraction of 1.5: F0 = 0.08 * level.
    float level;
    if (input_floats(n, shader, "specular_level", &level, 1) && level > 0 && level < 12) {
        float root         = sqrtf(0.08f * level);
        m->ior.value[0]    = (1 + root) / (1 - root);
    }
}

static void read_omni_glass(const struct network *n, const struct shading_node *shader, struct render_material_desc *m)
{
    set_value(&m->diffuse_color, 1, 1, 1);
    read_input(n, shader, "glass_color", 3, &m->diffuse_color);
    m->ior.value[0] = 1.491f;
    read_input(n, shader, "glass_ior", 1, &m->ior);
    m->roughness.value[0] = 0;
    read_input(n, shader, "frosting_roughness", 1, &m->roughness);
    m->transmission = 1;
    m->thin_walled  = input_bool(n, shader, "thin_walled", false);
}

// The inputs that MaterialX surfaces share under different names.
struct mtlx_names {
    const char *color, *metalness, *roughness, *ior, *coat, *coat_roughness, *opacity, *emission, *emission_color,
        *transmission, *normal;
};

static void scale_input(struct render_input *input, float factor)
{
    for (int i = 0; i < 3; i++) {
        input->value[i] *= factor;
        input->scale[i] = input->texture ? factor : input->scale[i];
    }
    if (input->texture)
        input->scale[3] = 1;
}

static void read_mtlx(const struct network *n, const struct shading_node *shader, const struct mtlx_names *names,
                      struct render_material_desc *m)
{
    set_value(&m->diffuse_color, 0.8f, 0.8f, 0.8f);
    m->roughness.value[0] = 0.2f;
    float weight;
    read_input(n, shader, names->color, 3, &m->diffuse_color);
    read_input(n, shader, names->metalness, 1, &m->metallic);
    read_input(n, shader, names->roughness, 1, &m->roughness);
    read_input(n, shader, names->ior, 1, &m->ior);
    read_input(n, shader, names->coat, 1, &m->clearcoat);
    read_input(n, shader, names->coat_roughness, 1, &m->clearcoat_roughness);
    read_input(n, shader, names->opacity, 1, &m->opacity);
    read_input(n, shader, names->normal, 3, &m->normal);
    if (m->normal.texture) {
        for (int i = 0; i < 4; i++) {
            m->normal.scale[i] = 2;
            m->normal.bias[i]  = -1;
        }
    }
    if (input_floats(n, shader, names->emission, &weight, 1) && weight > 0) {
        set_value(&m->emissive_color, 1, 1, 1);
        read_input(n, shader, names->emission_color, 3, &m->emissive_color);
        scale_input(&m->emissive_color, weight);
    }
    input_floats(n, shader, names->transmission, &m->transmission, 1);
    m->thin_walled = input_bool(n, shader, "thin_walled", false) || input_bool(n, shader, "geometry_thin_walled", false);
}

static const struct mtlx_names standard_surface = { "base_color", "metalness", "specular_roughness", "specular_IOR", "coat",
    "coat_roughness", "opacity", "emission", "emission_color", "transmission", "normal" };
static const struct mtlx_names open_pbr = { "base_color", "base_metalness", "specular_roughness", "specular_ior", "coat_weight",
    "coat_roughness", "geometry_opacity", "emission_luminance", "emission_color", "transmission_weight", "geometry_normal" };

static bool read_surface(const struct network *n, const struct shading_node *shader, struct render_material_desc *m)
{
    const char *id = shader_id(n, shader), *sub = "";
    node_text(n, shader, "info:mdl:sourceAsset:subIdentifier", &sub);
    if (!strcmp(id, "UsdPreviewSurface") || !strncmp(id, "ND_UsdPreviewSurface", 20))
        read_preview_surface(n, shader, m);
    else if (!strncmp(id, "ND_standard_surface", 19))
        read_mtlx(n, shader, &standard_surface, m);
    else if (!strncmp(id, "ND_open_pbr_surface", 19))
        read_mtlx(n, shader, &open_pbr, m);
    else if (!strncmp(sub, "OmniPBR", 7))
        read_omni_pbr(n, shader, m);
    else if (!strncmp(sub, "OmniGlass", 9))
        read_omni_glass(n, shader, m);
    else {
        log_warn("ovrtx.materials", "%s: surface shader %s is not supported yet; default look", n->name, id[0] ? id : sub[0] ? sub : "without info:id");
        return false;
    }
    return true;
}

void shading_describe(struct draw *d, const struct shading_node *material, struct render_material_desc *desc, struct material *m)
{
    static const char *const outputs[] = { "outputs:surface", "outputs:mdl:surface", "outputs:mtlx:surface" };
    struct calls calls;
    calls.count = calls.document_count = 0;
    struct network n = { d, m, material->prim ? stage_path_text(d->stage, material->prim) : usd_prim_path(material->usd), &calls };
    render_material_defaults(desc);
    desc->name = n.name;
    struct origin surface = { 0 };
    for (size_t i = 0; !surface.is_output && i < sizeof(outputs) / sizeof(outputs[0]); i++)
        if (!follow(&n, material, outputs[i], &surface))
            surface.is_output = false;
    if (surface.is_output)
        read_surface(&n, &surface.node, desc);
    else
        log_warn("ovrtx.materials", "%s: no surface output is connected; default look", n.name);
    while (calls.document_count)
        usd_stage_close(&calls.documents[--calls.document_count]);
}
