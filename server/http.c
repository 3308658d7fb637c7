#include "http.h"

#include <gio/gio.h>
#include <libsoup/soup.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "server.h"
#include "thread.h"
#include "web_files.h"

struct http {
    struct server *s;
    SoupServer *soup;
    GMainContext *context;
    GMainLoop *loop;
    pthread_t thread;
    int port;
    char *web_root; // canonical; NULL = the files in the program
};

// ---------------------------------------------------------------------------------------------------
// Headers

static const char *mime_type(const char *path)
{
    static const char *const types[][2] = {
        { ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" },
        { ".mjs", "text/javascript; charset=utf-8" }, { ".css", "text/css; charset=utf-8" },
        { ".json", "application/json" }, { ".webmanifest", "application/manifest+json" }, { ".svg", "image/svg+xml" },
        { ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".webp", "image/webp" }, { ".ico", "image/x-icon" },
        { ".woff2", "font/woff2" }, { ".txt", "text/plain; charset=utf-8" },
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (!strcmp(dot, types[i][0]))
            return types[i][1];
    return "application/octet-stream";
}

// The host of the request without its port: signalling is on the same host. "" when it looks odd.
static void request_host(SoupServerMessage *msg, char *out, size_t size)
{
    const char *host = soup_message_headers_get_one(soup_server_message_get_request_headers(msg), "Host");
    size_t n         = 0;
    if (host && host[0] == '[')
        n = strcspn(host, "]") + 1;
    else if (host)
        n = strcspn(host, ":");
    if (!host || n == 0 || n >= size || n > strlen(host) ||
        strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:") < n)
        n = 0;
    memcpy(out, n ? host : "", n);
    out[n] = '\0';
}

static void security_headers(struct http *h, SoupServerMessage *msg)
{
    SoupMessageHeaders *headers = soup_server_message_get_response_headers(msg);
    char host[256], policy[1600];
    int port = stream_signal_port(h->s->stream);
    request_host(msg, host, sizeof(host));
    snprintf(policy, sizeof(policy),
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
             "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
             "connect-src 'self' http://%s:%d ws://%s:%d https://%s:%d wss://%s:%d",
             host, port, host, port, host, port, host, port);
    if (!host[0])
        *strstr(policy, " http://") = '\0';
    soup_message_headers_replace(headers, "Content-Security-Policy", policy);
    soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
    soup_message_headers_replace(headers, "Referrer-Policy", "no-referrer");
    soup_message_headers_replace(headers, "Cross-Origin-Opener-Policy", "same-origin");
    soup_message_headers_replace(headers, "Cache-Control", "no-cache");
    // libsoup 3.2 does not notice when the other end of an idle connection goes: each would stay open for ever.
    soup_message_headers_replace(headers, "Connection", "close");
}

static void reply(struct http *h, SoupServerMessage *msg, int status, const char *type, SoupMemoryUse use, const char *body, size_t size)
{
    security_headers(h, msg);
    soup_server_message_set_status(msg, (guint)status, NULL);
    soup_server_message_set_response(msg, type, use, body, size);
}

static void reply_text(struct http *h, SoupServerMessage *msg, int status, const char *text)
{
    reply(h, msg, status, "text/plain; charset=utf-8", SOUP_MEMORY_COPY, text, strlen(text));
}

// GET and HEAD only.
static bool readable(struct http *h, SoupServerMessage *msg)
{
    const char *method = soup_server_message_get_method(msg);
    if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
        return true;
    soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Allow", "GET, HEAD");
    reply_text(h, msg, 405, "method not allowed\n");
    return false;
}

// ---------------------------------------------------------------------------------------------------
// State

static void on_health(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    struct http *h = user;
    (void)soup, (void)query;
    bool ready = atomic_load(&h->s->ready) && !atomic_load(&h->s->stop);
    if (strcmp(path, "/healthz") != 0)
        reply_text(h, msg, 404, "not found\n");
    else if (readable(h, msg))
        reply_text(h, msg, ready ? 200 : 503, ready ? "ok" : "not ready");
}

static void on_live(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    struct http *h = user;
    (void)soup, (void)query;
    // A long renderer call is not a hang: the loop may stand still as long as a load may take.
    int64_t silent = clock_mono_ns() - atomic_load(&h->s->loop_ns);
    bool alive     = atomic_load(&h->s->in_renderer) || silent < 30000000000;
    if (strcmp(path, "/livez") != 0)
        reply_text(h, msg, 404, "not found\n");
    else if (readable(h, msg))
        reply_text(h, msg, alive ? 200 : 503, alive ? "ok" : "the render loop does not turn");
}

static void metric(GString *out, const char *name, const char *type, const char *help, double value)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append_printf(out, "# HELP stagecast_%s %s\n# TYPE stagecast_%s %s\nstagecast_%s %s\n", name, help, name, type, name,
                           g_ascii_dtostr(number, sizeof(number), value));
}

static double counter(const atomic_ullong *c) { return (double)atomic_load(c); }

static void stream_metrics(struct http *h, GString *out)
{
    ovstream_ext_stats_t st;
    if (!stream_stats(h->s->stream, &st))
        return;
    metric(out, "viewers", "gauge", "Clients with a media path", st.viewers);
    metric(out, "stream_sessions_total", "counter", "Sessions begun", (double)st.sessions_total);
    metric(out, "stream_sessions_failed_total", "counter", "Sessions that failed", (double)st.sessions_failed);
    metric(out, "stream_frames_encoded_total", "counter", "Frames encoded", (double)st.frames_encoded);
    metric(out, "stream_frames_dropped_total", "counter", "Frames replaced by newer ones or unwatched", (double)st.frames_dropped);
    metric(out, "stream_keyframes_total", "counter", "Keyframes encoded", (double)st.keyframes);
    metric(out, "stream_sent_bytes_total", "counter", "UDP payload sent", (double)st.bytes_sent);
    metric(out, "stream_target_bits_per_second", "gauge", "Bitrate the encoder aims for", st.bitrate_target_bps);
    metric(out, "stream_sent_bits_per_second", "gauge", "Encoder output over the last second", st.bitrate_sent_bps);
    metric(out, "stream_encode_seconds", "gauge", "Time to encode a frame", st.encode_ms / 1000);
    metric(out, "stream_submit_to_send_seconds", "gauge", "From a frame's submission to its last packet", st.submit_to_send_ms / 1000);
    metric(out, "stream_round_trip_seconds", "gauge", "Round trip to the slowest viewer", st.rtt_ms / 1000);
    metric(out, "stream_loss_ratio", "gauge", "Packets lost to the worst viewer", st.loss);
    g_string_append_printf(out, "# HELP stagecast_encoder_info Encoder in use\n# TYPE stagecast_encoder_info gauge\n"
                                "stagecast_encoder_info{name=\"%.31s\"} 1\n", st.encoder);
}

static void renderer_metrics(struct http *h, GString *out)
{
    struct session *n = &h->s->session;
    pthread_mutex_lock(&n->lock);
    ovrtx_ext_product_stats_t st = n->stats;
    bool has                     = n->has_stats;
    pthread_mutex_unlock(&n->lock);
    if (!has)
        return;
    metric(out, "renderer_gpu_seconds", "gauge", "GPU time of the newest step", st.gpu_ms / 1000);
    metric(out, "renderer_raster_seconds", "gauge", "of it drawing", st.raster_ms / 1000);
    metric(out, "renderer_trace_seconds", "gauge", "of it tracing", st.trace_ms / 1000);
    metric(out, "renderer_denoise_seconds", "gauge", "of it denoising", st.denoise_ms / 1000);
    metric(out, "renderer_step_cpu_seconds", "gauge", "CPU time to prepare the newest step", st.step_ms / 1000);
    metric(out, "renderer_samples", "gauge", "Samples per pixel in the picture", st.samples);
    metric(out, "renderer_resolution_scale", "gauge", "Internal resolution, 1 = full", st.resolution_scale);
    metric(out, "renderer_converged", "gauge", "1 when further steps would not change the picture", st.converged);
    metric(out, "renderer_triangles", "gauge", "Triangles of the scene", (double)st.triangles);
    metric(out, "renderer_device_bytes", "gauge", "Device memory in use", (double)st.device_bytes);
}

static void on_metrics(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    struct http *h   = user;
    struct server *s = h->s;
    (void)soup, (void)query;
    if (strcmp(path, "/metrics") != 0) {
        reply_text(h, msg, 404, "not found\n");
        return;
    }
    if (!readable(h, msg))
        return;
    GString *out = g_string_new(NULL);
    metric(out, "ready", "gauge", "1 when a picture was made", atomic_load(&s->ready));
    metric(out, "state", "gauge", "0 starting, 1 idle, 2 loading, 3 streaming, 4 error, 5 shutting down", session_state(s));
    metric(out, "clients", "gauge", "Connected clients", atomic_load(&s->clients));
    metric(out, "frames_total", "counter", "Pictures made", counter(&s->frames));
    metric(out, "frames_per_second", "gauge", "Pictures made in the last second", atomic_load(&s->fps_x10) / 10.0);
    metric(out, "submitted_frames_total", "counter", "Frames handed to the streaming library", (double)stream_submitted(s->stream));
    metric(out, "steps_total", "counter", "Render steps", counter(&s->steps));
    metric(out, "step_seconds", "gauge", "Time of a render step with its picture", atomic_load(&s->step_us) / 1e6);
    metric(out, "convert_seconds", "gauge", "Time to convert a picture", atomic_load(&s->convert_us) / 1e6);
    metric(out, "loads_total", "counter", "Scenes loaded", counter(&s->loads));
    metric(out, "load_failures_total", "counter", "Loads that failed", counter(&s->load_failures));
    metric(out, "picks_total", "counter", "Clicks in the picture", counter(&s->picks));
    metric(out, "input_events_total", "counter", "Input events received", counter(&s->inputs));
    metric(out, "messages_total", "counter", "Messages received", counter(&s->messages));
    metric(out, "commands_dropped_total", "counter", "Camera commands dropped because the queue was full",
           (double)command_queue_dropped(s->commands));
    renderer_metrics(h, out);
    stream_metrics(h, out);
    gsize size = out->len;
    reply(h, msg, 200, "text/plain; version=0.0.4; charset=utf-8", SOUP_MEMORY_TAKE, g_string_free(out, FALSE), size);
}

static void on_config(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    struct http *h          = user;
    const struct options *o = &h->s->o;
    (void)soup, (void)query;
    if (strcmp(path, "/stream.config.json") != 0) {
        reply_text(h, msg, 404, "not found\n");
        return;
    }
    if (!readable(h, msg))
        return;
    json_t *config = json_pack("{s:i, s:I, s:I, s:I, s:b, s:s}", "signalingPort", stream_signal_port(h->s->stream), "width",
                               (json_int_t)o->width, "height", (json_int_t)o->height, "fps", (json_int_t)o->fps, "latencyStamp",
                               o->latency_stamp, "version", STAGECAST_VERSION);
    char *text = json_dumps(config, JSON_INDENT(2));
    json_decref(config);
    reply(h, msg, 200, "application/json", SOUP_MEMORY_COPY, text, strlen(text));
    free(text);
}

// ---------------------------------------------------------------------------------------------------
// Files

// A file below the development folder; links that lead out are refused.
static bool reply_from_disk(struct http *h, SoupServerMessage *msg, const char *name)
{
    char *joined = g_build_filename(h->web_root, name, NULL), *real = realpath(joined, NULL), *data = NULL;
    gsize size = 0;
    size_t n   = strlen(h->web_root);
    bool found = real && !strncmp(real, h->web_root, n) && real[n] == '/' && g_file_get_contents(real, &data, &size, NULL);
    if (found)
        reply(h, msg, 200, mime_type(real), SOUP_MEMORY_TAKE, data, size);
    free(real);
    g_free(joined);
    return found;
}

static bool reply_from_program(struct http *h, SoupServerMessage *msg, const char *name)
{
    for (const struct web_file *f = web_files; f->path; f++) {
        if (strcmp(f->path, name) != 0)
            continue;
        reply(h, msg, 200, mime_type(name), SOUP_MEMORY_STATIC, (const char *)f->data, f->size);
        return true;
    }
    return false;
}

static void on_file(SoupServer *soup, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer user)
{
    struct http *h = user;
    (void)soup, (void)query;
    if (!readable(h, msg))
        return;
    const char *name = !strcmp(path, "/") ? "index.html" : path + 1;
    bool plain = path[0] == '/' && !strstr(name, "..") && !strstr(name, "//") && name[0] != '/' && name[0] != '.';
    bool found = plain && (h->web_root ? reply_from_disk(h, msg, name) : reply_from_program(h, msg, name));
    if (!found)
        reply_text(h, msg, 404, "not found\n");
}

// ---------------------------------------------------------------------------------------------------
// Life

static bool listen_on(struct http *h, char *error, size_t error_size)
{
    const struct options *o = &h->s->o;
    const char *host        = !strcmp(o->listen, "localhost") ? "127.0.0.1" : o->listen;
    GInetAddress *address   = g_inet_address_new_from_string(host);
    if (!address) {
        snprintf(error, error_size, "--listen needs an IP address of this machine, not '%s'", o->listen);
        return false;
    }
    GSocketAddress *at = g_inet_socket_address_new(address, (guint16)o->http_port);
    GError *e          = NULL;
    bool ok            = soup_server_listen(h->soup, at, (SoupServerListenOptions)0, &e);
    if (!ok)
        snprintf(error, error_size, "HTTP port %d on %s cannot be used: %s%s", (int)o->http_port, host, e->message,
                 g_error_matches(e, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE) ? "; another program has it, choose one with --http-port" : "");
    g_clear_error(&e);
    g_object_unref(at);
    g_object_unref(address);
    GSList *uris = ok ? soup_server_get_uris(h->soup) : NULL;
    if (uris)
        h->port = g_uri_get_port(uris->data);
    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    return ok;
}

static void *run(void *user)
{
    struct http *h = user;
    thread_set_name("http");
    g_main_context_push_thread_default(h->context);
    g_main_loop_run(h->loop);
    soup_server_disconnect(h->soup);
    while (g_main_context_iteration(h->context, FALSE))
        ;
    g_main_context_pop_thread_default(h->context);
    return NULL;
}

bool http_create(struct http **out, struct server *s, char *error, size_t error_size)
{
    struct http *h = calloc(1, sizeof(*h));
    *out           = NULL;
    if (!h)
        return false;
    h->s        = s;
    h->web_root = s->o.web_root ? realpath(s->o.web_root, NULL) : NULL;
    if (s->o.web_root && !h->web_root) {
        snprintf(error, error_size, "--web-root: there is no folder '%s'", s->o.web_root);
        free(h);
        return false;
    }
    h->context = g_main_context_new();
    h->loop    = g_main_loop_new(h->context, FALSE);
    g_main_context_push_thread_default(h->context);
    h->soup = soup_server_new("server-header", "stagecast", NULL);
    soup_server_add_handler(h->soup, "/healthz", on_health, h, NULL);
    soup_server_add_handler(h->soup, "/livez", on_live, h, NULL);
    soup_server_add_handler(h->soup, "/metrics", on_metrics, h, NULL);
    soup_server_add_handler(h->soup, "/stream.config.json", on_config, h, NULL);
    soup_server_add_handler(h->soup, NULL, on_file, h, NULL);
    bool ok = listen_on(h, error, error_size);
    g_main_context_pop_thread_default(h->context);
    if (ok && pthread_create(&h->thread, NULL, run, h) == 0) {
        *out = h;
        return true;
    }
    g_object_unref(h->soup);
    g_main_loop_unref(h->loop);
    g_main_context_unref(h->context);
    free(h->web_root);
    free(h);
    return false;
}

static gboolean quit(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

void http_destroy(struct http **http)
{
    struct http *h = *http;
    if (!h)
        return;
    GSource *source = g_idle_source_new();
    g_source_set_callback(source, quit, h->loop, NULL);
    g_source_attach(source, h->context);
    g_source_unref(source);
    pthread_join(h->thread, NULL);
    g_object_unref(h->soup);
    g_main_loop_unref(h->loop);
    g_main_context_unref(h->context);
    free(h->web_root);
    free(h);
    *http = NULL;
}

int http_port(const struct http *h) { return h->port; }
