#include "dtls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "log.h"

#define CHANNEL "rtc.dtls"
#define FIRST_TIMEOUT_US 100000 // a browser on a LAN answers in milliseconds; RFC 6347's 1 s is felt by the user
#define MAX_TIMEOUT_US 2000000

static struct {
    pthread_once_t once;
    bool ready;
    SSL_CTX *server, *client;
    BIO_METHOD *bio;
    uint8_t fingerprint[DTLS_FINGERPRINT_SIZE];
} identity = { .once = PTHREAD_ONCE_INIT };

struct dtls_session {
    SSL *ssl;
    const struct dtls_events *events;
    void *user;
    enum dtls_state state;
    char hash[16];
    uint8_t fingerprint[64];
    size_t fingerprint_size;
    const uint8_t *in; // the datagram being read, NULL once taken
    size_t in_size;
    char error[160];
};

// ---- a BIO that keeps datagrams apart: one read takes the datagram at hand, one write is one datagram

static int bio_write(BIO *b, const char *data, int size)
{
    struct dtls_session *s = BIO_get_data(b);
    if (size > 0)
        s->events->send(s->user, (const uint8_t *)data, (size_t)size);
    return size;
}

static int bio_read(BIO *b, char *out, int capacity)
{
    struct dtls_session *s = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (!s->in) {
        BIO_set_retry_read(b);
        return -1;
    }
    int n = (size_t)capacity < s->in_size ? capacity : (int)s->in_size;
    memcpy(out, s->in, (size_t)n);
    s->in = NULL;
    return n;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU: return RTC_MTU;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: return 0; // RTC_MTU counts UDP payload
    default: return 0;
    }
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

// ---- identity, never freed: other threads may still be in a handshake when the process ends

static int accept_any(int ok, X509_STORE_CTX *store) { return 1; } // checked against the SDP's fingerprint instead

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    uint64_t serial = 0;
    if (!cert)
        return NULL;
    X509_NAME *name = X509_get_subject_name(cert);
    bool ok = RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 && X509_set_version(cert, 2)
        && ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1)
        && X509_gmtime_adj(X509_getm_notBefore(cert), -86400) // clocks differ
        && X509_gmtime_adj(X509_getm_notAfter(cert), 30 * 86400)
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"stagecast", -1, -1, 0)
        && X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256());
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static SSL_CTX *make_context(const SSL_METHOD *method, X509 *cert, EVP_PKEY *key)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU
                                 | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_read_ahead(ctx, 1); // a datagram is read whole
    bool ok = SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION)
        && SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL")
        && SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384")
        && SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80") == 0
        && SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    if (!ok) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static BIO_METHOD *make_bio(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rtc datagram");
    if (m && (!BIO_meth_set_write(m, bio_write) || !BIO_meth_set_read(m, bio_read) || !BIO_meth_set_ctrl(m, bio_ctrl)
              || !BIO_meth_set_create(m, bio_create))) {
        BIO_meth_free(m);
        return NULL;
    }
    return m;
}

static void make_identity(void)
{
    unsigned size  = 0;
    EVP_PKEY *key  = EVP_EC_gen("P-256");
    X509 *cert     = key ? make_certificate(key) : NULL;
    identity.bio   = make_bio();
    if (cert && identity.bio) {
        identity.server = make_context(DTLS_server_method(), cert, key);
        identity.client = make_context(DTLS_client_method(), cert, key);
    }
    identity.ready = identity.server && identity.client && X509_digest(cert, EVP_sha256(), identity.fingerprint, &size)
        && size == DTLS_FINGERPRINT_SIZE;
    if (!identity.ready)
        log_error(CHANNEL, "cannot make the DTLS certificate: %s", ERR_reason_error_string(ERR_peek_last_error()));
    X509_free(cert); // the contexts hold their own references
    EVP_PKEY_free(key);
}

const uint8_t *dtls_fingerprint(void)
{
    pthread_once(&identity.once, make_identity);
    return identity.ready ? identity.fingerprint : NULL;
}

// ---- session

static unsigned next_timeout(SSL *ssl, unsigned previous_us)
{
    unsigned next = previous_us ? previous_us * 2 : FIRST_TIMEOUT_US;
    return next > MAX_TIMEOUT_US ? MAX_TIMEOUT_US : next;
}

int dtls_create(struct dtls_session **out, const struct dtls_params *params)
{
    *out = NULL;
    if (!dtls_fingerprint())
        return RTC_ERR_CRYPTO;
    struct dtls_session *s = calloc(1, sizeof(*s));
    if (!s)
        return RTC_ERR_NOMEM;
    s->events = params->events;
    s->user   = params->user;
    if (params->fingerprint_size > sizeof(s->fingerprint)) {
        free(s);
        return RTC_ERR_INVALID;
    }
    snprintf(s->hash, sizeof(s->hash), "%s", params->hash);
    memcpy(s->fingerprint, params->fingerprint, params->fingerprint_size);
    s->fingerprint_size = params->fingerprint_size;

    s->ssl   = SSL_new(params->client ? identity.client : identity.server);
    BIO *bio = s->ssl ? BIO_new(identity.bio) : NULL;
    if (!bio) {
        dtls_destroy(&s);
        return RTC_ERR_NOMEM;
    }
    BIO_set_data(bio, s);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_mtu(s->ssl, RTC_MTU);
    DTLS_set_timer_cb(s->ssl, next_timeout);
    if (params->client)
        SSL_set_connect_state(s->ssl);
    else
        SSL_set_accept_state(s->ssl);
    *out = s;
    return RTC_OK;
}

void dtls_destroy(struct dtls_session **s)
{
    if (!*s)
        return;
    SSL_free((*s)->ssl);
    free(*s);
    *s = NULL;
}

__attribute__((format(printf, 2, 3))) static void fail(struct dtls_session *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->error, sizeof(s->error), format, args);
    va_end(args);
    s->state = DTLS_FAILED;
}

static bool fingerprint_matches(struct dtls_session *s)
{
    const EVP_MD *md = strcmp(s->hash, "sha-256") == 0 ? EVP_sha256() : strcmp(s->hash, "sha-384") == 0 ? EVP_sha384()
        : strcmp(s->hash, "sha-512") == 0 ? EVP_sha512() : strcmp(s->hash, "sha-1") == 0 ? EVP_sha1() : NULL;
    X509 *cert = SSL_get1_peer_certificate(s->ssl);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    bool ok = md && cert && X509_digest(cert, md, digest, &size) && size == s->fingerprint_size
        && CRYPTO_memcmp(digest, s->fingerprint, size) == 0;
    X509_free(cert);
    return ok;
}

static bool handle_error(struct dtls_session *s, int rc)
{
    int error = SSL_get_error(s->ssl, rc);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return true;
    if (error == SSL_ERROR_ZERO_RETURN) {
        s->state = DTLS_CLOSED;
        return true;
    }
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    fail(s, "DTLS: %s", reason ? reason : "the other side gave up");
    return false;
}

static bool handshake(struct dtls_session *s)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(s->ssl);
    if (rc != 1)
        return handle_error(s, rc);
    if (!fingerprint_matches(s)) {
        fail(s, "DTLS: the peer's certificate is not the one of its description (a=fingerprint)");
        SSL_shutdown(s->ssl);
        return false;
    }
    s->state = DTLS_OPEN;
    return true;
}

static bool read_records(struct dtls_session *s)
{
    uint8_t data[4096];
    while (s->state == DTLS_OPEN) {
        ERR_clear_error();
        int n = SSL_read(s->ssl, data, sizeof(data));
        if (n <= 0)
            return handle_error(s, n);
        s->events->data(s->user, data, (size_t)n);
    }
    return true;
}

void dtls_start(struct dtls_session *s)
{
    if (s->state == DTLS_HANDSHAKE)
        handshake(s);
}

bool dtls_input(struct dtls_session *s, const uint8_t *data, size_t size)
{
    if (s->state == DTLS_CLOSED || s->state == DTLS_FAILED || size < 13)
        return false;
    s->in      = data;
    s->in_size = size;
    bool ok = s->state == DTLS_OPEN || handshake(s);
    ok = ok && read_records(s);
    s->in = NULL;
    return ok;
}

int dtls_send(struct dtls_session *s, const uint8_t *data, size_t size)
{
    if (s->state != DTLS_OPEN || size > RTC_MAX_DATAGRAM)
        return RTC_ERR_STATE;
    ERR_clear_error();
    return SSL_write(s->ssl, data, (int)size) == (int)size ? RTC_OK : RTC_ERR_CRYPTO;
}

void dtls_close(struct dtls_session *s)
{
    if (s->state == DTLS_OPEN) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
    }
    if (s->state != DTLS_FAILED)
        s->state = DTLS_CLOSED;
}

int64_t dtls_timeout_us(struct dtls_session *s)
{
    struct timeval left;
    if (s->state != DTLS_HANDSHAKE || !DTLSv1_get_timeout(s->ssl, &left))
        return -1;
    return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

void dtls_tick(struct dtls_session *s)
{
    if (s->state != DTLS_HANDSHAKE)
        return;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(s->ssl) < 0)
        fail(s, "DTLS: the other side stopped answering during the handshake");
}

enum dtls_state dtls_state(const struct dtls_session *s) { return s->state; }
const char *dtls_error(const struct dtls_session *s) { return s->error; }

int dtls_export_keys(struct dtls_session *s, struct srtp_keys *out)
{
    *out = (struct srtp_keys) { 0 };
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(s->ssl);
    if (!profile)
        return RTC_ERR_UNSUPPORTED;
    switch (profile->id) {
    case SRTP_AEAD_AES_128_GCM:
        *out = (struct srtp_keys) { SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12, { 0 }, { 0 } };
        break;
    case SRTP_AEAD_AES_256_GCM:
        *out = (struct srtp_keys) { SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12, { 0 }, { 0 } };
        break;
    case SRTP_AES128_CM_SHA1_80:
        *out = (struct srtp_keys) { SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14, { 0 }, { 0 } };
        break;
    default: return RTC_ERR_UNSUPPORTED;
    }
    // client key, server key, client salt, server salt
    uint8_t material[2 * (DTLS_MAX_KEY + DTLS_MAX_SALT)];
    size_t k = out->key_size, t = out->salt_size;
    static const char label[] = "EXTRACTOR-dtls_srtp";
    if (SSL_export_keying_material(s->ssl, material, 2 * (k + t), label, sizeof(label) - 1, NULL, 0, 0) != 1)
        return RTC_ERR_CRYPTO;
    uint8_t *client = SSL_is_server(s->ssl) ? out->remote : out->local;
    uint8_t *server = SSL_is_server(s->ssl) ? out->local : out->remote;
    memcpy(client, material, k);
    memcpy(server, material + k, k);
    memcpy(client + k, material + 2 * k, t);
    memcpy(server + k, material + 2 * k + t, t);
    OPENSSL_cleanse(material, sizeof(material));
    return RTC_OK;
}
