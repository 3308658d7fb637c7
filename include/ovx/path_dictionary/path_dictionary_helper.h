// Kept so that programs which include it still compile; it declares nothing of its own.
#pragma once

#include "path_dictionary_types.h"
#include <stdbool.h>
#include <stddef.h>
