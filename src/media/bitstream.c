#include "bitstream.h"

#include <string.h>

// Offset of the next 00 00 01 at or after `at`, or size.
static size_t find_start_code(const uint8_t *p, size_t size, size_t at)
{
    for (; at + 3 <= size; at++)
        if (p[at] == 0 && p[at + 1] == 0 && p[at + 2] == 1)
            return at;
    return size;
}

bool annexb_next_nal(const uint8_t *au, size_t size, size_t *at, struct annexb_nal *out)
{
    while (*at < size) {
        size_t start = find_start_code(au, size, *at);
        if (start == size)
            break;
        start += 3;
        size_t end = find_start_code(au, size, start);
        *at        = end;
        while (end > start && au[end - 1] == 0) // trailing zeros, and the first byte of a four-byte start code
            end--;
        if (end > start) {
            *out = (struct annexb_nal) { au + start, end - start };
            return true;
        }
    }
    *at = size;
    return false;
}

static void keep(uint8_t *set, size_t *set_size, size_t capacity, const struct annexb_nal *nal)
{
    if (nal->size > capacity)
        return;
    memcpy(set, nal->data, nal->size);
    *set_size = nal->size;
}

bool annexb_scan(struct annexb_parameter_sets *sets, const uint8_t *au, size_t size, bool *missing)
{
    bool sps = false, pps = false, idr = false;
    struct annexb_nal nal;
    for (size_t at = 0; annexb_next_nal(au, size, &at, &nal);) {
        switch (annexb_nal_type(&nal)) {
        case ANNEXB_NAL_SPS:
            keep(sets->sps, &sets->sps_size, sizeof(sets->sps), &nal);
            sps = true;
            break;
        case ANNEXB_NAL_PPS:
            keep(sets->pps, &sets->pps_size, sizeof(sets->pps), &nal);
            pps = true;
            break;
        case ANNEXB_NAL_IDR:
            idr = true;
            break;
        default:
            break;
        }
    }
    *missing = idr && (!sps || !pps);
    return idr && ((sps && pps) || (sets->sps_size && sets->pps_size));
}
