// Interned strings: equal text has one id and one address for the life of the table.
// Any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct intern_table;

struct intern_table *intern_create(void);
void intern_destroy(struct intern_table **table);

// Ids start at 1 and are dense; 0 means out of memory (or, from find, "not interned").
uint32_t intern_id(struct intern_table *t, const char *text, size_t size);
uint32_t intern_find(struct intern_table *t, const char *text, size_t size);
// NUL-terminated; NULL for an unknown id. Valid as long as the table.
const char *intern_text(struct intern_table *t, uint32_t id, size_t *size);
