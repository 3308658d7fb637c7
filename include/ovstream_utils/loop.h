/*
 * A frame pacer: waits for the next frame's time without drift, measures, and says how many fixed simulation steps are
 * due. Null arguments are ignored; a null config means all zero. C++ programs can use loop.hpp, which needs no library.
 */
#ifndef OVSTREAM_UTILS_LOOP_H
#define OVSTREAM_UTILS_LOOP_H

#include "loop_types.h"

#ifndef OVSTREAM_UTILS_API
#if defined(_WIN32) && defined(OVSTREAM_UTILS_BUILD)
#define OVSTREAM_UTILS_API __declspec(dllexport)
#elif defined(_WIN32)
#define OVSTREAM_UTILS_API __declspec(dllimport)
#elif defined(__GNUC__)
#define OVSTREAM_UTILS_API __attribute__((visibility("default")))
#else
#define OVSTREAM_UTILS_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The monotonic clock that ticks are measured with. */
OVSTREAM_UTILS_API uint64_t ovstream_utils_now_ns(void);

/* All zero. */
OVSTREAM_UTILS_API void ovstream_utils_loop_config_defaults(ovstream_utils_loop_config_t *o_config);

/* Aborts the process when memory is exhausted. */
OVSTREAM_UTILS_API void ovstream_utils_loop_create(const ovstream_utils_loop_config_t *a_config,
                                                   ovstream_utils_loop_t **o_loop);
OVSTREAM_UTILS_API void ovstream_utils_loop_destroy(ovstream_utils_loop_t *a_loop);

/* Wait until the frame is due, then measure. A late frame does not delay the ones after it. */
OVSTREAM_UTILS_API void ovstream_utils_loop_tick(ovstream_utils_loop_t *a_loop, ovstream_utils_tick_t *o_tick);

/* Forget everything but the settings. */
OVSTREAM_UTILS_API void ovstream_utils_loop_reset(ovstream_utils_loop_t *a_loop);

/* Change the settings and reset. */
OVSTREAM_UTILS_API void ovstream_utils_loop_reconfigure(ovstream_utils_loop_t *a_loop,
                                                        const ovstream_utils_loop_config_t *a_config);

#ifdef __cplusplus
}
#endif

#endif
