// Command buffers, the timeline that orders them, uploads, barriers and timestamps.
#pragma once

#include "gpu_resource.h"

// A command buffer from the ring, already begun. One is open at a time per device.
// NULL when the device is lost.
VkCommandBuffer gpu_commands_begin(struct gpu_device *dev);
VkCommandBuffer gpu_commands_current(const struct gpu_device *dev); // the open one, or NULL
// Ends and submits it. Returns the timeline value that its completion signals, 0 when the device is lost.
uint64_t gpu_commands_submit(struct gpu_device *dev);
// Ends it without submitting: nothing recorded since begin happens.
void gpu_commands_discard(struct gpu_device *dev);

uint64_t gpu_timeline_submitted(const struct gpu_device *dev); // newest value handed out
uint64_t gpu_timeline_done(const struct gpu_device *dev);      // any thread
// Any thread. GPU_OK, GPU_ERR_TIMEOUT or GPU_ERR_DEVICE. UINT64_MAX waits for ever.
int gpu_timeline_wait(const struct gpu_device *dev, uint64_t value, uint64_t timeout_ns);

/**
 * Records a copy of host bytes into a buffer through the staging ring, into the open command buffer.
 * Follow a batch with gpu_barrier_upload(). Data is copied before the call returns.
 */
int gpu_upload(struct gpu_device *dev, const struct gpu_buffer *dst, VkDeviceSize offset, const void *data,
               VkDeviceSize size);
// The same into one layer and mip of an image: rows tight, `size` bytes in all.
int gpu_upload_image(struct gpu_device *dev, const struct gpu_image *dst, uint32_t layer, uint32_t mip, uint32_t x,
                     uint32_t y, uint32_t width, uint32_t height, const void *data, VkDeviceSize size);
// `size` bytes of host memory that the open command buffer may copy from or read as a storage buffer; *offset
// is its place in *buffer. Valid until the next call that uploads or stages.
void *gpu_staging(struct gpu_device *dev, VkDeviceSize size, VkBuffer *buffer, VkDeviceSize *offset);

// Memory barriers over everything; images stay GENERAL.
void gpu_barrier(VkCommandBuffer cmd, VkPipelineStageFlags2 from, VkAccessFlags2 written, VkPipelineStageFlags2 to,
                 VkAccessFlags2 read);
void gpu_barrier_compute(VkCommandBuffer cmd);  // compute and raster writes -> compute reads and writes
void gpu_barrier_upload(VkCommandBuffer cmd);   // transfer writes -> any read
void gpu_barrier_transfer(VkCommandBuffer cmd); // shader and raster writes -> transfer reads and writes
void gpu_barrier_raster(VkCommandBuffer cmd);   // anything -> attachments, vertex input, fragment shaders
void gpu_barrier_host(VkCommandBuffer cmd);     // transfer and shader writes -> host reads

// GPU timestamps: a few named spans per command buffer, read back when it is done.
#define GPU_TIMER_SPANS 16
struct gpu_timer {
    VkQueryPool pool;
    uint64_t value;            // timeline value that it belongs to; 0 = not submitted
    float ms[GPU_TIMER_SPANS]; // of the newest completed submission, 0 where a span was not recorded
    uint32_t used;             // bit per span recorded
};
int gpu_timer_create(struct gpu_device *dev, struct gpu_timer *t);
void gpu_timer_destroy(struct gpu_device *dev, struct gpu_timer *t);
void gpu_timer_reset(struct gpu_device *dev, struct gpu_timer *t, VkCommandBuffer cmd);
void gpu_timer_begin(struct gpu_timer *t, VkCommandBuffer cmd, uint32_t span);
void gpu_timer_end(struct gpu_timer *t, VkCommandBuffer cmd, uint32_t span);
// Reads the results when the submission is done. true when ms is new.
bool gpu_timer_collect(struct gpu_device *dev, struct gpu_timer *t);
