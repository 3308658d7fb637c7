// stagecast bench stream: a sender without a renderer. A moving picture with a latency stamp, as fast as asked.
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "ovstream/ovstream.h"
#include "ovstream/ovstream_ext.h"
#include "picture.h"
#include "stamp.h"

struct options {
    unsigned width, height, fps, bitrate_bps, signal_port, media_port;
    double duration_s; // 0 = until interrupted
    const char *public_ip, *file;
    bool verbose;
};

static const char usage[] =
    "usage: stagecast bench stream [OPTIONS]\n\n"
    "Streams a moving picture with a machine-readable clock in its top left corner, so that the delay from the sender\n"
    "to the screen can be measured. Any WHEP client can watch.\n\n"
    "  --size WxH        picture size (1280x720); at least 512x32, even\n"
    "  --fps N           frames per second, 1 to 240 (60)\n"
    "  --bitrate RATE    bits per second, with k or M (8M)\n"
    "  --file CLIP       raw I420 frames of that size instead of the drawn picture, in a loop\n"
    "  --signal-port N   TCP port for signalling (49100)\n"
    "  --media-port N    UDP port for media (47998)\n"
    "  --public-ip ADDR  address that clients reach (127.0.0.1: this machine only)\n"
    "  --duration SEC    stop after so long (0: until interrupted)\n"
    "  --verbose         the library's log\n\n"
    "example: stagecast bench stream --size 1920x1080 --fps 30 --bitrate 12M --duration 60\n";

static atomic_bool interrupted;
static atomic_uint echo;

static void on_signal(int number) { atomic_store(&interrupted, true); }

static bool parse_number(const char *text, unsigned low, unsigned high, unsigned *out)
{
    char *end;
    errno           = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || v < low || v > high)
        return false;
    *out = (unsigned)v;
    return true;
}

static bool parse_rate(const char *text, unsigned *out)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text)
        return false;
    if (*end == 'k' || *end == 'K')
        v *= 1e3, end++;
    else if (*end == 'm' || *end == 'M')
        v *= 1e6, end++;
    if (*end || !(v >= 100e3 && v <= 200e6))
        return false;
    *out = (unsigned)v;
    return true;
}

static bool parse_size(const char *text, unsigned *width, unsigned *height)
{
    char extra;
    return sscanf(text, "%4ux%4u%c", width, height, &extra) == 2 && *width >= STAMP_WIDTH && *height >= STAMP_HEIGHT &&
           *width <= 8192 && *height <= 8192 && !((*width | *height) & 1);
}

static bool parse_option(struct options *o, int option)
{
    char *end;
    switch (option) {
    case 's':
        return parse_size(optarg, &o->width, &o->height);
    case 'f':
        return parse_number(optarg, 1, 240, &o->fps);
    case 'b':
        return parse_rate(optarg, &o->bitrate_bps);
    case 'S':
        return parse_number(optarg, 1, 65535, &o->signal_port);
    case 'M':
        return parse_number(optarg, 1, 65535, &o->media_port);
    case 'd':
        o->duration_s = strtod(optarg, &end);
        return end != optarg && !*end && o->duration_s >= 0;
    case 'p':
        o->public_ip = optarg;
        return true;
    case 'i':
        o->file = optarg;
        return true;
    case 'v':
        o->verbose = true;
        return true;
    default:
        return false;
    }
}

// EXIT_OK: go on; -1: help was asked for and given.
static int parse_options(struct options *o, int argc, char **argv)
{
    static const struct option list[] = {
        { "size", 1, NULL, 's' },      { "fps", 1, NULL, 'f' },      { "bitrate", 1, NULL, 'b' },
        { "file", 1, NULL, 'i' },      { "signal-port", 1, NULL, 'S' }, { "media-port", 1, NULL, 'M' },
        { "public-ip", 1, NULL, 'p' }, { "duration", 1, NULL, 'd' }, { "verbose", 0, NULL, 'v' },
        { "help", 0, NULL, 'h' },      { NULL, 0, NULL, 0 },
    };
    int option, index = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", list, &index)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return -1;
        }
        if (option == '?')
            return EXIT_BAD_USE;
        if (!parse_option(o, option)) {
            fprintf(stderr, "bench stream: --%s: not a usable value '%s'; --help says what is\n", list[index].name,
                    optarg);
            return EXIT_BAD_USE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "bench stream: unexpected argument '%s'\n", argv[optind]);
        return EXIT_BAD_USE;
    }
    return EXIT_OK;
}

// ------------------------------------------------------------------------------------------------- library

static void on_log(ovstream_log_level_t severity, ovstream_string_t message, ovstream_string_t channel, double timestamp,
                   void *user)
{
    fprintf(stderr, "%s: %.*s\n", channel.ptr, (int)message.length, message.ptr);
}

static void on_input_text(ovstream_server_t *server, ovstream_string_t text, void *user)
{
    uint8_t number = stamp_parse_echo(text.ptr, text.length);
    if (number)
        atomic_store(&echo, number);
}

static int failed(const char *what)
{
    fprintf(stderr, "bench stream: %s: %s\n", what, ovstream_get_last_error().ptr);
    return EXIT_FAILED;
}

// Additions of our library; another ovstream library does without.
static void set_extensions(ovstream_server_t *server, const struct options *o)
{
    ovstream_result_t (*set_bitrate)(ovstream_server_t *, uint32_t, uint32_t, uint32_t);
    ovstream_result_t (*set_text)(ovstream_server_t *, ovstream_ext_input_text_callback_t, void *);
    ovstream_result_t (*set_origins)(ovstream_server_t *, ovstream_string_t);
    *(void **)&set_bitrate = dlsym(RTLD_DEFAULT, "ovstream_ext_set_bitrate");
    *(void **)&set_text    = dlsym(RTLD_DEFAULT, "ovstream_ext_set_input_text_callback");
    *(void **)&set_origins = dlsym(RTLD_DEFAULT, "ovstream_ext_set_allowed_origins");
    if (set_bitrate)
        set_bitrate(server, 0, o->bitrate_bps, o->bitrate_bps);
    if (set_text)
        set_text(server, on_input_text, NULL);
    if (set_origins) // the picture is no secret, and measuring pages come from anywhere
        set_origins(server, OVSTREAM_STRING_LITERAL("*"));
}

static void print_stats(ovstream_server_t *server)
{
    ovstream_result_t (*get_stats)(ovstream_server_t *, ovstream_ext_stats_t *);
    ovstream_ext_stats_t s = { .struct_size = sizeof(s) };
    *(void **)&get_stats   = dlsym(RTLD_DEFAULT, "ovstream_ext_get_stats");
    if (!get_stats || !OVSTREAM_OK(get_stats(server, &s)))
        return;
    printf("viewers %u  submitted %llu  encoded %llu  dropped %llu  key frames %llu  %.2f Mbit/s of %.2f  %s %.2f ms  "
           "convert %.2f ms  submit to send %.2f ms  rtt %.1f ms  loss %.1f %%\n",
           s.viewers, (unsigned long long)s.frames_submitted, (unsigned long long)s.frames_encoded,
           (unsigned long long)s.frames_dropped, (unsigned long long)s.keyframes, s.bitrate_sent_bps / 1e6,
           s.bitrate_target_bps / 1e6, s.encoder, s.encode_ms, s.convert_ms, s.submit_to_send_ms, s.rtt_ms,
           s.loss * 100);
    fflush(stdout);
}

// ------------------------------------------------------------------------------------------------- streaming

// A host tensor as DLPack lays it out.
struct tensor {
    void *data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

static int stream(ovstream_server_t *server, const struct options *o, struct picture *picture)
{
    int64_t shape[3]             = { o->height, o->width, 4 };
    struct tensor tensor         = { picture_pixels(picture), 1, 0, 3, 1, 8, 1, shape, NULL, 0 };
    ovstream_video_frame_t frame = { .buffer = &tensor };
    struct stamp stamp           = { 0 };
    int64_t start = clock_mono_ns(), due = start, report = start + 1000000000;
    for (uint64_t n = 0; !atomic_load(&interrupted); n++) {
        if (!picture_next(picture, n)) {
            fprintf(stderr, "bench stream: cannot read %s\n", o->file);
            return EXIT_FAILED;
        }
        clock_sleep_until_ns(due);
        stamp.ticks   = stamp_ticks_now();
        stamp.counter = (uint16_t)n;
        stamp.echo    = (uint8_t)atomic_load(&echo);
        stamp_draw(picture_pixels(picture), (size_t)o->width * 4, &stamp);
        if (!OVSTREAM_OK(ovstream_stream_video(server, &frame)))
            return failed("cannot submit a frame");
        int64_t now = clock_mono_ns();
        due         = start + (int64_t)((double)(n + 1) * 1e9 / o->fps);
        if (now >= report) {
            print_stats(server);
            report += 1000000000;
        }
        if (o->duration_s > 0 && (double)(now - start) >= o->duration_s * 1e9)
            break;
    }
    return EXIT_OK;
}

static int start(ovstream_server_t *server, const struct options *o)
{
    ovstream_server_config_t config;
    ovstream_config_defaults(&config);
    config.width              = o->width;
    config.height             = o->height;
    config.target_fps         = (uint16_t)o->fps;
    config.stream_port        = (uint16_t)o->media_port;
    config.video_input        = OVSTREAM_VIDEO_INPUT_TENSOR;
    config.webrtc.signal_port = (uint16_t)o->signal_port;
    config.webrtc.public_ip   = (ovstream_string_t) { o->public_ip, strlen(o->public_ip) };
    set_extensions(server, o);
    if (!OVSTREAM_OK(ovstream_start(server, &config)))
        return failed("cannot start");
    printf("streaming %ux%u at %u frames per second\n"
           "WHEP       http://%s:%u/whep   (POST an SDP offer)\n"
           "WebSocket  ws://%s:%u/ws\n"
           "media      UDP port %u\n",
           o->width, o->height, o->fps, o->public_ip, o->signal_port, o->public_ip, o->signal_port, o->media_port);
    fflush(stdout);
    return EXIT_OK;
}

int bench_stream_run(int argc, char **argv)
{
    struct options o = { 1280, 720, 60, 8000000, 49100, 47998, 0, "127.0.0.1", NULL, false };
    int code         = parse_options(&o, argc, argv);
    if (code != EXIT_OK)
        return code < 0 ? EXIT_OK : code;
    struct picture *picture = picture_create(o.width, o.height, o.file);
    if (!picture) {
        fprintf(stderr, "bench stream: %s: %s\n", o.file ? o.file : "picture",
                o.file ? "cannot be opened, or is shorter than one I420 frame of this size" : "out of memory");
        return EXIT_FAILED;
    }
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    ovstream_server_t *server   = NULL;
    ovstream_init_config_t init = { on_log, NULL, o.verbose ? OVSTREAM_LOG_INFO : OVSTREAM_LOG_WARNING };
    ovstream_initialize(&init);
    if (!OVSTREAM_OK(ovstream_create_server(OVSTREAM_SERVER_WEBRTC, &server)))
        code = failed("cannot create the server");
    else
        code = start(server, &o);
    if (code == EXIT_OK) {
        code = stream(server, &o, picture);
        print_stats(server);
    }
    ovstream_destroy_server(server);
    ovstream_shutdown();
    picture_destroy(&picture);
    return code;
}
