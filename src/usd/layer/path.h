// Paths as text: "/World/Geo.points". No allocation.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * `text` made absolute against the prim `anchor` ("/A/B"), "." and ".." resolved, variant selections dropped.
 * @return  Length, or 0 when the path climbs above the root, is malformed or longer than `capacity` - 1.
 */
size_t path_absolute(const char *anchor, const char *text, size_t size, char *out, size_t capacity);
// True when path is prefix or lies below it ("/A" has "/A/B" and "/A.b" below it). "/" is above everything.
bool path_has_prefix(const char *path, const char *prefix, size_t prefix_size);
bool path_valid_identifier(const char *text, size_t size);
