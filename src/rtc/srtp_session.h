// SRTP and SRTCP for one peer (RFC 3711, RFC 7714), over libsrtp2. All buffers are worked on in place.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dtls.h"

#define SRTP_MAX_OVERHEAD 20 // bytes that protecting may add: GCM tag 16 and SRTCP index 4

struct srtp_session; // one thread at a time

int srtp_session_create(struct srtp_session **out, const struct srtp_keys *keys);
void srtp_session_destroy(struct srtp_session **s);
const char *srtp_profile_name(enum srtp_profile profile);

// data has room for *size + SRTP_MAX_OVERHEAD; *size grows. RTC_OK or RTC_ERR_CRYPTO.
int srtp_session_protect(struct srtp_session *s, uint8_t *data, size_t *size);
int srtp_session_protect_rtcp(struct srtp_session *s, uint8_t *data, size_t *size);
// *size shrinks. RTC_ERR_CRYPTO: wrong tag, or replayed.
int srtp_session_unprotect(struct srtp_session *s, uint8_t *data, size_t *size);
int srtp_session_unprotect_rtcp(struct srtp_session *s, uint8_t *data, size_t *size);
