#include "ice_config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "result.h"

#define CALL "ovstream_webrtc_set_ice_servers"

enum url_kind { KIND_NONE, KIND_STUN, KIND_TURN };

static enum url_kind kind_of(const char *url, size_t size)
{
    static const struct {
        const char *scheme;
        enum url_kind kind;
    } schemes[] = { { "stun:", KIND_STUN }, { "stuns:", KIND_STUN }, { "turn:", KIND_TURN }, { "turns:", KIND_TURN } };
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t n = strlen(schemes[i].scheme);
        if (size > n && !strncasecmp(url, schemes[i].scheme, n))
            return schemes[i].kind;
    }
    return KIND_NONE;
}

static bool string_ok(ovstream_string_t s) { return s.ptr || !s.length; }

// Add one URL to the entry; the kinds seen so far are kept in *kinds.
static ovstream_result_t add_url(struct ice_entry *e, const char *url, size_t size, unsigned *kinds, uint32_t index)
{
    while (size && isspace((unsigned char)url[0]))
        url++, size--;
    while (size && isspace((unsigned char)url[size - 1]))
        size--;
    enum url_kind kind = kind_of(url, size);
    int shown          = size > 60 ? 60 : (int)size;
    if (kind == KIND_NONE)
        return fail_argument(CALL ": entry %u: not a stun, stuns, turn or turns URL (\"%.*s\")", index, shown, url);
    size_t limit = kind == KIND_STUN ? ICE_MAX_STUN_TEXT : ICE_MAX_TURN_TEXT;
    if (size > limit)
        return fail_argument(CALL ": entry %u: URL too long (%zu bytes, at most %zu)", index, size, limit);
    if (memchr(url, '\0', size))
        return fail_argument(CALL ": entry %u: URL holds a zero byte", index);
    if (e->url_count == ICE_MAX_URLS)
        return fail_argument(CALL ": entry %u: more than %d URLs", index, ICE_MAX_URLS);
    memcpy(e->urls[e->url_count], url, size);
    e->urls[e->url_count++][size] = '\0';
    *kinds |= 1u << kind;
    return result_ok();
}

static ovstream_result_t copy_credential(char *out, ovstream_string_t text, size_t limit, const char *what,
                                         uint32_t index)
{
    if (text.length > limit)
        return fail_argument(CALL ": entry %u: %s too long (%zu bytes, at most %zu)", index, what, text.length, limit);
    if (text.length)
        memcpy(out, text.ptr, text.length);
    out[text.length] = '\0';
    return result_ok();
}

static ovstream_result_t parse_entry(struct ice_entry *e, const ovstream_webrtc_ice_server_t *in, uint32_t index,
                                     unsigned *kinds)
{
    if (!string_ok(in->urls) || !string_ok(in->username) || !string_ok(in->credential))
        return fail_argument(CALL ": entry %u: null string with a length", index);
    if (!in->urls.length)
        return fail_argument(CALL ": entry %u: no URL", index);
    const char *at = in->urls.ptr, *end = at + in->urls.length;
    while (at <= end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop  = comma ? comma : end;
        ovstream_result_t r = add_url(e, at, (size_t)(stop - at), kinds, index);
        if (!OVSTREAM_OK(r))
            return r;
        at = stop + 1;
    }
    size_t limit        = *kinds & 1u << KIND_TURN ? ICE_MAX_TURN_TEXT : ICE_MAX_STUN_TEXT;
    ovstream_result_t r = copy_credential(e->username, in->username, limit, "user name", index);
    return OVSTREAM_OK(r) ? copy_credential(e->credential, in->credential, limit, "credential", index) : r;
}

ovstream_result_t ice_list_set(struct ice_list *out, const ovstream_webrtc_ice_config_t *config)
{
    if (!config || !config->server_count) {
        memset(out, 0, sizeof(*out));
        return result_ok();
    }
    if (!config->servers)
        return fail_argument(CALL ": null array with %u entries", config->server_count);
    struct ice_list *list = calloc(1, sizeof(*list));
    if (!list)
        return fail_error(CALL ": out of memory");
    int stun = 0, turn = 0;
    ovstream_result_t r = result_ok();
    for (uint32_t i = 0; i < config->server_count && OVSTREAM_OK(r); i++) {
        unsigned kinds = 0;
        if (list->count == ICE_MAX_STUN + ICE_MAX_TURN) {
            r = fail_argument(CALL ": too many entries (%u)", config->server_count);
            break;
        }
        r = parse_entry(&list->entries[list->count++], &config->servers[i], i, &kinds);
        stun += kinds >> KIND_STUN & 1;
        turn += kinds >> KIND_TURN & 1;
        if (OVSTREAM_OK(r) && stun > ICE_MAX_STUN)
            r = fail_argument(CALL ": more than %d STUN entries", ICE_MAX_STUN);
        else if (OVSTREAM_OK(r) && turn > ICE_MAX_TURN)
            r = fail_argument(CALL ": more than %d TURN entries", ICE_MAX_TURN);
    }
    if (OVSTREAM_OK(r))
        *out = *list;
    free(list);
    return r;
}
