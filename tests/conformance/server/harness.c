#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "serve.h"

static char folder[256];
static pthread_t serve_thread;
static int serve_code;
static bool serve_ended, serve_joined = true;
static int port;

// ---------------------------------------------------------------------------------------------------
// The log

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char *log_text;
static size_t log_size;
static size_t per_level[8];

static void sink(enum log_level level, const char *channel, const char *message, void *user)
{
    (void)user;
    pthread_mutex_lock(&log_lock);
    size_t n = strlen(channel) + strlen(message) + 4;
    log_text = realloc(log_text, log_size + n + 1);
    log_size += (size_t)sprintf(log_text + log_size, "%s: %s\n", channel, message);
    per_level[level]++;
    const char *p = strstr(message, "open http://127.0.0.1:");
    if (p)
        port = atoi(p + 22);
    pthread_mutex_unlock(&log_lock);
}

size_t log_count(const char *text)
{
    size_t n = 0;
    pthread_mutex_lock(&log_lock);
    for (const char *p = log_text; p && (p = strstr(p, text)); p += strlen(text))
        n++;
    pthread_mutex_unlock(&log_lock);
    return n;
}

size_t log_levels(int level)
{
    pthread_mutex_lock(&log_lock);
    size_t n = per_level[level];
    pthread_mutex_unlock(&log_lock);
    return n;
}

bool log_wait(const char *text, int timeout_ms)
{
    int64_t until = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    while (!log_count(text)) {
        if (clock_mono_ns() > until)
            return false;
        clock_sleep_until_ns(clock_mono_ns() + 2000000);
    }
    return true;
}

// ---------------------------------------------------------------------------------------------------
// Scenes

static void write_scene(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void write_big(void)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/root/big.usda", folder);
    FILE *f = fopen(path, "w");
    fputs("#usda 1.0\n(\n    defaultPrim = \"World\"\n)\n\ndef Xform \"World\"\n{\n", f);
    for (int i = 0; i < 5000; i++)
        fprintf(f, "    custom string note%04d = \"quotes \\\" and back\\\\slashes, many of them\"\n", i);
    for (int i = 0; i < 20000; i++)
        fprintf(f, "    def Cube \"Cube_%05d\"\n    {\n    }\n", i);
    fputs("}\n", f);
    fclose(f);
}

void harness_make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/stagecast-serve-XXXXXX");
    assert_non_null(mkdtemp(folder));
    char path[512];
    snprintf(path, sizeof(path), "%s/root", folder);
    mkdir(path, 0700);
    write_scene("secret.usda", "#usda 1.0\ndef Xform \"Secret\"\n{\n}\n");
    write_scene("root/y.usda",
                "#usda 1.0\n(\n    defaultPrim = \"Other\"\n    upAxis = \"Y\"\n    metersPerUnit = 1\n)\n\n"
                "def Xform \"World\"\n{\n"
                "    def Xform \"Table\"\n    {\n        def Cube \"Top\"\n        {\n            double size = 2\n        }\n"
                "        def Sphere \"Leg\"\n        {\n            float3 xformOp:translate = (1, 2, 3)\n"
                "            uniform token[] xformOpOrder = [\"xformOp:translate\"]\n        }\n    }\n"
                "    def Scope \"Things\"\n    {\n    }\n"
                "    def SphereLight \"Lamp\"\n    {\n    }\n"
                "    def Camera \"Front\"\n    {\n        float focalLength = 35\n    }\n"
                "    def Mesh \"Tri\"\n    {\n        int[] faceVertexCounts = [3]\n        int[] faceVertexIndices = [0, 1, 2]\n"
                "        point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]\n    }\n"
                "    def Material \"Red\"\n    {\n    }\n"
                "    def Camera \"OmniverseKit_Persp\"\n    {\n    }\n"
                "    def Xform \"Off\" (\n        active = false\n    )\n    {\n    }\n"
                "    over \"JustOver\"\n    {\n    }\n}\n\ndef Xform \"Other\"\n{\n}\n");
    write_scene("root/z.usda",
                "#usda 1.0\n(\n    defaultPrim = \"Robot\"\n    upAxis = \"Z\"\n    metersPerUnit = 0.01\n)\n\ndef Xform \"Robot\"\n{\n"
                "    def Cube \"Body\"\n    {\n        double size = 100\n    }\n}\n");
    write_scene("root/plain.usda", "#usda 1.0\n\ndef Scope \"Render\"\n{\n}\n\ndef Xform \"First\"\n{\n    def Cube \"A\"\n    {\n    }\n}\n\ndef Xform \"Second\"\n{\n}\n");
    write_scene("root/broken.usda", "#usda 1.0\n\ndef Xform \"World\"\n{\n    float x = = 3\n}\n");
    write_scene("root/variants.usda",
                "#usda 1.0\n(\n    defaultPrim = \"World\"\n)\n\ndef Xform \"World\" (\n    variants = {\n        string finish = \"oak\"\n    }\n"
                "    prepend variantSets = \"finish\"\n)\n{\n    variantSet \"finish\" = {\n        \"oak\" {\n            def Cube \"Oak\"\n            {\n"
                "            }\n        }\n        \"walnut\" {\n            def Sphere \"Walnut\"\n            {\n            }\n        }\n    }\n}\n");
    write_big();
    snprintf(path, sizeof(path), "%s/root/link.usda", folder);
    char target[512];
    snprintf(target, sizeof(target), "%s/secret.usda", folder);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof(path), "%s/root/alias.usda", folder);
    snprintf(target, sizeof(target), "%s/root/y.usda", folder);
    assert_int_equal(symlink(target, path), 0);
}

void harness_remove_folder(void)
{
    char command[400];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

const char *harness_folder(void)
{
    static char root[300];
    snprintf(root, sizeof(root), "%s/root", folder);
    return root;
}

// ---------------------------------------------------------------------------------------------------
// The server

static char *arguments[40];
static int argument_count;

static void *serve_main(void *user)
{
    (void)user;
    serve_code = serve_run(argument_count, arguments);
    __atomic_store_n(&serve_ended, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void add(const char *text) { arguments[argument_count++] = strdup(text); }

void serve_start(const char *first, ...)
{
    sigset_t signals;
    char settings[400];
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    pthread_mutex_lock(&log_lock);
    free(log_text);
    log_text = NULL;
    log_size = 0;
    memset(per_level, 0, sizeof(per_level));
    pthread_mutex_unlock(&log_lock);
    log_set_sink(sink, NULL);
    port = 0;
    add("serve");
    char w[16], h[16];
    snprintf(w, sizeof(w), "%d", WIDTH);
    snprintf(h, sizeof(h), "%d", HEIGHT);
    const char *const always[] = { "--width", w, "--height", h, "--http-port", "0", "--fps", "60", "--asset-root", harness_folder(), "--log-level", "debug" };
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        add(always[i]);
    snprintf(settings, sizeof(settings), "%s/settings.json", folder);
    add("--settings");
    add(settings);
    va_list args;
    va_start(args, first);
    for (const char *a = first; a; a = va_arg(args, const char *))
        add(a);
    va_end(args);
    serve_ended = false;
    assert_int_equal(pthread_create(&serve_thread, NULL, serve_main, NULL), 0);
    serve_joined  = false;
    int64_t until = clock_mono_ns() + 20000000000;
    while (!fake_running() && !__atomic_load_n(&serve_ended, __ATOMIC_SEQ_CST) && clock_mono_ns() < until)
        clock_sleep_until_ns(clock_mono_ns() + 1000000);
    if (fake_running())
        log_wait("open http", 2000);
}

int serve_wait(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    if (serve_joined || pthread_timedjoin_np(serve_thread, NULL, &until) != 0)
        return -1;
    serve_joined = true;
    while (argument_count)
        free(arguments[--argument_count]);
    return serve_code;
}

int serve_stop(void)
{
    if (!__atomic_load_n(&serve_ended, __ATOMIC_SEQ_CST))
        kill(getpid(), SIGINT);
    return serve_wait();
}

int serve_port(void) { return port; }

int http_get(const char *method, const char *path, char **body, char **headers)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char request[1024], *all = calloc(1, 4000001);
    size_t size = 0;
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    int n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n", method ? method : "GET", path, port);
    assert_int_equal(write(fd, request, (size_t)n), n);
    for (ssize_t got; size < 4000000 && (got = read(fd, all + size, 4000000 - size)) > 0;)
        size += (size_t)got;
    close(fd);
    int status = 0;
    sscanf(all, "HTTP/1.1 %d", &status);
    char *end = strstr(all, "\r\n\r\n");
    if (body)
        *body = strdup(end ? end + 4 : "");
    if (end)
        *end = '\0';
    if (headers)
        *headers = strdup(all);
    free(all);
    return status;
}

// ---------------------------------------------------------------------------------------------------
// Talking to it

void ask(const char *event_type, const char *payload)
{
    char text[8192];
    int n = snprintf(text, sizeof(text), "{\"event_type\":\"%s\",\"payload\":%s}", event_type, payload ? payload : "{}");
    assert_true(n < (int)sizeof(text));
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    fake_message(text);
}

json_t *next_of(const char *event_type, size_t *from)
{
    json_t *m = fake_wait_sent(event_type, from, 8000);
    if (!m)
        fail_msg("no %s came", event_type);
    json_t *p = json_incref(json_object_get(m, "payload"));
    json_decref(m);
    return p;
}

json_t *ask_for(const char *event_type, const char *payload, const char *reply)
{
    size_t from = fake_sent_count();
    ask(event_type, payload);
    return next_of(reply, &from);
}

const char *text_of(json_t *payload, const char *key)
{
    const char *s = json_string_value(json_object_get(payload, key));
    return s ? s : "";
}

void mouse_move(int x, int y)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse = (ovstream_mouse_event_t) { .type = OVSTREAM_MOUSE_MOVE, .x = x, .y = y, .data = WIDTH, .data2 = HEIGHT };
    fake_input(&e);
}

void mouse_button(int button, bool down, int x, int y)
{
    ovstream_input_event_t e = { .type = OVSTREAM_INPUT_MOUSE };
    e.mouse = (ovstream_mouse_event_t) { .type = OVSTREAM_MOUSE_BUTTON, .x = x, .y = y, .data = button,
                                         .button_state = down ? OVSTREAM_KEY_STATE_DOWN : OVSTREAM_KEY_STATE_UP };
    fake_input(&e);
}

void click(int x, int y)
{
    mouse_button(1, true, x, y);
    mouse_button(1, false, x, y);
}
