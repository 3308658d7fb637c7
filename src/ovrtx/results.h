// What a step leaves behind: results, the outputs in them, and mappings of those. Any thread.
#pragma once

#include "products.h"
#include "renderer.h"

struct step_result {
    atomic_int refs; // the handle's and the operation's
    uint64_t handle, op_id;
    double start_time, end_time;
    size_t count;
    struct step_product *products;
    ovrtx_render_product_output_t *outputs; // what fetch hands out
    uint64_t failed_op; // op id when the step failed
};

struct step_product {
    uint32_t path;
    struct product_frame frame;
    ovrtx_render_product_frame_output_t frame_output;
    ovrtx_render_product_render_var_output_t vars[PRODUCT_MAX_VARS + 1];
};

struct step_result *result_create(size_t count);
void result_drop(void *result);
// After rendering: gives every render var a handle and fills what fetch hands out. false: out of memory.
bool result_publish(ovrtx_renderer_t *r, struct step_result *result);
