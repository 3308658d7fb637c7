// What belongs to the process: initialise and shutdown, the log, the registry of live servers.
#pragma once

#include <stdbool.h>

#include "ovstream/ovstream.h"

bool library_is_initialized(void);

// The registry lets a dead handle be recognised without touching its memory. Any thread.
bool registry_add(ovstream_server_t *server); // false: out of memory
bool registry_remove(ovstream_server_t *server); // false: was not there
bool registry_has(const ovstream_server_t *server);
