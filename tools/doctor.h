// `stagecast doctor`: what this machine has for rendering and streaming, in plain language.
#pragma once

// Returns 0 when serve can be expected to work, 1 when something that it needs is missing.
int doctor_run(int argc, char **argv);
