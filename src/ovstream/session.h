// One client of a WebRTC server. Network thread only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"
#include "webrtc.h"

#define SESSION_MAX_BACKLOG_BYTES (4u << 20)
#define SESSION_SILENT_US 500000 // without a report: probably gone, and no longer to be waited for
#define SESSION_CLOSED_US 2000000 // without a report and without its WebSocket: the page was closed
#define SESSION_CHANNEL_WAIT_US 10000000 // a client without a "messages" channel by then has none

struct message {
    struct message *next;
    size_t size;
    char text[];
};

struct session {
    struct session *next;
    rtc_peer *peer;
    uint64_t id;
    char token[SESSION_TOKEN_SIZE];
    bool connected, channel_open, backlog_reported, socket_lost;
    int64_t connected_us;
    uint32_t target_bps, keyframe_requests;
    uint64_t feedback_count;  // reports of the client so far
    int64_t last_feedback_us; // when that last grew
    // Messages that wait for the channel to open, or for room in it.
    struct message *head, **tail;
    size_t backlog_bytes;
};

struct session *session_create(uint64_t id); // NULL: out of memory
void session_destroy(struct session **s);

// Look for reports of the client. Call it a few times a second.
void session_note_feedback(struct session *s, const struct rtc_peer_stats *stats, int64_t now_us);
bool session_is_silent(const struct session *s, int64_t now_us);

// Queue text and send what can be sent. false: the client is too slow or has no channel, and the text is lost.
bool session_send(struct session *s, const char *text, size_t size, int64_t now_us);
// Send what waits. true when something still waits for room.
bool session_flush(struct session *s, int64_t now_us);
