// Attributes: which exist, how they are stored, writing and reading in every form.

#include "fixture.h"

#define EXISTING OVRTX_BINDING_PRIM_MODE_EXISTING_ONLY
#define CREATE OVRTX_BINDING_PRIM_MODE_CREATE_NEW
#define MUST OVRTX_BINDING_PRIM_MODE_MUST_EXIST

static const char kinds[] =
    "#usda 1.0\n(\n    customLayerData = {\n        bool populateAllAuthoredAttributes = true\n    }\n)\n"
    "def Xform \"P\"\n{\n"
    "    custom bool aBool = true\n    custom bool[] aBools = [true, false, true]\n    custom uchar aUchar = 200\n"
    "    custom int anInt = -7\n    custom int2 anInt2 = (1, 2)\n    custom int3[] anInt3s = [(1, 2, 3), (4, 5, 6)]\n    custom int4 anInt4 = (1, 2, 3, 4)\n"
    "    custom uint aUint = 4000000000\n    custom int64 anInt64 = -5000000000\n    custom uint64 aUint64 = 5000000000\n"
    "    custom half aHalf = 0.5\n    custom half3 aHalf3 = (1, 2, 3)\n    custom float aFloat = 1.5\n    custom float2 aFloat2 = (1, 2)\n"
    "    custom float3 aFloat3 = (1, 2, 3)\n    custom float3[] aFloat3s = [(1, 2, 3), (4, 5, 6)]\n    custom float4 aFloat4 = (1, 2, 3, 4)\n"
    "    custom double aDouble = 2.5\n    custom double3 aDouble3 = (1, 2, 3)\n    custom color3f aColor = (0.1, 0.2, 0.3)\n"
    "    custom point3f aPoint = (1, 2, 3)\n    custom texCoord2f aTexCoord = (0.25, 0.75)\n    custom quatf aQuat = (1, 2, 3, 4)\n"
    "    custom matrix2d aMatrix2 = ((1, 2), (3, 4))\n    custom matrix4d aMatrix4 = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16))\n"
    "    custom frame4d aFrame = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (7, 8, 9, 1))\n"
    "    custom string aString = \"hello\"\n    custom token aToken = \"word\"\n    custom token[] someTokens = [\"a\", \"b\"]\n"
    "    custom asset anAsset = @initial_asset.usd@\n"
    "    custom asset[] someAssets = [@a.usd@]\n    custom string[] someStrings = [\"x\"]\n    custom timecode aTimecode = 3\n    custom timecode[] someTimecodes = [3]\n"
    "    custom rel aRel = </P>\n"
    "}\n";

static const struct {
    const char *name;
    int code, bits, lanes;
    bool is_array;
    size_t count;
    double first; // first component of the first element
} stored[] = {
    { "aBool", kDLBool, 8, 1, false, 1, 1 },      { "aBools", kDLBool, 8, 1, true, 3, 1 },
    { "aUchar", kDLUInt, 8, 1, false, 1, 200 },   { "anInt", kDLInt, 32, 1, false, 1, -7 },
    { "anInt2", kDLInt, 32, 2, false, 1, 1 },     { "anInt3s", kDLInt, 32, 3, true, 2, 1 },
    { "anInt4", kDLInt, 32, 4, false, 1, 1 },     { "aUint", kDLUInt, 32, 1, false, 1, 4000000000.0 },
    { "anInt64", kDLInt, 64, 1, false, 1, -5e9 }, { "aUint64", kDLUInt, 64, 1, false, 1, 5e9 },
    { "aHalf", kDLFloat, 16, 1, false, 1, 0x3800 }, { "aHalf3", kDLFloat, 16, 3, false, 1, 0x3c00 },
    { "aFloat", kDLFloat, 32, 1, false, 1, 1.5 }, { "aFloat2", kDLFloat, 32, 2, false, 1, 1 },
    { "aFloat3", kDLFloat, 32, 3, false, 1, 0 },  { "aFloat3s", kDLFloat, 32, 3, true, 2, 1 },
    { "aFloat4", kDLFloat, 32, 4, false, 1, 1 },  { "aDouble", kDLFloat, 64, 1, false, 1, 2.5 },
    { "aDouble3", kDLFloat, 64, 3, false, 1, 1 }, { "aColor", kDLFloat, 32, 3, false, 1, 0.1f },
    { "aPoint", kDLFloat, 32, 3, false, 1, 1 },   { "aTexCoord", kDLFloat, 32, 2, false, 1, 0.25 },
    { "aQuat", kDLFloat, 32, 4, false, 1, 2 },    { "aMatrix2", kDLFloat, 64, 4, false, 1, 1 },
    { "aMatrix4", kDLFloat, 64, 16, false, 1, 1 }, { "aFrame", kDLFloat, 64, 16, false, 1, 1 },
    { "aString", kDLUInt, 8, 1, true, 5, 'h' },   { "someTokens", kDLUInt, 64, 1, true, 2, -1 },
    { "aToken", kDLUInt, 64, 1, false, 1, -1 },   { "anAsset", kDLUInt, 64, 2, false, 1, -1 },
};

static double component(const DLTensor *t)
{
    switch (t->dtype.code << 8 | t->dtype.bits) {
    case kDLFloat << 8 | 64: return *(double *)t->data;
    case kDLFloat << 8 | 32: return *(float *)t->data;
    case kDLFloat << 8 | 16: return *(uint16_t *)t->data;
    case kDLInt << 8 | 32: return *(int32_t *)t->data;
    case kDLUInt << 8 | 32: return *(uint32_t *)t->data;
    case kDLInt << 8 | 64: return (double)*(int64_t *)t->data;
    case kDLUInt << 8 | 64: return (double)*(uint64_t *)t->data;
    default: return *(uint8_t *)t->data;
    }
}

static const char *token_text(uint64_t token)
{
    path_dictionary_instance_t d;
    ovx_string_t text;
    ok(ovrtx_get_path_dictionary(renderer, &d));
    assert_int_equal(path_dictionary_get_strings_from_tokens(&d, &token, 1, &text).status, OVX_API_SUCCESS);
    return text.ptr;
}

static void every_kind_is_stored_as_described(void **state)
{
    ovrtx_read_output_t out;
    open_text(kinds);
    for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        print_message("  %s\n", stored[i].name);
        assert_true(read_one("/P", stored[i].name, &out));
        const DLTensor *t = &out.buffers[0].dl;
        assert_int_equal(out.buffer_count, 1);
        assert_int_equal(out.is_array, stored[i].is_array);
        assert_int_equal(t->dtype.code, stored[i].code);
        assert_int_equal(t->dtype.bits, stored[i].bits);
        assert_int_equal(t->dtype.lanes, stored[i].lanes);
        assert_int_equal(t->ndim, 1);
        assert_int_equal(t->shape[0], stored[i].count);
        assert_int_equal(t->device.device_type, kDLCPU);
        if (stored[i].first != -1)
            assert_true(component(t) == stored[i].first);
        release(&out);
    }
    assert_true(read_one("/P", "aToken", &out));
    assert_string_equal(token_text(*(uint64_t *)out.buffers[0].dl.data), "word");
    release(&out);
    assert_true(read_one("/P", "anAsset", &out));
    assert_string_equal(token_text(*(uint64_t *)out.buffers[0].dl.data), "initial_asset.usd");
    assert_int_equal(((uint64_t *)out.buffers[0].dl.data)[1], 0);
    release(&out);
    assert_true(read_one("/P", "aQuat", &out)); // real part last
    assert_true(((float *)out.buffers[0].dl.data)[3] == 1);
    release(&out);
}

static void some_kinds_are_absent(void **state)
{
    const char *absent[] = { "someAssets", "someStrings", "aTimecode", "someTimecodes", "aRel", "noSuchThing" };
    ovrtx_read_output_t out;
    open_text(kinds);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        assert_false(has_attribute("/P", absent[i]));
        assert_false(read_one("/P", absent[i], &out));
    }
    assert_true(has_attribute("/P", "aString"));
}

static void custom_attributes_need_the_flag(void **state)
{
    open_text("#usda 1.0\ndef Xform \"P\"\n{\n    custom float mine = 1\n}\n");
    assert_false(has_attribute("/P", "mine"));
}

static void a_float3_takes_a_write(void **state)
{
    float v[3] = { 4, 5, 6 };
    ovrtx_read_output_t out;
    open_text(kinds);
    wait_ok(write_one("/P", "aFloat3", dtype(kDLFloat, 32, 3), false, MUST, v, 1));
    assert_true(read_one("/P", "aFloat3", &out));
    assert_memory_equal(out.buffers[0].dl.data, v, sizeof(v));
    release(&out);
}

static void arrays_change_their_length(void **state)
{
    float v[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    ovrtx_read_output_t out;
    open_text(kinds);
    for (size_t n = 0; n <= 3; n++) {
        wait_ok(write_one("/P", "aFloat3s", dtype(kDLFloat, 32, 3), true, MUST, v, n));
        assert_true(read_one("/P", "aFloat3s", &out));
        assert_int_equal(out.buffers[0].dl.shape[0], n);
        assert_memory_equal(out.buffers[0].dl.data, v, n * 12);
        release(&out);
    }
    wait_ok(write_one("/P", "aString", dtype(kDLUInt, 8, 1), true, MUST, "longer text", 11));
    assert_true(read_one("/P", "aString", &out));
    assert_int_equal(out.buffers[0].dl.shape[0], 11);
    release(&out);
}

static void types_must_fit(void **state)
{
    double d  = 1;
    uint8_t b = 1;
    open_text(kinds);
    wait_failed(write_one("/P", "aFloat", dtype(kDLFloat, 64, 1), false, MUST, &d, 1));
    wait_ok(write_one("/P", "aBool", dtype(kDLUInt, 8, 1), false, MUST, &b, 1));
    refused(write_one("/P", "aFloat", dtype(kDLFloat, 32, 1), false, MUST, &d, 2)); // two values, one prim
}

static void prim_modes(void **state)
{
    float v = 3;
    ovrtx_read_output_t out;
    open_text(kinds);
    wait_ok(write_one("/Nobody", "aFloat", dtype(kDLFloat, 32, 1), false, EXISTING, &v, 1));
    wait_ok(write_one("/P", "nothing", dtype(kDLFloat, 32, 1), false, EXISTING, &v, 1));
    assert_false(has_attribute("/P", "nothing"));
    wait_failed(write_one("/P", "nothing", dtype(kDLFloat, 32, 1), false, MUST, &v, 1));
    wait_failed(write_one("/Nobody", "aFloat", dtype(kDLFloat, 32, 1), false, MUST, &v, 1));
    wait_ok(write_one("/P", "nothing", dtype(kDLFloat, 32, 1), false, CREATE, &v, 1));
    assert_true(read_one("/P", "nothing", &out));
    assert_true(*(float *)out.buffers[0].dl.data == 3);
    release(&out);
    wait_ok(write_one("/New/Prim", "fresh", dtype(kDLFloat, 32, 1), false, CREATE, &v, 1));
    assert_true(has_attribute("/New/Prim", "fresh"));
    wait_ok(ovrtx_write_attribute(renderer, &(ovrtx_binding_desc_or_handle_t) { .binding_desc = { .attribute_name = { 0, S("aFloat") }, .attribute_type = { { kDLFloat, 32, 1 }, false, 0 } } },
                                  &(ovrtx_input_buffer_t) { 0 }, OVRTX_DATA_ACCESS_SYNC)); // no prims: no effect
}

static void created_token_arrays_are_found(void **state)
{
    ovx_string_t p = S("/P"), values[] = { S("one"), S("two") };
    open_text(kinds);
    ovrtx_binding_desc_or_handle_t b = bind(&p, "omni:docTokens", dtype(kDLUInt, 128, 1), true);
    b.binding_desc.attribute_type.semantic = OVRTX_SEMANTIC_TOKEN_STRING;
    b.binding_desc.prim_mode = CREATE;
    size_t two = 2;
    DLTensor t = ovrtx_make_write_cpu_tensor(values, &two, dtype(kDLUInt, 128, 1));
    ovrtx_input_buffer_t input = { .tensors = &t, .tensor_count = 1 };
    refused(ovrtx_write_attribute(renderer, &b, &input, OVRTX_DATA_ACCESS_ASYNC)); // strings are copied at once or not at all
    wait_ok(ovrtx_write_attribute(renderer, &b, &input, OVRTX_DATA_ACCESS_SYNC));
    assert_true(has_attribute("/P", "omni:docTokens"));
    ovrtx_read_output_t out;
    assert_true(read_one("/P", "omni:docTokens", &out));
    assert_int_equal(out.buffers[0].dl.shape[0], 2);
    assert_string_equal(token_text(((uint64_t *)out.buffers[0].dl.data)[1]), "two");
    release(&out);
}

// ---------------------------------------------------------------------------------------------
// Transforms

static const char scene[] = "#usda 1.0\ndef Xform \"A\"\n{\n    double3 xformOp:translate = (1, 2, 3)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
                            "    def Cube \"C\"\n    {\n        double size = 2\n        float3 xformOp:scale = (2, 2, 2)\n        uniform token[] xformOpOrder = [\"xformOp:scale\"]\n    }\n}\n"
                            "def Cube \"D\" {}\n";

static void expect_matrix(const char *path, const double m[16])
{
    ovrtx_read_output_t out;
    assert_true(read_one(path, "omni:xform", &out));
    assert_int_equal(out.buffers[0].dl.dtype.lanes, 16);
    for (int i = 0; i < 16; i++)
        assert_true(((double *)out.buffers[0].dl.data)[i] - m[i] < 1e-6 && m[i] - ((double *)out.buffers[0].dl.data)[i] < 1e-6);
    release(&out);
}

static void transforms_in_every_form(void **state)
{
    const double moved[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 2, 3, 1 }, doubled[16] = { 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1 };
    open_text(scene);
    expect_matrix("/A", moved);
    expect_matrix("/A/C", doubled);

    ovx_string_t paths[] = { S("/A"), S("/D") };
    ovrtx_xform_pos3d_rot4f_scale3f_t trs[2] = { { { 4, 5, 6 }, { 1, 0, 0, 0 }, { 2, 3, 4 }, 0 }, { { 0, 0, 0 }, { 0, 0, 0, 1 }, { 1, 1, 1 }, 0 } };
    wait_ok(ovrtx_set_xform_pos_rot_scale(renderer, paths, 2, trs));
    const double turned[16] = { 2, 0, 0, 0, 0, -3, 0, 0, 0, 0, -4, 0, 4, 5, 6, 1 };
    expect_matrix("/A", turned);

    ovrtx_xform_pos3d_rot3x3f_t rot = { { 7, 8, 9 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 0 };
    wait_ok(ovrtx_set_xform_pos_rot3x3(renderer, paths, 1, &rot));
    const double filled[16] = { 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 7, 8, 9, 1 };
    expect_matrix("/A", filled);

    ovrtx_xform_matrix44d_t mat;
    memcpy(mat.v, moved, sizeof(moved));
    wait_ok(ovrtx_set_xform_mat(renderer, paths, 1, &mat));
    expect_matrix("/A", moved);

    // Shape form: [N, 4, 4] of single doubles.
    ovrtx_binding_desc_or_handle_t b = bind(paths, "omni:xform", dtype(kDLFloat, 64, 16), false);
    b.binding_desc.attribute_type.semantic = OVRTX_SEMANTIC_XFORM_MAT4x4;
    int64_t shape[3] = { 1, 4, 4 };
    DLTensor t = { .data = (void *)(uintptr_t)doubled, .device = { kDLCPU, 0 }, .ndim = 3, .dtype = dtype(kDLFloat, 64, 1), .shape = shape };
    ovrtx_input_buffer_t input = { .tensors = &t, .tensor_count = 1 };
    wait_ok(ovrtx_write_attribute(renderer, &b, &input, OVRTX_DATA_ACCESS_SYNC));
    expect_matrix("/A", doubled);
    // An alias, and raw doubles without a semantic.
    wait_ok(write_one("/A", "omni:fabric:localMatrix", dtype(kDLFloat, 64, 16), false, EXISTING, moved, 1));
    expect_matrix("/A", moved);
    double nan[16] = { 0.0 / 0.0 };
    memcpy(mat.v, nan, sizeof(nan));
    refused(ovrtx_set_xform_mat(renderer, paths, 1, &mat));
}

static void reset_stack_and_extents(void **state)
{
    ovrtx_read_output_t out;
    open_text(scene);
    assert_true(read_one("/A/C", "_worldExtent", &out));
    const double world[6] = { -1, 0, 1, 3, 4, 5 };
    assert_memory_equal(out.buffers[0].dl.data, world, sizeof(world));
    release(&out);
    assert_true(read_one("/A/C", "extent", &out));
    assert_false(out.is_array);
    const double local[6] = { -1, -1, -1, 1, 1, 1 };
    assert_memory_equal(out.buffers[0].dl.data, local, sizeof(local));
    release(&out);

    bool yes = true;
    wait_ok(ovrtx_set_reset_xform_stack(renderer, (ovx_string_t[]) { S("/A/C") }, 1, &yes));
    assert_true(read_one("/A/C", "omni:resetXformStack", &out));
    assert_int_not_equal(*(uint8_t *)out.buffers[0].dl.data, 0);
    release(&out);
    assert_true(read_one("/A/C", "_worldExtent", &out));
    const double alone[6] = { -2, -2, -2, 2, 2, 2 };
    assert_memory_equal(out.buffers[0].dl.data, alone, sizeof(alone));
    release(&out);
}

// ---------------------------------------------------------------------------------------------
// Bindings, mappings, destinations

static void persistent_bindings(void **state)
{
    ovx_string_t p = S("/D");
    open_text(scene);
    ovrtx_binding_desc_or_handle_t b = bind(&p, "size", dtype(kDLFloat, 64, 1), false);
    ovrtx_attribute_binding_handle_t handle = 0;
    wait_ok(ovrtx_create_attribute_binding(renderer, &b.binding_desc, &handle));
    ovrtx_binding_desc_or_handle_t by_handle = { .binding_handle = handle };
    double size = 5;
    size_t one  = 1;
    DLTensor t  = ovrtx_make_write_cpu_tensor(&size, &one, dtype(kDLFloat, 64, 1));
    ovrtx_input_buffer_t input = { .tensors = &t, .tensor_count = 1 };
    ovrtx_enqueue_result_t w = ovrtx_write_attribute(renderer, &by_handle, &input, OVRTX_DATA_ACCESS_SYNC);
    wait_ok(ovrtx_destroy_attribute_binding(renderer, handle)); // the write before it still works
    wait_ok(w);
    ovrtx_read_output_t out;
    assert_true(read_one("/D", "size", &out));
    assert_true(*(double *)out.buffers[0].dl.data == 5);
    release(&out);
    refused(ovrtx_write_attribute(renderer, &by_handle, &input, OVRTX_DATA_ACCESS_SYNC));
    refused(ovrtx_destroy_attribute_binding(renderer, handle));
}

static void mappings_show_and_apply(void **state)
{
    ovx_string_t paths[] = { S("/A"), S("/D") };
    open_text(scene);
    ovrtx_binding_desc_or_handle_t b = ovrtx_make_binding_desc(paths, 2, S("omni:xform"), OVRTX_SEMANTIC_XFORM_MAT4x4, dtype(kDLFloat, 64, 16));
    ovrtx_attribute_mapping_t map;
    ok(ovrtx_map_attribute(renderer, &b, (ovrtx_mapping_desc_t) { kDLCPU, 0 }, &map));
    assert_int_equal(map.dl.shape[0], 2);
    assert_int_equal(map.dl.dtype.lanes, 16);
    double *m = map.dl.data;
    assert_true(m[12] == 1 && m[0] == 1 && m[16] == 1); // current values
    m[12] = 100;
    wait_ok(ovrtx_unmap_attribute(renderer, map.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    const double changed[16] = { 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 100, 2, 3, 1 };
    expect_matrix("/A", changed);
    refused(ovrtx_unmap_attribute(renderer, map.map_handle, (ovrtx_cuda_sync_t) { 0 }));
    refused(ovrtx_map_attribute(renderer, &b, (ovrtx_mapping_desc_t) { kDLCUDA, 0 }, &map));
    assert_non_null(strstr(ovrtx_get_last_error().ptr, "not supported"));
}

static void reading_into_a_tensor(void **state)
{
    ovx_string_t paths[] = { S("/D"), S("/A/C") };
    open_text(scene);
    ovrtx_binding_desc_or_handle_t b = ovrtx_make_binding_desc(paths, 2, S("size"), OVRTX_SEMANTIC_NONE, dtype(kDLFloat, 64, 1));
    double sizes[2] = { 0 };
    int64_t shape   = 2;
    DLTensor t = { .data = sizes, .device = { kDLCPU, 0 }, .ndim = 1, .dtype = dtype(kDLFloat, 64, 1), .shape = &shape };
    ovrtx_read_dest_t dest = { .tensor = &t };
    ovrtx_read_handle_t handle;
    ovrtx_read_output_t out;
    wait_ok(ovrtx_read_attribute(renderer, &b, &dest, &handle));
    ok(ovrtx_fetch_read_result(renderer, handle, (ovrtx_timeout_t) { 0 }, &out));
    assert_int_equal(out.buffer_count, 0);
    assert_null(out.buffers);
    assert_int_equal(out.prim_count, 2);
    assert_true(sizes[0] == 2 && sizes[1] == 2);
    release(&out);
    refused(ovrtx_release_read_result(renderer, handle, (ovrtx_cuda_sync_t) { 0 }));
}

static void reads_refuse_semantics_and_live_without_fetch(void **state)
{
    ovx_string_t p = S("/D");
    open_text(scene);
    ovrtx_binding_desc_or_handle_t b = bind(&p, "omni:xform", dtype(kDLFloat, 64, 16), false);
    b.binding_desc.attribute_type.semantic = OVRTX_SEMANTIC_XFORM_MAT4x4;
    ovrtx_read_handle_t handle;
    refused(ovrtx_read_attribute(renderer, &b, NULL, &handle));
    assert_non_null(strstr(ovrtx_get_last_error().ptr, "Semantic conversion is not supported for read_attribute"));
    b.binding_desc.attribute_type = (ovrtx_attribute_type_t) { 0 };
    ok(ovrtx_read_attribute(renderer, &b, NULL, &handle));
    ok(ovrtx_release_read_result(renderer, handle, (ovrtx_cuda_sync_t) { 0 })); // by the read handle, not fetched
}

static void dirty_bits_choose_prims(void **state)
{
    ovx_string_t paths[] = { S("/D"), S("/A/C") };
    open_text(scene);
    ovrtx_binding_desc_or_handle_t b = ovrtx_make_binding_desc(paths, 2, S("size"), OVRTX_SEMANTIC_NONE, dtype(kDLFloat, 64, 1));
    double sizes[2] = { 8, 9 };
    size_t two      = 2;
    DLTensor t      = ovrtx_make_write_cpu_tensor(sizes, &two, dtype(kDLFloat, 64, 1));
    uint8_t dirty   = 2;
    ovrtx_input_buffer_t input = { .tensors = &t, .tensor_count = 1, .dirty_bits = &dirty, .dirty_bits_size = 1 };
    wait_ok(ovrtx_write_attribute(renderer, &b, &input, OVRTX_DATA_ACCESS_SYNC));
    ovrtx_read_output_t out;
    assert_true(read_one("/D", "size", &out));
    assert_true(*(double *)out.buffers[0].dl.data == 2);
    release(&out);
    assert_true(read_one("/A/C", "size", &out));
    assert_true(*(double *)out.buffers[0].dl.data == 9);
    release(&out);
}

// ---------------------------------------------------------------------------------------------
// Schemas

static void settings_exist_without_being_authored(void **state)
{
    open_text("#usda 1.0\ndef RenderProduct \"P\" {}\ndef Mesh \"M\"\n{\n    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]\n    int[] faceVertexCounts = [3]\n    int[] faceVertexIndices = [0, 1, 2]\n}\n");
    int32_t bounces = 7;
    ovrtx_read_output_t out;
    wait_ok(write_one("/P", "omni:rtx:rtpt:maxBounces", dtype(kDLInt, 32, 1), false, EXISTING, &bounces, 1));
    uint32_t more = 9;
    wait_ok(write_one("/P", "omni:rtx:rtpt:maxSpecularAndTransmissionBounces", dtype(kDLUInt, 32, 1), false, EXISTING, &more, 1));
    assert_true(read_one("/P", "omni:rtx:rtpt:maxBounces", &out));
    assert_int_equal(out.buffers[0].dl.dtype.code, kDLUInt);
    assert_int_equal(*(uint32_t *)out.buffers[0].dl.data, 7);
    release(&out);
    assert_true(read_one("/P", "omni:rtx:pt:samplesPerPixel", &out));
    assert_int_equal(*(int32_t *)out.buffers[0].dl.data, 512);
    release(&out);

    assert_true(has_attribute("/M", "purpose"));
    ovx_string_t m = S("/M"), guide = S("guide");
    wait_ok(ovrtx_set_token_attributes(renderer, &m, 1, S("purpose"), &guide));
    assert_true(read_one("/M", "purpose", &out));
    assert_string_equal(token_text(*(uint64_t *)out.buffers[0].dl.data), "guide");
    release(&out);
    float point[3] = { 5, 5, 5 };
    wait_ok(write_one("/M", "points", dtype(kDLFloat, 32, 3), true, EXISTING, point, 1)); // indices now point nowhere
    ovrtx_ext_bounds_t bounds;
    ok(ovrtx_ext_get_bounds(renderer, S(""), &bounds));
}

static void material_bindings_are_paths(void **state)
{
    open_text("#usda 1.0\ndef Cube \"C\" {}\ndef Material \"M\" {}\n");
    ovx_string_t c = S("/C"), m = S("/M");
    wait_ok(ovrtx_set_path_attributes(renderer, &c, 1, S("material:binding"), &m));
    ovrtx_read_output_t out;
    assert_true(read_one("/C", "material:binding", &out));
    assert_true(out.is_array);
    path_dictionary_instance_t d;
    ovx_primpath_t id;
    ok(ovrtx_get_path_dictionary(renderer, &d));
    assert_int_equal(path_dictionary_create_paths_from_strings(&d, &m, 1, &id).status, OVX_API_SUCCESS);
    assert_int_equal(*(uint64_t *)out.buffers[0].dl.data, id);
    release(&out);
}

static void reserved_attributes_are_accepted_and_not_stored(void **state)
{
    ovx_string_t paths[] = { S("/A"), S("/Nobody") };
    uint8_t groups[]     = { 1, 2 };
    bool pickable[]      = { false, true };
    open_text(scene);
    wait_ok(ovrtx_set_selection_outline_group(renderer, paths, 2, groups));
    wait_ok(ovrtx_set_pickable(renderer, paths, 2, pickable));
    assert_false(has_attribute("/A", OVRTX_ATTR_NAME_SELECTION_OUTLINE_GROUP));
    assert_false(has_attribute("/A", OVRTX_ATTR_NAME_PICKABLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_stored_as_described), cmocka_unit_test(some_kinds_are_absent),
        cmocka_unit_test(custom_attributes_need_the_flag),   cmocka_unit_test(a_float3_takes_a_write),
        cmocka_unit_test(arrays_change_their_length),        cmocka_unit_test(types_must_fit),
        cmocka_unit_test(prim_modes),                        cmocka_unit_test(created_token_arrays_are_found),
        cmocka_unit_test(transforms_in_every_form),          cmocka_unit_test(reset_stack_and_extents),
        cmocka_unit_test(persistent_bindings),               cmocka_unit_test(mappings_show_and_apply),
        cmocka_unit_test(reading_into_a_tensor),             cmocka_unit_test(reads_refuse_semantics_and_live_without_fetch),
        cmocka_unit_test(dirty_bits_choose_prims),           cmocka_unit_test(settings_exist_without_being_authored),
        cmocka_unit_test(material_bindings_are_paths),       cmocka_unit_test(reserved_attributes_are_accepted_and_not_stored),
    };
    return cmocka_run_group_tests(tests, setup_plain, teardown);
}
