#include "origin.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *text;
    size_t size;
};

// The host of "host", "host:port", "[v6]" or "[v6]:port", without brackets.
static struct span host_part(const char *authority, size_t size)
{
    if (size && authority[0] == '[') {
        const char *end = memchr(authority, ']', size);
        return end ? (struct span) { authority + 1, (size_t)(end - authority) - 1 } : (struct span) { "", 0 };
    }
    const char *colon = memchr(authority, ':', size);
    return (struct span) { authority, colon ? (size_t)(colon - authority) : size };
}

static bool equals(struct span s, const char *text) { return strlen(text) == s.size && !strncasecmp(s.text, text, s.size); }

static bool is_loopback(struct span s)
{
    static const char suffix[] = ".localhost"; // RFC 6761 section 6.3
    size_t n                   = sizeof(suffix) - 1;
    if (s.size > n && !strncasecmp(s.text + s.size - n, suffix, n))
        return true;
    // A name may begin with "127." too: only digits and dots are an address.
    bool v4 = s.size > 4 && !strncmp(s.text, "127.", 4);
    for (size_t i = 0; i < s.size && v4; i++)
        v4 = s.text[i] == '.' || (s.text[i] >= '0' && s.text[i] <= '9');
    return v4 || equals(s, "localhost") || equals(s, "::1");
}

static bool listed(const char *allowed, const char *origin)
{
    static const char separators[] = " ,";
    while (*(allowed += strspn(allowed, separators))) {
        struct span one = { allowed, strcspn(allowed, separators) };
        if (equals(one, "*") || (origin && equals(one, origin)))
            return true;
        allowed += one.size;
    }
    return false;
}

bool origin_allowed(const char *allowed, const char *origin, const char *host, bool loopback)
{
    if (listed(allowed, origin))
        return true;
    struct span to = host ? host_part(host, strlen(host)) : (struct span) { "", 0 };
    if (loopback && host && !is_loopback(to))
        return false;
    if (!origin)
        return true;
    const char *rest = strstr(origin, "://");
    if (!rest) // "null": a sandboxed page or a local file
        return false;
    rest += 3;
    struct span from = host_part(rest, strcspn(rest, "/"));
    if (!from.size || !to.size)
        return false;
    return (from.size == to.size && !strncasecmp(from.text, to.text, to.size)) || (is_loopback(from) && is_loopback(to));
}
