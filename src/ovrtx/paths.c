#include "paths.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "intern.h"

#define MAX_PATH_BYTES (1u << 20)

struct path_list {
    size_t count;
    bool owned_by_library;
    uint32_t ids[];
};

struct paths {
    struct intern_table *tokens, *paths;
    struct handle_table lists;
    pthread_rwlock_t list_lock; // held for reading while a list is looked at
};

struct paths *paths_create(void)
{
    struct paths *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->tokens = intern_create();
    p->paths  = intern_create();
    handles_init(&p->lists);
    pthread_rwlock_init(&p->list_lock, NULL);
    if (!p->tokens || !p->paths)
        paths_destroy(&p);
    return p;
}

void paths_destroy(struct paths **paths)
{
    struct paths *p = *paths;
    if (!p)
        return;
    for (void *list; (list = handles_take_any(&p->lists));)
        free(list);
    handles_finish(&p->lists);
    pthread_rwlock_destroy(&p->list_lock);
    intern_destroy(&p->tokens);
    intern_destroy(&p->paths);
    free(p);
    *paths = NULL;
}

uint32_t paths_token(struct paths *p, const char *text, size_t size) { return intern_id(p->tokens, text, size); }

uint32_t paths_token_find(struct paths *p, const char *text, size_t size)
{
    return intern_find(p->tokens, text, size);
}

const char *paths_token_text(struct paths *p, uint32_t token)
{
    const char *text = intern_text(p->tokens, token, NULL);
    return text ? text : "";
}

// USD identifiers may hold any UTF-8 letter; only what would break the path's structure is refused.
static bool component_byte(unsigned char c) { return c > ' ' && c != '.' && c != '<' && c != '>' && c != 127; }

bool paths_valid(const char *text, size_t size)
{
    if (!text || !size || size > MAX_PATH_BYTES || text[0] != '/')
        return false;
    if (size == 1)
        return true;
    for (size_t i = 1; i < size; i++) {
        if (text[i] == '/' ? text[i - 1] == '/' || i + 1 == size : !component_byte((unsigned char)text[i]))
            return false;
    }
    return true;
}

uint32_t paths_path(struct paths *p, const char *text, size_t size)
{
    uint32_t id = text ? intern_find(p->paths, text, size) : 0;
    if (id)
        return id;
    return paths_valid(text, size) ? intern_id(p->paths, text, size) : 0;
}

uint32_t paths_find(struct paths *p, const char *text, size_t size)
{
    return text ? intern_find(p->paths, text, size) : 0;
}

const char *paths_text(struct paths *p, uint32_t path, size_t *size)
{
    size_t length    = 0;
    const char *text = intern_text(p->paths, path, &length);
    if (size)
        *size = text ? length : 0;
    return text ? text : "";
}

uint32_t paths_child(struct paths *p, uint32_t parent, const char *name, size_t name_size)
{
    char small[512];
    size_t parent_size;
    const char *text = paths_text(p, parent, &parent_size);
    if (parent_size == 1)
        parent_size = 0; // below "/"
    size_t size = parent_size + 1 + name_size;
    char *full  = size <= sizeof(small) ? small : malloc(size);
    if (!full)
        return 0;
    memcpy(full, text, parent_size);
    full[parent_size] = '/';
    memcpy(full + parent_size + 1, name, name_size);
    uint32_t id = intern_id(p->paths, full, size);
    if (full != small)
        free(full);
    return id;
}

static ovx_primpath_list_t add_list(struct paths *p, struct path_list *list)
{
    uint64_t handle = handles_add(&p->lists, list);
    if (!handle)
        free(list);
    return handle;
}

static struct path_list *list_alloc(size_t count)
{
    if (count > (SIZE_MAX - sizeof(struct path_list)) / sizeof(uint32_t))
        return NULL;
    struct path_list *list = malloc(sizeof(*list) + count * sizeof(uint32_t));
    if (list)
        *list = (struct path_list) { .count = count };
    return list;
}

ovx_primpath_list_t paths_list_create(struct paths *p, const uint32_t *ids, size_t count)
{
    struct path_list *list = list_alloc(count);
    if (!list)
        return 0;
    list->owned_by_library = true;
    if (count)
        memcpy(list->ids, ids, count * sizeof(*ids));
    return add_list(p, list);
}

void paths_list_destroy(struct paths *p, ovx_primpath_list_t handle)
{
    pthread_rwlock_wrlock(&p->list_lock);
    free(handles_take(&p->lists, handle));
    pthread_rwlock_unlock(&p->list_lock);
}

uint32_t *paths_list_copy(struct paths *p, ovx_primpath_list_t handle, size_t *count, bool *known)
{
    *count = 0;
    pthread_rwlock_rdlock(&p->list_lock);
    const struct path_list *list = handles_get(&p->lists, handle);
    *known                       = list != NULL;
    uint32_t *ids                = NULL;
    if (list && list->count && (ids = malloc(list->count * sizeof(*ids)))) {
        memcpy(ids, list->ids, list->count * sizeof(*ids));
        *count = list->count;
    }
    pthread_rwlock_unlock(&p->list_lock);
    return ids;
}

// ---------------------------------------------------------------------------------------------
// The vtable

static struct paths *self(path_dictionary_context_t *context) { return (struct paths *)context; }
static ovx_api_result_t done(void) { return (ovx_api_result_t) { OVX_API_SUCCESS, { NULL, 0 } }; }

static ovx_api_result_t failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
static ovx_api_result_t failed(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0)
        return (ovx_api_result_t) { OVX_API_ERROR, { NULL, 0 } };
    return (ovx_api_result_t) { OVX_API_ERROR, { text, (size_t)size } };
}

static void release_error(path_dictionary_context_t *context, ovx_string_t error) { free((void *)(uintptr_t)error.ptr); }

#define REQUIRE(condition)                                                               \
    do {                                                                                 \
        if (!(condition))                                                                \
            return failed("path dictionary: an argument of %s is missing", __func__);    \
    } while (0)

static ovx_api_result_t create_tokens_from_strings(path_dictionary_context_t *context,
                                                   const ovx_string_t *strings, size_t count,
                                                   ovx_token_t *out)
{
    REQUIRE(context && (!count || (strings && out)));
    for (size_t i = 0; i < count; i++) {
        out[i] = paths_token(self(context), strings[i].ptr ? strings[i].ptr : "", strings[i].ptr ? strings[i].length : 0);
        if (!out[i])
            return failed("path dictionary: out of memory");
    }
    return done();
}

static ovx_api_result_t create_paths_from_strings(path_dictionary_context_t *context,
                                                  const ovx_string_t *strings, size_t count,
                                                  ovx_primpath_t *out)
{
    REQUIRE(context && (!count || (strings && out)));
    for (size_t i = 0; i < count; i++) {
        out[i] = paths_path(self(context), strings[i].ptr, strings[i].length);
        if (!out[i])
            return failed("'%.*s' is not an absolute prim path such as /World/Cube",
                          (int)(strings[i].length < 200 ? strings[i].length : 200),
                          strings[i].ptr ? strings[i].ptr : "");
    }
    return done();
}

static ovx_api_result_t create_paths_from_tokens(path_dictionary_context_t *context,
                                                 const ovx_token_t *tokens, const size_t *counts,
                                                 size_t count, ovx_primpath_t *out)
{
    REQUIRE(context && (!count || (counts && out)));
    struct paths *p = self(context);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = intern_id(p->paths, "/", 1);
        REQUIRE(!counts[i] || tokens);
        for (size_t k = 0; k < counts[i]; k++) {
            size_t size      = 0;
            const char *name = tokens[k] <= UINT32_MAX ? intern_text(p->tokens, (uint32_t)tokens[k], &size) : NULL;
            if (!name)
                return failed("path dictionary: token %llu is unknown", (unsigned long long)tokens[k]);
            if (!size || memchr(name, '/', size) || memchr(name, '.', size))
                return failed("'%s' is not a prim name", name);
            id = paths_child(p, id, name, size);
        }
        if (!id)
            return failed("path dictionary: out of memory");
        out[i] = id;
        tokens += counts[i];
    }
    return done();
}

static ovx_api_result_t create_path_list_from_paths(path_dictionary_context_t *context,
                                                    const ovx_primpath_t *ids, size_t count,
                                                    ovx_primpath_list_t *out)
{
    REQUIRE(context && out && (!count || ids));
    struct path_list *list = list_alloc(count);
    if (!list)
        return failed("path dictionary: out of memory");
    for (size_t i = 0; i < count; i++) {
        if (!ids[i] || ids[i] > UINT32_MAX || !intern_text(self(context)->paths, (uint32_t)ids[i], NULL)) {
            free(list);
            return failed("path dictionary: path %llu is unknown", (unsigned long long)ids[i]);
        }
        list->ids[i] = (uint32_t)ids[i];
    }
    *out = add_list(self(context), list);
    return *out ? done() : failed("path dictionary: out of memory");
}

static ovx_api_result_t create_path_list_from_strings(path_dictionary_context_t *context,
                                                      const ovx_string_t *strings, size_t count,
                                                      ovx_primpath_list_t *out)
{
    REQUIRE(context && out && (!count || strings));
    struct path_list *list = list_alloc(count);
    if (!list)
        return failed("path dictionary: out of memory");
    for (size_t i = 0; i < count; i++) {
        ovx_primpath_t id;
        ovx_api_result_t result = create_paths_from_strings(context, &strings[i], 1, &id);
        if (result.status != OVX_API_SUCCESS) {
            free(list);
            return result;
        }
        list->ids[i] = (uint32_t)id;
    }
    *out = add_list(self(context), list);
    return *out ? done() : failed("path dictionary: out of memory");
}

static ovx_api_result_t destroy_path_list(path_dictionary_context_t *context, ovx_primpath_list_t handle)
{
    REQUIRE(context);
    struct paths *p = self(context);
    pthread_rwlock_wrlock(&p->list_lock);
    struct path_list *list = handles_get(&p->lists, handle);
    bool own               = list && !list->owned_by_library;
    if (own)
        free(handles_take(&p->lists, handle));
    pthread_rwlock_unlock(&p->list_lock);
    if (!list)
        return failed("path dictionary: path list %llu is unknown", (unsigned long long)handle);
    return own ? done() : failed("path dictionary: this list belongs to a query result; release that");
}

static ovx_api_result_t get_strings_from_tokens(path_dictionary_context_t *context,
                                                const ovx_token_t *tokens, size_t count,
                                                ovx_string_t *out)
{
    REQUIRE(context && (!count || (tokens && out)));
    for (size_t i = 0; i < count; i++) {
        out[i].ptr = tokens[i] <= UINT32_MAX ? intern_text(self(context)->tokens, (uint32_t)tokens[i], &out[i].length) : NULL;
        if (!out[i].ptr) {
            out[i].length = 0;
            return failed("path dictionary: token %llu is unknown", (unsigned long long)tokens[i]);
        }
    }
    return done();
}

static ovx_api_result_t get_tokens_from_paths(path_dictionary_context_t *context, const ovx_primpath_t *ids,
                                              size_t count, ovx_token_t *buffer, size_t buffer_size,
                                              ovx_token_t **out_tokens, size_t *out_counts,
                                              size_t *out_processed)
{
    REQUIRE(context && out_processed && (!count || (ids && out_tokens && out_counts)) && (!buffer_size || buffer));
    struct paths *p = self(context);
    size_t used     = 0;
    *out_processed  = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size      = 0;
        const char *text = ids[i] && ids[i] <= UINT32_MAX ? paths_text(p, (uint32_t)ids[i], &size) : "";
        if (!size)
            return failed("path dictionary: path %llu is unknown", (unsigned long long)ids[i]);
        size_t tokens = 0;
        for (size_t k = 0; size > 1 && k < size; k++)
            tokens += text[k] == '/';
        if (tokens > buffer_size - used)
            break;
        out_tokens[i] = buffer + used;
        out_counts[i] = tokens;
        const char *at = text + 1, *end = text + size;
        for (size_t k = 0; k < tokens; k++) {
            const char *slash = memchr(at, '/', (size_t)(end - at));
            const char *stop  = slash ? slash : end;
            buffer[used]      = paths_token(p, at, (size_t)(stop - at));
            if (!buffer[used++])
                return failed("path dictionary: out of memory");
            at = stop + 1;
        }
        *out_processed = i + 1;
    }
    return done();
}

static ovx_api_result_t get_num_paths_from_path_list(path_dictionary_context_t *context,
                                                     ovx_primpath_list_t handle, size_t *out)
{
    REQUIRE(context && out);
    struct paths *p = self(context);
    pthread_rwlock_rdlock(&p->list_lock);
    const struct path_list *list = handles_get(&p->lists, handle);
    *out                         = list ? list->count : 0;
    pthread_rwlock_unlock(&p->list_lock);
    return list ? done() : failed("path dictionary: path list %llu is unknown", (unsigned long long)handle);
}

static ovx_api_result_t get_paths_from_path_list(path_dictionary_context_t *context,
                                                 ovx_primpath_list_t handle, size_t start, size_t max,
                                                 ovx_primpath_t *out, size_t *out_count)
{
    REQUIRE(context && out_count && (!max || out));
    struct paths *p = self(context);
    *out_count      = 0;
    pthread_rwlock_rdlock(&p->list_lock);
    const struct path_list *list = handles_get(&p->lists, handle);
    for (size_t i = start; list && i < list->count && *out_count < max; i++)
        out[(*out_count)++] = list->ids[i];
    pthread_rwlock_unlock(&p->list_lock);
    return list ? done() : failed("path dictionary: path list %llu is unknown", (unsigned long long)handle);
}

static path_dictionary_vtable_t vtable = {
    .create_tokens_from_strings    = create_tokens_from_strings,
    .create_paths_from_tokens      = create_paths_from_tokens,
    .create_paths_from_strings     = create_paths_from_strings,
    .create_path_list_from_paths   = create_path_list_from_paths,
    .create_path_list_from_strings = create_path_list_from_strings,
    .destroy_path_list             = destroy_path_list,
    .get_strings_from_tokens       = get_strings_from_tokens,
    .get_tokens_from_paths         = get_tokens_from_paths,
    .get_num_paths_from_path_list  = get_num_paths_from_path_list,
    .get_paths_from_path_list      = get_paths_from_path_list,
    .release_error                 = release_error,
};

path_dictionary_instance_t paths_instance(struct paths *p)
{
    return (path_dictionary_instance_t) { &vtable, (path_dictionary_context_t *)p };
}
