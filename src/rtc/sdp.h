// SDP offers of browsers and WHEP clients (RFC 8866, JSEP RFC 9429), and our answers. No state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

#define SDP_MAX_SECTIONS 32
#define SDP_MAX_FORMATS 64      // payload types of one section
#define SDP_MAX_CREDENTIAL 256  // ufrag and pwd, RFC 8839 section 5.4
#define SDP_MAX_MID 32
#define SDP_MAX_FINGERPRINT 64  // bytes: SHA-512
#define SDP_MAX_LINE 8192

enum sdp_kind { SDP_OTHER, SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION };
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_setup { SDP_SETUP_NONE, SDP_ACTPASS, SDP_ACTIVE, SDP_PASSIVE };

// Header extensions we can send (RFC 8285); ids are the offer's, 0 = not offered. Ids above 14 are not used: they
// need the two-byte form.
struct sdp_extensions {
    uint8_t mid, transport_cc, abs_send_time, playout_delay;
};

struct sdp_format {
    uint8_t payload_type;
    char codec[16]; // "H264", "rtx"; upper and lower case as offered
    uint32_t clock;
    int apt;                // rtx: the payload type it repairs, else -1
    int packetization_mode; // H.264; 0 when not given
    uint32_t profile_level; // H.264: three bytes as a number; only with has_profile
    bool has_profile, nack, pli, fir, transport_cc;
};

struct sdp_credentials {
    char ufrag[SDP_MAX_CREDENTIAL + 1], pwd[SDP_MAX_CREDENTIAL + 1];
    char hash[16]; // "sha-256"; lower case; "" = no fingerprint
    uint8_t fingerprint[SDP_MAX_FINGERPRINT];
    size_t fingerprint_size;
    enum sdp_setup setup;
};

struct sdp_section {
    enum sdp_kind kind;
    int line;         // of the m-line, from 1
    char media[16];   // "video"
    char proto[32];   // "UDP/TLS/RTP/SAVPF"
    char formats[64]; // the first format: all that a rejected section needs
    char rtpmap[64];  // of the first format, as offered: "opus/48000/2"; "" = none
    uint16_t port;
    char mid[SDP_MAX_MID + 1];
    bool bundled, rtcp_mux;
    enum sdp_direction direction;
    struct sdp_credentials credentials; // session level ones filled in
    struct sdp_extensions extensions;
    struct sdp_format format[SDP_MAX_FORMATS];
    size_t format_count;
    uint16_t sctp_port;        // application; 0 = not given
    uint32_t max_message_size; // application; 65536 when not given (RFC 8841 section 6)
};

struct sdp_offer {
    bool ice_lite;
    struct sdp_section section[SDP_MAX_SECTIONS];
    size_t section_count;
};

/**
 * Parse an offer. Unknown attributes are skipped, as RFC 8866 wants; known ones that do not parse are errors.
 *
 * @param out    About 100 kB: put it on the heap.
 * @param error  Receives "line 12: ..." on failure.
 * @return       RTC_OK or RTC_ERR_MALFORMED.
 */
int sdp_parse(struct sdp_offer *out, const char *text, size_t size, char error[RTC_ERROR_TEXT_SIZE]);

// What we take of an offer.
struct sdp_choice {
    int video, data; // section indices, -1 = none
    // A section we do not use but keep as inactive, -1 = none: the first of the BUNDLE group carries the transport, and
    // Chromium with bundlePolicy max-bundle cannot go on when it is rejected.
    int kept;
    const struct sdp_format *codec; // H.264, packetization-mode 1
    const struct sdp_format *rtx;   // NULL = not offered for that codec
    const struct sdp_credentials *credentials; // of the BUNDLE group
};

// RTC_OK, or RTC_ERR_UNSUPPORTED / RTC_ERR_MALFORMED with a sentence.
int sdp_choose(struct sdp_choice *out, const struct sdp_offer *offer, bool no_video, char error[RTC_ERROR_TEXT_SIZE]);

struct sdp_answer {
    const struct sdp_offer *offer;
    const struct sdp_choice *choice;
    uint64_t session_id;
    const char *ufrag, *pwd;
    const uint8_t *fingerprint; // SHA-256 of our certificate, 32 bytes
    uint32_t ssrc, rtx_ssrc;
    const char *cname;
    bool playout_delay;
    const struct rtc_candidate *candidates;
    size_t candidate_count;
};

// Bytes written without the NUL (text is NUL-terminated), or 0 when `capacity` was too small.
size_t sdp_write_answer(const struct sdp_answer *a, char *text, size_t capacity);
