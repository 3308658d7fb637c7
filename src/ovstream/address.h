// Which address to bind and which addresses to offer to clients.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "rtc.h"

struct address_plan {
    struct rtc_addr bind; // for both ports; port 0
    struct rtc_candidate candidates[RTC_MAX_CANDIDATES];
    size_t candidate_count;
};

#define ADDRESS_ERROR_SIZE 256

bool address_is_loopback(const struct rtc_addr *a);

/**
 * @param listen      "" or an IP address.
 * @param public_ip   "" or a list, separated by commas, of IP addresses and host names.
 * @return            false with a sentence in error: not an address, a name that does not resolve.
 *
 * Without `listen`: loopback, or every interface when public_ip names something else than loopback.
 */
bool address_plan_make(struct address_plan *plan, const char *listen, const char *public_ip,
                       char error[ADDRESS_ERROR_SIZE]);
void address_plan_set_port(struct address_plan *plan, uint16_t media_port);
