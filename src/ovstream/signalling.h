// Signalling on the TCP port, docs/signalling.md: WHEP and a WebSocket, on a thread of its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rtc.h"

struct webrtc;
struct signaller;

#define SIGNAL_ERROR_SIZE 256

// NULL with the system's text in error ("Address already in use"). allowed_origins: see origin.h; copied.
struct signaller *signaller_start(struct webrtc *w, const struct rtc_addr *bind, const char *allowed_origins,
                                  uint16_t *port, char error[SIGNAL_ERROR_SIZE]);
// Closes every connection. The network thread must still run.
void signaller_stop(struct signaller **s);

// Tell the WebSocket of a session that it has ended. Any thread; does not wait.
void signaller_session_closed(struct signaller *s, const char *token, const char *reason);
