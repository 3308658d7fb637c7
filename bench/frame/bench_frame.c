// How long each stage of a frame takes, from the camera write to the encoded picture, through the same API and
// code the server uses. Prints one line per stage: median, 95th percentile, milliseconds.
//
//     bench-frame SCENE [--size 1920x1080] [--frames 300] [--budget MS] [--rest] [--no-encode] [--save FILE.ppm]
//
// Without --rest the camera orbits a little every frame, as in a drag; with it the camera stands still.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ovrtx/ovrtx.h>
#include <ovrtx/ovrtx_attributes.h>
#include <ovrtx/ovrtx_config.h>
#include <ovrtx/ovrtx_ext.h>

#include "camera.h"
#include "clock.h"
#include "display.h"
#include "encode.h"
#include "root_layer.h"

#define MAX_FRAMES 10000
#define WARM_UP 10

enum stage { STAGE_STEP, STAGE_MAP, STAGE_DISPLAY, STAGE_YUV, STAGE_ENCODE, STAGE_TOTAL, STAGE_COUNT };
static const char *const stage_names[] = { "camera write + step", "fetch + map (wait for GPU)", "AOV to BGRA8",
                                           "BGRA8 to I420", "H.264 encode", "whole frame" };

struct options {
    const char *scene, *save;
    int width, height, frames;
    double budget_ms;
    bool rest, encode;
};

struct bench {
    struct options options;
    ovrtx_renderer_t *renderer;
    struct camera camera;
    struct convert_state *display;
    uint8_t *bgra;
    struct bench_encoder *encoder;
    double ms[STAGE_COUNT][MAX_FRAMES];
    size_t encoded_bytes;
};

static ovx_string_t text(const char *s) { return (ovx_string_t) { s, strlen(s) }; }

static void check(ovrtx_api_status_t status, const char *what)
{
    if (status == OVRTX_API_SUCCESS)
        return;
    ovx_string_t why = ovrtx_get_last_error();
    fprintf(stderr, "bench-frame: %s: %.*s\n", what, (int)why.length, why.ptr);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(struct bench *b, const char *device)
{
    int n = b->options.frames;
    printf("%s, %dx%d, %s, %d frames on %s\n", b->options.scene, b->options.width, b->options.height,
           b->options.rest ? "at rest" : "orbiting", n, device);
    for (int s = 0; s < STAGE_COUNT; s++) {
        if (!b->options.encode && (s == STAGE_YUV || s == STAGE_ENCODE))
            continue;
        qsort(b->ms[s], (size_t)n, sizeof(double), compare);
        printf("  %-28s median %7.2f ms   p95 %7.2f ms\n", stage_names[s], b->ms[s][n / 2], b->ms[s][n * 95 / 100]);
    }
    printf("  frames per second (1 / median) %.1f\n", 1000 / b->ms[STAGE_TOTAL][n / 2]);
    if (b->options.encode)
        printf("  encoded %.0f kB per frame\n", (double)b->encoded_bytes / n / 1000);
}

static const char *parse(struct options *o, int argc, char **argv)
{
    *o = (struct options) { .width = 1920, .height = 1080, .frames = 300, .encode = true };
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(a, "--rest"))
            o->rest = true;
        else if (!strcmp(a, "--no-encode"))
            o->encode = false;
        else if (!strcmp(a, "--size") && next && sscanf(argv[++i], "%dx%d", &o->width, &o->height) == 2)
            continue;
        else if (!strcmp(a, "--frames") && next)
            o->frames = atoi(argv[++i]);
        else if (!strcmp(a, "--budget") && next)
            o->budget_ms = atof(argv[++i]);
        else if (!strcmp(a, "--save") && next)
            o->save = argv[++i];
        else if (a[0] != '-' && !o->scene)
            o->scene = a;
        else
            return a;
    }
    return o->scene && o->frames > 0 && o->frames <= MAX_FRAMES ? NULL : "a scene and --frames 1 to 10000";
}

static void open_scene(struct bench *b)
{
    char path[4096], error[512];
    if (!realpath(b->options.scene, path)) {
        perror(b->options.scene);
        exit(1);
    }
    struct root_layer_metadata metadata = { 0 };
    struct root_layer_desc desc         = { .scene = path, .metadata = &metadata, .camera = &b->camera,
                                            .width = b->options.width, .height = b->options.height };
    char *layer = root_layer_text(&desc, error, sizeof(error));
    if (!layer) {
        fprintf(stderr, "bench-frame: %s\n", error);
        exit(1);
    }
    check(ovrtx_open_usd_from_string(b->renderer, text(layer)).status, "open");
    free(layer);
    ovrtx_ext_bounds_t bounds;
    check(ovrtx_ext_get_bounds(b->renderer, text(""), &bounds).status, "bounds");
    struct camera_bounds fit = { .empty = bounds.min[0] > bounds.max[0] };
    memcpy(fit.min, bounds.min, sizeof(fit.min));
    memcpy(fit.max, bounds.max, sizeof(fit.max));
    camera_first_direction(&b->camera, &fit);
    camera_fit(&b->camera, &fit, 0.01);
    ovx_string_t ldr = text("LdrColor");
    check(ovrtx_ext_select_outputs(b->renderer, text(VIEWER_PRODUCT), &ldr, 1).status, "outputs");
    check(ovrtx_ext_set_frame_budget(b->renderer, text(VIEWER_PRODUCT), b->options.budget_ms).status, "budget");
}

static const DLTensor *map_color(struct bench *b, ovrtx_step_result_handle_t step, ovrtx_render_var_output_t *out)
{
    ovrtx_render_product_set_outputs_t outputs;
    check(ovrtx_fetch_results(b->renderer, step, ovrtx_timeout_infinite, &outputs).status, "fetch");
    const ovrtx_render_product_frame_output_t *frame = &outputs.outputs[0].output_frames[0];
    for (size_t i = 0; i < frame->render_var_count; i++) {
        ovx_string_t name = frame->output_render_vars[i].render_var_name;
        if (name.length != 8 || memcmp(name.ptr, "LdrColor", 8))
            continue;
        ovrtx_map_output_description_t where = { .device_type = OVRTX_MAP_DEVICE_TYPE_CPU };
        check(ovrtx_map_render_var_output(b->renderer, frame->output_render_vars[i].output_handle, &where,
                                          ovrtx_timeout_infinite, out).status, "map");
        return out->tensors[0].dl;
    }
    fprintf(stderr, "bench-frame: the step gave no LdrColor\n");
    exit(1);
}

static void one_frame(struct bench *b, int at)
{
    double times[STAGE_COUNT] = { 0 };
    int64_t t0                = clock_mono_ns();
    if (!b->options.rest || at == -WARM_UP) {
        ovrtx_xform_matrix44d_t matrix;
        ovx_string_t path = text(VIEWER_CAMERA);
        camera_orbit(&b->camera, 3, at / 60 % 2 ? 1 : -1);
        camera_matrix(&b->camera, matrix.v);
        check(ovrtx_set_xform_mat(b->renderer, &path, 1, &matrix).status, "camera");
    }
    ovx_string_t product             = text(VIEWER_PRODUCT);
    ovrtx_render_product_set_t set   = { &product, 1 };
    ovrtx_step_result_handle_t step;
    ovrtx_render_var_output_t mapped = { 0 };
    check(ovrtx_step(b->renderer, set, 1.0 / 60, &step).status, "step");
    int64_t t1            = clock_mono_ns();
    const DLTensor *color = map_color(b, step, &mapped);
    int64_t t2            = clock_mono_ns();
    struct convert_settings settings = { 0 };
    convert_image(b->display, AOV_LDR, color, &settings, b->bgra, b->options.width, b->options.height);
    int64_t t3 = clock_mono_ns();
    ovrtx_unmap_render_var_output(b->renderer, mapped.map_handle, (ovrtx_cuda_sync_t) { 0 });
    ovrtx_destroy_results(b->renderer, step);
    times[STAGE_STEP]    = (double)(t1 - t0) / 1e6;
    times[STAGE_MAP]     = (double)(t2 - t1) / 1e6;
    times[STAGE_DISPLAY] = (double)(t3 - t2) / 1e6;
    if (b->encoder)
        b->encoded_bytes += bench_encode(b->encoder, b->bgra, &times[STAGE_YUV], &times[STAGE_ENCODE]);
    times[STAGE_TOTAL] = (double)(clock_mono_ns() - t0) / 1e6;
    for (int s = 0; at >= 0 && s < STAGE_COUNT; s++)
        b->ms[s][at] = times[s];
}

static void save_ppm(const struct bench *b)
{
    FILE *f = fopen(b->options.save, "wb");
    if (!f) {
        perror(b->options.save);
        return;
    }
    fprintf(f, "P6\n%d %d\n255\n", b->options.width, b->options.height);
    for (int i = 0; i < b->options.width * b->options.height; i++) {
        const uint8_t *p = b->bgra + 4 * (size_t)i;
        fwrite((uint8_t[]) { p[2], p[1], p[0] }, 1, 3, f);
    }
    fclose(f);
}

int main(int argc, char **argv)
{
    int64_t start        = clock_mono_ns();
    static struct bench b;
    const char *bad = parse(&b.options, argc, argv);
    if (bad) {
        fprintf(stderr, "bench-frame: expected %s\n", bad);
        return 2;
    }
    ovrtx_config_entry_t entries[] = { ovrtx_config_entry_sync_mode(true),
                                       ovrtx_config_entry_selection_outline_enabled(true) };
    ovrtx_config_t config          = { .entries = entries, .entry_count = 2 };
    check(ovrtx_create_renderer(&config, &b.renderer).status, "renderer");
    camera_init(&b.camera, b.options.width, b.options.height);
    b.display = calloc(1, sizeof(*b.display));
    b.bgra    = malloc((size_t)b.options.width * b.options.height * 4);
    if (b.options.encode) {
        b.encoder = bench_encoder_create(b.options.width, b.options.height);
        if (!b.encoder)
            return 1;
    }
    open_scene(&b);
    for (int i = -WARM_UP; i < b.options.frames; i++) {
        one_frame(&b, i);
        if (i == -WARM_UP)
            printf("first frame %.0f ms after process start\n", (double)(clock_mono_ns() - start) / 1e6);
    }
    ovrtx_ext_product_stats_t stats = { .struct_size = sizeof(stats) };
    check(ovrtx_ext_get_product_stats(b.renderer, text(VIEWER_PRODUCT), &stats).status, "stats");
    report(&b, stats.device_name);
    printf("  GPU %.2f ms (raster %.2f, trace %.2f, denoise %.2f, resolve %.2f); %u samples, scale %.2f%s\n", stats.gpu_ms,
           stats.raster_ms, stats.trace_ms, stats.denoise_ms, stats.resolve_ms, stats.samples, stats.resolution_scale,
           stats.converged ? ", converged" : "");
    printf("  %llu triangles, %llu instances, %.1f MB on the device, populate %.1f ms\n",
           (unsigned long long)stats.triangles, (unsigned long long)stats.instances, (double)stats.device_bytes / 1e6,
           stats.populate_ms);
    if (b.options.save)
        save_ppm(&b);
    if (b.encoder)
        printf("  encoder %s\n", bench_encoder_name(b.encoder));
    bench_encoder_destroy(&b.encoder);
    ovrtx_destroy_renderer(b.renderer);
    free(b.bgra);
    free(b.display);
    return 0;
}
