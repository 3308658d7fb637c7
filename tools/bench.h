// The measurements that the program itself offers: stagecast bench NAME.
#pragma once

int bench_run(int argc, char **argv);
int bench_stream_run(int argc, char **argv);
