// Which web pages may use the signalling.
#pragma once

#include <stdbool.h>

#define ORIGIN_LIST_SIZE 512

/**
 * @param allowed   More pages: origins ("https://studio.example") separated by spaces or commas, or "*" for all; "" for
 *                  none.
 * @param origin    The Origin header; NULL: not a browser's cross-origin request, always allowed by itself.
 * @param host      The Host header, may be NULL.
 * @param loopback  The server listens on loopback only. Then Host must name loopback too: otherwise a foreign name that
 *                  resolves to 127.0.0.1 (DNS rebinding) would make a foreign page "same host".
 * @return          The page is listed, or its host equals the server's (any port), or both are names of loopback.
 */
bool origin_allowed(const char *allowed, const char *origin, const char *host, bool loopback);
