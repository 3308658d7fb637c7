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
// Names are identifiers of Unicode Standard Annex 31: '_' or XID_Start, then XID_Continue.
size_t path_name(const char *text, const char *end);                      // bytes of the name at text, 0 when there is none
size_t path_name_char(const char *text, const char *end, bool first);     // of one character that a name may have there
bool path_valid_variant(const char *text, size_t size);                   // or variant set: also "-", "|" and a "." in front
bool path_valid_identifier(const char *text, size_t size);                // one name, or several with ':' between them
