#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include "log.h"

static void make_token(char token[SESSION_TOKEN_SIZE])
{
    uint8_t random[(SESSION_TOKEN_SIZE - 1) / 2];
    size_t have = 0;
    while (have < sizeof(random)) {
        ssize_t n = getrandom(random + have, sizeof(random) - have, 0);
        have += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(token + 2 * i, 3, "%02x", random[i]);
}

struct session *session_create(uint64_t id)
{
    struct session *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->id   = id;
    s->tail = &s->head;
    make_token(s->token);
    return s;
}

static void drop_backlog(struct session *s)
{
    while (s->head) {
        struct message *m = s->head;
        s->head           = m->next;
        free(m);
    }
    s->tail          = &s->head;
    s->backlog_bytes = 0;
}

void session_destroy(struct session **s)
{
    if (!*s)
        return;
    drop_backlog(*s);
    free(*s);
    *s = NULL;
}

void session_note_feedback(struct session *s, const struct rtc_peer_stats *stats, int64_t now_us)
{
    uint64_t count = stats->twcc_received + stats->rr_received;
    if (count != s->feedback_count)
        s->last_feedback_us = now_us;
    s->feedback_count = count;
}

bool session_is_silent(const struct session *s, int64_t now_us)
{
    return now_us - s->last_feedback_us > SESSION_SILENT_US;
}

bool session_flush(struct session *s, int64_t now_us)
{
    if (!s->channel_open) {
        if (s->connected && now_us - s->connected_us > SESSION_CHANNEL_WAIT_US)
            drop_backlog(s);
        return false;
    }
    while (s->head) {
        struct message *m = s->head;
        int rc            = rtc_peer_send_message(s->peer, "messages", m->text, m->size, true, now_us);
        if (rc == RTC_ERR_FULL)
            return true;
        s->head = m->next;
        s->backlog_bytes -= m->size;
        free(m);
        if (!s->head)
            s->tail = &s->head;
    }
    return false;
}

bool session_send(struct session *s, const char *text, size_t size, int64_t now_us)
{
    if (!s->channel_open && now_us - s->connected_us > SESSION_CHANNEL_WAIT_US)
        return false;
    struct message *m = s->backlog_bytes + size <= SESSION_MAX_BACKLOG_BYTES ? malloc(sizeof(*m) + size) : NULL;
    if (!m) {
        if (!s->backlog_reported)
            log_warn("webrtc", "client %llu does not take its messages: %zu bytes wait, newer ones are lost",
                     (unsigned long long)s->id, s->backlog_bytes);
        s->backlog_reported = true;
        return false;
    }
    m->next = NULL;
    m->size = size;
    memcpy(m->text, text, size);
    *s->tail = m;
    s->tail  = &m->next;
    s->backlog_bytes += size;
    session_flush(s, now_us);
    return true;
}
