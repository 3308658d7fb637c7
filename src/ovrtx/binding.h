// One attribute of several prims, as a call or a persistent binding names it; and data for it.
#pragma once

#include <stdatomic.h>

#include "renderer.h"

struct binding {
    atomic_int refs;
    uint32_t name; // token
    ovrtx_attribute_type_t type; // as the caller stated it
    ovrtx_binding_prim_mode_t mode;
    size_t count;
    uint32_t *paths; // count path ids
};

// A reference to the persistent binding, or a new one from the description. NULL after error_set().
struct binding *binding_take(ovrtx_renderer_t *r, const ovrtx_binding_desc_or_handle_t *from);
void binding_drop(struct binding *b); // NULL is fine

// Values for a binding in storage form: paths and tokens as ids, transforms as matrices.
struct binding_data {
    ovrtx_attribute_type_t type;
    size_t *counts;  // elements of each prim; NULL = one each
    uint8_t *bytes;  // all prims back to back
    uint8_t *dirty;  // one bit per prim, or NULL = all
};
// Copies and checks what the caller gave. 0, or -1 after error_set(). Finish it either way.
int binding_data_copy(struct binding_data *out, ovrtx_renderer_t *r, const struct binding *b,
                      const ovrtx_input_buffer_t *input, ovrtx_data_access_t access);
void binding_data_finish(struct binding_data *d);

// Writes. Operation thread. 0, or -1 after op_fail().
int binding_write(ovrtx_renderer_t *r, const struct binding *b, const struct binding_data *data, struct op *op);
