// Expressions of "not", "and", "or" and "without", kept in postfix order: what path expressions and their predicates
// come down to. See path_expression.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "array.h"

#define LOGIC_DEPTH 512 // operands that wait for their operator

enum logic_op { LOGIC_LEAF, LOGIC_NOT, LOGIC_AND, LOGIC_OR, LOGIC_MINUS };

struct logic_step {
    enum logic_op op;
    const void *leaf;
};
struct logic {
    const struct logic_step *steps;
    size_t count;
};

struct logic_builder {
    ARRAY_OF(struct logic_step);
    unsigned depth;
};

// One step behind those so far. false: too deep, or memory is short.
static inline bool logic_push(struct logic_builder *b, enum logic_op op, const void *leaf)
{
    if (op == LOGIC_LEAF && ++b->depth > LOGIC_DEPTH)
        return false;
    if (op == LOGIC_AND || op == LOGIC_OR || op == LOGIC_MINUS)
        b->depth--;
    return array_push(b, (struct logic_step) { op, leaf });
}

// Keeps what was built in the arena, and frees the builder. NULL when memory is short.
const struct logic *logic_finish(struct logic_builder *b, struct arena *arena);
// What a whole expression says; false for an empty one.
bool logic_run(const struct logic *l, bool (*leaf)(const void *leaf, const void *user), const void *user);
