// A sub-command of the program. argv[0] is the sub-command's own name.
#pragma once

// Exit codes of the program.
enum {
    EXIT_OK      = 0,
    EXIT_FAILED  = 1, // what was asked could not be done; the reason is on stderr
    EXIT_BAD_USE = 2, // unknown option or missing argument
};

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};
