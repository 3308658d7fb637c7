#include "intern.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "array.h"
#include "hash.h"

struct intern_entry {
    const char *text;
    size_t size;
    uint64_t hash;
};

struct intern_table {
    pthread_rwlock_t lock;
    struct arena text;
    struct {
        ARRAY_OF(struct intern_entry);
    } entries; // entry of id i at i - 1
    uint32_t *buckets; // open addressing, 0 = empty
    size_t bucket_count;
};

struct intern_table *intern_create(void)
{
    struct intern_table *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    pthread_rwlock_init(&t->lock, NULL);
    arena_init(&t->text, 0);
    return t;
}

void intern_destroy(struct intern_table **table)
{
    struct intern_table *t = *table;
    if (!t)
        return;
    pthread_rwlock_destroy(&t->lock);
    arena_finish(&t->text);
    array_free(&t->entries);
    free(t->buckets);
    free(t);
    *table = NULL;
}

static uint32_t *bucket_of(const struct intern_table *t, const char *text, size_t size, uint64_t hash)
{
    for (size_t i = hash & (t->bucket_count - 1);; i = (i + 1) & (t->bucket_count - 1)) {
        uint32_t id = t->buckets[i];
        if (!id)
            return &t->buckets[i];
        const struct intern_entry *e = &t->entries.items[id - 1];
        if (e->hash == hash && e->size == size && !memcmp(e->text, text, size))
            return &t->buckets[i];
    }
}

static int grow(struct intern_table *t)
{
    size_t count      = t->bucket_count ? t->bucket_count * 2 : 256;
    uint32_t *buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return 0;
    free(t->buckets);
    t->buckets      = buckets;
    t->bucket_count = count;
    for (size_t i = 0; i < t->entries.count; i++) {
        const struct intern_entry *e = &t->entries.items[i];
        size_t at                    = e->hash & (count - 1);
        while (buckets[at])
            at = (at + 1) & (count - 1);
        buckets[at] = (uint32_t)i + 1;
    }
    return 1;
}

uint32_t intern_find(struct intern_table *t, const char *text, size_t size)
{
    uint64_t hash = hash_bytes(text, size);
    pthread_rwlock_rdlock(&t->lock);
    uint32_t id = t->bucket_count ? *bucket_of(t, text, size, hash) : 0;
    pthread_rwlock_unlock(&t->lock);
    return id;
}

uint32_t intern_id(struct intern_table *t, const char *text, size_t size)
{
    uint32_t id = intern_find(t, text, size);
    if (id)
        return id;
    uint64_t hash = hash_bytes(text, size);
    pthread_rwlock_wrlock(&t->lock);
    if ((t->entries.count + 1) * 2 <= t->bucket_count || grow(t)) {
        uint32_t *b = bucket_of(t, text, size, hash);
        if (!*b) {
            char *copy = arena_strndup(&t->text, text, size);
            if (copy && array_push(&t->entries, (struct intern_entry) { copy, size, hash }))
                *b = (uint32_t)t->entries.count;
        }
        id = *b;
    }
    pthread_rwlock_unlock(&t->lock);
    return id;
}

const char *intern_text(struct intern_table *t, uint32_t id, size_t *size)
{
    const char *text = NULL;
    pthread_rwlock_rdlock(&t->lock);
    if (id && id <= t->entries.count) {
        text = t->entries.items[id - 1].text;
        if (size)
            *size = t->entries.items[id - 1].size;
    }
    pthread_rwlock_unlock(&t->lock);
    return text;
}
