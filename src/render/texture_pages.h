// Page images: array images whose layers are divided into squares of 8 to 256 texels. Renderer's thread only.
#pragma once

#include "gpu_commands.h"

#include "array.h"

#define PAGE_SMALLEST 8u
#define PAGE_LARGEST 256u
#define PAGE_ORDERS 6 // 8, 16, 32, 64, 128, 256

struct page_pool {
    VkFormat format;
    struct gpu_image image; // handle VK_NULL_HANDLE until the first page
    uint32_t layers_used, layers_max;
    struct { ARRAY_OF(uint32_t); } free[PAGE_ORDERS]; // places, as in shared/texture.h
    size_t pages_in_use;
};

void page_pool_init(struct page_pool *p, const struct gpu_device *dev, VkFormat format);
void page_pool_finish(struct gpu_device *dev, struct page_pool *p); // retires the image

// A square of at least `side` texels (at most PAGE_LARGEST). false: every layer is full, or no memory.
// New layers become part of the image at the next page_pool_grow().
bool page_pool_take(struct page_pool *p, uint32_t side, uint32_t *place);
void page_pool_give(struct page_pool *p, uint32_t side, uint32_t place);
// Makes the image hold all layers in use; what it held is copied in the open command buffer.
// *changed: it is another image now and must be bound anew.
int page_pool_grow(struct gpu_device *dev, struct page_pool *p, VkCommandBuffer cmd, bool *changed);
