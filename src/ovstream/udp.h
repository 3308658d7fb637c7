// The media socket: one UDP port for all viewers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtc.h"

struct udp_socket {
    int fd;        // non-blocking
    uint16_t port; // in use
    bool v6;       // dual-stack: IPv4 addresses are written in mapped form
    bool gso;      // cleared when the kernel refuses segmentation
    uint64_t lost; // datagrams the system did not take
};

#define UDP_ERROR_SIZE 200

/**
 * Bind without address reuse, so that a second server on the port fails.
 *
 * @param port  0 = any.
 * @return      false with a sentence in error that names address and port.
 */
bool udp_open(struct udp_socket *s, const struct rtc_addr *address, char error[UDP_ERROR_SIZE]);
void udp_close(struct udp_socket *s); // fd < 0: nothing

// Runs of datagrams to one peer leave as one call (UDP_SEGMENT), all others in batches. Never blocks.
void udp_send(struct udp_socket *s, const struct rtc_datagram *datagrams, size_t count);

// Call fn for what has arrived, at most `budget` datagrams; false: there may be more.
bool udp_receive(struct udp_socket *s, size_t budget,
                 void (*fn)(void *user, const uint8_t *data, size_t size, const struct rtc_addr *from), void *user);
