// The path dictionary: tokens and absolute prim paths, interned for the life of a renderer, and path
// lists. Any thread. Ids fit 32 bits; tokens and paths are separate numberings.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ovrtx/ovrtx_types.h>

struct paths;

struct paths *paths_create(void);
void paths_destroy(struct paths **paths);
path_dictionary_instance_t paths_instance(struct paths *p); // the public face

uint32_t paths_token(struct paths *p, const char *text, size_t size); // 0: out of memory
uint32_t paths_token_find(struct paths *p, const char *text, size_t size); // 0: never interned
const char *paths_token_text(struct paths *p, uint32_t token); // "" for an unknown one

bool paths_valid(const char *text, size_t size); // an absolute prim path, or "/"
uint32_t paths_path(struct paths *p, const char *text, size_t size); // 0: malformed or out of memory
uint32_t paths_find(struct paths *p, const char *text, size_t size);
const char *paths_text(struct paths *p, uint32_t path, size_t *size); // "" for an unknown one
uint32_t paths_child(struct paths *p, uint32_t parent, const char *name, size_t name_size);

// A list that belongs to the library; destroy_path_list of the vtable refuses it.
ovx_primpath_list_t paths_list_create(struct paths *p, const uint32_t *ids, size_t count);
void paths_list_destroy(struct paths *p, ovx_primpath_list_t list);
// A copy of a list, malloc'ed: *count ids. NULL for an unknown list (and for an empty one, *count 0).
uint32_t *paths_list_copy(struct paths *p, ovx_primpath_list_t list, size_t *count, bool *known);
