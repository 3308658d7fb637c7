// Shading networks, material bindings, collections.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validate.h"

// The prim of "/Prim.property".
static const usd_prim *prim_of(const struct usd_stage *s, const char *path)
{
    char prim[8192];
    size_t n = strcspn(path, ".");
    if (n >= sizeof(prim))
        return NULL;
    memcpy(prim, path, n);
    prim[n] = 0;
    return usd_stage_find(s, prim);
}

static bool is_container(const usd_prim *p) { return usd_prim_is_a(p, "NodeGraph"); }

// ---------------------------------------------------------------------------------------------------------------
// Connections

// A network may only use what lies beside a node, or the interface of the container around it.
static void check_encapsulation(struct usd_stage *s, const usd_prim *p, const usd_property *q, const char *source)
{
    const usd_prim *from = prim_of(s, source), *up = usd_prim_parent(p);
    if (!from || from == p || from == up || usd_prim_parent(from) == up || (is_container(p) && usd_prim_parent(from) == p))
        return;
    const char *dot = strchr(source, '.');
    if (!dot || (strncmp(dot, ".inputs:", 8) && strncmp(dot, ".outputs:", 9)))
        return;
    PROPERTY_FINDING(s, q, USD_WARNING, "encapsulation", "connect through the interface of the material or node graph",
                     "is connected to <%s>, which lies outside of the material or node graph around <%s>", source, usd_prim_name(p));
}

static void check_connection_type(struct usd_stage *s, const usd_property *q, const char *source)
{
    const usd_property *from = usd_stage_find_property(s, source);
    bool array_a, array_b;
    enum usd_type a = usd_property_type(q, &array_a), b = usd_property_type(from, &array_b);
    int na = usd_type_components(a), nb = usd_type_components(b);
    if (!from || a == USD_TYPE_NONE || b == USD_TYPE_NONE || (na == nb && array_a == array_b))
        return;
    // Numbers of other precision or role convert; other counts of components do not.
    if ((na == 3 && nb == 4) || (na == 4 && nb == 3))
        return; // with and without alpha
    PROPERTY_FINDING(s, q, USD_WARNING, "connection-type", "connect an output of the same type", "of the type %s is connected to <%s> of the type %s", usd_property_type_name(q), source,
                     usd_property_type_name(from));
}

// Colours: on the way and done.
static bool runs_in_circle(struct usd_stage *s, const usd_prim *p, struct hash_map *seen, int depth)
{
    uint64_t *known = hash_map_get(seen, (uintptr_t)p);
    if (known || depth > 1000)
        return known && *known == 1;
    hash_map_put(seen, (uintptr_t)p, 1);
    bool circle = false;
    for (size_t i = 0; i < usd_prim_property_count(p) && !circle; i++) {
        const usd_property *q = usd_prim_property(p, i);
        if (strncmp(usd_property_name(q), "inputs:", 7))
            continue; // outputs of containers lead inwards
        for (size_t k = 0; k < usd_attr_connection_count(q) && !circle; k++) {
            const char *source   = usd_attr_connection(q, k), *dot = strchr(source, '.');
            const usd_prim *from = prim_of(s, source);
            circle = from && dot && !strncmp(dot, ".outputs:", 9) && runs_in_circle(s, from, seen, depth + 1);
        }
    }
    hash_map_put(seen, (uintptr_t)p, 2);
    return circle;
}

// ---------------------------------------------------------------------------------------------------------------
// Shaders

static bool known_usd_shader(const char *id)
{
    static const char *const ids[] = {
        "UsdPreviewSurface", "UsdUVTexture", "UsdTransform2d", "UsdPrimvarReader_float", "UsdPrimvarReader_float2", "UsdPrimvarReader_float3",
        "UsdPrimvarReader_float4", "UsdPrimvarReader_int", "UsdPrimvarReader_string", "UsdPrimvarReader_normal", "UsdPrimvarReader_point",
        "UsdPrimvarReader_vector", "UsdPrimvarReader_matrix",
    };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (!strcmp(id, ids[i]))
            return true;
    return strncmp(id, "Usd", 3) != 0; // of other libraries: nothing to say
}

// Inputs of the shaders that every USD renderer has, with their types.
static void check_inputs(struct usd_stage *s, const usd_prim *p, const char *id)
{
    static const struct {
        const char *id, *input, *types;
    } rows[] = {
        { "UsdPreviewSurface", "diffuseColor", "color3f" }, { "UsdPreviewSurface", "emissiveColor", "color3f" }, { "UsdPreviewSurface", "specularColor", "color3f" },
        { "UsdPreviewSurface", "useSpecularWorkflow", "int" }, { "UsdPreviewSurface", "metallic", "float" }, { "UsdPreviewSurface", "roughness", "float" },
        { "UsdPreviewSurface", "clearcoat", "float" }, { "UsdPreviewSurface", "clearcoatRoughness", "float" }, { "UsdPreviewSurface", "opacity", "float" },
        { "UsdPreviewSurface", "opacityThreshold", "float" }, { "UsdPreviewSurface", "opacityMode", "token" }, { "UsdPreviewSurface", "ior", "float" },
        { "UsdPreviewSurface", "normal", "normal3f" }, { "UsdPreviewSurface", "displacement", "float" }, { "UsdPreviewSurface", "occlusion", "float" },
        { "UsdUVTexture", "file", "asset" }, { "UsdUVTexture", "st", "float2" }, { "UsdUVTexture", "wrapS", "token" }, { "UsdUVTexture", "wrapT", "token" },
        { "UsdUVTexture", "fallback", "float4" }, { "UsdUVTexture", "scale", "float4" }, { "UsdUVTexture", "bias", "float4" }, { "UsdUVTexture", "sourceColorSpace", "token" },
        { "UsdTransform2d", "in", "float2" }, { "UsdTransform2d", "rotation", "float" }, { "UsdTransform2d", "scale", "float2" }, { "UsdTransform2d", "translation", "float2" },
    };
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        const char *name      = usd_property_name(q);
        if (strncmp(name, "inputs:", 7))
            continue;
        bool shader = false, input = false;
        for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
            if (strcmp(rows[r].id, id))
                continue;
            shader = true;
            if (strcmp(rows[r].input, name + 7))
                continue;
            input = true;
            bool array;
            enum usd_type have = usd_property_type(q, &array), want = usd_type_from_name(rows[r].types, NULL);
            bool text = (have == USD_TYPE_STRING || have == USD_TYPE_TOKEN) && want == USD_TYPE_TOKEN;
            if (have != USD_TYPE_NONE && have != want && !text)
                PROPERTY_FINDING(s, q, usd_type_components(have) == usd_type_components(want) ? USD_WARNING : USD_ERROR, "shader-input", "declare it as the shader does", "is a %s; %s has it as %s", usd_property_type_name(q), id, rows[r].types);
        }
        if (shader && !input)
            PROPERTY_FINDING(s, q, USD_WARNING, "shader-input", "correct the name, or take it out", "%s has no such input", id);
    }
}

static bool connected(const usd_prim *p, const char *name) { return usd_attr_connection_count(usd_prim_find_property(p, name)) > 0; }

// A normal map of 8 bits a channel holds 0 .. 1 and must be brought to -1 .. 1.
static void check_normal_map(struct usd_stage *s, const usd_prim *surface)
{
    const usd_property *normal = usd_prim_find_property(surface, "inputs:normal");
    const usd_prim *texture    = usd_attr_connection_count(normal) ? prim_of(s, usd_attr_connection(normal, 0)) : NULL;
    const char *id             = "";
    struct usd_asset file;
    float scale[4] = { 1, 1, 1, 1 }, bias[4] = { 0, 0, 0, 0 };
    if (!usd_prim_get_token(texture, "info:id", USD_TIME_DEFAULT, &id) || strcmp(id, "UsdUVTexture") || !usd_prim_get_asset(texture, "inputs:file", USD_TIME_DEFAULT, &file))
        return;
    const char *dot = strrchr(file.authored, '.');
    if (!dot || (strcmp(dot, ".png") && strcmp(dot, ".jpg") && strcmp(dot, ".jpeg")) || connected(texture, "inputs:scale") || connected(texture, "inputs:bias"))
        return;
    usd_prim_get_vec4f(texture, "inputs:scale", USD_TIME_DEFAULT, scale);
    usd_prim_get_vec4f(texture, "inputs:bias", USD_TIME_DEFAULT, bias);
    if (!(scale[0] == 2 && (scale[1] == 2 || scale[1] == -2) && scale[2] == 2 && bias[0] == -1 && (bias[1] == -1 || bias[1] == 1) && bias[2] == -1))
        PRIM_FINDING(s, texture, USD_WARNING, "normal-map", "set inputs:scale = (2, 2, 2, 1) and inputs:bias = (-1, -1, -1, 0)",
                     "a normal map of 8 bits needs scale 2 and bias -1; here they are (%g, %g, %g) and (%g, %g, %g)", scale[0], scale[1], scale[2], bias[0], bias[1], bias[2]);
    const char *space = "auto";
    usd_prim_get_token(texture, "inputs:sourceColorSpace", USD_TIME_DEFAULT, &space);
    if (!strcmp(space, "sRGB"))
        PRIM_FINDING(s, texture, USD_WARNING, "normal-map", "set inputs:sourceColorSpace = \"raw\"", "a normal map is read as sRGB colours");
}

static void check_shader(struct usd_stage *s, const usd_prim *p)
{
    const char *id = "", *source = "id";
    usd_prim_get_token(p, "info:implementationSource", USD_TIME_DEFAULT, &source);
    if (strcmp(source, "id"))
        return;
    if (!usd_prim_get_token(p, "info:id", USD_TIME_DEFAULT, &id) || !*id) {
        PRIM_FINDING(s, p, USD_WARNING, "shader-id", "author info:id", "the shader does not say which one it is");
        return;
    }
    if (!known_usd_shader(id))
        PRIM_FINDING(s, p, USD_WARNING, "shader-id", "correct info:id", "USD has no shader '%s'", id);
    check_inputs(s, p, id);
    if (!strcmp(id, "UsdPreviewSurface"))
        check_normal_map(s, p);
}

// ---------------------------------------------------------------------------------------------------------------
// Materials, bindings, collections

static void check_material(struct usd_stage *s, const usd_prim *p)
{
    struct hash_map seen = { 0 };
    for (const usd_prim *c = usd_prim_next(p, p, false); c; c = usd_prim_next(c, p, false))
        if (usd_prim_is_a(c, "Shader") && !hash_map_get(&seen, (uintptr_t)c) && runs_in_circle(s, c, &seen, 0))
            PRIM_FINDING(s, c, USD_ERROR, "shading-cycle", "break one of the connections", "the network of this shader leads back to itself");
    hash_map_finish(&seen);
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        if (strncmp(usd_property_name(q), "outputs:", 8))
            continue;
        for (size_t k = 0; k < usd_attr_connection_count(q); k++) {
            const usd_prim *from = prim_of(s, usd_attr_connection(q, k));
            if (from && *usd_prim_type_name(from) && !usd_prim_is_a(from, "Shader") && !is_container(from))
                PROPERTY_FINDING(s, q, USD_ERROR, "connection-type", "connect it to a shader's output", "is connected to <%s>, which is a %s and no shader", usd_attr_connection(q, k), usd_prim_type_name(from));
        }
    }
}

static void check_binding(struct usd_stage *s, const usd_property *q)
{
    size_t n        = usd_rel_target_count(q);
    bool collection = !strncmp(usd_property_name(q), "material:binding:collection:", 28);
    if (n != (collection ? 2 : 1)) {
        if (n)
            PROPERTY_FINDING(s, q, USD_ERROR, "material-binding", collection ? "target a collection, then a material" : "target one material", "has %zu targets", n);
        return;
    }
    const char *target      = usd_rel_target(q, n - 1);
    const usd_prim *material = prim_of(s, target);
    if (material && strcmp(usd_prim_type_name(material), "Material"))
        PROPERTY_FINDING(s, q, USD_ERROR, "material-binding", "target a Material", "its target <%s> is %s%s, not a Material", target, *usd_prim_type_name(material) ? "a " : "",
                         *usd_prim_type_name(material) ? usd_prim_type_name(material) : "without a type");
    if (collection && !strstr(usd_rel_target(q, 0), ".collection:"))
        PROPERTY_FINDING(s, q, USD_ERROR, "material-binding", "target a collection, then a material", "its first target <%s> is no collection", usd_rel_target(q, 0));
    struct usd_value v;
    if (usd_property_metadata(q, "bindMaterialAs", &v) && v.type == USD_TYPE_TOKEN && !v.is_array) {
        const char *word = *(const char *const *)v.data;
        if (strcmp(word, "weakerThanDescendants") && strcmp(word, "strongerThanDescendants"))
            PROPERTY_FINDING(s, q, USD_ERROR, "material-binding", "write weakerThanDescendants or strongerThanDescendants", "bindMaterialAs is '%s'", word);
    }
    usd_value_finish(&v);
}

static void check_collections(struct usd_stage *s, const usd_prim *p)
{
    for (size_t i = 0; i < usd_prim_collection_count(p); i++) {
        usd_collection *c;
        const char *name = usd_prim_collection(p, i);
        if (usd_collection_open(p, name, &c) != USD_OK)
            continue;
        if (usd_collection_is_circular(c))
            PRIM_FINDING(s, p, USD_ERROR, "collection", "take one of the collections out of the other", "the collection '%s' includes itself by way of others", name);
        const char *part = usd_collection_unsupported(c);
        if (part)
            PRIM_FINDING(s, p, USD_WARNING, "collection", "see docs/usd.md for what path expressions may hold", "the membershipExpression of '%s' is not understood at \"%.40s\"", name, part);
        usd_collection_close(&c);
    }
}

void validate_shading(struct usd_stage *s, const usd_prim *p)
{
    bool node = usd_prim_is_a(p, "Shader") || is_container(p);
    for (size_t i = 0; i < usd_prim_property_count(p); i++) {
        const usd_property *q = usd_prim_property(p, i);
        if (usd_property_is_relationship(q)) {
            if (!strncmp(usd_property_name(q), "material:binding", 16))
                check_binding(s, q);
            continue;
        }
        for (size_t k = 0; node && k < usd_attr_connection_count(q); k++) {
            check_encapsulation(s, p, q, usd_attr_connection(q, k));
            check_connection_type(s, q, usd_attr_connection(q, k));
        }
    }
    if (usd_prim_is_a(p, "Shader"))
        check_shader(s, p);
    if (usd_prim_is_a(p, "Material"))
        check_material(s, p);
    check_collections(s, p);
}
