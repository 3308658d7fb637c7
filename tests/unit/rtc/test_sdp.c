// SDP: a browser's offer, what we take of it, the answer, and what is wrong with bad ones.
#include "test.h"

#include "offer.h"
#include "sdp.h"

static const char full[] = OFFER_FULL(OFFER_FINGERPRINT);

static struct sdp_offer *parse(const char *text, int want, const char *want_error)
{
    struct sdp_offer *o = malloc(sizeof(*o));
    char error[RTC_ERROR_TEXT_SIZE];
    size_t size = strlen(text);
    char *copy  = (char *)exact_copy(text, size);
    int rc      = sdp_parse(o, copy, size, error);
    free(copy);
    if (rc != want || (want_error && !strstr(error, want_error)))
        fail_msg("%d '%s', wanted %d '%s'", rc, error, want, want_error ? want_error : "");
    assert_int_equal(rc == RTC_OK, error[0] == 0);
    return o;
}

static void reads_a_browsers_offer(void **state)
{
    struct sdp_offer *o = parse(full, RTC_OK, NULL);
    assert_int_equal(o->section_count, 3);
    const struct sdp_section *v = &o->section[1];
    assert_int_equal(v->kind, SDP_VIDEO);
    assert_string_equal(v->mid, "1");
    assert_true(v->bundled && v->rtcp_mux);
    assert_int_equal(v->direction, SDP_RECVONLY);
    assert_int_equal(v->extensions.mid, 9);
    assert_int_equal(v->extensions.transport_cc, 4);
    assert_int_equal(v->extensions.abs_send_time, 2);
    assert_int_equal(v->extensions.playout_delay, 5);
    assert_string_equal(v->credentials.ufrag, "brRC");
    assert_string_equal(v->credentials.pwd, "4+bXD/WE9Jaku7LE8u9XiH06");
    assert_string_equal(v->credentials.hash, "sha-256");
    assert_int_equal(v->credentials.fingerprint_size, 32);
    assert_int_equal(v->credentials.fingerprint[0], 0x8b);
    assert_int_equal(v->credentials.fingerprint[31], 0xb3);
    assert_int_equal(v->credentials.setup, SDP_ACTPASS);
    assert_int_equal(o->section[2].sctp_port, 5000);
    assert_int_equal(o->section[2].max_message_size, 262144);

    struct sdp_choice c;
    char error[RTC_ERROR_TEXT_SIZE];
    assert_int_equal(sdp_choose(&c, o, false, error), RTC_OK);
    assert_int_equal(c.video, 1);
    assert_int_equal(c.data, 2);
    assert_int_equal(c.codec->payload_type, 108); // mode 1, constrained baseline; not 103, not 116
    assert_int_equal(c.rtx->payload_type, 109);
    assert_true(c.codec->nack && c.codec->pli && c.codec->fir && c.codec->transport_cc);
    assert_int_equal(sdp_choose(&c, o, true, error), RTC_OK);
    assert_int_equal(c.video, -1);
    free(o);
}

static void writes_the_answer(void **state)
{
    struct sdp_offer *o = parse(full, RTC_OK, NULL);
    struct sdp_choice c;
    char error[RTC_ERROR_TEXT_SIZE], text[8192];
    uint8_t fingerprint[32] = { 0xab, 1 };
    assert_int_equal(sdp_choose(&c, o, false, error), RTC_OK);
    struct rtc_candidate candidates[2] = { { test_addr("203.0.113.9", 47998), true }, { test_addr("fd00::1", 47998), false } };
    struct sdp_answer a = { .offer = o, .choice = &c, .session_id = 99, .ufrag = "UFRA", .pwd = "PASSWORDPASSWORDPASSWORD",
        .fingerprint = fingerprint, .ssrc = 11, .rtx_ssrc = 22, .cname = "cn", .playout_delay = true,
        .candidates = candidates, .candidate_count = 2 };
    size_t size = sdp_write_answer(&a, text, sizeof(text));
    assert_int_equal(size, strlen(text));
    static const char *const wanted[] = {
        "v=0\r\n", "a=ice-lite\r\n", "a=group:BUNDLE 0 1 2\r\n",
        // kept: it carries the transport of the group
        "m=audio 47998 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 203.0.113.9\r\na=mid:0\r\n",
        "a=inactive\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\nm=video ",
        "m=video 47998 UDP/TLS/RTP/SAVPF 108 109\r\nc=IN IP4 203.0.113.9\r\na=mid:1\r\n",
        "a=ice-ufrag:UFRA\r\n", "a=ice-pwd:PASSWORDPASSWORDPASSWORD\r\n", "a=fingerprint:sha-256 AB:01:00:", "a=setup:passive\r\n",
        " udp 2130706431 203.0.113.9 47998 typ host\r\n", " fd00::1 47998 typ host\r\n", "a=end-of-candidates\r\n",
        "a=sendonly\r\n", "a=rtcp-mux\r\n", "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
        "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n",
        "a=rtpmap:108 H264/90000\r\n", "a=rtcp-fb:108 nack pli\r\n",
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n",
        "a=fmtp:109 apt=108\r\n", "a=ssrc-group:FID 11 22\r\n",
        "m=application 47998 UDP/DTLS/SCTP webrtc-datachannel\r\n", "a=sctp-port:5000\r\n", "a=max-message-size:65535\r\n",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!strstr(text, wanted[i]))
            fail_msg("the answer lacks '%s':\n%s", wanted[i], text);
    assert_null(strstr(text, "VP8"));
    // The answer parses as SDP, and its sections come in the offer's order.
    struct sdp_offer *back = parse(text, RTC_OK, NULL);
    assert_int_equal(back->section_count, 3);
    assert_true(back->ice_lite);
    assert_int_equal(back->section[1].direction, SDP_SENDONLY);
    assert_int_equal(back->section[1].credentials.setup, SDP_PASSIVE);
    free(back);
    for (size_t n = 0; n <= size; n++) { // too small a buffer is noticed, never overrun
        char *small = malloc(n ? n : 1);
        assert_int_equal(sdp_write_answer(&a, small, n), 0);
        free(small);
    }
    free(o);
}

// Replace the first `from` of the full offer.
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(full, from);
    assert_non_null(at);
    size_t head = (size_t)(at - full);
    char *out   = malloc(sizeof(full) + strlen(to));
    memcpy(out, full, head);
    strcpy(out + head, to);
    strcat(out, at + strlen(from));
    return out;
}

static void refuses_what_it_does_not_need(void **state)
{
    // Video first: then audio is not the group's transport.
    static const char text[] = "v=0\r\na=group:BUNDLE 1 0 2\r\n" OFFER_VIDEO(OFFER_FINGERPRINT) OFFER_AUDIO(OFFER_FINGERPRINT)
        OFFER_DATA(OFFER_FINGERPRINT);
    struct sdp_offer *o = parse(text, RTC_OK, NULL);
    struct sdp_choice c;
    char error[RTC_ERROR_TEXT_SIZE], out[8192];
    uint8_t fingerprint[32] = { 0 };
    assert_int_equal(sdp_choose(&c, o, false, error), RTC_OK);
    assert_int_equal(c.kept, -1);
    struct rtc_candidate candidate = { test_addr("10.0.0.1", 9), false };
    struct sdp_answer a = { .offer = o, .choice = &c, .ufrag = "UFRA", .pwd = "P", .fingerprint = fingerprint, .cname = "c",
        .candidates = &candidate, .candidate_count = 1 };
    assert_true(sdp_write_answer(&a, out, sizeof(out)) > 0);
    assert_non_null(strstr(out, "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=inactive\r\nm=appl"));
    assert_non_null(strstr(out, "a=group:BUNDLE 1 2\r\n"));
    free(o);
}

static void says_what_is_malformed(void **state)
{
    static const struct {
        const char *text, *error;
    } bad[] = {
        { "", "no media section" },
        { "garbage", "line 1: 'garbage' is not of the form" },
        { "v=1\r\n", "line 1: an SDP description starts with v=0" },
        { "{\"sdp\": \"v=0\"}", "line 1:" },
        { "v=0\nm=video\n", "line 2: m= needs" },
        { "v=0\nm=video 99999 UDP/TLS/RTP/SAVPF 96\n", "line 2: m= needs" },
        { "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96 200\n", "line 2: m=video: payload type '200'" },
        { "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=fingerprint:sha-256 AB:CD\n", "line 3: a=fingerprint: sha-256 takes 32" },
        { "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=setup:maybe\n", "line 3: a=setup:maybe" },
        { "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=ice-ufrag:ab\n", "line 3: a=ice-ufrag must have 4" },
        { "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=extmap:999 urn:x\n", "line 3: a=extmap" },
        { "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:0\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\n", "line 5: a=mid:0 is used twice" },
        { "v=0\nx\xff\x01\n", "line 2: 'x?" "?'" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        free(parse(bad[i].text, RTC_ERR_MALFORMED, bad[i].error));
}

static void says_what_is_unsupported(void **state)
{
    static const struct {
        const char *from, *to, *error;
    } bad[] = {
        { "packetization-mode=1;profile-level-id=42e01f", "packetization-mode=0", NULL }, // Main is left
        { "a=setup:actpass\r\na=mid:1", "a=setup:passive\r\na=mid:1", "DTLS server" },
        { "a=msid-semantic", "a=ice-lite\r\na=msid-semantic", "ICE-lite" },
        { "BUNDLE 0 1 2", "BUNDLE 0 1", "BUNDLE" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *text = changed(bad[i].from, bad[i].to), error[RTC_ERROR_TEXT_SIZE];
        struct sdp_offer *o = parse(text, RTC_OK, NULL);
        struct sdp_choice c;
        int rc = sdp_choose(&c, o, false, error);
        assert_int_equal(rc, bad[i].error ? RTC_ERR_UNSUPPORTED : RTC_OK);
        if (bad[i].error && !strstr(error, bad[i].error))
            fail_msg("'%s' does not say '%s'", error, bad[i].error);
        if (!bad[i].error)
            assert_int_equal(c.codec->payload_type, 116);
        free(o);
        free(text);
    }
    // No common codec: the error names what was offered.
    static const char vp8[] = "v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96 98\na=rtpmap:96 VP8/90000\na=rtpmap:98 AV1/90000\na=rtcp-mux\n";
    struct sdp_offer *o = parse(vp8, RTC_OK, NULL);
    struct sdp_choice c;
    char error[RTC_ERROR_TEXT_SIZE];
    o->section[0].direction = SDP_RECVONLY;
    assert_int_equal(sdp_choose(&c, o, false, error), RTC_ERR_UNSUPPORTED);
    assert_non_null(strstr(error, "VP8, AV1"));
    free(o);
}

static void survives_every_truncation(void **state)
{
    struct sdp_offer *o = malloc(sizeof(*o));
    char error[RTC_ERROR_TEXT_SIZE];
    for (size_t n = 0; n < sizeof(full) - 1; n++) {
        char *copy = (char *)exact_copy(full, n);
        if (sdp_parse(o, copy, n, error) == RTC_OK) {
            struct sdp_choice c;
            sdp_choose(&c, o, false, error);
        }
        free(copy);
    }
    free(o);
}

static void bounds_are_kept(void **state)
{
    char *text = malloc(RTC_MAX_SDP + 2), error[RTC_ERROR_TEXT_SIZE];
    struct sdp_offer *o = malloc(sizeof(*o));
    memset(text, 'a', RTC_MAX_SDP + 2);
    assert_int_equal(sdp_parse(o, text, RTC_MAX_SDP + 1, error), RTC_ERR_MALFORMED);
    size_t n = (size_t)sprintf(text, "v=0\n");
    for (int i = 0; i < SDP_MAX_SECTIONS + 1; i++)
        n += (size_t)sprintf(text + n, "m=audio 9 UDP/TLS/RTP/SAVPF 0\n");
    assert_int_equal(sdp_parse(o, text, n, error), RTC_ERR_MALFORMED);
    assert_non_null(strstr(error, "more than 32 media sections"));
    n = (size_t)sprintf(text, "v=0\nm=video 9 UDP/TLS/RTP/SAVPF");
    for (int i = 0; i < 300; i++)
        n += (size_t)sprintf(text + n, " %d", i % 128);
    n += (size_t)sprintf(text + n, "\n");
    assert_int_equal(sdp_parse(o, text, n, error), RTC_OK);
    assert_int_equal(o->section[0].format_count, SDP_MAX_FORMATS);
    free(o);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_browsers_offer),
        cmocka_unit_test(writes_the_answer),
        cmocka_unit_test(refuses_what_it_does_not_need),
        cmocka_unit_test(says_what_is_malformed),
        cmocka_unit_test(says_what_is_unsupported),
        cmocka_unit_test(survives_every_truncation),
        cmocka_unit_test(bounds_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
