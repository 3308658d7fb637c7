// See attr_schema.h. Values: UsdGeom, UsdLux and UsdRender schemas; the render settings follow the interface.

#include "attr_schema.h"

#include <string.h>

static const struct schema_attr imageable[] = {
    { "visibility", USD_TYPE_TOKEN, false, false, { 0 }, "inherited" },
    { "purpose", USD_TYPE_TOKEN, false, false, { 0 }, "default" },
};
static const struct schema_attr gprim[] = {
    { "doubleSided", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "orientation", USD_TYPE_TOKEN, false, false, { 0 }, "rightHanded" },
    { "extent", USD_TYPE_FLOAT3, true, false, { 0 }, NULL },
    { "primvars:displayColor", USD_TYPE_FLOAT3, true, false, { 0 }, NULL },
    { "primvars:displayOpacity", USD_TYPE_FLOAT, true, false, { 0 }, NULL },
    { "material:binding", USD_TYPE_PATH, true, true, { 0 }, NULL },
};
static const struct schema_attr mesh[] = {
    { "points", USD_TYPE_FLOAT3, true, false, { 0 }, NULL },
    { "normals", USD_TYPE_FLOAT3, true, false, { 0 }, NULL },
    { "faceVertexCounts", USD_TYPE_INT, true, false, { 0 }, NULL },
    { "faceVertexIndices", USD_TYPE_INT, true, false, { 0 }, NULL },
    { "holeIndices", USD_TYPE_INT, true, false, { 0 }, NULL },
    { "subdivisionScheme", USD_TYPE_TOKEN, false, false, { 0 }, "catmullClark" },
};
static const struct schema_attr cube[] = {
    { "size", USD_TYPE_DOUBLE, false, false, { 2 }, NULL },
};
static const struct schema_attr sphere[] = {
    { "radius", USD_TYPE_DOUBLE, false, false, { 1 }, NULL },
};
static const struct schema_attr cylinder[] = {
    { "radius", USD_TYPE_DOUBLE, false, false, { 1 }, NULL },
    { "height", USD_TYPE_DOUBLE, false, false, { 2 }, NULL },
    { "axis", USD_TYPE_TOKEN, false, false, { 0 }, "Z" },
};
static const struct schema_attr capsule[] = {
    { "radius", USD_TYPE_DOUBLE, false, false, { 0.5 }, NULL },
    { "height", USD_TYPE_DOUBLE, false, false, { 1 }, NULL },
    { "axis", USD_TYPE_TOKEN, false, false, { 0 }, "Z" },
};
static const struct schema_attr plane[] = {
    { "width", USD_TYPE_DOUBLE, false, false, { 2 }, NULL },
    { "length", USD_TYPE_DOUBLE, false, false, { 2 }, NULL },
    { "axis", USD_TYPE_TOKEN, false, false, { 0 }, "Z" },
};
static const struct schema_attr instancer[] = {
    { "protoIndices", USD_TYPE_INT, true, false, { 0 }, NULL },
    { "positions", USD_TYPE_FLOAT3, true, false, { 0 }, NULL },
    { "orientations", USD_TYPE_QUATH, true, false, { 0 }, NULL },
    { "scales", USD_TYPE_FLOAT3, true, false, { 0 }, NULL },
    { "invisibleIds", USD_TYPE_INT64, true, false, { 0 }, NULL },
    { "prototypes", USD_TYPE_PATH, true, true, { 0 }, NULL },
};
static const struct schema_attr camera[] = {
    { "projection", USD_TYPE_TOKEN, false, false, { 0 }, "perspective" },
    { "focalLength", USD_TYPE_FLOAT, false, false, { 50 }, NULL },
    { "horizontalAperture", USD_TYPE_FLOAT, false, false, { 20.955 }, NULL },
    { "verticalAperture", USD_TYPE_FLOAT, false, false, { 15.2908 }, NULL },
    { "horizontalApertureOffset", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "verticalApertureOffset", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "clippingRange", USD_TYPE_FLOAT2, false, false, { 1, 1000000 }, NULL },
    { "fStop", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "focusDistance", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "stereoRole", USD_TYPE_TOKEN, false, false, { 0 }, "mono" },
    { "shutter:open", USD_TYPE_DOUBLE, false, false, { 0 }, NULL },
    { "shutter:close", USD_TYPE_DOUBLE, false, false, { 0 }, NULL },
    { "exposure", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "exposure:time", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "exposure:iso", USD_TYPE_FLOAT, false, false, { 100 }, NULL },
    { "exposure:fStop", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "exposure:responsivity", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "omni:sensor:Core:accumulateOutputs", USD_TYPE_BOOL, false, false, { 0 }, NULL },
};
// Intensity differs by type; the type's own fallback is found in the USD schema first.
static const struct schema_attr light[] = {
    { "inputs:intensity", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "inputs:exposure", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "inputs:color", USD_TYPE_FLOAT3, false, false, { 1, 1, 1 }, NULL },
    { "inputs:diffuse", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "inputs:specular", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "inputs:normalize", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "inputs:enableColorTemperature", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "inputs:colorTemperature", USD_TYPE_FLOAT, false, false, { 6500 }, NULL },
};
// Settings of a RenderProduct. maxBounces are shown unsigned although USD declares them int.
static const struct schema_attr product[] = {
    { "omni:rtx:rtpt:maxBounces", USD_TYPE_UINT, false, false, { 3 }, NULL },
    { "omni:rtx:rtpt:maxSpecularAndTransmissionBounces", USD_TYPE_UINT, false, false, { 3 }, NULL },
    { "omni:rtx:rtpt:maxVolumeBounces", USD_TYPE_INT, false, false, { 15 }, NULL },
    { "omni:rtx:rtpt:maxRoughness", USD_TYPE_FLOAT, false, false, { 0.3 }, NULL },
    { "omni:rtx:rt:reflections:roughnessCacheThreshold", USD_TYPE_FLOAT, false, false, { 0.3 }, NULL },
    { "omni:rtx:pt:fractionalCutoutOpacity", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:rtpt:translucency:virtualMotion:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:rtpt:cached:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:rtpt:lightcache:cached:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:rtpt:ris:meshLights", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:rtpt:fireflyFilter:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:rtpt:fireflyFilter:maxUnexposedIntensityPerSample", USD_TYPE_FLOAT, false, false, { 3200 }, NULL },
    { "omni:rtx:rtpt:fireflyFilter:maxUnexposedIntensityPerSampleDiffuse", USD_TYPE_FLOAT, false, false, { 3200 }, NULL },
    { "omni:rtx:rtpt:fireflyFilter:maxPerEmissiveUnexposedIntensity", USD_TYPE_FLOAT, false, false, { 3200 }, NULL },
    { "omni:rtx:rtpt:gaussian:accumulatedDepth:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:samplesPerPixel", USD_TYPE_INT, false, false, { 512 }, NULL },
    { "omni:rtx:pt:samplesPerIteration", USD_TYPE_INT, false, false, { 1 }, NULL },
    { "omni:rtx:pt:adaptiveSampling:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:limits:maxBounces", USD_TYPE_INT, false, false, { 4 }, NULL },
    { "omni:rtx:pt:limits:maxGlossyBounces", USD_TYPE_INT, false, false, { 6 }, NULL },
    { "omni:rtx:pt:maxVolumeBounces", USD_TYPE_INT, false, false, { 15 }, NULL },
    { "omni:rtx:pt:limits:maxFogBounces", USD_TYPE_INT, false, false, { 2 }, NULL },
    { "omni:rtx:pt:limits:maxVolumeBounces", USD_TYPE_INT, false, false, { 2 }, NULL },
    { "omni:rtx:pt:denoising:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:denoising:optix:temporal", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pt:denoising:blendFactor", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "omni:rtx:pt:denoising:optix:denoiseAOVs", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:radianceCache:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:lightCache:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:ris:meshLights", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pathtracing:rayguide:cached:enabled", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pt:fireflyFilter:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:fireflyFilter:maxUnexposedIntensityPerSample", USD_TYPE_FLOAT, false, false, { 3200 }, NULL },
    { "omni:rtx:pt:fireflyFilter:maxUnexposedIntensityPerSampleDiffuse", USD_TYPE_FLOAT, false, false, { 3200 }, NULL },
    { "omni:rtx:pt:fireflyFilter:maxPerEmissiveUnexposedIntensity", USD_TYPE_FLOAT, false, false, { 3200 }, NULL },
    { "omni:rtx:pathtracing:spectral:enabled", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pathtracing:spectral:wavelengthMin", USD_TYPE_FLOAT, false, false, { 10 }, NULL },
    { "omni:rtx:pathtracing:spectral:wavelengthMax", USD_TYPE_FLOAT, false, false, { 10000 }, NULL },
    { "omni:rtx:pathtracing:spectral:responseCurve", USD_TYPE_UINT, false, false, { 0 }, NULL },
    { "omni:rtx:renderingColorSpace", USD_TYPE_STRING, false, false, { 0 }, "lin_rec709_scene" },
    { "omni:rtx:pt:ptvol:enabled", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pt:ptvol:raySky", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pt:ptvol:raySkyScale", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "omni:rtx:pt:ptvol:raySkyDomelight", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pt:volumes:transmittanceMethod", USD_TYPE_INT, false, false, { 0 }, NULL },
    { "omni:rtx:pt:volumes:tracking:maxScatteringSteps", USD_TYPE_INT, false, false, { 1024 }, NULL },
    { "omni:rtx:pt:volumes:tracking:maxShadowSteps", USD_TYPE_INT, false, false, { 32 }, NULL },
    { "omni:rtx:pt:multigpu:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:mgpu:autoLoadBalancing:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:multiThreading:enabled", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:mgpu:compressRadiance", USD_TYPE_BOOL, false, false, { 0 }, NULL },
    { "omni:rtx:pt:mgpu:compressAlbedo", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:mgpu:compressNormals", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:pt:pixelFilter:filter", USD_TYPE_INT, false, false, { 1 }, NULL },
    { "omni:rtx:pt:pixelFilter:radius", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "omni:rtx:minimal:mode", USD_TYPE_INT, false, false, { 3 }, NULL },
    { "omni:rtx:minimal:constantColor", USD_TYPE_FLOAT3, false, false, { 1, 1, 1 }, NULL },
    { "omni:rtx:minimal:castShadows", USD_TYPE_BOOL, false, false, { 1 }, NULL },
    { "omni:rtx:rt:ambientLight:color", USD_TYPE_FLOAT3, false, false, { 1, 1, 1 }, NULL },
    { "omni:rtx:rt:ambientLight:intensity", USD_TYPE_FLOAT, false, false, { 0 }, NULL },
    { "omni:rtx:rendermode", USD_TYPE_TOKEN, false, false, { 0 }, "Real-Time Path-Tracing" },
    { "omni:rtx:background:source:type", USD_TYPE_TOKEN, false, false, { 0 }, "domeLight" },
    { "resolution", USD_TYPE_INT2, false, false, { 2048, 1080 }, NULL },
    { "dataWindowNDC", USD_TYPE_FLOAT4, false, false, { 0, 0, 1, 1 }, NULL },
    { "pixelAspectRatio", USD_TYPE_FLOAT, false, false, { 1 }, NULL },
    { "aspectRatioConformPolicy", USD_TYPE_TOKEN, false, false, { 0 }, "expandAperture" },
    { "productName", USD_TYPE_TOKEN, false, false, { 0 }, "" },
    { "productType", USD_TYPE_TOKEN, false, false, { 0 }, "raster" },
    { "deviceIds", USD_TYPE_UINT, true, false, { 0 }, NULL },
    { "camera", USD_TYPE_PATH, true, true, { 0 }, NULL },
    { "orderedVars", USD_TYPE_PATH, true, true, { 0 }, NULL },
};
static const struct schema_attr render_var[] = {
    { "sourceName", USD_TYPE_STRING, false, false, { 0 }, "" },
    { "sourceType", USD_TYPE_TOKEN, false, false, { 0 }, "raw" },
    { "dataType", USD_TYPE_TOKEN, false, false, { 0 }, "color3f" },
};

struct table {
    const struct schema_attr *attrs;
    size_t count;
};
#define TABLE(t) { t, sizeof(t) / sizeof((t)[0]) }
static const struct table imageable_table = TABLE(imageable), gprim_table = TABLE(gprim);

static const struct table own_tables[] = {
    [PRIM_MESH] = TABLE(mesh),         [PRIM_CUBE] = TABLE(cube),
    [PRIM_SPHERE] = TABLE(sphere),     [PRIM_CYLINDER] = TABLE(cylinder),
    [PRIM_CONE] = TABLE(cylinder),     [PRIM_CAPSULE] = TABLE(capsule),
    [PRIM_PLANE] = TABLE(plane),       [PRIM_POINT_INSTANCER] = TABLE(instancer),
    [PRIM_CAMERA] = TABLE(camera),     [PRIM_LIGHT] = TABLE(light),
    [PRIM_RENDER_PRODUCT] = TABLE(product), [PRIM_RENDER_VAR] = TABLE(render_var),
};

// The tables of a prim, most specific first.
static size_t tables_of(const struct stage *s, uint32_t prim, const struct table *out[3])
{
    const struct stage_prim *p = &s->prims.items[prim];
    size_t n = 0;
    if (p->kind < sizeof(own_tables) / sizeof(own_tables[0]) && own_tables[p->kind].attrs)
        out[n++] = &own_tables[p->kind];
    if (stage_is_drawable(p->kind))
        out[n++] = &gprim_table;
    bool untyped = !stage_type_text(s, prim)[0];
    if ((p->kind >= PRIM_MESH && p->kind <= PRIM_LIGHT)
        || (p->kind == PRIM_OTHER && !untyped && usd_prim_is_a(p->usd, "Imageable")))
        out[n++] = &imageable_table;
    return n;
}

void schema_each(const struct stage *s, uint32_t prim, bool (*fn)(void *user, const struct schema_attr *attr), void *user)
{
    const struct table *tables[3];
    size_t n = tables_of(s, prim, tables);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            if (!fn(user, &tables[t]->attrs[i]))
                return;
}

struct search {
    const char *name;
    const struct schema_attr *found;
};

static bool compare(void *user, const struct schema_attr *attr)
{
    struct search *search = user;
    if (!strcmp(attr->name, search->name))
        search->found = attr;
    return !search->found;
}

const struct schema_attr *schema_find(const struct stage *s, uint32_t prim, const char *name)
{
    struct search search = { name, NULL };
    schema_each(s, prim, compare, &search);
    return search.found;
}
