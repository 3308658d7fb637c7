// Looking into H.264 byte streams that an application encoded itself (ITU-T H.264 annex B).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One NAL unit of an access unit; the start code is not part of it.
struct annexb_nal {
    const uint8_t *data;
    size_t size; // at least 1
};

// Next NAL unit at or after *at (start with 0); false at the end. Empty units are skipped.
bool annexb_next_nal(const uint8_t *au, size_t size, size_t *at, struct annexb_nal *out);

static inline unsigned annexb_nal_type(const struct annexb_nal *nal) { return nal->data[0] & 0x1f; }

enum { ANNEXB_NAL_IDR = 5, ANNEXB_NAL_SPS = 7, ANNEXB_NAL_PPS = 8 };

// Latest SPS and PPS seen. Sets of one id only, which is what encoders produce.
struct annexb_parameter_sets {
    uint8_t sps[512], pps[512];
    size_t sps_size, pps_size;
};

/**
 * Remember the parameter sets of an access unit.
 *
 * @param missing  Set when it is an IDR that lacks its parameter sets while they are known: prepend them.
 * @return         Whether it is an IDR that can be decoded, with those put in front if missing.
 */
bool annexb_scan(struct annexb_parameter_sets *sets, const uint8_t *au, size_t size, bool *missing);
