// The server half of the API: checks in the order of contract section 1, then the transport.
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "library.h"
#include "result.h"
#include "rtc.h"
#include "webrtc.h"

#define MAX_MESSAGE 65535
#define MAX_DIMENSION 8192

static const char *type_name(ovstream_server_type_t type)
{
    static const char *const names[] = { "WebRTC", "native", "RTSP", "SHM", "CUDASHM" };
    return names[type];
}

// ------------------------------------------------------------------------------------------------- life

ovstream_result_t ovstream_create_server(ovstream_server_type_t server_type, ovstream_server_t **out_server)
{
    if (!out_server)
        return fail_argument("ovstream_create_server: out_server is null");
    if ((unsigned)server_type > OVSTREAM_SERVER_CUDASHM)
        return fail_argument("ovstream_create_server: unknown server type (%d)", (int)server_type);
    if (!library_is_initialized())
        return fail_state("ovstream_create_server: ovstream_initialize has not been called");
    if (server_type != OVSTREAM_SERVER_WEBRTC)
        return fail_support("ovstream_create_server: %s servers are not built into this library yet; "
                            "OVSTREAM_SERVER_WEBRTC is",
                            type_name(server_type));
    ovstream_server_t *s = calloc(1, sizeof(*s));
    if (!s || !registry_add(s)) {
        free(s);
        return fail_error("ovstream_create_server: out of memory");
    }
    s->type = server_type;
    pthread_mutex_init(&s->lock, NULL);
    *out_server = s;
    return result_ok();
}

ovstream_result_t ovstream_destroy_server(ovstream_server_t *server)
{
    if (!server)
        return result_ok();
    if (dispatch_inside(server))
        return fail_state("ovstream_destroy_server: called from a callback of this server");
    if (!registry_remove(server))
        return fail_state("ovstream_destroy_server: this server was destroyed before");
    (void)server_stop(server);
    pthread_mutex_destroy(&server->lock);
    free(server);
    return result_ok();
}

static ovstream_result_t check_video_input(const ovstream_server_config_t *c)
{
    switch (c->video_input) {
    case OVSTREAM_VIDEO_INPUT_CUDA:
    case OVSTREAM_VIDEO_INPUT_TENSOR:
    case OVSTREAM_VIDEO_INPUT_H264:
        return result_ok();
    case OVSTREAM_VIDEO_INPUT_CUSTOM:
        return fail_support("ovstream_start: video_input CUSTOM is for RTSP servers");
    case OVSTREAM_VIDEO_INPUT_H265:
    case OVSTREAM_VIDEO_INPUT_AV1:
        return fail_support("ovstream_start: pass-through of H.265 and AV1 is not built into this library yet; H264 is");
    }
    return fail_argument("ovstream_start: unknown video_input (%d)", (int)c->video_input);
}

static ovstream_result_t check_config(const ovstream_server_config_t *c)
{
    if ((unsigned)c->video_input > OVSTREAM_VIDEO_INPUT_AV1)
        return fail_argument("ovstream_start: unknown video_input (%d)", (int)c->video_input);
    ovstream_result_t r = check_video_input(c);
    if (!OVSTREAM_OK(r))
        return r;
    if (!c->width || !c->height || c->width > MAX_DIMENSION || c->height > MAX_DIMENSION)
        return fail_argument("ovstream_start: picture size %u x %u (1 to %d each)", c->width, c->height, MAX_DIMENSION);
    bool raw = c->video_input == OVSTREAM_VIDEO_INPUT_CUDA || c->video_input == OVSTREAM_VIDEO_INPUT_TENSOR;
    if (raw && ((c->width | c->height) & 1))
        return fail_argument("ovstream_start: picture size %u x %u: width and height must be even", c->width,
                             c->height);
    if (c->webrtc.public_ip.length && !c->webrtc.public_ip.ptr)
        return fail_argument("ovstream_start: webrtc.public_ip: null pointer with length %zu",
                             c->webrtc.public_ip.length);
    return result_ok();
}

static enum server_state state_of(ovstream_server_t *s)
{
    pthread_mutex_lock(&s->lock);
    enum server_state state = s->state;
    pthread_mutex_unlock(&s->lock);
    return state;
}

ovstream_result_t ovstream_start(ovstream_server_t *server, const ovstream_server_config_t *config)
{
    if (!server || !config)
        return fail_argument("ovstream_start: %s is null", server ? "config" : "server");
    if (!registry_has(server))
        return fail_argument("ovstream_start: no such server");
    ovstream_result_t r = check_config(config);
    if (!OVSTREAM_OK(r))
        return r;
    if (state_of(server) == SERVER_RUNNING)
        return fail_state("ovstream_start: the server is running");
    if (dispatch_inside(server))
        return fail_state("ovstream_start: called from a callback of this server");
    struct webrtc *w = webrtc_start(server, config);
    if (!w) {
        // webrtc_start set the last error; INVALID_ARGUMENT only for an address that is none.
        ovstream_string_t text = ovstream_get_last_error();
        bool argument          = strstr(text.ptr, "public_ip") || strstr(text.ptr, "listen address");
        return (ovstream_result_t) { argument ? OVSTREAM_API_INVALID_ARGUMENT : OVSTREAM_API_ERROR };
    }
    pthread_mutex_lock(&server->lock);
    server->webrtc = w;
    server->config = *config;
    server->state  = SERVER_RUNNING;
    pthread_mutex_unlock(&server->lock);
    return result_ok();
}

ovstream_result_t server_stop(ovstream_server_t *server)
{
    pthread_mutex_lock(&server->lock);
    struct webrtc *w = server->webrtc;
    bool running     = server->state == SERVER_RUNNING;
    if (running) {
        server->state  = SERVER_STOPPED; // calls from callbacks that run meanwhile see it
        server->webrtc = NULL;
    }
    pthread_mutex_unlock(&server->lock);
    if (!running)
        return fail_state("ovstream_stop: the server is not running");
    webrtc_stop(&w);
    return result_ok();
}

ovstream_result_t ovstream_stop(ovstream_server_t *server)
{
    if (!server)
        return fail_argument("ovstream_stop: server is null");
    if (dispatch_inside(server))
        return fail_state("ovstream_stop: called from a callback of this server");
    if (!registry_has(server))
        return fail_argument("ovstream_stop: no such server");
    return server_stop(server);
}

// ------------------------------------------------------------------------------------------------- media

// The transport while running, else NULL with the last error set.
static struct webrtc *running(ovstream_server_t *server, const char *call)
{
    pthread_mutex_lock(&server->lock);
    struct webrtc *w = server->state == SERVER_RUNNING ? server->webrtc : NULL;
    pthread_mutex_unlock(&server->lock);
    if (!w)
        fail_state("%s: the server is not running", call);
    return w;
}

#define INVALID_STATE ((ovstream_result_t) { OVSTREAM_API_INVALID_STATE })

ovstream_result_t ovstream_stream_video(ovstream_server_t *server, const ovstream_video_frame_t *frame)
{
    static const char name[] = "ovstream_stream_video";
    if (!server || !frame)
        return fail_argument("%s: %s is null", name, server ? "frame" : "server");
    if (!registry_has(server))
        return fail_argument("%s: no such server", name);
    if (!frame->buffer)
        return fail_argument("%s: frame.buffer is null", name);
    struct webrtc *w = running(server, name);
    return w ? webrtc_stream_video(w, frame) : INVALID_STATE;
}

static ovstream_result_t check_audio(const ovstream_audio_frame_t *a)
{
    static const char name[] = "ovstream_stream_audio";
    if (!a->buffer)
        return fail_argument("%s: frame.buffer is null", name);
    if (a->bits_per_sample != 16)
        return fail_argument("%s: %u bits per sample, 16 needed", name, a->bits_per_sample);
    if (!a->channels || !a->sample_rate)
        return fail_argument("%s: %u channels at %u Hz", name, a->channels, a->sample_rate);
    if (!a->size_bytes || a->size_bytes % (2ull * a->channels))
        return fail_argument("%s: %u bytes are no whole sample frames of %u channels", name, a->size_bytes,
                             a->channels);
    return result_ok();
}

ovstream_result_t ovstream_stream_audio(ovstream_server_t *server, const ovstream_audio_frame_t *frame)
{
    static const char name[] = "ovstream_stream_audio";
    if (!server || !frame)
        return fail_argument("%s: %s is null", name, server ? "frame" : "server");
    if (!registry_has(server))
        return fail_argument("%s: no such server", name);
    ovstream_result_t r = check_audio(frame);
    if (!OVSTREAM_OK(r))
        return r;
    struct webrtc *w = running(server, name);
    if (!w)
        return INVALID_STATE;
    if (!webrtc_viewers(w))
        return fail_state("%s: no client is connected", name);
    return fail_support("%s: audio is not built into this library yet", name);
}

ovstream_result_t ovstream_is_client_connected(ovstream_server_t *server, bool *out_connected)
{
    if (!server || !out_connected)
        return fail_argument("ovstream_is_client_connected: %s is null", server ? "out_connected" : "server");
    if (!registry_has(server))
        return fail_argument("ovstream_is_client_connected: no such server");
    pthread_mutex_lock(&server->lock);
    struct webrtc *w = server->state == SERVER_RUNNING ? server->webrtc : NULL;
    bool connected   = w && webrtc_viewers(w) > 0;
    pthread_mutex_unlock(&server->lock);
    *out_connected = connected;
    return result_ok();
}

static ovstream_result_t send_message(ovstream_server_t *server, const char *name, uint64_t client,
                                      ovstream_string_t message)
{
    if (!server)
        return fail_argument("%s: server is null", name);
    if (!registry_has(server))
        return fail_argument("%s: no such server", name);
    if (!message.length || !message.ptr)
        return fail_argument("%s: %s", name, message.length ? "null pointer with a length" : "empty message");
    if (message.length > MAX_MESSAGE)
        return fail_argument("%s: message too long (%zu bytes, at most %d)", name, message.length, MAX_MESSAGE);
    struct webrtc *w = running(server, name);
    return w ? webrtc_send_message(w, name, client, message) : INVALID_STATE;
}

ovstream_result_t ovstream_send_message(ovstream_server_t *server, ovstream_string_t message)
{
    return send_message(server, "ovstream_send_message", 0, message);
}

// ------------------------------------------------------------------------------------------------- settings

#define DEFINE_SETTER(function, callback_type, member)                                                 \
    ovstream_result_t function(ovstream_server_t *server, callback_type callback, void *user_data)     \
    {                                                                                                  \
        if (!server)                                                                                   \
            return fail_argument(#function ": server is null");                                        \
        if (!registry_has(server))                                                                     \
            return fail_argument(#function ": no such server");                                        \
        pthread_mutex_lock(&server->lock);                                                             \
        server->callbacks.member        = callback;                                                    \
        server->callbacks.member##_user = user_data;                                                   \
        pthread_mutex_unlock(&server->lock);                                                           \
        return result_ok();                                                                            \
    }

DEFINE_SETTER(ovstream_set_connection_callback, ovstream_connection_callback_t, connection)
DEFINE_SETTER(ovstream_set_message_callback, ovstream_message_callback_t, message)
DEFINE_SETTER(ovstream_set_input_callback, ovstream_input_callback_t, input)
DEFINE_SETTER(ovstream_set_unicode_callback, ovstream_unicode_callback_t, unicode)
DEFINE_SETTER(ovstream_ext_set_input_text_callback, ovstream_ext_input_text_callback_t, input_text)

ovstream_result_t ovstream_webrtc_set_ice_servers(ovstream_server_t *server, const ovstream_webrtc_ice_config_t *config)
{
    if (!server)
        return fail_argument("ovstream_webrtc_set_ice_servers: server is null");
    if (!registry_has(server))
        return fail_argument("ovstream_webrtc_set_ice_servers: no such server");
    pthread_mutex_lock(&server->lock);
    ovstream_result_t r = ice_list_set(&server->ice, config);
    pthread_mutex_unlock(&server->lock);
    return r;
}

ovstream_result_t ovstream_config_defaults(ovstream_server_config_t *config)
{
    if (!config)
        return fail_argument("ovstream_config_defaults: config is null");
    memset(config, 0, sizeof(*config));
    config->width       = 1920;
    config->height      = 1080;
    config->target_fps  = 60;
    config->video_input = OVSTREAM_VIDEO_INPUT_CUDA;
    config->cuda_device = -1;
    return result_ok();
}

// ------------------------------------------------------------------------------------------------- ovstream_ext.h

#define CHECK_SERVER(name)                                            \
    do {                                                              \
        if (!server)                                                  \
            return fail_argument("%s: server is null", name);         \
        if (!registry_has(server))                                    \
            return fail_argument("%s: no such server", name);         \
    } while (0)

ovstream_result_t ovstream_ext_set_listen_address(ovstream_server_t *server, ovstream_string_t address)
{
    static const char name[] = "ovstream_ext_set_listen_address";
    char text[SERVER_ADDRESS_SIZE];
    struct rtc_addr parsed;
    CHECK_SERVER(name);
    if (address.length >= sizeof(text) || (address.length && !address.ptr))
        return fail_argument("%s: not an IP address (%zu bytes)", name, address.length);
    if (address.length)
        memcpy(text, address.ptr, address.length);
    text[address.length] = '\0';
    if (address.length && !rtc_addr_parse(&parsed, text, 0))
        return fail_argument("%s: \"%s\" is not an IP address", name, text);
    pthread_mutex_lock(&server->lock);
    memcpy(server->settings.listen_address, text, address.length + 1);
    pthread_mutex_unlock(&server->lock);
    return result_ok();
}

ovstream_result_t ovstream_ext_set_allowed_origins(ovstream_server_t *server, ovstream_string_t origins)
{
    static const char name[] = "ovstream_ext_set_allowed_origins";
    CHECK_SERVER(name);
    if (origins.length >= ORIGIN_LIST_SIZE || (origins.length && !origins.ptr))
        return fail_argument("%s: list too long or null (%zu bytes, at most %d)", name, origins.length,
                             ORIGIN_LIST_SIZE - 1);
    pthread_mutex_lock(&server->lock);
    if (origins.length)
        memcpy(server->settings.allowed_origins, origins.ptr, origins.length);
    server->settings.allowed_origins[origins.length] = '\0';
    pthread_mutex_unlock(&server->lock);
    return result_ok();
}

ovstream_result_t ovstream_ext_set_bitrate(ovstream_server_t *server, uint32_t min_bps, uint32_t start_bps,
                                           uint32_t max_bps)
{
    static const char name[] = "ovstream_ext_set_bitrate";
    CHECK_SERVER(name);
    if ((max_bps && (start_bps > max_bps || min_bps > max_bps)) || (start_bps && min_bps > start_bps))
        return fail_argument("%s: not in order (minimum %u, start %u, maximum %u)", name, min_bps, start_bps, max_bps);
    pthread_mutex_lock(&server->lock);
    server->settings.min_bps   = min_bps;
    server->settings.start_bps = start_bps;
    server->settings.max_bps   = max_bps;
    struct webrtc *w           = server->webrtc;
    pthread_mutex_unlock(&server->lock);
    if (w)
        webrtc_set_bitrate(w, min_bps, start_bps, max_bps);
    return result_ok();
}

ovstream_result_t ovstream_ext_hint_static(ovstream_server_t *server, bool at_rest)
{
    CHECK_SERVER("ovstream_ext_hint_static");
    pthread_mutex_lock(&server->lock);
    server->settings.at_rest = at_rest;
    struct webrtc *w         = server->webrtc;
    pthread_mutex_unlock(&server->lock);
    if (w)
        webrtc_set_at_rest(w, at_rest);
    return result_ok();
}

ovstream_result_t ovstream_ext_get_stats(ovstream_server_t *server, ovstream_ext_stats_t *stats)
{
    static const char name[] = "ovstream_ext_get_stats";
    CHECK_SERVER(name);
    if (!stats || stats->struct_size < 8)
        return fail_argument("%s: %s", name, stats ? "struct_size is not set" : "stats is null");
    uint32_t size            = stats->struct_size < sizeof(*stats) ? stats->struct_size : (uint32_t)sizeof(*stats);
    ovstream_ext_stats_t out = { 0 };
    pthread_mutex_lock(&server->lock);
    struct webrtc *w = server->webrtc;
    pthread_mutex_unlock(&server->lock);
    if (w)
        webrtc_stats(w, &out);
    out.struct_size = stats->struct_size;
    memcpy(stats, &out, size);
    return result_ok();
}

uint64_t ovstream_ext_current_client(ovstream_server_t *server) { return dispatch_client(server); }

ovstream_result_t ovstream_ext_send_message_to(ovstream_server_t *server, uint64_t client_id, ovstream_string_t message)
{
    static const char name[] = "ovstream_ext_send_message_to";
    if (server && !client_id)
        return fail_argument("%s: client_id is 0", name);
    return send_message(server, name, client_id, message);
}

ovstream_result_t ovstream_ext_get_ports(ovstream_server_t *server, uint16_t *out_signal_port,
                                         uint16_t *out_stream_port)
{
    static const char name[] = "ovstream_ext_get_ports";
    uint16_t signal_port, stream_port;
    CHECK_SERVER(name);
    struct webrtc *w = running(server, name);
    if (!w)
        return INVALID_STATE;
    webrtc_ports(w, &signal_port, &stream_port);
    if (out_signal_port)
        *out_signal_port = signal_port;
    if (out_stream_port)
        *out_stream_port = stream_port;
    return result_ok();
}

ovstream_result_t ovstream_ext_set_any_port(ovstream_server_t *server, bool any_port)
{
    CHECK_SERVER("ovstream_ext_set_any_port");
    pthread_mutex_lock(&server->lock);
    server->settings.any_port = any_port;
    pthread_mutex_unlock(&server->lock);
    return result_ok();
}
