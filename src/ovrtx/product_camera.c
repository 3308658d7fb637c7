#include "product_camera.h"

#include <math.h>
#include <string.h>

#include "log.h"

// Image = radiance * responsivity * time * iso / 100 * 2^exposure / fStop^2 (UsdGeomCamera).
static float exposure_scale(const struct stage *s, uint32_t camera)
{
    float exposure = 0, time = 1, iso = 100, f_stop = 1, responsivity = 1;
    stage_get_float(s, camera, "exposure", &exposure);
    stage_get_float(s, camera, "exposure:time", &time);
    stage_get_float(s, camera, "exposure:iso", &iso);
    stage_get_float(s, camera, "exposure:fStop", &f_stop);
    stage_get_float(s, camera, "exposure:responsivity", &responsivity);
    float scale = responsivity * time * iso / 100 * exp2f(exposure) / (f_stop * f_stop);
    return isfinite(scale) && scale > 0 ? scale : 1;
}

int product_camera(const struct stage *s, uint32_t product, uint32_t width, uint32_t height, struct render_camera *out,
                   struct op *op)
{
    uint32_t path   = stage_get_target(s, product, "camera", 0);
    uint32_t camera = stage_find(s, path);
    if (!camera)
        return op_fail(op, "%s: its camera %s does not exist", stage_path_text(s, product),
                       path ? paths_text(s->paths, path, NULL) : "relationship is empty, so it");
    if (s->prims.items[camera].kind != PRIM_CAMERA)
        return op_fail(op, "%s: sensor %s is a %s; only Camera is supported", stage_path_text(s, product),
                       stage_path_text(s, camera), stage_type_text(s, camera));
    if (stage_get_target(s, product, "camera", 1))
        log_warn("ovrtx.products", "%s: several cameras tile one frame; not supported yet, the first is used", stage_path_text(s, product));

    const char *projection = "perspective";
    float clip[2]          = { 1, 1000000 };
    *out = (struct render_camera) { .focal_length = 50, .horizontal_aperture = 20.955f, .vertical_aperture = 15.2908f };
    stage_world_matrix(s, camera, out->transform);
    stage_get_token(s, camera, "projection", &projection);
    out->orthographic = !strcmp(projection, "orthographic");
    stage_get_float(s, camera, "focalLength", &out->focal_length);
    stage_get_float(s, camera, "horizontalAperture", &out->horizontal_aperture);
    stage_get_float(s, camera, "verticalAperture", &out->vertical_aperture);
    stage_get_float(s, camera, "horizontalApertureOffset", &out->horizontal_offset);
    stage_get_float(s, camera, "verticalApertureOffset", &out->vertical_offset);
    stage_get_floats(s, camera, "clippingRange", clip, 2);
    stage_get_float(s, camera, "fStop", &out->f_stop);
    stage_get_float(s, camera, "focusDistance", &out->focus_distance);
    out->clip_near      = clip[0];
    out->clip_far       = clip[1];
    out->exposure_scale = exposure_scale(s, camera);
    if (out->focal_length <= 0)
        out->focal_length = 50;
    if (out->horizontal_aperture <= 0)
        out->horizontal_aperture = 20.955f;
    if (out->vertical_aperture <= 0)
        out->vertical_aperture = 15.2908f;

    // UsdRender's default policy: the aperture grows to the product's shape.
    float want = (float)width / (float)height, have = out->horizontal_aperture / out->vertical_aperture;
    if (want > have)
        out->horizontal_aperture = out->vertical_aperture * want;
    else
        out->vertical_aperture = out->horizontal_aperture / want;
    return 0;
}

static enum render_mode mode_of(const struct stage *s, uint32_t product)
{
    static const struct {
        const char *token;
        enum render_mode mode;
    } modes[] = {
        { "Real-Time Path-Tracing", RENDER_MODE_REALTIME }, { "RealTimePathTracing", RENDER_MODE_REALTIME },
        { "RaytracedLighting", RENDER_MODE_REALTIME },      { "PathTracing", RENDER_MODE_PATH_TRACING },
        { "Minimal", RENDER_MODE_MINIMAL },                 { "MinimalRendering", RENDER_MODE_MINIMAL },
    };
    const char *token = "";
    if (!stage_get_token(s, product, "omni:rtx:rendermode", &token) || !token[0])
        return RENDER_MODE_REALTIME;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (!strcmp(modes[i].token, token))
            return modes[i].mode;
    }
    log_warn("ovrtx.products", "%s: render mode '%s' is unknown; Real-Time Path-Tracing is used", stage_path_text(s, product), token);
    return RENDER_MODE_REALTIME;
}

static uint32_t count_or(const struct stage *s, uint32_t product, const char *name, uint32_t otherwise)
{
    int v;
    return stage_get_int(s, product, name, &v) && v >= 0 ? (uint32_t)v : otherwise;
}

static bool flag_or(const struct stage *s, uint32_t product, const char *name, bool otherwise)
{
    bool v;
    return stage_get_bool(s, product, name, &v) ? v : otherwise;
}

void product_settings(const struct stage *s, uint32_t product, struct render_settings *out)
{
    render_settings_defaults(out);
    out->mode = mode_of(s, product);
    bool path = out->mode == RENDER_MODE_PATH_TRACING;
    out->samples_per_pixel = count_or(s, product, "omni:rtx:pt:samplesPerPixel", 512);
    uint32_t bounces  = count_or(s, product, path ? "omni:rtx:pt:limits:maxBounces" : "omni:rtx:rtpt:maxBounces", path ? 4 : 3);
    uint32_t specular = count_or(s, product, path ? "omni:rtx:pt:limits:maxGlossyBounces"
                                                  : "omni:rtx:rtpt:maxSpecularAndTransmissionBounces", path ? 6 : 3);
    out->max_bounces = bounces > specular ? bounces : specular;
    const char *firefly = path ? "omni:rtx:pt:fireflyFilter:enabled" : "omni:rtx:rtpt:fireflyFilter:enabled";
    const char *limit   = path ? "omni:rtx:pt:fireflyFilter:maxUnexposedIntensityPerSample"
                               : "omni:rtx:rtpt:fireflyFilter:maxUnexposedIntensityPerSample";
    out->firefly_clamp = 3200;
    stage_get_float(s, product, limit, &out->firefly_clamp);
    if (!flag_or(s, product, firefly, true))
        out->firefly_clamp = 0;
    if (path)
        out->denoise = flag_or(s, product, "omni:rtx:pt:denoising:enabled", true);
    out->minimal_mode = count_or(s, product, "omni:rtx:minimal:mode", 3);
    stage_get_floats(s, product, "omni:rtx:minimal:constantColor", out->minimal_color, 3);
    float ambient[3] = { 1, 1, 1 }, intensity = 0;
    stage_get_floats(s, product, "omni:rtx:rt:ambientLight:color", ambient, 3);
    stage_get_float(s, product, "omni:rtx:rt:ambientLight:intensity", &intensity);
    for (int i = 0; i < 3; i++)
        out->ambient[i] = ambient[i] * intensity;
}
