#include "protocol.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------------------------------------------
// Decoding

// Nesting is bounded before the parser recurses.
static bool too_deep(const char *data, size_t size)
{
    int depth   = 0;
    bool string = false;
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        if (string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                string = false;
        } else if (c == '"') {
            string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > PROTOCOL_MAX_DEPTH)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

static bool too_long(json_t *v)
{
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_array(v)) {
        if (json_array_size(v) > PROTOCOL_MAX_ITEMS)
            return true;
        json_array_foreach(v, i, item)
            if (too_long(item))
                return true;
    } else if (json_is_object(v)) {
        if (json_object_size(v) > PROTOCOL_MAX_ITEMS)
            return true;
        json_object_foreach(v, key, item)
            if (too_long(item))
                return true;
    }
    return false;
}

static json_t *parse(const char *data, size_t size, const char **why)
{
    *why = "too long";
    if (size > PROTOCOL_MAX_INBOUND)
        return NULL;
    *why = "nested too deeply";
    if (too_deep(data, size))
        return NULL;
    *why           = "not a JSON object";
    json_t *parsed = json_loadb(data, size, 0, NULL);
    if (json_is_object(parsed) && !too_long(parsed))
        return parsed;
    json_decref(parsed);
    return NULL;
}

json_t *protocol_decode(const char *data, size_t size, bool *framed, const char **why)
{
    *framed     = false;
    json_t *msg = parse(data, size, why);
    for (int level = 0; msg && level <= 4; level++) {
        const char *to = json_string_value(json_object_get(msg, "messageRecipient"));
        if (to && !strcmp(to, "stream")) {
            *why = NULL;
            break;
        }
        json_t *type = json_object_get(msg, "event_type");
        if (json_is_string(type) && json_string_length(type)) {
            if (!json_is_object(json_object_get(msg, "payload")))
                json_object_set_new(msg, "payload", json_object());
            *why = NULL;
            return msg;
        }
        json_t *data_member = json_object_get(msg, "data");
        json_t *inner       = NULL;
        if (type)
            *why = "event_type is not a string";
        else if (json_is_string(data_member))
            inner = parse(json_string_value(data_member), json_string_length(data_member), why);
        else if (json_is_object(data_member))
            inner = json_incref(data_member);
        else
            *why = "no event_type";
        json_decref(msg);
        msg     = inner;
        *framed = true;
    }
    json_decref(msg);
    return NULL;
}

bool protocol_prim_path(json_t *value, char *out, size_t out_size)
{
    const char *s = json_string_value(value);
    size_t n      = json_string_length(value);
    if (!s || n == 0 || n >= out_size || s[0] != '/' || strlen(s) != n)
        return false;
    while (n > 1 && s[n - 1] == '/')
        n--;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        bool name = c == '_' || c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '/' ? i > 0 && s[i - 1] == '/' : !name)
            return false;
        if (c >= '0' && c <= '9' && s[i - 1] == '/')
            return false;
    }
    memcpy(out, s, n);
    out[n] = '\0';
    return true;
}

json_t *protocol_number(double v)
{
    if (isnan(v))
        return json_string("NaN");
    if (isinf(v))
        return json_string(v > 0 ? "Infinity" : "-Infinity");
    return json_real(v);
}

// ---------------------------------------------------------------------------------------------------
// Encoding

#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) // 0.1 stays 0.1

static const char frame_head[] = "{\"messageType\":\"json\",\"messageRecipient\":\"app\",\"data\":\"";
static const char frame_tail[] = "\"}";

// Bytes that text takes inside the (possibly framed) message. Control characters are escaped already.
static size_t wire_size(const char *text, size_t n, bool framed)
{
    size_t total = n;
    for (size_t i = 0; framed && i < n; i++)
        total += text[i] == '"' || text[i] == '\\';
    return total;
}

static size_t json_wire_size(json_t *v, bool framed)
{
    char *text   = json_dumps(v, DUMP_FLAGS);
    size_t total = text ? wire_size(text, strlen(text), framed) : SIZE_MAX / 4;
    free(text);
    return total;
}

static char *dump(const char *event_type, json_t *payload, bool framed, size_t *size)
{
    json_t *envelope = json_pack("{s:s, s:O}", "event_type", event_type, "payload", payload);
    char *inner      = envelope ? json_dumps(envelope, DUMP_FLAGS) : NULL;
    json_decref(envelope);
    if (!inner)
        return NULL;
    size_t n = strlen(inner);
    if (!framed) {
        *size = n;
        return inner;
    }
    char *out = malloc(sizeof(frame_head) + sizeof(frame_tail) + wire_size(inner, n, true));
    if (out) {
        char *p = out;
        memcpy(p, frame_head, sizeof(frame_head) - 1);
        p += sizeof(frame_head) - 1;
        for (size_t i = 0; i < n; i++) {
            if (inner[i] == '"' || inner[i] == '\\')
                *p++ = '\\';
            *p++ = inner[i];
        }
        memcpy(p, frame_tail, sizeof(frame_tail));
        *size = (size_t)(p - out) + sizeof(frame_tail) - 1;
    }
    free(inner);
    return out;
}

static const char *const list_members[] = { "children", "prims", "scenes", "assets", "cameras", NULL };

// Payload with `member` emptied and the marks set; what remains is filled until `room` is used up.
static json_t *with_marks(json_t *payload, const char *member, json_t *replacement)
{
    json_t *out = json_copy(payload);
    json_object_set_new(out, member, replacement);
    json_object_set_new(out, "truncated", json_true());
    json_object_set_new(out, "omitted_count", json_integer(999999999999)); // reserves the digits
    return out;
}

static size_t base_size(const char *event_type, json_t *payload, bool framed)
{
    size_t n   = SIZE_MAX / 4;
    char *text = dump(event_type, payload, framed, &n);
    free(text);
    return n;
}

static json_t *trim_list(const char *event_type, json_t *payload, const char *member, bool framed, size_t cap)
{
    json_t *kept = json_array(), *list = json_object_get(payload, member);
    json_t *out  = with_marks(payload, member, kept);
    size_t used  = base_size(event_type, out, framed), i;
    json_t *item;
    json_array_foreach(list, i, item) {
        size_t n = json_wire_size(item, framed) + 1;
        if (used + n > cap)
            break;
        used += n;
        json_array_append(kept, item);
    }
    json_object_set_new(out, "omitted_count", json_integer((json_int_t)(json_array_size(list) - json_array_size(kept))));
    return out;
}

static json_t *trim_object(const char *event_type, json_t *payload, const char *member, bool framed, size_t cap)
{
    json_t *kept   = json_object();
    json_t *out    = with_marks(payload, member, kept);
    size_t used    = base_size(event_type, out, framed);
    json_int_t omitted = 0;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(payload, member), key, value) {
        json_t *name = json_string(key);
        size_t n     = json_wire_size(name, framed) + 1 + json_wire_size(value, framed) + 1;
        json_decref(name);
        if (used + n > cap) {
            omitted++;
            continue;
        }
        used += n;
        json_object_set(kept, key, value);
    }
    json_object_set_new(out, "omitted_count", json_integer(omitted));
    return out;
}

// Whole variant sets go from the end; a first set that is too large alone keeps a prefix of its options.
static json_t *trim_variants(const char *event_type, json_t *payload, bool framed, size_t cap)
{
    json_t *kept = json_object();
    json_t *out  = with_marks(payload, "variants", kept);
    size_t used  = base_size(event_type, out, framed), total = 0;
    const char *key;
    json_t *set;
    bool full = false;
    json_object_foreach(json_object_get(payload, "variants"), key, set) {
        total++;
        if (full)
            continue;
        json_t *name = json_string(key);
        size_t n     = json_wire_size(name, framed) + 2;
        json_decref(name);
        if (used + n + json_wire_size(set, framed) <= cap) {
            used += n + json_wire_size(set, framed);
            json_object_set(kept, key, set);
            continue;
        }
        full = true;
        if (json_object_size(kept))
            continue;
        json_t *part = json_copy(set), *options = json_array(), *option;
        json_object_set_new(part, "options", options);
        used += n + json_wire_size(part, framed);
        size_t i;
        json_array_foreach(json_object_get(set, "options"), i, option) {
            used += json_wire_size(option, framed) + 1;
            if (used > cap)
                break;
            json_array_append(options, option);
        }
        json_object_set_new(kept, key, part);
    }
    json_object_set_new(out, "omitted_count", json_integer((json_int_t)(total - json_object_size(kept))));
    return out;
}

static json_t *keep_identity(json_t *payload)
{
    static const char *const members[] = { "prim_path", "url", "request_id", "result", "key", "code", NULL };
    json_t *out = json_object();
    for (size_t i = 0; members[i]; i++) {
        json_t *v = json_object_get(payload, members[i]);
        if (v && json_wire_size(v, true) < 512)
            json_object_set(out, members[i], v);
    }
    json_object_set_new(out, "truncated", json_true());
    json_object_set_new(out, "error", json_string("payload too large"));
    return out;
}

static json_t *trimmed(const char *event_type, json_t *payload, bool framed, size_t cap)
{
    if (json_is_object(json_object_get(payload, "properties")))
        return trim_object(event_type, payload, "properties", framed, cap);
    if (json_is_object(json_object_get(payload, "variants")))
        return trim_variants(event_type, payload, framed, cap);
    for (size_t i = 0; list_members[i]; i++)
        if (json_is_array(json_object_get(payload, list_members[i])))
            return trim_list(event_type, payload, list_members[i], framed, cap);
    return keep_identity(payload);
}

char *protocol_encode(const char *event_type, json_t *payload, bool framed, long long max_bytes, size_t *size)
{
    size_t cap = PROTOCOL_CAP;
    if (max_bytes > 0 && max_bytes < PROTOCOL_CAP)
        cap = max_bytes < PROTOCOL_MIN_CAP ? PROTOCOL_MIN_CAP : (size_t)max_bytes;
    json_t *whole = payload ? json_incref(payload) : json_object();
    char *text    = dump(event_type, whole, framed, size);
    if (text && *size > cap) {
        free(text);
        json_t *less = trimmed(event_type, whole, framed, cap);
        text         = dump(event_type, less, framed, size);
        if (text && *size > cap) { // the other members alone are too long
            free(text);
            json_decref(less);
            less = keep_identity(whole);
            text = dump(event_type, less, framed, size);
        }
        json_decref(less);
    }
    json_decref(whole);
    return text;
}
