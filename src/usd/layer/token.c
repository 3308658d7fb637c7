#include "token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define BLOCK_BYTES (64u << 10) // of text, for each shard

struct tok_entry *_Atomic tok_chunks[1u << (32 - TOK_CHUNK_BITS)];

// Open addressing over hash << 32 | id, 0 = empty: names that are not there, and other names, cost no look at their
// text. Three quarters full at most. A grown table replaces the old one; the old ones stay for readers that may
// still be inside them (their sizes sum to less than the newest).
struct table {
    struct table *older; // readers may still be inside; kept for the life of the process
    size_t mask;
    _Atomic uint64_t slot[];
};

// By the upper bits of the hash, so that threads which make names at once seldom wait for each other.
#define SHARDS 16
static struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct table *_Atomic table;
    size_t count;
    char *block;
    size_t block_left;
} shards[SHARDS];

static atomic_uint next_id = 1; // id 0 is ""
static atomic_uint_least64_t memory;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct shard *shard_of(uint32_t hash) { return &shards[hash >> 28]; }
_Static_assert(SHARDS == 1u << 4, "the shard takes the upper four bits");

static uint32_t hash_text(const char *text, size_t size)
{
    uint64_t h = size * 0x9e3779b97f4a7c15u;
    while (size >= 8) {
        uint64_t w;
        memcpy(&w, text, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
        text += 8, size -= 8;
    }
    uint64_t w = 0;
    memcpy(&w, text, size);
    return (uint32_t)(hash_u64(h ^ w) >> 16);
}

static uint32_t lookup(const struct table *t, const char *text, size_t size, uint32_t hash)
{
    for (size_t i = hash & t->mask;; i = (i + 1) & t->mask) {
        uint64_t slot = atomic_load_explicit(&t->slot[i], memory_order_acquire);
        if (!slot)
            return 0;
        if ((uint32_t)(slot >> 32) != hash)
            continue;
        const struct tok_entry *e = tok_entry((uint32_t)slot);
        if (e->size == size && !memcmp(e->text, text, size))
            return (uint32_t)slot;
    }
}

static void place(struct table *t, uint32_t id, uint32_t hash)
{
    size_t i = hash & t->mask;
    while (atomic_load_explicit(&t->slot[i], memory_order_relaxed))
        i = (i + 1) & t->mask;
    atomic_store_explicit(&t->slot[i], (uint64_t)hash << 32 | id, memory_order_release);
}

static struct table *table_make(size_t slots)
{
    struct table *t = calloc(1, sizeof(*t) + slots * sizeof(t->slot[0]));
    if (!t)
        abort(); // a process that cannot hold its names cannot go on
    t->mask = slots - 1;
    memory += slots * sizeof(t->slot[0]);
    return t;
}

static const char *store_text(struct shard *s, const char *text, size_t size)
{
    if (s->block_left < size + 1) {
        size_t want = size + 1 > BLOCK_BYTES / 4 ? size + 1 : BLOCK_BYTES;
        char *b     = malloc(want);
        if (!b)
            abort();
        memory += want;
        if (want != BLOCK_BYTES) {
            memcpy(b, text, size);
            b[size] = 0;
            return b;
        }
        s->block      = b;
        s->block_left = want;
    }
    char *p = s->block;
    memcpy(p, text, size);
    p[size] = 0;
    s->block += size + 1;
    s->block_left -= size + 1;
    return p;
}

static struct tok_entry *entry_of_new(uint32_t id)
{
    struct tok_entry *_Atomic *at = &tok_chunks[id >> TOK_CHUNK_BITS];
    struct tok_entry *chunk       = atomic_load_explicit(at, memory_order_acquire);
    if (!chunk) {
        struct tok_entry *fresh = calloc(1u << TOK_CHUNK_BITS, sizeof(*fresh));
        if (!fresh)
            abort();
        if (atomic_compare_exchange_strong(at, &chunk, fresh)) {
            chunk = fresh;
            memory += sizeof(*fresh) << TOK_CHUNK_BITS;
        } else {
            free(fresh); // another shard was quicker
        }
    }
    return &chunk[id & ((1u << TOK_CHUNK_BITS) - 1)];
}

static void grow(struct shard *s)
{
    struct table *t = atomic_load_explicit(&s->table, memory_order_relaxed), *bigger = table_make((t->mask + 1) * 2);
    for (size_t i = 0; i <= t->mask; i++) {
        uint64_t slot = atomic_load_explicit(&t->slot[i], memory_order_relaxed);
        if (slot)
            place(bigger, (uint32_t)slot, (uint32_t)(slot >> 32));
    }
    bigger->older = t;
    atomic_store_explicit(&s->table, bigger, memory_order_release);
}

static uint32_t insert(struct shard *s, const char *text, size_t size, uint32_t hash)
{
    uint32_t id = lookup(atomic_load_explicit(&s->table, memory_order_relaxed), text, size, hash);
    if (id)
        return id;
    if (s->count * 4 > atomic_load_explicit(&s->table, memory_order_relaxed)->mask * 3)
        grow(s);
    id = atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
    if (!id)
        abort(); // four thousand million names
    *entry_of_new(id) = (struct tok_entry) { store_text(s, text, size), (uint32_t)size, hash };
    place(atomic_load_explicit(&s->table, memory_order_relaxed), id, hash);
    s->count++;
    return id;
}

static void start(void)
{
    static const char *const fixed[] = {
#define X(name) #name,
        TOK_LIST(X)
#undef X
        "array edit", "array edit samples", "default",
    };
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&shards[i].lock, NULL);
        atomic_store(&shards[i].table, table_make(1u << 10));
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        uint32_t hash = hash_text(fixed[i], strlen(fixed[i]));
        insert(shard_of(hash), fixed[i], strlen(fixed[i]), hash);
    }
}

void tok_ready(void) { pthread_once(&once, start); }

usd_tok tok_make(const char *text, size_t size)
{
    if (!size)
        return 0;
    tok_ready();
    uint32_t hash = hash_text(text, size);
    struct shard *s = shard_of(hash);
    uint32_t id     = lookup(atomic_load_explicit(&s->table, memory_order_acquire), text, size, hash);
    if (id)
        return id;
    pthread_mutex_lock(&s->lock);
    id = insert(s, text, size, hash);
    pthread_mutex_unlock(&s->lock);
    return id;
}

usd_tok tok_str(const char *text) { return text ? tok_make(text, strlen(text)) : 0; }

usd_tok tok_find(const char *text, size_t size)
{
    if (!size)
        return 0;
    tok_ready();
    uint32_t hash = hash_text(text, size);
    uint32_t id   = lookup(atomic_load_explicit(&shard_of(hash)->table, memory_order_acquire), text, size, hash);
    return id ? id : UINT32_MAX;
}

uint64_t tok_memory(void)
{
    return atomic_load(&memory);
}
