// Which files clients may open, and what the server calls them. Immutable after creation: any thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

struct assets;

enum asset_status {
    ASSET_OK,
    ASSET_NOT_FOUND,
    ASSET_OUTSIDE,     // leaves the allowed roots
    ASSET_UNSUPPORTED, // scheme or file type
    ASSET_BAD,         // empty, control characters, too long
};

// Without an --asset-root the scene's folder is the root. NULL, with *error set, when a root is no folder.
struct assets *assets_create(const struct options *o, char *error, size_t error_size);
void assets_destroy(struct assets **assets);

/**
 * Find the file that a URL means: scene id, path relative to a root, or absolute path below a root.
 *
 * @param trusted  The URL comes from the command line: any folder, relative to the working directory first.
 * @param out      Set to the canonical absolute path (malloc) on ASSET_OK.
 */
enum asset_status asset_resolve(const struct assets *a, const char *url, bool trusted, char **out);
const char *asset_status_text(enum asset_status status); // for people, one line, no path
const char *asset_status_code(enum asset_status status); // viewerError code

// Root-relative spelling of an absolute path (malloc), or NULL when no root contains it.
char *asset_relative(const struct assets *a, const char *absolute);
// The same for clients: falls back to the file name (malloc).
char *asset_public_url(const struct assets *a, const char *absolute);
// [{"id", "name", "url"}], sorted by url; at most ASSETS_MAX_LISTED. Reads the folders.
#define ASSETS_MAX_LISTED 2000
json_t *assets_list(const struct assets *a);
// Whether any root exists (a server without scene and without root offers nothing).
bool assets_any(const struct assets *a);
