// What cmocka wants before its own header, and small helpers for every test of this folder.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtc.h"

// A heap block of exactly this size, so that a sanitizer sees a read past its end.
static inline uint8_t *exact_copy(const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

static inline struct rtc_addr test_addr(const char *ip, uint16_t port)
{
    struct rtc_addr a;
    assert_true(rtc_addr_parse(&a, ip, port));
    return a;
}
