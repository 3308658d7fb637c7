// Data channels of one peer: SCTP (RFC 9260, RFC 8831) over usrsctp, opened by DCEP (RFC 8832).
//
// usrsctp is one machine per process and is not driven by threads of its own here: every call into it is made under one lock,
// what it wants to send is put into the association's queue, and only the owner of the association takes it out, in
// sctp_input, sctp_tick and sctp_send. So associations of several network threads do not meet.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

#define SCTP_MAX_CHANNELS 16
#define SCTP_SEND_BUFFER (1 << 20)
#define SCTP_QUEUE_LIMIT (1 << 20) // bytes of packets waiting for the owner
#define SCTP_PATH_MTU 1150         // with DTLS around it (37 bytes for AES-GCM) within RTC_MTU
#define SCTP_PORT 5000

struct sctp_events {
    void (*send)(void *user, const uint8_t *data, size_t size); // one SCTP packet, into DTLS
    void (*channel_open)(void *user, const struct rtc_channel_info *channel);
    void (*channel_close)(void *user, const struct rtc_channel_info *channel);
    void (*message)(void *user, const struct rtc_channel_info *channel, const void *data, size_t size, bool is_text);
};

enum sctp_state { SCTP_STATE_CONNECTING, SCTP_STATE_UP, SCTP_STATE_DOWN };

struct sctp_assoc; // one thread at a time

// Starts to connect at once (both sides do, RFC 8841 section 9.2). remote_port from the SDP, 0 = 5000.
int sctp_create(struct sctp_assoc **out, const struct sctp_events *events, void *user, uint16_t remote_port,
                int64_t now_us);
// Aborts the association: the ABORT goes through the send event.
void sctp_destroy(struct sctp_assoc **a);

void sctp_input(struct sctp_assoc *a, const uint8_t *data, size_t size, int64_t now_us);
// Timers of the process's usrsctp, then this association's output. Returns the next deadline.
int64_t sctp_tick(struct sctp_assoc *a, int64_t now_us);

// Opens a channel (tests, and a later client); it is usable at once.
int sctp_open(struct sctp_assoc *a, uint16_t stream, const char *label, bool ordered, int64_t now_us);
// Closes it by resetting its stream.
int sctp_close_channel(struct sctp_assoc *a, const char *label, int64_t now_us);
int sctp_send(struct sctp_assoc *a, const char *label, const void *data, size_t size, bool is_text, int64_t now_us);

enum sctp_state sctp_state(const struct sctp_assoc *a);
// Messages dropped: too large, unknown kind, no such channel, malformed DCEP.
uint64_t sctp_dropped(const struct sctp_assoc *a);
