#include "loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cursor.h"
#include "h264.h"
#include "offer.h"
#include "rtcp.h"
#include "rtp.h"
#include "stun.h"

#define STEP_US 1000

static unsigned random_below(struct loop *l, unsigned n)
{
    l->net.seed = l->net.seed * 1103515245u + 12345u;
    return (l->net.seed >> 16 & 0x7fff) % n;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void enter(struct loop *l)
{
    l->in_endpoint = true;
    l->entered_ns  = cpu_ns();
}

static void leave(struct loop *l)
{
    l->in_endpoint = false;
    l->endpoint_ns += cpu_ns() - l->entered_ns;
}

// ---- the network

static void transmit(struct loop *l, bool to_server, const struct rtc_addr *client, const uint8_t *data, size_t size,
                     int64_t extra_us)
{
    l->sent++;
    if (l->net.dead || (l->net.loss_percent && random_below(l, 100) < l->net.loss_percent)) {
        l->lost++;
        return;
    }
    if (l->net.bps > 0 && !to_server) {
        int64_t start = l->busy_until_us > l->now_us ? l->busy_until_us : l->now_us;
        if (start - l->now_us > 200000) {
            l->lost++;
            return;
        }
        l->busy_until_us = start + (int64_t)((double)size * 8e6 / l->net.bps);
        extra_us += l->busy_until_us - l->now_us;
    }
    for (size_t i = 0; i < LOOP_QUEUE; i++) {
        struct loop_packet *p = &l->packets[i];
        if (p->used)
            continue;
        p->used      = true;
        p->to_server = to_server;
        p->client    = *client;
        p->size      = size;
        p->due_us    = l->now_us + l->net.delay_us + extra_us
            + (l->net.jitter_us ? (int64_t)random_below(l, (unsigned)l->net.jitter_us) : 0);
        memcpy(p->data, data, size);
        l->in_flight++;
        return;
    }
    l->lost++; // a full queue drops, as routers do
}

static void client_datagram(struct loop_client *c, const uint8_t *data, size_t size);

static void deliver_due(struct loop *l)
{
    for (;;) {
        struct loop_packet *first = NULL;
        if (l->in_flight)
            for (size_t i = 0; i < LOOP_QUEUE; i++)
                if (l->packets[i].used && l->packets[i].due_us <= l->now_us
                    && (!first || l->packets[i].due_us < first->due_us))
                    first = &l->packets[i];
        if (!first)
            return;
        struct loop_packet p = *first;
        first->used = false;
        l->in_flight--;
        if (p.to_server) {
            uint8_t *exact = malloc(p.size ? p.size : 1);
            memcpy(exact, p.data, p.size);
            enter(l);
            rtc_endpoint_datagram(l->ep, exact, p.size, &p.client, l->now_us);
            leave(l);
            free(exact);
            continue;
        }
        for (size_t i = 0; i < LOOP_CLIENTS; i++)
            if (l->clients[i].open && !l->clients[i].silent && rtc_addr_equal(&l->clients[i].addr, &p.client))
                client_datagram(&l->clients[i], p.data, p.size);
    }
}

// ---- the server's events

static struct loop_client *client_of(rtc_peer *peer) { return rtc_peer_user(peer); }

static void on_send(void *user, const struct rtc_datagram *d, size_t count)
{
    struct loop *l = user;
    for (size_t i = 0; i < count; i++)
        transmit(l, false, &d[i].to, d[i].data, d[i].size, 0);
}

static void on_peer_state(void *user, rtc_peer *peer, enum rtc_peer_state state, enum rtc_close_reason reason,
                          const char *text)
{
    struct loop_client *c = client_of(peer);
    c->peer_state = state;
    if (state == RTC_PEER_CLOSED) {
        c->reason = reason;
        c->closed_events++;
        c->peer = NULL;
        snprintf(c->close_text, sizeof(c->close_text), "%s", text);
    }
}

static void on_channel_open(void *user, rtc_peer *peer, const struct rtc_channel_info *channel)
{
    client_of(peer)->channels_open++;
}

static void on_channel_close(void *user, rtc_peer *peer, const struct rtc_channel_info *channel)
{
    client_of(peer)->channels_closed++;
}

static void on_message(void *user, rtc_peer *peer, const struct rtc_channel_info *channel, const void *data, size_t size,
                       bool is_text)
{
    struct loop *l        = user;
    struct loop_client *c = client_of(peer);
    c->server_messages++;
    c->server_last_size = size;
    c->server_last_text = is_text;
    memcpy(c->server_last, data, size);
    if (l->echo)
        rtc_peer_send_message(peer, channel->label, data, size, is_text, l->now_us);
}

static void on_keyframe(void *user, rtc_peer *peer) { client_of(peer)->keyframe_requests++; }
static void on_bitrate(void *user, rtc_peer *peer, uint32_t bps) { client_of(peer)->bitrate = bps; }

static const struct rtc_events server_events = {
    .send = on_send, .peer_state = on_peer_state, .channel_open = on_channel_open, .channel_close = on_channel_close,
    .message = on_message, .keyframe_request = on_keyframe, .bitrate = on_bitrate,
};

// ---- the browser: transport

static void to_server(struct loop_client *c, const uint8_t *data, size_t size)
{
    if (!c->silent)
        transmit(c->loop, true, &c->addr, data, size, 0);
}

// Splits the ClientHello into two handshake fragments (RFC 6347 section 4.2.3) and sends the second one first; later records of
// epoch 0 get a sequence number more, because one was used up.
static bool split_hello(struct loop_client *c, const uint8_t *data, size_t size)
{
    uint8_t copy[RTC_MAX_DATAGRAM + 64];
    memcpy(copy, data, size);
    bool hello = size > 60 && data[0] == 22 && data[13] == 1 && data[3] == 0 && data[4] == 0;
    if (data[0] > 25 || data[3] || data[4])
        return false;
    size_t at = 0;
    if (!hello) {
        while (at + 13 <= size && copy[at + 3] == 0 && copy[at + 4] == 0) { // every record of epoch 0
            copy[at + 10] = (uint8_t)(copy[at + 10] + c->hello_seen);
            at += 13 + ((size_t)copy[at + 11] << 8 | copy[at + 12]);
        }
        to_server(c, copy, size);
        return true;
    }
    size_t body = size - 25, half = body / 2;
    for (int part = 1; part >= 0; part--) {
        size_t offset = part ? half : 0, length = part ? body - half : half;
        memcpy(copy, data, 25);
        copy[10] = (uint8_t)(data[10] + c->hello_seen + (unsigned)part);
        copy[11] = (uint8_t)((12 + length) >> 8), copy[12] = (uint8_t)(12 + length);
        copy[19] = 0, copy[20] = (uint8_t)(offset >> 8), copy[21] = (uint8_t)offset;
        copy[22] = 0, copy[23] = (uint8_t)(length >> 8), copy[24] = (uint8_t)length;
        memcpy(copy + 25, data + 25 + offset, length);
        transmit(c->loop, true, &c->addr, copy, 25 + length, part ? 0 : 100);
    }
    c->hello_seen++;
    return true;
}

static void client_dtls_send(void *user, const uint8_t *data, size_t size)
{
    struct loop_client *c = user;
    if (c->loop->net.split_hello && split_hello(c, data, size))
        return;
    to_server(c, data, size);
}

static void client_dtls_data(void *user, const uint8_t *data, size_t size)
{
    struct loop_client *c = user;
    if (c->sctp)
        sctp_input(c->sctp, data, size, c->loop->now_us);
}

static const struct dtls_events client_dtls_events = { .send = client_dtls_send, .data = client_dtls_data };

static void client_sctp_send(void *user, const uint8_t *data, size_t size)
{
    struct loop_client *c = user;
    dtls_send(c->dtls, data, size);
}

static void client_message(void *user, const struct rtc_channel_info *channel, const void *data, size_t size,
                           bool is_text)
{
    struct loop_client *c = user;
    c->messages++;
    c->last_size = size;
    c->last_text = is_text;
    memcpy(c->last_message, data, size);
}

static const struct sctp_events client_sctp_events = { .send = client_sctp_send, .message = client_message };

static void send_check(struct loop_client *c)
{
    uint8_t out[256], id[STUN_ID_SIZE];
    char username[128];
    struct stun_writer s;
    for (size_t i = 0; i < sizeof(id); i++)
        id[i] = (uint8_t)random_below(c->loop, 256);
    snprintf(username, sizeof(username), "%s:brRC", c->ufrag);
    stun_write_begin(&s, out, sizeof(out), STUN_REQUEST, STUN_METHOD_BINDING, id);
    stun_write_bytes(&s, STUN_ATTR_USERNAME, username, strlen(username));
    stun_write_u64(&s, STUN_ATTR_ICE_CONTROLLING, 1);
    stun_write_u32(&s, STUN_ATTR_PRIORITY, 1);
    if (c->checked)
        stun_write_bytes(&s, STUN_ATTR_USE_CANDIDATE, NULL, 0);
    to_server(c, out, stun_write_end(&s, c->pwd, strlen(c->pwd)));
}

// ---- the browser: media

static void finish_frame(struct loop_client *c, uint32_t n)
{
    static _Thread_local uint8_t expected[LOOP_MAX_FRAME * 2];
    // The frame itself says which one it is: bytes 5 to 8, behind start code and NAL header of its last unit.
    (void)n;
    size_t at = 0, last = 0;
    struct h264_nal nal, slice = { 0 };
    while (h264_next_nal(c->frame, c->frame_size, &at, &nal)) {
        slice = nal;
        last++;
    }
    bool ok = false;
    if (last && slice.size > 8) {
        uint32_t number = ((uint32_t)slice.data[1] - 1) | ((uint32_t)slice.data[2] - 1) << 7
            | ((uint32_t)slice.data[3] - 1) << 14;
        size_t size = loop_make_frame(number, slice.size, last > 1, expected);
        ok = size == c->frame_size && memcmp(expected, c->frame, size) == 0;
    }
    if (ok)
        c->frames_ok++;
    else
        c->frames_bad++;
    c->frame_size = 0;
}

static void put(struct loop_client *c, const uint8_t *data, size_t size)
{
    if (c->frame_size + size > sizeof(c->frame))
        return;
    memcpy(c->frame + c->frame_size, data, size);
    c->frame_size += size;
}

static void depacketize(struct loop_client *c, const struct rtp_packet *p)
{
    static const uint8_t start[4] = { 0, 0, 0, 1 };
    uint8_t type = p->payload[0] & 31;
    if (p->timestamp != c->frame_timestamp) // the frame before was given up by the sender
        c->frame_size = 0;
    c->frame_timestamp = p->timestamp;
    if (type == 24) {
        struct cursor k = cur_make(p->payload + 1, p->payload_size - 1);
        while (cur_left(&k)) {
            size_t n = cur_u16be(&k);
            const uint8_t *nal = cur_take(&k, n);
            if (!nal)
                break;
            put(c, start, 4);
            put(c, nal, n);
        }
    } else if (type == 28) {
        uint8_t head = (uint8_t)((p->payload[0] & 0xe0) | (p->payload[1] & 31));
        if (p->payload[1] & 0x80) {
            put(c, start, 4);
            put(c, &head, 1);
        }
        put(c, p->payload + 2, p->payload_size - 2);
    } else {
        put(c, start, 4);
        put(c, p->payload, p->payload_size);
    }
    if (p->marker)
        finish_frame(c, p->timestamp);
}

static void deliver_in_order(struct loop_client *c)
{
    struct rtp_packet p;
    for (;;) {
        size_t i = c->next_seq % 4096;
        if (!c->ring[i].present || c->ring[i].seq != c->next_seq)
            return;
        if (rtp_parse(&p, c->ring[i].data, c->ring[i].size) == RTC_OK && p.payload_size)
            depacketize(c, &p);
        c->ring[i].present = false;
        c->next_seq++;
        c->stuck_us = 0;
    }
}

static void client_rtp(struct loop_client *c, uint8_t *data, size_t size)
{
    struct rtp_packet p;
    if (srtp_session_unprotect(c->srtp, data, &size) < 0 || rtp_parse(&p, data, size) < 0)
        return;
    c->packets_received++;
    const struct rtp_extension *tcc = rtp_find_extension(&p, 4);
    if (tcc && tcc->size == 2) {
        uint16_t seq = (uint16_t)(tcc->data[0] << 8 | tcc->data[1]);
        if (!c->tcc_started) {
            c->tcc_started = true;
            c->tcc_base = c->tcc_highest = seq;
        }
        c->arrival[seq] = c->loop->now_us;
        if (rtp_seq_newer(seq, c->tcc_highest))
            c->tcc_highest = seq;
    }
    uint8_t plain[RTC_MTU];
    uint16_t seq = p.seq;
    if (p.payload_type == c->rtx_pt && p.ssrc == c->rtx_ssrc && p.payload_size > 2) { // back into the original
        struct rtp_layout none = { 0 };
        c->rtx_received++;
        seq = (uint16_t)(p.payload[0] << 8 | p.payload[1]);
        rtp_write_header(plain, &none, c->pt, p.marker, seq, p.timestamp, c->ssrc);
        memcpy(plain + 12, p.payload + 2, p.payload_size - 2);
        data = plain;
        size = 12 + p.payload_size - 2;
    } else if (p.ssrc != c->ssrc) {
        return;
    }
    if (!c->started) {
        c->started  = true;
        c->next_seq = c->highest_seq = seq;
    }
    if (seq != c->next_seq && !rtp_seq_newer(seq, c->next_seq))
        return; // had it
    size_t i = seq % 4096;
    c->ring[i].present = true;
    c->ring[i].seq     = seq;
    c->ring[i].size    = (uint16_t)size;
    memcpy(c->ring[i].data, data, size);
    if (rtp_seq_newer(seq, c->highest_seq))
        c->highest_seq = seq;
    deliver_in_order(c);
}

static void client_rtcp(struct loop_client *c, uint8_t *data, size_t size)
{
    if (srtp_session_unprotect_rtcp(c->srtp, data, &size) < 0)
        return;
    struct cursor k = cur_make(data, size);
    struct rtcp_packet p;
    while (rtcp_next(&k, &p)) {
        struct rtcp_sender_info info;
        if (p.type == RTCP_SR && rtcp_sender_info(&p, &info)) {
            c->last_sr    = rtcp_ntp_short(info.ntp);
            c->last_sr_us = c->loop->now_us;
        } else if (p.type == RTCP_BYE) {
            c->bye = true;
        }
    }
}

static void send_rtcp(struct loop_client *c, uint8_t *data, size_t size)
{
    if (srtp_session_protect_rtcp(c->srtp, data, &size) == RTC_OK)
        to_server(c, data, size);
}

static void send_feedback(struct loop_client *c)
{
    _Alignas(4) uint8_t data[1400];
    int64_t times[200];
    size_t n = 0;
    while (n < 200 && c->tcc_started && (uint16_t)(c->tcc_base + n) != (uint16_t)(c->tcc_highest + 1)) {
        times[n] = c->arrival[(uint16_t)(c->tcc_base + n)];
        c->arrival[(uint16_t)(c->tcc_base + n)] = -1;
        n++;
    }
    if (!n)
        return;
    struct writer w = wr_make(data, sizeof(data) - SRTP_MAX_OVERHEAD);
    rtcp_write_tcc(&w, 99, c->ssrc, c->tcc_count++, c->tcc_base, times, n);
    c->tcc_base = (uint16_t)(c->tcc_base + n);
    send_rtcp(c, data, w.size);
}

static void send_nack(struct loop_client *c)
{
    _Alignas(4) uint8_t data[1400];
    uint16_t missing[100];
    size_t n = 0;
    for (uint16_t s = c->next_seq; c->started && n < 100 && rtp_seq_newer(c->highest_seq, s); s++)
        if (!c->ring[s % 4096].present || c->ring[s % 4096].seq != s)
            missing[n++] = s;
    if (!n)
        return;
    struct writer w = wr_make(data, sizeof(data) - SRTP_MAX_OVERHEAD);
    rtcp_write_nack(&w, 99, c->ssrc, missing, n);
    send_rtcp(c, data, w.size);
}

// What a browser does about a packet that does not come: ask for a key frame, and go on with the first one that is there.
static void give_up_missing(struct loop_client *c)
{
    int64_t now = c->loop->now_us;
    if (!c->started || !rtp_seq_newer(c->highest_seq, c->next_seq)) {
        c->stuck_us = 0;
        return;
    }
    if (!c->stuck_us)
        c->stuck_us = now;
    if (now - c->stuck_us < 400000)
        return;
    for (uint16_t s = c->next_seq; rtp_seq_newer(c->highest_seq, s); s++) {
        struct rtp_packet p;
        if (c->ring[s % 4096].present && c->ring[s % 4096].seq == s
            && rtp_parse(&p, c->ring[s % 4096].data, c->ring[s % 4096].size) == RTC_OK && p.payload_size
            && (p.payload[0] & 31) == 24) { // parameter sets
            c->next_seq   = s;
            c->frame_size = 0;
            c->stuck_us   = 0;
            c->skips++;
            deliver_in_order(c);
            return;
        }
    }
    if (now >= c->next_pli_us) {
        _Alignas(4) uint8_t data[100];
        struct writer w = wr_make(data, sizeof(data) - SRTP_MAX_OVERHEAD);
        rtcp_write_pli(&w, 99, c->ssrc);
        send_rtcp(c, data, w.size);
        c->next_pli_us = now + 400000;
    }
}

static void send_rr(struct loop_client *c)
{
    _Alignas(4) uint8_t data[200];
    struct writer w = wr_make(data, sizeof(data) - SRTP_MAX_OVERHEAD);
    struct rtcp_report r = { .ssrc = c->ssrc, .highest_seq = c->highest_seq, .last_sr = c->last_sr,
        .delay_since_last_sr = (uint32_t)((c->loop->now_us - c->last_sr_us) * 65536 / 1000000) };
    rtcp_write_rr(&w, 99, &r, 1);
    send_rtcp(c, data, w.size);
}

// ---- the browser: life

static void client_datagram(struct loop_client *c, const uint8_t *data, size_t size)
{
    _Alignas(4) uint8_t copy[RTC_MAX_DATAGRAM + 4];
    memcpy(copy, data, size);
    if (data[0] < 4) {
        struct stun_message m;
        if (stun_parse(&m, copy, size) == RTC_OK && m.class == STUN_SUCCESS && !c->checked
            && stun_check_integrity(&m, c->pwd, strlen(c->pwd)) && rtc_addr_equal(&m.mapped, &c->addr)) {
            c->checked       = true;
            c->next_check_us = c->loop->now_us;
            dtls_start(c->dtls); // before USE-CANDIDATE, as Chromium does
        }
    } else if (data[0] < 64) {
        dtls_input(c->dtls, copy, size);
    } else if (c->srtp) {
        if (size > 1 && data[1] >= 192 && data[1] <= 223)
            client_rtcp(c, copy, size);
        else
            client_rtp(c, copy, size);
    }
}

static void client_tick(struct loop_client *c)
{
    int64_t now = c->loop->now_us;
    if (now >= c->next_check_us) {
        send_check(c);
        c->next_check_us = now + (c->checked ? 2500000 : 50000);
    }
    if (dtls_timeout_us(c->dtls) == 0)
        dtls_tick(c->dtls);
    if (dtls_state(c->dtls) == DTLS_OPEN && !c->srtp) {
        struct srtp_keys keys;
        if (dtls_export_keys(c->dtls, &keys) == RTC_OK)
            srtp_session_create(&c->srtp, &keys);
        sctp_create(&c->sctp, &client_sctp_events, c, 0, now);
    }
    if (c->sctp && now >= c->sctp_deadline_us)
        c->sctp_deadline_us = sctp_tick(c->sctp, now);
    if (c->sctp && sctp_state(c->sctp) == SCTP_STATE_UP && c->hello_seen < 1000) {
        c->hello_seen += 1000; // once
        sctp_open(c->sctp, 0, "messages", true, now);
        sctp_open(c->sctp, 2, "input", true, now);
    }
    if (!c->srtp || dtls_state(c->dtls) != DTLS_OPEN)
        return;
    if (now >= c->next_nack_us) {
        send_nack(c);
        c->next_nack_us = now + 10000;
    }
    give_up_missing(c);
    if (now >= c->next_feedback_us) {
        send_feedback(c);
        c->next_feedback_us = now + 50000;
    }
    if (now >= c->next_rr_us && c->started) {
        send_rr(c);
        c->next_rr_us = now + 500000;
    }
}

static void copy_value(const char *sdp, const char *name, char *out, size_t capacity)
{
    const char *at = strstr(sdp, name);
    out[0] = 0;
    if (!at)
        return;
    at += strlen(name);
    size_t n = strcspn(at, "\r\n ");
    if (n < capacity) {
        memcpy(out, at, n);
        out[n] = 0;
    }
}

static void fingerprint_text(char out[32 * 3])
{
    const uint8_t *f = dtls_fingerprint();
    for (int i = 0; i < 32; i++)
        snprintf(out + i * 3, 4, "%02X%s", f[i], i < 31 ? ":" : "");
}

struct loop_client *loop_connect(struct loop *l, const char *fingerprint)
{
    struct loop_client *c = NULL;
    for (size_t i = 0; i < LOOP_CLIENTS && !c; i++)
        if (!l->clients[i].open)
            c = &l->clients[i];
    static _Thread_local uint16_t next_port = 20000;
    memset(c, 0, sizeof(*c));
    *c = (struct loop_client) { .loop = l, .open = true, .addr = { 4, { 10, 0, 0, 1 }, next_port++ } };
    for (size_t i = 0; i < 65536; i++)
        c->arrival[i] = -1;

    char own[32 * 3], *offer = NULL, *answer = NULL, error[RTC_ERROR_TEXT_SIZE];
    fingerprint_text(own);
    static const char pattern[] = OFFER_FULL("%s");
    if (asprintf(&offer, pattern, fingerprint ? fingerprint : own, fingerprint ? fingerprint : own,
                 fingerprint ? fingerprint : own) < 0)
        abort();
    struct rtc_peer_params params = { .user = c };
    int rc = rtc_endpoint_accept_offer(l->ep, offer, strlen(offer), &params, l->now_us, &c->peer, &answer, error);
    free(offer);
    if (rc < 0) {
        fprintf(stderr, "offer refused: %s\n", error);
        c->open = false;
        return NULL;
    }
    char value[64];
    copy_value(answer, "a=ice-ufrag:", c->ufrag, sizeof(c->ufrag));
    copy_value(answer, "a=ice-pwd:", c->pwd, sizeof(c->pwd));
    copy_value(answer, "a=ssrc-group:FID ", value, sizeof(value));
    c->ssrc     = (uint32_t)strtoul(value, NULL, 10);
    const char *group = strstr(answer, "a=ssrc-group:FID ");
    if (group)
        c->rtx_ssrc = (uint32_t)strtoul(strchr(group + 17, ' '), NULL, 10);
    c->pt     = 108;
    c->rtx_pt = 109;

    char text[96];
    const char *at = strstr(answer, "a=fingerprint:sha-256 ") + 22;
    uint8_t print[32];
    snprintf(text, sizeof(text), "%.95s", at);
    for (int i = 0; i < 32; i++)
        print[i] = (uint8_t)strtoul(text + i * 3, NULL, 16);
    struct dtls_params dtls = { .events = &client_dtls_events, .user = c, .client = true, .hash = "sha-256",
        .fingerprint = print, .fingerprint_size = 32 };
    free(answer);
    if (dtls_create(&c->dtls, &dtls) < 0)
        abort();
    c->next_check_us = l->now_us;
    return c;
}

void loop_leave(struct loop_client *c)
{
    if (!c->open)
        return;
    sctp_destroy(&c->sctp);
    dtls_close(c->dtls);
    dtls_destroy(&c->dtls);
    srtp_session_destroy(&c->srtp);
    c->open = false;
}

struct loop *loop_create(const struct loop_net *net, uint32_t max_bitrate_bps)
{
    struct loop *l = calloc(1, sizeof(*l));
    l->net    = *net;
    l->now_us = 1000000;
    struct rtc_candidate candidate = { .addr = { 4, { 10, 0, 0, 9 }, 47998 } };
    struct rtc_endpoint_params params = { .events = &server_events, .user = l, .candidates = &candidate,
        .candidate_count = 1, .max_bitrate_bps = max_bitrate_bps, .max_peers = LOOP_CLIENTS,
        .wall_offset_us = 1700000000ll * 1000000 };
    if (rtc_endpoint_create(&l->ep, &params) < 0)
        abort();
    return l;
}

void loop_destroy(struct loop *l)
{
    for (size_t i = 0; i < LOOP_CLIENTS; i++)
        loop_leave(&l->clients[i]);
    rtc_endpoint_destroy(&l->ep, l->now_us);
    free(l);
}

void loop_run(struct loop *l, int64_t us)
{
    int64_t end = l->now_us + us;
    for (; l->now_us < end; l->now_us += STEP_US) {
        deliver_due(l);
        enter(l);
        rtc_endpoint_tick(l->ep, l->now_us);
        leave(l);
        for (size_t i = 0; i < LOOP_CLIENTS; i++)
            if (l->clients[i].open && !l->clients[i].silent)
                client_tick(&l->clients[i]);
        if (l->net.real_time)
            usleep(STEP_US);
    }
}

bool loop_until_connected(struct loop *l)
{
    bool real_time = l->net.real_time;
    l->net.real_time |= l->net.loss_percent > 0;
    for (int i = 0; i < 20000; i++) {
        bool all = true;
        for (size_t k = 0; k < LOOP_CLIENTS; k++)
            if (l->clients[k].open && !l->clients[k].silent)
                all = all && l->clients[k].peer_state == RTC_PEER_CONNECTED && l->clients[k].channels_open >= 2;
        if (all) {
            l->net.real_time = real_time;
            return true;
        }
        loop_run(l, STEP_US);
    }
    return false;
}

// ---- frames

static size_t put_nal(uint8_t *out, uint8_t head, uint32_t n, size_t size)
{
    memcpy(out, "\0\0\0\1", 4);
    out[4] = head;
    for (size_t i = 1; i < size; i++) // never 0: no start code can appear
        out[4 + i] = i == 1 ? (uint8_t)((n & 127) + 1) : i == 2 ? (uint8_t)((n >> 7 & 127) + 1)
            : i == 3 ? (uint8_t)((n >> 14 & 127) + 1) : (uint8_t)(1 + (i * 31 + n * 7) % 255);
    return 4 + size;
}

size_t loop_make_frame(uint32_t n, size_t size, bool keyframe, uint8_t *out)
{
    size_t at = 0;
    if (keyframe) {
        at += put_nal(out + at, 0x67, n, 20);
        at += put_nal(out + at, 0x68, n, 8);
    }
    return at + put_nal(out + at, keyframe ? 0x65 : 0x41, n, size);
}

void loop_send_frame(struct loop *l, uint32_t n, size_t size)
{
    static _Thread_local uint8_t data[LOOP_MAX_FRAME * 2];
    for (size_t i = 0; i < LOOP_CLIENTS; i++) {
        struct loop_client *c = &l->clients[i];
        if (!c->peer || c->peer_state != RTC_PEER_CONNECTED)
            continue;
        bool keyframe = n == 0 || c->keyframe_requests > 0;
        struct rtc_video_frame frame = { .data = data, .size = loop_make_frame(n, size, keyframe, data),
            .capture_us = (int64_t)n * 16000, .keyframe = keyframe };
        c->keyframe_requests = 0;
        enter(l);
        rtc_peer_send_video(c->peer, &frame, l->now_us);
        leave(l);
    }
}
