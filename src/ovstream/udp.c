#include "udp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "log.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif

#define BATCH 64            // datagrams in one call
#define GSO_MAX_BYTES 64000 // the kernel's limit is 65507 for IPv4, a little less for IPv6
#define SOCKET_BUFFER (4 << 20)

bool udp_open(struct udp_socket *s, const struct rtc_addr *address, char error[UDP_ERROR_SIZE])
{
    char text[RTC_ADDR_TEXT_SIZE];
    struct sockaddr_storage sa;
    *s     = (struct udp_socket) { .fd = -1, .v6 = address->family == 6, .gso = true };
    int fd = socket(s->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int off = 0, size = SOCKET_BUFFER;
    socklen_t length = (socklen_t)rtc_addr_to_sockaddr(address, false, &sa);
    if (fd >= 0 && s->v6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, length) < 0) {
        snprintf(error, UDP_ERROR_SIZE, "media port %u/UDP: cannot bind %s (%s)", address->port,
                 rtc_addr_format(address, text), strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    // Room for a key frame in one burst. The system may grant less.
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    length = sizeof(sa);
    struct rtc_addr bound;
    if (getsockname(fd, (struct sockaddr *)&sa, &length) == 0 && rtc_addr_from_sockaddr(&bound, (struct sockaddr *)&sa))
        s->port = bound.port;
    s->fd = fd;
    return true;
}

void udp_close(struct udp_socket *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

// ------------------------------------------------------------------------------------------------- sending

// Messages of one sendmmsg, and all that they point at.
struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_storage addresses[BATCH];
    struct {
        _Alignas(struct cmsghdr) char data[CMSG_SPACE(sizeof(uint16_t))];
    } control[BATCH];
    size_t segments[BATCH]; // datagrams in each message
    unsigned count;
};

// How many datagrams from the first on can leave as one segmented message: equal address and size, a smaller last one.
static size_t run_length(const struct udp_socket *s, const struct rtc_datagram *d, size_t count)
{
    size_t n = 1, bytes = d[0].size;
    if (!s->gso)
        return 1;
    while (n < count && d[n].size <= d[0].size && bytes + d[n].size <= GSO_MAX_BYTES && rtc_addr_equal(&d[n].to, &d[0].to)) {
        bytes += d[n].size;
        n++;
        if (d[n - 1].size < d[0].size)
            break;
    }
    return n;
}

static void add_message(struct batch *b, const struct udp_socket *s, const struct rtc_datagram *d, size_t n,
                        struct iovec *vectors)
{
    struct msghdr *m = &b->messages[b->count].msg_hdr;
    memset(m, 0, sizeof(*m));
    for (size_t i = 0; i < n; i++)
        vectors[i] = (struct iovec) { (void *)(uintptr_t)d[i].data, d[i].size };
    m->msg_iov     = vectors;
    m->msg_iovlen  = n;
    m->msg_name    = &b->addresses[b->count];
    m->msg_namelen = (socklen_t)rtc_addr_to_sockaddr(&d[0].to, s->v6, &b->addresses[b->count]);
    if (n > 1) {
        uint16_t segment   = (uint16_t)d[0].size;
        m->msg_control     = b->control[b->count].data;
        m->msg_controllen  = CMSG_SPACE(sizeof(segment));
        struct cmsghdr *cm = CMSG_FIRSTHDR(m);
        cm->cmsg_level     = SOL_UDP;
        cm->cmsg_type      = UDP_SEGMENT;
        cm->cmsg_len       = CMSG_LEN(sizeof(segment));
        memcpy(CMSG_DATA(cm), &segment, sizeof(segment));
    }
    b->segments[b->count++] = n;
}

// Send datagrams one by one: for what a segmented message could not carry.
static void send_singly(struct udp_socket *s, const struct rtc_datagram *d, size_t count)
{
    struct sockaddr_storage sa;
    for (size_t i = 0; i < count; i++) {
        socklen_t n = (socklen_t)rtc_addr_to_sockaddr(&d[i].to, s->v6, &sa);
        if (sendto(s->fd, d[i].data, d[i].size, MSG_DONTWAIT, (struct sockaddr *)&sa, n) < 0)
            s->lost++;
    }
}

static void flush_batch(struct udp_socket *s, struct batch *b, const struct rtc_datagram *d)
{
    unsigned at = 0;
    while (at < b->count) {
        int n = sendmmsg(s->fd, b->messages + at, b->count - at, MSG_DONTWAIT);
        for (int i = 0; i < n; i++)
            d += b->segments[at++];
        if (n > 0)
            continue;
        if (errno == EINTR)
            continue;
        if (b->segments[at] > 1 && (errno == EIO || errno == EINVAL || errno == EMSGSIZE || errno == ENOPROTOOPT)) {
            if (s->gso)
                log_info("webrtc", "UDP segmentation is not available here (%s)", strerror(errno));
            s->gso = false;
            send_singly(s, d, b->segments[at]);
        } else {
            s->lost += b->segments[at]; // a full buffer or an unreachable address: lost, as on any network
        }
        d += b->segments[at++];
    }
}

void udp_send(struct udp_socket *s, const struct rtc_datagram *datagrams, size_t count)
{
    struct batch b;
    while (count) {
        const struct rtc_datagram *first = datagrams;
        size_t vectors                   = 0;
        b.count                          = 0;
        while (count && vectors < BATCH) {
            size_t room = BATCH - vectors;
            size_t n    = run_length(s, datagrams, count < room ? count : room);
            add_message(&b, s, datagrams, n, b.vectors + vectors);
            vectors += n;
            datagrams += n;
            count -= n;
        }
        flush_batch(s, &b, first);
    }
}

// ------------------------------------------------------------------------------------------------- receiving

bool udp_receive(struct udp_socket *s, size_t budget,
                 void (*fn)(void *user, const uint8_t *data, size_t size, const struct rtc_addr *from), void *user)
{
    enum { RECEIVE_BATCH = 16, RECEIVE_SIZE = 2048 };
    uint8_t data[RECEIVE_BATCH][RECEIVE_SIZE];
    struct sockaddr_storage from[RECEIVE_BATCH];
    struct mmsghdr messages[RECEIVE_BATCH];
    struct iovec vectors[RECEIVE_BATCH];
    while (budget) {
        unsigned want = budget < RECEIVE_BATCH ? (unsigned)budget : RECEIVE_BATCH;
        memset(messages, 0, sizeof(messages));
        for (unsigned i = 0; i < want; i++) {
            vectors[i]                      = (struct iovec) { data[i], RECEIVE_SIZE };
            messages[i].msg_hdr.msg_iov     = &vectors[i];
            messages[i].msg_hdr.msg_iovlen  = 1;
            messages[i].msg_hdr.msg_name    = &from[i];
            messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
        }
        int n = recvmmsg(s->fd, messages, want, MSG_DONTWAIT, NULL);
        // An error here is a report about an earlier datagram (port unreachable); the next call goes on.
        if (n <= 0)
            return n < 0 && errno != EAGAIN && errno != EWOULDBLOCK ? false : true;
        for (int i = 0; i < n; i++) {
            struct rtc_addr a;
            bool whole = !(messages[i].msg_hdr.msg_flags & MSG_TRUNC);
            if (whole && rtc_addr_from_sockaddr(&a, (struct sockaddr *)&from[i]))
                fn(user, data[i], messages[i].msg_len, &a);
        }
        if ((unsigned)n < want)
            return true;
        budget -= (unsigned)n;
    }
    return false;
}
