// RTCP: what libwebrtc-like receivers send, written by hand from the RFCs, every truncation, and round trips.
#include "test.h"

#include "rtcp.h"

static struct rtcp_packet only(const uint8_t *data, size_t size)
{
    struct cursor c = cur_make(data, size);
    struct rtcp_packet p;
    assert_true(rtcp_next(&c, &p));
    struct rtcp_packet more;
    assert_false(rtcp_next(&c, &more));
    assert_false(c.bad);
    return p;
}

static void walks_a_compound(void **state)
{
    static const uint8_t data[] = {
        0x81, 201, 0, 7, 0, 0, 0, 1, // RR of ssrc 1, one report
        0, 0, 0, 2, 0x40, 0xff, 0xff, 0xfe, 0, 1, 0, 5, 0, 0, 0, 90, 0x11, 0x22, 0x33, 0x44, 0, 1, 0, 0,
        0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, // PLI
        0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 100, 0x80, 0x01, 0, 0, 0, 4, // NACK 100, 101, 116; padded
    };
    struct cursor c = cur_make(data, sizeof(data));
    struct rtcp_packet p;
    struct rtcp_report r;
    assert_true(rtcp_next(&c, &p));
    assert_int_equal(p.type, RTCP_RR);
    assert_int_equal(p.ssrc, 1);
    assert_true(rtcp_next_report(&p, &r));
    assert_int_equal(r.ssrc, 2);
    assert_int_equal(r.fraction_lost, 64);
    assert_int_equal(r.lost, -2); // duplicates make it negative
    assert_int_equal(r.highest_seq, 0x10005);
    assert_int_equal(r.jitter, 90);
    assert_int_equal(r.last_sr, 0x11223344);
    assert_int_equal(r.delay_since_last_sr, 0x10000);
    assert_false(rtcp_next_report(&p, &r));

    assert_true(rtcp_next(&c, &p));
    assert_int_equal(p.type, RTCP_PSFB);
    assert_int_equal(p.count, RTCP_FB_PLI);
    assert_int_equal(p.media_ssrc, 2);

    assert_true(rtcp_next(&c, &p));
    uint32_t s = 0;
    uint16_t seq;
    static const uint16_t want[] = { 100, 101, 116 };
    for (size_t i = 0; i < 3; i++) {
        assert_true(rtcp_next_nack(&p, &s, &seq));
        assert_int_equal(seq, want[i]);
    }
    assert_false(rtcp_next_nack(&p, &s, &seq));
    assert_false(rtcp_next(&c, &p));
    assert_false(c.bad);

    for (size_t n = 1; n < sizeof(data); n++) { // cuts at packet borders are whole compounds, others are not
        uint8_t *copy = exact_copy(data, n);
        c = cur_make(copy, n);
        while (rtcp_next(&c, &p))
            ;
        assert_int_equal(c.bad, n != 32 && n != 44);
        free(copy);
    }
}

static void nack_masks_of_every_kind(void **state)
{
    static const uint16_t lists[][20] = {
        { 65535, 0, 1, 15 }, { 5 }, { 10, 26 }, { 10, 27, 28 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18 },
    };
    static const size_t counts[] = { 4, 1, 2, 3, 18 };
    for (size_t i = 0; i < 5; i++) {
        uint8_t data[256];
        struct writer w = wr_make(data, sizeof(data));
        rtcp_write_nack(&w, 1, 2, lists[i], counts[i]);
        struct rtcp_packet p = only(data, w.size);
        uint32_t s = 0;
        uint16_t seq;
        for (size_t k = 0; k < counts[i]; k++) {
            assert_true(rtcp_next_nack(&p, &s, &seq));
            assert_int_equal(seq, lists[i][k]);
        }
        assert_false(rtcp_next_nack(&p, &s, &seq));
    }
}

static void sender_report_and_sdes(void **state)
{
    uint8_t data[256];
    struct writer w = wr_make(data, sizeof(data));
    struct rtcp_sender_info in = { 0x0102030405060708, 90000, 12, 3456 }, out;
    rtcp_write_sr(&w, 77, &in);
    assert_int_equal(w.size, 28);
    rtcp_write_sdes_cname(&w, 77, "abcde");
    assert_int_equal(w.size % 4, 0);
    rtcp_write_bye(&w, (const uint32_t[]) { 77, 78 }, 2);
    struct cursor c = cur_make(data, w.size);
    struct rtcp_packet p;
    assert_true(rtcp_next(&c, &p) && p.type == RTCP_SR && p.ssrc == 77);
    assert_true(rtcp_sender_info(&p, &out));
    assert_true(out.ntp == in.ntp && out.rtp_timestamp == in.rtp_timestamp);
    assert_true(out.packets == in.packets && out.octets == in.octets);
    assert_true(rtcp_next(&c, &p) && p.type == RTCP_SDES && p.count == 1);
    assert_memory_equal(p.body.p, "\0\0\0\x4d\1\5abcde\0", 12);
    assert_true(rtcp_next(&c, &p) && p.type == RTCP_BYE && p.count == 2 && p.ssrc == 77);
    assert_false(rtcp_next(&c, &p));
    assert_false(c.bad);
    // 1970 in NTP time; half a second is half of 2^32
    assert_true(rtcp_ntp_from_us(500000) == ((uint64_t)2208988800u << 32 | 0x80000000u));
}

static void remb_and_fir(void **state)
{
    static const uint8_t remb[] = { 0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1, 0x0b, 0xd0, 0x90, 0, 0, 0, 2 };
    struct rtcp_packet p = only(remb, sizeof(remb));
    uint64_t bps = 0;
    assert_true(rtcp_remb(&p, &bps));
    assert_int_equal(bps, 0x3d090 << 2); // exponent 2, mantissa 250000: 1 Mbit/s
    static const uint8_t fir[] = { 0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 9, 0, 0, 0, 0, 0, 0, 3, 10, 0, 0, 0 };
    struct rtcp_fir f;
    p = only(fir, sizeof(fir));
    assert_true(rtcp_next_fir(&p, &f) && f.ssrc == 2 && f.seq == 9);
    assert_true(rtcp_next_fir(&p, &f) && f.ssrc == 3 && f.seq == 10);
    assert_false(rtcp_next_fir(&p, &f));
    assert_false(rtcp_remb(&p, &bps));
}

// All chunk kinds of the draft in one packet: a run, a one-bit vector, a two-bit vector.
static void transport_feedback_by_hand(void **state)
{
    static const uint8_t data[] = {
        0xaf, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, // 15, padded
        0xff, 0xfe, 0, 26, 0, 0, 2, 7, // base 65534, 26 packets, reference 2 * 64 ms, feedback 7
        0x20, 0x03,                    // run of 3 "small delta"
        0xa0, 0x00,                    // one-bit vector of 14: 1 0 0 ...
        0xd8, 0x00,                    // two-bit vector of 7: 01 10 00 ...
        0x00, 0x02,                    // run of 2 "not received"
        4, 8, 12, 1, 2, 0xff, 0xfc,    // deltas: 1, 2, 3, 0.25, 0.5 ms, then -1 ms
        0, 0, 0, 0, 5,                 // padding
    };
    struct rtcp_packet p = only(data, sizeof(data));
    struct rtcp_tcc t;
    struct rtcp_tcc_packet k;
    assert_int_equal(rtcp_tcc_begin(&t, &p), RTC_OK);
    assert_int_equal(t.feedback_count, 7);
    static const int64_t times[26] = { 129000, 131000, 134000, 134250, [17] = 134750, [18] = 133750 };
    for (int i = 0; i < 26; i++) {
        assert_true(rtcp_tcc_next(&t, &k));
        assert_int_equal(k.seq, (uint16_t)(65534 + i));
        assert_int_equal(k.received, times[i] != 0);
        if (k.received)
            assert_int_equal(k.arrival_us, times[i]);
    }
    assert_false(rtcp_tcc_next(&t, &k));

    // Fewer deltas than symbols: refused as a whole.
    for (size_t cut = 12; cut < 35; cut++) {
        uint8_t *copy = exact_copy(data, cut);
        struct rtcp_packet q = { .type = RTCP_RTPFB, .count = 15, .body = cur_make(copy + 12, cut - 12) };
        assert_int_equal(rtcp_tcc_begin(&t, &q), RTC_ERR_MALFORMED);
        free(copy);
    }
}

static void transport_feedback_round_trip(void **state)
{
    int64_t arrival[100];
    uint8_t data[1200];
    for (int i = 0; i < 100; i++)
        arrival[i] = i % 7 == 3 ? -1 : 64000 * 5 + i * 1000 + (i % 5 == 0 ? 90000 : 0) + (i % 3) * 250;
    struct writer w = wr_make(data, sizeof(data));
    rtcp_write_tcc(&w, 1, 2, 3, 65500, arrival, 100);
    assert_false(w.bad);
    struct rtcp_packet p = only(data, w.size);
    struct rtcp_tcc t;
    struct rtcp_tcc_packet k;
    assert_int_equal(rtcp_tcc_begin(&t, &p), RTC_OK);
    for (int i = 0; i < 100; i++) {
        assert_true(rtcp_tcc_next(&t, &k));
        assert_int_equal(k.seq, (uint16_t)(65500 + i));
        assert_int_equal(k.received, arrival[i] >= 0);
        if (k.received)
            assert_int_equal(k.arrival_us, arrival[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_a_compound),
        cmocka_unit_test(nack_masks_of_every_kind),
        cmocka_unit_test(sender_report_and_sdes),
        cmocka_unit_test(remb_and_fir),
        cmocka_unit_test(transport_feedback_by_hand),
        cmocka_unit_test(transport_feedback_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
