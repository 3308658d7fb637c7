// Packages as usdz wants them, built into a growing buffer.
#pragma once

#include <stdint.h>
#include <string.h>

#include "array.h"

struct fuzz_bytes {
    ARRAY_OF(uint8_t);
};

static inline void fuzz_put(struct fuzz_bytes *b, const void *data, size_t size)
{
    if (size && !array_append(b, (const uint8_t *)data, size))
        __builtin_trap();
}
static inline void fuzz_put_le(struct fuzz_bytes *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = i < 8 ? (uint8_t)(v >> (8 * i)) : 0;
        fuzz_put(b, &byte, 1);
    }
}

// A local header and its data, which starts `align` bytes aligned (1 = anywhere).
static inline void fuzz_zip_add(struct fuzz_bytes *zip, const char *name, size_t name_size, const void *data, size_t size,
                                uint16_t flags, uint16_t method, size_t align)
{
    size_t extra = align > 1 ? (align - (zip->count + 30 + name_size + 4) % align) % align + 4 : 0;
    fuzz_put_le(zip, 0x04034b50, 4);
    fuzz_put_le(zip, 10, 2);
    fuzz_put_le(zip, flags, 2);
    fuzz_put_le(zip, method, 2);
    fuzz_put_le(zip, 0, 8); // time, date, checksum
    fuzz_put_le(zip, size, 4);
    fuzz_put_le(zip, size, 4);
    fuzz_put_le(zip, name_size, 2);
    fuzz_put_le(zip, extra, 2);
    fuzz_put(zip, name, name_size);
    if (extra) {
        fuzz_put_le(zip, 0x1986, 2);
        fuzz_put_le(zip, extra - 4, 2);
        for (size_t i = 4; i < extra; i++)
            fuzz_put_le(zip, 0, 1);
    }
    fuzz_put(zip, data, size);
}

static inline void fuzz_zip_end(struct fuzz_bytes *zip, const char *comment)
{
    size_t directory = zip->count, entries = 0, at = 0;
    while (at + 30 <= directory && !memcmp(zip->items + at, "PK\3\4", 4)) {
        const uint8_t *h = zip->items + at;
        size_t size      = h[22] | h[23] << 8 | h[24] << 16 | (size_t)h[25] << 24;
        size_t name_size = h[26] | h[27] << 8, extra = h[28] | h[29] << 8;
        if (!array_reserve(zip, zip->count + 46 + name_size))
            __builtin_trap();
        h = zip->items + at;
        fuzz_put_le(zip, 0x02014b50, 4);
        fuzz_put_le(zip, 10, 2);
        fuzz_put(zip, h + 4, 22); // version to sizes
        fuzz_put_le(zip, name_size, 2);
        fuzz_put_le(zip, 0, 12);
        fuzz_put_le(zip, at, 4);
        fuzz_put(zip, h + 30, name_size);
        entries++;
        at += 30 + name_size + extra + size;
    }
    size_t end = zip->count;
    fuzz_put_le(zip, 0x06054b50, 4);
    fuzz_put_le(zip, 0, 4);
    fuzz_put_le(zip, entries, 2);
    fuzz_put_le(zip, entries, 2);
    fuzz_put_le(zip, end - directory, 4);
    fuzz_put_le(zip, directory, 4);
    fuzz_put_le(zip, strlen(comment), 2);
    fuzz_put(zip, comment, strlen(comment));
}
