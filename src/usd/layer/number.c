#include "number.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pow10_double[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

#if LDBL_MANT_DIG == 64
static const long double pow10_long[] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
    1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L,
};

// With 64 bits of mantissa one multiplication or division by an exact power is within half a unit of the 64-bit
// result; rounding that to 53 bits is right unless it lies next to the middle between two doubles.
static bool scale_long(uint64_t digits, int exponent, double *out)
{
    if (exponent < -27 || exponent > 27)
        return false;
    long double v = digits;
    v             = exponent < 0 ? v / pow10_long[-exponent] : v * pow10_long[exponent];
    uint64_t mantissa;
    memcpy(&mantissa, &v, 8);
    uint32_t low = mantissa & 0x7ff;
    if (low >= 0x3ff && low <= 0x401)
        return false;
    *out = (double)v;
    return true;
}
#else
static bool scale_long(uint64_t digits, int exponent, double *out) { return false; }
#endif

static const char *special(const char *p, const char *start, double *out)
{
    double v;
    if (p[0] != 'i' && p[0] != 'n')
        return NULL;
    if ((unsigned)((p[1] && p[2] ? p[3] : 0) - '0') < 10 || (p[1] && p[2] && (isalpha((unsigned char)p[3]) || p[3] == '_')))
        return NULL; // a longer word
    if (!strncmp(p, "inf", 3))
        v = INFINITY;
    else if (!strncmp(p, "nan", 3))
        v = NAN;
    else
        return NULL;
    *out = *start == '-' ? -v : v;
    return p + 3;
}

const char *number_double(const char *p, double *out)
{
    const char *start = p;
    bool negative     = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    uint64_t digits = 0;
    int count = 0, exponent = 0; // digits kept; power of ten to apply
    bool any = false;
    const char *first = p;
    for (; (unsigned)(*p - '0') < 10; p++)
        digits = digits * 10 + (unsigned)(*p - '0');
    count = (int)(p - first);
    any   = count > 0;
    if (*p == '.') {
        const char *point = ++p;
        for (; (unsigned)(*p - '0') < 10; p++)
            digits = digits * 10 + (unsigned)(*p - '0');
        exponent = -(int)(p - point);
        any |= exponent < 0;
        count -= exponent;
    }
    if (!any)
        return special(p, start, out);
    if (*p == 'e' || *p == 'E') {
        const char *e = p + 1;
        bool minus    = *e == '-';
        if (*e == '-' || *e == '+')
            e++;
        if ((unsigned)(*e - '0') < 10) {
            int value = 0;
            for (; (unsigned)(*e - '0') < 10; e++)
                if (value < 100000)
                    value = value * 10 + (*e - '0');
            exponent += minus ? -value : value;
            p = e;
        }
    }
    double v;
    if (count > 19)
        return *out = strtod(start, NULL), p; // digits overflowed (or leading zeros: rare)
    if (digits >> 53 == 0 && exponent >= -22 && exponent <= 22)
        v = exponent < 0 ? (double)digits / pow10_double[-exponent] : (double)digits * pow10_double[exponent];
    else if (!scale_long(digits, exponent, &v))
        return *out = strtod(start, NULL), p;
    *out = negative ? -v : v;
    return p;
}

const char *number_integer(const char *p, bool *negative, uint64_t *magnitude)
{
    *negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    const char *first = p;
    uint64_t v        = 0;
    for (; (unsigned)(*p - '0') < 10; p++) {
        unsigned d = (unsigned)(*p - '0');
        if (v > (UINT64_MAX - d) / 10)
            return NULL;
        v = v * 10 + d;
    }
    if (p == first || *p == '.' || *p == 'e' || *p == 'E')
        return NULL;
    *magnitude = v;
    return p;
}
