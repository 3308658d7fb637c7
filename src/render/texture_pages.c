#include "texture_pages.h"

#include <string.h>

#include "log.h"
#include "shared/texture.h"

// A layer is 16 squares of the largest order; a square is halved into four until it fits (buddy allocation
// without merging back: freed squares serve the same order again).

static uint32_t place_of(uint32_t layer, uint32_t x, uint32_t y) { return layer | x / 8 << 12 | y / 8 << 19; }

static int order_of(uint32_t side)
{
    int order = 0;
    while (order < PAGE_ORDERS - 1 && (PAGE_SMALLEST << order) < side)
        order++;
    return order;
}

void page_pool_init(struct page_pool *p, const struct gpu_device *dev, VkFormat format)
{
    memset(p, 0, sizeof(*p));
    p->format     = format;
    p->layers_max = dev->props.limits.maxImageArrayLayers < 4096 ? dev->props.limits.maxImageArrayLayers : 4096;
}

void page_pool_finish(struct gpu_device *dev, struct page_pool *p)
{
    gpu_image_retire(dev, &p->image);
    for (int i = 0; i < PAGE_ORDERS; i++)
        array_free(&p->free[i]);
    p->layers_used = 0;
}

static bool add_layer(struct page_pool *p)
{
    if (p->layers_used == p->layers_max)
        return false;
    for (uint32_t y = 0; y < TEXTURE_LAYER; y += PAGE_LARGEST)
        for (uint32_t x = 0; x < TEXTURE_LAYER; x += PAGE_LARGEST)
            if (!array_push(&p->free[PAGE_ORDERS - 1], place_of(p->layers_used, x, y)))
                return false;
    p->layers_used++;
    return true;
}

bool page_pool_take(struct page_pool *p, uint32_t side, uint32_t *place)
{
    int want = order_of(side), from = want;
    while (from < PAGE_ORDERS && p->free[from].count == 0)
        from++;
    if (from == PAGE_ORDERS) {
        if (!add_layer(p))
            return false;
        from = PAGE_ORDERS - 1;
    }
    *place = p->free[from].items[--p->free[from].count];
    for (; from > want; from--) { // keep the first quarter, offer the other three
        uint32_t half = (PAGE_SMALLEST << from) / 2;
        for (uint32_t i = 1; i < 4; i++)
            if (!array_push(&p->free[from - 1], *place + place_of(0, (i & 1) * half, (i >> 1) * half)))
                return false;
    }
    p->pages_in_use++;
    return true;
}

void page_pool_give(struct page_pool *p, uint32_t side, uint32_t place)
{
    (void)!array_push(&p->free[order_of(side)], place); // short of memory: the square is lost until clear
    p->pages_in_use--;
}

static void copy_layers(VkCommandBuffer cmd, const struct gpu_image *from, const struct gpu_image *to)
{
    VkImageSubresourceLayers layers = { VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, from->layers };
    VkImageCopy region              = { .srcSubresource = layers,
                                        .dstSubresource = layers,
                                        .extent         = { from->width, from->height, 1 } };
    gpu_barrier_transfer(cmd);
    vkCmdCopyImage(cmd, from->handle, VK_IMAGE_LAYOUT_GENERAL, to->handle, VK_IMAGE_LAYOUT_GENERAL, 1, &region);
    gpu_barrier(cmd, VK_PIPELINE_STAGE_2_TRANSFER_BIT, VK_ACCESS_2_TRANSFER_WRITE_BIT,
                VK_PIPELINE_STAGE_2_TRANSFER_BIT, VK_ACCESS_2_TRANSFER_WRITE_BIT);
}

int page_pool_grow(struct gpu_device *dev, struct page_pool *p, VkCommandBuffer cmd, bool *changed)
{
    *changed = false;
    if (p->layers_used <= p->image.layers && p->image.handle)
        return GPU_OK;
    if (p->layers_used == 0)
        return GPU_OK;
    uint32_t layers = p->image.layers ? p->image.layers + p->image.layers / 2 + 1 : 1;
    if (layers < p->layers_used)
        layers = p->layers_used;
    if (layers > p->layers_max)
        layers = p->layers_max;
    struct gpu_image bigger;
    int rc = gpu_image_create(dev, &bigger, &(struct gpu_image_desc) {
        .format = p->format,
        .width  = TEXTURE_LAYER,
        .height = TEXTURE_LAYER,
        .layers = layers,
        .usage  = VK_IMAGE_USAGE_SAMPLED_BIT,
        .array  = true,
        .name   = "texture pages",
    });
    if (rc < 0)
        return rc;
    if (p->image.handle) {
        copy_layers(cmd, &p->image, &bigger);
        gpu_image_retire(dev, &p->image);
    }
    p->image = bigger;
    *changed = true;
    return GPU_OK;
}
