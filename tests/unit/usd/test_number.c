// Numbers in text are rounded as the C library rounds them.
#include "usd_test.h"

#include "number.h"
#include "value.h"

static void same_as_strtod(void **state)
{
    static const char *const rows[] = {
        "0", "-0", "1", "-1.5", "0.1", "123456789012345678", "9007199254740993", "1e22", "1e23", "1e-22", "1.7976931348623157e308",
        "4.9406564584124654e-324", "2.2250738585072011e-308", "0.3000000000000000166533453693773481063544750213623046875",
        "179769313486231580793728971405301e276", "1e400", "-1e-400", "3.4028234663852886e+38", ".5", "5.", "1.e3", "+7",
        "8.5070591730234615865843651857942052864e37", "0.000000000000000000000000000001", "12345678901234567890123456789",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double d;
        const char *end = number_double(rows[i], &d);
        assert_non_null(end);
        assert_int_equal(*end, 0);
        double expected = strtod(rows[i], NULL);
        assert_memory_equal(&d, &expected, 8);
    }
    uint64_t random = 1;
    for (int i = 0; i < 200000; i++) { // short and long ones, all exponents
        random = random * 6364136223846793005u + 1442695040888963407u;
        char text[64];
        double v;
        if (i & 1) {
            snprintf(text, sizeof(text), "%d.%06de%d", (int)(random >> 40) % 1000, (int)(random >> 20 & 0x7ffff), (int)(random >> 8 & 63) - 32);
        } else {
            uint64_t bits = random ^ random >> 17;
            memcpy(&v, &bits, 8);
            if (!isfinite(v))
                continue;
            snprintf(text, sizeof(text), "%.17g", v);
        }
        double d, expected = strtod(text, NULL);
        assert_non_null(number_double(text, &d));
        assert_memory_equal(&d, &expected, 8);
    }
}

static void words(void **state)
{
    double d;
    assert_non_null(number_double("inf", &d));
    assert_true(isinf(d) && d > 0);
    assert_non_null(number_double("-inf", &d));
    assert_true(isinf(d) && d < 0);
    assert_non_null(number_double("nan", &d));
    assert_true(isnan(d));
    assert_null(number_double("x", &d));
    assert_null(number_double("-", &d));
    assert_null(number_double(".", &d));
}

static void halves(void **state)
{
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = usd_half_to_float((uint16_t)h);
        if (isnan(f))
            assert_true((half_from_float(f) & 0x7fff) > 0x7c00);
        else
            assert_int_equal(half_from_float(f), h);
    }
    assert_int_equal(half_from_float(65519.0f), 0x7bff); // below the middle to infinity
    assert_int_equal(half_from_float(65520.0f), 0x7c00);
    assert_int_equal(half_from_float(1.0f + 1.0f / 2048), 0x3c00); // ties go to even
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(same_as_strtod), cmocka_unit_test(words), cmocka_unit_test(halves) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
