#include "sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// How gladly a profile is taken; 0 = not at all. The encoder makes constrained baseline; decoders of the higher
// profiles decode that too.
static int profile_rank(const struct sdp_format *f)
{
    if (strcasecmp(f->codec, "H264") != 0 || f->clock != 90000 || f->packetization_mode != 1)
        return 0;
    uint32_t profile = f->has_profile ? f->profile_level >> 16 : 0x42;
    bool constrained = f->has_profile && (f->profile_level >> 8 & 0x40);
    if (profile == 0x42)
        return constrained ? 4 : 3;
    return profile == 0x4d ? 2 : profile == 0x64 ? 1 : 0;
}

static const struct sdp_format *choose_codec(const struct sdp_section *s)
{
    const struct sdp_format *best = NULL;
    for (size_t i = 0; i < s->format_count; i++)
        if (profile_rank(&s->format[i]) > (best ? profile_rank(best) : 0))
            best = &s->format[i];
    return best;
}

static const struct sdp_format *choose_rtx(const struct sdp_section *s, const struct sdp_format *codec)
{
    for (size_t i = 0; i < s->format_count; i++)
        if (strcasecmp(s->format[i].codec, "rtx") == 0 && s->format[i].apt == codec->payload_type)
            return &s->format[i];
    return NULL;
}

static void list_codecs(const struct sdp_section *s, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < s->format_count && used + 24 < capacity; i++) {
        const char *name = s->format[i].codec;
        if (name[0] && !strstr(out, name) && strcasecmp(name, "rtx") != 0)
            used += (size_t)snprintf(out + used, capacity - used, "%s%s", used ? ", " : "", name);
    }
}

static int check_credentials(const struct sdp_section *s, char error[RTC_ERROR_TEXT_SIZE])
{
    const struct sdp_credentials *c = &s->credentials;
    const char *missing = !c->ufrag[0] ? "a=ice-ufrag" : !c->pwd[0] ? "a=ice-pwd" : !c->fingerprint_size
        ? "a=fingerprint (sha-256)" : NULL;
    if (missing) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "line %d: m=%s has no %s", s->line, s->media, missing);
        return RTC_ERR_MALFORMED;
    }
    if (c->setup == SDP_PASSIVE) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "line %d: m=%s wants to be the DTLS server (a=setup:passive); offer actpass",
                 s->line, s->media);
        return RTC_ERR_UNSUPPORTED;
    }
    return RTC_OK;
}

static bool takes_video(const struct sdp_section *s)
{
    return s->kind == SDP_VIDEO && (s->port || s->bundled)
        && (s->direction == SDP_RECVONLY || s->direction == SDP_SENDRECV)
        && (strcmp(s->proto, "UDP/TLS/RTP/SAVPF") == 0 || strcmp(s->proto, "RTP/SAVPF") == 0);
}

static bool takes_data(const struct sdp_section *s)
{
    return s->kind == SDP_APPLICATION && (s->port || s->bundled) && strcmp(s->formats, "webrtc-datachannel") == 0
        && (strcmp(s->proto, "UDP/DTLS/SCTP") == 0 || strcmp(s->proto, "TCP/DTLS/SCTP") == 0);
}

static int choose_kept(const struct sdp_choice *c, const struct sdp_offer *offer)
{
    for (size_t i = 0; i < offer->section_count; i++) {
        const struct sdp_section *s = &offer->section[i];
        if (!s->bundled)
            continue;
        bool taken = (int)i == c->video || (int)i == c->data, media = s->kind == SDP_AUDIO || s->kind == SDP_VIDEO;
        bool can   = media && s->rtcp_mux && s->format_count && strcmp(s->proto, "UDP/TLS/RTP/SAVPF") == 0;
        return !taken && can ? (int)i : -1; // only the first one counts
    }
    return -1;
}

int sdp_choose(struct sdp_choice *out, const struct sdp_offer *offer, bool no_video, char error[RTC_ERROR_TEXT_SIZE])
{
    *out = (struct sdp_choice) { .video = -1, .data = -1, .kept = -1 };
    error[0] = 0;
    const struct sdp_section *refused = NULL;
    for (size_t i = 0; i < offer->section_count; i++) {
        const struct sdp_section *s = &offer->section[i];
        if (out->video < 0 && !no_video && takes_video(s)) {
            out->codec = choose_codec(s);
            if (!out->codec) {
                refused = s;
                continue;
            }
            out->video = (int)i;
            out->rtx   = choose_rtx(s, out->codec);
        } else if (out->data < 0 && takes_data(s)) {
            out->data = (int)i;
        }
    }
    if (refused && out->video < 0) {
        char codecs[160];
        list_codecs(refused, codecs, sizeof(codecs));
        snprintf(error, RTC_ERROR_TEXT_SIZE,
                 "line %d: no common video codec: we send H264 with packetization-mode=1, offered are: %s", refused->line,
                 codecs[0] ? codecs : "none with a name");
        return RTC_ERR_UNSUPPORTED;
    }
    if (out->video < 0 && out->data < 0) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "the offer has neither a video section to receive nor a data channel");
        return RTC_ERR_UNSUPPORTED;
    }
    if (offer->ice_lite) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "the offer is ICE-lite and so are we: nobody would send checks");
        return RTC_ERR_UNSUPPORTED;
    }
    const struct sdp_section *v = out->video >= 0 ? &offer->section[out->video] : NULL;
    const struct sdp_section *d = out->data >= 0 ? &offer->section[out->data] : NULL;
    if (v && d && (!v->bundled || !d->bundled)) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "line %d: video and data must share one transport (a=group:BUNDLE)", d->line);
        return RTC_ERR_UNSUPPORTED;
    }
    if (v && !v->rtcp_mux) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "line %d: m=video has no a=rtcp-mux", v->line);
        return RTC_ERR_UNSUPPORTED;
    }
    // Of a BUNDLE group the first section we take carries the transport, RFC 9143.
    const struct sdp_section *first = !d || (v && out->video < out->data) ? v : d;
    out->credentials = &first->credentials;
    out->kept = choose_kept(out, offer);
    return check_credentials(first, error);
}

struct output {
    char *text;
    size_t size, capacity;
    bool bad;
};

__attribute__((format(printf, 2, 3))) static void line(struct output *o, const char *format, ...)
{
    if (o->bad)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(o->text + o->size, o->capacity - o->size, format, args);
    va_end(args);
    if (n < 0 || (size_t)n + 3 > o->capacity - o->size) {
        o->bad = true;
        return;
    }
    o->size += (size_t)n;
    memcpy(o->text + o->size, "\r\n", 3);
    o->size += 2;
}

static void write_candidates(struct output *o, const struct sdp_answer *a)
{
    for (size_t i = 0; i < a->candidate_count; i++) {
        const struct rtc_candidate *c = &a->candidates[i];
        char text[RTC_ADDR_TEXT_SIZE];
        rtc_addr_format(&c->addr, text);
        *strrchr(text, ':') = 0;
        char *ip = text;
        if (*ip == '[') {
            ip++;
            ip[strlen(ip) - 1] = 0;
        }
        // RFC 8445 section 5.1.2.1: type preference 126 (host), local preference by rank, component 1. A lite agent's
        // candidates are all host candidates, announced ones too.
        uint32_t local    = 65535u - (uint32_t)i - (c->mapped ? 0 : 256);
        uint32_t priority = 126u << 24 | local << 8 | 255;
        line(o, "a=candidate:%zu 1 udp %u %s %u typ host", i + 1, priority, ip, c->addr.port);
    }
    line(o, "a=end-of-candidates");
}

static void write_transport(struct output *o, const struct sdp_answer *a)
{
    char digits[32 * 3] = "";
    for (size_t i = 0; i < 32; i++)
        snprintf(digits + i * 3, 4, "%02X%s", a->fingerprint[i], i < 31 ? ":" : "");
    line(o, "a=ice-ufrag:%s", a->ufrag);
    line(o, "a=ice-pwd:%s", a->pwd);
    line(o, "a=fingerprint:sha-256 %s", digits);
    line(o, "a=setup:passive");
    write_candidates(o, a);
}

static void write_feedback(struct output *o, const struct sdp_format *f)
{
    if (f->transport_cc)
        line(o, "a=rtcp-fb:%u transport-cc", f->payload_type);
    if (f->fir)
        line(o, "a=rtcp-fb:%u ccm fir", f->payload_type);
    if (f->nack)
        line(o, "a=rtcp-fb:%u nack", f->payload_type);
    if (f->pli)
        line(o, "a=rtcp-fb:%u nack pli", f->payload_type);
}

static void write_video(struct output *o, const struct sdp_answer *a, const struct sdp_section *s)
{
    const struct sdp_format *codec = a->choice->codec, *rtx = a->choice->rtx;
    const struct sdp_extensions *e = &s->extensions;
    line(o, "a=sendonly");
    line(o, "a=rtcp-mux");
    line(o, "a=rtcp-rsize");
    if (e->mid)
        line(o, "a=extmap:%u urn:ietf:params:rtp-hdrext:sdes:mid", e->mid);
    if (e->transport_cc)
        line(o, "a=extmap:%u http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", e->transport_cc);
    if (e->abs_send_time)
        line(o, "a=extmap:%u http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", e->abs_send_time);
    if (e->playout_delay && a->playout_delay)
        line(o, "a=extmap:%u http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", e->playout_delay);
    line(o, "a=rtpmap:%u H264/90000", codec->payload_type);
    write_feedback(o, codec);
    line(o, "a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=%06x", codec->payload_type,
         codec->has_profile ? codec->profile_level : 0x42e01fu);
    if (rtx) {
        line(o, "a=rtpmap:%u rtx/90000", rtx->payload_type);
        line(o, "a=fmtp:%u apt=%u", rtx->payload_type, codec->payload_type);
        line(o, "a=ssrc-group:FID %u %u", a->ssrc, a->rtx_ssrc);
    }
    line(o, "a=msid:%s video", a->cname);
    line(o, "a=ssrc:%u cname:%s", a->ssrc, a->cname);
    line(o, "a=ssrc:%u msid:%s video", a->ssrc, a->cname);
    if (rtx) {
        line(o, "a=ssrc:%u cname:%s", a->rtx_ssrc, a->cname);
        line(o, "a=ssrc:%u msid:%s video", a->rtx_ssrc, a->cname);
    }
}

static void write_kept(struct output *o, const struct sdp_section *s)
{
    line(o, "a=inactive");
    line(o, "a=rtcp-mux");
    if (s->rtpmap[0])
        line(o, "a=rtpmap:%s %s", s->formats, s->rtpmap);
}

static void write_section(struct output *o, const struct sdp_answer *a, int index)
{
    const struct sdp_section *s = &a->offer->section[index];
    bool video = index == a->choice->video, data = index == a->choice->data;
    const struct rtc_addr *first = &a->candidates[0].addr;
    char ip[RTC_ADDR_TEXT_SIZE];
    rtc_addr_format(first, ip);
    *strrchr(ip, ':') = 0;
    bool kept = index == a->choice->kept;
    if (!video && !data && !kept) {
        line(o, "m=%s 0 %s %s", s->media, s->proto, s->formats);
        line(o, "c=IN IP4 0.0.0.0");
        if (s->mid[0])
            line(o, "a=mid:%s", s->mid);
        line(o, "a=inactive");
        return;
    }
    if (video && a->choice->rtx)
        line(o, "m=video %u %s %u %u", first->port, s->proto, a->choice->codec->payload_type,
             a->choice->rtx->payload_type);
    else if (video)
        line(o, "m=video %u %s %u", first->port, s->proto, a->choice->codec->payload_type);
    else if (kept)
        line(o, "m=%s %u %s %s", s->media, first->port, s->proto, s->formats);
    else
        line(o, "m=application %u %s webrtc-datachannel", first->port, s->proto);
    if (first->family == 4) {
        line(o, "c=IN IP4 %s", ip);
    } else {
        ip[strlen(ip) - 1] = 0;
        line(o, "c=IN IP6 %s", ip + 1);
    }
    if (s->mid[0])
        line(o, "a=mid:%s", s->mid);
    write_transport(o, a);
    if (video) {
        write_video(o, a, s);
    } else if (kept) {
        write_kept(o, s);
    } else {
        line(o, "a=sctp-port:5000");
        line(o, "a=max-message-size:%d", RTC_MAX_MESSAGE);
    }
}

size_t sdp_write_answer(const struct sdp_answer *a, char *text, size_t capacity)
{
    struct output o = { text, 0, capacity, capacity < 3 };
    line(&o, "v=0");
    line(&o, "o=- %llu 1 IN IP4 127.0.0.1", (unsigned long long)(a->session_id >> 1)); // fits 63 bits, RFC 9429
    line(&o, "s=-");
    line(&o, "t=0 0");
    line(&o, "a=ice-lite");
    char group[3 * (SDP_MAX_MID + 1) + 1] = "";
    for (size_t i = 0, used = 0; i < a->offer->section_count; i++)
        if (((int)i == a->choice->video || (int)i == a->choice->data || (int)i == a->choice->kept)
            && a->offer->section[i].bundled)
            used += (size_t)snprintf(group + used, sizeof(group) - used, " %s", a->offer->section[i].mid);
    if (group[0])
        line(&o, "a=group:BUNDLE%s", group);
    line(&o, "a=msid-semantic: WMS %s", a->cname);
    for (size_t i = 0; i < a->offer->section_count; i++)
        write_section(&o, a, (int)i);
    return o.bad ? 0 : o.size;
}
