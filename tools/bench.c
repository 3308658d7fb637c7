#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command benches[] = {
    { "stream", "send a moving picture with a latency stamp to WebRTC clients", bench_stream_run },
    { NULL, NULL, NULL },
};

static void print_usage(FILE *out)
{
    fputs("usage: stagecast bench NAME [OPTIONS]\n\n", out);
    for (const struct command *c = benches; c->name; c++)
        fprintf(out, "  %-8s %s\n", c->name, c->summary);
}

int bench_run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_BAD_USE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
        print_usage(stdout);
        return EXIT_OK;
    }
    for (const struct command *c = benches; c->name; c++)
        if (!strcmp(argv[1], c->name))
            return c->run(argc - 1, argv + 1);
    fprintf(stderr, "stagecast bench: unknown name '%s'; 'stagecast bench --help' lists them\n", argv[1]);
    return EXIT_BAD_USE;
}
