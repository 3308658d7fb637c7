#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "log.h"
#include "peer.h"

#define CHANNEL "rtc"
#define IDLE_DEADLINE_US 1000000

// ---- output

uint8_t *endpoint_claim(rtc_endpoint *ep) { return ep->buffer[ep->batch_count]; }

static void flush(rtc_endpoint *ep)
{
    if (!ep->batch_count)
        return;
    ep->events->send(ep->user, ep->batch, ep->batch_count);
    ep->batch_count = 0;
}

void endpoint_commit(rtc_endpoint *ep, const struct rtc_addr *to, size_t size)
{
    ep->batch[ep->batch_count] = (struct rtc_datagram) { *to, ep->buffer[ep->batch_count], size };
    ep->stats.datagrams_out++;
    ep->stats.bytes_out += size;
    if (++ep->batch_count == ENDPOINT_BATCH)
        flush(ep);
}

// ---- peers

uint64_t endpoint_addr_key(const struct rtc_addr *a)
{
    uint8_t bytes[19] = { a->family, (uint8_t)(a->port >> 8), (uint8_t)a->port };
    memcpy(bytes + 3, a->ip, 16);
    return hash_bytes(bytes, sizeof(bytes));
}

static rtc_peer *find_by_addr(rtc_endpoint *ep, const struct rtc_addr *from)
{
    uint64_t *found = hash_map_get(&ep->by_addr, endpoint_addr_key(from));
    rtc_peer *p     = found ? (rtc_peer *)(uintptr_t)*found : NULL;
    return p && !p->dead && ice_knows(&p->ice, from) ? p : NULL;
}

static rtc_peer *find_by_username(rtc_endpoint *ep, const struct stun_message *m)
{
    if (!m->username || m->username_size <= ICE_UFRAG_SIZE)
        return NULL;
    uint64_t *found = hash_map_get(&ep->by_ufrag, hash_bytes(m->username, ICE_UFRAG_SIZE));
    rtc_peer *p     = found ? (rtc_peer *)(uintptr_t)*found : NULL;
    return p && !p->dead && memcmp(p->ice.ufrag, m->username, ICE_UFRAG_SIZE) == 0 ? p : NULL;
}

static void forget(rtc_endpoint *ep, rtc_peer *p)
{
    hash_map_remove(&ep->by_ufrag, hash_bytes(p->ice.ufrag, ICE_UFRAG_SIZE));
    for (size_t i = 0; i < p->ice.tuple_count; i++) {
        uint64_t key    = endpoint_addr_key(&p->ice.tuples[i].addr);
        uint64_t *found = hash_map_get(&ep->by_addr, key);
        if (found && *found == (uintptr_t)p) // a later peer may use the address by now
            hash_map_remove(&ep->by_addr, key);
    }
}

static void bury_dead(rtc_endpoint *ep)
{
    size_t kept = 0;
    for (size_t i = 0; i < ep->peer_count; i++) {
        rtc_peer *p = ep->peers[i];
        if (p->dead) {
            peer_goodbye(p);
            forget(ep, p);
            peer_free(p);
        } else {
            ep->peers[kept++] = p;
        }
    }
    ep->peer_count  = kept;
    ep->stats.peers = (uint32_t)kept;
}

void endpoint_enter(rtc_endpoint *ep, int64_t now_us)
{
    if (now_us > ep->now_us)
        ep->now_us = now_us;
    ep->depth++;
}

void endpoint_leave(rtc_endpoint *ep)
{
    if (ep->depth == 1) {
        bury_dead(ep);
        flush(ep);
    }
    ep->depth--;
}

// ---- life

int rtc_endpoint_set_candidates(rtc_endpoint *ep, const struct rtc_candidate *candidates, size_t count)
{
    if (count == 0 || count > RTC_MAX_CANDIDATES)
        return RTC_ERR_INVALID;
    for (size_t i = 0; i < count; i++)
        if ((candidates[i].addr.family != 4 && candidates[i].addr.family != 6) || !candidates[i].addr.port)
            return RTC_ERR_INVALID;
    // Announced addresses first: the first one is what simple clients look at.
    ep->candidate_count = 0;
    for (int mapped = 1; mapped >= 0; mapped--)
        for (size_t i = 0; i < count; i++)
            if (candidates[i].mapped == (bool)mapped)
                ep->candidates[ep->candidate_count++] = candidates[i];
    return RTC_OK;
}

int rtc_endpoint_create(rtc_endpoint **out, const struct rtc_endpoint_params *params)
{
    *out = NULL;
    if (!params->events || !params->events->send)
        return RTC_ERR_INVALID;
    rtc_endpoint *ep = calloc(1, sizeof(*ep));
    if (!ep)
        return RTC_ERR_NOMEM;
    ep->events    = params->events;
    ep->user      = params->user;
    ep->max_peers = params->max_peers ? params->max_peers : 64;
    ep->start_bps = params->start_bitrate_bps ? params->start_bitrate_bps : 4000000;
    ep->min_bps   = params->min_bitrate_bps ? params->min_bitrate_bps : 150000;
    ep->max_bps   = params->max_bitrate_bps ? params->max_bitrate_bps : 50000000;
    ep->wall_offset_us = params->wall_offset_us;
    int rc = rtc_endpoint_set_candidates(ep, params->candidates, params->candidate_count);
    if (rc == RTC_OK && !dtls_fingerprint())
        rc = RTC_ERR_CRYPTO;
    ep->peers = calloc(ep->max_peers, sizeof(*ep->peers));
    if (rc == RTC_OK && !ep->peers)
        rc = RTC_ERR_NOMEM;
    if (rc < 0) {
        rtc_endpoint_destroy(&ep, 0);
        return rc;
    }
    *out = ep;
    return RTC_OK;
}

void rtc_endpoint_destroy(rtc_endpoint **epp, int64_t now_us)
{
    rtc_endpoint *ep = *epp;
    if (!ep)
        return;
    endpoint_enter(ep, now_us);
    for (size_t i = 0; i < ep->peer_count; i++)
        peer_close(ep->peers[i], RTC_CLOSE_LOCAL, "the server stopped");
    endpoint_leave(ep);
    hash_map_finish(&ep->by_ufrag);
    hash_map_finish(&ep->by_addr);
    free(ep->peers);
    free(ep);
    *epp = NULL;
}

// ---- offers

static uint32_t random_ssrc(void)
{
    uint32_t v = 0;
    while (v == 0 && RAND_bytes((unsigned char *)&v, sizeof(v)) == 1)
        ;
    return v;
}

static char *make_answer(rtc_endpoint *ep, rtc_peer *p, const struct sdp_offer *offer, const struct sdp_choice *choice)
{
    const size_t capacity = 32768;
    char *text = malloc(capacity);
    if (!text)
        return NULL;
    struct sdp_answer a = {
        .offer = offer, .choice = choice, .session_id = hash_u64(p->id ^ (uint64_t)ep->now_us),
        .ufrag = p->ice.ufrag, .pwd = p->ice.pwd, .fingerprint = dtls_fingerprint(),
        .ssrc = p->video.params.ssrc, .rtx_ssrc = p->video.params.rtx_ssrc, .cname = p->cname,
        .playout_delay = p->video.params.layout.playout_delay_id != 0,
        .candidates = ep->candidates, .candidate_count = ep->candidate_count,
    };
    size_t size = sdp_write_answer(&a, text, capacity);
    char *fitted = size ? realloc(text, size + 1) : NULL;
    if (!fitted)
        free(text);
    return fitted;
}

static int accept_parsed(rtc_endpoint *ep, const struct sdp_offer *offer, const struct rtc_peer_params *params,
                         rtc_peer **peer, char **answer, char *error)
{
    struct sdp_choice choice;
    int rc = sdp_choose(&choice, offer, params->no_video, error);
    if (rc < 0)
        return rc;
    uint32_t ssrc = random_ssrc(), rtx_ssrc = random_ssrc();
    if (rtx_ssrc == ssrc)
        rtx_ssrc ^= 1;
    rtc_peer *p = peer_create(ep, offer, &choice, params, ssrc, rtx_ssrc, &rc);
    if (!p) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "cannot make a peer: %s", rtc_result_name(rc));
        return rc;
    }
    uint64_t key = hash_bytes(p->ice.ufrag, ICE_UFRAG_SIZE);
    *answer = make_answer(ep, p, offer, &choice);
    if (!*answer || !hash_map_put(&ep->by_ufrag, key, (uintptr_t)p)) {
        free(*answer);
        *answer = NULL;
        peer_free(p);
        snprintf(error, RTC_ERROR_TEXT_SIZE, "out of memory");
        return RTC_ERR_NOMEM;
    }
    ep->peers[ep->peer_count++] = p;
    ep->stats.peers = (uint32_t)ep->peer_count;
    *peer = p;
    return RTC_OK;
}

int rtc_endpoint_accept_offer(rtc_endpoint *ep, const char *sdp, size_t size, const struct rtc_peer_params *params,
                              int64_t now_us, rtc_peer **peer, char **answer, char error[RTC_ERROR_TEXT_SIZE])
{
    static const struct rtc_peer_params defaults;
    *peer   = NULL;
    *answer = NULL;
    error[0] = 0;
    if (ep->peer_count >= ep->max_peers) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "all %u places are taken", ep->max_peers);
        return RTC_ERR_FULL;
    }
    struct sdp_offer *offer = malloc(sizeof(*offer));
    if (!offer) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "out of memory");
        return RTC_ERR_NOMEM;
    }
    endpoint_enter(ep, now_us);
    int rc = sdp_parse(offer, sdp, size, error);
    if (rc == RTC_OK)
        rc = accept_parsed(ep, offer, params ? params : &defaults, peer, answer, error);
    endpoint_leave(ep);
    free(offer);
    return rc;
}

// ---- input

static void input_stun(rtc_endpoint *ep, const uint8_t *data, size_t size, const struct rtc_addr *from)
{
    struct stun_message m;
    rtc_peer *p = stun_parse(&m, data, size) == RTC_OK ? find_by_username(ep, &m) : NULL;
    if (p)
        peer_stun(p, &m, from);
    else
        ep->stats.dropped_stun++;
}

void rtc_endpoint_datagram(rtc_endpoint *ep, const uint8_t *data, size_t size, const struct rtc_addr *from,
                           int64_t now_us)
{
    endpoint_enter(ep, now_us);
    ep->stats.datagrams_in++;
    ep->stats.bytes_in += size;
    uint8_t first = size ? data[0] : 255; // RFC 7983
    bool dtls = first >= 20 && first <= 63, srtp = first >= 128 && first <= 191;
    if (first <= 3) {
        input_stun(ep, data, size, from);
    } else if (dtls || srtp) {
        rtc_peer *p = find_by_addr(ep, from);
        if (!p)
            ep->stats.dropped_no_peer++;
        else if (dtls)
            peer_dtls(p, data, size);
        else
            peer_srtp(p, data, size);
    } else {
        ep->stats.dropped_unknown++;
    }
    endpoint_leave(ep);
}

int64_t rtc_endpoint_tick(rtc_endpoint *ep, int64_t now_us)
{
    endpoint_enter(ep, now_us);
    int64_t deadline = ep->now_us + IDLE_DEADLINE_US;
    for (size_t i = 0; i < ep->peer_count; i++) {
        int64_t d = ep->peers[i]->dead ? deadline : peer_tick(ep->peers[i]);
        if (d < deadline)
            deadline = d;
    }
    endpoint_leave(ep);
    return deadline;
}

void rtc_endpoint_stats(const rtc_endpoint *ep, struct rtc_endpoint_stats *out) { *out = ep->stats; }
