#include "gpu_commands.h"

int gpu_timer_create(struct gpu_device *dev, struct gpu_timer *t)
{
    *t = (struct gpu_timer) { 0 };
    if (!dev->timestamps)
        return GPU_OK;
    return gpu_check(vkCreateQueryPool(dev->device,
                                       &(VkQueryPoolCreateInfo) {
                                           .sType      = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                           .queryType  = VK_QUERY_TYPE_TIMESTAMP,
                                           .queryCount = 2 * GPU_TIMER_SPANS,
                                       },
                                       NULL, &t->pool),
                     "vkCreateQueryPool");
}

void gpu_timer_destroy(struct gpu_device *dev, struct gpu_timer *t)
{
    if (t->pool)
        vkDestroyQueryPool(dev->device, t->pool, NULL);
    *t = (struct gpu_timer) { 0 };
}

void gpu_timer_reset(struct gpu_device *dev, struct gpu_timer *t, VkCommandBuffer cmd)
{
    t->value = gpu_timeline_submitted(dev) + 1;
    t->used  = 0;
    if (t->pool)
        vkCmdResetQueryPool(cmd, t->pool, 0, 2 * GPU_TIMER_SPANS);
}

void gpu_timer_begin(struct gpu_timer *t, VkCommandBuffer cmd, uint32_t span)
{
    if (t->pool)
        vkCmdWriteTimestamp2(cmd, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, t->pool, 2 * span);
}

void gpu_timer_end(struct gpu_timer *t, VkCommandBuffer cmd, uint32_t span)
{
    if (t->pool) {
        vkCmdWriteTimestamp2(cmd, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, t->pool, 2 * span + 1);
        t->used |= 1u << span;
    }
}

bool gpu_timer_collect(struct gpu_device *dev, struct gpu_timer *t)
{
    if (!t->pool || !t->value || gpu_timeline_done(dev) < t->value)
        return false;
    t->value = 0;
    for (uint32_t i = 0; i < GPU_TIMER_SPANS; i++) {
        uint64_t at[2];
        t->ms[i] = 0;
        if ((t->used >> i & 1) &&
            vkGetQueryPoolResults(dev->device, t->pool, 2 * i, 2, sizeof(at), at, sizeof(at[0]),
                                  VK_QUERY_RESULT_64_BIT) == VK_SUCCESS)
            t->ms[i] = (float)((double)(at[1] - at[0]) * dev->props.limits.timestampPeriod * 1e-6);
    }
    return true;
}
