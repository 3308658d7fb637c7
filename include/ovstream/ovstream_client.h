/*
 * Consumers of shared-memory and native streams (0.4.2 and later). Needs no ovstream_initialize.
 */
#ifndef OVSTREAM_OVSTREAM_CLIENT_H
#define OVSTREAM_OVSTREAM_CLIENT_H

#include "ovstream_types.h"

#ifndef OVSTREAM_CLIENT_API
#if defined(_WIN32) && defined(OVSTREAM_BUILD)
#define OVSTREAM_CLIENT_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(OVSTREAM_CLIENT_STATIC)
#define OVSTREAM_CLIENT_API __declspec(dllimport)
#elif defined(__GNUC__)
#define OVSTREAM_CLIENT_API __attribute__((visibility("default")))
#else
#define OVSTREAM_CLIENT_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ovstream_client_type_t {
    OVSTREAM_CLIENT_SHM     = 0,
    OVSTREAM_CLIENT_CUDASHM = 1,
    OVSTREAM_CLIENT_NATIVE  = 2,
} ovstream_client_type_t;

/* One attached consumer. */
typedef struct ovstream_client_t ovstream_client_t;

/* Only the part of the chosen type is read. */
typedef struct ovstream_client_config_t {
    struct {
        ovstream_string_t stream_name;
    } shm;
    struct {
        ovstream_string_t stream_name;
    } cudashm;
    struct {
        ovstream_string_t server_ip; /* host name or IPv4 address */
        uint16_t stream_port;        /* 0 is 47999 */
        uint16_t signal_port;        /* 0 is 49100 */
        int32_t cuda_device;         /* negative is device 0 */
    } native;
} ovstream_client_config_t;

/* A view of the newest frame; shared-memory slots may be overwritten at any moment after the call that gave it. */
typedef struct ovstream_frame_t {
    ovstream_client_type_t source;
    const void *data;     /* host pixels of SHM and NATIVE, else null */
    uintptr_t device_ptr; /* device pixels of CUDASHM, else 0 */
    uint64_t sequence;    /* jumps where frames were skipped */
    uint64_t capture_timestamp_ns;
    uint32_t width, height;
    uint32_t pitch_bytes; /* distance of two rows; not always width * 4 */
    uint32_t format;      /* OVSTREAM_PIXEL_FORMAT_BGRA8 */
    uint32_t slot_index;  /* CUDASHM */
} ovstream_frame_t;

/*
 * Attach. Fails at once when there is no producer (ERROR), so callers retry. INVALID_ARGUMENT: null, unknown type,
 * an empty required string.
 */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_create_client(ovstream_client_type_t type,
    const ovstream_client_config_t *config, ovstream_client_t **out_client);

/* Detach and free. Null is SUCCESS. */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_destroy_client(ovstream_client_t *client);

/*
 * Wait for a frame newer than the last one returned: 0 polls, negative waits for ever, positive is milliseconds.
 * TIMEOUT; INVALID_STATE when the producer is gone.
 */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_wait_frame(ovstream_client_t *client, int32_t timeout_ms,
    ovstream_frame_t *out_frame);

/* Does nothing; kept so that programs can pair it with wait_frame. */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_release_frame(ovstream_client_t *client);

/* Does not block; false within about 100 ms of the producer's end. */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_is_alive(const ovstream_client_t *client, bool *out_alive);

/* CUDA device that the producer's memory is on. NOT_SUPPORTED for SHM. */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_get_producer_device(const ovstream_client_t *client, int32_t *out_device);

/* Back to the server; any thread. Only as much of the event is read as its type needs. */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_send_input_event(ovstream_client_t *client,
    const ovstream_input_event_t *event);
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_send_message(ovstream_client_t *client, ovstream_string_t message);
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_send_unicode(ovstream_client_t *client, ovstream_string_t text);

/* Messages from the server; runs on a reader thread. Null clears. */
OVSTREAM_CLIENT_API ovstream_result_t ovstream_client_set_message_callback(ovstream_client_t *client,
    void (*callback)(ovstream_string_t message, void *user_data), void *user_data);

/* Why the calling thread's latest call failed; empty after a success. Good until the thread's next call. */
OVSTREAM_CLIENT_API ovstream_string_t ovstream_get_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
