// The renderer: device, worker threads, passes.
#include <stdlib.h>

#include "log.h"
#include "scene_internal.h"
#include "thread.h"
#include "view.h"

int renderer_create(struct renderer **out, const struct render_params *params)
{
    return view_renderer_open(out, params, false);
}

int view_renderer_open(struct renderer **out, const struct render_params *params, bool warming)
{
    *out               = NULL;
    struct renderer *r = calloc(1, sizeof(*r));
    if (!r)
        return RENDER_ERR_NOMEM;
    r->params  = *params;
    r->warming = warming;
    if (r->params.outline_width > 15)
        r->params.outline_width = 15;
    for (int i = 0; i < 256; i++)
        r->styles[i] = (struct render_group_style) { .outline = { 1, 0.6f, 0, 1 } };
    r->styles_version = 1;
    int rc            = gpu_device_create(&r->gpu,
                                          &(struct gpu_params) { .index = params->gpu_index, .validation = params->validation });
    if (rc == GPU_OK)
        rc = scene_layout_create(r->gpu, &r->scene_layout);
    if (rc == GPU_OK && !(r->pool = thread_pool_create(0, "render")))
        rc = RENDER_ERR_NOMEM;
    if (rc == GPU_OK)
        rc = view_passes_create(r);
    if (rc != RENDER_OK) {
        renderer_destroy(&r);
        return rc;
    }
    *out = r;
    return RENDER_OK;
}

void renderer_destroy(struct renderer **out)
{
    struct renderer *r = *out;
    if (!r)
        return;
    *out = NULL;
    view_passes_destroy(r);
    thread_pool_destroy(&r->pool);
    if (r->gpu)
        vkDestroyDescriptorSetLayout(r->gpu->device, r->scene_layout, NULL);
    gpu_device_destroy(&r->gpu);
    free(r);
}

const char *renderer_device_name(const struct renderer *r)
{
    return r->gpu->props.deviceName;
}

void renderer_set_group_style(struct renderer *r, uint8_t group, const struct render_group_style *style)
{
    r->styles[group] = *style;
    r->styles_version++;
}

void render_settings_defaults(struct render_settings *s)
{
    *s = (struct render_settings) {
        .mode              = RENDER_MODE_REALTIME,
        .outputs           = 1u << RENDER_OUT_LDR_COLOR,
        .samples_per_pixel = 64,
        .max_bounces       = 4,
        .firefly_clamp     = 3200,
        .denoise           = true,
        .minimal_mode      = 3,
        .minimal_color     = { 0.5f, 0.5f, 0.5f },
    };
}

const struct render_output_info *render_output_info(enum render_output output)
{
    static const struct render_output_info table[RENDER_OUT_COUNT] = {
        [RENDER_OUT_LDR_COLOR]               = { "LdrColor", RENDER_U8, 4 },
        [RENDER_OUT_HDR_COLOR]               = { "HdrColor", RENDER_F16, 4 },
        [RENDER_OUT_NORMAL]                  = { "NormalSD", RENDER_F32, 4 },
        [RENDER_OUT_DEPTH]                   = { "DepthSD", RENDER_F32, 1 },
        [RENDER_OUT_DISTANCE_TO_CAMERA]      = { "DistanceToCameraSD", RENDER_F32, 1 },
        [RENDER_OUT_DISTANCE_TO_IMAGE_PLANE] = { "DistanceToImagePlaneSD", RENDER_F32, 1 },
        [RENDER_OUT_DIFFUSE_ALBEDO]          = { "DiffuseAlbedoSD", RENDER_U8, 4 },
        [RENDER_OUT_CAMERA_POSITION]         = { "Camera3dPositionSD", RENDER_F32, 4 },
        [RENDER_OUT_INSTANCE_SEGMENTATION]   = { "InstanceSegmentationSD", RENDER_U32, 1 },
        [RENDER_OUT_SEMANTIC_SEGMENTATION]   = { "SemanticSegmentation", RENDER_U32, 1 },
    };
    return (unsigned)output < RENDER_OUT_COUNT ? &table[output] : NULL;
}
