// Any layer format, chosen by its first bytes, and composition of what it holds (internal references, classes,
// variants, instances). The targets of the formats differ only in their corpus.
#include <stddef.h>
#include <stdint.h>

#include "stageusd/stageusd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Reads everything a stage can say.
static void read_all(const usd_stage *s)
{
    const usd_prim *root = usd_stage_pseudo_root(s);
    size_t left          = 2000;
    for (const usd_prim *p = usd_prim_first_child(root); p && left--; p = usd_prim_next(p, root, false)) {
        double m[16];
        struct usd_opinion o;
        usd_prim_local_matrix(p, 1, m, NULL);
        usd_prim_path(p);
        usd_prim_opinion(p, 0, &o);
        for (size_t i = 0; i < usd_prim_variant_set_count(p); i++)
            usd_prim_variant_count(p, i);
        for (size_t i = 0; i < usd_prim_property_count(p); i++) {
            const usd_property *q = usd_prim_property(p, i);
            struct usd_value v;
            usd_attr_get(q, 0.5, &v);
            usd_value_finish(&v);
            usd_attr_get(q, USD_TIME_DEFAULT, &v);
            usd_value_finish(&v);
            usd_rel_target_count(q);
            usd_attr_connection_count(q);
            const char *key;
            for (size_t at = 0; (key = usd_property_metadata_next(q, &at));) {
                usd_property_metadata(q, key, &v);
                usd_value_finish(&v);
            }
        }
        const char *key;
        for (size_t at = 0; (key = usd_prim_metadata_next(p, &at));) {
            struct usd_value v;
            usd_prim_metadata(p, key, &v);
            usd_value_finish(&v);
        }
        usd_prim_bound_material(p, "full");
    }
    struct usd_bounds b;
    usd_prim_world_bounds(root, 1, USD_PURPOSE_DEFAULT, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct usd_limits limits = { .max_file_bytes = 1 << 20, .max_layer_bytes = 64 << 20, .max_prims = 2000, .max_nesting = 64 };
    struct usd_open_options options = { .limits = &limits, .threads = 1 };
    usd_stage *s;
    struct usd_error err;
    if (usd_stage_open_string(data, size, "fuzz", "/nonexistent", &options, &s, &err) == USD_OK)
        read_all(s);
    usd_stage_close(&s);
    return 0;
}
