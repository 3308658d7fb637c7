#include "bvh_scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bvh.h"
#include "bvh_ranges.h"
#include "log.h"
#include "thread.h"
#include "work.h"

#define REFITS_MAX 16u           // moved meshes are built anew after so many refits
#define PARALLEL_TRIANGLES 65536u // a build of this size uses several threads

// A tree in the making, shared with a worker.
struct tree_job {
    atomic_uint refs;
    atomic_int done; // 1 = there, -1 = out of memory
    struct mesh_data *data;
    uint32_t version;
    struct thread_pool *pool;
    struct mesh_data *old_data; // of the tree to refit, NULL = build
    struct bvh bvh;             // when refitting: the old tree, taken over
    uint32_t refits;
    uint32_t *triangles; // bvh.primitive_count x BVH_TRIANGLE_WORDS
};

struct mesh_tree { // index = render_id of the mesh
    uint32_t version;      // of the tree in the buffers; 0 = none
    uint32_t wanted;       // version of the last job started
    struct tree_job *job;
    struct mesh_data *data; // what the tree was made from
    struct bvh bvh;         // CPU copy, for refits and its bounds
    uint32_t refits;
    uint32_t first_node, node_count, first_triangle, triangle_count; // in the buffers
};

struct scene_bvh {
    struct { ARRAY_OF(struct mesh_tree); } trees;
    struct work_queue *work;
    struct thread_pool *pool;
    struct bvh_ranges nodes, triangles; // what is used of the buffers
    struct gpu_buffer node_buffer, triangle_buffer;
    VkBufferView retired[64]; // views of buffers that went, until the frames that may use them are done
    uint64_t retired_value[64];
    uint32_t retired_count;
    struct scene_bvh_views views;
    uint32_t top_first, top_count; // of the node buffer
    uint32_t geometry_seen, transforms_seen, materials_seen;
    bool top_dirty, complete, too_large;
};

int scene_bvh_create(struct render_scene *s, struct scene_bvh **out)
{
    struct scene_bvh *b = calloc(1, sizeof(*b));
    if (!b)
        return RENDER_ERR_NOMEM;
    b->work      = work_queue_create(0, "trees");
    b->pool      = thread_pool_create(0, "tree-pool");
    b->top_dirty = true;
    if (!b->work) {
        scene_bvh_destroy(s, &b);
        return RENDER_ERR_NOMEM;
    }
    *out = b;
    return RENDER_OK;
}

static void job_release(struct tree_job *job)
{
    if (!job || atomic_fetch_sub(&job->refs, 1) != 1)
        return;
    mesh_data_release(job->data);
    mesh_data_release(job->old_data);
    bvh_free(&job->bvh);
    free(job->triangles);
    free(job);
}

static bool run_build(struct tree_job *job)
{
    const struct mesh_data *d = job->data;
    bool same                 = job->old_data && job->old_data->triangle_count == d->triangle_count &&
                job->old_data->vertex_count == d->vertex_count && job->refits < REFITS_MAX &&
                memcmp(job->old_data->indices, d->indices, (size_t)d->triangle_count * 12) == 0;
    if (same) {
        bvh_refit_triangles(&job->bvh, d->positions, d->indices);
        job->refits++;
    } else {
        bvh_free(&job->bvh);
        job->refits = 0;
        if (!bvh_build_triangles(d->positions, d->indices, d->triangle_count,
                                 d->triangle_count >= PARALLEL_TRIANGLES ? job->pool : NULL, &job->bvh))
            return false;
    }
    job->triangles = malloc((job->bvh.primitive_count + 1) * BVH_TRIANGLE_WORDS * sizeof(uint32_t));
    if (!job->triangles)
        return false;
    bvh_write_triangles(&job->bvh, d->positions, d->indices, d->triangle_slots, job->triangles);
    return true;
}

static void run_job(void *user, bool cancelled)
{
    struct tree_job *job = user;
    if (!cancelled)
        atomic_store(&job->done, run_build(job) ? 1 : -1);
    job_release(job);
}

static void start_job(struct scene_bvh *b, struct mesh_tree *tree, const struct scene_mesh *mesh)
{
    struct tree_job *job = calloc(1, sizeof(*job));
    if (!job)
        return; // tried again with the next frame
    atomic_init(&job->refs, 2);
    job->data    = mesh_data_retain(mesh->data);
    job->version = mesh->version;
    job->pool    = b->pool;
    if (tree->data) {
        job->old_data = mesh_data_retain(tree->data);
        job->bvh      = tree->bvh;
        job->refits   = tree->refits;
        tree->bvh     = (struct bvh) { 0 };
    }
    if (!work_queue_push(b->work, run_job, job)) {
        job_release(job);
        job_release(job);
        return;
    }
    tree->job    = job;
    tree->wanted = mesh->version;
}

static void tree_finish(struct scene_bvh *b, struct mesh_tree *tree)
{
    bvh_ranges_give(&b->nodes, tree->first_node, tree->node_count);
    bvh_ranges_give(&b->triangles, tree->first_triangle, tree->triangle_count);
    job_release(tree->job);
    mesh_data_release(tree->data);
    bvh_free(&tree->bvh);
    *tree = (struct mesh_tree) { 0 };
}

static void drop_views(struct render_scene *s, bool all)
{
    struct scene_bvh *b = s->bvh;
    uint64_t done       = all ? UINT64_MAX : gpu_timeline_done(s->gpu);
    for (uint32_t i = 0; i < b->retired_count; i++) {
        if (b->retired_value[i] > done)
            continue;
        vkDestroyBufferView(s->gpu->device, b->retired[i], NULL);
        b->retired[i]       = b->retired[--b->retired_count];
        b->retired_value[i] = b->retired_value[b->retired_count];
        i--;
    }
}

static void retire_view(struct render_scene *s, VkBufferView *view)
{
    struct scene_bvh *b = s->bvh;
    if (!*view)
        return;
    if (b->retired_count == 64) { // many growths within one frame's time
        gpu_timeline_wait(s->gpu, gpu_timeline_submitted(s->gpu), UINT64_MAX);
        drop_views(s, false);
    }
    if (b->retired_count < 64) {
        b->retired[b->retired_count]         = *view;
        b->retired_value[b->retired_count++] = gpu_timeline_submitted(s->gpu) + 1; // the open command buffer's
    }
    *view = VK_NULL_HANDLE;
}

void scene_bvh_destroy(struct render_scene *s, struct scene_bvh **bvh)
{
    struct scene_bvh *b = *bvh;
    if (!b)
        return;
    work_queue_destroy(&b->work);
    for (size_t i = 0; i < b->trees.count; i++)
        tree_finish(b, &b->trees.items[i]);
    for (uint32_t i = 0; i < b->retired_count; i++)
        vkDestroyBufferView(s->gpu->device, b->retired[i], NULL);
    if (b->views.nodes)
        vkDestroyBufferView(s->gpu->device, b->views.nodes, NULL);
    if (b->views.triangles)
        vkDestroyBufferView(s->gpu->device, b->views.triangles, NULL);
    gpu_buffer_retire(s->gpu, &b->node_buffer);
    gpu_buffer_retire(s->gpu, &b->triangle_buffer);
    thread_pool_destroy(&b->pool);
    bvh_ranges_finish(&b->nodes);
    bvh_ranges_finish(&b->triangles);
    array_free(&b->trees);
    free(b);
    *bvh = NULL;
}

void scene_bvh_clear(struct render_scene *s)
{
    struct scene_bvh *b = s->bvh;
    for (size_t i = 0; i < b->trees.count; i++)
        tree_finish(b, &b->trees.items[i]);
    b->trees.count = 0;
    b->top_dirty   = true;
}

// ---------------------------------------------------------------------------------------------
// Buffers

static uint32_t texel_limit(const struct render_scene *s, uint32_t texels_per_item)
{
    return s->gpu->props.limits.maxTexelBufferElements / texels_per_item;
}

// Makes a buffer hold `end` items of `size` bytes and its view cover them.
static int reserve(struct render_scene *s, struct gpu_buffer *buffer, VkBufferView *view, uint32_t end, size_t size,
                   VkDeviceSize keep, const char *name)
{
    bool grown = false;
    int rc = render_scene_reserve(s, buffer, (VkDeviceSize)(end ? end : 1) * size, keep,
                                  VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT, name, &grown);
    if (rc < 0 || (!grown && *view))
        return rc;
    retire_view(s, view);
    VkDeviceSize most = (VkDeviceSize)s->gpu->props.limits.maxTexelBufferElements * 16;
    return gpu_check(vkCreateBufferView(s->gpu->device,
                                        &(VkBufferViewCreateInfo) {
                                            .sType  = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
                                            .buffer = buffer->handle,
                                            .format = VK_FORMAT_R32G32B32A32_UINT,
                                            .range  = buffer->size > most ? most : VK_WHOLE_SIZE,
                                        },
                                        NULL, view),
                     "vkCreateBufferView");
}

static void complain(struct scene_bvh *b)
{
    if (!b->too_large)
        log_error("render.bvh", "the scene's trees do not fit the device's texel buffers; some meshes are not traced");
    b->too_large = true;
}

// The used part before a growth, so that it is kept.
struct used {
    VkDeviceSize nodes, triangles;
};

static struct used used_of(const struct scene_bvh *b)
{
    return (struct used) { (VkDeviceSize)b->nodes.end * BVH_NODE_WORDS * 4,
                           (VkDeviceSize)b->triangles.end * BVH_TRIANGLE_WORDS * 4 };
}

static int grow(struct render_scene *s, struct used keep)
{
    struct scene_bvh *b = s->bvh;
    VkDeviceSize had    = b->node_buffer.size < keep.nodes ? b->node_buffer.size : keep.nodes;
    int rc = reserve(s, &b->node_buffer, &b->views.nodes, b->nodes.end, BVH_NODE_WORDS * 4, had, "bvh nodes");
    if (rc < 0)
        return rc;
    had = b->triangle_buffer.size < keep.triangles ? b->triangle_buffer.size : keep.triangles;
    return reserve(s, &b->triangle_buffer, &b->views.triangles, b->triangles.end, BVH_TRIANGLE_WORDS * 4, had,
                   "bvh triangles");
}

// Takes a finished job's tree into the buffers.
static int take_over(struct render_scene *s, struct mesh_tree *tree)
{
    struct scene_bvh *b  = s->bvh;
    struct tree_job *job = tree->job;
    struct used keep     = used_of(b);
    bvh_ranges_give(&b->nodes, tree->first_node, tree->node_count);
    bvh_ranges_give(&b->triangles, tree->first_triangle, tree->triangle_count);
    tree->node_count     = (uint32_t)job->bvh.node_count;
    tree->triangle_count = (uint32_t)job->bvh.primitive_count;
    if (!bvh_ranges_take(&b->nodes, tree->node_count, texel_limit(s, 4), &tree->first_node)) {
        tree->node_count = tree->triangle_count = tree->version = 0;
        complain(b);
        return RENDER_OK;
    }
    if (!bvh_ranges_take(&b->triangles, tree->triangle_count, texel_limit(s, 3), &tree->first_triangle)) {
        bvh_ranges_give(&b->nodes, tree->first_node, tree->node_count);
        tree->node_count = tree->triangle_count = tree->version = 0;
        complain(b);
        return RENDER_OK;
    }
    int rc = grow(s, keep);
    if (rc >= 0)
        rc = gpu_upload(s->gpu, &b->node_buffer, (VkDeviceSize)tree->first_node * BVH_NODE_WORDS * 4, job->bvh.nodes,
                        (VkDeviceSize)tree->node_count * BVH_NODE_WORDS * 4);
    if (rc >= 0 && tree->triangle_count)
        rc = gpu_upload(s->gpu, &b->triangle_buffer, (VkDeviceSize)tree->first_triangle * BVH_TRIANGLE_WORDS * 4,
                        job->triangles, (VkDeviceSize)tree->triangle_count * BVH_TRIANGLE_WORDS * 4);
    mesh_data_release(tree->data);
    bvh_free(&tree->bvh);
    tree->data    = mesh_data_retain(job->data);
    tree->bvh     = job->bvh;
    tree->refits  = job->refits;
    tree->version = job->version;
    job->bvh      = (struct bvh) { 0 };
    return rc;
}

// Starts and takes over mesh trees. *arrived: some tree is new; *waiting: some mesh in use has none yet.
static int update_trees(struct render_scene *s, VkCommandBuffer cmd, bool *arrived, bool *waiting)
{
    struct scene_bvh *b = s->bvh;
    while (b->trees.count < s->meshes.count)
        if (!array_push(&b->trees, (struct mesh_tree) { 0 }))
            return RENDER_ERR_NOMEM;
    for (size_t i = 1; i < b->trees.count; i++) {
        struct mesh_tree *tree        = &b->trees.items[i];
        const struct scene_mesh *mesh = &s->meshes.items[i];
        if (!mesh->live || !mesh->data) {
            if (tree->version || tree->job || tree->wanted) {
                tree_finish(b, tree);
                b->top_dirty = true;
            }
            continue;
        }
        if (tree->job && atomic_load(&tree->job->done)) {
            int rc = RENDER_OK;
            if (atomic_load(&tree->job->done) > 0) {
                if (!*arrived)
                    gpu_barrier_transfer(cmd); // earlier frames may still read what is overwritten
                rc       = take_over(s, tree);
                *arrived = true;
            } else {
                log_error("render.bvh", "out of memory for the tree of a mesh with %u triangles",
                          tree->job->data->triangle_count);
            }
            job_release(tree->job);
            tree->job = NULL;
            if (rc < 0)
                return rc;
        }
        if (mesh->instance_count && !tree->job && tree->wanted != mesh->version)
            start_job(b, tree, mesh);
        *waiting |= mesh->instance_count && tree->job && !tree->version;
    }
    return RENDER_OK;
}

// ---------------------------------------------------------------------------------------------
// Top level

static bool traced(const struct render_scene *s, const struct scene_instance *inst)
{
    if (!inst->live || !(inst->gpu.flags & INSTANCE_VISIBLE) || inst->mesh >= s->bvh->trees.count)
        return false;
    const struct mesh_tree *tree = &s->bvh->trees.items[inst->mesh];
    return tree->version && tree->triangle_count;
}

static void world_box(const struct SceneInstance *inst, const float bounds[6], float out[6])
{
    for (int a = 0; a < 3; a++) {
        float row[4] = { inst->to_world[a].x, inst->to_world[a].y, inst->to_world[a].z, inst->to_world[a].w };
        float lo = row[3], hi = row[3], size = fabsf(row[3]);
        for (int k = 0; k < 3; k++) {
            float p = row[k] * bounds[k], q = row[k] * bounds[3 + k];
            lo += fminf(p, q);
            hi += fmaxf(p, q);
            size += fmaxf(fabsf(p), fabsf(q));
        }
        // Room for the rounding of the ray's way to object space.
        out[a]     = lo - size * 4e-7f;
        out[3 + a] = hi + size * 4e-7f;
    }
}

static void write_record(uint32_t *words, const struct SceneInstance *inst, uint32_t index, const struct mesh_tree *tree)
{
    memcpy(words, inst->to_object, 48);
    words[BVH_RECORD_NODES]     = tree->first_node;
    words[BVH_RECORD_TRIANGLES] = tree->first_triangle;
    words[BVH_RECORD_INDEX]     = index;
    words[BVH_RECORD_FLAGS]     = inst->flags;
}

// The top level's nodes with their leaves turned into instance records behind them.
static uint32_t *make_top(const struct render_scene *s, uint32_t *count)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < s->instances.count; i++)
        n += traced(s, &s->instances.items[i]);
    float *boxes     = malloc((n + 1) * 6 * sizeof(*boxes));
    uint32_t *index  = malloc((n + 1) * sizeof(*index)), *words = NULL;
    struct bvh top   = { 0 };
    for (size_t i = 0; boxes && index && i < s->instances.count; i++) {
        const struct scene_instance *inst = &s->instances.items[i];
        if (!traced(s, inst))
            continue;
        world_box(&inst->gpu, s->bvh->trees.items[inst->mesh].bvh.bounds, boxes + 6 * at);
        index[at++] = (uint32_t)i;
    }
    if (boxes && index && bvh_build_boxes(boxes, n, 1, NULL, &top))
        words = realloc(top.nodes, (top.node_count + n) * BVH_NODE_WORDS * sizeof(*words));
    if (words) {
        top.nodes = NULL;
        for (size_t node = 0; node < top.node_count; node++)
            for (int i = 0; i < BVH_WIDTH; i++) {
                uint32_t *child = &words[node * BVH_NODE_WORDS + 10 + (size_t)i];
                if (*child != BVH_EMPTY && (*child & BVH_LEAF))
                    *child = BVH_INSTANCE | (uint32_t)(top.node_count + (*child & BVH_LEAF_FIRST));
            }
        for (size_t i = 0; i < n; i++) {
            const struct scene_instance *inst = &s->instances.items[index[top.primitives[i]]];
            write_record(words + (top.node_count + i) * BVH_NODE_WORDS, &inst->gpu, index[top.primitives[i]],
                         &s->bvh->trees.items[inst->mesh]);
        }
        *count = (uint32_t)(top.node_count + n);
    }
    free(boxes);
    free(index);
    bvh_free(&top);
    return words;
}

static int update_top(struct render_scene *s, VkCommandBuffer cmd)
{
    struct scene_bvh *b = s->bvh;
    uint32_t count = 0, *words = make_top(s, &count);
    if (!words)
        return RENDER_ERR_NOMEM;
    struct used keep = used_of(b);
    int rc           = RENDER_OK;
    if (count > b->top_count) { // with room to grow
        bvh_ranges_give(&b->nodes, b->top_first, b->top_count);
        b->top_count = count + count / 4;
        if (!bvh_ranges_take(&b->nodes, b->top_count, texel_limit(s, 4), &b->top_first)) {
            b->top_count = 0;
            rc           = RENDER_ERR_LIMIT;
        }
    }
    if (rc >= 0)
        rc = grow(s, keep);
    if (rc >= 0) {
        gpu_barrier_transfer(cmd);
        rc = gpu_upload(s->gpu, &b->node_buffer, (VkDeviceSize)b->top_first * BVH_NODE_WORDS * 4, words,
                        (VkDeviceSize)count * BVH_NODE_WORDS * 4);
    }
    b->views.top = b->top_first;
    free(words);
    return rc;
}

int scene_bvh_update(struct render_scene *s, VkCommandBuffer cmd)
{
    struct scene_bvh *b = s->bvh;
    bool arrived = false, waiting = false;
    drop_views(s, false);
    int rc = update_trees(s, cmd, &arrived, &waiting);
    if (rc < 0)
        return rc;
    b->complete = !waiting;
    if (arrived)
        s->versions.geometry++;
    // Materials: the records say which instances may be transparent.
    bool moved = b->geometry_seen != s->versions.geometry || b->transforms_seen != s->versions.transforms ||
                 b->materials_seen != s->versions.materials;
    if (!moved && !arrived && !b->top_dirty)
        return RENDER_OK;
    rc                 = update_top(s, cmd);
    b->geometry_seen   = s->versions.geometry;
    b->transforms_seen = s->versions.transforms;
    b->materials_seen  = s->versions.materials;
    b->top_dirty       = rc < 0;
    gpu_barrier_upload(cmd);
    return rc;
}

bool scene_bvh_ready(const struct render_scene *s) { return s->bvh && s->bvh->complete && !s->bvh->top_dirty; }

const struct scene_bvh_views *scene_bvh_views(const struct render_scene *s) { return &s->bvh->views; }
