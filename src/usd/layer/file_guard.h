// Mapped files that another program cuts short. Reading behind the new end raises SIGBUS; the guard's handler puts zeros there
// and remembers that the file is lost. Faults elsewhere go to the handler that was there before.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// 0 when there is no room for another map or no handler can be set: the file must be read instead of mapped then.
unsigned guard_add(void *map, size_t size);
void guard_remove(unsigned guard); // before the map goes away; 0 is fine
bool guard_lost(unsigned guard);
