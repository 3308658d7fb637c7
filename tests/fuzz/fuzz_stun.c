// STUN: whatever the bytes, a parsed message keeps its promises, and ICE answers only what it can check.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "ice.h"
#include "stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ice_agent agent;
    static bool ready;
    if (!ready) {
        ready = ice_init(&agent, "h6vY", 0);
        memcpy(agent.ufrag, "evtjevtj", ICE_UFRAG_SIZE); // the same in every run, so that findings replay
        memcpy(agent.pwd, "VOkJxbRl1RmTxUk/WvJxBtBt", ICE_PWD_SIZE);
    }
    struct stun_message m;
    if (stun_parse(&m, data, size) < 0)
        return 0;
    assert(m.size == size && m.id == data + 8);
    assert(!m.username || ((const uint8_t *)m.username >= data && m.username_size <= size));
    assert(m.integrity_at + 24 <= size || !m.integrity_at);
    assert(m.unknown_count <= STUN_MAX_UNKNOWN);
    stun_check_integrity(&m, "VOkJxbRl1RmTxUk/WvJxBt", 22);

    uint8_t reply[RTC_MAX_DATAGRAM];
    size_t reply_size;
    struct rtc_addr from = { 4, { 10, 0, 0, 1 }, 9 }, evicted;
    if (ice_input(&agent, &m, &from, 1, reply, sizeof(reply), &reply_size, &evicted) == ICE_DROPPED) {
        assert(reply_size == 0);
    } else {
        assert(m.integrity_at);
        struct stun_message r;
        assert(stun_parse(&r, reply, reply_size) == RTC_OK && r.has_fingerprint);
        assert(stun_check_integrity(&r, agent.pwd, ICE_PWD_SIZE));
    }
    return 0;
}
