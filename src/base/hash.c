#include "hash.h"

#include <stdlib.h>
#include <string.h>

struct hash_slot {
    uint64_t key, value;
    uint8_t state;
};

enum { SLOT_EMPTY, SLOT_USED, SLOT_DEAD };

uint64_t hash_bytes(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t h       = 0x9e3779b97f4a7c15u ^ size;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = hash_u64(h ^ word) + 0x9e3779b97f4a7c15u;
    }
    uint64_t tail = 0;
    if (size)
        memcpy(&tail, p, size);
    return hash_u64(h ^ tail);
}

void hash_map_finish(struct hash_map *m)
{
    free(m->slots);
    *m = (struct hash_map) { 0 };
}

void hash_map_clear(struct hash_map *m)
{
    if (m->slots)
        memset(m->slots, 0, m->capacity * sizeof(*m->slots));
    m->count = m->tombstones = 0;
}

// The slot of key, or the slot where it would go.
static struct hash_slot *find(const struct hash_map *m, uint64_t key)
{
    struct hash_slot *free_slot = NULL;
    for (size_t i = hash_u64(key) & (m->capacity - 1);; i = (i + 1) & (m->capacity - 1)) {
        struct hash_slot *s = &m->slots[i];
        if (s->state == SLOT_EMPTY)
            return free_slot ? free_slot : s;
        if (s->state == SLOT_DEAD) {
            if (!free_slot)
                free_slot = s;
        } else if (s->key == key) {
            return s;
        }
    }
}

static bool rehash(struct hash_map *m, size_t capacity)
{
    struct hash_map bigger = { .capacity = capacity };
    bigger.slots           = calloc(capacity, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < m->capacity; i++)
        if (m->slots[i].state == SLOT_USED) {
            *find(&bigger, m->slots[i].key) = m->slots[i];
            bigger.count++;
        }
    free(m->slots);
    *m = bigger;
    return true;
}

uint64_t *hash_map_get(const struct hash_map *m, uint64_t key)
{
    if (!m->count)
        return NULL;
    struct hash_slot *s = find(m, key);
    return s->state == SLOT_USED ? &s->value : NULL;
}

bool hash_map_put(struct hash_map *m, uint64_t key, uint64_t value)
{
    if ((m->count + m->tombstones + 1) * 4 > m->capacity * 3) {
        size_t want = m->capacity ? m->capacity : 16;
        if ((m->count + 1) * 2 > want)
            want *= 2;
        if (!rehash(m, want))
            return false;
    }
    struct hash_slot *s = find(m, key);
    if (s->state != SLOT_USED) {
        if (s->state == SLOT_DEAD)
            m->tombstones--;
        m->count++;
    }
    *s = (struct hash_slot) { key, value, SLOT_USED };
    return true;
}

bool hash_map_remove(struct hash_map *m, uint64_t key)
{
    if (!m->count)
        return false;
    struct hash_slot *s = find(m, key);
    if (s->state != SLOT_USED)
        return false;
    s->state = SLOT_DEAD;
    m->count--;
    m->tombstones++;
    return true;
}

bool hash_map_next(const struct hash_map *m, size_t *at, uint64_t *key, uint64_t *value)
{
    for (; *at < m->capacity; ++*at)
        if (m->slots[*at].state == SLOT_USED) {
            *key   = m->slots[*at].key;
            *value = m->slots[*at].value;
            ++*at;
            return true;
        }
    return false;
}
