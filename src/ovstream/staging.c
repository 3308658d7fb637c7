#include "staging.h"

#include <stdbool.h>

#include "result.h"

#define CALL "ovstream_stream_video"

// The tensor of DLPack; the layout is its ABI.
struct dl_tensor {
    void *data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides; // in elements; strides NULL = packed
    uint64_t byte_offset;
};
_Static_assert(sizeof(struct dl_tensor) == 48, "DLTensor");
enum { DL_CPU = 1, DL_CUDA = 2, DL_UINT = 1 };

static ovstream_result_t check_size(uint32_t have_w, uint32_t have_h, uint32_t width, uint32_t height)
{
    if (have_w == width && have_h == height)
        return result_ok();
    return fail_argument(CALL ": the frame is %u x %u, the server was started for %u x %u", have_w, have_h, width,
                         height);
}

static ovstream_result_t tensor_pixels(const struct dl_tensor *t, uint32_t width, uint32_t height, struct pixels *out)
{
    if (t->device_type != DL_CUDA && t->device_type != DL_CPU)
        return fail_argument(CALL ": tensor on DLPack device type %d, 2 (CUDA) or 1 (host) needed", t->device_type);
    if (t->ndim != 3 || !t->shape)
        return fail_argument(CALL ": tensor has %d dimensions, {height, width, 4} needed", t->ndim);
    if (t->code != DL_UINT || t->bits != 8 || t->lanes != 1)
        return fail_argument(CALL ": tensor of dtype code %u, %u bits, %u lanes; unsigned 8 bit needed", t->code,
                             t->bits, t->lanes);
    if (t->shape[0] < 1 || t->shape[0] > UINT32_MAX || t->shape[1] < 1 || t->shape[1] > UINT32_MAX || t->shape[2] != 4)
        return fail_argument(CALL ": tensor shape {%lld, %lld, %lld}, {height, width, 4} needed",
                             (long long)t->shape[0], (long long)t->shape[1], (long long)t->shape[2]);
    ovstream_result_t r = check_size((uint32_t)t->shape[1], (uint32_t)t->shape[0], width, height);
    if (!OVSTREAM_OK(r))
        return r;
    int64_t row = 4 * t->shape[1];
    if (t->strides && (t->strides[2] != 1 || t->strides[1] != 4 || t->strides[0] < row))
        return fail_argument(CALL ": tensor strides {%lld, %lld, %lld}, {at least %lld, 4, 1} needed",
                             (long long)t->strides[0], (long long)t->strides[1], (long long)t->strides[2],
                             (long long)row);
    if (!t->data)
        return fail_argument(CALL ": the tensor's data is null");
    uintptr_t address = (uintptr_t)t->data + t->byte_offset;
    out->stride       = (size_t)(t->strides ? t->strides[0] : row);
    out->device       = address;
    out->host         = t->device_type == DL_CPU ? (const uint8_t *)address : NULL;
    return result_ok();
}

ovstream_result_t staging_pixels(const ovstream_video_frame_t *frame, ovstream_video_input_t input, uint32_t width,
                                 uint32_t height, struct pixels *out)
{
    if (input == OVSTREAM_VIDEO_INPUT_TENSOR)
        return tensor_pixels(frame->buffer, width, height, out);
    if (frame->size_bytes)
        return fail_argument(CALL ": size_bytes is for encoded input (%u, 0 needed)", frame->size_bytes);
    if (!frame->pitch_bytes)
        return fail_argument(CALL ": pitch_bytes is 0");
    if (frame->pitch_bytes < 4 * (uint64_t)frame->width)
        return fail_argument(CALL ": pitch_bytes too small (%u, at least %llu for width %u)", frame->pitch_bytes,
                             4 * (unsigned long long)frame->width, frame->width);
    ovstream_result_t r = check_size(frame->width, frame->height, width, height);
    if (OVSTREAM_OK(r))
        *out = (struct pixels) { NULL, (uintptr_t)frame->buffer, frame->pitch_bytes };
    return r;
}

ovstream_result_t staging_check_encoded(const ovstream_video_frame_t *frame)
{
    if (!frame->size_bytes)
        return fail_argument(CALL ": size_bytes is 0, encoded input needs it");
    if (frame->pitch_bytes)
        return fail_argument(CALL ": pitch_bytes is for pixels (%u, 0 needed)", frame->pitch_bytes);
    return result_ok();
}
