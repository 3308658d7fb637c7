#include "stamp.h"

#include <string.h>

#include "clock.h"

#define BLOCK 16u
#define BITS_PER_ROW 32u

static uint8_t crc8(const uint8_t *data, size_t size)
{
    uint8_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1);
    }
    return crc;
}

static void pack(uint8_t out[8], const struct stamp *s)
{
    out[0] = (uint8_t)(s->ticks >> 24);
    out[1] = (uint8_t)(s->ticks >> 16);
    out[2] = (uint8_t)(s->ticks >> 8);
    out[3] = (uint8_t)s->ticks;
    out[4] = (uint8_t)(s->counter >> 8);
    out[5] = (uint8_t)s->counter;
    out[6] = s->echo;
    out[7] = crc8(out, 7);
}

uint32_t stamp_ticks_now(void) { return (uint32_t)(clock_mono_us() / 100); }

void stamp_draw(uint8_t *bgra, size_t stride, const struct stamp *stamp)
{
    uint8_t bytes[8];
    pack(bytes, stamp);
    for (unsigned row = 0; row < 2; row++) {
        uint8_t *line = bgra + row * BLOCK * stride;
        for (unsigned bit = 0; bit < BITS_PER_ROW; bit++) {
            unsigned at = row * BITS_PER_ROW + bit;
            bool on     = bytes[at / 8] >> (7 - at % 8) & 1;
            uint8_t *p  = line + bit * BLOCK * 4;
            for (unsigned x = 0; x < BLOCK; x++, p += 4) {
                p[0] = p[1] = p[2] = on ? 255 : 0;
                p[3]               = 255;
            }
        }
        for (unsigned y = 1; y < BLOCK; y++)
            memcpy(line + y * stride, line, STAMP_WIDTH * 4);
    }
}

bool stamp_read(const uint8_t *bgra, size_t stride, struct stamp *out)
{
    uint8_t bytes[8] = { 0 };
    for (unsigned at = 0; at < 2 * BITS_PER_ROW; at++) {
        const uint8_t *p = bgra + (at / BITS_PER_ROW * BLOCK + BLOCK / 2) * stride +
                           (at % BITS_PER_ROW * BLOCK + BLOCK / 2) * 4;
        bytes[at / 8] |= (uint8_t)((p[1] >= 128) << (7 - at % 8));
    }
    out->ticks   = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    out->counter = (uint16_t)(bytes[4] << 8 | bytes[5]);
    out->echo    = bytes[6];
    return crc8(bytes, 7) == bytes[7];
}

uint8_t stamp_parse_echo(const char *text, size_t size)
{
    unsigned value = 0;
    if (size < 1 || size > 3)
        return 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value <= 255 ? (uint8_t)value : 0;
}
