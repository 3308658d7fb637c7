// The consumer half of the API, in its three families. Attaching is not built yet, so no handle exists: a create call
// checks its arguments and says so, the others refuse every handle that is not null.
#include <stdbool.h>

#include "ovstream/ovstream_client.h"
#include "ovstream/ovstream_cudashm_client.h"
#include "ovstream/ovstream_shm_client.h"
#include "result.h"

static bool empty(ovstream_string_t s) { return !s.ptr || !s.length; }

static ovstream_result_t refuse_handle(const char *call, const void *client)
{
    return fail_argument("%s: %s", call, client ? "no such client" : "client is null");
}

// ------------------------------------------------------------------------------------------------- 0.4.2 and later

ovstream_result_t ovstream_create_client(ovstream_client_type_t type, const ovstream_client_config_t *config,
                                         ovstream_client_t **out_client)
{
    static const char name[] = "ovstream_create_client";
    if (!config || !out_client)
        return fail_argument("%s: %s is null", name, config ? "out_client" : "config");
    switch (type) {
    case OVSTREAM_CLIENT_SHM:
        if (empty(config->shm.stream_name))
            return fail_argument("%s: shm.stream_name is empty", name);
        return fail_support("%s: SHM consumers are not built into this library yet", name);
    case OVSTREAM_CLIENT_CUDASHM:
        if (empty(config->cudashm.stream_name))
            return fail_argument("%s: cudashm.stream_name is empty", name);
        return fail_support("%s: CUDASHM consumers are not built into this library yet", name);
    case OVSTREAM_CLIENT_NATIVE:
        if (empty(config->native.server_ip))
            return fail_argument("%s: native.server_ip is empty", name);
        return fail_support("%s: native consumers are not built into this library yet", name);
    }
    return fail_argument("%s: unknown client type (%d)", name, (int)type);
}

static ovstream_result_t create_named(const char *call, ovstream_string_t stream_name, const void *out_client,
                                      const char *kind)
{
    if (!out_client)
        return fail_argument("%s: out_client is null", call);
    if (empty(stream_name))
        return fail_argument("%s: stream_name is empty", call);
    return fail_support("%s: %s consumers are not built into this library yet", call, kind);
}

ovstream_result_t ovstream_shm_client_create(ovstream_string_t stream_name, ovstream_shm_client_t **out_client)
{
    return create_named("ovstream_shm_client_create", stream_name, out_client, "SHM");
}

ovstream_result_t ovstream_cudashm_client_create(ovstream_string_t stream_name, ovstream_cudashm_client_t **out_client)
{
    return create_named("ovstream_cudashm_client_create", stream_name, out_client, "CUDASHM");
}

// ------------------------------------------------------------------------------------------------- calls on handles

#define DESTROY(function, handle)                                                    \
    ovstream_result_t function(handle *client)                                       \
    {                                                                                \
        return client ? refuse_handle(#function, client) : result_ok();              \
    }
#define REFUSE(function, handle, ...)                                                \
    ovstream_result_t function(handle *client, __VA_ARGS__)                          \
    {                                                                                \
        return refuse_handle(#function, client);                                     \
    }
#define REFUSE_ALONE(function, handle)                                               \
    ovstream_result_t function(handle *client)                                       \
    {                                                                                \
        return refuse_handle(#function, client);                                     \
    }
#define BACK_CHANNEL(prefix, handle)                                                                     \
    REFUSE(prefix##_send_input_event, handle, const ovstream_input_event_t *event)                       \
    REFUSE(prefix##_send_message, handle, ovstream_string_t message)                                     \
    REFUSE(prefix##_send_unicode, handle, ovstream_string_t text)                                        \
    REFUSE(prefix##_set_message_callback, handle,                                                        \
           void (*callback)(ovstream_string_t message, void *user_data), void *user_data)

DESTROY(ovstream_destroy_client, ovstream_client_t)
REFUSE(ovstream_client_wait_frame, ovstream_client_t, int32_t timeout_ms, ovstream_frame_t *out_frame)
REFUSE_ALONE(ovstream_client_release_frame, ovstream_client_t)
REFUSE(ovstream_client_is_alive, const ovstream_client_t, bool *out_alive)
REFUSE(ovstream_client_get_producer_device, const ovstream_client_t, int32_t *out_device)
BACK_CHANNEL(ovstream_client, ovstream_client_t)

DESTROY(ovstream_shm_client_destroy, ovstream_shm_client_t)
REFUSE(ovstream_shm_client_wait_frame, ovstream_shm_client_t, int32_t timeout_ms, ovstream_shm_frame_t *out_frame)
REFUSE_ALONE(ovstream_shm_client_release_frame, ovstream_shm_client_t)
REFUSE(ovstream_shm_client_is_producer_alive, const ovstream_shm_client_t, bool *out_alive)
BACK_CHANNEL(ovstream_shm_client, ovstream_shm_client_t)

DESTROY(ovstream_cudashm_client_destroy, ovstream_cudashm_client_t)
REFUSE(ovstream_cudashm_client_wait_frame, ovstream_cudashm_client_t, int32_t timeout_ms,
       ovstream_cudashm_frame_t *out_frame)
REFUSE(ovstream_cudashm_client_is_producer_alive, const ovstream_cudashm_client_t, bool *out_alive)
REFUSE(ovstream_cudashm_client_get_producer_device, const ovstream_cudashm_client_t, int32_t *out_device)
BACK_CHANNEL(ovstream_cudashm_client, ovstream_cudashm_client_t)
