// Strings, and ids of the path dictionary, shared by the ovrtx headers. Plain values; any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Text of a known length. Not NUL terminated unless the giver says so; {NULL, 0} is "none". */
typedef struct ovx_string_t {
    const char *ptr;
    size_t length; /**< Bytes, without any terminator. */
} ovx_string_t;

/** An ovx_string_t of a string literal, without its terminator. */
#ifdef __cplusplus
#define literal_to_ovx_string(literal) (ovx_string_t{ (literal), sizeof(literal) - 1 })
#else
#define literal_to_ovx_string(literal) ((ovx_string_t) { (literal), sizeof(literal) - 1 })
#endif

/** True when there is no text. str itself may be NULL. */
static inline bool is_ovx_string_empty(const ovx_string_t *str)
{
    return !str || !str->ptr || str->length == 0;
}

/** How a path dictionary function ended. */
typedef enum ovx_api_status_t {
    OVX_API_SUCCESS = 0,
    OVX_API_ERROR   = 1,
} ovx_api_status_t;

/**
 * Outcome of a path dictionary function. error is set only with OVX_API_ERROR and then belongs to
 * the caller until handed to release_error.
 */
typedef struct ovx_api_result_t {
    ovx_api_status_t status;
    ovx_string_t error;
} ovx_api_result_t;

/** Interned string; 0 = none. */
typedef uint64_t ovx_token_t;
/** Interned absolute prim path; 0 = none. */
typedef uint64_t ovx_primpath_t;
/** Immutable list of prim paths; 0 = none. */
typedef uint64_t ovx_primpath_list_t;

/** A name, by token when token is not 0, else by text. */
typedef struct ovx_string_or_token_t {
    ovx_token_t token;
    ovx_string_t string;
} ovx_string_or_token_t;

/** A prim path, by id when path is not 0, else by text. */
typedef struct ovx_string_or_prim_path_t {
    ovx_primpath_t path;
    ovx_string_t string;
} ovx_string_or_prim_path_t;

#ifdef __cplusplus
}
#endif
