// STUN messages (RFC 8489) as ICE uses them (RFC 8445): parse, check, write. No state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "rtc.h"

#define STUN_MAGIC 0x2112a442u
#define STUN_HEADER_SIZE 20
#define STUN_ID_SIZE 12
#define STUN_METHOD_BINDING 1

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

enum stun_attribute {
    STUN_ATTR_MAPPED_ADDRESS     = 0x0001,
    STUN_ATTR_USERNAME           = 0x0006,
    STUN_ATTR_MESSAGE_INTEGRITY  = 0x0008,
    STUN_ATTR_ERROR_CODE         = 0x0009,
    STUN_ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
    STUN_ATTR_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_ATTR_PRIORITY           = 0x0024,
    STUN_ATTR_USE_CANDIDATE      = 0x0025,
    STUN_ATTR_SOFTWARE           = 0x8022,
    STUN_ATTR_FINGERPRINT        = 0x8028,
    STUN_ATTR_ICE_CONTROLLED     = 0x8029,
    STUN_ATTR_ICE_CONTROLLING    = 0x802a,
    STUN_ATTR_NOMINATION         = 0xc001, // libwebrtc's renomination counter
};

#define STUN_MAX_UNKNOWN 8

struct stun_message {
    const uint8_t *data; // the whole message, borrowed
    size_t size;
    enum stun_class class;
    uint16_t method;
    const uint8_t *id; // STUN_ID_SIZE bytes
    const char *username; // not NUL-terminated; NULL = absent
    size_t username_size;
    bool has_priority, use_candidate, has_controlling, has_controlled, has_mapped, has_nomination;
    uint32_t priority, nomination;
    uint64_t tie_breaker;   // of has_controlling or has_controlled
    struct rtc_addr mapped; // XOR-MAPPED-ADDRESS, decoded
    uint16_t error_code;    // of an error response, else 0
    size_t integrity_at;    // offset of the MESSAGE-INTEGRITY attribute; 0 = absent
    bool has_fingerprint;   // and it is right: a wrong one makes the message malformed
    uint16_t unknown[STUN_MAX_UNKNOWN]; // comprehension-required attributes we do not know
    size_t unknown_count;
};

// Two zero bits, the magic cookie and a length that fits: cheap test for demultiplexing.
bool stun_looks_like(const uint8_t *data, size_t size);

// RTC_OK or RTC_ERR_MALFORMED. The message borrows data. Attributes after MESSAGE-INTEGRITY other than FINGERPRINT
// are ignored, as RFC 8489 section 14.5 wants.
int stun_parse(struct stun_message *m, const uint8_t *data, size_t size);

// HMAC-SHA1 over the message with this key (short-term credential: the password).
bool stun_check_integrity(const struct stun_message *m, const void *key, size_t key_size);

struct stun_writer {
    struct writer w;
};

void stun_write_begin(struct stun_writer *s, void *buffer, size_t capacity, enum stun_class class, uint16_t method,
                      const uint8_t id[STUN_ID_SIZE]);
void stun_write_bytes(struct stun_writer *s, uint16_t type, const void *data, size_t size); // pads to 4
void stun_write_u32(struct stun_writer *s, uint16_t type, uint32_t value);
void stun_write_u64(struct stun_writer *s, uint16_t type, uint64_t value);
void stun_write_xor_mapped(struct stun_writer *s, const struct rtc_addr *a);
void stun_write_error(struct stun_writer *s, uint16_t code, const char *reason);
// Adds MESSAGE-INTEGRITY (key not NULL) and FINGERPRINT. Bytes of the message, or 0 if it did not fit.
size_t stun_write_end(struct stun_writer *s, const void *key, size_t key_size);
