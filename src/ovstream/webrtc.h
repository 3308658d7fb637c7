// A running WebRTC server: sockets, sessions, and the network thread that owns them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"

struct webrtc;

// NULL with the last error set. The configuration has been checked.
struct webrtc *webrtc_start(ovstream_server_t *server, const ovstream_server_config_t *config);
// Reports every client as gone, waits for callbacks, closes everything. Not from inside a callback.
void webrtc_stop(struct webrtc **w);

// Any thread from here on.
ovstream_result_t webrtc_stream_video(struct webrtc *w, const ovstream_video_frame_t *frame);
// client 0 = all. Sets the last error with `call` in front.
ovstream_result_t webrtc_send_message(struct webrtc *w, const char *call, uint64_t client, ovstream_string_t message);
unsigned webrtc_viewers(const struct webrtc *w);
void webrtc_set_at_rest(struct webrtc *w, bool at_rest);
void webrtc_set_bitrate(struct webrtc *w, uint32_t min_bps, uint32_t start_bps, uint32_t max_bps);
void webrtc_stats(struct webrtc *w, ovstream_ext_stats_t *out);
void webrtc_ports(const struct webrtc *w, uint16_t *signal_port, uint16_t *stream_port);

// ---------------------------------------------------------------------------------------- for signalling

#define SESSION_TOKEN_SIZE 33 // 128 random bits in hexadecimal, and NUL

enum offer_status { OFFER_OK, OFFER_MALFORMED, OFFER_UNSUPPORTED, OFFER_FULL, OFFER_FAILED };

struct offer_answer {
    enum offer_status status;
    char *sdp; // free() it; NULL unless OFFER_OK
    char token[SESSION_TOKEN_SIZE];
    char error[256]; // a sentence unless OFFER_OK
};

// Runs on the network thread; waits for it. user_agent may be NULL.
void webrtc_offer(struct webrtc *w, const char *sdp, size_t size, const char *user_agent, struct offer_answer *out);
bool webrtc_end_session(struct webrtc *w, const char *token, const char *reason); // false: no such session
// The WebSocket of a session is gone. With reports missing too, the page was closed; does not wait.
void webrtc_socket_lost(struct webrtc *w, const char *token);
void webrtc_ice_list(struct webrtc *w, struct ice_list *out);
