/*
 * Types of the ovstream C API, version 0.4. Binary layouts are those of ovstream 0.4.2 and 0.4.3; programs built
 * against 0.4.0 or 0.4.1 work too, because nothing they use has moved.
 *
 * Strings: exactly `length` bytes are read from a string handed in, a terminator is not needed, and a null `ptr` is
 * legal only with length 0. A string handed out has a non-null `ptr` and a zero byte at ptr[length].
 */
#ifndef OVSTREAM_OVSTREAM_TYPES_H
#define OVSTREAM_OVSTREAM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVSTREAM_VERSION_MAJOR 0
#define OVSTREAM_VERSION_MINOR 4
#define OVSTREAM_VERSION_PATCH 3

#ifndef OVSTREAM_API
#if defined(_WIN32) && defined(OVSTREAM_BUILD)
#define OVSTREAM_API __declspec(dllexport)
#elif defined(_WIN32)
#define OVSTREAM_API __declspec(dllimport)
#elif defined(__GNUC__)
#define OVSTREAM_API __attribute__((visibility("default")))
#else
#define OVSTREAM_API
#endif
#endif

#ifndef OVSTREAM_DEPRECATED
#if defined(__GNUC__)
#define OVSTREAM_DEPRECATED(msg) __attribute__((deprecated(msg)))
#elif defined(_MSC_VER)
#define OVSTREAM_DEPRECATED(msg) __declspec(deprecated(msg))
#else
#define OVSTREAM_DEPRECATED(msg)
#endif
#endif

/* True when the call that returned `r` succeeded. */
#define OVSTREAM_OK(r) ((r).status == OVSTREAM_API_SUCCESS)

/* An ovstream_string_t over a string literal; the terminator is not counted. */
#ifdef __cplusplus
#define OVSTREAM_STRING_LITERAL(s) (ovstream_string_t { (s), sizeof(s) - 1 })
#else
#define OVSTREAM_STRING_LITERAL(s) ((ovstream_string_t) { (s), sizeof(s) - 1 })
#endif

/* Pixel format of frames seen by a consumer: 8 bits each of blue, green, red, alpha, in this order. */
#define OVSTREAM_PIXEL_FORMAT_BGRA8 1u
/* The same under the name that 0.4.0 and 0.4.1 used. */
#define OVSTREAM_SHM_FORMAT_BGRA8 1u

/* Contacts in one touch event; more are cut off. */
#define OVSTREAM_MAX_TOUCH_POINTS 11

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ovstream_string_t {
    const char *ptr;
    size_t length; /* bytes, without a terminator */
} ovstream_string_t;

typedef enum ovstream_api_status_t {
    OVSTREAM_API_SUCCESS          = 0,
    OVSTREAM_API_ERROR            = 1, /* the system or a library below failed */
    OVSTREAM_API_TIMEOUT          = 2, /* a bounded wait ran out */
    OVSTREAM_API_INVALID_ARGUMENT = 3, /* null pointer, unknown enum value, value outside its rules */
    OVSTREAM_API_INVALID_STATE    = 4, /* the right call at the wrong moment */
    OVSTREAM_API_NOT_SUPPORTED    = 5, /* this transport can never do it */
} ovstream_api_status_t;

/* What every call returns. When status is not SUCCESS, ovstream_get_last_error() has the reason as text. */
typedef struct ovstream_result_t {
    ovstream_api_status_t status;
} ovstream_result_t;

/* DEFAULT and NONE are thresholds only; a log callback never receives them. */
typedef enum ovstream_log_level_t {
    OVSTREAM_LOG_DEFAULT = 0, /* as WARNING */
    OVSTREAM_LOG_VERBOSE = 1,
    OVSTREAM_LOG_INFO    = 2,
    OVSTREAM_LOG_WARNING = 3,
    OVSTREAM_LOG_ERROR   = 4,
    OVSTREAM_LOG_NONE    = 5, /* nothing at all, errors included */
} ovstream_log_level_t;

/* ---- input ---------------------------------------------------------------------------------------------------- */

typedef enum ovstream_key_state_t {
    OVSTREAM_KEY_STATE_UP   = 0,
    OVSTREAM_KEY_STATE_DOWN = 1,
} ovstream_key_state_t;

typedef enum ovstream_mouse_event_type_t {
    OVSTREAM_MOUSE_MOVE   = 0,
    OVSTREAM_MOUSE_WHEEL  = 1,
    OVSTREAM_MOUSE_BUTTON = 2,
} ovstream_mouse_event_type_t;

typedef enum ovstream_mouse_button_t {
    OVSTREAM_MOUSE_BUTTON_NONE   = 0,
    OVSTREAM_MOUSE_BUTTON_LEFT   = 1,
    OVSTREAM_MOUSE_BUTTON_MIDDLE = 2,
    OVSTREAM_MOUSE_BUTTON_RIGHT  = 3,
    OVSTREAM_MOUSE_BUTTON_EXTRA1 = 4,
    OVSTREAM_MOUSE_BUTTON_EXTRA2 = 5,
} ovstream_mouse_button_t;

typedef enum ovstream_gamepad_control_t {
    OVSTREAM_GAMEPAD_BTN_A              = 0,
    OVSTREAM_GAMEPAD_BTN_B              = 1,
    OVSTREAM_GAMEPAD_BTN_X              = 2,
    OVSTREAM_GAMEPAD_BTN_Y              = 3,
    OVSTREAM_GAMEPAD_BTN_LEFT_SHOULDER  = 4,
    OVSTREAM_GAMEPAD_BTN_RIGHT_SHOULDER = 5,
    OVSTREAM_GAMEPAD_BTN_BACK           = 6,
    OVSTREAM_GAMEPAD_BTN_START          = 7,
    OVSTREAM_GAMEPAD_BTN_LEFT_THUMB     = 8,
    OVSTREAM_GAMEPAD_BTN_RIGHT_THUMB    = 9,
    OVSTREAM_GAMEPAD_BTN_DPAD_UP        = 10,
    OVSTREAM_GAMEPAD_BTN_DPAD_DOWN      = 11,
    OVSTREAM_GAMEPAD_BTN_DPAD_LEFT      = 12,
    OVSTREAM_GAMEPAD_BTN_DPAD_RIGHT     = 13,
    OVSTREAM_GAMEPAD_AXIS_LEFT_X        = 14,
    OVSTREAM_GAMEPAD_AXIS_LEFT_Y        = 15,
    OVSTREAM_GAMEPAD_AXIS_RIGHT_X       = 16,
    OVSTREAM_GAMEPAD_AXIS_RIGHT_Y       = 17,
    OVSTREAM_GAMEPAD_TRIGGER_LEFT       = 18,
    OVSTREAM_GAMEPAD_TRIGGER_RIGHT      = 19,
    OVSTREAM_GAMEPAD_NUM_CONTROLS       = 20,
} ovstream_gamepad_control_t;

typedef enum ovstream_touch_phase_t {
    OVSTREAM_TOUCH_PHASE_UNKNOWN = 0,
    OVSTREAM_TOUCH_PHASE_DOWN    = 1,
    OVSTREAM_TOUCH_PHASE_UP      = 2,
    OVSTREAM_TOUCH_PHASE_MOVE    = 3,
    OVSTREAM_TOUCH_PHASE_CANCEL  = 4,
} ovstream_touch_phase_t;

/* Says which member of ovstream_input_event_t's union is set. */
typedef enum ovstream_input_event_type_t {
    OVSTREAM_INPUT_KEYBOARD = 0,
    OVSTREAM_INPUT_MOUSE    = 1,
    OVSTREAM_INPUT_GAMEPAD  = 2,
    OVSTREAM_INPUT_TOUCH    = 3, /* 0.4.2 and later */
} ovstream_input_event_type_t;

/*
 * Modifier bits, in every event: 0x0001 Shift, 0x0002 Control, 0x0004 Alt, 0x0008 Meta, 0x0010 Caps Lock.
 * Timestamps are the client's capture time in microseconds, 0 when unknown.
 *
 * Key codes from WebRTC clients: printable keys are upper-case ASCII (space 0x20, digits, letters, ' , - . / ; = [ \ ]),
 * 0x005E the key beside left Shift, 0x005F yen, 0x0060 hangul, 0x0061 hanja, 0x0062 ro, 0x00C0 back-quote,
 * 0x00D7 and 0x00F7 keypad multiply and divide;
 * 0x0100 Escape, 0x0101 Tab, 0x0102 back-tab, 0x0103 Backspace, 0x0104 Return, 0x0105 Enter (keypad), 0x0106 Insert,
 * 0x0107 Delete, 0x0108 Pause, 0x0109 Print, 0x010A Clear; 0x01F0 kana, 0x01F1 henkan, 0x01F2 muhenkan;
 * 0x0200 Home, 0x0201 End, 0x0202 Left, 0x0203 Up, 0x0204 Right, 0x0205 Down, 0x0206 Page Up, 0x0207 Page Down;
 * 0x0301..0x0303 Shift (either, left, right), 0x0304..0x0306 Control, 0x0307..0x0309 Alt, 0x0310..0x0312 Meta;
 * 0x0400..0x0417 F1 to F24; 0x0501 Caps Lock, 0x0502 Num Lock, 0x0503 Scroll Lock;
 * 0x0600..0x0609 keypad digits, 0x060A add, 0x060B subtract, 0x060C decimal, 0x060D..0x0617 keypad Insert, End, Down,
 * Page Down, Left, Clear, Right, Home, Up, Page Up, Delete. 0 is no key, 0xFFFF all keys.
 */
typedef struct ovstream_keyboard_event_t {
    uint16_t key_code;  /* logical key, table above */
    uint16_t scan_code; /* raw code of the client */
    uint16_t modifiers;
    ovstream_key_state_t key_state; /* auto-repeat arrives as repeated DOWN */
    uint64_t timestamp_us;
} ovstream_keyboard_event_t;

typedef struct ovstream_mouse_event_t {
    ovstream_mouse_event_type_t type;
    uint16_t modifiers;
    int32_t x, y;  /* origin top left, in the space whose size a MOVE gives */
    int32_t data;  /* MOVE: width of the coordinate space; BUTTON: an ovstream_mouse_button_t; WHEEL: unused */
    int32_t data2; /* MOVE: height of the coordinate space; otherwise unused */
    ovstream_key_state_t button_state; /* BUTTON only */
    uint64_t timestamp_us;
    float scroll_x, scroll_y; /* WHEEL only, in notches, positive y is away from the user */
} ovstream_mouse_event_t;

/* One control per event. */
typedef struct ovstream_gamepad_event_t {
    ovstream_gamepad_control_t control;
    int16_t position;   /* button 0 or 1, axis -32768..32767, trigger 0..32767 */
    uint8_t gamepad_id; /* 0..3 */
    uint64_t timestamp_us;
} ovstream_gamepad_event_t;

typedef struct ovstream_touch_point_t {
    uint16_t id;              /* the same for the life of one contact */
    float x, y;               /* 0..1 of the picture, origin top left */
    float x_radius, y_radius; /* 0 when unknown */
    ovstream_touch_phase_t phase;
    uint64_t timestamp_us;
} ovstream_touch_point_t;

typedef struct ovstream_touch_event_t {
    uint8_t point_count; /* at most OVSTREAM_MAX_TOUCH_POINTS */
    uint8_t low_level;   /* 1: points carry phase, radii, time; 0: the four fields below are filled instead */
    uint16_t modifiers;
    uint16_t source_width, source_height;
    uint64_t timestamp_us;
    ovstream_touch_point_t points[OVSTREAM_MAX_TOUCH_POINTS];
} ovstream_touch_event_t;

typedef struct ovstream_input_event_t {
    ovstream_input_event_type_t type;
    union {
        ovstream_keyboard_event_t keyboard;
        ovstream_mouse_event_t mouse;
        ovstream_gamepad_event_t gamepad;
        ovstream_touch_event_t touch;
    };
} ovstream_input_event_t;

/* ---- set-up --------------------------------------------------------------------------------------------------- */

typedef enum ovstream_server_type_t {
    OVSTREAM_SERVER_WEBRTC  = 0,
    OVSTREAM_SERVER_NATIVE  = 1,
    OVSTREAM_SERVER_RTSP    = 2,
    OVSTREAM_SERVER_SHM     = 3, /* host memory shared with another process */
    OVSTREAM_SERVER_CUDASHM = 4, /* device memory shared with another process */
} ovstream_server_type_t;

/* What ovstream_video_frame_t.buffer points at. */
typedef enum ovstream_video_input_t {
    OVSTREAM_VIDEO_INPUT_CUDA   = 0, /* BGRA8 pixels in device memory: width, height, pitch_bytes set, size_bytes 0 */
    OVSTREAM_VIDEO_INPUT_TENSOR = 1, /* a DLTensor of shape {height, width, 4}, unsigned 8 bit; sizes ignored */
    OVSTREAM_VIDEO_INPUT_CUSTOM = 2, /* RTSP only: encoded host memory for the configured pipeline */
    OVSTREAM_VIDEO_INPUT_H264   = 3, /* one access unit, start codes, host memory: size_bytes set, pitch_bytes 0 */
    OVSTREAM_VIDEO_INPUT_H265   = 4,
    OVSTREAM_VIDEO_INPUT_AV1    = 5,
} ovstream_video_input_t;

typedef struct ovstream_server_t ovstream_server_t;

/* Up to three comma-separated URLs of the schemes stun, stuns, turn, turns. */
typedef struct ovstream_webrtc_ice_server_t {
    ovstream_string_t urls;
    ovstream_string_t username;   /* TURN only */
    ovstream_string_t credential; /* TURN only */
} ovstream_webrtc_ice_server_t;

typedef struct ovstream_webrtc_ice_config_t {
    const ovstream_webrtc_ice_server_t *servers;
    uint32_t server_count;
} ovstream_webrtc_ice_config_t;

/*
 * Runs on whichever thread logs; no library lock is held. `channel` names the part of the library, `timestamp` is
 * monotonic seconds above zero. The strings live until the callback returns.
 */
typedef void (*ovstream_log_callback_t)(ovstream_log_level_t severity, ovstream_string_t message,
                                        ovstream_string_t channel, double timestamp, void *user_data);

/*
 * The callbacks below run on a thread of the library, never two of one server at the same time, with no lock held:
 * ovstream_stream_video and ovstream_send_message may be called inside, ovstream_stop and ovstream_destroy_server not.
 * For one client `connected` true comes first and false last. Data pointed at dies with the callback.
 */
typedef void (*ovstream_connection_callback_t)(ovstream_server_t *server, bool connected, void *user_data);
typedef void (*ovstream_message_callback_t)(ovstream_server_t *server, ovstream_string_t message, void *user_data);
typedef void (*ovstream_input_callback_t)(ovstream_server_t *server, const ovstream_input_event_t *event,
                                          void *user_data);
/* Composed text (input methods, emoji, paste), UTF-8. */
typedef void (*ovstream_unicode_callback_t)(ovstream_server_t *server, ovstream_string_t text, void *user_data);

typedef struct ovstream_init_config_t {
    ovstream_log_callback_t log_callback; /* may be null: nothing is logged */
    void *log_user_data;
    ovstream_log_level_t log_min_severity;
} ovstream_init_config_t;

/* Fill with ovstream_config_defaults first. Only the part of the chosen transport is read. */
typedef struct ovstream_server_config_t {
    uint32_t width, height; /* pixels; even, for transports that encode; 1920 x 1080 */
    uint16_t target_fps;    /* a hint for the encoder; 60, and 0 acts as 60 */
    uint16_t stream_port;   /* 0: WebRTC 47998/UDP, native 47999/UDP, RTSP 8554/TCP */
    ovstream_video_input_t video_input; /* CUDA */
    int32_t cuda_device;                /* -1: the library chooses */
    uintptr_t cuda_context;             /* CUcontext of the producer; 0: the device's primary context */
    struct {
        uint16_t signal_port;        /* TCP; 0 is 49100 */
        ovstream_string_t public_ip; /* address to offer to clients; empty: the machine's own */
    } webrtc;
    struct {
        ovstream_string_t pipeline;    /* CUSTOM only */
        ovstream_string_t mount_point; /* empty is /stream */
    } rtsp;
    struct {
        ovstream_string_t stream_name; /* empty is ovstream-<pid>; at most 63 bytes, no '/' */
        uint32_t slot_count;           /* 0 is 3; 2..8 */
    } shm;
    struct {
        ovstream_string_t stream_name; /* empty is ovstream-<pid>; at most 63 bytes, no '/' */
        uint32_t slot_count;           /* 0 is 4; 2..8 */
    } cudashm;
} ovstream_server_config_t;

/* ---- media ---------------------------------------------------------------------------------------------------- */

/* When device pixels are ready. Both zero: now. The event wins over the stream. */
typedef struct ovstream_cuda_sync_t {
    uintptr_t stream;     /* CUstream to wait for */
    uintptr_t wait_event; /* CUevent to wait for */
} ovstream_cuda_sync_t;

/* The buffer is the caller's again when ovstream_stream_video returns. */
typedef struct ovstream_video_frame_t {
    void *buffer; /* see ovstream_video_input_t */
    uint32_t width, height;
    uint32_t pitch_bytes;
    uint32_t size_bytes;
    uint64_t start_timestamp_ns, ended_timestamp_ns; /* monotonic; 0: the library chooses */
    const void *metadata; /* RTSP with encoded input: sent as SEI; ignored elsewhere */
    uint32_t metadata_size;
    const uint8_t *metadata_uuid; /* 16 bytes; null: no metadata */
    ovstream_cuda_sync_t sync;
} ovstream_video_frame_t;

/* Interleaved PCM, 16 bit, little-endian. */
typedef struct ovstream_audio_frame_t {
    void *buffer;
    uint32_t size_bytes; /* whole sample frames */
    uint32_t channels;
    uint32_t sample_rate;
    uint32_t bits_per_sample; /* 16 */
} ovstream_audio_frame_t;

#ifdef __cplusplus
}
#endif

#endif
