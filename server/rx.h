// The renderer as the server uses it: every call of the ovrtx API is in rx.c. Render thread only, except
// where a function says otherwise. Extensions are looked up at run time and are optional.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovrtx/ovrtx.h"
#include "ovrtx/ovrtx_ext.h"

struct rx;

struct rx_wait {
    int timeout_s;
    bool (*cancelled)(void *user); // polled; may be NULL
    void (*progress)(void *user, double amount); // 0..1; may be NULL
    void *user;
};

enum rx_result { RX_OK, RX_FAILED, RX_TIMEOUT, RX_CANCELLED, RX_LOST };

// The result of one step of the viewer's product.
struct rx_frame {
    ovrtx_step_result_handle_t step;
    const ovrtx_render_product_frame_output_t *vars; // NULL: the step produced no frame
};

struct rx_image { // one mapped output
    ovrtx_render_var_output_t output;
    const DLTensor *tensor; // the image, NULL when there is none
};

// gpu: index of the device as text, or NULL.
bool rx_create(struct rx **out, const char *gpu, char *error, size_t error_size);
void rx_destroy(struct rx **rx);

enum rx_result rx_open(struct rx *rx, const char *layer, const struct rx_wait *wait, char *error, size_t error_size);
void rx_reset_stage(struct rx *rx);
void rx_write_camera(struct rx *rx, const double matrix[16]);
// Lens of the camera prim, written as plain attributes.
void rx_write_lens(struct rx *rx, float focal_length, float horizontal_aperture, float vertical_aperture, float near, float far);
void rx_set_groups(struct rx *rx, const char *const *paths, const uint8_t *groups, size_t count);
void rx_set_pickable(struct rx *rx, const char *const *paths, size_t count, bool pickable);
// Styles of selection groups 1 to 3; primary is the outline colour of group 1.
void rx_set_styles(struct rx *rx, const double primary[4]);
bool rx_enqueue_pick(struct rx *rx, int left, int top, int right, int bottom);
enum rx_result rx_step(struct rx *rx, double delta, const struct rx_wait *wait, struct rx_frame *out, char *error, size_t error_size);
void rx_frame_finish(struct rx *rx, struct rx_frame *frame);

// The output with this source name in the frame, 0 = none.
ovrtx_render_var_output_handle_t rx_frame_find(const struct rx_frame *frame, const char *name);
// Map to host memory. False: it cannot be mapped. Unmap in every other case.
bool rx_map(struct rx *rx, ovrtx_render_var_output_handle_t handle, struct rx_image *out);
void rx_unmap(struct rx *rx, struct rx_image *image);
/** Path of an id from the renderer's dictionary (malloc), NULL when unknown. */
char *rx_path_text(struct rx *rx, uint64_t path);

// Extensions; they do nothing, or return false, where the library lacks them.
bool rx_has_stats(const struct rx *rx);
bool rx_can_select(const struct rx *rx); // rx_select_outputs has an effect
bool rx_stats(struct rx *rx, ovrtx_ext_product_stats_t *out); // any thread while the renderer lives
void rx_set_budget(struct rx *rx, double milliseconds);
void rx_select_outputs(struct rx *rx, const char *const *names, size_t count); // count 0 = all
