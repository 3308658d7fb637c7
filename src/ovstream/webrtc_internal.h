// A WebRTC server's insides, shared by webrtc*.c: webrtc.c has the threads and queues, webrtc_events.c what the protocol core
// reports, webrtc_commands.c what other threads ask for, webrtc_stats.c the figures.
#pragma once

#include <stdatomic.h>

#include <pthread.h>

#include "log.h"
#include "rtc.h"
#include "session.h"
#include "udp.h"
#include "video.h"
#include "webrtc.h"

#define WEBRTC_DEFAULT_MIN_BPS 300000
#define WEBRTC_DEFAULT_MAX_BPS 50000000
#define WEBRTC_RETRY_US 5000 // messages that wait for room in a channel
#define CHANNEL "webrtc"

struct dispatcher;
struct signaller;

// Something another thread wants done on the network thread.
struct command {
    struct command *next;
    void (*run)(struct webrtc *w, struct command *c, int64_t now_us);
    bool waited, done; // waited: lives on the caller's stack; otherwise freed after run
};

struct webrtc {
    ovstream_server_t *server;
    uint32_t width, height;
    uint16_t signal_port;
    struct udp_socket udp;
    rtc_endpoint *endpoint;
    struct dispatcher *dispatcher;
    _Atomic(struct signaller *) signaller; // cleared before it stops
    struct video *video;

    pthread_t thread;
    bool has_thread;
    int wake_fd;
    pthread_mutex_t lock; // the queues and the snapshot
    pthread_cond_t done;
    struct command *commands, **commands_tail;
    struct access_unit *units, **units_tail;
    unsigned unit_count;
    size_t message_bytes;
    bool quit;
    ovstream_ext_stats_t snapshot;

    // Network thread only.
    struct session *sessions;
    uint64_t last_id, total, failed;
    uint32_t min_bps, max_bps, target_bps;
    uint64_t input_records, input_dropped, messages_received, messages_sent;
    float submit_to_send_ms;
    int64_t stats_due_us, retry_us;
    atomic_uint viewers;
};

// Any thread. Freed after it ran.
void webrtc_post(struct webrtc *w, struct command *c);
// Any thread but the network thread: waits until it ran. On the caller's stack.
void webrtc_call(struct webrtc *w, struct command *c);

// Network thread from here on.
extern const struct rtc_events webrtc_rtc_events;
void webrtc_apply_bitrate(struct webrtc *w); // from the viewers' estimates to the encoder
void webrtc_refresh_stats(struct webrtc *w, int64_t now_us);
