// stagecast usd: looks into USD files.
#pragma once

#include <stdio.h>

#include "stageusd/stageusd.h"

int usd_run(int argc, char **argv);
// usd_dump.c: the format of comparison dumps, version 1. Prints "invalid" when the stage cannot be opened.
int usd_dump_command(const char *path, const struct usd_open_options *options);
// One value as the dump prints it.
void usd_dump_value(FILE *out, const struct usd_value *v);
