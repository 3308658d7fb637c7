// WebRTC endpoint: many browsers on one UDP port, video out, data channels both ways.
//
// A pure protocol core: it owns no socket, no thread and no clock. The owner hands in datagrams, video and the
// time, and gets datagrams, messages and the next deadline back:
//
//     for (;;) {
//         wait for the socket until `deadline`;
//         for each datagram: rtc_endpoint_datagram(ep, data, size, &from, now);
//         for each encoded frame: rtc_peer_send_video(peer, &frame, now);
//         deadline = rtc_endpoint_tick(ep, now);
//     }
//
// Thread-safety: everything that takes an endpoint or one of its peers: one thread at a time, the same thread for
// the life of the endpoint (the "network thread"). Different endpoints may live on different threads.
// Events are called from inside these functions, on that thread; they may call every rtc_peer_* function, but not
// rtc_endpoint_destroy.
//
// Time: now_us is a monotonic clock in microseconds; it must not go backwards.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rtc_result {
    RTC_OK              = 0,
    RTC_SKIPPED         = 1,  // video: nothing sent on purpose (not connected yet, waiting for a key frame)
    RTC_ERR_INVALID     = -1, // an argument breaks the contract
    RTC_ERR_NOMEM       = -2,
    RTC_ERR_MALFORMED   = -3, // bytes from outside do not parse
    RTC_ERR_FULL        = -4, // a bounded queue or table has no room; try later
    RTC_ERR_STATE       = -5, // not possible now (closed, no such channel)
    RTC_ERR_UNSUPPORTED = -6, // understood, but not built
    RTC_ERR_CRYPTO      = -7, // the TLS, SRTP or SCTP library refused
};

// "no room", "malformed input"... Never NULL.
const char *rtc_result_name(int result);

#define RTC_ADDR_TEXT_SIZE 56     // "[ipv6]:port" and NUL
#define RTC_MAX_DATAGRAM 1500     // largest datagram ever sent; RTP stays within RTC_MTU
#define RTC_MTU 1200              // bytes of UDP payload of an RTP or DTLS packet
#define RTC_MAX_MESSAGE 65535     // bytes of one data channel message, both ways
#define RTC_MAX_CANDIDATES 16
#define RTC_MAX_SDP 65536         // bytes of an offer
#define RTC_MAX_ACCESS_UNIT (4u << 20)

// An IPv4 or IPv6 transport address. A value: copy it freely. Unused bytes of `ip` are zero.
struct rtc_addr {
    uint8_t family; // 0 = none, 4, 6. A v4-mapped IPv6 address is stored as family 4.
    uint8_t ip[16]; // network order, 4 or 16 bytes
    uint16_t port;  // host order
};

struct sockaddr;
bool rtc_addr_equal(const struct rtc_addr *a, const struct rtc_addr *b);
// false: neither AF_INET nor AF_INET6. ::ffff:a.b.c.d becomes family 4.
bool rtc_addr_from_sockaddr(struct rtc_addr *out, const struct sockaddr *sa);
// Bytes written to `out`, which must have room for a struct sockaddr_storage. With v6_mapped an IPv4 address is
// written as ::ffff:a.b.c.d, as a dual-stack socket wants it.
size_t rtc_addr_to_sockaddr(const struct rtc_addr *a, bool v6_mapped, void *out);
// A numeric address without port ("10.0.0.1", "::1"); false if it is not one. The port of *out is set to `port`.
bool rtc_addr_parse(struct rtc_addr *out, const char *text, uint16_t port);
// "10.0.0.1:47998" or "[::1]:47998"; returns text.
const char *rtc_addr_format(const struct rtc_addr *a, char text[RTC_ADDR_TEXT_SIZE]);

typedef struct rtc_endpoint rtc_endpoint; // opaque
typedef struct rtc_peer rtc_peer;         // opaque

// ---------------------------------------------------------------------------------------------- events

struct rtc_datagram {
    struct rtc_addr to;
    const uint8_t *data; // valid until the send event returns
    size_t size;         // at most RTC_MAX_DATAGRAM
};

enum rtc_peer_state {
    RTC_PEER_NEW,        // offer answered, nothing heard yet
    RTC_PEER_CONNECTING, // ICE has a checked address, DTLS under way
    RTC_PEER_CONNECTED,  // DTLS done, certificate verified: media and data can flow
    RTC_PEER_CLOSED,     // last event of a peer
};

enum rtc_close_reason {
    RTC_CLOSE_NONE,
    RTC_CLOSE_LOCAL,   // rtc_peer_close or rtc_endpoint_destroy
    RTC_CLOSE_REMOTE,  // DTLS close_notify, or the SCTP association was ended by the other side
    RTC_CLOSE_TIMEOUT, // no connection in time, or no consent (RFC 7675) any more
    RTC_CLOSE_FAILED,  // handshake or certificate failure, lack of memory
};

// How far a connection ever got: the difference between "UDP is blocked" and "the decoder cannot keep up".
enum rtc_stage {
    RTC_STAGE_DESCRIPTION, // answer written, no STUN request has come
    RTC_STAGE_CHECKS,      // a valid check came, no DTLS yet
    RTC_STAGE_DTLS,        // handshake under way
    RTC_STAGE_MEDIA,       // media sent, no receiver report yet
    RTC_STAGE_REPORTS,     // the receiver reports
};
const char *rtc_stage_name(enum rtc_stage stage); // "checks", "DTLS"...

struct rtc_channel_info {
    uint16_t stream; // SCTP stream id
    const char *label, *protocol; // valid until the event returns
    bool ordered, reliable;
};

// Every member but `send` may be NULL.
struct rtc_events {
    // Datagrams for the socket, in order; 1 <= count <= 64. Datagrams that the socket does not take are lost, as
    // on any network. One call of an endpoint function gives at most a few of these, so that each can become one
    // sendmmsg; consecutive datagrams of one peer differ only in their last one's size as far as possible (GSO).
    void (*send)(void *user, const struct rtc_datagram *datagrams, size_t count);

    // `reason` and `text` (never NULL, a sentence for the log) only mean something for RTC_PEER_CLOSED. The peer
    // is freed after that event: drop every copy of the pointer before returning from it. Exactly one CLOSED comes
    // for every peer that rtc_endpoint_accept_offer returned.
    void (*peer_state)(void *user, rtc_peer *peer, enum rtc_peer_state state, enum rtc_close_reason reason,
                       const char *text);

    // The browser opened a data channel. Channels are known by their label afterwards.
    void (*channel_open)(void *user, rtc_peer *peer, const struct rtc_channel_info *channel);
    void (*channel_close)(void *user, rtc_peer *peer, const struct rtc_channel_info *channel);

    // A whole message; data is valid until the event returns, and not NUL-terminated. size may be 0.
    void (*message)(void *user, rtc_peer *peer, const struct rtc_channel_info *channel, const void *data,
                    size_t size, bool is_text);

    // The peer cannot go on without a key frame (PLI, FIR, first frame, or frames were dropped here). Merged: not
    // more than one per 300 ms and peer, fewer where a key frame takes long on the way (up to 4 s), repeated after 1 s
    // while no key frame is sent.
    void (*keyframe_request)(void *user, rtc_peer *peer);

    // What the encoder may produce for this peer, payload only. Called when it changed by more than 3 %.
    void (*bitrate)(void *user, rtc_peer *peer, uint32_t bps);
};

// ---------------------------------------------------------------------------------------------- endpoint

struct rtc_candidate {
    struct rtc_addr addr;
    bool mapped; // not an address of this machine: announced (pinned or port-forwarded); ranked first
};

struct rtc_endpoint_params {
    const struct rtc_events *events; // required; outlives the endpoint
    void *user;                      // handed back to every event
    const struct rtc_candidate *candidates; // copied; what answers announce
    size_t candidate_count;                 // 1 to RTC_MAX_CANDIDATES
    uint32_t max_peers;         // 0 = 64
    uint32_t start_bitrate_bps; // 0 = 4 Mbit/s
    uint32_t min_bitrate_bps;   // 0 = 150 kbit/s
    uint32_t max_bitrate_bps;   // 0 = 50 Mbit/s
    int64_t wall_offset_us;     // wall clock (since 1970) minus now_us, for sender reports; 0 is allowed
};

/**
 * Create an endpoint. The first one of a process makes the certificate (ECDSA P-256, self-signed, 30 days).
 *
 * @param out     Receives the endpoint; NULL on failure.
 * @param params  Copied, candidates included.
 * @return        RTC_OK, RTC_ERR_INVALID, RTC_ERR_NOMEM or RTC_ERR_CRYPTO (logged).
 */
int rtc_endpoint_create(rtc_endpoint **out, const struct rtc_endpoint_params *params);

// Closes every peer (with its event), frees everything. *ep may be NULL; left NULL.
void rtc_endpoint_destroy(rtc_endpoint **ep, int64_t now_us);

// Replace the announced candidates: for later offers only.
int rtc_endpoint_set_candidates(rtc_endpoint *ep, const struct rtc_candidate *candidates, size_t count);

struct rtc_peer_params {
    void *user;                 // rtc_peer_user gives it back
    uint32_t max_bitrate_bps;   // 0 = the endpoint's
    bool no_playout_delay;      // do not send the playout-delay extension (Firefox releases that freeze with 0/0)
    bool no_video;              // answer video m-lines as inactive: data only
};

#define RTC_ERROR_TEXT_SIZE 256

/**
 * Answer a browser's offer.
 *
 * Video: the first video m-line whose direction lets us send and which has H.264 with packetization-mode 1 is answered
 * sendonly; other media sections are rejected (port 0), in order; one
 * that carries the transport of the BUNDLE group is kept as inactive. The application section gets data channels.
 * Candidates in the offer are not needed (ICE-lite) and are ignored, mDNS names included.
 *
 * @param sdp, size  The offer; need not be NUL-terminated; at most RTC_MAX_SDP bytes.
 * @param params     NULL = defaults.
 * @param peer       Receives the peer, owned by the endpoint. It closes by itself after 15 s without connection.
 * @param answer     Receives the answer, NUL-terminated, CRLF lines; free() it.
 * @param error      Receives a sentence that says what is wrong and in which line; "" on success.
 * @return           RTC_OK; RTC_ERR_MALFORMED (not SDP), RTC_ERR_UNSUPPORTED (nothing in common; names what was
 *                   offered), RTC_ERR_FULL (max_peers), RTC_ERR_NOMEM, RTC_ERR_CRYPTO. On failure *peer and *answer
 *                   are NULL.
 */
int rtc_endpoint_accept_offer(rtc_endpoint *ep, const char *sdp, size_t size, const struct rtc_peer_params *params,
                              int64_t now_us, rtc_peer **peer, char **answer, char error[RTC_ERROR_TEXT_SIZE]);

// One received datagram; data is borrowed for the call. Never fails: what does not belong is dropped and counted.
void rtc_endpoint_datagram(rtc_endpoint *ep, const uint8_t *data, size_t size, const struct rtc_addr *from,
                           int64_t now_us);

// Run what is due: retransmissions, pacing, reports, time-outs. Returns the time of the next call at the latest;
// calling earlier does no harm. With peers connected and video flowing deadlines are a few milliseconds apart.
int64_t rtc_endpoint_tick(rtc_endpoint *ep, int64_t now_us);

struct rtc_endpoint_stats {
    uint32_t peers;
    uint64_t datagrams_in, bytes_in;
    uint64_t datagrams_out, bytes_out;
    uint64_t dropped_unknown;   // first byte belongs to no protocol of RFC 7983, or empty
    uint64_t dropped_stun;      // malformed, unknown ufrag, wrong integrity
    uint64_t dropped_no_peer;   // DTLS or SRTP from an address that no peer was checked on
    uint64_t dropped_dtls;      // datagrams the handshake or the record layer refused
    uint64_t dropped_srtp;      // authentication or replay failures, malformed RTCP
    uint64_t dropped_sctp;      // malformed data channel traffic
};
void rtc_endpoint_stats(const rtc_endpoint *ep, struct rtc_endpoint_stats *out);

// ---------------------------------------------------------------------------------------------- peer

void *rtc_peer_user(const rtc_peer *peer);
void rtc_peer_set_user(rtc_peer *peer, void *user);
uint64_t rtc_peer_id(const rtc_peer *peer); // unique in the process, never 0, never reused
enum rtc_peer_state rtc_peer_state(const rtc_peer *peer);

struct rtc_video_frame {
    const uint8_t *data; // one access unit, Annex B, start codes included; borrowed for the call
    size_t size;         // at most RTC_MAX_ACCESS_UNIT
    int64_t capture_us;  // on the clock of now_us; becomes the RTP timestamp (90 kHz)
    bool keyframe;       // IDR, with SPS and PPS in the access unit
};

/**
 * Packetise one access unit, remember it for retransmission and hand it to the pacer. One frame may be sent to any
 * number of peers. Frames before the first key frame, and after a dropped frame up to the next key frame, are
 * skipped (the picture would be broken) and a key frame is requested.
 *
 * @return  RTC_OK; RTC_SKIPPED; RTC_ERR_FULL: the pacer holds more than it can send in 400 ms (the frame is dropped
 *          and counted, a key frame follows from the request); RTC_ERR_INVALID: no NAL unit in it, or too large;
 *          RTC_ERR_STATE: closed, or the peer takes no video.
 */
int rtc_peer_send_video(rtc_peer *peer, const struct rtc_video_frame *frame, int64_t now_us);

/**
 * Queue one message on the data channel with this label.
 *
 * @return  RTC_OK: it will be sent, in order; RTC_ERR_STATE: no open channel of that label, or closed;
 *          RTC_ERR_INVALID: larger than RTC_MAX_MESSAGE; RTC_ERR_FULL: 1 MiB is waiting already.
 */
int rtc_peer_send_message(rtc_peer *peer, const char *label, const void *data, size_t size, bool is_text,
                          int64_t now_us);

// Says goodbye to the browser (BYE, SCTP abort, DTLS close_notify); the CLOSED event comes before this returns. NULL
// text = "closed by the server".
void rtc_peer_close(rtc_peer *peer, const char *text, int64_t now_us);

struct rtc_peer_stats {
    enum rtc_peer_state state;
    enum rtc_stage stage;
    struct rtc_addr remote;     // where media goes; family 0 before that is known
    int64_t age_us;             // since the offer
    int64_t rtt_us;             // smoothed, from receiver reports or transport feedback; 0 = unknown
    uint32_t target_bps;        // what the bitrate event says
    uint32_t estimate_bps;      // the congestion controller's, before limits of the encoder
    uint32_t acked_bps;         // what arrived during the last half second
    float loss;                 // 0 to 1, of the last second of feedback
    uint32_t jitter_us;         // of the last receiver report
    uint32_t pacer_packets;     // waiting
    uint64_t frames_sent, frames_skipped, frames_dropped, keyframes_sent;
    uint64_t packets_sent, bytes_sent;         // video, first transmissions, RTP bytes before SRTP
    uint64_t rtx_packets_sent, rtx_bytes_sent; // retransmissions
    uint64_t nack_received, nack_missed;       // packets asked for; no longer in the history
    uint64_t nack_suppressed;                  // asked for again within one round trip, or over the budget
    uint64_t pli_received, fir_received, twcc_received, rr_received;
    uint64_t messages_sent, messages_received;
    uint64_t consent_checks;    // binding requests answered
    const char *srtp_profile;   // "AEAD_AES_128_GCM"...; "" before DTLS is done
};
void rtc_peer_stats(const rtc_peer *peer, int64_t now_us, struct rtc_peer_stats *out);
