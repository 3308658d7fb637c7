#include "srtp_session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>

#include "log.h"

struct srtp_session {
    srtp_t out, in;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_ready;

static void init_library(void)
{
    library_ready = srtp_init() == srtp_err_status_ok;
    if (!library_ready)
        log_error("rtc.srtp", "libsrtp2 does not start: its self-test failed");
}

const char *srtp_profile_name(enum srtp_profile profile)
{
    switch (profile) {
    case SRTP_PROFILE_AES128_CM_SHA1_80: return "AES128_CM_SHA1_80";
    case SRTP_PROFILE_AEAD_AES_128_GCM: return "AEAD_AES_128_GCM";
    case SRTP_PROFILE_AEAD_AES_256_GCM: return "AEAD_AES_256_GCM";
    default: return "";
    }
}

static bool make(srtp_t *out, enum srtp_profile profile, const uint8_t *key, srtp_ssrc_type_t direction)
{
    srtp_policy_t policy;
    memset(&policy, 0, sizeof(policy));
    switch (profile) {
    case SRTP_PROFILE_AES128_CM_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
        break;
    case SRTP_PROFILE_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
        break;
    case SRTP_PROFILE_AEAD_AES_256_GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
        break;
    default: return false;
    }
    policy.ssrc.type       = direction;
    policy.key             = (unsigned char *)key; // libsrtp copies it
    policy.window_size     = 1024;
    policy.allow_repeat_tx = 0; // retransmissions have their own stream
    return srtp_create(out, &policy) == srtp_err_status_ok;
}

int srtp_session_create(struct srtp_session **out, const struct srtp_keys *keys)
{
    *out = NULL;
    pthread_once(&library_once, init_library);
    if (!library_ready)
        return RTC_ERR_CRYPTO;
    struct srtp_session *s = calloc(1, sizeof(*s));
    if (!s)
        return RTC_ERR_NOMEM;
    if (!make(&s->out, keys->profile, keys->local, ssrc_any_outbound)
        || !make(&s->in, keys->profile, keys->remote, ssrc_any_inbound)) {
        srtp_session_destroy(&s);
        return RTC_ERR_CRYPTO;
    }
    *out = s;
    return RTC_OK;
}

void srtp_session_destroy(struct srtp_session **s)
{
    if (!*s)
        return;
    if ((*s)->out)
        srtp_dealloc((*s)->out);
    if ((*s)->in)
        srtp_dealloc((*s)->in);
    free(*s);
    *s = NULL;
}

typedef srtp_err_status_t transform_fn(srtp_t ctx, void *data, int *size);

static int apply(transform_fn *transform, srtp_t ctx, uint8_t *data, size_t *size)
{
    int n = (int)*size;
    if (transform(ctx, data, &n) != srtp_err_status_ok)
        return RTC_ERR_CRYPTO;
    *size = (size_t)n;
    return RTC_OK;
}

int srtp_session_protect(struct srtp_session *s, uint8_t *data, size_t *size)
{
    return apply(srtp_protect, s->out, data, size);
}

int srtp_session_protect_rtcp(struct srtp_session *s, uint8_t *data, size_t *size)
{
    return apply(srtp_protect_rtcp, s->out, data, size);
}

// libsrtp casts the buffer to structs of 32-bit words: callers keep theirs aligned to 4. The shortest packet is checked here
// because libsrtp reads the header before it looks at the length.
int srtp_session_unprotect(struct srtp_session *s, uint8_t *data, size_t *size)
{
    return *size < 12 ? RTC_ERR_CRYPTO : apply(srtp_unprotect, s->in, data, size);
}

int srtp_session_unprotect_rtcp(struct srtp_session *s, uint8_t *data, size_t *size)
{
    return *size < 12 ? RTC_ERR_CRYPTO : apply(srtp_unprotect_rtcp, s->in, data, size);
}
