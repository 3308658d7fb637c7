#include "stun.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define INTEGRITY_SIZE 20
#define FINGERPRINT_XOR 0x5354554eu

// CRC-32 of ISO 3309, as FINGERPRINT wants it; a nibble at a time: messages are about 100 bytes.
static uint32_t crc32(const uint8_t *data, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ data[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ data[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}

bool stun_looks_like(const uint8_t *data, size_t size)
{
    if (size < STUN_HEADER_SIZE || data[0] > 3)
        return false;
    struct cursor c = cur_make(data + 2, 6);
    uint16_t length = cur_u16be(&c);
    return cur_u32be(&c) == STUN_MAGIC && length + (size_t)STUN_HEADER_SIZE == size && length % 4 == 0;
}

static void parse_address(struct stun_message *m, struct cursor c)
{
    cur_skip(&c, 1);
    uint8_t family = cur_u8(&c);
    struct rtc_addr a = { .family = family == 1 ? 4 : family == 2 ? 6 : 0 };
    a.port = cur_u16be(&c) ^ (STUN_MAGIC >> 16);
    size_t n = family == 1 ? 4 : 16;
    cur_copy(&c, a.ip, n);
    if (c.bad || !a.family)
        return;
    for (size_t i = 0; i < n; i++)
        a.ip[i] ^= m->data[4 + i]; // cookie, then transaction id
    m->mapped     = a;
    m->has_mapped = true;
}

// One attribute before MESSAGE-INTEGRITY; false: malformed.
static bool parse_attribute(struct stun_message *m, uint16_t type, struct cursor c)
{
    switch (type) {
    case STUN_ATTR_USERNAME:
        if (m->username)
            return true; // the first one counts, RFC 8489 section 14
        m->username_size = cur_left(&c);
        m->username      = (const char *)c.p;
        return m->username_size <= 513;
    case STUN_ATTR_PRIORITY:
        m->priority     = cur_u32be(&c);
        m->has_priority = !c.bad;
        return !c.bad;
    case STUN_ATTR_NOMINATION:
        m->nomination     = cur_u32be(&c);
        m->has_nomination = !c.bad;
        return !c.bad;
    case STUN_ATTR_USE_CANDIDATE:
        m->use_candidate = true;
        return true;
    case STUN_ATTR_ICE_CONTROLLING:
        m->tie_breaker     = cur_u64be(&c);
        m->has_controlling = !c.bad;
        return !c.bad;
    case STUN_ATTR_ICE_CONTROLLED:
        m->tie_breaker    = cur_u64be(&c);
        m->has_controlled = !c.bad;
        return !c.bad;
    case STUN_ATTR_XOR_MAPPED_ADDRESS:
        parse_address(m, c);
        return m->has_mapped;
    case STUN_ATTR_ERROR_CODE: {
        uint32_t v    = cur_u32be(&c);
        m->error_code = (uint16_t)((v >> 8 & 7) * 100 + (v & 0xff));
        return !c.bad;
    }
    case STUN_ATTR_MAPPED_ADDRESS:
    case STUN_ATTR_UNKNOWN_ATTRIBUTES:
        return true;
    default:
        if (type < 0x8000 && m->unknown_count < STUN_MAX_UNKNOWN)
            m->unknown[m->unknown_count++] = type;
        return true;
    }
}

int stun_parse(struct stun_message *m, const uint8_t *data, size_t size)
{
    *m = (struct stun_message) { .data = data, .size = size };
    if (!stun_looks_like(data, size))
        return RTC_ERR_MALFORMED;
    struct cursor c = cur_make(data, size);
    uint16_t type   = cur_u16be(&c);
    m->class  = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
    m->method = (uint16_t)((type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80));
    cur_skip(&c, 6);
    m->id = cur_take(&c, STUN_ID_SIZE);

    while (cur_left(&c) && !c.bad) {
        size_t at       = size - cur_left(&c);
        uint16_t attr   = cur_u16be(&c);
        uint16_t length = cur_u16be(&c);
        struct cursor value = cur_sub(&c, length);
        cur_skip(&c, (size_t)(-length & 3));
        if (c.bad || value.bad || m->has_fingerprint) // FINGERPRINT is the last one
            return RTC_ERR_MALFORMED;
        if (attr == STUN_ATTR_FINGERPRINT) {
            if (cur_u32be(&value) != (crc32(data, at) ^ FINGERPRINT_XOR) || value.bad || length != 4)
                return RTC_ERR_MALFORMED;
            m->has_fingerprint = true;
        } else if (m->integrity_at) {
            continue;
        } else if (attr == STUN_ATTR_MESSAGE_INTEGRITY) {
            if (length != INTEGRITY_SIZE)
                return RTC_ERR_MALFORMED;
            m->integrity_at = at;
        } else if (!parse_attribute(m, attr, value)) {
            return RTC_ERR_MALFORMED;
        }
    }
    return c.bad ? RTC_ERR_MALFORMED : RTC_OK;
}

// HMAC-SHA1 of data[0, at) with the header's length field counting up to the end of MESSAGE-INTEGRITY.
static bool integrity(const uint8_t *data, size_t at, const void *key, size_t key_size, uint8_t out[INTEGRITY_SIZE])
{
    uint8_t copy[1500];
    if (at < STUN_HEADER_SIZE || at > sizeof(copy) || key_size > 1024)
        return false;
    memcpy(copy, data, at);
    size_t length = at + 4 + INTEGRITY_SIZE - STUN_HEADER_SIZE;
    copy[2] = (uint8_t)(length >> 8);
    copy[3] = (uint8_t)length;
    unsigned size = INTEGRITY_SIZE;
    return HMAC(EVP_sha1(), key, (int)key_size, copy, at, out, &size) && size == INTEGRITY_SIZE;
}

bool stun_check_integrity(const struct stun_message *m, const void *key, size_t key_size)
{
    uint8_t mac[INTEGRITY_SIZE];
    return m->integrity_at && integrity(m->data, m->integrity_at, key, key_size, mac)
        && CRYPTO_memcmp(mac, m->data + m->integrity_at + 4, INTEGRITY_SIZE) == 0;
}

void stun_write_begin(struct stun_writer *s, void *buffer, size_t capacity, enum stun_class class, uint16_t method,
                      const uint8_t id[STUN_ID_SIZE])
{
    unsigned cls = (unsigned)class;
    s->w = wr_make(buffer, capacity);
    wr_u16be(&s->w, (uint16_t)((method & 0xf) | (method & 0x70) << 1 | (method & 0xf80) << 2 | (cls & 1) << 4
                               | (cls & 2) << 7));
    wr_u16be(&s->w, 0);
    wr_u32be(&s->w, STUN_MAGIC);
    wr_bytes(&s->w, id, STUN_ID_SIZE);
}

void stun_write_bytes(struct stun_writer *s, uint16_t type, const void *data, size_t size)
{
    wr_u16be(&s->w, type);
    wr_u16be(&s->w, (uint16_t)size);
    wr_bytes(&s->w, data, size);
    wr_zero(&s->w, -size & 3);
}

void stun_write_u32(struct stun_writer *s, uint16_t type, uint32_t value)
{
    wr_u16be(&s->w, type);
    wr_u16be(&s->w, 4);
    wr_u32be(&s->w, value);
}

void stun_write_u64(struct stun_writer *s, uint16_t type, uint64_t value)
{
    wr_u16be(&s->w, type);
    wr_u16be(&s->w, 8);
    wr_u64be(&s->w, value);
}

void stun_write_xor_mapped(struct stun_writer *s, const struct rtc_addr *a)
{
    uint8_t value[20] = { 0, a->family == 4 ? 1 : 2 };
    size_t n = a->family == 4 ? 4 : 16;
    uint16_t port = a->port ^ (STUN_MAGIC >> 16);
    value[2] = (uint8_t)(port >> 8);
    value[3] = (uint8_t)port;
    if (s->w.size < STUN_HEADER_SIZE) {
        s->w.bad = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        value[4 + i] = a->ip[i] ^ s->w.data[4 + i];
    stun_write_bytes(s, STUN_ATTR_XOR_MAPPED_ADDRESS, value, 4 + n);
}

void stun_write_error(struct stun_writer *s, uint16_t code, const char *reason)
{
    uint8_t value[4 + 64] = { 0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100) };
    size_t n = strnlen(reason, 64);
    memcpy(value + 4, reason, n);
    stun_write_bytes(s, STUN_ATTR_ERROR_CODE, value, 4 + n);
}

static void set_length(struct stun_writer *s)
{
    size_t length = s->w.size - STUN_HEADER_SIZE;
    s->w.data[2] = (uint8_t)(length >> 8);
    s->w.data[3] = (uint8_t)length;
}

size_t stun_write_end(struct stun_writer *s, const void *key, size_t key_size)
{
    if (key && !s->w.bad) {
        uint8_t mac[INTEGRITY_SIZE];
        if (!integrity(s->w.data, s->w.size, key, key_size, mac))
            return 0;
        stun_write_bytes(s, STUN_ATTR_MESSAGE_INTEGRITY, mac, sizeof(mac));
    }
    size_t at = s->w.size;
    stun_write_u32(s, STUN_ATTR_FINGERPRINT, 0);
    if (s->w.bad)
        return 0;
    set_length(s);
    s->w.size = at;
    stun_write_u32(s, STUN_ATTR_FINGERPRINT, crc32(s->w.data, at) ^ FINGERPRINT_XOR);
    return s->w.size;
}
