// The latency stamp against its description: places, bit order, checksum.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "stamp.h"

enum { W = 640, H = 48, STRIDE = W * 4 + 64 };

static uint8_t picture[H][STRIDE];

static void test_draw(void **state)
{
    // CRC-8 (polynomial 0x07; 0xf4 for "123456789") of the seven bytes before it, computed elsewhere.
    static const uint8_t bytes[8] = { 0x01, 0x23, 0x45, 0x67, 0xab, 0xcd, 0x7f, 0x57 };
    memset(picture, 0x55, sizeof(picture));
    stamp_draw(picture[0], STRIDE, &(struct stamp) { 0x01234567, 0xabcd, 0x7f });
    for (unsigned y = 0; y < H; y++)
        for (unsigned x = 0; x < W; x++) {
            const uint8_t *p = &picture[y][4 * x];
            if (y >= 32 || x >= 512) { // nothing outside
                assert_int_equal(p[0] & p[1] & p[2] & p[3], 0x55);
                continue;
            }
            unsigned at  = y / 16 * 32 + x / 16;
            uint8_t want = bytes[at / 8] >> (7 - at % 8) & 1 ? 255 : 0;
            assert_true(p[0] == want && p[1] == want && p[2] == want);
        }
}

static void test_read(void **state)
{
    struct stamp in = { 0xfffffffe, 65535, 255 }, out;
    stamp_draw(picture[0], STRIDE, &in);
    assert_true(stamp_read(picture[0], STRIDE, &out));
    assert_int_equal(out.ticks, in.ticks);
    assert_int_equal(out.counter, in.counter);
    assert_int_equal(out.echo, in.echo);
    for (unsigned x = 0; x < 16; x++) // one block turned over
        for (unsigned y = 0; y < 16; y++)
            picture[y][4 * x + 1] ^= 255;
    assert_false(stamp_read(picture[0], STRIDE, &out));
}

static void test_echo(void **state)
{
    static const struct {
        const char *text;
        uint8_t value;
    } rows[] = { { "1", 1 }, { "255", 255 }, { "042", 42 }, { "0", 0 }, { "256", 0 }, { "", 0 }, { "-1", 0 },
                 { "1000", 0 }, { "1 ", 0 }, { "x", 0 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(stamp_parse_echo(rows[i].text, strlen(rows[i].text)), rows[i].value);
}

static void test_clock(void **state)
{
    int64_t before = clock_mono_us() / 100;
    uint32_t now   = stamp_ticks_now();
    assert_true(now - (uint32_t)before < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_draw), cmocka_unit_test(test_read),
                                        cmocka_unit_test(test_echo), cmocka_unit_test(test_clock) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
