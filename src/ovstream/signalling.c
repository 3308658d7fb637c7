#include "signalling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>
#include <libsoup/soup.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "address.h"
#include "log.h"
#include "origin.h"
#include "thread.h"
#include "webrtc.h"

#define CHANNEL "webrtc.signal"
#define MAX_BODY RTC_MAX_SDP
#define MAX_SOCKETS 64     // WebSockets at a time
#define KEEPALIVE_SECONDS 20 // below the idle limit of common proxies
#define JSON_LIMITS (JSON_REJECT_DUPLICATES)

struct signaller {
    struct webrtc *webrtc;
    struct rtc_addr bind;
    char allowed_origins[ORIGIN_LIST_SIZE];
    pthread_t thread;
    GMainContext *context;
    GMainLoop *loop;
    SoupServer *soup;
    struct socket *sockets; // signalling thread only
    unsigned socket_count;
    bool stopping;

    pthread_mutex_t lock;
    pthread_cond_t ready;
    bool started, ok;
    uint16_t port;
    char error[SIGNAL_ERROR_SIZE];
};

// One WebSocket, with the session that it negotiated last.
struct socket {
    struct socket *next;
    struct signaller *signaller;
    SoupWebsocketConnection *connection;
    char token[SESSION_TOKEN_SIZE], user_agent[256];
};

// ------------------------------------------------------------------------------------------------- HTTP

static const char *request_header(SoupServerMessage *msg, const char *name)
{
    return soup_message_headers_get_one(soup_server_message_get_request_headers(msg), name);
}

static void reply_text(SoupServerMessage *msg, unsigned status, const char *text)
{
    soup_server_message_set_status(msg, status, NULL);
    soup_server_message_set_response(msg, "text/plain; charset=utf-8", SOUP_MEMORY_COPY, text, strlen(text));
}

static void add_cors_headers(SoupServerMessage *msg)
{
    SoupMessageHeaders *h = soup_server_message_get_response_headers(msg);
    const char *origin    = request_header(msg, "Origin");
    soup_message_headers_replace(h, "Vary", "Origin");
    soup_message_headers_replace(h, "Cache-Control", "no-store");
    if (!origin)
        return;
    soup_message_headers_replace(h, "Access-Control-Allow-Origin", origin);
    soup_message_headers_replace(h, "Access-Control-Expose-Headers", "Location, Link");
}

// libsoup 3.2 does not notice when the other end of an idle connection goes: each would stay open for ever.
static void close_after_reply(SoupServerMessage *msg)
{
    soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Connection", "close");
}

// The rest of a refused request is read and thrown away.
static void refuse(SoupServerMessage *msg, unsigned status, const char *text)
{
    close_after_reply(msg);
    soup_message_body_set_accumulate(soup_server_message_get_request_body(msg), FALSE);
    reply_text(msg, status, text);
}

// Before the body is read: who may ask, and how much may be sent.
static void check_request(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    const struct signaller *s = user;
    const char *origin = request_header(msg, "Origin"), *host = request_header(msg, "Host");
    SoupMessageHeaders *in = soup_server_message_get_request_headers(msg);
    if (!request_header(msg, "Upgrade"))
        close_after_reply(msg);
    if (!origin_allowed(s->allowed_origins, origin, host, address_is_loopback(&s->bind))) {
        log_warn(CHANNEL, "refused a request from the page %.100s to host %.100s", origin ? origin : "(none)",
                 host ? host : "(none)");
        refuse(msg, SOUP_STATUS_FORBIDDEN, "This page may not use this server: its host differs from the server's.\n");
        return;
    }
    if (soup_message_headers_get_encoding(in) == SOUP_ENCODING_CHUNKED)
        refuse(msg, SOUP_STATUS_LENGTH_REQUIRED, "Send a Content-Length.\n");
    else if (soup_message_headers_get_content_length(in) > MAX_BODY)
        refuse(msg, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "The body is too large.\n");
}

// Link headers of WHEP: the browser's STUN and TURN servers. Characters that could end a header line or a quoted string
// are left out.
static void append_quoted(GString *out, const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x20 && *text != 0x7f) {
            if (*text == '"' || *text == '\\')
                g_string_append_c(out, '\\');
            g_string_append_c(out, *text);
        }
}

static void add_ice_links(SoupServerMessage *msg, struct webrtc *w)
{
    struct ice_list *list = malloc(sizeof(*list));
    if (!list)
        return;
    webrtc_ice_list(w, list);
    for (size_t i = 0; i < list->count; i++)
        for (size_t j = 0; j < list->entries[i].url_count; j++) {
            const struct ice_entry *e = &list->entries[i];
            GString *link             = g_string_new("<");
            append_quoted(link, e->urls[j]);
            g_string_append(link, ">; rel=\"ice-server\"");
            if (e->username[0]) {
                g_string_append(link, "; username=\"");
                append_quoted(link, e->username);
                g_string_append(link, "\"; credential=\"");
                append_quoted(link, e->credential);
                g_string_append(link, "\"; credential-type=\"password\"");
            }
            soup_message_headers_append(soup_server_message_get_response_headers(msg), "Link", link->str);
            g_string_free(link, TRUE);
        }
    free(list);
}

static void whep_options(struct signaller *s, SoupServerMessage *msg)
{
    SoupMessageHeaders *h = soup_server_message_get_response_headers(msg);
    soup_server_message_set_status(msg, SOUP_STATUS_NO_CONTENT, NULL);
    soup_message_headers_replace(h, "Access-Control-Allow-Methods", "POST, DELETE, OPTIONS");
    soup_message_headers_replace(h, "Access-Control-Allow-Headers", "Content-Type, Authorization, If-Match");
    soup_message_headers_replace(h, "Access-Control-Max-Age", "600");
    soup_message_headers_replace(h, "Accept-Post", "application/sdp");
    if (request_header(msg, "Access-Control-Request-Private-Network"))
        soup_message_headers_replace(h, "Access-Control-Allow-Private-Network", "true");
    add_ice_links(msg, s->webrtc);
}

static unsigned http_status_of(enum offer_status status)
{
    switch (status) {
    case OFFER_MALFORMED:
        return SOUP_STATUS_BAD_REQUEST;
    case OFFER_UNSUPPORTED:
        return SOUP_STATUS_NOT_ACCEPTABLE;
    case OFFER_FULL:
        return SOUP_STATUS_SERVICE_UNAVAILABLE;
    default:
        return SOUP_STATUS_INTERNAL_SERVER_ERROR;
    }
}

static void whep_post(struct signaller *s, SoupServerMessage *msg)
{
    const char *type = soup_message_headers_get_content_type(soup_server_message_get_request_headers(msg), NULL);
    SoupMessageHeaders *h = soup_server_message_get_response_headers(msg);
    if (!type || strcasecmp(type, "application/sdp")) {
        soup_message_headers_replace(h, "Accept-Post", "application/sdp");
        reply_text(msg, SOUP_STATUS_UNSUPPORTED_MEDIA_TYPE, "Send an SDP offer as application/sdp.\n");
        return;
    }
    GBytes *body = soup_message_body_flatten(soup_server_message_get_request_body(msg));
    size_t size;
    const char *sdp = g_bytes_get_data(body, &size);
    struct offer_answer answer;
    webrtc_offer(s->webrtc, sdp ? sdp : "", size, request_header(msg, "User-Agent"), &answer);
    g_bytes_unref(body);
    if (answer.status != OFFER_OK) {
        reply_text(msg, http_status_of(answer.status), answer.error);
        if (answer.status == OFFER_FULL)
            soup_message_headers_replace(h, "Retry-After", "5");
        return;
    }
    char location[sizeof("/whep/") + SESSION_TOKEN_SIZE];
    g_snprintf(location, sizeof(location), "/whep/%s", answer.token);
    soup_server_message_set_status(msg, SOUP_STATUS_CREATED, NULL);
    soup_message_headers_replace(h, "Location", location);
    soup_server_message_set_response(msg, "application/sdp", SOUP_MEMORY_COPY, answer.sdp, strlen(answer.sdp));
    add_ice_links(msg, s->webrtc);
    free(answer.sdp);
}

static void handle_whep(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    struct signaller *s = user;
    const char *method  = soup_server_message_get_method(msg);
    const char *token   = g_str_has_prefix(path, "/whep/") ? path + strlen("/whep/") : "";
    add_cors_headers(msg);
    if (!strcmp(method, "OPTIONS")) {
        whep_options(s, msg);
    } else if (!strcmp(method, "POST") && !*token) {
        whep_post(s, msg);
    } else if (!strcmp(method, "DELETE") && *token) {
        bool found = webrtc_end_session(s->webrtc, token, "ended by the client");
        reply_text(msg, found ? SOUP_STATUS_OK : SOUP_STATUS_NOT_FOUND, found ? "" : "No such session.\n");
    } else {
        soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Allow",
                                     *token ? "DELETE, OPTIONS" : "POST, OPTIONS");
        reply_text(msg, SOUP_STATUS_METHOD_NOT_ALLOWED, "POST an SDP offer to /whep, DELETE what Location named.\n");
    }
}

static void handle_root(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    if (strcmp(path, "/"))
        reply_text(msg, SOUP_STATUS_NOT_FOUND, "Signalling is at /whep and /ws.\n");
    else
        reply_text(msg, SOUP_STATUS_OK, "WebRTC signalling: POST an SDP offer to /whep, or open a WebSocket on /ws.\n");
}

// ------------------------------------------------------------------------------------------------- WebSocket

static void socket_send(struct socket *k, json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    if (text && soup_websocket_connection_get_state(k->connection) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_send_text(k->connection, text);
    free(text);
    json_decref(message);
}

static void socket_send_error(struct socket *k, const char *code, const char *message)
{
    socket_send(k, json_pack("{s:s, s:s, s:s}", "type", "error", "code", code, "message", message));
}

static json_t *ice_servers_json(struct webrtc *w)
{
    struct ice_list *list = malloc(sizeof(*list));
    json_t *out           = json_array();
    if (!list)
        return out;
    webrtc_ice_list(w, list);
    for (size_t i = 0; i < list->count; i++) {
        const struct ice_entry *e = &list->entries[i];
        json_t *entry = json_object(), *urls = json_array();
        for (size_t j = 0; j < e->url_count; j++)
            json_array_append_new(urls, json_string(e->urls[j]));
        json_object_set_new(entry, "urls", urls);
        if (e->username[0]) {
            json_object_set_new(entry, "username", json_string(e->username));
            json_object_set_new(entry, "credential", json_string(e->credential));
        }
        json_array_append_new(out, entry);
    }
    free(list);
    return out;
}

static void socket_offer(struct socket *k, const json_t *message)
{
    static const char *const codes[] = { [OFFER_MALFORMED]   = "malformed-offer",
                                         [OFFER_UNSUPPORTED] = "nothing-in-common",
                                         [OFFER_FULL]        = "too-many-viewers",
                                         [OFFER_FAILED]      = "server-failure" };
    const json_t *sdp = json_object_get(message, "sdp");
    struct offer_answer answer;
    if (!json_is_string(sdp)) {
        socket_send_error(k, "malformed-message", "an offer needs a string \"sdp\"");
        return;
    }
    // A new offer on the same socket replaces the session: this is how a client reconnects.
    if (k->token[0]) {
        char old[SESSION_TOKEN_SIZE];
        memcpy(old, k->token, sizeof(old));
        k->token[0] = '\0';
        webrtc_end_session(k->signaller->webrtc, old, "replaced by a new offer");
    }
    webrtc_offer(k->signaller->webrtc, json_string_value(sdp), json_string_length(sdp), k->user_agent, &answer);
    if (answer.status != OFFER_OK) {
        socket_send_error(k, codes[answer.status], answer.error);
        return;
    }
    memcpy(k->token, answer.token, sizeof(k->token));
    socket_send(k, json_pack("{s:s, s:s, s:s, s:o}", "type", "answer", "sdp", answer.sdp, "id", answer.token,
                             "iceServers", ice_servers_json(k->signaller->webrtc)));
    free(answer.sdp);
}

static void on_socket_message(SoupWebsocketConnection *connection, gint type, GBytes *data, gpointer user)
{
    struct socket *k = user;
    size_t size;
    const char *text = g_bytes_get_data(data, &size);
    json_error_t where;
    json_t *message  = type == SOUP_WEBSOCKET_DATA_TEXT ? json_loadb(text ? text : "", size, JSON_LIMITS, &where) : NULL;
    const char *name = json_string_value(json_object_get(message, "type"));
    if (!name)
        socket_send_error(k, "malformed-message", "expected a JSON object with a string \"type\"");
    else if (!strcmp(name, "offer"))
        socket_offer(k, message);
    else if (!strcmp(name, "bye") && k->token[0])
        webrtc_end_session(k->signaller->webrtc, k->token, "ended by the client");
    else if (strcmp(name, "bye"))
        socket_send_error(k, "unknown-type", "known types are \"offer\" and \"bye\"");
    json_decref(message);
}

// The media goes on while the client reports.
static void on_socket_closed(SoupWebsocketConnection *connection, gpointer user)
{
    struct socket *k = user;
    if (k->token[0])
        webrtc_socket_lost(k->signaller->webrtc, k->token);
    struct socket **at = &k->signaller->sockets;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    k->signaller->socket_count--;
    g_signal_handlers_disconnect_by_data(connection, k);
    g_object_unref(connection);
    free(k);
}

static void on_socket(SoupServer *soup, SoupServerMessage *msg, const char *path, SoupWebsocketConnection *connection,
                      gpointer user)
{
    struct signaller *s = user;
    struct socket *k    = s->socket_count < MAX_SOCKETS && !s->stopping ? calloc(1, sizeof(*k)) : NULL;
    if (!k) {
        soup_websocket_connection_close(connection, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "too many connections");
        return;
    }
    const char *agent = request_header(msg, "User-Agent");
    g_strlcpy(k->user_agent, agent ? agent : "", sizeof(k->user_agent));
    k->signaller  = s;
    k->connection = g_object_ref(connection);
    k->next       = s->sockets;
    s->sockets    = k;
    s->socket_count++;
    // Room for an SDP of the greatest size with every line break escaped.
    soup_websocket_connection_set_max_incoming_payload_size(connection, 2 * MAX_BODY);
    soup_websocket_connection_set_keepalive_interval(connection, KEEPALIVE_SECONDS);
    g_signal_connect(connection, "message", G_CALLBACK(on_socket_message), k);
    g_signal_connect(connection, "closed", G_CALLBACK(on_socket_closed), k);
    socket_send(k, json_pack("{s:s, s:o}", "type", "hello", "iceServers", ice_servers_json(s->webrtc)));
}

struct closed_note {
    struct signaller *signaller;
    char token[SESSION_TOKEN_SIZE], reason[256];
};

static gboolean deliver_closed(gpointer user)
{
    struct closed_note *n = user;
    for (struct socket *k = n->signaller->sockets; k; k = k->next)
        if (!strcmp(k->token, n->token)) {
            k->token[0] = '\0';
            socket_send(k, json_pack("{s:s, s:s}", "type", "bye", "reason", n->reason));
            break;
        }
    return G_SOURCE_REMOVE;
}

void signaller_session_closed(struct signaller *s, const char *token, const char *reason)
{
    struct closed_note *n = malloc(sizeof(*n));
    if (!n)
        return;
    n->signaller = s;
    g_strlcpy(n->token, token, sizeof(n->token));
    g_strlcpy(n->reason, reason, sizeof(n->reason));
    // Never runs it here: the context belongs to the signalling thread.
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, deliver_closed, n, free);
    g_source_attach(source, s->context);
    g_source_unref(source);
}

// ------------------------------------------------------------------------------------------------- life

// Our own socket: "::" shall mean IPv4 as well, and the system's text shall reach the user. -1: s->error is set.
static int open_socket(struct signaller *s)
{
    struct sockaddr_storage sa;
    struct rtc_addr where = s->bind;
    where.port            = s->port;
    socklen_t length      = (socklen_t)rtc_addr_to_sockaddr(&where, false, &sa);
    int on = 1, off = 0;
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        // For TCP this only passes over connections that are closing; a second listener still fails.
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (where.family == 6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        if (bind(fd, (struct sockaddr *)&sa, length) == 0 && listen(fd, SOMAXCONN) == 0)
            return fd;
    }
    g_strlcpy(s->error, g_strerror(errno), sizeof(s->error));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool listen_on(struct signaller *s)
{
    GError *error   = NULL;
    int fd          = open_socket(s);
    GSocket *socket = fd >= 0 ? g_socket_new_from_fd(fd, &error) : NULL;
    bool ok         = socket && soup_server_listen_socket(s->soup, socket, 0, &error);
    if (socket)
        g_object_unref(socket);
    else if (fd >= 0)
        close(fd);
    if (error) {
        g_strlcpy(s->error, error->message, sizeof(s->error));
        g_error_free(error);
    }
    struct sockaddr_storage sa;
    socklen_t length = sizeof(sa);
    struct rtc_addr bound;
    if (ok && getsockname(fd, (struct sockaddr *)&sa, &length) == 0 &&
        rtc_addr_from_sockaddr(&bound, (struct sockaddr *)&sa))
        s->port = bound.port;
    return ok;
}

static void serve(struct signaller *s)
{
    static const char *const paths[] = { "/", "/whep", "/ws" };
    s->soup = soup_server_new("server-header", "stagecast", NULL);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        soup_server_add_early_handler(s->soup, paths[i], check_request, s, NULL);
    soup_server_add_handler(s->soup, "/", handle_root, s, NULL);
    soup_server_add_handler(s->soup, "/whep", handle_whep, s, NULL);
    soup_server_add_websocket_handler(s->soup, "/ws", NULL, NULL, on_socket, s, NULL);
    bool ok = listen_on(s);
    pthread_mutex_lock(&s->lock);
    s->started = true;
    s->ok      = ok;
    pthread_cond_signal(&s->ready);
    pthread_mutex_unlock(&s->lock);
    if (ok)
        g_main_loop_run(s->loop);
    s->stopping = true;
    while (s->sockets) {
        struct socket *k = s->sockets;
        soup_websocket_connection_close(k->connection, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "the server stops");
        while (g_main_context_iteration(s->context, FALSE)) {
        }
        if (s->sockets == k)
            on_socket_closed(k->connection, k);
    }
    soup_server_disconnect(s->soup);
    while (g_main_context_iteration(s->context, FALSE)) {
    }
    g_object_unref(s->soup);
}

static void *signal_main(void *user)
{
    struct signaller *s = user;
    thread_set_name("ovs-signal");
    g_main_context_push_thread_default(s->context);
    serve(s);
    g_main_context_pop_thread_default(s->context);
    return NULL;
}

static void signaller_free(struct signaller *s)
{
    g_main_loop_unref(s->loop);
    g_main_context_unref(s->context);
    pthread_cond_destroy(&s->ready);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct signaller *signaller_start(struct webrtc *w, const struct rtc_addr *bind, const char *allowed_origins,
                                  uint16_t *port, char error[SIGNAL_ERROR_SIZE])
{
    struct signaller *s = calloc(1, sizeof(*s));
    if (!s) {
        g_strlcpy(error, "out of memory", SIGNAL_ERROR_SIZE);
        return NULL;
    }
    s->webrtc  = w;
    s->bind    = *bind;
    s->port    = *port;
    g_strlcpy(s->allowed_origins, allowed_origins, sizeof(s->allowed_origins));
    s->context = g_main_context_new();
    s->loop    = g_main_loop_new(s->context, FALSE);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->ready, NULL);
    if (pthread_create(&s->thread, NULL, signal_main, s)) {
        g_strlcpy(error, "cannot create a thread", SIGNAL_ERROR_SIZE);
        signaller_free(s);
        return NULL;
    }
    pthread_mutex_lock(&s->lock);
    while (!s->started)
        pthread_cond_wait(&s->ready, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (s->ok) {
        *port = s->port;
        return s;
    }
    pthread_join(s->thread, NULL);
    g_strlcpy(error, s->error, SIGNAL_ERROR_SIZE);
    signaller_free(s);
    return NULL;
}

static gboolean quit_loop(gpointer user)
{
    g_main_loop_quit(user);
    return G_SOURCE_REMOVE;
}

void signaller_stop(struct signaller **signaller)
{
    struct signaller *s = *signaller;
    if (!s)
        return;
    // Through the loop: a quit before it runs would be lost.
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, quit_loop, s->loop, NULL);
    g_source_attach(source, s->context);
    g_source_unref(source);
    pthread_join(s->thread, NULL);
    signaller_free(s);
    *signaller = NULL;
}
