#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fakes.h"
#include "ovx/dlpack/dlpack.h"

struct fake_stream fake_stream;

struct ovstream_server_t {
    ovstream_connection_callback_t connection;
    ovstream_message_callback_t message;
    ovstream_input_callback_t input;
    void *connection_user, *message_user, *input_user;
    bool running;
};

static struct ovstream_server_t the_server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char **sent;
static size_t sent_count;
static uint8_t *last_copy;
static const uint8_t *last_buffer;
static size_t last_size;
static int last_width;
static bool opaque = true, torn;
static int64_t last_submit_ns, largest_gap_ns;

static ovstream_result_t result(bool good) { return (ovstream_result_t) { good ? OVSTREAM_API_SUCCESS : OVSTREAM_API_ERROR }; }

void fake_reset_stream(void);
void fake_reset_stream(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sent_count; i++)
        free(sent[i]);
    free(sent);
    free(last_copy);
    sent        = NULL;
    last_copy   = NULL;
    last_buffer = NULL;
    sent_count = last_size = 0;
    opaque         = true;
    torn           = false;
    last_submit_ns = largest_gap_ns = 0;
    fake_stream    = (struct fake_stream) { 0 };
    the_server     = (struct ovstream_server_t) { 0 };
    pthread_mutex_unlock(&lock);
}

void ovstream_get_version(uint32_t *major, uint32_t *minor, uint32_t *patch) { *major = 0, *minor = 4, *patch = 3; }
ovstream_string_t ovstream_get_last_error(void) { return OVSTREAM_STRING_LITERAL("stand-in: refused"); }

ovstream_result_t ovstream_initialize(const ovstream_init_config_t *config)
{
    (void)config;
    fake_record("stream-initialize");
    return result(true);
}

ovstream_result_t ovstream_shutdown(void)
{
    fake_record("stream-shutdown");
    return result(true);
}

ovstream_result_t ovstream_config_defaults(ovstream_server_config_t *config)
{
    *config = (ovstream_server_config_t) { .width = 1920, .height = 1080, .target_fps = 60, .cuda_device = -1 };
    return result(true);
}

ovstream_result_t ovstream_create_server(ovstream_server_type_t type, ovstream_server_t **out)
{
    fake_record("create-server %d", (int)type);
    *out = &the_server;
    return result(true);
}

ovstream_result_t ovstream_destroy_server(ovstream_server_t *s)
{
    (void)s;
    fake_record("destroy-server");
    return result(true);
}

ovstream_result_t ovstream_set_connection_callback(ovstream_server_t *s, ovstream_connection_callback_t callback, void *user)
{
    fake_record("set-connection");
    s->connection      = callback;
    s->connection_user = user;
    return result(true);
}

ovstream_result_t ovstream_set_message_callback(ovstream_server_t *s, ovstream_message_callback_t callback, void *user)
{
    fake_record("set-message");
    s->message      = callback;
    s->message_user = user;
    return result(true);
}

ovstream_result_t ovstream_set_input_callback(ovstream_server_t *s, ovstream_input_callback_t callback, void *user)
{
    fake_record("set-input");
    s->input      = callback;
    s->input_user = user;
    return result(true);
}

ovstream_result_t ovstream_start(ovstream_server_t *s, const ovstream_server_config_t *c)
{
    fake_record("start %ux%u fps=%u input=%d signal=%u media=%u", c->width, c->height, c->target_fps, (int)c->video_input,
                c->webrtc.signal_port, c->stream_port);
    if (fake_stream.fail_start)
        return result(false);
    s->running = true;
    if (fake_stream.connect_in_start && s->connection) { // a client that is faster than the caller
        s->connection(s, true, s->connection_user);
        ovstream_string_t query = OVSTREAM_STRING_LITERAL("{\"event_type\":\"loadingStateQuery\",\"payload\":{}}");
        s->message(s, query, s->message_user);
    }
    return result(true);
}

ovstream_result_t ovstream_stop(ovstream_server_t *s)
{
    fake_record("stop");
    s->running = false;
    return result(true);
}

ovstream_result_t ovstream_stream_video(ovstream_server_t *s, const ovstream_video_frame_t *frame)
{
    (void)s;
    const DLTensor *t = frame->buffer;
    size_t size       = (size_t)t->shape[0] * (size_t)t->shape[1] * 4;
    int64_t now       = clock_mono_ns();
    pthread_mutex_lock(&lock);
    // An encoder may read the last buffer until this call returns.
    if (last_copy && last_size == size && memcmp(last_copy, last_buffer, size) != 0)
        torn = true;
    if (last_size != size) {
        free(last_copy);
        last_copy = malloc(size);
        last_size = size;
    }
    memcpy(last_copy, t->data, size);
    last_buffer = t->data;
    last_width  = (int)t->shape[1];
    for (size_t i = 3; i < size && opaque; i += 4)
        opaque = last_copy[i] == 255;
    if (last_submit_ns && now - last_submit_ns > largest_gap_ns)
        largest_gap_ns = now - last_submit_ns;
    last_submit_ns = now;
    pthread_mutex_unlock(&lock);
    fake_record("frame %ux%u pitch=%u shape=%d,%d,%d bits=%d device=%d", frame->width, frame->height, frame->pitch_bytes,
                (int)t->shape[0], (int)t->shape[1], (int)t->shape[2], t->dtype.bits, (int)t->device.device_type);
    return result(!fake_stream.fail_video);
}

ovstream_result_t ovstream_send_message(ovstream_server_t *s, ovstream_string_t message)
{
    (void)s;
    pthread_mutex_lock(&lock);
    sent               = realloc(sent, (sent_count + 1) * sizeof(*sent));
    sent[sent_count++] = strndup(message.ptr, message.length);
    pthread_mutex_unlock(&lock);
    return result(true);
}

// ---------------------------------------------------------------------------------------------------

bool fake_running(void) { return the_server.running; }

void fake_connect(bool connected) { the_server.connection(&the_server, connected, the_server.connection_user); }

void fake_message_bytes(const char *data, size_t size)
{
    the_server.message(&the_server, (ovstream_string_t) { data, size }, the_server.message_user);
}

void fake_message(const char *text) { fake_message_bytes(text, strlen(text)); }
void fake_input(const ovstream_input_event_t *event) { the_server.input(&the_server, event, the_server.input_user); }

size_t fake_sent_count(void)
{
    pthread_mutex_lock(&lock);
    size_t n = sent_count;
    pthread_mutex_unlock(&lock);
    return n;
}

char *fake_sent_text(size_t i)
{
    pthread_mutex_lock(&lock);
    char *copy = i < sent_count ? strdup(sent[i]) : NULL;
    pthread_mutex_unlock(&lock);
    return copy;
}

json_t *fake_wait_sent(const char *event_type, size_t *from, int timeout_ms)
{
    int64_t until = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        for (char *text; (text = fake_sent_text(*from));) {
            json_t *m = json_loads(text, 0, NULL);
            free(text);
            (*from)++;
            const char *inner = json_string_value(json_object_get(m, "data")); // the outer frame
            if (inner) {
                json_t *unwrapped = json_loads(inner, 0, NULL);
                json_decref(m);
                m = unwrapped;
            }
            const char *type = json_string_value(json_object_get(m, "event_type"));
            if (type && !strcmp(type, event_type))
                return m;
            json_decref(m);
        }
        if (clock_mono_ns() > until)
            return NULL;
        clock_sleep_until_ns(clock_mono_ns() + 2000000);
    }
}

uint32_t fake_pixel(int x, int y)
{
    uint32_t v = 0;
    pthread_mutex_lock(&lock);
    if (last_copy)
        memcpy(&v, last_copy + ((size_t)y * (size_t)last_width + (size_t)x) * 4, 4);
    pthread_mutex_unlock(&lock);
    return v;
}

bool fake_all_opaque(void) { return opaque; }
bool fake_torn(void) { return torn; }

int64_t fake_largest_gap_ns(void)
{
    pthread_mutex_lock(&lock);
    int64_t now = clock_mono_ns(), gap = largest_gap_ns;
    if (last_submit_ns && now - last_submit_ns > gap)
        gap = now - last_submit_ns;
    largest_gap_ns = 0;
    pthread_mutex_unlock(&lock);
    return gap;
}
