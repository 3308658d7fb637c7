// The operation stream of one renderer: a thread that runs operations one after the other.
//
// Any thread may enqueue, wait and ask. Because operations finish in order, one number says which are
// done; only failures are kept one by one.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ovrtx/ovrtx_types.h>

#include "error.h"

#define OPS_MAX_PENDING (1u << 20) // enqueued and not finished; beyond it an enqueue is refused

// What a running operation may say about itself. `counters` are read by other threads at any time.
struct op {
    uint64_t id;
    char error[ERROR_TEXT_SIZE];
};

enum op_counter { OP_COUNTER_MESHES, OP_COUNTER_MATERIALS, OP_COUNTER_TEXTURES, OP_COUNTER_COUNT };

struct ops;

// 0, or -1 after op_fail(). Runs on the stream's thread.
typedef int op_run_fn(void *user, void *payload, struct op *op);
typedef void op_free_fn(void *payload); // any thread; also when the operation never ran

struct ops *ops_create(void *user, bool sync_mode); // NULL: no memory or no thread
// For an enqueue that only keeps its place in the order.
int op_nothing(void *user, void *payload, struct op *op);
// Runs what is pending, then ends the thread.
void ops_destroy(struct ops **ops);

// Sets the operation's text (the first call counts) and returns -1.
int op_fail(struct op *op, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Takes the payload in every case. In sync mode waits and returns the operation's outcome.
ovrtx_enqueue_result_t ops_enqueue(struct ops *ops, op_run_fn *run, op_free_fn *release, void *payload);
// The same without the wait of sync mode, for the library's own use.
ovrtx_enqueue_result_t ops_enqueue_async(struct ops *ops, op_run_fn *run, op_free_fn *release, void *payload);

bool ops_known(struct ops *ops, uint64_t id);
// True when all operations up to id are done. UINT64_MAX waits for ever, 0 polls.
bool ops_wait(struct ops *ops, uint64_t id, uint64_t timeout_ns);
uint64_t ops_lowest_pending(struct ops *ops); // 0 = none
uint64_t ops_last(struct ops *ops); // newest id given out, 0 = none
bool ops_on_thread(struct ops *ops); // is the caller the stream's own thread

// Text of a failed operation into `out`; false when it did not fail or was forgotten (kept: the last 1024).
bool ops_failure(struct ops *ops, uint64_t id, char *out, size_t size);
void ops_forgive(struct ops *ops, uint64_t id); // its failure was reported otherwise
// Fills the thread's wait result from failures up to id that no wait has reported yet.
void ops_report(struct ops *ops, uint64_t id, ovrtx_op_wait_result_t *out);

// Progress of the running operation.
void ops_progress(struct ops *ops, enum op_counter counter, uint64_t current, uint64_t total);
ovrtx_result_t ops_status(struct ops *ops, uint64_t id, ovrtx_op_status_t *out);
