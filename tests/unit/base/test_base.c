// Tests of src/base: bounded reading and writing, arenas, maps, interning, the queue and the pool.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "array.h"
#include "clock.h"
#include "cursor.h"
#include "hash.h"
#include "intern.h"
#include "queue.h"
#include "thread.h"
#include "work.h"

static void cursor_reads_and_sticks(void **state)
{
    const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7 };
    struct cursor c      = cur_make(data, sizeof(data));
    assert_int_equal(cur_u8(&c), 1);
    assert_int_equal(cur_u16be(&c), 0x0203);
    assert_int_equal(cur_u32le(&c), 0x07060504);
    assert_false(c.bad);
    assert_int_equal(cur_u16be(&c), 0);
    assert_true(c.bad);
    assert_int_equal(cur_u8(&c), 0); // still bad, still zero

    c                 = cur_make(data, sizeof(data));
    struct cursor sub = cur_sub(&c, 2);
    assert_int_equal(cur_u24be(&sub), 0); // a child does not read its sibling
    assert_true(sub.bad);
    assert_false(c.bad);
    assert_int_equal(cur_left(&c), 5);
}

static void writer_is_bounded(void **state)
{
    uint8_t buf[8];
    struct writer w = wr_make(buf, sizeof(buf));
    wr_u32be(&w, 0x01020304);
    wr_u24be(&w, 0x050607);
    assert_false(w.bad);
    wr_u16be(&w, 0xffff);
    assert_true(w.bad);
    assert_int_equal(w.size, 7);
    wr_u8(&w, 1); // once bad, nothing more is written
    assert_int_equal(w.size, 7);
    assert_memory_equal(buf, "\1\2\3\4\5\6\7", 7);
}

static void arena_keeps_its_maximum(void **state)
{
    struct arena a;
    arena_init(&a, 1000);
    uint8_t *p = arena_alloc(&a, 100);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    assert_null(arena_alloc(&a, 1000));
    assert_non_null(arena_alloc(&a, 800));
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_finish(&a);
    assert_string_equal(arena_strndup(&a, "prim/path", 4), "prim");
    arena_finish(&a);
}

static void map_agrees_with_a_plain_array(void **state)
{
    enum { KEYS = 500 };
    struct hash_map m        = { 0 };
    uint64_t expected[KEYS]  = { 0 };
    size_t expected_count    = 0;
    uint64_t random          = 1;
    for (int step = 0; step < 20000; step++) {
        random       = hash_u64(random + 0x9e3779b97f4a7c15u);
        uint64_t key = random % KEYS;
        if (random >> 60 < 10) {
            expected_count += !expected[key];
            expected[key] = step + 1;
            assert_true(hash_map_put(&m, key, step + 1));
        } else {
            assert_int_equal(hash_map_remove(&m, key), expected[key] != 0);
            expected_count -= expected[key] != 0;
            expected[key] = 0;
        }
        assert_int_equal(m.count, expected_count);
    }
    for (uint64_t key = 0; key < KEYS; key++) {
        uint64_t *v = hash_map_get(&m, key);
        assert_int_equal(v ? *v : 0, expected[key]);
    }
    size_t at = 0, seen = 0;
    for (uint64_t k, v; hash_map_next(&m, &at, &k, &v); seen++)
        assert_int_equal(expected[k], v);
    assert_int_equal(seen, expected_count);
    hash_map_finish(&m);
}

static void intern_gives_one_id_per_text(void **state)
{
    struct intern_table *t = intern_create();
    char text[32];
    uint32_t ids[1000];
    for (int i = 0; i < 1000; i++) {
        int n  = snprintf(text, sizeof(text), "token%d", i);
        ids[i] = intern_id(t, text, n);
        assert_int_equal(ids[i], i + 1);
    }
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(text, sizeof(text), "token%d", i);
        assert_int_equal(intern_find(t, text, n), ids[i]);
        size_t size;
        assert_string_equal(intern_text(t, ids[i], &size), text);
        assert_int_equal(size, n);
    }
    assert_int_equal(intern_find(t, "token", 5), 0);
    assert_null(intern_text(t, 1001, NULL));
    intern_destroy(&t);
    assert_null(t);
}

static void *push_late(void *arg)
{
    clock_sleep_until_ns(clock_mono_ns() + 20000000);
    queue_try_push(arg, "late");
    return NULL;
}

static void queue_is_bounded_and_wakes(void **state)
{
    struct queue *q = queue_create(2);
    assert_null(queue_pop(q, 0));
    assert_true(queue_try_push(q, "a"));
    assert_true(queue_try_push(q, "b"));
    assert_false(queue_try_push(q, "c"));
    assert_string_equal(queue_pop(q, 0), "a");
    assert_string_equal(queue_pop(q, -1), "b");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, push_late, q), 0);
    assert_string_equal(queue_pop(q, 5000000000), "late");
    pthread_join(thread, NULL);
    assert_null(queue_pop(q, 1000000)); // a wait that runs out
    queue_close(q);
    assert_false(queue_try_push(q, "d"));
    assert_null(queue_pop(q, -1));
    queue_destroy(&q);
}

static void count_piece(void *user, size_t i) { atomic_fetch_add(&((atomic_int *)user)[i], 1); }

static void pool_runs_every_piece_once(void **state)
{
    struct thread_pool *p = thread_pool_create(3, "test");
    static atomic_int hits[1000];
    for (int round = 0; round < 50; round++)
        thread_pool_for(p, 1000, count_piece, hits);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(hits[i], 50);
    thread_pool_destroy(&p);
}

static void array_grows(void **state)
{
    struct {
        ARRAY_OF(int);
    } a = { 0 };
    for (int i = 0; i < 100; i++)
        assert_true(array_push(&a, i));
    static const int more[] = { 7, 8, 9 };
    assert_true(array_append(&a, more, 3));
    assert_int_equal(a.count, 103);
    assert_int_equal(a.items[99], 99);
    assert_int_equal(a.items[102], 9);
    assert_false(array_reserve(&a, SIZE_MAX / 2));
    assert_int_equal(a.items[0], 0);
    array_free(&a);
}

static void count_job(void *user, bool cancelled)
{
    atomic_fetch_add((atomic_int *)user + cancelled, 1);
}

static void slow_job(void *user, bool cancelled)
{
    while (!cancelled && !atomic_load((atomic_int *)user))
        ;
}

static void test_work(void **state)
{
    atomic_int counts[2] = { 0, 0 }, go = 0; // run, cancelled
    struct work_queue *q = work_queue_create(2, "work");
    for (int i = 0; i < 1000; i++)
        assert_true(work_queue_push(q, count_job, counts));
    while (work_queue_size(q))
        ;
    assert_int_equal(atomic_load(&counts[0]), 1000);
    work_queue_destroy(&q);
    assert_null(q);

    // Jobs that never began are called as cancelled.
    q = work_queue_create(1, "work");
    work_queue_push(q, slow_job, &go);
    for (int i = 0; i < 10; i++)
        work_queue_push(q, count_job, counts);
    atomic_store(&go, 1);
    work_queue_destroy(&q);
    assert_int_equal(atomic_load(&counts[0]) + atomic_load(&counts[1]), 1010);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work),
        cmocka_unit_test(cursor_reads_and_sticks),
        cmocka_unit_test(writer_is_bounded),
        cmocka_unit_test(arena_keeps_its_maximum),
        cmocka_unit_test(map_agrees_with_a_plain_array),
        cmocka_unit_test(intern_gives_one_id_per_text),
        cmocka_unit_test(queue_is_bounded_and_wakes),
        cmocka_unit_test(pool_runs_every_piece_once),
        cmocka_unit_test(array_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
