// `stagecast serve`.
#pragma once

// argv[0] is the sub-command's name. Returns the exit code of the program.
int serve_run(int argc, char **argv);
