// Attributes as the interface shows them: which ones a prim has, their types as DLPack types, and their
// values converted from USD's. Operation thread only.
#pragma once

#include "stage.h"

// One attribute's value. `data` is borrowed from the stage or owned by the value.
struct attr_value {
    ovrtx_attribute_type_t type;
    size_t count;     // elements; 1 for a scalar
    const void *data; // count elements, tightly packed
    struct usd_value usd; // private: what data borrows from
    void *owned;          // private
    double small[16];     // private
};

// Whether the prim has the attribute, and its type. `name` is a token.
bool attr_type(const struct stage *s, uint32_t prim, uint32_t name, ovrtx_attribute_type_t *out);
// The value; false when the prim does not have the attribute (or memory is short). Finish it in every case.
bool attr_read(const struct stage *s, uint32_t prim, uint32_t name, struct attr_value *out);
void attr_finish(struct attr_value *value);

struct attr_list {
    ARRAY_OF(ovrtx_attribute_desc_t);
};
// All attributes of a prim, sorted by name token. false: out of memory.
bool attr_list_all(const struct stage *s, uint32_t prim, struct attr_list *out);

static inline size_t attr_element_size(DLDataType d) { return (size_t)d.bits / 8 * d.lanes; }

// Local box of a prim's geometry: the authored extent, else computed. false: no geometry, or none of it.
struct box;
bool attr_local_box(const struct stage *s, uint32_t prim, struct box *out);

// "omni:fabric:localMatrix" is another name of "omni:xform".
uint32_t attr_canonical(const struct stage *s, uint32_t name);
