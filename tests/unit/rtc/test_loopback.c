// The whole endpoint against the browser's half over a network in memory.
#include "test.h"

#include "loopback.h"

static void connects_and_streams(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 20000000);
    struct loop_client *c = loop_connect(l, NULL);
    assert_non_null(c);
    assert_true(loop_until_connected(l));
    assert_true(c->keyframe_requests > 0); // asked for by itself on connection
    for (uint32_t n = 0; n < 300; n++) {
        loop_send_frame(l, n, 500 + (n * 977) % 9000);
        loop_run(l, 16000);
    }
    loop_run(l, 100000);
    struct rtc_peer_stats s;
    rtc_peer_stats(c->peer, l->now_us, &s);
    assert_int_equal(c->frames_ok, 300);
    assert_int_equal(c->frames_bad, 0);
    assert_int_equal(s.frames_sent, 300);
    assert_int_equal(s.rtx_packets_sent, 0);
    assert_int_equal(s.stage, RTC_STAGE_REPORTS);
    assert_true(s.rtt_us > 8000 && s.rtt_us < 13000); // twice 5 ms, in steps of 1 ms
    assert_true(s.loss < 0.001f);
    assert_true(s.acked_bps > 1000000);
    assert_string_equal(s.srtp_profile, "AEAD_AES_128_GCM");
    assert_true(c->bitrate > 4000000); // grew
    loop_leave(c);
    loop_run(l, 100000);
    assert_int_equal(c->closed_events, 1);
    assert_int_equal(c->reason, RTC_CLOSE_REMOTE);
    loop_destroy(l);
}

static void loss_and_reordering_are_repaired(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 15000, .jitter_us = 4000, .loss_percent = 5, .seed = 7 },
                                 20000000);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    for (uint32_t n = 0; n < 1800; n++) { // half a minute
        loop_send_frame(l, n, 500 + (n * 977) % 9000);
        loop_run(l, 16000);
    }
    l->net.loss_percent = 0;
    loop_send_frame(l, 1800, 100); // shows a loss at the very end
    loop_run(l, 500000);
    struct rtc_peer_stats s;
    rtc_peer_stats(c->peer, l->now_us, &s);
    print_message("5 %% loss: %llu frames intact, %llu packets, %llu repeated, %llu asked for, %llu suppressed\n",
                  (unsigned long long)c->frames_ok, (unsigned long long)s.packets_sent,
                  (unsigned long long)s.rtx_packets_sent, (unsigned long long)s.nack_received,
                  (unsigned long long)s.nack_suppressed);
    assert_int_equal(c->frames_bad, 0);
    assert_int_equal(c->frames_ok, s.frames_sent);
    assert_true(s.frames_sent >= 1795);
    assert_true(s.rtx_packets_sent > s.packets_sent / 30 && s.rtx_packets_sent < s.packets_sent / 8);
    assert_int_equal(s.nack_missed, 0);
    loop_destroy(l);
}

static void fragmented_hello(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 2000, .split_hello = true, .seed = 3 }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    assert_int_equal(c->peer_state, RTC_PEER_CONNECTED);
    loop_destroy(l);
}

static void messages_both_ways(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 10000, .loss_percent = 3, .seed = 11, .real_time = true },
                                 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    l->echo = true;
    static const size_t sizes[] = { 0, 1, 2, 1000, 1100, 1200, 5000, 65535 };
    static uint8_t data[RTC_MAX_MESSAGE + 10];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int text = 0; text < 2; text++) {
            uint64_t before = c->messages;
            assert_int_equal(sctp_send(c->sctp, text ? "messages" : "input", data, sizes[i], text, l->now_us), RTC_OK);
            for (int k = 0; k < 20000 && c->messages == before; k++)
                loop_run(l, 1000);
            assert_int_equal(c->messages, before + 1);
            assert_int_equal(c->server_last_size, sizes[i]);
            assert_int_equal(c->server_last_text, text);
            assert_int_equal(c->last_size, sizes[i]);
            assert_int_equal(c->last_text, text);
            assert_memory_equal(c->last_message, data, sizes[i]);
        }
    // a burst, in order
    uint64_t before = c->messages;
    for (int i = 0; i < 500; i++) {
        char text[32];
        int n = snprintf(text, sizeof(text), "{\"n\":%d}", i);
        assert_int_equal(sctp_send(c->sctp, "messages", text, (size_t)n, true, l->now_us), RTC_OK);
    }
    for (int i = 0; i < 10000 && c->messages < before + 500; i++)
        loop_run(l, 1000);
    assert_int_equal(c->messages, before + 500);
    assert_memory_equal(c->last_message, "{\"n\":499}", 9);
    assert_int_equal(rtc_peer_send_message(c->peer, "nosuch", "x", 1, true, l->now_us), RTC_ERR_STATE);
    assert_int_equal(rtc_peer_send_message(c->peer, "messages", data, RTC_MAX_MESSAGE + 1, true, l->now_us),
                     RTC_ERR_INVALID);
    loop_destroy(l);
}

static void a_full_queue_says_so(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 10000, .seed = 11, .real_time = true }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    l->net.dead = true;
    static uint8_t data[RTC_MAX_MESSAGE];
    int rc = RTC_OK, sent = 0;
    while (sent < 1000 && (rc = rtc_peer_send_message(c->peer, "messages", data, sizeof(data), false, l->now_us)) == RTC_OK)
        sent++;
    assert_int_equal(rc, RTC_ERR_FULL);
    assert_true(sent >= 8 && sent <= 32); // about 1 MiB
    l->net.dead = false;
    for (int i = 0; i < 7000 && c->messages < (uint64_t)sent; i++)
        loop_run(l, 1000);
    assert_int_equal(c->messages, sent);
    assert_int_equal(rtc_peer_send_message(c->peer, "messages", data, 10, false, l->now_us), RTC_OK);
    loop_destroy(l);
}

static void channels_close(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 10000, .seed = 5 }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    assert_int_equal(sctp_close_channel(c->sctp, "input", l->now_us), RTC_OK);
    loop_run(l, 500000);
    assert_int_equal(c->channels_closed, 1);
    assert_int_equal(rtc_peer_send_message(c->peer, "input", "x", 1, true, l->now_us), RTC_ERR_STATE);
    assert_int_equal(rtc_peer_send_message(c->peer, "messages", "x", 1, true, l->now_us), RTC_OK);
    loop_destroy(l);
}

static void the_server_closes(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    rtc_peer_close(c->peer, "enough", l->now_us);
    assert_int_equal(c->closed_events, 1);
    assert_string_equal(c->close_text, "enough");
    loop_run(l, 50000);
    assert_true(c->bye);
    assert_int_equal(dtls_state(c->dtls), DTLS_CLOSED);
    assert_int_equal(sctp_state(c->sctp), SCTP_STATE_DOWN);
    loop_destroy(l);
}

static void a_killed_browser_is_noticed(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    loop_run(l, 30000000); // half a minute of nothing but consent checks is fine
    assert_int_equal(c->peer_state, RTC_PEER_CONNECTED);
    c->silent     = true;
    int64_t start = l->now_us;
    while (c->peer_state != RTC_PEER_CLOSED && l->now_us - start < 60000000)
        loop_run(l, 10000);
    assert_true(l->now_us - start <= 10000000);
    assert_int_equal(c->reason, RTC_CLOSE_TIMEOUT);
    assert_non_null(strstr(c->close_text, "gone"));
    loop_destroy(l);
}

static void nobody_comes(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1, .dead = true }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    loop_run(l, 16000000);
    assert_int_equal(c->peer_state, RTC_PEER_CLOSED);
    assert_int_equal(c->reason, RTC_CLOSE_TIMEOUT);
    assert_non_null(strstr(c->close_text, "UDP"));
    loop_destroy(l);
}

static void a_wrong_certificate_is_refused(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 0);
    struct loop_client *c = loop_connect(l, "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:"
                                            "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA");
    loop_run(l, 1000000);
    assert_int_equal(c->peer_state, RTC_PEER_CLOSED);
    assert_int_equal(c->reason, RTC_CLOSE_FAILED);
    assert_non_null(strstr(c->close_text, "fingerprint"));
    loop_destroy(l);
}

// The browser's address changes (another network): checks from the new one are nominated, and media follows.
static void media_follows_a_new_address(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    for (uint32_t n = 0; n < 120; n++) {
        if (n == 60) {
            c->addr          = test_addr("2001:db8::77", 7777);
            c->next_check_us = l->now_us;
        }
        loop_send_frame(l, n, 3000);
        loop_run(l, 16000);
    }
    loop_run(l, 300000);
    struct rtc_peer_stats s;
    rtc_peer_stats(c->peer, l->now_us, &s);
    assert_true(rtc_addr_equal(&s.remote, &c->addr));
    assert_int_equal(c->frames_ok, 120); // what went to the old address meanwhile was asked for again
    assert_int_equal(c->frames_bad, 0);
    loop_destroy(l);
}

// A link that carries far less than is sent: whole frames are dropped, key frames are not asked for all the time, and what arrives
// is whole.
static void a_slow_link_gets_fewer_whole_frames(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 10000, .seed = 1, .bps = 1000000 }, 8000000);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    int requests = 0;
    for (uint32_t n = 0; n < 1800; n++) { // 30 s of 8 Mbit/s, whatever the estimate says
        requests += c->keyframe_requests;
        loop_send_frame(l, n, 16000);
        loop_run(l, 16000);
    }
    loop_run(l, 1000000);
    struct rtc_peer_stats s;
    rtc_peer_stats(c->peer, l->now_us, &s);
    print_message("1 Mbit/s for 8: %llu frames of %llu whole, %llu broken, %d key frames asked for, %.2f Mbit/s told\n",
                  (unsigned long long)c->frames_ok, (unsigned long long)s.frames_sent, (unsigned long long)c->frames_bad,
                  requests, s.target_bps / 1e6);
    assert_true(s.target_bps < 1300000);
    assert_true(s.frames_dropped + s.frames_skipped > 1000);
    assert_true(c->frames_ok > 100);
    assert_int_equal(c->frames_bad, 0);
    assert_true(requests < 60);
    assert_int_equal(c->peer_state, RTC_PEER_CONNECTED);
    loop_destroy(l);
}

static void three_viewers_and_a_fourth_too_many(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .loss_percent = 2, .seed = 9 }, 0);
    struct loop_client *c[LOOP_CLIENTS];
    for (int i = 0; i < 3; i++)
        c[i] = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    for (uint32_t n = 0; n < 300; n++) {
        if (n == 100)
            loop_leave(c[1]);
        loop_send_frame(l, n, 3000);
        loop_run(l, 16000);
    }
    l->net.loss_percent = 0;
    loop_send_frame(l, 300, 100);
    loop_run(l, 1000000);
    assert_true(c[0]->frames_ok >= 295 && c[0]->frames_bad == 0);
    assert_true(c[2]->frames_ok >= 295 && c[2]->frames_bad == 0);
    assert_int_equal(c[1]->reason, RTC_CLOSE_REMOTE);
    for (int i = 2; i < LOOP_CLIENTS; i++)
        assert_non_null(loop_connect(l, NULL));
    assert_true(loop_until_connected(l));
    char error[RTC_ERROR_TEXT_SIZE], *answer;
    rtc_peer *peer;
    assert_int_equal(rtc_endpoint_accept_offer(l->ep, "v=0\r\n", 5, NULL, l->now_us, &peer, &answer, error), RTC_ERR_FULL);
    loop_destroy(l);
}

static void garbage_does_not_disturb(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 0);
    struct loop_client *c = loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    struct rtc_addr stranger = test_addr("10.9.9.9", 9);
    unsigned seed = 4;
    for (int i = 0; i < 20000; i++) {
        uint8_t data[200];
        seed = seed * 1103515245u + 12345u;
        size_t size = (seed >> 8) % sizeof(data);
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
        uint8_t *exact = exact_copy(data, size);
        rtc_endpoint_datagram(l->ep, exact, size, i & 1 ? &c->addr : &stranger, l->now_us);
        free(exact);
    }
    struct rtc_endpoint_stats s;
    rtc_endpoint_stats(l->ep, &s);
    assert_true(s.dropped_unknown > 1000 && s.dropped_no_peer > 1000 && s.dropped_srtp > 1000 && s.dropped_stun > 50);
    for (uint32_t n = 0; n < 60; n++) {
        loop_send_frame(l, n, 3000);
        loop_run(l, 16000);
    }
    loop_run(l, 100000);
    assert_int_equal(c->frames_ok, 60);
    loop_destroy(l);
}

static void a_hundred_reconnects(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 1000, .seed = 1 }, 0);
    for (int i = 0; i < 100; i++) {
        struct loop_client *c = loop_connect(l, NULL);
        assert_non_null(c);
        assert_true(loop_until_connected(l));
        for (uint32_t n = 0; n < 5; n++) {
            loop_send_frame(l, n, 2000);
            loop_run(l, 16000);
        }
        assert_int_equal(sctp_send(c->sctp, "messages", "hi", 2, true, l->now_us), RTC_OK);
        loop_run(l, 30000);
        assert_int_equal(c->frames_ok, 5);
        assert_int_equal(c->server_messages, 1);
        if (i % 3 == 0) { // killed: the next one connects while the old peer is still there
            c->silent = true;
            loop_leave(c);
        } else if (i % 3 == 1) {
            loop_leave(c);
            loop_run(l, 10000);
            assert_int_equal(c->closed_events, 1);
        } else {
            rtc_peer_close(c->peer, NULL, l->now_us);
            loop_run(l, 10000);
            loop_leave(c);
        }
        if (i % 3 == 0)
            loop_run(l, 9000000);
        struct rtc_endpoint_stats s;
        rtc_endpoint_stats(l->ep, &s);
        assert_int_equal(s.peers, 0);
    }
    loop_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connects_and_streams),
        cmocka_unit_test(loss_and_reordering_are_repaired),
        cmocka_unit_test(fragmented_hello),
        cmocka_unit_test(messages_both_ways),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(channels_close),
        cmocka_unit_test(the_server_closes),
        cmocka_unit_test(a_killed_browser_is_noticed),
        cmocka_unit_test(nobody_comes),
        cmocka_unit_test(a_wrong_certificate_is_refused),
        cmocka_unit_test(media_follows_a_new_address),
        cmocka_unit_test(a_slow_link_gets_fewer_whole_frames),
        cmocka_unit_test(three_viewers_and_a_fourth_too_many),
        cmocka_unit_test(garbage_does_not_disturb),
        cmocka_unit_test(a_hundred_reconnects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
