// The browser's half for tests: ICE checks, DTLS client, SRTP and RTCP receiver with NACK and feedback, data channels; and a
// network in memory with delay, loss and reordering. Time is simulated, so minutes run in a second.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dtls.h"
#include "rtc.h"
#include "sctp.h"
#include "srtp_session.h"

#define LOOP_QUEUE 8192
#define LOOP_CLIENTS 8
#define LOOP_MAX_FRAME 60000

struct loop_net {
    int64_t delay_us, jitter_us; // each way; jitter reorders
    unsigned loss_percent;
    unsigned seed;
    double bps; // of the way to the browsers; 0 = no limit. The queue in front of it holds 200 ms.
    bool split_hello; // ClientHello in two datagrams, the second half first
    bool dead;        // nothing gets through
    // Simulated time does not outrun the clock: usrsctp stamps chunks with the real time and does not repeat those that
    // left less than its time-out ago; OpenSSL's handshake timer runs by the clock too. Connecting over a network with loss
    // sets it by itself.
    bool real_time;
};

struct loop_packet {
    bool used, to_server;
    int64_t due_us;
    struct rtc_addr client; // the browser's address
    size_t size;
    uint8_t data[RTC_MAX_DATAGRAM];
};

struct loop;

struct loop_client {
    struct loop *loop;
    bool open; // exists
    struct rtc_addr addr;
    rtc_peer *peer;
    enum rtc_peer_state peer_state;
    enum rtc_close_reason reason;
    char close_text[200];
    int closed_events, keyframe_requests;
    uint32_t bitrate;
    // ICE
    char ufrag[64], pwd[64]; // the server's
    int64_t next_check_us;
    bool checked, silent; // silent: killed
    // DTLS, SRTP, SCTP
    struct dtls_session *dtls;
    struct srtp_session *srtp;
    struct sctp_assoc *sctp;
    int64_t sctp_deadline_us;
    unsigned hello_seen;
    // video
    uint32_t ssrc, rtx_ssrc;
    uint8_t pt, rtx_pt;
    struct {
        uint16_t seq, size;
        bool present;
        uint8_t data[RTC_MTU];
    } ring[4096];
    bool started;
    uint16_t next_seq, highest_seq;
    int64_t next_nack_us, next_feedback_us, next_rr_us;
    uint8_t frame[LOOP_MAX_FRAME * 2];
    size_t frame_size;
    uint32_t frame_timestamp;
    uint64_t frames_ok, frames_bad, rtx_received, packets_received, skips;
    int64_t stuck_us, next_pli_us; // since when a packet is missing; 0 = none is
    int64_t arrival[65536]; // of transport sequence numbers, -1 = none
    bool tcc_started;
    uint16_t tcc_base, tcc_highest;
    uint8_t tcc_count;
    uint32_t last_sr;
    int64_t last_sr_us;
    bool bye;
    // messages that the browser received
    uint64_t messages;
    uint8_t last_message[RTC_MAX_MESSAGE + 1];
    size_t last_size;
    bool last_text;
    // messages that the server received
    uint64_t server_messages;
    uint8_t server_last[RTC_MAX_MESSAGE + 1];
    size_t server_last_size;
    bool server_last_text;
    int channels_open, channels_closed;
};

struct loop {
    struct loop_net net;
    rtc_endpoint *ep;
    int64_t now_us;
    struct loop_packet packets[LOOP_QUEUE];
    size_t in_flight;
    int64_t busy_until_us; // of the limited way
    struct loop_client clients[LOOP_CLIENTS];
    bool echo; // the server answers every message with the same
    uint64_t sent, lost;
    bool in_endpoint;    // for counting allocations
    int64_t endpoint_ns; // of this thread's CPU, spent inside the endpoint
    int64_t entered_ns;
};

struct loop *loop_create(const struct loop_net *net, uint32_t max_bitrate_bps);
void loop_destroy(struct loop *l);
// Offers, takes the answer and starts to connect. fingerprint NULL = the right one.
struct loop_client *loop_connect(struct loop *l, const char *fingerprint);
// Releases the browser's half; says goodbye (DTLS close_notify, SCTP abort) unless it was killed.
void loop_leave(struct loop_client *c);
void loop_run(struct loop *l, int64_t us);
// Runs until every client is connected with its channels open, at most 20 s; false if that does not happen.
bool loop_until_connected(struct loop *l);

// Frame n, the same every time: Annex B, a key frame when wanted.
size_t loop_make_frame(uint32_t n, size_t size, bool keyframe, uint8_t *out);
// Sends frame n to every connected client; capture time n * 16 ms.
void loop_send_frame(struct loop *l, uint32_t n, size_t size);
