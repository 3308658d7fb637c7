// Path tracing speed: tree building, rays per second by bounce count, denoising.
//
//     build/bench/tracer/bench-tracer [side of the picture] [repetitions] [picture.png]
//
// One line per measurement: what, work size, median, spread (lowest to highest), unit; the device first.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bvh.h"
#include "clock.h"
#include "thread.h"
#include "trace_fixture.h"
#include "shared/trace.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double *values, int count, const char *unit)
{
    qsort(values, (size_t)count, sizeof(*values), compare);
    printf("%-46s %9.2f  (%.2f to %.2f) %s\n", what, values[count / 2], values[0], values[count - 1], unit);
}

// A sphere with bumps: 2 n^2 triangles.
static void bumpy(int n, float **points, uint32_t **indices)
{
    *points  = malloc(sizeof(float) * 3 * (size_t)(n + 1) * (size_t)(n + 1));
    *indices = malloc(sizeof(uint32_t) * 6 * (size_t)n * (size_t)n);
    size_t at = 0;
    for (int y = 0; y <= n; y++) {
        for (int x = 0; x <= n; x++) {
            double u = 2 * M_PI * x / n, v = M_PI * y / n, r = 1 + 0.1 * sin(10 * u) * sin(9 * v);
            float *p = *points + 3 * (y * (n + 1) + x);
            p[0]     = (float)(r * cos(u) * sin(v));
            p[1]     = (float)(r * cos(v));
            p[2]     = (float)(-r * sin(u) * sin(v));
        }
    }
    for (uint32_t y = 0; y < (uint32_t)n; y++) {
        for (uint32_t x = 0; x < (uint32_t)n; x++) {
            uint32_t a = y * ((uint32_t)n + 1) + x, b = a + (uint32_t)n + 1;
            const uint32_t quad[6] = { a, b, a + 1, a + 1, b, b + 1 };
            memcpy(*indices + at, quad, sizeof(quad));
            at += 6;
        }
    }
}

static void bench_build(int repetitions)
{
    float *points;
    uint32_t *indices;
    const int n = 708; // 1.0 million triangles
    bumpy(n, &points, &indices);
    struct thread_pool *pool = thread_pool_create(0, "bench");
    double build[64], refit[64];
    for (int i = 0; i < repetitions; i++) {
        struct bvh bvh;
        int64_t start = clock_mono_ns();
        bvh_build_triangles(points, indices, 2 * (size_t)n * (size_t)n, pool, &bvh);
        int64_t built = clock_mono_ns();
        bvh_refit_triangles(&bvh, points, indices);
        build[i] = (double)(built - start) * 1e-6;
        refit[i] = (double)(clock_mono_ns() - built) * 1e-6;
        bvh_free(&bvh);
    }
    char what[64];
    snprintf(what, sizeof(what), "build a tree, 1.0 M triangles, %d threads", thread_cpu_count());
    report(what, build, repetitions, "ms");
    report("refit it, 1 thread", refit, repetitions, "ms");
    thread_pool_destroy(&pool);
    free(points);
    free(indices);
}

static void make_scene(struct trace_fixture *f)
{
    float *points;
    uint32_t *indices;
    const int n = 100;
    bumpy(n, &points, &indices);
    int32_t *counts = malloc(sizeof(int32_t) * 2 * (size_t)n * (size_t)n);
    for (int i = 0; i < 2 * n * n; i++)
        counts[i] = 3;
    render_id mesh = 0;
    render_mesh_create(f->scene,
                       &(struct render_mesh_desc) { .name = "bumpy", .points = points, .point_count = (size_t)(n + 1) * (size_t)(n + 1),
                                                    .face_vertex_counts = counts, .face_count = 2 * (size_t)n * (size_t)n,
                                                    .face_vertex_indices = (int32_t *)indices,
                                                    .face_vertex_count = 6 * (size_t)n * (size_t)n, .smooth = true },
                       &mesh);
    for (int i = 0; i < 49; i++) {
        struct render_material_desc m;
        render_material_defaults(&m);
        m.diffuse_color.value[0] = 0.2f + 0.1f * (float)(i % 7);
        m.diffuse_color.value[1] = 0.7f - 0.08f * (float)(i / 7);
        m.diffuse_color.value[2] = 0.3f;
        m.roughness.value[0]     = 0.05f + 0.15f * (float)(i % 7);
        m.metallic.value[0]      = i % 3 == 0;
        render_id material;
        render_material_create(f->scene, &m, &material);
        fixture_place(f, mesh, material, (double[]) { 2.4 * (i % 7 - 3), 1, 2.4 * (i / 7 - 3) });
    }
    render_id quad = fixture_quad(f, (float[]) { -20, 0, 20 }, (float[]) { 40, 0, 0 }, (float[]) { 0, 0, -40 });
    fixture_place(f, quad, fixture_diffuse(f, 0.6f, 0.6f, 0.6f), NULL);
    struct render_light_desc light;
    render_light_defaults(&light, RENDER_LIGHT_DOME);
    light.intensity = 0.5f;
    light.color[0]  = 0.7f;
    render_id id;
    render_light_create(f->scene, &light, &id);
    render_light_defaults(&light, RENDER_LIGHT_RECT);
    const double down[16] = { 1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 8, 0, 1 };
    memcpy(light.transform, down, sizeof(down));
    light.width = light.height = 5;
    light.intensity            = 4;
    render_light_create(f->scene, &light, &id);
    fixture_look(f, (double[]) { 9, 7, 13 }, (double[]) { 0, 0.5, 0 }, 45);
    free(points);
    free(indices);
    free(counts);
}

// Rays of the last sample, read from the device.
static uint64_t count_rays(struct trace_fixture *f)
{
    struct gpu_device *dev          = f->renderer->gpu;
    const struct gpu_buffer *counts = pass_trace_counts(f->trace);
    VkCommandBuffer cmd             = gpu_commands_begin(dev);
    gpu_barrier_transfer(cmd);
    vkCmdCopyBuffer(cmd, counts->handle, f->readback.handle, 1, &(VkBufferCopy) { 0, 0, counts->size });
    gpu_barrier_host(cmd);
    gpu_timeline_wait(dev, gpu_commands_submit(dev), UINT64_MAX);
    const uint32_t *c = f->readback.map;
    uint64_t sum      = 0;
    for (uint32_t i = 0; i <= f->max_bounces; i++)
        sum += c[2 * i] + c[2 * i + 1];
    return sum;
}

static void bench_trace(uint32_t side, int repetitions, const char *picture)
{
    struct trace_fixture f;
    fixture_create(&f, side, side);
    make_scene(&f);
    printf("device: %s\n", renderer_device_name(f.renderer));
    char what[96];
    int64_t start = clock_mono_ns();
    free(fixture_trace(&f, 1)); // compiles what the driver puts off, fills caches
    printf("%-46s %9.2f  ms\n", "first sample, compilation included", (double)(clock_mono_ns() - start) * 1e-6);
    for (uint32_t bounces = 0; bounces <= 4; bounces += bounces ? 3 : 1) {
        double rate[64], time[64];
        f.max_bounces = bounces;
        free(fixture_trace(&f, 1));
        for (int i = 0; i < repetitions; i++) {
            free(fixture_trace(&f, 1));
            time[i] = fixture_seconds() * 1e3;
            rate[i] = (double)count_rays(&f) / fixture_seconds() * 1e-6;
        }
        snprintf(what, sizeof(what), "sample of %ux%u, 980 k triangles, %u bounces", side, side, bounces);
        report(what, time, repetitions, "ms");
        report("  rays, shading included", rate, repetitions, "Mrays/s");
    }
    double time[64];
    for (int i = 0; i < repetitions; i++) {
        free(fixture_denoise(&f, 1));
        time[i] = fixture_seconds() * 1e3;
    }
    snprintf(what, sizeof(what), "denoise %ux%u, read back included", side, side);
    report(what, time, repetitions, "ms");
    if (picture) {
        char name[512];
        float *p = fixture_trace(&f, 4);
        fixture_write_png(picture, p, side, side, 1);
        float *d = fixture_denoise(&f, 1);
        snprintf(name, sizeof(name), "%s.denoised.png", picture);
        fixture_write_png(name, d, side, side, 1);
        free(p);
        free(d);
    }
    fixture_destroy(&f);
}

int main(int argc, char **argv)
{
    int side = argc > 1 ? atoi(argv[1]) : 512, repetitions = argc > 2 ? atoi(argv[2]) : 5;
    if (side < 8 || side > 1024 || repetitions < 1 || repetitions > 64) {
        fprintf(stderr, "usage: trace [side 8 to 1024] [repetitions 1 to 64] [picture.png]\n");
        return 2;
    }
    bench_build(repetitions);
    bench_trace((uint32_t)side, repetitions, argc > 3 ? argv[3] : NULL);
    return 0;
}
