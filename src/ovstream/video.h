// From the application's frame to an access unit: staging on the caller's thread, encoding on a thread of its own. The
// newest frame wins.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovstream/ovstream.h"

struct video;

struct access_unit {
    struct access_unit *next; // for whoever queues it
    size_t size;
    int64_t capture_us, submit_us; // monotonic
    bool keyframe;
    uint8_t data[]; // Annex B
};

struct video_params {
    uint32_t width, height, fps;
    ovstream_video_input_t input;
    int cuda_device;
    uintptr_t cuda_context;
    uint32_t bitrate_bps;
    // One access unit, free() it. Runs on the encoder's thread, or the caller's for input that is encoded already.
    void (*output)(void *user, struct access_unit *unit);
    void *user;
};

// NULL, with the last error set to ERROR and a text that starts with "ovstream_start:".
struct video *video_create(const struct video_params *params);
void video_destroy(struct video **v);

// ovstream_stream_video after the checks of handle and state; sets the last error. Any thread.
ovstream_result_t video_submit(struct video *v, const ovstream_video_frame_t *frame);

// Any thread.
void video_request_keyframe(struct video *v); // merged with others, at most one per 300 ms
void video_set_watched(struct video *v, bool watched); // nothing is encoded while nobody watches
void video_set_bitrate(struct video *v, uint32_t bps);
void video_set_at_rest(struct video *v, bool at_rest);

struct video_stats {
    uint64_t submitted, encoded, dropped, keyframes;
    float encode_ms, convert_ms;
    uint32_t sent_bps; // over the last second
    char encoder[32];
};
void video_stats(struct video *v, struct video_stats *out);
