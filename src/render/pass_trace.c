#include "pass_trace.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "bvh_scene.h"
#include "log.h"
#include "shared/trace.h"

static const uint32_t primary_spv[] = {
#include "trace_primary.comp.spv.h"
};
static const uint32_t closest_spv[] = {
#include "trace_closest.comp.spv.h"
};
static const uint32_t shade_spv[] = {
#include "trace_shade.comp.spv.h"
};
static const uint32_t shadow_spv[] = {
#include "trace_shadow.comp.spv.h"
};
static const uint32_t args_spv[] = {
#include "trace_args.comp.spv.h"
};
static const uint32_t resolve_spv[] = {
#include "trace_resolve.comp.spv.h"
};

// Paths in flight at once: enough to fill a large GPU; memory is about 190 bytes each.
#define BATCH_GPU (1u << 21)
#define BATCH_CPU (1u << 18)

enum kernel { PRIMARY, CLOSEST, SHADE, ARGS, SHADOW, SHADOW_CUTOUT, RESOLVE, KERNEL_COUNT };

struct pass_trace {
    struct gpu_device *gpu;
    VkDescriptorSetLayout set0;
    struct gpu_pipeline kernels[KERNEL_COUNT];
    atomic_bool ready;
    uint32_t capacity; // paths the buffers hold
    struct gpu_buffer paths, rays[2], hits, shadows, counts;
    struct gpu_image no_visibility; // stands in where primary rays are traced
};

int pass_trace_create(struct renderer *r, struct pass_trace **out)
{
    struct pass_trace *p = calloc(1, sizeof(*p));
    if (!p)
        return RENDER_ERR_NOMEM;
    p->gpu  = r->gpu;
    p->set0 = r->scene_layout;
    *out    = p;
    return RENDER_OK;
}

int pass_trace_compile(struct pass_trace *p)
{
    static const uint32_t cutout_on = VK_TRUE;
    const VkDescriptorType buffer = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, image = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
                           texels = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER;
    // One layout for all kernels, so that one push serves an iteration.
    const struct gpu_binding bindings[TRACE_BIND_COUNT] = {
        { TRACE_BIND_NODES, texels },     { TRACE_BIND_TRIANGLES, texels }, { TRACE_BIND_PATHS, buffer },
        { TRACE_BIND_RAYS_IN, buffer },   { TRACE_BIND_RAYS_OUT, buffer },  { TRACE_BIND_HITS, buffer },
        { TRACE_BIND_SHADOWS, buffer },   { TRACE_BIND_COUNTS, buffer },    { TRACE_BIND_VISIBILITY, image },
        { TRACE_BIND_RADIANCE, image },   { TRACE_BIND_ALBEDO, image },     { TRACE_BIND_NORMAL, image },
        { TRACE_BIND_MOMENTS, image },
    };
    const struct {
        struct gpu_shader shader;
        const char *name;
    } sources[KERNEL_COUNT] = {
        [PRIMARY]       = { GPU_SHADER(primary_spv), "trace primary" },
        [CLOSEST]       = { GPU_SHADER(closest_spv), "trace closest" },
        [SHADE]         = { GPU_SHADER(shade_spv), "trace shade" },
        [ARGS]          = { GPU_SHADER(args_spv), "trace args" },
        [SHADOW]        = { GPU_SHADER(shadow_spv), "trace shadow" },
        [SHADOW_CUTOUT] = { { shadow_spv, sizeof(shadow_spv), &cutout_on, 1 }, "trace shadow cutout" },
        [RESOLVE]       = { GPU_SHADER(resolve_spv), "trace resolve" },
    };
    for (int i = 0; i < KERNEL_COUNT; i++) {
        int rc = gpu_compute_create(p->gpu, &p->kernels[i], &(struct gpu_compute_desc) {
            .shader        = sources[i].shader,
            .set0          = p->set0,
            .bindings      = bindings,
            .binding_count = TRACE_BIND_COUNT,
            .push_size     = sizeof(struct TraceParams),
            .name          = sources[i].name,
        });
        if (rc < 0)
            return rc;
    }
    atomic_store(&p->ready, true);
    return RENDER_OK;
}

bool pass_trace_ready(const struct pass_trace *p) { return atomic_load(&((struct pass_trace *)p)->ready); }

static void release_buffers(struct pass_trace *p)
{
    struct gpu_buffer *all[] = { &p->paths, &p->rays[0], &p->rays[1], &p->hits, &p->shadows, &p->counts };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        gpu_buffer_retire(p->gpu, all[i]);
    p->capacity = 0;
}

static int reserve(struct pass_trace *p, uint32_t count)
{
    if (count <= p->capacity)
        return RENDER_OK;
    release_buffers(p);
    const struct {
        struct gpu_buffer *buffer;
        size_t size;
        const char *name;
    } wanted[] = {
        { &p->paths, sizeof(struct TracePath), "trace paths" },
        { &p->rays[0], sizeof(struct TraceRay), "trace rays" },
        { &p->rays[1], sizeof(struct TraceRay), "trace rays" },
        { &p->hits, sizeof(struct TraceHit), "trace hits" },
        { &p->shadows, sizeof(struct TraceShadow), "trace shadows" },
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int rc = gpu_buffer_create(p->gpu, wanted[i].buffer, wanted[i].size * count, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                                   GPU_MEMORY_DEVICE, wanted[i].name);
        if (rc < 0)
            return rc;
    }
    int rc = gpu_buffer_create(p->gpu, &p->counts, TRACE_COUNT_WORDS * sizeof(uint32_t),
                               VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, GPU_MEMORY_DEVICE, "trace counts");
    if (rc >= 0 && !p->no_visibility.handle)
        rc = gpu_image_create(p->gpu, &p->no_visibility, &(struct gpu_image_desc) {
            .format = VK_FORMAT_R32G32_UINT,
            .width  = 1,
            .height = 1,
            .usage  = VK_IMAGE_USAGE_STORAGE_BIT,
            .name   = "no visibility",
        });
    if (rc >= 0)
        p->capacity = count;
    return rc;
}

static void push_texels(struct gpu_push *push, uint32_t binding, const VkBufferView *view)
{
    push->writes[push->count++] = (VkWriteDescriptorSet) {
        .sType            = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstBinding       = binding,
        .descriptorCount  = 1,
        .descriptorType   = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
        .pTexelBufferView = view,
    };
}

// What the kernels of one iteration read and write; rays go back and forth between the two queues.
static void fill_push(const struct pass_trace *p, const struct scene_bvh_views *views, const struct pass_trace_args *a,
                      uint32_t iteration, struct gpu_push *push)
{
    const struct gpu_image *visibility = a->visibility ? &a->visibility->visibility : &p->no_visibility;
    push->count = 0;
    push_texels(push, TRACE_BIND_NODES, &views->nodes);
    push_texels(push, TRACE_BIND_TRIANGLES, &views->triangles);
    gpu_push_buffer(push, TRACE_BIND_PATHS, &p->paths);
    gpu_push_buffer(push, TRACE_BIND_RAYS_IN, &p->rays[iteration & 1]);
    gpu_push_buffer(push, TRACE_BIND_RAYS_OUT, &p->rays[~iteration & 1]);
    gpu_push_buffer(push, TRACE_BIND_HITS, &p->hits);
    gpu_push_buffer(push, TRACE_BIND_SHADOWS, &p->shadows);
    gpu_push_buffer(push, TRACE_BIND_COUNTS, &p->counts);
    gpu_push_image(push, TRACE_BIND_VISIBILITY, visibility);
    gpu_push_image(push, TRACE_BIND_RADIANCE, &a->out->radiance);
    gpu_push_image(push, TRACE_BIND_ALBEDO, &a->out->albedo);
    gpu_push_image(push, TRACE_BIND_NORMAL, &a->out->normal);
    gpu_push_image(push, TRACE_BIND_MOMENTS, &a->out->moments);
}

static bool has_cutouts(const struct render_scene *s)
{
    for (size_t i = 0; i < s->materials.count; i++)
        if (s->materials.items[i].live && (s->materials.items[i].gpu.flags & MATERIAL_CUTOUT))
            return true;
    return false;
}

static void run(struct pass_trace *p, const struct pass_context *c, enum kernel kernel, const struct gpu_push *push,
                const struct TraceParams *params)
{
    gpu_dispatch(p->gpu, c->cmd, &p->kernels[kernel], c->scene_set, push, params,
                 kernel == ARGS ? 1 : params->path_count, 1, kernel == ARGS ? 1 : TRACE_GROUP, 1);
    gpu_barrier_compute(c->cmd);
}

// As many groups as the queue asks for; command 0: shadow rays, 1: rays (see TRACE_ARGS).
static void run_queue(struct pass_trace *p, const struct pass_context *c, enum kernel kernel, uint32_t command,
                      const struct gpu_push *push, const struct TraceParams *params)
{
    gpu_bind(p->gpu, c->cmd, &p->kernels[kernel], c->scene_set, push, params);
    vkCmdDispatchIndirect(c->cmd, p->counts.handle, (TRACE_ARGS + 3 * command) * sizeof(uint32_t));
    gpu_barrier_compute(c->cmd);
}

static void run_args(struct pass_trace *p, const struct pass_context *c, const struct gpu_push *push,
                     const struct TraceParams *params)
{
    // The commands before must have read their counts.
    gpu_barrier(c->cmd, VK_PIPELINE_STAGE_2_DRAW_INDIRECT_BIT, 0, VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT,
                VK_ACCESS_2_SHADER_WRITE_BIT);
    run(p, c, ARGS, push, params);
    gpu_barrier(c->cmd, VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT, VK_ACCESS_2_SHADER_WRITE_BIT,
                VK_PIPELINE_STAGE_2_DRAW_INDIRECT_BIT, VK_ACCESS_2_INDIRECT_COMMAND_READ_BIT);
}

// The first ray count is known; all others start at 0 and are counted up by the kernels.
static void reset_counts(struct pass_trace *p, const struct pass_context *c, uint32_t paths)
{
    gpu_barrier_transfer(c->cmd);
    vkCmdFillBuffer(c->cmd, p->counts.handle, 0, sizeof(uint32_t), paths);
    vkCmdFillBuffer(c->cmd, p->counts.handle, sizeof(uint32_t), VK_WHOLE_SIZE, 0);
    gpu_barrier_upload(c->cmd);
}

static void trace_batch(struct pass_trace *p, const struct pass_context *c, const struct pass_trace_args *a,
                        struct pass_tile_range tiles, uint32_t iterations, bool cutouts)
{
    const struct scene_bvh_views *views = scene_bvh_views(c->scene);
    struct TraceParams params           = {
                  .first_tile     = tiles.first,
                  .path_count     = tiles.count * TRACE_TILE * TRACE_TILE,
                  .tiles_x        = ((uint32_t)c->frame->extent.x + TRACE_TILE - 1) / TRACE_TILE,
                  .sample_index   = a->sample,
                  .seed           = a->seed,
                  .max_bounces    = a->max_bounces < 255 ? a->max_bounces : 255,
                  .top            = views->top,
                  .firefly_clamp  = a->firefly_clamp,
                  .lens_radius    = a->lens_radius,
                  .focus_distance = a->focus_distance,
                  .flags          = (a->visibility ? TRACE_VISIBILITY : 0) |
                                    (a->technique == PASS_TRACE_LIGHTS_ONLY ? TRACE_LIGHTS_ONLY : 0) |
                                    (a->technique == PASS_TRACE_RAYS_ONLY ? TRACE_RAYS_ONLY : 0),
    };
    struct gpu_push push;
    reset_counts(p, c, params.path_count);
    fill_push(p, views, a, 0, &push);
    run(p, c, PRIMARY, &push, &params);
    for (uint32_t i = 0; i < iterations; i++) {
        params.iteration = i;
        fill_push(p, views, a, i, &push);
        if (i > 0) {
            run_queue(p, c, CLOSEST, 1, &push, &params);
            run_queue(p, c, SHADE, 1, &push, &params);
        } else {
            if (!a->visibility)
                run(p, c, CLOSEST, &push, &params);
            run(p, c, SHADE, &push, &params);
        }
        run_args(p, c, &push, &params);
        run_queue(p, c, cutouts ? SHADOW_CUTOUT : SHADOW, 0, &push, &params);
    }
    run(p, c, RESOLVE, &push, &params);
}

int pass_trace_record(struct pass_trace *p, const struct pass_context *c, const struct pass_trace_args *a)
{
    uint32_t all = pass_tile_count((uint32_t)c->frame->extent.x, (uint32_t)c->frame->extent.y);
    uint32_t end = a->tiles.first + a->tiles.count < all ? a->tiles.first + a->tiles.count : all;
    uint32_t per = (p->gpu->cpu ? BATCH_CPU : BATCH_GPU) / (TRACE_TILE * TRACE_TILE);
    if (!pass_trace_ready(p) || !c->scene->bvh || !scene_bvh_views(c->scene)->nodes)
        return RENDER_ERR_INVALID;
    if (a->tiles.first >= end)
        return RENDER_OK;
    uint32_t most = end - a->tiles.first < per ? end - a->tiles.first : per;
    int rc        = reserve(p, most * TRACE_TILE * TRACE_TILE);
    if (rc < 0)
        return rc;
    bool cutouts        = has_cutouts(c->scene);
    uint32_t iterations = a->max_bounces + 1 + (cutouts ? TRACE_PASSES : 0);
    if (iterations > TRACE_MAX_ITERATIONS)
        iterations = TRACE_MAX_ITERATIONS;
    for (uint32_t first = a->tiles.first; first < end; first += per) {
        struct pass_tile_range tiles = { first, end - first < per ? end - first : per };
        trace_batch(p, c, a, tiles, iterations, cutouts);
    }
    return RENDER_OK;
}

void pass_trace_destroy(struct pass_trace **pass)
{
    struct pass_trace *p = *pass;
    if (!p)
        return;
    for (int i = 0; i < KERNEL_COUNT; i++)
        gpu_pipeline_destroy(p->gpu, &p->kernels[i]);
    release_buffers(p);
    gpu_image_retire(p->gpu, &p->no_visibility);
    free(p);
    *pass = NULL;
}

const struct gpu_buffer *pass_trace_counts(const struct pass_trace *p) { return &p->counts; }
