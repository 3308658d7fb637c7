// Decoding of LZ4 blocks, and of the chunked form crate files wrap around them.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Decodes one block. Returns the bytes written, or SIZE_MAX when the block is damaged or needs more than capacity.
size_t lz4_decode(const uint8_t *src, size_t size, uint8_t *dst, size_t capacity);
// First byte: number of chunks, 0 = one block; else each chunk has its size in front (int32).
size_t lz4_decode_chunks(const uint8_t *src, size_t size, uint8_t *dst, size_t capacity);
