#include "address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

bool address_is_loopback(const struct rtc_addr *a)
{
    static const uint8_t v6_loopback[16] = { [15] = 1 };
    return a->family == 4 ? a->ip[0] == 127 : a->family == 6 && !memcmp(a->ip, v6_loopback, 16);
}

static bool is_any(const struct rtc_addr *a)
{
    static const uint8_t zero[16];
    return !memcmp(a->ip, zero, 16);
}

static bool is_link_local(const struct rtc_addr *a)
{
    return a->family == 6 ? a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80 : a->ip[0] == 169 && a->ip[1] == 254;
}

static void add_candidate(struct address_plan *plan, const struct rtc_addr *a, bool mapped)
{
    for (size_t i = 0; i < plan->candidate_count; i++)
        if (rtc_addr_equal(&plan->candidates[i].addr, a)) {
            plan->candidates[i].mapped &= mapped; // an address of this machine is not mapped, whoever named it
            return;
        }
    if (plan->candidate_count < RTC_MAX_CANDIDATES)
        plan->candidates[plan->candidate_count++] = (struct rtc_candidate) { *a, mapped };
}

static bool resolve(const char *name, struct rtc_addr *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG }, *list = NULL;
    if (rtc_addr_parse(out, name, 0))
        return true;
    // A name of letters, digits, dots and dashes only; the rest never resolves and only costs time.
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
            return false;
    if (getaddrinfo(name, NULL, &hints, &list))
        return false;
    bool found = list && rtc_addr_from_sockaddr(out, list->ai_addr);
    out->port  = 0;
    freeaddrinfo(list);
    return found;
}

// The entries of public_ip, as candidates.
static bool add_public(struct address_plan *plan, const char *text, char error[ADDRESS_ERROR_SIZE])
{
    while (*text) {
        char name[256];
        struct rtc_addr a;
        size_t n = strcspn(text, ",");
        const char *next = text + n + (text[n] == ',');
        while (n && isspace((unsigned char)*text))
            text++, n--;
        while (n && isspace((unsigned char)text[n - 1]))
            n--;
        snprintf(name, sizeof(name), "%.*s", (int)n, text);
        if (!n || n >= sizeof(name) || !resolve(name, &a) || is_any(&a)) {
            snprintf(error, ADDRESS_ERROR_SIZE, "webrtc.public_ip: \"%.100s\" is neither an address nor a host name", name);
            return false;
        }
        add_candidate(plan, &a, !address_is_loopback(&a));
        text = next;
    }
    return true;
}

static void add_interfaces(struct address_plan *plan, bool v4_only)
{
    struct ifaddrs *list = NULL;
    struct rtc_addr a;
    if (getifaddrs(&list) < 0)
        return;
    for (int loopback = 0; loopback < 2; loopback++) // last, for a browser on the same machine
        for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
            if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || !rtc_addr_from_sockaddr(&a, i->ifa_addr))
                continue;
            a.port = 0;
            if (is_link_local(&a) || (v4_only && a.family != 4) || address_is_loopback(&a) != (loopback == 1))
                continue;
            add_candidate(plan, &a, false);
        }
    freeifaddrs(list);
}

static bool have_ipv6(void)
{
    struct rtc_addr loopback;
    struct sockaddr_storage sa;
    rtc_addr_parse(&loopback, "::1", 0);
    int fd  = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&sa, (socklen_t)rtc_addr_to_sockaddr(&loopback, false, &sa)) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool address_plan_make(struct address_plan *plan, const char *listen, const char *public_ip,
                       char error[ADDRESS_ERROR_SIZE])
{
    *plan = (struct address_plan) { 0 };
    if (!add_public(plan, public_ip, error))
        return false;
    bool remote = false;
    for (size_t i = 0; i < plan->candidate_count; i++)
        remote |= !address_is_loopback(&plan->candidates[i].addr);
    if (!*listen)
        listen = !remote ? "127.0.0.1" : have_ipv6() ? "::" : "0.0.0.0";
    if (!rtc_addr_parse(&plan->bind, listen, 0)) {
        snprintf(error, ADDRESS_ERROR_SIZE, "listen address: \"%.100s\" is not an IP address", listen);
        return false;
    }
    if (is_any(&plan->bind))
        add_interfaces(plan, plan->bind.family == 4);
    else
        add_candidate(plan, &plan->bind, false);
    return true;
}

void address_plan_set_port(struct address_plan *plan, uint16_t media_port)
{
    for (size_t i = 0; i < plan->candidate_count; i++)
        plan->candidates[i].addr.port = media_port;
}
