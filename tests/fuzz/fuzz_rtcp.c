// RTCP compounds, every sub-format, and the bandwidth estimation behind transport feedback.
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "bwe.h"
#include "rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void estimate(struct rtcp_packet p)
{
    struct bwe b;
    if (!bwe_init(&b, &(struct bwe_params) { 4000000, 150000, 50000000 }))
        return;
    for (int i = 0; i < 300; i++)
        bwe_send(&b, 1200, 1000000 + i * 1500);
    for (int i = 0; i < 3; i++) {
        bwe_feedback(&b, &p, 1500000 + i * 50000);
        bwe_tick(&b, 1500000 + i * 50000);
    }
    assert(isfinite(b.delay_bps) && isfinite(b.loss_bps) && isfinite(b.threshold_ms));
    assert(bwe_target_bps(&b) >= 150000 && bwe_target_bps(&b) <= 50000000);
    bwe_finish(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cur_make(data, size);
    struct rtcp_packet p;
    size_t packets = 0;
    while (rtcp_next(&c, &p)) {
        struct rtcp_packet q;
        struct rtcp_report report;
        struct rtcp_sender_info info;
        struct rtcp_fir fir;
        struct rtcp_tcc tcc;
        struct rtcp_tcc_packet status;
        uint32_t state = 0, items = 0;
        uint16_t seq;
        uint64_t bps;
        assert(++packets <= size / 4);
        assert(p.body.p >= data && p.body.end <= data + size && p.body.p <= p.body.end);
        q = p;
        rtcp_sender_info(&q, &info);
        while (rtcp_next_report(&q, &report))
            assert(report.lost >= -(1 << 23) && report.lost < 1 << 23);
        q = p;
        while (rtcp_next_nack(&q, &state, &seq))
            assert(++items <= size / 4 * 17);
        q = p;
        while (rtcp_next_fir(&q, &fir))
            ;
        rtcp_remb(&p, &bps);
        if (rtcp_tcc_begin(&tcc, &p) == RTC_OK) {
            items = 0;
            while (rtcp_tcc_next(&tcc, &status))
                items++;
            assert(items == tcc.status_count && !tcc.chunks.bad && !tcc.deltas.bad);
            if (items <= 2000)
                estimate(p);
        }
    }
    return 0;
}
