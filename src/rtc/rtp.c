#include "rtp.h"

#include <assert.h>
#include <string.h>

#include "cursor.h"

static void parse_extensions(struct rtp_packet *p, struct cursor c)
{
    while (cur_left(&c) && !c.bad) {
        uint8_t head = cur_u8(&c);
        if (head == 0)
            continue; // padding
        if (head >> 4 == 15)
            return; // RFC 8285 section 4.2: stop
        struct rtp_extension e = { head >> 4, (head & 15) + 1, NULL };
        e.data = cur_take(&c, e.size);
        if (e.data && e.id && p->extension_count < RTP_MAX_EXTENSIONS)
            p->extension[p->extension_count++] = e;
    }
}

int rtp_parse(struct rtp_packet *p, const uint8_t *data, size_t size)
{
    struct cursor c = cur_make(data, size);
    uint8_t vpxcc = cur_u8(&c), mpt = cur_u8(&c);
    *p = (struct rtp_packet) { .payload_type = mpt & 0x7f, .marker = mpt >> 7 };
    p->seq       = cur_u16be(&c);
    p->timestamp = cur_u32be(&c);
    p->ssrc      = cur_u32be(&c);
    cur_skip(&c, (size_t)(vpxcc & 15) * 4);
    if (vpxcc & 0x10) {
        uint16_t profile = cur_u16be(&c), words = cur_u16be(&c);
        struct cursor ext = cur_sub(&c, (size_t)words * 4);
        if (profile == 0xbede && !ext.bad)
            parse_extensions(p, ext);
    }
    if (c.bad || vpxcc >> 6 != 2)
        return RTC_ERR_MALFORMED;
    p->payload      = c.p;
    p->payload_size = cur_left(&c);
    if (vpxcc & 0x20) {
        p->padding_size = p->payload_size ? p->payload[p->payload_size - 1] : 0;
        if (p->padding_size == 0 || p->padding_size > p->payload_size)
            return RTC_ERR_MALFORMED;
        p->payload_size -= p->padding_size;
    }
    return RTC_OK;
}

const struct rtp_extension *rtp_find_extension(const struct rtp_packet *p, uint8_t id)
{
    for (size_t i = 0; i < p->extension_count; i++)
        if (id && p->extension[i].id == id)
            return &p->extension[i];
    return NULL;
}

void rtp_layout_init(struct rtp_layout *l, const struct rtp_layout_params *params)
{
    *l = (struct rtp_layout) { 0 };
    struct writer w = wr_make(l->bytes, sizeof(l->bytes));
    wr_u32be(&w, 0xbede0000);
    if (params->transport_cc_id) {
        wr_u8(&w, (uint8_t)(params->transport_cc_id << 4 | 1));
        l->transport_cc_at = RTP_HEADER_SIZE + w.size;
        wr_u16be(&w, 0);
    }
    if (params->abs_send_time_id) {
        wr_u8(&w, (uint8_t)(params->abs_send_time_id << 4 | 2));
        l->abs_send_time_at = RTP_HEADER_SIZE + w.size;
        wr_u24be(&w, 0);
    }
    if (params->playout_delay_id) { // 12 bits minimum, 12 bits maximum, in 10 ms
        wr_u8(&w, (uint8_t)(params->playout_delay_id << 4 | 2));
        wr_u24be(&w, (uint32_t)(params->playout_min_10ms & 0xfff) << 12 | (params->playout_max_10ms & 0xfff));
    }
    size_t mid = params->mid && params->mid_id ? strlen(params->mid) : 0;
    if (mid > 0 && mid <= 16) {
        wr_u8(&w, (uint8_t)(params->mid_id << 4 | (mid - 1)));
        wr_bytes(&w, params->mid, mid);
    }
    if (w.size == 4)
        return;
    wr_zero(&w, -w.size & 3);
    assert(!w.bad); // 4 + 3 + 4 + 4 + 17 fit
    l->size     = w.size;
    l->bytes[3] = (uint8_t)(w.size / 4 - 1);
}

void rtp_write_header(uint8_t *data, const struct rtp_layout *l, uint8_t payload_type, bool marker, uint16_t seq,
                      uint32_t timestamp, uint32_t ssrc)
{
    struct writer w = wr_make(data, RTP_HEADER_SIZE);
    wr_u8(&w, l->size ? 0x90 : 0x80);
    wr_u8(&w, (uint8_t)(marker << 7 | payload_type));
    wr_u16be(&w, seq);
    wr_u32be(&w, timestamp);
    wr_u32be(&w, ssrc);
    memcpy(data + RTP_HEADER_SIZE, l->bytes, l->size);
}

void rtp_patch_send(uint8_t *data, const struct rtp_layout *l, uint16_t transport_seq, int64_t now_us)
{
    if (l->transport_cc_at) {
        data[l->transport_cc_at]     = (uint8_t)(transport_seq >> 8);
        data[l->transport_cc_at + 1] = (uint8_t)transport_seq;
    }
    if (l->abs_send_time_at) { // 6.18 fixed point seconds, wrapping every 64 s
        uint32_t t = (uint32_t)((((uint64_t)now_us % 64000000) << 18) / 1000000);
        data[l->abs_send_time_at]     = (uint8_t)(t >> 16);
        data[l->abs_send_time_at + 1] = (uint8_t)(t >> 8);
        data[l->abs_send_time_at + 2] = (uint8_t)t;
    }
}
