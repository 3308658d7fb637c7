// What the tests of the ovrtx interface share: one renderer, short forms, checks that say where they failed.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ovrtx/ovrtx.h>
#include <ovrtx/ovrtx_attributes.h>
#include <ovrtx/ovrtx_config.h>
#include <ovrtx/ovrtx_ext.h>

extern ovrtx_renderer_t *renderer;

// Creates `renderer` with these entries. Ends the program with 77 where there is no Vulkan device.
void start_renderer(const ovrtx_config_entry_t *entries, size_t count);
void stop_renderer(void);
int setup_plain(void **state); // group setup: no configuration
int teardown(void **state);

#define S(literal) literal_to_ovx_string(literal)
ovx_string_t str(const char *text);
static inline bool same(ovx_string_t a, const char *b) { return a.length == strlen(b) && !memcmp(a.ptr, b, a.length); }

// Waits for an operation. The first fails the test when it, or any other, failed; the second when it did not.
#define wait_ok(enqueued) wait_ok_at((enqueued), __FILE__, __LINE__)
#define wait_failed(enqueued) wait_failed_at((enqueued), __FILE__, __LINE__)
void wait_ok_at(ovrtx_enqueue_result_t r, const char *file, int line);
const char *wait_failed_at(ovrtx_enqueue_result_t r, const char *file, int line); // the operation's error text

void open_text(const char *usda); // opens and waits
#define ok(result) assert_int_equal((result).status, OVRTX_API_SUCCESS)
#define refused(result) assert_int_equal((result).status, OVRTX_API_ERROR)

ovrtx_binding_desc_or_handle_t bind(const ovx_string_t *path, const char *attribute, DLDataType type, bool is_array);
DLDataType dtype(int code, int bits, int lanes);

// One attribute of one prim. false: the prim does not have it. Release with ovrtx_release_read_result(map_handle).
bool read_one(const char *path, const char *attribute, ovrtx_read_output_t *out);
void release(ovrtx_read_output_t *out);
ovrtx_enqueue_result_t write_one(const char *path, const char *attribute, DLDataType type, bool is_array,
                                 ovrtx_binding_prim_mode_t mode, const void *data, size_t count);

// Prims that pass one filter; the paths of all groups as texts in `out` (at most max), returns how many there are.
size_t query(ovrtx_filter_kind_t kind, const char *name, char out[][256], size_t max);
size_t count_prims(void);
bool has_attribute(const char *path, const char *attribute);

// Steps a product and maps one var. Unmap and destroy with finish_picture().
struct picture {
    ovrtx_step_result_handle_t result;
    ovrtx_render_product_set_outputs_t outputs;
    ovrtx_render_var_output_t var;
    const DLTensor *tensor;
};
ovrtx_step_result_handle_t step_product(const char *product);
ovrtx_render_var_output_handle_t find_var(const ovrtx_render_product_set_outputs_t *outputs, const char *name); // 0 = not there
void take_picture(const char *product, const char *var, struct picture *out);
void finish_picture(struct picture *p);
