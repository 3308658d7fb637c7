// stagecast usd: looks into USD files.
#pragma once

#include <stdio.h>

#include "stageusd/stageusd.h"

int usd_run(int argc, char **argv);

struct usd_tool_options {
    const char *path;
    struct usd_open_options open;
    bool json, properties, full, strict, notes;
    int depth; // 0 = all
    double time;
};
// The verbs. Each returns an exit code of the program; what it printed may still wait in stdout's buffer.
int usd_tree_command(const struct usd_tool_options *o);     // usd_tree.c
int usd_stat_command(const struct usd_tool_options *o);     // usd_report.c
int usd_validate_command(const struct usd_tool_options *o); // usd_report.c
// Opens the stage, or says on stderr (with --json on stdout too) why not.
bool usd_tool_open(const struct usd_tool_options *o, usd_stage **s);

// usd_dump.c: the format of comparison dumps, version 1. Prints "invalid" when the stage cannot be opened.
int usd_dump_command(const char *path, const struct usd_open_options *options);
// One value as the dump prints it.
void usd_dump_value(FILE *out, const struct usd_value *v);
