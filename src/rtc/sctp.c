#include "sctp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <usrsctp.h>

#include "array.h"
#include "cursor.h"
#include "hash.h"
#include "log.h"

#define CHANNEL "rtc.sctp"

// Payload protocol identifiers, RFC 8831 section 8.
#define PPID_DCEP 50
#define PPID_TEXT 51
#define PPID_BINARY 53
#define PPID_TEXT_EMPTY 56
#define PPID_BINARY_EMPTY 57

#define DCEP_ACK 2
#define DCEP_OPEN 3

#define QUEUE_READY (4 * (RTC_MAX_DATAGRAM + 2)) // what one tick of input and answers takes, without growing

#define BUSY_TICK_US 10000 // usrsctp's own tick
#define IDLE_TICK_US 50000

struct channel {
    bool used;
    uint16_t stream;
    bool unordered;
    uint16_t policy; // partial reliability: SCTP_PR_SCTP_NONE, _RTX, _TTL
    uint32_t policy_value;
    char label[65], protocol[65];
};

struct sctp_assoc {
    const struct sctp_events *events;
    void *user;
    uintptr_t id; // what usrsctp takes for an address: it ends up in cookies, so it is never a pointer
    struct socket *socket;
    enum sctp_state state;
    struct channel channels[SCTP_MAX_CHANNELS];
    struct { ARRAY_OF(uint8_t); } out;     // packets as 16-bit size and bytes; under the lock
    struct { ARRAY_OF(uint8_t); } sending; // the owner's, swapped with `out`
    struct { ARRAY_OF(uint8_t); } message; // being put together
    bool message_bad;
    bool draining;
    uint64_t dropped, out_dropped;
};

static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    struct hash_map assocs; // id -> struct sctp_assoc *
    uintptr_t next_id;
    int64_t last_us; // of usrsctp's timers; 0 = never
} machine = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .next_id = 1 };

static void lock(void) { pthread_mutex_lock(&machine.lock); }
static void unlock(void) { pthread_mutex_unlock(&machine.lock); }

// Called by usrsctp, so with the lock held.
static int output(void *address, void *data, size_t size, uint8_t tos, uint8_t set_df)
{
    uint64_t *found = hash_map_get(&machine.assocs, (uintptr_t)address);
    struct sctp_assoc *a = found ? (struct sctp_assoc *)(uintptr_t)*found : NULL;
    if (!a)
        return 0; // already gone
    uint8_t head[2] = { (uint8_t)(size >> 8), (uint8_t)size };
    if (size > RTC_MAX_DATAGRAM || a->out.count + size + 2 > SCTP_QUEUE_LIMIT
        || !array_reserve(&a->out, a->out.count + size + 2)) {
        a->out_dropped++; // lost, as on a network
        return 0;
    }
    (void)array_append(&a->out, head, 2);
    (void)array_append(&a->out, (const uint8_t *)data, size);
    return 0;
}

static void init_machine(void)
{
    usrsctp_init_nothreads(0, output, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(1);
    usrsctp_sysctl_set_sctp_reconfig_enable(1);
    usrsctp_sysctl_set_sctp_blackhole(2); // no answers to what belongs to no association
    usrsctp_sysctl_set_sctp_sendspace(SCTP_SEND_BUFFER);
    usrsctp_sysctl_set_sctp_recvspace(256 * 1024);
    usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(1024);
    usrsctp_sysctl_set_sctp_initial_cwnd(10);
    // The path is a browser's: RFC 9260's seconds would be felt.
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(20);
    usrsctp_sysctl_set_sctp_rto_initial_default(400);
    usrsctp_sysctl_set_sctp_rto_min_default(150);
    usrsctp_sysctl_set_sctp_rto_max_default(5000);
    usrsctp_sysctl_set_sctp_init_rto_max_default(2000);
    usrsctp_sysctl_set_sctp_heartbeat_interval_default(10000);
}

// Time of the shared timers. Endpoints feed the same monotonic clock; a test that starts its own time again only resets it.
static void run_timers(int64_t now_us)
{
    int64_t elapsed_ms = (now_us - machine.last_us) / 1000;
    if (machine.last_us == 0 || elapsed_ms < 0 || elapsed_ms > 60000) {
        machine.last_us = now_us;
        return;
    }
    if (elapsed_ms < BUSY_TICK_US / 1000)
        return;
    machine.last_us += elapsed_ms * 1000;
    usrsctp_handle_timers((uint32_t)elapsed_ms);
}

static bool set_options(struct socket *so)
{
    const int on = 1;
    struct linger linger = { .l_onoff = 1, .l_linger = 0 }; // close aborts at once
    struct sctp_assoc_value reset = { .assoc_id = SCTP_ALL_ASSOC,
        .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ };
    struct sctp_initmsg init = { .sinit_num_ostreams = 1024, .sinit_max_instreams = 65535 };
    if (usrsctp_set_non_blocking(so, 1) < 0
        || usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0
        || usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof(on)) < 0
        || usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof(on)) < 0
        || usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof(reset)) < 0
        || usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof(init)) < 0)
        return false;
    static const uint16_t events[] = { SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_SHUTDOWN_EVENT };
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        struct sctp_event event = { .se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i], .se_on = 1 };
        if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof(event)) < 0)
            return false;
    }
    return true;
}

static bool connect_assoc(struct sctp_assoc *a, uint16_t remote_port)
{
    struct sockaddr_conn address = { .sconn_family = AF_CONN, .sconn_port = htons(SCTP_PORT),
        .sconn_addr = (void *)a->id };
    if (usrsctp_bind(a->socket, (struct sockaddr *)&address, sizeof(address)) < 0)
        return false;
    address.sconn_port = htons(remote_port ? remote_port : SCTP_PORT);
    if (usrsctp_connect(a->socket, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS)
        return false;
    struct sctp_paddrparams path = { .spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = SCTP_PATH_MTU };
    memcpy(&path.spp_address, &address, sizeof(address));
    return usrsctp_setsockopt(a->socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof(path)) >= 0;
}

// Takes out what usrsctp queued and sends it; the lock is not held while sending. Sending may come back here.
static void drain_output(struct sctp_assoc *a)
{
    if (a->draining)
        return;
    a->draining = true;
    for (;;) {
        lock();
        __typeof__(a->out) swap = { a->out.items, a->out.count, a->out.capacity };
        a->out.items    = a->sending.items;
        a->out.capacity = a->sending.capacity;
        a->out.count    = 0;
        a->sending.items    = swap.items;
        a->sending.count    = swap.count;
        a->sending.capacity = swap.capacity;
        unlock();
        if (!a->sending.count)
            break;
        struct cursor c = cur_make(a->sending.items, a->sending.count);
        while (cur_left(&c)) {
            size_t size = cur_u16be(&c);
            const uint8_t *packet = cur_take(&c, size);
            if (packet)
                a->events->send(a->user, packet, size);
        }
    }
    a->draining = false;
}

int sctp_create(struct sctp_assoc **out, const struct sctp_events *events, void *user, uint16_t remote_port,
                int64_t now_us)
{
    *out = NULL;
    struct sctp_assoc *a = calloc(1, sizeof(*a));
    if (!a)
        return RTC_ERR_NOMEM;
    a->events = events;
    a->user   = user;
    pthread_once(&machine.once, init_machine);
    lock();
    run_timers(now_us);
    a->id = machine.next_id++;
    bool ok = array_reserve(&a->out, QUEUE_READY) && array_reserve(&a->sending, QUEUE_READY)
              && hash_map_put(&machine.assocs, a->id, (uintptr_t)a);
    if (ok) {
        usrsctp_register_address((void *)a->id);
        a->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
        ok = a->socket && set_options(a->socket) && connect_assoc(a, remote_port);
    }
    unlock();
    if (!ok) {
        log_error(CHANNEL, "cannot make an SCTP association: %s", strerror(errno));
        sctp_destroy(&a);
        return RTC_ERR_CRYPTO;
    }
    drain_output(a);
    *out = a;
    return RTC_OK;
}

void sctp_destroy(struct sctp_assoc **ap)
{
    struct sctp_assoc *a = *ap;
    if (!a)
        return;
    lock();
    if (a->socket)
        usrsctp_close(a->socket);
    unlock();
    drain_output(a);
    lock();
    if (a->id) {
        usrsctp_deregister_address((void *)a->id);
        hash_map_remove(&machine.assocs, a->id);
    }
    unlock();
    array_free(&a->out);
    array_free(&a->sending);
    array_free(&a->message);
    free(a);
    *ap = NULL;
}

// ---- channels

static struct rtc_channel_info info_of(const struct channel *c)
{
    return (struct rtc_channel_info) { .stream = c->stream, .label = c->label, .protocol = c->protocol,
        .ordered = !c->unordered, .reliable = c->policy == SCTP_PR_SCTP_NONE };
}

static struct channel *find_stream(struct sctp_assoc *a, uint16_t stream)
{
    for (size_t i = 0; i < SCTP_MAX_CHANNELS; i++)
        if (a->channels[i].used && a->channels[i].stream == stream)
            return &a->channels[i];
    return NULL;
}

static struct channel *find_label(struct sctp_assoc *a, const char *label)
{
    for (size_t i = SCTP_MAX_CHANNELS; i-- > 0;)
        if (a->channels[i].used && strcmp(a->channels[i].label, label) == 0)
            return &a->channels[i];
    return NULL;
}

static struct channel *free_channel(struct sctp_assoc *a)
{
    for (size_t i = 0; i < SCTP_MAX_CHANNELS; i++)
        if (!a->channels[i].used)
            return &a->channels[i];
    return NULL;
}

static int send_on(struct sctp_assoc *a, const struct channel *c, uint32_t ppid, const void *data, size_t size)
{
    struct sctp_sendv_spa spa = { .sendv_flags = SCTP_SEND_SNDINFO_VALID,
        .sendv_sndinfo = { .snd_sid = c->stream, .snd_flags = SCTP_EOR, .snd_ppid = htonl(ppid) } };
    if (ppid != PPID_DCEP && c->unordered)
        spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (ppid != PPID_DCEP && c->policy != SCTP_PR_SCTP_NONE) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = c->policy;
        spa.sendv_prinfo.pr_value  = c->policy_value;
    }
    lock();
    ssize_t n = usrsctp_sendv(a->socket, data, size, NULL, 0, &spa, sizeof(spa), SCTP_SENDV_SPA, 0);
    int error = errno;
    unlock();
    if (n >= 0)
        return RTC_OK;
    return error == EWOULDBLOCK || error == EAGAIN || error == ENOBUFS ? RTC_ERR_FULL : RTC_ERR_STATE;
}

static void reset_stream(struct sctp_assoc *a, uint16_t stream)
{
    union {
        struct sctp_reset_streams header;
        uint8_t room[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
    } reset = { .header = { .srs_assoc_id = SCTP_ALL_ASSOC, .srs_flags = SCTP_STREAM_RESET_OUTGOING,
                            .srs_number_streams = 1 } };
    memcpy(reset.room + offsetof(struct sctp_reset_streams, srs_stream_list), &stream, sizeof(stream));
    lock();
    usrsctp_setsockopt(a->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, &reset, sizeof(reset.room));
    unlock();
}

static void copy_text(char out[65], const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = text[i] ? (char)text[i] : '?';
    out[size] = 0;
}

// DATA_CHANNEL_OPEN, RFC 8832 section 5.1.
static void handle_open(struct sctp_assoc *a, uint16_t stream, struct cursor c)
{
    uint8_t type = cur_u8(&c);
    cur_skip(&c, 2); // priority: all the same to us
    uint32_t reliability = cur_u32be(&c);
    uint16_t label_size = cur_u16be(&c), protocol_size = cur_u16be(&c);
    const uint8_t *label = cur_take(&c, label_size), *protocol = cur_take(&c, protocol_size);
    struct channel *channel = free_channel(a);
    if (c.bad || label_size > 64 || protocol_size > 64 || find_stream(a, stream) || !channel || (type & 0x7f) > 2) {
        a->dropped++;
        log_debug(CHANNEL, "data channel on stream %u refused: %s", stream,
                 c.bad ? "malformed" : !channel ? "too many channels" : "unsupported label or type, or stream in use");
        reset_stream(a, stream);
        return;
    }
    static const uint16_t policies[] = { SCTP_PR_SCTP_NONE, SCTP_PR_SCTP_RTX, SCTP_PR_SCTP_TTL };
    *channel = (struct channel) { .used = true, .stream = stream, .unordered = type & 0x80,
        .policy = policies[type & 0x7f], .policy_value = reliability };
    copy_text(channel->label, label, label_size);
    copy_text(channel->protocol, protocol, protocol_size);
    const uint8_t ack = DCEP_ACK;
    send_on(a, channel, PPID_DCEP, &ack, 1);
    struct rtc_channel_info info = info_of(channel);
    if (a->events->channel_open)
        a->events->channel_open(a->user, &info);
}

static void close_channel(struct sctp_assoc *a, struct channel *channel)
{
    struct channel copy = *channel;
    channel->used = false;
    struct rtc_channel_info info = info_of(&copy);
    if (a->events->channel_close)
        a->events->channel_close(a->user, &info);
}

static void handle_message(struct sctp_assoc *a, uint16_t stream, uint32_t ppid)
{
    const uint8_t *data = a->message.items;
    size_t size         = a->message.count;
    struct channel *channel = find_stream(a, stream);
    if (ppid == PPID_DCEP) {
        struct cursor c = cur_make(data, size);
        uint8_t type = cur_u8(&c);
        if (type == DCEP_OPEN)
            handle_open(a, stream, c);
        else if (type != DCEP_ACK)
            a->dropped++;
        return;
    }
    bool text  = ppid == PPID_TEXT || ppid == PPID_TEXT_EMPTY;
    bool known = text || ppid == PPID_BINARY || ppid == PPID_BINARY_EMPTY;
    if (!channel || !known) {
        a->dropped++;
        return;
    }
    if (ppid == PPID_TEXT_EMPTY || ppid == PPID_BINARY_EMPTY)
        size = 0; // SCTP cannot carry empty messages: one byte stands for none
    struct rtc_channel_info info = info_of(channel);
    if (a->events->message)
        a->events->message(a->user, &info, data, size, text);
}

static void handle_notification(struct sctp_assoc *a, const uint8_t *data, size_t size)
{
    union sctp_notification n;
    if (size < sizeof(n.sn_header))
        return;
    memset(&n, 0, sizeof(n));
    memcpy(&n, data, size < sizeof(n) ? size : sizeof(n));
    if (n.sn_header.sn_type == SCTP_ASSOC_CHANGE) {
        uint16_t state = n.sn_assoc_change.sac_state;
        if (state == SCTP_COMM_UP || state == SCTP_RESTART)
            a->state = SCTP_STATE_UP;
        else
            a->state = SCTP_STATE_DOWN;
    } else if (n.sn_header.sn_type == SCTP_SHUTDOWN_EVENT) {
        a->state = SCTP_STATE_DOWN;
    } else if (n.sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
        size_t head = offsetof(struct sctp_stream_reset_event, strreset_stream_list);
        if (!(n.sn_strreset_event.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN))
            return;
        for (size_t at = head; at + 2 <= size; at += 2) {
            uint16_t stream;
            memcpy(&stream, data + at, 2);
            struct channel *channel = find_stream(a, stream);
            if (channel) {
                reset_stream(a, stream); // RFC 8831 section 6.7: answer with ours
                close_channel(a, channel);
            }
        }
    }
}

// Reads all that is complete; messages may come in pieces.
static void drain_input(struct sctp_assoc *a)
{
    for (;;) {
        struct sctp_rcvinfo info;
        socklen_t info_size = sizeof(info), from_size = 0;
        unsigned info_type = 0;
        int flags = 0;
        // 65535 bytes are allowed; room for one more tells a message that is too large.
        const size_t limit = RTC_MAX_MESSAGE + 1, piece = 4096;
        if (a->message.count >= limit) {
            a->message_bad = true;
            array_clear(&a->message);
        }
        size_t want = a->message.count + piece < limit ? a->message.count + piece : limit;
        if (!array_reserve(&a->message, want))
            return;
        lock();
        ssize_t n = usrsctp_recvv(a->socket, a->message.items + a->message.count, want - a->message.count, NULL,
                                  &from_size, &info, &info_size, &info_type, &flags);
        unlock();
        if (n <= 0)
            return;
        a->message.count += (size_t)n;
        if (!(flags & MSG_EOR))
            continue;
        bool bad = a->message_bad || a->message.count > RTC_MAX_MESSAGE;
        if (bad)
            a->dropped++;
        else if (flags & MSG_NOTIFICATION)
            handle_notification(a, a->message.items, a->message.count);
        else if (info_type == SCTP_RECVV_RCVINFO)
            handle_message(a, info.rcv_sid, ntohl(info.rcv_ppid));
        a->message_bad = false;
        array_clear(&a->message);
    }
}

void sctp_input(struct sctp_assoc *a, const uint8_t *data, size_t size, int64_t now_us)
{
    if (size < 12) {
        a->dropped++;
        return;
    }
    lock();
    run_timers(now_us);
    usrsctp_conninput((void *)a->id, data, size, 0);
    unlock();
    drain_input(a);
    drain_output(a);
}

int64_t sctp_tick(struct sctp_assoc *a, int64_t now_us)
{
    lock();
    run_timers(now_us);
    unlock();
    drain_input(a);
    drain_output(a);
    struct sctp_status status = { 0 };
    socklen_t size = sizeof(status);
    bool busy = a->state == SCTP_STATE_CONNECTING;
    if (!busy) {
        lock();
        busy = usrsctp_getsockopt(a->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &size) == 0
            && (status.sstat_unackdata || status.sstat_penddata);
        unlock();
    }
    return now_us + (busy ? BUSY_TICK_US : IDLE_TICK_US);
}

int sctp_open(struct sctp_assoc *a, uint16_t stream, const char *label, bool ordered, int64_t now_us)
{
    uint8_t open[12 + 64];
    size_t size = strlen(label);
    struct channel *channel = free_channel(a);
    if (size > 64)
        return RTC_ERR_INVALID;
    if (a->state != SCTP_STATE_UP || find_stream(a, stream))
        return RTC_ERR_STATE;
    if (!channel)
        return RTC_ERR_FULL;
    struct writer w = wr_make(open, sizeof(open));
    wr_u8(&w, DCEP_OPEN);
    wr_u8(&w, ordered ? 0 : 0x80);
    wr_u16be(&w, 256); // priority "normal"
    wr_u32be(&w, 0);
    wr_u16be(&w, (uint16_t)size);
    wr_u16be(&w, 0);
    wr_bytes(&w, label, size);
    *channel = (struct channel) { .used = true, .stream = stream, .unordered = !ordered, .policy = SCTP_PR_SCTP_NONE };
    memcpy(channel->label, label, size);
    int rc = send_on(a, channel, PPID_DCEP, open, w.size);
    if (rc < 0)
        channel->used = false;
    drain_output(a);
    return rc;
}

int sctp_close_channel(struct sctp_assoc *a, const char *label, int64_t now_us)
{
    struct channel *channel = find_label(a, label);
    if (!channel)
        return RTC_ERR_STATE;
    reset_stream(a, channel->stream);
    close_channel(a, channel);
    drain_output(a);
    return RTC_OK;
}

int sctp_send(struct sctp_assoc *a, const char *label, const void *data, size_t size, bool is_text, int64_t now_us)
{
    struct channel *channel = find_label(a, label);
    if (size > RTC_MAX_MESSAGE)
        return RTC_ERR_INVALID;
    if (!channel || a->state != SCTP_STATE_UP)
        return RTC_ERR_STATE;
    static const uint8_t nothing[1] = { 0 };
    uint32_t ppid = size ? (is_text ? PPID_TEXT : PPID_BINARY) : (is_text ? PPID_TEXT_EMPTY : PPID_BINARY_EMPTY);
    int rc = send_on(a, channel, ppid, size ? data : nothing, size ? size : 1);
    drain_output(a);
    return rc;
}

enum sctp_state sctp_state(const struct sctp_assoc *a) { return a->state; }
uint64_t sctp_dropped(const struct sctp_assoc *a) { return a->dropped + a->out_dropped; }
