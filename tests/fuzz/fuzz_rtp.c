// RTP packets, and H.264 access units through the packetiser: payloads stay within their limit and lose no byte.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "h264.h"
#include "rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    size_t max, bytes, payloads;
    bool last;
};

static bool count(void *user, const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size, bool last)
{
    struct sum *s = user;
    assert(!s->last && head_size + body_size >= 1 && head_size + body_size <= s->max);
    uint8_t first = head_size ? head[0] : body[0], type = first & 31;
    if (type == 28) {
        assert(head_size == 2);
        s->bytes += body_size + (head[1] >> 7); // the NAL header travels in the first fragment's two bytes
    } else if (type == 24) {
        assert(head_size + body_size > 6); // two units at least
        for (size_t at = 1; at < head_size;) {
            size_t n = (size_t)head[at] << 8 | head[at + 1];
            assert(n && at + 2 + n <= head_size);
            s->bytes += n;
            at += 2 + n;
        }
    } else {
        s->bytes += body_size;
    }
    s->payloads++;
    s->last = last;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtp_packet p;
    if (rtp_parse(&p, data, size) == RTC_OK) {
        assert(p.payload >= data && p.payload + p.payload_size + p.padding_size == data + size);
        for (size_t i = 0; i < p.extension_count; i++)
            assert(p.extension[i].data >= data && p.extension[i].data + p.extension[i].size <= data + size);
    }
    size_t at = 0, want = 0;
    struct h264_nal nal;
    while (h264_next_nal(data, size, &at, &nal)) {
        uint8_t type = nal.data[0] & 31;
        assert(nal.data > data && nal.data + nal.size <= data + size && nal.size);
        want += type && type < 24 && type != 9 && type != 12 ? nal.size : 0;
    }
    struct sum s = { .max = 64 + (size ? data[0] : 0) * 4 };
    int n = h264_packetize(data, size, s.max, count, &s);
    assert(n == RTC_ERR_INVALID ? want == 0 : (size_t)n == s.payloads && s.last);
    assert(s.bytes == want);
    return 0;
}
