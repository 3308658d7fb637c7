/*
 * The ovstream server API: one object per output, any mix of transports in one process.
 *
 *     ovstream_initialize(NULL);
 *     ovstream_create_server(OVSTREAM_SERVER_WEBRTC, &server);
 *     ovstream_config_defaults(&config);
 *     ovstream_start(server, &config);
 *     while (running) ovstream_stream_video(server, &frame);
 *     ovstream_stop(server); ovstream_destroy_server(server); ovstream_shutdown();
 *
 * Checks are made in this order: null handle, null pointer, "this transport never can", argument values, state, work.
 * Output parameters are written on success only. This library's own additions are in ovstream_ext.h.
 */
#ifndef OVSTREAM_OVSTREAM_H
#define OVSTREAM_OVSTREAM_H

#include "ovstream_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Version of the library at run time. Each pointer may be null. Works before ovstream_initialize. */
OVSTREAM_API void ovstream_get_version(uint32_t *o_major, uint32_t *o_minor, uint32_t *o_patch);

/*
 * Counted: each call needs one ovstream_shutdown. `config` may be null; its log settings count only on the first call.
 * The caller serialises initialise and shutdown. Cheap: encoders, CUDA and sockets come with the calls that need them.
 */
OVSTREAM_API ovstream_result_t ovstream_initialize(const ovstream_init_config_t *config);

/*
 * The last one stops servers still running (their handles stay destroyable) and drops the log callback.
 * INVALID_STATE for one call too many.
 */
OVSTREAM_API ovstream_result_t ovstream_shutdown(void);

/*
 * Opens nothing yet. INVALID_ARGUMENT: null output or unknown type. INVALID_STATE: before ovstream_initialize.
 * NOT_SUPPORTED: a transport that this build does not have; the error text names it.
 */
OVSTREAM_API ovstream_result_t ovstream_create_server(ovstream_server_type_t server_type,
                                                      ovstream_server_t **out_server);

/*
 * Stops a running server, waits for callbacks in progress, frees. Null is SUCCESS. INVALID_STATE from inside one of
 * this server's callbacks, and for a handle that was destroyed before.
 */
OVSTREAM_API ovstream_result_t ovstream_destroy_server(ovstream_server_t *server);

/*
 * Open the sockets and serve; the configuration is copied. May be called again after ovstream_stop, with another one.
 * INVALID_ARGUMENT, NOT_SUPPORTED: the configuration; INVALID_STATE: already running; ERROR: a port is taken, no
 * encoder, ... A failed start leaves nothing behind.
 */
OVSTREAM_API ovstream_result_t ovstream_start(ovstream_server_t *server, const ovstream_server_config_t *config);

/*
 * Report connected clients as gone, wait for callbacks in progress, close everything. INVALID_STATE when not running
 * or inside a callback of this server. May not overlap stream_video, stream_audio, send_message or a setter.
 */
OVSTREAM_API ovstream_result_t ovstream_stop(ovstream_server_t *server);

/*
 * Submit one frame, of the kind chosen by video_input at start. The buffer is free again on return. The newest frame
 * wins: one that the encoder has not begun with is replaced. Without a client the frame is accepted.
 * INVALID_ARGUMENT: sizes against the rules or other than at start. ERROR: CUDA or encoder failure. Any thread;
 * simultaneous calls are serialised.
 */
OVSTREAM_API ovstream_result_t ovstream_stream_video(ovstream_server_t *server, const ovstream_video_frame_t *frame);

/* Submit PCM. NOT_SUPPORTED where the transport carries no audio; the error text says so. */
OVSTREAM_API ovstream_result_t ovstream_stream_audio(ovstream_server_t *server, const ovstream_audio_frame_t *frame);

/* True when at least one client is connected. SUCCESS and false when the server is not running. */
OVSTREAM_API ovstream_result_t ovstream_is_client_connected(ovstream_server_t *server, bool *out_connected);

/* One callback of each kind; setting replaces, null clears. Only later events are delivered. Any state, any thread. */
OVSTREAM_API ovstream_result_t ovstream_set_connection_callback(ovstream_server_t *server,
                                                                ovstream_connection_callback_t callback,
                                                                void *user_data);
OVSTREAM_API ovstream_result_t ovstream_set_message_callback(ovstream_server_t *server,
                                                             ovstream_message_callback_t callback, void *user_data);
OVSTREAM_API ovstream_result_t ovstream_set_input_callback(ovstream_server_t *server,
                                                           ovstream_input_callback_t callback, void *user_data);
OVSTREAM_API ovstream_result_t ovstream_set_unicode_callback(ovstream_server_t *server,
                                                             ovstream_unicode_callback_t callback, void *user_data);

/*
 * Send UTF-8 text to every connected client, in order. At most 65535 bytes on WebRTC and native. SUCCESS when nobody
 * is connected. INVALID_ARGUMENT: empty or too long. NOT_SUPPORTED: RTSP.
 */
OVSTREAM_API ovstream_result_t ovstream_send_message(ovstream_server_t *server, ovstream_string_t message);

/*
 * Replace the STUN and TURN servers; null or count 0 clears. Used for clients that join from now on; connected ones keep
 * what they have. At most 4 STUN and 8 TURN entries, 3 URLs in each, 128 and 170 bytes per string. WebRTC and native.
 */
OVSTREAM_API ovstream_result_t ovstream_webrtc_set_ice_servers(ovstream_server_t *server,
                                                               const ovstream_webrtc_ice_config_t *config);

/* Overwrite `config` with the defaults of every transport. */
OVSTREAM_API ovstream_result_t ovstream_config_defaults(ovstream_server_config_t *config);

/*
 * Why the calling thread's latest call failed; empty after a success. Good until the thread's next call into the
 * library. Reading does not clear it.
 */
OVSTREAM_API ovstream_string_t ovstream_get_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
