// The page, as the build put it into the program.
#pragma once

#include <stddef.h>

struct web_file {
    const char *path; // "index.html", "js/main.js"
    const unsigned char *data;
    size_t size;
};

extern const struct web_file web_files[]; // ends with path NULL
