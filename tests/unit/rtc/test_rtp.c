// RTP headers and extensions, H.264 packetising against an independent depacketiser, history and retransmission.
#include "test.h"

#include "h264.h"
#include "history.h"
#include "rtp.h"
#include "video_sender.h"

static void header_round_trip(void **state)
{
    struct rtp_layout l;
    struct rtp_packet p;
    uint8_t data[200];
    rtp_layout_init(&l, &(struct rtp_layout_params) { .mid_id = 9, .transport_cc_id = 4, .abs_send_time_id = 2,
        .playout_delay_id = 5, .mid = "video0", .playout_min_10ms = 0x123, .playout_max_10ms = 0x456 });
    rtp_write_header(data, &l, 108, true, 65535, 0xdeadbeef, 0x01020304);
    rtp_patch_send(data, &l, 0xabcd, 1500000); // 1.5 s = 0x60000 in 6.18
    size_t at = rtp_layout_header(&l);
    memcpy(data + at, "payload", 7);
    assert_int_equal(rtp_parse(&p, data, at + 7), RTC_OK);
    assert_int_equal(p.payload_type, 108);
    assert_true(p.marker);
    assert_int_equal(p.seq, 65535);
    assert_int_equal(p.timestamp, 0xdeadbeef);
    assert_int_equal(p.ssrc, 0x01020304);
    assert_int_equal(p.payload_size, 7);
    assert_memory_equal(p.payload, "payload", 7);
    assert_memory_equal(rtp_find_extension(&p, 4)->data, "\xab\xcd", 2);
    assert_memory_equal(rtp_find_extension(&p, 2)->data, "\x06\x00\x00", 3);
    assert_memory_equal(rtp_find_extension(&p, 5)->data, "\x12\x34\x56", 3); // 12 and 12 bits
    assert_int_equal(rtp_find_extension(&p, 9)->size, 6);
    assert_memory_equal(rtp_find_extension(&p, 9)->data, "video0", 6);
    assert_null(rtp_find_extension(&p, 7));
    for (size_t n = 0; n < at; n++) { // every cut through header and extensions
        uint8_t *copy = exact_copy(data, n);
        assert_int_equal(rtp_parse(&p, copy, n), RTC_ERR_MALFORMED);
        free(copy);
    }
}

static void no_extensions_no_header(void **state)
{
    struct rtp_layout l;
    uint8_t data[12];
    rtp_layout_init(&l, &(struct rtp_layout_params) { 0 });
    assert_int_equal(rtp_layout_header(&l), 12);
    rtp_write_header(data, &l, 96, false, 1, 2, 3);
    assert_int_equal(data[0], 0x80);
}

static void padding_is_checked(void **state)
{
    uint8_t data[16] = { 0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 'x', 0, 0, 3 };
    struct rtp_packet p;
    assert_int_equal(rtp_parse(&p, data, 16), RTC_OK);
    assert_int_equal(p.payload_size, 1);
    data[15] = 5;
    assert_int_equal(rtp_parse(&p, data, 16), RTC_ERR_MALFORMED);
    data[15] = 0;
    assert_int_equal(rtp_parse(&p, data, 16), RTC_ERR_MALFORMED);
    data[0] = 0x40; // version 1
    assert_int_equal(rtp_parse(&p, data, 16), RTC_ERR_MALFORMED);
}

// ---- H.264

struct sink {
    uint8_t out[1 << 20]; // Annex B again
    size_t size, max, payloads, stap, fu;
    bool in_fragment, last_seen;
};

static void put_nal(struct sink *s, const uint8_t *nal, size_t size)
{
    assert_true(s->size + 4 + size <= sizeof(s->out));
    memcpy(s->out + s->size, "\0\0\0\1", 4);
    memcpy(s->out + s->size + 4, nal, size);
    s->size += 4 + size;
}

// RFC 6184 read back, written independently of the packetiser.
static bool depacketize(void *user, const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size,
                        bool last)
{
    struct sink *s = user;
    uint8_t p[1500];
    size_t n = head_size + body_size;
    assert_true(n > 0 && n <= s->max);
    if (head_size)
        memcpy(p, head, head_size);
    if (body_size)
        memcpy(p + head_size, body, body_size);
    assert_false(s->last_seen); // only the last one is the last one
    s->last_seen = last;
    s->payloads++;
    uint8_t type = p[0] & 31;
    if (type == 24) {
        s->stap++;
        for (size_t at = 1; at < n;) {
            size_t size = (size_t)p[at] << 8 | p[at + 1];
            assert_true(at + 2 + size <= n);
            put_nal(s, p + at + 2, size);
            at += 2 + size;
        }
    } else if (type == 28) {
        s->fu++;
        bool start = p[1] & 0x80, end = p[1] & 0x40;
        assert_true(start != s->in_fragment);
        assert_false(start && end);
        if (start) {
            uint8_t first = (uint8_t)((p[0] & 0xe0) | (p[1] & 31));
            put_nal(s, &first, 1);
        }
        memcpy(s->out + s->size, p + 2, n - 2);
        s->size += n - 2;
        s->in_fragment = !end;
    } else {
        assert_true(type >= 1 && type <= 23);
        put_nal(s, p, n);
    }
    return true;
}

static size_t add_nal(uint8_t *au, size_t at, int start_code, uint8_t head, size_t size)
{
    memcpy(au + at, "\0\0\0\1" + (4 - start_code), (size_t)start_code);
    at += (size_t)start_code;
    au[at] = head;
    for (size_t i = 1; i < size; i++)
        au[at + i] = (uint8_t)(1 + (i * 7 + size) % 255);
    return at + size;
}

static void access_units_survive(void **state)
{
    static struct sink s;
    static uint8_t au[400000];
    static const size_t sizes[] = { 1, 2, 60, 1000, 1147, 1148, 1149, 1150, 1151, 2296, 2297, 60000, 300000 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        // AUD (left out), SPS, PPS, SEI, IDR slice; a mix of start codes
        size_t n = add_nal(au, 0, 4, 0x09, 2), from = n;
        n = add_nal(au, n, 4, 0x67, 12);
        n = add_nal(au, n, 4, 0x68, 5);
        n = add_nal(au, n, 4, 0x06, 20);
        n = add_nal(au, n, 4, 0x65, sizes[i]);
        s = (struct sink) { .max = 1148 };
        int count = h264_packetize(au, n, s.max, depacketize, &s);
        assert_int_equal(count, s.payloads);
        assert_true(s.last_seen && !s.in_fragment);
        assert_int_equal(s.size, n - from);
        assert_memory_equal(s.out, au + from, s.size);
        assert_int_equal(s.stap, 1);
        if (sizes[i] > 1148)
            assert_int_equal(s.fu, (sizes[i] - 1 + 1145) / 1146);
    }
}

static void several_slices_and_short_start_codes(void **state)
{
    static struct sink s;
    static uint8_t au[100000];
    size_t n = add_nal(au, 0, 3, 0x41, 900);
    n = add_nal(au, n, 3, 0x41, 900);
    n = add_nal(au, n, 4, 0x41, 5000);
    au[n++] = 0; // trailing zero bytes are not part of the unit
    au[n++] = 0;
    s = (struct sink) { .max = 1148 };
    assert_int_equal(h264_packetize(au, n, s.max, depacketize, &s), 2 + 5);
    assert_int_equal(s.size, 900 + 900 + 5000 + 12);
    assert_true(s.last_seen);
}

static void nothing_to_send(void **state)
{
    static struct sink s = { .max = 1148 };
    static const uint8_t no_start[] = { 1, 2, 3, 4, 5 }, only_aud[] = { 0, 0, 0, 1, 9, 16 }, empty[] = { 0, 0, 1, 0, 0, 1 };
    assert_int_equal(h264_packetize(no_start, sizeof(no_start), 1148, depacketize, &s), RTC_ERR_INVALID);
    assert_int_equal(h264_packetize(only_aud, sizeof(only_aud), 1148, depacketize, &s), RTC_ERR_INVALID);
    assert_int_equal(h264_packetize(empty, sizeof(empty), 1148, depacketize, &s), RTC_ERR_INVALID);
    assert_int_equal(h264_packetize(empty, 0, 1148, depacketize, &s), RTC_ERR_INVALID);
}

// ---- history

static void history_answers_what_it_has(void **state)
{
    struct history h;
    struct history_slot *slot;
    assert_true(history_init(&h, 65530)); // wraps at once
    for (int i = 0; i < HISTORY_SLOTS; i++) {
        slot = history_claim(&h);
        assert_non_null(slot);
        assert_int_equal(slot->seq, (uint16_t)(65530 + i));
        history_commit(&h, slot, 100);
    }
    assert_null(history_claim(&h)); // nothing was sent: nothing may be overwritten
    assert_int_equal(h.waiting_bytes, HISTORY_SLOTS * 100);
    assert_int_equal(history_nack(&h, 65530, 0, 10000, &slot), HISTORY_SUPPRESSED); // still waits
    history_mark_sent(&h, history_front(&h), 1000);
    assert_int_equal(history_nack(&h, 65530, 2000, 10000, &slot), HISTORY_SUPPRESSED); // on its way
    assert_int_equal(history_nack(&h, 65530, 7000, 10000, &slot), HISTORY_RESEND);
    assert_int_equal(history_nack(&h, 65530, 8000, 10000, &slot), HISTORY_SUPPRESSED); // within the round trip
    assert_int_equal(history_nack(&h, 65530, 17000, 10000, &slot), HISTORY_RESEND);
    for (int i = 2; i < HISTORY_MAX_RESENDS; i++)
        assert_int_equal(history_nack(&h, 65530, i * 1000000, 10000, &slot), HISTORY_RESEND);
    assert_int_equal(history_nack(&h, 65530, 99000000, 10000, &slot), HISTORY_SUPPRESSED); // not for ever
    history_commit(&h, history_claim(&h), 50); // takes the place of 65530
    assert_int_equal(history_nack(&h, 65530, 99000000, 10000, &slot), HISTORY_MISSING);
    uint16_t next = h.next_seq;
    history_rewind(&h, 10);
    assert_int_equal(h.waiting, 10);
    assert_int_equal(h.waiting_bytes, 1000);
    assert_int_equal(h.next_seq, (uint16_t)(next - (HISTORY_SLOTS - 10)));
    history_finish(&h);
}

// ---- the sender: pacing and RTX

static void sender_paces_and_resends(void **state)
{
    static uint8_t au[200000];
    static struct video_sender v;
    struct bwe bwe;
    uint8_t out[RTC_MTU];
    size_t size;
    assert_true(bwe_init(&bwe, &(struct bwe_params) { 8000000, 100000, 8000000 }));
    assert_true(video_sender_init(&v, &(struct video_sender_params) { .ssrc = 1, .rtx_ssrc = 2, .payload_type = 96,
        .rtx_payload_type = 97, .rtx = true, .layout = { .transport_cc_id = 4, .playout_delay_id = 5 } }, 100, 7, 0));
    video_sender_set_pace(&v, 20e6, 0);
    struct rtc_video_frame delta = { au, add_nal(au, 0, 4, 0x41, 1000), 0, false };
    assert_int_equal(video_sender_frame(&v, &delta, 0), RTC_SKIPPED); // no key frame yet
    struct rtc_video_frame key = { au, add_nal(au, 0, 4, 0x65, 125000), 1000000, true };
    assert_int_equal(video_sender_frame(&v, &key, 1000000), RTC_OK);

    // 125 kB at 20 Mbit/s take 50 ms
    int64_t now = 1000000, worst = 0, last = 0;
    size_t packets = 0, bytes = 0;
    uint16_t expected = 100;
    struct rtp_packet p;
    while (v.history.waiting) {
        size_t burst = 0;
        while (video_sender_next(&v, &bwe, now, out, &size)) {
            assert_int_equal(rtp_parse(&p, out, size), RTC_OK);
            assert_int_equal(p.seq, expected++);
            assert_int_equal(p.timestamp, 7 + 90000);
            assert_int_equal(p.marker, v.history.waiting == 0);
            assert_memory_equal(rtp_find_extension(&p, 5)->data, "\0\0\0", 3);
            packets++;
            bytes += size;
            burst += size;
        }
        assert_true(burst <= 20e6 / 8 * 0.005 + 2 * RTC_MTU);
        int64_t next = video_sender_deadline(&v);
        if (next == INT64_MAX)
            break;
        assert_true(next > now);
        worst = next - now > worst ? next - now : worst;
        last = now = next;
    }
    assert_true(last - 1000000 > 40000 && last - 1000000 < 55000);
    assert_true(worst < 5000);

    // a NACK after a round trip gives the original's payload behind its sequence number
    now += 100000;
    video_sender_nack(&v, 103, now, 20000);
    video_sender_nack(&v, 103, now, 20000);
    video_sender_nack(&v, 9999, now, 20000);
    assert_int_equal(v.nack_missed, 1);
    assert_int_equal(v.nack_suppressed, 1);
    assert_true(video_sender_next(&v, &bwe, now, out, &size));
    assert_int_equal(rtp_parse(&p, out, size), RTC_OK);
    assert_int_equal(p.payload_type, 97);
    assert_int_equal(p.ssrc, 2);
    assert_int_equal(p.payload[0] << 8 | p.payload[1], 103);
    const struct history_slot *slot = &v.history.slots[103 % HISTORY_SLOTS];
    size_t at = rtp_layout_header(&v.layout);
    assert_int_equal(p.payload_size - 2, slot->size - at);
    assert_memory_equal(p.payload + 2, slot->data + at, slot->size - at);
    assert_false(video_sender_next(&v, &bwe, now, out, &size));
    video_sender_finish(&v);
    bwe_finish(&bwe);
}

static void sender_drops_whole_frames_when_too_slow(void **state)
{
    static uint8_t au[200000];
    static struct video_sender v;
    assert_true(video_sender_init(&v, &(struct video_sender_params) { .ssrc = 1, .payload_type = 96 }, 0, 0, 0));
    video_sender_set_pace(&v, 1e6, 0);
    struct rtc_video_frame key = { au, add_nal(au, 0, 4, 0x65, 100000), 0, true };
    assert_int_equal(video_sender_frame(&v, &key, 0), RTC_OK);
    struct rtc_video_frame delta = { au, add_nal(au, 0, 4, 0x41, 1000), 0, false };
    assert_int_equal(video_sender_frame(&v, &delta, 0), RTC_ERR_FULL); // 800 ms wait already
    assert_int_equal(video_sender_frame(&v, &delta, 0), RTC_SKIPPED);
    uint32_t waiting = v.history.waiting;
    uint16_t next    = v.history.next_seq;
    assert_int_equal(video_sender_frame(&v, &key, 0), RTC_OK); // replaces what waits, with no hole in the numbers
    assert_true(v.history.waiting <= waiting + 10);
    assert_true((uint16_t)(v.history.next_seq - next) < 10);
    video_sender_finish(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trip),
        cmocka_unit_test(no_extensions_no_header),
        cmocka_unit_test(padding_is_checked),
        cmocka_unit_test(access_units_survive),
        cmocka_unit_test(several_slices_and_short_start_codes),
        cmocka_unit_test(nothing_to_send),
        cmocka_unit_test(history_answers_what_it_has),
        cmocka_unit_test(sender_paces_and_resends),
        cmocka_unit_test(sender_drops_whole_frames_when_too_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
