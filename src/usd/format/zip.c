// Reading zip archives as usdz packages use them: stored members only. The local headers are walked from the start, as
// usdz readers do, which needs no central directory and finds the first member (the root layer) at once.
#include <string.h>

#include "cursor.h"
#include "file.h"
#include "usd_limits.h"

#define LOCAL_HEADER 0x04034b50u
#define FLAG_ENCRYPTED 1u
#define FLAG_SIZES_AFTER 8u

bool zip_looks_like(const void *data, size_t size) { return size >= 4 && !memcmp(data, "PK\3\4", 4); }

static int damaged(struct usd_error *err, const char *package, size_t offset, const char *what)
{
    error_set(err, USD_ERR_FORMAT, package, "%s: offset %zu: %s", package, offset, what);
    if (err)
        err->offset = offset;
    return USD_ERR_FORMAT;
}

// "/a", "a/../../b": a name is a path inside the package.
static bool leads_out(const char *name, size_t size)
{
    if (size && *name == '/')
        return true;
    for (const char *end = name + size; name < end;) {
        const char *slash = memchr(name, '/', (size_t)(end - name)), *to = slash ? slash : end;
        if (to - name == 2 && name[0] == '.' && name[1] == '.')
            return true;
        name = to + 1;
    }
    return false;
}

// Why nobody can read a member; the members behind it may be fine.
static const char *unreadable(uint16_t flags, uint16_t method, uint32_t packed, uint32_t plain, const struct zip_member *m)
{
    if (flags & FLAG_ENCRYPTED)
        return "member is encrypted; packages must not be";
    if (method != 0 || packed != plain)
        return "member is compressed; usdz packages store their members without compression";
    if (flags & FLAG_SIZES_AFTER && !plain)
        return "member has its size behind the data, which usdz does not allow";
    if (leads_out(m->name, m->name_size))
        return "the member's name leads out of the package";
    return NULL;
}

struct zip_walk zip_walk(const uint8_t *data, size_t size, const char *package)
{
    return (struct zip_walk) { data, data, data + size, package, 0 };
}

int zip_next(struct zip_walk *w, struct zip_member *out, struct usd_error *err)
{
    struct cursor c = cur_make(w->at, (size_t)(w->end - w->at));
    size_t at       = (size_t)(w->at - w->data);
    if (cur_u32le(&c) != LOCAL_HEADER || c.bad)
        return USD_ERR_NOT_FOUND; // the central directory begins
    if (++w->count > LIMIT_PACKAGE_MEMBERS) {
        error_set(err, USD_ERR_LIMIT, w->package, "%s: a package has at most %u members", w->package, LIMIT_PACKAGE_MEMBERS);
        return USD_ERR_LIMIT;
    }
    cur_skip(&c, 2);
    uint16_t flags = cur_u16le(&c), method = cur_u16le(&c);
    cur_skip(&c, 8); // time, date, checksum
    uint32_t packed = cur_u32le(&c), plain = cur_u32le(&c);
    uint16_t name_size = cur_u16le(&c), extra = cur_u16le(&c);
    *out = (struct zip_member) { .name = (const char *)cur_take(&c, name_size), .name_size = name_size, .size = packed };
    cur_skip(&c, extra);
    if (c.bad)
        return damaged(err, w->package, at, "zip header is cut off");
    if (packed == UINT32_MAX || plain == UINT32_MAX)
        return damaged(err, w->package, at, "member uses the 64-bit extension of zip, which usdz does not have");
    out->offset     = (size_t)(c.p - w->data);
    out->unreadable = unreadable(flags, method, packed, plain, out);
    out->data       = cur_take(&c, packed);
    if (c.bad)
        return damaged(err, w->package, at, "member is cut off");
    w->at = c.p;
    return USD_OK;
}

static int readable(const struct zip_member *m, const char *package, struct usd_error *err)
{
    return m->unreadable ? damaged(err, package, m->offset, m->unreadable) : USD_OK;
}

int zip_first(const uint8_t *data, size_t size, const char *package, struct zip_member *out, struct usd_error *err)
{
    struct zip_walk w = zip_walk(data, size, package);
    int rc            = zip_next(&w, out, err);
    return rc == USD_OK ? readable(out, package, err) : rc;
}

int zip_find(const uint8_t *data, size_t size, const char *name, size_t name_size, const char *package,
             struct zip_member *out, struct usd_error *err)
{
    struct zip_walk w = zip_walk(data, size, package);
    int rc;
    while ((rc = zip_next(&w, out, err)) == USD_OK)
        if (out->name_size == name_size && !memcmp(out->name, name, name_size))
            return readable(out, package, err);
    if (rc == USD_ERR_NOT_FOUND)
        error_set(err, rc, package, "%s has no member '%.*s'", package, (int)name_size, name);
    return rc;
}

bool package_split(const char *path, size_t *package_size, const char **inner, size_t *inner_size)
{
    size_t n = strlen(path);
    if (!n || path[n - 1] != ']')
        return false;
    // A package is named .usdz; a '[' elsewhere belongs to a file name.
    for (const char *b = strchr(path, '['); b; b = strchr(b + 1, '['))
        if (b - path > 5 && !memcmp(b - 5, ".usdz", 5)) {
            *package_size = (size_t)(b - path);
            *inner        = b + 1;
            *inner_size   = n - *package_size - 2;
            return true;
        }
    return false;
}
