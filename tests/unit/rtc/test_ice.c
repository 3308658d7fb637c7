// ICE-lite: credentials, tuples, nomination, role conflict, consent.
#include "test.h"

#include "ice.h"

struct check {
    const char *username; // NULL = right
    const char *pwd;      // NULL = right
    bool use_candidate, controlled, unknown;
    uint32_t nomination;  // 0 = absent
};

static size_t make_check(const struct ice_agent *a, const struct check *c, uint8_t *out, size_t capacity)
{
    char username[600];
    static uint8_t id[STUN_ID_SIZE];
    id[0]++;
    snprintf(username, sizeof(username), "%s:%s", a->ufrag, a->remote_ufrag);
    const char *name = c->username ? c->username : username;
    struct stun_writer s;
    stun_write_begin(&s, out, capacity, STUN_REQUEST, STUN_METHOD_BINDING, id);
    stun_write_bytes(&s, STUN_ATTR_USERNAME, name, strlen(name));
    stun_write_u64(&s, c->controlled ? STUN_ATTR_ICE_CONTROLLED : STUN_ATTR_ICE_CONTROLLING, 42);
    stun_write_u32(&s, STUN_ATTR_PRIORITY, 1);
    if (c->use_candidate)
        stun_write_bytes(&s, STUN_ATTR_USE_CANDIDATE, NULL, 0);
    if (c->nomination)
        stun_write_u32(&s, STUN_ATTR_NOMINATION, c->nomination);
    if (c->unknown)
        stun_write_u32(&s, 0x7fff, 0);
    const char *pwd = c->pwd ? c->pwd : a->pwd;
    return stun_write_end(&s, pwd, strlen(pwd));
}

static enum ice_outcome run(struct ice_agent *a, struct check c, const struct rtc_addr *from, int64_t now,
                            struct stun_message *reply, struct rtc_addr *evicted)
{
    static uint8_t in[1024], out[RTC_MAX_DATAGRAM];
    size_t size = make_check(a, &c, in, sizeof(in)), reply_size;
    struct stun_message m;
    struct rtc_addr unused;
    assert_int_equal(stun_parse(&m, in, size), RTC_OK);
    enum ice_outcome outcome = ice_input(a, &m, from, now, out, sizeof(out), &reply_size, evicted ? evicted : &unused);
    if (outcome == ICE_DROPPED) {
        assert_int_equal(reply_size, 0);
    } else {
        assert_int_equal(stun_parse(reply, out, reply_size), RTC_OK);
        assert_memory_equal(reply->id, m.id, STUN_ID_SIZE);
        assert_true(stun_check_integrity(reply, a->pwd, ICE_PWD_SIZE));
    }
    return outcome;
}

static void answers_and_follows_nomination(void **state)
{
    struct ice_agent a;
    struct stun_message reply;
    struct rtc_addr one = test_addr("10.0.0.1", 1000), two = test_addr("2001:db8::2", 2000);
    assert_true(ice_init(&a, "remo", 0));
    assert_null(ice_selected(&a));

    assert_int_equal(run(&a, (struct check) { 0 }, &one, 10, &reply, NULL), ICE_ANSWERED_NEW);
    assert_int_equal(reply.class, STUN_SUCCESS);
    assert_true(reply.has_mapped && rtc_addr_equal(&reply.mapped, &one));
    assert_true(rtc_addr_equal(ice_selected(&a), &one)); // usable before nomination: Chromium sends DTLS at once

    assert_int_equal(run(&a, (struct check) { 0 }, &two, 20, &reply, NULL), ICE_ANSWERED_NEW);
    assert_true(rtc_addr_equal(&reply.mapped, &two));
    assert_true(rtc_addr_equal(ice_selected(&a), &one));
    assert_int_equal(run(&a, (struct check) { .use_candidate = true }, &two, 30, &reply, NULL), ICE_ANSWERED);
    assert_true(rtc_addr_equal(ice_selected(&a), &two));
    assert_true(ice_knows(&a, &one)); // still accepted from
    // an older renomination does not win over a newer one
    run(&a, (struct check) { .nomination = 5 }, &one, 40, &reply, NULL);
    assert_true(rtc_addr_equal(ice_selected(&a), &one));
    run(&a, (struct check) { .nomination = 4 }, &two, 50, &reply, NULL);
    assert_true(rtc_addr_equal(ice_selected(&a), &one));
}

static void drops_wrong_credentials(void **state)
{
    struct ice_agent a;
    struct stun_message reply;
    struct rtc_addr from = test_addr("10.0.0.1", 1000);
    char name[64];
    assert_true(ice_init(&a, "remo", 0));
    snprintf(name, sizeof(name), "%s:remO", a.ufrag);
    assert_int_equal(run(&a, (struct check) { .username = name }, &from, 1, &reply, NULL), ICE_DROPPED);
    snprintf(name, sizeof(name), "%s:remote", a.ufrag);
    assert_int_equal(run(&a, (struct check) { .username = name }, &from, 1, &reply, NULL), ICE_DROPPED);
    assert_int_equal(run(&a, (struct check) { .username = "x" }, &from, 1, &reply, NULL), ICE_DROPPED);
    assert_int_equal(run(&a, (struct check) { .pwd = "wrong" }, &from, 1, &reply, NULL), ICE_DROPPED);
    assert_int_equal(a.tuple_count, 0);
    assert_int_equal(a.alive_us, 0); // strangers do not keep a peer alive
}

static void answers_role_conflict_and_unknown(void **state)
{
    struct ice_agent a;
    struct stun_message reply;
    struct rtc_addr from = test_addr("10.0.0.1", 1000);
    assert_true(ice_init(&a, "remo", 0));
    assert_int_equal(run(&a, (struct check) { .controlled = true }, &from, 1, &reply, NULL), ICE_ANSWERED);
    assert_int_equal(reply.class, STUN_ERROR);
    assert_int_equal(reply.error_code, 487);
    assert_int_equal(run(&a, (struct check) { .unknown = true }, &from, 1, &reply, NULL), ICE_ANSWERED);
    assert_int_equal(reply.error_code, 420);
    assert_int_equal(a.tuple_count, 0);
}

static void keeps_a_bounded_number_of_tuples(void **state)
{
    struct ice_agent a;
    struct stun_message reply;
    struct rtc_addr evicted, none = { 0 };
    assert_true(ice_init(&a, "remo", 0));
    for (int i = 0; i < ICE_MAX_TUPLES; i++) {
        struct rtc_addr from = test_addr("10.0.0.1", (uint16_t)(1000 + i));
        run(&a, (struct check) { .use_candidate = i == 0 }, &from, i, &reply, &evicted);
        assert_true(rtc_addr_equal(&evicted, &none));
    }
    struct rtc_addr first = test_addr("10.0.0.1", 1000), second = test_addr("10.0.0.1", 1001);
    struct rtc_addr more = test_addr("10.0.0.2", 1);
    assert_int_equal(run(&a, (struct check) { 0 }, &more, 100, &reply, &evicted), ICE_ANSWERED_NEW);
    assert_true(rtc_addr_equal(&evicted, &second)); // the oldest that is not selected
    assert_true(ice_knows(&a, &first) && ice_knows(&a, &more) && !ice_knows(&a, &second));
    assert_true(rtc_addr_equal(ice_selected(&a), &first));
}

static void consent_ends_within_ten_seconds(void **state)
{
    struct ice_agent a;
    struct stun_message reply;
    struct rtc_addr from = test_addr("10.0.0.1", 1000);
    assert_true(ice_init(&a, "remo", 0));
    run(&a, (struct check) { 0 }, &from, 5000000, &reply, NULL);
    assert_true(ice_deadline(&a) > 5000000 + 6000000); // Firefox checks up to 6 s apart
    assert_true(ice_deadline(&a) < 5000000 + 10000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_follows_nomination),
        cmocka_unit_test(drops_wrong_credentials),
        cmocka_unit_test(answers_role_conflict_and_unknown),
        cmocka_unit_test(keeps_a_bounded_number_of_tuples),
        cmocka_unit_test(consent_ends_within_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
