#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_guard.h"

#define READ_UP_TO (1u << 20)

void error_set(struct usd_error *err, int code, const char *file, const char *format, ...)
{
    if (!err)
        return;
    memset(err, 0, sizeof(*err));
    err->code = code;
    snprintf(err->file, sizeof(err->file), "%s", file ? file : "");
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
}

static uint64_t stamp_of(const struct stat *st)
{
    return ((uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec) * 31 + (uint64_t)st->st_size * 7
           + (uint64_t)st->st_ino + 1;
}

static const char *plain_path(const char *resolved, char out[PATH_MAX])
{
    size_t n, inner_size;
    const char *inner;
    if (!package_split(resolved, &n, &inner, &inner_size))
        return resolved;
    if (n >= PATH_MAX)
        return "";
    memcpy(out, resolved, n);
    out[n] = 0;
    return out;
}

uint64_t file_stamp(const char *resolved)
{
    char buf[PATH_MAX];
    struct stat st;
    return stat(plain_path(resolved, buf), &st) ? 0 : stamp_of(&st);
}

struct memory_package *memory_package_create(const char *identifier, const void *data, size_t size)
{
    static atomic_uint_least64_t serial;
    struct memory_package *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    size_t n   = strlen(identifier);
    bool named = n > 5 && !strcmp(identifier + n - 5, ".usdz");
    m->path    = malloc(n + 6);
    m->data    = malloc(size ? size : 1);
    if (!m->path || !m->data) {
        memory_package_destroy(m);
        return NULL;
    }
    snprintf(m->path, n + 6, "%s%s", identifier, named ? "" : ".usdz");
    memcpy(m->data, data, size);
    m->size  = size;
    m->stamp = atomic_fetch_add(&serial, 1) + 1; // times of files are far from 0
    return m;
}

void memory_package_destroy(struct memory_package *m)
{
    if (!m)
        return;
    free(m->path);
    free(m->data);
    free(m);
}

bool file_in_memory(const struct layer_env *env, const char *resolved)
{
    if (!env || !env->memory)
        return false;
    size_t n = strlen(env->memory->path);
    return !strncmp(resolved, env->memory->path, n) && (!resolved[n] || resolved[n] == '[');
}

// Small files are read: that is quicker than mapping them, and nobody can change them any more. 0 is fine for `size`.
static bool read_whole(int fd, size_t size, struct file_bytes *out)
{
    uint8_t *data = malloc(size + FILE_PADDING);
    size_t got    = 0;
    while (data && got < size) {
        ssize_t n = read(fd, data + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    if (!data || got < size) { // shorter than it was a moment ago
        errno = data ? EIO : ENOMEM;
        free(data);
        return false;
    }
    memset(data + size, 0, FILE_PADDING);
    out->data = out->heap = data;
    return true;
}

static bool map_whole(int fd, size_t size, struct file_bytes *out)
{
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return false;
    unsigned guard = guard_add(map, size);
    if (!guard) {
        munmap(map, size);
        return false;
    }
    out->data = out->map = map;
    out->map_size        = size;
    out->guard           = guard;
    return true;
}

bool file_lost(const struct file_bytes *f) { return guard_lost(f->guard); }

static int map_plain(const struct layer_env *env, const char *path, struct file_bytes *out, struct usd_error *err)
{
    if (file_in_memory(env, path)) {
        *out = (struct file_bytes) { .data = env->memory->data, .size = env->memory->size, .stamp = env->memory->stamp };
        return USD_OK;
    }
    if (env && env->allow_path && !env->allow_path(path, env->user)) {
        error_set(err, USD_ERR_REFUSED, path, "%s: this path is not allowed", path);
        return USD_ERR_REFUSED;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set(err, USD_ERR_IO, path, "%s: %s", path, strerror(errno));
        return USD_ERR_IO;
    }
    int rc = USD_OK;
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        error_set(err, USD_ERR_IO, path, "%s is not a regular file", path);
        rc = USD_ERR_IO;
    } else if (env && (uint64_t)st.st_size > env->limits.max_file_bytes) {
        error_set(err, USD_ERR_LIMIT, path, "%s has %lld bytes, more than max_file_bytes", path, (long long)st.st_size);
        rc = USD_ERR_LIMIT;
    } else {
        out->stamp = stamp_of(&st);
        out->size  = (size_t)st.st_size;
        bool ok    = out->size > READ_UP_TO && map_whole(fd, out->size, out);
        if (!ok && !read_whole(fd, out->size, out)) {
            error_set(err, USD_ERR_IO, path, "%s: cannot be read: %s", path, strerror(errno));
            rc = USD_ERR_IO;
        }
    }
    close(fd);
    return rc;
}

int file_map(const struct layer_env *env, const char *resolved, struct file_bytes *out, struct usd_error *err)
{
    *out = (struct file_bytes) { 0 };
    size_t package_size, inner_size;
    const char *inner;
    if (!package_split(resolved, &package_size, &inner, &inner_size))
        return map_plain(env, resolved, out, err);
    char buf[PATH_MAX];
    const char *path = plain_path(resolved, buf);
    if (!*path) {
        error_set(err, USD_ERR_IO, resolved, "path is too long");
        return USD_ERR_IO;
    }
    int rc = map_plain(env, path, out, err);
    while (rc == USD_OK) {
        char name[PATH_MAX];
        if (inner_size >= sizeof(name)) {
            error_set(err, USD_ERR_IO, resolved, "path is too long");
            rc = USD_ERR_IO;
            break;
        }
        memcpy(name, inner, inner_size);
        name[inner_size] = 0;
        size_t sub_size, sub_inner_size;
        const char *sub_inner;
        bool deeper = package_split(name, &sub_size, &sub_inner, &sub_inner_size);
        struct zip_member m;
        rc = zip_find(out->data, out->size, name, deeper ? sub_size : inner_size, resolved, &m, err);
        if (rc != USD_OK)
            break;
        out->data = m.data;
        out->size = m.size;
        if (!deeper)
            return USD_OK;
        inner += sub_size + 1;
        inner_size = sub_inner_size;
    }
    file_unmap(out);
    return rc;
}

void file_unmap(struct file_bytes *f)
{
    guard_remove(f->guard);
    if (f->map)
        munmap(f->map, f->map_size);
    free(f->heap);
    *f = (struct file_bytes) { 0 };
}

bool file_exists(const struct layer_env *env, const char *resolved)
{
    size_t package_size, inner_size;
    const char *inner;
    if (!package_split(resolved, &package_size, &inner, &inner_size) && !file_in_memory(env, resolved)) {
        struct stat st;
        if (env && env->allow_path && !env->allow_path(resolved, env->user))
            return false; // nor does it say whether something is there
        return !stat(resolved, &st) && S_ISREG(st.st_mode);
    }
    struct file_bytes f;
    bool found = file_map(env, resolved, &f, NULL) == USD_OK;
    file_unmap(&f);
    return found;
}

bool file_collapse(char *path)
{
    char *out = path;
    for (const char *in = path; *in;) {
        in += *in == '/';
        size_t n = strcspn(in, "/");
        if (n == 2 && in[0] == '.' && in[1] == '.') {
            if (out == path)
                return false;
            while (*--out != '/')
                ;
        } else if (n && !(n == 1 && *in == '.')) {
            *out++ = '/';
            memmove(out, in, n);
            out += n;
        }
        in += n;
    }
    *out = 0;
    return out > path;
}

bool file_absolute(const char *path, char *out, size_t capacity)
{
    size_t name_size, inner_size;
    const char *inner;
    if (!package_split(path, &name_size, &inner, &inner_size))
        name_size = strlen(path);
    if (*path == '/')
        *out = 0;
    else if (!*path || !getcwd(out, capacity))
        return false;
    size_t n = strlen(out);
    if (snprintf(out + n, capacity - n, "/%.*s", (int)name_size, path) >= (int)(capacity - n) || !file_collapse(out))
        return false;
    n = strlen(out);
    return snprintf(out + n, capacity - n, "%s", path + name_size) < (int)(capacity - n);
}
