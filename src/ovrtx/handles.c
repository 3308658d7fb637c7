#include "handles.h"

#include <stddef.h>

void handles_init(struct handle_table *t)
{
    *t = (struct handle_table) { 0 };
    pthread_mutex_init(&t->lock, NULL);
}

void handles_finish(struct handle_table *t)
{
    hash_map_finish(&t->map);
    pthread_mutex_destroy(&t->lock);
}

uint64_t handles_reserve(struct handle_table *t)
{
    pthread_mutex_lock(&t->lock);
    uint64_t handle = ++t->last;
    pthread_mutex_unlock(&t->lock);
    return handle;
}

int handles_put(struct handle_table *t, uint64_t handle, void *object)
{
    pthread_mutex_lock(&t->lock);
    bool ok = hash_map_put(&t->map, handle, (uint64_t)(uintptr_t)object);
    pthread_mutex_unlock(&t->lock);
    return ok ? 0 : -1;
}

uint64_t handles_add(struct handle_table *t, void *object)
{
    uint64_t handle = handles_reserve(t);
    return handles_put(t, handle, object) ? 0 : handle;
}

void *handles_get(struct handle_table *t, uint64_t handle)
{
    if (!handle)
        return NULL;
    pthread_mutex_lock(&t->lock);
    uint64_t *value = hash_map_get(&t->map, handle);
    void *object    = value ? (void *)(uintptr_t)*value : NULL;
    pthread_mutex_unlock(&t->lock);
    return object;
}

void *handles_take(struct handle_table *t, uint64_t handle)
{
    if (!handle)
        return NULL;
    pthread_mutex_lock(&t->lock);
    uint64_t *value = hash_map_get(&t->map, handle);
    void *object    = value ? (void *)(uintptr_t)*value : NULL;
    if (value)
        hash_map_remove(&t->map, handle);
    pthread_mutex_unlock(&t->lock);
    return object;
}

void *handles_take_any(struct handle_table *t)
{
    pthread_mutex_lock(&t->lock);
    size_t at    = 0;
    uint64_t key = 0, value = 0;
    void *object = NULL;
    if (hash_map_next(&t->map, &at, &key, &value)) {
        object = (void *)(uintptr_t)value;
        hash_map_remove(&t->map, key);
    }
    pthread_mutex_unlock(&t->lock);
    return object;
}
