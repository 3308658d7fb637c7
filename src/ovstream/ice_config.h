// The list of STUN and TURN servers (contract section 10). The server hands it to browsers; it uses none itself.
#pragma once

#include <stddef.h>

#include "ovstream/ovstream_types.h"

#define ICE_MAX_STUN 4
#define ICE_MAX_TURN 8
#define ICE_MAX_URLS 3
#define ICE_MAX_STUN_TEXT 128
#define ICE_MAX_TURN_TEXT 170

struct ice_entry {
    char urls[ICE_MAX_URLS][ICE_MAX_TURN_TEXT + 1];
    size_t url_count;
    char username[ICE_MAX_TURN_TEXT + 1], credential[ICE_MAX_TURN_TEXT + 1];
};

struct ice_list {
    struct ice_entry entries[ICE_MAX_STUN + ICE_MAX_TURN];
    size_t count;
};

// Check and copy; config NULL or empty clears. On failure *out is unchanged and the last error says why.
ovstream_result_t ice_list_set(struct ice_list *out, const ovstream_webrtc_ice_config_t *config);
