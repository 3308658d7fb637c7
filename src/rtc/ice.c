#include "ice.h"

#include <openssl/rand.h>

static bool random_text(char *out, size_t count)
{
    static const char ice_chars[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[ICE_PWD_SIZE];
    if (count > sizeof(bytes) || RAND_bytes(bytes, (int)count) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        out[i] = ice_chars[bytes[i] & 63];
    out[count] = 0;
    return true;
}

bool ice_init(struct ice_agent *a, const char *remote_ufrag, int64_t now_us)
{
    *a = (struct ice_agent) { .selected = -1, .alive_us = now_us };
    size_t n = strnlen(remote_ufrag, ICE_REMOTE_MAX);
    memcpy(a->remote_ufrag, remote_ufrag, n);
    return random_text(a->ufrag, ICE_UFRAG_SIZE) && random_text(a->pwd, ICE_PWD_SIZE);
}

static int find(const struct ice_agent *a, const struct rtc_addr *from)
{
    for (size_t i = 0; i < a->tuple_count; i++)
        if (rtc_addr_equal(&a->tuples[i].addr, from))
            return (int)i;
    return -1;
}

bool ice_knows(const struct ice_agent *a, const struct rtc_addr *from) { return find(a, from) >= 0; }

const struct rtc_addr *ice_selected(const struct ice_agent *a)
{
    return a->selected >= 0 ? &a->tuples[a->selected].addr : NULL;
}

static int add_tuple(struct ice_agent *a, const struct rtc_addr *from, struct rtc_addr *evicted)
{
    int at = -1;
    if (a->tuple_count < ICE_MAX_TUPLES) {
        at = (int)a->tuple_count++;
    } else {
        for (int i = 0; i < ICE_MAX_TUPLES; i++)
            if (i != a->selected && (at < 0 || a->tuples[i].last_us < a->tuples[at].last_us))
                at = i;
        *evicted = a->tuples[at].addr;
    }
    a->tuples[at] = (struct ice_tuple) { .addr = *from };
    return at;
}

// USERNAME is "our ufrag:their ufrag".
static bool username_matches(const struct ice_agent *a, const struct stun_message *m)
{
    size_t remote = strlen(a->remote_ufrag);
    return m->username && m->username_size == ICE_UFRAG_SIZE + 1 + remote
        && memcmp(m->username, a->ufrag, ICE_UFRAG_SIZE) == 0 && m->username[ICE_UFRAG_SIZE] == ':'
        && memcmp(m->username + ICE_UFRAG_SIZE + 1, a->remote_ufrag, remote) == 0;
}

static enum ice_outcome reply_error(struct ice_agent *a, const struct stun_message *m, uint16_t code,
                                    const char *reason, uint8_t *reply, size_t capacity, size_t *size)
{
    struct stun_writer s;
    stun_write_begin(&s, reply, capacity, STUN_ERROR, m->method, m->id);
    stun_write_error(&s, code, reason);
    if (code == 420) {
        uint8_t list[2 * STUN_MAX_UNKNOWN];
        struct writer w = wr_make(list, sizeof(list));
        for (size_t i = 0; i < m->unknown_count; i++)
            wr_u16be(&w, m->unknown[i]);
        stun_write_bytes(&s, STUN_ATTR_UNKNOWN_ATTRIBUTES, list, w.size);
    }
    *size = stun_write_end(&s, a->pwd, ICE_PWD_SIZE);
    return *size ? ICE_ANSWERED : ICE_DROPPED;
}

static void nominate(struct ice_agent *a, int at, const struct stun_message *m)
{
    if (m->has_nomination) {
        if (m->nomination < a->nomination)
            return;
        a->nomination = m->nomination;
    } else if (!m->use_candidate) {
        if (a->selected < 0)
            a->selected = at; // the first checked address will do until one is nominated
        return;
    }
    a->tuples[at].nominated = true;
    a->selected = at;
}

enum ice_outcome ice_input(struct ice_agent *a, const struct stun_message *m, const struct rtc_addr *from,
                           int64_t now_us, uint8_t *reply, size_t reply_capacity, size_t *reply_size,
                           struct rtc_addr *evicted)
{
    *reply_size = 0;
    *evicted    = (struct rtc_addr) { 0 };
    if (m->class != STUN_REQUEST || m->method != STUN_METHOD_BINDING || !username_matches(a, m)
        || !stun_check_integrity(m, a->pwd, ICE_PWD_SIZE))
        return ICE_DROPPED;
    ice_alive(a, now_us);
    if (m->unknown_count)
        return reply_error(a, m, 420, "Unknown Attribute", reply, reply_capacity, reply_size);
    if (m->has_controlled) {
        // A lite agent is always controlled (RFC 8445 section 6.1.1): the other side has to switch.
        a->conflicts++;
        return reply_error(a, m, 487, "Role Conflict", reply, reply_capacity, reply_size);
    }

    struct stun_writer s;
    stun_write_begin(&s, reply, reply_capacity, STUN_SUCCESS, m->method, m->id);
    stun_write_xor_mapped(&s, from);
    *reply_size = stun_write_end(&s, a->pwd, ICE_PWD_SIZE);
    if (!*reply_size)
        return ICE_DROPPED;

    a->checks++;
    int at   = find(a, from);
    bool new = at < 0;
    if (new)
        at = add_tuple(a, from, evicted);
    a->tuples[at].last_us = now_us;
    nominate(a, at, m);
    return new ? ICE_ANSWERED_NEW : ICE_ANSWERED;
}
