// Checks of ovstream_video_frame_t (contract section 5), and its pixels as host memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ovstream/ovstream_types.h"

struct pixels {
    const uint8_t *host; // NULL when the pixels are on the device
    uintptr_t device;
    size_t stride;
};

// Raw input: what the frame holds. Sets the last error.
ovstream_result_t staging_pixels(const ovstream_video_frame_t *frame, ovstream_video_input_t input, uint32_t width,
                                 uint32_t height, struct pixels *out);

// Encoded input: the size rules.
ovstream_result_t staging_check_encoded(const ovstream_video_frame_t *frame);
