// Node definitions: those of the document, and what of the standard library decides about names and inputs.
#include <stdio.h>
#include <string.h>

#include "mtlx_document.h"

// Inputs of the shaders of the standard library, in the order of their definitions. A material has all of them.
#define F "float"
#define C3 "color3"
#define V3 "vector3"
#define END { NULL, NULL }
static const struct mx_io standard_surface[] = {
    { "base", F }, { "base_color", C3 }, { "diffuse_roughness", F }, { "metalness", F }, { "specular", F }, { "specular_color", C3 }, { "specular_roughness", F },
    { "specular_IOR", F }, { "specular_anisotropy", F }, { "specular_rotation", F }, { "transmission", F }, { "transmission_color", C3 }, { "transmission_depth", F },
    { "transmission_scatter", C3 }, { "transmission_scatter_anisotropy", F }, { "transmission_dispersion", F }, { "transmission_extra_roughness", F },
    { "subsurface", F }, { "subsurface_color", C3 }, { "subsurface_radius", C3 }, { "subsurface_scale", F }, { "subsurface_anisotropy", F }, { "sheen", F },
    { "sheen_color", C3 }, { "sheen_roughness", F }, { "coat", F }, { "coat_color", C3 }, { "coat_roughness", F }, { "coat_anisotropy", F }, { "coat_rotation", F },
    { "coat_IOR", F }, { "coat_normal", V3 }, { "coat_affect_color", F }, { "coat_affect_roughness", F }, { "thin_film_thickness", F }, { "thin_film_IOR", F },
    { "emission", F }, { "emission_color", C3 }, { "opacity", C3 }, { "thin_walled", "boolean" }, { "normal", V3 }, { "tangent", V3 }, END,
};
static const struct mx_io preview_surface[] = {
    { "diffuseColor", C3 }, { "emissiveColor", C3 }, { "useSpecularWorkflow", "integer" }, { "specularColor", C3 }, { "metallic", F }, { "roughness", F },
    { "clearcoat", F }, { "clearcoatRoughness", F }, { "opacity", F }, { "opacityMode", "integer" }, { "opacityThreshold", F }, { "ior", F }, { "normal", V3 },
    { "displacement", F }, { "occlusion", F }, END,
};
static const struct mx_io open_pbr[] = {
    { "base_weight", F }, { "base_color", C3 }, { "base_diffuse_roughness", F }, { "base_metalness", F }, { "specular_weight", F }, { "specular_color", C3 },
    { "specular_roughness", F }, { "specular_ior", F }, { "specular_roughness_anisotropy", F }, { "transmission_weight", F }, { "transmission_color", C3 },
    { "transmission_depth", F }, { "transmission_scatter", C3 }, { "transmission_scatter_anisotropy", F }, { "transmission_dispersion_scale", F },
    { "transmission_dispersion_abbe_number", F }, { "subsurface_weight", F }, { "subsurface_color", C3 }, { "subsurface_radius", F }, { "subsurface_radius_scale", C3 },
    { "subsurface_scatter_anisotropy", F }, { "fuzz_weight", F }, { "fuzz_color", C3 }, { "fuzz_roughness", F }, { "coat_weight", F }, { "coat_color", C3 },
    { "coat_roughness", F }, { "coat_roughness_anisotropy", F }, { "coat_ior", F }, { "coat_darkening", F }, { "thin_film_weight", F }, { "thin_film_thickness", F },
    { "thin_film_ior", F }, { "emission_luminance", F }, { "emission_color", C3 }, { "geometry_opacity", F }, { "geometry_thin_walled", "boolean" },
    { "geometry_normal", V3 }, { "geometry_coat_normal", V3 }, { "geometry_tangent", V3 }, { "geometry_coat_tangent", V3 }, END,
};
static const struct mx_io gltf_pbr[] = {
    { "base_color", C3 }, { "metallic", F }, { "roughness", F }, { "normal", V3 }, { "tangent", V3 }, { "occlusion", F }, { "transmission", F }, { "specular", F },
    { "specular_color", C3 }, { "ior", F }, { "alpha", F }, { "alpha_mode", "integer" }, { "alpha_cutoff", F }, { "iridescence", F }, { "iridescence_ior", F },
    { "iridescence_thickness", F }, { "sheen_color", C3 }, { "sheen_roughness", F }, { "clearcoat", F }, { "clearcoat_roughness", F }, { "clearcoat_normal", V3 },
    { "emissive", C3 }, { "emissive_strength", F }, { "thickness", F }, { "attenuation_distance", F }, { "attenuation_color", C3 }, { "anisotropy_strength", F },
    { "anisotropy_rotation", F }, { "dispersion", F }, END,
};
static const struct mx_io disney[] = {
    { "baseColor", C3 }, { "metallic", F }, { "roughness", F }, { "anisotropic", F }, { "specular", F }, { "specularTint", F }, { "sheen", F }, { "sheenTint", F },
    { "clearcoat", F }, { "clearcoatGloss", F }, { "specTrans", F }, { "ior", F }, { "subsurface", F }, { "subsurfaceDistance", C3 }, END,
};
static const struct mx_io unlit[] = { { "emission", F }, { "emission_color", C3 }, { "transmission", F }, { "transmission_color", C3 }, { "opacity", F }, END };
static const struct mx_io surface[] = { { "bsdf", "BSDF" }, { "edf", "EDF" }, { "opacity", F }, { "thin_walled", "boolean" }, END };
static const struct mx_io displacement[] = { { "displacement", F }, { "scale", F }, END };
static const struct mx_io displacement3[] = { { "displacement", V3 }, { "scale", F }, END };
static const struct mx_io volume[] = { { "vdf", "VDF" }, { "edf", "EDF" }, END };

static const struct {
    const char *category, *id;
    const struct mx_io *inputs;
} shaders[] = {
    { "standard_surface", "ND_standard_surface_surfaceshader", standard_surface }, { "UsdPreviewSurface", "ND_UsdPreviewSurface_surfaceshader", preview_surface },
    { "open_pbr_surface", "ND_open_pbr_surface_surfaceshader", open_pbr }, { "gltf_pbr", "ND_gltf_pbr_surfaceshader", gltf_pbr },
    { "disney_principled", "ND_disney_principled", disney }, { "surface_unlit", "ND_surface_unlit", unlit }, { "surface", "ND_surface", surface },
    { "volume", "ND_volume", volume }, { "displacement", "ND_displacement_float", displacement },
};

// Nodes of the standard library with several outputs.
static const struct {
    const char *category, *id;
    struct mx_io outputs[6];
} multiple[] = {
    { "separate2", "ND_separate2_vector2", { { "outx", F }, { "outy", F } } },
    { "separate3", "ND_separate3_color3", { { "outr", F }, { "outg", F }, { "outb", F } } },
    { "separate3", "ND_separate3_vector3", { { "outx", F }, { "outy", F }, { "outz", F } } },
    { "separate4", "ND_separate4_color4", { { "outr", F }, { "outg", F }, { "outb", F }, { "outa", F } } },
    { "separate4", "ND_separate4_vector4", { { "outx", F }, { "outy", F }, { "outz", F }, { "outw", F } } },
    { "artistic_ior", "ND_artistic_ior", { { "ior", C3 }, { "extinction", C3 } } },
    { "UsdUVTexture", "ND_UsdUVTexture", { { "r", F }, { "g", F }, { "b", F }, { "a", F }, { "rgb", C3 }, { "rgba", "color4" } } },
    { "gltf_colorimage", "ND_gltf_colorimage", { { "outcolor", C3 }, { "outa", F } } },
};

static const char *input_type(const struct document *d, const struct element *node, const char *name)
{
    const struct element *e = mx_find(d, node, "input", name);
    return e ? mx_attr(e, "type") : NULL;
}

bool mx_is_node(const struct element *e)
{
    static const char *const others[] = { "input", "output", "token", "nodegraph", "look", "lookgroup", "collection", "nodedef", "implementation", "typedef", "member",
                                          "geominfo", "geomprop", "geompropdef", "unitdef", "unittypedef", "backdrop", "materialassign", "propertyset", "propertyassign",
                                          "propertysetassign", "visibility", "variantset", "variant", "variantassign", "targetdef", "attributedef", "material", "shaderref",
                                          "xi:include" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (!strcmp(e->tag, others[i]))
            return false;
    return mx_attr(e, "name") && mx_attr(e, "type");
}

const struct element *mx_implementation(const struct document *d, const struct element *nodedef)
{
    const char *name = mx_attr(nodedef, "name");
    for (unsigned i = 0; i < d->graph_count && name; i++) {
        const struct element *e = d->graphs[i];
        if (strcmp(mx_attr(e, "nodedef"), name))
            continue;
        if (!strcmp(e->tag, "nodegraph"))
            return e;
        if (!strcmp(e->tag, "implementation") && mx_attr(e, "nodegraph"))
            return mx_find(d, d->root, "nodegraph", mx_attr(e, "nodegraph"));
    }
    return NULL;
}

const struct element *mx_base(const struct document *d, const struct element *nodedef)
{
    const char *name = mx_attr(nodedef, "inherit");
    return name ? mx_find(d, d->root, "nodedef", name) : NULL;
}

// What a definition says about a port, or what it inherits says.
static const struct element *port_of(const struct document *d, const struct element *nodedef, const char *tag, const char *name)
{
    for (int i = 0; nodedef && i < MX_MAX_INHERIT; i++, nodedef = mx_base(d, nodedef))
        for (const struct element *c = nodedef->first; c; c = c->next)
            if (!strcmp(c->tag, tag) && mx_attr(c, "name") && (!name || !strcmp(mx_attr(c, "name"), name)))
                return c;
    return NULL;
}

static bool has_type(const struct document *d, const struct element *nodedef, const char *type)
{
    const char *own = mx_attr(nodedef, "type");
    if (!own) // the first output has it
        own = mx_attr(port_of(d, nodedef, "output", NULL), "type");
    return own && type && (!strcmp(own, type) || !strcmp(type, "multioutput"));
}

// All that the node sets is there, with the same types.
static bool has_inputs(const struct document *d, const struct element *nodedef, const struct element *node)
{
    for (const struct element *c = node->first; c; c = c->next) {
        const char *name = mx_attr(c, "name"), *type = mx_attr(c, "type");
        if (strcmp(c->tag, "input") || !name || !type)
            continue;
        const char *defined = mx_attr(port_of(d, nodedef, "input", name), "type");
        if (!defined || strcmp(defined, type))
            return false;
    }
    return true;
}

static bool same_version(const char *a, const char *b)
{
    int major[2] = { 0 }, minor[2] = { 0 };
    return !strcmp(a, b) || (sscanf(a, "%d.%d", &major[0], &minor[0]) > 0 && sscanf(b, "%d.%d", &major[1], &minor[1]) > 0 && major[0] == major[1] && minor[0] == minor[1]);
}

static bool has_version(const struct element *nodedef, const char *wanted)
{
    const char *own = mx_attr(nodedef, "version"), *is_default = mx_attr(nodedef, "isdefaultversion");
    return wanted ? own && same_version(own, wanted) : !own || (is_default && !strcmp(is_default, "true"));
}

// The definition of the document that a node names, or that fits it best: in its version, then in its inputs.
static const struct element *local_definition(const struct document *d, const struct element *node)
{
    const char *given = mx_attr(node, "nodedef");
    if (given)
        return mx_find(d, d->root, "nodedef", given);
    const struct element *best = NULL;
    int best_fit               = 0;
    for (unsigned i = 0; i < d->def_count; i++) {
        const struct element *e = d->defs[i];
        if (!mx_attr(e, "node") || strcmp(mx_attr(e, "node"), node->tag) || !has_type(d, e, mx_attr(node, "type")))
            continue;
        int fit = 1 + 2 * has_version(e, mx_attr(node, "version")) + has_inputs(d, e, node);
        if (fit > best_fit)
            best = e, best_fit = fit;
    }
    return best;
}

static void local_outputs(struct document *d, const struct element *nodedef, struct mx_def *out)
{
    for (int i = 0; nodedef && !out->output_count && i < MX_MAX_INHERIT; i++) {
        for (const struct element *o = nodedef->first; o && out->output_count < 8; o = o->next)
            if (!strcmp(o->tag, "output") && mx_attr(o, "name") && mx_attr(o, "type"))
                out->outputs[out->output_count++] = (struct mx_io) { mx_attr(o, "name"), mx_attr(o, "type") };
        if (!out->output_count && mx_attr(nodedef, "type"))
            out->outputs[out->output_count++] = (struct mx_io) { "out", mx_attr(nodedef, "type") };
        nodedef = mx_base(d, nodedef);
    }
    if (!out->output_count)
        out->outputs[out->output_count++] = (struct mx_io) { "out", NULL };
}

static bool is_type(const struct document *d, const struct element *node, const char *input, const char *type)
{
    const char *own = input_type(d, node, input);
    return own && !strcmp(own, type);
}

// How light is scattered: most categories say the type already; sums and the like have it in small letters.
static const char *scattering_id(struct document *d, const struct element *node, const char *type)
{
    const char *small = *type == 'B' ? "bsdf" : *type == 'E' ? "edf" : "vdf", *end = strrchr(node->tag, '_');
    if (end && !strcmp(end + 1, small))
        return mx_format(d, "ND_%.100s", node->tag);
    if (!strcmp(node->tag, "layer"))
        return is_type(d, node, "base", "VDF") ? "ND_layer_vdf" : "ND_layer_bsdf";
    const char *by = strcmp(node->tag, "multiply") ? "" : is_type(d, node, "in2", "color3") ? "C" : "F";
    return mx_format(d, "ND_%.100s_%s%s", node->tag, small, by);
}

// ND_category_type; nodes that mix a colour or vector with a number have an FA in their definition's name, conversions
// and the like the types of both sides.
static const char *id_by_rule(struct document *d, const struct element *node)
{
    static const char *const mixed[] = { "add", "subtract", "multiply", "divide", "modulo", "power", "min", "max", "clamp", "remap", "smoothstep", "range", "safepower",
                                         "noise2d", "noise3d", "fractal2d", "fractal3d", "invert", "contrast" };
    const char *type = mx_attr(node, "type"), *in = input_type(d, node, "in"), *in2 = input_type(d, node, "in2");
    if (!strcmp(node->tag, "convert") && in)
        return mx_format(d, "ND_convert_%.100s_%.100s", in, type);
    if (!strcmp(node->tag, "swizzle") && in)
        return mx_format(d, "ND_swizzle_%.100s_%.100s", in, type);
    static const char *const by_input[] = { "transformmatrix", "extract", "dotproduct", "magnitude", "distance", "determinant" };
    for (size_t i = 0; i < sizeof(by_input) / sizeof(by_input[0]); i++)
        if (!strcmp(node->tag, by_input[i])) {
            const char *in1 = input_type(d, node, "in1"), *from = in ? in : in1 ? in1 : type;
            return mx_format(d, "ND_%.100s_%.100s", node->tag, from);
        }
    if (!strcmp(node->tag, "normalmap"))
        return is_type(d, node, "scale", "vector2") ? "ND_normalmap_vector2" : "ND_normalmap_float";
    if (!strcmp(node->tag, "mix") && input_type(d, node, "mix") && !is_type(d, node, "mix", "float"))
        return mx_format(d, "ND_mix_%.100s_%.100s", type, input_type(d, node, "mix"));
    if (!strcmp(node->tag, "switch") && is_type(d, node, "which", "integer"))
        return mx_format(d, "ND_switch_%.100sI", type);
    if (!strcmp(type, "BSDF") || !strcmp(type, "EDF") || !strcmp(type, "VDF"))
        return scattering_id(d, node, type);
    if (!strcmp(node->tag, "ifequal") || !strcmp(node->tag, "ifgreater") || !strcmp(node->tag, "ifgreatereq")) {
        const char *value = input_type(d, node, "value1");
        const char *suffix = !value || !strcmp(value, "float") ? "" : !strcmp(value, "integer") ? "I" : "B";
        return mx_format(d, "ND_%.100s_%.100s%s", node->tag, type, suffix);
    }
    const char *low = input_type(d, node, "low") ? input_type(d, node, "low") : input_type(d, node, "inlow");
    const char *second = in2 ? in2 : low ? low : input_type(d, node, "amplitude") ? input_type(d, node, "amplitude") : input_type(d, node, "amount");
    for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++)
        if (!strcmp(node->tag, mixed[i]) && strcmp(type, "float") && second && !strcmp(second, "float"))
            return mx_format(d, "ND_%.100s_%.100sFA", node->tag, type);
    return mx_format(d, "ND_%.100s_%.100s", node->tag, type);
}

static void library_definition(struct document *d, const struct element *node, struct mx_def *out)
{
    const char *given = mx_attr(node, "nodedef"), *type = mx_attr(node, "type"), *in = input_type(d, node, "in");
    for (size_t i = 0; i < sizeof(shaders) / sizeof(shaders[0]); i++) {
        if (given ? strcmp(given, shaders[i].id) != 0 : strcmp(node->tag, shaders[i].category) != 0)
            continue;
        out->id     = given ? given : shaders[i].id;
        out->inputs = shaders[i].inputs;
        const char *by = input_type(d, node, "displacement");
        if (out->inputs == displacement && ((by && !strcmp(by, "vector3")) || (given && !strcmp(given, "ND_displacement_vector3")))) {
            out->id     = "ND_displacement_vector3";
            out->inputs = displacement3;
        }
        const char *version = mx_attr(node, "version");
        if (out->inputs == standard_surface && version && !strcmp(version, "1.0.0"))
            out->id = "ND_standard_surface_surfaceshader_100";
    }
    for (size_t i = 0; i < sizeof(multiple) / sizeof(multiple[0]) && !out->output_count; i++) {
        size_t n         = strlen(multiple[i].id);
        const char *tail = in ? strrchr(multiple[i].id, '_') : NULL;
        bool fits        = given ? !strcmp(given, multiple[i].id) : !strcmp(node->tag, multiple[i].category) && (!tail || strncmp(multiple[i].category, "separate", 8) || !strcmp(tail + 1, in));
        if (!fits || !n)
            continue;
        out->id = multiple[i].id;
        for (size_t k = 0; k < 6 && multiple[i].outputs[k].name; k++)
            out->outputs[out->output_count++] = multiple[i].outputs[k];
    }
    if (!out->id)
        out->id = given ? given : id_by_rule(d, node);
    for (const struct element *o = node->first; o && out->output_count < 8 && type && !strcmp(type, "multioutput"); o = o->next)
        if (!strcmp(o->tag, "output") && mx_attr(o, "name") && mx_attr(o, "type") && out->output_count < 8) {
            bool known = false;
            for (size_t i = 0; i < out->output_count; i++)
                known |= !strcmp(out->outputs[i].name, mx_attr(o, "name"));
            if (!known)
                out->outputs[out->output_count++] = (struct mx_io) { mx_attr(o, "name"), mx_attr(o, "type") };
        }
    if (!out->output_count)
        out->outputs[out->output_count++] = (struct mx_io) { "out", type };
}

void mx_definition(struct document *d, const struct element *node, struct mx_def *out)
{
    *out       = (struct mx_def) { 0 };
    out->local = local_definition(d, node);
    if (out->local) {
        out->id = mx_attr(out->local, "name");
        local_outputs(d, out->local, out);
    }
    if (!out->id) {
        out->local = NULL;
        library_definition(d, node, out);
    }
}
