// ICE for one peer, the lite side (RFC 8445 section 2.5): answers checks, keeps the checked addresses ("tuples"),
// follows the controlling browser's nomination, and notices when its consent (RFC 7675) stops.
// A full controlled agent adds checks of its own to the same tuples; nothing outside this file would change.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"
#include "stun.h"

#define ICE_MAX_TUPLES 8
#define ICE_UFRAG_SIZE 8  // characters, of ice-char (6 bits each)
#define ICE_PWD_SIZE 24
#define ICE_REMOTE_MAX 256 // RFC 8839 section 5.4

// Browsers check every 2.5 s (Chromium) or 4 to 6 s (Firefox); a killed one must be noticed within 10 s.
#define ICE_CONSENT_TIMEOUT_US (8 * 1000000)

struct ice_tuple {
    struct rtc_addr addr;
    int64_t last_us; // last authenticated check from it
    bool nominated;
};

struct ice_agent {
    char ufrag[ICE_UFRAG_SIZE + 1], pwd[ICE_PWD_SIZE + 1];
    char remote_ufrag[ICE_REMOTE_MAX + 1];
    struct ice_tuple tuples[ICE_MAX_TUPLES];
    size_t tuple_count;
    int selected;        // index, -1 = none yet
    uint32_t nomination; // highest seen
    int64_t alive_us;    // last sign of life that only the peer can have made
    uint64_t checks, conflicts;
};

enum ice_outcome {
    ICE_DROPPED,      // not for us: malformed, wrong credentials
    ICE_ANSWERED,     // reply to be sent
    ICE_ANSWERED_NEW, // reply to be sent, and `from` is a new tuple
};

// Random credentials; false: no randomness.
bool ice_init(struct ice_agent *a, const char *remote_ufrag, int64_t now_us);

/**
 * A STUN message from `from`. Requests get an answer in reply[0, *reply_size) to be sent back to `from`.
 * When all tuples are taken, the one heard of longest ago that is not selected is replaced: *evicted then holds its
 * address (family 0 otherwise).
 */
enum ice_outcome ice_input(struct ice_agent *a, const struct stun_message *m, const struct rtc_addr *from,
                           int64_t now_us, uint8_t *reply, size_t reply_capacity, size_t *reply_size,
                           struct rtc_addr *evicted);

// Where to send; NULL before the first check.
const struct rtc_addr *ice_selected(const struct ice_agent *a);
bool ice_knows(const struct ice_agent *a, const struct rtc_addr *from);
// Other authenticated traffic (DTLS, SRTCP) counts as a sign of life too.
static inline void ice_alive(struct ice_agent *a, int64_t now_us) { a->alive_us = now_us; }
static inline int64_t ice_deadline(const struct ice_agent *a) { return a->alive_us + ICE_CONSENT_TIMEOUT_US; }
