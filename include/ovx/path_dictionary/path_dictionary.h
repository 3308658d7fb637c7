// The path dictionary: interned strings (tokens), prim paths, and immutable lists of prim paths.
//
// Every function takes the instance's context first. On failure the result carries status
// OVX_API_ERROR and a text that the caller hands to release_error. Any thread.
#pragma once

#include "path_dictionary_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The dictionary's functions. Ids and the strings given out live as long as the dictionary; equal
 * text always has the same id.
 */
struct path_dictionary_vtable_t {
    /** Intern num_strings strings. out_tokens: num_strings ids. */
    ovx_api_result_t (*create_tokens_from_strings)(path_dictionary_context_t *instance,
                                                   const ovx_string_t *strings, size_t num_strings,
                                                   ovx_token_t *out_tokens);

    /**
     * Paths from their components, without slashes: tokens_per_path holds the components of all
     * paths back to back, num_tokens_per_path how many belong to each. No components make the root
     * path "/".
     */
    ovx_api_result_t (*create_paths_from_tokens)(path_dictionary_context_t *instance,
                                                 const ovx_token_t *tokens_per_path,
                                                 const size_t *num_tokens_per_path,
                                                 size_t num_paths, ovx_primpath_t *out_prim_paths);

    /**
     * Intern absolute prim paths ("/World/Cube"). The prims need not exist. A malformed path fails
     * the call.
     */
    ovx_api_result_t (*create_paths_from_strings)(path_dictionary_context_t *instance,
                                                  const ovx_string_t *path_strings,
                                                  size_t num_paths, ovx_primpath_t *out_prim_paths);

    /** A list of num_paths valid paths. The caller destroys it. */
    ovx_api_result_t (*create_path_list_from_paths)(path_dictionary_context_t *instance,
                                                    const ovx_primpath_t *paths, size_t num_paths,
                                                    ovx_primpath_list_t *out_path_list);

    /** The same from texts, interning them on the way. */
    ovx_api_result_t (*create_path_list_from_strings)(path_dictionary_context_t *instance,
                                                      const ovx_string_t *path_strings,
                                                      size_t num_paths,
                                                      ovx_primpath_list_t *out_path_list);

    /**
     * Destroy a list that the caller created. Lists inside query results belong to the result.
     */
    ovx_api_result_t (*destroy_path_list)(path_dictionary_context_t *instance,
                                          ovx_primpath_list_t path_list);

    /**
     * Texts of tokens, NUL terminated, owned by the dictionary. An unknown token fails the call.
     */
    ovx_api_result_t (*get_strings_from_tokens)(path_dictionary_context_t *instance,
                                                const ovx_token_t *tokens, size_t num_tokens,
                                                ovx_string_t *out_strings);

    /**
     * Components of paths, written into the caller's token_buffer (token_buffer_size tokens). For
     * each path that fits completely, in order: where its tokens start and how many.
     * *out_num_paths_processed says how many paths fitted; fewer than num_paths is a success too.
     */
    ovx_api_result_t (*get_tokens_from_paths)(path_dictionary_context_t *instance,
                                              const ovx_primpath_t *prim_paths, size_t num_paths,
                                              ovx_token_t *token_buffer, size_t token_buffer_size,
                                              ovx_token_t **out_tokens_per_path,
                                              size_t *out_num_tokens_per_path,
                                              size_t *out_num_paths_processed);

    /** How many paths a list holds. */
    ovx_api_result_t (*get_num_paths_from_path_list)(path_dictionary_context_t *instance,
                                                     ovx_primpath_list_t path_list,
                                                     size_t *out_num_paths);

    /**
     * Copy at most max_paths paths from index start_offset on. *out_num_paths: how many were
     * copied.
     */
    ovx_api_result_t (*get_paths_from_path_list)(path_dictionary_context_t *instance,
                                                 ovx_primpath_list_t path_list, size_t start_offset,
                                                 size_t max_paths, ovx_primpath_t *out_paths,
                                                 size_t *out_num_paths);

    /** Give back the error text of a failed call. */
    void (*release_error)(path_dictionary_context_t *context, ovx_string_t error);
};

#ifdef __cplusplus
}
#endif

#include "path_dictionary_utils.h"
