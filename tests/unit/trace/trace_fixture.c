#include "trace_fixture.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bvh_scene.h"
#include "clock.h"
#include "image.h"
#include "light.h"
#include "log.h"
#include "texture.h"

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: error %d\n", what, rc);
    abort();
}

static void make_image(struct trace_fixture *f, struct gpu_image *out, VkFormat format)
{
    check(gpu_image_create(f->renderer->gpu, out,
                           &(struct gpu_image_desc) { .format = format,
                                                      .width  = f->width,
                                                      .height = f->height,
                                                      .usage  = VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
                                                      .name   = "fixture" }),
          "image");
}

void fixture_create(struct trace_fixture *f, uint32_t width, uint32_t height)
{
    *f = (struct trace_fixture) { .width = width, .height = height, .max_bounces = 3 };
    if (renderer_create(&f->renderer, &(struct render_params) { .gpu_index = -1, .validation = true }) < 0) {
        fprintf(stderr, "skipped: no Vulkan device\n");
        exit(77);
    }
    check(render_scene_create(f->renderer, &f->scene), "scene");
    if (!f->scene->bvh)
        check(scene_bvh_create(f->scene, &f->scene->bvh), "bvh");
    check(pass_trace_create(f->renderer, &f->trace), "trace");
    check(pass_trace_compile(f->trace), "trace compile");
    check(pass_denoise_create(f->renderer, &f->denoise), "denoise");
    check(pass_denoise_compile(f->denoise), "denoise compile");
    make_image(f, &f->images.radiance, VK_FORMAT_R32G32B32A32_SFLOAT);
    make_image(f, &f->images.albedo, VK_FORMAT_R16G16B16A16_SFLOAT);
    make_image(f, &f->images.normal, VK_FORMAT_R16G16B16A16_SFLOAT);
    make_image(f, &f->images.moments, VK_FORMAT_R32G32_SFLOAT);
    make_image(f, &f->denoised, VK_FORMAT_R16G16B16A16_SFLOAT);
    check(gpu_buffer_create(f->renderer->gpu, &f->readback, (VkDeviceSize)width * height * 16,
                            VK_BUFFER_USAGE_TRANSFER_DST_BIT, GPU_MEMORY_READBACK, "readback"),
          "readback");
}

void fixture_destroy(struct trace_fixture *f)
{
    struct gpu_device *dev = f->renderer->gpu;
    gpu_timeline_wait(dev, gpu_timeline_submitted(dev), UINT64_MAX);
    pass_trace_destroy(&f->trace);
    pass_denoise_destroy(&f->denoise);
    gpu_image_destroy(dev, &f->images.radiance);
    gpu_image_destroy(dev, &f->images.albedo);
    gpu_image_destroy(dev, &f->images.normal);
    gpu_image_destroy(dev, &f->images.moments);
    gpu_image_destroy(dev, &f->denoised);
    gpu_buffer_destroy(dev, &f->readback);
    render_scene_destroy(&f->scene);
    renderer_destroy(&f->renderer);
}

void fixture_clear(struct trace_fixture *f) { render_scene_clear(f->scene); }

void fixture_look(struct trace_fixture *f, const double eye[3], const double target[3], double degrees)
{
    double z[3], x[3], y[3], up[3] = { 0, 1, 0 };
    double length = 0;
    for (int i = 0; i < 3; i++) {
        z[i] = eye[i] - target[i];
        length += z[i] * z[i];
    }
    for (int i = 0; i < 3; i++)
        z[i] /= sqrt(length);
    if (fabs(z[1]) > 0.999) {
        up[1] = 0;
        up[2] = -1;
    }
    for (int i = 0; i < 3; i++)
        x[i] = up[(i + 1) % 3] * z[(i + 2) % 3] - up[(i + 2) % 3] * z[(i + 1) % 3];
    length = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
    for (int i = 0; i < 3; i++)
        x[i] /= length;
    for (int i = 0; i < 3; i++)
        y[i] = z[(i + 1) % 3] * x[(i + 2) % 3] - z[(i + 2) % 3] * x[(i + 1) % 3];
    f->camera = (struct render_camera) {
        .transform = { x[0], x[1], x[2], 0, y[0], y[1], y[2], 0, z[0], z[1], z[2], 0, eye[0], eye[1], eye[2], 1 },
        .focal_length        = 10,
        .horizontal_aperture = (float)(20 * tan(degrees * M_PI / 360)),
        .vertical_aperture   = (float)(20 * tan(degrees * M_PI / 360)),
        .clip_near           = 0.001f,
        .clip_far            = 1e6f,
        .exposure_scale      = 1,
    };
}

render_id fixture_quad(struct trace_fixture *f, const float corner[3], const float edge_u[3], const float edge_v[3])
{
    float points[12];
    for (int i = 0; i < 3; i++) {
        points[i]     = corner[i];
        points[3 + i] = corner[i] + edge_u[i];
        points[6 + i] = corner[i] + edge_u[i] + edge_v[i];
        points[9 + i] = corner[i] + edge_v[i];
    }
    static const float st[8]          = { 0, 0, 1, 0, 1, 1, 0, 1 };
    static const int32_t counts[1]    = { 4 }, indices[4] = { 0, 1, 2, 3 };
    const struct render_primvar uv    = { .name = "st", .interpolation = RENDER_VERTEX, .components = 2, .count = 4, .values = st };
    const struct render_mesh_desc desc = {
        .name = "quad", .points = points, .point_count = 4, .face_vertex_counts = counts, .face_count = 1,
        .face_vertex_indices = indices, .face_vertex_count = 4, .primvars = &uv, .primvar_count = 1, .double_sided = true,
    };
    render_id mesh = 0;
    check(render_mesh_create(f->scene, &desc, &mesh), "quad");
    return mesh;
}

render_id fixture_sphere(struct trace_fixture *f, double radius)
{
    render_id mesh = 0;
    check(render_shape_create(f->scene, &(struct render_shape_desc) { .name = "sphere", .shape = RENDER_SPHERE, .axis = 'Y', .radius = radius }, &mesh),
          "sphere");
    return mesh;
}

render_id fixture_place(struct trace_fixture *f, render_id mesh, render_id material, const double offset[3])
{
    struct render_instance_desc desc = { .mesh = mesh, .materials = &material, .material_count = 1, .visible = true,
                                         .transform = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 } };
    for (int i = 0; offset && i < 3; i++)
        desc.transform[12 + i] = offset[i];
    render_id id = 0;
    check(render_instance_create(f->scene, &desc, &id), "instance");
    return id;
}

render_id fixture_diffuse(struct trace_fixture *f, float r, float g, float b)
{
    struct render_material_desc desc;
    render_material_defaults(&desc);
    desc.use_specular_workflow = true; // specular colour 0: no reflection
    memset(desc.specular_color.value, 0, sizeof(desc.specular_color.value));
    desc.diffuse_color.value[0] = r;
    desc.diffuse_color.value[1] = g;
    desc.diffuse_color.value[2] = b;
    render_id id = 0;
    check(render_material_create(f->scene, &desc, &id), "material");
    return id;
}

static struct SceneFrame frame_of(struct trace_fixture *f)
{
    struct SceneFrame frame = { 0 };
    camera_setup(&f->camera, f->width, f->height, (vec2) { 0, 0 }, &frame);
    frame.light_count    = scene_lights_count(f->scene);
    frame.instance_count = (uint32_t)f->scene->instances.count;
    return frame;
}

void fixture_settle(struct trace_fixture *f)
{
    for (int i = 0; i < 2000; i++) {
        VkCommandBuffer cmd = gpu_commands_begin(f->renderer->gpu);
        uint32_t lights     = f->scene->versions.lights;
        check(render_scene_upload(f->scene, cmd), "upload");
        check(scene_bvh_update(f->scene, cmd), "bvh update");
        uint64_t value = gpu_commands_submit(f->renderer->gpu);
        gpu_timeline_wait(f->renderer->gpu, value, UINT64_MAX);
        bool dome = scene_lights_pending(f->scene);
        if (!scene_textures_pending(f->scene) && !dome && scene_bvh_ready(f->scene) && lights == f->scene->versions.lights)
            return;
        clock_sleep_until_ns(clock_mono_ns() + 2000000);
    }
    fprintf(stderr, "the scene did not settle\n");
    abort();
}

static double seconds;

double fixture_seconds(void) { return seconds; }

static uint64_t read_back(struct trace_fixture *f, VkCommandBuffer cmd, const struct gpu_image *image)
{
    gpu_barrier_transfer(cmd);
    vkCmdCopyImageToBuffer(cmd, image->handle, VK_IMAGE_LAYOUT_GENERAL, f->readback.handle, 1,
                           &(VkBufferImageCopy) { .imageSubresource = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1 },
                                                  .imageExtent      = { f->width, f->height, 1 } });
    gpu_barrier_host(cmd);
    uint64_t value = gpu_commands_submit(f->renderer->gpu);
    gpu_timeline_wait(f->renderer->gpu, value, UINT64_MAX);
    return value;
}

float *fixture_trace(struct trace_fixture *f, uint32_t samples)
{
    fixture_settle(f);
    seconds = 0;
    for (uint32_t i = 0; i < samples; i++) {
        VkCommandBuffer cmd     = gpu_commands_begin(f->renderer->gpu);
        struct SceneFrame frame = frame_of(f);
        struct pass_context c   = { f->renderer, f->renderer->gpu, f->scene, cmd, { 0 }, &frame };
        check(render_scene_upload(f->scene, cmd), "upload");
        check(scene_bvh_update(f->scene, cmd), "bvh update");
        check(render_scene_set(f->scene, &frame, &c.scene_set), "set");
        check(pass_trace_record(f->trace, &c, &(struct pass_trace_args) {
                  .out            = &f->images,
                  .tiles          = { 0, pass_tile_count(f->width, f->height) },
                  .sample         = i,
                  .max_bounces    = f->max_bounces,
                  .technique      = f->technique,
                  .firefly_clamp  = f->firefly_clamp,
                  .lens_radius    = f->lens_radius,
                  .focus_distance = f->focus_distance,
              }),
              "record");
        int64_t start = clock_mono_ns();
        gpu_timeline_wait(f->renderer->gpu, gpu_commands_submit(f->renderer->gpu), UINT64_MAX);
        seconds += (double)(clock_mono_ns() - start) * 1e-9;
    }
    read_back(f, gpu_commands_begin(f->renderer->gpu), &f->images.radiance);
    size_t count = (size_t)f->width * f->height;
    float *out   = malloc(count * 16);
    memcpy(out, f->readback.map, count * 16);
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++)
            out[4 * i + c] /= out[4 * i + 3];
    return out;
}

float *fixture_denoise(struct trace_fixture *f, float strength)
{
    VkCommandBuffer cmd     = gpu_commands_begin(f->renderer->gpu);
    struct SceneFrame frame = frame_of(f);
    struct pass_context c   = { f->renderer, f->renderer->gpu, f->scene, cmd, { 0 }, &frame };
    check(pass_denoise_record(f->denoise, &c, &(struct pass_denoise_args) {
              .in = &f->images, .out = &f->denoised, .strength = strength }), "denoise");
    int64_t start = clock_mono_ns();
    read_back(f, cmd, &f->denoised);
    seconds      = (double)(clock_mono_ns() - start) * 1e-9;
    size_t count = (size_t)f->width * f->height * 4;
    float *out   = malloc(count * 4);
    for (size_t i = 0; i < count; i++)
        out[i] = image_unhalf(((const uint16_t *)f->readback.map)[i]);
    return out;
}

void fixture_write_png(const char *path, const float *rgba, uint32_t width, uint32_t height, float exposure)
{
    uint8_t *bytes = malloc((size_t)width * height * 3);
    for (size_t i = 0; i < (size_t)width * height; i++)
        for (int c = 0; c < 3; c++) {
            float v          = image_srgb_encode(fminf(fmaxf(rgba[4 * i + c] * exposure, 0), 1));
            bytes[3 * i + c] = (uint8_t)lrintf(v * 255);
        }
    png_image image = { .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGB };
    png_image_write_to_file(&image, path, 0, bytes, 0, NULL);
    free(bytes);
}
