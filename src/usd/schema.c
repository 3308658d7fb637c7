// The core schemas, as a table: types with their parents, and the fallbacks of attributes. From the schema definitions
// of UsdGeom, UsdLux, UsdShade, UsdRender, UsdSkel, UsdVol and UsdMedia.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "path.h"
#include "stage.h"
#include "usda.h"
#include "usda_parser.h"

static const struct type_entry {
    const char *name, *parent;
} types[] = {
    { "Typed", NULL }, { "Imageable", "Typed" }, { "Scope", "Imageable" }, { "Xformable", "Imageable" }, { "Xform", "Xformable" },
    { "Boundable", "Xformable" }, { "Camera", "Xformable" }, { "Gprim", "Boundable" }, { "Cube", "Gprim" }, { "Sphere", "Gprim" },
    { "Cylinder", "Gprim" }, { "Cylinder_1", "Gprim" }, { "Cone", "Gprim" }, { "Capsule", "Gprim" }, { "Capsule_1", "Gprim" },
    { "Plane", "Gprim" }, { "PointBased", "Gprim" }, { "Mesh", "PointBased" }, { "TetMesh", "PointBased" }, { "Points", "PointBased" },
    { "Curves", "PointBased" }, { "BasisCurves", "Curves" }, { "NurbsCurves", "Curves" }, { "HermiteCurves", "Curves" },
    { "NurbsPatch", "PointBased" }, { "PointInstancer", "Boundable" }, { "GeomSubset", "Typed" }, { "Subset", "Typed" },
    { "NonboundableLightBase", "Xformable" }, { "BoundableLightBase", "Boundable" }, { "DistantLight", "NonboundableLightBase" },
    { "DomeLight", "NonboundableLightBase" }, { "DomeLight_1", "NonboundableLightBase" }, { "GeometryLight", "NonboundableLightBase" },
    { "PortalLight", "BoundableLightBase" }, { "SphereLight", "BoundableLightBase" }, { "RectLight", "BoundableLightBase" },
    { "DiskLight", "BoundableLightBase" }, { "CylinderLight", "BoundableLightBase" }, { "PluginLight", "Xformable" },
    { "LightFilter", "Xformable" }, { "PluginLightFilter", "LightFilter" }, { "NodeGraph", "Typed" }, { "Material", "NodeGraph" },
    { "Shader", "Typed" }, { "RenderSettingsBase", "Typed" }, { "RenderSettings", "RenderSettingsBase" },
    { "RenderProduct", "RenderSettingsBase" }, { "RenderVar", "Typed" }, { "RenderPass", "Typed" }, { "SkelRoot", "Boundable" },
    { "Skeleton", "Boundable" }, { "SkelAnimation", "Typed" }, { "BlendShape", "Typed" }, { "Volume", "Gprim" },
    { "FieldBase", "Xformable" }, { "FieldAsset", "FieldBase" }, { "OpenVDBAsset", "FieldAsset" }, { "Field3DAsset", "FieldAsset" },
    { "VolumeFieldBase", "Xformable" }, { "VolumeFieldAsset", "VolumeFieldBase" }, { "SpatialAudio", "Xformable" },
    { "ModelAPI", NULL }, { "Backdrop", "Typed" }, { "Scene", "Typed" }, { "PhysicsScene", "Typed" },
};

// Attributes in the text format, one class per schema; the parser makes them a layer. Several classes of one attribute
// set (light inputs) reach their types through the table below.
static const char definitions[] =
    "#usda 1.0\n"
    "class \"Imageable\" { token visibility = \"inherited\"\n uniform token purpose = \"default\"\n }\n"
    "class \"Xformable\" { uniform token[] xformOpOrder\n }\n"
    "class \"Boundable\" { float3[] extent\n }\n"
    "class \"PointBased\" { point3f[] points\n vector3f[] velocities\n vector3f[] accelerations\n normal3f[] normals\n }\n"
    "class \"Points\" { float[] widths\n int64[] ids\n }\n"
    "class \"Curves\" { int[] curveVertexCounts\n float[] widths\n }\n"
    "class \"NurbsCurves\" { int[] order\n double[] knots\n double2[] ranges\n double[] pointWeights\n }\n"
    "class \"TetMesh\" { int4[] tetVertexIndices\n int3[] surfaceFaceVertexIndices\n }\n"
    "class \"Skeleton\" { uniform token[] joints\n uniform token[] jointNames\n uniform matrix4d[] bindTransforms\n uniform matrix4d[] restTransforms\n }\n"
    "class \"SkelAnimation\" { uniform token[] joints\n float3[] translations\n quatf[] rotations\n half3[] scales\n uniform token[] blendShapes\n float[] blendShapeWeights\n }\n"
    "class \"FieldAsset\" { asset filePath\n token fieldName\n int fieldIndex\n token fieldDataType\n token vectorDataRoleHint = \"None\"\n }\n"
    "class \"OpenVDBAsset\" { token fieldClass\n }\n"
    "class \"Field3DAsset\" { token fieldPurpose\n }\n"
    "class \"Material\" { token outputs:surface\n token outputs:displacement\n token outputs:volume\n }\n"
    "class \"Gprim\" { color3f[] primvars:displayColor\n float[] primvars:displayOpacity\n uniform bool doubleSided = false\n uniform token orientation = \"rightHanded\"\n }\n"
    "class \"Cube\" { double size = 2\n float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n }\n"
    "class \"Sphere\" { double radius = 1\n float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n }\n"
    "class \"Cylinder\" { double height = 2\n double radius = 1\n uniform token axis = \"Z\"\n float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n }\n"
    "class \"Cylinder_1\" { double height = 2\n double radiusTop = 1\n double radiusBottom = 1\n uniform token axis = \"Z\"\n float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n }\n"
    "class \"Cone\" { double height = 2\n double radius = 1\n uniform token axis = \"Z\"\n float3[] extent = [(-1, -1, -1), (1, 1, 1)]\n }\n"
    "class \"Capsule\" { double height = 1\n double radius = 0.5\n uniform token axis = \"Z\"\n float3[] extent = [(-0.5, -0.5, -1), (0.5, 0.5, 1)]\n }\n"
    "class \"Capsule_1\" { double height = 1\n double radiusTop = 0.5\n double radiusBottom = 0.5\n uniform token axis = \"Z\"\n float3[] extent = [(-0.5, -0.5, -1), (0.5, 0.5, 1)]\n }\n"
    "class \"Plane\" { uniform bool doubleSided = true\n double width = 2\n double length = 2\n uniform token axis = \"Z\"\n float3[] extent = [(-1, -1, 0), (1, 1, 0)]\n }\n"
    "class \"Mesh\" { uniform token subdivisionScheme = \"catmullClark\"\n token interpolateBoundary = \"edgeAndCorner\"\n"
    "  token faceVaryingLinearInterpolation = \"cornersPlus1\"\n token triangleSubdivisionRule = \"catmullClark\"\n"
    "  int[] faceVertexIndices\n int[] faceVertexCounts\n int[] holeIndices = []\n int[] cornerIndices = []\n float[] cornerSharpnesses = []\n int[] creaseIndices = []\n"
    "  int[] creaseLengths = []\n float[] creaseSharpnesses = []\n }\n"
    "class \"BasisCurves\" { uniform token type = \"cubic\"\n uniform token basis = \"bezier\"\n uniform token wrap = \"nonperiodic\"\n }\n"
    "class \"NurbsPatch\" { int uVertexCount\n int vVertexCount\n int uOrder\n int vOrder\n double[] uKnots\n double[] vKnots\n double2 uRange\n double2 vRange\n"
    "  double[] pointWeights\n uniform token uForm = \"open\"\n uniform token vForm = \"open\"\n }\n"
    "class \"PointInstancer\" { int[] protoIndices\n int64[] ids\n point3f[] positions\n quath[] orientations\n quatf[] orientationsf\n float3[] scales\n"
    "  vector3f[] velocities\n vector3f[] accelerations\n vector3f[] angularVelocities\n int64[] invisibleIds = []\n }\n"
    "class \"GeomSubset\" { uniform token elementType = \"face\"\n uniform token familyName = \"\"\n int[] indices = []\n }\n"
    "class \"Camera\" { token projection = \"perspective\"\n float horizontalAperture = 20.955\n float verticalAperture = 15.2908\n"
    "  float horizontalApertureOffset = 0\n float verticalApertureOffset = 0\n float focalLength = 50\n float2 clippingRange = (1, 1000000)\n"
    "  float4[] clippingPlanes = []\n float fStop = 0\n float focusDistance = 0\n uniform token stereoRole = \"mono\"\n"
    "  double shutter:open = 0\n double shutter:close = 0\n float exposure = 0\n float exposure:iso = 100\n float exposure:time = 1\n"
    "  float exposure:fStop = 1\n float exposure:responsivity = 1\n }\n"
    "class \"LightAPI\" { float inputs:intensity = 1\n float inputs:exposure = 0\n float inputs:diffuse = 1\n float inputs:specular = 1\n"
    "  bool inputs:normalize = false\n color3f inputs:color = (1, 1, 1)\n bool inputs:enableColorTemperature = false\n"
    "  float inputs:colorTemperature = 6500\n uniform token light:shaderId = \"\"\n token light:materialSyncMode = \"noMaterialResponse\"\n"
    "  float inputs:shaping:focus = 0\n color3f inputs:shaping:focusTint = (0, 0, 0)\n float inputs:shaping:cone:angle = 90\n"
    "  float inputs:shaping:cone:softness = 0\n float inputs:shaping:ies:angleScale = 0\n bool inputs:shaping:ies:normalize = false\n"
    "  bool inputs:shadow:enable = true\n color3f inputs:shadow:color = (0, 0, 0)\n float inputs:shadow:distance = -1\n"
    "  float inputs:shadow:falloff = -1\n float inputs:shadow:falloffGamma = 1\n }\n"
    "class \"DistantLight\" { float inputs:intensity = 50000\n float inputs:angle = 0.53\n }\n"
    "class \"DomeLight\" { asset inputs:texture:file\n token inputs:texture:format = \"automatic\"\n float guideRadius = 100000\n }\n"
    "class \"DomeLight_1\" { asset inputs:texture:file\n token inputs:texture:format = \"automatic\"\n float guideRadius = 100000\n token poleAxis = \"scene\"\n }\n"
    "class \"SphereLight\" { float inputs:radius = 0.5\n bool treatAsPoint = false\n float3[] extent = [(-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)]\n }\n"
    "class \"RectLight\" { asset inputs:texture:file\n float inputs:width = 1\n float inputs:height = 1\n float3[] extent = [(-0.5, -0.5, 0), (0.5, 0.5, 0)]\n }\n"
    "class \"DiskLight\" { float inputs:radius = 0.5\n float3[] extent = [(-0.5, -0.5, 0), (0.5, 0.5, 0)]\n }\n"
    "class \"CylinderLight\" { float inputs:length = 1\n float inputs:radius = 0.5\n bool treatAsLine = false\n float3[] extent = [(-0.5, -0.5, -0.5), (0.5, 0.5, 0.5)]\n }\n"
    "class \"PortalLight\" { float inputs:width = 1\n float inputs:height = 1\n }\n"
    "class \"Shader\" { uniform token info:id\n uniform token info:implementationSource = \"id\"\n }\n"
    "class \"RenderSettingsBase\" { uniform int2 resolution = (2048, 1080)\n uniform float pixelAspectRatio = 1\n"
    "  uniform token aspectRatioConformPolicy = \"expandAperture\"\n uniform float4 dataWindowNDC = (0, 0, 1, 1)\n"
    "  uniform bool instantaneousShutter = false\n uniform bool disableMotionBlur = false\n uniform bool disableDepthOfField = false\n }\n"
    "class \"RenderSettings\" { uniform token[] includedPurposes = [\"default\", \"render\"]\n"
    "  uniform token[] materialBindingPurposes = [\"full\", \"\"]\n }\n"
    "class \"RenderProduct\" { uniform token productType = \"raster\"\n token productName = \"\"\n }\n"
    "class \"RenderVar\" { uniform token dataType = \"color3f\"\n uniform string sourceName = \"\"\n uniform token sourceType = \"raw\"\n }\n"
    "class \"RenderPass\" { }\n"
    "class \"BlendShape\" { uniform vector3f[] offsets\n uniform vector3f[] normalOffsets\n uniform int[] pointIndices\n }\n"
    "class \"SpatialAudio\" { uniform asset filePath = @@\n uniform token auralMode = \"spatial\"\n uniform token playbackMode = \"onceFromStart\"\n"
    "  uniform timecode startTime = 0\n uniform timecode endTime = 0\n uniform double mediaOffset = 0\n double gain = 1\n }\n";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct layer *schema_layer; // lives as long as the process

static void load(void)
{
    struct usd_limits limits = limits_effective(NULL);
    struct layer *l          = layer_create("schema", "/", &limits);
    static char text[sizeof(definitions) + 16];
    memcpy(text, definitions, sizeof(definitions) - 1);
    if (l && usda_parse(l, text, sizeof(definitions) - 1, &limits, NULL) == USD_OK) {
        layer_seal(l);
        schema_layer = l;
    } else {
        layer_release(l);
    }
}

static const struct type_entry *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return NULL;
}

static bool derives(const char *type, const char *from)
{
    for (const struct type_entry *t = find_type(type); t; t = t->parent ? find_type(t->parent) : NULL)
        if (!strcmp(t->name, from))
            return true;
    return !strcmp(type, from) && *type;
}

bool usd_prim_is_a(const usd_prim *p, const char *type) { return p && type && derives(tok_text(p->type_name), type); }

// The classes of a type, most derived first, as specs of the schema layer.
struct schema_chain {
    uint32_t count, specs[14];
};

static struct schema_chain make_chain(const char *type_name)
{
    struct schema_chain chain = { 0 };
    bool light                = false;
    for (const struct type_entry *t = find_type(type_name); t && chain.count < 12; t = t->parent ? find_type(t->parent) : NULL) {
        uint32_t spec = spec_child(schema_layer, 0, tok_find(t->name, strlen(t->name)));
        if (spec)
            chain.specs[chain.count++] = spec;
        light |= strstr(t->name, "Light") && strcmp(t->name, "LightFilter") && strcmp(t->name, "PluginLightFilter");
    }
    if (light) // every light has LightAPI built in
        chain.specs[chain.count++] = spec_child(schema_layer, 0, tok_str("LightAPI"));
    return chain;
}

// Chains are made once per type and kept for good.
const struct schema_chain *schema_chain(usd_tok type)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct hash_map chains;
    pthread_once(&once, load);
    if (!schema_layer || !type)
        return NULL;
    pthread_mutex_lock(&lock);
    uint64_t *known                  = hash_map_get(&chains, type);
    const struct schema_chain *chain = known ? (const struct schema_chain *)(uintptr_t)*known : NULL;
    if (!known) {
        struct schema_chain *fresh = calloc(1, sizeof(*fresh));
        if (fresh) {
            *fresh = make_chain(tok_text(type));
            hash_map_put(&chains, type, (uintptr_t)fresh);
        }
        chain = fresh;
    }
    pthread_mutex_unlock(&lock);
    return chain;
}

const struct prop_spec *schema_attribute(const struct schema_chain *chain, usd_tok attribute)
{
    for (uint32_t i = 0; chain && i < chain->count; i++) {
        const struct prop_spec *p = spec_prop(schema_layer, &schema_layer->prims.items[chain->specs[i]], attribute);
        if (p)
            return p;
    }
    return NULL;
}

bool usd_schema_fallback(const char *type_name, const char *attribute, struct usd_value *out)
{
    memset(out, 0, sizeof(*out));
    pthread_once(&once, load); // makes the tokens that are looked for
    usd_tok type = type_name ? tok_find(type_name, strlen(type_name)) : UINT32_MAX;
    usd_tok tok  = attribute ? tok_find(attribute, strlen(attribute)) : UINT32_MAX;
    if (type == UINT32_MAX || tok == UINT32_MAX)
        return false;
    const struct prop_spec *p = schema_attribute(schema_chain(type), tok);
    const struct field *f     = p ? prop_field(schema_layer, p, T_default) : NULL;
    return f && field_value(NULL, schema_layer, f, out);
}
