// Once warm, sending, retransmitting and answering allocate nothing. Counts the calls that our own code makes (the linker's
// --wrap); what OpenSSL, libsrtp and usrsctp do inside is theirs.
#include "test.h"

#include "loopback.h"

static struct loop *watched;
static size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static void count(void)
{
    if (watched && watched->in_endpoint)
        allocations++;
}

void *__wrap_malloc(size_t size)
{
    count();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    count();
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    count();
    return __real_realloc(p, size);
}

static void play(struct loop *l, uint32_t *n, uint32_t frames)
{
    for (uint32_t end = *n + frames; *n < end; ++*n) {
        loop_send_frame(l, *n, 500 + (*n * 977) % 9000);
        for (size_t i = 0; i < LOOP_CLIENTS; i++)
            if (l->clients[i].open)
                sctp_send(l->clients[i].sctp, "input", "0123456789012345678901234567", 28, false, l->now_us);
        loop_run(l, 16000);
    }
}

static void nothing_is_allocated_once_warm(void **state)
{
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 10000, .loss_percent = 2, .seed = 3 }, 20000000);
    watched        = l;
    loop_connect(l, NULL);
    loop_connect(l, NULL);
    assert_true(loop_until_connected(l));
    assert_true(allocations > 0); // the counter works: connecting does allocate
    uint32_t n = 0;
    play(l, &n, 300);
    allocations = 0;
    struct rtc_peer_stats before, after;
    rtc_peer_stats(l->clients[0].peer, l->now_us, &before);
    play(l, &n, 600);
    rtc_peer_stats(l->clients[0].peer, l->now_us, &after);
    assert_true(after.packets_sent > before.packets_sent + 1000);
    assert_true(after.rtx_packets_sent > before.rtx_packets_sent + 10);
    assert_true(after.messages_received > before.messages_received + 500);
    assert_int_equal(allocations, 0);
    watched = NULL;
    loop_destroy(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_allocated_once_warm) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
