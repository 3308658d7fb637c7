/* Types of the frame pacer. */
#ifndef OVSTREAM_UTILS_LOOP_TYPES_H
#define OVSTREAM_UTILS_LOOP_TYPES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All zero: never wait, no fixed steps. */
typedef struct ovstream_utils_loop_config_t {
    uint32_t fpsTarget;    /* ticks per second; 0: never wait */
    uint32_t fixedStepHz;  /* simulation steps per second; 0: none */
    uint32_t fixedStepMax; /* steps reported by one tick at most, the rest is dropped; 0: 8 */
} ovstream_utils_loop_config_t;

typedef struct ovstream_utils_stats_t {
    uint32_t fpsCurrent; /* ticks that started within the last second, this one included; at most 512 are remembered */
    uint32_t fpsAverage; /* ticks per second since the reset, rounded; 0 on the first tick */
    uint64_t frameTotal; /* ticks since the reset */
    uint64_t fixedTotal; /* steps reported since the reset */
} ovstream_utils_stats_t;

typedef struct ovstream_utils_tick_t {
    float deltaTimeSeconds; /* since the previous tick's start; 0 on the first */
    float fixedTimeSeconds; /* length of one step; 0 without steps */
    float fixedTimeAlpha;   /* how far into the next step the clock is, 0 <= alpha < 1 */
    uint32_t fixedStepCount;
    uint64_t startTimeNs; /* monotonic clock */
    uint64_t frameIndex;  /* from 0 */
    ovstream_utils_stats_t stats;
} ovstream_utils_tick_t;

/* A pacer. One thread at a time; different loops are independent. */
typedef struct ovstream_utils_loop ovstream_utils_loop_t;

#ifdef __cplusplus
}
#endif

#endif
