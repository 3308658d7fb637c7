// Inside of a peer, shared by endpoint.c and peer.c only.
#pragma once

#include "bwe.h"
#include "dtls.h"
#include "hash.h"
#include "ice.h"
#include "rtc.h"
#include "sctp.h"
#include "sdp.h"
#include "srtp_session.h"
#include "video_sender.h"

#define ENDPOINT_BATCH 64

struct rtc_peer {
    rtc_endpoint *ep;
    uint64_t id;
    void *user;
    enum rtc_peer_state state;
    enum rtc_stage stage;
    bool dead; // CLOSED was told; freed when the outermost call returns
    int64_t created_us;
    struct ice_agent ice;
    struct dtls_session *dtls;
    struct srtp_session *srtp;
    enum srtp_profile profile;
    struct sctp_assoc *sctp;
    bool wants_data;
    uint16_t sctp_port;
    int64_t sctp_deadline_us;
    uint32_t max_message; // of the browser
    bool has_video;
    struct video_sender video;
    struct bwe bwe;
    char cname[24];
    int64_t next_report_us;
    uint32_t reports_sent;
    uint32_t told_bps;
    uint64_t sctp_dropped; // counted already
    // key frame requests
    bool keyframe_wanted;
    int64_t keyframe_asked_us, keyframe_sent_us;
    size_t keyframe_size; // of the last one, bytes
    int fir_seq; // of the last FIR, -1 = none yet
    uint32_t jitter; // of the last report, 90 kHz
    uint64_t pli, fir, twcc, rr, messages_in, messages_out;
};

struct rtc_endpoint {
    const struct rtc_events *events;
    void *user;
    struct rtc_candidate candidates[RTC_MAX_CANDIDATES];
    size_t candidate_count;
    uint32_t max_peers, start_bps, min_bps, max_bps;
    int64_t wall_offset_us;
    rtc_peer **peers;
    size_t peer_count;
    struct hash_map by_ufrag, by_addr; // hash -> rtc_peer *
    int64_t now_us;
    int depth; // of calls in progress; what they leave behind is done when the outermost returns
    struct rtc_endpoint_stats stats;
    struct rtc_datagram batch[ENDPOINT_BATCH];
    size_t batch_count;
    _Alignas(16) uint8_t buffer[ENDPOINT_BATCH][RTC_MAX_DATAGRAM + 4];
    _Alignas(16) uint8_t scratch[2048];
};

// ---- endpoint.c
void endpoint_enter(rtc_endpoint *ep, int64_t now_us);
void endpoint_leave(rtc_endpoint *ep);
// A buffer of RTC_MAX_DATAGRAM bytes for one datagram; endpoint_commit sends it, or not calling that drops it.
uint8_t *endpoint_claim(rtc_endpoint *ep);
void endpoint_commit(rtc_endpoint *ep, const struct rtc_addr *to, size_t size);
uint64_t endpoint_addr_key(const struct rtc_addr *a);

// ---- peer.c
rtc_peer *peer_create(rtc_endpoint *ep, const struct sdp_offer *offer, const struct sdp_choice *choice,
                      const struct rtc_peer_params *params, uint32_t ssrc, uint32_t rtx_ssrc, int *result);
void peer_free(rtc_peer *p);
void peer_goodbye(rtc_peer *p); // what is left to tell the browser, before the peer is freed
void peer_close(rtc_peer *p, enum rtc_close_reason reason, const char *text);
void peer_stun(rtc_peer *p, const struct stun_message *m, const struct rtc_addr *from);
void peer_dtls(rtc_peer *p, const uint8_t *data, size_t size);
void peer_srtp(rtc_peer *p, const uint8_t *data, size_t size);
int64_t peer_tick(rtc_peer *p);
