// Variable expressions: `"shots/${SHOT}.usda"` and the like in asset paths and variant selections, and the variables of a
// layer stack ("expressionVariables" of its root layer, under those of the stack that asks for it).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usd_stage;
struct layer;
struct layer_stack;
struct usd_value;
struct expr_vars;

#define EXPRESSION_MAX 4096 // bytes of a result

// Text in backticks.
bool expression_is(const char *text);
/**
 * Evaluates an expression to a string.
 *
 * @param out    EXPRESSION_MAX bytes; "" for an expression that evaluates to None.
 * @param error  160 bytes; why it fails.
 */
bool expression_string(const struct expr_vars *vars, const char *text, char *out, char *error);

// The same with a diagnostic when it fails. Text that is no expression is returned as it is; NULL when it fails.
const char *expression_or_report(struct usd_stage *s, const struct layer_stack *st, const struct layer *l, const char *where,
                                 const char *text, char *out);
// Variables of a layer's metadata under those of another stack; NULL when there are none at all. `own`: the layer has some.
const struct expr_vars *expression_vars(struct usd_stage *s, const struct layer *root, const struct expr_vars *over, bool *own);
// Evaluates those elements of an asset value that are expressions, and resolves them again.
void expression_assets(struct usd_stage *s, const struct layer_stack *st, const struct layer *l, struct usd_value *v);
