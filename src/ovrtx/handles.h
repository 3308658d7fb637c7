// A table from 64-bit handles to objects. Handles count up from 1 and are never given out twice.
// Any thread.
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "hash.h"

struct handle_table {
    pthread_mutex_t lock;
    struct hash_map map;
    uint64_t last;
};

void handles_init(struct handle_table *t);
void handles_finish(struct handle_table *t); // objects are not touched
uint64_t handles_reserve(struct handle_table *t); // a handle without an object yet
uint64_t handles_add(struct handle_table *t, void *object); // 0: out of memory
int handles_put(struct handle_table *t, uint64_t handle, void *object); // 0, or -1 out of memory
void *handles_get(struct handle_table *t, uint64_t handle);
void *handles_take(struct handle_table *t, uint64_t handle); // get and remove
void *handles_take_any(struct handle_table *t); // for teardown; NULL when empty
