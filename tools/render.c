#include "render.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovrtx/ovrtx.h>
#include <ovrtx/ovrtx_attributes.h>
#include <ovrtx/ovrtx_config.h>
#include <ovrtx/ovrtx_ext.h>

#include "clock.h"
#include "command.h"

// Extensions, absent from other implementations of the interface.
typedef ovrtx_result_t stats_fn(ovrtx_renderer_t *, ovx_string_t, ovrtx_ext_product_stats_t *);

struct job {
    const struct render_options *options;
    ovrtx_renderer_t *renderer;
    stats_fn *stats;
    bool bar; // stderr is a terminal, or was asked to be told
    int64_t last_shown;
};

static ovx_string_t text_of(const char *text) { return (ovx_string_t) { text, strlen(text) }; }

static bool fail(const char *what)
{
    ovx_string_t why = ovrtx_get_last_error();
    fprintf(stderr, "stagecast render: %s: %.*s\n", what, (int)why.length, why.ptr);
    return false;
}

static void print_log(ovrtx_log_severity_t severity, double timestamp, ovx_string_t message, void *user)
{
    const char *mark = severity >= OVRTX_LOG_ERROR ? "error: " : severity == OVRTX_LOG_WARNING ? "warning: " : "";
    fprintf(stderr, "%s%s%.*s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", mark, (int)message.length, message.ptr);
}

static void show_progress(struct job *job, const char *what, double done)
{
    int64_t now = clock_mono_ns();
    if (!job->bar || (done < 1 && now - job->last_shown < 100000000))
        return;
    job->last_shown = now;
    char cells[31];
    for (int i = 0; i < 30; i++)
        cells[i] = i < (int)(done * 30) ? '#' : '-';
    cells[30] = 0;
    fprintf(stderr, "\r%-9s [%s] %3d%%%s", what, cells, (int)(done * 100), done >= 1 ? "\n" : "");
    fflush(stderr);
}

// Waits for an operation; its own failure ends the job, warnings of earlier ones do not exist.
static bool wait_for(struct job *job, ovrtx_enqueue_result_t queued, const char *what)
{
    if (queued.status != OVRTX_API_SUCCESS)
        return fail(what);
    ovrtx_op_wait_result_t result;
    for (;;) {
        ovrtx_result_t waited = ovrtx_wait_op(job->renderer, queued.op_index, (ovrtx_timeout_t) { 100000000 }, &result);
        if (result.num_error_ops) {
            ovx_string_t why = ovrtx_get_last_op_error(result.error_op_ids[0]);
            fprintf(stderr, "stagecast render: %s: %.*s\n", what, (int)why.length, why.ptr);
            return false;
        }
        if (waited.status == OVRTX_API_SUCCESS)
            return true;
        if (waited.status == OVRTX_API_ERROR)
            return fail(what);
        ovrtx_op_status_t status;
        if (ovrtx_query_op_status(job->renderer, queued.op_index, &status).status == OVRTX_API_SUCCESS) {
            if (status.progress >= 0)
                show_progress(job, what, status.progress < 0.99 ? status.progress : 0.99);
            ovrtx_release_op_status(job->renderer, &status);
        }
    }
}

static bool set_samples(struct job *job, uint32_t samples)
{
    ovx_string_t path = text_of(RENDER_PRODUCT);
    size_t one        = 1;
    int32_t value     = (int32_t)samples;
    DLDataType type   = { kDLInt, 32, 1 };
    ovrtx_binding_desc_or_handle_t binding = ovrtx_make_binding_desc(&path, 1, text_of("omni:rtx:pt:samplesPerPixel"), OVRTX_SEMANTIC_NONE, type);
    DLTensor tensor            = ovrtx_make_write_cpu_tensor(&value, &one, type);
    ovrtx_input_buffer_t input = { .tensors = &tensor, .tensor_count = 1 };
    return wait_for(job, ovrtx_write_attribute(job->renderer, &binding, &input, OVRTX_DATA_ACCESS_SYNC), "settings");
}

static bool step(struct job *job, ovrtx_step_result_handle_t *out)
{
    ovx_string_t product           = text_of(RENDER_PRODUCT);
    ovrtx_render_product_set_t set = { &product, 1 };
    return wait_for(job, ovrtx_step(job->renderer, set, 0, out), "rendering");
}

static uint32_t samples_so_far(struct job *job, bool *converged)
{
    ovrtx_ext_product_stats_t stats = { .struct_size = sizeof(stats) };
    *converged = false;
    if (!job->stats || job->stats(job->renderer, text_of(RENDER_PRODUCT), &stats).status != OVRTX_API_SUCCESS)
        return 0;
    *converged = stats.converged;
    return stats.samples;
}

// The var's handle in a step's result; waits for the pixels, so that a step's time is seen.
static bool map_result(struct job *job, ovrtx_step_result_handle_t result, ovrtx_render_var_output_t *out)
{
    ovrtx_render_product_set_outputs_t outputs;
    if (ovrtx_fetch_results(job->renderer, result, ovrtx_timeout_infinite, &outputs).status != OVRTX_API_SUCCESS)
        return fail("rendering");
    const ovrtx_render_product_frame_output_t *frame = &outputs.outputs[0].output_frames[0];
    if (!frame->render_var_count) {
        fprintf(stderr, "stagecast render: the renderer has no output named %s; --help lists them\n", job->options->aov);
        return false;
    }
    ovrtx_map_output_description_t cpu = { OVRTX_MAP_DEVICE_TYPE_CPU, 0 };
    if (ovrtx_map_render_var_output(job->renderer, frame->output_render_vars[0].output_handle, &cpu, ovrtx_timeout_infinite, out).status
        != OVRTX_API_SUCCESS)
        return fail(job->options->aov);
    return true;
}

#define MAX_TEXTURE_WAIT_NS 20000000000
#define MAX_IDLE_STEPS 8 // without a new sample: the renderer will not do more

// Steps until the samples are there; the last result stays mapped.
static bool accumulate(struct job *job, ovrtx_step_result_handle_t *result, ovrtx_render_var_output_t *mapped)
{
    const struct render_options *o = job->options;
    bool path = !strcmp(o->mode, "PathTracing"), minimal = !strcmp(o->mode, "Minimal");
    uint32_t want = minimal ? 1 : o->samples, slice = path && want > 32 ? want / 16 : 1, asked = 0, last = 0, idle = 0;
    int64_t start = clock_mono_ns();
    for (;;) {
        bool converged = false;
        asked          = path && want - asked > slice ? asked + slice : want;
        if ((path && !set_samples(job, asked)) || !step(job, result) || !map_result(job, *result, mapped))
            return false;
        // Without the extension a step counts as what it was asked for.
        uint32_t done = samples_so_far(job, &converged);
        if (!job->stats)
            done = asked;
        // The first picture of minimal mode may come before its textures.
        if (minimal && job->stats && !converged && clock_mono_ns() - start < MAX_TEXTURE_WAIT_NS)
            done = 0;
        idle = done > last || minimal ? 0 : idle + 1;
        last = done;
        // In pt mode a picture is complete for what was asked so far.
        bool enough = done >= want || (converged && asked >= want) || idle >= MAX_IDLE_STEPS;
        show_progress(job, "rendering", enough ? 1 : (double)done / want);
        if (enough)
            return true;
        ovrtx_unmap_render_var_output(job->renderer, mapped->map_handle, (ovrtx_cuda_sync_t) { 0 });
        ovrtx_destroy_results(job->renderer, *result);
    }
}

static bool save(const struct job *job, const ovrtx_render_var_output_t *mapped)
{
    const DLTensor *t = mapped->tensors[0].dl;
    if (t->ndim != 3) {
        fprintf(stderr, "stagecast render: %s is no picture\n", job->options->aov);
        return false;
    }
    struct picture_data p = { .width = (uint32_t)t->shape[1], .height = (uint32_t)t->shape[0], .channels = (uint32_t)t->shape[2],
                              .pixels = (const char *)t->data + t->byte_offset };
    p.kind = t->dtype.code == kDLFloat ? (t->dtype.bits == 16 ? PICTURE_HALF : PICTURE_FLOAT) : t->dtype.bits == 8 ? PICTURE_U8 : PICTURE_U32;
    return picture_write(job->options->output, &p);
}

static bool render(struct job *job, const struct render_scene_facts *facts)
{
    const struct render_options *o = job->options;
    if (!wait_for(job, ovrtx_open_usd_from_string(job->renderer, text_of(facts->layer)), "loading"))
        return false;
    if (o->has_time && !wait_for(job, ovrtx_update_stage_from_usd_time(job->renderer, o->time), "time"))
        return false;
    ovrtx_step_result_handle_t result = 0;
    ovrtx_render_var_output_t mapped;
    if (!accumulate(job, &result, &mapped) || !save(job, &mapped))
        return false;
    ovrtx_unmap_render_var_output(job->renderer, mapped.map_handle, (ovrtx_cuda_sync_t) { 0 });
    ovrtx_destroy_results(job->renderer, result);
    if (!facts->has_light && !o->default_light && !o->quiet && (!strcmp(o->aov, "LdrColor") || !strcmp(o->aov, "HdrColor")))
        fprintf(stderr, "The scene has no light, so the picture is dark: add --default-light.\n");
    return true;
}

int render_run(int argc, char **argv)
{
    struct render_options options;
    enum parse_result parsed = render_options_parse(&options, argc, argv);
    if (parsed != PARSE_OK)
        return parsed == PARSE_HELP ? EXIT_OK : EXIT_BAD_USE;

    struct render_scene_facts facts;
    struct job job = { .options = &options, .bar = !options.quiet && isatty(STDERR_FILENO) };
    void *symbol   = dlsym(RTLD_DEFAULT, "ovrtx_ext_get_product_stats");
    memcpy(&job.stats, &symbol, sizeof(symbol));
    bool ok = render_scene_facts(&facts, &options);
    ovrtx_config_t config = { NULL, 0 };
    if (ok) {
        ok = ovrtx_create_renderer(&config, &job.renderer).status == OVRTX_API_SUCCESS || fail("no renderer");
        if (ok) {
            ovrtx_set_log_callback(options.verbose ? OVRTX_LOG_INFO : options.quiet ? OVRTX_LOG_ERROR : OVRTX_LOG_WARNING, NULL, print_log, NULL);
            ok = render(&job, &facts);
            ovrtx_flush_log((ovrtx_timeout_t) { 1000000000 });
            ovrtx_destroy_renderer(job.renderer);
        }
    }
    render_scene_facts_finish(&facts);
    return ok ? EXIT_OK : EXIT_FAILED;
}
