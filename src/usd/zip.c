// Reading zip archives as usdz packages use them: stored members only. The local headers are walked from the start, as
// usdz readers do, which needs no central directory and finds the first member (the root layer) at once.
#include <string.h>

#include "cursor.h"
#include "file.h"

#define LOCAL_HEADER 0x04034b50u
#define FLAG_ENCRYPTED 1u
#define FLAG_SIZES_AFTER 8u
#define MAX_MEMBERS 1000000u

bool zip_looks_like(const void *data, size_t size) { return size >= 4 && !memcmp(data, "PK\3\4", 4); }

static int damaged(struct usd_error *err, const char *package, size_t offset, const char *what)
{
    error_set(err, USD_ERR_FORMAT, package, "%s: offset %zu: %s", package, offset, what);
    if (err)
        err->offset = offset;
    return USD_ERR_FORMAT;
}

// The member at c. USD_ERR_NOT_FOUND where the central directory begins.
static int next_member(struct cursor *c, const uint8_t *base, const char *package, struct zip_member *out,
                       struct usd_error *err)
{
    size_t at = (size_t)(c->p - base);
    if (cur_u32le(c) != LOCAL_HEADER || c->bad)
        return USD_ERR_NOT_FOUND;
    cur_skip(c, 2);
    uint16_t flags = cur_u16le(c), method = cur_u16le(c);
    cur_skip(c, 8); // time, date, checksum
    uint32_t packed = cur_u32le(c), plain = cur_u32le(c);
    uint16_t name_size = cur_u16le(c), extra = cur_u16le(c);
    out->name      = (const char *)cur_take(c, name_size);
    out->name_size = name_size;
    cur_skip(c, extra);
    out->offset = (size_t)(c->p - base);
    out->size   = plain;
    if (c->bad)
        return damaged(err, package, at, "zip header is cut off");
    if (flags & FLAG_ENCRYPTED)
        return damaged(err, package, at, "member is encrypted; packages must not be");
    if (method != 0 || packed != plain)
        return damaged(err, package, at, "member is compressed; usdz packages store their members without compression");
    if (flags & FLAG_SIZES_AFTER && !plain)
        return damaged(err, package, at, "member has its size behind the data, which usdz does not allow");
    out->data = cur_take(c, plain);
    if (c->bad)
        return damaged(err, package, at, "member is cut off");
    return USD_OK;
}

int zip_member(const uint8_t *data, size_t size, size_t i, const char *package, struct zip_member *out, struct usd_error *err)
{
    struct cursor c = cur_make(data, size);
    for (size_t k = 0; k < MAX_MEMBERS; k++) {
        int rc = next_member(&c, data, package, out, err);
        if (rc || k == i)
            return rc;
    }
    return USD_ERR_NOT_FOUND;
}

int zip_find(const uint8_t *data, size_t size, const char *name, size_t name_size, const char *package,
             struct zip_member *out, struct usd_error *err)
{
    struct cursor c = cur_make(data, size);
    for (size_t k = 0; k < MAX_MEMBERS; k++) {
        int rc = next_member(&c, data, package, out, err);
        if (rc == USD_ERR_NOT_FOUND)
            break;
        if (rc)
            return rc;
        if (out->name_size == name_size && !memcmp(out->name, name, name_size))
            return USD_OK;
    }
    error_set(err, USD_ERR_NOT_FOUND, package, "%s has no member '%.*s'", package, (int)name_size, name);
    return USD_ERR_NOT_FOUND;
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
