// H.264 encoding of pictures for live viewing: no reordering, no look-ahead, key frames on request only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

struct encoder;

struct encoder_params {
    uint32_t width, height; // even
    uint32_t fps;           // nominal; sets the size of one frame in the rate control
    uint32_t bitrate_bps;
    const char *name; // libavcodec's name of an encoder, NULL = the first of the list below that opens
    int gpu;          // CUDA device for NVENC, negative = its default
};

struct encoded {
    const uint8_t *data; // one access unit, Annex B; valid until the next call on the encoder
    size_t size;
    bool keyframe; // IDR with SPS and PPS
};

#define ENCODER_ERROR_SIZE 256

/**
 * Open an encoder. Tried in order: h264_nvenc, libx264, libopenh264. Constrained baseline, BT.709 limited range
 * signalled in the VUI, every IDR carries its parameter sets, rate control with a buffer of 1.5 frames.
 *
 * @param error  Receives a sentence on failure that names what was tried.
 * @return       NULL on failure.
 *
 * Thread-safety: one thread at a time.
 */
struct encoder *encoder_create(const struct encoder_params *params, char error[ENCODER_ERROR_SIZE]);
void encoder_destroy(struct encoder **e); // *e may be NULL; left NULL

/**
 * Encode one picture.
 *
 * @param keyframe  Make it an IDR.
 * @return          1: *out holds it; 0: the encoder kept it and gives it with the next; negative: failed (logged).
 */
int encoder_encode(struct encoder *e, const struct frame *frame, bool keyframe, struct encoded *out);

// From the next frame on, without a new key frame. fps: what the application really delivers, 1 to the nominal rate.
void encoder_set_rate(struct encoder *e, uint32_t bitrate_bps, uint32_t fps);

const char *encoder_name(const struct encoder *e);
