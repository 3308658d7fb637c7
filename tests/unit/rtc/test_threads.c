// Two endpoints on two threads share OpenSSL's identity, libsrtp and the one usrsctp machine. Worth running under
// -Db_sanitize=thread.
#include "test.h"

#include <pthread.h>

#include "loopback.h"

static void *work(void *user)
{
    int *good = user;
    // Real time: both threads advance usrsctp's clock, and neither may run away from the other.
    struct loop *l = loop_create(&(struct loop_net) { .delay_us = 2000, .seed = 1, .real_time = true }, 0);
    l->echo        = true;
    for (int i = 0; i < 10; i++) {
        struct loop_client *c = loop_connect(l, NULL);
        if (!c || !loop_until_connected(l))
            break;
        for (uint32_t n = 0; n < 5; n++) {
            loop_send_frame(l, n, 2000);
            char text[3000];
            memset(text, 'a' + (int)n, sizeof(text));
            sctp_send(c->sctp, "messages", text, sizeof(text), true, l->now_us);
            loop_run(l, 10000);
        }
        for (int k = 0; k < 2000 && c->messages < 5; k++)
            loop_run(l, 1000);
        if (c->messages == 5 && c->frames_ok == 5 && c->last_size == 3000 && c->last_message[2999] == 'e')
            ++*good;
        loop_leave(c);
        loop_run(l, 20000);
    }
    loop_destroy(l);
    return NULL;
}

static void two_endpoints_do_not_meet(void **state)
{
    pthread_t threads[2];
    int good[2] = { 0 };
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &good[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(good[0], 10);
    assert_int_equal(good[1], 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(two_endpoints_do_not_meet) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
