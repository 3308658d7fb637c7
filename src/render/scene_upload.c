// The GPU copy of a scene: a few growing buffers, dirty ranges uploaded, one descriptor set over all of it.
#include <stdlib.h>
#include <string.h>

#include "light.h"
#include "log.h"
#include "scene_internal.h"
#include "texture.h"

#define STORAGE VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
#define MAX_SETS 16
#define FRAME_ENTRIES 256 // SceneFrames that may be in flight: 8 command buffers, several frames each

struct set_version {
    VkDescriptorSet handle;
    uint64_t used; // timeline value of its last use
};

struct scene_gpu {
    struct gpu_buffer meshes, instances, materials, inputs, slots, positions, attributes, indices, triangle_slots;
    struct span_pool vertex_space, index_space, word_space, triangle_slot_space, slot_space, input_space;
    uint32_t *slot_values; // CPU copy of `slots`
    uint32_t slot_capacity;
    uint32_t slots_dirty_first, slots_dirty_end;

    struct gpu_buffer dummy;
    struct gpu_image dummy_image, dummy_float; // in the formats of what they stand for
    struct gpu_buffer frames; // ring of SceneFrame
    uint32_t frame_stride, next_frame;

    VkDescriptorPool pool;
    struct set_version sets[MAX_SETS];
    uint32_t current;
    bool stale; // bindings changed since the current set was written
    struct {
        VkBuffer buffer;
        VkDeviceSize size;
        VkImageView view;
        VkSampler sampler;
    } bound[SCENE_BIND_COUNT];
};

// ---- Places

// Elements of `bytes` each that one storage buffer of the device can show.
static uint32_t element_limit(const struct render_scene *s, uint32_t bytes)
{
    const uint64_t n = s->gpu->props.limits.maxStorageBufferRange / bytes;
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static int take(struct span_pool *pool, uint32_t count, struct span *out, const char *what)
{
    if (span_take(pool, count, out))
        return RENDER_OK;
    log_error("render", "the scene has more %s than the device takes (%u more than %u)", what, count, pool->end);
    return RENDER_ERR_LIMIT;
}

int scene_mesh_reserve(struct render_scene *s, struct scene_mesh *m)
{
    struct scene_gpu *g = s->buffers;
    const uint64_t words = (uint64_t)m->gpu.attribute_stride * m->gpu.vertex_count;
    if (words > UINT32_MAX)
        return RENDER_ERR_LIMIT;
    int rc = take(&g->vertex_space, m->gpu.vertex_count, &m->vertices, "vertices");
    if (rc == RENDER_OK)
        rc = take(&g->index_space, m->gpu.triangle_count * 3, &m->indices, "triangles");
    if (rc == RENDER_OK)
        rc = take(&g->word_space, (uint32_t)words, &m->words, "vertex attributes");
    if (rc == RENDER_OK && m->data->triangle_slots)
        rc = take(&g->triangle_slot_space, m->gpu.triangle_count, &m->slots, "triangles with material subsets");
    m->gpu.first_vertex    = m->vertices.first;
    m->gpu.first_index     = m->indices.first;
    m->gpu.first_attribute = m->words.first;
    m->gpu.first_slot      = m->slots.count ? m->slots.first : SCENE_NONE;
    return rc;
}

void scene_mesh_release(struct render_scene *s, struct scene_mesh *m)
{
    struct scene_gpu *g = s->buffers;
    span_give(&g->vertex_space, &m->vertices);
    span_give(&g->index_space, &m->indices);
    span_give(&g->word_space, &m->words);
    span_give(&g->triangle_slot_space, &m->slots);
}

static int resize(struct span_pool *pool, struct span *range, uint32_t count, const char *what)
{
    if (range->count == count)
        return RENDER_OK;
    span_give(pool, range);
    return take(pool, count, range, what);
}

int scene_inputs_reserve(struct render_scene *s, struct span *range, uint32_t count)
{
    return resize(&s->buffers->input_space, range, count, "material inputs");
}

void scene_inputs_release(struct render_scene *s, struct span *range)
{
    span_give(&s->buffers->input_space, range);
}

int scene_slots_reserve(struct render_scene *s, struct span *range, uint32_t count)
{
    return resize(&s->buffers->slot_space, range, count, "material slots");
}

void scene_slots_release(struct render_scene *s, struct span *range)
{
    span_give(&s->buffers->slot_space, range);
}

void scene_slots_write(struct render_scene *s, const struct span *range, const uint32_t *values)
{
    struct scene_gpu *g = s->buffers;
    const uint32_t end  = range->first + range->count;
    if (end > g->slot_capacity) {
        uint32_t capacity = g->slot_capacity ? g->slot_capacity : 1024;
        while (capacity < end)
            capacity *= 2;
        uint32_t *p = realloc(g->slot_values, capacity * sizeof(*p));
        if (!p)
            return;
        memset(p + g->slot_capacity, 0, (capacity - g->slot_capacity) * sizeof(*p));
        g->slot_values   = p;
        g->slot_capacity = capacity;
    }
    memcpy(g->slot_values + range->first, values, range->count * sizeof(*values));
    if (range->first < g->slots_dirty_first)
        g->slots_dirty_first = range->first;
    if (end > g->slots_dirty_end)
        g->slots_dirty_end = end;
}

// ---- Life

static int create_dummies(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    int rc = gpu_buffer_create(s->gpu, &g->dummy, 1024, STORAGE, GPU_MEMORY_UPLOAD, "scene dummy");
    if (rc == GPU_OK) {
        memset(g->dummy.map, 0, 1024);
        rc = gpu_image_create(s->gpu, &g->dummy_image,
                              &(struct gpu_image_desc) {
                                  .format = VK_FORMAT_R8G8B8A8_UNORM,
                                  .width  = 1,
                                  .height = 1,
                                  .usage  = VK_IMAGE_USAGE_SAMPLED_BIT,
                                  .array  = true,
                                  .name   = "scene dummy image",
                              });
    }
    if (rc == GPU_OK)
        rc = gpu_image_create(s->gpu, &g->dummy_float,
                              &(struct gpu_image_desc) {
                                  .format = VK_FORMAT_R16G16B16A16_SFLOAT,
                                  .width  = 1,
                                  .height = 1,
                                  .usage  = VK_IMAGE_USAGE_SAMPLED_BIT,
                                  .array  = true,
                                  .name   = "scene dummy image",
                              });
    const uint32_t align = (uint32_t)s->gpu->props.limits.minUniformBufferOffsetAlignment;
    const uint32_t size  = sizeof(struct SceneFrame);
    g->frame_stride      = align ? (size + align - 1) / align * align : size;
    if (rc == GPU_OK)
        rc = gpu_buffer_create(s->gpu, &g->frames, (VkDeviceSize)g->frame_stride * FRAME_ENTRIES,
                               VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT, GPU_MEMORY_UPLOAD, "scene frames");
    return rc;
}

static bool is_image(uint32_t binding)
{
    return binding == SCENE_BIND_DOME || binding == SCENE_BIND_PAGES_UNORM || binding == SCENE_BIND_PAGES_FLOAT;
}

static VkDescriptorType type_of(uint32_t binding)
{
    return binding == SCENE_BIND_FRAME ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC
           : is_image(binding)         ? VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER
                                       : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

int scene_layout_create(struct gpu_device *gpu, VkDescriptorSetLayout *out)
{
    VkDescriptorSetLayoutBinding list[SCENE_BIND_COUNT];
    for (uint32_t i = 0; i < SCENE_BIND_COUNT; i++)
        list[i] = (VkDescriptorSetLayoutBinding) {
            .binding         = i,
            .descriptorType  = type_of(i),
            .descriptorCount = 1,
            .stageFlags      = VK_SHADER_STAGE_COMPUTE_BIT | VK_SHADER_STAGE_VERTEX_BIT | VK_SHADER_STAGE_FRAGMENT_BIT,
        };
    return gpu_check(vkCreateDescriptorSetLayout(gpu->device,
                                                 &(VkDescriptorSetLayoutCreateInfo) {
                                                     .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                                     .bindingCount = SCENE_BIND_COUNT,
                                                     .pBindings    = list,
                                                 },
                                                 NULL, out),
                     "vkCreateDescriptorSetLayout");
}

static int create_sets(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    uint32_t images     = 0;
    for (uint32_t i = 0; i < SCENE_BIND_COUNT; i++)
        images += is_image(i);
    const VkDescriptorPoolSize sizes[] = {
        { VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, MAX_SETS },
        { VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, MAX_SETS * images },
        { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, MAX_SETS * (SCENE_BIND_COUNT - images - 1) },
    };
    int rc = gpu_check(vkCreateDescriptorPool(s->gpu->device,
                                              &(VkDescriptorPoolCreateInfo) {
                                                  .sType         = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                                  .maxSets       = MAX_SETS,
                                                  .poolSizeCount = 3,
                                                  .pPoolSizes    = sizes,
                                              },
                                              NULL, &g->pool),
                       "vkCreateDescriptorPool");
    for (uint32_t i = 0; rc == GPU_OK && i < MAX_SETS; i++)
        rc = gpu_check(vkAllocateDescriptorSets(s->gpu->device,
                                                &(VkDescriptorSetAllocateInfo) {
                                                    .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                                    .descriptorPool     = g->pool,
                                                    .descriptorSetCount = 1,
                                                    .pSetLayouts        = &s->renderer->scene_layout,
                                                },
                                                &g->sets[i].handle),
                       "vkAllocateDescriptorSets");
    return rc;
}

int scene_gpu_create(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers = calloc(1, sizeof(*g));
    if (!g)
        return RENDER_ERR_NOMEM;
    g->vertex_space.limit        = element_limit(s, 12);
    g->index_space.limit         = element_limit(s, 4);
    g->word_space.limit          = element_limit(s, 4);
    g->triangle_slot_space.limit = element_limit(s, 4);
    g->slot_space.limit          = element_limit(s, 4);
    g->input_space.limit         = element_limit(s, sizeof(struct SceneInput));
    g->slots_dirty_first         = UINT32_MAX;
    g->stale                     = true;
    int rc                       = create_dummies(s);
    if (rc == GPU_OK)
        rc = create_sets(s);
    return rc;
}

void scene_gpu_destroy(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    if (!g)
        return;
    struct gpu_buffer *buffers[] = { &g->meshes,    &g->instances,  &g->materials, &g->inputs,         &g->slots,
                                     &g->positions, &g->attributes, &g->indices,   &g->triangle_slots, &g->dummy,
                                     &g->frames };
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        gpu_buffer_destroy(s->gpu, buffers[i]);
    gpu_image_destroy(s->gpu, &g->dummy_image);
    gpu_image_destroy(s->gpu, &g->dummy_float);
    vkDestroyDescriptorPool(s->gpu->device, g->pool, NULL);
    span_pool_finish(&g->vertex_space);
    span_pool_finish(&g->index_space);
    span_pool_finish(&g->word_space);
    span_pool_finish(&g->triangle_slot_space);
    span_pool_finish(&g->slot_space);
    span_pool_finish(&g->input_space);
    free(g->slot_values);
    free(g);
    s->buffers = NULL;
}

void scene_gpu_clear(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    span_pool_clear(&g->vertex_space);
    span_pool_clear(&g->index_space);
    span_pool_clear(&g->word_space);
    span_pool_clear(&g->triangle_slot_space);
    span_pool_clear(&g->slot_space);
    span_pool_clear(&g->input_space);
    g->slots_dirty_first = UINT32_MAX;
    g->slots_dirty_end   = 0;
}

// ---- Descriptor set

void render_scene_bind_buffer(struct render_scene *s, uint32_t binding, const struct gpu_buffer *b)
{
    struct scene_gpu *g      = s->buffers;
    g->bound[binding].buffer = b->handle;
    g->bound[binding].size   = b->size;
    g->stale                 = true;
}

void render_scene_bind_image(struct render_scene *s, uint32_t binding, const struct gpu_image *i, VkSampler sampler)
{
    struct scene_gpu *g       = s->buffers;
    g->bound[binding].view    = i->view;
    g->bound[binding].sampler = sampler;
    g->stale                  = true;
}

static void write_set(struct render_scene *s, VkDescriptorSet set)
{
    struct scene_gpu *g = s->buffers;
    VkWriteDescriptorSet writes[SCENE_BIND_COUNT];
    VkDescriptorBufferInfo buffers[SCENE_BIND_COUNT];
    VkDescriptorImageInfo images[SCENE_BIND_COUNT];
    const VkDeviceSize limit = s->gpu->props.limits.maxStorageBufferRange;
    for (uint32_t i = 0; i < SCENE_BIND_COUNT; i++) {
        const bool have        = g->bound[i].buffer != VK_NULL_HANDLE;
        const VkDeviceSize all = have ? g->bound[i].size : g->dummy.size;
        buffers[i]             = (VkDescriptorBufferInfo) {
                        .buffer = have ? g->bound[i].buffer : g->dummy.handle,
                        .range  = all < limit ? all : limit,
        };
        if (i == SCENE_BIND_FRAME)
            buffers[i] = (VkDescriptorBufferInfo) { .buffer = g->frames.handle, .range = sizeof(struct SceneFrame) };
        images[i] = (VkDescriptorImageInfo) {
            .sampler     = g->bound[i].sampler ? g->bound[i].sampler
                           : i == SCENE_BIND_DOME ? s->gpu->linear_repeat : s->gpu->linear,
            .imageView   = g->bound[i].view ? g->bound[i].view
                           : i == SCENE_BIND_PAGES_UNORM ? g->dummy_image.view : g->dummy_float.view,
            .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
        };
        writes[i] = (VkWriteDescriptorSet) {
            .sType           = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet          = set,
            .dstBinding      = i,
            .descriptorCount = 1,
            .descriptorType  = type_of(i),
            .pBufferInfo     = is_image(i) ? NULL : &buffers[i],
            .pImageInfo      = is_image(i) ? &images[i] : NULL,
        };
    }
    vkUpdateDescriptorSets(s->gpu->device, SCENE_BIND_COUNT, writes, 0, NULL);
}

int render_scene_set(struct render_scene *s, const struct SceneFrame *frame, struct gpu_set *out)
{
    struct scene_gpu *g = s->buffers;
    if (g->stale) {
        const uint32_t next = (g->current + 1) % MAX_SETS;
        int rc              = gpu_timeline_wait(s->gpu, g->sets[next].used, UINT64_MAX);
        if (rc != GPU_OK)
            return rc;
        write_set(s, g->sets[next].handle);
        g->current = next;
        g->stale   = false;
    }
    g->sets[g->current].used = gpu_timeline_submitted(s->gpu) + 1;
    const uint32_t offset    = g->next_frame * g->frame_stride;
    memcpy((uint8_t *)g->frames.map + offset, frame, sizeof(*frame));
    g->next_frame = (g->next_frame + 1) % FRAME_ENTRIES;
    *out          = (struct gpu_set) { .handle = g->sets[g->current].handle, .offset = offset, .dynamic = true };
    return RENDER_OK;
}

// ---- Upload

int render_scene_reserve(struct render_scene *s, struct gpu_buffer *buffer, VkDeviceSize size, VkDeviceSize keep,
                         VkBufferUsageFlags usage, const char *name, bool *grown)
{
    *grown = false;
    if (buffer->handle && size <= buffer->size)
        return RENDER_OK;
    VkDeviceSize want = buffer->size ? buffer->size : 4096;
    while (want < size)
        want *= 2;
    struct gpu_buffer fresh;
    int rc = gpu_buffer_create(s->gpu, &fresh, want, usage, GPU_MEMORY_DEVICE, name);
    if (rc != GPU_OK)
        return rc;
    if (buffer->handle && keep) {
        VkCommandBuffer cmd = gpu_commands_current(s->gpu);
        gpu_barrier_transfer(cmd);
        vkCmdCopyBuffer(cmd, buffer->handle, fresh.handle, 1, &(VkBufferCopy) { 0, 0, keep });
        gpu_barrier_transfer(cmd);
    }
    gpu_buffer_retire(s->gpu, buffer);
    *buffer = fresh;
    *grown  = true;
    return RENDER_OK;
}

static int reserve(struct render_scene *s, struct gpu_buffer *b, uint32_t binding, uint64_t size, VkBufferUsageFlags usage,
                   const char *name)
{
    bool grown;
    int rc = render_scene_reserve(s, b, size ? size : 16, b->size, usage, name, &grown);
    if (rc == RENDER_OK && grown)
        render_scene_bind_buffer(s, binding, b);
    return rc;
}

static int upload_geometry(struct render_scene *s, struct scene_mesh *m)
{
    struct scene_gpu *g       = s->buffers;
    const struct mesh_data *d = m->data;
    struct gpu_device *gpu    = s->gpu;
    int rc = gpu_upload(gpu, &g->positions, 12ull * m->vertices.first, d->positions, 12ull * d->vertex_count);
    if (rc == GPU_OK)
        rc = gpu_upload(gpu, &g->indices, 4ull * m->indices.first, d->indices, 12ull * d->triangle_count);
    if (rc == GPU_OK && m->words.count)
        rc = gpu_upload(gpu, &g->attributes, 4ull * m->words.first, m->attributes, 4ull * m->words.count);
    if (rc == GPU_OK && m->slots.count) {
        VkBuffer from;
        VkDeviceSize at;
        uint32_t *p = gpu_staging(gpu, 4ull * m->slots.count, &from, &at);
        if (!p)
            return RENDER_ERR_NOMEM;
        for (uint32_t i = 0; i < m->slots.count; i++)
            p[i] = d->triangle_slots[i];
        vkCmdCopyBuffer(gpu_commands_current(gpu), from, g->triangle_slots.handle, 1,
                        &(VkBufferCopy) { at, 4ull * m->slots.first, 4ull * m->slots.count });
    }
    return rc;
}

static int upload_meshes(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    int rc              = RENDER_OK;
    for (size_t k = 0; rc == RENDER_OK && k < s->dirty_meshes.count; k++) {
        const render_id id   = s->dirty_meshes.items[k];
        struct scene_mesh *m = &s->meshes.items[id];
        m->dirty             = false;
        if (m->live && m->dirty_geometry)
            rc = upload_geometry(s, m);
        m->dirty_geometry = false;
        if (rc == RENDER_OK)
            rc = gpu_upload(s->gpu, &g->meshes, id * sizeof(m->gpu), &m->gpu, sizeof(m->gpu));
    }
    array_clear(&s->dirty_meshes);
    return rc;
}

static void refresh_material_flags(struct render_scene *s)
{
    const uint32_t derived = INSTANCE_CUTOUT | INSTANCE_EMISSIVE | INSTANCE_TEXTURED | INSTANCE_RICH;
    s->specular_workflow = false;
    for (size_t k = 0; k < s->instances.count; k++) {
        struct scene_instance *i = &s->instances.items[k];
        if (!i->live)
            continue;
        uint32_t flags = 0;
        for (uint32_t n = 0; n < i->gpu.material_count; n++) {
            const uint32_t m = s->buffers->slot_values[i->slots.first + n];
            const uint32_t f = m < s->materials.count ? s->materials.items[m].gpu.flags : 0;
            flags |= (f & MATERIAL_CUTOUT ? INSTANCE_CUTOUT : 0) | (f & MATERIAL_EMISSIVE ? INSTANCE_EMISSIVE : 0) |
                     (f & MATERIAL_TEXTURED ? INSTANCE_TEXTURED : 0) | (f & MATERIAL_RICH ? INSTANCE_RICH : 0);
            s->specular_workflow |= (f & MATERIAL_SPECULAR_WORKFLOW) != 0;
        }
        if ((i->gpu.flags & derived) == flags)
            continue;
        i->gpu.flags   = (i->gpu.flags & ~derived) | flags;
        s->order_dirty = true;
        if (!i->dirty && array_push(&s->dirty_instances, (render_id)(k + 1)))
            i->dirty = true;
    }
    s->material_flags_dirty = false;
}

static int upload_instance(struct render_scene *s, render_id id, bool moved)
{
    struct scene_instance *i = &s->instances.items[id - 1];
    const size_t size        = sizeof(i->gpu.to_world);
    memcpy(i->gpu.prev_to_world, moved ? i->uploaded_to_world : i->gpu.to_world, size);
    memcpy(i->uploaded_to_world, i->gpu.to_world, size);
    return gpu_upload(s->gpu, &s->buffers->instances, (id - 1) * sizeof(i->gpu), &i->gpu, sizeof(i->gpu));
}

static int upload_instances(struct render_scene *s)
{
    int rc = RENDER_OK;
    // Those that moved last time and now rest: their previous transform catches up.
    for (size_t k = 0; rc == RENDER_OK && k < s->moved_instances.count; k++) {
        const render_id id = s->moved_instances.items[k];
        if (id <= s->instances.count && !s->instances.items[id - 1].dirty)
            rc = upload_instance(s, id, false);
    }
    array_clear(&s->moved_instances);
    for (size_t k = 0; rc == RENDER_OK && k < s->dirty_instances.count; k++) {
        const render_id id       = s->dirty_instances.items[k];
        struct scene_instance *i = &s->instances.items[id - 1];
        const bool moved         = i->live && !i->fresh &&
                           memcmp(i->gpu.to_world, i->uploaded_to_world, sizeof(i->gpu.to_world)) != 0;
        i->dirty = i->fresh = false;
        rc                  = upload_instance(s, id, moved);
        if (moved && !array_push(&s->moved_instances, id))
            rc = RENDER_ERR_NOMEM;
    }
    array_clear(&s->dirty_instances);
    return rc;
}

static int upload_materials(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    int rc              = RENDER_OK;
    for (size_t k = 0; rc == RENDER_OK && k < s->dirty_materials.count; k++) {
        const render_id id       = s->dirty_materials.items[k];
        struct scene_material *m = &s->materials.items[id];
        m->dirty                 = false;
        rc = gpu_upload(s->gpu, &g->materials, id * sizeof(m->gpu), &m->gpu, sizeof(m->gpu));
        if (rc == RENDER_OK && m->place.count)
            rc = gpu_upload(s->gpu, &g->inputs, m->place.first * sizeof(struct SceneInput), m->inputs,
                            m->place.count * sizeof(struct SceneInput));
    }
    array_clear(&s->dirty_materials);
    return rc;
}

static int upload_slots(struct render_scene *s)
{
    struct scene_gpu *g  = s->buffers;
    const uint32_t first = g->slots_dirty_first, end = g->slots_dirty_end;
    g->slots_dirty_first = UINT32_MAX;
    g->slots_dirty_end   = 0;
    if (first >= end)
        return RENDER_OK;
    return gpu_upload(s->gpu, &g->slots, 4ull * first, g->slot_values + first, 4ull * (end - first));
}

static int grow(struct render_scene *s)
{
    struct scene_gpu *g = s->buffers;
    const struct {
        struct gpu_buffer *buffer;
        uint32_t binding;
        uint64_t bytes;
        VkBufferUsageFlags usage;
        const char *name;
    } list[] = {
        { &g->meshes, SCENE_BIND_MESHES, s->meshes.count * sizeof(struct SceneMesh), STORAGE, "meshes" },
        { &g->instances, SCENE_BIND_INSTANCES, s->instances.count * sizeof(struct SceneInstance), STORAGE, "instances" },
        { &g->materials, SCENE_BIND_MATERIALS, s->materials.count * sizeof(struct SceneMaterial), STORAGE, "materials" },
        { &g->inputs, SCENE_BIND_INPUTS, g->input_space.end * sizeof(struct SceneInput), STORAGE, "material inputs" },
        { &g->slots, SCENE_BIND_SLOTS, 4ull * g->slot_space.end, STORAGE, "material slots" },
        { &g->positions, SCENE_BIND_POSITIONS, 12ull * g->vertex_space.end,
          STORAGE | VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, "positions" },
        { &g->attributes, SCENE_BIND_ATTRIBUTES, 4ull * g->word_space.end, STORAGE, "attributes" },
        { &g->indices, SCENE_BIND_INDICES, 4ull * g->index_space.end, STORAGE | VK_BUFFER_USAGE_INDEX_BUFFER_BIT,
          "indices" },
        { &g->triangle_slots, SCENE_BIND_TRIANGLE_SLOTS, 4ull * g->triangle_slot_space.end, STORAGE,
          "triangle slots" },
    };
    int rc = RENDER_OK;
    for (size_t i = 0; rc == RENDER_OK && i < sizeof(list) / sizeof(list[0]); i++)
        rc = reserve(s, list[i].buffer, list[i].binding, list[i].bytes, list[i].usage, list[i].name);
    return rc;
}

int render_scene_upload(struct render_scene *s, VkCommandBuffer cmd)
{
    // What earlier frames still read must be read before it is written over.
    const bool any = s->dirty_meshes.count || s->dirty_instances.count || s->dirty_materials.count ||
                     s->moved_instances.count || s->buffers->slots_dirty_end || s->material_flags_dirty;
    int rc = RENDER_OK;
    if (any) {
        gpu_barrier_transfer(cmd);
        rc = grow(s);
        if (rc == RENDER_OK)
            rc = upload_materials(s);
        if (rc == RENDER_OK)
            rc = upload_slots(s);
        if (rc == RENDER_OK && s->material_flags_dirty)
            refresh_material_flags(s);
        if (rc == RENDER_OK)
            rc = upload_meshes(s);
        if (rc == RENDER_OK)
            rc = upload_instances(s);
    }
    if (rc == RENDER_OK)
        rc = scene_textures_update(s, cmd);
    if (rc == RENDER_OK)
        rc = scene_lights_update(s, cmd);
    gpu_barrier_upload(cmd);
    return rc;
}

const struct gpu_buffer *scene_positions(const struct render_scene *s)
{
    return &s->buffers->positions;
}

const struct gpu_buffer *scene_indices(const struct render_scene *s)
{
    return &s->buffers->indices;
}
