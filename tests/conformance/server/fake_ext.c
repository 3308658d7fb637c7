// Stand-ins for the extensions of this project's libraries; found by name, as the server looks for them.
#include <stdatomic.h>
#include <string.h>

#include "fakes.h"
#include "ovrtx/ovrtx.h"
#include "ovrtx/ovrtx_ext.h"
#include "ovstream/ovstream_ext.h"

#define SEEN __attribute__((visibility("default")))

// Steps since something was written, after which the picture is good.
#define STEPS_TO_CONVERGE 40

SEEN ovrtx_result_t ovrtx_ext_get_product_stats(ovrtx_renderer_t *r, ovx_string_t product, ovrtx_ext_product_stats_t *out)
{
    (void)r, (void)product;
    size_t steps = 0;
    for (size_t i = fake_event_count(); i-- > 0;) {
        char text[200];
        fake_event(i, text, sizeof(text), NULL, NULL);
        if (!strcmp(text, "step"))
            steps++;
        if (!strncmp(text, "xform", 5) || !strncmp(text, "write", 5) || !strncmp(text, "open", 4) || steps > STEPS_TO_CONVERGE)
            break;
    }
    out->samples          = (uint32_t)steps;
    out->resolution_scale = 1;
    out->converged        = steps >= STEPS_TO_CONVERGE;
    return (ovrtx_result_t) { OVRTX_API_SUCCESS };
}

SEEN ovrtx_result_t ovrtx_ext_set_frame_budget(ovrtx_renderer_t *r, ovx_string_t product, double milliseconds)
{
    (void)r, (void)product;
    fake_record("budget %.1f", milliseconds);
    return (ovrtx_result_t) { OVRTX_API_SUCCESS };
}

SEEN ovrtx_result_t ovrtx_ext_select_outputs(ovrtx_renderer_t *r, ovx_string_t product, const ovx_string_t *names, size_t count)
{
    (void)r, (void)product;
    fake_record("outputs %zu %.*s", count, count ? (int)names[0].length : 0, count ? names[0].ptr : "");
    return (ovrtx_result_t) { OVRTX_API_SUCCESS };
}

SEEN ovstream_result_t ovstream_ext_set_listen_address(ovstream_server_t *s, ovstream_string_t address)
{
    (void)s;
    fake_record("listen %.*s", (int)address.length, address.ptr);
    return (ovstream_result_t) { OVSTREAM_API_SUCCESS };
}

SEEN ovstream_result_t ovstream_ext_hint_static(ovstream_server_t *s, bool at_rest)
{
    (void)s;
    fake_record("rest %d", at_rest);
    return (ovstream_result_t) { OVSTREAM_API_SUCCESS };
}

static atomic_ullong client = 1;
void fake_client(uint64_t id) { atomic_store(&client, id); }

SEEN uint64_t ovstream_ext_current_client(ovstream_server_t *s)
{
    (void)s;
    return atomic_load(&client);
}

SEEN ovstream_result_t ovstream_ext_send_message_to(ovstream_server_t *s, uint64_t to, ovstream_string_t message)
{
    fake_record("to %d %.*s", (int)to, (int)(message.length < 60 ? message.length : 60), message.ptr);
    return ovstream_send_message(s, message);
}
