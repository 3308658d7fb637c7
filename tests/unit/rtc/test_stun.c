// STUN: the vectors of RFC 5769, every truncation, every flipped bit of the protected part.
#include "test.h"

#include "stun.h"

// RFC 5769 section 2.1
static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
    0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
    0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
    0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
    0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
    0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
// RFC 5769 section 2.2
static const uint8_t response_v4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
// RFC 5769 section 2.3
static const uint8_t response_v6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf,
    0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20,
    0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe,
    0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14, 0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c,
    0x82, 0x92, 0xc2, 0x75, 0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

static void parses_the_rfc_request(void **state)
{
    struct stun_message m;
    assert_int_equal(stun_parse(&m, request, sizeof(request)), RTC_OK);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.method, STUN_METHOD_BINDING);
    assert_int_equal(m.username_size, 9);
    assert_memory_equal(m.username, "evtj:h6vY", 9);
    assert_true(m.has_priority);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_true(m.has_controlled);
    assert_true(m.tie_breaker == 0x932ff9b151263b36u);
    assert_true(m.has_fingerprint);
    assert_true(stun_check_integrity(&m, password, strlen(password)));
    assert_false(stun_check_integrity(&m, password, strlen(password) - 1));
}

static void parses_the_rfc_responses(void **state)
{
    struct stun_message m;
    assert_int_equal(stun_parse(&m, response_v4, sizeof(response_v4)), RTC_OK);
    assert_int_equal(m.class, STUN_SUCCESS);
    assert_true(stun_check_integrity(&m, password, strlen(password)));
    struct rtc_addr v4 = test_addr("192.0.2.1", 32853);
    assert_true(m.has_mapped && rtc_addr_equal(&m.mapped, &v4));

    assert_int_equal(stun_parse(&m, response_v6, sizeof(response_v6)), RTC_OK);
    assert_true(stun_check_integrity(&m, password, strlen(password)));
    struct rtc_addr v6 = test_addr("2001:db8:1234:5678:11:2233:4455:6677", 32853);
    assert_true(m.has_mapped && rtc_addr_equal(&m.mapped, &v6));
}

// Our writer makes the same bytes as the RFC's, but for the padding byte that the RFC fills with a space.
static void writes_the_rfc_response(void **state)
{
    uint8_t out[128];
    struct stun_writer s;
    struct stun_message m;
    struct rtc_addr v4 = test_addr("192.0.2.1", 32853);
    stun_write_begin(&s, out, sizeof(out), STUN_SUCCESS, STUN_METHOD_BINDING, response_v4 + 8);
    stun_write_bytes(&s, STUN_ATTR_SOFTWARE, "test vector", 11);
    stun_write_xor_mapped(&s, &v4);
    size_t size = stun_write_end(&s, password, strlen(password));
    assert_int_equal(size, sizeof(response_v4));
    assert_memory_equal(out, response_v4, 35);
    assert_memory_equal(out + 36, response_v4 + 36, 12);
    assert_int_equal(stun_parse(&m, out, size), RTC_OK);
    assert_true(m.has_fingerprint && stun_check_integrity(&m, password, strlen(password)));
}

static void refuses_truncations_and_flips(void **state)
{
    struct stun_message m;
    for (size_t n = 0; n < sizeof(request); n++) {
        uint8_t *copy = exact_copy(request, n);
        assert_int_equal(stun_parse(&m, copy, n), RTC_ERR_MALFORMED);
        free(copy);
    }
    for (size_t bit = 0; bit < sizeof(request) * 8; bit++) {
        uint8_t *copy = exact_copy(request, sizeof(request));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        // The fingerprint covers all before it. A flip may make a length swallow the attribute, or turn its type into
        // another; then nothing vouches for the message but its integrity, which does not cover what follows it.
        int rc = stun_parse(&m, copy, sizeof(request));
        if (rc == RTC_OK) {
            assert_false(m.has_fingerprint);
            assert_true(bit / 8 >= sizeof(request) - 8 || !stun_check_integrity(&m, password, strlen(password)));
        } else {
            assert_int_equal(rc, RTC_ERR_MALFORMED);
        }
        free(copy);
    }
}

static void writer_does_not_overflow(void **state)
{
    struct rtc_addr v6 = test_addr("2001:db8::1", 1);
    uint8_t id[STUN_ID_SIZE] = { 1 };
    for (size_t n = 0; n < 90; n++) {
        uint8_t *out = malloc(n ? n : 1);
        struct stun_writer s;
        stun_write_begin(&s, out, n, STUN_ERROR, STUN_METHOD_BINDING, id);
        stun_write_xor_mapped(&s, &v6);
        stun_write_error(&s, 487, "Role Conflict");
        size_t size = stun_write_end(&s, "key", 3);
        assert_true(size == 0 || size <= n);
        free(out);
    }
}

static void reports_unknown_required_attributes(void **state)
{
    uint8_t out[128], id[STUN_ID_SIZE] = { 9 };
    struct stun_writer s;
    struct stun_message m;
    stun_write_begin(&s, out, sizeof(out), STUN_REQUEST, STUN_METHOD_BINDING, id);
    stun_write_u32(&s, 0x7777, 1);  // required, unknown
    stun_write_u32(&s, 0x9999, 1);  // optional, unknown
    size_t size = stun_write_end(&s, "key", 3);
    assert_int_equal(stun_parse(&m, out, size), RTC_OK);
    assert_int_equal(m.unknown_count, 1);
    assert_int_equal(m.unknown[0], 0x7777);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_the_rfc_request),
        cmocka_unit_test(parses_the_rfc_responses),
        cmocka_unit_test(writes_the_rfc_response),
        cmocka_unit_test(refuses_truncations_and_flips),
        cmocka_unit_test(writer_does_not_overflow),
        cmocka_unit_test(reports_unknown_required_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
