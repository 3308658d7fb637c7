// The camera and the render settings of a RenderProduct, from its prim's attributes. Operation thread.
#pragma once

#include "ops.h"
#include "render.h"
#include "stage.h"

// 0, or -1 after op_fail().
int product_camera(const struct stage *s, uint32_t product, uint32_t width, uint32_t height, struct render_camera *out,
                   struct op *op);
// Everything but `outputs` and `budget_ms`.
void product_settings(const struct stage *s, uint32_t product, struct render_settings *out);
