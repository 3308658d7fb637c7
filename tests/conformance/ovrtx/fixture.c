#include "fixture.h"

ovrtx_renderer_t *renderer;

void start_renderer(const ovrtx_config_entry_t *entries, size_t count)
{
    ovrtx_config_t config = { entries, count };
    if (ovrtx_create_renderer(&config, &renderer).status != OVRTX_API_SUCCESS) {
        printf("skipped: %s\n", ovrtx_get_last_error().ptr);
        exit(77);
    }
}

void stop_renderer(void)
{
    assert_int_equal(ovrtx_destroy_renderer(renderer).status, OVRTX_API_SUCCESS);
    renderer = NULL;
}

int setup_plain(void **state)
{
    start_renderer(NULL, 0);
    return 0;
}

int teardown(void **state)
{
    stop_renderer();
    return 0;
}

ovx_string_t str(const char *text) { return (ovx_string_t) { text, strlen(text) }; }
DLDataType dtype(int code, int bits, int lanes) { return (DLDataType) { (uint8_t)code, (uint8_t)bits, (uint16_t)lanes }; }

void wait_ok_at(ovrtx_enqueue_result_t r, const char *file, int line)
{
    ovrtx_op_wait_result_t result;
    if (r.status != OVRTX_API_SUCCESS) {
        print_error("%s:%d: refused: %s\n", file, line, ovrtx_get_last_error().ptr);
        _fail(file, line);
    }
    _assert_int_equal(ovrtx_wait_op(renderer, r.op_index, ovrtx_timeout_infinite, &result).status, OVRTX_API_SUCCESS, file, line);
    if (result.num_error_ops) {
        print_error("%s:%d: %s\n", file, line, ovrtx_get_last_op_error(result.error_op_ids[0]).ptr);
        _fail(file, line);
    }
}

const char *wait_failed_at(ovrtx_enqueue_result_t r, const char *file, int line)
{
    ovrtx_op_wait_result_t result;
    _assert_int_equal(r.status, OVRTX_API_SUCCESS, file, line);
    _assert_int_equal(ovrtx_wait_op(renderer, r.op_index, ovrtx_timeout_infinite, &result).status, OVRTX_API_SUCCESS, file, line);
    bool found = false;
    for (size_t i = 0; i < result.num_error_ops; i++)
        found |= result.error_op_ids[i] == r.op_index;
    if (!found) {
        print_error("%s:%d: the operation did not fail\n", file, line);
        _fail(file, line);
    }
    return ovrtx_get_last_op_error(r.op_index).ptr;
}

void open_text(const char *usda) { wait_ok(ovrtx_open_usd_from_string(renderer, str(usda))); }

ovrtx_binding_desc_or_handle_t bind(const ovx_string_t *path, const char *attribute, DLDataType type, bool is_array)
{
    ovrtx_binding_desc_or_handle_t b = ovrtx_make_binding_desc(path, 1, str(attribute), OVRTX_SEMANTIC_NONE, type);
    b.binding_desc.attribute_type.is_array = is_array;
    return b;
}

bool read_one(const char *path, const char *attribute, ovrtx_read_output_t *out)
{
    ovx_string_t p = str(path);
    ovrtx_binding_desc_or_handle_t b = bind(&p, attribute, (DLDataType) { 0 }, false);
    ovrtx_read_handle_t handle;
    ovrtx_enqueue_result_t r = ovrtx_read_attribute(renderer, &b, NULL, &handle);
    wait_ok(r);
    ok(ovrtx_fetch_read_result(renderer, handle, ovrtx_timeout_infinite, out));
    if (out->prim_count)
        return true;
    release(out);
    return false;
}

void release(ovrtx_read_output_t *out)
{
    ok(ovrtx_release_read_result(renderer, out->map_handle, (ovrtx_cuda_sync_t) { 0 }));
}

ovrtx_enqueue_result_t write_one(const char *path, const char *attribute, DLDataType type, bool is_array,
                                 ovrtx_binding_prim_mode_t mode, const void *data, size_t count)
{
    ovx_string_t p = str(path);
    ovrtx_binding_desc_or_handle_t b = bind(&p, attribute, type, is_array);
    b.binding_desc.prim_mode   = mode;
    DLTensor tensor            = ovrtx_make_write_cpu_tensor(data, &count, type);
    ovrtx_input_buffer_t input = { .tensors = &tensor, .tensor_count = 1 };
    return ovrtx_write_attribute(renderer, &b, &input, OVRTX_DATA_ACCESS_SYNC);
}

static void path_text(ovx_primpath_t path, char out[256])
{
    path_dictionary_instance_t d;
    ovx_token_t tokens[64], *at;
    size_t count = 0, processed = 0, n = 0;
    ok(ovrtx_get_path_dictionary(renderer, &d));
    assert_int_equal(path_dictionary_get_tokens_from_paths(&d, &path, 1, tokens, 64, &at, &count, &processed).status, OVX_API_SUCCESS);
    assert_int_equal(processed, 1);
    for (size_t i = 0; i < count; i++) {
        ovx_string_t name;
        assert_int_equal(path_dictionary_get_strings_from_tokens(&d, at + i, 1, &name).status, OVX_API_SUCCESS);
        n += (size_t)snprintf(out + n, 256 - n, "/%s", name.ptr);
    }
}

static size_t run_query(const ovrtx_query_desc_t *desc, char out[][256], size_t max)
{
    ovrtx_query_handle_t handle;
    ovrtx_query_result_t result;
    path_dictionary_instance_t d;
    size_t n = 0;
    wait_ok(ovrtx_query_prims(renderer, desc, &handle));
    ok(ovrtx_fetch_query_results(renderer, handle, ovrtx_timeout_infinite, &result));
    ok(ovrtx_get_path_dictionary(renderer, &d));
    for (size_t g = 0; g < result.group_count; g++) {
        ovx_primpath_t paths[512];
        size_t count = 0;
        assert_int_equal(path_dictionary_get_paths_from_path_list(&d, result.groups[g].prim_list_handle, 0, 512, paths, &count).status, OVX_API_SUCCESS);
        assert_int_equal(count, result.groups[g].prim_count);
        for (size_t i = 0; i < count; i++, n++) {
            if (n < max)
                path_text(paths[i], out[n]);
        }
    }
    assert_int_equal(n, result.total_prim_count);
    ok(ovrtx_release_query_results(renderer, handle));
    return n;
}

size_t query(ovrtx_filter_kind_t kind, const char *name, char out[][256], size_t max)
{
    ovrtx_filter_t filter = { kind, { 0, str(name) } };
    return run_query(&(ovrtx_query_desc_t) { .require_all = &filter, .require_all_count = 1 }, out, max);
}

size_t count_prims(void) { return run_query(&(ovrtx_query_desc_t) { 0 }, NULL, 0); }

bool has_attribute(const char *path, const char *attribute)
{
    static char paths[512][256];
    size_t n = query(OVRTX_FILTER_HAS_ATTRIBUTE, attribute, paths, 512);
    for (size_t i = 0; i < n && i < 512; i++) {
        if (!strcmp(paths[i], path))
            return true;
    }
    return false;
}

ovrtx_step_result_handle_t step_product(const char *product)
{
    ovx_string_t path = str(product);
    ovrtx_step_result_handle_t handle = 0;
    wait_ok(ovrtx_step(renderer, (ovrtx_render_product_set_t) { &path, 1 }, 1.0 / 60, &handle));
    assert_int_not_equal(handle, 0);
    return handle;
}

ovrtx_render_var_output_handle_t find_var(const ovrtx_render_product_set_outputs_t *outputs, const char *name)
{
    for (size_t i = 0; i < outputs->output_count; i++) {
        const ovrtx_render_product_frame_output_t *frame = &outputs->outputs[i].output_frames[0];
        for (size_t k = 0; k < frame->render_var_count; k++) {
            if (same(frame->output_render_vars[k].render_var_name, name))
                return frame->output_render_vars[k].output_handle;
        }
    }
    return 0;
}

void take_picture(const char *product, const char *var, struct picture *out)
{
    out->result = step_product(product);
    ok(ovrtx_fetch_results(renderer, out->result, ovrtx_timeout_infinite, &out->outputs));
    assert_int_equal(out->outputs.status, OVRTX_EVENT_COMPLETED);
    ovrtx_render_var_output_handle_t handle = find_var(&out->outputs, var);
    assert_int_not_equal(handle, 0);
    ovrtx_map_output_description_t cpu = { OVRTX_MAP_DEVICE_TYPE_CPU, 0 };
    ok(ovrtx_map_render_var_output(renderer, handle, &cpu, ovrtx_timeout_infinite, &out->var));
    assert_int_equal(out->var.status, OVRTX_EVENT_COMPLETED);
    out->tensor = out->var.tensors[0].dl;
}

void finish_picture(struct picture *p)
{
    ok(ovrtx_unmap_render_var_output(renderer, p->var.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    ok(ovrtx_destroy_results(renderer, p->result));
}
