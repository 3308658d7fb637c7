#include "escape.h"

#include <string.h>

int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const char *escape_read(const char *p, char *out)
{
    static const char from[] = "ntrabfv", to[] = "\n\t\r\a\b\f\v";
    char c         = *p++;
    const char *at = c ? strchr(from, c) : NULL;
    unsigned v     = 0;
    if (at) {
        c = to[at - from];
    } else if (c == 'x') {
        for (; hex_digit(*p) >= 0; p++)
            v = v * 16 + (unsigned)hex_digit(*p);
        c = (char)v;
    } else if (c >= '0' && c <= '7') {
        v = (unsigned)(c - '0');
        for (int n = 1; n < 3 && *p >= '0' && *p <= '7'; n++)
            v = v * 8 + (unsigned)(*p++ - '0');
        c = (char)v;
    }
    *out = c;
    return p;
}
