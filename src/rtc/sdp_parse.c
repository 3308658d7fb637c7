#include "sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// A piece of the offer's text, borrowed.
struct text {
    const char *p;
    size_t size;
};

struct parser {
    struct sdp_offer *out;
    int line;
    struct sdp_credentials session; // defaults for every section
    struct sdp_extensions session_extensions;
    bool session_rtcp_mux;
    char bundle[SDP_MAX_SECTIONS][SDP_MAX_MID + 1];
    size_t bundle_count;
    char *error;
    int result;
};

__attribute__((format(printf, 2, 3))) static void fail(struct parser *p, const char *format, ...)
{
    if (p->result)
        return;
    p->result = RTC_ERR_MALFORMED;
    int n = snprintf(p->error, RTC_ERROR_TEXT_SIZE, "line %d: ", p->line);
    va_list args;
    va_start(args, format);
    vsnprintf(p->error + n, RTC_ERROR_TEXT_SIZE - (size_t)n, format, args);
    va_end(args);
    // The text goes into logs and pages: nothing but printable ASCII of the offer may pass.
    for (char *c = p->error; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

static int shown(struct text t) { return t.size < 40 ? (int)t.size : 40; } // for "%.*s"

static bool equals(struct text t, const char *word) { return t.size == strlen(word) && memcmp(t.p, word, t.size) == 0; }

static bool equals_nocase(struct text t, const char *word)
{
    return t.size == strlen(word) && strncasecmp(t.p, word, t.size) == 0;
}

// The part up to `end` (or all), which is taken off *t together with the separator.
static struct text take(struct text *t, char end)
{
    const char *at = memchr(t->p, end, t->size);
    struct text part = { t->p, at ? (size_t)(at - t->p) : t->size };
    size_t used = part.size + (at ? 1 : 0);
    t->p += used;
    t->size -= used;
    return part;
}

static struct text trim(struct text t)
{
    while (t.size && (*t.p == ' ' || *t.p == '\t'))
        t.p++, t.size--;
    while (t.size && (t.p[t.size - 1] == ' ' || t.p[t.size - 1] == '\t'))
        t.size--;
    return t;
}

static bool number(struct text t, uint32_t max, uint32_t *out)
{
    uint64_t v = 0;
    if (t.size == 0 || t.size > 10)
        return false;
    for (size_t i = 0; i < t.size; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(t.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= max;
}

// Copies a token of visible characters; false when it is empty, too long or holds anything else.
static bool token(char *out, size_t capacity, struct text t)
{
    if (t.size == 0 || t.size >= capacity)
        return false;
    for (size_t i = 0; i < t.size; i++)
        if (t.p[i] <= 0x20 || t.p[i] > 0x7e)
            return false;
    memcpy(out, t.p, t.size);
    out[t.size] = 0;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct sdp_section *current(struct parser *p)
{
    return p->out->section_count ? &p->out->section[p->out->section_count - 1] : NULL;
}

static struct sdp_credentials *credentials(struct parser *p)
{
    struct sdp_section *s = current(p);
    return s ? &s->credentials : &p->session;
}

// "sha-256 AB:CD:...", RFC 8122.
static void parse_fingerprint(struct parser *p, struct text value)
{
    static const struct {
        const char *name;
        size_t size;
    } known[] = { { "sha-256", 32 }, { "sha-384", 48 }, { "sha-512", 64 }, { "sha-1", 20 } };
    struct sdp_credentials *c = credentials(p);
    struct text hash = take(&value, ' '), digits = trim(value);
    size_t want = 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (equals_nocase(hash, known[i].name)) {
            if (c->hash[0] && strcmp(c->hash, "sha-256") == 0)
                return; // several may be given: the first SHA-256 is enough
            want = known[i].size;
            snprintf(c->hash, sizeof(c->hash), "%s", known[i].name);
        }
    if (!want)
        return; // a hash we do not know, there may be another
    if (digits.size != want * 3 - 1) {
        fail(p, "a=fingerprint: %.*s takes %zu bytes as AB:CD:..., the text has %zu characters", shown(hash), hash.p,
             want, digits.size);
        return;
    }
    for (size_t i = 0; i < want; i++) {
        int high = hex_digit(digits.p[i * 3]), low = hex_digit(digits.p[i * 3 + 1]);
        if (high < 0 || low < 0 || (i + 1 < want && digits.p[i * 3 + 2] != ':')) {
            fail(p, "a=fingerprint: byte %zu is not hexadecimal", i + 1);
            return;
        }
        c->fingerprint[i] = (uint8_t)(high << 4 | low);
    }
    c->fingerprint_size = want;
}

static void parse_setup(struct parser *p, struct text value)
{
    enum sdp_setup *setup = &credentials(p)->setup;
    if (equals(value, "actpass"))
        *setup = SDP_ACTPASS;
    else if (equals(value, "active"))
        *setup = SDP_ACTIVE;
    else if (equals(value, "passive"))
        *setup = SDP_PASSIVE;
    else
        fail(p, "a=setup:%.*s is none of actpass, active, passive", shown(value), value.p);
}

static void parse_group(struct parser *p, struct text value)
{
    if (!equals(take(&value, ' '), "BUNDLE") || p->bundle_count)
        return;
    while (value.size) {
        struct text mid = take(&value, ' ');
        if (!mid.size)
            continue;
        if (p->bundle_count == SDP_MAX_SECTIONS || !token(p->bundle[p->bundle_count], SDP_MAX_MID + 1, mid)) {
            fail(p, "a=group:BUNDLE: more than %d sections, or a mid longer than %d", SDP_MAX_SECTIONS, SDP_MAX_MID);
            return;
        }
        p->bundle_count++;
    }
}

// "3/sendrecv urn:ietf:..." (the direction is optional).
static void parse_extmap(struct parser *p, struct text value)
{
    static const struct {
        const char *uri;
        size_t offset;
    } known[] = {
        { "urn:ietf:params:rtp-hdrext:sdes:mid", offsetof(struct sdp_extensions, mid) },
        { "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
          offsetof(struct sdp_extensions, transport_cc) },
        { "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", offsetof(struct sdp_extensions, abs_send_time) },
        { "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", offsetof(struct sdp_extensions, playout_delay) },
    };
    struct sdp_section *s     = current(p);
    struct sdp_extensions *to = s ? &s->extensions : &p->session_extensions;
    struct text head = take(&value, ' '), uri = take(&value, ' ');
    struct text id_text = take(&head, '/');
    uint32_t id;
    if (!number(id_text, 255, &id) || id == 0) {
        fail(p, "a=extmap: id '%.*s' is not a number from 1 to 255", shown(id_text), id_text.p);
        return;
    }
    if (id > 14) // 15 is reserved in the one-byte form, more need the two-byte form
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (equals(uri, known[i].uri))
            *((uint8_t *)to + known[i].offset) = (uint8_t)id;
}

// The format a payload-specific attribute talks about; *value loses the payload type. NULL: not in this section.
static struct sdp_format *find_format(struct parser *p, struct text *value, const char *attribute)
{
    struct sdp_section *s = current(p);
    struct text pt_text   = take(value, ' ');
    uint32_t pt;
    if (!s)
        return NULL;
    if (!number(pt_text, 127, &pt)) {
        if (s->kind == SDP_VIDEO && !equals(pt_text, "*"))
            fail(p, "a=%s: payload type '%.*s' is not a number up to 127", attribute, shown(pt_text), pt_text.p);
        return NULL;
    }
    for (size_t i = 0; i < s->format_count; i++)
        if (s->format[i].payload_type == pt)
            return &s->format[i];
    return NULL;
}

static void parse_rtpmap(struct parser *p, struct text value)
{
    struct sdp_format *f = find_format(p, &value, "rtpmap");
    if (!f)
        return;
    struct sdp_section *s = current(p);
    if (f == s->format && !token(s->rtpmap, sizeof(s->rtpmap), trim(value)))
        s->rtpmap[0] = 0; // longer than any we know
    struct text codec = take(&value, '/'), clock = take(&value, '/');
    if (!token(f->codec, sizeof(f->codec), codec))
        f->codec[0] = 0; // a name longer than any we know
    if (!number(clock, 1000000, &f->clock))
        fail(p, "a=rtpmap: clock rate '%.*s' is not a number", shown(clock), clock.p);
}

static void parse_fmtp(struct parser *p, struct text value)
{
    struct sdp_format *f = find_format(p, &value, "fmtp");
    while (f && value.size) {
        struct text parameter = trim(take(&value, ';'));
        struct text name = trim(take(&parameter, '=')), v = trim(parameter);
        uint32_t n;
        if (equals_nocase(name, "apt") && number(v, 127, &n))
            f->apt = (int)n;
        else if (equals_nocase(name, "packetization-mode") && number(v, 2, &n))
            f->packetization_mode = (int)n;
        else if (equals_nocase(name, "profile-level-id") && v.size == 6) {
            f->profile_level = 0;
            f->has_profile   = true;
            for (size_t i = 0; i < 6; i++) {
                int digit = hex_digit(v.p[i]);
                if (digit < 0) {
                    fail(p, "a=fmtp: profile-level-id is not six hexadecimal digits");
                    return;
                }
                f->profile_level = f->profile_level << 4 | (uint32_t)digit;
            }
        }
    }
}

static void apply_feedback(struct sdp_format *f, struct text value)
{
    f->nack |= equals(value, "nack");
    f->pli |= equals(value, "nack pli");
    f->fir |= equals(value, "ccm fir");
    f->transport_cc |= equals(value, "transport-cc");
}

static void parse_rtcp_fb(struct parser *p, struct text value)
{
    struct sdp_section *s = current(p);
    if (s && value.size > 2 && value.p[0] == '*' && value.p[1] == ' ') {
        for (size_t i = 0; i < s->format_count; i++)
            apply_feedback(&s->format[i], (struct text) { value.p + 2, value.size - 2 });
        return;
    }
    struct sdp_format *f = find_format(p, &value, "rtcp-fb");
    if (f)
        apply_feedback(f, trim(value));
}

static void parse_mid(struct parser *p, struct text value)
{
    struct sdp_section *s = current(p);
    if (!s || !token(s->mid, sizeof(s->mid), value)) {
        fail(p, "a=mid: outside a media section, empty or longer than %d characters", SDP_MAX_MID);
        return;
    }
    for (struct sdp_section *other = p->out->section; other < s; other++)
        if (strcmp(other->mid, s->mid) == 0)
            fail(p, "a=mid:%s is used twice", s->mid);
}

static void parse_credential(struct parser *p, struct text value, char *out, size_t min, const char *what)
{
    if (value.size < min || !token(out, SDP_MAX_CREDENTIAL + 1, value))
        fail(p, "a=%s must have %zu to %d characters, it has %zu", what, min, SDP_MAX_CREDENTIAL, value.size);
}

static bool parse_direction(struct parser *p, struct text name)
{
    static const char *const words[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
    struct sdp_section *s = current(p);
    for (int i = 0; i < 4; i++)
        if (equals(name, words[i])) {
            if (s)
                s->direction = (enum sdp_direction)i;
            return true;
        }
    return false;
}

static void parse_attribute(struct parser *p, struct text value)
{
    struct sdp_section *s = current(p);
    struct text name = take(&value, ':');
    uint32_t n;
    value = trim(value);
    if (equals(name, "ice-ufrag"))
        parse_credential(p, value, credentials(p)->ufrag, 4, "ice-ufrag");
    else if (equals(name, "ice-pwd"))
        parse_credential(p, value, credentials(p)->pwd, 22, "ice-pwd");
    else if (equals(name, "fingerprint"))
        parse_fingerprint(p, value);
    else if (equals(name, "setup"))
        parse_setup(p, value);
    else if (equals(name, "group") && !s)
        parse_group(p, value);
    else if (equals(name, "ice-lite"))
        p->out->ice_lite = true;
    else if (equals(name, "mid"))
        parse_mid(p, value);
    else if (equals(name, "extmap"))
        parse_extmap(p, value);
    else if (equals(name, "rtcp-mux") && s)
        s->rtcp_mux = true;
    else if (equals(name, "rtcp-mux"))
        p->session_rtcp_mux = true;
    else if (equals(name, "rtpmap"))
        parse_rtpmap(p, value);
    else if (equals(name, "fmtp"))
        parse_fmtp(p, value);
    else if (equals(name, "rtcp-fb"))
        parse_rtcp_fb(p, value);
    else if (equals(name, "sctp-port") && s) {
        if (!number(value, 65535, &n))
            fail(p, "a=sctp-port:%.*s is not a port", shown(value), value.p);
        else
            s->sctp_port = (uint16_t)n;
    } else if (equals(name, "max-message-size") && s) {
        if (!number(value, UINT32_MAX, &n))
            fail(p, "a=max-message-size:%.*s is not a number", shown(value), value.p);
        else
            s->max_message_size = n ? n : UINT32_MAX; // 0 = any size, RFC 8841 section 6.1
    } else
        parse_direction(p, name);
}

// "video 9 UDP/TLS/RTP/SAVPF 96 97"
static void parse_media(struct parser *p, struct text value)
{
    if (p->out->section_count == SDP_MAX_SECTIONS) {
        fail(p, "more than %d media sections", SDP_MAX_SECTIONS);
        return;
    }
    struct sdp_section *s = &p->out->section[p->out->section_count++];
    *s = (struct sdp_section) {
        .line = p->line, .credentials = p->session, .extensions = p->session_extensions,
        .rtcp_mux = p->session_rtcp_mux, .max_message_size = 65536,
    };
    struct text media = take(&value, ' '), port = take(&value, ' '), proto = take(&value, ' ');
    port = take(&port, '/');
    uint32_t n = 0;
    if (!token(s->media, sizeof(s->media), media) || !number(port, 65535, &n)
        || !token(s->proto, sizeof(s->proto), proto) || !trim(value).size) {
        fail(p, "m= needs a medium, a port, a protocol and formats");
        return;
    }
    s->port = (uint16_t)n;
    s->kind = equals(media, "video") ? SDP_VIDEO : equals(media, "audio") ? SDP_AUDIO
        : equals(media, "application") ? SDP_APPLICATION : SDP_OTHER;
    struct text first = value;
    first = take(&first, ' ');
    if (!token(s->formats, sizeof(s->formats), first)) // a rejected section needs one format only
        fail(p, "m=: format '%.*s' is too long or not text", shown(first), first.p);
    while (value.size && (s->kind == SDP_VIDEO || s->kind == SDP_AUDIO)) {
        struct text pt = take(&value, ' ');
        if (!pt.size)
            continue;
        if (!number(pt, 127, &n)) {
            fail(p, "m=%s: payload type '%.*s' is not a number up to 127", s->media, shown(pt), pt.p);
            return;
        }
        if (s->format_count < SDP_MAX_FORMATS) // more than 64 are preferred less than those before
            s->format[s->format_count++] = (struct sdp_format) { .payload_type = (uint8_t)n, .apt = -1 };
    }
}

static void parse_line(struct parser *p, struct text line)
{
    if (line.size && line.p[line.size - 1] == '\r')
        line.size--;
    if (line.size == 0)
        return;
    if (line.size > SDP_MAX_LINE) {
        fail(p, "longer than %d bytes", SDP_MAX_LINE);
        return;
    }
    if (line.size < 2 || line.p[1] != '=' || line.p[0] < 'a' || line.p[0] > 'z') {
        fail(p, "'%.*s' is not of the form x=value", shown(line), line.p);
        return;
    }
    struct text value = { line.p + 2, line.size - 2 };
    if (p->line == 1 && (line.p[0] != 'v' || !equals(value, "0")))
        fail(p, "an SDP description starts with v=0, not with '%.*s'", shown(line), line.p);
    else if (line.p[0] == 'm')
        parse_media(p, value);
    else if (line.p[0] == 'a')
        parse_attribute(p, value);
}

int sdp_parse(struct sdp_offer *out, const char *text, size_t size, char error[RTC_ERROR_TEXT_SIZE])
{
    out->ice_lite      = false;
    out->section_count = 0;
    error[0]           = 0;
    struct parser p = { .out = out, .error = error };
    if (size > RTC_MAX_SDP) {
        snprintf(error, RTC_ERROR_TEXT_SIZE, "the offer has %zu bytes, at most %d are read", size, RTC_MAX_SDP);
        return RTC_ERR_MALFORMED;
    }
    struct text rest = { text, size };
    while (rest.size && !p.result) {
        p.line++;
        parse_line(&p, take(&rest, '\n'));
    }
    if (!p.result && !out->section_count)
        fail(&p, "the offer has no media section (no m= line)");
    for (size_t i = 0; i < out->section_count; i++)
        for (size_t k = 0; k < p.bundle_count; k++)
            if (out->section[i].mid[0] && strcmp(out->section[i].mid, p.bundle[k]) == 0)
                out->section[i].bundled = true;
    return p.result;
}
