/*
 * Consumers of device-memory streams, as 0.4.0 and 0.4.1 declare them; ovstream_client.h replaces this since 0.4.2.
 * Needs no ovstream_initialize.
 */
#ifndef OVSTREAM_OVSTREAM_CUDASHM_CLIENT_H
#define OVSTREAM_OVSTREAM_CUDASHM_CLIENT_H

#include "ovstream_types.h"

#ifndef OVSTREAM_CUDASHM_CLIENT_API
#if defined(_WIN32) && defined(OVSTREAM_BUILD)
#define OVSTREAM_CUDASHM_CLIENT_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(OVSTREAM_CUDASHM_CLIENT_STATIC)
#define OVSTREAM_CUDASHM_CLIENT_API __declspec(dllimport)
#elif defined(__GNUC__)
#define OVSTREAM_CUDASHM_CLIENT_API __attribute__((visibility("default")))
#else
#define OVSTREAM_CUDASHM_CLIENT_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One attached consumer. */
typedef struct ovstream_cudashm_client_t ovstream_cudashm_client_t;

/* A view of the newest frame; the slot may be overwritten at any moment after the call that gave it. */
typedef struct ovstream_cudashm_frame_t {
    uintptr_t device_ptr;
    uint64_t sequence; /* jumps where frames were skipped */
    uint64_t capture_timestamp_ns;
    uint32_t width, height;
    uint32_t pitch_bytes;
    uint32_t format; /* OVSTREAM_SHM_FORMAT_BGRA8 */
    uint32_t slot_index;
} ovstream_cudashm_frame_t;

/* Attach. Fails at once when there is no producer (ERROR), so callers retry. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_create(ovstream_string_t stream_name,
    ovstream_cudashm_client_t **out_client);

/* Detach and free. Null is SUCCESS. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_destroy(ovstream_cudashm_client_t *client);

/*
 * Wait for a frame newer than the last one returned: 0 polls, negative waits for ever, positive is milliseconds.
 * TIMEOUT; INVALID_STATE when the producer is gone.
 */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_wait_frame(ovstream_cudashm_client_t *client, int32_t timeout_ms,
    ovstream_cudashm_frame_t *out_frame);

/* Does not block; false within about 100 ms of the producer's end. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_is_producer_alive(const ovstream_cudashm_client_t *client, bool *out_alive);

/* CUDA device that the producer's memory is on. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_get_producer_device(const ovstream_cudashm_client_t *client, int32_t *out_device);

/* Back to the server; any thread. Only as much of the event is read as its type needs. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_send_input_event(ovstream_cudashm_client_t *client,
    const ovstream_input_event_t *event);
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_send_message(ovstream_cudashm_client_t *client, ovstream_string_t message);
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_send_unicode(ovstream_cudashm_client_t *client, ovstream_string_t text);

/* Messages from the server; runs on a reader thread. Null clears. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_result_t ovstream_cudashm_client_set_message_callback(ovstream_cudashm_client_t *client,
    void (*callback)(ovstream_string_t message, void *user_data), void *user_data);

/* Why the calling thread's latest call failed; empty after a success. Good until the thread's next call. */
OVSTREAM_CUDASHM_CLIENT_API ovstream_string_t ovstream_get_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
