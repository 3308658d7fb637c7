// The table of core schemas: usd, UsdGeom, UsdVol, UsdLux, UsdShade, UsdRender, UsdSkel, UsdMedia, UsdUI, UsdPhysics,
// UsdProc, UsdHydra, UsdRi, UsdSemantics, UsdMtlx.
#include "schema_table.h"

#define ABSTRACT SCHEMA_ABSTRACT
#define CONCRETE SCHEMA_CONCRETE
#define API SCHEMA_API
#define MULTIPLE SCHEMA_API_MULTIPLE
#define PLAIN SCHEMA_API_PLAIN
#define BASE "APISchemaBase"
#define AXIS(fallback) "uniform token axis = '" fallback "' (allowedTokens = ['X', 'Y', 'Z']);"
#define EXTENT(x, y, z) "float3[] extent = [(-" x ", -" y ", -" z "), (" x ", " y ", " z ")];"
#define VISIBLE(purpose, fallback) \
    "uniform token " purpose "Visibility = '" fallback "' (allowedTokens = ['inherited', 'invisible', 'visible']);"

const struct schema_row schema_rows[] = {
    // usd
    { "Typed", NULL, ABSTRACT, NULL, "" },
    { "APISchemaBase", NULL, PLAIN, NULL, "" },
    { "ModelAPI", BASE, PLAIN, NULL, "" },
    { "ClipsAPI", BASE, PLAIN, NULL, "" },
    { "CollectionAPI", BASE, MULTIPLE, NULL,
      "opaque collection:@;"
      "uniform token collection:@:expansionRule = 'expandPrims' (allowedTokens = ['explicitOnly', 'expandPrims', 'expandPrimsAndProperties']);"
      "uniform bool collection:@:includeRoot;"
      "uniform pathExpression collection:@:membershipExpression;"
      "rel collection:@:includes;"
      "rel collection:@:excludes;" },
    { "ColorSpaceAPI", BASE, API, NULL, "uniform token colorSpace:name;" },
    { "ColorSpaceDefinitionAPI", BASE, MULTIPLE, NULL,
      "uniform token colorSpaceDefinition:@:name = 'custom';"
      "float2 colorSpaceDefinition:@:redChroma = (1, 0);"
      "float2 colorSpaceDefinition:@:greenChroma = (0, 1);"
      "float2 colorSpaceDefinition:@:blueChroma = (0, 0);"
      "float2 colorSpaceDefinition:@:whitePoint = (0.33333334, 0.33333334);"
      "float colorSpaceDefinition:@:gamma = 1;"
      "float colorSpaceDefinition:@:linearBias = 0;" },

    // UsdGeom
    { "Imageable", "Typed", ABSTRACT, NULL,
      "token visibility = 'inherited' (allowedTokens = ['inherited', 'invisible']);"
      "uniform token purpose = 'default' (allowedTokens = ['default', 'render', 'proxy', 'guide']);"
      "rel proxyPrim;" },
    { "VisibilityAPI", BASE, API, NULL, VISIBLE("guide", "invisible") VISIBLE("proxy", "inherited") VISIBLE("render", "inherited") },
    { "PrimvarsAPI", BASE, PLAIN, NULL, "" },
    { "XformCommonAPI", BASE, PLAIN, NULL, "" },
    { "GeomModelAPI", BASE, API, NULL,
      "uniform token model:drawMode = 'inherited' (allowedTokens = ['origin', 'bounds', 'cards', 'default', 'inherited']);"
      "uniform bool model:applyDrawMode = false;"
      "uniform float3 model:drawModeColor = (0.18, 0.18, 0.18);"
      "uniform token model:cardGeometry = 'cross' (allowedTokens = ['cross', 'box', 'fromTexture']);"
      "asset model:cardTextureXPos;"
      "asset model:cardTextureYPos;"
      "asset model:cardTextureZPos;"
      "asset model:cardTextureXNeg;"
      "asset model:cardTextureYNeg;"
      "asset model:cardTextureZNeg;" },
    { "MotionAPI", BASE, API, NULL,
      "float motion:blurScale = 1;"
      "float motion:velocityScale = 1;"
      "int motion:nonlinearSampleCount = 3;" },
    { "Scope", "Imageable", CONCRETE, NULL, "" },
    { "Xformable", "Imageable", ABSTRACT, NULL, "uniform token[] xformOpOrder;" },
    { "Xform", "Xformable", CONCRETE, NULL, "" },
    { "Boundable", "Xformable", ABSTRACT, NULL, "float3[] extent;" },
    { "Gprim", "Boundable", ABSTRACT, NULL,
      "color3f[] primvars:displayColor;"
      "float[] primvars:displayOpacity;"
      "uniform bool doubleSided = false;"
      "uniform token orientation = 'rightHanded' (allowedTokens = ['rightHanded', 'leftHanded']);" },
    { "Cube", "Gprim", CONCRETE, NULL, "double size = 2;" EXTENT("1", "1", "1") },
    { "Sphere", "Gprim", CONCRETE, NULL, "double radius = 1;" EXTENT("1", "1", "1") },
    { "Cylinder", "Gprim", CONCRETE, NULL, "double height = 2; double radius = 1;" AXIS("Z") EXTENT("1", "1", "1") },
    { "Cylinder_1", "Gprim", CONCRETE, NULL, "double height = 2; double radiusTop = 1; double radiusBottom = 1;" AXIS("Z") EXTENT("1", "1", "1") },
    { "Cone", "Gprim", CONCRETE, NULL, "double height = 2; double radius = 1;" AXIS("Z") EXTENT("1", "1", "1") },
    { "Capsule", "Gprim", CONCRETE, NULL, "double height = 1; double radius = 0.5;" AXIS("Z") EXTENT("0.5", "0.5", "1") },
    { "Capsule_1", "Gprim", CONCRETE, NULL, "double height = 1; double radiusTop = 0.5; double radiusBottom = 0.5;" AXIS("Z") EXTENT("0.5", "0.5", "1") },
    { "Plane", "Gprim", CONCRETE, NULL, "uniform bool doubleSided = true; double width = 2; double length = 2;" AXIS("Z") EXTENT("1", "1", "0") },
    { "PointBased", "Gprim", ABSTRACT, NULL, "point3f[] points; vector3f[] velocities; vector3f[] accelerations; normal3f[] normals;" },
    { "Mesh", "PointBased", CONCRETE, NULL,
      "int[] faceVertexIndices;"
      "int[] faceVertexCounts;"
      "uniform token subdivisionScheme = 'catmullClark' (allowedTokens = ['catmullClark', 'loop', 'bilinear', 'none']);"
      "token interpolateBoundary = 'edgeAndCorner' (allowedTokens = ['none', 'edgeOnly', 'edgeAndCorner']);"
      "token faceVaryingLinearInterpolation = 'cornersPlus1' (allowedTokens = ['none', 'cornersOnly', 'cornersPlus1', 'cornersPlus2', 'boundaries', 'all']);"
      "token triangleSubdivisionRule = 'catmullClark' (allowedTokens = ['catmullClark', 'smooth']);"
      "int[] holeIndices = [];"
      "int[] cornerIndices = [];"
      "float[] cornerSharpnesses = [];"
      "int[] creaseIndices = [];"
      "int[] creaseLengths = [];"
      "float[] creaseSharpnesses = [];" },
    { "TetMesh", "PointBased", CONCRETE, NULL, "int4[] tetVertexIndices; int3[] surfaceFaceVertexIndices;" },
    { "GeomSubset", "Typed", CONCRETE, NULL,
      "uniform token elementType = 'face' (allowedTokens = ['face', 'point', 'edge', 'segment', 'tetrahedron']);"
      "int[] indices = [];"
      "uniform token familyName = '';" },
    { "NurbsPatch", "PointBased", CONCRETE, NULL,
      "int uVertexCount; int vVertexCount; int uOrder; int vOrder;"
      "double[] uKnots; double[] vKnots; double2 uRange; double2 vRange;"
      "uniform token uForm = 'open' (allowedTokens = ['open', 'closed', 'periodic']);"
      "uniform token vForm = 'open' (allowedTokens = ['open', 'closed', 'periodic']);"
      "double[] pointWeights;"
      "int[] trimCurve:counts; int[] trimCurve:orders; int[] trimCurve:vertexCounts;"
      "double[] trimCurve:knots; double2[] trimCurve:ranges; double3[] trimCurve:points;" },
    { "Curves", "PointBased", ABSTRACT, NULL, "int[] curveVertexCounts; float[] widths;" },
    { "BasisCurves", "Curves", CONCRETE, NULL,
      "uniform token type = 'cubic' (allowedTokens = ['linear', 'cubic']);"
      "uniform token basis = 'bezier' (allowedTokens = ['bezier', 'bspline', 'catmullRom']);"
      "uniform token wrap = 'nonperiodic' (allowedTokens = ['nonperiodic', 'periodic', 'pinned']);" },
    { "NurbsCurves", "Curves", CONCRETE, NULL, "int[] order = []; double[] knots; double2[] ranges; double[] pointWeights;" },
    { "HermiteCurves", "Curves", CONCRETE, NULL, "vector3f[] tangents = [];" },
    { "Points", "PointBased", CONCRETE, NULL, "float[] widths; int64[] ids;" },
    { "PointInstancer", "Boundable", CONCRETE, NULL,
      "rel prototypes;"
      "int[] protoIndices;"
      "int64[] ids;"
      "point3f[] positions;"
      "quath[] orientations;"
      "quatf[] orientationsf;"
      "float3[] scales;"
      "vector3f[] velocities;"
      "vector3f[] accelerations;"
      "vector3f[] angularVelocities;"
      "int64[] invisibleIds = [];" },
    { "Camera", "Xformable", CONCRETE, NULL,
      "token projection = 'perspective' (allowedTokens = ['perspective', 'orthographic']);"
      "float horizontalAperture = 20.955;"
      "float verticalAperture = 15.2908;"
      "float horizontalApertureOffset = 0;"
      "float verticalApertureOffset = 0;"
      "float focalLength = 50;"
      "float2 clippingRange = (1, 1000000);"
      "float4[] clippingPlanes = [];"
      "float fStop = 0;"
      "float focusDistance = 0;"
      "uniform token stereoRole = 'mono' (allowedTokens = ['mono', 'left', 'right']);"
      "token units = 'sceneTenths' (allowedTokens = ['sceneTenths', 'millimeters']);"
      "double shutter:open = 0;"
      "double shutter:close = 0;"
      "float exposure = 0;"
      "float exposure:iso = 100;"
      "float exposure:time = 1;"
      "float exposure:fStop = 1;"
      "float exposure:responsivity = 1;" },

    // UsdVol
    { "Volume", "Gprim", CONCRETE, NULL, "" },
    { "VolumeFieldBase", "Xformable", ABSTRACT, NULL, "" },
    { "FieldBase", "VolumeFieldBase", ABSTRACT, NULL, "" },
    { "VolumeFieldAsset", "FieldBase", ABSTRACT, NULL,
      "asset filePath; token fieldName; int fieldIndex; token fieldDataType;"
      "token vectorDataRoleHint = 'None' (allowedTokens = ['None', 'Point', 'Normal', 'Vector', 'Color']);" },
    { "FieldAsset", "VolumeFieldAsset", ABSTRACT, NULL, "" },
    { "Field3DAsset", "FieldAsset", CONCRETE, NULL,
      "token fieldDataType (allowedTokens = ['half', 'float', 'double', 'half3', 'float3', 'double3']);"
      "token fieldPurpose;" },
    { "OpenVDBAsset", "FieldAsset", CONCRETE, NULL,
      "token fieldDataType (allowedTokens = ['half', 'float', 'double', 'int', 'uint', 'int64', 'half2', 'float2', 'double2', 'int2', 'half3', 'float3',"
      " 'double3', 'int3', 'matrix3d', 'matrix4d', 'quatd', 'bool', 'mask', 'string']);"
      "token fieldClass (allowedTokens = ['levelSet', 'fogVolume', 'staggered', 'unknown']);" },
    { "ParticleField", "Gprim", CONCRETE, NULL, "" },
    { "ParticleField3DGaussianSplat", "ParticleField", CONCRETE,
      "ParticleFieldPositionAttributeAPI ParticleFieldOrientationAttributeAPI ParticleFieldScaleAttributeAPI"
      " ParticleFieldOpacityAttributeAPI ParticleFieldKernelGaussianEllipsoidAPI ParticleFieldSphericalHarmonicsAttributeAPI",
      "uniform token projectionModeHint = 'perspective' (allowedTokens = ['perspective', 'tangential']);"
      "uniform token sortingModeHint = 'zDepth' (allowedTokens = ['zDepth', 'cameraDistance']);" },
    { "ParticleFieldPositionBaseAPI", BASE, API, NULL, "" },
    { "ParticleFieldKernelBaseAPI", BASE, API, NULL, "" },
    { "ParticleFieldRadianceBaseAPI", BASE, API, NULL, "" },
    { "ParticleFieldPositionAttributeAPI", BASE, API, "ParticleFieldPositionBaseAPI", "point3f[] positions; point3h[] positionsh;" },
    { "ParticleFieldOrientationAttributeAPI", BASE, API, NULL, "quatf[] orientations; quath[] orientationsh;" },
    { "ParticleFieldScaleAttributeAPI", BASE, API, NULL, "float3[] scales; half3[] scalesh;" },
    { "ParticleFieldOpacityAttributeAPI", BASE, API, NULL, "float[] opacities; half[] opacitiesh;" },
    { "ParticleFieldKernelGaussianEllipsoidAPI", BASE, API, "ParticleFieldKernelBaseAPI", "" },
    { "ParticleFieldKernelGaussianSurfletAPI", BASE, API, "ParticleFieldKernelBaseAPI", "" },
    { "ParticleFieldKernelConstantSurfletAPI", BASE, API, "ParticleFieldKernelBaseAPI", "" },
    { "ParticleFieldSphericalHarmonicsAttributeAPI", BASE, API, "ParticleFieldRadianceBaseAPI",
      "uniform int radiance:sphericalHarmonicsDegree = 3;"
      "float3[] radiance:sphericalHarmonicsCoefficients;"
      "half3[] radiance:sphericalHarmonicsCoefficientsh;" },

    // UsdLux
    { "LightAPI", BASE, API, "CollectionAPI:lightLink CollectionAPI:shadowLink",
      "uniform bool collection:lightLink:includeRoot = true;"
      "uniform bool collection:shadowLink:includeRoot = true;"
      "uniform token light:shaderId = '';"
      "uniform token light:materialSyncMode = 'noMaterialResponse' (allowedTokens = ['materialGlowTintsLight', 'independent', 'noMaterialResponse']);"
      "float inputs:intensity = 1;"
      "float inputs:exposure = 0;"
      "float inputs:diffuse = 1;"
      "float inputs:specular = 1;"
      "bool inputs:normalize = false;"
      "color3f inputs:color = (1, 1, 1);"
      "bool inputs:enableColorTemperature = false;"
      "float inputs:colorTemperature = 6500;"
      "rel light:filters;" },
    { "MeshLightAPI", BASE, API, "LightAPI",
      "uniform token light:shaderId = 'MeshLight';"
      "uniform token light:materialSyncMode = 'materialGlowTintsLight' (allowedTokens = ['materialGlowTintsLight', 'independent', 'noMaterialResponse']);" },
    { "VolumeLightAPI", BASE, API, "LightAPI",
      "uniform token light:shaderId = 'VolumeLight';"
      "uniform token light:materialSyncMode = 'materialGlowTintsLight' (allowedTokens = ['materialGlowTintsLight', 'independent', 'noMaterialResponse']);" },
    { "LightListAPI", BASE, API, NULL,
      "rel lightList;"
      "token lightList:cacheBehavior (allowedTokens = ['consumeAndHalt', 'consumeAndContinue', 'ignore']);" },
    { "ListAPI", BASE, API, NULL,
      "rel lightList;"
      "token lightList:cacheBehavior (allowedTokens = ['consumeAndHalt', 'consumeAndContinue', 'ignore']);" },
    { "ShapingAPI", BASE, API, NULL,
      "float inputs:shaping:focus = 0;"
      "color3f inputs:shaping:focusTint = (0, 0, 0);"
      "float inputs:shaping:cone:angle = 90;"
      "float inputs:shaping:cone:softness = 0;"
      "asset inputs:shaping:ies:file;"
      "float inputs:shaping:ies:angleScale = 0;"
      "bool inputs:shaping:ies:normalize = false;" },
    { "ShadowAPI", BASE, API, NULL,
      "bool inputs:shadow:enable = true;"
      "color3f inputs:shadow:color = (0, 0, 0);"
      "float inputs:shadow:distance = -1;"
      "float inputs:shadow:falloff = -1;"
      "float inputs:shadow:falloffGamma = 1;" },
    { "LightFilter", "Xformable", CONCRETE, "CollectionAPI:filterLink",
      "uniform bool collection:filterLink:includeRoot = true;"
      "uniform token lightFilter:shaderId = '';" },
    { "PluginLightFilter", "LightFilter", CONCRETE, "NodeDefAPI", "" },
    { "BoundableLightBase", "Boundable", ABSTRACT, "LightAPI", "" },
    { "NonboundableLightBase", "Xformable", ABSTRACT, "LightAPI", "" },
    { "DistantLight", "NonboundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'DistantLight'; float inputs:angle = 0.53; float inputs:intensity = 50000;" },
    { "DiskLight", "BoundableLightBase", CONCRETE, NULL, "uniform token light:shaderId = 'DiskLight'; float inputs:radius = 0.5;" },
    { "RectLight", "BoundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'RectLight'; float inputs:width = 1; float inputs:height = 1; asset inputs:texture:file;" },
    { "SphereLight", "BoundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'SphereLight'; float inputs:radius = 0.5; bool treatAsPoint = false;" },
    { "CylinderLight", "BoundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'CylinderLight'; float inputs:length = 1; float inputs:radius = 0.5; bool treatAsLine = false;" },
    { "GeometryLight", "NonboundableLightBase", CONCRETE, NULL, "uniform token light:shaderId = 'GeometryLight'; rel geometry;" },
    { "DomeLight", "NonboundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'DomeLight';"
      "asset inputs:texture:file;"
      "token inputs:texture:format = 'automatic' (allowedTokens = ['automatic', 'latlong', 'mirroredBall', 'angular', 'cubeMapVerticalCross']);"
      "rel portals;"
      "float guideRadius = 100000;" },
    { "DomeLight_1", "NonboundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'DomeLight';"
      "asset inputs:texture:file;"
      "token inputs:texture:format = 'automatic' (allowedTokens = ['automatic', 'latlong', 'mirroredBall', 'angular', 'cubeMapVerticalCross']);"
      "rel portals;"
      "float guideRadius = 100000;"
      "uniform token poleAxis = 'scene' (allowedTokens = ['scene', 'Y', 'Z']);" },
    { "PortalLight", "BoundableLightBase", CONCRETE, NULL,
      "uniform token light:shaderId = 'PortalLight'; float inputs:width = 1; float inputs:height = 1;" },
    { "PluginLight", "Xformable", CONCRETE, "NodeDefAPI LightAPI", "" },

    // UsdShade
    { "NodeGraph", "Typed", CONCRETE, NULL, "" },
    { "Material", "NodeGraph", CONCRETE, NULL, "token outputs:surface; token outputs:displacement; token outputs:volume;" },
    { "Shader", "Typed", CONCRETE, "NodeDefAPI", "" },
    { "NodeDefAPI", BASE, API, NULL,
      "uniform token info:implementationSource = 'id' (allowedTokens = ['id', 'sourceAsset', 'sourceCode']);"
      "uniform token info:id;" },
    { "ConnectableAPI", BASE, PLAIN, NULL, "" },
    { "MaterialBindingAPI", BASE, API, NULL, "" },
    { "CoordSysAPI", BASE, MULTIPLE, NULL, "rel coordSys:@:binding;" },

    // UsdRender
    { "RenderSettingsBase", "Typed", ABSTRACT, NULL,
      "uniform int2 resolution = (2048, 1080);"
      "uniform float pixelAspectRatio = 1;"
      "uniform token aspectRatioConformPolicy = 'expandAperture' (allowedTokens = ['expandAperture', 'cropAperture', 'adjustApertureWidth',"
      " 'adjustApertureHeight', 'adjustPixelAspectRatio']);"
      "uniform float4 dataWindowNDC = (0, 0, 1, 1);"
      "uniform bool instantaneousShutter = false;"
      "uniform bool disableMotionBlur = false;"
      "uniform bool disableDepthOfField = false;"
      "rel camera;" },
    { "RenderSettings", "RenderSettingsBase", CONCRETE, NULL,
      "rel products;"
      "uniform token[] includedPurposes = ['default', 'render'];"
      "uniform token[] materialBindingPurposes = ['full', ''] (allowedTokens = ['full', 'preview', '']);"
      "uniform token renderingColorSpace;" },
    { "RenderVar", "Typed", CONCRETE, NULL,
      "uniform token dataType = 'color3f';"
      "uniform string sourceName = '';"
      "uniform token sourceType = 'raw' (allowedTokens = ['raw', 'primvar', 'lpe', 'intrinsic']);" },
    { "RenderProduct", "RenderSettingsBase", CONCRETE, NULL,
      "uniform token productType = 'raster' (allowedTokens = ['raster', 'deepRaster']);"
      "token productName = '';"
      "rel orderedVars;" },
    { "RenderPass", "Typed", CONCRETE, "CollectionAPI:renderVisibility CollectionAPI:prune",
      "uniform bool collection:renderVisibility:includeRoot = true;"
      "uniform token passType;"
      "uniform string[] command;"
      "uniform asset fileName;"
      "rel renderSource;"
      "rel inputPasses;" },

    // UsdSkel
    { "SkelRoot", "Boundable", CONCRETE, NULL, "" },
    { "Skeleton", "Boundable", CONCRETE, NULL,
      "uniform token[] joints; uniform token[] jointNames; uniform matrix4d[] bindTransforms; uniform matrix4d[] restTransforms;" },
    { "SkelAnimation", "Typed", CONCRETE, NULL,
      "uniform token[] joints; float3[] translations; quatf[] rotations; half3[] scales; uniform token[] blendShapes; float[] blendShapeWeights;" },
    { "BlendShape", "Typed", CONCRETE, NULL, "uniform vector3f[] offsets; uniform vector3f[] normalOffsets; uniform int[] pointIndices;" },
    { "SkelBindingAPI", BASE, API, NULL,
      "rel skel:animationSource;"
      "rel skel:skeleton;"
      "uniform token[] skel:joints;"
      "uniform token primvars:skel:skinningMethod = 'classicLinear' (allowedTokens = ['classicLinear', 'dualQuaternion']);"
      "matrix4d primvars:skel:geomBindTransform;"
      "int[] primvars:skel:jointIndices;"
      "float[] primvars:skel:jointWeights;"
      "uniform token[] skel:blendShapes;"
      "rel skel:blendShapeTargets;" },

    // UsdMedia
    { "SpatialAudio", "Xformable", CONCRETE, NULL,
      "uniform asset filePath = @@;"
      "uniform token auralMode = 'spatial' (allowedTokens = ['spatial', 'nonSpatial']);"
      "uniform token playbackMode = 'onceFromStart' (allowedTokens = ['onceFromStart', 'onceFromStartToEnd', 'loopFromStart', 'loopFromStartToEnd', 'loopFromStage']);"
      "uniform timecode startTime = 0;"
      "uniform timecode endTime = 0;"
      "uniform double mediaOffset = 0;"
      "double gain = 1;" },
    { "AssetPreviewsAPI", BASE, API, NULL, "" },

    // UsdUI
    { "NodeGraphNodeAPI", BASE, API, NULL,
      "uniform float2 ui:nodegraph:node:pos;"
      "uniform int ui:nodegraph:node:stackingOrder;"
      "uniform color3f ui:nodegraph:node:displayColor;"
      "uniform asset ui:nodegraph:node:icon;"
      "uniform token ui:nodegraph:node:expansionState (allowedTokens = ['open', 'closed', 'minimized']);"
      "uniform float2 ui:nodegraph:node:size;"
      "uniform string ui:nodegraph:node:docURI;" },
    { "SceneGraphPrimAPI", BASE, API, NULL, "uniform token ui:displayName; uniform token ui:displayGroup;" },
    { "Backdrop", "Typed", CONCRETE, NULL, "uniform token ui:description;" },
    { "LocalizationAPI", BASE, MULTIPLE, NULL, "uniform token localization:@:language;" },
    { "AccessibilityAPI", BASE, MULTIPLE, NULL,
      "string accessibility:@:label;"
      "string accessibility:@:description;"
      "uniform token accessibility:@:priority = 'standard' (allowedTokens = ['low', 'standard', 'high']);" },

    // UsdPhysics
    { "PhysicsScene", "Typed", CONCRETE, NULL, "vector3f physics:gravityDirection = (0, 0, 0); float physics:gravityMagnitude = -inf;" },
    { "PhysicsRigidBodyAPI", BASE, API, NULL,
      "bool physics:rigidBodyEnabled = true;"
      "bool physics:kinematicEnabled = false;"
      "rel physics:simulationOwner;"
      "uniform bool physics:startsAsleep = false;"
      "vector3f physics:velocity = (0, 0, 0);"
      "vector3f physics:angularVelocity = (0, 0, 0);" },
    { "PhysicsMassAPI", BASE, API, NULL,
      "float physics:mass = 0;"
      "float physics:density = 0;"
      "point3f physics:centerOfMass = (-inf, -inf, -inf);"
      "float3 physics:diagonalInertia = (0, 0, 0);"
      "quatf physics:principalAxes = (0, 0, 0, 0);" },
    { "PhysicsCollisionAPI", BASE, API, NULL, "bool physics:collisionEnabled = true; rel physics:simulationOwner;" },
    { "PhysicsMeshCollisionAPI", BASE, API, "PhysicsCollisionAPI",
      "uniform token physics:approximation = 'none' (allowedTokens = ['none', 'convexDecomposition', 'convexHull', 'boundingSphere',"
      " 'boundingCube', 'meshSimplification']);" },
    { "PhysicsMaterialAPI", BASE, API, NULL,
      "float physics:dynamicFriction = 0; float physics:staticFriction = 0; float physics:restitution = 0; float physics:density = 0;" },
    { "PhysicsCollisionGroup", "Typed", CONCRETE, "CollectionAPI:colliders",
      "string physics:mergeGroup;"
      "bool physics:invertFilteredGroups;"
      "rel physics:filteredGroups;" },
    { "PhysicsFilteredPairsAPI", BASE, API, NULL, "rel physics:filteredPairs;" },
    { "PhysicsJoint", "Imageable", CONCRETE, NULL,
      "rel physics:body0;"
      "rel physics:body1;"
      "point3f physics:localPos0 = (0, 0, 0);"
      "quatf physics:localRot0 = (1, 0, 0, 0);"
      "point3f physics:localPos1 = (0, 0, 0);"
      "quatf physics:localRot1 = (1, 0, 0, 0);"
      "bool physics:jointEnabled = true;"
      "bool physics:collisionEnabled = false;"
      "uniform bool physics:excludeFromArticulation = false;"
      "float physics:breakForce = inf;"
      "float physics:breakTorque = inf;" },
    { "PhysicsRevoluteJoint", "PhysicsJoint", CONCRETE, NULL,
      "uniform token physics:axis = 'X' (allowedTokens = ['X', 'Y', 'Z']); float physics:lowerLimit = -inf; float physics:upperLimit = inf;" },
    { "PhysicsPrismaticJoint", "PhysicsJoint", CONCRETE, NULL,
      "uniform token physics:axis = 'X' (allowedTokens = ['X', 'Y', 'Z']); float physics:lowerLimit = -inf; float physics:upperLimit = inf;" },
    { "PhysicsSphericalJoint", "PhysicsJoint", CONCRETE, NULL,
      "uniform token physics:axis = 'X' (allowedTokens = ['X', 'Y', 'Z']); float physics:coneAngle0Limit = -1; float physics:coneAngle1Limit = -1;" },
    { "PhysicsDistanceJoint", "PhysicsJoint", CONCRETE, NULL, "float physics:minDistance = -1; float physics:maxDistance = -1;" },
    { "PhysicsFixedJoint", "PhysicsJoint", CONCRETE, NULL, "" },
    { "PhysicsLimitAPI", BASE, MULTIPLE, NULL, "float limit:@:physics:low = -inf; float limit:@:physics:high = inf;" },
    { "PhysicsDriveAPI", BASE, MULTIPLE, NULL,
      "uniform token drive:@:physics:type = 'force' (allowedTokens = ['force', 'acceleration']);"
      "float drive:@:physics:maxForce = inf;"
      "float drive:@:physics:targetPosition = 0;"
      "float drive:@:physics:targetVelocity = 0;"
      "float drive:@:physics:damping = 0;"
      "float drive:@:physics:stiffness = 0;" },
    { "PhysicsArticulationRootAPI", BASE, API, NULL, "" },

    // UsdProc, UsdHydra, UsdRi, UsdSemantics, UsdMtlx
    { "GenerativeProcedural", "Boundable", CONCRETE, NULL, "token proceduralSystem;" },
    { "HydraGenerativeProceduralAPI", BASE, API, NULL, "token primvars:hdGp:proceduralType; token proceduralSystem = 'hydraGenerativeProcedural';" },
    { "StatementsAPI", BASE, API, NULL, "" },
    { "RiMaterialAPI", BASE, API, NULL, "token outputs:ri:surface; token outputs:ri:displacement; token outputs:ri:volume;" },
    { "RiSplineAPI", BASE, API, NULL, "" },
    { "RiRenderPassAPI", BASE, API, "CollectionAPI:cameraVisibility CollectionAPI:matte", "uniform bool collection:cameraVisibility:includeRoot = true;" },
    { "SemanticsLabelsAPI", BASE, MULTIPLE, NULL, "token[] semantics:labels:@;" },
    { "MaterialXConfigAPI", BASE, API, NULL, "string config:mtlx:version = '1.38';" },
};
const size_t schema_row_count = sizeof(schema_rows) / sizeof(schema_rows[0]);
