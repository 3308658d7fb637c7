// Asset paths: relative to the layer that authors them, along search paths, inside packages.
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "file.h"
#include "stage.h"

// Drops "." and "..", doubled slashes; works on absolute and relative paths in place.
static void normalise(char *path)
{
    char *out = path, *in = path;
    bool absolute = *in == '/';
    if (absolute)
        out++, in++;
    char *first = out;
    bool more = *in != 0;
    while (more) {
        size_t n = strcspn(in, "/");
        more     = in[n] != 0; // looked at before anything is written here
        if (n == 2 && in[0] == '.' && in[1] == '.') {
            bool can_pop = out > first && !(out - first >= 3 && !memcmp(out - 3, "../", 3));
            if (can_pop) {
                out--;
                while (out > first && out[-1] != '/')
                    out--;
            } else if (!absolute) {
                memmove(out, "../", 3);
                out += 3;
            }
        } else if (n && !(n == 1 && in[0] == '.')) {
            memmove(out, in, n);
            out += n;
            *out++ = '/';
        }
        in += n + 1;
    }
    if (out > first)
        out--; // the last slash
    *out = 0;
}

// `rel` against the folder of `file`; both plain.
static bool join(const char *file, const char *rel, char *out, size_t capacity)
{
    const char *slash = strrchr(file, '/');
    size_t dir        = *rel == '/' || !slash ? 0 : (size_t)(slash - file) + 1;
    if (dir + strlen(rel) + 1 > capacity)
        return false;
    memcpy(out, file, dir);
    memcpy(out + dir, rel, strlen(rel) + 1);
    normalise(out);
    return true;
}

static bool is_explicitly_relative(const char *p) { return !strncmp(p, "./", 2) || !strncmp(p, "../", 3); }

// Anchoring inside a package: "a.usdz[b/c.usdc]" and "d.png" give "a.usdz[b/d.png]".
static size_t anchor_in_package(const char *anchor, const char *authored, bool from_root, char *out)
{
    size_t package_size, inner_size;
    const char *inner;
    if (!package_split(anchor, &package_size, &inner, &inner_size))
        return 0;
    char inner_text[RESOLVED_MAX], joined[RESOLVED_MAX];
    if (inner_size >= sizeof(inner_text))
        return 0;
    memcpy(inner_text, inner, inner_size);
    inner_text[inner_size] = 0;
    size_t n = 0;
    if (anchor_in_package(inner_text, authored, from_root, joined)) // a package in a package
        n = 1;
    else
        n = join(from_root ? "" : inner_text, authored, joined, sizeof(joined));
    if (!n || package_size + strlen(joined) + 3 > RESOLVED_MAX)
        return 0;
    return (size_t)snprintf(out, RESOLVED_MAX, "%.*s[%s]", (int)package_size, anchor, joined);
}

// "file:///a%20b" and "file://host/a b" name a path of this machine.
static void strip_file_scheme(char *name)
{
    if (strncmp(name, "file:", 5))
        return;
    const char *in = name + 5;
    if (!strncmp(in, "//", 2)) {
        const char *path = strchr(in + 2, '/');
        in               = path ? path : in + 2;
    }
    char *out = name;
    for (; *in; in++) {
        int high = *in == '%' ? hex_digit(in[1]) : -1, low = high >= 0 ? hex_digit(in[2]) : -1;
        *out++ = low >= 0 && (high || low) ? (char)(high << 4 | low) : *in;
        in += low >= 0 && (high || low) ? 2 : 0;
    }
    *out = 0;
}

// "https://..." and the like: nobody here resolves them, and they are no file names either.
static bool has_scheme(const char *name)
{
    size_t n = 0;
    while (isalnum((unsigned char)name[n]) || (n && (name[n] == '+' || name[n] == '-' || name[n] == '.')))
        n++;
    return n > 1 && isalpha((unsigned char)*name) && !strncmp(name + n, "://", 3);
}

// A path that does not start with a dot is looked for below `folder` when it is not beside its layer.
static bool found_below(const struct usd_stage *s, const char *folder, size_t folder_size, const char *name, char *out)
{
    char other[RESOLVED_MAX];
    if (folder_size + strlen(name) + 2 > sizeof(other))
        return false;
    snprintf(other, sizeof(other), "%.*s/%s", (int)folder_size, folder, name);
    normalise(other);
    if (!file_exists(&s->env, other))
        return false;
    strcpy(out, other);
    return true;
}

// The folder of the root layer, or of the package it is in, comes before the search paths.
static bool found_by_search(const struct usd_stage *s, const char *name, char *out)
{
    if (*name == '/' || is_explicitly_relative(name))
        return false;
    size_t package_size, inner_size;
    const char *inner, *root = s->root_layer ? s->root_layer->anchor : NULL;
    size_t size = !root ? 0 : package_split(root, &package_size, &inner, &inner_size) ? package_size : strlen(root);
    while (size && root[size - 1] != '/')
        size--;
    if (size && found_below(s, root, size - 1, name, out))
        return true;
    for (size_t i = 0; i < s->search_path_count; i++)
        if (found_below(s, s->search_paths[i], strlen(s->search_paths[i]), name, out))
            return true;
    return false;
}

static size_t anchored(const struct usd_stage *s, const char *anchor, const char *authored, char *out, bool must_exist)
{
    *out = 0;
    char name[RESOLVED_MAX];
    const char *args = strstr(authored, ":SDF_FORMAT_ARGS:");
    size_t size      = args ? (size_t)(args - authored) : strlen(authored);
    if (!size || size + 1 > sizeof(name))
        return 0;
    memcpy(name, authored, size);
    name[size] = 0;
    strip_file_scheme(name);
    if (has_scheme(name))
        return must_exist ? 0 : (size_t)snprintf(out, RESOLVED_MAX, "%s", name);
    // "pkg.usdz[inner]": only the package's own path is anchored
    size_t package_size, inner_size;
    const char *inner;
    char tail[RESOLVED_MAX] = "";
    if (package_split(name, &package_size, &inner, &inner_size)) {
        snprintf(tail, sizeof(tail), "%s", name + package_size);
        name[package_size] = 0;
    }
    size_t n = 0;
    if (*name != '/' && package_split(anchor, &package_size, &inner, &inner_size)) {
        n = anchor_in_package(anchor, name, false, out);
        if (!file_exists(&s->env, out)) {
            char other[RESOLVED_MAX];
            if (anchor_in_package(anchor, name, true, other) && file_exists(&s->env, other))
                n = (size_t)snprintf(out, RESOLVED_MAX, "%s", other);
            else if (must_exist)
                return *out = 0;
        }
    } else {
        if (!join(anchor, name, out, RESOLVED_MAX))
            return *out = 0;
        n = strlen(out);
        if (!file_exists(&s->env, out)) {
            bool found = found_by_search(s, name, out);
            n          = strlen(out);
            if (!found && must_exist)
                return *out = 0;
        }
    }
    if (*tail && n) {
        if (n + strlen(tail) + 1 > RESOLVED_MAX)
            return *out = 0;
        // inside another package the tail goes before the closing bracket
        if (out[n - 1] == ']') {
            memmove(out + n - 1 + strlen(tail), out + n - 1, 2);
            memcpy(out + n - 1, tail, strlen(tail));
        } else {
            strcat(out, tail);
        }
        n = strlen(out);
        if (must_exist && !file_exists(&s->env, out))
            return *out = 0;
    }
    return n;
}

// "tex.<UDIM>.png" with a tile number; false when there is no <UDIM>.
static bool udim_name(const char *pattern, int tile, char *out, size_t capacity)
{
    const char *at = strstr(pattern, "<UDIM>");
    if (!at)
        return false;
    return snprintf(out, capacity, "%.*s%04d%s", (int)(at - pattern), pattern, tile, at + 6) < (int)capacity;
}

size_t asset_anchor(const struct usd_stage *s, const char *anchor, const char *authored, char *out)
{
    return anchored(s, anchor, authored, out, false);
}

size_t asset_resolve(const struct usd_stage *s, const char *anchor, const char *authored, char *out)
{
    if (!strstr(authored, "<UDIM>"))
        return anchored(s, anchor, authored, out, true);
    // A pattern is there when one of its tiles is.
    size_t n = anchored(s, anchor, authored, out, false);
    char tile[RESOLVED_MAX];
    for (int t = 1001; n && t <= 1100; t++)
        if (udim_name(out, t, tile, sizeof(tile)) && file_exists(&s->env, tile))
            return n;
    return *out = 0;
}

size_t usd_asset_resolve(const usd_stage *s, const char *layer, const char *authored, char *out, size_t capacity)
{
    char full[RESOLVED_MAX];
    const char *anchor = s->root_layer->anchor;
    const struct layer *l;
    for (size_t i = 0; layer && (l = stage_layer(s, i)); i++)
        if (!strcmp(l->identifier, layer))
            anchor = l->anchor;
    size_t n = asset_resolve(s, anchor, authored, full);
    if (capacity)
        snprintf(out, capacity, "%s", n ? full : "");
    return n;
}

size_t usd_asset_udim_tiles(const usd_stage *s, const struct usd_asset *asset,
                            void (*fn)(void *user, int tile, const char *resolved), void *user)
{
    char tile[RESOLVED_MAX];
    size_t count = 0;
    for (int t = 1001; t <= 1999; t++)
        if (udim_name(asset->resolved, t, tile, sizeof(tile)) && file_exists(&s->env, tile)) {
            fn(user, t, tile);
            count++;
        }
    return count;
}

int usd_asset_read(const usd_stage *s, const char *resolved, void **data, size_t *size, struct usd_error *err)
{
    *data = NULL;
    *size = 0;
    struct file_bytes f;
    int rc = file_map(s ? &s->env : NULL, resolved, &f, err);
    if (rc != USD_OK)
        return rc;
    *data = malloc(f.size ? f.size : 1);
    if (!*data) {
        error_set(err, USD_ERR_NOMEM, resolved, "%s: out of memory", resolved);
        rc = USD_ERR_NOMEM;
    } else {
        memcpy(*data, f.data, f.size);
        *size = f.size;
    }
    if (file_lost(&f)) {
        free(*data);
        *data = NULL;
        *size = 0;
        error_set(err, USD_ERR_IO, resolved, "%s: the file was cut short while it was read", resolved);
        rc = USD_ERR_IO;
    }
    file_unmap(&f);
    return rc;
}
