// The text format. Grammar: "USDA file format" of the AOUSD core specification and OpenUSD's text file format.
#pragma once

#include "layer.h"

/**
 * Metadata that USD does not define, as statements of the text format in brackets: "(\n prepend name = [1, 2]\n)". All statements
 * must be about `out->name`. false: it is no such text.
 */
bool usda_unknown_field(struct layer *l, const struct usd_limits *limits, const char *text, size_t size, struct field *out);
/**
 * Parse text into an empty layer.
 *
 * @param text  At least 16 zero bytes must follow text[size - 1]; the parser reads up to there.
 */
int usda_parse(struct layer *l, const char *text, size_t size, const struct usd_limits *limits, struct usd_error *err);
bool usda_looks_like(const void *data, size_t size);
// Type of the metadata that the text calls `key`, USD_TYPE_NONE when USD defines none, and the name of its field.
int usda_field_type(const char *key, bool *is_array, const char **field);

bool usda_is_keyword(const char *word, size_t size); // not to be used as a metadata or type name
size_t utf8_sequence(const uint8_t *s); // length of the UTF-8 sequence at s, 0 when there is none; stops at a NUL

enum path_use { PATH_VALUE, PATH_TARGET, PATH_CLASS, PATH_ARC, PATH_RELOCATE, PATH_RELOCATE_TO };
// Why a path, given as text and absolute, cannot be used so; NULL when it can.
const char *path_unfit(enum path_use use, const char *text, size_t size, const char *absolute);

enum { ON_LAYER = 1, ON_PRIM = 2, ON_ATTRIBUTE = 4, ON_RELATIONSHIP = 8 };
enum { USDA_FIELD_NEVER = -1, USDA_FIELD_UNKNOWN = -2, USDA_FIELD_WORD = -3, USDA_FIELD_PAIRS = -4 };
// The type of a metadata field by its name in the data model: enum usd_type, VT_* or one of the above.
int usda_metadata_type(const char *name, unsigned where, bool *is_array);
bool usda_rate_fits(double rate); // can it be framesPerSecond? The only number that a layer is refused for
bool usda_word_fits(const char *name, const char *word); // is it one of those that a USDA_FIELD_WORD takes?
