// Written from the LZ4 block format description (sequences of literals and matches, 4-bit length codes).
#include "lz4.h"

#include <string.h>

#include "cursor.h"

#define CHUNK_BYTES 0x7e000000u // most that one block of a chunked stream decodes to

// A length code of 15 goes on in further bytes until one is not 255.
static size_t more_length(const uint8_t **p, const uint8_t *end)
{
    size_t n = 0;
    while (*p < end) {
        uint8_t b = *(*p)++;
        n += b;
        if (b != 255)
            return n;
    }
    return SIZE_MAX / 2;
}

size_t lz4_decode(const uint8_t *src, size_t size, uint8_t *dst, size_t capacity)
{
    const uint8_t *p = src, *end = src + size;
    uint8_t *out = dst, *out_end = dst + capacity;
    while (p < end) {
        uint8_t token   = *p++;
        size_t literals = token >> 4;
        if (literals == 15)
            literals += more_length(&p, end);
        if (literals > (size_t)(end - p) || literals > (size_t)(out_end - out))
            return SIZE_MAX;
        memcpy(out, p, literals);
        out += literals;
        p += literals;
        if (p == end)
            return (size_t)(out - dst); // the last sequence has no match
        if (end - p < 2)
            return SIZE_MAX;
        size_t distance = p[0] | (size_t)p[1] << 8;
        p += 2;
        size_t length = token & 15;
        if (length == 15)
            length += more_length(&p, end);
        length += 4;
        if (!distance || distance > (size_t)(out - dst) || length > (size_t)(out_end - out))
            return SIZE_MAX;
        const uint8_t *from = out - distance;
        if (distance >= length) {
            memcpy(out, from, length);
            out += length;
        } else if (distance == 1) {
            memset(out, *from, length);
            out += length;
        } else {
            while (length--)
                *out++ = *from++;
        }
    }
    return (size_t)(out - dst);
}

size_t lz4_decode_chunks(const uint8_t *src, size_t size, uint8_t *dst, size_t capacity)
{
    if (!size)
        return SIZE_MAX;
    if (!src[0])
        return lz4_decode(src + 1, size - 1, dst, capacity);
    struct cursor c = cur_make(src + 1, size - 1);
    size_t total    = 0;
    for (unsigned i = 0; i < src[0]; i++) {
        uint32_t n         = cur_u32le(&c);
        const uint8_t *p   = cur_take(&c, n);
        size_t room        = capacity - total < CHUNK_BYTES ? capacity - total : CHUNK_BYTES;
        size_t written     = p ? lz4_decode(p, n, dst + total, room) : SIZE_MAX;
        if (written == SIZE_MAX)
            return SIZE_MAX;
        total += written;
    }
    return total;
}
