/*
 * What this library offers beyond the ovstream API. A program that must also run on another ovstream library looks these
 * functions up with dlsym(RTLD_DEFAULT, ...) and does without those it does not find. All take a server of type
 * OVSTREAM_SERVER_WEBRTC (NOT_SUPPORTED otherwise), in any state and on any thread unless stated.
 *
 * One more addition needs no function: OVSTREAM_VIDEO_INPUT_TENSOR accepts host tensors (DLPack device type 1).
 */
#ifndef OVSTREAM_OVSTREAM_EXT_H
#define OVSTREAM_OVSTREAM_EXT_H

#include "ovstream_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * IP address that the signalling and media ports are bound to from the next start on: "127.0.0.1" (default), "0.0.0.0"
 * or "::" (all), or one address of this machine. Empty restores the default. Without this call, a non-loopback
 * webrtc.public_ip means "all". INVALID_ARGUMENT: not an address.
 */
OVSTREAM_API ovstream_result_t ovstream_ext_set_listen_address(ovstream_server_t *server, ovstream_string_t address);

/*
 * Web pages that may use the signalling beside those of the server's own host, from the next start on: origins such as
 * "https://studio.example", separated by spaces or commas, at most 511 bytes; "*" is any page, for pictures that anyone may
 * see. Empty (default): none.
 */
OVSTREAM_API ovstream_result_t ovstream_ext_set_allowed_origins(ovstream_server_t *server, ovstream_string_t origins);

/*
 * Bitrates in bits per second, applied at once and kept for later starts; 0 leaves a default (min 300 kbit/s, start by
 * picture size, max 50 Mbit/s). The congestion controller moves between min and max; a maximum above the one at start
 * counts from the next start on. INVALID_ARGUMENT: not min <= start <= max.
 */
OVSTREAM_API ovstream_result_t ovstream_ext_set_bitrate(ovstream_server_t *server, uint32_t min_bps,
                                                        uint32_t start_bps, uint32_t max_bps);

/*
 * Say that the picture is at rest (the next frames will equal the last one) or moves again. While it rests, submitted
 * frames are encoded at a slow keep-alive rate of about two a second; `at_rest` false ends that with the next frame.
 */
OVSTREAM_API ovstream_result_t ovstream_ext_hint_static(ovstream_server_t *server, bool at_rest);

#define OVSTREAM_EXT_MAX_VIEWERS 16

typedef struct ovstream_ext_viewer_stats_t {
    uint64_t id;             /* unique while the server lives, counts from 1 */
    char address[56];        /* remote "ip:port" of the media path, "" before it is known */
    double connected_seconds;
    uint64_t bytes_sent, packets_sent, packets_retransmitted;
    uint32_t target_bitrate_bps; /* what the path to this viewer is thought to carry */
    float rtt_ms;                /* 0 before the first report */
    float loss;                  /* 0..1, last report */
    uint32_t keyframe_requests;
} ovstream_ext_viewer_stats_t;

typedef struct ovstream_ext_stats_t {
    uint32_t struct_size; /* in: sizeof(ovstream_ext_stats_t) of the caller; only so much is written */
    uint32_t viewers;     /* connected now */
    uint64_t sessions_total, sessions_failed;
    uint64_t frames_submitted;
    uint64_t frames_encoded;
    uint64_t frames_dropped; /* replaced by a newer one, or nobody was watching */
    uint64_t keyframes;
    uint64_t bytes_sent; /* UDP payload, all viewers, RTP and everything else */
    uint32_t bitrate_target_bps, bitrate_sent_bps; /* sent: encoder output over the last second */
    float encode_ms, convert_ms; /* moving averages for one frame */
    float submit_to_send_ms;     /* moving average: ovstream_stream_video called, last packet handed to the system */
    float rtt_ms, loss;          /* worst viewer */
    uint64_t input_records, input_dropped; /* dropped: malformed, or the queue to the callbacks was full */
    uint64_t messages_received, messages_sent;
    char encoder[32]; /* libavcodec's name, "" before the first frame is encoded */
    uint32_t viewer_count; /* entries filled below: viewers, at most OVSTREAM_EXT_MAX_VIEWERS */
    ovstream_ext_viewer_stats_t viewer[OVSTREAM_EXT_MAX_VIEWERS];
} ovstream_ext_stats_t;

/* Snapshot of the running server; all zero when it is not running. INVALID_ARGUMENT: struct_size below 8. */
OVSTREAM_API ovstream_result_t ovstream_ext_get_stats(ovstream_server_t *server, ovstream_ext_stats_t *stats);

/*
 * Text messages that clients send on the data channel "input" (binary ones become input events), at most 64 bytes each.
 * Same rules as the callbacks of ovstream_types.h.
 */
typedef void (*ovstream_ext_input_text_callback_t)(ovstream_server_t *server, ovstream_string_t text,
                                                   void *user_data);
OVSTREAM_API ovstream_result_t ovstream_ext_set_input_text_callback(ovstream_server_t *server,
                                                                    ovstream_ext_input_text_callback_t callback,
                                                                    void *user_data);

/*
 * Which client the callback that is running now belongs to, an `id` of the statistics; 0 outside of this server's
 * callbacks.
 */
OVSTREAM_API uint64_t ovstream_ext_current_client(ovstream_server_t *server);

/* ovstream_send_message to one client. ERROR when it is not connected. */
OVSTREAM_API ovstream_result_t ovstream_ext_send_message_to(ovstream_server_t *server, uint64_t client_id,
                                                            ovstream_string_t message);

/* Ports in use while running, so that a program that asked for any free port (see below) learns them. Null is allowed. */
OVSTREAM_API ovstream_result_t ovstream_ext_get_ports(ovstream_server_t *server, uint16_t *out_signal_port,
                                                      uint16_t *out_stream_port);

/* From the next start on, port 0 means "any free port" instead of the default port. For tests. */
OVSTREAM_API ovstream_result_t ovstream_ext_set_any_port(ovstream_server_t *server, bool any_port);

#ifdef __cplusplus
}
#endif

#endif
