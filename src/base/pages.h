// Fresh memory that is about to be filled from end to end: asks the kernel for all its pages at once, which costs a
// fraction of one page fault each. Only speed depends on it.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

#define PAGES_LEAST (64u << 10)
#define PAGES_MOST (64u << 20) // a count from a damaged file may ask for more than is ever filled

static inline void pages_expect(void *p, size_t size)
{
    const uintptr_t page = 4096;
    uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1), to = ((uintptr_t)p + size) & ~(page - 1);
    if (size >= PAGES_LEAST && size <= PAGES_MOST && to > from)
        (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE); // refused by older kernels
}
