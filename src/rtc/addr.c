#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "rtc.h"

const char *rtc_result_name(int result)
{
    switch (result) {
    case RTC_OK: return "ok";
    case RTC_SKIPPED: return "skipped";
    case RTC_ERR_INVALID: return "invalid argument";
    case RTC_ERR_NOMEM: return "out of memory";
    case RTC_ERR_MALFORMED: return "malformed input";
    case RTC_ERR_FULL: return "no room";
    case RTC_ERR_STATE: return "not possible in this state";
    case RTC_ERR_UNSUPPORTED: return "not supported";
    case RTC_ERR_CRYPTO: return "cryptography failed";
    default: return "unknown result";
    }
}

const char *rtc_stage_name(enum rtc_stage stage)
{
    static const char *const names[] = { "description", "checks", "DTLS", "media", "reports" };
    return (size_t)stage < sizeof(names) / sizeof(names[0]) ? names[stage] : "unknown";
}

bool rtc_addr_equal(const struct rtc_addr *a, const struct rtc_addr *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool rtc_addr_from_sockaddr(struct rtc_addr *out, const struct sockaddr *sa)
{
    static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };
    *out = (struct rtc_addr) { 0 };
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
        out->family = 4;
        out->port   = ntohs(v4->sin_port);
        memcpy(out->ip, &v4->sin_addr, 4);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
        out->port = ntohs(v6->sin6_port);
        if (memcmp(&v6->sin6_addr, v4_mapped, 12) == 0) {
            out->family = 4;
            memcpy(out->ip, (const uint8_t *)&v6->sin6_addr + 12, 4);
        } else {
            out->family = 6;
            memcpy(out->ip, &v6->sin6_addr, 16);
        }
        return true;
    }
    return false;
}

size_t rtc_addr_to_sockaddr(const struct rtc_addr *a, bool v6_mapped, void *out)
{
    if (a->family == 4 && !v6_mapped) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };
        memcpy(&v4.sin_addr, a->ip, 4);
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
    if (a->family == 4) {
        uint8_t *ip = (uint8_t *)&v6.sin6_addr;
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, a->ip, 4);
    } else {
        memcpy(&v6.sin6_addr, a->ip, 16);
    }
    memcpy(out, &v6, sizeof(v6));
    return sizeof(v6);
}

bool rtc_addr_parse(struct rtc_addr *out, const char *text, uint16_t port)
{
    struct rtc_addr a = { .port = port };
    if (inet_pton(AF_INET, text, a.ip) == 1)
        a.family = 4;
    else if (inet_pton(AF_INET6, text, a.ip) == 1)
        a.family = 6;
    else
        return false;
    *out = a;
    return true;
}

const char *rtc_addr_format(const struct rtc_addr *a, char text[RTC_ADDR_TEXT_SIZE])
{
    char ip[INET6_ADDRSTRLEN] = "";
    if (a->family == 4 && inet_ntop(AF_INET, a->ip, ip, sizeof(ip)))
        snprintf(text, RTC_ADDR_TEXT_SIZE, "%s:%u", ip, a->port);
    else if (a->family == 6 && inet_ntop(AF_INET6, a->ip, ip, sizeof(ip)))
        snprintf(text, RTC_ADDR_TEXT_SIZE, "[%s]:%u", ip, a->port);
    else
        snprintf(text, RTC_ADDR_TEXT_SIZE, "none");
    return text;
}
