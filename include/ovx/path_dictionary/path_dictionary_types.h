// The path dictionary as a caller holds it: a table of functions and the context they take.
#pragma once

#include "../types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct path_dictionary_context_t path_dictionary_context_t;
typedef struct path_dictionary_vtable_t path_dictionary_vtable_t;

/**
 * One dictionary, from ovrtx_get_path_dictionary. Valid as long as its renderer; nothing to
 * release.
 */
typedef struct path_dictionary_instance_t {
    path_dictionary_vtable_t *vtable;
    path_dictionary_context_t *context;
} path_dictionary_instance_t;

#ifdef __cplusplus
}
#endif
