#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "command.h"
#include "render.h"
#include "doctor.h"
#include "serve.h"
#include "usd.h"

// Each sub-command's own header would hold one line; they are declared where they are listed.

static const struct command commands[] = {
    { "serve", "render a scene and stream it to browsers", serve_run },
    { "doctor", "what this machine has, and what is missing", doctor_run },
    { "render", "a scene to a PNG or EXR file", render_run },
    { "bench", "measurements that need no other program", bench_run },
    { "usd", "look into USD files: tree, dump, cat, flatten, stat, validate", usd_run },
    { NULL, NULL, NULL },
};

static void print_usage(FILE *out)
{
    fprintf(out, "usage: stagecast COMMAND [OPTIONS]\n\nRenders USD stages on the GPU and streams them to a browser.\n\n");
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "  %-8s %s\n", c->name, c->summary);
    fprintf(out, "\n'stagecast COMMAND --help' tells more; 'stagecast --version' prints the version.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_BAD_USE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("stagecast %s\n", STAGECAST_VERSION);
        return EXIT_OK;
    }
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(argv[1], c->name))
            return c->run(argc - 1, argv + 1);
    fprintf(stderr, "stagecast: unknown command '%s'; 'stagecast --help' lists them\n", argv[1]);
    return EXIT_BAD_USE;
}
