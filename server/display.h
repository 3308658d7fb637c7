// Display: one render output to BGRA8, by the meaning its name has. CPU, one thread at a time per state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovx/dlpack/dlpack.h"

// Displayable outputs in display order.
enum aov { AOV_LDR, AOV_HDR, AOV_NORMAL, AOV_INSTANCE, AOV_SEMANTIC, AOV_DEPTH, AOV_ALBEDO, AOV_COUNT };

enum tone_mapping { TONE_REINHARD, TONE_NONE };
enum depth_mode { DEPTH_INVERSE, DEPTH_MINMAX };

#define AOV_SEMANTIC_OTHER "SemanticSegmentation" // how some renderer versions call AOV_SEMANTIC

struct convert_settings {
    double exposure; // stops, for HdrColor
    enum tone_mapping tone;
    enum depth_mode depth;
    double camera_distance; // z0 of DEPTH_INVERSE, stage units
    double clip_far;        // depth at or beyond it is "nothing"
    double clip_near;       // 0 = not known: normalised depth is shown as it is
};

struct convert_state {
    bool depth_is_distance; // a finite value above 1 was seen on this stage
    uint8_t half_table[65536]; // half bits to display value of HdrColor, for table_settings
    uint8_t linear_table[16384];
    double table_exposure;
    enum tone_mapping table_tone;
    bool tables_ready, half_ready;
    uint8_t half_plain[65536]; // the same without exposure and tone mapping
    bool plain_ready;
};

const char *aov_name(enum aov aov);           // the name in messages
enum aov aov_from_name(const char *name, size_t length); // AOV_COUNT: not displayable; knows SemanticSegmentation
const char *aov_prim_name(enum aov aov);      // of its RenderVar prim

/**
 * Convert an image into width x height BGRA8 pixels, alpha 255, rows tight.
 *
 * @param tensor Host memory, channel-last: [H,W], [H,W,1], [H,W,3] or [H,W,4]; strides in elements or NULL.
 * @return       False, with out untouched, when the shape, size or type is not what this output can have.
 */
bool convert_image(struct convert_state *state, enum aov aov, const DLTensor *tensor,
                   const struct convert_settings *settings, uint8_t *out, int width, int height);
// A new stage: forget what was learned about its depth values.
void convert_forget(struct convert_state *state);
