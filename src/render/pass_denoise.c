#include "pass_denoise.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "shared/denoise.h"

static const uint32_t prepare_spv[] = {
#include "denoise_prepare.comp.spv.h"
};
static const uint32_t filter_spv[] = {
#include "denoise_filter.comp.spv.h"
};
static const uint32_t finish_spv[] = {
#include "denoise_finish.comp.spv.h"
};

#define LUMINANCE_SIGMA 6.0f
#define LEVELS_CPU 4 // of 3x3 taps: a quarter of the time, and the same reach
#define LEVELS_GPU 4 // of 5x5 taps

enum kernel { PREPARE, FILTER, FINISH, KERNEL_COUNT };

struct pass_denoise {
    struct gpu_device *gpu;
    struct gpu_pipeline kernels[KERNEL_COUNT];
    atomic_bool ready;
    struct gpu_image packed[2]; // at least as large as the traced picture
};

int pass_denoise_create(struct renderer *r, struct pass_denoise **out)
{
    struct pass_denoise *p = calloc(1, sizeof(*p));
    if (!p)
        return RENDER_ERR_NOMEM;
    p->gpu = r->gpu;
    *out   = p;
    return RENDER_OK;
}

int pass_denoise_compile(struct pass_denoise *p)
{
    const VkDescriptorType sampled = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, stored = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
    const struct gpu_binding bindings[DENOISE_BIND_COUNT] = {
        { DENOISE_BIND_RADIANCE, sampled },    { DENOISE_BIND_ALBEDO, sampled },      { DENOISE_BIND_NORMAL, sampled },
        { DENOISE_BIND_MOMENTS, sampled },     { DENOISE_BIND_FROM, sampled },        { DENOISE_BIND_TO, stored },
        { DENOISE_BIND_OUT, stored },          { DENOISE_BIND_FULL_ALBEDO, sampled }, { DENOISE_BIND_FULL_NORMAL, sampled },
    };
    const uint32_t radius = p->gpu->cpu ? 1 : 2;
    const struct {
        struct gpu_shader shader;
        const char *name;
    } sources[KERNEL_COUNT] = {
        [PREPARE] = { GPU_SHADER(prepare_spv), "denoise prepare" },
        [FILTER]  = { { filter_spv, sizeof(filter_spv), &radius, 1 }, "denoise filter" },
        [FINISH]  = { GPU_SHADER(finish_spv), "denoise finish" },
    };
    for (int i = 0; i < KERNEL_COUNT; i++) {
        int rc = gpu_compute_create(p->gpu, &p->kernels[i], &(struct gpu_compute_desc) {
            .shader        = sources[i].shader,
            .bindings      = bindings,
            .binding_count = DENOISE_BIND_COUNT,
            .push_size     = sizeof(struct DenoiseParams),
            .name          = sources[i].name,
        });
        if (rc < 0)
            return rc;
    }
    atomic_store(&p->ready, true);
    return RENDER_OK;
}

bool pass_denoise_ready(const struct pass_denoise *p) { return atomic_load(&((struct pass_denoise *)p)->ready); }

static int reserve(struct pass_denoise *p, uint32_t width, uint32_t height)
{
    if (p->packed[0].width >= width && p->packed[0].height >= height)
        return RENDER_OK;
    width  = width > p->packed[0].width ? width : p->packed[0].width;
    height = height > p->packed[0].height ? height : p->packed[0].height;
    for (int i = 0; i < 2; i++) {
        gpu_image_retire(p->gpu, &p->packed[i]);
        int rc = gpu_image_create(p->gpu, &p->packed[i], &(struct gpu_image_desc) {
            .format = VK_FORMAT_R32G32B32A32_UINT,
            .width  = width,
            .height = height,
            .usage  = VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
            .name   = "denoise packed",
        });
        if (rc < 0)
            return rc;
    }
    return RENDER_OK;
}

static void run(struct pass_denoise *p, const struct pass_context *c, const struct pass_denoise_args *a,
                enum kernel kernel, int from, const struct DenoiseParams *params)
{
    struct gpu_push push = { .count = 0 };
    VkSampler nearest    = p->gpu->nearest;
    gpu_push_texture(&push, DENOISE_BIND_RADIANCE, &a->in->radiance, nearest);
    gpu_push_texture(&push, DENOISE_BIND_ALBEDO, &a->in->albedo, nearest);
    gpu_push_texture(&push, DENOISE_BIND_NORMAL, &a->in->normal, nearest);
    gpu_push_texture(&push, DENOISE_BIND_MOMENTS, &a->in->moments, nearest);
    gpu_push_texture(&push, DENOISE_BIND_FROM, &p->packed[from], nearest);
    gpu_push_image(&push, DENOISE_BIND_TO, &p->packed[1 - from]);
    gpu_push_image(&push, DENOISE_BIND_OUT, a->out);
    // Bound although unused without enlargement.
    gpu_push_texture(&push, DENOISE_BIND_FULL_ALBEDO, a->albedo ? a->albedo : &a->in->albedo, nearest);
    gpu_push_texture(&push, DENOISE_BIND_FULL_NORMAL, a->normal ? a->normal : &a->in->normal, nearest);
    bool last = kernel == FINISH;
    gpu_dispatch(p->gpu, c->cmd, &p->kernels[kernel], (struct gpu_set) { 0 }, &push, params,
                 last ? params->out_width : params->width, last ? params->out_height : params->height, DENOISE_TILE,
                 DENOISE_TILE);
    gpu_barrier_compute(c->cmd);
}

int pass_denoise_record(struct pass_denoise *p, const struct pass_context *c, const struct pass_denoise_args *a)
{
    struct DenoiseParams params = {
        .width      = a->in_width ? a->in_width : a->in->radiance.width,
        .height     = a->in_height ? a->in_height : a->in->radiance.height,
        .out_width  = a->out_width ? a->out_width : a->out->width,
        .out_height = a->out_height ? a->out_height : a->out->height,
        .strength   = a->strength,
        .sigma      = LUMINANCE_SIGMA,
    };
    bool enlarge = params.width != params.out_width || params.height != params.out_height;
    if (!pass_denoise_ready(p) || (enlarge && (!a->albedo || !a->normal)))
        return RENDER_ERR_INVALID;
    params.flags = enlarge ? DENOISE_ENLARGE : 0;
    int rc       = reserve(p, params.width, params.height);
    if (rc < 0)
        return rc;
    int from = 1;
    run(p, c, a, PREPARE, from, &params);
    from       = 0;
    int levels = a->strength > 0 ? (p->gpu->cpu ? LEVELS_CPU : LEVELS_GPU) : 0;
    for (int i = 0; i < levels; i++) {
        params.step = 1 << i;
        run(p, c, a, FILTER, from, &params);
        from = 1 - from;
    }
    run(p, c, a, FINISH, from, &params);
    return RENDER_OK;
}

void pass_denoise_destroy(struct pass_denoise **pass)
{
    struct pass_denoise *p = *pass;
    if (!p)
        return;
    for (int i = 0; i < KERNEL_COUNT; i++)
        gpu_pipeline_destroy(p->gpu, &p->kernels[i]);
    for (int i = 0; i < 2; i++)
        gpu_image_retire(p->gpu, &p->packed[i]);
    free(p);
    *pass = NULL;
}
