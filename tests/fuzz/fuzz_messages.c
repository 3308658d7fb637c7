// What a client may send as a message: whatever the bytes, decoding stays inside its limits, and what is
// encoded again fits the cap and parses.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); // reads past the end are seen
    memcpy(exact, data, size);
    bool framed;
    const char *why;
    json_t *message = protocol_decode(exact, size, &framed, &why);
    free(exact);
    if (!message)
        return 0;
    json_t *payload = json_object_get(message, "payload");
    assert(json_is_string(json_object_get(message, "event_type")) && json_is_object(payload));
    char path[64];
    if (protocol_prim_path(json_object_get(payload, "prim_path"), path, sizeof(path)))
        assert(path[0] == '/' && (path[1] == '\0' || path[strlen(path) - 1] != '/'));
    for (int i = 0; i < 2; i++) {
        size_t length = 0;
        char *text    = protocol_encode("x", payload, i, i ? 0 : 2000, &length);
        assert(text && length == strlen(text) && length <= PROTOCOL_CAP && (i || length <= 2000));
        bool again;
        json_t *back = protocol_decode(text, length, &again, &why);
        // Framing adds a level, and trimming marks: only what nests near the limit may be refused.
        assert(!back || again == (i != 0));
        json_decref(back);
        free(text);
    }
    json_decref(message);
    return 0;
}
