#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_device.h"

void stage_open(struct stage *s, uint32_t width, uint32_t height)
{
    const struct render_params params = {
        .gpu_index = -1, .validation = true, .outline_enabled = true, .outline_width = 3, .fill_mode = 0 };
    *s = (struct stage) { .width = width, .height = height };
    if (renderer_create(&s->renderer, &params) != RENDER_OK) {
        fprintf(stderr, "no usable Vulkan device: skipped\n");
        exit(77);
    }
    assert_int_equal(render_scene_create(s->renderer, &s->scene), RENDER_OK);
    assert_int_equal(render_view_create(s->renderer, s->scene, width, height, &s->view), RENDER_OK);
    render_settings_defaults(&s->desc.settings);
    s->desc.settings.mode = RENDER_MODE_MINIMAL; // rasterised alone, unless a test asks for more
    s->desc.camera        = (struct render_camera) {
               .focal_length = 10, .horizontal_aperture = 20, .vertical_aperture = 10, // 90 degrees across
               .clip_near = 0.5f, .clip_far = 100, .exposure_scale = 1,
    };
    stage_translation(s->desc.camera.transform, 0, 0, 0);
}

void stage_close(struct stage *s)
{
    render_frame_destroy(&s->frame);
    render_view_destroy(&s->view);
    render_scene_destroy(&s->scene);
    renderer_destroy(&s->renderer);
    assert_int_equal(gpu_validation_errors(), 0);
}

void stage_draw(struct stage *s)
{
    render_frame_destroy(&s->frame);
    assert_int_equal(render_view_render(s->view, &s->desc, &s->frame), RENDER_OK);
    assert_int_equal(render_frame_wait(s->frame, UINT64_MAX), RENDER_OK);
}

const void *stage_map(struct stage *s, enum render_output output)
{
    const void *data = NULL;
    assert_int_equal(render_frame_map(s->frame, output, &data), RENDER_OK);
    assert_non_null(data);
    return data;
}

void stage_translation(double m[16], double x, double y, double z)
{
    memcpy(m, (double[16]) { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1 }, 16 * sizeof(*m));
}

render_id stage_shape(struct stage *s, enum render_shape shape, double size)
{
    render_id id;
    assert_int_equal(render_shape_create(s->scene,
                                         &(struct render_shape_desc) { .name = "shape", .shape = shape, .axis = 'Z',
                                                                       .size = size, .radius = size, .height = size,
                                                                       .width = size, .length = size },
                                         &id),
                     RENDER_OK);
    return id;
}

render_id stage_material(struct stage *s, float r, float g, float b)
{
    struct render_material_desc d;
    render_id id;
    render_material_defaults(&d);
    memcpy(d.diffuse_color.value, (float[4]) { r, g, b, 1 }, sizeof(d.diffuse_color.value));
    d.roughness.value[0] = 1;
    assert_int_equal(render_material_create(s->scene, &d, &id), RENDER_OK);
    return id;
}

render_id stage_instance(struct stage *s, render_id mesh, render_id material, double x, double y, double z, uint32_t id)
{
    struct render_instance_desc d = { .mesh = mesh, .materials = &material, .material_count = 1, .instance_id = id,
                                      .semantic_id = id * 10, .user = id * 1000u, .visible = true, .pickable = true };
    render_id out;
    stage_translation(d.transform, x, y, z);
    assert_int_equal(render_instance_create(s->scene, &d, &out), RENDER_OK);
    return out;
}

render_id stage_dome(struct stage *s, float r, float g, float b)
{
    struct render_light_desc d;
    render_id id;
    render_light_defaults(&d, RENDER_LIGHT_DOME);
    memcpy(d.color, (float[3]) { r, g, b }, sizeof(d.color));
    d.intensity = 1;
    d.exposure  = 0;
    stage_translation(d.transform, 0, 0, 0);
    assert_int_equal(render_light_create(s->scene, &d, &id), RENDER_OK);
    return id;
}

struct stage_pixel stage_pixel(struct stage *s, uint32_t x, uint32_t y)
{
    struct stage_pixel p;
    memcpy(&p, (const uint8_t *)stage_map(s, RENDER_OUT_LDR_COLOR) + 4 * ((size_t)y * s->width + x), sizeof(p));
    return p;
}
