// The rules of usdz packages, for every package that takes part in a stage.
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "validate.h"

#define ALIGNMENT 64 // bytes, usdz specification

static bool ends_with(const char *name, size_t n, const char *extension)
{
    size_t k = strlen(extension);
    if (n < k)
        return false;
    for (size_t i = 0; i < k; i++) {
        char c = name[n - k + i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != extension[i])
            return false;
    }
    return true;
}

static bool allowed(const char *name, size_t n)
{
    static const char *const extensions[] = { ".usd", ".usda", ".usdc", ".usdz", ".png", ".jpg", ".jpeg", ".exr", ".avif", ".m4a", ".mp3", ".wav" };
    for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
        if (ends_with(name, n, extensions[i]))
            return true;
    return n && name[n - 1] == '/'; // a folder entry
}

static void check_members(struct usd_stage *s, const char *package)
{
    struct file_bytes f;
    struct zip_member m;
    if (file_map(&s->env, package, &f, NULL) != USD_OK)
        return;
    struct usd_error err = { 0 };
    struct zip_walk walk = zip_walk(f.data, f.size, package);
    int rc;
    for (size_t i = 0; (rc = zip_next(&walk, &m, &err)) == USD_OK; i++) {
        if (m.unreadable)
            stage_finding(s, USD_ERROR, "usdz", "pack it again without compression and encryption", package, "/", "'%.*s': %s", (int)m.name_size, m.name,
                          m.unreadable);
        if (m.offset % ALIGNMENT)
            stage_finding(s, USD_ERROR, "usdz", "pack it with a tool that aligns members (usdzip)", package, "/", "the data of '%.*s' starts at offset %zu, which is no multiple of %d", (int)m.name_size,
                          m.name, m.offset, ALIGNMENT);
        if (!allowed(m.name, m.name_size))
            stage_finding(s, USD_ERROR, "usdz", "packages hold usd, usda, usdc, usdz, png, jpg, exr, avif, m4a, mp3 and wav only", package, "/", "'%.*s' is of no kind that packages may hold",
                          (int)m.name_size, m.name);
        if (!i && !(ends_with(m.name, m.name_size, ".usd") || ends_with(m.name, m.name_size, ".usda") || ends_with(m.name, m.name_size, ".usdc")))
            stage_finding(s, USD_ERROR, "usdz", "put the root layer first", package, "/", "the first member '%.*s' is no USD layer", (int)m.name_size, m.name);
    }
    if (rc != USD_ERR_NOT_FOUND)
        stage_finding(s, USD_ERROR, "usdz", "pack it again", package, "/", "%s", err.message);
    file_unmap(&f);
}

// Package part of a layer's identifier; false when it lies in none.
static bool package_of(const char *identifier, char *out, size_t capacity)
{
    size_t size, inner_size, n = strlen(identifier);
    const char *inner;
    if (!package_split(identifier, &size, &inner, &inner_size)) {
        if (!ends_with(identifier, n, ".usdz"))
            return false;
        size = n;
    }
    if (size >= capacity)
        return false;
    memcpy(out, identifier, size);
    out[size] = 0;
    return true;
}

void validate_package(struct usd_stage *s)
{
    char first[4096] = "", package[4096];
    if (!package_of(usd_stage_layer(s, 0), first, sizeof(first)))
        return;
    check_members(s, first);
    if (!usd_stage_default_prim(s))
        stage_finding(s, USD_WARNING, "usdz", "set defaultPrim in the root layer", usd_stage_layer(s, 0), "/", "a package without a default prim cannot be referenced as a whole");
    for (size_t i = 1; i < usd_stage_layer_count(s); i++) {
        const char *layer = usd_stage_layer(s, i);
        if (!package_of(layer, package, sizeof(package)) || strcmp(package, first))
            stage_finding(s, USD_ERROR, "usdz", "put it into the package", layer, "/", "the layer lies outside of the package %s", first);
    }
}
