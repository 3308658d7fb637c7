// Hashing, and an open-addressing map from 64-bit keys to 64-bit values. One thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// 64-bit hash of bytes; stable within one process run only.
uint64_t hash_bytes(const void *data, size_t size);

// Mixes all bits of v into all bits of the result (the finaliser of SplitMix64, Steele et al. 2014).
static inline uint64_t hash_u64(uint64_t v)
{
    v ^= v >> 30;
    v *= 0xbf58476d1ce4e5b9u;
    v ^= v >> 27;
    v *= 0x94d049bb133111ebu;
    return v ^ v >> 31;
}

struct hash_map {
    struct hash_slot *slots;
    size_t count, capacity, tombstones;
};

void hash_map_finish(struct hash_map *m);
// The value of key, or NULL. The pointer is valid until the next put or remove.
uint64_t *hash_map_get(const struct hash_map *m, uint64_t key);
bool hash_map_put(struct hash_map *m, uint64_t key, uint64_t value); // false: out of memory
bool hash_map_remove(struct hash_map *m, uint64_t key);              // false: was not there
void hash_map_clear(struct hash_map *m);
// Iterate: start with *at = 0; false at the end. Order is unspecified.
bool hash_map_next(const struct hash_map *m, size_t *at, uint64_t *key, uint64_t *value);
