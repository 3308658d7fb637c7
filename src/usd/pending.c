// Answers for the functions of the public header that are still to be written. Weak: the real ones win.
#include "stageusd/stageusd.h"

#include <stdio.h>
#include <string.h>

__attribute__((weak)) int usd_stage_open(const char *path, const struct usd_open_options *options, usd_stage **out, struct usd_error *err) { *out = NULL; if (err) { memset(err, 0, sizeof(*err)); err->code = USD_ERR_UNSUPPORTED; snprintf(err->message, sizeof(err->message), "%s is not supported yet", __func__); } return USD_ERR_UNSUPPORTED; }
__attribute__((weak)) int usd_stage_open_string(const void *data, size_t size, const char *identifier, const char *anchor_dir, const struct usd_open_options *options, usd_stage **out, struct usd_error *err) { *out = NULL; if (err) { memset(err, 0, sizeof(*err)); err->code = USD_ERR_UNSUPPORTED; snprintf(err->message, sizeof(err->message), "%s is not supported yet", __func__); } return USD_ERR_UNSUPPORTED; }
__attribute__((weak)) void usd_stage_close(usd_stage **stage) {  }
__attribute__((weak)) size_t usd_stage_diagnostic_count(const usd_stage *stage) { return 0; }
__attribute__((weak)) const struct usd_diagnostic *usd_stage_diagnostic(const usd_stage *stage, size_t i) { return NULL; }
__attribute__((weak)) size_t usd_stage_layer_count(const usd_stage *stage) { return 0; }
__attribute__((weak)) const char *usd_stage_layer(const usd_stage *stage, size_t i) { return NULL; }
__attribute__((weak)) void usd_stage_stats(const usd_stage *stage, struct usd_stage_stats *out) { memset(out, 0, sizeof(*out)); }
__attribute__((weak)) void usd_value_finish(struct usd_value *value) {  }
__attribute__((weak)) size_t usd_type_size(enum usd_type type) { return 0; }
__attribute__((weak)) int usd_type_components(enum usd_type type) { return 0; }
__attribute__((weak)) enum usd_type usd_type_component(enum usd_type type) { return 0; }
__attribute__((weak)) const char *usd_type_name(enum usd_type type) { return ""; }
__attribute__((weak)) enum usd_type usd_type_from_name(const char *type_name, bool *is_array) { return 0; }
__attribute__((weak)) float usd_half_to_float(uint16_t bits) { return 0; }
__attribute__((weak)) bool usd_value_doubles(const struct usd_value *value, size_t i, double *out, int components) { return 0; }
__attribute__((weak)) const struct usd_value *usd_dict_find(const struct usd_value *dict, const char *key) { return NULL; }
__attribute__((weak)) const usd_prim *usd_stage_pseudo_root(const usd_stage *stage) { return NULL; }
__attribute__((weak)) const usd_prim *usd_stage_find(const usd_stage *stage, const char *path) { return NULL; }
__attribute__((weak)) const usd_property *usd_stage_find_property(const usd_stage *stage, const char *path) { return NULL; }
__attribute__((weak)) const usd_prim *usd_stage_default_prim(const usd_stage *stage) { return NULL; }
__attribute__((weak)) bool usd_stage_metadata(const usd_stage *stage, const char *key, struct usd_value *out) { memset(out, 0, sizeof(*out)); return 0; }
__attribute__((weak)) const char *usd_stage_up_axis(const usd_stage *stage) { return ""; }
__attribute__((weak)) double usd_stage_meters_per_unit(const usd_stage *stage) { return 0; }
__attribute__((weak)) double usd_stage_time_codes_per_second(const usd_stage *stage) { return 0; }
__attribute__((weak)) double usd_stage_frames_per_second(const usd_stage *stage) { return 0; }
__attribute__((weak)) bool usd_stage_time_range(const usd_stage *stage, double *start, double *end) { return 0; }
__attribute__((weak)) uint64_t usd_stage_prim_count(const usd_stage *stage) { return 0; }
__attribute__((weak)) uint64_t usd_stage_id(const usd_stage *stage) { return 0; }
__attribute__((weak)) const usd_stage *usd_prim_stage(const usd_prim *prim) { return NULL; }
__attribute__((weak)) const usd_prim *usd_prim_parent(const usd_prim *prim) { return NULL; }
__attribute__((weak)) const usd_prim *usd_prim_first_child(const usd_prim *prim) { return NULL; }
__attribute__((weak)) const usd_prim *usd_prim_next_sibling(const usd_prim *prim) { return NULL; }
__attribute__((weak)) const usd_prim *usd_prim_child(const usd_prim *prim, const char *name) { return NULL; }
__attribute__((weak)) const usd_prim *usd_prim_next(const usd_prim *prim, const usd_prim *root, bool skip_children) { return NULL; }
__attribute__((weak)) const char *usd_prim_name(const usd_prim *prim) { return ""; }
__attribute__((weak)) const char *usd_prim_path(const usd_prim *prim) { return ""; }
__attribute__((weak)) size_t usd_prim_path_copy(const usd_prim *prim, char *out, size_t capacity) { return 0; }
__attribute__((weak)) const char *usd_prim_type_name(const usd_prim *prim) { return ""; }
__attribute__((weak)) bool usd_prim_is_a(const usd_prim *prim, const char *type) { return 0; }
__attribute__((weak)) enum usd_specifier usd_prim_specifier(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_active(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_defined(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_abstract(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_traversable(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_instanceable(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_instance(const usd_prim *prim) { return 0; }
__attribute__((weak)) bool usd_prim_is_instance_proxy(const usd_prim *prim) { return 0; }
__attribute__((weak)) const usd_prim *usd_prim_in_prototype(const usd_prim *prim) { return NULL; }
__attribute__((weak)) bool usd_prim_metadata(const usd_prim *prim, const char *key, struct usd_value *out) { memset(out, 0, sizeof(*out)); return 0; }
__attribute__((weak)) const char *usd_prim_metadata_next(const usd_prim *prim, size_t *at) { return NULL; }
__attribute__((weak)) const char *usd_prim_kind(const usd_prim *prim) { return ""; }
__attribute__((weak)) size_t usd_prim_api_schema_count(const usd_prim *prim) { return 0; }
__attribute__((weak)) const char *usd_prim_api_schema(const usd_prim *prim, size_t i) { return NULL; }
__attribute__((weak)) bool usd_prim_has_api(const usd_prim *prim, const char *schema) { return 0; }
__attribute__((weak)) size_t usd_prim_variant_set_count(const usd_prim *prim) { return 0; }
__attribute__((weak)) const char *usd_prim_variant_set(const usd_prim *prim, size_t set) { return NULL; }
__attribute__((weak)) size_t usd_prim_variant_count(const usd_prim *prim, size_t set) { return 0; }
__attribute__((weak)) const char *usd_prim_variant(const usd_prim *prim, size_t set, size_t i) { return NULL; }
__attribute__((weak)) const char *usd_prim_variant_selection(const usd_prim *prim, size_t set) { return NULL; }
__attribute__((weak)) bool usd_prim_opinion(const usd_prim *prim, size_t i, struct usd_opinion *out) { return 0; }
__attribute__((weak)) size_t usd_prim_property_count(const usd_prim *prim) { return 0; }
__attribute__((weak)) const usd_property *usd_prim_property(const usd_prim *prim, size_t i) { return NULL; }
__attribute__((weak)) const usd_property *usd_prim_find_property(const usd_prim *prim, const char *name) { return NULL; }
__attribute__((weak)) const usd_prim *usd_property_prim(const usd_property *property) { return NULL; }
__attribute__((weak)) const char *usd_property_name(const usd_property *property) { return ""; }
__attribute__((weak)) const char *usd_property_type_name(const usd_property *property) { return ""; }
__attribute__((weak)) enum usd_type usd_property_type(const usd_property *property, bool *is_array) { return 0; }
__attribute__((weak)) bool usd_property_is_relationship(const usd_property *property) { return 0; }
__attribute__((weak)) bool usd_property_is_uniform(const usd_property *property) { return 0; }
__attribute__((weak)) bool usd_property_is_custom(const usd_property *property) { return 0; }
__attribute__((weak)) bool usd_property_metadata(const usd_property *property, const char *key, struct usd_value *out) { memset(out, 0, sizeof(*out)); return 0; }
__attribute__((weak)) const char *usd_property_metadata_next(const usd_property *property, size_t *at) { return NULL; }
__attribute__((weak)) bool usd_property_opinion(const usd_property *property, size_t i, struct usd_opinion *out) { return 0; }
__attribute__((weak)) bool usd_attr_get(const usd_property *attr, double time, struct usd_value *out) { memset(out, 0, sizeof(*out)); return 0; }
__attribute__((weak)) bool usd_attr_has_value(const usd_property *attr) { return 0; }
__attribute__((weak)) size_t usd_attr_sample_count(const usd_property *attr) { return 0; }
__attribute__((weak)) size_t usd_attr_sample_times(const usd_property *attr, double *times, size_t max) { return 0; }
__attribute__((weak)) bool usd_attr_might_vary(const usd_property *attr) { return 0; }
__attribute__((weak)) size_t usd_attr_connection_count(const usd_property *attr) { return 0; }
__attribute__((weak)) const char *usd_attr_connection(const usd_property *attr, size_t i) { return NULL; }
__attribute__((weak)) size_t usd_rel_target_count(const usd_property *rel) { return 0; }
__attribute__((weak)) const char *usd_rel_target(const usd_property *rel, size_t i) { return NULL; }
__attribute__((weak)) bool usd_prim_get_bool(const usd_prim *prim, const char *name, double time, bool *out) { return 0; }
__attribute__((weak)) bool usd_prim_get_int(const usd_prim *prim, const char *name, double time, int *out) { return 0; }
__attribute__((weak)) bool usd_prim_get_float(const usd_prim *prim, const char *name, double time, float *out) { return 0; }
__attribute__((weak)) bool usd_prim_get_double(const usd_prim *prim, const char *name, double time, double *out) { return 0; }
__attribute__((weak)) bool usd_prim_get_token(const usd_prim *prim, const char *name, double time, const char **out) { return 0; }
__attribute__((weak)) bool usd_prim_get_vec2f(const usd_prim *prim, const char *name, double time, float out[2]) { return 0; }
__attribute__((weak)) bool usd_prim_get_vec3f(const usd_prim *prim, const char *name, double time, float out[3]) { return 0; }
__attribute__((weak)) bool usd_prim_get_vec4f(const usd_prim *prim, const char *name, double time, float out[4]) { return 0; }
__attribute__((weak)) bool usd_prim_get_matrix4d(const usd_prim *prim, const char *name, double time, double out[16]) { return 0; }
__attribute__((weak)) bool usd_prim_get_asset(const usd_prim *prim, const char *name, double time, struct usd_asset *out) { return 0; }
__attribute__((weak)) bool usd_prim_get(const usd_prim *prim, const char *name, double time, struct usd_value *out) { memset(out, 0, sizeof(*out)); return 0; }
__attribute__((weak)) bool usd_attr_get_bool(const usd_property *attr, double time, bool *out) { return 0; }
__attribute__((weak)) bool usd_attr_get_int(const usd_property *attr, double time, int *out) { return 0; }
__attribute__((weak)) bool usd_attr_get_float(const usd_property *attr, double time, float *out) { return 0; }
__attribute__((weak)) bool usd_attr_get_double(const usd_property *attr, double time, double *out) { return 0; }
__attribute__((weak)) bool usd_attr_get_token(const usd_property *attr, double time, const char **out) { return 0; }
__attribute__((weak)) bool usd_attr_get_vec2f(const usd_property *attr, double time, float out[2]) { return 0; }
__attribute__((weak)) bool usd_attr_get_vec3f(const usd_property *attr, double time, float out[3]) { return 0; }
__attribute__((weak)) bool usd_attr_get_vec4f(const usd_property *attr, double time, float out[4]) { return 0; }
__attribute__((weak)) bool usd_attr_get_matrix4d(const usd_property *attr, double time, double out[16]) { return 0; }
__attribute__((weak)) bool usd_attr_get_asset(const usd_property *attr, double time, struct usd_asset *out) { return 0; }
__attribute__((weak)) bool usd_schema_fallback(const char *type_name, const char *attribute, struct usd_value *out) { memset(out, 0, sizeof(*out)); return 0; }
__attribute__((weak)) bool usd_prim_local_matrix(const usd_prim *prim, double time, double out[16], bool *resets) { return 0; }
__attribute__((weak)) void usd_prim_world_matrix(const usd_prim *prim, double time, double out[16]) { memset(out, 0, 16 * sizeof(double)); out[0] = out[5] = out[10] = out[15] = 1; }
__attribute__((weak)) bool usd_prim_transform_varies(const usd_prim *prim, bool inherited) { return 0; }
__attribute__((weak)) enum usd_purpose usd_prim_purpose(const usd_prim *prim) { return USD_PURPOSE_DEFAULT; }
__attribute__((weak)) bool usd_prim_is_visible(const usd_prim *prim, double time) { return 0; }
__attribute__((weak)) bool usd_prim_world_bounds(const usd_prim *prim, double time, unsigned purposes, struct usd_bounds *out) { return 0; }
__attribute__((weak)) const usd_prim *usd_prim_bound_material(const usd_prim *prim, const char *purpose) { return NULL; }
__attribute__((weak)) const usd_property *usd_prim_find_primvar(const usd_prim *prim, const char *name, const usd_property **indices) { return NULL; }
__attribute__((weak)) const char *usd_attr_interpolation(const usd_property *attr) { return ""; }
__attribute__((weak)) int usd_asset_read(const usd_stage *stage, const char *resolved, void **data, size_t *size, struct usd_error *err) { if (err) { memset(err, 0, sizeof(*err)); err->code = USD_ERR_UNSUPPORTED; snprintf(err->message, sizeof(err->message), "%s is not supported yet", __func__); } return USD_ERR_UNSUPPORTED; }
__attribute__((weak)) size_t usd_asset_resolve(const usd_stage *stage, const char *layer, const char *authored, char *out, size_t capacity) { return 0; }
__attribute__((weak)) size_t usd_asset_udim_tiles(const usd_stage *stage, const struct usd_asset *asset, void (*fn)(void *user, int tile, const char *resolved), void *user) { return 0; }
