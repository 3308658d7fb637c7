// CPU time of the endpoint for viewers at 8 Mbit/s, 60 frames a second: packetising, history, pacing, SRTP, RTCP, feedback; the
// network and the browsers' halves are not counted. One line per number of viewers.
#include <stdio.h>
#include <stdlib.h>

#include "loopback.h"

int main(void)
{
    for (int viewers = 1; viewers <= LOOP_CLIENTS; viewers *= 2) {
        struct loop *l = loop_create(&(struct loop_net) { .delay_us = 5000, .seed = 1 }, 20000000);
        for (int i = 0; i < viewers; i++)
            loop_connect(l, NULL);
        if (!loop_until_connected(l))
            return 1;
        uint32_t n = 0;
        for (; n < 60; n++) { // warm
            loop_send_frame(l, n, 16667);
            loop_run(l, 16667);
        }
        uint64_t before = l->sent;
        l->endpoint_ns  = 0;
        for (; n < 60 + 300; n++) {
            loop_send_frame(l, n, 16667);
            loop_run(l, 16667);
        }
        struct rtc_endpoint_stats s;
        rtc_endpoint_stats(l->ep, &s);
        double seconds = 300 * 0.016667;
        printf("rtc send, %d viewers at 8 Mbit/s: %.2f us/packet, %.2f ms of CPU per viewer and second (%llu datagrams)\n",
               viewers, (double)l->endpoint_ns / 1e3 / (double)(l->sent - before),
               (double)l->endpoint_ns / 1e6 / viewers / seconds, (unsigned long long)(l->sent - before));
        loop_destroy(l);
    }
    return 0;
}
