// Bytes of files and of package members.
#pragma once

#include "layer.h"

struct file_bytes {
    const uint8_t *data;
    size_t size;
    void *map;       // munmap'ed on finish
    size_t map_size;
    unsigned guard;  // of the map
    void *heap;      // freed on finish; FILE_PADDING zero bytes follow what is in it
    uint64_t stamp;  // changes when the file does
};

#define FILE_PADDING 16

// Was the file cut short while it was mapped? Its bytes behind the cut read as zeros then.
bool file_lost(const struct file_bytes *f);

/**
 * The bytes of a file, or of "package.usdz[member]" (nested as often as needed): read when there are few, else mapped.
 * A package without [member] gives the package itself.
 */
int file_map(const struct layer_env *env, const char *resolved, struct file_bytes *out, struct usd_error *err);
void file_unmap(struct file_bytes *f);
// Is it env's package in memory, or a member of it?
bool file_in_memory(const struct layer_env *env, const char *resolved);
uint64_t file_stamp(const char *resolved); // 0 when there is no such file
bool file_exists(const struct layer_env *env, const char *resolved); // members of packages too
bool file_collapse(char *path); // drops "." and ".." of an absolute path; false when it climbs above the root
// The path of a file, or of a package's member, from the root of the file system; false when it is too long.
bool file_absolute(const char *path, char *out, size_t capacity);

// Zip archives without compression ("usdz specification").
struct zip_member {
    const char *name; // not NUL-terminated
    size_t name_size;
    const uint8_t *data;
    size_t size, offset;
    const char *unreadable; // why its data cannot be used, or NULL
};
bool zip_looks_like(const void *data, size_t size);

// Members in file order.
struct zip_walk {
    const uint8_t *data, *at, *end;
    const char *package; // for messages
    size_t count;
};
struct zip_walk zip_walk(const uint8_t *data, size_t size, const char *package);
int zip_next(struct zip_walk *w, struct zip_member *out, struct usd_error *err); // USD_ERR_NOT_FOUND past the end
// The root layer.
int zip_first(const uint8_t *data, size_t size, const char *package, struct zip_member *out, struct usd_error *err);
int zip_find(const uint8_t *data, size_t size, const char *name, size_t name_size, const char *package,
             struct zip_member *out, struct usd_error *err);

/**
 * Splits "a.usdz[b.usdz[c.png]]" at the outermost bracket: the package's length and the inner path.
 * @return false when the path is no package path.
 */
bool package_split(const char *path, size_t *package_size, const char **inner, size_t *inner_size);
