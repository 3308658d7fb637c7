// DTLS 1.2 for one peer (RFC 6347, RFC 8827), over OpenSSL: datagrams in, datagrams and application data out.
// The identity (an ECDSA P-256 certificate) is made once per process.
//
// OpenSSL keeps the handshake's retransmission timer by the real clock; the deadline here is that timer's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

#define DTLS_FINGERPRINT_SIZE 32
#define DTLS_MAX_KEY 32
#define DTLS_MAX_SALT 14

// SHA-256 of the process's certificate; NULL when making it failed (logged). Any thread.
const uint8_t *dtls_fingerprint(void);

enum dtls_state { DTLS_HANDSHAKE, DTLS_OPEN, DTLS_CLOSED, DTLS_FAILED };

struct dtls_events {
    // A datagram for the peer, at most RTC_MTU bytes; valid for the call.
    void (*send)(void *user, const uint8_t *data, size_t size);
    // One decrypted record: one SCTP packet.
    void (*data)(void *user, const uint8_t *data, size_t size);
};

struct dtls_params {
    const struct dtls_events *events; // outlives the session
    void *user;
    bool client;                // tests: the browser's half
    const char *hash;           // of the peer's certificate, from the SDP: "sha-256"...
    const uint8_t *fingerprint; // copied
    size_t fingerprint_size;
};

struct dtls_session; // one thread at a time

// RTC_OK, RTC_ERR_NOMEM or RTC_ERR_CRYPTO.
int dtls_create(struct dtls_session **out, const struct dtls_params *params);
void dtls_destroy(struct dtls_session **s); // silent: close first to say goodbye

// A client starts with this; a server needs no start.
void dtls_start(struct dtls_session *s);
// False: OpenSSL refused the datagram (it does not matter: drop and count).
bool dtls_input(struct dtls_session *s, const uint8_t *data, size_t size);
int dtls_send(struct dtls_session *s, const uint8_t *data, size_t size);
void dtls_close(struct dtls_session *s); // sends close_notify

// Microseconds until dtls_tick has to be called; negative: no timer runs.
int64_t dtls_timeout_us(struct dtls_session *s);
void dtls_tick(struct dtls_session *s);

enum dtls_state dtls_state(const struct dtls_session *s);
const char *dtls_error(const struct dtls_session *s); // why it failed; "" if it did not

enum srtp_profile { SRTP_PROFILE_NONE, SRTP_PROFILE_AES128_CM_SHA1_80, SRTP_PROFILE_AEAD_AES_128_GCM,
                    SRTP_PROFILE_AEAD_AES_256_GCM };

// Both directions' master keys, each key then salt (RFC 5764 section 4.2).
struct srtp_keys {
    enum srtp_profile profile;
    size_t key_size, salt_size;
    uint8_t local[DTLS_MAX_KEY + DTLS_MAX_SALT], remote[DTLS_MAX_KEY + DTLS_MAX_SALT];
};

// Once open. RTC_ERR_UNSUPPORTED: the peer did not negotiate SRTP.
int dtls_export_keys(struct dtls_session *s, struct srtp_keys *out);
