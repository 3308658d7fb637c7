// What `stagecast serve` was asked to do: command line, environment, configuration file, defaults.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX_ROOTS 16
#define OPTIONS_MAX_SIZE 8192 // largest width or height

enum camera_policy { CAMERA_POLICY_FIT, CAMERA_POLICY_STAGE, CAMERA_POLICY_PRESERVE };
enum navigation { NAVIGATION_SIMPLE, NAVIGATION_DCC };
enum framing { FRAMING_AUTO, FRAMING_FRAMED, FRAMING_PLAIN };

struct options {
    char *scene; // NULL = none
    char *asset_roots[OPTIONS_MAX_ROOTS];
    size_t asset_root_count;
    int64_t width, height, fps;
    int64_t http_port, signal_port, media_port; // 0 = an ephemeral one (HTTP) or the library's default
    char *listen, *public_ip; // public_ip NULL = 127.0.0.1 when listen is a loopback address, else none
    char *gpu;                // index of the device, NULL = the renderer's choice
    char *log_level;
    char *settings_file, *web_root, *config_file;
    int64_t camera_policy, navigation, framing; // the enums above
    int64_t load_timeout_s, cuda_device;        // cuda_device -1 = library default
    int64_t all_aovs;                           // 1 all displayable ones, 0 LdrColor only
    bool latency_stamp, clear_on_miss, multi_select, legacy_events, require_scene, ready_when_idle;
    bool restart_stream_on_disconnect;
};

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_BAD };

/**
 * Fill *o from defaults, the configuration file, the environment and argv, later ones winning.
 *
 * @param argv  argv[0] is the sub-command's name.
 * @param error Set to one line when the result is OPTIONS_BAD.
 * @return      OPTIONS_HELP when --help was asked for (nothing printed yet).
 */
enum options_result options_parse(struct options *o, int argc, char **argv, char *error, size_t error_size);
void options_finish(struct options *o);
void options_print_help(void);
// The address to advertise, "" for none.
const char *options_public_ip(const struct options *o);
