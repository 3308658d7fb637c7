// The renderer: a GPU scene made of plain descriptors, and views that draw it.
//
// Conventions, everywhere in this folder: matrices are row-major doubles for row vectors (translation
// in elements 12..14), as in USD. Scene units are whatever the stage uses. Colours are linear Rec.709.
// Handles are small integers, 0 means none; a destroyed handle may be reused.
//
// Threads: one thread at a time per renderer, except where a function says otherwise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct renderer;
struct render_scene;
struct render_view;
struct render_frame;

typedef uint32_t render_id; // mesh, material, texture, instance or light of one scene; 0 = none

enum render_status {
    RENDER_OK          = 0,
    RENDER_ERR_NOMEM   = -1,
    RENDER_ERR_INVALID = -2, // the caller's description makes no sense; the log says which part
    RENDER_ERR_DEVICE  = -3, // no usable Vulkan device, or it was lost
    RENDER_ERR_TIMEOUT = -4,
    RENDER_ERR_LIMIT   = -5, // more than the device or a named limit allows
};

// ---------------------------------------------------------------------------------------------
// Renderer

struct render_params {
    int gpu_index;                 // -1 = best device (discrete, integrated, virtual, CPU)
    bool validation;               // Vulkan validation layers, when installed
    bool outline_enabled;          // the selection outline pass exists
    uint32_t outline_width;        // pixels, 0 to 15
    uint32_t fill_mode;            // 0 edge only, 1 one global colour, 2 outline colour, 3 group fill colour
};

int renderer_create(struct renderer **out, const struct render_params *params);
void renderer_destroy(struct renderer **r); // views and scenes of it must be gone
const char *renderer_device_name(const struct renderer *r);

// RGBA in 0 to 1. Effective from the next frame.
struct render_group_style {
    float outline[4], fill[4];
};
void renderer_set_group_style(struct renderer *r, uint8_t group, const struct render_group_style *style);

// ---------------------------------------------------------------------------------------------
// Scene. Creating and changing only records and prepares; the GPU copy is brought up to date by the
// next render_view_render(). All arrays are copied before the call returns.

int render_scene_create(struct renderer *r, struct render_scene **out);
void render_scene_destroy(struct render_scene **s);

enum render_interpolation { // of a primvar, as UsdGeomPrimvar names them
    RENDER_CONSTANT,
    RENDER_UNIFORM,      // one per face
    RENDER_VARYING,      // one per point
    RENDER_VERTEX,       // one per point
    RENDER_FACE_VARYING, // one per face corner
};

// `count` values of `components` floats. `indices` (optional) selects into them: index_count entries.
struct render_primvar {
    const char *name; // "st", "displayColor", ...
    enum render_interpolation interpolation;
    uint32_t components; // 1 to 4
    size_t count, index_count;
    const float *values;
    const int32_t *indices;
};

// Faces of a mesh that use another material than the rest.
struct render_subset {
    const int32_t *faces;
    size_t face_count;
};

// A polygon mesh as USD describes it. Bad topology (indices out of range, counts that do not add up,
// primvars of the wrong length) costs the faces or primvars concerned and one warning, never a crash.
struct render_mesh_desc {
    const char *name; // prim path, for messages
    const float *points; // point_count x 3
    size_t point_count;
    const int32_t *face_vertex_counts;
    size_t face_count;
    const int32_t *face_vertex_indices;
    size_t face_vertex_count;
    const int32_t *hole_faces;
    size_t hole_count;
    const struct render_primvar *normals; // 3 components; NULL = derived from the faces
    const struct render_primvar *primvars;
    size_t primvar_count;
    const struct render_subset *subsets; // subset i uses material slot i + 1 of the instance; the rest slot 0
    size_t subset_count;
    bool left_handed;
    bool double_sided;
    bool smooth; // without authored normals: smooth (subdivision surfaces) or faceted
};

int render_mesh_create(struct render_scene *s, const struct render_mesh_desc *desc, render_id *out);
// New positions (and normals, or NULL to derive them again) for a mesh. The topology stays.
int render_mesh_update(struct render_scene *s, render_id mesh, const struct render_mesh_desc *desc);
void render_mesh_destroy(struct render_scene *s, render_id mesh);

// The gprims that have no mesh of their own, tessellated to the stated deviation.
enum render_shape { RENDER_CUBE, RENDER_SPHERE, RENDER_CYLINDER, RENDER_CONE, RENDER_CAPSULE, RENDER_PLANE };
struct render_shape_desc {
    const char *name;
    enum render_shape shape;
    char axis; // 'X', 'Y' or 'Z': of cylinder, cone, capsule, plane
    double size;           // cube edge
    double radius, height; // the round ones
    double width, length;  // plane
    bool double_sided;
    const struct render_primvar *display_color; // or NULL; constant only
};
int render_shape_create(struct render_scene *s, const struct render_shape_desc *desc, render_id *out);

enum render_wrap { RENDER_WRAP_BLACK, RENDER_WRAP_CLAMP, RENDER_WRAP_REPEAT, RENDER_WRAP_MIRROR };
enum render_color_space { RENDER_COLOR_AUTO, RENDER_COLOR_RAW, RENDER_COLOR_SRGB };

struct render_texture_desc {
    const char *name; // resolved asset path, for messages and the choice of decoder
    const void *data; // the file's bytes: PNG, JPEG, EXR, HDR, TGA, BMP
    size_t size;      // 0 = missing: a checker takes its place
    enum render_color_space color_space; // AUTO: sRGB for 8-bit colour images, else raw
};
// Decoding may go on in the background; until it is done the texture shows its mean or a mid grey.
int render_texture_create(struct render_scene *s, const struct render_texture_desc *desc, render_id *out);
void render_texture_destroy(struct render_scene *s, render_id texture);

// One material input: a constant, or a texture, or a primvar of the mesh.
struct render_input {
    float value[4];      // the constant; also the fallback of the others
    render_id texture;   // 0 = none
    const char *primvar; // name of the primvar that is the value itself, or NULL
    const char *uv;      // name of the texture coordinate primvar; NULL = "st"
    enum render_wrap wrap_s, wrap_t;
    float uv_scale[2], uv_rotation_deg, uv_translation[2]; // UsdTransform2d; scale (0,0) means (1,1)
    float scale[4], bias[4]; // of UsdUVTexture; all-zero scale means 1
    uint8_t channel;         // 0 r, 1 g, 2 b, 3 a, 4 rgb
};

// UsdPreviewSurface. Use render_material_defaults() first.
struct render_material_desc {
    const char *name;
    struct render_input diffuse_color, emissive_color, specular_color, metallic, roughness, clearcoat,
        clearcoat_roughness, opacity, opacity_threshold, ior, normal, occlusion, displacement;
    bool use_specular_workflow;
    float transmission; // 0 = opacity is coverage (UsdPreviewSurface); 1 = glass (OmniGlass and the like)
    bool thin_walled;
};
void render_material_defaults(struct render_material_desc *desc);
int render_material_create(struct render_scene *s, const struct render_material_desc *desc, render_id *out);
int render_material_update(struct render_scene *s, render_id material, const struct render_material_desc *desc);
void render_material_destroy(struct render_scene *s, render_id material);

#define RENDER_MAX_MATERIAL_SLOTS 256

struct render_instance_desc {
    render_id mesh;
    double transform[16];       // object to world
    const render_id *materials; // slot 0 and one per subset; 0 = displayColor, grey without one
    size_t material_count;
    uint32_t instance_id;       // value in InstanceSegmentationSD, and geometryInstanceId of a pick
    uint32_t semantic_id;       // value in SemanticSegmentation
    uint64_t user;              // given back by picks: the prim
    bool visible, pickable;
    uint8_t outline_group;      // 0 = none
};
int render_instance_create(struct render_scene *s, const struct render_instance_desc *desc, render_id *out);
void render_instance_destroy(struct render_scene *s, render_id instance);
void render_instance_set_transform(struct render_scene *s, render_id instance, const double transform[16]);
void render_instance_set_visible(struct render_scene *s, render_id instance, bool visible);
void render_instance_set_pickable(struct render_scene *s, render_id instance, bool pickable);
void render_instance_set_outline_group(struct render_scene *s, render_id instance, uint8_t group);
void render_instance_set_semantic(struct render_scene *s, render_id instance, uint32_t semantic_id);
void render_instance_set_materials(struct render_scene *s, render_id instance, const render_id *materials,
                                   size_t count);

enum render_light_type {
    RENDER_LIGHT_DISTANT,
    RENDER_LIGHT_DOME,
    RENDER_LIGHT_SPHERE,
    RENDER_LIGHT_RECT,
    RENDER_LIGHT_DISK,
    RENDER_LIGHT_CYLINDER,
};
// Raw UsdLux values; the renderer derives radiance from them as UsdLux specifies.
struct render_light_desc {
    enum render_light_type type;
    double transform[16]; // light to world
    float color[3], intensity, exposure, diffuse, specular;
    bool normalize, enable_color_temperature;
    float color_temperature; // kelvin
    float angle;             // distant: degrees across
    float radius, width, height, length;
    float shaping_cone_angle, shaping_cone_softness, shaping_focus; // cone angle 0 or >= 180 = none
    bool treat_as_point, treat_as_line;
    render_id texture; // dome (lat-long) and rect; 0 = none
    bool visible;
};
void render_light_defaults(struct render_light_desc *desc, enum render_light_type type);
int render_light_create(struct render_scene *s, const struct render_light_desc *desc, render_id *out);
int render_light_update(struct render_scene *s, render_id light, const struct render_light_desc *desc);
void render_light_destroy(struct render_scene *s, render_id light);

// Frees meshes, materials, textures, instances and lights at once; the handles are all gone.
void render_scene_clear(struct render_scene *s);

// Scene units to metres, for the distance outputs. Default 0.01.
void render_scene_set_meters_per_unit(struct render_scene *s, double meters);

// ---------------------------------------------------------------------------------------------
// Views: one per RenderProduct. A view owns its history (accumulated samples).

enum render_mode { RENDER_MODE_REALTIME, RENDER_MODE_PATH_TRACING, RENDER_MODE_MINIMAL };

struct render_camera {
    double transform[16]; // camera to world; looks down -Z, +Y up
    bool orthographic;
    // Millimetre-like units of USD: tenths of a scene unit for apertures and focal length.
    float focal_length, horizontal_aperture, vertical_aperture;
    float horizontal_offset, vertical_offset;
    float clip_near, clip_far;
    float f_stop, focus_distance; // f_stop 0 = pinhole
    float exposure_scale;         // linear factor on radiance, 1 = none
};

// One bit per output, also the index of the name table in render_output_info().
enum render_output {
    RENDER_OUT_LDR_COLOR,
    RENDER_OUT_HDR_COLOR,
    RENDER_OUT_NORMAL,
    RENDER_OUT_DEPTH,
    RENDER_OUT_DISTANCE_TO_CAMERA,
    RENDER_OUT_DISTANCE_TO_IMAGE_PLANE,
    RENDER_OUT_DIFFUSE_ALBEDO,
    RENDER_OUT_CAMERA_POSITION,
    RENDER_OUT_INSTANCE_SEGMENTATION,
    RENDER_OUT_SEMANTIC_SEGMENTATION,
    RENDER_OUT_COUNT,
};
enum render_component { RENDER_U8, RENDER_U32, RENDER_F16, RENDER_F32 };
struct render_output_info {
    const char *name; // the RenderVar source name, e.g. "DepthSD"
    enum render_component component;
    uint32_t channels;
};
const struct render_output_info *render_output_info(enum render_output output);

struct render_settings {
    enum render_mode mode;
    uint32_t outputs; // bit (1 << enum render_output) for each that will be mapped
    // Real-time: the renderer may show fewer, cheaper pixels while the picture changes, and refines
    // when it rests; it aims to use no more than this for one frame. 0 = no aim: one full sample.
    float budget_ms;
    uint32_t samples_per_pixel; // path tracing: accumulated before the frame is done
    uint32_t max_bounces;
    float firefly_clamp;        // largest radiance of one sample before exposure; 0 = none
    bool denoise;
    // Minimal: 0 nothing, 1 constant colour, 2 diffuse, 3 diffuse + glossy + emission
    uint32_t minimal_mode;
    float minimal_color[3];
    float ambient[3];
};
void render_settings_defaults(struct render_settings *settings);

struct render_pick_rect {
    uint32_t left, top, right, bottom; // pixels; right and bottom exclusive
};

struct render_frame_desc {
    struct render_camera camera;
    struct render_settings settings;
    const struct render_pick_rect *pick; // NULL = none
};

int render_view_create(struct renderer *r, struct render_scene *s, uint32_t width, uint32_t height,
                       struct render_view **out);
void render_view_destroy(struct render_view **v);
void render_view_reset(struct render_view *v); // forget the history

// Brings the GPU scene up to date, draws, and hands out a frame that the caller owns. Returns when the
// work is submitted; the frame's functions wait. At most RENDER_MAX_FRAMES frames of a view live at once.
#define RENDER_MAX_FRAMES 4
int render_view_render(struct render_view *v, const struct render_frame_desc *desc, struct render_frame **out);

// Any thread. Releases the frame; its mappings must be gone.
void render_frame_destroy(struct render_frame **f);
// Any thread. 0 when the GPU is done, RENDER_ERR_TIMEOUT, or RENDER_ERR_DEVICE. UINT64_MAX waits for ever.
int render_frame_wait(struct render_frame *f, uint64_t timeout_ns);
// Host pixels of an output: rows tight, top row first. Valid until the frame is destroyed. Waits.
int render_frame_map(struct render_frame *f, enum render_output output, const void **data);
// CUDA device pointer of an output, through exported memory, when `cuda_ordinal` is the view's device.
// RENDER_ERR_DEVICE where that does not exist.
int render_frame_map_cuda(struct render_frame *f, enum render_output output, int cuda_ordinal, uint64_t *ptr);

struct render_pick_hit {
    uint64_t user; // of the instance
    uint32_t instance_id;
    double position[3]; // world, scene units
    float normal[3];
};
// The visible pickable instances inside the frame's pick rectangle, each once, nearest pixel to the
// rectangle's centre first. Returns how many there are; fills at most max. Waits.
int render_frame_pick(struct render_frame *f, struct render_pick_hit *hits, size_t max);

struct render_stats {
    float gpu_ms, raster_ms, trace_ms, denoise_ms, resolve_ms; // of the newest finished frame, GPU timestamps
    uint32_t samples;      // accumulated per pixel in the shown picture
    float resolution_scale; // of the internal picture, 1 = full
    bool converged;         // further frames would not change the picture
    uint64_t triangles, instances, device_bytes;
};
void render_view_stats(const struct render_view *v, struct render_stats *out);
