#pragma once

#include "fuzz_walk.h"

// Edits the stage as the bytes say, commits, and looks at it again.
void fuzz_edit(usd_stage *s, const uint8_t *bytes, size_t size);
