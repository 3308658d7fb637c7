#include "token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define BLOCK_BYTES (256u << 10)

struct tok_entry *_Atomic tok_chunks[1u << (32 - TOK_CHUNK_BITS)];

// Open addressing over hash << 32 | id, 0 = empty: names that are not there, and other names, cost no look at their
// text. Three quarters full at most. A grown table replaces the old one; the old ones stay for readers that may
// still be inside them (their sizes sum to less than the newest).
struct table {
    struct table *older; // readers may still be inside; kept for the life of the process
    size_t mask;
    _Atomic uint64_t slot[];
};

static struct table *_Atomic table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t count = 1; // id 0 is ""
static char *block;
static size_t block_left;
static uint64_t memory;
static pthread_once_t once = PTHREAD_ONCE_INIT;

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

static const char *store_text(const char *text, size_t size)
{
    if (block_left < size + 1) {
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
        block      = b;
        block_left = want;
    }
    char *p = block;
    memcpy(p, text, size);
    p[size] = 0;
    block += size + 1;
    block_left -= size + 1;
    return p;
}

static uint32_t insert(const char *text, size_t size, uint32_t hash)
{
    struct table *t = atomic_load_explicit(&table, memory_order_relaxed);
    uint32_t id     = lookup(t, text, size, hash);
    if (id)
        return id;
    if ((size_t)count * 4 > t->mask * 3) {
        struct table *bigger = table_make((t->mask + 1) * 2);
        for (uint32_t i = 1; i < count; i++)
            place(bigger, i, tok_entry(i)->hash);
        bigger->older = t;
        atomic_store_explicit(&table, bigger, memory_order_release);
        t = bigger;
    }
    id            = count++;
    size_t chunk  = id >> TOK_CHUNK_BITS;
    struct tok_entry *c = atomic_load_explicit(&tok_chunks[chunk], memory_order_relaxed);
    if (!c) {
        c = calloc(1u << TOK_CHUNK_BITS, sizeof(*c));
        if (!c)
            abort();
        memory += sizeof(*c) << TOK_CHUNK_BITS;
        atomic_store_explicit(&tok_chunks[chunk], c, memory_order_release);
    }
    c[id & ((1u << TOK_CHUNK_BITS) - 1)] = (struct tok_entry) { store_text(text, size), (uint32_t)size, hash };
    place(t, id, hash);
    return id;
}

static void start(void)
{
    static const char *const fixed[] = {
#define X(name) #name,
        TOK_LIST(X)
#undef X
        "default",
    };
    atomic_store(&table, table_make(1u << 14));
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        insert(fixed[i], strlen(fixed[i]), hash_text(fixed[i], strlen(fixed[i])));
}

usd_tok tok_make(const char *text, size_t size)
{
    if (!size)
        return 0;
    pthread_once(&once, start);
    uint32_t hash = hash_text(text, size);
    uint32_t id   = lookup(atomic_load_explicit(&table, memory_order_acquire), text, size, hash);
    if (id)
        return id;
    pthread_mutex_lock(&lock);
    id = insert(text, size, hash);
    pthread_mutex_unlock(&lock);
    return id;
}

usd_tok tok_str(const char *text) { return text ? tok_make(text, strlen(text)) : 0; }

usd_tok tok_find(const char *text, size_t size)
{
    if (!size)
        return 0;
    pthread_once(&once, start);
    uint32_t id = lookup(atomic_load_explicit(&table, memory_order_acquire), text, size, hash_text(text, size));
    return id ? id : UINT32_MAX;
}

uint64_t tok_memory(void)
{
    pthread_mutex_lock(&lock);
    uint64_t m = memory;
    pthread_mutex_unlock(&lock);
    return m;
}
