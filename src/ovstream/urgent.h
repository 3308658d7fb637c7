// Threads that move pictures should not wait behind those that draw them: a software renderer keeps every core busy.
#pragma once

// Threads created by the calling thread between the two calls get a better nice value, where the system allows it to
// (root, CAP_SYS_NICE, RLIMIT_NICE); the calling thread itself is as before afterwards.
int urgent_begin(void);
void urgent_end(int previous);
