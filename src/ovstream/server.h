// One server as the API sees it. What a transport adds while running is behind `webrtc`.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include <pthread.h>

#include "ice_config.h"
#include "origin.h"
#include "ovstream/ovstream.h"
#include "ovstream/ovstream_ext.h"

enum server_state { SERVER_CREATED, SERVER_RUNNING, SERVER_STOPPED };

struct server_callbacks {
    ovstream_connection_callback_t connection;
    ovstream_message_callback_t message;
    ovstream_input_callback_t input;
    ovstream_unicode_callback_t unicode;
    ovstream_ext_input_text_callback_t input_text;
    void *connection_user, *message_user, *input_user, *unicode_user, *input_text_user;
};

#define SERVER_ADDRESS_SIZE 64

struct server_settings { // of ovstream_ext.h
    char listen_address[SERVER_ADDRESS_SIZE]; // "" = default
    char allowed_origins[ORIGIN_LIST_SIZE];
    uint32_t min_bps, start_bps, max_bps;     // 0 = default
    bool at_rest, any_port;
};

struct webrtc;

struct ovstream_server_t {
    ovstream_server_type_t type;
    pthread_mutex_t lock; // everything below; never held while a callback runs or a thread is joined
    enum server_state state;
    struct server_callbacks callbacks;
    struct server_settings settings;
    struct ice_list ice;
    ovstream_server_config_t config; // of the run; its strings are not kept
    struct webrtc *webrtc;           // while running
};

// ovstream_stop without the check of the handle.
ovstream_result_t server_stop(ovstream_server_t *server);
