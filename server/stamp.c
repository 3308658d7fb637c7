#include "stamp.h"

#include <string.h>

#define BLOCK 16

uint8_t stamp_crc8(const uint8_t *data, int size)
{
    uint8_t crc = 0;
    for (int i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1);
    }
    return crc;
}

void stamp_draw(uint8_t *bgra, int width, int height, int64_t mono_ns, uint16_t counter, uint8_t echo)
{
    if (width < STAMP_WIDTH || height < STAMP_HEIGHT)
        return;
    uint32_t ticks = (uint32_t)(uint64_t)(mono_ns / 100000); // 0.1 ms, modulo 2^32
    uint8_t bytes[8] = { (uint8_t)(ticks >> 24), (uint8_t)(ticks >> 16), (uint8_t)(ticks >> 8), (uint8_t)ticks,
                         (uint8_t)(counter >> 8), (uint8_t)counter, echo, 0 };
    bytes[7] = stamp_crc8(bytes, 7);
    for (int row = 0; row < 2; row++) {
        uint8_t *line = bgra + (size_t)(row * BLOCK) * (size_t)width * 4;
        for (int bit = 0; bit < 32; bit++) {
            int on = bytes[row * 4 + bit / 8] >> (7 - bit % 8) & 1;
            for (int x = 0; x < BLOCK; x++) {
                uint8_t *p = line + (size_t)(bit * BLOCK + x) * 4;
                memset(p, on ? 255 : 0, 3);
                p[3] = 255;
            }
        }
        for (int y = 1; y < BLOCK; y++)
            memcpy(line + (size_t)y * (size_t)width * 4, line, STAMP_WIDTH * 4);
    }
}
