// Device memory in large blocks; ranges inside a block are handed out first fit. Buffers and images live in
// different blocks, so that bufferImageGranularity never matters.
#include <stdlib.h>

#include "array.h"
#include "gpu_internal.h"
#include "log.h"

#define BLOCK_BYTES (64ull << 20)
#define MAX_BLOCKS 4096

struct range {
    VkDeviceSize offset, size;
};

struct block {
    VkDeviceMemory memory; // VK_NULL_HANDLE = free entry
    VkDeviceSize size, used;
    uint32_t type;
    bool image;
    uint8_t *map;
    struct { ARRAY_OF(struct range); } holes; // sorted by offset, never adjacent
};

struct gpu_allocator {
    struct { ARRAY_OF(struct block); } blocks;
    uint64_t bytes; // handed out
};

int gpu_allocator_create(struct gpu_device *dev)
{
    dev->allocator = calloc(1, sizeof(*dev->allocator));
    return dev->allocator ? GPU_OK : GPU_ERR_NOMEM;
}

void gpu_allocator_destroy(struct gpu_device *dev)
{
    struct gpu_allocator *a = dev->allocator;
    if (!a)
        return;
    if (a->bytes)
        log_warn("gpu", "%llu bytes of device memory leaked", (unsigned long long)a->bytes);
    for (size_t i = 0; i < a->blocks.count; i++) {
        if (a->blocks.items[i].memory)
            vkFreeMemory(dev->device, a->blocks.items[i].memory, NULL);
        array_free(&a->blocks.items[i].holes);
    }
    array_free(&a->blocks);
    free(a);
    dev->allocator = NULL;
}

uint64_t gpu_bytes_in_use(const struct gpu_device *dev)
{
    return dev->allocator->bytes;
}

// The memory type that has all of `must` and most of `like`.
static bool find_type(const struct gpu_device *dev, uint32_t allowed, VkMemoryPropertyFlags must,
                      VkMemoryPropertyFlags like, VkMemoryPropertyFlags dislike, uint32_t *out)
{
    int best = -1000;
    for (uint32_t i = 0; i < dev->memory.memoryTypeCount; i++) {
        const VkMemoryPropertyFlags f = dev->memory.memoryTypes[i].propertyFlags;
        if (!(allowed >> i & 1) || (f & must) != must)
            continue;
        const int score = 2 * __builtin_popcount(f & like) - __builtin_popcount(f & dislike);
        if (score > best) {
            best = score;
            *out = i;
        }
    }
    return best > -1000;
}

static bool choose_type(const struct gpu_device *dev, uint32_t allowed, enum gpu_memory kind, uint32_t *type)
{
    const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                                host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
                                cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    switch (kind) {
    case GPU_MEMORY_UPLOAD: return find_type(dev, allowed, host, 0, local | cached, type);
    case GPU_MEMORY_READBACK: return find_type(dev, allowed, host, cached, local, type);
    default: return find_type(dev, allowed, 0, local, host, type);
    }
}

static int allocate_memory(struct gpu_device *dev, uint32_t type, VkDeviceSize size, enum gpu_memory kind,
                           VkImage image, VkBuffer buffer, VkDeviceMemory *memory, uint8_t **map)
{
    const VkMemoryDedicatedAllocateInfo dedicated = {
        .sType  = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
        .image  = image,
        .buffer = buffer,
    };
    const VkExportMemoryAllocateInfo exported = {
        .sType       = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
        .pNext       = &dedicated,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    };
    VkResult r = vkAllocateMemory(dev->device,
                                  &(VkMemoryAllocateInfo) {
                                      .sType           = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                      .pNext           = kind == GPU_MEMORY_EXPORT ? &exported : NULL,
                                      .allocationSize  = size,
                                      .memoryTypeIndex = type,
                                  },
                                  NULL, memory);
    if (r != VK_SUCCESS)
        return gpu_check(r, "vkAllocateMemory");
    *map = NULL;
    if (kind == GPU_MEMORY_UPLOAD || kind == GPU_MEMORY_READBACK) {
        void *p = NULL;
        r       = vkMapMemory(dev->device, *memory, 0, VK_WHOLE_SIZE, 0, &p);
        *map    = p;
    }
    return gpu_check(r, "vkMapMemory");
}

// First hole that fits; its start is cut off (what alignment skips stays a hole).
static bool take(struct block *b, VkDeviceSize size, VkDeviceSize align, VkDeviceSize *offset)
{
    for (size_t i = 0; i < b->holes.count; i++) {
        struct range h        = b->holes.items[i];
        const VkDeviceSize at = (h.offset + align - 1) & ~(align - 1), skip = at - h.offset;
        if (h.size < skip || h.size - skip < size)
            continue;
        if (!array_reserve(&b->holes, b->holes.count + 1))
            return false;
        const struct range before = { h.offset, skip }, after = { at + size, h.size - skip - size };
        struct range *p           = &b->holes.items[i];
        const size_t tail         = b->holes.count - i - 1;
        if (skip && after.size) {
            memmove(p + 2, p + 1, tail * sizeof(*p));
            p[0] = before;
            p[1] = after;
            b->holes.count++;
        } else if (skip || after.size) {
            p[0] = skip ? before : after;
        } else {
            memmove(p, p + 1, tail * sizeof(*p));
            b->holes.count--;
        }
        b->used += size;
        *offset = at;
        return true;
    }
    return false;
}

static void give(struct block *b, VkDeviceSize offset, VkDeviceSize size)
{
    size_t i = 0;
    while (i < b->holes.count && b->holes.items[i].offset < offset)
        i++;
    struct range *h       = b->holes.items;
    const bool joins_left = i > 0 && h[i - 1].offset + h[i - 1].size == offset;
    const bool joins_right = i < b->holes.count && offset + size == h[i].offset;
    b->used -= size;
    if (joins_left && joins_right) {
        h[i - 1].size += size + h[i].size;
        memmove(h + i, h + i + 1, (b->holes.count - i - 1) * sizeof(*h));
        b->holes.count--;
    } else if (joins_left) {
        h[i - 1].size += size;
    } else if (joins_right) {
        h[i].offset = offset;
        h[i].size += size;
    } else if (array_reserve(&b->holes, b->holes.count + 1)) {
        h = b->holes.items;
        memmove(h + i + 1, h + i, (b->holes.count - i) * sizeof(*h));
        h[i] = (struct range) { offset, size };
        b->holes.count++;
    } // else: the range stays lost until the block is freed
}

static struct block *new_block(struct gpu_device *dev, uint32_t type, enum gpu_memory kind, bool image,
                               uint32_t *index)
{
    struct gpu_allocator *a = dev->allocator;
    uint32_t i              = 0;
    while (i < a->blocks.count && a->blocks.items[i].memory)
        i++;
    if (i >= MAX_BLOCKS || (i == a->blocks.count && !array_push(&a->blocks, (struct block) { 0 })))
        return NULL;
    struct block *b = &a->blocks.items[i];
    array_free(&b->holes);
    *b = (struct block) { .size = BLOCK_BYTES, .type = type, .image = image };
    if (!array_push(&b->holes, (struct range) { 0, BLOCK_BYTES }))
        return NULL;
    if (allocate_memory(dev, type, BLOCK_BYTES, kind, VK_NULL_HANDLE, VK_NULL_HANDLE, &b->memory, &b->map) != GPU_OK)
        return NULL;
    *index = i;
    return b;
}

int gpu_allocate(struct gpu_device *dev, const VkMemoryRequirements *req, enum gpu_memory kind, bool image,
                 VkImage dedicated_image, VkBuffer dedicated_buffer, struct gpu_allocation *out)
{
    struct gpu_allocator *a = dev->allocator;
    uint32_t type;
    *out = (struct gpu_allocation) { .size = req->size };
    if (!choose_type(dev, req->memoryTypeBits, kind, &type)) {
        log_error("gpu", "no memory type for a resource of %llu bytes", (unsigned long long)req->size);
        return GPU_ERR_NOMEM;
    }
    if (kind == GPU_MEMORY_EXPORT || req->size > BLOCK_BYTES / 2) {
        uint8_t *map;
        out->dedicated = true;
        int rc = allocate_memory(dev, type, req->size, kind, dedicated_image, dedicated_buffer, &out->memory, &map);
        out->map = map;
        if (rc == GPU_OK)
            a->bytes += req->size;
        return rc;
    }
    for (uint32_t i = 0; i < a->blocks.count; i++) {
        struct block *b = &a->blocks.items[i];
        const bool host = kind == GPU_MEMORY_UPLOAD || kind == GPU_MEMORY_READBACK;
        if (b->memory && b->type == type && b->image == image && !!b->map == host &&
            take(b, req->size, req->alignment, &out->offset)) {
            out->block = i;
            break;
        }
        out->block = i + 1;
    }
    if (out->block == a->blocks.count || a->blocks.count == 0) {
        if (!new_block(dev, type, kind, image, &out->block) ||
            !take(&a->blocks.items[out->block], req->size, req->alignment, &out->offset))
            return GPU_ERR_NOMEM;
    }
    struct block *b = &a->blocks.items[out->block];
    out->memory     = b->memory;
    out->map        = b->map ? b->map + out->offset : NULL;
    a->bytes += req->size;
    return GPU_OK;
}

void gpu_free(struct gpu_device *dev, struct gpu_allocation *m)
{
    struct gpu_allocator *a = dev->allocator;
    if (!m->memory)
        return;
    a->bytes -= m->size;
    if (m->dedicated) {
        vkFreeMemory(dev->device, m->memory, NULL);
    } else {
        struct block *b = &a->blocks.items[m->block];
        give(b, m->offset, m->size);
        if (b->used == 0) { // an empty block goes back; pictures of another size may need it elsewhere
            vkFreeMemory(dev->device, b->memory, NULL);
            b->memory = VK_NULL_HANDLE;
        }
    }
    *m = (struct gpu_allocation) { 0 };
}
